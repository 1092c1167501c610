//! What an answer says of its own success.
//!
//! Owns the rule by which the members of an object report a failure, in the spellings that are known of OpManager and of
//! products like it. Does not know HTTP, nor what else is in the answer.

use crate::json::{Flaw, Kind, Scanner, decoded};

use super::verdict::Problem;

/// Longest text that is kept of a message or code, in characters. What a reader is told is shorter.
const LONGEST: usize = 16_384;

/// What the members of an object say of success, as far as they have been read.
#[derive(Debug, Default)]
pub(super) struct Envelope {
    /// An error in words, or a code that is one.
    error: Option<Said>,
    /// Something that fails only where nothing else was sent: errors by another name, a status, a code.
    doubt: Option<Said>,
    /// `success: false`, and codes of responses.
    denied: bool,
    /// An `error` with nothing in it.
    empty_error: bool,
    /// A status or flag that says success.
    success: bool,
    /// A member that says nothing of success, and is not empty.
    data: bool,
    /// A status in a word that is not known. It may be in the server's language: beside a code of an error it is no data.
    word: bool,
    /// A code that is not one of success.
    code: Option<String>,
    /// Whether that is a code of an error by its name.
    has_error_code: bool,
    /// The text `message`, or one of its other names.
    message: Option<String>,
    /// Whether there is a text by one of the other names of `message`.
    other_message: bool,
}

/// Words about a failure.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
struct Said {
    code: Option<String>,
    message: String,
    /// Whether there is more in it than can be told.
    more: bool,
}

impl Said {
    fn is_empty(&self) -> bool {
        self.message.is_empty() && self.code.is_none() && !self.more
    }

    fn message(message: String) -> Self {
        Self {
            message,
            ..Self::default()
        }
    }
}

/// What a member is about, by its name.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Role {
    Error,
    Errors,
    ErrorText,
    Status,
    Result,
    Success,
    ErrorCode,
    Code,
    ResponseCode,
    Message,
    OtherMessage,
    Data,
}

fn role(name: &str) -> Role {
    // The longest name below; most members are told apart by their length or first letter.
    if name.len() > 17 {
        return Role::Data;
    }
    let plain: String = name
        .chars()
        .filter(|c| !matches!(c, '_' | '-' | ' '))
        .map(|c| c.to_ascii_lowercase())
        .collect();
    match plain.as_str() {
        "error" | "exception" | "fault" => Role::Error,
        "errors" => Role::Errors,
        "errormessage" | "errormsg" | "errordescription" | "errordetails" => Role::ErrorText,
        "status" => Role::Status,
        "result" | "response" => Role::Result,
        "success" | "issuccess" | "ok" => Role::Success,
        "errorcode" => Role::ErrorCode,
        "code" | "statuscode" => Role::Code,
        "responsecode" => Role::ResponseCode,
        "message" => Role::Message,
        "msg" | "detail" | "reason" => Role::OtherMessage,
        _ => Role::Data,
    }
}

/// Whether a member of that name may report a failure, and must be read whole.
pub(super) fn is_telling(name: &str) -> bool {
    !matches!(role(name), Role::Data | Role::Result)
}

impl Envelope {
    /// Reads the member `name`, at whose value the scanner stands, and leaves the scanner there. Reading it again changes
    /// nothing.
    ///
    /// # Errors
    ///
    /// [`Flaw`] of a value that is read.
    pub(super) fn member(&mut self, name: &str, scan: &mut Scanner<'_>) -> Result<(), Flaw> {
        let begin = scan.position();
        let read = self.read(role(name), scan);
        scan.rewind(begin);
        read
    }

