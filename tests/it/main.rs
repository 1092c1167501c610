//! Everything that is tested through the program or its public interface, over pipes where the transport does not
//! matter. `tests/over_http` runs the same modules over HTTP.

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
mod captured;
mod catalogue;
mod command;
mod confirm;
mod connections;
mod context;
mod credentials;
mod deployment;
mod diagnose;
mod documents;
mod egress;
mod foreign;
#[cfg(unix)]
mod http;
mod large_answers;
mod messages;
mod msp;
mod never;
mod process;
mod protocol;
mod query;
mod questions;
mod rates;
mod secrets;
mod selection;
mod shape;
mod snapshots;
mod source;
#[cfg(all(feature = "otel", unix))]
mod spans;
mod stdio;
mod support;
mod surface;
mod target;
mod tls;
mod typed;
mod variants;
mod workflows;

/// How a session reaches the program.
const TRANSPORT: support::Transport = support::Transport::Pipes;
