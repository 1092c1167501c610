//! Feature `otel`: what a collector is told of a call, and what it is not.

use std::convert::Infallible;

use bytes::Bytes;
use http_body_util::{BodyExt, Empty};
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::common::v1::{KeyValue, any_value};
use opentelemetry_proto::tonic::trace::v1::Span;
use opentelemetry_proto::tonic::trace::v1::span::SpanKind;
use opentelemetry_proto::tonic::trace::v1::status::StatusCode;
use prost::Message;
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::sync::mpsc;

use crate::support::{SENTINEL, Session, at, simulator};

const TRACE: &str = "0af7651916cd43dd8448eb211c80319c";
const PARENT: &str = "b7ad6b7169203331";

/// What came in one request.
struct Received {
    head: http::request::Parts,
    body: Bytes,
}

/// A collector of spans on loopback.
struct Collector {
    endpoint: String,
    received: mpsc::UnboundedReceiver<Received>,
}

impl Collector {
    async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let endpoint = format!("http://{}", listener.local_addr().unwrap());
        let (sender, received) = mpsc::unbounded_channel();
        tokio::spawn(async move {
            loop {
                let (stream, _) = listener.accept().await.unwrap();
                let sender = sender.clone();
                let service = service_fn(move |request: http::Request<hyper::body::Incoming>| {
                    let sender = sender.clone();
                    async move {
                        let (head, body) = request.into_parts();
                        let body = body.collect().await.unwrap().to_bytes();
                        let _ = sender.send(Received { head, body });
                        Ok::<_, Infallible>(http::Response::new(Empty::<Bytes>::new()))
                    }
                });
                tokio::spawn(
                    hyper::server::conn::http1::Builder::new()
                        .serve_connection(TokioIo::new(stream), service),
                );
            }
        });
        Self { endpoint, received }
    }

    /// All that came; the program that sent it has ended.
    fn all(&mut self) -> Vec<Received> {
        std::iter::from_fn(|| self.received.try_recv().ok()).collect()
    }

    /// The spans that came, in the order of their beginning.
    fn spans(&mut self) -> Vec<Span> {
        let mut spans: Vec<Span> = self
            .all()
            .iter()
            .flat_map(|received| decode(&received.body).resource_spans)
            .flat_map(|resource| resource.scope_spans)
            .flat_map(|scope| scope.spans)
            .collect();
        spans.sort_by_key(|span| span.start_time_unix_nano);
        spans
    }
}

fn decode(body: &Bytes) -> ExportTraceServiceRequest {
    ExportTraceServiceRequest::decode(body.clone()).unwrap()
}

fn table(attributes: &[KeyValue]) -> Value {
    attributes
        .iter()
        .map(|attribute| {
            let value = match attribute.value.clone().unwrap().value.unwrap() {
                any_value::Value::StringValue(text) => Value::from(text),
                any_value::Value::IntValue(number) => Value::from(number),
                other => panic!("{other:?}"),
            };
            (attribute.key.clone(), value)
        })
        .collect::<serde_json::Map<_, _>>()
        .into()
}

fn is_error(span: &Span) -> bool {
    let status = span.status.clone().unwrap_or_default();
    assert_eq!(status.message, "");
    status.code == StatusCode::Error as i32
}

