//! Arguments that succeed for every operation against a freshly started simulator.
//!
//! Owns nothing but these examples; they name things of the made-up network.

/// Arguments with which the operation succeeds against a freshly started simulator, in any order of operations but for
/// those that delete. Empty for operations without parameters and for unknown ids.
#[must_use]
pub fn example_arguments(id: &str) -> Vec<(&'static str, String)> {
    let owned = |pairs: &[(&'static str, &str)]| {
        pairs
            .iter()
            .map(|&(name, value)| (name, value.to_owned()))
            .collect()
    };
    EXAMPLES
        .iter()
        .find(|(other, _)| *other == id)
        .map(|(_, pairs)| owned(pairs))
        .unwrap_or_default()
}

type Example = (&'static str, &'static [(&'static str, &'static str)]);

#[rustfmt::skip]
const EXAMPLES: &[Example] = &[
    // Alarms
    ("listAlarms", &[("alertType", "ActiveAlarms")]),
    ("alarmProperties", &[("entity", "db-02_Poll")]),
    ("addNotes", &[("entity", "db-02_Poll"), ("notes", "On the way to the server room")]),
    ("acknowledgeAlarm", &[("entity", "db-02_Poll")]),
    ("unAcknowledgeAlarm", &[("entity", "db-02_Poll")]),
    ("clearAlarm", &[("entity", "trap_ap_lost")]),
    ("deleteAlarm", &[("entity", "eventlog_5719")]),
    ("ConfigureSuppressAlarm", &[("name", "ups-01"), ("suppressInterval", "3600000")]),
    ("getTopDevicesByAlarms", &[("eventType", "All")]),
    ("getAnnotation", &[("entity", "syslog_link_flap")]),
    // Availability
    ("getPingResponse", &[("deviceName", "core-sw-01")]),
    ("getTraceResponse", &[("deviceName", "rtr-02")]),
    ("getAvailabilityGraphData", &[("name", "db-02"), ("isFluidic", "true")]),
    ("addDowntimeSchedule", &[
        ("operation", "Add"), ("scheduleName", "Firmware upgrade"), ("status", "Enabled"), ("recurrence", "OnceOnly"),
        ("selectDevicesMethod", "Device"), ("selectedDevices", "core-sw-01,core-sw-02"),
        ("once_startat", "2026-02-01 01:00"), ("once_endate", "2026-02-01 03:00"),
    ]),
    ("updateDowntimeSchedule", &[
        ("operation", "Edit"), ("MS_INSTANCEID", "11"), ("scheduleId", "11"), ("scheduleName", "Weekly patches"),
        ("status", "Disabled"), ("recurrence", "Weekly"), ("selectDevicesMethod", "Category"), ("selectedCateg", "Server"),
    ]),
    ("getDowntimeSchedule", &[("scheduleName", "Weekly patches")]),
    ("setManaged", &[("name", "desk-07"), ("manage", "false")]),
    // Business views and dashboards
    ("getBusinessDetailsView", &[("bvName", "Web Shop_bv"), ("startPoint", "0"), ("viewLength", "50")]),
    ("getWidgetData", &[("widgetID", "612")]),
    ("getWidgetsList", &[("dashboardName", "Network Overview")]),
    // Devices
    ("listDevices", &[("page", "1"), ("rows", "50")]),
    ("getDeviceInfo", &[("deviceName", "db-01")]),
    ("setDeviceInfo", &[("deviceName", "db-01"), ("values", r#"[{"metricName":"RAM","metricValue":"32768"}]"#)]),
    ("getDeviceNotes", &[("name", "db-01")]),
    ("getInfrastructureDetailsView", &[("categoryName", "Server")]),
    ("getDeviceSummary", &[("name", "core-sw-01")]),
    ("getDeviceCompleteDetails", &[("name", "db-02")]),
    ("addDevice", &[("deviceName", "web-02.corp.example")]),
    // Virtualization
    ("listVirtualDevices", &[("virtualDeviceType", "VHOST")]),
    ("getVMWareHosts", &[("name", "vcenter-01")]),
    ("getDataCenterDetails", &[("moID", "312")]),
    ("getClusterDetails", &[("moID", "312")]),
    ("getVMWareVMs", &[("name", "esx-01"), ("type", "HOST")]),
    ("getVMWareDataStores", &[("name", "esx-01"), ("type", "HOST")]),
    ("getNutanixVDisks", &[("name", "ntx-vm-01")]),
    ("getNutanixDetails", &[("deviceName", "ntx-vm-01"), ("entityType", "Nutanix-VM")]),
    // Events
    ("listEvents", &[("period", "Today")]),
    ("addEvent", &[
        ("source", "web-01"), ("severity", "2"), ("message", "Queue of the shop is long"), ("alarmCode", "Shop-QUEUE"),
        ("entity", "shop_queue"), ("eventType", "Shop"),
    ]),
    // Groups
    ("getLogicalGroupInfo", &[("groupName", "databases-402")]),
    ("getLogicalGroupAlerts", &[("groupName", "databases-402")]),
    ("listLogicalGroupMembers", &[("groupName", "databases-402")]),
    ("addToGroup", &[("groupName", "databases-402"), ("groupType", "device"), ("selectedMembers", "file-01")]),
    // Interfaces
    ("listInterfaces", &[("page", "1"), ("rows", "50")]),
    ("getInterfaceSummary", &[("interfaceName", "IF-core-sw-02-1006")]),
    ("getIntfAtAGlanceReportDetails", &[("InterfaceName", "IF-rtr-01-1010"), ("period", "Today")]),
    ("getIntfBWOutageReportDetails", &[("interfaceName", "IF-rtr-01-1010"), ("period", "Today")]),
    ("getInterfaces", &[("name", "core-sw-02")]),
    ("getInterfaceNotes", &[("interfaceName", "IF-rtr-01-1010")]),
    ("getInterfaceGraphs", &[("interfaceName", "IF-rtr-01-1010"), ("graphName", "traffic"), ("period", "Today")]),
    // Monitoring
    ("getDeviceAssociatedMonitors", &[("name", "ad-01")]),
    ("getPerformanceMonitors", &[("deviceName", "web-01"), ("category", "Server"), ("type", "Linux")]),
    ("getLastCollectedValues", &[("deviceMOIDList", "301,308")]),
    ("getPerformanceMonitorDetails", &[
        ("name", "core-sw-01"), ("policyName", "SNMP-CPUUtilization"), ("graphName", "SNMP-CPUUtilization"), ("checkNumeric", "true"),
    ]),
    ("addPerformanceMonitors", &[("name", "web-01"), ("selectedMonitors", "2131,2132")]),
    ("deletePerformanceMonitors", &[("name", "edge-sw-11"), ("pollId", "2203")]),
    ("TestMonitor", &[("name", "core-sw-01"), ("policyName", "SNMP-CPUUtilization"), ("graphName", "SNMP-CPUUtilization")]),
    ("getAssociatedProcessMonitors", &[("deviceName", "file-01")]),
    ("associateProcessMonitor", &[("deviceName", "file-01"), ("processId", "3680,7244"), ("protocol", "WMI")]),
    ("getAssociatedServiceMonitors", &[("name", "web-01")]),
    ("associateServiceMonitor", &[("deviceName", "db-01,web-01"), ("serviceName", "DNS,FTP")]),
    ("getDeviceAssociatedWindowsServiceMonitors", &[("name", "ad-01")]),
    // Notifications
    ("listNotificationProfiles", &[("isGlobal", "true"), ("profileFilter", "All"), ("deviceName", "db-01")]),
    ("associateNotificationProfiles", &[("deviceName", "web-01"), ("profiles", "602")]),
    ("updateNotificationProfileStatus", &[("profileName", "Ticket for servers"), ("profileId", "602"), ("status", "disable")]),
    ("getNotificationProfiles", &[("name", "db-01")]),
    // Reports
    ("getAdvancedReportData", &[("reportId", "701"), ("fetchFromRowNumber", "1"), ("rowsToFetch", "100")]),
    ("getReportsList", &[("isFavouriteNeeded", "true")]),
    ("getReportsData", &[("reportID", "84"), ("time", "Last_7_Days"), ("viewAs", "json")]),
    ("addBusinessRules", &[("businessRuleName", "Night shift"), ("timeSettings", r#"{"monday":"20-24","tuesday":"20-24"}"#)]),
    ("viewBusinessRules", &[("businessRuleId", "1")]),
    ("updateBusinessRules", &[("businessRuleId", "1"), ("description", "When the office is open")]),
    ("deleteBusinessRules", &[("businessRuleId", "2")]),
    ("getReportData", &[
        ("deviceList", "core-sw-01,db-01"), ("monitorList", "DevicesAvailability,SNMP-CPUUtilization"),
        ("timePeriod", "Today"), ("view", "table"),
    ]),
    // Wireless
    ("getWirelessNetworkDetails", &[("deviceName", "wlc-01")]),
    ("getWirelessAPList", &[("deviceName", "wlc-01")]),
    ("getSSIDClientList", &[("deviceName", "wlc-01")]),
    ("getClientDetails", &[("deviceName", "wlc-01"), ("ssidName", "corp-staff")]),
];
