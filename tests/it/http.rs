//! Streamable HTTP: what a request must be to be read at all, and what is answered to all others.

mod credentials;
mod ends;
mod heads;
mod load;
mod records;
mod shares;
#[cfg(unix)]
mod tokens;

use std::process::Command;
use std::time::Duration;

use opmanager_simulator::{Fault, FaultKind, Simulator};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::{Instant, timeout};

use crate::support::http::{Answer, Connection, NEWEST, ask, get, headers_for, post, raw};
use crate::support::{PATIENCE, PROGRAM, SENTINEL, Session, at, simulator};

/// Longest message that is read unless the operator says otherwise.
const LONGEST: usize = 65_536;
/// Longest time that the head of a request may take to come, and a connection may be silent.
const HEAD_TIMEOUT: Duration = Duration::from_secs(10);

/// A request.
#[allow(
    clippy::needless_pass_by_value,
    reason = "callers write the value in its place"
)]
fn request(id: i64, method: &str, params: Value) -> Value {
    let mut request = json!({ "jsonrpc": "2.0", "id": id, "method": method });
    request["params"] = params;
    request
}

/// A call of a tool that reads, with these arguments.
#[allow(
    clippy::needless_pass_by_value,
    reason = "callers write the value in its place"
)]
fn call(tool: &str, arguments: Value) -> Value {
    let mut call = request(1, "tools/call", json!({ "name": tool }));
    call["params"]["arguments"] = arguments;
    call
}

fn list_devices(simulator: &Simulator) -> Value {
    call("list_devices", at(simulator, json!({})))
}

fn ping() -> Value {
    request(1, "ping", json!({}))
}

/// The same in the newest protocol.
fn newest(mut message: Value) -> Value {
    message["params"]["_meta"] = json!({
        "io.modelcontextprotocol/protocolVersion": NEWEST,
        "io.modelcontextprotocol/clientCapabilities": {},
    });
    message
}

/// A message as bytes on the wire, with these lines in its head.
fn on_the_wire(lines: &[&str], message: &str) -> Vec<u8> {
    let lines: String = lines.iter().map(|line| format!("{line}\r\n")).collect();
    format!(
        "POST /mcp HTTP/1.1\r\n{lines}Accept: application/json, text/event-stream\r\nContent-Length: {}\r\n\r\n{message}",
        message.len()
    )
    .into_bytes()
}

/// The status codes of all answers in what a server said.
fn statuses(said: &str) -> Vec<&str> {
    said.split("HTTP/1.1 ")
        .skip(1)
        .map(|answer| &answer[..3])
        .collect()
}

/// Fails unless the request is refused with that status before anything is read of it, and nothing of it comes back.
fn check_refused(what: &str, answer: &Answer, status: u16) {
    assert_eq!(answer.status, status, "{what}: {answer:?}");
    assert!(
        answer
            .header("content-type")
            .unwrap()
            .starts_with("text/plain")
    );
    for foreign in ["evil", "jsonrpc"] {
        assert!(!answer.text.contains(foreign), "{what}: {answer:?}");
    }
    let cors = |(name, _): &(String, String)| name.starts_with("access-control");
    assert!(!answer.headers.iter().any(cors), "{what}: {answer:?}");
}

#[tokio::test]
async fn ht_01_a_host_that_is_not_this_servers_is_refused() {
    let simulator = simulator().await;
    let message = list_devices(&simulator).to_string();
    let mut session = Session::serve(&["--allowed-hosts", "mcp.test,[fd00::1]"]).await;
    let address = session.address();
    let kind = "Content-Type: application/json";
    let close = "Connection: close";
    for host in [
        "evil.test:3000",
        "evil.test",
        "127.0.0.1.evil.test",
        "evil@localhost",
        "localhost:evil",
        "localhost:99999",
        "localhost:",
        "127.0.0.2",
        "[::ffff:127.0.0.1",
        "0.0.0.0",
        "xmcp.test",
        "mcp.test.evil.test",
        "",
    ] {
        let said = raw(
            address,
            &on_the_wire(&[&format!("Host: {host}"), kind, close], &message),
        )
        .await;
        assert_eq!(statuses(&said), ["403"], "{host}: {said}");
        assert!(!said.contains("evil"), "{host}: {said}");
    }
    for lines in [
        &[kind, close][..],
        &["Host: localhost", "Host: evil.test", kind, close],
        &["Host: evil.test", "Host: localhost", kind, close],
    ] {
        let said = raw(address, &on_the_wire(lines, &message)).await;
        assert!(
            ["400", "403"].contains(&statuses(&said)[0]),
            "{lines:?}: {said}"
        );
    }
    let absolute =
        String::from_utf8(on_the_wire(&["Host: localhost", kind, close], &message)).unwrap();
    let absolute = absolute.replace("POST /mcp", "POST http://evil.test/mcp");
    assert_eq!(statuses(&raw(address, absolute.as_bytes()).await), ["403"]);
    assert_eq!(simulator.connections(), 0);

    for host in [
        "localhost",
        "LOCALHOST:1",
        "127.0.0.1",
        "[::1]:65535",
        "MCP.test:8443",
        "mcp.test",
        "[fd00::1]",
    ] {
        let answer = post(address, &[("Host", host)], &ping()).await;
        assert_eq!(answer.status, 200, "{host}: {answer:?}");
    }
    session.check(SENTINEL).await;
}

