//! Lines of JSON-RPC: where a line ends, and what becomes of it.
//!
//! Owns the bounds of a message and the responses to lines that are not one. Knows no session: bytes come in, and a
//! message, a response, or nothing goes out. It reads no further than its bound allows and keeps nothing of a line
//! that is longer.
//!
//! | line | response |
//! | --- | --- |
//! | empty, or white space only | none |
//! | not UTF-8, not JSON, or truncated | -32700, `id` null |
//! | longer than `--max-request-bytes`, nested deeper than 64, or with half of a surrogate pair | -32600 |
//! | an array (the protocol has no batches), or any other value that is not an object | -32600, `id` null |
//! | an object that is not a message, or has a member of the envelope twice | -32600 |
//! | a request whose `id` is neither a string nor an integer of 64 bits | -32600 |
//! | a request whose `params` or `params._meta` are not an object, or with a number out of range | -32602 |
//! | a request whose protocol version does not look like one | -32602 |
//! | a request with `[]` in the place of an object, or with capabilities that cannot be read | that to what is meant |
//! | a response or a notification, whatever else is wrong with it | none |
//!
//! A request without a response keeps its caller waiting, so each request gets one. Nothing else does: a response to
//! a response could go back and forth for ever. For the same reason a line that is too long or nested too deep is
//! still read to its end, a byte at a time and without keeping it: only the names at its top tell whether a response
//! is expected, and under which `id`. Common clients write the `id` last.
//!
//! Where the `id` cannot be told, JSON-RPC 2.0 (section 5) demands `"id":null`. The types of rmcp leave the
//! member out then, so these responses are written here. A byte order mark and `\r\n` are accepted. The last line
//! may end with the input.
//!
//! A line is checked in one pass of the scanner, which builds neither a tree nor a typed message; only a line that
//! passes is parsed, and only once: here for standard input, by rmcp over HTTP.
//!
//! A message that is not a sound call is rejected further on: `tools/call` with invalid parameters in
//! [`server`](crate::server), arguments in [`tools`](crate::tools).

mod envelope;
mod outline;
mod refusal;
mod repair;

use rmcp::model::ClientJsonRpcMessage;
use serde::de::IgnoredAny;

use crate::json::{Flaw, Kind, Scanner, outermost};
use envelope::{Envelope, Expects};
use outline::Outline;
pub(super) use outline::{META_VERSION, is_version};
pub use refusal::Refusal;
pub(super) use repair::LONGEST_REPAIR;

/// Longest `id` that is repeated for a message that is not kept, in bytes of JSON.
const LONGEST_ID: usize = 1024;

/// What becomes of a line.
#[derive(Debug)]
pub enum Line {
    /// A message.
    Message(Box<ClientJsonRpcMessage>),
    /// A line that gets an error response at once.
    Refused(Refusal),
    /// A line that gets no response. The word says what it is, for the log.
    Ignored(&'static str),
}

/// Splits bytes into lines and judges each.
#[derive(Debug)]
pub struct Framing {
    longest: usize,
    line: Vec<u8>,
    /// The envelope of a line that is longer than it may be; the line itself is not kept.
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
    check(line).map_or_else(|line| line, Checked::parse)
}

/// Checks all of a line that can be checked without parsing it.
///
/// # Errors
///
/// What becomes of a line that is not an acceptable message.
pub(super) fn check(line: &[u8]) -> Result<Checked<'_>, Line> {
    let whole = line;
    let line = without_mark(whole);
    if line.iter().all(u8::is_ascii_whitespace) {
        return Err(Line::Ignored("empty"));
    }
    let Ok(whole) = std::str::from_utf8(whole) else {
        return Err(Line::Refused(Refusal::unreadable("not UTF-8")));
    };
    let text = &whole[whole.len() - line.len()..];
    // The scanner skips one byte order mark itself, and a second one is not white space.
    let scanned = match Scanner::strict(whole).kind() {
        Ok(Kind::Object) => Outline::read(whole).map(Ok),
        _ => outermost(whole).map(Err),
    };
    let outline = match scanned {
        Ok(Ok(outline)) => outline,
        Ok(Err(Kind::Array)) => {
            let refusal = Refusal::invalid("batches are not supported", None);
            return Err(Line::Refused(refusal));
        }
        Ok(Err(_)) => return Err(Line::Refused(Refusal::invalid("not an object", None))),
        Err(Flaw::TooDeep) => return Err(Envelope::of(line).refused("nested deeper than 64")),
        Err(Flaw::Truncated) => {
            return Err(Line::Refused(Refusal::unreadable("incomplete JSON")));
        }
        // The grammar of JSON allows such strings, and JavaScript writes them. No Rust string can hold them, but
        // their caller can be told; serde_json does not look into strings that it ignores.
        Err(Flaw::Invalid) if serde_json::from_str::<IgnoredAny>(text).is_ok() => {
            return Err(Envelope::of(line).refused("a string holds half of a surrogate pair"));
        }
        Err(Flaw::Invalid) => return Err(Line::Refused(Refusal::unreadable("not JSON"))),
    };
    match outline.check() {
        Ok(()) => Ok(Checked { text, outline }),
        Err(line) => Err(line),
    }
}

/// A line that has passed every check but parsing.
#[derive(Debug)]
pub(super) struct Checked<'a> {
    text: &'a str,
    outline: Outline<'a>,
}

