//! The curated document as a checked model.
//!
//! Owns the model, and how a broken rule is reported; the rules are those of `lint`. A document that parses here
//! generates code whose types enforce everything its schemas promise; what a type could not enforce is refused, not
//! ignored.

mod lint;
mod never;
mod origin;

use std::collections::BTreeMap;
use std::fmt;

use heck::{ToPascalCase, ToSnakeCase};
use openapiv3::OpenAPI;
use serde_json::{Map, Value};

use lint::Lint;
pub use never::NEVER;
pub use origin::{Basis, Origin};

/// Arguments that every tool has beside those of its operation, so no parameter may take their names.
pub const CONNECTION_ARGUMENTS: [&str; 5] = ["host", "apiKey", "port", "use_ssl", "verify_ssl"];

/// Arguments that tools with a list in their answer have beside those.
pub const SELECTION_ARGUMENTS: [&str; 3] = ["fields", "limit", "offset"];

/// Keys of `x-deviates` that are no parameters: the operation as a whole, its method, its path, its choices.
pub const DEVIATIONS: [&str; 4] = ["operationId", "method", "path", "x-exactly-one-of"];

/// Names of the tolerant scalar types; a component schema must not shadow them.
pub(crate) const TOLERANT: [&str; 4] = ["Text", "Integer", "Number", "Flag"];

/// Prefix of the schema names that stand for a bounded integer type.
pub(crate) const BOUNDED: &str = "IntegerFrom";

/// What a caller is told of a deprecated operation.
const DEPRECATED: &str = "Deprecated: newer builds of OpManager may no longer have it.";

/// A document that obeys every rule of this module.
#[derive(Debug)]
pub struct Document {
    /// The operations in the order of the document.
    pub operations: Vec<Operation>,
    /// `info.version` of the document.
    pub version: String,
    /// `x-left-out`: operations that the vendor documents and this document does not, each with the reason.
    pub left_out: BTreeMap<String, String>,
    pub(crate) schemas: Map<String, Value>,
    /// The document in the types of OpenAPI 3.0, from which the client is generated. `None` for a draft, which may
    /// lack what these types need.
    pub(crate) openapi: Option<OpenAPI>,
}

/// One operation: a method on a path.
#[derive(Debug, Clone)]
pub struct Operation {
    /// `operationId`, OpManager's own name of the operation.
    pub id: String,
    /// `GET` or `POST`.
    pub method: String,
    /// Absolute path, a constant without parameters.
    pub path: String,
    /// The one tag.
    pub tag: String,
    /// A line for lists.
    pub summary: String,
    /// What it does, when to use it, and its traps.
    pub description: String,
    /// Parameters in the order of the document, constants included.
    pub parameters: Vec<Parameter>,
    /// Names of parameters of which exactly one must be given; empty when there is no such rule.
    pub exactly_one_of: Vec<String>,
    /// Documented limit, if any.
    pub rate_limit: Option<RateLimit>,
    /// Whether the vendor has dropped it or advises against it.
    pub deprecated: bool,
    /// What it rests on, and which builds have it.
    pub origin: Origin,
    /// `x-deviates`: what differs from the vendor's documents, each with the reason. A key is a parameter of
    /// either side, or one of [`DEVIATIONS`].
    pub deviates: BTreeMap<String, String>,
    /// `x-list`: the keys that lead to the list of the answer, if the shape does not tell; none for no list.
    pub(crate) list: Option<Vec<String>>,
    /// What a reader gets of the answer.
    pub(crate) shape: Shape,
    /// `x-bare-message`: whether the answer may be a sentence in quotes and braces, which is not JSON.
    pub(crate) bare_message: bool,
    /// `x-only-members`: of the items of the answer only these members are kept, as a bare list; empty for all of it.
    pub(crate) only_members: Vec<String>,
    /// Schema of the success response as the document states it.
    pub(crate) response: Value,
}

