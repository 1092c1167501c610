//! What decides about a message before it is parsed.
//!
//! Owns one pass of the scanner over a line that is an object, and what must hold of the members that it finds: those of
//! the envelope, and the few below them that rmcp repeats when it refuses a message. Builds no tree and no typed
//! message.

use std::borrow::Cow;

use super::envelope::{Expects, Member, Members};
use super::repair::{CAPABILITIES, CLIENT_INFO, OBJECT, Repairs, is_empty};
use super::{Line, Refusal, Unparsed};
use crate::json::{Flaw, Kind, Scanner, decoded};

/// Name of the protocol version in `_meta`.
pub(in crate::transport) const META_VERSION: &str = "io.modelcontextprotocol/protocolVersion";

/// Names of what each request of the newest protocol says of its client.
const META_CAPABILITIES: &str = "io.modelcontextprotocol/clientCapabilities";
const META_CLIENT_INFO: &str = "io.modelcontextprotocol/clientInfo";

/// The members of a message that decide about it.
#[derive(Debug)]
pub(super) struct Outline<'a> {
    members: Members,
    /// JSON; empty without.
    id: &'a str,
    is_json_rpc_2: bool,
    method: Option<Cow<'a, str>>,
    /// Whether `params` are absent, `null` or an object.
    has_sound_params: bool,
    /// The same of their `_meta`.
    has_sound_meta: bool,
    /// Where the members of `params` begin, if they have some and `capabilities` is none of them.
    lacks_capabilities: Option<usize>,
    repairs: Repairs,
    name: Part<'a>,
    uri: Part<'a>,
    /// Whether each protocol version in it looks like one.
    has_plain_versions: bool,
}

/// A member below `params`.
#[derive(Debug)]
enum Part<'a> {
    Absent,
    Text(Cow<'a, str>),
    /// Not a string, or there twice: readers would disagree about its value.
    Unusable,
}

impl<'a> Part<'a> {
    fn add(&mut self, value: Option<Cow<'a, str>>) {
        *self = match (&self, value) {
            (Self::Absent, Some(text)) => Self::Text(text),
            _ => Self::Unusable,
        };
    }

    fn text(&self) -> Option<&str> {
        match self {
            Self::Text(text) => Some(text),
            Self::Absent | Self::Unusable => None,
        }
    }
}

impl<'a> Outline<'a> {
    /// Reads a text that begins with an object.
    ///
    /// # Errors
    ///
    /// If the text is not one well-formed object, nested no deeper than accepted.
    pub(super) fn read(text: &'a str) -> Result<Self, Flaw> {
        let mut outline = Self {
            members: Members::default(),
            id: "",
            is_json_rpc_2: false,
            method: None,
            has_sound_params: true,
            has_sound_meta: true,
            lacks_capabilities: None,
            repairs: Repairs::default(),
            name: Part::Absent,
            uri: Part::Absent,
            has_plain_versions: true,
        };
        let scanner = &mut Scanner::strict(text);
        each_member(scanner, |scanner, name| {
            match outline.members.add(name) {
                Some(Member::Id) => outline.id = skipped(scanner, 1)?,
                Some(Member::Method) => outline.method = string(scanner, 1)?,
                Some(Member::Version) => {
                    outline.is_json_rpc_2 = string(scanner, 1)?.as_deref() == Some("2.0");
                }
                Some(Member::Params) => outline.read_params(scanner)?,
                Some(Member::Result) => drop(outline.repairs.fit(scanner, &OBJECT, 1)?),
                _ => scanner.skip(1)?,
            }
            Ok(())
        })?;
        scanner.end()?;
        if let ("initialize", Some(start)) = (
            outline.method().unwrap_or_default(),
            outline.lacks_capabilities,
        ) {
            let nothing = "\"capabilities\":{},";
            outline.repairs.replace(start..start, nothing);
        }
        Ok(outline)
    }

    /// Reads an object of the protocol that is not there, `null` or empty in PHP's way; returns whether it is that.
    fn read_nothing(&mut self, scanner: &mut Scanner<'a>, depth: u32) -> Result<bool, Flaw> {
        let start = scanner.position();
        let value = skipped(scanner, depth)?;
        if is_empty(value) {
            self.repairs.replace(start..scanner.position(), "{}");
        }
        Ok(value == "null" || is_empty(value))
    }

    fn read_params(&mut self, scanner: &mut Scanner<'a>) -> Result<(), Flaw> {
        if scanner.kind()? != Kind::Object {
            self.has_sound_params = self.read_nothing(scanner, 1)?;
            return Ok(());
        }
        let inside = scanner.position() + 1;
        let mut has_capabilities = false;
        each_member(scanner, |scanner, name| {
            self.lacks_capabilities.get_or_insert(inside);
            match name {
                "name" => self.name.add(string(scanner, 2)?),
                "uri" => self.uri.add(string(scanner, 2)?),
                "protocolVersion" => self.note_version(string(scanner, 2)?.as_deref()),
                "_meta" if scanner.kind()? == Kind::Object => {
                    each_member(scanner, |scanner, name| {
                        match name {
                            META_VERSION => self.note_version(string(scanner, 3)?.as_deref()),
                            META_CAPABILITIES => {
                                self.repairs.fit_or_empty(scanner, &CAPABILITIES, 3)?;
                            }
                            META_CLIENT_INFO => drop(self.repairs.fit(scanner, &CLIENT_INFO, 3)?),
                            _ => scanner.skip(3)?,
                        }
                        Ok(())
                    })?;
                }
                "_meta" => self.has_sound_meta &= self.read_nothing(scanner, 2)?,
                "capabilities" => {
                    has_capabilities = true;
                    self.repairs.fit_or_empty(scanner, &CAPABILITIES, 2)?;
                }
                // What is missing in it is named by who reads it.
                "clientInfo" => drop(self.repairs.fit(scanner, &CLIENT_INFO, 2)?),
                "arguments" | "context" | "inputResponses" => {
                    self.repairs.fit(scanner, &OBJECT, 2)?;
                }
                _ => scanner.skip(2)?,
            }
            Ok(())
        })?;
        if has_capabilities {
            self.lacks_capabilities = None;
        }
        Ok(())
    }

