//! The key of a call goes into one header and nowhere else, and nothing but a call brings one in.

use std::path::PathBuf;

use futures::future::join_all;
use opmanager_mcp_server::opmanager::types::{ListAlarmsArgs, ListDevicesArgs};
use opmanager_mcp_server::opmanager::{ApiKey, Client, Connection, Http, Target, Trust};
use opmanager_simulator::{Fault, FaultKind, Options, Simulator, Tls};
use serde_json::{Value, json};
use tokio::net::TcpListener;

use crate::support::{Finished, PROGRAM, SENTINEL as KEY, Session, at, check_absent, merge};

/// What a caller gives and OpManager answers; neither belongs into a log.
pub(crate) const ARGUMENT: &str = "Zq8Argument";
const ANSWER: &str = "Zq9Answer";

pub(crate) async fn start(tls: Tls) -> Simulator {
    Simulator::start(Options {
        tls,
        api_key: KEY.to_owned(),
        ..Options::default()
    })
    .await
    .unwrap()
}

/// A port where nobody listens.
async fn nobody() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    listener.local_addr().unwrap().to_string()
}

/// Everything that can happen to a call, in one session. Returns the results, and what the program left.
async fn everything(level: &str, filter: Option<&str>) -> (Vec<String>, Finished) {
    let simulator = start(Tls::None).await;
    let secured = start(Tls::SelfSigned).await;
    let mut session = Session::spawn_with(&["--log-level", level, "--timeout", "5"], |command| {
        command.env_remove("RUST_LOG");
        if let Some(filter) = filter {
            command.envs([
                ("RUST_LOG", filter),
                ("RUST_BACKTRACE", "full"),
                ("RUST_LIB_BACKTRACE", "1"),
            ]);
        }
    });
    session.initialize("2025-11-25").await;

    let here = at(&simulator, json!({ "deviceName": ARGUMENT }));
    for kind in [
        None,
        Some(FaultKind::Respond {
            status: 200,
            content_type: None,
            headers: Vec::new(),
            body: json!([{ "message": format!("{ANSWER} {KEY}") }])
                .to_string()
                .into_bytes(),
        }),
        Some(FaultKind::OpManagerError {
            message: "No such thing".to_owned(),
            code: None,
        }),
        Some(FaultKind::EchoKey { status: 200 }),
        Some(FaultKind::EchoKey { status: 401 }),
        Some(FaultKind::LoginPage),
        Some(FaultKind::NotJson),
        Some(FaultKind::CloseAfterRequest),
        Some(FaultKind::Redirect {
            status: 302,
            location: simulator.url(),
        }),
        Some(FaultKind::Raw(
            format!("{KEY} {ANSWER}\r\n\r\n").into_bytes(),
        )),
        Some(FaultKind::Respond {
            status: 200,
            content_type: Some(format!("text/{KEY}")),
            headers: vec![("X-Key".to_owned(), KEY.to_owned())],
            body: format!("{ANSWER} {KEY}").into_bytes(),
        }),
        Some(FaultKind::Hang),
    ] {
        if let Some(kind) = kind {
            simulator.inject(Fault::once(kind));
        }
        session.call("list_alarms", here.clone()).await;
    }
    // The read whose connection was closed without a word was asked once more.
    assert_eq!(simulator.requests().len(), 13);
    for (changed, value) in [
        ("apiKey", json!(format!("{KEY}\n"))),
        ("apiKey", json!([KEY])),
        ("host", json!(format!("{KEY}@{}", simulator.host()))),
        ("host", json!(nobody().await)),
        ("host", json!("no-such-host.invalid")),
        ("severity", json!(KEY)),
        ("alertType", json!(KEY)),
        ("unknown", json!(KEY)),
        ("use_ssl", json!(true)),
    ] {
        let reply = session
            .call(
                "list_alarms",
                merge(here.clone(), json!({ changed: value })),
            )
            .await;
        assert!(reply.failed, "{changed}: {reply:?}");
    }
    for more in [
        json!({}),
        json!({ "verify_ssl": false }),
        json!({ "use_ssl": false }),
    ] {
        session
            .call(
                "list_alarms",
                at(&secured, merge(json!({ "deviceName": ARGUMENT }), more)),
            )
            .await;
    }
    assert_eq!(secured.requests().len(), 1);
    session.call("delete_alarm", here.clone()).await;
    session
        .request(
            "tools/call",
            json!({ "name": "nonsense", "arguments": here }),
        )
        .await;
    session
        .request(
            "tools/call",
            json!({ "name": "list_alarms", "arguments": KEY }),
        )
        .await;
    session.request("nonsense", json!({ "apiKey": KEY })).await;
    session.send(&json!({ "jsonrpc": "2.0", "method": "notifications/nonsense", "params": { "apiKey": KEY } })).await;
    session
        .send_line(format!("not json {KEY}").as_bytes())
        .await;
    session.ping().await;

    simulator.inject(Fault::once(FaultKind::Hang));
    let id = session
        .begin(
            "tools/call",
            json!({ "name": "list_alarms", "arguments": here }),
        )
        .await;
    simulator.wait_until(|log| log.requests.len() == 14).await;
    session.send(&json!({ "jsonrpc": "2.0", "method": "notifications/cancelled", "params": { "requestId": id } })).await;
    simulator.wait_until(|log| log.disconnected == 2).await;
    let lines = std::mem::take(&mut session.lines);
    (lines, session.finish().await)
}

