//! How schemas of answers are read: references, properties, the tolerant types of scalars, and the Rust type of an
//! operation's answer.

use serde_json::{Map, Value};

use crate::document::Operation;

/// The Rust type of an operation's answer.
pub(crate) enum Output<'a> {
    /// A component schema.
    Schema(&'a str),
    /// A list of a component schema.
    List(&'a str),
    /// A type made for this operation alone, `<Op>Response`.
    Own,
}

impl Operation {
    /// The Rust type of the answer, from the shape of the response schema. A named scalar has no type.
    pub(crate) fn output(&self, schemas: &Map<String, Value>) -> Output<'_> {
        let component = |schema| component(schema).filter(|_| scalar(schema, schemas).is_none());
        match (
            component(&self.response),
            component(&self.response["items"]),
        ) {
            (Some(name), _) => Output::Schema(name),
            (None, Some(name)) => Output::List(name),
            (None, None) => Output::Own,
        }
    }
}

/// The component schema that a schema refers to.
pub(crate) fn component(schema: &Value) -> Option<&str> {
    schema.get("$ref")?.as_str()?.rsplit('/').next()
}

/// What a schema refers to, also by the one item of an `allOf`; otherwise the schema itself.
pub(crate) fn resolve<'a>(schema: &'a Value, schemas: &'a Map<String, Value>) -> &'a Value {
    let only = schema["allOf"]
        .as_array()
        .and_then(|all| all.first())
        .unwrap_or(schema);
    component(only)
        .and_then(|name| schemas.get(name))
        .unwrap_or(only)
}

/// The properties of an object schema.
pub(crate) fn properties(schema: &Value) -> impl Iterator<Item = (&String, &Value)> {
    schema["properties"].as_object().into_iter().flatten()
}

/// The tolerant type of a scalar schema: of its own type, of the more precise of two types that the API
/// mixes, or of the named scalar that it refers to.
pub(crate) fn scalar(schema: &Value, schemas: &Map<String, Value>) -> Option<&'static str> {
    match schema["type"].as_str() {
        Some("string") => return Some("Text"),
        Some("integer") => return Some("Integer"),
        Some("number") => return Some("Number"),
        Some("boolean") => return Some("Flag"),
        Some(_) => return None,
        None => {}
    }
    if let Some(name) = component(schema) {
        return scalar(schemas.get(name)?, schemas);
    }
    if let [only] = schema["allOf"]
        .as_array()
        .map(Vec::as_slice)
        .unwrap_or_default()
    {
        return scalar(only, schemas);
    }
    let options: Vec<&str> = schema["oneOf"]
        .as_array()?
        .iter()
        .filter_map(|option| scalar(option, schemas))
        .collect();
    ["Integer", "Number", "Flag", "Text"]
        .into_iter()
        .find(|name| options.contains(name))
}
