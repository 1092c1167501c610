//! The way of a call to OpManager and back.
//!
//! Owns its order: tier, arguments, target, confirmation, turn, request, verdict. What is wrong is told before
//! anything is sent.

use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

use rmcp::model::{CallToolResponse, CallToolResult, ContentBlock};

use super::OpManagerServer;
use super::asked::Asked;
use super::caller::Caller;
use super::confirm::{Confirmation, Questioner};
use super::guard;
use super::metrics::{Metrics, Outcome};
#[cfg(feature = "otel")]
use super::spans;
use crate::opmanager::{Client, Error, Profile, RawResponse, Target};
use crate::result::{self, Plan, Selection};
use crate::tools::{Access, Arguments, CatalogueTool, arguments, outcome};

/// Largest answer that is shaped on the thread of all calls, in bytes. It takes a few milliseconds.
const SHAPED_IN_PLACE: usize = 256 * 1024;
/// Larger answers that are shaped at one time, beside it.
pub(super) const SHAPED_AT_ONCE: usize = 2;

/// A call of an operation that may be sent: everything in it has been checked.
pub(super) struct Ready {
    pub(super) tool: &'static CatalogueTool,
    pub(super) checked: arguments::Checked,
    pub(super) profile: Profile,
}

/// What is known of a call that was sent, beside its outcome.
#[derive(Default)]
pub(super) struct Exchange<'a> {
    pub(super) target: Option<&'a Target>,
    pub(super) profile: Option<Profile>,
    pub(super) status: Option<u16>,
    pub(super) bytes: Option<usize>,
    pub(super) time: Option<Duration>,
}

impl OpManagerServer {
    /// Runs what is asked for. Where it goes is told as soon as it is known, for whoever ends it early.
    pub(super) async fn run(
        &self,
        asked: Asked,
        questioner: &Questioner,
        caller: Option<&Caller>,
        target: &OnceLock<Target>,
    ) -> CallToolResponse {
        let _running = self.0.metrics.as_deref().map(Metrics::run);
        let (name, access) = (asked.name(), asked.access());
        let ready = match asked {
            Asked::Operation(tool, given) => self.ready(tool, given, caller).map_err(failed),
            Asked::Diagnose(given) => Err(self.diagnose(given, caller, target).await),
            Asked::Known(_, told) => {
                self.record(caller, name, access, Outcome::Success, &Exchange::default());
                Err(told)
            }
            Asked::Refused {
                outcome, reason, ..
            } => {
                self.record(caller, name, access, outcome, &Exchange::default());
                Err(failed(reason))
            }
        };
        let ready = match ready {
            Ok(ready) => ready,
            Err(result) => return result.into(),
        };
        let _ = target.set(ready.checked.connection.target().clone());
        if access == Access::Destructive {
            let confirmation = questioner.confirm(&ready).await;
            let unsent = |outcome| {
                let exchange = Exchange {
                    target: target.get(),
                    ..Exchange::default()
                };
                self.record(caller, name, access, outcome, &exchange);
            };
            match confirmation {
                Confirmation::Given => {}
                Confirmation::Refused(reason) => {
                    unsent(Outcome::NotConfirmed);
                    return failed(reason).into();
                }
                Confirmation::Wanted(question) => {
                    unsent(Outcome::Asked);
                    return question.into();
                }
            }
        }
        self.send(ready, caller).await.into()
    }

