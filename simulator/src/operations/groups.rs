//! Groups of devices and of interfaces.
//!
//! Owns the answers of the Groups tag.

use serde_json::{Value, json};

use super::{Answer, Handlers, icon, message, not_allowed, ok, page, severity_name, text};
use crate::{
    checks::{Arguments, Refusal},
    clock,
    state::{Group, State},
};

pub(super) const HANDLERS: Handlers = &[
    ("listAllLogicalGroups", list_groups, &[]),
    (
        "getLogicalGroupInfo",
        group_info,
        &[("groupName", "databases-402")],
    ),
    (
        "getLogicalGroupAlerts",
        group_alerts,
        &[("groupName", "databases-402")],
    ),
    (
        "listLogicalGroupMembers",
        group_members,
        &[("groupName", "databases-402")],
    ),
    (
        "addToGroup",
        add_to_group,
        &[
            ("groupName", "databases-402"),
            ("groupType", "device"),
            ("selectedMembers", "file-01"),
        ],
    ),
];

fn kind(group: &Group) -> &'static str {
    if group.of_interfaces {
        "Interface"
    } else {
        "Device"
    }
}

fn list_groups(state: &mut State, arguments: &Arguments) -> Answer {
    let mut rows: Vec<_> = state
        .groups
        .iter()
        .map(|group| {
            let severity = state.worst(&group.members);
            json!({
                "groupDisplayName": group.display_name, "groupType": kind(group), "groupName": group.name(),
                "device_Count": text(group.members.len()), "groupID": text(group.id),
                "count": text(group.members.len()), "description": group.description, "availability": "NA",
                "statusImg": icon(severity), "displayGroupType": kind(group), "statusLabel": severity_name(severity),
                "status": text(severity), "isSuppressed": false,
            })
        })
        .collect();
    if let Some(filters) = arguments.get("filters") {
        let filters: Value = serde_json::from_str(filters).map_err(|_| not_allowed("filters"))?;
        rows.retain(|row| is_kept(row, &filters));
    }
    let paged = arguments.get("rows").is_some();
    let page = page(rows, arguments);
    if !paged {
        return ok(page.rows.into());
    }
    // Inferred: a page of groups looks like a page of devices.
    ok(
        json!({ "total": page.total, "page": page.number, "rows": page.rows, "records": page.records }),
    )
}

/// Applies a grid filter: `cn` is "contains", `eq` is "equals".
pub(super) fn is_kept(row: &Value, filters: &Value) -> bool {
    let mut rules = filters["rules"]
        .as_array()
        .into_iter()
        .flatten()
        .map(|rule| {
            let column = &row[rule["field"].as_str().unwrap_or_default()];
            let column = column
                .as_str()
                .map_or_else(|| column.to_string(), str::to_lowercase);
            let data = rule["data"].as_str().unwrap_or_default().to_lowercase();
            if rule["op"] == "eq" {
                column == data
            } else {
                column.contains(&data)
            }
        });
    if filters["groupOp"] == "OR" {
        rules.any(|kept| kept)
    } else {
        rules.all(|kept| kept)
    }
}

/// The devices of a group; of an interface group, those that the interfaces belong to.
fn devices<'a>(state: &'a State, group: &'a Group) -> Vec<&'a str> {
    let device = |member: &'a String| {
        state
            .interface(member)
            .map_or(member.as_str(), |(device, _)| &device.name)
    };
    group.members.iter().map(device).collect()
}

fn group_info(state: &mut State, arguments: &Arguments) -> Answer {
    let group = state.group(arguments.need("groupName")?)?;
    let (severity, devices) = (state.worst(&group.members), devices(state, group));
    let from = state.period_start(arguments.get("period"));
    let changes = state
        .events
        .iter()
        .filter(|event| event.at >= from && devices.contains(&event.device.as_str()));
    let mut details = json!({
        "groupType": kind(group), "groupID": text(group.id), "count": text(group.members.len()),
        "description": group.description, "statusImg": icon(severity), "statusLabel": severity_name(severity),
        "groupDisplayName": group.display_name, "groupName": group.name(),
        "alertCount": state.active_alarms().filter(|alarm| devices.contains(&alarm.device.as_str())).count(),
        "statusChangeCount": changes.count(), "displayGroupType": kind(group), "status": text(severity),
    });
    if !group.of_interfaces {
        details["deviceDevice_Count"] = text(group.members.len()).into();
    }
    ok(json!({
        "GroupDetails": details,
        // The layout of the web client, cut short.
        "snapDetails": { "snapList": [], "snapshotName": "LogicalDeviceGroup", "timeSelectionNeeded": false },
    }))
}

fn group_alerts(state: &mut State, arguments: &Arguments) -> Answer {
    let group = state.group(arguments.need("groupName")?)?;
    let devices = devices(state, group);
    let alarms = state.active_alarms().filter(|alarm| devices.contains(&alarm.device.as_str())).map(|alarm| {
        json!({
            "severity": severity_name(alarm.severity), "groupType": kind(group).to_lowercase(),
            "severityString": icon(alarm.severity), "modTime": clock::long(alarm.modified),
            "displayName": state.device(&alarm.device).map_or("", |device| &device.display_name),
            "name": alarm.device, "alarmId": alarm.id, "type": kind(group).to_lowercase(), "message": alarm.message,
            "entity": alarm.entity, "status": alarm.severity,
        })
    });
    ok(alarms.collect::<Vec<_>>().into())
}

fn group_members(state: &mut State, arguments: &Arguments) -> Answer {
    let group = state.group(arguments.need("groupName")?)?;
    let members = group.members.iter().map(|name| {
        let severity = state.severity_of(name);
        let (display_name, moid) = match (state.device(name), state.interface(name)) {
            (Ok(device), _) => (device.display_name.clone(), device.moid),
            (_, Ok((_, interface))) => (interface.display_name(), interface.moid),
            _ => (name.clone(), 0),
        };
        json!({
            "groupType": kind(group), "statusStr": severity_name(severity), "displayname": display_name, "name": name,
            "type": kind(group), "moid": text(moid), "statusNum": text(severity),
        })
    });
    ok(members.collect::<Vec<_>>().into())
}

fn add_to_group(state: &mut State, arguments: &Arguments) -> Answer {
    let (name, members) = (
        arguments.need("groupName")?,
        arguments.list("selectedMembers"),
    );
    let of_interfaces = state.group(name)?.of_interfaces;
    if (arguments.need("groupType")? == "interface") != of_interfaces {
        // Inferred: members of the wrong kind are refused.
        return Err(Refusal::new(
            None,
            "The group does not take members of this type.",
        ));
    }
    for member in &members {
        if of_interfaces {
            state.interface(member).map(drop)?;
        } else {
            state.device(member).map(drop)?;
        }
    }
    if let Some(group) = state.groups.iter_mut().find(|group| group.name() == name) {
        // Open: whether the members are added or replace those there are. Here they are added.
        for member in members {
            if !group.members.iter().any(|other| other == member) {
                group.members.push(member.to_owned());
            }
        }
    }
    message(if of_interfaces {
        "The Interface(s) have been associated to the group successfully."
    } else {
        "The Device(s) have been associated to the group successfully."
    })
}
