//! Many callers on one OpManager that keeps its documented limits, with a clock that goes only while nobody is being
//! answered.

use std::rc::Rc;
use std::time::Duration;

use opmanager_simulator::{CountBy, Options, Simulator, Throttle, Window};
use tokio::task::{LocalSet, yield_now};
use tokio::time::{advance, sleep};

use super::*;
use crate::opmanager::types::GetInterfacesArgs;
use crate::opmanager::{ApiKey, Target, Trust};

const CALLERS: usize = 64;
const MINUTES: usize = 5;
/// How far the clock goes at a time.
const STEP: Duration = Duration::from_millis(250);
/// Rounds without a request under way after which nothing is going on.
const QUIET: usize = 100;

struct Asks;

impl Uses for Asks {
    const USES: &'static [OperationId] = &[GetInterfacesArgs::ID];
}

/// What became of all calls.
#[derive(Default)]
struct Tally {
    succeeded: AtomicUsize,
    /// Refused by this server, with the seconds.
    told: AtomicUsize,
    /// Refused by OpManager for too many calls.
    locked_out: AtomicUsize,
    under_way: AtomicUsize,
}

fn count(counter: &AtomicUsize) {
    counter.fetch_add(1, Ordering::Relaxed);
}

struct Run {
    http: Http,
    capacity: Capacity,
    audit: Audit,
    question: GetInterfacesArgs,
    port: u16,
    end: Instant,
    tally: Tally,
}

impl Run {
    fn connection(&self, key: &str) -> Connection {
        let key = ApiKey::new(key.to_owned()).unwrap();
        let target = Target::parse("127.0.0.1", Some(self.port), Some(false)).unwrap();
        Connection::with(target, Trust::Verified, key)
    }

    /// One call as a tool makes it.
    async fn within_the_budget(&self, key: &str) -> Result<(), Error> {
        let (http, connection) = (&self.http, self.connection(key));
        let session = Session::new(http, connection, None, &self.capacity, &self.audit);
        let asked = session.upstream::<Asks>();
        let asked = asked.read(&self.question, Judged).await;
        asked.map(drop).map_err(|failed| failed.error)
    }

    /// One call past the budget.
    async fn unlimited(&self, key: &str) -> Result<(), Error> {
        let client = Client::new(self.http.clone(), self.connection(key));
        count(&self.tally.under_way);
        let asked = client.call(&self.question).await;
        self.tally.under_way.fetch_sub(1, Ordering::Relaxed);
        asked.map(drop)
    }

    /// A caller that always has another call to make, and waits as long as it is told to.
    async fn calls(&self, key: &str, limited: bool) {
        while Instant::now() < self.end {
            let asked = match limited {
                true => self.within_the_budget(key).await,
                false => self.unlimited(key).await,
            };
            match asked {
                Ok(()) => count(&self.tally.succeeded),
                Err(Error::HeldBack { seconds, .. }) => {
                    count(&self.tally.told);
                    sleep(Duration::from_secs(seconds)).await;
                }
                Err(error) if error.is_throttled() => {
                    count(&self.tally.locked_out);
                    sleep(Duration::from_secs(1)).await;
                }
                Err(error) => panic!("a call was lost: {error}"),
            }
        }
    }

    /// Lets the clock go whenever all requests are answered.
    async fn clock(&self) {
        let mut quiet = 0;
        while Instant::now() < self.end {
            let under_way = self.tally.under_way.load(Ordering::Relaxed);
            match under_way + self.http.budget().under_way() {
                0 => quiet += 1,
                _ => quiet = 0,
            }
            if quiet > QUIET {
                advance(STEP).await;
                quiet = 0;
            }
            yield_now().await;
        }
    }
}

async fn run(throttle: Throttle, keys: usize, limited: bool) -> Tally {
    let all: Vec<String> = (0..keys)
        .map(|number| format!("key-of-user-{number}"))
        .collect();
    let options = Options {
        api_key: all[0].clone(),
        other_keys: all[1..].to_vec(),
        rate_limits: true,
        throttle,
        ..Options::default()
    };
    let simulator = Simulator::start(options).await.unwrap();
    let run = Rc::new(Run {
        http: Http::default(),
        capacity: Capacity::default(),
        audit: Audit::none("x"),
        question: serde_json::from_value(serde_json::json!({ "name": "core-sw-02" })).unwrap(),
        port: simulator.address().port(),
        end: Instant::now() + Duration::from_secs(60) * u32::try_from(MINUTES).unwrap(),
        tally: Tally::default(),
    });
    let local = LocalSet::new();
    for caller in 0..CALLERS {
        let (run, key) = (Rc::clone(&run), all[caller % keys].clone());
        local.spawn_local(async move { run.calls(&key, limited).await });
    }
    local.run_until(run.clock()).await;
    drop(local);
    Rc::into_inner(run).unwrap().tally
}

/// How many calls of the operation a limit lets through in all that time.
fn allowed() -> usize {
    let limit = GetInterfacesArgs::ID.specification().rate_limit.unwrap();
    usize::try_from(limit.requests_per_minute).unwrap() * MINUTES
}

#[tokio::test(start_paused = true)]
async fn many_callers_are_never_locked_out_and_use_what_is_allowed() {
    for count_by in [CountBy::User, CountBy::Address] {
        for (window, header) in [(Window::Rolling, false), (Window::Fixed, true)] {
            for keys in [1, CALLERS] {
                let throttle = Throttle {
                    count_by,
                    window,
                    header,
                };
                let tally = run(throttle, keys, true).await;
                let case = (throttle, keys);
                assert_eq!((tally.locked_out.into_inner(), case), (0, case));
                assert_ne!((tally.told.into_inner(), case), (0, case));
                let least = allowed() * 95 / 100;
                let succeeded = tally.succeeded.into_inner();
                assert!(
                    succeeded >= least,
                    "{succeeded} of {least}: {keys} keys by {}, {header}",
                    if count_by == CountBy::User {
                        "user"
                    } else {
                        "address"
                    }
                );
            }
        }
    }
}

#[tokio::test(start_paused = true)]
async fn without_the_budget_the_same_callers_are_locked_out() {
    for count_by in [CountBy::User, CountBy::Address] {
        let throttle = Throttle {
            count_by,
            ..Throttle::default()
        };
        let tally = run(throttle, 1, false).await;
        assert_ne!(tally.locked_out.into_inner(), 0);
    }
}
