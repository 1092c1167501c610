//! What is remembered of one operation of one target, and when the next request of it may be sent.
//!
//! Owns the reckoning. Knows no target and no operation; waits for nothing itself.

use std::collections::{HashMap, VecDeque};
use std::time::Duration;

use tokio::time::Instant;

use super::{RateShare, Tag, Told};
use crate::opmanager::RateLimit;

/// In which time documented limits count.
const MINUTE: Duration = Duration::from_secs(60);
/// What is added to each time, as OpManager may count in whole seconds.
const MARGIN: Duration = Duration::from_secs(1);
/// How long it is remembered that a key asks, as long as others do.
const KEY_IS_KNOWN: Duration = Duration::from_secs(120);
/// Most requests that are remembered, and the highest limit that is kept. The highest documented one is half of it.
const MOST_REQUESTS: usize = 1000;
/// Most keys that are remembered.
const MOST_KEYS: usize = 64;

/// A request that OpManager counts or may count.
struct Entry {
    number: u64,
    /// Whose it is; `None` for those of others, of which OpManager told.
    tag: Option<Tag>,
    /// When its answer began: OpManager had counted it by then. `None` while it is under way.
    ended: Option<Instant>,
}

/// A request that has begun.
pub(super) struct Begun {
    number: u64,
    /// How many requests counted then, itself included.
    counted: usize,
}

pub(super) struct Ledger {
    /// Requests in one window, if known.
    limit: Option<usize>,
    documented: bool,
    window: Duration,
    /// How long OpManager refuses after too many requests.
    block: Duration,
    entries: VecDeque<Entry>,
    /// Requests that were ever begun, those of others included.
    begun: u64,
    locked_until: Option<Instant>,
    waiting: VecDeque<(u64, Tag)>,
    tickets: u64,
    /// Keys that ask, each with the last time. The one that asked last is the last.
    keys: VecDeque<(Tag, Instant)>,
    asked: Instant,
}

impl Ledger {
    pub(super) fn new(limit: Option<RateLimit>, now: Instant) -> Self {
        let block = limit.and_then(|limit| limit.block_minutes).unwrap_or(1);
        let requests = limit.map(|limit| limit.requests_per_minute);
        Self {
            limit: requests.and_then(|requests| usize::try_from(requests).ok()),
            documented: limit.is_some(),
            window: MINUTE,
            block: MINUTE * block,
            entries: VecDeque::new(),
            begun: 0,
            locked_until: None,
            waiting: VecDeque::new(),
            tickets: 0,
            keys: VecDeque::new(),
            asked: now,
        }
    }

    /// When a request of a key may be sent: one that waits already under `ticket`, or a new one.
    pub(super) fn turn(
        &mut self,
        now: Instant,
        tag: Tag,
        ticket: Option<u64>,
        share: RateShare,
    ) -> Instant {
        self.asked = now;
        self.prune(now);
        self.note(tag, now);
        let mut turn = self.locked_until.map_or(now, |until| until.max(now));
        let Some(limit) = self.limit else {
            return turn;
        };
        let limit = limit.clamp(1, MOST_REQUESTS);
        let own = share.of(limit);
        let of_one = match self.keys.iter().any(|(other, _)| *other != tag) {
            true => own - own / 4,
            false => own,
        };
        // Those before it that could go as far as their own key is concerned.
        let mut rooms: HashMap<Tag, usize> = HashMap::new();
        let (mut before, mut before_of_key) = (0, 0);
        let earlier = self.waiting.iter();
        for (_, other) in earlier.take_while(|(other, _)| Some(*other) != ticket) {
            let room = rooms
                .entry(*other)
                .or_insert_with(|| of_one.saturating_sub(self.of_key(*other)));
            if *room > 0 {
                *room -= 1;
                before += 1;
            }
            before_of_key += usize::from(*other == tag);
        }
        for (counted, most, before) in [
            (self.ends(now, |_| true), limit, before),
            (self.ends(now, |entry| entry.tag.is_some()), own, before),
            (
                self.ends(now, |entry| entry.tag == Some(tag)),
                of_one,
                before_of_key,
            ),
        ] {
            turn = turn.max(free_at(&counted, most, before, now, self.window + MARGIN));
        }
        turn
    }

    /// When each request of a kind stops counting, the first one first.
    fn ends(&self, now: Instant, which: impl Fn(&Entry) -> bool) -> Vec<Instant> {
        let entries = self.entries.iter().filter(|entry| which(entry));
        let mut ends: Vec<Instant> = entries
            .map(|entry| entry.ended.unwrap_or(now) + self.window + MARGIN)
            .collect();
        ends.sort_unstable();
        ends
    }

    fn of_key(&self, tag: Tag) -> usize {
        let entries = self.entries.iter();
        entries.filter(|entry| entry.tag == Some(tag)).count()
    }

    /// Remembers that a key asks.
    fn note(&mut self, tag: Tag, now: Instant) {
        self.keys.retain(|(other, _)| *other != tag);
        while self.keys.len() >= MOST_KEYS {
            self.keys.pop_front();
        }
        self.keys.push_back((tag, now));
    }

