//! The curated document as a checked model.
//!
//! Owns the rules that the document must obey. A document that parses here generates code whose types
//! enforce everything its schemas promise; what a type could not enforce is refused, not ignored.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use heck::{ToPascalCase, ToSnakeCase};
use openapiv3::OpenAPI;
use serde_json::{Map, Value};

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

/// What follows the name of an operation in the names of the types made for it.
const GENERATED: [&str; 4] = ["Args", "Query", "Form", "Response"];

const SUMMARY_CHARACTERS: usize = 60;
const DESCRIPTION_CHARACTERS: usize = 600;
const PARAMETER_CHARACTERS: usize = 200;
const REASON_CHARACTERS: usize = 300;

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
    /// `x-deviates`: what differs from the vendor's documents, each with the reason. A key is a parameter of
    /// either side, or one of [`DEVIATIONS`].
    pub deviates: BTreeMap<String, String>,
    /// `x-list`: the keys that lead to the list of the answer, if the shape does not tell; none for no list.
    pub(crate) list: Option<Vec<String>>,
    /// `x-bare-message`: whether the answer may be a sentence in quotes and braces, which is not JSON.
    pub(crate) bare_message: bool,
    /// Schema of the success response as the document states it.
    pub(crate) response: Value,
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

    /// The parameters that a caller decides: all but the constants, required ones first.
    pub fn arguments(&self) -> impl Iterator<Item = &Parameter> {
        let shown = || self.parameters.iter().filter(|p| p.constant.is_none());
        shown()
            .filter(|p| p.required)
            .chain(shown().filter(|p| !p.required))
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
        let mut lint = Lint {
            draft,
            ..Lint::default()
        };
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

#[derive(Default)]
struct Lint {
    defects: Vec<Defect>,
    place: String,
    /// Whether stubs are no defects.
    draft: bool,
}

fn text<'a>(value: &'a Value, key: &str) -> &'a str {
    value.get(key).and_then(Value::as_str).map_or("", str::trim)
}

impl Lint {
    fn defect(&mut self, problem: impl Into<String>, fix: impl Into<String>) {
        self.defects.push(Defect {
            place: self.place.clone(),
            problem: problem.into(),
            fix: fix.into(),
        });
    }

    fn at(&mut self, place: impl Into<String>) {
        self.place = place.into();
    }

    /// Whether something is a stub. What was found wrong since `before` is of the stub and counts for nothing
    /// beside that.
    fn stub(&mut self, value: &Value, before: usize, what: &str, missing: &str) -> bool {
        let stub = match value.get("x-stub") {
            None => return false,
            Some(Value::Bool(stub)) => *stub,
            Some(other) => {
                let problem = format!("{what}: x-stub is {other}");
                self.defect(problem, "write `x-stub: true`, or remove it");
                return false;
            }
        };
        if stub {
            self.defects.truncate(before);
            if !self.draft {
                let fix = format!("write {missing}, then remove its x-stub");
                self.defect(format!("{what} is a stub"), fix);
            }
        }
        stub
    }

    /// Reasons for something, by what they are for.
    fn reasons(&mut self, value: &Value, key: &str) -> BTreeMap<String, String> {
        let Some(stated) = value.get(key) else {
            return BTreeMap::new();
        };
        let Some(stated) = stated.as_object().filter(|stated| !stated.is_empty()) else {
            self.defect(
                format!("{key} is no list of reasons"),
                format!(
                    "write `{key}:` and below it a line `name: reason.` for each, or remove it"
                ),
            );
            return BTreeMap::new();
        };
        let mut reasons = BTreeMap::new();
        for (name, reason) in stated {
            let what = format!("{key}: the reason for `{name}`");
            let reason = match reason {
                Value::String(reason) => reason.trim(),
                _ => "",
            };
            if reason.is_empty() || reason.chars().count() > REASON_CHARACTERS {
                self.defect(
                    format!("{what} is missing or long"),
                    format!("write it in at most {REASON_CHARACTERS} characters"),
                );
            }
            reasons.insert(name.clone(), reason.to_owned());
        }
        reasons
    }

