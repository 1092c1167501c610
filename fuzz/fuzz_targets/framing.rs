//! Whatever lines come, in pieces of whatever size: each gets one verdict, the one that another reader
//! of JSON agrees with; whoever waits for an answer gets one, and nobody else does.

#![no_main]

use std::fmt;

use libfuzzer_sys::fuzz_target;
use opmanager_mcp_server::transport::framing::{Framing, Line, Refusal, judge};
use serde::de::{Deserialize, Deserializer, IgnoredAny, MapAccess, Visitor};
use serde_json::value::RawValue;
use serde_json::{Map, Value};

/// Longest `id` that is repeated for a line that is not kept.
const LONGEST_ID: usize = 1024;

fuzz_target!(|input: (u16, u8, &[u8])| {
    let (longest, piece, bytes) = input;
    let longest = usize::from(longest) % 4096;
    let mut framing = Framing::new(longest);
    let mut verdicts = Vec::new();
    let mut rest = bytes;
    while !rest.is_empty() {
        let piece = rest.len().min(usize::from(piece) + 1);
        let (taken, verdict) = framing.take(&rest[..piece]);
        assert!((1..=piece).contains(&taken));
        assert!(verdict.is_some() || taken == piece);
        assert!(framing.held() <= longest);
        verdicts.extend(verdict);
        rest = &rest[taken..];
    }
    verdicts.extend(framing.end());
    assert!(framing.end().is_none());

    let mut lines: Vec<&[u8]> = bytes.split(|byte| *byte == b'\n').collect();
    lines.pop_if(|last| last.is_empty());
    assert_eq!(verdicts.len(), lines.len());
    for (line, verdict) in lines.iter().zip(&verdicts) {
        if line.len() > longest {
            check_overlong(line, verdict);
        } else {
            let whole = judge(line);
            assert_eq!(format!("{verdict:?}"), format!("{whole:?}"));
            check(line, verdict);
        }
    }
});

/// The members of an object in their order, those that occur twice included.
struct Members<'a>(Vec<(String, &'a RawValue)>);

impl<'de> Deserialize<'de> for Members<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Each;
        impl<'de> Visitor<'de> for Each {
            type Value = Members<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let mut members = Vec::new();
                while let Some(member) = map.next_entry()? {
                    members.push(member);
                }
                Ok(Members(members))
            }
        }
        deserializer.deserialize_map(Each)
    }
}

impl Members<'_> {
    fn count(&self, name: &str) -> usize {
        self.0.iter().filter(|(member, _)| member == name).count()
    }

    fn has(&self, name: &str) -> bool {
        self.count(name) > 0
    }

    /// The text of a member that occurs once.
    fn text(&self, name: &str) -> Option<&str> {
        let (_, text) = self.0.iter().find(|(member, _)| member == name)?;
        (self.count(name) == 1).then(|| text.get())
    }

    /// Whether somebody waits for an answer, or nobody can tell.
    fn asks(&self) -> bool {
        let answers = self.has("result") || self.has("error");
        match self.has("method") {
            true => answers || self.has("id"),
            false => !answers,
        }
    }

    /// Whether it is a request with all that a request has, and nothing that makes it something else.
    fn is_request(&self) -> bool {
        let once = ["id", "method", "result", "error", "jsonrpc", "params"];
        once.iter().all(|name| self.count(name) < 2)
            && !self.has("result")
            && !self.has("error")
            && self
                .text("jsonrpc")
                .is_some_and(|version| version == "\"2.0\"")
            && self
                .text("method")
                .is_some_and(|name| name.starts_with('"'))
            && self
                .text("params")
                .is_none_or(|params| params.starts_with('{') || says_nothing(params))
            && self.text("id").is_some_and(|id| {
                let number = id.parse::<i64>().map(|number| number.to_string());
                id.starts_with('"') || number.is_ok_and(|number| number == id)
            })
    }
}

fn members(line: &[u8]) -> Option<Members<'_>> {
    serde_json::from_slice(without_mark(line)).ok()
}

fn tree(line: &[u8]) -> Option<Value> {
    serde_json::from_slice(without_mark(line)).ok()
}

/// Whether a value in the place of an object says that there is none: PHP writes an empty one as an empty array.
fn says_nothing(value: &str) -> bool {
    let inside = |text: &str| Some(text.strip_prefix('[')?.strip_suffix(']')?.trim().is_empty());
    value == "null" || inside(value) == Some(true)
}

/// Whether it is a text that the grammar accepts, half characters in strings included.
fn is_json(line: &[u8]) -> bool {
    let text = std::str::from_utf8(without_mark(line));
    text.is_ok_and(|text| serde_json::from_str::<IgnoredAny>(text).is_ok())
}