#[cfg(target_os = "linux")]
#[tokio::test]
async fn ht_01_the_address_that_was_connected_to_is_a_host_of_this_server() {
    let session = Session::serve(&["--listen", "0.0.0.0:0"]).await;
    let address = ([127, 77, 1, 1], session.address().port()).into();
    for (host, status) in [
        ("127.77.1.1", 200),
        ("127.77.1.1:80", 200),
        ("127.77.1.2", 403),
    ] {
        let answer = post(address, &[("Host", host)], &ping()).await;
        assert_eq!(answer.status, status, "{host}");
    }
}

#[tokio::test]
async fn ht_02_an_origin_that_is_not_listed_is_refused() {
    let simulator = simulator().await;
    let message = list_devices(&simulator).to_string();
    let session = Session::serve(&[]).await;
    let address = session.address();
    for origin in [
        &b"http://evil.test"[..],
        b"null",
        b"",
        b"localhost",
        b"http//localhost",
        b"http://",
        b"http://localhost",
        b"https://localhost",
        b"http://localhost:1",
        b"http://localhost.evil.test",
        b"http://local\xe9host",
        b"http://localhost:99999",
    ] {
        let own = format!("http://localhost:{}", address.port());
        let lines = [
            "Host: localhost",
            "Content-Type: application/json",
            "Connection: close",
        ];
        for origins in [&[origin][..], &[own.as_bytes(), origin]] {
            let mut bytes = on_the_wire(&lines, &message);
            let head = b"POST /mcp HTTP/1.1\r\n".len();
            for origin in origins {
                let line = [b"Origin: ", *origin, b"\r\n"].concat();
                bytes.splice(head..head, line);
            }
            let said = raw(address, &bytes).await;
            let origin = String::from_utf8_lossy(origin);
            assert_eq!(statuses(&said), ["403"], "{origin}: {said}");
            assert!(!said.contains("evil"), "{origin}: {said}");
        }
    }
    assert_eq!(simulator.connections(), 0);
}

#[tokio::test]
async fn ht_03_an_origin_is_listed_with_its_port() {
    let session = Session::serve(&[
        "--allowed-origins",
        "http://localhost:6665,https://app.test,https://other.test:443",
    ])
    .await;
    let address = session.address();
    let own = address.port();
    for (origin, status) in [
        ("http://localhost:6665", 200),
        ("HTTP://Localhost:6665", 200),
        (&format!("http://localhost:{own}"), 200),
        (&format!("http://127.0.0.1:{own}"), 200),
        (&format!("http://[::1]:{own}"), 200),
        ("https://app.test", 200),
        ("https://app.test:443", 200),
        ("https://other.test", 200),
        ("http://localhost:6666", 403),
        ("https://localhost:6665", 403),
        (&format!("https://localhost:{own}"), 403),
        ("http://app.test", 403),
        ("https://app.test:8443", 403),
        ("https://app.test/", 403),
    ] {
        let answer = post(address, &[("Origin", origin)], &ping()).await;
        assert_eq!(answer.status, status, "{origin}: {answer:?}");
        let cors = |(name, _): &(String, String)| name.starts_with("access-control");
        assert!(!answer.headers.iter().any(cors), "{origin}: {answer:?}");
    }
}

#[tokio::test]
async fn ht_04_no_other_site_is_told_that_it_may_call() {
    let session = Session::serve(&["--allowed-origins", "https://app.test"]).await;
    for origin in ["http://evil.test", "https://app.test"] {
        let headers = [
            ("Origin", origin),
            ("Access-Control-Request-Method", "POST"),
            ("Access-Control-Request-Headers", "content-type"),
        ]
        .map(|(name, value)| (name.to_owned(), value.to_owned()));
        let mut connection = Connection::open(session.address()).await;
        let answer = connection
            .ask("OPTIONS", "/mcp", &headers, "")
            .await
            .unwrap();
        check_refused(origin, &answer, 405);
    }
}

#[tokio::test]
async fn ht_05_what_a_web_page_can_send_without_asking_is_refused() {
    let simulator = simulator().await;
    let session = Session::serve(&[]).await;
    let address = session.address();
    let message = list_devices(&simulator);
    for kind in [
        "text/plain",
        "application/x-www-form-urlencoded",
        "multipart/form-data; boundary=x",
        "application/jsonp",
        "application/json-evil",
        "application/evil+json",
        "text/plain; application/json",
        "text/plain, application/json",
        "",
    ] {
        let answer = post(address, &[("Content-Type", kind)], &message).await;
        check_refused(kind, &answer, 415);
    }
    let text = message.to_string();
    for lines in [
        &["Host: localhost", "Connection: close"][..],
        &[
            "Host: localhost",
            "Connection: close",
            "Content-Type: application/json",
            "Content-Type: text/plain",
        ],
    ] {
        let said = raw(address, &on_the_wire(lines, &text)).await;
        assert_eq!(statuses(&said), ["415"], "{lines:?}: {said}");
    }
    assert_eq!(simulator.connections(), 0);
    for kind in ["application/json", "Application/JSON ; charset=utf-8"] {
        let answer = post(address, &[("Content-Type", kind)], &message).await;
        assert_eq!(answer.status, 200, "{kind}: {answer:?}");
    }
}

