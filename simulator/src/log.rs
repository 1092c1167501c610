//! What the simulator has received, and waiting until it has received it.
//!
//! Owns the log and its notification. Decides nothing about answers.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::Notify;

/// More than any test sends; a demonstration that runs for weeks forgets its oldest requests.
const KEPT_REQUESTS: usize = 100_000;

/// One request, as it was received.
#[derive(Clone, Debug)]
pub struct Recorded {
    /// The HTTP method.
    pub method: String,
    /// The request target as sent, path and query.
    pub target: String,
    /// The path of the target.
    pub path: String,
    /// The query, decoded, in the order sent.
    pub query: Vec<(String, String)>,
    /// The headers in the order sent, names in lower case.
    pub headers: Vec<(String, Vec<u8>)>,
    /// The body.
    pub body: Vec<u8>,
    /// The body, decoded, when its type is `application/x-www-form-urlencoded`.
    pub form: Vec<(String, String)>,
    /// The operation whose path was asked for.
    pub operation: Option<&'static str>,
    /// The number of the connection, counted from 1.
    pub connection: u64,
}

impl Recorded {
    /// The value of a header, if it was sent; the name in lower case.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&[u8]> {
        self.headers
            .iter()
            .find(|(other, _)| other == name)
            .map(|(_, value)| value.as_slice())
    }
}

/// Everything seen since the start or since [`clear_log`](crate::Simulator::clear_log).
#[derive(Clone, Debug, Default)]
pub struct Log {
    /// The requests received in full, those answered with a fault included.
    pub requests: Vec<Recorded>,
    /// TCP connections accepted.
    pub connections: usize,
    /// Requests whose client went away before the answer was complete.
    pub disconnected: usize,
    /// Application bytes received, after TLS.
    pub bytes_received: usize,
}

#[derive(Debug, Default)]
pub(crate) struct SharedLog {
    log: Mutex<Log>,
    changed: Notify,
}

impl SharedLog {
    pub(crate) fn read(&self) -> MutexGuard<'_, Log> {
        lock(&self.log)
    }

    pub(crate) fn change(&self, change: impl FnOnce(&mut Log)) {
        change(&mut lock(&self.log));
        self.changed.notify_waiters();
    }

    pub(crate) fn record(&self, request: Recorded) {
        self.change(|log| {
            if log.requests.len() >= KEPT_REQUESTS {
                log.requests.drain(..KEPT_REQUESTS / 2);
            }
            log.requests.push(request);
        });
    }

    pub(crate) async fn wait_until(&self, what: impl Fn(&Log) -> bool) {
        loop {
            let changed = self.changed.notified();
            tokio::pin!(changed);
            changed.as_mut().enable();
            if what(&self.read()) {
                return;
            }
            changed.await;
        }
    }
}

/// A request that is being answered. Dropped before [`complete`](InFlight::complete), it counts as disconnected.
#[derive(Debug)]
pub(crate) struct InFlight(Option<Arc<SharedLog>>);

impl InFlight {
    pub(crate) fn new(log: &Arc<SharedLog>) -> InFlight {
        InFlight(Some(Arc::clone(log)))
    }

    pub(crate) fn complete(&mut self) {
        self.0 = None;
    }
}

impl Drop for InFlight {
    fn drop(&mut self) {
        if let Some(log) = self.0.take() {
            log.change(|log| log.disconnected += 1);
        }
    }
}

/// Locks, also after a panic elsewhere: the data of a simulator is still good enough to answer from.
pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
