//! What can be monitored, and other lists that no write changes.
//!
//! Owns fixed facts of the made-up installation.

/// A kind of performance monitor.
#[derive(Debug)]
pub(crate) struct MonitorType {
    pub(crate) graph_id: i64,
    /// Policy and graph name.
    pub(crate) name: &'static str,
    pub(crate) display_name: &'static str,
    pub(crate) family: &'static str,
    pub(crate) protocol: &'static str,
    pub(crate) units: &'static str,
    pub(crate) oid: &'static str,
    /// Above which value an alarm is raised, if any.
    pub(crate) threshold: Option<i64>,
}

impl MonitorType {
    pub(crate) fn description(&self) -> String {
        format!("Watches {} over {}", self.display_name.to_lowercase(), self.protocol)
    }
}

const fn monitor(
    graph_id: i64,
    name: &'static str,
    display_name: &'static str,
    family: &'static str,
    protocol: &'static str,
    units: &'static str,
    oid: &'static str,
    threshold: Option<i64>,
) -> MonitorType {
    MonitorType { graph_id, name, display_name, family, protocol, units, oid, threshold }
}

const GENERAL: &str = "General Monitors";
const PERFORMANCE: &str = "Performance Monitors";
const HOST: &str = "HOST-RESOURCES Monitors";
const CUSTOM: &str = "Custom Monitor";
const CPU: &str = "CPU Utilization";
const MEMORY: &str = "Memory Utilization";
const DISK: &str = "Disk Utilization";
const PERCENT: &str = "Percentage";

pub(crate) static MONITORS: &[MonitorType] = &[
    monitor(2101, "WMI-CPUUtilization", CPU, PERFORMANCE, "WMI", PERCENT, "CPU Utilization", Some(90)),
    monitor(2102, "WMI-MemoryUtilization", MEMORY, PERFORMANCE, "WMI", PERCENT, "Memory Utilization", Some(90)),
    monitor(2103, "WMI-DiskUtilization", DISK, PERFORMANCE, "WMI", PERCENT, "Disk Utilization", Some(85)),
    monitor(2104, "WMI-ProcessCount", "Process Count", PERFORMANCE, "WMI", "Count", "Process Count", None),
    monitor(2111, "CLI-CPUUtilization", CPU, PERFORMANCE, "CLI", PERCENT, "top", Some(90)),
    monitor(2112, "CLI-MemoryUtilization", MEMORY, PERFORMANCE, "CLI", PERCENT, "free", Some(90)),
    monitor(2113, "CLI-DiskUtilization", DISK, PERFORMANCE, "CLI", PERCENT, "df", Some(85)),
    monitor(2121, "SNMP-CPUUtilization", CPU, HOST, "SNMP", PERCENT, ".1.3.6.1.2.1.25.3.3.1.2", Some(80)),
    monitor(2122, "SNMP-MemoryUtilization", MEMORY, HOST, "SNMP", PERCENT, ".1.3.6.1.2.1.25.5.1.1.2", Some(80)),
    monitor(2123, "SNMP-DiskUtilization", DISK, HOST, "SNMP", PERCENT, ".1.3.6.1.2.1.25.2.3.1.6", Some(85)),
    monitor(2131, "SNMP-SysUpTime", "SysUpTime", GENERAL, "SNMP", "Hundredths", ".1.3.6.1.2.1.1.3", None),
    monitor(2132, "SNMP-TcpConnections", "TCP Connections", GENERAL, "SNMP", "Count", ".1.3.6.1.2.1.6.9", None),
    monitor(2133, "SNMP-Temperature", "Temperature", CUSTOM, "SNMP", "Celsius", ".1.3.6.1.4.1.32473.1.1", Some(45)),
    monitor(2134, "SNMP-BatteryCharge", "Battery Charge", CUSTOM, "SNMP", PERCENT, ".1.3.6.1.4.1.32473.1.2", None),
    monitor(2141, "VI-CPUUtilization", CPU, PERFORMANCE, "VIWebService", PERCENT, "cpu.usage", Some(90)),
    monitor(2142, "VI-MemoryUtilization", MEMORY, PERFORMANCE, "VIWebService", PERCENT, "mem.usage", Some(90)),
    monitor(2151, "Prism-CPUUtilization", CPU, PERFORMANCE, "PrismAPI", PERCENT, "hypervisor_cpu_usage", Some(90)),
];

/// Service monitors and their ports.
pub(crate) static SERVICES: &[(&str, u16)] = &[
    ("DNS", 53),
    ("Echo", 7),
    ("FTP", 21),
    ("HTTPS", 443),
    ("LDAP", 389),
    ("MSSQL", 1433),
    ("SMTP", 25),
    ("Telnet", 23),
    ("WEB", 80),
];

/// Processes that run, by process id.
pub(crate) static PROCESSES: &[(i64, &str, &str)] = &[
    (1188, "ledgerd", "--config /etc/ledger.conf"),
    (2044, "backup-agent", "/service"),
    (3680, "indexer", ""),
    (7244, "printspool", ""),
];

/// Windows services: service name and label.
pub(crate) static WINDOWS_SERVICES: &[(&str, &str)] =
    &[("DNS", "DNS Server"), ("W32Time", "Windows Time"), ("LedgerSync", "Ledger Synchronisation")];

/// Categories: key and label.
pub(crate) static CATEGORIES: &[(&str, &str)] = &[
    ("Desktop", "Desktop"),
    ("DomainController", "DomainController"),
    ("FCSwitch", "FCSwitch"),
    ("Firewall", "Firewall"),
    ("IPMI", "IPMI"),
    ("IoT", "IoT"),
    ("LoadBalancer", "Load Balancer"),
    ("MerakiCellularGateway", "Meraki Cellular Gateway"),
    ("MerakiController", "Meraki Controller"),
    ("MerakiRadio", "Meraki Radio"),
    ("MerakiSecurity", "Meraki Security"),
    ("MerakiSwitch", "Meraki Switch"),
    ("MerakiVision", "Meraki Vision"),
    ("PDU", "PDU"),
    ("Printer", "Printer"),
    ("RAID", "RAID"),
    ("Router", "Router"),
    ("SDN", "SDN"),
    ("Server", "Server"),
    ("Storage", "Storage"),
    ("Switch", "Switch"),
    ("TapeLibrary", "TapeLibrary"),
    ("UCS", "UCS"),
    ("UPS", "UPS"),
    ("Unknown", "Unknown"),
    ("WANAccelerator", "WAN Accelerator"),
    ("Wireless", "Wireless"),
    ("WirelessAccessPoint", "Wireless Access Point"),
    ("WirelessLANController", "Wireless LAN Controller"),
];

/// Custom fields of devices: name and description.
pub(crate) static DEVICE_FIELDS: &[(&str, &str)] = &[
    ("Building", "Building that houses the device"),
    ("Cabinet", "Cabinet that the device stands in"),
    ("Comments", "Remarks on the device"),
];
