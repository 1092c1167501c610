//! Monitors of processes, services and Windows services.

use serde_json::{Map, Value, json};

use crate::{
    checks::Arguments,
    operations::{Answer, message, ok, severity_name, text},
    state::{
        CLEAR, CRITICAL, State,
        catalogue::{PROCESSES, SERVICES},
        no_such,
    },
};

pub(super) fn process(id: i64) -> Value {
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

pub(super) fn process_monitors(state: &mut State, arguments: &Arguments) -> Answer {
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

pub(super) fn associate_processes(state: &mut State, arguments: &Arguments) -> Answer {
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

pub(super) fn port(service: &str) -> u16 {
    SERVICES
        .iter()
        .find(|(name, _)| *name == service)
        .map_or(0, |(_, port)| *port)
}

pub(super) fn service_monitors(state: &mut State, arguments: &Arguments) -> Answer {
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

pub(super) fn associate_services(state: &mut State, arguments: &Arguments) -> Answer {
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

pub(super) fn windows_services(state: &mut State, arguments: &Arguments) -> Answer {
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
