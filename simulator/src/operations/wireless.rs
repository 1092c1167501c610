//! Wireless controllers: networks, access points and clients.
//!
//! Owns the answers of the Wireless tag. No write changes them.

use serde_json::json;

use super::{Answer, Handlers, ok, severity_name, text};
use crate::{
    checks::{Arguments, Refusal},
    state::{ATTENTION, CLEAR, State, no_such},
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

/// Access point, address, status, channels, clients on each SSID.
const ACCESS_POINTS: [(&str, &str, i64, &str, [i64; 2]); 3] = [
    ("ap-north-01", "198.51.100.101", CLEAR, "1,36", [14, 3]),
    ("ap-north-02", "198.51.100.102", CLEAR, "6,44", [9, 5]),
    ("ap-south-02", "198.51.100.112", ATTENTION, "11,52", [0, 0]),
];

const SSIDS: [&str; 2] = ["corp-staff", "corp-guest"];

fn check_controller(state: &State, arguments: &Arguments) -> Result<(), Refusal> {
    let device = state.device(arguments.need("deviceName")?)?;
    // Inferred: what is said of a device that is no controller.
    if device.category == "WirelessLANController" {
        Ok(())
    } else {
        Err(no_such("wireless controller", &device.name))
    }
}

fn clients(ssid: usize) -> i64 {
    ACCESS_POINTS
        .iter()
        .map(|(.., clients)| clients[ssid])
        .sum()
}

fn managed_name(ip: &str) -> String {
    format!("ap-{ip}")
}

fn networks(state: &mut State, arguments: &Arguments) -> Answer {
    check_controller(state, arguments)?;
    let network = |(&name, ssid): (&&str, usize)| {
        json!({
            "ClientCount": text(clients(ssid)), "TotalBytes": format!("{}.25 MBps", clients(ssid) * 3),
            "SSIDName": name, "APCount": text(ACCESS_POINTS.len()),
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
    check_controller(state, arguments)?;
    let row = |&(name, ip, severity, channels, _): &(&str, &str, i64, &str, _)| {
        json!({
            "macAddress": format!("0:0:5e:0:53:{}", &ip[ip.len() - 2..]), "channels": channels,
            "statusStr": severity_name(severity), "ipAddress": ip, "apDisplayName": name,
            "advanceMonitoringEnabled": "true", "apName": managed_name(ip), "statusNum": text(severity),
        })
    };
    ok(ACCESS_POINTS.iter().map(row).collect::<Vec<_>>().into())
}

fn ssid_clients(state: &mut State, arguments: &Arguments) -> Answer {
    check_controller(state, arguments)?;
    let count = |(&name, ssid): (&&str, usize)| json!({ "displayName": name, "ClientCount": text(clients(ssid)) });
    ok(json!({
        "clientData": SSIDS.iter().zip(0..).map(count).collect::<Vec<_>>(),
        "clientCount": clients(0) + clients(1),
    }))
}

fn client_details(state: &mut State, arguments: &Arguments) -> Answer {
    check_controller(state, arguments)?;
    let name = arguments.need("ssidName")?;
    let ssid = SSIDS
        .iter()
        .position(|other| *other == name)
        .ok_or_else(|| no_such("SSID", name))?;
    let row = |&(name, ip, _, _, clients): &(&str, &str, i64, &str, [i64; 2])| {
        json!({
            "ClientCount": text(clients[ssid]), "TotalBytes": format!("{}.25 MBps", clients[ssid] * 3),
            "APMOName": managed_name(ip), "advanceMonitoringEnabled": "false", "apName": name,
        })
    };
    ok(ACCESS_POINTS.iter().map(row).collect::<Vec<_>>().into())
}
