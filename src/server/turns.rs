//! How many calls run at one time, how many wait, and whose turn is next.
//!
//! Owns the limits, the share of them that one caller may hold, and what a call is told that finds no place. A call
//! that waits has been checked, so that it holds little memory.
//!
//! One caller holds at most three quarters of the running and of the waiting places, so that nobody can take them all
//! with calls that hang. While calls wait, each turn that becomes free goes to the next caller in line, and not to the
//! next call: a caller with many waiting calls does not delay the first one of another. Within one caller calls keep
//! their order.

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::oneshot;

/// How many calls run and wait at one time, over all sessions.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CallLimits {
    /// Calls that run.
    pub running: usize,
    /// Calls that wait; more are refused.
    pub waiting: usize,
}

impl Default for CallLimits {
    fn default() -> Self {
        Self {
            running: 8,
            waiting: 32,
        }
    }
}

/// Most places that one caller may hold of so many: three quarters, and never all of them unless there is only one.
const fn share(places: usize) -> usize {
    match places {
        0 | 1 => places,
        _ => places - places.div_ceil(4),
    }
}

/// Whose call it is: the name of a token, or an address or network. `None` is the only caller of its transport, who
/// needs no share.
type Key = Option<Arc<str>>;

/// Hands out turns.
pub(crate) struct Turns(Arc<Shared>);

struct Shared {
    limits: CallLimits,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    running: usize,
    waiting: usize,
    next_ticket: u64,
    /// Callers with at least one place.
    callers: HashMap<Key, Places>,
    /// Callers with waiting calls. The first one whose share allows it gets the next turn.
    order: VecDeque<Key>,
}

/// The places of one caller.
#[derive(Default)]
struct Places {
    running: usize,
    /// By ticket, which is the order of asking.
    waiting: BTreeMap<u64, oneshot::Sender<()>>,
}

/// Why a call found no place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Full {
    /// All places to wait are taken.
    Server(CallLimits),
    /// The caller holds its share of the places to wait.
    Share(CallLimits),
}

impl fmt::Display for Full {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Server(CallLimits { running, waiting }) => write!(
                f,
                "The server is busy: {running} calls run and {waiting} wait; nothing was sent.\nTry again when some of them are answered. The operator of this server can allow more with --max-concurrent-calls."
            ),
            Self::Share(CallLimits { running, waiting }) => write!(
                f,
                "You have reached your share: one caller may have {} of {running} running calls and {} of {waiting} waiting calls; nothing was sent.\nTry again when some of your calls are answered. The operator of this server can allow more with --max-concurrent-calls.",
                share(*running),
                share(*waiting)
            ),
        }
    }
}

impl Turns {
    pub(crate) fn new(limits: CallLimits) -> Self {
        Self(Arc::new(Shared {
            limits,
            state: Mutex::default(),
        }))
    }

    /// Waits for a turn, which lasts until the guard is dropped. Whoever stops waiting leaves no place behind.
    ///
    /// # Errors
    ///
    /// If there is no place to wait, or not for this caller.
    pub(crate) async fn take(&self, caller: Option<&Arc<str>>) -> Result<Turn, Full> {
        let (turn, granted) = self.enter(caller.cloned())?;
        if let Some(granted) = granted {
            // The sender lives as long as `turn` waits.
            let _ = granted.await;
        }
        Ok(turn)
    }

    /// A place among the running calls, or among those that wait and what tells them that they run.
    fn enter(&self, caller: Key) -> Result<(Turn, Option<oneshot::Receiver<()>>), Full> {
        let limits = self.0.limits;
        let mut state = self.0.state();
        let (running, waiting) = state
            .callers
            .get(&caller)
            .map_or((0, 0), |places| (places.running, places.waiting.len()));
        // A free turn is never left to those who wait and may have it, so nobody is overtaken here.
        let runs = state.running < limits.running && may_run(&caller, running, limits);
        if !runs && caller.is_some() && waiting >= share(limits.waiting) {
            return Err(Full::Share(limits));
        }
        if !runs && state.waiting >= limits.waiting {
            return Err(Full::Server(limits));
        }
        let ticket = state.next_ticket;
        state.next_ticket += 1;
        let places = state.callers.entry(caller.clone()).or_default();
        let granted = if runs {
            places.running += 1;
            state.running += 1;
            None
        } else {
            let (grant, granted) = oneshot::channel();
            places.waiting.insert(ticket, grant);
            state.waiting += 1;
            if waiting == 0 {
                state.order.push_back(caller.clone());
            }
            Some(granted)
        };
        drop(state);
        let turn = Turn {
            shared: self.0.clone(),
            caller,
            ticket,
        };
        Ok((turn, granted))
    }
}

