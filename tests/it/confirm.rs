//! Calls that remove something for good ask first, where the client can ask.

use opmanager_simulator::Simulator;
use serde_json::{Value, json};

use crate::support::{SENTINEL, Session, at, merge, simulator};

const DESTRUCTIVE: [&str; 2] = ["--access", "destructive"];

/// A session whose client says what it can ask.
pub(crate) async fn session(flags: &[&str], capabilities: Value) -> Session {
    let mut session = Session::spawn(&[&DESTRUCTIVE[..], flags].concat());
    let hello = json!({
        "protocolVersion": "2025-11-25",
        "capabilities": capabilities,
        "clientInfo": { "name": "test", "version": "1" },
    });
    session.request("initialize", hello).await;
    session
        .send(&json!({ "jsonrpc": "2.0", "method": "notifications/initialized" }))
        .await;
    session
}

pub(crate) fn deletion(simulator: &Simulator) -> Value {
    at(simulator, json!({ "entity": "db-02_Poll" }))
}

#[tokio::test]
async fn who_cannot_ask_is_served_or_refused_as_the_operator_says() {
    for (flags, capabilities, sent) in [
        (&[][..], json!({}), 1),
        (
            &["--confirm-destructive", "off"],
            json!({ "elicitation": {} }),
            1,
        ),
        (&["--confirm-destructive", "always"], json!({}), 0),
        // Asking by a page of the web is not asking by a form.
        (
            &["--confirm-destructive", "always"],
            json!({ "elicitation": { "url": {} } }),
            0,
        ),
    ] {
        let simulator = simulator().await;
        let mut session = session(flags, capabilities).await;
        let reply = session.call("delete_alarm", deletion(&simulator)).await;
        assert_eq!(reply.failed, sent == 0, "{}", reply.text());
        if sent == 0 {
            assert!(
                reply.text().contains("--confirm-destructive auto"),
                "{}",
                reply.text()
            );
        }
        assert_eq!(simulator.requests().len(), sent);
    }
}

#[tokio::test]
async fn what_only_reads_or_can_be_undone_is_not_asked_for() {
    let simulator = simulator().await;
    let mut session = session(
        &["--confirm-destructive", "always"],
        json!({ "elicitation": {} }),
    )
    .await;
    for name in ["list_alarms", "clear_alarm"] {
        let given = if name == "list_alarms" {
            at(&simulator, json!({}))
        } else {
            deletion(&simulator)
        };
        let reply = session.call(name, given).await;
        assert!(!reply.failed, "{}", reply.text());
    }
    assert_eq!(simulator.requests().len(), 2);
}

#[tokio::test]
async fn what_is_wrong_is_refused_before_anybody_is_asked() {
    let simulator = simulator().await;
    let mut session = session(&[], json!({ "elicitation": {} })).await;
    let reply = session
        .call("delete_alarm", at(&simulator, json!({})))
        .await;
    assert!(reply.failed && reply.text().contains("`entity` is missing"));
    let reply = session
        .call(
            "delete_alarm",
            merge(
                deletion(&simulator),
                json!({ "host": "169.254.169.254:8060" }),
            ),
        )
        .await;
    assert!(
        reply.failed && reply.text().contains("`host`"),
        "{}",
        reply.text()
    );
    session.conclude(simulator.api_key()).await;
}

/// A call as the stateless protocol has it.
fn stateless(simulator: &Simulator, tool: &str, more: Value) -> Value {
    let arguments = match tool {
        "call_operation" => at(
            simulator,
            json!({ "operation": "delete_alarm", "arguments": { "entity": "db-02_Poll" } }),
        ),
        _ => deletion(simulator),
    };
    newest(tool, &arguments, more)
}

#[tokio::test]
async fn ar_13_the_stateless_protocol_asks_by_its_answer() {
    for tool in ["delete_alarm", "call_operation"] {
        let simulator = simulator().await;
        let mut session = Session::spawn(&[
            "--toolsets",
            "core",
            "--tools",
            "delete_alarm",
            "--access",
            "destructive",
        ]);
        let answer = session
            .request("tools/call", stateless(&simulator, tool, json!({})))
            .await;
        let wanted = &answer["result"];
        assert_eq!(wanted["resultType"], "input_required", "{answer}");
        let question = &wanted["inputRequests"]["confirm"];
        assert_eq!(question["method"], "elicitation/create");
        let state = wanted["requestState"].as_str().unwrap().to_owned();
        assert!(!answer.to_string().contains(simulator.api_key()));
        let accepted = json!({ "confirm": { "action": "accept", "content": { "confirm": true } } });
        for (more, part) in [
            (
                json!({ "inputResponses": { "confirm": { "action": "decline" } }, "requestState": state }),
                "was refused",
            ),
            (
                json!({ "inputResponses": { "confirm": { "action": "cancel" } }, "requestState": state }),
                "was cancelled",
            ),
            (
                json!({ "inputResponses": { "confirm": 7 }, "requestState": state }),
                "cannot be read",
            ),
            (
                json!({ "inputResponses": accepted }),
                "was for another call",
            ),
            (
                json!({ "inputResponses": accepted, "requestState": "x" }),
                "was for another call",
            ),
        ] {
            let answer = session
                .request("tools/call", stateless(&simulator, tool, more))
                .await;
            assert_eq!(answer["result"]["isError"], true, "{answer}");
            assert!(
                answer["result"]["content"][0]["text"]
                    .as_str()
                    .unwrap()
                    .contains(part),
                "{answer}"
            );
        }
        // A confirmation of one deletion confirms no other.
        let mut other = stateless(
            &simulator,
            "delete_alarm",
            json!({ "inputResponses": accepted, "requestState": state }),
        );
        other["arguments"]["entity"] = json!("web-01_Poll");
        let answer = session.request("tools/call", other).await;
        assert_eq!(answer["result"]["isError"], true, "{answer}");
        assert_eq!(simulator.connections(), 0);
        let more = json!({ "inputResponses": accepted, "requestState": state });
        let answer = session
            .request("tools/call", stateless(&simulator, tool, more))
            .await;
        assert_ne!(answer["result"]["isError"], true, "{answer}");
        assert_eq!(simulator.requests().len(), 1);
    }
}

