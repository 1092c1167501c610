//! What clients see of a change, and the version that it needs.

use std::fs;
use std::path::Path;
use std::process::Command;

use serde_json::{Value, json};
use xtask::review::{self, Effect, Tool, Tools};

fn lamps() -> Tools {
    let tool = Tool {
        definition: json!({
            "name": "list_lamps",
            "title": "List lamps",
            "description": "Lists lamps.",
            "inputSchema": {
                "type": "object",
                "properties": {
                    "room": { "type": "string", "description": "Where." },
                    "kind": { "type": "string", "enum": ["led", "bulb"] },
                    "rows": { "type": "integer", "minimum": 1, "maximum": 50 },
                },
                "required": ["room"],
                "additionalProperties": false,
            },
            "annotations": { "readOnlyHint": true },
        }),
        tier: Some("write".into()),
        toolset: Some("lamps".into()),
        was: None,
    };
    Tools::from([("list_lamps".to_owned(), tool)])
}

/// The differences after an edit, in lines.
fn differences(edit: impl FnOnce(&mut Tools)) -> Vec<String> {
    let mut after = lamps();
    edit(&mut after);
    let found = review::compare(&lamps(), &after).into_iter();
    found
        .map(|d| format!("{:?} {}: {}", d.effect, d.tool, d.text))
        .collect()
}

fn schema(edit: impl FnOnce(&mut Value)) -> Vec<String> {
    differences(|tools| {
        let tool = tools.get_mut("list_lamps").unwrap();
        edit(&mut tool.definition["inputSchema"]);
    })
}

#[test]
fn without_an_edit_there_is_no_difference() {
    assert!(differences(|_| {}).is_empty());
}

#[test]
fn schemas_narrow_and_widen() {
    type Edit = fn(&mut Value);
    let cases: [(&str, Edit); 15] = [
        ("Breaking list_lamps: argument `room` removed", |s| {
            s["properties"].as_object_mut().unwrap().remove("room");
        }),
        ("Breaking list_lamps: new argument `owner`, required", |s| {
            s["properties"]["owner"] = json!({ "type": "string" });
            s["required"] = json!(["room", "owner"]);
        }),
        ("Additive list_lamps: new argument `owner`, optional", |s| {
            s["properties"]["owner"] = json!({ "type": "string" });
        }),
        (
            "Breaking list_lamps: argument `kind` is now required",
            |s| s["required"] = json!(["room", "kind"]),
        ),
        (
            "Additive list_lamps: argument `room` is no longer required",
            |s| s["required"] = json!([]),
        ),
        (
            "Breaking list_lamps: argument `room` narrowed: type \"string\" is \"integer\"",
            |s| {
                s["properties"]["room"]["type"] = json!("integer");
            },
        ),
        (
            "Additive list_lamps: argument `rows` widened: type \"integer\" is \"number\"",
            |s| {
                s["properties"]["rows"]["type"] = json!("number");
            },
        ),
        (
            "Breaking list_lamps: argument `kind` narrowed: without \"led\"",
            |s| {
                s["properties"]["kind"]["enum"] = json!(["bulb"]);
            },
        ),
        (
            "Additive list_lamps: argument `kind` widened: also \"gas\"",
            |s| {
                s["properties"]["kind"]["enum"] = json!(["bulb", "gas", "led"]);
            },
        ),
        (
            "Breaking list_lamps: argument `room` narrowed: to a list of values",
            |s| {
                s["properties"]["room"]["enum"] = json!(["cellar"]);
            },
        ),
        (
            "Breaking list_lamps: argument `rows` narrowed: minimum 1 is 2",
            |s| {
                s["properties"]["rows"]["minimum"] = json!(2);
            },
        ),
        (
            "Additive list_lamps: argument `rows` widened: maximum 50 is nothing",
            |s| {
                s["properties"]["rows"]
                    .as_object_mut()
                    .unwrap()
                    .remove("maximum");
            },
        ),
        (
            "Breaking list_lamps: argument `rows` narrowed: maximum 50 is 49",
            |s| {
                s["properties"]["rows"]["maximum"] = json!(49);
            },
        ),
        ("Additive list_lamps: other arguments are taken", |s| {
            s["additionalProperties"] = json!(true);
        }),
        ("Text list_lamps: another description of `room`", |s| {
            s["properties"]["room"]["description"] = json!("In which room.");
        }),
    ];
    for (expected, edit) in cases {
        assert_eq!(schema(edit), [expected]);
    }
}

