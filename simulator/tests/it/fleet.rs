//! The fleet: its size, that all operations tell of the same network, and that the truth is what they tell.

mod stories;

use std::collections::{BTreeMap, BTreeSet};

use opmanager_simulator::{
    Options, Variant, contract, example_arguments,
    fleet::{Cause, Network, Story, Truth, truth},
};
use serde_json::Value;

use crate::{Session, start_with};

fn options(without_stories: &[Story]) -> Options {
    Options {
        network: Network::Fleet,
        without_stories: without_stories.to_vec(),
        ..Options::default()
    }
}

async fn fleet(without_stories: &[Story]) -> (Session, Truth) {
    let options = options(without_stories);
    let truth = truth(&options);
    (start_with(options).await, truth)
}

const ALL: [(&str, &str); 2] = [("page", "1"), ("rows", "5000")];

async fn list(session: &Session, id: &str, arguments: &[(&str, &str)]) -> Vec<Value> {
    let mut answer = session.call(id, arguments).await;
    let list = if answer.is_array() {
        answer
    } else {
        answer["rows"].take()
    };
    list.as_array().expect("a list").clone()
}

async fn devices(session: &Session, more: &[(&str, &str)]) -> Vec<Value> {
    list(session, "listDevices", &[&ALL[..], more].concat()).await
}

async fn alarms(session: &Session) -> Vec<Value> {
    list(session, "listAlarms", &[("alertType", "ActiveAlarms")]).await
}

fn text<'a>(row: &'a Value, member: &str) -> &'a str {
    row[member]
        .as_str()
        .unwrap_or_else(|| panic!("no {member} in {row}"))
}

/// A number, or a text of one.
fn number(value: &Value) -> i64 {
    let of_text = value.as_str().and_then(|text| text.parse().ok());
    value
        .as_i64()
        .or(of_text)
        .unwrap_or_else(|| panic!("{value} is no number"))
}

fn names(rows: &[Value], member: &str) -> BTreeSet<String> {
    rows.iter()
        .map(|row| text(row, member).to_owned())
        .collect()
}

fn counts<'a>(codes: impl Iterator<Item = &'a Value>) -> BTreeMap<i64, usize> {
    let mut counts = BTreeMap::new();
    for code in codes {
        *counts.entry(number(code)).or_default() += 1;
    }
    counts
}

/// The details in an answer such as `{"BusinessView":{"Details":[…]}}`.
async fn details(session: &Session, id: &str, arguments: &[(&str, &str)]) -> Vec<Value> {
    let answer = session.call(id, arguments).await;
    let wrapper = answer.as_object().and_then(|fields| fields.values().next());
    wrapper
        .and_then(|wrapper| wrapper["Details"].as_array())
        .expect("details")
        .clone()
}

#[tokio::test]
async fn it_has_the_size_of_a_network_that_people_ask_about() {
    let (session, truth) = fleet(&[]).await;
    assert!((390..=410).contains(&devices(&session, &[]).await.len()));
    assert_eq!(truth.sites.len(), 9);
    let interfaces = list(&session, "listInterfaces", &ALL).await.len();
    assert!((2_400..=2_600).contains(&interfaces), "{interfaces}");
    let events = session.call("listEvents", &[]).await;
    let events = events["List"].as_array().map_or(0, Vec::len);
    assert!((2_950..=3_050).contains(&events), "{events}");
    let alarms = alarms(&session).await.len();
    assert!((200..=400).contains(&alarms), "{alarms}");
}

