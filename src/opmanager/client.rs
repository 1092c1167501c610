//! One call: request out, capped answer in.
//!
//! The only place that sends anything. Everything that leaves goes through [`Client::call_raw`].

#![deny(clippy::disallowed_types)]

use std::error::Error as _;
use std::fmt;
use std::sync::Arc;

use bytes::Bytes;
use futures::StreamExt;
use http::header::{
    ACCEPT_ENCODING, CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_TYPE, TRANSFER_ENCODING,
    WWW_AUTHENTICATE,
};
use http::{HeaderMap, HeaderValue};
use progenitor_client::{ByteStream, ClientHooks, ClientInfo, OperationInfo, ResponseValue};
use tokio::time::Instant;

use crate::foreign::{Foreign, Source, Told};
use crate::result::{self, Plan, Received};

use super::address::Denied;
use super::body::{Body, Broken, Encoding};
use super::budget::{Place, Told as ToldOfRate};
use super::http::{Route, Sending, Unconnected};
use super::memory::Share;
use super::operation::exactly_one;
use super::{
    Answer, Connection, Error, Failure, Http, Operation, OperationId, Scope, Specification,
    generated, tls,
};

/// Bytes that a body takes at first.
const FIRST_ROOM: usize = 8 * 1024;

/// What a generated method returns: any answer whatever its status, or a failure to get one.
pub(crate) type SendResult =
    Result<ResponseValue<ByteStream>, progenitor_client::Error<ByteStream>>;

/// What the hooks of one request need. Lives as long as the request.
#[derive(Clone)]
pub(crate) struct Call {
    key: HeaderValue,
    operation: OperationId,
    scope: Scope,
    route: Route,
}

/// A client of one OpManager server, for one API key.
///
/// Making one costs less than a microsecond: the connections live in [`Http`].
pub struct Client {
    http: Http,
    connection: Connection,
    /// Whether each request gets a connection that nothing else is sent on.
    fresh: bool,
}

/// What is known of a response before its body.
pub(crate) struct Head {
    /// What was called.
    pub(crate) operation: OperationId,
    /// HTTP status code.
    pub(crate) status: u16,
    /// `Content-Type`, if sent.
    pub(crate) content_type: Option<String>,
    /// The scheme of `WWW-Authenticate`, as in [`RawResponse::challenge`].
    pub(crate) challenge: Option<&'static str>,
    /// What it says of OpManager's rate limits.
    pub(crate) rate: ToldOfRate,
    /// Whether the request went out a second time.
    pub(crate) asked_again: bool,
}

/// A response whose body is being read.
pub(crate) struct Incoming<'a> {
    client: &'a Client,
    pub(crate) head: Head,
    body: Body,
    /// How many bytes the body has, if that was said.
    announced: Option<usize>,
    /// The beginning of the body.
    held: Vec<u8>,
    /// What is held of it takes of the memory of all bodies.
    share: Share,
}

