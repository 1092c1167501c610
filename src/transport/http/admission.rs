//! Admission of requests: everything that is checked before the protocol sees a message.
//!
//! Owns the checks of a request's head, the bearer token included, the reading of its body within bounds, the checks of
//! its message, and the names of callers. Repeats nothing of what it rejects.

use std::borrow::Cow;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use http::header::{self, Entry, HeaderMap, HeaderName, HeaderValue};
use http::{Request, StatusCode};
use http_body_util::{BodyExt, Full, LengthLimitError, Limited};
use hyper::body::{Body, Incoming};

use super::accept::Form;
use super::connections::{Answering, Busy, Connection};
use super::hosts::{LOOPBACK, read_address, split_port};
use super::rates::Rates;
use super::reject::RejectReason;
use super::tokens::Tokens;
use super::{Endpoints, HttpResponse, Options, Origin, text};
use crate::audit::metrics::Metrics;
use crate::server::{
    CONNECTION_HEADERS, CallLimits, Caller, Credentials, Grant, SCOPE_HEADERS, Turns,
};
use crate::tools::arguments::ConnectionInput;
use crate::transport::framing::{self, Checked, Line, Refusal, Unparsed};

/// Longest time that a request's body may take to arrive.
const BODY_TIMEOUT: Duration = Duration::from_secs(10);
/// Messages that are parsed at one time. Hostile JSON takes many times its length until the arguments are checked; what
/// is left then is small.
const PARSED_AT_ONCE: usize = 4;

const TOKEN_NEEDED: &str = "a bearer token of this server is needed\n";

/// The checks of requests.
pub(super) struct Admission {
    own_origins: Vec<Origin>,
    options: Options,
    rates: Option<Rates>,
    /// The arguments of the connection, each with the header that brings it.
    connection_headers: Vec<(&'static str, HeaderName)>,
    /// Permits to parse a message.
    parsing: Turns,
    metrics: Arc<Metrics>,
}

impl Admission {
    pub(super) fn new(options: Options, address: SocketAddr, metrics: Arc<Metrics>) -> Self {
        let own = |host: &&str| format!("http://{host}:{}", address.port()).parse().ok();
        Self {
            own_origins: LOOPBACK.iter().filter_map(own).collect(),
            rates: options.rate_limit.map(Rates::new),
            connection_headers: CONNECTION_HEADERS
                .iter()
                .chain(&SCOPE_HEADERS)
                .filter_map(|(argument, header)| Some((*argument, header.parse().ok()?)))
                .collect(),
            parsing: Turns::new(CallLimits {
                running: PARSED_AT_ONCE,
                // As many as there are connections at most.
                waiting: usize::MAX,
            }),
            options,
            metrics,
        }
    }