    /// The document in the types of OpenAPI 3.0. What these types read and what the rules above have read must be the
    /// same operations, so that none is generated that no rule has seen.
    fn openapi(&mut self, root: Value, operations: &[Operation]) -> Option<OpenAPI> {
        self.at("document");
        let openapi: OpenAPI = match serde_json::from_value(root) {
            Ok(openapi) => openapi,
            Err(error) => {
                self.defect(
                    format!("it is not OpenAPI 3.0: {error}"),
                    "write that part as the OpenAPI specification has it",
                );
                return None;
            }
        };
        for (path, method, operation) in openapi.operations() {
            let id = operation.operation_id.as_deref().unwrap_or_default();
            let known = operations.iter().any(|known| {
                known.id == id && known.path == path && known.method.eq_ignore_ascii_case(method)
            });
            if !known {
                self.at(format!("{} {path}", method.to_uppercase()));
                self.defect(
                    "no rule has read this operation",
                    "describe it as its neighbours are described",
                );
            }
        }
        Some(openapi)
    }

    fn document(&mut self, root: &Value) -> Document {
        self.at("document");
        if !text(root, "openapi").starts_with("3.0.") {
            self.defect(
                "`openapi` is not 3.0.x",
                "write `openapi: 3.0.3`; the client generator reads no other version",
            );
        }
        if root["paths"].as_object().is_none_or(Map::is_empty) {
            self.defect(
                "there are no paths",
                "write the operations below `paths`; an empty document leaves no tool",
            );
        }
        let tags: BTreeSet<&str> = root["tags"]
            .as_array()
            .into_iter()
            .flatten()
            .map(|tag| text(tag, "name"))
            .collect();
        for tag in root["tags"].as_array().into_iter().flatten() {
            if text(tag, "description").is_empty() && !self.draft {
                self.defect(
                    format!("the tag `{}` has no description", text(tag, "name")),
                    "say in a sentence what belongs to it",
                );
            }
        }
        let left_out = self.reasons(root, "x-left-out");
        let schemas = root["components"]["schemas"]
            .as_object()
            .cloned()
            .unwrap_or_default();
        let mut operations = Vec::new();
        for (path, item) in root["paths"].as_object().into_iter().flatten() {
            for (method, operation) in item.as_object().into_iter().flatten() {
                self.at(format!("{} {path}", method.to_uppercase()));
                if !matches!(method.as_str(), "get" | "post") {
                    self.defect(
                        format!("`{method}` is neither get nor post"),
                        "OpManager documents only GET and POST; put the operation under one of them",
                    );
                    continue;
                }
                operations.extend(self.operation(path, method, operation, &tags));
            }
        }
        self.unique(&operations);
        for id in left_out.keys() {
            if operations.iter().any(|operation| operation.id == *id) {
                self.at("document");
                self.defect(
                    format!("x-left-out names `{id}`, which is not left out"),
                    "remove it there",
                );
            }
        }
        for operation in &operations {
            self.at(&operation.id);
            if operation.response.is_object() {
                self.response_schema("response", &operation.response, &schemas);
            }
        }
        for (name, schema) in &schemas {
            self.at(format!("components.schemas.{name}"));
            if *name != name.to_pascal_case() {
                self.defect(
                    "the name is not a Rust type name",
                    format!("call it `{}`", name.to_pascal_case()),
                );
            }
            let of_an_operation = operations.iter().any(|operation| {
                let suffix = name.strip_prefix(&operation.pascal_name());
                suffix.is_some_and(|suffix| GENERATED.contains(&suffix))
            });
            if TOLERANT.contains(&name.as_str()) || name.starts_with(BOUNDED) || of_an_operation {
                self.defect(
                    "the name is taken by generated code",
                    "choose another noun for the schema",
                );
            }
            self.response_schema(name, schema, &schemas);
        }
        let mut used = BTreeSet::new();
        references(&root["paths"], &schemas, &mut used);
        for name in schemas.keys().filter(|name| !used.contains(name.as_str())) {
            self.at(format!("components.schemas.{name}"));
            self.defect(
                "no response refers to it",
                "remove the schema or refer to it",
            );
        }
        Document {
            operations,
            version: text(&root["info"], "version").to_owned(),
            left_out,
            schemas,
            openapi: None,
        }
    }

