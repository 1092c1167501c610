//! What a trace tells of a call, by the conventions of OpenTelemetry for MCP and for HTTP clients.
//!
//! Owns the names of spans and attributes. No argument, key or answer is in any; of the request to OpManager
//! they have method, path, target and status.

use opentelemetry::global;
use opentelemetry::propagation::{Extractor, TextMapPropagator};
use opentelemetry::trace::{FutureExt, SpanBuilder, SpanKind, Status, TraceContextExt, Tracer};
use opentelemetry::{Context, KeyValue};
use opentelemetry_sdk::propagation::TraceContextPropagator;
use rmcp::model::{CallToolResponse, ProtocolVersion, RequestId};
use rmcp::service::RequestContext;
use rmcp::{ErrorData, RoleServer};

use super::metrics::Outcome;
use crate::opmanager::{Error, Host, RawResponse, Specification, Target};
use crate::tools::Access;

/// Longest `tracestate` that is passed on, in bytes; what is longer is no one's that keeps to the standard.
const LONGEST_STATE: usize = 512;

/// The trace that a request says it belongs to.
struct Given<'a>(&'a RequestContext<RoleServer>);

impl Extractor for Given<'_> {
    fn get(&self, key: &str) -> Option<&str> {
        match key {
            "traceparent" => self.0.meta.get_traceparent(),
            "tracestate" => self
                .0
                .meta
                .get_tracestate()
                .filter(|state| state.len() <= LONGEST_STATE),
            _ => None,
        }
    }

    fn keys(&self) -> Vec<&str> {
        vec!["traceparent", "tracestate"]
    }
}

fn begin(builder: SpanBuilder, parent: &Context) -> Context {
    let tracer = global::tracer(env!("CARGO_PKG_NAME"));
    let span = tracer.build_with_context(builder, parent);
    parent.with_span(span)
}

fn fail(context: &Context, kind: String) {
    let span = context.span();
    span.set_attribute(KeyValue::new("error.type", kind));
    // A description would be a text for people, which may hold what OpManager said.
    span.set_status(Status::error(""));
}

/// Begins the span of a call.
pub(super) fn of_call(tool: &'static str, request: &RequestContext<RoleServer>) -> Context {
    let over_http = request.extensions.get::<http::request::Parts>().is_some();
    let mut attributes = vec![
        KeyValue::new("mcp.method.name", "tools/call"),
        KeyValue::new("gen_ai.operation.name", "execute_tool"),
        KeyValue::new("gen_ai.tool.name", tool),
        KeyValue::new("network.transport", if over_http { "tcp" } else { "pipe" }),
    ];
    if over_http {
        attributes.push(KeyValue::new("network.protocol.name", "http"));
    }
    let version = request.protocol_version();
    if let Some(version) =
        version.filter(|version| ProtocolVersion::KNOWN_VERSIONS.contains(version))
    {
        attributes.push(KeyValue::new("mcp.protocol.version", version.to_string()));
    }
    // One that is a text may be anything that the client thinks of.
    if let RequestId::Number(id) = &request.id {
        attributes.push(KeyValue::new("jsonrpc.request.id", id.to_string()));
    }
    let parent =
        TraceContextPropagator::new().extract_with_context(&Context::new(), &Given(request));
    let builder = SpanBuilder::from_name(format!("tools/call {tool}"))
        .with_kind(SpanKind::Server)
        .with_attributes(attributes);
    begin(builder, &parent)
}

/// A call within its span, which ends with it.
pub(super) async fn within(
    context: Context,
    call: impl Future<Output = Result<CallToolResponse, ErrorData>>,
) -> Result<CallToolResponse, ErrorData> {
    let answer = call.with_context(context.clone()).await;
    match &answer {
        Ok(CallToolResponse::Complete(result)) if result.is_error == Some(true) => {
            fail(&context, "tool_error".to_owned());
        }
        Err(error) => fail(&context, error.code.0.to_string()),
        Ok(_) => {}
    }
    context.span().end();
    answer
}

/// Writes into the span of the running call how it ended.
pub(super) fn record(access: Access, outcome: Outcome) {
    let context = Context::current();
    let span = context.span();
    span.set_attribute(KeyValue::new("opmanager.access", access.word()));
    span.set_attribute(KeyValue::new("opmanager.outcome", outcome.word()));
}

/// A request to OpManager with a span around it, below that of the running call.
pub(super) async fn of_request(
    operation: &'static Specification,
    target: &Target,
    request: impl Future<Output = Result<RawResponse, Error>>,
) -> Result<RawResponse, Error> {
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
    match &answer {
        Ok(raw) => {
            let status = KeyValue::new("http.response.status_code", i64::from(raw.status));
            context.span().set_attribute(status);
            if raw.status >= 400 {
                fail(&context, raw.status.to_string());
            }
        }
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
