//! Questions to a list (`where`, `sort`, `count_by`), held against a reference that parses, filters, sorts and groups.

use std::cmp::Ordering;
use std::collections::BTreeMap;

use opmanager_mcp_server::result::{
    Limits, Plan, Problem, Query, Reader, Selection, Series, Sort, Where, Words, shape,
};
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;
use serde_json::{Map, Value, json};

/// Without tables.
fn objects() -> Limits {
    Limits {
        tables: false,
        ..Limits::default()
    }
}

const NAMES: [&str; 4] = ["a", "b", "c.d", "e"];

/// What a value means to the reference.
#[derive(Debug, Clone, PartialEq)]
enum Meaning {
    Number(f64),
    Text(String),
    Nothing,
}

/// Values with their meaning, written by hand.
fn values() -> Vec<(Value, Meaning)> {
    use Meaning::{Nothing, Number, Text};
    let text = |text: &str| (json!(text), Text(text.to_lowercase()));
    std::vec![
        (json!(1), Number(1.0)),
        (json!("1"), Number(1.0)),
        (json!(2.5), Number(2.5)),
        (json!(-3), Number(-3.0)),
        (json!("3.768 K"), Number(3768.0)),
        (json!("10 Gbps"), Number(1e10)),
        (json!("0.02%"), Number(0.02)),
        (json!("69.148 M (0.0%)"), Number(69_148_000.0)),
        text("Lyon"),
        text("LYON core"),
        text("x \u{c9}t\u{e9}"),
        text("10.20.1.1"),
        text("quote\"d \\ back"),
        text("true"),
        (json!("NA"), Nothing),
        (json!(""), Nothing),
        (Value::Null, Nothing),
    ]
}

fn shown(value: &Value) -> Option<String> {
    match value {
        Value::Null | Value::Array(_) | Value::Object(_) => None,
        Value::String(text) => Some(text.clone()),
        other => Some(other.to_string()),
    }
}

fn item() -> impl Strategy<Value = Value> {
    let value = || prop::option::weighted(0.8, select(values()).prop_map(|(value, _)| value));
    (value(), value(), value(), value()).prop_map(|(a, b, d, e)| {
        let mut item = Map::new();
        for (name, value) in [("a", a), ("B", b), ("e", e)] {
            if let Some(value) = value {
                item.insert(name.to_owned(), value);
            }
        }
        if let Some(d) = d {
            item.insert("c".to_owned(), json!({ "x": [1], "d": d }));
        }
        Value::Object(item)
    })
}

#[derive(Debug, Clone)]
struct Condition {
    name: &'static str,
    operator: &'static str,
    literal: Value,
    meaning: Meaning,
}

fn condition() -> impl Strategy<Value = Condition> {
    const OPERATORS: [&str; 8] = ["=", "!=", "<", "<=", ">", ">=", "~", "!~"];
    (select(&NAMES[..]), select(&OPERATORS[..]), select(values())).prop_filter_map(
        "texts have no order, and quotes cannot be quoted",
        |(name, operator, (literal, meaning))| {
            let ordered = operator.contains(['<', '>']);
            let text = literal.as_str().unwrap_or_default();
            let comparable = !ordered || matches!(meaning, Meaning::Number(_));
            let usable = comparable && !literal.is_null() && !text.contains('"');
            usable.then_some(Condition {
                name,
                operator,
                literal,
                meaning,
            })
        },
    )
}

fn find<'v>(item: &'v Value, name: &str) -> Option<&'v Value> {
    match name.split_once('.') {
        Some((head, rest)) => find(item.get(head)?, rest),
        None => item
            .as_object()?
            .iter()
            .find(|(key, _)| key.eq_ignore_ascii_case(name))
            .map(|(_, value)| value),
    }
}

fn meaning(value: Option<&Value>) -> Meaning {
    values()
        .into_iter()
        .find(|(known, _)| Some(known) == value)
        .map_or(Meaning::Nothing, |(_, meaning)| meaning)
}

