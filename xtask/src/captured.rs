//! What answers of real servers and programs of others show: `openapi/captured.json` in memory, and whether the curated
//! document follows it.
//!
//! Owns the form of the file and the comparison. A fact is one sentence of ours: no host, key or name of the material is in
//! it, and sources are codes.

use std::collections::{BTreeMap, BTreeSet};

use opmanager_codegen::document::{Basis, Document, Operation};
use serde::Deserialize;

use crate::facts::Facts;

/// The operation of facts that hold for all of them.
pub const ALL: &str = "*";

/// All facts.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Captured {
    /// In the order of the file.
    pub facts: Vec<Fact>,
}

/// A fact about an operation.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Fact {
    /// The operation, or [`ALL`].
    pub operation: String,
    /// Its parameters that the fact is about.
    #[serde(default)]
    pub parameters: BTreeSet<String>,
    /// What the fact rests on, in the words of `x-basis`.
    pub mark: String,
    /// Codes of the sources, two capital letters each.
    pub sources: BTreeSet<String>,
    /// Calls in one minute, where the fact is a limit.
    #[serde(default)]
    pub requests_per_minute: Option<u32>,
    /// The fact, in our words.
    pub fact: String,
}

impl Captured {
    /// Reads the text of the file.
    ///
    /// # Errors
    ///
    /// What is wrong with it, and the line and column.
    pub fn from_json(text: &str) -> Result<Self, serde_json::Error> {
        serde_json::from_str(text)
    }
}

/// What the document does not follow, and what of it rests on nothing that is recorded; a line each.
pub fn unfollowed(document: &Document, captured: &Captured, page: &Facts) -> Vec<String> {
    let mut lines = Vec::new();
    let mut firmest: BTreeMap<(&str, &str), Basis> = BTreeMap::new();
    for fact in &captured.facts {
        let id = fact.operation.as_str();
        let Some(mark) = Basis::of(&fact.mark) else {
            lines.push(format!(
                "captured.json: {id}: the mark `{}` is not known",
                fact.mark
            ));
            continue;
        };
        let Some(operation) = document.operations.iter().find(|o| o.id == id) else {
            if id != ALL && !document.left_out.contains_key(id) {
                lines.push(format!(
                    "{id}: the document has no such operation, and no reason in x-left-out"
                ));
            }
            continue;
        };
        for name in &fact.parameters {
            if operation.parameters.iter().any(|p| p.name == *name) {
                let known = firmest.entry((id, name)).or_insert(mark);
                *known = mark.min(*known);
            } else if !operation.deviates.contains_key(name) {
                lines.push(format!(
                    "{id}: the document has no parameter `{name}`, and no reason in x-deviates"
                ));
            }
        }
        let limit = operation.rate_limit.map(|limit| limit.requests_per_minute);
        if fact.requests_per_minute.is_some() && fact.requests_per_minute != limit {
            lines.push(format!(
                "{id}: x-rate-limit has not the {} calls a minute that are recorded",
                fact.requests_per_minute.unwrap_or_default()
            ));
        }
    }
    for operation in &document.operations {
        lines.extend(bases(operation, &firmest, page));
    }
    lines
}

/// What is wrong with the bases that an operation states.
fn bases(
    operation: &Operation,
    firmest: &BTreeMap<(&str, &str), Basis>,
    page: &Facts,
) -> Vec<String> {
    let id = operation.id.as_str();
    let Some(documented) = page.operations.iter().find(|o| o.id == id) else {
        // What the vendor has dropped was documented.
        let missing = operation.origin.basis.is_none() && !operation.deprecated;
        return missing
            .then(|| format!("{id}: the page does not have it: state x-basis"))
            .into_iter()
            .collect();
    };
    let mut lines = Vec::new();
    if operation.basis() != Basis::Documented {
        lines.push(format!("{id}: the page has it: remove x-basis"));
    }
    for parameter in &operation.parameters {
        let name = parameter.name.as_str();
        let basis = operation.basis_of(parameter);
        match (
            documented.parameter(name).is_some(),
            parameter.origin.basis,
            firmest.get(&(id, name)),
        ) {
            (true, None, _) => {}
            (true, Some(_), _) => {
                lines.push(format!("{id}: `{name}`: the page has it: remove x-basis"));
            }
            (false, None, _) => {
                lines.push(format!(
                    "{id}: `{name}`: the page does not have it: state x-basis"
                ));
            }
            (false, Some(_), None) => lines.push(format!(
                "{id}: `{name}`: captured.json has no fact that it rests on"
            )),
            (false, Some(_), Some(recorded)) if *recorded != basis => lines.push(format!(
                "{id}: `{name}`: x-basis is {}, and what is recorded is {}",
                basis.word(),
                recorded.word()
            )),
            (false, Some(_), Some(_)) => {}
        }
    }
    lines
}
