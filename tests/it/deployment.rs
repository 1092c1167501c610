//! What the files beside the program say of it: documents for clients, deployment, packages. Their form is checked by
//! the tools that read them (`tests/deploy/run`); here, that the program takes what they give it.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use serde_json::Value;

use crate::support::PROGRAM;

const ROOT: &str = env!("CARGO_MANIFEST_DIR");
/// Flags of docker, helm, cargo, npm, Traefik and systemd, in commands that documents show.
const OTHERS: &str = "
    --build --cap-drop --cpus --interactive --memory --network --pids-limit --publish --read-only --rm --security-opt
    --tag --set --set-json --no-default-features --release --global --configFile --now
";

fn read(path: &str) -> String {
    fs::read_to_string(Path::new(ROOT).join(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

fn json(path: &str) -> Value {
    serde_json::from_str(&read(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

fn run(arguments: &[&str]) -> Output {
    Command::new(PROGRAM).args(arguments).output().unwrap()
}

fn help(arguments: &[&str]) -> String {
    let output = run(&[arguments, &["--help"]].concat());
    assert!(output.status.success(), "{arguments:?}");
    String::from_utf8(output.stdout).unwrap()
}

/// Whether the program takes these arguments. Asked for help after them, it has judged all of them before it helps.
fn takes(arguments: &[&str]) -> Result<(), String> {
    let output = run(&[arguments, &["--help"]].concat());
    if output.status.success() {
        return Ok(());
    }
    Err(format!(
        "{arguments:?}: {}",
        String::from_utf8_lossy(&output.stderr)
    ))
}

fn is_taken(place: &str, arguments: &[&str]) {
    if let Err(problem) = takes(arguments) {
        panic!("{place}: {problem}");
    }
}

/// A block of code in a document.
struct Block {
    place: String,
    language: String,
    text: String,
}

/// All blocks of a document.
fn blocks(path: &str) -> Vec<Block> {
    let text = read(path);
    let mut parts = text.split("\n```");
    parts.next();
    let mut found = Vec::new();
    while let Some(block) = parts.next() {
        let (language, text) = block.split_once('\n').unwrap();
        found.push(Block {
            place: format!("{path}, block {}", found.len() + 1),
            language: language.to_owned(),
            text: text.to_owned(),
        });
        parts.next();
    }
    found
}

/// The documents of `docs/clients/`.
fn clients() -> Vec<String> {
    let folder = Path::new(ROOT).join("docs/clients");
    let mut found: Vec<String> = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .map(|name| format!("docs/clients/{name}"))
        .collect();
    found.sort();
    assert!(found.len() > 7, "{found:?}");
    found
}

fn strings(list: &Value) -> Vec<&str> {
    list.as_array()
        .into_iter()
        .flatten()
        .map(|item| item.as_str().unwrap())
        .collect()
}

/// Every object in a tree.
fn objects<'a>(tree: &'a Value, found: &mut Vec<&'a serde_json::Map<String, Value>>) {
    match tree {
        Value::Object(object) => {
            found.push(object);
            object.values().for_each(|value| objects(value, found));
        }
        Value::Array(items) => items.iter().for_each(|item| objects(item, found)),
        _ => {}
    }
}

/// What follows each occurrence of a text, up to another.
fn between<'a>(text: &'a str, start: &str, end: &str) -> Vec<&'a str> {
    let rests = text.split(start).skip(1);
    rests.map(|rest| rest.split(end).next().unwrap()).collect()
}

/// The flags of a list in YAML, one a line.
fn listed_flags(text: &str) -> Vec<&str> {
    text.lines()
        .filter_map(|line| line.trim().strip_prefix("- "))
        .filter(|item| item.starts_with("--"))
        .collect()
}

#[test]
fn what_documents_for_clients_start_is_what_the_program_takes() {
    let (mut servers, mut languages) = (0, BTreeSet::new());
    for path in clients() {
        for Block {
            place,
            language,
            text,
        } in blocks(&path)
        {
            match language.as_str() {
                "json" => {
                    let tree: Value = serde_json::from_str(&text)
                        .unwrap_or_else(|error| panic!("{place}: {error}"));
                    let mut found = Vec::new();
                    objects(&tree, &mut found);
                    for object in found {
                        if let Some(command) = object.get("command") {
                            assert_eq!(command, "/full/path/to/opmanager-mcp-server", "{place}");
                            is_taken(&place, &strings(&object["args"]));
                            servers += 1;
                        }
                    }
                }
                "python" => {
                    for list in between(&text, "\"args\": ", "]") {
                        let list: Value = serde_json::from_str(&format!("{list}]")).unwrap();
                        is_taken(&place, &strings(&list));
                        servers += 1;
                    }
                }
                "sh" => {
                    for line in text
                        .lines()
                        .filter(|line| line.starts_with("claude mcp add"))
                    {
                        let (_, arguments) = line.split_once("opmanager-mcp-server ").unwrap();
                        is_taken(&place, &arguments.split(' ').collect::<Vec<_>>());
                        servers += 1;
                    }
                }
                "yaml" => {
                    is_taken(&place, &[&["http"], &listed_flags(&text)[..]].concat());
                    servers += 1;
                }
                other => panic!("{place}: nothing checks {other:?}"),
            }
            languages.insert(language);
        }
    }
    assert_eq!((servers, languages.len()), (7, 4));
}

#[test]
fn documents_for_clients_name_headers_and_tools_that_there_are() {
    let listed: Value = serde_json::from_slice(&run(&["tools", "--json"]).stdout).unwrap();
    let tools: BTreeSet<&str> = listed
        .as_array()
        .unwrap()
        .iter()
        .map(|entry| entry["tool"]["name"].as_str().unwrap())
        .collect();
    let server = read("src/tools/wording.rs");
    let headers = between(&server, "const CONNECTION_HEADERS: ", "];")[0];
    let headers: BTreeSet<&str> = between(headers, ", \"", "\"").into_iter().collect();
    let mut named = BTreeSet::new();
    for path in clients() {
        let text = read(&path);
        for header in between(&text, "X-OpManager-", "\n") {
            let end = header.find(|c: char| !c.is_ascii_alphanumeric() && c != '-');
            let header = format!("X-OpManager-{}", &header[..end.unwrap_or(header.len())]);
            assert!(headers.contains(header.as_str()), "{path}: {header}");
            named.insert(header);
        }
        for list in between(&text, "\"includeTools\": ", "]") {
            let list: Value = serde_json::from_str(&format!("{list}]")).unwrap();
            for tool in strings(&list) {
                assert!(tools.contains(tool), "{path}: {tool}");
            }
        }
    }
    assert_eq!(
        (headers.len(), named.len()),
        (5, 5),
        "{headers:?} {named:?}"
    );
}

#[test]
fn no_document_for_clients_has_a_place_for_a_key() {
    let mut secrets = 0;
    for path in clients() {
        for Block { place, text, .. } in blocks(&path) {
            for header in ["\"X-OpManager-Api-Key\": ", "\"Authorization\": "] {
                for value in between(&text, header, "\n") {
                    // Named, or asked for, and not written down.
                    assert!(
                        value.contains("${") || value.contains("getpass("),
                        "{place}: {value}"
                    );
                    secrets += 1;
                }
            }
            assert!(!text.contains("apiKey"), "{place}");
        }
    }
    assert_eq!(secrets, 10);
}

#[test]
fn what_deploys_the_program_starts_it_with_what_it_takes() {
    // The image: arguments of its own, and of its health check.
    let dockerfile = read("Dockerfile");
    for (instruction, count) in [("\nCMD ", 1), (" CMD [\"/opmanager-mcp-server\", ", 1)] {
        let lists = between(&dockerfile, instruction, "]");
        assert_eq!(lists.len(), count, "{instruction}");
        for list in lists {
            let list: Value =
                serde_json::from_str(&format!("[{}]", list.trim_start_matches('['))).unwrap();
            is_taken("Dockerfile", &strings(&list));
        }
    }
    let compose = read("deploy/compose.yaml");
    let given = listed_flags(&compose);
    assert!(given.len() > 2, "{given:?}");
    is_taken("deploy/compose.yaml", &[&["http"], &given[..]].concat());
    for path in [
        "deploy/systemd/opmanager-mcp-server.service",
        "deploy/README.md",
    ] {
        let text = read(path).replace("\\\n", " ");
        for line in between(
            &text,
            "\nExecStart=/usr/local/bin/opmanager-mcp-server ",
            "\n",
        ) {
            // Where systemd puts the file is not here.
            let line = line.replace("--http-token-file %d/tokens", "");
            is_taken(path, &line.split_whitespace().collect::<Vec<_>>());
        }
    }
    // The chart's values are put in by Helm; the names of the flags are not.
    let chart = read("deploy/helm/opmanager-mcp-server/templates/deployment.yaml");
    let help = help(&["http"]);
    let flags = listed_flags(&chart);
    assert!(flags.len() > 6, "{flags:?}");
    for flag in flags {
        let name = flag.split('=').next().unwrap();
        assert!(help.contains(&format!("{name} <")), "the chart: {name}");
    }
}

#[test]
fn documents_and_deployment_mention_only_flags_that_there_are() {
    let known = [
        &help(&[]),
        &help(&["http"]),
        &help(&["health"]),
        &help(&["tools"]),
        OTHERS,
    ]
    .concat();
    let known: BTreeSet<&str> = flags(&known).collect();
    let mut files: Vec<PathBuf> = Vec::new();
    for folder in ["deploy", "docs/clients", "mcpb"] {
        files_below(&Path::new(ROOT).join(folder), &mut files);
    }
    assert!(files.len() > 20, "{files:?}");
    for file in files {
        let text = fs::read_to_string(&file).unwrap();
        for flag in flags(&text) {
            assert!(known.contains(flag), "{}: {flag}", file.display());
        }
    }
}

fn flags(text: &str) -> impl Iterator<Item = &str> {
    text.split(|c: char| !c.is_ascii_alphanumeric() && c != '-')
        .filter(|word| word.starts_with("--") && word.len() > 2 && !word.starts_with("---"))
}

fn files_below(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            files_below(&path, found);
        } else {
            found.push(path);
        }
    }
}

#[test]
fn packages_have_the_version_of_the_program() {
    let version = env!("CARGO_PKG_VERSION");
    let server = json("server.json");
    assert_eq!(server["version"], version);
    assert_eq!(json("mcpb/manifest.json")["version"], version);
    let chart = read("deploy/helm/opmanager-mcp-server/Chart.yaml");
    for line in [
        format!("\nversion: {version}\n"),
        format!("\nappVersion: {version}\n"),
    ] {
        assert!(chart.contains(&line), "{line}");
    }
    let image = server["packages"][0]["identifier"].as_str().unwrap();
    assert!(image.ends_with(&format!(":{version}")), "{image}");
}

/// The rules of the registry's schema of 2025-12-11 for what this file uses.
#[test]
fn the_registrys_description_obeys_its_rules() {
    let server = json("server.json");
    let keys = |object: &Value| -> BTreeSet<String> {
        object.as_object().unwrap().keys().cloned().collect()
    };
    let within = |object: &Value, allowed: &[&str]| {
        for key in keys(object) {
            assert!(allowed.contains(&key.as_str()), "{key}");
        }
    };
    within(
        &server,
        &[
            "$schema",
            "name",
            "title",
            "description",
            "version",
            "repository",
            "packages",
        ],
    );
    assert_eq!(
        server["$schema"],
        "https://static.modelcontextprotocol.io/schemas/2025-12-11/server.schema.json"
    );
    let (account, name) = server["name"].as_str().unwrap().split_once('/').unwrap();
    assert!(account.starts_with("io.github."), "{account}");
    assert!(
        account
            .chars()
            .all(|c| c.is_ascii_alphanumeric() || ".-".contains(c)),
        "{account}"
    );
    assert_eq!(name, env!("CARGO_PKG_NAME"));
    for (text, longest) in [("title", 100), ("description", 100)] {
        let length = server[text].as_str().unwrap().chars().count();
        assert!((1..=longest).contains(&length), "{text}: {length}");
    }
    within(&server["repository"], &["url", "source"]);
    let owner = account.strip_prefix("io.github.").unwrap();
    for package in server["packages"].as_array().unwrap() {
        within(
            package,
            &[
                "registryType",
                "identifier",
                "runtimeHint",
                "runtimeArguments",
                "packageArguments",
                "transport",
            ],
        );
        assert_eq!(package["registryType"], "oci");
        assert!(
            package["identifier"]
                .as_str()
                .unwrap()
                .contains(&format!("/{owner}/{name}:")),
            "one owner"
        );
        assert_eq!(package["transport"]["type"], "stdio");
        // Such an image is run by these arguments and its own; without any it would serve HTTP.
        let mut given = Vec::new();
        for argument in package["packageArguments"].as_array().unwrap() {
            within(
                argument,
                &[
                    "type",
                    "name",
                    "description",
                    "choices",
                    "default",
                    "placeholder",
                    "isRequired",
                ],
            );
            assert_eq!(argument["type"], "named");
            let value = [&argument["default"], &argument["placeholder"]];
            let value = value.iter().find_map(|value| value.as_str()).unwrap();
            given.extend([argument["name"].as_str().unwrap(), value]);
            for choice in strings(&argument["choices"]) {
                is_taken("server.json", &[given[given.len() - 2], choice]);
            }
        }
        assert_eq!(package["packageArguments"][0]["isRequired"], true);
        is_taken("server.json", &given);
    }
    // The registry believes in the image if its label has the same name.
    let label = format!("io.modelcontextprotocol.server.name={}", server["name"]);
    assert!(read("Dockerfile").contains(&label), "{label}");
}

#[test]
fn the_bundle_asks_for_no_key_and_starts_the_program_with_what_it_takes() {
    let manifest = json("mcpb/manifest.json");
    let settings = manifest["user_config"].as_object().unwrap();
    assert_eq!(settings.keys().collect::<Vec<_>>(), ["access"]);
    let start = &manifest["server"]["mcp_config"];
    assert!(
        start.get("env").is_none(),
        "the program reads no environment"
    );
    let given: Vec<String> = strings(&start["args"])
        .into_iter()
        .map(|argument| match argument.strip_prefix("${user_config.") {
            Some(name) => {
                let default = &settings[name.trim_end_matches('}')]["default"];
                default.as_str().unwrap().to_owned()
            }
            None => argument.to_owned(),
        })
        .collect();
    is_taken(
        "mcpb/manifest.json",
        &given.iter().map(String::as_str).collect::<Vec<_>>(),
    );
}

#[test]
fn an_unknown_argument_would_be_found() {
    assert!(takes(&["--access", "read"]).is_ok());
    assert!(takes(&["--acces", "read"]).is_err());
    assert!(takes(&["--access", "all"]).is_err());
    assert!(takes(&["http", "--listen", "3000"]).is_err());
}

#[test]
fn the_builder_of_the_image_gets_every_crate_of_the_workspace() {
    let manifest = read("Cargo.toml");
    let members = between(&manifest, "\nmembers = ", "\n")[0];
    let members: Value = serde_json::from_str(members).unwrap();
    let let_through = read(".dockerignore");
    for member in strings(&members) {
        for file in ["Cargo.toml", "src", "build.rs"] {
            let path = format!("{member}/{file}");
            if Path::new(ROOT).join(&path).exists() {
                assert!(let_through.contains(&format!("\n!{path}\n")), "{path}");
            }
        }
    }
}
