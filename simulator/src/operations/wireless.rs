//! Wireless controllers: networks, access points and clients.
//!
//! Owns the answers of the Wireless tag. No write changes them.

use serde_json::json;

use super::{Answer, Handlers, ok, severity_name, text};
use crate::{
    checks::{Arguments, Refusal},
    state::{AccessPoint, State, no_such},
};

pub(super) const HANDLERS: Handlers = &[
    (
        "getWirelessNetworkDetails",
        networks,
        &[("deviceName", "wlc-01")],
    ),
    (
        "getWirelessAPList",
        access_points,
        &[("deviceName", "wlc-01")],
    ),
    (
        "getSSIDClientList",
        ssid_clients,
        &[("deviceName", "wlc-01")],
    ),
    (
        "getClientDetails",
        client_details,
        &[("deviceName", "wlc-01"), ("ssidName", "corp-staff")],
    ),
];

const SSIDS: [&str; 2] = ["corp-staff", "corp-guest"];

/// The access points of the controller that is asked for.
fn points<'a>(state: &'a State, arguments: &Arguments) -> Result<Vec<&'a AccessPoint>, Refusal> {
    let device = state.device(arguments.need("deviceName")?)?;
    // Inferred: what is said of a device that is no controller.
    if device.category != "WirelessLANController" {
        return Err(no_such("wireless controller", &device.name));
    }
    let points = state.access_points.iter();
    Ok(points
        .filter(|point| point.controller == device.name)
        .collect())
}

fn clients(points: &[&AccessPoint], ssid: usize) -> i64 {
    points.iter().map(|point| point.clients[ssid]).sum()
}

fn managed_name(ip: &str) -> String {
    format!("ap-{ip}")
}

fn networks(state: &mut State, arguments: &Arguments) -> Answer {
    let points = points(state, arguments)?;
    let network = |(&name, ssid): (&&str, usize)| {
        let clients = clients(&points, ssid);
        json!({
            "ClientCount": text(clients), "TotalBytes": format!("{}.25 MBps", clients * 3),
            "SSIDName": name, "APCount": text(points.len()),
        })
    };
    ok(SSIDS
        .iter()
        .zip(0..)
        .map(network)
        .collect::<Vec<_>>()
        .into())
}

fn access_points(state: &mut State, arguments: &Arguments) -> Answer {
    let points = points(state, arguments)?;
    let row = |point: &&AccessPoint| {
        let ip = &point.ip;
        json!({
            "macAddress": format!("0:0:5e:0:53:{}", &ip[ip.len() - 2..]), "channels": point.channels,
            "statusStr": severity_name(point.severity), "ipAddress": ip, "apDisplayName": point.name,
            "advanceMonitoringEnabled": "true", "apName": managed_name(ip), "statusNum": text(point.severity),
        })
    };
    ok(points.iter().map(row).collect::<Vec<_>>().into())
}

fn ssid_clients(state: &mut State, arguments: &Arguments) -> Answer {
    let points = points(state, arguments)?;
    let count = |(&name, ssid): (&&str, usize)| json!({ "displayName": name, "ClientCount": text(clients(&points, ssid)) });
    ok(json!({
        "clientData": SSIDS.iter().zip(0..).map(count).collect::<Vec<_>>(),
        "clientCount": clients(&points, 0) + clients(&points, 1),
    }))
}

fn client_details(state: &mut State, arguments: &Arguments) -> Answer {
    let points = points(state, arguments)?;
    let name = arguments.need("ssidName")?;
    let ssid = SSIDS
        .iter()
        .position(|other| *other == name)
        .ok_or_else(|| no_such("SSID", name))?;
    let row = |point: &&AccessPoint| {
        let clients = point.clients[ssid];
        json!({
            "ClientCount": text(clients), "TotalBytes": format!("{}.25 MBps", clients * 3),
            "APMOName": managed_name(&point.ip), "advanceMonitoringEnabled": "false", "apName": point.name,
        })
    };
    ok(points.iter().map(row).collect::<Vec<_>>().into())
}
