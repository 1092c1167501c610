//! Toolset `workflows`. Workflows that were prepared in OpManager, their executions, and running one.
//!
//! Not the workflows of this server: those are tools of several operations, in `workflows`.

use super::toolset::toolset;

toolset! {
    "workflows": "Workflows prepared in OpManager, their executions, and running one.";
    tools {
        get_workflow_list(GetWorkflowListArgs): "List workflows", read;
        get_workflow_execution_status(GetWorkflowExecutionStatusArgs): "How an execution went", read;
        get_device_list_for_filter(GetDeviceListForFilterArgs): "Devices of a workflow", read;
        execute_workflow(ExecuteWorkflowArgs): "Run workflow", destructive;
    }
}
