//! Stored credentials: names are all that is seen of an answer, whatever else is in it.

use std::cell::Cell;

use opmanager_mcp_server::opmanager::types::ListCredentialsArgs;
use opmanager_mcp_server::opmanager::{ApiKey, Client, Connection, Http, Target, Trust};
use opmanager_simulator::{Fault, FaultKind, Simulator};
use proptest::prelude::*;
use proptest::test_runner::TestRunner;
use serde_json::{Value, json};

use crate::support::{SENTINEL, Session, at, simulator};

/// In every value that must not be seen.
const SECRET: &str = SENTINEL;

fn respond(status: u16, body: String) -> Fault {
    Fault::once(FaultKind::Respond {
        status,
        content_type: Some(format!("application/json; x={SECRET}")),
        headers: Vec::new(),
        body: body.into_bytes(),
    })
}

fn client(simulator: &Simulator) -> Client {
    let target = Target::parse(&simulator.host(), None, Some(false)).unwrap();
    let key = ApiKey::new(simulator.api_key().to_owned()).unwrap();
    Client::new(
        Http::default(),
        Connection::with(target, Trust::Verified, key),
    )
}

/// The names in an answer: of an object that has one, nothing else counts.
fn names(answer: &Value, found: &mut Vec<Value>) {
    match answer {
        Value::Array(items) => items.iter().for_each(|item| names(item, found)),
        Value::Object(fields) => match fields.get("credentialName") {
            Some(name @ (Value::String(_) | Value::Number(_))) => {
                found.push(json!({ "credentialName": name }));
            }
            _ => fields.values().for_each(|field| names(field, found)),
        },
        _ => {}
    }
}

/// Anything that an answer may hold: names beside secrets, at any depth, and secrets in the place of member names.
fn part() -> impl Strategy<Value = Value> {
    let secret = Just(json!(format!("p-{SECRET}\u{e9}")));
    let leaf =
        prop_oneof![4 => secret, 1 => Just(json!(null)), 1 => any::<i32>().prop_map(Value::from)];
    let key = prop_oneof![
        Just("password".to_owned()),
        Just("readCommunity".to_owned()),
        Just("SNMP v1/v2".to_owned()),
        Just("details".to_owned()),
        Just("credentialname".to_owned()),
        Just("message".to_owned()),
        Just(format!("k-{SECRET}")),
    ];
    leaf.prop_recursive(5, 48, 6, move |inner| {
        let fields = prop::collection::vec((key.clone(), inner.clone()), 0..5);
        let name = prop_oneof![
            4 => "[a-z \"\\\\\u{e9}]{1,12}".prop_map(|name| Some(json!(name))),
            3 => Just(None),
            1 => inner.clone().prop_filter("a name is a text or a number", |value| {
                value.is_object() || value.is_array() || value.is_null()
            }).prop_map(Some),
        ];
        prop_oneof![
            prop::collection::vec(inner, 0..4).prop_map(Value::from),
            (fields, name, any::<bool>()).prop_map(|(fields, name, last)| {
                let name = name.map(|name| ("credentialName".to_owned(), name));
                let (first, last) = if last { (None, name) } else { (name, None) };
                first.into_iter().chain(fields).chain(last).collect()
            }),
        ]
    })
}

#[test]
fn of_any_answer_nothing_but_names_is_left() {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(1)
        .enable_all()
        .build()
        .unwrap();
    let simulator = runtime.block_on(simulator());
    let client = client(&simulator);
    let case = (part(), 0..6_u8, 0..3_u8);
    let seen = Cell::new(0);
    TestRunner::new(ProptestConfig::with_cases(400))
        .run(&case, |(part, wrapping, status)| {
            let body = match wrapping {
                0..3 => part.to_string(),
                3 => json!({ "error": part }).to_string(),
                4 => json!({ "error": { "message": SECRET, "errorcode": SECRET, "more": part } })
                    .to_string(),
                _ => format!("{{\"{SECRET}\"}}"),
            };
            let status = [200, 200, 500][usize::from(status)];
            simulator.inject(respond(status, body));
            match runtime.block_on(client.call_raw(&ListCredentialsArgs::default())) {
                Ok(raw) => {
                    let text = String::from_utf8(raw.body.to_vec()).unwrap();
                    prop_assert!(!format!("{raw:?}{text}").contains(SECRET), "{text}");
                    let mut expected = Vec::new();
                    names(&part, &mut expected);
                    prop_assert_eq!(serde_json::from_str::<Vec<Value>>(&text).unwrap(), expected);
                    seen.set(seen.get() + usize::from(text != "[]"));
                }
                Err(error) => {
                    prop_assert!(
                        wrapping >= 3 || status == 500 || is_failure(&part),
                        "{error}"
                    );
                    prop_assert!(!format!("{error} {error:?}").contains(SECRET), "{error:?}");
                }
            }
            Ok(())
        })
        .unwrap();
    assert!(seen.get() > 20, "few answers had a name: {}", seen.get());
}

