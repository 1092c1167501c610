//! Whatever arguments are given to whatever tool: what is accepted is in the tool's schema and of the
//! type that the schema says, and what is refused is told without a value that was given.

#![no_main]

use std::sync::LazyLock;

use arbitrary::Arbitrary;
use jsonschema::Validator;
use libfuzzer_sys::fuzz_target;
use opmanager_mcp_server::tools::{Tool, operations};
use serde_json::{Map, Value, json};

/// Stands in every text that is given. It could be a host and a key.
const SENTINEL: &str = "s3ntinel-4f1c";

/// What n8n adds to a call and what is dropped from it.
const FOREIGN: [&str; 5] = ["sessionId", "action", "chatInput", "toolCallId", "tool"];

#[derive(Arbitrary, Debug)]
struct Input<'a> {
    tool: u8,
    /// Whether all that is required is given, and right, before the rest is.
    good: bool,
    given: Vec<(Name<'a>, Given<'a>)>,
}

#[derive(Arbitrary, Debug)]
enum Name<'a> {
    Known(u8),
    Foreign(u8),
    Sentinel,
    Any(&'a str),
}

#[derive(Arbitrary, Debug)]
enum Given<'a> {
    Null,
    Truth(bool),
    Number(i64),
    Large(u64),
    Fraction(f64),
    /// A number at a bound of the schema, or beside it.
    Bound(bool, i8),
    /// One of the values that the schema lists, if it lists any.
    Listed(u8),
    Sentinel,
    Text(&'a str),
    Address(&'a str),
    Around(&'a str),
    Long(&'a str, u16),
    Array(Vec<Given<'a>>),
    Object(Vec<(Name<'a>, Given<'a>)>),
}

struct Tool {
    tool: &'static Tool,
    schema: Map<String, Value>,
    validator: Validator,
}

/// The tools, and what another implementation of JSON Schema reads in their schemas.
static TOOLS: LazyLock<Vec<Tool>> = LazyLock::new(|| {
    let tools = operations().map(|tool| {
        let schema = tool.definition().input_schema.as_ref().clone();
        let validator = jsonschema::validator_for(&Value::Object(schema.clone())).unwrap();
        Tool {
            tool,
            schema,
            validator,
        }
    });
    tools.collect()
});

impl Tool {
    fn properties(&self) -> &Map<String, Value> {
        self.schema["properties"].as_object().unwrap()
    }

    /// The fewest arguments that are accepted.
    fn good(&self) -> Map<String, Value> {
        let required = self.schema["required"].as_array().unwrap();
        let required = required.iter().filter_map(Value::as_str);
        let selector = self.tool.operation().unwrap().exactly_one_of.first().copied();
        required
            .chain(selector)
            .map(|name| (name.to_owned(), self.fitting(name)))
            .collect()
    }

    fn fitting(&self, name: &str) -> Value {
        let schema = &self.properties()[name];
        match schema["type"].as_str() {
            _ if name == "host" => json!("opm.test"),
            Some("string") if schema["description"].as_str().unwrap().contains("JSON object as text") => json!("{}"),
            Some("string") => schema
                .get("enum")
                .map_or(json!(SENTINEL), |all| all[0].clone()),
            Some("boolean") => json!(true),
            _ => schema.get("minimum").cloned().unwrap_or(json!(1)),
        }
    }

    fn name(&self, name: &Name<'_>) -> String {
        let known = self.properties();
        match name {
            Name::Known(number) => {
                let (name, _) = known
                    .iter()
                    .nth(usize::from(*number) % known.len())
                    .unwrap();
                name.clone()
            }
            Name::Foreign(number) => FOREIGN[usize::from(*number) % FOREIGN.len()].to_owned(),
            Name::Sentinel => SENTINEL.to_owned(),
            Name::Any(text) => (*text).to_owned(),
        }
    }

    fn given(&self, name: &str, given: &Given<'_>) -> Value {
        match given {
            Given::Null => Value::Null,
            Given::Truth(truth) => json!(truth),
            Given::Number(number) => json!(number),
            Given::Large(number) => json!(number),
            Given::Fraction(number) => json!(number),
            Given::Bound(upper, offset) => {
                let schema = self.properties().get(name);
                let bound =
                    schema.and_then(|all| all.get(if *upper { "maximum" } else { "minimum" }));
                let bound = bound.and_then(Value::as_i64).unwrap_or_default();
                json!(bound.saturating_add(i64::from(*offset % 3)))
            }
            Given::Listed(number) => {
                let listed = self.properties().get(name).and_then(|all| all.get("enum"));
                listed.map_or(Value::Null, |all| {
                    let all = all.as_array().unwrap();
                    all[usize::from(*number) % all.len()].clone()
                })
            }
            Given::Sentinel => json!(SENTINEL),
            Given::Text(text) => json!(text),
            Given::Address(rest) => json!(format!("{SENTINEL}.test:{rest}")),
            Given::Around(text) => json!(format!("{text}{SENTINEL}{text}")),
            Given::Long(text, times) => {
                json!(text.repeat(usize::from(*times) % 5000) + SENTINEL)
            }
            Given::Array(items) => items.iter().map(|item| self.given(name, item)).collect(),
            Given::Object(fields) => self.object(fields).into(),
        }
    }

    fn object(&self, fields: &[(Name<'_>, Given<'_>)]) -> Map<String, Value> {
        let fields = fields.iter().map(|(name, given)| {
            let name = self.name(name);
            let value = self.given(&name, given);
            (name, value)
        });
        fields.collect()
    }
}

fuzz_target!(|input: Input<'_>| {
    let tool = &TOOLS[usize::from(input.tool) % TOOLS.len()];
    let mut given = if input.good { tool.good() } else { Map::new() };
    given.extend(tool.object(&input.given));

    match tool.tool.problems(given.clone()) {
        None => {
            given.retain(|name, _| {
                tool.properties().contains_key(name) || !FOREIGN.contains(&name.as_str())
            });
            let selectors = tool.tool.operation().unwrap().exactly_one_of;
            let chosen = selectors.iter().filter(|name| given.contains_key(**name));
            assert!(selectors.is_empty() || chosen.count() == 1, "{given:?}");
            let given = Value::Object(given);
            if let Err(error) = tool.validator.validate(&given) {
                panic!("{} accepts {given}: {error}", tool.tool.name());
            }
        }
        Some(told) => {
            assert!(!input.good || !input.given.is_empty(), "{told}");
            assert!(told.lines().count() > 1, "{told}");
            assert!(told.chars().count() < 100_000, "{}", told.len());
            let plain = |c: char| c == '\n' || !c.is_control();
            assert!(told.chars().all(plain), "{told:?}");
            // An unknown name is repeated, less its control characters, but not if it is the key.
            let holds = |text: &str| {
                let plain: String = text.chars().filter(|c| !c.is_control()).collect();
                plain.to_lowercase().contains(SENTINEL)
            };
            let named = given.keys().any(|name| holds(name));
            let is_key = given.get("apiKey").is_some_and(|key| key == SENTINEL);
            assert!(!holds(&told) || named && !is_key, "{told}");
        }
    }
});
