//! Facts that hold for every tool.

use std::collections::BTreeSet;

use opmanager_mcp_server::opmanager::OperationId;
use opmanager_mcp_server::tools::{self, Access};
use serde_json::Value;

/// Words that a schema may use; others make some client or model refuse the whole list.
const PORTABLE: [&str; 7] = [
    "type",
    "properties",
    "required",
    "description",
    "enum",
    "minimum",
    "maximum",
];

/// Arguments about answers.
const ABOUT_ANSWERS: [&str; 7] = [
    "fields", "where", "sort", "count_by", "limit", "offset", "points",
];

#[test]
fn every_operation_is_one_tool() {
    let operations: BTreeSet<_> = tools::operations()
        .map(|tool| tool.operation().unwrap().operation)
        .collect();
    assert_eq!(operations, OperationId::ALL.iter().copied().collect());
}

#[test]
fn names_are_the_operation_ids_in_snake_case() {
    let mut names = BTreeSet::new();
    for tool in tools::operations() {
        let name = tool.name();
        assert!(names.insert(name), "{name} occurs twice");
        assert!(name.len() <= 40, "{name} is too long");
        assert!(
            name.chars()
                .all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_'),
            "{name}"
        );
        let expected = match tool.operation().unwrap().id {
            // 47 characters are more than clients take.
            "getDeviceAssociatedWindowsServiceMonitors" => "getwindowsservicemonitors".to_owned(),
            id => id.to_ascii_lowercase(),
        };
        // A tool that was renamed keeps the name of its operation as the one that it had.
        let names = [Some(name), tool.former_name()];
        let names = names
            .into_iter()
            .flatten()
            .map(|name| name.replace('_', ""));
        assert!(names.into_iter().any(|name| name == expected), "{name}");
    }
}

#[test]
fn every_toolset_is_an_area_with_tools() {
    for tool in tools::operations() {
        assert!(!tool.toolset().is_empty());
    }
}

#[test]
fn ar_10_annotations_follow_the_access_words_and_not_the_verb() {
    for tool in tools::operations() {
        let annotations = tool.definition().annotations.as_ref().unwrap();
        assert_eq!(
            annotations.read_only_hint,
            Some(tool.access() == Access::Read),
            "{}",
            tool.name()
        );
        // Words that say what the protocol takes for granted are left out.
        assert_eq!(annotations.open_world_hint, None);
        assert_eq!(
            annotations.idempotent_hint.is_some(),
            tool.access() > Access::Read
        );
        if tool.access() == Access::Destructive {
            assert_eq!(annotations.destructive_hint, Some(true), "{}", tool.name());
        }
        if tool.access() == Access::Read {
            assert_eq!(annotations.destructive_hint, Some(false), "{}", tool.name());
        }
    }
    let posts_that_read = tools::operations()
        .filter(|tool| tool.operation().unwrap().method == "POST" && tool.access() == Access::Read)
        .count();
    assert_eq!(posts_that_read, 5);
}

#[test]
fn ar_10_what_removes_or_blinds_is_hinted_as_destructive() {
    for name in [
        "delete_alarm",
        "clear_alarm",
        "set_managed",
        "delete_performance_monitors",
        "delete_business_rules",
    ] {
        let annotations = tools::find(name)
            .unwrap()
            .definition()
            .annotations
            .as_ref()
            .unwrap();
        assert_eq!(annotations.destructive_hint, Some(true), "{name}");
        assert_eq!(annotations.read_only_hint, Some(false), "{name}");
    }
}

#[test]
fn schemas_stay_in_the_portable_subset() {
    for tool in tools::catalogue() {
        let tool = tool.definition();
        let schema = Value::Object((*tool.input_schema).clone());
        assert_eq!(schema["type"], "object");
        // Gemini rejects it: `fl_29_no_listed_schema_has_a_word_that_gemini_rejects`.
        assert_eq!(schema.get("additionalProperties"), None);
        check_words(&tool.name, &schema);
        for (name, property) in schema["properties"].as_object().unwrap() {
            let place = format!("{}.{name}", tool.name);
            assert!(
                name.len() <= 64 && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_'),
                "{place}"
            );
            assert!(property["type"].is_string(), "{place} must have one type");
            assert!(property.get("properties").is_none(), "{place} is nested");
            assert!(
                // The server's instructions tell of them.
                ABOUT_ANSWERS.contains(&name.as_str())
                    || property["description"]
                        .as_str()
                        .is_some_and(|text| !text.is_empty()),
                "{place} is not described"
            );
            check_words(&place, property);
            if let Some(values) = property.get("enum") {
                assert!(
                    values.as_array().unwrap().iter().all(Value::is_string),
                    "{place}"
                );
            }
        }
    }
}

#[test]
fn sh_09_neither_host_nor_key_is_copied_into_a_header_or_filled_in() {
    for tool in tools::operations() {
        let schema = Value::Object((*tool.definition().input_schema).clone());
        assert!(
            !schema.to_string().contains("x-mcp-header"),
            "{}",
            tool.name()
        );
        for name in ["host", "apiKey"] {
            let property = schema["properties"][name].as_object().unwrap();
            let words: Vec<&String> = property.keys().collect();
            assert_eq!(words, ["type", "description"], "{}.{name}", tool.name());
        }
    }
}

fn check_words(place: &str, schema: &Value) {
    for word in schema.as_object().unwrap().keys() {
        assert!(PORTABLE.contains(&word.as_str()), "{place} uses `{word}`");
    }
}

#[test]
fn required_arguments_come_first_and_the_connection_is_always_asked_for() {
    for tool in tools::operations() {
        let schema = &tool.definition().input_schema;
        let required: Vec<&str> = schema["required"]
            .as_array()
            .unwrap()
            .iter()
            .map(|v| v.as_str().unwrap())
            .collect();
        let names: Vec<&String> = schema["properties"].as_object().unwrap().keys().collect();
        assert_eq!(&names[..required.len()], &required[..], "{}", tool.name());
        assert_eq!(&required[..2], ["host", "apiKey"]);
        for name in ["port", "use_ssl", "verify_ssl"] {
            assert!(
                schema["properties"].get(name).is_some(),
                "{} lacks {name}",
                tool.name()
            );
        }
    }
}

#[test]
fn constants_of_the_web_client_are_never_shown() {
    for tool in tools::operations() {
        for (name, _) in tool.operation().unwrap().constants {
            assert!(
                tool.definition().input_schema["properties"]
                    .get(name)
                    .is_none(),
                "{}.{name}",
                tool.name()
            );
        }
    }
}

#[test]
fn descriptions_speak_of_tools_and_not_of_operation_ids() {
    let ids: BTreeSet<&str> = tools::operations()
        .map(|tool| tool.operation().unwrap().id)
        .collect();
    for tool in tools::operations() {
        let definition = tool.definition();
        let properties = definition.input_schema["properties"].as_object().unwrap();
        let texts = properties
            .values()
            .filter_map(|property| property["description"].as_str())
            .chain(definition.description.as_deref());
        let words =
            texts.flat_map(|text| text.split(|c: char| !c.is_ascii_alphanumeric() && c != '_'));
        for word in words {
            assert!(!ids.contains(word), "{} speaks of {word}", tool.name());
        }
    }
}
