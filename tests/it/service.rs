//! The program as a service over HTTP: who is let in, where a call's connection comes from, and its end.

use std::process::Stdio;

use opmanager_simulator::Simulator;
use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::TcpStream;
use tokio::process::{Child, Command};
use tokio::time::timeout;

use crate::support::{PATIENCE, PROGRAM, at, simulator};

const TOKEN: &str = "a-token-of-the-tests-0123456789";

struct Service {
    child: Child,
    address: String,
}

struct Answer {
    status: u16,
    head: String,
    body: String,
}

impl Answer {
    fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_else(|error| panic!("{error}: {}", self.body))
    }
}

impl Service {
    async fn start(flags: &[&str]) -> Self {
        let mut child = Command::new(PROGRAM)
            .args(["http", "--listen", "127.0.0.1:0", "--toolsets", "all"])
            .args(flags)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let line = timeout(PATIENCE, lines.next_line())
            .await
            .unwrap()
            .unwrap()
            .unwrap();
        let address = line
            .strip_prefix("listening on http://")
            .and_then(|rest| rest.strip_suffix("/mcp"))
            .unwrap()
            .to_owned();
        Self { child, address }
    }

    /// Sends a request of these lines and body, and reads its answer to the end.
    async fn send(&self, first: &str, headers: &[(&str, &str)], body: &str) -> Answer {
        let mut text = format!("{first} HTTP/1.1\r\nConnection: close\r\n");
        if !headers.iter().any(|(name, _)| *name == "Host") {
            text.push_str(&format!("Host: {}\r\n", self.address));
        }
        for (name, value) in headers {
            text.push_str(&format!("{name}: {value}\r\n"));
        }
        text.push_str(&format!("Content-Length: {}\r\n\r\n{body}", body.len()));
        let mut stream = TcpStream::connect(&self.address).await.unwrap();
        stream.write_all(text.as_bytes()).await.unwrap();
        let mut answer = Vec::new();
        timeout(PATIENCE, stream.read_to_end(&mut answer))
            .await
            .unwrap()
            .unwrap();
        let answer = String::from_utf8(answer).unwrap();
        let (head, body) = answer.split_once("\r\n\r\n").unwrap();
        Answer {
            status: head.split(' ').nth(1).unwrap().parse().unwrap(),
            head: head.to_ascii_lowercase(),
            body: body.to_owned(),
        }
    }

    async fn post(&self, headers: &[(&str, &str)], message: &Value) -> Answer {
        let usual = [
            ("Content-Type", "application/json"),
            ("Accept", "application/json, text/event-stream"),
        ];
        let headers = [&usual[..], headers].concat();
        self.send("POST /mcp", &headers, &message.to_string()).await
    }

    async fn call(&self, headers: &[(&str, &str)], tool: &str, arguments: Value) -> Answer {
        let params = json!({ "name": tool, "arguments": arguments });
        let message =
            json!({ "jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": params });
        self.post(headers, &message).await
    }

    /// Ends it, and returns its log.
    async fn end(self) -> String {
        let id = self.child.id().unwrap().to_string();
        Command::new("kill")
            .args(["-TERM", &id])
            .status()
            .await
            .unwrap();
        let output = timeout(PATIENCE, self.child.wait_with_output())
            .await
            .unwrap()
            .unwrap();
        assert!(output.status.success());
        String::from_utf8(output.stderr).unwrap()
    }
}

fn text(answer: &Answer) -> String {
    assert_eq!(answer.status, 200, "{}", answer.body);
    answer.json()["result"]["content"][0]["text"]
        .as_str()
        .unwrap()
        .to_owned()
}

fn list() -> Value {
    json!({ "jsonrpc": "2.0", "id": 1, "method": "tools/list", "params": {} })
}

#[tokio::test]
async fn a_call_over_http_is_that_over_pipes_and_its_log_says_who_made_it() {
    let simulator = simulator().await;
    let service = Service::start(&["--log-format", "json"]).await;
    let answer = service
        .call(&[], "list_devices", at(&simulator, json!({ "limit": 1 })))
        .await;
    let told: Value = serde_json::from_str(&text(&answer)).unwrap();
    assert_eq!(told["returned"], 1);
    for part in [
        "cache-control: no-store",
        "x-content-type-options: nosniff",
        "content-type: application/json",
    ] {
        assert!(answer.head.contains(part), "{}", answer.head);
    }
    assert!(!answer.head.contains("server:") && !answer.head.contains("mcp-session-id"));
    let metrics = service.send("GET /metrics", &[], "").await;
    assert!(
        metrics.body.contains("tool=\"list_devices\""),
        "{}",
        metrics.body
    );
    assert!(!metrics.body.contains(&simulator.host()));
    let log = service.end().await;
    let line = log
        .lines()
        .find(|line| line.contains("list_devices"))
        .unwrap();
    let line: Value = serde_json::from_str(line).unwrap();
    assert_eq!(line["client"], "127.0.0.1");
    assert_eq!(line["outcome"], "success");
    assert!(!log.contains(simulator.api_key()));
}

