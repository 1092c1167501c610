//! Interfaces: lists, one interface in detail, its graphs and reports.
//!
//! Owns the answers of the Interfaces tag.

use serde_json::{Map, Value, json};

use super::{Answer, Handlers, not_allowed, ok, page, severity_name, text};
use crate::{
    checks::{Arguments, Refusal},
    clock,
    state::{CRITICAL, Device, Interface, State, series},
};

pub(super) const HANDLERS: Handlers = &[
    (
        "listInterfaces",
        list_interfaces,
        &[("page", "1"), ("rows", "50")],
    ),
    (
        "getInterfaceSummary",
        summary,
        &[("interfaceName", "IF-core-sw-02-1006")],
    ),
    (
        "getIntfAtAGlanceReportDetails",
        at_a_glance,
        &[("InterfaceName", "IF-rtr-01-1010"), ("period", "Today")],
    ),
    (
        "getIntfBWOutageReportDetails",
        bandwidth_and_outage,
        &[("interfaceName", "IF-rtr-01-1010"), ("period", "Today")],
    ),
    (
        "getInterfaces",
        interfaces_of_device,
        &[("name", "core-sw-02")],
    ),
    (
        "getInterfaceNotes",
        notes,
        &[("interfaceName", "IF-rtr-01-1010")],
    ),
    (
        "getInterfaceGraphs",
        graphs,
        &[
            ("interfaceName", "IF-rtr-01-1010"),
            ("graphName", "traffic"),
            ("period", "Today"),
        ],
    ),
];

/// `10 Gbps`, `100 Mbps`
fn speed(bits: i64) -> String {
    match bits {
        1_000_000_000.. => format!("{} Gbps", bits / 1_000_000_000),
        1_000_000.. => format!("{} Mbps", bits / 1_000_000),
        _ => format!("{bits} bps"),
    }
}

fn up_or_down(up: bool) -> &'static str {
    if up { "Up" } else { "Down" }
}

fn physical_address(interface: &Interface) -> String {
    format!("00:00:5e:00:53:{:02x}", interface.moid % 256)
}

/// The number that IANA gives to a type of interface.
fn type_number(kind: &str) -> i64 {
    match kind {
        "Software Loopback" => 24,
        "ppp" => 23,
        "l2vlan" => 135,
        _ => 6,
    }
}

/// A rule of `filters`.
struct Condition {
    field: String,
    exact: bool,
    data: String,
}

impl Condition {
    fn holds(&self, row: &Value) -> bool {
        let value = match &row[&self.field] {
            Value::String(text) => text.to_lowercase(),
            other => other.to_string(),
        };
        let data = self.data.to_lowercase();
        if self.exact {
            value == data
        } else {
            value.contains(&data)
        }
    }
}

/// The rules of `filters`. The columns are those of the rows, and the parent device's key is none of them.
fn conditions(arguments: &Arguments) -> Result<Vec<Condition>, Refusal> {
    let Some(text) = arguments.get("filters") else {
        return Ok(Vec::new());
    };
    let filters: Value = serde_json::from_str(text).map_err(|_| not_allowed("filters"))?;
    let rules = filters["rules"].as_array().into_iter().flatten();
    rules
        .map(|rule| {
            let text = |name: &str| rule[name].as_str().unwrap_or_default().to_owned();
            let (field, op) = (text("field"), text("op"));
            if field.is_empty() || field == "deviceName" || !["cn", "eq"].contains(&op.as_str()) {
                return Err(not_allowed("filters"));
            }
            Ok(Condition {
                field,
                exact: op == "eq",
                data: text("data"),
            })
        })
        .collect()
}

fn list_interfaces(state: &mut State, arguments: &Arguments) -> Answer {
    let (extra, mut rows) = (arguments.list("intfProps"), Vec::new());
    // Several codes may stand in one text.
    let severities = arguments.list("severity");
    let conditions = conditions(arguments)?;
    for device in &state.devices {
        for interface in &device.interfaces {
            let severity = interface.severity();
            let wanted = (severities.is_empty()
                || severities.contains(&severity.to_string().as_str()))
                && arguments
                    .get("type")
                    .is_none_or(|wanted| wanted == interface.kind);
            if wanted {
                let mut row = json!({
                    "interfaceDisplayName": interface.display_name(), "statusStr": severity_name(severity),
                    "displayName": device.display_name,
                    "ipAddress": if interface.kind == "Software Loopback" { &device.ip } else { "" },
                    "outSpeed": speed(interface.bits_per_second), "inSpeed": speed(interface.bits_per_second),
                    "type": interface.kind, "deviceName": device.name, "interfaceStatus": severity,
                    "statusNum": severity, "adminStatus": "Up", "operStatus": up_or_down(interface.up),
                    "interfaceName": interface.name,
                });
                // Inferred: that the extra fields have the names by which they are asked for.
                for (field, value) in [
                    ("ifName", interface.short_name.clone()),
                    ("moid", text(interface.moid)),
                    ("physAddress", physical_address(interface)),
                ] {
                    if extra.contains(&field) {
                        row[field] = value.into();
                    }
                }
                if conditions.iter().all(|condition| condition.holds(&row)) {
                    rows.push(row);
                }
            }
        }
    }
    let mut page = page(rows, arguments);
    for (row, number) in page.rows.iter_mut().zip(1..) {
        row["id"] = text(number).into();
    }
    ok(json!({
        "total": text(page.total), "records": text(page.records), "page": text(page.number), "rows": page.rows,
    }))
}

