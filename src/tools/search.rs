//! Finding operations by the words of somebody who wants to do something.
//!
//! Owns the index over the catalogue and the words that operators use and OpManager does not. The ranking is BM25
//! over weighted fields: a word counts more the fewer operations have it, and more in a name than in a note.

use std::collections::{BTreeMap, HashMap};
use std::sync::LazyLock;

use rust_stemmers::{Algorithm, Stemmer};
use serde_json::Value;

use super::{Access, Tool, arguments, catalogue};

/// The parameters of BM25: saturation of repeated words, at its usual value, and normalization by length. The latter is
/// below the usual 0.75, because operations with many arguments answer most questions.
const K1: f64 = 1.2;
const B: f64 = 0.3;

/// Weights of a word by where it occurs.
const WEIGHT_NAME: f64 = 4.0;
const WEIGHT_DESCRIPTION: f64 = 1.5;
const WEIGHT_NOTES: f64 = 0.5;
const WEIGHT_ARGUMENT: f64 = 0.5;

/// Weights of a word of the query that has synonyms, and of those synonyms.
const WEIGHT_ORIGINAL: f64 = 0.3;
const WEIGHT_SYNONYM: f64 = 0.9;

/// Factors for operations of `core`, which everybody needs, and for those that only read: most questions are about these.
const BOOST_CORE: f64 = 1.25;
const BOOST_READ: f64 = 1.1;

/// Words that operators use, and the words that the document has for them.
const SYNONYMS: &[(&str, &str)] = &[
    ("ack", "acknowledge"),
    ("alert", "alarm"),
    ("ap", "access point wireless"),
    ("blackout", "downtime schedule"),
    ("broken", "alarm"),
    ("comment", "note annotation"),
    ("busiest", "list utilization"),
    ("cpu", "performance monitor value"),
    ("create", "add"),
    ("disk", "performance monitor value"),
    ("esx", "vmware host"),
    ("escalation", "notification profile"),
    ("find", "list"),
    ("hardware", "inventory"),
    ("hypervisor", "vmware host virtual"),
    ("incident", "alarm"),
    ("latency", "ping response"),
    ("load", "utilization"),
    ("maintenance", "downtime schedule"),
    ("memory", "performance monitor value"),
    ("metric", "monitor"),
    ("mute", "suppress alarm"),
    ("nic", "interface"),
    ("node", "device"),
    ("notified", "notification"),
    ("office", "business"),
    ("offline", "down"),
    ("outage", "down availability"),
    ("overview", "snapshot summary"),
    ("pause", "unmanage manage monitoring"),
    ("port", "interface"),
    ("problem", "alarm list"),
    ("put", "add"),
    ("reachable", "ping"),
    ("remove", "delete"),
    ("resolve", "clear"),
    ("restart", "update"),
    ("router", "device network"),
    ("server", "device list"),
    ("silence", "suppress mute alarm"),
    ("snooze", "suppress mute alarm"),
    ("ssid", "wireless network"),
    ("stop", "unmanage disable"),
    ("switch", "device interface"),
    ("throughput", "traffic interface"),
    ("ticket", "alarm"),
    ("traceroute", "trace route"),
    ("unmanage", "manage monitoring"),
    ("unreachable", "down"),
    ("uptime", "availability"),
    ("url", "website"),
    ("vm", "virtual machine vmware"),
    ("website", "url monitor"),
    ("wifi", "wireless"),
    ("wlan", "wireless"),
];

/// Words that are left out of queries and texts.
const STOP_WORDS: &[&str] = &[
    "a",
    "all",
    "an",
    "and",
    "any",
    "are",
    "at",
    "by",
    "can",
    "current",
    "currently",
    "do",
    "does",
    "for",
    "from",
    "give",
    "has",
    "have",
    "how",
    "i",
    "in",
    "into",
    "is",
    "it",
    "its",
    "me",
    "my",
    "now",
    "of",
    "on",
    "one",
    "or",
    "our",
    "please",
    "right",
    "show",
    "tell",
    "that",
    "the",
    "their",
    "there",
    "this",
    "to",
    "today",
    "us",
    "want",
    "was",
    "what",
    "when",
    "which",
    "who",
    "why",
    "with",
];

struct Index {
    /// The weight of each word of each operation, in the order of the catalogue.
    counts: Vec<HashMap<String, f64>>,
    /// The sum of these weights for each operation.
    lengths: Vec<f64>,
    /// How many operations have a word; an occurrence in a note counts less than one in a name.
    frequency: HashMap<String, f64>,
    average: f64,
    /// By a word of operators, the words of the document.
    synonyms: HashMap<String, Vec<String>>,
}

static INDEX: LazyLock<Index> = LazyLock::new(Index::new);

