//! What a caller gives: split into connection and operation arguments, and checked before any I/O.
//!
//! Every problem is reported at once, by the argument's name and with what is accepted. Values are never
//! quoted: one that was meant for another argument may be the key.

use std::collections::BTreeSet;
use std::fmt::Write as _;

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

/// The arguments that say where a call goes and how.
pub(crate) const CONNECTION_ARGUMENTS: [&str; 5] =
    ["host", "apiKey", "port", "use_ssl", "verify_ssl"];

/// The arguments that say what is wanted of an answer's list.
const SELECTION_ARGUMENTS: [&str; 3] = ["fields", "limit", "offset"];

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

/// Arguments of a tool whose answer has a list.
fn selection_properties() -> Map<String, Value> {
    object(json!({
        "fields": {
            "type": "string",
            "description": "Item fields to keep\nComma-separated names, as `answer` has them for an item; all by default.",
        },
        "limit": { "type": "integer", "description": "Default 50\nMost items to return, 1 to 1000." },
        "offset": {
            "type": "integer",
            "description": "Items to skip\nAn answer that is not whole says it as `next_offset`.",
        },
    }))
}

/// Bounds of our own arguments, which their schemas only tell in words.
const BOUNDS: [(&str, i64, i64); 3] = [
    ("port", 1, 65_535),
    ("limit", 1, 1000),
    ("offset", 0, i64::MAX),
];

fn object(value: Value) -> Map<String, Value> {
    match value {
        Value::Object(map) => map,
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

pub(crate) fn names(list: &Value) -> impl Iterator<Item = &str> {
    list.as_array()
        .into_iter()
        .flatten()
        .filter_map(Value::as_str)
}

/// A schema as it is for callers whose connection comes another way.
pub(crate) fn without_connection(schema: &Map<String, Value>) -> Map<String, Value> {
    let is_own = |name: &str| !CONNECTION_ARGUMENTS.contains(&name);
    let mut schema = schema.clone();
    if let Some(Value::Object(properties)) = schema.get_mut("properties") {
        properties.retain(|name, _| is_own(name));
    }
    if let Some(Value::Array(required)) = schema.get_mut("required") {
        required.retain(|name| name.as_str().is_some_and(is_own));
    }
    schema
}

/// The schema of a tool that takes nothing but a connection.
pub(crate) fn of_connection() -> Map<String, Value> {
    around(&Value::Null, false)
}

/// Checks all arguments of an operation's call.
pub(crate) fn check(tool: &CatalogueTool, given: Arguments) -> Result<Checked, Problems> {
    let expected = Expected {
        definition: tool.accepted(),
        selectors: tool.specification().exactly_one_of,
    };
    expected.check_call(given)
}

/// Checks the arguments of a tool that takes nothing but a connection.
pub(crate) fn check_connection(given: Arguments) -> Result<Connection, Problems> {
    let whole = of_connection();
    let expected = Expected {
        definition: &whole,
        selectors: &[],
    };
    Ok(expected.check_call(given)?.connection)
}

/// Checks the arguments of a tool that calls no OpManager. A connection that is given all the same is dropped.
pub(crate) fn check_offline(
    definition: &Map<String, Value>,
    mut given: Arguments,
) -> Result<Arguments, Problems> {
    let own = definition.get("properties").unwrap_or(&Value::Null);
    given.retain(|name, _| {
        own.get(name).is_some() || !CONNECTION_ARGUMENTS.contains(&name.as_str())
    });
    let expected = Expected {
        definition,
        selectors: &[],
    };
    let problems = expected.check(&mut given)?;
    if problems.is_empty() {
        Ok(given)
    } else {
        Err(Problems(problems))
    }
}

/// Takes the arguments of `call_operation` apart: the operation's name, and the arguments as its own tool takes
/// them.
pub(crate) fn of_operation(mut given: Arguments) -> Result<(String, Arguments), Problems> {
    let mut problems = Vec::new();
    let operation = match given.remove("operation") {
        Some(Value::String(operation)) => operation,
        Some(_) => {
            problems.push("`operation` must be a string".to_owned());
            String::new()
        }
        None => {
            problems.push("`operation` is missing: a name as in find_operations".to_owned());
            String::new()
        }
    };
    let own = match given.remove("arguments") {
        None | Some(Value::Null) => Arguments::new(),
        Some(Value::Object(own)) => own,
        Some(Value::String(text)) => serde_json::from_str(&text).unwrap_or_else(|_| {
            problems.push(NOT_AN_OBJECT.to_owned());
            Arguments::new()
        }),
        Some(_) => {
            problems.push(NOT_AN_OBJECT.to_owned());
            Arguments::new()
        }
    };
    for (name, value) in own {
        let ours = CONNECTION_ARGUMENTS.iter().chain(&SELECTION_ARGUMENTS);
        let ours = ours.copied().find(|ours| *ours == name);
        if given.insert(name, value).is_some() {
            // A name of the caller's own making may be a key.
            let shown = ours.map_or_else(|| "an argument".to_owned(), |name| format!("`{name}`"));
            problems.push(format!(
                "`arguments`: {shown} is given twice, in it and beside it"
            ));
        }
    }
    if problems.is_empty() {
        Ok((operation, given))
    } else {
        Err(Problems(problems))
    }
}

const NOT_AN_OBJECT: &str = "`arguments` must be a JSON object, e.g. {\"limit\":5}";

/// What a tool takes.
struct Expected<'a> {
    /// Its schema.
    definition: &'a Map<String, Value>,
    /// The arguments of which exactly one must be given.
    selectors: &'a [&'a str],
}

