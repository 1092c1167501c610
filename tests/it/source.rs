//! What the source may not say. Lints hold most of it; this also holds where a lint was silenced.

use std::path::{Path, PathBuf};

fn files(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(files(&path));
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            found.push(path);
        }
    }
    found.sort();
    found
}

/// Each file of `src/` and its code: without its tests, comments and white space.
fn source() -> Vec<(String, String)> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    files(&root)
        .into_iter()
        .map(|path| {
            let text = std::fs::read_to_string(&path).unwrap();
            let (text, _) = text.split_once("\nmod tests {").unwrap_or((&text, ""));
            let code = text
                .lines()
                .map(|line| line.split_once("//").map_or(line, |(code, _)| code));
            let name = path
                .strip_prefix(&root)
                .unwrap()
                .to_str()
                .unwrap()
                .replace('\\', "/");
            let code = code.collect::<String>();
            (name, code.split_whitespace().collect::<Vec<_>>().join(" "))
        })
        .collect()
}

/// Files that hold a text.
fn with(text: &str) -> Vec<String> {
    let holding = source().into_iter().filter(|(_, code)| code.contains(text));
    holding.map(|(name, _)| name).collect()
}

#[test]
fn sh_08_nothing_is_read_from_the_environment_run_or_left_from_debugging() {
    assert!(source().len() > 30);
    for forbidden in [
        "unsafe ",
        "unsafe{",
        "env::var",
        "env::vars",
        "dbg!",
        "option_env!",
        "temp_dir",
    ] {
        assert!(
            with(forbidden).is_empty(),
            "{forbidden} is in {:?}",
            with(forbidden)
        );
    }
    for demo_only in [
        "process::Command",
        "Command::new",
        "TokioChildProcess",
        "current_exe",
    ] {
        let found = with(demo_only);
        assert!(
            found.iter().all(|file| file == "demo.rs"),
            "{demo_only} is in {found:?}"
        );
    }
    for no_file in ["fs::write", "File::create", "OpenOptions", "create_dir"] {
        assert!(
            with(no_file).is_empty(),
            "{no_file} is in {:?}",
            with(no_file)
        );
    }
}

/// The files of `src/` that use a crate.
fn users(name: &str) -> Vec<String> {
    let uses = [
        format!("{name}::"),
        format!("use {name}"),
        format!("crate {name}"),
    ];
    let in_word = |c: char| c.is_alphanumeric() || c == '_';
    let using = source().into_iter().filter(|(_, code)| {
        uses.iter().any(|text| {
            let mut found = code.match_indices(text.as_str());
            found.any(|(at, _)| !code[..at].ends_with(in_word))
        })
    });
    using.map(|(name, _)| name).collect()
}

#[test]
fn the_protocol_and_http_libraries_are_used_where_the_architecture_says() {
    for (library, places) in [
        ("rmcp", &["tools", "server", "transport", "demo"][..]),
        ("reqwest", &["opmanager", "telemetry"]),
    ] {
        let users = users(library);
        assert!(users.len() > 1, "{library}: {users:?}");
        for file in users {
            let module = file.split(['/', '.']).next().unwrap();
            assert!(places.contains(&module), "{library} is used in src/{file}");
        }
    }
}

#[test]
fn generated_code_is_included_in_one_place() {
    assert_eq!(with("include!("), ["opmanager/generated.rs"]);
}

#[test]
fn every_module_says_first_what_it_owns() {
    let mut checked = 0;
    for folder in ["src", "codegen/src", "simulator/src", "xtask/src"] {
        for path in files(&Path::new(env!("CARGO_MANIFEST_DIR")).join(folder)) {
            let text = std::fs::read_to_string(&path).unwrap();
            assert!(text.starts_with("//! "), "{}", path.display());
            checked += 1;
        }
    }
    assert!(checked > 80, "{checked}");
}

#[test]
fn sh_08_the_key_leaves_in_one_function() {
    assert_eq!(with("set_sensitive"), ["opmanager/key.rs"]);
    let (_, key) = source()
        .into_iter()
        .find(|(name, _)| name == "opmanager/key.rs")
        .unwrap();
    // The bytes are private to their file; there, what hands something out is the header and the text
    // from which the key has been removed.
    assert!(
        key.contains("pub struct ApiKey { key: Zeroizing<String>,"),
        "{key}"
    );
    let functions = key.split("fn ").skip(1);
    let outward: Vec<&str> = functions
        .filter(|function| function.split(';').next().unwrap().contains("self"))
        .map(|function| function.split(['(', '<']).next().unwrap())
        .collect();
    assert_eq!(
        outward,
        [
            "header",
            "is_in",
            "redact",
            "cut_out_of",
            "are_encoded_in",
            "find",
            "begins"
        ]
    );
    for derived in [
        "Debug",
        "Display",
        "Clone",
        "Serialize",
        "Deref",
        "AsRef",
        "Borrow",
        "From",
    ] {
        let implemented = [
            format!("{derived} for ApiKey"),
            format!("{derived}<str> for ApiKey"),
        ];
        let found: Vec<_> = implemented.iter().flat_map(|text| with(text)).collect();
        assert!(found.is_empty(), "{derived}: {found:?}");
    }
    let before = key.split("pub struct ApiKey").next().unwrap();
    assert!(!before.contains("derive("), "{before}");
    let taken: Vec<String> = with(".header()");
    assert_eq!(taken, ["opmanager/client.rs"], "one place sends it");
}

