//! Toolset `monitoring`. Monitors: what is measured, the last values, and attaching or removing monitors.

use super::toolset::toolset;

toolset! {
    "monitoring": "Monitors: what is measured, the last values, and attaching or removing monitors.";
    tools {
        get_device_associated_monitors(GetDeviceAssociatedMonitorsArgs): "Monitors of a device", read core;
        get_last_collected_values(GetLastCollectedValuesArgs): "Latest monitor values", read core;
        get_performance_monitor_details(GetPerformanceMonitorDetailsArgs): "Statistics and thresholds of a monitor", read;
        get_performance_monitors(GetPerformanceMonitorsArgs): "Monitors a device can have", read;
        test_monitor(TestMonitorArgs): "Poll a monitor now", read;
        get_associated_process_monitors(GetAssociatedProcessMonitorsArgs): "Process monitors of a device", read;
        get_associated_service_monitors(GetAssociatedServiceMonitorsArgs): "Service monitors of a device", read;
        get_windows_service_monitors(GetDeviceAssociatedWindowsServiceMonitorsArgs): "Windows service monitors of a device", read;
        list_url_monitors(ListUrlMonitorsArgs): "List URL monitors", read;
        list_all_devices_specific_urls(ListAllDevicesSpecificUrLsArgs): "URL monitors of devices", read;
        list_performance_monitors(ListPerformanceMonitorsArgs): "All kinds of performance monitors", read;
        list_trap_processors(ListTrapProcessorsArgs): "List trap processors", read;
        list_script_monitors(ListScriptMonitorsArgs): "List script monitors", read;
        add_performance_monitors(AddPerformanceMonitorsArgs): "Add performance monitors", write idempotent;
        associate_process_monitor(AssociateProcessMonitorArgs): "Monitor processes", write idempotent;
        associate_service_monitor(AssociateServiceMonitorArgs): "Monitor services", write idempotent;
        add_service_monitor(AddServiceMonitorArgs): "Define a service", write;
        configure_monitoring_interval(ConfigureMonitoringIntervalArgs): "Set polling interval", write idempotent overwrites;
        delete_performance_monitors(DeletePerformanceMonitorsArgs): "Remove performance monitors", destructive idempotent;
    }
}
