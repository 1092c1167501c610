//! The sites, their devices, interfaces and links.
//!
//! Owns what is there. What happens to it is decided in `stories` and `background`.

use crate::{
    random::Random,
    state::{
        Device, Interface, Link, Monitor, State,
        catalogue::{MONITORS, SERVICES},
        network::{self, Row},
    },
};

/// How many devices of each kind a site has.
pub(super) struct Site {
    pub(super) number: usize,
    cores: usize,
    routers: usize,
    firewalls: usize,
    access: usize,
    servers: usize,
    controllers: usize,
    storages: usize,
    printers: usize,
}

const fn site(number: usize, network: [usize; 4], others: [usize; 4]) -> Site {
    let [cores, routers, firewalls, access] = network;
    let [servers, controllers, storages, printers] = others;
    Site {
        number,
        cores,
        routers,
        firewalls,
        access,
        servers,
        controllers,
        storages,
        printers,
    }
}

pub(super) const SITES: [Site; 9] = [
    site(1, [2, 2, 2, 16], [50, 2, 3, 4]),
    site(2, [2, 1, 1, 12], [28, 1, 1, 4]),
    site(3, [2, 1, 1, 10], [20, 1, 0, 4]),
    site(4, [1, 1, 1, 12], [14, 1, 0, 4]),
    site(5, [1, 1, 1, 9], [14, 1, 0, 5]),
    site(6, [1, 1, 1, 9], [14, 1, 0, 5]),
    site(7, [1, 1, 1, 9], [14, 1, 0, 5]),
    site(8, [1, 1, 1, 9], [14, 1, 0, 5]),
    site(9, [1, 1, 1, 9], [14, 1, 0, 5]),
];

/// Ports of a switch in an office, of which the first goes to the core.
const ACCESS_PORTS: usize = 18;
const CORE_PORTS: usize = 24;
const FIRST_DEVICE: i64 = 30_001;
const FIRST_INTERFACE: i64 = 100_001;
const FIRST_POLL: i64 = 50_001;

/// The name of a site, as its group and its subnet have it.
pub(super) fn site_name(number: usize) -> String {
    format!("site-{number}")
}

/// The site of a device, by the address.
pub(super) fn site_of(device: &Device) -> usize {
    let number = device.ip.split('.').nth(2);
    number.and_then(|number| number.parse().ok()).unwrap_or(0)
}

/// Type, vendor and protocol of a device that is called `kind`.
fn make(kind: &str, number: usize) -> (&'static str, &'static str, &'static str, &'static str) {
    match kind {
        "core-sw" => ("Switch", "Exemplar S9800", "Exemplar", "SNMP"),
        "acc-sw" => ("Switch", "Exemplar S2400", "Exemplar", "SNMP"),
        "rtr" => ("Router", "Exemplar R900", "Exemplar", "SNMP"),
        "fw" => ("Firewall", "Samplewall F200", "Samplewall", "SNMP"),
        "dc" => ("DomainController", "Windows Server", "Unknown", "WMI"),
        "wlc" => (
            "WirelessLANController",
            "Sampleair W50",
            "Sampleair",
            "SNMP",
        ),
        "ups" => ("UPS", "Samplepower U3", "Samplepower", "SNMP"),
        "sto" => ("Storage", "Samplestore A20", "Samplestore", "SNMP"),
        "prn" => ("Printer", "Sampleprint P7", "Sampleprint", "SNMP"),
        _ if number % 2 == 1 => ("Server", "Windows Server", "Unknown", "WMI"),
        _ => ("Server", "Linux", "Unknown", "CLI"),
    }
}

/// Name, type, protocol, virtual type of what runs virtual machines.
#[rustfmt::skip]
const VIRTUAL: [(&str, &str, &str, &str); 8] = [
    ("s1-vcenter-01", "VMware vCenter", "VIWebService", "VMware-vCenter"),
    ("s1-esx-01", "VMware ESX", "VIWebService", "VMware-Host"),
    ("s1-esx-02", "VMware ESX", "VIWebService", "VMware-Host"),
    ("s1-vm-01", "Linux", "VIWebService", "VMware-VM"),
    ("s1-vm-02", "Linux", "VIWebService", "VMware-VM"),
    ("s1-ntx-cluster-01", "Nutanix Cluster", "PrismAPI", "Nutanix-Cluster"),
    ("s1-ntx-host-01", "Nutanix Host", "PrismAPI", "Nutanix-Host"),
    ("s1-ntx-vm-01", "Nutanix VM", "PrismAPI", "Nutanix-VM"),
];

