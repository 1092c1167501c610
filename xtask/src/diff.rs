//! What changed between two states of the facts, and whom it concerns.
//!
//! Owns the kinds of changes, their classes, and the guesses at renames. Knows neither tools nor files.
//! Order and white space are no changes: there is none left in the facts.

use std::collections::BTreeSet;

use serde::Serialize;

use crate::facts::{Facts, Operation, Parameter, RateLimit};

/// From this likeness of two names on, one may have become the other.
const ALIKE: f64 = 0.8;

/// Whom a change concerns.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Class {
    /// A call that was right is wrong, or means something else.
    BreakingForCallers,
    /// What we send or decode is wrong, and callers need not notice when it is corrected.
    BreakingForUs,
    /// Something is possible that was not.
    Additive,
    /// The documentation says more, less, or other words.
    TextOnly,
}

impl Class {
    /// All of them, the gravest first.
    pub const ALL: [Self; 4] = [
        Self::BreakingForCallers,
        Self::BreakingForUs,
        Self::Additive,
        Self::TextOnly,
    ];

    /// Its heading in a report.
    pub fn title(self) -> &'static str {
        match self {
            Self::BreakingForCallers => "Breaking for callers",
            Self::BreakingForUs => "Breaking for us",
            Self::Additive => "Additive",
            Self::TextOnly => "Text only",
        }
    }

    /// Whether it breaks anything.
    pub fn is_breaking(self) -> bool {
        matches!(self, Self::BreakingForCallers | Self::BreakingForUs)
    }
}

/// What kind of change it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
#[expect(missing_docs, reason = "the names say it; `Change` has the values")]
pub enum Kind {
    OperationAdded,
    OperationRemoved,
    OperationRenamed,
    MethodChanged,
    PathChanged,
    ChapterChanged,
    Deprecated,
    NoLongerDeprecated,
    RateLimitChanged,
    ChoiceChanged,
    BuildChanged,
    SampleChanged,
    KeyChanged,
    AnswerGrown,
    AnswerShrunk,
    AnswerRetyped,
    ParameterAdded,
    ParameterRemoved,
    ParameterRenamed,
    Required,
    Relaxed,
    Retyped,
    Moved,
    ValuesGrown,
    ValuesShrunk,
    ValuesListed,
    ValuesUnlisted,
    BoundsNarrowed,
    BoundsWidened,
    DefaultChanged,
    ExamplesChanged,
    HeaderOnlyChanged,
    BuildsChanged,
}

/// One change.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Change {
    /// Whom it concerns.
    pub class: Class,
    /// What kind it is.
    pub kind: Kind,
    /// The operation, by its earlier id; empty where it is of none.
    pub operation: String,
    /// The parameter or field, by its earlier name; empty where it is of the operation.
    pub part: String,
    /// What it was, where there was something.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub before: Option<String>,
    /// What it is, where there is something.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub after: Option<String>,
    /// Whether it is a guess that two changes are this one.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub guess: bool,
}

