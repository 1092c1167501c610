//! What shaping an answer costs, beside three ways to do less or more with the same bytes.
//!
//! ```text
//! cargo bench --bench shape                              megabytes a second
//! cargo bench --bench shape -- --instructions            instructions a byte; needs valgrind
//! cargo bench --bench shape -- --once devices/shape      one way over one body, once, for a profiler
//! ```
//!
//! The ways: `ignored` reads the body with serde_json and keeps nothing (`IgnoredAny`), which is the floor of what
//! checking a body costs; `raw` keeps the text of each value (`RawValue`); `value` makes a tree and prints it, which
//! is what passing an answer on costs when it is parsed; `shape` is ours, and its answer is ready for a model.
//!
//! Targets: at least half the speed of `ignored`, at least three times that of `value`. They are printed beside the
//! measurements; instructions repeat exactly, whatever else the machine does. Without `--bench` every way is taken
//! once, which shows that it still works.

#[path = "../tests/it/support/bodies.rs"]
mod bodies;

use std::hint::black_box;
use std::io::{self, Write};
use std::process::Command;
use std::time::{Duration, Instant};

use opmanager_mcp_server::opmanager::ApiKey;
use opmanager_mcp_server::result::{Limits, Plan, Query, Selection, Sort, Where, shape};
use serde::de::IgnoredAny;
use serde_json::Value;
use serde_json::value::RawValue;

/// Samples of each way over each body.
const SAMPLES: usize = 31;

/// A body and what is wanted of it.
struct Case {
    name: &'static str,
    body: fn() -> String,
    list: Option<&'static [&'static str]>,
    markup: &'static [&'static str],
    fields: &'static [&'static str],
    limit: usize,
    max_chars: usize,
}

/// The selection and size that a call has by default.
const DEFAULT: Case = Case {
    name: "",
    body: String::new,
    list: None,
    markup: &[],
    fields: &[],
    limit: 50,
    max_chars: 24_000,
};

const CASES: [Case; 6] = [
    Case {
        name: "devices",
        body: || bodies::devices(10_000),
        list: Some(&["rows"]),
        fields: &["deviceName", "statusNum", "ipaddress"],
        ..DEFAULT
    },
    Case {
        name: "alarms",
        body: || bodies::alarms(8_000),
        list: Some(&[]),
        markup: &["severity"],
        ..DEFAULT
    },
    Case {
        name: "tiny",
        body: || bodies::tiny_objects(4 << 20),
        list: Some(&[]),
        ..DEFAULT
    },
    Case {
        name: "object",
        body: || bodies::object(4 << 20),
        ..DEFAULT
    },
    Case {
        name: "devices-whole",
        body: || bodies::devices(10_000),
        list: Some(&["rows"]),
        limit: usize::MAX,
        max_chars: usize::MAX,
        ..DEFAULT
    },
    Case {
        name: "alarms-whole",
        body: || bodies::alarms(8_000),
        list: Some(&[]),
        markup: &["severity"],
        limit: usize::MAX,
        max_chars: usize::MAX,
        ..DEFAULT
    },
];

/// Something that can be done with a body. It gives a number that depends on all of its work.
type Way = fn(&Case, &str) -> usize;

const WAYS: [(&str, Way); 4] = [
    ("ignored", |_, body| {
        usize::from(serde_json::from_str::<IgnoredAny>(body).is_ok())
    }),
    ("raw", |_, body| {
        serde_json::from_str::<Box<RawValue>>(body).map_or(0, |raw| raw.get().len())
    }),
    ("value", |_, body| {
        serde_json::from_str::<Value>(body).map_or(0, |value| value.to_string().len())
    }),
    ("shape", |case, body| shaped(case, body, Query::default())),
];

/// A question over many items, and ways to answer it: the plain pass that counts them, ours, and a tree.
const QUESTIONS: [(&str, Way); 3] = [
    ("plain", |case, body| shaped(case, body, Query::default())),
    ("question", |case, body| {
        let query = Query {
            filter: Where::parse("statusNum<=3 and displayName~7").unwrap_or_default(),
            sort: Sort::parse("-interfaceCount,displayName").unwrap_or_default(),
            ..Query::default()
        };
        shaped(case, body, query)
    }),
    ("tree", |_, body| {
        let Ok(value) = serde_json::from_str::<Value>(body) else {
            return 0;
        };
        let number = |item: &Value, name: &str| match &item[name] {
            Value::String(text) => text.parse::<i64>().unwrap_or_default(),
            other => other.as_i64().unwrap_or_default(),
        };
        let name = |item: &Value| item["displayName"].as_str().unwrap_or_default().to_owned();
        let mut items: Vec<&Value> = value["rows"]
            .as_array()
            .into_iter()
            .flatten()
            .filter(|item| number(item, "statusNum") <= 3 && name(item).contains('7'))
            .collect();
        items.sort_by_key(|item| {
            (
                std::cmp::Reverse(number(item, "interfaceCount")),
                name(item),
            )
        });
        items.truncate(50);
        serde_json::to_string(&items).map_or(0, |text| text.len())
    }),
];

