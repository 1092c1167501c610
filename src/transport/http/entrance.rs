//! What a request must be before it is read as a message, and whose it is.
//!
//! Owns the checks of a request's head, the reading of its body within bounds, and the names of callers. Repeats
//! nothing of what it refuses.

use std::net::{IpAddr, SocketAddr};
use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use governor::clock::{Clock, DefaultClock};
use governor::{DefaultKeyedRateLimiter, Quota, RateLimiter};
use http::header::{self, HeaderMap, HeaderName, HeaderValue};
use http::request::Parts;
use http::{Request, StatusCode};
use http_body_util::{BodyExt, Full, LengthLimitError, Limited};
use hyper::body::{Body, Incoming};
use serde_json::Value;
use tokio::sync::Semaphore;

use super::{Answer, Ends, Options, Origin, text};
use crate::server::metrics::{Metrics, Turned};
use crate::server::{CONNECTION_HEADERS, Caller, Credentials, Grant};
use crate::tools::Arguments;
use crate::transport::framing::{self, Line};

/// Longest time that a request's body may take to come.
const BODY_TIMEOUT: Duration = Duration::from_secs(10);
/// Messages that are parsed at one time. A message of hostile JSON takes many times its length until its
/// arguments are checked; what is left of it then is small.
const PARSED_AT_ONCE: usize = 4;
/// Callers whose rate is remembered before those that have fallen silent are forgotten.
const MOST_CALLERS: usize = 10_000;
/// Names that this machine has for itself.
const LOOPBACK: [&str; 3] = ["localhost", "127.0.0.1", "[::1]"];

/// Reads a name under which this server is reached.
///
/// # Errors
///
/// If it is more than that: `Host` is compared with it as it is.
pub(crate) fn read_host(text: &str) -> Result<String, String> {
    match split_port(text) {
        Some((host, None)) if !host.is_empty() && !host.contains(['/', '@', '*', ' ']) => {
            Ok(host.to_ascii_lowercase())
        }
        _ => Err("must be a name or an address alone, without scheme or port".to_owned()),
    }
}

/// The checks.
pub(super) struct Entrance {
    own_origins: Vec<Origin>,
    options: Options,
    rates: Option<DefaultKeyedRateLimiter<String>>,
    room: Arc<Semaphore>,
    metrics: Arc<Metrics>,
}

impl Entrance {
    pub(super) fn new(options: Options, address: SocketAddr, metrics: Arc<Metrics>) -> Self {
        let own = |host: &&str| format!("http://{host}:{}", address.port()).parse().ok();
        Self {
            own_origins: LOOPBACK.iter().filter_map(own).collect(),
            rates: options
                .rate_limit
                .map(|limit: NonZeroU32| RateLimiter::keyed(Quota::per_minute(limit))),
            room: Arc::new(Semaphore::new(PARSED_AT_ONCE)),
            options,
            metrics,
        }
    }

    /// Whether a request without a message may be answered.
    pub(super) fn look<B>(&self, request: &Request<B>, ends: Ends) -> Result<(), Box<Answer>> {
        self.check_head(
            request.uri().authority().map(http::uri::Authority::as_str),
            request.headers(),
            ends,
        )
        .map(drop)
    }

