//! What answers of real servers contradict: a test for each contradiction, by its number, that states the right value.
//!
//! The answers are data in one place, below; every word in them is ours.

use opmanager_mcp_server::opmanager::{
    ApiKey, Client, Connection, Http, Operation, OperationId, Target, Trust, types,
};
use opmanager_simulator::{Fault, FaultKind, Simulator, contract};
use serde::Serialize;
use serde_json::{Value, json};

use crate::support::{Reply, Session, at, example, simulator};

struct Bench {
    session: Session,
    simulator: Simulator,
}

impl Bench {
    async fn new() -> Self {
        Self {
            session: Session::start(&[
                "--access",
                "destructive",
                "--toolsets",
                "all,catalogue",
                "--rows",
                "objects",
                // One failure after the other, whatever it says of a lock.
                "--share-of-rate",
                "off",
            ])
            .await,
            simulator: simulator().await,
        }
    }

    /// Calls a tool whose one request gets this answer.
    async fn answered(&mut self, tool: &str, given: Value, (status, body): (u16, &str)) -> Reply {
        respond(&self.simulator, status, body);
        self.call(tool, given).await
    }

    async fn call(&mut self, tool: &str, given: Value) -> Reply {
        self.session.call(tool, at(&self.simulator, given)).await
    }

    /// What one call of a tool sends, by name.
    async fn sent(&mut self, tool: &str, given: Value) -> Vec<(String, String)> {
        self.simulator.clear_log();
        respond(&self.simulator, 200, "[]");
        let reply = self.call(tool, given).await;
        let requests = self.simulator.requests();
        assert_eq!(requests.len(), 1, "{reply:?}");
        let mut sent = requests[0].query.clone();
        sent.extend(requests[0].form.clone());
        sent
    }

    /// The words with which a call is rejected before anything is sent.
    async fn rejected(&mut self, tool: &str, given: Value) -> String {
        self.simulator.clear_log();
        let reply = self.call(tool, given).await;
        assert!(reply.failed, "{reply:?}");
        assert!(self.simulator.requests().is_empty(), "{reply:?}");
        reply.text().to_owned()
    }

    /// All that is told of an operation.
    async fn described(&mut self, operation: &str) -> Value {
        let asked = json!({ "operation": operation });
        self.session.call("describe_operation", asked).await.json()
    }

    async fn conclude(self) {
        self.session.conclude(self.simulator.api_key()).await;
    }
}

fn respond(simulator: &Simulator, status: u16, body: &str) {
    simulator.inject(Fault::once(FaultKind::Respond {
        status,
        content_type: Some("application/json".to_owned()),
        headers: Vec::new(),
        body: body.as_bytes().to_vec(),
    }));
}

fn value<'a>(sent: &'a [(String, String)], name: &str) -> Option<&'a str> {
    let found = sent.iter().find(|(known, _)| known == name);
    found.map(|(_, value)| value.as_str())
}

#[tokio::test]
async fn c_01_a_parameter_that_a_build_does_not_know_is_named_to_be_left_out() {
    let mut bench = Bench::new().await;
    let refused = (200, data::EXTRA_PARAMETER);
    let given = json!({ "severity": "1", "filters": "{}", "type": "Ethernet" });
    let reply = bench.answered("list_interfaces", given, refused).await;
    assert!(reply.failed);
    let text = reply.text();
    for part in [
        "this build does not know one of the parameters sent",
        "Leave it out: `filters` (only for newer builds)",
        "leave out one by one `severity`, `type`",
    ] {
        assert!(text.contains(part), "{part}: {text}");
    }
    assert!(!text.contains("names and ids"), "{text}");
    let given = json!({ "probeName": "north" });
    let reply = bench.answered("list_alarms", given, refused).await;
    let part = "Leave it out: `probeName` (only for a Central server).";
    assert!(reply.text().contains(part), "{}", reply.text());
    // Without any of these, the optional ones that rest on least come first.
    let given = json!({ "bvName": "Site", "startPoint": 0, "viewLength": 50 });
    let reply = bench
        .answered("get_business_details_view", given, refused)
        .await;
    let part = "leave it out, one by one, of `startPoint`, `viewLength`";
    assert!(reply.text().contains(part), "{}", reply.text());
    let given = json!({ "name": "core-sw-01" });
    let reply = bench.answered("get_interfaces", given, refused).await;
    let part = "No optional argument was given";
    assert!(reply.text().contains(part), "{}", reply.text());
    bench.conclude().await;
}

