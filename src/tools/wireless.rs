//! Toolset `wireless`. Wireless controllers, access points and clients.

use super::toolset::toolset;

toolset! {
    "wireless": "Wireless controllers, access points and clients.";
    tools {
        get_wireless_network_details(GetWirelessNetworkDetailsArgs): "Wireless networks", read;
        get_wireless_ap_list(GetWirelessApListArgs): "Access points", read;
        get_ssid_client_list(GetSsidClientListArgs): "Clients per network", read;
        get_client_details(GetClientDetailsArgs): "Clients per access point", read;
    }
}
