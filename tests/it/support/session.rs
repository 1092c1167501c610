//! A session with the program, as an MCP client has it.
//!
//! It goes over pipes or over HTTP, as the test target says with `TRANSPORT`; what a test sends and receives is the same.

use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::process::{ExitStatus, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

#[cfg(unix)]
use rustix::process::{Pid, Signal, kill_process};
use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader, Lines};
use tokio::process::{Child, ChildStdin, ChildStdout, Command};
use tokio::sync::{Notify, mpsc};
use tokio::task::JoinHandle;
use tokio::time::timeout;

use super::{PATIENCE, PROGRAM, check_absent, check_message, http};
use crate::TRANSPORT;

/// Longest wait for a ping. It takes a millisecond; the rest is for a machine that builds and tests at once.
const PROMPT: Duration = Duration::from_secs(5);

/// How a session reaches the program.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Transport {
    /// Standard input and output.
    Pipes,
    /// A port.
    Http,
}

impl Transport {
    /// What the program is told before everything else.
    pub(crate) fn arguments(self) -> &'static [&'static str] {
        match self {
            Self::Pipes => &[],
            Self::Http => &["http", "--listen", "127.0.0.1:0"],
        }
    }
}

/// What a session over HTTP keeps.
struct Net {
    address: Option<SocketAddr>,
    /// What the handshake has settled on.
    version: Option<String>,
    arrived: mpsc::UnboundedSender<String>,
    /// Answers, as lines.
    answers: mpsc::UnboundedReceiver<String>,
    /// All that was said, heads and texts that are no message included.
    said: Arc<Mutex<String>>,
}

impl Net {
    fn new() -> Self {
        let (arrived, answers) = mpsc::unbounded_channel();
        Self {
            address: None,
            version: None,
            arrived,
            answers,
            said: Arc::default(),
        }
    }

    /// Sends a message; whoever waits for what this returns waits for its answer.
    fn post(&self, message: &[u8]) -> JoinHandle<()> {
        let (arrived, said) = (self.arrived.clone(), self.said.clone());
        let (address, message) = (self.address.unwrap(), message.to_vec());
        let headers = http::headers_for(&message, self.version.as_deref());
        tokio::spawn(async move {
            let mut connection = http::Connection::open(address).await;
            // A server that ends need not answer.
            let Ok(answer) = connection.ask("POST", "/mcp", &headers, message).await else {
                return;
            };
            said.lock().unwrap().push_str(&format!("{answer:?}\n"));
            for message in answer.messages() {
                // An error that is for no request is the status in other words.
                let is_status = answer.status >= 400
                    && serde_json::from_str::<Value>(&message)
                        .is_ok_and(|message| message.get("id").is_none());
                if !is_status {
                    let _ = arrived.send(message);
                }
            }
        })
    }
}

/// What the server logs, while it does.
#[derive(Clone, Default)]
pub(crate) struct Log(Arc<(Mutex<String>, Notify)>);

impl Log {
    fn add(&self, text: &str) {
        self.0.0.lock().unwrap().push_str(text);
        self.0.1.notify_waiters();
    }

    /// What is there so far.
    pub(crate) fn text(&self) -> String {
        self.0.0.lock().unwrap().clone()
    }

    /// Waits until a text is in it.
    pub(crate) async fn wait_for(&self, part: &str) {
        let waiting = async {
            loop {
                let more = self.0.1.notified();
                if self.text().contains(part) {
                    return;
                }
                more.await;
            }
        };
        if timeout(PATIENCE, waiting).await.is_err() {
            panic!("{part} must be logged: {}", self.text());
        }
    }
}

/// A running server and the way to it.
pub(crate) struct Session {
    child: Child,
    /// Where it runs: its home, its working directory, and its place for temporary files.
    folder: Folder,
    input: Option<ChildStdin>,
    output: Option<Lines<BufReader<ChildStdout>>>,
    /// `None` over pipes.
    net: Option<Net>,
    /// What it logs.
    pub(crate) log: Log,
    logging: JoinHandle<()>,
    last_id: i64,
    /// Every message that came.
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

    /// Starts the program in another environment. Unless its arguments say what is listed, each operation is a
    /// tool of its own: what is true of a call is tried on all of them.
    pub(crate) fn spawn_with(arguments: &[&str], prepare: impl FnOnce(&mut Command)) -> Self {
        Self::spawn_over(TRANSPORT, arguments, prepare)
    }

    /// Starts the program over HTTP, whatever the others do.
    pub(crate) async fn serve(arguments: &[&str]) -> Self {
        Self::serve_with(arguments, |_| {}).await
    }