/// `32.5 M (3.25%)`
fn traffic(interface: &Interface, per_cent: i64) -> String {
    format!(
        "{} M ({per_cent}.0%)",
        interface.bits_per_second / 100_000_000 * per_cent
    )
}

pub(super) fn row_of_device(interface: &Interface) -> Value {
    let (severity, (received, sent)) = (interface.severity(), interface.utilization());
    let name = interface.display_name();
    let trimmed = if name.len() > 24 {
        format!("{}...", name.chars().take(22).collect::<String>())
    } else {
        name.clone()
    };
    json!({
        "ifIndex": text(interface.index), "ifAdminStatus": "1", "ifIndexNum": interface.index,
        "statusStr": severity_name(severity), "ifType": interface.kind, "displayName": name,
        "imagePath": format!("/apiclient/ember/images/intfTypes/ifType{}.gif", type_number(interface.kind)),
        "RouterPortType": "", "trimmedDispName": trimmed,
        "outSpeed": speed(interface.bits_per_second).replace("bps", ""),
        "inSpeed": speed(interface.bits_per_second).replace("bps", ""), "type": "Interface",
        "moid": text(interface.moid), "outTraffic": traffic(interface, sent), "nfEnabled": "false",
        "statusNum": text(severity), "bgColor": if severity == CRITICAL { "ff0000" } else { "00ff00" },
        "inTraffic": traffic(interface, received), "isSubInterface": text(interface.kind == "l2vlan"),
        "statusString": severity_name(severity), "name": interface.name,
        "ifOperStatus": if interface.up { "1" } else { "2" }, "errors": "0", "status": text(severity),
    })
}

fn interfaces_of_device(state: &mut State, arguments: &Arguments) -> Answer {
    let interfaces = &state.device(arguments.need("name")?)?.interfaces;
    let down = interfaces
        .iter()
        .filter(|interface| interface.severity() == CRITICAL)
        .count();
    ok(json!({
        "downCount": text(down),
        "interfaces": interfaces.iter().map(row_of_device).collect::<Vec<_>>(),
        "interfaceCount": text(interfaces.len()),
    }))
}

/// The share of today in each state; what is down now has been so for a tenth of the day.
fn availability(interface: &Interface) -> Value {
    let down = if interface.up { 0.0 } else { 10.5 };
    json!({
        "Down": down, "Dependent Unavailable": 0, "On Hold": 0, "Not Monitored": 0, "Parent Down": 0,
        "On Maintenance": 0, "Up": 100.0 - down,
    })
}

