//! The vendor's REST API page.
//!
//! Owns its manner: a chapter for each tag, a title for each operation, labelled paragraphs, tables of
//! parameters. Reads tags in the order in which they come and not as a tree, so that a table that is not
//! closed, or not opened, does no harm; what people forget in such pages is listed in the tests.

mod pieces;
mod statement;

use std::collections::BTreeSet;
use std::sync::LazyLock;

use regex::Regex;

use self::pieces::{Content, Piece};
use super::{Broken, is_name, position, sample};
use crate::facts::{Facts, Mark, Operation, Parameter, RateLimit};

/// An answer of fewer fields is alike at several operations without having been pasted.
const PASTED_FIELDS: usize = 8;

#[expect(
    clippy::expect_used,
    reason = "constant patterns, compiled by the tests"
)]
static BUILD: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(r"(?i)\b(?:version|build),? (\d{6}|\d+(?:\.\d+)+)").expect("a regular expression")
});

#[expect(
    clippy::expect_used,
    reason = "constant patterns, compiled by the tests"
)]
static LIMIT: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(r"(?i)\b(\d+) (?:api )?(?:requests|calls) (?:per|in a|in one) minute")
        .expect("a regular expression")
});

#[expect(
    clippy::expect_used,
    reason = "constant patterns, compiled by the tests"
)]
static BLOCK: LazyLock<Regex> =
    LazyLock::new(|| Regex::new(r"(?i)\bblocked for (\d+) minute").expect("a regular expression"));

/// Reads a page.
///
/// # Errors
///
/// No operation, an operation without method or path, or a row without a parameter's name, with the line.
pub fn read(text: &str) -> Result<Facts, Broken> {
    let mut reader = Reader {
        text,
        facts: Facts::default(),
        tag: String::new(),
        operation: None,
        columns: Columns::default(),
    };
    for piece in pieces::of(text) {
        reader.take(piece)?;
    }
    reader.end_of_operation()?;
    if reader.facts.operations.is_empty() {
        return Err(Broken::new(
            "1:1",
            "no operation is on this page: no heading has the class `mod-title`",
            "name the page with all operations; if it is this one, teach xtask/src/import/page.rs its new manner",
        ));
    }
    let mut facts = reader.facts;
    note_pasted_answers(&mut facts.operations);
    Ok(facts)
}

struct Reader<'a> {
    text: &'a str,
    facts: Facts,
    tag: String,
    operation: Option<(Operation, usize)>,
    columns: Columns,
}

/// Which cell of a row is which.
#[derive(Clone, Copy)]
struct Columns {
    name: usize,
    description: usize,
}

impl Default for Columns {
    fn default() -> Self {
        Self {
            name: 0,
            description: 1,
        }
    }
}

