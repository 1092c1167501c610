//! Toolset `ipam`. Subnets and free addresses.

use super::toolset::toolset;

toolset! {
    "ipam": "Subnets and free addresses (add-on OpUtils).";
    tools {
        get_all_subnet_summary(GetAllSubnetSummaryArgs): "Managed subnets", read;
        get_un_used_ip(GetUnUsedIpArgs): "What is free in a subnet", read;
    }
}
