//! What is recorded of calls: audit log lines, metrics, spans.
//!
//! Owns [`Outcome`] and the fields of an audit line. A tool that is one operation writes one line, which is also that of
//! its request; a workflow writes one for each request and one for itself, with the same `call` number. Knows no
//! argument, key or answer.

pub(crate) mod metrics;
#[cfg(feature = "otel")]
pub(crate) mod spans;

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use crate::opmanager::{Profile, RateEvent, Specification, Target};
use metrics::Metrics;

/// How a call ended, or one of its requests.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// OpManager gave what was asked for.
    Success,
    /// OpManager refused.
    Refused,
    /// No usable response came.
    NoAnswer,
    /// The arguments were wrong; nothing was sent.
    InvalidArguments,
    /// The operator does not allow it; nothing was sent.
    NotAllowed,
    /// Too many calls were waiting; nothing was sent.
    Busy,
    /// OpManager's rate limit is used up; nothing was sent.
    HeldBack,
    /// Nobody confirmed it; nothing was sent.
    NotConfirmed,
    /// Its caller is to have it confirmed and send it again; nothing was sent.
    Asked,
    /// It was given up before its end: its caller left or cancelled it, or the server closed.
    Cancelled,
    /// A defect of this server ended it.
    Panic,
}

impl Outcome {
    /// The word of the log, of metrics and of traces.
    pub(crate) const fn word(self) -> &'static str {
        match self {
            Self::Success => "success",
            Self::Refused => "refused",
            Self::NoAnswer => "no_answer",
            Self::InvalidArguments => "invalid_arguments",
            Self::NotAllowed => "not_allowed",
            Self::Busy => "busy",
            Self::HeldBack => "held_back",
            Self::NotConfirmed => "not_confirmed",
            Self::Asked => "confirmation_asked",
            Self::Cancelled => "cancelled",
            Self::Panic => "panic",
        }
    }
}

/// What is known of a request that was sent, or of all requests of a call.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Exchange<'a> {
    /// Where to.
    pub(crate) target: Option<&'a Target>,
    /// Which certificates were accepted.
    pub(crate) profile: Option<Profile>,
    /// HTTP status of the response.
    pub(crate) status: Option<u16>,
    /// Bytes received, unpacked.
    pub(crate) bytes: Option<usize>,
    /// How long it took.
    pub(crate) time: Option<Duration>,
    /// How many requests were sent, where that is not always one.
    pub(crate) requests: Option<usize>,
}

/// Records what one tool call does.
pub(crate) struct Audit {
    metrics: Option<Arc<Metrics>>,
    caller: Option<String>,
    tool: &'static str,
    access: &'static str,
    /// Ties the lines of a call together; `None` where there is one.
    call: Option<u64>,
}

impl Audit {
    /// For a call of a tool by a caller, if its transport knows one. With `requests`, each request has a line of its own.
    pub(crate) fn new(
        metrics: Option<Arc<Metrics>>,
        caller: Option<&str>,
        tool: &'static str,
        access: &'static str,
        requests: bool,
    ) -> Self {
        static CALLS: AtomicU64 = AtomicU64::new(1);
        Self {
            metrics,
            caller: caller.map(str::to_owned),
            tool,
            access,
            call: requests.then(|| CALLS.fetch_add(1, Ordering::Relaxed)),
        }
    }

    /// For a person at a terminal, who needs no log.
    pub(crate) fn none(tool: &'static str) -> Self {
        Self::new(None, None, tool, "read", false)
    }

    /// Records how the call ended.
    pub(crate) fn call(&self, outcome: Outcome, exchange: &Exchange<'_>) {
        if let Some(metrics) = &self.metrics {
            metrics.count(self.tool, self.access, outcome, exchange.target);
            if self.call.is_none() {
                self.measure(exchange);
            }
        }
        #[cfg(feature = "otel")]
        spans::record(self.access, outcome);
        self.line(None, outcome, exchange);
    }

    /// Records how one of its requests ended, where each has a line of its own.
    pub(crate) fn request(
        &self,
        operation: &'static Specification,
        outcome: Outcome,
        exchange: &Exchange<'_>,
    ) {
        if self.call.is_some() {
            self.measure(exchange);
            self.line(Some(operation.id), outcome, exchange);
        }
    }

    /// Counts what a rate limit of OpManager does to requests of an operation.
    pub(crate) fn limited(
        &self,
        event: RateEvent,
        operation: &'static Specification,
        target: &Target,
    ) {
        if let Some(metrics) = &self.metrics {
            metrics.limited(event, operation.id, target);
        }
    }

    fn measure(&self, exchange: &Exchange<'_>) {
        if let (Some(metrics), Some(time), Some(bytes)) =
            (&self.metrics, exchange.time, exchange.bytes)
        {
            metrics.exchanged(self.tool, time, bytes);
        }
    }

    fn line(&self, operation: Option<&'static str>, outcome: Outcome, exchange: &Exchange<'_>) {
        let Exchange {
            target,
            profile,
            status,
            bytes,
            time,
            requests,
        } = exchange;
        let client = self.caller.as_deref();
        let milliseconds = time.map(|time| u64::try_from(time.as_millis()).unwrap_or(u64::MAX));
        let tls = target.map(Target::tls);
        let target = target.map(tracing::field::display);
        let trust = profile.map(tracing::field::display);
        macro_rules! event {
            ($level:ident) => {
                tracing::$level!(
                    client,
                    tool = self.tool,
                    access = self.access,
                    call = self.call,
                    operation,
                    target,
                    trust,
                    tls,
                    status,
                    bytes,
                    milliseconds,
                    requests,
                    outcome = outcome.word()
                )
            };
        }
        // What travels unprotected is worth an operator's look, and so is a server that is too small.
        let unprotected = *profile == Some(Profile::Unverified) || tls == Some(false);
        if unprotected || outcome == Outcome::Busy {
            event!(warn);
        } else {
            event!(info);
        }
    }
}
