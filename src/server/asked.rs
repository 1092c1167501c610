//! What a call asks for, by whatever name it came.
//!
//! Owns the way from a tool's name to what is run: an operation, or one of the built-in tools. Decides by the
//! operator's policy; sends nothing.

use rmcp::model::{CallToolResult, ContentBlock};

use super::metrics::Outcome;
use crate::tools::arguments::{self, CONNECTION_ARGUMENTS};
use crate::tools::{self, Access, Arguments, BuiltIn, CatalogueTool, Policy, describe};

/// What is to be run.
pub(super) enum Asked {
    /// An operation with its arguments.
    Operation(&'static CatalogueTool, Arguments),
    /// The connection's examination.
    Diagnose(Arguments),
    /// Nothing more: the answer is known without any OpManager.
    Known(BuiltIn, CallToolResult),
    /// Nothing at all, and why.
    Refused {
        /// Name of the tool.
        name: &'static str,
        /// What it may do.
        access: Access,
        /// Whether the caller or the operator is why.
        outcome: Outcome,
        /// What the caller is told.
        reason: String,
    },
}

impl Asked {
    /// What a tool's name and arguments ask for. `None` if there is no such tool.
    pub(super) fn of(name: &str, given: Arguments, policy: &Policy) -> Option<Self> {
        if let Some(tool) = tools::find(name) {
            return Some(match policy.allows_by_name(tool) {
                Ok(()) => Self::Operation(tool, given),
                Err(reason) => Self::not_allowed(tool.name(), tool.access(), reason),
            });
        }
        let built_in = BuiltIn::find(name)?;
        if let Err(reason) = policy.allows_built_in(built_in) {
            return Some(Self::not_allowed(built_in.name(), Access::Read, reason));
        }
        let asked = match built_in {
            BuiltIn::DiagnoseConnection => Ok(Self::Diagnose(given)),
            BuiltIn::CallOperation => operation_in(given, policy),
            BuiltIn::FindOperations => {
                told(describe::find(given, policy)).map(|told| Self::Known(built_in, told))
            }
            BuiltIn::DescribeOperation => {
                told(describe::describe(given, policy)).map(|told| Self::Known(built_in, told))
            }
        };
        Some(asked.unwrap_or_else(|reason| Self::Refused {
            name: built_in.name(),
            access: Access::Read,
            outcome: Outcome::InvalidArguments,
            reason,
        }))
    }

    /// The same over the connection that came with the request: no argument may name another, however it was
    /// wrapped. What needs no connection stays as it is.
    pub(super) fn connected(mut self, connection: Arguments) -> Self {
        let (name, access) = (self.name(), self.access());
        let (Self::Operation(_, given) | Self::Diagnose(given)) = &mut self else {
            return self;
        };
        let foreign = CONNECTION_ARGUMENTS
            .iter()
            .find(|argument| given.contains_key(**argument));
        if let Some(argument) = foreign {
            return Self::Refused {
                name,
                access,
                outcome: Outcome::InvalidArguments,
                reason: format!(
                    "`{argument}` is not an argument here: this server takes the connection from the headers of the request, where its client is configured to send them. Call again without it."
                ),
            };
        }
        given.extend(connection);
        self
    }

    fn not_allowed(name: &'static str, access: Access, reason: String) -> Self {
        Self::Refused {
            name,
            access,
            outcome: Outcome::NotAllowed,
            reason,
        }
    }

    /// Name of what is run, for the log.
    pub(super) fn name(&self) -> &'static str {
        match self {
            Self::Operation(tool, _) => tool.name(),
            Self::Diagnose(_) => BuiltIn::DiagnoseConnection.name(),
            Self::Known(tool, _) => tool.name(),
            Self::Refused { name, .. } => name,
        }
    }

    /// What running it may do.
    pub(super) fn access(&self) -> Access {
        match self {
            Self::Operation(tool, _) => tool.access(),
            Self::Refused { access, .. } => *access,
            Self::Diagnose(_) | Self::Known(..) => Access::Read,
        }
    }
}

fn operation_in(given: Arguments, policy: &Policy) -> Result<Asked, String> {
    let name = BuiltIn::CallOperation.name();
    let (operation, own) =
        arguments::of_operation(given).map_err(|problems| problems.text(name))?;
    let tool = describe::operation(&operation, policy)?;
    Ok(Asked::Operation(tool, own))
}

fn told(told: Result<String, String>) -> Result<CallToolResult, String> {
    told.map(|text| CallToolResult::success(vec![ContentBlock::text(text)]))
}
