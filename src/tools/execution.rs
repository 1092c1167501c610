//! Which workflows of OpManager may be run: those that the operator named.
//!
//! A workflow may hold any script, so that no access level alone permits one. Owns how the id of a call is held against
//! the permitted names. Knows neither access levels nor confirmation.

use std::fmt;
use std::ops::ControlFlow;
use std::str::FromStr;

use serde::Deserialize;
use serde_json::Value;

use super::Tool;
use crate::opmanager::types::{ExecuteWorkflowArgs, GetWorkflowListArgs};
use crate::opmanager::{Error, Integer, Operation, OperationId, Text};
use crate::upstream::{Session, rows};

/// The operation that runs a workflow.
const EXECUTE: OperationId = ExecuteWorkflowArgs::ID;
/// The operation that tells which names the ids have. Sent before each execution.
pub(crate) const LIST: OperationId = GetWorkflowListArgs::ID;

/// Longest name, in characters.
const LONGEST_NAME: usize = 256;

/// Name of a workflow, as getWorkflowList gives it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WorkflowName(String);

impl FromStr for WorkflowName {
    type Err = String;

    fn from_str(name: &str) -> Result<Self, String> {
        let name = name.trim();
        if name.is_empty() || name.chars().count() > LONGEST_NAME {
            return Err(format!(
                "must be the name of a workflow, as get_workflow_list gives it, of at most {LONGEST_NAME} characters"
            ));
        }
        Ok(Self(name.to_owned()))
    }
}

impl fmt::Display for WorkflowName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Whether a tool runs workflows.
pub(crate) fn runs_workflows(tool: &Tool) -> bool {
    tool.operation()
        .is_some_and(|operation| is_execution(operation.operation))
}

/// Whether an operation runs a workflow.
pub(crate) fn is_execution(operation: OperationId) -> bool {
    operation == EXECUTE
}

/// Why a workflow is not run.
pub(crate) enum Stopped {
    /// The operator does not permit it.
    Unpermitted(String),
    /// The names could not be read.
    Unread(Error),
}

#[derive(Deserialize)]
struct Workflow {
    #[serde(rename = "rbID")]
    id: Option<Integer>,
    name: Option<Text>,
}

/// Reads the workflows of OpManager, and checks that the one of a call has a name that is permitted and no other
/// workflow has.
///
/// # Errors
///
/// Why the workflow is not to be run. Nothing was sent but the reading.
pub(crate) async fn check(
    session: &Session<'_>,
    arguments: &Value,
    permitted: &[WorkflowName],
) -> Result<(), Stopped> {
    let all = rows(Vec::new(), |all: &mut Vec<(i64, String)>, row: Workflow| {
        let id = row.id.and_then(|id| id.get());
        if let (Some(id), Some(name)) = (id, row.name) {
            all.push((id, name.trim().to_owned()));
        }
        ControlFlow::Continue(())
    });
    let list = GetWorkflowListArgs::default();
    let read = session
        .run(
            LIST.specification(),
            false,
            |client, sending| Box::pin(async move { client.send(&list, sending).await }),
            all,
        )
        .await;
    let all = read.map_err(|(error, _)| Stopped::Unread(error))?;
    judge(arguments["wfID"].as_i64(), &all, permitted).map_err(Stopped::Unpermitted)
}

/// Whether the workflow of that id may be run. The name of one that may not is not repeated.
fn judge(id: Option<i64>, all: &[(i64, String)], permitted: &[WorkflowName]) -> Result<(), String> {
    let mut names = all
        .iter()
        .filter(|(other, _)| Some(*other) == id)
        .map(|(_, name)| name);
    let (Some(name), None) = (names.next(), names.next()) else {
        return Err(
            "`wfID`: get_workflow_list has no workflow, or several, with this id. Nothing was run."
                .to_owned(),
        );
    };
    if !permitted.iter().any(|permitted| permitted.0 == *name) {
        let permitted: Vec<String> = permitted.iter().map(|name| format!("`{name}`")).collect();
        return Err(format!(
            "`wfID`: the workflow of this id is not among those that the operator of this server permits (--allow-workflows): {}. Nothing was run.",
            permitted.join(", ")
        ));
    }
    if all.iter().filter(|(_, other)| other == name).count() > 1 {
        return Err(format!(
            "`wfID`: several workflows are called `{}`, so that the name does not say which one the operator permits. Nothing was run.",
            permitted
                .iter()
                .find(|permitted| permitted.0 == *name)
                .map_or("", |name| &name.0)
        ));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_workflow_whose_one_name_is_permitted_is_run() {
        let row = |id, name: &str| (id, name.to_owned());
        let all = [
            row(1, "Restart print spooler"),
            row(2, "Wipe disk"),
            row(3, "Twice"),
            row(4, "Twice"),
            row(5, "one id"),
            row(5, "Restart print spooler 2"),
        ];
        let permitted = ["Restart print spooler", "Twice", "one id", "gone"]
            .map(|name| name.parse::<WorkflowName>().unwrap());
        assert_eq!(judge(Some(1), &all, &permitted), Ok(()));
        for (id, why) in [
            (Some(2), "not among those"),
            (Some(3), "several workflows"),
            (Some(5), "no workflow, or several"),
            (Some(9), "no workflow"),
            (None, "no workflow"),
        ] {
            let refused = judge(id, &all, &permitted).unwrap_err();
            assert!(refused.contains(why), "{id:?}: {refused}");
            assert!(!refused.contains("Wipe"), "{refused}");
        }
        assert!(judge(Some(1), &all, &[]).is_err());
    }

    #[test]
    fn a_name_is_not_empty_and_not_long() {
        for name in ["", "  ", &"x".repeat(257)] {
            assert!(name.parse::<WorkflowName>().is_err());
        }
        assert_eq!(" a b ".parse(), Ok(WorkflowName("a b".to_owned())));
    }
}
