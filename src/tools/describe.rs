//! What is told of operations to those who ask: the lines of a search, and all about one.
//!
//! Owns the form of both. All of it comes from the document and the toolset files; nothing of it was said by an
//! OpManager.

use serde_json::{Map, Value, json};

use crate::opmanager::Specification;

use super::arguments::{self, CONNECTION_ARGUMENTS, SELECTION_ARGUMENTS};
use super::policy::{MSP, suggestion};
use super::{Access, Arguments, Policy, Tool, catalogue, find as find_tool, local, search};

/// Longest query, in characters: a few words. What a search takes grows with it.
const LONGEST_QUERY: usize = 300;
/// Most operations of one answer.
const MOST_FOUND: usize = 8;
/// Characters of a signature's arguments from which on optional ones are cut.
const LONGEST_SIGNATURE: usize = 160;
/// Characters of an argument's values from which on further ones are cut.
const LONGEST_VALUES: usize = 48;

/// What can be found, described and called by name: all that is not unknown to the caller.
pub(crate) fn known(policy: &Policy) -> impl Iterator<Item = &'static Tool> {
    catalogue()
        .iter()
        .filter(|tool| tool.is_callable_by_name() && !policy.hides(tool))
}

/// The operation of that name, as a tool or in OpManager's own spelling.
///
/// # Errors
///
/// What to do instead. The name is not repeated: it may be a key in the wrong place.
pub(crate) fn operation(name: &str, policy: &Policy) -> Result<&'static Tool, String> {
    let known = || known(policy);
    let plain = arguments::plain(name.rsplit('/').next().unwrap_or_default());
    known()
        .find(|tool| {
            let id = tool.operation().map(|operation| operation.id);
            tool.answers_to(name) || id == Some(name)
        })
        // In another case, with other separators, or with its path before it.
        .or_else(|| known().find(|tool| arguments::plain(tool.name()) == plain))
        .ok_or_else(|| {
            let close = suggestion(name, known().map(Tool::name));
            format!("`operation` is none of OpManager's{close}\nfind_operations finds operations by what you want to do.")
        })
}

/// The answer of `find_operations`.
///
/// # Errors
///
/// What is wrong with the arguments.
pub(crate) fn find(given: Arguments, policy: &Policy) -> Result<String, String> {
    let given = checked(local::FIND, given, policy)?;
    let text = |name: &str| given.get(name).and_then(Value::as_str);
    let access = text("access").and_then(|word| word.parse().ok());
    let query = text("query").unwrap_or_default();
    if query.chars().count() > LONGEST_QUERY {
        return Err(format!(
            "`query` is longer than {LONGEST_QUERY} characters: say in a few words what you want to do"
        ));
    }
    Ok(found(query, text("toolset"), access, policy).to_string())
}

/// The answer of `describe_operation`.
///
/// # Errors
///
/// What is wrong with the arguments, or that there is no such operation.
pub(crate) fn describe(given: Arguments, policy: &Policy) -> Result<String, String> {
    let given = checked(local::DESCRIBE, given, policy)?;
    let name = given.get("operation").and_then(Value::as_str);
    let tool = operation(name.unwrap_or_default(), policy)?;
    Ok(description(tool, policy).to_string())
}

fn checked(name: &str, given: Arguments, policy: &Policy) -> Result<Arguments, String> {
    let mut accepted = Arguments::new();
    if let Some(tool) = find_tool(name) {
        accepted = tool.accepted().clone();
        if policy.msp {
            local::add_toolset(&mut accepted, tool, MSP);
        }
    }
    arguments::check_offline(&accepted, given, policy.msp).map_err(|problems| problems.text(name))
}

/// The few operations that answer a query best, a line each.
fn found(query: &str, toolset: Option<&str>, access: Option<Access>, policy: &Policy) -> Value {
    let lines: Vec<Value> = search::search(query)
        .into_iter()
        .filter(|tool| !policy.hides(tool))
        .filter(|tool| toolset.is_none_or(|toolset| tool.toolset() == toolset))
        .filter(|tool| access.is_none_or(|access| tool.access() == access))
        .take(MOST_FOUND)
        .map(|tool| {
            let mut line = line(tool, policy);
            line["signature"] = signature(tool).into();
            line
        })
        .collect();
    let next = if lines.is_empty() {
        "Nothing was found: try other words, or leave out toolset and access."
    } else {
        "call_operation calls one; describe_operation tells what its arguments and answer mean. `?` marks optional arguments; a list also takes where, sort, count_by, fields, limit, offset."
    };
    json!({ "operations": lines, "next": next })
}

