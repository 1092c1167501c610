//! What is written shows in what is read later.

use opmanager_simulator::Options;
use serde_json::{Value, json};

use crate::{Session, start};

/// The row of a list that has this value in this field.
fn row<'a>(rows: &'a Value, field: &str, value: &str) -> Option<&'a Value> {
    rows.as_array()
        .expect("a list")
        .iter()
        .find(|row| row[field] == value)
}

async fn alarm(session: &Session, entity: &str) -> Option<Value> {
    let alarms = session.call("listAlarms", &[]).await;
    row(&alarms, "entity", entity).cloned()
}

#[tokio::test]
async fn alarms_are_acknowledged_annotated_cleared_and_deleted() {
    let session = start().await;
    let entity = [("entity", "db-02_Poll")];
    let who = async || alarm(&session, "db-02_Poll").await.expect("an alarm")["who"].clone();
    assert_eq!(who().await, "Unacknowledged");
    let done = session.call("acknowledgeAlarm", &entity).await;
    assert_eq!(
        done,
        json!({ "result": { "message": "Alarm has been successfully Acknowledged" } })
    );
    assert_eq!(who().await, "admin");
    assert_eq!(
        session.call("alarmProperties", &entity).await["who"],
        "admin"
    );
    session.call("unAcknowledgeAlarm", &entity).await;
    assert_eq!(
        session.call("alarmProperties", &entity).await["who"],
        "Unacknowledge"
    );

    assert_eq!(session.call("getAnnotation", &entity).await, json!([]));
    session
        .call("addNotes", &[entity[0], ("notes", "Disk is on its way")])
        .await;
    let notes = session.call("getAnnotation", &entity).await;
    assert_eq!(
        (&notes[0]["notes"], &notes[0]["who"]),
        (&json!("Disk is on its way"), &json!("admin"))
    );

    session.call("clearAlarm", &entity).await;
    assert!(
        alarm(&session, "db-02_Poll").await.is_none(),
        "it has left the active list"
    );
    let cleared = session.call("listAlarms", &[("severity", "5")]).await;
    assert!(row(&cleared, "entity", "db-02_Poll").is_some());
    let properties = session.call("alarmProperties", &entity).await;
    assert_eq!(
        (
            &properties["previousSeverity"],
            &properties["stringpreviousseverity"]
        ),
        (&json!("1"), &json!("Critical"))
    );

    session.call("deleteAlarm", &entity).await;
    assert_eq!(session.refusal("alarmProperties", &entity).await, "");
    assert_eq!(session.refusal("deleteAlarm", &entity).await, "");
}

#[tokio::test]
async fn several_alarms_at_once_or_none() {
    let session = start().await;
    assert_eq!(
        session
            .refusal("acknowledgeAlarm", &[("entity", "db-02_Poll,no-such")])
            .await,
        ""
    );
    assert_eq!(
        alarm(&session, "db-02_Poll").await.expect("an alarm")["who"],
        "Unacknowledged"
    );
    session
        .call("acknowledgeAlarm", &[("entity", "db-02_Poll,db-02_MSSQL")])
        .await;
    for entity in ["db-02_Poll", "db-02_MSSQL"] {
        assert_eq!(
            alarm(&session, entity).await.expect("an alarm")["who"],
            "admin"
        );
    }
}

