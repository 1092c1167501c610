//! What one caller can take from the others, and that health is answered whoever takes what.

use std::net::SocketAddr;

use opmanager_simulator::{Fault, FaultKind, Simulator};
use serde_json::{Value, json};
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;
use tokio::task::JoinSet;
use tokio::time::timeout;

use super::{call, list_devices, on_the_wire, ping, statuses};
use crate::support::http::{Answer, Connection, ask, get, headers_for, post, raw};
use crate::support::{PATIENCE, Session, at, simulator};

/// Tokens of five callers, by the number of each.
const TOKENS: [&str; 5] = [
    "0000000000000000",
    "1111111111111111",
    "2222222222222222",
    "3333333333333333",
    "4444444444444444",
];

fn token_file(name: &str) -> String {
    let lines = TOKENS
        .iter()
        .enumerate()
        .map(|(number, token)| format!("caller-{number} {token}\n"));
    crate::support::fence::file(name, &lines.collect::<String>())
}

fn bearer(who: usize) -> String {
    format!("Bearer {}", TOKENS[who])
}

/// Sends messages of one caller, each on a connection of its own, and does not wait for the answers.
fn send_as(
    sent: &mut JoinSet<Answer>,
    address: SocketAddr,
    who: usize,
    messages: impl IntoIterator<Item = Value>,
) {
    for message in messages {
        sent.spawn(async move {
            let message = message.to_string();
            let mut headers = headers_for(message.as_bytes(), Some("2025-11-25"));
            headers.push(("Authorization".to_owned(), bearer(who)));
            let mut connection = Connection::open(address).await;
            let answer = connection.ask("POST", "/mcp", &headers, message).await;
            answer.expect("the server must not close the connection")
        });
    }
}

async fn call_as(address: SocketAddr, who: usize, message: &Value) -> Answer {
    post(address, &[("Authorization", &bearer(who))], message).await
}

/// A call that is answered, with a mark by which the simulator's log tells it.
fn marked(simulator: &Simulator, mark: &str) -> Value {
    call("list_devices", at(simulator, json!({ "category": mark })))
}

fn hanging(simulator: &Simulator) -> Value {
    call("list_events", at(simulator, json!({})))
}

/// Waits until so many calls of this operation were sent to OpManager.
async fn until_sent(simulator: &Simulator, operation: &'static str, count: usize) {
    let sent = simulator.wait_until(|log| {
        let of = log.requests.iter();
        of.filter(|sent| sent.operation == Some(operation)).count() >= count
    });
    let sent = timeout(PATIENCE, sent).await;
    sent.expect("the calls must be sent");
}

/// Waits until so many calls run or wait.
async fn until_begun(address: SocketAddr, count: usize) {
    let line = format!("opmanager_mcp_calls_running {count}\n");
    let headers = [("Authorization".to_owned(), bearer(3))];
    let waiting = async {
        loop {
            let metrics = ask(address, "GET", "/metrics", &headers, "").await;
            if metrics.text.contains(&line) {
                return;
            }
        }
    };
    timeout(PATIENCE, waiting)
        .await
        .expect("the calls must begin");
}

/// How many calls of this operation were sent.
fn sent(simulator: &Simulator, operation: &str) -> usize {
    let all = simulator.requests();
    all.iter()
        .filter(|sent| sent.operation == Some(operation))
        .count()
}

#[tokio::test]
async fn rt_27_one_caller_hangs_all_it_may_and_the_others_are_served() {
    let simulator = simulator().await;
    simulator.inject(Fault::always(FaultKind::Hang).on("listEvents"));
    let file = token_file("fair");
    let flags = [
        "--http-token-file",
        &file,
        "--max-connections",
        "600",
        "--timeout",
        "300",
    ];
    let session = Session::serve(&flags).await;
    let address = session.address();
    let mut hung = JoinSet::new();
    send_as(&mut hung, address, 0, vec![hanging(&simulator); 300]);
    // Those for which there is neither a running nor a waiting place are told why.
    for _ in 0..300 - 48 - 192 {
        let refused = timeout(PATIENCE, hung.join_next()).await;
        let refused = refused.expect("it must be refused").unwrap().unwrap();
        let text = refused.result_text();
        assert!(refused.failed() && text.contains("your share"), "{text}");
        for part in ["48 of 64 running", "192 of 256 waiting", "nothing was sent"] {
            assert!(text.contains(part), "{text}");
        }
        assert!(!text.contains("busy"), "{text}");
    }
    until_sent(&simulator, "listEvents", 48).await;
    for round in 0..3 {
        for who in 1..4 {
            let message = marked(&simulator, &format!("{round}-{who}"));
            let answer = call_as(address, who, &message).await;
            assert!(!answer.failed(), "{answer:?}");
        }
    }
    assert_eq!(sent(&simulator, "listEvents"), 48);
    assert_eq!(sent(&simulator, "listDevices"), 9);
    // Whoever gives up leaves its places, those of waiting calls too.
    hung.shutdown().await;
    let again = async {
        while call_as(address, 0, &marked(&simulator, "again"))
            .await
            .failed()
        {}
    };
    timeout(PATIENCE, again)
        .await
        .expect("it must be served again");
}

