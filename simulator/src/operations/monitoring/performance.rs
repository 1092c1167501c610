//! Performance monitors: what there is, what was collected, and adding, deleting and testing one.

use serde_json::{Map, Value, json};

use crate::{
    checks::{Arguments, Refusal},
    clock,
    operations::{Answer, message, not_allowed, ok, text},
    state::{
        CLEAR, Device, Monitor, State,
        catalogue::{MONITORS, MonitorType},
        no_such,
    },
};

pub(super) fn performance_monitors(state: &mut State, arguments: &Arguments) -> Answer {
    let device = state.device(arguments.need("deviceName")?)?;
    let mut families: Map<String, Value> = Map::new();
    for kind in MONITORS {
        let custom = kind.family == "Custom Monitor";
        let mut row = json!({
            "DISPLAYNAME": kind.display_name, "Description": kind.description(), "name": kind.name,
            "isSelected": text(device.monitors.iter().any(|monitor| monitor.kind.graph_id == kind.graph_id)),
            "GRAPHID": kind.graph_id,
            // Inferred: seconds here, minutes in the other operations.
            "interval": "900",
            "Protocol": kind.protocol,
            "thresholdEnabled": text(kind.threshold.is_some()),
        });
        if custom || kind.family == "Performance Monitors" {
            row["isCustomGraph"] = text(custom).into();
        } else {
            row["STANDARDNAME"] = kind.family.into();
        }
        if let Some(rows) = families
            .entry(kind.family)
            .or_insert_with(|| json!([]))
            .as_array_mut()
        {
            rows.push(row);
        }
    }
    ok(families.into())
}

pub(super) fn last_collected_values(state: &mut State, arguments: &Arguments) -> Answer {
    arguments.need("deviceMOIDList")?;
    let mut answer = Map::new();
    for moid in arguments.list("deviceMOIDList") {
        let device =
            state.device_by_moid(moid.parse().map_err(|_| not_allowed("deviceMOIDList"))?)?;
        let collected = clock::long(state.collected(device));
        let value = |monitor: &Monitor| {
            json!({
                "NumericType": 1, "Agent": device.dns, "ProtocolName": monitor.kind.protocol,
                "Description": monitor.kind.description(), "GraphName": monitor.kind.name,
                "GraphTypeName": "multiple", "data": [{ "instance": "-1", "value": monitor.value }],
                "GraphId": monitor.kind.graph_id, "PollId": monitor.poll_id, "OID": monitor.kind.oid,
                "previousSeverity": CLEAR,
                "YAxisText": if monitor.kind.units == "Percentage" { "%" } else { monitor.kind.units },
                "lastCollectedTime": collected, "failureThreshold": 1,
                "PolicyName": monitor.kind.name, "lastPolledCounterValue": 0, "DataType": "1", "failureCount": 0,
            })
        };
        answer.insert(moid.to_owned(), device.monitors.iter().map(value).collect());
    }
    ok(answer.into())
}

/// The monitor that `policyName` and `graphName` select, which here are the same.
fn selected<'a>(
    state: &'a State,
    arguments: &Arguments,
) -> Result<(&'a Device, &'a Monitor), Refusal> {
    let device = state.device(arguments.need("name")?)?;
    let monitor = device.monitor(arguments.need("policyName")?)?;
    let graph = arguments.need("graphName")?;
    if graph == monitor.kind.name {
        Ok((device, monitor))
    } else {
        Err(no_such("graph", graph))
    }
}

fn threshold(name: &str, severity: i64, value: i64) -> Value {
    let mut threshold = json!({
        "severity": text(severity), "clrMessage": "$MONITOR is back to normal: $CURRENTVALUE $UNITS", "oidType": "",
        "rearmValue": text(value - 5), "isAtEnabled": false,
    });
    for (suffix, value) in [
        ("ThresholdType", "max".to_owned()),
        ("ThresholdName", format!("{name}-{value}")),
        (
            "Message",
            "$MONITOR is $CURRENTVALUE $UNITS, threshold $THRESHOLDVALUE $UNITS".to_owned(),
        ),
        ("ThresholdValue", text(value)),
    ] {
        threshold[format!("{name}{suffix}")] = value.into();
    }
    threshold
}

