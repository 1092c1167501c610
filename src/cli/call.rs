//! The command `call`: one call of a tool, for people and scripts, on the same path as a call of an agent.

use std::io::{self, Write};

use clap::Args;
use serde_json::{Map, Value};

use super::flags::{WorkflowArgs, checked};
use super::{AccessArg, AnswerArgs, ConnectionArgs, TargetArgs, key, process};
use crate::opmanager::Http;
use crate::server::{Credentials, OpManagerServer, Settings};
use crate::tools::arguments::{CONNECTION_ARGUMENTS, ConnectionInput, SCOPE_ARGUMENTS};
use crate::tools::{self, Policy, Tool, ToolName, ToolsetName};

/// Arguments of `call`.
#[derive(Debug, Args)]
pub(super) struct CallArgs {
    /// Name of the tool, as `tools --toolsets all` lists it
    tool: ToolName,
    #[command(flatten)]
    connection: ConnectionArgs,
    /// What may be called; each level includes the ones before it
    #[arg(long, value_name = "LEVEL", default_value = "read")]
    access: AccessArg,
    #[command(flatten)]
    workflows: WorkflowArgs,
    /// The tool's arguments
    #[arg(value_name = "NAME=VALUE", value_parser = pair)]
    arguments: Vec<(String, String)>,
    #[command(flatten)]
    targets: TargetArgs,
    #[command(flatten)]
    answers: AnswerArgs,
}

fn pair(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some(("apiKey", _)) => Err(
            "the key is asked for, or read from a pipe; other processes can read what stands here"
                .to_owned(),
        ),
        Some(("host" | "use_ssl" | "verify_ssl", _)) => {
            Err("say it with --host, --use-ssl or --no-verify-ssl".to_owned())
        }
        Some((name, _)) if SCOPE_ARGUMENTS.contains(&name) => {
            Err("say it with --msp and --customer-id or --region-id".to_owned())
        }
        Some((name, value)) if !name.is_empty() => Ok((name.to_owned(), value.to_owned())),
        _ => Err("must be name=value".to_owned()),
    }
}

/// The names of a tool's own arguments, and `port`.
fn accepted(tool: ToolName) -> Vec<String> {
    let schema = tools::find(&tool.to_string()).map(Tool::accepted);
    let properties = schema.and_then(|schema| schema.get("properties"));
    let properties = properties.and_then(Value::as_object);
    let names = properties.into_iter().flatten().map(|(name, _)| name);
    // The others of the connection have flags, and the key has no place here.
    names
        .filter(|name| *name == "port" || !CONNECTION_ARGUMENTS.contains(&name.as_str()))
        .cloned()
        .collect()
}

/// The arguments by their names. A name that the tool does not have is not repeated: it may be a key.
fn named(tool: ToolName, given: Vec<(String, String)>) -> io::Result<Map<String, Value>> {
    let accepted = accepted(tool);
    let mut arguments = Map::new();
    for (name, value) in given {
        if !accepted.contains(&name) {
            return Err(io::Error::other(format!(
                "NAME=VALUE: there is no argument of that name; {tool} takes {}",
                accepted.join(", ")
            )));
        }
        if arguments.contains_key(&name) {
            return Err(io::Error::other(format!("{name} is given twice")));
        }
        arguments.insert(name, value.into());
    }
    Ok(arguments)
}

/// Calls the tool: its result is printed, and remarks on it go to standard error.
pub(super) async fn run(given: CallArgs) -> io::Result<()> {
    process::close_memory();
    process::silence_panics();
    let mut arguments = named(given.tool, given.arguments)?;
    let mut connection = ConnectionInput::default();
    if let Some(port) = arguments.remove("port") {
        connection.set("port", port);
    }
    connection.scope = given.connection.scope();
    connection.set("host", given.connection.host.into());
    connection.use_ssl = given.connection.use_ssl;
    connection.verify_ssl = given.connection.no_verify_ssl.then_some(false);
    connection.key = Some(key::read_line("API key, not shown: ")?);
    let settings = Settings {
        // Who names a tool needs no list to find it in.
        policy: checked(Policy {
            access: given.access.into(),
            toolsets: ToolsetName::every()
                .filter(|name| given.connection.msp || !name.needs_msp())
                .collect(),
            workflows: given.workflows.allow_workflows,
            msp: given.connection.msp,
            ..Policy::default()
        }),
        credentials: Credentials::Flags,
        result: given.answers.result(),
        zones: given.answers.zones(),
        ..Settings::default()
    };
    let http = Http::new(given.targets.egress(given.answers.limits()));
    let server = OpManagerServer::new(settings, http);
    let answer = server
        .call_from_cli(&given.tool.to_string(), arguments, connection)
        .await;
    let (mut out, mut remarks) = (io::stdout().lock(), io::stderr().lock());
    match answer {
        Ok((answer, remark)) => {
            writeln!(out, "{answer}")?;
            if remark.is_empty() {
                Ok(())
            } else {
                writeln!(remarks, "{remark}")
            }
        }
        Err(problem) => Err(io::Error::other(problem)),
    }
}
