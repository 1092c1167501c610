//! Spans of requests to OpManager, by the conventions of OpenTelemetry for HTTP clients.
//!
//! Owns how a span begins, fails and is marked with an outcome. No argument, key or answer is in any; of a request they
//! have method, path, target and status.

use std::sync::atomic::{AtomicU16, Ordering};

use opentelemetry::global;
use opentelemetry::trace::{FutureExt, SpanBuilder, SpanKind, Status, TraceContextExt, Tracer};
use opentelemetry::{Context, KeyValue};

use super::Outcome;
use crate::opmanager::{Error, Host, Specification, Target};

/// Begins a span below another.
pub(crate) fn begin(builder: SpanBuilder, parent: &Context) -> Context {
    let tracer = global::tracer(env!("CARGO_PKG_NAME"));
    let span = tracer.build_with_context(builder, parent);
    parent.with_span(span)
}

/// Marks a span as failed.
pub(crate) fn fail(context: &Context, kind: String) {
    let span = context.span();
    span.set_attribute(KeyValue::new("error.type", kind));
    // A description would be a text for people, which may hold what OpManager said.
    span.set_status(Status::error(""));
}

/// Writes into the span of the running call how it ended.
pub(super) fn record(access: &'static str, outcome: Outcome) {
    let context = Context::current();
    let span = context.span();
    span.set_attribute(KeyValue::new("opmanager.access", access));
    span.set_attribute(KeyValue::new("opmanager.outcome", outcome.word()));
}

/// A request to OpManager with a span around it, below that of the running call, until its response is read. `status` is
/// its status, once there is one.
pub(crate) async fn of_request<T>(
    operation: &'static Specification,
    target: &Target,
    request: impl Future<Output = Result<T, Error>>,
    status: &AtomicU16,
) -> Result<T, Error> {
    let Specification { method, path, .. } = operation;
    let address = match target.host() {
        Host::Name(name) => name.clone(),
        Host::V4(address) => address.to_string(),
        Host::V6(address) => address.to_string(),
    };
    let builder = SpanBuilder::from_name(format!("{method} {path}"))
        .with_kind(SpanKind::Client)
        .with_attributes([
            KeyValue::new("http.request.method", *method),
            KeyValue::new("url.template", *path),
            KeyValue::new("url.scheme", if target.tls() { "https" } else { "http" }),
            KeyValue::new("server.address", address),
            KeyValue::new("server.port", i64::from(target.port())),
        ]);
    let context = begin(builder, &Context::current());
    let answer = request.with_context(context.clone()).await;
    let status = status.load(Ordering::Relaxed);
    if status > 0 {
        let status = KeyValue::new("http.response.status_code", i64::from(status));
        context.span().set_attribute(status);
    }
    match &answer {
        // What a whole response says is no failure of the request.
        Ok(_) | Err(Error::Refused(_) | Error::SignIn { .. } | Error::Shape(_))
            if status >= 400 =>
        {
            fail(&context, status.to_string());
        }
        Ok(_) | Err(Error::Refused(_) | Error::SignIn { .. } | Error::Shape(_)) => {}
        Err(error) => fail(&context, kind(error).to_owned()),
    }
    context.span().end();
    answer
}

/// A word for a failure.
fn kind(error: &Error) -> &'static str {
    match error {
        Error::Argument { .. } => "not_allowed",
        Error::Connect { .. } => "connect",
        Error::Tls { .. } => "tls",
        Error::Timeout { .. } => "timeout",
        Error::Interrupted { .. } => "interrupted",
        Error::TooLarge { .. } => "too_large",
        Error::Expands { .. } => "expands",
        Error::Encoding => "encoding",
        _ => "_OTHER",
    }
}
