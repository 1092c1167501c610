//! Toolset `groups`. Groups of devices and interfaces.

use super::toolset::toolset;

toolset! {
    "groups": "Groups of devices and interfaces.";
    tools {
        list_all_logical_groups(ListAllLogicalGroupsArgs): "List groups", read;
        get_logical_group_info(GetLogicalGroupInfoArgs): "Group", read;
        get_logical_group_alerts(GetLogicalGroupAlertsArgs): "Alarms of a group", read;
        list_logical_group_members(ListLogicalGroupMembersArgs): "Members of a group", read;
        add_to_group(AddToGroupArgs): "Add members to a group", write idempotent;
    }
}
