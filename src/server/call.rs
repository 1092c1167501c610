//! The path of a tool call: access level, arguments, target, confirmation, permit, handler, reply.
//!
//! Owns its order. What is wrong is said before anything is sent.

use std::sync::OnceLock;

use rmcp::model::{CallToolResponse, CallToolResult, ContentBlock};

use super::OpManagerServer;
use super::caller::Caller;
use super::confirm::{Confirmation, Confirmer};
use super::panics;
use super::resolve::{Rejected, Resolved};
use crate::audit::metrics::Metrics;
use crate::audit::{Audit, Exchange, Outcome};
use crate::opmanager::{Error, Profile, Specification, Target};
use crate::tools::arguments::{ConnectionInput, Problems};
use crate::tools::execution::{self, Stopped};
use crate::tools::failure_text::{self, Way};
use crate::tools::report::Report;
use crate::tools::{Access, Arguments, Handler, Tool, arguments, toolset, workflows};
use crate::upstream::{RequestError, Session, Shaped, outcome_of};

/// A call that may be sent: everything in it has been checked.
pub(super) struct Ready {
    pub(super) tool: &'static Tool,
    pub(super) checked: arguments::Checked,
    /// Which certificates are accepted; `None` if the policy rejects the target and the tool is there to say so.
    pub(super) profile: Option<Profile>,
}

impl OpManagerServer {
    /// Records what a call of a tool does.
    pub(super) fn audit(&self, caller: Option<&Caller>, tool: &'static Tool) -> Audit {
        let requests =
            matches!(tool.handler(), Handler::Workflow(_)) || execution::runs_workflows(tool);
        Audit::new(
            self.0.metrics.clone(),
            caller.map(Caller::name),
            tool.name(),
            tool.access().word(),
            requests,
        )
    }

