//! Address management: subnets and free addresses.
//!
//! Owns the answers of the IPAM tag. Inferred: the fields of a subnet, as the document leaves them open.

use serde_json::{Value, json};

use super::{Answer, Handlers, ok, page};
use crate::{
    checks::Arguments,
    state::{State, no_such},
};

pub(super) const HANDLERS: Handlers = &[
    (
        "getAllSubnetSummary",
        subnets,
        &[("page", "1"), ("rows", "50")],
    ),
    (
        "getUnUsedIP",
        free,
        &[("subnetAddress", "192.0.2.0"), ("status", "3")],
    ),
];

/// The networks that addresses of the simulated devices are in, without their last number.
const NETWORKS: [&str; 2] = ["192.0.2", "198.51.100"];

fn used<'a>(state: &'a State, network: &'a str) -> impl Iterator<Item = i64> + 'a {
    let addresses = state.devices.iter().map(|device| device.ip.as_str());
    addresses.filter_map(move |ip| ip.strip_prefix(network)?.strip_prefix('.')?.parse().ok())
}

fn subnets(state: &mut State, arguments: &Arguments) -> Answer {
    let rows: Vec<Value> = NETWORKS
        .iter()
        .map(|network| {
            let used = used(state, network).count();
            json!({
                "subnet-address": format!("{network}.0"), "subnet-mask": "255.255.255.0", "used": used,
                "available": 254 - used,
            })
        })
        .collect();
    let page = page(rows, arguments);
    ok(json!({ "total": page.total, "rows": page.rows }))
}

fn free(state: &mut State, arguments: &Arguments) -> Answer {
    let subnet = arguments.need("subnetAddress")?;
    let network = NETWORKS
        .into_iter()
        .find(|network| format!("{network}.0") == subnet)
        .ok_or_else(|| no_such("subnet", subnet))?;
    let used: Vec<i64> = used(state, network).collect();
    let rows = (1..255).filter(|last| !used.contains(last)).map(|last| {
        json!({ "ip-address": format!("{network}.{last}"), "reserved-status": "Not Reserved" })
    });
    ok(json!({ "rows": rows.collect::<Vec<_>>() }))
}