impl Change {
    /// The change in a line, without the operation.
    pub fn text(&self) -> String {
        let Self { part, .. } = self;
        let before = self.before.as_deref().unwrap_or("nothing");
        let after = self.after.as_deref().unwrap_or("nothing");
        let guess = if self.guess { " (a guess)" } else { "" };
        let stated = match self.kind {
            Kind::Retyped => "type",
            Kind::Moved => "place",
            Kind::DefaultChanged => "default",
            Kind::BoundsWidened => "bounds",
            _ => "",
        };
        if self.class == Class::TextOnly && !stated.is_empty() {
            return match &self.after {
                Some(after) => format!("{stated} of `{part}` is stated: {after}"),
                None => format!("{stated} of `{part}` is no longer stated; it was {before}"),
            };
        }
        match self.kind {
            Kind::OperationAdded => format!("new operation, {after}"),
            Kind::OperationRemoved => format!("removed; it was {before}"),
            Kind::OperationRenamed => format!("renamed to `{after}`{guess}"),
            Kind::MethodChanged => format!("method {before} is {after}"),
            Kind::PathChanged => format!("path `{before}` is `{after}`"),
            Kind::ChapterChanged => format!("chapter {before} is {after}"),
            Kind::Deprecated => "the vendor advises against it".into(),
            Kind::NoLongerDeprecated => "the vendor no longer advises against it".into(),
            Kind::RateLimitChanged => format!("rate limit {before} is {after}"),
            Kind::ChoiceChanged => format!("one of {before} is one of {after}"),
            Kind::BuildChanged => format!("first build {before} is {after}"),
            Kind::SampleChanged => "other sample requests".into(),
            Kind::KeyChanged => format!("API key listed as {before} is {after}"),
            Kind::AnswerGrown => format!("answer field `{part}` is new ({after})"),
            Kind::AnswerShrunk => format!("answer field `{part}` is gone ({before})"),
            Kind::AnswerRetyped => format!("answer field `{part}` was {before} and is {after}"),
            Kind::ParameterAdded => format!("new parameter `{part}`, {after}"),
            Kind::ParameterRemoved => format!("parameter `{part}` is gone"),
            Kind::ParameterRenamed => format!("parameter `{part}` renamed to `{after}`{guess}"),
            Kind::Required => format!("parameter `{part}` is now required"),
            Kind::Relaxed => format!("parameter `{part}` is no longer required"),
            Kind::Retyped => format!("parameter `{part}` was {before} and is {after}"),
            Kind::Moved => format!("parameter `{part}` moved from {before} to {after}"),
            Kind::ValuesGrown => format!("parameter `{part}` also takes {after}"),
            Kind::ValuesShrunk => format!("parameter `{part}` no longer takes {before}"),
            Kind::ValuesListed => format!("parameter `{part}` takes only {after}"),
            Kind::ValuesUnlisted => format!("the list of values of `{part}` is gone"),
            Kind::BoundsNarrowed => format!("bounds of `{part}` narrowed from {before} to {after}"),
            Kind::BoundsWidened => format!("bounds of `{part}` widened from {before} to {after}"),
            Kind::DefaultChanged => format!("default of `{part}` was {before} and is {after}"),
            Kind::ExamplesChanged => format!("other examples of `{part}`: {after}"),
            Kind::HeaderOnlyChanged => {
                format!("key in the header only, `{part}`: {before} is {after}")
            }
            Kind::BuildsChanged => format!("builds named: {before} is {after}"),
        }
    }
}

/// The changes from `old` to `new`, the gravest first, then by operation.
///
/// What one of the two does not state is not compared with what the other states: a page that names no types
/// does not contradict a document that does. Where it was stated and is not, or the other way round, that is
/// a change of the text.
pub fn compare(old: &Facts, new: &Facts) -> Vec<Change> {
    changes(old, new, true)
}

/// As [`compare`], but what has another name is another thing: nothing is guessed.
pub fn compare_exactly(old: &Facts, new: &Facts) -> Vec<Change> {
    changes(old, new, false)
}

fn changes(old: &Facts, new: &Facts, guessing: bool) -> Vec<Change> {
    let mut found = Found {
        guessing,
        ..Found::default()
    };
    for (before, after, guess) in pair_operations(&old.operations, &new.operations, guessing) {
        match (before, after) {
            (Some(before), Some(after)) => {
                found.operation.clone_from(&before.id);
                found.operation(before, after, guess);
            }
            (Some(before), None) => {
                found.operation.clone_from(&before.id);
                let was = Some(place(before));
                found.add(
                    Class::BreakingForCallers,
                    Kind::OperationRemoved,
                    "",
                    was,
                    None,
                );
            }
            (None, Some(after)) => {
                found.operation.clone_from(&after.id);
                let is = Some(place(after));
                found.add(Class::Additive, Kind::OperationAdded, "", None, is);
            }
            (None, None) => {}
        }
    }
    found.operation.clear();
    found.globals(old, new);
    let mut changes = found.changes;
    changes.sort_by(|a, b| {
        (a.class, &a.operation, a.kind, &a.part).cmp(&(b.class, &b.operation, b.kind, &b.part))
    });
    changes
}

