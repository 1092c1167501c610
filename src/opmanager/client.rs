//! One call: request out, capped answer in.
//!
//! The only place that sends anything. Everything that leaves goes through [`Client::call_raw`].

use std::error::Error as _;
use std::fmt;

use bytes::{Bytes, BytesMut};
use futures::StreamExt;
use http::HeaderValue;
use http::header::CONTENT_TYPE;
use progenitor_client::{ByteStream, ClientHooks, ClientInfo, OperationInfo, ResponseValue};

use crate::result;

use super::{Answer, Connection, Error, Failure, Http, Operation, OperationId, generated};

/// What a generated method returns: any answer whatever its status, or a failure to get one.
pub(crate) type SendResult =
    Result<ResponseValue<ByteStream>, progenitor_client::Error<ByteStream>>;

/// What the hooks of one request need. Lives as long as the request.
#[derive(Clone)]
pub(crate) struct Call {
    key: HeaderValue,
    operation: OperationId,
}

/// A client of one OpManager server, for one API key.
///
/// Making one costs less than a microsecond: the connections live in [`Http`].
pub struct Client {
    http: Http,
    connection: Connection,
}

/// An answer as it came.
#[derive(Debug, Clone)]
pub struct RawResponse {
    /// HTTP status code. OpManager reports most errors with 200.
    pub status: u16,
    /// `Content-Type`, if sent. OpManager documents none; the body decides.
    pub content_type: Option<String>,
    /// The whole body.
    pub body: Bytes,
}

impl Client {
    /// A client that calls the given connection over shared HTTP connections.
    pub fn new(http: Http, connection: Connection) -> Self {
        Self { http, connection }
    }

    /// The connection.
    pub fn connection(&self) -> &Connection {
        &self.connection
    }

    /// Calls an operation and decodes the documented answer.
    ///
    /// Unknown fields are kept, missing ones are `None`, numbers may come as text and text as numbers.
    ///
    /// # Errors
    ///
    /// Any [`Error`]; [`Error::Refused`] for an answer that reports a failure, whatever its HTTP status.
    pub async fn call<O: Operation>(&self, arguments: &O) -> Result<O::Output, Error> {
        let raw = self.call_raw(arguments).await?;
        let decoded = match raw.judge().map_err(|failure| self.redact(failure))? {
            Answer::Json(body) => serde_json::from_slice(body),
            message => serde_json::from_str(&message.into_json()),
        };
        decoded.map_err(|error| Error::Shape(self.connection.key.redact(error.to_string())))
    }

    /// A failure without the key, which a server may repeat in its words.
    fn redact(&self, failure: Failure) -> Failure {
        let redact = |text| self.connection.key.redact(text);
        match failure {
            Failure::Reported {
                status,
                code,
                message,
            } => Failure::Reported {
                status,
                code: code.map(redact),
                message: redact(message),
            },
            Failure::NotJson {
                status,
                content_type,
                bytes,
            } => Failure::NotJson {
                status,
                content_type: redact(content_type),
                bytes,
            },
            other => other,
        }
    }

    /// Calls an operation and returns whatever comes back, whether success or not.
    ///
    /// # Errors
    ///
    /// Those that leave no whole answer: refused arguments, no connection, time limit, size limit.
    pub async fn call_raw<O: Operation>(&self, arguments: &O) -> Result<RawResponse, Error> {
        exactly_one(arguments)?;
        let limits = self.http.limits();
        let deadline = tokio::time::sleep(limits.timeout);
        tokio::select! {
            result = self.exchange(arguments, limits.max_response_bytes) => result,
            () = deadline => Err(Error::Timeout {
                target: self.connection.target.clone(),
                seconds: limits.timeout.as_secs(),
            }),
        }
    }

    async fn exchange<O: Operation>(
        &self,
        arguments: &O,
        limit: usize,
    ) -> Result<RawResponse, Error> {
        let call = Call {
            key: self.connection.key.header()?,
            operation: O::ID,
        };
        let client = generated::Client::new_with_client(
            &self.connection.target.origin(),
            self.http.client(self.connection.trust)?.clone(),
            call,
        );
        let response = match arguments.send(&client).await {
            Ok(response) | Err(progenitor_client::Error::ErrorResponse(response)) => response,
            Err(error) => return Err(self.explain(error)),
        };
        let status = response.status().as_u16();
        let content_type = response
            .headers()
            .get(CONTENT_TYPE)
            .and_then(|value| value.to_str().ok())
            .map(str::to_owned);
        let body = self.collect(response, limit).await?;
        Ok(RawResponse {
            status,
            content_type,
            body,
        })
    }

