//! The text that a model reads, cut to what was asked for and to what there is room for.
//!
//! One pass over the body: items outside the selection are stepped over, values inside it are written out
//! as they are met, and what does not fit any more is counted. Nothing is kept of what is not written.

use std::borrow::Cow;
use std::fmt::Write as _;

use crate::foreign::{Gate, LONGEST_SECRET, Redact};
use crate::sanitize;

use super::scan::{DEEPEST, Flaw, Kind, Scanner, Span, plain_run};

/// Names under which OpManager sends lists, where an operation that documents a bare array sends an object.
const USUAL_LISTS: [&str; 3] = ["rows", "List", "Details"];
/// Longest text of one string in a value that must be shortened, in characters.
const LONGEST_STRING: usize = 2000;
/// What is kept free for the words around a list.
const AROUND: usize = 400;
/// What is kept free for what stands beside a list, at least.
const LEAST_BESIDE: usize = 256;
/// What is kept free for the mark at the end of a shortened container.
const MARK: usize = 48;
/// Most fields of an object among which room is shared evenly.
const SHARED: usize = 64;
/// The key under which a shortened object says so.
const MORE: &str = "\u{2026}";

/// What is known of an operation's answer.
#[derive(Debug, Clone, Copy, Default)]
pub struct Plan<'a> {
    /// Where its list is: the keys that lead to it, none for a bare array; `None` if it has no list.
    pub list: Option<&'a [&'a str]>,
    /// Names of fields whose text holds markup.
    pub markup: &'a [&'a str],
}

/// What a caller wants of a list.
#[derive(Debug, Clone)]
pub struct Selection {
    /// Names of the fields to keep; empty keeps all.
    pub fields: Vec<String>,
    /// Most items; at least one.
    pub limit: usize,
    /// Items to leave out at the start.
    pub offset: usize,
}

impl Default for Selection {
    fn default() -> Self {
        Self {
            fields: Vec::new(),
            limit: 50,
            offset: 0,
        }
    }
}

/// What an operator allows.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// Longest text, in characters. Below 1,000 it counts as 1,000.
    pub max_chars: usize,
    /// Whether strings are left as they came.
    pub raw: bool,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            max_chars: 24_000,
            raw: false,
        }
    }
}

/// Why a body gives no text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Problem {
    /// It is not acceptable JSON.
    Flaw(Flaw),
    /// It is an object with an `error`.
    Reported {
        /// `errorcode` or `code`.
        code: Option<String>,
        /// `message`, or the error itself if it is a text.
        message: String,
    },
}

impl From<Flaw> for Problem {
    fn from(flaw: Flaw) -> Self {
        Self::Flaw(flaw)
    }
}

/// Shapes a body.
///
/// # Errors
///
/// [`Problem`] if the body is not whole, well-formed JSON of bounded depth, or reports an error.
pub fn shape(
    body: &[u8],
    plan: Plan<'_>,
    selection: &Selection,
    limits: Limits,
    redact: Redact<'_>,
) -> Result<String, Problem> {
    let scan = start(body)?;
    let mut shaper = Shaper {
        scan,
        plan,
        selection,
        gate: Gate::new(redact).raw(limits.raw),
        found: vec![false; selection.fields.len()],
        scratch: String::new(),
    };
    let end = limits.max_chars.max(1000);
    let text = shaper.answer(end)?;
    shaper.scan.end()?;
    Ok(text)
}

/// Checks a body without making a text of it.
///
/// # Errors
///
/// As [`shape`].
pub(super) fn outline(body: &[u8]) -> Result<(), Problem> {
    let mut scan = start(body)?;
    if scan.kind()? == Kind::Object {
        let mut more = scan.open(b'}')?;
        while more {
            let key = scan.key()?;
            reported(&mut scan, &key)?;
            scan.skip(1)?;
            more = scan.next(b'}')?;
        }
    } else {
        scan.skip(0)?;
    }
    Ok(scan.end()?)
}

