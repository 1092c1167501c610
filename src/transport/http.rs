//! Streamable HTTP: each request stands for itself, in every version of the protocol.
//!
//! Owns the listening socket, the paths and methods, and the end of the service. Nothing is kept from one request to the
//! next, so that any number of copies can run behind a load balancer.
//!
//! | request | response |
//! | --- | --- |
//! | `POST /mcp` | the response to the message, as JSON, or as one event for a client that accepts only events |
//! | `GET /health`, `/livez` | 200 while the process lives |
//! | `GET /readyz` | 200, or 503 once it is shutting down |
//! | `GET /metrics` | counts, as Prometheus reads them |
//! | other methods on these, other paths | 405, 404, each with the methods and paths that there are |
//!
//! Before a message is read: the head's grammar (400), `Host` (403), `Origin` (403), token (401), rate (429), media
//! types (415, 406), size (413) and time (408). A body that is not a message gets the response that it gets over standard input,
//! with status 400. While all connections are answering, everything but `/health`, `/livez` and `/readyz` gets 503.

mod accept;
mod admission;
mod connections;
pub mod heads;
mod hosts;
mod origin;
mod rates;
mod reject;
mod tokens;

use std::convert::Infallible;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::num::NonZeroU32;
use std::pin::Pin;
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
use rmcp::ServerHandler;
use rmcp::transport::streamable_http_server::session::never::NeverSessionManager;
use rmcp::transport::streamable_http_server::{StreamableHttpServerConfig, StreamableHttpService};
use tokio::net::{TcpListener, TcpStream};
use tokio_util::sync::CancellationToken;

use crate::audit::metrics::Metrics;
use crate::server::{Credentials, OpManagerServer};
use crate::transport::framing::LONGEST_REPAIR;
use accept::Form;
use admission::{Admission, Admitted};
pub(crate) use connections::SPARE;
use connections::{Busy, Connection, Connections};
use heads::StrictHeads;
use hosts::network;
pub(crate) use hosts::read_host;
pub(crate) use origin::Origin;
use reject::RejectReason;
pub(crate) use tokens::{Tokens, read_tokens};

/// Longest time that a request's head may take to arrive, and that a connection may be idle.
const HEAD_TIMEOUT: Duration = Duration::from_secs(10);
/// The same for spare connections: the requests that are served on them are short.
const SPARE_HEAD_TIMEOUT: Duration = Duration::from_secs(2);
/// Largest head of a request, in bytes.
const LARGEST_HEAD: usize = 16 * 1024;
/// How long an idle connection is kept once the process is to end. What a proxy sends on one while it is being closed is
/// lost, as it must not send a call twice; by then those in use have carried a request, and a response that closes them.
const LAST_REQUEST: Duration = Duration::from_millis(300);
/// Connections that wait to be accepted.
const BACKLOG: u32 = 1024;

const PLAIN: &str = "text/plain; charset=utf-8";

/// Clients of the older transport, and those that would keep a session, try other methods.
const ONLY_POST: &str = "/mcp takes POST, one message in each request: there is no stream to GET and no session to DELETE\n";
/// Whatever was tried, the endpoint is one of these: a second one would be a second thing to secure and configure.
const NO_SUCH_PATH: &str = "no such path: MCP (streamable HTTP) is POST /mcp; beside it there are GET /health, /livez, /readyz and /metrics\n";

/// A response of this transport.
type HttpResponse = Response<BoxBody<Bytes, Infallible>>;

/// How the transport serves.
#[derive(Debug, Clone)]
pub(crate) struct Options {
    /// Values of `Host` that are accepted beside the names of this machine, without port.
    pub(crate) allowed_hosts: Vec<String>,
    /// Values of `Origin` that are accepted beside this machine's own.
    pub(crate) allowed_origins: Vec<Origin>,
    /// Bearer tokens of the callers; `None` lets everybody call.
    pub(crate) tokens: Option<Arc<Tokens>>,
    /// Longest message, in bytes.
    pub(crate) max_request_bytes: usize,
    /// Most connections that are being answered at one time.
    pub(crate) max_connections: usize,
    /// Most requests of one caller in a minute.
    pub(crate) rate_limit: Option<NonZeroU32>,
    /// How long running calls may take once the process is to end.
    pub(crate) grace: Duration,
    /// Where a call's connection comes from.
    pub(crate) credentials: Credentials,
    /// Whether calls may be about a part of an MSP Central.
    pub(crate) msp: bool,
}

