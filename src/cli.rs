//! The command line.

mod call;
mod diagnose;
mod http;
mod key;
mod log;
pub(crate) mod process;
pub(crate) mod refusal;

use std::io::{self, Write};
use std::net::SocketAddr;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use clap::error::ErrorKind;
use clap::{Args, CommandFactory, Parser, Subcommand, ValueEnum};
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;

use crate::opmanager::{
    AllowedTarget, Egress, Http, Limits, MOST_IDLE, Pin, Profile, TargetPolicy, Url,
};
use crate::result;
use crate::server::{CallLimits, Confirm, ConfirmTimeout, Credentials, OpManagerServer, Settings};
#[cfg(feature = "otel")]
use crate::telemetry::{Endpoint, Telemetry};
use crate::tools::{self, Access, Policy, ToolName, ToolsetName};
use crate::transport;
use refusal::whole;

/// Upper bound of numbers of things: nobody means more, and sums of it do not overflow.
const MOST: usize = 1_000_000;
/// The same for seconds: a day.
const LONGEST: u64 = 86_400;
/// The same for bytes and characters: 1 GiB.
const MOST_BYTES: usize = 1 << 30;

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

#[derive(Debug, Clone, Args)]
struct PolicyArgs {
    /// What may be called; each level includes the ones before it
    #[arg(long, value_name = "LEVEL", default_value = "read")]
    access: AccessArg,
    /// Toolsets that are listed, comma-separated: core (the default), catalogue, an area, or all
    #[arg(long, value_name = "TOOLSETS", value_delimiter = ',')]
    toolsets: Vec<ToolsetName>,
    /// Tools that are listed beside those toolsets, or, without --toolsets, alone; comma-separated
    #[arg(long, value_name = "TOOLS", value_delimiter = ',')]
    tools: Vec<ToolName>,
    /// Tools that are neither listed nor run, also not through call_operation; comma-separated
    #[arg(long, value_name = "TOOLS", value_delimiter = ',')]
    exclude_tools: Vec<ToolName>,
}

/// Where a person's call goes.
#[derive(Debug, Clone, Args)]
struct ConnectionArgs {
    /// OpManager server, as a call gives it: host or host:port
    #[arg(long, value_name = "HOST[:PORT]")]
    host: String,
    /// HTTPS or not; by default on every port but 8060 and 80
    #[arg(long, value_name = "BOOL")]
    use_ssl: Option<bool>,
    /// Do not verify the certificate
    #[arg(long)]
    no_verify_ssl: bool,
}

/// How long an answer may take, and how large it may be.
#[derive(Debug, Clone, Args)]
struct AnswerArgs {
    /// Longest time of one call, in seconds
    #[arg(long, value_name = "SECONDS", default_value_t = Limits::default().timeout.as_secs(), value_parser = whole(1..=LONGEST))]
    timeout: u64,
    /// Largest answer of OpManager that is read, in bytes
    #[arg(long, value_name = "BYTES", default_value_t = Limits::default().max_response_bytes, value_parser = whole(1..=MOST_BYTES))]
    max_response_bytes: usize,
    /// Longest answer that a tool gives, in characters; at least 1000
    #[arg(long, value_name = "CHARACTERS", default_value_t = result::Limits::default().max_chars, value_parser = whole(1000..=MOST_BYTES))]
    max_result_chars: usize,
    /// Leave texts as OpManager sends them: markup, padding and invisible characters included
    #[arg(long)]
    raw_output: bool,
}

impl AnswerArgs {
    fn limits(&self) -> Limits {
        Limits {
            timeout: Duration::from_secs(self.timeout),
            max_response_bytes: self.max_response_bytes,
            ..Limits::default()
        }
    }

    fn result(&self) -> result::Limits {
        result::Limits {
            max_chars: self.max_result_chars,
            raw: self.raw_output,
        }
    }
}

