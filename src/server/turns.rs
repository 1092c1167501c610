//! How many calls run at one time, and how many wait for their turn.
//!
//! Owns the limit and what a call is told that finds no room. A call that waits has been checked, so that it
//! holds little memory.

use tokio::sync::{Semaphore, SemaphorePermit};

/// How many calls run and wait at one time, over all sessions.
#[derive(Debug, Clone, Copy)]
pub struct CallLimits {
    /// Calls that run.
    pub running: usize,
    /// Calls that wait; more are refused.
    pub waiting: usize,
}

impl Default for CallLimits {
    fn default() -> Self {
        Self {
            running: 8,
            waiting: 32,
        }
    }
}

pub(super) struct Turns {
    limits: CallLimits,
    running: Semaphore,
    waiting: Semaphore,
}

impl Turns {
    pub(super) fn new(limits: CallLimits) -> Self {
        let permits = |count: usize| Semaphore::new(count.min(Semaphore::MAX_PERMITS));
        Self {
            limits,
            running: permits(limits.running),
            waiting: permits(limits.waiting),
        }
    }

    /// Waits for a turn, in the order of asking; `None` if too many wait already.
    pub(super) async fn take(&self) -> Option<SemaphorePermit<'_>> {
        if let Ok(turn) = self.running.try_acquire() {
            return Some(turn);
        }
        let _place = self.waiting.try_acquire().ok()?;
        self.running.acquire().await.ok()
    }

    /// What a call without a turn is told.
    pub(super) fn refusal(&self) -> String {
        let CallLimits { running, waiting } = self.limits;
        format!(
            "The server is busy: {running} calls run and {waiting} wait; nothing was sent.\nTry again when some of them are answered. The operator of this server can allow more with --max-concurrent-calls."
        )
    }
}
