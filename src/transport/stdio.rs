//! The protocol over standard input and output.
//!
//! Owns the session: which requests are open, and its end. [`framing`](super::framing) splits lines and rejects anything
//! that is not a message.
//!
//! - Each request gets one response, under its own `id`. An `id` that is still in use is rejected: rmcp would cancel
//!   one of the two requests and respond to the other.
//! - Before `initialize`, only requests of the newest protocol are served, and `ping`. rmcp would tell clients of the older ones
//!   what the newest one needs.
//! - Notifications before the first request, and responses to nothing, are ignored; rmcp would end the session over
//!   them. A second `initialize` is rejected, as it would change the protocol of running calls.
//! - Up to `OPEN` requests may be open at one time; calls among them wait for a permit. One more call is rejected under
//!   its `id`; other requests are served at once in any case. Reading goes on meanwhile: the open requests may be waiting
//!   for a cancellation, or for the response to a request of ours.
//! - Nothing is read from a client that does not read its responses, so that they do not pile up here.
//! - When the client closes its end, running calls get a moment to finish, and the process ends. When it no longer
//!   reads responses, they are dropped at once.

use std::collections::{HashSet, VecDeque};
use std::io;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use rmcp::model::{
    ClientJsonRpcMessage, ClientNotification, ClientRequest, GetMeta, JsonRpcMessage, RequestId,
    ServerJsonRpcMessage,
};
use rmcp::service::ServerInitializeError;
use rmcp::transport::Transport;
use rmcp::{RoleServer, ServiceExt};
use tokio::io::{AsyncBufRead, AsyncBufReadExt, AsyncRead, AsyncWrite, AsyncWriteExt, BufReader};
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use super::framing::{Framing, Line, META_VERSION, Refusal};
use crate::server::{OpManagerServer, parameter_problem};

/// How long running calls may finish after the client has gone.
const GRACE: Duration = Duration::from_secs(1);
/// How long a client that has gone may take to read its last responses.
const LAST_WORDS: Duration = Duration::from_millis(300);
/// Responses that wait to be written before nothing more is read.
const UNWRITTEN: usize = 32;
/// Requests that may be open at one time: far more than a client sends at once. Bounds the memory that they hold.
const OPEN: usize = 1024;
/// Cancelled requests whose `id` is remembered until their calls have ended.
const CANCELLED: usize = 64;

/// Serves until the client closes standard input, in messages of at most that many bytes.
///
/// # Errors
///
/// If standard input or output fail; the kind is [`io::ErrorKind::BrokenPipe`] where the client has merely
/// stopped reading responses. A client that leaves before the handshake is no error.
pub async fn serve(server: OpManagerServer, max_request_bytes: usize) -> io::Result<()> {
    let (input, output) = rmcp::transport::stdio_pipes();
    serve_over(server, max_request_bytes, input, output).await
}

pub(crate) async fn serve_over<R, W>(
    server: OpManagerServer,
    max_request_bytes: usize,
    input: R,
    output: W,
) -> io::Result<()>
where
    R: AsyncRead + Unpin + Send + 'static,
    W: AsyncWrite + Unpin + Send + 'static,
{
    let (answers, unwritten) = mpsc::channel(UNWRITTEN);
    let end = End {
        closing: server.closing(),
        unwritable: CancellationToken::new(),
        unreadable: Arc::default(),
    };
    let mut writer = tokio::spawn(write(output, unwritten, end.clone()));
    let session = Session {
        input: BufReader::new(input),
        framing: Framing::new(max_request_bytes),
        answers: Some(answers),
        refusal: None,
        open: HashSet::new(),
        cancelled: VecDeque::with_capacity(CANCELLED),
        asked: HashSet::new(),
        initialized: false,
        stateless: false,
        end: end.clone(),
    };
    let served = match server.serve(session).await {
        Ok(running) => running.waiting().await.map(drop).map_err(io::Error::other),
        Err(ServerInitializeError::ConnectionClosed(_)) => Ok(()),
        // Its text is the whole message, and that may hold a key.
        Err(ServerInitializeError::ExpectedInitializeRequest(_)) => Err(io::Error::other(
            "the first message of the client is not a request",
        )),
        Err(error) => Err(io::Error::other(error)),
    };
    // What is left in the queue is written, unless the client does not read it.
    match tokio::time::timeout(LAST_WORDS, &mut writer).await {
        Ok(written) => written.map_err(io::Error::other)??,
        Err(_) => writer.abort(),
    }
    let unreadable = end
        .unreadable
        .lock()
        .unwrap_or_else(PoisonError::into_inner)
        .take();
    unreadable.map_or(served, Err)
}

