//! What all calls share: limits, TLS settings, memory for bodies, and connections to send a request on.
//!
//! Owns what is the same for every call: the target policy, limits, no redirects, no proxies of the environment, no
//! cookies, what may be sent twice, and what is remembered of how often. Holds connections, never a key or an answer.

use std::collections::HashMap;
use std::error::Error as StdError;
use std::io;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use http::header::{ACCEPT, HOST, HeaderName, USER_AGENT};
use http::uri::{PathAndQuery, Uri};
use http::{HeaderValue, Request, Response};
use http_body_util::BodyExt;
use hyper::client::conn::http1;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::client::legacy::connect::proxy::Tunnel;
use hyper_util::client::proxy::matcher::Matcher;
use hyper_util::rt::TokioIo;
use ring::hmac;
use ring::rand::SystemRandom;
use rustls::pki_types::CertificateDer;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::time::Instant;
use tokio_rustls::TlsConnector;
use tower_service::Service;

use super::budget::{Budget, HeldBack, Place, RateShare, Tag};
use super::memory::{Memory, Share};
use super::policy::Admitted;
use super::pool::{self, Pool, PoolKey, PooledBody};
use super::resolver::{Lookup, Resolver, System};
use super::wire::{Heard, Listening, Socket, Wire};
use super::{Connection, Error, Profile, Specification, Target, TargetPolicy, Trust, tls};

/// Most bytes that are received before a body: TLS handshake, or interim responses and headers; a body may take as much
/// for its framing, and once more its own length.
const RECEIVED_BEFORE_A_BODY: usize = 256 * 1024;
/// Longest head of a response, in bytes; trailers are bounded alike.
const LONGEST_HEAD: usize = 64 * 1024;
/// Most headers of a response.
const MOST_HEADERS: usize = 100;
/// Most bytes that are read at one time.
const READ_BUFFER: usize = 64 * 1024;

/// Most memory that one response takes while it is read, in bytes.
pub(crate) const LARGEST_SHARE: usize = 2 * crate::result::HELD;

type BoxError = Box<dyn StdError + Send + Sync>;

/// Limits of every call.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// Longest time from the first packet to the last byte of the answer.
    pub timeout: Duration,
    /// Longest time until a connection stands, TLS included.
    pub connect_timeout: Duration,
    /// Largest body that is read, in bytes after decoding. Large ones are reduced as they arrive.
    pub max_response_bytes: usize,
    /// Most bytes of bodies that are held at one time, over all calls; more calls wait.
    pub max_buffered_bytes: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            timeout: Duration::from_secs(30),
            connect_timeout: Duration::from_secs(5),
            max_response_bytes: 256 * 1024 * 1024,
            max_buffered_bytes: 64 * 1024 * 1024,
        }
    }
}

/// What an operator decides for all calls.
#[derive(Debug, Clone, Default)]
pub struct Egress {
    /// Limits of every call.
    pub limits: Limits,
    /// Where calls may go.
    pub policy: TargetPolicy,
    /// Certificate authorities that are trusted beside the system's.
    pub authorities: Vec<CertificateDer<'static>>,
    /// An HTTP proxy, through which targets that speak HTTPS are reached. Plain HTTP, which does not go through it, is
    /// refused.
    pub proxy: Option<reqwest::Url>,
    /// Lets plain HTTP go past the proxy.
    pub proxy_https_only: bool,
    /// Which part of OpManager's rate limits the tools use.
    pub rate_share: RateShare,
}

/// Shared connections to OpManager servers. Cloning it is cheap and shares them.
#[derive(Clone)]
pub struct Http(Arc<Shared>);

struct Shared {
    egress: Egress,
    lookup: Arc<dyn Lookup>,
    memory: Memory,
    pool: Arc<Pool>,
    budget: Arc<Budget>,
    /// Makes of an API key what stands for it in the pool and in the budget. Drawn at start, so that nobody outside can compute it.
    secret: Option<hmac::Key>,
    /// TLS settings, each with its cache of sessions. Reading the system's authorities is slow: once for each profile.
    tls: Mutex<HashMap<Profile, Arc<rustls::ClientConfig>>>,
    /// Builds requests for the generated client. It sends none.
    requests: Mutex<Option<reqwest::Client>>,
}

/// The way of one request: how it was admitted, and which connections it may use.
#[derive(Clone)]
pub(super) struct Route {
    http: Http,
    key: Arc<PoolKey>,
    sending: Sending,
    /// Whether the request went out a second time.
    asked_again: Arc<AtomicBool>,
}

