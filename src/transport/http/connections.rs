//! How many connections there are, and which one goes when there are too many.
//!
//! Owns their number. One that is silent, in the middle of a request's head or between two requests, makes room
//! for a new one, the longest silent first; one whose request is being answered never does, up to the end of the
//! answer.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

/// All connections.
pub(super) struct Connections {
    most: usize,
    state: Mutex<State>,
    left: Notify,
}

#[derive(Default)]
struct State {
    open: usize,
    /// Which comes next into `silent`.
    turn: u64,
    /// Those that are silent, the longest first.
    silent: BTreeMap<u64, CancellationToken>,
    closing: bool,
}

impl State {
    fn fall_silent(&mut self, unwanted: &CancellationToken) -> u64 {
        let turn = self.turn;
        self.turn += 1;
        if self.closing {
            unwanted.cancel();
        }
        self.silent.insert(turn, unwanted.clone());
        turn
    }
}

impl Connections {
    pub(super) fn new(most: usize) -> Self {
        Self {
            most,
            state: Mutex::default(),
            left: Notify::new(),
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A place for one more, if need be that of a silent one; `None` if all are busy.
    pub(super) fn enter(self: &Arc<Self>) -> Option<Connection> {
        let mut state = self.state();
        if state.open >= self.most {
            let (_, silent) = state.silent.pop_first()?;
            silent.cancel();
        }
        state.open += 1;
        let unwanted = CancellationToken::new();
        let turn = state.fall_silent(&unwanted);
        Some(Connection {
            all: self.clone(),
            unwanted,
            silent_since: Mutex::new(Some(turn)),
        })
    }

    /// Waits for the requests under way; connections without one are closed after a moment, in which their
    /// clients may send another.
    pub(super) async fn close(&self, moment: Duration) {
        if tokio::time::timeout(moment, self.all_left()).await.is_ok() {
            return;
        }
        {
            let mut state = self.state();
            state.closing = true;
            state.silent.values().for_each(CancellationToken::cancel);
        }
        self.all_left().await;
    }

    async fn all_left(&self) {
        loop {
            let left = self.left.notified();
            if self.state().open == 0 {
                return;
            }
            left.await;
        }
    }
}

/// One connection.
pub(super) struct Connection {
    all: Arc<Connections>,
    unwanted: CancellationToken,
    /// Its place among the silent ones; `None` while a request is being answered.
    silent_since: Mutex<Option<u64>>,
}

impl Connection {
    /// Waits until it has to make room, or everything ends.
    pub(super) async fn unwanted(&self) {
        self.unwanted.cancelled().await;
    }

    /// Whether it can be dropped at once: nothing is being answered, and a new one waits for its place. When
    /// everything ends there is time to hear a request to its end.
    pub(super) fn is_idle(&self) -> bool {
        self.silent_since().is_some() && !self.all.state().closing
    }

    /// Keeps it until the guard goes.
    pub(super) fn busy(self: &Arc<Self>) -> Busy {
        if let Some(turn) = self.silent_since().take() {
            self.all.state().silent.remove(&turn);
        }
        Busy(self.clone())
    }

    fn silent_since(&self) -> MutexGuard<'_, Option<u64>> {
        self.silent_since
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Connection {
    fn drop(&mut self) {
        let turn = self.silent_since().take();
        let mut state = self.all.state();
        if let Some(turn) = turn {
            state.silent.remove(&turn);
        }
        state.open -= 1;
        drop(state);
        self.all.left.notify_waiters();
    }
}

/// A connection whose request is being answered.
pub(super) struct Busy(Arc<Connection>);

impl Drop for Busy {
    fn drop(&mut self) {
        let turn = self.0.all.state().fall_silent(&self.0.unwanted);
        *self.0.silent_since() = Some(turn);
    }
}