fn shaped(case: &Case, body: &str, query: Query) -> usize {
    let plan = Plan {
        list: case.list,
        markup: case.markup,
        ..Plan::default()
    };
    let selection = Selection {
        fields: case.fields.iter().map(|&field| field.to_owned()).collect(),
        limit: case.limit,
        offset: 0,
        query,
    };
    let limits = Limits {
        max_chars: case.max_chars,
        raw: false,
        tables: false,
    };
    let key = ApiKey::new("0123456789abcdef0123456789ABCDEF".to_owned());
    let redact = |text: &str| key.as_ref().ok()?.redact(text);
    shape(body.as_bytes(), plan, &selection, limits, &redact).map_or(0, |text| text.len())
}

fn main() -> io::Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let has = |flag: &str| arguments.iter().any(|argument| argument == flag);
    if let Some(place) = arguments.iter().position(|argument| argument == "--once") {
        return once(arguments.get(place + 1).map_or("", String::as_str));
    }
    let table = if has("--instructions") {
        instructions()?
    } else {
        throughput(if has("--bench") { SAMPLES } else { 1 })?
    };
    io::stdout().write_all(table.as_bytes())
}

/// Takes one way over one body, or makes the body and does `nothing` with it.
fn once(name: &str) -> io::Result<()> {
    let unknown = || io::Error::other(format!("unknown: {name}; try devices/shape"));
    let (case, way) = name.split_once('/').ok_or_else(unknown)?;
    let case = CASES
        .iter()
        .find(|one| one.name == case)
        .ok_or_else(unknown)?;
    let body = (case.body)();
    if way != "nothing" {
        let (_, way) = WAYS
            .iter()
            .chain(&QUESTIONS)
            .find(|(name, _)| *name == way)
            .ok_or_else(unknown)?;
        done(way(case, &body))?;
    }
    writeln!(io::stdout(), "{}", body.len())
}

fn done(result: usize) -> io::Result<()> {
    if black_box(result) == 0 {
        return Err(io::Error::other("a way fails"));
    }
    Ok(())
}

/// The ways are taken in turn, so that a busy moment of the machine hits all of them alike; the best time of each
/// counts, because nothing makes work faster than it is.
fn throughput(samples: usize) -> io::Result<String> {
    let mut table = header("MB/s");
    for case in &CASES {
        let body = (case.body)();
        let mut best = [Duration::MAX; WAYS.len()];
        for _ in 0..samples {
            for (best, (_, way)) in best.iter_mut().zip(WAYS) {
                let started = Instant::now();
                done(way(case, black_box(&body)))?;
                *best = started.elapsed().min(*best);
            }
        }
        let speeds = best.map(|time| body.len() as f64 / time.as_secs_f64() / 1e6);
        table += &row(case, body.len(), speeds, |speed| format!("{speed:.0}"));
    }
    // A question over 10,000 devices.
    let case = &CASES[0];
    let body = (case.body)();
    let mut best = [Duration::MAX; QUESTIONS.len()];
    for _ in 0..samples {
        for (best, (_, way)) in best.iter_mut().zip(QUESTIONS) {
            let started = Instant::now();
            done(way(case, black_box(&body)))?;
            *best = started.elapsed().min(*best);
        }
    }
    let [plain, question, tree] = best.map(|time| time.as_secs_f64());
    table += &format!(
        "\nwhere and sort over devices: {:.2} times the plain pass (target 1.3), {:.1} times faster than a tree (target 5)\n",
        question / plain,
        tree / question
    );
    Ok(table)
}

/// Each way in a process of its own under callgrind, less what it takes to start and to make the body.
fn instructions() -> io::Result<String> {
    let mut table = header("instructions/byte");
    for case in &CASES {
        let body = (case.body)();
        let nothing = collected(&format!("{}/nothing", case.name))?;
        let mut costs = [0.0; WAYS.len()];
        for (cost, (way, _)) in costs.iter_mut().zip(WAYS) {
            let all = collected(&format!("{}/{way}", case.name))?;
            *cost = all.saturating_sub(nothing) as f64 / body.len() as f64;
        }
        table += &row(case, body.len(), costs.map(|cost| 1.0 / cost), |rate| {
            format!("{:.2}", 1.0 / rate)
        });
    }
    Ok(table)
}

fn collected(name: &str) -> io::Result<u64> {
    let output = Command::new("valgrind")
        .args(["--tool=callgrind", "--callgrind-out-file=/dev/null"])
        .arg(std::env::current_exe()?)
        .args(["--once", name])
        .output()?;
    let report = String::from_utf8_lossy(&output.stderr);
    report
        .lines()
        .find_map(|line| line.split_once("Collected :")?.1.trim().parse().ok())
        .ok_or_else(|| io::Error::other(format!("valgrind counted nothing: {report}")))
}

fn header(unit: &str) -> String {
    let mut line = format!("\n{unit:<18} {:>10}", "bytes");
    for (way, _) in WAYS {
        line += &format!(" {way:>9}");
    }
    line + "   shape of ignored, of value\n"
}

fn row(case: &Case, bytes: usize, rates: [f64; WAYS.len()], show: fn(f64) -> String) -> String {
    let mut line = format!("{:<18} {bytes:>10}", case.name);
    for rate in rates {
        line += &format!(" {:>9}", show(rate));
    }
    let [ignored, _, value, shape] = rates;
    let whole = case.name.ends_with("-whole");
    let floor = if whole { "no target" } else { "target 0.5" };
    line + &format!(
        "   {:.2} ({floor}), {:.1} (target 3)\n",
        shape / ignored,
        shape / value
    )
}
