//! What each call puts on the wire: the documented method, path and parameters, the key, and nothing else.

use std::collections::BTreeSet;

use opmanager_simulator::{
    Fault, FaultKind, Kind, Operation, Place, Recorded, Simulator, contract,
};
use serde_json::{Map, Value, json};

use crate::support::{EVERYTHING, Session, at, example, sent_for, simulator, tool_of};

/// Every character that means something somewhere in a URL, and some that mean something to a parser.
const NASTY: &str = "a&apiKey=x#?/../%00+é %2B=;:@[]\\\"'\u{1f600}";

/// The only headers that a request may carry.
const HEADERS: [&str; 7] = [
    "accept",
    "apikey",
    "content-length",
    "content-type",
    "host",
    "user-agent",
    "accept-encoding",
];

fn pairs(arguments: &Map<String, Value>) -> Vec<(String, String)> {
    let text = |value: &Value| {
        value
            .as_str()
            .map_or_else(|| value.to_string(), str::to_owned)
    };
    arguments
        .iter()
        .map(|(name, value)| (name.clone(), text(value)))
        .collect()
}

fn sorted(mut pairs: Vec<(String, String)>) -> Vec<(String, String)> {
    pairs.sort();
    pairs
}

fn of(id: &str) -> &'static Operation {
    contract()
        .iter()
        .find(|operation| operation.id == id)
        .unwrap()
}

/// A text in the form that the operation takes, for its arguments that have one, such as times: any other is rejected.
fn formed(operation: &str, argument: &str) -> Option<&'static str> {
    match (operation, argument) {
        ("listAlarms", "fromTime" | "toTime") => Some("2026-03-01 10:20:30"),
        (_, "startTime" | "endTime" | "once_startat" | "once_endat" | "once_endate") => {
            Some("2026-03-01 10:20")
        }
        ("getReportData", "startDate" | "endDate") | (_, "daily_effectfrom") => Some("2026-03-01"),
        (_, "from_time" | "to_time") => Some("10:20"),
        ("listInterfaces", "severity") => Some("1,2,11"),
        (_, "timeSettings" | "filters") => Some(r#"{"a&b=":"\\ +%2B#\u00e9"}"#),
        _ => None,
    }
}

/// Fails unless the request is that of the operation with exactly these arguments.
fn check(operation: &Operation, arguments: &Map<String, Value>, request: &Recorded, key: &str) {
    let id = operation.id;
    assert_eq!(request.method, operation.method, "{id}");
    assert_eq!(request.path, operation.path, "{id}");
    assert_eq!(
        request.target.split('?').next(),
        Some(operation.path),
        "{id}"
    );
    assert!(
        request.target.matches('?').count() <= 1,
        "{id}: {}",
        request.target
    );

    let constants = operation.parameters.iter().filter_map(|parameter| {
        let default = parameter
            .default
            .filter(|_| !arguments.contains_key(parameter.name));
        let unasked = parameter.constant.or(default)?;
        Some((parameter.name.to_owned(), unasked.to_owned()))
    });
    let expected: Vec<_> = pairs(arguments).into_iter().chain(constants).collect();
    let is_form = |(name, _): &(String, String)| {
        let mut parameters = operation.parameters.iter();
        parameters.any(|parameter| parameter.name == name && parameter.place == Place::Form)
    };
    let (form, query): (Vec<_>, Vec<_>) = expected.into_iter().partition(is_form);
    assert_eq!(sorted(request.query.clone()), sorted(query), "{id}: query");
    assert_eq!(
        sorted(request.form.clone()),
        sorted(form.clone()),
        "{id}: form"
    );
    assert_eq!(request.body.is_empty(), form.is_empty(), "{id}: body");

    let names: Vec<&str> = request
        .headers
        .iter()
        .map(|(name, _)| name.as_str())
        .collect();
    for name in &names {
        assert!(HEADERS.contains(name), "{id} sends the header {name}");
    }
    assert_eq!(
        names.len(),
        names.iter().collect::<BTreeSet<_>>().len(),
        "{id}: {names:?}"
    );
    assert_eq!(request.header("apikey"), Some(key.as_bytes()), "{id}");
    let elsewhere = request.headers.iter().filter(|(name, _)| name != "apikey");
    let elsewhere = elsewhere.map(|(_, value)| value.as_slice());
    for place in elsewhere.chain([request.target.as_bytes(), &request.body]) {
        assert!(
            !String::from_utf8_lossy(place).contains(key),
            "{id}: key outside its header"
        );
    }
}

