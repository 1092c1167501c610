//! The Model Context Protocol: handshakes old and new, what is not offered, and many calls at one time.

use opmanager_simulator::{Fault, FaultKind, Simulator};
use serde_json::{Value, json};
use tokio::time::timeout;

use crate::support::http::post;
use crate::support::{
    Finished, PATIENCE, SENTINEL, Session, at, check_message, listed_by_default, merge, simulator,
};

/// What every request of the stateless protocol says of itself.
pub(crate) fn stateless(params: Value) -> Value {
    merge(
        params,
        json!({ "_meta": {
            "io.modelcontextprotocol/protocolVersion": "2026-07-28",
            "io.modelcontextprotocol/clientCapabilities": {},
        }}),
    )
}

pub(crate) fn call(simulator: &Simulator, tool: &str) -> Value {
    json!({ "name": tool, "arguments": at(simulator, json!({})) })
}

pub(crate) fn check_end(finished: &Finished) {
    assert!(finished.status.success(), "{finished:?}");
    finished.rest.iter().for_each(|line| check_message(line));
}

/// Starts a call that OpManager does not answer, and waits until OpManager has it.
pub(crate) async fn hang(session: &mut Session, simulator: &Simulator) -> i64 {
    simulator.clear_log();
    simulator.inject(Fault::once(FaultKind::Hang).on("listDevices"));
    let id = session
        .begin("tools/call", call(simulator, "list_devices"))
        .await;
    timeout(
        PATIENCE,
        simulator.wait_until(|log| log.requests.len() == 1),
    )
    .await
    .expect("the call must be sent");
    id
}

#[tokio::test]
async fn the_handshake_settles_on_a_version() {
    for (asked, agreed) in [
        ("2024-11-05", "2024-11-05"),
        ("2025-03-26", "2025-03-26"),
        ("2025-06-18", "2025-06-18"),
        ("2025-11-25", "2025-11-25"),
        ("2026-07-28", "2025-11-25"),
        ("1999-12-31", "2025-11-25"),
        ("next", "2025-11-25"),
    ] {
        let mut session = Session::spawn(&[]);
        let answer = session.initialize(asked).await;
        assert_eq!(answer["protocolVersion"], agreed, "{asked}");
        assert_eq!(answer["serverInfo"]["name"], "opmanager-mcp-server");
        assert_eq!(answer["serverInfo"]["version"], env!("CARGO_PKG_VERSION"));
        assert_eq!(answer["serverInfo"]["title"], "OpManager");
        assert!(
            answer["instructions"]
                .as_str()
                .is_some_and(|text| text.contains("never instructions"))
        );
        assert_eq!(
            answer["capabilities"],
            json!({ "completions": {}, "prompts": {}, "resources": {}, "tools": {} }),
            "nothing else is declared"
        );
        session.ping().await;
        let list = session.request("tools/list", json!({})).await;
        assert!(
            list["result"]["tools"]
                .as_array()
                .is_some_and(|tools| !tools.is_empty()),
            "{asked}"
        );
        for word in ["ttlMs", "cacheScope", "nextCursor"] {
            assert!(
                list["result"].get(word).is_none(),
                "{asked} does not know {word}"
            );
        }
    }
}

#[tokio::test]
async fn the_stateless_protocol_needs_no_handshake() {
    let simulator = simulator().await;
    let mut session = Session::spawn(&[]);
    let discovered = session
        .request("server/discover", stateless(json!({})))
        .await;
    let discovered = &discovered["result"];
    assert!(
        discovered["supportedVersions"]
            .as_array()
            .unwrap()
            .contains(&json!("2026-07-28")),
        "{discovered}"
    );
    assert_eq!(
        discovered["capabilities"],
        json!({ "completions": {}, "prompts": {}, "resources": {}, "tools": {} })
    );
    assert!(discovered["instructions"].is_string());
    assert_eq!(
        (&discovered["ttlMs"], &discovered["cacheScope"]),
        (&json!(3_600_000), &json!("public"))
    );

    let list = session.request("tools/list", stateless(json!({}))).await;
    let list = &list["result"];
    assert_eq!(list["tools"].as_array().unwrap().len(), listed_by_default());
    assert_eq!(
        (&list["ttlMs"], &list["cacheScope"]),
        (&json!(3_600_000), &json!("public"))
    );

    let answer = session
        .request("tools/call", stateless(call(&simulator, "list_devices")))
        .await;
    assert_ne!(answer["result"]["isError"], true, "{answer}");
    assert!(
        answer["result"]["content"][0]["text"]
            .as_str()
            .unwrap()
            .contains("core-sw-01")
    );
    assert_eq!(simulator.requests().len(), 1);
    check_end(&session.finish().await);
}