/// What a reader gets of an answer, unless something else is asked for.
#[derive(Debug, Clone, Default)]
pub(crate) struct Shape {
    /// `x-default-fields`: members of an item of the list that answer the usual question; empty for all.
    pub(crate) default_fields: Vec<String>,
    /// `x-beside`: members beside the list that are told with it. The other documented ones repeat on every page.
    pub(crate) beside: Vec<String>,
    /// `x-layout`: members of an answer without a list that say how OpManager's pages look, or repeat what its series
    /// say.
    pub(crate) layout: Vec<String>,
    /// `x-series`: where an answer without a list has points of series.
    pub(crate) series: Vec<Series>,
}

/// Where points of a series are, and what is in them.
#[derive(Debug, Clone)]
pub(crate) struct Series {
    /// The keys that lead to the array of points; `*` stands for any name, and for each item of an array.
    pub(crate) path: Vec<String>,
    /// The member of a point with its time: a name, or a place in an array from 0 on. Empty if it has none.
    pub(crate) time: String,
    /// The member with its value, likewise.
    pub(crate) value: String,
    /// Members beside the points, or beside what they are in, that say the unit.
    pub(crate) unit: Vec<String>,
}

/// How often an operation may be called.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RateLimit {
    /// Calls allowed in one minute.
    pub requests_per_minute: u32,
    /// Minutes that a caller is blocked after exceeding it, where known.
    pub block_minutes: Option<u32>,
}

/// Where a parameter travels.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Location {
    /// In the query string.
    Query,
    /// In an `application/x-www-form-urlencoded` body.
    Form,
}

/// One parameter of an operation.
#[derive(Debug, Clone)]
pub struct Parameter {
    /// OpManager's spelling.
    pub name: String,
    /// Query or form.
    pub location: Location,
    /// Whether a call without it is refused.
    pub required: bool,
    /// Meaning, format and origin of the value.
    pub description: String,
    /// Its type.
    pub kind: Kind,
    /// The value that is always sent; such a parameter is never shown to a caller.
    pub constant: Option<String>,
    /// The value that is sent where a caller gives none.
    pub default: Option<Value>,
    /// `x-unsent`: the value, a word of ours, for which nothing is sent.
    pub unsent: Option<String>,
    /// What it rests on where that is not what its operation rests on, and which builds have it.
    pub origin: Origin,
}

/// The type of a parameter. There are no arrays or objects: query strings have none.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Kind {
    /// Any text, or one of `values` when there are any.
    Text {
        /// The only values accepted; empty means any.
        values: Vec<String>,
    },
    /// A whole number within the bounds.
    Integer {
        /// Smallest value accepted.
        minimum: Option<i64>,
        /// Largest value accepted.
        maximum: Option<i64>,
    },
    /// A number.
    Number,
    /// `true` or `false`.
    Boolean,
}

/// A broken rule: where, what, and what to do about it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Defect {
    /// The operation or schema concerned.
    pub place: String,
    /// What is wrong.
    pub problem: String,
    /// What to write instead.
    pub fix: String,
}

/// All broken rules of a document.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Defects(pub Vec<Defect>);

impl fmt::Display for Defects {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "the OpenAPI document has {} defect(s)", self.0.len())?;
        for Defect {
            place,
            problem,
            fix,
        } in &self.0
        {
            writeln!(f, "  {place}: {problem}; {fix}")?;
        }
        Ok(())
    }
}

impl std::error::Error for Defects {}

/// The name of an operation in `snake_case`, from its id.
pub fn snake_name(id: &str) -> String {
    id.to_snake_case()
}

/// The name of an operation in `PascalCase`, from its id.
pub fn pascal_name(id: &str) -> String {
    id.to_pascal_case()
}

impl Operation {
    /// The operation's name in `snake_case`.
    pub fn snake_name(&self) -> String {
        snake_name(&self.id)
    }

    /// The operation's name in `PascalCase`.
    pub fn pascal_name(&self) -> String {
        pascal_name(&self.id)
    }

    /// Whether all of its arguments travel in a form body.
    pub(crate) fn is_form(&self) -> bool {
        !self.parameters.is_empty() && self.parameters.iter().all(|p| p.location == Location::Form)
    }

