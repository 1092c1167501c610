//! `cargo xtask snapshots` and `cargo xtask docs`: what is recorded from the code, recorded anew.
//!
//! Owns which tests record, and what is removed before. The tests themselves know the texts; with these commands they
//! write them instead of comparing.

use std::fs;
use std::path::{Path, PathBuf};

use crate::Error;
use crate::ci::{self, run_line};

/// Tests whose names contain this record a snapshot.
const RECORDING: &str = "as_recorded";

/// Folders with snapshots.
const SNAPSHOTS: [&str; 2] = ["snapshots", "codegen/tests/it/snapshots"];

/// A snapshot for each tool: those of tools that are gone must not stay.
const TOOLS: &str = "snapshots/tools";

const CONTRIBUTING: &str = "CONTRIBUTING.md";

/// Records all snapshots anew, and removes those of tools that are gone and what failed runs left.
///
/// # Errors
///
/// Code that does not build, or a test that fails; then the snapshots are as they were.
pub fn snapshots(root: &Path) -> Result<(), Error> {
    let packages = "-p opmanager-mcp-server -p opmanager-codegen --lib --test it";
    // Nothing is removed before it can be recorded again.
    run_line(root, &format!("cargo test --quiet {packages} --no-run"))?;
    for folder in SNAPSHOTS {
        for file in files(&root.join(folder), "new")? {
            remove(&file)?;
        }
    }
    let mut tools = Vec::new();
    for file in files(&root.join(TOOLS), "snap")? {
        let text = fs::read(&file).map_err(|error| Error::file(&file, error))?;
        remove(&file)?;
        tools.push((file, text));
    }
    let recorded = run_line(
        root,
        &format!("INSTA_UPDATE=always cargo test --quiet {packages} {RECORDING}"),
    );
    if recorded.is_err() {
        for (file, text) in tools {
            fs::write(&file, text).map_err(|error| Error::file(&file, error))?;
        }
    }
    recorded
}

/// Records what documents say of the code: docs/tools.md, the tables of README.md and of CONTRIBUTING.md.
///
/// # Errors
///
/// Code that does not build, or a document without the marks between which a table stands.
pub fn docs(root: &Path) -> Result<(), Error> {
    write_steps(root)?;
    run_line(
        root,
        "UPDATE_DOCS=1 cargo test --quiet --test it documents::",
    )
}

/// The table of the gate's steps, without building anything.
fn write_steps(root: &Path) -> Result<(), Error> {
    let path = root.join(CONTRIBUTING);
    let text = fs::read_to_string(&path).map_err(|error| Error::file(&path, error))?;
    let written = with_steps(&text).ok_or_else(|| {
        Error::file(
            &path,
            "it has no lines <!-- checks --> and <!-- /checks -->",
        )
    })?;
    if written != text {
        fs::write(&path, written).map_err(|error| Error::file(&path, error))?;
    }
    Ok(())
}

/// CONTRIBUTING.md with the steps of the gate; `None` where the marks are missing.
pub fn with_steps(text: &str) -> Option<String> {
    let (start, end) = ("<!-- checks -->\n", "<!-- /checks -->\n");
    let (before, rest) = text.split_once(start)?;
    let (_, after) = rest.split_once(end)?;
    Some([before, start, &ci::table(), end, after].concat())
}

/// The files of a folder and of those in it whose names end like this.
fn files(folder: &Path, extension: &str) -> Result<Vec<PathBuf>, Error> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).map_err(|error| Error::file(folder, error))? {
        let path = entry.map_err(|error| Error::file(folder, error))?.path();
        if path.is_dir() {
            found.extend(files(&path, extension)?);
        } else if path.extension().is_some_and(|other| other == extension) {
            found.push(path);
        }
    }
    Ok(found)
}

fn remove(file: &Path) -> Result<(), Error> {
    fs::remove_file(file).map_err(|error| Error::file(file, error))
}
