//! The text that a model reads, cut to what was asked for and to what there is room for.
//!
//! Bytes are read as they come ([`Reader`]): items outside the selection are stepped over, values inside it are written
//! out as they are met, and what does not fit any more is counted. Nothing is kept of what is not written.

mod list;
mod reader;
mod series;
mod shorten;
mod table;

use std::borrow::Cow;

use crate::foreign::{Gate, LONGEST_SECRET, Redact};
use crate::json::{DEEPEST, Flaw, Kind, Scanner, Span, decode, decoded, is_flawed};
use crate::sanitize;

use super::envelope::Envelope;
use super::query::{Query, Words};
use super::verdict::Problem;
use super::writer::Writer;

pub(super) use reader::outline;
pub use reader::{HELD, Read, Reader};
pub use series::Series;

/// What is kept free for the mark at the end of a shortened container.
const MARK: usize = 48;
/// What is kept free for the words around a list.
const ENVELOPE_RESERVE: usize = 400;
/// The key under which a shortened object says so.
const MORE: &str = "\u{2026}";

/// What is known of an operation's answer.
#[derive(Debug, Clone, Copy, Default)]
pub struct Plan<'a> {
    /// Where its list is: the keys that lead to it, none for a bare array; `None` if it has no list.
    pub list: Option<&'a [&'a str]>,
    /// Whether it changes nothing. A bare message in place of its list then says that there is nothing to list.
    pub read: bool,
    /// Names of fields whose text holds markup.
    pub markup: &'a [&'a str],
    /// Names of counters beside its list that count pages and not rows.
    pub pages: &'a [&'a str],
    /// Names of members beside its list that repeat on every page, and are told when they are asked for. Counters among them
    /// are told where they count more than came.
    pub repeated: &'a [&'a str],
    /// Fields of its items that are returned where none are named; all if it is empty, or if an item has none of them.
    pub default_fields: &'a [&'a str],
    /// Names of fields of an answer without a list that only say how OpManager's pages look, and are left out unless they
    /// are named.
    pub layout: &'a [&'a str],
    /// Where the points of its series are, which are returned as summaries. For answers without a list.
    pub series: &'a [Series<'a>],
    /// Fields that hold a word, each with the field of an item that has the code of the same fact: conditions, orders and
    /// groups that name the first mean the second.
    pub codes: &'a [(&'a str, &'a str)],
    /// Words that may be given for codes in conditions.
    pub words: &'a [Words],
}

/// What a caller wants of a list.
#[derive(Debug, Clone)]
pub struct Selection {
    /// Names of the fields to keep, in any case, of fields inside of fields with dots between them. Empty keeps those that
    /// the plan names, `*` all.
    pub fields: Vec<String>,
    /// Most items; at least one.
    pub limit: usize,
    /// Items to leave out at the start.
    pub offset: usize,
    /// What else is asked of them.
    pub query: Query,
}

impl Default for Selection {
    fn default() -> Self {
        Self {
            fields: Vec::new(),
            limit: 50,
            offset: 0,
            query: Query::default(),
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
    /// Whether items of plain values are returned as columns and rows, where that is shorter.
    pub tables: bool,
}

impl Limits {
    /// Longest text, in characters.
    pub(crate) fn chars(&self) -> usize {
        self.max_chars.max(1000)
    }
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            max_chars: 24_000,
            raw: false,
            tables: true,
        }
    }
}

/// Shapes a body.
///
/// # Errors
///
/// [`Problem`] if the body is not whole JSON of bounded depth, reports an error, or has none of the selected fields.
pub fn shape(
    body: &[u8],
    plan: Plan<'_>,
    selection: &Selection,
    limits: Limits,
    redact: Redact<'_>,
) -> Result<String, Problem> {
    Reader::new(plan, selection, limits, redact)
        .whole(body)
        .map(|read| read.text)
}

/// The answer that is a bare message, in the form in which the other writes send theirs.
pub(super) fn message(text: &str, limits: Limits, redact: Redact<'_>) -> String {
    const AROUND: usize = 64;
    let room = limits.chars() - AROUND;
    let mut looked_at = text.char_indices();
    let (text, left) = match looked_at.nth(room + LONGEST_SECRET) {
        None => (text, 0),
        Some((end, _)) => (&text[..end], looked_at.count() + 1),
    };
    let mut out = Writer::default();
    out.push("{\"result\":{\"message\":");
    let gate = Gate::new(redact).raw(limits.raw);
    shorten::shortened(&mut out, gate, text, left, room, false);
    out.push("}}");
    out.into_text()
}

/// What holds for a whole answer.
#[derive(Clone, Copy)]
struct Context<'a> {
    plan: Plan<'a>,
    selection: &'a Selection,
    gate: Gate<'a>,
}

impl<'a> Plan<'a> {
    /// The field that a condition, an order or a group is about.
    pub(super) fn meant<'n>(&self, name: &'n str) -> &'n str
    where
        'a: 'n,
    {
        let code = self
            .codes
            .iter()
            .find(|(word, _)| word.eq_ignore_ascii_case(name));
        code.map_or(name, |(_, code)| code)
    }

    /// The code of a field that a word stands for.
    pub(super) fn code(&self, field: &str, word: &str) -> Option<&'a str> {
        let field = field.rsplit('.').next().unwrap_or_default();
        self.words
            .iter()
            .filter(|words| words.field.eq_ignore_ascii_case(field))
            .flat_map(|words| &words.codes)
            .find(|(known, _)| known.eq_ignore_ascii_case(word))
            .map(|(_, code)| code.as_str())
    }
}