fn meets(item: &Value, condition: &Condition) -> bool {
    let value = find(item, condition.name);
    let Some(text) = value.and_then(shown) else {
        return condition.operator.starts_with('!');
    };
    let literal = shown(&condition.literal).unwrap_or_default().to_lowercase();
    let contains = text.to_lowercase().contains(&literal);
    let ordering = match (meaning(value), &condition.meaning) {
        (Meaning::Number(one), Meaning::Number(other)) => one.partial_cmp(other),
        _ => None,
    };
    let equal = ordering.map_or(text.to_lowercase() == literal, Ordering::is_eq);
    match condition.operator {
        "=" => equal,
        "!=" => !equal,
        "~" => contains,
        "!~" => !contains,
        "<" => ordering.is_some_and(Ordering::is_lt),
        "<=" => ordering.is_some_and(Ordering::is_le),
        ">" => ordering.is_some_and(Ordering::is_gt),
        _ => ordering.is_some_and(Ordering::is_ge),
    }
}

fn rank(one: &Value, other: &Value, name: &str, descending: bool) -> Ordering {
    let (one, other) = (meaning(find(one, name)), meaning(find(other, name)));
    let ordering = match (&one, &other) {
        (Meaning::Nothing, Meaning::Nothing) => return Ordering::Equal,
        (Meaning::Nothing, _) => return Ordering::Greater,
        (_, Meaning::Nothing) => return Ordering::Less,
        (Meaning::Number(one), Meaning::Number(other)) => one.total_cmp(other),
        (Meaning::Text(one), Meaning::Text(other)) => one.cmp(other),
        (Meaning::Number(_), Meaning::Text(_)) => Ordering::Less,
        (Meaning::Text(_), Meaning::Number(_)) => Ordering::Greater,
    };
    if descending {
        ordering.reverse()
    } else {
        ordering
    }
}

