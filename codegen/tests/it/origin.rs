//! What the document states of where things come from, of builds that have them, and of what is sent unasked: which of it
//! is refused, and what of it arrives in the specification and in the request.

use opmanager_codegen::document::{Basis, Defect, Defects, Document};

use crate::source::Source;

const CLEAN: &str = r"
openapi: 3.0.3
info:
  title: Toy
  version: 1.2.3
tags:
  - name: Alarms
    description: What is wrong now.
paths:
  /api/json/alarm/listAlarms:
    get:
      operationId: listAlarms
      tags: [Alarms]
      summary: List alarms
      description: Returns the alarms.
      parameters:
        - name: alertType
          in: query
          x-default: ActiveAlarms
          x-unsent: All
          description: Alarm family.
          schema:
            type: string
            enum: [ActiveAlarms, TrapAlarms, All]
        - name: rows
          in: query
          x-default: 100
          description: Rows of a page.
          schema:
            type: integer
            minimum: 1
            maximum: 500
        - name: filters
          in: query
          x-basis: documented
          x-since: newer
          x-variant: msp
          description: Conditions.
          schema:
            type: string
        - name: deviceName
          in: query
          description: Name of the device.
          schema:
            type: string
      responses: &answer
        '200':
          description: A confirmation.
          content:
            application/json:
              schema:
                type: object
                properties:
                  done: { type: string }
                additionalProperties: true
  /api/json/flow/listFlows:
    post:
      operationId: listFlows
      tags: [Alarms]
      summary: List flows
      description: Returns the flows.
      x-basis: third-party
      x-since: '12.8.719'
      x-variant: addon:netflow
      requestBody:
        required: true
        content:
          application/x-www-form-urlencoded:
            schema:
              type: object
              required: [device]
              properties:
                device:
                  description: The device.
                  type: string
                share:
                  description: The share.
                  x-basis: inferred
                  x-default: 5
                  type: integer
      responses: *answer
";

fn edited(from: &str, to: &str) -> String {
    assert_eq!(CLEAN.matches(from).count(), 1, "{from}");
    CLEAN.replacen(from, to, 1)
}

fn defects(document: &str) -> Vec<Defect> {
    match Document::parse(document) {
        Ok(_) => Vec::new(),
        Err(Defects(defects)) => defects,
    }
}

#[track_caller]
fn check(document: &str, place: &str, problem: &str, fix: &str) {
    let defects = defects(document);
    let [defect] = defects.as_slice() else {
        panic!("expected one defect, found {defects:#?}");
    };
    assert_eq!(defect.place, place, "{defect:?}");
    assert!(defect.problem.contains(problem), "{defect:?}");
    assert!(defect.fix.contains(fix), "{defect:?}");
}

#[test]
fn the_words_of_builds_and_bases_are_read() {
    let document = Document::parse(CLEAN).unwrap();
    let [alarms, flows] = document.operations.as_slice() else {
        panic!("two operations");
    };
    assert_eq!(alarms.basis(), Basis::Documented);
    assert_eq!(alarms.origin.since, None);
    assert_eq!(flows.basis(), Basis::ThirdParty);
    assert_eq!(flows.origin.since.as_deref(), Some("12.8.719"));
    assert_eq!(flows.origin.variant.as_deref(), Some("addon:netflow"));
    let of = |name: &str| flows.parameters.iter().find(|p| p.name == name).unwrap();
    // A parameter rests on what its operation does, unless it says otherwise.
    assert_eq!(flows.basis_of(of("device")), Basis::ThirdParty);
    assert_eq!(flows.basis_of(of("share")), Basis::Inferred);
    for word in ["newer", "classic", "'12.8.719'", "'1.2.3'", "'12.8.128100'"] {
        assert_eq!(defects(&edited("'12.8.719'", word)), [], "{word}");
    }
    for word in ["msp", "central", "probe", "addon:ncm"] {
        assert_eq!(defects(&edited("addon:netflow", word)), [], "{word}");
    }
    for basis in Basis::ALL {
        let word = basis.word();
        assert_eq!(
            defects(&edited("x-basis: third-party", &format!("x-basis: {word}"))),
            []
        );
    }
}

#[test]
fn other_words_are_refused() {
    for (key, known, fix, words) in [
        (
            "x-since",
            "'12.8.719'",
            "'12.8.719', or newer or classic",
            [
                "12.8",
                "'12.8'",
                "Newer",
                "'12.8.x'",
                "''",
                "[newer]",
                "'12.8.1234567'",
            ],
        ),
        (
            "x-variant",
            "addon:netflow",
            "addon:netflow",
            [
                "MSP",
                "'addon:'",
                "addon",
                "'addon:Net Flow'",
                "true",
                "''",
                "[msp]",
            ],
        ),
        (
            "x-basis",
            "third-party",
            "documented, captured, third-party, inferred",
            ["third party", "Captured", "open", "''", "1", "null", "[]"],
        ),
    ] {
        for word in words {
            let document = edited(&format!("{key}: {known}"), &format!("{key}: {word}"));
            check(
                &document,
                "listFlows",
                &format!("the operation: its {key} is"),
                fix,
            );
        }
    }
    let parameter = edited("x-since: newer", "x-since: soon");
    check(
        &parameter,
        "listAlarms",
        "parameter `filters`: its x-since is \"soon\"",
        "12.8.719",
    );
    let form = edited("x-basis: inferred", "x-basis: guessed");
    check(
        &form,
        "listFlows",
        "parameter `share`: its x-basis is \"guessed\"",
        "inferred",
    );
}

