//! How calls and the service end: by the client, by a signal, and never by another's call.

use std::process::Command;
use std::time::Duration;

use opmanager_simulator::{Fault, FaultKind, Options, Simulator};
use rustix::process::Signal;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::time::{Instant, timeout};

use super::{call, list_devices, newest, ping, request, statuses};
use crate::support::http::{Connection, get, headers_for, post};
use crate::support::{PATIENCE, PROGRAM, SENTINEL, Session, at, check_absent, simulator};

/// An OpManager that answers when it is told to.
struct Held {
    port: u16,
    asked: watch::Receiver<usize>,
    answer: watch::Sender<bool>,
}

impl Held {
    async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let (asking, asked) = watch::channel(0);
        let (answer, told) = watch::channel(false);
        tokio::spawn(async move {
            while let Ok((mut stream, _)) = listener.accept().await {
                let (asking, mut told) = (asking.clone(), told.clone());
                tokio::spawn(async move {
                    let mut head = Vec::new();
                    while !head.ends_with(b"\r\n\r\n") {
                        head.push(stream.read_u8().await?);
                    }
                    asking.send_modify(|asked| *asked += 1);
                    let _ = told.wait_for(|told| *told).await;
                    let answer = "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 2\r\nConnection: close\r\n\r\n[]";
                    stream.write_all(answer.as_bytes()).await
                });
            }
        });
        Self {
            port,
            asked,
            answer,
        }
    }

    fn call(&self) -> Value {
        let host = format!("127.0.0.1:{}", self.port);
        let arguments = json!({ "host": host, "apiKey": SENTINEL, "use_ssl": false });
        json!({ "name": "list_devices", "arguments": arguments })
    }

    async fn until_asked(&mut self, times: usize) {
        let asked = self.asked.wait_for(|asked| *asked == times);
        timeout(PATIENCE, asked)
            .await
            .expect("the calls must be sent")
            .unwrap();
    }
}

async fn is_refused(session: &Session) -> bool {
    TcpStream::connect(session.address()).await.is_err()
}

#[tokio::test]
async fn cc_06_a_service_that_is_told_to_end_finishes_its_calls_and_takes_no_more() {
    for signal in [Signal::TERM, Signal::INT] {
        let mut held = Held::start().await;
        let mut session = Session::serve(&[]).await;
        let mut open = Vec::new();
        for _ in 0..3 {
            open.push(session.begin("tools/call", held.call()).await);
        }
        held.until_asked(3).await;
        // Idle, and begun: the one has nothing to wait for, the other is still answered.
        let mut idle = TcpStream::connect(session.address()).await.unwrap();
        let mut begun = TcpStream::connect(session.address()).await.unwrap();
        begun
            .write_all(b"GET /readyz HTTP/1.1\r\nHo")
            .await
            .unwrap();
        assert_eq!(get(session.address(), "/readyz").await.status, 200);

        session.signal(signal);
        session.log.wait_for("stopping").await;
        assert!(is_refused(&session).await);
        let mut nothing = Vec::new();
        let closed = timeout(PATIENCE, idle.read_to_end(&mut nothing)).await;
        assert_eq!(closed.expect("idle connections are closed").unwrap_or(0), 0);
        begun.write_all(b"st: localhost\r\n\r\n").await.unwrap();
        let mut said = String::new();
        let read = timeout(PATIENCE, begun.read_to_string(&mut said)).await;
        read.expect("it must be closed after its answer").unwrap();
        assert_eq!(statuses(&said), ["503"], "{said}");

        held.answer.send_replace(true);
        while !open.is_empty() {
            let answer = session.receive().await;
            assert_ne!(answer["result"]["isError"], true, "{answer}");
            open.retain(|id| answer["id"] != *id);
        }
        let finished = session.end().await;
        finished.check(SENTINEL);
        assert!(!finished.log.contains("still running"), "{finished:?}");
    }
}

