//! The `xtask` program: commands of maintainers.

use std::io::Write as _;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, Parser, Subcommand};
use serde::Serialize;
use xtask::Error;
use xtask::regenerate::{self, Options};
use xtask::report::Report;
use xtask::{ci, commits, record, review};

/// Commands of maintainers: run the gate, record, take in the vendor's API, compare, review.
#[derive(Debug, Parser)]
#[command(name = "cargo xtask", bin_name = "cargo xtask")]
struct Cli {
    /// Root of the repository [default: the nearest folder upwards with openapi/opmanager.yaml]
    #[arg(long, value_name = "FOLDER", global = true)]
    root: Option<PathBuf>,
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Run everything that must pass before a change is merged
    ///
    /// Stops at the first step that fails. CONTRIBUTING.md lists the steps; each is a command of its own.
    Ci,
    /// Record what documents say of the code
    ///
    /// Writes docs/tools.md, the measured table of README.md, and the steps of `ci` in CONTRIBUTING.md. Read the
    /// difference before you commit it.
    Docs,
    /// Record what clients see: the snapshots of tools, operations, failures and the command line
    ///
    /// Removes snapshots of tools that are gone, and what failed runs left. Read the difference before you commit it.
    Snapshots,
    /// Check the subjects of the commits that are not on main
    ///
    /// The form is `area: verb object`, in at most 72 characters.
    Commits,
    /// Take in the vendor's document and say what changed
    ///
    /// Compares the document with the facts recorded in openapi/vendor.json, and both with
    /// openapi/opmanager.yaml. Exit code 0: nothing to do; 4: something is behind; 100: something is behind,
    /// and following it breaks something; 1: a file is not understood, and nothing was written.
    Regenerate(Regenerate),
    /// Compare openapi/opmanager.yaml with what the vendor documents
    ///
    /// Every documented operation and parameter is in it, or deviates with a reason. Exit codes as for
    /// `regenerate`.
    Coverage {
        #[command(flatten)]
        form: Form,
    },
    /// Say what clients see of a change, and which version it needs
    ///
    /// Compares the tools recorded in snapshots/ of two revisions.
    Review {
        /// Earlier revision [default: the newest tag, or HEAD]
        #[arg(value_name = "FROM")]
        from: Option<String>,
        /// Later revision [default: the working tree]
        #[arg(value_name = "TO")]
        to: Option<String>,
        #[command(flatten)]
        form: Form,
    },
}

#[derive(Debug, Args)]
struct Regenerate {
    /// The vendor's REST API page (HTML) or OpenAPI document (3.0 or 3.1, JSON or YAML), plain or gzipped
    #[arg(long, value_name = "FILE")]
    from: Option<PathBuf>,
    /// The file covers a part of the API: what it lacks stays as recorded
    #[arg(long, requires = "from")]
    partial: bool,
    /// Day on which the file was taken from the vendor, yyyy-mm-dd [default: today]
    #[arg(long, value_name = "DATE", requires = "from", value_parser = date)]
    captured: Option<String>,
    /// Write the facts, their summary, and stubs into the curated document
    #[arg(long, conflicts_with = "check")]
    write: bool,
    /// Check that the recorded facts and the curated document fit each other
    #[arg(long, conflicts_with = "from")]
    check: bool,
    #[command(flatten)]
    form: Form,
}

#[derive(Debug, Args)]
struct Form {
    /// Report as JSON
    #[arg(long, conflicts_with = "markdown")]
    json: bool,
    /// Report as Markdown
    #[arg(long)]
    markdown: bool,
}

fn date(text: &str) -> Result<String, String> {
    let parts: Vec<&str> = text.split('-').collect();
    let fits = |part: &str, digits: usize| {
        part.len() == digits && part.chars().all(|c| c.is_ascii_digit())
    };
    match parts.as_slice() {
        [year, month, day] if fits(year, 4) && fits(month, 2) && fits(day, 2) => {
            Ok(text.to_owned())
        }
        _ => Err("write it as yyyy-mm-dd".into()),
    }
}

fn main() -> ExitCode {
    let cli = Cli::parse();
    match run(&cli) {
        Ok(code) => ExitCode::from(code),
        Err(error) => {
            let _ = writeln!(std::io::stderr(), "error: {error}");
            ExitCode::FAILURE
        }
    }
}

fn run(cli: &Cli) -> Result<u8, Error> {
    let root = match &cli.root {
        Some(root) => root.clone(),
        None => regenerate::root()?,
    };
    match &cli.command {
        Command::Ci => ci::run(&root).map(|()| 0),
        Command::Docs => record::docs(&root).map(|()| 0),
        Command::Snapshots => record::snapshots(&root).map(|()| 0),
        Command::Commits => commits::run(&root).map(|()| 0),
        Command::Regenerate(given) => {
            let options = Options {
                from: given.from.clone(),
                partial: given.partial,
                captured: given.captured.clone().unwrap_or_else(today),
                write: given.write,
            };
            Ok(print(&regenerate::run(&root, &options)?, &given.form))
        }
        Command::Coverage { form } => Ok(print(&regenerate::coverage(&root)?, form)),
        Command::Review { from, to, form } => {
            let review = review::run(&root, from.as_deref(), to.as_deref())?;
            show(&if form.json {
                json(&review)
            } else {
                review.text(form.markdown)
            });
            Ok(0)
        }
    }
}

fn today() -> String {
    time::OffsetDateTime::now_utc().date().to_string()
}

fn print(report: &Report, form: &Form) -> u8 {
    show(&if form.json {
        json(report)
    } else if form.markdown {
        report.markdown()
    } else {
        report.text()
    });
    report.code()
}

fn json(report: &impl Serialize) -> String {
    let json = serde_json::to_string_pretty(report).unwrap_or_default();
    format!("{json}\n")
}

fn show(text: &str) {
    // Whoever reads only the first lines closes the pipe.
    let _ = std::io::stdout().write_all(text.as_bytes());
}
