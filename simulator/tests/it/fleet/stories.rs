//! The stories: each is told, can be left out alone, and is drawn from the seed.

use std::collections::BTreeSet;

use opmanager_simulator::{
    Options,
    fleet::{Cause, Network, Story, truth},
};
use serde_json::Value;

use super::{ALL, alarms, devices, fleet, list, names, number, options, text};
use crate::start_with;

#[tokio::test]
async fn each_story_is_told_by_the_operations() {
    let (session, truth) = fleet(&[]).await;
    let schedule = session
        .call(
            "getDowntimeSchedule",
            &[("scheduleName", &truth.maintenance.schedule)],
        )
        .await;
    let listed: BTreeSet<String> = text(&schedule, "selectedDevices")
        .split(',')
        .map(str::to_owned)
        .collect();
    assert_eq!(listed, truth.maintenance.devices);
    assert!(truth.maintenance.from < truth.now && truth.now < truth.maintenance.to);

    let flapping = truth.flapping.expect("the story");
    let events = session
        .call("listEvents", &[("entity", &flapping.entity)])
        .await;
    assert_eq!(
        events["List"].as_array().map(Vec::len),
        Some(flapping.changes)
    );

    let disk = truth.disk.expect("the story");
    let report = [
        ("deviceList", disk.device.as_str()),
        ("monitorList", &disk.monitor),
        ("timePeriod", "Last_30_Days"),
        ("view", "table"),
    ];
    let report = session.call("getReportData", &report).await;
    let data = report["Disk Utilization - Percentage"][0]["data"]
        .as_array()
        .expect("data")
        .clone();
    let (first, last) = (&data[0], &data[data.len() - 1]);
    assert_eq!(number(&last[1]), disk.value);
    let days = (number(&last[0]) - number(&first[0])) / 86_400_000;
    assert!(
        (number(&last[1]) - number(&first[1]) - days * disk.per_day).abs() <= disk.per_day,
        "{data:?}"
    );

    let (muted, _) = truth
        .muted
        .iter()
        .find(|(_, muted)| muted.until.is_none())
        .expect("the story");
    let whole = session
        .call("getDeviceCompleteDetails", &[("name", muted)])
        .await;
    assert_eq!(
        whole["opmdetails"]["hardwareInfo"]["IS_ALARM_SUPPRESSED"],
        "true"
    );

    let devices = devices(&session, &[]).await;
    for (name, display_name) in truth.twins.expect("the story") {
        let row = devices
            .iter()
            .find(|row| row["deviceName"] == name.as_str());
        assert_eq!(row.expect("a device")["displayName"], display_name.as_str());
    }
    let unmanaged = devices
        .iter()
        .filter(|row| row["statusNum"] == "7")
        .cloned()
        .collect::<Vec<_>>();
    assert_eq!(names(&unmanaged, "deviceName"), truth.unmanaged);

    let stale = truth.stale.expect("the story");
    let row = devices
        .iter()
        .find(|row| row["deviceName"] == stale.device.as_str())
        .expect("a device");
    assert_eq!(row["statusNum"], "5");
    let moid = text(row, "moid");
    let values = session
        .call("getLastCollectedValues", &[("deviceMOIDList", moid)])
        .await;
    assert!(
        text(&values[moid][0], "lastCollectedTime").starts_with("5 Jan 2026"),
        "{values}"
    );

    assert!(!truth.acknowledged.is_empty());
    for (entity, acknowledged) in &truth.acknowledged {
        let alarm = session.call("alarmProperties", &[("entity", entity)]).await;
        assert_eq!(alarm["who"], acknowledged.by.as_str());
        let notes = session.call("getAnnotation", &[("entity", entity)]).await;
        assert_eq!(
            (&notes[0]["notes"], &notes[0]["who"]),
            (
                &acknowledged.note.as_str().into(),
                &acknowledged.by.as_str().into()
            )
        );
    }

    let profiles = list(
        &session,
        "listNotificationProfiles",
        &[("isGlobal", "true"), ("profileFilter", "All")],
    )
    .await;
    let off = profiles
        .into_iter()
        .filter(|row| row["status"] == "false")
        .collect::<Vec<_>>();
    assert_eq!(names(&off, "profileName"), truth.silent_profiles);
}

