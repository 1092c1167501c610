//! The catalogue: which operation is which tool, who may call it, and what a client is told of it.
//!
//! Each operation of the OpenAPI document is decided exactly once, in the file of its toolset: as a tool
//! with a title and an access word, or as hidden with a reason. Nothing here knows of transports.

mod alarms;
pub(crate) mod arguments;
mod availability;
pub(crate) mod builtin;
mod dashboards;
pub(crate) mod describe;
mod devices;
mod events;
mod groups;
mod interfaces;
mod monitoring;
mod notifications;
pub(crate) mod outcome;
mod policy;
pub(crate) mod prompts;
mod reports;
mod search;
mod toolset;
mod virtualization;
mod wireless;
pub(crate) mod wording;

use std::collections::HashMap;
use std::fmt;
use std::str::FromStr;
use std::sync::{Arc, LazyLock};

use rmcp::model::{JsonObject, Tool, ToolAnnotations};
use serde_json::Value;

use crate::opmanager::{OperationId, Specification};
pub use builtin::BuiltIn;
pub use policy::{Bound, CORE, Policy, ToolName, ToolsetName};
pub(crate) use toolset::{Call, Toolset};

/// All toolsets, in the order in which they are listed.
pub(crate) const TOOLSETS: &[Toolset] = &[
    alarms::TOOLSET,
    availability::TOOLSET,
    events::TOOLSET,
    devices::TOOLSET,
    interfaces::TOOLSET,
    monitoring::TOOLSET,
    groups::TOOLSET,
    notifications::TOOLSET,
    reports::TOOLSET,
    dashboards::TOOLSET,
    virtualization::TOOLSET,
    wireless::TOOLSET,
];

const _: () = toolset::decided_once(TOOLSETS);

/// What a tool may do to OpManager. Each level includes the ones before it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub enum Access {
    /// Changes nothing, whatever the HTTP verb. Probes (ping, trace route, a test poll) count as reading.
    #[default]
    Read,
    /// Adds or changes something that can be added or changed back.
    Write,
    /// Removes something for good.
    Destructive,
}

impl Access {
    /// All levels, lowest first.
    pub const ALL: [Self; 3] = [Self::Read, Self::Write, Self::Destructive];

    /// The word of the command line.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Read => "read",
            Self::Write => "write",
            Self::Destructive => "destructive",
        }
    }
}

impl fmt::Display for Access {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.word())
    }
}

impl FromStr for Access {
    type Err = String;

    fn from_str(word: &str) -> Result<Self, String> {
        Self::ALL
            .into_iter()
            .find(|access| access.word() == word)
            .ok_or_else(|| "expected read, write or destructive".to_owned())
    }
}

/// One line of a toolset file: an operation decided as a tool.
pub(crate) struct Entry {
    /// Tool name: the operation id in `snake_case`.
    pub(crate) name: &'static str,
    /// Title for people.
    pub(crate) title: &'static str,
    /// Access word.
    pub(crate) access: Access,
    /// What else is said of it.
    pub(crate) words: toolset::Words,
    /// The name that it had until the version before, if it had another.
    pub(crate) was: &'static [&'static str],
    /// The operation.
    pub(crate) operation: OperationId,
    /// Sends it.
    pub(crate) call: Call,
}

/// A tool as clients see it, with what the server knows of it.
pub struct CatalogueTool {
    entry: &'static Entry,
    toolset: &'static Toolset,
    description: String,
    accepted: JsonObject,
    tool: Tool,
}