#[tokio::test]
async fn a_stateless_call_needs_no_discovery() {
    let simulator = simulator().await;
    let mut session = Session::spawn(&[]);
    let answer = session
        .request("tools/call", stateless(call(&simulator, "list_devices")))
        .await;
    assert_ne!(answer["result"]["isError"], true, "{answer}");
}

#[tokio::test]
async fn a_discovery_may_be_followed_by_a_handshake() {
    let mut session = Session::spawn(&[]);
    session
        .request("server/discover", stateless(json!({})))
        .await;
    assert_eq!(
        session.initialize("2025-11-25").await["protocolVersion"],
        "2025-11-25"
    );
    assert_eq!(session.tools().await.len(), listed_by_default());
}

#[tokio::test]
async fn pr_06_a_notification_with_an_id_is_an_unknown_request() {
    let mut session = Session::start(&[]).await;
    for method in [
        "notifications/initialized",
        "notifications/cancelled",
        "notifications/nonsense",
    ] {
        let answer = session.request(method, json!({ "requestId": 1 })).await;
        assert_eq!(answer["error"]["code"], -32601, "{method}: {answer}");
    }
    session.conclude(SENTINEL).await;
}

#[tokio::test]
async fn pr_06_known_methods_with_unreadable_parameters_are_told_so() {
    let mut session = Session::start(&[]).await;
    for (method, params) in [
        ("tools/call", json!({ "name": [SENTINEL] })),
        ("tools/list", json!([SENTINEL])),
        ("ping", json!(SENTINEL)),
        ("prompts/get", json!({ "name": [SENTINEL] })),
        ("resources/read", json!({ "uri": [SENTINEL] })),
        ("completion/complete", json!({ "ref": SENTINEL })),
    ] {
        let answer = session.request(method, params).await;
        assert_eq!(answer["error"]["code"], -32602, "{method}: {answer}");
    }
    session.conclude(SENTINEL).await;
}

#[tokio::test]
async fn pr_06_the_newest_protocol_has_no_handshake() {
    let mut session = Session::spawn(&[]);
    let params = json!({ "_meta": {
        "io.modelcontextprotocol/protocolVersion": "2026-07-28",
        "io.modelcontextprotocol/clientCapabilities": {},
    } });
    for (method, code) in [
        ("server/discover", Value::Null),
        ("initialize", json!(-32601)),
        ("ping", json!(-32601)),
    ] {
        let answer = session.request(method, params.clone()).await;
        assert_eq!(answer["error"]["code"], code, "{method}: {answer}");
    }
    session.finish().await.check(SENTINEL);
}

#[tokio::test]
async fn what_is_not_declared_is_not_there() {
    let mut session = Session::start(&["--access", "destructive"]).await;
    for (method, params) in [
        ("nonsense", json!({})),
        ("tools/describe", json!({})),
        ("resources/subscribe", json!({ "uri": "x:y" })),
        ("resources/unsubscribe", json!({ "uri": "x:y" })),
        ("logging/setLevel", json!({ "level": "debug" })),
    ] {
        let answer = session.request(method, params).await;
        assert_eq!(answer["error"]["code"], -32601, "{method}: {answer}");
    }
    session.ping().await;
}

#[tokio::test]
async fn each_list_has_one_page() {
    let mut session = Session::start(&[]).await;
    for list in [
        "tools/list",
        "prompts/list",
        "resources/list",
        "resources/templates/list",
    ] {
        for cursor in ["1", "x"] {
            let answer = session.request(list, json!({ "cursor": cursor })).await;
            assert_eq!(answer["error"]["code"], -32602, "{answer}");
        }
        // Some clients send an empty one for none.
        for params in [json!({}), json!({ "cursor": "" })] {
            let answer = session.request(list, params).await;
            assert!(answer["result"].is_object(), "{answer}");
        }
    }
    for params in [json!({}), json!({ "cursor": null })] {
        let answer = session.request("tools/list", params).await;
        assert_eq!(
            answer["result"]["tools"].as_array().unwrap().len(),
            listed_by_default()
        );
    }
}

