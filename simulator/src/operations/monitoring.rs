//! Monitors: performance, services, processes, URLs and scripts.
//!
//! Owns the answers of the Monitoring tag.

use serde_json::{Map, Value, json};

use super::{Answer, Handlers, icon, message, not_allowed, ok, severity_name, text};
use crate::{
    checks::{Arguments, Refusal},
    clock,
    state::{
        CLEAR, CRITICAL, Device, Monitor, SERVICE_DOWN, State, UrlMonitor,
        catalogue::{MONITORS, MonitorType, PROCESSES, SERVICES},
        no_such,
    },
};

pub(super) const HANDLERS: Handlers = &[
    ("getDeviceAssociatedMonitors", associated_monitors),
    ("getPerformanceMonitors", performance_monitors),
    ("getLastCollectedValues", last_collected_values),
    ("getPerformanceMonitorDetails", monitor_details),
    ("addPerformanceMonitors", add_monitors),
    ("deletePerformanceMonitors", delete_monitors),
    ("TestMonitor", test_monitor),
    ("getAssociatedProcessMonitors", process_monitors),
    ("associateProcessMonitor", associate_processes),
    ("getAssociatedServiceMonitors", service_monitors),
    ("associateServiceMonitor", associate_services),
    (
        "getDeviceAssociatedWindowsServiceMonitors",
        windows_services,
    ),
    ("listURLMonitors", url_monitors),
    ("listAllDevicesSpecificURLs", device_urls),
    ("listScriptMonitors", script_monitors),
];

/// A group of monitors of a device, as `getDeviceAssociatedMonitors` has them.
fn group(monitors: impl IntoIterator<Item = Value>, down: usize) -> Value {
    let monitors: Vec<_> = monitors.into_iter().collect();
    let picture = if down == 0 {
        "images/servicestatus5.gif"
    } else {
        "images/servicestatus1.gif"
    };
    json!({ "total": monitors.len(), "statusIcon": picture, "down": down, "monitors": monitors })
}

fn up(up: bool) -> i64 {
    if up { CLEAR } else { SERVICE_DOWN }
}

fn associated_monitors(state: &mut State, arguments: &Arguments) -> Answer {
    let device = state.device(arguments.need("name")?)?;
    let collected = clock::long(state.now - 5 * clock::MINUTE);
    let performance = |monitor: &Monitor| {
        json!({
            "DISPLAYNAME": monitor.kind.display_name, "YAXISTEXT": monitor.kind.units, "graphType": "multiple",
            "checkNumeric": "true", "data": [{ "instance": "-1", "value": monitor.value }],
            "policyName": monitor.kind.name, "Instance": "",
            "THRESHOLDENABLED": text(monitor.kind.threshold.is_some()), "GRAPHID": text(monitor.kind.graph_id),
            "thresholdStatus": if monitor.is_above() { "Violated" } else { "Normal" }, "isMultiple": "true",
            "sSave": "true", "type": "multiple", "thresholdImg": "images/thresholdConOK.gif",
            "lastCollectedTime": collected, "DisplayColumn": "", "pollId": text(monitor.poll_id),
            "name": monitor.kind.name, "numericType": "1", "interval": "15", "Protocol": monitor.kind.protocol,
        })
    };
    let above = device
        .monitors
        .iter()
        .filter(|monitor| monitor.is_above())
        .count();
    let reachable = !state.is_down(device);
    let service = |name: &String| {
        json!({
            "portNo": text(port(name)), "failureThreshold": 1, "statusStr": severity_name(up(reachable)),
            "responseTime": "4", "statusText": if reachable { "Up" } else { "Down" }, "name": name,
            "THRESHOLDENABLED": "false", "thresholdStatus": "Not Enabled", "moid": text(4000 + i64::from(port(name))),
            "statusNum": text(up(reachable)),
        })
    };
    let services: Vec<_> = device.services.iter().map(service).collect();
    let services_down = if reachable { 0 } else { services.len() };
    let urls = state
        .urls
        .iter()
        .filter(|url| url.device == Some(device.name.as_str()));
    let url = |url: &UrlMonitor| {
        json!({
            "compactURL": url.url, "availPercentage": "100.0", "urlName": url.label,
            "stringstatus": severity_name(url.severity()), "name": url.name(), "RESPONSETIME": "NA",
            "completeURL": url.url, "deviceName": device.name, "url": url.url, "statusNum": text(url.severity()),
        })
    };
    let mut answer = json!({
        "performanceMonitors": group(device.monitors.iter().map(performance), above),
        "deviceProtocol": device.protocol, "isVM": device.virtual_type.ends_with("-VM"),
        "isHost": device.virtual_type.ends_with("-Host"),
        "serverMonitors": { "total": services.len(), "down": services_down, "monitors": services },
        "urlMonitors": group(urls.map(url), 0),
        "processMonitors": group(device.processes.keys().map(|&id| process(id)), 0),
        "scriptMonitors": group([json!({
            "checkNumeric": "true", "data": [{ "instance": "count", "value": "17" }],
            "statusStr": severity_name(CLEAR), "displayName": "Instance Count", "thresholdSeverity": "Not Enabled",
            "OID": "501", "sSave": "true", "statusNum": text(CLEAR), "lastCollectedTime": collected,
            "pollid": text(device.moid + 8000), "interval": "15", "thresholdSevFont": "#999999", "numericType": "1",
        })], 0),
    });
    if device.protocol == "WMI" {
        add_windows_groups(&mut answer, device);
    }
    if device.category == "DomainController" {
        add_directory_groups(&mut answer, &collected);
    }
    ok(answer)
}