impl CatalogueTool {
    /// Tool name.
    pub fn name(&self) -> &'static str {
        self.entry.name
    }

    /// The name that it had until the version before. A call by that name still finds it.
    pub fn was(&self) -> Option<&'static str> {
        self.entry.was.first().copied()
    }

    /// Whether it is found by this name: its own, or the one that it had.
    pub(crate) fn answers_to(&self, name: &str) -> bool {
        self.name() == name || self.was() == Some(name)
    }

    /// Title for people.
    pub fn title(&self) -> &'static str {
        self.entry.title
    }

    /// Name of its toolset.
    pub fn toolset(&self) -> &'static str {
        self.toolset.name
    }

    /// What its toolset is for, in a sentence.
    pub fn toolset_purpose(&self) -> &'static str {
        self.toolset.purpose
    }

    /// What it may do.
    pub fn access(&self) -> Access {
        self.entry.access
    }

    /// Whether it is one of those that every operator needs, whatever its area.
    pub fn is_core(&self) -> bool {
        self.entry.words.core
    }

    /// The facts of its operation.
    pub fn specification(&self) -> &'static Specification {
        self.entry.operation.specification()
    }

    /// The definition that clients are given. Of each text it has the first paragraph.
    pub fn definition(&self) -> &Tool {
        &self.tool
    }

    /// What a call with these arguments is refused with before anything is sent: all problems at
    /// once, one a line, without any value that was given but a port. `None` if they are acceptable,
    /// which says nothing of where they lead: the operator's policy on targets comes after them.
    pub fn problems(&self, given: JsonObject) -> Option<String> {
        let problems = arguments::check(self, given).err()?;
        Some(problems.text(self.name()))
    }

    /// What it does, when to use it, and its traps: all of it.
    pub fn description(&self) -> &str {
        &self.description
    }

    /// Schema of the arguments that it takes, each described in full.
    pub fn accepted(&self) -> &JsonObject {
        &self.accepted
    }

    pub(crate) fn entry(&self) -> &'static Entry {
        self.entry
    }
}

static CATALOGUE: LazyLock<Vec<CatalogueTool>> = LazyLock::new(|| {
    TOOLSETS
        .iter()
        .flat_map(|toolset| {
            toolset
                .tools
                .iter()
                .map(move |entry| define(toolset, entry))
        })
        .collect()
});

/// Every tool, in toolset order.
pub fn catalogue() -> &'static [CatalogueTool] {
    &CATALOGUE
}

/// The tool of that name, or the one that had it until the version before.
pub fn find(name: &str) -> Option<&'static CatalogueTool> {
    catalogue().iter().find(|tool| tool.answers_to(name))
}

fn define(toolset: &'static Toolset, entry: &'static Entry) -> CatalogueTool {
    let specification = entry.operation.specification();
    let description = in_tool_names(specification.description);
    let schema: Value = serde_json::from_str(specification.schema).unwrap_or_default();
    let mut accepted = arguments::around(&schema, specification.list.is_some());
    describe_each(&mut accepted, in_tool_names);
    let mut schema = accepted.clone();
    describe_each(&mut schema, |text| arguments::listed(text).to_owned());
    let destructive = entry.access == Access::Destructive || entry.words.overwrites;
    let annotations = annotations(entry.access, destructive, entry.words.idempotent);
    let tool = Tool::new(
        entry.name,
        arguments::listed(&description).to_owned(),
        Arc::new(schema),
    )
    .with_title(entry.title)
    .with_annotations(annotations);
    CatalogueTool {
        entry,
        toolset,
        description,
        accepted,
        tool,
    }
}

/// The hints for clients. What the protocol takes for granted is left out, as each word is read many times: that
/// a tool reaches out, and that one which reads may be repeated.
pub(crate) fn annotations(access: Access, destructive: bool, idempotent: bool) -> ToolAnnotations {
    let hints = ToolAnnotations::new()
        .read_only(access == Access::Read)
        .destructive(destructive);
    if access == Access::Read {
        hints
    } else {
        hints.idempotent(idempotent)
    }
}

/// Writes the description of each argument anew.
fn describe_each(schema: &mut JsonObject, text: impl Fn(&str) -> String) {
    let properties = schema.get_mut("properties").and_then(Value::as_object_mut);
    for (_, property) in properties.into_iter().flatten() {
        if let Some(Value::String(description)) = property.get_mut("description") {
            *description = text(description);
        }
    }
}

/// A text of the document, which names operations, as a text for callers, who know them as tools.
fn in_tool_names(text: &str) -> String {
    static NAMES: LazyLock<HashMap<&str, &str>> = LazyLock::new(|| {
        let entries = TOOLSETS.iter().flat_map(|toolset| toolset.tools);
        entries
            .map(|entry| (entry.operation.specification().id, entry.name))
            .collect()
    });
    let mut out = String::with_capacity(text.len() + 16);
    let mut rest = text;
    while !rest.is_empty() {
        let end = rest
            .find(|c: char| !c.is_ascii_alphanumeric())
            .unwrap_or(rest.len());
        let (word, tail) = rest.split_at(end);
        out.push_str(NAMES.get(word).unwrap_or(&word));
        let mut separators = tail.chars();
        out.extend(separators.next());
        rest = separators.as_str();
    }
    out
}

/// An object of JSON, as tool arguments arrive.
pub(crate) type Arguments = JsonObject;
