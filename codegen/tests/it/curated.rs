//! The curated document itself: that it passes the lint, and that what is generated from it agrees with
//! a second, independent reading of its YAML.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;
use std::sync::LazyLock;

use opmanager_codegen::document::{Document, Operation};
use serde_json::Value;

use crate::source::Source;

static CURATED: LazyLock<String> = LazyLock::new(|| {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../openapi/opmanager.yaml");
    fs::read_to_string(path).expect("the curated document is readable")
});

/// A parameter as the YAML states it, read without the lint.
#[derive(Debug)]
struct Stated {
    required: bool,
    constant: bool,
    /// Type, enum and bounds.
    schema: Value,
}

fn operations() -> Vec<Operation> {
    Document::parse(&CURATED)
        .unwrap_or_else(|defects| panic!("{defects}"))
        .operations
}

/// The parameters of each operation, read from the YAML by operation and name.
fn stated() -> BTreeMap<String, BTreeMap<String, Stated>> {
    let root: Value = serde_saphyr::from_str(&CURATED).expect("the document is YAML");
    let paths = root["paths"].as_object().expect("paths");
    let operations = paths
        .values()
        .flat_map(|path| path.as_object().expect("methods").values());
    operations
        .map(|operation| {
            let id = operation["operationId"].as_str().expect("operationId");
            (id.to_owned(), stated_parameters(operation))
        })
        .collect()
}

fn stated_parameters(operation: &Value) -> BTreeMap<String, Stated> {
    let query = operation["parameters"].as_array().into_iter().flatten();
    let query = query.map(|parameter| {
        let stated = Stated {
            required: parameter["required"] == true,
            constant: parameter.get("x-constant").is_some(),
            schema: parameter["schema"].clone(),
        };
        (parameter["name"].as_str().expect("name").to_owned(), stated)
    });
    let form = &operation["requestBody"]["content"]["application/x-www-form-urlencoded"]["schema"];
    let required = form["required"].as_array();
    let properties = form["properties"].as_object().into_iter().flatten();
    let form = properties.map(|(name, property)| {
        let mut schema = property.clone();
        schema
            .as_object_mut()
            .expect("a property")
            .remove("description");
        let stated = Stated {
            required: required.is_some_and(|required| required.iter().any(|r| r == name)),
            constant: false,
            schema,
        };
        (name.clone(), stated)
    });
    query.chain(form).collect()
}

fn keys(object: &Value) -> Vec<&str> {
    let object = object.as_object().expect("an object");
    object.keys().map(String::as_str).collect()
}

#[test]
fn the_curated_document_is_without_defect() {
    assert!(!operations().is_empty());
}

#[test]
fn operation_ids_are_unique_in_every_spelling() {
    let operations = operations();
    let spellings: [fn(&Operation) -> String; 4] = [
        |operation| operation.id.clone(),
        |operation| operation.id.to_lowercase(),
        Operation::snake_name,
        Operation::pascal_name,
    ];
    for spelling in spellings {
        let unique: BTreeSet<String> = operations.iter().map(spelling).collect();
        assert_eq!(unique.len(), operations.len());
    }
}

#[test]
fn a_method_on_a_path_is_one_operation() {
    let operations = operations();
    let calls: BTreeSet<(&str, &str)> = operations
        .iter()
        .map(|operation| (operation.method.as_str(), operation.path.as_str()))
        .collect();
    assert_eq!(calls.len(), operations.len());
}

#[test]
fn the_schema_of_every_operation_lists_exactly_its_arguments() {
    let stated = stated();
    for operation in operations() {
        let id = &operation.id;
        let schema = operation.arguments_schema();
        let shown: BTreeMap<&String, &Stated> = stated[id]
            .iter()
            .filter(|(_, stated)| !stated.constant)
            .collect();
        let listed: BTreeSet<&str> = keys(&schema["properties"]).into_iter().collect();
        let expected: BTreeSet<&str> = shown.keys().map(|name| name.as_str()).collect();
        assert_eq!(listed, expected, "{id}");

        let required = schema["required"].as_array().into_iter().flatten();
        let required: BTreeSet<&str> = required.filter_map(Value::as_str).collect();
        let expected: BTreeSet<&str> = shown
            .iter()
            .filter(|(_, stated)| stated.required)
            .map(|(name, _)| name.as_str())
            .collect();
        assert_eq!(required, expected, "{id}");

        for (name, stated) in shown {
            let mut property = schema["properties"][name].clone();
            let description = property
                .as_object_mut()
                .expect("a schema")
                .remove("description");
            assert!(description.is_some(), "{id}: {name}");
            assert_eq!(property, stated.schema, "{id}: {name}");
        }
    }
}

#[test]
fn required_arguments_come_first_in_every_schema() {
    for operation in operations() {
        let schema = operation.arguments_schema();
        let required: Vec<&str> = schema["required"]
            .as_array()
            .into_iter()
            .flatten()
            .filter_map(Value::as_str)
            .collect();
        assert!(
            keys(&schema["properties"]).starts_with(&required),
            "{}: {schema}",
            operation.id
        );
    }
}

#[test]
fn every_schema_stays_in_the_subset_that_all_clients_accept() {
    for operation in operations() {
        let id = &operation.id;
        let schema = operation.arguments_schema();
        assert_eq!(schema["type"], "object", "{id}");
        assert_eq!(schema["additionalProperties"], false, "{id}");
        for (name, property) in schema["properties"].as_object().expect("properties") {
            let kind = property["type"].as_str();
            assert!(
                kind.is_some_and(|kind| ["string", "integer", "number", "boolean"].contains(&kind)),
                "{id}: {name}: {property}"
            );
            for key in keys(property) {
                let portable = ["type", "enum", "minimum", "maximum", "description"];
                assert!(portable.contains(&key), "{id}: {name}: {key}");
            }
            let mut values = property["enum"].as_array().into_iter().flatten();
            assert!(values.all(Value::is_string), "{id}: {name}");
        }
    }
}

#[test]
fn generated_source_agrees_with_the_document() {
    let source = Source::of(&CURATED);
    let operations = operations();
    let ids: Vec<&str> = operations
        .iter()
        .map(|operation| operation.id.as_str())
        .collect();
    assert_eq!(source.ids(), ids);
    for operation in &operations {
        let schema = source.schema(&operation.id);
        assert_eq!(schema, operation.arguments_schema(), "{}", operation.id);
        assert!(
            !schema.to_string().contains("<details>"),
            "{}",
            operation.id
        );
        let name = format!("{}Args", operation.pascal_name());
        let fields = source.fields(&name);
        let fields: BTreeSet<&str> = fields.iter().map(|field| field.name.as_str()).collect();
        let listed: BTreeSet<&str> = keys(&schema["properties"]).into_iter().collect();
        assert_eq!(fields, listed, "{name}");
    }
    source.assert_complete();
}
