//! Calls for ten alarms, some at one time, beside the same requests straight to the simulator.
//!
//! Owns the ways and what they cost: calls in a second, and processor time of the server. All ways are taken in
//! turn, by the same client where they speak HTTP. The simulator gives the same bytes without thinking, so that
//! as little as possible is measured beside the server.

use std::fs;
use std::io::{self, BufRead, BufReader, Write};
use std::net::SocketAddr;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use futures::StreamExt;
use futures::stream::FuturesUnordered;
use opmanager_mcp_server::opmanager::Operation;
use opmanager_mcp_server::opmanager::types::ListAlarmsArgs;
use opmanager_simulator::{Fault, FaultKind, Simulator};
use serde_json::{Value, json};
use tokio::runtime::Runtime;

use super::{NEWEST, PROGRAM, Session, Table, expect, median, shown};

/// Alarms in each answer.
const ALARMS: usize = 10;
/// How many calls run at one time.
const IN_FLIGHT: [usize; 2] = [1, 16];
/// The ways of a call, and what the transport does alone.
const WAYS: [&str; 4] = [
    "raw HTTP",
    "tools/call over HTTP",
    "tools/call over pipes",
    "ping over HTTP",
];
/// What the kernel counts a process's time in.
const TICK: Duration = Duration::from_millis(10);

/// How much is measured.
pub(super) struct Size {
    /// Turns of all ways.
    pub(super) rounds: usize,
    /// Calls of one way in one turn.
    pub(super) calls: usize,
}

/// Measures, and adds the results to the table.
pub(super) fn measure(
    size: &Size,
    runtime: &Runtime,
    simulator: &Simulator,
    table: &mut Table,
) -> io::Result<()> {
    let mut ways = Ways::new(runtime, simulator)?;
    let bytes = ways.bytes;
    for in_flight in IN_FLIGHT {
        table.section(
            &format!("{ALARMS} alarms, {bytes} bytes, {in_flight} in flight"),
            "calls/s",
            "of raw HTTP",
        );
        let mut taken = [(); WAYS.len()].map(|()| Vec::new());
        let mut processor = [Duration::ZERO; WAYS.len()];
        for round in 0..=size.rounds {
            simulator.clear_log();
            for turn in 0..WAYS.len() {
                let way = (round + turn) % WAYS.len();
                let before = ways.processor_time(way)?;
                let elapsed = ways.take(way, size.calls, in_flight)?;
                // The first round opens connections.
                if round > 0 {
                    taken[way].push(elapsed);
                    processor[way] += ways.processor_time(way)? - before;
                }
            }
        }
        let middle = taken.each_mut().map(|times| median(times));
        for (name, time) in WAYS.into_iter().zip(middle) {
            let rate = size.calls as f64 / time.as_secs_f64();
            let share = middle[0].as_secs_f64() / time.as_secs_f64();
            table.row(
                name,
                &format!("{rate:.0}"),
                &format!("{share:.2}"),
                size.rounds,
            );
        }
        if cfg!(target_os = "linux") {
            let each = (size.rounds * size.calls) as u32;
            table.note(&format!(
                "Processor time of the server for a call: {} over HTTP, {} over pipes; {} for a ping.",
                shown(processor[1] / each),
                shown(processor[2] / each),
                shown(processor[3] / each),
            ));
        }
    }
    table.note("Targets: a third of raw HTTP at 16 in flight, and less than 100 µs for a call.");
    table.note("A ping asks no OpManager: it is what the transport takes, beside which a call makes a raw request.");
    simulator.clear_faults();
    ways.session.end()?;
    ways.server.end()
}

/// What the ways of [`WAYS`] need.
struct Ways<'a> {
    runtime: &'a Runtime,
    client: reqwest::Client,
    url: String,
    key: String,
    server: Server,
    session: Session,
    parameters: Value,
    bytes: usize,
}

impl<'a> Ways<'a> {
    fn new(runtime: &'a Runtime, simulator: &Simulator) -> io::Result<Self> {
        let client = reqwest::Client::builder()
            .no_proxy()
            .http1_only()
            .build()
            .map_err(io::Error::other)?;
        let url = simulator.url() + ListAlarmsArgs::ID.specification().path;
        let key = simulator.api_key().to_owned();
        let asked = client.get(&url).header("apiKey", &key);
        let alarms = runtime
            .block_on(async { asked.send().await?.json::<Vec<Value>>().await })
            .map_err(io::Error::other)?;
        let alarms: Vec<&Value> = alarms.iter().cycle().take(ALARMS).collect();
        let body = serde_json::to_vec(&alarms)?;
        let bytes = body.len();
        simulator.inject(Fault::always(FaultKind::Respond {
            status: 200,
            content_type: Some("application/json".to_owned()),
            headers: Vec::new(),
            body,
        }));
        let parameters = json!({
            "name": "list_alarms",
            "arguments": { "host": simulator.host(), "apiKey": key, "use_ssl": false },
            "_meta": {
                "io.modelcontextprotocol/protocolVersion": NEWEST,
                "io.modelcontextprotocol/clientCapabilities": {},
            },
        });
        Ok(Self {
            runtime,
            client,
            url,
            key,
            server: Server::spawn(&[])?,
            session: Session::spawn()?,
            parameters,
            bytes,
        })
    }

