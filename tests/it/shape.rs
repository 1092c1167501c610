//! Properties of every shaped answer, whatever OpManager sends.

use opmanager_mcp_server::opmanager::ApiKey;
use opmanager_mcp_server::result::{Limits, Plan, Problem, Selection, shape};
use proptest::collection::{btree_map, vec};
use proptest::prelude::*;
use serde_json::{Map, Value, json};

/// Where the list of the answers here is.
const LISTS: [Option<&[&str]>; 4] = [None, Some(&[]), Some(&["rows"]), Some(&["A", "Details"])];

fn text() -> impl Strategy<Value = String> {
    prop_oneof![
        8 => "[a-zA-Z0-9 ]{0,20}",
        2 => "\\PC{0,20}",
        2 => any::<String>(),
        1 => "[\"\\\\\n\t<&;]{0,40}",
        1 => (1050usize..1300).prop_map(|n| "a\u{1f600}".repeat(n)),
    ]
}

fn json_value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        text().prop_map(Value::from),
    ];
    leaf.prop_recursive(5, 60, 8, |inner| {
        prop_oneof![
            vec(inner.clone(), 0..8).prop_map(Value::from),
            btree_map(key(), inner, 0..8).prop_map(|map| Value::Object(map.into_iter().collect())),
        ]
    })
}

fn key() -> impl Strategy<Value = String> {
    prop_oneof![4 => "[a-d]", 2 => "[a-zA-Z ]{1,12}", 1 => text()]
        .prop_filter("a top-level `error` is a failure", |key| key != "error")
}

fn item() -> impl Strategy<Value = Value> {
    prop_oneof![
        6 => btree_map(key(), json_value(), 0..6).prop_map(|map| Value::Object(map.into_iter().collect())),
        1 => json_value(),
    ]
}

/// The list where the plan says, with other things beside it.
fn around(list: Option<&[&str]>, items: Vec<Value>, beside: Map<String, Value>) -> Value {
    match list {
        None => Value::Object(beside),
        Some([]) => Value::from(items),
        Some(path) => path.iter().rev().fold(Value::from(items), |inner, key| {
            let mut object = beside.clone();
            object.insert((*key).to_owned(), inner);
            Value::Object(object)
        }),
    }
}

