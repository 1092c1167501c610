//! Asking a person before something is removed for good.
//!
//! Owns the question, in both ways that the protocol has: a request to the client up to version 2025-11-25, and
//! from 2026-07-28 on an answer that asks, with the call sent again. Nothing is remembered in between: what a
//! confirmation was for travels with it, as a digest. The digest covers everything that decides where and how a call
//! goes, but the key; the same confirmation, sent twice, confirms twice.

use std::fmt::Write as _;
use std::time::Duration;

use super::call::Ready;
use crate::opmanager::{Profile, Target, Trust};
use crate::result::Selection;
use crate::sanitize;
use crate::tools::arguments::Checked;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ring::digest;
use rmcp::model::{
    ElicitRequest, ElicitRequestParams, ElicitResult, ElicitationAction, ElicitationSchema,
    InputRequest, InputRequests, InputRequiredResult, InputResponses, ProtocolVersion,
};
use rmcp::service::RequestContext;
use rmcp::{Peer, RoleServer, ServiceError};
use serde::de::IgnoredAny;

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

/// How long a person has to answer, from one second to five minutes; then the question is withdrawn.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ConfirmTimeout(pub Duration);

impl Default for ConfirmTimeout {
    /// 50 seconds: common clients give a call up after a minute.
    fn default() -> Self {
        Self(Duration::from_secs(50))
    }
}

/// Name of the question and of its one field.
const CONFIRM: &str = "confirm";
/// Longest value that a question shows, in characters, beside the count of what is left out.
const LONGEST_SHOWN: usize = 200;
/// Most arguments that a question shows, beside the count of those that are left out.
const MOST_SHOWN: usize = 20;

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
pub(super) struct Confirmer {
    when: Confirm,
    timeout: ConfirmTimeout,
    way: AskVia,
}

enum AskVia {
    /// There is nobody.
    None,
    /// By a request of ours.
    Request(Peer<RoleServer>),
    /// By an answer that asks; here is what came with the call, as far as it matters.
    Answer {
        answer: Option<Result<Answer, InvalidReply>>,
        state: Option<String>,
    },
}

/// What somebody answered.
struct Answer {
    action: ElicitationAction,
    /// Whether the question's one field says so.
    confirmed: bool,
}

/// The reply could not be parsed.
struct InvalidReply;

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

impl Confirmer {
    /// For a call that nobody needs to confirm: who makes it is the person.
    pub(super) fn nobody() -> Self {
        Self {
            when: Confirm::Off,
            timeout: ConfirmTimeout::default(),
            way: AskVia::None,
        }
    }

