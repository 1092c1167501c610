//! The tool `diagnose_connection`.

use rmcp::model::{CallToolResult, ContentBlock};

use super::OpManagerServer;
use super::call::failed;
use crate::diagnose::diagnose;
use crate::tools::{self, BuiltIn, arguments};

impl OpManagerServer {
    /// Runs it. A connection that does not work is a failed result.
    pub(super) async fn diagnose(&self, given: tools::Arguments) -> CallToolResult {
        let name = BuiltIn::DiagnoseConnection.name();
        let (target, trust, key) = match arguments::check_connection(given) {
            Ok(connection) => connection.into_parts(),
            Err(problems) => {
                tracing::info!(tool = name, outcome = "invalid arguments");
                return failed(problems.text(name));
            }
        };
        let Some(_turn) = self.0.turns.take().await else {
            tracing::warn!(tool = name, %target, outcome = "busy");
            return failed(self.0.turns.refusal());
        };
        let report = diagnose(&self.0.http, target.clone(), trust, Some(key)).await;
        let good = report.is_good();
        tracing::info!(tool = name, %target, outcome = if good { "success" } else { "failure" });
        let text = ContentBlock::text(report.to_string());
        if good {
            CallToolResult::success(vec![text])
        } else {
            CallToolResult::error(vec![text])
        }
    }
}