#[tokio::test]
async fn sh_01_no_log_level_and_no_filter_shows_a_key() {
    let filters = [
        None,
        Some("trace"),
        Some(
            "rmcp=trace,hyper=trace,hyper_util=trace,reqwest=trace,rustls=trace,opmanager_mcp_server=trace",
        ),
    ];
    let levels = ["off", "error", "warn", "info", "debug", "trace"];
    let runs = levels
        .iter()
        .flat_map(|level| filters.iter().map(move |filter| (*level, *filter)));
    join_all(runs.map(async |(level, filter)| {
        let (lines, finished) = everything(level, filter).await;
        let what = format!("--log-level {level}, RUST_LOG={filter:?}: ");
        check_absent(&format!("{what}log"), &finished.log, KEY);
        check_absent(&format!("{what}log"), &finished.log, ARGUMENT);
        check_absent(&format!("{what}log"), &finished.log, ANSWER);
        for line in lines.iter().chain(&finished.rest) {
            check_absent(&format!("{what}output"), line, KEY);
        }
        assert!(finished.status.success());
        let speaks = ["warn", "info", "debug", "trace"].contains(&level);
        assert_eq!(
            finished.log.contains("outcome=\"success\""),
            speaks,
            "{what}{}",
            finished.log
        );
        if level == "off" {
            assert_eq!(finished.log, "", "{what}");
        }
    }))
    .await;
}

#[tokio::test]
async fn sh_03_the_environment_brings_no_key_no_host_and_no_proxy() {
    let (simulator, secured, elsewhere) = tokio::join!(
        start(Tls::None),
        start(Tls::SelfSigned),
        Simulator::start(Options::default())
    );
    let elsewhere = elsewhere.unwrap();
    let (url, host, port) = (
        elsewhere.url(),
        elsewhere.host(),
        elsewhere.address().port().to_string(),
    );
    let other_key = "zq6OTHERk8Yv1";
    let mut session = Session::spawn_with(&[], |command| {
        for name in ["HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"] {
            command.env(name, &url).env(name.to_lowercase(), &url);
        }
        command.env_remove("NO_PROXY").env_remove("no_proxy");
        for name in [
            "OPMANAGER_API_KEY",
            "OPMANAGER_APIKEY",
            "OPMANAGER_KEY",
            "API_KEY",
            "APIKEY",
        ] {
            command
                .env(name, other_key)
                .env(name.to_lowercase(), other_key);
        }
        for (name, value) in [
            ("OPMANAGER_HOST", &host),
            ("OPMANAGER_URL", &url),
            ("OPMANAGER_BASE_URL", &url),
            ("OPMANAGER_PORT", &port),
            ("HOST", &host),
            ("PORT", &port),
        ] {
            command.env(name, value);
        }
    });
    session.initialize("2025-11-25").await;
    for (arguments, missing) in [
        (json!({}), &["`host`", "`apiKey`"][..]),
        (json!({ "host": simulator.host() }), &["`apiKey`"]),
        (json!({ "apiKey": KEY }), &["`host`"]),
    ] {
        let reply = session.call("list_devices", arguments).await;
        assert!(reply.failed, "{reply:?}");
        for name in missing {
            assert!(
                reply.text().contains(&format!("{name} is missing")),
                "{}",
                reply.text()
            );
        }
    }
    assert_eq!(simulator.connections(), 0);
    for (simulator, more) in [
        (&simulator, json!({})),
        (&secured, json!({ "verify_ssl": false })),
    ] {
        let reply = session.call("list_devices", at(simulator, more)).await;
        assert!(!reply.failed, "{}", reply.text());
        let requests = simulator.requests();
        assert_eq!(requests.len(), 1);
        assert_eq!(requests[0].header("apikey"), Some(KEY.as_bytes()));
        check_absent("request", &format!("{:?}", requests[0]), other_key);
    }
    let lines = std::mem::take(&mut session.lines).concat();
    let finished = session.finish().await;
    check_absent("output", &lines, other_key);
    check_absent("log", &finished.log, other_key);
    assert_eq!(elsewhere.connections(), 0);
}