fn start(body: &[u8]) -> Result<Scanner<'_>, Problem> {
    match std::str::from_utf8(body) {
        Ok(text) => Ok(Scanner::new(text)),
        Err(error) if error.error_len().is_none() => Err(Flaw::Truncated.into()),
        Err(_) => Err(Flaw::Invalid.into()),
    }
}

/// Stops at the value of an `error` key of the outermost object, unless it says that there is none.
fn reported(scan: &mut Scanner<'_>, key: &Span) -> Result<(), Problem> {
    if decoded(scan, key) != "error" {
        return Ok(());
    }
    let start = scan.position();
    let mut code = None;
    let mut message = String::new();
    let is_error = match scan.kind()? {
        Kind::Word => scan.word().map(|range| scan.slice(range) == "true")?,
        Kind::Object => {
            let mut more = scan.open(b'}')?;
            while more {
                let key = scan.key()?;
                let key = decoded(scan, &key);
                let value = scalar(scan, 2)?;
                match key.as_ref() {
                    "message" => message = value,
                    "errorcode" | "code" => code = Some(value),
                    _ => {}
                }
                more = scan.next(b'}')?;
            }
            true
        }
        Kind::Number => {
            code = Some(scalar(scan, 1)?);
            true
        }
        _ => {
            message = scalar(scan, 1)?;
            true
        }
    };
    if is_error {
        return Err(Problem::Reported { code, message });
    }
    scan.rewind(start);
    Ok(())
}

/// A scalar as text; a container as nothing.
fn scalar(scan: &mut Scanner<'_>, depth: u32) -> Result<String, Flaw> {
    Ok(match scan.kind()? {
        Kind::String => {
            let span = scan.string()?;
            decoded(scan, &span).into_owned()
        }
        Kind::Number => {
            let range = scan.number()?;
            scan.slice(range).to_owned()
        }
        _ => {
            scan.skip(depth)?;
            String::new()
        }
    })
}

fn decoded<'a>(scan: &Scanner<'a>, span: &Span) -> Cow<'a, str> {
    let raw = scan.slice(span.range.clone());
    if !span.escaped {
        return Cow::Borrowed(raw);
    }
    let mut text = String::new();
    decode(raw, usize::MAX, &mut text);
    Cow::Owned(text)
}

/// Decodes up to `most` characters of the inside of a checked string; returns how many are left.
fn decode(raw: &str, most: usize, text: &mut String) -> usize {
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

/// A text under construction and its length in characters.
#[derive(Default)]
struct Out {
    text: String,
    chars: usize,
}

/// A place in a text to which it can be cut back.
#[derive(Clone, Copy)]
struct Mark {
    bytes: usize,
    chars: usize,
}

impl Out {
    fn push(&mut self, text: &str) {
        self.text.push_str(text);
        self.chars += text.chars().count();
    }

    /// Writes printable ASCII without quotes and backslashes as a string.
    fn quoted(&mut self, plain: &str) {
        self.text.reserve(plain.len() + 2);
        self.text.push('"');
        self.text.push_str(plain);
        self.text.push('"');
        self.chars += plain.len() + 2;
    }

    /// Writes one ASCII character.
    fn sign(&mut self, sign: char) {
        self.text.push(sign);
        self.chars += 1;
    }

    fn mark(&self) -> Mark {
        Mark {
            bytes: self.text.len(),
            chars: self.chars,
        }
    }

    fn cut(&mut self, mark: Mark) {
        self.text.truncate(mark.bytes);
        self.chars = mark.chars;
    }
}

struct Shaper<'a> {
    scan: Scanner<'a>,
    plan: Plan<'a>,
    selection: &'a Selection,
    gate: Gate<'a>,
    /// Which of the selected fields have been met.
    found: Vec<bool>,
    scratch: String,
}

/// What became of a list.
#[derive(Default)]
struct Counts {
    returned: usize,
    total: usize,
    /// Whether the last item returned had to be shortened.
    cut: bool,
    /// Whether items were left out for lack of room.
    full: bool,
}