fn add_windows_groups(answer: &mut Value, device: &Device) {
    let services = device.windows_services.iter().map(|&(id, name, label, is_up)| {
        json!({
            "statusStr": severity_name(up(is_up)), "name": label, "serviceName": name, "serviceID": text(id),
            "moid": text(id + 20_000), "status": icon(up(is_up)), "statusNum": text(up(is_up)),
        })
    });
    let down = device
        .windows_services
        .iter()
        .filter(|(.., is_up)| !is_up)
        .count();
    answer["ntServiceMonitors"] = group(services, down);
    answer["fileMonitors"] = group([], 0);
    answer["folderMonitors"] = group(
        [json!({
            "foldermonitorid": text(device.moid + 7000), "folderpath": "C:\\Exports", "monitorname": "Export folder",
            "statusStr": severity_name(CLEAR), "statusIcon": "/webclient/devices/images/servicestatus5.gif", "state": "1",
            "status": text(CLEAR), "statusNum": CLEAR,
        })],
        0,
    );
    answer["eventlogMonitors"] = json!({
        "period": "300", "total": 1, "statusIcon": "images/servicestatus5.gif", "isActive": "true", "down": 0,
        "monitors": [{ "ruleName": "Failed sign-ins", "id": "21" }],
    });
}

/// Directory and mail, on the one device that has them.
fn add_directory_groups(answer: &mut Value, collected: &str) {
    let monitor = |id: i64, name: &str, display_name: &str, grouping: &str, units: &str| {
        json!({
            "YAXISTEXT": units, "checkNumeric": "true",
            "Description": format!("Watches {}", display_name.to_lowercase()),
            "data": [{ "instance": "-1", "value": 3 }], "statusStr": severity_name(CLEAR),
            "severityIcon": "images/thresholdNonConfigured.gif", "displayName": display_name,
            "THRESHOLDENABLED": "false", "GRAPHID": text(id), "groupingName": grouping, "oid": name,
            "PREVIOUSSEVERITY": text(CLEAR), "ID": text(id + 6000), "Protocol": "WMI", "DISPLAYNAME": display_name,
            "graphType": "node", "thresholdFontColor": "#999999", "policyName": name, "encodedName": name,
            "thresholdStatus": "Not Enabled", "sSave": "true", "statusNum": text(CLEAR),
            "lastCollectedTime": collected, "name": name, "numericType": "1", "interval": "15",
        })
    };
    answer["adMonitors"] = group(
        [monitor(
            2601,
            "LdapSessions",
            "LDAP Sessions",
            "Network",
            "Sessions",
        )],
        0,
    );
    answer["exchangeMonitors"] = group(
        [monitor(
            2701,
            "QueueLength",
            "Queue Length",
            "Transport",
            "Messages",
        )],
        0,
    );
    answer["exchangeMonitors"]["exchangeVersion"] = "Exchange 2016".into();
    answer["exchangeServices"] = group(
        [json!({
            "displayName": "Mail Transport", "description": "Moves mail.", "serviceMOID": 6801, "state": 1,
            "serviceName": "MailTransport", "serviceID": 81, "status": CLEAR,
        })],
        0,
    );
    answer["adServices"] = group(
        [json!({
            "displayName": "Directory Replication", "description": "Copies the directory.", "serviceMOID": "6802",
            "serviceName": "DirReplication", "serviceID": "82", "status": text(CLEAR),
        })],
        0,
    );
}

