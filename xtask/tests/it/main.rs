//! Tests of the maintainers' commands.

#![allow(
    clippy::expect_used,
    clippy::unwrap_used,
    reason = "a test fails by panicking"
)]

use std::path::Path;

mod apply;
mod captured;
mod coverage;
mod gate;
mod mutations;
mod openapi;
mod page;
mod program;
mod review;
mod vendor;

/// The root of this repository.
fn repository() -> &'static Path {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/.."))
}
