//! The connections to OpManager: who shares one, how many there are, and how much may come on one. The numbers are those of
//! the red team's report.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use opmanager_mcp_server::opmanager::types::GetDownDevicesArgs;
use opmanager_mcp_server::opmanager::{
    ApiKey, Client, Connection, Egress, Error, Http, Limits, RawResponse, Target, Trust,
};
use opmanager_simulator::Tls;
use serde_json::json;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Notify, watch};
use tokio::task::JoinHandle;
use tokio::time::timeout;

use crate::support::{PATIENCE, SENTINEL, Session, at, merge, simulator};

const KEYS: [&str; 2] = ["zq1-one-tenants-key", "zq2-another-tenants"];

fn http(limits: Limits) -> Http {
    Http::new(Egress {
        limits,
        ..Egress::default()
    })
}

/// Limits under which only bytes end a call, and never time.
fn patient() -> Limits {
    Limits {
        timeout: Duration::from_secs(3600),
        ..Limits::default()
    }
}

fn client(http: &Http, host: &str, key: &str) -> Client {
    let target = Target::parse(host, None, Some(false)).unwrap();
    let key = ApiKey::new(key.to_owned()).unwrap();
    Client::new(http.clone(), Connection::with(target, Trust::Verified, key))
}

async fn ask(client: &Client) -> Result<RawResponse, Error> {
    timeout(PATIENCE, client.call_raw(&GetDownDevicesArgs::default()))
        .await
        .expect("a call must end")
}

async fn said(client: &Client) -> String {
    let raw = ask(client).await.unwrap();
    String::from_utf8(raw.body.to_vec()).unwrap()
}

/// Reads the head of a request, and returns the API key in it; `None` at the end of the connection.
async fn key_of_request(stream: &mut BufReader<TcpStream>) -> Option<String> {
    let mut key = None;
    loop {
        let mut line = String::new();
        if stream.read_line(&mut line).await.unwrap_or(0) == 0 {
            return None;
        }
        if let Some((name, value)) = line.trim_end().split_once(": ")
            && name.eq_ignore_ascii_case("apikey")
        {
            key = Some(value.to_owned());
        }
        if line == "\r\n" {
            return key;
        }
    }
}

fn response(body: &str) -> String {
    let length = body.len();
    format!(
        "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {length}\r\n\r\n{body}"
    )
}

/// An OpManager that does with each connection what it is told.
struct Upstream {
    host: String,
    connections: Arc<AtomicUsize>,
    accepting: JoinHandle<()>,
}

impl Upstream {
    async fn start<F>(
        address: &str,
        serve: impl Fn(BufReader<TcpStream>) -> F + Send + 'static,
    ) -> Self
    where
        F: Future<Output = ()> + Send + 'static,
    {
        let listener = TcpListener::bind(address).await.unwrap();
        let host = listener.local_addr().unwrap().to_string();
        let connections = Arc::new(AtomicUsize::new(0));
        let counted = Arc::clone(&connections);
        let accepting = tokio::spawn(async move {
            loop {
                let (stream, _) = listener.accept().await.unwrap();
                counted.fetch_add(1, Ordering::SeqCst);
                tokio::spawn(serve(BufReader::new(stream)));
            }
        });
        Self {
            host,
            connections,
            accepting,
        }
    }

    fn connections(&self) -> usize {
        self.connections.load(Ordering::SeqCst)
    }
}

impl Drop for Upstream {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

/// When a surplus response is sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Surplus {
    /// Together with the response before it.
    InOnePacket,
    /// A millisecond later, whoever asks meanwhile.
    Later,
    /// When the test says so, which then knows that it has arrived.
    Told,
}

/// Answers each request with its key, and then once more, when nobody asks.
async fn with_surplus(when: Surplus, send: Arc<Notify>, sent: Arc<Notify>) -> Upstream {
    Upstream::start("127.0.0.1:0", move |mut stream| {
        let (send, sent) = (Arc::clone(&send), Arc::clone(&sent));
        async move {
            while let Some(key) = key_of_request(&mut stream).await {
                let (first, second) = (
                    response(&format!("[\"asked {key}\"]")),
                    response(&format!("[\"surplus {key}\"]")),
                );
                if when == Surplus::InOnePacket {
                    let both = first + &second;
                    let _ = stream.write_all(both.as_bytes()).await;
                    continue;
                }
                let _ = stream.write_all(first.as_bytes()).await;
                match when {
                    Surplus::Later => tokio::time::sleep(Duration::from_millis(1)).await,
                    _ => send.notified().await,
                }
                let _ = stream.write_all(second.as_bytes()).await;
                sent.notify_one();
            }
        }
    })
    .await
}

