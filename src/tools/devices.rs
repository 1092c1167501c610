//! Toolset `devices`. Devices: finding them, their inventory and state, and adding or deleting one.

use super::toolset::toolset;

toolset! {
    "devices": "Devices: finding them, their inventory and state, and adding or deleting one.";
    tools {
        list_devices(ListDevicesArgs): "List devices", read core;
        list_devices_v2(ListDevicesV2Args): "List devices by pages", read;
        get_device_summary(GetDeviceSummaryArgs): "Device snapshot", read core;
        get_device_complete_details(GetDeviceCompleteDetailsArgs): "Device status and availability", read;
        get_device_info(GetDeviceInfoArgs): "Hardware inventory of a device", read;
        get_device_notes(GetDeviceNotesArgs): "Custom fields of a device", read;
        get_infrastructure_details_view(GetInfrastructureDetailsViewArgs): "Devices of a category with load", read;
        get_category_list(GetCategoryListArgs): "Device categories", read;
        list_subnets(ListSubnetsArgs): "List subnets", read;
        list_probes(ListProbesArgs): "List probes", read;
        get_vendor_list(GetVendorListArgs): "Known vendors", read;
        list_device_templates(ListDeviceTemplatesArgs): "Device templates", read;
        list_credentials(ListCredentialsArgs): "Names of credentials", read;
        add_device(AddDeviceArgs): "Add device", write;
        update_device_details(UpdateDeviceDetailsArgs): "Change name, address or type of a device", write idempotent overwrites;
        set_device_info(SetDeviceInfoArgs): "Overwrite hardware facts", write idempotent overwrites;
        delete_device(DeleteDeviceArgs): "Delete device", destructive idempotent;
    }
}
