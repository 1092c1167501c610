//! Reports of all kinds, and the business hours that they can be limited to.
//!
//! Owns the answers of the Reports tag.

use serde_json::{Map, Value, json};

use super::{Answer, Handlers, capital, not_allowed, ok, picture, severity_name, text};
use crate::{
    checks::{Arguments, Refusal, missing},
    clock,
    state::{BusinessRule, Device, State, no_such, series},
};

pub(super) const HANDLERS: Handlers = &[
    ("listAllAdvancedReports", advanced_reports, &[]),
    (
        "getAdvancedReportData",
        advanced_report,
        &[
            ("reportId", "701"),
            ("fetchFromRowNumber", "1"),
            ("rowsToFetch", "100"),
        ],
    ),
    (
        "getReportsList",
        reports_list,
        &[("isFavouriteNeeded", "true")],
    ),
    (
        "getReportsData",
        reports_data,
        &[
            ("reportID", "84"),
            ("time", "Last_7_Days"),
            ("viewAs", "json"),
        ],
    ),
    ("listBusinessRules", list_rules, &[]),
    (
        "addBusinessRules",
        add_rule,
        &[
            ("businessRuleName", "Night shift"),
            ("timeSettings", r#"{"monday":"20-24","tuesday":"20-24"}"#),
        ],
    ),
    ("viewBusinessRules", view_rule, &[("businessRuleId", "1")]),
    (
        "updateBusinessRules",
        update_rule,
        &[
            ("businessRuleId", "1"),
            ("description", "When the office is open"),
        ],
    ),
    (
        "deleteBusinessRules",
        delete_rule,
        &[("businessRuleId", "2")],
    ),
    (
        "getReportData",
        report_data,
        &[
            ("deviceList", "core-sw-01,db-01"),
            ("monitorList", "DevicesAvailability,SNMP-CPUUtilization"),
            ("timePeriod", "Today"),
            ("view", "table"),
        ],
    ),
];

const ADVANCED: [(i64, &str, &str, &str); 2] = [
    (
        701,
        "Availability of all devices",
        "Up and down times of every device",
        "",
    ),
    (
        702,
        "Availability of servers",
        "Up and down times of the servers",
        "Server",
    ),
];

/// The sample's rows come 50 to a page.
const ROWS_OF_A_PAGE: usize = 50;

fn advanced_reports(_: &mut State, _: &Arguments) -> Answer {
    let report = |&(id, name, description, _): &(i64, &str, &str, &str)| json!({ "Description": description, "ReportId": id, "Name": name });
    ok(ADVANCED.iter().map(report).collect::<Vec<_>>().into())
}

/// Title and type code of each column.
const COLUMNS: [(&str, i64); 8] = [
    ("name", 12),
    ("Availability (%)", 2),
    ("Up time", 2),
    ("On Hold time", 2),
    ("Maintenance Time", 2),
    ("Parent Down Time", 2),
    ("Dependent Down Time", 2),
    ("Down time", 2),
];

/// `0 hours 20 minutes 0 seconds`, or `0 seconds`.
fn length(millis: i64) -> String {
    if millis == 0 {
        return "0 seconds".to_owned();
    }
    let (hours, minutes) = (millis / clock::HOUR, millis % clock::HOUR / clock::MINUTE);
    let seconds = millis % clock::MINUTE / clock::SECOND;
    format!("{hours} hours {minutes} minutes {seconds} seconds")
}

fn advanced_report(state: &mut State, arguments: &Arguments) -> Answer {
    let id = arguments
        .integer("reportId")
        .ok_or_else(|| missing("reportId"))?;
    let found = ADVANCED
        .iter()
        .find(|(other, ..)| *other == id)
        .ok_or_else(|| no_such("report", &text(id)))?;
    let &(_, name, _, category) = found;
    let devices = state
        .devices
        .iter()
        .filter(|device| category.is_empty() || device.category == category);
    let last_day = (state.now - clock::DAY, state.now);
    let row = |device: &Device| {
        let absence = state.absence(&device.name, last_day);
        let [up, ..] = absence.shares(last_day);
        json!({
            "Maintenance Time": length(absence.planned), "Parent Down Time": "0 seconds",
            "Availability (%)": text(up), "name": device.display_name,
            "On Hold time": "0 seconds", "Down time": length(absence.unplanned),
            "Dependent Down Time": "0 seconds",
            "Up time": length(clock::DAY - absence.planned - absence.unplanned),
            "moName": device.name, "moid": device.moid,
        })
    };
    let rows: Vec<_> = devices.map(row).collect();
    let (records, total) = (rows.len(), rows.len().div_ceil(ROWS_OF_A_PAGE));
    if arguments.is_true("getOnlyColumnDetails") {
        return ok(json!({
            "headers": COLUMNS.map(|(title, _)| title), "deviceNameIndex": 0, "moduleId": "1", "total": total,
            "groupByCount": 0, "reportID": text(id), "reportName": name, "records": records,
            "totalColumns": COLUMNS.len(), "groupHeader": [],
        }));
    }
    let first = arguments
        .integer("fetchFromRowNumber")
        .ok_or_else(|| missing("fetchFromRowNumber"))?
        .max(1) as usize;
    let count = arguments
        .integer("rowsToFetch")
        .ok_or_else(|| missing("rowsToFetch"))?
        .max(0) as usize;
    let types = COLUMNS.iter().chain(&[("moid", -5)]);
    ok(json!({
        "total": total, "reportID": text(id), "reportName": name, "records": records,
        "page": text((first - 1) / ROWS_OF_A_PAGE + 1),
        "rows": rows.into_iter().skip(first - 1).take(count).collect::<Vec<_>>(),
        "headerKeyVsTypeMap": types.map(|&(title, code)| (title.to_owned(), code.into())).collect::<Map<_, Value>>(),
    }))
}

/// Group, id, name, description, whether a user made it.
const REPORTS: [(&str, i64, &str, &str, bool); 4] = [
    (
        "System",
        6,
        "Notification Profiles Triggered",
        "Which notification profiles ran",
        false,
    ),
    (
        "System",
        7,
        "Downtime Scheduler Log",
        "Which downtimes were kept",
        false,
    ),
    ("Fault", 84, "All Alerts", "Alarms of the period", false),
    (
        "Availability",
        28,
        "Availability of Devices",
        "Devices and their availability",
        true,
    ),
];

fn reports_list(_: &mut State, arguments: &Arguments) -> Answer {
    let favourites = arguments.is_true("isFavouriteNeeded");
    let mut groups: Vec<Value> = Vec::new();
    for (group, id, name, description, custom) in REPORTS {
        let mut report = json!({
            "customStatus": capital(custom), "displayName": name, "isCustom": text(custom), "id": id,
            "url": format!("/reports/GenerateReports.do?firstTime=true&reportID={id}"), "Name": name,
            "desc": description,
        });
        if favourites && id == 84 {
            report["isFavourite"] = "true".into();
        }
        match groups
            .iter_mut()
            .find(|other| other["Name"] == group)
            .and_then(|other| other["list"][0]["list"].as_array_mut())
        {
            Some(reports) => reports.push(report),
            None => {
                groups
                    .push(json!({ "displayName": group, "list": [{ "list": [report], "title": "" }], "Name": group }));
            }
        }
    }
    groups.push(json!({ "ScheduleReports": true, "FavoriteReports": true, "CustomReports": true }));
    ok(groups.into())
}

fn reports_data(state: &mut State, arguments: &Arguments) -> Answer {
    let id = arguments
        .integer("reportID")
        .ok_or_else(|| missing("reportID"))?;
    let found = REPORTS
        .iter()
        .find(|(_, other, ..)| *other == id)
        .ok_or_else(|| no_such("report", &text(id)))?;
    let from = state.period_start(arguments.get("time"));
    let is_wanted = |device: &Device| {
        arguments
            .get("category")
            .is_none_or(|category| category == device.category)
    };
    let (headers, mut rows): (&[&str], Vec<Value>) = if id == 84 {
        let alarms = state
            .alarms
            .iter()
            .rev()
            .filter(|alarm| alarm.modified >= from);
        let row = |alarm: &crate::state::Alarm| {
            let device = state
                .device(&alarm.device)
                .ok()
                .filter(|device| is_wanted(device))?;
            Some(json!([
                device.display_name,
                device.name,
                alarm.message,
                picture(alarm.severity)
            ]))
        };
        (
            &["Device Name", "Message", "Severity"],
            alarms.filter_map(row).collect(),
        )
    } else {
        let devices = state.devices.iter().filter(|device| is_wanted(device));
        let row = |device: &Device| {
            json!([
                device.display_name,
                device.name,
                device.kind,
                severity_name(state.severity(device))
            ])
        };
        (
            &["Device Name", "Type", "Status"],
            devices.map(row).collect(),
        )
    };
    let top = arguments.integer("top").unwrap_or(0);
    if top > 0 {
        rows.truncate(top as usize);
    }
    // Cells without a heading, by position: here the managed-entity name.
    let skipped = [1];
    ok(json!([{
        "clientParams": {
            "top": top, "genAt": clock::long(state.now), "showType": arguments.integer("showType").unwrap_or(0),
            "time": arguments.get("time").unwrap_or("Today"), "isFavourite": id == 84, "genAtMilliseconds": state.now,
        },
        "additionalRespData": { "RECORDS": "1", "SKIPCOLUMNS": skipped }, "graphDetails": rows,
        "forward": "eventList", "graphHeaders": headers, "vmClientParams": { "RECORDS": 1, "SKIPCOLUMNS": skipped },
        "ReportGraphName": found.2, "graphDispName": found.2,
    }]))
}

/// Monitors of the report that every device has: name, title, value when up, value when down.
const GENERAL: [(&str, &str, i64, i64); 3] = [
    (
        "DevicesAvailability",
        "DevicesAvailability - Percentage",
        100,
        0,
    ),
    ("Packet_Loss", "Packet Loss - Percentage", 0, 100),
    ("ResponseTime", "Response Time - ms", 4, 0),
];

fn report_data(state: &mut State, arguments: &Arguments) -> Answer {
    let (names, monitors) = (arguments.list("deviceList"), arguments.list("monitorList"));
    let custom = arguments
        .get("startDate")
        .map(|text| clock::parse(text).ok_or_else(|| not_allowed("startDate")));
    let from = custom
        .transpose()?
        .unwrap_or_else(|| state.period_start(arguments.get("timePeriod")));
    let mut answer = Map::new();
    for name in names {
        let device = state.device(name)?;
        for &wanted in &monitors {
            let general = GENERAL.iter().find(|(other, ..)| *other == wanted);
            let own = device
                .monitors
                .iter()
                .find(|monitor| monitor.kind.name == wanted);
            let (title, points) = match (general, own) {
                (Some(&(_, title, up, down)), _) => {
                    let outages = state.outages(&device.name);
                    let was_down =
                        |at: i64| outages.iter().any(|&(from, to)| from <= at && at <= to);
                    let mut points = series(state.now, from, up);
                    for (at, value) in &mut points {
                        if was_down(*at) {
                            *value = down;
                        }
                    }
                    (title.to_owned(), points)
                }
                (_, Some(monitor)) => (
                    format!("{} - {}", monitor.kind.display_name, monitor.kind.units),
                    monitor.series(state.now, from),
                ),
                // Inferred: a device without the monitor has no series, which is no error.
                _ => continue,
            };
            let points = points.into_iter();
            let value = |value: i64| {
                if title.ends_with("Percentage") {
                    value.min(100)
                } else {
                    value
                }
            };
            let line = json!({
                "seriesname": device.display_name,
                "data": points.map(|(at, level)| json!([at, value(level), wanted])).collect::<Vec<_>>(),
                "yaxiscolumnorder": [0], "id": text(device.moid),
            });
            if let Some(lines) = answer
                .entry(title)
                .or_insert_with(|| json!([]))
                .as_array_mut()
            {
                lines.push(line);
            }
        }
    }
    ok(answer.into())
}

// Inferred: no sample is documented for any of the five operations on business rules; their answers are made up.

fn rule(rule: &BusinessRule) -> Value {
    json!({
        "businessRuleId": text(rule.id), "businessRuleName": rule.name, "description": rule.description,
        "timeSettings": rule.hours,
    })
}

fn find_rule<'a>(
    state: &'a mut State,
    arguments: &Arguments,
) -> Result<&'a mut BusinessRule, Refusal> {
    let id = arguments
        .integer("businessRuleId")
        .ok_or_else(|| missing("businessRuleId"))?;
    state
        .rules
        .iter_mut()
        .find(|rule| rule.id == id)
        .ok_or_else(|| no_such("business rule", &text(id)))
}

