//! How many connections there are, and which one goes when there are too many.
//!
//! Owns their number. One that is silent, in the middle of a request's head or between two requests, makes room
//! for a new one, the longest silent first; one whose request is being answered never does.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

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
            turn: Mutex::new(turn),
        })
    }

    /// Waits for the requests under way; connections without one are closed.
    pub(super) async fn close(&self) {
        loop {
            let left = self.left.notified();
            {
                let mut state = self.state();
                state.closing = true;
                state.silent.values().for_each(CancellationToken::cancel);
                if state.open == 0 {
                    return;
                }
            }
            left.await;
        }
    }
}

/// One connection.
pub(super) struct Connection {
    all: Arc<Connections>,
    unwanted: CancellationToken,
    turn: Mutex<u64>,
}

impl Connection {
    /// Waits until it has to make room.
    pub(super) async fn unwanted(&self) {
        self.unwanted.cancelled().await;
    }

    /// Keeps it until the guard goes.
    pub(super) fn busy(&self) -> Busy<'_> {
        let turn = *self.turn();
        self.all.state().silent.remove(&turn);
        Busy(self)
    }

    fn turn(&self) -> MutexGuard<'_, u64> {
        self.turn.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Connection {
    fn drop(&mut self) {
        let turn = *self.turn();
        let mut state = self.all.state();
        state.silent.remove(&turn);
        state.open -= 1;
        drop(state);
        self.all.left.notify_waiters();
    }
}

/// A connection whose request is being answered.
pub(super) struct Busy<'a>(&'a Connection);

impl Drop for Busy<'_> {
    fn drop(&mut self) {
        let turn = self.0.all.state().fall_silent(&self.0.unwanted);
        *self.0.turn() = turn;
    }
}