/// What rests on newer builds is sent for nobody who did not ask for it.
#[test]
fn c_01_what_a_build_may_not_know_has_no_default() {
    for operation in OperationId::ALL {
        let specification = operation.specification();
        for (name, _) in specification.defaults {
            assert!(
                !specification.origin_of(name).is_of_some_builds(),
                "{}: {name}",
                specification.id
            );
        }
    }
}

#[tokio::test]
async fn c_02_codes_decide_whatever_the_language_of_the_message() {
    let mut bench = Bench::new().await;
    for (answer, part) in data::FAILURES {
        let given = json!({ "name": "core-sw-01" });
        let reply = bench.answered("get_interfaces", given, answer).await;
        assert!(reply.failed, "{answer:?}");
        assert!(reply.text().contains(part), "{part}: {}", reply.text());
    }
    // What is certain is not called uncertain.
    for (answer, _) in &data::FAILURES[1..] {
        let given = json!({ "name": "core-sw-01" });
        let reply = bench.answered("get_interfaces", given, *answer).await;
        assert!(
            !reply.text().contains("cannot tell what kind"),
            "{answer:?}"
        );
    }
    bench.conclude().await;
}

#[tokio::test]
async fn c_03_a_message_in_place_of_a_list_is_an_empty_list() {
    let mut bench = Bench::new().await;
    for (tool, given) in [
        ("get_interfaces", json!({ "name": "none" })),
        ("list_devices", json!({})),
        ("list_interfaces", json!({})),
    ] {
        let reply = bench.answered(tool, given, (200, data::NOTHING)).await;
        assert!(!reply.failed, "{tool}: {}", reply.text());
        let answer = reply.json();
        assert_eq!(answer["items"], json!([]), "{tool}");
        assert!(answer["note"].as_str().unwrap().contains("Rien"), "{tool}");
    }
    // Of a write it is the success that it says.
    let operation = contract()
        .iter()
        .find(|o| o.id == "updateNotificationProfileStatus")
        .unwrap();
    let given = Value::Object(example(operation));
    let reply = bench
        .answered(
            "update_notification_profile_status",
            given,
            (200, data::NOTHING),
        )
        .await;
    assert!(
        !reply.failed && reply.json().get("items").is_none(),
        "{reply:?}"
    );
    bench.conclude().await;
}

#[tokio::test]
async fn c_04_a_counter_that_its_rows_contradict_is_not_passed_on() {
    let mut bench = Bench::new().await;
    let reply = bench
        .answered(
            "list_devices",
            json!({ "fields": "*" }),
            (200, data::DEVICES_TOTAL_0),
        )
        .await;
    let answer = reply.json();
    assert_eq!(
        (&answer["total"], &answer["returned"]),
        (&json!(3), &json!(3))
    );
    assert_eq!(answer["opmanager"], json!({ "page": 1, "records": 3 }));
    let note = answer["note"].as_str().unwrap();
    assert!(note.contains("read on until a page is short"), "{note}");
    let reply = bench
        .answered(
            "list_interfaces",
            json!({ "fields": "*" }),
            (200, data::INTERFACES_TOTAL_0),
        )
        .await;
    assert_eq!(reply.json()["opmanager"], json!({ "page": "1" }));
    // What counts pages is called so.
    let reply = bench
        .answered("list_interfaces", json!({}), (200, data::INTERFACES_PAGES))
        .await;
    let answer = reply.json();
    assert_eq!(answer["opmanager"], json!({ "pages": 13, "records": 2500 }));
    assert!(answer.get("note").is_none(), "{answer}");
    bench.conclude().await;
}

/// What is done with every operation.
trait Visit {
    async fn visit<O: Operation<Output: Serialize>>(&mut self);
}

struct BothForms {
    simulator: Simulator,
    client: Client,
    lists: usize,
}

