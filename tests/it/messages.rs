//! Messages, sound and hostile: each request has one answer, what is no request has none, and the size of what comes in
//! is not the size of what is kept.

use serde_json::{Value, json};

use crate::support::{SENTINEL, Session, simulator};

/// Longest line that is read unless the operator says otherwise.
pub(crate) const LONGEST: usize = 65_536;
/// The answer to a line: its code and id. `None` if the next answer is that of a ping.
pub(crate) async fn answer_to(session: &mut Session, line: &[u8]) -> Option<(i64, Value)> {
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