/// Bounds that neither the conformance suite nor a test of one call reaches; the command line sets those of users.
impl Default for Options {
    fn default() -> Self {
        Self {
            allowed_hosts: Vec::new(),
            allowed_origins: Vec::new(),
            tokens: None,
            max_request_bytes: super::MAX_REQUEST_BYTES,
            max_connections: 256,
            rate_limit: None,
            grace: Duration::from_secs(10),
            credentials: Credentials::Arguments,
            msp: false,
        }
    }
}

/// Binds the listening socket.
///
/// # Errors
///
/// If the address cannot be listened on.
pub fn listen(address: SocketAddr) -> io::Result<TcpListener> {
    let socket = match address {
        SocketAddr::V4(_) => tokio::net::TcpSocket::new_v4()?,
        SocketAddr::V6(_) => tokio::net::TcpSocket::new_v6()?,
    };
    // A restarted server must not wait for the last connections of the one before.
    #[cfg(unix)]
    socket.set_reuseaddr(true)?;
    socket
        .bind(address)
        .and_then(|()| socket.listen(BACKLOG))
        .map_err(|error| {
            io::Error::new(error.kind(), format!("cannot listen on {address}: {error}"))
        })
}

/// Serves until `stop`, and then as long as running calls take, at most the grace period; `stop_now` ends it at once.
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
    serve_any(server, closing, options, listener, metrics, stop, stop_now).await
}

/// Serves another server in the same way until the process ends: the conformance suite demands tools that nobody else
/// needs.
///
/// # Errors
///
/// None that a single connection makes.
#[doc(hidden)]
pub async fn serve_other<S: ServerHandler + Clone>(
    server: S,
    listener: TcpListener,
) -> io::Result<()> {
    let [closing, stop, stop_now] = std::array::from_fn(|_| CancellationToken::new());
    let metrics = Arc::new(Metrics::new(Vec::new()));
    serve_any(
        server,
        closing,
        Options::default(),
        listener,
        metrics,
        stop,
        stop_now,
    )
    .await
}

/// The same for any server; `closing` makes what still runs give up.
async fn serve_any<S: ServerHandler + Clone>(
    server: S,
    closing: CancellationToken,
    options: Options,
    listener: TcpListener,
    metrics: Arc<Metrics>,
    stop: CancellationToken,
    stop_now: CancellationToken,
) -> io::Result<()> {
    let config = StreamableHttpServerConfig::default()
        .with_legacy_session_mode(false)
        .with_json_response(true)
        // `Admission` keeps the bound, and a repaired message may be a little longer than what came.
        .with_max_request_body_bytes(options.max_request_bytes.saturating_add(LONGEST_REPAIR))
        .with_cancellation_token(closing.clone())
        // `Admission` checks both, with the port.
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
        admission: Admission::new(options, listener.local_addr()?, metrics.clone()),
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
                accept(stream, peer, &service, &connections).await;
            }
            // Out of file descriptors, or a client that was gone before it was accepted. Neither ends the service.
            Err(error) => {
                tracing::warn!(%error, "a connection could not be accepted");
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
        }
    }
    drain_backlog(listener, &service, &connections).await;
    tracing::info!("the service is stopping");
    tokio::select! {
        () = connections.close(LAST_REQUEST) => {}
        () = tokio::time::sleep(grace) => tracing::warn!("calls were still running at the end of the grace period"),
        () = stop_now.cancelled() => {}
    }
    closing.cancel();
    Ok(())
}

/// Accepts what the kernel has accepted already: the clients of these connections may have sent a request. The listener is
/// closed after that.
async fn drain_backlog<S: ServerHandler + Clone>(
    listener: TcpListener,
    service: &Arc<Service<S>>,
    connections: &Arc<Connections>,
) {
    // Only the standard library's listener, which does not block, says when there are no more.
    let Ok(listener) = listener.into_std() else {
        return;
    };
    let waiting = std::iter::from_fn(|| listener.accept().ok());
    for (stream, peer) in waiting.take(BACKLOG as usize) {
        let stream = stream
            .set_nonblocking(true)
            .and_then(|()| TcpStream::from_std(stream));
        if let Ok(stream) = stream {
            accept(stream, peer, service, connections).await;
        }
    }
}

