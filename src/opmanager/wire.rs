//! A TCP connection that limits what the other side may send.
//!
//! Owns the count of received bytes, beneath TLS and HTTP: whatever they are made of (interim responses, chunk framing,
//! TLS records, headers), they cannot go on for ever. Knows neither requests nor responses.

use std::io;
use std::mem::MaybeUninit;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, AtomicIsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};

use socket2::SockRef;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;

/// The other side sent more than was allowed.
#[derive(Debug, thiserror::Error)]
#[error("the server sent more than its response has any use for")]
struct Flood;

/// A TCP connection and what may still be received on it.
pub(super) struct Socket {
    stream: Mutex<TcpStream>,
    /// In bytes. A read that exceeds it leaves a debt, which what is allowed later pays first.
    allowance: AtomicIsize,
}

impl Socket {
    /// Takes a connection, and lets this many bytes be received on it.
    pub(super) fn new(stream: TcpStream, allowance: usize) -> Arc<Self> {
        Arc::new(Self {
            stream: Mutex::new(stream),
            allowance: AtomicIsize::new(signed(allowance)),
        })
    }

    /// Lets exactly this many bytes be received from now on.
    pub(super) fn allow(&self, bytes: usize) {
        self.allowance.store(signed(bytes), Ordering::Relaxed);
    }

    /// Lets so many more bytes be received.
    pub(super) fn allow_more(&self, bytes: usize) {
        self.allowance.fetch_add(signed(bytes), Ordering::Relaxed);
    }

    /// Whether the other side has said nothing that was not read, its end of the connection included.
    ///
    /// Asks the system and not the runtime, which learns of it only when it polls.
    pub(super) fn is_silent(&self) -> bool {
        let stream = self.stream();
        let mut byte = [MaybeUninit::uninit()];
        let peeked = SockRef::from(&*stream).peek(&mut byte);
        matches!(peeked, Err(error) if error.kind() == io::ErrorKind::WouldBlock)
    }

    fn stream(&self) -> MutexGuard<'_, TcpStream> {
        self.stream.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Numbers of bytes are of what fits into memory.
fn signed(bytes: usize) -> isize {
    isize::try_from(bytes).unwrap_or(isize::MAX)
}

/// Whether anything was read from a connection, above TLS, since the last request on it began.
pub(super) type Heard = Arc<AtomicBool>;

/// A stream that notes when the other side says anything.
pub(super) struct Listening<S> {
    pub(super) stream: S,
    pub(super) heard: Heard,
}

impl<S: AsyncRead + Unpin> AsyncRead for Listening<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        let polled = Pin::new(&mut self.stream).poll_read(context, buffer);
        if buffer.filled().len() > before {
            self.heard.store(true, Ordering::Relaxed);
        }
        polled
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Listening<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(context, bytes)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write_vectored(context, slices)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}

/// The stream of a [`Socket`].
pub(super) struct Wire(pub(super) Arc<Socket>);

impl AsyncRead for Wire {
    fn poll_read(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let socket = &self.0;
        if socket.allowance.load(Ordering::Relaxed) <= 0 {
            return Poll::Ready(Err(io::Error::other(Flood)));
        }
        let before = buffer.filled().len();
        let polled = Pin::new(&mut *socket.stream()).poll_read(context, buffer);
        let received = buffer.filled().len() - before;
        socket
            .allowance
            .fetch_sub(signed(received), Ordering::Relaxed);
        polled
    }
}

impl AsyncWrite for Wire {
    fn poll_write(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut *self.0.stream()).poll_write(context, bytes)
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut *self.0.stream()).poll_write_vectored(context, slices)
    }

    fn is_write_vectored(&self) -> bool {
        self.0.stream().is_write_vectored()
    }

    fn poll_flush(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut *self.0.stream()).poll_flush(context)
    }

    fn poll_shutdown(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut *self.0.stream()).poll_shutdown(context)
    }
}
