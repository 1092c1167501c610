//! The answers: one function for each operation, grouped as the document groups them.
//!
//! Owns the shapes, and an example call of each operation. Gets checked arguments, and changes nothing but the state.

use serde_json::{Value, json};

use crate::{
    checks::{Arguments, Refusal},
    contract::Operation,
    state::{ATTENTION, CLEAR, CRITICAL, SERVICE_DOWN, State, TROUBLE, UNMANAGED},
};

mod alarms;
mod availability;
mod configuration;
mod dashboards;
mod devices;
mod events;
mod groups;
mod interfaces;
mod ipam;
mod maps;
mod monitoring;
mod msp;
mod netflow;
mod notifications;
mod onboarding;
mod reports;
mod virtualization;
mod wireless;
mod workflows;

pub(crate) enum Reply {
    Json(Value),
    /// For the one documented answer that is not JSON.
    Text(&'static str),
}

impl From<Value> for Reply {
    fn from(value: Value) -> Reply {
        Reply::Json(value)
    }
}

type Answer = Result<Reply, Refusal>;
type Handler = fn(&mut State, &Arguments) -> Answer;
/// Arguments by name.
type Example = &'static [(&'static str, &'static str)];
/// The operations of an area: the id of each, what answers it, and arguments with which it succeeds against a freshly
/// started simulator, in any order of operations but for those that delete.
type Handlers = &'static [(&'static str, Handler, Example)];

const AREAS: &[Handlers] = &[
    alarms::HANDLERS,
    availability::HANDLERS,
    dashboards::HANDLERS,
    devices::HANDLERS,
    events::HANDLERS,
    groups::HANDLERS,
    interfaces::HANDLERS,
    monitoring::HANDLERS,
    notifications::HANDLERS,
    reports::HANDLERS,
    virtualization::HANDLERS,
    wireless::HANDLERS,
    onboarding::HANDLERS,
    maps::HANDLERS,
    workflows::HANDLERS,
    netflow::HANDLERS,
    configuration::HANDLERS,
    ipam::HANDLERS,
    msp::HANDLERS,
];

fn find(id: &str) -> Option<(Handler, Example)> {
    let mut all = AREAS.iter().copied().flatten();
    all.find(|(other, ..)| *other == id)
        .map(|&(_, handler, example)| (handler, example))
}

/// Arguments with which the operation succeeds against a freshly started simulator, in any order of operations but for
/// those that delete. Empty for operations without parameters and for unknown ids.
#[must_use]
pub fn example_arguments(id: &str) -> Vec<(&'static str, String)> {
    let (_, example) = find(id).unzip();
    let pairs = example.unwrap_or_default().iter();
    pairs
        .map(|&(name, value)| (name, value.to_owned()))
        .collect()
}

pub(crate) fn perform(state: &mut State, operation: &Operation, arguments: &Arguments) -> Answer {
    let Some((handler, _)) = find(operation.id) else {
        return Err(Refusal::new(
            None,
            "The simulator does not know this operation.",
        ));
    };
    if operation.method == "POST" {
        state.tick();
    }
    handler(state, arguments)
}

fn ok(value: Value) -> Answer {
    Ok(Reply::Json(value))
}

/// The answer of nearly every write.
fn message(text: &str) -> Answer {
    ok(json!({ "result": { "message": text } }))
}

/// Inferred: what is said of a value that is well formed and yet of no use.
fn not_allowed(name: &str) -> Refusal {
    Refusal::new(
        Some("PATTERN_NOT_MATCHED"),
        format!("The parameter '{name}' does not have one of its allowed values."),
    )
}

fn severity_name(severity: i64) -> &'static str {
    match severity {
        CRITICAL => "Critical",
        TROUBLE => "Trouble",
        ATTENTION => "Attention",
        SERVICE_DOWN => "Service Down",
        CLEAR => "Clear",
        UNMANAGED => "Unmanaged",
        _ => "Unknown",
    }
}

fn icon(severity: i64) -> String {
    format!("/images/devices/status{severity}.gif")
}

/// Severity as a picture and a word, as lists for people have it.
fn picture(severity: i64) -> String {
    format!(
        "<img src='{}'>\u{a0}{}",
        icon(severity),
        severity_name(severity)
    )
}

fn text(value: impl ToString + Copy) -> String {
    value.to_string()
}

/// `"True"` or `"False"`, where OpManager capitalises it.
fn capital(value: bool) -> &'static str {
    if value { "True" } else { "False" }
}

/// What ends the name of a member that holds another one as a number, to sort by. It is not sent.
const AS_NUMBER: &str = "AsNumber";

/// Sorts by `sortByColumn` and `sortByType`, numbers as numbers.
fn sort(rows: &mut [Value], arguments: &Arguments) {
    let Some(column) = arguments.get("sortByColumn") else {
        return;
    };
    let number = format!("{column}{AS_NUMBER}");
    let key = |row: &Value| {
        let value = row.get(&number).unwrap_or(&row[column]);
        let text = value
            .as_str()
            .map_or_else(|| value.to_string(), str::to_lowercase);
        (text.parse::<i64>().unwrap_or(i64::MAX), text)
    };
    rows.sort_by_cached_key(key);
    if arguments
        .get("sortByType")
        .is_some_and(|direction| direction.eq_ignore_ascii_case("desc"))
    {
        rows.reverse();
    }
}

struct Page {
    rows: Vec<Value>,
    number: i64,
    /// Number of pages.
    total: i64,
    /// Number of rows overall.
    records: i64,
}

/// The page that `page` and `rows` ask for; without them, everything on one page.
fn page(mut rows: Vec<Value>, arguments: &Arguments) -> Page {
    sort(&mut rows, arguments);
    let records = rows.len() as i64;
    let size = arguments.integer("rows").unwrap_or(records).max(1);
    let number = arguments.integer("page").unwrap_or(1).max(1);
    let skipped = number.saturating_sub(1).saturating_mul(size);
    let rows = rows
        .into_iter()
        .skip(skipped as usize)
        .take(size as usize)
        .collect();
    Page {
        rows,
        number,
        total: records / size + i64::from(records % size != 0),
        records,
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn every_operation_of_the_document_is_answered_and_no_other() {
        let answered: Vec<_> = AREAS
            .iter()
            .copied()
            .flatten()
            .map(|(id, ..)| *id)
            .collect();
        let documented: BTreeSet<_> = crate::contract()
            .iter()
            .map(|operation| operation.id)
            .collect();
        assert_eq!(
            answered.len(),
            documented.len(),
            "an operation is answered twice or not at all"
        );
        assert_eq!(answered.into_iter().collect::<BTreeSet<_>>(), documented);
    }
}
