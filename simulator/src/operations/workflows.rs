//! Workflows: what is prepared, running one, and how it went.
//!
//! Owns the answers of the Workflows tag. Runs nothing: an execution ends at once.

use serde_json::{Value, json};

use super::{Answer, Handlers, Reply, ok, text};
use crate::{
    checks::Arguments,
    state::{
        State,
        extras::{Execution, WORKFLOWS},
        no_such,
    },
};

pub(super) const HANDLERS: Handlers = &[
    ("getWorkflowList", list, &[]),
    (
        "getWorkflowExecutionStatus",
        status,
        &[("executionID", "21")],
    ),
    ("getDeviceListForFilter", devices, &[("filterID", "1")]),
    (
        "executeWorkflow",
        execute,
        &[("wfID", "1"), ("deviceName", "310"), ("triggerType", "1")],
    ),
];

fn list(_: &mut State, _: &Arguments) -> Answer {
    let rows = WORKFLOWS.iter().map(|&(id, name, description, trigger)| {
        json!({
            "name": name, "description": description, "rbID": id, "workflowType": 1, "triggerType": 1,
            "triggerdesc": trigger, "reportID": 900 + id,
        })
    });
    ok(rows.collect())
}

fn status(state: &mut State, arguments: &Arguments) -> Answer {
    let id = arguments.integer("executionID").unwrap_or_default();
    let found = state
        .extras
        .executions
        .iter()
        .find(|execution| execution.id == id);
    let Some(execution) = found else {
        // Captured: a number in place of a word.
        return Ok(Reply::Json(
            json!({ "error": { "code": 5013, "message": "There is no such execution." } }),
        ));
    };
    let name = WORKFLOWS
        .iter()
        .find(|(id, ..)| *id == execution.workflow)
        .map_or("", |(_, name, ..)| *name);
    // The device may be gone since.
    let device = state.device_by_moid(execution.moid);
    let device = device.map_or("", |device| &device.display_name);
    let log = json!({
        "moID": execution.moid, "rbName": name, "displayName": device, "logSeverity": 5,
        "logMessage": "Completed",
        "logData": [{ "taskName": "Test the service", "logSeverity": 5, "logMessage": "The service answers." }],
    });
    ok(json!([{ "id": id, "status": "COMPLETED", "exectionlogs": { text(id): log } }]))
}

fn devices(state: &mut State, arguments: &Arguments) -> Answer {
    let id = arguments.integer("filterID").unwrap_or_default();
    if !WORKFLOWS.iter().any(|(other, ..)| *other == id) {
        return Err(no_such("filter", &id.to_string()));
    }
    // Inferred: the first one is of servers, the others of none.
    let (selected, remaining): (Vec<_>, Vec<_>) = state
        .devices
        .iter()
        .partition(|device| id == 1 && device.category == "Server");
    let rows = |devices: Vec<&crate::state::Device>| -> Value {
        devices
            .into_iter()
            .map(|device| {
                json!({
                    "name": device.name, "displayName": device.display_name, "moid": text(device.moid),
                    "category": device.category, "type": device.kind,
                })
            })
            .collect()
    };
    ok(json!({ "selectedDevices": rows(selected), "remainingDevices": rows(remaining) }))
}

fn execute(state: &mut State, arguments: &Arguments) -> Answer {
    let workflow = arguments.integer("wfID").unwrap_or_default();
    if !WORKFLOWS.iter().any(|(id, ..)| *id == workflow) {
        return Err(no_such("workflow", &workflow.to_string()));
    }
    let moid = arguments.integer("deviceName").unwrap_or_default();
    state.device_by_moid(moid)?;
    let id = state.next_id();
    state
        .extras
        .executions
        .push(Execution { id, workflow, moid });
    ok(json!([id]))
}
