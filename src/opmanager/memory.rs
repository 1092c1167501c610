//! How much memory the bodies of responses may take, over all calls.
//!
//! Owns the rule by which bodies share it. Memory is taken as bytes come, so a body that is announced and does not come
//! holds nothing. There are three parts:
//!
//! - Of the first, no body takes more than [`SMALL`]. Small responses are served from it, whatever large ones hold.
//! - The second is for whoever comes first.
//! - The third holds one largest body. Whoever gets no more of the other two waits for it, and then needs nothing else
//!   until it is done: of all bodies that wait for each other, one can always go on.

use std::sync::Arc;

use tokio::sync::{AcquireError, OwnedSemaphorePermit, Semaphore};

/// Bytes in which memory is counted.
const UNIT: usize = 1024;
/// Most of the first part for one body, in bytes.
const SMALL: usize = 64 * 1024;

/// The memory of all bodies. Cloning it is cheap and shares it.
#[derive(Debug, Clone)]
pub(super) struct Memory {
    small: Arc<Semaphore>,
    common: Arc<Semaphore>,
    largest: Arc<Semaphore>,
}

impl Memory {
    /// Memory of `total` bytes, for bodies of at most `largest` bytes; no less than one of those.
    pub(super) fn new(total: usize, largest: usize) -> Self {
        let shared = units(total).saturating_sub(units(largest));
        let small = shared / 4;
        let semaphore = |units: usize| Arc::new(Semaphore::new(units.min(Semaphore::MAX_PERMITS)));
        Self {
            small: semaphore(small),
            common: semaphore(shared - small),
            largest: semaphore(1),
        }
    }

    /// The memory of a body of which nothing has come.
    pub(super) fn share(&self) -> Share {
        Share {
            memory: self.clone(),
            small: None,
            common: None,
            largest: None,
        }
    }
}

/// The memory that one body holds; it is given back when this is dropped.
#[derive(Debug)]
pub(super) struct Share {
    memory: Memory,
    small: Option<OwnedSemaphorePermit>,
    common: Option<OwnedSemaphorePermit>,
    /// Enough for any body.
    largest: Option<OwnedSemaphorePermit>,
}

impl Share {
    /// Waits until the body may hold so many bytes in all.
    ///
    /// # Errors
    ///
    /// None: the memory is never closed.
    pub(super) async fn grow_to(&mut self, bytes: usize) -> Result<(), AcquireError> {
        if self.largest.is_some() {
            return Ok(());
        }
        let missing =
            |share: &Self| units(bytes).saturating_sub(held(&share.small) + held(&share.common));
        let small = missing(self).min((SMALL / UNIT).saturating_sub(held(&self.small)));
        if small > 0
            && let Ok(more) = Arc::clone(&self.memory.small).try_acquire_many_owned(count(small))
        {
            merge(&mut self.small, more);
        }
        let missing = count(missing(self));
        if missing == 0 {
            return Ok(());
        }
        tokio::select! {
            biased;
            more = Arc::clone(&self.memory.common).acquire_many_owned(missing) => {
                merge(&mut self.common, more?);
            }
            largest = Arc::clone(&self.memory.largest).acquire_owned() => {
                self.largest = Some(largest?);
                self.small = None;
                self.common = None;
            }
        }
        Ok(())
    }

    /// Gives back what is more than so many bytes in all.
    pub(super) fn shrink_to(&mut self, bytes: usize) {
        let mut surplus = (held(&self.small) + held(&self.common)).saturating_sub(units(bytes));
        for part in [&mut self.common, &mut self.small].into_iter().flatten() {
            let back = surplus.min(part.num_permits());
            drop(part.split(back));
            surplus -= back;
        }
    }
}

fn units(bytes: usize) -> usize {
    bytes.div_ceil(UNIT)
}

fn count(units: usize) -> u32 {
    u32::try_from(units).unwrap_or(u32::MAX)
}

