//! The command `call`: a tool called by a person or a script.

use std::process::{Output, Stdio};

use opmanager_simulator::Simulator;
use serde_json::Value;
use tokio::io::AsyncWriteExt;
use tokio::process::Command;

use crate::support::{PROGRAM, simulator};

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
        (&["list_devices", "--require-tls"], "`use_ssl`", 1),
        (&["list_device"], "did you mean `list_devices`", 2),
        (&["list_devices", "limit"], "name=value", 2),
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
