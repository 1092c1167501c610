//! The command `tools`: the listed tools, offline.

use std::io::{self, Write};

use crate::tools::{self, Policy};

/// Heading of the tools that are not one operation.
const BUILT_IN: &str = "built in";

/// Prints the tools that a policy lists.
pub(super) fn print(policy: &Policy, json: bool) -> io::Result<()> {
    let tools = tools::catalogue().iter().filter(|tool| policy.lists(tool));
    let mut out = io::stdout().lock();
    if json {
        let tools: Vec<_> = tools
            .map(|tool| {
                let mut line = serde_json::json!({
                    "toolset": BUILT_IN,
                    "access": tool.access_at(policy.access).word(),
                    "tool": policy.definition(tool),
                });
                if let Some(specification) = tool.operation() {
                    line["toolset"] = tool.toolset().into();
                    line["operation"] = specification.id.into();
                    line["method"] = specification.method.into();
                    line["path"] = specification.path.into();
                }
                line
            })
            .collect();
        serde_json::to_writer_pretty(&mut out, &tools)?;
        return writeln!(out);
    }
    let mut heading = "";
    for tool in tools {
        let toolset = match tool.operation() {
            Some(_) => tool.toolset(),
            None => BUILT_IN,
        };
        if heading != toolset {
            heading = toolset;
            writeln!(out, "{heading}")?;
        }
        let (name, access) = (tool.name(), tool.access_at(policy.access).word());
        writeln!(out, "  {name:<40} {access:<12} {}", tool.summary())?;
    }
    Ok(())
}