#[tokio::test]
async fn ht_07_what_two_readers_may_read_differently_is_one_request_at_most_and_the_last() {
    let simulator = simulator().await;
    let mut session = Session::serve(&[]).await;
    let address = session.address();
    let message = list_devices(&simulator).to_string();
    let hidden = on_the_wire(
        &["Host: localhost", "Content-Type: application/json"],
        &call("list_alarms", at(&simulator, json!({}))).to_string(),
    );
    let head = "POST /mcp HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nAccept: application/json, text/event-stream\r\n";
    let length = message.len();
    let chunks = format!("{length:x}\r\n{message}\r\n0\r\n\r\n");
    for (what, head, body, dispatched) in [
        (
            "length and chunks",
            format!("{head}Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n"),
            &chunks,
            1,
        ),
        (
            "chunks and length",
            format!("{head}Transfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n"),
            &chunks,
            1,
        ),
        (
            "chunks alone",
            format!("{head}Transfer-Encoding: chunked\r\n\r\n"),
            &chunks,
            1,
        ),
        (
            "two lengths",
            format!("{head}Content-Length: {length}\r\nContent-Length: 5\r\n\r\n"),
            &message,
            0,
        ),
        (
            "lengths in one line",
            format!("{head}Content-Length: {length}, 5\r\n\r\n"),
            &message,
            0,
        ),
        (
            "signed length",
            format!("{head}Content-Length: +{length}\r\n\r\n"),
            &message,
            0,
        ),
        (
            "another encoding",
            format!("{head}Transfer-Encoding: xchunked\r\n\r\n"),
            &chunks,
            0,
        ),
        (
            "chunks not last",
            format!("{head}Transfer-Encoding: chunked, identity\r\n\r\n"),
            &chunks,
            0,
        ),
        (
            "folded line",
            format!("{head}Transfer-Encoding:\r\n chunked\r\n\r\n"),
            &chunks,
            0,
        ),
        (
            "space before the colon",
            format!("{head}Transfer-Encoding : chunked\r\n\r\n"),
            &chunks,
            0,
        ),
        (
            "a line end inside of a value",
            format!("{head}X-Other: a\rContent-Length: {length}\r\n\r\n"),
            &message,
            0,
        ),
        (
            "an impossible chunk",
            format!("{head}Transfer-Encoding: chunked\r\n\r\nfffffffffffffffff\r\n"),
            &chunks,
            0,
        ),
        (
            "HTTP/1.0 with chunks",
            format!("{head}Transfer-Encoding: chunked\r\n\r\n").replace("HTTP/1.1", "HTTP/1.0"),
            &chunks,
            0,
        ),
    ] {
        simulator.clear_log();
        let said = raw(
            address,
            &[head.as_bytes(), body.as_bytes(), &hidden].concat(),
        )
        .await;
        // The connection is closed: it has been read to its end.
        assert!(statuses(&said).len() <= 1, "{what}: {said}");
        let operations: Vec<_> = simulator
            .requests()
            .iter()
            .map(|sent| sent.operation)
            .collect();
        assert_eq!(
            operations,
            vec![Some("listDevices"); dispatched],
            "{what}: {said}"
        );
        if dispatched == 0 && !said.is_empty() {
            assert_eq!(statuses(&said), ["400"], "{what}: {said}");
        }
    }
    session.check(simulator.api_key()).await;
}

#[tokio::test]
async fn ht_08_a_body_may_be_as_long_as_the_operator_allows() {
    for (flags, longest) in [
        (&[][..], LONGEST),
        (&["--max-request-bytes", "1024"], 1024),
        (&["--max-request-bytes", "1000000"], 1_000_000),
    ] {
        let session = Session::serve(flags).await;
        let filled = |length: usize| {
            let mut message = request(1, "ping", json!({ "a": "" }));
            message["params"]["a"] = "x".repeat(length - message.to_string().len()).into();
            message
        };
        let answer = post(session.address(), &[], &filled(longest)).await;
        assert_eq!(answer.json()["result"], json!({}), "{longest}");
        let answer = post(session.address(), &[], &filled(longest + 1)).await;
        check_refused("one more", &answer, 413);
        assert!(answer.text.contains(&longest.to_string()), "{answer:?}");
    }
}

#[tokio::test]
async fn ht_08_a_body_is_read_no_further_than_what_is_allowed() {
    let mut session = Session::serve(&[]).await;
    let address = session.address();
    let head = "POST /mcp HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n";
    // Told before anything of it has come.
    for announced in [LONGEST + 1, 10_000_000_000] {
        let mut stream = TcpStream::connect(address).await.unwrap();
        let request = format!("{head}Content-Length: {announced}\r\n\r\n{{");
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut said = [0; 12];
        let reading = timeout(PATIENCE, stream.read_exact(&mut said));
        reading
            .await
            .expect("it must not wait for the rest")
            .unwrap();
        assert_eq!(&said, b"HTTP/1.1 413", "{announced}");
    }
    let chunk = format!("10000\r\n{}\r\n", "[".repeat(0x10000));
    let endless = format!(
        "{head}Transfer-Encoding: chunked\r\n\r\n{}",
        chunk.repeat(1600)
    );
    let said = raw(address, endless.as_bytes()).await;
    // Whoever sends a hundred megabytes after the answer may not get to read it.
    assert!(said.is_empty() || statuses(&said) == ["413"], "{said}");
    #[cfg(target_os = "linux")]
    assert!(session.peak() < 64, "{} MiB", session.peak());
    session.check(SENTINEL).await;
}

