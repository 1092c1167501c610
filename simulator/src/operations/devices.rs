//! Devices: the inventory, one device in detail, its hardware and custom fields, and adding one.
//!
//! Owns the answers of the Devices (but for virtualization), Discovery, Enterprise, Subnets and Settings tags.

use std::{collections::BTreeMap, net::IpAddr};

use serde_json::{Map, Value, json};

use super::{Answer, Handlers, Reply, not_allowed, ok, page, severity_name, text};
use crate::{
    checks::{Arguments, Refusal},
    clock,
    operations::interfaces,
    state::{CRITICAL, Device, State, UNMANAGED, catalogue::CATEGORIES, network, no_such},
    variant::{
        Variant,
        central::{self, CUSTOMERS},
    },
};

pub(super) const HANDLERS: Handlers = &[
    (
        "listDevices",
        list_devices,
        &[("page", "1"), ("rows", "50")],
    ),
    ("getDeviceInfo", device_info, &[("deviceName", "db-01")]),
    (
        "setDeviceInfo",
        set_device_info,
        &[
            ("deviceName", "db-01"),
            ("values", r#"[{"metricName":"RAM","metricValue":"32768"}]"#),
        ],
    ),
    ("getDeviceNotes", device_notes, &[("name", "db-01")]),
    (
        "getInfrastructureDetailsView",
        infrastructure_view,
        &[("categoryName", "Server")],
    ),
    (
        "getDeviceSummary",
        device_summary,
        &[("name", "core-sw-01")],
    ),
    (
        "getDeviceCompleteDetails",
        complete_details,
        &[("name", "db-02")],
    ),
    (
        "addDevice",
        add_device,
        &[("deviceName", "web-02.corp.example")],
    ),
    ("listProbes", list_probes, &[]),
    ("listSubnets", list_subnets, &[]),
    ("getCategoryList", category_list, &[]),
];

/// The probe that watches a device. There is one only, but on a Central.
pub(super) fn probe_of(state: &State, device: &Device) -> &'static str {
    let watched = match state.variant {
        Variant::Msp => central::customer_of(device),
        _ => &CUSTOMERS[0],
    };
    watched.probe
}

fn list_devices(state: &mut State, arguments: &Arguments) -> Answer {
    let same = |name: &str, value: &str| arguments.get(name).is_none_or(|wanted| wanted == value);
    let view = arguments
        .get("bvName")
        .map(|name| view_members(state, name))
        .transpose()?;
    let group = arguments
        .get("groupName")
        .map(|name| Ok(&state.group(name)?.members))
        .transpose()?;
    let fields = arguments.list("customFields");
    let mut rows = Vec::new();
    for device in &state.devices {
        let severity = state.severity(device);
        let runs = |app: &str| {
            device.services.contains(app)
                || device
                    .monitors
                    .iter()
                    .any(|monitor| monitor.kind.name.contains(app))
        };
        let wanted = same("type", &device.kind)
            && same("category", &device.category)
            && same("vendor", &device.vendor)
            && arguments
                .get("protocol")
                .is_none_or(|protocol| protocol == "all" || protocol == device.protocol)
            && same("selectedVTypes", &device.virtual_type)
            && arguments
                .integer("severity")
                .is_none_or(|wanted| wanted == severity)
            && arguments.get("app").is_none_or(runs)
            && view.is_none_or(|members| members.contains(&device.name))
            && group.is_none_or(|members| members.contains(&device.name));
        if !wanted {
            continue;
        }
        let mut row = json!({
            "isSNMP": device.protocol == "SNMP", "ipaddress": device.ip, "statusStr": severity_name(severity),
            "prettyTime": clock::ago(state.now, device.added), "displayName": device.display_name,
            "isNew": state.now - device.added < clock::DAY, "type": device.kind, "vendorName": device.vendor,
            "deviceName": device.name, "statusNum": text(severity), "addedTime": clock::long(device.added),
            "interfaceCount": device.interfaces.len(), "category": device.category,
            // Inferred: not in the sample, but other pages take it from here.
            "moid": text(device.moid),
        });
        for &(name, _, ref value) in device
            .custom_fields
            .iter()
            .filter(|(name, ..)| fields.contains(name))
        {
            row[name] = value.as_str().into();
        }
        if arguments.is_true("getInterfaces") {
            // Inferred: the name and the shape of what getInterfaces adds.
            row["interfaces"] = device
                .interfaces
                .iter()
                .map(interfaces::row_of_device)
                .collect();
        }
        rows.push(row);
    }
    let page = page(rows, arguments);
    ok(
        json!({ "total": page.total, "page": page.number, "rows": page.rows, "records": page.records }),
    )
}

