//! The running simulator: sockets, connections, and what happens to a request before an operation sees it.
//!
//! Owns HTTP and the key check. Leaves parameters to `checks`, answers to `operations`, misbehaviour to `faults`.

use std::{
    fmt, io,
    net::{IpAddr, SocketAddr},
    ops::RangeInclusive,
    pin::Pin,
    sync::{Arc, Mutex},
    task::{Context, Poll},
    time::Duration,
};

use http_body_util::{BodyExt, Limited};
use hyper::{
    Request, Response,
    body::Incoming,
    header::{CONTENT_TYPE, HeaderValue},
    server::conn::http1,
    service::service_fn,
};
use hyper_util::rt::TokioIo;
use tokio::{
    io::{AsyncRead, AsyncWrite, AsyncWriteExt, ReadBuf},
    net::{TcpListener, TcpStream},
    task::{JoinHandle, JoinSet},
};

use crate::{
    body::Payload,
    checks::{self, Refusal, decode_pairs},
    contract::Operation,
    faults::{Action, Fault, Faults, JSON, respond},
    limits::{Caller, CountBy, Limits, Throttle},
    log::{InFlight, Log, Recorded, SharedLog, lock},
    operations::{self, Reply},
    options::Options,
    random::Random,
    state::State,
    tls::Identity,
    variant::{Variant, central},
};

const LARGEST_BODY: usize = 1024 * 1024;

/// A running simulator. Dropping it stops it.
pub struct Simulator {
    address: SocketAddr,
    api_key: String,
    identity: Option<Arc<Identity>>,
    shared: Arc<Shared>,
    accepting: JoinHandle<()>,
}

struct Shared {
    /// Each of another user.
    keys: Vec<String>,
    variant: Variant,
    empty_as_message: bool,
    throttle: Option<Throttle>,
    latency: Duration,
    answer_time: Option<RangeInclusive<Duration>>,
    random: Mutex<Random>,
    log: Arc<SharedLog>,
    faults: Faults,
    state: Mutex<State>,
    limits: Limits,
}

impl Simulator {
    /// Starts to listen. Needs a tokio runtime and lives on it.
    ///
    /// # Errors
    /// If the address cannot be bound or a certificate cannot be made.
    pub async fn start(options: Options) -> io::Result<Simulator> {
        let identity = Identity::new(options.tls)?.map(Arc::new);
        let listener = TcpListener::bind((options.address, options.port)).await?;
        let address = listener.local_addr()?;
        let shared = Arc::new(Shared {
            state: Mutex::new(State::new(&options)),
            keys: [vec![options.api_key.clone()], options.other_keys].concat(),
            variant: options.variant,
            empty_as_message: options.empty_as_message,
            throttle: options.rate_limits.then_some(options.throttle),
            latency: options.latency,
            answer_time: options.answer_time,
            random: Mutex::new(Random::new(options.seed)),
            log: Arc::default(),
            faults: Faults::new(options.fails_every),
            limits: Limits::default(),
        });
        let accepting = tokio::spawn(accept(listener, Arc::clone(&shared), identity.clone()));
        Ok(Simulator {
            address,
            api_key: options.api_key,
            identity,
            shared,
            accepting,
        })
    }

    /// Where it listens.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Address and port as text, such as `127.0.0.1:40000`.
    #[must_use]
    pub fn host(&self) -> String {
        self.address.to_string()
    }

    /// Scheme, address and port, without a final slash.
    #[must_use]
    pub fn url(&self) -> String {
        let scheme = if self.identity.is_some() {
            "https"
        } else {
            "http"
        };
        format!("{scheme}://{}", self.address)
    }

    /// The key that it accepts.
    #[must_use]
    pub fn api_key(&self) -> &str {
        &self.api_key
    }

    /// The certificate of the authority, with [`Tls::CaSigned`](crate::Tls::CaSigned).
    #[must_use]
    pub fn ca_pem(&self) -> Option<&str> {
        self.identity.as_ref()?.ca_pem.as_deref()
    }

    /// The certificate that it shows, with TLS.
    #[must_use]
    pub fn certificate_pem(&self) -> Option<&str> {
        Some(&self.identity.as_ref()?.certificate_pem)
    }

    /// The SHA-256 fingerprint of the certificate that it shows, as 64 lower-case hexadecimal digits.
    #[must_use]
    pub fn certificate_sha256(&self) -> Option<String> {
        Some(self.identity.as_ref()?.certificate_sha256.clone())
    }

    /// Every request received so far, those answered with a fault included.
    #[must_use]
    pub fn requests(&self) -> Vec<Recorded> {
        self.shared.log.read().requests.clone()
    }

    /// The same, which are forgotten then.
    #[must_use]
    pub fn take_requests(&self) -> Vec<Recorded> {
        let mut taken = Vec::new();
        self.shared
            .log
            .change(|log| taken = std::mem::take(&mut log.requests));
        taken
    }

    /// The number of TCP connections accepted so far.
    #[must_use]
    pub fn connections(&self) -> usize {
        self.shared.log.read().connections
    }