#[tokio::test]
async fn rt_27_connections_that_are_examined_are_counted_as_calls_are() {
    let silent = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let host = silent.local_addr().unwrap().to_string();
    let file = token_file("fair_diagnosis");
    let flags = ["--http-token-file", &file, "--max-concurrent-calls", "4"];
    let session = Session::serve(&flags).await;
    let address = session.address();
    let arguments = json!({ "host": host, "apiKey": "k", "use_ssl": false });
    let examine = call("diagnose_connection", arguments);
    let mut hung = JoinSet::new();
    send_as(&mut hung, address, 0, vec![examine; 8]);
    let mut held = Vec::new();
    while held.len() < 3 {
        let accepted = timeout(PATIENCE, silent.accept()).await;
        held.push(accepted.expect("three must run").unwrap());
    }
    let simulator = simulator().await;
    for _ in 0..3 {
        let answer = call_as(address, 1, &list_devices(&simulator)).await;
        assert!(!answer.failed(), "{answer:?}");
    }
}

#[tokio::test]
async fn rt_27_turns_go_round_among_callers_and_are_in_order_for_each() {
    let simulator = simulator().await;
    simulator.inject(Fault::always(FaultKind::Hang).on("listEvents"));
    let file = token_file("round");
    let flags = ["--http-token-file", &file, "--max-concurrent-calls", "4"];
    let session = Session::serve(&flags).await;
    let address = session.address();
    // Two callers hold all turns.
    let (mut first, mut other) = (JoinSet::new(), JoinSet::new());
    send_as(&mut first, address, 0, vec![hanging(&simulator); 3]);
    until_sent(&simulator, "listEvents", 3).await;
    send_as(&mut other, address, 3, vec![hanging(&simulator)]);
    until_sent(&simulator, "listEvents", 4).await;
    // One waits with many calls, then two with a few; each begins to wait before the next is sent.
    let (mut waiting, mut begun) = (JoinSet::new(), 4);
    for (who, count) in [(0, 20), (1, 3), (2, 2)] {
        for number in 0..count {
            let message = marked(&simulator, &format!("{who}-{number}"));
            send_as(&mut waiting, address, who, [message]);
            begun += 1;
            until_begun(address, begun).await;
        }
    }
    // One turn becomes free, and serves them all.
    other.shutdown().await;
    until_sent(&simulator, "listDevices", 5).await;
    let served: Vec<String> = simulator
        .requests()
        .iter()
        .filter(|sent| sent.operation == Some("listDevices"))
        .map(|sent| sent.query[0].1.clone())
        .collect();
    // The first caller has its three turns, and must wait for one of them.
    assert_eq!(served, ["1-0", "2-0", "1-1", "2-1", "1-2"]);
    first.shutdown().await;
    until_sent(&simulator, "listDevices", 25).await;
    while let Some(answer) = waiting.join_next().await {
        assert!(!answer.unwrap().failed());
    }
}

