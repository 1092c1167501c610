//! A JSON scanner over bytes.
//!
//! Owns the grammar. It builds nothing: it says where a value begins and ends and whether it is well
//! formed, without recursion and without allocation. Nesting is bounded, because readers further on are
//! less patient than it is.
//!
//! Structure is always strict. A lenient scanner ([`Scanner::lenient`]) accepts flaws inside strings, which their
//! reader repairs: control characters, backslashes that escape nothing, half characters, bytes that are not UTF-8.

mod long;
mod text;

use std::ops::Range;

pub(crate) use long::Walk;
pub(crate) use text::{decode, decoded, is_flawed, quoted, repaired, sent, write_quoted};

/// Deepest nesting that is accepted.
pub(crate) const DEEPEST: u32 = 64;

/// Why a text is not acceptable JSON.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Flaw {
    /// It breaks the grammar.
    Invalid,
    /// It ends before its value does.
    Truncated,
    /// It is nested deeper than any documented answer.
    TooDeep,
}

type Result<T> = std::result::Result<T, Flaw>;

/// A position in a JSON text.
#[derive(Debug, Clone)]
pub(crate) struct Scanner<'a> {
    text: &'a [u8],
    at: usize,
    mode: Mode,
}

/// How a scanner reads strings.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Mode {
    /// As the grammar says.
    Strict,
    /// With flaws. More of the text may come.
    Part,
    /// With flaws. The text is whole.
    Whole,
}

/// The inside of a string: what stands between its quotes.
#[derive(Debug, Clone)]
pub(crate) struct Span {
    /// Where it stands.
    pub(crate) range: Range<usize>,
    /// Whether it has escapes, or flaws that are read like them.
    pub(crate) escaped: bool,
}

/// What a value begins with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Object,
    Array,
    String,
    Number,
    /// `true`, `false` or `null`.
    Word,
}

/// The kind of the one value that a text is, if it is well formed and nested no deeper than accepted.
pub(crate) fn outermost(text: &str) -> Result<Kind> {
    let mut scanner = Scanner::strict(text);
    let kind = scanner.kind()?;
    scanner.skip(0)?;
    scanner.end()?;
    Ok(kind)
}

impl<'a> Scanner<'a> {
    /// A scanner that accepts JSON only. It starts at the first character that is no white space, behind a byte order
    /// mark if there is one.
    pub(crate) fn strict(text: &'a str) -> Self {
        Self {
            mode: Mode::Strict,
            ..Self::lenient(text.as_bytes())
        }
    }

    /// A scanner that accepts flaws inside strings. It starts as [`Self::strict`] does.
    pub(crate) fn lenient(text: &'a [u8]) -> Self {
        let mark: &[u8] = b"\xef\xbb\xbf";
        let begin = if text.starts_with(mark) {
            mark.len()
        } else {
            0
        };
        Self::at(text, space_end(text, begin), Mode::Whole)
    }

    /// A scanner that starts at a place in the text.
    pub(crate) fn at(text: &'a [u8], at: usize, mode: Mode) -> Self {
        Self { text, at, mode }
    }

