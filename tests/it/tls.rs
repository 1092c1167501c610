//! Certificates are checked unless a call says otherwise, and nothing is said to a server that fails the check.

use opmanager_simulator::{Fault, FaultKind, Options, Simulator, Tls};
use serde_json::{Value, json};

use crate::support::{Reply, Session, at, self_signed_simulator, simulator};

async fn list_devices(session: &mut Session, simulator: &Simulator, more: Value) -> Reply {
    session.call("list_devices", at(simulator, more)).await
}

fn check_refused(reply: &Reply, simulator: &Simulator) {
    assert!(reply.failed, "{reply:?}");
    let text = reply.text();
    let (first, rest) = text.split_once('\n').unwrap();
    assert!(
        first.starts_with(&format!("TLS with {} failed: ", simulator.host())),
        "{text}"
    );
    let (trust, last_resort) = (
        rest.find("--ca-file FILE"),
        rest.find("`verify_ssl: false`"),
    );
    assert!(
        trust.is_some() && trust < last_resort,
        "verify_ssl is the last resort: {text}"
    );
    assert!(!text.contains(simulator.api_key()), "{text}");
}

#[tokio::test]
async fn a_certificate_that_nobody_vouches_for_is_refused_before_anything_is_said() {
    let signed_by_an_unknown_authority = Simulator::start(Options {
        tls: Tls::CaSigned,
        ..Options::default()
    })
    .await
    .unwrap();
    for simulator in [
        self_signed_simulator().await,
        signed_by_an_unknown_authority,
    ] {
        let mut session = Session::start(&[]).await;
        for more in [
            json!({}),
            json!({ "verify_ssl": true }),
            json!({ "use_ssl": true }),
        ] {
            simulator.clear_log();
            let reply = list_devices(&mut session, &simulator, more).await;
            check_refused(&reply, &simulator);
            assert_eq!(
                (simulator.connections(), simulator.bytes_received()),
                (1, 0)
            );
            assert!(simulator.requests().is_empty());
        }
        // A name that the certificate has not: its chain is no better for that.
        let host = format!("localhost:{}", simulator.address().port());
        let reply = list_devices(&mut session, &simulator, json!({ "host": host })).await;
        assert!(
            reply.failed && simulator.bytes_received() == 0,
            "{}",
            reply.text()
        );
    }
}

#[tokio::test]
async fn an_unverified_answer_is_marked() {
    let simulator = self_signed_simulator().await;
    let mut session = Session::start(&["--log-level", "info"]).await;
    let reply = list_devices(&mut session, &simulator, json!({ "verify_ssl": false })).await;
    assert!(!reply.failed, "{}", reply.text());
    assert!(reply.json().to_string().contains("core-sw-01"));
    assert_eq!(reply.texts.len(), 2);
    assert!(
        reply.texts[1].contains("certificate was not verified"),
        "{}",
        reply.texts[1]
    );
    assert_eq!(
        simulator.requests()[0].header("apikey"),
        Some(simulator.api_key().as_bytes())
    );
    let log = session.finish().await.log;
    assert!(
        log.contains("WARN") && log.contains("trust=unverified"),
        "{log}"
    );
}

#[tokio::test]
async fn a_plain_answer_is_marked() {
    let simulator = simulator().await;
    let mut session = Session::start(&[]).await;
    let reply = list_devices(&mut session, &simulator, json!({})).await;
    assert!(reply.texts[1].contains("plain HTTP"), "{}", reply.texts[1]);
}

#[tokio::test]
async fn a_verified_call_does_not_ride_on_an_unverified_connection() {
    let simulator = self_signed_simulator().await;
    let mut session = Session::start(&[]).await;
    let unverified = json!({ "verify_ssl": false });
    for round in 0..2 {
        let reply = list_devices(&mut session, &simulator, unverified.clone()).await;
        assert!(!reply.failed, "{}", reply.text());
        let (connections, bytes) = (simulator.connections(), simulator.bytes_received());
        for more in [json!({ "verify_ssl": true }), json!({})] {
            let reply = list_devices(&mut session, &simulator, more).await;
            check_refused(&reply, &simulator);
        }
        assert_eq!(
            simulator.connections(),
            connections + 2,
            "each tried a handshake of its own"
        );
        assert_eq!(simulator.bytes_received(), bytes);
        assert_eq!(simulator.requests().len(), round + 1);
    }
}

