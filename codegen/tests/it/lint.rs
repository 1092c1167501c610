//! Each rule of the document, broken alone.
//!
//! A test edits one place of a clean document and states the one defect that must come of it. What the
//! generator makes of a clean document is no concern of this module.

use opmanager_codegen::document::{Defect, Defects, Document};

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
      description: Returns the alarms of one device.
      x-exactly-one-of: [deviceName, ipAddress]
      x-rate-limit:
        requests-per-minute: 100
        block-minutes: 1
      parameters:
        - name: deviceName
          in: query
          description: Name of the device.
          schema:
            type: string
        - name: ipAddress
          in: query
          description: Address of the device.
          schema:
            type: string
        - name: alertType
          in: query
          required: true
          description: Alarm family.
          schema:
            type: string
            enum: [ActiveAlarms, TrapAlarms]
        - name: severity
          in: query
          description: 1 is the worst.
          schema:
            type: integer
            minimum: 1
            maximum: 5
        - name: threshold
          in: query
          description: Lowest utilization.
          schema:
            type: number
        - name: isFluidic
          in: query
          x-constant: true
          description: Layout flag.
          schema:
            type: boolean
      responses:
        '200':
          description: The alarms.
          content:
            application/json:
              schema:
                type: array
                items:
                  $ref: '#/components/schemas/Alarm'
  /api/json/events/addEvent:
    post:
      operationId: addEvent
      tags: [Alarms]
      summary: Add an event
      description: Adds an event to a device.
      requestBody:
        required: true
        content:
          application/x-www-form-urlencoded:
            schema:
              type: object
              required: [message]
              properties:
                message:
                  description: What happened.
                  type: string
                source:
                  description: Where it happened.
                  type: string
      responses:
        '200':
          description: A confirmation.
          content:
            application/json:
              schema:
                type: object
                properties:
                  total:
                    $ref: '#/components/schemas/IntegerOrText'
                  messages:
                    type: array
                    items: { type: string }
                additionalProperties: true
components:
  schemas:
    IntegerOrText:
      oneOf:
        - type: integer
        - type: string
    Alarm:
      description: One alarm.
      type: object
      properties:
        entity:
          type: string
        severity:
          $ref: '#/components/schemas/IntegerOrText'
      additionalProperties: true
";

/// The clean document with one place edited.
fn edited(from: &str, to: &str) -> String {
    assert_eq!(
        CLEAN.matches(from).count(),
        1,
        "the clean document must hold the edited text once: {from}"
    );
    CLEAN.replacen(from, to, 1)
}

fn defects(document: &str) -> Vec<Defect> {
    match Document::parse(document) {
        Ok(_) => Vec::new(),
        Err(Defects(defects)) => defects,
    }
}

/// Asserts that this edit of the clean document gives one defect at `place`, whose problem holds
/// `problem` and whose fix holds `fix`.
#[track_caller]
fn check((from, to): (&str, &str), place: &str, problem: &str, fix: &str) {
    check_document(&edited(from, to), place, problem, fix);
}

#[track_caller]
fn check_document(document: &str, place: &str, problem: &str, fix: &str) {
    let defects = defects(document);
    let [defect] = defects.as_slice() else {
        panic!("expected one defect, found {defects:#?}");
    };
    assert_eq!(defect.place, place, "{defect:?}");
    assert!(defect.problem.contains(problem), "{defect:?}");
    assert!(defect.fix.contains(fix), "{defect:?}");
}

#[test]
fn a_clean_document_has_no_defect() {
    assert_eq!(defects(CLEAN), []);
}

#[test]
fn all_defects_are_reported_together() {
    let document = edited("summary: List alarms", "summary: ''")
        .replace("name: severity", "name: port")
        .replace("type: number", "type: array")
        .replace("tags: [Alarms]\n      summary: Add", "summary: Add")
        .replace(
            "schemas/IntegerOrText'\n      add",
            "schemas/Severity'\n      add",
        );
    let error = opmanager_codegen::generate(&document).unwrap_err();
    assert_eq!(
        error.to_string(),
        "\
the OpenAPI document has 5 defect(s)
  listAlarms: summary is missing; write it, in our own words
  listAlarms: parameter `port` has the name of a connection argument; leave it out of the document
  listAlarms: parameter `threshold` has the type `array`; use string, integer, number or boolean; \
several values are one comma-separated string, JSON is a string
  addEvent: it has not exactly one tag; write `tags: [Area]` with one tag
  components.schemas.Alarm: `Alarm.severity`: the reference `#/components/schemas/Severity` leads nowhere; refer to a \
schema below components.schemas
"
    );
}

// ---- YAML ----

#[test]
fn broken_syntax_is_refused() {
    check(
        (
            "tags: [Alarms]\n      summary: List",
            "tags: [Alarms\n      summary: List",
        ),
        "document",
        "not readable as YAML",
        "repair the syntax",
    );
}

