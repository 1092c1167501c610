//! The tools of the catalogue itself: finding, describing and calling operations.
//!
//! Owns their definitions. Two of them are answered here and now; `call_operation` stands for the tool that it names.

use rmcp::model::JsonObject;
use serde_json::{Value, json};

use super::policy::MSP;
use super::tool::{Handler, Tool};
use super::{Access, Arguments, OperationId, Policy, TOOLSETS, arguments, describe};

/// Answers a call from the catalogue, within what a policy permits.
pub(crate) type Local = fn(Arguments, &Policy) -> Result<String, String>;

/// Name of the tool that finds operations.
pub(crate) const FIND: &str = "find_operations";
/// Name of the tool that describes one.
pub(crate) const DESCRIBE: &str = "describe_operation";
/// Name of the tool that calls one.
pub(crate) const CALL: &str = "call_operation";

/// The tools, in the order of the list.
pub(super) fn tools() -> [Tool; 3] {
    let operation = json!({ "type": "string", "description": "Name as in find_operations" });
    // What only an MSP Central has is added where one is called.
    let toolsets = TOOLSETS.iter().map(|toolset| toolset.name);
    let toolsets: Vec<&str> = toolsets.filter(|name| *name != MSP).collect();
    [
        Tool::of_catalogue(
            FIND,
            "Find operations",
            format!(
                "Finds OpManager operations by what you want to do, e.g. \"mute a device\". Most of all {} are no tool.",
                OperationId::ALL.len()
            ),
            closed(
                json!({
                    "query": { "type": "string", "description": "What to do, in a few words" },
                    "toolset": { "type": "string", "enum": toolsets, "description": "Area" },
                    "access": {
                        "type": "string",
                        "enum": Access::ALL.map(Access::word),
                        "description": "Level",
                    },
                }),
                &["query"],
            ),
            Handler::Local(describe::find),
        ),
        Tool::of_catalogue(
            DESCRIBE,
            "Describe an operation",
            "Tells what an operation does, its arguments and the fields of its answer. Read it before the first call."
                .to_owned(),
            closed(json!({ "operation": operation }), &["operation"]),
            Handler::Local(describe::describe),
        ),
        Tool::of_catalogue(
            CALL,
            "Call an operation",
            "Calls an operation that is no tool of its own. Its answer is that of a tool.".to_owned(),
            arguments::around(
                &json!({
                    "properties": {
                        "operation": operation,
                        // As text: some models and clients drop what an object's schema does not name.
                        "arguments": { "type": "string", "description": "Its arguments as a JSON object, e.g. {\"deviceName\":\"x\",\"limit\":5}" },
                    },
                    "required": ["operation"],
                }),
                arguments::Asked::Nothing,
            ),
            Handler::ByName,
        ),
    ]
}

/// Lets a toolset be searched, in the schema of the tool that finds operations.
pub(super) fn add_toolset(schema: &mut JsonObject, tool: &Tool, toolset: &str) {
    let names = schema.get_mut("properties").filter(|_| tool.name() == FIND);
    if let Some(Value::Array(names)) = names.and_then(|all| all.pointer_mut("/toolset/enum")) {
        names.push(toolset.into());
    }
}

/// The schema of an object with these properties and no others.
fn closed(properties: Value, required: &[&str]) -> JsonObject {
    JsonObject::from_iter([
        ("type".to_owned(), "object".into()),
        ("properties".to_owned(), properties),
        ("required".to_owned(), json!(required)),
        ("additionalProperties".to_owned(), false.into()),
    ])
}