#[tokio::test]
async fn ar_16_calls_that_are_no_calls_run_nothing() {
    let simulator = simulator().await;
    let mut session = Session::start(&["--log-level", "trace"]).await;
    let sentinel = SENTINEL;
    for params in [
        json!(sentinel),
        json!([sentinel]),
        json!(7),
        json!({ "name": "list_devices", "arguments": sentinel }),
        json!({ "name": "list_devices", "arguments": [sentinel] }),
        json!({ "name": 1, "arguments": { "apiKey": sentinel } }),
        json!({ "arguments": { "apiKey": sentinel } }),
        json!({ "name": null, "arguments": { "apiKey": sentinel } }),
        json!({}),
        json!(null),
    ] {
        let answer = session.request("tools/call", params.clone()).await;
        assert_eq!(answer["error"]["code"], -32602, "{params}: {answer}");
        assert!(!answer.to_string().contains(sentinel), "{answer}");
    }
    for params in [
        json!({ "name": "list_devices" }),
        json!({ "name": "list_devices", "arguments": null }),
    ] {
        let answer = session.request("tools/call", params).await;
        let text = answer["result"]["content"][0]["text"].as_str().unwrap();
        assert!(
            answer["result"]["isError"] == true
                && text.contains("`host`")
                && text.contains("`apiKey`"),
            "{text}"
        );
    }
    assert_eq!(simulator.connections(), 0);
    session.conclude(sentinel).await;
}

#[tokio::test]
async fn a_fast_call_overtakes_a_slow_one() {
    let simulator = simulator().await;
    let mut session = Session::start(&["--timeout", "3"]).await;
    let slow = hang(&mut session, &simulator).await;
    let fast = session
        .begin("tools/call", call(&simulator, "list_alarms"))
        .await;
    assert_eq!(session.receive().await["id"], fast);
    let answer = session.receive().await;
    assert_eq!(
        (&answer["id"], &answer["result"]["isError"]),
        (&json!(slow), &json!(true))
    );
}

/// Reads until each of these requests has its answer.
pub(crate) async fn answers(session: &mut Session, mut open: Vec<i64>) -> Vec<Value> {
    let mut answers = Vec::new();
    while !open.is_empty() {
        let answer = session.receive().await;
        let id = answer["id"].as_i64().unwrap();
        assert!(open.contains(&id), "{answer}");
        open.retain(|other| *other != id);
        answers.push(answer);
    }
    answers
}

#[tokio::test]
async fn many_calls_at_once_are_each_answered() {
    let simulator = simulator().await;
    let mut session = Session::start(&[]).await;
    let mut open = Vec::new();
    for index in 0..64 {
        let params = json!({
            "name": "list_devices",
            "arguments": at(&simulator, json!({ "category": format!("category-{index}") })),
        });
        open.push(session.begin("tools/call", params).await);
    }
    for answer in answers(&mut session, open).await {
        assert_ne!(answer["result"]["isError"], true, "{answer}");
    }
    assert_eq!(simulator.requests().len(), 64);
}

/// What a client says first.
pub(crate) fn hello(capabilities: &Value) -> Value {
    json!({
        "protocolVersion": "2025-11-25",
        "capabilities": capabilities,
        "clientInfo": { "name": "test", "version": "1" },
    })
}

fn request(method: &str, params: &Value) -> Value {
    json!({ "jsonrpc": "2.0", "id": 1, "method": method, "params": params })
}

/// The responses to a request that comes first, over standard input and over HTTP.
async fn first_responses(http: &Session, method: &str, params: &Value) -> [Value; 2] {
    let mut session = Session::spawn(&[]);
    let over_stdio = session.request(method, params.clone()).await;
    check_end(&session.finish().await);
    let over_http = post(http.address(), &[], &request(method, params)).await;
    [over_stdio, over_http.json()]
}

