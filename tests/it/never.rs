//! What nobody reaches, whatever an operator allows.

use opmanager_mcp_server::opmanager::OperationId;
use opmanager_mcp_server::tools;
use serde_json::json;

use crate::support::{EVERYTHING, Session, at, simulator};

#[allow(
    dead_code,
    unreachable_pub,
    reason = "the build asks it, this test reads the list"
)]
#[path = "../../codegen/src/document/never.rs"]
mod list;

use list::NEVER;

/// A name as a tool would have it.
fn snake(name: &str) -> String {
    let mut out = String::new();
    let mut before = ' ';
    for c in name.chars() {
        if c.is_uppercase() && before.is_lowercase() {
            out.push('_');
        }
        out.extend(c.to_lowercase());
        before = c;
    }
    out
}

#[test]
fn none_is_described_and_each_has_its_reason() {
    for (name, reason) in NEVER {
        assert!(reason.len() > 15 && !reason.ends_with('.'), "{name}");
        for operation in OperationId::ALL {
            let specification = operation.specification();
            let path = specification.path.rsplit('/').next().unwrap();
            for known in [specification.id, path] {
                assert!(!known.eq_ignore_ascii_case(name), "{name} is described");
            }
        }
        let plain = name.to_lowercase();
        for tool in tools::catalogue() {
            assert_ne!(tool.name().replace('_', ""), plain);
        }
    }
    // What the list is for: one of each kind.
    for kind in [
        "executeDBQuery",
        "execConfiglet",
        "addWorkflow",
        "updateWorkflow",
        "testNewScriptTemplate",
        "addUser",
        "changePassword",
        "addDHCPServer",
    ] {
        assert!(NEVER.iter().any(|(name, _)| *name == kind), "{kind}");
    }
}

#[tokio::test]
async fn none_is_reached_by_any_name() {
    let simulator = simulator().await;
    let flags = [&EVERYTHING[..], &["--toolsets", "all,catalogue"]].concat();
    let mut session = Session::start(&flags).await;
    for (never, _) in NEVER {
        let module = format!("admin/{never}");
        for name in [
            (*never).to_owned(),
            snake(never),
            never.to_lowercase(),
            never.to_uppercase(),
            format!("/api/json/{module}"),
            format!(" {never}"),
        ] {
            let call = at(&simulator, json!({}));
            let answer = session
                .request("tools/call", json!({ "name": name, "arguments": call }))
                .await;
            assert_eq!(answer["error"]["code"], -32602, "{name}: {answer}");
            let call = at(
                &simulator,
                json!({ "operation": name, "arguments": "{\"query\":\"select 1\"}" }),
            );
            let called = session.call("call_operation", call).await;
            let described = session
                .call("describe_operation", json!({ "operation": name }))
                .await;
            assert!(called.failed && described.failed, "{name}");
            let found = session
                .call("find_operations", json!({ "query": name.trim() }))
                .await;
            let plain = never.to_lowercase();
            for operation in found.json()["operations"].as_array().into_iter().flatten() {
                let found = operation["operation"].as_str().unwrap();
                assert_ne!(found.replace('_', ""), plain);
            }
        }
    }
    session.conclude(simulator.api_key()).await;
    assert_eq!(simulator.connections(), 0);
}
