//! Whether an answer is a success.
//!
//! OpManager reports most errors with HTTP 200 and an `error` object, sends a login page where a key is
//! not accepted, and answers one operation with something that is not JSON. The body decides, then the
//! status.

use super::scan::Flaw;
use super::shape::{Problem, outline, quoted};

/// Longest message of OpManager that is repeated, in characters.
const LONGEST_MESSAGE: usize = 512;
/// What is kept of a message: the longest spelling of the longest key behind it is whole.
const KEPT: usize = LONGEST_MESSAGE + 2048;

/// A successful answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Answer<'a> {
    /// JSON, checked to be whole.
    Json(&'a [u8]),
    /// The text of `{"…"}`, which is not JSON: the documented answer of setDeviceInfo.
    Message(&'a str),
}

impl Answer<'_> {
    /// The answer as JSON; a bare message gets the form in which the other writes send theirs.
    pub fn into_json(self) -> String {
        match self {
            Answer::Json(body) => String::from_utf8_lossy(body).into_owned(),
            Answer::Message(message) => {
                format!("{{\"result\":{{\"message\":{}}}}}", quoted(message))
            }
        }
    }
}

/// An answer that is a failure.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Failure {
    /// OpManager says what is wrong, mostly with HTTP 200.
    #[error("OpManager reports an error{}: {}", in_brackets(*.status, .code.as_deref()), shorten(.message))]
    Reported {
        /// HTTP status.
        status: u16,
        /// `errorcode`, if sent.
        code: Option<String>,
        /// OpManager's own words; empty if there are none. Told shortened, but kept longer: half of a key is
        /// found by nobody who looks for a key.
        message: String,
    },
    /// An HTTP status other than success, without an explanation in the body.
    #[error("HTTP status {status}")]
    Status {
        /// HTTP status.
        status: u16,
    },
    /// An HTML page, as a web client would get it.
    #[error("a web page came back instead of data (HTTP {status}, {bytes} bytes)")]
    WebPage {
        /// HTTP status.
        status: u16,
        /// Its size.
        bytes: usize,
        /// Whether it looks like a login form.
        login: bool,
    },
    /// Something that is neither JSON nor a web page.
    #[error("the answer is not valid JSON (HTTP {status}, {}, {bytes} bytes)", shorten(.content_type))]
    NotJson {
        /// HTTP status.
        status: u16,
        /// What the server called it.
        content_type: String,
        /// Its size.
        bytes: usize,
    },
    /// JSON that ends too early.
    #[error("the answer ends in the middle ({bytes} bytes came)")]
    Truncated {
        /// What came.
        bytes: usize,
    },
    /// Nothing.
    #[error("the answer is empty (HTTP {status})")]
    Empty {
        /// HTTP status.
        status: u16,
    },
    /// Nested deeper than any documented answer.
    #[error("the answer is nested deeper than 64 levels")]
    TooDeep,
}

/// The error code, and the status where it says more than success.
fn in_brackets(status: u16, code: Option<&str>) -> String {
    match (status, code) {
        (200..300, None) => String::new(),
        (200..300, Some(code)) => format!(" ({})", shorten(code)),
        (_, None) => format!(" (HTTP {status})"),
        (_, Some(code)) => format!(" (HTTP {status}, {})", shorten(code)),
    }
}

/// Judges an answer.
///
/// # Errors
///
/// The failure that it is.
pub fn judge<'a>(
    status: u16,
    content_type: Option<&str>,
    body: &'a [u8],
) -> Result<Answer<'a>, Failure> {
    judge_shaped(status, content_type, body, outline).map(|judged| match judged {
        Judged::Shaped(()) => Answer::Json(trimmed(body)),
        Judged::Message(message) => Answer::Message(message),
    })
}

/// A successful answer and what was made of it.
#[derive(Debug)]
pub enum Judged<'a, T> {
    /// What the reader made of the JSON.
    Shaped(T),
    /// As [`Answer::Message`].
    Message(&'a str),
}

/// Judges an answer while `read` walks its body, so that it is walked once.
///
/// # Errors
///
/// The failure that it is.
pub fn judge_shaped<'a, T>(
    status: u16,
    content_type: Option<&str>,
    body: &'a [u8],
    read: impl FnOnce(&[u8]) -> Result<T, Problem>,
) -> Result<Judged<'a, T>, Failure> {
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
        outline(body).map(|()| None)
    };
    let flaw = match read {
        Ok(Some(shaped)) => return Ok(Judged::Shaped(shaped)),
        Ok(None) => return Err(Failure::Status { status }),
        Err(Problem::Reported { code, message }) => {
            return Err(Failure::Reported {
                status,
                code: code.map(|code| plain(&code)),
                message: plain(&message),
            });
        }
        Err(Problem::Flaw(flaw)) => flaw,
    };
    if is_page(content_type, trimmed) {
        return Err(page(status, trimmed));
    }
    match (flaw, braced_text(trimmed)) {
        _ if !success => Err(Failure::Status { status }),
        (_, Some(message)) => Ok(Judged::Message(message)),
        (Flaw::TooDeep, _) => Err(Failure::TooDeep),
        (Flaw::Truncated, _) => Err(Failure::Truncated { bytes: body.len() }),
        (Flaw::Invalid, _) => Err(Failure::NotJson {
            status,
            content_type: content_type.map_or_else(|| "no content type".to_owned(), plain),
            bytes: body.len(),
        }),
    }
}

/// A body without byte order mark and without white space around it.
fn trimmed(body: &[u8]) -> &[u8] {
    body.strip_prefix(b"\xef\xbb\xbf")
        .unwrap_or(body)
        .trim_ascii()
}

fn page(status: u16, body: &[u8]) -> Failure {
    let text = String::from_utf8_lossy(body).to_ascii_lowercase();
    Failure::WebPage {
        status,
        bytes: body.len(),
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

/// A text without control characters, as far as it is kept.
fn plain(text: &str) -> String {
    let clean: String = text
        .chars()
        .map(|c| if c.is_control() { ' ' } else { c })
        .take(KEPT)
        .collect();
    clean.trim().to_owned()
}

/// What is told of a text.
fn shorten(text: &str) -> &str {
    let end = text.char_indices().nth(LONGEST_MESSAGE);
    text[..end.map_or(text.len(), |(end, _)| end)].trim_end()
}
