//! What is listed, what can be called, and by which way: toolsets, single tools, and the catalogue.

use std::collections::BTreeSet;
use std::process::Command;

use opmanager_mcp_server::tools::{self, Access, Tool};
use opmanager_simulator::contract;
use serde_json::{Value, json};

use crate::support::{EVERYTHING, PROGRAM, Session, at, example, simulator, tool_of};

const CATALOGUE: [&str; 3] = ["find_operations", "describe_operation", "call_operation"];

async fn listed(flags: &[&str]) -> Vec<String> {
    let mut session = Session::start(flags).await;
    let tools = session.tools().await;
    tools
        .iter()
        .map(|tool| tool["name"].as_str().unwrap().to_owned())
        .collect()
}

fn names(filter: impl Fn(&Tool) -> bool) -> Vec<&'static str> {
    tools::operations()
        .filter(|tool| filter(tool))
        .map(Tool::name)
        .collect()
}

#[tokio::test]
async fn core_is_listed_by_default_with_the_way_to_everything_else() {
    let output = Command::new(PROGRAM)
        .args(["tools", "--json"])
        .output()
        .unwrap();
    let shown: Value = serde_json::from_slice(&output.stdout).unwrap();
    let shown: Vec<&str> = shown
        .as_array()
        .unwrap()
        .iter()
        .map(|tool| tool["tool"]["name"].as_str().unwrap())
        .collect();
    let core = listed(&["--toolsets", "core"]).await;
    assert_eq!(shown, core);
    assert!(core.len() <= 20, "{core:?}");
    for name in CATALOGUE.iter().chain(&[
        "list_alarms",
        "list_devices",
        "get_down_devices",
        "get_device_summary",
        "get_device_associated_monitors",
        "get_last_collected_values",
        "list_interfaces",
        "get_availability_graph_data",
        "list_events",
        "list_down_time_schedules",
        "get_ping_response",
        "diagnose_connection",
    ]) {
        assert!(core.iter().any(|listed| listed == name), "{name}");
    }
    let writes = listed(&["--toolsets", "core", "--access", "write"]).await;
    let more: Vec<&str> = writes
        .iter()
        .filter(|name| !core.contains(name))
        .map(String::as_str)
        .collect();
    assert_eq!(
        more,
        [
            "acknowledge_alarm",
            "add_notes",
            "clear_alarm",
            "configure_suppress_alarm",
            "add_downtime_schedule",
            "set_managed"
        ]
    );
}

#[tokio::test]
async fn toolsets_and_tools_add_up_and_exclusion_wins() {
    let area =
        |area: &'static str| names(|tool| tool.toolset() == area && tool.access() == Access::Read);
    assert_eq!(listed(&["--toolsets", "wireless"]).await, area("wireless"));
    let both = [area("events"), area("groups")].concat();
    // In the order of the catalogue, whatever the order of the flag.
    assert_eq!(listed(&["--toolsets", "groups,events"]).await, both);
    assert_eq!(
        listed(&["--toolsets", "catalogue"]).await,
        [&CATALOGUE[..], &["diagnose_connection"]].concat()
    );
    assert_eq!(
        listed(&["--tools", "list_probes,call_operation"]).await,
        ["list_probes", "call_operation"]
    );
    assert_eq!(
        listed(&["--toolsets", "events", "--tools", "list_probes"]).await,
        ["list_events", "list_probes"]
    );
    assert_eq!(
        listed(&[
            "--toolsets",
            "events",
            "--tools",
            "list_probes",
            "--exclude-tools",
            "list_events,list_probes"
        ])
        .await,
        [""; 0]
    );
}

#[test]
fn unknown_names_are_refused_with_suggestions() {
    for (flags, parts) in [
        (
            &["--toolsets", "alarm"][..],
            &["did you mean `alarms`", "wireless"][..],
        ),
        (
            &["--toolsets", "alarms,xyz"],
            &["there is no such toolset", "availability"],
        ),
        (&["--tools", "listAlarms"], &["did you mean `list_alarms`"]),
        (
            &["--exclude-tools", "find_operation"],
            &["did you mean `find_operations`"],
        ),
        (
            &["--tools", "clear_alarm"],
            &["--tools clear_alarm needs --access write"],
        ),
    ] {
        for command in [&["tools"][..], &[]] {
            let output = Command::new(PROGRAM)
                .args(command)
                .args(flags)
                .output()
                .unwrap();
            let text = String::from_utf8(output.stderr).unwrap();
            assert_eq!(output.status.code(), Some(2), "{flags:?}: {text}");
            for part in parts {
                assert!(text.contains(part), "{flags:?}: {text}");
            }
            assert!(output.stdout.is_empty());
        }
    }
}

