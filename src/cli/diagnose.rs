//! The command `diagnose`.
//!
//! Owns how a person gives the key: typed without echo, or through a pipe. There is no argument and no
//! variable for it, which other processes could read.

use std::io::{self, BufRead, IsTerminal, Read, Write};

use clap::Args;

use super::TargetArgs;
use crate::diagnose::diagnose;
use crate::opmanager::{ApiKey, Http, Limits, Target, Trust};

/// Most that is read of a key, in bytes.
const LONGEST_LINE: u64 = 4096;

/// Arguments of `diagnose`.
#[derive(Debug, Args)]
pub(super) struct DiagnoseArgs {
    /// OpManager server, as a call gives it: host or host:port
    #[arg(long, value_name = "HOST[:PORT]")]
    host: String,
    /// HTTPS or not; by default on every port but 8060 and 80
    #[arg(long, value_name = "BOOL")]
    use_ssl: Option<bool>,
    /// Do not verify the certificate
    #[arg(long)]
    no_verify_ssl: bool,
    #[command(flatten)]
    targets: TargetArgs,
}

/// Examines a connection and prints what was found.
pub(super) async fn run(arguments: DiagnoseArgs) -> io::Result<()> {
    let target = Target::parse(&arguments.host, None, arguments.use_ssl).map_err(|error| {
        let text = error.to_string();
        io::Error::other(
            text.replace("`host`", "--host")
                .replace("`use_ssl`", "--use-ssl"),
        )
    })?;
    let trust = if arguments.no_verify_ssl {
        Trust::Unverified
    } else {
        Trust::Verified
    };
    let key = read_key()?;
    let http = Http::new(arguments.targets.egress(Limits::default()));
    let report = diagnose(&http, target, trust, key).await;
    let mut out = io::stdout().lock();
    writeln!(out, "{report}")?;
    out.flush()?;
    if report.is_good() {
        if !arguments.targets.ca_file.is_empty() {
            writeln!(out, "The server needs the same --ca-file.")?;
        }
        return Ok(());
    }
    Err(io::Error::other("the connection does not work"))
}

/// The key, if one is given.
fn read_key() -> io::Result<Option<ApiKey>> {
    let input = io::stdin();
    let mut line = String::new();
    if input.is_terminal() {
        line = rpassword::prompt_password("API key, not shown (Enter: go without): ")?;
    } else {
        input.lock().take(LONGEST_LINE).read_line(&mut line)?;
    }
    line.truncate(line.trim_end_matches(['\r', '\n']).len());
    if line.is_empty() {
        return Ok(None);
    }
    ApiKey::new(line).map(Some).map_err(io::Error::other)
}
