//! The program as maintainers and CI run it: what it prints, what it writes, and its exit codes.

use std::fs;
use std::path::Path;
use std::process::{Command, Output};

use serde_json::{Value, json};
use tempfile::TempDir;

use crate::repository;

/// A copy of what the program reads of a repository.
fn copy() -> TempDir {
    let copy = tempfile::tempdir().unwrap();
    for folder in ["openapi", "src/tools"] {
        fs::create_dir_all(copy.path().join(folder)).unwrap();
        for file in fs::read_dir(repository().join(folder)).unwrap() {
            let file = file.unwrap().path();
            if file.is_file() {
                let name = Path::new(folder).join(file.file_name().unwrap());
                fs::copy(&file, copy.path().join(name)).unwrap();
            }
        }
    }
    copy
}

fn xtask(root: &Path, arguments: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_xtask"));
    command
        .arg("--root")
        .arg(root)
        .args(arguments)
        .output()
        .unwrap()
}

fn code(output: &Output) -> i32 {
    output.status.code().unwrap()
}

fn stdout(output: &Output) -> String {
    String::from_utf8(output.stdout.clone()).unwrap()
}

/// All files of the copy that the program may write.
fn files(root: &Path) -> Vec<(String, String)> {
    ["vendor.json", "vendor-summary.md", "opmanager.yaml"]
        .iter()
        .map(|name| {
            (
                name.to_string(),
                fs::read_to_string(root.join("openapi").join(name)).unwrap(),
            )
        })
        .collect()
}

/// A document of the vendor with one operation that is new.
fn new_operation(root: &Path) -> String {
    let document = json!({
        "openapi": "3.1.0",
        "paths": { "/api/json/alarm/getToyCount": { "get": {
            "operationId": "getToyCount",
            "tags": ["OpManager.Alarms"],
            "parameters": [{ "name": "severity", "in": "query", "schema": { "type": ["integer", "null"] } }],
            "responses": { "200": { "description": "", "content": { "application/json": { "schema": {
                "type": "object", "properties": { "count": { "type": "integer" } },
            } } } } },
        } } },
    });
    let path = root.join("new.json");
    fs::write(&path, document.to_string()).unwrap();
    path.to_str().unwrap().to_owned()
}

#[test]
fn this_repository_is_up_to_date() {
    // As the recorded summary counts them.
    let summary = fs::read_to_string(repository().join("openapi/vendor-summary.md")).unwrap();
    let counted = summary
        .lines()
        .find(|line| line.contains(" operations with "));
    let counted = counted.unwrap().trim_start_matches("- ");
    let documented = counted.replace(" operations with ", " operations and ") + " documented";
    for arguments in [
        &["regenerate", "--check"][..],
        &["regenerate"],
        &["coverage"],
    ] {
        let output = xtask(repository(), arguments);
        let text = stdout(&output);
        assert_eq!(
            code(&output),
            0,
            "cargo xtask {}\n{text}",
            arguments.join(" ")
        );
        assert!(text.contains(&documented), "{text}");
        assert!(text.trim_end().ends_with("nothing to do"), "{text}");
    }
}

#[test]
fn a_new_operation_is_reported_written_and_then_waits_for_a_person() {
    let copy = copy();
    let (root, before) = (copy.path(), files(copy.path()));
    let new = new_operation(root);
    let from = [
        "regenerate",
        "--from",
        &new,
        "--partial",
        "--captured",
        "2026-01-31",
    ];
    let output = xtask(root, &from);
    let text = stdout(&output);
    assert_eq!(code(&output), 4, "{text}");
    for line in [
        "The vendor's documents: 1 change(s)",
        "  Additive",
        "    getToyCount: new operation, GET /api/json/alarm/getToyCount with 1 parameter(s), 0 required \
         [get_toy_count]",
        "    getToyCount: stub of the operation, below Alarms",
        "    getToyCount: `severity`: `null` is left out: a query has none",
        "    1 toolset(s): src/tools/alarms.rs",
    ] {
        assert!(text.lines().any(|found| found == line), "{line}\n{text}");
    }
    assert_eq!(files(root), before, "without --write nothing is written");

    let mut write = from.to_vec();
    write.push("--write");
    assert_eq!(code(&xtask(root, &write)), 4);
    let after = files(root);
    assert!(
        after
            .iter()
            .zip(&before)
            .all(|(after, before)| after != before)
    );
    let output = xtask(root, &write);
    assert_eq!(code(&output), 4, "the stub is still to be written");
    assert!(stdout(&output).contains("getToyCount: the operation is a stub"));
    assert_eq!(files(root), after, "a second time changes nothing");
    assert_eq!(code(&xtask(root, &["regenerate", "--check"])), 4);

    // A person writes it.
    let document = root.join("openapi/opmanager.yaml");
    let text = fs::read_to_string(&document).unwrap();
    let (head, stub) = text.split_once("      x-stub: true\n").unwrap();
    let stub = stub.replacen("summary: ''", "summary: Count alarms", 1);
    let stub = stub.replacen("description: ''", "description: Counts them.", 3);
    fs::write(&document, format!("{head}{stub}")).unwrap();
    let output = xtask(root, &["regenerate", "--check"]);
    assert_eq!(code(&output), 0, "{}", stdout(&output));
}

