//! Tools that are no operation of OpManager.
//!
//! Owns their definitions. What they do is up to the server; no operation of the document is decided here.

use std::sync::{Arc, LazyLock};

use rmcp::model::{Tool, ToolAnnotations};

use super::arguments;

/// Examines a connection step by step.
pub(crate) const DIAGNOSE_CONNECTION: &str = "diagnose_connection";

static TOOLS: LazyLock<Vec<Tool>> = LazyLock::new(|| {
    let examines = ToolAnnotations::new()
        .read_only(true)
        .destructive(false)
        .idempotent(true)
        .open_world(true);
    vec![
        Tool::new(
            DIAGNOSE_CONNECTION,
            "Finds out why calls to an OpManager server fail. Tells in order whether the target is allowed, its addresses, whether it accepts connections, which certificate it shows and whether that is trusted, whether it answers, and whether the key is accepted; then which arguments a call needs, or what to change. Use it after a failed connection, TLS or key error, not before every call.",
            Arc::new(arguments::of_connection()),
        )
        .with_title("Diagnose a connection")
        .with_annotations(examines),
    ]
});

/// The built-in tools. They read, and are offered at every level.
pub fn built_in() -> &'static [Tool] {
    &TOOLS
}
