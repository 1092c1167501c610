//! What an MSP Central adds: customers, probes, and what it leaves to its probes.
//!
//! Owns which device belongs to whom, and hiding the rest from an operation. Knows no answers.

use serde_json::Value;

use crate::{
    checks::Refusal,
    state::{Alarm, BusinessView, Device, Event, Group, State},
};

/// A customer, and the probe that watches its network.
pub(crate) struct Customer {
    pub(crate) id: i64,
    pub(crate) name: &'static str,
    pub(crate) probe_id: &'static str,
    pub(crate) probe: &'static str,
    pub(crate) probe_display_name: &'static str,
}

/// Captured: customers have numbers from 901 on, probe suffixes up to twelve digits.
pub(crate) static CUSTOMERS: [Customer; 2] = [
    Customer {
        id: 901,
        name: "customer-1",
        probe_id: "10000000001",
        probe: "probe-01",
        probe_display_name: "Probe 01",
    },
    Customer {
        id: 902,
        name: "customer-2",
        probe_id: "130000000001",
        probe: "probe-02",
        probe_display_name: "Probe 02",
    },
];

/// Operations that a Central leaves to its probes. Third party: that there are some, and the words. Inferred: which.
const BLOCKED: [&str; 5] = [
    "TestMonitor",
    "getTraceResponse",
    "getAssociatedProcessMonitors",
    "associateProcessMonitor",
    "setDeviceInfo",
];

pub(crate) fn check_blocked(id: &str) -> Result<(), Refusal> {
    if BLOCKED.contains(&id) {
        return Err(Refusal::new(
            None,
            "This operation is blocked in Central Server",
        ));
    }
    Ok(())
}

/// The customer of a device: the head office and the first five sites are the first one's.
pub(crate) fn customer_of(device: &Device) -> &'static Customer {
    let mut numbers = device.ip.split('.').map(str::parse::<u8>);
    let mut number = || numbers.next().and_then(Result::ok).unwrap_or_default();
    let first = match (number(), number(), number()) {
        (198, 18, site) => site <= 5,
        (192, 0, 2) => true,
        _ => false,
    };
    &CUSTOMERS[usize::from(!first)]
}

/// Gives each name of a device, and what is made of it, the suffix of its probe.
pub(crate) fn add_suffixes(state: &mut State) {
    let names: Vec<(String, String)> = state
        .devices
        .iter()
        .map(|device| {
            let suffix = customer_of(device).probe_id;
            (device.name.clone(), format!("{}.{suffix}", device.name))
        })
        .collect();
    let renamed = |name: &str| -> Option<String> {
        let inner = name.strip_prefix("IF-").unwrap_or(name);
        let fits = |old: &&(String, String)| {
            inner
                .strip_prefix(old.0.as_str())
                .is_some_and(|rest| rest.is_empty() || rest.starts_with(['-', '_']))
        };
        // The longest, as one name may begin with another.
        let (old, new) = names.iter().filter(fits).max_by_key(|(old, _)| old.len())?;
        Some(name.replacen(old.as_str(), new, 1))
    };
    let rename = |name: &mut String| {
        if let Some(new) = renamed(name) {
            *name = new;
        }
    };
    for device in &mut state.devices {
        for interface in &mut device.interfaces {
            rename(&mut interface.name);
        }
        rename(&mut device.name);
    }
    for alarm in &mut state.alarms {
        rename(&mut alarm.device);
        rename(&mut alarm.entity);
    }
    for event in &mut state.events {
        rename(&mut event.device);
        rename(&mut event.entity);
    }
    let groups = state.groups.iter_mut().map(|group| &mut group.members);
    let views = state.views.iter_mut().map(|view| &mut view.members);
    groups.chain(views).flatten().for_each(rename);
    for profile in &mut state.profiles {
        let devices = std::mem::take(&mut profile.devices).into_iter();
        profile.devices = devices.map(|name| renamed(&name).unwrap_or(name)).collect();
    }
    for schedule in &mut state.schedules {
        if let Some(list) = schedule.fields.get_mut("selectedDevices") {
            let names = list.split(',');
            let names: Vec<_> = names
                .map(|name| renamed(name).unwrap_or_else(|| name.to_owned()))
                .collect();
            *list = names.join(",");
        }
    }
    for machine in &mut state.machines {
        rename(&mut machine.name);
        rename(&mut machine.host);
    }
    for point in &mut state.access_points {
        rename(&mut point.controller);
    }
    for link in state.views.iter_mut().flat_map(|view| &mut view.links) {
        for name in [&mut link.source, &mut link.dest, &mut link.interface] {
            rename(name);
        }
    }
    for url in &mut state.urls {
        url.device.as_mut().map(rename);
    }
}

