//! Alarms: lists, properties, notes, and what people do to them.
//!
//! Owns the answers of the Alarms tag. Which severity a device has follows from its alarms, in the state.

use serde_json::json;

use super::{Answer, Handlers, icon, message, not_allowed, ok, picture, severity_name, text};
use crate::{
    checks::{Arguments, missing},
    clock,
    state::{Alarm, CLEAR, Device, Incident, Note, State, USER, no_such},
};

pub(super) const HANDLERS: Handlers = &[
    ("listAlarms", list_alarms, &[("alertType", "ActiveAlarms")]),
    (
        "alarmProperties",
        alarm_properties,
        &[("entity", "db-02_Poll")],
    ),
    (
        "addNotes",
        add_notes,
        &[
            ("entity", "db-02_Poll"),
            ("notes", "On the way to the server room"),
        ],
    ),
    ("acknowledgeAlarm", acknowledge, &[("entity", "db-02_Poll")]),
    (
        "unAcknowledgeAlarm",
        unacknowledge,
        &[("entity", "db-02_Poll")],
    ),
    ("clearAlarm", clear, &[("entity", "trap_ap_lost")]),
    ("deleteAlarm", delete, &[("entity", "eventlog_5719")]),
    (
        "ConfigureSuppressAlarm",
        configure_suppress_alarm,
        &[("name", "ups-01"), ("suppressInterval", "3600000")],
    ),
    (
        "getTopDevicesByAlarms",
        top_devices,
        &[("eventType", "All")],
    ),
    (
        "getAnnotation",
        annotation,
        &[("entity", "syslog_link_flap")],
    ),
];

const NETWORK: [&str; 5] = [
    "Switch",
    "Router",
    "Firewall",
    "WirelessLANController",
    "LoadBalancer",
];

fn list_alarms(state: &mut State, arguments: &Arguments) -> Answer {
    let time = |name| {
        arguments
            .get(name)
            .map(|value| clock::parse(value).ok_or_else(|| not_allowed(name)))
            .transpose()
    };
    let (from, to) = (time("fromTime")?, time("toTime")?);
    if let Some(name) = arguments.get("deviceName") {
        state.device(name)?;
    }
    let severity = arguments.integer("severity");
    let same = |name: &str, value: &str| arguments.get(name).is_none_or(|wanted| wanted == value);
    let lists_cleared = state.variant.lists_cleared() && arguments.get("alertType").is_none();
    let mut rows = Vec::new();
    for alarm in &state.alarms {
        let Ok(device) = state.device(&alarm.device) else {
            continue;
        };
        // Inferred: else, cleared alarms are listed only when they are asked for.
        let wanted = severity.map_or(lists_cleared || alarm.severity != CLEAR, |severity| {
            severity == alarm.severity
        }) && same("deviceName", &device.name)
            && same("category", &device.category)
            && same("entity", &alarm.entity)
            && same("probeName", super::devices::probe_of(state, device))
            && is_of_family(arguments.get("alertType"), alarm, device)
            && from.is_none_or(|from| from <= alarm.modified)
            && to.is_none_or(|to| alarm.modified <= to);
        if wanted {
            rows.push(json!({
                "severity": picture(alarm.severity), "numericSeverity": alarm.severity,
                "severityString": severity_name(alarm.severity), "statusStr": severity_name(alarm.severity),
                "displayName": device.display_name, "message": alarm.message, "deviceName": device.name,
                "statusNum": alarm.severity, "modTimeLong": alarm.modified, "modTime": clock::long(alarm.modified),
                "alarmId": text(alarm.id), "category": device.category, "entity": alarm.entity,
                "status": alarm.severity,
                // Inferred: an acknowledged alarm shows the name of the user.
                "who": alarm.acknowledged_by.as_deref().unwrap_or("Unacknowledged"),
            }));
        }
    }
    // Inferred: the latest come first.
    rows.sort_by_key(|row| std::cmp::Reverse(row["modTimeLong"].as_i64()));
    ok(rows.into())
}

fn is_of_family(family: Option<&str>, alarm: &Alarm, device: &Device) -> bool {
    match family {
        None | Some("ActiveAlarms") => true,
        Some("Server") => device.category == "Server" && device.virtual_type.is_empty(),
        Some("Network") => NETWORK.contains(&device.category.as_str()),
        Some("Virtualization") => !device.virtual_type.is_empty(),
        Some(family) => alarm.family == family,
    }
}

