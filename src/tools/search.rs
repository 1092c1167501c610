//! Finding operations by the words of somebody who wants to do something.
//!
//! Owns the index over the catalogue and the words that operators use and OpManager does not. The ranking is BM25 over
//! weighted fields: a word counts more the fewer operations have it, and more in a name than in a note. A word also finds
//! the words of its class. What a question covers of an operation's name, what an operation covers of the question, words
//! side by side, and whether it asks for a read or a write decide between operations that share words.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::sync::LazyLock;

use rust_stemmers::{Algorithm, Stemmer};
use serde_json::Value;

use super::{Access, Tool, arguments, catalogue};

/// The parameters of BM25: saturation of repeated words, and normalization by length. The latter is below the usual 0.75,
/// because operations with many arguments answer most questions.
const K1: f64 = 1.5;
const B: f64 = 0.4;

/// Weights of a word by where it occurs.
const WEIGHT_NAME: f64 = 4.0;
const WEIGHT_DESCRIPTION: f64 = 1.5;
const WEIGHT_NOTES: f64 = 0.5;
const WEIGHT_ARGUMENT: f64 = 0.5;
const WEIGHT_ARGUMENT_TEXT: f64 = 0.3;
/// Arguments from which on each counts less: those of a schedule name every unit of time.
const FEW_ARGUMENTS: usize = 6;

/// Weights of a word of a question: itself where it also finds others, the words of its class, those it stands for.
const WEIGHT_ITSELF: f64 = 0.7;
const WEIGHT_KIND_OF_DEVICE: f64 = 0.3;
const WEIGHT_CLASS: f64 = 0.85;
const WEIGHT_ASSOCIATED: f64 = 0.8;
/// Factors for the name of a thing ("the access switch") and for what follows a condition ("when it goes down").
const FACTOR_NAMING: f64 = 0.35;
const FACTOR_CONDITION: f64 = 0.35;
/// Factor for what somebody did ("who cleared it"): it was recorded, and is not to be done.
const FACTOR_DONE: f64 = 0.5;

/// What is added for words that stand side by side in both.
const BONUS_PAIR: f64 = 1.0;
/// How much it helps to answer to all of an operation's name, and to all words of the question.
const SHARE_NAME: f64 = 0.8;
const SHARE_QUESTION: f64 = 1.0;
/// Part of the best possible score of a word from which on it counts as answered.
const ANSWERED: f64 = 0.25;

/// Factors for operations of `core`, which everybody needs; for those that read, if the question does or does not say so,
/// and those that write, if it does; and for lists, if it asks for several.
const BOOST_CORE: f64 = 1.15;
const BOOST_READ: f64 = 1.05;
const BOOST_ASKED: f64 = 1.5;
const BOOST_NAMED: f64 = 1.2;
const BOOST_TOLD: f64 = 1.4;
const BOOST_LIST: f64 = 1.15;
/// For reads that tell who did something, if it asks who.
const BOOST_WHO: f64 = 2.0;

/// Words that mean the same to somebody who asks. A word may be in several classes.
const CLASSES: &[&str] = &[
    "alarm alert alarms incident problem issue trouble ticket fault broken fire wrong",
    "device node server machine box host equipment router switch firewall printer appliance",
    "interface port nic link uplink line trunk circuit",
    "suppress mute unmute silence hide hidden hid snooze quiet",
    "maintenance downtime blackout patch outage-window planned upgrade",
    "availability uptime nines sla available",
    "down offline unreachable dead outage unavailable",
    "note comment remark annotation",
    "delete remove drop erase",
    "add create new enrol onboard register put insert",
    "update change edit move rename modify adjust extend correct set overwrite fix",
    "member belong contain inside consist",
    "site branch location office building",
    "traffic bandwidth throughput utilization utilisation busy busiest congested congestion hog saturated",
    "load loaded usage use utilization utilisation consumption consume",
    "top busiest highest lowest biggest largest slowest worst noisiest hog sort heaviest rank high heavy most",
    "notification notify notified mail email sms informed paged escalation escalate",
    "user people person clients client",
    "ping reachable latency reachability response",
    "trace traceroute route path hop",
    "monitor check watch probe metric metrics measure",
    "acknowledge ack acknowledged acknowledgement",
    "clear close resolve resolved solved closed",
    "history trend period past historical",
    "graph chart series",
    "healthy health doing well condition status state",
    "inventory hardware asset os serial",
    "website url web webpage http",
    "wireless wifi wlan ssid ap",
    "virtual vm vmware esx hypervisor",
    "stop pause disable unmanage",
    "start resume enable",
    "dashboard noc widget",
    "report reports",
    "category type kind kinds",
    "business-view map maps",
    "script scripts custom",
    "group groups",
    "window schedule scheduled calendar",
    "event events trap syslog happened log logs occurred",
    "threshold thresholds",
    "value values reading readings latest",
    "process processes daemon",
    "disk space storage volume",
    "attach associate apply assign",
    "detail details info information properties",
    "poll polling collect collected collects",
];

