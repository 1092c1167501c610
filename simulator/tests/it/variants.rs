//! What each variant does otherwise, and that they all tell of the same network.

use opmanager_simulator::{Options, Variant};
use serde_json::{Value, json};

use crate::{Session, json as body, start_with};

async fn playing(variant: Variant) -> Session {
    start_with(Options {
        variant,
        ..Options::default()
    })
    .await
}

fn rows(answer: &Value) -> &Vec<Value> {
    answer["rows"].as_array().expect("rows")
}

fn texts<'a>(rows: &'a [Value], member: &str) -> Vec<&'a str> {
    let text = |row: &'a Value| row[member].as_str().expect("a text");
    rows.iter().map(text).collect()
}

const PAGED: [(&str, &str); 2] = [("page", "1"), ("rows", "50")];

#[test]
fn names_of_variants_are_read_and_others_are_told_them() {
    for variant in Variant::ALL {
        assert_eq!(variant.name().parse(), Ok(variant));
    }
    let error = "Classic".parse::<Variant>().expect_err("another case");
    assert!(
        error
            .to_string()
            .ends_with("classic, newer, localized, msp, strict"),
        "{error}"
    );
}

#[tokio::test]
async fn all_variants_have_the_same_devices_and_codes() {
    for variant in Variant::ALL {
        let session = playing(variant).await;
        let devices = session.call("listDevices", &PAGED).await;
        let documented = playing(Variant::Documented).await;
        let expected = documented.call("listDevices", &PAGED).await;
        for member in ["displayName", "statusNum", "moid", "ipaddress"] {
            assert_eq!(
                texts(rows(&devices), member),
                texts(rows(&expected), member),
                "{variant:?}"
            );
        }
        let alarms = [("alertType", "ActiveAlarms")];
        let severities = async |session: &Session| -> Vec<i64> {
            let alarms = session.call("listAlarms", &alarms).await;
            let alarms = alarms.as_array().expect("a list").iter();
            alarms
                .map(|row| row["numericSeverity"].as_i64().expect("a number"))
                .collect()
        };
        assert_eq!(
            severities(&session).await,
            severities(&documented).await,
            "{variant:?}"
        );
    }
}

#[tokio::test]
async fn a_list_of_alarms_without_a_type_holds_cleared_ones_but_in_the_documented_variant() {
    for variant in Variant::ALL {
        let session = playing(variant).await;
        let alarms = session.call("listAlarms", &[]).await;
        let mut alarms = alarms.as_array().expect("a list").iter();
        let has_cleared = alarms.any(|row| row["numericSeverity"] == 5);
        assert_eq!(has_cleared, variant != Variant::Documented, "{variant:?}");
    }
}

#[tokio::test]
async fn a_classic_build_answers_with_bare_lists() {
    let session = playing(Variant::Classic).await;
    let devices = session.call("listDevices", &[]).await;
    let paged = session.call("listDevices", &PAGED).await;
    assert_eq!(devices.as_array(), paged["rows"].as_array());
    let interfaces = session
        .call("getInterfaces", &[("name", "core-sw-02")])
        .await;
    assert_eq!(interfaces[0]["name"], "IF-core-sw-02-1005");
    let graph = [
        ("interfaceName", "IF-rtr-01-1010"),
        ("graphName", "traffic"),
        ("period", "Today"),
    ];
    let series = session.call("getInterfaceGraphs", &graph).await;
    assert!(series["Tx traffic"][0]["y"].is_number(), "{series}");
    let known = session
        .call(
            "getInterfaceGraphs",
            &[&graph[..], &[("isFluidic", "true")]].concat(),
        )
        .await;
    assert!(known["consolidatedValues"].is_object(), "{known}");
}

#[tokio::test]
async fn a_classic_build_takes_the_key_in_the_query_and_ignores_what_it_does_not_know() {
    let session = playing(Variant::Classic).await;
    let path = "/api/json/device/listDevices?noSuch=1&apiKey=";
    let get = async |key: &str| {
        let request = session.bare("GET", &format!("{path}{key}"));
        request.send().await.expect("an answer")
    };
    assert!(body(get(session.api_key()).await).await.is_array());
    assert_eq!(get("wrong").await.status(), 401);
}