/// How a session ends.
#[derive(Debug, Clone)]
struct End {
    /// Makes running calls give up.
    closing: CancellationToken,
    /// The client no longer reads responses.
    unwritable: CancellationToken,
    /// Why nothing more can be read, unless the client has closed its end.
    unreadable: Arc<Mutex<Option<io::Error>>>,
}

/// Writes one response after the other, until there are no more or the client reads no more.
async fn write<W: AsyncWrite + Unpin>(
    mut output: W,
    mut answers: mpsc::Receiver<Vec<u8>>,
    end: End,
) -> io::Result<()> {
    while let Some(line) = answers.recv().await {
        let mut written = output.write_all(&line).await;
        if written.is_ok() {
            written = output.flush().await;
        }
        if written.is_err() {
            end.unwritable.cancel();
            end.closing.cancel();
            return written;
        }
    }
    Ok(())
}

/// A session: lines in, responses into the queue of the writer.
struct Session<R> {
    input: R,
    framing: Framing,
    answers: Option<mpsc::Sender<Vec<u8>>>,
    /// A response of the transport itself. Reading stops until the queue has a slot for it.
    refusal: Option<Vec<u8>>,
    /// Requests of the client without a response so far.
    open: HashSet<RequestId>,
    /// Requests of the client that it has cancelled, the newest last. They get no response.
    cancelled: VecDeque<RequestId>,
    /// Requests to the client that it has not responded to yet.
    asked: HashSet<RequestId>,
    initialized: bool,
    /// Whether a request has named its protocol version itself, as those of the newest protocol do.
    stateless: bool,
    end: End,
}

impl<R: AsyncBufRead + Unpin + Send> Session<R> {
    /// The next line. Nothing is lost if this is dropped while it waits.
    async fn line(&mut self) -> Option<Line> {
        loop {
            let answers = self.answers.as_ref()?;
            let slot = tokio::select! {
                slot = answers.reserve() => slot.ok()?,
                () = self.end.unwritable.cancelled() => return None,
            };
            if let Some(refusal) = self.refusal.take() {
                slot.send(refusal);
                continue;
            }
            drop(slot);
            let bytes = tokio::select! {
                bytes = self.input.fill_buf() => bytes,
                () = self.end.unwritable.cancelled() => return None,
            };
            let bytes = match bytes {
                Ok(bytes) if !bytes.is_empty() => bytes,
                Ok(_) => return self.framing.end(),
                Err(error) => {
                    let mut unreadable = self.end.unreadable.lock();
                    *unreadable.as_deref_mut().ok()? = Some(error);
                    return None;
                }
            };
            let (taken, line) = self.framing.take(bytes);
            self.input.consume(taken);
            if line.is_some() {
                return line;
            }
        }
    }

    /// The response to a request that rmcp would take to be of the newest protocol, and which is not.
    fn before_handshake(&mut self, id: &RequestId, request: &ClientRequest) -> Option<Refusal> {
        if let ClientRequest::CustomRequest(unreadable) = request
            && unreadable.method == "initialize"
            && !self.stateless
        {
            let problem = parameter_problem("initialize", unreadable.params.as_ref())?;
            return Some(Refusal::unreadable_params(id, &problem));
        }
        self.stateless |= request.get_meta().contains_key(META_VERSION);
        let needs_handshake = !matches!(
            request,
            ClientRequest::InitializeRequest(_)
                | ClientRequest::PingRequest(_)
                | ClientRequest::DiscoverRequest(_)
        );
        (needs_handshake && !self.initialized && !self.stateless)
            .then(|| Refusal::to(id, "`initialize` must come first"))
    }