#[tokio::test]
async fn events_make_update_and_clear_alarms() {
    let session = start().await;
    let raise = async |severity, message| {
        let event = [
            ("source", "web-01"),
            ("severity", severity),
            ("message", message),
        ];
        let rest = [
            ("alarmCode", "Shop-QUEUE"),
            ("entity", "shop_queue"),
            ("eventType", "Shop"),
        ];
        session
            .call("addEvent", &[event.as_slice(), &rest].concat())
            .await;
    };
    raise("3", "Queue is long").await;
    let first = alarm(&session, "shop_queue").await.expect("an alarm");
    assert_eq!(
        (&first["numericSeverity"], &first["message"]),
        (&json!(3), &json!("Queue is long"))
    );
    assert_eq!(
        first["severity"],
        "<img src='/images/devices/status3.gif'>\u{a0}Attention"
    );
    raise("1", "Queue is full").await;
    let second = alarm(&session, "shop_queue").await.expect("an alarm");
    assert_eq!(
        (&second["numericSeverity"], &second["alarmId"]),
        (&json!(1), &first["alarmId"])
    );
    assert!(second["modTimeLong"].as_i64() > first["modTimeLong"].as_i64());
    assert_eq!(
        session.call("listAlarms", &[]).await[0]["entity"],
        "shop_queue",
        "the latest comes first"
    );
    let down = session.call("getDownDevices", &[]).await;
    assert!(row(&down["DownDevices"]["Details"], "name", "web-01").is_some());
    raise("5", "Queue is short").await;
    assert!(alarm(&session, "shop_queue").await.is_none());
    let events = session
        .call("listEvents", &[("entity", "shop_queue")])
        .await;
    assert_eq!(events["List"].as_array().map(Vec::len), Some(3));
    assert_eq!(
        events["severityVsCount"],
        json!({ "Clear": 1, "Critical": 1, "Attention": 1 })
    );
    let unknown = [
        ("source", "no-such"),
        ("severity", "1"),
        ("message", "m"),
        ("alarmCode", "c"),
        ("entity", "e"),
    ];
    session
        .refusal(
            "addEvent",
            &[unknown.as_slice(), &[("eventType", "t")]].concat(),
        )
        .await;
}

#[tokio::test]
async fn alarms_are_filtered() {
    let session = start().await;
    let count = async |arguments: &[(&str, &str)]| {
        session
            .call("listAlarms", arguments)
            .await
            .as_array()
            .map_or(0, Vec::len)
    };
    let all = count(&[]).await;
    assert_eq!(count(&[("alertType", "ActiveAlarms")]).await, all);
    assert_eq!(count(&[("deviceName", "db-02")]).await, 3);
    assert_eq!(
        count(&[("deviceName", "db-02"), ("severity", "1")]).await,
        1
    );
    assert_eq!(count(&[("alertType", "TrapAlarms")]).await, 2);
    assert_eq!(count(&[("alertType", "NCMAlarms")]).await, 0);
    assert_eq!(count(&[("category", "UPS")]).await, 1);
    assert_eq!(count(&[("entity", "db-02_Poll")]).await, 1);
    assert_eq!(count(&[("fromTime", "2026-01-14 08:58:00")]).await, 3);
    assert_eq!(
        count(&[
            ("fromTime", "2026-01-14"),
            ("toTime", "2026-01-14 08:58:00")
        ])
        .await
            + 3,
        all
    );
}

#[tokio::test]
async fn devices_are_added_and_listed_in_pages() {
    let session = start().await;
    let added = session
        .call(
            "addDevice",
            &[
                ("deviceName", "web-02.corp.example"),
                ("credentialName", "snmp-ro"),
            ],
        )
        .await;
    assert_eq!(added["device"]["message"], "Device added successfully.");
    assert_eq!(
        session
            .refusal("addDevice", &[("deviceName", "web-02.corp.example")])
            .await,
        ""
    );
    let mut names = Vec::new();
    for page in 1.. {
        let page = session
            .call("listDevices", &[("page", &page.to_string()), ("rows", "5")])
            .await;
        let rows = page["rows"].as_array().expect("rows");
        names.extend(
            rows.iter()
                .map(|row| row["deviceName"].as_str().expect("a name").to_owned()),
        );
        assert_eq!(page["records"], 22);
        if page["page"] == page["total"] {
            break;
        }
    }
    assert_eq!(names.len(), 22);
    assert_eq!(
        names.last().map(String::as_str),
        Some("web-02.corp.example")
    );
    let far = session
        .call(
            "listDevices",
            &[
                ("page", "9223372036854775807"),
                ("rows", "9223372036854775807"),
            ],
        )
        .await;
    assert_eq!((&far["rows"], &far["total"]), (&json!([]), &json!(1)));
    let sorted = session
        .call(
            "listDevices",
            &[("sortByColumn", "displayName"), ("sortByType", "desc")],
        )
        .await;
    assert_eq!(sorted["rows"][0]["displayName"], "wlc-01");
    let servers = session
        .call("listDevices", &[("category", "Server"), ("severity", "1")])
        .await;
    assert_eq!(
        (&servers["records"], &servers["rows"][0]["deviceName"]),
        (&json!(1), &json!("db-02"))
    );
    let fields = session
        .call(
            "listDevices",
            &[
                ("type", "Sampleair W50"),
                ("customFields", "Building"),
                ("getInterfaces", "TRUE"),
            ],
        )
        .await;
    assert_eq!(fields["rows"][0]["Building"], "Building A");
    assert_eq!(fields["rows"][0]["interfaces"][0]["name"], "IF-wlc-01-1016");
}