impl Reader<'_> {
    fn take(&mut self, Piece { at, content }: Piece) -> Result<(), Broken> {
        match content {
            Content::Chapter(title) => {
                self.end_of_operation()?;
                self.tag = title;
            }
            Content::Operation(title) => {
                self.end_of_operation()?;
                self.columns = Columns::default();
                if !is_name(&title) {
                    return Err(self.broken(
                        at,
                        format!("the title `{title}` is no name of an operation"),
                        "an operation is titled with its name; correct a copy of the page there",
                    ));
                }
                let operation = Operation {
                    id: title,
                    tag: self.tag.clone(),
                    ..Operation::default()
                };
                self.operation = Some((operation, at));
            }
            Content::Paragraph(text) => self.paragraph(&text, at)?,
            Content::Heads(cells) => self.columns = columns(&cells),
            Content::Row(cells) => self.row(&cells, at)?,
        }
        Ok(())
    }

    fn broken(&self, at: usize, problem: String, fix: &str) -> Broken {
        let (line, column) = position(self.text.as_bytes(), at);
        let operation = self.operation.as_ref().map(|(operation, _)| &operation.id);
        let of = operation.map_or(String::new(), |id| format!(" ({id})"));
        Broken::new(format!("{line}:{column}{of}"), problem, fix)
    }

    fn paragraph(&mut self, text: &str, at: usize) -> Result<(), Broken> {
        let Some((operation, _)) = &mut self.operation else {
            let builds = BUILD.captures_iter(text).map(|found| found[1].to_owned());
            self.facts.builds.extend(builds);
            return Ok(());
        };
        if let Some(method) = text.strip_prefix("Method:") {
            let method = method.trim().to_uppercase();
            if !matches!(method.as_str(), "GET" | "POST" | "PUT" | "PATCH" | "DELETE") {
                return Err(self.broken(
                    at,
                    format!("`{method}` is no HTTP method"),
                    "correct a copy of the page there",
                ));
            }
            operation.method = method;
        } else if let Some(answer) = text.strip_prefix("Sample Response:") {
            answer_of(operation, answer);
        } else if let Some(body) = text.strip_prefix("Sample Body:") {
            let name = body.split('=').next().unwrap_or_default().trim();
            if is_name(name) {
                parameter(operation, name).location = Some("form".into());
            }
        } else {
            for line in text.lines() {
                request(operation, line);
            }
            let since = BUILD.captures(text).map(|found| found[1].to_owned());
            operation.since = operation.since.take().or(since);
            rate_limit(operation, text);
            operation.deprecated |= text.to_lowercase().contains("deprecated");
        }
        Ok(())
    }

    fn row(&mut self, cells: &[String], at: usize) -> Result<(), Broken> {
        let cell = |index: usize| cells.get(index).map_or("", String::as_str);
        let name = cell(self.columns.name).trim();
        let Some((operation, _)) = &mut self.operation else {
            if name.starts_with("/api/") {
                self.facts.header_only.insert(single_slashes(name));
            }
            return Ok(());
        };
        let required = name.contains('*');
        let bare = name.replace('*', "");
        let names: Vec<&str> = bare.split('/').map(str::trim).collect();
        if names.iter().any(|name| !is_name(name)) {
            let problem = format!("the table has a row whose name is `{name}`");
            return Err(self.broken(
                at,
                problem,
                "a name has letters, digits and underscores; several are joined with `/`",
            ));
        }
        if let [name] = names.as_slice()
            && name.eq_ignore_ascii_case("apiKey")
        {
            operation.api_key = Some(if required {
                Mark::Required
            } else {
                Mark::Optional
            });
            return Ok(());
        }
        let choice = names.len() > 1;
        for name in &names {
            let mut stated = Parameter {
                name: (*name).to_owned(),
                required: required && !choice,
                ..Parameter::default()
            };
            statement::apply(&mut stated, cell(self.columns.description));
            let known = parameter(operation, name);
            if known.sample_only {
                stated.location = known.location.take();
                *known = stated;
            } else {
                join_rows(known, stated);
                operation
                    .notes
                    .insert(format!("`{name}` has several rows; they are joined"));
            }
        }
        if choice {
            let names: BTreeSet<String> = names.into_iter().map(str::to_owned).collect();
            operation
                .notes
                .insert(format!("one row names {} parameters", names.len()));
            operation.one_of.insert(names);
        }
        Ok(())
    }

    fn end_of_operation(&mut self) -> Result<(), Broken> {
        let Some((mut operation, at)) = self.operation.take() else {
            return Ok(());
        };
        let missing = [
            (&operation.method, "method"),
            (&operation.path, "sample request"),
        ]
        .into_iter()
        .find(|(text, _)| text.is_empty());
        if let Some((_, what)) = missing {
            let problem = format!("`{}` has no {what}", operation.id);
            return Err(self.broken(at, problem, "add it to a copy of the page"));
        }
        let last = operation.path.rsplit('/').next().unwrap_or_default();
        if last != operation.id {
            let note = format!("titled `{}`, requested as `{last}`", operation.id);
            operation.notes.insert(note);
        }
        for parameter in operation.parameters.iter().filter(|p| p.required) {
            let name = format!("{}=", parameter.name);
            let sent =
                |sample: &String| sample.split(['?', '&']).any(|part| part.starts_with(&name));
            if parameter.location.is_none() && !operation.samples.iter().any(sent) {
                let note = format!(
                    "no sample request has `{}`, which is marked",
                    parameter.name
                );
                operation.notes.insert(note);
            }
        }
        let twin = self.facts.operations.iter_mut().find(|other| {
            other.id == operation.id
                && other.path == operation.path
                && other.method == operation.method
        });
        match twin {
            Some(twin) => join(twin, operation),
            None => self.facts.operations.push(operation),
        }
        Ok(())
    }
}

fn columns(heads: &[String]) -> Columns {
    let find = |word: &str| {
        heads
            .iter()
            .position(|head| head.to_lowercase().contains(word))
    };
    match (find("parameter"), find("description")) {
        (Some(name), Some(description)) if name != description => Columns { name, description },
        _ => Columns::default(),
    }
}