/// How many of these connections the server has not closed.
fn open(streams: &[TcpStream]) -> usize {
    let is_open = |stream: &&TcpStream| {
        let read = stream.try_read(&mut [0; 1]);
        matches!(read, Err(error) if error.kind() == std::io::ErrorKind::WouldBlock)
    };
    streams.iter().filter(is_open).count()
}

#[tokio::test]
async fn ht_09_silent_connections_make_room_and_never_a_call() {
    const MOST: usize = 16;
    let simulator = simulator().await;
    simulator.inject(Fault::once(FaultKind::Hang));
    let mut session = Session::serve(&[
        "--max-connections",
        "16",
        "--timeout",
        "8",
        "--log-format",
        "json",
    ])
    .await;
    let address = session.address();
    let running = session
        .begin("tools/call", list_devices(&simulator)["params"].clone())
        .await;
    simulator.wait_until(|log| log.requests.len() == 1).await;
    let mut silent = Vec::new();
    for begun in [
        "",
        "GET /health HT",
        "POST /mcp HTTP/1.1\r\nHost: localhost\r\nX-A",
    ] {
        for _ in 0..40 {
            let mut stream = TcpStream::connect(address).await.unwrap();
            // One that has had to make room already cannot be written to.
            let _ = stream.write_all(begun.as_bytes()).await;
            silent.push(stream);
        }
        assert_eq!(get(address, "/health").await.status, 200);
        // The call has one of the places. Nobody tells when a connection is closed; those with half of a head must be
        // closed before the time for a head is up.
        let begun = Instant::now();
        while open(&silent) >= MOST {
            assert!(
                begun.elapsed() < HEAD_TIMEOUT / 2,
                "the others must be closed"
            );
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }
    // The call goes on to its time limit.
    let answer = session.answer(running).await;
    assert_eq!(answer["result"]["isError"], true, "{answer}");
    session.check(simulator.api_key()).await;
}

#[tokio::test]
async fn ht_09_a_connection_too_many_is_told_to_come_back() {
    let simulator = simulator().await;
    simulator.inject(Fault::always(FaultKind::Hang));
    let mut session = Session::serve(&["--max-connections", "2"]).await;
    for busy in 1..=2 {
        let params = list_devices(&simulator)["params"].clone();
        session.begin("tools/call", params).await;
        simulator.wait_until(|log| log.requests.len() == busy).await;
    }
    let said = raw(session.address(), b"").await;
    assert_eq!(statuses(&said), ["503"], "{said}");
    assert!(said.contains("Retry-After: 1\r\n"), "{said}");
}

#[tokio::test]
async fn ht_09_who_is_slow_is_not_waited_for() {
    let session = Session::serve(&[]).await;
    let address = session.address();
    let head = "POST /mcp HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n";
    let slow = [
        (String::new(), ""),
        ("GET /hea".to_owned(), ""),
        (
            "GET /health HTTP/1.1\r\nHost: localhost\r\n\r\n".to_owned(),
            "200",
        ),
        (format!("{head}Content-Length: 60000\r\n\r\n{{"), "408"),
        (
            format!("{head}Transfer-Encoding: chunked\r\n\r\n1\r\n{{\r\n"),
            "408",
        ),
    ];
    let waiting = slow.map(async |(begun, status)| {
        let begin = Instant::now();
        let said = raw(address, begun.as_bytes()).await;
        // Not before it has had its time.
        assert!(
            begin.elapsed() >= HEAD_TIMEOUT.mul_f32(0.9),
            "{begun}: {said}"
        );
        assert!(
            said.is_empty() || statuses(&said)[0] == status,
            "{begun}: {said}"
        );
        assert!(status.is_empty() || !said.is_empty(), "{begun}");
    });
    futures::future::join_all(waiting).await;
}

#[tokio::test]
async fn ht_11_there_is_one_way_in() {
    let simulator = simulator().await;
    let session = Session::serve(&[]).await;
    let address = session.address();
    let message = list_devices(&simulator).to_string();
    let headers = headers_for(message.as_bytes(), None);
    let mut paths = vec![("POST", "/mcp?x=1", 200)];
    for method in [
        "GET", "PUT", "DELETE", "PATCH", "TRACE", "OPTIONS", "HEAD", "X",
    ] {
        paths.push((method, "/mcp", 405));
    }
    for path in [
        "/MCP",
        "/mcp/",
        "/mcp/../health",
        "//mcp",
        "/%6dcp",
        "/",
        "/mcp;x",
        "/sse",
        "/messages",
    ] {
        paths.push(("POST", path, 404));
    }
    for path in ["/health", "/livez", "/readyz", "/metrics"] {
        paths.push(("POST", path, 405));
        paths.push(("GET", path, 200));
        paths.push(("HEAD", path, 200));
    }
    for (method, path, status) in paths {
        let mut connection = Connection::open(address).await;
        let answer = connection
            .ask(method, path, &headers, message.clone())
            .await
            .unwrap();
        assert_eq!(answer.status, status, "{method} {path}: {answer:?}");
        assert_eq!(
            answer.header("allow").is_some(),
            status == 405,
            "{method} {path}"
        );
    }
    let connect = "CONNECT 127.0.0.1:1 HTTP/1.1\r\nHost: 127.0.0.1:1\r\nConnection: close\r\n\r\n";
    let said = raw(address, connect.as_bytes()).await;
    assert_eq!(statuses(&said), ["404"], "{said}");
    assert_eq!(simulator.requests().len(), 1, "the first alone");
}

#[tokio::test]
async fn ht_12_nothing_is_kept_between_requests() {
    let simulator = simulator().await;
    let mut session = Session::serve(&[]).await;
    let address = session.address();
    let hello = json!({
        "protocolVersion": "2025-11-25",
        "capabilities": {},
        "clientInfo": { "name": "test", "version": "1" },
    });
    let messages = [
        request(1, "initialize", hello),
        ping(),
        list_devices(&simulator),
        newest(list_devices(&simulator)),
        newest(request(1, "server/discover", json!({}))),
    ];
    for made_up in [None, Some("made-up"), Some("\u{e9}")] {
        for message in &messages {
            let headers: Vec<_> = made_up
                .map(|id| ("Mcp-Session-Id", id))
                .into_iter()
                .collect();
            let answer = post(address, &headers, message).await;
            assert_eq!(answer.status, 200, "{message}: {answer:?}");
            assert!(answer.json()["result"].is_object(), "{message}: {answer:?}");
            assert_eq!(answer.header("mcp-session-id"), None);
            assert_eq!(answer.header("set-cookie"), None);
        }
    }
    let mut connection = Connection::open(address).await;
    let mut known = 0;
    for number in 0..10_000 {
        let message = ping().to_string();
        let mut headers = headers_for(message.as_bytes(), Some("2025-11-25"));
        headers.push(("Mcp-Session-Id".to_owned(), format!("{number:0>100}")));
        let answer = connection
            .ask("POST", "/mcp", &headers, message)
            .await
            .unwrap();
        assert_eq!(answer.status, 200, "{answer:?}");
        #[cfg(target_os = "linux")]
        if number == 1000 {
            known = session.peak();
        }
    }
    #[cfg(target_os = "linux")]
    assert!(
        session.peak() <= known + 2,
        "{known} and {} MiB",
        session.peak()
    );
    session.check(simulator.api_key()).await;
}

#[tokio::test]
async fn ht_13_with_tokens_nobody_is_served_without_one() {
    let simulator = simulator().await;
    let token = "0123456789abcdef-Tok";
    let other = "fedcba9876543210-Oth";
    let file = crate::support::fence::file(
        "tokens",
        &format!("# who\n\nagent-a\t{token}\r\nagent-b  {other}  \n"),
    );
    let session = Session::serve(&[
        "--http-token-file",
        &file,
        "--log-level",
        "trace",
        "--log-format",
        "json",
    ])
    .await;
    let address = session.address();
    let message = list_devices(&simulator);
    for given in [
        None,
        Some("Bearer wrong".to_owned()),
        Some(format!("Bearer {token}x")),
        Some(format!("Bearer {}", &token[1..])),
        Some(format!("Bearer {}", token.to_uppercase())),
        Some(format!("Bearer {token} {other}")),
        Some(format!("Basic {token}")),
        Some(token.to_owned()),
        Some("Bearer ".to_owned()),
        Some(format!("Bearer agent-a\t{token}")),
    ] {
        let headers: Vec<_> = given
            .iter()
            .map(|given| ("Authorization", given.as_str()))
            .collect();
        let answer = post(address, &headers, &message).await;
        check_refused(given.as_deref().unwrap_or("none"), &answer, 401);
        assert_eq!(answer.header("www-authenticate"), Some("Bearer"));
    }
    let twice = [
        format!("Authorization: Bearer {token}"),
        format!("Authorization: Bearer {token}"),
    ];
    let lines = [
        "Host: localhost",
        "Content-Type: application/json",
        "Connection: close",
        &twice[0],
        &twice[1],
    ];
    let said = raw(address, &on_the_wire(&lines, &message.to_string())).await;
    assert_eq!(statuses(&said), ["401"], "{said}");
    assert_eq!(get(address, "/metrics").await.status, 401);
    assert_eq!(get(address, "/health").await.status, 200);
    assert_eq!(simulator.connections(), 0);
    for (given, name) in [
        (format!("Bearer {token}"), "agent-a"),
        (format!("bearer   {other}"), "agent-b"),
    ] {
        let answer = post(address, &[("Authorization", &given)], &message).await;
        assert!(answer.status == 200 && !answer.failed(), "{answer:?}");
        session
            .log
            .wait_for(&format!("\"client\":\"{name}\""))
            .await;
    }
    let finished = session.finish().await;
    for secret in [token, other] {
        finished.check(secret);
    }
}

#[test]
fn ht_13_a_file_that_holds_no_tokens_ends_the_program_at_the_start() {
    let token = "0123456789abcdef";
    for (content, part) in [
        ("", "contains no token"),
        ("# only a remark\n\n", "contains no token"),
        (token, "line 1 is not a name and a token"),
        ("\na b c", "the token of line 2"),
        ("agent short", "line 1 is shorter than 16"),
        ("agent 0123456789abcd\u{e9}f", "not of visible ASCII"),
    ] {
        let file = crate::support::fence::file("no_tokens", content);
        let said = refused_at_the_start(&["--http-token-file", &file]);
        assert!(said.contains(part), "{content:?}: {said}");
        assert!(!said.contains(token), "{said}");
    }
    let said = refused_at_the_start(&["--http-token-file", "/nowhere/at/all"]);
    assert!(
        said.contains("--http-token-file") && said.contains("cannot be read"),
        "{said}"
    );
}

/// What a program says that does not start, for a flag that cannot be.
fn refused_at_the_start(flags: &[&str]) -> String {
    let output = Command::new(PROGRAM)
        .args(["http", "--listen", "127.0.0.1:0"])
        .args(flags)
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(2), "{flags:?}");
    assert!(output.stdout.is_empty(), "{flags:?}: it must not listen");
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(said.contains(flags[0]), "{flags:?}: {said}");
    said
}

