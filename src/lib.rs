//! An MCP server and typed client for ManageEngine OpManager that holds no credential.
//!
//! Modules in the order in which they use one another, each only the ones above it:
//!
//! - `json`: the grammar of JSON, without a tree.
//! - `sanitize`: which characters are invisible, and what is removed from a text.
//! - [`foreign`]: words of others, and the one gate through which they reach a reader.
//! - [`result`]: what becomes of OpManager's bytes. Knows neither MCP nor HTTP.
//! - [`opmanager`]: the typed client, generated from `openapi/opmanager.yaml`. Knows no MCP.
//! - `audit`: what is recorded of calls: audit log, metrics, spans.
//! - `upstream`: the one way from a tool to OpManager.
//! - [`tools`]: the catalogue; each operation decided once, arguments checked before any I/O.
//! - `telemetry`: feature `otel`; where finished spans go. Knows neither calls nor tools.
//! - [`server`]: the catalogue as an MCP server.
//! - [`transport`]: stdio and streamable HTTP.
//! - [`cli`]: the command line.

mod audit;
pub mod cli;
#[cfg(feature = "demo")]
mod demo;
pub mod foreign;
mod json;
pub mod opmanager;
mod placeholder;
pub mod result;
mod sanitize;
pub mod server;
#[cfg(feature = "otel")]
mod telemetry;
pub mod tools;
pub mod transport;
mod upstream;

#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