/// A call through the catalogue.
fn through(operation: &str, given: Value) -> Value {
    let mut given = given;
    let all = given.as_object_mut().unwrap();
    let connection: Vec<(String, Value)> = ["host", "apiKey", "use_ssl"]
        .into_iter()
        .filter_map(|name| Some((name.to_owned(), all.remove(name)?)))
        .collect();
    let own = given.to_string();
    let mut call = json!({ "operation": operation, "arguments": own });
    call.as_object_mut().unwrap().extend(connection);
    call
}

#[tokio::test]
async fn every_operation_is_reached_from_the_default_set() {
    let mut session = Session::start(&[&["--toolsets", "core"], &EVERYTHING[..]].concat()).await;
    let mut reached = BTreeSet::new();
    for operation in contract() {
        // One of its own, as some remove what others read.
        let simulator = simulator().await;
        let name = tool_of(operation).name();
        let told = session
            .call("describe_operation", json!({ "operation": name }))
            .await
            .json();
        for parameter in operation
            .parameters
            .iter()
            .filter(|parameter| parameter.constant.is_none())
        {
            assert!(
                told["arguments"][&parameter.name].is_object(),
                "{name}: {}",
                parameter.name
            );
        }
        let given = at(&simulator, Value::Object(example(operation)));
        let reply = session.call("call_operation", through(name, given)).await;
        assert!(!reply.failed, "{name}: {}", reply.text());
        let request = simulator.requests().pop().unwrap();
        assert_eq!(request.path, operation.path, "{name}");
        reached.insert(request.path);
    }
    assert_eq!(reached.len(), contract().len());
}

#[tokio::test]
async fn ar_08_no_way_leads_past_the_level() {
    let simulator = simulator().await;
    for (access, flags) in [
        (Access::Read, &["--toolsets", "core,all"][..]),
        (Access::Read, &["--toolsets", "core"]),
        (Access::Write, &["--toolsets", "core", "--access", "write"]),
    ] {
        let mut session = Session::start(flags).await;
        for operation in contract() {
            let tool = tool_of(operation);
            // What runs workflows is not known below its level: `workflows.rs`.
            if tool.access() <= access || operation.id == "executeWorkflow" {
                continue;
            }
            let given = at(&simulator, Value::Object(example(operation)));
            let id = tool.operation().unwrap().id;
            for (name, arguments) in [
                (tool.name(), given.clone()),
                ("call_operation", through(tool.name(), given.clone())),
                ("call_operation", through(id, given.clone())),
            ] {
                let reply = session.call(name, arguments).await;
                assert!(reply.failed, "{id}");
                assert!(reply.text().contains("--access"), "{}", reply.text());
            }
            let told = session
                .call("describe_operation", json!({ "operation": id }))
                .await
                .json();
            assert!(told["refused"].as_str().unwrap().contains("--access"));
        }
        session.conclude(simulator.api_key()).await;
    }
    assert_eq!(simulator.connections(), 0);
}

#[tokio::test]
async fn what_is_excluded_is_reached_by_no_way() {
    let simulator = simulator().await;
    let flags = [
        "--toolsets",
        "core",
        "--exclude-tools",
        "list_alarms,list_probes",
    ];
    let mut session = Session::start(&flags).await;
    let given = at(&simulator, json!({}));
    for (name, arguments) in [
        ("list_alarms", given.clone()),
        ("list_probes", given.clone()),
        ("call_operation", through("list_alarms", given.clone())),
        ("call_operation", through("listProbes", given.clone())),
        ("describe_operation", json!({ "operation": "list_alarms" })),
    ] {
        let reply = session.call(name, arguments).await;
        assert!(reply.failed, "{name}: {}", reply.text());
    }
    let found = session
        .call("find_operations", json!({ "query": "list alarms probes" }))
        .await;
    for excluded in ["list_alarms", "list_probes"] {
        assert!(
            !found.text().contains(&format!("\"{excluded}\"")),
            "{}",
            found.text()
        );
    }
    assert_eq!(simulator.connections(), 0);
}

#[tokio::test]
async fn a_tool_that_is_not_listed_says_the_way_that_is_open() {
    let simulator = simulator().await;
    for (flags, part) in [
        (["--toolsets", "core"], "`call_operation`"),
        (["--toolsets", "events"], "--tools list_probes"),
    ] {
        let mut session = Session::start(&flags).await;
        let reply = session.call("list_probes", at(&simulator, json!({}))).await;
        assert!(reply.failed);
        assert!(reply.text().contains(part), "{}", reply.text());
    }
    let mut session = Session::start(&["--toolsets", "events"]).await;
    for name in CATALOGUE {
        let reply = session
            .call(
                name,
                json!({ "operation": "list_probes", "query": "probes" }),
            )
            .await;
        assert!(
            reply.failed && reply.text().contains("--tools"),
            "{name}: {}",
            reply.text()
        );
    }
    assert_eq!(simulator.connections(), 0);
}