/// Words that operators use, and the words that the document has for what they mean. Unlike a class it holds one way only.
const ASSOCIATED: &[(&str, &str)] = &[
    ("cpu", "performance monitor value"),
    ("memory", "performance monitor value"),
    ("disk", "performance monitor value"),
    ("month", "report time"),
    ("monthly", "report time"),
    ("week", "report time"),
    ("weekly", "report time"),
    ("year", "report time"),
    ("yesterday", "period event"),
    ("night", "past event"),
    ("overnight", "past event"),
    ("site", "business view"),
    ("belong", "member list"),
    ("loss", "ping response"),
    ("lost", "ping response"),
    ("availability", "report"),
    ("uptime", "availability"),
    ("network", "subnet"),
    ("branch", "business view"),
    ("office", "business view"),
    ("location", "business view"),
    ("raise", "create threshold"),
    ("assign", "acknowledge"),
    ("assigned", "acknowledge"),
    ("owner", "acknowledge"),
    ("up", "status"),
    ("send", "notification"),
    ("resume", "manage monitoring"),
    ("pause", "manage monitoring"),
    ("watch", "manage monitoring"),
    ("stop", "manage disable"),
    ("unmanage", "manage monitoring"),
    ("blackout", "downtime schedule"),
    ("maintenance", "downtime schedule"),
    ("overview", "snapshot summary"),
    ("find", "list"),
    ("ip", "device"),
];

/// Words for kinds of devices. The document means the OpManager server by some of them.
const KINDS_OF_DEVICE: &[&str] = &[
    "appliance",
    "box",
    "equipment",
    "firewall",
    "host",
    "machine",
    "node",
    "printer",
    "router",
    "server",
    "switch",
];

/// Places that have names, beside devices.
const PLACES: &[&str] = &["branch", "group", "office", "site"];

/// Words that begin a condition.
const CONDITIONS: &[&str] = &["because", "if", "when", "while"];

/// First words of a question that wants to know something.
const ASKING: &[&str] = &[
    "are", "can", "did", "do", "does", "find", "has", "have", "how", "is", "list", "show", "tell",
    "was", "were", "what", "when", "where", "which", "who", "whose", "why",
];

/// First words of a request that wants something changed.
const TELLING: &[&str] = &[
    "ack",
    "acknowledge",
    "add",
    "apply",
    "associate",
    "attach",
    "cancel",
    "change",
    "clear",
    "close",
    "correct",
    "create",
    "delete",
    "disable",
    "edit",
    "enable",
    "hide",
    "leave",
    "mark",
    "monitor",
    "move",
    "mute",
    "pause",
    "plan",
    "put",
    "raise",
    "remove",
    "rename",
    "resolve",
    "resume",
    "schedule",
    "send",
    "set",
    "silence",
    "start",
    "stop",
    "suppress",
    "switch",
    "turn",
    "undo",
    "unmute",
    "update",
    "watch",
];

