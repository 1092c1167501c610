//! Availability: reachability, downtime schedules, and what is managed.
//!
//! Owns the answers of the Availability tag. What being down means is decided in the state.

use serde_json::{Value, json};

use super::{Answer, Handlers, message, not_allowed, ok};
use crate::{
    checks::{Arguments, Refusal, missing},
    clock,
    state::{Absence, CRITICAL, Schedule, Span, State, no_such},
};

pub(super) const HANDLERS: Handlers = &[
    ("getPingResponse", ping, &[("deviceName", "core-sw-01")]),
    ("getTraceResponse", trace, &[("deviceName", "rtr-02")]),
    ("getDownDevices", down_devices, &[]),
    (
        "getAvailabilityGraphData",
        availability_graph,
        &[("name", "db-02"), ("isFluidic", "true")],
    ),
    ("listDownTimeSchedules", list_schedules, &[]),
    (
        "addDowntimeSchedule",
        add_schedule,
        &[
            ("operation", "Add"),
            ("scheduleName", "Firmware upgrade"),
            ("status", "Enabled"),
            ("recurrence", "OnceOnly"),
            ("selectDevicesMethod", "Device"),
            ("selectedDevices", "core-sw-01,core-sw-02"),
            ("once_startat", "2026-02-01 01:00"),
            ("once_endate", "2026-02-01 03:00"),
        ],
    ),
    (
        "updateDowntimeSchedule",
        update_schedule,
        &[
            ("operation", "Edit"),
            ("MS_INSTANCEID", "11"),
            ("scheduleId", "11"),
            ("scheduleName", "Weekly patches"),
            ("status", "Disabled"),
            ("recurrence", "Weekly"),
            ("selectDevicesMethod", "Category"),
            ("selectedCateg", "Server"),
        ],
    ),
    (
        "getDowntimeSchedule",
        get_schedule,
        &[("scheduleName", "Weekly patches")],
    ),
    (
        "setManaged",
        set_managed,
        &[("name", "desk-07"), ("manage", "false")],
    ),
];

/// The address of a device and whether it answers. Inferred: hosts that are not managed can be probed by address.
fn probe(state: &State, arguments: &Arguments) -> Result<(String, bool), Refusal> {
    let name = arguments.need("deviceName")?;
    match state
        .devices
        .iter()
        .find(|device| device.name == name || device.ip == name)
    {
        Some(device) => Ok((device.ip.clone(), !state.is_down(device))),
        None if name.parse::<std::net::IpAddr>().is_ok() => Ok((name.to_owned(), false)),
        None => Err(no_such("device", name)),
    }
}

fn ping(state: &mut State, arguments: &Arguments) -> Answer {
    let (ip, up) = probe(state, arguments)?;
    let (reply, summary) = if up {
        let reply = format!("Reply from {ip}: bytes=32 time=4ms TTL=62");
        (
            reply,
            "Sent = 1, Received = 1, Lost = 0 (0% loss),\n Minimum = 4ms, Maximum = 4ms, Average = 4ms",
        )
    } else {
        (
            "Request timed out.".to_owned(),
            "Sent = 1, Received = 0, Lost = 1 (100% loss)",
        )
    };
    let details = format!(
        "\nPinging {ip} with 32 bytes of data:\n{reply}\n\nPing statistics for {ip}:\n Packets: {summary}\n"
    );
    ok(json!({ "PingResponse": { "Details": details } }))
}

fn trace(state: &mut State, arguments: &Arguments) -> Answer {
    let (ip, up) = probe(state, arguments)?;
    let last = if up {
        format!("3 4 ms 4 ms 5 ms {ip}")
    } else {
        "3 * * * Request timed out.".to_owned()
    };
    let details = format!(
        "\nTracing route to {ip}\n\n 1 1 ms 1 ms 1 ms 192.0.2.1\n 2 2 ms 2 ms 3 ms 192.0.2.254\n {last}\n\nTrace complete.\n"
    );
    ok(json!({ "TraceResponse": { "Details": details } }))
}

fn down_devices(state: &mut State, _: &Arguments) -> Answer {
    let down = state.devices.iter().filter(|device| state.severity(device) == CRITICAL).map(|device| {
        json!({ "name": device.name, "type": device.kind, "category": device.category, "displayName": device.display_name })
    });
    ok(json!({ "DownDevices": { "Details": down.collect::<Vec<_>>() } }))
}