    fn read(&mut self, role: Role, scan: &mut Scanner<'_>) -> Result<(), Flaw> {
        let kind = scan.kind()?;
        match role {
            Role::Data => self.other(scan, kind)?,
            Role::Error => {
                let said = said(scan)?;
                match said {
                    None => {}
                    Some(said) if said.is_empty() && kind != Kind::Word => self.empty_error = true,
                    Some(said) => self.error = Some(said),
                }
            }
            Role::Errors => match kind {
                Kind::Number => self.data = true,
                Kind::Word => {}
                // A count of errors may be a text, and a series of errors an array.
                Kind::String => match self.text(scan)? {
                    text if text.is_empty() => {}
                    text if text.starts_with(|c: char| c.is_ascii_digit() || c == '-')
                        || text.eq_ignore_ascii_case("na") =>
                    {
                        self.data = true;
                    }
                    message => self.doubt = Some(Said::message(message)),
                },
                Kind::Array if is_series(scan)? => self.data = true,
                Kind::Array | Kind::Object => match said(scan)? {
                    Some(said) if !said.message.is_empty() => self.error = Some(said),
                    Some(_) if !is_empty(scan, kind)? => self.doubt = Some(Said::default()),
                    _ => {}
                },
            },
            Role::ErrorText => match kind {
                Kind::String => {
                    let message = self.text(scan)?;
                    if !message.is_empty() {
                        self.doubt = Some(Said::message(message));
                    }
                }
                _ => self.other(scan, kind)?,
            },
            Role::Status | Role::Result => match kind {
                Kind::String => match Outcome::of(&self.text(scan)?) {
                    Outcome::Failure => self.doubt = Some(Said::default()),
                    Outcome::Success => self.success = true,
                    Outcome::Neither => self.word = true,
                },
                Kind::Number if role == Role::Status => {
                    let code = scalar(scan)?;
                    match code.parse::<u32>() {
                        Ok(400..=599) => {
                            self.doubt = Some(Said {
                                code: Some(code),
                                ..Said::default()
                            });
                        }
                        Ok(200..=299) => self.success = true,
                        _ => self.data = true,
                    }
                }
                Kind::Word if role == Role::Status => match scalar(scan)?.as_str() {
                    "false" => self.doubt = Some(Said::default()),
                    "true" => self.success = true,
                    _ => {}
                },
                Kind::Object => match inner(scan)? {
                    Some(Problem::Reported { code, message }) => {
                        self.doubt = Some(Said {
                            code,
                            message,
                            more: true,
                        });
                    }
                    _ => self.other(scan, kind)?,
                },
                Kind::Word if scalar(&mut scan.clone())? == "false" => {
                    self.doubt = Some(Said::default());
                }
                _ => self.other(scan, kind)?,
            },
            Role::Success => match kind {
                Kind::Word | Kind::String | Kind::Number => {
                    match scalar(scan)?.to_ascii_lowercase().as_str() {
                        "false" => self.denied = true,
                        // A count of nothing, if anything else is there.
                        "0" => self.doubt = Some(Said::default()),
                        "true" => self.success = true,
                        "null" | "" => {}
                        text => match Outcome::of(text) {
                            Outcome::Failure => self.denied = true,
                            Outcome::Success => self.success = true,
                            Outcome::Neither => self.data = true,
                        },
                    }
                }
                _ => self.other(scan, kind)?,
            },
            Role::ErrorCode | Role::Code | Role::ResponseCode => match kind {
                Kind::Number | Kind::String => {
                    let code = scalar(scan)?;
                    if is_failure(&code) {
                        self.denied |= role == Role::ResponseCode;
                        if role == Role::ErrorCode {
                            self.doubt.get_or_insert_default();
                            self.has_error_code = true;
                        }
                        self.code = Some(code);
                    }
                }
                Kind::Word => {}
                _ => self.other(scan, kind)?,
            },
            Role::Message | Role::OtherMessage => match kind {
                Kind::String => {
                    let text = self.text(scan)?;
                    if role == Role::Message || self.message.is_none() {
                        self.message = Some(text);
                    }
                }
                _ => self.other(scan, kind)?,
            },
        }
        self.other_message |= role == Role::OtherMessage;
        Ok(())
    }

    fn text(&self, scan: &mut Scanner<'_>) -> Result<String, Flaw> {
        scalar(scan).map(|text| text.trim().to_owned())
    }

    /// A member that says nothing of success.
    fn other(&mut self, scan: &mut Scanner<'_>, kind: Kind) -> Result<(), Flaw> {
        if !self.data {
            self.data = !is_empty(scan, kind)?;
        }
        Ok(())
    }

    /// The failure that is beyond doubt whatever else may come.
    pub(super) fn error(&self) -> Option<Problem> {
        self.error.clone().map(reported)
    }

    /// The failure that all members of an outermost object together are.
    pub(super) fn failure(&self) -> Option<Problem> {
        if let Some(problem) = self.error() {
            return Some(problem);
        }
        let mut said = if self.denied {
            self.doubt.clone().unwrap_or_default()
        } else if self.data || self.success || self.word && !self.has_error_code {
            return None;
        } else if let Some(doubt) = &self.doubt {
            doubt.clone()
        } else if self.code.is_some() && self.message.is_some()
            || self.empty_error && self.message.is_none()
        {
            Said::default()
        } else {
            return None;
        };
        if said.message.is_empty() {
            said.message = self.message.clone().unwrap_or_default();
        }
        said.code = said.code.or_else(|| self.code.clone());
        Some(reported(said))
    }

    /// The failure that an object is which is not the outermost: only if there is nothing else in it.
    pub(super) fn inner_failure(&self) -> Option<Problem> {
        if self.data || self.word || self.success || (self.empty_error && self.doubt.is_none()) {
            return None;
        }
        self.failure()
    }

    /// The text of an object that is nothing but a `message` without any code.
    pub(super) fn bare_message(&self) -> Option<&str> {
        let bare = !self.other_message
            && !self.data
            && !self.word
            && !self.success
            && !self.denied
            && self.code.is_none()
            && self.doubt.is_none()
            && self.error.is_none();
        self.message
            .as_deref()
            .filter(|text| bare && !text.is_empty())
    }
}

