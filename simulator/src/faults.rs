//! Faults on demand: what a server in front of a robust client may do wrong.
//!
//! Owns the kinds of faults and the bytes they send. Does not know which operation was asked for beyond its name.

use std::{
    num::NonZeroUsize,
    sync::{
        Mutex,
        atomic::{AtomicUsize, Ordering},
    },
};

use bytes::Bytes;
use hyper::{
    Response, StatusCode,
    header::{CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_TYPE, HeaderName, HeaderValue, LOCATION},
};
use serde_json::json;

use crate::{body::Payload, checks::Refusal, log::lock};

mod gzip;

/// A fault and the requests that meet it.
#[derive(Clone, Debug)]
pub struct Fault {
    /// The operation that meets it, or any request.
    pub operation: Option<String>,
    /// How many requests meet it; `None` means all until [`clear_faults`](crate::Simulator::clear_faults).
    pub times: Option<usize>,
    /// What happens.
    pub kind: FaultKind,
}

impl Fault {
    /// The next request meets it.
    #[must_use]
    pub fn once(kind: FaultKind) -> Fault {
        Fault {
            operation: None,
            times: Some(1),
            kind,
        }
    }

    /// Every request meets it.
    #[must_use]
    pub fn always(kind: FaultKind) -> Fault {
        Fault {
            operation: None,
            times: None,
            kind,
        }
    }

    /// Only requests for this operation meet it.
    #[must_use]
    pub fn on(mut self, operation: impl Into<String>) -> Fault {
        self.operation = Some(operation.into());
        self
    }
}

/// What happens to a request. Faults come before all checks: they also meet requests with a wrong key.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum FaultKind {
    /// Answers as told.
    Respond {
        /// The HTTP status.
        status: u16,
        /// The content type, if any.
        content_type: Option<String>,
        /// Further headers.
        headers: Vec<(String, String)>,
        /// The body.
        body: Vec<u8>,
    },
    /// 200 with an HTML login form.
    LoginPage,
    /// 200 with `{"error":{…}}`.
    OpManagerError {
        /// The message.
        message: String,
        /// The `errorcode`, left out if `None`.
        code: Option<String>,
    },
    /// 200 with `{"error":{…}}` that has a number as its `code`, and no `errorcode`, as some operations refuse: 5123 for a
    /// device that exists, 5156 for a business view that does, 5132 for a device that is in it, 5013 for a workflow.
    NumberedError {
        /// The message.
        message: String,
        /// The number.
        number: i64,
    },
    /// An error that quotes the key it was sent.
    EchoKey {
        /// The HTTP status.
        status: u16,
    },
    /// No answer, until the client goes away.
    Hang,
    /// Headers and half of the body, then nothing, until the client goes away.
    HangHalfway,
    /// A valid answer, slowly.
    Drip {
        /// The speed.
        bytes_per_second: u32,
    },
    /// Less body than the Content-Length says, then the connection is closed.
    Truncated,
    /// More body than the Content-Length says, then the connection is closed.
    ShortLength,
    /// The connection is closed without an answer.
    CloseAfterRequest,
    /// 200 with an empty body.
    Empty,
    /// 200 with a text that claims to be JSON.
    NotJson,
    /// A redirect.
    Redirect {
        /// The HTTP status.
        status: u16,
        /// The Location header.
        location: String,
    },
    /// A JSON array that never ends.
    Endless,
    /// A valid JSON array of at least this size.
    Large {
        /// The size.
        bytes: usize,
    },
    /// A JSON array in an array in an array.
    Nested {
        /// How deep.
        depth: usize,
    },
    /// A small gzip body that becomes a large JSON array.
    GzipBomb {
        /// The size after decompression.
        bytes: usize,
    },
    /// These bytes instead of an HTTP answer, then the connection is closed.
    Raw(Vec<u8>),
}

pub(crate) enum Action {
    Respond(Response<Payload>),
    /// Bytes for the socket, past hyper; then the connection is closed.
    TakeOver(Vec<u8>),
    Hang,
}

/// The faults still to be met, oldest first, and those that come again and again.
#[derive(Debug)]
pub(crate) struct Faults {
    injected: Mutex<Vec<Fault>>,
    every: Option<NonZeroUsize>,
    requests: AtomicUsize,
}

impl Faults {
    pub(crate) fn new(every: Option<NonZeroUsize>) -> Faults {
        Faults {
            injected: Mutex::default(),
            every,
            requests: AtomicUsize::new(0),
        }
    }

    pub(crate) fn add(&self, fault: Fault) {
        lock(&self.injected).push(fault);
    }

    pub(crate) fn clear(&self) {
        lock(&self.injected).clear();
    }

    pub(crate) fn next(&self, operation: Option<&str>) -> Option<FaultKind> {
        self.injected(operation).or_else(|| self.recurring())
    }

    /// What a server does wrong on a bad day.
    fn recurring(&self) -> Option<FaultKind> {
        let every = self.every?.get();
        let request = 1 + self.requests.fetch_add(1, Ordering::Relaxed);
        if !request.is_multiple_of(every) {
            return None;
        }
        Some(match request / every % 6 {
            0 => FaultKind::Respond {
                status: 500,
                content_type: None,
                headers: Vec::new(),
                body: Vec::new(),
            },
            1 => FaultKind::OpManagerError {
                message: "Internal error.".to_owned(),
                code: None,
            },
            2 => FaultKind::LoginPage,
            3 => FaultKind::CloseAfterRequest,
            4 => FaultKind::Truncated,
            _ => FaultKind::NotJson,
        })
    }

