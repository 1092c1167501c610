//! The reckoning, with a clock that stands until it is told to go.

use std::sync::atomic::AtomicUsize;

use http::HeaderMap;
use tokio::time::advance;

use super::*;

const ONE: Tag = [1; 32];
const OTHER: Tag = [2; 32];
const NO_WAIT: fn() = || panic!("nothing is waited for");

/// An operation that is documented to be called so often.
fn limited(requests: u32) -> &'static Specification {
    OperationId::ALL
        .iter()
        .map(|operation| operation.specification())
        .find(|specification| {
            specification
                .rate_limit
                .is_some_and(|limit| limit.requests_per_minute == requests)
        })
        .unwrap()
}

fn unlimited() -> &'static Specification {
    let mut all = OperationId::ALL
        .iter()
        .map(|operation| operation.specification());
    all.find(|specification| specification.rate_limit.is_none())
        .unwrap()
}

fn target(name: &str) -> Target {
    Target::parse(name, None, None).unwrap()
}

fn budget() -> Arc<Budget> {
    Arc::new(Budget::new(RateShare::default()))
}

fn in_seconds(seconds: u64) -> Instant {
    Instant::now() + Duration::from_secs(seconds)
}

/// A place that must be free at once.
async fn place<'a>(budget: &'a Arc<Budget>, operation: &Specification, tag: Tag) -> Place<'a> {
    let target = target("opm.test");
    let place = budget.take(&target, operation, tag, in_seconds(30), NO_WAIT);
    place.await.unwrap()
}

/// A request that is answered at once.
async fn ask(budget: &Arc<Budget>, operation: &Specification, tag: Tag) {
    place(budget, operation, tag)
        .await
        .answered(Told::default());
}

async fn refusal(budget: &Arc<Budget>, operation: &Specification, tag: Tag) -> HeldBack {
    let target = target("opm.test");
    let place = budget.take(&target, operation, tag, in_seconds(30), NO_WAIT);
    place.await.err().unwrap()
}

const fn used_up(seconds: u64) -> HeldBack {
    HeldBack {
        seconds,
        locked: false,
    }
}

const fn locked(seconds: u64) -> HeldBack {
    HeldBack {
        seconds,
        locked: true,
    }
}

fn header(text: &str) -> Told {
    let mut headers = HeaderMap::new();
    headers.insert("x-rate-limit", text.parse().unwrap());
    Told::of(200, &headers)
}

#[tokio::test(start_paused = true)]
async fn the_documented_number_holds_over_all_keys_and_for_each_target_and_operation_alone() {
    let (budget, operation) = (budget(), limited(20));
    for number in 0..20 {
        ask(&budget, operation, [number; 32]).await;
    }
    assert_eq!(refusal(&budget, operation, ONE).await, used_up(61));
    assert_eq!(refusal(&budget, operation, [99; 32]).await, used_up(61));
    ask(&budget, limited(50), ONE).await;
    let elsewhere = target("opm.test:8443");
    let place = budget.take(&elsewhere, operation, ONE, in_seconds(30), NO_WAIT);
    place.await.unwrap();
    advance(Duration::from_secs(61)).await;
    ask(&budget, operation, ONE).await;
}

#[tokio::test(start_paused = true)]
async fn a_short_wait_is_waited_and_one_beyond_the_deadline_refused_at_once() {
    let (budget, operation) = (budget(), limited(20));
    for _ in 0..20 {
        ask(&budget, operation, ONE).await;
    }
    advance(Duration::from_secs(57)).await;
    let target = target("opm.test");
    let begin = Instant::now();
    let late = budget.take(&target, operation, ONE, in_seconds(3), NO_WAIT);
    assert_eq!(late.await.err(), Some(used_up(4)));
    assert_eq!(Instant::now(), begin);
    let waits = AtomicUsize::new(0);
    let on_wait = || {
        waits.fetch_add(1, Ordering::Relaxed);
    };
    let place = budget.take(&target, operation, ONE, in_seconds(30), on_wait);
    place.await.unwrap();
    assert_eq!(waits.load(Ordering::Relaxed), 1);
    assert_eq!(begin.elapsed().as_secs(), 4);
}

