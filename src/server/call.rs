//! The way of a call to OpManager and back.
//!
//! Owns its order: tier, arguments, target, confirmation, turn, request, verdict. What is wrong is told before
//! anything is sent.

use std::time::Instant;

use rmcp::model::{CallToolResponse, CallToolResult, ContentBlock};

use super::OpManagerServer;
use super::asked::Asked;
use super::confirm::{Confirmation, Questioner};
use super::guard;
use crate::opmanager::{ApiKey, Client, Error, Profile, RawResponse};
use crate::result::{self, Answer, Judged, Plan, Selection};
use crate::tools::{Access, Arguments, CatalogueTool, arguments, outcome};

/// A call of an operation that may be sent: everything in it has been checked.
pub(super) struct Ready {
    pub(super) tool: &'static CatalogueTool,
    pub(super) checked: arguments::Checked,
    profile: Profile,
}

impl OpManagerServer {
    /// Runs what is asked for.
    pub(super) async fn run(&self, asked: Asked, questioner: &Questioner<'_>) -> CallToolResponse {
        let ready = match asked {
            Asked::Operation(tool, given) => self.ready(tool, given),
            Asked::Diagnose(given) => Err(self.diagnose(given).await),
            Asked::Known(_, told) => Err(told),
            Asked::Refused(_, _, reason) => Err(failed(reason)),
        };
        let ready = match ready {
            Ok(ready) => ready,
            Err(result) => return result.into(),
        };
        if ready.tool.access() == Access::Destructive {
            match questioner.confirm(&ready).await {
                Confirmation::Given => {}
                Confirmation::Refused(reason) => {
                    tracing::info!(tool = ready.tool.name(), outcome = "not confirmed");
                    return failed(reason).into();
                }
                Confirmation::Wanted(question) => return question.into(),
            }
        }
        self.send(ready).await.into()
    }

    /// A call that a person makes, who needs not be asked whether it is meant: the answer and a remark on it.
    ///
    /// # Errors
    ///
    /// What a client would be told.
    pub(crate) async fn call_for_a_person(
        &self,
        tool: &str,
        given: Arguments,
    ) -> Result<(String, String), String> {
        let Some(asked) = Asked::of(tool, given, &self.0.settings.policy) else {
            return Err(format!("there is no tool {tool}"));
        };
        let access = asked.access();
        let name = asked.name();
        let response = guard::catch(name, access, self.run(asked, &Questioner::nobody())).await;
        let CallToolResponse::Complete(result) = response else {
            return Err("the answer is a question, and there is nobody to answer it".to_owned());
        };
        let mut texts = result
            .content
            .into_iter()
            .filter_map(|block| Some(block.as_text()?.text.clone()));
        let first = texts.next().unwrap_or_default();
        if result.is_error == Some(true) {
            Err(first)
        } else {
            Ok((first, texts.next().unwrap_or_default()))
        }
    }

    /// Checks a call, or says what is wrong with it.
    fn ready(
        &self,
        tool: &'static CatalogueTool,
        given: Arguments,
    ) -> Result<Ready, CallToolResult> {
        let name = tool.name();
        self.0.settings.policy.allows(tool).map_err(failed)?;
        let checked = arguments::check(tool, given).map_err(|problems| {
            tracing::info!(tool = name, outcome = "invalid arguments");
            failed(problems.text(name))
        })?;
        let profile = self.0.http.admit(&checked.connection).map_err(|error| {
            tracing::info!(tool = name, outcome = "refused target");
            failed(arguments::Problems::from(error).text(name))
        })?;
        Ok(Ready {
            tool,
            checked,
            profile,
        })
    }

    /// Sends a call.
    async fn send(&self, ready: Ready) -> CallToolResult {
        let Ready {
            tool,
            checked,
            profile,
        } = ready;
        let name = tool.name();
        let arguments::Checked {
            connection,
            arguments,
            selection,
        } = checked;
        // Only what has been checked waits: what is large or wrong is gone by now.
        let Some(_turn) = self.0.turns.take().await else {
            tracing::warn!(tool = name, target = %connection.target(), outcome = "busy");
            return failed(self.0.turns.refusal());
        };
        #[cfg(test)]
        if let Some(text) = &self.0.panic {
            panic!("{text}");
        }
        let client = Client::new(self.0.http.clone(), connection);
        let started = Instant::now();
        let answer = (tool.entry().call)(&client, arguments).await;
        let target = client.connection().target();
        let milliseconds = u64::try_from(started.elapsed().as_millis()).unwrap_or(u64::MAX);
        let (status, bytes) = answer
            .as_ref()
            .map_or((0, 0), |raw| (raw.status, raw.body.len()));
        let key = client.connection().key();
        let text = answer.and_then(|raw| self.shape(&raw, tool, &selection, &client));
        let outcome = match &text {
            Ok(_) => "success",
            Err(Error::Refused(_)) => "refused",
            Err(_) => "no answer",
        };
        // What travels unprotected is worth an operator's look.
        if profile == Profile::Unverified || !target.tls() {
            tracing::warn!(tool = name, %target, trust = %profile, tls = target.tls(), status, bytes, milliseconds, outcome);
        } else {
            tracing::info!(tool = name, %target, trust = %profile, status, bytes, milliseconds, outcome);
        }
        match text {
            Err(error) => failed_without(
                key,
                outcome::failure(&error, tool.specification(), tool.access(), target),
            ),
            Ok(json) => {
                let mut remark = outcome::UNTRUSTED.to_owned();
                if let Some(trust) = outcome::trust_remark(profile, target) {
                    remark.push(' ');
                    remark.push_str(trust);
                }
                CallToolResult::success(vec![ContentBlock::text(json), ContentBlock::text(remark)])
            }
        }
    }

    /// The text of a successful answer.
    fn shape(
        &self,
        raw: &RawResponse,
        tool: &CatalogueTool,
        selection: &Selection,
        client: &Client,
    ) -> Result<String, Error> {
        let specification = tool.specification();
        let plan = Plan {
            list: specification.list,
            markup: specification.markup,
        };
        let key = client.connection().key();
        let redact = |text: &str| key.redact(text);
        let judged =
            result::judge_shaped(raw.status, raw.content_type.as_deref(), &raw.body, |body| {
                result::shape(body, plan, selection, self.0.settings.result, &redact)
            })
            .map_err(|failure| client.redact(failure))?;
        Ok(match judged {
            Judged::Shaped(text) => text,
            Judged::Message(message) => {
                let message = key.redact(message).unwrap_or_else(|| message.to_owned());
                Answer::Message(&message).into_json()
            }
        })
    }
}

/// A failure whose text may repeat what OpManager said.
fn failed_without(key: &ApiKey, text: String) -> CallToolResult {
    failed(key.redact(&text).unwrap_or(text))
}

pub(super) fn failed(text: String) -> CallToolResult {
    CallToolResult::error(vec![ContentBlock::text(text)])
}