fn held(part: &Option<OwnedSemaphorePermit>) -> usize {
    part.as_ref().map_or(0, OwnedSemaphorePermit::num_permits)
}

fn merge(part: &mut Option<OwnedSemaphorePermit>, more: OwnedSemaphorePermit) {
    match part {
        Some(part) => part.merge(more),
        None => *part = Some(more),
    }
}

#[cfg(test)]
mod tests {
    use futures::FutureExt;
    use proptest::prelude::*;

    use super::*;

    const KIB: usize = 1024;
    const MIB: usize = 1024 * KIB;

    /// Whether a body has what it asks for without waiting.
    fn grows(share: &mut Share, bytes: usize) -> bool {
        share.grow_to(bytes).now_or_never().is_some()
    }

    #[test]
    fn small_bodies_are_served_whatever_large_ones_hold() {
        let memory = Memory::new(64 * MIB, 4 * MIB);
        let mut large: Vec<Share> = Vec::new();
        loop {
            let mut share = memory.share();
            let served = grows(&mut share, 4 * MIB);
            large.push(share);
            if !served {
                break;
            }
        }
        // Those of the first two parts, less what their beginnings took of the first one, and the one that holds the third.
        assert_eq!(large.len(), 13);
        let mut small: Vec<Share> = (0..128).map(|_| memory.share()).collect();
        for share in &mut small {
            assert!(grows(share, 64 * KIB));
        }
        assert!(!grows(large.last_mut().unwrap(), 4 * MIB));
    }

    #[test]
    fn memory_for_one_body_is_held_by_one_body() {
        let memory = Memory::new(MIB, 4 * MIB);
        let (mut first, mut second) = (memory.share(), memory.share());
        assert!(grows(&mut first, 1));
        assert!(!grows(&mut second, 1));
        assert!(grows(&mut first, 4 * MIB));
        drop(first);
        assert!(grows(&mut second, 4 * MIB));
    }

    #[test]
    fn what_is_not_needed_is_given_back() {
        let memory = Memory::new(8 * MIB, 4 * MIB);
        let free =
            |memory: &Memory| memory.small.available_permits() + memory.common.available_permits();
        let all = free(&memory);
        assert_eq!(all, 4 * MIB / UNIT);
        let mut share = memory.share();
        assert!(grows(&mut share, MIB));
        assert_eq!(free(&memory), all - MIB / UNIT);
        share.shrink_to(SMALL / 2);
        assert_eq!(memory.small.available_permits(), all / 4 - SMALL / 2 / UNIT);
        assert_eq!(memory.common.available_permits(), all - all / 4);
        share.shrink_to(0);
        assert_eq!(free(&memory), all);
        assert!(grows(&mut share, 2 * MIB));
        drop(share);
        assert_eq!(free(&memory), all);
    }

    proptest! {
        /// Bodies that grow in any order, each to the largest size, all get there; and never is more held than there is.
        #[test]
        fn bodies_that_wait_for_each_other_all_come_to_their_end(
            total in 4..40usize,
            steps in prop::collection::vec(1..600usize, 2..12),
        ) {
            let largest = MIB;
            let memory = Memory::new(total * 256 * KIB, largest);
            let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
            runtime.block_on(async {
                let bodies = steps.iter().map(|step| {
                    let memory = memory.clone();
                    async move {
                        let mut share = memory.share();
                        let mut size = 0;
                        while size < largest {
                            size = (size + step * KIB).min(largest);
                            share.grow_to(size).await.unwrap();
                            let held = held(&share.small) + held(&share.common);
                            assert!(share.largest.is_some() || held * UNIT >= size);
                            tokio::task::yield_now().await;
                        }
                    }
                });
                futures::future::join_all(bodies).await;
            });
            let shared = units((total * 256 * KIB).max(largest)) - units(largest);
            prop_assert_eq!(memory.small.available_permits() + memory.common.available_permits(), shared);
            prop_assert_eq!(memory.largest.available_permits(), 1);
        }
    }
}
