//! Heads of requests that two readers could read differently: they are refused, and nothing behind them is served.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use opmanager_simulator::Simulator;
use serde_json::json;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;

use super::{call, list_devices, on_the_wire, statuses};
use crate::support::http::{Connection, headers_for, post, raw};
use crate::support::{PATIENCE, SENTINEL, Session, at, check_absent, simulator};

const SOUND: [&str; 2] = ["Host: localhost", "Content-Type: application/json"];

/// A request for the list of devices, with another line in its head.
fn with_line(simulator: &Simulator, line: &str) -> Vec<u8> {
    let message = list_devices(simulator).to_string();
    on_the_wire(&[SOUND[0], SOUND[1], line], &message)
}

/// A sound request for something else.
fn hidden(simulator: &Simulator) -> Vec<u8> {
    let message = call("list_alarms", at(simulator, json!({}))).to_string();
    on_the_wire(&SOUND, &message)
}

#[tokio::test]
async fn rt_37_headers_of_the_protocol_are_not_repeated() {
    let session = Session::serve(&[]).await;
    let call = json!({ "jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": {
        "name": "list_alarms", "arguments": {},
        "_meta": { "io.modelcontextprotocol/protocolVersion": "2026-07-28", "io.modelcontextprotocol/clientCapabilities": {} },
    }});
    let version = ("MCP-Protocol-Version", "2026-07-28");
    let encoded = format!("=?base64?{}?=", STANDARD.encode(SENTINEL));
    let half_encoded = format!("=?{SENTINEL}?=");
    for headers in [
        vec![("MCP-Protocol-Version", SENTINEL)],
        vec![
            version,
            ("Mcp-Method", SENTINEL),
            ("Mcp-Name", "list_alarms"),
        ],
        vec![
            version,
            ("Mcp-Method", "tools/call"),
            ("Mcp-Name", SENTINEL),
        ],
        vec![
            version,
            ("Mcp-Method", "tools/call"),
            ("Mcp-Name", &encoded),
        ],
        vec![
            version,
            ("Mcp-Method", &half_encoded),
            ("Mcp-Name", "list_alarms"),
        ],
    ] {
        let answer = post(session.address(), &headers, &call).await;
        assert_eq!(answer.status, 400, "{answer:?}");
        check_absent("a refusal", &format!("{answer:?}"), SENTINEL);
    }
    // A member that the method does not address is no match, whatever it says.
    let mut read = call;
    read["method"] = json!("resources/read");
    read["params"]["name"] = json!(SENTINEL);
    read["params"]["uri"] = json!("opmanager://operations");
    let headers = [
        version,
        ("Mcp-Method", "resources/read"),
        ("Mcp-Name", SENTINEL),
    ];
    let answer = post(session.address(), &headers, &read).await;
    assert_eq!(answer.status, 400, "{answer:?}");
    check_absent("a refusal", &format!("{answer:?}"), SENTINEL);
}

