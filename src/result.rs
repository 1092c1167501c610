//! What becomes of OpManager's bytes: judged, and shaped into the text that a model reads.
//!
//! Knows neither MCP nor HTTP: bytes come in, a verdict or a text goes out. A body is walked once, by a
//! scanner that keeps nothing of it, so that memory does not grow with what is in it.

#![deny(clippy::disallowed_types)]

mod counters;
mod envelope;
mod only;
mod query;
#[allow(dead_code, reason = "what workflows of several operations read by")]
mod rows;
mod shape;
mod verdict;
mod writer;

use crate::foreign::{Foreign, Redact};

pub use crate::json::Flaw;
#[cfg(test)]
pub(crate) use only::CODES;
pub(crate) use only::only;
pub(crate) use query::count_by;
pub use query::{Query, Sort, Where, Words};
pub(crate) use rows::rows;
pub use shape::{HELD, Limits, Plan, Read, Reader, Selection, Series, shape};
use verdict::Judged;
pub(crate) use verdict::failure;
pub use verdict::{Answer, Expected, Failure, Problem, Received, judge};
pub(crate) use writer::Writer;

/// The text that a model reads of an answer, from one pass over its bytes.
///
/// # Errors
///
/// The failure that the answer is.
pub fn answer(
    received: Received<'_>,
    plan: Plan<'_>,
    selection: &Selection,
    limits: Limits,
    redact: Redact<'_>,
) -> Result<String, Failure<Foreign>> {
    let shape = |body: &[u8]| shape(body, plan, selection, limits, redact);
    Ok(match verdict::judge_with(received, shape)? {
        Judged::Json(text) => text,
        Judged::Message(message) => shape::message(message, limits, redact),
    })
}
