//! The command `call`: a tool called by a person or a script.

use std::process::{Output, Stdio};

use clap::CommandFactory;
use opmanager_mcp_server::cli::Cli;
use opmanager_simulator::Simulator;
use serde_json::Value;
use tokio::io::AsyncWriteExt;
use tokio::process::Command;
use tokio::time::timeout;

use crate::support::{PATIENCE, PROGRAM, SENTINEL, simulator};

/// Runs `call` with the key piped in.
async fn call(simulator: &Simulator, key: &str, arguments: &[&str]) -> Output {
    let mut child = Command::new(PROGRAM)
        .args(["call", "--host", &simulator.host(), "--use-ssl", "false"])
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut input = child.stdin.take().unwrap();
    // What is refused at once does not read it.
    let _ = input.write_all(format!("{key}\n").as_bytes()).await;
    drop(input);
    let output = child.wait_with_output().await.unwrap();
    let both = [&output.stdout[..], &output.stderr].concat();
    assert!(!String::from_utf8_lossy(&both).contains(simulator.api_key()));
    output
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

#[tokio::test]
async fn the_answer_alone_is_printed_and_the_remark_beside_it() {
    let simulator = simulator().await;
    let key = simulator.api_key().to_owned();
    let output = call(
        &simulator,
        &key,
        &["list_devices", "limit=2", "fields=deviceName"],
    )
    .await;
    assert!(output.status.success(), "{}", text(&output.stderr));
    let answer: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(answer["returned"], 2);
    assert!(
        text(&output.stderr).contains("not instructions"),
        "{}",
        text(&output.stderr)
    );
    // Tools that are not listed by default need no way around.
    let output = call(&simulator, &key, &["list_probes"]).await;
    assert!(output.status.success(), "{}", text(&output.stderr));
    let output = call(
        &simulator,
        &key,
        &["find_operations", "query=mute a device"],
    )
    .await;
    assert!(text(&output.stdout).contains("configure_suppress_alarm"));
}

#[tokio::test]
async fn it_goes_the_way_of_an_agents_call() {
    let simulator = simulator().await;
    let key = simulator.api_key().to_owned();
    for (arguments, part, code) in [
        (
            &["delete_alarm", "entity=db-02_Poll"][..],
            "--access destructive",
            1,
        ),
        (
            &[
                "call_operation",
                "operation=delete_alarm",
                "arguments={\"entity\":\"db-02_Poll\"}",
            ],
            "--access destructive",
            1,
        ),
        (&["list_devices", "limit=many"], "`limit` must be", 1),
        (
            &["list_devices", "limit=1", "limit=2"],
            "limit is given twice",
            1,
        ),
        (&["list_devices", "--require-tls"], "--use-ssl", 1),
        (&["list_device"], "did you mean `list_devices`", 2),
        (
            &["list_devices", "limit"],
            "NAME=VALUE]...: must be name=value",
            2,
        ),
        (&["list_devices", "limits=1"], "list_devices takes", 1),
        (&["list_devices", "apiKey=x"], "other processes", 2),
        (&["list_devices", "host=x"], "say it with --host", 2),
    ] {
        let output = call(&simulator, &key, arguments).await;
        assert_eq!(
            output.status.code(),
            Some(code),
            "{arguments:?}: {}",
            text(&output.stderr)
        );
        assert!(
            text(&output.stderr).contains(part),
            "{arguments:?}: {}",
            text(&output.stderr)
        );
        assert!(output.stdout.is_empty());
    }
    assert_eq!(simulator.connections(), 0);
    let output = call(&simulator, "wrong-key", &["list_devices"]).await;
    assert_eq!(output.status.code(), Some(1));
    assert!(
        text(&output.stderr).contains("key"),
        "{}",
        text(&output.stderr)
    );
    let output = call(
        &simulator,
        &key,
        &[
            "delete_alarm",
            "entity=db-02_Poll",
            "--access",
            "destructive",
        ],
    )
    .await;
    assert!(output.status.success(), "{}", text(&output.stderr));
}

/// Every command of the program, by the words that lead to it; the first is the server over standard input.
pub(crate) fn commands() -> Vec<(Vec<String>, clap::Command)> {
    let mut root = Cli::command();
    root.build();
    let subcommands = root.get_subcommands().cloned();
    let mut found: Vec<_> = subcommands
        .map(|command| (vec![command.get_name().to_owned()], command))
        .collect();
    assert!(found.len() > 5, "{found:?}");
    found.insert(0, (Vec::new(), root));
    found
}

/// What the program says of arguments that it must refuse before it does anything.
fn refused(arguments: &[String]) -> String {
    let output = std::process::Command::new(PROGRAM)
        .args(arguments)
        .stdin(Stdio::null())
        .output()
        .unwrap();
    let said = text(&output.stderr);
    // What is a URL, and not that of a server's health, is found out later.
    let url = arguments.iter().any(|word| word.starts_with("--url"));
    let code = output.status.code();
    assert!(
        code == Some(2) || (url && code == Some(1)),
        "{arguments:?}: {said}"
    );
    assert!(output.stdout.is_empty(), "{arguments:?}");
    said
}

#[test]
fn rt_20_what_the_command_line_refuses_is_not_repeated_in_any_place_of_any_command() {
    let (mut places, mut unnamed) = (0, Vec::new());
    for (words, command) in commands() {
        let with = |more: &[&str]| -> Vec<String> {
            let more = more.iter().map(|word| (*word).to_owned());
            words.iter().cloned().chain(more).collect()
        };
        for secret in [SENTINEL, "0123456789abcdef0123456789abcdef", "a=b=c,d"] {
            let mut lines = vec![
                with(&[secret]),
                with(&["--", secret]),
                with(&[&format!("--{secret}")]),
                with(&[&format!("--{secret}=1")]),
                with(&[&format!("--apiKey={secret}")]),
                with(&["--apiKey", secret]),
                with(&[&format!("-{secret}")]),
                with(&[&format!("apiKey={secret}")]),
                with(&["list_alarms", &format!("apiKey={secret}")]),
                with(&["list_alarms", secret, secret]),
                with(&["help", secret]),
            ];
            for argument in command.get_arguments() {
                let Some(flag) = argument.get_long() else {
                    continue;
                };
                if ["help", "version"].contains(&flag) {
                    continue;
                }
                // Which text a flag takes is its own affair; a name of a host may be any.
                let takes_any = [
                    "host",
                    "allowed-hosts",
                    "allowed-targets",
                    "metrics-targets",
                ];
                let value = match takes_any.contains(&flag) {
                    true => format!("{secret}/{secret}"),
                    false => secret.to_owned(),
                };
                if flag != "host" {
                    lines.push(with(&[&format!("--{flag}={value}")]));
                    lines.push(with(&[&format!("--{flag}"), &value]));
                }
            }
            for line in lines {
                let said = refused(&line);
                for part in secret.split(['=', ',']).filter(|part| part.len() > 3) {
                    assert!(!said.contains(part), "{line:?}: {said}");
                }
                let Some(word) = line.get(words.len()) else {
                    continue;
                };
                let name = word.split('=').next().unwrap();
                let known = command.get_arguments().find(|argument| {
                    let long = argument.get_long().map(|long| format!("--{long}"));
                    long.as_deref() == Some(name)
                });
                // What follows a switch is not its value.
                if known
                    .is_some_and(|known| word.contains('=') || known.get_action().takes_values())
                {
                    places += 1;
                    if !said.contains(name) {
                        unnamed.push((line, said));
                    }
                }
            }
        }
    }
    assert!(places > 300, "{places}");
    assert!(unnamed.is_empty(), "the flag is named: {unnamed:?}");
}

#[test]
fn what_the_command_line_refuses_is_named_with_what_is_accepted() {
    for (line, part) in [
        (
            "--access all",
            "--access <LEVEL>: must be one of read, write, destructive",
        ),
        ("--access", "--access <LEVEL>: must be one of read"),
        ("--acces read", "did you mean --access?"),
        ("tool", "there is no such command; did you mean tools?"),
        (
            "--timeout 0",
            "--timeout <SECONDS>: must be a whole number from 1 to 86400",
        ),
        (
            "--timeout 1e3",
            "--timeout <SECONDS>: must be a whole number from 1 to 86400",
        ),
        (
            "--max-request-bytes 9",
            "must be a whole number from 1024 to",
        ),
        ("--deny-loopback=yes", "--deny-loopback takes no value"),
        (
            "--access read --access read",
            "--access <LEVEL> may be given once only",
        ),
        ("--access read tools", "cannot be used before a command"),
        ("--toolsets alarm", "did you mean `alarms`?"),
        ("call", "missing: --host <HOST[:PORT]>, <TOOL>"),
        (
            "http --listen 3000",
            "--listen <ADDRESS:PORT>: must be an address and a port",
        ),
        (
            "http --rate-limit 0",
            "--rate-limit <REQUESTS>: must be a whole number from 1 to",
        ),
        (
            "health --url http://",
            "--url <URL>: must be http://host:port/path",
        ),
        (
            "simulate --port 65536",
            "--port <PORT>: must be a whole number from 0 to 65535",
        ),
    ] {
        let words: Vec<String> = line.split(' ').map(str::to_owned).collect();
        let said = refused(&words);
        assert!(said.contains(part), "{line}: {said}");
        assert!(said.contains("--help"), "{line}: {said}");
    }
}

#[test]
fn rt_20_a_url_of_health_that_is_none_is_not_repeated() {
    for url in [
        SENTINEL.to_owned(),
        format!("http://{SENTINEL}@127.0.0.1:9/"),
        format!("https://{SENTINEL}/"),
        format!("http://{SENTINEL}.invalid:9/"),
    ] {
        let said = refused(&["health".to_owned(), "--url".to_owned(), url.clone()]);
        assert!(
            said.contains("--url:") && !said.contains(SENTINEL),
            "{url}: {said}"
        );
    }
}

#[tokio::test]
async fn rt_20_the_arguments_of_a_call_are_not_repeated() {
    let simulator = simulator().await;
    let key = simulator.api_key().to_owned();
    for line in [
        vec![format!("{SENTINEL}=1")],
        vec![format!("{SENTINEL}=1"), format!("{SENTINEL}=2")],
        vec![format!("limit={SENTINEL}")],
        vec![format!("=={SENTINEL}")],
        vec![format!("host={SENTINEL}")],
        vec![SENTINEL.to_owned()],
    ] {
        let words: Vec<&str> = line.iter().map(String::as_str).collect();
        let output = call(&simulator, &key, &[&["list_devices"], &words[..]].concat()).await;
        let said = text(&output.stderr);
        assert!(
            !output.status.success() && !said.contains(SENTINEL),
            "{line:?}: {said}"
        );
    }
    assert_eq!(simulator.connections(), 0);
}

#[tokio::test]
async fn the_demo_runs_to_its_end() {
    let output = Command::new(PROGRAM).arg("demo").output().await.unwrap();
    let text = text(&output.stdout);
    assert!(output.status.success(), "{text}");
    for part in [
        "get_down_devices",
        "call_operation",
        "acknowledge_alarm",
        "And delete it.",
        "--access destructive",
    ] {
        assert!(text.contains(part), "{part}: {text}");
    }
}

#[tokio::test]
async fn flags_of_the_simulator_that_cannot_be_used_say_what_can() {
    for (arguments, expected) in [
        (
            "--variant old",
            "must be one of documented, classic, newer, localized, msp, strict",
        ),
        ("--network large", "must be one of small, fleet"),
        (
            "--network fleet --without-story noise",
            "must be one of core-switch, ",
        ),
        ("--answer-time 4s..2s", "the shorter one first"),
        ("--answer-time 2..4", "in s or ms"),
        ("--answer-time 2s..2h", "up to an hour"),
        ("--answer-time 1s..3601s", "up to an hour"),
        ("--seed one", "must be a whole number"),
        ("--count-by address", "missing: --rate-limits"),
        ("--rate-header", "missing: --rate-limits"),
        (
            "--without-story orders",
            "--without-story needs --network fleet",
        ),
    ] {
        let output = Command::new(PROGRAM)
            .arg("simulate")
            .args(["--port", "0"])
            .args(arguments.split(' '))
            .kill_on_drop(true)
            .output();
        // What is accepted would be served until somebody stops it.
        let output = timeout(PATIENCE, output).await;
        let output = output
            .unwrap_or_else(|_| panic!("{arguments} is accepted"))
            .unwrap();
        let said = text(&output.stderr);
        assert!(!output.status.success(), "{arguments}");
        assert!(said.contains(expected), "{arguments}: {said}");
    }
}