#[tokio::test]
async fn rt_08_no_call_gets_the_response_to_another_key() {
    for when in [Surplus::InOnePacket, Surplus::Later] {
        let upstream = with_surplus(when, Arc::default(), Arc::default()).await;
        let http = http(Limits::default());
        let clients = KEYS.map(|key| client(&http, &upstream.host, key));
        for round in 0..200 {
            let text = said(&clients[round % 2]).await;
            assert!(text.contains(KEYS[round % 2]), "{when:?} {round}: {text}");
        }
    }
}

#[tokio::test]
async fn rt_08_calls_at_one_time_with_many_keys_get_their_own_responses() {
    let upstream = with_surplus(Surplus::Later, Arc::default(), Arc::default()).await;
    let http = http(Limits::default());
    let calls = (0..16).map(|number| {
        let key = format!("zq-key-of-tenant-{number:02}");
        let client = client(&http, &upstream.host, &key);
        async move {
            for round in 0..20 {
                let text = said(&client).await;
                assert!(text.contains(&key), "{round}: {text}");
            }
        }
    });
    futures::future::join_all(calls).await;
}

#[tokio::test]
async fn rt_08_a_response_that_came_before_its_request_is_nobodys() {
    for when in [Surplus::InOnePacket, Surplus::Told] {
        let (send, sent) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
        let upstream = with_surplus(when, Arc::clone(&send), Arc::clone(&sent)).await;
        let client = client(&http(Limits::default()), &upstream.host, KEYS[0]);
        for round in 1..=20 {
            assert_eq!(
                said(&client).await,
                format!("[\"asked {}\"]", KEYS[0]),
                "{when:?} {round}"
            );
            if when == Surplus::Told {
                send.notify_one();
                sent.notified().await;
            }
            assert_eq!(upstream.connections(), round, "{when:?}: closed");
        }
    }
}

/// The runtime is told of what arrives when it polls, and so is hyper. Here it arrives, and the next call begins, before
/// the runtime polls again.
#[tokio::test]
async fn rt_08_a_response_that_the_runtime_has_not_seen_is_nobodys_either() {
    use std::io::{BufRead as _, BufReader, Write as _};
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let host = listener.local_addr().unwrap().to_string();
    let (send, told) = std::sync::mpsc::channel::<()>();
    let (sent, arrived) = std::sync::mpsc::channel::<()>();
    let upstream = std::thread::spawn(move || {
        let mut kept = Vec::new();
        for number in 0..3 {
            let mut stream = BufReader::new(listener.accept().unwrap().0);
            let mut line = String::new();
            while line != "\r\n" {
                line.clear();
                stream.read_line(&mut line).unwrap();
            }
            let socket = stream.get_mut();
            let asked = response(&format!("[{number}]"));
            socket.write_all(asked.as_bytes()).unwrap();
            told.recv().unwrap();
            socket
                .write_all(response("[\"surplus\"]").as_bytes())
                .unwrap();
            sent.send(()).unwrap();
            kept.push(stream);
        }
    });
    let client = client(&http(Limits::default()), &host, KEYS[0]);
    for number in 0..3 {
        assert_eq!(said(&client).await, format!("[{number}]"));
        send.send(()).unwrap();
        // Blocks the runtime's only thread, which is meant.
        arrived.recv().unwrap();
    }
    upstream.join().unwrap();
}

#[tokio::test]
async fn a_connection_that_is_left_alone_is_used_again_by_its_key_alone() {
    let shared = http(Limits::default());
    let simulator = simulator().await;
    let ask = async |key: &str, host: &str| {
        let client = client(&shared, host, key);
        ask(&client).await.unwrap();
        simulator.connections()
    };
    let host = simulator.host();
    let mapped = host.replace("127.0.0.1", "[::ffff:127.0.0.1]");
    assert_eq!(ask(KEYS[0], &host).await, 1);
    assert_eq!(ask(KEYS[0], &mapped).await, 1, "the same address");
    assert_eq!(ask(KEYS[1], &host).await, 2, "another key");
    assert_eq!(ask(KEYS[0], &host).await, 2);
    assert_eq!(ask(KEYS[1], &mapped).await, 2);
}

