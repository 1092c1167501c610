//! The typed client as a library: what goes in is bounded, what comes out is the documented answer, also where the
//! server departs from it in the ways that OpManager is known for.

use opmanager_mcp_server::foreign::Told;
use opmanager_mcp_server::opmanager::types::{
    GetDeviceInfoArgs, ListAlarmsArgs, ListDevicesArgs, SetManagedArgs,
};
use opmanager_mcp_server::opmanager::{
    ApiKey, Bounded, Client, Connection, Error, Failure, Flag, Http, Integer, Number, Operation,
    OperationId, Target, Text, Trust, types,
};
use opmanager_simulator::{Fault, FaultKind, Simulator, contract, response_schemas};
use serde::Serialize;
use serde_json::{Map, Value, json};

use crate::support::{example, simulator};

fn client(simulator: &Simulator) -> Client {
    let target = Target::parse(&simulator.host(), None, Some(false)).unwrap();
    let key = ApiKey::new(simulator.api_key().to_owned()).unwrap();
    Client::new(
        Http::default(),
        Connection::with(target, Trust::Verified, key),
    )
}

fn arguments<O: Operation>() -> O {
    let id = O::ID.specification().id;
    let operation = contract()
        .iter()
        .find(|operation| operation.id == id)
        .unwrap();
    serde_json::from_value(Value::Object(example(operation))).unwrap()
}

fn answer_with(simulator: &Simulator, body: &Value) {
    simulator.inject(Fault::once(FaultKind::Respond {
        status: 200,
        content_type: Some("application/json".to_owned()),
        headers: Vec::new(),
        body: body.to_string().into_bytes(),
    }));
}

/// What is done with every operation.
trait Visit {
    async fn visit<O: Operation<Output: Serialize>>(&mut self);
}

/// Visits every operation of the document.
async fn visit_all(visitor: &mut impl Visit) {
    macro_rules! visit {
        ($($arguments:ident)*) => {$(
            // Each on the heap: together they are more than the stack of a test.
            Box::pin(visitor.visit::<types::$arguments>()).await;
        )*};
    }
    opmanager_mcp_server::for_each_operation!(visit);
}

/// What was sent and is not in what was decoded; scalars may have another type, nulls may be missing.
fn lost(place: &str, sent: &Value, decoded: &Value) -> Vec<String> {
    match (sent, decoded) {
        (Value::Object(sent), Value::Object(decoded)) => sent
            .iter()
            .flat_map(|(name, value)| match decoded.get(name) {
                Some(decoded) => lost(&format!("{place}/{name}"), value, decoded),
                None if value.is_null() => Vec::new(),
                None => vec![format!("{place}/{name} is lost")],
            })
            .collect(),
        (Value::Array(sent), Value::Array(decoded)) if sent.len() == decoded.len() => sent
            .iter()
            .zip(decoded)
            .enumerate()
            .flat_map(|(index, (sent, decoded))| lost(&format!("{place}/{index}"), sent, decoded))
            .collect(),
        (sent, decoded) if plain(sent).is_some() && plain(sent) == plain(decoded) => Vec::new(),
        _ => vec![format!("{place}: {sent} became {decoded}")],
    }
}

/// A scalar without regard to its type.
fn plain(scalar: &Value) -> Option<String> {
    let text = match scalar {
        Value::Null => String::new(),
        Value::String(text) => text.trim().to_lowercase(),
        Value::Bool(_) | Value::Number(_) => scalar.to_string(),
        Value::Array(_) | Value::Object(_) => return None,
    };
    let number = text.parse::<f64>().map(|number| number.to_string());
    Some(number.unwrap_or(text))
}

/// Whether the document knows the fields of this part of an answer.
fn schema_at<'a>(schema: &'a Value, step: Option<&str>) -> &'a Value {
    let resolve = |schema: &'a Value| match schema["$ref"].as_str() {
        Some(path) => response_schemas()
            .pointer(path.trim_start_matches('#'))
            .unwrap_or(&Value::Null),
        None => schema,
    };
    let schema = resolve(schema);
    match step {
        None => schema,
        Some("[]") => resolve(&schema["items"]),
        Some(name) => resolve(
            schema["properties"]
                .get(name)
                .unwrap_or(&schema["additionalProperties"]),
        ),
    }
}