fn parameter<'a>(operation: &'a mut Operation, name: &str) -> &'a mut Parameter {
    let known = operation.parameters.iter().position(|p| p.name == name);
    let index = known.unwrap_or_else(|| {
        operation.parameters.push(Parameter {
            name: name.to_owned(),
            sample_only: true,
            ..Parameter::default()
        });
        operation.parameters.len() - 1
    });
    &mut operation.parameters[index]
}

/// Takes in a line that holds a sample request, wherever in the line it begins.
fn request(operation: &mut Operation, line: &str) {
    let Some(from) = line.find("/api/") else {
        return;
    };
    let url = &line[from..];
    let (path, query) = url.split_once('?').unwrap_or((url, ""));
    let path = single_slashes(path.split_whitespace().next().unwrap_or_default());
    if operation.path.is_empty() {
        operation.path.clone_from(&path);
    } else if operation.path != path {
        operation
            .notes
            .insert(format!("a further sample requests `{path}`"));
    }
    let mut sample = path;
    let mut separator = '?';
    for part in query.split('&') {
        let Some((name, value)) = part.split_once('=') else {
            continue;
        };
        let (name, value) = (name.trim(), value.trim());
        if !is_name(name) || name.eq_ignore_ascii_case("apiKey") {
            continue;
        }
        sample.push(separator);
        sample.push_str(name);
        sample.push('=');
        sample.push_str(value);
        separator = '&';
        parameter(operation, name);
    }
    operation.samples.insert(sample);
}

fn answer_of(operation: &mut Operation, answer: &str) {
    let sample = sample::read(answer);
    operation.answer.extend(sample.fields);
    if let Some(defect) = sample.defect {
        // Where in the sample is of no use without the page, and changes with its line breaks.
        let defect = defect.split(" at line ").next().unwrap_or_default();
        operation
            .notes
            .insert(format!("a sample answer is not JSON: {defect}"));
    }
}

fn rate_limit(operation: &mut Operation, text: &str) {
    let number = |pattern: &Regex| {
        pattern
            .captures(text)
            .and_then(|found| found[1].parse().ok())
    };
    if let Some(requests_per_minute) = number(&LIMIT) {
        operation.rate_limit = Some(RateLimit {
            requests_per_minute,
            block_minutes: number(&BLOCK),
        });
    }
}

/// Joins two rows of one parameter, which mostly say what it means in two cases: what only one of them
/// states does not hold in the other.
fn join_rows(known: &mut Parameter, other: Parameter) {
    let closed = !known.values.is_empty() && !other.values.is_empty();
    known.values.extend(other.values);
    known.examples.extend(other.examples);
    if !closed {
        known.examples.append(&mut known.values);
    }
    known.sample_only &= other.sample_only;
    known.required |= other.required;
    known.kind = known
        .kind
        .take()
        .filter(|kind| other.kind.as_ref() == Some(kind));
    known.location = known.location.take().or(other.location);
    known.default = known
        .default
        .take()
        .filter(|default| other.default.as_ref() == Some(default));
    known.minimum = known
        .minimum
        .and_then(|bound| Some(bound.min(other.minimum?)));
    known.maximum = known
        .maximum
        .and_then(|bound| Some(bound.max(other.maximum?)));
}

/// Joins two entries of the same operation.
fn join(first: &mut Operation, second: Operation) {
    first
        .notes
        .insert("it stands on the page twice; both are joined".into());
    first.api_key = first.api_key.or(second.api_key);
    first.since = first.since.take().or(second.since);
    first.rate_limit = first.rate_limit.or(second.rate_limit);
    first.deprecated |= second.deprecated;
    for other in second.parameters {
        match first
            .parameters
            .iter_mut()
            .find(|known| known.name == other.name)
        {
            Some(known) => join_rows(known, other),
            None => first.parameters.push(other),
        }
    }
    first.one_of.extend(second.one_of);
    first.samples.extend(second.samples);
    first.answer.extend(second.answer);
    first.notes.extend(second.notes);
}

/// Operations with one and the same large sample answer: it belongs to one of them at most.
fn note_pasted_answers(operations: &mut [Operation]) {
    for index in 0..operations.len() {
        let (answer, id) = (&operations[index].answer, &operations[index].id);
        if answer.len() < PASTED_FIELDS {
            continue;
        }
        let others = operations
            .iter()
            .filter(|o| o.id != *id && o.answer == *answer);
        let notes: Vec<String> = others
            .map(|other| format!("the sample answer of `{}` has the same fields", other.id))
            .collect();
        operations[index].notes.extend(notes);
    }
}

fn single_slashes(path: &str) -> String {
    let mut single = path.to_owned();
    while single.contains("//") {
        single = single.replace("//", "/");
    }
    single
}