#[tokio::test]
async fn a_classic_build_knows_some_operations_by_other_names() {
    let session = playing(Variant::Classic).await;
    let status = async |last: &str| {
        let operation = opmanager_simulator::contract()
            .iter()
            .find(|operation| operation.id == "getDeviceAssociatedMonitors")
            .expect("a known operation");
        let module = operation.path.rsplit_once('/').expect("a path").0;
        let request = session.bare(operation.method, &format!("{module}/{last}?name=db-01"));
        let request = request.header("apiKey", session.api_key());
        request.send().await.expect("an answer").status().as_u16()
    };
    assert_eq!(status("getDeviceAssociatedMonitors").await, 404);
    assert_eq!(status("getAssociatedMonitors").await, 200);
}

#[tokio::test]
async fn an_empty_read_is_a_message_on_a_classic_build_or_where_asked_for() {
    let none = [("category", "Storage"), ("page", "1"), ("rows", "50")];
    let classic = playing(Variant::Classic).await;
    let expected = json!({ "message": "No Devices found." });
    assert_eq!(classic.call("listDevices", &none).await, expected);
    let asked = start_with(Options {
        empty_as_message: true,
        ..Options::default()
    })
    .await;
    assert_eq!(asked.call("listDevices", &none).await, expected);
    let interfaces = asked.call("getInterfaces", &[("name", "db-01")]).await;
    assert_eq!(interfaces, json!({ "message": "No Interfaces found." }));
    let alarms = asked.call("listAlarms", &[("deviceName", "db-01")]).await;
    assert_eq!(alarms, json!({ "message": "No Alarms found." }));
    let not = playing(Variant::Documented).await;
    assert!(rows(&not.call("listDevices", &none).await).is_empty());
}

#[tokio::test]
async fn a_newer_build_has_numeric_counters_and_sorts_by_traffic() {
    let session = playing(Variant::Newer).await;
    let by_traffic = [
        &PAGED[..],
        &[("sortByColumn", "inTraffic"), ("sortByType", "desc")],
    ]
    .concat();
    let page = session.call("listInterfaces", &by_traffic).await;
    assert_eq!((&page["total"], &page["records"]), (&json!(1), &json!(16)));
    let first = &rows(&page)[0];
    assert!(
        first["inTraffic"]
            .as_str()
            .is_some_and(|text| text.ends_with("%)")),
        "{first}"
    );
    assert_eq!(first["isSuppressed"], false);
    let megabits = |row: &Value| {
        let text = row["inTraffic"].as_str().expect("a text");
        text.split(' ')
            .next()
            .and_then(|text| text.parse::<i64>().ok())
            .expect("a number")
    };
    let traffic: Vec<_> = rows(&page).iter().map(megabits).collect();
    assert!(
        traffic.is_sorted_by(|one, other| one >= other) && traffic[0] > 0,
        "{traffic:?}"
    );
    let groups = session.call("listAllLogicalGroups", &[]).await;
    assert_eq!(groups["records"], 3);
}

#[tokio::test]
async fn a_newer_build_filters_interfaces_by_device_and_by_several_severities() {
    let filter = |field: &str, data: &str| {
        json!({ "groupOp": "AND", "rules": [{ "field": field, "op": "eq", "data": data }] })
            .to_string()
    };
    let count = async |session: &Session, more: &[(&str, &str)]| {
        let page = session
            .call("listInterfaces", &[&PAGED[..], more].concat())
            .await;
        rows(&page).len()
    };
    for variant in [Variant::Newer, Variant::Localized] {
        let session = playing(variant).await;
        assert_eq!(
            count(
                &session,
                &[("filters", &filter("displayName", "core-sw-02"))]
            )
            .await,
            2
        );
        assert_eq!(
            count(&session, &[("filters", &filter("statusNum", "1"))]).await,
            1
        );
        assert_eq!(count(&session, &[("severity", "1,5")]).await, 16);
        let text = filter("deviceName", "core-sw-02");
        let by_name = [&PAGED[..], &[("filters", &text)]].concat();
        assert_eq!(
            session.refusal("listInterfaces", &by_name).await,
            "PATTERN_NOT_MATCHED"
        );
        // A filter by an English word is met only where words are English.
        let expected = if variant == Variant::Newer { 15 } else { 16 };
        assert_eq!(
            count(&session, &[("filters", &filter("operStatus", "Up"))]).await,
            expected
        );
    }
    let strict = playing(Variant::Strict).await;
    let text = filter("displayName", "core-sw-02");
    let by_device = [&PAGED[..], &[("filters", &text)]].concat();
    assert_eq!(
        strict.refusal("listInterfaces", &by_device).await,
        "EXTRA_PARAM_FOUND"
    );
}

