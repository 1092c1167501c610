//! Arguments against the schema of their tool.
//!
//! Owns what stands for what, and the words for everything that does not fit. Knows no connection.

use std::fmt::Write as _;

use serde_json::{Map, Value};

use super::connection::{SCOPE_ARGUMENTS, is_of_scope};
use super::schema::{BOUNDS, listed, names};
use super::{Arguments, Problems, codes, lenient};
use crate::opmanager::ApiKey;
use crate::result::{Query, Selection, Sort, Where, Words, count_by};
use crate::tools::policy::suggestion;

/// Longest text of one argument, in characters.
const LONGEST_TEXT: usize = 4096;
/// Most arguments of one call.
const MOST_ARGUMENTS: usize = 100;

/// What is said of an argument that is taken for an MSP Central only.
const NEEDS_MSP: &str = "is not an argument of this tool: it is for an MSP Central, and this server was started without --msp; its operator can add it";

/// What a tool takes.
pub(super) struct Expected<'a> {
    /// Its schema.
    pub(super) definition: &'a Map<String, Value>,
    /// The arguments of which exactly one must be given.
    pub(super) selectors: &'a [&'a str],
    /// The arguments of the schema that are not looked at here: they were taken out before.
    pub(super) taken: &'a [&'a str],
    /// Whether the reader gives those as arguments, and so is told of them.
    pub(super) tells_taken: bool,
    /// Whether calls may be about a part of an MSP Central.
    pub(super) msp: bool,
}

impl Expected<'_> {
    /// All that is wrong with the arguments by themselves. What stands for a number or a truth value becomes one. With
    /// the key it is seen that nothing repeats it.
    pub(super) fn check(
        &self,
        given: &mut Arguments,
        key: Option<&ApiKey>,
    ) -> Result<Vec<String>, Problems> {
        let mut problems = Vec::new();
        let properties = self.definition.get("properties").unwrap_or(&Value::Null);
        let known = |name: &str| {
            let taken = self.taken.contains(&name);
            properties.get(name).filter(|_| !taken)
        };
        if given.len() > MOST_ARGUMENTS {
            return Err(Problems(vec![format!(
                "there are {} arguments, at most {MOST_ARGUMENTS} are read",
                given.len()
            )]));
        }
        let none = Map::new();
        let all = properties.as_object().unwrap_or(&none);
        *given = lenient::understood(std::mem::take(given), all, known);
        let mut foreign = Vec::new();
        for (name, value) in given.iter() {
            match known(name) {
                None => foreign.push(name.clone()),
                Some(schema) => problems.extend(check_value(name, value, schema)),
            }
        }
        let required = self.definition.get("required").unwrap_or(&Value::Null);
        for name in names(required) {
            if let (false, Some(schema)) = (given.contains_key(name), known(name)) {
                let meaning = schema["description"].as_str().unwrap_or_default();
                problems.push(format!("`{name}` is missing: {}", listed(meaning)));
            }
        }
        problems.extend(exactly_one(self.selectors, given));
        if !foreign.is_empty() {
            let accepted = || all.keys().map(String::as_str);
            problems.extend(foreign.iter().map(|name| {
                if is_of_scope(name) && !self.msp {
                    format!("`{}` {NEEDS_MSP}", name.escape_debug())
                } else {
                    unknown(name, key, accepted())
                }
            }));
            let tells_scope = self.msp && self.tells_taken && all.contains_key("host");
            let scope = tells_scope.then_some(SCOPE_ARGUMENTS).into_iter().flatten();
            // Once is enough, however many there are.
            if let Some(last) = problems.last_mut() {
                let names: Vec<String> = all
                    .iter()
                    .filter(|(name, _)| self.tells_taken || known(name).is_some())
                    .map(|(name, _)| name.as_str())
                    .chain(scope)
                    .map(|name| format!("`{name}`"))
                    .collect();
                let _ = write!(last, "; it takes {}", names.join(", "));
            }
        }
        Ok(problems)
    }
}

