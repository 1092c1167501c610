//! Toolset `reports`. Reports, and the business hours that they may use.

use super::toolset::toolset;

toolset! {
    "reports": "Reports, and the business hours that they may use.";
    tools {
        get_reports_list(GetReportsListArgs): "Report catalogue", read;
        get_reports_data(GetReportsDataArgs): "Run report", read;
        list_all_advanced_reports(ListAllAdvancedReportsArgs): "List advanced reports", read;
        get_advanced_report_data(GetAdvancedReportDataArgs): "Run advanced report", read;
        get_report_data(GetReportDataArgs): "Monitor history", read;
        list_business_rules(ListBusinessRulesArgs): "List business hours", read;
        view_business_rules(ViewBusinessRulesArgs): "Business hours", read;
        add_business_rules(AddBusinessRulesArgs): "Add business hours", write;
        update_business_rules(UpdateBusinessRulesArgs): "Change business hours", write idempotent overwrites;
        delete_business_rules(DeleteBusinessRulesArgs): "Delete business hours", destructive idempotent;
    }
}
