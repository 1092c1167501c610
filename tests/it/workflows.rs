//! Running a workflow of OpManager: only those that the operator named, whatever way a call comes.

use std::process::Command;

use opmanager_simulator::{Fault, FaultKind, Simulator};
use serde_json::{Value, json};

use crate::confirm;
use crate::support::{EVERYTHING, PROGRAM, Session, at, merge, simulator};

const TOOL: &str = "execute_workflow";

fn run(simulator: &Simulator, id: i64) -> Value {
    at(
        simulator,
        json!({ "wfID": id, "deviceName": "310", "triggerType": 1 }),
    )
}

/// A call through the catalogue.
fn through(name: &str, simulator: &Simulator, id: i64) -> Value {
    let own = json!({ "wfID": id, "deviceName": "310", "triggerType": 1 });
    at(
        simulator,
        json!({ "operation": name, "arguments": own.to_string() }),
    )
}

fn sent(simulator: &Simulator) -> Vec<&'static str> {
    let requests = simulator.requests();
    requests
        .into_iter()
        .filter_map(|request| request.operation)
        .collect()
}

async fn listed(session: &mut Session) -> bool {
    let tools = session.tools().await;
    tools.iter().any(|tool| tool["name"] == TOOL)
}

/// Starts the program where it is permitted to run these workflows.
async fn permitting(names: &[&str]) -> Session {
    let names = names.join(",");
    let flags = [
        "--access",
        "destructive",
        "--toolsets",
        "all,catalogue",
        "--allow-workflows",
        &names,
    ];
    Session::start(&flags).await
}

#[tokio::test]
async fn without_the_flag_it_is_neither_listed_nor_reached_by_any_way() {
    let simulator = simulator().await;
    for access in ["read", "write", "destructive"] {
        let flags = ["--access", access, "--toolsets", "all,catalogue"];
        let mut session = Session::start(&flags).await;
        assert!(!listed(&mut session).await);
        let reply = session.call(TOOL, run(&simulator, 1)).await;
        assert!(reply.failed);
        if access == "destructive" {
            assert!(
                reply.text().contains("--allow-workflows"),
                "{}",
                reply.text()
            );
        }
        for name in [TOOL, "executeWorkflow", "EXECUTEWORKFLOW"] {
            let called = session
                .call("call_operation", through(name, &simulator, 1))
                .await;
            let described = session
                .call("describe_operation", json!({ "operation": name }))
                .await;
            assert!(called.failed && described.failed, "{access}: {name}");
        }
        for query in ["run a workflow on a device", "execute workflow", TOOL] {
            let found = session
                .call("find_operations", json!({ "query": query }))
                .await;
            assert!(
                !found.text().contains(&format!("\"{TOOL}\"")),
                "{}",
                found.text()
            );
        }
        session.conclude(simulator.api_key()).await;
    }
    assert_eq!(simulator.connections(), 0);
}

#[tokio::test]
async fn with_it_only_the_named_workflows_run() {
    let simulator = simulator().await;
    let mut session = permitting(&["Restart print spooler", "No such workflow"]).await;
    assert!(listed(&mut session).await);
    for arguments in [
        (TOOL, run(&simulator, 1)),
        ("call_operation", through(TOOL, &simulator, 1)),
        ("call_operation", through("executeWorkflow", &simulator, 1)),
    ] {
        simulator.clear_log();
        let reply = session.call(arguments.0, arguments.1).await;
        assert!(!reply.failed, "{}", reply.text());
        assert_eq!(sent(&simulator), ["getWorkflowList", "executeWorkflow"]);
        let execution = reply.json()[0].clone();
        let status = session
            .call(
                "get_workflow_execution_status",
                at(&simulator, json!({ "executionID": execution })),
            )
            .await;
        assert!(status.text().contains("COMPLETED"), "{}", status.text());
    }
    for id in [0, 2, 3, 99] {
        for (tool, given) in [
            (TOOL, run(&simulator, id)),
            ("call_operation", through("executeWorkflow", &simulator, id)),
        ] {
            simulator.clear_log();
            let reply = session.call(tool, given).await;
            assert!(
                reply.failed && reply.text().contains("`wfID`"),
                "{id}: {}",
                reply.text()
            );
            assert_eq!(sent(&simulator), ["getWorkflowList"], "{id}");
        }
    }
    session.conclude(simulator.api_key()).await;
}

#[tokio::test]
async fn a_name_permits_what_is_called_exactly_so() {
    let simulator = simulator().await;
    for name in [
        "restart print spooler",
        "Restart print",
        "Restart print spooler 2",
        "1",
        "*",
    ] {
        let mut session = permitting(&[name]).await;
        simulator.clear_log();
        let reply = session.call(TOOL, run(&simulator, 1)).await;
        assert!(reply.failed, "{name}: {}", reply.text());
        assert_eq!(sent(&simulator), ["getWorkflowList"], "{name}");
    }
}

