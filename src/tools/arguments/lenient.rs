//! What clients and models write instead of what a schema says, where only one thing can be meant.
//!
//! Owns every such form. What could mean two things stays as it is, and is rejected by the check that follows.

use serde_json::{Map, Value};

use super::{Arguments, codes};
use crate::result::Words;

/// Arguments that clients add to every call, and where that was seen. They are not ours and not OpManager's: dropped.
const ADDED_BY_CLIENTS: [(&str, &str); 8] = [
    ("sessionId", "n8n, AI Agent node"),
    ("action", "n8n, AI Agent node"),
    ("chatInput", "n8n, AI Agent node"),
    ("toolCallId", "n8n, issue 21500"),
    ("tool", "n8n, issue 21500"),
    ("wait_for_previous", "Gemini CLI, issue 27403"),
    ("task_progress", "Cline, issues 8256 and 10426"),
    (
        "random_string",
        "Cursor, for tools without required arguments",
    ),
];

/// Names under which one thing stands in different operations. A name of a group stands for the one argument of the
/// tool that is in the same group.
const SYNONYMS: [&[&str]; 11] = [
    &["name", "deviceName", "device", "source"],
    &["interfaceName", "interface", "InterfaceName"],
    &["groupName", "group", "logicalGroup"],
    &["bvName", "bview", "businessView", "view"],
    &["entity", "alarm", "alarmEntity"],
    &[
        "fromTime",
        "startTime",
        "startDate",
        "from",
        "start",
        "since",
    ],
    &["toTime", "endTime", "endDate", "to", "end", "until"],
    &["period", "time", "timePeriod"],
    &["where", "filter", "condition", "conditions"],
    &["sort", "sortBy", "orderBy"],
    &["count_by", "groupBy", "countBy"],
];

/// Brings arguments into the form of their schema: names, absent values, types. `known` tells the schema of an argument.
pub(super) fn understood<'a>(
    given: Arguments,
    properties: &'a Map<String, Value>,
    known: impl Fn(&str) -> Option<&'a Value>,
) -> Arguments {
    let mut understood = Arguments::new();
    let mut renamed = Vec::new();
    for (name, value) in given {
        if let Some(schema) = known(&name) {
            let value = as_meant(value, schema);
            if !is_absent(&value) {
                understood.insert(name, value);
            }
        } else if !ADDED_BY_CLIENTS.iter().any(|(added, _)| *added == name) {
            renamed.push((name, value));
        }
    }
    for (name, value) in renamed {
        let Some((meant, schema)) =
            meant(&name, properties, &known).and_then(|meant| Some((meant, known(meant)?)))
        else {
            understood.insert(name, value);
            continue;
        };
        let value = as_meant(value, schema);
        if is_absent(&value) {
            continue;
        }
        // What is given by its own name decides.
        let is_free = !understood.contains_key(meant);
        understood.insert(if is_free { meant.to_owned() } else { name }, value);
    }
    understood
}

/// The argument that another name stands for: the same in another case or with other separators, or the only one of its
/// group.
fn meant<'a>(
    name: &str,
    properties: &'a Map<String, Value>,
    known: &impl Fn(&str) -> Option<&'a Value>,
) -> Option<&'a str> {
    let accepted = || {
        let names = properties.keys().map(String::as_str);
        names.filter(|name| known(name).is_some())
    };
    let plain = plain(name);
    only(accepted().filter(|other| self::plain(other) == plain)).or_else(|| {
        let group = SYNONYMS
            .iter()
            .find(|group| group.iter().any(|synonym| self::plain(synonym) == plain))?;
        only(accepted().filter(|other| group.contains(other)))
    })
}

fn only<T>(mut all: impl Iterator<Item = T>) -> Option<T> {
    let first = all.next()?;
    all.next().is_none().then_some(first)
}

/// A name without case and separators.
pub(crate) fn plain(name: &str) -> String {
    name.chars()
        .filter(|c| !matches!(c, '_' | '-' | ' '))
        .flat_map(char::to_lowercase)
        .collect()
}