#[tokio::test]
async fn unverified_connections_are_not_kept() {
    let simulator = self_signed_simulator().await;
    let mut session = Session::start(&[]).await;
    for _ in 0..3 {
        assert!(
            !list_devices(&mut session, &simulator, json!({ "verify_ssl": false }))
                .await
                .failed
        );
    }
    assert_eq!(
        (simulator.connections(), simulator.requests().len()),
        (3, 3)
    );
}

#[tokio::test]
async fn a_server_without_tls_is_not_spoken_to_in_clear() {
    let simulator = simulator().await;
    let mut session = Session::start(&[]).await;
    for (number, more) in [
        json!({ "use_ssl": true }),
        json!({ "use_ssl": true, "verify_ssl": false }),
    ]
    .into_iter()
    .enumerate()
    {
        let reply = list_devices(&mut session, &simulator, more).await;
        check_refused(&reply, &simulator);
        assert!(reply.text().contains("plain HTTP"), "{}", reply.text());
        assert_eq!(simulator.connections(), number + 1, "no second try");
        assert!(simulator.requests().is_empty());
    }
    let assumed = json!({ "host": simulator.host(), "apiKey": simulator.api_key() });
    let reply = session.call("list_devices", assumed).await;
    check_refused(&reply, &simulator);
    assert_eq!(
        (simulator.connections(), simulator.requests().len()),
        (3, 0)
    );
}

#[tokio::test]
async fn a_server_that_closes_during_the_handshake_gets_no_second_try() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let host = listener.local_addr().unwrap().to_string();
    let mut session = Session::start(&[]).await;
    let id = session
        .begin(
            "tools/call",
            json!({ "name": "list_devices", "arguments": { "host": host, "apiKey": "k" } }),
        )
        .await;
    let (stream, _) = listener.accept().await.unwrap();
    let mut first = [0];
    stream.peek(&mut first).await.unwrap();
    assert_eq!(first, [0x16], "a TLS handshake comes first");
    drop(stream);
    let answer = session.answer(id).await;
    assert_eq!(answer["result"]["isError"], true, "{answer}");
    let again = tokio::time::timeout(std::time::Duration::ZERO, listener.accept()).await;
    assert!(again.is_err(), "one connection a call");
}

#[tokio::test]
async fn a_server_with_tls_answers_nothing_in_clear() {
    let simulator = self_signed_simulator().await;
    let mut session = Session::start(&["--access", "write", "--timeout", "5"]).await;
    for (tool, arguments, next) in [
        ("list_devices", json!({}), "Try again"),
        (
            "add_notes",
            json!({ "entity": "a", "notes": "b" }),
            "The outcome is unknown",
        ),
    ] {
        simulator.clear_log();
        let mut given = at(&simulator, arguments);
        given["use_ssl"] = false.into();
        let reply = session.call(tool, given).await;
        assert!(reply.failed, "{}", reply.text());
        for part in [next, "speaks HTTPS", "`use_ssl: true`"] {
            assert!(reply.text().contains(part), "{part}: {}", reply.text());
        }
        assert!(!reply.text().contains(simulator.api_key()));
        assert_eq!(
            (simulator.connections(), simulator.requests().len()),
            (1, 0)
        );
    }
}

#[tokio::test]
async fn faults_behind_tls_are_told_as_what_they_are() {
    let simulator = self_signed_simulator().await;
    let mut session = Session::start(&["--timeout", "2"]).await;
    for (kind, happened) in [
        (FaultKind::CloseAfterRequest, "broke"),
        (FaultKind::Truncated, "broke"),
        (FaultKind::Hang, "within 2 s"),
        (FaultKind::LoginPage, "web page"),
        (
            FaultKind::Redirect {
                status: 302,
                location: "http://127.0.0.1:1/".to_owned(),
            },
            "302",
        ),
    ] {
        simulator.clear_log();
        simulator.inject(Fault::once(kind));
        let reply = list_devices(&mut session, &simulator, json!({ "verify_ssl": false })).await;
        assert!(
            reply.failed && reply.text().contains(happened),
            "{}",
            reply.text()
        );
        assert_eq!(
            (simulator.connections(), simulator.requests().len()),
            (1, 1)
        );
    }
}