/// An answer with each of its scalars and each of its documented objects changed.
fn altered(
    answer: &Value,
    schema: &Value,
    scalar: &impl Fn(&Value) -> Value,
    object: &impl Fn(&mut Map<String, Value>),
) -> Value {
    match answer {
        Value::Array(items) => {
            let schema = schema_at(schema, Some("[]"));
            items
                .iter()
                .map(|item| altered(item, schema, scalar, object))
                .collect()
        }
        Value::Object(fields) => {
            let mut fields: Map<String, Value> = fields
                .iter()
                .map(|(name, value)| {
                    let schema = schema_at(schema, Some(name));
                    (name.clone(), altered(value, schema, scalar, object))
                })
                .collect();
            if schema["properties"].is_object() {
                object(&mut fields);
            }
            Value::Object(fields)
        }
        other => scalar(other),
    }
}

/// Numbers as text, numeric text as numbers, truth values as words and words as truth values.
fn other_type(scalar: &Value) -> Value {
    match scalar {
        Value::Bool(true) => "True".into(),
        Value::Bool(false) => "false".into(),
        Value::Number(number) => number.to_string().into(),
        Value::String(text) => match text.parse::<i64>() {
            Ok(number) if number.to_string() == *text => number.into(),
            _ if text.eq_ignore_ascii_case("true") => true.into(),
            _ if text.eq_ignore_ascii_case("false") => false.into(),
            _ => scalar.clone(),
        },
        Value::Null | Value::Array(_) | Value::Object(_) => scalar.clone(),
    }
}

struct Decode {
    simulator: Simulator,
    client: Client,
    decoded: usize,
    problems: Vec<String>,
}

impl Visit for Decode {
    async fn visit<O: Operation<Output: Serialize>>(&mut self) {
        let id = O::ID.specification().id;
        let arguments: O = arguments();
        if !O::ID.specification().only_members.is_empty() {
            // What is lost of it is lost on purpose: `credentials.rs`.
            self.decoded += 7;
            return;
        }
        let raw = self.client.call_raw(&arguments).await.unwrap();
        let answer = self
            .client
            .judge(&raw)
            .unwrap_or_else(|failure| panic!("{id}: {failure}"))
            .into_json();
        let answer: Value = serde_json::from_str(&answer).unwrap();
        let schema = schema_at(&response_schemas()["responses"][id], None);
        assert!(schema.is_object(), "{id} has no schema");
        let same = Value::clone;
        let untouched = |_: &mut Map<String, Value>| {};
        let unknown_fields = |fields: &mut Map<String, Value>| {
            fields.insert("zqNew".to_owned(), json!({ "list": [1, { "deep": null }] }));
        };
        let no_scalars = |fields: &mut Map<String, Value>| {
            fields.retain(|_, value| value.is_object() || value.is_array());
        };
        let variants = [
            ("as it is", altered(&answer, schema, &same, &untouched)),
            (
                "other scalar types",
                altered(&answer, schema, &other_type, &untouched),
            ),
            (
                "unknown fields",
                altered(&answer, schema, &same, &unknown_fields),
            ),
            (
                "missing fields",
                altered(&answer, schema, &same, &no_scalars),
            ),
            (
                "nulls",
                altered(&answer, schema, &|_| Value::Null, &untouched),
            ),
            (
                "odd words",
                altered(&answer, schema, &|_| "NA".into(), &untouched),
            ),
            (
                "huge numbers",
                altered(&answer, schema, &|_| u64::MAX.into(), &untouched),
            ),
        ];
        for (variant, sent) in variants {
            answer_with(&self.simulator, &sent);
            let place = format!("{id}, {variant}: ");
            match self.client.call(&arguments).await {
                Ok(output) => {
                    let decoded = serde_json::to_value(&output).unwrap();
                    self.problems.extend(lost(&place, &sent, &decoded));
                }
                Err(error) => self.problems.push(format!("{place}{error}")),
            }
            self.decoded += 1;
        }
    }
}

#[tokio::test]
async fn every_answer_decodes_and_nothing_of_it_is_lost() {
    let simulator = simulator().await;
    let client = client(&simulator);
    let mut decode = Decode {
        simulator,
        client,
        decoded: 0,
        problems: Vec::new(),
    };
    visit_all(&mut decode).await;
    assert_eq!(decode.decoded, OperationId::ALL.len() * 7);
    assert!(decode.problems.is_empty(), "{}", decode.problems.join("\n"));
}

