//! The comparison of facts under mutations: each is found, alone, in its class.
//!
//! The facts are the recorded ones with the types of the curated document. A mutation draws its place and
//! values from a seed, so that a failure names one that can be run again.

use std::collections::BTreeSet;

use fastrand::Rng;
use opmanager_codegen::document::Document;
use xtask::curated;
use xtask::diff::{self, Class, Kind};
use xtask::facts::{Facts, Operation, Parameter, RateLimit};

use crate::repository;

const SEEDS_OF_EACH: u64 = 12;

/// The facts that are mutated: names and types of the curated document, samples and answers of the page.
fn facts() -> Facts {
    let read =
        |name: &str| std::fs::read_to_string(repository().join("openapi").join(name)).unwrap();
    let recorded = Facts::from_json(&read("vendor.json")).unwrap();
    let mut facts = curated::facts(&Document::parse(&read("opmanager.yaml")).unwrap());
    // What the page does not have cannot change on it.
    facts.operations.retain_mut(|operation| {
        let page = recorded.operations.iter().find(|o| o.id == operation.id);
        if let Some(page) = page {
            operation.answer.clone_from(&page.answer);
            operation.samples.clone_from(&page.samples);
        }
        page.is_some()
    });
    facts.header_only = recorded.header_only;
    facts.builds = recorded.builds;
    facts
}

/// What a mutation must be reported as: kind, class, operation, part. Nothing for one that changes nothing.
type Expected = Option<(Kind, Class, String, String)>;

/// A mutation; `None` if this draw has no place for it.
type Mutation = fn(&mut Facts, &mut Rng) -> Option<Expected>;

fn operation<'a>(facts: &'a mut Facts, rng: &mut Rng) -> &'a mut Operation {
    let index = rng.usize(..facts.operations.len());
    &mut facts.operations[index]
}

/// A parameter that fits, and that no choice names, with the id of its operation.
fn parameter<'a>(
    facts: &'a mut Facts,
    rng: &mut Rng,
    fits: fn(&Parameter) -> bool,
) -> (String, &'a mut Parameter) {
    let mut all: Vec<(String, &mut Parameter)> = Vec::new();
    for operation in &mut facts.operations {
        let chosen: BTreeSet<&String> = operation.one_of.iter().flatten().collect();
        for parameter in &mut operation.parameters {
            if fits(parameter) && !chosen.contains(&parameter.name) {
                all.push((operation.id.clone(), parameter));
            }
        }
    }
    assert!(all.len() > 3, "the facts have places for it");
    let index = rng.usize(..all.len());
    all.swap_remove(index)
}

fn on(kind: Kind, class: Class, operation: &str, part: &str) -> Option<Expected> {
    Some(Some((kind, class, operation.to_owned(), part.to_owned())))
}

fn word(rng: &mut Rng) -> String {
    let letters: String = (0..8).map(|_| rng.lowercase()).collect();
    format!("zz{letters}")
}

