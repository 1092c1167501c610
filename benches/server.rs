//! What the server costs: the time to its first list, its memory, and its share of a call.
//!
//! ```text
//! cargo bench --bench server
//! ```
//!
//! Targets, on a quiet machine: the first `tools/list` answered within 20 ms of the spawn, and less than
//! 12 MB resident after it; with 16 calls in flight at least a third of what raw HTTP does, and less than 0.1 ms
//! of processor time for a call that gives ten alarms. They are printed beside the measurements and nothing fails
//! on them: how fast a machine is today is no property of the code. Run as a test, without `--bench`, every
//! measurement is taken twice, which shows that it still works.
//!
//! A harness crate repeats a function in its own process. Here most of the subject is another process, which is
//! spawned anew for each sample, weighed, and ended; and the ways of a call are taken in turn, so that a busy
//! moment of the machine hits all of them alike. Hence a main of its own: samples, sorted, and their median.

#[path = "server/hostile.rs"]
mod hostile;
#[path = "server/throughput.rs"]
mod throughput;

use std::fs;
use std::io::{self, BufRead, BufReader, Write};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::time::{Duration, Instant};

use opmanager_mcp_server::opmanager::types::ListAlarmsArgs;
use opmanager_mcp_server::opmanager::{ApiKey, Client, Connection, Http, Operation, Target, Trust};
use opmanager_simulator::{Options, Simulator};
use serde_json::{Value, json};
use throughput::Size;

const PROGRAM: &str = env!("CARGO_BIN_EXE_opmanager-mcp-server");
/// The newest version of the protocol.
const NEWEST: &str = "2026-07-28";

/// Samples of everything that spawns a process.
const SPAWNS: usize = 101;
/// Samples of each way of a call, after some that are not counted.
const CALLS: usize = 2_001;
const WARM_UP: usize = 200;
/// What is measured with several calls in flight.
const LOAD: Size = Size {
    rounds: 15,
    calls: 1_600,
};

/// Calls of an honest caller beside hostile ones.
const HONEST: usize = 501;

fn main() -> io::Result<()> {
    // reqwest, which is measured alone too, wants one to be chosen even where it speaks no TLS.
    let chosen = rustls::crypto::ring::default_provider().install_default();
    expect(chosen.is_ok(), "there is cryptography already")?;
    let measured = std::env::args().any(|argument| argument == "--bench");
    let (spawns, calls, warm_up, load) = if measured {
        (SPAWNS, CALLS, WARM_UP, LOAD)
    } else {
        let load = Size {
            rounds: 1,
            calls: 32,
        };
        (2, 2, 1, load)
    };
    let mut table = Table::new();
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(1)
        .enable_all()
        .build()?;
    let simulator = runtime.block_on(Simulator::start(Options::default()))?;

    table.section("From the spawn to the first answer", "median", "9 of 10 in");
    let mut weights = Vec::new();
    let mut bare = Vec::new();
    let mut handshake = Vec::new();
    let mut stateless = Vec::new();
    let mut first_calls = Vec::new();
    for _ in 0..spawns {
        bare.push(version()?);
        let (elapsed, session) = first_list(Session::initialize)?;
        handshake.push(elapsed);
        session.end()?;
        let (elapsed, mut session) = first_list(|_| Ok(()))?;
        stateless.push(elapsed);
        weights.extend(Weight::of(&session.child)?);
        first_calls.push(session.list_alarms(&simulator)?);
        session.end()?;
    }
    table.times("--version, to its end (what a process costs here)", bare);
    table.times("tools/list after the handshake of 2025-11-25", handshake);
    table.times("tools/list of 2026-07-28, which needs none", stateless);
    table.note("Target of a list on a quiet machine: 20 ms.");
    table.section("After that", "median", "9 of 10 in");
    table.times("the first tools/call, new connection", first_calls);

    let mut ways = Ways::new(&runtime, &simulator)?;
    let [mut raw, mut library, mut server] = [(); 3].map(|()| Vec::new());
    for round in 0..warm_up + calls {
        simulator.clear_log();
        let [one, two, three] = ways.take_all(round)?;
        if round >= warm_up {
            raw.push(one);
            library.push(two);
            server.push(three);
        }
    }
    weights.extend(Weight::of(&ways.session.child)?.map(|weight| Weight {
        when: "after calls",
        ..weight
    }));

    table.section("Resident memory", "median", "anonymous");
    table.weights("after the first list", &weights, "");
    table.weights(
        &format!("after {} calls", calls + warm_up),
        &weights,
        "after calls",
    );
    table.note("Target: 12 MB after the first list. What is not anonymous is the program's file.");

    let bytes = ways.bytes;
    table.section(
        &format!("One listAlarms of {bytes} bytes, connection kept"),
        "median",
        "9 of 10 in",
    );
    let floor = median(&mut raw);
    let whole = median(&mut server);
    table.times("reqwest alone", raw);
    table.times("the typed client", library);
    table.times("tools/call over pipes", server);
    table.note(&format!(
        "Through the server a call takes {:.2} times the bare request, {} more.",
        whole.as_secs_f64() / floor.as_secs_f64(),
        shown(whole.saturating_sub(floor)),
    ));

    ways.session.end()?;
    throughput::measure(&load, &runtime, &simulator, &mut table)?;
    hostile::measure(calls.min(HONEST), &runtime, &simulator, &mut table)?;
    runtime.block_on(simulator.shutdown());
    table.print()
}