    /// The number of application bytes received so far, after TLS.
    #[must_use]
    pub fn bytes_received(&self) -> usize {
        self.shared.log.read().bytes_received
    }

    /// Forgets all requests and counts. The simulated network stays as it is.
    pub fn clear_log(&self) {
        self.shared.log.change(|log| *log = Log::default());
    }

    /// Waits until the log is as wanted. Looks at it again at every change, without sleeping; `what` must not
    /// call the simulator.
    pub async fn wait_until(&self, what: impl Fn(&Log) -> bool) {
        self.shared.log.wait_until(what).await;
    }

    /// Adds a fault. Of several that fit a request, the one added first is met.
    pub fn inject(&self, fault: Fault) {
        self.shared.faults.add(fault);
    }

    /// Forgets all faults that have not been met.
    pub fn clear_faults(&self) {
        self.shared.faults.clear();
    }

    /// Lets time pass for the rate limits and their locks, and for nothing else.
    pub fn pass(&self, time: Duration) {
        self.shared.limits.pass(time);
    }

    /// Stops listening and closes all connections.
    pub async fn shutdown(mut self) {
        self.accepting.abort();
        // The only error is the cancellation just asked for.
        let _ = (&mut self.accepting).await;
    }
}

impl Drop for Simulator {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

impl fmt::Debug for Simulator {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Simulator")
            .field("url", &self.url())
            .finish_non_exhaustive()
    }
}

async fn accept(listener: TcpListener, shared: Arc<Shared>, identity: Option<Arc<Identity>>) {
    // Dropping the set, when this task is aborted, closes the connections too.
    let mut open = JoinSet::new();
    let mut count = 0;
    loop {
        let Ok((stream, peer)) = listener.accept().await else {
            // Out of files, perhaps: let others close theirs.
            tokio::task::yield_now().await;
            continue;
        };
        count += 1;
        shared.log.change(|log| log.connections += 1);
        while open.try_join_next().is_some() {}
        let (shared, identity) = (Arc::clone(&shared), identity.clone());
        open.spawn(async move {
            let _ = stream.set_nodelay(true);
            match identity {
                None => serve(stream, shared, (count, peer.ip())).await,
                Some(identity) => serve_tls(stream, &identity, shared, (count, peer.ip())).await,
            }
        });
    }
}

/// The number of a connection, and from where it comes.
type Connection = (u64, IpAddr);

async fn serve_tls(
    stream: TcpStream,
    identity: &Identity,
    shared: Arc<Shared>,
    connection: Connection,
) {
    // A client that does not trust the certificate ends the handshake: nothing to serve.
    if let Ok(stream) = identity.acceptor.accept(stream).await {
        serve(stream, shared, connection).await;
    }
}

/// What a fault writes past hyper, and the request that it answers.
type Takeover = Arc<Mutex<Option<(Vec<u8>, InFlight)>>>;

async fn serve(
    stream: impl AsyncRead + AsyncWrite + Unpin,
    shared: Arc<Shared>,
    connection: Connection,
) {
    let mut stream = Counted {
        stream,
        log: Arc::clone(&shared.log),
    };
    let takeover = Takeover::default();
    let service = service_fn(|request| {
        answer(
            Arc::clone(&shared),
            request,
            connection,
            Arc::clone(&takeover),
        )
    });
    // An error is a client that went away or sent no HTTP, or a fault that takes the connection over.
    let _ = http1::Builder::new()
        .serve_connection(TokioIo::new(&mut stream), service)
        .await;
    let taken = lock(&takeover).take();
    if let Some((bytes, mut in_flight)) = taken
        && stream.write_all(&bytes).await.is_ok()
        && stream.shutdown().await.is_ok()
    {
        in_flight.complete();
    }
}

async fn answer(
    shared: Arc<Shared>,
    request: Request<Incoming>,
    (connection, address): Connection,
    takeover: Takeover,
) -> Result<Response<Payload>, TakenOver> {
    let mut in_flight = InFlight::new(&shared.log);
    let (head, body) = request.into_parts();
    let body = match Limited::new(body, LARGEST_BODY).collect().await {
        Ok(body) => body.to_bytes().to_vec(),
        Err(_) => {
            return Ok(respond(413, None, Payload::whole("")).map(|body| body.watched(in_flight)));
        }
    };
    let operation = shared.variant.operation_at(head.uri.path());
    let is_form = head.headers.get(CONTENT_TYPE).is_some_and(|value| {
        value
            .to_str()
            .is_ok_and(|text| text.split(';').next() == Some("application/x-www-form-urlencoded"))
    });
    let recorded = Recorded {
        method: head.method.to_string(),
        target: head.uri.to_string(),
        path: head.uri.path().to_owned(),
        query: decode_pairs(head.uri.query().unwrap_or_default()),
        headers: head
            .headers
            .iter()
            .map(|(name, value)| (name.to_string(), value.as_bytes().to_vec()))
            .collect(),
        form: if is_form {
            decode_pairs(&String::from_utf8_lossy(&body))
        } else {
            Vec::new()
        },
        body,
        operation: operation.map(|operation| operation.id),
        connection,
    };
    shared.log.record(recorded.clone());
    if !shared.latency.is_zero() {
        tokio::time::sleep(shared.latency).await;
    }
    if let Some(time) = shared.answer_time() {
        tokio::time::sleep(time).await;
    }
    let key = recorded.header("apikey").unwrap_or_default();
    let response = match shared
        .faults
        .next(recorded.operation)
        .map(|kind| kind.act(key))
    {
        None => shared.respond(operation, &recorded, address),
        Some(Action::Respond(response)) => response,
        Some(Action::TakeOver(bytes)) => {
            *lock(&takeover) = Some((bytes, in_flight));
            return Err(TakenOver);
        }
        Some(Action::Hang) => {
            // Dropped, with `in_flight` in it, when the client goes away.
            std::future::pending::<()>().await;
            in_flight.complete();
            return Err(TakenOver);
        }
    };
    Ok(response.map(|body| body.watched(in_flight)))
}

