//! What a visitor sees first: a made-up OpManager, and an MCP client that works with it through this
//! program.
//!
//! The client is a real one, over the pipes that a desktop application would use. Left out of production
//! builds with the crate feature `demo`.

use std::io::{self, IsTerminal, Write};

use opmanager_simulator::{Options, Simulator};
use rmcp::model::CallToolRequestParams;
use rmcp::service::RunningService;
use rmcp::transport::TokioChildProcess;
use rmcp::{RoleClient, ServiceExt};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value, json};

use crate::opmanager::Text;
use crate::opmanager::types::{Alarm, DeviceDetails, DownDevice};

pub(crate) use simulate::{SimulateArgs, simulate};

mod simulate;

/// Shows the whole way, from a question to a change and its effect.
pub(crate) async fn demo() -> io::Result<()> {
    let simulator = Simulator::start(Options::default()).await?;
    let program = std::env::current_exe()?;
    let mut command = tokio::process::Command::new(&program);
    command.args([
        "--access",
        "write",
        "--rows",
        "objects",
        "--log-level",
        "warn",
    ]);
    let client = ().serve(TokioChildProcess::new(command)?).await.map_err(io::Error::other)?;
    let mut demo = Demo {
        client,
        host: simulator.host(),
        key: simulator.api_key().to_owned(),
        out: Stage::new(),
    };
    demo.play().await?;
    let Demo {
        client, mut out, ..
    } = demo;
    client.cancel().await.map_err(io::Error::other)?;
    let requests = simulator.requests();
    let key = simulator.api_key();
    let in_header = requests
        .iter()
        .filter(|request| request.header("apikey") == Some(key.as_bytes()));
    let in_url = requests
        .iter()
        .filter(|request| request.target.contains(key));
    out.note(&format!(
        "\nThe made-up OpManager saw {} requests. {} carried the key in the header, {} in the URL.",
        requests.len(),
        in_header.count(),
        in_url.count(),
    ))?;
    simulator.shutdown().await;
    out.farewell(&program.display().to_string())
}

struct Demo {
    client: RunningService<RoleClient, ()>,
    host: String,
    key: String,
    out: Stage,
}

impl Demo {
    async fn play(&mut self) -> io::Result<()> {
        self.out.title("OpManager, asked by an agent")?;
        self.out.note(&format!(
            "A made-up OpManager listens on {}. `opmanager-mcp-server --access write --rows objects` runs\nbeside it, and an MCP client talks to that over pipes. Nothing leaves this machine.",
            self.host
        ))?;
        let tools = self
            .client
            .list_all_tools()
            .await
            .map_err(io::Error::other)?;
        if let Some(server) = self.client.peer_info() {
            let server = format!("{}", server.protocol_version);
            self.out.note(&format!(
                "Protocol {server}, {} tools offered.",
                tools.len()
            ))?;
        }

        self.out.question("What is down?")?;
        let down: Items<DownDevice> = self.ask("get_down_devices", json!({})).await?;
        let down = down.items;
        for device in &down {
            self.out.row(&[
                (&device.name, 24),
                (&device.category, 16),
                (&device.display_name, 30),
            ])?;
        }
        let Some(name) = down.first().and_then(|device| device.name.clone()) else {
            return self.out.note("Nothing is down.");
        };

        self.out
            .question(&format!("What do its alarms say? ({name})"))?;
        let Items { items: alarms } = self
            .ask(
                "list_alarms",
                json!({ "deviceName": *name, "fields": ALARM_FIELDS }),
            )
            .await?;
        self.show(&alarms)?;

        self.out.question("How has the device been today?")?;
        // No tool of its own in the default list.
        let own = json!({ "name": *name }).to_string();
        let device: DeviceDetails = self
            .ask(
                "call_operation",
                json!({ "operation": "get_device_complete_details", "arguments": own }),
            )
            .await?;
        self.out.row(&[
            (&device.status_str, 24),
            (&device.type_, 30),
            (&device.dns_name, 30),
        ])?;

        let Some(entity) = alarms.iter().find_map(|alarm| alarm.entity.clone()) else {
            return self.out.note("It has no alarms.");
        };
        self.out.question("I take it. Acknowledge the first one.")?;
        let answer: Value = self
            .ask("acknowledge_alarm", json!({ "entity": *entity }))
            .await?;
        self.out
            .answer(answer["result"]["message"].as_str().unwrap_or_default())?;

        self.out.question("Did that work?")?;
        let Items { items: alarms } = self
            .ask(
                "list_alarms",
                json!({ "deviceName": *name, "fields": ALARM_FIELDS }),
            )
            .await?;
        self.show(&alarms)?;

        self.out.question("And delete it.")?;
        match self
            .ask::<Value>("delete_alarm", json!({ "entity": *entity }))
            .await
        {
            Ok(_) => self.out.answer("It was deleted."),
            Err(refusal) => self.out.answer(&refusal.to_string()),
        }
    }

