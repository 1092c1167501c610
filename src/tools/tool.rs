//! A tool: what clients see of it, and what runs when it is called.
//!
//! Owns how definitions are made. All kinds of tools are entries of one catalogue; they differ in their handler alone.

use std::collections::HashMap;
use std::sync::{Arc, LazyLock};

use rmcp::model::{JsonObject, Tool as Definition, ToolAnnotations};
use serde_json::Value;

use super::arguments::Asked;
use super::local::Local;
use super::policy::{ALL, CORE};
use super::toolset::{Entry, Toolset};
use super::wording::Wording;
use super::workflows::Entry as WorkflowEntry;
use super::{Access, Arguments, TOOLSETS, arguments};
use crate::opmanager::{OperationId, Specification, Zone};
use crate::result::{Selection, Words};

/// What runs when a tool is called.
pub(crate) enum Handler {
    /// One operation; its response, shaped.
    Operation(&'static Entry),
    /// Several operations over one connection; one report.
    Workflow(&'static WorkflowEntry),
    /// Answered from the catalogue, without OpManager.
    Local(Local),
    /// Another tool, which its arguments name: resolved before anything runs.
    ByName,
}

/// A tool as clients see it, with what the server knows of it.
pub struct Tool {
    name: &'static str,
    former_name: Option<&'static str>,
    toolset: &'static str,
    access: Access,
    core: bool,
    description: String,
    accepted: JsonObject,
    definition: Definition,
    words: Vec<Words>,
    handler: Handler,
}

/// What all kinds of tools are made from.
struct Parts {
    name: &'static str,
    title: &'static str,
    toolset: &'static str,
    access: Access,
    flags: Flags,
    description: String,
    accepted: JsonObject,
    handler: Handler,
}

/// What a line of the catalogue may say of a tool beyond its access.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Flags {
    /// Whether a second identical call changes nothing more. Reads always are.
    pub(crate) idempotent: bool,
    /// Whether it replaces what was there before, without removing it for good.
    pub(crate) overwrites: bool,
    /// Whether it belongs to the tools that every operator needs.
    pub(crate) core: bool,
}

impl Flags {
    /// The flags named in a line; an unknown one does not compile.
    pub(crate) const fn of(words: &[&str]) -> Self {
        let mut flags = Self {
            idempotent: false,
            overwrites: false,
            core: false,
        };
        let mut word = 0;
        while word < words.len() {
            match words[word].as_bytes() {
                b"idempotent" => flags.idempotent = true,
                b"overwrites" => flags.overwrites = true,
                b"core" => flags.core = true,
                _ => panic!("a tool is described by: idempotent, overwrites, core"),
            }
            word += 1;
        }
        flags
    }
}

impl Tool {
    /// Tool name.
    pub fn name(&self) -> &'static str {
        self.name
    }