/// An empty folder of its own.
fn folder(name: &str) -> PathBuf {
    let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(name);
    let _ = std::fs::remove_dir_all(&folder);
    std::fs::create_dir_all(&folder).unwrap();
    folder
}

#[tokio::test]
async fn sh_03_files_in_the_working_directory_change_nothing_and_none_are_made() {
    let (simulator, elsewhere) =
        tokio::join!(start(Tls::None), Simulator::start(Options::default()));
    let elsewhere = elsewhere.unwrap();
    let folder = folder("files_in_the_working_directory");
    let settings = format!(
        "OPMANAGER_HOST={}\nOPMANAGER_API_KEY=zq6OTHERk8Yv1\nHTTP_PROXY={}\nRUST_LOG=trace\n",
        elsewhere.host(),
        elsewhere.url(),
    );
    for name in [".env", "config.toml", "opmanager.toml"] {
        std::fs::write(folder.join(name), &settings).unwrap();
    }
    let mut session = Session::spawn_with(&[], |command| {
        command
            .current_dir(&folder)
            .env("HOME", &folder)
            .env("XDG_CONFIG_HOME", &folder)
            .env("TMPDIR", &folder);
    });
    session.initialize("2025-11-25").await;
    let reply = session.call("list_devices", json!({})).await;
    assert!(
        reply.failed
            && reply.text().contains("`host` is missing")
            && reply.text().contains("`apiKey` is missing")
    );
    assert!(
        !session
            .call("list_devices", at(&simulator, json!({})))
            .await
            .failed
    );
    let finished = session.finish().await;
    assert!(finished.status.success() && !finished.log.contains("zq6OTHERk8Yv1"));
    assert_eq!(
        (simulator.requests().len(), elsewhere.connections()),
        (1, 0)
    );
    let mut files: Vec<_> = std::fs::read_dir(&folder)
        .unwrap()
        .map(|file| file.unwrap().file_name())
        .collect();
    files.sort();
    assert_eq!(files, [".env", "config.toml", "opmanager.toml"]);
}

#[cfg(target_os = "linux")]
#[tokio::test]
async fn sh_07_other_processes_do_not_see_a_key_and_none_is_left_in_a_core_file() {
    use std::os::unix::fs::MetadataExt as _;

    let simulator = start(Tls::None).await;
    let is_root = std::fs::metadata("/proc/self").unwrap().uid() == 0;
    let mut session = Session::spawn_with(&[], |command| {
        // What is root's own says nothing below.
        if is_root {
            command.uid(65_534);
        }
    });
    session.initialize("2025-11-25").await;
    simulator.inject(Fault::once(FaultKind::Hang));
    let params = json!({ "name": "list_devices", "arguments": at(&simulator, json!({})) });
    session.begin("tools/call", params).await;
    simulator.wait_until(|log| log.requests.len() == 1).await;
    session.check(KEY).await;
    let process = format!("/proc/{}", session.id());
    let limits = std::fs::read_to_string(format!("{process}/limits")).unwrap();
    let core = limits
        .lines()
        .find_map(|line| line.strip_prefix("Max core file size"));
    let core: Vec<&str> = core.unwrap().split_whitespace().collect();
    assert_eq!(core, ["0", "0", "bytes"]);
    // The files of a process that may not be dumped, its memory among them, belong to root and not to its user.
    let status = std::fs::read_to_string(format!("{process}/status")).unwrap();
    let user = status.lines().find_map(|line| line.strip_prefix("Uid:"));
    assert_ne!(user.unwrap().split_whitespace().next(), Some("0"));
    let memory = std::fs::metadata(format!("{process}/mem")).unwrap();
    assert_eq!(memory.uid(), 0);
}

