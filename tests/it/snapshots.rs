//! The surface that callers see, recorded in `snapshots/`. A changed record is a review, not an accident.

use std::fmt::Write as _;
use std::process::Command;

use insta::{Settings, assert_json_snapshot, assert_snapshot};
use opmanager_mcp_server::opmanager::OperationId;
use opmanager_mcp_server::tools::{self, Access};

use crate::command::commands;
use crate::support::PROGRAM;

fn recorded(folder: &str, check: impl FnOnce()) {
    let mut settings = Settings::clone_current();
    settings.set_snapshot_path(format!("../../snapshots{folder}"));
    settings.set_prepend_module_to_snapshot(false);
    settings.set_omit_expression(true);
    settings.bind(check);
}

#[test]
fn each_tool_is_as_recorded() {
    recorded("/tools", || {
        for tool in tools::catalogue() {
            assert_json_snapshot!(tool.name(), tool.definition_at(Access::Destructive));
        }
    });
}

#[test]
fn no_record_is_left_of_a_tool_that_is_gone() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/snapshots/tools");
    for file in std::fs::read_dir(folder).unwrap() {
        let name = file.unwrap().file_name().into_string().unwrap();
        let tool = name
            .strip_suffix(".snap")
            .unwrap_or_else(|| panic!("{name} is not reviewed: cargo insta review"));
        assert!(
            tools::find(tool).is_some(),
            "snapshots/tools/{name} is of no tool: delete it"
        );
    }
}

#[test]
fn ar_10_the_operations_are_as_recorded() {
    let mut table = String::new();
    for operation in OperationId::ALL {
        let specification = operation.specification();
        let tool = tools::operations()
            .find(|tool| tool.operation().unwrap().operation == *operation)
            .unwrap();
        writeln!(
            table,
            "{:<12} {:<5} {:<58} {}",
            tool.access().word(),
            specification.method,
            specification.path,
            specification.id,
        )
        .unwrap();
    }
    recorded("", || assert_snapshot!("operations", table));
}

/// Ask of each line: would an operator miss something?
#[test]
fn what_is_told_of_answers_by_default_is_as_recorded() {
    let mut text = String::new();
    for operation in OperationId::ALL {
        let specification = operation.specification();
        let told = match (specification.list, specification.default_fields) {
            (Some(_), []) => "all fields".to_owned(),
            (Some(_), fields) => fields.join(", "),
            (None, _) => "no list".to_owned(),
        };
        writeln!(text, "{}: {told}", specification.id).unwrap();
        for (what, names) in [
            ("asked for", specification.repeated),
            ("left out", specification.layout),
        ] {
            if !names.is_empty() {
                writeln!(text, "  {what}: {}", names.join(", ")).unwrap();
            }
        }
        for series in specification.series {
            writeln!(text, "  series: {}", series.path.join(".")).unwrap();
        }
    }
    recorded("", || assert_snapshot!("answers", text));
}

#[test]
fn the_catalogue_is_as_recorded() {
    let mut table = String::new();
    for tool in tools::operations() {
        let annotations = tool.definition().annotations.as_ref().unwrap();
        let hints = [
            (annotations.read_only_hint, "read-only"),
            (annotations.destructive_hint, "destructive"),
            (annotations.idempotent_hint, "idempotent"),
            (annotations.open_world_hint, "open-world"),
        ];
        let hints: Vec<&str> = hints
            .iter()
            .filter(|(hint, _)| *hint == Some(true))
            .map(|(_, word)| *word)
            .collect();
        let was = tool.former_name().map(|name| format!(" was {name}"));
        writeln!(
            table,
            "{:<14} {:<38} {:<12} {}{}",
            tool.toolset(),
            tool.name(),
            tool.access().word(),
            hints.join(" "),
            was.unwrap_or_default(),
        )
        .unwrap();
    }
    recorded("", || assert_snapshot!("catalogue", table));
}

#[test]
fn the_command_line_is_as_recorded() {
    // It adds a flag.
    if cfg!(feature = "otel") {
        return;
    }
    let help = |arguments: &[&str]| {
        let output = Command::new(PROGRAM).args(arguments).output().unwrap();
        assert!(output.status.success(), "{arguments:?}");
        String::from_utf8(output.stdout).unwrap()
    };
    let mut text = help(&["--help"]);
    for (words, _) in commands() {
        if let [command] = &words[..]
            && command != "help"
        {
            write!(text, "\n--- {command}\n\n{}", help(&[command, "--help"])).unwrap();
        }
    }
    recorded("", || assert_snapshot!("cli_help", text));
}