#[tokio::test]
async fn fl_08_an_empty_array_in_the_place_of_an_object_is_an_empty_object() {
    let simulator = simulator().await;
    let http = Session::serve(&[]).await;
    let mut session = Session::spawn(&[]);
    let mut shaken = hello(&json!([]));
    shaken["_meta"] = json!([]);
    let answer = session.request("initialize", shaken).await;
    assert_eq!(
        answer["result"]["protocolVersion"], "2025-11-25",
        "{answer}"
    );
    session
        .send(&json!({ "jsonrpc": "2.0", "method": "notifications/initialized", "params": [] }))
        .await;
    for (method, params, part) in [
        ("ping", json!([]), "/result"),
        ("tools/list", json!([]), "/result/tools/0/name"),
        ("tools/list", json!({ "_meta": [] }), "/result/tools/0/name"),
        ("prompts/list", json!([]), "/result/prompts/0/name"),
        (
            "tools/call",
            json!({ "name": "list_devices", "arguments": [] }),
            "/result/content/0/text",
        ),
        (
            "tools/call",
            json!({ "arguments": [], "name": "list_devices", "_meta": [] }),
            "/result/content/0/text",
        ),
        (
            "prompts/get",
            json!({ "name": "alarm_triage", "arguments": [] }),
            "",
        ),
    ] {
        let over_stdio = session.request(method, params.clone()).await;
        let over_http = post(http.address(), &[], &request(method, &params))
            .await
            .json();
        for answer in [&over_stdio, &over_http] {
            let value = answer
                .pointer(part)
                .unwrap_or_else(|| panic!("{method} {params}: {answer}"));
            if method == "tools/call" {
                let text = value.as_str().unwrap();
                assert!(
                    text.contains("`host`") && text.contains("`apiKey`"),
                    "{text}"
                );
            }
            if method == "prompts/get" {
                assert_ne!(
                    answer["error"]["message"],
                    "the parameters are not those of this method"
                );
                assert!(
                    !answer.to_string().contains("must be an object"),
                    "{answer}"
                );
            }
        }
        assert_eq!(over_stdio["result"], over_http["result"], "{method}");
    }
    // Written with white space, and of the newest protocol.
    let line = r#"{"jsonrpc":"2.0","id":7000,"method":"tools/call","params":{"name":"list_devices","arguments": [ ]}}"#;
    session.send_line(line.as_bytes()).await;
    assert_eq!(session.receive().await["result"]["isError"], true);
    check_end(&session.finish().await);
    let mut call = stateless(call(&simulator, "list_devices"));
    call["_meta"]["io.modelcontextprotocol/clientCapabilities"] = json!([]);
    call["_meta"]["io.modelcontextprotocol/clientInfo"] = json!([]);
    for answer in first_responses(&http, "tools/call", &call).await {
        let text = answer["result"]["content"][0]["text"].as_str();
        assert!(
            text.is_some_and(|text| text.contains("core-sw-01")),
            "{answer}"
        );
    }
    // An array with something in it is no object.
    for (params, named) in [
        (json!([1]), "`params` must be an object"),
        (json!({ "_meta": [1] }), "`_meta` must be an object"),
        (
            json!({ "name": "list_devices", "arguments": [1] }),
            "`arguments` must be an object",
        ),
        (json!({ "arguments": [] }), "`name` is missing"),
    ] {
        let mut session = Session::start(&[]).await;
        let over_stdio = session.request("tools/call", params.clone()).await;
        let over_http = post(http.address(), &[], &request("tools/call", &params))
            .await
            .json();
        for answer in [over_stdio, over_http] {
            assert_eq!(answer["error"]["code"], -32602, "{answer}");
            assert!(
                answer["error"]["message"].as_str().unwrap().contains(named),
                "{answer}"
            );
        }
    }
}

#[tokio::test]
async fn fl_08_capabilities_that_cannot_be_read_are_not_there() {
    let http = Session::serve(&[]).await;
    let mut without = hello(&json!({}));
    without.as_object_mut().unwrap().remove("capabilities");
    let all = [
        json!([]),
        json!(null),
        json!(true),
        json!("all"),
        json!(["sampling"]),
        json!({ "sampling": [] }),
        json!({ "sampling": true, "roots": "yes", "elicitation": 1 }),
        json!({ "roots": { "listChanged": "yes" } }),
        json!({ "experimental": { "a": true }, "extensions": { "b": [] } }),
        json!({ "experimental": [], "extensions": [1] }),
        json!({ "sampling": { "tools": [], "context": 7 } }),
        json!({ "elicitation": { "form": { "schemaValidation": 1 }, "url": true } }),
        json!({ "other": [1, { "a": null }], "tasks": true }),
    ];
    let all = all.iter().map(hello).chain([without]);
    for params in all {
        for answer in first_responses(&http, "initialize", &params).await {
            assert_eq!(
                answer["result"]["protocolVersion"], "2025-11-25",
                "{params}: {answer}"
            );
        }
    }
    // The same member twice: nobody knows which is meant.
    let line = r#"{"jsonrpc":"2.0","id":1,"method":"initialize","params":{"protocolVersion":"2025-11-25","clientInfo":{"name":"x","version":"1"},"capabilities":{"roots":{},"roots":[]}}}"#;
    let mut session = Session::spawn(&[]);
    session.send_line(line.as_bytes()).await;
    let answer = session.receive().await;
    assert_eq!(
        answer["result"]["protocolVersion"], "2025-11-25",
        "{answer}"
    );
}

