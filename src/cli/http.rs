//! The commands `http` and `health`: serving over HTTP, and asking whether a server lives.

use std::io::{self, Write};
use std::net::{IpAddr, SocketAddr};
use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::Duration;

use clap::{Args, ValueEnum};
use http::Uri;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
#[cfg(unix)]
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio_util::sync::CancellationToken;

use super::refusal::whole;
use super::{LONGEST, MOST, Serve};
use crate::audit::metrics::Metrics;
use crate::opmanager::Target;
use crate::server::{CallLimits, Credentials};
use crate::tools::Policy;
use crate::transport::http::{
    Options, Origin, SPARE, Tokens, listen, read_host, read_tokens, serve,
};

/// Calls that run at one time, and that wait, unless the operator says otherwise. They mostly wait for OpManager.
const CALLS: CallLimits = CallLimits {
    running: 64,
    waiting: 256,
};
/// Longest time that a health check waits.
const HEALTH_TIMEOUT: Duration = Duration::from_secs(3);

/// Arguments of `http`.
#[derive(Debug, Args)]
pub(super) struct HttpArgs {
    /// Address and port to listen on
    #[arg(long, value_name = "ADDRESS:PORT", default_value = "127.0.0.1:3000", value_parser = read_listen)]
    listen: SocketAddr,
    /// Where host and key of a call come from
    #[arg(long, value_name = "WHERE", default_value = "arguments")]
    credentials: CredentialsArg,
    /// Names under which clients reach this server, beside those of this machine and the address that it is
    /// reached at; comma-separated, without port
    #[arg(long, value_name = "HOSTS", value_delimiter = ',', value_parser = read_host)]
    allowed_hosts: Vec<String>,
    /// Origins whose web pages may call, beside those of this machine on this port: scheme://host:port;
    /// comma-separated. Browsers ask other servers first, which this one does not answer: they must be behind
    /// the same proxy
    #[arg(long, value_name = "ORIGINS", value_delimiter = ',')]
    allowed_origins: Vec<Origin>,
    /// Serve only who has a bearer token of this file: in each line a name, for the log, and a token, and what lowers
    /// the limits of that caller: access=LEVEL, toolsets=TOOLSETS. Only its owner may write it and only its owner and
    /// group read it. SIGHUP reads it anew
    #[arg(long, value_name = "FILE", value_parser = read_tokens)]
    http_token_file: Option<Arc<Tokens>>,
    /// Most connections that are answered at one time; 16 more may ask for /health, /livez and /readyz
    #[arg(long, value_name = "CONNECTIONS", default_value_t = Options::default().max_connections, value_parser = whole(1..=MOST))]
    max_connections: usize,
    /// Most requests of one token, or without tokens of one address (of IPv6: one /64), in a minute; no limit by
    /// default
    #[arg(long, value_name = "REQUESTS", value_parser = read_rate)]
    rate_limit: Option<NonZeroU32>,
    /// How long running calls may take when the server is told to end, in seconds
    #[arg(long, value_name = "SECONDS", default_value_t = Options::default().grace.as_secs(), value_parser = whole(1..=LONGEST))]
    shutdown_grace: u64,
    /// Targets that the metrics name, as host:port; comma-separated
    #[arg(long, value_name = "TARGETS", value_delimiter = ',', value_parser = read_target)]
    metrics_targets: Vec<String>,
    #[command(flatten)]
    serve: Serve,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum CredentialsArg {
    /// Arguments of the call, which the model gives
    Arguments,
    /// Headers X-OpManager-Host and X-OpManager-Api-Key of the request, which the model does not see
    Headers,
}

fn read_listen(text: &str) -> Result<SocketAddr, String> {
    text.parse().map_err(|_| {
        "must be an address and a port, with brackets around an IPv6 address".to_owned()
    })
}

fn read_rate(text: &str) -> Result<NonZeroU32, String> {
    whole(NonZeroU32::MIN..=NonZeroU32::MAX)(text)
}

/// What the address of a server's health must be.
const HEALTH_URL: &str = "must be http://host:port/path";

fn read_url(text: &str) -> Result<Uri, String> {
    text.parse().map_err(|_| HEALTH_URL.to_owned())
}

/// Reads a target as the metrics name it.
fn read_target(text: &str) -> Result<String, String> {
    let target = Target::parse(text, None, None);
    target
        .map(|target| target.to_string())
        .map_err(|error| error.to_string())
}

impl HttpArgs {
    /// What a server does before it serves.
    pub(super) fn prepare(&self) {
        self.serve.prepare();
    }
}

/// Serves until the process is told to end.
pub(super) async fn run(arguments: HttpArgs) -> io::Result<()> {
    let mut signals = Signals::new()?;
    let tokens = arguments.http_token_file;
    let credentials = match arguments.credentials {
        CredentialsArg::Arguments => Credentials::Arguments,
        CredentialsArg::Headers => Credentials::Request,
    };
    let connections = arguments.max_connections + SPARE;
    arguments.serve.raise_descriptors(connections, CALLS);
    let listener = listen(arguments.listen)?;
    let address = listener.local_addr()?;
    let open = arguments.serve.targets.allowed_targets.is_empty() && tokens.is_none();
    if open && !address.ip().is_loopback() {
        tracing::warn!(
            "everybody who reaches this port can call any target: limit it with --allowed-targets or --http-token-file"
        );
    }
    // Otherwise the first caller would find out.
    if let Err(error) = arguments.serve.tls() {
        tracing::warn!(
            reason = %error,
            "there are no certificate authorities, so only pinned certificates are trusted: install them on this machine or in this image, or use --ca-file"
        );
    }
    let policy = arguments.serve.policy.policy();
    if let Some(tokens) = &tokens {
        check_grants(tokens, &policy);
    }
    let metrics = Arc::new(Metrics::new(arguments.metrics_targets));
    let server = arguments
        .serve
        .server(credentials, CALLS, Some(address))
        .with_metrics(metrics.clone())
        .ok_or_else(|| io::Error::other("the server is shared already"))?;
    let options = Options {
        allowed_hosts: arguments.allowed_hosts,
        allowed_origins: arguments.allowed_origins,
        tokens: tokens.clone(),
        max_request_bytes: arguments.serve.max_request_bytes,
        max_connections: arguments.max_connections,
        rate_limit: arguments.rate_limit,
        grace: Duration::from_secs(arguments.shutdown_grace),
        credentials,
        msp: policy.msp,
    };
    let (stop, stop_now) = (CancellationToken::new(), CancellationToken::new());
    let stops = [stop.clone(), stop_now.clone()];
    // The first signal ends the service when its calls have ended, the second at once.
    tokio::spawn(async move {
        for stop in stops {
            while signals.next().await == Demand::Reload {
                if let Some(tokens) = &tokens {
                    reload(tokens.clone(), policy.clone()).await;
                }
            }
            stop.cancel();
        }
    });
    // Standard output carries no protocol here, and need not be read. With port 0 it is the only place with the port.
    let _ = writeln!(io::stdout(), "listening on http://{address}/mcp");
    let serving = serve(server, options, listener, metrics, stop, stop_now);
    arguments.serve.observed(serving).await
}

/// Reads the tokens again. A file that is wrong changes nothing.
async fn reload(tokens: Arc<Tokens>, policy: Policy) {
    let reading = tokio::task::spawn_blocking(move || match tokens.reload() {
        Ok(()) => {
            tracing::info!(
                tokens = tokens.grants().len(),
                "--http-token-file: the tokens were reloaded"
            );
            check_grants(&tokens, &policy);
        }
        Err(reason) => tracing::error!(
            reason,
            "--http-token-file: the tokens could not be reloaded and stay as they were"
        ),
    });
    // A panic in there has been logged.
    let _ = reading.await;
}

/// Logs tokens that grant more than the server permits, or no tool at all.
fn check_grants(tokens: &Tokens, policy: &Policy) {
    for grant in tokens.grants() {
        let name = &grant.name;
        if grant.bound.access > Some(policy.access) {
            tracing::warn!(
                name,
                "the access of this token is above that of the server, which is the upper bound"
            );
        }
        let bounded = Policy {
            bound: grant.bound.clone(),
            ..policy.clone()
        };
        if bounded.listed().is_empty() {
            tracing::warn!(
                name,
                "the server lists no tool of this token's toolsets: name catalogue, core or all there, or list more with --toolsets"
            );
        }
    }
}

/// What a signal demands of a service.
#[derive(Debug, PartialEq, Eq)]
enum Demand {
    End,
    #[cfg_attr(not(unix), expect(dead_code, reason = "there is no such signal"))]
    Reload,
}

/// The signals to the process; none is missed from here on.
#[cfg(unix)]
struct Signals {
    terminate: Signal,
    interrupt: Signal,
    hangup: Signal,
}

#[cfg(unix)]
impl Signals {
    fn new() -> io::Result<Self> {
        Ok(Self {
            terminate: signal(SignalKind::terminate())?,
            interrupt: signal(SignalKind::interrupt())?,
            hangup: signal(SignalKind::hangup())?,
        })
    }