#[test]
fn sh_07_what_the_program_says_of_itself_is_the_same_everywhere() {
    for arguments in [
        &["--help"][..],
        &["--version"],
        &["tools"],
        &["tools", "--json"],
        &["simulate", "--help"],
    ] {
        let output = std::process::Command::new(PROGRAM)
            .args(arguments)
            .env("OPMANAGER_API_KEY", KEY)
            .output()
            .unwrap();
        assert!(output.status.success());
        let said = [output.stdout, output.stderr].concat();
        let said = String::from_utf8(said).unwrap();
        check_absent("help", &said, KEY);
        assert!(!said.contains(env!("CARGO_MANIFEST_DIR")));
        for folder in ["/home/", "/root/", "/Users/", "C:\\", ".cargo"] {
            assert!(!said.contains(folder), "{folder}");
        }
    }
}

#[tokio::test]
async fn sh_06_a_host_in_place_of_the_key_is_refused_and_what_stands_in_place_of_the_host_is_not_resolved()
 {
    let mut session = Session::start(&["--log-level", "trace"]).await;
    for given in [
        "127.0.0.1",
        "127.0.0.1:8061",
        "[::1]",
        "[::1]:8061",
        "opm.corp.example",
        "opm.corp.example:8061",
        "opm:8061",
        "localhost",
        "https://opm.corp.example",
        "https://127.0.0.1:8061/",
    ] {
        let reply = session
            .call("list_devices", json!({ "host": KEY, "apiKey": given }))
            .await;
        assert!(reply.failed, "{given}");
        let text = reply.text();
        for part in ["nothing was sent", "`apiKey` looks like a host", "swapped"] {
            assert!(text.contains(part), "{given}: {text}");
        }
        assert!(!text.contains(given), "{given}: {text}");
    }
    let finished = session.conclude(KEY).await;
    assert!(finished.log.contains("invalid_arguments"));
    assert!(
        !finished.log.contains("no_answer"),
        "nothing was resolved: {}",
        finished.log
    );
}

#[tokio::test]
async fn errors_of_the_typed_client_do_not_repeat_the_key() {
    let (simulator, secured) = tokio::join!(start(Tls::None), start(Tls::SelfSigned));
    let client = |simulator: &Simulator, tls: bool| {
        let target = Target::parse(&simulator.host(), None, Some(tls)).unwrap();
        let key = ApiKey::new(KEY.to_owned()).unwrap();
        Client::new(
            Http::default(),
            Connection::with(target, Trust::Verified, key),
        )
    };
    let respond = |content_type: &str, body: Value| FaultKind::Respond {
        status: 200,
        content_type: Some(content_type.to_owned()),
        headers: Vec::new(),
        body: body.to_string().into_bytes(),
    };
    for kind in [
        FaultKind::EchoKey { status: 200 },
        FaultKind::EchoKey { status: 401 },
        FaultKind::OpManagerError {
            message: "x".to_owned(),
            code: Some(KEY.to_owned()),
        },
        respond("application/json", json!(KEY)),
        respond("application/json", json!([KEY])),
        FaultKind::Respond {
            status: 200,
            content_type: Some(KEY.to_owned()),
            headers: Vec::new(),
            body: KEY.as_bytes().to_vec(),
        },
        FaultKind::Raw(KEY.as_bytes().to_vec()),
        FaultKind::Redirect {
            status: 302,
            location: format!("http://{KEY}/"),
        },
    ] {
        let case = format!("{kind:?}");
        simulator.inject(Fault::once(kind));
        let error = client(&simulator, false)
            .call(&ListAlarmsArgs::default())
            .await
            .unwrap_err();
        check_absent(&case, &format!("{error} {error:?}"), KEY);
    }
    for (simulator, tls) in [(&simulator, true), (&secured, true), (&secured, false)] {
        let error = client(simulator, tls)
            .call(&ListDevicesArgs::default())
            .await
            .unwrap_err();
        check_absent("connection", &format!("{error} {error:?}"), KEY);
    }
    let refused = ApiKey::new(format!("{KEY} ")).err().unwrap();
    check_absent("key", &format!("{refused} {refused:?}"), KEY);
}