#[tokio::test]
async fn a_localized_server_keeps_codes_and_says_the_rest_in_its_language() {
    let session = playing(Variant::Localized).await;
    let page = session
        .call("listDevices", &[("category", "Server"), PAGED[0], PAGED[1]])
        .await;
    assert_eq!((&page["total"], &page["records"]), (&json!(0), &json!(10)));
    let device = &rows(&page)[1];
    assert_eq!(device["statusNum"], "1");
    assert_eq!(device["statusStr"], "Critique");
    assert_eq!(device["category"], "Serveur");
    assert!(
        device["addedTime"]
            .as_str()
            .is_some_and(|text| text.contains(" oct. 2025 ")),
        "{device}"
    );
    assert_eq!(device["prettyTime"], "il y a 89 jours");
    let interfaces = session
        .call("getInterfaces", &[("name", "core-sw-02")])
        .await;
    let down = &interfaces["interfaces"][1];
    assert_eq!(
        (&down["statusStr"], &down["statusString"]),
        (&json!("Critique"), &json!("Critical"))
    );
    let page = session.call("listInterfaces", &PAGED).await;
    assert_eq!(
        (&page["total"], &page["records"]),
        (&json!("0"), &json!("0"))
    );
    assert_eq!(rows(&page)[0]["operStatus"], "Actif");
    let events = session.call("listEvents", &[("period", "Today")]).await;
    assert!(
        events["severityVsCount"]["Critique"].is_number(),
        "{events}"
    );
    let text = session.text("getInterfaces", &[("name", "no-such")]).await;
    assert!(text.contains("n'existe pas"), "{text}");
    let code = session.refusal("getInterfaces", &[]).await;
    assert_eq!(code, "LESS_THAN_MIN_OCCURANCE");
    let alarms = session
        .text("listAlarms", &[("entity", "db-02_Poll")])
        .await;
    assert!(
        !alarms.contains("Device is down") && alarms.contains("Critique"),
        "{alarms}"
    );
}

#[tokio::test]
async fn a_central_shows_a_customer_its_own_devices_only() {
    let session = playing(Variant::Msp).await;
    let devices = async |customer: Option<&str>| -> Vec<String> {
        let scope = customer.map(|id| [("selCustomerID", id), ("regionID", "-1")]);
        let scope = scope.as_ref().map_or(&[][..], |scope| &scope[..]);
        let page = session
            .call("listDevices", &[&PAGED[..], scope].concat())
            .await;
        texts(rows(&page), "deviceName")
            .into_iter()
            .map(str::to_owned)
            .collect()
    };
    let (default, all) = (devices(None).await, devices(Some("-1")).await);
    let (one, other) = (devices(Some("901")).await, devices(Some("902")).await);
    assert_eq!(default, all);
    assert!(
        one.iter().all(|name| name.ends_with(".10000000001")),
        "{one:?}"
    );
    assert!(
        other.iter().all(|name| name.ends_with(".130000000001")),
        "{other:?}"
    );
    assert_eq!(one.len() + other.len(), all.len());
    assert_eq!(devices(None).await, all, "nothing stays hidden");
    let alarms = session
        .call("listAlarms", &[("selCustomerID", "902")])
        .await;
    let names = texts(alarms.as_array().expect("a list"), "deviceName");
    assert!(
        !names.is_empty() && names.iter().all(|name| name.ends_with(".130000000001")),
        "{names:?}"
    );
    let groups = session
        .call("listAllLogicalGroups", &[("selCustomerID", "902")])
        .await;
    assert_eq!(
        (&groups[0]["count"], &groups[1]),
        (&json!("1"), &Value::Null),
        "{groups}"
    );
    assert_eq!(
        session
            .refusal("listDevices", &[("selCustomerID", "7")])
            .await,
        ""
    );
    assert_eq!(
        session.refusal("listDevices", &[("regionID", "x")]).await,
        "DATATYPE_NOT_MATCHED"
    );
    // A write lands in the network and not in what was hidden from it.
    let write = [
        ("name", other[0].as_str()),
        ("manage", "false"),
        ("selCustomerID", "902"),
    ];
    session.call("setManaged", &write).await;
    assert_eq!(devices(None).await, all);
}

