//! Integration tests of the code generator: what the lint refuses, what the generator writes, and that
//! the real document passes both.

#![allow(
    clippy::expect_used,
    clippy::unwrap_used,
    reason = "a test fails by panicking"
)]

mod curated;
mod generation;
mod lint;
mod origin;
mod source;
