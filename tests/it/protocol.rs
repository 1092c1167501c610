//! The Model Context Protocol over standard input and output: handshakes old and new, what is not offered, the end of
//! calls and of sessions.

use std::time::Duration;

use opmanager_simulator::{Fault, FaultKind, Simulator};
use serde_json::{Value, json};
use tokio::time::timeout;

use crate::support::{
    Finished, PATIENCE, SENTINEL, Session, at, check_message, listed_by_default, merge, simulator,
};

/// How long the end of a session may take.
const END: Duration = Duration::from_secs(2);

/// What every request of the stateless protocol says of itself.
fn stateless(params: Value) -> Value {
    merge(
        params,
        json!({ "_meta": {
            "io.modelcontextprotocol/protocolVersion": "2026-07-28",
            "io.modelcontextprotocol/clientCapabilities": {},
        }}),
    )
}

fn call(simulator: &Simulator, tool: &str) -> Value {
    json!({ "name": tool, "arguments": at(simulator, json!({})) })
}

fn check_end(finished: &Finished) {
    assert!(finished.status.success(), "{finished:?}");
    finished.rest.iter().for_each(|line| check_message(line));
}

/// Starts a call that OpManager does not answer, and waits until OpManager has it.
async fn hang(session: &mut Session, simulator: &Simulator) -> i64 {
    simulator.clear_log();
    simulator.inject(Fault::once(FaultKind::Hang).on("listDevices"));
    let id = session
        .begin("tools/call", call(simulator, "list_devices"))
        .await;
    timeout(
        PATIENCE,
        simulator.wait_until(|log| log.requests.len() == 1),
    )
    .await
    .expect("the call must be sent");
    id
}

#[tokio::test]
async fn the_handshake_settles_on_a_version() {
    for (asked, agreed) in [
        ("2024-11-05", "2024-11-05"),
        ("2025-03-26", "2025-03-26"),
        ("2025-06-18", "2025-06-18"),
        ("2025-11-25", "2025-11-25"),
        ("2026-07-28", "2025-11-25"),
        ("1999-12-31", "2025-11-25"),
        ("next", "2025-11-25"),
    ] {
        let mut session = Session::spawn(&[]);
        let answer = session.initialize(asked).await;
        assert_eq!(answer["protocolVersion"], agreed, "{asked}");
        assert_eq!(answer["serverInfo"]["name"], "opmanager-mcp-server");
        assert_eq!(answer["serverInfo"]["version"], env!("CARGO_PKG_VERSION"));
        assert_eq!(answer["serverInfo"]["title"], "OpManager");
        assert!(
            answer["instructions"]
                .as_str()
                .is_some_and(|text| text.contains("never instructions"))
        );
        assert_eq!(
            answer["capabilities"],
            json!({ "completions": {}, "prompts": {}, "resources": {}, "tools": {} }),
            "nothing else is declared"
        );
        session.ping().await;
        let list = session.request("tools/list", json!({})).await;
        assert!(
            list["result"]["tools"]
                .as_array()
                .is_some_and(|tools| !tools.is_empty()),
            "{asked}"
        );
        for word in ["ttlMs", "cacheScope", "nextCursor"] {
            assert!(
                list["result"].get(word).is_none(),
                "{asked} does not know {word}"
            );
        }
    }
}

