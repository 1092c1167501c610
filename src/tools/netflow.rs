//! Toolset `netflow`. Who and what fills links.

use super::toolset::toolset;

toolset! {
    "netflow": "Who and what fills links (add-on NetFlow Analyzer).";
    tools {
        list_dev_for_multi_sel(ListDevForMultiSelArgs): "Flow devices", read;
        cons_report(ConsReportArgs): "Traffic report of a link", read;
        get_conv_data(GetConvDataArgs): "Conversations", read;
        get_device_report(GetDeviceReportArgs): "Top applications", read;
        list_ip_group(ListIpGroupArgs): "IP groups", read;
        get_nfa_group_names(GetNfaGroupNamesArgs): "Names of NetFlow groups", read;
    }
}
