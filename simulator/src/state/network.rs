//! The network as it is at the start: fictional devices in the documentation address ranges.
//!
//! Owns the starting values. What may happen to them afterwards is decided elsewhere.

use std::collections::BTreeSet;

use serde_json::json;

use super::{
    ATTENTION, BusinessRule, BusinessView, CLEAR, CRITICAL, Device, Group, Incident, Interface,
    Monitor, Profile, SERVICE_DOWN, Schedule, State, TROUBLE, UrlMonitor,
    catalogue::{DEVICE_FIELDS, MONITORS, PROCESSES, WINDOWS_SERVICES},
};
use crate::{
    checks::decode_pairs,
    clock::{self, DAY, HOUR, MINUTE},
};

/// Name, address, category, type, vendor, protocol, virtual type.
pub(crate) type Row<'a> = (
    &'a str,
    &'a str,
    &'a str,
    &'a str,
    &'a str,
    &'a str,
    &'a str,
);

#[rustfmt::skip]
const DEVICES: &[Row<'static>] = &[
    ("core-sw-01", "192.0.2.1", "Switch", "Exemplar S4800", "Exemplar", "SNMP", ""),
    ("core-sw-02", "192.0.2.2", "Switch", "Exemplar S4800", "Exemplar", "SNMP", ""),
    ("edge-sw-11", "192.0.2.11", "Switch", "Exemplar S2400", "Exemplar", "SNMP", ""),
    ("rtr-01", "192.0.2.254", "Router", "Exemplar R900", "Exemplar", "SNMP", ""),
    ("rtr-02", "198.51.100.1", "Router", "Exemplar R900", "Exemplar", "SNMP", ""),
    ("fw-01", "192.0.2.253", "Firewall", "Samplewall F200", "Samplewall", "SNMP", ""),
    ("db-01", "192.0.2.21", "Server", "Linux", "Unknown", "CLI", ""),
    ("db-02", "192.0.2.22", "Server", "Windows Server", "Unknown", "WMI", ""),
    ("web-01", "192.0.2.31", "Server", "Linux", "Unknown", "SNMP", ""),
    ("file-01", "192.0.2.41", "Server", "Windows Server", "Unknown", "WMI", ""),
    ("ad-01", "192.0.2.10", "DomainController", "Windows Server", "Unknown", "WMI", ""),
    ("vcenter-01", "192.0.2.50", "Server", "VMware vCenter", "Unknown", "VIWebService", "VMware-vCenter"),
    ("esx-01", "192.0.2.51", "Server", "VMware ESX", "Unknown", "VIWebService", "VMware-Host"),
    ("vm-app-01", "192.0.2.61", "Server", "Linux", "Unknown", "VIWebService", "VMware-VM"),
    ("ntx-cluster-01", "192.0.2.70", "Server", "Nutanix Cluster", "Unknown", "PrismAPI", "Nutanix-Cluster"),
    ("ntx-host-01", "192.0.2.71", "Server", "Nutanix Host", "Unknown", "PrismAPI", "Nutanix-Host"),
    ("ntx-vm-01", "192.0.2.72", "Server", "Nutanix VM", "Unknown", "PrismAPI", "Nutanix-VM"),
    ("wlc-01", "198.51.100.5", "WirelessLANController", "Sampleair W50", "Sampleair", "SNMP", ""),
    ("ups-01", "198.51.100.30", "UPS", "Samplepower U3", "Samplepower", "SNMP", ""),
    ("198.51.100.40", "198.51.100.40", "Printer", "Sampleprint P7", "Sampleprint", "SNMP", ""),
    ("desk-07", "198.51.100.77", "Desktop", "Windows Client", "Unknown", "WMI", ""),
];