#[tokio::test]
async fn a_message_that_only_the_parser_refuses_is_answered_as_over_standard_input() {
    let mut session = Session::serve(&["--log-level", "trace"]).await;
    let mut connection = Connection::open(session.address()).await;
    let long = "x".repeat(2000);
    for (message, expected) in [
        (
            format!(
                r#"{{"jsonrpc":"2.0","id":"a","method":"ping","params":{{"_meta":"{SENTINEL}"}}}}"#
            ),
            Some((-32602, json!("a"))),
        ),
        (
            r#"{"jsonrpc":"2.0","id":7,"method":"ping","params":{"a":1e400}}"#.to_owned(),
            Some((-32602, json!(7))),
        ),
        (
            format!(r#"{{"jsonrpc":"2.0","id":"{long}","method":"ping","params":{{"a":1e400}}}}"#),
            Some((-32602, json!(null))),
        ),
        (
            r#"{"jsonrpc":"2.0","id":7,"method":"ping","params":["a"]}"#.to_owned(),
            Some((-32602, json!(7))),
        ),
        (
            r#"{"jsonrpc":"2.0","method":"notifications/x","params":{"a":1e400}}"#.to_owned(),
            None,
        ),
        (
            format!(r#"{{"jsonrpc":"2.0","id":7,"error":"{SENTINEL}"}}"#),
            None,
        ),
    ] {
        let headers = headers_for(message.as_bytes(), Some("2025-11-25"));
        let answer = connection
            .ask("POST", "/mcp", &headers, message.clone())
            .await
            .unwrap();
        assert_eq!(answer.status, 400, "{message}: {answer:?}");
        check_absent("a refusal", &format!("{answer:?}"), SENTINEL);
        match expected {
            Some((code, id)) => {
                let answer = answer.json();
                assert_eq!(
                    (&answer["error"]["code"], &answer["id"]),
                    (&json!(code), &id),
                    "{message}"
                );
            }
            None => assert_eq!(answer.text, "not a message\n", "{message}"),
        }
    }
    session.check(SENTINEL).await;
}

#[tokio::test]
async fn rt_09_a_head_with_a_bare_line_feed_is_refused_with_all_that_follows() {
    let simulator = simulator().await;
    let mut session = Session::serve(&[]).await;
    for (what, bytes) in [
        (
            "in a value",
            with_line(&simulator, "X-Note: hello\nX-Other: 1"),
        ),
        ("before the end", with_line(&simulator, "X-Note: hello\n")),
        ("a second CR", with_line(&simulator, "X-Note: hello\r")),
        ("first of all", [b"\n", &*hidden(&simulator)].concat()),
        (
            "everywhere",
            String::from_utf8(hidden(&simulator))
                .unwrap()
                .replace("\r\n", "\n")
                .into_bytes(),
        ),
        (
            "at the end",
            String::from_utf8(hidden(&simulator))
                .unwrap()
                .replace("\r\n\r\n", "\r\n\n")
                .into_bytes(),
        ),
    ] {
        let said = raw(
            session.address(),
            &[bytes, hidden(&simulator), hidden(&simulator)].concat(),
        )
        .await;
        assert_eq!(statuses(&said), ["400"], "{what}: {said}");
        assert!(said.contains("connection: close\r\n"), "{what}: {said}");
    }
    assert_eq!(simulator.connections(), 0);
    session.check(simulator.api_key()).await;
}

#[tokio::test]
async fn heads_that_are_no_http_are_refused_wherever_they_stand_on_a_connection() {
    let simulator = simulator().await;
    let session = Session::serve(&[]).await;
    for line in [
        "X: a\rb",
        "X: a\0b",
        "X: \x1b",
        " folded: 1",
        "X : a",
        ": a",
        "no colon",
        "Content-Length: 5",
        "Content_Length: 5",
        "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked",
        "Transfer-Encoding: gzip, chunked",
        "Transfer_Encoding: chunked",
        "Host: localhost",
    ] {
        for before in [0, 1, 3] {
            simulator.clear_log();
            let bytes = [
                hidden(&simulator).repeat(before),
                with_line(&simulator, line),
                hidden(&simulator),
            ]
            .concat();
            let said = raw(session.address(), &bytes).await;
            let mut expected = vec!["200"; before];
            expected.push("400");
            assert_eq!(statuses(&said), expected, "{line:?}: {said}");
            let sent = simulator.requests();
            assert_eq!(sent.len(), before, "{line:?}");
            let expected = Some("listAlarms");
            assert!(sent.iter().all(|sent| sent.operation == expected));
        }
    }
    // The line itself is no reason: any other is let through.
    let bytes = [with_line(&simulator, "X-Note: a\tb"), hidden(&simulator)].concat();
    let closed = String::from_utf8(hidden(&simulator)).unwrap();
    let closed = closed.replace("Host:", "Connection: close\r\nHost:");
    let said = raw(session.address(), &[&bytes, closed.as_bytes()].concat()).await;
    assert_eq!(statuses(&said), ["200"; 3], "{said}");
}

#[tokio::test]
async fn rt_41_signs_are_no_part_of_a_number() {
    let simulator = simulator().await;
    let session = Session::serve(&[]).await;
    let message = list_devices(&simulator).to_string();
    for host in [
        "localhost:+3000",
        "localhost:-1",
        "127.0.0.1:+80",
        "[::1]:+80",
        "[127.0.0.1]",
        "[127.0.0.1",
        "127.0.0.1]",
    ] {
        let lines = [&format!("Host: {host}"), SOUND[1], "Connection: close"];
        let said = raw(session.address(), &on_the_wire(&lines, &message)).await;
        assert_eq!(statuses(&said), ["403"], "{host}: {said}");
    }
    for length in ["+2", "-0", "0x2", "2 2", "2,2", "02", ""] {
        let request = format!(
            "POST /mcp HTTP/1.1\r\n{}\r\n{}\r\nContent-Length: {length}\r\n\r\n{{}}",
            SOUND[0], SOUND[1]
        );
        let said = raw(session.address(), request.as_bytes()).await;
        assert_eq!(statuses(&said), ["400"], "{length}: {said}");
    }
    assert_eq!(simulator.connections(), 0);
}

#[tokio::test]
async fn a_head_may_come_in_any_pieces_and_one_that_is_too_large_is_told_so() {
    let simulator = simulator().await;
    let session = Session::serve(&[]).await;
    let bytes = [
        b"\r\n".to_vec(),
        hidden(&simulator),
        b"\r\n".to_vec(),
        hidden(&simulator),
        with_line(&simulator, "Connection: close"),
    ]
    .concat();
    for piece in [1, 2, 7, 1000] {
        let mut stream = TcpStream::connect(session.address()).await.unwrap();
        stream.set_nodelay(true).unwrap();
        for piece in bytes.chunks(piece) {
            stream.write_all(piece).await.unwrap();
            tokio::task::yield_now().await;
        }
        let mut said = String::new();
        let read = timeout(PATIENCE, stream.read_to_string(&mut said)).await;
        read.expect("it must be closed").unwrap();
        assert_eq!(statuses(&said), ["200"; 3], "{piece}: {said}");
    }
    let large = |length: usize| {
        let line = format!("X: {}", "x".repeat(length));
        with_line(&simulator, &(line + "\r\nConnection: close"))
    };
    let said = raw(session.address(), &large(15_000)).await;
    assert_eq!(statuses(&said), ["200"], "{said}");
    for length in [16_384, 17_000, 100_000] {
        let said = raw(session.address(), &large(length)).await;
        // Whoever sends more after the answer may not get to read it.
        assert!(said.is_empty() || statuses(&said) == ["431"], "{said}");
    }
}
