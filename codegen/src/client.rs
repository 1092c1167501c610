//! The typed client: the document rewritten, in memory, into the form from which progenitor and typify
//! make what we want.
//!
//! Three rewrites: the parameters of an operation become one exploded object `<Op>Args`, so that typify
//! generates the struct and the client method takes it whole; every response becomes raw bytes, so that
//! status, content type and body of any answer arrive; the documented response schemas stay as types of
//! their own, in which every scalar is decoded tolerantly.

use openapiv3::{Components, OpenAPI};
use proc_macro2::TokenStream;
use progenitor::{GenerationSettings, Generator, HooksMode, InterfaceStyle};
use quote::quote;
use serde_json::{Map, Value, json};

use crate::Error;
use crate::document::{BOUNDED, Document, Kind, Location, Operation, Parameter, TOLERANT};
use crate::schema::{Output, scalar};

pub(crate) fn generate(document: &Document) -> Result<TokenStream, Error> {
    let Some(curated) = &document.openapi else {
        return Err(Error::Generator(
            "nothing is generated from a draft".to_owned(),
        ));
    };
    let (paths, schemas, bounds) = rewrite(document);
    let rewriting = |error| Error::Generator(format!("after rewriting: {error}"));
    let openapi = OpenAPI {
        paths: serde_json::from_value(paths.into()).map_err(rewriting)?,
        components: Some(Components {
            schemas: serde_json::from_value(schemas.into()).map_err(rewriting)?,
            ..Components::default()
        }),
        ..curated.clone()
    };
    let mut settings = GenerationSettings::new();
    settings
        .with_interface(InterfaceStyle::Positional)
        .with_hooks(HooksMode::Expected)
        .with_inner_type(quote!(crate::opmanager::Call))
        .with_map_type("::std::collections::BTreeMap");
    for name in TOLERANT {
        settings.with_replacement(
            name,
            format!("crate::opmanager::{name}"),
            std::iter::empty(),
        );
    }
    for (name, minimum, maximum) in bounds {
        settings.with_replacement(
            name,
            format!("crate::opmanager::Bounded<{minimum}, {maximum}>"),
            std::iter::empty(),
        );
    }
    Generator::new(&settings)
        .generate_tokens(&openapi)
        .map_err(|error| Error::Generator(error.to_string()))
}

type Bounds = Vec<(String, i64, i64)>;

/// The paths and the schemas from which the client is generated.
fn rewrite(document: &Document) -> (Map<String, Value>, Map<String, Value>, Bounds) {
    let mut schemas = Map::new();
    let mut bounds = Bounds::new();
    for (name, schema) in &document.schemas {
        // A named scalar is used as its tolerant type, it needs none of its own.
        if scalar(schema, &document.schemas).is_none() {
            schemas.insert(name.clone(), tolerant(schema, &document.schemas));
        }
    }
    for name in TOLERANT {
        schemas.insert(name.into(), json!({}));
    }
    let mut paths = Map::new();
    for operation in &document.operations {
        let path = paths
            .entry(operation.path.clone())
            .or_insert_with(|| json!({}));
        path[operation.method.to_lowercase()] =
            rewrite_operation(operation, document, &mut schemas, &mut bounds);
    }
    for (name, ..) in &bounds {
        schemas.insert(name.clone(), json!({}));
    }
    (paths, schemas, bounds)
}