/// Begins to serve a connection once it has a slot, which takes a moment at most.
async fn accept<S: ServerHandler + Clone>(
    stream: TcpStream,
    peer: SocketAddr,
    service: &Arc<Service<S>>,
    connections: &Arc<Connections>,
) {
    // If the connection is gone already, its local address does not matter.
    let local = stream.local_addr().unwrap_or(peer);
    let endpoints = Endpoints::new(peer.ip(), local.ip());
    let connection = connections.enter(endpoints.network.clone()).await;
    tokio::spawn(serve_connection(
        stream,
        endpoints,
        service.clone(),
        connection,
    ));
}

/// Serves one connection to its end.
async fn serve_connection<S: ServerHandler + Clone>(
    stream: TcpStream,
    endpoints: Endpoints,
    service: Arc<Service<S>>,
    connection: Connection,
) {
    // A response is one small packet, which must not wait for more.
    let _ = stream.set_nodelay(true);
    let connection = Arc::new(connection);
    let is_spare = connection.all_are_full();
    let (service, connection, endpoints) = (&service, &connection, &endpoints);
    let responses = service_fn(move |request| async move {
        connection.note_request();
        Ok::<_, Infallible>(service.respond(request, endpoints, connection).await)
    });
    let mut serving = hyper::server::conn::http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(if is_spare {
            SPARE_HEAD_TIMEOUT
        } else {
            HEAD_TIMEOUT
        })
        .max_buf_size(LARGEST_HEAD)
        .serve_connection(
            TokioIo::new(StrictHeads::new(stream, LARGEST_HEAD)),
            responses,
        );
    tokio::select! {
        // An error of a single client ends its connection, and nothing else.
        _ = &mut serving => {
            if is_spare && !connection.was_used() {
                service.metrics.reject(RejectReason::Busy.word());
                reject_unused(serving.into_parts().io.inner().get_ref());
            }
            return;
        }
        () = connection.evicted() => {}
    }
    if connection.may_be_dropped() {
        // Half of a head or body could keep the slot for as long as it may take to arrive.
        return;
    }
    Pin::new(&mut serving).graceful_shutdown();
    let _ = serving.await;
}

/// Rejects a spare connection without a request, if its client can be told without waiting.
fn reject_unused(stream: &TcpStream) {
    let text = "HTTP/1.1 503 Service Unavailable\r\nRetry-After: 1\r\nContent-Length: 0\r\nConnection: close\r\n\r\n";
    let _ = stream.try_write(text.as_bytes());
}

/// The two ends of a connection.
#[derive(Debug)]
struct Endpoints {
    peer: IpAddr,
    local: IpAddr,
    /// The network of the peer, as which it counts where callers have no tokens.
    network: Arc<str>,
}

impl Endpoints {
    fn new(peer: IpAddr, local: IpAddr) -> Self {
        let peer = peer.to_canonical();
        Self {
            peer,
            local: local.to_canonical(),
            network: network(peer),
        }
    }
}

struct Service<S> {
    admission: Admission,
    protocol: StreamableHttpService<S, NeverSessionManager>,
    metrics: Arc<Metrics>,
    stopping: CancellationToken,
}

