//! What a request must be before it is read as a message, and whose it is.
//!
//! Owns the checks of a request's head, the reading of its body within bounds, and the names of callers. Repeats
//! nothing of what it refuses.

use std::borrow::Cow;
use std::collections::HashMap;
use std::hash::{BuildHasher, RandomState};
use std::net::{IpAddr, Ipv6Addr, SocketAddr};
use std::num::NonZeroU32;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use governor::clock::{Clock, DefaultClock};
use governor::{DefaultDirectRateLimiter, Quota, RateLimiter};
use http::header::{self, HeaderMap, HeaderName, HeaderValue};
use http::request::Parts;
use http::{Request, StatusCode};
use http_body_util::{BodyExt, Full, LengthLimitError, Limited};
use hyper::body::{Body, Incoming};
use serde_json::Value;

use super::connections::{Answering, Connection, Full as ConnectionsFull};
use super::{Answer, Ends, Options, Origin, text};
use crate::server::metrics::{Metrics, Turned};
use crate::server::{CONNECTION_HEADERS, CallLimits, Caller, Credentials, Grant, Turns};
use crate::tools::Arguments;
use crate::transport::framing::{self, Checked, Line, Refusal, Unparsed};

/// Longest time that a request's body may take to come.
const BODY_TIMEOUT: Duration = Duration::from_secs(10);
/// Messages that are parsed at one time. A message of hostile JSON takes many times its length until its
/// arguments are checked; what is left of it then is small.
const PARSED_AT_ONCE: usize = 4;
/// Callers whose rate is remembered, each for itself. Those beyond share [`SHARED_RATES`].
const MOST_CALLERS: usize = 10_000;
/// Rates of callers that are too many to remember.
const SHARED_RATES: usize = 256;
/// How often those that have fallen silent are forgotten, where there are too many.
const SWEEP: Duration = Duration::from_secs(1);
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
    rates: Option<Rates>,
    /// Turns to parse a message.
    parsing: Turns,
    metrics: Arc<Metrics>,
}

