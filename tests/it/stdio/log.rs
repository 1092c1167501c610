//! The lines of the log.

use opmanager_simulator::{Fault, FaultKind, Tls};
use serde_json::{Value, json};

use crate::secrets::{ARGUMENT, start};
use crate::support::{SENTINEL as KEY, Session, at, check_absent, merge};

/// Over HTTP a line also names its caller: `every_call_leaves_one_line_that_says_who_did_what`.
#[tokio::test]
async fn log_lines_name_tool_target_status_size_time_and_trust_and_may_be_json() {
    let simulator = start(Tls::None).await;
    let mut session = Session::start(&["--log-format", "json"]).await;
    let noisy = json!({ "name": "\u{1b}[31m\u{202e}\nx", "arguments": at(&simulator, json!({})) });
    session.request("tools/call", noisy).await;
    let given = at(&simulator, json!({ "deviceName": ARGUMENT }));
    simulator.inject(Fault::once(FaultKind::Respond {
        status: 200,
        content_type: Some("application/json".to_owned()),
        headers: Vec::new(),
        body: b"[]".to_vec(),
    }));
    session.call("list_alarms", given.clone()).await;
    session
        .call("list_alarms", merge(given, json!({ "severity": 0 })))
        .await;
    session.send_line(b"not json").await;
    let finished = session.conclude(KEY).await;
    let lines: Vec<Value> = finished
        .log
        .lines()
        .map(|line| serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}")))
        .collect();
    assert_eq!(lines.len(), 3, "{}", finished.log);
    let call = &lines[0];
    assert_eq!(call["tool"], "list_alarms");
    assert_eq!(call["target"], simulator.host());
    assert_eq!(
        (&call["status"], &call["outcome"]),
        (&json!(200), &json!("success"))
    );
    assert!(call["bytes"].is_u64() && call["milliseconds"].is_u64());
    assert_eq!(
        (&call["trust"], &call["level"]),
        (&json!("verified"), &json!("WARN"))
    );
    assert!(call["timestamp"].is_string());
    assert_eq!(lines[1]["outcome"], "invalid_arguments");
    assert_eq!(
        (&lines[2]["code"], &lines[2]["message"]),
        (&json!(-32700), &json!("a message was rejected"))
    );
    let known = [
        "timestamp",
        "level",
        "tool",
        "access",
        "target",
        "trust",
        "tls",
        "status",
        "bytes",
        "milliseconds",
        "outcome",
        "code",
        "message",
    ];
    for line in &lines {
        for name in line.as_object().unwrap().keys() {
            assert!(known.contains(&name.as_str()), "{name}: {line}");
        }
    }
    check_absent("log", &finished.log, ARGUMENT);
    assert!(!finished.log.contains(|c: char| c != '\n' && c.is_control()));
}