#[test]
fn cc_10_flags_that_cannot_be_end_the_program_before_it_listens() {
    for flags in [
        ["--allowed-hosts", "mcp.test:3000"],
        ["--allowed-hosts", "https://mcp.test"],
        ["--allowed-hosts", "*.test"],
        ["--allowed-hosts", ""],
        ["--allowed-origins", "app.test"],
        ["--allowed-origins", "null"],
        ["--allowed-origins", "https://app.test/"],
        ["--metrics-targets", "https://opm.test"],
        ["--metrics-targets", "opm.test:0"],
        ["--max-connections", "0"],
        ["--rate-limit", "0"],
        ["--shutdown-grace", "0"],
        ["--credentials", "cookies"],
    ] {
        refused_at_the_start(&flags);
    }
    let output = Command::new(PROGRAM)
        .args(["http", "--listen", "3000"])
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(2));
}

#[tokio::test]
async fn ht_14_only_this_machine_reaches_it_unless_the_operator_says_so() {
    let help = Command::new(PROGRAM)
        .args(["http", "--help"])
        .output()
        .unwrap();
    let help = String::from_utf8(help.stdout).unwrap();
    assert!(help.contains("[default: 127.0.0.1:3000]"), "{help}");

    let session = Session::serve(&[]).await;
    assert!(session.address().ip().is_loopback());
    #[cfg(target_os = "linux")]
    {
        let other = (
            std::net::Ipv4Addr::new(127, 0, 0, 2),
            session.address().port(),
        );
        assert!(TcpStream::connect(other).await.is_err());
    }
    assert_eq!(session.finish().await.log.matches("WARN").count(), 0);

    let file = crate::support::fence::file("a_token", "agent 0123456789abcdef");
    for (flags, warned) in [
        (&[][..], true),
        (&["--access", "write"], true),
        (&["--allowed-targets", "opm.test"], false),
        (&["--http-token-file", &file], false),
    ] {
        let session = Session::serve(&[&["--listen", "0.0.0.0:0"], flags].concat()).await;
        let log = session.finish().await.log;
        let says = log.contains("WARN") && log.contains("--allowed-targets or --http-token-file");
        assert_eq!(says, warned, "{flags:?}: {log}");
    }
}

