//! Bearer tokens: who may read their file, what it says of a caller, and how it is read again.

use std::collections::BTreeSet;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::Path;

use opmanager_simulator::{Fault, FaultKind};
use rustix::process::Signal;
use serde_json::{Value, json};
use tokio::time::timeout;

use super::{call, list_devices, newest, ping, refused_at_the_start, request};
use crate::support::fence::file;
use crate::support::http::{Answer, post};
use crate::support::{PATIENCE, SENTINEL, Session, at, simulator};

const ALICE: &str = "alice-token-0123456789";
const BOB: &str = "bob-token-9876543210";
const CAROL: &str = "carol-token-1111111111";

async fn ask(session: &Session, token: &str, message: &Value) -> Answer {
    let token = format!("Bearer {token}");
    post(session.address(), &[("Authorization", &token)], message).await
}

fn set_mode(path: &str, mode: u32) {
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)).unwrap();
}

#[test]
fn rt_40_a_token_file_that_others_can_write_or_read_ends_the_program_at_the_start() {
    let tokens = file("loose_tokens", &format!("alice {ALICE}\n"));
    let link = format!("{tokens}.link");
    let _ = std::fs::remove_file(&link);
    symlink(&tokens, &link).unwrap();
    for path in [&tokens, &link] {
        for mode in [0o666, 0o606, 0o620, 0o602, 0o644, 0o604, 0o777] {
            set_mode(&tokens, mode);
            let said = refused_at_the_start(&["--http-token-file", path]);
            assert!(said.contains("chmod 600 FILE"), "{mode:o}: {said}");
            assert!(!said.contains(ALICE) && !said.contains(path), "{said}");
        }
    }
    let said = refused_at_the_start(&["--http-token-file", env!("CARGO_TARGET_TMPDIR")]);
    assert!(said.contains("regular file"), "{said}");
    // Nobody writes to it: opening it would wait for ever.
    let pipe = format!("{tokens}.pipe");
    let _ = std::fs::remove_file(&pipe);
    let made = std::process::Command::new("mkfifo").arg(&pipe).status();
    assert!(made.unwrap().success());
    let said = refused_at_the_start(&["--http-token-file", &pipe]);
    assert!(said.contains("regular file"), "{said}");
}

#[tokio::test]
async fn rt_40_a_link_and_a_file_that_a_group_of_ours_can_read_are_taken() {
    let tokens = file("group_tokens", &format!("alice {ALICE}\n"));
    set_mode(&tokens, 0o440);
    let link = format!("{tokens}.link");
    let _ = std::fs::remove_file(&link);
    symlink(Path::new(&tokens).file_name().unwrap(), &link).unwrap();
    let session = Session::serve(&["--http-token-file", &link]).await;
    assert_eq!(ask(&session, ALICE, &ping()).await.status, 200);
    session.finish().await.check(ALICE);
}

#[test]
fn rt_40_one_token_for_two_names_ends_the_program_at_the_start() {
    let tokens = format!("alice {ALICE}\nbob {BOB}\ncarol {ALICE}\n");
    let said = refused_at_the_start(&["--http-token-file", &file("same_tokens", &tokens)]);
    assert!(said.contains("under the names alice and carol"), "{said}");
    assert!(!said.contains(ALICE) && !said.contains(BOB), "{said}");
}