    fn prune(&mut self, now: Instant) {
        let counts = self.window + MARGIN;
        self.entries
            .retain(|entry| entry.ended.is_none_or(|ended| ended + counts > now));
        self.keys
            .retain(|(_, asked)| now.saturating_duration_since(*asked) < KEY_IS_KNOWN);
        self.locked_until = self.locked_until.filter(|until| *until > now);
    }

    /// A request of a key is sent.
    pub(super) fn begin(&mut self, tag: Tag) -> Begun {
        let number = self.add(Some(tag), None);
        Begun {
            number,
            counted: self.entries.len(),
        }
    }

    fn add(&mut self, tag: Option<Tag>, ended: Option<Instant>) -> u64 {
        while self.entries.len() >= MOST_REQUESTS {
            self.entries.pop_front();
        }
        let number = self.begun;
        self.begun += 1;
        self.entries.push_back(Entry { number, tag, ended });
        number
    }

    /// The answer to a request has begun, or nobody waits for it any more.
    pub(super) fn end(&mut self, begun: &Begun, now: Instant) {
        if let Some(entry) = self.entry(begun) {
            entry.ended.get_or_insert(now);
        }
    }

    /// A request was not sent after all.
    pub(super) fn cancel(&mut self, begun: &Begun) {
        self.entries.retain(|entry| entry.number != begun.number);
    }

    fn entry(&mut self, begun: &Begun) -> Option<&mut Entry> {
        let mut entries = self.entries.iter_mut();
        entries.find(|entry| entry.number == begun.number)
    }

    /// Takes in what came with the answer to a request; `true` for a lock.
    pub(super) fn learn(&mut self, told: Told, begun: &Begun, now: Instant) -> bool {
        let told_window = told.window.unwrap_or(self.window);
        self.window = match self.documented {
            // The document knows the least that OpManager may mean.
            true => self.window.max(told_window),
            false => told_window,
        };
        if let Some(left) = told.left {
            // No more of ours than these can have been counted by then: what is missing, others have sent.
            let since = self.begun.saturating_sub(begun.number + 1);
            let ours = begun.counted + usize::try_from(since).unwrap_or(usize::MAX);
            if !self.documented {
                let seen = ours.saturating_add(left);
                self.limit = Some(self.limit.unwrap_or(0).max(seen));
            }
            let used = self
                .limit
                .unwrap_or(0)
                .min(MOST_REQUESTS)
                .saturating_sub(left);
            for _ in ours..used {
                self.add(None, Some(now));
            }
        }
        match told.wait {
            Some(wait) => {
                self.lock_until(now + wait + MARGIN);
                true
            }
            None => false,
        }
    }

    /// OpManager refuses for as long as it is known to.
    pub(super) fn lock_for_block(&mut self, now: Instant) {
        self.lock_until(now + self.block + MARGIN);
    }

    fn lock_until(&mut self, until: Instant) {
        self.locked_until = self.locked_until.max(Some(until));
    }

    pub(super) fn is_locked(&self, now: Instant) -> bool {
        self.locked_until.is_some_and(|until| until > now)
    }

    /// A request of a key waits; the number is for [`Ledger::turn`] and [`Ledger::leave`].
    pub(super) fn wait(&mut self, tag: Tag) -> u64 {
        let ticket = self.tickets;
        self.tickets += 1;
        self.waiting.push_back((ticket, tag));
        ticket
    }

    pub(super) fn leave(&mut self, ticket: u64) {
        self.waiting.retain(|(other, _)| *other != ticket);
    }

    pub(super) fn last_asked(&self) -> Instant {
        self.asked
    }

    /// Whether no request is under way or waits.
    pub(super) fn is_idle(&self) -> bool {
        self.waiting.is_empty() && self.entries.iter().all(|entry| entry.ended.is_some())
    }

    /// Whether nothing of it matters any more.
    pub(super) fn is_over(&mut self, now: Instant) -> bool {
        self.prune(now);
        self.entries.is_empty()
            && self.waiting.is_empty()
            && self.keys.is_empty()
            && self.locked_until.is_none()
    }

    #[cfg(test)]
    pub(super) fn under_way(&self) -> usize {
        let entries = self.entries.iter();
        entries.filter(|entry| entry.ended.is_none()).count()
    }

    #[cfg(test)]
    pub(super) fn keys(&self) -> usize {
        let mut tags: Vec<Tag> = self.entries.iter().filter_map(|entry| entry.tag).collect();
        tags.extend(self.keys.iter().map(|(tag, _)| *tag));
        tags.sort_unstable();
        tags.dedup();
        tags.len()
    }
}

/// When there is a place among at most `most` that count, after `before` others: now, or when enough of those have stopped
/// counting whose ends are given in order.
fn free_at(
    ends: &[Instant],
    most: usize,
    before: usize,
    now: Instant,
    counts: Duration,
) -> Instant {
    let surplus = (ends.len() + before + 1).saturating_sub(most);
    match surplus.checked_sub(1) {
        None => now,
        Some(place) => ends.get(place).copied().unwrap_or(now + counts),
    }
}
