//! Answers that are large, packed, slow or many: what they may cost, and that nobody else pays for them.

use std::io::Write as _;
use std::time::{Duration, Instant};

use flate2::Compression;
use flate2::write::GzEncoder;
use opmanager_simulator::{Fault, FaultKind, Options, Simulator};
use serde_json::json;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

use crate::support::bodies;
use crate::support::{Reply, SENTINEL, Session, at};

async fn sentinel_simulator() -> Simulator {
    let options = Options {
        api_key: SENTINEL.to_owned(),
        ..Options::default()
    };
    Simulator::start(options).await.unwrap()
}

fn body(encoding: Option<&str>, body: impl Into<Vec<u8>>) -> FaultKind {
    let encoding = encoding.map(|encoding| ("Content-Encoding".to_owned(), encoding.to_owned()));
    FaultKind::Respond {
        status: 200,
        content_type: Some("application/json".to_owned()),
        headers: encoding.into_iter().collect(),
        body: body.into(),
    }
}

fn gzip(text: &[u8]) -> Vec<u8> {
    let mut gzip = GzEncoder::new(Vec::new(), Compression::default());
    gzip.write_all(text).unwrap();
    gzip.finish().unwrap()
}

async fn answered(session: &mut Session, simulator: &Simulator, kind: FaultKind) -> Reply {
    simulator.inject(Fault::once(kind));
    session.call("list_devices", at(simulator, json!({}))).await
}

/// The processor time that a process has taken so far.
#[cfg(target_os = "linux")]
fn processor_time(process: u32) -> Duration {
    let status = std::fs::read_to_string(format!("/proc/{process}/stat")).unwrap();
    let fields: Vec<&str> = status
        .rsplit_once(')')
        .unwrap()
        .1
        .split_whitespace()
        .collect();
    // In user and in system mode, in hundredths of a second wherever Linux runs this.
    let ticks: u64 = fields[11].parse::<u64>().unwrap() + fields[12].parse::<u64>().unwrap();
    Duration::from_millis(ticks * 10)
}

#[cfg(target_os = "linux")]
#[tokio::test]
async fn rs_03_a_gigabyte_packed_into_one_megabyte_is_not_unpacked() {
    let simulator = sentinel_simulator().await;
    let mut session = Session::start(&[]).await;
    // Deflate packs no better than 1032 to 1; many members make a stream of any length.
    let member = gzip(&vec![b' '; 8 << 20]);
    let bomb = [gzip(b"["), member.repeat(128), gzip(b"]")].concat();
    assert!(bomb.len() < 2 << 20, "{}", bomb.len());
    let before = processor_time(session.id());
    let reply = answered(&mut session, &simulator, body(Some("gzip"), bomb)).await;
    let taken = processor_time(session.id()) - before;
    assert!(reply.failed, "{}", reply.text());
    assert!(
        reply.text().contains("more than 100 times its size"),
        "{}",
        reply.text()
    );
    assert!(taken < Duration::from_secs(2), "{taken:?}");
    assert!(session.peak() < 64, "{} MiB", session.peak());
    session.conclude(SENTINEL).await;
}

#[cfg(target_os = "linux")]
#[tokio::test]
async fn a_list_of_any_size_is_read_as_it_arrives() {
    const ALARMS: usize = 100_000;
    let simulator = sentinel_simulator().await;
    let mut session = Session::start(&[]).await;
    session.ping().await;
    let before = session.peak();
    let alarms = bodies::alarms(ALARMS);
    assert!(alarms.len() > 40 << 20, "{}", alarms.len());
    for kind in [
        body(None, alarms.clone()),
        body(Some("gzip"), gzip(alarms.as_bytes())),
    ] {
        for (given, told) in [
            (json!({}), json!({ "total": ALARMS, "next_offset": 50 })),
            (
                json!({ "where": "displayName=node-99999" }),
                json!({ "total": ALARMS, "matched": 1, "returned": 1 }),
            ),
            (
                json!({ "sort": "-alarmId", "limit": 1, "fields": "alarmId" }),
                json!({ "total": ALARMS, "items": [{ "alarmId": "199999" }] }),
            ),
            (
                json!({ "count_by": "severityString" }),
                json!({ "total": ALARMS, "rows": [[1, ALARMS]] }),
            ),
        ] {
            simulator.inject(Fault::once(kind.clone()));
            let reply = session
                .call("list_alarms", at(&simulator, given.clone()))
                .await;
            assert!(!reply.failed, "{given}: {}", reply.text());
            let answer = reply.json();
            for (name, value) in told.as_object().unwrap() {
                assert_eq!(answer[name], *value, "{given}: {name} of {answer}");
            }
        }
    }
    // What is held does not grow with what is sent.
    let taken = session.peak() - before;
    assert!(taken < 16, "{taken} MiB");
    session.conclude(SENTINEL).await;
}

