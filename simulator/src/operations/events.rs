//! Events: the list, and adding one.
//!
//! Owns the answers of the Events tag. What an event does to alarms is decided in the state.

use serde_json::{Map, Value, json};

use super::{Answer, Handlers, message, ok, severity_name, text};
use crate::{
    checks::{Arguments, missing},
    clock,
    state::{Incident, State},
};

pub(super) const HANDLERS: Handlers = &[
    ("listEvents", list_events, &[("period", "Today")]),
    (
        "addEvent",
        add_event,
        &[
            ("source", "web-01"),
            ("severity", "2"),
            ("message", "Queue of the shop is long"),
            ("alarmCode", "Shop-QUEUE"),
            ("entity", "shop_queue"),
            ("eventType", "Shop"),
        ],
    ),
];

fn list_events(state: &mut State, arguments: &Arguments) -> Answer {
    let same = |name: &str, value: &str| arguments.get(name).is_none_or(|wanted| wanted == value);
    // Inferred: without a period, everything is listed.
    let from = arguments
        .get("period")
        .map(|period| state.period_start(Some(period)));
    let severity = arguments.integer("severity");
    let (mut list, mut counts) = (Vec::new(), Map::new());
    let mut details: Map<String, Value> = Map::new();
    let count = |value: &mut Value| *value = (value.as_i64().unwrap_or(0) + 1).into();
    for event in state.events.iter().rev() {
        let Ok(device) = state.device(&event.device) else {
            continue;
        };
        let wanted = same("deviceName", &device.name)
            && same("entity", &event.entity)
            && same("category", &device.category)
            && same("eventType", &event.event_type)
            && severity.is_none_or(|severity| severity == event.severity)
            && from.is_none_or(|from| from <= event.at);
        if !wanted {
            continue;
        }
        let label = severity_name(event.severity);
        list.push(json!({
            "modTimeLong": text(event.at), "statusStr": label, "prettyTime": clock::ago(state.now, event.at),
            "displayname": device.display_name, "text": event.text, "category": device.category,
            "statusNum": text(event.severity),
        }));
        count(counts.entry(label).or_insert(Value::Null));
        let category = details
            .entry(device.category.as_str())
            .or_insert_with(|| json!([]));
        let Some(labels) = category.as_array_mut() else {
            continue;
        };
        match labels.iter_mut().find(|entry| entry["label"] == label) {
            Some(entry) => count(&mut entry["value"]),
            None => labels.push(json!({ "value": 1, "status": event.severity, "label": label })),
        }
    }
    ok(json!({ "severityVsCount": counts, "List": list, "Details": details }))
}

fn add_event(state: &mut State, arguments: &Arguments) -> Answer {
    let device = arguments.need("source")?;
    state.device(device)?;
    let at = state.now;
    state.raise(&Incident {
        device,
        entity: arguments.need("entity")?,
        severity: arguments
            .integer("severity")
            .ok_or_else(|| missing("severity"))?,
        message: arguments.need("message")?,
        code: arguments.get("alarmCode").unwrap_or_default(),
        event_type: arguments.get("eventType").unwrap_or_default(),
        family: "",
        at,
    });
    message("Event has been successfully generated.")
}
