//! An MSP Central: which customer and region a call is about.

use std::process::Stdio;

use opmanager_simulator::{Options, Recorded, Simulator, Variant};
use serde_json::{Value, json};
use tokio::io::AsyncWriteExt;
use tokio::process::Command;

use crate::support::{PROGRAM, Session, at, merge};

const SCOPE: [&str; 2] = ["selCustomerID", "regionID"];

async fn central() -> Simulator {
    let options = Options {
        variant: Variant::Msp,
        ..Options::default()
    };
    Simulator::start(options).await.unwrap()
}

/// What a request says of its scope.
fn scope_of(request: &Recorded) -> Vec<(&str, &str)> {
    let all = request.query.iter().chain(&request.form);
    all.filter(|(name, _)| SCOPE.contains(&name.as_str()))
        .map(|(name, value)| (name.as_str(), value.as_str()))
        .collect()
}

fn has_scope(tool: &Value) -> bool {
    let properties = &tool["inputSchema"]["properties"];
    SCOPE.iter().any(|name| properties.get(name).is_some())
}

#[tokio::test]
async fn without_the_flag_nothing_is_listed_or_taken_and_the_flag_is_named() {
    let simulator = central().await;
    let mut session = Session::start(&["--toolsets", "all,catalogue"]).await;
    for tool in session.tools().await {
        assert!(!has_scope(&tool), "{tool}");
        assert!(!tool.to_string().contains("\"msp\""), "{tool}");
        assert_ne!(tool["name"], "list_customers");
    }
    for name in ["selCustomerID", "regionID", "sel_customer_id", "RegionId"] {
        for (tool, more) in [
            ("list_devices", json!({ name: 901 })),
            (
                "call_operation",
                json!({ "operation": "list_devices", "arguments": json!({ name: 901 }).to_string() }),
            ),
            ("diagnose_connection", json!({ name: 901 })),
        ] {
            let reply = session.call(tool, at(&simulator, more)).await;
            assert!(reply.failed, "{tool} {name}: {}", reply.text());
            let part = format!("`{name}` is not an argument of this tool");
            assert!(
                reply.text().contains(&part) && reply.text().contains("--msp"),
                "{}",
                reply.text()
            );
        }
    }
    let call = json!({ "operation": "list_customers" });
    for (tool, given) in [
        ("call_operation", at(&simulator, call.clone())),
        ("describe_operation", call),
    ] {
        assert!(session.call(tool, given).await.failed, "{tool}");
    }
    let found = json!({ "query": "customers of the MSP Central" });
    let found = session.call("find_operations", found).await;
    assert!(!found.text().contains("list_customers"), "{}", found.text());
    assert_eq!(simulator.requests().len(), 0);
    session.conclude(simulator.api_key()).await;
}