    /// For a call of a client.
    pub(super) fn of(
        (when, timeout): (Confirm, ConfirmTimeout),
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
            (false, _) => AskVia::None,
            (true, true) => AskVia::Answer {
                answer: responses
                    .and_then(|mut all| all.remove(CONFIRM))
                    .map(
                        |answer| match serde_json::from_value::<ElicitResult>(answer) {
                            Ok(answer) => Ok(answer.into()),
                            Err(_) => Err(InvalidReply),
                        },
                    ),
                state,
            },
            (true, false) => AskVia::Request(context.peer.clone()),
        };
        Self { when, timeout, way }
    }

    /// Asks whether a call is meant, if it is to be asked.
    pub(super) async fn confirm(&self, ready: &Ready) -> Confirmation {
        if self.when == Confirm::Off {
            return Confirmation::Given;
        }
        match &self.way {
            AskVia::None if self.when == Confirm::Auto => Confirmation::Given,
            AskVia::None => Confirmation::Refused(format!(
                "`{}` must be confirmed by a person, and this client cannot ask one; nothing was sent.\nThe operator of this server can start it with --confirm-destructive auto, which asks only where that is possible.",
                ready.tool.name()
            )),
            AskVia::Request(peer) => {
                // When the time is over, the client is told that the request is cancelled, and takes its question back.
                let ConfirmTimeout(timeout) = self.timeout;
                let answer = peer
                    .create_elicitation_with_timeout(question(ready), Some(timeout))
                    .await;
                match answer {
                    Ok(answer) => judge(&answer.into(), ready),
                    Err(ServiceError::Timeout { .. }) => Confirmation::Refused(unconfirmed(
                        ready,
                        &format!("got no answer within {} seconds", timeout.as_secs()),
                    )),
                    Err(_) => Confirmation::Refused(unconfirmed(ready, "got no answer")),
                }
            }
            AskVia::Answer { answer, state } => {
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
                    Err(InvalidReply) => {
                        Confirmation::Refused(unconfirmed(ready, "cannot be read"))
                    }
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
    let target = ready.checked.connection.target();
    let mut message = format!(
        "{}? {} removes it for good on {target}.",
        ready.tool.title(),
        ready.tool.name(),
    );
    if let Some(weakness) = weakness(target, ready.profile) {
        let _ = write!(message, "\n{weakness}");
    }
    for (name, value) in ready.checked.connection.scope().parameters() {
        let _ = write!(message, "\n{name}: {value}");
    }
    let key = ready.checked.connection.key();
    message.push_str(&listed(&ready.checked.arguments, |text| key.redact(text)));
    let schema = ElicitationSchema::builder()
        .required_bool_with(CONFIRM, |field| field.title("Remove it for good"))
        .build_unchecked();
    ElicitRequestParams::FormElicitationParams {
        meta: None,
        message,
        requested_schema: schema,
    }
}

/// What a call gives up of the protection on its way, in words for the person who is asked.
fn weakness(target: &Target, profile: Option<Profile>) -> Option<&'static str> {
    match profile {
        _ if !target.tls() => Some(
            "WARNING: it goes over plain HTTP. Whoever is on the way can read the key and change what is removed.",
        ),
        Some(Profile::Unverified) => Some(
            "WARNING: the certificate is not verified (verify_ssl: false). It may be another server that is called, which then has the key.",
        ),
        Some(Profile::Verified | Profile::Pinned(_)) | None => None,
    }
}

/// The arguments as a question shows them, a line each.
#[allow(
    clippy::disallowed_types,
    reason = "they are the caller's, and no answer"
)]
fn listed(arguments: &serde_json::Value, redact: impl Fn(&str) -> Option<String>) -> String {
    let mut listed = String::new();
    let all = arguments.as_object();
    for (name, value) in all.into_iter().flatten().take(MOST_SHOWN) {
        let _ = write!(listed, "\n{name}: {}", shown(value, &redact));
    }
    let rest = all.map_or(0, |all| all.len().saturating_sub(MOST_SHOWN));
    if rest > 0 {
        let _ = write!(listed, "\n… (arguments left out: {rest})");
    }
    listed
}

/// A value as a question shows it: whole, or its beginning and the count of what is left out. A list has its number of
/// entries before it, so that a long one cannot pass for a short one.
#[allow(clippy::disallowed_types, reason = "it is the caller's, and no answer")]
fn shown(value: &serde_json::Value, redact: impl Fn(&str) -> Option<String>) -> String {
    // What is not seen is sent all the same, and must be seen by who says yes to it.
    let whole = sanitize::escaped(&value.to_string());
    let whole = redact(&whole).unwrap_or(whole);
    let mut shown =
        entries(value).map_or_else(String::new, |entries| format!("(entries: {entries}) "));
    shown.extend(whole.chars().take(LONGEST_SHOWN));
    let rest = whole.chars().count().saturating_sub(LONGEST_SHOWN);
    if rest > 0 {
        let _ = write!(shown, " … (characters left out: {rest})");
    }
    shown
}

/// How many entries a list has: a JSON array, also one in a text, or a text with separators. `None` for one value.
#[allow(clippy::disallowed_types, reason = "it is the caller's, and no answer")]
fn entries(value: &serde_json::Value) -> Option<usize> {
    use serde_json::Value;
    match value {
        Value::Array(items) => Some(items.len()),
        Value::String(text) => {
            if let Ok(items) = serde_json::from_str::<Vec<IgnoredAny>>(text) {
                return Some(items.len());
            }
            let items = text.split([',', ';', '|', '\n']);
            let items = items.filter(|item| !item.trim().is_empty()).count();
            (items > 1).then_some(items)
        }
        _ => None,
    }
}

/// What a confirmation is for: everything that decides what is called, where and how. The key is no part of it.
fn digest(ready: &Ready) -> String {
    // Taken apart whole, so that nothing that is added later is forgotten here.
    let Ready {
        tool,
        checked,
        profile,
    } = ready;
    let Checked {
        connection,
        arguments,
        selection,
    } = checked;
    let Selection {
        fields,
        limit,
        offset,
        query,
    } = selection;
    let target = connection.target();
    let trust = match connection.trust() {
        Trust::Verified => "verified",
        Trust::Unverified => "unverified",
    };
    let profile = match profile {
        None => "none".to_owned(),
        Some(profile @ (Profile::Verified | Profile::Unverified)) => profile.to_string(),
        Some(Profile::Pinned(certificate)) => {
            format!("pinned {}", URL_SAFE_NO_PAD.encode(certificate))
        }
    };
    let what = serde_json::json!([
        tool.name(),
        target.to_string(),
        target.tls(),
        trust,
        profile,
        arguments,
        [fields],
        limit,
        offset,
        query.identity(),
        connection.scope().parameters().collect::<Vec<_>>(),
    ]);
    let hash = digest::digest(&digest::SHA256, what.to_string().as_bytes());
    URL_SAFE_NO_PAD.encode(hash)
}

