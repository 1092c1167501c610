//! The protocol over standard input and output.
//!
//! Owns the end of the session: when the client closes its end, running calls get a moment to finish and
//! the process ends.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use rmcp::ServiceExt;
use rmcp::service::ServerInitializeError;
use tokio::io::{AsyncRead, ReadBuf};
use tokio_util::sync::CancellationToken;

use crate::server::OpManagerServer;

/// How long running calls may finish after the client has gone.
const GRACE: Duration = Duration::from_secs(1);

/// Serves until the client closes standard input.
///
/// # Errors
///
/// If standard input or output fail, or the client begins with anything but a request. A client that leaves
/// before the handshake is no error.
pub async fn serve(server: OpManagerServer) -> io::Result<()> {
    let closing = server.closing();
    let gone = CancellationToken::new();
    tokio::spawn({
        let gone = gone.clone();
        async move {
            gone.cancelled().await;
            tokio::time::sleep(GRACE).await;
            closing.cancel();
        }
    });
    let (input, output) = rmcp::transport::stdio_pipes();
    match server.serve((Watched { input, gone }, output)).await {
        Ok(running) => running.waiting().await.map(drop).map_err(io::Error::other),
        Err(ServerInitializeError::ConnectionClosed(_)) => Ok(()),
        // Its text is the whole message, and that may hold a key.
        Err(ServerInitializeError::ExpectedInitializeRequest(_)) => Err(io::Error::other(
            "the first message of the client is no request",
        )),
        Err(error) => Err(io::Error::other(error)),
    }
}

/// An input that tells when it ends: rmcp waits for running calls then, and does not say so.
struct Watched<R> {
    input: R,
    gone: CancellationToken,
}

impl<R: AsyncRead + Unpin> AsyncRead for Watched<R> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        let result = ready!(Pin::new(&mut self.input).poll_read(context, buffer));
        if result.is_err() || buffer.filled().len() == before && buffer.remaining() > 0 {
            self.gone.cancel();
        }
        Poll::Ready(result)
    }
}
