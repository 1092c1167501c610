//! What each access level offers and runs. The operator's level is an upper bound; no call widens it.

use std::collections::BTreeSet;

use opmanager_mcp_server::tools::{self, Access};
use opmanager_simulator::{Simulator, contract};
use serde_json::{Value, json};

use crate::support::{Session, at, example, needs_a_flag, simulator, tool_of};

fn names(tools: &[Value]) -> Vec<&str> {
    tools
        .iter()
        .map(|tool| tool["name"].as_str().unwrap())
        .collect()
}

/// Every tool of that level that is an operation or a workflow.
fn offered_at(access: Access) -> Vec<&'static str> {
    let tools = tools::catalogue()
        .iter()
        .filter(|tool| tool.is_callable_by_name());
    tools
        .filter(|tool| tool.access() <= access && !needs_a_flag(tool))
        .map(tools::Tool::name)
        .collect()
}

#[tokio::test]
async fn each_level_offers_its_tools_and_those_below() {
    // How many they are is recorded in snapshots/operations.snap.
    for (flags, access) in [
        (&[][..], Access::Read),
        (&["--access", "read"], Access::Read),
        (&["--access", "write"], Access::Write),
        (&["--access", "destructive"], Access::Destructive),
    ] {
        let mut session = Session::start(flags).await;
        let tools = session.tools().await;
        assert_eq!(names(&tools), offered_at(access), "{flags:?}");
        for (tool, expected) in tools
            .iter()
            .zip(tools::operations().filter(|tool| tool.access() <= access && !needs_a_flag(tool)))
        {
            assert_eq!(*tool, serde_json::to_value(expected.definition()).unwrap());
        }
    }
}

#[tokio::test]
async fn ar_08_tools_above_the_level_are_neither_listed_nor_run() {
    let simulator = simulator().await;
    for (flags, access) in [
        (&[][..], Access::Read),
        (&["--access", "read"], Access::Read),
        (&["--access", "write"], Access::Write),
    ] {
        let mut session = Session::start(flags).await;
        let mut refused = 0;
        for tool in tools::operations().filter(|tool| tool.access() > access) {
            for arguments in [
                json!({}),
                at(&simulator, json!({})),
                json!({ "access": "destructive" }),
            ] {
                let reply = session.call(tool.name(), arguments).await;
                assert!(reply.failed, "{}", tool.name());
                let flag = format!("--access {}", tool.access());
                for part in [tool.name(), flag.as_str(), "operator"] {
                    assert!(
                        reply.text().contains(part),
                        "{}: {}",
                        tool.name(),
                        reply.text()
                    );
                }
                assert!(!reply.text().contains(simulator.api_key()));
            }
            refused += 1;
        }
        let above = tools::operations().filter(|tool| tool.access() > access);
        assert_eq!(refused, above.count());
        assert_eq!(
            names(&session.tools().await),
            offered_at(access),
            "a refusal changes nothing"
        );
        session.conclude(simulator.api_key()).await;
    }
    assert_eq!(simulator.connections(), 0);
}

/// What operations that write would change, as some of those that read show it.
async fn seen(session: &mut Session, simulator: &Simulator) -> Vec<Value> {
    let mut seen = Vec::new();
    for id in [
        "listDevicesV2",
        "listAlarms",
        "listAllLogicalGroups",
        "listDownTimeSchedules",
        "listBusinessRules",
        "getBusinessView",
        "getBVDetails",
        "getDeviceInfo",
        "getAssociatedServiceMonitors",
        "getWorkflowExecutionStatus",
    ] {
        let operation = contract().iter().find(|operation| operation.id == id);
        let operation = operation.unwrap();
        let given = at(simulator, Value::Object(example(operation)));
        let reply = session.call(tool_of(operation).name(), given).await;
        assert!(!reply.failed, "{id}: {}", reply.text());
        seen.push(reply.json());
    }
    seen
}

#[tokio::test]
async fn what_may_only_read_changes_nothing_whatever_the_verb() {
    let simulator = simulator().await;
    let mut session = Session::start(&["--toolsets", "all,catalogue", "--msp"]).await;
    let before = seen(&mut session, &simulator).await;
    simulator.clear_log();
    for operation in contract() {
        let tool = tool_of(operation);
        let own = Value::Object(example(operation));
        session.call(tool.name(), at(&simulator, own.clone())).await;
        let by_name = json!({ "operation": operation.id, "arguments": own.to_string() });
        session
            .call("call_operation", at(&simulator, by_name))
            .await;
    }
    let sent: BTreeSet<&str> = simulator
        .requests()
        .iter()
        .filter_map(|request| request.operation)
        .collect();
    let read = contract()
        .iter()
        .filter(|operation| tool_of(operation).access() == Access::Read);
    assert_eq!(sent, read.map(|operation| operation.id).collect());
    let after = seen(&mut session, &simulator).await;
    for (before, after) in before.iter().zip(&after) {
        assert_eq!(after, before);
    }
}

#[tokio::test]
async fn pr_10_a_tool_that_nobody_has_is_a_protocol_error() {
    let simulator = simulator().await;
    let mut session = Session::start(&["--access", "destructive"]).await;
    let long = format!("{}\n\u{1b}[31m{}", "x".repeat(100), "y".repeat(10_000));
    for (name, meant) in [
        ("listAlarms", "; did you mean `list_alarms`"),
        ("list_alarms ", "; did you mean `list_alarms`"),
        ("LIST_ALARMS", "; did you mean `list_alarms`"),
        ("", ""),
        // It may be a key in the wrong place.
        (simulator.api_key(), ""),
        (long.as_str(), ""),
    ] {
        let arguments = at(&simulator, json!({}));
        let answer = session
            .request(
                "tools/call",
                json!({ "name": name, "arguments": arguments }),
            )
            .await;
        assert_eq!(answer["error"]["code"], -32602, "{answer}");
        let message = answer["error"]["message"].as_str().unwrap();
        assert!(
            message.starts_with(&format!("there is no such tool{meant}")),
            "{message}"
        );
        assert!(message.len() < 200, "{message}");
        assert!(!answer.to_string().contains(simulator.api_key()));
    }
    session.conclude(simulator.api_key()).await;
    assert_eq!(simulator.connections(), 0);
}
