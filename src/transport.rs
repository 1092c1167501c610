//! The ways in.

pub mod framing;
pub mod http;
pub mod stdio;
