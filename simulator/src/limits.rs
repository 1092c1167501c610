//! The rate limits: how often each operation may be called, by whom, and what is said of too many calls.
//!
//! Owns the windows and locks, and the time that they are measured by. Learns from the contract how often is too often.

use std::{collections::HashMap, net::IpAddr, sync::Mutex, time::Duration};

use tokio::time::Instant;

use crate::{checks::Refusal, contract::Operation, log::lock};

const MINUTE: Duration = Duration::from_secs(60);

/// Whose calls are counted together. Which of them OpManager does is not known.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum CountBy {
    /// All calls with the key of one user.
    #[default]
    User,
    /// All calls from one address.
    Address,
}

/// When a minute begins and ends.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Window {
    /// With each call: those of the last minute count.
    #[default]
    Rolling,
    /// With the first call, and with the first one after its end.
    Fixed,
}

/// How the rate limits are kept, where they are: the documented number of calls per operation and minute, and a lock of
/// the documented length once there is one more.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Throttle {
    /// Whose calls count.
    pub count_by: CountBy,
    /// Which calls count.
    pub window: Window,
    /// Whether answers carry the header `X-Rate-Limit`, a JSON array of the window in seconds, how many calls are left
    /// in it, and the seconds after which the next call may be made.
    pub header: bool,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Caller {
    Key(usize),
    Address(IpAddr),
}

#[derive(Default)]
pub(crate) struct Limits {
    calls: Mutex<HashMap<(&'static str, Caller), Calls>>,
    /// What was let pass beyond what has passed.
    ahead: Mutex<Duration>,
}

#[derive(Default)]
struct Calls {
    recent: Vec<Instant>,
    blocked_until: Option<Instant>,
}

/// What a call is told of its limit.
pub(crate) struct Told {
    pub(crate) header: Option<String>,
    pub(crate) verdict: Result<(), Refusal>,
}

impl Limits {
    pub(crate) fn pass(&self, time: Duration) {
        *lock(&self.ahead) += time;
    }

    pub(crate) fn admit(&self, throttle: Throttle, operation: &Operation, caller: Caller) -> Told {
        let Some(limit) = operation.rate_limit else {
            return Told {
                header: None,
                verdict: Ok(()),
            };
        };
        let now = Instant::now() + *lock(&self.ahead);
        let mut calls = lock(&self.calls);
        let calls = calls.entry((operation.id, caller)).or_default();
        if calls.blocked_until.is_none_or(|until| until <= now) {
            calls.blocked_until = None;
            match throttle.window {
                Window::Rolling => calls.recent.retain(|&at| now - at < MINUTE),
                Window::Fixed => {
                    if calls.recent.first().is_some_and(|&at| now - at >= MINUTE) {
                        calls.recent.clear();
                    }
                }
            }
            if calls.recent.len() < limit.requests_per_minute {
                calls.recent.push(now);
            } else {
                calls.blocked_until = Some(now + MINUTE * limit.block_minutes as u32);
                calls.recent.clear();
            }
        }
        let wait = calls.blocked_until.map(|until| until - now);
        let left = limit.requests_per_minute - calls.recent.len();
        let left = if wait.is_some() { 0 } else { left };
        let seconds = wait.map_or(0, |wait| {
            wait.as_secs() + u64::from(wait.subsec_nanos() > 0)
        });
        // Inferred: the members and their order come from a filter that products of the vendor share.
        let header = throttle.header.then(|| format!("[60,{left},{seconds}]"));
        let verdict = if wait.is_none() {
            Ok(())
        } else {
            // Third party: the first code was met on getInterfaces; the other belongs to other products of the vendor.
            let code = match throttle.window {
                Window::Rolling => "URL_ROLLING_THROTTLES_LIMIT_EXCEEDED",
                Window::Fixed => "URL_FIXED_THROTTLES_LIMIT_EXCEEDED",
            };
            Err(Refusal::new(Some(code), "The URL is called too often."))
        };
        Told { header, verdict }
    }
}