#[tokio::test(start_paused = true)]
async fn those_that_wait_go_in_their_order_and_one_that_leaves_makes_room() {
    let (budget, operation) = (budget(), limited(20));
    for _ in 0..19 {
        ask(&budget, operation, ONE).await;
    }
    advance(Duration::from_secs(2)).await;
    ask(&budget, operation, ONE).await;
    advance(Duration::from_secs(57)).await;
    // Places become free after 2 s, 19 of them, and after 4 s.
    let target = target("opm.test");
    let wait = || Box::pin(budget.take(&target, operation, ONE, in_seconds(30), || {}));
    let mut waiting: Vec<_> = (0..20).map(|_| wait()).collect();
    for waiting in &mut waiting {
        assert!(futures::poll!(waiting).is_pending());
    }
    assert_eq!(refusal(&budget, operation, ONE).await, used_up(61));
    drop(waiting.remove(0));
    let begin = Instant::now();
    let last = waiting.pop().unwrap();
    let places = futures::future::join_all(waiting).await;
    assert_eq!(begin.elapsed().as_secs(), 2);
    assert!(places.iter().all(Result::is_ok));
    assert!(last.await.is_ok());
    assert_eq!(
        begin.elapsed().as_secs(),
        2,
        "the one that left was before it"
    );
}

#[tokio::test(start_paused = true)]
async fn a_request_counts_until_a_minute_after_its_answer_and_not_at_all_if_it_was_not_sent() {
    let (budget, operation) = (budget(), limited(20));
    let slow = place(&budget, operation, ONE).await;
    for _ in 1..20 {
        place(&budget, operation, ONE)
            .await
            .answered(Told::default());
    }
    advance(Duration::from_secs(20)).await;
    slow.answered(Told::default());
    drop(slow);
    advance(Duration::from_secs(41)).await;
    let places = futures::future::join_all((0..19).map(|_| place(&budget, operation, ONE))).await;
    assert_eq!(refusal(&budget, operation, ONE).await, used_up(20));
    places.iter().for_each(Place::unsent);
    for _ in 0..19 {
        ask(&budget, operation, ONE).await;
    }
    assert_eq!(refusal(&budget, operation, ONE).await, used_up(20));
}

#[tokio::test(start_paused = true)]
async fn a_lock_is_kept_for_its_time_for_every_key() {
    for operation in [limited(20), unlimited()] {
        let budget = budget();
        let place = place(&budget, operation, ONE).await;
        assert!(!place.answered(Told::default()));
        assert!(place.refused());
        drop(place);
        for tag in [ONE, OTHER] {
            assert_eq!(refusal(&budget, operation, tag).await, locked(61));
        }
        advance(Duration::from_secs(61)).await;
        ask(&budget, operation, OTHER).await;
    }
}

#[tokio::test(start_paused = true)]
async fn the_wait_that_the_header_says_is_that_of_the_lock() {
    let (budget, operation) = (budget(), limited(20));
    let place = place(&budget, operation, ONE).await;
    assert!(place.answered(header("[60, 0, 300]")));
    assert!(!place.refused(), "it is no second lock");
    drop(place);
    assert_eq!(refusal(&budget, operation, ONE).await, locked(301));
    advance(Duration::from_secs(301)).await;
    ask(&budget, operation, ONE).await;
}

#[tokio::test(start_paused = true)]
async fn what_others_use_of_the_limit_is_not_used_again() {
    let (budget, operation) = (budget(), limited(20));
    let first = place(&budget, operation, ONE).await;
    // Sent meanwhile: counted or not, it is no request of others.
    let second = place(&budget, operation, ONE).await;
    first.answered(header("[60,3,0]"));
    second.answered(header("[60,3,0]"));
    for _ in 0..3 {
        ask(&budget, operation, ONE).await;
    }
    assert_eq!(refusal(&budget, operation, ONE).await, used_up(61));
}

#[tokio::test(start_paused = true)]
async fn a_limit_that_is_not_documented_is_learnt_from_the_header() {
    let (budget, operation) = (budget(), unlimited());
    place(&budget, operation, ONE)
        .await
        .answered(header("[30,4,0]"));
    for left in (0..4).rev() {
        let told = header(&format!("[30,{left},0]"));
        place(&budget, operation, ONE).await.answered(told);
    }
    assert_eq!(refusal(&budget, operation, ONE).await, used_up(31));
    advance(Duration::from_secs(31)).await;
    ask(&budget, operation, ONE).await;
}