#[tokio::test]
async fn a_connection_over_tls_is_used_again_too() {
    let inside = crate::support::fence::opmanager(Tls::CaSigned).await;
    let trusted = crate::support::fence::authority("pooled.pem", &inside);
    let mut session = Session::start(&["--ca-file", &trusted, "--access", "write"]).await;
    let note = json!({ "entity": "db-02_Poll", "notes": "seen" });
    for (tool, more, connections) in [
        ("list_alarms", json!({}), 1),
        ("list_alarms", json!({}), 1),
        ("add_notes", note, 2),
        ("list_alarms", json!({}), 2),
        ("list_alarms", json!({ "apiKey": KEYS[1] }), 3),
        ("list_alarms", json!({}), 3),
    ] {
        let reply = session.call(tool, at(&inside, more)).await;
        assert_eq!(
            reply.failed,
            connections == 3 && reply.text().contains("key"),
            "{tool}"
        );
        assert_eq!(inside.connections(), connections, "{tool}");
    }
    session.conclude(inside.api_key()).await;
}

#[tokio::test]
async fn rt_08_a_write_goes_out_on_a_connection_of_its_own() {
    let simulator = simulator().await;
    let mut session = Session::start(&["--access", "write"]).await;
    let note = json!({ "entity": "db-02_Poll", "notes": "seen" });
    for (tool, more, connections) in [
        // Neither does the next call go out on it, ...
        ("add_notes", note.clone(), 1),
        ("list_alarms", json!({}), 2),
        // ... nor does it go out on that of the call before.
        ("add_notes", note.clone(), 3),
        ("list_alarms", json!({}), 3),
        ("add_notes", note.clone(), 4),
        ("add_notes", note, 5),
        ("list_alarms", json!({}), 5),
    ] {
        let reply = session.call(tool, at(&simulator, more)).await;
        assert!(!reply.failed, "{tool}: {}", reply.text());
        assert_eq!(simulator.connections(), connections, "{tool}");
    }
    session.conclude(simulator.api_key()).await;
}

/// How many of the connections to an upstream are open.
fn open_connections() -> (watch::Sender<usize>, watch::Receiver<usize>) {
    watch::channel(0)
}

#[cfg(target_os = "linux")]
#[tokio::test]
async fn rt_06_idle_connections_over_all_targets_are_bounded() {
    const TARGETS: usize = 3000;
    const BOUND: usize = 128;
    let (open, mut opened) = open_connections();
    let upstream = Upstream::start("0.0.0.0:0", move |mut stream| {
        let open = open.clone();
        async move {
            open.send_modify(|open| *open += 1);
            while key_of_request(&mut stream).await.is_some() {
                let _ = stream.write_all(response("[]").as_bytes()).await;
            }
            open.send_modify(|open| *open -= 1);
        }
    })
    .await;
    let port = upstream.host.rsplit(':').next().unwrap();
    let mut session = Session::start(&[]).await;
    let descriptors = |session: &Session| {
        let path = format!("/proc/{}/fd", session.id());
        std::fs::read_dir(path).unwrap().count()
    };
    let before = descriptors(&session);
    for number in 0..TARGETS {
        let host = format!("127.7.{}.{}:{port}", number / 200, number % 200 + 1);
        let given = json!({ "host": host, "apiKey": SENTINEL, "use_ssl": false });
        let reply = session.call("list_devices", given).await;
        assert!(!reply.failed, "{}", reply.text());
    }
    assert_eq!(upstream.connections(), TARGETS);
    let bounded = opened.wait_for(|open| *open <= BOUND);
    timeout(PATIENCE, bounded)
        .await
        .expect("the rest must be closed")
        .unwrap();
    // Over HTTP the test's own last connections may still be open.
    const OWN: usize = 8;
    let now = descriptors(&session);
    assert!(now <= before + BOUND + OWN, "{before}, {now}");
    assert!(session.peak() < 48, "{} MiB", session.peak());
    session.conclude(SENTINEL).await;
}