/// Whether a value says that there is none: no argument takes an empty text.
pub(super) fn is_absent(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::String(text) => text.trim().is_empty(),
        Value::Array(items) => items.is_empty(),
        _ => false,
    }
}

/// A value in the type of its schema, if that is what it can be read as, and as it came otherwise.
fn as_meant(value: Value, schema: &Value) -> Value {
    let kind = schema["type"].as_str().unwrap_or_default();
    let description = schema["description"].as_str().unwrap_or_default();
    match (kind, &value) {
        ("integer" | "number", Value::String(text)) => {
            let coded = || code_of(text, description).map(Value::from);
            as_kind(kind, &value).or_else(coded).unwrap_or(value)
        }
        ("string", Value::Array(items)) if is_conditions(description) => {
            let texts = items.iter().map(Value::as_str).collect::<Option<Vec<_>>>();
            match texts.map(|texts| texts.join(" and ")) {
                Some(texts) => Value::String(texts),
                None => value,
            }
        }
        ("string", Value::Array(items)) if is_comma_list(description) || items.len() == 1 => {
            let joined = joined(items);
            let codes = joined.as_deref().and_then(|text| {
                codes::understood(text, description, |word| code_of(word, description))
            });
            codes.or(joined).map_or(value, Value::String)
        }
        ("string", Value::String(text)) => {
            if text.trim_start().starts_with('[')
                && is_comma_list(description)
                && let Ok(items) = serde_json::from_str::<Vec<Value>>(text)
                && let Some(joined) = joined(&items)
            {
                return Value::String(joined);
            }
            in_the_case_of(text, schema)
                .or_else(|| word_of(text, schema, description))
                .or_else(|| codes::understood(text, description, |word| code_of(word, description)))
                .map_or(value, Value::String)
        }
        ("string", Value::Number(number)) => {
            let text = match number.as_f64() {
                // `3.0` is how some clients write `3`.
                Some(float) if number.is_f64() && float.fract() == 0.0 && float.abs() < 1e15 => {
                    format!("{float:.0}")
                }
                _ => number.to_string(),
            };
            let word = word_of(&text, schema, description);
            Value::String(word.unwrap_or(text))
        }
        ("string", Value::Bool(flag)) => {
            let text = flag.to_string();
            Value::String(in_the_case_of(&text, schema).unwrap_or(text))
        }
        _ => as_kind(kind, &value).unwrap_or(value),
    }
}

/// A value as a number or truth value: one that is spelled as text, or a number without a fraction. `None` if it is not
/// one, or needs no change.
pub(super) fn as_kind(kind: &str, value: &Value) -> Option<Value> {
    match (kind, value) {
        ("integer", Value::Number(number)) => whole(number.as_f64().filter(|_| number.is_f64())?),
        ("integer", Value::String(text)) => {
            let text = text.trim();
            // A sign before it is not how anybody writes a port or a limit.
            if text.starts_with('+') || text.contains(char::is_alphabetic) {
                return None;
            }
            let number = text.parse::<i64>().ok().map(Value::from);
            number.or_else(|| whole(text.parse().ok()?))
        }
        ("number", Value::String(text)) => text
            .trim()
            .parse::<f64>()
            .ok()
            .filter(|_| !text.contains(char::is_alphabetic))
            .and_then(serde_json::Number::from_f64)
            .map(Value::Number),
        ("boolean", Value::String(text)) => match text.trim().to_ascii_lowercase().as_str() {
            "true" | "yes" | "on" | "1" => Some(true.into()),
            "false" | "no" | "off" | "0" => Some(false.into()),
            _ => None,
        },
        ("boolean", Value::Number(number)) => match number.as_f64() {
            Some(1.0) => Some(true.into()),
            Some(0.0) => Some(false.into()),
            _ => None,
        },
        _ => None,
    }
}

/// A number without a fraction as an integer, if it is one exactly.
fn whole(number: f64) -> Option<Value> {
    /// From here on not every integer is a double.
    const EXACT: f64 = 9_007_199_254_740_992.0;
    #[allow(
        clippy::cast_possible_truncation,
        reason = "it is whole and within bounds"
    )]
    (number.fract() == 0.0 && number.abs() < EXACT).then(|| Value::from(number as i64))
}

