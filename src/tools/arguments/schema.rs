//! The schemas of arguments: those of a tool's own, and around them those that are ours.
//!
//! Owns our own arguments, their bounds and what is said of them. Checks nothing.

use serde_json::{Map, Value, json};

use super::{CONNECTION_ARGUMENTS, SCOPE_ARGUMENTS};

/// The connection arguments that must be given.
const CONNECTION_REQUIRED: [&str; 2] = ["host", "apiKey"];

/// The arguments that say what is wanted of an answer.
pub(crate) const SELECTION_ARGUMENTS: [&str; 7] = [
    "fields", "limit", "offset", "where", "sort", "count_by", "points",
];

/// What can be asked of an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Asked {
    /// Which items of its list, of them which fields, in which order, or how many.
    List,
    /// Which of its members, and points of its series.
    Series,
    /// Which of its members.
    Object,
    /// Nothing.
    Nothing,
}

/// Arguments that every call of an operation takes. Their bounds are ours to check, and told in words: they stand
/// in every tool of the list.
fn connection_properties() -> Map<String, Value> {
    object(json!({
        "host": { "type": "string", "description": "host or host:port" },
        "apiKey": { "type": "string", "description": "For this call only" },
        "port": { "type": "integer", "description": "Default 8061" },
        "use_ssl": { "type": "boolean", "description": "Default by port" },
        "verify_ssl": { "type": "boolean", "description": "Default true" },
    }))
}

/// Arguments about the answer. Those that stand in nearly every tool have no text in the list: the server's instructions
/// tell of them once, and the catalogue in full.
fn selection_properties(asked: Asked) -> Map<String, Value> {
    let list = json!({
        "fields": {
            "type": "string",
            "description": "\nItem fields to keep\nComma-separated names, as `answer` has them for an item, also inner ones (a.b); `*` for all. By default those that answer the usual question.",
        },
        "where": {
            "type": "string",
            "description": "\nOnly items that meet conditions, joined by and: severity<=2 and displayName~lyon and who!=admin. Operators are = != < <= > >= ~ (contains) !~; names and values with blanks go in quotes, inner fields have dots (a.b). Numbers compare with their units, times as times, texts in any case; words of an enum stand for its codes.",
        },
        "sort": {
            "type": "string",
            "description": "\nComma-separated item fields, in this order; - before a name is largest first: -inUtil,displayName.",
        },
        "count_by": {
            "type": "string",
            "description": "\nCounts instead of items: one or two comma-separated item fields, by whose values items are counted, largest group first.",
        },
        "limit": { "type": "integer", "description": "\nMost items to return, 1 to 1000, 50 by default." },
        "offset": {
            "type": "integer",
            "description": "\nItems to skip. An answer that is not whole says it as `next_offset`.",
        },
    });
    let fields = json!({
        "type": "string",
        "description": "\nMembers of the answer to keep: comma-separated names as in `answer`, inner ones with dots (a.b); `*` for all.",
    });
    object(match asked {
        Asked::List => list,
        Asked::Series => json!({
            "fields": fields,
            "points": {
                "type": "integer",
                "description": "\nPoints of each series beside its summary, evenly thinned, newest kept: 0 to 1000, none by default.",
            },
        }),
        Asked::Object => json!({ "fields": fields }),
        Asked::Nothing => json!({}),
    })
}

/// Bounds of our own arguments, which their schemas only tell in words.
pub(super) const BOUNDS: [(&str, i64, i64); 3] = [
    ("limit", 1, 1000),
    ("offset", 0, i64::MAX),
    ("points", 0, 1000),
];

fn object(value: Value) -> Map<String, Value> {
    match value {
        Value::Object(map) => map,
        _ => Map::new(),
    }
}

/// An operation's schema with the arguments that are ours around it: the required ones first.
pub(crate) fn around(schema: &Value, asked: Asked) -> Map<String, Value> {
    let own = schema["properties"]
        .as_object()
        .cloned()
        .unwrap_or_default();
    let own_required: Vec<&str> = names(&schema["required"]).collect();
    let mut properties = Map::new();
    let mut optional = Map::new();
    for (name, property) in connection_properties() {
        if CONNECTION_REQUIRED.contains(&name.as_str()) {
            properties.insert(name, property);
        } else {
            optional.insert(name, property);
        }
    }
    properties.extend(own);
    properties.extend(selection_properties(asked));
    properties.extend(optional);
    let required: Vec<&str> = CONNECTION_REQUIRED
        .into_iter()
        .chain(own_required)
        .collect();
    let mut whole = Map::new();
    whole.insert("type".into(), "object".into());
    whole.insert("properties".into(), properties.into());
    whole.insert("required".into(), json!(required));
    whole.insert("additionalProperties".into(), false.into());
    whole
}

pub(crate) fn names(list: &Value) -> impl Iterator<Item = &str> {
    list.as_array()
        .into_iter()
        .flatten()
        .filter_map(Value::as_str)
}

/// A schema as it is for callers whose connection comes another way.
pub(crate) fn without_connection(schema: &Map<String, Value>) -> Map<String, Value> {
    let is_own =
        |name: &str| !CONNECTION_ARGUMENTS.contains(&name) && !SCOPE_ARGUMENTS.contains(&name);
    let mut schema = schema.clone();
    if let Some(Value::Object(properties)) = schema.get_mut("properties") {
        properties.retain(|name, _| is_own(name));
    }
    if let Some(Value::Array(required)) = schema.get_mut("required") {
        required.retain(|name| name.as_str().is_some_and(is_own));
    }
    schema
}

/// A schema as it is where calls may be about a part of an MSP Central: of a tool that takes a connection, that too.
pub(crate) fn with_scope(schema: &Map<String, Value>) -> Map<String, Value> {
    let mut schema = schema.clone();
    if let Some(Value::Object(properties)) = schema.get_mut("properties")
        && properties.contains_key(CONNECTION_REQUIRED[0])
    {
        let descriptions = ["Customer, -1 for all", "Region, -1 for all"];
        for (name, description) in SCOPE_ARGUMENTS.into_iter().zip(descriptions) {
            let property = json!({ "type": "integer", "description": description });
            properties.insert(name.to_owned(), property);
        }
    }
    schema
}

/// What a tool's list says of a longer text: its first paragraph. The catalogue tells all of it.
pub(crate) fn listed(text: &str) -> &str {
    text.split('\n').next().unwrap_or_default()
}