#[tokio::test]
async fn ht_01_to_05_other_hosts_origins_and_media_types_are_turned_away() {
    let simulator = simulator().await;
    let service = Service::start(&[
        "--allowed-hosts",
        "mcp.example",
        "--allowed-origins",
        "http://page.example:8080",
    ])
    .await;
    let port = service.address.rsplit(':').next().unwrap().to_owned();
    let json = ("Content-Type", "application/json");
    let accept = ("Accept", "application/json, text/event-stream");
    let given = at(&simulator, json!({}));
    let call = json!({ "jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": { "name": "list_devices", "arguments": given } });
    let own = format!("http://localhost:{port}");
    let wrong_port = "http://localhost:6666".to_owned();
    for (headers, status) in [
        (vec![json, accept, ("Host", "evil.example")], 403),
        (vec![json, accept, ("Host", "evil.example:3000")], 403),
        (
            vec![
                json,
                accept,
                ("Host", "localhost"),
                ("Host", "evil.example"),
            ],
            400,
        ),
        (vec![json, accept, ("Origin", "http://evil.example")], 403),
        (vec![json, accept, ("Origin", "null")], 403),
        (vec![json, accept, ("Origin", wrong_port.as_str())], 403),
        (vec![json, accept, ("Origin", "http://page.example")], 403),
        (vec![("Content-Type", "text/plain"), accept], 415),
        (vec![("Content-Type", "application/json-evil"), accept], 415),
        (
            vec![
                ("Content-Type", "application/x-www-form-urlencoded"),
                accept,
            ],
            415,
        ),
        (vec![accept], 415),
    ] {
        let answer = service.send("POST /mcp", &headers, &call.to_string()).await;
        let expected = if status == 400 {
            [400, 403]
        } else {
            [status, status]
        };
        assert!(
            expected.contains(&answer.status),
            "{headers:?}: {}",
            answer.body
        );
        assert!(
            !answer.body.contains("evil") && !answer.head.contains("access-control"),
            "{}",
            answer.head
        );
    }
    assert_eq!(simulator.connections(), 0);
    for headers in [
        vec![json, accept, ("Host", "mcp.example:443")],
        vec![json, accept, ("Origin", own.as_str())],
        vec![json, accept, ("Origin", "http://page.example:8080")],
    ] {
        let answer = service.send("POST /mcp", &headers, &call.to_string()).await;
        assert_eq!(answer.status, 200, "{headers:?}: {}", answer.body);
    }
    for (first, status) in [
        ("GET /mcp", 405),
        ("OPTIONS /mcp", 405),
        ("PUT /mcp", 405),
        ("POST /MCP", 404),
        ("POST /mcp/", 404),
        ("POST //mcp", 404),
        ("POST /%6dcp", 404),
        ("GET /", 404),
        ("POST /health", 405),
        ("GET /health", 200),
        ("GET /livez?x=1", 200),
        ("GET /readyz", 200),
    ] {
        let answer = service.send(first, &[], "").await;
        assert_eq!(answer.status, status, "{first}: {}", answer.body);
    }
    let evil = service
        .send("GET /health", &[("Host", "evil.example")], "")
        .await;
    assert_eq!((evil.status, evil.body.as_str()), (200, "ok\n"));
}

#[tokio::test]
async fn ht_08_what_is_no_message_or_too_long_is_refused_before_it_is_run() {
    let service = Service::start(&["--max-request-bytes", "2048"]).await;
    let usual = [
        ("Content-Type", "application/json"),
        ("Accept", "application/json, text/event-stream"),
    ];
    let long = format!("\"{}\"", "x".repeat(3000));
    let deep = format!(
        "{{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"x\",\"params\":{}{}}}",
        "[".repeat(200),
        "]".repeat(200)
    );
    for (body, status, code) in [
        (long.as_str(), 413, 0),
        (deep.as_str(), 400, -32600),
        ("{", 400, -32700),
        ("[]", 400, -32600),
        ("{\"jsonrpc\":\"2.0\",\"id\":1}", 400, -32600),
        ("", 400, 0),
    ] {
        let answer = service.send("POST /mcp", &usual, body).await;
        assert_eq!(answer.status, status, "{body}: {}", answer.body);
        if code != 0 {
            assert_eq!(answer.json()["error"]["code"], code);
        }
    }
    assert_eq!(service.post(&[], &list()).await.status, 200);
}

