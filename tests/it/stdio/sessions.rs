//! One session: its handshake, calls that wait and are cancelled, and its end.

use std::time::Duration;

use opmanager_simulator::{Fault, FaultKind, Simulator};
use serde_json::{Value, json};
use tokio::time::timeout;

use crate::protocol::{answers, call, check_end, hang, hello, stateless};
use crate::support::{PATIENCE, SENTINEL, Session, at, listed_by_default, simulator};

/// How long the end of a session may take.
const END: Duration = Duration::from_secs(2);

/// Requests that may be open over standard input at one time.
const OPEN: usize = 1024;

/// Calls that run at one time.
const RUNNING: usize = 8;

/// Takes all turns with calls that OpManager does not answer; returns their ids.
async fn hang_all(session: &mut Session, simulator: &Simulator) -> Vec<i64> {
    simulator.inject(Fault::always(FaultKind::Hang).on("listEvents"));
    let mut hung = Vec::new();
    for _ in 0..RUNNING {
        let params = call(simulator, "list_events");
        hung.push(session.begin("tools/call", params).await);
    }
    let sent = simulator.wait_until(|log| log.requests.len() == RUNNING);
    timeout(PATIENCE, sent).await.expect("all turns must run");
    hung
}

async fn cancel(session: &mut Session, id: i64) {
    session.send(&json!({ "jsonrpc": "2.0", "method": "notifications/cancelled", "params": { "requestId": id } })).await;
}

/// Over HTTP each request stands for itself, without a handshake: `ht_12_nothing_is_kept_between_requests`.
#[tokio::test]
async fn pr_06_nothing_is_called_before_the_protocol_is_settled() {
    let simulator = simulator().await;
    let mut session = Session::spawn(&[]);
    for method in ["tools/call", "tools/list"] {
        let answer = session
            .request(method, call(&simulator, "list_devices"))
            .await;
        assert!(answer["error"]["code"].is_i64(), "{answer}");
        assert!(!answer.to_string().contains(simulator.api_key()));
    }
    assert_eq!(simulator.connections(), 0);
    session.ping().await;
    session.initialize("2025-11-25").await;
    assert!(
        !session
            .call("list_devices", at(&simulator, json!({})))
            .await
            .failed
    );
    session.conclude(simulator.api_key()).await;
}

/// Over HTTP there is no session: `ht_12_nothing_is_kept_between_requests`.
#[tokio::test]
async fn pr_06_a_session_is_initialized_once() {
    let mut session = Session::start(&[]).await;
    let again = json!({
        "protocolVersion": "2024-11-05",
        "capabilities": {},
        "clientInfo": { "name": "\u{1b}[31m\u{202e}zq7SENTINELk9Xw2", "version": "1" },
    });
    let answer = session.request("initialize", again).await;
    assert_eq!(answer["error"]["code"], -32600, "{answer}");
    for params in [json!({}), json!({ "protocolVersion": 7 }), json!([])] {
        let answer = session.request("initialize", params).await;
        assert_eq!(answer["error"]["code"], -32602, "{answer}");
    }
    session.conclude(SENTINEL).await;
}

/// Over HTTP a client cancels by closing: `cc_09_a_client_that_leaves_takes_its_request_along`.
#[tokio::test]
async fn a_cancelled_call_drops_its_request_and_is_not_answered() {
    let simulator = simulator().await;
    let mut session = Session::start(&[]).await;
    let id = hang(&mut session, &simulator).await;
    for unknown in [json!(id + 1000), json!("x")] {
        session.send(&json!({
            "jsonrpc": "2.0", "method": "notifications/cancelled", "params": { "requestId": unknown }
        })).await;
    }
    session.ping().await;
    simulator
        .wait_until(|log| log.requests.len() == 1 && log.disconnected == 0)
        .await;
    for _ in 0..2 {
        session.send(&json!({
            "jsonrpc": "2.0", "method": "notifications/cancelled", "params": { "requestId": id, "reason": "enough" }
        })).await;
    }
    timeout(PATIENCE, simulator.wait_until(|log| log.disconnected == 1))
        .await
        .expect("the request must be dropped");
    session.ping().await;
    assert!(
        !session
            .call("list_devices", at(&simulator, json!({})))
            .await
            .failed
    );
    let answered = |line: &String| serde_json::from_str::<Value>(line).unwrap()["id"] == id;
    assert!(!session.lines.iter().any(answered), "{:?}", session.lines);
    let finished = session.finish().await;
    check_end(&finished);
    assert!(!finished.rest.iter().any(answered), "{:?}", finished.rest);
}