    /// Reads a body up to the limit. A length that the server announces is not believed.
    async fn collect(
        &self,
        response: ResponseValue<ByteStream>,
        limit: usize,
    ) -> Result<Bytes, Error> {
        let mut stream = response.into_inner_stream();
        let mut body = BytesMut::new();
        while let Some(chunk) = stream.next().await {
            let chunk = chunk.map_err(|error| self.interrupted(&error))?;
            if body.len() + chunk.len() > limit {
                return Err(Error::TooLarge { limit });
            }
            body.extend_from_slice(&chunk);
        }
        Ok(body.freeze())
    }

    fn explain(&self, error: progenitor_client::Error<ByteStream>) -> Error {
        let target = self.connection.target.clone();
        match error {
            progenitor_client::Error::CommunicationError(error) if error.is_connect() => {
                let reason = innermost(&error);
                if is_tls(&error) {
                    Error::Tls { target, reason }
                } else if error.is_timeout() {
                    let seconds = self.http.limits().connect_timeout.as_secs();
                    Error::Connect {
                        target,
                        reason: format!("no connection within {seconds} s"),
                    }
                } else {
                    Error::Connect { target, reason }
                }
            }
            progenitor_client::Error::CommunicationError(error) if error.is_builder() => {
                Error::Setup(innermost(&error))
            }
            progenitor_client::Error::CommunicationError(error)
            | progenitor_client::Error::ResponseBodyError(error) => self.interrupted(&error),
            // The rest of its variants cannot occur with untyped responses; their texts may hold a URL.
            _ => Error::Interrupted {
                target,
                reason: "the request could not be sent".to_owned(),
            },
        }
    }

    fn interrupted(&self, error: &reqwest::Error) -> Error {
        Error::Interrupted {
            target: self.connection.target.clone(),
            reason: innermost(error),
        }
    }
}

impl RawResponse {
    /// Whether this is a success, and of which form.
    ///
    /// # Errors
    ///
    /// The failure that OpManager reports, by status, by an `error` object in a 200, or by sending
    /// something that is no JSON.
    pub fn judge(&self) -> Result<Answer<'_>, Failure> {
        result::judge(self.status, self.content_type.as_deref(), &self.body)
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
        let constants = call.operation.specification().constants;
        if !constants.is_empty() {
            request.url_mut().query_pairs_mut().extend_pairs(constants);
        }
        Ok(())
    }
}

/// Checks the rule that exactly one of several selectors is given, which no schema can say portably.
fn exactly_one<O: Operation>(arguments: &O) -> Result<(), Error> {
    let names = O::ID.specification().exactly_one_of;
    if names.is_empty() {
        return Ok(());
    }
    let given = serde_json::to_value(arguments).map_err(|error| Error::Setup(error.to_string()))?;
    let given = names
        .iter()
        .filter(|name| given.get(name).is_some())
        .count();
    if given == 1 {
        return Ok(());
    }
    let (first, others) = (names[0], names[1..].join("`, `"));
    Err(Error::argument(
        first,
        format!("or `{others}`: give exactly one of them, {given} were given"),
    ))
}

/// The last cause of an error chain. The outer ones repeat it, and reqwest's own text holds the URL.
fn innermost(error: &reqwest::Error) -> String {
    let mut cause: &dyn std::error::Error = match error.source() {
        Some(source) => source,
        None => return "unknown reason".to_owned(),
    };
    while let Some(source) = cause.source() {
        cause = source;
    }
    cause.to_string()
}

fn is_tls(error: &reqwest::Error) -> bool {
    let mut cause = error.source();
    while let Some(error) = cause {
        if error.is::<rustls::Error>() || error.downcast_ref().is_some_and(holds_tls) {
            return true;
        }
        cause = error.source();
    }
    false
}

/// An `io::Error` hides what it wraps from the chain of sources, and wraps other ones.
fn holds_tls(error: &std::io::Error) -> bool {
    error.get_ref().is_some_and(|inner| {
        inner.is::<rustls::Error>() || inner.downcast_ref().is_some_and(holds_tls)
    })
}