impl Visit for BothForms {
    async fn visit<O: Operation<Output: Serialize>>(&mut self) {
        let specification = O::ID.specification();
        let Some(path) = specification.list else {
            return;
        };
        self.lists += 1;
        // Of some answers nothing but known members is kept.
        let member = specification.only_members.first().unwrap_or(&"unheardOf");
        let item = json!({ (*member): "row 1" });
        let list = json!([item, item]);
        let mut inside = list.clone();
        let usual = ["rows"];
        for key in if path.is_empty() { &usual } else { path }.iter().rev() {
            inside = json!({ (*key): inside });
        }
        let operation = contract()
            .iter()
            .find(|operation| operation.id == specification.id)
            .unwrap();
        let arguments: O = serde_json::from_value(Value::Object(example(operation))).unwrap();
        for body in [list, inside] {
            respond(&self.simulator, 200, &body.to_string());
            let answer = match self.client.call(&arguments).await {
                Ok(answer) => serde_json::to_value(&answer).unwrap().to_string(),
                Err(error) => panic!("{}: {body}: {error}", specification.id),
            };
            let found = answer.matches("row 1").count();
            assert_eq!(found, 2, "{}: {body} became {answer}", specification.id);
        }
    }
}

#[tokio::test]
async fn c_05_every_list_is_read_bare_and_in_an_object_by_the_typed_client() {
    let simulator = simulator().await;
    let target = Target::parse(&simulator.host(), None, Some(false)).unwrap();
    let key = ApiKey::new(simulator.api_key().to_owned()).unwrap();
    let connection = Connection::with(target, Trust::Verified, key);
    let client = Client::new(Http::default(), connection);
    let mut both = BothForms {
        simulator,
        client,
        lists: 0,
    };
    macro_rules! visit {
        ($($arguments:ident)*) => {$(
            // Each on the heap: together they are more than the stack of a test.
            Box::pin(both.visit::<types::$arguments>()).await;
        )*};
    }
    opmanager_mcp_server::for_each_operation!(visit);
    let lists = OperationId::ALL
        .iter()
        .filter(|o| o.specification().list.is_some());
    assert_eq!(both.lists, lists.count());
}

#[tokio::test]
async fn c_06_interfaces_are_sorted_by_traffic_and_by_old_and_new_names() {
    let mut bench = Bench::new().await;
    for column in [
        "inTraffic",
        "outTraffic",
        "interfaceDisplayName",
        "displayName",
        "adminStatus",
        "operStatus",
        "ipAddress",
        "ipaddress",
        "type",
        "inSpeed",
        "outSpeed",
        "isSuppressed",
        "probeName",
        "statusNum",
        "severity",
    ] {
        let given = json!({ "sortByColumn": column, "sortByType": "desc" });
        let sent = bench.sent("list_interfaces", given).await;
        assert_eq!(value(&sent, "sortByColumn"), Some(column));
        assert_eq!(value(&sent, "sortByType"), Some("desc"));
    }
    let text = bench
        .rejected("list_interfaces", json!({ "sortByColumn": "traffic" }))
        .await;
    assert!(text.contains("`sortByColumn` must be one of"), "{text}");
    bench.conclude().await;
}

#[tokio::test]
async fn c_07_conditions_of_newer_builds_are_json_and_sent_only_when_given() {
    let mut bench = Bench::new().await;
    let sent = bench.sent("list_interfaces", json!({})).await;
    assert_eq!(value(&sent, "filters"), None);
    let text = data::FILTERS;
    let object: Value = serde_json::from_str(text).unwrap();
    {
        let sent = bench
            .sent("list_interfaces", json!({ "filters": text }))
            .await;
        let sent: Value = serde_json::from_str(value(&sent, "filters").unwrap()).unwrap();
        assert_eq!(sent, object);
    }
    for wrong in [
        json!("core-sw"),
        json!("[]"),
        json!("{"),
        json!(7),
        json!([1, 2]),
        object.clone(),
    ] {
        let text = bench
            .rejected("list_interfaces", json!({ "filters": wrong }))
            .await;
        assert!(text.contains("`filters` must be"), "{wrong}: {text}");
    }
    let told = &bench.described("list_interfaces").await["arguments"]["filters"].clone();
    assert_eq!(told["only_for"], "newer builds");
    assert!(
        told["description"]
            .as_str()
            .unwrap()
            .contains("displayName")
    );
    bench.conclude().await;
}