/// Words that are left out of questions and texts.
const STOP_WORDS: &[&str] = &[
    "a",
    "about",
    "after",
    "again",
    "all",
    "an",
    "and",
    "any",
    "anybody",
    "anything",
    "are",
    "at",
    "back",
    "be",
    "been",
    "by",
    "can",
    "could",
    "current",
    "currently",
    "did",
    "do",
    "does",
    "each",
    "ever",
    "every",
    "everything",
    "few",
    "for",
    "from",
    "get",
    "gets",
    "give",
    "go",
    "goes",
    "has",
    "have",
    "her",
    "his",
    "how",
    "i",
    "in",
    "into",
    "is",
    "it",
    "its",
    "just",
    "last",
    "like",
    "made",
    "make",
    "many",
    "me",
    "more",
    "much",
    "my",
    "need",
    "next",
    "no",
    "nobody",
    "not",
    "now",
    "of",
    "off",
    "on",
    "one",
    "ones",
    "only",
    "or",
    "our",
    "out",
    "please",
    "right",
    "s",
    "see",
    "she",
    "should",
    "show",
    "so",
    "some",
    "somebody",
    "something",
    "take",
    "tell",
    "ten",
    "than",
    "that",
    "the",
    "their",
    "them",
    "then",
    "there",
    "these",
    "they",
    "this",
    "those",
    "to",
    "today",
    "too",
    "two",
    "us",
    "want",
    "was",
    "we",
    "were",
    "what",
    "when",
    "where",
    "whether",
    "which",
    "while",
    "who",
    "whose",
    "why",
    "will",
    "with",
    "would",
    "you",
    "your",
];

/// What a question wants.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Intent {
    /// To know something.
    Ask,
    /// To change something.
    Tell,
    /// It only names a thing, which mostly means to see it.
    Name,
}

impl Intent {
    fn of(words: &[String]) -> Self {
        match words.first().map(String::as_str) {
            Some(first) if ASKING.contains(&first) => Self::Ask,
            Some(first) if TELLING.contains(&first) => Self::Tell,
            _ => Self::Name,
        }
    }

    fn boost(self, access: Access) -> f64 {
        match (self, access == Access::Read) {
            (Self::Ask, true) => BOOST_READ * BOOST_ASKED,
            (Self::Name, true) => BOOST_READ * BOOST_NAMED,
            (Self::Tell, true) => BOOST_READ,
            (Self::Tell, false) => BOOST_TOLD,
            (Self::Ask | Self::Name, false) => 1.0,
        }
    }
}

/// A word as it is indexed: its stem, or a class of words.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
enum Term {
    Stem(String),
    Class(usize),
}

/// Which words belong together.
struct Words {
    classes: HashMap<String, BTreeSet<usize>>,
    associated: HashMap<String, Vec<String>>,
    kinds_of_device: HashSet<String>,
    /// What the words of a request that wants something changed mean.
    changes: HashSet<Term>,
}

impl Words {
    fn new() -> Self {
        let mut classes: HashMap<String, BTreeSet<usize>> = HashMap::new();
        for (class, words) in CLASSES.iter().enumerate() {
            for word in words.split(' ') {
                classes.entry(stem(word)).or_default().insert(class);
            }
        }
        let mut words = Self {
            classes,
            associated: ASSOCIATED
                .iter()
                .map(|(word, others)| (stem(word), others.split(' ').map(stem).collect()))
                .collect(),
            kinds_of_device: KINDS_OF_DEVICE.iter().map(|word| stem(word)).collect(),
            changes: HashSet::new(),
        };
        let changes = TELLING.iter().flat_map(|word| words.terms(&stem(word)));
        words.changes = changes.collect();
        words
    }

    /// Whether a word says that something is changed.
    fn is_change(&self, stem: &str) -> bool {
        self.terms(stem)
            .iter()
            .any(|term| self.changes.contains(term))
    }

    fn classes(&self, stem: &str) -> impl Iterator<Item = Term> {
        self.classes
            .get(stem)
            .into_iter()
            .flatten()
            .map(|class| Term::Class(*class))
    }

    /// A stem and its classes.
    fn terms(&self, stem: &str) -> Vec<Term> {
        let mut terms = vec![Term::Stem(stem.to_owned())];
        terms.extend(self.classes(stem));
        terms
    }

    /// The one term under which words of the same meaning are counted.
    fn meaning(&self, stem: &str) -> Term {
        self.classes(stem)
            .next()
            .unwrap_or_else(|| Term::Stem(stem.to_owned()))
    }

    fn associated(&self, stem: &str) -> &[String] {
        self.associated.get(stem).map_or(&[], Vec::as_slice)
    }
}

