//! Turns the curated OpenAPI document into the table that the simulator checks requests against.
//!
//! Owns the reading of `openapi/opmanager.yaml`. Deliberately shares no code with the main crate's generation,
//! so that a mistake in one is caught by the other.

use std::{env, error::Error, fmt::Write as _, fs, path::Path};

use serde_json::{Value, json};

const DOCUMENT: &str = "../openapi/opmanager.yaml";
/// What the vendor's page has, as facts.
const PAGE: &str = "../openapi/vendor.json";

fn main() -> Result<(), Box<dyn Error>> {
    println!("cargo:rerun-if-changed={DOCUMENT}");
    println!("cargo:rerun-if-changed={PAGE}");
    let page: Value = serde_json::from_str(&fs::read_to_string(PAGE)?)?;
    let document: Value = serde_saphyr::from_str(&fs::read_to_string(DOCUMENT)?)?;
    let mut table = String::from("&[\n");
    let mut responses = json!({});
    for (path, item) in document["paths"]
        .as_object()
        .ok_or("the document has no paths")?
    {
        for (method, operation) in item.as_object().into_iter().flatten() {
            if let ("get" | "post", Some(id)) = (method.as_str(), operation["operationId"].as_str())
            {
                write_operation(
                    &mut table,
                    &document,
                    id,
                    &method.to_uppercase(),
                    path,
                    operation,
                    &documented(&page, path),
                )?;
                responses[id] =
                    operation["responses"]["200"]["content"]["application/json"]["schema"].clone();
            }
        }
    }
    table.push(']');
    let schemas = json!({ "responses": responses, "components": { "schemas": document["components"]["schemas"] } });
    #[expect(
        clippy::disallowed_methods,
        reason = "cargo tells a build script this way where to write"
    )]
    let out = env::var("OUT_DIR")?;
    fs::write(Path::new(&out).join("contract.rs"), table)?;
    fs::write(Path::new(&out).join("schemas.json"), schemas.to_string())?;
    Ok(())
}

fn write_operation(
    table: &mut String,
    document: &Value,
    id: &str,
    method: &str,
    path: &str,
    operation: &Value,
    documented: &dyn Fn(&str) -> bool,
) -> Result<(), Box<dyn Error>> {
    writeln!(
        table,
        "Operation {{ id: {id:?}, method: {method:?}, path: {path:?}, parameters: &["
    )?;
    for parameter in operation["parameters"].as_array().into_iter().flatten() {
        let parameter = resolve(document, parameter);
        let name = parameter["name"]
            .as_str()
            .ok_or_else(|| format!("{id}: a parameter has no name"))?;
        let required = parameter["required"] == true;
        let schema = resolve(document, &parameter["schema"]);
        write_parameter(
            table,
            name,
            "Query",
            required,
            schema,
            (parameter, documented(name)),
        )?;
    }
    let form = resolve(
        document,
        &operation["requestBody"]["content"]["application/x-www-form-urlencoded"]["schema"],
    );
    for (name, schema) in form["properties"].as_object().into_iter().flatten() {
        let required = form["required"]
            .as_array()
            .is_some_and(|names| names.iter().any(|other| other == name));
        write_parameter(
            table,
            name,
            "Form",
            required,
            resolve(document, schema),
            (schema, documented(name)),
        )?;
    }
    writeln!(
        table,
        "], exactly_one_of: &{:?},",
        strings(&operation["x-exactly-one-of"])
    )?;
    let limit = &operation["x-rate-limit"];
    match limit["requests-per-minute"].as_u64() {
        Some(requests) => {
            let minutes = limit["block-minutes"].as_u64().unwrap_or(1);
            writeln!(
                table,
                "rate_limit: Some(RateLimit {{ requests_per_minute: {requests}, block_minutes: {minutes} }}) }},"
            )?;
        }
        None => writeln!(table, "rate_limit: None }},")?,
    }
    Ok(())
}

fn write_parameter(
    table: &mut String,
    name: &str,
    place: &str,
    required: bool,
    schema: &Value,
    (stated, documented): (&Value, bool),
) -> Result<(), Box<dyn Error>> {
    let kind = match schema["type"].as_str() {
        Some("integer") => "Integer",
        Some("number") => "Number",
        Some("boolean") => "Boolean",
        _ => "Text",
    };
    let text = |value: &Value| match value {
        Value::Null => None,
        Value::String(text) => Some(text.clone()),
        other => Some(other.to_string()),
    };
    let (constant, default) = (text(&stated["x-constant"]), text(&stated["x-default"]));
    // A word for sending nothing is never sent.
    let mut values = strings(&schema["enum"]);
    values.retain(|value| stated["x-unsent"] != **value);
    writeln!(
        table,
        "Parameter {{ name: {name:?}, place: Place::{place}, required: {required}, kind: Kind::{kind}, values: &{:?}, \
         minimum: {:?}, maximum: {:?}, constant: {constant:?}, default: {default:?}, documented: {documented} }},",
        values,
        schema["minimum"].as_i64(),
        schema["maximum"].as_i64(),
    )?;
    Ok(())
}

/// Whether the page has a parameter of a path, in its table or in a sample.
fn documented(page: &Value, path: &str) -> impl Fn(&str) -> bool {
    let operations = page["operations"].as_array();
    let found = operations.into_iter().flatten();
    let found = found.filter(|operation| operation["path"] == path).cloned();
    let found: Vec<Value> = found.collect();
    move |name| {
        let has = |operation: &Value| {
            let names = operation["parameters"].as_array().into_iter().flatten();
            let mut names = names.filter_map(|parameter| parameter["name"].as_str());
            names.any(|other| other == name)
                || strings(&operation["samples"]).iter().any(|sample| {
                    ["?", "&"]
                        .iter()
                        .any(|before| sample.contains(&format!("{before}{name}=")))
                })
        };
        found.is_empty() || found.iter().any(has)
    }
}

fn strings(list: &Value) -> Vec<&str> {
    list.as_array()
        .into_iter()
        .flatten()
        .filter_map(Value::as_str)
        .collect()
}

fn resolve<'a>(document: &'a Value, value: &'a Value) -> &'a Value {
    match value["$ref"]
        .as_str()
        .and_then(|reference| document.pointer(reference.trim_start_matches('#')))
    {
        Some(target) => resolve(document, target),
        None => value,
    }
}
