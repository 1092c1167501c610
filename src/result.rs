//! What becomes of OpManager's bytes: judged, and shaped into the text that a model reads.
//!
//! Knows neither MCP nor HTTP: bytes come in, a verdict or a text goes out. A body is walked once, by a
//! scanner that keeps nothing of it, so that memory does not grow with what is in it.

#![deny(clippy::disallowed_types)]

mod scan;
mod shape;
mod verdict;

pub use scan::Flaw;
pub(crate) use scan::{Kind, outermost, plain_run};
pub use shape::{Limits, Plan, Problem, Selection, message, shape};
pub use verdict::{Answer, Expected, Failure, Judged, judge, judge_shaped};
