//! The simulated network and what operations may ask of it.
//!
//! Owns devices, alarms, groups, schedules and the rest, and their consistency. Knows no answer shapes and no HTTP.

use std::collections::{BTreeMap, BTreeSet};

use crate::{
    checks::Refusal,
    clock::SECOND,
    fleet::{self, Network},
    options::Options,
    variant::{Variant, central},
};

pub(crate) mod catalogue;
pub(crate) mod extras;
mod history;
mod lists;
pub(crate) mod network;

use catalogue::MonitorType;
pub(crate) use history::{Absence, Span, series};
pub(crate) use lists::{
    AccessPoint, BusinessRule, BusinessView, Group, Link, Machine, Profile, Schedule, Store,
    UrlMonitor,
};

/// OpManager's severity codes; 7 stands for an object that is not managed.
pub(crate) const CRITICAL: i64 = 1;
pub(crate) const TROUBLE: i64 = 2;
pub(crate) const ATTENTION: i64 = 3;
pub(crate) const SERVICE_DOWN: i64 = 4;
pub(crate) const CLEAR: i64 = 5;
pub(crate) const UNMANAGED: i64 = 7;

/// Minutes between two polls of a device.
pub(crate) const POLL_MINUTES: i64 = 5;

/// The user to whom the simulator's key belongs.
pub(crate) const USER: &str = "admin";

pub(crate) struct State {
    /// Which kind of OpManager shows it.
    pub(crate) variant: Variant,
    pub(crate) now: i64,
    last_id: i64,
    pub(crate) devices: Vec<Device>,
    pub(crate) alarms: Vec<Alarm>,
    pub(crate) events: Vec<Event>,
    pub(crate) groups: Vec<Group>,
    pub(crate) views: Vec<BusinessView>,
    pub(crate) urls: Vec<UrlMonitor>,
    pub(crate) schedules: Vec<Schedule>,
    pub(crate) profiles: Vec<Profile>,
    pub(crate) rules: Vec<BusinessRule>,
    pub(crate) extras: extras::Extras,
    /// Address and display name of each subnet that has one.
    pub(crate) subnets: Vec<(String, String)>,
    pub(crate) machines: Vec<Machine>,
    pub(crate) stores: Vec<Store>,
    pub(crate) access_points: Vec<AccessPoint>,
}

#[derive(Default)]
pub(crate) struct Device {
    /// The managed-entity name, which all operations take. Not always what people see: that is `display_name`.
    pub(crate) name: String,
    pub(crate) display_name: String,
    pub(crate) ip: String,
    pub(crate) dns: String,
    pub(crate) moid: i64,
    pub(crate) category: String,
    pub(crate) kind: String,
    pub(crate) vendor: String,
    /// `SNMP`, `WMI`, `CLI`, `VIWebService`, `PrismAPI` or `ICMP`.
    pub(crate) protocol: String,
    /// Such as `VMware-VM`; empty for most devices.
    pub(crate) virtual_type: String,
    pub(crate) added: i64,
    pub(crate) managed: bool,
    /// From when to when alarms are muted.
    pub(crate) suppressed: Option<(i64, i64)>,
    /// Since when its monitors collect nothing although it answers.
    pub(crate) silent_since: Option<i64>,
    pub(crate) hardware: BTreeMap<String, String>,
    pub(crate) custom_fields: Vec<(&'static str, &'static str, String)>,
    pub(crate) interfaces: Vec<Interface>,
    pub(crate) monitors: Vec<Monitor>,
    pub(crate) services: BTreeSet<String>,
    pub(crate) windows_services: Vec<(i64, &'static str, &'static str, bool)>,
    pub(crate) processes: BTreeMap<i64, &'static str>,
}

#[derive(Default)]
pub(crate) struct Interface {
    /// `IF-<device>-<moid>`
    pub(crate) name: String,
    pub(crate) moid: i64,
    pub(crate) index: i64,
    pub(crate) short_name: String,
    pub(crate) alias: String,
    pub(crate) kind: &'static str,
    pub(crate) bits_per_second: i64,
    pub(crate) up: bool,
    pub(crate) managed: bool,
    /// From when to when alarms are muted.
    pub(crate) suppressed: Option<(i64, i64)>,
    /// Received and sent in per cent of the speed; without, they follow from the id.
    pub(crate) load: Option<(i64, i64)>,
    /// Since when it is down or up, where that is known.
    pub(crate) since: Option<i64>,
}