    /// Starts the program over HTTP in another environment.
    pub(crate) async fn serve_with(arguments: &[&str], prepare: impl FnOnce(&mut Command)) -> Self {
        let mut session = Self::spawn_over(Transport::Http, arguments, prepare);
        session.find_address().await;
        session
    }

    fn spawn_over(
        transport: Transport,
        arguments: &[&str],
        prepare: impl FnOnce(&mut Command),
    ) -> Self {
        let folder = Folder::new();
        let mut command = Command::new(PROGRAM);
        let listens = arguments.contains(&"--listen");
        command.args(
            &transport.arguments()[..if listens {
                1
            } else {
                transport.arguments().len()
            }],
        );
        let says_what_is_listed = arguments
            .iter()
            .any(|argument| ["--toolsets", "--tools"].contains(argument));
        if !says_what_is_listed {
            command.args(["--toolsets", "all"]);
        }
        command
            .args(arguments)
            .current_dir(folder.path())
            .env("HOME", folder.path())
            .env("XDG_CONFIG_HOME", folder.path())
            .env("TMPDIR", folder.path())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true);
        prepare(&mut command);
        let mut child = command.spawn().unwrap();
        let mut error = BufReader::new(child.stderr.take().unwrap());
        let log = Log::default();
        let kept = log.clone();
        let logging = tokio::spawn(async move {
            let mut line = Vec::new();
            while error.read_until(b'\n', &mut line).await.unwrap_or(0) > 0 {
                kept.add(&String::from_utf8_lossy(&line));
                line.clear();
            }
        });
        Self {
            input: child.stdin.take(),
            output: Some(BufReader::new(child.stdout.take().unwrap()).lines()),
            child,
            folder,
            net: (transport == Transport::Http).then(Net::new),
            log,
            logging,
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

    /// The port of a server over HTTP.
    pub(crate) fn address(&self) -> SocketAddr {
        self.net.as_ref().unwrap().address.unwrap()
    }

    async fn find_address(&mut self) {
        let net = self.net.as_mut().unwrap();
        if net.address.is_none() {
            let line = timeout(PATIENCE, self.output.as_mut().unwrap().next_line());
            let line = line.await.expect("the server must say where it listens");
            let line = line.unwrap().expect("the server must listen");
            let address = line.strip_prefix("listening on http://").unwrap();
            let address = address.strip_suffix("/mcp").unwrap();
            let mut address: SocketAddr = address.parse().unwrap();
            if address.ip().is_unspecified() {
                address.set_ip(Ipv4Addr::LOCALHOST.into());
            }
            net.address = Some(address);
        }
    }

    /// Writes one line of any bytes. Over HTTP, where nothing else keeps two messages in order, it waits for the
    /// answer to all but a call.
    pub(crate) async fn send_line(&mut self, line: &[u8]) {
        if self.net.is_some() {
            self.find_address().await;
            let message: Value = serde_json::from_slice(line).unwrap_or_default();
            let posting = self.net.as_ref().unwrap().post(line);
            if message["method"] != "tools/call" {
                let posting = timeout(PATIENCE, posting).await;
                posting.expect("the server must answer").unwrap();
            }
            return;
        }
        let input = self.input.as_mut().unwrap();
        input.write_all(line).await.unwrap();
        input.write_all(b"\n").await.unwrap();
        input.flush().await.unwrap();
    }

    /// Reads the next message.
    pub(crate) async fn receive(&mut self) -> Value {
        let line = match &mut self.net {
            None => timeout(PATIENCE, self.output.as_mut().unwrap().next_line())
                .await
                .expect("the server must answer")
                .unwrap()
                .expect("the server must not close its output"),
            Some(net) => match timeout(PATIENCE, net.answers.recv()).await {
                Ok(line) => line.unwrap(),
                Err(_) => panic!("the server must answer: {}", net.said.lock().unwrap()),
            },
        };
        let message: Value =
            serde_json::from_str(&line).unwrap_or_else(|error| panic!("{error}: {line}"));
        if let (Some(net), Some(version)) =
            (&mut self.net, message["result"]["protocolVersion"].as_str())
        {
            net.version = Some(version.to_owned());
        }
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

    /// Writes bytes as they are.
    pub(crate) async fn send_bytes(&mut self, bytes: &[u8]) {
        let input = self.input.as_mut().unwrap();
        input.write_all(bytes).await.unwrap();
        input.flush().await.unwrap();
    }

    /// The input, to write to it while something else goes on.
    pub(crate) fn take_input(&mut self) -> ChildStdin {
        self.input.take().unwrap()
    }

    /// Takes no more answers.
    pub(crate) fn close_output(&mut self) {
        self.output = None;
    }

    /// The most memory that the server has had so far, in MiB.
    #[cfg(target_os = "linux")]
    pub(crate) fn peak(&self) -> usize {
        self.memory("VmHWM:")
    }

    #[cfg(target_os = "linux")]
    fn memory(&self, row: &str) -> usize {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.id())).unwrap();
        let row = status.lines().find_map(|line| line.strip_prefix(row));
        let kibibytes = row.and_then(|row| row.split_whitespace().next());
        kibibytes.unwrap().parse::<usize>().unwrap() / 1024
    }