fn place(operation: &Operation) -> String {
    let required = operation.parameters.iter().filter(|p| p.required).count();
    format!(
        "{} {} with {} parameter(s), {required} required",
        operation.method,
        operation.path,
        operation.parameters.len()
    )
}

/// Whether two are the same thing.
type Rule<T> = dyn Fn(&T, &T) -> bool;

/// What was, what is, and whether that they belong together is a guess.
type Pair<'a, T> = (Option<&'a T>, Option<&'a T>, bool);

/// Operations that belong together: by id and path, by id, by path, and by guess.
fn pair_operations<'a>(
    old: &'a [Operation],
    new: &'a [Operation],
    guessing: bool,
) -> Vec<Pair<'a, Operation>> {
    let exact = |a: &Operation, b: &Operation| a.id == b.id && a.path == b.path;
    let by_id = |a: &Operation, b: &Operation| a.id == b.id;
    pair(old, new, &[&exact, &by_id], |a, b| {
        let name = likeness(&a.id, &b.id).max(if a.path == b.path { 1.0 } else { 0.0 });
        let names = |o: &Operation| o.parameters.iter().map(|p| p.name.clone()).collect();
        let fields = |o: &Operation| o.answer.keys().cloned().collect();
        let alike = guessing
            && name >= ALIKE
            && a.method == b.method
            && overlap(&names(a), &names(b)) >= 0.5
            && overlap(&fields(a), &fields(b)) >= 0.5;
        alike.then_some(name)
    })
}

fn pair_parameters<'a>(
    old: &'a [Parameter],
    new: &'a [Parameter],
    guessing: bool,
) -> Vec<Pair<'a, Parameter>> {
    pair(
        old,
        new,
        &[&|a: &Parameter, b: &Parameter| a.name == b.name],
        |a, b| {
            let name = likeness(&a.name, &b.name);
            let alike = guessing && name >= ALIKE && a.kind == b.kind && a.values == b.values;
            alike.then_some(name)
        },
    )
}

/// Pairs what one of the rules finds equal, the first rule first; of the rest what is most alike by the guess.
fn pair<'a, T>(
    old: &'a [T],
    new: &'a [T],
    rules: &[&Rule<T>],
    guess: impl Fn(&T, &T) -> Option<f64>,
) -> Vec<Pair<'a, T>> {
    let mut old: Vec<&T> = old.iter().collect();
    let mut new: Vec<&T> = new.iter().collect();
    let mut pairs: Vec<Pair<'a, T>> = Vec::new();
    for rule in rules {
        old.retain(|before| {
            let Some(at) = new.iter().position(|after| rule(before, after)) else {
                return true;
            };
            pairs.push((Some(before), Some(new.remove(at)), false));
            false
        });
    }
    loop {
        let mut best: Option<(usize, usize, f64)> = None;
        for (a, before) in old.iter().enumerate() {
            for (b, after) in new.iter().enumerate() {
                if let Some(likeness) = guess(before, after)
                    && best.is_none_or(|(_, _, most)| likeness > most)
                {
                    best = Some((a, b, likeness));
                }
            }
        }
        let Some((a, b, _)) = best else { break };
        pairs.push((Some(old.remove(a)), Some(new.remove(b)), true));
    }
    pairs.extend(old.into_iter().map(|before| (Some(before), None, false)));
    pairs.extend(new.into_iter().map(|after| (None, Some(after), false)));
    pairs
}

fn likeness(a: &str, b: &str) -> f64 {
    strsim::normalized_levenshtein(&a.to_lowercase(), &b.to_lowercase())
        .max(strsim::sorensen_dice(&a.to_lowercase(), &b.to_lowercase()))
}

/// The part of all names that both have; everything, where one has none.
fn overlap(a: &BTreeSet<String>, b: &BTreeSet<String>) -> f64 {
    if a.is_empty() || b.is_empty() {
        return 1.0;
    }
    #[expect(clippy::cast_precision_loss, reason = "counts of names")]
    let share = a.intersection(b).count() as f64 / a.union(b).count() as f64;
    share
}

