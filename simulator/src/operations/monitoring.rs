//! Monitors: performance, services, processes, URLs and scripts.
//!
//! Owns the answers of the Monitoring tag.

use super::Handlers;
use associated::associated_monitors;
use performance::{
    add_monitors, delete_monitors, last_collected_values, monitor_details, performance_monitors,
    test_monitor,
};
use services::{
    associate_processes, associate_services, process_monitors, service_monitors, windows_services,
};
use urls::{device_urls, script_monitors, url_monitors};

mod associated;
mod performance;
mod services;
mod urls;

pub(super) const HANDLERS: Handlers = &[
    (
        "getDeviceAssociatedMonitors",
        associated_monitors,
        &[("name", "ad-01")],
    ),
    (
        "getPerformanceMonitors",
        performance_monitors,
        &[
            ("deviceName", "web-01"),
            ("category", "Server"),
            ("type", "Linux"),
        ],
    ),
    (
        "getLastCollectedValues",
        last_collected_values,
        &[("deviceMOIDList", "301,308")],
    ),
    (
        "getPerformanceMonitorDetails",
        monitor_details,
        &[
            ("name", "core-sw-01"),
            ("policyName", "SNMP-CPUUtilization"),
            ("graphName", "SNMP-CPUUtilization"),
            ("checkNumeric", "true"),
        ],
    ),
    (
        "addPerformanceMonitors",
        add_monitors,
        &[("name", "web-01"), ("selectedMonitors", "2131,2132")],
    ),
    (
        "deletePerformanceMonitors",
        delete_monitors,
        &[("name", "edge-sw-11"), ("pollId", "2203")],
    ),
    (
        "TestMonitor",
        test_monitor,
        &[
            ("name", "core-sw-01"),
            ("policyName", "SNMP-CPUUtilization"),
            ("graphName", "SNMP-CPUUtilization"),
        ],
    ),
    (
        "getAssociatedProcessMonitors",
        process_monitors,
        &[("deviceName", "file-01")],
    ),
    (
        "associateProcessMonitor",
        associate_processes,
        &[
            ("deviceName", "file-01"),
            ("processId", "3680,7244"),
            ("protocol", "WMI"),
        ],
    ),
    (
        "getAssociatedServiceMonitors",
        service_monitors,
        &[("name", "web-01")],
    ),
    (
        "associateServiceMonitor",
        associate_services,
        &[("deviceName", "db-01,web-01"), ("serviceName", "DNS,FTP")],
    ),
    (
        "getDeviceAssociatedWindowsServiceMonitors",
        windows_services,
        &[("name", "ad-01")],
    ),
    ("listURLMonitors", url_monitors, &[]),
    ("listAllDevicesSpecificURLs", device_urls, &[]),
    ("listScriptMonitors", script_monitors, &[]),
];