impl<'a> Shaper<'a> {
    fn answer(&mut self, end: usize) -> Result<String, Problem> {
        let mut out = Out::default();
        let Some(path) = self.plan.list else {
            self.whole(&mut out, end)?;
            return Ok(out.text);
        };
        let beginning = self.scan.position();
        let mut beside = Out::default();
        out.push("{\"items\":[");
        let counts = match self.scan.kind()? {
            Kind::Array => Some(self.items(&mut out, end - AROUND, 0)?),
            Kind::Object => {
                let room = (end / 8).max(LEAST_BESIDE);
                self.find_list(&mut out, end - AROUND - room, path, &mut beside, room, 0)?
            }
            _ => None,
        };
        let Some(counts) = counts else {
            // Another shape than the documented one: shown as it is rather than as an empty list.
            self.scan.rewind(beginning);
            out.cut(Mark { bytes: 0, chars: 0 });
            self.whole(&mut out, end)?;
            return Ok(out.text);
        };
        self.around(&mut out, &counts, &beside);
        Ok(out.text)
    }

    /// The words around the items.
    fn around(&self, out: &mut Out, counts: &Counts, beside: &Out) {
        let offset = self.selection.offset;
        let next = offset.saturating_add(counts.returned);
        let more = next < counts.total;
        let _ = write!(
            out.text,
            "],\"returned\":{},\"offset\":{offset},\"total\":{}",
            counts.returned, counts.total
        );
        if more {
            let _ = write!(out.text, ",\"next_offset\":{next}");
        }
        let missing: Vec<&str> = self
            .selection
            .fields
            .iter()
            .zip(&self.found)
            .filter(|(_, found)| !**found)
            .map(|(field, _)| field.as_str())
            .collect();
        let mut notes: Vec<String> = Vec::new();
        if counts.cut {
            notes.push(
                "An item is shortened to fit the size limit: name the fields you need in `fields`."
                    .into(),
            );
        }
        if more && counts.full {
            notes.push(format!("Size limit reached: call again with offset={next}, or name fewer fields in `fields`."));
        } else if more {
            notes.push(format!("Call again with offset={next} for the next items."));
        }
        if counts.total > 0 && offset >= counts.total {
            notes.push("offset is beyond the last item.".into());
        }
        if !missing.is_empty() && counts.returned > 0 {
            notes.push(format!(
                "{} of the names in `fields` occur in no item returned.",
                missing.len()
            ));
        }
        if !notes.is_empty() {
            let _ = write!(out.text, ",\"note\":\"{}\"", notes.join(" "));
        }
        if !beside.text.is_empty() {
            let _ = write!(out.text, ",\"opmanager\":{{{}}}", beside.text);
        }
        out.text.push('}');
    }

    /// Walks an object towards the list; everything beside it is written to `beside`, as far as there is
    /// room.
    fn find_list(
        &mut self,
        out: &mut Out,
        end: usize,
        path: &[&str],
        beside: &mut Out,
        room: usize,
        depth: u32,
    ) -> Result<Option<Counts>, Problem> {
        let mut counts = None;
        let mut left_out = 0;
        let mut more = self.scan.open(b'}')?;
        while more {
            let key = self.scan.key()?;
            if depth == 0 {
                reported(&mut self.scan, &key)?;
            }
            let name = decoded(&self.scan, &key);
            let kind = self.scan.kind()?;
            let wanted = match path.first() {
                Some(first) => name == *first,
                None => kind == Kind::Array && USUAL_LISTS.contains(&name.as_ref()),
            };
            if wanted && kind == Kind::Array && counts.is_none() {
                counts = Some(self.items(out, end, depth + 1)?);
            } else if wanted && kind == Kind::Object && path.len() > 1 && counts.is_none() {
                counts = self.find_list(out, end, &path[1..], beside, room, depth + 1)?;
            } else if beside.chars + key.range.len() + MARK * 2 > room {
                self.scan.skip(depth + 1)?;
                left_out += 1;
            } else {
                let before = beside.mark();
                if !beside.text.is_empty() {
                    beside.sign(',');
                }
                // Escapes and what stands in place of a key can make a name longer than it was.
                let most = room.saturating_sub(beside.chars + MARK * 2);
                if !self.string(beside, &key, most, false) {
                    beside.cut(before);
                    self.scan.skip(depth + 1)?;
                    left_out += 1;
                    more = self.scan.next(b'}')?;
                    continue;
                }
                beside.sign(':');
                let markup = self.is_markup(&key);
                self.shrunk(
                    beside,
                    room.max(beside.chars + MARK) - MARK / 2,
                    depth + 1,
                    markup,
                )?;
            }
            more = self.scan.next(b'}')?;
        }
        if left_out > 0 {
            let comma = if beside.text.is_empty() { "" } else { "," };
            beside.push(&format!("{comma}\"{MORE}\":\"{left_out} more fields\""));
        }
        Ok(counts)
    }

