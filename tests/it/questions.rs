//! What operators ask for, in their words, and the operation that must be among the first three found.

use serde_json::{Value, json};

use crate::support::Session;

const QUESTIONS: &[(&str, &str)] = &[
    ("what is down right now", "get_down_devices"),
    ("unreachable devices", "get_down_devices"),
    ("what is broken", "list_alarms"),
    ("open problems on a device", "list_alarms"),
    ("critical alerts today", "list_alarms"),
    ("details of an incident", "alarm_properties"),
    ("ack an alert", "acknowledge_alarm"),
    ("undo an acknowledgement", "un_acknowledge_alarm"),
    ("comment on an alarm", "add_notes"),
    ("read comments of an alarm", "get_annotation"),
    ("resolve alarm", "clear_alarm"),
    ("remove an alarm for good", "delete_alarm"),
    ("mute a noisy device", "configure_suppress_alarm"),
    ("silence alerts for two hours", "configure_suppress_alarm"),
    ("noisiest devices", "get_top_devices_by_alarms"),
    ("plan a maintenance window", "add_downtime_schedule"),
    ("blackout on sunday night", "add_downtime_schedule"),
    ("change a maintenance window", "update_downtime_schedule"),
    (
        "which maintenance windows are planned",
        "list_down_time_schedules",
    ),
    ("pause monitoring of a device", "set_managed"),
    ("unmanage a switch", "set_managed"),
    ("is the router reachable", "get_ping_response"),
    ("latency to a host", "get_ping_response"),
    ("traceroute", "get_trace_response"),
    ("uptime last month", "get_availability_graph_data"),
    ("trap and syslog events", "list_events"),
    ("raise an event", "add_event"),
    ("list all servers", "list_devices"),
    ("which devices do we monitor", "list_devices"),
    ("start monitoring a new device", "add_device"),
    ("serial number of a device", "get_device_info"),
    ("hardware inventory", "get_device_info"),
    ("custom fields of a device", "get_device_notes"),
    ("overview of one device", "get_device_summary"),
    ("subnets", "list_subnets"),
    ("probes of the central server", "list_probes"),
    ("cpu and memory now", "get_last_collected_values"),
    (
        "latest metrics of several devices",
        "get_last_collected_values",
    ),
    (
        "what is monitored on a device",
        "get_device_associated_monitors",
    ),
    ("threshold of a monitor", "get_performance_monitor_details"),
    ("add a cpu monitor", "add_performance_monitors"),
    (
        "remove a monitor from a device",
        "delete_performance_monitors",
    ),
    ("poll a monitor now", "test_monitor"),
    (
        "processes running on a server",
        "get_associated_process_monitors",
    ),
    ("windows services", "get_windows_service_monitors"),
    ("website monitors", "list_url_monitors"),
    ("ports of a switch", "get_interfaces"),
    (
        "bandwidth of an interface",
        "get_intf_bw_outage_report_details",
    ),
    ("interface traffic graph", "get_interface_graphs"),
    ("busiest interfaces of the network", "list_interfaces"),
    ("who is notified", "get_notification_profiles"),
    (
        "switch off a notification profile",
        "update_notification_profile_status",
    ),
    ("device groups", "list_all_logical_groups"),
    ("put a device into a group", "add_to_group"),
    ("run a report", "get_reports_data"),
    ("office hours", "list_business_rules"),
    ("esx hosts of a vcenter", "get_vmware_hosts"),
    ("datastores running full", "get_vmware_data_stores"),
    ("wifi access points", "get_wireless_ap_list"),
    ("wireless clients per ssid", "get_ssid_client_list"),
    (
        "which devices belong to a site or group",
        "list_logical_group_members",
    ),
    (
        "which devices belong to a site",
        "get_business_details_view",
    ),
    ("availability of a group last month", "get_reports_data"),
    (
        "availability of a server last month",
        "get_availability_graph_data",
    ),
    ("busiest interfaces right now", "list_interfaces"),
    ("who hid this device's alarms", "configure_suppress_alarm"),
    ("is anything in maintenance", "list_down_time_schedules"),
    ("what happened on the core router last night", "list_events"),
    ("why did this alarm fire", "alarm_properties"),
    (
        "who acknowledged this alarm and what did they write",
        "get_annotation",
    ),
    ("which alarms does nobody look after", "list_alarms"),
    ("close the alarm, the problem is solved", "clear_alarm"),
    ("mark this alarm as being worked on", "acknowledge_alarm"),
    ("leave a remark on an alarm for the next shift", "add_notes"),
    (
        "turn alerts of a device back on",
        "configure_suppress_alarm",
    ),
    ("stop watching a decommissioned server", "set_managed"),
    ("resume polling of a device", "set_managed"),
    (
        "no alarms during tonight's firmware upgrade",
        "add_downtime_schedule",
    ),
    (
        "move the patch window to saturday",
        "update_downtime_schedule",
    ),
    (
        "when does the maintenance of the firewall end",
        "get_downtime_schedule",
    ),
    ("packet loss to a branch", "get_ping_response"),
    (
        "where on the path do packets get lost",
        "get_trace_response",
    ),
    (
        "how many nines did the web server have this year",
        "get_availability_graph_data",
    ),
    ("is this device healthy", "get_device_complete_details"),
    ("find a device by its ip address", "list_devices"),
    ("operating system and ram of a server", "get_device_info"),
    ("add ten new switches to monitoring", "add_device"),
    ("correct the model in the inventory", "set_device_info"),
    ("in which building is this device", "get_device_notes"),
    ("most loaded servers", "get_infrastructure_details_view"),
    ("which kinds of devices are there", "get_category_list"),
    ("which remote sites report to the central", "list_probes"),
    (
        "errors and discards of a port",
        "get_intf_at_a_glance_report_details",
    ),
    ("95th percentile of a wan link", "get_interface_graphs"),
    ("is the uplink up", "get_interface_summary"),
    ("circuit id of a link", "get_interface_notes"),
    (
        "how long was the link down last week",
        "get_intf_bw_outage_report_details",
    ),
    ("all ports of the access switch", "get_interfaces"),
    (
        "disk space left on the file server",
        "get_last_collected_values",
    ),
    ("history of cpu usage over the last week", "get_report_data"),
    (
        "when does a monitor raise an alarm",
        "get_performance_monitor_details",
    ),
    (
        "which monitors could be added to this device",
        "get_performance_monitors",
    ),
    ("why does a monitor collect no data", "test_monitor"),
    (
        "watch a process on a linux box",
        "associate_process_monitor",
    ),
    (
        "is dns monitored on this server",
        "get_associated_service_monitors",
    ),
    ("monitor ftp on a server", "associate_service_monitor"),
    ("is our web shop reachable", "list_url_monitors"),
    (
        "web pages checked from a device",
        "list_all_devices_specific_urls",
    ),
    ("custom scripts we run", "list_script_monitors"),
    ("health of a group", "get_logical_group_info"),
    (
        "alarms of the data center group",
        "get_logical_group_alerts",
    ),
    (
        "who gets the mail when this device goes down",
        "get_notification_profiles",
    ),
    ("all email and sms actions", "list_notification_profiles"),
    (
        "send mails for these devices too",
        "associate_notification_profiles",
    ),
    ("which reports are there", "get_reports_list"),
    (
        "reports that my colleagues built",
        "list_all_advanced_reports",
    ),
    ("maps of our branches", "get_business_view"),
    ("what is on the noc dashboard", "get_widgets_list"),
    ("virtual machines on an esx host", "get_vmware_vms"),
    (
        "how many people are on the guest wifi",
        "get_ssid_client_list",
    ),
    ("devices page by page on a newer build", "list_devices_v2"),
    ("network topology", "get_bv_details"),
    ("network map with link load", "get_bv_details"),
    ("which workflows can be run", "get_workflow_list"),
    ("did the workflow succeed", "get_workflow_execution_status"),
    ("which dashboards are there", "get_dashboard_list"),
    ("names of stored credentials", "list_credentials"),
    ("delete a device from opmanager", "delete_device"),
    ("poll a device more often", "configure_monitoring_interval"),
    ("discover new interfaces of a switch", "discover_interface"),
    ("rename a device", "update_device_details"),
    ("create a business view", "add_business_view"),
    ("put a device on a map", "add_device_to_bv"),
    ("device templates", "list_device_templates"),
    ("top talkers on a link", "get_conv_data"),
    ("which applications fill the wan link", "cons_report"),
    ("configuration backups", "backup_schedules"),
    (
        "configuration changes waiting for approval",
        "pending_requests",
    ),
    ("free ip addresses in a subnet", "get_un_used_ip"),
    ("how full are our subnets", "get_all_subnet_summary"),
];

