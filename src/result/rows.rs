//! The items of a list one by one, for whoever reduces them.

use std::ops::ControlFlow;

use crate::foreign::Foreign;

use super::shape::{Plan, Reader};
use super::verdict::{Failure, Judged, Received, judge_with};

/// Hands each item of the list to `each`, as JSON text, until it breaks off. `false` if there is no list.
///
/// # Errors
///
/// The failure that the answer is. That is known at its end only, when items have been handed over.
pub(crate) fn rows(
    received: Received<'_>,
    plan: Plan<'_>,
    each: &mut (dyn FnMut(&str) -> ControlFlow<()> + Send),
) -> Result<bool, Failure<Foreign>> {
    let read = |body: &[u8]| Reader::rows(plan, Box::new(each)).whole(body);
    Ok(match judge_with(received, read)? {
        Judged::Json(read) => read.list,
        Judged::Message(_) => false,
    })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::disallowed_types, reason = "the reference to compare with")]

    use proptest::collection::vec;
    use proptest::prelude::*;
    use serde_json::{Value, json};

    use super::*;
    use crate::result::{Expected, HELD};

    /// The items that are handed over of a body that comes in parts of these lengths.
    fn in_parts(body: &[u8], lengths: &[usize], plan: Plan<'_>) -> Option<Vec<Value>> {
        let mut items = Vec::new();
        let mut each = |item: &str| {
            items.push(serde_json::from_str(item).unwrap());
            ControlFlow::Continue(())
        };
        let mut reader = Reader::rows(plan, Box::new(&mut each));
        let mut rest = body;
        for length in lengths.iter().cycle() {
            if rest.is_empty() {
                break;
            }
            let (part, others) = rest.split_at((*length).min(rest.len()));
            reader.push(part).unwrap();
            rest = others;
        }
        let read = reader.finish().unwrap();
        read.list.then_some(items)
    }

    proptest! {
        #[test]
        fn the_same_items_are_handed_over_however_they_come(
            items in vec((any::<u32>(), "[a-z\"\\\\\u{e9}]{0,8}"), 0..30),
            place in 0usize..4,
            lengths in vec(1usize..40, 1..5),
        ) {
            let items: Vec<Value> = items
                .iter()
                .map(|(number, text)| json!({ "a": number, "b": [text, { "c": text }] }))
                .collect();
            let body = match place {
                0 => json!(items),
                1 => json!({ "page": 1, "rows": items, "total": 3 }),
                // Where it is not documented.
                2 => json!({ "devices": items, "page": 1 }),
                _ => json!({ "page": { "devices": items } }),
            }
            .to_string();
            let plan = Plan { list: Some(&["rows"]), read: true, ..Plan::default() };
            let handed = in_parts(body.as_bytes(), &lengths, plan);
            prop_assert_eq!(handed.as_ref(), Some(&items));
            let received = Received {
                status: 200,
                content_type: None,
                body: body.as_bytes(),
                expected: Expected::Json,
            };
            let mut whole = Vec::new();
            let found = rows(received, plan, &mut |item| {
                whole.push(serde_json::from_str::<Value>(item).unwrap());
                ControlFlow::Continue(())
            });
            prop_assert_eq!(found, Ok(true));
            prop_assert_eq!(whole, items);
        }
    }

    #[test]
    fn items_of_a_list_that_is_larger_than_what_is_held_are_all_handed_over() {
        let item = format!("{{\"a\":\"{}\"}},", "x".repeat(1000));
        let count = HELD / item.len() * 2;
        let body = format!("{{\"rows\":[{}{{}}]}}", item.repeat(count));
        let plan = Plan {
            list: Some(&["rows"]),
            read: true,
            ..Plan::default()
        };
        let handed = in_parts(body.as_bytes(), &[64 << 10], plan);
        assert_eq!(handed.map(|items| items.len()), Some(count + 1));
    }
}