fn may_run(caller: &Key, running: usize, limits: CallLimits) -> bool {
    caller.is_none() || running < share(limits.running)
}

impl Shared {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    /// Gives free turns to those who wait, one caller after the other.
    fn hand_out(&mut self, limits: CallLimits) {
        while self.running < limits.running {
            let callers = &self.callers;
            let next = self.order.iter().position(|caller| {
                let running = callers.get(caller).map_or(0, |places| places.running);
                may_run(caller, running, limits)
            });
            let Some(caller) = next.and_then(|next| self.order.remove(next)) else {
                return;
            };
            let Some(places) = self.callers.get_mut(&caller) else {
                continue;
            };
            let Some((_, grant)) = places.waiting.pop_first() else {
                continue;
            };
            places.running += 1;
            self.running += 1;
            self.waiting -= 1;
            if !places.waiting.is_empty() {
                self.order.push_back(caller);
            }
            // If nobody hears it, the turn is given back when it is dropped.
            let _ = grant.send(());
        }
    }
}

/// A place, running or waiting.
pub(crate) struct Turn {
    shared: Arc<Shared>,
    caller: Key,
    ticket: u64,
}

impl Drop for Turn {
    fn drop(&mut self) {
        let mut state = self.shared.state();
        let state = &mut *state;
        let Some(places) = state.callers.get_mut(&self.caller) else {
            return;
        };
        if places.waiting.remove(&self.ticket).is_some() {
            state.waiting -= 1;
            if places.waiting.is_empty() {
                state.order.retain(|caller| *caller != self.caller);
            }
        } else {
            places.running -= 1;
            state.running -= 1;
        }
        if places.running == 0 && places.waiting.is_empty() {
            state.callers.remove(&self.caller);
        }
        state.hand_out(self.shared.limits);
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn caller(name: &str) -> Key {
        Some(name.into())
    }

    const LIMITS: CallLimits = CallLimits {
        running: 4,
        waiting: 8,
    };

    /// A turn that was asked for, and whether it runs.
    struct Asked {
        who: usize,
        turn: Turn,
        granted: Option<oneshot::Receiver<()>>,
        runs: bool,
    }

    impl Asked {
        /// Whether it has begun to run since this was last asked.
        fn begins(&mut self) -> bool {
            let told = self
                .granted
                .as_mut()
                .is_some_and(|it| it.try_recv().is_ok());
            let begins = told && !self.runs;
            self.runs |= told;
            begins
        }
    }

    fn ask(turns: &Turns, who: usize) -> Result<Asked, Full> {
        let (turn, granted) = turns.enter(caller(&who.to_string()))?;
        let runs = granted.is_none();
        Ok(Asked {
            who,
            turn,
            granted,
            runs,
        })
    }

    #[test]
    fn a_share_is_three_quarters_and_leaves_a_place_for_others() {
        for (places, expected) in [(0, 0), (1, 1), (2, 1), (3, 2), (4, 3), (8, 6), (64, 48)] {
            assert_eq!(share(places), expected, "{places}");
        }
        for places in 2..2000 {
            assert!(share(places) < places && share(places) * 4 <= places * 3);
        }
    }

    #[test]
    fn rt_27_one_caller_holds_three_quarters_and_the_others_are_served_in_order() {
        let turns = Turns::new(LIMITS);
        let hog: Vec<_> = (0..9).map(|_| ask(&turns, 0).unwrap()).collect();
        assert_eq!(hog.iter().filter(|asked| asked.runs).count(), 3);
        assert_eq!(ask(&turns, 0).err(), Some(Full::Share(LIMITS)));
        let first = ask(&turns, 1).unwrap();
        assert!(first.runs, "the hog holds a turn that is not its own");
        let mut second = ask(&turns, 1).unwrap();
        let mut third = ask(&turns, 1).unwrap();
        assert_eq!(ask(&turns, 2).err(), Some(Full::Server(LIMITS)));
        drop(first);
        assert!(second.begins() && !third.begins());
        drop(second);
        assert!(third.begins());
    }

    #[test]
    fn who_waits_with_many_calls_does_not_delay_the_first_of_another() {
        let turns = Turns::new(CallLimits {
            running: 4,
            waiting: 400,
        });
        let mut running: Vec<_> = [0, 0, 0, 1].map(|who| ask(&turns, who).unwrap()).into();
        let mut waiting: Vec<_> = (0..200).map(|_| ask(&turns, 0).unwrap()).collect();
        waiting.extend((0..3).map(|who| ask(&turns, who).unwrap()));
        let mut served = Vec::new();
        for _ in 0..4 {
            drop(running.pop());
            for asked in &mut waiting {
                if asked.begins() {
                    served.push(asked.who);
                }
            }
        }
        // The turn of 1 cannot be one of 0, who has its share.
        assert_eq!(served, [1, 0, 2, 0]);
    }

    #[test]
    fn the_two_refusals_say_what_is_full() {
        let (server, share) = (Full::Server(LIMITS), Full::Share(LIMITS));
        assert!(
            server
                .to_string()
                .contains("is busy: 4 calls run and 8 wait")
        );
        let text = share.to_string();
        assert!(
            text.contains("your share") && !text.contains("busy"),
            "{text}"
        );
        assert!(
            text.contains("3 of 4 running") && text.contains("6 of 8 waiting"),
            "{text}"
        );
    }

    #[test]
    fn the_only_caller_of_a_transport_has_all_places() {
        let turns = Turns::new(LIMITS);
        let all: Vec<_> = (0..12).map(|_| turns.enter(None).unwrap()).collect();
        assert_eq!(
            all.iter().filter(|(_, granted)| granted.is_none()).count(),
            4
        );
        assert_eq!(turns.enter(None).err(), Some(Full::Server(LIMITS)));
    }

    impl fmt::Debug for Turn {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            write!(f, "{:?}", self.ticket)
        }
    }

