//! Connections that wait for the next request.
//!
//! Owns which request may go out on which of them, and how many there are. A connection belongs to one target, one way
//! of being admitted and one key for as long as it lives: a response that nobody asked for can then never become the
//! answer to another key. It leaves the pool for good as soon as it says anything while nobody asks.

use std::collections::VecDeque;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::Bytes;
use hyper::body::{Body, Frame, Incoming, SizeHint};
use hyper::client::conn::http1::SendRequest;
use tokio::task::JoinHandle;
use tokio::time::Instant;

use super::Target;
use super::policy::Admitted;
use super::wire::{Heard, Socket};

/// Most connections that wait, over all targets and keys; the oldest makes room.
pub(crate) const MOST_IDLE: usize = 128;
/// Longest time that one waits.
const LONGEST_IDLE: Duration = Duration::from_secs(30);
/// Longest time that a connection may take, after its response, until it can take a request.
const TURNAROUND: Duration = Duration::from_secs(1);
/// Bytes that may be received for each byte of a body: framing may double it.
const FRAMING: usize = 2;

/// Which requests may share a connection.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct PoolKey {
    pub(super) admitted: Admitted,
    pub(super) target: Target,
    /// Stands for the API key.
    pub(super) tag: [u8; 32],
}

/// A connection that can take a request.
pub(super) struct Connection {
    pub(super) sender: SendRequest<reqwest::Body>,
    /// Belongs to the connection's task, and is closed when that ends.
    pub(super) socket: Weak<Socket>,
    pub(super) heard: Heard,
}

impl Connection {
    /// Whether it is open, and nothing has come on it since its last response.
    fn is_clean(&self) -> bool {
        // What hyper has read is surplus too: it closes such a connection itself. What it has not, the socket tells.
        self.sender.is_ready()
            && !self.sender.is_closed()
            && self
                .socket
                .upgrade()
                .is_some_and(|socket| socket.is_silent())
    }
}

struct Idle {
    key: Arc<PoolKey>,
    connection: Connection,
    since: Instant,
}

/// Idle connections, the one that has waited longest first.
#[derive(Default)]
pub(super) struct Pool(Mutex<Waiting>);

#[derive(Default)]
struct Waiting {
    idle: VecDeque<Idle>,
    /// Closes those that have waited for too long. There is one while any waits.
    sweeper: Option<JoinHandle<()>>,
}

impl Pool {
    /// Takes a connection that nothing speaks against out of the pool.
    pub(super) fn take(&self, key: &PoolKey) -> Option<Connection> {
        let mut waiting = self.waiting();
        loop {
            let place = waiting.idle.iter().rposition(|idle| *idle.key == *key)?;
            let connection = waiting.idle.remove(place)?.connection;
            if connection.is_clean() {
                return Some(connection);
            }
        }
    }

    /// Puts a connection that has done its work into the pool.
    fn put(self: &Arc<Self>, key: Arc<PoolKey>, connection: Connection) {
        let mut waiting = self.waiting();
        while waiting.idle.len() >= MOST_IDLE {
            waiting.idle.pop_front();
        }
        waiting.idle.push_back(Idle {
            key,
            connection,
            since: Instant::now(),
        });
        // One whose runtime has ended is finished, too.
        if waiting.sweeper.as_ref().is_none_or(JoinHandle::is_finished) {
            waiting.sweeper = Some(tokio::spawn(sweep(Arc::downgrade(self))));
        }
    }

    fn waiting(&self) -> MutexGuard<'_, Waiting> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Pool {
    fn drop(&mut self) {
        if let Some(sweeper) = &self.waiting().sweeper {
            sweeper.abort();
        }
    }
}

/// Closes what has waited for too long, until nothing waits any more.
async fn sweep(pool: Weak<Pool>) {
    loop {
        let next = {
            let Some(pool) = pool.upgrade() else {
                return;
            };
            let mut waiting = pool.waiting();
            let now = Instant::now();
            waiting.idle.retain(|idle| {
                now < idle.since + LONGEST_IDLE && !idle.connection.sender.is_closed()
            });
            match waiting.idle.front() {
                Some(oldest) => oldest.since + LONGEST_IDLE,
                None => {
                    // Under the lock: who puts the next one in starts the next sweeper.
                    waiting.sweeper = None;
                    return;
                }
            }
        };
        tokio::time::sleep_until(next).await;
    }
}

/// A response's body. Once it has been read to its end the connection is free again.
pub(super) struct PooledBody {
    pub(super) incoming: Incoming,
    pub(super) socket: Weak<Socket>,
    /// Where the connection goes afterwards, if it may be used again.
    pub(super) back: Option<Back>,
}

