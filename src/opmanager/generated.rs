//! The code that `build.rs` makes from `openapi/opmanager.yaml`.
//!
//! The only `include!` of the crate and the only place with lint exemptions for code that nobody wrote.

#![allow(
    clippy::all,
    clippy::allow_attributes_without_reason,
    clippy::pedantic,
    clippy::unwrap_used,
    dead_code,
    missing_docs,
    private_interfaces,
    rustdoc::all,
    unreachable_pub,
    reason = "generated code is checked by the generator's own tests"
)]

include!(concat!(env!("OUT_DIR"), "/opmanager.rs"));
