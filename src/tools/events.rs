//! Toolset `events`. The events behind the alarms.

use super::toolset::toolset;

toolset! {
    "events": "The events behind the alarms.";
    tools {
        list_events(ListEventsArgs): "List events", read core;
        add_event(AddEventArgs): "Add event", write;
    }
}