    /// The rules that hold after every case: the server lives and answers; what it has said is protocol, and
    /// not the key; nor is the key where others can look; its memory is back; it has made no file.
    pub(crate) async fn check(&mut self, key: &str) {
        self.check_but_memory(key).await;
        #[cfg(target_os = "linux")]
        {
            let begun = Instant::now();
            while self.memory("VmRSS:") >= 64 {
                assert!(begun.elapsed() < PROMPT, "memory must come back");
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        }
    }

    /// The same after a load whose pieces the allocator of the C library keeps: that it needs no more for the next
    /// one is what can be shown then.
    pub(crate) async fn check_but_memory(&mut self, key: &str) {
        timeout(PROMPT, self.ping())
            .await
            .expect("a ping must be answered promptly");
        for line in &self.lines {
            check_message(line);
            check_absent("an answer", line, key);
        }
        if let Some(net) = &self.net {
            check_absent("an answer", &net.said.lock().unwrap(), key);
        }
        self.folder.check_empty();
        #[cfg(target_os = "linux")]
        {
            for file in ["cmdline", "environ", "comm"] {
                match std::fs::read(format!("/proc/{}/{file}", self.id())) {
                    Ok(text) => check_absent(file, &String::from_utf8_lossy(&text), key),
                    // The environment of such a process is for root alone.
                    Err(error) => assert_eq!(
                        (file, error.kind()),
                        ("environ", std::io::ErrorKind::PermissionDenied)
                    ),
                }
            }
        }
    }

    /// The same, and at the end: it goes in peace, and has not logged the key.
    pub(crate) async fn conclude(mut self, key: &str) -> Finished {
        self.check(key).await;
        let folder = std::mem::replace(&mut self.folder, Folder::new());
        let finished = self.finish().await;
        finished.check(key);
        folder.check_empty();
        finished
    }

    /// Closes the input, or asks the service to end, and waits for the end.
    pub(crate) async fn finish(mut self) -> Finished {
        drop(self.input.take());
        if self.net.is_some() {
            // Before it has said where it listens it does not hear.
            self.find_address().await;
            #[cfg(unix)]
            self.signal(Signal::TERM);
        }
        self.end().await
    }

    /// Sends a signal.
    #[cfg(unix)]
    pub(crate) fn signal(&self, signal: Signal) {
        let process = Pid::from_raw(self.id().try_into().unwrap()).unwrap();
        kill_process(process, signal).unwrap();
    }

    /// Waits for the end.
    pub(crate) async fn end(mut self) -> Finished {
        let mut rest = Vec::new();
        if let Some(output) = &mut self.output {
            while let Ok(Some(line)) = timeout(PATIENCE, output.next_line())
                .await
                .expect("the server must end")
            {
                rest.push(line);
            }
        }
        let status = timeout(PATIENCE, self.child.wait())
            .await
            .expect("the server must end")
            .unwrap();
        self.logging.await.unwrap();
        if let Some(mut net) = self.net {
            while let Ok(line) = net.answers.try_recv() {
                rest.push(line);
            }
        }
        Finished {
            status,
            log: self.log.text(),
            rest,
        }
    }
}

impl Finished {
    /// Fails unless it ended in peace, with nothing but protocol on standard output and no key in its log.
    pub(crate) fn check(&self, key: &str) {
        assert!(self.status.success(), "{self:?}");
        check_absent("log", &self.log, key);
        for line in &self.rest {
            check_message(line);
            check_absent("standard output", line, key);
        }
    }
}

/// A folder that is empty at first and gone in the end.
struct Folder(PathBuf);

impl Folder {
    fn new() -> Self {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let name = format!(
            "server-{}-{}",
            std::process::id(),
            NEXT.fetch_add(1, Ordering::Relaxed)
        );
        let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(name);
        std::fs::create_dir_all(&folder).unwrap();
        Self(folder)
    }

    fn path(&self) -> &Path {
        &self.0
    }

    fn check_empty(&self) {
        let files: Vec<_> = std::fs::read_dir(&self.0).unwrap().collect();
        assert!(files.is_empty(), "{files:?}");
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}