/// Calls the operation, whatever the outcome, and checks the one request that this makes.
async fn call_and_check(
    session: &mut Session,
    simulator: &Simulator,
    operation: &Operation,
    arguments: &Map<String, Value>,
) {
    simulator.clear_log();
    let given = at(simulator, Value::Object(arguments.clone()));
    let reply = session.call(tool_of(operation).name(), given).await;
    let requests = sent_for(simulator, operation);
    assert_eq!(requests.len(), 1, "{}: {reply:?}", operation.id);
    check(operation, arguments, &requests[0], simulator.api_key());
}

#[tokio::test]
async fn ar_07_each_operation_sends_what_is_documented_and_succeeds() {
    let simulator = simulator().await;
    let mut session = Session::start(&EVERYTHING).await;
    let mut seen = BTreeSet::new();
    for operation in contract() {
        simulator.clear_log();
        let arguments = example(operation);
        let given = at(&simulator, Value::Object(arguments.clone()));
        let reply = session.call(tool_of(operation).name(), given).await;
        let requests = sent_for(&simulator, operation);
        assert_eq!(requests.len(), 1, "{}: {reply:?}", operation.id);
        check(operation, &arguments, &requests[0], simulator.api_key());
        assert!(!reply.failed, "{}: {}", operation.id, reply.text());
        assert!(reply.json().is_object() || reply.json().is_array());
        seen.insert(requests[0].operation);
    }
    assert_eq!(seen.len(), contract().len());
    session.conclude(simulator.api_key()).await;
}

#[tokio::test]
async fn ar_02_every_parameter_arrives_under_its_own_name_and_byte_for_byte() {
    let simulator = simulator().await;
    let mut session = Session::start(&EVERYTHING).await;
    for operation in contract() {
        for parameter in operation
            .parameters
            .iter()
            .filter(|other| other.constant.is_none())
        {
            if (operation.id, parameter.name) == ("executeWorkflow", "wfID") {
                // Any other than the permitted one is not sent: `workflows.rs`.
                continue;
            }
            let mut arguments = example(operation);
            if operation.exactly_one_of.contains(&parameter.name) {
                arguments.retain(|name, _| !operation.exactly_one_of.contains(&name.as_str()));
            }
            let value = match (parameter.kind, parameter.values) {
                (Kind::Text, []) => formed(operation.id, parameter.name).unwrap_or(NASTY).into(),
                (Kind::Text, [.., last]) => (*last).into(),
                (Kind::Integer, _) => parameter.maximum.or(parameter.minimum).unwrap_or(-7).into(),
                (Kind::Number, _) => json!(-0.25),
                (Kind::Boolean, _) => false.into(),
            };
            arguments.insert(parameter.name.to_owned(), value);
            call_and_check(&mut session, &simulator, operation, &arguments).await;
        }
    }
    session.conclude(simulator.api_key()).await;
}

#[tokio::test]
async fn ar_02_characters_with_a_meaning_in_urls_are_data() {
    let simulator = simulator().await;
    let mut session = Session::start(&[]).await;
    let values = [
        "two words",
        " edges ",
        "a&b",
        "a=b",
        "a#b",
        "a+b",
        "a%b",
        "%41",
        "%00",
        "a/b",
        "a?b",
        "é",
        "日本",
        "a;b",
        "../../admin/deleteBusinessRules",
        "a&apiKey=x#?/../%00+é",
        "&",
        "?",
        "#",
        "+",
        "%",
        "/",
        "a\\b",
        "'\"<>",
        "\u{202e}",
    ];
    for value in values {
        let Value::Object(arguments) = json!({ "category": value }) else {
            unreachable!()
        };
        call_and_check(&mut session, &simulator, of("listDevices"), &arguments).await;
        let requests = simulator.requests();
        let plain = |c: char| c.is_ascii_graphic() && !['#', '\\', '"', '<', '>'].contains(&c);
        assert!(
            requests[0].target.chars().all(plain),
            "{}",
            requests[0].target
        );
    }
    session.conclude(simulator.api_key()).await;
}

#[tokio::test]
async fn ar_03_no_argument_changes_the_path() {
    let simulator = simulator().await;
    let mut session = Session::start(&EVERYTHING).await;
    for value in [
        "../../admin/deleteBusinessRules",
        "/../../admin/deleteBusinessRules",
        "..%2f..%2fadmin%2fdeleteBusinessRules",
        "..\\..\\admin\\deleteBusinessRules",
        "?x=/api/json/admin/deleteBusinessRules",
        "#/api/json/admin/deleteBusinessRules",
        ";/api/json/admin/deleteBusinessRules",
        "//evil.test/",
        "http://evil.test/",
    ] {
        for operation in contract() {
            let texts = operation.parameters.iter().filter(|parameter| {
                parameter.kind == Kind::Text
                    && parameter.values.is_empty()
                    && parameter.constant.is_none()
            });
            let named = texts
                .map(|parameter| parameter.name)
                .find(|name| name.ends_with("deviceName"));
            let Some(name) = named else { continue };
            let mut arguments = example(operation);
            arguments.retain(|name, _| !operation.exactly_one_of.contains(&name.as_str()));
            arguments.insert(name.to_owned(), value.into());
            call_and_check(&mut session, &simulator, operation, &arguments).await;
        }
    }
    session.conclude(simulator.api_key()).await;
}