/// How long the program takes to say its version and end.
fn version() -> io::Result<Duration> {
    let started = Instant::now();
    let status = Command::new(PROGRAM)
        .arg("--version")
        .stdout(Stdio::null())
        .status()?;
    let elapsed = started.elapsed();
    expect(status.success(), "--version fails")?;
    Ok(elapsed)
}

/// Spawns the program and asks for its list, after whatever the protocol version wants first.
fn first_list(
    greet: impl FnOnce(&mut Session) -> io::Result<()>,
) -> io::Result<(Duration, Session)> {
    let started = Instant::now();
    let mut session = Session::spawn()?;
    greet(&mut session)?;
    let answer = session.request("tools/list", json!({}))?;
    let elapsed = started.elapsed();
    let answer: Value = serde_json::from_str(&answer)?;
    let tools = answer["result"]["tools"].as_array().map_or(0, Vec::len);
    expect(tools > 0, "the list is empty")?;
    Ok((elapsed, session))
}

/// The three ways of one request to the same simulator.
struct Ways<'a> {
    runtime: &'a tokio::runtime::Runtime,
    simulator: &'a Simulator,
    http: reqwest::Client,
    url: String,
    key: String,
    client: Client,
    session: Session,
    bytes: usize,
}

impl<'a> Ways<'a> {
    fn new(runtime: &'a tokio::runtime::Runtime, simulator: &'a Simulator) -> io::Result<Self> {
        let key = simulator.api_key().to_owned();
        let target =
            Target::parse(&simulator.host(), None, Some(false)).map_err(io::Error::other)?;
        let connection = Connection::with(
            target,
            Trust::Verified,
            ApiKey::new(key.clone()).map_err(io::Error::other)?,
        );
        let client = Client::new(Http::default(), connection);
        runtime
            .block_on(client.call_raw(&ListAlarmsArgs::default()))
            .map_err(io::Error::other)?;
        let http = reqwest::Client::builder()
            .no_proxy()
            .http1_only()
            .build()
            .map_err(io::Error::other)?;
        Ok(Self {
            runtime,
            simulator,
            http,
            url: simulator.url() + ListAlarmsArgs::ID.specification().path,
            client,
            session: Session::spawn()?,
            key,
            bytes: 0,
        })
    }

    /// Takes each way once, every time another one first: what runs first finds the caches cold.
    fn take_all(&mut self, round: usize) -> io::Result<[Duration; 3]> {
        let mut taken = [Duration::ZERO; 3];
        for turn in 0..3 {
            let way = (round + turn) % 3;
            taken[way] = self.take(way)?;
        }
        Ok(taken)
    }

    fn take(&mut self, way: usize) -> io::Result<Duration> {
        let started = Instant::now();
        match way {
            0 => {
                self.bytes = self
                    .runtime
                    .block_on(self.raw())
                    .map_err(io::Error::other)?;
                Ok(started.elapsed())
            }
            1 => {
                let arguments = ListAlarmsArgs::default();
                let call = self.client.call_raw(&arguments);
                self.runtime.block_on(call).map_err(io::Error::other)?;
                Ok(started.elapsed())
            }
            _ => self.session.list_alarms(self.simulator),
        }
    }

    async fn raw(&self) -> reqwest::Result<usize> {
        let request = self.http.get(&self.url).header("apiKey", &self.key);
        let body = request.send().await?.error_for_status()?.bytes().await?;
        Ok(body.len())
    }
}

/// The program and its pipes.
struct Session {
    child: Child,
    input: ChildStdin,
    output: BufReader<ChildStdout>,
    /// Whether each request says the protocol version itself.
    stateless: bool,
    last_id: u64,
}

/// Flags without which other things would be measured: the log, and rate limits, which the simulator does not keep.
const UNMEASURED: [&str; 4] = ["--log-level", "off", "--share-of-rate", "off"];

impl Session {
    fn spawn() -> io::Result<Self> {
        let mut child = Command::new(PROGRAM)
            .args(UNMEASURED)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()?;
        let pipes = child.stdin.take().zip(child.stdout.take());
        let (input, output) = pipes.ok_or_else(|| io::Error::other("the program has no pipes"))?;
        Ok(Self {
            child,
            input,
            output: BufReader::new(output),
            stateless: true,
            last_id: 0,
        })
    }

