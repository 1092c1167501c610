//! Whatever comes in and whatever is asked for: valid JSON within its budget, with true counts and without the key.

#![no_main]

use std::fmt::Write as _;

use arbitrary::Arbitrary;
use libfuzzer_sys::fuzz_target;
use opmanager_mcp_server::opmanager::ApiKey;
use opmanager_mcp_server::result::{
    Limits, Plan, Problem, Query, Reader, Selection, Sort, Where, shape,
};
use serde::de::IgnoredAny;
use serde_json::Value;

const KEY: &str = "k3y-S3CRET";

const NAMES: [&str; 8] = [
    "rows",
    "List",
    "Details",
    "A",
    "severity",
    "error",
    "deviceName",
    KEY,
];

const LISTS: [Option<&[&str]>; 5] = [
    None,
    Some(&[]),
    Some(&["rows"]),
    Some(&["A", "Details"]),
    Some(&["A", "A", "List"]),
];

#[derive(Arbitrary, Debug)]
struct Input<'a> {
    list: u8,
    fields: Vec<Name<'a>>,
    limit: u16,
    offset: u16,
    max_chars: u16,
    raw: bool,
    short_key: bool,
    read: bool,
    filter: Option<&'a str>,
    sort: Option<&'a str>,
    count_by: Vec<Name<'a>>,
    tables: bool,
    part: u8,
    body: Body<'a>,
}

