//! Toolset `alarms`. What is wrong now, and acting on it.

use super::toolset::toolset;

toolset! {
    "alarms": "What is wrong now, and acting on it.";
    tools {
        list_alarms(ListAlarmsArgs): "List alarms", read core;
        alarm_properties(AlarmPropertiesArgs): "Alarm details", read;
        get_annotation(GetAnnotationArgs): "Alarm notes", read;
        get_top_devices_by_alarms(GetTopDevicesByAlarmsArgs): "Devices with most alarms", read;
        acknowledge_alarm(AcknowledgeAlarmArgs): "Acknowledge alarm", write idempotent core;
        un_acknowledge_alarm(UnAcknowledgeAlarmArgs): "Take back acknowledgement", write idempotent;
        add_notes(AddNotesArgs): "Add note to alarm", write core;
        clear_alarm(ClearAlarmArgs): "Clear alarm", write idempotent overwrites core;
        configure_suppress_alarm(ConfigureSuppressAlarmArgs): "Mute or unmute alarms of a device", write idempotent overwrites core;
        delete_alarm(DeleteAlarmArgs): "Delete alarm", destructive idempotent;
    }
}