#[test]
fn a_duplicate_key_is_refused() {
    check(
        (
            "summary: List alarms",
            "summary: List alarms\n      summary: List all alarms",
        ),
        "document",
        "duplicate mapping key: summary",
        "at that place",
    );
}

#[test]
fn a_path_that_stands_twice_is_refused() {
    check(
        ("/api/json/events/addEvent:", "/api/json/alarm/listAlarms:"),
        "document",
        "duplicate mapping key: /api/json/alarm/listAlarms",
        "at that place",
    );
}

// ---- document ----

#[test]
fn another_openapi_version_is_refused() {
    check(
        ("openapi: 3.0.3", "openapi: 3.1.0"),
        "document",
        "`openapi` is not 3.0.x",
        "openapi: 3.0.3",
    );
}

#[test]
fn a_document_without_paths_is_refused() {
    let (head, _) = CLEAN.split_once("paths:").expect("the document has paths");
    for paths in ["", "paths: {}", "paths: []"] {
        check_document(
            &format!("{head}{paths}"),
            "document",
            "there are no paths",
            "write the operations below `paths`",
        );
    }
}

// ---- operation ----

#[test]
fn a_method_other_than_get_and_post_is_refused() {
    check(
        ("    post:", "    put:"),
        "PUT /api/json/events/addEvent",
        "`put` is neither get nor post",
        "only GET and POST",
    );
}

#[test]
fn a_missing_operation_id_is_refused_at_its_path() {
    check(
        ("operationId: addEvent", "deprecated: false"),
        "POST /api/json/events/addEvent",
        "no usable operationId",
        "vendor's operation name",
    );
}

#[test]
fn an_operation_id_that_is_no_identifier_is_refused() {
    check(
        ("operationId: addEvent", "operationId: add-event"),
        "POST /api/json/events/addEvent",
        "no usable operationId",
        "letters and digits only",
    );
}

#[test]
fn an_operation_id_that_stands_twice_is_refused() {
    check(
        ("operationId: addEvent", "operationId: listAlarms"),
        "listAlarms",
        "/api/json/alarm/listAlarms and at /api/json/events/addEvent",
        "vendor's own name, once",
    );
}

#[test]
fn operation_ids_that_differ_only_in_case_are_refused() {
    check(
        ("operationId: addEvent", "operationId: ListAlarms"),
        "ListAlarms",
        "/api/json/alarm/listAlarms and at /api/json/events/addEvent",
        "once",
    );
}

#[test]
fn operation_ids_that_make_one_type_name_are_refused() {
    let document = edited("operationId: listAlarms", "operationId: alarms1");
    check_document(
        &document.replace("operationId: addEvent", "operationId: alarms_1"),
        "alarms_1",
        "/api/json/alarm/listAlarms and at /api/json/events/addEvent",
        "once",
    );
}

#[test]
fn a_path_outside_the_json_api_is_refused() {
    check(
        ("/api/json/events/addEvent:", "/api/xml/events/addEvent:"),
        "addEvent",
        "`/api/xml/events/addEvent` is not a constant below /api/json/",
        "without parameters, query or doubled slash",
    );
}

#[test]
fn a_path_with_a_parameter_a_query_a_fragment_an_escape_or_a_doubled_slash_is_refused() {
    for path in [
        "/api/json/events/{id}",
        "/api/json/events/addEvent?a=b",
        "/api/json/events/addEvent#a",
        "/api/json/events/add%45vent",
        "/api/json//addEvent",
    ] {
        check(
            ("/api/json/events/addEvent:", &format!("'{path}':")),
            "addEvent",
            path,
            "write the path without",
        );
    }
}

#[test]
fn a_key_that_the_build_does_not_read_is_refused() {
    check(
        (
            "operationId: addEvent",
            "operationId: addEvent\n      security: []",
        ),
        "addEvent",
        "operation: `security` is not understood",
        "remove it; the build reads only operationId",
    );
}

#[test]
fn an_operation_without_tag_is_refused() {
    check(
        ("tags: [Alarms]\n      summary: Add", "summary: Add"),
        "addEvent",
        "not exactly one tag",
        "tags: [Area]",
    );
}

#[test]
fn an_operation_with_two_tags_is_refused() {
    check(
        (
            "tags: [Alarms]\n      summary: Add",
            "tags: [Alarms, Alarms]\n      summary: Add",
        ),
        "addEvent",
        "not exactly one tag",
        "tags: [Area]",
    );
}

#[test]
fn an_undeclared_tag_is_refused() {
    check(
        (
            "tags: [Alarms]\n      summary: Add",
            "tags: [Events]\n      summary: Add",
        ),
        "addEvent",
        "tag `Events` is not declared",
        "`tags` list at the top",
    );
}

// ---- prose ----

#[test]
fn a_missing_summary_is_refused() {
    check(
        ("summary: Add an event", "deprecated: false"),
        "addEvent",
        "summary is missing",
        "in our own words",
    );
}

#[test]
fn a_missing_description_is_refused() {
    check(
        (
            "description: Adds an event to a device.",
            "deprecated: false",
        ),
        "addEvent",
        "description is missing",
        "in our own words",
    );
}

