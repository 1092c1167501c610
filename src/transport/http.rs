//! Streamable HTTP: each request stands for itself, in every version of the protocol.
//!
//! Owns the listening socket, connections, and what a request must be before it is read as a message. Nothing
//! is kept from one request to the next, so that any number of copies can stand behind a load balancer.
//!
//! | request | answer |
//! | --- | --- |
//! | `POST /mcp` | the message's answer, as JSON, or as events where it asks or tells something before |
//! | `GET /health`, `/livez` | 200 while the process lives |
//! | `GET /readyz` | 200, or 503 once it is shutting down |
//! | `GET /metrics` | counts, as Prometheus reads them |
//! | other methods on these, other paths | 405, 404 |
//!
//! Before a message is read: `Host` (403), `Origin` (403), token (401), rate (429), media type (415), size (413)
//! and time (408). What is no message is answered as over standard input, with status 400.

mod connections;
mod entrance;
mod origin;

use std::convert::Infallible;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::header::{self, HeaderName, HeaderValue};
use http::{Method, Request, Response, StatusCode};
use http_body_util::combinators::BoxBody;
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use rmcp::transport::streamable_http_server::session::never::NeverSessionManager;
use rmcp::transport::streamable_http_server::{StreamableHttpServerConfig, StreamableHttpService};
use tokio::net::{TcpListener, TcpStream};
use tokio_util::sync::CancellationToken;

use crate::server::metrics::Metrics;
use crate::server::{Credentials, OpManagerServer};
use connections::Connections;
use entrance::Entrance;
pub(crate) use entrance::{Tokens, read_host, read_tokens};
pub(crate) use origin::Origin;

/// Longest time that a request's head may take to come, and longest time that a connection may be silent.
const HEAD_TIMEOUT: Duration = Duration::from_secs(10);
/// Largest head of a request, in bytes.
const LARGEST_HEAD: usize = 16 * 1024;
/// How long a silent connection is kept once the process is to end. What a proxy sends on one while it is being
/// closed is lost, as it must not send a call twice; those that it uses are used by then, and told to close.
const LAST_REQUEST: Duration = Duration::from_millis(300);
/// Connections that wait to be accepted.
const BACKLOG: u32 = 1024;

const PLAIN: &str = "text/plain; charset=utf-8";

/// A response of this module.
type Answer = Response<BoxBody<Bytes, Infallible>>;

/// How the transport serves.
#[derive(Debug, Clone)]
pub(crate) struct Options {
    /// Names that `Host` may have beside those of this machine, without port.
    pub(crate) allowed_hosts: Vec<String>,
    /// What `Origin` may be, if it is there.
    pub(crate) allowed_origins: Vec<Origin>,
    /// Who may call; everybody without.
    pub(crate) tokens: Option<Arc<Tokens>>,
    /// Longest message, in bytes.
    pub(crate) max_request_bytes: usize,
    /// Most connections at one time.
    pub(crate) max_connections: usize,
    /// Most requests of one caller in a minute.
    pub(crate) rate_limit: Option<NonZeroU32>,
    /// How long running calls may take once the process is to end.
    pub(crate) grace: Duration,
    /// Where a call's connection comes from.
    pub(crate) credentials: Credentials,
}

/// Listens.
///
/// # Errors
///
/// If the address cannot be listened on.
pub(crate) fn listen(address: SocketAddr) -> io::Result<TcpListener> {
    let socket = match address {
        SocketAddr::V4(_) => tokio::net::TcpSocket::new_v4()?,
        SocketAddr::V6(_) => tokio::net::TcpSocket::new_v6()?,
    };
    // A copy that is started anew must not wait for the last connections of the one before.
    #[cfg(unix)]
    socket.set_reuseaddr(true)?;
    socket
        .bind(address)
        .and_then(|()| socket.listen(BACKLOG))
        .map_err(|error| {
            io::Error::new(error.kind(), format!("cannot listen on {address}: {error}"))
        })
}

