//! The command line.
//!
//! Owns the flags of the server and the list of commands; each command has a file.

mod call;
mod diagnose;
mod flags;
mod http;
mod key;
mod log;
pub(crate) mod process;
pub(crate) mod refusal;
mod tools;

use std::io::{self, Write};
use std::net::SocketAddr;
use std::process::ExitCode;
use std::time::Duration;

use clap::{Args, Parser, Subcommand};

use crate::opmanager::{Http, Limits, MOST_IDLE, Profile, RateShare};
use crate::server::{CallLimits, Confirm, ConfirmTimeout, Credentials, OpManagerServer, Settings};
#[cfg(feature = "otel")]
use crate::telemetry::{Endpoint, Telemetry};
use crate::transport;
use flags::{
    AccessArg, AnswerArgs, ConfirmArg, ConnectionArgs, LONGEST, MOST, MOST_BYTES, PolicyArgs,
    TargetArgs,
};
use refusal::whole;

/// MCP server for ManageEngine OpManager that holds no credential.
///
/// Without a command it speaks the Model Context Protocol over standard input and output. Host and API
/// key come with each call and are gone after it; nothing is read from the environment.
#[derive(Debug, Parser)]
#[command(
    name = "opmanager-mcp-server",
    version,
    args_conflicts_with_subcommands = true
)]
pub struct Cli {
    #[command(flatten)]
    serve: Serve,
    #[command(subcommand)]
    command: Option<Command>,
}

#[derive(Debug, Args)]
struct Serve {
    #[command(flatten)]
    policy: PolicyArgs,
    #[command(flatten)]
    targets: TargetArgs,
    #[command(flatten)]
    answers: AnswerArgs,
    /// Whether a call that removes something for good asks the user, through the client
    #[arg(long, value_name = "WHEN", default_value = "auto")]
    confirm_destructive: ConfirmArg,
    /// How long that question stays open, in seconds, 1 to 300; then it is withdrawn and the call not sent. Many clients
    /// give a call up after a minute
    #[arg(long, value_name = "SECONDS", default_value_t = ConfirmTimeout::default().0.as_secs(), value_parser = whole::<u64>(1..=300))]
    confirm_timeout: u64,
    /// Longest message of a client, in bytes; at least 1024
    #[arg(long, value_name = "BYTES", default_value_t = transport::MAX_REQUEST_BYTES, value_parser = whole(1024..=MOST_BYTES))]
    max_request_bytes: usize,
    /// Most calls that run at one time: 8 over standard input, where all others wait, and 64 over HTTP, where 256
    /// wait and more are refused, and one caller holds at most three quarters of either
    #[arg(long, value_name = "CALLS", value_parser = whole(1..=MOST))]
    max_concurrent_calls: Option<usize>,
    /// Most bytes of answers that are held at one time, over all calls
    #[arg(long, value_name = "BYTES", default_value_t = Limits::default().max_buffered_bytes, value_parser = whole(1..=MOST_BYTES))]
    max_buffered_bytes: usize,
    /// Which part of OpManager's documented rate limits this server uses, where several share one OpManager: 1/3 for one of
    /// three copies; off counts nothing
    #[arg(long, value_name = "SHARE", default_value_t = RateShare::default())]
    share_of_rate: RateShare,
    /// What is logged to standard error; never arguments, keys or answers
    #[arg(long, value_name = "LEVEL", default_value = "info")]
    log_level: log::Level,
    /// How it is written
    #[arg(long, value_name = "FORMAT", default_value = "text")]
    log_format: log::Format,
    /// Send spans of calls to this OpenTelemetry collector, as OTLP over HTTP: http://host:4318, to which
    /// /v1/traces is added
    #[cfg(feature = "otel")]
    #[arg(long, value_name = "URL", value_parser = Endpoint::parse)]
    otlp_endpoint: Option<Endpoint>,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// List the tools, offline
    Tools {
        #[command(flatten)]
        policy: PolicyArgs,
        /// Print the definitions as JSON
        #[arg(long)]
        json: bool,
    },
    /// Serve over streamable HTTP, at /mcp
    Http(Box<http::HttpArgs>),
    /// Ask a server that was started with `http` whether it lives
    Health(http::HealthArgs),
    /// Call one tool and print its answer
    ///
    /// The key is asked for, or read from a pipe.
    Call(Box<call::CallArgs>),
    /// Find out step by step why calls to an OpManager fail, or what they need
    ///
    /// Give it the flags of the server that say where calls may go and whom they trust. The key is asked
    /// for, or read from a pipe; without one, everything up to the certificate is examined.
    Diagnose(Box<diagnose::DiagnoseArgs>),
    /// Serve a made-up OpManager to try things on
    #[cfg(feature = "demo")]
    Simulate(crate::demo::SimulateArgs),
    /// Watch an MCP client work with a made-up OpManager through this server
    #[cfg(feature = "demo")]
    Demo,
}

/// Open files for everything else: standard streams, the runtime, listening, looking names up, files that are read.
const OTHER_DESCRIPTORS: usize = 64;