#[tokio::test]
async fn rt_40_a_token_that_is_taken_away_ends_at_once_with_its_running_calls() {
    let simulator = simulator().await;
    simulator.inject(Fault::always(FaultKind::Hang).on("listDevices"));
    let path = file("reloaded_tokens", &format!("alice {ALICE}\nbob {BOB}\n"));
    let flags = ["--http-token-file", &path, "--timeout", "600"];
    let session = Session::serve(&flags).await;
    let calling = |token: &'static str| {
        let (address, message) = (session.address(), list_devices(&simulator));
        tokio::spawn(async move {
            let token = format!("Bearer {token}");
            post(address, &[("Authorization", &token)], &message).await
        })
    };
    let (alice, bob) = (calling(ALICE), calling(BOB));
    let running = simulator.wait_until(|log| log.requests.len() == 2);
    timeout(PATIENCE, running)
        .await
        .expect("both calls must run");

    // A file that is wrong changes nothing, whatever is wrong with it.
    for (content, mode) in [
        (String::new(), 0o600),
        (format!("bob {BOB}\ncarol {BOB}\n"), 0o600),
        (format!("bob {BOB}\n"), 0o666),
    ] {
        let failures = session
            .log
            .text()
            .matches("tokens could not be reloaded")
            .count();
        std::fs::write(&path, content).unwrap();
        set_mode(&path, mode);
        session.signal(Signal::HUP);
        let waiting = async {
            while session
                .log
                .text()
                .matches("tokens could not be reloaded")
                .count()
                == failures
            {
                tokio::task::yield_now().await;
            }
        };
        timeout(PATIENCE, waiting)
            .await
            .expect("the reason must be logged");
        assert_eq!(ask(&session, ALICE, &ping()).await.status, 200);
    }
    assert!(session.log.text().contains("chmod 600 FILE"));
    assert!(!alice.is_finished() && !bob.is_finished());

    // Replaced by another file, as tools do that write one.
    let new = file("new_tokens", &format!("bob {BOB}\ncarol {CAROL}\n"));
    std::fs::rename(&new, &path).unwrap();
    session.signal(Signal::HUP);
    let ended = timeout(PATIENCE, alice)
        .await
        .expect("the call must end")
        .unwrap();
    assert!(ended.text.contains("withdrawn"), "{ended:?}");
    let dropped = simulator.wait_until(|log| log.disconnected == 1);
    timeout(PATIENCE, dropped)
        .await
        .expect("its request must be dropped");
    assert_eq!(ask(&session, ALICE, &ping()).await.status, 401);
    assert_eq!(ask(&session, CAROL, &ping()).await.status, 200);
    assert!(!bob.is_finished(), "a caller whose line stays goes on");

    // A line that says something else is another one.
    std::fs::write(&path, format!("bob {BOB} access=read\n")).unwrap();
    session.signal(Signal::HUP);
    let ended = timeout(PATIENCE, bob)
        .await
        .expect("the call must end")
        .unwrap();
    assert!(ended.text.contains("withdrawn"), "{ended:?}");
    assert_eq!(ask(&session, BOB, &ping()).await.status, 200);
    for token in [ALICE, BOB, CAROL] {
        assert!(!session.log.text().contains(token));
    }
    let finished = session.finish().await;
    finished.check(simulator.api_key());
}

fn names(answer: &Answer) -> BTreeSet<String> {
    let tools = answer.json()["result"]["tools"].clone();
    let tools = tools.as_array().unwrap_or_else(|| panic!("{answer:?}"));
    let names = tools.iter().map(|tool| tool["name"].as_str().unwrap());
    names.map(str::to_owned).collect()
}