/// How a request may be sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Sending {
    /// It changes nothing: on a connection that others use too, and once more where that ends without a word.
    Read,
    /// It may change something: on a connection that others use too, and never twice.
    Once,
    /// It may change something: never twice, and on a connection that nothing else is sent on, before or after.
    Alone,
}

/// No connection could be made: nothing of the request has left.
#[derive(Debug, thiserror::Error)]
#[error("no connection")]
pub(super) struct Unconnected(#[source] BoxError);

impl Default for Http {
    fn default() -> Self {
        Self::new(Egress::default())
    }
}

impl Http {
    /// Clients under an operator's decisions.
    pub fn new(egress: Egress) -> Self {
        Self::with_lookup(egress, Arc::new(System))
    }

    /// The same, with names looked up elsewhere.
    pub(super) fn with_lookup(egress: Egress, lookup: Arc<dyn Lookup>) -> Self {
        let memory = Memory::new(
            egress.limits.max_buffered_bytes,
            egress.limits.max_response_bytes.min(LARGEST_SHARE),
        );
        let budget = Arc::new(Budget::new(egress.rate_share));
        Self(Arc::new(Shared {
            egress,
            lookup,
            memory,
            pool: Arc::default(),
            budget,
            secret: hmac::Key::generate(hmac::HMAC_SHA256, &SystemRandom::new()).ok(),
            tls: Mutex::default(),
            requests: Mutex::default(),
        }))
    }

    /// The limits.
    pub fn limits(&self) -> Limits {
        self.0.egress.limits
    }

    /// Whether a connection is allowed, and how its certificate will be checked.
    ///
    /// # Errors
    ///
    /// [`Error::Argument`] naming `host`, `use_ssl` or `verify_ssl`.
    pub fn admit(&self, connection: &Connection) -> Result<Profile, Error> {
        Ok(self.decide(&connection.target, connection.trust)?.profile)
    }

    /// Decides on a call before anything is sent or looked up.
    pub(super) fn decide(&self, target: &Target, trust: Trust) -> Result<Admitted, Error> {
        let admitted = self.0.egress.policy.admit(target, trust)?;
        let past_the_proxy = self.has_proxy() && !target.tls();
        if past_the_proxy && !self.0.egress.proxy_https_only {
            return Err(Error::argument(
                "use_ssl",
                "is off or the port stands for plain HTTP, which would go past the operator's proxy (--proxy); give the HTTPS port",
            ));
        }
        Ok(admitted)
    }

    /// Whether targets that speak HTTPS are reached through a proxy.
    pub(super) fn has_proxy(&self) -> bool {
        self.0.egress.proxy.is_some()
    }

    /// The names of calls that were admitted so.
    pub(super) fn resolver(&self, admitted: Admitted) -> Resolver {
        Resolver {
            lookup: Arc::clone(&self.0.lookup),
            rules: Some(admitted.rules),
        }
    }

    /// The memory of one body.
    pub(super) fn share(&self) -> Share {
        self.0.memory.share()
    }

    /// TLS settings with a session cache of their own.
    pub(crate) fn tls(&self, profile: Profile) -> Result<rustls::ClientConfig, rustls::Error> {
        tls::config(profile, &self.0.egress.authorities)
    }

    /// The settings of a profile that all its calls share.
    fn shared_tls(&self, profile: Profile) -> Result<Arc<rustls::ClientConfig>, rustls::Error> {
        let mut all = self.0.tls.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(config) = all.get(&profile) {
            return Ok(Arc::clone(config));
        }
        let config = Arc::new(self.tls(profile)?);
        all.insert(profile, Arc::clone(&config));
        Ok(config)
    }

    /// What builds requests for the generated client.
    pub(super) fn requests(&self) -> Result<reqwest::Client, Error> {
        let mut requests = self
            .0
            .requests
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        if let Some(client) = &*requests {
            return Ok(client.clone());
        }
        // It wants TLS settings, and gets those that trust one impossible certificate.
        let setup = |error: &dyn StdError| Error::Setup(error.to_string());
        let nobody = tls::config(Profile::Pinned([0; 32]), &[]).map_err(|error| setup(&error))?;
        let client = reqwest::Client::builder()
            .no_proxy()
            .tls_backend_preconfigured(nobody)
            .build()
            .map_err(|error| setup(&error))?;
        Ok(requests.insert(client).clone())
    }

    /// The way of a request with this API key, if the policy admits its target.
    pub(super) fn route(
        &self,
        target: &Target,
        trust: Trust,
        key: &HeaderValue,
        sending: Sending,
    ) -> Result<Route, Error> {
        let key = PoolKey {
            admitted: self.decide(target, trust)?,
            target: target.clone(),
            tag: self.tag(key)?,
        };
        Ok(Route {
            http: self.clone(),
            key: Arc::new(key),
            sending,
            asked_again: Arc::default(),
        })
    }

    /// What stands for an API key.
    fn tag(&self, key: &HeaderValue) -> Result<Tag, Error> {
        let secret = self.0.secret.as_ref();
        let secret =
            secret.ok_or_else(|| Error::Setup("there are no random numbers".to_owned()))?;
        let mut tag = [0; 32];
        tag.copy_from_slice(hmac::sign(secret, key.as_bytes()).as_ref());
        Ok(tag)
    }

    /// A place for one request in the budget of its target, for whoever holds this API key.
    ///
    /// # Errors
    ///
    /// [`Error::HeldBack`] if the wait would be long, or end after the deadline.
    pub(super) async fn place(
        &self,
        (target, key): (&Target, &HeaderValue),
        operation: &Specification,
        deadline: Instant,
        on_wait: impl FnOnce(),
    ) -> Result<Place<'_>, Error> {
        let tag = self.tag(key)?;
        let budget = &self.0.budget;
        let place = budget.take(target, operation, tag, deadline, on_wait);
        place
            .await
            .map_err(|HeldBack { seconds, locked }| Error::HeldBack { seconds, locked })
    }

    /// The budgets.
    #[cfg(test)]
    pub(crate) fn budget(&self) -> &Budget {
        &self.0.budget
    }
}

