//! The command `simulate`: the simulator on a port, for clients that somebody else starts.
//!
//! Owns its flags. What they mean is decided in the simulator.

use std::io::{self, Write};
use std::num::NonZeroUsize;
use std::ops::RangeInclusive;
use std::str::FromStr;
use std::time::Duration;

use clap::builder::{PossibleValuesParser, TypedValueParser};
use clap::{Args, ValueEnum};
use opmanager_simulator::fleet::{Network, Story};
use opmanager_simulator::{
    CountBy, Options, Simulator, Throttle, Tls, UnknownName, Variant, Window,
};

use crate::cli::refusal::whole;

/// Longest latency of the made-up OpManager: an hour.
const MOST_MILLISECONDS: u64 = 3_600_000;

/// Arguments of `simulate`.
#[derive(Debug, Args)]
pub(crate) struct SimulateArgs {
    /// Port to listen on; 0 takes a free one
    #[arg(long, default_value = "8060", value_parser = whole(0..=u16::MAX))]
    port: u16,
    /// Serve HTTPS with a self-signed certificate, as OpManager does when new
    #[arg(long)]
    tls: bool,
    /// Kind of OpManager: as documented, an old, a newer or a stricter build, one in French, or an MSP Central
    #[arg(long, value_name = "VARIANT", default_value = Variant::default().name(), value_parser = name_of::<Variant, 6>(Variant::ALL.map(Variant::name)))]
    variant: Variant,
    /// Network: a small one, or a fleet of some 400 devices, drawn from the seed, in which a few things happen
    #[arg(long, value_name = "NETWORK", default_value = Network::default().name(), value_parser = name_of::<Network, 2>(Network::ALL.map(Network::name)))]
    network: Network,
    /// What does not happen in the fleet, comma-separated
    #[arg(long, value_name = "STORIES", value_delimiter = ',', value_parser = name_of::<Story, 11>(Story::ALL.map(Story::name)))]
    without_story: Vec<Story>,
    /// What the fleet and the times of answers are drawn from
    #[arg(long, value_name = "NUMBER", default_value_t = Options::default().seed, value_parser = whole(0..=u64::MAX))]
    seed: u64,
    /// Answer a read without a row with a message and nothing else, as some servers do
    #[arg(long)]
    empty_as_message: bool,
    /// Enforce the documented limits of calls per minute
    #[arg(long)]
    rate_limits: bool,
    /// Whose calls count together: those with a user's key, or those from an address
    #[arg(
        long,
        value_name = "WHOSE",
        default_value = "user",
        requires = "rate_limits"
    )]
    count_by: CountByArg,
    /// Which calls count: those of the last minute, or those since a minute began
    #[arg(
        long,
        value_name = "WINDOW",
        default_value = "rolling",
        requires = "rate_limits"
    )]
    rate_window: WindowArg,
    /// Send X-Rate-Limit with each answer: seconds of the window, calls left, seconds to wait
    #[arg(long, requires = "rate_limits")]
    rate_header: bool,
    /// How long it works on an answer, from the shortest to the longest time, such as 2s..4s
    #[arg(long, value_name = "TIME..TIME", value_parser = time_range)]
    answer_time: Option<RangeInclusive<Duration>>,
    /// How long each answer takes to begin, in milliseconds
    #[arg(long, value_name = "MILLISECONDS", default_value = "0", value_parser = whole(0..=MOST_MILLISECONDS))]
    latency: u64,
    /// Let every so many-th request fail, in one of several ways in turn
    #[arg(long, value_name = "REQUESTS", value_parser = whole(NonZeroUsize::MIN..=NonZeroUsize::MAX))]
    fail_every: Option<NonZeroUsize>,
    /// Print a line for each request: its method and its target, which holds no key
    #[arg(long)]
    print_requests: bool,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum CountByArg {
    User,
    Address,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum WindowArg {
    Rolling,
    Fixed,
}

/// Reads one of the names of a set that the simulator defines.
fn name_of<T, const N: usize>(names: [&'static str; N]) -> impl TypedValueParser<Value = T>
where
    T: FromStr<Err = UnknownName> + Clone + Send + Sync + 'static,
{
    PossibleValuesParser::new(names).try_map(|name| name.parse())
}

/// Reads `2s..4s` or `500ms..2s`.
fn time_range(text: &str) -> Result<RangeInclusive<Duration>, String> {
    let time = |text: &str| {
        let (number, unit) = match text.strip_suffix("ms") {
            Some(number) => (number, 1),
            None => (text.strip_suffix('s')?, 1000),
        };
        let millis = number.parse::<u64>().ok()?.checked_mul(unit)?;
        (millis <= MOST_MILLISECONDS).then(|| Duration::from_millis(millis))
    };
    let range = text
        .split_once("..")
        .and_then(|(low, high)| Some(time(low)?..=time(high)?));
    range.filter(|range| range.start() <= range.end()).ok_or_else(|| {
        "must be two times, the shorter one first, in s or ms and up to an hour: 2s..4s, 500ms..2s".to_owned()
    })
}

/// Serves the made-up OpManager until interrupted.
pub(crate) async fn simulate(arguments: SimulateArgs) -> io::Result<()> {
    if arguments.network == Network::Small && !arguments.without_story.is_empty() {
        return Err(io::Error::other(
            "--without-story needs --network fleet: nothing of the kind happens in the small network",
        ));
    }
    let simulator = Simulator::start(Options {
        port: arguments.port,
        tls: if arguments.tls {
            Tls::SelfSigned
        } else {
            Tls::None
        },
        variant: arguments.variant,
        network: arguments.network,
        without_stories: arguments.without_story,
        seed: arguments.seed,
        empty_as_message: arguments.empty_as_message,
        answer_time: arguments.answer_time,
        rate_limits: arguments.rate_limits,
        throttle: Throttle {
            count_by: match arguments.count_by {
                CountByArg::User => CountBy::User,
                CountByArg::Address => CountBy::Address,
            },
            window: match arguments.rate_window {
                WindowArg::Rolling => Window::Rolling,
                WindowArg::Fixed => Window::Fixed,
            },
            header: arguments.rate_header,
        },
        latency: Duration::from_millis(arguments.latency),
        fails_every: arguments.fail_every,
        ..Options::default()
    })
    .await?;
    let mut out = io::stdout();
    writeln!(out, "A made-up OpManager listens on {}", simulator.url())?;
    writeln!(out, "apiKey: {}", simulator.api_key())?;
    if let Some(fingerprint) = simulator.certificate_sha256() {
        writeln!(out, "certificate SHA-256: {fingerprint}")?;
    }
    writeln!(out, "Stop it with Ctrl-C.")?;
    out.flush()?;
    tokio::select! {
        interrupted = tokio::signal::ctrl_c() => interrupted?,
        printed = print_requests(&simulator), if arguments.print_requests => printed?,
    }
    simulator.shutdown().await;
    Ok(())
}

/// Prints what is asked for, until nobody reads it.
async fn print_requests(simulator: &Simulator) -> io::Result<()> {
    loop {
        simulator.wait_until(|log| !log.requests.is_empty()).await;
        let mut lines = String::new();
        for request in simulator.take_requests() {
            lines += &format!("{} {}\n", request.method, request.target);
        }
        let mut out = io::stdout();
        out.write_all(lines.as_bytes())?;
        out.flush()?;
    }
}