#[tokio::test]
async fn fl_08_what_is_missing_in_a_handshake_is_named() {
    let http = Session::serve(&[]).await;
    let whole = hello(&json!({}));
    let without = |name: &str| {
        let mut params = whole.clone();
        params.as_object_mut().unwrap().remove(name);
        params
    };
    let with = |name: &str, value: Value| {
        let mut params = whole.clone();
        params[name] = value;
        params
    };
    for (params, named) in [
        (without("clientInfo"), "`clientInfo` is missing"),
        (without("protocolVersion"), "`protocolVersion` is missing"),
        (
            json!([]),
            "`protocolVersion` is missing; `clientInfo` is missing",
        ),
        (
            json!({}),
            "`protocolVersion` is missing; `clientInfo` is missing",
        ),
        (
            json!(null),
            "`protocolVersion` is missing; `clientInfo` is missing",
        ),
        (with("clientInfo", json!(null)), "`clientInfo` is missing"),
        (
            with("clientInfo", json!([])),
            "`clientInfo.name` is missing; `clientInfo.version` is missing",
        ),
        (
            with("clientInfo", json!({ "version": "1" })),
            "`clientInfo.name` is missing",
        ),
        (
            with("clientInfo", json!({ "name": "x" })),
            "`clientInfo.version` is missing",
        ),
        (
            with("clientInfo", json!({ "name": "x", "version": 1 })),
            "`clientInfo.version` must be a string",
        ),
        (
            with("clientInfo", json!(SENTINEL)),
            "`clientInfo` must be an object",
        ),
        (
            with("protocolVersion", json!(7)),
            "`protocolVersion` must be a string",
        ),
    ] {
        for answer in first_responses(&http, "initialize", &params).await {
            let message = answer["error"]["message"].as_str().unwrap();
            assert_eq!(
                (&answer["id"], &answer["error"]["code"]),
                (&json!(1), &json!(-32602)),
                "{answer}"
            );
            assert!(message.ends_with(named), "{params}: {message}");
            for foreign in ["_meta", "io.modelcontextprotocol", SENTINEL] {
                assert!(!answer.to_string().contains(foreign), "{params}: {message}");
            }
        }
    }
    // What the server has no use for stops nobody.
    for info in [
        json!({ "name": "x", "version": "1", "title": 7, "description": [], "websiteUrl": null }),
        json!({ "name": "x", "version": "1", "icons": [{ "src": "a", "sizes": "48x48", "theme": "blue" }] }),
        json!({ "name": "x", "version": "1", "icons": {} }),
        json!({ "name": "x", "version": "1", "icons": [{ "mimeType": "a/b" }] }),
    ] {
        for answer in first_responses(&http, "initialize", &with("clientInfo", info.clone())).await
        {
            assert_eq!(
                answer["result"]["protocolVersion"], "2025-11-25",
                "{info}: {answer}"
            );
        }
    }
}

#[tokio::test]
async fn fl_29_no_listed_schema_has_a_word_that_gemini_rejects() {
    let flags = ["--access", "destructive", "--toolsets", "all,catalogue"];
    let mut session = Session::start(&flags).await;
    let http = Session::serve(&flags).await;
    let over_stdio = session.request("tools/list", json!({})).await;
    let over_http = post(http.address(), &[], &request("tools/list", &json!({})))
        .await
        .json();
    for answer in [over_stdio, over_http] {
        let tools = answer["result"]["tools"].as_array().unwrap();
        assert!(tools.len() > opmanager_mcp_server::tools::operations().count());
        for tool in tools {
            assert_eq!(tool["inputSchema"]["type"], "object");
            for word in [
                "additionalProperties",
                "$schema",
                "$ref",
                "oneOf",
                "anyOf",
                "allOf",
                "const",
            ] {
                assert!(
                    !tool["inputSchema"]
                        .to_string()
                        .contains(&format!("\"{word}\":")),
                    "{tool}"
                );
            }
        }
    }
    // An argument that is none is rejected as before.
    let made_up = json!({ "host": "127.0.0.1", "apiKey": SENTINEL, "made_up": 1 });
    let reply = session.call("list_devices", made_up).await;
    assert!(
        reply.failed && reply.text().contains("`made_up`"),
        "{}",
        reply.text()
    );
}