/// Device, short name, alias, type, speed in Mbit/s, up.
#[rustfmt::skip]
const INTERFACES: &[(&str, &str, &str, &str, i64, bool)] = &[
    ("core-sw-01", "Te1/1", "to core-sw-02", "Ethernet", 10_000, true),
    ("core-sw-01", "Te1/2", "to rtr-01", "Ethernet", 10_000, true),
    ("core-sw-01", "Gi1/3", "to edge-sw-11", "Ethernet", 1_000, true),
    ("core-sw-01", "Vl10", "servers", "l2vlan", 1_000, true),
    ("core-sw-02", "Te1/1", "to core-sw-01", "Ethernet", 10_000, true),
    ("core-sw-02", "Te1/2", "to fw-01", "Ethernet", 10_000, false),
    ("edge-sw-11", "Gi0/1", "to core-sw-01", "Ethernet", 1_000, true),
    ("edge-sw-11", "Gi0/2", "desk-07", "Ethernet", 1_000, true),
    ("rtr-01", "Gi0/0", "to core-sw-01", "Ethernet", 1_000, true),
    ("rtr-01", "Se0/1", "to rtr-02", "ppp", 100, true),
    ("rtr-01", "Lo0", "management", "Software Loopback", 8_000, true),
    ("rtr-02", "Se0/1", "to rtr-01", "ppp", 100, true),
    ("fw-01", "outside", "to the provider", "Ethernet", 1_000, true),
    ("fw-01", "inside", "to core-sw-02", "Ethernet", 1_000, true),
    ("web-01", "eth0", "to core-sw-01", "Ethernet", 1_000, true),
    ("wlc-01", "Port1", "to rtr-02", "Ethernet", 1_000, true),
];

/// Device, entity, severity, minutes ago, event type, alarm family, message.
#[rustfmt::skip]
const EVENTS: &[(&str, &str, i64, i64, &str, &str, &str)] = &[
    ("edge-sw-11", "edge-sw-11_Poll", CRITICAL, 2000, "Node Down", "", "Device is down: no answer to the last 5 polls"),
    ("edge-sw-11", "edge-sw-11_Poll", CLEAR, 1980, "Node Up", "", "Device is up again"),
    ("ad-01", "eventlog_5719", ATTENTION, 400, "EventLog", "EventLogAlarms", "Event log rule matched: failed sign-ins above 20 in 5 minutes"),
    ("rtr-02", "syslog_link_flap", TROUBLE, 180, "Syslog", "SyslogAlarms", "Syslog: Se0/1 changed state 6 times in 10 minutes"),
    ("file-01", "2410_DiskUtilization", TROUBLE, 150, "Threshold Down", "", "Disk Utilization is 91% (threshold 85%)"),
    ("esx-01", "datastore-11_FreeSpace", ATTENTION, 120, "Threshold Down", "StorageAlarms", "Free space of datastore-11 is 9% (threshold 10%)"),
    ("core-sw-02", "IF-core-sw-02-1006_Status", TROUBLE, 95, "Interface Down", "", "Interface Te1/2 (to fw-01) is down"),
    ("wlc-01", "trap_ap_lost", ATTENTION, 70, "Trap", "TrapAlarms", "Trap: access point ap-south-02 has lost its controller"),
    ("core-sw-01", "2201_CPUUtilization", ATTENTION, 45, "Threshold Down", "", "CPU Utilization is 84% (threshold 80%)"),
    ("web-01", "shop_URL", SERVICE_DOWN, 40, "URL Down", "WebAlarms", "URL monitor shop does not answer"),
    ("ups-01", "ups-01_OnBattery", CRITICAL, 35, "Trap", "TrapAlarms", "UPS runs on battery, 41 minutes left"),
    ("db-02", "2308_MemoryUtilization", TROUBLE, 30, "Threshold Down", "", "Memory Utilization is 97% (threshold 90%)"),
    ("db-02", "db-02_MSSQL", SERVICE_DOWN, 24, "Service Down", "", "Service MSSQL on port 1433 is down"),
    ("db-02", "db-02_Poll", CRITICAL, 20, "Node Down", "", "Device is down: no answer to the last 5 polls"),
];

fn owned(names: &[&str]) -> Vec<String> {
    names.iter().map(|&name| name.to_owned()).collect()
}

impl State {
    /// The small network.
    pub(crate) fn small(now: i64) -> State {
        let mut state = State::empty(now);
        let rows = DEVICES.iter().zip(301..);
        state.devices = rows.map(|(row, moid)| device(row, moid, now)).collect();
        state.groups = groups();
        state.views = views();
        state.urls = urls();
        state.schedules = schedules(now);
        state.profiles = profiles();
        state.subnets = [
            ("192.0.2.0", "Head office"),
            ("198.51.100.0", "Branch office"),
        ]
        .map(|(address, name)| (address.to_owned(), name.to_owned()))
        .into();
        state.add_virtual(&["esx-01"], "vm-app-01");
        state.add_access_points("wlc-01", "ap", "198.51.100");
        state.seed_interfaces_and_monitors();
        for &(device, entity, severity, minutes, event_type, family, message) in EVENTS {
            let (code, at) = (
                if severity == CLEAR {
                    "Threshold-UP"
                } else {
                    "Threshold-DOWN"
                },
                now - minutes * MINUTE,
            );
            state.raise(&Incident {
                device,
                entity,
                severity,
                message,
                code,
                event_type,
                family,
                at,
            });
        }
        state
    }

