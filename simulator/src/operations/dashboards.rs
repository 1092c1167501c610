//! Overviews: business views, dashboards and their widgets.
//!
//! Owns the answers of the Business Views and Dashboard tags.

use serde_json::{Value, json};

use super::{Answer, Handlers, devices::view_members, ok, severity_name, text};
use crate::{
    checks::Arguments,
    clock,
    state::{CRITICAL, State, no_such},
};

pub(super) const HANDLERS: Handlers = &[
    ("getBusinessView", business_views, &[]),
    (
        "getBusinessDetailsView",
        business_view_details,
        &[
            ("bvName", "Web Shop_bv"),
            ("startPoint", "0"),
            ("viewLength", "50"),
        ],
    ),
    ("getWidgetData", widget_data, &[("widgetID", "612")]),
    (
        "getWidgetsList",
        widgets_list,
        &[("dashboardName", "Network Overview")],
    ),
];

fn business_views(state: &mut State, _: &Arguments) -> Answer {
    let views = state.views.iter().map(|view| {
        let severities: Vec<_> = view.members.iter().map(|name| state.severity_of(name)).collect();
        json!({
            "name": format!("{}_bv", view.display_name),
            "total": text(view.members.len()),
            // Inferred: what "error" counts.
            "error": text(severities.iter().filter(|&&severity| severity == CRITICAL).count()),
            "displayName": view.display_name, "status": text(state.worst(&view.members)),
            "alarms": text(state.active_alarms().filter(|alarm| view.members.contains(&alarm.device)).count()),
        })
    });
    ok(json!({ "BusinessView": { "Details": views.collect::<Vec<_>>() } }))
}

fn business_view_details(state: &mut State, arguments: &Arguments) -> Answer {
    let members = view_members(state, arguments.need("bvName")?)?;
    let start = arguments.integer("startPoint").unwrap_or(0).max(0) as usize;
    let length = arguments
        .integer("viewLength")
        .unwrap_or(members.len() as i64)
        .max(0) as usize;
    let devices = members.iter().skip(start).take(length).filter_map(|name| state.device(name).ok()).map(|device| {
        let severity = state.severity(device);
        json!({
            "severity": text(severity), "MemUtilization": device.value_of("Memory Utilization"),
            "CPUUtilization": device.value_of("CPU Utilization"), "displayName": device.display_name,
            "name": device.name, "IpAddress": device.ip, "type": device.kind, "status": severity_name(severity),
        })
    });
    ok(json!({
        "BusinessDetailsView": { "Details": devices.collect::<Vec<_>>(), "TotalRecords": text(members.len()) },
    }))
}

/// Widget id, id on the dashboard, name, unique name, type.
const WIDGETS: [(i64, i64, &str, &str, &str); 3] = [
    (
        271,
        611,
        "Network heat map",
        "widget.name.heatmap",
        "Heatmap",
    ),
    (
        272,
        612,
        "Devices by Availability",
        "widget.name.topnavail",
        "Grid",
    ),
    (
        273,
        613,
        "Recent Alarms",
        "widget.name.recentalarms",
        "Grid",
    ),
];

fn widgets_list(state: &mut State, arguments: &Arguments) -> Answer {
    let name = arguments.need("dashboardName")?;
    if name != "Network Overview" {
        return Err(no_such("dashboard", name));
    }
    let widgets = WIDGETS.iter().zip(0..).map(|(&(widget_id, id, name, unique_name, kind), row)| {
        json!({
            "widgetID": text(widget_id), "name": name, "width": "2", "x": "0", "y": text(row * 20), "id": text(id),
            "type": kind, "desc": name, "widgetUniqueName": unique_name, "height": "20",
        })
    });
    ok(json!({
        "dashName": name, "dashboardID": "31", "isDashPropsAvailable": true, "isDefaultDashboard": true,
        "dashDesc": format!("{} devices at a glance", state.devices.len()), "noOfCols": "4",
        "colWidths": [{ "colWidth": "50", "colID": "1" }, { "colWidth": "50", "colID": "2" }],
        "configureWidget": true, "editDashboard": false, "widgetList": widgets.collect::<Vec<_>>(),
    }))
}

/// `1d`, `23h 40m`, `20m`, `0s`
fn short(millis: i64) -> String {
    let (hours, minutes) = (millis / clock::HOUR, millis % clock::HOUR / clock::MINUTE);
    match (hours, minutes) {
        (0, 0) => format!("{}s", millis / clock::SECOND),
        (0, minutes) => format!("{minutes}m"),
        (24, 0) => "1d".to_owned(),
        (hours, minutes) => format!("{hours}h {minutes}m"),
    }
}

fn widget_data(state: &mut State, arguments: &Arguments) -> Answer {
    let wanted = arguments.integer("widgetID").unwrap_or_default();
    // Open: whether widgetID or id of getWidgetsList is meant. By the sample it is id, here both are taken.
    let found = WIDGETS
        .iter()
        .find(|(widget_id, id, ..)| *id == wanted || *widget_id == wanted);
    let &(_, id, name, unique_name, kind) =
        found.ok_or_else(|| no_such("widget", &wanted.to_string()))?;
    let (headers, rows): (&[&str], Vec<Value>) = match id {
        613 => (&["Message", "Name"], state.active_alarms().map(|alarm| {
            // Inferred: the rows of other widgets than the one documented.
            json!({ "message": alarm.message, "displayName": alarm.device, "modTime": clock::long(alarm.modified) })
        }).collect()),
        _ => (&["Name", "IPAddress", "Up"], state.devices.iter().map(|device| {
            let last_day = (state.now - clock::DAY, state.now);
            let absence = state.absence(&device.name, last_day);
            let [up, _, down] = absence.shares(last_day);
            json!({
                "parentKey": "NULL", "onHold": "0s", "displayName": device.display_name, "dependentUnavailable": "0s",
                "ipAddress": device.ip, "availability": text(up), "downPercent": text(down),
                "deviceName": device.name, "maintenance": short(absence.planned),
                "down": short(absence.unplanned), "NOTMONITORED": "0s",
                "uptime": short(clock::DAY - absence.planned - absence.unplanned),
            })
        }).collect()),
    };
    ok(json!({
        text(id): {
            "WidgetName": name, "WidgetForwardPage": "availDetails", "WidgetAdditionalData": {}, "WidgetData": rows,
            "Period": "twfourhours", "WidgetType": kind, "WidgetHeaders": headers, "Name": unique_name,
        },
    }))
}