#[tokio::test]
async fn ht_15_other_protocols_are_none() {
    let mut session = Session::serve(&[]).await;
    let address = session.address();
    let hello =
        b"\x16\x03\x01\x00\xa5\x01\x00\x00\xa1\x03\x03\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\r\n\r\n";
    for (what, bytes) in [
        (
            "HTTP/2",
            &b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0"[..],
        ),
        ("TLS", hello),
        ("HTTP/0.9", b"GET /health\r\n\r\n"),
        (
            "HTTP/3.0",
            b"GET /health HTTP/3.0\r\nHost: localhost\r\n\r\n",
        ),
        ("nothing known", b"\0\0\0\0\r\n\r\n"),
    ] {
        let said = raw(address, bytes).await;
        assert!(
            said.is_empty() || statuses(&said) == ["400"],
            "{what}: {said}"
        );
    }
    for upgrade in ["h2c", "websocket", "TLS/1.3"] {
        let request = format!(
            "GET /mcp HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade, close\r\nUpgrade: {upgrade}\r\nHTTP2-Settings: AAMAAABkAAQAAP__\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
        );
        let said = raw(address, request.as_bytes()).await;
        assert_eq!(statuses(&said), ["405"], "{upgrade}: {said}");
    }
    session.check(SENTINEL).await;
}

#[tokio::test]
async fn ht_16_health_is_answered_to_everybody_and_says_nothing() {
    let mut session = Session::serve(&["--log-level", "trace"]).await;
    let address = session.address();
    for path in ["/health", "/livez", "/readyz"] {
        for (host, query) in [
            ("localhost", ""),
            ("evil.test:1", ""),
            ("10.0.0.1", &format!("?x={SENTINEL}")),
        ] {
            let request =
                format!("GET {path}{query} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n");
            let said = raw(address, request.as_bytes()).await;
            assert_eq!(statuses(&said), ["200"], "{path}: {said}");
            assert!(said.ends_with("\r\n\r\nok\n"), "{path}: {said}");
        }
    }
    session.check(SENTINEL).await;
    let finished = session.finish().await;
    finished.check(SENTINEL);
    assert!(!finished.log.contains("/health"), "{finished:?}");
}

