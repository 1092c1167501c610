//! A connection is examined step by step, by a command and by a tool, and the key is in neither's words.

use std::process::Stdio;

use opmanager_mcp_server::tools::{self, Access};
use opmanager_simulator::{Certificate, Fault, FaultKind, Simulator, Tls};
use serde_json::{Value, json};
use tokio::io::AsyncWriteExt;
use tokio::net::TcpListener;
use tokio::process::Command;
use tokio::time::timeout;

use crate::support::fence::{KEY, authority, check_no_key, opmanager};
use crate::support::{PATIENCE, PROGRAM, SPOKEN, Session, at, merge, simulator};

/// What the command printed, and whether it found the connection good.
async fn command(host: &str, flags: &[&str], key: &str) -> (String, bool) {
    let mut child = Command::new(PROGRAM)
        .args(["diagnose", "--host", host])
        .args(flags)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut input = child.stdin.take().unwrap();
    // A program that ends early does not read it.
    let _ = input.write_all(key.as_bytes()).await;
    drop(input);
    let output = child.wait_with_output().await.unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    let log = String::from_utf8(output.stderr).unwrap();
    check_no_key("output", &text);
    check_no_key("log", &log);
    let good = match output.status.code() {
        Some(0) => true,
        Some(1) => false,
        other => panic!("{other:?}: {log}"),
    };
    // The remark on words of others goes there too.
    let log = log.strip_prefix(SPOKEN).map_or(log.as_str(), str::trim);
    assert_eq!(good, log.is_empty(), "{log}");
    (text, good)
}

/// What the tool says of the same connection.
async fn tool(host: &str, flags: &[&str], more: Value) -> (String, bool) {
    let mut session = Session::start(flags).await;
    let given = merge(json!({ "host": host, "apiKey": KEY }), more);
    let reply = session.call("diagnose_connection", given).await;
    check_no_key("result", &reply.result.to_string());
    if let Some(remark) = reply.texts.get(1) {
        assert_eq!(remark, SPOKEN);
    }
    session.ping().await;
    let log = session.finish().await.log;
    check_no_key("log", &log);
    (reply.text().to_owned(), !reply.failed)
}

/// The steps of a report as `ok name` and `failed name`.
fn steps(report: &str) -> Vec<String> {
    let lines = report
        .lines()
        .map(|line| line.split_whitespace().take(2).collect::<Vec<_>>());
    lines
        .filter(|words| ["ok", "failed"].contains(&words[0]))
        .map(|words| words.join(" "))
        .collect()
}

const PLAIN: [&str; 6] = [
    "ok target",
    "ok address",
    "ok connection",
    "ok answer",
    "ok key",
    "ok build",
];
const SECURE: [&str; 7] = [
    "ok target",
    "ok address",
    "ok connection",
    "ok certificate",
    "ok answer",
    "ok key",
    "ok build",
];

/// The steps up to one that fails.
fn until<'a>(steps: &[&'a str], failed: &'a str) -> Vec<String> {
    let mut steps: Vec<String> = steps
        .iter()
        .take_while(|step| !step.ends_with(&format!(" {failed}")))
        .map(|step| (*step).to_owned())
        .collect();
    steps.push(format!("failed {failed}"));
    steps
}

fn advice(report: &str) -> Value {
    let line = report
        .lines()
        .find_map(|line| line.strip_prefix("In a call: "))
        .unwrap_or_else(|| panic!("no advice: {report}"));
    serde_json::from_str(line.split_once(" and the key").unwrap().0).unwrap()
}