#[test]
fn a_missing_parameter_description_is_refused() {
    check(
        ("          description: Lowest utilization.\n", ""),
        "listAlarms",
        "parameter `threshold`: description is missing",
        "in our own words",
    );
}

#[test]
fn a_missing_description_of_a_form_parameter_is_refused() {
    check(
        ("                  description: What happened.\n", ""),
        "addEvent",
        "parameter `message`: description is missing",
        "in our own words",
    );
}

#[test]
fn prose_is_as_long_as_its_limit_and_no_longer() {
    for (from, what, most, place) in [
        ("Add an event", "summary", 60, "addEvent"),
        ("Adds an event to a device.", "description", 600, "addEvent"),
        (
            "Lowest utilization.",
            "parameter `threshold`: description",
            200,
            "listAlarms",
        ),
    ] {
        assert_eq!(defects(&edited(from, &"ä".repeat(most))), []);
        check(
            (from, &"ä".repeat(most + 1)),
            place,
            &format!("{what} has {} characters", most + 1),
            &format!("shorten it to at most {most}"),
        );
    }
}

#[test]
fn markup_an_entity_and_a_draft_mark_in_prose_are_refused() {
    for prose in [
        "Ping &amp; trace",
        "A &lt; b",
        "A &gt; b",
        "It&#39;s",
        "One<br>two",
        "<p>One",
        "<b>One</b>",
        "A **strong** word",
        "A ```code``` word",
        "DRAFT Add an event",
        "TODO",
    ] {
        check(
            ("summary: Add an event", &format!("summary: '{prose}'")),
            "addEvent",
            "summary holds markup, an entity or a draft mark",
            "write plain text",
        );
    }
}

#[test]
fn a_line_break_in_a_summary_is_refused() {
    check(
        (
            "summary: List alarms",
            "summary: |-\n        List\n        alarms",
        ),
        "listAlarms",
        "summary has several lines",
        "write it in one line",
    );
}

// ---- parameters ----

#[test]
fn a_key_of_a_parameter_that_the_build_does_not_read_is_refused() {
    check(
        ("name: severity", "name: severity\n          explode: true"),
        "listAlarms",
        "parameter `severity`: `explode` is not understood",
        "remove it; the build reads only name, in",
    );
}

#[test]
fn parameters_that_are_no_list_are_refused() {
    check(
        (
            "description: Adds an event to a device.",
            "description: Adds an event to a device.\n      parameters: { name: level }",
        ),
        "addEvent",
        "its parameters are not a list",
        "begin each parameter with `- name:`",
    );
}

#[test]
fn a_requirement_that_is_neither_true_nor_false_is_refused() {
    check(
        (
            "          required: true\n          description: Alarm",
            "          required: 'yes'\n          description: Alarm",
        ),
        "listAlarms",
        "parameter `alertType`: required is \"yes\"",
        "write `required: true`, or leave it out",
    );
}

#[test]
fn a_parameter_outside_the_query_is_refused() {
    check(
        (
            "name: severity\n          in: query",
            "name: severity\n          in: header",
        ),
        "listAlarms",
        "parameter `severity` is not in the query",
        "write `in: query`, or describe a form body",
    );
}

#[test]
fn a_parameter_name_that_is_a_choice_of_names_is_refused() {
    check(
        ("name: severity", "name: severity/level"),
        "listAlarms",
        "parameter `severity/level` is not one name",
        "three optional parameters with `x-exactly-one-of: [a, b, c]`",
    );
}

#[test]
fn a_parameter_name_begins_with_a_letter() {
    for name in ["_", "_level", "9level", "''"] {
        check(
            ("name: severity", &format!("name: {name}")),
            "listAlarms",
            "is not one name of letters, digits and underscores that begins with a letter",
            "x-exactly-one-of",
        );
    }
}

#[test]
fn a_parameter_name_has_at_most_64_characters() {
    let longest = "s".repeat(64);
    assert_eq!(
        defects(&edited("name: severity", &format!("name: {longest}"))),
        []
    );
    check(
        ("name: severity", &format!("name: {longest}s")),
        "listAlarms",
        "is not one name",
        "x-exactly-one-of",
    );
}

#[test]
fn a_parameter_named_like_a_connection_argument_is_refused() {
    for name in ["host", "apiKey", "port", "use_ssl", "verify_ssl"] {
        check(
            ("name: severity", &format!("name: {name}")),
            "listAlarms",
            &format!("parameter `{name}` has the name of a connection argument"),
            "leave it out",
        );
    }
}

#[test]
fn a_parameter_that_occurs_twice_is_refused() {
    check(
        ("name: severity", "name: threshold"),
        "listAlarms",
        "parameter `threshold` occurs twice",
        "merge the two",
    );
}

#[test]
fn parameters_that_differ_only_in_case_are_refused() {
    check(
        ("                source:", "                Message:"),
        "addEvent",
        "parameter `Message` occurs twice",
        "merge the two",
    );
}

