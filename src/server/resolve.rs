//! From the name and the arguments of a call to the tool that runs.
//!
//! Owns `call_operation`, which stands for the tool that its arguments name, and the connection that comes with a
//! request. Decides by the operator's policy; runs nothing and sends nothing.

use super::Outcome;
use crate::tools::arguments::{self, CONNECTION_ARGUMENTS, ConnectionInput, SCOPE_ARGUMENTS};
use crate::tools::{self, Access, Arguments, Handler, Policy, Tool, describe};

/// A call as far as its name and its arguments say it.
pub(super) struct Resolved {
    /// The tool that runs, or the one that was called if none can run.
    pub(super) tool: &'static Tool,
    /// Its arguments, or why nothing runs.
    pub(super) call: Result<Arguments, Rejected>,
    /// The connection, where it does not come among the arguments.
    pub(super) connection: Option<ConnectionInput>,
}

/// Why a call is rejected before its arguments are looked at.
pub(super) struct Rejected {
    /// Whether the caller or the operator is why.
    pub(super) outcome: Outcome,
    /// What the caller is told.
    pub(super) reason: String,
}

impl Resolved {
    /// What a tool's name and arguments stand for. `None` if there is no such tool.
    pub(super) fn of(name: &str, given: Arguments, policy: &Policy) -> Option<Self> {
        let tool = tools::find(name)?;
        let rejected = |outcome, reason| Self {
            tool,
            call: Err(Rejected { outcome, reason }),
            connection: None,
        };
        if let Err(reason) = policy.allows_by_name(tool) {
            return Some(rejected(Outcome::NotAllowed, reason));
        }
        Some(match tool.handler() {
            Handler::ByName => match named(tool, given, policy) {
                Ok((tool, given)) => match policy.allows(tool) {
                    Ok(()) => Self {
                        tool,
                        call: Ok(given),
                        connection: None,
                    },
                    Err(reason) => Self {
                        tool,
                        call: Err(Rejected {
                            outcome: Outcome::NotAllowed,
                            reason,
                        }),
                        connection: None,
                    },
                },
                Err(reason) => rejected(Outcome::InvalidArguments, reason),
            },
            Handler::Operation(_) | Handler::Workflow(_) | Handler::Local(_) => Self {
                tool,
                call: Ok(given),
                connection: None,
            },
        })
    }

    /// The same over a connection that came beside the arguments: no argument may name another, however it was
    /// wrapped. What needs no connection stays as it is.
    pub(super) fn connected(mut self, connection: ConnectionInput, msp: bool) -> Self {
        let (Ok(given), Handler::Operation(_) | Handler::Workflow(_)) =
            (&self.call, self.tool.handler())
        else {
            return self;
        };
        // Without it no part of an MSP Central is an argument of any tool.
        let scope = msp.then_some(&SCOPE_ARGUMENTS).into_iter().flatten();
        let foreign = CONNECTION_ARGUMENTS
            .iter()
            .chain(scope)
            .find(|argument| given.contains_key(**argument));
        if let Some(argument) = foreign {
            let reason = format!(
                "`{argument}` is not an argument here: this server takes the connection from the headers of the request, where its client is configured to send them. Call again without it."
            );
            self.call = Err(Rejected {
                outcome: Outcome::InvalidArguments,
                reason,
            });
        } else {
            self.connection = Some(connection);
        }
        self
    }

    /// What running it may do.
    pub(super) fn access(&self) -> Access {
        self.tool.access()
    }
}

/// The tool that `call_operation` names, and its arguments.
fn named(
    tool: &'static Tool,
    given: Arguments,
    policy: &Policy,
) -> Result<(&'static Tool, Arguments), String> {
    let (operation, own) =
        arguments::of_operation(given).map_err(|problems| problems.text(tool.name()))?;
    Ok((describe::operation(&operation, policy)?, own))
}
