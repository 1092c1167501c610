//! Every operation answers its example arguments.

use opmanager_simulator::{contract, example_arguments};
use serde_json::{Value, json};

use crate::start;

#[tokio::test]
async fn every_operation_answers_its_example() {
    let session = start().await;
    let mut failures = Vec::new();
    for operation in contract() {
        let body = session.call_example(operation.id).await;
        let answer: Value = serde_json::from_str(&body).unwrap_or_default();
        let documented_text = operation.id == "setDeviceInfo";
        if documented_text != answer.is_null() || answer.get("error").is_some() {
            failures.push(format!("{}: {body}", operation.id));
        }
    }
    assert!(failures.is_empty(), "{}", failures.join("\n"));
    let seen: Vec<_> = session
        .requests()
        .iter()
        .filter_map(|request| request.operation)
        .collect();
    assert_eq!(
        seen,
        contract()
            .iter()
            .map(|operation| operation.id)
            .collect::<Vec<_>>()
    );
}

#[tokio::test]
async fn reads_show_something_at_the_start() {
    let session = start().await;
    for id in contract()
        .iter()
        .filter(|operation| operation.method == "GET")
        .map(|operation| operation.id)
    {
        let body = session.call_example(id).await;
        // Notes are the one thing that nobody has written yet.
        let answer: Value = serde_json::from_str(&body).unwrap();
        assert!(
            id == "getAnnotation" || shows_something(&answer),
            "{id}: {body}"
        );
    }
}

/// Whether an answer has a row, or a value if it has no list.
fn shows_something(answer: &Value) -> bool {
    match answer {
        Value::Null => false,
        Value::String(text) => !text.is_empty(),
        Value::Bool(_) | Value::Number(_) => true,
        Value::Array(rows) => rows.iter().any(shows_something),
        Value::Object(fields) => {
            let mut lists = fields.values().filter(|field| field.is_array()).peekable();
            if lists.peek().is_some() {
                lists.any(shows_something)
            } else {
                fields.values().any(shows_something)
            }
        }
    }
}

#[test]
fn an_answer_without_rows_shows_nothing() {
    for (answer, expected) in [
        (json!([]), false),
        (json!({ "total": 0, "rows": [] }), false),
        (json!({ "total": 1, "rows": [{ "name": "x" }] }), true),
        (json!({ "count": 13 }), true),
        (json!({ "message": "" }), false),
    ] {
        assert_eq!(shows_something(&answer), expected, "{answer}");
    }
}

#[test]
fn examples_name_known_parameters_and_all_required_ones() {
    for operation in contract() {
        let example = example_arguments(operation.id);
        for parameter in operation
            .parameters
            .iter()
            .filter(|parameter| parameter.required)
        {
            assert!(
                example.iter().any(|(name, _)| *name == parameter.name),
                "{}: {}",
                operation.id,
                parameter.name
            );
        }
        for (name, _) in example {
            assert!(
                operation
                    .parameters
                    .iter()
                    .any(|parameter| parameter.name == name),
                "{}: {name}",
                operation.id
            );
        }
    }
    assert!(example_arguments("noSuchOperation").is_empty());
}

#[tokio::test]
async fn the_network_is_the_same_at_every_start() {
    let (one, other) = (start().await, start().await);
    for id in [
        "listDevices",
        "listAlarms",
        "listEvents",
        "listInterfaces",
        "getLastCollectedValues",
    ] {
        assert_eq!(
            one.call_example(id).await,
            other.call_example(id).await,
            "{id}"
        );
    }
}

#[tokio::test]
async fn interfaces_are_filtered_by_several_codes_and_by_conditions() {
    let session = start().await;
    let count = async |arguments: &[(&str, &str)]| {
        let answer = session.call("listInterfaces", arguments).await;
        answer["rows"].as_array().map_or(0, Vec::len)
    };
    let all = count(&[]).await;
    let (bad, good) = (
        count(&[("severity", "1")]).await,
        count(&[("severity", "5")]).await,
    );
    assert!(bad > 0 && good > 0);
    assert_eq!(count(&[("severity", "1,5")]).await, bad + good);
    assert_eq!(count(&[("severity", "2,3")]).await, 0);
    let rule = |field: &str, op: &str, data: &str| {
        format!(
            r#"{{"groupOp":"AND","rules":[{{"field":"{field}","op":"{op}","data":"{data}"}}]}}"#
        )
    };
    let of_one = count(&[("filters", &rule("displayName", "eq", "core-sw-01"))]).await;
    let of_some = count(&[("filters", &rule("displayName", "cn", "core-sw"))]).await;
    assert!(0 < of_one && of_one < of_some && of_some < all);
    let refused = rule("deviceName", "eq", "core-sw-01");
    let code = session
        .refusal("listInterfaces", &[("filters", &refused)])
        .await;
    assert_eq!(code, "PATTERN_NOT_MATCHED");
}
