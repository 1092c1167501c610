//! `docs/tools.md`, made from the catalogue: what is listed in each configuration and what it costs, and every
//! tool. The costs have bounds.

use std::fmt::Write as _;
use std::path::Path;

use opmanager_mcp_server::opmanager::Specification;
use opmanager_mcp_server::tools::{self, Access, Policy, ToolsetName};
use rmcp::model::Tool;
use serde_json::Value;

use super::{is_recorded, thousands};

const PAGE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/tools.md");

/// What the default list may cost, in tokens.
const DEFAULT_BUDGET: usize = 5_000;
/// And how many tools it may have.
const DEFAULT_TOOLS: usize = 20;
/// What finding, describing and calling may cost together.
const CATALOGUE_BUDGET: usize = 900;
/// What the list of every operation may cost.
const WHOLE_BUDGET: usize = 30_000;
/// What one tool may cost.
const TOOL_BUDGET: usize = 600;

/// Tokens as the models with the encoding o200k count them.
fn tokens(text: &str) -> usize {
    tiktoken_rs::o200k_base_singleton()
        .encode_ordinary(text)
        .len()
}

fn cost(tool: &Tool) -> usize {
    tokens(&serde_json::to_string(tool).unwrap())
}

/// The tools of a `tools/list` answer, as it is sent.
pub(super) fn list(toolsets: &[&str], access: Access) -> (usize, usize) {
    let policy = Policy {
        access,
        toolsets: toolsets.iter().map(|name| name.parse().unwrap()).collect(),
        msp: toolsets.contains(&"msp"),
        ..Policy::default()
    };
    let listed = policy.listed();
    let text = serde_json::to_string(&listed).unwrap();
    (listed.len(), tokens(&format!("{{\"tools\":{text}}}")))
}

#[test]
fn the_page_is_that_of_the_catalogue() {
    is_recorded(Path::new(PAGE), &page());
}

#[test]
fn the_list_costs_no_more_than_its_budget() {
    let (count, cost) = list(&[], Access::Read);
    assert!(cost <= DEFAULT_BUDGET, "the default list: {cost} tokens");
    assert!(count <= DEFAULT_TOOLS, "the default list: {count} tools");
    let (_, cost) = list(&["all"], Access::Destructive);
    assert!(cost <= WHOLE_BUDGET, "the whole list: {cost} tokens");
    let catalogue: usize = tools::catalogue()
        .iter()
        .filter(|tool| !tool.is_callable_by_name())
        .map(|tool| self::cost(&tool.definition_at(Access::Destructive)))
        .sum();
    assert!(catalogue <= CATALOGUE_BUDGET, "the catalogue: {catalogue}");
    for tool in tools::operations() {
        let cost = self::cost(tool.definition());
        assert!(cost <= TOOL_BUDGET, "{}: {cost} tokens", tool.name());
    }
}

fn page() -> String {
    let mut page = String::from(
        "# Tools\n\nRecorded by `cargo xtask docs`; do not edit. Tokens are those of the \
         encoding o200k, over the definitions as they are sent.\n\n## What is listed, and what it costs\n\n\
         | `--toolsets` | `read` tools | tokens | `write` tools | tokens | `destructive` tools | tokens |\n\
         | --- | ---: | ---: | ---: | ---: | ---: | ---: |\n",
    );
    for toolset in ToolsetName::every().map(|toolset| toolset.to_string()) {
        let name = if toolset == tools::CORE {
            "`core` (default)".to_owned()
        } else {
            format!("`{toolset}`")
        };
        write!(page, "| {name} |").unwrap();
        for access in Access::ALL {
            let (count, cost) = list(&[&toolset], access);
            write!(page, " {count} | {} |", thousands(cost)).unwrap();
        }
        page.push('\n');
    }
    page.push_str(
        "\nWith `catalogue` listed, as it is in `core`, every operation below can be found, described and called, whether \
         it is listed or not. `core` marks the tools that are in that toolset. `host`, `apiKey`, `port`, `use_ssl` and \
         `verify_ssl` are left out below: every operation takes them. Required arguments are bold. What an operation rests on \
         is a page of the vendor (documented), answers of real servers (captured), programs of others (third party) or our \
         conclusion (inferred); so does an argument, unless it says something else.\n\n\
         ## catalogue\n\nEvery operation, whether it is listed or not, and examining a connection.\n\n",
    );
    page.push_str(HEAD);
    for tool in tools::catalogue() {
        if tool.toolset() == "catalogue" {
            let definition = tool.definition_at(Access::Destructive);
            let access = if tool.access_at(Access::Destructive) == Access::Destructive {
                "that of the server"
            } else {
                Access::Read.word()
            };
            row(&mut page, &definition, tool.title(), access, (true, None));
        }
    }
    let operations: Vec<_> = tools::operations().collect();
    for area in operations.chunk_by(|a, b| a.toolset() == b.toolset()) {
        write!(
            page,
            "\n## {}\n\n{}\n\n{HEAD}",
            area[0].toolset(),
            area[0].toolset_purpose()
        )
        .unwrap();
        for tool in area {
            row(
                &mut page,
                tool.definition(),
                tool.summary(),
                tool.access().word(),
                (tool.is_core(), tool.operation()),
            );
        }
    }
    page
}

const HEAD: &str = "| tool | access | core | rests on | arguments | tokens |\n| --- | --- | --- | --- | --- | ---: |\n";

/// Where something comes from, as the page has it: what it rests on, and who has it if not everybody does.
fn origin(basis: Option<&str>, builds: Option<String>) -> String {
    let words: Vec<String> = basis.map(str::to_owned).into_iter().chain(builds).collect();
    words.join(", ")
}

fn row(
    page: &mut String,
    tool: &Tool,
    summary: &str,
    access: &str,
    (core, operation): (bool, Option<&Specification>),
) {
    let required: Vec<&str> = tool.input_schema["required"]
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(Value::as_str)
        .collect();
    let connection = ["host", "apiKey", "port", "use_ssl", "verify_ssl"];
    let arguments: Vec<String> = tool.input_schema["properties"]
        .as_object()
        .into_iter()
        .flatten()
        .map(|(name, _)| name.as_str())
        .filter(|name| !connection.contains(name))
        .map(|name| {
            if required.contains(&name) {
                format!("**{name}**")
            } else {
                name.to_owned()
            }
        })
        .map(|name| {
            let Some(operation) = operation else {
                return name;
            };
            let stated = operation.origin_of(name.trim_matches('*'));
            let basis =
                Some(stated.basis.word()).filter(|_| stated.basis != operation.origin.basis);
            match origin(basis, stated.builds()) {
                words if words.is_empty() => name,
                words => format!("{name} ({words})"),
            }
        })
        .collect();
    let rests_on = operation.map_or(String::new(), |operation| {
        origin(
            Some(operation.origin.basis.word()),
            operation.origin.builds(),
        )
    });
    let core = if core { "core" } else { "" };
    writeln!(
        page,
        "| `{}`<br>{summary} | {access} | {core} | {rests_on} | {} | {} |",
        tool.name,
        arguments.join(", "),
        cost(tool),
    )
    .unwrap();
}