#[test]
fn tools_come_and_go_and_change_their_names() {
    assert_eq!(differences(Tools::clear), ["Breaking list_lamps: removed"]);
    let new = differences(|tools| {
        tools.insert("delete_rooms".into(), Tool::default());
    });
    assert_eq!(new, ["Additive delete_rooms: new"]);
    let rename = |was: Option<&str>| {
        let was = was.map(str::to_owned);
        differences(|tools| {
            let mut tool = tools.remove("list_lamps").unwrap();
            tool.was = was;
            tools.insert("get_lamps".into(), tool);
        })
    };
    assert_eq!(
        rename(None),
        [
            "Breaking list_lamps: renamed to `get_lamps` (a guess), and the old name is gone; add `was \"list_lamps\"` to \
          its line"
        ]
    );
    assert_eq!(
        rename(Some("list_lamps")),
        ["Additive list_lamps: renamed to `get_lamps`; the old name still works"]
    );
    // A version later the old name goes.
    let mut before = lamps();
    before.get_mut("list_lamps").unwrap().was = Some("lamps".into());
    let gone = review::compare(&before, &lamps());
    assert_eq!(gone[0].text, "the name `lamps` no longer works");
    assert_eq!(gone[0].effect, Effect::Breaking);
}

#[test]
fn levels_and_toolsets_are_seen() {
    let level = |level: &str| {
        differences(|tools| tools.get_mut("list_lamps").unwrap().tier = Some(level.into()))
    };
    assert_eq!(
        level("destructive"),
        [
            "Breaking list_lamps: access level write is destructive: operators must allow more for it"
        ]
    );
    assert_eq!(
        level("read"),
        [
            "Additive list_lamps: access level write is read: it is offered where it was not; be sure"
        ]
    );
    let moved =
        differences(|tools| tools.get_mut("list_lamps").unwrap().toolset = Some("rooms".into()));
    assert_eq!(
        moved,
        [
            "Breaking list_lamps: toolset lamps is rooms: operators who name toolsets lose or gain it"
        ]
    );
}

fn git(root: &Path, arguments: &[&str]) {
    let identity = [
        "-c",
        "user.name=x",
        "-c",
        "user.email=x@example.com",
        "-c",
        "commit.gpgsign=false",
    ];
    let output = Command::new("git")
        .arg("-C")
        .arg(root)
        .args(identity)
        .args(arguments)
        .output()
        .unwrap();
    assert!(output.status.success(), "{output:?}");
}

/// A repository with one recorded tool, committed.
fn repository(version: &str) -> tempfile::TempDir {
    let root = tempfile::tempdir().unwrap();
    fs::create_dir_all(root.path().join("snapshots/tools")).unwrap();
    let version = format!("[workspace.package]\nversion = \"{version}\"\n");
    fs::write(root.path().join("Cargo.toml"), version).unwrap();
    write(
        root.path(),
        "list_lamps",
        "List lamps",
        "lamps  list_lamps  read  read-only\n",
    );
    git(root.path(), &["init", "--quiet"]);
    commit(root.path());
    root
}

fn commit(root: &Path) {
    git(root, &["add", "--all"]);
    git(root, &["commit", "--quiet", "--message", "x"]);
}

fn write(root: &Path, name: &str, title: &str, rows: &str) {
    let definition = json!({ "name": name, "title": title, "inputSchema": { "properties": {} } });
    let text = format!("---\nsource: x\n---\n{definition:#}\n");
    fs::write(root.join(format!("snapshots/tools/{name}.snap")), text).unwrap();
    fs::write(
        root.join("snapshots/catalogue.snap"),
        format!("---\nsource: x\n---\n{rows}"),
    )
    .unwrap();
}

