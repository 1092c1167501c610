//! Rate limits, their locks, and the time that answers take.

use std::time::Duration;

use opmanager_simulator::{CountBy, Options, Throttle, Window};
use serde_json::Value;

use crate::{Session, client_builder, json, start_with};

async fn limited(throttle: Throttle) -> Session {
    start_with(Options {
        rate_limits: true,
        throttle,
        other_keys: vec!["another-user".into()],
        ..Options::default()
    })
    .await
}

/// The calls of ConfigureSuppressAlarm that a minute has room for.
const ROOM: usize = 20;
const MUTE: [(&str, &str); 2] = [("name", "ups-01"), ("suppressInterval", "0")];

async fn use_up(session: &Session) {
    for _ in 0..ROOM {
        session.call("ConfigureSuppressAlarm", &MUTE).await;
    }
}

async fn refused(session: &Session) -> bool {
    let text = session.text("ConfigureSuppressAlarm", &MUTE).await;
    text.contains("THROTTLES_LIMIT_EXCEEDED")
}

#[tokio::test]
async fn a_lock_ends_after_its_minute_and_not_before() {
    let session = limited(Throttle::default()).await;
    use_up(&session).await;
    assert!(refused(&session).await);
    session.pass(Duration::from_secs(55));
    assert!(refused(&session).await, "still locked");
    session.pass(Duration::from_secs(6));
    assert!(!refused(&session).await);
}

#[tokio::test]
async fn windows_roll_or_stand() {
    for (window, code) in [
        (Window::Rolling, "URL_ROLLING_THROTTLES_LIMIT_EXCEEDED"),
        (Window::Fixed, "URL_FIXED_THROTTLES_LIMIT_EXCEEDED"),
    ] {
        let session = limited(Throttle {
            window,
            ..Throttle::default()
        })
        .await;
        session.call("ConfigureSuppressAlarm", &MUTE).await;
        session.pass(Duration::from_secs(50));
        for _ in 1..ROOM {
            session.call("ConfigureSuppressAlarm", &MUTE).await;
        }
        // The first call is more than a minute ago: a standing window is over, in a rolling one the others count.
        session.pass(Duration::from_secs(15));
        session.call("ConfigureSuppressAlarm", &MUTE).await;
        assert_eq!(
            refused(&session).await,
            window == Window::Rolling,
            "{window:?}"
        );
        if window == Window::Fixed {
            for _ in 2..ROOM {
                session.call("ConfigureSuppressAlarm", &MUTE).await;
            }
        }
        assert_eq!(session.refusal("ConfigureSuppressAlarm", &MUTE).await, code);
    }
}

#[tokio::test]
async fn calls_are_counted_by_user_or_by_address() {
    for count_by in [CountBy::User, CountBy::Address] {
        let session = limited(Throttle {
            count_by,
            ..Throttle::default()
        })
        .await;
        use_up(&session).await;
        assert!(refused(&session).await);
        let send = async |key: &str, from: [u8; 4]| -> bool {
            let client = client_builder()
                .local_address(Some(from.into()))
                .build()
                .expect("a client");
            let path = "/api/json/device/ConfigureSuppressAlarm?name=ups-01&suppressInterval=0";
            let request = client
                .post(format!("{}{path}", session.url()))
                .header("apiKey", key);
            let answer: Value = json(request.send().await.expect("an answer")).await;
            answer["error"].is_object()
        };
        let by_user = count_by == CountBy::User;
        assert_eq!(
            send("another-user", [127, 0, 0, 1]).await,
            !by_user,
            "{count_by:?}"
        );
        // Other addresses of the loopback network can be had without asking on Linux only.
        if cfg!(target_os = "linux") {
            assert_eq!(
                send(session.api_key(), [127, 0, 0, 2]).await,
                by_user,
                "{count_by:?}"
            );
        }
    }
}

#[tokio::test]
async fn the_header_tells_what_is_left_and_when_to_come_again() {
    let session = limited(Throttle {
        header: true,
        ..Throttle::default()
    })
    .await;
    let header = async || {
        let response = session
            .send("ConfigureSuppressAlarm", &MUTE)
            .await
            .expect("an answer");
        let text = response.headers()["x-rate-limit"].to_str().expect("a text");
        serde_json::from_str::<[u64; 3]>(text).expect("three numbers")
    };
    assert_eq!(header().await, [60, ROOM as u64 - 1, 0]);
    for _ in 1..ROOM {
        header().await;
    }
    let [60, 0, wait @ 55..=60] = header().await else {
        panic!("the lock has most of its minute left");
    };
    assert!(wait > 0);
    let silent = limited(Throttle::default()).await;
    let response = silent
        .send("ConfigureSuppressAlarm", &MUTE)
        .await
        .expect("an answer");
    assert!(!response.headers().contains_key("x-rate-limit"));
}

#[tokio::test]
async fn an_answer_takes_the_time_that_is_asked_for() {
    let session = start_with(Options {
        answer_time: Some(Duration::from_secs(3_600)..=Duration::from_secs(7_200)),
        ..Options::default()
    })
    .await;
    let asking = session.send("listDevices", &[]);
    tokio::pin!(asking);
    // It has arrived, and the answer has not.
    tokio::select! {
        biased;
        _ = &mut asking => panic!("the answer came at once"),
        () = session.wait_until(|log| !log.requests.is_empty()) => {}
    }
    let quick = start_with(Options {
        answer_time: Some(Duration::ZERO..=Duration::from_millis(1)),
        ..Options::default()
    })
    .await;
    quick.call("listDevices", &[]).await;
}
