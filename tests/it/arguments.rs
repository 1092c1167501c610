//! Arguments that are refused: each is named, none is quoted, and nothing is sent.

use std::collections::BTreeSet;

use opmanager_mcp_server::tools::Tool;
use opmanager_simulator::{Simulator, contract};
use serde_json::{Value, json};

use crate::support::{
    EVERYTHING, Reply, SENTINEL, Session, at, example, merge, sent_for, simulator, tool_of,
};

struct Bench {
    session: Session,
    simulator: Simulator,
}

impl Bench {
    async fn new() -> Self {
        let session = Session::start(&[&EVERYTHING[..], &["--log-level", "trace"]].concat()).await;
        Self {
            session,
            simulator: simulator().await,
        }
    }

    /// Arguments with which a tool would succeed.
    fn good(&self, tool: &Tool) -> Value {
        let id = tool.operation().unwrap().id;
        let operation = contract()
            .iter()
            .find(|operation| operation.id == id)
            .unwrap();
        at(&self.simulator, Value::Object(example(operation)))
    }

    /// The same, with one argument set. Of a choice, only that one remains.
    fn with(&self, tool: &Tool, name: &str, value: Value) -> Value {
        let mut given = self.good(tool);
        let selectors = tool.operation().unwrap().exactly_one_of;
        if selectors.contains(&name) {
            given
                .as_object_mut()
                .unwrap()
                .retain(|other, _| !selectors.contains(&other.as_str()));
        }
        given[name] = value;
        given
    }

    /// Fails unless the call is refused for exactly these arguments, with nothing quoted.
    async fn refused(&mut self, tool: &str, given: Value, named: &[&str]) -> Reply {
        let shown = given.to_string().chars().take(300).collect::<String>();
        let reply = self.session.call(tool, given).await;
        assert!(reply.failed, "{tool} {shown}: {reply:?}");
        assert_eq!(reply.texts.len(), 1);
        let mut lines = reply.text().lines();
        let first = format!("Invalid arguments for `{tool}`; nothing was sent.");
        assert_eq!(lines.next(), Some(first.as_str()), "{shown}");
        let blamed = lines.map(|line| {
            if line.starts_with("an argument is given") {
                return "";
            }
            let name = line
                .strip_prefix('`')
                .and_then(|line| line.split('`').next());
            name.unwrap_or_else(|| panic!("{tool} {shown}: no argument is named: {line}"))
        });
        assert_eq!(
            blamed.collect::<BTreeSet<_>>(),
            named.iter().copied().collect(),
            "{tool} {shown}: {}",
            reply.text()
        );
        assert!(
            !reply.text().contains(SENTINEL),
            "{tool} {shown}: {}",
            reply.text()
        );
        reply
    }

    /// Fails unless nothing was ever sent, and the rules hold.
    async fn finish(self) {
        assert_eq!(self.simulator.connections(), 0);
        self.conclude().await;
    }

    /// Fails unless the rules hold, for the key and for what nobody may repeat.
    async fn conclude(mut self) {
        self.session.check(self.simulator.api_key()).await;
        let finished = self.session.conclude(SENTINEL).await;
        finished.check(self.simulator.api_key());
    }
}

fn all_tools() -> impl Iterator<Item = &'static Tool> {
    contract().iter().map(tool_of)
}

fn properties(tool: &Tool) -> Vec<(String, Value)> {
    let properties = tool.definition().input_schema["properties"]
        .as_object()
        .unwrap();
    properties
        .iter()
        .map(|(name, schema)| (name.clone(), schema.clone()))
        .collect()
}