/// An upstream that answers with a head and then with the same part for ever, or once.
async fn endless(head: Vec<u8>, part: Vec<u8>) -> (Upstream, Arc<AtomicUsize>) {
    let sent = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&sent);
    let upstream = Upstream::start("127.0.0.1:0", move |mut stream| {
        let (head, part, sent) = (head.clone(), part.clone(), Arc::clone(&counted));
        async move {
            let _ = key_of_request(&mut stream).await;
            let _ = stream.write_all(&head).await;
            while stream.write_all(&part).await.is_ok() {
                sent.fetch_add(part.len(), Ordering::SeqCst);
            }
        }
    })
    .await;
    (upstream, sent)
}

#[tokio::test]
async fn rt_29_nothing_that_a_response_is_made_of_goes_on_for_ever() {
    let head = |more: &str| format!("HTTP/1.1 200 OK\r\n{more}\r\n").into_bytes();
    let packed = head("Content-Encoding: gzip\r\n");
    let member = [0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 3].to_vec();
    let empty_member = [&member[..], &[3, 0, 0, 0, 0, 0, 0, 0, 0, 0]].concat();
    let one_byte_member = {
        use std::io::Write as _;
        let mut packer = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
        packer.write_all(b" ").unwrap();
        packer.finish().unwrap()
    };
    let with_name = [0x1f, 0x8b, 8, 8, 0, 0, 0, 0, 0, 3].to_vec();
    let with_comment = [0x1f, 0x8b, 8, 16, 0, 0, 0, 0, 0, 3].to_vec();
    let empty_block = [0, 0, 0, 0xff, 0xff].to_vec();
    let continued = |status: &str| format!("HTTP/1.1 {status}\r\nLink: </a>\r\n\r\n").into_bytes();
    let chunked = head("Transfer-Encoding: chunked\r\n");
    let cases: Vec<(&str, Vec<u8>, Vec<u8>)> = vec![
        ("empty members", packed.clone(), empty_member.repeat(64)),
        (
            "members of a byte",
            packed.clone(),
            one_byte_member.repeat(64),
        ),
        (
            "empty blocks",
            [packed.clone(), member.clone()].concat(),
            empty_block.repeat(256),
        ),
        (
            "a name",
            [packed.clone(), with_name].concat(),
            vec![b'x'; 4096],
        ),
        (
            "a comment",
            [packed.clone(), with_comment].concat(),
            vec![b'x'; 4096],
        ),
        (
            "interim responses",
            Vec::new(),
            continued("100 Continue").repeat(64),
        ),
        (
            "early hints",
            Vec::new(),
            continued("103 Early Hints").repeat(64),
        ),
        (
            "interim responses, one by one",
            Vec::new(),
            continued("102 Processing"),
        ),
        (
            "blank lines before the head",
            Vec::new(),
            b"\r\n".repeat(512),
        ),
        ("a status line", b"HTTP/1.1 200 ".to_vec(), vec![b'x'; 4096]),
        (
            "a header",
            b"HTTP/1.1 200 OK\r\nX: ".to_vec(),
            vec![b'x'; 4096],
        ),
        (
            "headers",
            b"HTTP/1.1 200 OK\r\n".to_vec(),
            b"X: y\r\n".repeat(512),
        ),
        (
            "headers of an interim response",
            b"HTTP/1.1 103 Early\r\n".to_vec(),
            b"X: y\r\n".repeat(512),
        ),
        ("the size of a chunk", chunked.clone(), vec![b'0'; 4096]),
        (
            "the extension of a chunk",
            [&chunked[..], b"5;"].concat(),
            vec![b'x'; 4096],
        ),
        (
            "spaces behind the size of a chunk",
            [&chunked[..], b"5"].concat(),
            vec![b' '; 4096],
        ),
        (
            "chunks of a byte",
            chunked.clone(),
            b"1\r\n \r\n".repeat(512),
        ),
        (
            "trailers",
            [&chunked[..], b"0\r\n"].concat(),
            b"X: y\r\n".repeat(512),
        ),
        ("a body", head(""), vec![b' '; 4096]),
        (
            "a chunked body",
            chunked,
            [b"1000\r\n".to_vec(), vec![b' '; 4096], b"\r\n".to_vec()].concat(),
        ),
    ];
    for (case, head, part) in cases {
        let (upstream, sent) = endless(head, part).await;
        let client = client(&http(patient()), &upstream.host, KEYS[0]);
        let everything = GetDownDevicesArgs::default();
        let result = timeout(PATIENCE, client.call_raw(&everything)).await;
        let error = result.expect(case).expect_err(case);
        // Only a body is too large. What has no content is told as what it is, and long before the limit.
        let content = ["a body", "a chunked body"].contains(&case);
        match error {
            Error::TooLarge { .. } => assert!(content, "{case}"),
            Error::Interrupted { .. } => assert!(!content, "{case}"),
            other => panic!("{case}: {other:?}"),
        }
        // The limit, as much again for framing, and what the system's own buffers take from a sender.
        let sent = sent.load(Ordering::SeqCst);
        assert!(sent < 24 << 20, "{case}: {sent} bytes");
    }
}

