//! What an honest caller's call costs while four hostile ones do all that they may, beside what it costs alone.
//!
//! Owns the hostile callers: half bodies, calls that hang, targets that were never called before, and large messages
//! with answers that nobody reads. All callers have tokens. Their work, the simulator and the honest caller share this
//! machine with the server, so the ratio is of one run and tells more than the times.

use std::collections::VecDeque;
use std::convert::Infallible;
use std::io;
use std::net::SocketAddr;
use std::path::Path;
use std::time::{Duration, Instant};

use opmanager_simulator::{Fault, FaultKind, Simulator};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::runtime::Runtime;
use tokio::task::JoinSet;

use super::throughput::Server;
use super::{Table, expect, median};

const TOKENS: [&str; 5] = [
    "0000000000000000",
    "1111111111111111",
    "2222222222222222",
    "3333333333333333",
    "4444444444444444",
];
/// Calls of one caller that hang at one time: more than may run and wait.
const HANGING: usize = 250;
/// Targets that are called, each once.
const TARGETS: usize = 2_000;
/// Time between two half bodies, and between two large messages: an attacker's link is not endless either.
const PAUSE: Duration = Duration::from_millis(10);

/// Measures, and adds the results to the table.
pub(super) fn measure(
    calls: usize,
    runtime: &Runtime,
    simulator: &Simulator,
    table: &mut Table,
) -> io::Result<()> {
    let file = Path::new(env!("CARGO_TARGET_TMPDIR")).join("bench-tokens");
    let lines = TOKENS.iter().enumerate();
    let lines: String = lines
        .map(|(who, token)| format!("caller-{who} {token}\n"))
        .collect();
    write_for_the_owner(&file, &lines)?;
    simulator.inject(Fault::always(FaultKind::Hang).on("listEvents"));
    let server = Server::spawn(&["--http-token-file", &file.to_string_lossy()])?;
    let address = server.address()?;
    let (mut alone, mut meanwhile) = (Vec::new(), Vec::new());
    runtime.block_on(async {
        let honest = post(
            4,
            &call("list_alarms", &simulator.host(), simulator.api_key()),
        );
        // The first call finds out whom it may trust.
        timed(address, &honest).await?;
        for _ in 0..calls {
            simulator.clear_log();
            alone.push(timed(address, &honest).await?);
        }
        let mut hostile = begin(address, simulator).await?;
        for _ in 0..calls {
            meanwhile.push(timed(address, &honest).await?);
        }
        hostile.shutdown().await;
        Ok::<_, io::Error>(())
    })?;
    simulator.clear_faults();
    table.section("An honest caller's call over HTTP", "median", "9 of 10 in");
    let ratio = median(&mut meanwhile).as_secs_f64() / median(&mut alone).as_secs_f64();
    table.times("alone, new connection", alone);
    table.times("beside four hostile callers", meanwhile);
    table.note(&format!("Beside them it takes {ratio:.1} times as long."));
    server.end()
}

/// Writes a file that nobody else may read.
fn write_for_the_owner(file: &Path, text: &str) -> io::Result<()> {
    std::fs::write(file, text)?;
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        std::fs::set_permissions(file, std::fs::Permissions::from_mode(0o600))?;
    }
    Ok(())
}

fn call(tool: &str, host: &str, key: &str) -> Value {
    let arguments = json!({ "host": host, "apiKey": key, "use_ssl": false });
    json!({ "jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": { "name": tool, "arguments": arguments } })
}

/// A request of that caller, on a connection that is closed after it.
fn post(who: usize, message: &Value) -> String {
    let message = message.to_string();
    head(who, "Connection: close\r\n", message.len()) + &message
}

fn head(who: usize, more: &str, length: usize) -> String {
    format!(
        "POST /mcp HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {}\r\nContent-Type: application/json\r\nAccept: application/json, text/event-stream\r\n{more}Content-Length: {length}\r\n\r\n",
        TOKENS[who]
    )
}

async fn ask(address: SocketAddr, request: &str) -> io::Result<String> {
    let mut stream = TcpStream::connect(address).await?;
    stream.write_all(request.as_bytes()).await?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await?;
    Ok(answer)
}

async fn timed(address: SocketAddr, request: &str) -> io::Result<Duration> {
    let started = Instant::now();
    let answer = ask(address, request).await?;
    let elapsed = started.elapsed();
    expect(
        answer.contains(r#""isError":false"#),
        "an honest call fails",
    )?;
    Ok(elapsed)
}

/// Starts the hostile callers, and waits until one has all turns that it may have.
async fn begin(address: SocketAddr, simulator: &Simulator) -> io::Result<JoinSet<Infallible>> {
    let mut hostile = JoinSet::new();
    hostile.spawn(async move {
        let mut half = VecDeque::new();
        loop {
            if let Ok(mut stream) = TcpStream::connect(address).await {
                let _ = stream
                    .write_all((head(0, "", 60_000) + "{").as_bytes())
                    .await;
                half.push_back(stream);
            }
            half.truncate(400);
            tokio::time::sleep(PAUSE).await;
        }
    });
    let hanging = post(
        1,
        &call("list_events", &simulator.host(), simulator.api_key()),
    );
    for _ in 0..HANGING {
        let request = hanging.clone();
        hostile.spawn(async move {
            loop {
                let _ = ask(address, &request).await;
                tokio::time::sleep(PAUSE).await;
            }
        });
    }
    let port = everywhere(&mut hostile).await?;
    hostile.spawn(async move {
        for number in 0..TARGETS {
            let host = format!("127.1.{}.{}:{port}", number / 200, 1 + number % 200);
            let _ = ask(address, &post(2, &call("list_alarms", &host, "k"))).await;
        }
        std::future::pending().await
    });
    let mut large = call("list_alarms", "h", "k");
    large["params"]["arguments"]["category"] = vec![json!({ "a": 0 }); 8_000].into();
    let large = post(3, &large);
    let list =
        json!({ "jsonrpc": "2.0", "id": 1, "method": "tools/list", "params": {} }).to_string();
    let unread = (head(3, "", list.len()) + &list).repeat(60);
    hostile.spawn(async move {
        let mut kept = Vec::new();
        loop {
            let _ = ask(address, &large).await;
            if kept.len() < 100
                && let Ok(mut stream) = TcpStream::connect(address).await
            {
                let _ = stream.write_all(unread.as_bytes()).await;
                kept.push(stream);
            }
            tokio::time::sleep(PAUSE).await;
        }
    });
    let running = simulator.wait_until(|log| {
        let of = log.requests.iter();
        of.filter(|sent| sent.operation == Some("listEvents"))
            .count()
            >= 48
    });
    let running = tokio::time::timeout(Duration::from_secs(20), running).await;
    expect(running.is_ok(), "the hostile calls do not run")?;
    Ok(hostile)
}

/// An OpManager at every address of this machine, which has no alarms.
async fn everywhere(hostile: &mut JoinSet<Infallible>) -> io::Result<u16> {
    let listener = TcpListener::bind("0.0.0.0:0").await?;
    let port = listener.local_addr()?.port();
    hostile.spawn(async move {
        let mut open = JoinSet::new();
        loop {
            let Ok((mut stream, _)) = listener.accept().await else {
                continue;
            };
            open.spawn(async move {
                let mut bytes = [0; 4096];
                // A request is one packet here.
                while stream.read(&mut bytes).await.is_ok_and(|read| read > 0) {
                    let answer = "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n[]";
                    let _ = stream.write_all(answer.as_bytes()).await;
                }
            });
        }
    });
    Ok(port)
}