/// Values that a schema does not accept.
fn wrong_values(schema: &Value) -> Vec<Value> {
    let mut wrong = vec![
        json!([[SENTINEL]]),
        json!({ "apiKey": SENTINEL, "host": "x" }),
    ];
    match schema["type"].as_str().unwrap() {
        "string" => {
            wrong.extend([
                json!(SENTINEL.repeat(257)),
                json!(format!("{SENTINEL}\u{7}")),
            ]);
            if schema.get("enum").is_some() {
                wrong.extend([
                    json!(SENTINEL),
                    json!(7.5),
                    json!(schema["enum"][0].as_str().unwrap().to_owned() + "x"),
                ]);
            }
        }
        "integer" => {
            wrong.extend([
                json!(SENTINEL),
                json!("1.5"),
                json!("+5"),
                json!("5 apples"),
                json!("99999999999999999999"),
                json!(true),
                json!(1.5),
                json!(1e30),
                json!(u64::MAX),
            ]);
            let (minimum, maximum) = (schema["minimum"].as_i64(), schema["maximum"].as_i64());
            wrong.extend(minimum.map(|minimum| (minimum - 1).into()));
            wrong.extend(minimum.map(|_| i64::MIN.into()));
            wrong.extend(maximum.map(|maximum| (maximum + 1).into()));
        }
        "number" => wrong.extend([json!(SENTINEL), json!("inf"), json!("1,5"), json!(false)]),
        "boolean" => wrong.extend([json!(SENTINEL), json!("2"), json!(2), json!(0.5)]),
        other => panic!("{other}"),
    }
    wrong
}

#[tokio::test]
async fn missing_arguments_are_named_all_at_once() {
    let mut bench = Bench::new().await;
    for tool in all_tools() {
        let required = tool.definition().input_schema["required"]
            .as_array()
            .unwrap();
        let required: Vec<&str> = required.iter().map(|name| name.as_str().unwrap()).collect();
        for missing in &required {
            let mut given = bench.good(tool);
            given.as_object_mut().unwrap().remove(*missing);
            bench.refused(tool.name(), given, &[missing]).await;
        }
        let mut given = bench.good(tool);
        given
            .as_object_mut()
            .unwrap()
            .retain(|name, _| !["host", "apiKey"].contains(&name.as_str()));
        bench.refused(tool.name(), given, &["host", "apiKey"]).await;
        if tool.operation().unwrap().exactly_one_of.is_empty() {
            bench.refused(tool.name(), json!({}), &required).await;
        }
    }
    bench.finish().await;
}

#[tokio::test]
async fn ar_14_every_argument_of_every_tool_is_checked_against_its_schema() {
    let mut bench = Bench::new().await;
    let mut checked = 0;
    for tool in all_tools() {
        for (name, schema) in properties(tool) {
            for wrong in wrong_values(&schema) {
                let given = bench.with(tool, &name, wrong);
                bench.refused(tool.name(), given, &[&name]).await;
                checked += 1;
            }
        }
    }
    assert!(checked > 4000, "{checked}");
    bench.finish().await;
}

#[tokio::test]
async fn ar_14_a_text_that_spells_a_number_or_truth_value_is_taken_for_it() {
    let mut bench = Bench::new().await;
    let mut sent = 0;
    // What runs workflows asks first which one an id means: `workflows.rs`.
    for tool in all_tools().filter(|tool| tool.name() != "execute_workflow") {
        for (name, schema) in properties(tool) {
            if ["port", "use_ssl", "verify_ssl", "limit", "offset", "points"]
                .contains(&name.as_str())
            {
                continue;
            }
            let spelt = match schema["type"].as_str().unwrap() {
                "integer" => schema.get("minimum").unwrap_or(&json!(5)).to_string(),
                "number" => "2.5".to_owned(),
                "boolean" => "true".to_owned(),
                _ => continue,
            };
            let given = bench.with(tool, &name, spelt.clone().into());
            bench.session.call(tool.name(), given).await;
            sent += 1;
            let request = bench.simulator.requests().pop().unwrap();
            let mut pairs = request.query.iter().chain(&request.form);
            assert!(
                pairs.any(|pair| *pair == (name.clone(), spelt.clone())),
                "{} {name}",
                tool.name()
            );
        }
    }
    assert!(sent > 20, "{sent}");
    assert_eq!(bench.simulator.requests().len(), sent);
    let call = json!({ "use_ssl": "false", "verify_ssl": "true", "limit": "1", "offset": "1" });
    let reply = bench
        .session
        .call("list_devices", at(&bench.simulator, call))
        .await;
    assert_eq!(reply.json()["returned"], 1, "{}", reply.text());
    for wrong in [
        json!({ "limit": "1001" }),
        json!({ "limit": "0" }),
        json!({ "offset": "-1" }),
    ] {
        let name = wrong.as_object().unwrap().keys().next().unwrap().clone();
        let given = at(&bench.simulator, wrong);
        bench.refused("list_devices", given, &[&name]).await;
    }
}

