//! The command `tools`: the listed tools, offline.

use std::io::{self, Write};

use crate::tools::{self, BuiltIn, Policy};

/// Heading of the tools that are not operations.
const BUILT_IN: &str = "built in";

/// Prints the tools that a policy lists.
pub(super) fn print(policy: &Policy, json: bool) -> io::Result<()> {
    let operations = tools::catalogue().iter().filter(|tool| policy.lists(tool));
    let built_in = BuiltIn::ALL
        .into_iter()
        .filter(|tool| policy.lists_built_in(*tool));
    let mut out = io::stdout().lock();
    if json {
        let operations = operations.map(|tool| {
            let specification = tool.specification();
            serde_json::json!({
                "toolset": tool.toolset(),
                "access": tool.access().word(),
                "operation": specification.id,
                "method": specification.method,
                "path": specification.path,
                "tool": tool.definition(),
            })
        });
        let built_in = built_in.map(|tool| {
            serde_json::json!({
                "toolset": BUILT_IN,
                "access": tool.access(policy.access).word(),
                "tool": tool.definition(policy.access),
            })
        });
        let tools: Vec<_> = operations.chain(built_in).collect();
        serde_json::to_writer_pretty(&mut out, &tools)?;
        return writeln!(out);
    }
    let operations = operations.map(|tool| {
        let summary = tool.specification().summary;
        (tool.toolset(), tool.name(), tool.access(), summary)
    });
    let built_in = built_in.map(|tool| {
        let access = tool.access(policy.access);
        (BUILT_IN, tool.name(), access, tool.title())
    });
    let mut heading = "";
    for (toolset, name, access, text) in operations.chain(built_in) {
        if heading != toolset {
            heading = toolset;
            writeln!(out, "{heading}")?;
        }
        writeln!(out, "  {name:<40} {:<12} {text}", access.word())?;
    }
    Ok(())
}
