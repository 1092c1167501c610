//! What is generated from a toy document that holds every kind of operation, parameter and answer.
//!
//! The snapshots show the parts that are ours; the tests state what must hold in them.

use std::collections::BTreeSet;

use serde_json::json;

use crate::source::{Field, Source};

const TOY: &str = r"
openapi: 3.0.3
info:
  title: Toy
  version: 1.2.3
tags:
  - name: Alarms
    description: What is wrong now.
  - name: Devices
    description: What is monitored.
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
        - name: isFluidic
          in: query
          x-constant: true
          description: Layout flag, always true.
          schema:
            type: boolean
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
          description: Alarm family.
          schema:
            type: string
            enum: [ActiveAlarms, TrapAlarms]
        - name: severity
          in: query
          required: true
          description: 1 is the worst.
          schema:
            type: integer
            minimum: 1
            maximum: 5
        - name: offsetHours
          in: query
          description: Hours to add, at least -12.
          schema:
            type: integer
            minimum: -12
        - name: pageSize
          in: query
          description: At most 500.
          schema:
            type: integer
            maximum: 500
        - name: alarmCount
          in: query
          description: How many.
          schema:
            type: integer
        - name: threshold
          in: query
          description: Lowest utilization.
          schema:
            type: number
        - name: acknowledged
          in: query
          required: true
          description: Whether somebody cares already.
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
  /api/json/alarm/addEvent:
    post:
      operationId: addEvent
      tags: [Alarms]
      summary: Add an event
      description: Adds an event in a form.
      requestBody:
        required: true
        content:
          application/x-www-form-urlencoded:
            schema:
              type: object
              required: [message]
              properties:
                severity:
                  description: 1 is the worst.
                  type: integer
                  minimum: 1
                  maximum: 5
                message:
                  description: What happened.
                  type: string
                state:
                  description: State to report.
                  type: string
                  enum: ['1', '2']
      responses:
        '200':
          description: A confirmation.
          content:
            application/json:
              schema:
                $ref: '#/components/schemas/Confirmation'
  /api/json/device/addDeviceDetails:
    post:
      operationId: addDeviceDetails
      tags: [Devices]
      summary: Set details of a device
      description: Names the device in the query and the details in a form.
      parameters:
        - name: deviceName
          in: query
          required: true
          description: Name of the device.
          schema:
            type: string
        - name: type
          in: query
          description: Type of the device.
          schema:
            type: string
      requestBody:
        required: true
        content:
          application/x-www-form-urlencoded:
            schema:
              type: object
              required: [values]
              properties:
                hint:
                  description: Free text.
                  type: string
                values:
                  description: A JSON array.
                  type: string
      responses:
        '200':
          description: A confirmation.
          content:
            application/json:
              schema:
                $ref: '#/components/schemas/Confirmation'
  /api/json/device/getVMWareHosts:
    get:
      operationId: getVMWareHosts
      tags: [Devices]
      summary: List hosts
      description: Returns the hosts with their number.
      responses:
        '200':
          description: The hosts.
          content:
            application/json:
              schema:
                type: object
                properties:
                  total:
                    $ref: '#/components/schemas/IntegerOrText'
                  up:
                    description: Whether all are up.
                    allOf:
                      - $ref: '#/components/schemas/BooleanOrText'
                  hosts:
                    type: array
                    items:
                      type: object
                      properties:
                        name:
                          type: string
                        load:
                          type: number
                      additionalProperties: true
                  clusters:
                    type: object
                    additionalProperties:
                      type: string
                additionalProperties: true
  /api/json/device/getInterfaces:
    get:
      operationId: getInterfaces
      tags: [Devices]
      summary: Map interfaces
      description: Returns the interfaces by their id.
      responses:
        '200':
          description: The interfaces, keyed by id.
          content:
            application/json:
              schema:
                type: object
                additionalProperties:
                  $ref: '#/components/schemas/Interface'