    /// Writes the selected items of a list, and counts the others.
    fn items(&mut self, out: &mut Out, end: usize, depth: u32) -> Result<Counts, Problem> {
        let mut counts = Counts::default();
        let mut more = self.scan.open(b']')?;
        while more {
            let wanted = counts.total >= self.selection.offset
                && counts.returned < self.selection.limit.max(1)
                && !counts.full;
            if wanted {
                let (before, begin) = (out.mark(), self.scan.position());
                if counts.returned > 0 {
                    out.sign(',');
                }
                if self.item(out, end, depth + 1)? {
                    counts.returned += 1;
                } else {
                    counts.full = true;
                    out.cut(before);
                    self.scan.rewind(begin);
                    if counts.returned == 0 {
                        self.shrunk_item(out, end, depth + 1)?;
                        counts.returned = 1;
                        counts.cut = true;
                    } else {
                        self.scan.skip(depth + 1)?;
                    }
                }
            } else {
                self.scan.skip(depth + 1)?;
            }
            counts.total += 1;
            more = self.scan.next(b']')?;
        }
        Ok(counts)
    }

    /// Writes one item with its selected fields; `false` if there is no room for it.
    fn item(&mut self, out: &mut Out, end: usize, depth: u32) -> Result<bool, Problem> {
        if self.selection.fields.is_empty() || self.scan.kind()? != Kind::Object {
            return self.fitting(out, end, depth, false);
        }
        out.sign('{');
        let mut first = true;
        let mut more = self.scan.open(b'}')?;
        while more {
            let key = self.scan.key()?;
            if self.selects(&key) {
                if !first {
                    out.sign(',');
                }
                first = false;
                self.string(out, &key, usize::MAX, false);
                out.sign(':');
                let markup = self.is_markup(&key);
                if !self.fitting(out, end, depth + 1, markup)? {
                    return Ok(false);
                }
            } else {
                self.scan.skip(depth + 1)?;
            }
            more = self.scan.next(b'}')?;
        }
        out.sign('}');
        Ok(out.chars <= end)
    }

    fn selects(&mut self, key: &Span) -> bool {
        let name = decoded(&self.scan, key);
        let mut selected = false;
        for (field, found) in self.selection.fields.iter().zip(&mut self.found) {
            if *field == name {
                *found = true;
                selected = true;
            }
        }
        selected
    }

    fn is_markup(&self, key: &Span) -> bool {
        !self.plan.markup.is_empty()
            && self
                .plan
                .markup
                .contains(&decoded(&self.scan, key).as_ref())
    }