impl Expected<'_> {
    /// All that is wrong with the arguments by themselves. What stands for a number or a truth value becomes one.
    fn check(&self, given: &mut Arguments) -> Result<Vec<String>, Problems> {
        let mut problems = Vec::new();
        let known = self.definition.get("properties").unwrap_or(&Value::Null);
        given.retain(|name, _| !DROPPED.contains(&name.as_str()) || known.get(name).is_some());
        if given.len() > MOST_ARGUMENTS {
            return Err(Problems(vec![format!(
                "there are {} arguments, at most {MOST_ARGUMENTS} are read",
                given.len()
            )]));
        }
        let mut foreign = Vec::new();
        for (name, value) in given.iter_mut() {
            match known.get(name) {
                None => foreign.push(name.clone()),
                Some(schema) => {
                    coerce(value, schema);
                    problems.extend(check_value(name, value, schema));
                }
            }
        }
        let required = self.definition.get("required").unwrap_or(&Value::Null);
        for name in names(required) {
            if !given.contains_key(name) {
                let meaning = known[name]["description"].as_str().unwrap_or_default();
                problems.push(format!("`{name}` is missing: {}", listed(meaning)));
            }
        }
        problems.extend(exactly_one(self.selectors, given));
        if !foreign.is_empty() {
            let key = given.get("apiKey").and_then(Value::as_str);
            let key = key.and_then(|key| ApiKey::new(key.to_owned()).ok());
            let foreign = foreign.iter();
            problems.extend(foreign.map(|name| unknown(name, key.as_ref())));
            // Once is enough, however many there are.
            if let Some(last) = problems.last_mut() {
                let known: Vec<String> = known
                    .as_object()
                    .into_iter()
                    .flatten()
                    .map(|(name, _)| format!("`{name}`"))
                    .collect();
                let _ = write!(last, "; it takes {}", known.join(", "));
            }
        }
        Ok(problems)
    }

    fn check_call(&self, mut given: Arguments) -> Result<Checked, Problems> {
        let mut problems = self.check(&mut given)?;
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
        if let Some(key) = &key {
            // It would leave in the URL or be looked up as a name.
            let misplaced = given
                .iter()
                .filter(|(_, value)| value.as_str().is_some_and(|text| key.is_in(text)));
            for (name, _) in misplaced {
                problems.push(format!(
                    "`{name}` holds the API key, which belongs in `apiKey` alone"
                ));
            }
        }
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
                given.retain(|name, _| {
                    !CONNECTION_ARGUMENTS.contains(&name.as_str())
                        && !SELECTION_ARGUMENTS.contains(&name.as_str())
                });
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

/// What a tool's list says of a longer text: its first paragraph. The catalogue tells all of it.
pub(crate) fn listed(text: &str) -> &str {
    text.split('\n').next().unwrap_or_default()
}

/// Takes a text for the number or truth value that it spells, as some models and clients give them.
fn coerce(value: &mut Value, schema: &Value) {
    let Value::String(text) = value else {
        return;
    };
    let meant = match schema["type"].as_str() {
        // A sign before it is not how anybody writes a port or a limit.
        Some("integer") if text.starts_with('+') => None,
        Some("integer") => text.parse::<i64>().ok().map(Value::from),
        Some("number") => text
            .parse::<f64>()
            .ok()
            .filter(|_| !text.contains(char::is_alphabetic))
            .and_then(serde_json::Number::from_f64)
            .map(Value::Number),
        Some("boolean") => match text.as_str() {
            "true" | "True" => Some(Value::Bool(true)),
            "false" | "False" => Some(Value::Bool(false)),
            _ => None,
        },
        _ => None,
    };
    if let Some(meant) = meant {
        *value = meant;
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
        query: defaults.query,
    }
}

/// What is said of an argument that there is not. Its name is repeated only if it looks like a name and not like a key,
/// which has digits.
fn unknown(name: &str, key: Option<&ApiKey>) -> String {
    /// Longest name of an argument that is believed to be one, in characters.
    const LONGEST_NAME: usize = 40;
    let is_name = name.len() <= LONGEST_NAME
        && name.bytes().all(|byte| byte.is_ascii_alphabetic() || matches!(byte, b'_' | b'-' | b'.'))
        // A key that was also given as a name is still a key.
        && key.is_none_or(|key| key.redact(name).is_none());
    if is_name {
        format!("`{name}` is not an argument of this tool")
    } else {
        "an argument is given that is not one of this tool".to_owned()
    }
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
                let own = BOUNDS.iter().find(|(own, ..)| *own == name);
                let (minimum, maximum) = match own {
                    Some((_, minimum, maximum)) => {
                        (Some(*minimum), Some(*maximum).filter(|m| *m < i64::MAX))
                    }
                    None => (bound("minimum"), bound("maximum")),
                };
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
        return Some(format!("must have at most {LONGEST_TEXT} characters"));
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