#[tokio::test]
async fn calls_over_a_pipe_wait_in_order_and_what_ends_them_is_heard_meanwhile() {
    let simulator = simulator().await;
    let mut session = Session::start(&["--timeout", "300"]).await;
    let mut hung = hang_all(&mut session, &simulator).await;
    let mut open = Vec::new();
    for index in 0..OPEN - RUNNING {
        let category = json!({ "category": index.to_string() });
        let params = json!({ "name": "list_devices", "arguments": at(&simulator, category) });
        open.push(session.begin("tools/call", params).await);
    }
    // One more is refused under its id, and was never accepted.
    let beyond = call(&simulator, "list_devices");
    let refused = session.request("tools/call", beyond.clone()).await;
    assert_eq!(refused["error"]["code"], -32000, "{refused}");
    let text = refused["error"]["message"].as_str().unwrap();
    assert!(
        text.contains("1024 are open") && text.contains("again"),
        "{text}"
    );
    // What is no call has its answer.
    session.ping().await;
    assert_eq!(session.tools().await.len(), listed_by_default());
    assert_eq!(simulator.requests().len(), RUNNING);

    // A cancelled call leaves its place, whether it waited or ran.
    let given_up = open.pop().unwrap();
    cancel(&mut session, given_up).await;
    open.push(session.begin("tools/call", beyond).await);
    cancel(&mut session, hung.pop().unwrap()).await;
    let answers = answers(&mut session, open.clone()).await;
    let order: Vec<_> = answers
        .iter()
        .map(|answer| answer["id"].as_i64().unwrap())
        .collect();
    assert_eq!(order, open);
    for answer in answers {
        assert_ne!(answer["result"]["isError"], true, "{answer}");
    }
    assert_eq!(simulator.requests().len(), RUNNING + open.len());
    for id in hung {
        cancel(&mut session, id).await;
    }
    session.conclude(simulator.api_key()).await;
}

#[tokio::test]
async fn an_answer_to_a_question_is_heard_while_calls_wait() {
    let simulator = simulator().await;
    let mut session = Session::spawn(&["--timeout", "300", "--access", "destructive"]);
    let hello = json!({
        "protocolVersion": "2025-11-25",
        "capabilities": { "elicitation": {} },
        "clientInfo": { "name": "test", "version": "1" },
    });
    session.request("initialize", hello).await;
    session
        .send(&json!({ "jsonrpc": "2.0", "method": "notifications/initialized" }))
        .await;
    let deletion = json!({
        "name": "delete_alarm",
        "arguments": at(&simulator, json!({ "entity": "db-02_Poll" })),
    });
    let deletion = session.begin("tools/call", deletion).await;
    let question = session.receive().await;
    assert_eq!(question["method"], "elicitation/create", "{question}");
    let mut hung = hang_all(&mut session, &simulator).await;
    for _ in 0..OPEN - RUNNING - 1 {
        let params = call(&simulator, "list_events");
        session.begin("tools/call", params).await;
    }
    let refused = session
        .request("tools/call", call(&simulator, "list_events"))
        .await;
    assert_eq!(refused["error"]["code"], -32000, "{refused}");
    let declined = json!({ "action": "decline" });
    session
        .send(&json!({ "jsonrpc": "2.0", "id": question["id"], "result": declined }))
        .await;
    let answer = session.answer(deletion).await;
    let text = answer["result"]["content"][0]["text"].as_str().unwrap();
    assert!(text.contains("was refused"), "{text}");
    cancel(&mut session, hung.pop().unwrap()).await;
    session.ping().await;
}

/// Over HTTP the program serves others too: `cc_09_a_client_that_leaves_takes_its_request_along`.
#[tokio::test]
async fn pr_12_a_client_that_takes_no_answers_ends_the_program() {
    let simulator = simulator().await;
    let mut session = Session::start(&[]).await;
    hang(&mut session, &simulator).await;
    session.close_output();
    session.begin("ping", json!({})).await;
    // The input stays open: the answer that nobody takes is the end.
    let finished = timeout(END, session.end()).await.expect("it must end soon");
    finished.check(simulator.api_key());
    timeout(PATIENCE, simulator.wait_until(|log| log.disconnected == 1))
        .await
        .expect("the request must be dropped");
}

/// Over HTTP the program serves others too: `cc_09_a_client_that_leaves_takes_its_request_along`.
#[tokio::test]
async fn pr_12_a_client_that_takes_no_answers_from_the_start_ends_the_program() {
    for method in ["ping", "initialize", "server/discover", "tools/list"] {
        let mut session = Session::spawn(&[]);
        session.close_output();
        session.begin(method, stateless(json!({
            "protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": { "name": "x", "version": "1" },
        }))).await;
        let finished = timeout(END, session.end()).await.expect("it must end soon");
        finished.check(SENTINEL);
    }
}

