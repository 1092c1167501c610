//! The answer of a workflow.
//!
//! Owns its form and its size: one line that answers, sections, what is missing and why. Words of others enter it as
//! [`Foreign`] and leave it by the gate; nothing else writes them. All sections share one budget of characters.

use std::borrow::Cow;

use serde_json::json;

use super::failure_text::{self, Way};
use super::wording::Wording;
use crate::foreign::{Foreign, Told};
use crate::opmanager::Connection;
use crate::result::Writer;
use crate::tools::{Access, Tool};
use crate::upstream::RequestError;

/// Longest text of one cell, in characters.
const LONGEST_CELL: usize = 200;
/// Most rows that are kept of a section, however large the budget is. The others are counted.
const MOST_ROWS: usize = 1000;
/// Longest reason for a missing part, in characters.
const LONGEST_REASON: usize = 600;
/// Most characters of the name of a part and what stands around it.
const LONGEST_PART: usize = 100;
/// What is kept free for the count of rows that are left out, in characters.
const COUNT_RESERVE: usize = 32;

/// A value in a row of a section.
#[derive(Debug, Clone)]
pub(crate) enum Cell {
    /// Words of others.
    Foreign(Foreign),
    /// Our own words.
    Own(String),
    /// A number.
    Number(i64),
    /// There is none.
    Missing,
}

impl From<Foreign> for Cell {
    fn from(words: Foreign) -> Self {
        Self::Foreign(words)
    }
}

impl From<i64> for Cell {
    fn from(number: i64) -> Self {
        Self::Number(number)
    }
}

impl<T: Into<Self>> From<Option<T>> for Cell {
    fn from(value: Option<T>) -> Self {
        value.map_or(Self::Missing, Into::into)
    }
}

/// A table of a report.
pub(crate) struct Section {
    name: &'static str,
    columns: &'static [&'static str],
    weight: usize,
    rows: Vec<Vec<Cell>>,
    /// Rows beyond those that are kept.
    uncounted: usize,
}

impl Section {
    /// Adds a row with a cell for each column.
    pub(crate) fn row<const N: usize>(&mut self, cells: [Cell; N]) {
        debug_assert_eq!(N, self.columns.len(), "a cell for each column");
        if self.rows.len() < MOST_ROWS {
            self.rows.push(cells.into());
        } else {
            self.uncounted += 1;
        }
    }
}

/// A part that could not be had.
struct Missing {
    part: &'static str,
    why: String,
}

/// The answer of a workflow, under construction.
pub(crate) struct Report<'a> {
    connection: &'a Connection,
    wording: Wording,
    budget: usize,
    /// Whether the answer is that what was to be found out does not work.
    failed: bool,
    /// Whether it repeats words of others.
    spoken: bool,
    answer: String,
    lines: bool,
    sections: Vec<Section>,
    missing: Vec<Missing>,
}

impl<'a> Report<'a> {
    /// An empty report over a connection, of at most `budget` characters.
    pub(crate) fn new(connection: &'a Connection, wording: Wording, budget: usize) -> Self {
        Self {
            connection,
            wording,
            budget,
            failed: false,
            spoken: false,
            answer: String::new(),
            lines: false,
            sections: Vec::new(),
            missing: Vec::new(),
        }
    }

    /// By which names its reader knows the parts of a connection.
    pub(crate) fn wording(&self) -> Wording {
        self.wording
    }

    /// The line that answers, in our own words around others that went through the gate.
    pub(crate) fn answer(&mut self, text: &Told) {
        self.spoken |= text.is_spoken();
        text.as_str().clone_into(&mut self.answer);
    }

    /// The whole report as lines of text that went through the gate, whether words of others are in it, and whether what
    /// was examined works.
    pub(crate) fn lines(&mut self, text: String, spoken: bool, works: bool) {
        self.answer = text;
        self.spoken |= spoken;
        self.lines = true;
        self.failed = !works;
    }

    /// Words of others as they may stand in a sentence.
    pub(crate) fn tell(&mut self, words: &Foreign) -> Told {
        let told = self.connection.through_gate(|gate| gate.tell(words));
        self.spoken |= told.is_spoken();
        told
    }

