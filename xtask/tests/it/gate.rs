//! The gate and the manifests: that documents and dependencies are those that are used.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;
use xtask::record;

use crate::repository;

#[test]
fn contributing_lists_the_steps_of_the_gate() {
    let text = fs::read_to_string(repository().join("CONTRIBUTING.md")).unwrap();
    let written = record::with_steps(&text).expect("the marks of the table");
    assert!(text == written, "record it with `cargo xtask docs`");
}

/// The Rust files of a package, those of packages inside of it left out.
fn sources(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() && !path.join("Cargo.toml").exists() && !path.ends_with("target") {
            sources(&path, found);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            found.push(path);
        }
    }
}

#[test]
fn every_dependency_of_a_manifest_is_named_in_its_package() {
    let output = Command::new(env!("CARGO"))
        .args([
            "metadata",
            "--no-deps",
            "--offline",
            "--format-version",
            "1",
        ])
        .current_dir(repository())
        .output()
        .unwrap();
    let workspace: Value = serde_json::from_slice(&output.stdout).unwrap();
    let mut unused: BTreeMap<String, Vec<String>> = BTreeMap::new();
    let packages = workspace["packages"].as_array().unwrap();
    assert!(packages.len() > 3, "{packages:?}");
    for package in packages {
        let manifest = Path::new(package["manifest_path"].as_str().unwrap());
        let mut files = Vec::new();
        sources(manifest.parent().unwrap(), &mut files);
        let code: String = files
            .iter()
            .map(|file| fs::read_to_string(file).unwrap())
            .collect();
        for dependency in package["dependencies"].as_array().unwrap() {
            let name = dependency["rename"]
                .as_str()
                .or(dependency["name"].as_str());
            let name = name.unwrap().replace('-', "_");
            let named =
                code.contains(&format!("{name}::")) || code.contains(&format!("use {name}"));
            if !named {
                let package = package["name"].as_str().unwrap().to_owned();
                unused.entry(package).or_default().push(name);
            }
        }
    }
    assert!(unused.is_empty(), "no line names {unused:?}: remove them");
}
