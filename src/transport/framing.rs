//! Lines of JSON-RPC: where one ends, and what becomes of it.
//!
//! Owns the bounds of a message and the answers to what is none. Knows no session: bytes come in, and a
//! message, an answer, or nothing goes out. It reads no further than its bound allows and keeps nothing of a
//! line that is longer.
//!
//! | line | answer |
//! | --- | --- |
//! | empty, or white space only | none |
//! | not UTF-8, not JSON, or cut off | -32700, `id` null |
//! | longer than `--max-request-bytes`, nested deeper than 64, or with half of a surrogate pair | -32600 |
//! | an array (a batch; the protocol has none), or any other value that is no object | -32600, `id` null |
//! | an object that is no message, or has a member of the envelope twice | -32600 |
//! | a request whose `id` is neither a string nor an integer of 64 bits | -32600 |
//! | a request whose `params` are no object | -32602 |
//! | a response or a notification, whatever else is wrong with it | none |
//!
//! A request that gets no answer keeps its caller waiting, so each of them gets one. Nothing else does: an
//! answer to an answer could go back and forth for ever. For the same reason a line that is too long or nested
//! too deep is still read to its end, a byte at a time and without keeping it: only the names at its top tell
//! whether somebody waits, and under which `id`. Common clients write that one last.
//!
//! Where the `id` cannot be told, JSON-RPC 2.0 (section 5) demands `"id":null`. The types of rmcp leave the
//! member out then, so these answers are written here. A byte order mark and `\r\n` are accepted. The last line
//! may end with the input.
//!
//! What is a message but not a sound call is answered further on: `tools/call` with unreadable parameters in
//! [`server`](crate::server), arguments in [`tools`](crate::tools).

use std::borrow::Cow;

use rmcp::model::{ClientJsonRpcMessage, ErrorCode, JsonRpcMessage, RequestId};
use serde::Deserialize;
use serde::de::IgnoredAny;
use serde_json::value::RawValue;

use crate::json::{Flaw, Kind, outermost, plain_run};

/// Longest `id` that is repeated for a line that is not kept, in bytes of JSON.
const LONGEST_ID: usize = 1024;
/// Longest spelling of a name of the envelope: each letter escaped.
const LONGEST_NAME: usize = 6 * "jsonrpc".len();

/// What becomes of a line.
#[derive(Debug)]
pub enum Line {
    /// A message.
    Message(Box<ClientJsonRpcMessage>),
    /// Something that is answered at once.
    Refused(Refusal),
    /// Something that has no answer. The word says what, for the log.
    Ignored(&'static str),
}

/// The answer to a line that is no acceptable message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    code: i32,
    message: String,
    /// JSON.
    id: Option<String>,
}

impl Refusal {
    /// What cannot be read.
    fn unreadable(message: &str) -> Self {
        Self {
            code: -32700,
            message: format!("parse error: {message}"),
            id: None,
        }
    }

    /// What can be read and is no request.
    fn invalid(message: impl AsRef<str>, id: Option<String>) -> Self {
        Self {
            code: -32600,
            message: format!("invalid request: {}", message.as_ref()),
            id,
        }
    }

    /// The answer to a request of that id which cannot be accepted now.
    pub(super) fn to(id: &RequestId, message: &str) -> Self {
        Self::invalid(message, serde_json::to_string(id).ok())
    }

    /// The answer to a request whose headers name something else than it does.
    pub(super) fn mismatch(message: &str) -> Self {
        Self {
            code: ErrorCode::HEADER_MISMATCH.0,
            message: message.to_owned(),
            id: None,
        }
    }

