//! The API key of one call.
//!
//! Owns the key's grammar and its only way out, the request header. It cannot be printed, compared,
//! serialised or cloned, and its memory is overwritten when the call ends.

use std::borrow::Cow;
use std::sync::OnceLock;

use ::http::HeaderValue;
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD_NO_PAD, URL_SAFE_NO_PAD};
use percent_encoding::percent_decode_str;
use zeroize::Zeroizing;

use super::Error;
use crate::sanitize;

/// Longest key accepted. OpManager's own samples have 32 characters.
const LONGEST: usize = 512;
/// Shortest run of base64 digits that is taken for the key; shorter ones occur by chance.
const SHORTEST_BASE64: usize = 8;
/// What stands in place of a key.
const REDACTED: &str = "[redacted]";
/// Most encodings around one another that are looked through. Each careless hand on the way adds one.
const LAYERS: usize = 4;

/// An OpManager API key, kept for the length of one call.
///
/// There is deliberately no `Debug`, `Display`, `Clone` or `Serialize`.
pub struct ApiKey {
    key: Zeroizing<String>,
    /// Its spellings, made when first looked for.
    forms: OnceLock<Forms>,
}

impl ApiKey {
    /// Takes a key.
    ///
    /// # Errors
    ///
    /// [`Error::Argument`] for `apiKey` if it is empty, longer than 512 characters, or holds anything but
    /// visible ASCII. The message never quotes it.
    pub fn new(key: String) -> Result<Self, Error> {
        let key = Zeroizing::new(key);
        if key.is_empty() || key.len() > LONGEST || !key.bytes().all(|b| b.is_ascii_graphic()) {
            return Err(Error::argument(
                "apiKey",
                format!("must be 1 to {LONGEST} visible ASCII characters without spaces"),
            ));
        }
        Ok(Self {
            key,
            forms: OnceLock::new(),
        })
    }

    /// The header value that carries the key, marked sensitive so that no library prints it.
    pub(super) fn header(&self) -> Result<HeaderValue, Error> {
        let mut value = HeaderValue::from_str(&self.key)
            .map_err(|_| Error::argument("apiKey", "cannot be sent in a header"))?;
        value.set_sensitive(true);
        Ok(value)
    }

    /// Whether a text that a caller gives for something else has the key in it. A key of a few letters, which no real one
    /// is, is in many words.
    pub(crate) fn is_in(&self, text: &str) -> bool {
        self.key.len() >= SHORTEST_BASE64 && self.redact(text).is_some()
    }

    /// The text without the key, if the key is in it: as it is in either case, in hexadecimal digits or in base64,
    /// alone or inside of something longer; or percent-encoded, as entities of HTML, between tags, or with the escapes
    /// of JSON and its kin, up to four of these around one another.
    pub fn redact(&self, text: &str) -> Option<String> {
        let forms = self.forms.get_or_init(|| Forms::of(&self.key));
        if text.len() < forms.shortest {
            return None;
        }
        let harmless = forms.cut_out_of(text);
        if forms.are_encoded_in(harmless.as_deref().unwrap_or(text)) {
            // Where in the encoded text it begins and ends cannot be told for all encodings.
            return Some(REDACTED.to_owned());
        }
        harmless
    }
}

/// The spellings of a key, and what finds all of them in one walk over a text.
struct Forms {
    all: Vec<Form>,
    /// For each byte, which forms may begin with it, and which may go on with it: a bit for each form.
    filter: Zeroizing<[[u16; 256]; 2]>,
    /// Length of the shortest form.
    shortest: usize,
}

struct Form {
    text: Zeroizing<String>,
    /// Whether its case matters.
    exact: bool,
}

