//! Whether an answer is a success.
//!
//! OpManager reports most errors with HTTP 200 and an `error` object, sends a login page where a key is
//! not accepted, and answers one operation with something that is not JSON. The body decides, then the
//! status.

use std::borrow::Cow;
use std::fmt;

use crate::foreign::{Foreign, Gate, Source, Told};
use crate::json::{Flaw, quoted};

use super::shape::{self, Plan};

/// A successful answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Answer<'a> {
    /// JSON, checked to be whole. Where it is not the body as it came, flaws inside of strings are repaired, or a list
    /// that came in another place stands in the documented one.
    Json(Cow<'a, [u8]>),
    /// The text of `{"…"}`, which is not JSON: the documented answer of setDeviceInfo.
    Message(&'a str),
}

impl Answer<'_> {
    /// The answer as JSON; a bare message gets the form in which the other writes send theirs.
    pub fn into_json(self) -> String {
        match self {
            Answer::Json(body) => String::from_utf8_lossy(&body).into_owned(),
            Answer::Message(message) => {
                format!("{{\"result\":{{\"message\":{}}}}}", quoted(message))
            }
        }
    }
}

/// An answer that is a failure. As it comes, it holds [`Foreign`] words and cannot be printed; behind the gate
/// ([`Failure::tell`]), it is an error like others.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Failure<T = Told> {
    /// OpManager says what is wrong, mostly with HTTP 200.
    Reported {
        /// HTTP status.
        status: u16,
        /// `errorcode`, if sent.
        code: Option<T>,
        /// OpManager's own words; empty if there are none.
        message: T,
    },
    /// An HTTP status other than success, without an explanation in the body.
    Status {
        /// HTTP status.
        status: u16,
    },
    /// An HTML page, as a web client would get it.
    WebPage {
        /// HTTP status.
        status: u16,
        /// Its size.
        bytes: usize,
        /// Whether it looks like a login form.
        login: bool,
    },
    /// Something that is neither JSON nor a web page.
    NotJson {
        /// HTTP status.
        status: u16,
        /// What the server called it, if it did.
        content_type: Option<T>,
        /// Its size.
        bytes: usize,
    },
    /// JSON that ends too early.
    Truncated {
        /// What came.
        bytes: usize,
    },
    /// Nothing.
    Empty {
        /// HTTP status.
        status: u16,
    },
    /// Nested deeper than any documented answer.
    TooDeep,
    /// The answer is a success, and a condition cannot be compared with what a field holds.
    Uncomparable {
        /// The name that the caller gave.
        name: T,
        /// Why, and what to do.
        why: &'static str,
    },
    /// The answer is a success, and nothing in it has the names that the caller gave.
    UnknownNames {
        /// The argument that holds the names.
        argument: &'static str,
        /// The names that fit nothing.
        names: T,
        /// Names that exist.
        existing: T,
    },
}

impl Failure<Foreign> {
    /// The failure with words that may be shown.
    pub fn tell(self, gate: Gate<'_>) -> Failure {
        let tell = |words: Foreign| gate.tell(&words);
        match self {
            Self::Reported {
                status,
                code,
                message,
            } => Failure::Reported {
                status,
                code: code.map(tell),
                message: tell(message),
            },
            Self::NotJson {
                status,
                content_type,
                bytes,
            } => Failure::NotJson {
                status,
                content_type: content_type.map(tell),
                bytes,
            },
            Self::Status { status } => Failure::Status { status },
            Self::WebPage {
                status,
                bytes,
                login,
            } => Failure::WebPage {
                status,
                bytes,
                login,
            },
            Self::Truncated { bytes } => Failure::Truncated { bytes },
            Self::Empty { status } => Failure::Empty { status },
            Self::TooDeep => Failure::TooDeep,
            Self::Uncomparable { name, why } => Failure::Uncomparable {
                name: tell(name),
                why,
            },
            Self::UnknownNames {
                argument,
                names,
                existing,
            } => Failure::UnknownNames {
                argument,
                names: tell(names),
                existing: tell(existing),
            },
        }
    }
}

