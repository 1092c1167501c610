//! What the documents say of the code, as far as a test can tell.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

const ROOT: &str = env!("CARGO_MANIFEST_DIR");

#[test]
fn tests_that_are_named_as_proof_exist() {
    let mut sources = Vec::new();
    for folder in ["src", "tests/it", "codegen/tests/it", "xtask/tests/it"] {
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