#[test]
fn what_the_vendor_takes_away_is_breaking() {
    let copy = copy();
    let root = copy.path();
    let new = new_operation(root);
    // The whole API is one operation now.
    let output = xtask(root, &["regenerate", "--from", &new, "--write"]);
    let text = stdout(&output);
    assert_eq!(code(&output), 100, "{text}");
    assert!(
        text.contains("listAlarms: removed; it was GET /api/json/alarm/listAlarms"),
        "{text}"
    );
    assert!(text.contains("listAlarms: marked as deprecated"), "{text}");
    let document = fs::read_to_string(root.join("openapi/opmanager.yaml")).unwrap();
    let before = fs::read_to_string(repository().join("openapi/opmanager.yaml")).unwrap();
    // What the vendor never had, by its reason in x-deviates, is not taken away.
    let described = before.matches("\n      operationId: ").count();
    let beyond = before.matches("\n        operationId: '").count();
    assert_eq!(
        document.matches("\n      deprecated: true\n").count(),
        described - beyond
    );
}

#[test]
fn machines_and_pull_requests_get_forms_of_their_own() {
    let copy = copy();
    let new = new_operation(copy.path());
    let from = ["regenerate", "--from", &new, "--partial"];
    let json: Value = serde_json::from_str(&stdout(&xtask(
        copy.path(),
        &[&from[..], &["--json"]].concat(),
    )))
    .unwrap();
    assert_eq!(
        json["vendor"],
        json!([{
            "class": "additive",
            "kind": "operation-added",
            "operation": "getToyCount",
            "part": "",
            "after": "GET /api/json/alarm/getToyCount with 1 parameter(s), 0 required",
            "text": "new operation, GET /api/json/alarm/getToyCount with 1 parameter(s), 0 required",
            "touches": {
                "tool": "get_toy_count",
                "toolset": "src/tools/alarms.rs",
                "snapshot": "snapshots/tools/get_toy_count.snap",
            },
        }])
    );
    let markdown = stdout(&xtask(copy.path(), &[&from[..], &["--markdown"]].concat()));
    assert!(
        markdown.starts_with(
            "### The vendor's documents: 1 change(s)\n\n\n**Additive**\n\n- getToyCount: new"
        ),
        "{markdown}"
    );
}

#[test]
fn broken_input_names_the_place_and_writes_nothing() {
    let copy = copy();
    let (root, before) = (copy.path(), files(copy.path()));
    for (text, place) in [
        ("{\n \"openapi\": 3,\n}", "new.json: 3:1: not JSON"),
        (
            "<html>\n<h3 class='mod-title'>a b</h3>",
            "new.json: 2:1: the title `a b`",
        ),
    ] {
        let new = root.join("new.json");
        fs::write(&new, text).unwrap();
        let output = xtask(
            root,
            &["regenerate", "--write", "--from", new.to_str().unwrap()],
        );
        let error = String::from_utf8(output.stderr.clone()).unwrap();
        assert_eq!(code(&output), 1, "{error}");
        assert!(error.contains(place), "{error}");
        assert!(error.contains("nothing was written"), "{error}");
        assert_eq!(files(root), before);
    }
    let output = xtask(root, &["regenerate", "--from", "/nowhere/page.html"]);
    assert_eq!(code(&output), 1);
}

#[test]
fn check_notices_what_was_edited_by_hand() {
    let edits: [(&str, &str, &str, i32); 4] = [
        (
            "vendor.json",
            "\"id\": \"listAlarms\"",
            "\"id\":  \"listAlarms\"",
            4,
        ),
        ("vendor-summary.md", "## Alarms (", "## Alarms  (", 4),
        (
            "opmanager.yaml",
            "        type: 'Left out: a mark",
            "        tpye: 'Left out: a mark",
            4,
        ),
        (
            "opmanager.yaml",
            "  /api/json/alarm/getAnnotation:",
            "  /api/json/alarm/getAnnotations:",
            100,
        ),
    ];
    for (file, from, to, expected) in edits {
        let copy = copy();
        let path = copy.path().join("openapi").join(file);
        let text = fs::read_to_string(&path).unwrap();
        assert!(text.contains(from), "{from}");
        fs::write(&path, text.replacen(from, to, 1)).unwrap();
        let output = xtask(copy.path(), &["regenerate", "--check"]);
        assert_eq!(code(&output), expected, "{file}: {}", stdout(&output));
    }
    let copy = copy();
    fs::write(
        copy.path().join("openapi/vendor.json"),
        "{\n  \"sources\": 1 }",
    )
    .unwrap();
    let output = xtask(copy.path(), &["regenerate", "--check"]);
    let error = String::from_utf8(output.stderr.clone()).unwrap();
    assert_eq!(code(&output), 1);
    assert!(
        error.contains("openapi/vendor.json: ") && error.contains("line 2 column 14"),
        "{error}"
    );
}

#[test]
fn the_repository_is_found_from_any_of_its_folders() {
    let copy = copy();
    let run = |folder: &Path| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_xtask"));
        command
            .arg("coverage")
            .current_dir(folder)
            .output()
            .unwrap()
    };
    assert_eq!(code(&run(&copy.path().join("src/tools"))), 0);
    let elsewhere = tempfile::tempdir().unwrap();
    let output = run(elsewhere.path());
    assert_eq!(code(&output), 1);
    let error = String::from_utf8(output.stderr).unwrap();
    assert!(error.contains("--root"), "{error}");
}
