//! Prints the critical alarms of an OpManager, one a line: the typed client in its smallest form.
//!
//! ```text
//! cargo run --example critical_alarms                              against a simulator
//! cargo run --example critical_alarms opmanager.example <key-file  against a real OpManager
//! ```
//!
//! The API key comes from standard input, so that it is in no list of processes and in no history of a shell.

#![allow(clippy::print_stdout, reason = "this is what the example does")]

use std::error::Error;
use std::io;

use opmanager_mcp_server::opmanager::types::ListAlarmsArgs;
use opmanager_mcp_server::opmanager::{ApiKey, Client, Connection, Http, Target, Trust};
use opmanager_simulator::{Options, Simulator};

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    // It serves until it is dropped.
    let simulator;
    let connection = if let Some(host) = std::env::args().nth(1) {
        let key = ApiKey::new(io::read_to_string(io::stdin())?.trim_end().to_owned())?;
        // HTTPS on port 8061 unless the host says another port, with a certificate that the system trusts.
        Connection::new(&host, key)?
    } else {
        simulator = Simulator::start(Options::default()).await?;
        let key = ApiKey::new(simulator.api_key().to_owned())?;
        let target = Target::parse(&simulator.host(), None, Some(false))?;
        Connection::with(target, Trust::Verified, key)
    };
    let client = Client::new(Http::default(), connection);

    // Severity 1 is critical. A number outside the documented range would not get this far.
    let critical = ListAlarmsArgs {
        severity: Some(1.try_into()?),
        ..Default::default()
    };
    for alarm in client.call(&critical).await? {
        let device = alarm.display_name.as_deref().unwrap_or("?");
        let message = alarm.message.as_deref().unwrap_or_default();
        println!("{device}: {message}");
    }
    Ok(())
}