#[tokio::test]
async fn what_works_is_told_with_the_arguments_of_a_call() {
    let plain = opmanager(Tls::None).await;
    let (report, good) = command(&plain.host(), &["--use-ssl", "false"], KEY).await;
    assert!(good, "{report}");
    assert_eq!(steps(&report), PLAIN, "{report}");
    assert!(report.contains("plain HTTP"), "{report}");
    assert_eq!(
        advice(&report),
        json!({ "host": plain.host(), "use_ssl": false })
    );
    // Both read, and the second asks for a short page.
    let asked: Vec<_> = plain.requests().iter().map(|r| r.operation).collect();
    assert_eq!(asked, [Some("getDownDevices"), Some("listDevices")]);
    for request in plain.requests() {
        assert_eq!(request.header("apikey"), Some(KEY.as_bytes()));
    }
    let line = "language: English; kind: no sign of a Central; lists of devices: in pages";
    assert!(report.contains(line), "{report}");

    let (said, good) = tool(&plain.host(), &[], json!({ "use_ssl": false })).await;
    assert!(good, "{said}");
    assert_eq!(said.trim(), report.trim());

    let secure = opmanager(Tls::CaSigned).await;
    let trusted = authority("diagnose_ca.pem", &secure);
    let host = format!("localhost:{}", secure.address().port());
    let (report, good) =
        command(&host, &["--ca-file", &trusted], &format!("{KEY}\r\nmore\n")).await;
    assert!(good, "{report}");
    assert_eq!(steps(&report), SECURE, "{report}");
    assert!(
        report.contains("issued by `CN=Simulated authority`"),
        "{report}"
    );
    assert!(report.contains("same --ca-file"), "{report}");
    assert_eq!(advice(&report), json!({ "host": host }));
    let (report, good) = tool(&host, &["--ca-file", &trusted], json!({})).await;
    assert!(good, "{report}");
    assert_eq!(steps(&report), SECURE, "{report}");
}

#[tokio::test]
async fn what_is_told_of_a_self_signed_certificate_leads_to_a_pin_that_works() {
    let simulator = opmanager(Tls::SelfSigned).await;
    let host = simulator.host();
    for key in [KEY, ""] {
        simulator.clear_log();
        let (report, good) = command(&host, &[], key).await;
        assert!(!good, "{report}");
        assert_eq!(steps(&report), until(&SECURE, "certificate"), "{report}");
        for part in [
            "self-signed",
            "CN=Simulated OpManager",
            "valid from 1975-01-01T00:00:00Z",
        ] {
            assert!(report.contains(part), "{part}: {report}");
        }
        assert_eq!(simulator.bytes_received(), 0);
    }
    let (report, good) = tool(&host, &[], json!({})).await;
    assert!(!good && simulator.bytes_received() == 0, "{report}");
    let pin = report
        .lines()
        .find_map(|line| line.split_once("--pin-sha256 "))
        .map(|(_, pin)| pin)
        .unwrap_or_else(|| panic!("no pin: {report}"));
    for pin in [
        pin,
        &format!("{host}={}", simulator.certificate_sha256().unwrap()),
    ] {
        let (report, good) = command(&host, &["--pin-sha256", pin], KEY).await;
        assert!(good, "{report}");
        assert_eq!(steps(&report), SECURE, "{report}");
        assert!(
            report.contains("The server needs: --pin-sha256"),
            "{report}"
        );
        assert_eq!(advice(&report), json!({ "host": host }));
    }
    let (report, good) = tool(&host, &["--pin-sha256", pin], json!({})).await;
    assert!(good, "{report}");
}

#[tokio::test]
async fn an_unverified_certificate_is_told_as_such() {
    let simulator = opmanager(Tls::SelfSigned).await;
    let host = simulator.host();
    let (report, good) = command(&host, &["--no-verify-ssl"], KEY).await;
    assert!(good, "{report}");
    assert_eq!(steps(&report), SECURE, "{report}");
    for part in ["was not checked", "Better than", "--pin-sha256"] {
        assert!(report.contains(part), "{part}: {report}");
    }
    assert_eq!(
        advice(&report),
        json!({ "host": host, "verify_ssl": false })
    );
    let (said, good) = tool(&host, &[], json!({ "verify_ssl": false })).await;
    assert!(good && said.trim() == report.trim(), "{said}");
}