#[test]
fn revisions_are_read_from_git_and_from_the_working_tree() {
    let root = repository("0.3.1");
    let root = root.path();
    let none = review::run(root, None, None).unwrap();
    assert_eq!(
        (none.from.as_str(), none.to.as_str(), none.needs),
        ("HEAD", "the working tree", None)
    );

    write(
        root,
        "list_lamps",
        "Lamps",
        "lamps  list_lamps  read  read-only\n",
    );
    let words = review::run(root, None, None).unwrap();
    assert_eq!(words.needs.as_deref(), Some("0.3.2"));
    git(root, &["tag", "v0.3.1"]);
    commit(root);

    fs::remove_file(root.join("snapshots/tools/list_lamps.snap")).unwrap();
    write(
        root,
        "get_lamps",
        "Lamps",
        "lamps  get_lamps  read  read-only was list_lamps\n",
    );
    commit(root);
    let renamed = review::run(root, None, None).unwrap();
    assert_eq!(renamed.from, "v0.3.1");
    assert_eq!(renamed.needs.as_deref(), Some("0.3.2"));
    let text = renamed.text(false);
    assert!(
        text.contains("    list_lamps: renamed to `get_lamps`; the old name still works\n"),
        "{text}"
    );
    assert!(
        text.contains(
            "Needs version 0.3.2 or later (before 1.0, what breaks raises the second number"
        ),
        "{text}"
    );

    write(root, "get_lamps", "Lamps", "lamps  get_lamps  write  \n");
    commit(root);
    let raised = review::run(root, Some("HEAD~1"), Some("HEAD")).unwrap();
    assert_eq!(raised.needs.as_deref(), Some("0.4.0"));
    let markdown = raised.text(true);
    assert!(
        markdown.starts_with(
            "### Tools from HEAD~1 to HEAD: 2 difference(s)\n\n**Breaking**\n\n- get_lamps: "
        ),
        "{markdown}"
    );

    let unknown = review::run(root, Some("nowhere"), None)
        .unwrap_err()
        .to_string();
    assert!(
        unknown.contains("git ls-tree") && unknown.contains("nowhere"),
        "{unknown}"
    );
    fs::write(
        root.join("snapshots/tools/get_lamps.snap"),
        "---\nx\n---\n{",
    )
    .unwrap();
    let broken = review::run(root, None, None).unwrap_err().to_string();
    assert!(
        broken.contains("snapshots/tools/get_lamps.snap of the working tree: EOF"),
        "{broken}"
    );
}

#[test]
fn from_1_0_on_the_first_number_counts() {
    let root = repository("1.2.3");
    let root = root.path();
    write(
        root,
        "add_lamp",
        "Add",
        "lamps  list_lamps  read  read-only\nlamps add_lamp write\n",
    );
    assert_eq!(
        review::run(root, None, None).unwrap().needs.as_deref(),
        Some("1.3.0")
    );
    fs::remove_file(root.join("snapshots/tools/list_lamps.snap")).unwrap();
    assert_eq!(
        review::run(root, None, None).unwrap().needs.as_deref(),
        Some("2.0.0")
    );
}

/// What is alike for many tools is said once.
#[test]
fn many_tools_share_a_line() {
    let mut before = Tools::new();
    let mut after = Tools::new();
    for index in 0..9 {
        let tool = lamps().remove("list_lamps").unwrap();
        before.insert(format!("tool_{index}"), tool.clone());
        let mut tool = tool;
        tool.definition["inputSchema"]["properties"]["port"] = json!({ "type": "integer" });
        after.insert(format!("tool_{index}"), tool);
    }
    let differences = review::compare(&before, &after);
    assert_eq!(differences.len(), 9);
    let review = review::Review {
        from: "a".into(),
        to: "b".into(),
        differences,
        version: "0.1.0".into(),
        needs: Some("0.1.1".into()),
        has: "0.1.0".into(),
    };
    assert!(
        review
            .text(false)
            .contains("\n    9 tools: new argument `port`, optional\n")
    );
}