impl Incoming<'_> {
    /// How many bytes of the body were read, unpacked.
    pub(crate) fn bytes(&self) -> usize {
        self.body.bytes()
    }

    /// The next bytes of the body, unpacked; `None` at its end.
    pub(crate) async fn next(&mut self) -> Result<Option<Bytes>, Error> {
        let client = self.client;
        self.body.next().await.map_err(|broken| match broken {
            Broken::Network(error) => client.interrupted(&error),
            Broken::TooLarge => Error::TooLarge {
                limit: client.http.limits().max_response_bytes,
            },
            Broken::Expands => Error::Expands {
                ratio: Broken::RATIO,
            },
            Broken::Damaged => Error::Interrupted {
                target: client.connection.target.clone(),
                reason: "the compressed answer is damaged or incomplete".into(),
            },
        })
    }

    /// Reads the body until it ends, or until more than `most` bytes are held; `true` if that is all of it. Memory for
    /// them is taken as they come.
    pub(crate) async fn hold(&mut self, most: usize) -> Result<bool, Error> {
        while self.held.len() <= most {
            let Some(piece) = self.next().await? else {
                self.held.shrink_to_fit();
                self.share.shrink_to(self.held.len());
                return Ok(true);
            };
            self.make_room(self.held.len() + piece.len()).await?;
            self.held.extend_from_slice(&piece);
        }
        Ok(false)
    }

    /// Waits for memory until so many bytes can be held in all. Takes more than that, so that a buffer is seldom copied,
    /// and no more than the body is said to have.
    async fn make_room(&mut self, bytes: usize) -> Result<(), Error> {
        let capacity = self.held.capacity();
        if bytes <= capacity {
            return Ok(());
        }
        let most = self.announced.unwrap_or(usize::MAX).max(bytes);
        let bytes = bytes.max(2 * capacity).max(FIRST_ROOM).min(most);
        self.reserve(bytes).await?;
        self.held.reserve_exact(bytes - self.held.len());
        Ok(())
    }

    /// Waits until this response may take so much memory in all.
    pub(crate) async fn reserve(&mut self, bytes: usize) -> Result<(), Error> {
        let grown = self.share.grow_to(bytes).await;
        grown.map_err(|closed| Error::Setup(closed.to_string()))
    }

    /// What was held, for whoever reads the rest.
    pub(crate) fn take_held(&mut self) -> Vec<u8> {
        std::mem::take(&mut self.held)
    }

    /// The response with what was held as its body, which is all of it: of some, only what may be seen.
    pub(crate) async fn into_response(self) -> Result<RawResponse, Error> {
        let Head {
            operation,
            status,
            content_type,
            challenge,
            ..
        } = self.head;
        let raw = RawResponse {
            operation,
            status,
            content_type,
            challenge,
            body: self.held.into(),
            _share: Arc::new(self.share),
        };
        self.client.only_permitted(raw).await
    }
}

/// An answer as it came.
#[derive(Debug, Clone)]
pub struct RawResponse {
    /// What was called.
    pub operation: OperationId,
    /// HTTP status code. OpManager reports most errors with 200.
    pub status: u16,
    /// `Content-Type`, if sent. OpManager documents none; the body decides.
    pub content_type: Option<String>,
    /// The scheme of `WWW-Authenticate` in a response with status 401, if it is another sign-in than by a key.
    pub challenge: Option<&'static str>,
    /// The whole body, unpacked.
    pub body: Bytes,
    /// What the body takes of the memory of all bodies.
    _share: Arc<Share>,
}

impl Client {
    /// A client that calls the given connection over shared HTTP connections.
    pub fn new(http: Http, connection: Connection) -> Self {
        Self {
            http,
            connection,
            fresh: false,
        }
    }

    /// The same, with a connection of its own for each request: nothing else was or will be sent on it, so that no
    /// response to anything else can be taken for the outcome of, say, a write.
    #[must_use]
    pub fn on_fresh_connections(self) -> Self {
        Self {
            fresh: true,
            ..self
        }
    }

    /// The connection.
    pub fn connection(&self) -> &Connection {
        &self.connection
    }

    /// Calls an operation and decodes the documented answer.
    ///
    /// Unknown fields are kept, missing ones are `None`, numbers may come as text and text as numbers.
    ///
    /// What it returns can take many times the memory of the body, which the limit on bodies does not bound: of a server
    /// that is not trusted, use [`Client::call_raw`].
    ///
    /// # Errors
    ///
    /// Any [`Error`]; [`Error::Refused`] for an answer that reports a failure, whatever its HTTP status.
    pub async fn call<O: Operation>(&self, arguments: &O) -> Result<O::Output, Error> {
        let raw = self.call_raw(arguments).await?;
        let judged = self
            .judge(&raw)
            .map_err(|failure| Error::from(failure).challenged(raw.challenge))?;
        let decoded = match judged {
            Answer::Json(body) => serde_json::from_slice(&body),
            message => serde_json::from_str(&message.into_json()),
        };
        decoded.map_err(|error| self.misfit(&error.to_string()))
    }

    /// The error that a success is which does not have the documented shape, in the words of its decoder.
    pub(crate) fn misfit(&self, words: &str) -> Error {
        Error::Shape(self.tell(&Foreign::new(Source::Decoding, words)))
    }

