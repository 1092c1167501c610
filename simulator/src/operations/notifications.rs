//! Notification profiles and the devices that they serve.
//!
//! Owns the answers of the Notifications tag.

use serde_json::json;

use super::{Answer, Handlers, message, ok, text};
use crate::{
    checks::Arguments,
    state::{State, no_such},
};

pub(super) const HANDLERS: Handlers = &[
    (
        "listNotificationProfiles",
        list_profiles,
        &[
            ("isGlobal", "true"),
            ("profileFilter", "All"),
            ("deviceName", "db-01"),
        ],
    ),
    (
        "associateNotificationProfiles",
        associate,
        &[("deviceName", "web-01"), ("profiles", "602")],
    ),
    (
        "updateNotificationProfileStatus",
        update_status,
        &[
            ("profileName", "Ticket for servers"),
            ("profileId", "602"),
            ("status", "disable"),
        ],
    ),
    (
        "getNotificationProfiles",
        profiles_of_device,
        &[("name", "db-01")],
    ),
];

fn list_profiles(state: &mut State, arguments: &Arguments) -> Answer {
    let device = arguments
        .get("deviceName")
        .map(|name| Ok(&state.device(name)?.name))
        .transpose()?;
    let global = arguments
        .get("isGlobal")
        .map(|_| arguments.is_true("isGlobal"));
    let kind = arguments.get("profileFilter").filter(|kind| *kind != "All");
    let listed = state.profiles.iter().filter(|profile| {
        global.is_none_or(|global| global == profile.global)
            && kind.is_none_or(|kind| kind == profile.kind)
    });
    let rows = listed.map(|profile| {
        let mut row = json!({
            "profileName": profile.name, "hasSubProfiles": false, "profileType": profile.kind,
            "profileLabel": profile.kind, "profileID": text(profile.id),
            "hasCriteria": profile.kind == "Log a Ticket", "isDevice": !profile.global,
            "status": text(profile.enabled),
        });
        if let Some(device) = device {
            row["hasAssociated"] = profile.devices.contains(device).into();
        }
        row
    });
    ok(rows.collect::<Vec<_>>().into())
}

fn associate(state: &mut State, arguments: &Arguments) -> Answer {
    let (names, ids) = (arguments.list("deviceName"), arguments.list("profiles"));
    for name in &names {
        state.device(name)?;
    }
    for id in &ids {
        if !state.profiles.iter().any(|profile| text(profile.id) == *id) {
            return Err(no_such("notification profile", id));
        }
    }
    for profile in state
        .profiles
        .iter_mut()
        .filter(|profile| ids.contains(&text(profile.id).as_str()))
    {
        profile
            .devices
            .extend(names.iter().map(|&name| name.to_owned()));
    }
    message("Notification Profile has been associated successfully")
}

fn update_status(state: &mut State, arguments: &Arguments) -> Answer {
    let (name, id) = (
        arguments.need("profileName")?,
        arguments.integer("profileId"),
    );
    let enabled = arguments.need("status")? == "enable";
    let mut profiles = state.profiles.iter_mut();
    let profile = profiles.find(|profile| Some(profile.id) == id && profile.name == name);
    profile
        .ok_or_else(|| no_such("notification profile", name))?
        .enabled = enabled;
    // The documented answer lacks the "result" that other writes have. Inferred: the text for "disable".
    let done = if enabled { "enabled" } else { "disabled" };
    ok(json!({ "message": format!("Notification Profile(s) {done} successfully") }))
}

fn profiles_of_device(state: &mut State, arguments: &Arguments) -> Answer {
    let name = &state.device(arguments.need("name")?)?.name;
    let profiles = state.profiles.iter().filter(|profile| profile.devices.contains(name)).map(|profile| {
        json!({
            "profileName": profile.name, "actionDisplayName": profile.kind, "profileLabel": profile.kind,
            "criteriaId": text(profile.id - 300), "profileId": text(profile.id), "isGlobal": profile.global,
            "actionName": profile.kind, "status": text(profile.enabled),
        })
    });
    ok(profiles.collect::<Vec<_>>().into())
}
