//! What OpManager says of its limits beside an answer.

use std::time::Duration;

use http::HeaderMap;
use http::header::RETRY_AFTER;
use serde_json::Value;

/// The header, as a filter has it that products of the vendor share. Inferred: that OpManager sends it.
const X_RATE_LIMIT: &str = "x-rate-limit";
/// Longest time that is believed, in seconds.
const LONGEST: u64 = 3600;

/// What was said, as far as it can be read.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Told {
    /// How long requests count.
    pub(super) window: Option<Duration>,
    /// How many more there may be in that time.
    pub(super) left: Option<usize>,
    /// After which time the next may be sent.
    pub(super) wait: Option<Duration>,
}

impl Told {
    /// What the headers of an answer say: an array of duration, remaining requests and the wait until the next, times in
    /// seconds; with status 429 also `Retry-After`, if it is a number of seconds. What cannot be read says nothing.
    pub(crate) fn of(status: u16, headers: &HeaderMap) -> Self {
        let text = |name: &str| headers.get(name)?.to_str().ok();
        let values = text(X_RATE_LIMIT)
            .and_then(|text| serde_json::from_str::<[Value; 3]>(text).ok())
            .and_then(|values| {
                let [window, left, wait] = values.map(|value| number(&value));
                Some([window?, left?, wait?])
            });
        if let Some([window, left, wait]) = values {
            return Self {
                window: seconds(window),
                left: usize::try_from(left).ok(),
                wait: seconds(wait),
            };
        }
        let retry = (status == 429)
            .then(|| text(RETRY_AFTER.as_str()))
            .flatten();
        Self {
            wait: retry.and_then(|text| seconds(text.trim().parse().ok()?)),
            ..Self::default()
        }
    }
}

/// OpManager writes numbers as text now and then.
fn number(value: &Value) -> Option<u64> {
    value
        .as_u64()
        .or_else(|| value.as_str()?.trim().parse().ok())
}

/// A time that is none says nothing.
fn seconds(number: u64) -> Option<Duration> {
    (number > 0).then(|| Duration::from_secs(number.min(LONGEST)))
}