    /// Whether an answer is a success, and of which form.
    ///
    /// # Errors
    ///
    /// The failure that OpManager reports, by status, by an `error` object in a 200, or by sending something that is
    /// not JSON. It is without the key, which a server may repeat in its words.
    pub fn judge<'a>(&self, raw: &'a RawResponse) -> Result<Answer<'a>, Failure> {
        result::judge(raw.received(), raw.plan()).map_err(|failure| self.tell_failure(failure))
    }

    /// A failure in words that may be shown.
    pub(crate) fn tell_failure(&self, failure: Failure<Foreign>) -> Failure {
        self.connection.through_gate(|gate| failure.tell(gate))
    }

    /// Words of others as they may be shown.
    fn tell(&self, foreign: &Foreign) -> Told {
        self.connection.through_gate(|gate| gate.tell(foreign))
    }

    /// Calls an operation and returns whatever comes back, whether success or not. Where the document permits only some
    /// members of an answer (`Specification::only_members`), these are all that comes back, and a failure is an error.
    ///
    /// # Errors
    ///
    /// Those that leave no whole answer: refused arguments, no connection, time limit, size limit. No more than
    /// [`result::HELD`] bytes are held at once, whatever may be read.
    pub async fn call_raw<O: Operation>(&self, arguments: &O) -> Result<RawResponse, Error> {
        let deadline = Instant::now() + self.http.limits().timeout;
        let call = async {
            let sending = match self.fresh {
                true => Sending::Alone,
                // Who calls has not said whether it changes anything.
                false => Sending::Once,
            };
            let mut incoming = self.send_so(arguments, sending).await?;
            if incoming.hold(result::HELD).await? {
                incoming.into_response().await
            } else {
                let limit = result::HELD;
                Err(Error::TooLarge { limit })
            }
        };
        tokio::select! {
            // What is known is told, if only just.
            biased;
            result = call => result,
            () = tokio::time::sleep_until(deadline) => Err(self.late()),
        }
    }

    /// A place for one request in the budget of its target, perhaps after a short wait.
    ///
    /// # Errors
    ///
    /// [`Error::HeldBack`] if the wait would be long, or end after the deadline.
    pub(crate) async fn place(
        &self,
        operation: &Specification,
        deadline: Instant,
        on_wait: impl FnOnce(),
    ) -> Result<Place<'_>, Error> {
        let Connection { target, key, .. } = &self.connection;
        let key = key.header()?;
        let http = &self.http;
        http.place((target, &key), operation, deadline, on_wait)
            .await
    }

    /// The error of a call that took too long.
    pub(crate) fn late(&self) -> Error {
        Error::Timeout {
            target: self.connection.target.clone(),
            seconds: self.http.limits().timeout.as_secs(),
        }
    }

    /// Calls an operation: one that may change something, on a connection that nothing else is sent on, if `fresh`, and else
    /// one that only reads. The body is still to be read.
    ///
    /// # Errors
    ///
    /// Those that leave no answer. It may take any time.
    pub(crate) async fn send<O: Operation>(
        &self,
        arguments: &O,
        fresh: bool,
    ) -> Result<Incoming<'_>, Error> {
        let sending = match fresh {
            true => Sending::Alone,
            false => Sending::Read,
        };
        self.send_so(arguments, sending).await
    }

    async fn send_so<O: Operation>(
        &self,
        arguments: &O,
        sending: Sending,
    ) -> Result<Incoming<'_>, Error> {
        exactly_one(arguments)?;
        let limit = self.http.limits().max_response_bytes;
        let Connection {
            target, trust, key, ..
        } = &self.connection;
        let key = key.header()?;
        let route = self.http.route(target, *trust, &key, sending)?;
        let call = Call {
            key,
            operation: O::ID,
            scope: self.connection.scope,
            route: route.clone(),
        };
        let client =
            generated::Client::new_with_client(&target.origin(), self.http.requests()?, call);
        let response = match arguments.send(&client).await {
            Ok(response) | Err(progenitor_client::Error::ErrorResponse(response)) => response,
            Err(error) => return Err(self.explain(error)),
        };
        let headers = response.headers();
        if headers.contains_key(TRANSFER_ENCODING) && headers.contains_key(CONTENT_LENGTH) {
            // Two readers could take different bytes for the body.
            return Err(Error::Interrupted {
                target: self.connection.target.clone(),
                reason: "the answer says its length in two ways".into(),
            });
        }
        let status = response.status().as_u16();
        let content_type = response
            .headers()
            .get(CONTENT_TYPE)
            .and_then(|value| value.to_str().ok())
            .map(str::to_owned);
        let challenge = (status == 401)
            .then(|| challenge(response.headers()))
            .flatten();
        let rate = ToldOfRate::of(status, response.headers());
        let encoding = Encoding::of(response.headers().get(CONTENT_ENCODING))?;
        let announced = match encoding {
            Encoding::Plain => response
                .content_length()
                .and_then(|length| usize::try_from(length).ok()),
            Encoding::Gzip => None,
        };
        if announced.is_some_and(|length| length > limit) {
            return Err(Error::TooLarge { limit });
        }
        let stream = response.into_inner_stream().boxed();
        Ok(Incoming {
            client: self,
            head: Head {
                operation: O::ID,
                status,
                content_type,
                challenge,
                rate,
                asked_again: route.asked_again(),
            },
            body: Body::new(stream, encoding, limit),
            announced,
            held: Vec::new(),
            share: self.http.share(),
        })
    }

    /// The answer without what the document says nobody may see. It may be large, and all calls share a thread.
    async fn only_permitted(&self, raw: RawResponse) -> Result<RawResponse, Error> {
        let members = raw.operation.specification().only_members;
        if members.is_empty() {
            return Ok(raw);
        }
        let challenge = raw.challenge;
        let kept = tokio::task::spawn_blocking(move || {
            let body = result::only(raw.received(), members)?;
            Ok(RawResponse {
                body: body.into(),
                content_type: None,
                ..raw
            })
        });
        match kept.await {
            Ok(kept) => kept
                .map_err(|failure| Error::from(self.tell_failure(failure)).challenged(challenge)),
            // Nobody cancels it.
            Err(ended) => std::panic::resume_unwind(ended.into_panic()),
        }
    }

    fn explain(&self, error: progenitor_client::Error<ByteStream>) -> Error {
        let target = self.connection.target.clone();
        match error {
            progenitor_client::Error::CommunicationError(error)
                if cause::<Unconnected>(&error).is_some() =>
            {
                if let Some(denied) = cause::<Denied>(&error) {
                    Error::argument("host", denied.to_string())
                } else if let Some(failure) = cause::<rustls::Error>(&error) {
                    self.connection
                        .through_gate(|gate| match tls::refusal(failure) {
                            Some(refusal) => Error::Tls {
                                target,
                                reason: refusal.reason.tell(gate),
                                certificate: Some(Box::new(refusal.certificate.tell(gate))),
                                unusable: refusal.unusable,
                            },
                            None => Error::Tls {
                                target,
                                reason: tls::reason(failure).tell(gate),
                                certificate: None,
                                unusable: false,
                            },
                        })
                } else if error.is_timeout() {
                    let seconds = self.http.limits().connect_timeout.as_secs();
                    let reason = format!("no connection within {seconds} s");
                    Error::Connect {
                        target,
                        reason: Told::around(reason, &[]),
                    }
                } else {
                    let reason = self.tell(&innermost(&error));
                    Error::Connect { target, reason }
                }
            }
            progenitor_client::Error::CommunicationError(error) if error.is_builder() => {
                Error::Setup(self.tell(&innermost(&error)).as_str().to_owned())
            }
            progenitor_client::Error::CommunicationError(error)
            | progenitor_client::Error::ResponseBodyError(error) => self.interrupted(&error),
            // The rest of its variants cannot occur with untyped responses; their texts may hold a URL.
            _ => Error::Interrupted {
                target,
                reason: "the request could not be sent".into(),
            },
        }
    }

    fn interrupted(&self, error: &reqwest::Error) -> Error {
        Error::Interrupted {
            target: self.connection.target.clone(),
            reason: self.tell(&innermost(error)),
        }
    }
}

