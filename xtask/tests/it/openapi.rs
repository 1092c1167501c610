//! The reader of OpenAPI documents, on one of ours in the vendor's manner and on the curated document.

use opmanager_codegen::document::Document;
use serde_json::{Value, json};
use xtask::facts::{Facts, SourceKind};
use xtask::import::{self, Broken};
use xtask::{curated, diff};

use crate::repository;

const DOCUMENT: &str = include_str!("../fixtures/openapi-3.1.yaml");

fn read(document: &str) -> Result<Facts, Broken> {
    import::read(document.as_bytes(), "2026-01-31")
}

fn operation(facts: &Facts, id: &str) -> Value {
    let operation = facts.operations.iter().find(|o| o.id == id).unwrap();
    serde_json::to_value(operation).unwrap()
}

fn parameter(facts: &Facts, id: &str, name: &str) -> Value {
    let operation = facts.operations.iter().find(|o| o.id == id).unwrap();
    serde_json::to_value(operation.parameter(name).unwrap()).unwrap()
}

#[test]
fn a_3_1_document_in_the_vendors_manner_is_read() {
    let facts = read(DOCUMENT).unwrap();
    assert_eq!(facts.sources[0].kind, SourceKind::OpenApi);
    assert_eq!(facts.operations.len(), 32);
    let tags: std::collections::BTreeSet<&str> =
        facts.operations.iter().map(|o| o.tag.as_str()).collect();
    assert_eq!(tags.len(), 10, "{tags:?}");
    assert!(
        tags.contains("Downtime Scheduler"),
        "without the prefix: {tags:?}"
    );
    assert_eq!(
        operation(&facts, "listDevices"),
        json!({
            "id": "listDevices",
            "method": "GET",
            "path": "/api/json/v2/device/listDevices",
            "tag": "Devices",
            "api_key": "required",
            "parameters": [
                { "name": "category", "required": false, "in": "query" },
                { "name": "page", "required": false, "in": "query", "type": "integer", "minimum": 1, "maximum": 1000 },
                { "name": "rows", "required": false, "in": "query", "type": "integer", "minimum": 1, "maximum": 1000 },
                { "name": "sortByType", "required": false, "in": "query", "type": "string",
                  "values": ["asc", "desc"], "default": "asc" },
            ],
            "answer": {
                "": "object",
                "rows": "array",
                "rows[]": "object",
                "rows[].deviceName": "string",
                "rows[].tree": "object",
                "rows[].tree.children": "array",
                "rows[].tree.name": "string",
                "total": "integer|string",
            },
            "notes": ["`category`: the types string and integer are left open"],
        })
    );
    assert_eq!(
        operation(&facts, "addNotes")["parameters"],
        json!([
            { "name": "entity", "required": true, "in": "query", "type": "string" },
            { "name": "notes", "required": true, "in": "form", "type": "string" },
            { "name": "pinned", "required": false, "in": "form", "type": "boolean", "default": "false" },
        ])
    );
    assert_eq!(operation(&facts, "deleteAlarm")["deprecated"], true);
    // A parameter of the path, by reference, with a type by reference.
    assert_eq!(
        parameter(&facts, "getPingResponse", "deviceName"),
        json!({ "name": "deviceName", "required": true, "in": "query", "type": "string" })
    );
    assert_eq!(parameter(&facts, "addDevice", "deviceName")["in"], "body");
    assert_eq!(
        operation(&facts, "getLastCollectedValues")["answer"]["*[].value"],
        "number"
    );
}

#[test]
fn what_only_3_1_has_is_mapped_down_with_a_note_for_each_loss() {
    let facts = read(DOCUMENT).unwrap();
    let notes: Vec<String> = facts
        .operations
        .iter()
        .flat_map(|o| o.notes.iter().map(|note| format!("{} {note}", o.id)))
        .collect();
    assert_eq!(
        notes,
        [
            "clearAlarm `reason`: `null` is left out: a query has none",
            "getPingResponse `count`: `exclusiveMaximum` is taken as the next whole number",
            "getPingResponse `count`: `exclusiveMinimum` is taken as the next whole number",
            "getReportsData `reportID`: `null` is left out: a query has none",
            "getReportsData `viewAs`: `const` is taken as a list of one value",
            "listAlarms `alertType`: `null` is left out: a query has none",
            "listAllLogicalGroups `filters`: `contentMediaType` is left out",
            "listDevices `category`: the types string and integer are left open",
            "setDeviceInfo `values`: `prefixItems` is left out",
            "setManaged `type`: `const` is taken as a list of one value",
        ]
    );
    let of_all: Vec<&str> = facts.notes.iter().map(String::as_str).collect();
    assert_eq!(
        of_all,
        ["webhooks are left out (2): OpManager calls them, not we"]
    );
    for (id, name, expected) in [
        ("clearAlarm", "reason", json!({ "type": "string" })),
        (
            "getPingResponse",
            "count",
            json!({ "type": "integer", "minimum": 1, "maximum": 10 }),
        ),
        (
            "getReportsData",
            "reportID",
            json!({ "type": "integer", "minimum": 1 }),
        ),
        ("getReportsData", "viewAs", json!({ "values": ["json"] })),
        (
            "listAlarms",
            "alertType",
            json!({ "type": "string", "values": ["ActiveAlarms", "TrapAlarms"] }),
        ),
        (
            "listAlarms",
            "fromTime",
            json!({ "type": "string", "examples": ["2026-01-31", "2026-01-31 08:00:00"] }),
        ),
        ("setManaged", "manage", json!({ "type": "boolean" })),
        (
            "setManaged",
            "type",
            json!({ "values": ["INTERFACE", "URL"] }),
        ),
    ] {
        let mut found = parameter(&facts, id, name);
        let found = found.as_object_mut().unwrap();
        found.retain(|key, _| !["name", "in", "required"].contains(&key.as_str()));
        assert_eq!(Value::from(found.clone()), expected, "{id} {name}");
    }
}

