//! What is written down of calls and requests: lines of the log, and counts.

use std::collections::BTreeMap;

use opmanager_simulator::{Fault, FaultKind};
use serde_json::{Value, json};

use super::{call, list_devices, newest, ping};
use crate::support::http::{get, post};
use crate::support::{SENTINEL, Session, at, check_absent, merge, simulator};

/// The counts of a server: each series, and its number.
async fn counts(session: &Session) -> BTreeMap<String, f64> {
    let answer = get(session.address(), "/metrics").await;
    assert_eq!(answer.status, 200);
    assert!(answer.text.ends_with("# EOF\n"), "{answer:?}");
    let series = answer.text.lines().filter(|line| !line.starts_with('#'));
    series
        .map(|line| {
            let (name, number) = line.rsplit_once(' ').unwrap();
            (name.to_owned(), number.parse().unwrap())
        })
        .collect()
}

#[tokio::test]
async fn a_machine_without_authorities_is_told_of_at_the_start() {
    const TOLD: &str = "only pinned certificates are trusted";
    let session = Session::serve(&[]).await;
    assert!(!session.finish().await.log.contains(TOLD));
    let session = Session::serve_with(&[], |command| {
        command.env("SSL_CERT_FILE", "/dev/null");
        command.env("SSL_CERT_DIR", "/dev/null");
    });
    let finished = session.await.finish().await;
    assert!(finished.log.contains(TOLD), "{}", finished.log);
}

#[tokio::test]
async fn every_call_leaves_one_line_that_says_who_did_what() {
    let simulator = simulator().await;
    let flags = [
        "--log-format",
        "json",
        "--access",
        "destructive",
        "--timeout",
        "1",
    ];
    let session = Session::serve(&flags).await;
    let given = at(&simulator, json!({}));
    let deletion = at(&simulator, json!({ "entity": "db-02_Poll" }));
    let mut asking = newest(call("delete_alarm", deletion.clone()));
    asking["params"]["_meta"]["io.modelcontextprotocol/clientCapabilities"] =
        json!({ "elicitation": {} });
    let mut declined = asking.clone();
    declined["params"]["inputResponses"] = json!({ "confirm": { "action": "decline" } });
    declined["params"]["requestState"] = "x".into();
    simulator.inject(Fault::once(FaultKind::Hang).on("listEvents"));
    let calls = [
        (call("list_devices", given.clone()), "read", "success", true),
        (
            newest(call("list_devices", given.clone())),
            "read",
            "success",
            true,
        ),
        (
            call(
                "list_alarms",
                merge(given.clone(), json!({ "apiKey": "another" })),
            ),
            "read",
            "refused",
            true,
        ),
        (
            call("list_events", given.clone()),
            "read",
            "no_answer",
            true,
        ),
        (
            call("list_alarms", json!({})),
            "read",
            "invalid_arguments",
            false,
        ),
        (
            call("diagnose_connection", given.clone()),
            "read",
            "success",
            true,
        ),
        (
            call("find_operations", json!({ "query": "x" })),
            "read",
            "not_allowed",
            false,
        ),
        (asking, "destructive", "confirmation_asked", true),
        (declined, "destructive", "not_confirmed", true),
        (
            call("delete_alarm", deletion),
            "destructive",
            "success",
            true,
        ),
    ];
    for (message, ..) in &calls {
        assert_eq!(post(session.address(), &[], message).await.status, 200);
    }
    post(session.address(), &[], &ping()).await;
    let address = session.address();
    let finished = session.finish().await;
    finished.check(simulator.api_key());
    let lines: Vec<Value> = finished
        .log
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        // The request of a tool that may send several has a line of its own.
        .filter(|line: &Value| line["tool"].is_string() && line["operation"].is_null())
        .collect();
    assert_eq!(lines.len(), calls.len(), "{}", finished.log);
    for (line, (message, access, outcome, targeted)) in lines.iter().zip(&calls) {
        assert_eq!(line["tool"], message["params"]["name"], "{line}");
        assert_eq!(line["client"], address.ip().to_string(), "{line}");
        assert_eq!(
            (&line["access"], &line["outcome"]),
            (&json!(access), &json!(outcome)),
            "{line}"
        );
        let target = if *targeted {
            json!(simulator.host())
        } else {
            Value::Null
        };
        assert_eq!(line["target"], target, "{line}");
        check_absent("log", &line.to_string(), "db-02_Poll");
        if *outcome == "success" && line["tool"] != "diagnose_connection" {
            assert!(
                line["bytes"].is_u64() && line["milliseconds"].is_u64(),
                "{line}"
            );
            assert_eq!(line["status"], 200, "{line}");
        }
    }
}

