//! What is refused, and how.

use opmanager_simulator::{Options, Recorded};
use serde_json::Value;

use crate::{json, start, start_with};

/// Operation, arguments, expected code.
type Case = (
    &'static str,
    &'static [(&'static str, &'static str)],
    &'static str,
);

const ALARMS: &str = "/api/json/alarm/listAlarms";

#[tokio::test]
async fn unknown_paths_and_methods() {
    let session = start().await;
    let status = async |method, path: &str| {
        let request = session
            .bare(method, path)
            .header("apiKey", session.api_key());
        request.send().await.expect("an answer").status().as_u16()
    };
    assert_eq!(status("GET", "/api/json/alarm/noSuchThing").await, 404);
    assert_eq!(
        status("GET", "/API/json/alarm/listAlarms").await,
        404,
        "paths keep their case"
    );
    assert_eq!(status("POST", ALARMS).await, 405);
    assert_eq!(status("GET", ALARMS).await, 200);
}

#[tokio::test]
async fn the_key_must_be_in_the_header_and_nowhere_else() {
    let session = start().await;
    let key = session.api_key().to_owned();
    let send = async |path: String, name: &str, value: &str| {
        let response = session
            .bare("GET", &path)
            .header(name, value)
            .send()
            .await
            .expect("an answer");
        (response.status().as_u16(), json(response).await)
    };
    let (status, body) = send(ALARMS.to_owned(), "x-other", &key).await;
    assert_eq!((status, body["error"]["message"].is_string()), (401, true));
    let (status, _) = send(ALARMS.to_owned(), "apiKey", "wrong").await;
    assert_eq!(status, 401);
    let (status, _) = send(format!("{ALARMS}?apiKey={key}"), "x-other", "1").await;
    assert_eq!(status, 401, "a key in the query does not count");
    let (status, body) = send(format!("{ALARMS}?apiKey={key}"), "apiKey", &key).await;
    assert_eq!((status, body["error"]["message"].is_string()), (200, true));
    let (status, body) = send(ALARMS.to_owned(), "APIKEY", &key).await;
    assert_eq!(
        (status, body.is_array()),
        (200, true),
        "names of headers have no case"
    );
    assert!(!body.to_string().contains(&key));
}

#[tokio::test]
async fn parameters_are_checked_against_the_document() {
    let session = start().await;
    let cases: [Case; 13] = [
        ("listAlarms", &[("noSuch", "1")], "EXTRA_PARAM_FOUND"),
        (
            "listAlarms",
            &[("severity", "1"), ("severity", "2")],
            "MORE_THAN_MAX_OCCURANCE",
        ),
        (
            "listAlarms",
            &[("severity", "high")],
            "DATATYPE_NOT_MATCHED",
        ),
        ("listAlarms", &[("severity", "9")], ""),
        (
            "listAlarms",
            &[("alertType", "Everything")],
            "PATTERN_NOT_MATCHED",
        ),
        (
            "listAlarms",
            &[("fromTime", "yesterday")],
            "PATTERN_NOT_MATCHED",
        ),
        ("getAnnotation", &[], "LESS_THAN_MIN_OCCURANCE"),
        ("getAnnotation", &[("entity", "")], "LESS_THAN_MIN_LENGTH"),
        (
            "setManaged",
            &[("name", "db-01"), ("manage", "yes")],
            "DATATYPE_NOT_MATCHED",
        ),
        (
            "addNotes",
            &[("entity", "db-02_Poll"), ("notes", "<b>bold</b>")],
            "XSS_DETECTED",
        ),
        ("getDeviceInfo", &[], "LESS_THAN_MIN_OCCURANCE"),
        (
            "getDeviceInfo",
            &[("deviceName", "db-01"), ("ipAddress", "192.0.2.21")],
            "MORE_THAN_MAX_OCCURANCE",
        ),
        (
            "getAvailabilityGraphData",
            &[("name", "db-01"), ("isFluidic", "false")],
            "PATTERN_NOT_MATCHED",
        ),
    ];
    for (id, arguments, code) in cases {
        assert_eq!(
            session.refusal(id, arguments).await,
            code,
            "{id} {arguments:?}"
        );
    }
}

