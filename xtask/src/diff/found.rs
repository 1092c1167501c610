//! The comparison of two operations, part by part.

use std::collections::BTreeSet;

use super::pairs::pair_parameters;
use super::{Change, Class, Kind};
use crate::facts::{Facts, Operation, Parameter, RateLimit};

/// The changes found so far, and the operation that is compared.
#[derive(Default)]
pub(super) struct Found {
    pub(super) guessing: bool,
    pub(super) operation: String,
    pub(super) changes: Vec<Change>,
}

impl Found {
    pub(super) fn add(
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

    pub(super) fn operation(&mut self, old: &Operation, new: &Operation, guess: bool) {
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
        self.rate_limit(old, new);
        self.marks(old, new);
        self.choices(old, new);
        self.answer(old, new);
        for (before, after, guess) in
            pair_parameters(&old.parameters, &new.parameters, self.guessing)
        {
            self.parameter(before, after, guess);
        }
    }

    fn rate_limit(&mut self, old: &Operation, new: &Operation) {
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
    }

    /// What is stated beside a call: since which build, how the key is listed, samples.
    fn marks(&mut self, old: &Operation, new: &Operation) {
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
    }

    /// Parameters of which exactly one is to be given.
    fn choices(&mut self, old: &Operation, new: &Operation) {
        if old.one_of == new.one_of {
            return;
        }
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

    pub(super) fn globals(&mut self, old: &Facts, new: &Facts) {
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