#[tokio::test]
async fn c_08_interfaces_are_filtered_by_codes_and_never_by_words_of_a_language() {
    let mut bench = Bench::new().await;
    let told = bench.described("list_interfaces").await;
    assert!(told["description"].as_str().unwrap().contains("no filter"));
    let arguments = told["arguments"].as_object().unwrap();
    for word in ["operStatus", "adminStatus", "statusStr"] {
        assert!(!arguments.contains_key(word), "{word}");
    }
    // Words of ours become the codes.
    for (given, code) in [("Critical", "1"), ("Critical,Clear", "1,5")] {
        let sent = bench
            .sent("list_interfaces", json!({ "severity": given }))
            .await;
        assert_eq!(value(&sent, "severity"), Some(code));
    }
    bench.conclude().await;
}

#[tokio::test]
async fn c_09_words_of_rows_are_told_to_be_in_the_servers_language() {
    let mut bench = Bench::new().await;
    let reply = bench
        .answered(
            "list_devices",
            json!({ "fields": "*" }),
            (200, data::LOCALIZED_DEVICES),
        )
        .await;
    let row = &reply.json()["items"][0];
    // Nothing is guessed of them, and the code stands beside.
    assert_eq!(
        (&row["statusNum"], &row["statusStr"]),
        (&json!("1"), &json!("Critique"))
    );
    let told = bench.described("list_devices").await;
    let of = |field: &str| {
        told["answer"]["rows"][0][field]
            .as_str()
            .unwrap()
            .to_owned()
    };
    for field in ["statusStr", "category", "addedTime"] {
        assert!(of(field).contains("server's language"), "{}", of(field));
    }
    let category = told["arguments"]["category"]["description"]
        .as_str()
        .unwrap();
    assert!(category.contains("not the category of a row"), "{category}");
    let told = bench.described("get_interfaces").await;
    let english = told["answer"]["interfaces"][0]["statusString"]
        .as_str()
        .unwrap();
    assert!(english.contains("in English"), "{english}");
    bench.conclude().await;
}

#[tokio::test]
async fn c_10_no_call_names_a_customer_or_region_unasked() {
    let mut bench = Bench::new().await;
    for (tool, given) in [
        ("list_devices", json!({})),
        ("list_alarms", json!({})),
        ("acknowledge_alarm", json!({ "entity": "db-02_Poll" })),
    ] {
        let sent = bench.sent(tool, given).await;
        for name in ["selCustomerID", "regionID"] {
            assert_eq!(value(&sent, name), None, "{tool}");
        }
    }
    bench.conclude().await;
}

#[tokio::test]
async fn c_11_alarms_are_the_active_ones_unless_all_are_asked_for() {
    let mut bench = Bench::new().await;
    for (given, family) in [
        (json!({}), Some("ActiveAlarms")),
        (json!({ "alertType": "TrapAlarms" }), Some("TrapAlarms")),
        (json!({ "alertType": "All" }), None),
        (json!({ "alertType": "all" }), None),
    ] {
        let sent = bench.sent("list_alarms", given.clone()).await;
        assert_eq!(value(&sent, "alertType"), family, "{given}");
    }
    let told = bench.described("list_alarms").await;
    assert!(
        told["description"]
            .as_str()
            .unwrap()
            .starts_with("Lists active alarms")
    );
    assert_eq!(told["arguments"]["alertType"]["default"], "ActiveAlarms");
    bench.conclude().await;
}

#[tokio::test]
async fn c_12_limits_of_calls_are_those_of_the_vendors_pages() {
    let mut bench = Bench::new().await;
    for (calls, operations) in data::RATES {
        for operation in *operations {
            let told = bench.described(operation).await;
            assert_eq!(told["calls_per_minute"], *calls, "{operation}");
        }
    }
    let reply = bench
        .answered(
            "get_interfaces",
            json!({ "name": "x" }),
            (200, data::THROTTLED),
        )
        .await;
    assert!(reply.text().contains("20 calls per minute"), "{reply:?}");
    bench.conclude().await;
}

