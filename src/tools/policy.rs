//! What an operator lets clients see and call. An upper bound: nothing in a call widens it.
//!
//! Owns the names of tools and toolsets as an operator gives them. Two questions are apart: which tools are
//! listed, and which operations may be called; `call_operation`, where it is listed, calls what is not.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use rmcp::model::Tool as Definition;

use super::execution::{self, WorkflowName};
use super::{Access, TOOLSETS, Tool, arguments, catalogue, find, local};

/// The toolset of what every operator needs, and of the way to everything else.
pub const CORE: &str = "core";
/// The toolset of the tools that find, describe and call any operation.
pub(super) const CATALOGUE: &str = "catalogue";
/// The toolset of what only an MSP Central has.
pub(super) const MSP: &str = "msp";
/// All areas.
pub(super) const ALL: &str = "all";

/// Name of a toolset: an area, or one of those that go across.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ToolsetName(&'static str);

impl ToolsetName {
    /// Every name, in the order of the documentation.
    pub fn every() -> impl Iterator<Item = Self> {
        let areas = TOOLSETS.iter().map(|toolset| toolset.name);
        [CORE, CATALOGUE]
            .into_iter()
            .chain(areas)
            .chain([ALL])
            .map(Self)
    }
}

impl ToolsetName {
    /// Whether only an MSP Central has its tools.
    pub fn needs_msp(self) -> bool {
        self.0 == MSP
    }
}

impl fmt::Display for ToolsetName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0)
    }
}

impl FromStr for ToolsetName {
    type Err = String;

    fn from_str(name: &str) -> Result<Self, String> {
        Self::every().find(|known| known.0 == name).ok_or_else(|| {
            let names: Vec<&str> = Self::every().map(|known| known.0).collect();
            let close = suggestion(name, names.iter().copied());
            format!(
                "there is no such toolset{close}. There are {}",
                names.join(", ")
            )
        })
    }
}

/// Name of a tool.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ToolName(&'static str);

impl fmt::Display for ToolName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0)
    }
}

impl FromStr for ToolName {
    type Err = String;

    fn from_str(name: &str) -> Result<Self, String> {
        find(name).map(|tool| Self(tool.name())).ok_or_else(|| {
            let close = suggestion(name, catalogue().iter().map(Tool::name));
            format!("there is no such tool{close}. `opmanager-mcp-server tools --toolsets all --access destructive` lists them")
        })
    }
}

/// The names that somebody may have meant, as the continuation of a sentence; empty if none is close.
pub(crate) fn suggestion<'a>(name: &str, known: impl Iterator<Item = &'a str>) -> String {
    /// From here on two names look like a slip of the pen.
    const CLOSE: f64 = 0.8;
    /// More would be a list and no help.
    const MOST: usize = 3;
    /// No known name is as long, and comparing takes time in proportion to it.
    const LONGEST: usize = 64;
    if name.len() > LONGEST {
        return String::new();
    }
    let plain = |name: &str| name.to_ascii_lowercase().replace(['_', '-'], "");
    let meant = plain(name);
    let mut close: Vec<(f64, &str)> = known
        .map(|known| (strsim::jaro_winkler(&meant, &plain(known)), known))
        .filter(|(similarity, _)| *similarity > CLOSE)
        .collect();
    close.sort_by(|a, b| b.0.total_cmp(&a.0));
    let names: Vec<String> = close
        .iter()
        .take(MOST)
        .map(|(_, name)| format!("`{name}`"))
        .collect();
    if names.is_empty() {
        String::new()
    } else {
        format!("; did you mean {}?", names.join(" or "))
    }
}

/// What one caller may see and call, within what the server was started with.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Bound {
    /// Highest access level; that of the server if `None`.
    pub access: Option<Access>,
    /// The only toolsets whose operations the caller can reach, by whatever way; all if `None`.
    pub toolsets: Option<Vec<ToolsetName>>,
}

impl Bound {
    /// Whether it leaves everything as the server was started.
    pub(crate) fn is_none(&self) -> bool {
        self.access.is_none() && self.toolsets.is_none()
    }