/// What the stateless protocol asks of a call with these arguments: the question's text, and its state.
async fn asked_statelessly(
    session: &mut Session,
    tool: &str,
    arguments: Value,
) -> (String, String) {
    let answer = session
        .request("tools/call", newest(tool, &arguments, json!({})))
        .await;
    let wanted = &answer["result"];
    assert_eq!(wanted["resultType"], "input_required", "{answer}");
    let message = &wanted["inputRequests"]["confirm"]["params"]["message"];
    (
        message.as_str().unwrap().to_owned(),
        wanted["requestState"].as_str().unwrap().to_owned(),
    )
}

fn newest(tool: &str, arguments: &Value, more: Value) -> Value {
    let call = json!({
        "name": tool,
        "arguments": arguments,
        "_meta": {
            "io.modelcontextprotocol/protocolVersion": "2026-07-28",
            "io.modelcontextprotocol/clientCapabilities": { "elicitation": {} },
        },
    });
    merge(call, more)
}

#[tokio::test]
async fn rt_31_a_confirmation_is_of_everything_that_decides_where_and_how_a_call_goes() {
    let simulator = simulator().await;
    let port: u16 = simulator
        .host()
        .rsplit_once(':')
        .unwrap()
        .1
        .parse()
        .unwrap();
    let base = json!({
        "host": "127.0.0.1", "port": port, "apiKey": SENTINEL,
        "name": "db-02", "pollId": "1,2",
    });
    let mut session = Session::spawn(&[&DESTRUCTIVE[..], &["--msp"]].concat());
    const TOOL: &str = "delete_performance_monitors";
    let variants = [
        json!({}),
        json!({ "use_ssl": false }),
        json!({ "verify_ssl": false }),
        json!({ "use_ssl": false, "verify_ssl": false }),
        json!({ "host": "localhost" }),
        json!({ "port": port ^ 1 }),
        json!({ "name": "db-03" }),
        json!({ "pollId": "1,2,3" }),
        json!({ "pollId": "12" }),
        json!({ "pollId": "1", "name": "db-02,2" }),
        json!({ "selCustomerID": 901 }),
        json!({ "selCustomerID": 902 }),
        json!({ "regionID": 901 }),
    ];
    let mut states = Vec::new();
    for variant in &variants {
        let arguments = merge(base.clone(), variant.clone());
        let (question, state) = asked_statelessly(&mut session, TOOL, arguments).await;
        if let Some(customer) = variant.get("selCustomerID") {
            let line = format!("\nselCustomerID: {customer}");
            assert!(question.contains(&line), "{question}");
        }
        assert!(!states.contains(&state), "{variant}");
        states.push(state);
    }
    // The key alone is no part of it: who is asked does not see it.
    let other_key = merge(base.clone(), json!({ "apiKey": "another-key" }));
    assert_eq!(
        asked_statelessly(&mut session, TOOL, other_key).await.1,
        states[0]
    );
    // What was confirmed in one way is sent in no other.
    let yes = json!({ "confirm": { "action": "accept", "content": { "confirm": true } } });
    for (at, variant) in variants.iter().enumerate() {
        for (other, state) in states.iter().enumerate() {
            if at == other {
                continue;
            }
            let more = json!({ "inputResponses": yes, "requestState": state });
            let arguments = merge(base.clone(), variant.clone());
            let answer = session
                .request("tools/call", newest(TOOL, &arguments, more))
                .await;
            let text = answer["result"]["content"][0]["text"].as_str().unwrap();
            assert!(text.contains("was for another call"), "{variant}: {text}");
            assert!(
                !text.contains("127.0.0.1") && !text.contains("localhost"),
                "{text}"
            );
        }
    }
    assert_eq!(simulator.connections(), 0);
}