/// What a build may not know is never sent unless a caller asks for it.
#[test]
fn what_a_build_may_not_know_is_not_sent_unasked() {
    let since = "          x-since: newer\n          x-variant: msp\n";
    for mark in ["x-since: newer", "x-variant: central"] {
        for always in ["required: true", "x-constant: some", "x-default: some"] {
            let document = edited(since, &format!("          {mark}\n          {always}\n"));
            check(
                &document,
                "listAlarms",
                "parameter `filters` is not known to every build and would be sent unasked",
                "sent only for a caller who asks for it",
            );
        }
    }
    let form = edited(
        "                  description: The device.\n",
        "                  description: The device.\n                  x-variant: probe\n",
    );
    check(
        &form,
        "listFlows",
        "parameter `device` is not known",
        "remove `required`",
    );
}

#[test]
fn a_default_is_a_value_of_a_parameter_that_may_be_left_out() {
    for value in ["0", "501", "'100'", "1.5", "null", "true"] {
        check(
            &edited("x-default: 100", &format!("x-default: {value}")),
            "listAlarms",
            "parameter `rows`: its x-default",
            "write a value that the schema allows",
        );
    }
    for always in ["required: true", "x-constant: 7"] {
        check(
            &edited(
                "x-default: 100",
                &format!("x-default: 100\n          {always}"),
            ),
            "listAlarms",
            "parameter `rows` is always sent and has an x-default",
            "remove the x-default",
        );
    }
    check(
        &edited(
            "      parameters:\n        - name: alertType",
            "      x-exactly-one-of: [rows, deviceName]\n      parameters:\n        - name: alertType",
        ),
        "listAlarms",
        "x-exactly-one-of names `rows`, which is always sent",
        "`x-default`",
    );
}

#[test]
fn the_word_for_nothing_is_another_value_than_the_default() {
    for word in ["None", "ActiveAlarms", "true", "[All]"] {
        check(
            &edited("x-unsent: All", &format!("x-unsent: {word}")),
            "listAlarms",
            "parameter `alertType`: its x-unsent",
            "by which a caller asks that nothing is sent",
        );
    }
    check(
        &edited("          x-default: ActiveAlarms\n", ""),
        "listAlarms",
        "parameter `alertType`: its x-unsent",
        "or remove it",
    );
    check(
        &edited("x-default: 100", "x-default: 100\n          x-unsent: All"),
        "listAlarms",
        "parameter `rows`: its x-unsent",
        "or remove it",
    );
}

#[test]
fn where_things_come_from_is_in_the_specification() {
    let source = Source::of(CLEAN);
    let origin = |basis: &str, since: &str, variant: &str| {
        format!(
            "crate::opmanager::Origin{{basis:crate::opmanager::Basis::{basis},since:{since},variant:{variant}}}"
        )
    };
    assert_eq!(
        source.specified("listAlarms", "origin"),
        origin("Documented", "None", "None")
    );
    assert_eq!(
        source.specified("listFlows", "origin"),
        origin(
            "ThirdParty",
            "Some(\"12.8.719\")",
            "Some(\"addon:netflow\")"
        )
    );
    // Only arguments of which something else holds.
    assert_eq!(
        source.specified("listAlarms", "parameters"),
        format!(
            "&[(\"filters\",{}),]",
            origin("Documented", "Some(\"newer\")", "Some(\"msp\")")
        )
    );
    assert_eq!(
        source.specified("listFlows", "parameters"),
        format!("&[(\"share\",{}),]", origin("Inferred", "None", "None"))
    );
}

#[test]
fn a_default_is_in_the_table_and_in_the_request_and_not_in_the_schema() {
    let source = Source::of(CLEAN);
    assert_eq!(
        source.specified("listAlarms", "defaults"),
        r#"&[("alertType","\"ActiveAlarms\""),("rows","100")]"#
    );
    assert_eq!(
        source.specified("listFlows", "defaults"),
        r#"&[("share","5")]"#
    );
    let schema = source.schema("listAlarms").to_string();
    assert!(
        !schema.contains("default") && !schema.contains("x-"),
        "{schema}"
    );
    let send = source.send("ListAlarmsArgs");
    for part in [
        r#"filled.alert_type=crate::opmanager::operation::sent(filled.alert_type,"\"ActiveAlarms\"",Some("All"))"#,
        r#"filled.rows=crate::opmanager::operation::sent(filled.rows,"100",None)"#,
        "client.list_alarms(&filled)",
    ] {
        assert!(send.contains(part), "{part}: {send}");
    }
    assert!(
        !send.contains("filters") && !send.contains("device_name"),
        "{send}"
    );
    assert!(
        source
            .send("ListFlowsArgs")
            .contains("client.list_flows(&filled)")
    );
}

#[test]
fn a_counter_of_pages_is_marked_and_in_the_table() {
    let field = "done: { type: string }";
    let marked = edited(
        field,
        "done: { type: string }\n                  total: { type: integer, x-counts: pages }",
    );
    let source = Source::of(&marked);
    assert_eq!(source.specified("listAlarms", "pages"), r#"&["total"]"#);
    assert_eq!(Source::of(CLEAN).specified("listAlarms", "pages"), "&[]");
    for word in ["rows", "true", "''"] {
        let document = edited(
            field,
            &format!("done: {{ type: string, x-counts: {word} }}"),
        );
        let found = defects(&document);
        assert!(!found.is_empty(), "{word}");
        for defect in found {
            assert!(defect.problem.contains("its x-counts is"), "{defect:?}");
            assert!(defect.fix.contains("x-counts: pages"), "{defect:?}");
        }
    }
}
