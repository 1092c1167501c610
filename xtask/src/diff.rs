//! What changed between two states of the facts, and whom it concerns.
//!
//! Owns the kinds of changes, their classes, and the guesses at renames. Knows neither tools nor files.
//! Order and white space are no changes: there is none left in the facts.

mod found;
mod pairs;

use serde::Serialize;

use self::found::Found;
use self::pairs::pair_operations;
use crate::facts::{Facts, Operation};

/// Whom a change concerns.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Class {
    /// A call that was right is wrong, or means something else.
    BreakingForCallers,
    /// What we send or decode is wrong, and callers need not notice when it is corrected.
    BreakingForUs,
    /// Something is possible that was not.
    Additive,
    /// The documentation says more, less, or other words.
    TextOnly,
}

impl Class {
    /// All of them, the gravest first.
    pub const ALL: [Self; 4] = [
        Self::BreakingForCallers,
        Self::BreakingForUs,
        Self::Additive,
        Self::TextOnly,
    ];

    /// Its heading in a report.
    pub fn title(self) -> &'static str {
        match self {
            Self::BreakingForCallers => "Breaking for callers",
            Self::BreakingForUs => "Breaking for us",
            Self::Additive => "Additive",
            Self::TextOnly => "Text only",
        }
    }

    /// Whether it breaks anything.
    pub fn is_breaking(self) -> bool {
        matches!(self, Self::BreakingForCallers | Self::BreakingForUs)
    }
}

/// What kind of change it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
#[expect(missing_docs, reason = "the names say it; `Change` has the values")]
pub enum Kind {
    OperationAdded,
    OperationRemoved,
    OperationRenamed,
    MethodChanged,
    PathChanged,
    ChapterChanged,
    Deprecated,
    NoLongerDeprecated,
    RateLimitChanged,
    ChoiceChanged,
    BuildChanged,
    SampleChanged,
    KeyChanged,
    AnswerGrown,
    AnswerShrunk,
    AnswerRetyped,
    ParameterAdded,
    ParameterRemoved,
    ParameterRenamed,
    Required,
    Relaxed,
    Retyped,
    Moved,
    ValuesGrown,
    ValuesShrunk,
    ValuesListed,
    ValuesUnlisted,
    BoundsNarrowed,
    BoundsWidened,
    DefaultChanged,
    ExamplesChanged,
    HeaderOnlyChanged,
    BuildsChanged,
}

/// One change.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Change {
    /// Whom it concerns.
    pub class: Class,
    /// What kind it is.
    pub kind: Kind,
    /// The operation, by its earlier id; empty where it is of none.
    pub operation: String,
    /// The parameter or field, by its earlier name; empty where it is of the operation.
    pub part: String,
    /// What it was, where there was something.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub before: Option<String>,
    /// What it is, where there is something.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub after: Option<String>,
    /// Whether it is a guess that two changes are this one.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub guess: bool,
}