    fn show(&mut self, alarms: &[Alarm]) -> io::Result<()> {
        for alarm in alarms {
            self.out.row(&[
                (&alarm.severity_string, 12),
                (&alarm.who, 16),
                (&alarm.entity, 24),
                (&alarm.message, 60),
            ])?;
        }
        Ok(())
    }

    /// Calls a tool and decodes the first block of its answer, which is JSON alone.
    async fn ask<T: DeserializeOwned>(
        &mut self,
        tool: &'static str,
        arguments: Value,
    ) -> io::Result<T> {
        self.out.call(tool, &arguments)?;
        let mut all = Map::from_iter([
            ("host".to_owned(), Value::from(self.host.clone())),
            ("apiKey".to_owned(), Value::from(self.key.clone())),
            // The stand-in speaks plain HTTP on a free port, where HTTPS would be assumed.
            ("use_ssl".to_owned(), Value::from(false)),
        ]);
        if let Value::Object(own) = arguments {
            all.extend(own);
        }
        let request = CallToolRequestParams::new(tool).with_arguments(all);
        let result = self
            .client
            .call_tool(request)
            .await
            .map_err(io::Error::other)?;
        let text = result
            .content
            .first()
            .and_then(|block| block.as_text())
            .map(|text| text.text.clone())
            .unwrap_or_default();
        if result.is_error == Some(true) {
            return Err(io::Error::other(text));
        }
        serde_json::from_str(&text).map_err(io::Error::other)
    }
}

/// What is shown of an alarm.
const ALARM_FIELDS: &str = "severityString,who,entity,message";

/// The answer of a tool whose operation has a list.
#[derive(Deserialize)]
struct Items<T> {
    items: Vec<T>,
}

/// Prints the conversation: colours on a terminal, plain text elsewhere.
struct Stage {
    out: io::Stdout,
    colours: bool,
}

impl Stage {
    fn new() -> Self {
        let out = io::stdout();
        let colours = out.is_terminal();
        Self { out, colours }
    }

    fn styled(&self, code: &str, text: &str) -> String {
        if self.colours {
            format!("\x1b[{code}m{text}\x1b[0m")
        } else {
            text.to_owned()
        }
    }

    fn title(&mut self, text: &str) -> io::Result<()> {
        let text = self.styled("1", text);
        writeln!(self.out, "\n{text}\n")
    }

    fn note(&mut self, text: &str) -> io::Result<()> {
        let text = self.styled("2", text);
        writeln!(self.out, "{text}")
    }

    fn question(&mut self, text: &str) -> io::Result<()> {
        let text = self.styled("1;36", text);
        writeln!(self.out, "\n{text}")
    }

    fn call(&mut self, tool: &str, arguments: &Value) -> io::Result<()> {
        let arguments: Vec<String> = arguments
            .as_object()
            .into_iter()
            .flatten()
            .map(|(name, value)| format!(" {name}={value}"))
            .collect();
        let line = self.styled("33", &format!("  -> {tool}{}", arguments.concat()));
        writeln!(self.out, "{line}")
    }

    fn row(&mut self, cells: &[(&Option<Text>, usize)]) -> io::Result<()> {
        let mut line = String::from("     ");
        for (cell, width) in cells {
            let cell = cell.as_deref().unwrap_or("-");
            let short: String = cell.chars().take(*width).collect();
            line.push_str(&format!("{short:<width$}  "));
        }
        writeln!(self.out, "{}", line.trim_end())
    }

    fn answer(&mut self, text: &str) -> io::Result<()> {
        for line in text.lines() {
            writeln!(self.out, "     {line}")?;
        }
        Ok(())
    }

    fn farewell(&mut self, program: &str) -> io::Result<()> {
        self.title("Use it with your own agent and OpManager")?;
        let configuration = json!({ "mcpServers": { "opmanager": { "command": program, "args": ["--access", "read"] } } });
        writeln!(
            self.out,
            "{}",
            serde_json::to_string_pretty(&configuration)?
        )?;
        self.note("\nThat goes into the configuration of Claude Desktop, Cursor or any other MCP client. For Claude Code:")?;
        writeln!(
            self.out,
            "  claude mcp add opmanager -- {program} --access read"
        )?;
        self.note("Tell the agent the host and the API key; both serve one call at a time and are kept nowhere.")?;
        self.note("To try on made-up data first:")?;
        writeln!(self.out, "  {program} simulate --port 8060")?;
        self.out.flush()
    }
}