#[tokio::test]
async fn cc_06_an_answer_that_comes_when_the_end_has_begun_tells_its_client_to_send_nothing_more() {
    let mut held = Held::start().await;
    let session = Session::serve(&[]).await;
    let address = session.address();
    let message = request(1, "tools/call", held.call());
    let asking = tokio::spawn(async move { post(address, &[], &message).await });
    held.until_asked(1).await;
    session.signal(Signal::TERM);
    session.log.wait_for("stopping").await;
    held.answer.send_replace(true);
    let answer = asking.await.unwrap();
    assert!(answer.status == 200 && !answer.failed(), "{answer:?}");
    assert_eq!(answer.header("connection"), Some("close"), "{answer:?}");
    session.end().await.check(SENTINEL);
}

#[tokio::test]
async fn cc_07_a_call_that_never_ends_is_given_up_after_the_grace_period() {
    let mut held = Held::start().await;
    let mut session = Session::serve(&["--shutdown-grace", "1", "--log-format", "json"]).await;
    session.begin("tools/call", held.call()).await;
    held.until_asked(1).await;
    let told = Instant::now();
    let finished = session.finish().await;
    assert!(told.elapsed() >= Duration::from_secs(1));
    finished.check(SENTINEL);
    assert!(
        finished.log.contains("calls were still running"),
        "{finished:?}"
    );
}

#[tokio::test]
async fn cc_07_the_second_signal_ends_it_at_once() {
    let mut held = Held::start().await;
    let mut session = Session::serve(&["--shutdown-grace", "3600"]).await;
    session.begin("tools/call", held.call()).await;
    held.until_asked(1).await;
    session.signal(Signal::TERM);
    session.log.wait_for("stopping").await;
    // Before the second it waits.
    session.signal(Signal::HUP);
    held.until_asked(1).await;
    session.signal(Signal::INT);
    session.end().await.check(SENTINEL);
}

#[tokio::test]
async fn cc_07_a_closed_terminal_and_a_closed_pipe_end_nothing() {
    let mut session = Session::serve(&[]).await;
    session.close_output();
    for signal in [Signal::HUP, Signal::PIPE] {
        session.signal(signal);
        session.ping().await;
    }
    session.signal(Signal::HUP);
    session.check(SENTINEL).await;
    let told = Instant::now();
    let finished = session.finish().await;
    finished.check(SENTINEL);
    assert!(
        told.elapsed() < Duration::from_secs(9),
        "there is nothing to wait for"
    );
}

#[tokio::test]
async fn cc_01_two_clients_with_the_same_ids_get_their_own_answers() {
    let tenant = async |key: &str| {
        let options = Options {
            api_key: key.to_owned(),
            ..Options::default()
        };
        let tenant = Simulator::start(options).await.unwrap();
        tenant.inject(Fault::always(FaultKind::Respond {
            status: 200,
            content_type: Some("application/json".to_owned()),
            headers: vec![("Set-Cookie".to_owned(), "JSESSIONID=1".to_owned())],
            body: json!([{ "deviceName": format!("marker-{}", &key[..4]) }])
                .to_string()
                .into_bytes(),
        }));
        tenant
    };
    let tenants = [
        tenant("zqAAtenant-key").await,
        tenant("zqBBtenant-key").await,
    ];
    let mut session = Session::serve(&[]).await;
    let address = session.address();
    let clients = [0, 1, 0, 1].map(async |which| {
        let (tenant, other) = (&tenants[which], &tenants[1 - which]);
        let mut connection = Connection::open(address).await;
        for round in 0..125 {
            let message = list_devices(tenant);
            let message = if round % 2 == 0 {
                message
            } else {
                newest(message)
            }
            .to_string();
            let headers = headers_for(message.as_bytes(), Some("2025-11-25"));
            let answer = connection
                .ask("POST", "/mcp", &headers, message)
                .await
                .unwrap();
            assert_eq!(answer.json()["id"], 1);
            let marker = |tenant: &Simulator| format!("marker-{}", &tenant.api_key()[..4]);
            let text = answer.result_text();
            assert!(
                text.contains(&marker(tenant)) && !text.contains(&marker(other)),
                "{text}"
            );
        }
    });
    futures::future::join_all(clients).await;
    for (tenant, other) in [(&tenants[0], &tenants[1]), (&tenants[1], &tenants[0])] {
        assert_eq!(
            tenant.requests().len(),
            250,
            "each call is a request of its own"
        );
        for request in tenant.requests() {
            check_absent("a request", &format!("{request:?}"), other.api_key());
            assert_eq!(request.header("cookie"), None);
        }
    }
    session.check(tenants[0].api_key()).await;
}

