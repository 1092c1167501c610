//! Lines: how long one may be, where it ends, and that an id belongs to one request at a time.

use std::time::Duration;

use opmanager_simulator::{Fault, FaultKind};
use serde_json::{Value, json};
use tokio::io::AsyncWriteExt;

use crate::messages::{LONGEST, answer_to};
use crate::support::{PATIENCE, SENTINEL, Session, at, listed_by_default, simulator};

const MIB: usize = 1024 * 1024;

/// Over HTTP a body has a length, and is not read beyond the limit:
/// `ht_08_a_body_is_read_no_further_than_what_is_allowed`.
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

/// Over HTTP the status says it, and nobody needs the id: `ht_08_a_body_is_read_no_further_than_what_is_allowed`.
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

/// Over HTTP: `ht_08_a_body_may_be_as_long_as_the_operator_allows`.
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

/// Over HTTP: `ht_08_a_body_is_read_no_further_than_what_is_allowed`.
#[tokio::test]
async fn ar_17_a_flood_of_arguments_is_more_than_a_message_may_be() {
    let simulator = simulator().await;
    let mut session = Session::start(&[]).await;
    let mut given = at(&simulator, json!({}));
    for index in 0..10_000 {
        given[format!("a{index}")] = SENTINEL.into();
    }
    let call = json!({ "name": "list_alarms", "arguments": given });
    let answer = session.request("tools/call", call).await;
    assert_eq!(answer["error"]["code"], -32600, "{answer}");
    let message = answer["error"]["message"].as_str().unwrap();
    assert!(message.contains("--max-request-bytes"), "{message}");
    session.conclude(SENTINEL).await;
}

/// Over HTTP an id belongs to its request alone, and clients may share one:
/// `cc_01_two_clients_with_the_same_ids_get_their_own_answers`.
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