components:
  schemas:
    IntegerOrText:
      description: A whole number, or its digits in a string.
      oneOf:
        - type: integer
        - type: string
    BooleanOrText:
      description: A truth value, or a word for it.
      oneOf:
        - type: boolean
        - type: string
    Confirmation:
      type: object
      properties:
        message:
          description: What was done.
          type: string
      additionalProperties: true
    Alarm:
      description: One alarm.
      type: object
      properties:
        entity:
          description: Key of the alarm.
          type: string
        severity:
          $ref: '#/components/schemas/IntegerOrText'
      additionalProperties: true
    Interface:
      type: object
      properties:
        name:
          type: string
      additionalProperties: true
";
fn toy() -> Source {
    Source::of(TOY)
}

fn names(fields: &[Field]) -> BTreeSet<&str> {
    fields.iter().map(|field| field.name.as_str()).collect()
}

fn kind(arguments: &str, name: &str) -> String {
    let fields = toy().fields(arguments);
    let field = fields.into_iter().find(|field| field.name == name);
    field.expect("the struct has the field").kind
}

fn optional(inner: &str) -> String {
    format!("::std::option::Option<{inner}>")
}

#[test]
fn the_operation_table_is_as_recorded() {
    insta::assert_snapshot!(toy().table());
}

#[test]
fn the_implementations_are_as_recorded() {
    insta::assert_snapshot!(toy().implementations());
}

#[test]
fn the_argument_types_are_as_recorded() {
    insta::assert_snapshot!(toy().arguments());
}

#[test]
fn the_table_keeps_the_order_of_the_document() {
    assert_eq!(
        toy().ids(),
        [
            "listAlarms",
            "addEvent",
            "addDeviceDetails",
            "getVMWareHosts",
            "getInterfaces"
        ]
    );
}

#[test]
fn a_schema_is_flat_closed_and_in_the_callers_order() {
    let expected = json!({
        "type": "object",
        "properties": {
            "severity": { "type": "integer", "minimum": 1, "maximum": 5, "description": "1 is the worst." },
            "acknowledged": { "type": "boolean", "description": "Whether somebody cares already." },
            "deviceName": { "type": "string", "description": "Name of the device." },
            "ipAddress": { "type": "string", "description": "Address of the device." },
            "alertType": {
                "type": "string",
                "enum": ["ActiveAlarms", "TrapAlarms"],
                "description": "Alarm family.",
            },
            "offsetHours": { "type": "integer", "minimum": -12, "description": "Hours to add, at least -12." },
            "pageSize": { "type": "integer", "maximum": 500, "description": "At most 500." },
            "alarmCount": { "type": "integer", "description": "How many." },
            "threshold": { "type": "number", "description": "Lowest utilization." },
        },
        "required": ["severity", "acknowledged"],
        "additionalProperties": false,
    });
    // Compared as text, because the order of properties counts.
    assert_eq!(toy().schema("listAlarms").to_string(), expected.to_string());
}

#[test]
fn required_arguments_come_first_across_query_and_form() {
    let schema = toy().schema("addDeviceDetails");
    let properties = schema["properties"].as_object().expect("properties");
    let order: Vec<&String> = properties.keys().collect();
    assert_eq!(order, ["deviceName", "values", "type", "hint"]);
    assert_eq!(schema["required"], json!(["deviceName", "values"]));
}

#[test]
fn an_operation_without_parameters_has_an_empty_closed_schema() {
    let empty = json!({ "type": "object", "properties": {}, "additionalProperties": false });
    assert_eq!(toy().schema("getInterfaces"), empty);
    assert_eq!(toy().fields("GetInterfacesArgs"), []);
}

#[test]
fn a_constant_is_in_the_table_and_nowhere_else() {
    assert_eq!(
        toy().specified("listAlarms", "constants"),
        r#"&[("isFluidic","true")]"#
    );
    assert_eq!(toy().specified("addEvent", "constants"), "&[]");
    assert!(!names(&toy().fields("ListAlarmsArgs")).contains("isFluidic"));
    assert!(!toy().schema("listAlarms").to_string().contains("isFluidic"));
    assert!(!toy().implementations().contains("fluidic"));
}