impl Route {
    /// Sends a request, and returns its response as soon as the head of that is here.
    ///
    /// # Errors
    ///
    /// An error whose chain holds [`Unconnected`] if nothing was sent. What may have left is sent again only if it is a read
    /// whose connection, kept from earlier, ended before the first byte of a response: it was on its way out then.
    pub(super) async fn send(
        &self,
        request: reqwest::Request,
    ) -> reqwest::Result<reqwest::Response> {
        match self.try_send(request).await {
            Ok(response) => Ok(response.into()),
            Err(error) => Err(as_reqwest(error).await),
        }
    }

    async fn try_send(
        &self,
        request: reqwest::Request,
    ) -> Result<Response<reqwest::Body>, BoxError> {
        let mut again = (self.sending == Sending::Read)
            .then(|| request.try_clone())
            .flatten();
        let mut request = prepared(request)?;
        let pool = &self.http.0.pool;
        let shares = self.sending != Sending::Alone;
        while let Some(idle) = shares.then(|| pool.take(&self.key)).flatten() {
            let heard = Heard::clone(&idle.heard);
            heard.store(false, Ordering::Relaxed);
            let mut error = match self.exchange(idle, request).await {
                Ok(response) => return Ok(response),
                Err(error) => error,
            };
            match (error.take_message(), again.take()) {
                // It was closed before a byte of the request had left.
                (Some(unsent), kept) => (request, again) = (unsent, kept),
                (None, Some(kept)) if !heard.load(Ordering::Relaxed) => {
                    self.asked_again.store(true, Ordering::Relaxed);
                    request = prepared(kept)?;
                    break;
                }
                (None, _) => return Err(error.into_error().into()),
            }
        }
        let connection = self.connect().await.map_err(Unconnected)?;
        self.exchange(connection, request)
            .await
            .map_err(|error| error.into_error().into())
    }

    /// Whether the request went out a second time.
    pub(super) fn asked_again(&self) -> bool {
        self.asked_again.load(Ordering::Relaxed)
    }

    async fn exchange(
        &self,
        connection: pool::Connection,
        request: Request<reqwest::Body>,
    ) -> Result<Response<reqwest::Body>, hyper::client::conn::TrySendError<Request<reqwest::Body>>>
    {
        let pool::Connection {
            mut sender,
            socket,
            heard,
        } = connection;
        if let Some(socket) = socket.upgrade() {
            socket.allow(RECEIVED_BEFORE_A_BODY);
        }
        let response = sender.try_send_request(request).await?;
        let kept =
            self.sending != Sending::Alone && self.key.admitted.profile != Profile::Unverified;
        Ok(response.map(|incoming| {
            reqwest::Body::wrap(PooledBody {
                incoming,
                socket,
                back: kept.then(|| pool::Back {
                    sender,
                    heard,
                    key: Arc::clone(&self.key),
                    pool: Arc::clone(&self.http.0.pool),
                }),
            })
        }))
    }