fn shaped(
    body: &Value,
    list: Option<&[&str]>,
    selection: &Selection,
    max_chars: usize,
    raw: bool,
) -> (String, Value) {
    let body = body.to_string();
    let plan = Plan {
        list,
        markup: &["a"],
    };
    let text = shape(
        body.as_bytes(),
        plan,
        selection,
        Limits { max_chars, raw },
        &|_| None,
    )
    .unwrap();
    let value = serde_json::from_str(&text).unwrap_or_else(|error| panic!("{error}: {text}"));
    (text, value)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    #[test]
    fn every_answer_is_valid_json_within_its_budget_with_true_counts(
        items in vec(item(), 0..30),
        beside in btree_map(key(), json_value(), 0..5),
        list in 0..LISTS.len(),
        fields in vec("[a-e]", 0..3),
        limit in 1usize..40,
        offset in 0usize..40,
        max_chars in 1000usize..5000,
        raw: bool,
    ) {
        let list = LISTS[list];
        let body = around(list, items.clone(), beside.into_iter().collect());
        let selection = Selection { fields, limit, offset };
        let (text, answer) = shaped(&body, list, &selection, max_chars, raw);
        prop_assert!(text.chars().count() <= max_chars, "{} > {max_chars}: {text}", text.chars().count());
        if list.is_some() {
            let returned = answer["items"].as_array().unwrap().len();
            prop_assert_eq!(answer["returned"].as_u64().unwrap() as usize, returned);
            prop_assert_eq!(answer["total"].as_u64().unwrap() as usize, items.len());
            prop_assert_eq!(answer["offset"].as_u64().unwrap() as usize, offset);
            prop_assert!(returned <= limit);
            let more = offset + returned < items.len();
            prop_assert_eq!(answer.get("next_offset").is_some(), more);
            if more {
                prop_assert_eq!(answer["next_offset"].as_u64().unwrap() as usize, offset + returned);
                prop_assert!(answer["note"].is_string());
            }
            // A page is never empty while there are items: whoever follows next_offset gets on.
            prop_assert!(returned > 0 || offset >= items.len());
        }
    }

    #[test]
    fn the_pages_together_are_the_whole_list(
        items in vec(item(), 0..40),
        fields in vec("[a-d]", 0..3),
        limit in 1usize..20,
        max_chars in 1000usize..6000,
    ) {
        let kept = |item: &Value| match item {
            Value::Object(object) if !fields.is_empty() => {
                Value::Object(object.iter().filter(|(k, _)| fields.contains(k)).map(|(k, v)| (k.clone(), v.clone())).collect())
            }
            other => other.clone(),
        };
        // Items that fit one by one: what does not is shortened, which the other test looks at.
        let items: Vec<Value> = items.into_iter().filter(|item| item.to_string().chars().count() < 300).collect();
        let expected: Vec<Value> = items.iter().map(kept).collect();
        let body = Value::from(items);
        let mut pages = Vec::new();
        let mut offset = 0;
        loop {
            let selection = Selection { fields: fields.clone(), limit, offset };
            let (_, page) = shaped(&body, Some(&[]), &selection, max_chars, true);
            pages.extend(page["items"].as_array().unwrap().clone());
            match page.get("next_offset") {
                Some(next) => offset = next.as_u64().unwrap() as usize,
                None => break,
            }
        }
        prop_assert_eq!(pages, expected);
    }

    #[test]
    fn shaping_an_answer_again_changes_nothing(
        body in json_value(),
        max_chars in 1000usize..5000,
    ) {
        if body.get("error").is_none() {
            let selection = Selection::default();
            let (once, value) = shaped(&body, None, &selection, max_chars, false);
            let (twice, _) = shaped(&value, None, &selection, max_chars, false);
            let again: Value = serde_json::from_str(&once).unwrap();
            prop_assert_eq!(again, serde_json::from_str::<Value>(&twice).unwrap());
        }
    }

    #[test]
    fn any_bytes_give_an_answer_or_a_problem_as_the_reference_parser_says(bytes in vec(any::<u8>(), 0..60)) {
        let selection = Selection::default();
        let ours = shape(&bytes, Plan::default(), &selection, Limits::default(), &|_| None);
        let reference = serde_json::from_slice::<Value>(&bytes).is_ok();
        prop_assert_eq!(ours.is_ok(), reference, "{:?}", ours);
    }

    #[test]
    fn no_answer_holds_the_secret(
        items in vec(item(), 0..10),
        raw: bool,
        list in 0..LISTS.len(),
    ) {
        let mut beside = Map::new();
        beside.insert("SECRET".to_owned(), json!(["SECRET", { "xSECRETx": "aSECRETb" }]));
        let mut items = items;
        items.push(json!({ "SECRET": "SECRET", "a": "x".repeat(3000) + "SECRET" }));
        let body = around(LISTS[list], items, beside).to_string();
        let redact = |text: &str| text.contains("SECRET").then(|| text.replace("SECRET", "[redacted]"));
        let plan = Plan { list: LISTS[list], markup: &[] };
        let limits = Limits { max_chars: 4000, raw };
        let text = shape(body.as_bytes(), plan, &Selection::default(), limits, &redact).unwrap();
        prop_assert!(!text.contains("SECRET"), "{}", text);
    }
}

fn plain(body: &str, list: Option<&[&str]>, selection: &Selection, max_chars: usize) -> String {
    let plan = Plan {
        list,
        markup: &["severity"],
    };
    let limits = Limits {
        max_chars,
        raw: false,
    };
    shape(body.as_bytes(), plan, selection, limits, &|_| None).unwrap()
}