#[tokio::test]
async fn certificates_that_are_wrong_are_told_with_what_is_wrong() {
    let certificate = Certificate {
        names: &["other.test"],
        ..Certificate::default()
    };
    let simulator = opmanager(Tls::Custom(certificate)).await;
    let trusted = authority("diagnose_wrong.pem", &simulator);
    let (report, good) = command(&simulator.host(), &["--ca-file", &trusted], KEY).await;
    assert!(!good && report.contains("is for another name"), "{report}");
    let pin = format!("{}={}", simulator.host(), "0".repeat(64));
    let (report, good) = command(&simulator.host(), &["--pin-sha256", &pin], KEY).await;
    assert!(
        !good && report.contains("does not show the pinned certificate"),
        "{report}"
    );
    assert!(
        report.contains("If OpManager's certificate was replaced"),
        "{report}"
    );
    assert_eq!(simulator.bytes_received(), 0);
}

#[tokio::test]
async fn ports_that_speak_something_else_are_told() {
    let plain = opmanager(Tls::None).await;
    let (report, good) = command(&plain.host(), &[], KEY).await;
    assert!(!good, "{report}");
    assert_eq!(steps(&report), until(&SECURE, "certificate"), "{report}");
    assert!(
        report.contains("no TLS") && report.contains("speaks plain HTTP"),
        "{report}"
    );
    assert!(plain.requests().is_empty());

    let secure = opmanager(Tls::SelfSigned).await;
    let (report, good) = command(&secure.host(), &["--use-ssl", "false"], KEY).await;
    assert!(!good, "{report}");
    assert_eq!(steps(&report), until(&PLAIN, "answer"), "{report}");
    assert!(report.contains("speaks HTTPS"), "{report}");

    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let closed = listener.local_addr().unwrap().to_string();
    drop(listener);
    for (report, good) in [
        command(&closed, &[], KEY).await,
        tool(&closed, &[], json!({})).await,
    ] {
        assert!(!good, "{report}");
        assert_eq!(steps(&report), until(&SECURE, "connection"), "{report}");
        assert!(report.contains("Check host and port"), "{report}");
    }
}

#[tokio::test]
async fn keys_and_answers_that_are_no_good_are_told_apart() {
    let simulator = opmanager(Tls::None).await;
    let flags = ["--use-ssl", "false"];
    let (report, good) = command(&simulator.host(), &flags, "another-key\n").await;
    assert!(!good && !report.contains("another-key"), "{report}");
    assert_eq!(steps(&report), until(&PLAIN, "key"), "{report}");
    assert!(
        report.contains("REST API access is switched on"),
        "{report}"
    );

    let redirect = FaultKind::Redirect {
        status: 302,
        location: "http://127.0.0.1:1/".to_owned(),
    };
    let error = |message: &str| FaultKind::OpManagerError {
        message: message.to_owned(),
        code: None,
    };
    for (kind, failed, part) in [
        (FaultKind::LoginPage, "answer", "login page"),
        (redirect, "answer", "Redirects are not followed"),
        (FaultKind::Empty, "answer", "empty"),
        (FaultKind::NotJson, "answer", "not valid JSON"),
        (FaultKind::CloseAfterRequest, "answer", "broke"),
        (FaultKind::EchoKey { status: 401 }, "key", "[redacted]"),
        (FaultKind::EchoKey { status: 500 }, "answer", "[redacted]"),
        (error("The API key is not valid"), "key", "not valid"),
        (
            error("Blocked in Central"),
            "answer",
            "send the call to the probe",
        ),
    ] {
        for by_tool in [false, true] {
            let case = format!("{kind:?}");
            simulator.clear_log();
            simulator.inject(Fault::once(kind.clone()));
            let (report, good) = if by_tool {
                tool(&simulator.host(), &[], json!({ "use_ssl": false })).await
            } else {
                command(&simulator.host(), &flags, KEY).await
            };
            assert!(!good && report.contains(part), "{case}: {report}");
            assert_eq!(steps(&report), until(&PLAIN, failed), "{case}: {report}");
            assert_eq!(simulator.requests().len(), 1, "{case}");
            assert!(!report.contains("In a call"), "{case}: {report}");
        }
    }
}