impl Checked<'_> {
    /// The method of a request or notification.
    pub(super) fn method(&self) -> Option<&str> {
        self.outline.method()
    }

    /// The name or URI of the tool, prompt or resource that it addresses.
    pub(super) fn subject(&self) -> Option<&str> {
        self.outline.subject()
    }

    /// The message as it is meant, if that is not how it is written.
    pub(super) fn repaired(&self) -> Option<String> {
        self.outline.repaired(self.text)
    }

    /// The message; what little the checks let pass and a parser does not becomes what [`Self::unparsed`] says.
    fn parse(self) -> Line {
        let repaired = self.repaired();
        match serde_json::from_str(repaired.as_deref().unwrap_or(self.text)) {
            Ok(message) => Line::Message(Box::new(message)),
            Err(_) => self.outline.unparsed(usize::MAX).into_line(),
        }
    }

    /// What is needed to respond if it cannot be parsed; small, so that it can be kept meanwhile.
    pub(super) fn unparsed(&self) -> Unparsed {
        self.outline.unparsed(LONGEST_ID)
    }
}

/// A message that has passed the checks and cannot be parsed.
#[derive(Debug)]
pub(super) struct Unparsed {
    expects: Expects,
    /// JSON.
    id: Option<String>,
}

impl Unparsed {
    pub(super) fn into_line(self) -> Line {
        match self.expects {
            Expects::Response => Line::Refused(Refusal::invalid_params(
                "a number is out of range, or `_meta` is not one object",
                self.id,
            )),
            Expects::Nothing(what) => Line::Ignored(what),
        }
    }
}

/// A line without its byte order mark.
pub(super) fn without_mark(line: &[u8]) -> &[u8] {
    line.strip_prefix(b"\xef\xbb\xbf").unwrap_or(line)
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
                r#"{"jsonrpc":"2.0","id":1,"method":"ping","params":null}"#,
                "message",
            ),
            (
                r#"{"jsonrpc":"2.0","id":1,"method":"ping","params":true}"#,
                "-32602 1",
            ),
            (
                r#"{"jsonrpc":"2.0","id":1,"method":"ping","params":{"_meta":5}}"#,
                "-32602 1",
            ),
            (
                r#"{"jsonrpc":"2.0","id":1,"method":"ping","params":{"_meta":{},"_meta":{}}}"#,
                "-32602 1",
            ),
            (
                r#"{"jsonrpc":"2.0","id":1,"method":"ping","params":{"a":1e400}}"#,
                "-32602 1",
            ),
            (
                r#"{"jsonrpc":"2.0","method":"notifications/x","params":{"a":1e400}}"#,
                "notification",
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
    fn a_version_that_does_not_look_like_one_is_refused_wherever_it_stands() {
        const META: &str = "io.modelcontextprotocol/protocolVersion";
        for params in [
            r#""protocolVersion":"zq7SENTINELk9Xw2""#.to_owned(),
            // Beside members of a wrong type, or there twice, it is repeated all the same.
            r#""name":5,"protocolVersion":"zq7SENTINELk9Xw2""#.to_owned(),
            r#""name":5,"protocolVersion":"2026-07-28","protocolVersion":"zq7SENTINELk9Xw2""#
                .to_owned(),
            r#""protocolVersion":"zq7SENTINELk9Xw2","protocolVersion":"2026-07-28""#.to_owned(),
            r#""protocol\u0056ersion":"zq7SENTINELk9X\u0077""#.to_owned(),
            format!(r#""_meta":{{"{META}":"zq7SENTINELk9Xw2"}}"#),
            format!(r#""_meta":{{"{META}":"2026-07-28","{META}":"zq7SENTINELk9Xw2"}}"#),
            format!(r#""uri":[],"_meta":{{"a":[{{}}],"{META}":"zq7SENTINELk9Xw2"}}"#),
        ] {
            let line = format!(
                r#"{{"params":{{{params}}},"jsonrpc":"2.0","id":1,"method":"initialize"}}"#
            );
            let Line::Refused(refusal) = judge(line.as_bytes()) else {
                panic!("{line}");
            };
            let refused = String::from_utf8(refusal.to_line()).unwrap();
            assert!(
                refusal.code() == -32602 && refused.contains("is a date"),
                "{refused}"
            );
        }
        for params in [
            r#""protocolVersion":"DRAFT-2026-v1""#.to_owned(),
            r#""protocolVersion":7"#.to_owned(),
            r#""a":{"protocolVersion":"zq7SENTINELk9Xw2"}"#.to_owned(),
            format!(r#""_meta":{{"a":{{"{META}":"zq7SENTINELk9Xw2"}}}}"#),
            format!(r#""{META}":"zq7SENTINELk9Xw2""#),
        ] {
            let line =
                format!(r#"{{"params":{{{params}}},"jsonrpc":"2.0","id":1,"method":"ping"}}"#);
            assert_eq!(answer(line.as_bytes()), "message", "{line}");
        }
    }

    #[test]
    fn the_subject_of_a_message_is_the_member_that_its_method_addresses_and_no_other() {
        for (method, params, expected) in [
            ("tools/call", r#""name":"a","uri":"b""#, Some("a")),
            ("resources/read", r#""name":"a","uri":"b""#, Some("b")),
            ("prompts/get", r#""na\u006de":"\u0061""#, Some("a")),
            ("tools/call", r#""uri":"b""#, None),
            ("tools/call", r#""name":"a","name":"b""#, None),
            ("tools/call", r#""name":5"#, None),
            ("tools/call", r#""a":{"name":"a"}"#, None),
            ("custom", r#""uri":"b""#, Some("b")),
        ] {
            let line =
                format!(r#"{{"jsonrpc":"2.0","id":1,"params":{{{params}}},"method":"{method}"}}"#);
            let checked = check(line.as_bytes()).unwrap();
            assert_eq!(checked.method(), Some(method));
            assert_eq!(checked.subject(), expected, "{line}");
        }
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
