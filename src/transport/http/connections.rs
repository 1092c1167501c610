//! How many connections there are, and which one is evicted when there are too many.
//!
//! Owns their slots; knows no requests. A connection is *answering* from the time that its message has been read to the
//! end of the response, and *waiting* otherwise: for a request, in the middle of a head, or for the rest of a body. One
//! that is answering is never evicted; one that is waiting is evicted for a new one. The victim belongs to the caller
//! with the most waiting connections, and is the longest waiting of these, but one that has sent a request goes before
//! one that has not: a new connection gets a chance to send its first. Where that would evict one that has had no time
//! for it, nothing is accepted for a moment.
//!
//! However many are answering, [`SPARE`] more are accepted. They may ask whether the server lives; everything else on
//! them is rejected until later.

use std::cmp::Reverse;
use std::collections::{BTreeMap, HashMap};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::Notify;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

/// Connections that are accepted beyond those that are answering.
pub(crate) const SPARE: usize = 16;
/// With at least so many connections, a caller may have no more answering ones than [`TIMES_FREE`] times the free ones.
/// Fewer are not shared out.
const SHARED_FROM: usize = 64;
/// One caller thus has three quarters, the next one three quarters of what is left, and so on.
const TIMES_FREE: usize = 3;
/// Time that a new connection has for its first request before it may be evicted.
const FIRST_REQUEST: Duration = Duration::from_millis(100);

/// All connections.
pub(super) struct Connections {
    /// Most that are answering.
    most: usize,
    state: Mutex<State>,
    /// A connection has stopped waiting.
    changed: Notify,
    /// A connection has ended.
    left: Notify,
}

/// Whether a waiting connection is yet to send its first request, when its waiting began, and a number for each.
type Since = (bool, Instant, u64);

#[derive(Default)]
struct State {
    open: usize,
    /// Number of the next entry in `waiting`.
    next_number: u64,
    /// Those that are waiting, by caller, in the order in which they are evicted.
    waiting: HashMap<Arc<str>, BTreeMap<Since, CancellationToken>>,
    /// How many are answering, by caller.
    answering: HashMap<Arc<str>, usize>,
    closing: bool,
}

impl State {
    fn wait(&mut self, caller: Arc<str>, is_new: bool, evicted: &CancellationToken) -> Status {
        let since = (is_new, Instant::now(), self.next_number);
        self.next_number += 1;
        if self.closing {
            evicted.cancel();
        }
        // One that has been evicted gives up its slot already.
        if !evicted.is_cancelled() {
            let waiting = self.waiting.entry(caller.clone()).or_default();
            waiting.insert(since, evicted.clone());
        }
        Status::Waiting(caller, since)
    }

    /// Forgets the status of a connection.
    fn leave(&mut self, status: &Status) {
        match status {
            Status::Waiting(caller, since) => {
                if let Some(waiting) = self.waiting.get_mut(caller) {
                    waiting.remove(since);
                    if waiting.is_empty() {
                        self.waiting.remove(caller);
                    }
                }
            }
            Status::Answering(caller) => {
                if let Some(answering) = self.answering.get_mut(caller) {
                    *answering -= 1;
                    if *answering == 0 {
                        self.answering.remove(caller);
                    }
                }
            }
        }
    }

    fn answering(&self) -> usize {
        self.answering.values().sum()
    }

    /// The next connection to evict.
    fn victim(&self) -> Option<(Arc<str>, Since)> {
        let callers = self.waiting.iter();
        let (caller, waiting) = callers.max_by_key(|(_, waiting)| {
            let longest = waiting.first_key_value().map(|(since, _)| Reverse(*since));
            (waiting.len(), longest)
        })?;
        let (since, _) = waiting.first_key_value()?;
        Some((caller.clone(), *since))
    }
}

/// What a connection is doing.
enum Status {
    /// It waits, and counts as a caller's.
    Waiting(Arc<str>, Since),
    /// It is answering a caller.
    Answering(Arc<str>),
}

/// Which limit a message has hit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Busy {
    /// As many connections are answering as may.
    Server,
    /// As many are answering this caller as may.
    Caller,
}