#[tokio::test]
async fn the_end_of_input_ends_the_program() {
    let idle = Session::start(&[]).await;
    let silent = Session::spawn(&[]);
    let mut pinged = Session::spawn(&[]);
    pinged.ping().await;
    let mut listed = Session::spawn(&[]);
    listed.request("tools/list", stateless(json!({}))).await;
    for session in [idle, silent, pinged, listed] {
        let finished = timeout(END, session.finish()).await;
        check_end(&finished.expect("it must end soon"));
    }
}

/// Over HTTP a signal ends it: `cc_07_a_call_that_never_ends_is_given_up_after_the_grace_period`.
#[tokio::test]
async fn pr_12_the_end_of_input_ends_a_call_that_hangs() {
    let simulator = simulator().await;
    let mut session = Session::start(&[]).await;
    hang(&mut session, &simulator).await;
    let finished = timeout(END, session.finish())
        .await
        .expect("it must end soon");
    check_end(&finished);
    timeout(PATIENCE, simulator.wait_until(|log| log.disconnected == 1))
        .await
        .expect("the request must be dropped");
}

#[tokio::test]
async fn a_call_under_way_may_finish_after_the_end_of_input() {
    let simulator = simulator().await;
    let mut session = Session::start(&[]).await;
    let mut ids = Vec::new();
    for _ in 0..3 {
        ids.push(
            session
                .begin("tools/call", call(&simulator, "list_devices"))
                .await,
        );
    }
    let finished = timeout(END, session.finish())
        .await
        .expect("it must end soon");
    check_end(&finished);
    let mut answered: Vec<i64> = finished
        .rest
        .iter()
        .map(|line| serde_json::from_str::<Value>(line).unwrap())
        .filter(|message| message["result"]["content"].is_array())
        .map(|message| message["id"].as_i64().unwrap())
        .collect();
    answered.sort_unstable();
    assert_eq!(answered, ids, "{:?}", finished.rest);
}

/// Over HTTP nobody is asked in this protocol: `ar_13_an_older_client_over_http_counts_as_one_that_cannot_ask`.
#[tokio::test]
async fn fl_08_a_capability_is_kept_beside_one_that_cannot_be_read() {
    let simulator = simulator().await;
    for (capabilities, asks) in [
        (json!({ "elicitation": [], "sampling": 1 }), true),
        (json!({ "elicitation": { "form": [], "url": 1 } }), true),
        (
            json!({ "experimental": { "x": 1 }, "elicitation": {} }),
            true,
        ),
        (json!({ "elicitation": "yes", "sampling": {} }), false),
    ] {
        let mut session = Session::spawn(&["--access", "destructive"]);
        session.request("initialize", hello(&capabilities)).await;
        session
            .send(&json!({ "jsonrpc": "2.0", "method": "notifications/initialized" }))
            .await;
        let arguments = at(&simulator, json!({ "entity": "db-02_Poll" }));
        let params = json!({ "name": "delete_alarm", "arguments": arguments });
        session.begin("tools/call", params).await;
        let next = session.receive().await;
        assert_eq!(
            next["method"] == "elicitation/create",
            asks,
            "{capabilities}: {next}"
        );
        session.finish().await;
    }
}

/// Over HTTP each request stands for itself: `ht_12_nothing_is_kept_between_requests`.
#[tokio::test]
async fn fl_08_a_request_before_the_handshake_is_told_to_begin_with_it() {
    let mut session = Session::spawn(&[]);
    for (method, params) in [
        ("tools/list", json!([])),
        ("tools/list", json!({ "_meta": { "progressToken": 1 } })),
        ("tools/call", json!({ "name": [SENTINEL] })),
        ("nonsense", json!({})),
    ] {
        let answer = session.request(method, params).await;
        let message = answer["error"]["message"].as_str().unwrap();
        assert!(
            message.contains("`initialize` must come first"),
            "{message}"
        );
        assert!(!answer.to_string().contains("_meta"), "{answer}");
    }
    // A handshake that failed may be tried again.
    let answer = session.request("initialize", json!({})).await;
    assert_eq!(answer["error"]["code"], -32602, "{answer}");
    assert_eq!(
        session.initialize("2025-11-25").await["protocolVersion"],
        "2025-11-25"
    );
    assert_eq!(session.tools().await.len(), listed_by_default());
    // Whoever speaks the newest protocol is told what it needs.
    let mut session = Session::spawn(&[]);
    let version = json!({ "_meta": { "io.modelcontextprotocol/protocolVersion": "2026-07-28" } });
    let answer = session.request("tools/list", version).await;
    let message = answer["error"]["message"].as_str().unwrap();
    assert!(
        message.contains("io.modelcontextprotocol/clientCapabilities"),
        "{message}"
    );
}