    fn injected(&self, operation: Option<&str>) -> Option<FaultKind> {
        let mut faults = lock(&self.injected);
        faults.retain(|fault| fault.times != Some(0));
        let fault = faults
            .iter_mut()
            .find(|fault| fault.operation.is_none() || fault.operation.as_deref() == operation)?;
        fault.times = fault.times.map(|times| times - 1);
        Some(fault.kind.clone())
    }
}

const ROW: &str = r#"{"alarmId":"1","message":"Made-up row","deviceName":"core-sw-01"}"#;

impl FaultKind {
    pub(crate) fn act(self, key: &[u8]) -> Action {
        let rows = format!("[{}]", [ROW; 20].join(","));
        let half = Bytes::from(rows[..rows.len() / 2].to_owned());
        match self {
            FaultKind::Respond {
                status,
                content_type,
                headers,
                body,
            } => {
                let mut response = respond(status, content_type.as_deref(), Payload::whole(body));
                for (name, value) in &headers {
                    header(&mut response, name, value);
                }
                Action::Respond(response)
            }
            FaultKind::LoginPage => ok(Some("text/html;charset=UTF-8"), Payload::whole(LOGIN_PAGE)),
            FaultKind::OpManagerError { message, code } => {
                let mut error = json!({ "error": { "message": message } });
                if let Some(code) = code {
                    error["error"]["errorcode"] = code.into();
                }
                ok(Some(JSON), Payload::whole(error.to_string()))
            }
            FaultKind::NumberedError { message, number } => {
                let refusal = Refusal::numbered(number, message);
                ok(Some(JSON), Payload::whole(refusal.json().to_string()))
            }
            FaultKind::EchoKey { status } => {
                let refusal = Refusal::new(
                    None,
                    format!("The key {} is not valid.", String::from_utf8_lossy(key)),
                );
                Action::Respond(respond(
                    status,
                    Some(JSON),
                    Payload::whole(refusal.json().to_string()),
                ))
            }
            FaultKind::Hang => Action::Hang,
            FaultKind::HangHalfway => {
                let mut response = respond(200, Some(JSON), Payload::stalled(half));
                response
                    .headers_mut()
                    .insert(CONTENT_LENGTH, rows.len().into());
                Action::Respond(response)
            }
            FaultKind::Drip { bytes_per_second } => {
                ok(Some(JSON), Payload::drip(rows, bytes_per_second))
            }
            FaultKind::Truncated => Action::TakeOver(raw(rows.len(), &half)),
            FaultKind::ShortLength => Action::TakeOver(raw(half.len(), rows.as_bytes())),
            FaultKind::CloseAfterRequest => Action::TakeOver(Vec::new()),
            FaultKind::Empty => ok(Some(JSON), Payload::whole("")),
            FaultKind::NotJson => ok(
                Some(JSON),
                Payload::whole("Service is starting, please wait"),
            ),
            FaultKind::Redirect { status, location } => {
                let mut response = respond(status, None, Payload::whole(""));
                header(&mut response, LOCATION.as_str(), &location);
                Action::Respond(response)
            }
            FaultKind::Endless => ok(
                Some(JSON),
                Payload::endless(format!("[{ROW}"), format!(",{ROW}").repeat(200)),
            ),
            FaultKind::Large { bytes } => {
                let rows = vec![ROW; bytes / (ROW.len() + 1) + 1].join(",");
                ok(Some(JSON), Payload::whole(format!("[{rows}]")))
            }
            FaultKind::Nested { depth } => ok(
                Some(JSON),
                Payload::whole(format!("{}{}", "[".repeat(depth), "]".repeat(depth))),
            ),
            FaultKind::GzipBomb { bytes } => {
                let mut response =
                    respond(200, Some(JSON), Payload::whole(gzip::blank_array(bytes)));
                response
                    .headers_mut()
                    .insert(CONTENT_ENCODING, HeaderValue::from_static("gzip"));
                Action::Respond(response)
            }
            FaultKind::Raw(bytes) => Action::TakeOver(bytes),
        }
    }
}

pub(crate) const JSON: &str = "application/json";

const LOGIN_PAGE: &str = "<!DOCTYPE html>\n<html><head><title>Sign in</title></head><body>\
    <form method=\"post\" action=\"/login\"><input name=\"user\"><input name=\"password\" type=\"password\">\
    <button>Sign in</button></form></body></html>\n";

pub(crate) fn respond(status: u16, content_type: Option<&str>, body: Payload) -> Response<Payload> {
    let mut response = Response::new(body);
    *response.status_mut() =
        StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    if let Some(content_type) = content_type {
        header(&mut response, CONTENT_TYPE.as_str(), content_type);
    }
    response
}

fn ok(content_type: Option<&str>, body: Payload) -> Action {
    Action::Respond(respond(200, content_type, body))
}

/// Adds a header. One that HTTP does not allow is left out: `Raw` can send it.
fn header(response: &mut Response<Payload>, name: &str, value: &str) {
    if let (Ok(name), Ok(value)) = (HeaderName::try_from(name), HeaderValue::try_from(value)) {
        response.headers_mut().append(name, value);
    }
}

fn raw(length: usize, body: &[u8]) -> Vec<u8> {
    let head =
        format!("HTTP/1.1 200 OK\r\nContent-Type: {JSON}\r\nContent-Length: {length}\r\n\r\n");
    [head.as_bytes(), body].concat()
}
