//! The structure of answers, where variants differ in it.
//!
//! Owns bare lists and envelopes, counters, and messages in place of empty lists. Leaves words alone.

use serde_json::{Map, Value, json};

use super::Variant;
use crate::{checks::Arguments, contract::Operation};

pub(super) fn shape(variant: Variant, id: &str, arguments: &Arguments, answer: &mut Value) {
    match variant {
        Variant::Classic => classic(id, arguments, answer),
        Variant::Newer => newer(id, answer),
        Variant::Localized => {
            newer(id, answer);
            lie(id, answer);
        }
        Variant::Documented | Variant::Msp | Variant::Strict => {}
    }
}

fn classic(id: &str, arguments: &Arguments, answer: &mut Value) {
    let paged = arguments.get("page").is_some() || arguments.get("rows").is_some();
    match id {
        // Third party, in five independent clients: without page and rows it is a list.
        "listDevices" if !paged => *answer = answer["rows"].take(),
        // Third party: a list on an older server.
        "getInterfaces" => *answer = answer["interfaces"].take(),
        // Third party: without isFluidic, an object of series.
        "getInterfaceGraphs" if arguments.get("isFluidic").is_none() => {
            *answer = series(&answer["graphData"]);
        }
        _ => {}
    }
}

fn series(lines: &Value) -> Value {
    let line = |line: &Value| {
        let points = line["data"].as_array().into_iter().flatten();
        let points: Value = points
            .map(|point| json!({ "x": point[0], "y": point[1] }))
            .collect();
        Some((line["seriesname"].as_str()?.to_owned(), points))
    };
    let lines = lines.as_array().into_iter().flatten();
    Value::Object(lines.filter_map(line).collect())
}

fn newer(id: &str, answer: &mut Value) {
    if id == "listAllLogicalGroups" && answer.is_array() {
        let rows = answer.take();
        let count = rows.as_array().map_or(0, Vec::len);
        *answer = json!({ "total": 1, "page": 1, "records": count, "rows": rows });
    }
    if answer["rows"].is_array() {
        for counter in ["total", "page", "records"] {
            let number = answer[counter].as_str().and_then(|text| text.parse().ok());
            if let Some(number) = number {
                let number: i64 = number;
                answer[counter] = number.into();
            }
        }
    }
}

/// Captured: `total` is 0 beside rows, and so is `records` in listInterfaces, where both are text.
fn lie(id: &str, answer: &mut Value) {
    if !answer["rows"].is_array() {
        return;
    }
    if id == "listInterfaces" {
        (answer["total"], answer["records"]) = ("0".into(), "0".into());
        answer["page"] = answer["page"].to_string().into();
    } else if answer.get("total").is_some() {
        answer["total"] = 0.into();
    }
}

/// The wrappers and names under which answers have their list.
const LISTS: [&str; 10] = [
    "rows",
    "interfaces",
    "List",
    "Details",
    "DownDevices",
    "BusinessView",
    "BusinessDetailsView",
    "InfrastructureDetailsView",
    "graphDetails",
    "businessRules",
];

fn is_empty(answer: &Value) -> bool {
    match answer {
        Value::Array(rows) => rows.is_empty(),
        Value::Object(fields) => {
            let mut lists = LISTS.iter().filter_map(|name| fields.get(*name));
            lists.next().is_some_and(is_empty)
        }
        _ => false,
    }
}

/// Captured on getInterfaces, third party on listDevices: a read without a row answers a message and nothing else.
/// Inferred: that other reads do so too, and what they say.
pub(super) fn empty_as_message(operation: &Operation, answer: &mut Value) {
    if operation.method != "GET" || !is_empty(answer) {
        return;
    }
    let id = operation.id;
    let what = if id.contains("Interface") {
        "Interfaces"
    } else if id.contains("Alarm") {
        "Alarms"
    } else if id.contains("Device") {
        "Devices"
    } else {
        "Records"
    };
    let message = format!("No {what} found.");
    *answer = Value::Object(Map::from_iter([("message".to_owned(), message.into())]));
}
