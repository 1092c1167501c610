//! What an operation is: its facts from the OpenAPI document and its one way to be sent.

use std::future::Future;

use schemars::{JsonSchema, Schema};
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::result::Expected;

use super::generated::{Client, OperationId};
use super::{Error, SendResult};

/// The arguments of one operation, which know where they go and what comes back.
///
/// Implemented by the generated `…Args` types only.
pub trait Operation: Serialize + DeserializeOwned + JsonSchema + Send + Sync + 'static {
    /// Which operation it is; [`OperationId::specification`] has the rest.
    const ID: OperationId;

    /// The documented answer. Every field is optional, and fields that the document does not know are kept.
    type Output: DeserializeOwned + Send;

    /// Sends the request and returns status, headers and the body's stream.
    #[doc(hidden)]
    fn send(&self, client: &Client) -> impl Future<Output = SendResult> + Send;
}

/// Everything that the OpenAPI document says of an operation.
#[derive(Debug)]
pub struct Specification {
    /// The operation.
    pub operation: OperationId,
    /// `operationId`, OpManager's own name.
    pub id: &'static str,
    /// `GET` or `POST`. Says nothing about whether the operation changes anything.
    pub method: &'static str,
    /// Absolute path; a constant without parameters.
    pub path: &'static str,
    /// Area of the API.
    pub tag: &'static str,
    /// A line for lists.
    pub summary: &'static str,
    /// What it does, when to use it, and its traps.
    pub description: &'static str,
    /// Name of the generated argument type.
    pub arguments: &'static str,
    /// JSON schema of the arguments, as text.
    pub schema: &'static str,
    /// Parameters of which exactly one must be given; empty if there is no such rule.
    pub exactly_one_of: &'static [&'static str],
    /// Query parameters that OpManager wants and nobody decides; sent with every call.
    pub constants: &'static [(&'static str, &'static str)],
    /// Documented limit of calls.
    pub rate_limit: Option<RateLimit>,
    /// The keys that lead to the list of the answer: none for a bare array. `None` if it has no list.
    pub list: Option<&'static [&'static str]>,
    /// What the answer may be beside JSON.
    pub expected: Expected,
    /// Names of fields of the answer whose text holds markup.
    pub markup: &'static [&'static str],
    /// Members that alone are kept of the answer's items, before anything else reads it; empty for all of it.
    pub only_members: &'static [&'static str],
    /// Outline of the documented answer, as JSON text: objects and lists as such (`*` stands for any name), and
    /// for every other field its types and what it means.
    pub answer: &'static str,
}

/// How often OpManager lets an operation be called. Whether it counts per key, user or address is not
/// documented.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RateLimit {
    /// Calls in one minute.
    pub requests_per_minute: u32,
    /// Minutes that a caller is refused after exceeding it, where documented.
    pub block_minutes: Option<u32>,
}

impl Specification {
    /// The arguments' schema.
    pub(crate) fn json_schema(&self) -> Schema {
        serde_json::from_str(self.schema).unwrap_or_default()
    }
}

/// Checks the rule that exactly one of several selectors is given, which no schema can say portably.
pub(super) fn exactly_one<O: Operation>(arguments: &O) -> Result<(), Error> {
    let names = O::ID.specification().exactly_one_of;
    if names.is_empty() {
        return Ok(());
    }
    let given = serde_json::to_value(arguments).map_err(|error| Error::Setup(error.to_string()))?;
    let given = names
        .iter()
        .filter(|name| given.get(name).is_some())
        .count();
    if given == 1 {
        return Ok(());
    }
    let (first, others) = (names[0], names[1..].join("`, `"));
    Err(Error::argument(
        first,
        format!("or `{others}`: give exactly one of them, {given} were given"),
    ))
}
