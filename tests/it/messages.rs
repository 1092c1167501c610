//! Lines on standard input, sound and hostile: each request has one answer, what is no request has none, and the
//! size of what comes in is not the size of what is kept.

use std::time::Duration;

use opmanager_simulator::{Fault, FaultKind};
use serde_json::{Value, json};
use tokio::io::AsyncWriteExt;

use crate::support::{PATIENCE, SENTINEL, Session, at, listed_by_default, simulator};

/// Longest line that is read unless the operator says otherwise.
const LONGEST: usize = 65_536;
const MIB: usize = 1024 * 1024;

/// The answer to a line: its code and id. `None` if the next answer is that of a ping.
async fn answer_to(session: &mut Session, line: &[u8]) -> Option<(i64, Value)> {
    session.send_line(line).await;
    let ping = session.begin("ping", json!({})).await;
    let answer = session.receive().await;
    if answer["id"] == ping {
        return None;
    }
    assert_eq!(session.receive().await["id"], ping, "one answer a line");
    assert!(answer.as_object().unwrap().contains_key("id"), "{answer}");
    Some((
        answer["error"]["code"].as_i64().unwrap(),
        answer["id"].clone(),
    ))
}

/// A request that is nested so deep.
fn nested(depth: usize) -> String {
    format!(
        r#"{{"jsonrpc":"2.0","id":"deep","method":"ping","params":{{"a":{}"{SENTINEL}"{}}}}}"#,
        "[".repeat(depth),
        "]".repeat(depth)
    )
}

#[tokio::test]
async fn pr_01_what_cannot_be_read_is_answered_and_what_is_empty_is_not() {
    let unreadable = Some((-32700, Value::Null));
    for settled in [true, false] {
        let mut session = Session::spawn(&["--log-level", "trace"]);
        if settled {
            session.initialize("2025-11-25").await;
        }
        for (line, expected) in [
            (format!("not json {SENTINEL}"), &unreadable),
            (
                format!("{{\"jsonrpc\":\"2.0\",\"id\":\"{SENTINEL}\",\"method\":"),
                &unreadable,
            ),
            (format!("{{'id':'{SENTINEL}'}}"), &unreadable),
            (String::new(), &None),
            ("\r".to_owned(), &None),
            (" \t ".to_owned(), &None),
            ("\u{feff}".to_owned(), &None),
        ] {
            assert_eq!(
                answer_to(&mut session, line.as_bytes()).await,
                *expected,
                "{line}"
            );
            session.check(SENTINEL).await;
        }
        for ping in [
            "\u{feff}{\"jsonrpc\":\"2.0\",\"id\":1000,\"method\":\"ping\"}",
            "{\"jsonrpc\":\"2.0\",\"id\":1000,\"method\":\"ping\"}\r",
            " {\"method\":\"ping\",\t\"id\":1000 ,\"jsonrpc\":\"2.0\"} ",
            r#"{"jsonrpc":"2.0","id":1000,"method":"\u0070ing"}"#,
        ] {
            session.send_line(ping.as_bytes()).await;
            let answer = session.receive().await;
            assert_eq!(
                (&answer["id"], &answer["result"]),
                (&json!(1000), &json!({})),
                "{ping}"
            );
        }
        session.conclude(SENTINEL).await;
    }
}

