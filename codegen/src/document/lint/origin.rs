//! The rules of what a statement rests on, and of builds that have it.

use serde_json::Value;

use super::Lint;
use crate::document::origin::{Basis, Origin, is_since, is_variant};

impl Lint {
    /// What an operation or a parameter states of where it comes from.
    pub(super) fn origin(&mut self, what: &str, value: &Value) -> Origin {
        let word = |key: &str| {
            value
                .get(key)
                .map(|word| (word, word.as_str().unwrap_or("")))
        };
        let mut origin = Origin::default();
        if let Some((stated, word)) = word("x-basis") {
            origin.basis = Basis::of(word);
            if origin.basis.is_none() {
                self.defect(
                    format!("{what}: its x-basis is {stated}"),
                    format!("write {}", Basis::ALL.map(Basis::word).join(", ")),
                );
            }
        }
        if let Some((stated, word)) = word("x-since") {
            if is_since(word) {
                origin.since = Some(word.to_owned());
            } else {
                self.defect(
                    format!("{what}: its x-since is {stated}"),
                    "write the first build in quotes, as '12.8.719', or newer or classic where no build is known",
                );
            }
        }
        if let Some((stated, word)) = word("x-variant") {
            if is_variant(word) {
                origin.variant = Some(word.to_owned());
            } else {
                self.defect(
                    format!("{what}: its x-variant is {stated}"),
                    "write msp, central, probe, or an add-on as addon:netflow",
                );
            }
        }
        origin
    }
}