#[test]
fn json_and_yaml_are_one() {
    let value: Value = serde_saphyr::from_str(DOCUMENT).unwrap();
    let json = read(&value.to_string()).unwrap();
    let yaml = read(DOCUMENT).unwrap();
    assert_eq!(json.operations, yaml.operations);
    assert_eq!(json.notes, yaml.notes);
}

#[test]
fn the_curated_document_comes_back_as_it_is() {
    let text = std::fs::read_to_string(repository().join("openapi/opmanager.yaml")).unwrap();
    let imported = read(&text).unwrap();
    let document = Document::parse(&text).unwrap();
    assert_eq!(imported.operations.len(), document.operations.len());
    let notes: Vec<_> = imported.operations.iter().flat_map(|o| &o.notes).collect();
    assert!(notes.is_empty(), "{notes:?}");
    let mut known = imported.clone();
    for operation in &mut known.operations {
        // The curated facts hold neither the answers nor that a key is asked for.
        operation.answer.clear();
        operation.api_key = None;
    }
    let curated = curated::facts(&document);
    assert_eq!(known.operations, curated.operations);
    let changes = diff::compare(&curated, &known);
    assert!(changes.is_empty(), "{changes:?}");
}

#[test]
fn the_base_of_a_server_belongs_to_each_path() {
    let server = |url: &str| {
        let document = json!({
            "openapi": "3.0.3",
            "servers": [{ "url": url, "variables": { "version": { "default": "v2" } } }],
            "paths": { "/lamps": { "get": { "responses": {} } } },
        });
        read(&document.to_string()).unwrap().operations.remove(0)
    };
    assert_eq!(server("https://{Serverurl}").path, "/lamps");
    assert_eq!(server("https://h:1/api/json/").path, "/api/json/lamps");
    assert_eq!(server("/api/{version}").path, "/api/v2/lamps");
    let named = server("/");
    assert_eq!(named.id, "lamps");
    assert!(
        named
            .notes
            .contains("it has no operationId; named after its path")
    );
}

#[test]
fn a_document_that_is_not_understood_is_refused_with_the_place() {
    let paths = |operation: &str| {
        format!(r#"{{"openapi": "3.1.0", "paths": {{"/lamps": {{"get": {operation}}}}}}}"#)
    };
    for (document, place, problem) in [
        (
            "{\n  \"openapi\": \"3.1.0\",\n  \"paths\" {}\n}".to_owned(),
            "3:11",
            "not JSON: expected `:`",
        ),
        ("openapi: 3.1.0\npaths: [\n".to_owned(), "2:8", "not YAML"),
        (
            "swagger: '2.0'\n".to_owned(),
            "openapi",
            "the version is 2.0",
        ),
        (
            "title: x\n".to_owned(),
            "openapi",
            "the version is not stated",
        ),
        (
            "openapi: 3.1.0\npaths: {}\n".to_owned(),
            "paths",
            "no operation",
        ),
        (
            paths(r##"{"parameters": [{"$ref": "#/components/parameters/gone"}]}"##),
            "GET /lamps",
            "`#/components/parameters/gone` leads nowhere",
        ),
        (
            paths(r#"{"parameters": [{"$ref": "other.json#/x"}]}"#),
            "GET /lamps",
            "leads to another document",
        ),
        (
            paths(r#"{"parameters": [{"in": "query"}]}"#),
            "GET /lamps",
            "has no name",
        ),
        (
            paths(r##"{"requestBody": {"$ref": "#/paths/~1lamps/get/requestBody"}}"##),
            "GET /lamps",
            "leads to itself",
        ),
    ] {
        let broken = read(&document).unwrap_err();
        assert_eq!(broken.place, place, "{broken}");
        assert!(broken.problem.contains(problem), "{broken}");
    }
}
