//! What a vendor document says, reduced to facts: `openapi/vendor.json` in memory.
//!
//! Owns the form of the facts, their order and the file. Knows neither the documents that they are read
//! from nor the curated document. No field holds a sentence of the vendor.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

/// All that is known from the vendor's documents.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Facts {
    /// The documents, the newest first.
    pub sources: Vec<Source>,
    /// Paths that take the key in the header only.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub header_only: BTreeSet<String>,
    /// Builds of OpManager that the documents name outside of operations.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub builds: BTreeSet<String>,
    /// What the reader met outside of operations, in its words. Never compared.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub notes: BTreeSet<String>,
    /// The operations, in the order of [`Facts::sort`].
    pub operations: Vec<Operation>,
}

/// A document of the vendor.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Source {
    /// Which reader understood it.
    pub kind: SourceKind,
    /// The day on which it was taken from the vendor, `yyyy-mm-dd`.
    pub captured: String,
    /// SHA-256 of its bytes, in hexadecimal digits.
    pub sha256: String,
}

/// The kinds of documents.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum SourceKind {
    /// The REST API page of the online help, in HTML.
    HelpPage,
    /// An OpenAPI 3.0 or 3.1 document, in JSON or YAML.
    OpenApi,
}

/// One operation.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Operation {
    /// The vendor's name of it.
    pub id: String,
    /// The HTTP method, in capitals.
    pub method: String,
    /// The path, without host and query.
    pub path: String,
    /// The chapter in which it stands.
    pub tag: String,
    /// Which of [`Facts::sources`] says so.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub source: usize,
    /// Whether the vendor advises against it.
    #[serde(default, skip_serializing_if = "is_false")]
    pub deprecated: bool,
    /// The first build that has it, where stated.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub since: Option<String>,
    /// How the document lists the API key among the parameters.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub api_key: Option<Mark>,
    /// How often it may be called, where stated.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rate_limit: Option<RateLimit>,
    /// The parameters but the key, by name.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub parameters: Vec<Parameter>,
    /// Groups of parameters of which one is to be given.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub one_of: BTreeSet<BTreeSet<String>>,
    /// Sample requests: path and query, without host and key.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub samples: BTreeSet<String>,
    /// Type of each field of the sample answer, by its way from the root: `rows[].name`.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub answer: BTreeMap<String, String>,
    /// What the reader met and settled, in its words. Never compared.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub notes: BTreeSet<String>,
}

/// Whether something is marked as required.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Mark {
    /// It is.
    Required,
    /// It is listed without the mark.
    Optional,
}

/// A stated limit of calls.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RateLimit {
    /// Calls in one minute.
    pub requests_per_minute: u32,
    /// Minutes of blocking after more.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub block_minutes: Option<u32>,
}

/// One parameter. What a document does not state is absent, never guessed.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Parameter {
    /// Its name.
    pub name: String,
    /// Whether it is marked as required.
    pub required: bool,
    /// It occurs in a sample request and in no table.
    #[serde(default, skip_serializing_if = "is_false")]
    pub sample_only: bool,
    /// Where it travels: `query`, `form`, `body`, `path` or `header`.
    #[serde(default, rename = "in", skip_serializing_if = "Option::is_none")]
    pub location: Option<String>,
    /// `string`, `integer`, `number`, `boolean`, `array` or `object`.
    #[serde(default, rename = "type", skip_serializing_if = "Option::is_none")]
    pub kind: Option<String>,
    /// All values that it takes, where the document closes the list.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub values: BTreeSet<String>,
    /// Values that the document calls examples.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub examples: BTreeSet<String>,
    /// What leaving it out means.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub default: Option<String>,
    /// The smallest value.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub minimum: Option<i64>,
    /// The largest value.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub maximum: Option<i64>,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde asks for it")]
fn is_zero(number: &usize) -> bool {
    *number == 0
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde asks for it")]
fn is_false(flag: &bool) -> bool {
    !flag
}

impl Facts {
    /// Brings everything into the one order that the file has: by name, whatever the order of the source.
    pub fn sort(&mut self) {
        for operation in &mut self.operations {
            operation.parameters.sort_by(|a, b| a.name.cmp(&b.name));
        }
        self.operations
            .sort_by(|a, b| (&a.id, &a.path, &a.method).cmp(&(&b.id, &b.path, &b.method)));
    }

    /// The text of the file.
    pub fn to_json(&self) -> String {
        let mut sorted = self.clone();
        sorted.sort();
        let mut text = serde_json::to_string_pretty(&sorted).unwrap_or_default();
        text.push('\n');
        text
    }

    /// Reads the text of the file.
    ///
    /// # Errors
    ///
    /// What is wrong with it, and the line and column.
    pub fn from_json(text: &str) -> Result<Self, serde_json::Error> {
        serde_json::from_str(text)
    }

    /// Adds the operations of `earlier` that these facts lack, and keeps their sources.
    ///
    /// For a source that covers only a part of the API.
    pub fn complete(&mut self, earlier: &Facts) {
        let own = self.sources.len();
        for operation in &earlier.operations {
            if !self.operations.iter().any(|other| other.id == operation.id) {
                let mut operation = operation.clone();
                operation.source += own;
                self.operations.push(operation);
            }
        }
        self.sources.extend(earlier.sources.iter().cloned());
        self.header_only.extend(earlier.header_only.iter().cloned());
        self.builds.extend(earlier.builds.iter().cloned());
        self.forget_unused_sources();
        self.sort();
    }

    fn forget_unused_sources(&mut self) {
        let used: Vec<usize> = (0..self.sources.len())
            .filter(|index| self.operations.iter().any(|o| o.source == *index))
            .collect();
        for operation in &mut self.operations {
            operation.source = used
                .iter()
                .position(|index| *index == operation.source)
                .unwrap_or_default();
        }
        self.sources = used
            .iter()
            .map(|index| self.sources[*index].clone())
            .collect();
    }
}

impl Operation {
    /// The parameter of a name.
    pub fn parameter(&self, name: &str) -> Option<&Parameter> {
        self.parameters
            .iter()
            .find(|parameter| parameter.name == name)
    }
}
