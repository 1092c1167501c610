//! Why a call gave no answer.

use std::fmt;

use super::tls::ShownCertificate;
use super::{OutOfBounds, Target};
use crate::foreign::Told;
use crate::result::Failure;

/// The HTTP status for too many calls.
const TOO_MANY: u16 = 429;

/// Whether a code of OpManager is one of those for too many calls, which differ by how it counts.
pub(crate) fn is_throttle_code(code: &str) -> bool {
    code.contains("THROTTLES_LIMIT_EXCEEDED")
}

/// Why a call gave no answer. No variant holds the key, a URL or a body.
#[derive(Debug)]
#[non_exhaustive]
pub enum Error {
    /// An argument was refused before anything was sent.
    Argument {
        /// The argument's name.
        argument: String,
        /// What is wrong and what is accepted.
        message: String,
    },
    /// The name could not be resolved, or nothing accepts connections there.
    Connect {
        /// Where to.
        target: Target,
        /// The operating system's reason.
        reason: Told,
    },
    /// TLS failed before the request was sent.
    Tls {
        /// Where to.
        target: Target,
        /// Why the certificate or the handshake was refused.
        reason: Told,
        /// The certificate that was refused.
        certificate: Option<Box<ShownCertificate>>,
        /// Whether no setting could make that certificate usable.
        unusable: bool,
    },
    /// The time limit passed. Whether OpManager acted on the request is unknown.
    Timeout {
        /// Where to.
        target: Target,
        /// The limit.
        seconds: u64,
    },
    /// The connection broke while the request was under way. Whether OpManager acted on it is unknown.
    Interrupted {
        /// Where to.
        target: Target,
        /// What was seen.
        reason: Told,
    },
    /// The body is larger than the limit; it was not read to its end.
    TooLarge {
        /// The limit, in bytes.
        limit: usize,
    },
    /// The body unpacks to more than any real answer does; it was not unpacked to its end.
    Expands {
        /// The limit.
        ratio: usize,
    },
    /// The body is packed in a way that was not asked for.
    Encoding,
    /// HTTP 401 with a demand for another sign-in than by a key.
    SignIn {
        /// The scheme of `WWW-Authenticate`.
        scheme: &'static str,
    },
    /// The rate limit of OpManager for this operation is used up, or OpManager has refused calls of it: nothing was sent.
    HeldBack {
        /// After how many seconds it may be sent; at least 1.
        seconds: u64,
        /// Whether OpManager has refused calls.
        locked: bool,
    },
    /// OpManager answered, and the answer is a failure.
    Refused(Failure),
    /// The answer is a success whose shape is not the documented one.
    Shape(Told),
    /// The HTTP client could not be set up.
    Setup(String),
}

impl Error {
    /// The error, with a demand for a sign-in that came with it, if any.
    pub(crate) fn challenged(self, challenge: Option<&'static str>) -> Self {
        match (self, challenge) {
            (Self::Refused(_), Some(scheme)) => Self::SignIn { scheme },
            (error, _) => error,
        }
    }

    /// Whether it is certain that nothing was sent.
    pub(crate) fn is_unsent(&self) -> bool {
        matches!(
            self,
            Self::Argument { .. }
                | Self::Connect { .. }
                | Self::Tls { .. }
                | Self::HeldBack { .. }
                | Self::Setup(_)
        )
    }

    /// Whether OpManager says that there were too many calls.
    pub(crate) fn is_throttled(&self) -> bool {
        match self {
            Self::Refused(Failure::Reported { status, code, .. }) => {
                let code = code.as_ref().map_or("", Told::as_str);
                *status == TOO_MANY || is_throttle_code(code)
            }
            Self::Refused(Failure::Status { status } | Failure::WebPage { status, .. }) => {
                *status == TOO_MANY
            }
            _ => false,
        }
    }

    pub(crate) fn argument(argument: &str, message: impl Into<String>) -> Self {
        Self::Argument {
            argument: argument.to_owned(),
            message: message.into(),
        }
    }

