//! What is true of a fleet, as values to compare answers with.
//!
//! Owns their form, and the counts that follow from the network as it is. Times are epoch milliseconds.

use std::collections::{BTreeMap, BTreeSet};

use super::network::{site_name, site_of};
use crate::state::{Device, State};

/// What is true of the fleet at the start. A story that is left out is `None` here, or without entries, unless its
/// field says otherwise.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Truth {
    /// What time it is.
    pub now: i64,
    /// Minutes between two polls of a device.
    pub poll_minutes: i64,
    /// Devices and active alarms by severity, of all sites.
    pub all: Counts,
    /// The same of each site, by its name, which is also that of its group.
    pub sites: BTreeMap<String, Counts>,
    /// Devices that do not answer polls, by name.
    pub down: BTreeMap<String, Down>,
    /// The core switch that is down.
    pub core: Option<CoreDown>,
    /// The link that goes down and up.
    pub flapping: Option<Flapping>,
    /// The disk that fills.
    pub disk: Option<FillingDisk>,
    /// The downtime that runs, or, without its story, has ended.
    pub maintenance: Maintenance,
    /// Devices whose alarms are muted now, by name. One of them is always here, until a few hours from now.
    pub muted: BTreeMap<String, Muted>,
    /// Interfaces whose alarms are muted now, by name.
    pub muted_interfaces: BTreeMap<String, Muted>,
    /// Names and display names of the two devices that are nearly called the same.
    pub twins: Option<[(String, String); 2]>,
    /// Texts that give orders, wherever they stand.
    pub orders: Vec<String>,
    /// Devices that are not managed.
    pub unmanaged: BTreeSet<String>,
    /// The server of which nothing has been collected for days.
    pub stale: Option<Stale>,
    /// Acknowledged alarms, by entity.
    pub acknowledged: BTreeMap<String, Acknowledged>,
    /// Notification profiles that are off, by name.
    pub silent_profiles: BTreeSet<String>,
    /// The interfaces with the greatest share of their speed in use, in either direction, the greatest first. No two of
    /// them have the same share.
    pub busiest: Vec<Busy>,
}

/// Numbers of things by severity code; codes of which there are none are left out.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Devices.
    pub devices: BTreeMap<i64, usize>,
    /// Active alarms.
    pub alarms: BTreeMap<i64, usize>,
}

/// A device that does not answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Down {
    /// Since when.
    pub since: i64,
    /// Why.
    pub cause: Cause,
}

/// Why a device is down.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Cause {
    /// By itself: nothing else explains it.
    Itself,
    /// It lies behind this device, which is down.
    Behind(String),
    /// This downtime is planned and runs.
    Maintenance(String),
}

/// A core switch that is down.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CoreDown {
    /// Its name.
    pub device: String,
    /// Its site.
    pub site: String,
    /// Since when. What lies behind it went down within one interval of polls before or after.
    pub since: i64,
    /// What lies behind it and is down.
    pub symptoms: BTreeSet<String>,
    /// The interface that leads to it and is down.
    pub link: String,
}

/// A link that goes down and up.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Flapping {
    /// The name of the interface.
    pub interface: String,
    /// Its device.
    pub device: String,
    /// The entity of its alarm and of its events.
    pub entity: String,
    /// How many events there are of it.
    pub changes: usize,
    /// When the first came.
    pub since: i64,
}

/// A disk that fills.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FillingDisk {
    /// The device.
    pub device: String,
    /// The name of the monitor, which is its policy's and its graph's.
    pub monitor: String,
    /// Its last value, in per cent.
    pub value: i64,
    /// Above which value there is an alarm, in per cent.
    pub threshold: i64,
    /// By how much it grows, in points per day.
    pub per_day: i64,
    /// After how many whole days it is full.
    pub days_left: i64,
}

/// A planned downtime.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Maintenance {
    /// The name of the schedule.
    pub schedule: String,
    /// From when.
    pub from: i64,
    /// To when.
    pub to: i64,
    /// Whether it runs now.
    pub is_running: bool,
    /// The devices that it is for, all of which are down.
    pub devices: BTreeSet<String>,
}

/// A device whose alarms are muted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Muted {
    /// Since when.
    pub since: i64,
    /// Until when, if it ends.
    pub until: Option<i64>,
    /// The monitor that is above its threshold without an alarm, and its value.
    pub hides: Option<(String, i64)>,
}

/// A device of which nothing has been collected for a long time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stale {
    /// The device.
    pub device: String,
    /// When something was collected last.
    pub since: i64,
}

/// An acknowledged alarm.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Acknowledged {
    /// The user.
    pub by: String,
    /// The last note.
    pub note: String,
}

/// A busy interface.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Busy {
    /// Its name.
    pub interface: String,
    /// Its device.
    pub device: String,
    /// Received, in per cent of the speed.
    pub received: i64,
    /// Sent, in per cent of the speed.
    pub sent: i64,
}

/// How many busy interfaces are told.
const BUSIEST: usize = 10;

impl Truth {
    /// Adds what follows from the network: counts, and the busiest interfaces.
    pub(super) fn count(&mut self, state: &State) {
        self.now = state.now;
        for device in &state.devices {
            let severity = state.severity(device);
            self.counts_of(device, |counts| {
                *counts.devices.entry(severity).or_default() += 1;
            });
        }
        for alarm in state.active_alarms() {
            if let Ok(device) = state.device(&alarm.device) {
                self.counts_of(device, |counts| {
                    *counts.alarms.entry(alarm.severity).or_default() += 1;
                });
            }
        }
        let devices = state.devices.iter();
        let ports =
            devices.flat_map(|device| device.interfaces.iter().map(move |port| (device, port)));
        let mut busy: Vec<Busy> = ports
            .map(|(device, port)| {
                let (received, sent) = port.utilization();
                Busy {
                    interface: port.name.clone(),
                    device: device.name.clone(),
                    received,
                    sent,
                }
            })
            .collect();
        busy.sort_by_key(|busy| std::cmp::Reverse(busy.received.max(busy.sent)));
        busy.truncate(BUSIEST);
        self.busiest = busy;
    }

    fn counts_of(&mut self, device: &Device, add: impl Fn(&mut Counts)) {
        add(&mut self.all);
        add(self.sites.entry(site_name(site_of(device))).or_default());
    }
}
