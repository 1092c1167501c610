//! Asking a person before something is removed for good.
//!
//! Owns the question, in both ways that the protocol has: a request to the client up to version 2025-11-25, and
//! from 2026-07-28 on an answer that asks, with the call sent again. Nothing is remembered in between: what a
//! confirmation was for travels with it, as a digest.

use std::fmt::Write as _;
use std::time::Duration;

use super::call::Ready;
use crate::sanitize;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ring::digest;
use rmcp::model::{
    ElicitRequest, ElicitRequestParams, ElicitResult, ElicitationAction, ElicitationSchema,
    InputRequest, InputRequests, InputRequiredResult, InputResponses, ProtocolVersion,
};
use rmcp::service::RequestContext;
use rmcp::{Peer, RoleServer};

/// When a call that removes something asks for confirmation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Confirm {
    /// Where the client can ask its user.
    #[default]
    Auto,
    /// Always; clients that cannot ask are refused.
    Always,
    /// Never.
    Off,
}

/// How long a person has to answer.
const PATIENCE: Duration = Duration::from_secs(300);
/// Name of the question and of its one field.
const CONFIRM: &str = "confirm";
/// Longest value that a question shows, in characters.
const LONGEST_SHOWN: usize = 200;

/// What becomes of the question.
pub(super) enum Confirmation {
    /// Go on.
    Given,
    /// Stop, and why.
    Refused(String),
    /// The client is to ask, and to send the call again.
    Wanted(InputRequiredResult),
}

/// Who can be asked, and how.
pub(super) struct Questioner {
    when: Confirm,
    way: Way,
}

enum Way {
    /// There is nobody.
    None,
    /// By a request of ours.
    Request(Peer<RoleServer>),
    /// By an answer that asks; here is what came with the call, as far as it matters.
    Answer {
        answer: Option<Result<Answer, Unreadable>>,
        state: Option<String>,
    },
}

/// What somebody answered.
struct Answer {
    action: ElicitationAction,
    /// Whether the question's one field says so.
    confirmed: bool,
}

/// What was answered is no answer.
struct Unreadable;

impl From<ElicitResult> for Answer {
    fn from(answer: ElicitResult) -> Self {
        let said = answer
            .content
            .as_ref()
            .and_then(|content| content[CONFIRM].as_bool());
        Self {
            confirmed: said == Some(true),
            action: answer.action,
        }
    }
}

impl Questioner {
    /// For a call that nobody needs to confirm: who makes it is the person.
    pub(super) fn nobody() -> Self {
        Self {
            when: Confirm::Off,
            way: Way::None,
        }
    }

    /// For a call of a client.
    pub(super) fn of(
        when: Confirm,
        context: &RequestContext<RoleServer>,
        responses: Option<InputResponses>,
        state: Option<String>,
    ) -> Self {
        let elicitation = context
            .client_capabilities()
            .and_then(|capabilities| capabilities.elicitation);
        // A client that names neither form means the first.
        let asks = elicitation.is_some_and(|asks| asks.form.is_some() || asks.url.is_none());
        let newest = context
            .protocol_version()
            .is_some_and(|version| version.as_str() >= ProtocolVersion::V_2026_07_28.as_str());
        let way = match (asks, newest) {
            (false, _) => Way::None,
            (true, true) => Way::Answer {
                answer: responses
                    .and_then(|mut all| all.remove(CONFIRM))
                    .map(
                        |answer| match serde_json::from_value::<ElicitResult>(answer) {
                            Ok(answer) => Ok(answer.into()),
                            Err(_) => Err(Unreadable),
                        },
                    ),
                state,
            },
            (true, false) => Way::Request(context.peer.clone()),
        };
        Self { when, way }
    }

    /// Asks whether a call is meant, if it is to be asked.
    pub(super) async fn confirm(&self, ready: &Ready) -> Confirmation {
        if self.when == Confirm::Off {
            return Confirmation::Given;
        }
        match &self.way {
            Way::None if self.when == Confirm::Auto => Confirmation::Given,
            Way::None => Confirmation::Refused(format!(
                "`{}` must be confirmed by a person, and this client cannot ask one; nothing was sent.\nThe operator of this server can start it with --confirm-destructive auto, which asks only where that is possible.",
                ready.tool.name()
            )),
            Way::Request(peer) => {
                let answer = peer
                    .create_elicitation_with_timeout(question(ready), Some(PATIENCE))
                    .await;
                match answer {
                    Ok(answer) => judge(&answer.into(), ready),
                    Err(_) => Confirmation::Refused(unconfirmed(ready, "got no answer")),
                }
            }
            Way::Answer { answer, state } => {
                let digest = digest(ready);
                let Some(answer) = answer else {
                    let request = InputRequest::Elicitation(ElicitRequest::new(question(ready)));
                    let requests = InputRequests::from([(CONFIRM.to_owned(), request)]);
                    let question = InputRequiredResult::new(Some(requests), Some(digest));
                    return Confirmation::Wanted(question);
                };
                if state.as_ref() != Some(&digest) {
                    let reason = unconfirmed(ready, "was for another call");
                    return Confirmation::Refused(reason);
                }
                match answer {
                    Ok(answer) => judge(answer, ready),
                    Err(Unreadable) => Confirmation::Refused(unconfirmed(ready, "cannot be read")),
                }
            }
        }
    }
}

