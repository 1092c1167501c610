//! `openapi/vendor-summary.md`: the facts in a form that a person can hold against the vendor's document.
//!
//! Owns that text, which follows from the facts alone.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use crate::facts::{Facts, Mark, Operation, SourceKind};

/// The text of the summary.
pub fn of(facts: &Facts) -> String {
    let mut text = String::from(
        "# What the vendor documents\n\n\
         Made of `vendor.json` by `cargo xtask regenerate`; do not edit. For each chapter of the vendor's document, in \
         the order of names: each operation, its method and path, and how many parameters it lists as required and as \
         optional, without the API key. `choice` counts names of which one is to be given, `sample` those that occur \
         in a sample request and in no list. `answer` counts the fields of the sample answer, `key` says how the API \
         key is listed.\n\n",
    );
    for source in &facts.sources {
        let kind = match source.kind {
            SourceKind::HelpPage => "help page",
            SourceKind::OpenApi => "OpenAPI document",
        };
        let _ = writeln!(
            text,
            "- {kind}, taken on {}, SHA-256 `{}`",
            source.captured, source.sha256
        );
    }
    let parameters = facts
        .operations
        .iter()
        .map(|o| o.parameters.len())
        .sum::<usize>();
    let _ = writeln!(
        text,
        "- {} operations with {parameters} parameters",
        facts.operations.len()
    );
    let mut tags: BTreeMap<&str, Vec<&Operation>> = BTreeMap::new();
    for operation in &facts.operations {
        tags.entry(&operation.tag).or_default().push(operation);
    }
    for (tag, operations) in tags {
        let _ = write!(
            text,
            "\n## {tag} ({})\n\n\
             | operation | method | path | required | optional | choice | sample | answer | key |\n\
             | --- | --- | --- | --: | --: | --: | --: | --: | --- |\n",
            operations.len()
        );
        for operation in operations {
            text.push_str(&row(operation));
        }
    }
    list(
        &mut text,
        "Key in the header only",
        facts.header_only.iter().map(|path| format!("`{path}`")),
    );
    list(&mut text, "Builds named", facts.builds.iter().cloned());
    let notes = facts.operations.iter().flat_map(|operation| {
        let notes = operation.notes.iter();
        notes.map(|note| format!("{}: {note}", operation.id))
    });
    list(
        &mut text,
        "Met on the way",
        facts.notes.iter().cloned().chain(notes),
    );
    text
}

fn row(operation: &Operation) -> String {
    let choice: BTreeSet<&String> = operation.one_of.iter().flatten().collect();
    let count = |wanted: fn(&crate::facts::Parameter) -> bool| {
        let parameters = operation.parameters.iter();
        parameters
            .filter(|p| !choice.contains(&p.name) && wanted(p))
            .count()
    };
    let mut marks = String::new();
    if operation.deprecated {
        marks.push_str(" (deprecated)");
    }
    if let Some(build) = &operation.since {
        let _ = write!(marks, " (from {build})");
    }
    format!(
        "| {}{marks} | {} | `{}` | {} | {} | {} | {} | {} | {} |\n",
        operation.id,
        operation.method,
        operation.path,
        count(|p| p.required),
        count(|p| !p.required && !p.sample_only),
        choice.len(),
        count(|p| p.sample_only),
        operation.answer.len(),
        match operation.api_key {
            Some(Mark::Required) => "required",
            Some(Mark::Optional) => "optional",
            None => "",
        }
    )
}

fn list(text: &mut String, title: &str, lines: impl Iterator<Item = String>) {
    let mut lines = lines.peekable();
    if lines.peek().is_some() {
        let _ = write!(text, "\n## {title}\n\n");
        for line in lines {
            let _ = writeln!(text, "- {line}");
        }
    }
}