#[test]
fn numbers_keep_every_digit_and_keys_their_spelling() {
    let body = r#"{"a b":1e400,"C":12345678901234567890123,"d":0.10,"e":-0,"f":1E+2}"#;
    assert_eq!(plain(body, None, &Selection::default(), 1000), body);
}

#[test]
fn a_list_is_found_where_it_is_documented_and_what_is_beside_it_is_kept() {
    let body = r#"{"page":"1","records":"120","total":"3","rows":[{"a":1},{"a":2}],"late":true}"#;
    let text = plain(body, Some(&["rows"]), &Selection::default(), 1000);
    assert_eq!(
        text,
        r#"{"items":[{"a":1},{"a":2}],"returned":2,"offset":0,"total":2,"opmanager":{"page":"1","records":"120","total":"3","late":true}}"#
    );
}

#[test]
fn a_bare_array_and_the_usual_names_serve_for_each_other() {
    for (list, body) in [
        (&["rows"][..], r#"[{"a":1}]"#),
        (&[][..], r#"{"rows":[{"a":1}]}"#),
        (&[][..], r#"{"List":[{"a":1}]}"#),
        (&["A", "Details"][..], r#"{"A":{"Details":[{"a":1}]}}"#),
    ] {
        let text = plain(body, Some(list), &Selection::default(), 1000);
        assert!(
            text.starts_with(r#"{"items":[{"a":1}],"returned":1,"offset":0,"total":1"#),
            "{text}"
        );
    }
}

#[test]
fn another_shape_is_shown_as_it_is() {
    for body in [
        r#"{"a":{"b":1}}"#,
        r#""text""#,
        "null",
        r#"{"rows":null}"#,
        r#"{"message":"none"}"#,
    ] {
        assert_eq!(
            plain(body, Some(&["rows"]), &Selection::default(), 1000),
            body
        );
    }
}

#[test]
fn an_item_that_does_not_fit_alone_is_shortened_with_marks() {
    let body = json!([{ "name": "x", "long": "y".repeat(10_000), "many": (0..5000).collect::<Vec<i32>>() }, { "name": "z" }]);
    let text = plain(&body.to_string(), Some(&[]), &Selection::default(), 2000);
    let answer: Value = serde_json::from_str(&text).unwrap();
    assert_eq!(answer["returned"], 1);
    assert_eq!(answer["next_offset"], 1);
    assert_eq!(answer["items"][0]["name"], "x");
    let long = answer["items"][0]["long"].as_str().unwrap();
    let shown = long.chars().take_while(|c| *c == 'y').count();
    assert_eq!(
        long,
        format!(
            "{}\u{2026} [{} more characters]",
            "y".repeat(shown),
            10_000 - shown
        )
    );
    let many = answer["items"][0]["many"].as_array().unwrap();
    assert_eq!(
        many.last().unwrap().as_str().unwrap(),
        format!("\u{2026} {} more items", 5000 - (many.len() - 1))
    );
    assert!(answer["note"].as_str().unwrap().contains("`fields`"));
}

#[test]
fn an_error_is_found_however_far_behind_it_stands() {
    for padding in [10, 10_000] {
        let body = json!({ "a": "x".repeat(padding), "b": {}, "error": { "message": "gone" } });
        let selection = Selection::default();
        for list in [
            None,
            Some(&["rows"][..]),
            Some(&["a", "rows"][..]),
            Some(&[]),
        ] {
            let plan = Plan { list, markup: &[] };
            let limits = Limits {
                max_chars: 1000,
                raw: false,
            };
            let problem = shape(
                body.to_string().as_bytes(),
                plan,
                &selection,
                limits,
                &|_| None,
            );
            let reported = Problem::Reported {
                code: None,
                message: "gone".to_owned(),
            };
            assert_eq!(problem, Err(reported), "{padding}, {list:?}");
        }
    }
}

#[test]
fn nothing_is_kept_of_a_secret_where_a_string_is_cut() {
    let key = ApiKey::new("0123456789".repeat(51)).unwrap();
    let redact = |text: &str| key.redact(text);
    let key: String = "0123456789".repeat(51);
    let hidden = "\u{200b}".repeat(20);
    // What nobody sees is taken out before anybody looks for the key, so that the cut may come anywhere.
    for before in (0..4200).step_by(35) {
        for filling in ["x", "\u{200b}", &hidden] {
            let text = format!("{}{key}{}", filling.repeat(before), "y".repeat(9000));
            let body = json!({ "text": text });
            let limits = Limits {
                max_chars: 1000,
                raw: false,
            };
            let body = body.to_string();
            let text = shape(
                body.as_bytes(),
                Plan::default(),
                &Selection::default(),
                limits,
                &redact,
            )
            .unwrap();
            assert!(!text.contains("01234"), "{before}: {text}");
        }
    }
}

#[test]
fn names_that_grow_stay_within_the_budget() {
    let short = ApiKey::new("k".to_owned()).unwrap();
    for name in ["\u{8}".repeat(300), "k".repeat(300), "k".repeat(80)] {
        let inner =
            json!({ (name.as_str()): { (name.as_str()): [name, "k".repeat(500)] }, "b": name });
        let mut object = inner.clone();
        object["rows"] = json!([inner, inner]);
        for number in 0..30 {
            object[format!("{name}{number}")] = inner.clone();
        }
        let body = object.to_string();
        for list in [None, Some(&["rows"][..])] {
            for max_chars in (1000..9000).step_by(37) {
                let plan = Plan { list, markup: &[] };
                let limits = Limits {
                    max_chars,
                    raw: true,
                };
                let redact = |text: &str| short.redact(text);
                let selection = Selection::default();
                let text = shape(body.as_bytes(), plan, &selection, limits, &redact).unwrap();
                assert!(text.chars().count() <= max_chars, "{max_chars}: {text}");
                serde_json::from_str::<Value>(&text).unwrap();
            }
        }
    }
}

#[test]
fn a_field_named_twice_is_no_missing_field() {
    let selection = Selection {
        fields: vec!["a".into(), "a".into()],
        ..Selection::default()
    };
    let text = plain(r#"[{"a":1,"b":2}]"#, Some(&[]), &selection, 1000);
    assert_eq!(
        text,
        r#"{"items":[{"a":1}],"returned":1,"offset":0,"total":1}"#
    );
}

#[test]
fn room_is_shared_so_that_one_large_field_does_not_hide_the_others() {
    let body = json!({ "layout": vec!["z".repeat(50); 1000], "name": "core", "status": { "code": 1, "text": "Clear" } });
    let answer: Value =
        serde_json::from_str(&plain(&body.to_string(), None, &Selection::default(), 1500)).unwrap();
    assert_eq!(answer["name"], "core");
    assert_eq!(answer["status"], json!({ "code": 1, "text": "Clear" }));
    assert!(answer["layout"].as_array().unwrap().len() > 10);
}

#[test]
fn a_name_that_occurs_nowhere_is_said_so() {
    let selection = Selection {
        fields: vec!["a".into(), "typo".into()],
        ..Selection::default()
    };
    let text = plain(r#"[{"a":1,"b":2}]"#, Some(&[]), &selection, 1000);
    assert!(
        text.starts_with(r#"{"items":[{"a":1}]"#) && text.contains("1 of the names in `fields`"),
        "{text}"
    );
}

#[test]
fn the_documented_severity_is_read_as_its_word() {
    let text = plain(
        r#"[{"severity":"<img src='/images/devices/status3.gif'>&nbsp;Attention "}]"#,
        Some(&[]),
        &Selection::default(),
        1000,
    );
    assert!(
        text.starts_with(r#"{"items":[{"severity":"Attention"}]"#),
        "{text}"
    );
}