#[tokio::test]
async fn what_is_not_managed_is_not_down() {
    let session = start().await;
    let managed = async |manage| {
        session
            .call("setManaged", &[("name", "db-02"), ("manage", manage)])
            .await
    };
    managed("false").await;
    let down = session.call("getDownDevices", &[]).await;
    assert!(row(&down["DownDevices"]["Details"], "name", "db-02").is_none());
    let unmanaged = session.call("listDevices", &[("severity", "7")]).await;
    assert_eq!(
        (
            &unmanaged["rows"][0]["deviceName"],
            &unmanaged["rows"][0]["statusStr"]
        ),
        (&json!("db-02"), &json!("Unmanaged"))
    );
    managed("true").await;
    let down = session.call("getDownDevices", &[]).await;
    assert!(row(&down["DownDevices"]["Details"], "name", "db-02").is_some());
    let interface = [
        ("name", "IF-core-sw-02-1006"),
        ("manage", "false"),
        ("type", "INTERFACE"),
        ("isInterface", "true"),
    ];
    session.call("setManaged", &interface).await;
    assert_eq!(
        session.call("listInterfaces", &[("severity", "7")]).await["records"],
        "1"
    );
}

#[tokio::test]
async fn muted_devices_raise_no_alarm() {
    let session = start().await;
    let suppress = async |interval| {
        session
            .call(
                "ConfigureSuppressAlarm",
                &[("name", "db-01"), ("suppressInterval", interval)],
            )
            .await
    };
    let muted = async || {
        let details = session
            .call("getDeviceCompleteDetails", &[("name", "db-01")])
            .await;
        details["opmdetails"]["hardwareInfo"]["IS_ALARM_SUPPRESSED"].clone()
    };
    suppress("-1").await;
    assert_eq!(muted().await, "true");
    let event = [
        ("source", "db-01"),
        ("severity", "1"),
        ("message", "m"),
        ("alarmCode", "c"),
        ("entity", "muted"),
        ("eventType", "t"),
    ];
    session.call("addEvent", &event).await;
    assert!(alarm(&session, "muted").await.is_none());
    suppress("0").await;
    assert_eq!(muted().await, "false");
    session.call("addEvent", &event).await;
    assert!(alarm(&session, "muted").await.is_some());
    let window = [
        ("name", "db-01"),
        ("suppressInterval", "-2"),
        ("startTime", "2026-01-14 09:00"),
        ("endTime", "2026-01-14 10:00"),
    ];
    session.call("ConfigureSuppressAlarm", &window).await;
    assert_eq!(muted().await, "true");
    assert_eq!(
        session
            .refusal(
                "ConfigureSuppressAlarm",
                &[("name", "db-01"), ("suppressInterval", "5")]
            )
            .await,
        "PATTERN_NOT_MATCHED"
    );
    assert_eq!(
        session
            .refusal("ConfigureSuppressAlarm", &window[..2])
            .await,
        "LESS_THAN_MIN_OCCURANCE"
    );
}

#[tokio::test]
async fn downtime_schedules_are_added_and_changed() {
    let session = start().await;
    session.call_example("addDowntimeSchedule").await;
    let list = session.call("listDownTimeSchedules", &[]).await;
    let added = row(&list, "name", "Firmware upgrade").expect("the schedule");
    assert_eq!(
        (&added["type"], &added["nextscheduledtime"]),
        (&json!("Once"), &json!("Sun, Feb 1, 2026 01:00:00"))
    );
    let id = added["id"].as_str().expect("an id").to_owned();
    let change = [
        ("operation", "Edit"),
        ("MS_INSTANCEID", &id),
        ("scheduleId", &id),
        ("status", "Disabled"),
    ];
    session
        .call(
            "updateDowntimeSchedule",
            &[change.as_slice(), &[("selectedDevices", "rtr-01")]].concat(),
        )
        .await;
    let schedule = session
        .call(
            "getDowntimeSchedule",
            &[("scheduleName", "Firmware upgrade")],
        )
        .await;
    assert_eq!(
        (&schedule["status"], &schedule["selectedDevices"]),
        (&json!("Disabled"), &json!("rtr-01"))
    );
    assert_eq!(
        schedule["once_startat"], "2026-02-01 01:00",
        "what was not sent is kept"
    );
    let late = [
        ("selectedDevices", "rtr-01"),
        ("from_hrs", "99999999999999999"),
    ];
    let code = session
        .refusal(
            "updateDowntimeSchedule",
            &[change.as_slice(), &late].concat(),
        )
        .await;
    assert_eq!(code, "PATTERN_NOT_MATCHED");
    let weekly = row(&list, "name", "Weekly patches").expect("the schedule");
    assert_eq!(weekly["nextscheduledtime"], "Sun, Jan 18, 2026 02:00:00");
}

