//! Toolset `interfaces`. Interfaces: state, traffic and reports.

use super::toolset::toolset;

toolset! {
    "interfaces": "Interfaces: state, traffic and reports.";
    tools {
        list_interfaces(ListInterfacesArgs): "List interfaces", read core;
        get_interfaces(GetInterfacesArgs): "Interfaces of a device", read;
        get_interface_summary(GetInterfaceSummaryArgs): "Interface state", read;
        get_interface_graphs(GetInterfaceGraphsArgs): "Interface graph", read;
        get_interface_notes(GetInterfaceNotesArgs): "Custom fields of an interface", read;
        get_intf_at_a_glance_report_details(GetIntfAtAGlanceReportDetailsArgs): "Interface report", read;
        get_intf_bw_outage_report_details(GetIntfBwOutageReportDetailsArgs): "Bandwidth and outage report", read;
        discover_interface(DiscoverInterfaceArgs): "Discover interfaces", write idempotent;
    }
}