#[tokio::test]
async fn integers_at_their_bounds_are_sent() {
    let mut bench = Bench::new().await;
    let mut sent = 0;
    // What runs workflows asks first which one an id means: `workflows.rs`.
    for tool in all_tools().filter(|tool| tool.name() != "execute_workflow") {
        for (name, schema) in properties(tool) {
            // What is for this server is not for OpManager.
            if ["port", "limit", "offset"].contains(&name.as_str()) {
                continue;
            }
            for bound in ["minimum", "maximum"]
                .iter()
                .filter_map(|bound| schema.get(bound))
            {
                let given = bench.with(tool, &name, bound.clone());
                bench.session.call(tool.name(), given).await;
                sent += 1;
                let request = bench.simulator.requests().pop().unwrap();
                let mut pairs = request.query.iter().chain(&request.form);
                let expected = (name.clone(), bound.to_string());
                assert!(
                    pairs.any(|pair| *pair == expected),
                    "{} {name}",
                    tool.name()
                );
            }
        }
    }
    assert!(sent > 20, "{sent}");
    assert_eq!(bench.simulator.requests().len(), sent);
}

#[tokio::test]
async fn several_problems_are_told_together() {
    let mut bench = Bench::new().await;
    let given = json!({
        "host": format!("{SENTINEL}@x"), "apiKey": format!("{SENTINEL} "), "port": 0, "verify_ssl": SENTINEL,
        "severity": 9, "protocol": SENTINEL, "vendor": { "name": SENTINEL }, "foo": SENTINEL,
    });
    let named = [
        "host",
        "apiKey",
        "port",
        "verify_ssl",
        "severity",
        "protocol",
        "vendor",
        "foo",
    ];
    let reply = bench.refused("list_devices", given, &named).await;
    for accepted in ["1 to 7", "1 to 65535", "SNMP", "true or false"] {
        assert!(
            reply.text().contains(accepted),
            "{accepted}: {}",
            reply.text()
        );
    }
    bench.finish().await;
}

#[tokio::test]
async fn ar_01_arguments_that_a_tool_does_not_have_are_refused() {
    let mut bench = Bench::new().await;
    for tool in all_tools() {
        for name in [
            "foo",
            "Host",
            "APIKEY",
            "api-version",
            "queryParams",
            "body",
            "headers",
            "isFluidic",
        ] {
            if properties(tool).iter().any(|(known, _)| known == name) {
                continue;
            }
            for value in [
                json!(1),
                json!(SENTINEL),
                json!({ "apiKey": SENTINEL, "host": "x" }),
            ] {
                let given = bench.with(tool, name, value);
                let reply = bench.refused(tool.name(), given, &[name]).await;
                assert!(
                    reply.text().contains("`verify_ssl`"),
                    "it says which there are"
                );
            }
        }
    }
    let given = merge(
        bench.with(tool_of(&contract()[0]), "foo", json!(1)),
        json!({ "bar": 1 }),
    );
    let reply = bench.refused("list_alarms", given, &["foo", "bar"]).await;
    let told = reply.text().matches("; it takes `").count();
    assert_eq!(told, 1, "{}", reply.text());
    // What people misspell ends up in names too.
    let long = format!("{}\n\u{1b}[31m", "x".repeat(300));
    let given = bench.with(tool_of(&contract()[0]), &long, json!(1));
    bench.refused("list_alarms", given, &[""]).await;
    bench.finish().await;
}

#[tokio::test]
async fn a_key_that_is_given_as_a_name_is_not_repeated() {
    let mut bench = Bench::new().await;
    let (start, end) = SENTINEL.split_at(3);
    for name in [
        SENTINEL.to_owned(),
        format!("{start}\u{7}{end}"),
        format!("{}{SENTINEL}", "x".repeat(60)),
    ] {
        for key in [SENTINEL, "another"] {
            // Also where the value is one, which has a message of its own elsewhere.
            for value in [json!(1), json!(key)] {
                let mut given = merge(at(&bench.simulator, json!({})), json!({ "apiKey": key }));
                given[&name] = value;
                bench.refused("list_devices", given, &[""]).await;
            }
        }
    }
    bench.finish().await;
}