/// The answer of a body in parts of that length.
fn answer(
    body: &str,
    part: usize,
    list: &[&str],
    (selection, tables): (&Selection, bool),
) -> Result<Value, Problem> {
    let plan = Plan {
        list: Some(list),
        read: true,
        ..Plan::default()
    };
    let limits = Limits {
        max_chars: 1_000_000,
        raw: true,
        tables,
    };
    let whole = shape(body.as_bytes(), plan, selection, limits, &|_| None);
    let mut reader = Reader::new(plan, selection, limits, &|_| None);
    for part in body.as_bytes().chunks(part) {
        reader.push(part)?;
    }
    assert_eq!(reader.finish().map(|read| read.text), whole);
    Ok(serde_json::from_str(&whole?).unwrap())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn questions_are_answered_as_by_the_reference(
        items in vec(item(), 1..40),
        conditions in vec(condition(), 0..4),
        sort in vec((select(&NAMES[..]), any::<bool>()), 0..3),
        count_by in vec(select(&NAMES[..]), 0..3),
        limit in 1usize..12,
        offset in 0usize..6,
        part in 1usize..200,
        named: bool,
        tables: bool,
    ) {
        let text: Vec<String> = conditions
            .iter()
            .map(|one| format!("{} {} \"{}\"", one.name, one.operator, shown(&one.literal).unwrap()))
            .collect();
        let keys: Vec<String> = sort
            .iter()
            .map(|(name, descending)| format!("{}{name}", if *descending { "-" } else { "" }))
            .collect();
        let query = Query {
            filter: Where::parse(&text.join(" and ")).unwrap(),
            sort: Sort::parse(&keys.join(",")).unwrap(),
            count_by: count_by.iter().map(|&name| name.to_owned()).collect(),
            ..Query::default()
        };
        let selection = Selection { limit, offset, query, ..Selection::default() };
        let (list, body): (&[&str], Value) = if named {
            (&["rows"], json!({ "page": 1, "rows": items }))
        } else {
            (&["rows"], json!({ "devices": items }))
        };
        let answer = answer(&body.to_string(), part, list, (&selection, tables));

        let asked: Vec<&str> = conditions.iter().map(|one| one.name)
            .chain(sort.iter().map(|(name, _)| *name))
            .chain(count_by.iter().copied())
            .collect();
        let unknown = asked.iter().any(|name| items.iter().all(|item| find(item, name).is_none()));
        let empty = items.iter().all(|item| item.as_object().unwrap().is_empty());
        if unknown && !empty {
            prop_assert!(matches!(answer, Err(Problem::UnknownNames { .. })), "{answer:?}");
            return Ok(());
        }
        let answer = answer.unwrap();
        let mut wanted: Vec<&Value> = items
            .iter()
            .filter(|item| conditions.iter().all(|condition| meets(item, condition)))
            .collect();
        prop_assert_eq!(&answer["total"], &json!(items.len()));
        if !conditions.is_empty() {
            prop_assert_eq!(&answer["matched"], &json!(wanted.len()), "{}", answer);
        }
        if !count_by.is_empty() {
            let mut groups: BTreeMap<Vec<String>, usize> = BTreeMap::new();
            for item in wanted {
                let group = count_by.iter().map(|name| find(item, name).and_then(shown).unwrap_or_default());
                *groups.entry(group.collect()).or_default() += 1;
            }
            let mut groups: Vec<_> = groups.into_iter().collect();
            groups.sort_by_key(|(_, count)| std::cmp::Reverse(*count));
            let rest: usize = groups.iter().skip(offset + limit).map(|(_, count)| count).sum();
            let rows: Vec<Value> = groups.iter().skip(offset).take(limit).map(|(values, count)| {
                // A number in any spelling that JSON has for it too is told as one.
                let told = |value: &String| match value.parse::<i64>() {
                    Ok(number) if number.to_string() == *value => json!(number),
                    _ => json!(value),
                };
                let mut row: Vec<Value> = values.iter().map(told).collect();
                row.push(json!(count));
                Value::from(row)
            }).collect();
            prop_assert_eq!(&answer["rows"], &Value::from(rows), "{}", answer);
            let written = answer["rows"].as_array().unwrap().len();
            let told = answer.get("groups").cloned().unwrap_or_else(|| json!(written));
            prop_assert_eq!(&told, &json!(groups.len()));
            prop_assert_eq!(answer.get("other").and_then(Value::as_u64).unwrap_or(0), rest as u64);
            return Ok(());
        }
        wanted.sort_by(|one, other| {
            sort.iter().fold(Ordering::Equal, |ordering, (name, descending)| {
                ordering.then_with(|| rank(one, other, name, *descending))
            })
        });
        let matched = wanted.len();
        let wanted: Vec<&Value> = wanted.into_iter().skip(offset).take(limit).collect();
        let next = offset + wanted.len();
        prop_assert_eq!(answer.get("next_offset").is_some(), next < matched, "{}", answer);
        if let Some(columns) = answer.get("columns") {
            prop_assert!(tables);
            let columns: Vec<&str> = columns.as_array().unwrap().iter().map(|name| name.as_str().unwrap()).collect();
            let rows = answer["rows"].as_array().unwrap();
            prop_assert_eq!(rows.len(), wanted.len());
            for (row, item) in rows.iter().zip(wanted) {
                for (column, value) in columns.iter().zip(row.as_array().unwrap()) {
                    prop_assert_eq!(item.get(column).unwrap_or(&Value::Null), value);
                }
                prop_assert!(item.as_object().unwrap().keys().all(|key| columns.contains(&key.as_str())));
            }
        } else {
            prop_assert_eq!(&answer["items"], &json!(wanted), "{}", answer);
        }
    }

    #[test]
    fn any_text_is_a_question_or_told_what_is_accepted(text in "\\PC{0,40}", words in vec(select(&["a", "=", "<", "!~", "and", " ", "'", "\"", "1", "\u{e9}"][..]), 0..12)) {
        for text in [text, words.concat()] {
            if let Err(error) = Where::parse(&text) {
                prop_assert!(error.starts_with("at character ") && error.contains("severity<=2"), "{error}");
            }
            let _ = Sort::parse(&text);
        }
    }
}

fn asked(query: Query) -> Selection {
    Selection {
        query,
        ..Selection::default()
    }
}

#[test]
fn times_compare_as_times() {
    let body = json!([
        { "n": 1, "modTime": "14 Jan 2026 09:12:11 AM UTC" },
        { "n": 2, "modTime": "02 Feb 2026 01:00:00 PM UTC" },
        { "n": 3, "modTime": "31 Dec 2025 11:59:59 PM UTC" },
    ])
    .to_string();
    for literal in [
        "14 Jan 2026 10:00:00 AM",
        "2026-01-14 10:00",
        "2026-01-14T10:00:00Z",
    ] {
        let filter = Where::parse(&format!("modTime > '{literal}'")).unwrap();
        let found = answer(
            &body,
            7,
            &[],
            (
                &asked(Query {
                    filter,
                    ..Query::default()
                }),
                false,
            ),
        )
        .unwrap();
        assert_eq!(found["matched"], 1, "{literal}: {found}");
        assert_eq!(found["items"][0]["n"], 2);
    }
    let sort = Sort::parse("-modTime").unwrap();
    let found = answer(
        &body,
        7,
        &[],
        (
            &asked(Query {
                sort,
                ..Query::default()
            }),
            false,
        ),
    )
    .unwrap();
    let order: Vec<&Value> = found["items"]
        .as_array()
        .unwrap()
        .iter()
        .map(|item| &item["n"])
        .collect();
    assert_eq!(order, [2, 1, 3]);
}