    /// Whether it repeats words of others, so that a reader must be told that they are data.
    pub fn is_spoken(&self) -> bool {
        match self {
            Self::Connect { reason, .. } | Self::Interrupted { reason, .. } => reason.is_spoken(),
            Self::Tls {
                reason,
                certificate,
                ..
            } => {
                reason.is_spoken()
                    || certificate
                        .as_ref()
                        .is_some_and(|certificate| certificate.is_spoken())
            }
            Self::Shape(reason) => reason.is_spoken(),
            Self::Refused(failure) => failure.is_spoken(),
            Self::Argument { .. }
            | Self::Timeout { .. }
            | Self::TooLarge { .. }
            | Self::Expands { .. }
            | Self::Encoding
            | Self::SignIn { .. }
            | Self::HeldBack { .. }
            | Self::Setup(_) => false,
        }
    }

    /// The error in words that name the target, or, where a reader must not learn it, do not.
    pub(crate) fn words(&self, names_target: bool) -> impl fmt::Display {
        InWords {
            error: self,
            names_target,
        }
    }

    fn write(&self, f: &mut fmt::Formatter<'_>, names_target: bool) -> fmt::Result {
        let name = |target: &Target| {
            if names_target {
                target.to_string()
            } else {
                "OpManager".to_owned()
            }
        };
        match self {
            Self::Argument { argument, message } => write!(f, "`{argument}` {message}"),
            Self::Connect { target, reason } => {
                write!(f, "cannot connect to {}{}", name(target), because(reason))
            }
            Self::Tls {
                target,
                reason,
                certificate,
                ..
            } => {
                write!(f, "TLS with {} failed{}", name(target), because(reason))?;
                match certificate {
                    None => Ok(()),
                    Some(certificate) if names_target => {
                        write!(f, "; its certificate is {certificate}")
                    }
                    Some(certificate) => {
                        write!(f, "; its certificate is {}", certificate.without_names())
                    }
                }
            }
            Self::Timeout { target, seconds } => write!(
                f,
                "no complete answer within {seconds} s from {}",
                name(target)
            ),
            Self::Interrupted { target, reason } => {
                write!(
                    f,
                    "the connection to {} broke{}",
                    name(target),
                    because(reason)
                )
            }
            Self::TooLarge { limit } => write!(f, "the answer is larger than {limit} bytes"),
            Self::Expands { ratio } => {
                write!(f, "the answer unpacks to more than {ratio} times its size")
            }
            Self::Encoding => f.write_str("the answer is packed in an encoding other than gzip"),
            Self::SignIn { scheme } => {
                write!(f, "HTTP status 401: a sign-in by {scheme} is wanted")
            }
            Self::HeldBack {
                seconds,
                locked: true,
            } => write!(
                f,
                "OpManager has refused further calls of this operation, for {seconds} s more"
            ),
            Self::HeldBack { seconds, .. } => write!(
                f,
                "what OpManager permits of this operation is used up, for {seconds} s more"
            ),
            Self::Refused(failure) => write!(f, "{failure}"),
            Self::Shape(reason) => {
                write!(
                    f,
                    "the answer does not have the documented shape{}",
                    because(reason)
                )
            }
            Self::Setup(reason) => {
                write!(f, "the HTTP client could not be set up: {reason}")
            }
        }
    }
}

/// A reason after a colon, if there is one.
fn because(reason: &Told) -> String {
    let reason = reason.as_str();
    if reason.trim().is_empty() {
        String::new()
    } else {
        format!(": {reason}")
    }
}

/// An [`Error`] for readers of one kind.
struct InWords<'a> {
    error: &'a Error,
    names_target: bool,
}

impl fmt::Display for InWords<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.error.write(f, self.names_target)
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.write(f, true)
    }
}

impl std::error::Error for Error {}

impl From<Failure> for Error {
    fn from(failure: Failure) -> Self {
        Self::Refused(failure)
    }
}

impl From<OutOfBounds> for Error {
    fn from(error: OutOfBounds) -> Self {
        Self::argument("value", error.to_string())
    }
}