#[tokio::test]
async fn what_operators_ask_for_is_among_the_first_three() {
    let mut session = Session::start(&["--toolsets", "core"]).await;
    let mut missed = Vec::new();
    for (question, expected) in QUESTIONS {
        let found = session
            .call("find_operations", json!({ "query": *question }))
            .await
            .json();
        let names: Vec<&str> = found["operations"]
            .as_array()
            .unwrap()
            .iter()
            .map(|line| line["operation"].as_str().unwrap())
            .take(3)
            .collect();
        if !names.contains(expected) {
            missed.push(format!("{question}: {expected} is not in {names:?}"));
        }
    }
    assert!(missed.is_empty(), "{}", missed.join("\n"));
}

/// Who did something is told by what was recorded, and not by what would do it.
#[tokio::test]
async fn who_did_something_is_found_in_reads() {
    let mut session = Session::start(&["--toolsets", "core"]).await;
    for question in [
        "who hid this device's alarms",
        "who muted the alarms of the core switch",
        "who cleared this alarm",
        "who acknowledged the alarm",
        "who has deleted that alarm",
        "do you know who silenced this alert",
    ] {
        let found = session
            .call("find_operations", json!({ "query": question }))
            .await
            .json();
        let lines = found["operations"].as_array().unwrap();
        let first: Vec<&Value> = lines.iter().take(3).collect();
        let reads = first
            .iter()
            .filter(|line| line["access"] == "read" || line.get("access").is_none());
        let records = [
            "alarm_properties",
            "get_annotation",
            "list_alarms",
            "list_events",
        ];
        let told = reads.filter(|line| records.iter().any(|name| line["operation"] == *name));
        assert!(told.count() > 0, "{question}: {first:?}");
        assert!(
            records.iter().any(|name| first[0]["operation"] == *name),
            "{question}: {first:?}"
        );
    }
}