    /// A table. Sections that need less than their share of the budget, by weight, leave the rest to those after them.
    pub(crate) fn section(
        &mut self,
        name: &'static str,
        columns: &'static [&'static str],
        weight: usize,
    ) -> &mut Section {
        self.sections.push(Section {
            name,
            columns,
            weight: weight.max(1),
            rows: Vec::new(),
            uncounted: 0,
        });
        let last = self.sections.len() - 1;
        &mut self.sections[last]
    }

    /// Names a part that could not be had, and why. A missing part is never read as an empty one.
    ///
    /// # Errors
    ///
    /// The error itself, if every other request would fail alike.
    pub(crate) fn missing(
        &mut self,
        part: &'static str,
        error: RequestError,
    ) -> Result<(), RequestError> {
        if error.ends_the_call() {
            return Err(error);
        }
        let why = self.words(&error);
        self.missing.push(Missing { part, why });
        Ok(())
    }

    /// A failure of a request in one line, with what to do about it.
    pub(crate) fn words(&mut self, failed: &RequestError) -> String {
        self.spoken |= failed.error.is_spoken();
        let text = failure_text::failure(
            &failed.error,
            (failed.operation.specification(), &[]),
            super::of_operation(failed.operation).map_or(Access::Read, Tool::access),
            Way::of(self.connection.target(), None),
            self.wording,
        );
        text.lines().collect::<Vec<_>>().join(" ")
    }

    /// The text, whether words of others are in it, and whether it is a failure.
    pub(crate) fn finish(mut self) -> Finished {
        let failed = self.failed || self.nothing_is_left();
        let text = if self.lines {
            failure_text::within(std::mem::take(&mut self.answer), self.budget)
        } else {
            self.object()
        };
        Finished {
            text,
            lines: self.lines,
            spoken: self.spoken,
            failed,
        }
    }

    /// Whether all that there is to say is what is missing.
    fn nothing_is_left(&self) -> bool {
        !self.missing.is_empty()
            && self.answer.is_empty()
            && self.sections.iter().all(|section| section.rows.is_empty())
    }

    fn object(&mut self) -> String {
        let mut out = Writer::default();
        out.ascii('{');
        if !self.answer.is_empty() {
            member(&mut out, "answer");
            out.string(&shortened(&self.answer, self.budget / 2));
        }
        // A section without room for a row becomes a missing part, so there may be as many more of these.
        let parts = self.missing.len() + self.sections.len();
        let longest_reason = (self.budget / 4 / parts.max(1)).min(LONGEST_REASON);
        let reserve = self.missing.len() * longest_reason + parts * LONGEST_PART;
        let mut weights: usize = self.sections.iter().map(|section| section.weight).sum();
        for section in std::mem::take(&mut self.sections) {
            let left = self.budget.saturating_sub(out.chars() + reserve);
            let share = left * section.weight / weights.max(1);
            weights -= section.weight;
            let end = out.chars() + share;
            self.table(&mut out, section, end);
        }
        if !self.missing.is_empty() {
            member(&mut out, "missing");
            out.ascii('[');
            for Missing { part, why } in &self.missing {
                out.entry();
                out.push("{\"part\":");
                out.string(part);
                out.push(",\"why\":");
                out.string(&shortened(why, longest_reason));
                out.ascii('}');
            }
            out.ascii(']');
        }
        out.ascii('}');
        out.into_text()
    }

    /// Writes a section up to `end`, and counts the rows that are left out.
    fn table(&mut self, out: &mut Writer, section: Section, end: usize) {
        let before = out.mark();
        member(out, section.name);
        out.push(&format!(
            "{{\"columns\":{},\"rows\":[",
            json!(section.columns)
        ));
        let total = section.rows.len() + section.uncounted;
        let mut written = 0;
        for row in section.rows {
            let mark = out.mark();
            out.entry();
            out.push("[");
            for cell in row {
                out.entry();
                self.cell(out, cell);
            }
            out.push("]");
            if out.chars() + COUNT_RESERVE > end {
                out.undo(mark);
                break;
            }
            written += 1;
        }
        out.push("]");
        if written < total {
            out.push(&format!(",\"left_out\":{}", total - written));
        }
        out.push("}");
        if out.chars() > end && written == 0 {
            out.undo(before);
            self.missing.push(Missing {
                part: section.name,
                why: format!("{total} rows: no room within the limit"),
            });
        }
    }

    fn cell(&mut self, out: &mut Writer, cell: Cell) {
        match cell {
            Cell::Foreign(words) => {
                let told = self.tell(&words);
                out.string(&shortened(told.as_str(), LONGEST_CELL));
            }
            Cell::Own(text) => out.string(&text),
            Cell::Number(number) => out.push(&number.to_string()),
            Cell::Missing => out.push("null"),
        }
    }
}

/// A text of at most `most` characters and a mark. What it is made of went through the gate before.
fn shortened(text: &str, most: usize) -> Cow<'_, str> {
    match text.char_indices().nth(most) {
        None => Cow::Borrowed(text),
        Some((end, _)) => Cow::Owned(format!("{}\u{2026}", &text[..end])),
    }
}

fn member(out: &mut Writer, name: &str) {
    out.entry();
    out.string(name);
    out.push(":");
}

/// A report as it goes to its reader.
pub(crate) struct Finished {
    /// Lines, or a JSON object.
    pub(crate) text: String,
    /// Whether it is lines and no object.
    pub(crate) lines: bool,
    /// Whether words of others are in it, so that a reader must be told that they are data.
    pub(crate) spoken: bool,
    /// Whether the call is to be a failed result.
    pub(crate) failed: bool,
}
