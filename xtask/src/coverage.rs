//! Whether the curated document has everything that the vendor documents, or a reason not to.
//!
//! Owns which differences need a reason, and which reasons have none left. Reasons stand in the document,
//! beside what they explain: `x-deviates` of an operation, and `x-left-out` of the document.

use std::collections::{BTreeMap, BTreeSet};

use opmanager_codegen::document::{DEVIATIONS, Document, Operation};
use serde::Serialize;

use crate::curated;
use crate::diff::{self, Change, Class, Kind};
use crate::facts::Facts;

/// How the curated document stands to the facts.
#[derive(Debug, Default, Serialize)]
pub struct Coverage {
    /// Operations and parameters that the vendor documents.
    pub documented: (usize, usize),
    /// Differences without a reason, as changes that the curated document would need.
    pub open: Vec<Change>,
    /// Differences with a reason.
    pub explained: usize,
    /// Reasons for differences that there are not.
    pub stale: Vec<Stale>,
}

/// A reason that explains nothing.
#[derive(Debug, PartialEq, Eq, Serialize)]
pub struct Stale {
    /// The operation, or the one left out.
    pub operation: String,
    /// The key in its `x-deviates`; `x-left-out` where it stands there.
    pub key: String,
}

impl Coverage {
    /// Whether nothing is left to do.
    pub fn is_complete(&self) -> bool {
        self.open.is_empty() && self.stale.is_empty()
    }
}

/// Compares the document with the facts.
pub fn of(document: &Document, facts: &Facts) -> Coverage {
    let curated: BTreeMap<&str, &Operation> = document
        .operations
        .iter()
        .map(|operation| (operation.id.as_str(), operation))
        .collect();
    let mut coverage = Coverage {
        documented: (
            facts.operations.len(),
            facts.operations.iter().map(|o| o.parameters.len()).sum(),
        ),
        ..Coverage::default()
    };
    let mut used: BTreeSet<(String, String)> = BTreeSet::new();
    for change in diff::compare_exactly(&curated::facts(document), facts) {
        let operation = curated.get(change.operation.as_str()).copied();
        if !matters(&change, operation) {
            continue;
        }
        let excuse = match operation {
            None if document.left_out.contains_key(&change.operation) => Some("x-left-out"),
            None => None,
            Some(operation) => {
                Some(key(&change)).filter(|key| operation.deviates.contains_key(*key))
            }
        };
        match excuse {
            Some(key) => {
                coverage.explained += 1;
                used.insert((change.operation.clone(), key.to_owned()));
            }
            None => coverage.open.push(change),
        }
    }
    let reasons = document.operations.iter().flat_map(|operation| {
        let keys = operation.deviates.keys();
        keys.map(|key| (operation.id.clone(), key.clone()))
    });
    let left_out = document
        .left_out
        .keys()
        .map(|id| (id.clone(), "x-left-out".to_owned()));
    coverage.stale = reasons
        .chain(left_out)
        .filter(|reason| !used.contains(reason))
        .map(|(operation, key)| Stale { operation, key })
        .collect();
    coverage
}

/// Whether a difference is one that the document must follow or explain.
fn matters(change: &Change, operation: Option<&Operation>) -> bool {
    if change.class == Class::TextOnly {
        return false;
    }
    let Some(operation) = operation else {
        return true;
    };
    match change.kind {
        // The mark is the reason.
        Kind::OperationRemoved => !operation.deprecated,
        // What is always sent satisfies both.
        Kind::Required | Kind::Relaxed => {
            let parameter = operation.parameters.iter().find(|p| p.name == change.part);
            parameter.is_none_or(|parameter| parameter.constant.is_none())
        }
        _ => true,
    }
}

/// The key of `x-deviates` that would explain a difference.
fn key(change: &Change) -> &str {
    let [operation, method, path, choice] = DEVIATIONS;
    match change.kind {
        Kind::MethodChanged => method,
        Kind::PathChanged => path,
        Kind::ChoiceChanged => choice,
        _ if change.part.is_empty() => operation,
        _ => &change.part,
    }
}