#[tokio::test]
async fn ht_17_answers_are_neither_kept_nor_guessed_at() {
    let simulator = simulator().await;
    let session = Session::serve(&[]).await;
    let address = session.address();
    let text = "text/plain; charset=utf-8";
    let json = "application/json";
    let answers = [
        (
            post(address, &[], &list_devices(&simulator)).await,
            200,
            Some(json),
        ),
        (
            post(address, &[], &newest(list_devices(&simulator))).await,
            200,
            Some(json),
        ),
        (
            post(
                address,
                &[],
                &json!({ "jsonrpc": "2.0", "method": "notifications/initialized" }),
            )
            .await,
            202,
            None,
        ),
        (
            post(address, &[], &json!({ "jsonrpc": "2.0", "id": 1 })).await,
            400,
            Some(json),
        ),
        (
            post(
                address,
                &[],
                &json!({ "jsonrpc": "2.0", "id": 1, "result": {} }),
            )
            .await,
            400,
            Some(json),
        ),
        (
            post(address, &[], &json!({ "result": 1 })).await,
            400,
            Some(text),
        ),
        (
            post(address, &[("Accept", "text/html")], &ping()).await,
            406,
            Some(text),
        ),
        (
            post(address, &[("MCP-Protocol-Version", "<b>")], &ping()).await,
            400,
            Some("application/json"),
        ),
        (
            post(address, &[("Host", "evil.test")], &ping()).await,
            403,
            Some(text),
        ),
        (
            post(address, &[("Content-Type", "text/plain")], &ping()).await,
            415,
            Some(text),
        ),
        (get(address, "/mcp").await, 405, Some(text)),
        (get(address, "/x").await, 404, Some(text)),
        (get(address, "/health").await, 200, Some(text)),
        (get(address, "/readyz").await, 200, Some(text)),
        (
            get(address, "/metrics").await,
            200,
            Some("application/openmetrics-text; version=1.0.0; charset=utf-8"),
        ),
    ];
    for (answer, status, kind) in answers {
        assert_eq!(answer.status, status, "{answer:?}");
        assert_eq!(answer.header("content-type"), kind, "{answer:?}");
        assert_eq!(
            answer.header("cache-control"),
            Some("no-store"),
            "{answer:?}"
        );
        assert_eq!(
            answer.header("x-content-type-options"),
            Some("nosniff"),
            "{answer:?}"
        );
        for name in ["server", "x-powered-by", "set-cookie", "etag"] {
            assert_eq!(answer.header(name), None, "{answer:?}");
        }
    }
}

#[tokio::test]
async fn ar_13_an_older_client_over_http_counts_as_one_that_cannot_ask() {
    for (confirm, sent) in [("auto", 1), ("always", 0), ("off", 1)] {
        let simulator = simulator().await;
        let session =
            Session::serve(&["--access", "destructive", "--confirm-destructive", confirm]).await;
        let hello = json!({
            "protocolVersion": "2025-11-25",
            "capabilities": { "elicitation": {} },
            "clientInfo": { "name": "test", "version": "1" },
        });
        post(session.address(), &[], &request(1, "initialize", hello)).await;
        let deletion = call(
            "delete_alarm",
            at(&simulator, json!({ "entity": "db-02_Poll" })),
        );
        let answer = post(session.address(), &[], &deletion).await;
        assert_eq!(answer.failed(), sent == 0, "{confirm}: {answer:?}");
        assert_eq!(simulator.requests().len(), sent, "{confirm}");
    }
}

#[tokio::test]
async fn hp_24_the_server_does_not_call_itself() {
    let mut session = Session::serve(&["--access", "destructive"]).await;
    let port = session.address().port();
    for host in ["127.0.0.1", "localhost", "[::ffff:127.0.0.1]"] {
        for tool in ["list_devices", "diagnose_connection"] {
            let arguments =
                json!({ "host": format!("{host}:{port}"), "apiKey": SENTINEL, "use_ssl": false });
            let answer = post(session.address(), &[], &call(tool, arguments)).await;
            let text = answer.result_text();
            assert!(
                answer.failed() && text.contains("is this MCP server itself"),
                "{host}: {text}"
            );
        }
    }
    // Whoever names it as allowed does not mean it.
    session = Session::serve(&["--listen", "0.0.0.0:0", "--allowed-targets", "127.0.0.0/8"]).await;
    let port = session.address().port();
    for host in ["127.0.0.1", "127.0.0.9"] {
        let arguments =
            json!({ "host": format!("{host}:{port}"), "apiKey": SENTINEL, "use_ssl": false });
        let address = ([127, 0, 0, 1], port).into();
        let answer = post(address, &[], &call("list_devices", arguments)).await;
        assert!(
            answer.result_text().contains("is this MCP server itself"),
            "{answer:?}"
        );
    }
    session.check(SENTINEL).await;
    let simulator = simulator().await;
    let address = ([127, 0, 0, 1], port).into();
    let answer = post(address, &[], &list_devices(&simulator)).await;
    assert!(
        !answer.failed(),
        "another port is another server: {answer:?}"
    );
}

/// The response to a message under these values of `Accept`, and no other.
async fn accepting(session: &Session, accept: &[&str], message: &Value) -> Answer {
    let message = message.to_string();
    let mut headers = headers_for(message.as_bytes(), Some("2025-11-25"));
    headers.retain(|(name, _)| name != "Accept");
    headers.extend(
        accept
            .iter()
            .map(|value| ("Accept".to_owned(), (*value).to_owned())),
    );
    ask(session.address(), "POST", "/mcp", &headers, message).await
}

