//! A strict JSON scanner over bytes.
//!
//! Owns the grammar. It builds nothing: it says where a value begins and ends and whether it is well
//! formed, without recursion and without allocation. Nesting is bounded, because readers further on are
//! less patient than it is.

use std::ops::Range;

/// Deepest nesting that is accepted.
pub(super) const DEEPEST: u32 = 64;

/// Why a text is not acceptable JSON.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Flaw {
    /// It breaks the grammar, or is not UTF-8.
    Invalid,
    /// It ends before its value does.
    Truncated,
    /// It is nested deeper than any documented answer.
    TooDeep,
}

type Result<T> = std::result::Result<T, Flaw>;

/// A position in a JSON text.
#[derive(Debug, Clone)]
pub(super) struct Scanner<'a> {
    bytes: &'a [u8],
    at: usize,
}

/// The inside of a string: what stands between its quotes.
#[derive(Debug, Clone)]
pub(super) struct Span {
    /// Where it stands.
    pub(super) range: Range<usize>,
    /// Whether it has escapes.
    pub(super) escaped: bool,
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
pub(crate) fn outermost(bytes: &[u8]) -> Result<Kind> {
    let mut scanner = Scanner::new(bytes);
    let kind = scanner.kind()?;
    scanner.skip(0)?;
    scanner.end()?;
    Ok(kind)
}

impl<'a> Scanner<'a> {
    /// Starts at the first byte that is no white space, behind a byte order mark if there is one.
    pub(super) fn new(bytes: &'a [u8]) -> Self {
        let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
        let mut scanner = Self { bytes, at: 0 };
        scanner.space();
        scanner
    }

    /// The bytes of a range.
    pub(super) fn slice(&self, range: Range<usize>) -> &'a [u8] {
        self.bytes.get(range).unwrap_or_default()
    }

    /// Where it stands.
    pub(super) fn position(&self) -> usize {
        self.at
    }

    /// Goes back to a position it has been at.
    pub(super) fn rewind(&mut self, position: usize) {
        self.at = position;
    }

    fn peek(&self) -> Result<u8> {
        self.bytes.get(self.at).copied().ok_or(Flaw::Truncated)
    }

    fn space(&mut self) {
        while let Some(b' ' | b'\n' | b'\r' | b'\t') = self.bytes.get(self.at) {
            self.at += 1;
        }
    }

    /// The kind of the value that begins here.
    pub(super) fn kind(&self) -> Result<Kind> {
        match self.peek()? {
            b'{' => Ok(Kind::Object),
            b'[' => Ok(Kind::Array),
            b'"' => Ok(Kind::String),
            b'-' | b'0'..=b'9' => Ok(Kind::Number),
            b't' | b'f' | b'n' => Ok(Kind::Word),
            _ => Err(Flaw::Invalid),
        }
    }

    /// Nothing but white space may follow the outermost value.
    pub(super) fn end(&mut self) -> Result<()> {
        self.space();
        if self.at == self.bytes.len() {
            Ok(())
        } else {
            Err(Flaw::Invalid)
        }
    }

    /// Steps into a container; `false` if it is empty and already left again.
    pub(super) fn open(&mut self, close: u8) -> Result<bool> {
        self.at += 1;
        self.space();
        if self.peek()? == close {
            self.at += 1;
            return Ok(false);
        }
        Ok(true)
    }

    /// Steps over the comma to the next entry; `false` if the container has been left instead.
    pub(super) fn next(&mut self, close: u8) -> Result<bool> {
        self.space();
        match self.peek()? {
            b',' => {
                self.at += 1;
                self.space();
                Ok(true)
            }
            byte if byte == close => {
                self.at += 1;
                Ok(false)
            }
            _ => Err(Flaw::Invalid),
        }
    }

    /// The key of an object's entry and the colon behind it.
    pub(super) fn key(&mut self) -> Result<Span> {
        if self.peek()? != b'"' {
            return Err(Flaw::Invalid);
        }
        let key = self.string()?;
        self.space();
        if self.peek()? != b':' {
            return Err(Flaw::Invalid);
        }
        self.at += 1;
        self.space();
        Ok(key)
    }

    /// A string.
    pub(super) fn string(&mut self) -> Result<Span> {
        self.at += 1;
        let start = self.at;
        let mut escaped = false;
        loop {
            self.at = plain_run(self.bytes, self.at);
            match self.peek()? {
                b'"' => {
                    let range = start..self.at;
                    self.at += 1;
                    return Ok(Span { range, escaped });
                }
                b'\\' => {
                    escaped = true;
                    self.escape()?;
                }
                _ => return Err(Flaw::Invalid),
            }
        }
    }

