//! The tool `diagnose_connection`.

use std::sync::OnceLock;

use rmcp::model::CallToolResult;

use super::OpManagerServer;
use super::call::{Exchange, failed};
use super::caller::Caller;
use super::metrics::Outcome;
use crate::diagnose::diagnose;
use crate::opmanager::Target;
use crate::tools::{self, Access, BuiltIn, arguments};

impl OpManagerServer {
    /// Runs it. A connection that does not work is a failed result.
    pub(super) async fn diagnose(
        &self,
        given: tools::Arguments,
        caller: Option<&Caller>,
        called: &OnceLock<Target>,
    ) -> CallToolResult {
        let name = BuiltIn::DiagnoseConnection.name();
        let record = |outcome, target: Option<&Target>| {
            let exchange = Exchange {
                target,
                ..Exchange::default()
            };
            self.record(caller, name, Access::Read, outcome, &exchange);
        };
        let (target, trust, key) = match arguments::check_connection(given) {
            Ok(connection) => connection.into_parts(),
            Err(problems) => {
                record(Outcome::InvalidArguments, None);
                return failed(self.wording().of_text(&problems.text(name)).into_owned());
            }
        };
        let _ = called.set(target.clone());
        if let Some(caller) = caller {
            caller.leave_room();
        }
        let _turn = match self.0.turns.take(caller.map(Caller::counted_as)).await {
            Ok(turn) => turn,
            Err(full) => {
                record(Outcome::Busy, Some(&target));
                return failed(full.to_string());
            }
        };
        let wording = self.wording();
        let report = diagnose(&self.0.http, target.clone(), trust, Some(key), wording).await;
        let blocks = self.told(report.text(), report.is_spoken());
        if report.is_good() {
            record(Outcome::Success, Some(&target));
            CallToolResult::success(blocks)
        } else {
            record(Outcome::NoAnswer, Some(&target));
            CallToolResult::error(blocks)
        }
    }
}
