//! Whatever status, content type and body come: a success is what the reference parser reads too, and a failure is
//! told in few words.

#![no_main]

use libfuzzer_sys::fuzz_target;
use opmanager_mcp_server::foreign::Gate;
use opmanager_mcp_server::result::{Answer, Expected, Failure, Plan, Received, judge};
use serde::de::IgnoredAny;
use serde_json::Value;

const LISTS: [Option<&[&str]>; 4] = [None, Some(&[]), Some(&["rows"]), Some(&["A", "Details"])];

fuzz_target!(|input: (u16, Option<&str>, &[u8], bool, u8)| {
    let (status, content_type, body, bare, list) = input;
    let expected = if bare {
        Expected::BareMessage
    } else {
        Expected::Json
    };
    let plan = Plan {
        list: LISTS[usize::from(list) % LISTS.len()],
        read: bare,
        ..Plan::default()
    };
    let reference = serde_json::from_slice::<Value>(body);
    let received = Received {
        status,
        content_type,
        body,
        expected,
    };
    match judge(received, plan) {
        Ok(answer) => {
            assert!(
                (200..300).contains(&status),
                "a success with status {status}"
            );
            if let Answer::Json(json) = &answer {
                serde_json::from_slice::<IgnoredAny>(json).unwrap();
                let error = reference.as_ref().ok().and_then(|body| body.get("error"));
                let told = match error {
                    Some(Value::String(text)) => !text.trim().is_empty() && text != "0",
                    Some(Value::Bool(told)) => *told,
                    Some(Value::Object(object)) => object.get("message").is_some_and(|message| {
                        message.as_str().is_some_and(|message| !message.is_empty())
                    }),
                    _ => false,
                };
                let none = ["none", "null", "false"]
                    .map(Some)
                    .contains(&error.and_then(Value::as_str).map(|text| text.trim()));
                assert!(!told || none || repeats(body), "an error is a success");
            }
            serde_json::from_str::<IgnoredAny>(&answer.into_json()).unwrap();
        }
        Err(failure) => {
            let failure = failure.tell(Gate::new(&|_| None));
            let told = failure.to_string();
            assert!(told.chars().count() < 1500, "{told}");
            assert!(!told.contains(|c: char| c.is_control()), "{told:?}");
            let unreadable = matches!(
                failure,
                Failure::NotJson { .. }
                    | Failure::Truncated { .. }
                    | Failure::WebPage { .. }
                    | Failure::Empty { .. }
            );
            assert!(
                !(unreadable && reference.is_ok()),
                "the reference reads it: {told}"
            );
        }
    }
});

/// Whether `error` may occur twice, of which the reference's tree keeps the last.
fn repeats(body: &[u8]) -> bool {
    let text = String::from_utf8_lossy(body);
    text.matches("error").count() > 1 || text.contains("\\u")
}
