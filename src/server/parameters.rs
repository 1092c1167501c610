//! Parameters that cannot be read, in words.
//!
//! Owns which members the methods need. Repeats no value: it may be a key in the wrong place. Decides nothing: rmcp has
//! found the parameters unreadable.

#[derive(Clone, Copy)]
enum Kind {
    Text,
    Object,
}

struct Member {
    /// Below `params`, with dots.
    path: &'static str,
    kind: Kind,
    required: bool,
}

const fn member(path: &'static str, kind: Kind, required: bool) -> Member {
    Member {
        path,
        kind,
        required,
    }
}

/// The members of a method that rmcp reads; `None` for a method that the protocol does not have.
fn members(method: &str) -> Option<&'static [Member]> {
    use Kind::{Object, Text};
    Some(match method {
        "initialize" => {
            const {
                &[
                    member("protocolVersion", Text, true),
                    member("clientInfo", Object, true),
                    member("clientInfo.name", Text, true),
                    member("clientInfo.version", Text, true),
                ]
            }
        }
        "tools/call" => {
            const {
                &[
                    member("name", Text, true),
                    member("arguments", Object, false),
                    member("inputResponses", Object, false),
                    member("requestState", Text, false),
                ]
            }
        }
        "prompts/get" => {
            const {
                &[
                    member("name", Text, true),
                    member("arguments", Object, false),
                ]
            }
        }
        "resources/read" => const { &[member("uri", Text, true)] },
        "completion/complete" => {
            const {
                &[
                    member("ref", Object, true),
                    member("ref.type", Text, true),
                    member("argument", Object, true),
                    member("argument.name", Text, true),
                    member("argument.value", Text, true),
                    member("context", Object, false),
                ]
            }
        }
        "prompts/list" | "resources/list" | "resources/templates/list" | "tools/list" => {
            const { &[member("cursor", Text, false)] }
        }
        "ping" | "server/discover" => &[],
        _ => return None,
    })
}

/// What is wrong with parameters that rmcp could not read: every member by its name. `None` for a method that there is not.
#[allow(
    clippy::disallowed_types,
    reason = "they are a message of the protocol, and no answer"
)]
pub(crate) fn problem(method: &str, params: Option<&serde_json::Value>) -> Option<String> {
    let params = params.unwrap_or(&serde_json::Value::Null);
    let problems: Vec<String> = members(method)?
        .iter()
        .filter_map(|member| member.problem(params))
        .collect();
    Some(if problems.is_empty() {
        "the parameters are not those of this method".to_owned()
    } else {
        problems.join("; ")
    })
}

impl Member {
    #[allow(
        clippy::disallowed_types,
        reason = "they are a message of the protocol, and no answer"
    )]
    fn problem(&self, params: &serde_json::Value) -> Option<String> {
        use serde_json::Value;
        let Self {
            path,
            kind,
            required,
        } = self;
        let (parent, name) = match path.rsplit_once('.') {
            // If it is no object, that is a problem of its own.
            Some((parent, name)) => (
                params.get(parent).filter(|parent| parent.is_object())?,
                name,
            ),
            None => (params, *path),
        };
        match (parent.get(name).unwrap_or(&Value::Null), kind) {
            (Value::Null, _) if *required => Some(format!("`{path}` is missing")),
            (Value::Null, _)
            | (Value::String(_), Kind::Text)
            | (Value::Object(_), Kind::Object) => None,
            (_, Kind::Text) => Some(format!("`{path}` must be a string")),
            (_, Kind::Object) => Some(format!("`{path}` must be an object")),
        }
    }
}