    fn unique(&mut self, operations: &[Operation]) {
        let mut seen: BTreeMap<String, &Operation> = BTreeMap::new();
        for operation in operations {
            if let Some(first) = seen.insert(operation.pascal_name(), operation) {
                self.at(&operation.id);
                self.defect(
                    format!(
                        "the operationId stands at {} and at {}",
                        first.path, operation.path
                    ),
                    "give each operation the vendor's own name, once",
                );
            }
        }
    }

    fn operation(
        &mut self,
        path: &str,
        method: &str,
        operation: &Value,
        tags: &BTreeSet<&str>,
    ) -> Option<Operation> {
        let id = text(operation, "operationId").to_owned();
        if id.is_empty() || !is_name(&id) {
            self.defect(
                "there is no usable operationId",
                "write the vendor's operation name, which begins with a letter and has letters and digits only",
            );
            return None;
        }
        self.at(&id);
        let before = self.defects.len();
        if !path.starts_with("/api/json/")
            || path.contains(['{', '?', '#', '%'])
            || path.contains("//")
        {
            self.defect(
                format!("the path `{path}` is not a constant below /api/json/"),
                "write the path without parameters, query or doubled slash",
            );
        }
        let allowed = [
            "operationId",
            "tags",
            "summary",
            "description",
            "parameters",
            "requestBody",
            "responses",
            "deprecated",
            "x-bare-message",
            "x-deviates",
            "x-exactly-one-of",
            "x-list",
            "x-rate-limit",
            "x-stub",
        ];
        self.known_keys("operation", operation, &allowed);
        let tag = match operation["tags"].as_array().map(Vec::as_slice) {
            Some([Value::String(tag)]) => tag.clone(),
            _ => {
                self.defect(
                    "it has not exactly one tag",
                    "write `tags: [Area]` with one tag",
                );
                String::new()
            }
        };
        if !tag.is_empty() && !tags.contains(tag.as_str()) {
            self.defect(
                format!("its tag `{tag}` is not declared"),
                "add the tag with a description to the `tags` list at the top",
            );
        }
        let summary = self.prose(operation, "summary", "summary", SUMMARY_CHARACTERS);
        let description = self.prose(
            operation,
            "description",
            "description",
            DESCRIPTION_CHARACTERS,
        );

        if operation.get("parameters").is_some_and(|p| !p.is_array()) {
            self.defect(
                "its parameters are not a list",
                "begin each parameter with `- name:`",
            );
        }
        let mut parameters = Vec::new();
        for parameter in operation["parameters"].as_array().into_iter().flatten() {
            parameters.extend(self.query_parameter(parameter));
        }
        if let Some(body) = operation.get("requestBody") {
            parameters.extend(self.form_parameters(method, body));
        }
        self.parameter_names(&parameters);
        let exactly_one_of = self.exactly_one_of(operation, &parameters);
        let rate_limit = self.rate_limit(operation);
        let list = operation.get("x-list").and_then(strings);
        if operation.get("x-list").is_some() && list.is_none() {
            self.defect(
                "its x-list is not a list of keys",
                "write the keys that lead to the list of the answer, or `[]` where it has none",
            );
        }
        let bare_message = match operation.get("x-bare-message") {
            None => false,
            Some(Value::Bool(bare)) => *bare,
            Some(_) => {
                self.defect(
                    "its x-bare-message is not a truth value",
                    "write `x-bare-message: true` where the answer may be a sentence in braces",
                );
                false
            }
        };
        let response = &operation["responses"]["200"];
        if text(response, "description").is_empty() {
            self.defect(
                "its 200 response has no description",
                "say in a sentence what comes back",
            );
        }
        let response = &response["content"]["application/json"]["schema"];
        if !response.is_object() {
            self.defect(
                "its 200 response has no application/json schema",
                "describe the documented sample; `type: object` with `additionalProperties: true` where there is none",
            );
        }
        let deprecated = match operation.get("deprecated") {
            None => false,
            Some(Value::Bool(deprecated)) => *deprecated,
            Some(other) => {
                self.defect(
                    format!("deprecated is {other}"),
                    "write `deprecated: true`, or leave it out",
                );
                false
            }
        };
        let deviates = self.reasons(operation, "x-deviates");
        self.stub(
            operation,
            before,
            "the operation",
            "its summary, description and types, give it an access word in a file of src/tools/",
        );
        Some(Operation {
            id,
            method: method.to_uppercase(),
            path: path.to_owned(),
            tag,
            summary,
            description,
            parameters,
            exactly_one_of,
            rate_limit,
            deprecated,
            deviates,
            list,
            bare_message,
            response: response.clone(),
        })
    }