#[test]
fn exactly_one_of_is_in_the_table_and_not_in_the_schema() {
    assert_eq!(
        toy().specified("listAlarms", "exactly_one_of"),
        r#"&["deviceName","ipAddress"]"#
    );
    assert_eq!(toy().specified("addEvent", "exactly_one_of"), "&[]");
    for name in ["deviceName", "ipAddress"] {
        assert_eq!(
            kind("ListAlarmsArgs", name),
            optional("::std::string::String")
        );
    }
}

#[test]
fn a_rate_limit_is_in_the_table() {
    assert_eq!(
        toy().specified("listAlarms", "rate_limit"),
        "Some(crate::opmanager::RateLimit{requests_per_minute:100u32,block_minutes:Some(1u32)})"
    );
    assert_eq!(toy().specified("addEvent", "rate_limit"), "None");
}

#[test]
fn a_required_argument_is_bare_and_any_other_optional() {
    assert_eq!(kind("ListAlarmsArgs", "acknowledged"), "bool");
    assert_eq!(kind("ListAlarmsArgs", "threshold"), optional("f64"));
    assert_eq!(kind("AddEventArgs", "message"), "::std::string::String");
}

#[test]
fn the_type_of_an_integer_enforces_its_bounds() {
    assert_eq!(
        kind("ListAlarmsArgs", "severity"),
        "crate::opmanager::Bounded<1,5>"
    );
    assert_eq!(
        kind("AddEventArgs", "severity"),
        optional("crate::opmanager::Bounded<1,5>")
    );
    assert_eq!(
        kind("ListAlarmsArgs", "offsetHours"),
        optional("crate::opmanager::Bounded<-12,9223372036854775807>")
    );
    assert_eq!(
        kind("ListAlarmsArgs", "pageSize"),
        optional("crate::opmanager::Bounded<-9223372036854775808,500>")
    );
    assert_eq!(kind("ListAlarmsArgs", "alarmCount"), optional("i64"));
}

#[test]
fn an_enum_takes_exactly_the_documented_strings() {
    assert_eq!(
        toy().values("ListAlarmsArgsAlertType"),
        ["ActiveAlarms", "TrapAlarms"]
    );
    assert_eq!(toy().values("AddEventArgsState"), ["1", "2"]);
    assert_eq!(
        toy().schema("addEvent")["properties"]["state"]["enum"],
        json!(["1", "2"])
    );
}

#[test]
fn argument_types_refuse_unknown_arguments() {
    for name in [
        "ListAlarmsArgs",
        "AddEventArgs",
        "AddDeviceDetailsArgs",
        "GetVmWareHostsArgs",
        "GetInterfacesArgs",
    ] {
        assert!(toy().is_closed(name), "{name}");
    }
}

#[test]
fn answer_types_keep_unknown_fields() {
    for name in ["Alarm", "Confirmation", "GetVmWareHostsResponse"] {
        assert!(!toy().is_closed(name), "{name}");
        let extra = Field {
            name: "extra".to_owned(),
            kind: "::serde_json::Map<::std::string::String,::serde_json::Value>".to_owned(),
        };
        assert!(toy().fields(name).contains(&extra), "{name}");
    }
}

#[test]
fn an_answer_decodes_to_the_type_that_the_document_describes() {
    for (arguments, output) in [
        ("ListAlarmsArgs", "::std::vec::Vec<types::Alarm>"),
        ("AddEventArgs", "types::Confirmation"),
        ("AddDeviceDetailsArgs", "types::Confirmation"),
        ("GetVmWareHostsArgs", "types::GetVmWareHostsResponse"),
        ("GetInterfacesArgs", "types::GetInterfacesResponse"),
    ] {
        assert_eq!(toy().output(arguments), output);
    }
}

