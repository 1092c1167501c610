//! Toolset `availability`. What is down, probes, and planned downtime.

use super::toolset::toolset;

toolset! {
    "availability": "What is down, probes, and planned downtime.";
    tools {
        get_down_devices(GetDownDevicesArgs): "Devices that are down", read core;
        get_availability_graph_data(GetAvailabilityGraphDataArgs): "Availability over time", read core;
        get_ping_response(GetPingResponseArgs): "Ping device", read core;
        get_trace_response(GetTraceResponseArgs): "Trace route to device", read;
        list_down_time_schedules(ListDownTimeSchedulesArgs): "List downtime schedules", read core;
        get_downtime_schedule(GetDowntimeScheduleArgs): "Downtime schedule", read;
        add_downtime_schedule(AddDowntimeScheduleArgs): "Add downtime schedule", write core;
        update_downtime_schedule(UpdateDowntimeScheduleArgs): "Change downtime schedule", write idempotent overwrites;
        set_managed(SetManagedArgs): "Start or stop monitoring", write idempotent overwrites core;
    }
}