fn alarm_properties(state: &mut State, arguments: &Arguments) -> Answer {
    let alarm = match (arguments.get("entity"), arguments.integer("deviceID")) {
        (Some(entity), _) => state
            .alarms
            .iter()
            .find(|alarm| alarm.entity == entity)
            .ok_or_else(|| no_such("alarm", entity))?,
        (None, Some(moid)) => {
            let name = &state.device_by_moid(moid)?.name;
            let latest = state
                .active_alarms()
                .filter(|alarm| &alarm.device == name)
                .last();
            latest.ok_or_else(|| no_such("alarm of device", name))?
        }
        // Inferred: neither is marked as required, yet nothing can be shown without one.
        (None, None) => return Err(missing("entity")),
    };
    let device = state.device(&alarm.device)?;
    let name = severity_name(alarm.severity);
    let previous = alarm.previous.unwrap_or(-1);
    let poll_id = alarm
        .entity
        .split('_')
        .next()
        .filter(|id| id.parse::<i64>().is_ok())
        .unwrap_or_default();
    let events = state.events.iter().rev().filter(|event| event.entity == alarm.entity).map(|event| {
        json!({
            "severity": severity_name(event.severity), "statusStr": severity_name(event.severity),
            "source": event.device, "id": text(event.id), "time": clock::long(event.at), "text": event.text,
            "category": device.category, "imgsrc": icon(event.severity), "entity": event.entity,
            "statusNum": text(event.severity),
        })
    });
    ok(json!({
        "statusStr": name, "displayName": device.display_name, "PRIORITY": "0", "workflows": workflows(alarm, device),
        "source": device.name, "stringseverity": name, "GROUPNAME": "", "strCreateTime": clock::long(alarm.created),
        "id": text(alarm.id), "events": events.collect::<Vec<_>>(), "severity": icon(alarm.severity), "WEBNMS": "",
        "strModTime": clock::long(alarm.modified), "ALARMCODE": alarm.code, "message": alarm.message,
        "previousSeverity": text(previous), "priority": "0", "deviceID": device.moid, "OWNERNAME": "",
        "statusNum": text(alarm.severity), "MAPNAME": "", "EVENTTYPE": alarm.event_type, "stage": "0",
        "modTime": text(alarm.modified), "createTime": text(alarm.created), "pollid": poll_id,
        "category": device.category, "entity": alarm.entity,
        "stringpreviousseverity": if previous < 0 { "" } else { severity_name(previous) },
        "who": alarm.acknowledged_by.as_deref().unwrap_or("Unacknowledge"),
    }))
}

/// A workflow has run on devices that went down.
fn workflows(alarm: &Alarm, device: &Device) -> serde_json::Value {
    if !alarm.entity.ends_with("_Poll") {
        return json!([]);
    }
    let at = alarm.created + 2 * clock::SECOND;
    let task = |log: &str| {
        json!({
            "logSeverity": 5, "logMessage": log, "logSeverityStr": "Info", "taskName": "Ping Device",
            "logTimeLong": clock::stamp(at), "logTime": clock::long(at),
        })
    };
    json!([{
        "logSeverity": 5, "moDispName": device.display_name, "logMessage": "The workflow has ended.",
        "rbName": "Ping again",
        "taskList": [task(&format!("ping -n 4 {}", device.ip)), task("No reply.\nPackets: Sent = 4, Received = 0")],
        "rbID": 711, "moID": device.moid, "logTime": clock::long(at),
    }])
}

/// Applies a change to every alarm named; third party: several may be joined by commas.
fn each(
    state: &mut State,
    arguments: &Arguments,
    done: &str,
    change: impl Fn(&mut State, &str),
) -> Answer {
    arguments.need("entity")?;
    let entities = arguments.list("entity");
    for entity in &entities {
        // Inferred: an alarm that does not exist is an error, and then nothing is changed.
        state.alarm_mut(entity)?;
    }
    for entity in &entities {
        change(state, entity);
    }
    message(done)
}

