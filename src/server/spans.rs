//! What a trace tells of a call, by the conventions of OpenTelemetry for MCP and for HTTP clients.
//!
//! Owns the names of spans and attributes. No argument, key or answer is in any; of the request to OpManager
//! they have method, path, target and status.

use opentelemetry::propagation::{Extractor, TextMapPropagator};
use opentelemetry::trace::{FutureExt, SpanBuilder, SpanKind, TraceContextExt};
use opentelemetry::{Context, KeyValue};
use opentelemetry_sdk::propagation::TraceContextPropagator;
use rmcp::model::{CallToolResponse, ProtocolVersion, RequestId};
use rmcp::service::RequestContext;
use rmcp::{ErrorData, RoleServer};

use crate::audit::spans::{begin, fail};

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