    /// The request with its message, or the answer that it gets.
    pub(super) async fn admit(
        &self,
        request: Request<Incoming>,
        ends: Ends,
    ) -> Result<Request<Full<Bytes>>, Box<Answer>> {
        let (mut parts, body) = request.into_parts();
        let authority = parts.uri.authority().map(http::uri::Authority::as_str);
        let (name, grant) = self.check_head(authority, &parts.headers, ends)?;
        if !is_json(&parts.headers) {
            return Err(self.turn_away(
                Turned::MediaType,
                StatusCode::UNSUPPORTED_MEDIA_TYPE,
                "the media type must be application/json\n",
            ));
        }
        let body = self.read(body).await?;
        if grant
            .as_ref()
            .is_some_and(|grant| grant.withdrawn.is_cancelled())
        {
            return Err(self.no_token());
        }
        let Ok(room) = self.room.clone().acquire_owned().await else {
            return Err(self.turn_away(Turned::Busy, StatusCode::SERVICE_UNAVAILABLE, "busy\n"));
        };
        match framing::judge(&body) {
            Line::Message(_) => {}
            Line::Refused(refusal) => {
                self.metrics.turn_away(Turned::Message);
                let mut answer = Box::new(text(StatusCode::BAD_REQUEST, refusal.to_line()));
                answer.headers_mut().insert(
                    header::CONTENT_TYPE,
                    HeaderValue::from_static("application/json"),
                );
                return Err(answer);
            }
            Line::Ignored(_) => {
                return Err(self.turn_away(
                    Turned::Message,
                    StatusCode::BAD_REQUEST,
                    "not a message\n",
                ));
            }
        }
        let connection = self.take_connection(&mut parts)?;
        parts.headers.remove(header::AUTHORIZATION);
        parts
            .extensions
            .insert(Arc::new(Caller::new(name, connection, room).under(grant)));
        Ok(Request::from_parts(
            parts,
            Full::new(body.slice_ref(framing::without_mark(&body))),
        ))
    }

    /// Checks host, origin, token and rate; says who calls.
    fn check_head(
        &self,
        authority: Option<&str>,
        headers: &HeaderMap,
        ends: Ends,
    ) -> Result<(String, Option<Arc<Grant>>), Box<Answer>> {
        if !self.is_our_host(authority, headers, ends.local) {
            return Err(self.turn_away(
                Turned::Host,
                StatusCode::FORBIDDEN,
                "the Host is none of this server's; its operator can add it with --allowed-hosts\n",
            ));
        }
        if !self.is_known_origin(headers) {
            return Err(self.turn_away(
                Turned::Origin,
                StatusCode::FORBIDDEN,
                "the Origin is not allowed; the operator of this server can add it with --allowed-origins\n",
            ));
        }
        let (name, grant) = match &self.options.tokens {
            None => (ends.peer.to_string(), None),
            Some(tokens) => {
                let grant = tokens.holder(headers).ok_or_else(|| self.no_token())?;
                (grant.name.clone(), Some(grant))
            }
        };
        self.check_rate(&name)?;
        Ok((name, grant))
    }

    fn no_token(&self) -> Box<Answer> {
        let mut answer = self.turn_away(
            Turned::Token,
            StatusCode::UNAUTHORIZED,
            "a bearer token of this server is needed\n",
        );
        answer
            .headers_mut()
            .insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        answer
    }

    fn check_rate(&self, name: &String) -> Result<(), Box<Answer>> {
        let Some(rates) = &self.rates else {
            return Ok(());
        };
        if rates.len() > MOST_CALLERS {
            rates.retain_recent();
        }
        rates.check_key(name).map_err(|until| {
            let wait = until.wait_time_from(DefaultClock::default().now());
            let seconds = wait.as_secs() + 1;
            let mut answer = self.turn_away(
                Turned::Rate,
                StatusCode::TOO_MANY_REQUESTS,
                "too many requests; try again later\n",
            );
            answer
                .headers_mut()
                .insert(header::RETRY_AFTER, HeaderValue::from(seconds));
            answer
        })
    }

    /// Whether the one `Host` names this server: as this machine, as its operator says, or by the very address that
    /// was connected to, which no web page can make a name of its own lead to. A port, if it has one, is not looked
    /// at: a proxy or a container may have another.
    fn is_our_host(&self, authority: Option<&str>, headers: &HeaderMap, local: IpAddr) -> bool {
        let mut given = headers.get_all(header::HOST).iter();
        let (Some(given), None) = (given.next(), given.next()) else {
            return false;
        };
        let Ok(given) = given.to_str() else {
            return false;
        };
        // A request to a proxy names its host twice, and means the first.
        authority.is_none_or(|authority| authority == given)
            && split_port(given).is_some_and(|(host, _)| {
                let host = host.to_ascii_lowercase();
                LOOPBACK.contains(&host.as_str())
                    || self.options.allowed_hosts.contains(&host)
                    || host.trim_matches(['[', ']']).parse() == Ok(local)
            })
    }

