//! Error responses to lines that are not acceptable messages.
//!
//! Owns their codes and their form. Knows no line: why one is refused is said by its callers.

use rmcp::model::{ErrorCode, RequestId};

/// The error response to a line that is not an acceptable message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    code: i32,
    message: String,
    /// JSON.
    id: Option<String>,
}

impl Refusal {
    /// To what is not JSON.
    pub(super) fn unreadable(message: &str) -> Self {
        Self {
            code: -32700,
            message: format!("parse error: {message}"),
            id: None,
        }
    }

    /// To JSON that is not a request.
    pub(super) fn invalid(message: impl AsRef<str>, id: Option<String>) -> Self {
        Self {
            code: -32600,
            message: format!("invalid request: {}", message.as_ref()),
            id,
        }
    }

    /// To a request whose parameters are invalid.
    pub(super) fn invalid_params(message: &str, id: Option<String>) -> Self {
        Self {
            code: ErrorCode::INVALID_PARAMS.0,
            message: format!("invalid params: {message}"),
            id,
        }
    }

    /// To a request with that id, which cannot be accepted now.
    pub(in crate::transport) fn to(id: &RequestId, message: &str) -> Self {
        Self::invalid(message, serde_json::to_string(id).ok())
    }

    /// To a request with that id, whose parameters cannot be read.
    pub(in crate::transport) fn unreadable_params(id: &RequestId, problem: &str) -> Self {
        Self::invalid_params(problem, serde_json::to_string(id).ok())
    }

    /// To a request whose headers contradict its body.
    pub(in crate::transport) fn mismatch(message: &str) -> Self {
        Self {
            code: ErrorCode::HEADER_MISMATCH.0,
            message: message.to_owned(),
            id: None,
        }
    }

    /// To a request that comes while so many are open. The code is one of those that JSON-RPC leaves to servers.
    pub(in crate::transport) fn too_many(id: &RequestId, open: usize) -> Self {
        Self {
            code: -32000,
            message: format!(
                "too many requests: {open} are open; send it again when some of them are answered"
            ),
            id: serde_json::to_string(id).ok(),
        }
    }

    /// The error code.
    pub fn code(&self) -> i32 {
        self.code
    }

    /// The response as a line, with its line end.
    pub fn to_line(&self) -> Vec<u8> {
        let Self { code, message, id } = self;
        let message = serde_json::Value::from(message.as_str());
        let id = id.as_deref().unwrap_or("null");
        format!("{{\"jsonrpc\":\"2.0\",\"id\":{id},\"error\":{{\"code\":{code},\"message\":{message}}}}}\n")
            .into_bytes()
    }
}