    fn note_version(&mut self, version: Option<&str>) {
        self.has_plain_versions &= version.is_none_or(is_version);
    }

    /// Checks what can be told without parsing.
    ///
    /// # Errors
    ///
    /// What becomes of a line that is not an acceptable message.
    pub(super) fn check(&self) -> Result<(), Line> {
        if self.members.ambiguous {
            return Err(self.members.refused("a member occurs twice", None));
        }
        if self.members.expects() != Expects::Response {
            return Ok(());
        }
        let id = self.members.repeatable(self.id);
        let refused = |why| Err(self.members.refused(why, id.map(str::to_owned)));
        if !self.members.calls() {
            return refused("neither a request nor a notification");
        }
        let Some(known) = id else {
            return refused("`id` is neither a string nor an integer");
        };
        if !is_exact(known) {
            return refused("`id` is neither a string nor an integer of 64 bits");
        }
        if !self.is_json_rpc_2 || self.method.is_none() {
            return refused("not a JSON-RPC 2.0 request");
        }
        let invalid = |why| {
            let refusal = Refusal::invalid_params(why, id.map(str::to_owned));
            Err(Line::Refused(refusal))
        };
        if !self.has_sound_params {
            return invalid("`params` must be an object");
        }
        if !self.has_sound_meta {
            return invalid("`_meta` must be an object");
        }
        if !self.has_plain_versions {
            return invalid("a protocol version is a date, as in 2026-07-28");
        }
        Ok(())
    }

    /// The message as it is meant, if that is not how it is written.
    pub(super) fn repaired(&self, text: &str) -> Option<String> {
        self.repairs.apply(text)
    }

    /// The method, if it is a string.
    pub(super) fn method(&self) -> Option<&str> {
        self.method.as_deref()
    }

    /// The tool, prompt or resource that the method addresses: of the methods that rmcp knows, the member that it compares
    /// with the header `Mcp-Name`.
    pub(super) fn subject(&self) -> Option<&str> {
        match self.method()? {
            "tools/call" | "prompts/get" => self.name.text(),
            "resources/read" | "resources/subscribe" | "resources/unsubscribe" => self.uri.text(),
            _ => self.name.text().or(self.uri.text()),
        }
    }

    /// What is needed to respond if the message cannot be parsed, with an `id` of at most that many bytes.
    pub(super) fn unparsed(&self, longest_id: usize) -> Unparsed {
        let id = self.members.repeatable(self.id);
        Unparsed {
            expects: self.members.expects(),
            id: id.filter(|id| id.len() <= longest_id).map(str::to_owned),
        }
    }
}

/// Steps through the object that begins here, giving the name of each member; the reader steps over its value.
pub(super) fn each_member<'a>(
    scanner: &mut Scanner<'a>,
    mut read: impl FnMut(&mut Scanner<'a>, &str) -> Result<(), Flaw>,
) -> Result<(), Flaw> {
    let mut more = scanner.open(b'}')?;
    while more {
        let key = scanner.key()?;
        let name = decoded(scanner, &key);
        read(scanner, &name)?;
        more = scanner.next(b'}')?;
    }
    Ok(())
}

/// The text of the value that begins here, `depth` containers below the outermost.
pub(super) fn skipped<'a>(scanner: &mut Scanner<'a>, depth: u32) -> Result<&'a str, Flaw> {
    let start = scanner.position();
    scanner.skip(depth)?;
    Ok(scanner.plain(start..scanner.position()))
}

/// The string that begins here; anything else is stepped over.
fn string<'a>(scanner: &mut Scanner<'a>, depth: u32) -> Result<Option<Cow<'a, str>>, Flaw> {
    if scanner.kind()? != Kind::String {
        scanner.skip(depth)?;
        return Ok(None);
    }
    let span = scanner.string()?;
    Ok(Some(decoded(scanner, &span)))
}

/// Whether an `id` comes back exactly as it was written.
fn is_exact(id: &str) -> bool {
    id.starts_with('"')
        || id
            .parse::<i64>()
            .is_ok_and(|number| number.to_string() == id)
}

/// Whether a text can be a protocol version. rmcp repeats one that it does not know, and it may be a key in the wrong
/// place.
pub(in crate::transport) fn is_version(text: &str) -> bool {
    /// Longest one that is accepted, in bytes.
    const LONGEST: usize = 32;
    let numbers = text.strip_prefix("DRAFT-").unwrap_or(text);
    let plain = |c: char| c.is_ascii_digit() || matches!(c, '-' | '.' | 'v');
    let word = |c: char| c.is_ascii_alphabetic() || c == '-';
    text.len() <= LONGEST && (numbers.chars().all(plain) || text.chars().all(word))
}