#[tokio::test]
async fn nothing_runs_where_the_names_are_not_clear() {
    let simulator = simulator().await;
    let mut session = permitting(&["Restart print spooler"]).await;
    let row = |id: Value, name: &str| json!({ "rbID": id, "name": name });
    let own = row(json!(1), "Restart print spooler");
    for (status, body) in [
        // Two ids of one name, two names of one id.
        (
            200,
            json!([own, row(json!(2), "Restart print spooler")]).to_string(),
        ),
        (200, json!([own, row(json!("1"), "Wipe")]).to_string()),
        (200, json!([row(json!("1"), "Wipe")]).to_string()),
        (
            200,
            json!([{ "rbID": 1 }, { "name": "Restart print spooler" }]).to_string(),
        ),
        (200, json!([]).to_string()),
        (
            200,
            json!({ "message": "Restart print spooler" }).to_string(),
        ),
        (
            200,
            json!({ "error": { "message": "no", "code": 1 } }).to_string(),
        ),
        (500, json!([own]).to_string()),
        (200, "Restart print spooler".to_owned()),
        (200, json!([own]).to_string().replace(']', "")),
    ] {
        simulator.clear_log();
        let kind = FaultKind::Respond {
            status,
            content_type: Some("application/json".to_owned()),
            headers: Vec::new(),
            body: body.clone().into_bytes(),
        };
        simulator.inject(Fault::once(kind).on("getWorkflowList"));
        let reply = session.call(TOOL, run(&simulator, 1)).await;
        assert!(reply.failed, "{body}: {}", reply.text());
        assert_eq!(sent(&simulator), ["getWorkflowList"], "{body}");
    }
    session.conclude(simulator.api_key()).await;
}

#[tokio::test]
async fn it_is_confirmed_as_what_removes_something() {
    let simulator = simulator().await;
    let flags = [
        "--allow-workflows",
        "Restart print spooler",
        "--confirm-destructive",
        "always",
    ];
    let mut session = confirm::session(&flags, json!({})).await;
    let reply = session.call(TOOL, run(&simulator, 1)).await;
    assert!(reply.failed, "{}", reply.text());
    assert_eq!(simulator.connections(), 0);
}

#[tokio::test]
async fn what_is_wrong_with_the_call_is_told_before_anything_is_sent() {
    let simulator = simulator().await;
    let mut session = Session::start(&EVERYTHING).await;
    for wrong in [
        json!({ "wfID": "one" }),
        json!({ "wfID": -1 }),
        json!({ "triggerType": 2 }),
        json!({ "deviceName": "" }),
    ] {
        let given = merge(run(&simulator, 1), wrong.clone());
        let reply = session.call(TOOL, given).await;
        assert!(
            reply.failed && reply.text().contains("nothing was sent"),
            "{wrong}: {}",
            reply.text()
        );
    }
    assert_eq!(simulator.connections(), 0);
}

#[tokio::test]
async fn without_the_reading_of_names_it_does_not_run() {
    let simulator = simulator().await;
    let flags = [&EVERYTHING[..], &["--exclude-tools", "get_workflow_list"]].concat();
    let mut session = Session::start(&flags).await;
    assert!(!listed(&mut session).await);
    let reply = session.call(TOOL, run(&simulator, 1)).await;
    assert!(
        reply.failed && reply.text().contains("get_workflow_list"),
        "{}",
        reply.text()
    );
    assert_eq!(simulator.connections(), 0);
}

#[test]
fn flags_that_permit_nothing_are_refused_at_the_start() {
    for (flags, part) in [
        (
            &["--allow-workflows", "x"][..],
            "--allow-workflows needs --access destructive",
        ),
        (
            &["--access", "write", "--allow-workflows", "x"],
            "--allow-workflows needs --access destructive",
        ),
        (
            &["--access", "destructive", "--tools", TOOL],
            "--tools execute_workflow needs --allow-workflows",
        ),
        (
            &["--access", "destructive", "--allow-workflows", "x,,y"],
            "--allow-workflows <NAMES>",
        ),
    ] {
        let output = Command::new(PROGRAM)
            .arg("tools")
            .args(flags)
            .output()
            .unwrap();
        assert_eq!(output.status.code(), Some(2), "{flags:?}");
        let text = String::from_utf8(output.stderr).unwrap();
        assert!(text.contains(part), "{flags:?}: {text}");
    }
}

#[tokio::test]
async fn both_requests_of_an_execution_are_recorded() {
    let simulator = simulator().await;
    let mut session = permitting(&["Restart print spooler"]).await;
    for id in [1, 2] {
        session.call(TOOL, run(&simulator, id)).await;
    }
    let finished = session.conclude(simulator.api_key()).await;
    let lines = |operation: &str| {
        let line = format!("operation=\"{operation}\"");
        finished.log.matches(&line).count()
    };
    assert_eq!(lines("getWorkflowList"), 2, "{}", finished.log);
    assert_eq!(lines("executeWorkflow"), 1, "{}", finished.log);
}
