//! Resources: the catalogue, and all about one operation of it.
//!
//! Owns their addresses. What is told is that of [`describe`](crate::tools::describe); no OpManager is asked.

use rmcp::ErrorData;
use rmcp::model::{Resource, ResourceContents, ResourceTemplate};
use serde_json::json;

use crate::tools::{Policy, Tool, describe};

/// Address of the catalogue, and the beginning of each operation's.
const OPERATIONS: &str = "opmanager://operations";
/// Address of an operation.
pub(super) const OPERATION: &str = "opmanager://operations/{id}";
/// The variable in it.
pub(super) const ID: &str = "id";

const JSON: &str = "application/json";

/// Longest address that is repeated to a caller.
const LONGEST_ADDRESS: usize = 128;

/// What is told of an address without a resource. The protocol wants the address repeated; one with a digit is not, as it
/// may hold a key. The newest protocol took the code back that the ones before have for this.
pub(super) fn unknown(uri: &str, newest: bool) -> ErrorData {
    let message = "there is no such resource: opmanager://operations lists all operations";
    let plain = |c: char| c.is_ascii_alphabetic() || matches!(c, ':' | '/' | '.' | '-' | '_');
    let is_plain = uri.len() <= LONGEST_ADDRESS && uri.contains("://") && uri.chars().all(plain);
    let which = is_plain.then(|| json!({ "uri": uri }));
    if newest {
        ErrorData::invalid_params(message, which)
    } else {
        ErrorData::resource_not_found(message, which)
    }
}

/// The resources that are listed.
pub(super) fn listed() -> Vec<Resource> {
    vec![
        Resource::new(OPERATIONS, "operations")
            .with_title("Operations")
            .with_description("Every operation of OpManager that this server knows, a line each")
            .with_mime_type(JSON),
    ]
}

/// The addresses with a variable.
pub(super) fn templates() -> Vec<ResourceTemplate> {
    vec![
        ResourceTemplate::new(OPERATION, "operation")
            .with_title("Operation")
            .with_description("Arguments and answer of one operation")
            .with_mime_type(JSON),
    ]
}

/// What is at an address; `None` if nothing is.
pub(super) fn read(uri: &str, policy: &Policy) -> Option<ResourceContents> {
    let rest = uri.strip_prefix(OPERATIONS)?;
    let told = if rest.is_empty() {
        let lines: Vec<_> = describe::known(policy)
            .map(|tool| describe::line(tool, policy))
            .collect();
        json!({ "operations": lines })
    } else {
        let operation = describe::operation(rest.strip_prefix('/')?, policy).ok()?;
        describe::description(operation, policy)
    };
    Some(ResourceContents::text(told.to_string(), uri).with_mime_type(JSON))
}

/// The names with which an operation's address may go on.
pub(super) fn ids(beginning: &str, policy: &Policy) -> Vec<String> {
    describe::known(policy)
        .map(Tool::name)
        .filter(|name| name.starts_with(beginning))
        .map(str::to_owned)
        .collect()
}