#[tokio::test]
async fn cc_03_two_clients_of_one_opmanager_share_its_connection_only_with_one_key() {
    let simulator = simulator().await;
    simulator.inject(Fault::always(FaultKind::Respond {
        status: 200,
        content_type: Some("application/json".to_owned()),
        headers: vec![("Set-Cookie".to_owned(), "JSESSIONID=1; Path=/".to_owned())],
        body: b"[]".to_vec(),
    }));
    let session = Session::serve(&[]).await;
    let keys = ["zq1-one-tenants-key", "zq2-another-tenants"];
    for round in 0..10 {
        let arguments = at(&simulator, json!({ "apiKey": keys[round % 2] }));
        assert!(
            !post(session.address(), &[], &call("list_devices", arguments))
                .await
                .failed()
        );
    }
    let requests = simulator.requests();
    assert_eq!(requests.len(), 10, "no answer is kept");
    for (round, request) in requests.iter().enumerate() {
        assert_eq!(request.header("apikey"), Some(keys[round % 2].as_bytes()));
        assert_eq!(request.header("cookie"), None);
        check_absent("a request", &format!("{request:?}"), keys[1 - round % 2]);
    }
    assert_eq!(simulator.connections(), keys.len());
}

#[tokio::test]
async fn cc_04_nobody_can_cancel_the_call_of_another() {
    let mut held = Held::start().await;
    let mut session = Session::serve(&[]).await;
    let id = session.begin("tools/call", held.call()).await;
    held.until_asked(1).await;
    for id in [json!(id), json!(id), json!(id + 1), json!("x")] {
        let params = json!({ "requestId": id, "reason": "enough" });
        let cancel =
            json!({ "jsonrpc": "2.0", "method": "notifications/cancelled", "params": params });
        let answer = post(session.address(), &[], &cancel).await;
        assert_eq!(
            (answer.status, answer.text.as_str()),
            (202, ""),
            "{answer:?}"
        );
    }
    // The same id once more, by another: both are answered.
    let other = post(session.address(), &[], &request(id, "ping", json!({}))).await;
    assert_eq!(other.json()["id"], id);
    held.answer.send_replace(true);
    let answer = session.answer(id).await;
    assert_ne!(answer["result"]["isError"], true, "{answer}");
    session.conclude(SENTINEL).await;
}