/// The way of a connection back into the pool.
pub(super) struct Back {
    pub(super) sender: SendRequest<reqwest::Body>,
    pub(super) heard: Heard,
    pub(super) key: Arc<PoolKey>,
    pub(super) pool: Arc<Pool>,
}

impl Back {
    fn put(self, socket: Weak<Socket>) {
        let Self {
            mut sender,
            heard,
            key,
            pool,
        } = self;
        let connection = |sender| Connection {
            sender,
            socket,
            heard,
        };
        if sender.is_ready() {
            return pool.put(key, connection(sender));
        }
        // Its task, perhaps on another thread, has handed over the last bytes and not yet looked for a request.
        tokio::spawn(async move {
            if let Ok(Ok(())) = tokio::time::timeout(TURNAROUND, sender.ready()).await {
                pool.put(key, connection(sender));
            }
        });
    }
}

impl Body for PooledBody {
    type Data = Bytes;
    type Error = hyper::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, hyper::Error>>> {
        let frame = ready!(Pin::new(&mut self.incoming).poll_frame(context));
        match &frame {
            Some(Ok(frame)) => {
                let bytes = frame.data_ref().map_or(0, Bytes::len);
                if let Some(socket) = self.socket.upgrade() {
                    socket.allow_more(bytes.saturating_mul(FRAMING));
                }
            }
            Some(Err(_)) => self.back = None,
            None => {
                let socket = Weak::clone(&self.socket);
                if let Some(back) = self.back.take() {
                    back.put(socket);
                }
            }
        }
        Poll::Ready(frame)
    }

    fn is_end_stream(&self) -> bool {
        self.incoming.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.incoming.size_hint()
    }
}

#[cfg(test)]
mod tests {
    use hyper::client::conn::http1;
    use hyper_util::rt::TokioIo;
    use tokio::io::DuplexStream;

    use super::*;
    use crate::opmanager::{TargetPolicy, Trust};

    fn key(tag: u8) -> Arc<PoolKey> {
        let target = Target::parse("opm.test", None, None).unwrap();
        let admitted = TargetPolicy::default().admit(&target, Trust::Verified);
        Arc::new(PoolKey {
            admitted: admitted.unwrap(),
            target,
            tag: [tag; 32],
        })
    }

    /// A connection, and its other end.
    async fn connection() -> (Connection, DuplexStream) {
        let (here, there) = tokio::io::duplex(1024);
        let (sender, connection) = http1::handshake(TokioIo::new(here)).await.unwrap();
        tokio::spawn(connection);
        let socket = Weak::new();
        let heard = Heard::default();
        let connection = Connection {
            sender,
            socket,
            heard,
        };
        (connection, there)
    }

    #[tokio::test]
    async fn the_oldest_connection_makes_room() {
        let pool = Arc::new(Pool::default());
        let mut ends = Vec::new();
        for number in 0..MOST_IDLE + 2 {
            let (connection, end) = connection().await;
            pool.put(key(u8::try_from(number).unwrap()), connection);
            ends.push(end);
        }
        let waiting = pool.waiting();
        let tags: Vec<usize> = waiting
            .idle
            .iter()
            .map(|idle| idle.key.tag[0].into())
            .collect();
        assert_eq!(tags, (2..MOST_IDLE + 2).collect::<Vec<_>>());
    }

    #[tokio::test]
    async fn a_connection_without_an_open_socket_is_not_used() {
        let pool = Arc::new(Pool::default());
        for tag in [1, 2, 1] {
            pool.put(key(tag), connection().await.0);
        }
        assert!(pool.take(&key(1)).is_none());
        let left: Vec<u8> = pool
            .waiting()
            .idle
            .iter()
            .map(|idle| idle.key.tag[0])
            .collect();
        assert_eq!(left, [2]);
    }

    #[tokio::test(start_paused = true)]
    async fn connections_wait_for_half_a_minute_and_the_sweeper_ends_with_them() {
        let pool = Arc::new(Pool::default());
        let (first, _first) = connection().await;
        let (second, _second) = connection().await;
        pool.put(key(1), first);
        tokio::time::sleep(LONGEST_IDLE / 2).await;
        pool.put(key(2), second);
        let left = || pool.waiting().idle.len();
        tokio::time::sleep(LONGEST_IDLE / 2 - Duration::from_millis(2)).await;
        assert_eq!(left(), 2);
        tokio::time::sleep(Duration::from_millis(4)).await;
        assert_eq!(left(), 1);
        assert!(pool.waiting().sweeper.is_some());
        tokio::time::sleep(LONGEST_IDLE / 2).await;
        assert_eq!(left(), 0);
        assert!(pool.waiting().sweeper.is_none());
        let (third, _third) = connection().await;
        pool.put(key(3), third);
        assert!(pool.waiting().sweeper.is_some());
    }
}