    /// Makes a connection that is ready for a request.
    async fn connect(&self) -> Result<pool::Connection, BoxError> {
        let limit = self.http.limits().connect_timeout;
        tokio::time::timeout(limit, self.connect_untimed())
            .await
            .map_err(|_| io::Error::from(io::ErrorKind::TimedOut))?
    }

    async fn connect_untimed(&self) -> Result<pool::Connection, BoxError> {
        let PoolKey {
            admitted, target, ..
        } = &*self.key;
        let origin: Uri = target.origin().parse()?;
        let mut resolver = self.http.resolver(*admitted);
        let proxy = self.http.0.egress.proxy.as_ref().filter(|_| target.tls());
        let stream = if let Some(proxy) = proxy {
            // The operator named the proxy, and no call did.
            resolver.rules = None;
            let proxy = Matcher::builder().https(proxy.as_str()).build();
            let proxy = proxy.intercept(&origin).ok_or("the proxy is not usable")?;
            let mut tunnel = Tunnel::new(proxy.uri().clone(), self.connector(resolver));
            if let Some(authorization) = proxy.basic_auth() {
                tunnel = tunnel.with_auth(authorization.clone());
            }
            tunnel.call(origin).await?
        } else {
            self.connector(resolver).call(origin).await?
        };
        let socket = Socket::new(stream.into_inner(), RECEIVED_BEFORE_A_BODY);
        let weak = Arc::downgrade(&socket);
        let heard = Heard::default();
        let listening = Heard::clone(&heard);
        let sender = if target.tls() {
            let tls = TlsConnector::from(self.http.shared_tls(admitted.profile)?);
            let stream = tls.connect(target.server_name()?, Wire(socket)).await?;
            handshake(stream, listening).await?
        } else {
            handshake(Wire(socket), listening).await?
        };
        Ok(pool::Connection {
            sender,
            socket: weak,
            heard,
        })
    }

    fn connector(&self, resolver: Resolver) -> HttpConnector<Resolver> {
        let mut connector = HttpConnector::new_with_resolver(resolver);
        connector.enforce_http(false);
        connector.set_nodelay(true);
        // Shared by the addresses of a name, so that one that does not answer leaves time for the next.
        connector.set_connect_timeout(Some(self.http.limits().connect_timeout));
        connector
    }
}

/// Begins HTTP on a connection.
async fn handshake(
    stream: impl AsyncRead + AsyncWrite + Send + Unpin + 'static,
    heard: Heard,
) -> hyper::Result<http1::SendRequest<reqwest::Body>> {
    let (sender, connection) = http1::Builder::new()
        .max_buf_size(READ_BUFFER)
        .max_header_size(LONGEST_HEAD)
        .max_headers(MOST_HEADERS)
        .handshake(TokioIo::new(Listening { stream, heard }))
        .await?;
    // How it ends is told to whoever waits for a response on it.
    tokio::spawn(async move {
        let _ = connection.await;
    });
    Ok(sender)
}

/// A request as it goes out on a connection.
fn prepared(request: reqwest::Request) -> Result<Request<reqwest::Body>, BoxError> {
    let url = request.url();
    let host = url.host_str().ok_or("the URL has no host")?;
    let host = match url.port() {
        Some(port) => format!("{host}:{port}"),
        None => host.to_owned(),
    };
    let host = HeaderValue::try_from(host)?;
    let mut request = Request::<reqwest::Body>::try_from(request)?;
    let path = request.uri().path_and_query().cloned();
    *request.uri_mut() = Uri::from(path.unwrap_or(PathAndQuery::from_static("/")));
    let program = concat!(env!("CARGO_PKG_NAME"), "/", env!("CARGO_PKG_VERSION"));
    let constants: [(HeaderName, HeaderValue); 3] = [
        (HOST, host),
        (USER_AGENT, HeaderValue::from_static(program)),
        (ACCEPT, HeaderValue::from_static("*/*")),
    ];
    for (name, value) in constants {
        request.headers_mut().entry(name).or_insert(value);
    }
    Ok(request)
}

/// The error as the generated client takes it: as that of reading a body, which is how reqwest lets others make one.
async fn as_reqwest(error: BoxError) -> reqwest::Error {
    let broken = futures::stream::once(async move { Err::<Bytes, _>(error) });
    let response = reqwest::Response::from(Response::new(reqwest::Body::wrap_stream(broken)));
    let mut body = reqwest::Body::from(response);
    loop {
        if let Some(Err(error)) = body.frame().await {
            return error;
        }
    }
}
