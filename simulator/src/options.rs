//! How a simulator is started.
//!
//! Owns the settings and their defaults. Does nothing with them.

use std::{
    net::{IpAddr, Ipv4Addr},
    num::NonZeroUsize,
    ops::RangeInclusive,
    time::Duration,
};

use crate::{
    fleet::{Network, Story},
    limits::Throttle,
    tls::Tls,
    variant::Variant,
};

/// How a simulator is started. The default is plain HTTP on a free port of 127.0.0.1.
#[derive(Clone, Debug)]
pub struct Options {
    /// The port; 0 takes a free one.
    pub port: u16,
    /// The address to listen on.
    pub address: IpAddr,
    /// Plain HTTP or HTTPS.
    pub tls: Tls,
    /// The key that requests must carry in the `apiKey` header.
    pub api_key: String,
    /// Keys of further users, which are accepted too.
    pub other_keys: Vec<String>,
    /// Which kind of OpManager it is.
    pub variant: Variant,
    /// Which network it watches.
    pub network: Network,
    /// What does not happen in [`Network::Fleet`].
    pub without_stories: Vec<Story>,
    /// Whether a read without a row answers a message and nothing else, as some servers do. [`Variant::Classic`] always
    /// does.
    pub empty_as_message: bool,
    /// Whether the documented rate limits are enforced.
    pub rate_limits: bool,
    /// How they are enforced.
    pub throttle: Throttle,
    /// What time it is in the simulated network at the start, in epoch milliseconds. Each write lets one second pass.
    pub now: i64,
    /// How long each answer takes to begin.
    pub latency: Duration,
    /// How long it works on an answer, from the shortest to the longest time, beside `latency`. Each time is drawn by
    /// `seed`, and measured by tokio's clock.
    pub answer_time: Option<RangeInclusive<Duration>>,
    /// What everything is drawn by that looks random.
    pub seed: u64,
    /// Every so many-th request fails, in one of several ways in turn, as if a [`Fault`](crate::Fault) had been injected.
    pub fails_every: Option<NonZeroUsize>,
}

impl Default for Options {
    fn default() -> Options {
        Options {
            port: 0,
            address: Ipv4Addr::LOCALHOST.into(),
            tls: Tls::None,
            api_key: "demo-key-not-a-secret".to_owned(),
            other_keys: Vec::new(),
            variant: Variant::default(),
            network: Network::default(),
            without_stories: Vec::new(),
            empty_as_message: false,
            rate_limits: false,
            throttle: Throttle::default(),
            // Wed, 14 Jan 2026 09:30:00 UTC
            now: 1_768_383_000_000,
            latency: Duration::ZERO,
            answer_time: None,
            seed: 1,
            fails_every: None,
        }
    }
}
