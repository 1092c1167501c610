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
//! Before a message is read: the head's grammar (400), `Host` (403), `Origin` (403), token (401), rate (429), media
//! type (415), size (413) and time (408). What is no message is answered as over standard input, with status 400.
//! While as many calls run as there may be connections, everything but `/health`, `/livez` and `/readyz` is answered 503.

mod connections;
mod entrance;
pub mod heads;
mod origin;
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

use crate::server::metrics::{Metrics, Turned};
use crate::server::{Credentials, OpManagerServer};
pub(crate) use connections::SPARE;
use connections::{Connection, Connections, Full as ConnectionsFull};
pub(crate) use entrance::read_host;
use entrance::{Admitted, Entrance, network};
use heads::StrictHeads;
pub(crate) use origin::Origin;
pub(crate) use tokens::{Tokens, read_tokens};

/// Longest time that a request's head may take to come, and longest time that a connection may be silent.
const HEAD_TIMEOUT: Duration = Duration::from_secs(10);
/// The same while as many connections are answering as may: what then is to be asked is short.
const SPARE_HEAD_TIMEOUT: Duration = Duration::from_secs(2);
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
    /// Most connections that are being answered at one time.
    pub(crate) max_connections: usize,
    /// Most requests of one caller in a minute.
    pub(crate) rate_limit: Option<NonZeroU32>,
    /// How long running calls may take once the process is to end.
    pub(crate) grace: Duration,
    /// Where a call's connection comes from.
    pub(crate) credentials: Credentials,
}

/// Bounds that neither the suite of conformance nor a test of one call reaches; those that users have are the command
/// line's.
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
        }
    }
}

/// Listens.
///
/// # Errors
///
/// If the address cannot be listened on.
pub fn listen(address: SocketAddr) -> io::Result<TcpListener> {
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
    serve_any(server, closing, options, listener, metrics, stop, stop_now).await
}

/// Serves another server in the same way until the process ends: the suite of conformance asks for tools that nobody
/// else needs.
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
                welcome(stream, peer, &service, &connections).await;
            }
            // Out of file descriptors, or a client that was gone before it was accepted. Neither is the end.
            Err(error) => {
                tracing::warn!(%error, outcome = "not accepted");
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
        }
    }
    // Who has been let in by the kernel may have sent a request already.
    if let Ok(listener) = listener.into_std() {
        let waiting = std::iter::from_fn(|| listener.accept().ok());
        for (stream, peer) in waiting.take(BACKLOG as usize) {
            let stream = stream
                .set_nonblocking(true)
                .and_then(|()| TcpStream::from_std(stream));
            if let Ok(stream) = stream {
                welcome(stream, peer, &service, &connections).await;
            }
        }
    }
    tracing::info!(outcome = "stopping");
    tokio::select! {
        () = connections.close(LAST_REQUEST) => {}
        () = tokio::time::sleep(grace) => tracing::warn!(outcome = "calls were still running"),
        () = stop_now.cancelled() => {}
    }
    closing.cancel();
    Ok(())
}

/// Begins to serve a connection once there is a place for it, which takes a moment at most.
async fn welcome<S: ServerHandler + Clone>(
    stream: TcpStream,
    peer: SocketAddr,
    service: &Arc<Service<S>>,
    connections: &Arc<Connections>,
) {
    let connection = connections.enter(network(peer.ip())).await;
    tokio::spawn(converse(stream, peer, service.clone(), connection));
}

/// Serves one connection to its end.
async fn converse<S: ServerHandler + Clone>(
    stream: TcpStream,
    peer: SocketAddr,
    service: Arc<Service<S>>,
    connection: Connection,
) {
    // A reply is one small packet, which must not wait for more.
    let _ = stream.set_nodelay(true);
    // The local end of a connection that is gone already matters to nobody.
    let local = stream.local_addr().unwrap_or(peer);
    let ends = Ends {
        peer: peer.ip().to_canonical(),
        local: local.ip().to_canonical(),
    };
    let connection = Arc::new(connection);
    let is_spare = connection.all_are_full();
    let answers = service_fn(|request| {
        let (service, connection) = (service.clone(), connection.clone());
        async move {
            connection.hear();
            Ok::<_, Infallible>(service.answer(request, ends, &connection).await)
        }
    });
    let mut conversation = hyper::server::conn::http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(if is_spare {
            SPARE_HEAD_TIMEOUT
        } else {
            HEAD_TIMEOUT
        })
        .max_buf_size(LARGEST_HEAD)
        .serve_connection(
            TokioIo::new(StrictHeads::new(stream, LARGEST_HEAD)),
            answers,
        );
    tokio::select! {
        // What a single client does wrong is its own business.
        _ = &mut conversation => {
            if is_spare && !connection.was_used() {
                service.metrics.turn_away(Turned::Busy);
                refuse(conversation.into_parts().io.inner().get_ref());
            }
            return;
        }
        () = connection.unwanted() => {}
    }
    if connection.may_be_dropped() {
        // Half of a head or body could keep the place for as long as it may take.
        return;
    }
    Pin::new(&mut conversation).graceful_shutdown();
    let _ = conversation.await;
}

/// Tells a client that has asked for nothing that there is no room, if it can be told without waiting.
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

struct Service<S> {
    entrance: Entrance,
    protocol: StreamableHttpService<S, NeverSessionManager>,
    metrics: Arc<Metrics>,
    stopping: CancellationToken,
}

impl<S: ServerHandler + Clone> Service<S> {
    async fn answer(
        &self,
        request: Request<Incoming>,
        ends: Ends,
        connection: &Arc<Connection>,
    ) -> Answer {
        let stopping = self.stopping.is_cancelled();
        let chunked = request.headers().contains_key(header::TRANSFER_ENCODING);
        let path = request.uri().path();
        let asks_for_health = ["/health", "/livez", "/readyz"].contains(&path);
        let mut answer = match (path, request.method()) {
            _ if !asks_for_health && connection.all_are_full() => {
                self.entrance.discard(request.into_body()).await;
                *self.entrance.too_many(ConnectionsFull::Server)
            }
            ("/mcp", &Method::POST) => match self.entrance.admit(request, ends, connection).await {
                Ok(admitted) => self.pass_on(admitted).await,
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

    /// Has rmcp parse and answer an admitted message.
    async fn pass_on(&self, admitted: Admitted) -> Answer {
        let Admitted {
            request,
            answering,
            unparsed,
        } = admitted;
        let answer = self.protocol.handle(request).await;
        // The media type has been checked: rmcp says so of a message that it cannot parse, and repeats parts of it.
        if answer.status() == StatusCode::UNSUPPORTED_MEDIA_TYPE {
            return *self.entrance.refuse_unparsed(unparsed);
        }
        // It is kept until the last of the answer has been taken: events may come for long.
        answer.map(|body| {
            let kept = move |never| {
                let _ = &answering;
                never
            };
            body.map_err(kept).boxed()
        })
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
