//! What a caller sees of OpManager's rate limits. The reckoning is tested where it stands, with a clock of its own.

use opmanager_simulator::{Fault, FaultKind, Options, Simulator};
use serde_json::json;

use crate::support::{Session, at, simulator};

#[tokio::test]
async fn a_call_beyond_the_documented_rate_is_refused_with_the_seconds_and_not_sent() {
    let options = Options {
        rate_limits: true,
        ..Options::default()
    };
    let simulator = Simulator::start(options).await.unwrap();
    for (flags, most) in [(&[][..], 20), (&["--share-of-rate", "1/4"], 5)] {
        simulator.pass(std::time::Duration::from_secs(120));
        simulator.clear_log();
        let flags = [&["--toolsets", "interfaces"], flags].concat();
        let mut session = Session::start(&flags).await;
        let call = at(&simulator, json!({ "name": "core-sw-02" }));
        for _ in 0..most {
            let reply = session.call("get_interfaces", call.clone()).await;
            assert!(!reply.failed, "{}", reply.text());
        }
        let reply = session.call("get_interfaces", call).await;
        assert!(reply.failed);
        for part in ["is used up, for ", "Nothing was sent. Call it again after "] {
            assert!(reply.text().contains(part), "{}", reply.text());
        }
        assert_eq!(simulator.requests().len(), most);
        // Each operation has its own.
        let page = at(&simulator, json!({ "page": 1, "rows": 1 }));
        assert!(!session.call("list_interfaces", page).await.failed);
        session.conclude(simulator.api_key()).await;
    }
}

#[tokio::test]
async fn a_lock_that_opmanager_reports_is_answered_here_for_its_time() {
    for (kind, seconds) in [
        (
            FaultKind::OpManagerError {
                message: "Trop d'appels".to_owned(),
                code: Some("URL_FIXED_THROTTLES_LIMIT_EXCEEDED".to_owned()),
            },
            61,
        ),
        (
            FaultKind::Respond {
                status: 429,
                content_type: None,
                headers: vec![("X-Rate-Limit".to_owned(), "[60,0,200]".to_owned())],
                body: Vec::new(),
            },
            201,
        ),
    ] {
        let simulator = simulator().await;
        let mut session = Session::start(&[]).await;
        simulator.inject(Fault::once(kind));
        let call = at(&simulator, json!({}));
        let reply = session.call("list_devices", call.clone()).await;
        assert!(reply.text().contains("wait before"), "{}", reply.text());
        let reply = session.call("list_devices", call).await;
        assert!(reply.failed);
        let text = reply.text();
        let told = text
            .split(" for ")
            .nth(1)
            .and_then(|rest| rest.split(' ').next());
        let told: u64 = told.unwrap().parse().unwrap();
        assert!((seconds - 20..=seconds).contains(&told), "{text}");
        assert_eq!(simulator.requests().len(), 1, "{text}");
        session.conclude(simulator.api_key()).await;
    }
}
