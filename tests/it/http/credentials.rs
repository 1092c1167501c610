//! `--credentials headers`: host and key come with the request, where the model neither sees nor chooses them.

use opmanager_simulator::{Fault, FaultKind, Options, Simulator, Tls};
use serde_json::{Value, json};

use super::{call, list_devices, newest, on_the_wire, request, statuses};
use crate::support::http::{Answer, post, raw};
use crate::support::{SENTINEL, Session, check_absent, self_signed_simulator, simulator};

const HEADERS: [&str; 2] = ["--credentials", "headers"];

/// The headers that lead to a simulator.
fn leading_to(simulator: &Simulator) -> Vec<(&'static str, String)> {
    let mut headers = vec![
        ("X-OpManager-Host", simulator.host()),
        ("X-OpManager-Api-Key", simulator.api_key().to_owned()),
    ];
    if simulator.certificate_pem().is_none() {
        headers.push(("X-OpManager-Use-Ssl", "false".to_owned()));
    }
    headers
}

async fn send(session: &Session, headers: &[(&str, String)], message: &Value) -> Answer {
    let headers: Vec<_> = headers
        .iter()
        .map(|(name, value)| (*name, value.as_str()))
        .collect();
    let answer = post(session.address(), &headers, message).await;
    for (name, value) in headers {
        if name == "X-OpManager-Api-Key" && value.len() > 8 {
            check_absent("the answer", &format!("{answer:?}"), value);
        }
    }
    answer
}

/// Fails unless the call fails with these words.
fn check_failed(answer: &Answer, parts: &[&str]) {
    assert!(answer.failed(), "{answer:?}");
    let text = answer.result_text();
    for part in parts {
        assert!(text.contains(part), "no {part}: {text}");
    }
    for argument in [
        "`host`",
        "`apiKey`",
        "`port`",
        "`use_ssl`",
        "`verify_ssl`",
        "`verify_ssl: ",
    ] {
        assert!(
            !text.contains(argument) || parts.contains(&argument),
            "{argument}: {text}"
        );
    }
}

#[tokio::test]
async fn no_tool_takes_a_connection_that_comes_by_header() {
    for flags in [&["--toolsets", "all,core"][..], &["--toolsets", "core"]] {
        let session = Session::serve(&[&HEADERS, flags].concat()).await;
        for message in [
            request(1, "tools/list", json!({})),
            newest(request(1, "tools/list", json!({}))),
        ] {
            let listed = post(session.address(), &[], &message).await.json();
            let tools = listed["result"]["tools"].as_array().unwrap();
            assert!(tools.len() > 10);
            for tool in tools {
                let schema = &tool["inputSchema"];
                for name in ["host", "apiKey", "port", "use_ssl", "verify_ssl"] {
                    let required = schema["required"].as_array();
                    assert!(schema["properties"].get(name).is_none(), "{tool}");
                    assert!(
                        !required.is_some_and(|all| all.contains(&name.into())),
                        "{tool}"
                    );
                }
                assert!(schema.get("additionalProperties").is_none(), "{tool}");
            }
        }
        let hello = json!({
            "protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": { "name": "x", "version": "1" },
        });
        let answer = post(session.address(), &[], &request(1, "initialize", hello)).await;
        let told = answer.json()["result"]["instructions"].to_string();
        assert!(
            told.contains("configured in the client") && !told.contains("apiKey"),
            "{told}"
        );
    }
}