    /// The bytes of a range that it has given.
    pub(crate) fn bytes(&self, range: Range<usize>) -> &'a [u8] {
        self.text.get(range).unwrap_or_default()
    }

    /// The text of a number or word that it has given.
    pub(crate) fn plain(&self, range: Range<usize>) -> &'a str {
        std::str::from_utf8(self.bytes(range)).unwrap_or_default()
    }

    /// Where it stands.
    pub(crate) fn position(&self) -> usize {
        self.at
    }

    /// How many bytes there are from here on.
    pub(crate) fn ahead(&self) -> usize {
        self.text.len() - self.at
    }

    /// Goes back to a position it has been at.
    pub(crate) fn rewind(&mut self, position: usize) {
        self.at = position;
    }

    /// The kind of the value that begins here.
    pub(crate) fn kind(&self) -> Result<Kind> {
        match byte(self.text, self.at)? {
            b'{' => Ok(Kind::Object),
            b'[' => Ok(Kind::Array),
            b'"' => Ok(Kind::String),
            b'-' | b'0'..=b'9' => Ok(Kind::Number),
            b't' | b'f' | b'n' => Ok(Kind::Word),
            _ => Err(Flaw::Invalid),
        }
    }

    /// Nothing but white space may follow the outermost value.
    pub(crate) fn end(&mut self) -> Result<()> {
        self.at = space_end(self.text, self.at);
        if self.at == self.text.len() {
            Ok(())
        } else {
            Err(Flaw::Invalid)
        }
    }

    /// Steps into a container; `false` if it is empty and already left again.
    pub(crate) fn open(&mut self, close: u8) -> Result<bool> {
        let (at, more) = open_end(self.text, self.at, close)?;
        self.at = at;
        Ok(more)
    }

    /// Steps over the comma to the next entry; `false` if the container has been left instead.
    pub(crate) fn next(&mut self, close: u8) -> Result<bool> {
        let (at, more) = next_end(self.text, self.at, close)?;
        self.at = at;
        Ok(more)
    }

    /// The key of an object's entry and the colon behind it.
    pub(crate) fn key(&mut self) -> Result<Span> {
        let bytes = self.text;
        if byte(bytes, self.at)? != b'"' {
            return Err(Flaw::Invalid);
        }
        let key = self.string()?;
        self.at = colon_end(bytes, self.at)?;
        Ok(key)
    }

    /// A string.
    pub(crate) fn string(&mut self) -> Result<Span> {
        let start = self.at + 1;
        let (at, escaped) = string_end(self.text, start, self.mode)?;
        self.at = at;
        Ok(Span {
            range: start..at - 1,
            escaped,
        })
    }

    /// A number; its digits are left as they stand.
    pub(crate) fn number(&mut self) -> Result<Range<usize>> {
        let start = self.at;
        self.at = number_end(self.text, start)?;
        Ok(start..self.at)
    }

    /// `true`, `false` or `null`.
    pub(crate) fn word(&mut self) -> Result<Range<usize>> {
        let start = self.at;
        self.at = word_end(self.text, start)?;
        Ok(start..self.at)
    }

    /// Steps over bytes if they come next. They must be whole tokens that were accepted before.
    #[inline]
    pub(crate) fn take(&mut self, tokens: &[u8]) -> bool {
        let found = self
            .text
            .get(self.at..)
            .is_some_and(|rest| rest.starts_with(tokens));
        if found {
            // When they were met first, what was there of the text may have ended before the white space behind them.
            self.at = space_end(self.text, self.at + tokens.len());
        }
        found
    }

    /// As [`Self::skip`], quicker for what is no container.
    #[inline]
    pub(crate) fn skip_field(&mut self, depth: u32) -> Result<()> {
        let (bytes, at) = (self.text, self.at);
        self.at = match byte(bytes, at)? {
            b'"' => string_end(bytes, at + 1, self.mode)?.0,
            b'-' | b'0'..=b'9' => number_end(bytes, at)?,
            b'{' | b'[' => return self.skip(depth),
            _ => word_end(bytes, at)?,
        };
        Ok(())
    }

    /// Steps over a value that begins at `depth` containers below the outermost.
    pub(crate) fn skip(&mut self, depth: u32) -> Result<()> {
        let bytes = self.text;
        let mode = self.mode;
        let mut at = self.at;
        // One bit for each container that is open here, set for objects: the whole stack of the walk.
        let mut objects: u64 = 0;
        let mut open = 0;
        loop {
            match byte(bytes, at)? {
                b'"' => at = string_end(bytes, at + 1, mode)?.0,
                b'-' | b'0'..=b'9' => at = number_end(bytes, at)?,
                container @ (b'{' | b'[') => {
                    if depth + open >= DEEPEST {
                        return Err(Flaw::TooDeep);
                    }
                    // Both kinds close with the second character behind the one they open with.
                    let (inside, more) = open_end(bytes, at, container + 2)?;
                    at = inside;
                    if more {
                        let object = container == b'{';
                        objects = objects << 1 | u64::from(object);
                        open += 1;
                        if object {
                            at = key_end(bytes, at, mode)?;
                        }
                        continue;
                    }
                }
                _ => at = word_end(bytes, at)?,
            }
            loop {
                if open == 0 {
                    self.at = at;
                    return Ok(());
                }
                let object = objects & 1 == 1;
                let (behind, more) = next_end(bytes, at, if object { b'}' } else { b']' })?;
                at = behind;
                if more {
                    if object {
                        at = key_end(bytes, at, mode)?;
                    }
                    break;
                }
                objects >>= 1;
                open -= 1;
            }
        }
    }
}