#[test]
fn a_name_that_no_item_has_is_refused_with_those_that_exist() {
    let body = json!([{ "severity": 1, "displayName": "x" }]).to_string();
    let (filter, sort) = (
        Where::parse("sevrity=1").unwrap(),
        Sort::parse("-sevrity").unwrap(),
    );
    for (argument, query) in [
        (
            "where",
            Query {
                filter,
                ..Query::default()
            },
        ),
        (
            "sort",
            Query {
                sort,
                ..Query::default()
            },
        ),
        (
            "count_by",
            Query {
                count_by: std::vec!["sevrity".into()],
                ..Query::default()
            },
        ),
    ] {
        assert_eq!(
            answer(&body, 3, &[], (&asked(query), false)),
            Err(Problem::UnknownNames {
                argument,
                names: "sevrity".into(),
                existing: "severity, displayName".into()
            })
        );
    }
}

#[test]
fn groups_beyond_a_thousand_are_counted_together() {
    let items: Vec<Value> = (0..1500).map(|n| json!({ "name": n })).collect();
    let query = Query {
        count_by: std::vec!["name".into()],
        ..Query::default()
    };
    let selection = Selection {
        limit: 2000,
        ..asked(query)
    };
    let found = answer(
        &Value::from(items).to_string(),
        5000,
        &[],
        (&selection, false),
    )
    .unwrap();
    assert_eq!(found.get("groups"), None, "all of them are told");
    assert_eq!(found["rows"].as_array().unwrap().len(), 1000);
    assert_eq!(found["other"], 500);
}

#[test]
fn conditions_see_what_a_reader_sees() {
    let body =
        json!([{ "severity": "<img src='x'>&nbsp;Attention ", "key": "a SECRET b" }]).to_string();
    let redact = |text: &str| {
        text.contains("SECRET")
            .then(|| text.replace("SECRET", "[redacted]"))
    };
    for (filter, matched) in [
        ("severity=attention", 1),
        ("severity~img", 0),
        // A question is no way to find out what is redacted.
        ("key~SEC", 0),
        ("key~'[redacted]'", 1),
    ] {
        let selection = asked(Query {
            filter: Where::parse(filter).unwrap(),
            ..Query::default()
        });
        let plan = Plan {
            list: Some(&[]),
            markup: &["severity"],
            ..Plan::default()
        };
        let text = shape(body.as_bytes(), plan, &selection, objects(), &redact).unwrap();
        let found: Value = serde_json::from_str(&text).unwrap();
        assert_eq!(found["matched"], matched, "{filter}: {text}");
    }
}

#[test]
fn default_fields_layout_and_siblings_come_when_asked_for() {
    let plan = Plan {
        list: Some(&["rows"]),
        read: true,
        default_fields: &["name", "state"],
        repeated: &["page", "chart"],
        ..Plan::default()
    };
    let shaped = |body: &str, plan: Plan<'_>, fields: &[&str]| {
        let selection = Selection {
            fields: fields.iter().map(|&field| field.to_owned()).collect(),
            ..asked(Query::default())
        };
        let text = shape(body.as_bytes(), plan, &selection, objects(), &|_| None).unwrap();
        serde_json::from_str::<Value>(&text).unwrap()
    };
    let body = r#"{"page":1,"chart":{"x":1},"rows":[{"name":"a","state":5,"more":1},{"other":2}]}"#;
    let found = shaped(body, plan, &[]);
    assert_eq!(
        found["items"],
        json!([{ "name": "a", "state": 5 }, { "other": 2 }])
    );
    assert_eq!(found.get("opmanager"), None);
    let all = shaped(body, plan, &["*"]);
    assert_eq!(
        all["items"][0],
        json!({ "name": "a", "state": 5, "more": 1 })
    );
    assert_eq!(all["opmanager"], json!({ "page": 1, "chart": { "x": 1 } }));
    let some = shaped(body, plan, &["more", "page"]);
    assert_eq!(some["items"][0], json!({ "more": 1 }));
    assert_eq!(some["opmanager"], json!({ "page": 1 }));
    assert_eq!(some.get("note"), None, "{some}");
    let plan = Plan {
        read: true,
        layout: &["snapDetails"],
        ..Plan::default()
    };
    let body = r#"{"snapDetails":{"w":1},"device":{"name":"a","cpu":{"v":3}}}"#;
    assert_eq!(
        shaped(body, plan, &[]),
        json!({ "device": { "name": "a", "cpu": { "v": 3 } } })
    );
    assert_eq!(
        shaped(body, plan, &["device.cpu.V"]),
        json!({ "device": { "cpu": { "v": 3 } } })
    );
    assert_eq!(
        shaped(body, plan, &["snapDetails.w"]),
        json!({ "snapDetails": { "w": 1 } })
    );
    assert_eq!(
        shaped(body, plan, &["*"]),
        serde_json::from_str::<Value>(body).unwrap()
    );
}

