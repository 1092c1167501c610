//! The captured facts: the document follows each of them, and what it takes from outside of the page is among them.

use opmanager_codegen::document::{Basis, Document};
use xtask::captured::{self, ALL, Captured};
use xtask::facts::Facts;

use crate::repository;

fn read(name: &str) -> String {
    std::fs::read_to_string(repository().join("openapi").join(name)).unwrap()
}

fn page() -> Facts {
    Facts::from_json(&read("vendor.json")).unwrap()
}

/// What is not followed, of a document and facts that were edited.
fn unfollowed(edit: (&str, &str), facts: (&str, &str)) -> Vec<String> {
    let replaced = |text: String, (from, to): (&str, &str)| {
        assert!(from.is_empty() || text.matches(from).count() == 1, "{from}");
        if from.is_empty() {
            text
        } else {
            text.replacen(from, to, 1)
        }
    };
    let document = Document::parse(&replaced(read("opmanager.yaml"), edit)).unwrap();
    let captured = Captured::from_json(&replaced(read("captured.json"), facts)).unwrap();
    captured::unfollowed(&document, &captured, &page())
}

const SAME: (&str, &str) = ("", "");

#[test]
fn every_captured_fact_is_followed_and_every_basis_is_recorded() {
    let none: [String; 0] = [];
    assert_eq!(unfollowed(SAME, SAME), none);
}

#[test]
fn what_is_in_one_and_not_in_the_other_is_named() {
    let first = "  \"facts\": [\n";
    let with = |fact: &str| format!("{first}    {fact},\n");
    for (fact, line) in [
        (
            r#"{"operation":"getUnheardOf","mark":"captured","sources":["WZ"],"fact":"It is there."}"#,
            "getUnheardOf: the document has no such operation, and no reason in x-left-out",
        ),
        (
            r#"{"operation":"listDevices","parameters":["shape"],"mark":"captured","sources":["WZ"],"fact":"It is taken."}"#,
            "listDevices: the document has no parameter `shape`, and no reason in x-deviates",
        ),
        (
            r#"{"operation":"listAlarms","mark":"third-party","sources":["WZ"],"requests_per_minute":7,"fact":"Seven."}"#,
            "listAlarms: x-rate-limit has not the 7 calls a minute that are recorded",
        ),
        (
            r#"{"operation":"listAlarms","mark":"heard","sources":["WZ"],"fact":"It is said."}"#,
            "captured.json: listAlarms: the mark `heard` is not known",
        ),
    ] {
        assert_eq!(unfollowed(SAME, (first, &with(fact))), [line]);
    }
    // The other way round: what the document has from elsewhere, and nothing that it rests on.
    let element = "          x-basis: third-party\n          x-since: newer\n";
    assert_eq!(
        unfollowed((element, "          x-since: newer\n"), SAME),
        ["getAvailabilityGraphData: `elementID`: the page does not have it: state x-basis"]
    );
    assert_eq!(
        unfollowed((element, "          x-basis: captured\n"), SAME),
        [
            "getAvailabilityGraphData: `elementID`: x-basis is captured, and what is recorded is third-party"
        ]
    );
    assert_eq!(
        unfollowed(SAME, ("[\"elementID\"]", "[]")),
        ["getAvailabilityGraphData: `elementID`: captured.json has no fact that it rests on"]
    );
    let id = "      operationId: listSubnets\n";
    let based = format!("{id}      x-basis: captured\n");
    let lines = unfollowed((id, &based), SAME);
    assert_eq!(lines[0], "listSubnets: the page has it: remove x-basis");
}

/// A sentence of ours with names of parameters: no address, no key, no host.
#[test]
fn there_is_nothing_in_the_facts_that_could_be_somebodys() {
    let captured = Captured::from_json(&read("captured.json")).unwrap();
    assert!(captured.facts.iter().any(|fact| fact.operation == ALL));
    for fact in &captured.facts {
        let text = &fact.fact;
        assert!(Basis::of(&fact.mark).is_some(), "{text}");
        assert!(text.ends_with('.') && text.len() <= 200, "{text}");
        assert!(!fact.sources.is_empty(), "{text}");
        let code = |code: &String| code.len() == 2 && code.chars().all(|c| c.is_ascii_uppercase());
        assert!(fact.sources.iter().all(code), "{text}");
        for part in ["://", "www.", ".com", "@", "apiKey", "/api/"] {
            assert!(!text.contains(part), "{text}");
        }
        let long = |word: &str| word.len() >= 20 && word.chars().any(|c| c.is_ascii_digit());
        assert!(!text.split_whitespace().any(long), "{text}");
        let address = |word: &str| word.split('.').filter(|p| p.parse::<u8>().is_ok()).count() > 2;
        assert!(!text.split_whitespace().any(address), "{text}");
    }
}