#[tokio::test]
async fn an_address_without_a_token_is_a_caller() {
    let simulator = simulator().await;
    simulator.inject(Fault::always(FaultKind::Hang).on("listEvents"));
    let flags = ["--max-concurrent-calls", "2", "--max-connections", "400"];
    let mut session = Session::serve(&flags).await;
    let address = session.address();
    let mut open = JoinSet::new();
    send_as(&mut open, address, 0, vec![hanging(&simulator); 200]);
    for _ in 0..200 - 1 - 192 {
        let refused = timeout(PATIENCE, open.join_next()).await;
        let text = refused.unwrap().unwrap().unwrap().result_text();
        assert!(text.contains("1 of 2 running"), "{text}");
    }
    until_sent(&simulator, "listEvents", 1).await;
    #[cfg(target_os = "linux")]
    {
        let message = list_devices(&simulator).to_string();
        let headers = headers_for(message.as_bytes(), Some("2025-11-25"));
        let local = std::net::Ipv4Addr::new(127, 0, 0, 2);
        let mut other = Connection::open_from(local, address).await;
        let answer = other.ask("POST", "/mcp", &headers, message).await.unwrap();
        assert!(!answer.failed(), "{answer:?}");
    }
    // What is no call needs no turn.
    assert_eq!(post(address, &[], &ping()).await.status, 200);
    assert_eq!(get(address, "/readyz").await.status, 200);
    open.shutdown().await;
    let again = async { while post(address, &[], &list_devices(&simulator)).await.failed() {} };
    timeout(PATIENCE, again)
        .await
        .expect("there must be room again");
    session.check(simulator.api_key()).await;
}

#[tokio::test]
async fn calls_over_http_beyond_those_that_run_and_wait_are_refused_at_once() {
    let simulator = simulator().await;
    simulator.inject(Fault::always(FaultKind::Hang).on("listEvents"));
    let file = token_file("beyond");
    let flags = [
        "--http-token-file",
        &file,
        "--max-concurrent-calls",
        "2",
        "--max-connections",
        "400",
    ];
    let session = Session::serve(&flags).await;
    let address = session.address();
    let (mut one, mut two) = (JoinSet::new(), JoinSet::new());
    send_as(&mut one, address, 0, vec![hanging(&simulator); 1 + 192]);
    send_as(&mut two, address, 1, vec![hanging(&simulator); 1 + 64]);
    until_sent(&simulator, "listEvents", 2).await;
    until_begun(address, 2 + 256).await;
    let refused = call_as(address, 2, &hanging(&simulator)).await;
    let text = refused.result_text();
    assert!(text.contains("busy: 2 calls run and 256 wait"), "{text}");
    assert_eq!(simulator.requests().len(), 2);
}

/// Begins a request whose body does not come.
async fn begin_half(address: SocketAddr, more: &str) -> TcpStream {
    let mut stream = TcpStream::connect(address).await.unwrap();
    let head = format!(
        "POST /mcp HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n{more}Content-Length: 60000\r\n\r\n{{"
    );
    // One that has had to make room already cannot be written to.
    let _ = stream.write_all(head.as_bytes()).await;
    stream
}

#[tokio::test]
async fn rt_11_half_bodies_take_no_place_from_health_or_from_others() {
    let simulator = simulator().await;
    let file = token_file("half");
    let bearer = format!("Authorization: {}\r\n", bearer(0));
    for (flags, more) in [
        (&[][..], ""),
        (&["--http-token-file", &file][..], ""),
        (&["--http-token-file", &file][..], &bearer),
    ] {
        let session = Session::serve(flags).await;
        let address = session.address();
        let mut half = Vec::new();
        for number in 0..3 * 256 {
            half.push(begin_half(address, more).await);
            if number % 16 == 0 {
                for path in ["/health", "/livez", "/readyz"] {
                    assert_eq!(get(address, path).await.status, 200, "{number}");
                }
            }
            if number % 64 == 0 {
                let answer = call_as(address, 1, &list_devices(&simulator)).await;
                assert!(answer.status == 200 && !answer.failed(), "{answer:?}");
            }
        }
    }
}