#[test]
fn series_are_summed_up_and_points_come_when_asked_for() {
    const SERIES: [Series<'static>; 2] = [
        Series {
            path: &["graphData", "*", "data"],
            time: "0",
            value: "1",
            unit: &["suffix", "xyTitles"],
        },
        Series {
            path: &["uptime", "*"],
            time: "at",
            value: "share",
            unit: &[],
        },
    ];
    let plan = Plan {
        read: true,
        series: &SERIES,
        ..Plan::default()
    };
    let data: Vec<Value> = (1..=100)
        .map(|n| json!([1_700_000_000_000_u64 + n * 300_000, n, n.to_string()]))
        .collect();
    let body = json!({
        "displayName": "Traffic",
        "xyTitles": ["Time", "bps"],
        "graphData": [
            { "seriesname": "Rx", "data": data, "suffix": "M" },
            { "seriesname": "Tx", "data": [] },
        ],
        "uptime": { "a": [{ "at": 2, "share": "99.5%" }, { "at": 1, "share": "50%" }, { "at": 3 }] },
    })
    .to_string();
    let shaped = |points| {
        let selection = asked(Query {
            points,
            ..Query::default()
        });
        let text = shape(body.as_bytes(), plan, &selection, objects(), &|_| None).unwrap();
        serde_json::from_str::<Value>(&text).unwrap()
    };
    let found = shaped(None);
    assert_eq!(
        found["graphData"][0]["data"],
        json!({
            "unit": "M", "from": 1_700_000_300_000_u64, "to": 1_700_030_000_000_u64, "n": 100,
            "min": 1, "average": 50.5, "max": 100, "p95": 95, "last": 100, "trend": "rising",
        })
    );
    assert_eq!(
        found["graphData"][1]["data"],
        json!({ "unit": "bps", "n": 0 })
    );
    // Newest last, whatever the order; what has no value is counted.
    assert_eq!(
        found["uptime"]["a"],
        json!({
            "from": 1, "to": 2, "n": 2, "without_value": 1,
            "min": 50, "average": 74.75, "max": 99.5, "p95": 99.5, "last": 99.5, "trend": "rising",
        })
    );
    let points = &shaped(Some(4))["graphData"][0]["data"]["points"];
    let values: Vec<&Value> = points
        .as_array()
        .unwrap()
        .iter()
        .map(|point| &point[1])
        .collect();
    assert_eq!(values, [25, 50, 75, 100]);
}