impl<'a> Context<'a> {
    /// The fields that the caller names; none for all or for those of the plan.
    fn named(&self) -> &'a [String] {
        match self.selection.fields.as_slice() {
            [all] if all == "*" => &[],
            fields => fields,
        }
    }

    /// The fields to keep, with their numbers among the names that the caller gives; none for all.
    fn fields(&self) -> Vec<(usize, &'a str)> {
        if self.selection.fields.is_empty() {
            let defaults = self.plan.default_fields;
            return defaults.iter().map(|field| (usize::MAX, *field)).collect();
        }
        let named = self.named().iter().map(String::as_str);
        named.enumerate().collect()
    }
}

/// Writes values of an answer.
struct Shaper<'a, 's> {
    scan: Scanner<'s>,
    context: Context<'a>,
    /// What the members of the outermost object say of success, where they are written by this.
    envelope: Option<&'s mut Envelope>,
}

impl<'a, 's> Shaper<'a, 's> {
    fn new(scan: Scanner<'s>, context: Context<'a>) -> Self {
        Self {
            scan,
            context,
            envelope: None,
        }
    }

    /// Writes a value as it is; `false`, somewhere inside it, as soon as there is no room for it.
    fn fitting(
        &mut self,
        out: &mut Writer,
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
                out.ascii(open);
                let mut more = self.scan.open(close)?;
                while more {
                    let mut markup = markup;
                    if kind == Kind::Object {
                        let key = self.key(depth)?;
                        if !self.name(out, &key, out.room(end)) {
                            return Ok(false);
                        }
                        markup = self.is_markup(&key);
                    } else {
                        out.entry();
                    }
                    if !self.fitting(out, end, depth + 1, markup)? {
                        return Ok(false);
                    }
                    more = self.scan.next(close)?;
                }
                out.ascii(char::from(close));
            }
            Kind::String => {
                let span = self.scan.string()?;
                if !self.string(out, &span, out.room(end), markup) {
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
        Ok(out.chars() <= end)
    }

    /// The next key of an object. One of the outermost object that reports an error ends everything.
    fn key(&mut self, depth: u32) -> Result<Span, Problem> {
        let key = self.scan.key()?;
        if depth == 0
            && let Some(envelope) = &mut self.envelope
        {
            envelope.member(&decoded(&self.scan, &key), &mut self.scan)?;
            if let Some(problem) = envelope.error() {
                return Err(problem);
            }
        }
        Ok(key)
    }

    /// Begins an entry of an object with its name and the colon; `false` if it takes more than `room`, and then nothing
    /// is written.
    fn name(&mut self, out: &mut Writer, key: &Span, room: usize) -> bool {
        let before = out.mark();
        out.entry();
        if self.string(out, key, room, false) {
            out.ascii(':');
            true
        } else {
            out.undo(before);
            false
        }
    }

    fn is_markup(&self, key: &Span) -> bool {
        let markup = self.context.plan.markup;
        !markup.is_empty() && markup.contains(&decoded(&self.scan, key).as_ref())
    }

    /// Writes a number or a word digit for digit.
    fn plain(&self, out: &mut Writer, range: std::ops::Range<usize>) {
        let text = self.scan.plain(range);
        match self.context.gate.redacted(text) {
            None => out.push(text),
            Some(harmless) => out.string(&harmless),
        }
    }

    /// Writes a string whole; `false` if it takes more than `room`, and then nothing is written.
    fn string(&mut self, out: &mut Writer, span: &Span, room: usize, markup: bool) -> bool {
        let bytes = self.scan.bytes(span.range.clone());
        // A character of text takes at most six of its escaped form.
        if bytes.len() / 6 > room {
            return false;
        }
        let before = out.mark();
        let gate = self.context.gate;
        match std::str::from_utf8(bytes) {
            // Most are like this: nothing to clean, nothing to escape, a byte for each character.
            Ok(raw) if !span.escaped && sanitize::is_plain(raw) && (gate.is_raw() || !markup) => {
                match gate.redacted(raw) {
                    None => out.plain_string(raw),
                    Some(harmless) => out.string(&harmless),
                }
            }
            Ok(raw) if !span.escaped => match gate.value(raw, markup) {
                // What came without escapes needs none.
                Cow::Borrowed(text) => {
                    out.ascii('"');
                    out.push(text);
                    out.ascii('"');
                }
                Cow::Owned(text) => out.string(&text),
            },
            _ => {
                let mut text = out.take_scratch();
                decode(&String::from_utf8_lossy(bytes), usize::MAX, &mut text);
                out.string(&gate.value(&text, markup));
                if is_flawed(bytes) {
                    out.count_repaired();
                }
                out.give_scratch(text);
            }
        }
        let fits = out.since(before) <= room;
        if !fits {
            out.undo(before);
        }
        fits
    }
}