#[tokio::test]
async fn pr_01_what_is_no_message_is_an_invalid_request_under_its_id() {
    let mut session = Session::start(&["--log-level", "trace"]).await;
    for (line, id) in [
        ("null", json!(null)),
        ("7", json!(null)),
        ("\"zq7SENTINELk9Xw2\"", json!(null)),
        ("[]", json!(null)),
        (
            r#"[{"jsonrpc":"2.0","id":1,"method":"ping"},{"jsonrpc":"2.0","id":2,"method":"ping"}]"#,
            json!(null),
        ),
        ("{}", json!(null)),
        (r#"{"jsonrpc":"1.0","id":1,"method":"ping"}"#, json!(1)),
        (r#"{"id":"a","method":"ping"}"#, json!("a")),
        (r#"{"jsonrpc":"2.0","id":1,"method":7}"#, json!(1)),
        (r#"{"jsonrpc":"2.0","id":1}"#, json!(1)),
        (
            r#"{"jsonrpc":"2.0","id":1,"method":"ping","result":{}}"#,
            json!(1),
        ),
        (
            r#"{"jsonrpc":"2.0","id":1,"method":"ping","id":2}"#,
            json!(null),
        ),
        (
            r#"{"jsonrpc":"2.0","id":1,"method":"ping","method":"tools/list"}"#,
            json!(null),
        ),
    ] {
        assert_eq!(
            answer_to(&mut session, line.as_bytes()).await,
            Some((-32600, id)),
            "{line}"
        );
    }
    session.conclude(SENTINEL).await;
}

#[tokio::test]
async fn pr_02_a_line_of_any_length_costs_no_more_than_one_that_is_allowed() {
    let mut session = Session::start(&[]).await;
    let head = br#"{"jsonrpc":"2.0","id":"large","method":"tools/call","params":{"name":""#;
    for size in [MIB, 100 * MIB] {
        session.send_bytes(head).await;
        let filling = vec![b'x'; MIB];
        for _ in 0..size / MIB {
            session.send_bytes(&filling).await;
        }
        let answer = answer_to(&mut session, b"\"}}").await;
        assert_eq!(answer, Some((-32600, json!("large"))), "{size}");
        // Nothing but one long word, and nothing but brackets.
        for byte in [b'x', b'['] {
            session.send_bytes(&vec![byte; MIB]).await;
            assert_eq!(
                answer_to(&mut session, b"").await,
                Some((-32600, Value::Null))
            );
        }
        session.check(SENTINEL).await;
    }
    #[cfg(target_os = "linux")]
    assert!(session.peak() < 64, "{} MiB", session.peak());
    for _ in 0..100 {
        session.send_bytes(&vec![b'"'; MIB]).await;
    }
    #[cfg(target_os = "linux")]
    assert!(session.peak() < 64, "{} MiB", session.peak());
    let finished = session.finish().await;
    finished.check(SENTINEL);
    assert_eq!(
        finished.rest.len(),
        1,
        "a line that the end cuts off: {:?}",
        finished.rest
    );
}

#[tokio::test]
async fn pr_02_the_id_of_a_line_that_is_too_long_may_stand_at_its_end() {
    let mut session = Session::start(&[]).await;
    let filling = format!("{SENTINEL}\\\",\\\"id\\\":5").repeat(5000);
    for (line, expected) in [
        // As the TypeScript SDK writes it.
        (
            format!(
                r#"{{"method":"tools/call","params":{{"id":4,"a":"{filling}"}},"jsonrpc":"2.0","id":7}}"#
            ),
            Some(json!(7)),
        ),
        (
            format!(
                r#"{{"jsonrpc":"2.0","id":"b","method":"tools/call","params":{{"a":"{filling}"}}}}"#
            ),
            Some(json!("b")),
        ),
        (
            format!(
                r#"{{"jsonrpc":"2.0","id":{{"id":4}},"method":"tools/call","params":{{"a":"{filling}"}}}}"#
            ),
            Some(json!(null)),
        ),
        (
            format!(r#"{{"jsonrpc":"2.0","id":"{filling}","method":"tools/call"}}"#),
            Some(json!(null)),
        ),
        (
            format!(
                r#"{{"jsonrpc":"2.0","method":"notifications/progress","params":{{"a":"{filling}"}}}}"#
            ),
            None,
        ),
        (
            format!(r#"{{"jsonrpc":"2.0","result":{{"a":"{filling}"}},"id":1}}"#),
            None,
        ),
        (
            format!(r#"{{"error":{{"code":1,"message":"{filling}"}},"jsonrpc":"2.0"}}"#),
            None,
        ),
        (format!("{}{filling}", " ".repeat(10)), Some(json!(null))),
    ] {
        let answer = answer_to(&mut session, line.as_bytes()).await;
        assert_eq!(answer, expected.map(|id| (-32600, id)), "{}", &line[..60]);
    }
    session.conclude(SENTINEL).await;
}

#[tokio::test]
async fn pr_02_a_message_may_be_as_long_as_the_operator_allows() {
    for (flags, longest) in [
        (&[][..], LONGEST),
        (&["--max-request-bytes", "1024"], 1024),
        (&["--max-request-bytes", "1000000"], 1_000_000),
    ] {
        let mut session = Session::start(flags).await;
        let ping = |length: usize| {
            let message = r#"{"jsonrpc":"2.0","id":1,"method":"ping","params":{"a":""}}"#;
            message.replace(
                r#""a":""#,
                &format!(r#""a":"{}"#, "x".repeat(length - message.len())),
            )
        };
        session.send_line(ping(longest).as_bytes()).await;
        assert_eq!(session.receive().await["result"], json!({}));
        let answer = answer_to(&mut session, ping(longest + 1).as_bytes()).await;
        assert_eq!(answer, Some((-32600, json!(1))));
        session.conclude(SENTINEL).await;
    }
    for wrong in ["0", "1023", "-1", "x", "4294967296"] {
        let mut session = Session::spawn(&[&format!("--max-request-bytes={wrong}")]);
        drop(session.take_input());
        let finished = session.end().await;
        assert_eq!(finished.status.code(), Some(2), "{wrong}");
        assert!(
            finished.log.contains("--max-request-bytes"),
            "{}",
            finished.log
        );
    }
}

#[tokio::test]
async fn pr_03_messages_that_are_large_when_parsed_are_answered_within_bounds() {
    let simulator = simulator().await;
    let mut session = Session::start(&[]).await;
    let bomb = |id: usize| {
        let head = format!(
            r#"{{"jsonrpc":"2.0","id":{id},"method":"tools/call","params":{{"name":"list_devices","arguments":{{"host":"{}","apiKey":"{SENTINEL}","category":["#,
            simulator.host()
        );
        let count = (LONGEST - head.len() - 6) / 8;
        let items = vec![r#"{"a":0}"#; count].join(",");
        let tail = "]}}}";
        format!(
            "{head}{items}{}{tail}",
            " ".repeat(LONGEST - head.len() - items.len() - tail.len())
        )
    };
    assert_eq!(bomb(1).len(), LONGEST);
    for together in [1, 20] {
        for _ in 0..20 / together {
            for id in 0..together {
                session.send_line(bomb(1000 + id).as_bytes()).await;
            }
            for _ in 0..together {
                let answer = session.receive().await;
                let text = answer["result"]["content"][0]["text"].as_str().unwrap();
                assert!(text.contains("`category` must be a string"), "{text}");
            }
        }
        session.check(SENTINEL).await;
    }
    #[cfg(target_os = "linux")]
    assert!(session.peak() < 128, "{} MiB", session.peak());
    assert_eq!(simulator.connections(), 0);
    session.conclude(SENTINEL).await;
}

#[tokio::test]
async fn pr_04_what_is_nested_too_deep_is_answered_under_its_id() {
    let mut session = Session::start(&["--log-level", "trace"]).await;
    for (depth, refused) in [(62, false), (63, true), (200, true), (30_000, true)] {
        session.send_line(nested(depth).as_bytes()).await;
        let answer = session.receive().await;
        assert_eq!(answer["id"], "deep");
        assert_eq!(
            answer["error"]["code"] == -32600,
            refused,
            "{depth}: {answer}"
        );
        session.check(SENTINEL).await;
    }
    let deep = format!("{}{}", "[".repeat(200), "]".repeat(200));
    for (line, expected) in [
        (
            format!(r#"{{"params":{deep},"jsonrpc":"2.0","method":"ping","id":7}}"#),
            Some(json!(7)),
        ),
        (
            format!(r#"{{"params":{{"id":{deep}}},"jsonrpc":"2.0","method":"notifications/x"}}"#),
            None,
        ),
        (
            format!(r#"{{"jsonrpc":"2.0","id":1,"result":{deep}}}"#),
            None,
        ),
        (deep, Some(json!(null))),
    ] {
        let answer = answer_to(&mut session, line.as_bytes()).await;
        assert_eq!(answer, expected.map(|id| (-32600, id)), "{line}");
    }
    session.conclude(SENTINEL).await;
}

#[tokio::test]
async fn pr_05_ids_come_back_as_they_were_sent() {
    let mut session = Session::start(&[]).await;
    for id in [
        json!(0),
        json!(-1),
        json!(9_007_199_254_740_992_i64),
        json!(9_007_199_254_740_993_i64),
        json!(i64::MIN),
        json!(i64::MAX),
        json!(""),
        json!("7"),
        json!("a \"b\"\n\u{0}\u{1f600}"),
        json!("é".repeat(5000)),
    ] {
        session
            .send(&json!({ "jsonrpc": "2.0", "id": id, "method": "ping" }))
            .await;
        let answer = session.receive().await;
        assert_eq!((&answer["id"], &answer["result"]), (&id, &json!({})));
    }
    session.conclude(SENTINEL).await;
}

#[tokio::test]
async fn pr_05_an_id_that_would_not_come_back_as_it_was_sent_is_refused() {
    let mut session = Session::start(&[]).await;
    for (id, echoed) in [
        ("null", "null"),
        ("{}", "null"),
        ("{\"id\":1}", "null"),
        ("[1]", "null"),
        ("true", "null"),
        ("1.5", "1.5"),
        ("1.0", "1.0"),
        ("1e2", "1e2"),
        ("-0", "-0"),
        ("9223372036854775808", "9223372036854775808"),
        ("12345678901234567890123", "12345678901234567890123"),
    ] {
        let line = format!(r#"{{"jsonrpc":"2.0","id":{id},"method":"ping"}}"#);
        let answer = answer_to(&mut session, line.as_bytes()).await;
        assert_eq!(answer.map(|(code, _)| code), Some(-32600), "{id}");
        let raw = format!(r#""id":{echoed},"#);
        let line = &session.lines[session.lines.len() - 2];
        assert!(line.contains(&raw), "{id}: {line}");
    }
    session.conclude(SENTINEL).await;
}

#[tokio::test]
async fn pr_05_an_id_in_use_is_refused_and_the_answers_are_not_crossed() {
    let simulator = simulator().await;
    let mut session = Session::start(&["--timeout", "3"]).await;
    let call = |tool: &str| {
        json!({ "jsonrpc": "2.0", "id": "same", "method": "tools/call", "params": {
            "name": tool, "arguments": at(&simulator, json!({})),
        }})
    };
    for cancelled in [false, true] {
        simulator.clear_log();
        simulator.inject(Fault::once(FaultKind::Hang).on("listDevices"));
        session.send(&call("list_devices")).await;
        let sent = simulator.wait_until(|log| log.requests.len() == 1);
        tokio::time::timeout(PATIENCE, sent)
            .await
            .expect("the first must be sent");
        if cancelled {
            session.send(&json!({ "jsonrpc": "2.0", "method": "notifications/cancelled", "params": { "requestId": "same" } })).await;
        }
        for request in [
            call("list_alarms"),
            json!({ "jsonrpc": "2.0", "id": "same", "method": "ping" }),
        ] {
            session.send(&request).await;
            let answer = session.receive().await;
            assert_eq!(
                (&answer["id"], &answer["error"]["code"]),
                (&json!("same"), &json!(-32600)),
                "{answer}"
            );
        }
        assert_eq!(simulator.requests().len(), 1, "the second is not run");
        if !cancelled {
            // The first has its own answer, that of a time limit; and that frees the id.
            let answer = session.receive().await;
            assert_eq!(
                (&answer["id"], &answer["result"]["isError"]),
                (&json!("same"), &json!(true)),
                "{answer}"
            );
            session.send(&call("list_alarms")).await;
            let answer = session.receive().await;
            assert!(
                answer["id"] == "same" && answer["result"]["isError"] != true,
                "{answer}"
            );
        }
    }
    session.conclude(simulator.api_key()).await;
}

#[tokio::test]
async fn pr_08_bytes_that_are_no_text_are_unreadable() {
    let utf16 = |text: &str, little: bool| -> Vec<u8> {
        let units = "\u{feff}".encode_utf16().chain(text.encode_utf16());
        units
            .flat_map(|unit| {
                if little {
                    unit.to_le_bytes()
                } else {
                    unit.to_be_bytes()
                }
            })
            .collect()
    };
    let mut session = Session::start(&["--log-level", "trace"]).await;
    let ping = format!(r#"{{"jsonrpc":"2.0","id":"{SENTINEL}","method":"ping"}}"#);
    for line in [
        b"\xff\xfe".to_vec(),
        b"{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"ping\xff\"}".to_vec(),
        b"{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"ping\",\"params\":{\"a\":\"\xed\xa0\x80\"}}"
            .to_vec(),
        utf16(&ping, true),
        utf16(&ping, false),
        vec![0; 100],
        format!("{ping}\0").into_bytes(),
        [b"\xef\xbb\xbf\xef\xbb\xbf", ping.as_bytes()].concat(),
    ] {
        let answer = answer_to(&mut session, &line).await;
        assert_eq!(
            answer,
            Some((-32700, Value::Null)),
            "{}",
            String::from_utf8_lossy(&line)
        );
    }
    session.conclude(SENTINEL).await;
}

#[tokio::test]
async fn a_request_with_half_of_a_surrogate_pair_is_answered_under_its_id() {
    let mut session = Session::start(&["--log-level", "trace"]).await;
    for half in ["\\ud83d", "\\ude00", "\\ud83d\\ud83d\\ude00"] {
        let line = format!(
            r#"{{"jsonrpc":"2.0","method":"tools/call","params":{{"name":"{SENTINEL}{half}"}},"id":7}}"#
        );
        let answer = answer_to(&mut session, line.as_bytes()).await;
        assert_eq!(answer, Some((-32600, json!(7))), "{line}");
        let line = line.replace(r#","id":7"#, "");
        let answer = answer_to(&mut session, line.as_bytes()).await;
        assert_eq!(answer, None, "{line}");
    }
    session.conclude(SENTINEL).await;
}

#[tokio::test]
async fn pr_11_answers_to_nothing_and_unknown_notifications_are_ignored() {
    for version in [None, Some("2025-06-18"), Some("2025-11-25")] {
        let mut session = Session::spawn(&["--log-level", "trace"]);
        if let Some(version) = version {
            session.initialize(version).await;
        }
        for message in [
            json!({ "jsonrpc": "2.0", "id": 77, "result": { "apiKey": SENTINEL } }),
            json!({ "jsonrpc": "2.0", "id": 0, "result": {} }),
            json!({ "jsonrpc": "2.0", "id": null, "result": {} }),
            json!({ "jsonrpc": "2.0", "id": "x", "result": SENTINEL }),
            json!({ "jsonrpc": "2.0", "id": 78, "error": { "code": 1, "message": SENTINEL } }),
            json!({ "jsonrpc": "2.0", "id": null, "error": { "code": -32700, "message": "x" } }),
            json!({ "jsonrpc": "2.0", "error": { "code": -32600, "message": "x" } }),
            json!({ "jsonrpc": "2.0", "id": 1, "error": SENTINEL, "result": 1 }),
            json!({ "jsonrpc": "2.0", "method": SENTINEL }),
            json!({ "jsonrpc": "2.0", "method": "textDocument/didOpen", "params": { "apiKey": SENTINEL } }),
            json!({ "jsonrpc": "2.0", "method": "notifications/nonsense", "params": [SENTINEL] }),
            json!({ "jsonrpc": "2.0", "method": "notifications/initialized", "params": null }),
            json!({ "jsonrpc": "2.0", "method": "notifications/cancelled", "params": { "requestId": 99 } }),
            json!({ "jsonrpc": "2.0", "method": "notifications/cancelled", "params": { "requestId": {} } }),
            json!({ "jsonrpc": "2.0", "method": "tools/call", "params": { "name": "list_devices", "arguments": { "apiKey": SENTINEL } } }),
            json!({ "jsonrpc": "1.0", "method": "notifications/initialized" }),
            json!({ "method": 7 }),
        ] {
            let answer = answer_to(&mut session, message.to_string().as_bytes()).await;
            assert_eq!(answer, None, "{message}");
        }
        if version.is_none() {
            session.initialize("2025-11-25").await;
        }
        session.conclude(SENTINEL).await;
    }
}

#[tokio::test]
async fn the_last_line_may_end_with_the_input() {
    let mut session = Session::spawn(&[]);
    session
        .send_bytes(br#"{"jsonrpc":"2.0","id":"last","method":"ping"}"#)
        .await;
    let finished = session.finish().await;
    finished.check(SENTINEL);
    let answer: Value = serde_json::from_str(&finished.rest[0]).unwrap();
    assert_eq!(
        answer,
        json!({ "jsonrpc": "2.0", "id": "last", "result": {} })
    );
}

#[tokio::test]
async fn a_client_that_does_not_read_is_not_read_from() {
    let mut session = Session::start(&[]).await;
    let mut input = session.take_input();
    let count = 2000;
    let flood = tokio::spawn(async move {
        for id in 0..count {
            let request = json!({ "jsonrpc": "2.0", "id": 10_000 + id, "method": "tools/list" });
            input
                .write_all(format!("{request}\n").as_bytes())
                .await
                .unwrap();
        }
        input
    });
    // All of it is written only if somebody takes it: it is more than the pipe holds.
    let mut flood = flood;
    let taken = tokio::time::timeout(Duration::from_secs(2), &mut flood).await;
    assert!(taken.is_err(), "the server takes requests without end");
    #[cfg(target_os = "linux")]
    assert!(session.peak() < 64, "{} MiB", session.peak());
    for id in 0..count {
        let answer = session.receive().await;
        assert_eq!(
            answer["result"]["tools"].as_array().unwrap().len(),
            listed_by_default(),
            "{id}"
        );
    }
    drop(flood.await.unwrap());
    let finished = session.end().await;
    finished.check(SENTINEL);
}
