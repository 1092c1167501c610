//! Stubs in the curated document: where they go, that nothing else changes, and that the build refuses them.

use opmanager_codegen::document::Document;
use xtask::apply::{self, Applied};
use xtask::coverage;
use xtask::diff::Kind;
use xtask::facts::{Facts, Operation, Parameter};
use xtask::import;

use crate::repository;

const DOCUMENT_3_1: &str = include_str!("../fixtures/openapi-3.1.yaml");

fn curated() -> String {
    std::fs::read_to_string(repository().join("openapi/opmanager.yaml")).unwrap()
}

fn recorded() -> Facts {
    let text = std::fs::read_to_string(repository().join("openapi/vendor.json")).unwrap();
    Facts::from_json(&text).unwrap()
}

/// Applies the facts, and holds what must always hold.
fn applied(text: &str, facts: &Facts) -> Applied {
    let document = Document::parse_draft(text).unwrap();
    let applied = apply::apply(text, &document, facts).unwrap();
    let added = only_added(text, &applied.text);
    assert_eq!(added.is_empty(), applied.insertions.is_empty());
    let document =
        Document::parse_draft(&applied.text).unwrap_or_else(|defects| panic!("{defects}"));
    let again = apply::apply(&applied.text, &document, facts).unwrap();
    assert_eq!(again.text, applied.text, "a second time changes nothing");
    assert!(again.insertions.is_empty(), "{:?}", again.insertions);
    applied
}

/// The lines of `after` that are not in `before`, whose lines are all there, as they were and in their order.
fn only_added(before: &str, after: &str) -> Vec<String> {
    let mut kept = before.split_inclusive('\n').peekable();
    let mut added = Vec::new();
    for line in after.split_inclusive('\n') {
        if kept.peek() == Some(&line) {
            kept.next();
        } else {
            added.push(line.to_owned());
        }
    }
    assert_eq!(kept.next(), None, "a line is lost or changed");
    added
}

fn lamp(tag: &str) -> Operation {
    Operation {
        id: "listLamps".into(),
        method: "GET".into(),
        path: "/api/json/lamp/listLamps".into(),
        tag: tag.into(),
        parameters: vec![
            Parameter {
                name: "kind".into(),
                required: true,
                values: ["led".into(), "on".into(), "Ü: #1".into()].into(),
                ..Parameter::default()
            },
            Parameter {
                name: "rows".into(),
                kind: Some("integer".into()),
                minimum: Some(1),
                maximum: Some(50),
                ..Parameter::default()
            },
            Parameter {
                name: "text".into(),
                location: Some("form".into()),
                required: true,
                ..Parameter::default()
            },
        ],
        answer: [
            ("", "object"),
            ("rows", "array"),
            ("rows[]", "object"),
            ("rows[].on", "boolean"),
            ("rows[].watts", "integer|string"),
            ("byId", "object"),
            ("byId.*", "array"),
            ("byId.*[]", "number"),
        ]
        .map(|(way, kind)| (way.to_owned(), kind.to_owned()))
        .into(),
        ..Operation::default()
    }
}

#[test]
fn nothing_is_inserted_where_nothing_is_new() {
    let text = curated();
    assert_eq!(applied(&text, &recorded()).text, text);
}

#[test]
fn a_new_operation_is_a_stub_at_the_end_of_its_tag() {
    let text = curated();
    let mut facts = recorded();
    facts.operations.push(lamp("alarms"));
    let applied = applied(&text, &facts);
    assert_eq!(
        applied.insertions,
        ["listLamps: stub of the operation, below Alarms"]
    );
    let stub = only_added(&text, &applied.text).concat();
    assert_eq!(
        stub,
        r#"  /api/json/lamp/listLamps:
    get:
      operationId: listLamps
      x-stub: true
      tags: [Alarms]
      summary: ''
      description: ''
      parameters:
        - name: kind
          in: query
          required: true
          description: ''
          schema:
            type: string
            enum: ["led", "on", "Ü: #1"]
        - name: rows
          in: query
          description: ''
          schema:
            type: integer
            minimum: 1
            maximum: 50
      requestBody:
        required: true
        content:
          application/x-www-form-urlencoded:
            schema:
              type: object
              required: [text]
              properties:
                text:
                  description: ''
                  type: string
      responses:
        '200':
          description: ''
          content:
            application/json:
              schema:
                type: object
                properties:
                  byId:
                    type: object
                    additionalProperties:
                      type: array
                      items:
                        type: number
                  rows:
                    type: array
                    items:
                      type: object
                      properties:
                        "on":
                          type: boolean
                        watts:
                          oneOf:
                            - type: integer
                            - type: string
                      additionalProperties: true
                additionalProperties: true
"#
    );
    let after = applied.text.find("  /api/json/lamp/listLamps:").unwrap();
    let next = applied.text[after..].find("  # ---- ").unwrap();
    assert!(applied.text[after + next..].starts_with("  # ---- Availability"));
    assert!(coverage::of(&Document::parse_draft(&applied.text).unwrap(), &facts).is_complete());
}

#[test]
fn the_build_refuses_a_stub_and_says_what_to_write() {
    let mut facts = recorded();
    facts.operations.push(lamp("Alarms"));
    let probes = facts
        .operations
        .iter_mut()
        .find(|o| o.id == "listProbes")
        .unwrap();
    probes.parameters.push(Parameter {
        name: "region".into(),
        ..Parameter::default()
    });
    let applied = applied(&curated(), &facts);
    let error = opmanager_codegen::generate(&applied.text)
        .unwrap_err()
        .to_string();
    assert_eq!(
        error,
        "the OpenAPI document has 2 defect(s)\n  \
         listLamps: the operation is a stub; write its summary, description and types, give it an access word in a \
         file of src/tools/, then remove its x-stub\n  \
         listProbes: parameter `region` is a stub; write its description and type, then remove its x-stub\n"
    );
}