    fn known_keys(&mut self, what: &str, value: &Value, allowed: &[&str]) {
        for key in value.as_object().into_iter().flatten().map(|(key, _)| key) {
            if !allowed.contains(&key.as_str()) {
                self.defect(
                    format!("{what}: `{key}` is not understood"),
                    format!("remove it; the build reads only {}", allowed.join(", ")),
                );
            }
        }
    }

    fn prose(&mut self, value: &Value, key: &str, what: &str, most: usize) -> String {
        let prose = text(value, key);
        let characters = prose.chars().count();
        if prose.is_empty() {
            self.defect(format!("{what} is missing"), "write it, in our own words");
        } else if characters > most {
            self.defect(
                format!("{what} has {characters} characters"),
                format!("shorten it to at most {most}: every user's model pays for it"),
            );
        }
        if [
            "&amp;", "&lt;", "&gt;", "&#", "<br", "<p>", "</", "**", "```", "DRAFT", "TODO",
        ]
        .iter()
        .any(|markup| prose.contains(markup))
        {
            self.defect(
                format!("{what} holds markup, an entity or a draft mark"),
                "write plain text (folded style `>-`; a blank line begins what is not listed)",
            );
        }
        if key == "summary" && prose.contains('\n') {
            self.defect(format!("{what} has several lines"), "write it in one line");
        }
        prose.to_owned()
    }

    fn query_parameter(&mut self, parameter: &Value) -> Option<Parameter> {
        let name = text(parameter, "name").to_owned();
        let what = format!("parameter `{name}`");
        let before = self.defects.len();
        self.known_keys(
            &what,
            parameter,
            &[
                "name",
                "in",
                "required",
                "description",
                "schema",
                "x-constant",
                "x-stub",
            ],
        );
        if text(parameter, "in") != "query" {
            self.defect(
                format!("{what} is not in the query"),
                "write `in: query`, or describe a form body with `requestBody`",
            );
        }
        let required = match parameter.get("required") {
            None => false,
            Some(Value::Bool(required)) => *required,
            Some(other) => {
                self.defect(
                    format!("{what}: required is {other}"),
                    "write `required: true`, or leave it out",
                );
                false
            }
        };
        let read = self.parameter(
            name,
            Location::Query,
            required,
            parameter,
            &parameter["schema"],
        );
        self.stub(parameter, before, &what, "its description and type");
        read
    }