    /// The handshake of the protocol versions that have one.
    fn initialize(&mut self) -> io::Result<()> {
        self.stateless = false;
        let parameters = json!({
            "protocolVersion": "2025-11-25",
            "capabilities": {},
            "clientInfo": { "name": "bench", "version": "0" },
        });
        self.request("initialize", parameters)?;
        writeln!(
            self.input,
            r#"{{"jsonrpc":"2.0","method":"notifications/initialized"}}"#
        )
    }

    /// Asks the simulator for its alarms through the program.
    fn list_alarms(&mut self, simulator: &Simulator) -> io::Result<Duration> {
        let parameters = json!({
            "name": "list_alarms",
            "arguments": { "host": simulator.host(), "apiKey": simulator.api_key(), "use_ssl": false },
        });
        let started = Instant::now();
        let answer = self.request("tools/call", parameters)?;
        let elapsed = started.elapsed();
        let answer: Value = serde_json::from_str(&answer)?;
        expect(answer["result"]["isError"] == false, "the call fails")?;
        Ok(elapsed)
    }

    /// Sends a request and gives the line that answers it.
    fn request(&mut self, method: &str, mut parameters: Value) -> io::Result<String> {
        self.last_id += 1;
        if self.stateless {
            parameters["_meta"] = json!({
                "io.modelcontextprotocol/protocolVersion": NEWEST,
                "io.modelcontextprotocol/clientCapabilities": {},
            });
        }
        let request =
            json!({ "jsonrpc": "2.0", "id": self.last_id, "method": method, "params": parameters });
        self.input.write_all(format!("{request}\n").as_bytes())?;
        let mut line = String::new();
        self.output.read_line(&mut line)?;
        expect(!line.is_empty(), "the program ended without an answer")?;
        Ok(line)
    }

    fn end(self) -> io::Result<()> {
        let Self {
            mut child, input, ..
        } = self;
        drop(input);
        expect(child.wait()?.success(), "the program fails at its end")
    }
}

fn expect(held: bool, otherwise: &str) -> io::Result<()> {
    if held {
        Ok(())
    } else {
        Err(io::Error::other(otherwise.to_owned()))
    }
}

/// Resident memory of a process, in bytes.
#[derive(Clone, Copy)]
struct Weight {
    when: &'static str,
    whole: u64,
    anonymous: u64,
}

impl Weight {
    /// As the kernel tells; only Linux does so this way.
    fn of(child: &Child) -> io::Result<Option<Self>> {
        if !cfg!(target_os = "linux") {
            return Ok(None);
        }
        let status = fs::read_to_string(format!("/proc/{}/status", child.id()))?;
        let field = |name: &str| -> Option<u64> {
            let line = status.lines().find_map(|line| line.strip_prefix(name))?;
            Some(line.split_whitespace().next()?.parse::<u64>().ok()? * 1024)
        };
        Ok(field("VmRSS:")
            .zip(field("RssAnon:"))
            .map(|(whole, anonymous)| Self {
                when: "",
                whole,
                anonymous,
            }))
    }
}

/// What is printed at the end, so that printing disturbs no measurement.
struct Table(String);

impl Table {
    fn new() -> Self {
        Self(String::new())
    }

    fn section(&mut self, title: &str, first: &str, second: &str) {
        self.0 += &format!("\n{title:<52} {first:>12} {second:>12} {:>8}\n", "samples");
    }

    fn row(&mut self, what: &str, first: &str, second: &str, samples: usize) {
        self.0 += &format!("  {what:<50} {first:>12} {second:>12} {samples:>8}\n");
    }

    fn times(&mut self, what: &str, mut samples: Vec<Duration>) {
        let middle = median(&mut samples);
        let most = samples[samples.len() * 9 / 10];
        self.row(what, &shown(middle), &shown(most), samples.len());
    }

    fn weights(&mut self, what: &str, all: &[Weight], when: &str) {
        let of = |part: fn(&Weight) -> u64| -> Vec<u64> {
            let chosen = all.iter().filter(|weight| weight.when == when);
            chosen.map(part).collect()
        };
        let (mut whole, mut anonymous) = (of(|weight| weight.whole), of(|w| w.anonymous));
        if whole.is_empty() {
            return self.note("Only Linux tells.");
        }
        let megabytes = |bytes: u64| format!("{:.1} MB", bytes as f64 / 1e6);
        let (first, second) = (median(&mut whole), median(&mut anonymous));
        self.row(what, &megabytes(first), &megabytes(second), whole.len());
    }

    fn note(&mut self, text: &str) {
        self.0 += &format!("  {text}\n");
    }

    fn print(&self) -> io::Result<()> {
        io::stdout().write_all(self.0.as_bytes())
    }
}

/// The middle one, which leaves the samples sorted.
fn median<T: Copy + Ord>(samples: &mut [T]) -> T {
    samples.sort_unstable();
    samples[samples.len() / 2]
}

fn shown(time: Duration) -> String {
    let microseconds = time.as_secs_f64() * 1e6;
    if microseconds < 1000.0 {
        format!("{microseconds:.0} µs")
    } else {
        format!("{:.2} ms", microseconds / 1000.0)
    }
}
