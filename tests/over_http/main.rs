//! The tests of calls again, over HTTP: the same modules, with another transport below their sessions.
//!
//! What only lines, standard input or a session can show is in `tests/it/stdio`, with what holds over HTTP instead.

#![cfg(unix)]
#![allow(
    clippy::expect_used,
    clippy::unwrap_used,
    missing_docs,
    reason = "a test fails by panicking"
)]

#[path = "../it/access.rs"]
mod access;
#[path = "../it/answers.rs"]
mod answers;
#[path = "../it/arguments.rs"]
mod arguments;
#[path = "../it/calls.rs"]
mod calls;
#[path = "../it/captured.rs"]
mod captured;
#[path = "../it/confirm.rs"]
mod confirm;
#[path = "../it/connections.rs"]
mod connections;
#[path = "../it/credentials.rs"]
mod credentials;
#[path = "../it/egress.rs"]
mod egress;
#[path = "../it/foreign.rs"]
mod foreign;
#[path = "../it/large_answers.rs"]
mod large_answers;
#[path = "../it/messages.rs"]
mod messages;
#[path = "../it/msp.rs"]
mod msp;
#[path = "../it/never.rs"]
mod never;
#[path = "../it/protocol.rs"]
mod protocol;
#[path = "../it/rates.rs"]
mod rates;
#[path = "../it/secrets.rs"]
mod secrets;
#[allow(dead_code, reason = "the other target uses all of it")]
#[path = "../it/support/mod.rs"]
mod support;
#[path = "../it/surface.rs"]
mod surface;
#[path = "../it/target.rs"]
mod target;
#[path = "../it/tls.rs"]
mod tls;
#[path = "../it/variants.rs"]
mod variants;
#[path = "../it/workflows.rs"]
mod workflows;

/// How a session reaches the program.
const TRANSPORT: support::Transport = support::Transport::Http;
