//! Generates the client, the types and the operation table from the curated OpenAPI document.

#![allow(
    clippy::disallowed_methods,
    clippy::exit,
    reason = "cargo speaks to build scripts that way"
)]

use std::path::PathBuf;
use std::{env, fs, process};

const DOCUMENT: &str = "openapi/opmanager.yaml";

fn main() {
    println!("cargo::rerun-if-changed={DOCUMENT}");
    println!("cargo::rerun-if-changed=build.rs");
    let folder = |name| PathBuf::from(env::var_os(name).unwrap_or_default());
    let document = fs::read_to_string(folder("CARGO_MANIFEST_DIR").join(DOCUMENT))
        .unwrap_or_else(|error| fail(&format!("cannot read it: {error}")));
    let source =
        opmanager_codegen::generate(&document).unwrap_or_else(|error| fail(&error.to_string()));
    fs::write(folder("OUT_DIR").join("opmanager.rs"), source)
        .unwrap_or_else(|error| fail(&format!("cannot write the generated code: {error}")));
}

fn fail(message: &str) -> ! {
    for line in message.lines() {
        println!("cargo::error={DOCUMENT}: {line}");
    }
    process::exit(1)
}
