//! The envelope of a message: the members at the top of its object, and whether a response is expected.
//!
//! Owns the names of these members and what follows from which of them are there. Knows no grammar: the reader in this
//! file serves lines that are refused, and finds their `id` wherever it stands.

use serde_json::value::RawValue;

use super::{Line, Refusal, without_mark};
use crate::json::plain_run;

/// Longest spelling of a name of the envelope: each letter escaped.
const LONGEST_NAME: usize = 6 * "jsonrpc".len();

/// A member of the envelope.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Member {
    Id,
    Method,
    Result,
    Error,
    Version,
    Params,
}

impl Member {
    fn named(name: &str) -> Option<Self> {
        Some(match name {
            "id" => Self::Id,
            "method" => Self::Method,
            "result" => Self::Result,
            "error" => Self::Error,
            "jsonrpc" => Self::Version,
            "params" => Self::Params,
            _ => return None,
        })
    }
}

/// What the sender of a message expects.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Expects {
    /// A response: it is a request, or nobody knows what.
    Response,
    /// Nothing, and this is what it is.
    Nothing(&'static str),
}

/// Which members of the envelope an object has.
#[derive(Debug, Default, Clone, Copy)]
pub(super) struct Members {
    /// A bit for each.
    present: u8,
    /// Whether one of them occurs twice.
    pub(super) ambiguous: bool,
}

impl Members {
    /// Notes a name at the top of the object; says which member of the envelope it is, if it is one.
    pub(super) fn add(&mut self, name: &str) -> Option<Member> {
        let member = Member::named(name)?;
        self.ambiguous |= self.has(member);
        self.present |= 1 << member as u8;
        Some(member)
    }

    fn has(self, member: Member) -> bool {
        self.present & 1 << member as u8 != 0
    }

    /// Whether it has what makes it a response.
    fn responds(self) -> bool {
        self.has(Member::Result) || self.has(Member::Error)
    }

    /// Whether it has what a request or a notification has, and nothing that makes it something else.
    pub(super) fn calls(self) -> bool {
        self.has(Member::Method) && !self.responds()
    }

    pub(super) fn expects(self) -> Expects {
        match (self.responds(), self.has(Member::Method)) {
            (true, false) => Expects::Nothing("response"),
            (false, true) if !self.has(Member::Id) => Expects::Nothing("notification"),
            _ => Expects::Response,
        }
    }

    /// An `id`, as JSON, if it can be repeated.
    pub(super) fn repeatable(self, id: &str) -> Option<&str> {
        let scalar = id.starts_with(|c: char| c == '"' || c == '-' || c.is_ascii_digit());
        (scalar && !self.ambiguous).then_some(id)
    }

    /// What becomes of a line with these members, which is refused for this reason.
    pub(super) fn refused(self, why: &str, id: Option<String>) -> Line {
        match self.expects() {
            Expects::Response => Line::Refused(Refusal::invalid(why, id)),
            Expects::Nothing(what) => Line::Ignored(what),
        }
    }
}

/// The envelope of a line of any length. It is read as it comes, in constant space, and its grammar is not checked.
#[derive(Debug, Default)]
pub(super) struct Envelope {
    /// Longest `id` that is kept, in bytes of JSON.
    longest_id: usize,
    begun: bool,
    depth: u64,
    in_string: bool,
    escaped: bool,
    /// The next string at the top is a name.
    expects_name: bool,
    reads_name: bool,
    /// The name that was read, between its quotes.
    name: Vec<u8>,
    reads_id: bool,
    id: Vec<u8>,
    members: Members,
}

impl Envelope {
    /// Of a whole line.
    pub(super) fn of(line: &[u8]) -> Self {
        let mut envelope = Self::keeping(line.len());
        envelope.read(line);
        envelope
    }

    /// An empty one, which keeps an `id` of at most that many bytes of JSON.
    pub(super) fn keeping(longest_id: usize) -> Self {
        Self {
            longest_id,
            ..Self::default()
        }
    }

    /// Reads the next bytes of the line.
    pub(super) fn read(&mut self, bytes: &[u8]) {
        let bytes = if self.begun {
            bytes
        } else {
            without_mark(bytes)
        };
        self.begun |= !bytes.is_empty();
        let mut at = 0;
        while let Some(byte) = bytes.get(at) {
            if self.in_string && !self.escaped && !self.reads_name && !self.reads_id {
                let end = plain_run(bytes, at);
                if end > at {
                    at = end;
                    continue;
                }
            }
            self.step(*byte);
            at += 1;
        }
    }

    fn step(&mut self, byte: u8) {
        if self.in_string {
            self.in_string = self.escaped || byte != b'"';
            self.escaped = !self.escaped && byte == b'\\';
            if self.reads_name {
                match self.in_string {
                    true if self.name.len() <= LONGEST_NAME => self.name.push(byte),
                    true => {}
                    false => self.reads_name = false,
                }
            }
            self.keep(byte);
            return;
        }
        match byte {
            b'"' => {
                self.in_string = true;
                if self.depth == 1 && self.expects_name {
                    self.expects_name = false;
                    self.reads_name = true;
                    self.name.clear();
                }
                self.keep(byte);
            }
            b'{' | b'[' => {
                self.keep(byte);
                self.depth += 1;
                self.expects_name = self.depth == 1 && byte == b'{';
            }
            b'}' | b']' => {
                self.depth = self.depth.saturating_sub(1);
                self.reads_id &= self.depth > 0;
                self.keep(byte);
            }
            b',' if self.depth == 1 => {
                self.expects_name = true;
                self.reads_id = false;
            }
            b':' if self.depth == 1 => self.begin_value(),
            b' ' | b'\t' | b'\r' | b'\n' => {}
            _ => self.keep(byte),
        }
    }

    fn begin_value(&mut self) {
        let name = [b"\"", self.name.as_slice(), b"\""].concat();
        let name: String = serde_json::from_slice(&name).unwrap_or_default();
        if self.members.add(&name) == Some(Member::Id) {
            self.reads_id = true;
            self.id.clear();
        }
    }

    fn keep(&mut self, byte: u8) {
        if self.reads_id {
            self.id.push(byte);
            // Of one that is too long there is no part to repeat.
            if self.id.len() > self.longest_id {
                self.reads_id = false;
                self.id.clear();
            }
        }
    }

    /// The `id` as JSON, if it is one that can be repeated.
    fn id(&self) -> Option<String> {
        let id: &RawValue = serde_json::from_slice(&self.id).ok()?;
        self.members.repeatable(id.get()).map(str::to_owned)
    }

    /// What becomes of the line, which is refused for this reason.
    pub(super) fn refused(&self, why: &str) -> Line {
        self.members.refused(why, self.id())
    }
}
