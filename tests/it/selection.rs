//! What a caller can choose of a list, over the lists of the simulator.

use std::collections::BTreeSet;

use opmanager_mcp_server::tools;
use opmanager_simulator::{Fault, FaultKind, contract};
use serde_json::{Value, json};

use crate::support::{EVERYTHING, Session, at, example, simulator, tool_of};

/// The items of a list, taken in parts as `next_offset` says.
async fn all_items(
    session: &mut Session,
    tool: &str,
    given: &Value,
    fields: Option<&str>,
    limit: Option<usize>,
) -> Vec<Value> {
    let mut items = Vec::new();
    loop {
        let mut given = given.clone();
        given["offset"] = items.len().into();
        if let Some(fields) = fields {
            given["fields"] = fields.into();
        }
        if let Some(limit) = limit {
            given["limit"] = limit.into();
        }
        let reply = session.call(tool, given).await;
        assert!(!reply.failed, "{tool}: {}", reply.text());
        let answer = reply.json();
        let part = answer["items"].as_array().unwrap();
        assert_eq!(answer["returned"], part.len(), "{tool}");
        assert_eq!(answer["offset"], items.len(), "{tool}");
        assert!(part.len() <= limit.unwrap_or(50), "{tool}");
        items.extend_from_slice(part);
        match answer.get("next_offset") {
            Some(next) => {
                assert_eq!(*next, items.len(), "{tool}");
                assert!(
                    !part.is_empty(),
                    "{tool}: a part without items leads nowhere"
                );
                let note = answer["note"].as_str().unwrap();
                assert!(note.contains(&format!("offset={next}")), "{tool}: {note}");
            }
            None => {
                assert_eq!(answer["total"], items.len(), "{tool}");
                return items;
            }
        }
    }
}

#[tokio::test]
async fn every_operation_with_a_list_answers_with_items() {
    let simulator = simulator().await;
    let flags = [&EVERYTHING[..], &["--rows", "objects"]].concat();
    let mut session = Session::start(&flags).await;
    let mut lists = 0;
    for operation in contract() {
        let tool = tool_of(operation);
        if tool.operation().unwrap().list.is_none() {
            continue;
        }
        lists += 1;
        let given = at(&simulator, Value::Object(example(operation)));
        let reply = session.call(tool.name(), given).await;
        assert!(!reply.failed, "{}: {}", tool.name(), reply.text());
        let answer = reply.json();
        let items = answer["items"].as_array();
        let items = items.unwrap_or_else(|| panic!("{}: {answer}", tool.name()));
        assert_eq!(answer["returned"], items.len(), "{}", tool.name());
        assert!(reply.text().starts_with("{\"items\":["), "{}", tool.name());
        assert!(reply.text().chars().count() <= 24_000, "{}", tool.name());
    }
    let with_list = tools::operations().filter(|tool| tool.operation().unwrap().list.is_some());
    assert_eq!(lists, with_list.count());
    session.conclude(simulator.api_key()).await;
}

#[tokio::test]
async fn parts_of_a_list_are_together_the_list() {
    let simulator = simulator().await;
    let mut session = Session::start(&["--rows", "objects"]).await;
    let mut narrow = Session::start(&["--rows", "objects", "--max-result-chars", "1000"]).await;
    for (tool, field, given) in [
        ("list_devices", "deviceName", json!({})),
        ("list_alarms", "entity", json!({})),
        ("get_down_devices", "name", json!({})),
        ("list_interfaces", "interfaceName", json!({})),
    ] {
        let given = at(&simulator, given);
        let whole = all_items(&mut session, tool, &given, None, Some(1000)).await;
        assert!(whole.len() > 1, "{tool}: {}", whole.len());
        for limit in [1, 3, 7] {
            let parts = all_items(&mut session, tool, &given, None, Some(limit)).await;
            assert_eq!(parts, whole, "{tool}");
        }
        let named = all_items(
            &mut session,
            tool,
            &given,
            Some(&format!(" {field} ,")),
            None,
        )
        .await;
        for (named, item) in named.iter().zip(&whole) {
            assert_eq!(*named, json!({ field: item[field] }), "{tool}");
        }
        // A size limit cuts between items, and a limit of items that is not met is no limit.
        let cut = all_items(&mut narrow, tool, &given, Some(field), Some(1000)).await;
        assert_eq!(cut, named, "{tool}");
        let reply = narrow.call(tool, given.clone()).await;
        assert!(reply.text().chars().count() <= 1000, "{}", reply.text());
        let beyond = crate::support::merge(given, json!({ "offset": 100_000 }));
        let beyond = session.call(tool, beyond).await.json();
        assert_eq!(beyond["items"], json!([]));
        assert_eq!(beyond["total"], whole.len());
        assert!(beyond["note"].as_str().unwrap().contains("beyond"));
    }
    session.conclude(simulator.api_key()).await;
    narrow.conclude(simulator.api_key()).await;
}

#[tokio::test]
async fn what_opmanager_counts_is_told_as_its_own() {
    let simulator = simulator().await;
    let mut session = Session::start(&["--rows", "objects"]).await;
    for tool in ["list_devices", "list_interfaces"] {
        let mut seen = BTreeSet::new();
        let mut records = 0;
        for page in 1..=2 {
            let given = at(
                &simulator,
                json!({ "page": page, "rows": 5, "limit": 3, "fields": "*" }),
            );
            let answer = session.call(tool, given).await.json();
            // Of the five that OpManager sent, three; of all that it has, its own words.
            assert_eq!(answer["returned"], 3, "{answer}");
            assert_eq!(answer["total"], 5, "{answer}");
            assert_eq!(answer["next_offset"], 3, "{answer}");
            let own = &answer["opmanager"];
            assert_eq!(own["page"].to_string().trim_matches('"'), page.to_string());
            records = own["records"]
                .to_string()
                .trim_matches('"')
                .parse()
                .unwrap();
            assert!(records > 10, "{answer}");
            seen.extend(
                answer["items"]
                    .as_array()
                    .unwrap()
                    .iter()
                    .map(Value::to_string),
            );
        }
        assert_eq!(seen.len(), 6, "{tool}: pages differ");
        let whole = session
            .call(
                tool,
                at(&simulator, json!({ "fields": "deviceName", "limit": 1000 })),
            )
            .await
            .json();
        assert_eq!(whole["total"], records, "{tool}");
    }
    session.conclude(simulator.api_key()).await;
}

#[tokio::test]
async fn texts_are_plain_unless_told_otherwise() {
    let simulator = simulator().await;
    let sent = r#"[{"severity":"<img src='/images/devices/status3.gif'>&nbsp;Attention ","message":" a\u202eb\u200b&lt;c> ","value":0.10}]"#;
    for (flags, severity, message) in [
        (&["--rows", "objects"][..], "Attention", "ab&lt;c>"),
        (
            &["--rows", "objects", "--raw-output"],
            "<img src='/images/devices/status3.gif'>&nbsp;Attention ",
            " a\u{202e}b\u{200b}&lt;c> ",
        ),
    ] {
        let mut session = Session::start(flags).await;
        simulator.inject(Fault::once(FaultKind::Respond {
            status: 200,
            content_type: None,
            headers: Vec::new(),
            body: sent.as_bytes().to_vec(),
        }));
        let reply = session
            .call("list_alarms", at(&simulator, json!({ "fields": "*" })))
            .await;
        let item = &reply.json()["items"][0];
        assert_eq!(item["severity"], severity);
        assert_eq!(item["message"], message);
        assert!(reply.text().contains("\"value\":0.10}"), "{}", reply.text());
        session.conclude(simulator.api_key()).await;
    }
}