    /// Runs a call. Its target is written to `target` as soon as it is known, for the record of a call that ends early.
    pub(super) async fn run(
        &self,
        resolved: Resolved,
        confirmer: &Confirmer,
        caller: Option<&Caller>,
        audit: &Audit,
        target: &OnceLock<Target>,
    ) -> CallToolResponse {
        let _running = self.0.metrics.as_deref().map(Metrics::run);
        let Resolved {
            tool,
            call,
            connection,
        } = resolved;
        let unsent = |outcome| {
            let exchange = Exchange {
                target: target.get(),
                ..Exchange::default()
            };
            audit.call(outcome, &exchange);
        };
        let given = match call {
            Ok(given) => given,
            Err(Rejected { outcome, reason }) => {
                unsent(outcome);
                return failed(reason).into();
            }
        };
        if let Handler::Local(answer) = tool.handler() {
            let answer = answer(given, &self.policy(caller));
            return match answer {
                Ok(text) => {
                    unsent(Outcome::Success);
                    CallToolResult::success(vec![ContentBlock::text(text)]).into()
                }
                Err(reason) => {
                    unsent(Outcome::InvalidArguments);
                    failed(reason).into()
                }
            };
        }
        let ready = match self.ready(tool, given, connection) {
            Ok(ready) => ready,
            Err(reason) => {
                unsent(Outcome::InvalidArguments);
                return failed(reason).into();
            }
        };
        // All that is left of the message is small.
        if let Some(caller) = caller {
            caller.leave_room();
        }
        let _ = target.set(ready.checked.connection.target().clone());
        if tool.access() == Access::Destructive {
            match confirmer.confirm(&ready).await {
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
        // Only what has been checked waits: what is large or wrong is gone by now.
        let _permit = match self.0.turns.take(caller.map(Caller::counted_as)).await {
            Ok(permit) => permit,
            Err(full) => {
                unsent(Outcome::Busy);
                return failed(full.to_string()).into();
            }
        };
        self.send(ready, audit).await.into()
    }

    /// A call that a person makes at a terminal, who needs no confirmation: the answer and a remark on it.
    ///
    /// # Errors
    ///
    /// What a client would be told.
    pub(crate) async fn call_from_cli(
        &self,
        tool: &str,
        given: Arguments,
        connection: ConnectionInput,
    ) -> Result<(String, String), String> {
        let Some(resolved) = Resolved::of(tool, given, &self.0.settings.policy) else {
            return Err("there is no such tool".to_owned());
        };
        let msp = self.0.settings.policy.msp;
        let resolved = resolved.connected(connection, msp);
        let access = resolved.access();
        let audit = self.audit(None, resolved.tool);
        let (nobody, target) = (Confirmer::nobody(), OnceLock::new());
        let response = panics::catch(self.run(resolved, &nobody, None, &audit, &target)).await;
        let response = response.unwrap_or_else(|| panics::panic_reply(access));
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

    /// Checks the arguments and the target of a call, or says what is wrong with them.
    fn ready(
        &self,
        tool: &'static Tool,
        mut given: Arguments,
        connection: Option<ConnectionInput>,
    ) -> Result<Ready, String> {
        let setting = arguments::Setting {
            wording: self.wording(),
            zones: &self.0.settings.zones,
            msp: self.0.settings.policy.msp,
        };
        let wording = setting.wording;
        let wrong = |problems: Problems| problems.text(tool.name());
        let connection =
            connection.unwrap_or_else(|| ConnectionInput::take(&mut given, setting.msp));
        let mut checked = arguments::check(tool, given, connection, setting).map_err(wrong)?;
        if !wording.names_target() {
            checked.connection = checked.connection.unnamed();
        }
        let profile = match self.0.http.admit(&checked.connection) {
            Ok(profile) => Some(profile),
            Err(_) if takes_rejected_targets(tool) => None,
            Err(error) => return Err(wrong(Problems::of_target(&error, wording))),
        };
        Ok(Ready {
            tool,
            checked,
            profile,
        })
    }

    /// A text within the limit of results, followed by the remark that it is data if it repeats words of others.
    fn told(&self, text: String, spoken: bool) -> Vec<ContentBlock> {
        let text = failure_text::within(text, self.0.settings.result.max_chars);
        let mut blocks = vec![ContentBlock::text(text)];
        if spoken {
            blocks.push(ContentBlock::text(failure_text::SPOKEN));
        }
        blocks
    }

    /// The result of a request that failed.
    fn request_failed(
        &self,
        error: &Error,
        (operation, given): (&'static Specification, &[&str]),
        access: Access,
        session: &Session<'_>,
    ) -> CallToolResult {
        let way = Way::of(session.connection().target(), session.profile());
        let text = failure_text::failure(error, (operation, given), access, way, self.wording());
        CallToolResult::error(self.told(text, error.is_spoken()))
    }

    /// Runs the handler of a call.
    async fn send(&self, ready: Ready, audit: &Audit) -> CallToolResult {
        let Ready {
            tool,
            checked,
            profile,
        } = ready;
        let arguments::Checked {
            connection,
            arguments,
            selection,
        } = checked;
        let session = Session::new(&self.0.http, connection, profile, &self.0.capacity, audit);
        match tool.handler() {
            Handler::Operation(entry) => {
                let shaped = Shaped {
                    read: tool.access() == Access::Read,
                    words: tool.words(),
                    selection,
                    limits: self.0.settings.result,
                };
                self.send_operation(entry, arguments, shaped, &session, audit)
                    .await
            }
            Handler::Workflow(entry) => self.run_workflow(entry, arguments, &session, audit).await,
            // They were answered before anything was checked, or resolved to one of the others.
            Handler::Local(_) | Handler::ByName => failed("Internal error.".to_owned()),
        }
    }

    async fn send_operation(
        &self,
        entry: &'static toolset::Entry,
        arguments: arguments::Own,
        shaped: Shaped,
        session: &Session<'_>,
        audit: &Audit,
    ) -> CallToolResult {
        #[cfg(test)]
        if let Some(text) = &self.0.panic {
            panic!("{text}");
        }
        let operation = entry.operation.specification();
        let execution = execution::is_execution(entry.operation);
        let exchange = || Exchange {
            requests: execution.then(|| session.sent()),
            ..session.exchange()
        };
        if execution {
            let permitted = &self.0.settings.policy.workflows;
            match execution::check(session, &arguments, permitted).await {
                Ok(()) => {}
                Err(Stopped::Unpermitted(reason)) => {
                    audit.call(Outcome::NotAllowed, &exchange());
                    return failed(reason);
                }
                Err(Stopped::Unread(error)) => {
                    audit.call(outcome_of(&error), &exchange());
                    let read = (execution::LIST.specification(), &[][..]);
                    return self.request_failed(&error, read, Access::Read, session);
                }
            }
        }
        // What changes something must not be taken for done, or not done, by the response to anything else.
        let fresh = entry.access > Access::Read;
        let given: Vec<String> = arguments
            .as_object()
            .map(|given| given.keys().cloned().collect())
            .unwrap_or_default();
        let call = |client, fresh| (entry.call)(client, arguments, fresh);
        let result = session.run(operation, fresh, call, shaped).await;
        match result {
            Ok(json) => {
                audit.call(Outcome::Success, &exchange());
                let remark = self.remark(session);
                CallToolResult::success(vec![ContentBlock::text(json), ContentBlock::text(remark)])
            }
            Err((error, _)) => {
                audit.call(outcome_of(&error), &exchange());
                let given: Vec<&str> = given.iter().map(String::as_str).collect();
                self.request_failed(&error, (operation, &given), entry.access, session)
            }
        }
    }

    async fn run_workflow(
        &self,
        entry: &'static workflows::Entry,
        arguments: arguments::Own,
        session: &Session<'_>,
        audit: &Audit,
    ) -> CallToolResult {
        let limit = self.0.settings.result.chars();
        let mut report = Report::new(session.connection(), self.wording(), limit);
        let ended = (entry.run)(session, arguments, &mut report).await;
        let exchange = Exchange {
            status: None,
            requests: Some(session.sent()),
            ..session.exchange()
        };
        if let Err(RequestError {
            operation, error, ..
        }) = ended
        {
            audit.call(outcome_of(&error), &exchange);
            return self.request_failed(
                &error,
                (operation.specification(), &[]),
                entry.access,
                session,
            );
        }
        let finished = report.finish();
        if finished.failed {
            audit.call(Outcome::NoAnswer, &exchange);
            CallToolResult::error(self.told(finished.text, finished.spoken))
        } else {
            audit.call(Outcome::Success, &exchange);
            let blocks = if finished.lines {
                self.told(finished.text, finished.spoken)
            } else {
                let remark = self.remark(session);
                [finished.text, remark].map(ContentBlock::text).into()
            };
            CallToolResult::success(blocks)
        }
    }

    /// What a successful response is followed by.
    fn remark(&self, session: &Session<'_>) -> String {
        let mut remark = failure_text::UNTRUSTED.to_owned();
        let profile = session.exchange().profile;
        let trust = profile
            .and_then(|profile| failure_text::trust_remark(profile, session.connection().target()));
        if let Some(trust) = trust {
            remark.push(' ');
            remark.push_str(trust);
        }
        remark
    }
}

fn takes_rejected_targets(tool: &Tool) -> bool {
    match tool.handler() {
        Handler::Workflow(entry) => entry.takes_rejected_targets,
        Handler::Operation(_) | Handler::Local(_) | Handler::ByName => false,
    }
}

pub(super) fn failed(text: String) -> CallToolResult {
    CallToolResult::error(vec![ContentBlock::text(text)])
}