#[test]
fn sh_08_requests_and_arguments_are_not_printed() {
    for (name, code) in source() {
        if name == "demo.rs" || name.starts_with("opmanager/generated") {
            continue;
        }
        for (at, _) in code.match_indices("tracing::") {
            let event: String = code[at..].chars().take_while(|c| *c != ';').collect();
            for word in [
                "?request",
                "?given",
                "?arguments",
                "?params",
                "?message",
                "?line",
                "?raw",
                "?connection",
                "%key",
                "?key",
                "body)",
            ] {
                assert!(!event.contains(word), "{name}: {event}");
            }
        }
    }
    assert!(
        with("{:?}").iter().all(|file| file == "demo.rs"),
        "{:?}",
        with("{:?}")
    );
    assert!(
        with(":?}").iter().all(|file| file == "demo.rs"),
        "{:?}",
        with(":?}")
    );
}

#[test]
fn no_tree_is_made_of_an_answer() {
    for (name, code) in source() {
        let owner = ["result.rs", "opmanager/client.rs", "server.rs"].contains(&name.as_str());
        if owner {
            // The lint of clippy.toml: `serde_json::Value` is named nowhere in them, and nowhere below `result`.
            assert!(
                code.contains("#![deny(clippy::disallowed_types)]"),
                "{name}"
            );
        }
        if owner || name.starts_with("result/") {
            for tree in [
                "json!",
                "to_value(",
                "from_value(",
                "allow(clippy::disallowed_types",
            ] {
                assert!(!code.contains(tree), "{name}: {tree}");
            }
        }
    }
}

#[test]
fn lints_are_silenced_for_whole_files_in_generated_code_alone() {
    assert_eq!(with("#![allow("), ["opmanager/generated.rs"]);
    assert_eq!(with("clippy::all"), ["opmanager/generated.rs"]);
    assert_eq!(with("clippy::pedantic"), ["opmanager/generated.rs"]);
}

#[test]
fn outcomes_in_the_log_are_words_and_no_sentences() {
    let mut found = 0;
    for (file, code) in source() {
        for (_, rest) in code
            .match_indices("outcome = \"")
            .map(|(at, text)| code.split_at(at + text.len()))
        {
            let (word, _) = rest.split_once('"').unwrap();
            let is_word = word
                .bytes()
                .all(|byte| byte.is_ascii_lowercase() || byte == b'_');
            assert!(is_word, "{file}: {word}");
            found += 1;
        }
    }
    assert!(found > 0);
}

#[test]
fn the_rows_of_the_other_groups_hold_over_http_too() {
    // Sessions of the first three have a transport of their own, which is what they are about; this file opens none.
    const NOT_OVER_BOTH: [&str; 4] = ["http", "process", "stdio", "source"];
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests");
    let over_http = std::fs::read_to_string(root.join("over_http/main.rs")).unwrap();
    let is_row = |line: &str| {
        let name = line.split_once("fn ").map_or("", |(_, name)| name);
        let groups = ["hp_", "tl_", "rd_", "rs_", "rt_", "ar_", "pr_", "sh_"];
        groups.iter().any(|group| name.starts_with(group))
    };
    let mut modules = 0;
    for path in files(&root.join("it")) {
        let name = path.strip_prefix(root.join("it")).unwrap();
        let module = name.iter().next().unwrap().to_str().unwrap();
        let module = module.trim_end_matches(".rs");
        let text = std::fs::read_to_string(&path).unwrap();
        let opens_sessions = ["Session::spawn", "Session::start", "Fence::"]
            .iter()
            .any(|opens| text.contains(opens));
        if NOT_OVER_BOTH.contains(&module) || !opens_sessions || !text.lines().any(is_row) {
            continue;
        }
        modules += 1;
        let declared = format!("#[path = \"../it/{module}.rs\"]\nmod {module};");
        assert!(
            over_http.contains(&declared),
            "tests/over_http/main.rs must also run tests/it/{}",
            name.display()
        );
    }
    assert!(modules > 10, "{modules}");
}

#[test]
fn every_test_that_records_a_snapshot_is_found_by_its_name() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut recording = 0;
    for folder in ["src", "tests/it", "codegen/tests/it"] {
        for path in files(&root.join(folder)) {
            let text = std::fs::read_to_string(&path).unwrap();
            for function in text.split("#[test]").skip(1) {
                let body = function.split("\n#[").next().unwrap();
                let records = |name: &str| body.contains(&format!("{name}!("));
                if !records("assert_snapshot") && !records("assert_json_snapshot") {
                    continue;
                }
                recording += 1;
                let name = body.split("fn ").nth(1).unwrap_or_default();
                let name = name.split('(').next().unwrap();
                // By this part of the name `cargo xtask snapshots` chooses what it runs.
                assert!(name.ends_with("as_recorded"), "{}: {name}", path.display());
            }
        }
    }
    assert!(recording > 5, "{recording}");
}
