//! The same reads against each kind of OpManager, through the tools: whatever the variant, they mean the same.

use std::collections::BTreeMap;

use opmanager_simulator::{Options, Simulator, Variant, contract};
use serde_json::{Value, json};

use crate::support::{Session, at, tool_of};

/// An operation, arguments of it, and the members that carry its meaning.
struct Read {
    operation: &'static str,
    arguments: Value,
    members: &'static [&'static str],
}

fn read(operation: &'static str, arguments: Value, members: &'static [&'static str]) -> Read {
    Read {
        operation,
        arguments,
        members,
    }
}

/// Devices with their severity, alarms by severity, what is down, interfaces with their state, groups, business views,
/// schedules, profiles. Names are those that people see: on a Central the others have a suffix.
fn reads() -> Vec<Read> {
    let page = json!({ "page": 1, "rows": 100 });
    vec![
        read("listDevices", page.clone(), &["displayName", "statusNum"]),
        read("listDevices", json!({}), &["displayName", "statusNum"]),
        read(
            "listDevices",
            json!({ "page": 1, "rows": 100, "severity": 1 }),
            &["displayName", "statusNum"],
        ),
        read(
            "listDevices",
            json!({ "page": 1, "rows": 100, "category": "Router" }),
            &["displayName", "statusNum"],
        ),
        read(
            "listDevices",
            json!({ "page": 1, "rows": 100, "category": "Storage" }),
            &["displayName"],
        ),
        read(
            "listAlarms",
            json!({ "alertType": "ActiveAlarms" }),
            &["displayName", "numericSeverity", "modTimeLong", "who"],
        ),
        // Some servers list cleared alarms too unless they are told the type, which the tool does by itself.
        read("listAlarms", json!({}), &["displayName", "numericSeverity"]),
        read(
            "listAlarms",
            json!({ "severity": 2 }),
            &["displayName", "numericSeverity"],
        ),
        read(
            "listEvents",
            json!({ "period": "Today" }),
            &["displayname", "statusNum"],
        ),
        read("getDownDevices", json!({}), &["displayName"]),
        read(
            "getInterfaces",
            json!({ "name": "core-sw-02" }),
            &["displayName", "statusNum", "statusString", "ifOperStatus"],
        ),
        read(
            "getInterfaces",
            json!({ "name": "db-01" }),
            &["displayName"],
        ),
        read(
            "listInterfaces",
            page,
            &["interfaceDisplayName", "displayName", "statusNum"],
        ),
        read(
            "listInterfaces",
            json!({ "page": 1, "rows": 100, "severity": 1 }),
            &["interfaceDisplayName", "displayName", "statusNum"],
        ),
        // Some builds require the number of rows, which the tool sends by itself.
        read(
            "listInterfaces",
            json!({}),
            &["interfaceDisplayName", "displayName", "statusNum"],
        ),
        read(
            "listAllLogicalGroups",
            json!({}),
            &["groupDisplayName", "count", "status"],
        ),
        read(
            "getBusinessView",
            json!({}),
            &["displayName", "total", "error", "status", "alarms"],
        ),
        read(
            "getBusinessDetailsView",
            json!({ "bvName": "Web Shop_bv" }),
            &["displayName", "severity"],
        ),
        read(
            "listDownTimeSchedules",
            json!({}),
            &["name", "statusNum", "id"],
        ),
        read(
            "listNotificationProfiles",
            json!({ "isGlobal": true, "profileFilter": "All" }),
            &["profileName", "status"],
        ),
    ]
}

async fn playing(variant: Variant) -> Simulator {
    let options = Options {
        variant,
        ..Options::default()
    };
    Simulator::start(options).await.unwrap()
}

/// The arguments with the name by which this variant knows the device.
fn for_variant(variant: Variant, mut arguments: Value) -> Value {
    if let (Variant::Msp, Some(name)) = (variant, arguments["name"].as_str()) {
        arguments["name"] = format!("{name}.10000000001").into();
    }
    arguments
}

/// The rows of a result by what they mean, with how often each comes: numbers and texts of a number are the same.
fn meaning(what: &str, result: &Value, members: &[&str]) -> BTreeMap<Vec<String>, usize> {
    let items = result["items"].as_array();
    let items = items.unwrap_or_else(|| panic!("{what}: no items in {result}"));
    let mut rows = BTreeMap::new();
    for item in items {
        let value = |name: &&str| match &item[*name] {
            Value::String(text) => text.clone(),
            Value::Null => panic!("{what}: no {name} in {item}"),
            other => other.to_string(),
        };
        *rows.entry(members.iter().map(value).collect()).or_default() += 1;
    }
    rows
}

async fn meanings(
    session: &mut Session,
    variant: Variant,
) -> Vec<(String, BTreeMap<Vec<String>, usize>)> {
    let simulator = playing(variant).await;
    let mut all = Vec::new();
    for Read {
        operation,
        arguments,
        members,
    } in reads()
    {
        let known = contract().iter().find(|known| known.id == operation);
        let tool = tool_of(known.unwrap()).name();
        let what = format!("{tool} {arguments}");
        let mut given = at(&simulator, for_variant(variant, arguments));
        given["limit"] = 200.into();
        given["fields"] = "*".into();
        let reply = session.call(tool, given).await;
        assert!(!reply.failed, "{variant:?}: {what}: {}", reply.text());
        let meant = meaning(&format!("{variant:?}: {what}"), &reply.json(), members);
        all.push((what, meant));
    }
    all
}

#[tokio::test]
async fn every_read_means_the_same_whatever_the_variant() {
    let mut session = Session::start(&["--rows", "objects"]).await;
    let documented = meanings(&mut session, Variant::Documented).await;
    let empty = documented
        .iter()
        .filter(|(_, rows)| rows.is_empty())
        .count();
    assert_eq!(
        empty, 2,
        "two reads are of what there is none of: {documented:?}"
    );
    for variant in Variant::ALL {
        for ((what, rows), (_, expected)) in meanings(&mut session, variant)
            .await
            .iter()
            .zip(&documented)
        {
            assert_eq!(rows, expected, "{variant:?}: {what}");
        }
    }
}

#[tokio::test]
async fn a_name_that_does_not_exist_fails_in_every_language() {
    let mut session = Session::start(&[]).await;
    for variant in Variant::ALL {
        let simulator = playing(variant).await;
        let reply = session
            .call(
                "get_interfaces",
                at(&simulator, json!({ "name": "no-such-device" })),
            )
            .await;
        assert!(reply.failed, "{variant:?}: {}", reply.text());
    }
}

#[tokio::test]
async fn a_counter_of_opmanager_that_lies_is_not_shown() {
    let mut session = Session::start(&[]).await;
    for variant in Variant::ALL {
        let simulator = playing(variant).await;
        for tool in ["list_devices", "list_interfaces"] {
            let given = at(&simulator, json!({ "page": 1, "rows": 100, "limit": 200 }));
            let result = session.call(tool, given).await.json();
            let rows = &result["returned"];
            for counter in ["total", "records"] {
                let value = &result["opmanager"][counter];
                let number = value
                    .as_str()
                    .map_or_else(|| value.as_u64(), |text| text.parse().ok());
                assert_ne!(
                    number,
                    Some(0),
                    "{variant:?}: {tool} says {counter} 0 beside {rows} rows"
                );
            }
        }
    }
}
