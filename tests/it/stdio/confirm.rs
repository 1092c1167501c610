//! The question before a deletion, asked within a session.

use opmanager_simulator::Simulator;
use serde_json::{Value, json};

use crate::confirm::{deletion, session};
use crate::support::{Session, simulator};

/// Calls, answers the question, and returns the call's result.
async fn asked(session: &mut Session, simulator: &Simulator, answer: Value) -> Value {
    let call = json!({ "name": "delete_alarm", "arguments": deletion(simulator) });
    let id = session.begin("tools/call", call).await;
    let question = session.receive().await;
    assert_eq!(question["method"], "elicitation/create", "{question}");
    let message = question["params"]["message"].as_str().unwrap();
    for part in [
        "delete_alarm",
        "entity: \"db-02_Poll\"",
        simulator.host().as_str(),
    ] {
        assert!(message.contains(part), "{message}");
    }
    assert!(!question.to_string().contains(simulator.api_key()));
    let confirm = &question["params"]["requestedSchema"]["properties"]["confirm"];
    assert_eq!(confirm["type"], "boolean");
    session
        .send(&json!({ "jsonrpc": "2.0", "id": question["id"], "result": answer }))
        .await;
    session.answer(id).await["result"].clone()
}

/// Over HTTP a client of these protocols cannot be asked, because its reply could reach another copy:
/// `ar_13_an_older_client_over_http_counts_as_one_that_cannot_ask`.
#[tokio::test]
async fn ar_13_a_deletion_is_sent_only_after_a_person_has_accepted_it() {
    for flags in [&[][..], &["--confirm-destructive", "always"]] {
        let simulator = simulator().await;
        let mut session = session(flags, json!({ "elicitation": {} })).await;
        for answer in [
            json!({ "action": "decline" }),
            json!({ "action": "cancel" }),
            json!({ "action": "accept" }),
            json!({ "action": "accept", "content": { "confirm": false } }),
            json!({ "action": "accept", "content": { "confirm": "true" } }),
        ] {
            let result = asked(&mut session, &simulator, answer.clone()).await;
            assert_eq!(result["isError"], true, "{answer}");
            assert!(
                result["content"][0]["text"]
                    .as_str()
                    .unwrap()
                    .contains("not sent")
            );
            assert_eq!(simulator.connections(), 0, "{answer}");
        }
        let accepted = json!({ "action": "accept", "content": { "confirm": true } });
        let result = asked(&mut session, &simulator, accepted).await;
        assert_ne!(result["isError"], true, "{result}");
        assert_eq!(simulator.requests().len(), 1);
        session.conclude(simulator.api_key()).await;
    }
}

/// Over HTTP a client of these protocols cannot be asked, because its reply could reach another copy:
/// `ar_13_an_older_client_over_http_counts_as_one_that_cannot_ask`.
#[tokio::test]
async fn ar_13_a_call_that_is_cancelled_while_its_question_is_open_is_not_sent() {
    let simulator = simulator().await;
    let mut session = session(&[], json!({ "elicitation": { "form": {} } })).await;
    let call = json!({ "name": "delete_alarm", "arguments": deletion(&simulator) });
    let id = session.begin("tools/call", call).await;
    let question = session.receive().await;
    session
        .send(&json!({ "jsonrpc": "2.0", "method": "notifications/cancelled", "params": { "requestId": id } }))
        .await;
    let answer = json!({ "action": "accept", "content": { "confirm": true } });
    session
        .send(&json!({ "jsonrpc": "2.0", "id": question["id"], "result": answer }))
        .await;
    session.ping().await;
    assert_eq!(simulator.connections(), 0);
    session.conclude(simulator.api_key()).await;
}
