//! What the files beside the program say of it: documents for clients, deployment, packages. Their form is checked by
//! the tools that read them (`tests/deploy/run`); here, that the program takes what they give it.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use serde_json::Value;

use crate::command::commands;
use crate::support::PROGRAM;

const ROOT: &str = env!("CARGO_MANIFEST_DIR");
/// Flags of docker, helm, cargo, npm, Traefik and systemd, in commands that documents show.
const OTHERS: &str = "
    --build --cap-drop --cpus --interactive --memory --network --pids-limit --publish --read-only --rm --security-opt
    --tag --set --set-json --no-default-features --release --global --configFile --now --system --features --test
    --bench --example --header --transport --lib
";
/// Flags of the program that stand in no table of README.md, and why.
const NOT_IN_TABLES: [(&str, &str); 23] = [
    (
        "--answer-time",
        "of `simulate`: for those who develop clients",
    ),
    ("--count-by", "of `simulate`: for those who develop clients"),
    (
        "--empty-as-message",
        "of `simulate`: for those who develop clients",
    ),
    ("--network", "of `simulate`: shown in an example"),
    (
        "--rate-header",
        "of `simulate`: for those who develop clients",
    ),
    (
        "--rate-window",
        "of `simulate`: for those who develop clients",
    ),
    ("--seed", "of `simulate`: for those who develop clients"),
    ("--variant", "of `simulate`: shown in an example"),
    (
        "--without-story",
        "of `simulate`: for those who develop clients",
    ),
    (
        "--connect-timeout",
        "a part of --timeout that nobody has needed to change",
    ),
    (
        "--fail-every",
        "of `simulate`, for those who develop clients",
    ),
    ("--help", "of every command"),
    (
        "--host",
        "of `call` and `diagnose`: shown in their examples",
    ),
    ("--json", "of `tools`"),
    ("--latency", "of `simulate`, for those who develop clients"),
    (
        "--no-verify-ssl",
        "of `call` and `diagnose`: `verify_ssl` of a call",
    ),
    ("--port", "of `simulate`: shown in an example"),
    (
        "--print-requests",
        "of `simulate`, for those who develop clients",
    ),
    (
        "--rate-limits",
        "of `simulate`, for those who develop clients",
    ),
    ("--tls", "of `simulate`: shown in an example"),
    ("--url", "of `health`"),
    ("--use-ssl", "of `call` and `diagnose`: `use_ssl` of a call"),
    ("--version", "of the program"),
];

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
            // That file is not here.
            let line = line.replace("--http-token-file /etc/opmanager-mcp-server/tokens", "");
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

/// A file of tokens that others can read is refused, and one that cannot be replaced could not be read again.
#[test]
fn what_deploys_the_program_gives_it_a_token_file_that_it_takes_and_can_read_again() {
    let chart = read("deploy/helm/opmanager-mcp-server/templates/deployment.yaml");
    for line in [
        "runAsUser: 65532",
        "runAsGroup: 65532",
        "fsGroup: 65532",
        "defaultMode: 0440",
    ] {
        assert!(chart.contains(&format!(" {line}\n")), "{line}");
    }
    assert!(
        !chart.contains("subPath:"),
        "a file of its own never changes"
    );
    let folder = between(&chart, "- name: tokens\n              mountPath: ", "\n")[0];
    assert!(chart.contains(&format!("--http-token-file={folder}/tokens\n")));
    let compose = read("deploy/compose.yaml");
    let volume = between(&compose, "- ./tokens:", ":ro\n")[0];
    assert!(compose.contains(&format!("--http-token-file={volume}/tokens\n")));
    assert!(compose.contains("user: 65532:65532") && compose.contains("chmod 600"));
    let unit = read("deploy/systemd/opmanager-mcp-server.service");
    assert!(unit.contains("\nExecReload=/bin/kill -HUP $MAINPID\n"));
    assert!(unit.contains("\nLimitNOFILE="));
}

#[test]
fn documents_and_deployment_mention_only_flags_that_there_are() {
    let mut known: BTreeSet<String> = flags(OTHERS).map(str::to_owned).collect();
    known.extend(flags_of_the_program());
    // There with the feature `otel` only.
    known.insert("--otlp-endpoint".to_owned());
    let mut files: Vec<PathBuf> = Vec::new();
    for folder in ["deploy", "docs", "mcpb"] {
        files_below(&Path::new(ROOT).join(folder), &mut files);
    }
    for file in ["README.md", "SECURITY.md", "CHANGELOG.md", "server.json"] {
        files.push(Path::new(ROOT).join(file));
    }
    assert!(files.len() > 20, "{files:?}");
    for file in files {
        let text = fs::read_to_string(&file).unwrap();
        for flag in flags(&text) {
            assert!(known.contains(flag), "{}: {flag}", file.display());
        }
    }
}

/// Every flag of every command.
fn flags_of_the_program() -> BTreeSet<String> {
    let commands = commands();
    let arguments = commands
        .iter()
        .flat_map(|(_, command)| command.get_arguments());
    arguments
        .filter_map(|argument| Some(format!("--{}", argument.get_long()?)))
        .collect()
}