    fn seed_interfaces_and_monitors(&mut self) {
        for (&(name, short_name, alias, kind, megabits, up), moid) in INTERFACES.iter().zip(1001..)
        {
            if let Ok(device) = self.device_mut(name) {
                device.interfaces.push(Interface {
                    name: format!("IF-{name}-{moid}"),
                    moid,
                    index: device.interfaces.len() as i64 + 1,
                    short_name: short_name.to_owned(),
                    alias: alias.to_owned(),
                    kind,
                    bits_per_second: megabits * 1_000_000,
                    up,
                    managed: true,
                    ..Interface::default()
                });
            }
        }
        for (device, number) in self.devices.iter_mut().zip(1..) {
            let kinds = MONITORS.iter().filter(|kind| {
                kind.protocol == device.protocol && kind.display_name.contains("Utilization")
            });
            for (kind, place) in kinds.zip(0..) {
                // 2201 is the CPU of the first device, 2301 its memory, and so on.
                let poll_id = 2200 + 100 * place + number;
                device.monitors.push(Monitor {
                    poll_id,
                    kind,
                    value: 20 + (poll_id * 17) % 55,
                    per_day: 0,
                });
            }
        }
        for (name, monitor, value) in [("core-sw-01", 0, 84), ("db-02", 1, 97), ("file-01", 2, 91)]
        {
            if let Ok(monitor) = self
                .device_mut(name)
                .map(|device| &mut device.monitors[monitor])
            {
                monitor.value = value;
            }
        }
        for (name, service) in [
            ("db-02", "MSSQL"),
            ("web-01", "WEB"),
            ("web-01", "HTTPS"),
            ("ad-01", "DNS"),
            ("ad-01", "LDAP"),
        ] {
            if let Ok(device) = self.device_mut(name) {
                device.services.insert(service.to_owned());
            }
        }
    }
}

pub(crate) fn device(
    &(name, ip, category, kind, vendor, protocol, virtual_type): &Row<'_>,
    moid: i64,
    now: i64,
) -> Device {
    let display_name = if name == "198.51.100.40" {
        "prn-03".to_owned()
    } else {
        name.to_owned()
    };
    let (windows, server) = (protocol == "WMI", category == "Server");
    let hardware = [
        (
            "OperatingSystem",
            if windows {
                "Windows"
            } else if server {
                "Linux"
            } else {
                "Appliance"
            }
            .to_owned(),
        ),
        ("MACAddress", format!("00:00:5e:00:53:{:02x}", moid % 256)),
        ("SoftwareVersion", format!("{}.4.{}", moid % 9, moid % 7)),
        ("SerialNumber", format!("SN{:06}", moid * 37)),
        ("ServiceTag", format!("TAG{:05}", moid * 11)),
        ("Model", kind.to_owned()),
        ("Manufacturer", vendor.to_owned()),
        ("HDD", if server { "512" } else { "16" }.to_owned()),
        ("RAM", if server { "16384" } else { "2048" }.to_owned()),
    ];
    Device {
        dns: format!("{display_name}.corp.example"),
        name: name.to_owned(),
        display_name,
        ip: ip.to_owned(),
        moid,
        category: category.to_owned(),
        kind: kind.to_owned(),
        vendor: vendor.to_owned(),
        protocol: protocol.to_owned(),
        virtual_type: virtual_type.to_owned(),
        added: now - 90 * DAY + moid % 24 * HOUR,
        managed: true,
        hardware: hardware
            .map(|(name, value)| (name.to_owned(), value))
            .into(),
        custom_fields: DEVICE_FIELDS
            .iter()
            .map(|&(field, text)| {
                (
                    field,
                    text,
                    if field == "Building" {
                        "Building A"
                    } else {
                        ""
                    }
                    .to_owned(),
                )
            })
            .collect(),
        processes: if windows {
            [(2044, PROCESSES[1].1)].into()
        } else {
            Default::default()
        },
        windows_services: if windows {
            WINDOWS_SERVICES
                .iter()
                .zip(moid * 10..)
                .map(|(&(name, label), id)| (id, name, label, name != "LedgerSync"))
                .collect()
        } else {
            Vec::new()
        },
        ..Device::default()
    }
}