/// The periods of the graph, by label.
fn spans(now: i64) -> [(&'static str, Span); 10] {
    let midnight = now - now.rem_euclid(clock::DAY);
    // The first day of the epoch was a Thursday.
    let monday = midnight - (midnight / clock::DAY + 3).rem_euclid(7) * clock::DAY;
    let first_of_month = |at: i64| {
        let date: String = clock::date(at).chars().take(8).collect();
        clock::parse(&format!("{date}01")).unwrap_or(at)
    };
    let month = first_of_month(now);
    [
        ("Last 12 hours", (now - 12 * clock::HOUR, now)),
        ("Today", (midnight, now)),
        ("Last 24 hours", (now - clock::DAY, now)),
        ("Yesterday", (midnight - clock::DAY, midnight)),
        ("This week", (monday, now)),
        ("Last 7 days", (now - 7 * clock::DAY, now)),
        ("Last week", (monday - 7 * clock::DAY, monday)),
        ("This month", (month, now)),
        ("Last 30 days", (now - 30 * clock::DAY, now)),
        ("Last month", (first_of_month(month - clock::DAY), month)),
    ]
}

fn availability_graph(state: &mut State, arguments: &Arguments) -> Answer {
    let (name, now) = (arguments.need("name")?, state.now);
    let url = state.urls.iter().find(|url| url.name() == name);
    let is_device = state.device(name).is_ok();
    // Devices have a past; whatever else is bad now is so since it changed, or for one hour.
    let down_since = match (url, state.interface(name)) {
        (Some(url), _) => (!url.up).then_some(now - clock::HOUR),
        (_, Ok((_, interface))) => interface.down_since(now),
        _ => {
            state.device(name)?;
            None
        }
    };
    let shares = spans(now).map(|(label, span)| {
        let absence = if is_device {
            state.absence(name, span)
        } else {
            Absence {
                planned: 0,
                unplanned: down_since.map_or(0, |since| (span.1 - since.max(span.0)).max(0)),
            }
        };
        (label, absence.shares(span))
    });
    let line = |label: &str, part: usize| {
        let data = shares.map(|(span, parts)| json!([span, parts[part]]));
        json!({ "seriesname": label, "data": data })
    };
    let uptime = shares.map(|(span, [up, ..])| (span.to_owned(), up.into()));
    let never = shares.map(|(span, _)| json!([span, 0]));
    ok(json!({
        "uptimeData": uptime.into_iter().collect::<serde_json::Map<_, _>>(),
        "graphData": [
            line("Up", 0),
            line("Down", 2),
            line("On Maintenance", 1),
            json!({ "seriesname": "Dependent Unavailable", "data": never }),
        ],
    }))
}

fn next_start(schedule: &Schedule, now: i64) -> i64 {
    let clock = clock::parse_clock(schedule.field("from_time")).unwrap_or(0);
    let startday = schedule.field("startday");
    match schedule.field("recurrence") {
        "Daily" => clock::next(now, clock, |_, _| true),
        "Weekly" => clock::next(now, clock, |weekday, _| weekday.to_string() == startday),
        "Monthly" => {
            let hour = |name| schedule.field(name).parse::<i64>().unwrap_or(0);
            let clock = hour("from_hrs") * clock::HOUR + hour("from_mins") * clock::MINUTE;
            let weekday = schedule.field("weekday");
            clock::next(now, clock, |day, number| {
                day.to_string() == weekday || number.to_string() == startday
            })
        }
        _ => clock::parse(schedule.field("once_startat")).unwrap_or(now),
    }
}

fn row(schedule: &Schedule, now: i64) -> Value {
    let enabled = schedule.field("status") != "Disabled";
    json!({
        "name": schedule.field("scheduleName"), "id": schedule.id.to_string(),
        "type": if schedule.field("recurrence") == "OnceOnly" { "Once" } else { schedule.field("recurrence") },
        "nextscheduledtime": clock::weekday_form(next_start(schedule, now)),
        "statusNum": if enabled { "1" } else { "0" }, "status": if enabled { "Enabled" } else { "Disabled" },
    })
}

fn list_schedules(state: &mut State, _: &Arguments) -> Answer {
    ok(state
        .schedules
        .iter()
        .map(|schedule| row(schedule, state.now))
        .collect::<Vec<_>>()
        .into())
}

/// The parameters that describe a schedule, without those that say which one and what to do.
fn settings(arguments: &Arguments) -> impl Iterator<Item = (String, String)> {
    let kept = |(name, _): &&(String, String)| {
        !matches!(name.as_str(), "operation" | "scheduleId" | "MS_INSTANCEID")
    };
    arguments.all().iter().filter(kept).cloned()
}

/// Inferred: no parameter is marked as required, these are what a schedule cannot be without.
fn check_schedule(schedule: &Schedule) -> Result<(), Refusal> {
    let once = schedule.field("recurrence") == "OnceOnly";
    let times: &[&str] = if once { &["once_startat"] } else { &[] };
    for name in ["scheduleName", "recurrence", "selectDevicesMethod"]
        .iter()
        .chain(times)
    {
        if schedule.field(name).is_empty() {
            return Err(missing(name));
        }
    }
    for name in [
        "once_startat",
        "once_endate",
        "once_endat",
        "daily_effectfrom",
    ] {
        if !schedule.field(name).is_empty() && clock::parse(schedule.field(name)).is_none() {
            return Err(not_allowed(name));
        }
    }
    for (name, below) in [
        ("from_hrs", 24),
        ("to_hrs", 24),
        ("from_mins", 60),
        ("to_mins", 60),
    ] {
        let value = schedule.field(name);
        if !value.is_empty()
            && value
                .parse::<i64>()
                .map_or(true, |number| !(0..below).contains(&number))
        {
            return Err(not_allowed(name));
        }
    }
    Ok(())
}

fn add_schedule(state: &mut State, arguments: &Arguments) -> Answer {
    let schedule = Schedule {
        id: state.next_id(),
        fields: settings(arguments).collect(),
    };
    check_schedule(&schedule)?;
    if state
        .schedules
        .iter()
        .any(|other| other.field("scheduleName") == schedule.field("scheduleName"))
    {
        return Err(Refusal::new(None, "A schedule of this name exists.")); // Inferred.
    }
    state.schedules.push(schedule);
    message("Downtime Scheduler has been added successfully.")
}

fn update_schedule(state: &mut State, arguments: &Arguments) -> Answer {
    let id = arguments
        .integer("scheduleId")
        .or_else(|| arguments.integer("MS_INSTANCEID"))
        .ok_or_else(|| missing("scheduleId"))?;
    let found = state
        .schedules
        .iter_mut()
        .find(|schedule| schedule.id == id);
    let schedule = found.ok_or_else(|| no_such("schedule", &id.to_string()))?;
    // Inferred: what is not sent stays as it is.
    let mut changed = Schedule {
        id,
        fields: schedule.fields.clone(),
    };
    if arguments
        .all()
        .iter()
        .any(|(name, _)| name.starts_with("selected"))
    {
        changed
            .fields
            .retain(|name, _| !name.starts_with("selected"));
    }
    changed.fields.extend(settings(arguments));
    check_schedule(&changed)?;
    *schedule = changed;
    // Inferred: the documented sample is that of another call.
    message("Downtime Scheduler has been updated successfully.")
}

fn get_schedule(state: &mut State, arguments: &Arguments) -> Answer {
    let name = arguments.need("scheduleName")?;
    let found = state
        .schedules
        .iter()
        .find(|schedule| schedule.field("scheduleName") == name);
    let schedule = found.ok_or_else(|| no_such("schedule", name))?;
    // Inferred: the documented sample is that of the list. This is the row of the list and what the schedule was made of.
    let mut answer = row(schedule, state.now);
    for (name, value) in &schedule.fields {
        answer[name] = value.as_str().into();
    }
    ok(answer)
}

fn set_managed(state: &mut State, arguments: &Arguments) -> Answer {
    let (name, managed) = (arguments.need("name")?, arguments.is_true("manage"));
    let kind = if arguments.is_true("isInterface") {
        Some("INTERFACE")
    } else {
        arguments.get("type")
    };
    let (label, flag) = match kind {
        Some("INTERFACE") => {
            let mut interfaces = state
                .devices
                .iter_mut()
                .flat_map(|device| &mut device.interfaces);
            let found = interfaces
                .find(|interface| interface.name == name)
                .ok_or_else(|| no_such("interface", name))?;
            ("Interface", &mut found.managed)
        }
        Some("URL") => {
            let found = state
                .urls
                .iter_mut()
                .find(|url| url.name() == name)
                .ok_or_else(|| no_such("URL monitor", name))?;
            ("URL", &mut found.managed)
        }
        _ => ("Device", &mut state.device_mut(name)?.managed),
    };
    *flag = managed;
    // The text for "true" is documented, that for "false" is inferred.
    message(&format!(
        "{label} is {}.",
        if managed {
            "being managed"
        } else {
            "not being managed"
        }
    ))
}