pub(crate) struct Monitor {
    pub(crate) poll_id: i64,
    pub(crate) kind: &'static MonitorType,
    pub(crate) value: i64,
    /// By how much the value grows in a day.
    pub(crate) per_day: i64,
}

pub(crate) struct Alarm {
    pub(crate) id: i64,
    /// The key in every alarm call.
    pub(crate) entity: String,
    pub(crate) device: String,
    pub(crate) severity: i64,
    pub(crate) previous: Option<i64>,
    pub(crate) message: String,
    pub(crate) code: String,
    pub(crate) event_type: String,
    /// The `alertType` that lists it besides `ActiveAlarms`.
    pub(crate) family: &'static str,
    pub(crate) created: i64,
    pub(crate) modified: i64,
    pub(crate) acknowledged_by: Option<String>,
    pub(crate) notes: Vec<Note>,
}

pub(crate) struct Note {
    pub(crate) id: i64,
    pub(crate) text: String,
    pub(crate) at: i64,
    pub(crate) by: &'static str,
}

pub(crate) struct Event {
    pub(crate) id: i64,
    pub(crate) entity: String,
    pub(crate) device: String,
    pub(crate) severity: i64,
    pub(crate) text: String,
    pub(crate) event_type: String,
    pub(crate) at: i64,
}

/// A new event, before it has changed anything.
pub(crate) struct Incident<'a> {
    pub(crate) device: &'a str,
    pub(crate) entity: &'a str,
    pub(crate) severity: i64,
    pub(crate) message: &'a str,
    pub(crate) code: &'a str,
    pub(crate) event_type: &'a str,
    pub(crate) family: &'static str,
    pub(crate) at: i64,
}

impl State {
    /// The network as a simulator has it at the start.
    pub(crate) fn new(options: &Options) -> State {
        let mut state = match options.network {
            Network::Small => State::small(options.now),
            Network::Fleet => fleet::state(options),
        };
        state.variant = options.variant;
        if state.variant == Variant::Msp {
            central::add_suffixes(&mut state);
        }
        state
    }

    /// No network at all.
    pub(crate) fn empty(now: i64) -> State {
        State {
            variant: Variant::default(),
            now,
            last_id: 5000,
            devices: Vec::new(),
            alarms: Vec::new(),
            events: Vec::new(),
            groups: Vec::new(),
            views: Vec::new(),
            urls: Vec::new(),
            schedules: Vec::new(),
            profiles: Vec::new(),
            rules: network::rules(),
            subnets: Vec::new(),
            machines: Vec::new(),
            stores: Vec::new(),
            access_points: Vec::new(),
            extras: extras::Extras::default(),
        }
    }

    /// An id that nothing else has.
    pub(crate) fn next_id(&mut self) -> i64 {
        self.last_id += 1;
        self.last_id
    }

    /// Lets a second pass, so that what is written later is also younger.
    pub(crate) fn tick(&mut self) {
        self.now += SECOND;
    }

    pub(crate) fn device(&self, name: &str) -> Result<&Device, Refusal> {
        self.devices
            .iter()
            .find(|device| device.name == name)
            .ok_or_else(|| no_such("device", name))
    }

    pub(crate) fn device_mut(&mut self, name: &str) -> Result<&mut Device, Refusal> {
        self.devices
            .iter_mut()
            .find(|device| device.name == name)
            .ok_or_else(|| no_such("device", name))
    }

    pub(crate) fn device_by_moid(&self, moid: i64) -> Result<&Device, Refusal> {
        self.devices
            .iter()
            .find(|device| device.moid == moid)
            .ok_or_else(|| no_such("device", &moid.to_string()))
    }

    pub(crate) fn interface(&self, name: &str) -> Result<(&Device, &Interface), Refusal> {
        self.devices
            .iter()
            .find_map(|device| {
                Some((
                    device,
                    device
                        .interfaces
                        .iter()
                        .find(|interface| interface.name == name)?,
                ))
            })
            .ok_or_else(|| no_such("interface", name))
    }

    pub(crate) fn group(&self, name: &str) -> Result<&Group, Refusal> {
        self.groups
            .iter()
            .find(|group| group.name() == name)
            .ok_or_else(|| no_such("group", name))
    }

    pub(crate) fn alarm_mut(&mut self, entity: &str) -> Result<&mut Alarm, Refusal> {
        self.alarms
            .iter_mut()
            .find(|alarm| alarm.entity == entity)
            .ok_or_else(|| no_such("alarm", entity))
    }

    /// Alarms that are not cleared.
    pub(crate) fn active_alarms(&self) -> impl Iterator<Item = &Alarm> {
        self.alarms.iter().filter(|alarm| alarm.severity != CLEAR)
    }