fn without_mark(line: &[u8]) -> &[u8] {
    line.strip_prefix("\u{feff}".as_bytes()).unwrap_or(line)
}

fn depth(value: &Value) -> usize {
    match value {
        Value::Array(items) => 1 + items.iter().map(depth).max().unwrap_or_default(),
        Value::Object(fields) => 1 + fields.values().map(depth).max().unwrap_or_default(),
        _ => 0,
    }
}

/// A line that was kept whole.
fn check(line: &[u8], verdict: &Line) {
    let (tree, members) = (tree(line), members(line));
    match verdict {
        Line::Message(message) => {
            let (tree, members) = (tree.unwrap(), members.unwrap());
            assert!(depth(&tree) <= 64);
            assert!(members.is_request() || !members.has("method") || !members.has("id"));
            let message = serde_json::to_value(message).unwrap();
            for name in ["jsonrpc", "method", "id"] {
                assert_eq!(message.get(name), tree.get(name), "{name}");
            }
            if tree.get("method").is_some_and(|name| name == "tools/call") {
                for name in ["name", "arguments"] {
                    let said = tree["params"].get(name);
                    let meant = match said {
                        Some(Value::Null) => None,
                        Some(Value::Array(items)) if items.is_empty() && name == "arguments" => {
                            Some(&Value::Object(Map::new()))
                        }
                        said => said,
                    };
                    assert_eq!(message["params"].get(name), meant, "{name}");
                }
            }
            return;
        }
        Line::Refused(refusal) => {
            let id = check_answer(refusal, members.as_ref());
            assert!(id.len() <= line.len().max("null".len()));
            match (refusal.code(), &members) {
                (-32700, _) => {
                    assert!(!is_json(line) && id == "null");
                }
                // What is wrong further down: `_meta`, a version, or a number that no tree holds.
                (-32602, _)
                    if ["out of range", "is a date", "`_meta` must"]
                        .iter()
                        .any(|what| says(refusal, what)) =>
                {
                    return;
                }
                (-32602, Some(members)) => {
                    assert!(
                        members
                            .text("params")
                            .is_some_and(|text| !text.starts_with('{') && !says_nothing(text))
                    );
                }
                (-32600, _) => {}
                (code, _) => panic!("{code}"),
            }
        }
        Line::Ignored("empty") => {
            assert!(without_mark(line).iter().all(u8::is_ascii_whitespace));
        }
        Line::Ignored(what) => check_ignored(what, members.as_ref()),
    }
    // What is all right is a message.
    if let (Some(tree), Some(members)) = (tree, members) {
        assert!(depth(&tree) > 64 || !members.is_request(), "{verdict:?}");
    }
}

fn says(refusal: &Refusal, part: &str) -> bool {
    String::from_utf8(refusal.to_line()).is_ok_and(|line| line.contains(part))
}

/// A line of which only the names at its top are known.
fn check_overlong(line: &[u8], verdict: &Line) {
    let members = members(line);
    match verdict {
        Line::Message(_) => panic!("it is a message"),
        Line::Refused(refusal) => {
            let id = check_answer(refusal, members.as_ref());
            assert_eq!(refusal.code(), -32600);
            assert!(id.len() <= LONGEST_ID);
        }
        Line::Ignored(what) => check_ignored(what, members.as_ref()),
    }
}

fn check_ignored(what: &str, members: Option<&Members<'_>>) {
    assert!(["response", "notification"].contains(&what), "{what}");
    assert!(members.is_none_or(|members| !members.asks()));
}

/// An answer is one line of JSON-RPC, as short as its `id` allows. Gives the `id`, which may be a number
/// that no float holds.
fn check_answer(refusal: &Refusal, members: Option<&Members<'_>>) -> String {
    let line = String::from_utf8(refusal.to_line()).unwrap();
    let line = line.strip_suffix('\n').unwrap();
    assert!(!line.contains(|c: char| c.is_control()), "{line}");
    let answer: Members<'_> = serde_json::from_str(line).unwrap();
    let id = answer.text("id").unwrap();
    assert!(line.len() < id.len() + 200, "{line}");
    assert_eq!(answer.text("jsonrpc"), Some("\"2.0\""));
    let error: Value = serde_json::from_str(answer.text("error").unwrap()).unwrap();
    assert_eq!(error["code"], refusal.code());
    assert!(error["message"].is_string());
    if let Some(members) = members {
        assert!(members.asks(), "nobody waits for {line}");
        assert!(id == "null" || members.text("id") == Some(id), "{line}");
    }
    id.to_owned()
}