pub(super) fn devices(now: i64, random: &mut Random) -> Vec<Device> {
    let mut devices: Vec<Device> = Vec::new();
    let add =
        |devices: &mut Vec<Device>, site: usize, row: (&str, &str, &str, &str, &str, &str)| {
            let (name, category, kind, vendor, protocol, virtual_type) = row;
            let count = devices
                .iter()
                .filter(|device| site_of(device) == site)
                .count();
            let ip = format!("198.18.{site}.{}", count + 1);
            let moid = FIRST_DEVICE + devices.len() as i64;
            let row: Row<'_> = (name, &ip, category, kind, vendor, protocol, virtual_type);
            let mut device = network::device(&row, moid, now);
            for (field, _, value) in &mut device.custom_fields {
                if *field == "Building" {
                    *value = site_name(site);
                }
            }
            devices.push(device);
        };
    for site in &SITES {
        for (kind, count) in [
            ("core-sw", site.cores),
            ("rtr", site.routers),
            ("fw", site.firewalls),
            ("acc-sw", site.access),
            ("dc", 1),
            ("srv", site.servers),
            ("wlc", site.controllers),
            ("ups", 1),
            ("sto", site.storages),
            ("prn", site.printers),
        ] {
            for number in 1..=count {
                let name = format!("s{}-{kind}-{number:02}", site.number);
                let (category, model, vendor, protocol) = make(kind, number);
                add(
                    &mut devices,
                    site.number,
                    (&name, category, model, vendor, protocol, ""),
                );
            }
        }
        if site.number == 1 {
            for (name, kind, protocol, virtual_type) in VIRTUAL {
                add(
                    &mut devices,
                    1,
                    (name, "Server", kind, "Unknown", protocol, virtual_type),
                );
            }
        }
    }
    add_monitors(&mut devices, random);
    add_interfaces(&mut devices, random);
    devices
}

fn add_monitors(devices: &mut [Device], random: &mut Random) {
    let mut poll_ids = FIRST_POLL..;
    for device in devices {
        let is_kept = |name: &str| name == "CPU Utilization" || device.category != "Printer";
        let kinds = MONITORS.iter().filter(|kind| {
            kind.protocol == device.protocol
                && kind.display_name.contains("Utilization")
                && is_kept(kind.display_name)
        });
        for (kind, poll_id) in kinds.zip(&mut poll_ids) {
            let value = random.between(12, kind.threshold.unwrap_or(80) - 12);
            device.monitors.push(Monitor {
                poll_id,
                kind,
                value,
                per_day: 0,
            });
        }
        if device.category == "Server" && device.virtual_type.is_empty() {
            let (service, _) = SERVICES[random.between(0, SERVICES.len() as i64 - 1) as usize];
            device.services.insert(service.to_owned());
        }
    }
}

/// A port: short name, alias, type, speed in Mbit/s, whether something is plugged in.
type Port = (String, String, &'static str, i64, bool);

/// The names that the ports of each device are made for: those of its site, by kind.
fn of_kind<'a>(names: &'a [String], site: usize, kind: &str) -> Vec<&'a String> {
    let start = format!("s{site}-{kind}-");
    names
        .iter()
        .filter(|name| name.starts_with(&start))
        .collect()
}

