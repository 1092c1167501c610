//! The ways in.

pub mod framing;
pub mod stdio;