    fn includes(&self, tool: &Tool) -> bool {
        // `all` is no bound, though it lists no tool that calls others.
        let includes = |toolset: &ToolsetName| toolset.0 == ALL || tool.belongs_to(toolset.0);
        let toolsets = self.toolsets.as_ref();
        toolsets.is_none_or(|toolsets| toolsets.iter().any(includes))
    }
}

/// What an operator lets clients see and call.
#[derive(Debug, Clone, Default)]
pub struct Policy {
    /// Highest access level offered and run.
    pub access: Access,
    /// Toolsets that are listed. If neither these nor tools are named, [`CORE`].
    pub toolsets: Vec<ToolsetName>,
    /// Tools that are listed beside them.
    pub tools: Vec<ToolName>,
    /// Tools that are neither listed nor run, by whatever way.
    pub excluded: Vec<ToolName>,
    /// Workflows of OpManager that may be run, by their names. Without any, the tool that runs them is unknown.
    pub workflows: Vec<WorkflowName>,
    /// Whether calls may be about a part of an MSP Central. Without it the tools that only such a server has are unknown.
    pub msp: bool,
    /// What the caller's token permits of all this.
    pub bound: Bound,
}

impl Policy {
    /// The highest access level that the caller has.
    pub(crate) fn granted(&self) -> Access {
        self.bound
            .access
            .map_or(self.access, |access| access.min(self.access))
    }

    /// Whether it can be kept as it stands.
    ///
    /// # Errors
    ///
    /// A named tool, or workflows, that the access level does not let anybody call; the tool that runs workflows, and no
    /// workflow; or what only an MSP Central has, without [`Policy::msp`].
    pub fn check(&self) -> Result<(), String> {
        if !self.msp && self.toolsets.iter().any(|toolset| toolset.0 == MSP) {
            return Err(format!("--toolsets {MSP} needs --msp"));
        }
        for tool in catalogue() {
            if execution::runs_workflows(tool) {
                if tool.access() > self.access && !self.workflows.is_empty() {
                    return Err(format!(
                        "--allow-workflows needs --access {}",
                        tool.access()
                    ));
                }
                if self.names(tool.name()) && self.workflows.is_empty() {
                    return Err(format!("--tools {} needs --allow-workflows", tool.name()));
                }
            }
            if self.lacks_msp(tool) && self.names(tool.name()) {
                return Err(format!("--tools {} needs --msp", tool.name()));
            }
            if tool.access() > self.access && self.tools.contains(&ToolName(tool.name())) {
                return Err(format!(
                    "--tools {} needs --access {}",
                    tool.name(),
                    tool.access()
                ));
            }
        }
        Ok(())
    }

    /// Whether a tool may be called at all. A tool that sends several operations may if each of them may: none can be
    /// reached through it that the operator excluded. A token's toolsets are those of the tool itself.
    ///
    /// # Errors
    ///
    /// Why not, and who can change it.
    pub(crate) fn allows(&self, tool: &Tool) -> Result<(), String> {
        let name = tool.name();
        if self.excludes(name) {
            return Err(format!(
                "`{name}` was switched off by the operator of this server (--exclude-tools)."
            ));
        }
        if !self.bound.includes(tool) {
            return Err(format!(
                "`{name}` is not in the toolsets that the token of this caller permits. The operator of this server can change them in the token file."
            ));
        }
        if let Some(part) = self.excluded_part(tool) {
            return Err(format!(
                "`{name}` uses `{part}`, which was switched off by the operator of this server (--exclude-tools)."
            ));
        }
        let (needed, given) = (tool.access(), self.access);
        if needed > given {
            return Err(format!(
                "`{name}` is a {needed} tool, and this server was started with --access {given}. Its operator can start it with --access {needed}."
            ));
        }
        if needed > self.granted() {
            return Err(format!(
                "`{name}` is a {needed} tool, and the token of this caller permits access={} only. The operator of this server can change it in the token file.",
                self.granted()
            ));
        }
        if self.lacks_msp(tool) {
            return Err(format!(
                "`{name}` is for an MSP Central, and this server was started without --msp. Its operator can add it."
            ));
        }
        if self.runs_nothing(tool) {
            return Err(format!(
                "`{name}` runs scripts, and this server was started without --allow-workflows. Its operator can name there the workflows that may be run."
            ));
        }
        Ok(())
    }