    /// Writes a value as it is; `false`, somewhere inside it, as soon as there is no room for it.
    fn fitting(
        &mut self,
        out: &mut Out,
        end: usize,
        depth: u32,
        markup: bool,
    ) -> Result<bool, Problem> {
        match self.scan.kind()? {
            kind @ (Kind::Object | Kind::Array) => {
                if depth >= DEEPEST {
                    return Err(Flaw::TooDeep.into());
                }
                let (open, close) = if kind == Kind::Object {
                    ('{', b'}')
                } else {
                    ('[', b']')
                };
                out.sign(open);
                let mut more = self.scan.open(close)?;
                let mut first = true;
                while more {
                    if !first {
                        out.sign(',');
                    }
                    first = false;
                    let mut markup = markup;
                    if kind == Kind::Object {
                        let key = self.scan.key()?;
                        if depth == 0 {
                            reported(&mut self.scan, &key)?;
                        }
                        if !self.string(out, &key, end.saturating_sub(out.chars), false) {
                            return Ok(false);
                        }
                        out.sign(':');
                        markup = self.is_markup(&key);
                    }
                    if !self.fitting(out, end, depth + 1, markup)? {
                        return Ok(false);
                    }
                    more = self.scan.next(close)?;
                }
                out.sign(char::from(close));
            }
            Kind::String => {
                let span = self.scan.string()?;
                if !self.string(out, &span, end.saturating_sub(out.chars), markup) {
                    return Ok(false);
                }
            }
            Kind::Number => {
                let range = self.scan.number()?;
                self.plain(out, range);
            }
            Kind::Word => {
                let range = self.scan.word()?;
                self.plain(out, range);
            }
        }
        Ok(out.chars <= end)
    }

    /// Writes a number or a word digit for digit.
    fn plain(&self, out: &mut Out, range: std::ops::Range<usize>) {
        let text = self.scan.slice(range);
        match self.gate.redacted(text) {
            None => out.push(text),
            Some(harmless) => {
                quote(out, &harmless);
            }
        }
    }

    /// Writes a string whole; `false` if it takes more than `room`, and then nothing is written.
    fn string(&mut self, out: &mut Out, span: &Span, room: usize, markup: bool) -> bool {
        let raw = self.scan.slice(span.range.clone());
        // A character of text takes at most six of its escaped form.
        if raw.len() / 6 > room {
            return false;
        }
        let before = out.mark();
        if !span.escaped && sanitize::is_plain(raw) && (self.gate.is_raw() || !markup) {
            // Most are like this: nothing to clean, nothing to escape, a byte for each character.
            match self.gate.redacted(raw) {
                None => out.quoted(raw),
                Some(harmless) => quote(out, &harmless),
            }
        } else if span.escaped {
            let mut scratch = std::mem::take(&mut self.scratch);
            scratch.clear();
            decode(raw, usize::MAX, &mut scratch);
            quote(out, &self.gate.value(&scratch, markup));
            self.scratch = scratch;
        } else {
            match self.gate.value(raw, markup) {
                // What came without escapes needs none.
                Cow::Borrowed(text) => {
                    out.sign('"');
                    out.push(text);
                    out.sign('"');
                }
                Cow::Owned(text) => quote(out, &text),
            }
        }
        let fits = out.chars - before.chars <= room;
        if !fits {
            out.cut(before);
        }
        fits
    }

    /// The outermost value, shortened if it must be.
    fn whole(&mut self, out: &mut Out, end: usize) -> Result<(), Problem> {
        let (before, begin) = (out.mark(), self.scan.position());
        if self.fitting(out, end, 0, false)? {
            return Ok(());
        }
        out.cut(before);
        self.scan.rewind(begin);
        self.shrunk(out, end - AROUND, 0, false)?;
        if out.text.ends_with('}') {
            out.text.pop();
            let comma = if out.text.ends_with('{') { "" } else { "," };
            let _ = write!(
                out.text,
                "{comma}\"{MORE}{MORE}\":\"Shortened to fit the size limit (--max-result-chars).\"}}"
            );
        }
        Ok(())
    }

    /// Writes a value, shortened where it does not fit.
    fn shrunk(
        &mut self,
        out: &mut Out,
        end: usize,
        depth: u32,
        markup: bool,
    ) -> Result<(), Problem> {
        let (before, begin) = (out.mark(), self.scan.position());
        if self.fitting(out, end, depth, markup)? {
            return Ok(());
        }
        out.cut(before);
        self.scan.rewind(begin);
        match self.scan.kind()? {
            Kind::Object => self.shrunk_object(out, end, depth, false),
            Kind::Array => self.shrunk_array(out, end, depth, markup),
            Kind::String => {
                let span = self.scan.string()?;
                self.shrunk_string(out, &span, end.saturating_sub(out.chars), markup);
                Ok(())
            }
            // Words are short enough for the room that is always kept; only a number can be too long.
            Kind::Number | Kind::Word => {
                let digits = self.scan.position();
                self.scan.skip(depth)?;
                let digits = self.scan.position() - digits;
                out.push(&format!("\"{MORE} [a number of {digits} characters]\""));
                Ok(())
            }
        }
    }