#[tokio::test]
async fn a_line_of_the_token_file_lowers_what_its_caller_sees_and_calls() {
    let simulator = simulator().await;
    let tokens = format!(
        "alice {ALICE}\nbob {BOB} access=read toolsets=catalogue,alarms\ncarol {CAROL} access=destructive toolsets=core,all\n"
    );
    let path = file("bounded_tokens", &tokens);
    let flags = [
        "--http-token-file",
        &path,
        "--toolsets",
        "core,alarms,devices",
        "--access",
        "write",
    ];
    let session = Session::serve(&flags).await;
    session.log.wait_for("is above that of the server").await;
    let list = request(1, "tools/list", json!({}));
    let all = names(&ask(&session, ALICE, &list).await);
    let bobs = names(&ask(&session, BOB, &list).await);
    // More than the server was started with does nothing.
    assert_eq!(names(&ask(&session, CAROL, &list).await), all);
    assert!(bobs.is_subset(&all));
    for (tool, listed) in [
        ("list_alarms", true),
        ("call_operation", true),
        ("clear_alarm", false),
        ("list_devices", false),
    ] {
        assert!(all.contains(tool), "{tool}");
        assert_eq!(bobs.contains(tool), listed, "{tool}");
    }
    // A cache that callers share must not give one what was listed for another.
    let listed = ask(&session, BOB, &newest(list.clone())).await.json();
    assert_eq!(listed["result"]["cacheScope"], "private");
    let of_call_operation = listed["result"]["tools"]
        .as_array()
        .unwrap()
        .iter()
        .find(|tool| tool["name"] == "call_operation")
        .unwrap();
    assert_eq!(of_call_operation["annotations"]["readOnlyHint"], true);

    let through = |operation: &str, arguments: Value| {
        let own = json!({ "operation": operation, "arguments": arguments });
        call("call_operation", at(&simulator, own))
    };
    let entity = json!({ "entity": "db-02_Poll" });
    for (message, part) in [
        (
            call("clear_alarm", at(&simulator, entity.clone())),
            "access=read",
        ),
        (through("clear_alarm", entity.clone()), "access=read"),
        (list_devices(&simulator), "toolsets"),
        (
            through("list_devices", json!({})),
            "`operation` is none of OpManager's",
        ),
        (
            call(
                "describe_operation",
                json!({ "operation": "getDeviceSummary" }),
            ),
            "`operation` is none of OpManager's",
        ),
    ] {
        let answer = ask(&session, BOB, &message).await;
        assert!(answer.failed(), "{message}: {answer:?}");
        let text = answer.result_text();
        assert!(text.contains(part), "{message}: {text}");
        let answer = ask(&session, ALICE, &message).await;
        assert!(!answer.failed(), "{message}: {answer:?}");
    }
    let sent = simulator.requests().len();
    assert_eq!(sent, 4, "of the first caller alone");
    let find = call("find_operations", json!({ "query": "device" }));
    let found = ask(&session, BOB, &find).await.result_text();
    assert!(!found.contains("\"devices\""), "{found}");
    let operations = request(
        1,
        "resources/read",
        json!({ "uri": "opmanager://operations" }),
    );
    let read = ask(&session, BOB, &operations).await;
    assert!(read.text.contains("list_alarms"), "{read:?}");
    assert!(!read.text.contains("list_devices"), "{read:?}");
    let operation = json!({ "uri": "opmanager://operations/list_devices" });
    let read = ask(&session, BOB, &request(1, "resources/read", operation)).await;
    assert!(read.json()["error"].is_object(), "{read:?}");
    let complete = json!({
        "ref": { "type": "ref/resource", "uri": "opmanager://operations/{id}" },
        "argument": { "name": "id", "value": "list_d" },
    });
    let completed = ask(&session, BOB, &request(1, "completion/complete", complete)).await;
    assert_eq!(
        completed.json()["result"]["completion"]["values"],
        json!([])
    );
    let prompt = request(1, "prompts/get", json!({ "name": "alarm_triage" }));
    let prompt = ask(&session, BOB, &prompt).await;
    assert!(prompt.text.contains("Not possible here"), "{prompt:?}");
    let allowed = ask(
        &session,
        BOB,
        &call("list_alarms", at(&simulator, json!({}))),
    )
    .await;
    assert!(!allowed.failed(), "{allowed:?}");
    session.finish().await.check(SENTINEL);
}

#[tokio::test]
async fn a_line_that_leaves_its_caller_no_tool_is_told_of_at_the_start() {
    let path = file("no_tools", &format!("alice {ALICE} toolsets=reports\n"));
    let session = Session::serve(&["--http-token-file", &path, "--toolsets", "core"]).await;
    session.log.wait_for("lists no tool of this token").await;
    session.finish().await;
}

/// Over standard input there are no tokens.
#[tokio::test]
async fn fl_27_a_token_that_a_client_did_not_fill_in_is_told_to_be_a_placeholder() {
    let path = file("placeholder_tokens", &format!("alice {ALICE}\n"));
    let session = Session::serve(&["--http-token-file", &path]).await;
    for value in [
        "Bearer ${OPM_TOKEN}",
        "Bearer ${env:OPM_TOKEN}",
        "bearer {{OPM_TOKEN}}",
        "Bearer $OPM_TOKEN",
        "Bearer <OPM_TOKEN>",
        "Bearer <OPM_TOKEN of yours>",
        "Bearer %OPM_TOKEN%",
        "${OPM_TOKEN}",
    ] {
        let answer = post(session.address(), &[("Authorization", value)], &ping()).await;
        assert_eq!(answer.status, 401, "{value}: {answer:?}");
        assert!(
            answer
                .text
                .contains("a placeholder that the client did not fill in"),
            "{value}: {answer:?}"
        );
        assert!(!answer.text.contains("OPM_TOKEN"), "{answer:?}");
        assert_eq!(answer.header("www-authenticate"), Some("Bearer"));
    }
    for value in ["Bearer wrong-token-0123456789", "Basic YTpi", ""] {
        let answer = post(session.address(), &[("Authorization", value)], &ping()).await;
        assert_eq!(answer.status, 401, "{value}: {answer:?}");
        assert!(!answer.text.contains("placeholder"), "{value}: {answer:?}");
    }
    assert_eq!(ask(&session, ALICE, &ping()).await.status, 200);
    // Whoever gave such a token out meant it.
    let odd = file("odd_tokens", "bob ${0123456789abcdef}\n");
    let session = Session::serve(&["--http-token-file", &odd]).await;
    assert_eq!(
        ask(&session, "${0123456789abcdef}", &ping()).await.status,
        200
    );
}