fn group(
    id: i64,
    display_name: &str,
    description: &str,
    of_interfaces: bool,
    members: &[&str],
) -> Group {
    let (display_name, description) = (display_name.to_owned(), description.to_owned());
    Group {
        id,
        display_name,
        description,
        of_interfaces,
        members: owned(members),
    }
}

fn url(
    label: &'static str,
    url: &'static str,
    moid: i64,
    up: bool,
    device: Option<&str>,
) -> UrlMonitor {
    UrlMonitor {
        label,
        url,
        moid,
        up,
        managed: true,
        device: device.map(str::to_owned),
    }
}

fn profile(
    id: i64,
    name: &'static str,
    kind: &'static str,
    global: bool,
    devices: &[&str],
) -> Profile {
    Profile {
        id,
        name,
        kind,
        global,
        enabled: true,
        devices: owned(devices).into_iter().collect::<BTreeSet<_>>(),
    }
}

fn groups() -> Vec<Group> {
    vec![
        group(
            401,
            "Core Network",
            "Switches and routers of the core",
            false,
            &["core-sw-01", "core-sw-02", "rtr-01"],
        ),
        group(
            402,
            "Databases",
            "Database servers",
            false,
            &["db-01", "db-02"],
        ),
        group(
            403,
            "Uplinks",
            "Links between sites",
            true,
            &["IF-rtr-01-1010", "IF-rtr-02-1012"],
        ),
    ]
}

fn views() -> Vec<BusinessView> {
    vec![
        BusinessView {
            display_name: "Web Shop".into(),
            members: owned(&["web-01", "db-01", "db-02", "fw-01"]),
            ..BusinessView::default()
        },
        BusinessView {
            display_name: "Branch Office".into(),
            members: owned(&["rtr-02", "wlc-01", "198.51.100.40"]),
            ..BusinessView::default()
        },
    ]
}

fn urls() -> Vec<UrlMonitor> {
    vec![
        url(
            "intranet",
            "https://intranet.corp.example/",
            901,
            true,
            None,
        ),
        url("shop", "https://shop.corp.example/", 902, false, None),
        url(
            "web-01-health",
            "https://web-01.corp.example/health",
            903,
            true,
            Some("web-01"),
        ),
    ]
}

fn profiles() -> Vec<Profile> {
    vec![
        profile(
            601,
            "Mail the network team",
            "Send Email",
            true,
            &["core-sw-01", "rtr-01"],
        ),
        profile(
            602,
            "Ticket for servers",
            "Log a Ticket",
            true,
            &["db-01", "db-02"],
        ),
        profile(
            603,
            "Restart the spooler",
            "Run Program",
            false,
            &["198.51.100.40"],
        ),
    ]
}

pub(super) fn rules() -> Vec<BusinessRule> {
    let rules = [
        (
            "Office hours",
            "When people are at work",
            json!({ "monday": "8-18", "wednesday": "8-18", "friday": "8-16" }),
        ),
        (
            "Backup window",
            "When backups run",
            json!({ "saturday": "1-4", "sunday": "1-4" }),
        ),
    ];
    rules
        .into_iter()
        .zip(1..)
        .map(|((name, description, hours), id)| BusinessRule {
            id,
            name: name.into(),
            description: description.into(),
            hours: hours.as_object().cloned().unwrap_or_default(),
        })
        .collect()
}

fn schedules(now: i64) -> Vec<Schedule> {
    let schedules = [
            "scheduleName=Weekly patches&status=Enabled&scheduleDesc=Patches of the servers&recurrence=Weekly\
             &selectDevicesMethod=Category&selectedCateg=Server&startday=Sunday&endday=Sunday&from_time=02:00&to_time=04:00"
                .to_owned(),
            format!(
                "scheduleName=UPS battery swap&status=Disabled&recurrence=OnceOnly&selectDevicesMethod=Device\
                 &selectedDevices=ups-01&once_startat={} 08:00&once_endate={} 10:00",
                clock::date(now + 2 * DAY),
                clock::date(now + 2 * DAY),
            ),
        ];
    schedules
        .iter()
        .zip(11..)
        .map(|(fields, id)| Schedule {
            id,
            fields: decode_pairs(fields).into_iter().collect(),
        })
        .collect()
}