#[tokio::test]
async fn the_stateless_protocol_needs_no_handshake() {
    let simulator = simulator().await;
    let mut session = Session::spawn(&[]);
    let discovered = session
        .request("server/discover", stateless(json!({})))
        .await;
    let discovered = &discovered["result"];
    assert!(
        discovered["supportedVersions"]
            .as_array()
            .unwrap()
            .contains(&json!("2026-07-28")),
        "{discovered}"
    );
    assert_eq!(
        discovered["capabilities"],
        json!({ "completions": {}, "prompts": {}, "resources": {}, "tools": {} })
    );
    assert!(discovered["instructions"].is_string());
    assert_eq!(
        (&discovered["ttlMs"], &discovered["cacheScope"]),
        (&json!(3_600_000), &json!("public"))
    );

    let list = session.request("tools/list", stateless(json!({}))).await;
    let list = &list["result"];
    assert_eq!(list["tools"].as_array().unwrap().len(), listed_by_default());
    assert_eq!(
        (&list["ttlMs"], &list["cacheScope"]),
        (&json!(3_600_000), &json!("public"))
    );

    let answer = session
        .request("tools/call", stateless(call(&simulator, "list_devices")))
        .await;
    assert_ne!(answer["result"]["isError"], true, "{answer}");
    assert!(
        answer["result"]["content"][0]["text"]
            .as_str()
            .unwrap()
            .contains("core-sw-01")
    );
    assert_eq!(simulator.requests().len(), 1);
    check_end(&session.finish().await);
}

#[tokio::test]
async fn a_stateless_call_needs_no_discovery() {
    let simulator = simulator().await;
    let mut session = Session::spawn(&[]);
    let answer = session
        .request("tools/call", stateless(call(&simulator, "list_devices")))
        .await;
    assert_ne!(answer["result"]["isError"], true, "{answer}");
}

#[tokio::test]
async fn a_discovery_may_be_followed_by_a_handshake() {
    let mut session = Session::spawn(&[]);
    session
        .request("server/discover", stateless(json!({})))
        .await;
    assert_eq!(
        session.initialize("2025-11-25").await["protocolVersion"],
        "2025-11-25"
    );
    assert_eq!(session.tools().await.len(), listed_by_default());
}

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

#[tokio::test]
async fn pr_06_a_notification_with_an_id_is_an_unknown_request() {
    let mut session = Session::start(&[]).await;
    for method in [
        "notifications/initialized",
        "notifications/cancelled",
        "notifications/nonsense",
    ] {
        let answer = session.request(method, json!({ "requestId": 1 })).await;
        assert_eq!(answer["error"]["code"], -32601, "{method}: {answer}");
    }
    session.conclude(SENTINEL).await;
}

#[tokio::test]
async fn pr_06_known_methods_with_unreadable_parameters_are_told_so() {
    let mut session = Session::start(&[]).await;
    for (method, params) in [
        ("tools/call", json!({ "name": [SENTINEL] })),
        ("tools/list", json!([SENTINEL])),
        ("ping", json!(SENTINEL)),
        ("prompts/get", json!({ "name": [SENTINEL] })),
        ("resources/read", json!({ "uri": [SENTINEL] })),
        ("completion/complete", json!({ "ref": SENTINEL })),
    ] {
        let answer = session.request(method, params).await;
        assert_eq!(answer["error"]["code"], -32602, "{method}: {answer}");
    }
    session.conclude(SENTINEL).await;
}

#[tokio::test]
async fn pr_06_the_newest_protocol_has_no_handshake() {
    let mut session = Session::spawn(&[]);
    let params = json!({ "_meta": {
        "io.modelcontextprotocol/protocolVersion": "2026-07-28",
        "io.modelcontextprotocol/clientCapabilities": {},
    } });
    for (method, code) in [
        ("server/discover", Value::Null),
        ("initialize", json!(-32601)),
        ("ping", json!(-32601)),
    ] {
        let answer = session.request(method, params.clone()).await;
        assert_eq!(answer["error"]["code"], code, "{method}: {answer}");
    }
    session.finish().await.check(SENTINEL);
}

#[tokio::test]
async fn what_is_not_declared_is_not_there() {
    let mut session = Session::start(&["--access", "destructive"]).await;
    for (method, params) in [
        ("nonsense", json!({})),
        ("tools/describe", json!({})),
        ("resources/subscribe", json!({ "uri": "x:y" })),
        ("resources/unsubscribe", json!({ "uri": "x:y" })),
        ("logging/setLevel", json!({ "level": "debug" })),
    ] {
        let answer = session.request(method, params).await;
        assert_eq!(answer["error"]["code"], -32601, "{method}: {answer}");
    }
    session.ping().await;
}