pub(super) fn view_members<'a>(state: &'a State, name: &str) -> Result<&'a Vec<String>, Refusal> {
    let found = state
        .views
        .iter()
        // Captured: the plain name is accepted as well.
        .find(|view| view.display_name == name || format!("{}_bv", view.display_name) == name);
    Ok(&found.ok_or_else(|| no_such("business view", name))?.members)
}

/// The device that one of `deviceName`, `ipAddress` and `dnsName` selects.
fn selected(state: &State, arguments: &Arguments) -> Result<String, Refusal> {
    let by = |name: &str, field: fn(&Device) -> &String| {
        let value = arguments.get(name)?;
        let found = state.devices.iter().find(|device| field(device) == value);
        Some(
            found
                .map(|device| device.name.clone())
                .ok_or_else(|| no_such("device", value)),
        )
    };
    by("deviceName", |device| &device.name)
        .or_else(|| by("ipAddress", |device| &device.ip))
        .or_else(|| by("dnsName", |device| &device.dns))
        .unwrap_or_else(|| arguments.need("deviceName").map(str::to_owned))
}

fn device_info(state: &mut State, arguments: &Arguments) -> Answer {
    let name = selected(state, arguments)?;
    ok(json!(state.device(&name)?.hardware))
}

fn set_device_info(state: &mut State, arguments: &Arguments) -> Answer {
    let name = selected(state, arguments)?;
    let unreadable = || {
        Refusal::new(
            Some("UNABLE_TO_PARSE_DATA_TYPE"),
            "The parameter 'values' cannot be read.",
        )
    };
    let values: Vec<Value> =
        serde_json::from_str(arguments.need("values")?).map_err(|_| unreadable())?;
    let mut changes = Vec::new();
    for entry in &values {
        let metric = entry["metricName"].as_str().ok_or_else(unreadable)?;
        let value = entry["metricValue"]
            .as_str()
            .map_or_else(|| entry["metricValue"].to_string(), str::to_owned);
        changes.push((metric, value));
    }
    let hardware = &mut state.device_mut(&name)?.hardware;
    for (metric, value) in changes {
        // Inferred: names are documented as case-sensitive, the answer to an unknown one is not.
        *hardware
            .get_mut(metric)
            .ok_or_else(|| no_such("hardware field", metric))? = value;
    }
    Ok(Reply::Text("{\"Hardware details updated successfully.\"}"))
}

fn device_notes(state: &mut State, arguments: &Arguments) -> Answer {
    let fields = &state.device(arguments.need("name")?)?.custom_fields;
    let note = |(&(name, description, ref value), number): (&(&str, &str, String), usize)| {
        json!({
            "FIELDVALUE": value, "DATATYPE": "Text", "ISEDITABLE": true, "DESCRIPTION": description,
            "FIELDNAME": name, "ALIASNAME": format!("UDF{number}"), "FIELDLENGTH": if name == "Comments" { 800 } else { 100 },
        })
    };
    ok(fields.iter().zip(1..).map(note).collect::<Vec<_>>().into())
}

fn infrastructure_view(state: &mut State, arguments: &Arguments) -> Answer {
    let category = arguments.need("categoryName")?;
    let devices = state.devices.iter().filter(|device| device.category == category).map(|device| {
        let severity = state.severity(device);
        json!({
            "intfCount": text(device.interfaces.len()), "severity": text(severity),
            "displayName": device.display_name, "name": device.name, "IpAddress": device.ip, "type": device.kind,
            "monitors": {
                "DiskUtilization": device.value_of("Disk Utilization"),
                "CPUUtilization": device.value_of("CPU Utilization"),
                "MemoryUtilization": device.value_of("Memory Utilization"),
            },
            "status": severity_name(severity),
        })
    });
    let details: Vec<_> = devices.collect();
    ok(
        json!({ "InfrastructureDetailsView": { "TotalRecords": text(details.len()), "Details": details } }),
    )
}