impl Failure {
    /// Whether it repeats words of others.
    pub fn is_spoken(&self) -> bool {
        match self {
            Self::Reported { code, message, .. } => {
                message.is_spoken() || code.as_ref().is_some_and(Told::is_spoken)
            }
            Self::NotJson { content_type, .. } => {
                content_type.as_ref().is_some_and(Told::is_spoken)
            }
            Self::UnknownNames { existing, .. } => existing.is_spoken(),
            Self::Status { .. }
            | Self::WebPage { .. }
            | Self::Truncated { .. }
            | Self::Empty { .. }
            | Self::Uncomparable { .. }
            | Self::TooDeep => false,
        }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Reported {
                status,
                code,
                message,
            } => {
                f.write_str("OpManager reports an error")?;
                // The status where it says more than success.
                match (status, code) {
                    (200..300, None) => {}
                    (200..300, Some(code)) => write!(f, " ({code})")?,
                    (_, None) => write!(f, " (HTTP {status})")?,
                    (_, Some(code)) => write!(f, " (HTTP {status}, {code})")?,
                }
                if message.is_empty() {
                    return Ok(());
                }
                write!(f, ": {message}")
            }
            Self::Status { status } => write!(f, "HTTP status {status}"),
            Self::WebPage { status, bytes, .. } => write!(
                f,
                "a web page came back instead of data (HTTP {status}, {bytes} bytes)"
            ),
            Self::NotJson {
                status,
                content_type,
                bytes,
            } => {
                write!(f, "the answer is not valid JSON (HTTP {status}, ")?;
                match content_type {
                    Some(content_type) => write!(f, "{content_type}")?,
                    None => f.write_str("no content type")?,
                }
                write!(f, ", {bytes} bytes)")
            }
            Self::Truncated { bytes } => {
                write!(f, "the answer ends in the middle ({bytes} bytes came)")
            }
            Self::Empty { status } => write!(f, "the answer is empty (HTTP {status})"),
            Self::TooDeep => f.write_str("the answer is nested deeper than 64 levels"),
            Self::Uncomparable { name, why } => {
                write!(f, "`where` cannot compare `{name}`: {why}")
            }
            Self::UnknownNames {
                argument,
                names,
                existing,
            } => {
                write!(
                    f,
                    "`{argument}` names what no item of the answer has: {names}."
                )?;
                if existing.is_empty() {
                    f.write_str(" Its items have no names")
                } else {
                    write!(f, " Its items have: {existing}")
                }
            }
        }
    }
}

impl std::error::Error for Failure {}

/// What an operation may answer beside JSON.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Expected {
    /// Nothing.
    #[default]
    Json,
    /// A sentence in quotes and braces, which is not JSON.
    BareMessage,
}

/// Why a body gives no text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Problem {
    /// It is not acceptable JSON.
    Flaw(Flaw),
    /// It says that the call failed.
    Reported {
        /// The code of the error.
        code: Option<String>,
        /// What is said about it.
        message: String,
    },
    /// A condition cannot be compared with what a field holds.
    Uncomparable {
        /// The name that the caller gave.
        name: String,
        /// Why, and what to do.
        why: &'static str,
    },
    /// Names that the caller gave fit nothing in it.
    UnknownNames {
        /// The argument that holds the names.
        argument: &'static str,
        /// The names.
        names: String,
        /// Names that exist.
        existing: String,
    },
}

impl From<Flaw> for Problem {
    fn from(flaw: Flaw) -> Self {
        Self::Flaw(flaw)
    }
}

/// An answer as it came, and what it may be.
#[derive(Debug, Clone, Copy)]
pub struct Received<'a> {
    /// HTTP status.
    pub status: u16,
    /// What the server calls it.
    pub content_type: Option<&'a str>,
    /// The whole body.
    pub body: &'a [u8],
    /// What the operation may answer beside JSON.
    pub expected: Expected,
}

/// Judges an answer of an operation of which `plan` says where its list is and whether it only reads.
///
/// # Errors
///
/// The failure that it is.
pub fn judge<'a>(received: Received<'a>, plan: Plan<'_>) -> Result<Answer<'a>, Failure<Foreign>> {
    let judged = judge_with(received, |body| {
        let outline = shape::outline(body, plan)?;
        Ok(outline.documented(trimmed(body)))
    })?;
    Ok(match judged {
        Judged::Json(json) => Answer::Json(json),
        Judged::Message(message) => Answer::Message(message),
    })
}