/// The customer that a request is about; `None` for all, which is also the default.
///
/// # Errors
/// If a parameter is no number, or there is no such customer.
pub(crate) fn scope_of(query: &[(String, String)]) -> Result<Option<i64>, Refusal> {
    let number = |name: &str| {
        let value = query.iter().find(|(other, _)| other == name);
        let Some((_, value)) = value else {
            return Ok(-1);
        };
        value.parse::<i64>().map_err(|_| {
            let message = format!("The parameter '{name}' must be of integer type.");
            Refusal::new(Some("DATATYPE_NOT_MATCHED"), message)
        })
    };
    // Documented: both are sent, and -1 is the default of both. Inferred: one region only.
    number("regionID")?;
    let customer = number("selCustomerID")?;
    if customer != -1 && !CUSTOMERS.iter().any(|other| other.id == customer) {
        return Err(Refusal::new(
            None,
            format!("There is no customer '{customer}'."),
        ));
    }
    Ok((customer != -1).then_some(customer))
}

/// What an operation must not see.
#[derive(Default)]
struct Hidden {
    devices: Vec<Device>,
    alarms: Vec<Alarm>,
    events: Vec<Event>,
    /// Groups and views without a member that is seen.
    groups: Vec<Group>,
    views: Vec<BusinessView>,
    /// Members of the groups and views that are left, by their place.
    of_groups: Vec<Vec<String>>,
    of_views: Vec<Vec<String>>,
}

/// Runs an operation on the devices of one customer, with their alarms and events, and the groups and views that have
/// any of them.
pub(crate) fn within<T>(
    state: &mut State,
    customer: Option<i64>,
    run: impl FnOnce(&mut State) -> T,
) -> T {
    let Some(customer) = customer else {
        return run(state);
    };
    let mut hidden = Hidden::default();
    let all = std::mem::take(&mut state.devices).into_iter();
    (state.devices, hidden.devices) = all.partition(|device| customer_of(device).id == customer);
    let names: Vec<String> = hidden
        .devices
        .iter()
        .map(|device| device.name.clone())
        .collect();
    let interfaces = hidden.devices.iter().flat_map(|device| &device.interfaces);
    let interfaces: Vec<String> = interfaces.map(|interface| interface.name.clone()).collect();
    let all = std::mem::take(&mut state.alarms).into_iter();
    (hidden.alarms, state.alarms) = all.partition(|alarm| names.contains(&alarm.device));
    let all = std::mem::take(&mut state.events).into_iter();
    (hidden.events, state.events) = all.partition(|event| names.contains(&event.device));
    let is_hidden = |name: &String| names.contains(name) || interfaces.contains(name);
    let hide = |members: &mut Vec<String>| {
        let (out, kept) = std::mem::take(members).into_iter().partition(is_hidden);
        *members = kept;
        out
    };
    let groups = std::mem::take(&mut state.groups).into_iter();
    (hidden.groups, state.groups) = groups.partition(|group| group.members.iter().all(is_hidden));
    let views = std::mem::take(&mut state.views).into_iter();
    (hidden.views, state.views) = views.partition(|view| view.members.iter().all(is_hidden));
    let groups = state.groups.iter_mut().map(|group| &mut group.members);
    hidden.of_groups = groups.map(hide).collect();
    let views = state.views.iter_mut().map(|view| &mut view.members);
    hidden.of_views = views.map(hide).collect();
    let outcome = run(state);
    state.devices.append(&mut hidden.devices);
    state.devices.sort_by_key(|device| device.moid);
    state.alarms.append(&mut hidden.alarms);
    state.alarms.sort_by_key(|alarm| alarm.id);
    state.events.append(&mut hidden.events);
    state.events.sort_by_key(|event| event.id);
    for (group, members) in state.groups.iter_mut().zip(hidden.of_groups) {
        group.members.extend(members);
    }
    for (view, members) in state.views.iter_mut().zip(hidden.of_views) {
        view.members.extend(members);
    }
    state.groups.append(&mut hidden.groups);
    state.groups.sort_by_key(|group| group.id);
    state.views.append(&mut hidden.views);
    outcome
}

/// The members by which rows name their device.
const NAMES: [&str; 4] = ["deviceName", "name", "moname", "source"];

/// Adds `probeName` to each row that names a device or an interface of a probe. Third party: on lists of a Central.
pub(super) fn add_probe_names(answer: &mut Value) {
    match answer {
        Value::Array(rows) => rows.iter_mut().for_each(add_probe_names),
        Value::Object(fields) => {
            let of = |name: &str| {
                CUSTOMERS
                    .iter()
                    .find(|customer| name.contains(&format!(".{}", customer.probe_id)))
            };
            let names = NAMES.iter().filter_map(|name| fields.get(*name)?.as_str());
            let probe = names.filter_map(of).next().map(|customer| customer.probe);
            fields.values_mut().for_each(add_probe_names);
            if let Some(probe) = probe {
                fields.insert("probeName".to_owned(), probe.into());
            }
        }
        _ => {}
    }
}
