//! Flags that several commands share.
//!
//! Owns their texts, bounds and defaults, and how they become settings; knows no command.

use std::sync::Arc;
use std::time::Duration;

use clap::error::ErrorKind;
use clap::{Args, CommandFactory, ValueEnum};
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;

use super::Cli;
use super::refusal::whole;
use crate::opmanager::{AllowedTarget, Egress, Limits, Pin, Scope, TargetPolicy, Url, Zone};
use crate::result;
use crate::tools::{Access, Policy, ToolName, ToolsetName, WorkflowName};

/// Upper bound of counts: nobody needs more, and sums of it do not overflow.
pub(super) const MOST: usize = 1_000_000;
/// The same for seconds: a day.
pub(super) const LONGEST: u64 = 86_400;
/// The same for bytes and characters: 1 GiB.
pub(super) const MOST_BYTES: usize = 1 << 30;

#[derive(Debug, Clone, Args)]
pub(super) struct PolicyArgs {
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
    #[command(flatten)]
    workflows: WorkflowArgs,
    /// Calls may say which customer and region of an MSP Central they are about, with selCustomerID and regionID; also
    /// offers the toolset msp
    #[arg(long)]
    msp: bool,
}

/// The workflows of OpManager that may be run.
#[derive(Debug, Clone, Args)]
pub(super) struct WorkflowArgs {
    /// Workflows of OpManager that may be run, by their names, comma-separated. They may hold any script; without this
    /// none can be run
    #[arg(long, value_name = "NAMES", value_delimiter = ',')]
    pub(super) allow_workflows: Vec<WorkflowName>,
}

/// The OpManager that a user's call goes to.
#[derive(Debug, Clone, Args)]
pub(super) struct ConnectionArgs {
    /// OpManager server, as a call gives it: host or host:port
    #[arg(long, value_name = "HOST[:PORT]")]
    pub(super) host: String,
    /// HTTPS or not; by default on every port but 8060 and 80
    #[arg(long, value_name = "BOOL")]
    pub(super) use_ssl: Option<bool>,
    /// Do not verify the certificate
    #[arg(long)]
    pub(super) no_verify_ssl: bool,
    /// It is an MSP Central
    #[arg(long)]
    pub(super) msp: bool,
    /// Customer of the MSP Central, -1 for all; sent with every request
    #[arg(long, value_name = "ID", requires = "msp", allow_negative_numbers = true, value_parser = whole(-1..=i64::MAX))]
    customer_id: Option<i64>,
    /// Region of the MSP Central, -1 for all; sent with every request
    #[arg(long, value_name = "ID", requires = "msp", allow_negative_numbers = true, value_parser = whole(-1..=i64::MAX))]
    region_id: Option<i64>,
}

impl ConnectionArgs {
    pub(super) fn scope(&self) -> Scope {
        Scope {
            customer: self.customer_id,
            region: self.region_id,
        }
    }
}

/// How long an answer may take, and how large it may be.
#[derive(Debug, Clone, Args)]
pub(super) struct AnswerArgs {
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
    /// The form of lists whose items are plain values: columns and rows where that is shorter, or objects for programs
    #[arg(long, value_enum, default_value_t = Rows::Tables)]
    rows: Rows,
    /// The time zone in which an OpManager keeps its local time, so that instants can be given; may be repeated
    #[arg(long, value_name = "HOST[:PORT]=Area/City")]
    opmanager_zone: Vec<Zone>,
}

/// How items of plain values are returned.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Rows {
    /// As columns and rows, where that is shorter.
    Tables,
    /// As objects.
    Objects,
}

impl AnswerArgs {
    pub(super) fn zones(&self) -> Vec<Zone> {
        self.opmanager_zone.clone()
    }

    pub(super) fn limits(&self) -> Limits {
        Limits {
            timeout: Duration::from_secs(self.timeout),
            max_response_bytes: self.max_response_bytes,
            ..Limits::default()
        }
    }

    pub(super) fn result(&self) -> result::Limits {
        result::Limits {
            max_chars: self.max_result_chars,
            raw: self.raw_output,
            tables: self.rows == Rows::Tables,
        }
    }
}

/// Where calls may go and whom they trust there.
#[derive(Debug, Clone, Args)]
pub(super) struct TargetArgs {
    /// The only targets that calls may go to: names, *.suffixes, addresses or networks, each with an optional
    /// :port; comma-separated. Without it any target is allowed that is not dangerous in itself
    #[arg(long, value_name = "TARGETS", value_delimiter = ',')]
    pub(super) allowed_targets: Vec<AllowedTarget>,
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
    pub(super) ca_file: Vec<Authorities>,
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
        return Err("contains no certificate".to_owned());
    }
    for certificate in &certificates {
        check_anchor(certificate)?;
    }
    Ok(Arc::new(certificates))
}

/// Checks that the TLS library accepts a certificate: at the start, and not at the first call.
fn check_anchor(certificate: &CertificateDer<'_>) -> Result<(), String> {
    let mut store = rustls::RootCertStore::empty();
    store
        .add(certificate.clone().into_owned())
        .map_err(|error| format!("contains an invalid certificate: {error}"))
}

fn read_proxy(text: &str) -> Result<Url, String> {
    let url = Url::parse(text).map_err(|error| error.to_string())?;
    if url.scheme() != "http" || url.host_str().is_none() {
        return Err("must be http://host:port".to_owned());
    }
    Ok(url)
}

impl TargetArgs {
    pub(super) fn egress(&self, limits: Limits) -> Egress {
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
            ..Egress::default()
        }
    }
}

#[derive(Debug, Clone, Copy, ValueEnum)]
pub(super) enum AccessArg {
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
pub(super) enum ConfirmArg {
    /// Where the client can ask
    Auto,
    /// Always; clients that cannot ask are refused
    Always,
    /// Never
    Off,
}

impl PolicyArgs {
    /// The policy. Arguments that contradict each other end the program, as any invalid argument does.
    pub(super) fn policy(&self) -> Policy {
        let policy = Policy {
            access: self.access.into(),
            toolsets: self.toolsets.clone(),
            tools: self.tools.clone(),
            excluded: self.exclude_tools.clone(),
            workflows: self.workflows.allow_workflows.clone(),
            msp: self.msp,
            ..Policy::default()
        };
        checked(policy)
    }
}

/// A policy whose arguments do not contradict each other; others end the program, as any invalid argument does.
pub(super) fn checked(policy: Policy) -> Policy {
    if let Err(problem) = policy.check() {
        Cli::command()
            .error(ErrorKind::ArgumentConflict, problem)
            .exit();
    }
    policy
}