#[tokio::test]
async fn devices_alarms_and_what_is_down_agree_with_the_truth_whatever_is_left_out() {
    for without in [&[][..], &Story::ALL] {
        let (session, truth) = fleet(without).await;
        let (devices, alarms) = (devices(&session, &[]).await, alarms(&session).await);
        assert_eq!(
            counts(devices.iter().map(|row| &row["statusNum"])),
            truth.all.devices
        );
        assert_eq!(
            counts(alarms.iter().map(|row| &row["numericSeverity"])),
            truth.all.alarms
        );
        let down: BTreeSet<String> = truth.down.keys().cloned().collect();
        let told = details(&session, "getDownDevices", &[]).await;
        assert_eq!(names(&told, "name"), down);
        let critical = devices
            .iter()
            .filter(|row| row["statusNum"] == "1")
            .cloned();
        assert_eq!(names(&critical.collect::<Vec<_>>(), "deviceName"), down);
        for (site, expected) in &truth.sites {
            let groups = list(&session, "listAllLogicalGroups", &[]).await;
            let group = groups
                .iter()
                .find(|row| row["groupDisplayName"] == site.as_str());
            let group = text(group.expect("a group of the site"), "groupName").to_owned();
            let members = self::devices(&session, &[("groupName", &group)]).await;
            assert_eq!(
                counts(members.iter().map(|row| &row["statusNum"])),
                expected.devices,
                "{site}"
            );
            let members = names(&members, "deviceName");
            let of_site = alarms
                .iter()
                .filter(|row| members.contains(text(row, "deviceName")));
            assert_eq!(
                counts(of_site.map(|row| &row["numericSeverity"])),
                expected.alarms,
                "{site}"
            );
        }
        // A device is as bad as its worst alarm, unless it is not managed, and each alarm has its device.
        for device in &devices {
            let of_device = alarms
                .iter()
                .filter(|row| row["deviceName"] == device["deviceName"]);
            let worst = of_device
                .map(|row| number(&row["numericSeverity"]))
                .min()
                .unwrap_or(5);
            let managed = !truth.unmanaged.contains(text(device, "deviceName"));
            assert_eq!(
                number(&device["statusNum"]),
                if managed { worst } else { 7 },
                "{device}"
            );
        }
        assert!(names(&alarms, "deviceName").is_subset(&names(&devices, "deviceName")));
    }
}

#[tokio::test]
async fn times_of_what_is_down_are_those_of_the_alarms() {
    let (session, truth) = fleet(&[]).await;
    let alarms = alarms(&session).await;
    for (device, down) in &truth.down {
        let entity = format!("{device}_Poll");
        let alarm = alarms.iter().find(|row| row["entity"] == entity.as_str());
        assert_eq!(
            number(&alarm.expect("an alarm")["modTimeLong"]),
            down.since,
            "{device}"
        );
    }
    let core = truth.core.expect("the story");
    let minutes = |at: i64| (at - core.since) / 60_000;
    for symptom in &core.symptoms {
        let down = &truth.down[symptom];
        assert!(minutes(down.since).abs() <= truth.poll_minutes, "{symptom}");
        assert_eq!(down.cause, Cause::Behind(core.device.clone()));
    }
    let early = core
        .symptoms
        .iter()
        .filter(|name| truth.down[*name].since < core.since);
    assert!(early.count() > 0, "polls meet some before the cause");
    assert!(core.symptoms.len() > 20);
}

#[tokio::test]
async fn groups_and_views_are_as_their_members_are() {
    let (session, _) = fleet(&[]).await;
    let alarms = alarms(&session).await;
    for group in list(&session, "listAllLogicalGroups", &[]).await {
        let name = text(&group, "groupName");
        let members = list(&session, "listLogicalGroupMembers", &[("groupName", name)]).await;
        assert_eq!(number(&group["count"]), members.len() as i64, "{name}");
        let worst = members.iter().map(|row| number(&row["statusNum"])).min();
        assert_eq!(Some(number(&group["status"])), worst, "{name}");
    }
    for view in details(&session, "getBusinessView", &[]).await {
        let name = text(&view, "name");
        let members = details(&session, "getBusinessDetailsView", &[("bvName", name)]).await;
        assert_eq!(number(&view["total"]), members.len() as i64, "{name}");
        let severities = || members.iter().map(|row| number(&row["severity"]));
        assert_eq!(Some(number(&view["status"])), severities().min(), "{name}");
        assert_eq!(
            number(&view["error"]),
            severities().filter(|code| *code == 1).count() as i64,
            "{name}"
        );
        let members = names(&members, "name");
        let of_view = alarms
            .iter()
            .filter(|row| members.contains(text(row, "deviceName")));
        assert_eq!(number(&view["alarms"]), of_view.count() as i64, "{name}");
    }
}