    fn form_parameters(&mut self, method: &str, body: &Value) -> Vec<Parameter> {
        if method == "get" {
            self.defect(
                "it is a GET with a request body",
                "put the parameters in the query, or the operation under post",
            );
        }
        self.known_keys("request body", body, &["required", "content"]);
        let content = body["content"].as_object();
        let form = &body["content"]["application/x-www-form-urlencoded"];
        self.known_keys("form", form, &["schema"]);
        let schema = &form["schema"];
        self.known_keys("form", schema, &["type", "required", "properties"]);
        if content.is_none_or(|content| content.len() != 1) || !schema["properties"].is_object() {
            self.defect(
                "its request body is not a form",
                "OpManager documents only application/x-www-form-urlencoded bodies: describe an object of scalars under that type",
            );
        }
        let required: Vec<&str> = schema["required"]
            .as_array()
            .into_iter()
            .flatten()
            .filter_map(Value::as_str)
            .collect();
        if schema.get("required").is_some_and(|r| !r.is_array()) {
            self.defect(
                "`required` of its form is not a list",
                "write the names of the required parameters in brackets",
            );
        }
        for name in &required {
            if schema["properties"].get(name).is_none() {
                self.defect(
                    format!("its form requires `{name}`, which is no property"),
                    "correct the name or add the property",
                );
            }
        }
        let mut parameters = Vec::new();
        for (name, property) in schema["properties"].as_object().into_iter().flatten() {
            let before = self.defects.len();
            let mut bare = property.clone();
            if let Some(bare) = bare.as_object_mut() {
                bare.remove("description");
                bare.remove("x-stub");
                if bare.remove("x-constant").is_some() {
                    self.defect(
                        format!("parameter `{name}` is a constant in a form"),
                        "constants are sent in the query: describe it under `parameters`, or leave it out",
                    );
                }
            }
            parameters.extend(self.parameter(
                name.clone(),
                Location::Form,
                required.contains(&name.as_str()),
                property,
                &bare,
            ));
            let what = format!("parameter `{name}`");
            self.stub(property, before, &what, "its description and type");
        }
        parameters
    }

    fn parameter(
        &mut self,
        name: String,
        location: Location,
        required: bool,
        described: &Value,
        schema: &Value,
    ) -> Option<Parameter> {
        let what = format!("parameter `{name}`");
        if !is_name(&name) || name.len() > 64 {
            self.defect(
                format!("{what} is not one name of letters, digits and underscores that begins with a letter"),
                "a row such as `a/b/c` is three optional parameters with `x-exactly-one-of: [a, b, c]`",
            );
            return None;
        }
        if CONNECTION_ARGUMENTS.contains(&name.as_str())
            || SELECTION_ARGUMENTS.contains(&name.as_str())
        {
            self.defect(
                format!("{what} has the name of a connection argument"),
                "leave it out of the document",
            );
        }
        let description = self.prose(
            described,
            "description",
            &format!("{what}: description"),
            PARAMETER_CHARACTERS,
        );
        let kind = self.kind(&what, schema)?;
        let constant = described
            .get("x-constant")
            .map(|constant| self.constant(&what, &kind, constant));
        Some(Parameter {
            name,
            location,
            required,
            description,
            kind,
            constant,
        })
    }

    fn constant(&mut self, what: &str, kind: &Kind, constant: &Value) -> String {
        let fits = match kind {
            Kind::Text { values } => constant
                .as_str()
                .is_some_and(|text| values.is_empty() || values.iter().any(|v| v == text)),
            Kind::Integer { minimum, maximum } => constant.as_i64().is_some_and(|number| {
                minimum.is_none_or(|minimum| minimum <= number)
                    && maximum.is_none_or(|maximum| number <= maximum)
            }),
            Kind::Number => constant.is_number(),
            Kind::Boolean => constant.is_boolean(),
        };
        if !fits {
            self.defect(
                format!("{what}: its x-constant {constant} is no value of its type"),
                "write a value that the schema allows; text is quoted, true and numbers are not",
            );
        }
        match constant {
            Value::String(text) => text.clone(),
            other => other.to_string(),
        }
    }