#[tokio::test]
async fn ht_13_a_token_of_the_file_is_needed_and_names_its_holder() {
    let folder = std::env::temp_dir().join(format!("opmanager-tokens-{}", std::process::id()));
    std::fs::write(&folder, format!("# who calls\nreader {TOKEN}\n\n")).unwrap();
    let service = Service::start(&["--http-token-file", folder.to_str().unwrap()]).await;
    let right = format!("Bearer {TOKEN}");
    for (headers, status) in [
        (vec![], 401),
        (
            vec![("Authorization", "Bearer another-token-0123456789")],
            401,
        ),
        (vec![("Authorization", TOKEN)], 401),
        (vec![("Authorization", right.as_str())], 200),
    ] {
        let answer = service.post(&headers, &list()).await;
        assert_eq!(answer.status, status, "{}", answer.body);
        assert_eq!(
            status == 401,
            answer.head.contains("www-authenticate: bearer")
        );
    }
    let authorization = [("Authorization", right.as_str())];
    service
        .call(&authorization, "find_operations", json!({ "query": "x" }))
        .await;
    assert_eq!(service.send("GET /metrics", &[], "").await.status, 401);
    assert_eq!(service.send("GET /health", &[], "").await.status, 200);
    let log = service.end().await;
    assert!(!log.contains(TOKEN));
    std::fs::remove_file(&folder).unwrap();
}

/// The headers that bring a connection to a simulator.
fn connection(simulator: &Simulator) -> [(String, String); 3] {
    [
        ("X-OpManager-Host".to_owned(), simulator.host()),
        (
            "X-OpManager-Api-Key".to_owned(),
            simulator.api_key().to_owned(),
        ),
        ("X-OpManager-Use-Ssl".to_owned(), "false".to_owned()),
    ]
}

#[tokio::test]
async fn with_credentials_in_headers_no_tool_takes_or_shows_them() {
    let simulator = simulator().await;
    let service = Service::start(&["--credentials", "headers"]).await;
    let listed = service.post(&[], &list()).await;
    for name in ["\"host\"", "apiKey", "use_ssl"] {
        assert!(!listed.body.contains(name), "{name}");
    }
    let headers = connection(&simulator);
    let headers: Vec<(&str, &str)> = headers
        .iter()
        .map(|(name, value)| (name.as_str(), value.as_str()))
        .collect();
    let answer = service
        .call(&headers, "list_devices", json!({ "limit": 1 }))
        .await;
    assert!(text(&answer).contains("\"returned\":1"));
    let requests = simulator.requests().len();
    // Arguments cannot name another place, nor a request that names none.
    let answer = service
        .call(&headers, "list_devices", json!({ "host": "127.0.0.1:1" }))
        .await;
    assert!(
        text(&answer).contains("`host` is not an argument"),
        "{}",
        answer.body
    );
    let answer = service.call(&[], "list_devices", json!({})).await;
    assert!(
        text(&answer).contains("X-OpManager-Host"),
        "{}",
        answer.body
    );
    let twice = [&headers[..], &headers[..1]].concat();
    assert_eq!(
        service.call(&twice, "list_devices", json!({})).await.status,
        400
    );
    assert_eq!(simulator.requests().len(), requests);
    let log = service.end().await;
    assert!(!log.contains(simulator.api_key()));
    // Where credentials are arguments, such headers say nothing.
    let service = Service::start(&[]).await;
    let answer = service.call(&headers, "list_devices", json!({})).await;
    assert!(
        text(&answer).contains("`host` is missing"),
        "{}",
        answer.body
    );
}

#[tokio::test]
async fn cc_10_what_cannot_start_says_why_and_health_says_whether_it_lives() {
    let service = Service::start(&[]).await;
    let run = async |arguments: &[&str]| {
        Command::new(PROGRAM)
            .args(arguments)
            .output()
            .await
            .unwrap()
    };
    let url = format!("http://{}/health", service.address);
    assert!(run(&["health", "--url", &url]).await.status.success());
    let taken = run(&["http", "--listen", &service.address]).await;
    assert_eq!(taken.status.code(), Some(1));
    assert!(
        String::from_utf8(taken.stderr)
            .unwrap()
            .contains("cannot listen on")
    );
    let none = run(&[
        "http",
        "--listen",
        "127.0.0.1:0",
        "--http-token-file",
        "/nowhere",
    ])
    .await;
    assert_eq!(none.status.code(), Some(2));
    let said = String::from_utf8(none.stderr).unwrap();
    assert!(
        said.contains("--http-token-file") && said.contains("/nowhere"),
        "{said}"
    );
    service.end().await;
    assert_eq!(run(&["health", "--url", &url]).await.status.code(), Some(1));
}