    /// The answer to a request that comes while so many are open. The code is one of those that JSON-RPC leaves to
    /// servers.
    pub(super) fn too_many(id: &RequestId, open: usize) -> Self {
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

    /// The answer as a line, with its end.
    pub fn to_line(&self) -> Vec<u8> {
        let Self { code, message, id } = self;
        let message = serde_json::Value::from(message.as_str());
        let id = id.as_deref().unwrap_or("null");
        format!("{{\"jsonrpc\":\"2.0\",\"id\":{id},\"error\":{{\"code\":{code},\"message\":{message}}}}}\n")
            .into_bytes()
    }
}

/// What is said of a protocol version that is not like any.
pub(super) const NOT_A_VERSION: &str = "a protocol version is a date, as in 2026-07-28";

/// Whether a text can be a protocol version. The protocol's library repeats one that it does not know, and it may be a
/// key in the wrong place.
pub(super) fn is_version(text: &str) -> bool {
    /// Longest one that is believed to be one, in characters.
    const LONGEST: usize = 32;
    let numbers = text.strip_prefix("DRAFT-").unwrap_or(text);
    let plain = |c: char| c.is_ascii_digit() || matches!(c, '-' | '.' | 'v');
    let word = |c: char| c.is_ascii_alphabetic() || c == '-';
    text.len() <= LONGEST && (numbers.chars().all(plain) || text.chars().all(word))
}

/// The parts of a request that the protocol's library repeats when it refuses it.
#[derive(Default, Deserialize)]
pub(super) struct Named<'a> {
    #[serde(borrow, default)]
    method: Cow<'a, str>,
    #[serde(borrow, default)]
    params: NamedParams<'a>,
}

#[derive(Default, Deserialize)]
struct NamedParams<'a> {
    #[serde(borrow)]
    name: Option<Cow<'a, str>>,
    #[serde(borrow)]
    uri: Option<Cow<'a, str>>,
    #[serde(borrow, rename = "protocolVersion")]
    version: Option<Cow<'a, str>>,
    #[serde(borrow, rename = "_meta", default)]
    meta: NamedMeta<'a>,
}

#[derive(Default, Deserialize)]
struct NamedMeta<'a> {
    #[serde(borrow, rename = "io.modelcontextprotocol/protocolVersion")]
    version: Option<Cow<'a, str>>,
}

impl<'a> Named<'a> {
    /// The parts of a message. One in which they have other types has none.
    pub(super) fn of(text: &'a str) -> Self {
        serde_json::from_str(text).unwrap_or_default()
    }

    /// Its method.
    pub(super) fn method(&self) -> &str {
        &self.method
    }

    /// The tool, prompt or resource that it is about.
    pub(super) fn subject(&self) -> Option<&str> {
        let NamedParams { name, uri, .. } = &self.params;
        name.as_deref().or(uri.as_deref())
    }

    fn has_plain_versions(&self) -> bool {
        let versions = [&self.params.version, &self.params.meta.version];
        versions
            .into_iter()
            .flatten()
            .all(|version| is_version(version))
    }
}

/// Splits bytes into lines and judges each.
#[derive(Debug)]
pub struct Framing {
    longest: usize,
    line: Vec<u8>,
    /// What is known of a line that is longer than it may be; the line itself is not kept.
    overlong: Option<Envelope>,
}

impl Framing {
    /// For lines of at most that many bytes.
    pub fn new(longest: usize) -> Self {
        Self {
            longest,
            line: Vec::new(),
            overlong: None,
        }
    }

    /// Takes bytes up to the end of a line; says how many, and what became of the line if it has ended.
    pub fn take(&mut self, bytes: &[u8]) -> (usize, Option<Line>) {
        match bytes.iter().position(|byte| *byte == b'\n') {
            Some(end) => {
                self.add(&bytes[..end]);
                (end + 1, Some(self.finish()))
            }
            None => {
                self.add(bytes);
                (bytes.len(), None)
            }
        }
    }

    /// The last line, if the input has ended in the middle of it.
    pub fn end(&mut self) -> Option<Line> {
        (!self.line.is_empty() || self.overlong.is_some()).then(|| self.finish())
    }

    /// Bytes that are held.
    pub fn held(&self) -> usize {
        self.line.capacity()
    }

