//! Toolset `configuration`. Configuration backups and change control.

use super::toolset::toolset;

toolset! {
    "configuration": "Configuration backups and change control (add-on Network Configuration Manager).";
    tools {
        backup_schedules(BackupSchedulesArgs): "Schedules of configuration backups", read;
        all_schedules(AllSchedulesArgs): "Scheduled configuration tasks", read;
        export_configs(ExportConfigsArgs): "Exports of configurations", read;
        pending_requests(PendingRequestsArgs): "Configuration changes that wait for approval", read;
        approved_requests(ApprovedRequestsArgs): "Approved configuration changes", read;
        get_ncm_approval_users(GetNcmApprovalUsersArgs): "Who approves configuration changes", read;
        list_all_configlets(ListAllConfigletsArgs): "List configlets", read;
        list_execution_history(ListExecutionHistoryArgs): "Which configlets ran", read;
        allshow_commands(AllshowCommandsArgs): "List show commands", read;
    }
}
