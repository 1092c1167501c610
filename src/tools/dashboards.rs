//! Toolset `dashboards`. Dashboards, widgets and business views.

use super::toolset::toolset;

toolset! {
    "dashboards": "Dashboards, widgets and business views.";
    tools {
        get_business_view(GetBusinessViewArgs): "List business views", read;
        get_business_details_view(GetBusinessDetailsViewArgs): "Devices of a business view", read;
        get_widgets_list(GetWidgetsListArgs): "List widgets", read;
        get_widget_data(GetWidgetDataArgs): "Widget data", read;
    }
}