/// Serves until `stop`, and then as long as running calls take, at most the grace period; a second `stop` ends
/// it at once.
///
/// # Errors
///
/// None that a single connection makes.
pub(crate) async fn serve(
    server: OpManagerServer,
    options: Options,
    listener: TcpListener,
    metrics: Arc<Metrics>,
    stop: CancellationToken,
    stop_now: CancellationToken,
) -> io::Result<()> {
    let closing = server.closing();
    let config = StreamableHttpServerConfig::default()
        .with_legacy_session_mode(false)
        .with_json_response(true)
        .with_max_request_body_bytes(options.max_request_bytes)
        .with_cancellation_token(closing.clone())
        // Both are judged before, with the port.
        .disable_allowed_hosts()
        .disable_allowed_origins();
    let protocol = StreamableHttpService::new(
        move || Ok(server.clone()),
        Arc::new(NeverSessionManager::default()),
        config,
    );
    let grace = options.grace;
    let connections = Arc::new(Connections::new(options.max_connections));
    let service = Arc::new(Service {
        entrance: Entrance::new(options, listener.local_addr()?, metrics.clone()),
        protocol,
        metrics,
        stopping: stop.clone(),
    });
    loop {
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            () = stop.cancelled() => break,
        };
        match accepted {
            Ok((stream, peer)) => {
                tokio::spawn(converse(stream, peer, service.clone(), connections.clone()));
            }
            // Out of file descriptors, or a client that was gone before it was accepted. Neither is the end.
            Err(error) => {
                tracing::warn!(%error, outcome = "not accepted");
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
        }
    }
    // Who has been let in by the kernel may have sent a request already.
    let listener = listener.into_std()?;
    while let Ok((stream, peer)) = listener.accept() {
        stream.set_nonblocking(true)?;
        let stream = TcpStream::from_std(stream)?;
        tokio::spawn(converse(stream, peer, service.clone(), connections.clone()));
    }
    drop(listener);
    tracing::info!(outcome = "stopping");
    tokio::select! {
        () = connections.close(LAST_REQUEST) => {}
        () = tokio::time::sleep(grace) => tracing::warn!(outcome = "calls were still running"),
        () = stop_now.cancelled() => {}
    }
    closing.cancel();
    Ok(())
}

/// Serves one connection to its end.
async fn converse(
    stream: TcpStream,
    peer: SocketAddr,
    service: Arc<Service>,
    connections: Arc<Connections>,
) {
    // A reply is one small packet, which must not wait for more.
    let _ = stream.set_nodelay(true);
    // The local end of a connection that is gone already matters to nobody.
    let local = stream.local_addr().unwrap_or(peer);
    let ends = Ends {
        peer: peer.ip().to_canonical(),
        local: local.ip().to_canonical(),
    };
    let Some(connection) = connections.enter() else {
        service
            .metrics
            .turn_away(crate::server::metrics::Turned::Busy);
        refuse(&stream);
        return;
    };
    let connection = Arc::new(connection);
    let answers = service_fn(|request| {
        let (service, connection) = (service.clone(), connection.clone());
        async move {
            let busy = connection.busy();
            let answer = service.answer(request, ends).await;
            // It is busy until the last of the answer has been taken: events may come for long.
            let answer = answer.map(|body| {
                body.map_err(move |never| {
                    let _ = &busy;
                    never
                })
            });
            Ok::<_, Infallible>(answer)
        }
    });
    let conversation = hyper::server::conn::http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD_TIMEOUT)
        .max_buf_size(LARGEST_HEAD)
        .serve_connection(TokioIo::new(stream), answers);
    tokio::pin!(conversation);
    tokio::select! {
        // What a single client does wrong is its own business.
        _ = conversation.as_mut() => return,
        () = connection.unwanted() => {}
    }
    if connection.is_idle() {
        // Half of a request's head could keep the place for as long as a head may take.
        return;
    }
    conversation.as_mut().graceful_shutdown();
    let _ = conversation.await;
}

