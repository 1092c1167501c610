//! Why a call gave no answer.

use super::{OutOfBounds, Target};
use crate::result::Failure;

/// Why a call gave no answer. No variant holds the key, a URL or a body.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// An argument was refused before anything was sent.
    #[error("`{argument}` {message}")]
    Argument {
        /// The argument's name.
        argument: String,
        /// What is wrong and what is accepted.
        message: String,
    },
    /// The name could not be resolved, or nothing accepts connections there.
    #[error("cannot connect to {target}: {reason}")]
    Connect {
        /// Where to.
        target: Target,
        /// The operating system's reason.
        reason: String,
    },
    /// TLS failed before the request was sent.
    #[error("TLS with {target} failed: {reason}")]
    Tls {
        /// Where to.
        target: Target,
        /// Why the certificate or the handshake was refused.
        reason: String,
    },
    /// The time limit passed. Whether OpManager acted on the request is unknown.
    #[error("{target} gave no complete answer within {seconds} s")]
    Timeout {
        /// Where to.
        target: Target,
        /// The limit.
        seconds: u64,
    },
    /// The connection broke while the request was under way. Whether OpManager acted on it is unknown.
    #[error("the connection to {target} broke: {reason}")]
    Interrupted {
        /// Where to.
        target: Target,
        /// What was seen.
        reason: String,
    },
    /// The body is larger than the limit; it was not read to its end.
    #[error("the answer is larger than {limit} bytes")]
    TooLarge {
        /// The limit.
        limit: usize,
    },
    /// The body unpacks to more than any real answer does; it was not unpacked to its end.
    #[error("the answer unpacks to more than {ratio} times its size")]
    Expands {
        /// The limit.
        ratio: usize,
    },
    /// The body is packed in a way that was not asked for.
    #[error("the answer is packed in an encoding other than gzip")]
    Encoding,
    /// OpManager answered, and the answer is a failure.
    #[error(transparent)]
    Refused(#[from] Failure),
    /// The answer is a success whose shape is not the documented one.
    #[error("the answer does not have the documented shape: {0}")]
    Shape(String),
    /// The HTTP client could not be set up.
    #[error("the HTTP client could not be set up: {0}")]
    Setup(String),
}

impl Error {
    pub(crate) fn argument(argument: &str, message: impl Into<String>) -> Self {
        Self::Argument {
            argument: argument.to_owned(),
            message: message.into(),
        }
    }
}

impl From<OutOfBounds> for Error {
    fn from(error: OutOfBounds) -> Self {
        Self::argument("value", error.to_string())
    }
}
