//! The rules of the schemas of answers.

use std::collections::BTreeSet;

use heck::ToPascalCase;
use serde_json::{Map, Value};

use super::Lint;
use crate::document::{BOUNDED, Operation, TOLERANT};
use crate::schema::{properties, resolve};

/// What follows the name of an operation in the names of the types made for it.
const GENERATED: [&str; 4] = ["Args", "Query", "Form", "Response"];

impl Lint {
    /// Checks the schemas of answers, and that each component has a usable name and is used.
    pub(super) fn schemas(
        &mut self,
        root: &Value,
        operations: &[Operation],
        schemas: &Map<String, Value>,
    ) {
        for operation in operations {
            self.at(&operation.id);
            if operation.response.is_object() {
                self.response_schema("response", &operation.response, schemas);
            }
            if !operation.only_members.is_empty() {
                self.kept(operation, schemas);
            }
        }
        for (name, schema) in schemas {
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
            self.response_schema(name, schema, schemas);
        }
        let mut used = BTreeSet::new();
        references(&root["paths"], schemas, &mut used);
        for name in schemas.keys().filter(|name| !used.contains(name.as_str())) {
            self.at(format!("components.schemas.{name}"));
            self.defect(
                "no response refers to it",
                "remove the schema or refer to it",
            );
        }
    }

    /// Checks that the answer of an operation of which only some members are kept is described as what is kept.
    fn kept(&mut self, operation: &Operation, schemas: &Map<String, Value>) {
        let item = resolve(&resolve(&operation.response, schemas)["items"], schemas);
        let described: BTreeSet<&String> = properties(item).map(|(name, _)| name).collect();
        if described != operation.only_members.iter().collect() {
            self.defect(
                "its response is not what x-only-members keeps",
                "describe an array of objects with these members and no others",
            );
        }
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
                "x-code-in",
                "x-counts",
                "x-markup",
            ],
        );
        if let Some(counted) = schema.get("x-counts")
            && counted != "pages"
        {
            self.defect(
                format!("`{what}`: its x-counts is {counted}"),
                "write `x-counts: pages`, or remove it from a counter of rows",
            );
        }
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

/// The name of the component schema that a reference means.
fn component(reference: &str) -> Option<&str> {
    reference.strip_prefix("#/components/schemas/")
}
