//! What is counted of calls, for those who operate the server.
//!
//! Owns the names of the metrics. No host, key or argument is in any; a target is one only if the operator has
//! listed it, so that nobody can make up ever new series.

use std::sync::atomic::AtomicI64;
use std::time::Duration;

use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::encoding::text::encode;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::{Registry, Unit};

use super::Outcome;
use crate::opmanager::{RateEvent, Target};

/// Bounds of the buckets of a call's time, in seconds.
const BUCKETS: [f64; 9] = [0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 5.0, 30.0];

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct CallLabels {
    tool: &'static str,
    access: &'static str,
    outcome: &'static str,
    target: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct ToolLabels {
    tool: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct ReasonLabels {
    reason: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct LimitLabels {
    event: &'static str,
    operation: &'static str,
    target: String,
}

/// The metrics of a server.
pub(crate) struct Metrics {
    registry: Registry,
    targets: Vec<String>,
    calls: Family<CallLabels, Counter>,
    seconds: Family<ToolLabels, Histogram>,
    bytes: Counter,
    turned: Family<ReasonLabels, Counter>,
    limited: Family<LimitLabels, Counter>,
    running: Gauge<i64, AtomicI64>,
}

impl Metrics {
    /// Metrics in which only these targets, as `host:port`, have a name.
    pub(crate) fn new(targets: Vec<String>) -> Self {
        let mut registry = Registry::with_prefix("opmanager_mcp");
        let calls = Family::default();
        registry.register("calls", "Tool calls by outcome", calls.clone());
        let seconds =
            Family::<ToolLabels, Histogram>::new_with_constructor(|| Histogram::new(BUCKETS));
        registry.register_with_unit(
            "call_duration",
            "Time from sending a request to OpManager to its answer",
            Unit::Seconds,
            seconds.clone(),
        );
        let bytes = Counter::default();
        registry.register_with_unit(
            "answer",
            "Answers of OpManager, unpacked",
            Unit::Bytes,
            bytes.clone(),
        );
        let turned = Family::default();
        registry.register(
            "requests_refused",
            "Requests turned away unread",
            turned.clone(),
        );
        let limited = Family::default();
        registry.register(
            "rate_limit_events",
            "Requests that waited for a rate limit of OpManager or were refused for it, and locks that it reported",
            limited.clone(),
        );
        let running = Gauge::default();
        registry.register(
            "calls_running",
            "Tool calls that run or wait",
            running.clone(),
        );
        Self {
            registry,
            targets,
            calls,
            seconds,
            bytes,
            turned,
            limited,
            running,
        }
    }

    /// Counts a call that ended.
    pub(super) fn count(
        &self,
        tool: &'static str,
        access: &'static str,
        outcome: Outcome,
        target: Option<&Target>,
    ) {
        let target = self.named(target);
        self.calls
            .get_or_create(&CallLabels {
                tool,
                access,
                outcome: outcome.word(),
                target,
            })
            .inc();
    }

    /// The target, if it is one of those that have a name.
    fn named(&self, target: Option<&Target>) -> String {
        let target = target
            .map(ToString::to_string)
            .filter(|target| self.targets.contains(target));
        target.unwrap_or_else(|| "other".to_owned())
    }

    /// Counts what a rate limit of OpManager did to requests of an operation.
    pub(super) fn limited(&self, event: RateEvent, operation: &'static str, target: &Target) {
        let event = match event {
            RateEvent::Wait => "wait",
            RateEvent::Refusal => "refusal",
            RateEvent::Lock => "lock",
        };
        self.limited
            .get_or_create(&LimitLabels {
                event,
                operation,
                target: self.named(Some(target)),
            })
            .inc();
    }

    /// Counts what was exchanged with OpManager.
    pub(super) fn exchanged(&self, tool: &'static str, time: Duration, bytes: usize) {
        self.seconds
            .get_or_create(&ToolLabels { tool })
            .observe(time.as_secs_f64());
        self.bytes.inc_by(bytes.try_into().unwrap_or(u64::MAX));
    }

    /// Counts a request that its transport rejected, for a reason of a fixed set.
    pub(crate) fn reject(&self, reason: &'static str) {
        self.turned.get_or_create(&ReasonLabels { reason }).inc();
    }

    /// Counts a call as running until the guard goes.
    pub(crate) fn run(&self) -> Running {
        self.running.inc();
        Running(self.running.clone())
    }

    /// All of them, as Prometheus reads them.
    pub(crate) fn text(&self) -> String {
        let mut text = String::new();
        // Writing to a string does not fail.
        let _ = encode(&mut text, &self.registry);
        text
    }
}

/// A call that runs.
pub(crate) struct Running(Gauge<i64, AtomicI64>);

impl Drop for Running {
    fn drop(&mut self) {
        self.0.dec();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_rate_limits_do_is_counted_by_operation_and_listed_target() {
        let metrics = Metrics::new(vec!["opm.test:8061".to_owned()]);
        let target = |host: &str| Target::parse(host, None, None).unwrap();
        for event in [RateEvent::Wait, RateEvent::Refusal, RateEvent::Lock] {
            metrics.limited(event, "listAlarms", &target("opm.test"));
            metrics.limited(event, "listAlarms", &target("unlisted.test"));
        }
        let text = metrics.text();
        for event in ["wait", "refusal", "lock"] {
            for target in ["opm.test:8061", "other"] {
                let line = format!(
                    "rate_limit_events_total{{event=\"{event}\",operation=\"listAlarms\",target=\"{target}\"}} 1"
                );
                assert!(text.contains(&line), "{text}");
            }
        }
        assert!(!text.contains("unlisted"), "{text}");
    }
}