/// Where calls may go and whom they trust there.
#[derive(Debug, Clone, Args)]
struct TargetArgs {
    /// The only targets that calls may go to: names, *.suffixes, addresses or networks, each with an optional
    /// :port; comma-separated. Without it any target is allowed that is not dangerous in itself
    #[arg(long, value_name = "TARGETS", value_delimiter = ',')]
    allowed_targets: Vec<AllowedTarget>,
    /// Refuse addresses of this machine, unless --allowed-targets names them
    #[arg(long)]
    deny_loopback: bool,
    /// Refuse addresses of private networks, unless --allowed-targets names them
    #[arg(long)]
    deny_private: bool,
    /// Let plain HTTP, key included, go to addresses outside of private networks
    #[arg(long)]
    allow_plaintext_public: bool,
    /// Refuse plain HTTP altogether
    #[arg(long)]
    require_tls: bool,
    /// Trust the certificate authorities in this PEM file beside the system's; may be repeated
    #[arg(long, value_name = "FILE", value_parser = read_authorities)]
    ca_file: Vec<Authorities>,
    /// Trust for this target the one certificate with this SHA-256, and no other; may be repeated
    #[arg(long, value_name = "HOST[:PORT]=HEX")]
    pin_sha256: Vec<Pin>,
    /// Refuse calls with verify_ssl: false
    #[arg(long)]
    forbid_insecure_tls: bool,
    /// Reach every target through this HTTP proxy, and refuse plain HTTP, which does not go through it; proxies of the
    /// environment are never used
    #[arg(long, value_name = "URL", value_parser = read_proxy)]
    proxy: Option<Url>,
    /// Let plain HTTP go past --proxy, directly to its target
    #[arg(long, requires = "proxy")]
    proxy_https_only: bool,
    /// Longest time until a connection stands, in seconds
    #[arg(long, value_name = "SECONDS", default_value_t = Limits::default().connect_timeout.as_secs(), value_parser = whole(1..=LONGEST))]
    connect_timeout: u64,
}

/// The certificates of one `--ca-file`.
type Authorities = Arc<Vec<CertificateDer<'static>>>;

fn read_authorities(path: &str) -> Result<Authorities, String> {
    let certificates = CertificateDer::pem_file_iter(path)
        .and_then(Iterator::collect::<Result<Vec<_>, _>>)
        .map_err(|error| format!("cannot be read as PEM: {error}"))?;
    if certificates.is_empty() {
        return Err("holds no certificate".to_owned());
    }
    for certificate in &certificates {
        webpki_anchor(certificate)?;
    }
    Ok(Arc::new(certificates))
}

/// A file that the TLS library will not take must be found out at the start, not at the first call.
fn webpki_anchor(certificate: &CertificateDer<'_>) -> Result<(), String> {
    let mut store = rustls::RootCertStore::empty();
    store
        .add(certificate.clone().into_owned())
        .map_err(|error| format!("holds a certificate that is none: {error}"))
}

fn read_proxy(text: &str) -> Result<Url, String> {
    let url = Url::parse(text).map_err(|error| error.to_string())?;
    if url.scheme() != "http" || url.host_str().is_none() {
        return Err("write http://host:port".to_owned());
    }
    Ok(url)
}

