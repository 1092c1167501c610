//! What the tests share: a session with the program over pipes, as an MCP client has it, and arguments that
//! lead to a simulator.

use std::process::{ExitStatus, Stdio};
use std::time::Duration;

use opmanager_mcp_server::tools::{self, CatalogueTool};
use opmanager_simulator::{Kind, Operation, Options, Simulator, Tls, example_arguments};
use serde_json::{Map, Value, json};
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader, Lines};
use tokio::process::{Child, ChildStdin, ChildStdout, Command};
use tokio::task::JoinHandle;
use tokio::time::timeout;

/// Longest wait for anything that must happen; a test that waits this long has failed.
pub(crate) const PATIENCE: Duration = Duration::from_secs(20);

/// The program under test.
pub(crate) const PROGRAM: &str = env!("CARGO_BIN_EXE_opmanager-mcp-server");

/// A running server and its pipes.
pub(crate) struct Session {
    child: Child,
    input: Option<ChildStdin>,
    output: Lines<BufReader<ChildStdout>>,
    log: JoinHandle<String>,
    last_id: i64,
    /// Every line that came on standard output.
    pub(crate) lines: Vec<String>,
}

/// The result of a tool call.
#[derive(Debug)]
pub(crate) struct Reply {
    /// Whether it is marked as failed.
    pub(crate) failed: bool,
    /// The texts of its content blocks.
    pub(crate) texts: Vec<String>,
    /// The whole result.
    pub(crate) result: Value,
}

/// What a finished server left.
#[derive(Debug)]
pub(crate) struct Finished {
    /// Exit status.
    pub(crate) status: ExitStatus,
    /// Standard error.
    pub(crate) log: String,
    /// Lines of standard output that nobody had read.
    pub(crate) rest: Vec<String>,
}

/// A made-up OpManager over plain HTTP.
pub(crate) async fn simulator() -> Simulator {
    Simulator::start(Options::default()).await.unwrap()
}

/// A made-up OpManager over HTTPS, with a certificate that signs itself.
pub(crate) async fn self_signed_simulator() -> Simulator {
    let options = Options {
        tls: Tls::SelfSigned,
        ..Options::default()
    };
    Simulator::start(options).await.unwrap()
}

/// The arguments, with those that lead to a simulator before them.
pub(crate) fn at(simulator: &Simulator, arguments: Value) -> Value {
    let mut all = json!({ "host": simulator.host(), "apiKey": simulator.api_key() });
    if simulator.certificate_pem().is_none() {
        all["use_ssl"] = false.into();
    }
    merge(all, arguments)
}

/// The second object over the first.
pub(crate) fn merge(mut all: Value, more: Value) -> Value {
    let Value::Object(more) = more else {
        panic!("{more} is no object");
    };
    all.as_object_mut().unwrap().extend(more);
    all
}

/// The tool of an operation.
pub(crate) fn tool_of(operation: &Operation) -> &'static CatalogueTool {
    tools::catalogue()
        .iter()
        .find(|tool| tool.specification().id == operation.id)
        .unwrap()
}

/// Arguments with which an operation succeeds, as a caller gives them.
pub(crate) fn example(operation: &Operation) -> Map<String, Value> {
    example_arguments(operation.id)
        .into_iter()
        .filter_map(|(name, value)| {
            let mut parameters = operation.parameters.iter();
            let parameter = parameters.find(|parameter| parameter.name == name).unwrap();
            let value = match parameter.kind {
                _ if parameter.constant.is_some() => return None,
                Kind::Text => value.into(),
                Kind::Integer | Kind::Number | Kind::Boolean => value.parse().unwrap(),
            };
            Some((name.to_owned(), value))
        })
        .collect()
}

impl Reply {
    /// The first text.
    pub(crate) fn text(&self) -> &str {
        &self.texts[0]
    }

    /// The first text as JSON.
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(self.text()).unwrap_or_else(|error| panic!("{error}: {}", self.text()))
    }
}

impl Session {
    /// Starts the program without any handshake.
    pub(crate) fn spawn(arguments: &[&str]) -> Self {
        Self::spawn_with(arguments, |_| {})
    }