impl Shared {
    fn answer_time(&self) -> Option<Duration> {
        let range = self.answer_time.as_ref()?;
        let millis = |time: &Duration| i64::try_from(time.as_millis()).unwrap_or(i64::MAX);
        let (low, high) = (millis(range.start()), millis(range.end()));
        let drawn = lock(&self.random).between(low, high.max(low));
        Some(Duration::from_millis(drawn.unsigned_abs()))
    }

    /// The place of the key that a request carries among those that are accepted.
    fn user(&self, request: &Recorded) -> Option<usize> {
        let in_query = |(name, _): &&(String, String)| name == "apiKey";
        let key = match request.header("apikey") {
            None if self.variant.takes_key_in_query() => {
                request.query.iter().find(in_query)?.1.as_bytes()
            }
            key => key?,
        };
        self.keys.iter().position(|other| other.as_bytes() == key)
    }

    fn respond(
        &self,
        operation: Option<&'static Operation>,
        request: &Recorded,
        address: IpAddr,
    ) -> Response<Payload> {
        let refuse = |status, refusal: &Refusal| {
            json_response(status, self.variant.refusal(refusal).to_string())
        };
        let error = |status, message: &str| refuse(status, &Refusal::new(None, message));
        // Inferred: that unknown paths and methods get these statuses, and these bodies.
        let Some(operation) = operation else {
            return error(404, "There is no such URL.");
        };
        if operation.method != request.method {
            return error(405, "The URL does not accept this method.");
        }
        let Some(user) = self.user(request) else {
            // Inferred: neither status nor body of the answer to a missing or wrong key is documented.
            return error(401, "The API key is missing or not valid.");
        };
        let told = self.throttle.map(|throttle| {
            let caller = match throttle.count_by {
                CountBy::User => Caller::Key(user),
                CountBy::Address => Caller::Address(address),
            };
            self.limits.admit(throttle, operation, caller)
        });
        let (header, admitted) = told.map_or((None, Ok(())), |told| (told.header, told.verdict));
        // Inferred: that a refusal for too many calls comes with status 200 as well.
        let reply = admitted.and_then(|()| self.perform(operation, request));
        let mut response = match reply {
            Ok(Reply::Json(value)) => json_response(200, value.to_string()),
            Ok(Reply::Text(text)) => json_response(200, text.to_owned()),
            Err(refusal) => refuse(200, &refusal),
        };
        if let Some(header) = header.and_then(|text| HeaderValue::from_str(&text).ok()) {
            response.headers_mut().insert("x-rate-limit", header);
        }
        response
    }

    fn perform(&self, operation: &'static Operation, request: &Recorded) -> Result<Reply, Refusal> {
        let arguments = checks::check(self.variant, operation, request)?;
        let customer = if self.variant == Variant::Msp {
            central::check_blocked(operation.id)?;
            central::scope_of(&request.query)?
        } else {
            None
        };
        let reply = central::within(&mut lock(&self.state), customer, |state| {
            operations::perform(state, operation, &arguments)
        })?;
        Ok(match reply {
            Reply::Json(value) => Reply::Json(self.variant.answer(
                operation,
                &arguments,
                self.empty_as_message,
                value,
            )),
            text => text,
        })
    }
}

fn json_response(status: u16, body: String) -> Response<Payload> {
    respond(status, Some(JSON), Payload::whole(body))
}

/// Tells hyper to let go of the connection without an answer.
#[derive(Debug)]
struct TakenOver;

impl fmt::Display for TakenOver {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a fault has taken the connection over")
    }
}

impl std::error::Error for TakenOver {}

/// A stream that counts the bytes it receives.
struct Counted<S> {
    stream: S,
    log: Arc<SharedLog>,
}

impl<S: AsyncRead + Unpin> AsyncRead for Counted<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        let result = Pin::new(&mut self.stream).poll_read(context, buffer);
        let received = buffer.filled().len() - before;
        if received > 0 {
            self.log.change(|log| log.bytes_received += received);
        }
        result
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Counted<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(context, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}