/// An operation in the index.
#[derive(Default)]
struct Entry {
    weights: HashMap<Term, f64>,
    /// The greatest weight of two terms side by side.
    pairs: HashMap<(Term, Term), f64>,
    /// What its name, title and summary mean.
    name: HashSet<Term>,
    /// The sum of the weights of its stems.
    length: f64,
    is_list: bool,
    /// Whether what it does or answers is said with the word "who".
    tells_who: bool,
}

impl Entry {
    fn new(tool: &Tool, words: &Words) -> Self {
        let mut entry = Self::default();
        entry.name(&tool.name().replace('_', " "), words);
        entry.name(tool.title(), words);
        if tool.operation().is_some() {
            entry.name(tool.summary(), words);
            entry.is_list = tool.summary().starts_with("List");
        }
        let answer = tool.operation().map_or("", |operation| operation.answer);
        entry.tells_who = [tool.description(), answer]
            .iter()
            .any(|text| split(text).iter().any(|word| word == "who"));
        entry.add(tool.toolset(), WEIGHT_DESCRIPTION, words);
        let described = tool.description();
        let listed = arguments::listed(described);
        entry.add(listed, WEIGHT_DESCRIPTION, words);
        entry.add(&described[listed.len()..], WEIGHT_NOTES, words);
        let schema = tool.operation().map_or("", |operation| operation.schema);
        let own: Value = serde_json::from_str(schema).unwrap_or_default();
        let properties = own["properties"].as_object();
        let count = properties.map_or(0, serde_json::Map::len).max(1);
        let share = (as_f64(FEW_ARGUMENTS) / as_f64(count)).sqrt().min(1.0);
        for (name, property) in properties.into_iter().flatten() {
            entry.add(name, WEIGHT_ARGUMENT * share, words);
            let text = property["description"].as_str().unwrap_or_default();
            entry.add(text, WEIGHT_ARGUMENT_TEXT * share, words);
        }
        entry
    }

    fn name(&mut self, text: &str, words: &Words) {
        let meanings = stems(text).into_iter().map(|stem| words.meaning(&stem));
        self.name.extend(meanings);
        self.add(text, WEIGHT_NAME, words);
    }

    fn add(&mut self, text: &str, weight: f64, words: &Words) {
        let terms: Vec<Vec<Term>> = stems(text).iter().map(|stem| words.terms(stem)).collect();
        for term in terms.iter().flatten() {
            *self.weights.entry(term.clone()).or_default() += weight;
        }
        self.length += weight * as_f64(terms.len());
        for pair in terms.windows(2) {
            for pair in pairs(&pair[0], &pair[1]) {
                let known = self.pairs.entry(pair).or_default();
                *known = known.max(weight);
            }
        }
    }
}

fn pairs<'a>(first: &'a [Term], second: &'a [Term]) -> impl Iterator<Item = (Term, Term)> + 'a {
    first
        .iter()
        .flat_map(move |a| second.iter().map(move |b| (a.clone(), b.clone())))
}

/// A word of a question.
struct Asked {
    /// What it finds, with weights.
    terms: Vec<(f64, Term)>,
    /// What it stands for, each as itself and its classes.
    associated: Vec<Vec<(f64, Term)>>,
    /// How much of it counts.
    factor: f64,
    /// The best that it can score.
    best: f64,
}

struct Index {
    words: Words,
    /// In the order of the catalogue.
    entries: Vec<Entry>,
    /// How rare a term is; an occurrence in a note counts less than one in a name.
    rarity: HashMap<Term, f64>,
    average: f64,
}

static INDEX: LazyLock<Index> = LazyLock::new(Index::new);

impl Index {
    fn new() -> Self {
        let words = Words::new();
        let entries: Vec<Entry> = catalogue()
            .iter()
            .map(|tool| Entry::new(tool, &words))
            .collect();
        let mut frequency: HashMap<Term, f64> = HashMap::new();
        for (term, weight) in entries.iter().flat_map(|entry| &entry.weights) {
            let share: f64 = weight / WEIGHT_NAME;
            *frequency.entry(term.clone()).or_default() += share.min(1.0);
        }
        let all = as_f64(entries.len());
        let rarity = |count: f64| ((all - count + 0.5) / (count + 0.5)).ln_1p();
        Self {
            average: entries.iter().map(|entry| entry.length).sum::<f64>() / all,
            rarity: frequency
                .into_iter()
                .map(|(term, count)| (term, rarity(count)))
                .collect(),
            words,
            entries,
        }
    }

