//! What only operations beyond the vendor's page tell of or change.
//!
//! Owns the prepared workflows, their executions, intervals of polling and services that were defined.

use std::collections::BTreeMap;

/// Id, name, description, what starts it.
pub(crate) const WORKFLOWS: [(i64, &str, &str, &str); 3] = [
    (
        1,
        "Restart print spooler",
        "Restarts the spooler and tests it",
        "By hand",
    ),
    (
        2,
        "Collect diagnostics",
        "Takes a snapshot of processes and connections",
        "Alarm: Node Down",
    ),
    (
        3,
        "Clean temporary files",
        "Deletes what is older than a week",
        "Every Sunday",
    ),
];

pub(crate) struct Execution {
    pub(crate) id: i64,
    /// Id of the workflow.
    pub(crate) workflow: i64,
    /// Of the device.
    pub(crate) moid: i64,
}

pub(crate) struct Extras {
    pub(crate) executions: Vec<Execution>,
    /// Minutes between polls, by device.
    pub(crate) intervals: BTreeMap<String, i64>,
    /// Services that were defined, by name.
    pub(crate) services: Vec<String>,
}

impl Default for Extras {
    fn default() -> Extras {
        Extras {
            executions: vec![Execution {
                id: 21,
                workflow: 1,
                moid: 310,
            }],
            intervals: BTreeMap::new(),
            services: Vec::new(),
        }
    }
}
