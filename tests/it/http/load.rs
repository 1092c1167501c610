//! What a service holds when much is asked of it at one time, and by whom it lets itself be asked.

use std::net::Ipv4Addr;

use opmanager_simulator::{Fault, FaultKind, Simulator};
use serde_json::{Value, json};
use tokio::task::JoinSet;
use tokio::time::{Instant, timeout};

use super::{LONGEST, call, list_devices, newest, ping};
use crate::support::http::{Answer, Connection, ask, get, headers_for, post};
use crate::support::{PATIENCE, SENTINEL, Session, at, simulator};

/// Most memory that a server may have had, in MiB: its container has 256.
#[cfg(target_os = "linux")]
const MEMORY: usize = 240;

/// Sends messages at one time, each on a connection of its own.
fn send_all(
    address: std::net::SocketAddr,
    messages: impl IntoIterator<Item = String>,
) -> JoinSet<Answer> {
    let mut sent = JoinSet::new();
    for message in messages {
        sent.spawn(async move {
            let headers = headers_for(message.as_bytes(), Some("2025-11-25"));
            ask(address, "POST", "/mcp", &headers, message).await
        });
    }
    sent
}

/// A message that is as long as is allowed, and as large as such a one becomes when it is parsed: with the smallest
/// objects at the mark.
fn filled(message: &Value) -> String {
    let text = message.to_string();
    let mark = "\"filling\"";
    let room = LONGEST - text.len() + mark.len() - 2;
    let items = vec![r#"{"a":0}"#; room / 8].join(",");
    let text = text.replace(mark, &format!("[{items}]"));
    assert!(text.len() <= LONGEST && text.len() > LONGEST - 16);
    text
}

#[tokio::test]
async fn rx_01_a_hundred_calls_with_large_answers_are_each_answered() {
    let simulator = simulator().await;
    simulator.inject(Fault::always(FaultKind::Large { bytes: 1_000_000 }));
    let mut session = Session::serve(&["--timeout", "120"]).await;
    let address = session.address();
    let message = list_devices(&simulator).to_string();
    let mut peaks = Vec::new();
    for _ in 0..2 {
        let mut sent = send_all_patiently(address, vec![message.clone(); 100]);
        let mut answered = 0;
        while let Some(answer) = sent.join_next().await {
            let answer = answer.unwrap();
            assert!(!answer.failed(), "{answer:?}");
            answered += 1;
            if answered % 10 == 0 {
                assert_eq!(get(address, "/health").await.status, 200);
            }
        }
        assert_eq!(answered, 100);
        #[cfg(target_os = "linux")]
        peaks.push(session.peak());
    }
    #[cfg(target_os = "linux")]
    assert!(
        peaks[1] < MEMORY && peaks[1] < peaks[0] + 32,
        "{peaks:?} MiB"
    );
    session.check_but_memory(simulator.api_key()).await;
}

/// The same, for answers that take this machine long to make.
fn send_all_patiently(address: std::net::SocketAddr, messages: Vec<String>) -> JoinSet<Answer> {
    let mut sent = JoinSet::new();
    for message in messages {
        sent.spawn(async move {
            let headers = headers_for(message.as_bytes(), Some("2025-11-25"));
            let mut connection = Connection::open(address).await;
            let asking = connection.ask("POST", "/mcp", &headers, message);
            timeout(PATIENCE * 6, asking).await.unwrap().unwrap()
        });
    }
    sent
}

/// Calls that are answered at once and are as large as can be, in every place that a caller can fill.
pub(super) fn bombs(simulator: &Simulator) -> Vec<String> {
    let given = at(simulator, json!({ "category": "filling" }));
    let beside = |name: &str| {
        let mut message = newest(call("list_devices", json!({ "host": "x" })));
        message["params"][name] = json!({ "x": "filling" });
        message
    };
    let mut nested = newest(ping());
    nested["params"]["_meta"]["x"] = "filling".into();
    [
        call("list_devices", given.clone()),
        newest(call("list_devices", given.clone())),
        newest(call(
            "call_operation",
            json!({ "operation": "list_devices", "arguments": "filling" }),
        )),
        call("find_operations", json!({ "query": "filling" })),
        beside("inputResponses"),
        beside("unknown"),
        nested,
        json!({ "jsonrpc": "2.0", "method": "notifications/x", "params": { "x": "filling" } }),
        json!({ "jsonrpc": "2.0", "id": 1, "method": "unknown", "params": { "x": "filling" } }),
        json!({ "jsonrpc": "2.0", "id": 1, "result": { "x": "filling" } }),
    ]
    .iter()
    .map(filled)
    .collect()
}

#[tokio::test]
async fn rx_02_hostile_messages_cost_bounded_memory_while_calls_wait() {
    let simulator = simulator().await;
    let (slow, large) = ("listEvents", 4 * 1024 * 1024 - 1024);
    simulator.inject(Fault::always(FaultKind::Hang).on(slow));
    simulator.inject(Fault::always(FaultKind::Large { bytes: large }));
    let flags = [
        "--toolsets",
        "core,all",
        "--max-connections",
        "1000",
        "--max-concurrent-calls",
        // All calls are of one caller, whose share this is: 120.
        "160",
        "--timeout",
        "120",
    ];
    let mut session = Session::serve(&flags).await;
    let address = session.address();
    // The calls that run hold all that came with them for as long as they do.
    let mut waiting = JoinSet::new();
    let mut held = newest(call("list_events", at(&simulator, json!({}))));
    held["params"]["_meta"]["x"] = "filling".into();
    let mut answers = newest(call("list_events", at(&simulator, json!({}))));
    answers["params"]["inputResponses"] = json!({ "confirm": "filling" });
    answers["params"]["_meta"]["io.modelcontextprotocol/clientCapabilities"] =
        json!({ "elicitation": {} });
    for number in 0..112 {
        let message = filled(if number % 2 == 0 { &held } else { &answers });
        waiting.spawn(async move {
            let headers = headers_for(message.as_bytes(), None);
            let mut connection = Connection::open(address).await;
            let _ = connection.ask("POST", "/mcp", &headers, message).await;
        });
    }
    let running = simulator.wait_until(|log| log.requests.len() == 112);
    timeout(PATIENCE * 3, running)
        .await
        .expect("the calls must run");

    // Eight more have the room that is left.
    let mut sent = send_all_patiently(address, vec![list_devices(&simulator).to_string(); 8]);
    let bombs = bombs(&simulator);
    for _ in 0..10 {
        for bomb in &bombs {
            let message = bomb.clone();
            sent.spawn(async move {
                let headers = headers_for(message.as_bytes(), Some("2025-11-25"));
                let mut connection = Connection::open(address).await;
                let asking = connection.ask("POST", "/mcp", &headers, message);
                timeout(PATIENCE * 6, asking).await.unwrap().unwrap()
            });
        }
        assert_eq!(get(address, "/health").await.status, 200);
    }
    let mut served = 0;
    while let Some(answer) = sent.join_next().await {
        let answer = answer.unwrap();
        assert!([200, 202, 400, 404].contains(&answer.status), "{answer:?}");
        served += usize::from(answer.status == 200 && answer.text.contains("not instructions"));
    }
    assert_eq!(served, 8);
    #[cfg(target_os = "linux")]
    assert!(session.peak() < MEMORY, "{} MiB", session.peak());
    waiting.shutdown().await;
    let dropped = simulator.wait_until(|log| log.disconnected >= 112);
    timeout(PATIENCE, dropped)
        .await
        .expect("the calls must be dropped");
    session.check_but_memory(simulator.api_key()).await;
}

#[tokio::test]
async fn rx_04_calls_that_are_given_up_leave_no_connection_and_no_place_behind() {
    let simulator = simulator().await;
    simulator.inject(Fault::always(FaultKind::Hang));
    let mut session = Session::serve(&["--max-concurrent-calls", "134"]).await;
    let begun = Instant::now();
    let mut open = send_all(
        session.address(),
        vec![list_devices(&simulator).to_string(); 100],
    );
    let running = simulator.wait_until(|log| log.requests.len() == 100);
    timeout(PATIENCE, running).await.expect("all must run");
    open.shutdown().await;
    let dropped = simulator.wait_until(|log| log.disconnected == 100);
    timeout(PATIENCE, dropped)
        .await
        .expect("all must be dropped");
    // Not because their time was up.
    assert!(begun.elapsed().as_secs() < 30);
    simulator.clear_faults();
    for _ in 0..100 {
        assert!(
            !post(session.address(), &[], &list_devices(&simulator))
                .await
                .failed()
        );
    }
    session.check(simulator.api_key()).await;
}

#[tokio::test]
async fn rx_05_a_caller_has_a_rate_of_its_own() {
    let simulator = simulator().await;
    let session = Session::serve(&["--rate-limit", "5"]).await;
    let address = session.address();
    for _ in 0..5 {
        assert_eq!(
            post(address, &[], &list_devices(&simulator)).await.status,
            200
        );
    }
    for _ in 0..3 {
        let answer = post(address, &[], &list_devices(&simulator)).await;
        assert_eq!(answer.status, 429, "{answer:?}");
        let seconds: u64 = answer.header("retry-after").unwrap().parse().unwrap();
        assert!((1..=60).contains(&seconds), "{seconds}");
    }
    assert_eq!(simulator.requests().len(), 5);
    assert_eq!(get(address, "/health").await.status, 200);
    #[cfg(target_os = "linux")]
    {
        let message = ping().to_string();
        let headers = headers_for(message.as_bytes(), Some("2025-11-25"));
        let mut other = Connection::open_from(Ipv4Addr::new(127, 0, 0, 2), address).await;
        let answer = other.ask("POST", "/mcp", &headers, message).await.unwrap();
        assert_eq!(answer.status, 200, "another address: {answer:?}");
    }
    let tokens = "a 0123456789abcdef\nb fedcba9876543210\n";
    let file = crate::support::fence::file("rates", tokens);
    let session = Session::serve(&["--rate-limit", "1", "--http-token-file", &file]).await;
    let address = session.address();
    for (token, status) in [
        ("0123456789abcdef", 200),
        ("0123456789abcdef", 429),
        ("fedcba9876543210", 200),
        // Who has no token uses up nobody's rate, and learns nothing of it.
        (SENTINEL, 401),
        ("fedcba9876543210", 429),
        ("0123456789abcdef", 429),
    ] {
        let token = format!("Bearer {token}");
        let answer = post(address, &[("Authorization", &token)], &ping()).await;
        assert_eq!(answer.status, status, "{token}");
    }
}