    fn rarity(&self, term: &Term) -> f64 {
        self.rarity.get(term).copied().unwrap_or_default()
    }

    /// A word of a question, once the words around it have settled how much of it counts.
    fn asked(&self, stem: &str, factor: f64) -> Asked {
        let words = &self.words;
        let associated = words.associated(stem);
        let itself = if words.kinds_of_device.contains(stem) {
            WEIGHT_KIND_OF_DEVICE
        } else if words.classes.contains_key(stem) || !associated.is_empty() {
            WEIGHT_ITSELF
        } else {
            1.0
        };
        let mut terms = vec![(itself, Term::Stem(stem.to_owned()))];
        terms.extend(words.classes(stem).map(|class| (WEIGHT_CLASS, class)));
        let singly = associated
            .iter()
            .map(|stem| (WEIGHT_ASSOCIATED, Term::Stem(stem.clone())));
        terms.extend(singly);
        let best = terms
            .iter()
            .map(|(weight, term)| weight * self.rarity(term));
        Asked {
            best: best.fold(1.0, f64::max),
            associated: associated
                .iter()
                .map(|stem| {
                    let mut terms = vec![(1.0, Term::Stem(stem.clone()))];
                    terms.extend(words.classes(stem).map(|class| (0.9, class)));
                    terms
                })
                .collect(),
            terms,
            factor,
        }
    }

    /// The score of a term in an operation, as BM25 has it.
    fn term(&self, entry: &Entry, term: &Term) -> f64 {
        let Some(weight) = entry.weights.get(term) else {
            return 0.0;
        };
        let length = entry.length / self.average;
        self.rarity(term) * weight * (K1 + 1.0) / (weight + K1 * (1.0 - B + B * length))
    }

    fn greatest(&self, entry: &Entry, terms: &[(f64, Term)]) -> f64 {
        terms
            .iter()
            .map(|(weight, term)| weight * self.term(entry, term))
            .fold(0.0, f64::max)
    }

    /// How well an operation answers a question.
    fn score(&self, entry: &Entry, question: &Question) -> f64 {
        let (mut score, mut answered, mut all) = (0.0, 0.0, 0.0);
        for asked in &question.asked {
            let together: f64 = asked
                .associated
                .iter()
                .map(|terms| WEIGHT_ASSOCIATED * self.greatest(entry, terms))
                .sum();
            let together = together / as_f64(asked.associated.len().max(1)).sqrt();
            let found = self.greatest(entry, &asked.terms).max(together);
            score += asked.factor * found;
            all += asked.factor * asked.best;
            if found > ANSWERED * asked.best {
                answered += asked.factor * asked.best;
            }
        }
        for pair in &question.pairs {
            let weights = pair.iter().filter_map(|pair| entry.pairs.get(pair));
            score += BONUS_PAIR * weights.copied().fold(0.0, f64::max) / WEIGHT_NAME;
        }
        let named = entry.name.intersection(&question.meanings).count();
        score
            * (1.0 + SHARE_NAME * as_f64(named) / as_f64(entry.name.len().max(1)))
            * (1.0 + SHARE_QUESTION * answered / f64::max(all, 1.0))
    }
}

/// What is asked.
struct Question {
    asked: Vec<Asked>,
    /// For two words side by side, the terms that they may stand for.
    pairs: Vec<Vec<(Term, Term)>>,
    /// All that its words may mean.
    meanings: HashSet<Term>,
    intent: Intent,
    /// Whether it asks for several things.
    several: bool,
    /// Whether it asks who did something, or whom something concerns.
    who: bool,
}