const WEEKDAYS: [&str; 7] = [
    "monday",
    "tuesday",
    "wednesday",
    "thursday",
    "friday",
    "saturday",
    "sunday",
];

/// Reads `{"monday":"8-18"}`.
fn hours(arguments: &Arguments) -> Result<Option<Map<String, Value>>, Refusal> {
    let Some(settings) = arguments.get("timeSettings") else {
        return Ok(None);
    };
    let unreadable = |_| {
        Refusal::new(
            Some("UNABLE_TO_PARSE_DATA_TYPE"),
            "The parameter 'timeSettings' cannot be read.",
        )
    };
    let hours: Map<String, Value> = serde_json::from_str(settings).map_err(unreadable)?;
    let is_hour = |text: &str| text.trim().parse::<u8>().is_ok_and(|hour| hour <= 24);
    let is_span = |value: &Value| {
        value
            .as_str()
            .and_then(|span| span.split_once('-'))
            .is_some_and(|(from, to)| is_hour(from) && is_hour(to))
    };
    let fits = |(day, span): (&String, &Value)| WEEKDAYS.contains(&day.as_str()) && is_span(span);
    if hours.iter().all(fits) {
        Ok(Some(hours))
    } else {
        Err(not_allowed("timeSettings"))
    }
}

fn list_rules(state: &mut State, _: &Arguments) -> Answer {
    ok(json!({ "businessRules": state.rules.iter().map(rule).collect::<Vec<_>>() }))
}

