//! What the server must know of an answer: where its list is, which fields hold markup, and an outline for
//! callers who choose fields.

use std::collections::BTreeSet;
use std::iter;

use serde_json::{Map, Value};

use crate::document::Operation;
use crate::schema::{component, properties, resolve};

/// Names that OpManager usually gives to lists; they decide where an answer has several.
const USUAL: [&str; 3] = ["rows", "List", "Details"];

impl Operation {
    /// The keys that lead to the list of the answer: none for a bare array. `None` if it has no list.
    ///
    /// The document may say it with `x-list`; otherwise it is the one array of objects that the answer, or
    /// one object directly inside it, has.
    pub(crate) fn list(&self, schemas: &Map<String, Value>) -> Option<Vec<String>> {
        match &self.list {
            Some(path) if path.is_empty() => return None,
            Some(path) => return Some(path.clone()),
            None => {}
        }
        let response = resolve(&self.response, schemas);
        if response["type"] == "array" {
            return Some(Vec::new());
        }
        if let Some(name) = list_of(response, schemas) {
            return Some(vec![name]);
        }
        let mut nested = properties(response).filter_map(|(name, property)| {
            let inner = list_of(resolve(property, schemas), schemas)?;
            Some(vec![name.clone(), inner])
        });
        match (nested.next(), nested.next()) {
            (Some(path), None) => Some(path),
            _ => None,
        }
    }

    /// Names of the documented members that stand beside the list of the answer, or beside what it is in.
    pub(crate) fn around(&self, schemas: &Map<String, Value>) -> BTreeSet<String> {
        let mut names = BTreeSet::new();
        let mut at = resolve(&self.response, schemas);
        for key in self.list(schemas).unwrap_or_default() {
            let beside = properties(at)
                .map(|(name, _)| name)
                .filter(|name| **name != key);
            names.extend(beside.cloned());
            at = resolve(&at["properties"][key.as_str()], schemas);
        }
        names
    }

    /// Names of the fields, at any depth of the answer, whose text holds markup.
    pub(crate) fn markup(&self, schemas: &Map<String, Value>) -> BTreeSet<String> {
        self.marked(schemas, &|field| field["x-markup"] == true)
    }

    /// Names of the counters of the answer that count pages and not rows.
    pub(crate) fn pages(&self, schemas: &Map<String, Value>) -> BTreeSet<String> {
        self.marked(schemas, &|field| field["x-counts"] == "pages")
    }

    /// Names of the fields, at any depth of the answer, whose schema has a mark.
    fn marked(
        &self,
        schemas: &Map<String, Value>,
        is_marked: &dyn Fn(&Value) -> bool,
    ) -> BTreeSet<String> {
        let mut names = BTreeSet::new();
        let mut visit = |name: &str, property: &Value, _: &Value| {
            if is_marked(property) {
                names.insert(name.to_owned());
            }
        };
        each_property(&self.response, schemas, &mut BTreeSet::new(), &mut visit);
        names
    }

    /// Fields that hold a word, each with the field beside it that holds the code of the same fact.
    pub(crate) fn codes(&self, schemas: &Map<String, Value>) -> BTreeSet<(String, String)> {
        let mut codes = BTreeSet::new();
        let mut visit = |name: &str, property: &Value, _: &Value| {
            if let Some(code) = property["x-code-in"].as_str() {
                codes.insert((name.to_owned(), code.to_owned()));
            }
        };
        each_property(&self.response, schemas, &mut BTreeSet::new(), &mut visit);
        codes
    }
}

/// Deepest level of an outline. What is below it is told as an object or a list.
const OUTLINE_DEPTH: usize = 4;

impl Operation {
    /// The documented answer as callers read of it: objects and lists as such, and for every other field its
    /// types and what it means.
    pub(crate) fn outline(&self, schemas: &Map<String, Value>) -> Value {
        outline(&self.response, schemas, OUTLINE_DEPTH)
    }
}

fn outline(schema: &Value, schemas: &Map<String, Value>, depth: usize) -> Value {
    let resolved = resolve(schema, schemas);
    let own = properties(resolved);
    let values = &resolved["additionalProperties"];
    if depth > 0 && (resolved["properties"].is_object() || values.is_object()) {
        let mut fields: Map<String, Value> = own
            .map(|(name, field)| (name.clone(), outline(field, schemas, depth - 1)))
            .collect();
        if values.is_object() {
            fields.insert("*".to_owned(), outline(values, schemas, depth - 1));
        }
        return fields.into();
    }
    if depth > 0 && resolved["type"] == "array" {
        return vec![outline(&resolved["items"], schemas, depth - 1)].into();
    }
    let alternatives = resolved["oneOf"].as_array().into_iter().flatten();
    let types: Vec<&str> = iter::once(resolved)
        .chain(alternatives)
        .filter_map(|schema| schema["type"].as_str())
        .collect();
    let types = types.join(" or ");
    // What a shared schema says of itself, that a number may come as text, is told by its types; codes are not.
    let shared = resolved["description"].as_str();
    let shared = shared.filter(|text| text.contains("1 ") && text.contains("2 "));
    match schema["description"].as_str().or(shared) {
        Some(meaning) if types.is_empty() => meaning.into(),
        Some(meaning) => format!("{types}: {meaning}").into(),
        None => types.into(),
    }
}

/// The one array of objects of an object, or the usually named one of several.
fn list_of(schema: &Value, schemas: &Map<String, Value>) -> Option<String> {
    let is_list = |property: &Value| {
        let property = resolve(property, schemas);
        property["type"] == "array" && resolve(&property["items"], schemas)["type"] == "object"
    };
    let lists: Vec<&String> = properties(schema)
        .filter(|(_, property)| is_list(property))
        .map(|(name, _)| name)
        .collect();
    match lists.as_slice() {
        [only] => Some((*only).clone()),
        several => USUAL
            .into_iter()
            .find(|usual| several.iter().any(|name| name == usual))
            .map(str::to_owned),
    }
}

/// Visits each property of a schema, at any depth, with its name and the schema that it is in.
pub(crate) fn each_property<'a>(
    schema: &'a Value,
    schemas: &'a Map<String, Value>,
    seen: &mut BTreeSet<&'a str>,
    visit: &mut impl FnMut(&str, &Value, &Value),
) {
    if let Some(name) = component(schema)
        && let Some(schema) = schemas.get(name)
        && seen.insert(name)
    {
        each_property(schema, schemas, seen, visit);
    }
    for (name, property) in properties(schema) {
        visit(name, property, schema);
        each_property(property, schemas, seen, visit);
    }
    let nested = ["items", "additionalProperties"].map(|key| &schema[key]);
    let all = schema["allOf"].as_array().into_iter().flatten();
    for nested in nested
        .into_iter()
        .chain(all)
        .filter(|nested| nested.is_object())
    {
        each_property(nested, schemas, seen, visit);
    }
}