/// A successful answer and what was made of it.
pub(super) enum Judged<'a, T> {
    /// What the reader made of the JSON.
    Json(T),
    /// As [`Answer::Message`].
    Message(&'a str),
}

/// Judges an answer while `read` walks its body, so that it is walked once.
pub(super) fn judge_with<'a, T>(
    received: Received<'a>,
    read: impl FnOnce(&'a [u8]) -> Result<T, Problem>,
) -> Result<Judged<'a, T>, Failure<Foreign>> {
    let Received {
        status,
        content_type,
        body,
        expected,
    } = received;
    let success = (200..300).contains(&status);
    let trimmed = trimmed(body);
    if trimmed.is_empty() {
        return Err(if success {
            Failure::Empty { status }
        } else {
            Failure::Status { status }
        });
    }
    let read = if success {
        read(body).map(Some)
    } else {
        shape::outline(body, Plan::default()).map(|_| None)
    };
    let problem = match read {
        Ok(Some(shaped)) => return Ok(Judged::Json(shaped)),
        Ok(None) => return Err(Failure::Status { status }),
        Err(problem) => problem,
    };
    let is_flaw = matches!(problem, Problem::Flaw(_));
    if is_flaw
        && success
        && expected == Expected::BareMessage
        && !is_page(content_type, trimmed)
        && let Some(message) = braced_text(trimmed)
    {
        return Ok(Judged::Message(message));
    }
    Err(failure(received, body.len(), problem))
}

/// The failure of an answer that gave a problem when it was read. Its body may be the beginning of `bytes`.
pub(crate) fn failure(received: Received<'_>, bytes: usize, problem: Problem) -> Failure<Foreign> {
    let Received {
        status,
        content_type,
        body,
        ..
    } = received;
    let flaw = match problem {
        Problem::Reported { code, message } => {
            return Failure::Reported {
                status,
                code: code.map(|code| Foreign::new(Source::ErrorCode, &code)),
                message: Foreign::new(Source::ErrorMessage, &message),
            };
        }
        Problem::Uncomparable { name, why } => {
            return Failure::Uncomparable {
                name: Foreign::new(Source::ErrorMessage, &name),
                why,
            };
        }
        Problem::UnknownNames {
            argument,
            names,
            existing,
        } => {
            return Failure::UnknownNames {
                argument,
                names: Foreign::new(Source::ErrorMessage, &names),
                existing: Foreign::new(Source::ErrorMessage, &existing),
            };
        }
        Problem::Flaw(flaw) => flaw,
    };
    let beginning = trimmed(body);
    if is_page(content_type, beginning) {
        return page(status, beginning, bytes);
    }
    match flaw {
        _ if !(200..300).contains(&status) => Failure::Status { status },
        Flaw::TooDeep => Failure::TooDeep,
        Flaw::Truncated => Failure::Truncated { bytes },
        Flaw::Invalid => Failure::NotJson {
            status,
            content_type: content_type.map(|kind| Foreign::new(Source::ContentType, kind)),
            bytes,
        },
    }
}

/// A body without byte order mark and without white space around it.
fn trimmed(body: &[u8]) -> &[u8] {
    body.strip_prefix(b"\xef\xbb\xbf")
        .unwrap_or(body)
        .trim_ascii()
}

fn page(status: u16, beginning: &[u8], bytes: usize) -> Failure<Foreign> {
    let text = String::from_utf8_lossy(beginning).to_ascii_lowercase();
    Failure::WebPage {
        status,
        bytes,
        login: ["password", "j_security_check", "login"]
            .iter()
            .any(|word| text.contains(word)),
    }
}

fn is_page(content_type: Option<&str>, body: &[u8]) -> bool {
    body.starts_with(b"<")
        || content_type.is_some_and(|kind| kind.contains("html"))
            && !body.starts_with(b"{")
            && !body.starts_with(b"[")
}

/// The text of `{"text"}`.
fn braced_text(body: &[u8]) -> Option<&str> {
    let inner = std::str::from_utf8(body)
        .ok()?
        .strip_prefix('{')?
        .strip_suffix('}')?
        .trim();
    let text = inner.strip_prefix('"')?.strip_suffix('"')?;
    (!text.contains(['"', '\\', '{', '}'])).then_some(text)
}