impl Index {
    fn new() -> Self {
        let counts: Vec<HashMap<String, f64>> = catalogue().iter().map(weighted_terms).collect();
        let lengths: Vec<f64> = counts.iter().map(|words| words.values().sum()).collect();
        let mut frequency = HashMap::new();
        for (word, count) in counts.iter().flatten() {
            let share: f64 = count / WEIGHT_NAME;
            *frequency.entry(word.clone()).or_default() += share.min(1.0);
        }
        let synonyms = SYNONYMS
            .iter()
            .flat_map(|(word, synonyms)| Some((stems(word).next()?, stems(synonyms).collect())))
            .collect();
        Self {
            average: lengths.iter().sum::<f64>() / as_f64(lengths.len()),
            counts,
            lengths,
            frequency,
            synonyms,
        }
    }

    /// How well an operation answers the words of a query.
    fn score(&self, operation: usize, query: &BTreeMap<String, f64>) -> f64 {
        let length = self.lengths[operation] / self.average;
        let terms = query.iter().filter_map(|(word, weight)| {
            let count = self.counts[operation].get(word)?;
            let in_operations = self.frequency.get(word)?;
            let all = as_f64(self.counts.len());
            let rarity = ((all - in_operations + 0.5) / (in_operations + 0.5)).ln_1p();
            let often = count * (K1 + 1.0) / (count + K1 * (1.0 - B + B * length));
            Some(weight * rarity * often)
        });
        terms.sum()
    }
}

#[allow(
    clippy::cast_precision_loss,
    reason = "there are some hundred operations"
)]
fn as_f64(number: usize) -> f64 {
    number as f64
}

fn weighted_terms(tool: &Tool) -> HashMap<String, f64> {
    let mut counts = HashMap::new();
    let mut add = |text: &str, weight: f64| {
        for word in stems(text) {
            *counts.entry(word).or_default() += weight;
        }
    };
    add(&tool.name().replace('_', " "), WEIGHT_NAME);
    add(tool.title(), WEIGHT_NAME);
    if tool.operation().is_some() {
        add(tool.summary(), WEIGHT_NAME);
    }
    add(tool.toolset(), WEIGHT_DESCRIPTION);
    let described = tool.description();
    let listed = arguments::listed(described);
    add(listed, WEIGHT_DESCRIPTION);
    add(&described[listed.len()..], WEIGHT_NOTES);
    let schema = tool.operation().map_or("", |operation| operation.schema);
    let own: Value = serde_json::from_str(schema).unwrap_or_default();
    for (name, property) in own["properties"].as_object().into_iter().flatten() {
        add(name, WEIGHT_ARGUMENT);
        add(
            property["description"].as_str().unwrap_or_default(),
            WEIGHT_ARGUMENT,
        );
    }
    counts
}

/// The stems of the words of a text; `camelCase` is several. The name of a tool is one: where a text points to
/// another tool, it does not speak of what that one does.
fn stems(text: &str) -> impl Iterator<Item = String> {
    let mut spaced = String::with_capacity(text.len() + 8);
    let mut before = ' ';
    for c in text.chars() {
        if c.is_uppercase() && before.is_lowercase() {
            spaced.push(' ');
        }
        before = c;
        if c.is_alphanumeric() || c == '_' {
            spaced.extend(c.to_lowercase());
        } else {
            spaced.push(' ');
        }
    }
    let stemmer = Stemmer::create(Algorithm::English);
    let words: Vec<String> = spaced
        .split_whitespace()
        .filter(|word| !STOP_WORDS.contains(word))
        .map(|word| stemmer.stem(word).into_owned())
        .collect();
    words.into_iter()
}

/// The operations that answer the query, best first.
pub(crate) fn search(query: &str) -> Vec<&'static Tool> {
    let index = &*INDEX;
    let mut weights: BTreeMap<String, f64> = BTreeMap::new();
    for word in stems(&query.replace('_', " ")) {
        let synonyms = index.synonyms.get(&word);
        for synonym in synonyms.into_iter().flatten() {
            let weight = weights.entry(synonym.clone()).or_default();
            *weight = weight.max(WEIGHT_SYNONYM);
        }
        let weight = weights.entry(word).or_default();
        *weight = weight.max(if synonyms.is_some() {
            WEIGHT_ORIGINAL
        } else {
            1.0
        });
    }
    let mut found: Vec<(f64, &Tool)> = catalogue()
        .iter()
        .enumerate()
        .map(|(operation, tool)| {
            let core = if tool.is_core() { BOOST_CORE } else { 1.0 };
            let read = if tool.access() == Access::Read {
                BOOST_READ
            } else {
                1.0
            };
            (index.score(operation, &weights) * core * read, tool)
        })
        .filter(|(score, _)| *score > 0.0)
        .collect();
    found.sort_by(|a, b| b.0.total_cmp(&a.0));
    found.into_iter().map(|(_, tool)| tool).collect()
}