    fn shrunk_item(&mut self, out: &mut Out, end: usize, depth: u32) -> Result<(), Problem> {
        if self.scan.kind()? == Kind::Object {
            self.shrunk_object(out, end, depth, !self.selection.fields.is_empty())
        } else {
            self.shrunk(out, end, depth, false)
        }
    }

    fn shrunk_string(&mut self, out: &mut Out, span: &Span, room: usize, markup: bool) {
        let raw = self.scan.slice(span.range.clone());
        let room = room.min(LONGEST_STRING);
        let mut text = String::new();
        let left = decode(raw, room + LONGEST_SECRET, &mut text);
        shortened(out, self.gate, &text, left, room, markup);
    }

    fn shrunk_array(
        &mut self,
        out: &mut Out,
        end: usize,
        depth: u32,
        markup: bool,
    ) -> Result<(), Problem> {
        out.sign('[');
        let mut left_out = 0usize;
        let mut first = true;
        let mut more = self.scan.open(b']')?;
        while more {
            let (before, begin) = (out.mark(), self.scan.position());
            let room = end.saturating_sub(MARK);
            if left_out > 0 || out.chars + MARK / 2 > room {
                self.scan.skip(depth + 1)?;
                left_out += 1;
            } else {
                if !first {
                    out.sign(',');
                }
                if first {
                    self.shrunk(out, room, depth + 1, markup)?;
                } else if !self.fitting(out, room, depth + 1, markup)? {
                    out.cut(before);
                    self.scan.rewind(begin);
                    self.scan.skip(depth + 1)?;
                    left_out += 1;
                }
                first = false;
            }
            more = self.scan.next(b']')?;
        }
        if left_out > 0 {
            let comma = if first { "" } else { "," };
            out.push(&format!("{comma}\"{MORE} {left_out} more items\""));
        }
        out.sign(']');
        Ok(())
    }

    /// Writes an object whose fields share the room: small ones are kept whole, large ones shortened alike.
    fn shrunk_object(
        &mut self,
        out: &mut Out,
        end: usize,
        depth: u32,
        selected: bool,
    ) -> Result<(), Problem> {
        let share = self.fair_share(end.saturating_sub(out.chars + MARK), depth, selected)?;
        out.sign('{');
        let mut left_out = 0usize;
        let mut first = true;
        let mut more = self.scan.open(b'}')?;
        while more {
            let key = self.scan.key()?;
            if depth == 0 {
                reported(&mut self.scan, &key)?;
            }
            let wanted = !selected || self.selects(&key);
            let key_room = key.range.len() + 4;
            let room = end.saturating_sub(MARK);
            if !wanted {
                self.scan.skip(depth + 1)?;
            } else if out.chars + key_room + MARK / 2 > room {
                self.scan.skip(depth + 1)?;
                left_out += 1;
            } else {
                let before = out.mark();
                if !first {
                    out.sign(',');
                }
                let most = room.saturating_sub(out.chars + MARK / 2);
                if !self.string(out, &key, most, false) {
                    out.cut(before);
                    self.scan.skip(depth + 1)?;
                    left_out += 1;
                    more = self.scan.next(b'}')?;
                    continue;
                }
                first = false;
                out.sign(':');
                let markup = self.is_markup(&key);
                let room = room.min(out.chars + share.max(MARK));
                self.shrunk(out, room, depth + 1, markup)?;
            }
            more = self.scan.next(b'}')?;
        }
        if left_out > 0 {
            let comma = if first { "" } else { "," };
            out.push(&format!("{comma}\"{MORE}\":\"{left_out} more fields\""));
        }
        out.sign('}');
        Ok(())
    }