    /// Whether some arguments travel in the query and some in a form body.
    pub(crate) fn is_mixed(&self) -> bool {
        let has = |location| self.parameters.iter().any(|p| p.location == location);
        has(Location::Query) && has(Location::Form)
    }

    /// The parameters that a caller decides: all but the constants, required ones first.
    pub fn arguments(&self) -> impl Iterator<Item = &Parameter> {
        let shown = || self.parameters.iter().filter(|p| p.constant.is_none());
        shown()
            .filter(|p| p.required)
            .chain(shown().filter(|p| !p.required))
    }

    /// What the operation rests on.
    pub fn basis(&self) -> Basis {
        self.origin.basis.unwrap_or(Basis::Documented)
    }

    /// What a parameter of the operation rests on: what the operation does, unless it states something else.
    pub fn basis_of(&self, parameter: &Parameter) -> Basis {
        parameter.origin.basis.unwrap_or_else(|| self.basis())
    }

    /// The description, and that the operation is deprecated where it is: a tool is made of it all the same.
    /// It stands in the first paragraph, the one that lists of tools have.
    pub fn full_description(&self) -> String {
        if !self.deprecated {
            return self.description.clone();
        }
        let first = self.description.split('\n').next().unwrap_or_default();
        let rest = &self.description[first.len()..];
        format!("{first} {DEPRECATED}{rest}")
    }

    /// JSON schema of the arguments: flat, lossless, closed.
    pub fn arguments_schema(&self) -> Value {
        let mut properties = Map::new();
        let mut required = Vec::new();
        for parameter in self.arguments() {
            let mut schema = parameter.kind.schema();
            schema.insert("description".into(), parameter.description.clone().into());
            properties.insert(parameter.name.clone(), schema.into());
            if parameter.required {
                required.push(Value::from(parameter.name.clone()));
            }
        }
        let mut schema = Map::new();
        schema.insert("type".into(), "object".into());
        schema.insert("properties".into(), properties.into());
        if !required.is_empty() {
            schema.insert("required".into(), required.into());
        }
        schema.insert("additionalProperties".into(), false.into());
        schema.into()
    }
}

impl Kind {
    fn schema(&self) -> Map<String, Value> {
        let mut schema = Map::new();
        let mut put = |key: &str, value: Value| schema.insert(key.into(), value);
        match self {
            Kind::Text { values } => {
                put("type", "string".into());
                if !values.is_empty() {
                    put("enum", values.clone().into());
                }
            }
            Kind::Integer { minimum, maximum } => {
                put("type", "integer".into());
                if let Some(minimum) = minimum {
                    put("minimum", (*minimum).into());
                }
                if let Some(maximum) = maximum {
                    put("maximum", (*maximum).into());
                }
            }
            Kind::Number => {
                put("type", "number".into());
            }
            Kind::Boolean => {
                put("type", "boolean".into());
            }
        }
        schema
    }
}

impl Document {
    /// Reads and checks a document.
    ///
    /// # Errors
    ///
    /// Every defect found, not only the first. An operation or a parameter that is still a stub is one.
    pub fn parse(yaml: &str) -> Result<Self, Defects> {
        Self::read(yaml, false)
    }

    /// Reads and checks a document in which operations and parameters may be stubs: what stands in them is
    /// taken as it is.
    ///
    /// # Errors
    ///
    /// Every defect found outside of stubs.
    pub fn parse_draft(yaml: &str) -> Result<Self, Defects> {
        Self::read(yaml, true)
    }

    fn read(yaml: &str, draft: bool) -> Result<Self, Defects> {
        let root: Value = serde_saphyr::from_str(yaml).map_err(|error| {
            Defects(vec![Defect {
                place: "document".into(),
                problem: format!("not readable as YAML: {error}"),
                fix: "repair the syntax at that place".into(),
            }])
        })?;
        let mut lint = Lint::new(draft);
        let mut document = lint.document(&root);
        if lint.defects.is_empty() && !draft {
            document.openapi = lint.openapi(root, &document.operations);
        }
        if lint.defects.is_empty() {
            Ok(document)
        } else {
            Err(Defects(lint.defects))
        }
    }
}