#[test]
fn arguments_that_cannot_be_applied_are_named() {
    let query = Query {
        filter: Where::parse("a=1").unwrap(),
        sort: Sort::parse("a").unwrap(),
        count_by: std::vec!["a".into()],
        points: Some(5),
    };
    let selection = Selection {
        limit: 1,
        offset: 1,
        ..asked(query)
    };
    for list in [None, Some(&["rows"][..])] {
        let plan = Plan {
            list,
            read: true,
            ..Plan::default()
        };
        let shaped = shape(br#"{"b":1}"#, plan, &selection, objects(), &|_| None).unwrap();
        for argument in ["limit", "offset", "where", "sort", "count_by", "points"] {
            assert!(
                shaped.contains(&format!("`{argument}`")),
                "{argument}: {shaped}"
            );
        }
        assert!(shaped.starts_with(r#"{"b":1,"#), "{shaped}");
    }
}

#[test]
fn the_word_of_a_code_stands_for_it() {
    let codes = [("Critical", "1"), ("Clear", "5")];
    let words = [Words {
        field: "severity".to_owned(),
        codes: codes
            .map(|(word, code)| (word.to_owned(), code.to_owned()))
            .into(),
    }];
    let body = br#"[{"severity":1},{"severity":"5"},{"severity":"CRITICAL"},{"other":1}]"#;
    for (filter, matched) in [
        ("severity=critical", 2),
        ("severity!=critical", 2),
        ("severity=1", 1),
    ] {
        let selection = asked(Query {
            filter: Where::parse(filter).unwrap(),
            ..Query::default()
        });
        let plan = Plan {
            list: Some(&[]),
            words: &words,
            ..Plan::default()
        };
        let text = shape(body, plan, &selection, objects(), &|_| None).unwrap();
        let found: Value = serde_json::from_str(&text).unwrap();
        assert_eq!(found["matched"], matched, "{filter}: {text}");
    }
}

#[test]
fn instants_compare_with_epochs_and_never_with_local_times() {
    let body = r#"[{"at":1768381800000,"text":"14 Jan 2026 09:10:00 AM CET","iso":"2026-01-14T10:10:00+01:00"},
        {"at":1768385400000,"text":"14 Jan 2026 10:10:00 AM CET","iso":"2026-01-14T11:10:00+01:00"}]"#;
    let ask = |filter: &str| {
        let filter = Where::parse(filter).unwrap();
        answer(
            body,
            11,
            &[],
            (
                &asked(Query {
                    filter,
                    ..Query::default()
                }),
                false,
            ),
        )
    };
    for (filter, matched) in [
        ("at>=2026-01-14T09:40:00Z", 1),
        ("at>=2026-01-14T10:10:00+01:00", 2),
        ("at<now-1h", 2),
        ("at>now", 0),
        ("at=1768381800000", 1),
        ("iso>2026-01-14T09:30:00Z", 1),
        ("text>'14 Jan 2026 09:30:00 AM'", 1),
        ("text>=2026-01-14", 2),
    ] {
        assert_eq!(ask(filter).unwrap()["matched"], matched, "{filter}");
    }
    for (filter, name, part) in [
        ("at>'2026-01-14 09:00'", "at", "an instant"),
        ("at>2026-01-14", "at", "an instant"),
        ("text>2026-01-14T09:30:00Z", "text", "without a zone"),
        ("text>now-1h", "text", "without a zone"),
        ("text>1768381800000", "text", "times as text"),
    ] {
        match ask(filter) {
            Err(Problem::Uncomparable { name: told, why }) => {
                assert_eq!(told, name);
                assert!(why.contains(part), "{filter}: {why}");
            }
            other => panic!("{filter}: {other:?}"),
        }
    }
}

#[test]
fn words_are_looked_into_and_codes_are_compared() {
    let codes = [("Critical", "1"), ("Trouble", "2")];
    let words = [Words {
        field: "statusNum".to_owned(),
        codes: codes
            .map(|(word, code)| (word.to_owned(), code.to_owned()))
            .into(),
    }];
    let plan = Plan {
        list: Some(&[]),
        codes: &[("statusStr", "statusNum")],
        words: &words,
        ..Plan::default()
    };
    let body = r#"[{"statusStr":"Critique","statusNum":1},{"statusStr":"Panne","statusNum":"2"},{"statusStr":"Critical"}]"#;
    for (filter, matched) in [
        ("statusStr=Critical", 2),
        ("statusStr=critique", 1),
        ("statusStr~criti", 2),
        ("statusStr!~criti", 1),
        ("statusStr=2", 1),
        ("statusNum=trouble", 1),
        ("statusStr<=1", 2),
    ] {
        let selection = asked(Query {
            filter: Where::parse(filter).unwrap(),
            ..Query::default()
        });
        let text = shape(body.as_bytes(), plan, &selection, objects(), &|_| None).unwrap();
        let found: Value = serde_json::from_str(&text).unwrap();
        assert_eq!(found["matched"], matched, "{filter}: {text}");
    }
}

#[test]
fn white_space_around_colons_may_be_split_anywhere() {
    let body = "[ { \"a\" : 1 , \"b\": \"x\" } ,\n { \"a\" : 2 , \"b\": \"y\" } , { \"a\" :3, \"b\":\n\"z\" } ]";
    let query = || Query {
        filter: Where::parse("a>1").unwrap(),
        sort: Sort::parse("-b").unwrap(),
        ..Query::default()
    };
    for part in 1..body.len() {
        let found = answer(body, part, &[], (&asked(query()), false)).unwrap();
        assert_eq!(found["matched"], 2, "{part}: {found}");
    }
}