    /// An excluded tool whose operation another one would send.
    fn excluded_part(&self, tool: &Tool) -> Option<&'static str> {
        if self.excluded.is_empty() {
            return None;
        }
        // Which workflow an id means is read before it is run.
        let read = execution::runs_workflows(tool).then_some(execution::LIST);
        let parts = tool.uses().iter().copied().chain(read);
        let parts = parts.filter_map(super::of_operation);
        parts
            .map(Tool::name)
            .find(|part| *part != tool.name() && self.excludes(part))
    }

    /// Whether a tool may be called by its own name.
    ///
    /// # Errors
    ///
    /// Why not, and the way that is open.
    pub(crate) fn allows_by_name(&self, tool: &Tool) -> Result<(), String> {
        self.allows(tool)?;
        if self.lists(tool) {
            return Ok(());
        }
        let name = tool.name();
        Err(
            if tool.is_callable_by_name() && self.lists_name(local::CALL) {
                format!(
                    "`{name}` is not in the list of this server's tools.\nCall it with `{}`: give `operation` {name}, and its arguments as `arguments`.",
                    local::CALL
                )
            } else {
                format!(
                    "`{name}` is not among the tools that this server was started with. Its operator can add it with --tools {name}."
                )
            },
        )
    }

    /// The tools that somebody may have meant by a name, as [`suggestion`] words it.
    pub(crate) fn closest(&self, name: &str) -> String {
        let known = catalogue().iter().filter(|tool| {
            if tool.is_callable_by_name() {
                !self.hides(tool)
            } else {
                self.allows_by_name(tool).is_ok()
            }
        });
        suggestion(name, known.map(Tool::name))
    }

    /// Whether a tool runs workflows and there is none that it may run.
    fn runs_nothing(&self, tool: &Tool) -> bool {
        self.workflows.is_empty() && execution::runs_workflows(tool)
    }

    /// Whether only an MSP Central has a tool, and none is called.
    fn lacks_msp(&self, tool: &Tool) -> bool {
        !self.msp && tool.toolset() == MSP
    }

    /// Whether a tool is unknown to clients: the operator excluded it, the caller's token does not include it, it runs
    /// workflows and none is permitted, or only an MSP Central has it and none is called.
    pub(crate) fn hides(&self, tool: &Tool) -> bool {
        self.excludes(tool.name())
            || !self.bound.includes(tool)
            || self.runs_nothing(tool)
            || self.lacks_msp(tool)
    }

    /// Whether a tool is in the list.
    pub fn lists(&self, tool: &Tool) -> bool {
        self.allows(tool).is_ok()
            && (self.names(tool.name()) || self.chosen(|toolset| tool.belongs_to(toolset)))
    }

    /// Whether the tool of that name is in the list.
    pub(crate) fn lists_name(&self, name: &str) -> bool {
        find(name).is_some_and(|tool| self.lists(tool))
    }

    /// The definitions that clients are given, in the order of the catalogue.
    pub fn listed(&self) -> Vec<Definition> {
        catalogue()
            .iter()
            .filter(|tool| self.lists(tool))
            .map(|tool| self.definition(tool))
            .collect()
    }

    /// The definition of a tool that clients are given.
    pub fn definition(&self, tool: &Tool) -> Definition {
        let mut definition = tool.definition_at(self.granted());
        if self.msp {
            let mut schema = arguments::with_scope(&definition.input_schema);
            local::add_toolset(&mut schema, tool, MSP);
            definition.input_schema = Arc::new(schema);
        }
        definition
    }

    fn chosen(&self, includes: impl Fn(&str) -> bool) -> bool {
        if self.toolsets.is_empty() && self.tools.is_empty() {
            return includes(CORE);
        }
        self.toolsets.iter().any(|toolset| includes(toolset.0))
    }

    fn names(&self, tool: &str) -> bool {
        self.tools.iter().any(|named| named.0 == tool)
    }

    fn excludes(&self, tool: &str) -> bool {
        self.excluded.iter().any(|excluded| excluded.0 == tool)
    }
}