impl<S: ServerHandler + Clone> Service<S> {
    async fn respond(
        &self,
        request: Request<Incoming>,
        endpoints: &Endpoints,
        connection: &Arc<Connection>,
    ) -> HttpResponse {
        let stopping = self.stopping.is_cancelled();
        let chunked = request.headers().contains_key(header::TRANSFER_ENCODING);
        let path = request.uri().path();
        let asks_for_health = ["/health", "/livez", "/readyz"].contains(&path);
        let mut response = match (path, request.method()) {
            _ if !asks_for_health && connection.all_are_full() => {
                self.admission.discard(request.into_body()).await;
                *self.admission.too_many(Busy::Server)
            }
            ("/mcp", &Method::POST) => {
                match self.admission.admit(request, endpoints, connection).await {
                    Ok(admitted) => self.pass_on(admitted).await,
                    Err(refusal) => *refusal,
                }
            }
            ("/mcp", _) => not_allowed("POST", ONLY_POST),
            ("/health" | "/livez", &Method::GET | &Method::HEAD) => text(StatusCode::OK, "ok\n"),
            ("/readyz", &Method::GET | &Method::HEAD) if stopping => {
                text(StatusCode::SERVICE_UNAVAILABLE, "stopping\n")
            }
            ("/readyz", &Method::GET | &Method::HEAD) => text(StatusCode::OK, "ok\n"),
            ("/metrics", &Method::GET | &Method::HEAD) => self
                .admission
                .admit_head(&request, endpoints)
                .map_or_else(|refusal| *refusal, |()| self.metrics()),
            ("/health" | "/livez" | "/readyz" | "/metrics", _) => {
                not_allowed("GET, HEAD", "this path takes GET and HEAD\n")
            }
            _ => text(StatusCode::NOT_FOUND, NO_SUCH_PATH),
        };
        let status = response.status();
        let headers = response.headers_mut();
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
        headers.insert(
            HeaderName::from_static("x-content-type-options"),
            HeaderValue::from_static("nosniff"),
        );
        // rmcp rejects requests with a text without a media type.
        if status.is_client_error() || status.is_server_error() {
            headers
                .entry(header::CONTENT_TYPE)
                .or_insert(HeaderValue::from_static(PLAIN));
        }
        // If a proxy in front takes such a request to be of another length, nothing that follows it on this connection can
        // be trusted: RFC 9112, section 6.1, has the server close it. At the end of the service a client that is told to
        // close sends nothing more, so that no request is lost.
        if chunked || self.stopping.is_cancelled() {
            headers.insert(header::CONNECTION, HeaderValue::from_static("close"));
        }
        response
    }

    /// Has rmcp parse an admitted message and respond to it.
    async fn pass_on(&self, admitted: Admitted) -> HttpResponse {
        let Admitted {
            request,
            answering,
            unparsed,
            form,
        } = admitted;
        let response = self.protocol.handle(request).await;
        // The media type has been checked: rmcp says so of a message that it cannot parse, and repeats parts of it.
        if response.status() == StatusCode::UNSUPPORTED_MEDIA_TYPE {
            return *self.admission.refuse_unparsed(unparsed);
        }
        let response = match form {
            Form::Event => as_event(response).await,
            Form::Json => response,
        };
        // The connection is kept until the whole response has been taken: events may come for long.
        response.map(|body| {
            let kept = move |never| {
                let _ = &answering;
                never
            };
            body.map_err(kept).boxed()
        })
    }

    fn metrics(&self) -> HttpResponse {
        let mut response = text(StatusCode::OK, self.metrics.text());
        response.headers_mut().insert(
            header::CONTENT_TYPE,
            HeaderValue::from_static("application/openmetrics-text; version=1.0.0; charset=utf-8"),
        );
        response
    }
}

/// A response with a message as an event stream that consists of that message. An error by its status stays what it is: a
/// client that reads events does not read them in it.
async fn as_event(response: HttpResponse) -> HttpResponse {
    let (mut head, body) = response.into_parts();
    let kind = head.headers.get(header::CONTENT_TYPE);
    if head.status != StatusCode::OK || kind.is_none_or(|kind| kind != "application/json") {
        return Response::from_parts(head, body);
    }
    // The body is whole, and its JSON one line.
    let Ok(message) = body.collect().await;
    let event = [b"event: message\ndata: ", &*message.to_bytes(), b"\n\n"].concat();
    head.headers.insert(
        header::CONTENT_TYPE,
        HeaderValue::from_static("text/event-stream"),
    );
    head.headers.remove(header::CONTENT_LENGTH);
    Response::from_parts(head, Full::new(event.into()).boxed())
}

/// A short text as a response.
fn text(status: StatusCode, text: impl Into<Bytes>) -> HttpResponse {
    let mut response = Response::new(Full::new(text.into()).boxed());
    *response.status_mut() = status;
    response
        .headers_mut()
        .insert(header::CONTENT_TYPE, HeaderValue::from_static(PLAIN));
    response
}