#[tokio::test]
async fn each_list_has_one_page() {
    let mut session = Session::start(&[]).await;
    for list in [
        "tools/list",
        "prompts/list",
        "resources/list",
        "resources/templates/list",
    ] {
        for cursor in ["", "1", "x"] {
            let answer = session.request(list, json!({ "cursor": cursor })).await;
            assert_eq!(answer["error"]["code"], -32602, "{answer}");
        }
        let answer = session.request(list, json!({})).await;
        assert!(answer["result"].is_object(), "{answer}");
    }
    for params in [json!({}), json!({ "cursor": null })] {
        let answer = session.request("tools/list", params).await;
        assert_eq!(
            answer["result"]["tools"].as_array().unwrap().len(),
            listed_by_default()
        );
    }
}

#[tokio::test]
async fn ar_16_calls_that_are_no_calls_run_nothing() {
    let simulator = simulator().await;
    let mut session = Session::start(&["--log-level", "trace"]).await;
    let sentinel = SENTINEL;
    for params in [
        json!(sentinel),
        json!([sentinel]),
        json!(7),
        json!({ "name": "list_devices", "arguments": sentinel }),
        json!({ "name": "list_devices", "arguments": [sentinel] }),
        json!({ "name": 1, "arguments": { "apiKey": sentinel } }),
        json!({ "arguments": { "apiKey": sentinel } }),
        json!({ "name": null, "arguments": { "apiKey": sentinel } }),
        json!({}),
        json!(null),
    ] {
        let answer = session.request("tools/call", params.clone()).await;
        assert_eq!(answer["error"]["code"], -32602, "{params}: {answer}");
        assert!(!answer.to_string().contains(sentinel), "{answer}");
    }
    for params in [
        json!({ "name": "list_devices" }),
        json!({ "name": "list_devices", "arguments": null }),
    ] {
        let answer = session.request("tools/call", params).await;
        let text = answer["result"]["content"][0]["text"].as_str().unwrap();
        assert!(
            answer["result"]["isError"] == true
                && text.contains("`host`")
                && text.contains("`apiKey`"),
            "{text}"
        );
    }
    assert_eq!(simulator.connections(), 0);
    session.conclude(sentinel).await;
}

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
async fn a_fast_call_overtakes_a_slow_one() {
    let simulator = simulator().await;
    let mut session = Session::start(&["--timeout", "3"]).await;
    let slow = hang(&mut session, &simulator).await;
    let fast = session
        .begin("tools/call", call(&simulator, "list_alarms"))
        .await;
    assert_eq!(session.receive().await["id"], fast);
    let answer = session.receive().await;
    assert_eq!(
        (&answer["id"], &answer["result"]["isError"]),
        (&json!(slow), &json!(true))
    );
}

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

/// Reads until each of these requests has its answer.
async fn answers(session: &mut Session, mut open: Vec<i64>) -> Vec<Value> {
    let mut answers = Vec::new();
    while !open.is_empty() {
        let answer = session.receive().await;
        let id = answer["id"].as_i64().unwrap();
        assert!(open.contains(&id), "{answer}");
        open.retain(|other| *other != id);
        answers.push(answer);
    }
    answers
}

#[tokio::test]
async fn many_calls_at_once_are_each_answered() {
    let simulator = simulator().await;
    let mut session = Session::start(&[]).await;
    let mut open = Vec::new();
    for index in 0..64 {
        let params = json!({
            "name": "list_devices",
            "arguments": at(&simulator, json!({ "category": format!("category-{index}") })),
        });
        open.push(session.begin("tools/call", params).await);
    }
    for answer in answers(&mut session, open).await {
        assert_ne!(answer["result"]["isError"], true, "{answer}");
    }
    assert_eq!(simulator.requests().len(), 64);
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