#[test]
fn a_parameter_that_is_a_list_an_object_or_untyped_is_refused() {
    for (schema, kind) in [
        ("type: array", "array"),
        ("type: object", "object"),
        ("{}", ""),
    ] {
        check(
            ("type: number", schema),
            "listAlarms",
            &format!("parameter `threshold` has the type `{kind}`"),
            "use string, integer, number or boolean",
        );
    }
}

#[test]
fn what_the_generated_type_would_not_enforce_is_refused() {
    for (from, parameter, key, addition) in [
        ("type: number", "threshold", "minimum", "minimum: 0"),
        ("type: number", "threshold", "maximum", "maximum: 1"),
        ("type: boolean", "isFluidic", "default", "default: true"),
        (
            "minimum: 1",
            "severity",
            "multipleOf",
            "minimum: 1\n            multipleOf: 2",
        ),
        (
            "minimum: 1",
            "severity",
            "exclusiveMinimum",
            "minimum: 1\n            exclusiveMinimum: true",
        ),
        (
            "minimum: 1",
            "severity",
            "format",
            "minimum: 1\n            format: int32",
        ),
        (
            "minimum: 1",
            "severity",
            "enum",
            "minimum: 1\n            enum: [1, 2]",
        ),
        (
            "enum: [ActiveAlarms, TrapAlarms]",
            "alertType",
            "pattern",
            "pattern: '^A'",
        ),
        (
            "enum: [ActiveAlarms, TrapAlarms]",
            "alertType",
            "maxLength",
            "maxLength: 5",
        ),
        (
            "enum: [ActiveAlarms, TrapAlarms]",
            "alertType",
            "nullable",
            "nullable: true",
        ),
    ] {
        let to = match from {
            "type: number" | "type: boolean" => format!("{from}\n            {addition}"),
            _ => addition.to_owned(),
        };
        check(
            (from, &to),
            "listAlarms",
            &format!(
                "parameter `{parameter}`: `{key}` is not something that the generated type would enforce"
            ),
            "remove it or say it in the description; this type takes type",
        );
    }
}

#[test]
fn what_the_type_of_a_form_parameter_would_not_enforce_is_refused() {
    check(
        (
            "description: What happened.",
            "description: What happened.\n                  maxLength: 9",
        ),
        "addEvent",
        "parameter `message`: `maxLength` is not something that the generated type would enforce",
        "say it in the description",
    );
}

#[test]
fn a_bound_that_is_no_integer_is_refused() {
    for bound in ["1.5", "'1'", "true", "9223372036854775808"] {
        check(
            ("minimum: 1", &format!("minimum: {bound}")),
            "listAlarms",
            "parameter `severity`: minimum is",
            "write a whole number without quotes",
        );
    }
}

#[test]
fn bounds_that_leave_no_value_are_refused() {
    check(
        ("maximum: 5", "maximum: 0"),
        "listAlarms",
        "parameter `severity`: minimum 1 is above maximum 0",
        "correct the bounds",
    );
    assert_eq!(defects(&edited("maximum: 5", "maximum: 1")), []);
}

#[test]
fn an_enum_that_is_not_a_list_of_strings_is_refused() {
    for values in ["[1, 2]", "[ActiveAlarms, true]", "[]", "ActiveAlarms"] {
        check(
            ("[ActiveAlarms, TrapAlarms]", values),
            "listAlarms",
            "parameter `alertType`: its enum is not a list of strings",
            "quote the values",
        );
    }
}

#[test]
fn enum_values_that_differ_only_in_case_or_punctuation_are_refused() {
    check(
        (
            "[ActiveAlarms, TrapAlarms]",
            "[ActiveAlarms, active-alarms]",
        ),
        "listAlarms",
        "parameter `alertType`: two values of its enum differ only in case or punctuation",
        "keep the one that OpManager documents",
    );
}

// ---- request body ----

#[test]
fn a_request_body_that_is_no_form_is_refused() {
    check(
        ("application/x-www-form-urlencoded:", "multipart/form-data:"),
        "addEvent",
        "request body is not a form",
        "application/x-www-form-urlencoded",
    );
}

#[test]
fn a_request_body_of_two_types_is_refused() {
    check(
        (
            "application/x-www-form-urlencoded:",
            "text/plain: {}\n          application/x-www-form-urlencoded:",
        ),
        "addEvent",
        "request body is not a form",
        "only application/x-www-form-urlencoded",
    );
}

#[test]
fn a_get_with_a_request_body_is_refused() {
    check(
        ("    post:", "    get:"),
        "addEvent",
        "it is a GET with a request body",
        "put the parameters in the query, or the operation under post",
    );
}

#[test]
fn a_form_that_requires_what_it_does_not_have_is_refused() {
    check(
        ("required: [message]", "required: [message, mesage]"),
        "addEvent",
        "its form requires `mesage`, which is no property",
        "correct the name",
    );
}