#[tokio::test]
async fn orders_stand_where_devices_and_people_write() {
    for (without, there) in [(&[][..], true), (&[Story::Orders], false)] {
        let (session, _) = fleet(without).await;
        let expected = truth(&options(&[])).orders;
        let devices = session.text("listDevices", &ALL).await;
        let interfaces = session.text("listInterfaces", &ALL).await;
        let alarms = alarms(&session).await;
        let told = alarms.iter().map(Value::to_string).collect::<String>();
        let mut notes = String::new();
        for alarm in &alarms {
            notes += &session
                .text("getAnnotation", &[("entity", text(alarm, "entity"))])
                .await;
        }
        for (place, order) in [devices, interfaces, told, notes].iter().zip(&expected) {
            assert_eq!(place.contains(order.as_str()), there, "{order}");
        }
    }
}

#[test]
fn leaving_a_story_out_changes_nothing_else() {
    let whole = truth(&options(&[]));
    for story in Story::ALL {
        let mut left = truth(&options(&[story]));
        assert_ne!(left, whole, "{story}");
        // What belongs to the story, and the counts, may differ; the rest must not.
        (left.all, left.sites) = (whole.all.clone(), whole.sites.clone());
        match story {
            Story::CoreSwitch => {
                assert_eq!(left.core, None);
                left.down = whole.down.clone();
                left.core = whole.core.clone();
            }
            Story::FlappingLink => left.flapping = whole.flapping.clone(),
            Story::FillingDisk => left.disk = whole.disk.clone(),
            Story::ForgottenMute => left.muted = whole.muted.clone(),
            Story::Maintenance => {
                assert!(!left.maintenance.is_running && left.maintenance.to < left.now);
                let mut causes = left.down.values().map(|down| &down.cause);
                assert!(!causes.any(|cause| matches!(cause, Cause::Maintenance(_))));
                assert!(
                    left.down.keys().eq(whole.down.keys()),
                    "they are still down"
                );
                left.maintenance = whole.maintenance.clone();
                left.down = whole.down.clone();
            }
            Story::Twins => left.twins = whole.twins.clone(),
            Story::Orders => left.orders = whole.orders.clone(),
            Story::Unmanaged => left.unmanaged = whole.unmanaged.clone(),
            Story::StaleValues => left.stale = whole.stale.clone(),
            Story::AcknowledgedAlarms => left.acknowledged = whole.acknowledged.clone(),
            Story::SilentProfile => left.silent_profiles = whole.silent_profiles.clone(),
        }
        assert_eq!(left, whole, "{story}");
    }
}

#[test]
fn names_of_stories_and_networks_are_read() {
    for story in Story::ALL {
        assert_eq!(story.name().parse(), Ok(story));
    }
    for network in Network::ALL {
        assert_eq!(network.name().parse(), Ok(network));
    }
    assert!("core".parse::<Story>().is_err());
}

#[tokio::test]
async fn the_seed_decides_all_of_it() {
    let seeded = |seed| Options {
        seed,
        ..options(&[])
    };
    assert_eq!(truth(&seeded(7)), truth(&seeded(7)));
    assert_ne!(truth(&seeded(7)).core, truth(&seeded(8)).core);
    let (one, other) = (start_with(seeded(7)).await, start_with(seeded(7)).await);
    for (id, arguments) in [
        ("listDevices", &ALL[..]),
        ("listInterfaces", &ALL),
        ("listAlarms", &[]),
        ("listEvents", &[]),
    ] {
        assert_eq!(
            one.text(id, arguments).await,
            other.text(id, arguments).await,
            "{id}"
        );
    }
    // The stories can be played with any seed.
    for seed in 0..10 {
        let truth = truth(&seeded(seed));
        assert!(
            truth.core.is_some() && truth.disk.is_some() && truth.flapping.is_some(),
            "{seed}"
        );
        assert_eq!(truth.unmanaged.len(), 6, "{seed}");
        assert_eq!(truth.acknowledged.len(), 5, "{seed}");
    }
}