fn rewrite_operation(
    operation: &Operation,
    document: &Document,
    schemas: &mut Map<String, Value>,
    bounds: &mut Bounds,
) -> Value {
    let name = operation.pascal_name();
    if let Output::Own = operation.output(&document.schemas) {
        schemas.insert(
            format!("{name}Response"),
            tolerant(&operation.response, &document.schemas),
        );
    }
    let mut put = |suffix: &str, parameters: Vec<&Parameter>| {
        let name = format!("{name}{suffix}");
        let reference = json!({ "$ref": format!("#/components/schemas/{name}") });
        let summary = match suffix {
            "Args" => format!("Arguments of `{}`: {}.", operation.id, operation.summary),
            part => format!(
                "The arguments of `{}` that travel in the {}.",
                operation.id,
                part.to_lowercase()
            ),
        };
        schemas.insert(name, arguments(&summary, &parameters, bounds));
        reference
    };
    let of = |location| -> Vec<&Parameter> {
        operation
            .arguments()
            .filter(|p| p.location == location)
            .collect()
    };
    let args = put("Args", operation.arguments().collect());
    let (query, form) = if operation.is_mixed() {
        (
            Some(put("Query", of(Location::Query))),
            Some(put("Form", of(Location::Form))),
        )
    } else if operation.is_form() {
        (None, Some(args))
    } else {
        (Some(args), None)
    };
    let mut rewritten = json!({
        "operationId": operation.id,
        "summary": operation.summary,
        "responses": { "default": { "description": "Any answer.", "content": { "*/*": {} } } },
    });
    if let Some(schema) = query {
        rewritten["parameters"] = json!([{
            "name": "args", "in": "query", "required": true, "style": "form", "explode": true, "schema": schema,
        }]);
    }
    if let Some(schema) = form {
        rewritten["requestBody"] = json!({
            "required": true, "content": { "application/x-www-form-urlencoded": { "schema": schema } },
        });
    }
    rewritten
}

fn arguments(summary: &str, parameters: &[&Parameter], bounds: &mut Bounds) -> Value {
    let mut properties = Map::new();
    let mut required = Vec::new();
    for parameter in parameters {
        let mut schema = match &parameter.kind {
            Kind::Text { values } if values.is_empty() => json!({ "type": "string" }),
            Kind::Text { values } => json!({ "type": "string", "enum": values }),
            Kind::Integer {
                minimum: None,
                maximum: None,
            } => json!({ "type": "integer" }),
            Kind::Integer { minimum, maximum } => {
                let (minimum, maximum) = (minimum.unwrap_or(i64::MIN), maximum.unwrap_or(i64::MAX));
                let name = format!("{BOUNDED}{minimum}To{maximum}").replace('-', "Minus");
                if !bounds.iter().any(|(known, ..)| *known == name) {
                    bounds.push((name.clone(), minimum, maximum));
                }
                json!({ "allOf": [{ "$ref": format!("#/components/schemas/{name}") }] })
            }
            Kind::Number => json!({ "type": "number" }),
            Kind::Boolean => json!({ "type": "boolean" }),
        };
        schema["description"] = parameter.description.clone().into();
        properties.insert(parameter.name.clone(), schema);
        if parameter.required {
            required.push(parameter.name.clone());
        }
    }
    json!({
        "type": "object",
        "description": summary,
        "properties": properties,
        "required": required,
        "additionalProperties": false,
    })
}

/// A response schema with every scalar replaced by its tolerant type and every list and map nullable.
fn tolerant(schema: &Value, schemas: &Map<String, Value>) -> Value {
    if let Some(scalar) = scalar(schema, schemas) {
        let mut rewritten =
            json!({ "allOf": [{ "$ref": format!("#/components/schemas/{scalar}") }] });
        if let Some(description) = schema.get("description") {
            rewritten["description"] = description.clone();
        }
        return rewritten;
    }
    let Some(object) = schema.as_object() else {
        return schema.clone();
    };
    let mut rewritten = object.clone();
    if let Some(properties) = rewritten
        .get_mut("properties")
        .and_then(Value::as_object_mut)
    {
        for property in properties.values_mut() {
            *property = tolerant(property, schemas);
            let of_many = property["type"] == "array" || property["type"] == "object";
            if of_many && property.get("properties").is_none() {
                property["nullable"] = true.into();
            }
        }
    }
    for nested in ["items", "additionalProperties"] {
        if let Some(nested) = rewritten
            .get_mut(nested)
            .filter(|nested| nested.is_object())
        {
            *nested = tolerant(nested, schemas);
        }
    }
    if rewritten.get("additionalProperties") == Some(&Value::Bool(true)) {
        // typify keeps further fields only where they have a schema, be it the empty one.
        rewritten["additionalProperties"] = json!({});
    }
    rewritten.into()
}