    /// Writes down how a call ended: a line of the log, which is also who did what, the metrics, and its span.
    pub(super) fn record(
        &self,
        caller: Option<&Caller>,
        tool: &'static str,
        access: Access,
        outcome: Outcome,
        exchange: &Exchange<'_>,
    ) {
        if let Some(metrics) = &self.0.metrics {
            metrics.count(tool, access.word(), outcome, exchange.target);
            if let (Some(time), Some(bytes)) = (exchange.time, exchange.bytes) {
                metrics.exchanged(tool, time, bytes);
            }
        }
        #[cfg(feature = "otel")]
        spans::record(access, outcome);
        let Exchange {
            target,
            profile,
            status,
            bytes,
            time,
        } = exchange;
        let client = caller.map(Caller::name);
        let milliseconds = time.map(|time| u64::try_from(time.as_millis()).unwrap_or(u64::MAX));
        let tls = target.map(Target::tls);
        let target = target.map(tracing::field::display);
        let trust = profile.map(tracing::field::display);
        let (access, outcome_word) = (access.word(), outcome.word());
        // What travels unprotected is worth an operator's look, and so is a server that is too small.
        let unprotected = *profile == Some(Profile::Unverified) || tls == Some(false);
        if unprotected || outcome == Outcome::Busy {
            tracing::warn!(
                client,
                tool,
                access,
                target,
                trust,
                tls,
                status,
                bytes,
                milliseconds,
                outcome = outcome_word
            );
        } else {
            tracing::info!(
                client,
                tool,
                access,
                target,
                trust,
                tls,
                status,
                bytes,
                milliseconds,
                outcome = outcome_word
            );
        }
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
            return Err("there is no such tool".to_owned());
        };
        let access = asked.access();
        let (nobody, target) = (Questioner::nobody(), OnceLock::new());
        let response = guard::catch(self.run(asked, &nobody, None, &target)).await;
        let response = response.unwrap_or_else(|| guard::panicked(access));
        let CallToolResponse::Complete(result) = response else {
            return Err("the answer is a question, and there is nobody to answer it".to_owned());
        };
        let mut texts = result
            .content
            .into_iter()
            .filter_map(|block| Some(block.as_text()?.text.clone()));
        if result.is_error == Some(true) {
            return Err(texts.collect::<Vec<_>>().join("\n"));
        }
        let first = texts.next().unwrap_or_default();
        Ok((first, texts.next().unwrap_or_default()))
    }

    /// Checks a call, or says what is wrong with it.
    fn ready(
        &self,
        tool: &'static CatalogueTool,
        given: Arguments,
        caller: Option<&Caller>,
    ) -> Result<Ready, String> {
        let (name, access) = (tool.name(), tool.access());
        let refused = |outcome, reason: String| {
            self.record(caller, name, access, outcome, &Exchange::default());
            reason
        };
        self.policy(caller)
            .allows(tool)
            .map_err(|reason| refused(Outcome::NotAllowed, reason))?;
        let wrong = |problems: arguments::Problems| {
            refused(
                Outcome::InvalidArguments,
                self.wording().of_text(&problems.text(name)).into_owned(),
            )
        };
        let mut checked = arguments::check(tool, given).map_err(wrong)?;
        if !self.wording().names_target() {
            checked.connection = checked.connection.unnamed();
        }
        let admitted = self.0.http.admit(&checked.connection);
        let profile = admitted.map_err(|error| wrong(error.into()))?;
        // All that is left of the message is small.
        if let Some(caller) = caller {
            caller.leave_room();
        }
        Ok(Ready {
            tool,
            checked,
            profile,
        })
    }

    /// A text within the limit of results, followed by the remark that it is data if it repeats words of others.
    pub(super) fn told(&self, text: String, spoken: bool) -> Vec<ContentBlock> {
        let text = outcome::within(text, self.0.settings.result.max_chars);
        let mut blocks = vec![ContentBlock::text(text)];
        if spoken {
            blocks.push(ContentBlock::text(outcome::SPOKEN));
        }
        blocks
    }

    /// Sends a call.
    async fn send(&self, ready: Ready, caller: Option<&Caller>) -> CallToolResult {
        let Ready {
            tool,
            checked,
            profile,
        } = ready;
        let (name, access) = (tool.name(), tool.access());
        let arguments::Checked {
            connection,
            arguments,
            selection,
        } = checked;
        // Only what has been checked waits: what is large or wrong is gone by now.
        let _turn = match self.0.turns.take(caller.map(Caller::counted_as)).await {
            Ok(turn) => turn,
            Err(full) => {
                let exchange = Exchange {
                    target: Some(connection.target()),
                    ..Exchange::default()
                };
                self.record(caller, name, access, Outcome::Busy, &exchange);
                return failed(full.to_string());
            }
        };
        #[cfg(test)]
        if let Some(text) = &self.0.panic {
            panic!("{text}");
        }
        let client = Client::new(self.0.http.clone(), connection);
        // What changes something must not be taken for done, or not done, by the response to anything else.
        let client = Arc::new(match access {
            Access::Read => client,
            Access::Write | Access::Destructive => client.on_fresh_connections(),
        });
        let started = Instant::now();
        let target = client.connection().target();
        let answer = (tool.entry().call)(&client, arguments);
        #[cfg(feature = "otel")]
        let answer = spans::of_request(tool.specification(), target, answer);
        let answer = answer.await;
        let mut exchange = Exchange {
            target: Some(target),
            profile: Some(profile),
            time: Some(started.elapsed()),
            ..Exchange::default()
        };
        if let Ok(raw) = &answer {
            exchange.status = Some(raw.status);
            exchange.bytes = Some(raw.body.len());
        }
        let text = match answer {
            Ok(raw) => self.shaped(raw, tool, selection, &client).await,
            Err(error) => Err(error),
        };
        let outcome = match &text {
            Ok(_) => Outcome::Success,
            Err(Error::Refused(_)) => Outcome::Refused,
            Err(_) => Outcome::NoAnswer,
        };
        self.record(caller, name, access, outcome, &exchange);
        match text {
            Err(error) => {
                let (specification, access) = (tool.specification(), tool.access());
                let wording = self.wording();
                let text = outcome::failure(&error, specification, access, target.tls(), wording);
                CallToolResult::error(self.told(text, error.is_spoken()))
            }
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

    /// The text of a successful answer, from a thread of its own if that takes long: all calls share one.
    async fn shaped(
        &self,
        raw: RawResponse,
        tool: &'static CatalogueTool,
        selection: Selection,
        client: &Arc<Client>,
    ) -> Result<String, Error> {
        if raw.body.len() <= SHAPED_IN_PLACE {
            return self.shape(&raw, tool, &selection, client);
        }
        let turn = self.0.shaping.clone().acquire_owned().await;
        let (server, client) = (self.clone(), client.clone());
        let shaping = tokio::task::spawn_blocking(move || {
            let _turn = turn;
            server.shape(&raw, tool, &selection, &client)
        });
        match shaping.await {
            Ok(text) => text,
            // Nobody cancels it.
            Err(ended) => std::panic::resume_unwind(ended.into_panic()),
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
        let plan = Plan {
            read: tool.access() == Access::Read,
            ..raw.plan()
        };
        let key = client.connection().key();
        let redact = |text: &str| key.redact(text);
        let limits = self.0.settings.result;
        result::answer(raw.received(), plan, selection, limits, &redact)
            .map_err(|failure| client.tell_failure(failure).into())
    }
}

pub(super) fn failed(text: String) -> CallToolResult {
    CallToolResult::error(vec![ContentBlock::text(text)])
}
