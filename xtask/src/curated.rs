//! The curated document as facts, so that it can be compared with those of the vendor.

use opmanager_codegen::document::{Document, Kind, Location};

use crate::facts::{Facts, Operation, Parameter, RateLimit};

/// What the document states of the API. It has no sample requests, and its answers are not compared.
pub fn facts(document: &Document) -> Facts {
    let operations = document.operations.iter().map(|stated| Operation {
        id: stated.id.clone(),
        method: stated.method.clone(),
        path: stated.path.clone(),
        tag: stated.tag.clone(),
        deprecated: stated.deprecated,
        rate_limit: stated.rate_limit.map(|limit| RateLimit {
            requests_per_minute: limit.requests_per_minute,
            block_minutes: limit.block_minutes,
        }),
        parameters: stated.parameters.iter().map(parameter).collect(),
        one_of: (!stated.exactly_one_of.is_empty())
            .then(|| stated.exactly_one_of.iter().cloned().collect())
            .into_iter()
            .collect(),
        ..Operation::default()
    });
    let mut facts = Facts {
        operations: operations.collect(),
        ..Facts::default()
    };
    facts.sort();
    facts
}

fn parameter(stated: &opmanager_codegen::document::Parameter) -> Parameter {
    let mut parameter = Parameter {
        name: stated.name.clone(),
        required: stated.required,
        location: Some(
            match stated.location {
                Location::Query => "query",
                Location::Form => "form",
            }
            .into(),
        ),
        // What is always sent is what leaving it out means.
        default: stated.constant.clone(),
        ..Parameter::default()
    };
    let kind = match &stated.kind {
        Kind::Text { values } => {
            parameter.values = values.iter().cloned().collect();
            "string"
        }
        Kind::Integer { minimum, maximum } => {
            (parameter.minimum, parameter.maximum) = (*minimum, *maximum);
            "integer"
        }
        Kind::Number => "number",
        Kind::Boolean => "boolean",
    };
    parameter.kind = Some(kind.into());
    parameter
}