fn not_allowed(methods: &'static str, why: &'static str) -> HttpResponse {
    let mut response = text(StatusCode::METHOD_NOT_ALLOWED, why);
    response
        .headers_mut()
        .insert(header::ALLOW, HeaderValue::from_static(methods));
    response
}

#[cfg(test)]
#[allow(clippy::disallowed_types, reason = "they are messages of the protocol")]
mod tests {
    use serde_json::{Value, json};
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::sync::watch;
    use tokio::time::timeout;

    use super::*;

    const PATIENCE: Duration = Duration::from_secs(20);

    async fn call(address: SocketAddr, tool: &str, host: &str) -> Value {
        let arguments = json!({ "host": host, "apiKey": "k", "use_ssl": false });
        let params = json!({ "name": tool, "arguments": arguments });
        let message =
            json!({ "jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": params })
                .to_string();
        let head = format!(
            "POST /mcp HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nContent-Type: application/json\r\nAccept: application/json, text/event-stream\r\nContent-Length: {}\r\n\r\n",
            message.len()
        );
        let mut stream = TcpStream::connect(address).await.unwrap();
        stream
            .write_all((head + &message).as_bytes())
            .await
            .unwrap();
        let mut answer = String::new();
        let read = timeout(PATIENCE, stream.read_to_string(&mut answer)).await;
        read.expect("an answer must come").unwrap();
        let (_, body) = answer.split_once("\r\n\r\n").unwrap();
        serde_json::from_str::<Value>(body).unwrap()["result"].clone()
    }

    #[tokio::test]
    async fn cc_08_a_call_that_panics_leaves_the_others_alone() {
        // The tool that examines a connection does not pass where the others panic.
        let server = OpManagerServer::panicking("a defect");
        let metrics = Arc::new(Metrics::new(Vec::new()));
        let server = server.with_metrics(metrics.clone()).unwrap();
        let listener = listen(([127, 0, 0, 1], 0).into()).unwrap();
        let address = listener.local_addr().unwrap();
        let stop = CancellationToken::new();
        let serving = serve(
            server,
            Options::default(),
            listener,
            metrics.clone(),
            stop.clone(),
            CancellationToken::new(),
        );
        let serving = tokio::spawn(serving);

        // An OpManager that answers when it is told to.
        let opmanager = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let host = opmanager.local_addr().unwrap().to_string();
        let (answer, told) = watch::channel(false);
        let (asking, mut asked) = watch::channel(0);
        tokio::spawn(async move {
            while let Ok((mut stream, _)) = opmanager.accept().await {
                let (mut told, asking) = (told.clone(), asking.clone());
                tokio::spawn(async move {
                    // The first of its two connections says nothing.
                    if stream.read_u8().await.is_ok() {
                        asking.send_modify(|asked| *asked += 1);
                        let _ = told.wait_for(|told| *told).await;
                        let text = "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 2\r\nConnection: close\r\n\r\n[]";
                        let _ = stream.write_all(text.as_bytes()).await;
                        // Closed with something unread, it would be cut off.
                        let _ = stream.read_to_end(&mut Vec::new()).await;
                    }
                });
            }
        });
        let others: Vec<_> = (0..5)
            .map(|_| {
                let host = host.clone();
                tokio::spawn(async move { call(address, "diagnose_connection", &host).await })
            })
            .collect();
        let running = timeout(PATIENCE, asked.wait_for(|asked| *asked == 5)).await;
        running.expect("all must run").unwrap();
        for _ in 0..3 {
            let result = call(address, "list_devices", &host).await;
            assert_eq!(result["isError"], true, "{result}");
            assert_eq!(result["content"][0]["text"], "Internal error.");
        }
        assert!(metrics.text().contains("outcome=\"panic\""));
        answer.send_replace(true);
        for other in others {
            let result = other.await.unwrap();
            assert_eq!(result["isError"], false, "{result}");
        }
        stop.cancel();
        timeout(PATIENCE, serving)
            .await
            .expect("it must end")
            .unwrap()
            .unwrap();
    }
}
