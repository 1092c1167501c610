//! Properties of every shaped answer, whatever OpManager sends.

use opmanager_mcp_server::opmanager::ApiKey;
use opmanager_mcp_server::result::{
    Answer, Expected, Failure, Limits, Plan, Problem, Reader, Received, Selection, judge, shape,
};
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
        ..Plan::default()
    };
    let text = shape(
        body.as_bytes(),
        plan,
        selection,
        Limits {
            max_chars,
            raw,
            tables: false,
        },
        &|_| None,
    )
    .unwrap();
    let value = serde_json::from_str(&text).unwrap_or_else(|error| panic!("{error}: {text}"));
    (text, value)
}

/// Whether there are objects among the items, and none has any of the fields.
fn fits_nothing(items: &[Value], fields: &[String]) -> bool {
    let mut names = items
        .iter()
        .filter_map(Value::as_object)
        .flat_map(Map::keys)
        .peekable();
    !fields.is_empty()
        && names.peek().is_some()
        && !names.any(|name| fields.iter().any(|field| field.eq_ignore_ascii_case(name)))
}

/// Without tables.
fn objects() -> Limits {
    Limits {
        tables: false,
        ..Limits::default()
    }
}

/// The answer of a body that comes in parts of these lengths, over and over.
fn in_parts(
    body: &[u8],
    lengths: &[usize],
    plan: Plan<'_>,
    selection: &Selection,
    limits: Limits,
) -> Result<String, Problem> {
    let mut reader = Reader::new(plan, selection, limits, &|_| None);
    let mut rest = body;
    for length in lengths.iter().cycle() {
        if rest.is_empty() {
            break;
        }
        let (part, others) = rest.split_at((*length).min(rest.len()));
        reader.push(part)?;
        rest = others;
    }
    reader.finish().map(|read| read.text)
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
        // What stands beside the list may be named too.
        let fields: Vec<String> = fields.into_iter().filter(|field| !beside.keys().any(|key| key.eq_ignore_ascii_case(field))).collect();
        let body = around(list, items.clone(), beside.into_iter().collect());
        let selection = Selection { fields, limit, offset, ..Selection::default() };
        if list.is_some() && fits_nothing(&items, &selection.fields) {
            let plan = Plan { list, read: true, ..Plan::default() };
            let shaped = shape(body.to_string().as_bytes(), plan, &selection, objects(), &|_| None);
            prop_assert!(matches!(shaped, Err(Problem::UnknownNames { .. })), "{shaped:?}");
            return Ok(());
        }
        let selection = if list.is_some() { selection } else { Selection { fields: Vec::new(), ..selection } };
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
                Value::Object(object.iter().filter(|(k, _)| fields.iter().any(|field| field.eq_ignore_ascii_case(k))).map(|(k, v)| (k.clone(), v.clone())).collect())
            }
            other => other.clone(),
        };
        // Items that fit one by one: what does not is shortened, which the other test looks at.
        let items: Vec<Value> = items.into_iter().filter(|item| item.to_string().chars().count() < 300).collect();
        let expected: Vec<Value> = items.iter().map(kept).collect();
        prop_assume!(!fits_nothing(&items, &fields));
        let body = Value::from(items);
        let mut pages = Vec::new();
        let mut offset = 0;
        loop {
            let selection = Selection { fields: fields.clone(), limit, offset, ..Selection::default() };
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
        let ours = shape(&bytes, Plan::default(), &selection, objects(), &|_| None);
        // A flaw inside a string is no reason to refuse the answer. Nothing else is accepted beyond the reference.
        let reference = serde_json::from_slice::<Value>(&bytes).is_ok();
        prop_assert!(ours.is_ok() || !reference, "{:?}", ours);
        if let Ok(text) = ours {
            prop_assert!(serde_json::from_str::<Value>(&text).is_ok(), "{text}");
            prop_assert!(reference || bytes.contains(&b'"'), "{text}");
        }
    }

    #[test]
    fn where_the_bytes_are_split_changes_nothing(
        items in vec(item(), 0..12),
        beside in btree_map(key(), json_value(), 0..5),
        list in 0..LISTS.len(),
        plan in 0..LISTS.len(),
        fields in vec("[a-e]", 0..2),
        damage in vec((any::<prop::sample::Index>(), any::<u8>()), 0..3),
        parts in vec(1usize..40, 1..20),
        one_by_one: bool,
        max_chars in 1000usize..3000,
    ) {
        let mut body = around(LISTS[list], items, beside.into_iter().collect()).to_string().into_bytes();
        for (place, byte) in damage {
            let place = place.index(body.len());
            body[place] = byte;
        }
        let plan = Plan { list: LISTS[plan], read: true, markup: &["a"], ..Plan::default() };
        let selection = Selection { fields, ..Selection::default() };
        let limits = Limits { max_chars, raw: false, tables: false };
        let whole = shape(&body, plan, &selection, limits, &|_| None);
        let parts = if one_by_one { std::vec![1] } else { parts };
        prop_assert_eq!(in_parts(&body, &parts, plan, &selection, limits), whole);
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
        let plan = Plan { list: LISTS[list], markup: &[], ..Plan::default() };
        let limits = Limits { max_chars: 4000, raw, tables: false };
        let text = shape(body.as_bytes(), plan, &Selection::default(), limits, &redact).unwrap();
        prop_assert!(!text.contains("SECRET"), "{}", text);
    }
}