/// A call of an operation in short: its arguments, the optional ones marked with `?`, and their values where there are few.
/// What does not fit is cut, optional arguments first: `…` says so.
fn signature(tool: &Tool) -> String {
    let required = tool.accepted().get("required").unwrap_or(&Value::Null);
    let either = tool
        .operation()
        .map_or(&[][..], |operation| operation.exactly_one_of);
    let (mut must, mut may) = (Vec::new(), Vec::new());
    if !either.is_empty() {
        must.push(either.join("|"));
    }
    let all = tool.accepted().get("properties");
    for (name, property) in all.and_then(Value::as_object).into_iter().flatten() {
        let name = name.as_str();
        if CONNECTION_ARGUMENTS.contains(&name)
            || SELECTION_ARGUMENTS.contains(&name)
            || either.contains(&name)
        {
            continue;
        }
        let values = values(property);
        if arguments::names(required).any(|required| required == name) {
            must.push(format!("{name}{values}"));
        } else {
            may.push(format!("{name}?{values}"));
        }
    }
    let mut text = must.join(", ");
    for argument in may {
        let separator = if text.is_empty() { "" } else { ", " };
        if text.chars().count() + argument.chars().count() > LONGEST_SIGNATURE {
            text.push_str(separator);
            text.push('…');
            break;
        }
        text.push_str(separator);
        text.push_str(&argument);
    }
    let list = tool
        .operation()
        .is_some_and(|operation| operation.list.is_some());
    let list = if list { " -> list" } else { "" };
    format!("{}({text}){list}", tool.name())
}

/// The values of an argument that has few or is bounded.
fn values(property: &Value) -> String {
    if let Some(values) = property["enum"].as_array() {
        let mut text = String::new();
        for value in values {
            let value = value
                .as_str()
                .map_or_else(|| value.to_string(), str::to_owned);
            if text.chars().count() + value.chars().count() > LONGEST_VALUES {
                text.push_str("|…");
                break;
            }
            if !text.is_empty() {
                text.push('|');
            }
            text.push_str(&value);
        }
        return format!("={text}");
    }
    match (property["minimum"].as_i64(), property["maximum"].as_i64()) {
        (Some(from), Some(to)) => format!("={from}-{to}"),
        _ if property["type"] == "boolean" => "=true|false".to_owned(),
        _ => String::new(),
    }
}

/// An operation in a line.
pub(crate) fn line(tool: &Tool, policy: &Policy) -> Value {
    let mut line = json!({
        "operation": tool.name(),
        "toolset": tool.toolset(),
        "access": tool.access().word(),
        "summary": tool.summary(),
    });
    // What the operator does not allow must not look as if it could be called.
    if policy.allows(tool).is_err() {
        let needed = tool.access();
        line["refused"] = if needed > policy.access {
            format!("needs --access {needed}")
        } else {
            format!("needs a token with access={needed}")
        }
        .into();
    }
    line
}

/// All about an operation.
pub(crate) fn description(tool: &Tool, policy: &Policy) -> Value {
    let mut own = Map::new();
    let all = tool.accepted().get("properties");
    let required = tool.accepted().get("required").unwrap_or(&Value::Null);
    for (name, property) in all.and_then(Value::as_object).into_iter().flatten() {
        if CONNECTION_ARGUMENTS.contains(&name.as_str()) {
            continue;
        }
        let mut property = property.clone();
        if arguments::names(required).any(|required| required == name) {
            property["required"] = true.into();
        }
        if let Some(specification) = tool.operation() {
            come_from(&mut property, specification, name);
        }
        own.insert(name.clone(), property);
    }
    let mut told = json!({
        "operation": tool.name(),
        "toolset": tool.toolset(),
        "access": tool.access().word(),
        "description": tool.description(),
        "arguments": own,
    });
    if let Some(specification) = tool.operation() {
        if !specification.exactly_one_of.is_empty() {
            told["exactly_one_of"] = json!(specification.exactly_one_of);
        }
        if let Some(limit) = specification.rate_limit {
            told["calls_per_minute"] = limit.requests_per_minute.into();
        }
        told["rests_on"] = specification.origin.basis.word().into();
        if let Some(builds) = specification.origin.builds() {
            told["only_for"] = builds.into();
        }
        if !specification.default_fields.is_empty() {
            told["default_fields"] = specification.default_fields.join(",").into();
        }
        told["answer"] = serde_json::from_str(specification.answer).unwrap_or_default();
    }
    if let Err(reason) = policy.allows(tool) {
        told["refused"] = reason.into();
    }
    told
}

/// What is said of an argument beside its schema: its default, and where it comes from if that is not what the operation
/// rests on, or if some builds do not have it.
fn come_from(property: &mut Value, specification: &Specification, name: &str) {
    let default = specification
        .defaults
        .iter()
        .find(|(known, _)| *known == name);
    if let Some((_, default)) = default {
        property["default"] = serde_json::from_str(default).unwrap_or_default();
    }
    let origin = specification.origin_of(name);
    if origin.basis != specification.origin.basis {
        property["rests_on"] = origin.basis.word().into();
    }
    if let Some(builds) = origin.builds() {
        property["only_for"] = builds.into();
    }
}