#[tokio::test]
async fn rt_11_health_is_answered_while_calls_take_all_connections() {
    let simulator = simulator().await;
    simulator.inject(Fault::always(FaultKind::Hang));
    let file = token_file("taken");
    for flags in [&[][..], &["--http-token-file", &file]] {
        simulator.clear_log();
        let most = ["--max-connections", "8", "--timeout", "300"];
        let session = Session::serve(&[flags, &most].concat()).await;
        let address = session.address();
        let mut hung = JoinSet::new();
        send_as(&mut hung, address, 0, vec![list_devices(&simulator); 8]);
        until_sent(&simulator, "listDevices", 8).await;
        let mut silent = Vec::new();
        for number in 0..100 {
            // Silent ones, half of a head, and half of a body.
            silent.push(match number % 3 {
                0 => TcpStream::connect(address).await.unwrap(),
                1 => {
                    let mut stream = TcpStream::connect(address).await.unwrap();
                    let _ = stream.write_all(b"GET /livez HTTP/1.1\r\nX").await;
                    stream
                }
                _ => begin_half(address, "").await,
            });
            for path in ["/health", "/livez", "/readyz"] {
                assert_eq!(get(address, path).await.status, 200, "{number}");
            }
        }
        for path in ["/metrics", "/mcp", "/x"] {
            let answer = get(address, path).await;
            assert_eq!(answer.status, 503, "{path}: {answer:?}");
            assert_eq!(answer.header("retry-after"), Some("1"));
            assert_eq!(answer.header("connection"), Some("close"));
        }
        let large = super::request(1, "ping", json!({ "a": "x".repeat(60_000) }));
        for _ in 0..10 {
            let answer = call_as(address, 1, &large).await;
            assert_eq!(answer.status, 503, "{answer:?}");
        }
        assert_eq!(simulator.requests().len(), 8);
        hung.shutdown().await;
        let again = async { while call_as(address, 1, &ping()).await.status != 200 {} };
        timeout(PATIENCE, again)
            .await
            .expect("there must be room again");
    }
}

#[tokio::test]
async fn who_asks_for_nothing_where_all_connections_are_taken_is_told_so_soon() {
    let simulator = simulator().await;
    simulator.inject(Fault::always(FaultKind::Hang));
    let session = Session::serve(&["--max-connections", "2", "--timeout", "300"]).await;
    let mut hung = JoinSet::new();
    let message = list_devices(&simulator);
    send_as(&mut hung, session.address(), 0, vec![message; 2]);
    until_sent(&simulator, "listDevices", 2).await;
    for begun in ["", "GET /livez HTTP/1.1\r\nHo"] {
        let said = raw(session.address(), begun.as_bytes()).await;
        assert_eq!(statuses(&said), ["503"], "{said}");
        assert!(said.contains("Retry-After: 1\r\n"), "{said}");
    }
}

#[tokio::test]
async fn rt_50_who_pipelines_and_does_not_read_takes_no_place() {
    let simulator = simulator().await;
    let file = token_file("unread");
    let flags = ["--max-connections", "64", "--http-token-file", &file];
    let session = Session::serve(&flags).await;
    let address = session.address();
    let message = super::request(1, "tools/list", json!({})).to_string();
    let authorization = format!("Authorization: {}", bearer(0));
    let lines = [
        "Host: localhost",
        "Content-Type: application/json",
        &authorization,
    ];
    let many = on_the_wire(&lines, &message).repeat(60);
    let mut unread = Vec::new();
    for number in 0..3 * 64 {
        let mut stream = TcpStream::connect(address).await.unwrap();
        stream.write_all(&many).await.unwrap();
        unread.push(stream);
        if number % 16 == 0 {
            assert_eq!(get(address, "/health").await.status, 200);
            let answer = call_as(address, 1, &list_devices(&simulator)).await;
            assert!(answer.status == 200 && !answer.failed(), "{answer:?}");
        }
    }
}

/// An OpManager at every address of this machine, which answers nothing but empty lists.
#[cfg(target_os = "linux")]
async fn everywhere() -> u16 {
    use tokio::io::AsyncReadExt;

    let listener = tokio::net::TcpListener::bind("0.0.0.0:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            tokio::spawn(async move {
                let mut head = Vec::new();
                loop {
                    head.clear();
                    while !head.ends_with(b"\r\n\r\n") {
                        head.push(stream.read_u8().await?);
                    }
                    let answer = "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n[]";
                    stream.write_all(answer.as_bytes()).await?;
                }
                #[allow(unreachable_code, reason = "it says what the block gives")]
                Ok::<_, std::io::Error>(())
            });
        }
    });
    port
}

/// Asks as that caller, and takes whatever comes.
#[cfg(target_os = "linux")]
async fn bother(address: SocketAddr, who: usize, message: String) {
    let mut headers = headers_for(message.as_bytes(), Some("2025-11-25"));
    headers.push(("Authorization".to_owned(), bearer(who)));
    let mut connection = Connection::open(address).await;
    let _ = connection.ask("POST", "/mcp", &headers, message).await;
}

