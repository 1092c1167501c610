//! Tools that are no operation of OpManager: the catalogue, and examining a connection.
//!
//! Owns their definitions. What they do is up to the server; no operation of the document is decided here.

use std::sync::Arc;

use rmcp::model::{JsonObject, Tool};
use serde_json::{Value, json};

use super::policy::{ALL, CATALOGUE, CORE};
use super::{Access, TOOLSETS, annotations, arguments, catalogue};

/// A tool that is no operation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BuiltIn {
    /// Finds operations by what somebody wants to do.
    FindOperations,
    /// Tells all about one operation.
    DescribeOperation,
    /// Calls any operation that the operator allows.
    CallOperation,
    /// Examines a connection step by step.
    DiagnoseConnection,
}

impl BuiltIn {
    /// All of them, in the order of the list.
    pub const ALL: [Self; 4] = [
        Self::FindOperations,
        Self::DescribeOperation,
        Self::CallOperation,
        Self::DiagnoseConnection,
    ];

    /// Tool name.
    pub const fn name(self) -> &'static str {
        match self {
            Self::FindOperations => "find_operations",
            Self::DescribeOperation => "describe_operation",
            Self::CallOperation => "call_operation",
            Self::DiagnoseConnection => "diagnose_connection",
        }
    }

    /// Title for people.
    pub const fn title(self) -> &'static str {
        match self {
            Self::FindOperations => "Find operations",
            Self::DescribeOperation => "Describe an operation",
            Self::CallOperation => "Call an operation",
            Self::DiagnoseConnection => "Diagnose a connection",
        }
    }

    /// The tool of that name.
    pub fn find(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|tool| tool.name() == name)
    }

    /// Whether a toolset that goes across the areas has it.
    pub(super) fn belongs_to(self, toolset: &str) -> bool {
        match toolset {
            CORE | CATALOGUE => true,
            // Who lists every operation needs no way around.
            ALL => self == Self::DiagnoseConnection,
            _ => false,
        }
    }

    /// What it may do at most on a server of that access level.
    pub fn access(self, server: Access) -> Access {
        match self {
            Self::CallOperation => server,
            _ => Access::Read,
        }
    }

    /// The definition that clients of a server of that access level are given.
    pub fn definition(self, server: Access) -> Tool {
        let access = self.access(server);
        let annotations = annotations(access, access > Access::Read, false);
        Tool::new(self.name(), self.description(), Arc::new(self.accepted()))
            .with_title(self.title())
            .with_annotations(annotations)
    }

    fn description(self) -> String {
        match self {
            Self::FindOperations => format!(
                "Finds OpManager operations by what you want to do, e.g. \"mute a device\". Searches all {}, most of which are no tool of their own.",
                catalogue().len()
            ),
            Self::DescribeOperation => {
                "Tells what an operation does, its arguments and the fields of its answer. Read it before the first call.".to_owned()
            }
            Self::CallOperation => {
                "Calls an operation that is no tool of its own. Its answer is that of a tool.".to_owned()
            }
            Self::DiagnoseConnection => {
                "Examines step by step why calls to an OpManager fail: target, certificate, key. Use it after a connection, TLS or key error.".to_owned()
            }
        }
    }

    /// Schema of its arguments.
    pub(crate) fn accepted(self) -> JsonObject {
        let operation = json!({ "type": "string", "description": "Name as in find_operations" });
        match self {
            Self::FindOperations => {
                let toolsets: Vec<&str> = TOOLSETS.iter().map(|toolset| toolset.name).collect();
                closed(
                    json!({
                        "query": { "type": "string", "description": "What to do, in a few words" },
                        "toolset": { "type": "string", "enum": toolsets, "description": "Only this area" },
                        "access": {
                            "type": "string",
                            "enum": Access::ALL.map(Access::word),
                            "description": "Only what reads, changes or deletes",
                        },
                    }),
                    &["query"],
                )
            }
            Self::DescribeOperation => closed(json!({ "operation": operation }), &["operation"]),
            Self::CallOperation => {
                let own = json!({
                    "properties": {
                        "operation": operation,
                        // As text: some models and clients drop what an object's schema does not name.
                        "arguments": { "type": "string", "description": "Its arguments as a JSON object, e.g. {\"deviceName\":\"x\",\"limit\":5}" },
                    },
                    "required": ["operation"],
                });
                arguments::around(&own, false)
            }
            Self::DiagnoseConnection => arguments::of_connection(),
        }
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