#[test]
fn a_form_whose_requirements_are_no_list_is_refused() {
    check(
        ("required: [message]", "required: message"),
        "addEvent",
        "`required` of its form is not a list",
        "names of the required parameters in brackets",
    );
}

#[test]
fn a_key_of_a_form_that_the_build_does_not_read_is_refused() {
    for (from, to, problem) in [
        (
            "requestBody:",
            "requestBody:\n        description: An event.",
            "request body: `description` is not understood",
        ),
        (
            "application/x-www-form-urlencoded:",
            "application/x-www-form-urlencoded:\n            encoding: {}",
            "form: `encoding` is not understood",
        ),
        (
            "required: [message]",
            "minProperties: 1",
            "form: `minProperties` is not understood",
        ),
    ] {
        check((from, to), "addEvent", problem, "the build reads only");
    }
}

#[test]
fn a_mixed_query_and_form_takes_plain_text_only() {
    let query = |schema: &str| {
        let parameter = format!(
            "parameters: [{{ name: level, in: query, description: A level., schema: {schema} }}]"
        );
        format!("description: Adds an event to a device.\n      {parameter}")
    };
    let from = "description: Adds an event to a device.";
    assert_eq!(defects(&edited(from, &query("{ type: string }"))), []);
    for schema in ["{ type: integer }", "{ type: string, enum: [low, high] }"] {
        check(
            (from, &query(schema)),
            "addEvent",
            "mixes a query with a form",
            "plain strings, or move them to one place",
        );
    }
}

// ---- extensions ----

#[test]
fn a_constant_is_a_value_of_its_type() {
    let (from, description) = ("x-constant: true", "\n          description: Layout flag.");
    let constant = |value: &str, schema: &str| {
        edited(from, &format!("x-constant: {value}")).replace(
            &format!("{description}\n          schema:\n            type: boolean"),
            &format!("{description}\n          schema: {schema}"),
        )
    };
    for (value, schema) in [
        ("false", "{ type: boolean }"),
        ("Add", "{ type: string }"),
        ("'true'", "{ type: string }"),
        ("Add", "{ type: string, enum: [Add, Edit] }"),
        ("-7", "{ type: integer }"),
        ("5", "{ type: integer, minimum: 5, maximum: 5 }"),
        ("0.5", "{ type: number }"),
    ] {
        assert_eq!(defects(&constant(value, schema)), [], "{value} {schema}");
    }
    for (value, schema) in [
        ("'true'", "{ type: boolean }"),
        ("1", "{ type: boolean }"),
        ("null", "{ type: boolean }"),
        ("[true]", "{ type: boolean }"),
        ("true", "{ type: string }"),
        ("1", "{ type: string }"),
        ("add", "{ type: string, enum: [Add, Edit] }"),
        ("1.5", "{ type: integer }"),
        ("4", "{ type: integer, minimum: 5 }"),
        ("6", "{ type: integer, maximum: 5 }"),
        ("'0.5'", "{ type: number }"),
    ] {
        check_document(
            &constant(value, schema),
            "listAlarms",
            "parameter `isFluidic`: its x-constant",
            "write a value that the schema allows",
        );
    }
}

#[test]
fn a_constant_in_a_form_is_refused() {
    check(
        (
            "description: Where it happened.",
            "description: Where it happened.\n                  x-constant: here",
        ),
        "addEvent",
        "parameter `source` is a constant in a form",
        "describe it under `parameters`",
    );
}

#[test]
fn exactly_one_of_anything_but_two_different_names_is_refused() {
    for names in [
        "[]",
        "[deviceName]",
        "[deviceName, deviceName]",
        "[deviceName, 1]",
        "deviceName",
    ] {
        check(
            ("[deviceName, ipAddress]", names),
            "listAlarms",
            "x-exactly-one-of is not a list of two or more different names",
            "a single parameter has `required: true`",
        );
    }
}

#[test]
fn exactly_one_of_an_unknown_parameter_is_refused() {
    check(
        (
            "[deviceName, ipAddress]",
            "[deviceName, ipAddress, dnsName]",
        ),
        "listAlarms",
        "x-exactly-one-of names `dnsName`, which is no parameter",
        "name parameters of this operation",
    );
}

#[test]
fn exactly_one_of_a_parameter_that_is_always_sent_is_refused() {
    for always in ["alertType", "isFluidic"] {
        check(
            (
                "[deviceName, ipAddress]",
                &format!("[deviceName, ipAddress, {always}]"),
            ),
            "listAlarms",
            &format!("x-exactly-one-of names `{always}`, which is always sent"),
            "remove `required`, `x-constant` and `x-default`",
        );
    }
}

#[test]
fn a_rate_limit_without_a_rate_is_refused() {
    for rate in ["many", "0", "-1", "1.5"] {
        check(
            (
                "requests-per-minute: 100",
                &format!("requests-per-minute: {rate}"),
            ),
            "listAlarms",
            "x-rate-limit has no requests-per-minute",
            "write a positive whole number",
        );
    }
}

