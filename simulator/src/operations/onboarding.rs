//! Taking devices in and out beyond the vendor's page: pages of devices, catalogues, and changes of what is monitored.
//!
//! Owns the answers of operations that scripts for older builds and newer pages have, of the Devices, Discovery,
//! Monitoring, Events and Settings tags.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::{Answer, Handlers, Reply, message, ok, page, severity_name, text};
use crate::{
    checks::Arguments,
    state::{State, catalogue::MONITORS},
};

pub(super) const HANDLERS: Handlers = &[
    ("listDevicesV2", devices, &[("page", "1"), ("rows", "50")]),
    ("getVendorList", vendors, &[]),
    ("listDeviceTemplates", templates, &[]),
    ("listCredentials", credentials, &[]),
    (
        "UpdateDeviceDetails",
        update,
        &[
            ("name", "desk-07"),
            ("ipAddress", "198.51.100.77"),
            ("displayName", "Front desk"),
            ("type", "Windows Client"),
            ("vendor", "Unknown"),
        ],
    ),
    ("deleteDevice", delete, &[("deviceName", "198.51.100.40")]),
    (
        "discoverInterface",
        discover,
        &[
            ("devicesList", "core-sw-01"),
            ("intftypes", "$SelectAll$"),
            ("adminStates", "$SelectAll$"),
            ("operStates", "$SelectAll$"),
        ],
    ),
    (
        "ConfigureMonitoringInterval",
        interval,
        &[
            ("name", "core-sw-01"),
            ("interval", "5"),
            ("pollenabled", "on"),
        ],
    ),
    ("listPerformanceMonitors", monitors, &[]),
    (
        "addServiceMonitor",
        service,
        &[
            ("serviceName", "Ledger"),
            ("portNumber", "8119"),
            ("timeOut", "5"),
            ("failureThreshold", "1"),
            ("autoDiscovery", "false"),
        ],
    ),
    ("listTrapProcessors", traps, &[]),
];

fn devices(state: &mut State, arguments: &Arguments) -> Answer {
    let same = |name: &str, value: &str| arguments.get(name).is_none_or(|wanted| wanted == value);
    let rows = state.devices.iter().filter_map(|device| {
        let severity = state.severity(device);
        let wanted = same("category", &device.category)
            && same("type", &device.kind)
            && same("vendorName", &device.vendor)
            && same("deviceName", &device.name)
            && arguments
                .integer("severity")
                .is_none_or(|wanted| wanted == severity);
        wanted.then(|| {
            json!({
                "deviceName": device.name, "displayName": device.display_name, "moid": text(device.moid),
                "ipaddress": device.ip, "type": device.kind, "category": device.category,
                "vendorName": device.vendor, "statusNum": text(severity), "statusStr": severity_name(severity),
                "interfaceCount": device.interfaces.len(), "isSuppressed": device.is_muted(state.now),
            })
        })
    });
    let page = page(rows.collect(), arguments);
    // Captured: 0 beside rows.
    ok(json!({ "total": 0, "page": page.number, "records": page.rows.len(), "rows": page.rows }))
}

fn vendors(state: &mut State, _: &Arguments) -> Answer {
    let vendors: BTreeSet<&str> = state
        .devices
        .iter()
        .map(|device| device.vendor.as_str())
        .collect();
    ok(json!(vendors))
}

/// Inferred: the fields of a row, as the document leaves them open.
fn templates(state: &mut State, _: &Arguments) -> Answer {
    let templates: BTreeSet<(&str, &str, &str)> = state
        .devices
        .iter()
        .map(|device| {
            (
                device.kind.as_str(),
                device.category.as_str(),
                device.vendor.as_str(),
            )
        })
        .collect();
    let rows = templates.into_iter().map(
        |(kind, category, vendor)| json!({ "type": kind, "category": category, "vendor": vendor }),
    );
    ok(rows.collect())
}

/// Third party: an object, type of credential -> array of credentials. Inferred: all fields but the name.
fn credentials(_: &mut State, _: &Arguments) -> Answer {
    ok(json!({
        "SNMP v1/v2": [
            { "credentialName": "Read community", "credentialID": "1", "readCommunity": "not-to-be-seen-1" },
            { "credentialName": "Printers", "credentialID": "2", "readCommunity": "not-to-be-seen-2" },
        ],
        "SSH": [{
            "credentialName": "Linux servers", "credentialID": "3", "userName": "not-to-be-seen-3",
            "details": { "password": "not-to-be-seen-4", "prompt": "$" },
        }],
        "VMware": [],
    }))
}

fn update(state: &mut State, arguments: &Arguments) -> Answer {
    let device = state.device_mut(arguments.need("name")?)?;
    device.ip = arguments.need("ipAddress")?.to_owned();
    device.display_name = arguments.need("displayName")?.to_owned();
    device.kind = arguments.need("type")?.to_owned();
    device.vendor = arguments.need("vendor")?.to_owned();
    if let Some(category) = arguments.get("category") {
        device.category = category.to_owned();
    }
    message("Device details have been updated.")
}

fn delete(state: &mut State, arguments: &Arguments) -> Answer {
    let name = arguments.need("deviceName")?;
    let interfaces: Vec<String> = state
        .device(name)?
        .interfaces
        .iter()
        .map(|interface| interface.name.clone())
        .collect();
    let stays = |member: &String| member != name && !interfaces.contains(member);
    state.devices.retain(|device| device.name != name);
    state.alarms.retain(|alarm| alarm.device != name);
    state.events.retain(|event| event.device != name);
    for group in &mut state.groups {
        group.members.retain(stays);
    }
    for view in &mut state.views {
        view.members.retain(stays);
    }
    for profile in &mut state.profiles {
        profile.devices.remove(name);
    }
    state.extras.intervals.remove(name);
    message("Device has been deleted.")
}

fn discover(state: &mut State, arguments: &Arguments) -> Answer {
    for name in arguments.list("devicesList") {
        state.device(name)?;
    }
    message("Interface discovery has been started.")
}

fn interval(state: &mut State, arguments: &Arguments) -> Answer {
    let name = arguments.need("name")?.to_owned();
    state.device(&name)?;
    let minutes = arguments.integer("interval").unwrap_or_default();
    state.extras.intervals.insert(name, minutes);
    message("Monitoring interval has been configured.")
}

/// Inferred: the fields of a row, as the document leaves them open.
fn monitors(_: &mut State, _: &Arguments) -> Answer {
    let rows = MONITORS.iter().map(|kind| {
        json!({ "policyName": kind.name, "displayName": kind.display_name, "protocol": kind.protocol })
    });
    ok(rows.collect())
}

fn service(state: &mut State, arguments: &Arguments) -> Answer {
    let name = arguments.need("serviceName")?;
    if state.extras.services.iter().any(|service| service == name) {
        return exists(5100, "service", name);
    }
    state.extras.services.push(name.to_owned());
    message("Service has been added.")
}

/// Inferred: the fields of a row, as the document leaves them open.
fn traps(_: &mut State, _: &Arguments) -> Answer {
    ok(json!([
        { "name": "linkDown", "oid": ".1.3.6.1.6.3.1.1.5.3", "severity": "Trouble" },
        { "name": "linkUp", "oid": ".1.3.6.1.6.3.1.1.5.4", "severity": "Clear" },
    ]))
}

/// What is there already is refused with a number in place of a word.
pub(super) fn exists(code: i64, what: &str, name: &str) -> Answer {
    let refusal: Value = json!({ "error": { "code": code, "message": format!("The {what} '{name}' exists already.") } });
    Ok(Reply::Json(refusal))
}
