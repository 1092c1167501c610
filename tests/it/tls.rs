//! Certificates are checked unless a call says otherwise, and nothing is said to a server that fails the check. The
//! numbers are those of the adversarial cases of group TL.

use std::sync::Arc;

use opmanager_simulator::{Certificate, Fault, FaultKind, Options, Simulator, Tls, Validity};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivatePkcs8KeyDer};
use rustls::server::{ClientHello, ResolvesServerCert};
use rustls::sign::CertifiedKey;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

use crate::support::fence::{Fence, KEY, authority, check_refused_flag, file, opmanager};
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

/// A server that shows no certificate: no advice about trust would help.
fn check_no_tls(reply: &Reply, simulator: &Simulator) {
    let text = reply.text();
    let begin = format!("TLS with {} failed: ", simulator.host());
    assert!(reply.failed && text.starts_with(&begin), "{text}");
    assert!(text.contains("If the port speaks plain HTTP"), "{text}");
    for useless in [
        "--ca-file",
        "--pin-sha256",
        "verify_ssl",
        simulator.api_key(),
    ] {
        assert!(!text.contains(useless), "{useless}: {text}");
    }
}

#[tokio::test]
async fn tl_01_a_certificate_that_nobody_vouches_for_is_refused_before_anything_is_said() {
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
async fn tl_02_an_unverified_answer_is_marked() {
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
    assert!(
        reply.texts[1].contains("Plain HTTP: key and answer"),
        "{}",
        reply.texts[1]
    );
}

#[tokio::test]
async fn tl_03_a_verified_call_does_not_ride_on_an_unverified_connection() {
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
async fn tl_12_a_server_without_tls_is_not_spoken_to_in_clear() {
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
        check_no_tls(&reply, &simulator);
        assert_eq!(simulator.connections(), number + 1, "no second try");
        assert!(simulator.requests().is_empty());
    }
    let assumed = json!({ "host": simulator.host(), "apiKey": simulator.api_key() });
    let reply = session.call("list_devices", assumed).await;
    check_no_tls(&reply, &simulator);
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

fn custom(certificate: Certificate) -> Tls {
    Tls::Custom(certificate)
}

#[tokio::test]
async fn tl_05_a_certificate_must_be_current_and_for_the_host_that_is_called() {
    for (number, (certificate, reason)) in [
        (
            Certificate {
                validity: Validity::Over,
                ..Certificate::default()
            },
            "has expired",
        ),
        (
            Certificate {
                validity: Validity::Coming,
                ..Certificate::default()
            },
            "is not valid yet",
        ),
        (
            Certificate {
                names: &["other.test", "127.0.0.2"],
                ..Certificate::default()
            },
            "is for another name",
        ),
        (
            Certificate {
                names: &[],
                common_name: "127.0.0.1",
                ..Certificate::default()
            },
            "is for another name",
        ),
        (
            Certificate {
                names: &["localhost"],
                ..Certificate::default()
            },
            "is for another name",
        ),
    ]
    .into_iter()
    .enumerate()
    {
        let inside = opmanager(custom(certificate)).await;
        let trusted = authority(&format!("tl_05_{number}.pem"), &inside);
        let sha256 = inside.certificate_sha256().unwrap();
        // Its authority is trusted: what is wrong is wrong all the same.
        let mut fence = Fence::around(inside, &["--ca-file", &trusted]).await;
        let text = fence.distrusted(json!({})).await;
        assert!(
            text.contains(&format!("the certificate {reason}")),
            "{certificate:?}: {text}"
        );
        assert!(
            text.contains("issued by `CN=Simulated authority`"),
            "{text}"
        );
        assert!(
            text.replace(':', "").to_lowercase().contains(&sha256),
            "{text}"
        );
        fence.finish().await;
    }
}

#[tokio::test]
async fn tl_05_a_name_in_the_common_name_alone_is_nobodys() {
    let certificate = Certificate {
        names: &[],
        common_name: "localhost",
        ..Certificate::default()
    };
    let inside = opmanager(custom(certificate)).await;
    let trusted = authority("tl_05_cn.pem", &inside);
    let host = format!("localhost:{}", inside.address().port());
    let mut fence = Fence::around(inside, &["--ca-file", &trusted]).await;
    let text = fence.distrusted(json!({ "host": host })).await;
    assert!(text.contains("is for another name"), "{text}");
    fence.finish().await;
}

#[tokio::test]
async fn tl_06_an_authority_of_the_operator_is_trusted_for_the_names_it_vouches_for() {
    let inside = opmanager(Tls::CaSigned).await;
    let trusted = authority("tl_06.pem", &inside);
    let port = inside.address().port();
    let other = opmanager(Tls::CaSigned).await;
    let mut fence = Fence::around(inside, &["--ca-file", &trusted]).await;
    let reply = fence.works(json!({})).await;
    assert!(
        !reply.texts[1].contains("not verified"),
        "{}",
        reply.texts[1]
    );
    fence
        .works(json!({ "host": format!("localhost:{port}") }))
        .await;
    // An authority of the same name with another key.
    let reply = fence.call(json!({ "host": other.host() })).await;
    assert!(reply.failed && other.bytes_received() == 0, "{reply:?}");
    let log = fence.finish().await;
    assert!(log.contains("trust=verified"), "{log}");

    let wrong = opmanager(custom(Certificate {
        names: &["other.test"],
        ..Certificate::default()
    }))
    .await;
    // Several authorities in one file, and several files.
    let both = file(
        "tl_06_both.pem",
        &[other.ca_pem().unwrap(), wrong.ca_pem().unwrap()].concat(),
    );
    let mut fence = Fence::around(wrong, &["--ca-file", &trusted, "--ca-file", &both]).await;
    fence.distrusted(json!({})).await;
    fence.works(json!({ "host": other.host() })).await;
    fence.finish().await;
}

#[tokio::test]
async fn tl_07_a_file_without_certificates_ends_the_program_at_the_start() {
    let inside = opmanager(Tls::CaSigned).await;
    let pem = inside.ca_pem().unwrap();
    let key = pem.replace("CERTIFICATE", "PRIVATE KEY");
    let half: String = pem.lines().take(4).collect::<Vec<_>>().join("\n");
    let broken = pem.replacen("MII", "MIJ", 1);
    for (name, content) in [
        ("empty", ""),
        ("key", &key),
        ("garbage", "zq7 garbage"),
        ("half", &half),
        (
            "no_base64",
            "-----BEGIN CERTIFICATE-----\n!!!\n-----END CERTIFICATE-----\n",
        ),
        (
            "no_der",
            "-----BEGIN CERTIFICATE-----\nenE3\n-----END CERTIFICATE-----\n",
        ),
        ("broken", &broken),
    ] {
        check_refused_flag("--ca-file", &file(&format!("tl_07_{name}.pem"), content));
    }
    check_refused_flag("--ca-file", "/nowhere/ca.pem");
    check_refused_flag("--ca-file", env!("CARGO_TARGET_TMPDIR"));
    check_refused_flag("--ca-file", "");
}

/// The ways in which people write a digest.
fn spellings(sha256: &str) -> [String; 3] {
    let pairs: Vec<&str> = (0..64).step_by(2).map(|at| &sha256[at..at + 2]).collect();
    [
        sha256.to_owned(),
        sha256.to_uppercase(),
        pairs.join(":").to_uppercase(),
    ]
}

#[tokio::test]
async fn tl_08_a_pinned_certificate_is_trusted_as_it_is() {
    let inside = opmanager(Tls::SelfSigned).await;
    let port = inside.address().port();
    let [small, large, colons] = spellings(&inside.certificate_sha256().unwrap());
    let mut fence = Fence::around(inside, &[]).await;
    for (pin, host) in [
        (format!("127.0.0.1:{port}={small}"), "127.0.0.1"),
        (format!("127.0.0.1:{port}={large}"), "127.0.0.1"),
        (format!("127.0.0.1:{port}={colons}"), "127.0.0.1"),
        (format!("127.0.0.1={colons}"), "127.0.0.1"),
        (format!("LocalHost:{port}={small}"), "localhost"),
    ] {
        fence.restart(&["--pin-sha256", &pin]).await;
        for more in [
            json!({}),
            json!({ "verify_ssl": false }),
            json!({ "verify_ssl": true }),
        ] {
            let host = json!({ "host": format!("{host}:{port}") });
            let reply = fence.works(crate::support::merge(host, more)).await;
            assert!(
                !reply.texts[1].contains("not verified"),
                "{}",
                reply.texts[1]
            );
        }
    }
    let log = fence.finish().await;
    assert!(
        log.contains("trust=pinned") && !log.contains("trust=unverified"),
        "{log}"
    );
}

#[tokio::test]
async fn tl_08_a_pin_is_for_its_host_and_port_alone() {
    let inside = opmanager(Tls::SelfSigned).await;
    let port = inside.address().port();
    let sha256 = inside.certificate_sha256().unwrap();
    let mut fence = Fence::around(inside, &[]).await;
    for pin in [
        format!("127.0.0.1:{}={sha256}", port ^ 1),
        format!("127.0.0.2:{port}={sha256}"),
        format!("localhost:{port}={sha256}"),
        format!("localhost={sha256}"),
    ] {
        fence.restart(&["--pin-sha256", &pin]).await;
        fence.distrusted(json!({})).await;
    }
    // The pin with the port is meant where there are two.
    let zeros = "0".repeat(64);
    let (exact, broad) = (
        format!("127.0.0.1:{port}={sha256}"),
        format!("127.0.0.1={zeros}"),
    );
    for pins in [[&exact, &broad], [&broad, &exact]] {
        fence
            .restart(&["--pin-sha256", pins[0], "--pin-sha256", pins[1]])
            .await;
        fence.works(json!({})).await;
    }
    fence.finish().await;
}

#[tokio::test]
async fn tl_09_another_certificate_than_the_pinned_one_is_refused() {
    for tls in [Tls::SelfSigned, Tls::CaSigned] {
        let inside = opmanager(tls).await;
        let other = opmanager(tls).await;
        let pin = format!("{}={}", inside.host(), other.certificate_sha256().unwrap());
        let mut flags = vec!["--pin-sha256", &pin];
        let trusted = inside.ca_pem().map(|pem| file("tl_09.pem", pem));
        // Not even a trusted authority makes up for it.
        flags.extend(trusted.iter().flat_map(|file| ["--ca-file", file]));
        let mut fence = Fence::around(inside, &flags).await;
        for more in [
            json!({}),
            json!({ "verify_ssl": false }),
            json!({ "verify_ssl": true }),
        ] {
            let text = fence.distrusted(more).await;
            assert!(
                text.contains("does not show the pinned certificate"),
                "{text}"
            );
        }
        fence.finish().await;
    }
}

#[tokio::test]
async fn tl_09_a_pinned_target_is_not_spoken_to_in_clear() {
    let inside = opmanager(Tls::None).await;
    let zeros = "0".repeat(64);
    for pin in [
        format!("{}={zeros}", inside.host()),
        format!("127.0.0.1={zeros}"),
    ] {
        let mut fence = Fence::new(&["--pin-sha256", &pin]).await;
        let text = fence
            .refused(
                json!({ "host": inside.host(), "use_ssl": false }),
                "use_ssl",
            )
            .await;
        assert!(text.contains("--pin-sha256"), "{text}");
        fence.finish().await;
    }
    assert_eq!(inside.connections(), 0);
}

#[test]
fn pins_that_are_none_end_the_program_at_the_start() {
    let zeros = "0".repeat(64);
    for value in [
        String::new(),
        zeros.clone(),
        format!("={zeros}"),
        "127.0.0.1=".to_owned(),
        format!("127.0.0.1={}", &zeros[1..]),
        format!("127.0.0.1={zeros}0"),
        format!("127.0.0.1={}", "g".repeat(64)),
        format!("127.0.0.1={}", "+0".repeat(32)),
        format!("127.0.0.1={}", "é".repeat(32)),
        format!("127.0.0.1:0={zeros}"),
        format!("https://127.0.0.1={zeros}"),
        format!("*.test={zeros}"),
        format!("10.0.0.0/8={zeros}"),
        format!("127.1={zeros}"),
    ] {
        check_refused_flag("--pin-sha256", &value);
    }
}

/// Calls a server that answers the first bytes with these, and gives what was said to it on all connections.
async fn said_to(listener: TcpListener, answer: &[u8], call: Value) -> (Vec<u8>, usize, Reply) {
    let mut session = Session::start(&["--timeout", "10"]).await;
    let id = session
        .begin(
            "tools/call",
            json!({ "name": "list_devices", "arguments": call }),
        )
        .await;
    let mut said = Vec::new();
    let (mut stream, _) = listener.accept().await.unwrap();
    stream.read_buf(&mut said).await.unwrap();
    stream.write_all(answer).await.unwrap();
    stream.shutdown().await.unwrap();
    // A client that does not like the answer may reset the connection.
    let _ = stream.read_to_end(&mut said).await;
    let message = session.answer(id).await;
    let mut connections = 1;
    while let Ok(Ok((mut stream, _))) =
        tokio::time::timeout(std::time::Duration::ZERO, listener.accept()).await
    {
        let _ = stream.read_to_end(&mut said).await;
        connections += 1;
    }
    let reply = Reply {
        failed: message["result"]["isError"] == true,
        texts: vec![
            message["result"]["content"][0]["text"]
                .as_str()
                .unwrap()
                .to_owned(),
        ],
        result: message["result"].clone(),
    };
    session.ping().await;
    (said, connections, reply)
}

fn check_only_tls(said: &[u8], connections: usize, reply: &Reply) {
    assert_eq!(said.first(), Some(&0x16), "a TLS handshake comes first");
    assert_eq!(connections, 1, "no second try");
    assert!(
        !said
            .windows(KEY.len())
            .any(|window| window == KEY.as_bytes())
    );
    assert!(
        !said
            .windows(5)
            .any(|window| window == b"HTTP/" || window == b"GET /")
    );
    assert!(reply.failed, "{reply:?}");
    assert!(!reply.text().contains(KEY), "{reply:?}");
}

#[cfg(target_os = "linux")]
#[tokio::test]
async fn tl_11_opmanagers_port_speaks_tls_and_so_does_no_port_at_all() {
    for host_has_port in [true, false] {
        let address = crate::support::fence::own_address();
        let listener = TcpListener::bind((address, 8061)).await.unwrap();
        let host = if host_has_port {
            format!("{address}:8061")
        } else {
            address.to_string()
        };
        let call = json!({ "host": host, "apiKey": KEY });
        let (said, connections, reply) = said_to(listener, b"", call).await;
        check_only_tls(&said, connections, &reply);
    }
}

#[cfg(target_os = "linux")]
#[tokio::test]
async fn tl_12_plain_http_on_opmanagers_port_gets_no_key() {
    for more in [
        json!({}),
        json!({ "verify_ssl": false }),
        json!({ "use_ssl": true }),
    ] {
        let address = crate::support::fence::own_address();
        let listener = TcpListener::bind((address, 8061)).await.unwrap();
        let call =
            crate::support::merge(json!({ "host": address.to_string(), "apiKey": KEY }), more);
        let answer = b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n";
        let (said, connections, reply) = said_to(listener, answer, call).await;
        check_only_tls(&said, connections, &reply);
        assert!(reply.text().starts_with("TLS with "), "{}", reply.text());
        assert!(reply.text().contains("is no TLS"), "{}", reply.text());
    }
}

#[tokio::test]
async fn tl_13_plain_http_on_an_https_port_is_a_contradiction() {
    let mut fence = Fence::new(&[]).await;
    for (host, port) in [
        ("127.0.0.1", None),
        ("127.0.0.1:8061", None),
        ("127.0.0.1:443", None),
        ("127.0.0.1", Some(8061)),
        ("127.0.0.1", Some(443)),
        ("[::1]:443", None),
    ] {
        let mut given = json!({ "host": host, "use_ssl": false });
        if let Some(port) = port {
            given["port"] = port.into();
        }
        fence.refused(given, "use_ssl").await;
    }
    fence.finish().await;
}

#[tokio::test]
async fn tl_14_an_operator_can_refuse_plain_http() {
    let mut fence = Fence::new(&["--require-tls", "--allow-plaintext-public"]).await;
    for given in [
        json!({}),
        json!({ "host": "127.0.0.1:8060" }),
        json!({ "host": "127.0.0.1", "port": 80 }),
    ] {
        let text = fence.refused(given, "use_ssl").await;
        assert!(text.contains("--require-tls"), "{text}");
    }
    fence.finish().await;
    let mut fence = Fence::around(opmanager(Tls::SelfSigned).await, &["--require-tls"]).await;
    fence.works(json!({ "verify_ssl": false })).await;
    fence.finish().await;
}

#[tokio::test]
async fn tl_15_an_operator_can_refuse_unverified_certificates() {
    let inside = opmanager(Tls::SelfSigned).await;
    let pin = format!("{}={}", inside.host(), inside.certificate_sha256().unwrap());
    let mut fence = Fence::around(inside, &["--forbid-insecure-tls"]).await;
    let text = fence
        .refused(json!({ "verify_ssl": false }), "verify_ssl")
        .await;
    assert!(text.contains("--forbid-insecure-tls"), "{text}");
    fence.distrusted(json!({ "verify_ssl": true })).await;
    // With a pin nothing is unverified.
    fence
        .restart(&["--forbid-insecure-tls", "--pin-sha256", &pin])
        .await;
    fence.works(json!({ "verify_ssl": false })).await;
    fence.finish().await;
}

/// A handshake record of TLS 1.x with a ServerHello in it.
fn server_hello(version: u8, cipher: u16) -> Vec<u8> {
    let mut body = vec![3, version];
    body.extend([7; 32]);
    body.push(0);
    body.extend(cipher.to_be_bytes());
    body.push(0);
    let length = u8::try_from(body.len()).unwrap();
    let mut record = vec![22, 3, version, 0, length + 4, 2, 0, 0, length];
    record.extend(body);
    record
}

#[tokio::test]
async fn tl_16_old_protocols_and_ciphers_are_refused() {
    // AES as TLS 1.0 knew it, RC4 and 3DES, AES without forward secrecy, and an alert instead.
    for (what, answer) in [
        ("TLS 1.0", server_hello(1, 0x002f)),
        ("TLS 1.1", server_hello(2, 0xc014)),
        ("SSL 3.0", server_hello(0, 0x000a)),
        ("RC4", server_hello(3, 0x0005)),
        ("3DES", server_hello(3, 0x000a)),
        ("NULL", server_hello(3, 0x0000)),
        ("RSA key exchange", server_hello(3, 0x009c)),
        ("protocol_version", vec![21, 3, 1, 0, 2, 2, 70]),
    ] {
        for verify in [true, false] {
            let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
            let host = listener.local_addr().unwrap().to_string();
            let call = json!({ "host": host, "apiKey": KEY, "verify_ssl": verify });
            let (said, connections, reply) = said_to(listener, &answer, call).await;
            check_only_tls(&said, connections, &reply);
            assert!(
                reply.text().starts_with("TLS with "),
                "{what}: {}",
                reply.text()
            );
        }
    }
}

#[tokio::test]
async fn tl_18_plain_http_does_not_go_over_public_networks() {
    let mut fence = Fence::new(&[]).await;
    for host in [
        "8.8.8.8:80",
        "8.8.8.8:8060",
        "[2600::1]:80",
        "[::ffff:8.8.8.8]:8060",
        "[64:ff9b::808:808]:80",
    ] {
        let text = fence.refused(json!({ "host": host }), "host").await;
        assert!(text.contains("over public networks"), "{host}: {text}");
    }
    fence.finish().await;
}

/// Shows the certificate of another server, whose key it does not have.
#[derive(Debug)]
struct Impostor(Arc<CertifiedKey>);

impl ResolvesServerCert for Impostor {
    fn resolve(&self, _: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        Some(Arc::clone(&self.0))
    }
}

#[tokio::test]
async fn a_pin_does_not_excuse_from_proving_the_key() {
    let simulator = opmanager(Tls::SelfSigned).await;
    let certificate =
        CertificateDer::from_pem_slice(simulator.certificate_pem().unwrap().as_bytes()).unwrap();
    let certified = Arc::new(CertifiedKey::new(vec![certificate], any_key()));
    for version in [&rustls::version::TLS12, &rustls::version::TLS13] {
        let acceptor = showing(&certified, version);
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let host = listener.local_addr().unwrap().to_string();
        let pin = format!("{host}={}", simulator.certificate_sha256().unwrap());
        for (flags, more) in [
            (vec!["--pin-sha256", &pin], json!({})),
            (vec![], json!({ "verify_ssl": false })),
        ] {
            let mut session = Session::start(&flags).await;
            let given = crate::support::merge(json!({ "host": host, "apiKey": KEY }), more);
            let call = session.call("list_devices", given);
            let (reply, said) = tokio::join!(call, heard(&listener, &acceptor));
            assert!(
                reply.failed && reply.text().starts_with("TLS with "),
                "{reply:?}"
            );
            assert!(said.is_empty());
        }
    }
}

/// Shows this certificate in one version of TLS.
fn showing(
    certified: &Arc<CertifiedKey>,
    version: &'static rustls::SupportedProtocolVersion,
) -> tokio_rustls::TlsAcceptor {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = rustls::ServerConfig::builder_with_provider(provider)
        .with_protocol_versions(&[version])
        .unwrap()
        .with_no_client_auth()
        .with_cert_resolver(Arc::new(Impostor(Arc::clone(certified))));
    tokio_rustls::TlsAcceptor::from(Arc::new(config))
}

/// All that is said on the next connection, once TLS is agreed on.
async fn heard(listener: &TcpListener, acceptor: &tokio_rustls::TlsAcceptor) -> Vec<u8> {
    let (stream, _) = listener.accept().await.unwrap();
    let mut said = Vec::new();
    if let Ok(mut stream) = acceptor.accept(stream).await {
        let _ = stream.read_to_end(&mut said).await;
    }
    said
}

/// A key, for certificates that are looked at before it is.
fn any_key() -> Arc<dyn rustls::sign::SigningKey> {
    let kind = &ring::signature::ECDSA_P256_SHA256_ASN1_SIGNING;
    let random = ring::rand::SystemRandom::new();
    let key = ring::signature::EcdsaKeyPair::generate_pkcs8(kind, &random).unwrap();
    let key = PrivatePkcs8KeyDer::from(key.as_ref().to_vec()).into();
    rustls::crypto::ring::sign::any_supported_type(&key).unwrap()
}

#[tokio::test]
async fn fl_18_a_certificate_that_no_setting_makes_usable_is_not_answered_with_settings() {
    for (pem, flaw) in [
        (
            &include_bytes!("certificates/version_1.pem")[..],
            "X.509 version 1",
        ),
        (
            &include_bytes!("certificates/short_key.pem")[..],
            "fewer than 2048 bits",
        ),
    ] {
        let certificate = CertificateDer::from_pem_slice(pem).unwrap();
        let digest = ring::digest::digest(&ring::digest::SHA256, &certificate);
        let digest: Vec<String> = digest
            .as_ref()
            .iter()
            .map(|byte| format!("{byte:02X}"))
            .collect();
        let certified = Arc::new(CertifiedKey::new(vec![certificate], any_key()));
        let acceptor = showing(&certified, &rustls::version::TLS13);
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let host = listener.local_addr().unwrap().to_string();
        let pin = format!("{host}={}", digest.join(":"));
        for (flags, more) in [
            (vec![], json!({})),
            (vec!["--pin-sha256", &pin], json!({})),
            (vec![], json!({ "verify_ssl": false })),
        ] {
            let mut session = Session::start(&flags).await;
            for tool in ["list_devices", "diagnose_connection"] {
                let given =
                    crate::support::merge(json!({ "host": host, "apiKey": KEY }), more.clone());
                let call = session.call(tool, given);
                let (reply, said) = tokio::join!(call, heard(&listener, &acceptor));
                assert!(said.is_empty());
                let text = reply.text();
                assert!(reply.failed && text.contains(flaw), "{tool}: {text}");
                assert!(text.contains("Give OpManager a new one"), "{tool}: {text}");
                for advice in ["--ca-file", "--pin-sha256", "verify_ssl"] {
                    assert!(!text.contains(advice), "{tool}: {advice}: {text}");
                }
            }
        }
    }
}

/// Whoever sets the environment of the program decides what the system trusts, as for any other program.
#[cfg(target_os = "linux")]
#[tokio::test]
async fn the_systems_authorities_are_where_the_environment_says() {
    let inside = opmanager(Tls::CaSigned).await;
    let trusted = authority("environment.pem", &inside);
    let mut fence = Fence::around(inside, &[]).await;
    fence.distrusted(json!({})).await;
    fence.session = Session::spawn_with(&["--log-level", "trace"], |command| {
        command.env("SSL_CERT_FILE", &trusted);
    });
    fence.session.initialize("2025-11-25").await;
    fence.works(json!({})).await;
    fence.finish().await;
}
