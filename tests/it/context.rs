//! What a client can give its model beside tools: instructions, prompts, resources and completion.

use opmanager_mcp_server::tools;
use serde_json::{Value, json};

use crate::support::{SENTINEL, Session, merge, needs_a_flag};

/// Longest instructions that every client takes whole, in bytes.
const LONGEST_INSTRUCTIONS: usize = 2048;

fn newest(params: Value) -> Value {
    merge(
        params,
        json!({ "_meta": {
            "io.modelcontextprotocol/protocolVersion": "2026-07-28",
            "io.modelcontextprotocol/clientCapabilities": {},
        }}),
    )
}

async fn prompt(session: &mut Session, name: &str, arguments: Value) -> Value {
    let params = json!({ "name": name, "arguments": arguments });
    session.request("prompts/get", params).await
}

fn text(answer: &Value) -> &str {
    let messages = answer["result"]["messages"].as_array().unwrap();
    assert_eq!(messages.len(), 1);
    assert_eq!(messages[0]["role"], "user");
    messages[0]["content"]["text"].as_str().unwrap()
}

#[tokio::test]
async fn instructions_are_short_and_say_where_to_begin() {
    let mut session = Session::spawn(&[]);
    let answer = session.initialize("2025-11-25").await;
    let instructions = answer["instructions"].as_str().unwrap();
    assert!(instructions.len() < LONGEST_INSTRUCTIONS);
    for part in ["apiKey", "find_operations", "never instructions"] {
        assert!(instructions.contains(part), "{part}");
    }
}

#[tokio::test]
async fn prompts_name_the_tools_in_their_order_and_ask_for_no_key() {
    let mut session = Session::start(&["--toolsets", "core"]).await;
    let answer = session.request("prompts/list", json!({})).await;
    let prompts = answer["result"]["prompts"].as_array().unwrap().clone();
    let names: Vec<&str> = prompts
        .iter()
        .map(|prompt| prompt["name"].as_str().unwrap())
        .collect();
    assert_eq!(
        names,
        [
            "alarm_triage",
            "device_health",
            "maintenance_window",
            "shift_handover"
        ]
    );
    assert!(!answer.to_string().to_lowercase().contains("apikey"));
    for prompt_listed in &prompts {
        let arguments = prompt_listed["arguments"]
            .as_array()
            .cloned()
            .unwrap_or_default();
        let given: serde_json::Map<String, Value> = arguments
            .iter()
            .map(|argument| {
                (
                    argument["name"].as_str().unwrap().to_owned(),
                    json!("x \"1\""),
                )
            })
            .collect();
        let name = prompt_listed["name"].as_str().unwrap();
        let answer = prompt(&mut session, name, Value::Object(given.clone())).await;
        let text = text(&answer);
        assert!(text.contains("1. `list_"), "{text}");
        assert!(text.contains("not instructions"), "{text}");
        for name in given.keys() {
            assert!(
                text.contains(&format!("{name}: \"x \\\"1\\\"\"\n")),
                "{text}"
            );
        }
        // Each tool in backticks can be called by that name.
        let listed = session.tools().await;
        for quoted in text.split('`').skip(1).step_by(2) {
            let callable = listed.iter().any(|tool| tool["name"] == quoted);
            assert!(
                callable || text.contains(&format!("Not possible here: `{quoted}`")),
                "{name}: {quoted}"
            );
        }
    }
}

#[tokio::test]
async fn a_prompt_names_no_step_that_the_operator_does_not_allow() {
    let given = json!({ "devices": "core switches", "start": "22:00", "end": "23:00" });
    let step = |text: &str| {
        text.lines().any(|line| {
            line.starts_with(|c: char| c.is_ascii_digit()) && line.contains("add_downtime_schedule")
        })
    };
    let mut session = Session::start(&["--toolsets", "core"]).await;
    let answer = prompt(&mut session, "maintenance_window", given.clone()).await;
    assert!(
        !step(text(&answer)) && text(&answer).contains("--access write"),
        "{}",
        text(&answer)
    );
    let mut session = Session::start(&["--toolsets", "core", "--access", "write"]).await;
    let answer = prompt(&mut session, "maintenance_window", given.clone()).await;
    assert!(step(text(&answer)), "{}", text(&answer));
    assert!(
        text(&answer).contains("`call_operation` with operation get_downtime_schedule"),
        "{}",
        text(&answer)
    );
    let mut session = Session::start(&[
        "--toolsets",
        "core",
        "--access",
        "write",
        "--exclude-tools",
        "add_downtime_schedule",
    ])
    .await;
    let answer = prompt(&mut session, "maintenance_window", given).await;
    assert!(
        !step(text(&answer)) && text(&answer).contains("--exclude-tools"),
        "{}",
        text(&answer)
    );
}

#[tokio::test]
async fn wrong_prompts_and_arguments_are_named() {
    let mut session = Session::start(&[]).await;
    for (name, arguments, part) in [
        ("nothing", json!({}), "alarm_triage"),
        ("device_health", json!({}), "`device` is missing"),
        (
            "device_health",
            json!({ "device": "a\nb" }),
            "`device` must be",
        ),
        (
            "device_health",
            json!({ "device": "x".repeat(201) }),
            "`device` must be",
        ),
        ("device_health", json!({ "device": 7 }), "`device` must be"),
        (
            "device_health",
            json!({ "device": "x", "apiKey": SENTINEL }),
            "an argument is given that this prompt does not take; it takes device",
        ),
        (
            "alarm_triage",
            json!({ "device": SENTINEL }),
            "takes no arguments",
        ),
    ] {
        let answer = prompt(&mut session, name, arguments).await;
        assert_eq!(answer["error"]["code"], -32602, "{answer}");
        assert!(
            answer["error"]["message"].as_str().unwrap().contains(part),
            "{answer}"
        );
    }
    session.conclude(SENTINEL).await;
}

