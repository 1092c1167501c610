//! Text as a model should get it: without markup, padding, and characters that nobody sees.
//!
//! Owns what is removed from a string and why. Alarm texts and names are written by whoever can reach a
//! device; what is invisible in them serves only to deceive.

use std::borrow::Cow;

/// Longest text in which markup is looked for. Documented ones have some fifty characters.
const LONGEST_MARKUP: usize = 1024;

/// The text without what does not belong into it; without markup too, if the field is known for it.
pub(crate) fn clean(text: &str, markup: bool) -> Cow<'_, str> {
    let markup = markup && text.len() <= LONGEST_MARKUP;
    if is_clean(text, markup) {
        return Cow::Borrowed(text);
    }
    let mut current = visible(text.to_owned());
    // Entities can hide tags and invisible characters, and invisible characters can hide tags. Each turn makes the
    // text shorter, so this ends.
    while markup && current.contains(['<', '&']) {
        let next = visible(decode_entities(&strip_tags(&current)));
        if next == current {
            break;
        }
        current = next;
    }
    Cow::Owned(current)
}

fn is_clean(text: &str, markup: bool) -> bool {
    let visible = is_printable(text.as_bytes()) || !text.chars().any(is_invisible);
    visible && text.trim().len() == text.len() && !(markup && text.contains(['<', '&']))
}

/// Whether the text is printable ASCII without padding: clean, unless there is markup in it.
pub(super) fn is_plain(text: &str) -> bool {
    let text = text.as_bytes();
    text.first() != Some(&b' ') && text.last() != Some(&b' ') && is_printable(text)
}

/// Whether all is printable ASCII, which most texts are. Eight bytes at a time.
fn is_printable(text: &[u8]) -> bool {
    const ONES: u64 = 0x0101_0101_0101_0101;
    const HIGHS: u64 = 0x8080_8080_8080_8080;
    let (chunks, rest) = text.as_chunks::<8>();
    chunks.iter().all(|chunk| {
        let chunk = u64::from_le_bytes(*chunk);
        // A high bit is set by each byte above 0x7e, and by the first one below 0x20.
        (chunk | chunk.wrapping_add(ONES) | chunk.wrapping_sub(ONES * 0x20)) & HIGHS == 0
    }) && rest.iter().all(|byte| matches!(byte, b' '..=b'~'))
}

fn visible(mut text: String) -> String {
    if !is_printable(text.as_bytes()) {
        text.retain(|c| !is_invisible(c));
    }
    let trimmed = text.trim();
    if trimmed.len() == text.len() {
        text
    } else {
        trimmed.to_owned()
    }
}

/// Control characters but line feed and tab, direction marks, zero-width characters, tag characters and
/// the variation selectors that can carry text unseen.
#[inline]
fn is_invisible(c: char) -> bool {
    match c {
        ' '..='~' | '\n' | '\t' => false,
        '\u{061c}' | '\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' => true,
        '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}' => true,
        '\u{e0000}'..='\u{e007f}' | '\u{e0100}'..='\u{e01ef}' => true,
        _ => c.is_control(),
    }
}

fn strip_tags(text: &str) -> String {
    let mut kept = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(open) = rest.find('<') {
        let (before, tag) = rest.split_at(open);
        kept.push_str(before);
        let named = tag[1..].starts_with(|c: char| c.is_ascii_alphabetic() || c == '/' || c == '!');
        match tag.find('>') {
            Some(close) if named => rest = &tag[close + 1..],
            _ => {
                kept.push('<');
                rest = &tag[1..];
            }
        }
    }
    kept.push_str(rest);
    kept
}

fn decode_entities(text: &str) -> String {
    let mut decoded = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(start) = rest.find('&') {
        let (before, entity) = rest.split_at(start);
        decoded.push_str(before);
        let end = entity.find(';').filter(|end| *end <= 10);
        match end.and_then(|end| Some((character(&entity[1..end])?, end))) {
            Some((character, end)) => {
                decoded.push(character);
                rest = &entity[end + 1..];
            }
            None => {
                decoded.push('&');
                rest = &entity[1..];
            }
        }
    }
    decoded.push_str(rest);
    decoded
}

fn character(entity: &str) -> Option<char> {
    if let Some(number) = entity.strip_prefix('#') {
        let code = match number.strip_prefix(['x', 'X']) {
            Some(hex) => u32::from_str_radix(hex, 16).ok()?,
            None => number.parse().ok()?,
        };
        return char::from_u32(code);
    }
    match entity {
        "amp" => Some('&'),
        "lt" => Some('<'),
        "gt" => Some('>'),
        "quot" => Some('"'),
        "apos" => Some('\''),
        "nbsp" => Some('\u{a0}'),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_documented_severity_becomes_its_word() {
        let documented = "<img src='/images/devices/status3.gif'>&nbsp;Attention ";
        assert_eq!(clean(documented, true), "Attention");
        assert_eq!(clean(documented, false), documented.trim());
    }

    #[test]
    fn comparisons_in_a_message_are_no_tags() {
        for text in [
            "load < 5 and > 3",
            "a <b",
            "5 <= 6",
            "AT&T",
            "x &unknown; y",
        ] {
            assert_eq!(clean(text, true), text);
        }
    }

    #[test]
    fn what_nobody_sees_is_removed() {
        let hidden = "a\u{202e}b\u{200b}c\u{e0041}d\u{feff}e\u{7}f\u{85}g\u{e0101}";
        assert_eq!(clean(hidden, false), "abcdefg");
        assert_eq!(
            clean("two\nlines\tand a tab", false),
            "two\nlines\tand a tab"
        );
        assert_eq!(clean("\u{a0} padded \n", false), "padded");
    }

    #[test]
    fn hidden_tags_are_found_and_cleaning_twice_changes_nothing() {
        for text in [
            "<\u{200b}img>x",
            "&lt;b&gt;x",
            "&amp;lt;b&amp;gt;x",
            "&#60;b>x",
            "&#x200b;x",
        ] {
            let once = clean(text, true).into_owned();
            assert_eq!(once, "x", "{text:?}");
            assert_eq!(clean(&once, true), once);
        }
    }
}