/// Whether a text holds several values, as its description says.
fn is_comma_list(description: &str) -> bool {
    description.contains("omma-separated") || description.contains("joined by commas")
}

/// Whether a text holds several conditions, as its description says.
fn is_conditions(description: &str) -> bool {
    description.contains("joined by and")
}

/// Scalars as a comma list; `None` if one of them is none, or holds a comma.
fn joined(items: &[Value]) -> Option<String> {
    let texts: Option<Vec<String>> = items
        .iter()
        .map(|item| match item {
            Value::String(text) => (!text.contains(',')).then(|| text.trim().to_owned()),
            Value::Number(number) => Some(match whole(number.as_f64()?) {
                Some(whole) => whole.to_string(),
                None => number.to_string(),
            }),
            _ => None,
        })
        .filter(|item| item.as_deref() != Some(""))
        .collect();
    Some(texts?.join(","))
}

fn choices(schema: &Value) -> impl Iterator<Item = &str> {
    super::names(&schema["enum"])
}

/// The choice that a text is in another case or with other separators.
fn in_the_case_of(text: &str, schema: &Value) -> Option<String> {
    let meant = plain(text.trim());
    let fits = |choice: &&str| plain(choice) == meant;
    choices(schema)
        .find(|choice| *choice == text)
        .or_else(|| only(choices(schema).filter(fits)))
        .map(str::to_owned)
}

/// The codes that a description explains, such as `1 Critical, 2 Trouble` or `Today 6, Yesterday 7`.
pub(super) fn codes(description: &str) -> Vec<(i64, String)> {
    let phrases = description.split([',', ';', ':', '.', '\n']);
    let read = |phrase: &str| {
        let phrase = phrase.trim().trim_start_matches("or ");
        let (first, rest) = phrase.split_once(' ')?;
        let (last_rest, last) = phrase.rsplit_once(' ')?;
        let pair = match (first.parse().ok(), last.parse().ok()) {
            (Some(code), _) => (code, rest),
            (None, Some(code)) => (code, last_rest),
            (None, None) => return None,
        };
        let (code, word) = pair;
        let is_word = word.starts_with(char::is_alphabetic) && word.split(' ').count() <= 2;
        is_word.then(|| (code, word.to_owned()))
    };
    phrases.filter_map(read).collect()
}

/// The words that stand for codes in an answer, from its outline: for each field whose description explains its codes.
pub(crate) fn words(answer: &str) -> Vec<Words> {
    let outline = serde_json::from_str(answer).unwrap_or_default();
    let mut found: Vec<Words> = Vec::new();
    let mut ahead = vec![("", &outline)];
    while let Some((name, value)) = ahead.pop() {
        match value {
            Value::Object(members) => {
                ahead.extend(members.iter().map(|(name, value)| (name.as_str(), value)));
            }
            Value::Array(items) => ahead.extend(items.iter().map(|item| (name, item))),
            Value::String(meaning) => {
                let codes = codes(meaning);
                if codes.len() > 1 && !found.iter().any(|words| words.field == name) {
                    let codes = codes
                        .into_iter()
                        .map(|(code, word)| (word, code.to_string()));
                    found.push(Words {
                        field: name.to_owned(),
                        codes: codes.collect(),
                    });
                }
            }
            _ => {}
        }
    }
    found
}

/// The code of a word, where the description has both.
fn code_of(word: &str, description: &str) -> Option<i64> {
    let meant = plain(word.trim());
    only(
        codes(description)
            .into_iter()
            .filter(|(_, word)| plain(word) == meant)
            .map(|(code, _)| code),
    )
}

/// The choice whose code is given, where the description has both.
fn word_of(code: &str, schema: &Value, description: &str) -> Option<String> {
    let code: i64 = code.trim().parse().ok()?;
    let codes = codes(description);
    let word = only(codes.iter().filter(|(known, _)| *known == code))?
        .1
        .as_str();
    in_the_case_of(word, schema)
}