#[tokio::test]
async fn compressed_bytes_count_as_bytes_of_the_response() {
    use std::io::Write as _;
    // Noise, which packing makes larger.
    let mut noise = 1u32;
    let text: Vec<u8> = std::iter::repeat_with(|| {
        noise = noise.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (noise >> 24) as u8
    })
    .take(300_000)
    .collect();
    let mut packer = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    packer.write_all(&text).unwrap();
    let packed = packer.finish().unwrap();
    assert!(packed.len() > text.len());
    let whole = Arc::new(packed.clone());
    let upstream = Upstream::start("127.0.0.1:0", move |mut stream| {
        let whole = Arc::clone(&whole);
        async move {
            while key_of_request(&mut stream).await.is_some() {
                let head = format!(
                    "HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: {}\r\n\r\n",
                    whole.len()
                );
                let _ = stream.write_all(&[head.as_bytes(), &whole].concat()).await;
            }
        }
    })
    .await;
    for (limit, fits) in [
        (packed.len(), true),
        (packed.len() - 1, false),
        (text.len(), false),
    ] {
        let limits = Limits {
            max_response_bytes: limit,
            ..Limits::default()
        };
        match ask(&client(&http(limits), &upstream.host, KEYS[0])).await {
            Ok(raw) => assert!(fits && raw.body == text, "{limit}"),
            Err(error) => assert!(
                !fits && matches!(error, Error::TooLarge { .. }),
                "{limit}: {error}"
            ),
        }
    }
}

/// An upstream that begins a body for one key and never ends it, and answers the other.
async fn unfinished(begun: Vec<u8>) -> (Upstream, watch::Receiver<usize>) {
    let (open, opened) = open_connections();
    let upstream = Upstream::start("127.0.0.1:0", move |mut stream| {
        let (begun, open) = (begun.clone(), open.clone());
        async move {
            while let Some(key) = key_of_request(&mut stream).await {
                if key == KEYS[0] {
                    open.send_modify(|open| *open += 1);
                    let _ = stream.write_all(&begun).await;
                    // Until the other side leaves.
                    let _ = stream.read_u8().await;
                    return;
                }
                let _ = stream.write_all(response("[1]").as_bytes()).await;
            }
        }
    })
    .await;
    (upstream, opened)
}

#[tokio::test]
async fn rt_26_bodies_that_never_end_keep_no_small_response_waiting() {
    let chunked = |bytes: usize| {
        let body = " ".repeat(bytes);
        format!("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n{bytes:x}\r\n{body}")
            .into_bytes()
    };
    let announced = |bytes: usize| {
        let body = " ".repeat(bytes);
        format!("HTTP/1.1 200 OK\r\nContent-Length: 4194304\r\n\r\n{body}").into_bytes()
    };
    // More is not held of one response.
    let most = 4 * 1024 * 1024 - 1;
    for (bodies, begun) in [
        (16, chunked(1)),
        (64, chunked(1)),
        (64, announced(0)),
        (64, announced(1)),
        (64, chunked(100_000)),
        (32, announced(most)),
        (32, chunked(most)),
    ] {
        let (upstream, mut opened) = unfinished(begun).await;
        let shared = http(patient());
        let hanging: Vec<_> = (0..bodies)
            .map(|_| {
                let client = client(&shared, &upstream.host, KEYS[0]);
                tokio::spawn(async move { client.call_raw(&GetDownDevicesArgs::default()).await })
            })
            .collect();
        let all = opened.wait_for(|open| *open == bodies);
        timeout(PATIENCE, all).await.unwrap().unwrap();
        let other = client(&shared, &upstream.host, KEYS[1]);
        for _ in 0..3 {
            assert_eq!(said(&other).await, "[1]");
        }
        for call in hanging {
            assert!(!call.is_finished());
            call.abort();
        }
    }
}