    fn kind(&mut self, what: &str, schema: &Value) -> Option<Kind> {
        let allowed: &[&str] = match text(schema, "type") {
            "string" => &["type", "enum"],
            "integer" => &["type", "minimum", "maximum"],
            "number" | "boolean" => &["type"],
            other => {
                self.defect(
                    format!("{what} has the type `{other}`"),
                    "use string, integer, number or boolean; several values are one comma-separated string, JSON is a string",
                );
                return None;
            }
        };
        for key in schema.as_object().into_iter().flatten().map(|(key, _)| key) {
            if !allowed.contains(&key.as_str()) {
                self.defect(
                    format!(
                        "{what}: `{key}` is not something that the generated type would enforce"
                    ),
                    format!(
                        "remove it or say it in the description; this type takes {}",
                        allowed.join(", ")
                    ),
                );
            }
        }
        Some(match text(schema, "type") {
            "string" => Kind::Text {
                values: self.enumeration(what, schema),
            },
            "integer" => {
                let mut bound = |key| {
                    let value = schema.get(key)?;
                    if value.as_i64().is_none() {
                        self.defect(
                            format!("{what}: {key} is {value}, which is no 64-bit integer"),
                            "write a whole number without quotes, or remove it",
                        );
                    }
                    value.as_i64()
                };
                let (minimum, maximum) = (bound("minimum"), bound("maximum"));
                if let (Some(minimum), Some(maximum)) = (minimum, maximum)
                    && minimum > maximum
                {
                    self.defect(
                        format!("{what}: minimum {minimum} is above maximum {maximum}"),
                        "swap or correct the bounds",
                    );
                }
                Kind::Integer { minimum, maximum }
            }
            "number" => Kind::Number,
            _ => Kind::Boolean,
        })
    }

    fn enumeration(&mut self, what: &str, schema: &Value) -> Vec<String> {
        let Some(values) = schema.get("enum") else {
            return Vec::new();
        };
        let Some(values) = strings(values).filter(|values| !values.is_empty()) else {
            self.defect(
                format!("{what}: its enum is not a list of strings"),
                "quote the values; a set of integer codes is minimum and maximum with the codes named in the description",
            );
            return Vec::new();
        };
        let variants: BTreeSet<String> = values.iter().map(|v| v.to_pascal_case()).collect();
        if variants.len() != values.len() {
            self.defect(
                format!("{what}: two values of its enum differ only in case or punctuation"),
                "keep the one that OpManager documents",
            );
        }
        values
    }

    fn parameter_names(&mut self, parameters: &[Parameter]) {
        let mut seen = BTreeSet::new();
        for parameter in parameters {
            if !seen.insert(parameter.name.to_snake_case()) {
                self.defect(
                    format!("parameter `{}` occurs twice", parameter.name),
                    "merge the two; where the meaning depends on another parameter, say so in the description",
                );
            }
        }
        let locations = |location| parameters.iter().any(|p| p.location == location);
        let plain = parameters
            .iter()
            .all(|p| matches!(&p.kind, Kind::Text { values } if values.is_empty()));
        if locations(Location::Query) && locations(Location::Form) && !plain {
            self.defect(
                "it mixes a query with a form and has a parameter that is not plain text",
                "make all of its parameters plain strings, or move them to one place",
            );
        }
    }

    fn exactly_one_of(&mut self, operation: &Value, parameters: &[Parameter]) -> Vec<String> {
        let Some(names) = operation.get("x-exactly-one-of") else {
            return Vec::new();
        };
        let names = strings(names).unwrap_or_default();
        if names.len() < 2 || names.iter().collect::<BTreeSet<_>>().len() < names.len() {
            self.defect(
                "x-exactly-one-of is not a list of two or more different names",
                "write `x-exactly-one-of: [a, b]`; a single parameter has `required: true`",
            );
            return Vec::new();
        }
        for name in &names {
            match parameters.iter().find(|p| p.name == *name) {
                None => self.defect(
                    format!("x-exactly-one-of names `{name}`, which is no parameter"),
                    "name parameters of this operation",
                ),
                Some(p) if p.required || p.constant.is_some() => self.defect(
                    format!("x-exactly-one-of names `{name}`, which is always sent"),
                    "remove `required` and `x-constant` from it",
                ),
                Some(_) => {}
            }
        }
        names
    }