impl Monitor {
    fn is_above(&self) -> bool {
        self.kind
            .threshold
            .is_some_and(|threshold| self.value > threshold)
    }
}

fn performance_monitors(state: &mut State, arguments: &Arguments) -> Answer {
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

fn last_collected_values(state: &mut State, arguments: &Arguments) -> Answer {
    arguments.need("deviceMOIDList")?;
    let mut answer = Map::new();
    for moid in arguments.list("deviceMOIDList") {
        let device =
            state.device_by_moid(moid.parse().map_err(|_| not_allowed("deviceMOIDList"))?)?;
        let value = |monitor: &Monitor| {
            json!({
                "NumericType": 1, "Agent": device.dns, "ProtocolName": monitor.kind.protocol,
                "Description": monitor.kind.description(), "GraphName": monitor.kind.name,
                "GraphTypeName": "multiple", "data": [{ "instance": "-1", "value": monitor.value }],
                "GraphId": monitor.kind.graph_id, "PollId": monitor.poll_id, "OID": monitor.kind.oid,
                "previousSeverity": CLEAR,
                "YAxisText": if monitor.kind.units == "Percentage" { "%" } else { monitor.kind.units },
                "lastCollectedTime": clock::long(state.now - 5 * clock::MINUTE), "failureThreshold": 1,
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

fn monitor_details(state: &mut State, arguments: &Arguments) -> Answer {
    let (
        device,
        &Monitor {
            poll_id,
            kind,
            value,
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

fn add_monitors(state: &mut State, arguments: &Arguments) -> Answer {
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
            });
        }
    }
    message("Monitor added successfully")
}

fn delete_monitors(state: &mut State, arguments: &Arguments) -> Answer {
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

fn test_monitor(state: &mut State, arguments: &Arguments) -> Answer {
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

fn process(id: i64) -> Value {
    let &(_, name, command) = PROCESSES
        .iter()
        .find(|(other, ..)| *other == id)
        .unwrap_or(&PROCESSES[0]);
    json!({
        "path": format!("/opt/{name}/{name}"), "statusStr": severity_name(CLEAR), "cmdLineArgs": command,
        "statusIcon": "/webclient/devices/images/servicestatus5.gif", "name": name, "state": "1",
        "id": text(id + 5000), "proName": name, "trimName": name, "status": text(CLEAR), "statusNum": text(CLEAR),
    })
}

fn process_monitors(state: &mut State, arguments: &Arguments) -> Answer {
    let device = state.device(arguments.need("deviceName")?)?;
    let template = |&(id, name, _): &(i64, &str, &str)| {
        json!({
            "protocol": "CLI",
            "associatedDeviceCount": text(state.devices.iter().filter(|device| device.processes.contains_key(&id)).count()),
            "templateName": name, "displayName": name, "description": format!("Template for {name}"),
            "templateId": text(id),
        })
    };
    let running = |&(id, name, command): &(i64, &str, &str)| {
        let path = format!("/opt/{name}/{name}");
        let process = json!({
            "path": path, "trimArgs": command, "trimPath": path, "cmdLineArgs": command, "name": name, "trimName": name,
        });
        (text(id), process)
    };
    ok(json!({
        "protocol": device.protocol, "Templates": PROCESSES[..2].iter().map(template).collect::<Vec<_>>(),
        "AssignedMonitors": device.processes.keys().map(|&id| process(id)).collect::<Vec<_>>(),
        "ActiveProcesses": PROCESSES.iter().map(running).collect::<Map<_, _>>(), "deviceName": device.name,
    }))
}

fn associate_processes(state: &mut State, arguments: &Arguments) -> Answer {
    arguments.need("processId")?;
    let find = |id: &str| {
        // Open: whether these are ids of templates or of processes. Here they are the same.
        let found = PROCESSES.iter().find(|(other, ..)| text(*other) == id);
        found
            .map(|&(id, name, _)| (id, name))
            .ok_or_else(|| no_such("process", id))
    };
    let processes = arguments
        .list("processId")
        .into_iter()
        .map(find)
        .collect::<Result<Vec<_>, _>>()?;
    state
        .device_mut(arguments.need("deviceName")?)?
        .processes
        .extend(processes);
    message("Process monitor(s) associated successfully.")
}

fn port(service: &str) -> u16 {
    SERVICES
        .iter()
        .find(|(name, _)| *name == service)
        .map_or(0, |(_, port)| *port)
}

fn service_monitors(state: &mut State, arguments: &Arguments) -> Answer {
    let device = state.device(arguments.need("name")?)?;
    let (selected, remaining): (Vec<_>, Vec<_>) = SERVICES
        .iter()
        .partition(|(name, _)| device.services.contains(*name));
    let shown = |services: Vec<&(&str, u16)>| {
        services
            .iter()
            .map(|(name, port)| format!("{name}({port})"))
            .collect::<Vec<_>>()
    };
    ok(json!({ "remainingServices": shown(remaining), "selectedServices": shown(selected) }))
}

fn associate_services(state: &mut State, arguments: &Arguments) -> Answer {
    let (names, services) = (arguments.list("deviceName"), arguments.list("serviceName"));
    for name in &names {
        state.device(name)?;
    }
    if let Some(unknown) = services.iter().find(|&&service| port(service) == 0) {
        return Err(no_such("service", unknown));
    }
    for name in names {
        state
            .device_mut(name)?
            .services
            .extend(services.iter().map(|&service| service.to_owned()));
    }
    message("Service Monitor associated successfully")
}

fn windows_services(state: &mut State, arguments: &Arguments) -> Answer {
    let device = state.device(arguments.need("name")?)?;
    let service = |&(id, name, label, is_up): &(i64, &str, &str, bool)| {
        let status = severity_name(if is_up { CLEAR } else { CRITICAL });
        json!({ "displayName": label, "serviceName": name, "serviceID": text(id), "status": status })
    };
    ok(device
        .windows_services
        .iter()
        .map(service)
        .collect::<Vec<_>>()
        .into())
}

fn url_monitors(state: &mut State, _: &Arguments) -> Answer {
    let (mut list, mut counts) = (Vec::new(), Vec::<(i64, usize)>::new());
    for url in state.urls.iter().filter(|url| url.device.is_none()) {
        let severity = url.severity();
        list.push(json!({
            "availPercentage": if url.up { 100 } else { 0 }, "urlName": url.label,
            "statusStr": severity_name(severity), "name": url.name(),
            "RESPONSETIME": if url.up { "84" } else { "No Response" }, "url": url.url, "moID": url.moid,
            "statusNum": severity,
        }));
        match counts.iter_mut().find(|(other, _)| *other == severity) {
            Some((_, count)) => *count += 1,
            None => counts.push((severity, 1)),
        }
    }
    let dial = |&(severity, count): &(i64, usize)| json!({ "title": severity_name(severity), "value": count, "status": severity });
    let mut details = Map::new();
    for &(severity, count) in &counts {
        // Inferred: the other bands of availability.
        let band = if severity == CLEAR {
            "90-100%"
        } else {
            "00-10%"
        };
        if let Some(rows) = details
            .entry(band)
            .or_insert_with(|| json!([]))
            .as_array_mut()
        {
            rows.push(
                json!({ "Status": severity, "Label": severity_name(severity), "Count": count }),
            );
        }
    }
    ok(
        json!({ "List": list, "Details": details, "DialCounter": counts.iter().map(dial).collect::<Vec<_>>() }),
    )
}

fn device_urls(state: &mut State, _: &Arguments) -> Answer {
    let row = |url: &UrlMonitor| {
        let device = state.device(url.device?).ok()?;
        Some(json!({
            "parentName": device.name, "urlName": url.label, "stringstatus": severity_name(url.severity()),
            "parentDispName": device.display_name, "name": url.name(), "url": url.url, "status": text(url.severity()),
            "statusNum": text(url.severity()),
        }))
    };
    ok(json!({ "List": state.urls.iter().filter_map(row).collect::<Vec<_>>() }))
}

fn script_monitors(_: &mut State, _: &Arguments) -> Answer {
    let script = |id: i64, name: &str, description: &str, place: &str| {
        json!({
            "graphName": name, "scriptID": text(id), "executeFrom": place, "graphDesc": description, "graphID": text(id + 2000),
        })
    };
    ok(json!([
        script(
            501,
            "Instance Count",
            "Counts the instances of a process",
            "0"
        ),
        script(
            502,
            "Queue Age",
            "Age of the oldest order in the queue",
            "1"
        ),
    ]))
}
