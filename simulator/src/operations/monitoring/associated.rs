//! All monitors of one device, as `getDeviceAssociatedMonitors` groups them.

use serde_json::{Value, json};

use super::services::{port, process};
use crate::{
    checks::Arguments,
    clock,
    operations::{Answer, icon, ok, severity_name, text},
    state::{CLEAR, Device, Monitor, SERVICE_DOWN, State, UrlMonitor},
};

impl Monitor {
    fn is_above(&self) -> bool {
        self.kind
            .threshold
            .is_some_and(|threshold| self.value > threshold)
    }
}

pub(super) fn associated_monitors(state: &mut State, arguments: &Arguments) -> Answer {
    let device = state.device(arguments.need("name")?)?;
    let collected = clock::long(state.collected(device));
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
    let service = |name: &String| {
        let answers = state.has_service(device, name);
        json!({
            "portNo": text(port(name)), "failureThreshold": 1, "statusStr": severity_name(up(answers)),
            "responseTime": "4", "statusText": if answers { "Up" } else { "Down" }, "name": name,
            "THRESHOLDENABLED": "false", "thresholdStatus": "Not Enabled", "moid": text(4000 + i64::from(port(name))),
            "statusNum": text(up(answers)),
        })
    };
    let services: Vec<_> = device.services.iter().map(service).collect();
    let silent = device
        .services
        .iter()
        .filter(|name| !state.has_service(device, name));
    let services_down = silent.count();
    let urls = state
        .urls
        .iter()
        .filter(|url| url.device.as_ref() == Some(&device.name));
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
