//! Toolset `dashboards`. Dashboards, widgets and business views.

use super::toolset::toolset;

toolset! {
    "dashboards": "Dashboards, widgets and business views.";
    tools {
        get_business_view(GetBusinessViewArgs): "List business views", read;
        get_business_details_view(GetBusinessDetailsViewArgs): "Devices of a business view", read;
        get_bv_details(GetBvDetailsArgs): "Topology of a business view", read;
        get_dashboard_list(GetDashboardListArgs): "List dashboards", read;
        get_widgets_list(GetWidgetsListArgs): "List widgets", read;
        get_widget_data(GetWidgetDataArgs): "Widget data", read;
        add_business_view(AddBusinessViewArgs): "Create business view", write;
        add_device_to_bv(AddDeviceToBvArgs): "Add devices to a business view", write idempotent;
    }
}
