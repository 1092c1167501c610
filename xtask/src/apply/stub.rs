//! The text of stubs: what the facts tell, laid out, with an empty place for each sentence that a person owes.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use super::quoted;
use crate::facts::{Operation, Parameter};

/// An operation below its path, from the line of its method on.
pub(super) fn operation(theirs: &Operation, tag: &str) -> String {
    let mut text = format!(
        "    {}:\n      operationId: {}\n      x-stub: true\n      tags: [{}]\n      summary: ''\n      description: ''\n",
        theirs.method.to_lowercase(),
        theirs.id,
        quoted(tag),
    );
    if theirs.deprecated {
        text.push_str("      deprecated: true\n");
    }
    for group in &theirs.one_of {
        let names: Vec<&str> = group.iter().map(String::as_str).collect();
        let _ = writeln!(text, "      x-exactly-one-of: [{}]", names.join(", "));
    }
    if let Some(limit) = theirs.rate_limit {
        let _ = write!(
            text,
            "      x-rate-limit:\n        requests-per-minute: {}\n",
            limit.requests_per_minute
        );
        if let Some(minutes) = limit.block_minutes {
            let _ = writeln!(text, "        block-minutes: {minutes}");
        }
    }
    let in_form = |p: &&Parameter| matches!(p.location.as_deref(), Some("form" | "body"));
    let query: Vec<&Parameter> = theirs.parameters.iter().filter(|p| !in_form(p)).collect();
    if !query.is_empty() {
        text.push_str("      parameters:\n");
        for parameter in query {
            text.push_str(&list_item(parameter, 8, false));
        }
    }
    let form: Vec<&Parameter> = theirs.parameters.iter().filter(in_form).collect();
    if !form.is_empty() {
        text.push_str(
            "      requestBody:\n        required: true\n        content:\n          \
             application/x-www-form-urlencoded:\n            schema:\n              type: object\n",
        );
        let required: Vec<&str> = form
            .iter()
            .filter(|p| p.required)
            .map(|p| p.name.as_str())
            .collect();
        if !required.is_empty() {
            let _ = writeln!(text, "              required: [{}]", required.join(", "));
        }
        text.push_str("              properties:\n");
        for parameter in form {
            text.push_str(&named(parameter, 16, false));
        }
    }
    text.push_str(
        "      responses:\n        '200':\n          description: ''\n          content:\n            \
         application/json:\n              schema:\n",
    );
    Node::of(&theirs.answer).write(&mut text, 16);
    text
}

/// A parameter in the list of an operation that has none of its own.
pub(super) fn parameter(theirs: &Parameter, spaces: usize) -> String {
    list_item(theirs, spaces, true)
}

/// A parameter among the properties of a form.
pub(super) fn property(theirs: &Parameter, spaces: usize) -> String {
    named(theirs, spaces, true)
}

fn list_item(theirs: &Parameter, spaces: usize, stub: bool) -> String {
    let pad = " ".repeat(spaces);
    let mut text = format!("{pad}- name: {}\n{pad}  in: query\n", theirs.name);
    if theirs.required {
        let _ = writeln!(text, "{pad}  required: true");
    }
    if stub {
        let _ = writeln!(text, "{pad}  x-stub: true");
    }
    let _ = write!(text, "{pad}  description: ''\n{pad}  schema:\n");
    schema(&mut text, theirs, spaces + 4);
    text
}

fn named(theirs: &Parameter, spaces: usize, stub: bool) -> String {
    let pad = " ".repeat(spaces);
    let mut text = format!("{pad}{}:\n", theirs.name);
    if stub {
        let _ = writeln!(text, "{pad}  x-stub: true");
        if theirs.required {
            let _ = writeln!(text, "{pad}  # It is required: add it to the list above.");
        }
    }
    let _ = writeln!(text, "{pad}  description: ''");
    schema(&mut text, theirs, spaces + 2);
    text
}

/// The type, as near to the facts as the rules of the document allow.
fn schema(text: &mut String, theirs: &Parameter, spaces: usize) {
    let pad = " ".repeat(spaces);
    let scalar = |kind: &&str| matches!(*kind, "integer" | "number" | "boolean");
    let kind = theirs.kind.as_deref().filter(scalar).unwrap_or("string");
    let _ = writeln!(text, "{pad}type: {kind}");
    if kind == "integer" {
        for (key, bound) in [("minimum", theirs.minimum), ("maximum", theirs.maximum)] {
            if let Some(bound) = bound {
                let _ = writeln!(text, "{pad}{key}: {bound}");
            }
        }
    }
    if kind == "string" && !theirs.values.is_empty() {
        let values: Vec<String> = theirs
            .values
            .iter()
            .map(|value| serde_json::Value::from(value.as_str()).to_string())
            .collect();
        let _ = writeln!(text, "{pad}enum: [{}]", values.join(", "));
    }
}

/// A schema of an answer, built up from the ways to its fields.
#[derive(Default)]
struct Node<'a> {
    kinds: &'a str,
    properties: BTreeMap<&'a str, Node<'a>>,
    items: Option<Box<Node<'a>>>,
    further: Option<Box<Node<'a>>>,
}

impl<'a> Node<'a> {
    fn of(answer: &'a BTreeMap<String, String>) -> Self {
        let mut root = Self::default();
        for (way, kinds) in answer {
            let mut node = &mut root;
            let mut rest = way.as_str();
            while !rest.is_empty() {
                if let Some(after) = rest.strip_prefix("[]") {
                    rest = after;
                    node = node.items.get_or_insert_default();
                    continue;
                }
                rest = rest.strip_prefix('.').unwrap_or(rest);
                let end = rest.find(['.', '[']).unwrap_or(rest.len()).max(1);
                let (key, after) = rest.split_at(end.min(rest.len()));
                rest = after;
                node = if key == "*" {
                    node.further.get_or_insert_default()
                } else {
                    node.properties.entry(key).or_default()
                };
            }
            node.kinds = kinds;
        }
        root
    }

    fn write(&self, text: &mut String, spaces: usize) {
        let pad = " ".repeat(spaces);
        let scalars: Vec<&str> = self
            .kinds
            .split('|')
            .filter(|kind| matches!(*kind, "string" | "integer" | "number" | "boolean"))
            .collect();
        if let Some(items) = &self.items {
            let _ = write!(text, "{pad}type: array\n{pad}items:\n");
            items.write(text, spaces + 2);
        } else if self.kinds == "array" {
            let _ = write!(text, "{pad}type: array\n{pad}items: {{}}\n");
        } else if let [only] = scalars.as_slice() {
            let _ = writeln!(text, "{pad}type: {only}");
        } else if !scalars.is_empty() {
            let _ = writeln!(text, "{pad}oneOf:");
            for kind in scalars {
                let _ = writeln!(text, "{pad}  - type: {kind}");
            }
        } else {
            let _ = writeln!(text, "{pad}type: object");
            if !self.properties.is_empty() {
                let _ = writeln!(text, "{pad}properties:");
                for (name, property) in &self.properties {
                    let _ = writeln!(text, "{pad}  {}:", quoted(name));
                    property.write(text, spaces + 4);
                }
            }
            match &self.further {
                Some(further) if self.properties.is_empty() => {
                    let _ = writeln!(text, "{pad}additionalProperties:");
                    further.write(text, spaces + 2);
                }
                _ => {
                    let _ = writeln!(text, "{pad}additionalProperties: true");
                }
            }
        }
    }
}