    fn add(&mut self, bytes: &[u8]) {
        if let Some(envelope) = &mut self.overlong {
            envelope.read(bytes);
            return;
        }
        let whole = self.line.len() + bytes.len();
        if whole <= self.longest {
            // A vector that grows on its own may come to hold twice the bound.
            let wanted = whole.next_power_of_two().min(self.longest);
            self.line.reserve_exact(wanted - self.line.len());
            self.line.extend_from_slice(bytes);
            return;
        }
        let mut envelope = Envelope::keeping(LONGEST_ID);
        envelope.read(&self.line);
        envelope.read(bytes);
        self.line = Vec::new();
        self.overlong = Some(envelope);
    }

    fn finish(&mut self) -> Line {
        if let Some(envelope) = self.overlong.take() {
            return envelope.refused(&format!(
                "longer than {} bytes (--max-request-bytes)",
                self.longest
            ));
        }
        let line = judge(&self.line);
        self.line.clear();
        line
    }
}

/// What becomes of a whole line.
pub fn judge(line: &[u8]) -> Line {
    let whole = line;
    let line = without_mark(whole);
    if line.iter().all(u8::is_ascii_whitespace) {
        return Line::Ignored("empty");
    }
    let Ok(whole) = std::str::from_utf8(whole) else {
        return Line::Refused(Refusal::unreadable("not UTF-8"));
    };
    let text = &whole[whole.len() - line.len()..];
    // It steps over a mark of its own, and a second one is no white space.
    match outermost(whole) {
        Ok(Kind::Object) => {}
        Ok(Kind::Array) => {
            return Line::Refused(Refusal::invalid("batches are not supported", None));
        }
        Ok(_) => return Line::Refused(Refusal::invalid("not an object", None)),
        Err(Flaw::TooDeep) => return Envelope::of(line).refused("nested deeper than 64"),
        Err(Flaw::Truncated) => return Line::Refused(Refusal::unreadable("incomplete JSON")),
        // The grammar of JSON has such strings, and JavaScript writes them. No text of ours can hold
        // them, but their caller can be told; the lazy reader of serde_json passes over them.
        Err(Flaw::Invalid) if serde_json::from_str::<IgnoredAny>(text).is_ok() => {
            return Envelope::of(line).refused("a string holds half of a surrogate pair");
        }
        Err(Flaw::Invalid) => return Line::Refused(Refusal::unreadable("not JSON")),
    }
    let envelope = Envelope::of(line);
    match envelope.asks() {
        Asks::Nothing(what) => match serde_json::from_str(text) {
            Ok(message) if !envelope.ambiguous => Line::Message(Box::new(message)),
            _ => Line::Ignored(what),
        },
        Asks::Answer => {
            if envelope.ambiguous {
                return envelope.refused("a member occurs twice");
            }
            if !envelope.has[METHOD] || envelope.has[RESULT] || envelope.has[ERROR] {
                return envelope.refused("neither a request nor a notification");
            }
            let Some(id) = envelope.id() else {
                return envelope.refused("`id` is neither a string nor an integer");
            };
            if !is_exact(&id) {
                return envelope.refused("`id` is neither a string nor an integer of 64 bits");
            }
            match serde_json::from_str(text) {
                Ok(JsonRpcMessage::Request(_)) if !Named::of(text).has_plain_versions() => {
                    Line::Refused(Refusal {
                        code: -32602,
                        message: format!("invalid params: {NOT_A_VERSION}"),
                        id: Some(id),
                    })
                }
                Ok(message @ JsonRpcMessage::Request(_)) => Line::Message(Box::new(message)),
                _ if is_request(text) => Line::Refused(Refusal {
                    code: -32602,
                    message: "invalid params: not an object".to_owned(),
                    id: Some(id),
                }),
                _ => envelope.refused("not a JSON-RPC 2.0 request"),
            }
        }
    }
}

/// A line without its byte order mark.
pub(super) fn without_mark(line: &[u8]) -> &[u8] {
    line.strip_prefix(b"\xef\xbb\xbf").unwrap_or(line)
}

/// Whether all is well but the parameters.
fn is_request(text: &str) -> bool {
    #[derive(serde::Deserialize)]
    struct Request {
        jsonrpc: String,
        #[serde(rename = "method")]
        _method: String,
    }
    serde_json::from_str(text).is_ok_and(|Request { jsonrpc, .. }| jsonrpc == "2.0")
}