impl TargetArgs {
    fn egress(&self, limits: Limits) -> Egress {
        Egress {
            limits: Limits {
                connect_timeout: Duration::from_secs(self.connect_timeout),
                ..limits
            },
            policy: TargetPolicy {
                allowed: self.allowed_targets.clone(),
                deny_loopback: self.deny_loopback,
                deny_private: self.deny_private,
                allow_plaintext_public: self.allow_plaintext_public,
                require_tls: self.require_tls,
                forbid_insecure_tls: self.forbid_insecure_tls,
                pins: self.pin_sha256.clone(),
                own: None,
            },
            authorities: self
                .ca_file
                .iter()
                .flat_map(|file| file.iter().cloned())
                .collect(),
            proxy: self.proxy.clone(),
            proxy_https_only: self.proxy_https_only,
        }
    }
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum AccessArg {
    /// Tools that change nothing
    Read,
    /// Also tools that add or change something
    Write,
    /// Also tools that remove something for good
    Destructive,
}

impl From<AccessArg> for Access {
    fn from(argument: AccessArg) -> Self {
        match argument {
            AccessArg::Read => Self::Read,
            AccessArg::Write => Self::Write,
            AccessArg::Destructive => Self::Destructive,
        }
    }
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum ConfirmArg {
    /// Where the client can ask
    Auto,
    /// Always; clients that cannot ask are refused
    Always,
    /// Never
    Off,
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

impl PolicyArgs {
    /// The policy. What contradicts itself ends the program, as any wrong argument does.
    fn policy(&self) -> Policy {
        let policy = Policy {
            access: self.access.into(),
            toolsets: self.toolsets.clone(),
            tools: self.tools.clone(),
            excluded: self.exclude_tools.clone(),
            ..Policy::default()
        };
        if let Err(problem) = policy.check() {
            Cli::command()
                .error(ErrorKind::ArgumentConflict, problem)
                .exit();
        }
        policy
    }
}

/// Open files for everything else: standard streams, the runtime, listening, looking names up, files that are read.
const OTHER_DESCRIPTORS: usize = 64;

/// Exit code of a command line that is wrong.
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
        Some(Command::Tools { policy, json }) => print_tools(&policy.policy(), json),
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
        // A reader that has seen enough closes the pipe; that is no failure.
        Ok(()) | Err(_) => {
            log::flush();
            ExitCode::SUCCESS
        }
    }
}

impl Serve {
    /// What a server does before it serves.
    fn prepare(&self) {
        log::begin(self.log_level, self.log_format);
        process::close_memory();
        process::silence_panics();
    }

    /// Makes room for as many open files as connections come in, and calls go out.
    fn raise_descriptors(&self, connections: usize, calls: CallLimits) {
        let running = self.max_concurrent_calls.unwrap_or(calls.running);
        // A name may have addresses of two kinds, which are tried at one time.
        process::raise_descriptors(connections + 2 * running + MOST_IDLE + OTHER_DESCRIPTORS);
    }

    /// The server, which may listen itself. What contradicts itself ends the program.
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
        };
        OpManagerServer::new(settings, http)
    }

    /// How servers are trusted that nothing else is said of.
    fn tls(&self) -> Result<rustls::ClientConfig, rustls::Error> {
        Http::new(self.targets.egress(self.answers.limits())).tls(Profile::Verified)
    }

    /// Serves, and sends spans meanwhile if that is asked for.
    async fn observed(&self, serving: impl Future<Output = io::Result<()>>) -> io::Result<()> {
        #[cfg(feature = "otel")]
        if let Some(endpoint) = &self.otlp_endpoint {
            // The collector is the operator's, as OpManager is: trusted alike.
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
    // A call mostly waits. Handing it from one thread to another takes longer than what it has to do.
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

/// Heading of the tools that are not one operation.
const BUILT_IN: &str = "built in";

fn print_tools(policy: &Policy, json: bool) -> io::Result<()> {
    let tools = tools::catalogue().iter().filter(|tool| policy.lists(tool));
    let mut out = io::stdout().lock();
    if json {
        let tools: Vec<_> = tools
            .map(|tool| {
                let mut line = serde_json::json!({
                    "toolset": BUILT_IN,
                    "access": tool.access_at(policy.access).word(),
                    "tool": tool.definition_at(policy.access),
                });
                if let Some(specification) = tool.operation() {
                    line["toolset"] = tool.toolset().into();
                    line["operation"] = specification.id.into();
                    line["method"] = specification.method.into();
                    line["path"] = specification.path.into();
                }
                line
            })
            .collect();
        serde_json::to_writer_pretty(&mut out, &tools)?;
        return writeln!(out);
    }
    let mut heading = "";
    for tool in tools {
        let toolset = match tool.operation() {
            Some(_) => tool.toolset(),
            None => BUILT_IN,
        };
        if heading != toolset {
            heading = toolset;
            writeln!(out, "{heading}")?;
        }
        let (name, access) = (tool.name(), tool.access_at(policy.access).word());
        writeln!(out, "  {name:<40} {access:<12} {}", tool.summary())?;
    }
    Ok(())
}
