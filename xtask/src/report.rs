//! What `regenerate` and `coverage` found, in words for people, as Markdown, and as JSON.
//!
//! Owns the words. Decides nothing but the exit code that follows from what is reported.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use serde::Serialize;

use crate::coverage::Coverage;
use crate::diff::{Change, Class, Kind};
use crate::surface::Touched;

/// Nothing to do.
pub const NOTHING: u8 = 0;
/// Something is behind.
pub const STALE: u8 = 4;
/// Something is behind, and following it breaks something.
pub const BREAKING: u8 = 100;

/// A change and what it touches.
#[derive(Debug, Serialize)]
pub struct Entry {
    /// The change.
    #[serde(flatten)]
    pub change: Change,
    /// In a line.
    pub text: String,
    /// The tool, toolset and snapshot concerned, where it is of an operation.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub touches: Option<Touched>,
}

/// Everything found.
#[derive(Debug, Default, Serialize)]
pub struct Report {
    /// From the recorded facts to the new ones.
    pub vendor: Vec<Entry>,
    /// What the curated document would need, without a reason not to.
    pub curated: Vec<Entry>,
    /// How the curated document stands to the facts.
    pub coverage: Coverage,
    /// What the curated document does not follow of what was captured, and what of it rests on nothing recorded.
    pub captured: Vec<String>,
    /// How many facts were captured.
    pub captured_facts: usize,
    /// Stubs and other defects of the curated document.
    pub defects: Vec<String>,
    /// What was, or would be, inserted into the curated document.
    pub insertions: Vec<String>,
    /// Files that differ from what they should be.
    pub files: Vec<String>,
    /// Whether those files were written.
    pub written: bool,
    /// What the reader of a new document met.
    pub notes: Vec<String>,
}

impl Report {
    /// The exit code that follows.
    pub fn code(&self) -> u8 {
        let mut changes = self.vendor.iter().chain(&self.curated);
        if changes.any(|entry| entry.change.class.is_breaking()) {
            return BREAKING;
        }
        let done = self.vendor.is_empty()
            && self.coverage.is_complete()
            && self.captured.is_empty()
            && self.defects.is_empty()
            && self.insertions.is_empty()
            && self.files.is_empty();
        if done { NOTHING } else { STALE }
    }

    /// For people.
    pub fn text(&self) -> String {
        let mut text = String::new();
        self.render(&mut text, &Plain);
        text
    }

    /// For a pull request.
    pub fn markdown(&self) -> String {
        let mut text = String::new();
        self.render(&mut text, &Markdown);
        text
    }

    fn render(&self, text: &mut String, style: &dyn Style) {
        if !self.vendor.is_empty() {
            style.title(
                text,
                &format!("The vendor's documents: {} change(s)", self.vendor.len()),
            );
            entries(text, style, &self.vendor);
        }
        if !self.curated.is_empty() {
            style.title(
                text,
                &format!(
                    "openapi/opmanager.yaml against them: {} difference(s) without a reason",
                    self.curated.len()
                ),
            );
            entries(text, style, &self.curated);
        }
        let stale = self.coverage.stale.iter();
        let stale = stale.map(|stale| match stale.key.as_str() {
            "x-left-out" => format!(
                "x-left-out: `{}` is not documented, or not left out",
                stale.operation
            ),
            key => format!(
                "{}: x-deviates has a reason for `{key}`, which does not deviate",
                stale.operation
            ),
        });
        list(
            text,
            style,
            "Reasons without a difference; remove them",
            stale,
        );
        list(
            text,
            style,
            "openapi/opmanager.yaml against openapi/captured.json",
            self.captured.iter().cloned(),
        );
        list(
            text,
            style,
            "Defects of openapi/opmanager.yaml",
            self.defects.iter().cloned(),
        );
        let inserted = if self.written {
            "Inserted"
        } else {
            "To be inserted by --write"
        };
        list(text, style, inserted, self.insertions.iter().cloned());
        let files = if self.written {
            "Written"
        } else {
            "Out of date"
        };
        list(text, style, files, self.files.iter().cloned());
        list(text, style, "Met while reading", self.notes.iter().cloned());
        let touched = self
            .vendor
            .iter()
            .chain(&self.curated)
            .filter_map(|entry| entry.touches.as_ref());
        let touched: BTreeSet<&Touched> = touched.collect();
        if !touched.is_empty() {
            let tools = touched.iter().filter_map(|touched| touched.tool.as_deref());
            let tools: BTreeSet<&str> = tools.collect();
            let files: BTreeSet<&str> = touched
                .iter()
                .map(|touched| touched.toolset.as_str())
                .collect();
            style.title(text, "Touched");
            style.item(
                text,
                &format!("{} tool(s): {}", tools.len(), joined(&tools)),
            );
            style.item(
                text,
                &format!("{} toolset(s): {}", files.len(), joined(&files)),
            );
        }
        let (operations, parameters) = self.coverage.documented;
        let open = self.coverage.open.len();
        let explained = self.coverage.explained;
        let next = match self.code() {
            NOTHING => "nothing to do",
            STALE => "stale",
            _ => "breaking",
        };
        style.title(
            text,
            &format!(
                "{operations} operations and {parameters} parameters documented; {explained} difference(s) \
                 explained, {open} not; {} fact(s) captured, {} not followed: {next}",
                self.captured_facts,
                self.captured.len()
            ),
        );
    }
}