impl Forms {
    fn of(key: &str) -> Self {
        let digits = key.bytes().flat_map(|byte| [byte >> 4, byte & 15]);
        let hex = digits
            .filter_map(|digit| char::from_digit(digit.into(), 16))
            .collect();
        let mut forms = vec![(key.to_owned(), false), (hex, false)];
        for before in 0..3 {
            // Inside of something longer, the key starts at any of three places of a group; only the
            // digits that depend on nothing else are looked for.
            let padded = [&[0; 2][..before], key.as_bytes()].concat();
            let whole = (padded.len() * 8) / 6;
            for engine in [&STANDARD_NO_PAD, &URL_SAFE_NO_PAD] {
                let encoded = engine.encode(&padded);
                let own = encoded
                    .get((before * 8).div_ceil(6)..whole)
                    .unwrap_or_default();
                if own.len() >= SHORTEST_BASE64 {
                    forms.push((own.to_owned(), true));
                }
            }
        }
        forms.dedup();
        let shortest = forms.iter().map(|(form, _)| form.len()).min();
        let mut filter = Zeroizing::new([[0; 256]; 2]);
        for (bit, (form, exact)) in forms.iter().enumerate() {
            for (place, row) in filter.iter_mut().enumerate() {
                let bit = 1 << bit;
                match form.as_bytes().get(place) {
                    None => row.iter_mut().for_each(|forms| *forms |= bit),
                    Some(wanted) if *exact => row[usize::from(*wanted)] |= bit,
                    Some(wanted) => {
                        row[usize::from(wanted.to_ascii_lowercase())] |= bit;
                        row[usize::from(wanted.to_ascii_uppercase())] |= bit;
                    }
                }
            }
        }
        Self {
            all: forms
                .into_iter()
                .map(|(form, exact)| Form {
                    text: Zeroizing::new(form),
                    exact,
                })
                .collect(),
            filter,
            shortest: shortest.unwrap_or_default(),
        }
    }

    /// The text without the forms in it, if there are any.
    fn cut_out_of(&self, text: &str) -> Option<String> {
        let (mut place, mut end) = self.find(text.as_bytes(), 0)?;
        let mut harmless = String::with_capacity(text.len());
        let mut from = 0;
        loop {
            // A form is ASCII, so that it begins and ends at character boundaries. Several in a row are told as one:
            // a text full of a short key would become many times as long.
            if from == 0 || place > from {
                harmless.push_str(&text[from..place]);
                harmless.push_str(REDACTED);
            }
            from = end;
            match self.find(text.as_bytes(), from) {
                Some(next) => (place, end) = next,
                None => break,
            }
        }
        harmless.push_str(&text[from..]);
        Some(harmless)
    }

    /// Whether a form is in what a text stands for.
    fn are_encoded_in(&self, text: &str) -> bool {
        let mut current = Cow::Borrowed(text);
        for _ in 0..LAYERS {
            if !current.contains(['%', '&', '\\', '<', '=']) {
                return false;
            }
            let decoded = percent_decode_str(&current).decode_utf8_lossy();
            let decoded = unescaped(&sanitize::decode_entities(&unquoted(&decoded)));
            // A key may have what looks like a tag, and tags may stand in a key.
            let decoded = sanitize::visible(&decoded).into_owned();
            let stripped = sanitize::visible(&sanitize::strip_tags(&decoded)).into_owned();
            if [&decoded, &stripped]
                .iter()
                .any(|text| self.find(text.as_bytes(), 0).is_some())
            {
                return true;
            }
            if stripped == *current {
                return false;
            }
            current = Cow::Owned(stripped);
        }
        false
    }

    /// The first place at or behind `from` where a form stands, and its end.
    fn find(&self, text: &[u8], from: usize) -> Option<(usize, usize)> {
        let [first, second] = &*self.filter;
        let mut at = from;
        loop {
            at += text
                .get(at..)?
                .iter()
                .enumerate()
                .position(|(ahead, byte)| {
                    let begin = first[usize::from(*byte)];
                    begin != 0
                        && text
                            .get(at + ahead + 1)
                            .is_none_or(|byte| begin & second[usize::from(*byte)] != 0)
                })?;
            let rest = &text[at..];
            let here = self.all.iter().find(|form| form.begins(rest));
            if let Some(form) = here {
                return Some((at, at + form.text.len()));
            }
            at += 1;
        }
    }
}

impl Form {
    fn begins(&self, text: &[u8]) -> bool {
        let form = self.text.as_bytes();
        match text.get(..form.len()) {
            None => false,
            Some(start) if self.exact => start == form,
            Some(start) => start.eq_ignore_ascii_case(form),
        }
    }
}

/// The character of three octal digits behind a backslash.
fn octal(escape: &str) -> Option<(char, usize)> {
    let digits = escape.get(1..4)?;
    let code = u8::from_str_radix(digits, 8).ok()?;
    Some((char::from(code), 4))
}