#[tokio::test]
async fn a_failure_behind_a_large_list_is_a_failure() {
    let simulator = sentinel_simulator().await;
    let mut session = Session::start(&[]).await;
    let devices = bodies::devices(3000);
    let whole = devices.strip_suffix('}').unwrap();
    let failed = format!("{whole},\"error\":{{\"message\":\"The list is not complete\"}}}}");
    for (body_of, told) in [
        (failed, "The list is not complete"),
        (format!("{whole}]"), "not valid JSON"),
        (whole.to_owned(), "ends in the middle"),
        (format!("{devices}x"), "not valid JSON"),
        (format!("<html>{devices}"), "web page"),
    ] {
        let reply = answered(&mut session, &simulator, body(None, body_of)).await;
        assert!(reply.failed, "{told}: {}", reply.text());
        assert!(reply.text().contains(told), "{told}: {}", reply.text());
    }
    session.conclude(SENTINEL).await;
}

#[tokio::test]
async fn a_packed_answer_may_have_members_and_may_not_have_faults() {
    let simulator = sentinel_simulator().await;
    let mut session = Session::start(&[]).await;
    let devices = bodies::devices(3000);
    let (first, second) = devices.as_bytes().split_at(devices.len() / 3);
    for packed in [
        gzip(devices.as_bytes()),
        [gzip(first), gzip(second)].concat(),
        [gzip(b""), gzip(first), gzip(b""), gzip(second)].concat(),
    ] {
        let reply = answered(&mut session, &simulator, body(Some("gzip"), packed)).await;
        assert!(!reply.failed, "{}", reply.text());
        assert_eq!(reply.json()["total"], 3000);
    }
    // Every place where it may end too early, and every byte that may be wrong.
    let whole = gzip(br#"[{"deviceName":"packed"}]"#);
    for end in 0..whole.len() {
        let reply = answered(&mut session, &simulator, body(Some("gzip"), &whole[..end])).await;
        assert!(reply.failed, "{end}: {}", reply.text());
        let (happened, next) = reply.text().split_once('\n').unwrap();
        let told = ["damaged or incomplete", "is empty"];
        assert!(
            told.iter().any(|told| happened.contains(told)),
            "{end}: {happened}"
        );
        assert!(next.contains("Try again"), "{end}: {next}");
    }
    for place in 10..whole.len() {
        let mut damaged = whole.clone();
        damaged[place] ^= 0x55;
        let reply = answered(&mut session, &simulator, body(Some("gzip"), damaged)).await;
        assert!(reply.failed, "{place}: {}", reply.text());
    }
    // Three megabytes of the same are packed better than any real answer.
    let blank = gzip(format!("[{}]", " ".repeat(3 << 20)).as_bytes());
    let reply = answered(&mut session, &simulator, body(Some("gzip"), blank)).await;
    assert!(reply.failed, "{}", reply.text());
    let (happened, next) = reply.text().split_once('\n').unwrap();
    assert!(happened.contains("100 times its size"), "{happened}");
    assert!(next.contains("host and port"), "{next}");
    session.conclude(SENTINEL).await;
}

#[cfg(target_os = "linux")]
#[tokio::test]
async fn rs_06_four_megabytes_of_the_smallest_objects_cost_no_more_than_other_bytes() {
    let simulator = sentinel_simulator().await;
    let mut session = Session::start(&[]).await;
    let mut tiny = bodies::tiny_objects((4 << 20) - 100);
    tiny += &" ".repeat((4 << 20) - tiny.len());
    let total = tiny.matches('{').count();
    let reply = answered(&mut session, &simulator, body(None, tiny)).await;
    assert!(!reply.failed, "{}", reply.text());
    assert_eq!(reply.json()["total"], total);
    assert_eq!(reply.json()["returned"], 50);
    for kind in [
        body(None, "[".to_owned() + &"{\"a\":0},".repeat(1 << 19)),
        body(
            None,
            format!(
                "{{\"error\":{{\"message\":\"{}\"}}}}",
                "x".repeat(4_000_000)
            ),
        ),
        body(None, format!("[\"{}\"]", "\\n".repeat(2_000_000))),
        body(None, format!("{{\"{}\":1}}", "k".repeat(4_000_000))),
        body(None, "{\"a\":[".repeat(600_000)),
    ] {
        answered(&mut session, &simulator, kind).await;
        session.ping().await;
    }
    assert!(session.peak() < 64, "{} MiB", session.peak());
    session.conclude(SENTINEL).await;
}

#[cfg(target_os = "linux")]
#[tokio::test]
async fn ten_thousand_devices_take_two_megabytes_more_than_their_bytes() {
    let simulator = sentinel_simulator().await;
    let mut session = Session::start(&[]).await;
    let devices = bodies::devices(10_000);
    let given = at(
        &simulator,
        json!({ "fields": "deviceName,statusNum", "limit": 50 }),
    );
    // What the first call needs once, and a body as long as the one that is measured, which has one row.
    let mut warm = bodies::devices(1);
    warm.pop();
    let mut peaks = Vec::new();
    for text in [warm + "   }", devices.clone()] {
        simulator.inject(Fault::once(body(None, text)));
        let reply = session.call("list_devices", given.clone()).await;
        assert!(!reply.failed, "{}", reply.text());
        peaks.push(session.peak());
    }
    let more = peaks[1] - peaks[0];
    let most = devices.len().div_ceil(1 << 20) + 2;
    assert!(more <= most, "{more} MiB more, at most {most}");
    session.conclude(SENTINEL).await;
}

#[tokio::test]
async fn rs_07_a_slow_answer_ends_at_the_time_limit_and_holds_nobody_up() {
    let simulator = sentinel_simulator().await;
    let mut session = Session::start(&["--timeout", "3"]).await;
    simulator.inject(
        Fault::once(FaultKind::Drip {
            bytes_per_second: 1,
        })
        .on("listAlarms"),
    );
    let begun = Instant::now();
    let slow = session
        .begin(
            "tools/call",
            json!({ "name": "list_alarms", "arguments": at(&simulator, json!({})) }),
        )
        .await;
    simulator
        .wait_until(|log| {
            log.requests
                .iter()
                .any(|request| request.operation == Some("listAlarms"))
        })
        .await;
    // Answers that come while the slow one is awaited come in order: were they held up, its answer came first.
    for _ in 0..20 {
        let params = json!({ "name": "list_devices", "arguments": at(&simulator, json!({})) });
        let id = session.begin("tools/call", params).await;
        let answer = session.receive().await;
        assert_eq!(answer["id"], id, "{answer}");
        assert_eq!(answer["result"]["isError"], false, "{answer}");
    }
    assert!(begun.elapsed() < Duration::from_secs(3), "others waited");
    let answer = session.answer(slow).await;
    let taken = begun.elapsed();
    assert_eq!(answer["result"]["isError"], true, "{answer}");
    let text = answer["result"]["content"][0]["text"].as_str().unwrap();
    assert!(text.contains("complete answer within 3 s"), "{text}");
    assert!(taken >= Duration::from_secs(3), "{taken:?}");
    simulator.wait_until(|log| log.disconnected == 1).await;
    session.conclude(SENTINEL).await;
}

#[tokio::test]
async fn rs_20_cookies_are_not_kept() {
    let simulator = sentinel_simulator().await;
    let mut session = Session::start(&[]).await;
    for cookie in ["JSESSIONID=a; Path=/", "b=c; Max-Age=3600"] {
        let reply = answered(
            &mut session,
            &simulator,
            FaultKind::Respond {
                status: 200,
                content_type: Some("application/json".to_owned()),
                headers: vec![("Set-Cookie".to_owned(), cookie.to_owned())],
                body: b"[]".to_vec(),
            },
        )
        .await;
        assert!(!reply.failed, "{}", reply.text());
    }
    session.call("list_alarms", at(&simulator, json!({}))).await;
    let requests = simulator.requests();
    assert_eq!(requests.len(), 3);
    assert!(
        requests
            .iter()
            .all(|request| request.header("cookie").is_none())
    );
    // They came over one connection, which is where a session would live.
    assert_eq!(simulator.connections(), 1);
    session.conclude(SENTINEL).await;
}

#[cfg(target_os = "linux")]
#[tokio::test]
async fn bodies_together_stay_within_their_room_and_calls_wait_for_it() {
    const CALLS: usize = 24;
    let simulator = sentinel_simulator().await;
    let mut session = Session::start(&["--max-buffered-bytes", "8388608"]).await;
    simulator.inject(Fault::always(body(None, bodies::tiny_objects(4_000_000))));
    let mut ids = Vec::new();
    for _ in 0..CALLS {
        let params =
            json!({ "name": "list_devices", "arguments": at(&simulator, json!({ "limit": 1 })) });
        ids.push(session.begin("tools/call", params).await);
    }
    for _ in 0..CALLS {
        let answer = session.receive().await;
        assert_eq!(answer["result"]["isError"], false, "{answer}");
        ids.retain(|id| answer["id"] != *id);
    }
    assert_eq!(ids, Vec::<i64>::new());
    // All of them at once would be 96 MB.
    assert!(session.peak() < 64, "{} MiB", session.peak());
    simulator.clear_faults();
    session.conclude(SENTINEL).await;
}

#[tokio::test]
async fn a_call_waits_for_room_and_is_answered_when_there_is_some() {
    let upstream = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let host = upstream.local_addr().unwrap().to_string();
    // Room for one response whose length nobody announces.
    let bytes = (8 << 20).to_string();
    let room = ["--max-buffered-bytes", &bytes];
    let mut session = Session::start(&room).await;
    let head = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n";
    // More than the system keeps for a reader that does not read: who takes it has room.
    let part = format!("[{}", " ".repeat(8 << 20));
    let begun = format!("{head}{:x}\r\n{part}\r\n", part.len());
    let whole = format!("{head}2\r\n[]\r\n0\r\n\r\n");
    let mut ids = Vec::new();
    let mut connections = Vec::new();
    for answer in [begun, whole] {
        let given = json!({ "host": host, "apiKey": SENTINEL, "use_ssl": false });
        let params = json!({ "name": "list_devices", "arguments": given });
        ids.push(session.begin("tools/call", params).await);
        let (mut connection, _) = upstream.accept().await.unwrap();
        let mut request = Vec::new();
        while !request.ends_with(b"\r\n\r\n") {
            request.push(connection.read_u8().await.unwrap());
        }
        connection.write_all(answer.as_bytes()).await.unwrap();
        connections.push(connection);
    }
    // The second could be answered long before the first, which holds the room.
    let told = session.lines.len();
    for _ in 0..50 {
        session.ping().await;
    }
    assert_eq!(session.lines.len(), told + 50, "{:?}", session.lines);
    connections[0]
        .write_all(b"1\r\n]\r\n0\r\n\r\n")
        .await
        .unwrap();
    let mut answered = Vec::new();
    for _ in 0..2 {
        let answer = session.receive().await;
        assert_eq!(answer["result"]["isError"], false, "{answer}");
        answered.push(answer["id"].as_i64().unwrap());
    }
    // The second has its room before the first has said its answer, so either may come first.
    answered.sort_unstable();
    assert_eq!(answered, ids);
    session.conclude(SENTINEL).await;
}
