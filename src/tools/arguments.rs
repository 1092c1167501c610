//! What a caller gives: split into connection and operation arguments, and checked before any I/O.
//!
//! Every problem is reported at once, by the argument's name and with what is accepted. Values are never
//! quoted: one that was meant for another argument may be the key.

use std::collections::BTreeSet;

use serde_json::{Map, Value, json};

use super::{Arguments, CatalogueTool};
use crate::opmanager::{ApiKey, Connection, Error, Target, Trust};
use crate::result::Selection;

/// Longest text of one argument, in characters.
const LONGEST_TEXT: usize = 4096;
/// Most arguments of one call.
const MOST_ARGUMENTS: usize = 100;

/// Arguments that n8n's agent node adds to every call. They are not ours and not OpManager's: dropped.
const DROPPED: [&str; 5] = ["sessionId", "action", "chatInput", "toolCallId", "tool"];

/// The connection arguments that must be given.
const CONNECTION_REQUIRED: [&str; 2] = ["host", "apiKey"];

/// A call that may be made: everything in it has been checked.
pub(crate) struct Checked {
    /// Where to, how trusted, with which key.
    pub(crate) connection: Connection,
    /// The operation's arguments.
    pub(crate) arguments: Value,
    /// What is wanted of the answer's list.
    pub(crate) selection: Selection,
}

/// Everything that is wrong with the arguments, ready to be read by a model.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Problems(Vec<String>);

impl From<Error> for Problems {
    fn from(error: Error) -> Self {
        Self(vec![error.to_string()])
    }
}

impl Problems {
    /// The problems as a text, one a line.
    pub(crate) fn text(&self, tool: &str) -> String {
        format!(
            "Invalid arguments for `{tool}`; nothing was sent.\n{}",
            self.0.join("\n")
        )
    }
}

fn connection_properties() -> Map<String, Value> {
    let properties = json!({
        "host": { "type": "string", "description": "OpManager server: host or host:port (default port 8061)" },
        "apiKey": { "type": "string", "description": "OpManager API key; used for this call only" },
        "port": { "type": "integer", "minimum": 1, "maximum": 65535, "description": "Port, unless given in host" },
        "use_ssl": { "type": "boolean", "description": "HTTPS; by default on every port but 8060 and 80" },
        "verify_ssl": { "type": "boolean", "description": "Verify the certificate; default true" },
    });
    match properties {
        Value::Object(properties) => properties,
        _ => Map::new(),
    }
}

/// Arguments of a tool whose answer has a list.
fn selection_properties() -> Map<String, Value> {
    let properties = json!({
        "fields": { "type": "string", "description": "Comma-separated field names to keep in each item" },
        "limit": { "type": "integer", "minimum": 1, "maximum": 1000, "description": "Most items; default 50" },
        "offset": { "type": "integer", "minimum": 0, "description": "Items to skip; see next_offset" },
    });
    match properties {
        Value::Object(properties) => properties,
        _ => Map::new(),
    }
}

/// An operation's schema with the arguments that are ours around it: the required ones first.
pub(crate) fn around(schema: &Value, has_list: bool) -> Map<String, Value> {
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
    if has_list {
        properties.extend(selection_properties());
    }
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

fn names(list: &Value) -> impl Iterator<Item = &str> {
    list.as_array()
        .into_iter()
        .flatten()
        .filter_map(Value::as_str)
}

/// The schema of a tool that takes nothing but a connection.
pub(crate) fn of_connection() -> Map<String, Value> {
    around(&Value::Null, false)
}

/// Checks all arguments of a call.
pub(crate) fn check(tool: &CatalogueTool, given: Arguments) -> Result<Checked, Problems> {
    let expected = Expected {
        definition: &tool.definition().input_schema,
        own: &tool.schema()["properties"],
        selectors: tool.specification().exactly_one_of,
    };
    expected.check(given)
}

/// Checks the arguments of a tool that takes nothing but a connection.
pub(crate) fn check_connection(given: Arguments) -> Result<Connection, Problems> {
    let whole = of_connection();
    let expected = Expected {
        definition: &whole,
        own: &Value::Null,
        selectors: &[],
    };
    Ok(expected.check(given)?.connection)
}

/// What a tool takes.
struct Expected<'a> {
    /// Its schema.
    definition: &'a Map<String, Value>,
    /// The properties of its operation.
    own: &'a Value,
    /// The arguments of which exactly one must be given.
    selectors: &'a [&'a str],
}

