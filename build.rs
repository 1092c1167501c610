//! Generates the client, the types and the operation table from the curated OpenAPI document.

use std::path::Path;
use std::{env, fs, process};

const DOCUMENT: &str = "openapi/opmanager.yaml";

fn main() {
    println!("cargo::rerun-if-changed={DOCUMENT}");
    println!("cargo::rerun-if-changed=build.rs");
    let root = env::var_os("CARGO_MANIFEST_DIR").expect("cargo sets CARGO_MANIFEST_DIR");
    let out = env::var_os("OUT_DIR").expect("cargo sets OUT_DIR");
    let document = fs::read_to_string(Path::new(&root).join(DOCUMENT))
        .unwrap_or_else(|error| fail(&format!("cannot read it: {error}")));
    let source =
        opmanager_codegen::generate(&document).unwrap_or_else(|error| fail(&error.to_string()));
    fs::write(Path::new(&out).join("opmanager.rs"), source)
        .unwrap_or_else(|error| fail(&format!("cannot write the generated code: {error}")));
}

fn fail(message: &str) -> ! {
    for line in message.lines() {
        println!("cargo::error={DOCUMENT}: {line}");
    }
    process::exit(1)
}