fn summary(state: &mut State, arguments: &Arguments) -> Answer {
    let (device, interface) = state.interface(arguments.need("interfaceName")?)?;
    let ((received, sent), now) = (interface.utilization(), state.now);
    let speed_text = speed(interface.bits_per_second);
    let packets = |per_cent: i64| text(interface.bits_per_second / 1_200_000 * per_cent);
    let number = type_number(interface.kind);
    let down = format!("DownTime,{},{now}", now - 95 * clock::MINUTE);
    let timeline: Vec<_> = if interface.up { Vec::new() } else { vec![down] };
    ok(json!({
        "NFA_ID": "", "recBandwidth": text(interface.bits_per_second), "IntfIpaddress": device.ip,
        "instance": text(interface.index), "displayName": device.display_name, "Util": text((received + sent) / 2),
        "availability": availability(interface), "avgOutPackets": packets(sent), "outTraffic": text(sent),
        "moID": text(interface.moid), "isIPAvailable": interface.kind == "Software Loopback",
        "inSpeedDisplayValue": speed_text, "intfDisplayName": interface.display_name(), "txUtil": format!("{sent}.0"),
        "typeIdDescr": format!("{} ({number})", interface.kind), "operStateImg": "",
        "isSubInterface": text(interface.kind == "l2vlan"), "managed": text(interface.managed),
        // The layout of the web client, cut short.
        "snapDetails": { "snapList": [], "snapshotName": "OPMInterface", "timeSelectionNeeded": true },
        "ifPhysAddr": physical_address(interface), "adminState": "Up",
        "transBandwidth": text(interface.bits_per_second), "statusPolledVia": device.protocol,
        "outSpeedDisplayValue": speed_text, "rstime": speed_text, "availabilityTimeLine": timeline,
        "rxPackets": packets(received), "ifAdminStatus": "1", "rxUtil": format!("{received}.0"),
        "ifSpeedIn": text(interface.bits_per_second), "isAddedToNFA": "false", "Discards": "0",
        "stringStatus": severity_name(interface.severity()), "txPackets": packets(sent), "Errors": "0",
        "ifSpeedOut": text(interface.bits_per_second), "inTraffic": text(received),
        "operState": up_or_down(interface.up), "intfmanaged": text(interface.managed), "name": device.name,
        "typeId": text(number), "ifOperStatus": if interface.up { "1" } else { "2" }, "category": device.category,
        "adminStateImg": "", "avgInPackets": packets(received), "status": text(interface.severity()),
        "desc": interface.short_name, "trafficCounter": "64 bit",
    }))
}

/// From when a report or a graph shows values.
fn from(state: &State, arguments: &Arguments) -> i64 {
    // The format of custom dates is not documented: what cannot be read shows the last day.
    let custom = arguments
        .get("startDate")
        .filter(|_| matches!(arguments.get("period"), Some("custom" | "23")));
    custom
        .and_then(clock::parse)
        .unwrap_or_else(|| state.period_start(arguments.get("period")))
}

fn points(state: &State, arguments: &Arguments, level: i64, name: &str) -> Value {
    let points = series(state.now, from(state, arguments), level);
    points
        .into_iter()
        .map(|(at, value)| json!([at, value, name]))
        .collect()
}

fn details(device: &Device, interface: &Interface) -> Map<String, Value> {
    let fields = [
        ("Parent Name", device.display_name.clone()),
        ("IfDescr", interface.short_name.clone()),
        ("IfAlias", interface.alias.clone()),
        ("IfIndex", text(interface.index)),
        ("IfName", interface.short_name.clone()),
        ("Circuit ID", circuit(interface)),
    ];
    fields
        .map(|(name, value)| (name.to_owned(), value.into()))
        .into_iter()
        .collect()
}

fn circuit(interface: &Interface) -> String {
    if interface.kind == "ppp" {
        format!("CKT-{}", interface.moid)
    } else {
        "-".to_owned()
    }
}

fn at_a_glance(state: &mut State, arguments: &Arguments) -> Answer {
    let (device, interface) = state.interface(arguments.need("InterfaceName")?)?;
    let (received, sent) = interface.utilization();
    let lines: [(&str, &[(&str, i64)]); 12] = [
        ("Errors", &[("inErrors", 0), ("outErrors", 0)]),
        ("Unicast", &[("broadcast", received), ("unicast", sent)]),
        ("outBytes", &[("outBytes", sent * 1000)]),
        ("inTraffic", &[("inTraffic", received)]),
        ("inBytes", &[("inBytes", received * 1000)]),
        ("inUtilization", &[("inUtilization", received)]),
        ("outUtilization", &[("outUtilization", sent)]),
        ("Discards", &[("inDiscards", 0), ("outDiscards", 0)]),
        (
            "totalUtilization",
            &[("totalUtilization", (received + sent) / 2)],
        ),
        ("inFrames", &[("inFrames", received * 10)]),
        ("outFrames", &[("outFrames", sent * 10)]),
        ("outTraffic", &[("outTraffic", sent)]),
    ];
    let graph = |(name, lines): (&str, &[(&str, i64)])| {
        let line = |&(name, level): &(&str, i64)| {
            json!({
                "seriesname": name, "data": points(state, arguments, level, name),
                "xyTitles": ["Time", name], "yaxiscolumnorder": [0], "suffix": "",
            })
        };
        (name.to_owned(), lines.iter().map(line).collect::<Value>())
    };
    let mut facts = details(device, interface);
    facts.insert(
        "Receive Bandwidth".into(),
        speed(interface.bits_per_second).into(),
    );
    facts.insert(
        "Transmit Bandwidth".into(),
        speed(interface.bits_per_second).into(),
    );
    ok(json!({
        "intfDisplayName": interface.display_name(),
        "InterfaceCategory": if interface.kind == "ppp" { "WAN" } else { "LAN" }, "Details": facts, "repType": 7,
        "graphData": lines.map(graph).into_iter().collect::<Map<_, _>>(),
    }))
}

