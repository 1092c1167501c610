//! Request rates of callers.
//!
//! Owns how many requests a caller may send in a minute, and how many callers are told apart. Knows no request.

use std::collections::HashMap;
use std::hash::{BuildHasher, RandomState};
use std::num::NonZeroU32;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use governor::clock::{Clock, DefaultClock};
use governor::{DefaultDirectRateLimiter, Quota, RateLimiter};

/// Callers whose rate is remembered, one by one. Those beyond share [`SHARED_RATES`].
pub(super) const MOST_CALLERS: usize = 10_000;
/// Rates of callers that are too many to remember.
pub(super) const SHARED_RATES: usize = 256;
/// How often callers that have stopped sending are forgotten, where there are too many.
const SWEEP: Duration = Duration::from_secs(1);

/// How many requests each caller may send in a minute. Its memory is bounded, however many callers there are.
pub(super) struct Rates {
    quota: Quota,
    known: Mutex<Known>,
    /// For callers beyond [`MOST_CALLERS`].
    shared: Vec<DefaultDirectRateLimiter>,
    /// Chooses one of these; seeded, so that no caller can choose it.
    hasher: RandomState,
}

struct Known {
    /// Each with the time of the last request.
    callers: HashMap<Arc<str>, (DefaultDirectRateLimiter, Instant)>,
    swept: Instant,
}

impl Rates {
    pub(super) fn new(limit: NonZeroU32) -> Self {
        let quota = Quota::per_minute(limit);
        Self {
            quota,
            known: Mutex::new(Known {
                callers: HashMap::new(),
                swept: Instant::now(),
            }),
            shared: (0..SHARED_RATES)
                .map(|_| RateLimiter::direct(quota))
                .collect(),
            hasher: RandomState::new(),
        }
    }

    /// Counts a request.
    ///
    /// # Errors
    ///
    /// How long until the next one may come.
    pub(super) fn check(&self, caller: &Arc<str>) -> Result<(), Duration> {
        let now = Instant::now();
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        if known.callers.len() >= MOST_CALLERS && now - known.swept >= SWEEP {
            known.swept = now;
            known
                .callers
                .retain(|_, (_, last)| now - *last < Duration::from_secs(60));
        }
        let has_slot = known.callers.len() < MOST_CALLERS;
        if has_slot || known.callers.contains_key(caller) {
            let (limiter, last) = known
                .callers
                .entry(caller.clone())
                .or_insert_with(|| (RateLimiter::direct(self.quota), now));
            *last = now;
            return check_one(limiter);
        }
        drop(known);
        let which = self.hasher.hash_one(caller) % self.shared.len() as u64;
        let which = usize::try_from(which).unwrap_or_default();
        self.shared.get(which).map_or(Ok(()), check_one)
    }
}

fn check_one(limiter: &DefaultDirectRateLimiter) -> Result<(), Duration> {
    let checked = limiter.check();
    checked.map_err(|until| until.wait_time_from(DefaultClock::default().now()))
}

#[cfg(test)]
impl Rates {
    /// Callers that are remembered.
    pub(super) fn known(&self) -> usize {
        self.known.lock().unwrap().callers.len()
    }
}