#[tokio::test]
async fn bodies_are_read_only_where_they_are_documented() {
    let session = start().await;
    let path = "/api/json/alarm/acknowledgeAlarm";
    let send = async |content_type: &str, body: &'static str| -> Value {
        let request = session
            .bare("POST", path)
            .header("apiKey", session.api_key())
            .header("content-type", content_type);
        json(request.body(body).send().await.expect("an answer")).await
    };
    let form = send("application/x-www-form-urlencoded", "entity=db-02_Poll").await;
    assert!(
        form["error"].is_object(),
        "documented in the query only: {form}"
    );
    let other = send("application/json", r#"{"entity":"db-02_Poll"}"#).await;
    assert_eq!(other["error"]["errorcode"], "UNABLE_TO_PARSE_DATA_TYPE");
    // addEvent is documented both ways.
    let event = "source=db-01&severity=2&message=x&alarmCode=c&entity=both_ways&eventType=t";
    let request = session
        .bare("POST", &format!("/api/json/events/addEvent?{event}"))
        .header("apiKey", session.api_key());
    let query = json(request.send().await.expect("an answer")).await;
    assert!(query["result"].is_object(), "{query}");
}

#[tokio::test]
async fn names_that_do_not_exist_are_errors_with_status_200() {
    let session = start().await;
    for (id, arguments) in [
        ("listAlarms", vec![("deviceName", "no-such")]),
        ("getInterfaces", vec![("name", "no-such")]),
        (
            "getDeviceSummary",
            vec![("name", "no-such"), ("isFluidic", "true")],
        ),
        ("getDeviceInfo", vec![("deviceName", "prn-03")]),
        ("acknowledgeAlarm", vec![("entity", "no-such")]),
        ("getLogicalGroupInfo", vec![("groupName", "Databases")]),
        ("getWirelessAPList", vec![("deviceName", "db-01")]),
        ("getReportsData", vec![("reportID", "999")]),
    ] {
        assert_eq!(session.refusal(id, &arguments).await, "", "{id}");
    }
}

#[tokio::test]
async fn rate_limits_are_kept_only_when_switched_on() {
    let free = start().await;
    let limited = start_with(Options {
        rate_limits: true,
        ..Options::default()
    })
    .await;
    let arguments = [("name", "ups-01"), ("suppressInterval", "0")];
    for _ in 0..20 {
        free.call("ConfigureSuppressAlarm", &arguments).await;
        limited.call("ConfigureSuppressAlarm", &arguments).await;
    }
    free.call("ConfigureSuppressAlarm", &arguments).await;
    let code = limited.refusal("ConfigureSuppressAlarm", &arguments).await;
    assert_eq!(code, "URL_ROLLING_THROTTLES_LIMIT_EXCEEDED");
    limited.call("listDevices", &[]).await;
}

#[tokio::test]
async fn the_log_has_everything_that_was_received() {
    let session = start().await;
    session
        .call(
            "addNotes",
            &[("entity", "db-02_Poll"), ("notes", "50 % & more")],
        )
        .await;
    let event = [
        ("source", "db-01"),
        ("severity", "2"),
        ("message", "a+b c"),
        ("alarmCode", "c"),
        ("entity", "e"),
        ("eventType", "t"),
    ];
    session.call("addEvent", &event).await;
    session.wait_until(|log| log.requests.len() == 2).await;
    let [note, event]: [Recorded; 2] = session.requests().try_into().expect("two requests");
    assert_eq!(
        (note.method.as_str(), note.path.as_str()),
        ("POST", "/api/json/alarm/addNotes")
    );
    assert_eq!(
        note.target,
        "/api/json/alarm/addNotes?entity=db-02_Poll&notes=50%20%25%20%26%20more"
    );
    assert_eq!(
        note.query[1],
        ("notes".to_owned(), "50 % & more".to_owned())
    );
    assert_eq!(note.header("apikey"), Some(session.api_key().as_bytes()));
    assert_eq!(note.operation, Some("addNotes"));
    assert_eq!(event.form[2], ("message".to_owned(), "a+b c".to_owned()));
    assert!(event.body.starts_with(b"source=db-01&"));
    assert_eq!(
        (session.connections(), note.connection, event.connection),
        (1, 1, 1),
        "the connection was kept"
    );
    assert!(session.bytes_received() > event.body.len());
    session.clear_log();
    assert!(session.requests().is_empty());
    assert_eq!((session.connections(), session.bytes_received()), (0, 0));
}