#[tokio::test]
async fn rt_31_a_question_says_in_words_what_weakens_the_trust() {
    let mut session = Session::spawn(&DESTRUCTIVE);
    let base = json!({ "host": "opmanager.example", "apiKey": SENTINEL, "entity": "x" });
    for (more, part) in [
        (json!({}), None),
        (json!({ "verify_ssl": true }), None),
        (
            json!({ "verify_ssl": false }),
            Some("WARNING: the certificate is not verified"),
        ),
        (
            json!({ "port": 8060 }),
            Some("WARNING: it goes over plain HTTP"),
        ),
        (
            json!({ "port": 9000, "use_ssl": false, "verify_ssl": false }),
            Some("WARNING: it goes over plain HTTP"),
        ),
    ] {
        let given = merge(base.clone(), more.clone());
        let (question, _) = asked_statelessly(&mut session, "delete_alarm", given).await;
        assert!(question.contains("on opmanager.example:"), "{question}");
        match part {
            Some(part) => assert!(question.contains(part), "{more}: {question}"),
            None => assert!(!question.contains("WARNING"), "{more}: {question}"),
        }
    }
}

#[tokio::test]
async fn rt_33_a_question_shows_how_long_a_list_is_and_stays_short() {
    let mut session = Session::spawn(&DESTRUCTIVE);
    for (ids, number) in [
        (
            (1..=800)
                .map(|id| id.to_string())
                .collect::<Vec<_>>()
                .join(","),
            800,
        ),
        (vec!["7"; 900].join(","), 900),
        ("1,2".to_owned(), 2),
    ] {
        let length = ids.len() + 2;
        let given = json!({
            "host": "opmanager.example", "apiKey": SENTINEL, "name": "db-02", "pollId": ids,
        });
        let (question, _) =
            asked_statelessly(&mut session, "delete_performance_monitors", given).await;
        let line = question
            .lines()
            .find(|line| line.starts_with("pollId: "))
            .unwrap();
        assert!(line.contains(&format!("(entries: {number})")), "{question}");
        if length > 200 {
            let left_out = length - 200;
            assert!(
                line.ends_with(&format!("(characters left out: {left_out})")),
                "{line}"
            );
        }
        assert!(question.chars().count() < 1_000, "{question}");
        assert!(question.contains("name: \"db-02\""), "{question}");
    }
}

#[tokio::test]
async fn rt_33_a_question_does_not_show_the_key() {
    let mut session = Session::spawn(&DESTRUCTIVE);
    let entity = format!("{}{SENTINEL}", "x".repeat(190));
    let given = json!({ "host": "opmanager.example", "apiKey": SENTINEL, "entity": entity });
    let answer = session
        .request("tools/call", newest("delete_alarm", &given, json!({})))
        .await;
    // Nobody is asked about it: a key in another argument would leave in the URL.
    assert_eq!(answer["result"]["isError"], true, "{answer}");
    let text = answer["result"]["content"][0]["text"].as_str().unwrap();
    assert!(text.contains("`entity` holds the API key"), "{text}");
    assert!(!answer.to_string().contains(&SENTINEL[..8]), "{answer}");
}

#[tokio::test]
async fn a_question_shows_what_nobody_sees_and_is_sent_all_the_same() {
    let mut session = Session::spawn(&DESTRUCTIVE);
    let given = json!({ "host": "opmanager.example", "apiKey": SENTINEL, "entity": "foo\u{200b}\u{ad}bar\u{202e}" });
    let (question, _) = asked_statelessly(&mut session, "delete_alarm", given).await;
    assert!(
        question.contains("foo\\u200b\\u00adbar\\u202e"),
        "{question}"
    );
}

#[cfg(unix)]
#[tokio::test]
async fn a_question_names_the_target_that_came_by_header_and_a_refusal_does_not() {
    use crate::support::http::post;

    let session = Session::serve(&["--access", "destructive", "--credentials", "headers"]).await;
    let headers = [
        ("X-OpManager-Host", "opmanager.example"),
        ("X-OpManager-Api-Key", SENTINEL),
    ];
    let ask = async |more: Value| {
        let params = newest("delete_alarm", &json!({ "entity": "x" }), more);
        let message =
            json!({ "jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": params });
        post(session.address(), &headers, &message).await
    };
    let asked = ask(json!({})).await.json();
    let question = asked["result"]["inputRequests"]["confirm"]["params"]["message"].to_string();
    assert!(question.contains("on opmanager.example:8061"), "{asked}");
    let state = asked["result"]["requestState"].clone();
    for (answer, state) in [
        (json!({ "action": "decline" }), state.clone()),
        (json!({ "action": "cancel" }), state.clone()),
        (json!(7), state),
        (
            json!({ "action": "accept", "content": { "confirm": true } }),
            json!("x"),
        ),
    ] {
        let more = json!({ "inputResponses": { "confirm": answer }, "requestState": state });
        let refused = ask(more).await;
        assert!(refused.failed(), "{refused:?}");
        assert!(!refused.text.contains("opmanager.example"), "{refused:?}");
    }
    session.finish().await.check(SENTINEL);
}