#[tokio::test]
async fn ar_17_a_flood_of_arguments_is_refused_without_listing_them() {
    let large = ["--max-request-bytes", "1048576", "--log-level", "trace"];
    let mut bench = Bench {
        session: Session::start(&large).await,
        simulator: simulator().await,
    };
    let mut given = bench.good(tool_of(&contract()[0]));
    for index in 0..10_000 {
        given[format!("a{index}")] = SENTINEL.into();
    }
    let reply = bench.session.call("list_alarms", given).await;
    assert!(reply.failed && reply.text().len() < 200, "{}", reply.text());
    bench.finish().await;
}

#[tokio::test]
async fn ar_04_what_is_wrapped_in_an_argument_goes_nowhere() {
    let mut bench = Bench::new().await;
    let smuggled = json!({ "apiKey": SENTINEL, "host": "e.test", "deviceName": "x" });
    for wrapper in ["queryParams", "params", "arguments", "body", "headers"] {
        let given = bench.with(tool_of(&contract()[0]), wrapper, smuggled.clone());
        bench.refused("list_alarms", given, &[wrapper]).await;
    }
    for nested in [
        json!({ "deviceName": smuggled }),
        json!({ "deviceName": [smuggled] }),
    ] {
        let given = at(&bench.simulator, nested);
        bench.refused("list_alarms", given, &["deviceName"]).await;
    }
    bench.finish().await;
}

#[tokio::test]
async fn ar_17_texts_may_be_long_and_notes_may_have_lines() {
    let mut bench = Bench::new().await;
    let notes = tool_of(
        contract()
            .iter()
            .find(|operation| operation.id == "addNotes")
            .unwrap(),
    );
    let devices = tool_of(
        contract()
            .iter()
            .find(|operation| operation.id == "listDevices")
            .unwrap(),
    );
    for (tool, name, value, accepted) in [
        (notes, "notes", "one\n\ttwo".to_owned(), true),
        (notes, "notes", "one\rtwo".to_owned(), false),
        (notes, "notes", "one\0two".to_owned(), false),
        (notes, "notes", "one\u{9b}two".to_owned(), false),
        (notes, "entity", "one\ntwo".to_owned(), false),
        (devices, "category", "é".repeat(4096), true),
        (devices, "category", "é".repeat(4097), false),
        (devices, "category", "\u{7f}".to_owned(), false),
    ] {
        let given = bench.with(tool, name, value.clone().into());
        if !accepted {
            bench.refused(tool.name(), given, &[name]).await;
            continue;
        }
        bench.session.call(tool.name(), given).await;
        let request = bench.simulator.requests().pop().unwrap();
        assert!(request.query.contains(&(name.to_owned(), value)));
    }
    assert_eq!(bench.simulator.requests().len(), 2);
    bench.conclude().await;
}

#[tokio::test]
async fn ar_15_what_n8n_adds_is_dropped() {
    let mut bench = Bench::new().await;
    let extras = json!({
        "sessionId": SENTINEL, "action": "sendMessage", "chatInput": format!("{SENTINEL}\n"),
        "toolCallId": { "id": SENTINEL }, "tool": null,
    });
    for operation in contract() {
        let tool = tool_of(operation);
        bench.simulator.clear_log();
        let given = merge(extras.clone(), bench.good(tool));
        let reply = bench.session.call(tool.name(), given).await;
        assert!(!reply.failed, "{}: {}", tool.name(), reply.text());
        let requests = sent_for(&bench.simulator, operation);
        assert_eq!(requests.len(), 1);
        let mut names = requests[0]
            .query
            .iter()
            .chain(&requests[0].form)
            .map(|(name, _)| name);
        assert!(
            names.all(|name| extras.get(name).is_none()),
            "{}",
            tool.name()
        );
        assert!(!format!("{:?}", requests[0]).contains(SENTINEL));
    }
    bench.conclude().await;
}

#[tokio::test]
async fn ar_06_keys_are_visible_ascii_without_spaces() {
    let mut bench = Bench::new().await;
    for key in [
        String::new(),
        " ".to_owned(),
        format!("{SENTINEL}\r\nX-Evil: 1"),
        format!("{SENTINEL}\n"),
        format!("{SENTINEL}\r"),
        format!("{SENTINEL}\0"),
        format!("{SENTINEL}\t"),
        format!("{SENTINEL}\u{7f}"),
        format!(" {SENTINEL}"),
        format!("{SENTINEL} {SENTINEL}"),
        format!("{SENTINEL}é"),
        format!("{SENTINEL}\u{a0}"),
        format!("{SENTINEL}\u{200b}"),
        "k".repeat(513),
        SENTINEL.repeat(640),
    ] {
        let given = merge(at(&bench.simulator, json!({})), json!({ "apiKey": key }));
        bench.refused("list_devices", given, &["apiKey"]).await;
    }
    for key in [
        json!(7),
        json!(null),
        json!([SENTINEL]),
        json!({ "key": SENTINEL }),
        json!(true),
    ] {
        let given = merge(at(&bench.simulator, json!({})), json!({ "apiKey": key }));
        bench.refused("list_devices", given, &["apiKey"]).await;
    }
    bench.finish().await;
}

