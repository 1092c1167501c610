//! How often each operation may still be asked of an OpManager.
//!
//! Owns what is remembered of requests: when each operation of a target was asked and by whose key, how often OpManager
//! says it may be asked yet, and the locks that it has reported. Sends nothing. A key is known here by what stands for it,
//! for minutes only.
//!
//! Whether OpManager counts by user or by address is not known. The number of calls is therefore kept over all keys, which
//! keeps it for each of them too, and a lock holds for all. While several keys ask, one has three quarters at most, so
//! that it cannot take all of what others need.

mod ledger;
mod share;
mod told;

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::Duration;

use tokio::sync::Notify;
use tokio::task::JoinHandle;
use tokio::time::Instant;

use super::target::Host;
use super::{OperationId, Specification, Target};
use ledger::Ledger;
pub use share::{NotAShare, RateShare};
pub(crate) use told::Told;

/// Longest time that a request waits for its turn; with a longer way to go it is refused at once.
const LONGEST_WAIT: Duration = Duration::from_secs(5);
/// Operations of targets that are remembered, over all of them, beside those that are being asked; the one that was asked
/// longest ago makes room.
const MOST_LEDGERS: usize = 512;
/// How often what is over is forgotten, also where nobody asks any more.
const SWEEP: Duration = Duration::from_secs(60);

/// Stands for an API key.
pub(super) type Tag = [u8; 32];

/// What is counted together.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct Line {
    host: Host,
    port: u16,
    operation: OperationId,
}

/// Something that an operator may want to see.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Event {
    /// A request waits for its turn.
    Wait,
    /// A request was refused before it was sent.
    Refusal,
    /// OpManager refuses further requests for a time.
    Lock,
}

/// A request that would have to wait for too long. Nothing was sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct HeldBack {
    /// After how many seconds it may be sent; at least 1.
    pub(crate) seconds: u64,
    /// Whether OpManager itself has refused requests.
    pub(crate) locked: bool,
}

/// The budgets of all operations of all targets.
#[derive(Default)]
pub(crate) struct Budget {
    share: RateShare,
    kept: Mutex<Kept>,
    /// Told whenever a place may have become free sooner than was foreseen.
    changed: Notify,
}

#[derive(Default)]
struct Kept {
    ledgers: HashMap<Line, Ledger>,
    /// Forgets what is over. There is one while anything is kept.
    sweeper: Option<JoinHandle<()>>,
}

impl Budget {
    /// One that uses this share of what OpManager permits.
    pub(super) fn new(share: RateShare) -> Self {
        Self {
            share,
            ..Self::default()
        }
    }

    /// A place for one request, after a short wait if it must be. `deadline` is that of its call.
    ///
    /// # Errors
    ///
    /// [`HeldBack`] if the wait would be long, or end after the deadline.
    pub(super) async fn take<'a>(
        self: &'a Arc<Self>,
        target: &Target,
        specification: &Specification,
        tag: Tag,
        deadline: Instant,
        on_wait: impl FnOnce(),
    ) -> Result<Place<'a>, HeldBack> {
        let line = Line {
            host: target.host().clone(),
            port: target.port(),
            operation: specification.operation,
        };
        let mut place = Place {
            budget: self,
            line,
            tag,
            request: None,
            waits: None,
            locked: AtomicBool::new(false),
        };
        if self.share.is_off() {
            return Ok(place);
        }
        let last = deadline.min(Instant::now() + LONGEST_WAIT);
        let mut on_wait = Some(on_wait);
        loop {
            let mut changed = std::pin::pin!(self.changed.notified());
            changed.as_mut().enable();
            let turn = {
                let mut kept = self.kept();
                let now = Instant::now();
                // One whose runtime has ended is finished, too.
                if kept.sweeper.as_ref().is_none_or(JoinHandle::is_finished) {
                    kept.sweeper = Some(tokio::spawn(sweep(Arc::downgrade(self))));
                }
                let ledger = kept.ledger(&place.line, specification, now);
                let turn = ledger.turn(now, tag, place.waits, self.share);
                if turn <= now {
                    if let Some(ticket) = place.waits.take() {
                        ledger.leave(ticket);
                    }
                    place.request = Some(ledger.begin(tag));
                    return Ok(place);
                }
                if turn > last {
                    let left = turn.saturating_duration_since(now);
                    return Err(HeldBack {
                        seconds: left
                            .as_millis()
                            .div_ceil(1000)
                            .try_into()
                            .unwrap_or(u64::MAX),
                        locked: ledger.is_locked(now),
                    });
                }
                if place.waits.is_none() {
                    place.waits = Some(ledger.wait(tag));
                }
                turn
            };
            if let Some(on_wait) = on_wait.take() {
                on_wait();
            }
            tokio::select! {
                () = tokio::time::sleep_until(turn) => {}
                () = changed => {}
            }
        }
    }

    fn kept(&self) -> MutexGuard<'_, Kept> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Requests that were sent and not answered yet.
    #[cfg(test)]
    pub(crate) fn under_way(&self) -> usize {
        let ledgers = &self.kept().ledgers;
        ledgers.values().map(Ledger::under_way).sum()
    }

    /// How many operations of targets are remembered, and how many stand-ins for keys.
    #[cfg(test)]
    pub(crate) fn remembered(&self) -> (usize, usize) {
        let ledgers = &self.kept().ledgers;
        (ledgers.len(), ledgers.values().map(Ledger::keys).sum())
    }
}

