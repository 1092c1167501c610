//! A call that panics fails alone.
//!
//! Owns what becomes of a panic: a failed result, and the session goes on. What the panic says stays unsaid,
//! as it may hold a key; [`crate::cli`] logs where it happened.

use std::panic::AssertUnwindSafe;

use futures::FutureExt;
use rmcp::model::CallToolResponse;

use super::call::failed;
use crate::tools::Access;

/// The result of a call; `None` if it panicked.
///
/// Nothing of a call is seen again after its panic but what all calls share: connections, semaphores and
/// caches, none of which has a state between two others.
pub(super) fn catch(
    call: impl Future<Output = CallToolResponse>,
) -> impl Future<Output = Option<CallToolResponse>> {
    AssertUnwindSafe(call).catch_unwind().map(Result::ok)
}

/// What the caller is told of a panic.
pub(super) fn panic_reply(access: Access) -> CallToolResponse {
    failed(match access {
        Access::Read => "Internal error.".to_owned(),
        Access::Write | Access::Destructive => {
            "Internal error.\nThe outcome is unknown: the change may have been made. Read the object's state before trying again.".to_owned()
        }
    })
    .into()
}