/// Tells a client that there is no room, if it can be told without waiting.
fn refuse(stream: &TcpStream) {
    let text = "HTTP/1.1 503 Service Unavailable\r\nRetry-After: 1\r\nContent-Length: 0\r\nConnection: close\r\n\r\n";
    let _ = stream.try_write(text.as_bytes());
}

/// The two ends of a connection.
#[derive(Debug, Clone, Copy)]
struct Ends {
    peer: IpAddr,
    local: IpAddr,
}

struct Service {
    entrance: Entrance,
    protocol: StreamableHttpService<OpManagerServer, NeverSessionManager>,
    metrics: Arc<Metrics>,
    stopping: CancellationToken,
}

impl Service {
    async fn answer(&self, request: Request<Incoming>, ends: Ends) -> Answer {
        let stopping = self.stopping.is_cancelled();
        let chunked = request.headers().contains_key(header::TRANSFER_ENCODING);
        let mut answer = match (request.uri().path(), request.method()) {
            ("/mcp", &Method::POST) => match self.entrance.admit(request, ends).await {
                Ok(request) => self.protocol.handle(request).await,
                Err(refusal) => *refusal,
            },
            ("/mcp", _) => not_allowed("POST"),
            ("/health" | "/livez", &Method::GET | &Method::HEAD) => text(StatusCode::OK, "ok\n"),
            ("/readyz", &Method::GET | &Method::HEAD) if stopping => {
                text(StatusCode::SERVICE_UNAVAILABLE, "stopping\n")
            }
            ("/readyz", &Method::GET | &Method::HEAD) => text(StatusCode::OK, "ok\n"),
            ("/metrics", &Method::GET | &Method::HEAD) => self
                .entrance
                .look(&request, ends)
                .map_or_else(|refusal| *refusal, |()| self.metrics()),
            ("/health" | "/livez" | "/readyz" | "/metrics", _) => not_allowed("GET, HEAD"),
            _ => text(StatusCode::NOT_FOUND, "not found\n"),
        };
        let status = answer.status();
        let headers = answer.headers_mut();
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
        headers.insert(
            HeaderName::from_static("x-content-type-options"),
            HeaderValue::from_static("nosniff"),
        );
        // What the protocol's library refuses it says in a text without a type.
        if status.is_client_error() || status.is_server_error() {
            headers
                .entry(header::CONTENT_TYPE)
                .or_insert(HeaderValue::from_static(PLAIN));
        }
        // Where a proxy in front takes the length of such a request for another, nothing that follows it on this
        // connection can be trusted. RFC 9112, section 6.1, has the server close it. One that is told so sends nothing
        // more, so that it can be closed at the end without losing a request.
        if chunked || self.stopping.is_cancelled() {
            headers.insert(header::CONNECTION, HeaderValue::from_static("close"));
        }
        answer
    }

    fn metrics(&self) -> Answer {
        let mut answer = text(StatusCode::OK, self.metrics.text());
        answer.headers_mut().insert(
            header::CONTENT_TYPE,
            HeaderValue::from_static("application/openmetrics-text; version=1.0.0; charset=utf-8"),
        );
        answer
    }
}

/// A short text.
fn text(status: StatusCode, text: impl Into<Bytes>) -> Answer {
    let mut answer = Response::new(Full::new(text.into()).boxed());
    *answer.status_mut() = status;
    answer
        .headers_mut()
        .insert(header::CONTENT_TYPE, HeaderValue::from_static(PLAIN));
    answer
}

fn not_allowed(methods: &'static str) -> Answer {
    let mut answer = text(StatusCode::METHOD_NOT_ALLOWED, "method not allowed\n");
    answer
        .headers_mut()
        .insert(header::ALLOW, HeaderValue::from_static(methods));
    answer
}