#[tokio::test]
async fn with_the_flag_the_scope_goes_with_every_call_where_it_is_given() {
    let simulator = central().await;
    let flags = ["--msp", "--toolsets", "all,catalogue", "--access", "write"];
    let mut session = Session::start(&flags).await;
    for tool in session.tools().await {
        let connects = tool["inputSchema"]["properties"].get("host").is_some();
        assert_eq!(has_scope(&tool), connects, "{tool}");
    }
    let devices = json!({ "page": 1, "rows": 100, "limit": 1000, "fields": "deviceName" });
    let wrapped = json!({ "operation": "list_devices", "arguments": devices.to_string() });
    let both = [("selCustomerID", "902"), ("regionID", "-1")];
    for (tool, given, scope, expected) in [
        ("list_devices", &devices, json!({}), &[][..]),
        (
            "list_devices",
            &devices,
            json!({ "selCustomerID": 902, "regionID": -1 }),
            &both,
        ),
        (
            "list_devices",
            &devices,
            json!({ "sel_customer_id": "902", "RegionID": -1.0 }),
            &both,
        ),
        (
            "list_devices",
            &devices,
            json!({ "selCustomerID": 902, "regionID": null }),
            &both[..1],
        ),
        (
            "call_operation",
            &wrapped,
            json!({ "selCustomerID": 902, "regionID": -1 }),
            &both,
        ),
        (
            "call_operation",
            &wrapped,
            json!({ "regionID": -1 }),
            &both[1..],
        ),
    ] {
        simulator.clear_log();
        let reply = session
            .call(tool, at(&simulator, merge(given.clone(), scope.clone())))
            .await;
        assert!(!reply.failed, "{scope}: {}", reply.text());
        let [request] = &simulator.requests()[..] else {
            panic!("one request");
        };
        assert_eq!(scope_of(request), expected, "{tool} {scope}");
        let of_another = reply.text().contains(".10000000001");
        assert_eq!(of_another, !expected.contains(&both[0]), "{}", reply.text());
    }
    // A write, which is posted.
    simulator.clear_log();
    let muted = json!({
        "name": "fw-01.10000000001", "suppressInterval": "0", "selCustomerID": 901, "regionID": -1,
    });
    let reply = session
        .call("configure_suppress_alarm", at(&simulator, muted))
        .await;
    let requests = simulator.requests();
    assert_eq!(requests[0].method, "POST", "{}", reply.text());
    assert_eq!(
        scope_of(&requests[0]),
        [("selCustomerID", "901"), ("regionID", "-1")]
    );
    // Every request of a call of several.
    simulator.clear_log();
    let given = at(&simulator, json!({ "selCustomerID": 902 }));
    session.call("diagnose_connection", given).await;
    let requests = simulator.requests();
    assert!(!requests.is_empty());
    for request in &requests {
        assert_eq!(scope_of(request), &both[..1]);
    }
    session.conclude(simulator.api_key()).await;
}

#[tokio::test]
async fn a_scope_that_is_none_is_refused_by_name_before_anything_is_sent() {
    let simulator = central().await;
    let mut session = Session::start(&["--msp"]).await;
    for name in SCOPE {
        for value in [
            json!("all"),
            json!(-2),
            json!(1.5),
            json!([901, 902]),
            json!(true),
        ] {
            let given = at(&simulator, json!({ name: value }));
            let reply = session.call("list_devices", given).await;
            assert!(reply.failed, "{name} {value}");
            let part = format!("`{name}` must be a whole number: -1 for all");
            assert!(reply.text().contains(&part), "{}", reply.text());
        }
    }
    let unknown = session
        .call("list_devices", at(&simulator, json!({ "unheardOf": 1 })))
        .await;
    assert!(
        unknown.text().contains("`selCustomerID`, `regionID`"),
        "{}",
        unknown.text()
    );
    assert_eq!(simulator.requests().len(), 0);
    session.conclude(simulator.api_key()).await;
}

#[tokio::test]
async fn customers_are_listed_where_there_are_any() {
    let simulator = central().await;
    let mut session = Session::start(&["--msp", "--toolsets", "msp,catalogue"]).await;
    for (tool, given) in [
        ("list_customers", json!({})),
        (
            "call_operation",
            json!({ "operation": "listCustomerNames" }),
        ),
    ] {
        let reply = session.call(tool, at(&simulator, given)).await;
        assert!(!reply.failed, "{}", reply.text());
        assert!(reply.text().contains("902") && reply.text().contains("customer-2"));
    }
    let found = json!({ "query": "customers", "toolset": "msp" });
    let found = session.call("find_operations", found).await;
    assert!(found.text().contains("list_customers"), "{}", found.text());
    // What is said of a connection to a tool that needs none is dropped.
    let described = json!({ "operation": "list_customers", "selCustomerID": 901 });
    let described = session.call("describe_operation", described).await;
    assert!(!described.failed, "{}", described.text());
    assert!(
        described.text().contains("the MSP edition"),
        "{}",
        described.text()
    );
    session.conclude(simulator.api_key()).await;
}