    /// Starts the program in another environment.
    pub(crate) fn spawn_with(arguments: &[&str], prepare: impl FnOnce(&mut Command)) -> Self {
        let mut command = Command::new(PROGRAM);
        command
            .args(arguments)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true);
        prepare(&mut command);
        let mut child = command.spawn().unwrap();
        let mut error = child.stderr.take().unwrap();
        let log = tokio::spawn(async move {
            let mut log = String::new();
            let _ = error.read_to_string(&mut log).await;
            log
        });
        Self {
            input: child.stdin.take(),
            output: BufReader::new(child.stdout.take().unwrap()).lines(),
            child,
            log,
            last_id: 0,
            lines: Vec::new(),
        }
    }

    /// Starts the program and shakes hands in protocol 2025-11-25.
    pub(crate) async fn start(arguments: &[&str]) -> Self {
        let mut session = Self::spawn(arguments);
        session.initialize("2025-11-25").await;
        session
    }

    /// The handshake of the protocols before 2026-07-28; returns the server's answer.
    pub(crate) async fn initialize(&mut self, version: &str) -> Value {
        let result = self
            .request(
                "initialize",
                json!({
                    "protocolVersion": version,
                    "capabilities": {},
                    "clientInfo": { "name": "test", "version": "1" },
                }),
            )
            .await;
        self.send(&json!({ "jsonrpc": "2.0", "method": "notifications/initialized" }))
            .await;
        result["result"].clone()
    }

    /// Process id.
    pub(crate) fn id(&self) -> u32 {
        self.child.id().unwrap()
    }

    /// Writes one message.
    pub(crate) async fn send(&mut self, message: &Value) {
        self.send_line(message.to_string().as_bytes()).await;
    }

    /// Writes one line of any bytes.
    pub(crate) async fn send_line(&mut self, line: &[u8]) {
        let input = self.input.as_mut().unwrap();
        input.write_all(line).await.unwrap();
        input.write_all(b"\n").await.unwrap();
        input.flush().await.unwrap();
    }

    /// Reads the next message.
    pub(crate) async fn receive(&mut self) -> Value {
        let line = timeout(PATIENCE, self.output.next_line())
            .await
            .expect("the server must answer")
            .unwrap()
            .expect("the server must not close its output");
        let message = serde_json::from_str(&line).unwrap_or_else(|error| panic!("{error}: {line}"));
        self.lines.push(line);
        message
    }

    /// Sends a request without waiting; returns its id.
    pub(crate) async fn begin(&mut self, method: &str, params: Value) -> i64 {
        self.last_id += 1;
        let id = self.last_id;
        self.send(&json!({ "jsonrpc": "2.0", "id": id, "method": method, "params": params }))
            .await;
        id
    }

    /// Sends a request and waits for its answer.
    pub(crate) async fn request(&mut self, method: &str, params: Value) -> Value {
        let id = self.begin(method, params).await;
        self.answer(id).await
    }

    /// Waits for the answer to a request; answers to others on the way are lost.
    pub(crate) async fn answer(&mut self, id: i64) -> Value {
        loop {
            let message = self.receive().await;
            if message["id"] == id {
                return message;
            }
        }
    }

    /// Calls a tool.
    pub(crate) async fn call(&mut self, tool: &str, arguments: Value) -> Reply {
        let answer = self
            .request(
                "tools/call",
                json!({ "name": tool, "arguments": arguments }),
            )
            .await;
        let result = answer["result"].clone();
        assert!(result.is_object(), "no result: {answer}");
        Reply {
            failed: result["isError"] == true,
            texts: result["content"]
                .as_array()
                .unwrap()
                .iter()
                .map(|block| block["text"].as_str().unwrap().to_owned())
                .collect(),
            result,
        }
    }

    /// Fails unless the server still answers.
    pub(crate) async fn ping(&mut self) {
        let answer = self.request("ping", json!({})).await;
        assert_eq!(answer["result"], json!({}), "{answer}");
    }

    /// The tools on offer.
    pub(crate) async fn tools(&mut self) -> Vec<Value> {
        let answer = self.request("tools/list", json!({})).await;
        answer["result"]["tools"].as_array().unwrap().clone()
    }

    /// Closes the input and waits for the end.
    pub(crate) async fn finish(mut self) -> Finished {
        drop(self.input.take());
        self.end().await
    }

    /// Waits for the end.
    pub(crate) async fn end(mut self) -> Finished {
        let mut rest = Vec::new();
        while let Ok(Some(line)) = timeout(PATIENCE, self.output.next_line())
            .await
            .expect("the server must end")
        {
            rest.push(line);
        }
        let status = timeout(PATIENCE, self.child.wait())
            .await
            .expect("the server must end")
            .unwrap();
        Finished {
            status,
            log: self.log.await.unwrap(),
            rest,
        }
    }
}