    /// Decides whether a message reaches the server.
    fn admit(&mut self, message: ClientJsonRpcMessage) -> Line {
        match &message {
            JsonRpcMessage::Request(request) => {
                let id = &request.id;
                if self.open.contains(id) || self.cancelled.contains(id) {
                    return Line::Refused(Refusal::to(id, "its `id` is in use"));
                }
                if let Some(refusal) = self.before_handshake(id, &request.request) {
                    return Line::Refused(refusal);
                }
                let is_call = matches!(request.request, ClientRequest::CallToolRequest(_));
                if is_call && self.open.len() >= OPEN {
                    return Line::Refused(Refusal::too_many(id, OPEN));
                }
                if let ClientRequest::InitializeRequest(_) = request.request {
                    if self.initialized {
                        return Line::Refused(Refusal::to(id, "initialized already"));
                    }
                    self.initialized = true;
                }
                self.open.insert(id.clone());
            }
            JsonRpcMessage::Notification(notification) => {
                if let ClientNotification::CancelledNotification(cancelled) =
                    &notification.notification
                {
                    let id = cancelled.params.request_id.as_ref();
                    let Some(id) = id.and_then(|id| self.open.take(id)) else {
                        return Line::Ignored("cancellation");
                    };
                    if self.cancelled.len() == CANCELLED {
                        self.cancelled.pop_front();
                    }
                    self.cancelled.push_back(id);
                } else if !self.initialized {
                    return Line::Ignored("notification");
                }
            }
            JsonRpcMessage::Response(response) => {
                if !self.asked.remove(&response.id) {
                    return Line::Ignored("response");
                }
            }
            JsonRpcMessage::Error(error) => {
                if !error.id.as_ref().is_some_and(|id| self.asked.remove(id)) {
                    return Line::Ignored("response");
                }
            }
        }
        Line::Message(Box::new(message))
    }
}

impl<R: AsyncBufRead + Unpin + Send> Transport<RoleServer> for Session<R> {
    type Error = io::Error;

    fn send(
        &mut self,
        message: ServerJsonRpcMessage,
    ) -> impl Future<Output = io::Result<()>> + Send + 'static {
        match &message {
            JsonRpcMessage::Response(response) => {
                self.open.remove(&response.id);
            }
            JsonRpcMessage::Error(error) => {
                if let Some(id) = &error.id {
                    self.open.remove(id);
                }
            }
            JsonRpcMessage::Request(request) => {
                self.asked.insert(request.id.clone());
            }
            JsonRpcMessage::Notification(_) => {}
        }
        let line = serde_json::to_vec(&message).map(|mut line| {
            line.push(b'\n');
            line
        });
        let answers = self.answers.clone();
        let closing = self.end.closing.clone();
        async move {
            let nobody = || io::Error::from(io::ErrorKind::BrokenPipe);
            let answers = answers.ok_or_else(nobody)?;
            let too_late = async {
                closing.cancelled().await;
                tokio::time::sleep(LAST_WORDS).await;
            };
            tokio::select! {
                biased;
                sent = answers.send(line?) => sent.map_err(|_| nobody()),
                () = too_late => Err(nobody()),
            }
        }
    }

    async fn receive(&mut self) -> Option<ClientJsonRpcMessage> {
        while let Some(line) = self.line().await {
            let line = match line {
                Line::Message(message) => self.admit(*message),
                line => line,
            };
            match line {
                Line::Message(message) => return Some(*message),
                Line::Refused(refusal) => {
                    tracing::info!(code = refusal.code(), "a message was rejected");
                    self.refusal = Some(refusal.to_line());
                }
                Line::Ignored(what) => tracing::debug!(what, "a message was ignored"),
            }
        }
        let closing = self.end.closing.clone();
        tokio::spawn(async move {
            tokio::time::sleep(GRACE).await;
            closing.cancel();
        });
        None
    }

    async fn close(&mut self) -> io::Result<()> {
        self.answers = None;
        Ok(())
    }
}