#[tokio::test]
async fn c_13_a_device_is_added_with_mask_name_and_kind_where_they_are_given() {
    let mut bench = Bench::new().await;
    let sent = bench
        .sent("add_device", json!({ "deviceName": "esx-1" }))
        .await;
    assert_eq!(sent, [("deviceName".to_owned(), "esx-1".to_owned())]);
    let given = json!({
        "deviceName": "esx-1",
        "displayName": "Host 1",
        "netmask": "255.255.255.0",
        "addType": "addVMwareESX",
    });
    let sent = bench.sent("add_device", given).await;
    assert_eq!(value(&sent, "displayName"), Some("Host 1"));
    assert_eq!(value(&sent, "netmask"), Some("255.255.255.0"));
    assert_eq!(value(&sent, "addType"), Some("addVMwareESX"));
    let told = bench.described("add_device").await;
    assert_eq!(told["arguments"]["addType"]["only_for"], "newer builds");
    bench.conclude().await;
}

#[tokio::test]
async fn c_14_numeric_codes_of_writes_are_told_in_words() {
    let mut bench = Bench::new().await;
    for (answer, meaning) in data::NUMERIC {
        let given = json!({ "deviceName": "core-sw-01" });
        let reply = bench.answered("add_device", given, (200, answer)).await;
        assert!(reply.failed);
        assert!(
            reply.text().contains(meaning),
            "{meaning}: {}",
            reply.text()
        );
        assert!(!reply.text().contains("cannot tell what kind"));
    }
    bench.conclude().await;
}

#[tokio::test]
async fn c_15_deleting_a_device_is_undocumented_and_not_called_impossible() {
    let mut bench = Bench::new().await;
    let told = bench.described("add_device").await;
    let text = told["description"].as_str().unwrap();
    assert!(!text.contains("No operation deletes"), "{text}");
    assert!(text.contains("set_managed"), "{text}");
    bench.conclude().await;
}

#[tokio::test]
async fn c_16_listing_dashboards_is_undocumented_and_not_called_impossible() {
    let mut bench = Bench::new().await;
    let told = bench.described("get_widgets_list").await;
    let text = told["description"].as_str().unwrap();
    assert!(!text.contains("No operation lists"), "{text}");
    bench.conclude().await;
}

#[tokio::test]
async fn c_17_a_business_view_is_named_with_or_without_its_suffix_in_any_language() {
    let mut bench = Bench::new().await;
    for name in ["Site_bv", "Site", "総本社", "Zürich Süd"] {
        let sent = bench
            .sent("get_business_details_view", json!({ "bvName": name }))
            .await;
        assert_eq!(value(&sent, "bvName"), Some(name));
    }
    let told = bench.described("get_business_details_view").await;
    let text = told["arguments"]["bvName"]["description"].as_str().unwrap();
    assert!(text.contains("without _bv is accepted too"), "{text}");
    bench.conclude().await;
}

#[tokio::test]
async fn c_18_interfaces_are_paged_always_and_several_severities_are_one_text() {
    let mut bench = Bench::new().await;
    let sent = bench.sent("list_interfaces", json!({})).await;
    assert_eq!(value(&sent, "rows"), Some("100"));
    assert_eq!(value(&sent, "page"), Some("1"));
    assert_eq!(value(&sent, "severity"), None);
    let given = json!({ "rows": 20000, "page": 5000 });
    let sent = bench.sent("list_interfaces", given).await;
    assert_eq!(value(&sent, "rows"), Some("20000"));
    assert_eq!(value(&sent, "page"), Some("5000"));
    for (given, text) in [
        (json!("1,2,4"), "1,2,4"),
        (json!([1, 2]), "1,2"),
        (json!(7), "7"),
        (json!("1, 11"), "1,11"),
    ] {
        let sent = bench
            .sent("list_interfaces", json!({ "severity": given }))
            .await;
        assert_eq!(value(&sent, "severity"), Some(text));
    }
    for (name, wrong, accepted) in [
        ("rows", json!(20001), "`rows` must be 1 to 20000"),
        ("rows", json!(0), "`rows` must be 1 to 20000"),
        ("page", json!(5001), "`page` must be 1 to 5000"),
        (
            "severity",
            json!("1,12"),
            "several joined by commas, 1 to 11",
        ),
        ("severity", json!("0"), "several joined by commas, 1 to 11"),
        (
            "severity",
            json!("red"),
            "several joined by commas, 1 to 11",
        ),
    ] {
        let text = bench
            .rejected("list_interfaces", json!({ (name): wrong }))
            .await;
        assert!(text.contains(accepted), "{text}");
    }
    bench.conclude().await;
}