fn joined(words: &BTreeSet<&str>) -> String {
    words.iter().copied().collect::<Vec<_>>().join(", ")
}

fn entries(text: &mut String, style: &dyn Style, entries: &[Entry]) {
    for class in Class::ALL {
        let mut entries = entries
            .iter()
            .filter(|entry| entry.change.class == class)
            .peekable();
        if entries.peek().is_some() {
            style.heading(text, class.title());
        }
        // A document of another kind states types and places for the first time, of all parameters.
        let mut first: BTreeMap<&str, usize> = BTreeMap::new();
        for entry in entries {
            let Change { kind, before, .. } = &entry.change;
            if class == Class::TextOnly
                && matches!(kind, Kind::Retyped | Kind::Moved)
                && before.is_none()
            {
                *first.entry(&entry.change.operation).or_default() += 1;
                continue;
            }
            let of = match entry.change.operation.as_str() {
                "" => String::new(),
                id => format!("{id}: "),
            };
            let tool = entry
                .touches
                .as_ref()
                .and_then(|touched| touched.tool.as_deref());
            let tool = tool.map_or(String::new(), |tool| format!(" [{tool}]"));
            style.item(text, &format!("{of}{}{tool}", entry.text));
        }
        for (operation, count) in first {
            let stated = "types and places of parameters are stated for the first time";
            style.item(text, &format!("{operation}: {count} {stated}"));
        }
    }
}

fn list(text: &mut String, style: &dyn Style, title: &str, lines: impl Iterator<Item = String>) {
    let mut lines = lines.peekable();
    if lines.peek().is_some() {
        style.title(text, title);
        for line in lines {
            style.item(text, &line);
        }
    }
}

trait Style {
    fn title(&self, text: &mut String, title: &str);
    fn heading(&self, text: &mut String, heading: &str);
    fn item(&self, text: &mut String, item: &str);
}

struct Plain;

impl Style for Plain {
    fn title(&self, text: &mut String, title: &str) {
        let gap = if text.is_empty() { "" } else { "\n" };
        let _ = writeln!(text, "{gap}{title}");
    }

    fn heading(&self, text: &mut String, heading: &str) {
        let _ = writeln!(text, "  {heading}");
    }

    fn item(&self, text: &mut String, item: &str) {
        let _ = writeln!(text, "    {item}");
    }
}

struct Markdown;

impl Style for Markdown {
    fn title(&self, text: &mut String, title: &str) {
        let gap = if text.is_empty() { "" } else { "\n" };
        let _ = writeln!(text, "{gap}### {title}\n");
    }

    fn heading(&self, text: &mut String, heading: &str) {
        let _ = writeln!(text, "\n**{heading}**\n");
    }

    fn item(&self, text: &mut String, item: &str) {
        let _ = writeln!(text, "- {item}");
    }
}