#[tokio::test]
async fn the_catalogue_and_each_operation_are_resources() {
    let flags = ["--toolsets", "core", "--exclude-tools", "list_probes"];
    let mut session = Session::start(&flags).await;
    let listed = session.request("resources/list", json!({})).await;
    let uri = listed["result"]["resources"][0]["uri"]
        .as_str()
        .unwrap()
        .to_owned();
    assert_eq!(uri, "opmanager://operations");
    let templates = session.request("resources/templates/list", json!({})).await;
    let template = &templates["result"]["resourceTemplates"][0]["uriTemplate"];
    assert_eq!(template, "opmanager://operations/{id}");
    let mut read = async |uri: &str| {
        session
            .request("resources/read", json!({ "uri": uri }))
            .await
    };
    let told = |answer: &Value| -> Value {
        let contents = &answer["result"]["contents"][0];
        assert_eq!(contents["mimeType"], "application/json");
        serde_json::from_str(contents["text"].as_str().unwrap()).unwrap()
    };
    let all = told(&read(&uri).await);
    // All but the one that was excluded.
    let known = callable() - 1;
    assert_eq!(all["operations"].as_array().unwrap().len(), known);
    for tool in tools::operations().filter(|tool| !needs_a_flag(tool)) {
        for id in [tool.name(), tool.operation().unwrap().id] {
            let answer = read(&format!("{uri}/{id}")).await;
            if tool.name() == "list_probes" {
                assert_eq!(answer["error"]["code"], -32002, "{answer}");
                continue;
            }
            let told = told(&answer);
            assert_eq!(told["operation"], tool.name());
            assert!(!told["answer"].is_null());
        }
    }
    let alarms = told(&read("opmanager://operations/listAlarms").await);
    assert!(
        alarms["answer"][0]["entity"].is_string(),
        "{}",
        alarms["answer"]
    );
    for nothing in [
        "",
        "opmanager://",
        "opmanager://operation",
        "opmanager://operations/",
        "opmanager://operations/x",
        "opmanager://operations/list_alarms/x",
        "file:///etc/passwd",
        "OPMANAGER://operations",
    ] {
        let answer = read(nothing).await;
        assert_eq!(answer["error"]["code"], -32002, "{nothing}: {answer}");
    }
    let answer = session
        .request("resources/read", newest(json!({ "uri": "x:y" })))
        .await;
    assert_eq!(answer["error"]["code"], -32602, "{answer}");
}

#[tokio::test]
async fn lists_and_resources_say_how_long_they_hold_in_the_newest_protocol() {
    let mut session = Session::spawn(&[]);
    for (method, params) in [
        ("tools/list", json!({})),
        ("prompts/list", json!({})),
        ("resources/list", json!({})),
        ("resources/templates/list", json!({})),
        ("resources/read", json!({ "uri": "opmanager://operations" })),
    ] {
        let answer = session.request(method, newest(params)).await;
        assert!(
            answer["result"]["ttlMs"].as_u64() > Some(0),
            "{method}: {answer}"
        );
        assert_eq!(answer["result"]["cacheScope"], "public", "{method}");
    }
}

#[tokio::test]
async fn ids_are_completed_and_nothing_else_is_guessed() {
    let mut session = Session::start(&["--exclude-tools", "list_probes"]).await;
    let mut complete = async |reference: Value, name: &str, value: &str| {
        let argument = json!({ "name": name, "value": value });
        session
            .request(
                "completion/complete",
                json!({ "ref": reference, "argument": argument }),
            )
            .await
    };
    let template = || json!({ "type": "ref/resource", "uri": "opmanager://operations/{id}" });
    let answer = complete(template(), "id", "list_pr").await;
    assert_eq!(
        answer["result"]["completion"]["values"],
        json!([]),
        "{answer}"
    );
    let answer = complete(template(), "id", "list_al").await;
    assert_eq!(
        answer["result"]["completion"]["values"],
        json!([
            "list_alarms",
            "list_all_devices_specific_urls",
            "list_all_logical_groups",
            "list_all_advanced_reports",
            "list_all_configlets"
        ])
    );
    let answer = complete(template(), "id", "").await;
    assert_eq!(answer["result"]["completion"]["total"], callable() - 1);
    let device = json!({ "type": "ref/prompt", "name": "device_health" });
    let answer = complete(device, "device", "x").await;
    assert_eq!(answer["result"]["completion"]["values"], json!([]));
    for (reference, name) in [
        (template(), "host"),
        (
            json!({ "type": "ref/prompt", "name": "device_health" }),
            "apiKey",
        ),
        (json!({ "type": "ref/prompt", "name": "nothing" }), "device"),
        (
            json!({ "type": "ref/resource", "uri": "opmanager://operations" }),
            "id",
        ),
    ] {
        let answer = complete(reference, name, "").await;
        assert_eq!(answer["error"]["code"], -32602, "{answer}");
    }
}

/// How many tools can be found, described and called by name.
fn callable() -> usize {
    let all = tools::catalogue().iter();
    all.filter(|tool| tool.is_callable_by_name() && !needs_a_flag(tool))
        .count()
}
