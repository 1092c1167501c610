//! An MCP server and typed client for ManageEngine OpManager that holds no credential.
//!
//! Modules in the order in which they use one another, each only the ones above it:
//!
//! - [`opmanager`]: the typed client, generated from `openapi/opmanager.yaml`. Knows no MCP.

pub mod opmanager;