#[test]
fn new_parameters_go_to_the_end_of_their_list_or_begin_one() {
    let text = curated();
    let mut facts = recorded();
    let named = |name: &str| Parameter {
        name: name.into(),
        ..Parameter::default()
    };
    let mut insert = |id: &str, parameter: Parameter| {
        let operation = facts.operations.iter_mut().find(|o| o.id == id).unwrap();
        operation.parameters.push(parameter);
    };
    // With parameters; without any; in a form.
    insert("listAlarms", named("owner"));
    insert("listProbes", named("region"));
    insert("listProbes", named("state"));
    insert(
        "addEvent",
        Parameter {
            required: true,
            ..named("origin")
        },
    );
    let applied = applied(&text, &facts);
    let added = only_added(&text, &applied.text);
    let stub = |name: &str| {
        format!(
            "        - name: {name}\n          in: query\n          x-stub: true\n          description: ''\n          \
             schema:\n            type: string\n"
        )
    };
    let form = "                origin:\n                  x-stub: true\n                  # It is required: add it to the \
                list above.\n                  description: ''\n                  type: string\n";
    let expected = format!(
        "{}{form}      parameters:\n{}{}",
        stub("owner"),
        stub("region"),
        stub("state")
    );
    assert_eq!(added.concat(), expected);
    let document = Document::parse_draft(&applied.text).unwrap();
    let names = |id: &str| {
        let operation = document.operations.iter().find(|o| o.id == id).unwrap();
        operation
            .parameters
            .iter()
            .map(|p| p.name.clone())
            .collect::<Vec<_>>()
    };
    assert_eq!(names("listAlarms").last().unwrap(), "owner");
    assert_eq!(names("listProbes"), ["region", "state"]);
    assert_eq!(names("addEvent").last().unwrap(), "origin");
}

#[test]
fn a_removed_operation_is_deprecated_and_not_deleted() {
    let text = curated();
    let mut facts = recorded();
    facts
        .operations
        .retain(|o| o.id != "listSubnets" && o.id != "clearAlarm");
    let applied = applied(&text, &facts);
    assert_eq!(
        applied.insertions,
        [
            "clearAlarm: marked as deprecated",
            "listSubnets: marked as deprecated"
        ]
    );
    assert_eq!(
        only_added(&text, &applied.text),
        ["      deprecated: true\n", "      deprecated: true\n"]
    );
    let document = Document::parse(&applied.text).unwrap();
    let deprecated = document.operations.iter().filter(|o| o.deprecated);
    assert_eq!(
        deprecated.map(|o| o.id.as_str()).collect::<Vec<_>>(),
        ["clearAlarm", "listSubnets"]
    );
}

#[test]
fn a_new_chapter_is_a_tag_that_wants_a_description() {
    let mut facts = recorded();
    facts.operations.push(lamp("Lamps: all"));
    let applied = applied(&curated(), &facts);
    let error = Document::parse(&applied.text).unwrap_err().to_string();
    assert!(
        error.contains("the tag `Lamps: all` has no description"),
        "{error}"
    );
    assert!(
        error.contains("listLamps: the operation is a stub"),
        "{error}"
    );
}

/// Every form that an operation can have, at once, with names that the curated document does not have.
#[test]
fn a_whole_other_document_can_be_inserted() {
    let mut facts = recorded();
    let other = import::read(DOCUMENT_3_1.as_bytes(), "2026-01-31").unwrap();
    for mut operation in other.operations {
        let name = format!("toy{}", operation.id);
        operation.path = operation.path.replace(&operation.id, &name);
        operation.id = name;
        facts.operations.push(operation);
    }
    let before = Document::parse(&curated()).unwrap().operations.len();
    let applied = applied(&curated(), &facts);
    let document = Document::parse_draft(&applied.text).unwrap();
    assert_eq!(document.operations.len(), before + 32);
    let coverage = coverage::of(&document, &facts);
    let open = coverage
        .open
        .iter()
        .map(|change| (change.kind, change.part.as_str()));
    // The curated document knows no lists and no JSON bodies; how such a parameter is sent is for a person.
    assert_eq!(
        open.collect::<Vec<_>>(),
        [
            (Kind::Retyped, "values"),
            (Kind::Moved, "credentialName"),
            (Kind::Moved, "deviceName"),
        ]
    );
}

#[test]
fn a_document_in_another_layout_is_left_alone() {
    let text = curated().replace(
        "  /api/json/alarm/listAlarms:\n",
        "  \"/api/json/alarm/listAlarms\":\n",
    );
    let mut facts = recorded();
    let alarms = facts
        .operations
        .iter_mut()
        .find(|o| o.id == "listAlarms")
        .unwrap();
    alarms.parameters.push(Parameter {
        name: "owner".into(),
        ..Parameter::default()
    });
    let document = Document::parse_draft(&text).unwrap();
    let error = apply::apply(&text, &document, &facts)
        .unwrap_err()
        .to_string();
    assert!(
        error.contains("listAlarms: the line of its path"),
        "{error}"
    );
    assert!(error.contains("nothing was written"), "{error}");
}
