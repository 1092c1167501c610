//! Toolset `virtualization`. VMware and Nutanix infrastructure.

use super::toolset::toolset;

toolset! {
    "virtualization": "VMware and Nutanix infrastructure.";
    tools {
        list_virtual_devices(ListVirtualDevicesArgs): "List virtual devices", read;
        get_vmware_hosts(GetVmWareHostsArgs): "VMware hosts", read;
        get_vmware_vms(GetVmWareVMsArgs): "VMware machines", read;
        get_vmware_data_stores(GetVmWareDataStoresArgs): "VMware datastores", read;
        get_data_center_details(GetDataCenterDetailsArgs): "VMware datacenters", read;
        get_cluster_details(GetClusterDetailsArgs): "VMware clusters", read;
        get_nutanix_details(GetNutanixDetailsArgs): "Nutanix entity", read;
        get_nutanix_v_disks(GetNutanixVDisksArgs): "Nutanix virtual disks", read;
    }
}
