//! What the documents say of the code, as far as a test can tell.
//!
//! Some of it is recorded from the code: `cargo xtask docs` runs these tests to write it, otherwise they compare.

mod readme;
mod tools;

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::sync::{Mutex, PoisonError};

const ROOT: &str = env!("CARGO_MANIFEST_DIR");

/// Compares what stands between two marks of README.md with what should, or records it there.
fn between_marks(mark: &str, expected: &str) {
    // One test at a time may write the file.
    static README: Mutex<()> = Mutex::new(());
    let _mine = README.lock().unwrap_or_else(PoisonError::into_inner);
    let path = Path::new(ROOT).join("README.md");
    let (start, end) = (format!("<!-- {mark} -->\n"), format!("<!-- /{mark} -->\n"));
    let readme = fs::read_to_string(&path).unwrap();
    let parts = readme.split_once(&start).and_then(|(before, rest)| {
        let (_, after) = rest.split_once(&end)?;
        Some([before, &start, expected, &end, after].concat())
    });
    let written = parts.unwrap_or_else(|| panic!("README.md needs the lines {start}and {end}"));
    is_recorded(&path, &written);
}

/// Compares a whole file with what it should be, or records it.
fn is_recorded(path: &Path, expected: &str) {
    if records() {
        fs::write(path, expected).unwrap();
        return;
    }
    let found = fs::read_to_string(path).unwrap_or_default();
    if found == expected {
        return;
    }
    let mut lines = found.lines().zip(expected.lines());
    let (is, should_be) = lines.find(|(a, b)| a != b).unwrap_or_default();
    panic!(
        "{} is out of date; record it with\n\n    cargo xtask docs\n\nthe first line that differs:\n{is}\nand should be:\n{should_be}",
        path.display()
    );
}

#[expect(
    clippy::disallowed_methods,
    reason = "`cargo xtask docs` has no other way to tell a test to record"
)]
fn records() -> bool {
    std::env::var_os("UPDATE_DOCS").is_some_and(|value| value == "1")
}

/// A number with a comma before every three digits.
pub(crate) fn thousands(number: usize) -> String {
    match number {
        0..1000 => number.to_string(),
        _ => format!("{},{:03}", thousands(number / 1000), number % 1000),
    }
}

#[test]
fn tests_that_are_named_as_proof_exist() {
    let mut sources = Vec::new();
    for folder in [
        "src",
        "tests/it",
        "tests/over_http",
        "codegen/tests/it",
        "xtask/tests/it",
    ] {
        read_sources(&Path::new(ROOT).join(folder), &mut sources);
    }
    let mut named = BTreeSet::new();
    for document in ["ARCHITECTURE.md", "SECURITY.md"] {
        let text = fs::read_to_string(Path::new(ROOT).join(document)).unwrap();
        // What stands in backticks is every second part. Names of tests are sentences.
        for name in text.split('`').skip(1).step_by(2) {
            let words = name.split('_').count();
            let of_a_test = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_';
            if words > 3 && name.chars().all(of_a_test) {
                named.insert(name.to_owned());
            }
        }
    }
    assert!(named.len() > 30, "{named:?}");
    // A test of one transport names the one that proves the same of the other.
    let mut of_stdio = Vec::new();
    read_sources(&Path::new(ROOT).join("tests/it/stdio"), &mut of_stdio);
    for source in &of_stdio {
        let docs = source.lines().filter(|line| line.starts_with("/// "));
        let names = docs.flat_map(|line| line.split('`').skip(1).step_by(2));
        named.extend(names.map(str::to_owned));
    }
    for name in named {
        let test = format!("fn {name}(");
        assert!(
            sources.iter().any(|source| source.contains(&test)),
            "a document names the test `{name}`, which does not exist: name the one that proves the sentence, or drop it"
        );
    }
}

fn read_sources(folder: &Path, sources: &mut Vec<String>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            read_sources(&path, sources);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            sources.push(fs::read_to_string(path).unwrap());
        }
    }
}
