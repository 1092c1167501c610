//! Brings the curated document up to the facts, as far as a machine may: stubs for what is new, a mark on what
//! is gone.
//!
//! Owns the text of stubs and where they go. Inserts lines and changes none: what people wrote stays as it is,
//! byte for byte. What a change of a parameter means for the document is for people to write.

mod stub;

use std::collections::{BTreeMap, BTreeSet};

use opmanager_codegen::document::{Document, Location, Operation as Curated};
use serde_json::Value;

use crate::Error;
use crate::coverage;
use crate::diff::Kind;
use crate::facts::{Facts, Operation, Parameter};

/// A document with the insertions made.
#[derive(Debug, PartialEq, Eq)]
pub struct Applied {
    /// Its text.
    pub text: String,
    /// What was inserted, in lines for people. Empty if nothing was.
    pub insertions: Vec<String>,
}

/// Inserts into the text of the curated document what the facts have and it lacks.
///
/// # Errors
///
/// A document whose lines are not laid out as its rules want, so that the place of an insertion is not found,
/// and one that would not say the same with the insertions.
pub fn apply(text: &str, document: &Document, facts: &Facts) -> Result<Applied, Error> {
    let mut editor = Editor {
        lines: text.split_inclusive('\n').collect(),
        insertions: BTreeMap::new(),
        said: Vec::new(),
        tags: BTreeSet::new(),
    };
    for change in coverage::of(document, facts).open {
        let of = |o: &&Operation| o.id == change.operation;
        let theirs = facts.operations.iter().find(of);
        let ours = document
            .operations
            .iter()
            .find(|o| o.id == change.operation);
        match (change.kind, theirs, ours) {
            (Kind::OperationAdded, Some(theirs), _) => editor.operation(theirs, document)?,
            (Kind::ParameterAdded, Some(theirs), Some(ours)) => {
                if let Some(parameter) = theirs.parameter(&change.part) {
                    editor.parameter(ours, parameter)?;
                }
            }
            (Kind::OperationRemoved | Kind::Deprecated, _, Some(ours)) => editor.deprecate(ours)?,
            _ => {}
        }
    }
    let applied = editor.finish();
    if !applied.insertions.is_empty() {
        verify(text, &applied.text)?;
    }
    Ok(applied)
}

struct Editor<'a> {
    lines: Vec<&'a str>,
    /// What goes before each line.
    insertions: BTreeMap<usize, String>,
    said: Vec<String>,
    /// Tags that were inserted.
    tags: BTreeSet<String>,
}

impl Editor<'_> {
    fn finish(self) -> Applied {
        let mut text = String::new();
        for (index, line) in self.lines.iter().enumerate() {
            text.extend(self.insertions.get(&index).map(String::as_str));
            text.push_str(line);
        }
        text.extend(self.insertions.get(&self.lines.len()).map(String::as_str));
        Applied {
            text,
            insertions: self.said,
        }
    }

    fn insert(&mut self, before: usize, text: &str) {
        self.insertions.entry(before).or_default().push_str(text);
    }

    fn operation(&mut self, theirs: &Operation, document: &Document) -> Result<(), Error> {
        let known = document.operations.iter().map(|o| o.tag.as_str());
        let same = |tag: &&str| tag.eq_ignore_ascii_case(&theirs.tag);
        let tag = known.clone().find(same).unwrap_or(&theirs.tag).to_owned();
        let text = stub::operation(theirs, &tag);
        let path = format!("{}:", theirs.path);
        if let Some(line) = self.find(0..self.lines.len(), 2, &path) {
            self.insert(self.end_of_block(line), &text);
        } else {
            let last = document
                .operations
                .iter()
                .rev()
                .find(|o| same(&o.tag.as_str()));
            let before = match last {
                Some(last) => self.end_of_block(self.path_line(last)?),
                None => {
                    self.tag(&tag)?;
                    self.end_of_block(self.top("paths:")?)
                }
            };
            self.insert(before, &format!("  {path}\n{text}"));
        }
        self.said
            .push(format!("{}: stub of the operation, below {tag}", theirs.id));
        Ok(())
    }

    fn tag(&mut self, tag: &str) -> Result<(), Error> {
        if self.tags.insert(tag.to_owned()) {
            let before = self.end_of_block(self.top("tags:")?);
            self.insert(
                before,
                &format!("  - name: {}\n    description: ''\n", quoted(tag)),
            );
            let rule = "-".repeat(60);
            let paths = self.end_of_block(self.top("paths:")?);
            self.insert(paths, &format!("  # ---- {tag} {rule}\n"));
            self.said
                .push(format!("{tag}: a tag; say what belongs to it"));
        }
        Ok(())
    }

    fn parameter(&mut self, ours: &Curated, theirs: &Parameter) -> Result<(), Error> {
        let operation = self.operation_line(ours)?;
        let end = self.end_of_block(operation);
        let indent = indent(self.lines[operation]) + 2;
        let all_in_form = !ours.parameters.is_empty()
            && ours.parameters.iter().all(|p| p.location == Location::Form);
        if all_in_form {
            let body = self
                .find(operation..end, indent, "requestBody:")
                .and_then(|body| {
                    let block = body..self.end_of_block(body);
                    block
                        .into_iter()
                        .find(|line| self.lines[*line].trim_start().starts_with("properties:"))
                })
                .ok_or_else(|| lost(&ours.id, "the properties of its form"))?;
            let depth = crate::apply::indent(self.lines[body]) + 2;
            self.insert(self.end_of_block(body), &stub::property(theirs, depth));
        } else if let Some(list) = self.find(operation..end, indent, "parameters:") {
            self.insert(
                self.end_of_block(list),
                &stub::parameter(theirs, indent + 2),
            );
        } else {
            let next = ["requestBody:", "responses:"]
                .iter()
                .find_map(|key| self.find(operation..end, indent, key))
                .ok_or_else(|| lost(&ours.id, "its responses"))?;
            // Several new parameters share the line that begins the list.
            let begin = format!("{}parameters:\n", " ".repeat(indent));
            let begun = self
                .insertions
                .get(&next)
                .is_some_and(|text| text.contains(&begin));
            let text = stub::parameter(theirs, indent + 2);
            self.insert(
                next,
                &if begun {
                    text
                } else {
                    format!("{begin}{text}")
                },
            );
        }
        self.said.push(format!(
            "{}: stub of the parameter `{}`",
            ours.id, theirs.name
        ));
        Ok(())
    }

    fn deprecate(&mut self, ours: &Curated) -> Result<(), Error> {
        let operation = self.operation_line(ours)?;
        let indent = indent(self.lines[operation]) + 2;
        let block = operation..self.end_of_block(operation);
        let id = self
            .find(block, indent, "operationId:")
            .ok_or_else(|| lost(&ours.id, "its operationId"))?;
        self.insert(id + 1, &format!("{}deprecated: true\n", " ".repeat(indent)));
        self.said.push(format!("{}: marked as deprecated", ours.id));
        Ok(())
    }

    fn top(&self, key: &str) -> Result<usize, Error> {
        self.find(0..self.lines.len(), 0, key)
            .ok_or_else(|| Error::Apply(format!("there is no line `{key}` at the margin")))
    }

    fn path_line(&self, ours: &Curated) -> Result<usize, Error> {
        self.find(0..self.lines.len(), 2, &format!("{}:", ours.path))
            .ok_or_else(|| lost(&ours.id, "the line of its path, with two spaces before it"))
    }

    fn operation_line(&self, ours: &Curated) -> Result<usize, Error> {
        let path = self.path_line(ours)?;
        let block = path..self.end_of_block(path);
        self.find(block, 4, &format!("{}:", ours.method.to_lowercase()))
            .ok_or_else(|| {
                lost(
                    &ours.id,
                    "the line of its method, with four spaces before it",
                )
            })
    }

    /// The line in a range that begins, after so many spaces, with a key.
    fn find(&self, range: std::ops::Range<usize>, spaces: usize, key: &str) -> Option<usize> {
        range.into_iter().find(|line| {
            let line = self.lines[*line];
            indent(line) == spaces && line[spaces..].trim_end().starts_with(key)
        })
    }

    /// The first line after what is nested below a line.
    fn end_of_block(&self, line: usize) -> usize {
        let depth = indent(self.lines[line]);
        let mut end = line + 1;
        for (index, line) in self.lines.iter().enumerate().skip(line + 1) {
            if line.trim().is_empty() {
                continue;
            }
            if indent(line) <= depth {
                break;
            }
            end = index + 1;
        }
        end
    }
}

