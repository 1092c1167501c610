//! The answers have the documented shape: no field that the document does not know, and every field that it knows.
//!
//! Owns the exceptions, each with its reason.

use std::collections::BTreeSet;

use opmanager_simulator::{contract, response_schemas};
use serde_json::Value;

use crate::start;

/// Fields that answers have and the document leaves out on purpose: icons, colours, copies and web-client state. The
/// vendor's samples have them, so a client must put up with them.
#[rustfmt::skip]
const LEFT_OUT: &[&str] = &[
    "Id", "PRIORITY", "adminStateImg", "bgColor", "encodedName", "imagePath", "operStateImg", "sSave", "severityIcon",
    "statusIcon", "statusImg", "thresholdFontColor", "thresholdImg", "thresholdSevFont", "trimArgs", "trimName", "trimPath",
    "compactURL", "trimmedDispName", "yaxiscolumnorder",
    // Keyed by the titles of the columns.
    "AdvancedReportRow.Availability (%)", "AdvancedReportRow.Up time", "AdvancedReportRow.Down time",
    "AdvancedReportRow.On Hold time", "AdvancedReportRow.Maintenance Time", "AdvancedReportRow.Parent Down Time",
    "AdvancedReportRow.Dependent Down Time",
];

/// Documented fields that no answer has.
#[rustfmt::skip]
const NOT_ANSWERED: &[&str] = &[
    // Known from third parties or from excerpts of newer pages only, without a sample.
    "Alarm.eventtype", "Alarm.technician", "Alarm.isSuppressed",
    "PerformanceMonitor.active", "PerformanceMonitor.groupName", "PerformanceMonitor.isSuppressed",
    "PerformanceMonitor.pollingStatus", "PerformanceMonitor.suppressedMessage",
    // Known from answers of other builds than the one that is played.
    "DeviceInterface.inUtil", "DeviceInterface.outUtil", "Interface.inTraffic", "Interface.outTraffic",
    "Interface.isSuppressed", "Interface.suppressedMessage",
    // Inferred from another operation.
    "InterfaceCustomField.FIELDVALUE",
];

/// Further calls whose answers have what the example does not show.
const MORE: &[(&str, &[(&str, &str)])] = &[
    (
        "getAdvancedReportData",
        &[("reportId", "702"), ("getOnlyColumnDetails", "true")],
    ),
    ("getDeviceAssociatedMonitors", &[("name", "web-01")]),
    (
        "listInterfaces",
        &[("intfProps", "ifName,moid,physAddress")],
    ),
];

/// Walks an answer beside its schema and collects the fields on both sides as `Schema.field`.
#[derive(Default)]
struct Comparison {
    declared: BTreeSet<String>,
    answered: BTreeSet<String>,
    undeclared: BTreeSet<String>,
    mismatched: BTreeSet<String>,
}

impl Comparison {
    fn walk(&mut self, name: &str, schema: &Value, answer: &Value) {
        if let Some(reference) = schema["$ref"].as_str() {
            let target = response_schemas()
                .pointer(reference.trim_start_matches('#'))
                .expect("a reference that resolves");
            return self.walk(reference.rsplit('/').next().unwrap_or(name), target, answer);
        }
        if let [only] = schema["allOf"]
            .as_array()
            .map(Vec::as_slice)
            .unwrap_or_default()
        {
            return self.walk(name, only, answer);
        }
        if let Some(choices) = schema["oneOf"].as_array() {
            if !choices.iter().any(|choice| is_of_type(choice, answer)) {
                self.mismatched.insert(format!("{name}: {answer}"));
            }
            return;
        }
        if !is_of_type(schema, answer) {
            self.mismatched.insert(format!("{name}: {answer}"));
        }
        match answer {
            Value::Array(items) => items
                .iter()
                .for_each(|item| self.walk(name, &schema["items"], item)),
            Value::Object(fields) => self.walk_object(name, schema, fields),
            _ => {}
        }
    }

    fn walk_object(&mut self, name: &str, schema: &Value, fields: &serde_json::Map<String, Value>) {
        let properties = schema["properties"].as_object();
        self.declared.extend(
            properties
                .into_iter()
                .flatten()
                .map(|(field, _)| format!("{name}.{field}")),
        );
        for (field, value) in fields {
            let path = format!("{name}.{field}");
            match (
                properties.and_then(|properties| properties.get(field)),
                &schema["additionalProperties"],
            ) {
                (Some(schema), _) => {
                    self.walk(&path, schema, value);
                    self.answered.insert(path);
                }
                // Keyed by id or label, or free in form.
                (None, rest @ Value::Object(_)) => self.walk(name, rest, value),
                (None, _) if properties.is_none() => {}
                (None, _) => drop(self.undeclared.insert(path)),
            }
        }
    }
}

fn is_of_type(schema: &Value, answer: &Value) -> bool {
    match schema["type"].as_str() {
        Some("array") => answer.is_array(),
        Some("object") => answer.is_object(),
        Some("string") => answer.is_string(),
        Some("integer") => answer.is_i64() || answer.is_u64(),
        Some("number") => answer.is_number(),
        Some("boolean") => answer.is_boolean(),
        _ => true,
    }
}

/// Answers that are not described as they come: one is no JSON, and of the other only what is kept is described.
const DESCRIBED_OTHERWISE: [&str; 2] = ["setDeviceInfo", "listCredentials"];

#[tokio::test]
async fn answers_have_the_documented_shape() {
    let session = start().await;
    let mut comparison = Comparison::default();
    let mut compare = |id: &str, body: String| {
        let schema = &response_schemas()["responses"][id];
        if !DESCRIBED_OTHERWISE.contains(&id) {
            let answer =
                serde_json::from_str(&body).unwrap_or_else(|error| panic!("{id}: {error}: {body}"));
            comparison.walk(id, schema, &answer);
        }
    };
    for (id, arguments) in MORE {
        compare(id, session.text(id, arguments).await);
    }
    for operation in contract() {
        compare(operation.id, session.call_example(operation.id).await);
    }
    let is_in = |list: &[&str], path: &str| {
        list.iter()
            .any(|entry| path == *entry || path.ends_with(&format!(".{entry}")))
    };
    let undeclared: Vec<_> = comparison
        .undeclared
        .iter()
        .filter(|path| !is_in(LEFT_OUT, path))
        .collect();
    let missing = comparison.declared.difference(&comparison.answered);
    let missing: Vec<_> = missing.filter(|path| !is_in(NOT_ANSWERED, path)).collect();
    assert!(
        undeclared.is_empty(),
        "fields that the document does not know: {undeclared:#?}"
    );
    assert!(
        missing.is_empty(),
        "documented fields that no answer has: {missing:#?}"
    );
    assert!(
        comparison.mismatched.is_empty(),
        "values of another type: {:#?}",
        comparison.mismatched
    );
}