    fn rate_limit(&mut self, operation: &Value) -> Option<RateLimit> {
        let limit = operation.get("x-rate-limit")?;
        self.known_keys(
            "x-rate-limit",
            limit,
            &["requests-per-minute", "block-minutes"],
        );
        let number = |key| {
            limit
                .get(key)
                .and_then(Value::as_u64)
                .and_then(|n| u32::try_from(n).ok())
                .filter(|n| *n > 0)
        };
        let block_minutes = number("block-minutes");
        if limit.get("block-minutes").is_some() && block_minutes.is_none() {
            self.defect(
                "x-rate-limit: block-minutes is no positive whole number",
                "write the documented minutes, or remove it",
            );
        }
        let Some(requests_per_minute) = number("requests-per-minute") else {
            self.defect(
                "x-rate-limit has no requests-per-minute",
                "write a positive whole number, or remove x-rate-limit",
            );
            return None;
        };
        Some(RateLimit {
            requests_per_minute,
            block_minutes,
        })
    }

    /// Checks a schema of an answer; `what` is the way to it, such as `response.rows[]`.
    fn response_schema(&mut self, what: &str, schema: &Value, schemas: &Map<String, Value>) {
        if !schema.is_object() {
            self.defect(
                format!("`{what}` is {schema}, which is no schema"),
                "write a `type` below it",
            );
            return;
        }
        if let Some(reference) = schema.get("$ref").and_then(Value::as_str) {
            if component(reference).is_none_or(|name| !schemas.contains_key(name)) {
                self.defect(
                    format!("`{what}`: the reference `{reference}` leads nowhere"),
                    "refer to a schema below components.schemas",
                );
            }
            return;
        }
        self.known_keys(
            &format!("`{what}`"),
            schema,
            &[
                "type",
                "description",
                "properties",
                "additionalProperties",
                "items",
                "oneOf",
                "allOf",
                "nullable",
                "x-markup",
            ],
        );
        let types = ["object", "array", "string", "integer", "number", "boolean"];
        if let Some(kind) = schema.get("type")
            && !types.iter().any(|known| kind == known)
        {
            self.defect(
                format!("`{what}` has the type {kind}"),
                format!("write one of {}", types.join(", ")),
            );
        }
        let further = &schema["additionalProperties"];
        if *further == false || (schema.get("properties").is_some() && further.is_null()) {
            self.defect(
                format!("`{what}` does not keep further fields"),
                "write `additionalProperties: true`: what a newer build sends must not be lost",
            );
        }
        if schema["type"] == "array" && schema.get("items").is_none() {
            self.defect(format!("the array `{what}` has no items"), "add `items`");
        }
        for (name, property) in schema["properties"].as_object().into_iter().flatten() {
            self.response_schema(&format!("{what}.{name}"), property, schemas);
        }
        if let Some(items) = schema.get("items") {
            self.response_schema(&format!("{what}[]"), items, schemas);
        }
        if !further.is_boolean() && !further.is_null() {
            self.response_schema(&format!("{what}.*"), further, schemas);
        }
        for list in ["oneOf", "allOf"] {
            for nested in schema[list].as_array().into_iter().flatten() {
                self.response_schema(what, nested, schemas);
            }
        }
    }
}

/// The name of the component schema that a reference means.
fn component(reference: &str) -> Option<&str> {
    reference.strip_prefix("#/components/schemas/")
}

/// Collects the component schemas that a value refers to, also by way of other components.
fn references<'a>(value: &'a Value, schemas: &'a Map<String, Value>, used: &mut BTreeSet<&'a str>) {
    match value {
        Value::Object(object) => {
            let name = object
                .get("$ref")
                .and_then(Value::as_str)
                .and_then(component);
            if let Some(name) = name
                && used.insert(name)
                && let Some(schema) = schemas.get(name)
            {
                references(schema, schemas, used);
            }
            object.values().for_each(|v| references(v, schemas, used));
        }
        Value::Array(list) => list.iter().for_each(|v| references(v, schemas, used)),
        _ => {}
    }
}

/// The texts of a list that holds nothing else.
fn strings(list: &Value) -> Option<Vec<String>> {
    let texts = list.as_array()?.iter().map(Value::as_str);
    texts.map(|text| text.map(str::to_owned)).collect()
}

fn is_name(name: &str) -> bool {
    name.starts_with(|c: char| c.is_ascii_alphabetic())
        && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
}