#[test]
fn a_blocking_time_that_is_no_number_is_refused() {
    for minutes in ["a while", "0", "-1", "1.5"] {
        check(
            ("block-minutes: 1", &format!("block-minutes: {minutes}")),
            "listAlarms",
            "block-minutes is no positive whole number",
            "write the documented minutes",
        );
    }
}

#[test]
fn an_unknown_key_of_a_rate_limit_is_refused() {
    check(
        ("block-minutes: 1", "block-hours: 1"),
        "listAlarms",
        "x-rate-limit: `block-hours` is not understood",
        "requests-per-minute, block-minutes",
    );
}

// ---- responses ----

#[test]
fn a_response_without_description_is_refused() {
    check(
        ("          description: A confirmation.\n", ""),
        "addEvent",
        "200 response has no description",
        "what comes back",
    );
}

#[test]
fn a_response_without_schema_is_refused() {
    check(
        (
            "description: A confirmation.\n          content:\n            application/json:",
            "description: A confirmation.\n          content:\n            text/html:",
        ),
        "addEvent",
        "200 response has no application/json schema",
        "describe the documented sample",
    );
}

#[test]
fn a_reference_that_leads_nowhere_is_refused() {
    for reference in [
        "#/components/schemas/Alert",
        "#/components/responses/Alarm",
        "Alarm",
    ] {
        check(
            (
                "total:\n                    $ref: '#/components/schemas/IntegerOrText'",
                &format!("total:\n                    $ref: '{reference}'"),
            ),
            "addEvent",
            &format!("`response.total`: the reference `{reference}` leads nowhere"),
            "below components.schemas",
        );
    }
}

#[test]
fn a_keyword_of_a_response_schema_that_the_build_does_not_read_is_refused() {
    check(
        (
            "items: { type: string }",
            "items: { type: string, format: date }",
        ),
        "addEvent",
        "`response.messages[]`: `format` is not understood",
        "remove it; the build reads only type",
    );
}

#[test]
fn a_response_of_an_unknown_type_is_refused() {
    for kind in ["text", "'null'", "[string, integer]"] {
        check(
            (
                "items: { type: string }",
                &format!("items: {{ type: {kind} }}"),
            ),
            "addEvent",
            "`response.messages[]` has the type",
            "write one of object, array, string",
        );
    }
}

#[test]
fn a_property_of_a_response_that_is_no_schema_is_refused() {
    for schema in ["string", "", "true", "[]"] {
        check(
            ("items: { type: string }", &format!("items: {schema}")),
            "addEvent",
            "`response.messages[]` is",
            "write a `type` below it",
        );
    }
}

#[test]
fn a_response_object_that_loses_further_fields_is_refused() {
    let from = "                additionalProperties: true\n";
    for to in ["", "                additionalProperties: false\n"] {
        check(
            (from, to),
            "addEvent",
            "`response` does not keep further fields",
            "additionalProperties: true",
        );
    }
}

#[test]
fn a_list_without_items_is_refused() {
    check(
        ("                    items: { type: string }\n", ""),
        "addEvent",
        "the array `response.messages` has no items",
        "add `items`",
    );
}

#[test]
fn a_response_schema_is_checked_at_every_depth() {
    for (nested, place) in [
        (
            "{ type: object, properties: { a: { format: date } }, additionalProperties: true }",
            "`response.messages[].a`",
        ),
        (
            "{ type: object, additionalProperties: { format: date } }",
            "`response.messages[].*`",
        ),
        (
            "{ type: array, items: { format: date } }",
            "`response.messages[][]`",
        ),
        ("{ oneOf: [{ format: date }] }", "`response.messages[]`"),
        ("{ allOf: [{ format: date }] }", "`response.messages[]`"),
    ] {
        check(
            ("items: { type: string }", &format!("items: {nested}")),
            "addEvent",
            &format!("{place}: `format` is not understood"),
            "remove it",
        );
    }
}

// ---- component schemas ----

#[test]
fn a_component_that_is_not_named_like_a_type_is_refused() {
    let document = CLEAN.replace("IntegerOrText", "integerOrText");
    check_document(
        &document,
        "components.schemas.integerOrText",
        "not a Rust type name",
        "call it `IntegerOrText`",
    );
}

#[test]
fn a_component_that_takes_the_name_of_generated_code_is_refused() {
    for name in [
        "Text",
        "Integer",
        "Number",
        "Flag",
        "IntegerFrom1To5",
        "ListAlarmsArgs",
        "ListAlarmsQuery",
        "ListAlarmsForm",
        "ListAlarmsResponse",
    ] {
        check_document(
            &CLEAN.replace("IntegerOrText", name),
            &format!("components.schemas.{name}"),
            "the name is taken by generated code",
            "choose another noun",
        );
    }
}

#[test]
fn a_component_that_nothing_refers_to_is_refused() {
    check(
        (
            "components:\n  schemas:\n",
            "components:\n  schemas:\n    Device: { type: string }\n",
        ),
        "components.schemas.Device",
        "no response refers to it",
        "remove the schema or refer to it",
    );
}