#[tokio::test]
async fn interfaces_that_are_down_have_an_alarm_and_no_others_have() {
    let (session, truth) = fleet(&[]).await;
    let (rows, alarms) = (
        list(&session, "listInterfaces", &ALL).await,
        alarms(&session).await,
    );
    let entities = names(&alarms, "entity");
    let down = rows.iter().filter(|row| number(&row["statusNum"]) == 1);
    let down: BTreeSet<String> = down
        .map(|row| format!("{}_Status", text(row, "interfaceName")))
        .collect();
    let alarmed: BTreeSet<String> = entities
        .into_iter()
        .filter(|entity| entity.ends_with("_Status"))
        .collect();
    assert_eq!(down, alarmed);
    assert!(down.contains(&truth.flapping.expect("the story").entity));
    assert!(down.contains(&format!("{}_Status", truth.core.expect("the story").link)));
    for device in devices(&session, &[]).await.iter().step_by(40) {
        let name = text(device, "deviceName");
        let own = session.call("getInterfaces", &[("name", name)]).await;
        let listed = rows.iter().filter(|row| row["deviceName"] == name).count() as i64;
        assert_eq!(number(&own["interfaceCount"]), listed, "{name}");
        assert_eq!(number(&device["interfaceCount"]), listed, "{name}");
    }
    // The busiest are in the order of their shares, and nothing else is as busy.
    let shares: Vec<i64> = truth
        .busiest
        .iter()
        .map(|busy| busy.received.max(busy.sent))
        .collect();
    assert!(shares.is_sorted_by(|one, other| one > other), "{shares:?}");
    let busy = &truth.busiest[0];
    let summary = session
        .call("getInterfaceSummary", &[("interfaceName", &busy.interface)])
        .await;
    assert_eq!(number(&summary["inTraffic"]), busy.received);
    let graph = [
        ("interfaceName", busy.interface.as_str()),
        ("graphName", "traffic"),
        ("period", "Today"),
        ("isFluidic", "true"),
    ];
    let graph = session.call("getInterfaceGraphs", &graph).await;
    let current = &graph["consolidatedValues"]["Rx traffic"]["currVal"];
    assert_eq!(*current, format!("{}.0 M", busy.received));
}

#[tokio::test]
async fn values_above_their_threshold_have_an_alarm_unless_alarms_are_muted() {
    let (session, truth) = fleet(&[]).await;
    let entities = names(&alarms(&session).await, "entity");
    let devices = devices(&session, &[]).await;
    let mut above = 0;
    for chunk in devices.chunks(100) {
        let moids: Vec<&str> = chunk.iter().map(|row| text(row, "moid")).collect();
        let values = session
            .call(
                "getLastCollectedValues",
                &[("deviceMOIDList", &moids.join(","))],
            )
            .await;
        for device in chunk {
            let name = text(device, "deviceName");
            for monitor in values[text(device, "moid")].as_array().expect("monitors") {
                let limit = match (text(monitor, "GraphName"), text(monitor, "ProtocolName")) {
                    (graph, _) if graph.ends_with("DiskUtilization") => 85,
                    (_, "SNMP") => 80,
                    _ => 90,
                };
                let poll = format!("{}_", number(&monitor["PollId"]));
                let has_alarm = entities.iter().any(|entity| entity.starts_with(&poll));
                let is_above = number(&monitor["data"][0]["value"]) > limit;
                above += usize::from(is_above);
                let muted = truth.muted.contains_key(name);
                assert_eq!(has_alarm, is_above && !muted, "{name}: {monitor}");
            }
        }
    }
    assert!(above > 100, "{above}");
}

#[tokio::test]
async fn reports_of_availability_know_when_devices_were_down() {
    let (session, truth) = fleet(&[]).await;
    let minutes = |text: &str| -> i64 {
        let parts: Vec<&str> = text.split(' ').collect();
        match parts[..] {
            [hours, "hours", minutes, "minutes", ..] => {
                hours.parse::<i64>().expect("hours") * 60 + minutes.parse::<i64>().expect("minutes")
            }
            _ => 0,
        }
    };
    let slice = [
        ("reportId", "701"),
        ("fetchFromRowNumber", "1"),
        ("rowsToFetch", "1000"),
    ];
    let report = list(&session, "getAdvancedReportData", &slice).await;
    let of = |name: &str| {
        report
            .iter()
            .find(|row| row["moName"] == name)
            .expect("a row")
    };
    for (name, down) in &truth.down {
        let expected = ((truth.now - down.since) / 60_000).min(24 * 60);
        let row = of(name);
        let planned = matches!(down.cause, Cause::Maintenance(_));
        let (in_maintenance, otherwise) = (
            minutes(text(row, "Maintenance Time")),
            minutes(text(row, "Down time")),
        );
        let told = if planned { in_maintenance } else { otherwise };
        // An outage that is over may count as well.
        assert!(told >= expected, "{name}: {told} of {expected}");
        assert!(!planned || otherwise == 0, "{row}");
        let graph = [("name", name.as_str()), ("isFluidic", "true")];
        let graph = session.call("getAvailabilityGraphData", &graph).await;
        assert!(number(&graph["uptimeData"]["Today"]) < 100, "{graph}");
    }
    let always_up = of(&truth.busiest[0].device);
    assert_eq!(text(always_up, "Availability (%)"), "100");
}