fn ports(names: &[String], device: &Device, random: &mut Random) -> Vec<Port> {
    let site = site_of(device);
    let name = device.name.as_str();
    let ethernet = |name: String, alias: String, speed| (name, alias, "Ethernet", speed, true);
    let cores = of_kind(names, site, "core-sw");
    let core_of = |name: &String| {
        let number: usize = name
            .rsplit('-')
            .next()
            .and_then(|n| n.parse().ok())
            .unwrap_or(1);
        cores[(number - 1) % cores.len()]
    };
    if name.contains("-core-sw-") {
        let mut ports: Vec<Port> = Vec::new();
        let mine = |other: &&&String| core_of(other).as_str() == name;
        let access = of_kind(names, site, "acc-sw");
        let upper = [of_kind(names, site, "rtr"), of_kind(names, site, "fw")].concat();
        let peers = cores.iter().copied().filter(|other| *other != name);
        for other in upper.into_iter().chain(peers) {
            ports.push(ethernet(
                format!("Te1/{}", ports.len() + 1),
                format!("to {other}"),
                10_000,
            ));
        }
        for other in access.iter().filter(mine) {
            ports.push(ethernet(
                format!("Te1/{}", ports.len() + 1),
                format!("to {other}"),
                10_000,
            ));
        }
        while ports.len() < CORE_PORTS {
            let number = ports.len() + 1;
            ports.push(ethernet(
                format!("Te1/{number}"),
                format!("rack {number}"),
                10_000,
            ));
        }
        return ports;
    }
    if name.contains("-acc-sw-") {
        let uplink = ethernet(
            "Gi0/1".into(),
            format!("to {}", core_of(&device.name)),
            1_000,
        );
        let others = (2..=ACCESS_PORTS).map(|number| {
            let used = random.between(1, 100) <= 62;
            let alias = if used {
                format!("outlet {number}")
            } else {
                "free".to_owned()
            };
            (format!("Gi0/{number}"), alias, "Ethernet", 1_000, used)
        });
        return [uplink].into_iter().chain(others).collect();
    }
    match device.category.as_str() {
        "Router" => {
            let mut ports = vec![ethernet("Gi0/0".into(), format!("to {}", cores[0]), 1_000)];
            // Router 1 of site 1 is where the links of all sites end.
            let others = SITES.iter().filter(|other| {
                if name == "s1-rtr-01" {
                    other.number != 1
                } else {
                    other.number == 1 && site != 1
                }
            });
            for other in others {
                let to = format!("to s{}-rtr-01", other.number);
                ports.push((format!("Se0/{}", ports.len()), to, "ppp", 100, true));
            }
            ports.push((
                "Lo0".into(),
                "management".into(),
                "Software Loopback",
                8_000,
                true,
            ));
            ports
        }
        "Firewall" => vec![
            ethernet("inside".into(), format!("to {}", cores[0]), 1_000),
            ethernet("outside".into(), "to the provider".into(), 1_000),
        ],
        "Server" | "DomainController" | "Storage" => vec![
            ethernet(
                "eth0".into(),
                format!("to {}", core_of(&device.name)),
                1_000,
            ),
            ethernet("eth1".into(), "backup".into(), 1_000),
        ],
        "WirelessLANController" => {
            vec![ethernet("Port1".into(), format!("to {}", cores[0]), 1_000)]
        }
        _ => Vec::new(),
    }
}

fn add_interfaces(devices: &mut [Device], random: &mut Random) {
    let names: Vec<String> = devices.iter().map(|device| device.name.clone()).collect();
    let mut moids = FIRST_INTERFACE..;
    for device in devices {
        let ports = ports(&names, device, random);
        for ((short_name, alias, kind, megabits, used), moid) in ports.into_iter().zip(&mut moids) {
            device.interfaces.push(Interface {
                name: format!("IF-{}-{moid}", device.name),
                moid,
                index: device.interfaces.len() as i64 + 1,
                short_name,
                alias,
                kind,
                bits_per_second: megabits * 1_000_000,
                up: used,
                // Nobody watches a port that nothing is plugged into.
                managed: used,
                load: Some((random.between(1, 55), random.between(1, 45))),
                ..Interface::default()
            });
        }
    }
}

/// The links of a site: from each device's port to the device that its alias names.
pub(super) fn links(state: &State, site: usize) -> Vec<Link> {
    let of_site = state
        .devices
        .iter()
        .filter(|device| site_of(device) == site);
    let ports = of_site.flat_map(|device| device.interfaces.iter().map(move |port| (device, port)));
    let link = |(device, port): (&Device, &Interface)| {
        let dest = port.alias.strip_prefix("to ")?;
        state.device(dest).ok()?;
        // From below to above only, so that each link is there once.
        (!device.name.contains("-core-sw-")).then(|| Link {
            source: device.name.clone(),
            dest: dest.to_owned(),
            interface: port.name.clone(),
        })
    };
    ports.filter_map(link).collect()
}

#[cfg(test)]
mod tests {
    use crate::{Options, fleet::Network, state::State};

    #[test]
    fn links_join_members_of_their_view_by_an_interface_of_the_first() {
        let state = State::new(&Options {
            network: Network::Fleet,
            ..Options::default()
        });
        let mut count = 0;
        for view in &state.views {
            for link in &view.links {
                count += 1;
                assert!(view.members.contains(&link.source) && view.members.contains(&link.dest));
                let found = state
                    .interface(&link.interface)
                    .map(|(device, _)| device.name.clone());
                assert_eq!(found.ok().as_ref(), Some(&link.source));
            }
        }
        assert!(count > 90, "{count}");
    }
}