/// Response time and packet loss, as text.
fn reachability(state: &State, device: &Device) -> (String, &'static str) {
    if state.is_down(device) {
        ("No Response".to_owned(), "100")
    } else {
        (format!("{:03}ms", device.moid % 9 + 1), "0")
    }
}

fn device_summary(state: &mut State, arguments: &Arguments) -> Answer {
    let device = state.device(arguments.need("name")?)?;
    let (response_time, packet_loss) = reachability(state, device);
    let dials = device.monitors.iter().map(
        |monitor| json!({ "displayName": monitor.kind.display_name, "value": text(monitor.value) }),
    );
    // Third party: only these four fields are known, the documented sample is that of an interface.
    ok(json!({
        "dials": dials.collect::<Vec<_>>(), "responseTime": response_time, "packetLoss": packet_loss,
        "moID": text(device.moid),
    }))
}

fn complete_details(state: &mut State, arguments: &Arguments) -> Answer {
    let device = state.device(arguments.need("name")?)?;
    let (severity, now) = (state.severity(device), state.now);
    let (response_time, packet_loss) = reachability(state, device);
    let midnight = now - now.rem_euclid(clock::DAY);
    let today = (midnight, now);
    let [up, planned, down] = state.absence(&device.name, today).shares(today);
    let outages = state.outages(&device.name).into_iter();
    let outages = outages.filter(|(_, to)| *to > midnight);
    let outages = outages.map(|(from, to)| format!("DownTime,{},{to}", from.max(midnight)));
    let hardware = |name: &str| device.hardware.get(name).cloned().unwrap_or_default();
    let label = CATEGORIES
        .iter()
        .find(|(key, _)| *key == device.category)
        .map_or("Unknown", |(_, label)| label);
    ok(json!({
        "nfadetails": { "NFAStatus": "Not Added" }, "statusStr": severity_name(severity),
        "responseTime": response_time, "format": "dd-MM-yy HH:mm:ss", "dnsName": device.dns, "timeZone": "UTC",
        "availability": outages.collect::<Vec<_>>(),
        "todayTimeAvail": { "todayStartTime": text(midnight), "endTimeVal": text(now) }, "type": device.kind,
        "vendorName": device.vendor, "statusNum": text(severity), "isStorage": false,
        "ncmdetails": { "SUMMARY_NOT_AVAILABLE": true }, "packetLoss": packet_loss,
        "configBackup": { "RunningConfig": {}, "StartupConfig": {} },
        "opmdetails": {
            "Type": device.kind,
            "dependentDisplayName": "None",
            "Category": device.category,
            "hardwareInfo": {
                "HW_MANUFACTURER": hardware("Manufacturer"), "HW_SERIALNUMBER": hardware("SerialNumber"),
                "IS_ALARM_SUPPRESSED": text(device.is_muted(now)), "ISPDPresent": false,
                "HW_MODEL": hardware("Model"), "LAST_UPDATED_TIME": clock::month_first(device.added),
                "MOID": device.moid, "IS_MONITORED": text(device.managed),
            },
            "displayCategory": label, "PollInterval": "5", "IPAddress": device.ip, "DNSName": device.dns,
            "SysDescription": format!("{} {},\r\nmade up for the simulator", device.vendor, device.kind),
            "Monitoring": "ICMP", "UpLinkDependency": "None",
        },
        // Inferred: the code of a device that is up.
        "state": if severity == CRITICAL { "2" } else { "1" },
        "availdata": {
            "Down": down, "Dependent Unavailable": 0, "On Hold": 0, "Not Monitored": 0, "Parent Down": 0,
            "On Maintenance": planned, "Up": up,
        },
    }))
}