#[tokio::test]
async fn c_19_traffic_comes_in_both_forms_and_both_are_explained() {
    let mut bench = Bench::new().await;
    let given = json!({ "name": "core-sw-01", "fields": "*" });
    let reply = bench
        .answered("get_interfaces", given, (200, data::TRAFFIC))
        .await;
    let items = reply.json()["items"].clone();
    assert_eq!(items[0]["inTraffic"], "3.768 K");
    assert_eq!(items[0]["inUtil"], "0.04");
    assert_eq!(items[1]["inTraffic"], "69.148 M (0.0%)");
    assert_eq!(items[1]["inUtil"], "NA");
    for (operation, list) in [
        ("get_interfaces", "interfaces"),
        ("list_interfaces", "rows"),
    ] {
        let told = bench.described(operation).await;
        let text = told["answer"][list][0]["inTraffic"].as_str().unwrap();
        for part in ["K, M or G", "perhaps a share", "NA is no value"] {
            assert!(text.contains(part), "{text}");
        }
    }
    bench.conclude().await;
}

#[tokio::test]
async fn c_20_graphs_are_always_asked_for_in_the_documented_form() {
    let mut bench = Bench::new().await;
    let given = json!({ "interfaceName": "IF-10.0.0.5-415" });
    let sent = bench.sent("get_interface_graphs", given).await;
    assert_eq!(value(&sent, "isFluidic"), Some("true"));
    bench.conclude().await;
}

#[tokio::test]
async fn c_21_an_operation_that_is_not_there_may_be_spelled_otherwise_on_an_old_build() {
    let mut bench = Bench::new().await;
    let operation = contract()
        .iter()
        .find(|o| o.id == "getPerformanceMonitorDetails")
        .unwrap();
    for body in ["", "{}", data::NOT_FOUND] {
        let given = Value::Object(example(operation));
        let reply = bench
            .answered("get_performance_monitor_details", given, (404, body))
            .await;
        assert!(reply.failed);
        let text = reply.text();
        assert!(text.contains("does not know the operation"), "{text}");
        assert!(text.contains("Builds of 2016 to 2018"), "{text}");
    }
    bench.conclude().await;
}

#[tokio::test]
async fn c_22_interfaces_of_a_device_come_bare_or_in_an_object() {
    let mut bench = Bench::new().await;
    let mut seen = Vec::new();
    for body in [data::INTERFACES_BARE, data::INTERFACES_INSIDE] {
        let given = json!({ "name": "core-sw-01" });
        let reply = bench.answered("get_interfaces", given, (200, body)).await;
        let answer = reply.json();
        assert_eq!(answer["total"], 2, "{answer}");
        seen.push(answer["items"].clone());
    }
    assert_eq!(seen[0], seen[1]);
    bench.conclude().await;
}

/// What servers answer.
mod data {
    /// A refusal of a parameter, in a language that is not English.
    pub(super) const EXTRA_PARAMETER: &str = r#"{"error":{"message":"Paramètre inattendu dans la requête.","errorcode":"EXTRA_PARAM_FOUND"}}"#;

