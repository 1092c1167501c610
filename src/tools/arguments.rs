//! What a caller gives: split into connection and own arguments, and checked before any I/O.
//!
//! Every problem is reported at once, by the argument's name and with what is accepted. Values are never
//! quoted: one that was meant for another argument may be the key.

mod check;
mod codes;
mod connection;
mod lenient;
mod schema;
mod times;

use std::collections::BTreeSet;

use serde_json::{Map, Value};

use super::wording::Wording;
use super::{Arguments, Tool};
use crate::opmanager::{Connection, Error, Zone};
use crate::result::Selection;
use check::Expected;
pub(crate) use connection::{CONNECTION_ARGUMENTS, ConnectionInput, SCOPE_ARGUMENTS};
pub(crate) use lenient::{plain, words};
pub(crate) use schema::{
    Asked, SELECTION_ARGUMENTS, around, listed, names, with_scope, without_connection,
};
use times::ServerZone;

/// Arguments of a tool's own, checked.
#[allow(
    clippy::disallowed_types,
    reason = "they are the caller's, and no answer"
)]
pub(crate) type Own = Value;

/// A call that may be made: everything in it has been checked.
pub(crate) struct Checked {
    /// Where to, how trusted, with which key.
    pub(crate) connection: Connection,
    /// The arguments of the tool's own.
    pub(crate) arguments: Own,
    /// What is wanted of the answer's list.
    pub(crate) selection: Selection,
}

/// Everything that is wrong with the arguments, ready to be read by a model.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Problems(Vec<String>);

impl Problems {
    /// The one that the target policy has with a connection.
    pub(crate) fn of_target(error: &Error, wording: Wording) -> Self {
        Self(vec![wording.of_error(error)])
    }

    /// The problems as a text, one a line.
    pub(crate) fn text(&self, tool: &str) -> String {
        format!(
            "Invalid arguments for `{tool}`; nothing was sent.\n{}",
            self.0.join("\n")
        )
    }
}

/// What is to be known of a server to check a call of it.
#[derive(Clone, Copy)]
pub(crate) struct Setting<'a> {
    /// How a reader gives a connection.
    pub(crate) wording: Wording,
    /// The time zones that are known.
    pub(crate) zones: &'a [Zone],
    /// Whether calls may be about a part of an MSP Central.
    pub(crate) msp: bool,
}

/// Checks a call that goes to OpManager.
pub(crate) fn check(
    tool: &Tool,
    mut given: Arguments,
    connection: ConnectionInput,
    Setting {
        wording,
        zones,
        msp,
    }: Setting<'_>,
) -> Result<Checked, Problems> {
    let expected = Expected {
        definition: tool.accepted(),
        selectors: tool
            .operation()
            .map_or(&[], |operation| operation.exactly_one_of),
        taken: &CONNECTION_ARGUMENTS,
        tells_taken: wording == Wording::Arguments,
        msp,
    };
    let key = connection.key();
    let own = expected.check(&mut given, key.as_ref())?;
    let (connection, mut problems) = match connection.check(wording) {
        Ok(connection) => (Some(connection), own),
        Err(Problems(mut problems)) => {
            problems.extend(own);
            (None, problems)
        }
    };
    let properties = tool.accepted().get("properties").and_then(Value::as_object);
    if let Some(properties) = properties {
        let zone = match &connection {
            Some(connection) => ServerZone::of(zones, connection.target()),
            None => ServerZone::NoServer,
        };
        problems.extend(times::convert(&mut given, properties, zone));
    }
    if let Some(key) = &key {
        // It would leave in the URL. A name that the tool does not know is rejected already, and may be a key itself.
        let misplaced = given.iter().filter(|(name, value)| {
            properties.is_some_and(|known| known.contains_key(*name))
                && value.as_str().is_some_and(|text| key.is_in(text))
        });
        problems.extend(
            misplaced.map(|(name, _)| connection::misplaced(&format!("`{name}`"), wording)),
        );
    }
    let selection = check::selection(&given, tool.words())
        .map_err(|wrong| problems.extend(wrong))
        .unwrap_or_default();
    match connection {
        Some(connection) if problems.is_empty() => {
            given.retain(|name, _| !SELECTION_ARGUMENTS.contains(&name.as_str()));
            Ok(Checked {
                connection,
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

/// Checks the arguments of a tool that calls no OpManager. A connection that is given all the same is dropped.
pub(crate) fn check_offline(
    definition: &Map<String, Value>,
    mut given: Arguments,
    msp: bool,
) -> Result<Arguments, Problems> {
    let own = definition.get("properties").unwrap_or(&Value::Null);
    given.retain(|name, _| {
        let name = name.as_str();
        let of_connection =
            CONNECTION_ARGUMENTS.contains(&name) || msp && SCOPE_ARGUMENTS.contains(&name);
        own.get(name).is_some() || !of_connection
    });
    let expected = Expected {
        definition,
        selectors: &[],
        taken: &[],
        tells_taken: true,
        msp,
    };
    let problems = expected.check(&mut given, None)?;
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
    let operation = match given
        .remove("operation")
        .filter(|value| !lenient::is_absent(value))
    {
        Some(Value::String(operation)) => operation.trim().to_owned(),
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
        None => Arguments::new(),
        // PHP writes an empty object so.
        Some(value) if lenient::is_absent(&value) => Arguments::new(),
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
        let ours = CONNECTION_ARGUMENTS.iter().chain(&SCOPE_ARGUMENTS);
        let ours = ours.chain(&SELECTION_ARGUMENTS);
        let ours = ours.copied().find(|ours| *ours == name);
        // What says nothing gives way to what does.
        match given.get(&name).map(lenient::is_absent) {
            Some(_) if lenient::is_absent(&value) => {}
            Some(false) => {
                // A name of the caller's own making may be a key.
                let shown =
                    ours.map_or_else(|| "an argument".to_owned(), |name| format!("`{name}`"));
                problems.push(format!(
                    "`arguments`: {shown} is given twice, in it and beside it"
                ));
            }
            Some(true) | None => {
                given.insert(name, value);
            }
        }
    }
    if problems.is_empty() {
        Ok((operation, given))
    } else {
        Err(Problems(problems))
    }
}

const NOT_AN_OBJECT: &str = "`arguments` must be a JSON object, e.g. {\"limit\":5}";