    /// A device is as bad as its worst active alarm.
    pub(crate) fn severity(&self, device: &Device) -> i64 {
        if !device.managed {
            return UNMANAGED;
        }
        let of_device = self
            .active_alarms()
            .filter(|alarm| alarm.device == device.name);
        of_device.map(|alarm| alarm.severity).min().unwrap_or(CLEAR)
    }

    /// A device that does not answer polls.
    pub(crate) fn is_down(&self, device: &Device) -> bool {
        let entity = format!("{}_Poll", device.name);
        self.active_alarms().any(|alarm| alarm.entity == entity)
    }

    pub(crate) fn severity_of(&self, name: &str) -> i64 {
        let device = self.device(name).ok().map(|device| self.severity(device));
        device
            .or_else(|| {
                self.interface(name)
                    .ok()
                    .map(|(_, interface)| interface.severity())
            })
            .unwrap_or(UNMANAGED)
    }

    pub(crate) fn worst<'a>(&self, members: impl IntoIterator<Item = &'a String>) -> i64 {
        members
            .into_iter()
            .map(|name| self.severity_of(name))
            .min()
            .unwrap_or(CLEAR)
    }

    /// Adds an event, and makes, updates or clears the alarm of its entity.
    pub(crate) fn raise(&mut self, incident: &Incident<'_>) {
        let &Incident {
            device,
            entity,
            severity,
            message,
            code,
            event_type,
            family,
            at,
        } = incident;
        let id = self.next_id();
        self.events.push(Event {
            id,
            entity: entity.to_owned(),
            device: device.to_owned(),
            severity,
            text: message.to_owned(),
            event_type: event_type.to_owned(),
            at,
        });
        if let Ok(alarm) = self.alarm_mut(entity) {
            if alarm.severity != severity {
                alarm.previous = Some(alarm.severity);
            }
            (alarm.severity, alarm.modified) = (severity, at);
            (alarm.message, alarm.code) = (message.to_owned(), code.to_owned());
            return;
        }
        let muted = self.device(device).is_ok_and(|device| device.is_muted(at));
        // Inferred: a clear without an alarm, or an event of a muted device, makes no alarm.
        if severity == CLEAR || muted {
            return;
        }
        let id = self.next_id();
        self.alarms.push(Alarm {
            id,
            entity: entity.to_owned(),
            device: device.to_owned(),
            severity,
            previous: None,
            message: message.to_owned(),
            code: code.to_owned(),
            event_type: event_type.to_owned(),
            family,
            created: at,
            modified: at,
            acknowledged_by: None,
            notes: Vec::new(),
        });
    }
}

fn is_within(window: Option<(i64, i64)>, at: i64) -> bool {
    window.is_some_and(|(from, to)| from <= at && at < to)
}

impl Device {
    pub(crate) fn is_muted(&self, at: i64) -> bool {
        is_within(self.suppressed, at)
    }

    pub(crate) fn monitor(&self, policy: &str) -> Result<&Monitor, Refusal> {
        let found = self
            .monitors
            .iter()
            .find(|monitor| monitor.kind.name == policy);
        found.ok_or_else(|| no_such("monitor", policy))
    }

    /// The last value of its CPU, memory or disk monitor.
    pub(crate) fn value_of(&self, display_name: &str) -> i64 {
        let monitor = self
            .monitors
            .iter()
            .find(|monitor| monitor.kind.display_name == display_name);
        monitor.map_or(0, |monitor| monitor.value)
    }
}

impl Interface {
    pub(crate) fn is_muted(&self, at: i64) -> bool {
        is_within(self.suppressed, at)
    }

    pub(crate) fn severity(&self) -> i64 {
        match (self.managed, self.up) {
            (false, _) => UNMANAGED,
            (true, true) => CLEAR,
            (true, false) => CRITICAL,
        }
    }

    /// `<name>-<alias>`
    pub(crate) fn display_name(&self) -> String {
        format!("{}-{}", self.short_name, self.alias)
    }

    /// Received and sent, in per cent of the speed.
    pub(crate) fn utilization(&self) -> (i64, i64) {
        if self.up {
            self.load
                .unwrap_or((self.moid * 7 % 60, self.moid * 13 % 45))
        } else {
            (0, 0)
        }
    }
}

/// Third party: an unknown name is answered with status 200 and an object that has `error`. Inferred: its text.
pub(crate) fn no_such(what: &str, name: &str) -> Refusal {
    Refusal::new(None, format!("There is no {what} '{name}'."))
}