/// Whether an answer may be taken for a failure, or for no JSON that a server sends.
fn is_failure(part: &Value) -> bool {
    !part.is_object() && !part.is_array()
}

#[tokio::test]
async fn no_way_shows_more_than_names() {
    let simulator = simulator().await;
    let mut session =
        Session::start(&["--log-level", "trace", "--toolsets", "all,catalogue"]).await;
    let given = at(&simulator, json!({}));
    let reply = session.call("list_credentials", given.clone()).await;
    let rows = ["Read community", "Printers", "Linux servers"].map(|name| [name]);
    assert_eq!(reply.json()["columns"], json!(["credentialName"]));
    assert_eq!(reply.json()["rows"], json!(rows), "{}", reply.text());
    assert!(!reply.text().contains("not-to-be-seen"), "{}", reply.text());
    let row =
        json!({ "credentialName": "a", "password": SECRET, "more": { "credentialName": SECRET } });
    for (status, body, fails) in [
        (200, json!({ "SSH": [row] }).to_string(), false),
        (200, json!([row]).to_string(), false),
        (
            200,
            json!({ "rows": [row], "message": SECRET }).to_string(),
            false,
        ),
        (200, json!({ "message": SECRET }).to_string(), false),
        (200, format!("{{\"{SECRET}\"}}"), true),
        (200, SECRET.to_owned(), true),
        (200, format!("<html>{SECRET}"), true),
        (200, format!("{{\"SSH\":[{{\"password\":\"{SECRET}\""), true),
        (
            200,
            json!({ "error": { "message": SECRET } }).to_string(),
            true,
        ),
        (200, json!({ "error": SECRET }).to_string(), true),
        (
            200,
            json!({ "errors": [{ "message": SECRET, "code": SECRET }] }).to_string(),
            true,
        ),
        (
            200,
            json!({ "status": "failure", "message": SECRET, "errorcode": SECRET }).to_string(),
            true,
        ),
        (
            401,
            json!({ "error": { "message": SECRET, "errorcode": SECRET } }).to_string(),
            true,
        ),
        (500, SECRET.to_owned(), true),
        (500, json!({ "SSH": [row] }).to_string(), true),
    ] {
        for by_name in [false, true] {
            simulator.inject(respond(status, body.clone()));
            let reply = if by_name {
                let given = at(&simulator, json!({ "operation": "listCredentials" }));
                session.call("call_operation", given).await
            } else {
                session.call("list_credentials", given.clone()).await
            };
            assert_eq!(reply.failed, fails, "{body}: {}", reply.text());
            assert!(
                !reply.result.to_string().contains(SECRET),
                "{body}: {reply:?}"
            );
        }
    }
    // Its log as well, at the finest level.
    session.check(simulator.api_key()).await;
    session.conclude(SECRET).await;
}

#[tokio::test]
async fn a_code_that_is_known_is_told_and_no_other() {
    let simulator = simulator().await;
    let mut session = Session::start(&["--share-of-rate", "off"]).await;
    for (code, told) in [
        ("EXTRA_PARAM_FOUND", true),
        ("URL_ROLLING_THROTTLES_LIMIT_EXCEEDED", true),
        ("COMMUNITY_STRING", false),
        ("5013", true),
        ("5014", false),
    ] {
        let body = json!({ "error": { "message": SECRET, "errorcode": code } });
        simulator.inject(respond(200, body.to_string()));
        let reply = session
            .call("list_credentials", at(&simulator, json!({})))
            .await;
        assert!(reply.failed);
        assert_eq!(reply.text().contains(code), told, "{}", reply.text());
    }
}