#[tokio::test]
async fn call_operation_takes_its_arguments_as_models_give_them() {
    let simulator = simulator().await;
    let mut session = Session::start(&["--toolsets", "core"]).await;
    for own in [
        json!("{\"limit\":1}"),
        json!("{\"limit\":\"1\"}"),
        json!({ "limit": 1 }),
    ] {
        let given = at(
            &simulator,
            json!({ "operation": "list_devices", "arguments": own }),
        );
        let reply = session.call("call_operation", given).await;
        assert_eq!(reply.json()["returned"], 1, "{}", reply.text());
    }
    let beside = at(
        &simulator,
        json!({ "operation": "list_devices", "limit": 1 }),
    );
    assert_eq!(
        session.call("call_operation", beside).await.json()["returned"],
        1
    );
    let sent = simulator.requests().len();
    for (given, part) in [
        (json!({}), "`operation` is missing"),
        (json!({ "operation": 7 }), "`operation` must be a string"),
        (
            json!({ "operation": "list_device" }),
            "did you mean `list_devices`",
        ),
        (
            json!({ "operation": "list_devices", "arguments": "limit=1" }),
            "`arguments` must be a JSON object",
        ),
        (
            json!({ "operation": "list_devices", "arguments": "[1]" }),
            "`arguments` must be a JSON object",
        ),
        (
            json!({ "operation": "list_devices", "arguments": 7 }),
            "`arguments` must be a JSON object",
        ),
        (
            json!({ "operation": "list_devices", "limit": 1, "arguments": { "limit": 2 } }),
            "`limit` is given twice, in it",
        ),
        (
            json!({ "operation": "list_devices", "arguments": { "colour": 2 } }),
            "`colour` is not an argument",
        ),
        (
            json!({ "operation": "get_ping_response" }),
            "`deviceName` is missing",
        ),
    ] {
        let reply = session.call("call_operation", at(&simulator, given)).await;
        assert!(
            reply.failed && reply.text().contains(part),
            "{}",
            reply.text()
        );
    }
    assert_eq!(simulator.requests().len(), sent);
    session.conclude(simulator.api_key()).await;
}

#[tokio::test]
async fn the_catalogue_needs_no_connection_and_drops_one_that_is_given() {
    let simulator = simulator().await;
    let mut session = Session::start(&["--toolsets", "core"]).await;
    for (name, given) in [
        ("find_operations", json!({ "query": "alarms" })),
        ("describe_operation", json!({ "operation": "listAlarms" })),
    ] {
        for given in [given.clone(), at(&simulator, given)] {
            let reply = session.call(name, given).await;
            assert!(!reply.failed, "{}", reply.text());
            assert!(reply.text().contains("\"list_alarms\""), "{}", reply.text());
        }
    }
    for (name, given, part) in [
        ("find_operations", json!({}), "`query` is missing"),
        (
            "find_operations",
            json!({ "query": "x", "toolset": "nothing" }),
            "`toolset` must be one of",
        ),
        (
            "find_operations",
            json!({ "query": "x", "colour": 1 }),
            "`colour` is not an argument",
        ),
        ("describe_operation", json!({}), "`operation` is missing"),
        (
            "describe_operation",
            json!({ "operation": "alarms" }),
            "find_operations",
        ),
    ] {
        let reply = session.call(name, given).await;
        assert!(
            reply.failed && reply.text().contains(part),
            "{}",
            reply.text()
        );
    }
    assert_eq!(simulator.connections(), 0);
    session.conclude(simulator.api_key()).await;
}

#[tokio::test]
async fn a_description_holds_all_that_the_list_leaves_out() {
    let mut session = Session::start(&[&["--toolsets", "core"], &EVERYTHING[..]].concat()).await;
    for tool in tools::operations() {
        let told = session
            .call("describe_operation", json!({ "operation": tool.name() }))
            .await
            .json();
        assert_eq!(told["description"], tool.description());
        for (name, listed) in tool.definition().input_schema["properties"]
            .as_object()
            .unwrap()
        {
            if ["host", "apiKey", "port", "use_ssl", "verify_ssl"].contains(&name.as_str()) {
                continue;
            }
            let told = told["arguments"][name]["description"].as_str().unwrap();
            let listed = listed["description"].as_str().unwrap_or_default();
            assert!(
                told.starts_with(listed) && !listed.contains('\n'),
                "{}: {told}",
                tool.name()
            );
        }
        assert!(!told["answer"].is_null(), "{}", tool.name());
    }
}
