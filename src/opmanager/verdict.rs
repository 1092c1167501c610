//! Whether an answer is a success.
//!
//! OpManager reports most errors with HTTP 200 and an `error` object, sends a login page where a key is
//! not accepted, and answers one operation with something that is not JSON. The body decides, then the
//! status. Nothing here builds a tree of the body: it is walked once and forgotten.

use std::fmt;

use serde::de::{IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer};

use super::Text;

/// Deepest nesting that is passed on; clients and models choke on more.
const DEEPEST: usize = 64;
/// Longest message of OpManager that is repeated.
const LONGEST_MESSAGE: usize = 512;

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
                serde_json::json!({ "result": { "message": message } }).to_string()
            }
        }
    }
}

/// An answer that is a failure.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Failure {
    /// OpManager says what is wrong, mostly with HTTP 200.
    #[error("OpManager reports an error{}: {message}", in_brackets(.code))]
    Reported {
        /// HTTP status.
        status: u16,
        /// `errorcode`, if sent.
        code: Option<String>,
        /// OpManager's own words, shortened; empty if there are none.
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
    #[error("the answer is not valid JSON (HTTP {status}, {content_type}, {bytes} bytes)")]
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
    #[error("the answer is nested deeper than {DEEPEST} levels")]
    TooDeep,
}

fn in_brackets(code: &Option<String>) -> String {
    code.as_ref()
        .map(|code| format!(" ({code})"))
        .unwrap_or_default()
}

/// Judges an answer.
pub(super) fn judge<'a>(
    status: u16,
    content_type: Option<&str>,
    body: &'a [u8],
) -> Result<Answer<'a>, Failure> {
    let success = (200..300).contains(&status);
    let body = body
        .strip_prefix(b"\xef\xbb\xbf")
        .unwrap_or(body)
        .trim_ascii();
    if body.is_empty() {
        return Err(if success {
            Failure::Empty { status }
        } else {
            Failure::Status { status }
        });
    }
    if depth(body) > DEEPEST {
        return Err(Failure::TooDeep);
    }
    match serde_json::from_slice::<Outline>(body) {
        Ok(Outline { error: Some(error) }) => Err(Failure::Reported {
            status,
            code: error.code.map(|code| shorten(&code)),
            message: shorten(&error.message),
        }),
        Ok(_) if success && std::str::from_utf8(body).is_ok() => Ok(Answer::Json(body)),
        Ok(_) if success => Err(not_json(status, content_type, body)),
        Ok(_) => Err(Failure::Status { status }),
        Err(_) if !success && !is_page(content_type, body) => Err(Failure::Status { status }),
        Err(error) if error.is_eof() => Err(Failure::Truncated { bytes: body.len() }),
        Err(_) => match braced_text(body) {
            Some(message) if success => Ok(Answer::Message(message)),
            _ => Err(not_json(status, content_type, body)),
        },
    }
}