fn hex(id: &[u8]) -> String {
    id.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn call(tool: &str, arguments: &Value, traceparent: &str) -> Value {
    json!({ "name": tool, "arguments": arguments, "_meta": {
        "io.modelcontextprotocol/protocolVersion": "2026-07-28",
        "io.modelcontextprotocol/clientCapabilities": {},
        "traceparent": traceparent,
        "tracestate": "a=1",
    }})
}

fn sampled() -> String {
    format!("00-{TRACE}-{PARENT}-01")
}

#[tokio::test]
async fn a_call_is_a_span_of_its_callers_trace_and_its_request_is_one_below() {
    let simulator = simulator().await;
    let mut collector = Collector::start().await;
    let mut session = Session::spawn(&["--otlp-endpoint", &collector.endpoint]);
    let arguments = at(&simulator, json!({ "severity": 1 }));
    let answer = session
        .request("tools/call", call("list_alarms", &arguments, &sampled()))
        .await;
    assert_eq!(answer["result"]["isError"], false, "{answer}");
    session.finish().await;

    let spans = collector.spans();
    let [server, client] = spans.as_slice() else {
        panic!("{spans:?}");
    };
    assert_eq!(server.name, "tools/call list_alarms");
    assert_eq!(server.kind, SpanKind::Server as i32);
    assert_eq!(hex(&server.trace_id), TRACE);
    assert_eq!(hex(&server.parent_span_id), PARENT);
    assert_eq!(server.trace_state, "a=1");
    assert!(!is_error(server));
    assert_eq!(
        table(&server.attributes),
        json!({
            "mcp.method.name": "tools/call",
            "gen_ai.operation.name": "execute_tool",
            "gen_ai.tool.name": "list_alarms",
            "network.transport": "pipe",
            "mcp.protocol.version": "2026-07-28",
            "jsonrpc.request.id": "1",
            "opmanager.access": "read",
            "opmanager.outcome": "success",
        })
    );
    assert_eq!(client.name, "GET /api/json/alarm/listAlarms");
    assert_eq!(client.kind, SpanKind::Client as i32);
    assert_eq!(client.trace_id, server.trace_id);
    assert_eq!(client.parent_span_id, server.span_id);
    assert!(!is_error(client));
    assert_eq!(
        table(&client.attributes),
        json!({
            "http.request.method": "GET",
            "url.template": "/api/json/alarm/listAlarms",
            "url.scheme": "http",
            "server.address": "127.0.0.1",
            "server.port": simulator.address().port(),
            "http.response.status_code": 200,
        })
    );
    assert!(server.start_time_unix_nano <= client.start_time_unix_nano);
    assert!(client.end_time_unix_nano <= server.end_time_unix_nano);
}

#[tokio::test]
async fn no_span_holds_a_key_an_argument_or_an_answer() {
    let simulator = simulator().await;
    let mut collector = Collector::start().await;
    let mut session = Session::spawn(&["--otlp-endpoint", &collector.endpoint]);
    let wrong_key = json!({ "apiKey": SENTINEL });
    for (given, id) in [
        (json!({ "deviceName": "argument-4711" }), json!(SENTINEL)),
        (wrong_key, json!(2)),
        (json!({ "severity": "argument-4711" }), json!(3)),
        (json!({ "host": SENTINEL }), json!(4)),
        (
            json!({ "host": "127.0.0.1:1", "argument-4711": 1 }),
            json!(5),
        ),
    ] {
        let params = call("list_alarms", &at(&simulator, given), &sampled());
        session
            .send(&json!({ "jsonrpc": "2.0", "id": id, "method": "tools/call", "params": params }))
            .await;
        assert_eq!(session.receive().await["id"], id);
    }
    session.finish().await;

    let received = collector.all();
    assert!(!received.is_empty());
    for Received { head, body } in &received {
        let sent = format!(
            "{} {:?} {}",
            head.uri,
            head.headers,
            String::from_utf8_lossy(body)
        );
        assert!(sent.contains("tools/call list_alarms"), "{sent}");
        for secret in [
            SENTINEL,
            simulator.api_key(),
            "argument-4711",
            "API key is missing",
            "apiKey",
            "listAlarms?",
        ] {
            assert!(!sent.contains(secret), "{secret} is in {sent}");
        }
    }
}

#[tokio::test]
async fn a_call_that_fails_is_a_failed_span_and_one_that_was_not_sent_has_no_request() {
    let simulator = simulator().await;
    let mut collector = Collector::start().await;
    let mut session = Session::spawn(&["--otlp-endpoint", &collector.endpoint]);
    let closed = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let unreachable = closed.local_addr().unwrap().to_string();
    drop(closed);
    for (tool, arguments) in [
        ("delete_alarm", json!({ "entity": "1" })),
        ("list_alarms", json!({ "host": unreachable })),
        ("list_alarms", json!({ "apiKey": "wrong-key-of-nobody" })),
    ] {
        let params = call(tool, &at(&simulator, arguments), "none");
        let answer = session.request("tools/call", params).await;
        assert_eq!(answer["result"]["isError"], true, "{answer}");
    }
    session.finish().await;

    let spans = collector.spans();
    let told: Vec<_> = spans
        .iter()
        .map(|span| {
            let attributes = table(&span.attributes);
            assert!(is_error(span), "{span:?}");
            let said = |name: &str| attributes[name].as_str().unwrap_or("-").to_owned();
            (
                span.name.as_str(),
                said("error.type"),
                said("opmanager.outcome"),
            )
        })
        .collect();
    let expected = [
        ("tools/call delete_alarm", "tool_error", "not_allowed"),
        ("tools/call list_alarms", "tool_error", "no_answer"),
        ("GET /api/json/alarm/listAlarms", "connect", "-"),
        ("tools/call list_alarms", "tool_error", "refused"),
        ("GET /api/json/alarm/listAlarms", "401", "-"),
    ];
    let told: Vec<_> = told
        .iter()
        .map(|(name, kind, outcome)| (*name, kind.as_str(), outcome.as_str()))
        .collect();
    assert_eq!(told, expected);
    // Without a trace that they belong to, calls begin one each.
    assert_ne!(spans[0].trace_id, spans[1].trace_id);
    assert!(spans[0].parent_span_id.is_empty());
}

#[tokio::test]
async fn a_trace_that_its_caller_does_not_record_is_not_sent() {
    let simulator = simulator().await;
    let mut collector = Collector::start().await;
    let mut session = Session::spawn(&["--otlp-endpoint", &collector.endpoint]);
    let unsampled = format!("00-{TRACE}-{PARENT}-00");
    for parent in [&unsampled, &sampled()] {
        let arguments = at(&simulator, json!({}));
        session
            .request("tools/call", call("list_alarms", &arguments, parent))
            .await;
    }
    session.finish().await;
    assert_eq!(collector.spans().len(), 2);
}

#[tokio::test]
async fn variables_of_the_environment_change_nothing_that_is_sent() {
    let simulator = simulator().await;
    let (mut collector, mut other) = (Collector::start().await, Collector::start().await);
    let endpoint = other.endpoint.clone();
    let mut session = Session::spawn_with(&["--otlp-endpoint", &collector.endpoint], |command| {
        for (name, value) in [
            ("OTEL_BSP_MAX_EXPORT_BATCH_SIZE", "1"),
            ("OTEL_BSP_MAX_QUEUE_SIZE", "1"),
            ("OTEL_EXPORTER_OTLP_COMPRESSION", "gzip"),
            ("OTEL_EXPORTER_OTLP_ENDPOINT", endpoint.as_str()),
            ("OTEL_EXPORTER_OTLP_HEADERS", "x-from-environment=1"),
            ("OTEL_EXPORTER_OTLP_PROTOCOL", "http/json"),
            ("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", endpoint.as_str()),
            ("OTEL_RESOURCE_ATTRIBUTES", "x.from=environment"),
            ("OTEL_SDK_DISABLED", "true"),
            ("OTEL_SERVICE_NAME", "x-from-environment"),
            ("OTEL_SPAN_ATTRIBUTE_COUNT_LIMIT", "0"),
            ("OTEL_TRACES_SAMPLER", "always_off"),
            ("HTTP_PROXY", endpoint.as_str()),
            ("http_proxy", endpoint.as_str()),
            ("ALL_PROXY", endpoint.as_str()),
        ] {
            command.env(name, value);
        }
    });
    for _ in 0..4 {
        let arguments = at(&simulator, json!({}));
        session
            .request("tools/call", call("list_alarms", &arguments, &sampled()))
            .await;
    }
    session.finish().await;

    assert!(other.all().is_empty());
    let received = collector.all();
    let [Received { head, body }] = received.as_slice() else {
        panic!("{} requests", received.len());
    };
    assert_eq!(head.uri, "/v1/traces");
    let names: Vec<&str> = head.headers.keys().map(http::HeaderName::as_str).collect();
    assert_eq!(names, ["content-type", "accept", "host", "content-length"]);
    assert_eq!(head.headers["content-type"], "application/x-protobuf");
    let decoded = decode(body);
    let resource = decoded.resource_spans[0].resource.clone().unwrap();
    assert_eq!(
        table(&resource.attributes),
        json!({ "service.name": "opmanager-mcp-server", "service.version": env!("CARGO_PKG_VERSION") })
    );
    let spans = &decoded.resource_spans[0].scope_spans[0].spans;
    assert_eq!(spans.len(), 8);
    assert!(spans.iter().all(|span| span.attributes.len() >= 6));
}

#[tokio::test]
async fn a_collector_that_is_gone_stops_no_call() {
    let simulator = simulator().await;
    let closed = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let endpoint = format!("http://{}", closed.local_addr().unwrap());
    drop(closed);
    let mut session = Session::spawn(&["--otlp-endpoint", &endpoint]);
    let params = call("list_alarms", &at(&simulator, json!({})), &sampled());
    let answer = session.request("tools/call", params).await;
    assert_eq!(answer["result"]["isError"], false);
    let finished = session.finish().await;
    assert!(finished.status.success());
    assert!(finished.log.contains("spans were lost"), "{}", finished.log);
}

#[tokio::test]
async fn spans_of_calls_over_http_say_so_and_are_sent_before_the_end() {
    let simulator = simulator().await;
    let mut collector = Collector::start().await;
    let mut session = Session::serve(&["--otlp-endpoint", &collector.endpoint]).await;
    let params = call("list_alarms", &at(&simulator, json!({})), &sampled());
    let answer = session.request("tools/call", params).await;
    assert_eq!(answer["result"]["isError"], false, "{answer}");
    assert!(session.finish().await.status.success());

    let spans = collector.spans();
    assert_eq!(spans.len(), 2, "{spans:?}");
    let attributes = table(&spans[0].attributes);
    assert_eq!(attributes["network.transport"], "tcp");
    assert_eq!(attributes["network.protocol.name"], "http");
    assert_eq!(hex(&spans[0].parent_span_id), PARENT);
}
