//! Which operations and parameters of two states belong together: by name, by path, and by guesses at renames.

use std::collections::BTreeSet;

use crate::facts::{Operation, Parameter};

/// From this likeness of two names on, one may have become the other.
const ALIKE: f64 = 0.8;

/// Whether two are the same thing.
type Rule<T> = dyn Fn(&T, &T) -> bool;

/// What was, what is, and whether that they belong together is a guess.
pub(super) type Pair<'a, T> = (Option<&'a T>, Option<&'a T>, bool);

/// Operations that belong together: by id and path, by id, by path, and by guess.
pub(super) fn pair_operations<'a>(
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

pub(super) fn pair_parameters<'a>(
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