#[test]
fn components_that_refer_only_to_each_other_are_refused() {
    let document = edited(
        "components:\n  schemas:\n",
        "\
components:
  schemas:
    Tree:
      type: array
      items: { $ref: '#/components/schemas/Branch' }
    Branch:
      type: array
      items: { $ref: '#/components/schemas/Tree' }
",
    );
    let places: Vec<String> = defects(&document)
        .into_iter()
        .filter(|defect| defect.problem.contains("no response refers to it"))
        .map(|defect| defect.place)
        .collect();
    assert_eq!(
        places,
        ["components.schemas.Tree", "components.schemas.Branch"]
    );
}

#[test]
fn the_components_of_a_refused_operation_are_not_refused_for_it() {
    check(
        ("operationId: listAlarms", "deprecated: false"),
        "GET /api/json/alarm/listAlarms",
        "no usable operationId",
        "vendor's operation name",
    );
}

#[test]
fn a_component_schema_is_checked_too() {
    check(
        (
            "        entity:\n          type: string\n",
            "        entity:\n          type: string\n          enum: [a, b]\n",
        ),
        "components.schemas.Alarm",
        "`Alarm.entity`: `enum` is not understood",
        "remove it",
    );
}

#[test]
fn a_stub_is_refused_with_what_to_write_and_nothing_else_of_it() {
    let operation = edited(
        "      operationId: listAlarms\n      tags: [Alarms]\n      summary: List alarms\n      description: Returns the alarms of one device.",
        "      operationId: listAlarms\n      x-stub: true\n      tags: [Alarms]\n      summary: ''\n      description: ''",
    );
    check_document(
        &operation,
        "listAlarms",
        "the operation is a stub",
        "write its summary, description and types, give it an access word in a file of src/tools/",
    );
    let parameter = edited(
        "          description: Lowest utilization.",
        "          x-stub: true\n          description: ''",
    );
    check_document(
        &parameter,
        "listAlarms",
        "parameter `threshold` is a stub",
        "write its description and type, then remove its x-stub",
    );
    let in_form = edited(
        "                  description: Where it happened.",
        "                  x-stub: true\n                  description: ''",
    );
    check_document(
        &in_form,
        "addEvent",
        "parameter `source` is a stub",
        "remove its x-stub",
    );
    let finished = edited(
        "operationId: listAlarms",
        "operationId: listAlarms\n      x-stub: 'yes'",
    );
    check_document(
        &finished,
        "listAlarms",
        "x-stub is \"yes\"",
        "write `x-stub: true`",
    );
    for draft in [operation, parameter, in_form] {
        assert_eq!(Document::parse_draft(&draft).unwrap().operations.len(), 2);
    }
}

#[test]
fn a_draft_is_linted_outside_of_its_stubs() {
    let draft = edited(
        "operationId: listAlarms",
        "operationId: listAlarms\n      x-stub: true",
    );
    let draft = draft.replace("summary: Add an event", "summary: ''");
    let Defects(defects) = Document::parse_draft(&draft).unwrap_err();
    assert_eq!(defects.len(), 1, "{defects:?}");
    assert!(
        defects[0].problem.contains("summary is missing"),
        "{defects:?}"
    );
}

#[test]
fn deviations_have_reasons() {
    let document = edited(
        "operationId: listAlarms",
        "operationId: listAlarms\n      x-deviates:\n        type: Left out; a mark of the web client.",
    );
    let document = Document::parse(&document).unwrap();
    assert_eq!(
        document.operations[0].deviates["type"],
        "Left out; a mark of the web client."
    );
    for (reasons, problem) in [
        ("[type]", "x-deviates is no list of reasons"),
        ("{}", "x-deviates is no list of reasons"),
        ("{ type: '' }", "the reason for `type` is missing"),
        ("{ type: 3 }", "the reason for `type` is missing"),
    ] {
        let to = format!("operationId: listAlarms\n      x-deviates: {reasons}");
        check(
            ("operationId: listAlarms", &to),
            "listAlarms",
            problem,
            "write",
        );
    }
}

#[test]
fn what_is_left_out_is_not_there() {
    let left_out = |id: &str| {
        edited(
            "\npaths:\n",
            &format!("\nx-left-out:\n  {id}: Needs a file.\npaths:\n"),
        )
    };
    let document = Document::parse(&left_out("importKeys")).unwrap();
    assert_eq!(document.left_out["importKeys"], "Needs a file.");
    check_document(
        &left_out("addEvent"),
        "document",
        "x-left-out names `addEvent`, which is not left out",
        "remove it there",
    );
}

