//! Whatever arguments are given to whatever tool: what is sent is in the tool's schema and of the type that the schema
//! says, nothing that was given is missing in it, and what is rejected is told without a value that was given.

#![no_main]

use std::sync::LazyLock;

use arbitrary::Arbitrary;
use jsonschema::Validator;
use libfuzzer_sys::fuzz_target;
use opmanager_mcp_server::opmanager::Zone;
use opmanager_mcp_server::tools::{Tool, catalogue};
use serde_json::{Map, Value, json};

/// Stands in every text that is given. It could be a host and a key.
const SENTINEL: &str = "s3ntinel-4f1c";

/// The key of a call that is otherwise right.
const KEY: &str = "k3y-0f-a-call";

/// What clients add to a call and what is dropped from it.
const ADDED: [&str; 8] = [
    "sessionId",
    "action",
    "chatInput",
    "toolCallId",
    "tool",
    "wait_for_previous",
    "task_progress",
    "random_string",
];

const CONNECTION: [&str; 5] = ["host", "apiKey", "port", "use_ssl", "verify_ssl"];

const SELECTION: [&str; 3] = ["fields", "limit", "offset"];

/// Names that stand for others where only one can be meant.
const SYNONYMS: [&str; 16] = [
    "name",
    "deviceName",
    "device",
    "source",
    "interface",
    "group",
    "logicalGroup",
    "bview",
    "view",
    "entity",
    "alarm",
    "since",
    "startTime",
    "until",
    "end_date",
    "period",
];

/// Times in forms that are converted, and in some that are nearly one.
const TIMES: [&str; 20] = [
    "2026-03-01T10:20:30Z",
    "2026-03-01T10:20:30+02:00",
    "2026-03-29T02:30:00",
    "2026-10-25 02:30:00",
    "2026-03-01T10:20",
    "2026-03-01",
    "2026-02-30 10:00:00",
    "01/03/2026 10:20",
    "1772360430",
    "1772360430000",
    "9999999999999",
    "now",
    "now-1h",
    "now + 9999999999999999d",
    "today 06:00",
    "tomorrow",
    "yesterday at 23:15:00",
    "10:20",
    "-009999-01-01T00:00:00Z",
    "2026-01-15T10:00:00+01:00[Europe/Paris]",
];

/// Texts that a client was to replace.
const PLACEHOLDERS: [&str; 6] = [
    "${OPMANAGER_API_KEY}",
    "{{ key }}",
    "$KEY",
    "%KEY%",
    "<key>",
    "$(KEY)",
];

static ZONES: LazyLock<[Zone; 1]> = LazyLock::new(|| ["opm.test=Europe/Paris".parse().unwrap()]);

#[derive(Arbitrary, Debug)]
struct Input<'a> {
    tool: u8,
    /// Whether all that is required is given, and right, before the rest is.
    good: bool,
    /// Whether the time zone of the server is known.
    zone: bool,
    given: Vec<(Name<'a>, Given<'a>)>,
}

