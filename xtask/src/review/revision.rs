//! The recorded tools of one revision.
//!
//! Owns how they are found in git and in the working tree, and how a record is read.

use std::collections::BTreeMap;
use std::io::Write as _;
use std::path::Path;
use std::process::{Command, Stdio};

use super::{Tool, Tools};
use crate::Error;

const TOOLS: &str = "snapshots/tools/";
const CATALOGUE: &str = "snapshots/catalogue.snap";
const MANIFEST: &str = "Cargo.toml";

/// The tools and the version of a revision.
#[derive(Debug)]
pub(super) struct Revision {
    pub(super) name: String,
    pub(super) tools: Tools,
    pub(super) version: [u64; 3],
}

/// The newest tag before, or `HEAD` where there is none.
pub(super) fn latest(root: &Path) -> String {
    git(root, &["describe", "--tags", "--abbrev=0"], "")
        .map(|tag| tag.trim().to_owned())
        .ok()
        .filter(|tag| !tag.is_empty())
        .unwrap_or_else(|| "HEAD".into())
}

impl Revision {
    /// The revision that git knows by this name.
    pub(super) fn at(root: &Path, name: &str) -> Result<Self, Error> {
        let list = git(
            root,
            &[
                "ls-tree",
                "-r",
                "--name-only",
                "--full-tree",
                name,
                TOOLS,
                CATALOGUE,
                MANIFEST,
            ],
            "",
        )?;
        let paths: Vec<&str> = list.lines().collect();
        let wanted: String = paths
            .iter()
            .map(|path| format!("{name}:{path}\n"))
            .collect();
        let batch = git(root, &["cat-file", "--batch"], &wanted)?;
        let mut files = BTreeMap::new();
        let mut rest = batch.as_str();
        for path in paths {
            // `<hash> blob <size>`, the content, and a line break.
            let (head, content) = rest.split_once('\n').unwrap_or_default();
            let size: usize = head
                .rsplit(' ')
                .next()
                .and_then(|size| size.parse().ok())
                .unwrap_or(0);
            let Some(text) = content.get(..size) else {
                return Err(Error::Command(format!(
                    "git shows `{path}` of {name} in part only"
                )));
            };
            files.insert(path.to_owned(), text.to_owned());
            rest = content.get(size + 1..).unwrap_or_default();
        }
        Self::of(name, &files)
    }

    /// The working tree.
    pub(super) fn in_tree(root: &Path) -> Result<Self, Error> {
        let mut files = BTreeMap::new();
        let folder = root.join(TOOLS);
        let mut names = vec![CATALOGUE.to_owned(), MANIFEST.to_owned()];
        for entry in std::fs::read_dir(&folder).map_err(|error| Error::file(&folder, error))? {
            let name = entry
                .map_err(|error| Error::file(&folder, error))?
                .file_name();
            names.push(format!("{TOOLS}{}", name.to_string_lossy()));
        }
        for name in names {
            let path = root.join(&name);
            let text = std::fs::read_to_string(&path).map_err(|error| Error::file(&path, error))?;
            files.insert(name, text);
        }
        Self::of("the working tree", &files)
    }

    fn of(name: &str, files: &BTreeMap<String, String>) -> Result<Self, Error> {
        let mut tools = Tools::new();
        for (path, text) in files {
            let tool = path
                .strip_prefix(TOOLS)
                .and_then(|file| file.strip_suffix(".snap"));
            if let Some(tool) = tool {
                let definition = serde_json::from_str(content(text))
                    .map_err(|error| Error::Command(format!("{path} of {name}: {error}")))?;
                tools.insert(
                    tool.to_owned(),
                    Tool {
                        definition,
                        ..Tool::default()
                    },
                );
            }
        }
        let rows = files.get(CATALOGUE).map_or("", |text| content(text));
        for row in rows.lines() {
            let words: Vec<&str> = row.split_whitespace().collect();
            if let [toolset, tool, tier, further @ ..] = words.as_slice()
                && let Some(tool) = tools.get_mut(*tool)
            {
                tool.toolset = Some((*toolset).to_owned());
                tool.tier = Some((*tier).to_owned());
                let was = further.iter().position(|word| *word == "was");
                tool.was = was
                    .and_then(|at| further.get(at + 1))
                    .map(|name| (*name).to_owned());
            }
        }
        if tools.is_empty() {
            return Err(Error::Command(format!(
                "{name} has no recorded tools in {TOOLS}; name a revision of this repository that has"
            )));
        }
        let version = files
            .get(MANIFEST)
            .and_then(|text| version(text))
            .unwrap_or_default();
        Ok(Self {
            name: name.to_owned(),
            tools,
            version,
        })
    }
}

/// A record without its head.
fn content(snapshot: &str) -> &str {
    let body = snapshot
        .strip_prefix("---\n")
        .and_then(|rest| rest.split_once("\n---\n"));
    body.map_or(snapshot, |(_, body)| body)
}

/// The version that a manifest gives to all crates: the first that it states.
fn version(manifest: &str) -> Option<[u64; 3]> {
    let line = manifest
        .lines()
        .find_map(|line| line.strip_prefix("version = "))?;
    let mut numbers = line.trim_matches('"').split('.').map(str::parse);
    let mut next = || numbers.next()?.ok();
    Some([next()?, next()?, next()?])
}

fn git(root: &Path, arguments: &[&str], input: &str) -> Result<String, Error> {
    let failed = |error: &dyn std::fmt::Display| {
        Error::Command(format!("git {}: {error}", arguments.join(" ")))
    };
    let mut child = Command::new("git")
        .arg("-C")
        .arg(root)
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .map_err(|error| failed(&error))?;
    if let Some(mut stdin) = child.stdin.take() {
        let input = input.to_owned();
        // In a thread of its own: git answers while it still reads.
        std::thread::spawn(move || stdin.write_all(input.as_bytes()));
    }
    let output = child.wait_with_output().map_err(|error| failed(&error))?;
    if !output.status.success() {
        return Err(failed(&String::from_utf8_lossy(&output.stderr).trim()));
    }
    String::from_utf8(output.stdout).map_err(|error| failed(&error))
}