fn not_json(status: u16, content_type: Option<&str>, body: &[u8]) -> Failure {
    let bytes = body.len();
    if is_page(content_type, body) {
        let lower = String::from_utf8_lossy(body).to_ascii_lowercase();
        let login = ["password", "j_security_check", "login"]
            .iter()
            .any(|word| lower.contains(word));
        return Failure::WebPage {
            status,
            bytes,
            login,
        };
    }
    let content_type = content_type.map_or_else(|| "no content type".to_owned(), shorten);
    Failure::NotJson {
        status,
        content_type,
        bytes,
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

/// The deepest nesting of brackets outside of strings. Counted on the bytes, because the parsers that
/// skip values accept any depth.
fn depth(body: &[u8]) -> usize {
    let (mut depth, mut deepest, mut in_string, mut escaped) = (0usize, 0, false, false);
    for byte in body {
        match byte {
            _ if escaped => escaped = false,
            b'\\' if in_string => escaped = true,
            b'"' => in_string = !in_string,
            _ if in_string => {}
            b'[' | b'{' => {
                depth += 1;
                deepest = deepest.max(depth);
            }
            b']' | b'}' => depth = depth.saturating_sub(1),
            _ => {}
        }
    }
    deepest
}

fn shorten(text: &str) -> String {
    let clean: String = text
        .chars()
        .map(|c| if c.is_control() { ' ' } else { c })
        .take(LONGEST_MESSAGE)
        .collect();
    clean.trim().to_owned()
}

/// What the verdict needs to see of a body: whether the outermost object has an `error`.
struct Outline {
    error: Option<Reported>,
}

struct Reported {
    code: Option<String>,
    message: String,
}

impl<'de> Deserialize<'de> for Outline {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(OutlineVisitor)
    }
}

struct OutlineVisitor;

macro_rules! no_error {
    ($($visit:ident: $kind:ty),*) => {$(
        fn $visit<E>(self, _: $kind) -> Result<Outline, E> {
            Ok(Outline { error: None })
        }
    )*};
}

impl<'de> Visitor<'de> for OutlineVisitor {
    type Value = Outline;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }

    no_error!(visit_bool: bool, visit_i64: i64, visit_u64: u64, visit_f64: f64, visit_str: &str);

    fn visit_unit<E>(self) -> Result<Outline, E> {
        Ok(Outline { error: None })
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Outline, A::Error> {
        while seq.next_element::<IgnoredAny>()?.is_some() {}
        Ok(Outline { error: None })
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Outline, A::Error> {
        let mut error = None;
        while let Some(key) = map.next_key::<std::borrow::Cow<'de, str>>()? {
            if key == "error" {
                error = map.next_value::<Option<ErrorObject>>()?;
            } else {
                map.next_value::<IgnoredAny>()?;
            }
        }
        Ok(Outline {
            error: error.map(|ErrorObject(reported)| reported),
        })
    }
}

/// The value of `error`: an object with `message` and `errorcode` or `code`, or just a text.
struct ErrorObject(Reported);

impl<'de> Deserialize<'de> for ErrorObject {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct ErrorVisitor;

        impl<'de> Visitor<'de> for ErrorVisitor {
            type Value = ErrorObject;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an error object")
            }

            fn visit_str<E>(self, message: &str) -> Result<ErrorObject, E> {
                Ok(ErrorObject(Reported {
                    code: None,
                    message: message.to_owned(),
                }))
            }

            fn visit_bool<E>(self, value: bool) -> Result<ErrorObject, E> {
                Ok(ErrorObject(Reported {
                    code: None,
                    message: value.to_string(),
                }))
            }

            fn visit_i64<E>(self, value: i64) -> Result<ErrorObject, E> {
                Ok(ErrorObject(Reported {
                    code: Some(value.to_string()),
                    message: String::new(),
                }))
            }

            fn visit_u64<E>(self, value: u64) -> Result<ErrorObject, E> {
                Ok(ErrorObject(Reported {
                    code: Some(value.to_string()),
                    message: String::new(),
                }))
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<ErrorObject, A::Error> {
                let first = seq.next_element::<ErrorObject>()?;
                while seq.next_element::<IgnoredAny>()?.is_some() {}
                Ok(first.unwrap_or(ErrorObject(Reported {
                    code: None,
                    message: String::new(),
                })))
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<ErrorObject, A::Error> {
                let (mut code, mut message) = (None, String::new());
                while let Some(key) = map.next_key::<std::borrow::Cow<'de, str>>()? {
                    match key.as_ref() {
                        "message" => message = map.next_value::<Text>()?.to_string(),
                        "errorcode" | "code" => code = Some(map.next_value::<Text>()?.to_string()),
                        _ => {
                            map.next_value::<IgnoredAny>()?;
                        }
                    }
                }
                Ok(ErrorObject(Reported { code, message }))
            }
        }

        deserializer.deserialize_any(ErrorVisitor)
    }
}
