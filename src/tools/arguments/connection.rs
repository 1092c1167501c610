//! A connection as it is given, by arguments, headers or flags, before it is checked.
//!
//! Owns the names of its parts and how each is read. Knows no operation.

use serde_json::Value;

use super::{Arguments, Problems, lenient};
use crate::opmanager::{ApiKey, Connection, Scope, Target, Trust};
use crate::placeholder::is_placeholder;
use crate::tools::wording::Wording;

/// The arguments that say where a call goes and how.
pub(crate) const CONNECTION_ARGUMENTS: [&str; 5] =
    ["host", "apiKey", "port", "use_ssl", "verify_ssl"];

/// The arguments that say which part of an MSP Central a call is about, where the operator has them taken.
pub(crate) const SCOPE_ARGUMENTS: [&str; 2] = ["selCustomerID", "regionID"];

/// Whether an argument is meant for an MSP Central, however it is spelt.
pub(super) fn is_of_scope(name: &str) -> bool {
    let name = lenient::plain(name);
    SCOPE_ARGUMENTS
        .iter()
        .any(|known| lenient::plain(known) == name)
}

/// A connection as it is given. Holds a key: it is never printed.
#[derive(Default)]
pub(crate) struct ConnectionInput {
    pub(crate) host: Option<String>,
    pub(crate) key: Option<String>,
    pub(crate) port: Option<u16>,
    pub(crate) use_ssl: Option<bool>,
    pub(crate) verify_ssl: Option<bool>,
    pub(crate) scope: Scope,
    /// What was given and cannot be read: the argument, and what it must be.
    unreadable: Vec<(&'static str, String)>,
}

impl ConnectionInput {
    /// Takes the connection out of the arguments of a call, with `msp` also which part of an MSP Central it is about.
    pub(crate) fn take(given: &mut Arguments, msp: bool) -> Self {
        let mut input = Self::default();
        let scope = msp.then_some(SCOPE_ARGUMENTS).into_iter().flatten();
        for argument in CONNECTION_ARGUMENTS.into_iter().chain(scope) {
            if let Some(value) = take(given, argument) {
                input.set(argument, value);
            }
        }
        input
    }

    /// Sets one part by the name of its argument. A text stands for the number or truth value that it spells.
    pub(crate) fn set(&mut self, argument: &'static str, value: Value) {
        if lenient::is_absent(&value) {
            return;
        }
        let kind = match argument {
            "port" | "selCustomerID" | "regionID" => "integer",
            "use_ssl" | "verify_ssl" => "boolean",
            _ => "string",
        };
        let value = lenient::as_kind(kind, &value).unwrap_or(value);
        let must = match (argument, value) {
            ("host", Value::String(host)) => match super::check::text_problem(&host, &[]) {
                None => {
                    self.host = Some(host);
                    return;
                }
                Some(problem) => problem,
            },
            // What is wrong with a key is said by whoever knows keys.
            ("apiKey", Value::String(key)) => {
                self.key = Some(key);
                return;
            }
            ("port", value) => match value.as_i64().map(u16::try_from) {
                Some(Ok(port)) if port > 0 => {
                    self.port = Some(port);
                    return;
                }
                Some(_) => format!("must be 1 to {}", u16::MAX),
                None => "must be a whole number".to_owned(),
            },
            ("selCustomerID" | "regionID", value) => match value.as_i64() {
                Some(number) if number >= -1 => {
                    match argument {
                        "selCustomerID" => self.scope.customer = Some(number),
                        _ => self.scope.region = Some(number),
                    }
                    return;
                }
                _ => "must be a whole number: -1 for all, or that of one".to_owned(),
            },
            ("use_ssl", Value::Bool(value)) => {
                self.use_ssl = Some(value);
                return;
            }
            ("verify_ssl", Value::Bool(value)) => {
                self.verify_ssl = Some(value);
                return;
            }
            ("use_ssl" | "verify_ssl", _) => "must be true or false".to_owned(),
            _ => "must be a string".to_owned(),
        };
        self.unreadable.push((argument, must));
    }

    /// The key, if it is one: to see that it stands nowhere else.
    pub(super) fn key(&self) -> Option<ApiKey> {
        let key = self.key.as_ref()?;
        ApiKey::new(key.clone()).ok()
    }

    /// The connection.
    ///
    /// # Errors
    ///
    /// Everything that is wrong with it, in the names by which the reader gives it.
    pub(crate) fn check(self, wording: Wording) -> Result<Connection, Problems> {
        let mut problems: Vec<String> = self
            .unreadable
            .iter()
            .map(|(argument, must)| format!("{} {must}", wording.name(argument)))
            .collect();
        let unreadable = |argument| self.unreadable.iter().any(|(name, _)| *name == argument);
        if self.host.is_none() && !unreadable("host") {
            problems.push(format!(
                "{} is missing: host or host:port",
                wording.name("host")
            ));
        }
        if self.key.is_none() && !unreadable("apiKey") {
            problems.push(format!(
                "{} is missing: for this call only",
                wording.name("apiKey")
            ));
        }
        for (argument, value) in [("host", &self.host), ("apiKey", &self.key)] {
            if value.as_deref().is_some_and(is_placeholder) {
                // Whatever else is wrong follows from it.
                return Err(Problems(vec![format!(
                    "{} is a placeholder that the client did not fill in: set the value where the client is configured",
                    wording.name(argument)
                )]));
            }
        }
        let plain_host = self
            .host
            .as_deref()
            .is_none_or(|host| !host.contains(['.', ':']));
        let key = match self.key {
            Some(key) if plain_host && is_host(&key) => {
                problems.push(format!(
                    "{} looks like a host: host and key may have been swapped",
                    wording.name("apiKey")
                ));
                None
            }
            Some(key) => ApiKey::new(key)
                .map_err(|error| problems.push(wording.of_error(&error)))
                .ok(),
            None => None,
        };
        if let (Some(key), Some(host)) = (&key, &self.host)
            && key.is_in(host)
        {
            problems.push(misplaced(&wording.name("host"), wording));
        }
        // What the port and the switch say together is known only where both can be read.
        let readable = self.unreadable.is_empty();
        let (port, use_ssl) = if readable {
            (self.port, self.use_ssl)
        } else {
            (None, None)
        };
        let target = self.host.and_then(|host| {
            Target::parse(&host, port, use_ssl)
                .map_err(|error| problems.push(wording.of_error(&error)))
                .ok()
        });
        let trust = match self.verify_ssl {
            Some(false) => Trust::Unverified,
            _ => Trust::Verified,
        };
        match (key, target) {
            (Some(key), Some(target)) if problems.is_empty() => {
                Ok(Connection::with(target, trust, key).within(self.scope))
            }
            _ => Err(Problems(problems)),
        }
    }
}

/// Takes a connection argument out, also if its name is in another case or with other separators. What says nothing goes
/// with it.
fn take(given: &mut Arguments, argument: &str) -> Option<Value> {
    let meant = lenient::plain(argument);
    given.retain(|name, value| !(lenient::is_absent(value) && lenient::plain(name) == meant));
    if let Some(value) = given.remove(argument) {
        return Some(value);
    }
    let name = given.keys().find(|name| lenient::plain(name) == meant)?;
    given.remove(&name.clone())
}

/// What is said of an argument that holds the key.
pub(super) fn misplaced(argument: &str, wording: Wording) -> String {
    format!(
        "{argument} holds the API key, which belongs in {} alone",
        wording.name("apiKey")
    )
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
