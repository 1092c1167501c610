//! Each fault does what it says.

use std::{
    collections::HashSet,
    num::NonZeroUsize,
    time::{Duration, Instant},
};

use opmanager_simulator::{Fault, FaultKind, Options, Simulator};
use reqwest::Response;
use serde_json::Value;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

use crate::{Session, start};

async fn meet(kind: FaultKind) -> (Session, Response) {
    let session = start().await;
    session.inject(Fault::once(kind));
    let response = session.send("listAlarms", &[]).await.expect("an answer");
    (session, response)
}

async fn body(kind: FaultKind) -> String {
    meet(kind).await.1.text().await.expect("a body")
}

fn content_type(response: &Response) -> &str {
    response
        .headers()
        .get("content-type")
        .expect("a content type")
        .to_str()
        .expect("text")
}

#[tokio::test]
async fn faults_meet_the_requests_they_are_for() {
    let session = start().await;
    session.inject(Fault::once(FaultKind::Empty).on("listEvents"));
    session.inject(
        Fault {
            times: Some(2),
            ..Fault::once(FaultKind::NotJson)
        }
        .on("listDevices"),
    );
    let seen = async |id| session.text(id, &[]).await.chars().next();
    assert_eq!(seen("listAlarms").await, Some('['));
    assert_eq!(seen("listEvents").await, None);
    assert_eq!(seen("listEvents").await, Some('{'));
    for expected in ['S', 'S', '{'] {
        assert_eq!(seen("listDevices").await, Some(expected));
    }
    session.inject(Fault::always(FaultKind::Empty));
    for _ in 0..3 {
        assert_eq!(seen("listAlarms").await, None);
    }
    session.clear_faults();
    assert_eq!(seen("listAlarms").await, Some('['));
}

#[tokio::test]
async fn a_response_as_told() {
    let kind = FaultKind::Respond {
        status: 503,
        content_type: Some("text/plain".into()),
        headers: vec![("retry-after".into(), "7".into())],
        body: b"later".to_vec(),
    };
    let (session, response) = meet(kind).await;
    assert_eq!(
        (response.status().as_u16(), content_type(&response)),
        (503, "text/plain")
    );
    assert_eq!(response.headers()["retry-after"], "7");
    assert_eq!(response.text().await.expect("a body"), "later");
    assert_eq!(
        session.requests().len(),
        1,
        "requests that meet faults are recorded"
    );
    session.call("listAlarms", &[]).await;
}

#[tokio::test]
async fn texts_that_are_no_answer() {
    let (_session, response) = meet(FaultKind::LoginPage).await;
    assert_eq!(
        (response.status().as_u16(), content_type(&response)),
        (200, "text/html;charset=UTF-8")
    );
    assert!(response.text().await.expect("a body").contains("<form"));
    assert_eq!(body(FaultKind::Empty).await, "");
    assert!(serde_json::from_str::<Value>(&body(FaultKind::NotJson).await).is_err());
}

