//! The catalogue: which tools there are, who may call them, and what a client is told of them.
//!
//! Each operation of the OpenAPI document is decided exactly once, in the file of its toolset: as a tool
//! with a title and an access word, or as hidden with a reason. Nothing here knows of transports.

mod access;
mod alarms;
pub(crate) mod arguments;
mod availability;
mod configuration;
mod dashboards;
pub(crate) mod describe;
mod devices;
mod events;
pub(crate) mod execution;
pub(crate) mod failure_text;
mod groups;
mod interfaces;
mod ipam;
pub(crate) mod local;
mod monitoring;
mod msp;
mod netflow;
mod notifications;
mod policy;
pub(crate) mod prompts;
#[allow(dead_code, reason = "what reports of several operations are made of")]
pub(crate) mod report;
mod reports;
mod search;
mod tool;
pub(crate) mod toolset;
mod virtualization;
mod wireless;
pub(crate) mod wording;
mod workflow_operations;
pub(crate) mod workflows;

use std::sync::LazyLock;

use rmcp::model::JsonObject;

use crate::opmanager::OperationId;
pub use access::Access;
pub use execution::WorkflowName;
pub use policy::{Bound, CORE, Policy, ToolName, ToolsetName};
pub use tool::Tool;
pub(crate) use tool::{Flags, Handler};
use toolset::Toolset;
use workflows::WORKFLOWS;

/// All areas of the API, in the order in which they are listed.
pub(crate) const TOOLSETS: &[Toolset] = &[
    alarms::TOOLSET,
    availability::TOOLSET,
    events::TOOLSET,
    devices::TOOLSET,
    interfaces::TOOLSET,
    monitoring::TOOLSET,
    groups::TOOLSET,
    notifications::TOOLSET,
    reports::TOOLSET,
    dashboards::TOOLSET,
    virtualization::TOOLSET,
    wireless::TOOLSET,
    workflow_operations::TOOLSET,
    netflow::TOOLSET,
    configuration::TOOLSET,
    ipam::TOOLSET,
    msp::TOOLSET,
];

const _: () = toolset::decided_once(TOOLSETS);
const _: () = workflows::within_their_access(WORKFLOWS, TOOLSETS);

static CATALOGUE: LazyLock<Vec<Tool>> = LazyLock::new(|| {
    let operations = TOOLSETS.iter().flat_map(|toolset| {
        let entries = toolset.tools.iter();
        entries.map(move |entry| Tool::of_operation(toolset, entry))
    });
    let workflows = WORKFLOWS.iter().map(Tool::of_workflow);
    operations.chain(local::tools()).chain(workflows).collect()
});

/// Every tool, in the order of the list: operations by toolset, then the tools of the catalogue, then workflows.
pub fn catalogue() -> &'static [Tool] {
    &CATALOGUE
}

/// The tools that are one operation each, in toolset order.
pub fn operations() -> impl Iterator<Item = &'static Tool> {
    catalogue().iter().filter(|tool| tool.operation().is_some())
}

/// The tool of that name, or the one that had it until the version before.
pub fn find(name: &str) -> Option<&'static Tool> {
    catalogue().iter().find(|tool| tool.answers_to(name))
}

/// The tool of an operation; `None` if the operation is hidden.
pub(crate) fn of_operation(operation: OperationId) -> Option<&'static Tool> {
    operations().find(|tool| tool.uses() == [operation])
}

/// An object of JSON, as tool arguments arrive.
pub(crate) type Arguments = JsonObject;