#[tokio::test]
async fn a_call_goes_where_its_headers_say() {
    let (plain, secured) = (simulator().await, self_signed_simulator().await);
    let session = Session::serve(&[&HEADERS[..], &["--toolsets", "core"]].concat()).await;
    for (tool, arguments) in [
        ("list_devices", json!({ "limit": 1 })),
        (
            "call_operation",
            json!({ "operation": "list_devices", "arguments": "{\"limit\":1}" }),
        ),
        ("diagnose_connection", json!({})),
    ] {
        for message in [
            call(tool, arguments.clone()),
            newest(call(tool, arguments.clone())),
        ] {
            plain.clear_log();
            let answer = send(&session, &leading_to(&plain), &message).await;
            assert!(!answer.failed(), "{answer:?}");
            assert!(!answer.text.contains("apiKey"), "{answer:?}");
            let requests = plain.requests();
            // A diagnosis asks twice.
            let times = if tool == "diagnose_connection" { 2 } else { 1 };
            assert_eq!(requests.len(), times, "{tool}");
            assert_eq!(
                requests[0].header("apikey"),
                Some(plain.api_key().as_bytes())
            );
            for (name, _) in &requests[0].headers {
                assert!(
                    !name.starts_with("x-opmanager") && name != "authorization",
                    "{name}"
                );
            }

            let mut headers = leading_to(&secured);
            headers.push(("X-OpManager-Verify-Ssl", "false".to_owned()));
            assert!(!send(&session, &headers, &message).await.failed());
        }
    }
    // The port may stand alone.
    let (host, port) = plain
        .host()
        .rsplit_once(':')
        .map(|(host, port)| (host.to_owned(), port.to_owned()))
        .unwrap();
    let mut headers = leading_to(&plain);
    headers[0].1 = host;
    headers.push(("X-OpManager-Port", port));
    assert!(
        !send(&session, &headers, &call("list_devices", json!({})))
            .await
            .failed()
    );
    // What needs no OpManager needs no headers.
    for (tool, arguments) in [
        ("find_operations", json!({ "query": "alarms" })),
        ("describe_operation", json!({ "operation": "list_alarms" })),
    ] {
        assert!(
            !post(session.address(), &[], &call(tool, arguments))
                .await
                .failed()
        );
    }
}

#[tokio::test]
async fn an_argument_cannot_name_another_connection() {
    let (configured, elsewhere) = (simulator().await, simulator().await);
    let session = Session::serve(&[&HEADERS[..], &["--toolsets", "core,all"]].concat()).await;
    let evil = json!({
        "host": elsewhere.host(), "apiKey": SENTINEL, "port": elsewhere.address().port(),
        "use_ssl": false, "verify_ssl": false,
    });
    let all = leading_to(&configured);
    // Each header may be missing: then nothing else may come in its place.
    for headers in [&all[..], &all[..2], &all[..1], &all[1..], &all[2..], &[]] {
        for (name, value) in evil.as_object().unwrap() {
            let named = json!({ name: value });
            for (tool, arguments) in [
                ("list_devices", named.clone()),
                ("diagnose_connection", named.clone()),
                (
                    "call_operation",
                    json!({ "operation": "list_devices", name: value }),
                ),
                (
                    "call_operation",
                    json!({ "operation": "list_devices", "arguments": named }),
                ),
                (
                    "call_operation",
                    json!({ "operation": "list_devices", "arguments": named.to_string() }),
                ),
            ] {
                let answer = send(&session, headers, &call(tool, arguments)).await;
                let argument = format!("`{name}`");
                check_failed(
                    &answer,
                    &[
                        &argument,
                        "is not an argument here",
                        "headers of the request",
                    ],
                );
            }
        }
    }
    assert_eq!((configured.connections(), elsewhere.connections()), (0, 0));
}

#[tokio::test]
async fn what_is_wrong_with_a_connection_is_told_by_header() {
    let simulator = simulator().await;
    let session = Session::serve(&[&HEADERS[..], &["--toolsets", "core"]].concat()).await;
    let all = leading_to(&simulator);
    let with = |name: &'static str, value: &str| {
        let mut headers = all.clone();
        headers.retain(|(other, _)| *other != name);
        headers.push((name, value.to_owned()));
        headers
    };
    for (headers, parts) in [
        (
            vec![],
            &[
                "header `X-OpManager-Host` is missing",
                "header `X-OpManager-Api-Key` is missing",
            ][..],
        ),
        (
            all[..1].to_vec(),
            &["header `X-OpManager-Api-Key` is missing"],
        ),
        (
            with("X-OpManager-Host", ""),
            &["header `X-OpManager-Host` is missing"],
        ),
        (
            with("X-OpManager-Host", "http://opm.test"),
            &["header `X-OpManager-Host` must", "without scheme"],
        ),
        (
            with("X-OpManager-Host", "169.254.169.254:9"),
            &["header `X-OpManager-Host` is a link-local"],
        ),
        (
            with("X-OpManager-Api-Key", "a b"),
            &["header `X-OpManager-Api-Key` must"],
        ),
        (with("X-OpManager-Api-Key", "opm.test:8061"), &[]),
        (
            with("X-OpManager-Port", "x"),
            &["header `X-OpManager-Port` must"],
        ),
        (
            with("X-OpManager-Port", "1"),
            &["header `X-OpManager-Port` is not the port that the host says"],
        ),
        (
            with("X-OpManager-Use-Ssl", "maybe"),
            &["header `X-OpManager-Use-Ssl` must"],
        ),
    ] {
        for (tool, arguments) in [
            ("list_devices", json!({})),
            ("diagnose_connection", json!({})),
            ("call_operation", json!({ "operation": "list_devices" })),
        ] {
            let answer = send(&session, &headers, &call(tool, arguments)).await;
            check_failed(&answer, parts);
        }
    }
    assert_eq!(
        simulator.requests().len(),
        3,
        "a key that looks like a host may be one"
    );

    let secured = self_signed_simulator().await;
    let secured = leading_to(&secured);
    let answer = send(&session, &secured, &call("list_devices", json!({}))).await;
    check_failed(&answer, &["--ca-file", "`X-OpManager-Verify-Ssl: false`"]);
    let answer = send(&session, &secured, &call("diagnose_connection", json!({}))).await;
    check_failed(&answer, &["--pin-sha256"]);
}