#[tokio::test]
async fn a_choice_of_selectors_sends_the_one_that_is_given() {
    let simulator = simulator().await;
    let mut session = Session::start(&EVERYTHING).await;
    let choices = contract()
        .iter()
        .filter(|operation| !operation.exactly_one_of.is_empty());
    let choices: Vec<_> = choices.collect();
    assert_eq!(choices.len(), 4);
    for operation in choices {
        let selectors = operation.exactly_one_of;
        let mut others = example(operation);
        others.retain(|name, _| !selectors.contains(&name.as_str()));
        let with = |names: &[&str]| {
            let mut arguments = others.clone();
            arguments.extend(
                names
                    .iter()
                    .map(|name| ((*name).to_owned(), "10.0.0.1".into())),
            );
            arguments
        };
        for selector in selectors {
            call_and_check(&mut session, &simulator, operation, &with(&[selector])).await;
        }

        // Past the reach of idle connections: a new server makes a new one for any call.
        let mut session = Session::start(&EVERYTHING).await;
        simulator.clear_log();
        let mut wrong = vec![with(&[]), with(selectors)];
        for (index, first) in selectors.iter().enumerate() {
            wrong.extend(
                selectors[index + 1..]
                    .iter()
                    .map(|second| with(&[first, second])),
            );
        }
        for arguments in wrong {
            let given = at(&simulator, Value::Object(arguments));
            let reply = session.call(tool_of(operation).name(), given).await;
            assert!(reply.failed, "{}", operation.id);
            for selector in selectors {
                assert!(
                    reply.text().contains(&format!("`{selector}`")),
                    "{}",
                    reply.text()
                );
            }
        }
        assert_eq!(simulator.connections(), 0, "{}", operation.id);
    }
}

#[tokio::test]
async fn a_ping_names_its_device() {
    let simulator = simulator().await;
    let mut session = Session::start(&[]).await;
    let given = at(&simulator, json!({ "deviceName": "core-sw-01" }));
    assert!(!session.call("get_ping_response", given).await.failed);
    let request = &simulator.requests()[0];
    assert_eq!(
        (request.method.as_str(), request.path.as_str()),
        ("POST", "/api/json/device/getPingResponse")
    );
    assert_eq!(
        request.query,
        [("deviceName".to_owned(), "core-sw-01".to_owned())]
    );
    assert!(request.body.is_empty());
}

#[tokio::test]
async fn adding_a_device_is_called_add_device() {
    let simulator = simulator().await;
    let mut session = Session::start(&["--access", "write"]).await;
    let given = at(&simulator, json!({ "deviceName": "web-02.corp.example" }));
    assert!(!session.call("add_device", given).await.failed);
    let request = &simulator.requests()[0];
    assert_eq!(
        (request.method.as_str(), request.path.as_str()),
        ("POST", "/api/json/discovery/addDevice")
    );
}

#[tokio::test]
async fn consecutive_calls_share_a_connection() {
    let simulator = simulator().await;
    let mut session = Session::start(&[]).await;
    for tool in ["list_devices", "list_alarms", "list_devices"] {
        assert!(!session.call(tool, at(&simulator, json!({}))).await.failed);
    }
    assert_eq!(
        (simulator.requests().len(), simulator.connections()),
        (3, 1)
    );
}

#[tokio::test]
async fn cookies_are_not_kept_and_nobody_is_told_where_a_call_came_from() {
    let simulator = simulator().await;
    let mut session = Session::start(&[]).await;
    simulator.inject(Fault::once(FaultKind::Respond {
        status: 200,
        content_type: Some("application/json".to_owned()),
        headers: vec![
            ("Set-Cookie".to_owned(), "JSESSIONID=a; Path=/".to_owned()),
            (
                "WWW-Authenticate".to_owned(),
                "Basic realm=\"x\"".to_owned(),
            ),
        ],
        body: b"[]".to_vec(),
    }));
    for _ in 0..2 {
        assert!(
            !session
                .call("list_devices", at(&simulator, json!({})))
                .await
                .failed
        );
    }
    let second = &simulator.requests()[1];
    for name in ["cookie", "referer", "authorization", "api-version"] {
        assert_eq!(second.header(name), None, "{name}");
    }
}