impl Entrance {
    pub(super) fn new(options: Options, address: SocketAddr, metrics: Arc<Metrics>) -> Self {
        let own = |host: &&str| format!("http://{host}:{}", address.port()).parse().ok();
        Self {
            own_origins: LOOPBACK.iter().filter_map(own).collect(),
            rates: options.rate_limit.map(Rates::new),
            parsing: Turns::new(CallLimits {
                running: PARSED_AT_ONCE,
                // There are no more than connections.
                waiting: usize::MAX,
            }),
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

    /// The request with its message, which is checked and not parsed yet.
    ///
    /// # Errors
    ///
    /// The response to a request that is rejected.
    pub(super) async fn admit(
        &self,
        request: Request<Incoming>,
        ends: Ends,
        connection: &Arc<Connection>,
    ) -> Result<Admitted, Box<Answer>> {
        let (mut parts, body) = request.into_parts();
        let authority = parts.uri.authority().map(http::uri::Authority::as_str);
        let who = self.check_head(authority, &parts.headers, ends)?;
        if !is_json(&parts.headers) {
            return Err(self.turn_away(
                Turned::MediaType,
                StatusCode::UNSUPPORTED_MEDIA_TYPE,
                "the media type must be application/json\n",
            ));
        }
        connection.wait_for(&who.counted_as);
        let body = self.read(body).await?;
        if who
            .grant
            .as_ref()
            .is_some_and(|grant| grant.withdrawn.is_cancelled())
        {
            return Err(self.no_token());
        }
        let answering = connection.answer(&who.counted_as);
        let answering = answering.map_err(|full| self.too_many(full))?;
        let Ok(room) = self.parsing.take(Some(&who.counted_as)).await else {
            return Err(self.too_many(ConnectionsFull::Server));
        };
        let checked = framing::check(&body).map_err(|line| self.refuse_line(line))?;
        self.check_protocol_headers(&parts.headers, &checked)?;
        let unparsed = checked.unparsed();
        let given = self.take_connection(&mut parts)?;
        parts.headers.remove(header::AUTHORIZATION);
        let caller = Caller::new(who.name, who.counted_as, given, room).under(who.grant);
        parts.extensions.insert(Arc::new(caller));
        let message = Full::new(body.slice_ref(framing::without_mark(&body)));
        Ok(Admitted {
            request: Request::from_parts(parts, message),
            answering,
            unparsed,
        })
    }

    /// The response to a message that was admitted and could not be parsed.
    pub(super) fn refuse_unparsed(&self, unparsed: Unparsed) -> Box<Answer> {
        self.refuse_line(unparsed.into_line())
    }

    fn refuse_line(&self, line: Line) -> Box<Answer> {
        match line {
            Line::Refused(refusal) => self.refuse(&refusal),
            Line::Ignored(_) | Line::Message(_) => {
                self.turn_away(Turned::Message, StatusCode::BAD_REQUEST, "not a message\n")
            }
        }
    }

    /// Checks that the headers that repeat parts of the message say the same. rmcp checks it too, but its refusal would
    /// repeat what they say.
    fn check_protocol_headers(
        &self,
        headers: &HeaderMap,
        message: &Checked<'_>,
    ) -> Result<(), Box<Answer>> {
        let mut versions = headers.get_all("mcp-protocol-version").iter();
        let version = versions.next().map(HeaderValue::to_str);
        let plain = version.is_none_or(|version| version.is_ok_and(framing::is_version));
        if !plain || versions.next().is_some() {
            return Err(self.refuse(&Refusal::mismatch(
                "the header MCP-Protocol-Version must be there once; a protocol version is a date, as in 2026-07-28",
            )));
        }
        let wrong = if !repeats(headers, "mcp-method", message.method(), raw) {
            "mcp-method"
        } else if !repeats(headers, "mcp-name", message.subject(), decoded) {
            "mcp-name"
        } else {
            return Ok(());
        };
        let message = format!("the header {wrong} does not say what the message says");
        Err(self.refuse(&Refusal::mismatch(&message)))
    }

    fn refuse(&self, refusal: &Refusal) -> Box<Answer> {
        self.metrics.turn_away(Turned::Message);
        let mut answer = Box::new(text(StatusCode::BAD_REQUEST, refusal.to_line()));
        answer.headers_mut().insert(
            header::CONTENT_TYPE,
            HeaderValue::from_static("application/json"),
        );
        answer
    }

    /// Takes what a request brings that is not answered now, so that its client hears why and not that the connection
    /// was reset.
    pub(super) async fn discard(&self, body: Incoming) {
        let mut body = Limited::new(body, self.options.max_request_bytes);
        let discarding = async { while let Some(Ok(_)) = body.frame().await {} };
        let _ = tokio::time::timeout(super::SPARE_HEAD_TIMEOUT, discarding).await;
    }

    /// Says that a request must come again.
    pub(super) fn too_many(&self, full: ConnectionsFull) -> Box<Answer> {
        let why = match full {
            ConnectionsFull::Server => "the server is busy; try again later\n",
            ConnectionsFull::Caller => {
                "you have as many requests open as one caller may; try again later\n"
            }
        };
        let mut answer = self.turn_away(Turned::Busy, StatusCode::SERVICE_UNAVAILABLE, why);
        let headers = answer.headers_mut();
        headers.insert(header::RETRY_AFTER, HeaderValue::from_static("1"));
        headers.insert(header::CONNECTION, HeaderValue::from_static("close"));
        answer
    }

    /// Checks host, origin, token and rate; says who calls.
    fn check_head(
        &self,
        authority: Option<&str>,
        headers: &HeaderMap,
        ends: Ends,
    ) -> Result<Who, Box<Answer>> {
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
        let who = match &self.options.tokens {
            None => Who {
                name: ends.peer.to_string(),
                counted_as: network(ends.peer),
                grant: None,
            },
            Some(tokens) => {
                let grant = tokens.holder(headers).ok_or_else(|| self.no_token())?;
                Who {
                    name: grant.name.clone(),
                    counted_as: grant.name.as_str().into(),
                    grant: Some(grant),
                }
            }
        };
        self.check_rate(&who.counted_as)?;
        Ok(who)
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

    fn check_rate(&self, caller: &Arc<str>) -> Result<(), Box<Answer>> {
        let Some(rates) = &self.rates else {
            return Ok(());
        };
        rates.check(caller).map_err(|wait| {
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
                    || read_address(&host) == Some(local)
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
            let port = &port[1..];
            // The parser would take a sign.
            let is_plain = port.bytes().all(|byte| byte.is_ascii_digit());
            Some((host, Some(port.parse().ok().filter(|_| is_plain)?)))
        }
    }
}

/// An address as `Host` has it: in brackets if it is one of IPv6, and only then.
fn read_address(host: &str) -> Option<IpAddr> {
    match host.strip_prefix('[') {
        Some(rest) => rest.strip_suffix(']')?.parse().ok().map(IpAddr::V6),
        None => host.parse().ok().map(IpAddr::V4),
    }
}

/// What an address is counted as: one of IPv6 as its /64, which is what one client has.
pub(super) fn network(address: IpAddr) -> Arc<str> {
    match address.to_canonical() {
        IpAddr::V4(address) => address.to_string().into(),
        IpAddr::V6(address) => {
            let network = Ipv6Addr::from_bits(address.to_bits() & !u128::from(u64::MAX));
            format!("{network}/64").into()
        }
    }
}

/// A request that may be passed on.
pub(super) struct Admitted {
    pub(super) request: Request<Full<Bytes>>,
    /// Keeps its connection while it is answered.
    pub(super) answering: Answering,
    /// What is needed to respond if rmcp cannot parse the message.
    pub(super) unparsed: Unparsed,
}

/// Who calls.
struct Who {
    /// For the log.
    name: String,
    /// By whose rate and share the calls are counted.
    counted_as: Arc<str>,
    /// What the token permits; `None` where callers need none.
    grant: Option<Arc<Grant>>,
}

/// How many requests each caller may send in a minute. However many callers there are, its memory is bounded.
struct Rates {
    quota: Quota,
    known: Mutex<Known>,
    /// For callers that are too many to know.
    shared: Vec<DefaultDirectRateLimiter>,
    /// Chooses one of these, in a way that nobody can guess.
    hasher: RandomState,
}

struct Known {
    /// Each with the time of the last request.
    callers: HashMap<Arc<str>, (DefaultDirectRateLimiter, Instant)>,
    swept: Instant,
}

impl Rates {
    fn new(limit: NonZeroU32) -> Self {
        let quota = Quota::per_minute(limit);
        Self {
            quota,
            known: Mutex::new(Known {
                callers: HashMap::new(),
                swept: Instant::now(),
            }),
            shared: (0..SHARED_RATES)
                .map(|_| RateLimiter::direct(quota))
                .collect(),
            hasher: RandomState::new(),
        }
    }

    /// Counts a request, or says how long until the next one may come.
    fn check(&self, caller: &Arc<str>) -> Result<(), Duration> {
        let now = Instant::now();
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        if known.callers.len() >= MOST_CALLERS && now - known.swept >= SWEEP {
            known.swept = now;
            known
                .callers
                .retain(|_, (_, last)| now - *last < Duration::from_secs(60));
        }
        let has_room = known.callers.len() < MOST_CALLERS;
        if has_room || known.callers.contains_key(caller) {
            let (limiter, last) = known
                .callers
                .entry(caller.clone())
                .or_insert_with(|| (RateLimiter::direct(self.quota), now));
            *last = now;
            return check_one(limiter);
        }
        drop(known);
        let which = self.hasher.hash_one(caller) % self.shared.len() as u64;
        let which = usize::try_from(which).unwrap_or_default();
        self.shared.get(which).map_or(Ok(()), check_one)
    }
}

fn check_one(limiter: &DefaultDirectRateLimiter) -> Result<(), Duration> {
    let checked = limiter.check();
    checked.map_err(|until| until.wait_time_from(DefaultClock::default().now()))
}

/// Whether each header of that name says this.
fn repeats(
    headers: &HeaderMap,
    name: &str,
    said: Option<&str>,
    read: fn(&[u8]) -> Option<Cow<'_, [u8]>>,
) -> bool {
    let mut given = headers.get_all(name).iter();
    given.all(|given| {
        let given = read(given.as_bytes());
        said.is_some_and(|said| given.is_some_and(|given| *given == *said.as_bytes()))
    })
}

fn raw(value: &[u8]) -> Option<Cow<'_, [u8]>> {
    Some(Cow::Borrowed(value))
}

/// The value of a header that may be encoded, as the protocol encodes what does not fit into a header.
fn decoded(value: &[u8]) -> Option<Cow<'_, [u8]>> {
    let encoded = value
        .strip_prefix(b"=?base64?")
        .and_then(|value| value.strip_suffix(b"?="));
    match encoded {
        Some(encoded) => STANDARD.decode(encoded).ok().map(Cow::Owned),
        None => Some(Cow::Borrowed(value)),
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

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;

    use proptest::prelude::*;

    use super::*;

    fn entrance(limit: u32) -> Entrance {
        let options = Options {
            rate_limit: NonZeroU32::new(limit),
            ..Options::default()
        };
        let address = (Ipv4Addr::LOCALHOST, 3000).into();
        Entrance::new(options, address, Arc::new(Metrics::new(Vec::new())))
    }

    /// Who an address is, or the status that it gets.
    fn look(entrance: &Entrance, peer: IpAddr) -> Result<Who, StatusCode> {
        let local = Ipv4Addr::LOCALHOST.into();
        let headers = HeaderMap::from_iter([(header::HOST, HeaderValue::from_static("localhost"))]);
        entrance
            .check_head(None, &headers, Ends { peer, local })
            .map_err(|answer| answer.status())
    }

    fn v6(bits: u128) -> IpAddr {
        Ipv6Addr::from_bits(bits).into()
    }

    const DOCUMENTATION: u128 = 0x2001_0db8 << 96;

    #[test]
    fn rt_39_an_ipv6_client_has_one_rate_whatever_address_of_its_network_it_has() {
        let entrance = entrance(5);
        let all =
            (0..1000_u128).map(|host| look(&entrance, v6(DOCUMENTATION | (host << 40 | host))));
        let (let_in, refused): (Vec<_>, Vec<_>) = all.partition(Result::is_ok);
        assert_eq!(let_in.len(), 5);
        assert!(
            refused
                .iter()
                .all(|answer| answer.as_ref().err() == Some(&StatusCode::TOO_MANY_REQUESTS))
        );
        let name = let_in[1].as_ref().map(|who| who.name.as_str());
        assert_eq!(
            name.ok(),
            Some("2001:db8::100:0:1"),
            "the log names the address"
        );
        assert!(
            look(&entrance, v6(DOCUMENTATION | 1 << 64)).is_ok(),
            "another network"
        );
    }

    #[test]
    fn rt_39_what_is_remembered_of_rates_is_bounded_and_everybody_keeps_a_rate() {
        let entrance = entrance(1);
        let known = v6(DOCUMENTATION | 1 << 100);
        assert!(look(&entrance, known).is_ok());
        let let_in = (0..40_000_u128)
            .filter(|network| look(&entrance, v6(DOCUMENTATION | network << 64)).is_ok())
            .count();
        // Those beyond the known ones share rates.
        assert!(
            (MOST_CALLERS - 1..MOST_CALLERS + SHARED_RATES).contains(&let_in),
            "{let_in}"
        );
        let rates = entrance.rates.as_ref().unwrap();
        assert_eq!(rates.known.lock().unwrap().callers.len(), MOST_CALLERS);
        assert_eq!(
            look(&entrance, known).err(),
            Some(StatusCode::TOO_MANY_REQUESTS)
        );
    }

    #[test]
    fn rt_41_a_host_is_written_in_one_way() {
        for (host, expected) in [
            ("a", Some(("a", None))),
            ("a:80", Some(("a", Some(80)))),
            ("[::1]:80", Some(("[::1]", Some(80)))),
            ("a:+80", None),
            ("a:-80", None),
            ("a:", None),
            ("a: 80", None),
            ("a:80 ", None),
            ("a:\u{665}", None),
            ("a:65536", None),
            ("a:80:80", None),
            ("[::1]:+80", None),
        ] {
            assert_eq!(split_port(host), expected, "{host}");
        }
        for (host, is_address) in [
            ("127.0.0.1", true),
            ("[::1]", true),
            ("[127.0.0.1]", false),
            ("[127.0.0.1", false),
            ("127.0.0.1]", false),
            ("]127.0.0.1[", false),
            ("[[::1]]", false),
            ("::1", false),
        ] {
            assert_eq!(read_address(host).is_some(), is_address, "{host}");
        }
    }

    proptest! {
        #[test]
        fn addresses_count_as_one_exactly_if_they_share_their_network(one: u128, other: u128, same: bool) {
            // What stands for an address of IPv4 is one.
            prop_assume!([one, other].into_iter().all(|bits| bits >> 32 != 0xffff));
            let other = if same { one >> 64 << 64 | other & u128::from(u64::MAX) } else { other };
            prop_assume!(other >> 32 != 0xffff);
            prop_assert_eq!(network(v6(one)) == network(v6(other)), one >> 64 == other >> 64);
        }

        #[test]
        fn addresses_of_ipv4_count_each_for_itself(one: u32, other: u32) {
            let of = |bits: u32| Ipv4Addr::from_bits(bits);
            prop_assert_eq!(network(of(one).into()) == network(of(other).into()), one == other);
            prop_assert_eq!(network(of(one).to_ipv6_mapped().into()), network(of(one).into()));
        }
    }
}