#[cfg(test)]
#[allow(clippy::disallowed_types, reason = "they are messages of the protocol")]
mod tests {
    use serde_json::{Value, json};
    use tokio::io::{
        AsyncBufReadExt, AsyncWriteExt, BufReader, DuplexStream, Lines, ReadHalf, WriteHalf,
    };

    use std::time::Duration;

    use super::{Confirm, ConfirmTimeout, LONGEST_SHOWN, MOST_SHOWN, entries, listed, shown};
    use crate::opmanager::Http;
    use crate::server::{OpManagerServer, Settings};
    use crate::tools::{Access, Policy};
    use crate::transport::stdio::serve_over;

    #[test]
    fn rt_33_a_list_is_shown_with_its_number_of_entries() {
        for (value, expected) in [
            (json!("one"), None),
            (json!("one, "), None),
            (json!("1,2,3"), Some(3)),
            (json!("1, 2,,3,"), Some(3)),
            (json!("1;2"), Some(2)),
            (json!("1|2"), Some(2)),
            (json!("1\n2"), Some(2)),
            (json!("[]"), Some(0)),
            (json!("[\"a\"]"), Some(1)),
            (json!(" [1, {\"a\": [2, 3]}, \"4,5\"] "), Some(3)),
            (json!("{\"a\": 1}"), None),
            (json!([1, 2]), Some(2)),
            (json!(12), None),
            (json!(true), None),
        ] {
            assert_eq!(entries(&value), expected, "{value}");
        }
    }

    #[test]
    fn rt_33_what_is_left_out_of_a_value_is_counted() {
        let none = |_: &str| None;
        assert_eq!(shown(&json!("1,2"), none), "(entries: 2) \"1,2\"");
        assert_eq!(shown(&json!(7), none), "7");
        // With its two quotation marks.
        let longest = "x".repeat(LONGEST_SHOWN - 2);
        assert_eq!(shown(&json!(longest), none), format!("\"{longest}\""));
        let longer = format!("{longest}y");
        assert_eq!(
            shown(&json!(longer), none),
            format!("\"{longest}y … (characters left out: 1)")
        );
        // A key is looked for in the whole value: half of one must not be left at the end.
        let key = |text: &str| Some(text.replace("secret", "[redacted]"));
        let value = json!(format!("{}secret", "x".repeat(LONGEST_SHOWN - 4)));
        assert!(!shown(&value, key).contains("sec"));
        for entries in [1_000, 100_000] {
            let ids: Vec<String> = (0..entries).map(|id| id.to_string()).collect();
            let shown = shown(&json!(ids.join(",")), none);
            assert!(shown.starts_with(&format!("(entries: {entries}) ")));
            assert!(shown.chars().count() < LONGEST_SHOWN + 100, "{shown}");
        }
    }

    #[test]
    fn rt_33_arguments_that_are_left_out_are_counted() {
        for (number, expected) in [(0, None), (MOST_SHOWN, None), (MOST_SHOWN + 2, Some(2))] {
            let all = (0..number).map(|number| (format!("a{number}"), json!(number)));
            let listed = listed(&Value::Object(all.collect()), |_| None);
            let lines: Vec<&str> = listed.lines().skip(1).collect();
            let shown = (0..number.min(MOST_SHOWN)).map(|number| format!("a{number}: {number}"));
            let rest = expected.map(|rest| format!("… (arguments left out: {rest})"));
            assert_eq!(lines, shown.chain(rest).collect::<Vec<_>>());
        }
    }

    /// A session with a server whose removals have to be confirmed.
    struct Session {
        answers: Lines<BufReader<ReadHalf<DuplexStream>>>,
        requests: WriteHalf<DuplexStream>,
    }