    /// The name that it had until the version before. A call by that name still finds it.
    pub fn former_name(&self) -> Option<&'static str> {
        self.former_name
    }

    /// Whether it is found by this name: its own, or the former one.
    pub(crate) fn answers_to(&self, name: &str) -> bool {
        self.name == name || self.former_name == Some(name)
    }

    /// Title for people.
    pub fn title(&self) -> &str {
        self.definition.title.as_deref().unwrap_or(self.name)
    }

    /// Name of its toolset.
    pub fn toolset(&self) -> &'static str {
        self.toolset
    }

    /// What its toolset is for, in a sentence; empty for tools that belong to no area of the API.
    pub fn toolset_purpose(&self) -> &'static str {
        TOOLSETS
            .iter()
            .find(|toolset| toolset.name == self.toolset)
            .map_or("", |toolset| toolset.purpose)
    }

    /// What it may do. A tool that calls another by name may do what that one may: [`Tool::access_at`].
    pub fn access(&self) -> Access {
        self.access
    }

    /// What it may do at most for a caller of that access level.
    pub fn access_at(&self, granted: Access) -> Access {
        match self.handler {
            Handler::ByName => granted,
            _ => self.access,
        }
    }

    /// Whether it is one of those that every operator needs, whatever the area.
    pub fn is_core(&self) -> bool {
        self.core
    }

    /// Whether a toolset has it.
    pub(crate) fn belongs_to(&self, toolset: &str) -> bool {
        match toolset {
            CORE => self.core,
            // Where every operation is listed, no tool is needed that finds others.
            ALL => self.is_callable_by_name(),
            area => area == self.toolset,
        }
    }

    /// Whether `call_operation` calls it, and a search finds it.
    pub fn is_callable_by_name(&self) -> bool {
        match self.handler {
            Handler::Operation(_) | Handler::Workflow(_) => true,
            Handler::Local(_) | Handler::ByName => false,
        }
    }

    /// The facts of its operation; `None` if it is not one operation.
    pub fn operation(&self) -> Option<&'static Specification> {
        match &self.handler {
            Handler::Operation(entry) => Some(entry.operation.specification()),
            _ => None,
        }
    }

    /// The operations that it may send.
    pub(crate) fn uses(&self) -> &[OperationId] {
        match &self.handler {
            Handler::Operation(entry) => std::slice::from_ref(&entry.operation),
            Handler::Workflow(entry) => entry.uses,
            Handler::Local(_) | Handler::ByName => &[],
        }
    }

    /// What it does, in a line.
    pub fn summary(&self) -> &str {
        match self.operation() {
            Some(specification) => specification.summary,
            None => self.title(),
        }
    }

    /// Words that may be given for the codes in its answer.
    pub(crate) fn words(&self) -> &[Words] {
        &self.words
    }

    /// The definition that clients are given. Of each text it has the first paragraph.
    pub fn definition(&self) -> &Definition {
        &self.definition
    }

    /// The same for a caller of that access level.
    pub fn definition_at(&self, granted: Access) -> Definition {
        let mut definition = self.definition.clone();
        if let Handler::ByName = self.handler {
            definition.annotations = Some(annotations(granted, granted > Access::Read, false));
        }
        definition
    }

    /// What a call with these arguments comes to where these zones are known: the arguments of its own in the form in
    /// which they are sent, and what is wanted of the answer. Where it leads is for the operator's policy to judge, after
    /// this.
    ///
    /// # Errors
    ///
    /// All problems at once, one a line, without any value that was given but a port.
    pub fn accept(
        &self,
        mut given: JsonObject,
        zones: &[Zone],
    ) -> Result<(JsonObject, Selection), String> {
        let connection = arguments::ConnectionInput::take(&mut given, false);
        let setting = arguments::Setting {
            wording: Wording::Arguments,
            zones,
            msp: false,
        };
        let checked = arguments::check(self, given, connection, setting)
            .map_err(|problems| problems.text(self.name))?;
        let own = match checked.arguments {
            Value::Object(own) => own,
            _ => JsonObject::new(),
        };
        Ok((own, checked.selection))
    }

    /// What it does, when to use it, and its traps: all of it.
    pub fn description(&self) -> &str {
        &self.description
    }

    /// Schema of the arguments that it takes, each described in full.
    pub fn accepted(&self) -> &JsonObject {
        &self.accepted
    }

    /// What runs when it is called.
    pub(crate) fn handler(&self) -> &Handler {
        &self.handler
    }

    /// The tool of one operation.
    pub(super) fn of_operation(toolset: &'static Toolset, entry: &'static Entry) -> Self {
        let specification = entry.operation.specification();
        let schema: Value = serde_json::from_str(specification.schema).unwrap_or_default();
        let answer = match (entry.access, specification) {
            (_, Specification { list: Some(_), .. }) => Asked::List,
            (
                Access::Read,
                Specification {
                    series: [_, ..], ..
                },
            ) => Asked::Series,
            (Access::Read, _) => Asked::Object,
            _ => Asked::Nothing,
        };
        let mut accepted = arguments::around(&schema, answer);
        describe_each(&mut accepted, in_tool_names);
        Self {
            former_name: entry.was.first().copied(),
            words: arguments::words(specification.answer),
            ..Self::new(Parts {
                name: entry.name,
                title: entry.title,
                toolset: toolset.name,
                access: entry.access,
                flags: entry.flags,
                description: in_tool_names(specification.description),
                accepted,
                handler: Handler::Operation(entry),
            })
        }
    }

    /// The tool of a workflow.
    pub(super) fn of_workflow(entry: &'static WorkflowEntry) -> Self {
        let schema = (entry.schema)();
        Self::new(Parts {
            name: entry.name,
            title: entry.title,
            toolset: entry.toolset,
            access: entry.access,
            flags: entry.flags,
            description: entry.description.to_owned(),
            accepted: arguments::around(&schema, Asked::Nothing),
            handler: Handler::Workflow(entry),
        })
    }

    /// A tool that finds, describes or names other tools.
    pub(super) fn of_catalogue(
        name: &'static str,
        title: &'static str,
        description: String,
        accepted: JsonObject,
        handler: Handler,
    ) -> Self {
        Self::new(Parts {
            name,
            title,
            toolset: super::policy::CATALOGUE,
            access: Access::Read,
            flags: Flags::of(&["core"]),
            description,
            accepted,
            handler,
        })
    }

    fn new(parts: Parts) -> Self {
        let Parts {
            name,
            title,
            toolset,
            access,
            flags,
            description,
            accepted,
            handler,
        } = parts;
        let mut schema = accepted.clone();
        describe_each(&mut schema, |text| arguments::listed(text).to_owned());
        without_empty_descriptions(&mut schema);
        // Arguments are checked here, whatever a list says, and Gemini rejects a request with this word in a schema.
        schema.remove("additionalProperties");
        let destructive = access == Access::Destructive || flags.overwrites;
        let definition = Definition::new(
            name,
            arguments::listed(&description).to_owned(),
            Arc::new(schema),
        )
        .with_title(title)
        .with_annotations(annotations(access, destructive, flags.idempotent));
        Self {
            name,
            former_name: None,
            toolset,
            access,
            core: flags.core,
            description,
            accepted,
            definition,
            words: Vec::new(),
            handler,
        }
    }
}

/// The hints for clients. What the protocol takes for granted is left out, as each word is read many times: that
/// a tool reaches out, and that one which reads may be repeated.
fn annotations(access: Access, destructive: bool, idempotent: bool) -> ToolAnnotations {
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
fn describe_each(schema: &mut Arguments, text: impl Fn(&str) -> String) {
    let properties = schema.get_mut("properties").and_then(Value::as_object_mut);
    for (_, property) in properties.into_iter().flatten() {
        if let Some(Value::String(description)) = property.get_mut("description") {
            *description = text(description);
        }
    }
}

/// Leaves out descriptions that a list does not have.
fn without_empty_descriptions(schema: &mut Arguments) {
    let properties = schema.get_mut("properties").and_then(Value::as_object_mut);
    for (_, property) in properties.into_iter().flatten() {
        if let Value::Object(property) = property
            && property.get("description").is_some_and(|text| text == "")
        {
            property.remove("description");
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
