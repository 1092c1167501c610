//! The rules of the document.
//!
//! Owns what an operation may state and how; `parameters`, `responses` and `shape` have the rules of these. Every broken rule is
//! reported, each with its fix.

mod members;
mod origin;
mod parameters;
mod responses;
mod shape;

use std::collections::{BTreeMap, BTreeSet};

use openapiv3::OpenAPI;
use serde_json::{Map, Value};

use super::{Defect, Document, Operation, RateLimit, never};

const SUMMARY_CHARACTERS: usize = 60;
const DESCRIPTION_CHARACTERS: usize = 600;
const REASON_CHARACTERS: usize = 300;

/// What an operation may state.
const OPERATION_KEYS: [&str; 22] = [
    "operationId",
    "tags",
    "summary",
    "description",
    "parameters",
    "requestBody",
    "responses",
    "deprecated",
    "x-bare-message",
    "x-basis",
    "x-beside",
    "x-default-fields",
    "x-deviates",
    "x-exactly-one-of",
    "x-layout",
    "x-list",
    "x-only-members",
    "x-rate-limit",
    "x-series",
    "x-since",
    "x-stub",
    "x-variant",
];

/// The rules, and what they have found so far.
#[derive(Default)]
pub(super) struct Lint {
    pub(super) defects: Vec<Defect>,
    place: String,
    /// Whether stubs are no defects.
    draft: bool,
}

impl Lint {
    pub(super) fn new(draft: bool) -> Self {
        Self {
            draft,
            ..Self::default()
        }
    }

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
    pub(super) fn openapi(&mut self, root: Value, operations: &[Operation]) -> Option<OpenAPI> {
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

    pub(super) fn document(&mut self, root: &Value) -> Document {
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
        let tags = self.tags(root);
        let left_out = self.reasons(root, "x-left-out");
        let schemas = root["components"]["schemas"]
            .as_object()
            .cloned()
            .unwrap_or_default();
        let operations = self.operations(root, &tags);
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
        self.schemas(root, &operations, &schemas);
        self.shapes(&operations, &schemas);
        Document {
            operations,
            version: text(&root["info"], "version").to_owned(),
            left_out,
            schemas,
            openapi: None,
        }
    }

    /// The names of the declared tags.
    fn tags<'a>(&mut self, root: &'a Value) -> BTreeSet<&'a str> {
        let mut names = BTreeSet::new();
        for tag in root["tags"].as_array().into_iter().flatten() {
            names.insert(text(tag, "name"));
            if text(tag, "description").is_empty() && !self.draft {
                self.defect(
                    format!("the tag `{}` has no description", text(tag, "name")),
                    "say in a sentence what belongs to it",
                );
            }
        }
        names
    }

    fn operations(&mut self, root: &Value, tags: &BTreeSet<&str>) -> Vec<Operation> {
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
                operations.extend(self.operation(path, method, operation, tags));
            }
        }
        operations
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
        let name = path.rsplit('/').next().unwrap_or_default();
        if let Some(reason) = never::reason(&id).or_else(|| never::reason(name)) {
            self.defect(
                format!("it is never described: {reason}"),
                "remove it; if the vendor documents it, give the reason in `x-left-out`",
            );
        }
        self.known_keys("operation", operation, &OPERATION_KEYS);
        let tag = self.tag(operation, tags);
        let summary = self.prose(operation, "summary", "summary", SUMMARY_CHARACTERS);
        let description = self.prose(
            operation,
            "description",
            "description",
            DESCRIPTION_CHARACTERS,
        );

        let parameters = self.parameters(method, operation);
        let exactly_one_of = self.exactly_one_of(operation, &parameters);
        let rate_limit = self.rate_limit(operation);
        let list = self.list(operation);
        let shape = self.shape(operation);
        let bare_message = self.flag(
            operation,
            "x-bare-message",
            "its x-bare-message is not a truth value",
            "write `x-bare-message: true` where the answer may be a sentence in braces",
        );
        let response = self.response(operation);
        let only_members = self.only_members(operation);
        let deprecated = self.flag(
            operation,
            "deprecated",
            &format!("deprecated is {}", operation["deprecated"]),
            "write `deprecated: true`, or leave it out",
        );
        let deviates = self.reasons(operation, "x-deviates");
        let origin = self.origin("the operation", operation);
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
            origin,
            deviates,
            list,
            shape,
            bare_message,
            only_members,
            response,
        })
    }

    fn tag(&mut self, operation: &Value, declared: &BTreeSet<&str>) -> String {
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
        if !tag.is_empty() && !declared.contains(tag.as_str()) {
            self.defect(
                format!("its tag `{tag}` is not declared"),
                "add the tag with a description to the `tags` list at the top",
            );
        }
        tag
    }

    fn list(&mut self, operation: &Value) -> Option<Vec<String>> {
        let list = operation.get("x-list").and_then(strings);
        if operation.get("x-list").is_some() && list.is_none() {
            self.defect(
                "its x-list is not a list of keys",
                "write the keys that lead to the list of the answer, or `[]` where it has none",
            );
        }
        list
    }

    /// A truth value, `false` where it is left out.
    fn flag(&mut self, value: &Value, key: &str, problem: &str, fix: &str) -> bool {
        match value.get(key) {
            None => false,
            Some(Value::Bool(flag)) => *flag,
            Some(_) => {
                self.defect(problem, fix);
                false
            }
        }
    }

    /// The schema of the answer.
    fn response(&mut self, operation: &Value) -> Value {
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
        response.clone()
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
}

fn text<'a>(value: &'a Value, key: &str) -> &'a str {
    value.get(key).and_then(Value::as_str).map_or("", str::trim)
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
