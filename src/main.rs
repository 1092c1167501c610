//! The `opmanager-mcp-server` program.

use std::process::ExitCode;

fn main() -> ExitCode {
    opmanager_mcp_server::cli::run()
}