#[tokio::test]
async fn a_key_of_any_visible_characters_arrives_unchanged() {
    let mut bench = Bench::new().await;
    let all: String = ('!'..='~').collect();
    for key in [all, "k".repeat(512)] {
        let given = merge(at(&bench.simulator, json!({})), json!({ "apiKey": key }));
        bench.session.call("list_devices", given).await;
        let request = bench.simulator.requests().pop().unwrap();
        assert_eq!(request.header("apikey"), Some(key.as_bytes()));
    }
}

/// What arrives of a call: its parameters without those that no caller gives.
async fn sent(bench: &mut Bench, tool: &str, given: Value) -> Vec<(String, String)> {
    bench.simulator.clear_log();
    let reply = bench.session.call(tool, at(&bench.simulator, given)).await;
    let requests = bench.simulator.requests();
    assert_eq!(requests.len(), 1, "{reply:?}");
    let all = requests[0].query.iter().chain(&requests[0].form);
    all.filter(|(name, _)| name != "isFluidic")
        .cloned()
        .collect()
}

fn pair(name: &str, value: &str) -> (String, String) {
    (name.to_owned(), value.to_owned())
}

#[tokio::test]
async fn fl_01_numbers_without_a_fraction_are_integers() {
    let mut bench = Bench::new().await;
    for given in [
        json!(1.0),
        json!("1"),
        json!("1.0"),
        json!(" 1 "),
        json!("critical"),
        json!("Critical"),
    ] {
        let arrived = sent(
            &mut bench,
            "list_alarms",
            json!({ "severity": given, "limit": 2.0, "offset": 0.0 }),
        )
        .await;
        assert!(
            arrived.contains(&pair("severity", "1")),
            "{given}: {arrived:?}"
        );
    }
    let port: f64 = bench
        .simulator
        .host()
        .rsplit(':')
        .next()
        .unwrap()
        .parse()
        .unwrap();
    let given = json!({
        "host": "127.0.0.1", "port": port, "use_ssl": "False", "apiKey": bench.simulator.api_key(), "limit": 2.0,
    });
    let reply = bench.session.call("list_devices", given).await;
    assert_eq!(reply.json()["returned"], 2, "{reply:?}");
    bench
        .refused(
            "list_alarms",
            at(&bench.simulator, json!({ "severity": 1.5 })),
            &["severity"],
        )
        .await;
}

#[tokio::test]
async fn fl_02_null_and_an_empty_text_are_nothing() {
    let mut bench = Bench::new().await;
    bench.session = Session::start(&["--toolsets", "catalogue,all"]).await;
    for nothing in [json!(null), json!(""), json!("  "), json!([])] {
        let given = json!({ "severity": nothing, "deviceName": nothing, "alertType": nothing, "limit": nothing, "fields": nothing, "port": nothing, "verify_ssl": nothing });
        let arrived = sent(&mut bench, "list_alarms", given.clone()).await;
        let own: Vec<_> = arrived
            .iter()
            .filter(|(name, _)| name != "alertType")
            .collect();
        assert!(own.is_empty(), "{nothing}: {arrived:?}");
        let wrapped = json!({ "operation": "list_alarms", "arguments": given.to_string() });
        assert_eq!(sent(&mut bench, "call_operation", wrapped).await, arrived);
        let found = bench
            .session
            .call(
                "find_operations",
                json!({ "query": "mute a device", "toolset": nothing, "access": nothing }),
            )
            .await;
        assert!(!found.failed, "{nothing}: {found:?}");
        bench
            .refused(
                "get_device_summary",
                at(&bench.simulator, json!({ "name": nothing })),
                &["name"],
            )
            .await;
    }
    for nothing in [json!(null), json!(""), json!([]), json!({}), json!("{}")] {
        let given = at(
            &bench.simulator,
            json!({ "operation": "list_probes", "arguments": nothing }),
        );
        let reply = bench.session.call("call_operation", given).await;
        assert!(!reply.text().contains("arguments"), "{nothing}: {reply:?}");
    }
}