fn judge(answer: &Answer, ready: &Ready) -> Confirmation {
    match answer.action {
        ElicitationAction::Accept if answer.confirmed => Confirmation::Given,
        ElicitationAction::Cancel => Confirmation::Refused(unconfirmed(ready, "was cancelled")),
        _ => Confirmation::Refused(unconfirmed(ready, "was refused")),
    }
}

fn unconfirmed(ready: &Ready, what: &str) -> String {
    format!(
        "`{}` was not sent: its confirmation {what}. Do not try again unless the user asks for it.",
        ready.tool.name()
    )
}

/// The question. Its values are the caller's, and shown as JSON: as one line, without what changes how it reads.
fn question(ready: &Ready) -> ElicitRequestParams {
    let mut message = format!(
        "{}? {} removes it for good on {}.",
        ready.tool.title(),
        ready.tool.name(),
        ready.checked.connection.target()
    );
    for (name, value) in ready.checked.arguments.as_object().into_iter().flatten() {
        let shown = sanitize::clean(&value.to_string(), false).into_owned();
        let cut = shown.chars().count() > LONGEST_SHOWN;
        let shown: String = shown.chars().take(LONGEST_SHOWN).collect();
        let mark = if cut { " …" } else { "" };
        let _ = write!(message, "\n{name}: {shown}{mark}");
    }
    let schema = ElicitationSchema::builder()
        .required_bool_with(CONFIRM, |field| field.title("Remove it for good"))
        .build_unchecked();
    ElicitRequestParams::FormElicitationParams {
        meta: None,
        message,
        requested_schema: schema,
    }
}

/// What a confirmation is for: tool, target and arguments. The key is no part of it.
fn digest(ready: &Ready) -> String {
    let connection = &ready.checked.connection;
    let what = serde_json::json!([
        ready.tool.name(),
        connection.target().to_string(),
        ready.checked.arguments,
    ]);
    let hash = digest::digest(&digest::SHA256, what.to_string().as_bytes());
    URL_SAFE_NO_PAD.encode(hash)
}

#[cfg(test)]
#[allow(clippy::disallowed_types, reason = "they are messages of the protocol")]
mod tests {
    use serde_json::{Value, json};
    use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};

    use super::PATIENCE;
    use crate::opmanager::Http;
    use crate::server::{OpManagerServer, Settings};
    use crate::tools::{Access, Policy};
    use crate::transport::stdio::serve_over;

    #[tokio::test(start_paused = true)]
    async fn ar_13_a_question_that_nobody_answers_ends_and_the_call_is_not_sent() {
        let policy = Policy {
            access: Access::Destructive,
            tools: vec!["delete_alarm".parse().unwrap()],
            ..Policy::default()
        };
        let settings = Settings {
            policy,
            ..Settings::default()
        };
        let (client, ours) = tokio::io::duplex(4096);
        let (input, output) = tokio::io::split(ours);
        let server = OpManagerServer::new(settings, Http::default());
        tokio::spawn(serve_over(server, 65_536, input, output));
        let (answers, mut requests) = tokio::io::split(client);
        let mut answers = BufReader::new(answers).lines();
        // A port that nobody listens on: a request that is sent all the same is told as one.
        let arguments =
            json!({ "host": "127.0.0.1:9", "apiKey": "k", "use_ssl": false, "entity": "x" });
        for message in [
            json!({ "jsonrpc": "2.0", "id": 1, "method": "initialize", "params": {
                "protocolVersion": "2025-11-25",
                "capabilities": { "elicitation": {} },
                "clientInfo": { "name": "test", "version": "1" },
            }}),
            json!({ "jsonrpc": "2.0", "method": "notifications/initialized" }),
            json!({ "jsonrpc": "2.0", "id": 2, "method": "tools/call", "params": {
                "name": "delete_alarm", "arguments": arguments,
            }}),
        ] {
            requests
                .write_all(format!("{message}\n").as_bytes())
                .await
                .unwrap();
        }
        let mut next = async || -> Value {
            serde_json::from_str(&answers.next_line().await.unwrap().unwrap()).unwrap()
        };
        assert_eq!(next().await["id"], 1);
        assert_eq!(next().await["method"], "elicitation/create");
        let asked = tokio::time::Instant::now();
        let mut answer = next().await;
        while answer["id"] != 2 {
            answer = next().await;
        }
        assert!(asked.elapsed() >= PATIENCE);
        let text = answer["result"]["content"][0]["text"].as_str().unwrap();
        assert!(text.contains("got no answer"), "{text}");
    }
}