#[tokio::test]
async fn alarms_come_back_as_alarms() {
    let simulator = simulator().await;
    let client = client(&simulator);
    let critical = ListAlarmsArgs {
        severity: Some(1.try_into().unwrap()),
        ..Default::default()
    };
    let alarms: Vec<types::Alarm> = client.call(&critical).await.unwrap();
    assert!(!alarms.is_empty());
    for alarm in &alarms {
        assert_eq!(
            alarm.numeric_severity.as_ref().and_then(Integer::get),
            Some(1),
            "{alarm:?}"
        );
        assert!(
            alarm
                .entity
                .as_ref()
                .is_some_and(|entity| !entity.is_empty())
        );
    }
    // The family that is sent unasked is the active one.
    assert_eq!(
        simulator.requests()[0].query,
        [("alertType", "ActiveAlarms"), ("severity", "1")]
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
    );
}

#[tokio::test]
async fn a_list_inside_an_object_is_read_as_the_list_that_is_documented() {
    let simulator = simulator().await;
    for name in ["rows", "List", "Details"] {
        let body = format!(r#"{{"total":1,"{name}":[{{"entity":"e"}}],"page":"1"}}"#);
        simulator.inject(Fault::once(FaultKind::Respond {
            status: 200,
            content_type: Some("application/json".to_owned()),
            headers: Vec::new(),
            body: body.into_bytes(),
        }));
        let alarms = client(&simulator)
            .call(&ListAlarmsArgs::default())
            .await
            .unwrap();
        assert_eq!(alarms[0].entity.as_deref(), Some("e"), "{name}");
    }
}

#[tokio::test]
async fn fields_are_read_whatever_scalar_they_come_as() {
    let simulator = simulator().await;
    let client = client(&simulator);
    answer_with(
        &simulator,
        &json!([
            { "numericSeverity": "3", "deviceName": 77, "isSuppressed": "True", "new": { "a": [1] } },
            { "numericSeverity": 3, "deviceName": "77", "isSuppressed": true },
            { "numericSeverity": "NA", "deviceName": true, "isSuppressed": "perhaps" },
            {},
        ]),
    );
    let alarms = client.call(&ListAlarmsArgs::default()).await.unwrap();
    for alarm in &alarms[..2] {
        assert_eq!(
            alarm.numeric_severity.as_ref().and_then(Integer::get),
            Some(3)
        );
        assert_eq!(alarm.device_name.as_deref(), Some("77"));
        assert_eq!(alarm.is_suppressed.as_ref().and_then(Flag::get), Some(true));
    }
    assert_eq!(alarms[0].extra["new"], json!({ "a": [1] }));
    assert!(alarms[1].extra.is_empty());
    let odd = &alarms[2];
    assert_eq!(
        odd.numeric_severity.as_ref().map(Integer::as_text),
        Some("NA")
    );
    assert_eq!(odd.numeric_severity.as_ref().and_then(Integer::get), None);
    assert_eq!(
        odd.is_suppressed.as_ref().map(Flag::as_text),
        Some("perhaps")
    );
    assert_eq!(odd.is_suppressed.as_ref().and_then(Flag::get), None);
    assert_eq!(odd.device_name.as_deref(), Some("true"));
    let empty = &alarms[3];
    assert!(empty.numeric_severity.is_none() && empty.message.is_none() && empty.extra.is_empty());
}

#[test]
fn scalars_take_what_opmanager_sends_in_their_place() {
    fn check<T: serde::de::DeserializeOwned, R: PartialEq + std::fmt::Debug>(
        get: impl Fn(&T) -> R,
        cases: &[(&str, R)],
    ) {
        for (sent, expected) in cases {
            let scalar: T = serde_json::from_str(sent).unwrap();
            assert_eq!(get(&scalar), *expected, "{sent}");
        }
        for sent in ["{}", "[]", "[1]"] {
            assert!(
                serde_json::from_str::<T>(sent).is_err(),
                "{sent} is no scalar"
            );
        }
    }
    check(
        Integer::get,
        &[
            ("7", Some(7)),
            ("\" 7 \"", Some(7)),
            ("-7", Some(-7)),
            ("7.0", Some(7)),
            ("\"7.5\"", None),
            ("\"NA\"", None),
            ("\"\"", None),
            ("null", None),
            ("true", None),
            ("9223372036854775807", Some(i64::MAX)),
            ("9223372036854775808", None),
        ],
    );
    check(
        Number::get,
        &[
            ("0.25", Some(0.25)),
            ("\"0.25\"", Some(0.25)),
            ("3", Some(3.0)),
            ("\"No Response\"", None),
            ("null", None),
        ],
    );
    check(
        Flag::get,
        &[
            ("true", Some(true)),
            ("\"True\"", Some(true)),
            ("\"FALSE\"", Some(false)),
            ("1", Some(true)),
            ("\"0\"", Some(false)),
            ("2", None),
            ("\"enabled\"", None),
            ("null", None),
        ],
    );
    check(
        |text: &Text| text.to_string(),
        &[
            ("\"a\"", "a".to_owned()),
            ("18446744073709551615", "18446744073709551615".to_owned()),
            ("-3", "-3".to_owned()),
            ("0.50", "0.5".to_owned()),
            ("false", "false".to_owned()),
            ("null", String::new()),
        ],
    );
}

#[test]
fn bounds_hold_at_their_ends_and_not_beyond() {
    fn check<const MINIMUM: i64, const MAXIMUM: i64>() {
        for inside in [MINIMUM, MAXIMUM] {
            assert_eq!(
                Bounded::<MINIMUM, MAXIMUM>::try_from(inside).unwrap().get(),
                inside
            );
            serde_json::from_value::<Bounded<MINIMUM, MAXIMUM>>(inside.into()).unwrap();
        }
        let outside = [
            MINIMUM.checked_sub(1),
            MAXIMUM.checked_add(1),
            Some(i64::MIN),
        ];
        for outside in outside.into_iter().flatten() {
            assert!(
                Bounded::<MINIMUM, MAXIMUM>::try_from(outside).is_err(),
                "{outside}"
            );
            assert!(serde_json::from_value::<Bounded<MINIMUM, MAXIMUM>>(outside.into()).is_err());
        }
    }
    check::<1, 5>();
    check::<-2, 604_800_000>();
    check::<0, { i64::MAX }>();
    let text = Bounded::<1, 5>::try_from(6).unwrap_err().to_string();
    assert_eq!(text, "6 is not within 1 to 5");
}

#[test]
fn argument_types_refuse_what_the_document_does_not_know() {
    for wrong in [
        json!({ "severity": 0 }),
        json!({ "severity": 6 }),
        json!({ "severity": "1" }),
        json!({ "alertType": "Alarms" }),
        json!({ "deviceName": 7 }),
        json!({ "unknown": "x" }),
    ] {
        assert!(
            serde_json::from_value::<ListAlarmsArgs>(wrong.clone()).is_err(),
            "{wrong}"
        );
    }
    assert!(
        serde_json::from_value::<SetManagedArgs>(json!({})).is_err(),
        "required ones are missing"
    );
}

#[tokio::test]
async fn a_choice_is_checked_before_anything_is_sent() {
    let simulator = simulator().await;
    let client = client(&simulator);
    let name = || Some("db-01".to_owned());
    for wrong in [
        GetDeviceInfoArgs::default(),
        GetDeviceInfoArgs {
            device_name: name(),
            dns_name: name(),
            ..Default::default()
        },
    ] {
        match client.call(&wrong).await {
            Err(Error::Argument { argument, .. }) => assert_eq!(argument, "deviceName"),
            other => panic!("{other:?}"),
        }
    }
    assert_eq!(simulator.connections(), 0);
    let one = GetDeviceInfoArgs {
        device_name: name(),
        ..Default::default()
    };
    client.call(&one).await.unwrap();
    assert_eq!(
        simulator.requests()[0].query,
        [("deviceName".to_owned(), "db-01".to_owned())]
    );
}

#[tokio::test]
async fn failures_are_told_apart() {
    let simulator = simulator().await;
    let client = client(&simulator);
    let devices = ListDevicesArgs::default();

    simulator.inject(Fault::once(FaultKind::OpManagerError {
        message: "no".to_owned(),
        code: Some("PATTERN_NOT_MATCHED".to_owned()),
    }));
    match client.call(&devices).await {
        Err(Error::Refused(Failure::Reported {
            status,
            code,
            message,
        })) => {
            assert_eq!(
                (status, code.as_ref().map(Told::as_str), message.as_str()),
                (200, Some("PATTERN_NOT_MATCHED"), "no")
            );
        }
        other => panic!("{other:?}"),
    }

    simulator.inject(Fault::once(FaultKind::LoginPage));
    match client.call(&devices).await {
        Err(Error::Refused(Failure::WebPage { login, .. })) => assert!(login),
        other => panic!("{other:?}"),
    }

    simulator.inject(Fault::once(FaultKind::Respond {
        status: 200,
        content_type: None,
        headers: Vec::new(),
        body: "\u{feff}[{\"deviceName\":\"marked\"}]\n".into(),
    }));
    assert_eq!(
        client.call(&ListAlarmsArgs::default()).await.unwrap().len(),
        1,
        "with a byte order mark"
    );

    answer_with(&simulator, &json!("just text"));
    match client.call(&devices).await {
        Err(Error::Shape(_)) => {}
        other => panic!("{other:?}"),
    }
}
