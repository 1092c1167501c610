//! `cargo xtask ci`: everything that must pass before a change is merged.
//!
//! Owns the list of steps, which is the only one: `.ci/run` and the workflow call this, and the table in
//! CONTRIBUTING.md is recorded from it. A step is a command that can also be run alone.

use std::fmt::Write as _;
use std::fs;
use std::io::Write as _;
use std::path::Path;
use std::process::Command;
use std::time::Instant;

use serde_json::Value;

use crate::Error;

/// A step of the gate.
#[derive(Debug)]
struct Step {
    /// What it checks, as CONTRIBUTING.md has it.
    checks: &'static str,
    /// The command: assignments of the environment, then words that no shell needs to read.
    command: &'static str,
    /// Whether README.md promises this very line to users.
    promised: bool,
}

const fn step(checks: &'static str, command: &'static str) -> Step {
    Step {
        checks,
        command,
        promised: false,
    }
}

const fn promised(checks: &'static str, command: &'static str) -> Step {
    Step {
        checks,
        command,
        promised: true,
    }
}

const STEPS: &[Step] = &[
    promised(
        "tests of all crates, the README's example included",
        "cargo test",
    ),
    step(
        "what a feature adds that is off by default",
        "cargo test --features otel --test it spans",
    ),
    step("format", "cargo fmt --all --check"),
    step(
        "lints",
        "cargo clippy --workspace --all-targets --all-features -- -D warnings",
    ),
    step(
        "lints without the simulator",
        "cargo clippy --no-default-features -- -D warnings",
    ),
    step(
        "documentation",
        "RUSTDOCFLAGS=-Dwarnings cargo doc --workspace --no-deps",
    ),
    // Not `advisories`: their database is a git repository, which the gate must do without. The workflow has a job for
    // them.
    step(
        "licenses, sources and duplicates of dependencies",
        ".ci/cargo-deny check bans licenses sources",
    ),
    step(
        "the subjects of commits that are not on main",
        "cargo xtask commits",
    ),
    step(
        "the recorded facts, their summary and the document fit each other",
        "cargo xtask regenerate --check",
    ),
    step(
        "a new operation becomes a tool by editing three files",
        "xtask/tests/new_operation",
    ),
    step(
        "a tool of several operations is one new file and two lines",
        "xtask/tests/new_workflow",
    ),
    promised("the demo", "cargo run --release -- demo"),
    step(
        "the HTTP transport under load within limits, for seconds",
        "tests/load/run steady --seconds 15",
    ),
    step(
        "the document, by a public validator",
        "tests/clients/openapi",
    ),
    step("real MCP clients", "tests/clients/run"),
    step(
        "the protocol's conformance suite over HTTP, both eras",
        "tests/conformance/run",
    ),
    step(
        "what deploys the server, by the tools that read it",
        "tests/deploy/run",
    ),
    step("the image, run as SECURITY.md says", "tests/container/run"),
    step("nothing was left to commit", "git diff --exit-code"),
];

/// Runs every step in its order and stops at the first that fails.
///
/// # Errors
///
/// The step that failed, or that README.md no longer promises.
pub fn run(root: &Path) -> Result<(), Error> {
    check_members(root)?;
    let readme = fs::read_to_string(root.join("README.md"))
        .map_err(|error| Error::file(&root.join("README.md"), error))?;
    let all = Instant::now();
    for Step {
        command, promised, ..
    } in STEPS
    {
        if *promised && !readme.lines().any(|line| line == *command) {
            let missing = format!("README.md does not promise: {command}");
            return Err(Error::Command(missing));
        }
        let from = Instant::now();
        say(&format!("\n== {command}\n"));
        run_line(root, command)?;
        say(&format!("== {command}: {} s\n", from.elapsed().as_secs()));
    }
    say(&format!("\n== everything: {} s\n", all.elapsed().as_secs()));
    Ok(())
}

/// The steps as rows of the table in CONTRIBUTING.md.
pub fn table() -> String {
    let mut table = String::from("| check | command |\n| --- | --- |\n");
    for Step {
        checks, command, ..
    } in STEPS
    {
        let _ = writeln!(table, "| {checks} | `{command}` |");
    }
    table
}

/// Without arguments cargo tests the default members: a member that is none would go untested.
fn check_members(root: &Path) -> Result<(), Error> {
    let output = Command::new("cargo")
        .args(["metadata", "--no-deps", "--format-version", "1"])
        .current_dir(root)
        .output()
        .map_err(|error| Error::Command(format!("cargo metadata: {error}")))?;
    let workspace: Value = serde_json::from_slice(&output.stdout)
        .map_err(|error| Error::Command(format!("cargo metadata: {error}")))?;
    let count = |key: &str| workspace[key].as_array().map_or(0, Vec::len);
    if count("workspace_members") == count("workspace_default_members") {
        return Ok(());
    }
    let problem = "Cargo.toml: every member of the workspace must be in default-members, so that `cargo test` tests it";
    Err(Error::Command(problem.into()))
}

/// Runs a command line without a shell; its output goes where ours goes.
///
/// # Errors
///
/// A command that cannot be started or fails.
pub(crate) fn run_line(root: &Path, line: &str) -> Result<(), Error> {
    let mut words = line.split_whitespace().peekable();
    let mut environment = Vec::new();
    while let Some(assignment) = words.next_if(|word| word.contains('=')) {
        environment.extend(assignment.split_once('='));
    }
    let program = words.next().unwrap_or_default();
    // A path is one of the repository, wherever this was called.
    let program = if program.contains('/') {
        root.join(program).into_os_string()
    } else {
        program.into()
    };
    let status = Command::new(program)
        .args(words)
        .envs(environment)
        .current_dir(root)
        .status()
        .map_err(|error| Error::Command(format!("{line}: {error}")))?;
    if status.success() {
        return Ok(());
    }
    Err(Error::Command(format!("{line}: {status}")))
}

fn say(text: &str) {
    let mut out = std::io::stdout();
    let _ = out.write_all(text.as_bytes());
    let _ = out.flush();
}
