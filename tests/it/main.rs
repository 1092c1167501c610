//! Everything that is tested through the program or its public interface.

#![allow(
    clippy::expect_used,
    clippy::unwrap_used,
    missing_docs,
    reason = "a test fails by panicking"
)]

mod access;
mod answers;
mod arguments;
mod calls;
mod catalogue;
mod command;
mod confirm;
mod connections;
mod context;
mod deployment;
mod diagnose;
mod documents;
mod egress;
mod fence;
mod foreign;
#[cfg(unix)]
mod http;
mod made_up;
mod messages;
#[cfg(unix)]
mod over_http;
mod process;
mod protocol;
mod query;
mod questions;
mod readme;
mod rs;
mod secrets;
mod selection;
mod shape;
mod snapshots;
mod source;
#[cfg(all(feature = "otel", unix))]
mod spans;
mod support;
mod surface;
mod target;
mod tls;
mod tools_page;
mod typed;