#[test]
fn every_scalar_of_an_answer_is_decoded_tolerantly() {
    for (name, field, scalar) in [
        ("Alarm", "entity", "Text"),
        ("Alarm", "severity", "Integer"),
        ("GetVmWareHostsResponse", "total", "Integer"),
        ("GetVmWareHostsResponse", "up", "Flag"),
        ("GetVmWareHostsResponseHostsItem", "load", "Number"),
        ("GetVmWareHostsResponseHostsItem", "name", "Text"),
    ] {
        assert_eq!(
            kind(name, field),
            optional(&format!("crate::opmanager::{scalar}")),
            "{name}.{field}"
        );
    }
}

#[test]
fn a_list_or_map_in_an_answer_may_be_null() {
    assert_eq!(
        kind("GetVmWareHostsResponse", "hosts"),
        optional("::std::vec::Vec<GetVmWareHostsResponseHostsItem>")
    );
    let map = "::std::collections::BTreeMap<::std::string::String,crate::opmanager::Text>";
    assert_eq!(kind("GetVmWareHostsResponse", "clusters"), optional(map));
}

#[test]
fn a_named_scalar_gets_no_type_of_its_own() {
    let types = toy().type_names();
    assert!(
        !types.iter().any(|name| name.ends_with("OrText")),
        "{types:?}"
    );
}

#[test]
fn an_answer_of_named_scalars_has_a_type_of_its_own() {
    let alarms =
        "type: array\n                items:\n                  $ref: '#/components/schemas/Alarm'";
    let scalar = "$ref: '#/components/schemas/IntegerOrText'";
    for answer in [
        scalar.to_owned(),
        format!("type: array\n                items:\n                  {scalar}"),
        format!("type: object\n                additionalProperties:\n                  {scalar}"),
    ] {
        assert_eq!(TOY.matches(alarms).count(), 1);
        let document = TOY.replace(alarms, &answer).replace(
            "#/components/schemas/Interface'",
            "#/components/schemas/Alarm'",
        );
        let (document, _) = document
            .split_once("    Interface:")
            .expect("the toy document ends with Interface");
        let source = Source::of(document);
        assert_eq!(source.output("ListAlarmsArgs"), "types::ListAlarmsResponse");
        source.assert_complete();
    }
}

#[test]
fn arguments_in_one_place_are_sent_whole() {
    assert_eq!(
        toy().send("ListAlarmsArgs"),
        "{client.list_alarms(self).await}"
    );
    assert_eq!(toy().send("AddEventArgs"), "{client.add_event(self).await}");
}

#[test]
fn mixed_arguments_are_divided_by_place() {
    assert_eq!(
        names(&toy().fields("AddDeviceDetailsQuery")),
        ["deviceName", "type"].into()
    );
    assert_eq!(
        names(&toy().fields("AddDeviceDetailsForm")),
        ["hint", "values"].into()
    );
    assert_eq!(
        toy().send("AddDeviceDetailsArgs"),
        "{client.add_device_details(\
         &types::AddDeviceDetailsQuery{device_name:self.device_name.clone(),type_:self.type_.clone()},\
         &types::AddDeviceDetailsForm{values:self.values.clone(),hint:self.hint.clone()}).await}"
    );
}

#[test]
fn an_operation_may_be_named_like_a_keyword() {
    for (id, arguments, method) in [("move", "MoveArgs", "move_"), ("self", "SelfArgs", "self_")] {
        let source = Source::of(&TOY.replace("getInterfaces", id));
        assert_eq!(
            source.send(arguments),
            format!("{{client.{method}(self).await}}")
        );
        source.assert_complete();
    }
}

#[test]
fn only_a_mixed_operation_has_its_arguments_divided() {
    let divided: Vec<String> = toy()
        .type_names()
        .into_iter()
        .filter(|name| name.ends_with("Query") || name.ends_with("Form"))
        .collect();
    assert_eq!(divided, ["AddDeviceDetailsForm", "AddDeviceDetailsQuery"]);
}

#[test]
fn everything_that_the_implementations_name_is_generated() {
    toy().assert_complete();
}

#[test]
fn generation_is_repeatable() {
    let generate = || opmanager_codegen::generate(TOY).expect("the toy document generates");
    assert_eq!(generate(), generate());
}
