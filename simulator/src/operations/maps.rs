//! Maps and dashboards beyond the vendor's page.
//!
//! Owns the answers of further operations of the Business Views and Dashboard tags.

use serde_json::json;

use super::{Answer, Handlers, message, ok, onboarding::exists, text};
use crate::{
    checks::{Arguments, Refusal},
    state::{BusinessView, State, no_such},
};

pub(super) const HANDLERS: Handlers = &[
    ("getDashboardList", dashboards, &[]),
    ("getBVDetails", map, &[("bvName", "Branch Office_bv")]),
    ("addBusinessView", add_view, &[("bvName", "Warehouse")]),
    (
        "addDeviceToBV",
        add_devices,
        &[("bvName", "Branch Office"), ("deviceName", "rtr-01")],
    ),
];

/// Inferred: the fields of a row, as the document leaves them open.
fn dashboards(_: &mut State, _: &Arguments) -> Answer {
    ok(json!([{ "dashboardID": "31", "dashName": "Network Overview" }]))
}

/// Where the view of that name stands, with or without `_bv`.
fn position(state: &State, name: &str) -> Result<usize, Refusal> {
    let plain = name.strip_suffix("_bv").unwrap_or(name);
    state
        .views
        .iter()
        .position(|view| view.display_name == plain)
        .ok_or_else(|| no_such("business view", name))
}

fn map(state: &mut State, arguments: &Arguments) -> Answer {
    let view = &state.views[position(state, arguments.need("bvName")?)?];
    let members: Vec<_> = view
        .members
        .iter()
        .filter_map(|name| state.device(name).ok())
        .collect();
    let nodes = members.iter().zip(0..).map(|(device, place)| {
        json!({
            "objName": device.name, "name": device.name, "label": device.display_name, "type": device.kind,
            "x": text(100 + 120 * place), "y": text(80), "status": text(state.severity(device)),
            "ipAddress": device.ip,
        })
    });
    let links = members.iter().flat_map(|device| {
        let joined = |interface: &crate::state::Interface| {
            if let Some(link) = view.links.iter().find(|link| link.interface == interface.name) {
                return Some(link.dest.clone());
            }
            let far = interface.alias.strip_prefix("to ")?.to_owned();
            members.iter().any(|member| member.name == far).then_some(far)
        };
        device.interfaces.iter().filter_map(move |interface| {
            let far = joined(interface)?;
            let (received, sent) = interface.utilization();
            let rate = |percent: i64| format!("{} Mbps", interface.bits_per_second * percent / 100_000_000);
            let status = if interface.up { "Up" } else { "Down" };
            Some(json!({
                "name": format!("{}~{far}~{}#1", device.name, interface.moid), "source": device.name, "dest": far,
                "objName": interface.name, "ifName": interface.short_name, "desc": interface.alias,
                "intfDisplayName": interface.display_name(), "linkType": interface.kind,
                "InTraffic": rate(received), "OutTraffic": rate(sent), "InUtil": text(received), "OutUtil": text(sent),
                "ifspeed": format!("{} Mbps", interface.bits_per_second / 1_000_000), "AdminStatus": "Up",
                "OperStatus": status, "status": text(interface.severity()), "managed": interface.managed,
                "showTraffic": "yes", "parentDispName": device.display_name, "parentName": device.name,
            }))
        })
    });
    ok(json!({
        "deviceProperties": nodes.collect::<Vec<_>>(), "linkProperties": links.collect::<Vec<_>>(),
        "mapProperties": { "name": format!("{}_bv", view.display_name), "label": view.display_name },
    }))
}

fn add_view(state: &mut State, arguments: &Arguments) -> Answer {
    let name = arguments.need("bvName")?;
    if position(state, name).is_ok() {
        return exists(5156, "business view", name);
    }
    state.views.push(BusinessView {
        display_name: name.to_owned(),
        ..BusinessView::default()
    });
    message("Business view has been added.")
}

fn add_devices(state: &mut State, arguments: &Arguments) -> Answer {
    let view = position(state, arguments.need("bvName")?)?;
    let names = arguments.list("deviceName");
    for name in &names {
        state.device(name)?;
        if state.views[view]
            .members
            .iter()
            .any(|member| member == name)
        {
            return exists(5132, "device", name);
        }
    }
    state.views[view]
        .members
        .extend(names.into_iter().map(str::to_owned));
    message("Devices have been added to the business view.")
}
