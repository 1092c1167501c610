//! What can be monitored, and other lists that no write changes.
//!
//! Owns fixed facts of the simulated installation.

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
        format!("Watches {} over {}", self.display_name, self.protocol)
    }
}

/// What is measured (label and units), how (policy, protocol and object), and when it is too much.
const fn monitor(
    graph_id: i64,
    family: &'static str,
    (display_name, units): (&'static str, &'static str),
    (name, protocol, oid): (&'static str, &'static str, &'static str),
    threshold: Option<i64>,
) -> MonitorType {
    MonitorType {
        graph_id,
        name,
        display_name,
        family,
        protocol,
        units,
        oid,
        threshold,
    }
}

const GENERAL: &str = "General Monitors";
const PERFORMANCE: &str = "Performance Monitors";
const HOST: &str = "HOST-RESOURCES Monitors";
const CUSTOM: &str = "Custom Monitor";
const CPU: (&str, &str) = ("CPU Utilization", "Percentage");
const MEMORY: (&str, &str) = ("Memory Utilization", "Percentage");
const DISK: (&str, &str) = ("Disk Utilization", "Percentage");

#[rustfmt::skip]
pub(crate) static MONITORS: &[MonitorType] = &[
    monitor(2101, PERFORMANCE, CPU, ("WMI-CPUUtilization", "WMI", "CPU Utilization"), Some(90)),
    monitor(2102, PERFORMANCE, MEMORY, ("WMI-MemoryUtilization", "WMI", "Memory Utilization"), Some(90)),
    monitor(2103, PERFORMANCE, DISK, ("WMI-DiskUtilization", "WMI", "Disk Utilization"), Some(85)),
    monitor(2104, PERFORMANCE, ("Process Count", "Count"), ("WMI-ProcessCount", "WMI", "Process Count"), None),
    monitor(2111, PERFORMANCE, CPU, ("CLI-CPUUtilization", "CLI", "top"), Some(90)),
    monitor(2112, PERFORMANCE, MEMORY, ("CLI-MemoryUtilization", "CLI", "free"), Some(90)),
    monitor(2113, PERFORMANCE, DISK, ("CLI-DiskUtilization", "CLI", "df"), Some(85)),
    monitor(2121, HOST, CPU, ("SNMP-CPUUtilization", "SNMP", ".1.3.6.1.2.1.25.3.3.1.2"), Some(80)),
    monitor(2122, HOST, MEMORY, ("SNMP-MemoryUtilization", "SNMP", ".1.3.6.1.2.1.25.5.1.1.2"), Some(80)),
    monitor(2123, HOST, DISK, ("SNMP-DiskUtilization", "SNMP", ".1.3.6.1.2.1.25.2.3.1.6"), Some(85)),
    monitor(2131, GENERAL, ("SysUpTime", "Hundredths"), ("SNMP-SysUpTime", "SNMP", ".1.3.6.1.2.1.1.3"), None),
    monitor(2132, GENERAL, ("TCP Connections", "Count"), ("SNMP-TcpConnections", "SNMP", ".1.3.6.1.2.1.6.9"), None),
    monitor(2133, CUSTOM, ("Temperature", "Celsius"), ("SNMP-Temperature", "SNMP", ".1.3.6.1.4.1.32473.1.1"), Some(45)),
    monitor(2134, CUSTOM, ("Battery Charge", "Percentage"), ("SNMP-BatteryCharge", "SNMP", ".1.3.6.1.4.1.32473.1.2"), None),
    monitor(2141, PERFORMANCE, CPU, ("VI-CPUUtilization", "VIWebService", "cpu.usage"), Some(90)),
    monitor(2142, PERFORMANCE, MEMORY, ("VI-MemoryUtilization", "VIWebService", "mem.usage"), Some(90)),
    monitor(2151, PERFORMANCE, CPU, ("Prism-CPUUtilization", "PrismAPI", "hypervisor_cpu_usage"), Some(90)),
];

/// Service monitors and their ports.
#[rustfmt::skip]
pub(crate) static SERVICES: &[(&str, u16)] = &[
    ("DNS", 53), ("Echo", 7), ("FTP", 21), ("HTTPS", 443), ("LDAP", 389), ("MSSQL", 1433), ("SMTP", 25),
    ("Telnet", 23), ("WEB", 80),
];

/// Processes that run, by process id.
pub(crate) static PROCESSES: &[(i64, &str, &str)] = &[
    (1188, "ledgerd", "--config /etc/ledger.conf"),
    (2044, "backup-agent", "/service"),
    (3680, "indexer", ""),
    (7244, "printspool", ""),
];

/// Windows services: service name and label.
pub(crate) static WINDOWS_SERVICES: &[(&str, &str)] = &[
    ("DNS", "DNS Server"),
    ("W32Time", "Windows Time"),
    ("LedgerSync", "Ledger Synchronisation"),
];

/// Categories: key and label.
#[rustfmt::skip]
pub(crate) static CATEGORIES: &[(&str, &str)] = &[
    ("Desktop", "Desktop"), ("DomainController", "DomainController"), ("FCSwitch", "FCSwitch"),
    ("Firewall", "Firewall"), ("IPMI", "IPMI"), ("IoT", "IoT"), ("LoadBalancer", "Load Balancer"),
    ("MerakiCellularGateway", "Meraki Cellular Gateway"), ("MerakiController", "Meraki Controller"),
    ("MerakiRadio", "Meraki Radio"), ("MerakiSecurity", "Meraki Security"), ("MerakiSwitch", "Meraki Switch"),
    ("MerakiVision", "Meraki Vision"), ("PDU", "PDU"), ("Printer", "Printer"), ("RAID", "RAID"),
    ("Router", "Router"), ("SDN", "SDN"), ("Server", "Server"), ("Storage", "Storage"), ("Switch", "Switch"),
    ("TapeLibrary", "TapeLibrary"), ("UCS", "UCS"), ("UPS", "UPS"), ("Unknown", "Unknown"),
    ("WANAccelerator", "WAN Accelerator"), ("Wireless", "Wireless"),
    ("WirelessAccessPoint", "Wireless Access Point"), ("WirelessLANController", "Wireless LAN Controller"),
];

/// Custom fields of devices: name and description.
pub(crate) static DEVICE_FIELDS: &[(&str, &str)] = &[
    ("Building", "Building that houses the device"),
    ("Cabinet", "Cabinet that the device stands in"),
    ("Comments", "Remarks on the device"),
];