fn add_notes(state: &mut State, arguments: &Arguments) -> Answer {
    let text = arguments.need("notes")?;
    each(state, arguments, "Successfully Added", |state, entity| {
        let (id, at) = (state.next_id(), state.now);
        if let Ok(alarm) = state.alarm_mut(entity) {
            alarm.notes.push(Note {
                id,
                text: text.to_owned(),
                at,
                by: USER,
            });
        }
    })
}

fn set_acknowledged(state: &mut State, entity: &str, by: Option<&str>) {
    if let Ok(alarm) = state.alarm_mut(entity) {
        alarm.acknowledged_by = by.map(str::to_owned);
    }
}

fn acknowledge(state: &mut State, arguments: &Arguments) -> Answer {
    let done = "Alarm has been successfully Acknowledged";
    each(state, arguments, done, |state, entity| {
        set_acknowledged(state, entity, Some(USER));
    })
}

fn unacknowledge(state: &mut State, arguments: &Arguments) -> Answer {
    let done = "Alarm has been successfully UnAcknowledged";
    each(state, arguments, done, |state, entity| {
        set_acknowledged(state, entity, None);
    })
}

fn clear(state: &mut State, arguments: &Arguments) -> Answer {
    each(
        state,
        arguments,
        "Alarm has been successfully Cleared!",
        |state, entity| {
            let Ok(alarm) = state.alarm_mut(entity) else {
                return;
            };
            let (device, event_type, at) =
                (alarm.device.clone(), alarm.event_type.clone(), state.now);
            let message = format!("Alarm cleared by {USER}");
            state.raise(&Incident {
                device: &device,
                entity,
                severity: CLEAR,
                message: &message,
                code: "Manual-CLEAR",
                event_type: &event_type,
                family: "",
                at,
            });
        },
    )
}

fn delete(state: &mut State, arguments: &Arguments) -> Answer {
    each(
        state,
        arguments,
        "Alarm has been successfully Deleted!",
        |state, entity| {
            state.alarms.retain(|alarm| alarm.entity != entity);
            state.events.retain(|event| event.entity != entity);
        },
    )
}

fn configure_suppress_alarm(state: &mut State, arguments: &Arguments) -> Answer {
    let now = state.now;
    let interval = arguments
        .integer("suppressInterval")
        .ok_or_else(|| missing("suppressInterval"))?;
    let time = |name| clock::parse(arguments.need(name)?).ok_or_else(|| not_allowed(name));
    let window = match interval {
        0 => None,
        -1 => Some((now, i64::MAX)),
        -2 => Some((time("startTime")?, time("endTime")?)),
        3_600_000 | 7_200_000 | 28_800_000 | 43_200_000 | 86_400_000 | 604_800_000 => {
            Some((now, now + interval))
        }
        _ => return Err(not_allowed("suppressInterval")),
    };
    state.device_mut(arguments.need("name")?)?.suppressed = window;
    message("Alarm Suppression rule has been added successfully")
}

fn top_devices(state: &mut State, arguments: &Arguments) -> Answer {
    // Inferred: the values of eventType are not documented; here they are those of addEvent, and "All".
    let kind = arguments.need("eventType")?;
    let mut rows: Vec<_> = state
        .devices
        .iter()
        .filter_map(|device| {
            let is_counted = |event: &&crate::state::Event| {
                event.device == device.name
                    && (kind.eq_ignore_ascii_case("All") || event.event_type.eq_ignore_ascii_case(kind))
            };
            let count = state.events.iter().filter(is_counted).count();
            (count > 0).then(|| {
                json!({
                    "ipaddress": device.ip, "moname": device.name, "devicename": device.display_name,
                    "alarmcount": count, "type": device.kind, "category": device.category,
                    "mapname": format!("{}_Map.netmap", device.category), "status": state.severity(device),
                })
            })
        })
        .collect();
    rows.sort_by_key(|row| std::cmp::Reverse(row["alarmcount"].as_u64()));
    ok(rows.into())
}

fn annotation(state: &mut State, arguments: &Arguments) -> Answer {
    let alarm = state.alarm_mut(arguments.need("entity")?)?;
    let note = |note: &Note| {
        json!({
            "notes": note.text, "modTime": note.at, "noteID": note.id, "modTimeStr": clock::long(note.at),
            "entity": alarm.entity, "who": note.by,
        })
    };
    ok(alarm.notes.iter().map(note).collect::<Vec<_>>().into())
}