/// The text without the escapes that have a sign of their own before hexadecimal digits: `%uXXXX` of old web pages, `=XX`
/// of mail.
fn unquoted(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find(['%', '=']) {
        let (before, escape) = rest.split_at(at);
        plain.push_str(before);
        let (from, digits) = match escape.as_bytes() {
            [b'%', b'u', ..] => (2, 4),
            [b'=', ..] => (1, 2),
            _ => (1, 0),
        };
        let hex = escape.get(from..from + digits).unwrap_or_default();
        let hex = Some(hex).filter(|hex| hex.bytes().all(|byte| byte.is_ascii_hexdigit()));
        match hex.and_then(|hex| char::from_u32(u32::from_str_radix(hex, 16).ok()?)) {
            Some(character) => {
                plain.push(character);
                rest = &escape[from + digits..];
            }
            None => {
                plain.push_str(&escape[..1]);
                rest = &escape[1..];
            }
        }
    }
    plain.push_str(rest);
    plain
}

/// The text without the escapes of JSON, JavaScript and their kin: `\uXXXX`, `\u{X}`, `\xXX`, octal digits, and a
/// backslash before what has a meaning.
fn unescaped(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find('\\') {
        let (before, escape) = rest.split_at(at);
        plain.push_str(before);
        let number = |from: usize, digits: usize| {
            let hex = escape.get(from..from + digits)?;
            let hex = hex
                .bytes()
                .all(|byte| byte.is_ascii_hexdigit())
                .then_some(hex)?;
            let code = u32::from_str_radix(hex, 16).ok()?;
            Some((char::from_u32(code)?, from + digits))
        };
        let found = match escape.as_bytes().get(1) {
            Some(b'u') if escape.as_bytes().get(2) == Some(&b'{') => escape
                .bytes()
                .take(10)
                .position(|byte| byte == b'}')
                .and_then(|end| number(3, end - 3))
                .map(|(character, end)| (character, end + 1)),
            Some(b'u') => number(2, 4),
            Some(b'U') => number(2, 8),
            Some(b'x') => number(2, 2),
            Some(b'0'..=b'3') => octal(escape),
            Some(byte) if byte.is_ascii_punctuation() => Some((char::from(*byte), 2)),
            _ => None,
        };
        let (character, length) = found.unwrap_or(('\\', 1));
        plain.push(character);
        rest = &escape[length..];
    }
    plain.push_str(rest);
    plain
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEY: &str = "zq7SENTINEL\"k\\9Xw2";

    fn check(text: &str) {
        let key = ApiKey::new(KEY.to_owned()).unwrap();
        let harmless = key
            .redact(text)
            .unwrap_or_else(|| panic!("not found in {text}"));
        assert!(harmless.contains(REDACTED), "{harmless}");
        assert_eq!(key.redact(&harmless), None, "{harmless}");
    }

    #[test]
    fn every_spelling_of_the_key_is_found() {
        check(&format!("bad key {KEY}, twice {KEY}"));
        check(&KEY.to_lowercase());
        check(&KEY.to_uppercase());
        check(&serde_json::to_string(KEY).unwrap());
        check(&KEY.bytes().map(|b| format!("%{b:02X}")).collect::<String>());
        check("?apiKey=zq7SENTINEL%22k%5c9Xw2&x=1");
        check("?q=apiKey%3Dzq7SENTINEL%2522k%255c9Xw2");
        check(&KEY.bytes().map(|b| format!("{b:02x}")).collect::<String>());
        check(&KEY.bytes().map(|b| format!("{b:02X}")).collect::<String>());
        for before in ["", "a", "ab", "abc", "user:"] {
            for after in ["", "x", "yz", "&more"] {
                let text = format!("{before}{KEY}{after}");
                check(&format!(
                    "Basic {}",
                    base64::engine::general_purpose::STANDARD.encode(&text)
                ));
                check(&format!("t={}", URL_SAFE_NO_PAD.encode(&text)));
            }
        }
    }

    #[test]
    fn rt_22_a_key_is_found_in_the_forms_that_markup_and_escapes_give_it() {
        let decimal: String = KEY.bytes().map(|byte| format!("&#{byte};")).collect();
        let hexadecimal: String = KEY.bytes().map(|byte| format!("&#x{byte:X};")).collect();
        let units: String = KEY.bytes().map(|byte| format!("\\u{byte:04x}")).collect();
        let bytes: String = KEY.bytes().map(|byte| format!("\\x{byte:02X}")).collect();
        for text in [
            "zq7SENTINEL&quot;k&bsol;9Xw2",
            "zq7SENTINEL&#34;k&#92;9Xw2",
            "zq7SENTINEL&amp;quot;k&amp;#x5c;9Xw2",
            "<td>zq7SENT<wbr>INEL&quot;<b>k</b>\\9Xw2</td>",
            "zq7SEN&shy;TINEL&quot;k\\9Xw2",
            "zq7SENTINEL\\\"k\\\\9Xw2",
            "zq7SENTINEL\\u0022k\\u005C9Xw2",
            "\\\"zq7SENTINEL\\\\\\\"k\\\\\\\\9Xw2\\\"",
            &decimal,
            &hexadecimal,
            &units,
            &bytes,
            &decimal.replace('&', "%26"),
            &decimal.replace(';', ""),
            &hexadecimal.replace(';', ""),
            &KEY.bytes()
                .map(|byte| format!("\\u{{{byte:x}}}"))
                .collect::<String>(),
            &KEY.bytes()
                .map(|byte| format!("\\{byte:03o}"))
                .collect::<String>(),
            &KEY.bytes()
                .map(|byte| format!("%u{byte:04x}"))
                .collect::<String>(),
            &KEY.bytes()
                .map(|byte| format!("={byte:02X}"))
                .collect::<String>(),
            "zq7SENT&ZeroWidthSpace;INEL&quot;k&NoBreak;\\9Xw2",
            "zq7SENT<?x?>INEL&#34k&#x5C9Xw2"
                .replace("&#x5C9", "&#92;9")
                .as_str(),
        ] {
            check(&format!("before {text} after"));
        }
        for special in ["a&b<c>d\"e'f", "p+q/r=s&t;u", "&amp;&lt;x"] {
            let key = ApiKey::new(special.to_owned()).unwrap();
            let escaped = special
                .replace('&', "&amp;")
                .replace('<', "&lt;")
                .replace('>', "&gt;")
                .replace('"', "&quot;")
                .replace('\'', "&#39;");
            for text in [special, &escaped, &special.replace('/', "\\/")] {
                let harmless = key.redact(&format!("key {text}!"));
                assert!(
                    harmless.is_some_and(|text| text.contains(REDACTED)),
                    "{text}"
                );
            }
        }
    }

    #[test]
    fn rt_02_a_text_full_of_a_short_key_does_not_grow() {
        let key = ApiKey::new("a".to_owned()).unwrap();
        assert_eq!(key.redact(&"a".repeat(100_000)).unwrap(), REDACTED);
        assert_eq!(key.redact("xaay").unwrap(), "x[redacted]y");
    }

    #[test]
    fn what_stands_around_a_key_stays_where_nothing_is_encoded() {
        let key = ApiKey::new(KEY.to_owned()).unwrap();
        let told = key.redact(&format!("{KEY} is wrong: 50% & more <5 \\ {KEY}"));
        assert_eq!(
            told.unwrap(),
            "[redacted] is wrong: 50% & more <5 \\ [redacted]"
        );
    }

    #[test]
    fn base64_is_compared_to_the_letter() {
        let key = ApiKey::new(KEY.to_owned()).unwrap();
        let encoded = STANDARD_NO_PAD.encode(KEY);
        assert!(key.redact(&encoded).is_some());
        let other: String = encoded
            .chars()
            .map(|c| {
                if c.is_ascii_lowercase() {
                    c.to_ascii_uppercase()
                } else {
                    c.to_ascii_lowercase()
                }
            })
            .collect();
        assert_eq!(key.redact(&other), None);
        // One letter is another.
        assert_eq!(key.redact(&encoded.replacen('U', "V", 1)), None);
    }

    #[test]
    fn a_text_without_the_key_is_left_alone() {
        let key = ApiKey::new(KEY.to_owned()).unwrap();
        for text in [
            "",
            "all is well",
            "100%",
            "%zz %41",
            "zq7SENTINEL",
            "\u{e9}%e9\u{e9}",
        ] {
            assert_eq!(key.redact(text), None);
        }
    }

    #[test]
    fn only_visible_ascii_is_a_key() {
        for bad in ["", " ", "a b", "a\n", "a\0", "k\u{e9}y", "\u{7f}"] {
            let error = ApiKey::new(bad.to_owned()).err().unwrap().to_string();
            assert!(error.starts_with("`apiKey` must be"), "{error}");
        }
        assert!(ApiKey::new("k".repeat(512)).is_ok());
        assert!(ApiKey::new("k".repeat(513)).is_err());
    }
}