#[tokio::test]
async fn fl_02_an_argument_that_says_nothing_does_not_stand_in_the_way_of_one_that_does() {
    let mut bench = Bench::new().await;
    bench.session = Session::start(&["--toolsets", "catalogue,all"]).await;
    let port: u16 = bench.simulator.address().port();
    for nothing in [json!(null), json!(""), json!([])] {
        for given in [
            json!({ "deviceName": nothing, "name": "db-02" }),
            json!({ "deviceName": "db-02", "name": nothing }),
            json!({ "device": nothing, "name": "db-02", "source": nothing }),
            json!({ "DEVICENAME": nothing, "device_name": "db-02" }),
        ] {
            let arrived = sent(&mut bench, "list_alarms", given.clone()).await;
            assert!(
                arrived.contains(&pair("deviceName", "db-02")),
                "{given}: {arrived:?}"
            );
        }
        let beside = json!({
            "operation": "list_alarms", "deviceName": nothing, "severity": 1,
            "arguments": { "deviceName": "db-02", "severity": nothing, "host": nothing },
        });
        let arrived = sent(&mut bench, "call_operation", beside).await;
        for pair in [pair("deviceName", "db-02"), pair("severity", "1")] {
            assert!(arrived.contains(&pair), "{nothing}: {arrived:?}");
        }
        let connection = json!({
            "host": nothing, "Host": "127.0.0.1", "PORT": nothing, "port": port, "apiKey": nothing,
            "api_key": bench.simulator.api_key(), "use_ssl": false, "limit": 1,
        });
        let reply = bench.session.call("list_devices", connection).await;
        assert_eq!(reply.json()["returned"], 1, "{nothing}: {reply:?}");
    }
    // Both say something, and one of them is not what the tool calls it.
    let both = at(
        &bench.simulator,
        json!({ "deviceName": "db-02", "name": "db-03" }),
    );
    bench.refused("list_alarms", both, &["name"]).await;
    // Nothing under a name that stands for nothing is still made up.
    let made_up = at(&bench.simulator, json!({ "colour": null }));
    bench.refused("list_alarms", made_up, &["colour"]).await;
}

#[tokio::test]
async fn fl_03_lists_come_as_arrays_as_json_and_names_in_any_case() {
    let mut bench = Bench::new().await;
    for fields in [
        json!(["displayName", "severity"]),
        json!("[\"displayName\", \"severity\"]"),
        json!("displayName, severity"),
        json!("displayname,SEVERITY"),
    ] {
        let given = at(&bench.simulator, json!({ "fields": fields, "limit": 1 }));
        let reply = bench.session.call("list_alarms", given).await;
        let item = reply.json()["items"][0].clone();
        assert_eq!(item.as_object().unwrap().len(), 2, "{fields}: {reply:?}");
    }
    let arrived = sent(
        &mut bench,
        "list_alarms",
        json!({ "DEVICENAME": "db-02", "alert_type": "activealarms" }),
    )
    .await;
    assert!(
        arrived.contains(&pair("deviceName", "db-02")),
        "{arrived:?}"
    );
    assert!(
        arrived.contains(&pair("alertType", "ActiveAlarms")),
        "{arrived:?}"
    );
    let arrived = sent(
        &mut bench,
        "get_last_collected_values",
        json!({ "deviceMOIDList": [1802, 1804.0] }),
    )
    .await;
    assert!(
        arrived.contains(&pair("deviceMOIDList", "1802,1804")),
        "{arrived:?}"
    );
}

#[tokio::test]
async fn fl_04_what_clients_add_is_dropped_and_what_a_model_made_up_is_refused() {
    let mut bench = Bench::new().await;
    for added in [
        "wait_for_previous",
        "task_progress",
        "sessionId",
        "toolCallId",
        "random_string",
    ] {
        let arrived = sent(&mut bench, "list_probes", json!({ added: true })).await;
        assert!(arrived.is_empty(), "{added}: {arrived:?}");
    }
    let given = at(
        &bench.simulator,
        json!({ "devicename_": "x", "severty": 1 }),
    );
    let reply = bench.refused("list_alarms", given, &["severty"]).await;
    assert!(
        reply.text().contains("did you mean `severity`"),
        "{reply:?}"
    );
}