#[tokio::test]
async fn a_search_can_be_narrowed_and_says_when_it_finds_nothing() {
    let mut session = Session::start(&["--toolsets", "core"]).await;
    let mut find = async |arguments: Value| -> Vec<Value> {
        let found = session.call("find_operations", arguments).await.json();
        assert!(found["next"].is_string());
        found["operations"].as_array().unwrap().clone()
    };
    for line in find(json!({ "query": "device", "toolset": "wireless" })).await {
        assert_eq!(line["toolset"], "wireless", "{line}");
    }
    let writes = find(json!({ "query": "alarm", "access": "write" })).await;
    assert!(!writes.is_empty());
    for line in writes {
        assert_eq!(line["access"], "write");
        let refused = line["refused"].as_str().unwrap();
        assert!(refused.contains("--access write"), "{refused}");
    }
    assert!(
        find(json!({ "query": "device interface alarm" }))
            .await
            .len()
            <= 8
    );
    assert!(find(json!({ "query": "zxqv" })).await.is_empty());
}

#[tokio::test]
async fn each_operation_found_carries_a_short_signature() {
    let mut session = Session::start(&["--toolsets", "core"]).await;
    let mut signature = async |query: &str, operation: &str| -> String {
        let found = session
            .call("find_operations", json!({ "query": query }))
            .await
            .json();
        let lines = found["operations"].as_array().unwrap();
        let line = lines.iter().find(|line| line["operation"] == operation);
        line.unwrap()["signature"].as_str().unwrap().to_owned()
    };
    let alarms = signature("list alarms", "list_alarms").await;
    for part in [
        "list_alarms(",
        "deviceName?",
        "severity?=1-5",
        "alertType?=ActiveAlarms|",
        "|…",
    ] {
        assert!(alarms.contains(part), "{part}: {alarms}");
    }
    assert!(!alarms.contains("apiKey"), "{alarms}");
    let mute = signature("mute a device", "configure_suppress_alarm").await;
    assert!(
        mute.starts_with("configure_suppress_alarm(name, suppressInterval="),
        "{mute}"
    );
    let info = signature("hardware inventory", "get_device_info").await;
    assert_eq!(info, "get_device_info(deviceName|ipAddress|dnsName)");
    assert!(alarms.ends_with(" -> list"), "{alarms}");
}

#[tokio::test]
async fn what_is_found_costs_few_tokens() {
    let mut session = Session::start(&["--toolsets", "core"]).await;
    for (question, _) in QUESTIONS {
        let found = session
            .call("find_operations", json!({ "query": *question }))
            .await;
        let tokens = tiktoken_rs::o200k_base_singleton()
            .encode_ordinary(found.text())
            .len();
        assert!(tokens <= 900, "{question}: {tokens} tokens");
    }
}