/// An OpManager that answers the first request of its first connection, ends that at the second request after saying so
/// much of a response, and serves the connections after it as it is told.
async fn ends_kept_connections(
    says: &'static str,
    later: fn(usize) -> bool,
) -> (Upstream, Arc<AtomicUsize>) {
    let requests = Arc::new(AtomicUsize::new(0));
    let (seen, number) = (Arc::clone(&requests), Arc::new(AtomicUsize::new(0)));
    let upstream = Upstream::start("127.0.0.1:0", move |mut stream| {
        let (seen, number) = (Arc::clone(&seen), number.fetch_add(1, Ordering::SeqCst));
        async move {
            let mut of_connection = 0;
            while key_of_request(&mut stream).await.is_some() {
                seen.fetch_add(1, Ordering::SeqCst);
                let answers = if number == 0 {
                    of_connection == 0
                } else {
                    later(number)
                };
                let text = if answers {
                    response("[]")
                } else {
                    says.to_owned()
                };
                if stream.write_all(text.as_bytes()).await.is_err() || !answers {
                    return;
                }
                of_connection += 1;
            }
        }
    })
    .await;
    (upstream, requests)
}

#[tokio::test]
async fn a_read_whose_kept_connection_ended_without_a_word_is_asked_once_more() {
    for (says, later, succeeds, requests) in [
        ("", (|_| true) as fn(usize) -> bool, true, 3),
        // Not more than once.
        ("", |_| false, false, 3),
        // OpManager had begun to answer.
        ("H", |_| true, false, 2),
        ("HTTP/1.1 100 Continue\r\n\r\n", |_| true, false, 2),
    ] {
        let (upstream, seen) = ends_kept_connections(says, later).await;
        let mut session = Session::start(&[]).await;
        let call = json!({ "host": upstream.host, "apiKey": KEYS[0], "use_ssl": false });
        let first = session.call("get_down_devices", call.clone()).await;
        assert!(!first.failed, "{}", first.text());
        let second = session.call("get_down_devices", call).await;
        assert_eq!(second.failed, !succeeds, "{says:?}: {}", second.text());
        assert_eq!(seen.load(Ordering::SeqCst), requests, "{says:?}");
        assert_eq!(upstream.connections(), requests - 1, "{says:?}");
        session.conclude(KEYS[0]).await;
    }
}

#[tokio::test]
async fn what_may_change_something_is_never_asked_twice() {
    // The typed client does not know what its caller's operation does.
    let (upstream, seen) = ends_kept_connections("", |_| true).await;
    let http = http(patient());
    let client = client(&http, &upstream.host, KEYS[0]);
    ask(&client).await.unwrap();
    assert!(matches!(ask(&client).await, Err(Error::Interrupted { .. })));
    assert_eq!(seen.load(Ordering::SeqCst), 2);
    // A write has a connection of its own, which ends under it here.
    let (upstream, seen) = ends_kept_connections("", |_| false).await;
    let mut session = Session::start(&["--access", "write"]).await;
    let call = json!({ "host": upstream.host, "apiKey": KEYS[0], "use_ssl": false });
    let read = session.call("get_down_devices", call.clone()).await;
    assert!(!read.failed, "{}", read.text());
    let note = merge(call, json!({ "entity": "x_Poll", "notes": "seen" }));
    let written = session.call("add_notes", note).await;
    assert!(written.failed, "{}", written.text());
    assert!(
        written.text().contains("outcome is unknown"),
        "{}",
        written.text()
    );
    assert_eq!(seen.load(Ordering::SeqCst), 2);
    session.conclude(KEYS[0]).await;
}