pub(super) fn monitor_details(state: &mut State, arguments: &Arguments) -> Answer {
    let (
        device,
        &Monitor {
            poll_id,
            kind,
            value,
            ..
        },
    ) = selected(state, arguments)?;
    let limit = kind.threshold.unwrap_or(100);
    let levels = [
        ("trouble", 2, limit),
        ("critical", 1, limit + 5),
        ("warning", 3, limit - 5),
    ];
    ok(json!({
        "statsList": [{
            "minimumValue": text(value - 2), "averageValue": text(value - 1),
            "instance": kind.display_name.replace(' ', ""), "percentile": text(value), "lastPolledValue": text(value),
            "maximumValue": text(value + 1),
        }],
        "monitors": {
            "YAXISTEXT": kind.units, "checkNumeric": "true", "Description": kind.description(), "Instance": "",
            "THRESHOLDENABLED": text(kind.threshold.is_some()), "GRAPHID": text(kind.graph_id), "oid": kind.oid,
            "type": "multiple", "PREVIOUSSEVERITY": text(CLEAR),
            "defaultMessage_AT": "$MONITOR is $CURRENTVALUE $UNITS, expected was $EXPECTEDVALUE $UNITS",
            "defaultMessage": "$MONITOR is $CURRENTVALUE $UNITS, threshold $THRESHOLDVALUE $UNITS",
            "id": text(poll_id), "Protocol": kind.protocol, "FAILURETHRESHOLD": "1", "DISPLAYNAME": kind.display_name,
            "thresholdSet": levels.map(|(name, severity, value)| threshold(name, severity, value)),
            "graphType": "multiple", "policyName": kind.name, "agentName": device.name, "isMultiple": "true",
            "sSave": "true", "defaultClrMessage": "$MONITOR is back to normal: $CURRENTVALUE $UNITS",
            "DisplayColumn": "", "name": kind.name, "numericType": "1", "interval": "15", "Id": text(poll_id),
            "isAtEnabled": false,
        },
    }))
}

pub(super) fn add_monitors(state: &mut State, arguments: &Arguments) -> Answer {
    let name = arguments.need("name")?;
    state.device(name)?;
    arguments.need("selectedMonitors")?;
    let find = |id: &str| -> Result<&'static MonitorType, Refusal> {
        let id: i64 = id.parse().map_err(|_| not_allowed("selectedMonitors"))?;
        MONITORS
            .iter()
            .find(|kind| kind.graph_id == id)
            .ok_or_else(|| no_such("monitor", &text(id)))
    };
    let kinds = arguments
        .list("selectedMonitors")
        .into_iter()
        .map(find)
        .collect::<Result<Vec<_>, _>>()?;
    for kind in kinds {
        let poll_id = state.next_id();
        let monitors = &mut state.device_mut(name)?.monitors;
        if !monitors
            .iter()
            .any(|monitor| monitor.kind.graph_id == kind.graph_id)
        {
            monitors.push(Monitor {
                poll_id,
                kind,
                value: poll_id % 50,
                per_day: 0,
            });
        }
    }
    message("Monitor added successfully")
}

pub(super) fn delete_monitors(state: &mut State, arguments: &Arguments) -> Answer {
    arguments.need("pollId")?;
    let ids = arguments.list("pollId");
    let monitors = &mut state.device_mut(arguments.need("name")?)?.monitors;
    for id in &ids {
        if !monitors.iter().any(|monitor| text(monitor.poll_id) == *id) {
            return Err(no_such("monitor", id));
        }
    }
    // The answer speaks of later. Here it is done at once, so that nobody has to wait.
    monitors.retain(|monitor| !ids.contains(&text(monitor.poll_id).as_str()));
    message("The monitor(s) will be deleted. Please check after sometime.")
}

pub(super) fn test_monitor(state: &mut State, arguments: &Arguments) -> Answer {
    let (device, monitor) = selected(state, arguments)?;
    let down = state.is_down(device);
    ok(json!({
        "protocol": monitor.kind.protocol,
        "checkNumeric": "true",
        // Inferred: a failure gives reasons and no data.
        "reasons": if down { vec!["The device does not respond"] } else { Vec::new() },
        "monitorname": monitor.kind.name, "data": if down { Vec::new() } else { vec![monitor.value] },
        "displayName": monitor.kind.display_name, "isMultiple": "false", "oid": monitor.kind.oid,
        "units": monitor.kind.units, "deviceName": device.name,
    }))
}