impl RawResponse {
    /// The answer as it is judged.
    pub(crate) fn received(&self) -> Received<'_> {
        Received {
            status: self.status,
            content_type: self.content_type.as_deref(),
            body: &self.body,
            expected: self.operation.specification().expected,
        }
    }

    /// What is known of the answer. Whether an operation that is posted only reads is not known here.
    pub(crate) fn plan(&self) -> Plan<'static> {
        plan_of(self.operation)
    }
}

/// What is known of an operation's answer. Whether one that is posted only reads is not known here.
pub(crate) fn plan_of(operation: OperationId) -> Plan<'static> {
    let specification = operation.specification();
    Plan {
        list: specification.list,
        read: specification.method == "GET",
        markup: specification.markup,
        pages: specification.pages,
        repeated: specification.repeated,
        default_fields: specification.default_fields,
        layout: specification.layout,
        series: specification.series,
        codes: specification.codes,
        ..Plan::default()
    }
}

/// Shows the operation only: the generated client derives `Debug` and holds this.
impl fmt::Debug for Call {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Call")
            .field("operation", &self.operation)
            .finish_non_exhaustive()
    }
}

impl ClientHooks<Call> for generated::Client {
    async fn pre<E>(
        &self,
        request: &mut reqwest::Request,
        _: &OperationInfo,
    ) -> Result<(), progenitor_client::Error<E>> {
        let call = self.inner();
        let headers = request.headers_mut();
        // progenitor announces the document's version; OpManager knows no such header.
        headers.remove("api-version");
        headers.insert("apiKey", call.key.clone());
        headers.insert(ACCEPT_ENCODING, HeaderValue::from_static("gzip"));
        let constants = call.operation.specification().constants;
        if !constants.is_empty() {
            request.url_mut().query_pairs_mut().extend_pairs(constants);
        }
        for (name, value) in call.scope.parameters() {
            let mut query = request.url_mut().query_pairs_mut();
            query.append_pair(name, &value.to_string());
        }
        Ok(())
    }