#[tokio::test]
async fn groups_take_members() {
    let session = start().await;
    let group = ("groupName", "databases-402");
    session
        .call(
            "addToGroup",
            &[
                group,
                ("groupType", "device"),
                ("selectedMembers", "file-01,ad-01"),
            ],
        )
        .await;
    let members = session.call("listLogicalGroupMembers", &[group]).await;
    assert!(row(&members, "name", "file-01").is_some());
    let groups = session.call("listAllLogicalGroups", &[]).await;
    assert_eq!(
        row(&groups, "groupName", "databases-402").expect("the group")["count"],
        "4"
    );
    let alerts = session.call("getLogicalGroupAlerts", &[group]).await;
    assert!(row(&alerts, "name", "file-01").is_some());
    session
        .refusal(
            "addToGroup",
            &[
                group,
                ("groupType", "interface"),
                ("selectedMembers", "IF-rtr-01-1010"),
            ],
        )
        .await;
    let filters =
        r#"{"groupOp":"AND","rules":[{"field":"groupDisplayName","op":"cn","data":"core"}]}"#;
    let found = session
        .call(
            "listAllLogicalGroups",
            &[("filters", filters), ("page", "1"), ("rows", "10")],
        )
        .await;
    assert_eq!(
        (&found["records"], &found["rows"][0]["groupName"]),
        (&json!(1), &json!("corenetwork-401"))
    );
}

