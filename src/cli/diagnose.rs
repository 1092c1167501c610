//! The command `diagnose`.

use std::io::{self, Write};

use clap::Args;

use super::{ConnectionArgs, TargetArgs, key, process};
use crate::audit::Audit;
use crate::opmanager::{Connection, Http, Limits, Target, Trust};
use crate::tools::failure_text;
use crate::tools::wording::Wording;
use crate::tools::workflows::diagnose_connection::{examine, examine_without_key};
use crate::upstream::{Capacity, Session};

/// Arguments of `diagnose`.
#[derive(Debug, Args)]
pub(super) struct DiagnoseArgs {
    #[command(flatten)]
    connection: ConnectionArgs,
    #[command(flatten)]
    targets: TargetArgs,
}

/// Examines a connection and prints what was found.
pub(super) async fn run(arguments: DiagnoseArgs) -> io::Result<()> {
    process::close_memory();
    let scope = arguments.connection.scope();
    let ConnectionArgs {
        host,
        use_ssl,
        no_verify_ssl,
        ..
    } = arguments.connection;
    let target = Target::parse(&host, None, use_ssl)
        .map_err(|error| io::Error::other(Wording::Flags.of_error(&error)))?;
    let trust = if no_verify_ssl {
        Trust::Unverified
    } else {
        Trust::Verified
    };
    let key = key::read("API key, not shown (Enter: go without): ")?;
    if key.as_ref().is_some_and(|key| key.is_in(&host)) {
        return Err(io::Error::other(
            "--host holds the API key, which belongs nowhere on the command line",
        ));
    }
    let http = Http::new(arguments.targets.egress(Limits::default()));
    let report = match key {
        None => examine_without_key(&http, &target, trust).await,
        Some(key) => {
            let connection = Connection::with(target, trust, key).within(scope);
            let profile = http.admit(&connection).ok();
            let (capacity, audit) = (Capacity::default(), Audit::none("diagnose_connection"));
            let session = Session::new(&http, connection, profile, &capacity, &audit);
            examine(&session.upstream(), Wording::Arguments).await
        }
    };
    let mut out = io::stdout().lock();
    writeln!(out, "{}", report.text())?;
    out.flush()?;
    if report.is_spoken() {
        writeln!(io::stderr(), "{}", failure_text::SPOKEN)?;
    }
    if report.is_good() {
        if !arguments.targets.ca_file.is_empty() {
            writeln!(out, "The server needs the same --ca-file.")?;
        }
        return Ok(());
    }
    Err(io::Error::other("the connection does not work"))
}
