//! Configuration management: backups, changes that were asked for, and templates of commands.
//!
//! Owns the answers of the Configuration tag. Inferred: the fields of all rows, as the document leaves them open.

use serde_json::json;

use super::{Answer, Handlers, ok};
use crate::{checks::Arguments, clock, state::State};

pub(super) const HANDLERS: Handlers = &[
    ("listAllConfiglets", configlets, &[]),
    ("listExecutionHistory", history, &[]),
    ("allSchedules", schedules, &[]),
    ("backupSchedules", backups, &[]),
    ("allshowCommands", commands, &[]),
    ("exportConfigs", exports, &[]),
    ("pendingRequests", pending, &[]),
    ("approvedRequests", approved, &[]),
    ("getNCMApprovalUsers", approvers, &[]),
];

fn configlets(_: &mut State, _: &Arguments) -> Answer {
    ok(json!([{ "name": "Enable a port", "description": "Takes a port out of shutdown" }]))
}

fn history(state: &mut State, _: &Arguments) -> Answer {
    let at = clock::long(state.now - 26 * clock::HOUR);
    ok(
        json!([{ "configlet": "Enable a port", "device": "edge-sw-11", "status": "Success", "time": at }]),
    )
}

fn schedules(_: &mut State, _: &Arguments) -> Answer {
    ok(json!([
        { "name": "Nightly backup", "task": "Backup", "when": "02:00" },
        { "name": "Compliance of switches", "task": "Compliance", "when": "Monday 05:00" },
    ]))
}

fn backups(_: &mut State, _: &Arguments) -> Answer {
    ok(json!([{ "name": "Nightly backup", "devices": ["core-sw-01", "rtr-01"], "when": "02:00" }]))
}

fn commands(_: &mut State, _: &Arguments) -> Answer {
    ok(json!([{ "command": "show version", "vendor": "Exemplar" }]))
}

fn exports(state: &mut State, _: &Arguments) -> Answer {
    let at = clock::long(state.now - 3 * clock::DAY);
    ok(json!([{ "file": "weekly-export", "devices": 2, "time": at }]))
}

fn pending(state: &mut State, _: &Arguments) -> Answer {
    let at = clock::long(state.now - 2 * clock::HOUR);
    ok(
        json!([{ "device": "core-sw-02", "change": "Description of Te1/2", "by": "operator", "time": at }]),
    )
}

fn approved(state: &mut State, _: &Arguments) -> Answer {
    let at = clock::long(state.now - 25 * clock::HOUR);
    ok(
        json!([{ "device": "edge-sw-11", "change": "Enable Gi0/2", "by": "operator", "approvedBy": "admin", "time": at }]),
    )
}

fn approvers(_: &mut State, _: &Arguments) -> Answer {
    ok(json!([{ "name": "admin" }]))
}