impl Connections {
    pub(super) fn new(most: usize) -> Self {
        Self {
            most,
            state: Mutex::default(),
            changed: Notify::new(),
            left: Notify::new(),
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes a slot for one more connection, if need be by evicting a waiting one. It counts as `peer` until its caller is
    /// known.
    pub(super) async fn enter(self: &Arc<Self>, peer: Arc<str>) -> Connection {
        while let Err(moment) = self.free_slot() {
            tokio::select! {
                () = self.changed.notified() => {}
                () = tokio::time::sleep(moment) => {}
            }
        }
        let mut state = self.state();
        state.open += 1;
        let evicted = CancellationToken::new();
        let status = state.wait(peer.clone(), true, &evicted);
        Connection {
            all: self.clone(),
            peer,
            evicted,
            status: Mutex::new(status),
            was_used: AtomicBool::new(false),
        }
    }

    /// Evicts a connection if all slots are taken.
    ///
    /// # Errors
    ///
    /// For how long that connection may still send its first request.
    fn free_slot(&self) -> Result<(), Duration> {
        let mut state = self.state();
        let answering = state.answering();
        let slots = self
            .most
            .saturating_sub(answering)
            .max(SPARE.min(answering));
        if state.waiting.values().map(BTreeMap::len).sum::<usize>() < slots {
            return Ok(());
        }
        let Some((caller, since)) = state.victim() else {
            return Ok(());
        };
        let (is_new, begun, _) = since;
        let moment = FIRST_REQUEST.saturating_sub(begun.elapsed());
        if is_new && !moment.is_zero() {
            return Err(moment);
        }
        if let Some(evicted) = state.waiting.get(&caller).and_then(|all| all.get(&since)) {
            evicted.cancel();
        }
        state.leave(&Status::Waiting(caller, since));
        Ok(())
    }

    /// Whether as many connections are answering as may.
    pub(super) fn are_full(&self) -> bool {
        self.state().answering() >= self.most
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
            let waiting = state.waiting.values().flat_map(BTreeMap::values);
            waiting.for_each(CancellationToken::cancel);
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
    peer: Arc<str>,
    evicted: CancellationToken,
    status: Mutex<Status>,
    was_used: AtomicBool,
}

impl Connection {
    /// Waits until it is evicted, or everything ends.
    pub(super) async fn evicted(&self) {
        self.evicted.cancelled().await;
    }

    /// Whether it can be dropped at once: it is not answering, and a new one needs its slot. When everything ends there is
    /// time to read a request to its end.
    pub(super) fn may_be_dropped(&self) -> bool {
        matches!(*self.status(), Status::Waiting(..)) && !self.all.state().closing
    }

    /// Notes that a request has arrived.
    pub(super) fn note_request(&self) {
        if !self.was_used.swap(true, Ordering::Relaxed) {
            self.count_as(&self.peer);
            self.all.changed.notify_one();
        }
    }

    /// Whether a request has ever arrived.
    pub(super) fn was_used(&self) -> bool {
        self.was_used.load(Ordering::Relaxed)
    }

    /// Whether as many connections are answering as may.
    pub(super) fn all_are_full(&self) -> bool {
        self.all.are_full()
    }

    /// Counts it as that caller's from now on, while it waits for the rest of a message.
    pub(super) fn count_as(&self, caller: &Arc<str>) {
        let mut status = self.status();
        let mut state = self.all.state();
        state.leave(&status);
        *status = state.wait(caller.clone(), !self.was_used(), &self.evicted);
    }

    /// Keeps it from being evicted until the guard is dropped: that caller's message is being answered.
    ///
    /// # Errors
    ///
    /// The limit that the message has hit.
    pub(super) fn begin_response(self: &Arc<Self>, caller: &Arc<str>) -> Result<Answering, Busy> {
        let mut status = self.status();
        let mut state = self.all.state();
        let most = self.all.most;
        let free = most.saturating_sub(state.answering());
        if free == 0 {
            return Err(Busy::Server);
        }
        let own = state.answering.get(caller).copied().unwrap_or(0);
        if most >= SHARED_FROM && own >= TIMES_FREE * free {
            return Err(Busy::Caller);
        }
        state.leave(&status);
        *state.answering.entry(caller.clone()).or_default() += 1;
        *status = Status::Answering(caller.clone());
        self.all.changed.notify_one();
        Ok(Answering(self.clone()))
    }

    fn status(&self) -> MutexGuard<'_, Status> {
        self.status.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Connection {
    fn drop(&mut self) {
        let mut state = self.all.state();
        let status = self.status.get_mut();
        state.leave(status.unwrap_or_else(PoisonError::into_inner));
        state.open -= 1;
        drop(state);
        self.all.changed.notify_one();
        self.all.left.notify_waiters();
    }
}

/// Keeps a connection from being evicted.
pub(super) struct Answering(Arc<Connection>);

impl Drop for Answering {
    fn drop(&mut self) {
        self.0.count_as(&self.0.peer);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn caller(name: &str) -> Arc<str> {
        name.into()
    }

    async fn enter(all: &Arc<Connections>, peer: &str) -> Arc<Connection> {
        Arc::new(all.enter(caller(peer)).await)
    }

    async fn enter_many(all: &Arc<Connections>, peer: &str, count: usize) -> Vec<Arc<Connection>> {
        let mut many = Vec::new();
        for _ in 0..count {
            many.push(enter(all, peer).await);
        }
        many
    }

    fn has_to_go(connection: &Arc<Connection>) -> bool {
        connection.evicted.is_cancelled() && connection.may_be_dropped()
    }

    #[tokio::test(start_paused = true)]
    async fn rt_11_half_bodies_make_room_for_everybody_and_answers_never_do() {
        let all = Arc::new(Connections::new(32));
        let a = caller("a");
        let answered = enter_many(&all, "a", 4).await;
        let kept: Vec<_> = answered
            .iter()
            .map(|it| it.begin_response(&a).unwrap())
            .collect();
        let mut half = Vec::new();
        for _ in 0..300 {
            let connection = enter(&all, "a").await;
            connection.note_request();
            connection.count_as(&a);
            half.push(connection);
        }
        let open = half.iter().filter(|it| !has_to_go(it)).count();
        assert_eq!(open, 28, "what is left beside those that are answered");
        // Its own come before that of another, who has but one, and the longest waiting first.
        let other = enter(&all, "b").await;
        other.note_request();
        let more = enter_many(&all, "a", 28).await;
        assert!(!has_to_go(&other) && half.iter().all(has_to_go));
        assert!(has_to_go(&more[0]) && !has_to_go(&more[1]));
        assert!(!answered.iter().any(has_to_go));
        drop(kept);
        assert!(answered.iter().all(|it| it.may_be_dropped()));
    }

    #[tokio::test(start_paused = true)]
    async fn a_new_connection_is_heard_before_it_makes_room() {
        let all = Arc::new(Connections::new(16));
        let new = enter(&all, "a").await;
        let mut used = Vec::new();
        for _ in 0..100 {
            let connection = enter(&all, "a").await;
            connection.note_request();
            used.push(connection);
        }
        assert!(!has_to_go(&new) && has_to_go(&used[0]));
        let begun = Instant::now();
        let silent = enter_many(&all, "a", 15).await;
        assert!(begun.elapsed().is_zero() && used.iter().all(has_to_go));
        // Where all are new, a place is free once the oldest has had its time, or is heard.
        let later = enter(&all, "a").await;
        assert_eq!(begun.elapsed(), FIRST_REQUEST);
        assert!(has_to_go(&new) && !has_to_go(&later));
        silent[1].note_request();
        enter(&all, "a").await;
        assert!(has_to_go(&silent[1]) && !has_to_go(&silent[0]));
    }

    #[tokio::test(start_paused = true)]
    async fn rt_11_there_are_spare_connections_however_many_are_answering() {
        for most in [1, 2, 16, 17, 64, 256] {
            let all = Arc::new(Connections::new(most));
            let (mut open, mut kept) = (Vec::new(), Vec::new());
            for number in 0..most {
                let caller = caller(&format!("caller {number}"));
                let connection = Arc::new(all.enter(caller.clone()).await);
                kept.push(connection.begin_response(&caller).unwrap());
                open.push(connection);
            }
            assert!(all.are_full());
            let spare = enter_many(&all, "x", 100).await;
            let kept_open = spare.iter().filter(|it| !has_to_go(it)).count();
            assert_eq!(kept_open, SPARE.min(most), "{most}");
            assert_eq!(
                spare[99].begin_response(&caller("x")).err(),
                Some(Busy::Server)
            );
            assert!(!open.iter().any(has_to_go));
            drop(kept);
            assert!(spare[99].begin_response(&caller("x")).is_ok());
        }
    }

    #[tokio::test(start_paused = true)]
    async fn one_caller_leaves_answering_connections_to_others() {
        let all = Arc::new(Connections::new(256));
        let open = enter_many(&all, "a", 256).await;
        let kept: Vec<_> = open
            .iter()
            .map_while(|it| it.begin_response(&caller("a")).ok())
            .collect();
        assert_eq!(kept.len(), 192);
        assert_eq!(
            open[255].begin_response(&caller("a")).err(),
            Some(Busy::Caller)
        );
        // However many take all that they may, the next one finds a place.
        let mut others = Vec::new();
        for name in ["b", "c", "d"] {
            loop {
                let connection = enter(&all, name).await;
                match connection.begin_response(&caller(name)) {
                    Ok(kept) => others.push(kept),
                    Err(full) => break assert_eq!(full, Busy::Caller),
                }
            }
        }
        assert!(enter(&all, "e").await.begin_response(&caller("e")).is_ok());
    }

    #[tokio::test(start_paused = true)]
    async fn connections_that_have_gone_leave_nothing_behind() {
        let all = Arc::new(Connections::new(4));
        for round in 0..100 {
            let one = enter(&all, &format!("{round}")).await;
            if round % 2 == 0 {
                one.count_as(&caller("token"));
            }
            let kept = one.begin_response(&caller("token"));
            if round % 3 == 0 {
                drop(kept);
            }
        }
        let state = all.state();
        assert!(state.open == 0 && state.waiting.is_empty() && state.answering.is_empty());
    }

    impl std::fmt::Debug for Answering {
        fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
            f.write_str("Answering")
        }
    }
}