impl Change {
    /// The change in a line, without the operation.
    pub fn text(&self) -> String {
        let Self { part, .. } = self;
        let before = self.before.as_deref().unwrap_or("nothing");
        let after = self.after.as_deref().unwrap_or("nothing");
        let guess = if self.guess { " (a guess)" } else { "" };
        let stated = match self.kind {
            Kind::Retyped => "type",
            Kind::Moved => "place",
            Kind::DefaultChanged => "default",
            Kind::BoundsWidened => "bounds",
            _ => "",
        };
        if self.class == Class::TextOnly && !stated.is_empty() {
            return match &self.after {
                Some(after) => format!("{stated} of `{part}` is stated: {after}"),
                None => format!("{stated} of `{part}` is no longer stated; it was {before}"),
            };
        }
        match self.kind {
            Kind::OperationAdded => format!("new operation, {after}"),
            Kind::OperationRemoved => format!("removed; it was {before}"),
            Kind::OperationRenamed => format!("renamed to `{after}`{guess}"),
            Kind::MethodChanged => format!("method {before} is {after}"),
            Kind::PathChanged => format!("path `{before}` is `{after}`"),
            Kind::ChapterChanged => format!("chapter {before} is {after}"),
            Kind::Deprecated => "the vendor advises against it".into(),
            Kind::NoLongerDeprecated => "the vendor no longer advises against it".into(),
            Kind::RateLimitChanged => format!("rate limit {before} is {after}"),
            Kind::ChoiceChanged => format!("one of {before} is one of {after}"),
            Kind::BuildChanged => format!("first build {before} is {after}"),
            Kind::SampleChanged => "other sample requests".into(),
            Kind::KeyChanged => format!("API key listed as {before} is {after}"),
            Kind::AnswerGrown => format!("answer field `{part}` is new ({after})"),
            Kind::AnswerShrunk => format!("answer field `{part}` is gone ({before})"),
            Kind::AnswerRetyped => format!("answer field `{part}` was {before} and is {after}"),
            Kind::ParameterAdded => format!("new parameter `{part}`, {after}"),
            Kind::ParameterRemoved => format!("parameter `{part}` is gone"),
            Kind::ParameterRenamed => format!("parameter `{part}` renamed to `{after}`{guess}"),
            Kind::Required => format!("parameter `{part}` is now required"),
            Kind::Relaxed => format!("parameter `{part}` is no longer required"),
            Kind::Retyped => format!("parameter `{part}` was {before} and is {after}"),
            Kind::Moved => format!("parameter `{part}` moved from {before} to {after}"),
            Kind::ValuesGrown => format!("parameter `{part}` also takes {after}"),
            Kind::ValuesShrunk => format!("parameter `{part}` no longer takes {before}"),
            Kind::ValuesListed => format!("parameter `{part}` takes only {after}"),
            Kind::ValuesUnlisted => format!("the list of values of `{part}` is gone"),
            Kind::BoundsNarrowed => format!("bounds of `{part}` narrowed from {before} to {after}"),
            Kind::BoundsWidened => format!("bounds of `{part}` widened from {before} to {after}"),
            Kind::DefaultChanged => format!("default of `{part}` was {before} and is {after}"),
            Kind::ExamplesChanged => format!("other examples of `{part}`: {after}"),
            Kind::HeaderOnlyChanged => {
                format!("key in the header only, `{part}`: {before} is {after}")
            }
            Kind::BuildsChanged => format!("builds named: {before} is {after}"),
        }
    }
}

/// The changes from `old` to `new`, the gravest first, then by operation.
///
/// What one of the two does not state is not compared with what the other states: a page that names no types
/// does not contradict a document that does. Where it was stated and is not, or the other way round, that is
/// a change of the text.
pub fn compare(old: &Facts, new: &Facts) -> Vec<Change> {
    changes(old, new, true)
}

/// As [`compare`], but what has another name is another thing: nothing is guessed.
pub fn compare_exactly(old: &Facts, new: &Facts) -> Vec<Change> {
    changes(old, new, false)
}

fn changes(old: &Facts, new: &Facts, guessing: bool) -> Vec<Change> {
    let mut found = Found {
        guessing,
        ..Found::default()
    };
    for (before, after, guess) in pair_operations(&old.operations, &new.operations, guessing) {
        match (before, after) {
            (Some(before), Some(after)) => {
                found.operation.clone_from(&before.id);
                found.operation(before, after, guess);
            }
            (Some(before), None) => {
                found.operation.clone_from(&before.id);
                let was = Some(place(before));
                found.add(
                    Class::BreakingForCallers,
                    Kind::OperationRemoved,
                    "",
                    was,
                    None,
                );
            }
            (None, Some(after)) => {
                found.operation.clone_from(&after.id);
                let is = Some(place(after));
                found.add(Class::Additive, Kind::OperationAdded, "", None, is);
            }
            (None, None) => {}
        }
    }
    found.operation.clear();
    found.globals(old, new);
    let mut changes = found.changes;
    changes.sort_by(|a, b| {
        (a.class, &a.operation, a.kind, &a.part).cmp(&(b.class, &b.operation, b.kind, &b.part))
    });
    changes
}

fn place(operation: &Operation) -> String {
    let required = operation.parameters.iter().filter(|p| p.required).count();
    format!(
        "{} {} with {} parameter(s), {required} required",
        operation.method,
        operation.path,
        operation.parameters.len()
    )
}