#[derive(Default)]
struct Found {
    guessing: bool,
    operation: String,
    changes: Vec<Change>,
}

impl Found {
    fn add(
        &mut self,
        class: Class,
        kind: Kind,
        part: &str,
        before: Option<String>,
        after: Option<String>,
    ) {
        self.changes.push(Change {
            class,
            kind,
            operation: self.operation.clone(),
            part: part.to_owned(),
            before,
            after,
            guess: matches!(kind, Kind::OperationRenamed | Kind::ParameterRenamed),
        });
    }

    /// A fact that one of the two may not state.
    fn stated<T: PartialEq>(
        &mut self,
        (before, after): (Option<T>, Option<T>),
        kind: Kind,
        part: &str,
        class: impl Fn(&T, &T) -> Class,
        text: impl Fn(&T) -> String,
    ) {
        if before == after {
            return;
        }
        let class = match (&before, &after) {
            (Some(before), Some(after)) => class(before, after),
            _ => Class::TextOnly,
        };
        self.add(
            class,
            kind,
            part,
            before.as_ref().map(&text),
            after.as_ref().map(&text),
        );
    }

    fn operation(&mut self, old: &Operation, new: &Operation, guess: bool) {
        if guess {
            let (was, is) = (Some(old.id.clone()), Some(new.id.clone()));
            self.add(
                Class::BreakingForCallers,
                Kind::OperationRenamed,
                "",
                was,
                is,
            );
        }
        let mut text = |class, kind, a: &str, b: &str| {
            if a != b {
                self.add(class, kind, "", Some(a.into()), Some(b.into()));
            }
        };
        text(
            Class::BreakingForUs,
            Kind::MethodChanged,
            &old.method,
            &new.method,
        );
        // That a renamed operation has the new name in its path is no second change.
        let own = |operation: &Operation| operation.path.replace(&operation.id, "");
        if !guess || own(old) != own(new) {
            text(
                Class::BreakingForUs,
                Kind::PathChanged,
                &old.path,
                &new.path,
            );
        }
        text(Class::TextOnly, Kind::ChapterChanged, &old.tag, &new.tag);
        match (old.deprecated, new.deprecated) {
            (false, true) => self.add(Class::Additive, Kind::Deprecated, "", None, None),
            (true, false) => self.add(Class::Additive, Kind::NoLongerDeprecated, "", None, None),
            _ => {}
        }
        let fewer = |a: &RateLimit, b: &RateLimit| {
            if b.requests_per_minute < a.requests_per_minute || b.block_minutes > a.block_minutes {
                Class::BreakingForCallers
            } else {
                Class::Additive
            }
        };
        let limit = |limit: &RateLimit| {
            let minutes = limit.block_minutes;
            let block = minutes.map_or(String::new(), |minutes| {
                format!(", else blocked for {minutes} min")
            });
            format!("{} a minute{block}", limit.requests_per_minute)
        };
        self.stated(
            (old.rate_limit, new.rate_limit),
            Kind::RateLimitChanged,
            "",
            fewer,
            limit,
        );
        let since = (old.since.as_ref(), new.since.as_ref());
        self.stated(
            since,
            Kind::BuildChanged,
            "",
            |_, _| Class::TextOnly,
            |build| (*build).clone(),
        );
        let key = (old.api_key, new.api_key);
        self.stated(
            key,
            Kind::KeyChanged,
            "",
            |_, _| Class::TextOnly,
            |mark| format!("{mark:?}").to_lowercase(),
        );
        if old.samples != new.samples {
            let (was, is) = (joined(&old.samples), joined(&new.samples));
            self.add(Class::TextOnly, Kind::SampleChanged, "", was, is);
        }
        if old.one_of != new.one_of {
            let text = |groups: &BTreeSet<BTreeSet<String>>| {
                let groups: BTreeSet<String> = groups.iter().filter_map(joined).collect();
                joined(&groups)
            };
            let narrower = new
                .one_of
                .iter()
                .any(|group| !old.one_of.iter().any(|earlier| earlier.is_subset(group)));
            let class = if narrower {
                Class::BreakingForCallers
            } else {
                Class::Additive
            };
            self.add(
                class,
                Kind::ChoiceChanged,
                "",
                text(&old.one_of),
                text(&new.one_of),
            );
        }
        self.answer(old, new);
        for (before, after, guess) in
            pair_parameters(&old.parameters, &new.parameters, self.guessing)
        {
            self.parameter(before, after, guess);
        }
    }