fn add_device(state: &mut State, arguments: &Arguments) -> Answer {
    let name = arguments.need("deviceName")?;
    if !name
        .chars()
        .all(|letter| letter.is_ascii_alphanumeric() || ".-_:".contains(letter))
    {
        return Err(not_allowed("deviceName"));
    }
    if state
        .devices
        .iter()
        .any(|device| device.name == name || device.ip == name || device.dns == name)
    {
        // Third party: the number.
        return Err(Refusal::numbered(
            5123,
            format!("The device '{name}' has been added already."),
        ));
    }
    let moid = state.next_id();
    let ip = if name.parse::<IpAddr>().is_ok() {
        name.to_owned()
    } else {
        format!("203.0.113.{}", moid % 250 + 1)
    };
    // Inferred: the answer comes when discovery is over. A credential makes the type known, and only then.
    let (kind, protocol) = if arguments.get("credentialName").is_some() {
        ("Linux", "SNMP")
    } else {
        ("Unknown", "ICMP")
    };
    let category = if kind == "Unknown" { kind } else { "Server" };
    let mut device = network::device(
        &(name, &ip, category, kind, "Unknown", protocol, ""),
        moid,
        state.now,
    );
    device.added = state.now;
    state.devices.push(device);
    ok(json!({
        "device": { "deviceIp": ip, "message": "Device added successfully.", "deviceName": name, "moid": moid },
    }))
}

fn list_probes(state: &mut State, _: &Arguments) -> Answer {
    let span = json!({ "rowspan": "1" });
    let probe = |customer: &central::Customer| {
        let devices = state.devices.iter();
        let count = devices
            .filter(|device| probe_of(state, device) == customer.probe)
            .count();
        json!({
            "severity": "5",
            "serverMode": "PRIMARY",
            // Inferred: the words for a probe that is connected.
            "serverStatus": "Server up", "contactEmail": "noc@corp.example", "deviceCount": text(count),
            "natProtocol": "https", "probeID": customer.probe_id, "isConnected": "true",
            "contactPerson": "Network desk", "statusImg": "images/status5.gif", "ipslaCount": "0",
            "lastContact": clock::long(state.now - clock::MINUTE),
            "natName": format!("{}.corp.example", customer.probe), "name": customer.probe,
            "probeDisplayName": customer.probe_display_name, "ncmCount": "-1",
            "attr": { "deviceCount": span, "name": span, "lastContact": span }, "natPort": "8062", "status": "Clear",
        })
    };
    let count = if state.variant == Variant::Msp {
        CUSTOMERS.len()
    } else {
        1
    };
    ok(CUSTOMERS
        .iter()
        .take(count)
        .map(probe)
        .collect::<Vec<_>>()
        .into())
}

fn list_subnets(state: &mut State, _: &Arguments) -> Answer {
    let mut subnets: BTreeMap<String, BTreeMap<i64, i64>> = BTreeMap::new();
    for device in &state.devices {
        let Some((prefix, _)) = device.ip.rsplit_once('.') else {
            continue;
        };
        *subnets
            .entry(format!("{prefix}.0"))
            .or_default()
            .entry(state.severity(device))
            .or_default() += 1;
    }
    let answer: Map<String, Value> = subnets
        .into_iter()
        .map(|(address, counts)| {
            let count = |(severity, count): (i64, i64)| {
                // The sample of this operation labels 7 otherwise than the filters do.
                let label = if severity == UNMANAGED {
                    "Unknown"
                } else {
                    severity_name(severity)
                };
                json!({ "Status": text(severity), "Label": label, "Count": text(count) })
            };
            let data: Vec<_> = counts.into_iter().map(count).collect();
            let named = state.subnets.iter().find(|(subnet, _)| *subnet == address);
            let subnet_name = named.map_or(&address, |(_, name)| name);
            let subnet =
                json!({ "data": data, "displayName": address, "subnetDisplayName": subnet_name });
            (address, subnet)
        })
        .collect();
    ok(answer.into())
}

fn category_list(_: &mut State, _: &Arguments) -> Answer {
    let labels: Map<String, Value> = CATEGORIES
        .iter()
        .map(|&(key, label)| (key.to_owned(), label.into()))
        .collect();
    ok(labels.into())
}