#[derive(Arbitrary, Debug)]
enum Body<'a> {
    /// As a fuzzer makes them, which mostly are not JSON.
    Bytes(&'a [u8]),
    /// JSON, which comes further.
    Tree(Tree<'a>),
}

#[derive(Arbitrary, Debug)]
enum Tree<'a> {
    Null,
    Truth(bool),
    Number(i64),
    Text(Text<'a>),
    Array(Vec<Tree<'a>>),
    Object(Vec<(Name<'a>, Tree<'a>)>),
    /// The same many times.
    Repeated(Box<Tree<'a>>, u16),
    /// The same in arrays and objects, deep inside.
    Nested(Box<Tree<'a>>, u8, Name<'a>),
}

#[derive(Arbitrary, Debug)]
enum Name<'a> {
    Known(u8),
    Any(&'a str),
}

#[derive(Arbitrary, Debug)]
enum Text<'a> {
    Plain(&'a str),
    /// Every character as an escape.
    Escaped(&'a str),
    Long(&'a str, u16),
    Key(&'a str),
}

impl Name<'_> {
    fn text(&self) -> &str {
        match self {
            Name::Known(number) => NAMES[usize::from(*number) % NAMES.len()],
            Name::Any(text) => text,
        }
    }
}

/// Makes bodies of bounded size.
struct Writer(String);

impl Writer {
    const LONGEST: usize = 200_000;

    fn string(&mut self, text: &str) {
        self.0 += &serde_json::to_string(text).unwrap();
    }

    fn tree(&mut self, tree: &Tree<'_>) {
        match tree {
            _ if self.0.len() > Self::LONGEST => self.0 += "0",
            Tree::Null => self.0 += "null",
            Tree::Truth(truth) => write!(self.0, "{truth}").unwrap(),
            Tree::Number(number) => write!(self.0, "{number}").unwrap(),
            Tree::Text(Text::Plain(text)) => self.string(text),
            Tree::Text(Text::Key(text)) => self.string(&format!("{text}{KEY}{text}")),
            Tree::Text(Text::Long(text, times)) => {
                self.string(&text.repeat(usize::from(*times) % 9000))
            }
            Tree::Text(Text::Escaped(text)) => {
                self.0 += "\"";
                for unit in text.encode_utf16() {
                    write!(self.0, "\\u{unit:04x}").unwrap();
                }
                self.0 += "\"";
            }
            Tree::Array(items) => {
                self.0 += "[";
                for (number, item) in items.iter().enumerate() {
                    self.comma(number);
                    self.tree(item);
                }
                self.0 += "]";
            }
            Tree::Object(fields) => {
                self.0 += "{";
                for (number, (name, value)) in fields.iter().enumerate() {
                    self.comma(number);
                    self.string(name.text());
                    self.0 += ":";
                    self.tree(value);
                }
                self.0 += "}";
            }
            Tree::Repeated(item, times) => {
                self.0 += "[";
                for number in 0..usize::from(*times) % 3000 {
                    self.comma(number);
                    self.tree(item);
                }
                self.0 += "]";
            }
            Tree::Nested(item, times, name) => {
                let times = usize::from(*times) % 70;
                for _ in 0..times {
                    self.0 += "[{";
                    self.string(name.text());
                    self.0 += ":";
                }
                self.tree(item);
                self.0 += &"}]".repeat(times);
            }
        }
    }

    fn comma(&mut self, number: usize) {
        if number > 0 {
            self.0 += ",";
        }
    }
}

fuzz_target!(|input: Input<'_>| {
    let bytes = match &input.body {
        Body::Bytes(bytes) => bytes.to_vec(),
        Body::Tree(tree) => {
            let mut writer = Writer(String::new());
            writer.tree(tree);
            writer.0.into_bytes()
        }
    };
    let plan = Plan {
        list: LISTS[usize::from(input.list) % LISTS.len()],
        read: input.read,
        markup: &["severity", "message"],
        ..Plan::default()
    };
    let selection = Selection {
        fields: input
            .fields
            .iter()
            .map(|name| name.text().to_owned())
            .collect(),
        limit: usize::from(input.limit),
        offset: usize::from(input.offset),
        query: Query {
            filter: input
                .filter
                .and_then(|text| Where::parse(text).ok())
                .unwrap_or_default(),
            sort: input
                .sort
                .and_then(|text| Sort::parse(text).ok())
                .unwrap_or_default(),
            count_by: input
                .count_by
                .iter()
                .take(2)
                .map(|name| name.text().to_owned())
                .collect(),
            ..Query::default()
        },
    };
    let limits = Limits {
        // Mostly too little.
        max_chars: usize::from(input.max_chars) % 5000,
        raw: input.raw,
        tables: input.tables,
    };
    // A key of one letter makes every answer that is full of it much longer than it came.
    let secret = if input.short_key { "k" } else { KEY };
    let key = ApiKey::new(secret.to_owned()).unwrap();
    let redact = |text: &str| key.redact(text);
    let shaped = shape(&bytes, plan, &selection, limits, &redact);
    // Where the bytes are split changes nothing.
    let parts = || -> Result<String, Problem> {
        let mut reader = Reader::new(plan, &selection, limits, &redact);
        for part in bytes.chunks(usize::from(input.part) + 1) {
            reader.push(part)?;
        }
        reader.finish().map(|read| read.text)
    };
    assert_eq!(parts(), shaped);
    let Ok(text) = shaped else {
        return;
    };

    let depth = depth(&text);
    assert!(depth <= 66, "{depth} levels");
    let budget = limits.max_chars.max(1000);
    let chars = text.chars().count();
    assert!(chars <= budget, "{chars} characters of {budget}: {text}");
    serde_json::from_str::<IgnoredAny>(&text).unwrap_or_else(|error| panic!("{error}: {text}"));
    let kept = text.to_lowercase().contains(&KEY.to_lowercase());
    assert!(!kept || input.short_key, "{text}");

    // A number that no float holds is none for the reference's tree, nor is a tree of more than 127 levels.
    let (Ok(answer), Ok(body)) = (
        serde_json::from_str::<Value>(&text),
        serde_json::from_slice::<Value>(&bytes),
    ) else {
        return;
    };
    let (Some([]), Some(items)) = (plan.list, body.as_array()) else {
        return;
    };
    let plain = selection.query.count_by.is_empty() && answer.get("columns").is_none();
    if !plain || !selection.query.filter.is_empty() || !selection.query.sort.is_empty() {
        return;
    }
    let number = |name: &str| answer[name].as_u64().unwrap() as usize;
    let returned = number("returned");
    assert_eq!(number("total"), items.len(), "{text}");
    assert_eq!(number("offset"), selection.offset, "{text}");
    assert_eq!(
        returned,
        answer["items"].as_array().unwrap().len(),
        "{text}"
    );
    assert!(returned <= selection.limit.max(1), "{text}");
    assert!(returned > 0 || selection.offset >= items.len(), "{text}");
    let next = selection.offset + returned;
    match answer.get("next_offset") {
        Some(told) => assert!(told == next && next < items.len(), "{text}"),
        None => assert!(next >= items.len(), "{text}"),
    }
});

/// How many containers are open at the deepest place of a text that is valid JSON.
fn depth(text: &str) -> usize {
    let (mut depth, mut deepest, mut string, mut escaped) = (0_usize, 0, false, false);
    for byte in text.bytes() {
        match byte {
            _ if escaped => escaped = false,
            b'\\' => escaped = string,
            b'"' => string = !string,
            b'[' | b'{' if !string => {
                depth += 1;
                deepest = deepest.max(depth);
            }
            b']' | b'}' if !string => depth = depth.saturating_sub(1),
            _ => {}
        }
    }
    deepest
}