#[tokio::test]
async fn calls_and_refusals_are_counted_without_naming_anybody() {
    let (listed, other) = (simulator().await, simulator().await);
    let named = listed.host().to_uppercase();
    let session = Session::serve(&["--metrics-targets", &format!("opm.test,{named}")]).await;
    let address = session.address();
    assert!(
        counts(&session)
            .await
            .keys()
            .all(|name| !name.contains("calls_total"))
    );
    for _ in 0..3 {
        post(address, &[], &list_devices(&listed)).await;
    }
    post(address, &[], &list_devices(&other)).await;
    post(address, &[], &call("list_devices", json!({}))).await;
    let wrong = at(&other, json!({ "apiKey": SENTINEL }));
    post(address, &[], &call("list_devices", wrong)).await;
    post(
        address,
        &[],
        &call("delete_alarm", at(&other, json!({ "entity": "x" }))),
    )
    .await;
    post(address, &[("Host", "evil.test")], &ping()).await;
    post(address, &[("Host", "evil.test")], &ping()).await;
    post(address, &[("Origin", "http://evil.test")], &ping()).await;
    post(address, &[("Content-Type", "text/plain")], &ping()).await;
    post(address, &[], &json!({ "a": "x".repeat(70_000) })).await;
    post(address, &[], &json!([])).await;
    let counts = counts(&session).await;
    let call = |outcome: &str, access: &str, tool: &str, target: &str| {
        let series = format!(
            "opmanager_mcp_calls_total{{tool=\"{tool}\",access=\"{access}\",outcome=\"{outcome}\",target=\"{target}\"}}"
        );
        counts
            .get(&series)
            .copied()
            .unwrap_or_else(|| panic!("no {series}: {counts:?}"))
    };
    assert_eq!(call("success", "read", "list_devices", &listed.host()), 3.0);
    assert_eq!(call("success", "read", "list_devices", "other"), 1.0);
    assert_eq!(
        call("invalid_arguments", "read", "list_devices", "other"),
        1.0
    );
    assert_eq!(call("refused", "read", "list_devices", "other"), 1.0);
    assert_eq!(
        call("not_allowed", "destructive", "delete_alarm", "other"),
        1.0
    );
    for (reason, times) in [
        ("host", 2.0),
        ("origin", 1.0),
        ("media_type", 1.0),
        ("size", 1.0),
        ("message", 1.0),
    ] {
        let series = format!("opmanager_mcp_requests_refused_total{{reason=\"{reason}\"}}");
        assert_eq!(counts[&series], times, "{reason}");
    }
    let times = "opmanager_mcp_call_duration_seconds_count{tool=\"list_devices\"}";
    assert_eq!(counts[times], 5.0);
    assert!(counts["opmanager_mcp_answer_bytes_total"] > 1000.0);
    assert_eq!(counts["opmanager_mcp_calls_running"], 0.0);
    let text = get(address, "/metrics").await.text;
    for foreign in ["evil", "127.0.0.1", SENTINEL, other.api_key()] {
        let text = text.replace(&listed.host(), "");
        assert!(!text.contains(foreign), "{foreign}: {text}");
    }
}