#[tokio::test]
async fn rt_19_no_result_names_a_target_that_comes_by_header() {
    let (plain, secured) = (simulator().await, self_signed_simulator().await);
    let dead = {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        listener.local_addr().unwrap().to_string()
    };
    let key = ("X-OpManager-Api-Key", SENTINEL.to_owned());
    let at = |host: &str, more: &[(&'static str, &str)]| {
        let mut headers = vec![("X-OpManager-Host", host.to_owned()), key.clone()];
        headers.extend(
            more.iter()
                .map(|(name, value)| (*name, (*value).to_owned())),
        );
        headers
    };
    let clear = [("X-OpManager-Use-Ssl", "false")];
    let spoken = format!(
        "{{\"error\":{{\"message\":\"no route to {} of OPM.corp.test\"}}}}",
        plain.host()
    );
    plain.inject(Fault::always(FaultKind::Respond {
        status: 200,
        content_type: None,
        headers: Vec::new(),
        body: spoken.into_bytes(),
    }));
    let session = Session::serve(
        &[
            &HEADERS[..],
            &[
                "--toolsets",
                "core",
                "--timeout",
                "2",
                "--connect-timeout",
                "2",
            ],
        ]
        .concat(),
    )
    .await;
    let cases = [
        at(&dead, &[]),
        at(&dead, &clear),
        at("no-such-host.corp.test:8061", &[]),
        at(&secured.host(), &[]),
        at(&secured.host(), &clear),
        at(&plain.host(), &clear),
        at(&plain.host(), &[]),
        at("127.0.0.1:8061", &clear),
        at("169.254.169.254:8061", &[]),
        at("corp.test:8061", &[("X-OpManager-Port", "4711")]),
        at("http://corp.test:8061", &[]),
        at("corp.test:99999", &[]),
        at(&secured.host(), &[("X-OpManager-Verify-Ssl", "false")]),
    ];
    for headers in cases {
        let host = headers[0].1.clone();
        let (name, port) = host.trim_start_matches("http://").split_once(':').unwrap();
        for (tool, arguments) in [
            ("list_devices", json!({})),
            ("diagnose_connection", json!({})),
            ("call_operation", json!({ "operation": "list_devices" })),
        ] {
            let answer = send(&session, &headers, &call(tool, arguments)).await;
            let all = answer.json()["result"].to_string();
            // OpManager's usual ports are advice, and nobody's secret.
            let told = all.replace("8061", "").replace("8060", "");
            let shown = |part: &str| !part.is_empty() && told.contains(part);
            assert!(!shown(name) && !shown("4711"), "{tool} {host}: {all}");
            assert!(port == "8061" || !shown(port), "{tool} {host}: {all}");
            assert!(
                !told.contains("localhost") && !told.contains("127.0.0.1"),
                "{all}"
            );
        }
    }
}

#[tokio::test]
async fn a_header_is_there_once_and_in_ascii() {
    let simulator = simulator().await;
    let session = Session::serve(&HEADERS).await;
    let message = call("list_devices", json!({})).to_string();
    let all = leading_to(&simulator);
    for (name, value) in &all {
        for bad in [
            format!("{name}: {value}\r\n{name}: {value}"),
            format!("{name}: {value}\r\n{}: other", name.to_uppercase()),
            format!("{name}: {SENTINEL}\u{e9}"),
        ] {
            let others = all.iter().filter(|(other, _)| other != name);
            let mut lines: Vec<String> = others
                .map(|(name, value)| format!("{name}: {value}"))
                .collect();
            lines.push(bad.clone());
            for line in [
                "Host: localhost",
                "Content-Type: application/json",
                "Connection: close",
            ] {
                lines.push(line.to_owned());
            }
            let lines: Vec<&str> = lines.iter().map(String::as_str).collect();
            let said = raw(session.address(), &on_the_wire(&lines, &message)).await;
            assert_eq!(statuses(&said), ["400"], "{bad}: {said}");
            assert!(said.contains(&name.to_lowercase()), "{bad}: {said}");
            check_absent("the answer", &said, SENTINEL);
            check_absent("the answer", &said, simulator.api_key());
        }
    }
    assert_eq!(simulator.connections(), 0);
}

#[tokio::test]
async fn the_keys_of_two_tenants_are_never_mixed() {
    let tenant = async |key: &str| {
        let options = Options {
            tls: Tls::None,
            api_key: key.to_owned(),
            ..Options::default()
        };
        Simulator::start(options).await.unwrap()
    };
    let tenants = [
        tenant("zq1tenant-a-key").await,
        tenant("zq2tenant-b-key").await,
    ];
    let session = Session::serve(&[&HEADERS[..], &["--toolsets", "core"]].concat()).await;
    let rounds = (0..100).map(async |round| {
        let tenant = &tenants[round % 2];
        let message = match round % 3 {
            0 => call("list_devices", json!({})),
            1 => newest(call("list_devices", json!({}))),
            _ => call("call_operation", json!({ "operation": "list_devices" })),
        };
        assert!(!send(&session, &leading_to(tenant), &message).await.failed());
    });
    futures::future::join_all(rounds).await;
    for (tenant, other) in [(&tenants[0], &tenants[1]), (&tenants[1], &tenants[0])] {
        let requests = tenant.requests();
        assert_eq!(requests.len(), 50);
        for request in requests {
            assert_eq!(request.header("apikey"), Some(tenant.api_key().as_bytes()));
            check_absent("a request", &format!("{request:?}"), other.api_key());
        }
    }
}

#[tokio::test]
async fn an_operators_limits_hold_for_headers_too() {
    let (allowed, elsewhere) = (simulator().await, simulator().await);
    let session =
        Session::serve(&[&HEADERS[..], &["--allowed-targets", &allowed.host()]].concat()).await;
    let message = call("list_devices", json!({}));
    assert!(
        !send(&session, &leading_to(&allowed), &message)
            .await
            .failed()
    );
    let answer = send(&session, &leading_to(&elsewhere), &message).await;
    check_failed(
        &answer,
        &["header `X-OpManager-Host` is not in the allowed targets"],
    );
    assert_eq!(elsewhere.connections(), 0);
}

#[tokio::test]
async fn headers_mean_nothing_where_the_connection_comes_by_argument() {
    let (named, elsewhere) = (simulator().await, simulator().await);
    let session = Session::serve(&["--toolsets", "core"]).await;
    let headers = leading_to(&elsewhere);
    assert!(
        !send(&session, &headers, &list_devices(&named))
            .await
            .failed()
    );
    assert_eq!((named.requests().len(), elsewhere.connections()), (1, 0));
    let answer = send(&session, &headers, &call("list_devices", json!({}))).await;
    check_failed(&answer, &["`host`", "`apiKey`", "is missing"]);
    // Not even twice and in no ASCII.
    let message = list_devices(&named).to_string();
    let lines = [
        "Host: localhost",
        "Content-Type: application/json",
        "Connection: close",
        "X-OpManager-Host: \u{e9}",
        "X-OpManager-Host: 127.0.0.1",
    ];
    let said = raw(session.address(), &on_the_wire(&lines, &message)).await;
    assert_eq!(statuses(&said), ["200"], "{said}");
    assert_eq!(elsewhere.connections(), 0);
}