// The grammar: each function takes a place and gives the place behind what stands there. They are small, and a
// pass calls one for every few bytes, so they are inlined even where a build is made for size.

#[inline(always)]
fn byte(bytes: &[u8], at: usize) -> Result<u8> {
    bytes.get(at).copied().ok_or(Flaw::Truncated)
}

#[inline(always)]
fn space_end(bytes: &[u8], mut at: usize) -> usize {
    while let Some(b' ' | b'\n' | b'\r' | b'\t') = bytes.get(at) {
        at += 1;
    }
    at
}

/// Behind an opening bracket and what closes it at once, if anything does.
#[inline(always)]
fn open_end(bytes: &[u8], at: usize, close: u8) -> Result<(usize, bool)> {
    let at = space_end(bytes, at + 1);
    if byte(bytes, at)? == close {
        Ok((at + 1, false))
    } else {
        Ok((at, true))
    }
}

/// Behind a comma, or behind what closes the container instead.
#[inline(always)]
fn next_end(bytes: &[u8], at: usize, close: u8) -> Result<(usize, bool)> {
    let at = space_end(bytes, at);
    match byte(bytes, at)? {
        b',' => Ok((space_end(bytes, at + 1), true)),
        byte if byte == close => Ok((at + 1, false)),
        _ => Err(Flaw::Invalid),
    }
}

#[inline(always)]
fn colon_end(bytes: &[u8], at: usize) -> Result<usize> {
    let at = space_end(bytes, at);
    if byte(bytes, at)? == b':' {
        Ok(space_end(bytes, at + 1))
    } else {
        Err(Flaw::Invalid)
    }
}

#[inline(always)]
fn key_end(bytes: &[u8], at: usize, mode: Mode) -> Result<usize> {
    if byte(bytes, at)? != b'"' {
        return Err(Flaw::Invalid);
    }
    colon_end(bytes, string_end(bytes, at + 1, mode)?.0)
}

/// Behind the closing quote of a string whose inside begins here, and whether there are escapes or flaws in it.
#[inline(always)]
fn string_end(bytes: &[u8], at: usize, mode: Mode) -> Result<(usize, bool)> {
    let at = plain_run(bytes, at);
    match byte(bytes, at)? {
        b'"' => Ok((at + 1, false)),
        b'\\' if mode == Mode::Strict => Ok((escaped_end(bytes, at)?, true)),
        _ if mode == Mode::Strict => Err(Flaw::Invalid),
        _ => Ok((lenient_end(bytes, at, mode)?, true)),
    }
}

/// As [`string_end`], from the first escape on.
fn escaped_end(bytes: &[u8], mut at: usize) -> Result<usize> {
    loop {
        match byte(bytes, at)? {
            b'"' => return Ok(at + 1),
            b'\\' => at = escape_end(bytes, at + 1)?,
            _ => return Err(Flaw::Invalid),
        }
        at = plain_run(bytes, at);
    }
}

/// As [`string_end`], from the first escape or flaw on. Whatever stands between the quotes is accepted.
///
/// A server that does not escape backslashes sends `"C:\"` for a text that ends with one, and its quote then looks
/// escaped. It is taken for the closing quote only if the strict reading leads to something that no JSON is.
fn lenient_end(bytes: &[u8], mut at: usize, mode: Mode) -> Result<usize> {
    let mut perhaps = None;
    loop {
        match bytes.get(at) {
            None => break,
            Some(b'"') => {
                let follows = bytes.get(space_end(bytes, at + 1));
                return match (follows, perhaps) {
                    (None | Some(b',' | b':' | b'}' | b']'), _) | (_, None) => Ok(at + 1),
                    (_, Some(end)) => Ok(end),
                };
            }
            Some(b'\\') => match bytes.get(at + 1) {
                Some(b'"') => {
                    at += 2;
                    if let Some(b',' | b':' | b'}' | b']') = bytes.get(space_end(bytes, at)) {
                        perhaps = Some(at);
                    }
                }
                Some(b'\\') => at += 2,
                _ => at += 1,
            },
            Some(_) => at += 1,
        }
        at = plain_run(bytes, at);
    }
    match perhaps {
        // Only brackets and blanks follow up to the end of the text.
        Some(end)
            if mode == Mode::Whole
                && bytes[end..].iter().all(|byte| b" \n\r\t}]".contains(byte)) =>
        {
            Ok(end)
        }
        _ => Err(Flaw::Truncated),
    }
}