#[cfg(target_os = "linux")]
#[tokio::test]
async fn rx_06_four_hostile_callers_at_once_leave_memory_health_and_others_alone() {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicUsize, Ordering};

    /// Most memory that the server may have had, in MiB.
    const MEMORY: usize = 200;
    /// Other targets than any before.
    const TARGETS: usize = 400;

    let simulator = simulator().await;
    simulator.inject(Fault::always(FaultKind::Hang).on("listEvents"));
    let file = token_file("hostile");
    let session = Session::serve(&["--http-token-file", &file, "--timeout", "300"]).await;
    let address = session.address();
    let done = Arc::new([(); 3].map(|()| AtomicUsize::new(0)));
    let mut hostile = JoinSet::new();

    // Half bodies, ever new ones.
    let (count, more) = (done.clone(), format!("Authorization: {}\r\n", bearer(0)));
    hostile.spawn(async move {
        let mut half = std::collections::VecDeque::new();
        loop {
            half.push_back(begin_half(address, &more).await);
            count[0].fetch_add(1, Ordering::Relaxed);
            if half.len() > 400 {
                half.pop_front();
            }
        }
    });
    // Calls that hang, more than may.
    for _ in 0..300 {
        let message = hanging(&simulator).to_string();
        hostile.spawn(async move {
            loop {
                bother(address, 1, message.clone()).await;
            }
        });
    }
    // Targets that were never called before.
    let port = everywhere().await;
    for lane in 0..8 {
        let count = done.clone();
        hostile.spawn(async move {
            for number in 0..TARGETS / 8 {
                let host = format!(
                    "127.{}.{}.{}:{port}",
                    1 + lane,
                    number / 200,
                    1 + number % 200
                );
                let arguments = json!({ "host": host, "apiKey": "k", "use_ssl": false });
                bother(address, 2, call("list_devices", arguments).to_string()).await;
                count[1].fetch_add(1, Ordering::Relaxed);
            }
            std::future::pending().await
        });
    }
    // Messages that are large when they are parsed, and answers that nobody reads.
    let message = super::request(1, "tools/list", json!({})).to_string();
    let authorization = format!("Authorization: {}", bearer(3));
    let lines = [
        "Host: localhost",
        "Content-Type: application/json",
        &authorization,
    ];
    let many = on_the_wire(&lines, &message).repeat(60);
    for bomb in super::load::bombs(&simulator) {
        let (count, many) = (done.clone(), many.clone());
        hostile.spawn(async move {
            let mut unread = Vec::new();
            loop {
                bother(address, 3, bomb.clone()).await;
                count[2].fetch_add(1, Ordering::Relaxed);
                if unread.len() < 16 {
                    let mut stream = TcpStream::connect(address).await.unwrap();
                    let _ = stream.write_all(&many).await;
                    unread.push(stream);
                }
            }
        });
    }

    // From an address of its own: connections that have asked for nothing yet are counted by that.
    let honest = std::net::Ipv4Addr::new(127, 0, 0, 2);
    let ask = async |method: &str, path: &str, headers: &[(String, String)], body: String| {
        let asking = async {
            let mut connection = Connection::open_from(honest, address).await;
            connection.ask(method, path, headers, body).await
        };
        let answer = timeout(PATIENCE, asking).await;
        answer.expect("it must be answered").unwrap()
    };
    let message = marked(&simulator, "honest").to_string();
    let mut headers = headers_for(message.as_bytes(), Some("2025-11-25"));
    headers.push(("Authorization".to_owned(), bearer(4)));
    let mut served = 0;
    let wanted = [500, TARGETS, 60];
    let all_done = || {
        let done = done.iter().map(|count| count.load(Ordering::Relaxed));
        done.zip(wanted).all(|(done, wanted)| done >= wanted)
    };
    while served < 30 || !all_done() {
        let answer = ask("POST", "/mcp", &headers, message.clone()).await;
        assert!(answer.status == 200 && !answer.failed(), "{answer:?}");
        for path in ["/health", "/livez", "/readyz"] {
            assert_eq!(ask("GET", path, &[], String::new()).await.status, 200);
        }
        served += 1;
        assert!(served < 20_000, "the hostile ones must get on: {done:?}");
    }
    assert!(sent(&simulator, "listEvents") >= 48);
    assert!(session.peak() < MEMORY, "{} MiB", session.peak());
    hostile.shutdown().await;
}
