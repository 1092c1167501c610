//! Every operation answers its example arguments.

use opmanager_simulator::contract;
use serde_json::Value;

use crate::{call_example, start};

#[tokio::test]
async fn every_operation_answers_its_example() {
    let simulator = start().await;
    let mut failures = Vec::new();
    for operation in contract() {
        let body = call_example(&simulator, operation.id).await;
        let answer: Value = serde_json::from_str(&body).unwrap_or_default();
        let documented_text = operation.id == "setDeviceInfo";
        if documented_text != answer.is_null() || answer.get("error").is_some() {
            failures.push(format!("{}: {body}", operation.id));
        }
    }
    assert!(failures.is_empty(), "{}", failures.join("\n"));
    assert_eq!(contract().len(), 89);
    assert_eq!(simulator.requests().len(), 89);
    let seen: Vec<_> = simulator.requests().iter().filter_map(|request| request.operation).collect();
    assert_eq!(seen, contract().iter().map(|operation| operation.id).collect::<Vec<_>>());
}