#[tokio::test]
async fn without_a_key_nothing_is_asked() {
    let simulator = opmanager(Tls::None).await;
    for key in ["", "\n", "\r\n"] {
        simulator.clear_log();
        let (report, good) = command(&simulator.host(), &["--use-ssl", "false"], key).await;
        assert!(good && report.contains("No key was given"), "{report}");
        assert_eq!(steps(&report), PLAIN[..3]);
        // The system has accepted it before the simulator has.
        timeout(PATIENCE, simulator.wait_until(|log| log.connections > 0))
            .await
            .expect("there is a connection");
        assert_eq!(
            (simulator.connections(), simulator.requests().len()),
            (1, 0)
        );
    }
}

#[tokio::test]
async fn refused_targets_are_told_and_not_connected_to() {
    let simulator = opmanager(Tls::SelfSigned).await;
    let (host, port) = (simulator.host(), simulator.address().port());
    let local = format!("localhost:{port}");
    for (host, flags, failed, part) in [
        ("169.254.169.254", &[][..], "target", "never a target"),
        (&host, &["--deny-loopback"], "target", "--deny-loopback"),
        (&local, &["--deny-loopback"], "address", "--deny-loopback"),
        (
            &local,
            &["--allowed-targets", "127.0.0.1"],
            "target",
            "--allowed-targets",
        ),
        (
            &host,
            &["--require-tls", "--use-ssl", "false"],
            "target",
            "--require-tls",
        ),
        (
            &host,
            &["--forbid-insecure-tls", "--no-verify-ssl"],
            "target",
            "--forbid-insecure-tls",
        ),
    ] {
        let (report, good) = command(host, flags, KEY).await;
        assert!(!good && report.contains(part), "{host}: {report}");
        assert_eq!(steps(&report), until(&SECURE, failed), "{host}: {report}");
    }
    assert_eq!(simulator.connections(), 0);
}

#[tokio::test]
async fn a_key_is_not_taken_from_the_command_line_and_wrong_arguments_are_named() {
    for flag in ["--api-key", "--apikey", "--apiKey", "--key"] {
        let output = Command::new(PROGRAM)
            .args(["diagnose", "--host", "127.0.0.1", flag, "x"])
            .output()
            .await
            .unwrap();
        assert_eq!(output.status.code(), Some(2), "{flag}");
    }
    for (flags, named) in [
        (&["--host", "http://x"][..], "--host"),
        (&["--host", "h:8061", "--use-ssl", "false"], "--use-ssl"),
    ] {
        let output = Command::new(PROGRAM)
            .arg("diagnose")
            .args(flags)
            .stdin(Stdio::null())
            .output()
            .await
            .unwrap();
        let text = String::from_utf8_lossy(&output.stderr);
        assert!(!output.status.success() && text.contains(named), "{text}");
    }
    // Flags before the command would be lost: they are refused.
    let output = Command::new(PROGRAM)
        .args(["--deny-loopback", "diagnose", "--host", "127.0.0.1"])
        .output()
        .await
        .unwrap();
    assert_eq!(output.status.code(), Some(2));
}

#[tokio::test]
async fn the_tool_checks_its_arguments_like_the_others() {
    let mut session = Session::start(&[]).await;
    let elsewhere = Simulator::start(opmanager_simulator::Options::default())
        .await
        .unwrap();
    for (given, named) in [
        (json!({}), &["host", "apiKey"][..]),
        (
            json!({ "host": format!("{KEY}@{}", elsewhere.host()), "apiKey": KEY }),
            &["host"],
        ),
        (
            json!({ "host": elsewhere.host(), "apiKey": format!("{KEY}\n") }),
            &["apiKey"],
        ),
        (
            json!({ "host": elsewhere.host(), "apiKey": KEY, "severity": 1 }),
            &["severity"],
        ),
        (
            json!({ "host": elsewhere.host(), "apiKey": KEY, "limit": 1 }),
            &["limit"],
        ),
    ] {
        let reply = session.call("diagnose_connection", given).await;
        assert!(reply.failed, "{reply:?}");
        let lines: Vec<&str> = reply.text().lines().skip(1).collect();
        let mut blamed: Vec<&str> = lines
            .iter()
            .filter_map(|line| line.split('`').nth(1))
            .collect();
        blamed.dedup();
        assert_eq!(blamed, named, "{}", reply.text());
        check_no_key("result", reply.text());
    }
    assert_eq!(elsewhere.connections(), 0);
}