    proptest! {
        /// Whoever asks, ends and gives up in whatever order: no share is exceeded, no turn stays free while somebody
        /// may have it, and nothing is left in the end.
        #[test]
        fn shares_hold_and_no_turn_is_lost(
            running in 1_usize..9,
            waiting in 0_usize..9,
            steps in prop::collection::vec((0_usize..4, any::<prop::sample::Index>(), any::<bool>()), 0..200),
        ) {
            let limits = CallLimits { running, waiting };
            let turns = Turns::new(limits);
            let mut asked: Vec<Asked> = Vec::new();
            for (who, which, asks) in steps {
                if asks {
                    let own = asked.iter().filter(|asked| asked.who == who && !asked.runs).count();
                    let all = asked.iter().filter(|asked| !asked.runs).count();
                    match ask(&turns, who) {
                        Ok(new) => asked.push(new),
                        Err(Full::Share(_)) => prop_assert_eq!(own, share(waiting)),
                        Err(Full::Server(_)) => prop_assert_eq!(all, waiting),
                    }
                } else if !asked.is_empty() {
                    // It has run, or gives up waiting.
                    drop(asked.remove(which.index(asked.len())));
                }
                for asked in &mut asked {
                    asked.begins();
                }
                let count = |who: Option<usize>, runs: bool| {
                    let mine = |asked: &&Asked| who.is_none_or(|who| asked.who == who) && asked.runs == runs;
                    asked.iter().filter(mine).count()
                };
                prop_assert!(count(None, true) <= running && count(None, false) <= waiting);
                for who in 0..4 {
                    prop_assert!(count(Some(who), true) <= share(running));
                    prop_assert!(count(Some(who), false) <= share(waiting));
                    let could_run = count(None, true) < running && count(Some(who), true) < share(running);
                    prop_assert!(!could_run || count(Some(who), false) == 0, "a turn is free");
                    let tickets = |runs: bool| {
                        asked.iter().filter(move |asked| asked.who == who && asked.runs == runs).map(|asked| asked.turn.ticket)
                    };
                    let first_waiting = tickets(false).min().unwrap_or(u64::MAX);
                    prop_assert!(tickets(true).all(|ticket| ticket < first_waiting), "one has overtaken");
                }
            }
            drop(asked);
            let state = turns.0.state();
            prop_assert!(state.callers.is_empty() && state.order.is_empty());
            prop_assert_eq!((state.running, state.waiting), (0, 0));
        }
    }
}