const MUTATIONS: &[(&str, Mutation)] = &[
    ("operation added", |facts, rng| {
        let mut operation = operation(facts, rng).clone();
        operation.id = word(rng);
        operation.path = format!("/api/json/zz/{}", operation.id);
        let id = operation.id.clone();
        facts.operations.push(operation);
        on(Kind::OperationAdded, Class::Additive, &id, "")
    }),
    ("operation removed", |facts, rng| {
        let index = rng.usize(..facts.operations.len());
        let gone = facts.operations.remove(index);
        on(
            Kind::OperationRemoved,
            Class::BreakingForCallers,
            &gone.id,
            "",
        )
    }),
    ("operation renamed", |facts, rng| {
        let operation = operation(facts, rng);
        let was = operation.id.clone();
        operation.id.push(['s', 'X', '2'][rng.usize(..3)]);
        operation.path = operation.path.replace(&was, &operation.id);
        on(Kind::OperationRenamed, Class::BreakingForCallers, &was, "")
    }),
    ("optional parameter added", |facts, rng| {
        let name = word(rng);
        let operation = operation(facts, rng);
        operation.parameters.push(Parameter {
            name: name.clone(),
            ..Parameter::default()
        });
        on(
            Kind::ParameterAdded,
            Class::Additive,
            &operation.id.clone(),
            &name,
        )
    }),
    ("required parameter added", |facts, rng| {
        let name = word(rng);
        let operation = operation(facts, rng);
        operation.parameters.push(Parameter {
            name: name.clone(),
            required: true,
            ..Parameter::default()
        });
        on(
            Kind::ParameterAdded,
            Class::BreakingForCallers,
            &operation.id.clone(),
            &name,
        )
    }),
    ("parameter removed", |facts, rng| {
        let (id, gone) = parameter(facts, rng, |_| true);
        let gone = gone.name.clone();
        let operation = facts.operations.iter_mut().find(|o| o.id == id)?;
        operation.parameters.retain(|p| p.name != gone);
        on(
            Kind::ParameterRemoved,
            Class::BreakingForCallers,
            &id,
            &gone,
        )
    }),
    ("parameter renamed", |facts, rng| {
        let (id, renamed) = parameter(facts, rng, |_| true);
        let was = renamed.name.clone();
        match rng.usize(..3) {
            0 => renamed.name.push('s'),
            1 => renamed.name.insert(1, '_'),
            _ => renamed.name = was.to_uppercase(),
        }
        // Both spellings may be parameters already.
        let is = renamed.name.clone();
        let operation = facts.operations.iter().find(|o| o.id == id)?;
        let clash = is == was || operation.parameters.iter().filter(|p| p.name == is).count() > 1;
        if clash {
            None
        } else {
            on(Kind::ParameterRenamed, Class::BreakingForCallers, &id, &was)
        }
    }),
    ("parameter retyped", |facts, rng| {
        let (id, retyped) = parameter(facts, rng, |p| p.values.is_empty());
        let was = retyped.kind.clone().unwrap();
        let other = ["string", "boolean"]
            .into_iter()
            .find(|kind| *kind != was)
            .unwrap();
        retyped.kind = Some(other.into());
        on(Kind::Retyped, Class::BreakingForCallers, &id, &retyped.name)
    }),
    ("integer widened to number", |facts, rng| {
        let (id, retyped) = parameter(facts, rng, |p| p.kind.as_deref() == Some("integer"));
        retyped.kind = Some("number".into());
        on(Kind::Retyped, Class::Additive, &id, &retyped.name)
    }),
    ("parameter required", |facts, rng| {
        let (id, changed) = parameter(facts, rng, |p| !p.required);
        changed.required = true;
        on(
            Kind::Required,
            Class::BreakingForCallers,
            &id,
            &changed.name,
        )
    }),
    ("parameter relaxed", |facts, rng| {
        let (id, changed) = parameter(facts, rng, |p| p.required);
        changed.required = false;
        on(Kind::Relaxed, Class::Additive, &id, &changed.name)
    }),
    ("parameter moved", |facts, rng| {
        let (id, moved) = parameter(facts, rng, |_| true);
        let other = if moved.location.as_deref() == Some("query") {
            "form"
        } else {
            "query"
        };
        moved.location = Some(other.into());
        on(Kind::Moved, Class::BreakingForUs, &id, &moved.name)
    }),
    ("list of values grown", |facts, rng| {
        let (id, grown) = parameter(facts, rng, |p| !p.values.is_empty());
        grown.values.insert(word(rng));
        on(Kind::ValuesGrown, Class::Additive, &id, &grown.name)
    }),
    ("list of values shrunk", |facts, rng| {
        let (id, shrunk) = parameter(facts, rng, |p| p.values.len() > 1);
        let gone = shrunk
            .values
            .iter()
            .nth(rng.usize(..shrunk.values.len()))
            .unwrap()
            .clone();
        shrunk.values.remove(&gone);
        on(
            Kind::ValuesShrunk,
            Class::BreakingForCallers,
            &id,
            &shrunk.name,
        )
    }),
    ("list of values closed", |facts, rng| {
        let (id, closed) = parameter(facts, rng, |p| {
            p.values.is_empty() && p.kind.as_deref() == Some("string")
        });
        closed.values = [word(rng), word(rng)].into();
        on(
            Kind::ValuesListed,
            Class::BreakingForCallers,
            &id,
            &closed.name,
        )
    }),
    ("bounds narrowed", |facts, rng| {
        let (id, changed) = parameter(facts, rng, |p| p.minimum.is_some());
        if rng.bool() {
            changed.minimum = changed.minimum.map(|bound| bound + 1);
        } else {
            changed.maximum = Some(changed.maximum.unwrap_or(i64::MAX) - 1);
        }
        on(
            Kind::BoundsNarrowed,
            Class::BreakingForCallers,
            &id,
            &changed.name,
        )
    }),
    ("bounds widened", |facts, rng| {
        let (id, changed) = parameter(facts, rng, |p| p.minimum.is_some() && p.maximum.is_some());
        if rng.bool() {
            changed.minimum = changed.minimum.map(|bound| bound - 1);
        } else {
            changed.maximum = None;
        }
        on(Kind::BoundsWidened, Class::Additive, &id, &changed.name)
    }),
    ("default changed", |facts, rng| {
        let (id, changed) = parameter(facts, rng, |p| p.default.is_some());
        changed.default = Some(word(rng));
        on(
            Kind::DefaultChanged,
            Class::BreakingForCallers,
            &id,
            &changed.name,
        )
    }),
    ("default first stated", |facts, rng| {
        let (id, changed) = parameter(facts, rng, |p| p.default.is_none());
        changed.default = Some(word(rng));
        on(Kind::DefaultChanged, Class::TextOnly, &id, &changed.name)
    }),
    ("method changed", |facts, rng| {
        let operation = operation(facts, rng);
        let other = if operation.method == "GET" {
            "POST"
        } else {
            "GET"
        };
        operation.method = other.into();
        on(
            Kind::MethodChanged,
            Class::BreakingForUs,
            &operation.id.clone(),
            "",
        )
    }),
    ("path moved to v2", |facts, rng| {
        let operation = operation(facts, rng);
        operation.path = operation.path.replace("/api/json/", "/api/json/v2/");
        on(
            Kind::PathChanged,
            Class::BreakingForUs,
            &operation.id.clone(),
            "",
        )
    }),
    ("chapter changed", |facts, rng| {
        let operation = operation(facts, rng);
        operation.tag = word(rng);
        on(
            Kind::ChapterChanged,
            Class::TextOnly,
            &operation.id.clone(),
            "",
        )
    }),
    ("deprecated", |facts, rng| {
        let operation = operation(facts, rng);
        operation.deprecated = true;
        on(Kind::Deprecated, Class::Additive, &operation.id.clone(), "")
    }),
    ("rate limit lowered", |facts, rng| {
        let limited: Vec<&mut Operation> = facts
            .operations
            .iter_mut()
            .filter(|o| o.rate_limit.is_some())
            .collect();
        let count = limited.len();
        let operation = limited.into_iter().nth(rng.usize(..count))?;
        let limit = operation.rate_limit?;
        operation.rate_limit = Some(RateLimit {
            requests_per_minute: limit.requests_per_minute - 1,
            ..limit
        });
        on(
            Kind::RateLimitChanged,
            Class::BreakingForCallers,
            &operation.id.clone(),
            "",
        )
    }),
    ("choice demanded", |facts, rng| {
        let operation = operation(facts, rng);
        if operation.parameters.len() < 2 || !operation.one_of.is_empty() {
            return None;
        }
        let names = operation.parameters.iter().take(2).map(|p| p.name.clone());
        operation.one_of.insert(names.collect());
        on(
            Kind::ChoiceChanged,
            Class::BreakingForCallers,
            &operation.id.clone(),
            "",
        )
    }),
    ("answer grown", |facts, rng| {
        let operation = operation(facts, rng);
        let field = word(rng);
        if operation.answer.is_empty() {
            return None;
        }
        operation.answer.insert(field.clone(), "string".into());
        on(
            Kind::AnswerGrown,
            Class::Additive,
            &operation.id.clone(),
            &field,
        )
    }),
    ("answer shrunk", |facts, rng| {
        let operation = operation(facts, rng);
        let field = operation.answer.keys().nth(1)?.clone();
        operation.answer.remove(&field);
        on(
            Kind::AnswerShrunk,
            Class::BreakingForCallers,
            &operation.id.clone(),
            &field,
        )
    }),
    ("answer retyped", |facts, rng| {
        let operation = operation(facts, rng);
        let field = operation.answer.keys().last()?.clone();
        operation.answer.insert(field.clone(), "other".into());
        on(
            Kind::AnswerRetyped,
            Class::BreakingForUs,
            &operation.id.clone(),
            &field,
        )
    }),
    ("another sample request", |facts, rng| {
        let operation = operation(facts, rng);
        operation.samples.insert(word(rng));
        on(
            Kind::SampleChanged,
            Class::TextOnly,
            &operation.id.clone(),
            "",
        )
    }),
    ("key in the header only", |facts, rng| {
        let path = word(rng);
        facts.header_only.insert(path.clone());
        on(Kind::HeaderOnlyChanged, Class::TextOnly, "", &path)
    }),
    ("everything in another order", |facts, rng| {
        rng.shuffle(&mut facts.operations);
        for operation in &mut facts.operations {
            rng.shuffle(&mut operation.parameters);
        }
        Some(None)
    }),
    ("other notes", |facts, rng| {
        let note = word(rng);
        operation(facts, rng).notes.insert(note.clone());
        facts.notes.insert(note);
        Some(None)
    }),
];