#[tokio::test]
async fn hardware_details_are_overwritten() {
    let session = start().await;
    let values = r#"[{"metricName":"RAM","metricValue":"800"},{"metricName":"SoftwareVersion","metricValue":12}]"#;
    let body = session
        .text(
            "setDeviceInfo",
            &[("ipAddress", "192.0.2.21"), ("values", values)],
        )
        .await;
    assert_eq!(body, "{\"Hardware details updated successfully.\"}");
    let info = session
        .call("getDeviceInfo", &[("dnsName", "db-01.corp.example")])
        .await;
    assert_eq!(
        (&info["RAM"], &info["SoftwareVersion"]),
        (&json!("800"), &json!("12"))
    );
    let wrong_case = [
        ("deviceName", "db-01"),
        ("values", r#"[{"metricName":"ram","metricValue":"1"}]"#),
    ];
    assert_eq!(session.refusal("setDeviceInfo", &wrong_case).await, "");
}

#[tokio::test]
async fn monitors_are_added_and_deleted() {
    let session = start().await;
    let monitors = async || {
        let all = session
            .call("getDeviceAssociatedMonitors", &[("name", "web-01")])
            .await;
        all["performanceMonitors"]["monitors"].clone()
    };
    let name = ("name", "web-01");
    session
        .call(
            "addPerformanceMonitors",
            &[name, ("selectedMonitors", "2131,2132")],
        )
        .await;
    let added = row(&monitors().await, "name", "SNMP-SysUpTime")
        .expect("the monitor")
        .clone();
    let catalogue = [
        ("deviceName", "web-01"),
        ("category", "Server"),
        ("type", "Linux"),
    ];
    let general =
        session.call("getPerformanceMonitors", &catalogue).await["General Monitors"].clone();
    assert_eq!(
        row(&general, "name", "SNMP-SysUpTime").expect("the kind")["isSelected"],
        "true"
    );
    session
        .call(
            "deletePerformanceMonitors",
            &[name, ("pollId", added["pollId"].as_str().expect("an id"))],
        )
        .await;
    assert!(row(&monitors().await, "name", "SNMP-SysUpTime").is_none());
    session
        .refusal("deletePerformanceMonitors", &[name, ("pollId", "1")])
        .await;
    let graph = [
        ("policyName", "WMI-MemoryUtilization"),
        ("graphName", "WMI-MemoryUtilization"),
    ];
    let failed = session
        .call(
            "TestMonitor",
            &[[("name", "db-02")].as_slice(), &graph].concat(),
        )
        .await;
    assert_eq!(
        (failed["reasons"].as_array().map(Vec::len), &failed["data"]),
        (Some(1), &json!([]))
    );
}

#[tokio::test]
async fn services_processes_and_profiles_are_associated() {
    let session = start().await;
    session
        .call(
            "associateServiceMonitor",
            &[("deviceName", "db-01,file-01"), ("serviceName", "DNS,FTP")],
        )
        .await;
    let services = session
        .call("getAssociatedServiceMonitors", &[("name", "file-01")])
        .await;
    assert_eq!(services["selectedServices"], json!(["DNS(53)", "FTP(21)"]));
    session
        .call(
            "associateProcessMonitor",
            &[
                ("deviceName", "file-01"),
                ("processId", "7244"),
                ("protocol", "WMI"),
            ],
        )
        .await;
    let processes = session
        .call("getAssociatedProcessMonitors", &[("deviceName", "file-01")])
        .await;
    assert!(row(&processes["AssignedMonitors"], "name", "printspool").is_some());

    session
        .call(
            "associateNotificationProfiles",
            &[("deviceName", "web-01"), ("profiles", "602")],
        )
        .await;
    let profiles = session
        .call("getNotificationProfiles", &[("name", "web-01")])
        .await;
    assert_eq!(
        (&profiles[0]["profileId"], &profiles[0]["status"]),
        (&json!("602"), &json!("true"))
    );
    let status = [
        ("profileName", "Ticket for servers"),
        ("profileId", "602"),
        ("status", "disable"),
    ];
    let done = session
        .call("updateNotificationProfileStatus", &status)
        .await;
    assert_eq!(
        done,
        json!({ "message": "Notification Profile(s) disabled successfully" })
    );
    let listed = session
        .call(
            "listNotificationProfiles",
            &[("profileFilter", "Log a Ticket"), ("deviceName", "web-01")],
        )
        .await;
    assert_eq!(
        (&listed[0]["status"], &listed[0]["hasAssociated"]),
        (&json!("false"), &json!(true))
    );
}

#[tokio::test]
async fn business_rules_come_and_go() {
    let session = start().await;
    let hours = ("timeSettings", r#"{"monday":"20-24"}"#);
    let added = session
        .call("addBusinessRules", &[("businessRuleName", "Night"), hours])
        .await;
    let id = (
        "businessRuleId",
        added["result"]["businessRuleId"].as_str().expect("an id"),
    );
    session
        .call("updateBusinessRules", &[id, ("description", "Dark")])
        .await;
    let rule = session.call("viewBusinessRules", &[id]).await;
    assert_eq!(
        (&rule["description"], &rule["timeSettings"]["monday"]),
        (&json!("Dark"), &json!("20-24"))
    );
    let wrong = [
        ("businessRuleName", "n"),
        ("timeSettings", r#"{"someday":"1-2"}"#),
    ];
    assert_eq!(
        session.refusal("addBusinessRules", &wrong).await,
        "PATTERN_NOT_MATCHED"
    );
    session.call("deleteBusinessRules", &[id]).await;
    let rules = session.call("listBusinessRules", &[]).await;
    assert!(row(&rules["businessRules"], "businessRuleName", "Night").is_none());
}

#[tokio::test]
async fn advanced_reports_come_in_blocks_and_the_clock_can_be_set() {
    let options = Options {
        now: 1_709_921_827_793,
        ..Options::default()
    };
    let session = crate::start_with(options).await;
    let block = async |first| {
        let arguments = [
            ("reportId", "701"),
            ("fetchFromRowNumber", first),
            ("rowsToFetch", "15"),
        ];
        session.call("getAdvancedReportData", &arguments).await
    };
    let (first, second) = (block("1").await, block("16").await);
    assert_eq!(
        (&first["records"], first["rows"].as_array().map(Vec::len)),
        (&json!(21), Some(15))
    );
    assert_eq!(second["rows"].as_array().map(Vec::len), Some(6));
    let report = session.call("getReportsData", &[("reportID", "84")]).await;
    assert_eq!(
        report[0]["clientParams"]["genAt"],
        "8 Mar 2024 06:17:07 PM UTC"
    );
}