#[tokio::test]
async fn the_command_line_takes_the_scope_as_flags() {
    let simulator = central().await;
    let call = async |arguments: &[&str]| {
        let mut child = Command::new(PROGRAM)
            .args(["call", "--host", &simulator.host(), "--use-ssl", "false"])
            .args(arguments)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut input = child.stdin.take().unwrap();
        let _ = input
            .write_all(format!("{}\n", simulator.api_key()).as_bytes())
            .await;
        drop(input);
        child.wait_with_output().await.unwrap()
    };
    let output = call(&[
        "--msp",
        "--customer-id",
        "902",
        "--region-id",
        "-1",
        "list_devices",
    ])
    .await;
    assert!(output.status.success(), "{output:?}");
    let both = [("selCustomerID", "902"), ("regionID", "-1")];
    assert_eq!(scope_of(&simulator.requests()[0]), both);
    assert!(call(&["--msp", "list_customers"]).await.status.success());
    let sent = simulator.requests().len();
    for (arguments, part) in [
        (&["--customer-id", "902", "list_devices"][..], "--msp"),
        (&["--msp", "--customer-id", "-2", "list_devices"], "from -1"),
        (
            &["--msp", "list_devices", "selCustomerID=902"],
            "--customer-id",
        ),
        (&["list_customers"], "--msp"),
    ] {
        let output = call(arguments).await;
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(
            !output.status.success() && said.contains(part),
            "{arguments:?}: {said}"
        );
    }
    for flags in [["--toolsets", "msp"], ["--tools", "list_customers"]] {
        let output = Command::new(PROGRAM).arg("tools").args(flags).output();
        let output = output.await.unwrap();
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(
            !output.status.success() && said.contains("needs --msp"),
            "{said}"
        );
    }
    assert_eq!(simulator.requests().len(), sent);
}

#[cfg(unix)]
#[tokio::test]
async fn headers_bring_the_scope_and_no_argument_names_another() {
    use crate::support::http::post;

    let simulator = central().await;
    let (host, key) = (simulator.host(), simulator.api_key().to_owned());
    let message = |arguments: Value| {
        json!({
            "jsonrpc": "2.0", "id": 1, "method": "tools/call",
            "params": { "name": "list_devices", "arguments": arguments },
        })
    };
    let connection = [
        ("X-OpManager-Host", host.as_str()),
        ("X-OpManager-Api-Key", key.as_str()),
        ("X-OpManager-Use-Ssl", "false"),
    ];
    let scope = [
        ("X-OpManager-Customer-Id", "902"),
        ("X-OpManager-Region-Id", "-1"),
    ];
    let headers = [&connection[..], &scope].concat();
    let session = Session::serve(&["--credentials", "headers", "--msp"]).await;
    let list = json!({ "jsonrpc": "2.0", "id": 1, "method": "tools/list", "params": {} });
    let listed = post(session.address(), &[], &list).await;
    let tools = &listed.json()["result"]["tools"];
    assert!(
        !tools.as_array().unwrap().iter().any(has_scope),
        "{listed:?}"
    );
    let answer = post(session.address(), &headers, &message(json!({}))).await;
    assert!(!answer.failed(), "{answer:?}");
    let both = [("selCustomerID", "902"), ("regionID", "-1")];
    assert_eq!(scope_of(&simulator.requests()[0]), both);
    for name in SCOPE {
        let answer = post(session.address(), &headers, &message(json!({ name: -1 }))).await;
        assert!(answer.failed() && answer.text.contains(name), "{answer:?}");
    }
    let wrong = [&connection[..], &[("X-OpManager-Region-Id", "north")]].concat();
    let answer = post(session.address(), &wrong, &message(json!({}))).await;
    let part = "header `X-OpManager-Region-Id` must be a whole number";
    assert!(answer.failed() && answer.text.contains(part), "{answer:?}");
    assert_eq!(simulator.requests().len(), 1);
    session.finish().await.check(&key);
    // Without the flag the call would be about all customers.
    let session = Session::serve(&["--credentials", "headers"]).await;
    let answer = post(session.address(), &headers, &message(json!({}))).await;
    assert_eq!(answer.status, 400, "{answer:?}");
    assert!(answer.text.contains("--msp"), "{answer:?}");
    assert_eq!(simulator.requests().len(), 1);
    session.finish().await.check(&key);
}
