//! The recorded facts, and the numbers of the page that they were first taken from, counted by hand and by a second
//! reader. Facts of other documents have other numbers, which nobody has counted.

use std::collections::BTreeMap;

use xtask::facts::Facts;
use xtask::summary;

use crate::repository;

fn recorded() -> (String, Facts) {
    let text = std::fs::read_to_string(repository().join("openapi/vendor.json")).unwrap();
    let facts = Facts::from_json(&text).unwrap();
    (text, facts)
}

/// The page whose numbers stand below.
const COUNTED: &str = "a7d9d3bcf7f5fb85390e33d1f0e7579cea9305ed17dce93582b072a6c5831972";

/// The facts, if they are those of the counted page alone.
fn counted() -> Option<Facts> {
    let (_, facts) = recorded();
    let alone = facts.sources.iter().all(|source| source.sha256 == COUNTED);
    alone.then_some(facts)
}

#[test]
fn all_operations_of_the_page_are_recorded() {
    let Some(facts) = counted() else { return };
    let mut tags: BTreeMap<&str, usize> = BTreeMap::new();
    for operation in &facts.operations {
        *tags.entry(&operation.tag).or_default() += 1;
    }
    let tags: Vec<(&str, usize)> = tags.into_iter().collect();
    assert_eq!(
        tags,
        [
            ("Alarms", 10),
            ("Availability", 9),
            ("Business views", 2),
            ("Dashboard", 2),
            ("Devices", 15),
            ("Discovery", 1),
            ("Enterprise", 1),
            ("Events", 2),
            ("Groups", 5),
            ("Interfaces", 7),
            ("Monitoring", 15),
            ("Notifications", 4),
            ("Reports", 10),
            ("Settings", 1),
            ("Subnets", 1),
            ("Wireless", 4),
        ]
    );
    let of = |method: &str| {
        facts
            .operations
            .iter()
            .filter(|o| o.method == method)
            .count()
    };
    assert_eq!(
        (facts.operations.len(), of("GET"), of("POST")),
        (89, 62, 27)
    );
    assert_eq!(facts.header_only.len(), 16);
}

#[test]
fn each_documented_parameter_is_recorded_with_its_mark() {
    let Some(facts) = counted() else { return };
    let parameters = || facts.operations.iter().flat_map(|o| &o.parameters);
    // Rows of the tables without the key; the two rows of three names count as three, rows of one name as one.
    assert_eq!(parameters().filter(|p| !p.sample_only).count(), 269);
    assert_eq!(parameters().filter(|p| p.required).count(), 78);
    assert_eq!(parameters().filter(|p| p.sample_only).count(), 8);
    let choices: usize = facts.operations.iter().map(|o| o.one_of.len()).sum();
    assert_eq!(choices, 2);
    let with_key = facts
        .operations
        .iter()
        .filter(|o| o.api_key.is_some())
        .count();
    assert_eq!(with_key, 80, "nine tables do not list the key");
    let with_answer = facts
        .operations
        .iter()
        .filter(|o| !o.answer.is_empty())
        .count();
    assert_eq!(
        with_answer, 84,
        "the five of business rules have no sample answer"
    );
}

#[test]
fn the_files_are_as_they_would_be_written() {
    let (text, facts) = recorded();
    assert_eq!(text, facts.to_json(), "cargo xtask regenerate --write");
    let summary = std::fs::read_to_string(repository().join("openapi/vendor-summary.md")).unwrap();
    assert_eq!(
        summary,
        summary::of(&facts),
        "cargo xtask regenerate --write"
    );
}

/// Facts are names, values and numbers. A text of many words is none of them.
#[test]
fn there_is_no_prose_in_the_facts() {
    let (_, facts) = recorded();
    let mut bare = facts;
    for operation in &mut bare.operations {
        // Notes are ours, and samples are requests.
        operation.notes.clear();
        operation.samples.clear();
        operation.answer.clear();
    }
    for line in bare.to_json().lines() {
        let words = line.split_whitespace().count();
        assert!(words < 6, "{line}");
    }
}