impl Question {
    fn new(index: &Index, text: &str) -> Self {
        let raw = split(&text.replace('_', " "));
        let words = &index.words;
        let factors = factors(&raw, words);
        let stems = without_stop_words(&raw);
        let mut seen = HashSet::new();
        let mut meanings = HashSet::new();
        let mut asked = Vec::new();
        for stem in stems.iter().filter(|stem| seen.insert(*stem)) {
            asked.push(index.asked(stem, factors.get(stem).copied().unwrap_or(1.0)));
            meanings.extend(words.terms(stem));
            meanings.extend(
                words
                    .associated(stem)
                    .iter()
                    .map(|stem| words.meaning(stem)),
            );
        }
        Self {
            pairs: stems
                .windows(2)
                .map(|two| pairs(&words.terms(&two[0]), &words.terms(&two[1])).collect())
                .collect(),
            asked,
            meanings,
            intent: Intent::of(&raw),
            who: raw.iter().any(|word| word == "who"),
            several: matches!(raw.first().map(String::as_str), Some("find" | "list"))
                || raw
                    .iter()
                    .any(|word| word.ends_with('s') && words.classes.contains_key(&stem(word))),
        }
    }
}

/// How much of each word of a question counts, by stem.
fn factors(raw: &[String], words: &Words) -> HashMap<String, f64> {
    let mut factors = HashMap::new();
    let mut factor = 1.0;
    let things = [
        words.meaning(&stem("device")),
        words.meaning(&stem("interface")),
    ];
    let names = |word: &str| {
        !STOP_WORDS.contains(&word)
            && !ASKING.contains(&word)
            && !TELLING.contains(&word)
            && !words
                .classes(&stem(word))
                .any(|class| things.contains(&class))
    };
    let mut before = "";
    for (at, word) in raw.iter().enumerate() {
        if at > 0 && CONDITIONS.contains(&word.as_str()) {
            factor = FACTOR_CONDITION;
        }
        let done = before == "who" && words.is_change(&stem(word));
        let done = if done { FACTOR_DONE } else { 1.0 };
        factors.insert(stem(word), factor * done);
        // "Who has cleared it" is the same.
        if word == "who" || !STOP_WORDS.contains(&word.as_str()) {
            before = word;
        }
        if KINDS_OF_DEVICE.contains(&word.as_str()) || PLACES.contains(&word.as_str()) {
            let before = raw[..at].iter().rev().take(2);
            for word in before.take_while(|word| !STOP_WORDS.contains(&word.as_str())) {
                if names(word) {
                    factors.insert(stem(word), FACTOR_NAMING);
                }
            }
        }
    }
    factors
}

#[allow(
    clippy::cast_precision_loss,
    reason = "there are some hundred operations"
)]
fn as_f64(number: usize) -> f64 {
    number as f64
}

fn stem(word: &str) -> String {
    Stemmer::create(Algorithm::English).stem(word).into_owned()
}

fn stems(text: &str) -> Vec<String> {
    without_stop_words(&split(text))
}

fn without_stop_words(words: &[String]) -> Vec<String> {
    words
        .iter()
        .filter(|word| !STOP_WORDS.contains(&word.as_str()))
        .map(|word| stem(word))
        .collect()
}

/// The words of a text in small letters; `camelCase` is several. The name of a tool is one: where a text points to another
/// tool, it does not speak of what that one does.
fn split(text: &str) -> Vec<String> {
    let mut spaced = String::with_capacity(text.len() + 8);
    let mut before = ' ';
    for c in text.replace('\u{2019}', "'").replace("'s ", " ").chars() {
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
    spaced.split_whitespace().map(str::to_owned).collect()
}

/// The operations that answer the query, best first.
pub(crate) fn search(query: &str) -> Vec<&'static Tool> {
    let index = &*INDEX;
    let question = Question::new(index, query);
    let mut found: Vec<(f64, &Tool)> = catalogue()
        .iter()
        .zip(&index.entries)
        .map(|(tool, entry)| {
            let core = if tool.is_core() { BOOST_CORE } else { 1.0 };
            let list = question.intent == Intent::Ask && question.several && entry.is_list;
            let list = if list { BOOST_LIST } else { 1.0 };
            let who = question.who && entry.tells_who && tool.access() == Access::Read;
            let who = if who { BOOST_WHO } else { 1.0 };
            let intent = question.intent.boost(tool.access());
            let boost = core * list * who * intent;
            (index.score(entry, &question) * boost, tool)
        })
        .filter(|(score, _)| *score > 0.0)
        .collect();
    found.sort_by(|a, b| b.0.total_cmp(&a.0));
    found.into_iter().map(|(_, tool)| tool).collect()
}
