//! The operations of the curated document: what a request to each of them may carry.
//!
//! Owns the table that `build.rs` writes. Knows nothing of HTTP and nothing of the network behind it.

use std::sync::LazyLock;

use serde_json::Value;

/// One operation of the document.
#[derive(Debug)]
pub struct Operation {
    /// The operation id, which is OpManager's own operation name.
    pub id: &'static str,
    /// `GET` or `POST`.
    pub method: &'static str,
    /// The path, such as `/api/json/alarm/listAlarms`.
    pub path: &'static str,
    /// All parameters, those of the query before those of the form body.
    pub parameters: &'static [Parameter],
    /// Names of parameters of which exactly one must be sent; empty for most operations.
    pub exactly_one_of: &'static [&'static str],
    /// The documented rate limit, where one is known.
    pub rate_limit: Option<RateLimit>,
}

/// One parameter of an operation.
#[derive(Debug)]
pub struct Parameter {
    /// The name as OpManager spells it.
    pub name: &'static str,
    /// Where it is sent.
    pub place: Place,
    /// Whether a request without it is refused.
    pub required: bool,
    /// The type of its value.
    pub kind: Kind,
    /// The allowed words; empty when any text is allowed.
    pub values: &'static [&'static str],
    /// The least allowed number.
    pub minimum: Option<i64>,
    /// The greatest allowed number.
    pub maximum: Option<i64>,
    /// The only value ever sent, for parameters that no caller decides.
    pub constant: Option<&'static str>,
    /// What is sent where a caller gives nothing.
    pub default: Option<&'static str>,
    /// Whether the vendor's page has it; also true of operations that the page lacks.
    pub documented: bool,
}

/// Where a parameter is sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// In the query string.
    Query,
    /// In an `application/x-www-form-urlencoded` body.
    Form,
}

/// The type of a parameter's value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Any text.
    Text,
    /// A whole number.
    Integer,
    /// A number.
    Number,
    /// `true` or `false`.
    Boolean,
}

/// How often an operation may be called.
#[derive(Clone, Copy, Debug)]
pub struct RateLimit {
    /// Calls within one minute.
    pub requests_per_minute: usize,
    /// For how long calls are refused after that.
    pub block_minutes: u64,
}

static OPERATIONS: &[Operation] = include!(concat!(env!("OUT_DIR"), "/contract.rs"));

/// Every operation of the document, in its order.
#[must_use]
pub fn contract() -> &'static [Operation] {
    OPERATIONS
}

/// The response schemas: `/responses/<operation id>` with `$ref`s into `/components/schemas`, as in the document.
#[must_use]
pub fn response_schemas() -> &'static Value {
    static SCHEMAS: LazyLock<Value> = LazyLock::new(|| {
        let text = include_str!(concat!(env!("OUT_DIR"), "/schemas.json"));
        serde_json::from_str(text).unwrap_or_default()
    });
    &SCHEMAS
}

pub(crate) fn operation_at(path: &str) -> Option<&'static Operation> {
    OPERATIONS.iter().find(|operation| operation.path == path)
}