#[test]
fn tools_share_no_name_and_those_of_no_operation_read_unless_they_call_one() {
    let mut names = std::collections::BTreeSet::new();
    for tool in tools::catalogue() {
        assert!(names.insert(tool.name()), "{}", tool.name());
        if tool.operation().is_some() {
            continue;
        }
        for access in Access::ALL {
            let calls = tool.name() == "call_operation" && access > Access::Read;
            let hints = tool.definition_at(access).annotations.unwrap();
            assert_eq!(
                (hints.read_only_hint, hints.destructive_hint),
                (Some(!calls), Some(calls)),
                "{} {access}",
                tool.name()
            );
        }
    }
}

#[tokio::test]
async fn each_request_of_a_workflow_is_recorded_also_when_it_is_given_up() {
    let simulator = simulator().await;
    let mut session = Session::start(&[]).await;
    let given = at(&simulator, json!({}));
    let reply = session.call("diagnose_connection", given.clone()).await;
    assert!(!reply.failed, "{reply:?}");
    simulator.clear_log();
    simulator.inject(Fault::always(FaultKind::Hang));
    let params = json!({ "name": "diagnose_connection", "arguments": given });
    let id = session.begin("tools/call", params).await;
    simulator.wait_until(|log| log.requests.len() == 1).await;
    session.send(&json!({ "jsonrpc": "2.0", "method": "notifications/cancelled", "params": { "requestId": id } })).await;
    simulator.wait_until(|log| log.disconnected == 1).await;
    let log = session.finish().await.log;
    let lines: Vec<&str> = log
        .lines()
        .filter(|line| line.contains("tool=\"diagnose_connection\""))
        .collect();
    let of = |call: usize, request: bool, outcome: &str| {
        let call = format!("call={call} ");
        let outcome = format!("outcome=\"{outcome}\"");
        let fits = |line: &&&str| {
            line.contains(&call)
                && line.contains(&outcome)
                && line.contains("operation=\"getDownDevices\"") == request
                && line.contains("requests=2") != request
        };
        lines.iter().filter(fits).count()
    };
    // The second request of the first call, too.
    assert_eq!(lines.len(), 5, "{log}");
    for (call, outcome) in [(1, "success"), (2, "cancelled")] {
        assert_eq!(of(call, true, outcome), 1, "{log}");
    }
    assert_eq!(of(1, false, "success"), 1, "{log}");
}

/// What a build shows of itself, in the answer to a short page of devices.
#[tokio::test]
async fn what_builds_answer_tells_their_language_and_kind_and_nothing_more() {
    let devices = |body: &str| FaultKind::Respond {
        status: 200,
        content_type: Some("application/json".to_owned()),
        headers: Vec::new(),
        body: body.as_bytes().to_vec(),
    };
    for (answer, line) in [
        (
            devices(r#"[{"deviceName":"a","statusNum":"5","statusStr":"Sans alarme"}]"#),
            "language: not English, so go by codes such as statusNum and never by words of states; kind: no sign of a \
             Central; lists of devices: bare",
        ),
        (
            devices(
                r#"{"rows":[{"deviceName":"10.0.0.5.10000000001","statusNum":5,"statusStr":"Clear"}]}"#,
            ),
            "language: English; kind: a Central, as names end in the number of a probe; lists of devices: in pages",
        ),
        (
            devices(r#"{"message":"Rien."}"#),
            "language: unknown; kind: unknown",
        ),
        (
            devices(r#"{"error":{"message":"Non.","errorcode":"EXTRA_PARAM_FOUND"}}"#),
            "refuses parameters that it does not know",
        ),
        (FaultKind::Empty, "unknown: list_devices was not answered"),
    ] {
        let simulator = opmanager(Tls::None).await;
        simulator.inject(Fault::once(answer).on("listDevices"));
        let (report, good) = command(&simulator.host(), &["--use-ssl", "false"], KEY).await;
        assert!(good, "{report}");
        assert_eq!(steps(&report), PLAIN, "{report}");
        assert!(report.contains(line), "{line}: {report}");
    }
}