    async fn exec(
        &self,
        request: reqwest::Request,
        _: &OperationInfo,
    ) -> reqwest::Result<reqwest::Response> {
        self.inner().route.send(request).await
    }
}

/// Sign-ins that are not by a key.
const SIGN_INS: [&str; 5] = ["Negotiate", "NTLM", "Kerberos", "Basic", "Digest"];

/// The first known sign-in that a response demands.
fn challenge(headers: &HeaderMap) -> Option<&'static str> {
    let values = headers.get_all(WWW_AUTHENTICATE).iter();
    let texts = values.filter_map(|value| value.to_str().ok());
    texts
        .flat_map(|text| text.split(','))
        .filter_map(|part| part.split_whitespace().next())
        .find_map(|scheme| {
            SIGN_INS
                .into_iter()
                .find(|known| known.eq_ignore_ascii_case(scheme))
        })
}

/// The last cause of an error chain. The outer ones repeat it, and reqwest's own text holds the URL. The pages that some
/// causes of rustls point to are for programmers.
fn innermost(error: &reqwest::Error) -> Foreign {
    let words = |text: &str| Foreign::new(Source::Network, without_link(text));
    let mut cause: &dyn std::error::Error = match error.source() {
        Some(source) => source,
        None => return words("unknown reason"),
    };
    while let Some(source) = cause.source() {
        cause = source;
    }
    words(&cause.to_string())
}

fn without_link(text: &str) -> &str {
    text.split_once(": https://").map_or(text, |(text, _)| text)
}

/// The first error of a type in the chain of causes.
fn cause<T: std::error::Error + 'static>(error: &reqwest::Error) -> Option<&T> {
    let mut next = error.source();
    while let Some(error) = next {
        if let Some(found) = error.downcast_ref::<T>() {
            return Some(found);
        }
        if let Some(found) = error.downcast_ref().and_then(inside::<T>) {
            return Some(found);
        }
        next = error.source();
    }
    None
}

/// An `io::Error` hides what it wraps from the chain of sources, and wraps other ones.
fn inside<T: std::error::Error + 'static>(error: &std::io::Error) -> Option<&T> {
    let inner = error.get_ref()?;
    inner
        .downcast_ref::<T>()
        .or_else(|| inner.downcast_ref().and_then(inside::<T>))
}

#[cfg(test)]
mod tests {
    use super::without_link;

    #[test]
    fn a_cause_is_told_without_the_page_it_points_to() {
        let text = "peer closed connection without sending TLS close_notify: https://docs.rs/rustls/x.html#y";
        assert_eq!(
            without_link(text),
            "peer closed connection without sending TLS close_notify"
        );
        assert_eq!(without_link("timed out: 5 s"), "timed out: 5 s");
    }
}