#[tokio::test]
async fn fl_05_whoever_takes_json_is_served_json() {
    let simulator = simulator().await;
    let session = Session::serve(&[]).await;
    for accept in [
        &[][..],
        &[""],
        &["application/json"],
        &["Application/JSON;charset=utf-8"],
        &["*/*"],
        &["application/*"],
        &["text/html, *; q=.2, */*; q=.2"],
        &["text/event-stream, application/json;q=0.1"],
        &["text/event-stream", "application/json"],
        &["*/*;q=0, application/json"],
    ] {
        for message in [list_devices(&simulator), newest(list_devices(&simulator))] {
            let answer = accepting(&session, accept, &message).await;
            assert_eq!(answer.status, 200, "{accept:?}: {answer:?}");
            assert_eq!(answer.header("content-type"), Some("application/json"));
            assert!(answer.result_text().contains("core-sw-01"), "{answer:?}");
        }
        let notification = json!({ "jsonrpc": "2.0", "method": "notifications/initialized" });
        let answer = accepting(&session, accept, &notification).await;
        assert_eq!(
            (answer.status, answer.text.as_str()),
            (202, ""),
            "{accept:?}"
        );
    }
}

#[tokio::test]
async fn fl_05_whoever_takes_only_events_gets_the_answer_as_one_event() {
    let simulator = simulator().await;
    let session = Session::serve(&[]).await;
    for accept in [
        &["text/event-stream"][..],
        &["text/*"],
        &["TEXT/EVENT-STREAM; charset=utf-8, text/html"],
        &["application/json;q=0, text/event-stream"],
        &["application/*;q=0.0, */*"],
    ] {
        for message in [list_devices(&simulator), newest(list_devices(&simulator))] {
            let answer = accepting(&session, accept, &message).await;
            assert_eq!(answer.status, 200, "{accept:?}: {answer:?}");
            assert_eq!(answer.header("content-type"), Some("text/event-stream"));
            assert!(
                answer.text.starts_with("event: message\ndata: {"),
                "{answer:?}"
            );
            assert!(answer.text.ends_with("}\n\n"), "{answer:?}");
            let messages = answer.messages();
            assert_eq!(messages.len(), 1, "{answer:?}");
            let message: Value = serde_json::from_str(&messages[0]).unwrap();
            let text = message["result"]["content"][0]["text"].as_str().unwrap();
            assert_eq!(
                (&message["id"], text.contains("core-sw-01")),
                (&json!(1), true)
            );
        }
        // What has no response, or is an error by its status, is no event.
        let notification = json!({ "jsonrpc": "2.0", "method": "notifications/initialized" });
        let answer = accepting(&session, accept, &notification).await;
        assert_eq!(
            (answer.status, answer.text.as_str()),
            (202, ""),
            "{accept:?}"
        );
        let answer = accepting(&session, accept, &json!({ "jsonrpc": "2.0", "id": 1 })).await;
        assert_eq!((answer.status, &answer.json()["id"]), (400, &json!(1)));
    }
}

#[tokio::test]
async fn fl_05_whoever_takes_neither_is_told_what_there_is() {
    let simulator = simulator().await;
    let session = Session::serve(&[]).await;
    for accept in [
        &["text/html"][..],
        &["application/jsonp, evil/type"],
        &["*/*;q=0"],
        &["application/json;q=0, text/event-stream;q=0.000"],
    ] {
        let answer = accepting(&session, accept, &list_devices(&simulator)).await;
        check_refused(accept[0], &answer, 406);
        for kind in ["application/json", "text/event-stream"] {
            assert!(answer.text.contains(kind), "{answer:?}");
        }
    }
    assert_eq!(simulator.connections(), 0);
    let metrics = get(session.address(), "/metrics").await.text;
    assert!(metrics.contains("reason=\"media_type\""), "{metrics}");
}

#[tokio::test]
async fn fl_05_a_path_or_method_that_is_nearly_right_is_told_the_right_one() {
    let simulator = simulator().await;
    let session = Session::serve(&[]).await;
    let address = session.address();
    let message = list_devices(&simulator).to_string();
    let headers = headers_for(message.as_bytes(), Some("2025-11-25"));
    for path in [
        "/",
        "/mcp/",
        "/MCP",
        "/sse",
        "/messages",
        "/message?sessionId=evil",
        "/mcp/sse",
        "/v1/mcp",
        "//mcp",
        "/jsonrpc",
        "/healthz",
        "/metrics/",
    ] {
        for method in ["POST", "GET"] {
            let answer = ask(address, method, path, &headers, message.clone()).await;
            check_refused(path, &answer, 404);
            for part in ["POST /mcp", "GET /health", "/metrics"] {
                assert!(answer.text.contains(part), "{path}: {answer:?}");
            }
            assert_eq!(answer.text.lines().count(), 1, "{answer:?}");
        }
    }
    for method in ["GET", "PUT", "DELETE", "PATCH", "OPTIONS"] {
        let answer = ask(address, method, "/mcp", &headers, message.clone()).await;
        check_refused(method, &answer, 405);
        assert_eq!(answer.header("allow"), Some("POST"), "{method}");
        assert!(answer.text.contains("/mcp takes POST"), "{answer:?}");
        assert_eq!(answer.text.lines().count(), 1, "{answer:?}");
    }
    for path in ["/health", "/livez", "/readyz", "/metrics"] {
        let answer = ask(address, "POST", path, &headers, message.clone()).await;
        check_refused(path, &answer, 405);
        assert_eq!(answer.header("allow"), Some("GET, HEAD"), "{path}");
        assert!(answer.text.contains("takes GET and HEAD"), "{answer:?}");
    }
    assert_eq!(simulator.connections(), 0);
}