/// Exit code for an invalid command line.
const REFUSED: u8 = 2;

/// Runs the command line to its end.
pub fn run() -> ExitCode {
    let Cli { serve, command } = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) if error.use_stderr() => {
            let _ = io::stderr().write_all(refusal::text(&error).as_bytes());
            return ExitCode::from(REFUSED);
        }
        // Help and version.
        Err(error) => {
            let _ = error.print();
            return ExitCode::SUCCESS;
        }
    };
    let result = match command {
        None => serve_stdio(&serve),
        Some(Command::Tools { policy, json }) => tools::print(&policy.policy(), json),
        Some(Command::Http(arguments)) => {
            arguments.prepare();
            block_on(http::run(*arguments))
        }
        Some(Command::Health(arguments)) => block_on(http::health(arguments)),
        Some(Command::Call(arguments)) => block_on(call::run(*arguments)),
        Some(Command::Diagnose(arguments)) => block_on(diagnose::run(*arguments)),
        #[cfg(feature = "demo")]
        Some(Command::Simulate(arguments)) => block_on(crate::demo::simulate(arguments)),
        #[cfg(feature = "demo")]
        Some(Command::Demo) => block_on(crate::demo::demo()),
    };
    match result {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => {
            log::last_word(&format!("opmanager-mcp-server: {error}\n"));
            ExitCode::FAILURE
        }
        // A reader that has seen enough closes the pipe, which is not a failure.
        Ok(()) | Err(_) => {
            log::flush();
            ExitCode::SUCCESS
        }
    }
}

impl Serve {
    /// What every server does before it serves.
    fn prepare(&self) {
        log::begin(self.log_level, self.log_format);
        process::close_memory();
        process::silence_panics();
    }

    /// Raises the limit of open files to what so many incoming connections and running calls need.
    fn raise_descriptors(&self, connections: usize, calls: CallLimits) {
        let running = self.max_concurrent_calls.unwrap_or(calls.running);
        // A name may have addresses of both families, which are tried at the same time.
        process::raise_descriptors(connections + 2 * running + MOST_IDLE + OTHER_DESCRIPTORS);
    }

    /// The server, with its own address if it listens. Arguments that contradict each other end the program.
    fn server(
        &self,
        credentials: Credentials,
        calls: CallLimits,
        own: Option<SocketAddr>,
    ) -> OpManagerServer {
        let mut egress = self.targets.egress(Limits {
            max_buffered_bytes: self.max_buffered_bytes,
            ..self.answers.limits()
        });
        egress.policy.own = own;
        egress.rate_share = self.share_of_rate;
        let http = Http::new(egress);
        let settings = Settings {
            policy: self.policy.policy(),
            credentials,
            confirm: match self.confirm_destructive {
                ConfirmArg::Auto => Confirm::Auto,
                ConfirmArg::Always => Confirm::Always,
                ConfirmArg::Off => Confirm::Off,
            },
            confirm_timeout: ConfirmTimeout(Duration::from_secs(self.confirm_timeout)),
            calls: CallLimits {
                running: self.max_concurrent_calls.unwrap_or(calls.running),
                ..calls
            },
            result: self.answers.result(),
            zones: self.answers.zones(),
        };
        OpManagerServer::new(settings, http)
    }

    /// The TLS configuration for targets without a pin.
    fn tls(&self) -> Result<rustls::ClientConfig, rustls::Error> {
        Http::new(self.targets.egress(self.answers.limits())).tls(Profile::Verified)
    }

    /// Serves, and meanwhile sends spans if an endpoint is configured.
    async fn observed(&self, serving: impl Future<Output = io::Result<()>>) -> io::Result<()> {
        #[cfg(feature = "otel")]
        if let Some(endpoint) = &self.otlp_endpoint {
            // The collector is the operator's, as OpManager is, and trusted in the same way.
            let tls = self.tls().map_err(io::Error::other)?;
            let telemetry = Telemetry::begin(endpoint.clone(), tls)?;
            let served = serving.await;
            telemetry.finish().await;
            return served;
        }
        serving.await
    }
}

fn serve_stdio(arguments: &Serve) -> io::Result<()> {
    arguments.prepare();
    arguments.raise_descriptors(0, CALLS);
    let server = arguments.server(Credentials::Arguments, CALLS, None);
    let serving = transport::stdio::serve(server, arguments.max_request_bytes);
    block_on(arguments.observed(serving))
}

fn block_on<F: Future<Output = io::Result<()>>>(future: F) -> io::Result<()> {
    // A call mostly waits. Handing it from one thread to another takes longer than its work.
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    let result = runtime.block_on(future);
    // A blocked read of standard input must not keep the process.
    runtime.shutdown_background();
    result
}

/// Calls over standard input that run at one time, unless the operator says otherwise. All others wait: how many there
/// are is bounded by the requests that may be open.
const CALLS: CallLimits = CallLimits {
    running: 8,
    waiting: usize::MAX,
};