/// Statistics of the series `name`, as text beside raw text.
fn consolidated(state: &State, name: &str, level: i64, show: impl Fn(i64) -> String) -> Value {
    json!({
        "95thpercentileValue": show(level + 5), "minCollectionTime": text(state.now - clock::DAY),
        "maxVal": show(level + 5), "currVal": show(level), "minVal": show((level - 1).max(0)), "seriesName": name,
        "95thpercRawVal": format!("{level}.0"), "avgVal": show(level + 2), "95thperc": show(level + 5),
        "maxCollectionTime": text(state.now - clock::HOUR), "95thpercVal": format!("{level}.0"),
    })
}

fn bandwidth_and_outage(state: &mut State, arguments: &Arguments) -> Answer {
    let (device, interface) = state.interface(arguments.need("interfaceName")?)?;
    let (received, sent) = interface.utilization();
    let lines = [
        ("OutTraffic", sent),
        ("InTraffic", received),
        ("Total", (received + sent) / 2),
    ];
    let show = |value| {
        format!(
            "{} M ( {value}.0 % )",
            interface.bits_per_second / 100_000_000 * value
        )
    };
    let chart = lines.map(|(name, level)| {
        let data = points(state, arguments, level, name);
        json!({ "seriesname": name, "isRaw": true, "data": data, "xyTitles": ["Time", "Traffic"] })
    });
    let values: Map<_, _> = lines
        .map(|(name, level)| (name.to_owned(), consolidated(state, name, level, show)))
        .into_iter()
        .collect();
    ok(json!({
        "InSpeed": speed(interface.bits_per_second), "IfDesc": interface.short_name, "repType": 9,
        "consolidatedValues": values, "seriesNames": lines.map(|(name, _)| name), "bwChartData": chart,
        "InterfaceDisplayName": interface.display_name(), "IfAlias": interface.alias, "suffix": "M",
        "availData": availability(interface), "deviceName": interface.name,
        "interfaceDetails": details(device, interface), "OutSpeed": speed(interface.bits_per_second),
        "name": device.display_name, "CircuitID": circuit(interface), "IfIndex": text(interface.index),
        "InterfaceName": interface.name, "IfName": interface.short_name,
    }))
}

fn graphs(state: &mut State, arguments: &Arguments) -> Answer {
    let (device, interface) = state.interface(arguments.need("interfaceName")?)?;
    let (received, sent) = interface.utilization();
    let graph = arguments.get("graphName").unwrap_or("traffic");
    let level = |value: i64| {
        if graph.to_lowercase().contains("err") || graph.contains("discard") {
            0
        } else {
            value
        }
    };
    let lines = [
        ("Rx", level(received)),
        ("Tx", level(sent)),
        ("Total", level(received + sent)),
    ];
    let name = |prefix: &str| format!("{prefix} {graph}");
    let data = lines.map(|(prefix, level)| {
        let points: Vec<_> = series(state.now, from(state, arguments), level)
            .into_iter()
            .map(|(at, value)| json!([at, value]))
            .collect();
        json!({ "seriesname": name(prefix), "data": points })
    });
    let values: Map<_, _> = lines
        .map(|(prefix, level)| {
            (
                name(prefix),
                consolidated(state, &name(prefix), level, |value| format!("{value}.0 M")),
            )
        })
        .into_iter()
        .collect();
    ok(json!({
        "interfaceDetails": details(device, interface), "displayName": name("Interface"),
        "consolidatedValues": values, "seriesNames": lines.map(|(prefix, _)| name(prefix)),
        "xyTitles": ["Time", graph], "graphData": data, "suffix": "M",
    }))
}

fn notes(state: &mut State, arguments: &Arguments) -> Answer {
    state.interface(arguments.need("interfaceName")?)?;
    let fields = [
        ("Circuit ID", "Number of the circuit at the provider", 250),
        ("Comments", "Remarks on the interface", 800),
    ];
    let note = |((name, description, length), number): (&(&str, &str, i64), usize)| {
        json!({
            "CUSTOMFIELDID": text(15 + number), "DATATYPE": "Text", "DESCRIPTION": description, "FIELDNAME": name,
            "ALIASNAME": format!("UDF{number}"), "FIELDLENGTH": length,
        })
    };
    ok(fields.iter().zip(1..).map(note).collect::<Vec<_>>().into())
}