/// Behind an escape whose backslash has been stepped over.
fn escape_end(bytes: &[u8], at: usize) -> Result<usize> {
    match byte(bytes, at)? {
        b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't' => Ok(at + 1),
        b'u' => match hex(bytes, at + 1)? {
            0xDC00..=0xDFFF => Err(Flaw::Invalid),
            0xD800..=0xDBFF => {
                // Half a character is none: its other half must follow.
                if byte(bytes, at + 5)? != b'\\' || byte(bytes, at + 6)? != b'u' {
                    return Err(Flaw::Invalid);
                }
                match hex(bytes, at + 7)? {
                    0xDC00..=0xDFFF => Ok(at + 11),
                    _ => Err(Flaw::Invalid),
                }
            }
            _ => Ok(at + 5),
        },
        _ => Err(Flaw::Invalid),
    }
}

fn hex(bytes: &[u8], at: usize) -> Result<u32> {
    let mut value = 0;
    for at in at..at + 4 {
        let digit = char::from(byte(bytes, at)?)
            .to_digit(16)
            .ok_or(Flaw::Invalid)?;
        value = value * 16 + digit;
    }
    Ok(value)
}

#[inline(always)]
fn number_end(bytes: &[u8], mut at: usize) -> Result<usize> {
    if bytes.get(at) == Some(&b'-') {
        at += 1;
    }
    at = match byte(bytes, at)? {
        b'0' => at + 1,
        b'1'..=b'9' => digits_end(bytes, at + 1),
        _ => return Err(Flaw::Invalid),
    };
    if let Some(b'.' | b'e' | b'E') = bytes.get(at) {
        return fraction_end(bytes, at);
    }
    Ok(at)
}

/// Behind the fraction and the exponent of a number.
fn fraction_end(bytes: &[u8], mut at: usize) -> Result<usize> {
    if bytes.get(at) == Some(&b'.') {
        at = some_digits_end(bytes, at + 1)?;
    }
    if let Some(b'e' | b'E') = bytes.get(at) {
        at += 1;
        if let Some(b'+' | b'-') = bytes.get(at) {
            at += 1;
        }
        at = some_digits_end(bytes, at)?;
    }
    Ok(at)
}

fn some_digits_end(bytes: &[u8], at: usize) -> Result<usize> {
    if byte(bytes, at)?.is_ascii_digit() {
        Ok(digits_end(bytes, at + 1))
    } else {
        Err(Flaw::Invalid)
    }
}

#[inline(always)]
fn digits_end(bytes: &[u8], mut at: usize) -> usize {
    while bytes.get(at).is_some_and(u8::is_ascii_digit) {
        at += 1;
    }
    at
}

#[inline(always)]
fn word_end(bytes: &[u8], at: usize) -> Result<usize> {
    let word: &[u8] = match byte(bytes, at)? {
        b't' => b"true",
        b'f' => b"false",
        b'n' => b"null",
        _ => return Err(Flaw::Invalid),
    };
    let rest = bytes.get(at..).unwrap_or_default();
    if rest.starts_with(word) {
        Ok(at + word.len())
    } else if word.starts_with(rest) {
        Err(Flaw::Truncated)
    } else {
        Err(Flaw::Invalid)
    }
}

const ONES: u64 = 0x0101_0101_0101_0101;
const HIGHS: u64 = 0x8080_8080_8080_8080;