    /// Status and body of failures, and what is said of them. The first has nothing but words.
    pub(super) const FAILURES: [((u16, &str), &str); 10] = [
        (
            (
                200,
                r#"{"error":{"message":"Clé non valide ou appareil absent."}}"#,
            ),
            "cannot tell what kind of error it is",
        ),
        (
            (
                200,
                r#"{"error":{"message":"Mauvais type.","errorcode":"DATATYPE_NOT_MATCHED"}}"#,
            ),
            "a value has the wrong type",
        ),
        (
            (
                200,
                r#"{"error":{"message":"Mauvais type.","code":"DATATYPE_NOT_MATCHED"}}"#,
            ),
            "a value has the wrong type",
        ),
        (
            (
                200,
                r#"{"error":{"message":"La valeur api key ne convient pas.","errorcode":"PATTERN_NOT_MATCHED"}}"#,
            ),
            "does not have the form",
        ),
        (
            (
                200,
                r#"{"status":"échec","errorcode":"PATTERN_NOT_MATCHED","message":"Non."}"#,
            ),
            "does not have the form",
        ),
        ((200, THROTTLED), "too many calls of this operation"),
        (
            (401, r#"{"error":{"message":"Accès refusé."}}"#),
            "Check the API key",
        ),
        (
            (403, r#"{"error":{"message":"Accès refusé."}}"#),
            "Check the API key",
        ),
        (
            (500, r#"{"error":{"message":"Panne interne."}}"#),
            "The server failed",
        ),
        ((404, NOT_FOUND), "does not know the operation"),
    ];

    pub(super) const THROTTLED: &str = r#"{"error":{"message":"Trop d'appels.","errorcode":"URL_ROLLING_THROTTLES_LIMIT_EXCEEDED"}}"#;

    pub(super) const NOT_FOUND: &str = r#"{"error":{"message":"Adresse inconnue."}}"#;

    pub(super) const NOTHING: &str = r#"{"message":"Rien n'a été trouvé."}"#;

    pub(super) const DEVICES_TOTAL_0: &str = r#"{"total":0,"page":1,"records":3,"rows":[
        {"deviceName":"a","statusNum":"5"},{"deviceName":"b","statusNum":"5"},{"deviceName":"c","statusNum":"1"}]}"#;

    pub(super) const INTERFACES_TOTAL_0: &str = r#"{"total":"0","records":"0","page":"1","rows":[
        {"interfaceName":"IF-1","statusNum":5},{"interfaceName":"IF-2","statusNum":1}]}"#;

    pub(super) const INTERFACES_PAGES: &str = r#"{"total":13,"records":2500,"page":1,"rows":[
        {"interfaceName":"IF-1","statusNum":5},{"interfaceName":"IF-2","statusNum":1}]}"#;

    pub(super) const LOCALIZED_DEVICES: &str = r#"[{"deviceName":"a","category":"Serveur","statusNum":"1",
        "statusStr":"Critique","addedTime":"18 novembre 2025 10:02:03 CET"}]"#;

    pub(super) const FILTERS: &str =
        r#"{"groupOp":"AND","rules":[{"field":"displayName","op":"eq","data":"core & co"}]}"#;

    /// Calls in a minute, and the operations of which that is the limit.
    pub(super) const RATES: &[(u32, &[&str])] = &[
        (20, &["get_interfaces", "configure_suppress_alarm"]),
        (
            50,
            &[
                "alarm_properties",
                "acknowledge_alarm",
                "un_acknowledge_alarm",
                "clear_alarm",
                "delete_alarm",
                "add_notes",
            ],
        ),
        (
            100,
            &[
                "list_alarms",
                "get_annotation",
                "get_down_devices",
                "set_managed",
                "get_availability_graph_data",
                "get_business_details_view",
            ],
        ),
        (200, &["get_business_view"]),
        (500, &["list_interfaces", "get_ping_response"]),
    ];

    /// Refusals by number, and what is said of them.
    pub(super) const NUMERIC: [(&str, &str); 4] = [
        (
            r#"{"error":{"code":5123,"message":"Cet appareil existe."}}"#,
            "the device is monitored already",
        ),
        (
            r#"{"error":{"code":5156,"message":"Cette vue existe."}}"#,
            "there is a business view of that name already",
        ),
        (
            r#"{"error":{"code":"5132","message":"Il en fait partie."}}"#,
            "the device is in that business view already",
        ),
        (
            r#"{"error":{"code":5013,"message":"État inconnu."}}"#,
            "the state of that run of a workflow is not known",
        ),
    ];

    pub(super) const TRAFFIC: &str = r#"{"interfaceCount":"2","interfaces":[
        {"name":"IF-1","inTraffic":"3.768 K","outTraffic":"NA","inUtil":"0.04","outUtil":"NA"},
        {"name":"IF-2","inTraffic":"69.148 M (0.0%)","outTraffic":"0","inUtil":"NA","outUtil":"NA"}]}"#;

    pub(super) const INTERFACES_BARE: &str =
        r#"[{"name":"IF-1","statusNum":"5"},{"name":"IF-2","statusNum":"1"}]"#;

    pub(super) const INTERFACES_INSIDE: &str = r#"{"interfaceCount":2,"downCount":1,"interfaces":[{"name":"IF-1","statusNum":"5"},{"name":"IF-2","statusNum":"1"}]}"#;
}