    impl Session {
        fn new(confirm: Confirm) -> Self {
            let policy = Policy {
                access: Access::Destructive,
                tools: vec![DELETE.parse().unwrap()],
                ..Policy::default()
            };
            let settings = Settings {
                policy,
                confirm,
                confirm_timeout: ConfirmTimeout(Duration::from_secs(7)),
                ..Settings::default()
            };
            let (client, ours) = tokio::io::duplex(64 * 1024);
            let (input, output) = tokio::io::split(ours);
            let server = OpManagerServer::new(settings, Http::default());
            tokio::spawn(serve_over(server, 65_536, input, output));
            let (answers, requests) = tokio::io::split(client);
            Self {
                answers: BufReader::new(answers).lines(),
                requests,
            }
        }

        async fn send(&mut self, message: Value) {
            let line = format!("{message}\n");
            self.requests.write_all(line.as_bytes()).await.unwrap();
        }

        async fn next(&mut self) -> Value {
            let line = self.answers.next_line().await.unwrap().unwrap();
            serde_json::from_str(&line).unwrap()
        }

        /// A call after the handshake of 2025-11-25, and what comes of it.
        async fn call(&mut self, capabilities: Value, arguments: Value) -> Value {
            self.send(
                json!({ "jsonrpc": "2.0", "id": 1, "method": "initialize", "params": {
                    "protocolVersion": "2025-11-25",
                    "capabilities": capabilities,
                    "clientInfo": { "name": "test", "version": "1" },
                }}),
            )
            .await;
            assert_eq!(self.next().await["id"], 1);
            self.send(json!({ "jsonrpc": "2.0", "method": "notifications/initialized" }))
                .await;
            let params = json!({ "name": DELETE, "arguments": arguments });
            let call =
                json!({ "jsonrpc": "2.0", "id": 2, "method": "tools/call", "params": params });
            self.send(call).await;
            self.next().await
        }

        /// A call in the stateless protocol, and its result.
        async fn stateless(&mut self, arguments: &Value, more: &Value) -> Value {
            let mut params = json!({ "name": DELETE, "arguments": arguments, "_meta": {
                "io.modelcontextprotocol/protocolVersion": "2026-07-28",
                "io.modelcontextprotocol/clientCapabilities": { "elicitation": {} },
            }});
            for (name, value) in more.as_object().unwrap() {
                params[name] = value.clone();
            }
            let call =
                json!({ "jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": params });
            self.send(call).await;
            self.next().await["result"].clone()
        }
    }

    const DELETE: &str = "delete_performance_monitors";
    /// What a call says that was sent: nobody listens there.
    const SENT: &str = "127.0.0.1";

    fn monitors() -> Value {
        json!({
            "host": "127.0.0.1:9", "apiKey": "a-key", "use_ssl": false, "name": "db-02", "pollId": "1,2",
        })
    }

    fn text(result: &Value) -> &str {
        result["content"][0]["text"].as_str().unwrap()
    }

    #[tokio::test]
    async fn who_is_asked_and_who_is_not_depends_on_client_and_operator() {
        let form = || json!({ "elicitation": { "form": {} } });
        let url = || json!({ "elicitation": { "url": {} } });
        for (confirm, capabilities, expected) in [
            (Confirm::Auto, json!({}), SENT),
            (Confirm::Auto, url(), SENT),
            (Confirm::Auto, form(), "asked"),
            (Confirm::Auto, json!({ "elicitation": {} }), "asked"),
            (Confirm::Always, json!({}), "--confirm-destructive auto"),
            (Confirm::Always, url(), "--confirm-destructive auto"),
            (Confirm::Always, form(), "asked"),
            (Confirm::Off, json!({}), SENT),
            (Confirm::Off, form(), SENT),
        ] {
            let case = format!("{confirm:?} {capabilities}");
            let came = Session::new(confirm).call(capabilities, monitors()).await;
            if expected == "asked" {
                assert_eq!(came["method"], "elicitation/create", "{case}: {came}");
            } else {
                assert_eq!(came["id"], 2, "{case}: {came}");
                let text = text(&came["result"]);
                assert!(text.contains(expected), "{case}: {text}");
            }
        }
    }

