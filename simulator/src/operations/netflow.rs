//! Flow traffic: the devices that export it, and who and what fills a link.
//!
//! Owns the answers of the NetFlow tag. Inferred: the fields of all rows that the document leaves open.

use serde_json::{Value, json};

use super::{Answer, Handlers, ok};
use crate::{
    checks::Arguments,
    state::{Device, State, no_such},
};

pub(super) const HANDLERS: Handlers = &[
    (
        "consReport",
        report,
        &[
            ("DeviceID", "304"),
            ("Type", "speed"),
            ("reportType", "all"),
            ("TimeFrame", "hourly"),
        ],
    ),
    (
        "getConvData",
        conversations,
        &[
            ("DeviceID", "304"),
            ("Data", "IN"),
            ("TimeFrame", "hourly"),
            ("Count", "10"),
        ],
    ),
    (
        "getDeviceReport",
        applications,
        &[
            ("RouterIP", "192.0.2.254"),
            ("TimeFrame", "hourly"),
            ("ReportType", "topApp"),
        ],
    ),
    ("listIPGroup", groups, &[]),
    ("listDevForMultiSel", devices, &[]),
    ("getNFAGroupNames", group_names, &[]),
];

/// Routers export flows.
fn exporters(state: &State) -> impl Iterator<Item = &Device> {
    let routers = state.devices.iter();
    routers.filter(|device| device.category == "Router")
}

fn exporter<'a>(
    state: &'a State,
    arguments: &Arguments,
) -> Result<&'a Device, crate::checks::Refusal> {
    let id = arguments.need("DeviceID")?;
    exporters(state)
        .find(|device| device.moid.to_string() == id)
        .ok_or_else(|| no_such("flow device", id))
}

fn report(state: &mut State, arguments: &Arguments) -> Answer {
    exporter(state, arguments)?;
    let row = |direction: &str, level: i64| {
        json!({
            "traffic": direction, "min": level / 4, "max": level * 3, "avg": level, "std": level / 3,
            "total": level * 3600, "95th": level * 2,
        })
    };
    ok(json!({
        "trafficdata": [row("IN", 41_000_000), row("OUT", 12_000_000)],
        "applicationin": [
            ["https", "9.1 GB", "62", "62%"],
            ["smb", "3.4 GB", "23", "23%"],
            ["dns", "0.2 GB", "1", "1%"],
        ],
    }))
}

fn conversations(state: &mut State, arguments: &Arguments) -> Answer {
    exporter(state, arguments)?;
    let rows: Vec<Value> = [
        ("192.0.2.41", "203.0.113.80", "https", 5_200_000_000_i64),
        ("192.0.2.22", "198.51.100.77", "smb", 3_100_000_000),
        ("192.0.2.31", "203.0.113.9", "https", 900_000_000),
    ]
    .into_iter()
    .map(|(source, destination, application, octets)| {
        json!({ "srcIP": source, "dstIP": destination, "app": application, "octets": octets })
    })
    .collect();
    let most = arguments.integer("Count").unwrap_or(i64::MAX).max(0) as usize;
    ok(rows.into_iter().take(most).collect())
}

fn applications(state: &mut State, arguments: &Arguments) -> Answer {
    let ip = arguments.need("RouterIP")?;
    if !exporters(state).any(|device| device.ip == ip) {
        return Err(no_such("flow device", ip));
    }
    ok(json!([
        { "application": "https", "traffic": "9.1 GB", "percent": 62 },
        { "application": "smb", "traffic": "3.4 GB", "percent": 23 },
    ]))
}

fn groups(_: &mut State, _: &Arguments) -> Answer {
    ok(json!({ "IPGroup_List": [{ "name": "Branch Office", "network": "198.51.100.0/24" }] }))
}

fn group_names(_: &mut State, _: &Arguments) -> Answer {
    ok(json!([{ "name": "Branch Office" }]))
}

fn devices(state: &mut State, _: &Arguments) -> Answer {
    let rows = exporters(state).map(|device| {
        let interfaces = device.interfaces.iter();
        let interfaces = interfaces.map(|interface| json!({ "id": interface.moid, "name": interface.short_name }));
        json!({ "rName": device.name, "rIP": device.ip, "interface": interfaces.collect::<Vec<_>>() })
    });
    ok(rows.collect())
}