#[tokio::test]
async fn a_central_names_probes_lists_customers_and_blocks_some_operations() {
    let session = playing(Variant::Msp).await;
    let page = session.call("listInterfaces", &PAGED).await;
    let first = &rows(&page)[0];
    assert_eq!(first["interfaceName"], "IF-core-sw-01.10000000001-1001");
    assert_eq!(first["probeName"], "probe-01");
    let name = [("name", "core-sw-01.10000000001")];
    let interfaces = session.call("getInterfaces", &name).await;
    assert_eq!(interfaces["interfaceCount"], "4");
    let alarm = [("entity", "db-02.10000000001_Poll")];
    assert_eq!(
        session.call("alarmProperties", &alarm).await["statusNum"],
        "1"
    );
    let of_probe = session
        .call("listAlarms", &[("probeName", "probe-02")])
        .await;
    let all = session.call("listAlarms", &[]).await;
    assert!(of_probe.as_array().map(Vec::len) < all.as_array().map(Vec::len));
    let request = session.bare("GET", "/api/json/admin/listCustomerNames");
    let request = request.header("apiKey", session.api_key());
    let customers = body(request.send().await.expect("an answer")).await;
    assert_eq!(
        customers[1],
        json!({ "customerId": "902", "customerName": "customer-2" })
    );
    let blocked = session
        .text("getTraceResponse", &[("deviceName", "rtr-02.130000000001")])
        .await;
    assert!(
        blocked.contains("This operation is blocked in Central Server"),
        "{blocked}"
    );
}

#[tokio::test]
async fn a_strict_build_refuses_what_the_page_does_not_have() {
    let session = playing(Variant::Strict).await;
    for (id, arguments, code) in [
        ("listDevices", &[("noSuch", "1")][..], "EXTRA_PARAM_FOUND"),
        (
            "listDevices",
            &[("selCustomerID", "-1")],
            "EXTRA_PARAM_FOUND",
        ),
        ("listInterfaces", &[("name", "db-01")], "EXTRA_PARAM_FOUND"),
        // The document has it from a third party.
        (
            "getBusinessDetailsView",
            &[("bvName", "Web Shop_bv"), ("viewLength", "5")],
            "EXTRA_PARAM_FOUND",
        ),
        ("listInterfaces", &[], "LESS_THAN_MIN_OCCURANCE"),
        (
            "listInterfaces",
            &[("rows", "20001")],
            "PATTERN_NOT_MATCHED",
        ),
        (
            "listInterfaces",
            &[("rows", "50"), ("page", "0")],
            "PATTERN_NOT_MATCHED",
        ),
        ("getInterfaces", &[("name", "it's")], "PATTERN_NOT_MATCHED"),
    ] {
        assert_eq!(
            session.refusal(id, arguments).await,
            code,
            "{id} {arguments:?}"
        );
    }
    let by_old = [("rows", "50"), ("sortByColumn", "severity")];
    assert_eq!(
        session.refusal("listInterfaces", &by_old).await,
        "PATTERN_NOT_MATCHED"
    );
    session.call("listInterfaces", &PAGED).await;
    session
        .call("getBusinessDetailsView", &[("bvName", "Web Shop")])
        .await;
}
