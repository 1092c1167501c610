//! Monitors of URLs and scripts.

use serde_json::{Map, json};

use crate::{
    checks::Arguments,
    operations::{Answer, ok, severity_name, text},
    state::{CLEAR, State, UrlMonitor},
};

pub(super) fn url_monitors(state: &mut State, _: &Arguments) -> Answer {
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

pub(super) fn device_urls(state: &mut State, _: &Arguments) -> Answer {
    let row = |url: &UrlMonitor| {
        let device = state.device(url.device.as_deref()?).ok()?;
        Some(json!({
            "parentName": device.name, "urlName": url.label, "stringstatus": severity_name(url.severity()),
            "parentDispName": device.display_name, "name": url.name(), "url": url.url, "status": text(url.severity()),
            "statusNum": text(url.severity()),
        }))
    };
    ok(json!({ "List": state.urls.iter().filter_map(row).collect::<Vec<_>>() }))
}

pub(super) fn script_monitors(_: &mut State, _: &Arguments) -> Answer {
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