/// Whether an `id` comes back exactly as it was written.
fn is_exact(id: &str) -> bool {
    id.starts_with('"')
        || id
            .parse::<i64>()
            .is_ok_and(|number| number.to_string() == id)
}

/// What a line wants of whoever reads it.
enum Asks {
    /// It is a request, or nobody knows what.
    Answer,
    /// It is something that has no answer, and this is what.
    Nothing(&'static str),
}

/// What the top of an object says of it: which members of the envelope it has, and its `id`. Takes it as it
/// comes, in constant space, and judges no grammar.
#[derive(Debug, Default)]
struct Envelope {
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
    has: [bool; MEMBERS.len()],
    ambiguous: bool,
}

/// The members of a message.
const MEMBERS: [&str; 6] = ["id", "method", "result", "error", "jsonrpc", "params"];
const ID: usize = 0;
const METHOD: usize = 1;
const RESULT: usize = 2;
const ERROR: usize = 3;

impl Envelope {
    /// Of a whole line.
    fn of(line: &[u8]) -> Self {
        let mut envelope = Self::keeping(line.len());
        envelope.read(line);
        envelope
    }

    fn keeping(longest_id: usize) -> Self {
        Self {
            longest_id,
            ..Self::default()
        }
    }

    fn read(&mut self, bytes: &[u8]) {
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
        let Some(member) = MEMBERS.iter().position(|member| *member == name) else {
            return;
        };
        self.ambiguous |= self.has[member];
        self.has[member] = true;
        if member == ID {
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
        let scalar = !self.ambiguous
            && id
                .get()
                .starts_with(|c: char| c == '"' || c == '-' || c.is_ascii_digit());
        scalar.then(|| id.get().to_owned())
    }

    fn asks(&self) -> Asks {
        if self.has[RESULT] || self.has[ERROR] {
            if self.has[METHOD] {
                return Asks::Answer;
            }
            return Asks::Nothing("response");
        }
        if self.has[METHOD] && !self.has[ID] {
            return Asks::Nothing("notification");
        }
        Asks::Answer
    }

    fn refused(&self, why: &str) -> Line {
        match self.asks() {
            Asks::Answer => Line::Refused(Refusal::invalid(why, self.id())),
            Asks::Nothing(what) => Line::Ignored(what),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The answer to a line, or what it is.
    fn answer(line: &[u8]) -> String {
        said(judge(line))
    }

    fn said(line: Line) -> String {
        match line {
            Line::Message(_) => "message".to_owned(),
            Line::Ignored(what) => what.to_owned(),
            Line::Refused(refusal) => {
                let line = refusal.to_line();
                let answer: serde_json::Value = serde_json::from_slice(&line).unwrap();
                assert_eq!(answer["jsonrpc"], "2.0");
                assert!(answer["error"]["message"].is_string() && line.ends_with(b"\n"));
                format!("{} {}", answer["error"]["code"], answer["id"])
            }
        }
    }

    /// The line in a framing that it is too long for, in pieces of that many bytes.
    fn overlong(line: &[u8], piece: usize) -> String {
        let mut framing = Framing::new(8);
        for piece in line.chunks(piece) {
            assert!(matches!(framing.take(piece), (taken, None) if taken == piece.len()));
            assert!(framing.held() <= 8);
        }
        let (taken, line) = framing.take(b"\nrest");
        assert_eq!(taken, 1);
        said(line.unwrap())
    }

    #[test]
    fn each_line_gets_its_answer() {
        for (line, expected) in [
            ("", "empty"),
            (" \t\r", "empty"),
            ("\u{feff}", "empty"),
            ("not json", "-32700 null"),
            ("\0", "-32700 null"),
            ("{\"id\":1,", "-32700 null"),
            ("{\"id\":1}{}", "-32700 null"),
            ("null", "-32600 null"),
            ("\"id\"", "-32600 null"),
            ("[]", "-32600 null"),
            (
                r#"[{"jsonrpc":"2.0","id":1,"method":"ping"}]"#,
                "-32600 null",
            ),
            ("{}", "-32600 null"),
            (r#"{"jsonrpc":"2.0","id":1}"#, "-32600 1"),
            (r#"{"jsonrpc":"1.0","id":1,"method":"ping"}"#, "-32600 1"),
            (r#"{"id":"a","method":"ping"}"#, "-32600 \"a\""),
            (r#"{"jsonrpc":"2.0","id":1,"method":7}"#, "-32600 1"),
            (
                r#"{"jsonrpc":"2.0","method":"ping","id":null}"#,
                "-32600 null",
            ),
            (
                r#"{"jsonrpc":"2.0","method":"ping","id":{"id":1}}"#,
                "-32600 null",
            ),
            (
                r#"{"jsonrpc":"2.0","method":"ping","id":[1]}"#,
                "-32600 null",
            ),
            (
                r#"{"jsonrpc":"2.0","method":"ping","id":true}"#,
                "-32600 null",
            ),
            (
                r#"{"jsonrpc":"2.0","method":"ping","id":1.5}"#,
                "-32600 1.5",
            ),
            (
                r#"{"jsonrpc":"2.0","method":"ping","id":1.0}"#,
                "-32600 1.0",
            ),
            (
                r#"{"jsonrpc":"2.0","method":"ping","id":9223372036854775808}"#,
                "-32600 9223372036854775808",
            ),
            (
                r#"{"jsonrpc":"2.0","id":1,"id":2,"method":"ping"}"#,
                "-32600 null",
            ),
            (
                r#"{"jsonrpc":"2.0","method":"x","params":{"a":"\ud83d"},"id":1}"#,
                "-32600 1",
            ),
            (
                r#"{"jsonrpc":"2.0","method":"x","params":{"a":"\udc00\ud83d\ude00"}}"#,
                "notification",
            ),
            (r#"{"id":1,"method":"\ud83d","a":}"#, "-32700 null"),
            (r#"{"id":1,"method":"\ud83"}"#, "-32700 null"),
            (
                r#"{"jsonrpc":"2.0","id":1,"method":"ping","\u006dethod":"x"}"#,
                "-32600 null",
            ),
            (
                r#"{"jsonrpc":"2.0","id":1,"method":"ping","result":{}}"#,
                "-32600 1",
            ),
            (r#"{"jsonrpc":"2.0","id":1,"method":"ping"}"#, "message"),
            (
                "\u{feff}{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"ping\"}\r",
                "message",
            ),
            (
                r#"{"jsonrpc":"2.0","\u0069d":1,"\u006d\u0065\u0074\u0068\u006f\u0064":"ping"}"#,
                "message",
            ),
            (
                r#"{"jsonrpc":"2.0","id":-9223372036854775808,"method":"ping"}"#,
                "message",
            ),
            (
                r#"{"jsonrpc":"2.0","id":"","method":"nonsense","params":{"id":{},"method":1}}"#,
                "message",
            ),
            (
                r#"{"jsonrpc":"2.0","id":1,"method":"tools/call","params":[1]}"#,
                "-32602 1",
            ),
            (
                r#"{"jsonrpc":"2.0","id":1,"method":"tools/call","params":"x"}"#,
                "-32602 1",
            ),
            (
                r#"{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":1}}"#,
                "message",
            ),
            (
                r#"{"jsonrpc":"2.0","method":"notifications/initialized"}"#,
                "message",
            ),
            (
                r#"{"jsonrpc":"1.0","method":"notifications/initialized"}"#,
                "notification",
            ),
            (r#"{"jsonrpc":"2.0","method":7}"#, "notification"),
            (r#"{"jsonrpc":"2.0","id":1,"result":{}}"#, "message"),
            (r#"{"jsonrpc":"2.0","id":1.5,"result":{}}"#, "response"),
            (r#"{"jsonrpc":"2.0","id":1,"error":7}"#, "response"),
            (
                r#"{"jsonrpc":"2.0","id":1,"error":{},"result":{}}"#,
                "response",
            ),
        ] {
            assert_eq!(answer(line.as_bytes()), expected, "{line}");
        }
        assert_eq!(answer(b"\xff"), "-32700 null");
        assert_eq!(
            answer(b"{\"jsonrpc\":\"2.0\",\"id\":\"\xff\",\"method\":\"ping\"}"),
            "-32700 null"
        );
    }

    #[test]
    fn the_id_of_what_is_too_deep_or_too_long_is_found_at_the_top_wherever_it_stands() {
        let deep = format!("{}{}", "[".repeat(100), "]".repeat(100));
        for (before, after, expected) in [
            (
                r#""jsonrpc":"2.0","id":1,"method":"tools/call","#,
                "",
                "-32600 1",
            ),
            (
                r#""method":"tools/call","#,
                r#","jsonrpc":"2.0","id":"last""#,
                "-32600 \"last\"",
            ),
            (
                r#""method":"x","a":{"id":5},"b":[{"id":6}],"c":"\"id\":7","#,
                "",
                "notification",
            ),
            (r#""method":"x","id":{"id":5},"#, "", "-32600 null"),
            (
                r#""method":"x","id":"a\"}\\","#,
                "",
                "-32600 \"a\\\"}\\\\\"",
            ),
            (r#""method":"x","id":1,"id":2,"#, "", "-32600 null"),
            (r#""method":"x","#, r#","i\u0064":3"#, "-32600 3"),
            ("", "", "-32600 null"),
            (r#""method":"notifications/x","#, "", "notification"),
            (r#""id":1,"result":{},"#, "", "response"),
            (r#""id":1,"#, r#","error":{}"#, "response"),
        ] {
            let line = format!("{{{before}\"params\":{deep}{after}}}");
            assert_eq!(answer(line.as_bytes()), expected, "{line}");
            for piece in [1, 7, 1000] {
                assert_eq!(overlong(line.as_bytes(), piece), expected, "{line}");
            }
        }
    }

    #[test]
    fn an_id_that_is_too_long_to_keep_is_not_repeated_in_part() {
        for id in [
            format!("\"{}\"", "x".repeat(LONGEST_ID)),
            "1".repeat(LONGEST_ID + 1),
        ] {
            let line = format!("{{\"id\":{id},\"method\":\"ping\"}}");
            assert_eq!(overlong(line.as_bytes(), 100), "-32600 null");
        }
        let id = format!("\"{}\"", "x".repeat(LONGEST_ID - 2));
        let line = format!("{{\"id\":{id},\"method\":\"ping\"}}");
        assert_eq!(overlong(line.as_bytes(), 100), format!("-32600 {id}"));
        let line = r#"{"method":"ping","id":"\x"}"#;
        assert_eq!(
            overlong(line.as_bytes(), 100),
            "-32600 null",
            "it is no JSON"
        );
    }

    #[test]
    fn a_line_may_be_as_long_as_the_bound_and_no_longer() {
        let ping = br#"{"jsonrpc":"2.0","id":1,"method":"ping"}"#;
        for (bound, expected) in [(ping.len(), "message"), (ping.len() - 1, "-32600 1")] {
            for piece in [1, 3, ping.len()] {
                let mut framing = Framing::new(bound);
                for piece in ping.chunks(piece) {
                    framing.take(piece);
                    assert!(framing.held() <= bound);
                }
                let (_, line) = framing.take(b"\n");
                assert_eq!(said(line.unwrap()), expected);
            }
        }
    }

    #[test]
    fn lines_are_told_apart_and_the_last_may_end_with_the_input() {
        let mut framing = Framing::new(100);
        let mut bytes: &[u8] = b"\n{}\r\nx\n{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"ping\"}";
        let mut lines = Vec::new();
        while !bytes.is_empty() {
            let (taken, line) = framing.take(bytes);
            bytes = &bytes[taken..];
            lines.extend(line.map(said));
        }
        lines.extend(framing.end().map(said));
        assert_eq!(lines, ["empty", "-32600 null", "-32700 null", "message"]);
        assert!(framing.end().is_none());
        framing.take(b"{\"id\"");
        assert_eq!(framing.end().map(said).as_deref(), Some("-32700 null"));
    }
}