#[tokio::test]
async fn a_name_of_a_like_operation_stands_for_the_one_argument_that_it_can_mean() {
    let mut bench = Bench::new().await;
    for (tool, given, name) in [
        ("get_device_summary", "deviceName", "name"),
        ("get_device_summary", "device", "name"),
        ("get_interfaces", "deviceName", "name"),
        ("list_alarms", "name", "deviceName"),
        ("list_alarms", "device_name", "deviceName"),
    ] {
        let arrived = sent(&mut bench, tool, json!({ given: "db-02" })).await;
        assert!(
            arrived.contains(&pair(name, "db-02")),
            "{tool} {given}: {arrived:?}"
        );
    }
}

#[tokio::test]
async fn fl_27_a_placeholder_is_called_one_before_anything_is_sent() {
    let mut bench = Bench::new().await;
    for text in [
        "${OPMANAGER_API_KEY}",
        "{{ $env.KEY }}",
        "<your-key>",
        "%KEY%",
    ] {
        let given = json!({ "host": bench.simulator.host(), "apiKey": text, "use_ssl": false });
        let reply = bench.refused("list_devices", given, &["apiKey"]).await;
        assert!(
            reply.text().contains("placeholder") && !reply.text().contains("KEY"),
            "{reply:?}"
        );
    }
    let given = json!({ "host": "${OPMANAGER_HOST}", "apiKey": "k", "use_ssl": false });
    let reply = bench.refused("list_devices", given, &["host"]).await;
    assert!(reply.text().contains("placeholder"), "{reply:?}");
}

#[tokio::test]
async fn fl_25_times_arrive_in_the_form_of_the_operation() {
    let mut bench = Bench::new().await;
    let arrived = sent(
        &mut bench,
        "list_alarms",
        json!({ "fromTime": "2026-03-01T10:20:30", "until": "2026-03-02" }),
    )
    .await;
    assert!(
        arrived.contains(&pair("fromTime", "2026-03-01 10:20:30")),
        "{arrived:?}"
    );
    assert!(
        arrived.contains(&pair("toTime", "2026-03-02")),
        "{arrived:?}"
    );
    for instant in [
        json!("now-1h"),
        json!("2026-03-01T10:20:30Z"),
        json!(1_772_360_430),
        json!("today 06:00"),
    ] {
        let given = at(&bench.simulator, json!({ "fromTime": instant }));
        let reply = bench.refused("list_alarms", given, &["fromTime"]).await;
        assert!(reply.text().contains("--opmanager-zone"), "{reply:?}");
    }
    // Whose zone it is says the connection, and what is wrong with that is told alone.
    for (wrong, named) in [
        (json!({ "host": null }), "host"),
        (json!({ "port": 0 }), "port"),
        (json!({ "apiKey": "${KEY}" }), "apiKey"),
    ] {
        for instant in ["now-1h", "2026-03-01T10:20:30Z", "today 06:00"] {
            let given = merge(
                at(&bench.simulator, json!({ "fromTime": instant })),
                wrong.clone(),
            );
            let reply = bench.refused("list_alarms", given, &[named]).await;
            assert_eq!(reply.text().lines().count(), 2, "{reply:?}");
        }
        // No server takes this.
        let given = at(&bench.simulator, json!({ "fromTime": "noonish" }));
        let given = merge(given, wrong);
        bench
            .refused("list_alarms", given, &[named, "fromTime"])
            .await;
    }
    let mut session = Session::start(&["--opmanager-zone", "127.0.0.1=Asia/Tokyo"]).await;
    bench.simulator.clear_log();
    let given = at(
        &bench.simulator,
        json!({ "fromTime": "2026-03-01T10:20:30Z", "toTime": 1_772_360_430_000_u64 }),
    );
    session.call("list_alarms", given).await;
    let requests = bench.simulator.requests();
    assert!(
        requests[0]
            .query
            .contains(&pair("fromTime", "2026-03-01 19:20:30")),
        "{:?}",
        requests[0].query
    );
    assert!(
        requests[0]
            .query
            .contains(&pair("toTime", "2026-03-01 19:20:30")),
        "{:?}",
        requests[0].query
    );
}
