//! The items of a list one by one, for whoever reduces them.

use std::ops::ControlFlow;

use crate::foreign::Foreign;

use super::shape::{Plan, Reader};
use super::verdict::{Failure, Judged, Received, judge_with};

/// Hands each item of the list to `each`, as JSON text, until it breaks off. `false` if there is no list.
///
/// # Errors
///
/// The failure that the answer is. That is known at its end only, when items have been handed over.
pub(crate) fn rows(
    received: Received<'_>,
    plan: Plan<'_>,
    each: &mut (dyn FnMut(&str) -> ControlFlow<()> + Send),
) -> Result<bool, Failure<Foreign>> {
    let read = |body: &[u8]| Reader::rows(plan, Box::new(each)).whole(body);
    Ok(match judge_with(received, read)? {
        Judged::Json(read) => read.list,
        Judged::Message(_) => false,
    })
}
