//! Reasons: each deviation has one, and each has its deviation.

use opmanager_codegen::document::Document;
use xtask::coverage::{self, Coverage, Stale};
use xtask::diff::Kind;
use xtask::facts::Facts;

use crate::repository;

fn read(name: &str) -> String {
    std::fs::read_to_string(repository().join("openapi").join(name)).unwrap()
}

fn of(document: &str, facts: &Facts) -> Coverage {
    coverage::of(&Document::parse(document).unwrap(), facts)
}

/// The open differences, as kind, operation and part.
fn open(coverage: &Coverage) -> Vec<(Kind, &str, &str)> {
    let changes = coverage.open.iter();
    changes
        .map(|c| (c.kind, c.operation.as_str(), c.part.as_str()))
        .collect()
}

#[test]
fn every_deviation_of_the_curated_document_has_its_reason() {
    let facts = Facts::from_json(&read("vendor.json")).unwrap();
    let coverage = of(&read("opmanager.yaml"), &facts);
    assert_eq!(open(&coverage), []);
    assert_eq!(coverage.stale, []);
    assert_eq!(coverage.documented.0, facts.operations.len());
    assert!(coverage.explained > 50, "{}", coverage.explained);
}

#[test]
fn without_its_reason_a_deviation_is_open() {
    let facts = Facts::from_json(&read("vendor.json")).unwrap();
    let text = read("opmanager.yaml");
    for (reason, expected) in [
        (
            "        alertType: 'Sources",
            (Kind::ValuesShrunk, "listAlarms", "alertType"),
        ),
        (
            "        elementID: 'Third",
            (
                Kind::ParameterRemoved,
                "getAvailabilityGraphData",
                "elementID",
            ),
        ),
        (
            "        _: 'Left out",
            (Kind::ParameterAdded, "getDowntimeSchedule", "_"),
        ),
        (
            "        profileFilter: 'Sources",
            (
                Kind::ValuesShrunk,
                "listNotificationProfiles",
                "profileFilter",
            ),
        ),
        (
            "        getInterfaces: 'The page",
            (Kind::Retyped, "listDevices", "getInterfaces"),
        ),
        (
            "        x-exactly-one-of: 'Inferred",
            (Kind::ChoiceChanged, "addDowntimeSchedule", ""),
        ),
    ] {
        assert_eq!(text.matches(reason).count(), 1, "{reason}");
        let lines = text.lines().filter(|line| !line.starts_with(reason));
        let without: String = lines.map(|line| format!("{line}\n")).collect();
        // An operation without any further reason keeps no empty list.
        let without = without.replace("      x-deviates:\n      x-", "      x-");
        let without = without.replace("      x-deviates:\n      parameters:", "      parameters:");
        let coverage = of(&without, &facts);
        assert_eq!(open(&coverage), [expected]);
        assert_eq!(coverage.stale, []);
    }
}

#[test]
fn a_reason_without_its_deviation_is_stale() {
    let text = read("opmanager.yaml");
    let mut facts = Facts::from_json(&read("vendor.json")).unwrap();
    let notes = facts
        .operations
        .iter_mut()
        .find(|o| o.id == "addNotes")
        .unwrap();
    notes.parameters.retain(|p| p.name != "type");
    let stale = |operation: &str, key: &str| Stale {
        operation: operation.into(),
        key: key.into(),
    };
    let coverage = of(&text, &facts);
    assert_eq!(coverage.stale, [stale("addNotes", "type")]);
    let left_out = text.replacen(
        "\npaths:\n",
        "\nx-left-out:\n  importKeys: It takes a file.\npaths:\n",
        1,
    );
    let coverage = of(&left_out, &facts);
    assert_eq!(
        coverage.stale,
        [stale("addNotes", "type"), stale("importKeys", "x-left-out")]
    );
    // With the operation documented, the reason is needed.
    let mut keys = facts.operations[0].clone();
    keys.id = "importKeys".into();
    keys.path = "/api/json/admin/importKeys".into();
    facts.operations.push(keys);
    assert_eq!(of(&left_out, &facts).stale, [stale("addNotes", "type")]);
    assert_eq!(
        open(&of(&text, &facts)),
        [(Kind::OperationAdded, "importKeys", "")]
    );
}

#[test]
fn an_operation_of_ours_alone_is_deprecated_or_has_a_reason() {
    let text = read("opmanager.yaml");
    let mut facts = Facts::from_json(&read("vendor.json")).unwrap();
    facts.operations.retain(|o| o.id != "listSubnets");
    assert_eq!(
        open(&of(&text, &facts)),
        [(Kind::OperationRemoved, "listSubnets", "")]
    );
    for line in [
        "deprecated: true",
        "x-deviates: { operationId: 'Third party: two clients use it.' }",
    ] {
        let id = "      operationId: listSubnets\n";
        let excused = text.replace(id, &format!("{id}      {line}\n"));
        let coverage = of(&excused, &facts);
        assert!(coverage.is_complete(), "{line}: {coverage:?}");
    }
    // Whom the vendor takes back need not be marked.
    let facts = Facts::from_json(&read("vendor.json")).unwrap();
    let id = "      operationId: listSubnets\n";
    let marked = text.replace(id, &format!("{id}      deprecated: true\n"));
    assert_eq!(
        open(&of(&marked, &facts)),
        [(Kind::NoLongerDeprecated, "listSubnets", "")]
    );
}
