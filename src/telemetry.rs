//! Feature `otel`: where finished spans go.
//!
//! Owns the exporter and what is the same in every span: the resource, sampling, limits. What a span says of a
//! call is the business of [`crate::server`].
//!
//! Nothing here follows the environment. The SDK reads `OTEL_…` variables when its builders are made, and each
//! value that it takes from there is set again after that; the exporter is ours because the SDK's own adds the
//! headers and the compression that the environment names, and cannot be told not to.

use std::fmt;
use std::io;
use std::time::Duration;

use http::header::{CONTENT_TYPE, HeaderValue};
use opentelemetry::KeyValue;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::transform::common::tonic::ResourceAttributesWithSchema;
use opentelemetry_proto::transform::trace::tonic::group_spans_by_resource_and_scope;
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::error::{OTelSdkError, OTelSdkResult};
use opentelemetry_sdk::trace::{
    BatchConfigBuilder, BatchSpanProcessor, RandomIdGenerator, Sampler, SdkTracerProvider,
    SpanData, SpanExporter, SpanLimits,
};
use prost::Message;
use reqwest::Url;
use tokio::runtime::Handle;

/// Spans that wait to be sent; more are dropped.
const WAITING: usize = 2048;
/// Spans that are sent in one request.
const AT_ONCE: usize = 512;
/// How long a span waits for others.
const DELAY: Duration = Duration::from_secs(5);
/// Longest time of one request to the collector.
const TIMEOUT: Duration = Duration::from_secs(5);
/// Where a collector takes spans, below its address.
const PATH: &str = "v1/traces";

/// Where a collector takes spans.
#[derive(Debug, Clone)]
pub(crate) struct Endpoint(Url);

impl Endpoint {
    /// Reads the address of a collector, below which its paths are.
    ///
    /// # Errors
    ///
    /// If it is not `http://` or `https://`, or has anything beside host, port and path.
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        let mut url = Url::parse(text).map_err(|error| error.to_string())?;
        let plain = url.username().is_empty()
            && url.password().is_none()
            && url.query().is_none()
            && url.fragment().is_none();
        if !matches!(url.scheme(), "http" | "https") || !plain {
            return Err("write http://host:port or https://host:port".to_owned());
        }
        let below = format!("{}/{PATH}", url.path().trim_end_matches('/'));
        url.set_path(&below);
        Ok(Self(url))
    }
}

/// Sends spans until it is told to finish.
pub(crate) struct Telemetry(SdkTracerProvider);

impl Telemetry {
    /// Begins to send spans; collectors that speak TLS are trusted as `tls` says. Needs the runtime on which
    /// calls run.
    ///
    /// # Errors
    ///
    /// If the HTTP client cannot be set up.
    pub(crate) fn begin(endpoint: Endpoint, tls: rustls::ClientConfig) -> io::Result<Self> {
        let client = reqwest::Client::builder()
            .timeout(TIMEOUT)
            .redirect(reqwest::redirect::Policy::none())
            .retry(reqwest::retry::never())
            .no_proxy()
            .http1_only()
            .tls_backend_preconfigured(tls)
            .build()
            .map_err(|error| io::Error::other(error.without_url()))?;
        let exporter = Exporter {
            client,
            endpoint,
            resource: (&Resource::builder_empty().build()).into(),
            runtime: Handle::current(),
        };
        let batches = BatchConfigBuilder::default()
            .with_max_queue_size(WAITING)
            .with_max_export_batch_size(AT_ONCE)
            .with_scheduled_delay(DELAY)
            .build();
        let processor = BatchSpanProcessor::builder(exporter)
            .with_batch_config(batches)
            .build();
        let resource = Resource::builder_empty()
            .with_service_name(env!("CARGO_PKG_NAME"))
            .with_attribute(KeyValue::new("service.version", env!("CARGO_PKG_VERSION")))
            .build();
        let provider = SdkTracerProvider::builder()
            .with_sampler(Sampler::ParentBased(Box::new(Sampler::AlwaysOn)))
            .with_id_generator(RandomIdGenerator::default())
            .with_span_limits(SpanLimits::default())
            .with_resource(resource)
            .with_span_processor(processor)
            .build();
        opentelemetry::global::set_tracer_provider(provider.clone());
        Ok(Self(provider))
    }

    /// Sends what is left, for at most the time of one request.
    pub(crate) async fn finish(self) {
        // It waits for the thread that sends, and that for the runtime.
        let _ = tokio::task::spawn_blocking(move || self.0.shutdown_with_timeout(TIMEOUT)).await;
    }
}

/// OTLP over HTTP, as binary protobuf.
struct Exporter {
    client: reqwest::Client,
    endpoint: Endpoint,
    resource: ResourceAttributesWithSchema,
    runtime: Handle,
}

impl fmt::Debug for Exporter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Exporter").finish_non_exhaustive()
    }
}

impl Exporter {
    async fn send(&self, batch: Vec<SpanData>) -> Result<(), String> {
        let message = ExportTraceServiceRequest {
            resource_spans: group_spans_by_resource_and_scope(batch, &self.resource),
        };
        let request = self
            .client
            .post(self.endpoint.0.clone())
            .header(
                CONTENT_TYPE,
                HeaderValue::from_static("application/x-protobuf"),
            )
            .body(message.encode_to_vec());
        // The thread that asks for it is none of the runtime, whose clock and sockets the request needs.
        let answer = self.runtime.spawn(async { request.send().await }).await;
        let answer = answer.map_err(|error| error.to_string())?;
        let status = answer
            .map_err(|error| error.without_url().to_string())?
            .status();
        if status.is_success() {
            Ok(())
        } else {
            Err(format!("the collector answers with status {status}"))
        }
    }
}

impl SpanExporter for Exporter {
    async fn export(&self, batch: Vec<SpanData>) -> OTelSdkResult {
        let spans = batch.len();
        self.send(batch).await.map_err(|reason| {
            tracing::warn!(spans, reason, "spans were lost");
            OTelSdkError::InternalFailure(reason)
        })
    }

    fn set_resource(&mut self, resource: &Resource) {
        self.resource = resource.into();
    }
}

#[cfg(test)]
mod tests {
    use super::Endpoint;

    #[test]
    fn a_collector_is_an_address_and_perhaps_a_path() {
        for (given, sent_to) in [
            ("http://127.0.0.1:4318", "http://127.0.0.1:4318/v1/traces"),
            ("https://otel.example/", "https://otel.example/v1/traces"),
            ("http://h/in/", "http://h/in/v1/traces"),
        ] {
            assert_eq!(Endpoint::parse(given).unwrap().0.as_str(), sent_to);
        }
        for refused in [
            "127.0.0.1:4318",
            "ftp://h",
            "http://u:p@h",
            "http://h?k=1",
            "http://h#x",
            "",
        ] {
            assert!(Endpoint::parse(refused).is_err(), "{refused}");
        }
    }
}