    fn escape(&mut self) -> Result<()> {
        self.at += 1;
        let byte = self.peek()?;
        self.at += 1;
        match byte {
            b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't' => Ok(()),
            b'u' => match self.hex()? {
                0xDC00..=0xDFFF => Err(Flaw::Invalid),
                0xD800..=0xDBFF => {
                    // Half a character is none: its other half must follow.
                    for expected in [b'\\', b'u'] {
                        if self.peek()? != expected {
                            return Err(Flaw::Invalid);
                        }
                        self.at += 1;
                    }
                    match self.hex()? {
                        0xDC00..=0xDFFF => Ok(()),
                        _ => Err(Flaw::Invalid),
                    }
                }
                _ => Ok(()),
            },
            _ => Err(Flaw::Invalid),
        }
    }

    fn hex(&mut self) -> Result<u32> {
        let mut value = 0;
        for _ in 0..4 {
            let digit = char::from(self.peek()?).to_digit(16).ok_or(Flaw::Invalid)?;
            value = value * 16 + digit;
            self.at += 1;
        }
        Ok(value)
    }

    /// A number; its digits are left as they stand.
    pub(super) fn number(&mut self) -> Result<Range<usize>> {
        let start = self.at;
        if self.bytes.get(self.at) == Some(&b'-') {
            self.at += 1;
        }
        match self.peek()? {
            b'0' => self.at += 1,
            b'1'..=b'9' => self.digits(),
            _ => return Err(Flaw::Invalid),
        }
        if self.bytes.get(self.at) == Some(&b'.') {
            self.at += 1;
            self.some_digits()?;
        }
        if let Some(b'e' | b'E') = self.bytes.get(self.at) {
            self.at += 1;
            if let Some(b'+' | b'-') = self.bytes.get(self.at) {
                self.at += 1;
            }
            self.some_digits()?;
        }
        Ok(start..self.at)
    }

    fn some_digits(&mut self) -> Result<()> {
        if !self.peek()?.is_ascii_digit() {
            return Err(Flaw::Invalid);
        }
        self.digits();
        Ok(())
    }

    fn digits(&mut self) {
        while self.bytes.get(self.at).is_some_and(u8::is_ascii_digit) {
            self.at += 1;
        }
    }

    /// `true`, `false` or `null`.
    pub(super) fn word(&mut self) -> Result<Range<usize>> {
        let start = self.at;
        let rest = self.bytes.get(self.at..).unwrap_or_default();
        for word in [&b"true"[..], b"false", b"null"] {
            if rest.starts_with(word) {
                self.at += word.len();
                return Ok(start..self.at);
            }
            if word.starts_with(rest) {
                return Err(Flaw::Truncated);
            }
        }
        Err(Flaw::Invalid)
    }

    /// Steps over a value that begins at `depth` containers below the outermost.
    pub(super) fn skip(&mut self, depth: u32) -> Result<()> {
        // One bit for each container that is open here, set for objects: the whole stack of the walk.
        let mut objects: u64 = 0;
        let mut open = 0;
        loop {
            match self.peek()? {
                b'"' => {
                    self.string()?;
                }
                byte @ (b'{' | b'[') => {
                    if depth + open >= DEEPEST {
                        return Err(Flaw::TooDeep);
                    }
                    let object = byte == b'{';
                    if self.open(if object { b'}' } else { b']' })? {
                        objects = objects << 1 | u64::from(object);
                        open += 1;
                        if object {
                            self.key()?;
                        }
                        continue;
                    }
                }
                b'-' | b'0'..=b'9' => {
                    self.number()?;
                }
                _ => {
                    self.word()?;
                }
            }
            loop {
                if open == 0 {
                    return Ok(());
                }
                let object = objects & 1 == 1;
                if self.next(if object { b'}' } else { b']' })? {
                    if object {
                        self.key()?;
                    }
                    break;
                }
                objects >>= 1;
                open -= 1;
            }
        }
    }
}

const ONES: u64 = 0x0101_0101_0101_0101;
const HIGHS: u64 = 0x8080_8080_8080_8080;

/// The end of a run of bytes that a string may hold as they are. Eight bytes at a time: this is where most
/// of the time of a pass goes.
pub(crate) fn plain_run(bytes: &[u8], mut at: usize) -> usize {
    while let Some(chunk) = bytes
        .get(at..at + 8)
        .and_then(|chunk| chunk.first_chunk::<8>())
    {
        let chunk = u64::from_le_bytes(*chunk);
        let quotes = chunk ^ (ONES * u64::from(b'"'));
        let backslashes = chunk ^ (ONES * u64::from(b'\\'));
        let control = chunk.wrapping_sub(ONES * 0x20) & !chunk;
        let special = (quotes.wrapping_sub(ONES) & !quotes
            | backslashes.wrapping_sub(ONES) & !backslashes
            | control)
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
    use super::*;

    fn check(text: &[u8]) -> Result<()> {
        let mut scanner = Scanner::new(text);
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
