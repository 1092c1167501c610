//! What an operator lets clients see and call. An upper bound: nothing in a call widens it.
//!
//! Owns the names of tools and toolsets as an operator gives them. Two questions are apart: which tools are
//! listed, and which operations may be called; `call_operation`, where it is listed, calls what is not.

use std::fmt;
use std::str::FromStr;

use rmcp::model::Tool;

use super::builtin::BuiltIn;
use super::{Access, CatalogueTool, TOOLSETS, catalogue};

/// The toolset of what every operator needs, and of the way to everything else.
pub const CORE: &str = "core";
/// The toolset of the tools that find, describe and call any operation.
pub(super) const CATALOGUE: &str = "catalogue";
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

impl ToolName {
    fn every() -> impl Iterator<Item = &'static str> {
        let built_in = BuiltIn::ALL.into_iter().map(BuiltIn::name);
        catalogue().iter().map(CatalogueTool::name).chain(built_in)
    }
}

impl fmt::Display for ToolName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0)
    }
}

impl FromStr for ToolName {
    type Err = String;

    fn from_str(name: &str) -> Result<Self, String> {
        let renamed = super::find(name).map(CatalogueTool::name);
        renamed
            .or_else(|| Self::every().find(|known| *known == name))
            .map(Self)
            .ok_or_else(|| {
                let close = suggestion(name, Self::every());
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

    fn includes(&self, includes: impl Fn(&str) -> bool) -> bool {
        let toolsets = self.toolsets.as_ref();
        toolsets.is_none_or(|toolsets| toolsets.iter().any(|toolset| includes(toolset.0)))
    }

    fn includes_operation(&self, tool: &CatalogueTool) -> bool {
        self.includes(|toolset| has(toolset, tool))
    }

    fn includes_built_in(&self, tool: BuiltIn) -> bool {
        // `all` is no bound, though whoever lists all operations needs no way to call others.
        self.includes(|toolset| toolset == ALL || tool.belongs_to(toolset))
    }
}

/// Whether a toolset has an operation.
fn has(toolset: &str, tool: &CatalogueTool) -> bool {
    match toolset {
        ALL => true,
        CORE => tool.is_core(),
        area => area == tool.toolset(),
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
    /// A named tool that the access level does not let anybody call.
    pub fn check(&self) -> Result<(), String> {
        for tool in catalogue() {
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

    /// Whether an operation may be called at all.
    ///
    /// # Errors
    ///
    /// Why not, and who can change it.
    pub(crate) fn allows(&self, tool: &CatalogueTool) -> Result<(), String> {
        let name = tool.name();
        if self.excludes(name) {
            return Err(refused_by_operator(name));
        }
        if !self.bound.includes_operation(tool) {
            return Err(refused_by_token(name));
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
        Ok(())
    }

    /// Whether an operation may be called by the name of its tool.
    ///
    /// # Errors
    ///
    /// Why not, and the way that is open.
    pub(crate) fn allows_by_name(&self, tool: &CatalogueTool) -> Result<(), String> {
        self.allows(tool)?;
        if self.lists(tool) {
            return Ok(());
        }
        let name = tool.name();
        Err(if self.lists_built_in(BuiltIn::CallOperation) {
            format!(
                "`{name}` is not in the list of this server's tools.\nCall it with `{}`: give `operation` {name}, and its arguments as `arguments`.",
                BuiltIn::CallOperation.name()
            )
        } else {
            format!(
                "`{name}` is not among the tools that this server was started with. Its operator can add it with --tools {name}."
            )
        })
    }

    /// Whether a built-in tool may be called.
    ///
    /// # Errors
    ///
    /// Why not, and who can change it.
    pub(crate) fn allows_built_in(&self, tool: BuiltIn) -> Result<(), String> {
        let name = tool.name();
        if self.excludes(name) {
            Err(refused_by_operator(name))
        } else if !self.bound.includes_built_in(tool) {
            Err(refused_by_token(name))
        } else if self.lists_built_in(tool) {
            Ok(())
        } else {
            Err(format!(
                "`{name}` is not among the tools that this server was started with. Its operator can add it with --tools {name}."
            ))
        }
    }

    /// The tools that somebody may have meant by a name, as [`suggestion`] words it.
    pub(crate) fn closest(&self, name: &str) -> String {
        let operations = catalogue().iter().filter(|tool| !self.hides(tool));
        let built_in = BuiltIn::ALL
            .into_iter()
            .filter(|tool| self.allows_built_in(*tool).is_ok());
        let known = operations
            .map(CatalogueTool::name)
            .chain(built_in.map(BuiltIn::name));
        suggestion(name, known)
    }

    /// Whether an operation is unknown to clients: the operator excluded it, or the caller's token does not include it.
    pub(crate) fn hides(&self, tool: &CatalogueTool) -> bool {
        self.excludes(tool.name()) || !self.bound.includes_operation(tool)
    }

    /// Whether an operation is in the list as a tool of its own.
    pub fn lists(&self, tool: &CatalogueTool) -> bool {
        self.allows(tool).is_ok()
            && (self.names(tool.name()) || self.chosen(|toolset| has(toolset, tool)))
    }

    /// Whether a built-in tool is in the list.
    pub fn lists_built_in(&self, tool: BuiltIn) -> bool {
        !self.excludes(tool.name())
            && self.bound.includes_built_in(tool)
            && (self.names(tool.name()) || self.chosen(|toolset| tool.belongs_to(toolset)))
    }

    /// The definitions that clients are given: operations in the order of the catalogue, then what is built in.
    pub fn listed(&self) -> Vec<Tool> {
        let operations = catalogue().iter().filter(|tool| self.lists(tool));
        let built_in = BuiltIn::ALL
            .into_iter()
            .filter(|tool| self.lists_built_in(*tool));
        operations
            .map(|tool| tool.definition().clone())
            .chain(built_in.map(|tool| tool.definition(self.granted())))
            .collect()
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

fn refused_by_token(name: &str) -> String {
    format!(
        "`{name}` is not in the toolsets that the token of this caller permits. The operator of this server can change them in the token file."
    )
}

fn refused_by_operator(name: &str) -> String {
    format!("`{name}` was switched off by the operator of this server (--exclude-tools).")
}