    #[tokio::test]
    async fn only_a_yes_sends_the_call_in_both_forms_of_the_protocol() {
        let yes = json!({ "action": "accept", "content": { "confirm": true } });
        let no = json!({ "action": "accept", "content": { "confirm": false } });
        for (answer, part) in [
            (yes, SENT),
            (no, "was refused"),
            (json!({ "action": "accept" }), "was refused"),
            (json!({ "action": "decline" }), "was refused"),
            (json!({ "action": "cancel" }), "was cancelled"),
        ] {
            let mut session = Session::new(Confirm::Auto);
            let capabilities = json!({ "elicitation": {} });
            let question = session.call(capabilities, monitors()).await;
            session
                .send(json!({ "jsonrpc": "2.0", "id": question["id"], "result": answer }))
                .await;
            let came = session.next().await;
            assert!(text(&came["result"]).contains(part), "{answer}: {came}");

            let mut session = Session::new(Confirm::Auto);
            let wanted = session.stateless(&monitors(), &json!({})).await;
            let given = |answer: &Value, state: &Value| json!({ "inputResponses": { "confirm": answer }, "requestState": state });
            let state = &wanted["requestState"];
            let result = session.stateless(&monitors(), &given(&answer, state)).await;
            assert!(text(&result).contains(part), "{answer}: {result}");
            for (other, reason) in [
                (given(&answer, &json!("")), "was for another call"),
                (given(&answer, &json!("xyzzy")), "was for another call"),
                (given(&json!(7), state), "cannot be read"),
            ] {
                let result = session.stateless(&monitors(), &other).await;
                let text = text(&result);
                assert!(text.contains(reason), "{other}: {text}");
                assert!(text.contains(DELETE) && !text.contains(SENT), "{text}");
            }
        }
    }

    #[tokio::test]
    async fn a_question_says_what_is_removed_where_and_how_it_goes_there() {
        const PLAIN: &str = "plain HTTP";
        const UNVERIFIED: &str = "not verified";
        let mut session = Session::new(Confirm::Auto);
        let mut states = Vec::new();
        for (port, use_ssl, verify_ssl, weakness) in [
            (9, false, true, Some(PLAIN)),
            (9, false, false, Some(PLAIN)),
            (9, true, false, Some(UNVERIFIED)),
            (9, true, true, None),
            (10, true, true, None),
        ] {
            let mut given = monitors();
            given["host"] = format!("127.0.0.1:{port}").into();
            given["use_ssl"] = use_ssl.into();
            given["verify_ssl"] = verify_ssl.into();
            let wanted = session.stateless(&given, &json!({})).await;
            let question = &wanted["inputRequests"]["confirm"]["params"]["message"];
            let question = question.as_str().unwrap();
            let lines: Vec<&str> = question.lines().collect();
            assert!(
                lines[0].ends_with(&format!("on 127.0.0.1:{port}.")),
                "{question}"
            );
            let values = &lines[lines.len() - 2..];
            assert_eq!(
                values,
                ["name: \"db-02\"", "pollId: (entries: 2) \"1,2\""],
                "{question}"
            );
            match weakness {
                None => assert_eq!(lines.len(), 3, "{question}"),
                Some(part) => assert!(lines.len() == 4 && lines[1].contains(part), "{question}"),
            }
            let state = wanted["requestState"].clone();
            assert!(!states.contains(&state), "{question}");
            states.push(state);
        }
    }

    #[tokio::test(start_paused = true)]
    async fn ar_13_a_question_that_nobody_answers_ends_and_the_call_is_not_sent() {
        assert_eq!(
            ConfirmTimeout::default(),
            ConfirmTimeout(Duration::from_secs(50))
        );
        let mut session = Session::new(Confirm::Auto);
        let capabilities = json!({ "elicitation": {} });
        let question = session.call(capabilities, monitors()).await;
        assert_eq!(question["method"], "elicitation/create");
        let asked = tokio::time::Instant::now();
        // The client is told to take the question back, and the caller how it ended.
        let (mut withdrawn, mut told) = (None, None);
        while withdrawn.is_none() || told.is_none() {
            let message = session.next().await;
            if message["method"] == "notifications/cancelled" {
                withdrawn = Some(message["params"]["requestId"].clone());
            } else {
                assert_eq!(message["id"], 2, "{message}");
                told = Some(message);
            }
        }
        assert_eq!(asked.elapsed().as_secs(), 7);
        assert_eq!(withdrawn, Some(question["id"].clone()));
        let told = told.unwrap();
        let text = text(&told["result"]);
        assert!(text.contains("got no answer within 7 seconds"), "{text}");
        // A yes that comes too late sends nothing, and ends nothing.
        let yes = json!({ "action": "accept", "content": { "confirm": true } });
        session
            .send(json!({ "jsonrpc": "2.0", "id": question["id"], "result": yes }))
            .await;
        session
            .send(json!({ "jsonrpc": "2.0", "id": 3, "method": "ping" }))
            .await;
        assert_eq!(
            session.next().await,
            json!({ "jsonrpc": "2.0", "id": 3, "result": {} })
        );
    }
}
