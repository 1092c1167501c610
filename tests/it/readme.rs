//! The table of README.md with the tokens of answers, measured, and its numbers of the default list. `UPDATE_DOCS=1`
//! writes the table, otherwise it is compared.

use std::fmt::Write as _;
use std::fs;
use std::sync::{Mutex, PoisonError};

use opmanager_mcp_server::opmanager::{ApiKey, Client, Connection, Http, Target, Trust, types};
use opmanager_mcp_server::tools::{self, Access};
use opmanager_simulator::{Fault, FaultKind};
use serde_json::{Value, json};

use crate::made_up;
use crate::support::{Session, at, simulator};
use crate::tools_page::list;

const README: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/README.md");

#[test]
fn what_is_said_of_the_default_list_is_true() {
    let (count, tokens) = list(&[], Access::Read);
    let (operations, rounded) = (tools::operations().count(), tokens.next_multiple_of(100));
    let readme = fs::read_to_string(README).unwrap().replace('\n', " ");
    for sentence in [
        format!(
            "So {count} tools are listed by default, for about {} tokens",
            thousands(rounded)
        ),
        format!("every one of the {operations} operations"),
    ] {
        assert!(
            readme.contains(&sentence),
            "README.md does not say: {sentence}"
        );
    }
}

#[tokio::test]
async fn the_token_table_is_what_is_measured() {
    compare("tokens", &tokens().await);
}

/// Compares what stands between two marks with what should, or writes it there.
fn compare(mark: &str, expected: &str) {
    // The tables are in one file, which one test at a time may write.
    static README_IS_MINE: Mutex<()> = Mutex::new(());
    let _mine = README_IS_MINE
        .lock()
        .unwrap_or_else(PoisonError::into_inner);
    let (start, end) = (format!("<!-- {mark} -->\n"), format!("<!-- /{mark} -->\n"));
    let readme = fs::read_to_string(README).unwrap();
    let (before, rest) = readme
        .split_once(&start)
        .unwrap_or_else(|| panic!("README.md has a line {start}"));
    let (found, after) = rest
        .split_once(&end)
        .unwrap_or_else(|| panic!("README.md has a line {end}"));
    if update() {
        fs::write(README, [before, &start, expected, &end, after].concat()).unwrap();
    } else {
        assert!(
            found == expected,
            "the table of {mark} in README.md is out of date; write it anew with\n\n    UPDATE_DOCS=1 cargo test --test it readme\n\nexpected:\n{expected}"
        );
    }
}

/// Compares a whole file with what it should be, or writes it.
pub(crate) fn is_written(path: &str, expected: &str) {
    if update() {
        fs::write(path, expected).unwrap();
        return;
    }
    let found = fs::read_to_string(path).unwrap_or_default();
    assert!(
        found == expected,
        "{path} is out of date; write it anew with\n\n    UPDATE_DOCS=1 cargo test --test it\n"
    );
}

#[allow(
    clippy::disallowed_methods,
    reason = "the switch of a test, not of the server"
)]
fn update() -> bool {
    std::env::var_os("UPDATE_DOCS").is_some_and(|value| value == "1")
}

/// A row for each call: the tokens of OpManager's answer as it came, and of what the model gets of it.
async fn tokens() -> String {
    let simulator = simulator().await;
    let mut session = Session::start(&[]).await;
    let target = Target::parse(&simulator.host(), None, Some(false)).unwrap();
    let key = ApiKey::new(simulator.api_key().to_owned()).unwrap();
    let client = Client::new(
        Http::default(),
        Connection::with(target, Trust::Verified, key),
    );
    let summary = types::GetDeviceSummaryArgs {
        name: "core-sw-01".parse().unwrap(),
        router_id: None,
        snap_type: None,
    };
    let text = |raw: opmanager_mcp_server::opmanager::RawResponse| {
        String::from_utf8(raw.body.to_vec()).unwrap()
    };
    let alarms = text(
        client
            .call_raw(&types::ListAlarmsArgs::default())
            .await
            .unwrap(),
    );
    let summary = text(client.call_raw(&summary).await.unwrap());
    let events = text(
        client
            .call_raw(&types::ListEventsArgs::default())
            .await
            .unwrap(),
    );
    let devices = made_up::devices(10_000);

    let encoding = tiktoken_rs::o200k_base().unwrap();
    let count = |text: &str| encoding.encode_ordinary(text).len();
    let mut table = String::from(
        "| call | bytes | tokens, as OpManager answers | tokens, as the model gets it |\n| --- | ---: | ---: | ---: |\n",
    );
    for (tool, given, shown, raw) in [
        ("list_alarms", json!({}), "", &alarms),
        (
            "list_alarms",
            json!({ "fields": "entity,displayName,severity,message" }),
            ", `fields` entity, displayName, severity, message",
            &alarms,
        ),
        ("list_devices", json!({}), ", 10,000 devices", &devices),
        (
            "list_devices",
            json!({ "fields": "deviceName,statusNum,ipaddress" }),
            ", 10,000 devices, `fields` deviceName, statusNum, ipaddress",
            &devices,
        ),
        (
            "get_device_summary",
            json!({ "name": "core-sw-01" }),
            "",
            &summary,
        ),
        ("list_events", json!({}), "", &events),
    ] {
        let reply = shaped(&mut session, &simulator, tool, given, raw).await;
        writeln!(
            table,
            "| `{tool}`{shown} | {} | {} | {} |",
            thousands(raw.len()),
            thousands(count(raw)),
            thousands(count(&reply))
        )
        .unwrap();
    }
    table
}

/// All that a model reads of the result of a call that OpManager answers like this.
async fn shaped(
    session: &mut Session,
    simulator: &opmanager_simulator::Simulator,
    tool: &str,
    given: Value,
    raw: &str,
) -> String {
    simulator.inject(Fault::once(FaultKind::Respond {
        status: 200,
        content_type: Some("application/json".to_owned()),
        headers: Vec::new(),
        body: raw.as_bytes().to_vec(),
    }));
    let reply = session.call(tool, at(simulator, given)).await;
    assert!(!reply.failed, "{}", reply.text());
    reply.texts.join("\n")
}

pub(crate) fn thousands(number: usize) -> String {
    match number {
        0..1000 => number.to_string(),
        _ => format!("{},{:03}", thousands(number / 1000), number % 1000),
    }
}