    /// Processor time that the server of a way has taken so far.
    fn processor_time(&self, way: usize) -> io::Result<Duration> {
        match way {
            1 | 3 => processor_time(&self.server.child),
            2 => processor_time(&self.session.child),
            _ => Ok(Duration::ZERO),
        }
    }

    /// Makes that many calls, so many at one time.
    fn take(&mut self, way: usize, calls: usize, in_flight: usize) -> io::Result<Duration> {
        let started = Instant::now();
        match way {
            0 => {
                let request = self.client.get(&self.url).header("apiKey", &self.key);
                self.all(&request, b"[{", calls, in_flight)?;
            }
            1 => {
                let message = json!({ "jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": self.parameters });
                let request = self
                    .client
                    .post(&self.server.url)
                    .header("Accept", "application/json, text/event-stream")
                    .header("Content-Type", "application/json")
                    .header("MCP-Protocol-Version", NEWEST)
                    .header("Mcp-Method", "tools/call")
                    .header("Mcp-Name", "list_alarms")
                    .body(message.to_string());
                self.all(&request, br#""isError":false"#, calls, in_flight)?;
            }
            2 => self.session.pipeline(&self.parameters, calls, in_flight)?,
            _ => {
                let request = self
                    .client
                    .post(&self.server.url)
                    .header("Accept", "application/json, text/event-stream")
                    .header("Content-Type", "application/json")
                    .header("MCP-Protocol-Version", "2025-11-25")
                    .body(r#"{"jsonrpc":"2.0","id":1,"method":"ping"}"#);
                self.all(&request, br#""result":{}"#, calls, in_flight)?;
            }
        }
        Ok(started.elapsed())
    }

    /// Sends one request again and again.
    fn all(
        &self,
        request: &reqwest::RequestBuilder,
        wanted: &[u8],
        calls: usize,
        in_flight: usize,
    ) -> io::Result<()> {
        let once = async || {
            let request = request
                .try_clone()
                .ok_or_else(|| io::Error::other("a stream"))?;
            let answer = request.send().await.map_err(io::Error::other)?;
            let body = answer.bytes().await.map_err(io::Error::other)?;
            let good = body.windows(wanted.len()).any(|part| part == wanted);
            expect(good, "a call fails")
        };
        self.runtime.block_on(async {
            let mut running: FuturesUnordered<_> = (0..in_flight).map(|_| once()).collect();
            let mut left = calls - in_flight;
            while let Some(done) = running.next().await {
                done?;
                if left > 0 {
                    left -= 1;
                    running.push(once());
                }
            }
            Ok(())
        })
    }
}

impl Session {
    /// Makes that many calls, so many at one time; answers come in any order.
    fn pipeline(&mut self, parameters: &Value, calls: usize, in_flight: usize) -> io::Result<()> {
        let mut line = String::new();
        for begun in 0..calls + in_flight {
            if begun >= in_flight {
                line.clear();
                self.output.read_line(&mut line)?;
                expect(line.contains(r#""isError":false"#), "a call fails")?;
            }
            if begun < calls {
                self.last_id += 1;
                let request = json!({ "jsonrpc": "2.0", "id": self.last_id, "method": "tools/call", "params": parameters });
                self.input.write_all(format!("{request}\n").as_bytes())?;
            }
        }
        Ok(())
    }
}

/// The program as a service.
pub(super) struct Server {
    child: Child,
    url: String,
}

impl Server {
    pub(super) fn spawn(flags: &[&str]) -> io::Result<Self> {
        let mut child = Command::new(PROGRAM)
            .args(["http", "--listen", "127.0.0.1:0"])
            .args(super::UNMEASURED)
            .args(flags)
            .stdout(Stdio::piped())
            .spawn()?;
        let output = child.stdout.take();
        let output = output.ok_or_else(|| io::Error::other("the program has no pipe"))?;
        let mut line = String::new();
        BufReader::new(output).read_line(&mut line)?;
        let url = line.trim_end().strip_prefix("listening on ");
        let url = url.ok_or_else(|| io::Error::other("the program does not listen"))?;
        let url = url.to_owned();
        Ok(Self { child, url })
    }

    pub(super) fn address(&self) -> io::Result<SocketAddr> {
        let address = self.url.strip_prefix("http://");
        let address = address.and_then(|address| address.strip_suffix("/mcp"));
        address
            .and_then(|address| address.parse().ok())
            .ok_or_else(|| io::Error::other("the program listens elsewhere"))
    }

    pub(super) fn end(mut self) -> io::Result<()> {
        self.child.kill()?;
        self.child.wait().map(drop)
    }
}

/// Time that a process has run so far, in itself and in the kernel; zero where nobody tells.
fn processor_time(child: &Child) -> io::Result<Duration> {
    if !cfg!(target_os = "linux") {
        return Ok(Duration::ZERO);
    }
    let line = fs::read_to_string(format!("/proc/{}/stat", child.id()))?;
    // Fields 14 and 15; the second is a name in parentheses, which may hold anything.
    let fields = line.rsplit_once(')').map_or("", |(_, fields)| fields);
    let fields: Vec<u32> = fields
        .split_whitespace()
        .skip(11)
        .take(2)
        .map_while(|field| field.parse().ok())
        .collect();
    expect(fields.len() == 2, "the kernel tells no times")?;
    Ok(TICK * fields.iter().sum())
}