#[tokio::test]
async fn cc_09_a_client_that_leaves_takes_its_request_along() {
    let simulator = simulator().await;
    simulator.inject(Fault::always(FaultKind::Hang));
    let token = crate::support::fence::file("leaving", "the-one-who-left 0123456789abcdef");
    let flags = [
        "--http-token-file",
        &token,
        "--log-format",
        "json",
        "--access",
        "write",
    ];
    let session = Session::serve(&flags).await;
    let write = call(
        "clear_alarm",
        at(&simulator, json!({ "entity": "db-02_Poll" })),
    );
    for (number, message) in [
        list_devices(&simulator),
        newest(list_devices(&simulator)),
        write,
    ]
    .iter()
    .enumerate()
    {
        let message = message.to_string();
        let mut headers = headers_for(message.as_bytes(), Some("2025-11-25"));
        headers.push((
            "Authorization".to_owned(),
            "Bearer 0123456789abcdef".to_owned(),
        ));
        let mut connection = Connection::open(session.address()).await;
        {
            let asking = connection.ask("POST", "/mcp", &headers, message);
            tokio::pin!(asking);
            let sent = simulator.wait_until(|log| log.requests.len() > number);
            tokio::select! {
                answer = &mut asking => panic!("{answer:?}"),
                sent = timeout(PATIENCE, sent) => sent.expect("the call must be sent"),
            }
        }
        drop(connection);
        let dropped = simulator.wait_until(|log| log.disconnected > number);
        timeout(PATIENCE, dropped)
            .await
            .expect("the request must be dropped");
    }
    session.log.wait_for("clear_alarm").await;
    let finished = session.finish().await;
    finished.check(simulator.api_key());
    let lines: Vec<Value> = finished
        .log
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .filter(|line: &Value| line["outcome"] == "cancelled")
        .collect();
    assert_eq!(lines.len(), 3, "{}", finished.log);
    for line in lines {
        assert_eq!(line["client"], "the-one-who-left", "{line}");
        assert_eq!(line["target"], simulator.host(), "{line}");
    }
}

#[tokio::test]
async fn cc_10_a_port_that_is_taken_ends_the_program() {
    let session = Session::serve(&[]).await;
    let taken = session.address().to_string();
    let output = Command::new(PROGRAM)
        .args(["http", "--listen", &taken])
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(1));
    assert!(output.stdout.is_empty());
    let said = String::from_utf8(output.stderr).unwrap();
    assert_eq!(said.lines().count(), 1, "{said}");
    assert!(
        said.contains(&format!("cannot listen on {taken}")),
        "{said}"
    );
    assert_eq!(post(session.address(), &[], &ping()).await.status, 200);
}

#[tokio::test]
async fn health_tells_whether_a_server_lives() {
    let health = async |url: String| {
        let asking = tokio::task::spawn_blocking(move || {
            Command::new(PROGRAM)
                .args(["health", "--url", &url])
                .output()
                .unwrap()
        });
        let output = asking.await.unwrap();
        let text = String::from_utf8([output.stdout, output.stderr].concat()).unwrap();
        (output.status.code(), text)
    };
    let session = Session::serve(&[]).await;
    let address = session.address();
    assert_eq!(
        health(format!("http://{address}/health")).await,
        (Some(0), "ok\n".to_owned())
    );
    assert_eq!(health(format!("http://{address}/readyz")).await.0, Some(0));
    let port = address.port();
    assert_eq!(
        health(format!("http://localhost:{port}/livez")).await.0,
        Some(0)
    );
    let (code, text) = health(format!("http://{address}/x")).await;
    assert!(code == Some(1) && text.contains("status 404"), "{text}");
    session.finish().await;
    let (code, text) = health(format!("http://{address}/health")).await;
    assert!(
        code == Some(1) && text.contains(&address.to_string()),
        "{text}"
    );
    for wrong in ["https://127.0.0.1/health", "127.0.0.1:1", "/health"] {
        let (code, text) = health(wrong.to_owned()).await;
        assert!(code == Some(1) && text.contains("--url"), "{wrong}: {text}");
    }
    // One that takes the connection and answers nothing, or something else.
    let silent = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/health", silent.local_addr().unwrap());
    let asked = tokio::spawn(health(url.clone()));
    let (stream, _) = silent.accept().await.unwrap();
    let (code, text) = asked.await.unwrap();
    assert!(
        code == Some(1) && text.contains("within 3 seconds"),
        "{text}"
    );
    drop(stream);
    let asked = tokio::spawn(health(url));
    drop(silent.accept().await.unwrap());
    let (code, text) = asked.await.unwrap();
    assert_eq!(code, Some(1), "{text}");
}
