//! Strings of JSON: from their escaped form and into it.

use std::borrow::Cow;

use super::{Mode, Scanner, Span, plain_run};

/// The text of a string that the scanner has stepped over.
pub(crate) fn decoded<'a>(scan: &Scanner<'a>, span: &Span) -> Cow<'a, str> {
    let raw = sent(scan, span);
    if !span.escaped {
        return raw;
    }
    let mut text = String::new();
    decode(&raw, usize::MAX, &mut text);
    Cow::Owned(text)
}

/// The inside of a string as it was sent. Bytes that are not UTF-8 are replacement characters.
pub(crate) fn sent<'a>(scan: &Scanner<'a>, span: &Span) -> Cow<'a, str> {
    String::from_utf8_lossy(scan.bytes(span.range.clone()))
}

/// Whether the inside of a string breaks the grammar or is not UTF-8.
pub(crate) fn is_flawed(raw: &[u8]) -> bool {
    let mut at = 0;
    loop {
        at = plain_run(raw, at);
        match raw.get(at) {
            None => return std::str::from_utf8(raw).is_err(),
            Some(b'\\') => match super::escape_end(raw, at + 1) {
                Ok(end) => at = end,
                Err(_) => return true,
            },
            Some(_) => return true,
        }
    }
}

/// A body that the lenient scanner has accepted, as strict JSON: strings with flaws are written anew.
pub(crate) fn repaired(body: &[u8]) -> Cow<'_, [u8]> {
    let mut fixed: Vec<u8> = Vec::new();
    let mut done = 0;
    let mut at = 0;
    while let Some(quote) = body[at..].iter().position(|byte| *byte == b'"') {
        let mut scan = Scanner::at(body, at + quote, Mode::Whole);
        let Ok(span) = scan.string() else { break };
        at = scan.position();
        if is_flawed(scan.bytes(span.range.clone())) {
            fixed.extend_from_slice(&body[done..span.range.start - 1]);
            write_quoted(&decoded(&scan, &span), |part| {
                fixed.extend_from_slice(part.as_bytes());
            });
            done = at;
        }
    }
    if done == 0 {
        return Cow::Borrowed(body);
    }
    fixed.extend_from_slice(&body[done..]);
    Cow::Owned(fixed)
}

/// Decodes up to `most` characters of the inside of a string; returns how many are left. What escapes nothing stays as
/// it is, and half a character is a replacement character.
pub(crate) fn decode(raw: &str, most: usize, text: &mut String) -> usize {
    let mut room = most;
    let mut left = 0;
    let mut rest = raw;
    loop {
        let (plain, escaped) = rest.split_at(rest.find('\\').unwrap_or(rest.len()));
        // The bytes are no fewer than the characters.
        if plain.len() <= room {
            text.push_str(plain);
            room -= plain.chars().count();
        } else {
            let count = plain.chars().count();
            let end = plain.char_indices().nth(room);
            text.push_str(&plain[..end.map_or(plain.len(), |(end, _)| end)]);
            left += count.saturating_sub(room);
            room -= count.min(room);
        }
        if escaped.is_empty() {
            return left;
        }
        let (character, length) = unescape(escaped);
        if room > 0 {
            text.push(character);
            room -= 1;
        } else {
            left += 1;
        }
        rest = &escaped[length..];
    }
}

/// The character that an escape stands for, and the length of the escape. A backslash that begins none is itself.
fn unescape(escape: &str) -> (char, usize) {
    let bytes = escape.as_bytes();
    let character = match bytes.get(1) {
        Some(b'b') => '\u{8}',
        Some(b'f') => '\u{c}',
        Some(b'n') => '\n',
        Some(b'r') => '\r',
        Some(b't') => '\t',
        Some(byte @ (b'"' | b'\\' | b'/')) => char::from(*byte),
        Some(b'u') => {
            let unit = |at| super::hex(bytes, at).ok();
            return match unit(2) {
                None => ('\\', 1),
                Some(first @ 0xD800..0xDC00) if bytes.get(6..8) == Some(b"\\u") => match unit(8) {
                    Some(second @ 0xDC00..0xE000) => {
                        let code = 0x10000 + ((first - 0xD800) << 10) + (second - 0xDC00);
                        (
                            char::from_u32(code).unwrap_or(char::REPLACEMENT_CHARACTER),
                            12,
                        )
                    }
                    _ => (char::REPLACEMENT_CHARACTER, 6),
                },
                Some(code) => (
                    char::from_u32(code).unwrap_or(char::REPLACEMENT_CHARACTER),
                    6,
                ),
            };
        }
        _ => return ('\\', 1),
    };
    (character, 2)
}

/// A text as a JSON string.
pub(crate) fn quoted(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 2);
    write_quoted(text, |part| out.push_str(part));
    out
}

/// Writes a text as a JSON string, part by part.
pub(crate) fn write_quoted(text: &str, mut write: impl FnMut(&str)) {
    write("\"");
    let mut rest = text;
    loop {
        let (before, special) = rest.split_at(plain_run(rest.as_bytes(), 0));
        write(before);
        match special.as_bytes().first() {
            None => break,
            Some(b'"') => write("\\\""),
            Some(b'\\') => write("\\\\"),
            Some(b'\n') => write("\\n"),
            Some(b'\r') => write("\\r"),
            Some(b'\t') => write("\\t"),
            Some(byte) => write(&format!("\\u{byte:04x}")),
        }
        rest = &special[1..];
    }
    write("\"");
}
