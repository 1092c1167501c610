//! What the process needs of the system around it: a reader of its log, who may be none, and open files.
#![cfg(unix)]

use std::io::{BufRead, BufReader, PipeReader};
use std::net::SocketAddr;
use std::process::Stdio;

use rustix::process::{Pid, Signal, kill_process};
use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt, AsyncWriteExt};
use tokio::process::{Child, Command};
use tokio::time::timeout;

use crate::support::http::{Connection, get, headers_for};
use crate::support::{PATIENCE, PROGRAM};

/// Starts the program with a log that nobody reads for now.
fn unread(arguments: &[&str]) -> (Child, PipeReader) {
    let (log, writer) = std::io::pipe().unwrap();
    let child = Command::new(PROGRAM)
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(writer)
        .kill_on_drop(true)
        .spawn()
        .unwrap();
    (child, log)
}

/// A call that is refused, and leaves a line of the log.
fn refused(id: i64) -> Value {
    let params = json!({ "name": "list_devices", "arguments": {} });
    json!({ "jsonrpc": "2.0", "id": id, "method": "tools/call", "params": params })
}

async fn ends(child: &mut Child) {
    let status = timeout(PATIENCE, child.wait()).await;
    let status = status.expect("it must end").unwrap();
    assert!(status.success(), "{status}");
}

#[tokio::test]
async fn rt_28_a_log_that_nobody_reads_stops_no_session_and_is_counted() {
    // More than a pipe and the queue hold.
    const CALLS: i64 = 12_000;
    let (mut child, log) = unread(&["--log-format", "json"]);
    let mut input = child.stdin.take().unwrap();
    let output = tokio::io::BufReader::new(child.stdout.take().unwrap());
    let mut output = output.lines();
    let writing = tokio::spawn(async move {
        let hello = json!({
            "protocolVersion": "2025-11-25",
            "capabilities": {},
            "clientInfo": { "name": "test", "version": "1" },
        });
        let hello = json!({ "jsonrpc": "2.0", "id": 0, "method": "initialize", "params": hello });
        let ready = json!({ "jsonrpc": "2.0", "method": "notifications/initialized" });
        for message in [hello, ready].into_iter().chain((1..=CALLS).map(refused)) {
            input
                .write_all(format!("{message}\n").as_bytes())
                .await
                .unwrap();
        }
        input
    });
    let mut answers = 0;
    while answers <= CALLS {
        let line = timeout(PATIENCE, output.next_line()).await;
        let line = line.expect("the server must answer").unwrap().unwrap();
        assert!(line.contains("\"id\":"), "{line}");
        answers += 1;
    }
    let input = writing.await.unwrap();
    // Now somebody reads: each line is whole, and those that are missing are counted.
    let reading = tokio::task::spawn_blocking(move || {
        let (mut calls, mut dropped) = (0, 0);
        for line in BufReader::new(log).lines() {
            let line = line.unwrap();
            let event: Value = serde_json::from_str(&line).unwrap_or_else(|_| panic!("{line}"));
            match (event["outcome"].as_str(), event["message"].as_str()) {
                (Some("invalid_arguments"), _) => calls += 1,
                (None, Some("log lines were dropped")) => {
                    dropped += event["lines"].as_i64().unwrap();
                }
                other => panic!("{other:?}"),
            }
            if calls + dropped == CALLS {
                break;
            }
        }
        (calls, dropped)
    });
    let (calls, dropped) = timeout(PATIENCE, reading)
        .await
        .expect("all lines must be there or counted")
        .unwrap();
    assert!(dropped > 0 && calls > 0, "{calls} {dropped}");
    drop(input);
    ends(&mut child).await;
}

#[tokio::test]
async fn rt_28_a_log_that_nobody_reads_stops_no_service_and_no_end_of_it() {
    let (mut child, _log) = unread(&["http", "--listen", "127.0.0.1:0", "--log-format", "json"]);
    let output = tokio::io::BufReader::new(child.stdout.take().unwrap());
    let line = timeout(PATIENCE, output.lines().next_line()).await;
    let line = line.expect("it must listen").unwrap().unwrap();
    let address = line.strip_prefix("listening on http://").unwrap();
    let address: SocketAddr = address.strip_suffix("/mcp").unwrap().parse().unwrap();
    let mut connection = Connection::open(address).await;
    // More than a pipe holds.
    for id in 0..1_000 {
        let message = refused(id).to_string();
        let headers = headers_for(message.as_bytes(), Some("2025-11-25"));
        let answer = timeout(PATIENCE, connection.ask("POST", "/mcp", &headers, message));
        let answer = answer.await.expect("the server must answer").unwrap();
        assert_eq!(answer.status, 200, "{answer:?}");
    }
    assert_eq!(get(address, "/health").await.status, 200);
    drop(connection);
    let process = Pid::from_raw(child.id().unwrap().try_into().unwrap()).unwrap();
    kill_process(process, Signal::TERM).unwrap();
    ends(&mut child).await;
}

/// Starts the service under limits of open files, as `ulimit` sets them.
fn limited(limits: &str, arguments: &str) -> Child {
    Command::new("sh")
        .arg("-c")
        .arg(format!(
            "{limits} && exec \"$0\" http --listen 127.0.0.1:0 {arguments}"
        ))
        .arg(PROGRAM)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .unwrap()
}

#[tokio::test]
async fn a_hard_limit_of_open_files_that_is_too_low_is_told_of_at_the_start() {
    let mut child = limited("ulimit -Sn 128 && ulimit -Hn 300", "--max-connections 500");
    let log = tokio::io::BufReader::new(child.stderr.take().unwrap());
    let mut log = log.lines();
    let line = loop {
        let line = timeout(PATIENCE, log.next_line()).await;
        let line = line.expect("it must be told").unwrap().unwrap();
        if line.contains("limit of open files is too low") {
            break line;
        }
    };
    let needed = line.split("needed=").nth(1).unwrap();
    let needed: usize = needed.split(' ').next().unwrap().parse().unwrap();
    assert!(needed > 500 && line.contains("limit=300"), "{line}");
}

#[cfg(target_os = "linux")]
#[tokio::test]
async fn the_soft_limit_of_open_files_is_raised_as_far_as_it_is_needed() {
    let mut child = limited(
        "ulimit -Sn 128 && ulimit -Hn 4096",
        "--max-connections 1000",
    );
    let output = tokio::io::BufReader::new(child.stdout.take().unwrap());
    let line = timeout(PATIENCE, output.lines().next_line()).await;
    line.expect("it must listen").unwrap().unwrap();
    let limits = std::fs::read_to_string(format!("/proc/{}/limits", child.id().unwrap())).unwrap();
    let row = limits
        .lines()
        .find_map(|row| row.strip_prefix("Max open files"))
        .unwrap();
    let mut numbers = row.split_whitespace();
    let soft: usize = numbers.next().unwrap().parse().unwrap();
    assert!((1_000..4_096).contains(&soft), "{row}");
    assert_eq!(numbers.next(), Some("4096"));
    let process = Pid::from_raw(child.id().unwrap().try_into().unwrap()).unwrap();
    kill_process(process, Signal::TERM).unwrap();
    let ended = child.wait_with_output().await.unwrap();
    let log = String::from_utf8(ended.stderr).unwrap();
    assert!(!log.contains("limit of open files is too low"), "{log}");
}