    /// Whether the `Origin`, if there is one, is allowed: a page of this machine on our own port, or one that is
    /// listed.
    fn is_known_origin(&self, headers: &HeaderMap) -> bool {
        let mut given = headers.get_all(header::ORIGIN).iter();
        let given = match (given.next(), given.next()) {
            (None, _) => return true,
            (Some(given), None) => given,
            (Some(_), Some(_)) => return false,
        };
        let given = given.to_str().ok().and_then(|given| given.parse().ok());
        given.is_some_and(|given: Origin| {
            self.own_origins.contains(&given) || self.options.allowed_origins.contains(&given)
        })
    }

    /// Reads a body within its bounds of size and time.
    async fn read(&self, body: Incoming) -> Result<Bytes, Box<Answer>> {
        let longest = self.options.max_request_bytes;
        let too_long = || {
            self.turn_away(
                Turned::Size,
                StatusCode::PAYLOAD_TOO_LARGE,
                format!("longer than {longest} bytes (--max-request-bytes)\n"),
            )
        };
        if body.size_hint().lower() > longest as u64 {
            return Err(too_long());
        }
        let reading = Limited::new(body, longest).collect();
        match tokio::time::timeout(BODY_TIMEOUT, reading).await {
            Ok(Ok(read)) => Ok(read.to_bytes()),
            Ok(Err(error)) if error.is::<LengthLimitError>() => Err(too_long()),
            Ok(Err(_)) => Err(self.turn_away(
                Turned::Message,
                StatusCode::BAD_REQUEST,
                "the body is not what its head says\n",
            )),
            Err(_) => Err(self.turn_away(
                Turned::Slow,
                StatusCode::REQUEST_TIMEOUT,
                "the body came too slowly\n",
            )),
        }
    }

    /// Takes the connection out of the request's head, where that is its place.
    fn take_connection(&self, parts: &mut Parts) -> Result<Arguments, Box<Answer>> {
        let mut connection = Arguments::new();
        for (argument, header) in CONNECTION_HEADERS {
            let Ok(header) = HeaderName::from_bytes(header.as_bytes()) else {
                continue;
            };
            let http::header::Entry::Occupied(given) = parts.headers.entry(&header) else {
                continue;
            };
            let (_, mut values) = given.remove_entry_mult();
            let (value, more) = (values.next(), values.next());
            if self.options.credentials == Credentials::Arguments {
                continue;
            }
            let value = value.as_ref().and_then(|value| value.to_str().ok());
            match value {
                Some(value) if more.is_none() => {
                    connection.insert(argument.to_owned(), Value::from(value));
                }
                _ => {
                    return Err(self.turn_away(
                        Turned::Message,
                        StatusCode::BAD_REQUEST,
                        format!("header {header} must be there once, in visible ASCII\n"),
                    ));
                }
            }
        }
        Ok(connection)
    }

    fn turn_away(&self, reason: Turned, status: StatusCode, why: impl Into<Bytes>) -> Box<Answer> {
        self.metrics.turn_away(reason);
        Box::new(text(status, why))
    }
}

/// A host and its port, as `Host` has them.
pub(super) fn split_port(given: &str) -> Option<(&str, Option<u16>)> {
    let after = given.rfind(']').map_or(0, |end| end + 1);
    match given[after..].find(':') {
        None => Some((given, None)),
        Some(colon) => {
            let (host, port) = given.split_at(after + colon);
            Some((host, Some(port[1..].parse().ok()?)))
        }
    }
}

/// Whether the one media type is JSON.
fn is_json(headers: &HeaderMap) -> bool {
    let mut given = headers.get_all(header::CONTENT_TYPE).iter();
    let (Some(given), None) = (given.next(), given.next()) else {
        return false;
    };
    let essence = given.to_str().unwrap_or_default().split(';').next();
    essence.is_some_and(|essence| essence.trim().eq_ignore_ascii_case("application/json"))
}
