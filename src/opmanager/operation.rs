//! What an operation is: its facts from the OpenAPI document and its one way to be sent.

use std::future::Future;

use schemars::{JsonSchema, Schema};
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::result::{Expected, Series};

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
    /// Parameters that are sent where a caller gives none, each with its value as JSON text.
    pub defaults: &'static [(&'static str, &'static str)],
    /// What the operation rests on, and which builds have it.
    pub origin: Origin,
    /// The arguments that rest on something else than the operation, or that some builds do not have.
    pub parameters: &'static [(&'static str, Origin)],
    /// Documented limit of calls.
    pub rate_limit: Option<RateLimit>,
    /// The keys that lead to the list of the answer: none for a bare array. `None` if it has no list.
    pub list: Option<&'static [&'static str]>,
    /// Members of its items that answer the usual question; empty for all.
    pub default_fields: &'static [&'static str],
    /// Documented members beside its list that repeat on every page.
    pub repeated: &'static [&'static str],
    /// Members of an answer without a list that say how OpManager's pages look, or repeat what its series say.
    pub layout: &'static [&'static str],
    /// Where an answer without a list has points of series.
    pub series: &'static [Series<'static>],
    /// What the answer may be beside JSON.
    pub expected: Expected,
    /// Names of fields of the answer whose text holds markup.
    pub markup: &'static [&'static str],
    /// Fields that hold a word, which may be in the server's language, each with the field beside it that holds the code of
    /// the same fact.
    pub codes: &'static [(&'static str, &'static str)],
    /// Members that alone are kept of the answer's items, before anything else reads it; empty for all of it.
    pub only_members: &'static [&'static str],
    /// Names of counters beside the list of the answer that count pages and not rows.
    pub pages: &'static [&'static str],
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

/// What a statement of the document rests on, the firmest first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Basis {
    /// A page of the vendor.
    Documented,
    /// A request to a real server and its answer, both seen in public material.
    Captured,
    /// Somebody else's program sends or reads it; no answer was seen.
    ThirdParty,
    /// Concluded by us.
    Inferred,
}

impl Basis {
    /// The word for readers.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Documented => "documented",
            Self::Captured => "captured",
            Self::ThirdParty => "third party",
            Self::Inferred => "inferred",
        }
    }
}

/// Where an operation or an argument comes from, and which installations know it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Origin {
    /// What it rests on.
    pub basis: Basis,
    /// The first build that has it, as `12.8.719`; `newer` or `classic` where no build is known. `None` for every build.
    pub since: Option<&'static str>,
    /// The only installations that have it: `msp`, `central`, `probe`, or an add-on as `addon:netflow`. `None` for all.
    pub variant: Option<&'static str>,
}

impl Origin {
    /// Whether some installations do not know it.
    pub const fn is_of_some_builds(&self) -> bool {
        self.since.is_some() || self.variant.is_some()
    }

    /// The installations that know it, in words; `None` for all.
    pub fn builds(&self) -> Option<String> {
        let since = self.since.map(|since| match since {
            "newer" => "newer builds".to_owned(),
            "classic" => "older builds".to_owned(),
            build => format!("builds from {build}"),
        });
        let variant = self.variant.map(|variant| match variant {
            "msp" => "the MSP edition".to_owned(),
            "central" => "a Central server".to_owned(),
            "probe" => "a probe".to_owned(),
            addon => format!("the add-on {}", addon.trim_start_matches("addon:")),
        });
        match (since, variant) {
            (None, None) => None,
            (Some(one), None) | (None, Some(one)) => Some(one),
            (Some(since), Some(variant)) => Some(format!("{since} with {variant}")),
        }
    }
}

impl Specification {
    /// Where an argument comes from: what the operation rests on and every build, unless something else is stated.
    pub fn origin_of(&self, argument: &str) -> Origin {
        let stated = self.parameters.iter().find(|(name, _)| *name == argument);
        stated.map_or(
            Origin {
                basis: self.origin.basis,
                since: None,
                variant: None,
            },
            |(_, origin)| *origin,
        )
    }

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

/// What is sent of an argument that has a default: the default where nothing is given, and nothing for the word that
/// asks for it. The build has checked that the default, as JSON text, is a value of the type.
pub(crate) fn sent<T: Serialize + DeserializeOwned>(
    given: Option<T>,
    default: &str,
    unsent: Option<&str>,
) -> Option<T> {
    let Some(given) = given else {
        return serde_json::from_str(default).ok();
    };
    let asks_for_none = unsent.is_some_and(|unsent| {
        serde_json::to_value(&given).is_ok_and(|given| given.as_str() == Some(unsent))
    });
    (!asks_for_none).then_some(given)
}