impl Expected<'_> {
    fn check(&self, mut given: Arguments) -> Result<Checked, Problems> {
        let mut problems = Vec::new();
        let own = self.own;
        given.retain(|name, _| !DROPPED.contains(&name.as_str()) || own.get(name).is_some());
        if given.len() > MOST_ARGUMENTS {
            return Err(Problems(vec![format!(
                "there are {} arguments, at most {MOST_ARGUMENTS} are read",
                given.len()
            )]));
        }
        let known = self.definition.get("properties").unwrap_or(&Value::Null);
        for (name, value) in &given {
            if let Some(schema) = known.get(name) {
                problems.extend(check_value(name, value, schema));
            }
        }
        let required = self.definition.get("required").unwrap_or(&Value::Null);
        for name in names(required) {
            if !given.contains_key(name) {
                let meaning = known[name]["description"].as_str().unwrap_or_default();
                problems.push(format!("`{name}` is missing: {meaning}"));
            }
        }
        problems.extend(exactly_one(self.selectors, &given));
        let plain_host = given
            .get("host")
            .and_then(Value::as_str)
            .is_none_or(|host| !host.contains(['.', ':']));
        let key = match given.remove("apiKey") {
            Some(Value::String(key)) if plain_host && is_host(&key) => {
                problems.push(
                    "`apiKey` looks like a host: host and key may have been swapped".to_owned(),
                );
                None
            }
            Some(Value::String(key)) => ApiKey::new(key)
                .map_err(|error| problems.push(error.to_string()))
                .ok(),
            _ => None,
        };
        let foreign = given.keys().filter(|name| known.get(name).is_none());
        problems.extend(foreign.map(|name| unknown(name, known, key.as_ref())));
        let target = target(&given)
            .map_err(|error| problems.push(error.to_string()))
            .ok()
            .flatten();
        let trust = match given.get("verify_ssl") {
            Some(Value::Bool(false)) => Trust::Unverified,
            _ => Trust::Verified,
        };
        let selection = selection(&given);
        match (key, target) {
            (Some(key), Some(target)) if problems.is_empty() => {
                given.retain(|name, _| own.get(name).is_some());
                Ok(Checked {
                    connection: Connection::with(target, trust, key),
                    arguments: Value::Object(given),
                    selection,
                })
            }
            _ => {
                let mut seen = BTreeSet::new();
                problems.retain(|problem| seen.insert(problem.clone()));
                Err(Problems(problems))
            }
        }
    }
}

/// Whether a text given as the key is a host: an address, or a name with a dot, a port or a scheme. With such a
/// key, what stands in the place of the host may be the real one, and must be neither resolved nor repeated.
/// A plain word can be either.
fn is_host(key: &str) -> bool {
    let (scheme, rest) = key.split_once("://").unwrap_or(("", key));
    let host = rest.trim_end_matches('/');
    let telling = !scheme.is_empty() || host.contains(['.', ':']) || host == "localhost";
    telling && Target::parse(host, None, None).is_ok()
}

/// The target, if the arguments that make it have the right types; their absence is reported elsewhere.
fn target(given: &Arguments) -> Result<Option<Target>, Error> {
    let Some(Value::String(host)) = given.get("host") else {
        return Ok(None);
    };
    let port = match given.get("port") {
        None => None,
        Some(port) => match port.as_u64().and_then(|port| u16::try_from(port).ok()) {
            None => return Ok(None),
            some => some,
        },
    };
    let use_ssl = given.get("use_ssl").and_then(Value::as_bool);
    Target::parse(host, port, use_ssl).map(Some)
}

