//! Strings of JSON: from their escaped form and into it.

use std::borrow::Cow;

use super::{Scanner, Span, plain_run};

/// The text of a string that the scanner has stepped over.
pub(crate) fn decoded<'a>(scan: &Scanner<'a>, span: &Span) -> Cow<'a, str> {
    let raw = scan.slice(span.range.clone());
    if !span.escaped {
        return Cow::Borrowed(raw);
    }
    let mut text = String::new();
    decode(raw, usize::MAX, &mut text);
    Cow::Owned(text)
}

/// Decodes up to `most` characters of the inside of a checked string; returns how many are left.
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
        let mut characters = escaped.chars();
        if characters.next().is_none() {
            return left;
        }
        let character = unescape(&mut characters);
        if room > 0 {
            text.push(character);
            room -= 1;
        } else {
            left += 1;
        }
        rest = characters.as_str();
    }
}

fn unescape(rest: &mut std::str::Chars<'_>) -> char {
    let unit = |rest: &mut std::str::Chars<'_>| {
        let mut value = 0;
        for _ in 0..4 {
            value = value * 16 + rest.next().and_then(|c| c.to_digit(16)).unwrap_or_default();
        }
        value
    };
    match rest.next().unwrap_or_default() {
        'b' => '\u{8}',
        'f' => '\u{c}',
        'n' => '\n',
        'r' => '\r',
        't' => '\t',
        'u' => {
            let first = unit(rest);
            let code = if (0xD800..0xDC00).contains(&first) {
                rest.next();
                rest.next();
                let second = unit(rest);
                0x10000 + ((first - 0xD800) << 10) + second.wrapping_sub(0xDC00)
            } else {
                first
            };
            char::from_u32(code).unwrap_or(char::REPLACEMENT_CHARACTER)
        }
        other => other,
    }
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