#[test]
fn a_deprecated_operation_says_so() {
    let document = edited(
        "operationId: listAlarms",
        "operationId: listAlarms\n      deprecated: true",
    );
    let document = Document::parse(&document).unwrap();
    let [deprecated, other] = document.operations.as_slice() else {
        panic!("two operations");
    };
    assert!(deprecated.deprecated && !other.deprecated);
    assert_eq!(
        deprecated.full_description(),
        "Returns the alarms of one device. Deprecated: newer builds of OpManager may no longer have it."
    );
    assert_eq!(other.full_description(), other.description);
    // Lists of tools have the first paragraph only.
    let mut longer = deprecated.clone();
    longer.description = "Returns alarms.\nThey are many.".into();
    assert_eq!(
        longer.full_description(),
        "Returns alarms. Deprecated: newer builds of OpManager may no longer have it.\nThey are many."
    );
    check(
        (
            "operationId: listAlarms",
            "operationId: listAlarms\n      deprecated: 'yes'",
        ),
        "listAlarms",
        "deprecated is \"yes\"",
        "write `deprecated: true`",
    );
}

#[test]
fn a_tag_says_what_belongs_to_it() {
    check(
        ("description: What is wrong now.", "description: ''"),
        "document",
        "the tag `Alarms` has no description",
        "say in a sentence",
    );
}

// ---- what may be described, and what of it may be seen ----

#[test]
fn what_must_never_be_described_is_refused_with_its_reason() {
    for name in ["executeDBQuery", "EXECUTEDBQUERY", "addUser"] {
        let by_id = edited("operationId: addEvent", &format!("operationId: {name}"));
        check_document(&by_id, name, "it is never described: ", "x-left-out");
        let by_path = edited(
            "/api/json/events/addEvent:",
            &format!("/api/json/v2/admin/{name}:"),
        );
        check_document(&by_path, "addEvent", "it is never described: ", "remove it");
    }
}

#[test]
fn what_alone_may_be_seen_is_what_is_described() {
    let with = |members: &str| {
        edited(
            "operationId: listAlarms",
            &format!("operationId: listAlarms\n      x-only-members: {members}"),
        )
    };
    for members in ["[]", "yes", "[1]"] {
        check_document(
            &with(members),
            "listAlarms",
            "x-only-members is no list of names",
            "write the members that may be seen",
        );
    }
    check_document(
        &with("[entity]"),
        "listAlarms",
        "its response is not what x-only-members keeps",
        "describe an array of objects",
    );
    let both = defects(&with("[entity, severity]\n      x-list: []"));
    let [defect] = both.as_slice() else {
        panic!("{both:#?}");
    };
    assert!(defect.problem.contains("beside x-list"), "{defect:?}");
    assert_eq!(defects(&with("[entity, severity]")), []);
}

// ---- what a reader gets of an answer ----

#[test]
fn default_fields_that_the_answer_does_not_have_are_refused() {
    let stated = |names: &str| format!("      x-default-fields: {names}\n      x-exactly-one-of:");
    check(
        ("      x-exactly-one-of:", &stated("[entity, sevrity]")),
        "listAlarms",
        "x-default-fields names `sevrity`",
        "write the name as the schema has it",
    );
    check(
        ("      x-exactly-one-of:", &stated("entity")),
        "listAlarms",
        "its x-default-fields is not a list of names",
        "as the schema of its answer has them",
    );
}

#[test]
fn what_does_not_fit_the_kind_of_an_answer_is_refused() {
    check(
        (
            "      x-exactly-one-of:",
            "      x-layout: [entity]\n      x-exactly-one-of:",
        ),
        "listAlarms",
        "x-layout does not fit an answer of this kind",
        "x-layout for those without",
    );
    check(
        (
            "      summary: Add an event",
            "      x-default-fields: [total]\n      summary: Add an event",
        ),
        "addEvent",
        "x-default-fields does not fit an answer of this kind",
        "x-default-fields is for answers with a list",
    );
    check(
        (
            "      x-exactly-one-of:",
            "      x-beside: [page]\n      x-exactly-one-of:",
        ),
        "listAlarms",
        "x-beside names `page`",
        "describe the member",
    );
}

#[test]
fn series_that_lead_nowhere_are_refused() {
    let stated =
        |series: &str| format!("      x-series:\n        - {series}\n      summary: Add an event");
    for (series, problem) in [
        (
            "{ path: [points], time: a, value: b }",
            "no points at points",
        ),
        ("{ path: [total], value: b }", "no points at total"),
        ("{ path: [messages] }", "has no path or no value"),
        ("{ value: b }", "has no path or no value"),
    ] {
        check(
            ("      summary: Add an event", &stated(series)),
            "addEvent",
            problem,
            "write the keys that lead to",
        );
    }
    check(
        (
            "      summary: Add an event",
            &stated("{ path: [messages], value: b, colour: c }"),
        ),
        "addEvent",
        "x-series: `colour` is not understood",
        "path, time, value, unit",
    );
}

#[test]
fn a_code_that_does_not_stand_beside_its_word_is_refused() {
    check(
        (
            "        entity:\n          type: string",
            "        entity:\n          x-code-in: status\n          type: string",
        ),
        "listAlarms",
        "x-code-in of `entity` names `status`",
        "the member that holds the code of the same fact",
    );
}