    /// The room that each field of the object here may take so that all of them share `room`. An object with
    /// very many fields is written in order instead.
    fn fair_share(&mut self, room: usize, depth: u32, selected: bool) -> Result<usize, Problem> {
        let begin = self.scan.position();
        let mut sizes = [0usize; SHARED];
        let mut count = 0;
        let mut more = self.scan.open(b'}')?;
        while more {
            let key = self.scan.key()?;
            let wanted = !selected || self.selects(&key);
            let before = self.scan.position();
            self.scan.skip(depth + 1)?;
            if wanted {
                let Some(size) = sizes.get_mut(count) else {
                    self.scan.rewind(begin);
                    return Ok(room);
                };
                *size = self.scan.position() - before + key.range.len() + MARK;
                count += 1;
            }
            more = self.scan.next(b'}')?;
        }
        self.scan.rewind(begin);
        let sizes = &mut sizes[..count];
        sizes.sort_unstable();
        let mut left = room;
        for (place, size) in sizes.iter().enumerate() {
            let share = left / (count - place);
            if *size > share {
                return Ok(share);
            }
            left -= size;
        }
        Ok(room)
    }
}

/// Writes a text as a JSON string of at most `room` characters. `left` more of its characters were not looked at, and
/// are behind at least [`LONGEST_SECRET`] others.
fn shortened(out: &mut Out, gate: Gate<'_>, text: &str, left: usize, room: usize, markup: bool) {
    let text = gate.value(text, markup);
    let seen = text.chars().count();
    let total = seen + left;
    // A secret that goes on where nobody looked has not been found: nothing of it may be kept.
    let safe = seen.saturating_sub(if left > 0 { LONGEST_SECRET } else { 0 });
    let mut kept = if left == 0 && seen + 2 <= room {
        seen
    } else {
        safe.min(room.saturating_sub(MARK))
    };
    loop {
        let prefix: String = text.chars().take(kept).collect();
        let mut short = Out::default();
        if kept == total {
            quote(&mut short, &prefix);
        } else {
            let rest = total - kept;
            quote(
                &mut short,
                &format!("{prefix}{MORE} [{rest} more characters]"),
            );
        }
        if short.chars <= room || kept == 0 {
            out.push(&short.text);
            return;
        }
        // Escapes took the room: take off as much as is too much, at least.
        kept = kept.saturating_sub((short.chars - room).max(1));
    }
}

/// The answer that is a bare message, in the form in which the other writes send theirs.
pub fn message(text: &str, limits: Limits, redact: Redact<'_>) -> String {
    const AROUND_MESSAGE: usize = 64;
    let room = limits.max_chars.max(1000) - AROUND_MESSAGE;
    let mut looked_at = text.char_indices();
    let (text, left) = match looked_at.nth(room + LONGEST_SECRET) {
        None => (text, 0),
        Some((end, _)) => (&text[..end], looked_at.count() + 1),
    };
    let mut out = Out::default();
    out.push("{\"result\":{\"message\":");
    let gate = Gate::new(redact).raw(limits.raw);
    shortened(&mut out, gate, text, left, room, false);
    out.push("}}");
    out.text
}

/// A text as a JSON string.
pub(super) fn quoted(text: &str) -> String {
    let mut out = Out::default();
    quote(&mut out, text);
    out.text
}

/// Writes a text as a JSON string.
fn quote(out: &mut Out, text: &str) {
    out.sign('"');
    let mut rest = text;
    loop {
        let (before, special) = rest.split_at(plain_run(rest.as_bytes(), 0));
        out.push(before);
        match special.as_bytes().first() {
            None => break,
            Some(b'"') => out.push("\\\""),
            Some(b'\\') => out.push("\\\\"),
            Some(b'\n') => out.push("\\n"),
            Some(b'\r') => out.push("\\r"),
            Some(b'\t') => out.push("\\t"),
            Some(byte) => out.push(&format!("\\u{byte:04x}")),
        }
        rest = &special[1..];
    }
    out.sign('"');
}
