//! The tool table of README.md, made from the catalogue. `UPDATE_DOCS=1` writes it, otherwise it is compared.

use std::fmt::Write as _;
use std::fs;

use opmanager_mcp_server::tools::{self, Access, CatalogueTool};

const README: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/README.md");
const START: &str = "<!-- tools -->\n";
const END: &str = "<!-- /tools -->\n";

#[test]
fn the_tool_table_is_that_of_the_catalogue() {
    let readme = fs::read_to_string(README).unwrap();
    let (before, rest) = readme
        .split_once(START)
        .expect("README.md has a line <!-- tools -->");
    let (found, after) = rest
        .split_once(END)
        .expect("README.md has a line <!-- /tools -->");
    let expected = table();
    if update() {
        fs::write(README, [before, START, &expected, END, after].concat()).unwrap();
    } else {
        assert!(
            found == expected,
            "the tool table of README.md is out of date; write it anew with\n\n    UPDATE_DOCS=1 cargo test --test it readme\n"
        );
    }
}

#[allow(
    clippy::disallowed_methods,
    reason = "the switch of a test, not of the server"
)]
fn update() -> bool {
    std::env::var_os("UPDATE_DOCS").is_some_and(|value| value == "1")
}

/// A folded table for each toolset, with a row for each access level that has tools.
fn table() -> String {
    let mut table = String::new();
    for tools in tools::catalogue().chunk_by(|a, b| a.toolset() == b.toolset()) {
        let (name, purpose) = (tools[0].toolset(), tools[0].toolset_purpose());
        write!(
            table,
            "<details><summary><b>{name}</b>: {purpose}</summary>\n\n| access | tools |\n| --- | --- |\n"
        )
        .unwrap();
        for access in Access::ALL {
            let lines: Vec<String> = tools
                .iter()
                .filter(|tool| tool.access() == access)
                .map(line)
                .collect();
            if !lines.is_empty() {
                writeln!(table, "| {access} | {} |", lines.join("<br>")).unwrap();
            }
        }
        table.push_str("</details>\n");
    }
    table
}

fn line(tool: &CatalogueTool) -> String {
    format!("`{}` {}", tool.name(), tool.specification().summary)
}