/// The selection, from arguments whose types have been checked.
fn selection(given: &Arguments) -> Selection {
    let number = |name: &str| {
        given
            .get(name)
            .and_then(Value::as_u64)
            .and_then(|n| usize::try_from(n).ok())
    };
    let fields = given
        .get("fields")
        .and_then(Value::as_str)
        .unwrap_or_default();
    let defaults = Selection::default();
    Selection {
        fields: fields
            .split(',')
            .map(str::trim)
            .filter(|name| !name.is_empty())
            .map(str::to_owned)
            .collect(),
        limit: number("limit").unwrap_or(defaults.limit),
        offset: number("offset").unwrap_or(defaults.offset),
    }
}

fn unknown(name: &str, known: &Value, key: Option<&ApiKey>) -> String {
    let plain: String = name.chars().filter(|c| !c.is_control()).collect();
    // A key that was also given as a name is still a key.
    let harmless = key.and_then(|key| key.redact(&plain)).unwrap_or(plain);
    let shown: String = harmless.chars().take(64).collect();
    let accepted: Vec<String> = known
        .as_object()
        .into_iter()
        .flatten()
        .map(|(name, _)| format!("`{name}`"))
        .collect();
    format!(
        "`{shown}` is not an argument of this tool; it takes {}",
        accepted.join(", ")
    )
}

fn check_value(name: &str, value: &Value, schema: &Value) -> Option<String> {
    let problem = match schema["type"].as_str() {
        Some("string") => match value.as_str() {
            None => Some("must be a string".to_owned()),
            Some(text) => check_text(name, text, schema),
        },
        Some("integer") => match value.as_i64() {
            None => Some("must be a whole number".to_owned()),
            Some(number) => {
                let bound = |key: &str| schema.get(key).and_then(Value::as_i64);
                let (minimum, maximum) = (bound("minimum"), bound("maximum"));
                let within =
                    minimum.is_none_or(|m| number >= m) && maximum.is_none_or(|m| number <= m);
                (!within).then(|| match (minimum, maximum) {
                    (Some(minimum), Some(maximum)) => format!("must be {minimum} to {maximum}"),
                    (Some(minimum), None) => format!("must be at least {minimum}"),
                    (None, Some(maximum)) => format!("must be at most {maximum}"),
                    (None, None) => "must be a whole number".to_owned(),
                })
            }
        },
        Some("number") => (!value.is_number()).then(|| "must be a number".to_owned()),
        Some("boolean") => (!value.is_boolean()).then(|| "must be true or false".to_owned()),
        _ => None,
    };
    problem.map(|problem| format!("`{name}` {problem}"))
}

fn check_text(name: &str, text: &str, schema: &Value) -> Option<String> {
    if text.chars().count() > LONGEST_TEXT {
        return Some(format!("is longer than {LONGEST_TEXT} characters"));
    }
    // Notes are the one kind of text that people write in several lines.
    let allowed: &[char] = if name == "notes" { &['\t', '\n'] } else { &[] };
    if text
        .chars()
        .any(|c| c.is_control() && !allowed.contains(&c))
    {
        return Some("holds control characters".to_owned());
    }
    let values: Vec<&str> = names(&schema["enum"]).collect();
    if !values.is_empty() && !values.contains(&text) {
        return Some(format!("must be one of {}", values.join(", ")));
    }
    None
}

fn exactly_one(selectors: &[&str], given: &Arguments) -> Option<String> {
    let count = selectors
        .iter()
        .filter(|name| given.contains_key(**name))
        .count();
    (!selectors.is_empty() && count != 1).then(|| {
        let selectors: Vec<String> = selectors.iter().map(|name| format!("`{name}`")).collect();
        format!(
            "exactly one of {} must be given, {count} were",
            selectors.join(", ")
        )
    })
}