#[test]
fn each_mutation_is_found_alone_and_in_its_class() {
    let facts = facts();
    assert!(diff::compare(&facts, &facts).is_empty());
    let mut tried = 0;
    for (index, (name, mutation)) in MUTATIONS.iter().enumerate() {
        let mut done = 0;
        let mut seed = index as u64 * 1_000;
        while done < SEEDS_OF_EACH {
            seed += 1;
            let mut mutated = facts.clone();
            let Some(expected) = mutation(&mut mutated, &mut Rng::with_seed(seed)) else {
                continue;
            };
            done += 1;
            let found: Vec<_> = diff::compare(&facts, &mutated)
                .into_iter()
                .map(|change| (change.kind, change.class, change.operation, change.part))
                .collect();
            let expected: Vec<_> = expected.into_iter().collect();
            assert_eq!(found, expected, "{name}, seed {seed}");
        }
        tried += done;
    }
    assert!(tried >= 200, "{tried}");
}

/// Going back is a change as well, and none that can be guessed breaks more than it should.
#[test]
fn each_mutation_is_found_from_the_other_side() {
    let facts = facts();
    for (index, (name, mutation)) in MUTATIONS.iter().enumerate() {
        let mut mutated = facts.clone();
        let mut seed = index as u64 * 1_000;
        let expected = loop {
            seed += 1;
            mutated.clone_from(&facts);
            if let Some(expected) = mutation(&mut mutated, &mut Rng::with_seed(seed)) {
                break expected;
            }
        };
        let back = diff::compare(&mutated, &facts);
        assert_eq!(
            back.len(),
            usize::from(expected.is_some()),
            "{name}, seed {seed}: {back:?}"
        );
        if let (Some((_, class, ..)), [change]) = (expected, back.as_slice()) {
            assert_eq!(
                change.class == Class::TextOnly,
                class == Class::TextOnly || name.ends_with("closed"),
                "{name}"
            );
        }
    }
}

/// Two mutations are two reports: neither hides the other.
#[test]
fn mutations_do_not_hide_each_other() {
    let facts = facts();
    for seed in 0..100 {
        let mut rng = Rng::with_seed(seed);
        let mut mutated = facts.clone();
        let mut expected = Vec::new();
        let mut places = BTreeSet::new();
        while expected.len() < 2 {
            let (_, mutation) = MUTATIONS[rng.usize(..MUTATIONS.len())];
            let mut tried = mutated.clone();
            // In operations of their own: in one, the first may take away what the second changes.
            if let Some(Some(change)) = mutation(&mut tried, &mut rng)
                && places.insert(change.2.clone())
            {
                mutated = tried;
                expected.push(change);
            }
        }
        let mut found: Vec<_> = diff::compare(&facts, &mutated)
            .into_iter()
            .map(|change| (change.kind, change.class, change.operation, change.part))
            .collect();
        found.sort();
        expected.sort();
        assert_eq!(found, expected, "seed {seed}");
    }
}