    /// Fields of answers. An operation without any states none, and nothing follows.
    fn answer(&mut self, old: &Operation, new: &Operation) {
        if old.answer.is_empty() || new.answer.is_empty() {
            return;
        }
        for (way, before) in &old.answer {
            match new.answer.get(way) {
                None => self.add(
                    Class::BreakingForCallers,
                    Kind::AnswerShrunk,
                    way,
                    Some(before.clone()),
                    None,
                ),
                // Types are decoded tolerantly, and callers see what OpManager sends.
                Some(after) if after != before => self.add(
                    Class::BreakingForUs,
                    Kind::AnswerRetyped,
                    way,
                    Some(before.clone()),
                    Some(after.clone()),
                ),
                Some(_) => {}
            }
        }
        for (way, after) in &new.answer {
            if !old.answer.contains_key(way) {
                self.add(
                    Class::Additive,
                    Kind::AnswerGrown,
                    way,
                    None,
                    Some(after.clone()),
                );
            }
        }
    }

    fn parameter(&mut self, old: Option<&Parameter>, new: Option<&Parameter>, guess: bool) {
        match (old, new) {
            (Some(old), Some(new)) => {
                if guess {
                    let is = Some(new.name.clone());
                    self.add(
                        Class::BreakingForCallers,
                        Kind::ParameterRenamed,
                        &old.name,
                        None,
                        is,
                    );
                }
                self.constraints(old, new);
            }
            (Some(old), None) => {
                self.add(
                    Class::BreakingForCallers,
                    Kind::ParameterRemoved,
                    &old.name,
                    None,
                    None,
                );
            }
            (None, Some(new)) => {
                let (class, mark) = match (new.required, new.sample_only) {
                    (true, _) => (Class::BreakingForCallers, "required"),
                    (false, false) => (Class::Additive, "optional"),
                    (false, true) => (Class::Additive, "in a sample request only"),
                };
                let kind = new
                    .kind
                    .as_deref()
                    .map_or(String::new(), |kind| format!(", {kind}"));
                let is = Some(format!("{mark}{kind}"));
                self.add(class, Kind::ParameterAdded, &new.name, None, is);
            }
            (None, None) => {}
        }
    }

    fn constraints(&mut self, old: &Parameter, new: &Parameter) {
        let name = old.name.as_str();
        match (old.required, new.required) {
            (false, true) => self.add(Class::BreakingForCallers, Kind::Required, name, None, None),
            (true, false) => self.add(Class::Additive, Kind::Relaxed, name, None, None),
            _ => {}
        }
        let text = |text: &&String| (*text).clone();
        let retyped = |before: &&String, after: &&String| {
            if before.as_str() == "integer" && after.as_str() == "number" {
                Class::Additive
            } else {
                Class::BreakingForCallers
            }
        };
        self.stated(
            (old.kind.as_ref(), new.kind.as_ref()),
            Kind::Retyped,
            name,
            retyped,
            text,
        );
        let moved = (old.location.as_ref(), new.location.as_ref());
        self.stated(moved, Kind::Moved, name, |_, _| Class::BreakingForUs, text);
        let other = (old.default.as_ref(), new.default.as_ref());
        self.stated(
            other,
            Kind::DefaultChanged,
            name,
            |_, _| Class::BreakingForCallers,
            text,
        );
        self.values(old, new);
        if old.examples != new.examples {
            let (was, is) = (joined(&old.examples), joined(&new.examples));
            self.add(Class::TextOnly, Kind::ExamplesChanged, name, was, is);
        }
    }