    /// Checks a request that brings no message.
    ///
    /// # Errors
    ///
    /// The response to a request that is rejected.
    pub(super) fn admit_head<B>(
        &self,
        request: &Request<B>,
        endpoints: &Endpoints,
    ) -> Result<(), Box<HttpResponse>> {
        self.check_head(
            request.uri().authority().map(http::uri::Authority::as_str),
            request.headers(),
            endpoints,
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
        endpoints: &Endpoints,
        connection: &Arc<Connection>,
    ) -> Result<Admitted, Box<HttpResponse>> {
        let (mut parts, body) = request.into_parts();
        let authority = parts.uri.authority().map(http::uri::Authority::as_str);
        let who = self.check_head(authority, &parts.headers, endpoints)?;
        if !is_json(&parts.headers) {
            return Err(self.reject(
                RejectReason::MediaType,
                StatusCode::UNSUPPORTED_MEDIA_TYPE,
                "the media type must be application/json\n",
            ));
        }
        let form = Form::accepted(&parts.headers).ok_or_else(|| {
            self.reject(
                RejectReason::MediaType,
                StatusCode::NOT_ACCEPTABLE,
                "the response is application/json, or text/event-stream where that alone is accepted; Accept must permit one of them\n",
            )
        })?;
        Form::settle(&mut parts.headers);
        connection.count_as(&who.counted_as);
        let body = self.read(body).await?;
        if who
            .grant
            .as_ref()
            .is_some_and(|grant| grant.withdrawn.is_cancelled())
        {
            return Err(self.no_token(TOKEN_NEEDED));
        }
        let answering = connection.begin_response(&who.counted_as);
        let answering = answering.map_err(|busy| self.too_many(busy))?;
        let Ok(permit) = self.parsing.take(Some(&who.counted_as)).await else {
            return Err(self.too_many(Busy::Server));
        };
        let checked = framing::check(&body).map_err(|line| self.refuse_line(line))?;
        self.check_protocol_headers(&parts.headers, &checked)?;
        let unparsed = checked.unparsed();
        let given = self.take_connection(&mut parts.headers)?;
        parts.headers.remove(header::AUTHORIZATION);
        let caller = Caller::new(who.name, who.counted_as, given, permit).under(who.grant);
        parts.extensions.insert(Arc::new(caller));
        let message = match checked.repaired() {
            Some(text) => text.into(),
            None => body.slice_ref(framing::without_mark(&body)),
        };
        let message = Full::new(message);
        Ok(Admitted {
            request: Request::from_parts(parts, message),
            answering,
            unparsed,
            form,
        })
    }

    /// The response to a message that was admitted and could not be parsed.
    pub(super) fn refuse_unparsed(&self, unparsed: Unparsed) -> Box<HttpResponse> {
        self.refuse_line(unparsed.into_line())
    }

    fn refuse_line(&self, line: Line) -> Box<HttpResponse> {
        match line {
            Line::Refused(refusal) => self.refuse(&refusal),
            Line::Ignored(_) | Line::Message(_) => self.reject(
                RejectReason::Message,
                StatusCode::BAD_REQUEST,
                "not a message\n",
            ),
        }
    }

    /// Checks that the headers that repeat parts of the message say the same. rmcp checks it too, but its refusal would
    /// repeat what they say.
    fn check_protocol_headers(
        &self,
        headers: &HeaderMap,
        message: &Checked<'_>,
    ) -> Result<(), Box<HttpResponse>> {
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

    fn refuse(&self, refusal: &Refusal) -> Box<HttpResponse> {
        self.metrics.reject(RejectReason::Message.word());
        let mut response = Box::new(text(StatusCode::BAD_REQUEST, refusal.to_line()));
        response.headers_mut().insert(
            header::CONTENT_TYPE,
            HeaderValue::from_static("application/json"),
        );
        response
    }

    /// Reads and drops the body of a rejected request, so that its client gets the response and not a reset
    /// connection.
    pub(super) async fn discard(&self, body: Incoming) {
        let mut body = Limited::new(body, self.options.max_request_bytes);
        let discarding = async { while let Some(Ok(_)) = body.frame().await {} };
        let _ = tokio::time::timeout(super::SPARE_HEAD_TIMEOUT, discarding).await;
    }

    /// Has the client send a request again.
    pub(super) fn too_many(&self, busy: Busy) -> Box<HttpResponse> {
        let why = match busy {
            Busy::Server => "the server is busy; try again later\n",
            Busy::Caller => "you have as many requests open as one caller may; try again later\n",
        };
        let mut response = self.reject(RejectReason::Busy, StatusCode::SERVICE_UNAVAILABLE, why);
        let headers = response.headers_mut();
        headers.insert(header::RETRY_AFTER, HeaderValue::from_static("1"));
        headers.insert(header::CONNECTION, HeaderValue::from_static("close"));
        response
    }

    /// Checks host, origin, token and rate; identifies the caller.
    fn check_head(
        &self,
        authority: Option<&str>,
        headers: &HeaderMap,
        endpoints: &Endpoints,
    ) -> Result<Who, Box<HttpResponse>> {
        if !self.is_our_host(authority, headers, endpoints.local) {
            return Err(self.reject(
                RejectReason::Host,
                StatusCode::FORBIDDEN,
                "the Host is not a name of this server; its operator can add it with --allowed-hosts\n",
            ));
        }
        if !self.is_known_origin(headers) {
            return Err(self.reject(
                RejectReason::Origin,
                StatusCode::FORBIDDEN,
                "the Origin is not allowed; the operator of this server can add it with --allowed-origins\n",
            ));
        }
        let who = match &self.options.tokens {
            None => Who {
                name: endpoints.peer.to_string(),
                counted_as: endpoints.network.clone(),
                grant: None,
            },
            Some(tokens) => {
                let grant = tokens.holder(headers).ok_or_else(|| {
                    self.no_token(if Tokens::is_missing_value(headers) {
                        "the bearer token is a placeholder that the client did not fill in: set its value in the client's configuration or environment\n"
                    } else {
                        TOKEN_NEEDED
                    })
                })?;
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

    fn no_token(&self, why: &'static str) -> Box<HttpResponse> {
        let mut response = self.reject(RejectReason::Token, StatusCode::UNAUTHORIZED, why);
        response
            .headers_mut()
            .insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        response
    }

    fn check_rate(&self, caller: &Arc<str>) -> Result<(), Box<HttpResponse>> {
        let Some(rates) = &self.rates else {
            return Ok(());
        };
        rates.check(caller).map_err(|wait| {
            let seconds = wait.as_secs() + 1;
            let mut response = self.reject(
                RejectReason::Rate,
                StatusCode::TOO_MANY_REQUESTS,
                "too many requests; try again later\n",
            );
            response
                .headers_mut()
                .insert(header::RETRY_AFTER, HeaderValue::from(seconds));
            response
        })
    }

    /// Whether the one `Host` names this server: as this machine, as its operator says, or by the very address that
    /// was connected to, to which no web page can point a name of its own (DNS rebinding). Its port is ignored: a proxy
    /// or a container may have another.
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
                let is_host = |own: &str| own.eq_ignore_ascii_case(host);
                LOOPBACK.into_iter().any(is_host)
                    || self.options.allowed_hosts.iter().any(|own| is_host(own))
                    || read_address(host) == Some(local)
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
    async fn read(&self, body: Incoming) -> Result<Bytes, Box<HttpResponse>> {
        let longest = self.options.max_request_bytes;
        let too_long = || {
            self.reject(
                RejectReason::Size,
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
            Ok(Err(_)) => Err(self.reject(
                RejectReason::Message,
                StatusCode::BAD_REQUEST,
                "the body does not match its head\n",
            )),
            Err(_) => Err(self.reject(
                RejectReason::Slow,
                StatusCode::REQUEST_TIMEOUT,
                "the body arrived too slowly\n",
            )),
        }
    }

    /// Removes the headers of the connection to OpManager, and takes it from them if that is configured.
    fn take_connection(
        &self,
        headers: &mut HeaderMap,
    ) -> Result<ConnectionInput, Box<HttpResponse>> {
        let mut connection = ConnectionInput::default();
        for (argument, header) in &self.connection_headers {
            let Entry::Occupied(given) = headers.entry(header) else {
                continue;
            };
            let (_, mut values) = given.remove_entry_mult();
            let (value, more) = (values.next(), values.next());
            if self.options.credentials == Credentials::Arguments {
                continue;
            }
            let of_scope = SCOPE_HEADERS.iter().any(|(scope, _)| scope == argument);
            if of_scope && !self.options.msp {
                // Without it the call would be about all customers.
                return Err(self.reject(
                    RejectReason::Message,
                    StatusCode::BAD_REQUEST,
                    format!("header {header} is for an MSP Central, and this server was started without --msp\n"),
                ));
            }
            let value = value.as_ref().and_then(|value| value.to_str().ok());
            match value {
                Some(value) if more.is_none() => {
                    connection.set(argument, value.into());
                }
                _ => {
                    return Err(self.reject(
                        RejectReason::Message,
                        StatusCode::BAD_REQUEST,
                        format!("header {header} must be there once, in visible ASCII\n"),
                    ));
                }
            }
        }
        Ok(connection)
    }

    fn reject(
        &self,
        reason: RejectReason,
        status: StatusCode,
        why: impl Into<Bytes>,
    ) -> Box<HttpResponse> {
        self.metrics.reject(reason.word());
        Box::new(text(status, why))
    }
}

/// A request that is passed on to the protocol.
pub(super) struct Admitted {
    pub(super) request: Request<Full<Bytes>>,
    /// Keeps its connection open until the response has been sent.
    pub(super) answering: Answering,
    /// What is needed to respond if rmcp cannot parse the message.
    pub(super) unparsed: Unparsed,
    /// In which form the client takes the response.
    pub(super) form: Form,
}

/// The caller of a request.
struct Who {
    /// For the log.
    name: String,
    /// The name under which its rate and share are counted.
    counted_as: Arc<str>,
    /// What the token permits; `None` where callers need none.
    grant: Option<Arc<Grant>>,
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
    use std::net::{Ipv4Addr, Ipv6Addr};
    use std::num::NonZeroU32;

    use super::super::rates::{MOST_CALLERS, SHARED_RATES};
    use super::*;

    fn admission(limit: u32) -> Admission {
        let options = Options {
            rate_limit: NonZeroU32::new(limit),
            ..Options::default()
        };
        let address = (Ipv4Addr::LOCALHOST, 3000).into();
        Admission::new(options, address, Arc::new(Metrics::new(Vec::new())))
    }

    /// The caller at an address, or the status of the rejection.
    fn check_head(admission: &Admission, peer: IpAddr) -> Result<Who, StatusCode> {
        let local = Ipv4Addr::LOCALHOST.into();
        let headers = HeaderMap::from_iter([(header::HOST, HeaderValue::from_static("localhost"))]);
        admission
            .check_head(None, &headers, &Endpoints::new(peer, local))
            .map_err(|response| response.status())
    }

    fn v6(bits: u128) -> IpAddr {
        Ipv6Addr::from_bits(bits).into()
    }

    const DOCUMENTATION: u128 = 0x2001_0db8 << 96;

    #[test]
    fn rt_39_an_ipv6_client_has_one_rate_whatever_address_of_its_network_it_has() {
        let admission = admission(5);
        let all = (0..1000_u128)
            .map(|host| check_head(&admission, v6(DOCUMENTATION | (host << 40 | host))));
        let (let_in, refused): (Vec<_>, Vec<_>) = all.partition(Result::is_ok);
        assert_eq!(let_in.len(), 5);
        assert!(
            refused
                .iter()
                .all(|response| response.as_ref().err() == Some(&StatusCode::TOO_MANY_REQUESTS))
        );
        let name = let_in[1].as_ref().map(|who| who.name.as_str());
        assert_eq!(
            name.ok(),
            Some("2001:db8::100:0:1"),
            "the log names the address"
        );
        assert!(
            check_head(&admission, v6(DOCUMENTATION | 1 << 64)).is_ok(),
            "another network"
        );
    }

    #[test]
    fn rt_39_what_is_remembered_of_rates_is_bounded_and_everybody_keeps_a_rate() {
        let admission = admission(1);
        let known = v6(DOCUMENTATION | 1 << 100);
        assert!(check_head(&admission, known).is_ok());
        let let_in = (0..40_000_u128)
            .filter(|network| check_head(&admission, v6(DOCUMENTATION | network << 64)).is_ok())
            .count();
        // Those beyond the known ones share rates.
        assert!(
            (MOST_CALLERS - 1..MOST_CALLERS + SHARED_RATES).contains(&let_in),
            "{let_in}"
        );
        let rates = admission.rates.as_ref().unwrap();
        assert_eq!(rates.known(), MOST_CALLERS);
        assert_eq!(
            check_head(&admission, known).err(),
            Some(StatusCode::TOO_MANY_REQUESTS)
        );
    }
}