/// What the small network has, and what there is in its place.
const IN_PLACE: [(&str, &str); 24] = [
    ("db-01", "s1-srv-02"),
    ("db-02", "s1-srv-03"),
    ("web-01", "s1-srv-04"),
    ("file-01", "s1-srv-05"),
    ("ad-01", "s1-dc-01"),
    ("ups-01", "s1-ups-01"),
    ("core-sw-01", "s1-core-sw-01"),
    ("core-sw-02", "s1-core-sw-02"),
    ("rtr-02", "s2-rtr-01"),
    ("wlc-01", "s1-wlc-01"),
    ("vcenter-01", "s1-vcenter-01"),
    ("esx-01", "s1-esx-01"),
    ("ntx-vm-01", "s1-ntx-vm-01"),
    ("IF-core-sw-02-1006", "IF-s1-core-sw-01-100001"),
    ("IF-rtr-01-1010", "IF-s1-core-sw-01-100002"),
    ("databases-402", "site-1-411"),
    ("Web Shop_bv", "Map of site-1_bv"),
    ("Branch Office_bv", "Map of site-1_bv"),
    ("301,308", "30001,30002"),
    ("core-sw-01,db-01", "s1-core-sw-01,s1-srv-02"),
    ("db-02_Poll", "syslog_order"),
    ("syslog_link_flap", "syslog_order"),
    ("core-sw-01,core-sw-02", "s1-core-sw-01,s1-core-sw-02"),
    ("db-01,web-01", "s1-srv-02,s1-srv-04"),
];

#[tokio::test]
async fn every_read_of_the_small_network_is_one_of_the_fleet() {
    for variant in [Variant::Documented, Variant::Localized] {
        let session = start_with(Options {
            variant,
            ..options(&[])
        })
        .await;
        let devices = devices(&session, &[]).await;
        let vcenter = devices
            .iter()
            .find(|row| row["deviceName"] == "s1-vcenter-01");
        let vcenter = text(vcenter.expect("a vCenter"), "moid");
        let router = devices.iter().find(|row| row["deviceName"] == "s1-rtr-01");
        let router = router.expect("a router");
        for operation in contract()
            .iter()
            .filter(|operation| operation.method == "GET")
        {
            let arguments: Vec<(&str, String)> = example_arguments(operation.id)
                .into_iter()
                .map(|(name, value)| {
                    let place = IN_PLACE.iter().find(|(small, _)| *small == value);
                    let value = place.map_or(value, |(_, fleet)| (*fleet).to_owned());
                    (
                        name,
                        match name {
                            "moID" => vcenter.to_owned(),
                            "DeviceID" => text(router, "moid").to_owned(),
                            "RouterIP" => text(router, "ipaddress").to_owned(),
                            _ => value,
                        },
                    )
                })
                .collect();
            let arguments: Vec<(&str, &str)> = arguments
                .iter()
                .map(|(name, value)| (*name, value.as_str()))
                .collect();
            session.call(operation.id, &arguments).await;
        }
    }
}

#[tokio::test]
async fn every_variant_tells_of_the_same_fleet() {
    for variant in Variant::ALL {
        let options = Options {
            variant,
            ..options(&[])
        };
        // Suffixes of probes apart, which no display name has.
        let truth = truth(&options);
        let session = start_with(options).await;
        let devices = devices(&session, &[]).await;
        let codes = counts(devices.iter().map(|row| &row["statusNum"]));
        assert_eq!(codes, truth.all.devices, "{variant:?}");
        let alarms = alarms(&session).await;
        let codes = counts(alarms.iter().map(|row| &row["numericSeverity"]));
        assert_eq!(codes, truth.all.alarms, "{variant:?}");
        let down = details(&session, "getDownDevices", &[]).await.len();
        assert_eq!(down, truth.down.len(), "{variant:?}");
        let interfaces = list(&session, "listInterfaces", &ALL).await;
        let muted = interfaces
            .iter()
            .filter(|row| row["isSuppressed"] == true)
            .cloned()
            .collect::<Vec<_>>();
        if matches!(variant, Variant::Newer | Variant::Localized) {
            let expected: BTreeSet<String> = truth.muted_interfaces.keys().cloned().collect();
            assert_eq!(names(&muted, "interfaceName"), expected, "{variant:?}");
        }
    }
}