/// What an object is, if it reports a failure and nothing else.
fn inner(scan: &Scanner<'_>) -> Result<Option<Problem>, Flaw> {
    let mut scan = scan.clone();
    let mut envelope = Envelope::default();
    let mut more = scan.open(b'}')?;
    while more {
        let key = scan.key()?;
        let name = decoded(&scan, &key);
        let (role, kind) = (role(&name), scan.kind()?);
        if matches!(kind, Kind::Object | Kind::Array) && matches!(role, Role::Data | Role::Result) {
            // Data, which may be the list, and is not to be waited for.
            return Ok(None);
        }
        let begin = scan.position();
        envelope.read(role, &mut scan)?;
        scan.rewind(begin);
        scan.skip(2)?;
        more = scan.next(b'}')?;
    }
    Ok(envelope.inner_failure())
}

fn reported(said: Said) -> Problem {
    Problem::Reported {
        code: said.code.filter(|code| !code.is_empty()),
        message: said.message,
    }
}

/// What a word says of the outcome of a call.
enum Outcome {
    Success,
    Failure,
    Neither,
}

impl Outcome {
    fn of(word: &str) -> Self {
        match word.trim().to_lowercase().as_str() {
            "error" | "errors" | "fail" | "failed" | "failure" | "unsuccessful" | "exception"
            | "fatal" | "denied" | "unauthorized" | "forbidden" => Self::Failure,
            "success" | "succeeded" | "successful" | "ok" | "done" => Self::Success,
            _ => Self::Neither,
        }
    }
}

/// Whether a code is one of failure: not nothing, zero, HTTP's success, or the 4000 of Applications Manager.
fn is_failure(code: &str) -> bool {
    let code = code.trim();
    match code.parse::<i64>() {
        Ok(number) => !matches!(number, 0 | 200..=299 | 4000),
        Err(_) => !code.is_empty() && !matches!(Outcome::of(code), Outcome::Success),
    }
}

/// Whether nothing is in the value at which the scanner stands.
fn is_empty(scan: &mut Scanner<'_>, kind: Kind) -> Result<bool, Flaw> {
    let mut ahead = scan.clone();
    Ok(match kind {
        Kind::Object => !ahead.open(b'}')?,
        Kind::Array => !ahead.open(b']')?,
        Kind::String => ahead.string()?.range.is_empty(),
        Kind::Word => {
            let word = ahead.word()?;
            ahead.plain(word) == "null"
        }
        Kind::Number => false,
    })
}

/// Whether the array at which the scanner stands begins with a number or an array.
fn is_series(scan: &Scanner<'_>) -> Result<bool, Flaw> {
    let mut ahead = scan.clone();
    Ok(ahead.open(b']')? && matches!(ahead.kind()?, Kind::Number | Kind::Array))
}

/// What the value of an `error` says; `None` if it says that there is none.
fn said(scan: &mut Scanner<'_>) -> Result<Option<Said>, Flaw> {
    let begin = scan.position();
    let said = match scan.kind()? {
        Kind::Word => (scalar(scan)? == "true").then(Said::default),
        Kind::Number => {
            let code = scalar(scan)?;
            let zero = code.parse::<f64>() == Ok(0.0);
            Some(Said {
                code: (!zero).then_some(code),
                ..Said::default()
            })
        }
        Kind::String => {
            let text = scalar(scan)?.trim().to_owned();
            let none = ["false", "null", "none", "0"]
                .iter()
                .any(|none| text.eq_ignore_ascii_case(none));
            Some(if none {
                Said::default()
            } else {
                Said::message(text)
            })
        }
        Kind::Array => {
            let first = if scan.open(b']')? {
                said(scan)?.unwrap_or_default()
            } else {
                Said::default()
            };
            Some(first)
        }
        Kind::Object => Some(said_by_members(scan)?),
    };
    scan.rewind(begin);
    Ok(said)
}

fn said_by_members(scan: &mut Scanner<'_>) -> Result<Said, Flaw> {
    let mut said = Said::default();
    let mut more = scan.open(b'}')?;
    while more {
        let key = scan.key()?;
        let role = role(&decoded(scan, &key));
        let kind = scan.kind()?;
        said.more |= !is_empty(scan, kind)?;
        let mut value = scalar(scan)?;
        if kind == Kind::Word && value != "true" {
            value.clear();
        }
        match role {
            Role::Message => said.message = value,
            Role::OtherMessage | Role::ErrorText | Role::Error if said.message.is_empty() => {
                said.message = value;
            }
            Role::ErrorCode | Role::Code | Role::ResponseCode | Role::Status
                if !value.is_empty() =>
            {
                said.code = Some(value);
            }
            _ => {}
        }
        more = scan.next(b'}')?;
    }
    Ok(said)
}

/// A scalar as text, the beginning of it if it is very long; a container as nothing.
fn scalar(scan: &mut Scanner<'_>) -> Result<String, Flaw> {
    Ok(match scan.kind()? {
        Kind::String => {
            let span = scan.string()?;
            let mut text = String::new();
            crate::json::decode(&crate::json::sent(scan, &span), LONGEST, &mut text);
            text
        }
        Kind::Number => {
            let range = scan.number()?;
            scan.plain(range).to_owned()
        }
        Kind::Word => {
            let range = scan.word()?;
            scan.plain(range).to_owned()
        }
        Kind::Object | Kind::Array => {
            scan.skip(2)?;
            String::new()
        }
    })
}