#[derive(Arbitrary, Debug)]
enum Name<'a> {
    Known(u8),
    /// In another case, or with other separators.
    Cased(u8, bool),
    Synonym(u8),
    Added(u8),
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
    /// An integer as a double.
    Double(i32),
    /// A number at a bound of the schema, or beside it.
    Bound(bool, i8),
    /// One of the values that the schema lists, if it lists any.
    Listed(u8),
    ListedInCapitals(u8),
    Time(u8),
    TimeAround(u8, &'a str),
    Placeholder(u8),
    /// Another value as the text that spells it.
    Spelled(Box<Given<'a>>),
    /// A comma list.
    Commas(Vec<Given<'a>>),
    Sentinel,
    Text(&'a str),
    Address(&'a str),
    Around(&'a str),
    Long(&'a str, u16),
    Array(Vec<Given<'a>>),
    Object(Vec<(Name<'a>, Given<'a>)>),
}

/// A tool, and what another implementation of JSON Schema reads in the schema of its own arguments.
struct Subject {
    tool: &'static Tool,
    selectors: &'static [&'static str],
    /// All arguments that it takes.
    schema: &'static Map<String, Value>,
    /// For those that are sent.
    validator: Validator,
}

static SUBJECTS: LazyLock<Vec<Subject>> = LazyLock::new(|| {
    let tools = catalogue().iter().filter(|tool| tool.is_callable_by_name());
    tools.map(Subject::new).collect()
});

impl Subject {
    fn new(tool: &'static Tool) -> Self {
        // The listed schema leaves out what is checked here anyway.
        let schema = tool.accepted();
        assert_eq!(schema["additionalProperties"], false);
        let operation = tool.operation();
        let selects = operation.is_some_and(|operation| operation.list.is_some());
        let is_own =
            |name: &str| !CONNECTION.contains(&name) && !(selects && SELECTION.contains(&name));
        let mut own = schema.clone();
        let properties = own["properties"].as_object_mut().unwrap();
        properties.retain(|name, _| is_own(name));
        let required = own["required"].as_array_mut().unwrap();
        required.retain(|name| is_own(name.as_str().unwrap()));
        Self {
            tool,
            selectors: operation.map_or(&[], |operation| operation.exactly_one_of),
            schema,
            validator: jsonschema::validator_for(&Value::Object(own)).unwrap(),
        }
    }

    fn properties(&self) -> &Map<String, Value> {
        self.schema["properties"].as_object().unwrap()
    }

    /// The fewest arguments that are accepted.
    fn good(&self) -> Map<String, Value> {
        let required = self.schema["required"].as_array().unwrap();
        let required = required.iter().filter_map(Value::as_str);
        required
            .chain(self.selectors.first().copied())
            .map(|name| (name.to_owned(), self.fitting(name)))
            .collect()
    }

    fn fitting(&self, name: &str) -> Value {
        let schema = &self.properties()[name];
        let told = schema["description"].as_str().unwrap_or_default();
        let told = told.to_ascii_lowercase();
        match schema["type"].as_str() {
            _ if name == "host" => json!("opm.test"),
            _ if name == "apiKey" => json!(KEY),
            Some("string") if told.contains("yyyy-mm-dd hh:mm:ss") => json!("2026-03-01 10:20:30"),
            Some("string") if told.contains("yyyy-mm-dd hh:mm") => json!("2026-03-01 10:20"),
            Some("string") if told.contains("yyyy-mm-dd") => json!("2026-03-01"),
            Some("string") if told.contains("hh:mm") => json!("10:20"),
            Some("string") => schema
                .get("enum")
                .map_or(json!(SENTINEL), |all| all[0].clone()),
            Some("boolean") => json!(true),
            _ => schema.get("minimum").cloned().unwrap_or(json!(1)),
        }
    }

    fn known(&self, number: u8) -> &str {
        let known = self.properties();
        let name = known.keys().nth(usize::from(number) % known.len());
        name.unwrap()
    }

    fn name(&self, name: &Name<'_>) -> String {
        match name {
            Name::Known(number) => self.known(*number).to_owned(),
            Name::Cased(number, true) => self.known(*number).to_uppercase(),
            Name::Cased(number, false) => {
                let apart = |c: char| match c {
                    c if c.is_uppercase() => format!("_{}", c.to_lowercase()),
                    c => c.to_string(),
                };
                self.known(*number).chars().map(apart).collect()
            }
            Name::Synonym(number) => SYNONYMS[usize::from(*number) % SYNONYMS.len()].to_owned(),
            Name::Added(number) => ADDED[usize::from(*number) % ADDED.len()].to_owned(),
            Name::Sentinel => SENTINEL.to_owned(),
            Name::Any(text) => (*text).to_owned(),
        }
    }

    fn listed(&self, name: &str, number: u8) -> Option<&Value> {
        let all = self.properties().get(name)?.get("enum")?.as_array()?;
        all.get(usize::from(number) % all.len())
    }

    fn given(&self, name: &str, given: &Given<'_>) -> Value {
        match given {
            Given::Null => Value::Null,
            Given::Truth(truth) => json!(truth),
            Given::Number(number) => json!(number),
            Given::Large(number) => json!(number),
            Given::Fraction(number) => json!(number),
            Given::Double(number) => json!(f64::from(*number)),
            Given::Bound(upper, offset) => {
                let schema = self.properties().get(name);
                let bound =
                    schema.and_then(|all| all.get(if *upper { "maximum" } else { "minimum" }));
                let bound = bound.and_then(Value::as_i64).unwrap_or_default();
                json!(bound.saturating_add(i64::from(*offset % 3)))
            }
            Given::Listed(number) => self.listed(name, *number).cloned().unwrap_or_default(),
            Given::ListedInCapitals(number) => {
                let listed = self.listed(name, *number).and_then(Value::as_str);
                listed.map_or(Value::Null, |text| text.to_uppercase().into())
            }
            Given::Time(number) => json!(TIMES[usize::from(*number) % TIMES.len()]),
            Given::TimeAround(number, text) => {
                json!(TIMES[usize::from(*number) % TIMES.len()].to_owned() + text)
            }
            Given::Placeholder(number) => {
                json!(PLACEHOLDERS[usize::from(*number) % PLACEHOLDERS.len()])
            }
            Given::Spelled(inner) => match self.given(name, inner) {
                // Each spelling of a spelling is twice as long.
                Value::String(text) if text.len() > 1000 => json!(text),
                value => json!(value.to_string()),
            },
            Given::Commas(items) => {
                let items = items.iter().map(|item| match self.given(name, item) {
                    Value::String(text) => text,
                    other => other.to_string(),
                });
                json!(items.collect::<Vec<_>>().join(","))
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

    /// What is sent of what was given is all of it, as the schema says.
    fn check_sent(&self, given: &Map<String, Value>, sent: Map<String, Value>) {
        let name = self.tool.name();
        let chosen = self
            .selectors
            .iter()
            .filter(|name| sent.contains_key(**name));
        assert!(
            self.selectors.is_empty() || chosen.count() == 1,
            "{given:?}"
        );
        let is_ours = |name: &str| {
            let ours = CONNECTION.iter().chain(&SELECTION);
            let mut ours = ours.filter(|ours| !sent.contains_key(**ours));
            ours.any(|ours| plain(ours) == plain(name)) || ADDED.contains(&name)
        };
        let own = || given.iter().filter(|(name, _)| !is_ours(name));
        let least = own().filter(|(_, value)| !may_be_absent(value)).count();
        assert!(
            (least..=own().count()).contains(&sent.len()),
            "{name} makes {sent:?} of {given:?}"
        );
        for (argument, value) in &sent {
            let schema = &self.properties()[argument];
            let told = schema["description"].as_str().unwrap_or_default();
            let told = told.to_ascii_lowercase();
            let Some(text) = value.as_str() else { continue };
            assert!(!text.trim().is_empty(), "{name} sends {argument} empty");
            if told.contains("yyyy-mm-dd") {
                let of_time = |c: char| c.is_ascii_digit() || matches!(c, '-' | ':' | ' ');
                assert!(text.chars().all(of_time), "{name} {argument}: {text:?}");
            }
            // A text that is only a text arrives as it was.
            let may_be_time = ["time", "date", "yyyy", "hh:mm"]
                .iter()
                .any(|word| told.contains(word) || argument.to_ascii_lowercase().contains(word));
            if let Some(Value::String(given)) = given.get(argument)
                && schema.get("enum").is_none()
                && !given.trim_start().starts_with('[')
                && !may_be_time
            {
                assert_eq!(text, given, "{name} {argument}");
            }
        }
        let sent = Value::Object(sent);
        if let Err(error) = self.validator.validate(&sent) {
            panic!("{name} makes {sent} of {given:?}: {error}");
        }
    }
}

fn plain(name: &str) -> String {
    let letters = name.chars().filter(|c| !matches!(c, '_' | '-' | ' '));
    letters.flat_map(char::to_lowercase).collect()
}

/// Whether a value may say that there is none.
fn may_be_absent(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::String(text) if text.trim_start().starts_with('[') => {
            serde_json::from_str(text).is_ok_and(|items: Value| may_be_absent(&items))
        }
        Value::String(text) => text.trim().is_empty(),
        Value::Array(items) => items.iter().all(may_be_absent),
        _ => false,
    }
}

fuzz_target!(|input: Input<'_>| {
    let subject = &SUBJECTS[usize::from(input.tool) % SUBJECTS.len()];
    let mut given = if input.good {
        subject.good()
    } else {
        Map::new()
    };
    given.extend(subject.object(&input.given));
    let zones: &[Zone] = if input.zone { &*ZONES } else { &[] };

    match subject.tool.accept(given.clone(), zones) {
        Ok((sent, selection)) => {
            assert!((1..=1000).contains(&selection.limit), "{given:?}");
            assert!(selection.fields.iter().all(|name| !name.trim().is_empty()));
            subject.check_sent(&given, sent);
        }
        Err(told) => {
            assert!(!input.good || !input.given.is_empty(), "{told}");
            assert!(told.lines().count() > 1, "{told}");
            assert!(told.chars().count() < 100_000, "{}", told.len());
            let plain = |c: char| c == '\n' || !c.is_control();
            assert!(told.chars().all(plain), "{told:?}");
            // A name that has digits is not repeated either: it may be the key.
            let told = told.to_lowercase();
            assert!(!told.contains(SENTINEL) && !told.contains(KEY), "{told}");
        }
    }
});