fn indent(line: &str) -> usize {
    line.len() - line.trim_start_matches(' ').len()
}

fn lost(id: &str, what: &str) -> Error {
    Error::Apply(format!(
        "{id}: {what} is not found; lay the operation out as its neighbours are"
    ))
}

/// A text as a scalar that YAML reads as that text.
fn quoted(text: &str) -> String {
    let plain = text.starts_with(|c: char| c.is_ascii_alphabetic())
        && text
            .chars()
            .all(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | ' '))
        && !["true", "false", "yes", "no", "on", "off", "null", "y", "n"]
            .contains(&text.to_lowercase().as_str())
        && !text.ends_with(' ');
    if plain {
        text.to_owned()
    } else {
        Value::from(text).to_string()
    }
}

/// Both texts are read as YAML: everything that the first says the second says too, in the same places.
fn verify(before: &str, after: &str) -> Result<(), Error> {
    let read = |text: &str| -> Result<Value, Error> {
        serde_saphyr::from_str(text)
            .map_err(|error| Error::Apply(format!("with the insertions it is not YAML: {error}")))
    };
    if holds(&read(after)?, &read(before)?) {
        Ok(())
    } else {
        Err(Error::Apply(
            "the insertions would change what is there; lay the document out as its rules want"
                .into(),
        ))
    }
}

fn holds(after: &Value, before: &Value) -> bool {
    match (after, before) {
        (Value::Object(after), Value::Object(before)) => before
            .iter()
            .all(|(key, value)| after.get(key).is_some_and(|other| holds(other, value))),
        (Value::Array(after), Value::Array(before)) => {
            after.len() >= before.len()
                && after
                    .iter()
                    .zip(before)
                    .all(|(after, before)| holds(after, before))
        }
        (after, before) => after == before,
    }
}

#[cfg(test)]
mod tests {
    use super::verify;

    #[test]
    fn what_would_change_or_break_what_is_there_is_refused() {
        let before = "paths:\n  a: {x: 1}\n  b: [1, 2]\n";
        for after in [
            before,
            "new: 1\npaths:\n  a: {x: 1, y: 2}\n  b: [1, 2, 3]\n  c: 1\n",
        ] {
            assert!(verify(before, after).is_ok(), "{after}");
        }
        for after in [
            "paths:\n  a: {x: 2}\n  b: [1, 2]\n",
            "paths:\n  a: {x: 1}\n",
            "paths:\n  a: {x: 1}\n  b: [2, 1, 2]\n",
            "paths:\n  a: {x: 1}\n  b: [1, 2]\n c: [\n",
        ] {
            assert!(verify(before, after).is_err(), "{after}");
        }
    }
}