fn plain(body: &str, list: Option<&[&str]>, selection: &Selection, max_chars: usize) -> String {
    let plan = Plan {
        list,
        markup: &["severity"],
        ..Plan::default()
    };
    let limits = Limits {
        max_chars,
        raw: false,
        tables: false,
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
            let plan = Plan {
                list,
                markup: &[],
                ..Plan::default()
            };
            let limits = Limits {
                max_chars: 1000,
                raw: false,
                tables: false,
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
                tables: false,
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
                let plan = Plan {
                    list,
                    markup: &[],
                    ..Plan::default()
                };
                let limits = Limits {
                    max_chars,
                    raw: true,
                    tables: false,
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
    let selection = |fields: &[&str]| Selection {
        fields: fields.iter().map(|&field| field.to_owned()).collect(),
        ..Selection::default()
    };
    let text = plain(
        r#"[{"a":1,"b":2}]"#,
        Some(&[]),
        &selection(&["a", "typo"]),
        1000,
    );
    assert_eq!(
        text,
        r#"{"items":[{"a":1}],"returned":1,"offset":0,"total":1,"note":"No item has these names of `fields`: typo. Items have: a, b."}"#
    );
    // None of them: nothing may look like an empty network.
    let plan = Plan {
        list: Some(&[]),
        read: true,
        ..Plan::default()
    };
    let body = br#"[{"deviceName":"x","b":{"c":1}},{"z":2}]"#;
    let shaped = |fields: &[&str]| shape(body, plan, &selection(fields), objects(), &|_| None);
    assert_eq!(
        shaped(&["typo", "b.typo"]),
        Err(Problem::UnknownNames {
            argument: "fields",
            names: "typo, b.typo".to_owned(),
            existing: "deviceName, b, z".to_owned(),
        })
    );
    // Another case is unmistakable, and a field inside of a field has a dot.
    assert_eq!(
        shaped(&["DEVICENAME", "b.c"]).unwrap(),
        r#"{"items":[{"deviceName":"x","b":{"c":1}},{}],"returned":2,"offset":0,"total":2}"#
    );
    // What was written has been written, whatever is to be shown of it.
    let write = Plan {
        read: false,
        ..plan
    };
    let text = shape(body, write, &selection(&["typo"]), objects(), &|_| None).unwrap();
    assert!(
        text.contains("No item has these names of `fields`: typo"),
        "{text}"
    );
    // A name counts as known if an item has it that is not returned.
    let selection = Selection {
        limit: 1,
        ..selection(&["z"])
    };
    let text = shape(body, plan, &selection, objects(), &|_| None).unwrap();
    assert!(text.starts_with(r#"{"items":[{}],"returned":1"#), "{text}");
}

#[test]
fn the_only_array_of_objects_is_the_list_whatever_its_name() {
    let devices = || {
        let items: Vec<Value> = (0..70).map(|n| json!({ "name": n, "x": 1 })).collect();
        Value::from(items)
    };
    let selection = Selection {
        fields: vec!["name".into()],
        limit: 2,
        offset: 3,
        ..Selection::default()
    };
    for (list, name, body) in [
        (&["rows"][..], "devices", json!({ "devices": devices() })),
        (&["rows"], "ROWS", json!({ "ROWS": devices(), "page": 1 })),
        (&[], "Alarms", json!({ "ids": [1, 2], "Alarms": devices() })),
        (
            &[],
            "alarm",
            json!({ "data": { "alarm": devices(), "none": [] } }),
        ),
        (
            &["A", "Details"],
            "views",
            json!({ "B": {}, "response": { "views": devices() } }),
        ),
        // Longer than what is held beside a list.
        (
            &["rows"],
            "devices",
            json!({ "pad": "x".repeat(70_000), "devices": devices(), "z": "y".repeat(70_000) }),
        ),
    ] {
        let text = plain(&body.to_string(), Some(list), &selection, 1000);
        let answer: Value = serde_json::from_str(&text).unwrap();
        assert_eq!(
            answer["items"],
            json!([{ "name": 3 }, { "name": 4 }]),
            "{text}"
        );
        assert_eq!(answer["total"], 70, "{text}");
        assert_eq!(answer["next_offset"], 5, "{text}");
        let note = answer["note"].as_str().unwrap();
        assert!(note.contains(&format!("The list is `{name}`")), "{note}");
        assert!(!text.contains(r#"{"name":9}"#), "shown once: {text}");
    }
    // Several: none is the list, unless one has a name that is one of lists.
    let several = json!({ "a": [{ "x": 1 }], "b": [{ "x": 2 }] });
    let text = plain(&several.to_string(), Some(&["rows"]), &selection, 1000);
    assert!(text.contains(r#""a":[{"x":1}],"b":[{"x":2}]"#), "{text}");
    for argument in ["`limit`", "`offset`", "`fields`", "could not be applied"] {
        assert!(text.contains(argument), "{text}");
    }
    let text = plain(
        r#"{"extra":[{"x":1}],"data":[{"name":2},{"name":3}]}"#,
        Some(&["rows"]),
        &Selection::default(),
        1000,
    );
    assert!(
        text.starts_with(r#"{"items":[{"name":2},{"name":3}]"#),
        "{text}"
    );
    assert!(
        text.contains(r#""opmanager":{"extra":[{"x":1}]}"#),
        "{text}"
    );
    // The documented place counts wherever it stands.
    let text = plain(
        r#"{"extra":[{"x":1}],"rows":[{"name":2}]}"#,
        Some(&["rows"]),
        &Selection::default(),
        1000,
    );
    assert_eq!(
        text,
        r#"{"items":[{"name":2}],"returned":1,"offset":0,"total":1,"opmanager":{"extra":[{"x":1}]}}"#
    );
}

fn judged(body: &[u8], plan: Plan<'_>) -> Result<String, Problem> {
    let received = Received {
        status: 200,
        content_type: None,
        body,
        expected: Expected::Json,
    };
    let text = shape(body, plan, &Selection::default(), objects(), &|_| None);
    // The verdict and the text are of one mind.
    match (&text, judge(received, plan)) {
        (Ok(_), Ok(answer)) => {
            let Answer::Json(json) = answer else {
                panic!("{answer:?}")
            };
            serde_json::from_slice::<Value>(&json).unwrap();
        }
        (Err(Problem::Reported { .. }), Err(Failure::Reported { .. }))
        | (Err(Problem::Flaw(_)), Err(_)) => {}
        (text, answer) => panic!("{text:?}, {answer:?}"),
    }
    text
}

#[test]
fn failures_in_other_spellings_are_failures() {
    for body in [
        r#"{"error":{"message":"gone"}}"#,
        r#"{"Error":{"message":"gone"}}"#,
        r#"{"ERROR":"gone"}"#,
        r#"{"errors":[{"message":"gone","code":7}],"rows":[]}"#,
        r#"{"errors":["gone"]}"#,
        r#"{"errors":"gone"}"#,
        r#"{"errors":{"message":"gone"}}"#,
        r#"{"status":"error","message":"gone"}"#,
        r#"{"status":"Failure","message":"gone","rows":[]}"#,
        r#"{"message":"gone","result":"failed"}"#,
        r#"{"status":500,"message":"gone"}"#,
        r#"{"success":false,"message":"gone","rows":[{"a":1}]}"#,
        r#"{"isSuccess":"false","message":"gone"}"#,
        r#"{"message":"gone","code":5005}"#,
        r#"{"errorCode":"X","errorMessage":"gone"}"#,
        r#"{"response-code":"4004","response":{"uri":"/a"},"message":"gone"}"#,
        r#"[{"error":"gone"}]"#,
        r#"[{"error":{"message":"gone","code":1}}]"#,
        r#"[{"status":"failed","message":"gone"}]"#,
    ] {
        for list in LISTS {
            let plan = Plan {
                list,
                read: true,
                ..Plan::default()
            };
            match judged(body.as_bytes(), plan) {
                Err(Problem::Reported { message, .. }) => assert_eq!(message, "gone", "{body}"),
                other => panic!("{body}, {list:?}: {other:?}"),
            }
        }
    }
    for body in [
        // An empty error beside data is none.
        r#"{"error":null,"rows":[{"a":1}]}"#,
        r#"{"error":{},"rows":[{"a":1}]}"#,
        r#"{"rows":[{"a":1}],"error":""}"#,
        r#"{"rows":[{"a":1}],"error":[]}"#,
        r#"{"rows":[{"a":1}],"error":0,"errors":[]}"#,
        r#"{"rows":[{"a":1}],"error":{"message":"","code":null}}"#,
        // Data that looks like a failure.
        r#"{"status":"Failed","name":"backup"}"#,
        r#"{"errors":12,"inErrors":3}"#,
        r#"{"errors":"0 (0%)","name":"if"}"#,
        r#"{"errors":[[1,2],[2,3]],"status":3}"#,
        r#"{"status":"success","message":"done"}"#,
        r#"{"result":{"message":"done"},"code":0}"#,
        r#"[{"status":"failed","message":"x","rbID":7}]"#,
        r#"[{"error":"a"},{"error":"b"}]"#,
        r#"{"rows":[{"error":{"message":"data of an alarm"}}]}"#,
    ] {
        for list in LISTS {
            let plan = Plan {
                list,
                ..Plan::default()
            };
            if let Err(problem) = judged(body.as_bytes(), plan) {
                panic!("{body}: {problem:?}");
            }
        }
    }
    let alone = judged(br#"{"error":{}}"#, Plan::default());
    assert!(matches!(alone, Err(Problem::Reported { .. })), "{alone:?}");
}

#[test]
fn a_bare_message_in_place_of_a_list_is_an_empty_list_on_reads_only() {
    let plan = |list, read| Plan {
        list,
        read,
        ..Plan::default()
    };
    let rows: Option<&[&str]> = Some(&["A", "rows"]);
    for body in [
        r#"{"message":"No \"Devices\" found."}"#,
        r#"{"message":"\u672a\u627e\u5230\u8bbe\u5907"}"#,
    ] {
        let text = judged(body.as_bytes(), plan(rows, true)).unwrap();
        let answer: Value = serde_json::from_str(&text).unwrap();
        let message: Value = serde_json::from_str(body).unwrap();
        assert_eq!(answer["items"], json!([]));
        assert_eq!(answer["total"], 0);
        let note = answer["note"].as_str().unwrap();
        assert!(
            note.contains(message["message"].as_str().unwrap()),
            "{note}"
        );
        // The typed client decodes it as the document says.
        let received = Received {
            status: 200,
            content_type: None,
            body: body.as_bytes(),
            expected: Expected::Json,
        };
        let json = judge(received, plan(rows, true)).unwrap().into_json();
        assert_eq!(json, r#"{"A":{"rows":[]}}"#);
        for other in [plan(rows, false), plan(None, true)] {
            assert_eq!(
                serde_json::from_str::<Value>(&judged(body.as_bytes(), other).unwrap()).unwrap(),
                message
            );
        }
    }
    let with_code = judged(br#"{"message":"x","code":"0"}"#, plan(rows, true)).unwrap();
    assert!(
        !with_code.contains("items") || with_code.contains("\"total\":0"),
        "{with_code}"
    );
}

#[test]
fn the_typed_form_of_an_answer_is_the_documented_one() {
    let typed = |body: &str, list| {
        let received = Received {
            status: 200,
            content_type: None,
            body: body.as_bytes(),
            expected: Expected::Json,
        };
        let plan = Plan {
            list,
            ..Plan::default()
        };
        judge(received, plan).unwrap().into_json()
    };
    for (body, list, expected) in [
        (
            r#"{"rows":[{"a":1}],"page":1}"#,
            Some(&["rows"][..]),
            r#"{"rows":[{"a":1}],"page":1}"#,
        ),
        (
            "\u{feff} {\"devices\":[{\"a\":1}] ,\"page\":1} ",
            Some(&["rows"]),
            r#"{"rows":[{"a":1}]}"#,
        ),
        (
            r#"{"List":[{"a":"C:\ x"}]}"#,
            Some(&[]),
            r#"[{"a":"C:\\ x"}]"#,
        ),
        (
            r#"[{"a":1}]"#,
            Some(&["A", "Details"]),
            r#"{"A":{"Details":[{"a":1}]}}"#,
        ),
        (r#"{"a":{"rows":[{"a":1}]}}"#, Some(&[]), r#"[{"a":1}]"#),
        (r#"{"a":1}"#, None, r#"{"a":1}"#),
    ] {
        assert_eq!(typed(body, list), expected, "{body}");
    }
}

#[test]
fn a_flaw_inside_a_string_costs_that_string_and_not_the_answer() {
    for (sent, read) in [
        (&b"C:\\ Drive"[..], "C:\\ Drive"),
        (b"C:\\", "C:\\"),
        (b"C:\\Users\\x", "C:\\Users\\x"),
        (b"a\x01b\nc", "ab\nc"),
        (b"half \\ud83d", "half \u{fffd}"),
        (b"half \\udc00\\u0041", "half \u{fffd}A"),
        (b"\\u12", "\\u12"),
        (b"\\u12\\\"x", "\\u12\"x"),
        (b"bad \xff\xfe", "bad \u{fffd}\u{fffd}"),
        (b"latin \xe9t\xe9", "latin \u{fffd}t\u{fffd}"),
    ] {
        for (before, after) in [
            (r#"[{"n":"good","a":""#, r#"","z":"behind"},{"n":"next"}]"#),
            (r#"[{"n":"good","z":"behind","a":""#, r#""},{"n":"next"}]"#),
            (
                r#"{"rows":[{"n":"good","z":"behind"},{"n":"next","a":""#,
                r#""}]}"#,
            ),
        ] {
            let body = [before.as_bytes(), sent, after.as_bytes()].concat();
            let shown = String::from_utf8_lossy(&body).into_owned();
            let text = judged(
                &body,
                Plan {
                    list: Some(&["rows"]),
                    ..Plan::default()
                },
            )
            .unwrap_or_else(|problem| panic!("{shown}: {problem:?}"));
            let answer: Value = serde_json::from_str(&text).unwrap();
            assert_eq!(answer["total"], 2, "{shown}: {text}");
            let items = &answer["items"];
            let flawed = items[0].get("a").or(items[1].get("a"));
            assert_eq!(flawed, Some(&json!(read)), "{shown}: {text}");
            assert_eq!(items[0]["z"], "behind", "{shown}");
            let note = answer["note"].as_str().unwrap();
            assert!(note.starts_with("1 texts were not valid JSON"), "{note}");
        }
    }
    // Also in names, and where there is no list; what is left out needs no repair.
    assert_eq!(
        plain(
            "{\"a\tb\":1,\"c\":\"\\x\"}",
            None,
            &Selection::default(),
            1000
        ),
        "{\"a\\tb\":1,\"c\":\"\\\\x\",\"\u{2026}\u{2026}\":\"2 texts were not valid JSON (control characters, escapes or encoding) and are repaired.\"}"
    );
    let limit = Selection {
        limit: 1,
        ..Selection::default()
    };
    let text = plain("[{\"a\":1},{\"b\":\"\\x\"}]", Some(&[]), &limit, 1000);
    assert!(!text.contains("repaired"), "{text}");
    // Structure stays strict.
    for body in [
        &b"[\"a\" \"b\"]"[..],
        b"{\"a\":\"b\"\"c\":1}",
        b"[\"a\"b]",
        b"[\x01]",
        b"{\"a\":1,}",
        b"['a']",
        b"[\"a\\\"",
        b"[\"a\\\"]x",
        b"\xff\xfe[\x00]\x00",
    ] {
        let shaped = judged(body, Plan::default());
        assert!(matches!(shaped, Err(Problem::Flaw(_))), "{shaped:?}");
    }
}

#[test]
fn an_item_of_any_length_is_read_and_the_others_with_it() {
    let many: Vec<String> = (0..60_000).map(|n| format!("value number {n}")).collect();
    let item = json!({ "name": "big", "text": "x".repeat(3 << 20), "behind": 1 });
    let body = json!([{ "name": "a" }, item, { "name": "b" }, { "name": "many", "list": many }, { "name": "c" }]).to_string();
    let plan = Plan {
        list: Some(&["rows"]),
        ..Plan::default()
    };
    let selection = Selection {
        fields: vec!["name".into()],
        ..Selection::default()
    };
    let limits = objects();
    let expected = json!([{ "name": "a" }, { "name": "big" }, { "name": "b" }, { "name": "many" }, { "name": "c" }]);
    for (body, list) in [
        (body.clone(), plan),
        (
            format!("{{\"alarms\":{body},\"text\":\"{}\"}}", "y".repeat(2 << 20)),
            plan,
        ),
    ] {
        let whole = shape(body.as_bytes(), list, &selection, limits, &|_| None).unwrap();
        let answer: Value = serde_json::from_str(&whole).unwrap();
        assert_eq!(answer["items"], expected, "{whole}");
        let note = answer["note"].as_str().unwrap();
        assert!(note.contains("2 items are longer than 1 MiB"), "{note}");
        for part in [1000, 16_384, 1_000_003] {
            assert_eq!(
                in_parts(body.as_bytes(), &[part], list, &selection, limits).as_ref(),
                Ok(&whole)
            );
        }
    }
    let all = shape(
        body.as_bytes(),
        plan,
        &Selection {
            offset: 1,
            limit: 1,
            ..Selection::default()
        },
        limits,
        &|_| None,
    )
    .unwrap();
    let answer: Value = serde_json::from_str(&all).unwrap();
    assert!(
        answer["items"][0]["text"]
            .as_str()
            .unwrap()
            .starts_with("xxxx"),
        "{all}"
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