/// The selection, from arguments whose types have been checked; or everything that is wrong with it.
pub(super) fn selection(given: &Arguments, words: &[Words]) -> Result<Selection, Vec<String>> {
    let number = |name: &str| {
        given
            .get(name)
            .and_then(Value::as_u64)
            .and_then(|n| usize::try_from(n).ok())
    };
    let text = |name: &str| given.get(name).and_then(Value::as_str).unwrap_or_default();
    let mut problems = Vec::new();
    let filter = Where::with_words(text("where"), words)
        .map_err(|problem| problems.push(format!("`where` {problem}")))
        .unwrap_or_default();
    let sort = Sort::parse(text("sort"))
        .map_err(|problem| problems.push(format!("`sort` {problem}")))
        .unwrap_or_default();
    let count_by = match given.get("count_by").and_then(Value::as_str) {
        None => Vec::new(),
        Some(names) => count_by(names)
            .map_err(|problem| problems.push(format!("`count_by` {problem}")))
            .unwrap_or_default(),
    };
    if !count_by.is_empty() {
        // Groups have their own order, and no fields.
        let besides = ["sort", "fields"]
            .into_iter()
            .filter(|name| given.contains_key(*name));
        problems.extend(besides.map(|name| {
            format!("`{name}` does not go with `count_by`, whose groups come largest first: leave one of them out")
        }));
    }
    if !problems.is_empty() {
        return Err(problems);
    }
    let defaults = Selection::default();
    Ok(Selection {
        fields: text("fields")
            .split(',')
            .map(str::trim)
            .filter(|name| !name.is_empty())
            .map(str::to_owned)
            .collect(),
        limit: number("limit").unwrap_or(defaults.limit),
        offset: number("offset").unwrap_or(defaults.offset),
        query: Query {
            filter,
            sort,
            count_by,
            points: number("points"),
        },
    })
}

/// What is said of an argument that there is not. Its name is repeated only if it looks like a name and not like a key,
/// which has digits.
fn unknown<'a>(
    name: &str,
    key: Option<&ApiKey>,
    accepted: impl Iterator<Item = &'a str>,
) -> String {
    /// Longest name of an argument that is believed to be one, in characters.
    const LONGEST_NAME: usize = 40;
    let is_name = name.len() <= LONGEST_NAME
        && name.bytes().all(|byte| byte.is_ascii_alphabetic() || matches!(byte, b'_' | b'-' | b'.'))
        // A key that was also given as a name is still a key.
        && key.is_none_or(|key| key.redact(name).is_none());
    if is_name {
        let close = suggestion(name, accepted);
        format!("`{name}` is not an argument of this tool{close}")
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
            None => Some(whole_number(schema)),
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

/// What is accepted where a whole number is wanted.
fn whole_number(schema: &Value) -> String {
    let bound = |key: &str| schema.get(key).and_then(Value::as_i64);
    let range = match (bound("minimum"), bound("maximum")) {
        (Some(minimum), Some(maximum)) => format!(", {minimum} to {maximum}"),
        (Some(minimum), None) => format!(", at least {minimum}"),
        _ => String::new(),
    };
    let codes = lenient::codes(schema["description"].as_str().unwrap_or_default());
    let words: Vec<String> = codes
        .iter()
        .map(|(code, word)| format!("{code} {word}"))
        .collect();
    let words = match words.len() {
        0 | 1 => String::new(),
        _ => format!(", or one word of: {}", words.join(", ")),
    };
    format!("must be a whole number{range}{words}")
}

fn check_text(name: &str, text: &str, schema: &Value) -> Option<String> {
    // Notes are the one kind of text that people write in several lines.
    let allowed: &[char] = if name == "notes" { &['\t', '\n'] } else { &[] };
    if let Some(problem) = text_problem(text, allowed) {
        return Some(problem);
    }
    let values: Vec<&str> = names(&schema["enum"]).collect();
    if !values.is_empty() && !values.contains(&text) {
        return Some(format!("must be one of {}", values.join(", ")));
    }
    codes::problem(text, schema["description"].as_str().unwrap_or_default())
}

/// What is wrong with any text, but for the control characters that it may hold.
pub(super) fn text_problem(text: &str, allowed: &[char]) -> Option<String> {
    if text.chars().count() > LONGEST_TEXT {
        return Some(format!("must have at most {LONGEST_TEXT} characters"));
    }
    let controls = |c: char| c.is_control() && !allowed.contains(&c);
    text.chars()
        .any(controls)
        .then(|| "holds control characters".to_owned())
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