    fn values(&mut self, old: &Parameter, new: &Parameter) {
        let name = old.name.as_str();
        let bounds = |p: &Parameter| (p.minimum, p.maximum);
        // A list of whole numbers and the range from its least to its greatest say the same.
        let as_range = |p: &Parameter| match range(&p.values) {
            Some((least, greatest)) if bounds(p) == (None, None) => (Some(least), Some(greatest)),
            _ => bounds(p),
        };
        let lists = (old.values.is_empty(), new.values.is_empty());
        let ranges = match lists {
            (true, false) if bounds(old) != (None, None) && range(&new.values).is_some() => {
                (bounds(old), as_range(new))
            }
            (false, true) if bounds(new) != (None, None) && range(&old.values).is_some() => {
                (as_range(old), bounds(new))
            }
            _ => {
                self.lists(name, &old.values, &new.values);
                (bounds(old), bounds(new))
            }
        };
        self.bounds(name, ranges.0, ranges.1);
    }

    fn lists(&mut self, name: &str, old: &BTreeSet<String>, new: &BTreeSet<String>) {
        match (old.is_empty(), new.is_empty()) {
            (true, true) => {}
            (true, false) => {
                self.add(
                    Class::BreakingForCallers,
                    Kind::ValuesListed,
                    name,
                    None,
                    joined(new),
                );
            }
            (false, true) => {
                self.add(
                    Class::TextOnly,
                    Kind::ValuesUnlisted,
                    name,
                    joined(old),
                    None,
                );
            }
            (false, false) => {
                let gone: BTreeSet<String> = old.difference(new).cloned().collect();
                let come: BTreeSet<String> = new.difference(old).cloned().collect();
                if !gone.is_empty() {
                    self.add(
                        Class::BreakingForCallers,
                        Kind::ValuesShrunk,
                        name,
                        joined(&gone),
                        None,
                    );
                }
                if !come.is_empty() {
                    self.add(
                        Class::Additive,
                        Kind::ValuesGrown,
                        name,
                        None,
                        joined(&come),
                    );
                }
            }
        }
    }

    fn bounds(&mut self, name: &str, old: Bounds, new: Bounds) {
        if old == new {
            return;
        }
        let text = |(minimum, maximum): Bounds| {
            minimum.or(maximum)?;
            let end =
                |bound: Option<i64>| bound.map_or("…".to_owned(), |bound| bound.to_string());
            Some(format!("{} to {}", end(minimum), end(maximum)))
        };
        if old == (None, None) || new == (None, None) {
            // Stated for the first time, or no more.
            self.add(
                Class::TextOnly,
                Kind::BoundsWidened,
                name,
                text(old),
                text(new),
            );
            return;
        }
        let narrower = new.0.unwrap_or(i64::MIN) > old.0.unwrap_or(i64::MIN)
            || new.1.unwrap_or(i64::MAX) < old.1.unwrap_or(i64::MAX);
        let (class, kind) = if narrower {
            (Class::BreakingForCallers, Kind::BoundsNarrowed)
        } else {
            (Class::Additive, Kind::BoundsWidened)
        };
        self.add(class, kind, name, text(old), text(new));
    }

    fn globals(&mut self, old: &Facts, new: &Facts) {
        // The key is sent in the header, always: none of this concerns a call.
        for path in old.header_only.symmetric_difference(&new.header_only) {
            let say = |facts: &Facts| Some(facts.header_only.contains(path).to_string());
            self.add(
                Class::TextOnly,
                Kind::HeaderOnlyChanged,
                path,
                say(old),
                say(new),
            );
        }
        if old.builds != new.builds {
            let (was, is) = (joined(&old.builds), joined(&new.builds));
            self.add(Class::TextOnly, Kind::BuildsChanged, "", was, is);
        }
    }
}

type Bounds = (Option<i64>, Option<i64>);

/// The least and the greatest of a list of whole numbers.
fn range(values: &BTreeSet<String>) -> Option<(i64, i64)> {
    let numbers: Option<Vec<i64>> = values.iter().map(|value| value.parse().ok()).collect();
    let numbers = numbers?;
    Some((*numbers.iter().min()?, *numbers.iter().max()?))
}

fn joined(texts: &BTreeSet<String>) -> Option<String> {
    let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
    (!texts.is_empty()).then(|| texts.join(", "))
}