#[tokio::test]
async fn errors_of_opmanager() {
    let error = body(FaultKind::OpManagerError {
        message: "No.".into(),
        code: Some("SOME_CODE".into()),
    })
    .await;
    assert_eq!(
        error,
        r#"{"error":{"message":"No.","errorcode":"SOME_CODE"}}"#
    );
    let error = body(FaultKind::OpManagerError {
        message: "No.".into(),
        code: None,
    })
    .await;
    assert_eq!(error, r#"{"error":{"message":"No."}}"#);
    let (session, response) = meet(FaultKind::EchoKey { status: 403 }).await;
    assert_eq!(response.status(), 403);
    assert!(
        response
            .text()
            .await
            .expect("a body")
            .contains(session.api_key())
    );
}

#[tokio::test]
async fn a_redirect() {
    let (_session, response) = meet(FaultKind::Redirect {
        status: 302,
        location: "http://192.0.2.99/".into(),
    })
    .await;
    assert_eq!(
        (response.status().as_u16(), &response.headers()["location"]),
        (302, &"http://192.0.2.99/".parse().expect("a value"))
    );
}

#[tokio::test]
async fn sizes_and_depths() {
    let large: Value =
        serde_json::from_str(&body(FaultKind::Large { bytes: 3_000_000 }).await).expect("JSON");
    assert!(large.to_string().len() > 3_000_000);
    assert_eq!(
        body(FaultKind::Nested { depth: 1000 }).await,
        format!("{}{}", "[".repeat(1000), "]".repeat(1000))
    );
    let drip: Value = serde_json::from_str(
        &body(FaultKind::Drip {
            bytes_per_second: 100_000,
        })
        .await,
    )
    .expect("JSON");
    assert!(drip.is_array());
}

#[tokio::test]
async fn a_small_body_that_unpacks_to_a_large_one() {
    for size in [3, 4, 1000, 1_000_003] {
        let (_session, response) = meet(FaultKind::GzipBomb { bytes: size }).await;
        assert_eq!(response.headers()["content-encoding"], "gzip");
        let packed = response.bytes().await.expect("a body");
        assert!(
            packed.len() < size / 100 + 300,
            "{size} bytes became {}",
            packed.len()
        );
        let mut unpacked = Vec::new();
        std::io::Read::read_to_end(
            &mut flate2::read::GzDecoder::new(&packed[..]),
            &mut unpacked,
        )
        .expect("gzip");
        assert_eq!(unpacked.len(), size);
        assert_eq!(
            serde_json::from_slice::<Value>(&unpacked).expect("JSON"),
            Value::Array(Vec::new())
        );
    }
}

#[tokio::test]
async fn an_answer_without_end() {
    let (session, mut response) = meet(FaultKind::Endless).await;
    assert!(response.content_length().is_none());
    let mut received = 0;
    while received < 5_000_000 {
        received += response
            .chunk()
            .await
            .expect("a chunk")
            .expect("more")
            .len();
    }
    drop(response);
    session.wait_until(|log| log.disconnected == 1).await;
}

#[tokio::test]
async fn answers_that_do_not_come() {
    for kind in [FaultKind::Hang, FaultKind::HangHalfway] {
        let session = start().await;
        session.inject(Fault::once(kind));
        let request = session.request("listAlarms", &[]);
        let waiting = tokio::spawn(async move { request.send().await?.bytes().await });
        session.wait_until(|log| log.requests.len() == 1).await;
        assert!(!waiting.is_finished());
        waiting.abort();
        session.wait_until(|log| log.disconnected == 1).await;
    }
}

#[tokio::test]
async fn half_an_answer_comes_before_the_wait() {
    let (session, mut response) = meet(FaultKind::HangHalfway).await;
    let whole = usize::try_from(response.content_length().expect("a length")).expect("a size");
    assert_eq!(
        response
            .chunk()
            .await
            .expect("a chunk")
            .expect("half")
            .len(),
        whole / 2
    );
    drop(response);
    session.wait_until(|log| log.disconnected == 1).await;
}

/// What comes over a plain socket until it is closed.
async fn raw(simulator: &Simulator) -> String {
    let mut stream = TcpStream::connect(simulator.address())
        .await
        .expect("a connection");
    let head = format!(
        "GET /api/json/alarm/listAlarms HTTP/1.1\r\nhost: x\r\napikey: {}\r\n\r\n",
        simulator.api_key()
    );
    stream.write_all(head.as_bytes()).await.expect("sent");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.expect("an end");
    answer
}

#[tokio::test]
async fn answers_that_break_the_protocol() {
    let session = start().await;
    for kind in [
        FaultKind::Truncated,
        FaultKind::ShortLength,
        FaultKind::CloseAfterRequest,
        FaultKind::Raw(b"GARBAGE\r\n".to_vec()),
    ] {
        session.inject(Fault::once(kind));
    }
    let length = |answer: &str| -> (usize, usize) {
        let (head, body) = answer.split_once("\r\n\r\n").expect("a head");
        let (_, length) = head.split_once("Content-Length: ").expect("a length");
        (length.parse().expect("a number"), body.len())
    };
    let (promised, sent) = length(&raw(&session).await);
    assert!(sent < promised, "{sent} of {promised}");
    let (promised, sent) = length(&raw(&session).await);
    assert!(sent > promised, "{sent} of {promised}");
    assert_eq!(raw(&session).await, "");
    assert_eq!(raw(&session).await, "GARBAGE\r\n");
    assert_eq!(session.requests().len(), 4);
    session
        .wait_until(|log| log.connections == 4 && log.disconnected == 0)
        .await;
    for kind in [FaultKind::Truncated, FaultKind::CloseAfterRequest] {
        session.inject(Fault::once(kind));
        let response = session
            .send("setManaged", &[("name", "db-01"), ("manage", "true")])
            .await;
        let body = match response {
            Ok(response) => response.bytes().await,
            Err(error) => Err(error),
        };
        assert!(body.is_err());
    }
}

#[tokio::test]
async fn bytes_that_are_no_request_are_counted() {
    let session = start().await;
    let mut stream = TcpStream::connect(session.address())
        .await
        .expect("a connection");
    stream.write_all(b"HELLO\r\n\r\n").await.expect("sent");
    session.wait_until(|log| log.bytes_received == 9).await;
    assert!(session.requests().is_empty());
}

#[tokio::test]
async fn shutting_down_closes_connections_and_the_port() {
    let simulator = Simulator::start(Options::default())
        .await
        .expect("the simulator starts");
    let address = simulator.address();
    let mut stream = TcpStream::connect(address).await.expect("a connection");
    simulator.wait_until(|log| log.connections == 1).await;
    simulator.shutdown().await;
    assert!(matches!(stream.read(&mut [0; 8]).await, Ok(0) | Err(_)));
    assert!(TcpStream::connect(address).await.is_err());
}

#[tokio::test]
async fn every_so_many_th_request_fails_in_one_way_after_another() {
    let session = crate::start_with(Options {
        fails_every: NonZeroUsize::new(2),
        ..Options::default()
    })
    .await;
    let mut failures = HashSet::new();
    for request in 1..=12 {
        let told = match session.send("listAlarms", &[]).await {
            Err(_) => "no answer".to_owned(),
            Ok(response) => {
                let status = response.status();
                let body = response.text().await;
                format!("{status} {}", body.unwrap_or_else(|_| "cut".to_owned()))
            }
        };
        let good = told.starts_with("200 OK [");
        assert_eq!(good, request % 2 == 1, "request {request}: {told}");
        if !good {
            failures.insert(told);
        }
    }
    assert_eq!(failures.len(), 6, "{failures:?}");
}

#[tokio::test]
async fn answers_take_as_long_as_they_are_told_to() {
    let latency = Duration::from_millis(50);
    let session = crate::start_with(Options {
        latency,
        ..Options::default()
    })
    .await;
    let begun = Instant::now();
    session.call("listAlarms", &[]).await;
    assert!(begun.elapsed() >= latency);
}

#[tokio::test]
async fn requests_are_taken_once() {
    let session = start().await;
    session.call("listAlarms", &[]).await;
    assert_eq!(session.take_requests().len(), 1);
    assert!(session.take_requests().is_empty());
}

#[tokio::test]
async fn an_error_with_a_number() {
    let kind = FaultKind::NumberedError {
        message: "The view exists.".into(),
        number: 5156,
    };
    let answer: Value = serde_json::from_str(&body(kind).await).expect("JSON");
    assert_eq!(answer["error"]["code"], 5156);
    assert!(answer["error"].get("errorcode").is_none(), "{answer}");
    // Of itself it refuses so a device that it has.
    let session = start().await;
    let again = session.text("addDevice", &[("deviceName", "db-01")]).await;
    assert!(again.contains("5123"), "{again}");
}
