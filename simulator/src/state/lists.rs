//! What an installation has beside devices, alarms and events: groups, views, schedules, and what runs virtual machines.
//!
//! Owns their form. Who fills them is decided where a network is made.

use std::collections::{BTreeMap, BTreeSet};

use super::{ATTENTION, CLEAR, SERVICE_DOWN, State, UNMANAGED};

pub(crate) struct Group {
    pub(crate) id: i64,
    pub(crate) display_name: String,
    pub(crate) description: String,
    pub(crate) of_interfaces: bool,
    pub(crate) members: Vec<String>,
}

impl Group {
    /// The name that operations take.
    pub(crate) fn name(&self) -> String {
        format!(
            "{}-{}",
            self.display_name.to_lowercase().replace(' ', ""),
            self.id
        )
    }
}

#[derive(Default)]
pub(crate) struct BusinessView {
    pub(crate) display_name: String,
    pub(crate) members: Vec<String>,
    pub(crate) links: Vec<Link>,
}

/// A line on the map of a business view.
pub(crate) struct Link {
    pub(crate) source: String,
    pub(crate) dest: String,
    /// The interface of `source` that it is.
    pub(crate) interface: String,
}

/// A virtual machine of VMware; not all are monitored as devices.
pub(crate) struct Machine {
    pub(crate) name: String,
    pub(crate) host: String,
    pub(crate) power: &'static str,
    pub(crate) memory_mb: i64,
}

/// A data store of VMware, which all hosts use.
pub(crate) struct Store {
    pub(crate) name: &'static str,
    pub(crate) capacity_mb: i64,
    pub(crate) free_mb: i64,
}

pub(crate) struct AccessPoint {
    pub(crate) controller: String,
    pub(crate) name: String,
    pub(crate) ip: String,
    pub(crate) severity: i64,
    pub(crate) channels: &'static str,
    /// Clients on each SSID.
    pub(crate) clients: [i64; 2],
}

pub(crate) struct UrlMonitor {
    pub(crate) label: &'static str,
    pub(crate) url: &'static str,
    pub(crate) moid: i64,
    pub(crate) up: bool,
    pub(crate) managed: bool,
    /// The device that it belongs to; global without.
    pub(crate) device: Option<String>,
}

impl UrlMonitor {
    pub(crate) fn name(&self) -> String {
        format!("{}_URL", self.label)
    }

    pub(crate) fn severity(&self) -> i64 {
        match (self.managed, self.up) {
            (false, _) => UNMANAGED,
            (true, true) => CLEAR,
            (true, false) => SERVICE_DOWN,
        }
    }
}

#[derive(Default)]
pub(crate) struct Schedule {
    pub(crate) id: i64,
    /// The parameters of the calls that made it what it is.
    pub(crate) fields: BTreeMap<String, String>,
}

impl Schedule {
    pub(crate) fn field(&self, name: &str) -> &str {
        self.fields.get(name).map_or("", String::as_str)
    }
}

pub(crate) struct Profile {
    pub(crate) id: i64,
    pub(crate) name: &'static str,
    pub(crate) kind: &'static str,
    pub(crate) global: bool,
    pub(crate) enabled: bool,
    pub(crate) devices: BTreeSet<String>,
}

pub(crate) struct BusinessRule {
    pub(crate) id: i64,
    pub(crate) name: String,
    pub(crate) description: String,
    pub(crate) hours: serde_json::Map<String, serde_json::Value>,
}

impl State {
    /// Machines on the hosts, of which the first one is monitored, and the data stores.
    pub(crate) fn add_virtual(&mut self, hosts: &[&str], monitored: &str) {
        let machines = [
            (monitored, "On", 8192),
            ("vm-test-02", "Off", 2048),
            ("vm-old-03", "Off", 1024),
        ];
        for ((name, power, memory_mb), host) in machines.into_iter().zip(hosts.iter().cycle()) {
            self.machines.push(Machine {
                name: name.to_owned(),
                host: (*host).to_owned(),
                power,
                memory_mb,
            });
        }
        let stores = [("datastore-11", 2048, 184), ("datastore-12", 4096, 2210)];
        self.stores
            .extend(stores.map(|(name, capacity_mb, free_mb)| Store {
                name,
                capacity_mb,
                free_mb,
            }));
    }

    /// Three access points of a controller, one of which is in trouble.
    pub(crate) fn add_access_points(&mut self, controller: &str, prefix: &str, subnet: &str) {
        let points = [
            ("north-01", 101, CLEAR, "1,36", [14, 3]),
            ("north-02", 102, CLEAR, "6,44", [9, 5]),
            ("south-02", 112, ATTENTION, "11,52", [0, 0]),
        ];
        let point = |(name, number, severity, channels, clients): (
            &str,
            i64,
            i64,
            &'static str,
            [i64; 2],
        )| AccessPoint {
            controller: controller.to_owned(),
            name: format!("{prefix}-{name}"),
            ip: format!("{subnet}.{number}"),
            severity,
            channels,
            clients,
        };
        self.access_points.extend(points.map(point));
    }
}