fn view_rule(state: &mut State, arguments: &Arguments) -> Answer {
    ok(rule(find_rule(state, arguments)?))
}

fn add_rule(state: &mut State, arguments: &Arguments) -> Answer {
    let name = arguments.need("businessRuleName")?.to_owned();
    let hours = hours(arguments)?.unwrap_or_default();
    let description = arguments.get("description").unwrap_or_default().to_owned();
    let id = state.rules.iter().map(|rule| rule.id).max().unwrap_or(0) + 1;
    state.rules.push(BusinessRule {
        id,
        name,
        description,
        hours,
    });
    ok(
        json!({ "result": { "message": "Business rule added successfully.", "businessRuleId": text(id) } }),
    )
}

fn update_rule(state: &mut State, arguments: &Arguments) -> Answer {
    let hours = hours(arguments)?;
    let rule = find_rule(state, arguments)?;
    // Open: whether what is left out is kept. Here it is.
    if let Some(name) = arguments.get("businessRuleName") {
        rule.name = name.to_owned();
    }
    if let Some(description) = arguments.get("description") {
        rule.description = description.to_owned();
    }
    rule.hours = hours.unwrap_or_else(|| rule.hours.clone());
    ok(json!({ "result": { "message": "Business rule updated successfully." } }))
}

fn delete_rule(state: &mut State, arguments: &Arguments) -> Answer {
    let id = find_rule(state, arguments)?.id;
    state.rules.retain(|rule| rule.id != id);
    ok(json!({ "result": { "message": "Business rule deleted successfully." } }))
}