impl Drop for Kept {
    fn drop(&mut self) {
        if let Some(sweeper) = &self.sweeper {
            sweeper.abort();
        }
    }
}

impl Kept {
    /// The ledger of a line. A new one may take the place of another.
    fn ledger(&mut self, line: &Line, specification: &Specification, now: Instant) -> &mut Ledger {
        if !self.ledgers.contains_key(line) {
            self.forget(now);
            while self.ledgers.len() >= MOST_LEDGERS {
                let idle = self.ledgers.iter().filter(|(_, ledger)| ledger.is_idle());
                let oldest = idle.min_by_key(|(_, ledger)| ledger.last_asked());
                let Some(oldest) = oldest.map(|(line, _)| line.clone()) else {
                    break;
                };
                self.ledgers.remove(&oldest);
            }
        }
        self.ledgers
            .entry(line.clone())
            .or_insert_with(|| Ledger::new(specification.rate_limit, now))
    }

    /// Forgets everything that is over.
    fn forget(&mut self, now: Instant) {
        self.ledgers.retain(|_, ledger| !ledger.is_over(now));
    }
}

/// Forgets what is over, until nothing is kept any more.
async fn sweep(budget: Weak<Budget>) {
    loop {
        tokio::time::sleep(SWEEP).await;
        let Some(budget) = budget.upgrade() else {
            return;
        };
        let mut kept = budget.kept();
        kept.forget(Instant::now());
        if kept.ledgers.is_empty() {
            // Under the lock: whoever asks next starts the next sweeper.
            kept.sweeper = None;
            return;
        }
    }
}

/// A request's place in the budget, held while it is under way.
pub(crate) struct Place<'a> {
    budget: &'a Budget,
    line: Line,
    tag: Tag,
    /// Its number among the requests of its line, and what had been begun then.
    request: Option<ledger::Begun>,
    /// Its number among those that wait.
    waits: Option<u64>,
    /// Whether a lock was told beside the answer.
    locked: AtomicBool,
}

impl Place<'_> {
    /// The answer has begun: OpManager has counted the request, and may have said what is left. `true` if that is a lock.
    pub(crate) fn answered(&self, told: Told) -> bool {
        let locked = self.change(|ledger, begun, now| {
            ledger.end(begun, now);
            ledger.learn(told, begun, now)
        });
        let locked = locked.unwrap_or(false);
        self.locked.fetch_or(locked, Ordering::Relaxed);
        locked
    }

    /// The request was asked twice.
    pub(crate) fn asked_again(&self) {
        let tag = self.tag;
        self.change(|ledger, _, now| {
            let again = ledger.begin(tag);
            ledger.end(&again, now);
        });
    }

    /// The answer says that there were too many requests. `true` if that is news.
    pub(crate) fn refused(&self) -> bool {
        let told = self.locked.load(Ordering::Relaxed);
        !told
            && self
                .change(|ledger, _, now| ledger.lock_for_block(now))
                .is_some()
    }

    /// Nothing was sent.
    pub(crate) fn unsent(&self) {
        self.change(|ledger, begun, _| ledger.cancel(begun));
        self.budget.changed.notify_waiters();
    }

    fn change<T>(
        &self,
        change: impl FnOnce(&mut Ledger, &ledger::Begun, Instant) -> T,
    ) -> Option<T> {
        let begun = self.request.as_ref()?;
        let mut kept = self.budget.kept();
        let ledger = kept.ledgers.get_mut(&self.line)?;
        Some(change(ledger, begun, Instant::now()))
    }
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        // One that was given up may have been counted.
        self.change(Ledger::end);
        if let Some(ticket) = self.waits.take() {
            if let Some(ledger) = self.budget.kept().ledgers.get_mut(&self.line) {
                ledger.leave(ticket);
            }
            self.budget.changed.notify_waiters();
        }
    }
}

#[cfg(test)]
mod tests;