    /// Waits for the next one.
    async fn next(&mut self) -> Demand {
        tokio::select! {
            _ = self.terminate.recv() => Demand::End,
            _ = self.interrupt.recv() => Demand::End,
            // A terminal that is closed sends it too, and does not end the service.
            _ = self.hangup.recv() => Demand::Reload,
        }
    }
}

#[cfg(not(unix))]
struct Signals;

#[cfg(not(unix))]
impl Signals {
    fn new() -> io::Result<Self> {
        Ok(Self)
    }

    async fn next(&mut self) -> Demand {
        if tokio::signal::ctrl_c().await.is_err() {
            std::future::pending::<()>().await;
        }
        Demand::End
    }
}

/// Arguments of `health`.
#[derive(Debug, Args)]
pub(super) struct HealthArgs {
    /// What is asked
    #[arg(
        long,
        value_name = "URL",
        default_value = "http://127.0.0.1:3000/health",
        value_parser = read_url
    )]
    url: Uri,
}

/// Asks a running server whether it lives.
pub(super) async fn health(arguments: HealthArgs) -> io::Result<()> {
    let wanted = arguments.url.authority().filter(|authority| {
        arguments.url.scheme_str() == Some("http") && !authority.as_str().contains('@')
    });
    let authority = wanted.ok_or_else(|| io::Error::other(format!("--url: {HEALTH_URL}")))?;
    let port = authority.port_u16().unwrap_or(80);
    let host = authority.host().trim_matches(['[', ']']);
    // A name may be a secret that was put there by mistake; an address is not.
    let shown = match host.parse::<IpAddr>() {
        Ok(_) => format!(" {authority}:"),
        Err(_) => String::new(),
    };
    let no_answer = |why: String| io::Error::other(format!("--url:{shown} {why}"));
    let asking = async {
        let mut stream = TcpStream::connect((host, port)).await?;
        let path = arguments.url.path();
        let request =
            format!("GET {path} HTTP/1.1\r\nHost: {authority}\r\nConnection: close\r\n\r\n");
        stream.write_all(request.as_bytes()).await?;
        let mut status = [0; 12];
        stream.read_exact(&mut status).await?;
        Ok::<_, io::Error>(status)
    };
    let status = tokio::time::timeout(HEALTH_TIMEOUT, asking)
        .await
        .map_err(|_| no_answer("no answer within 3 seconds".to_owned()))?
        .map_err(|error| no_answer(error.to_string()))?;
    if &status == b"HTTP/1.1 200" {
        writeln!(io::stdout(), "ok")
    } else {
        let status = String::from_utf8_lossy(&status[9..]).into_owned();
        Err(no_answer(format!("the answer has status {status}")))
    }
}
