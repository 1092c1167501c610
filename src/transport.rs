//! Transports: stdio and streamable HTTP.

pub mod framing;
pub mod http;
pub mod stdio;

/// Longest message of a client, in bytes, unless the operator says otherwise.
pub(crate) const MAX_REQUEST_BYTES: usize = 64 * 1024;