#[test]
fn what_a_header_says_is_read_within_bounds_or_not_at_all() {
    let seconds = Duration::from_secs;
    for (text, window, left, wait) in [
        ("[60,19,0]", Some(60), 19, None),
        (" [ \"60\" , \"0\" , 7 ] ", Some(60), 0, Some(7)),
        ("[999999,0,999999]", Some(3600), 0, Some(3600)),
    ] {
        let told = Told {
            window: window.map(seconds),
            left: Some(left),
            wait: wait.map(seconds),
        };
        assert_eq!(header(text), told, "{text}");
    }
    for text in [
        "",
        "60",
        "[60,1]",
        "[60,1,0,0]",
        "[60,-1,0]",
        "[60,1.5,0]",
        "{}",
        "[[60,1,0]]",
    ] {
        assert_eq!(header(text), Told::default(), "{text}");
    }
    let mut headers = HeaderMap::new();
    headers.insert(http::header::RETRY_AFTER, "9".parse().unwrap());
    assert_eq!(Told::of(429, &headers).wait, Some(seconds(9)));
    assert_eq!(Told::of(200, &headers), Told::default());
}

#[tokio::test(start_paused = true)]
async fn one_of_several_keys_has_three_quarters_and_a_key_alone_has_all() {
    let (budget, operation) = (budget(), limited(20));
    ask(&budget, operation, OTHER).await;
    for _ in 0..15 {
        ask(&budget, operation, ONE).await;
    }
    assert_eq!(refusal(&budget, operation, ONE).await, used_up(61));
    for _ in 0..4 {
        ask(&budget, operation, OTHER).await;
    }
    assert_eq!(refusal(&budget, operation, OTHER).await, used_up(61));
    // Long after the other one was last seen.
    advance(Duration::from_secs(120)).await;
    for _ in 0..20 {
        ask(&budget, operation, ONE).await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_share_leaves_the_rest_to_others() {
    let share = |text: &str| text.parse::<RateShare>();
    let budget = Arc::new(Budget::new(share("1/3").unwrap()));
    for _ in 0..6 {
        ask(&budget, limited(20), ONE).await;
    }
    assert_eq!(refusal(&budget, limited(20), ONE).await, used_up(61));
    let budget = Arc::new(Budget::new(RateShare::OFF));
    for _ in 0..21 {
        ask(&budget, limited(20), ONE).await;
    }
    for text in ["1/3", "2/3", "1/1", "1/1000", "off"] {
        assert_eq!(share(text).unwrap().to_string(), text);
    }
    for text in [
        "", "1", "0/3", "4/3", "1/0", "1/1001", "+1/3", "1/ 3", "-1/3", "1/3/3", "0.3", "OFF",
    ] {
        assert_eq!(share(text), Err(NotAShare), "{text}");
    }
}

/// SECURITY.md says so.
#[tokio::test(start_paused = true)]
async fn what_stands_for_keys_is_bounded_and_forgotten_after_minutes() {
    let (budget, operation) = (budget(), limited(500));
    for number in 0..MOST_LEDGERS + 10 {
        let target = target(&format!("opm-{number}.test"));
        let place = budget.take(&target, operation, ONE, in_seconds(30), NO_WAIT);
        place.await.unwrap();
    }
    for number in 0..200 {
        let mut tag = ONE;
        tag[0] = number;
        ask(&budget, unlimited(), tag).await;
    }
    let (ledgers, keys) = budget.remembered();
    assert_eq!(ledgers, MOST_LEDGERS);
    assert!(keys < MOST_LEDGERS + 200, "{keys}");
    // Nobody asks any more.
    tokio::time::sleep(Duration::from_secs(181)).await;
    assert_eq!(budget.remembered(), (0, 0));
    assert!(budget.kept().sweeper.is_none());
    ask(&budget, operation, ONE).await;
    assert!(budget.kept().sweeper.is_some());
}