/// The end of a run of bytes that a string may hold as they are. Eight bytes at a time: this is where most
/// of the time of a pass goes.
#[inline(always)]
pub(crate) fn plain_run(bytes: &[u8], mut at: usize) -> usize {
    while let Some(chunk) = bytes.get(at..).and_then(|rest| rest.first_chunk::<8>()) {
        let chunk = u64::from_le_bytes(*chunk);
        let quotes = chunk ^ (ONES * u64::from(b'"'));
        let backslashes = chunk ^ (ONES * u64::from(b'\\'));
        let special = (quotes.wrapping_sub(ONES) & !quotes
            | backslashes.wrapping_sub(ONES) & !backslashes
            | chunk.wrapping_sub(ONES * 0x20) & !chunk)
            & HIGHS;
        if special != 0 {
            // Borrows make bits above the first hit unreliable; the first hit itself is exact.
            return at + special.trailing_zeros() as usize / 8;
        }
        at += 8;
    }
    while bytes
        .get(at)
        .is_some_and(|byte| !matches!(byte, b'"' | b'\\' | 0..0x20))
    {
        at += 1;
    }
    at
}

#[cfg(test)]
mod tests {
    #![allow(clippy::disallowed_types, reason = "the reference to compare with")]

    use super::*;

    fn check(text: &[u8]) -> Result<()> {
        let text = std::str::from_utf8(text).unwrap();
        let mut scanner = Scanner::strict(text);
        scanner.skip(0)?;
        scanner.end()
    }

    #[test]
    fn it_accepts_exactly_what_the_reference_parser_accepts() {
        let texts: [&[u8]; 43] = [
            b"null",
            b"true",
            b"false",
            b" 1 ",
            b"-0",
            b"0.5",
            b"1e400",
            b"-1.25E-7",
            b"\"\"",
            b"\"a\\u00e9\\n\"",
            b"[]",
            b"{}",
            b"[1,[2,{\"a\":[]}],\"x\"]",
            b"{\"a\":{\"b\":1},\"c\":[true,false,null]}",
            b"\"\\ud83d\\ude00\"",
            b"\"01234567\\\"89\"",
            b"",
            b"nul",
            b"truth",
            b"01",
            b"+1",
            b".5",
            b"1.",
            b"1e",
            b"-",
            b"\"",
            b"\"\\x\"",
            b"\"\\u12\"",
            b"\"\\ud800\"",
            b"\"\\udc00\"",
            b"\"\\ud800\\u0041\"",
            b"\"\n\"",
            b"[1,]",
            b"[,1]",
            b"[1 2]",
            b"{\"a\"}",
            b"{\"a\":}",
            b"{a:1}",
            b"{\"a\":1,}",
            b"[}",
            b"{}{}",
            b"NaN",
            b"'x'",
        ];
        for text in texts {
            // A tree: the lazy visitors of the reference accept half characters in strings.
            let reference = serde_json::from_slice::<serde_json::Value>(text).is_ok();
            // The reference cannot hold 1e400 in a tree; the grammar can.
            let expected = reference || text == b"1e400";
            assert_eq!(
                check(text).is_ok(),
                expected,
                "{}",
                String::from_utf8_lossy(text)
            );
        }
    }

    #[test]
    fn a_text_that_ends_early_is_told_from_a_broken_one() {
        let whole = br#"{"a":[1,-2.5e3,true,"x\u00e9y"],"b":null}"#;
        for end in 1..whole.len() {
            assert_eq!(check(&whole[..end]), Err(Flaw::Truncated), "{end}");
        }
        assert_eq!(check(b"{\"a\":x}"), Err(Flaw::Invalid));
    }

    #[test]
    fn nesting_is_bounded() {
        let nested = |depth: usize| [vec![b'['; depth], vec![b']'; depth]].concat();
        assert_eq!(check(&nested(64)), Ok(()));
        assert_eq!(check(&nested(65)), Err(Flaw::TooDeep));
        assert_eq!(check(&vec![b'['; 100_000]), Err(Flaw::TooDeep));
    }

    #[test]
    fn a_run_ends_at_each_special_byte_wherever_it_stands() {
        for special in [b'"', b'\\', 0, 0x1f] {
            for place in 0..24 {
                let mut text = vec![b'a'; 24];
                text[place] = special;
                assert_eq!(plain_run(&text, 0), place);
            }
        }
        for ordinary in [0x20, 0x21, 0x23, 0x7f, 0x80, 0xff] {
            assert_eq!(plain_run(&[ordinary; 24], 0), 24, "{ordinary}");
        }
    }
}