/// The default of a flag of the service, as the command line has it; all flags of both transports are among them.
fn default_of(flag: &str) -> Option<String> {
    let commands = commands();
    let (_, http) = commands
        .iter()
        .find(|(words, _)| words == &["http"])
        .unwrap();
    let argument = http
        .get_arguments()
        .find(|argument| {
            argument
                .get_long()
                .is_some_and(|long| flag == format!("--{long}"))
        })
        .unwrap_or_else(|| panic!("{flag} is no flag of `http`"));
    let value = argument.get_default_values().first()?;
    let switch = !argument.get_action().takes_values();
    (!switch).then(|| value.to_str().unwrap().to_owned())
}

/// Rows of the tables in a document, by their cells.
fn rows(path: &str) -> Vec<Vec<String>> {
    let text = read(path);
    let rows = text.lines().filter_map(|line| line.strip_prefix("| "));
    rows.map(|row| {
        let cells = row.trim_end_matches(" |").split(" | ");
        cells.map(str::to_owned).collect()
    })
    .collect()
}

/// A number as a document writes it: with its unit, or with commas.
fn written(number: &str, cell: &str) -> bool {
    let Ok(count) = number.parse::<u64>() else {
        return cell.contains(&format!("`{number}`"));
    };
    let mut forms = vec![
        number.to_owned(),
        format!("{count} s"),
        crate::documents::thousands(usize::try_from(count).unwrap()),
    ];
    for (unit, size) in [("KiB", 1024), ("MiB", 1024 * 1024)] {
        if count % size == 0 {
            forms.push(format!("{} {unit}", count / size));
        }
    }
    let words: Vec<&str> = cell
        .split([',', ';'])
        .flat_map(|part| part.split(" and "))
        .collect();
    let is = |form: &String| words.iter().any(|word| word.trim() == form);
    forms.iter().any(is)
        || forms[2..]
            .iter()
            .any(|form| form.len() > 3 && cell.contains(form))
}

#[test]
fn readmes_tables_have_every_flag_with_the_default_of_the_program() {
    let nothing = ["none", "off", "any", "this machine"];
    let mut listed = BTreeSet::new();
    for row in rows("README.md") {
        let [first, default, ..] = &row[..] else {
            continue;
        };
        if !first.starts_with("`--") {
            continue;
        }
        for flag in flags(first) {
            match (default_of(flag), flag) {
                (Some(program), _) => assert!(
                    written(&program, default),
                    "{flag}: {program} is not {default}"
                ),
                (None, "--toolsets") => assert_eq!(default, "`core`"),
                (None, "--max-concurrent-calls") => {
                    let numbers: Vec<&str> = default.split(", over HTTP ").collect();
                    let help = help(&[]);
                    let help = help.split_whitespace().collect::<Vec<_>>().join(" ");
                    assert!(
                        help.contains(&format!("{} over standard input", numbers[0])),
                        "{default}"
                    );
                    assert!(
                        help.contains(&format!("{} over HTTP", numbers[1])),
                        "{default}"
                    );
                }
                (None, _) => assert!(nothing.contains(&default.as_str()), "{flag}: {default}"),
            }
            listed.insert(flag.to_owned());
        }
        // Named in passing, in the row of another.
        listed.extend(flags(row.last().unwrap()).map(str::to_owned));
    }
    assert!(listed.len() > 25, "{listed:?}");
    for flag in flags_of_the_program() {
        let has_reason = NOT_IN_TABLES.iter().any(|(other, _)| *other == flag);
        let is_of_a_feature = flag == "--otlp-endpoint";
        assert!(
            listed.contains(&flag) != has_reason || is_of_a_feature,
            "{flag} must stand in a table of README.md, or in NOT_IN_TABLES with the reason, and not in both"
        );
    }
    for (flag, _) in NOT_IN_TABLES {
        let there = flags_of_the_program().contains(flag);
        assert!(
            there || ["--help", "--version"].contains(&flag),
            "{flag} is gone"
        );
    }
}

#[test]
fn securitys_table_of_limits_has_the_defaults_of_the_program() {
    let mut compared = 0;
    for row in rows("SECURITY.md") {
        let [_, limit, named] = &row[..] else {
            continue;
        };
        for flag in flags(named) {
            if let Some(program) = default_of(flag) {
                assert!(
                    written(&program, limit),
                    "{flag}: {program} is not in {limit}"
                );
                compared += 1;
            }
        }
    }
    assert!(compared > 5, "{compared}");
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
    // Targets outside of cargo's usual places: without their files it reads no manifest.
    let targets = manifest.lines().filter_map(|line| {
        let path = line.strip_prefix("path = \"")?.strip_suffix("/main.rs\"")?;
        Some(format!("\n!{path}\n"))
    });
    for target in targets {
        assert!(let_through.contains(&target), "{target}");
    }
}
