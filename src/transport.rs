//! The ways in.

pub mod framing;
pub(crate) mod http;
pub mod stdio;
