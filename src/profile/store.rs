//! All that is kept of finished requests, within a memory that is fixed when it is made.

use std::cmp::Reverse;
use std::collections::BTreeSet;
use std::time::Instant;

use super::age::{AgeClock, span};
use super::name::Names;
use super::pinned::Pinned;
use super::ring::Ring;
use super::slowest::Slowest;
use super::words::{self, DURATION, HEAD, Head, WORDS, Words};
use super::{ProfileOptions, RequestProfile};
use crate::seqlock::SeqLock;
use crate::sync::{AtomicU64, Ordering};

#[derive(Debug)]
pub(super) struct ProfileStore {
    pub(super) options: ProfileOptions,
    pub(super) names: Names,
    ring: Ring<WORDS>,
    slowest: Slowest<WORDS>,
    pinned: Pinned<WORDS>,
    age: AgeClock,
    /// Profiles that found no place in the ring.
    dropped: AtomicU64,
    /// Phases that found no place in their profile.
    phases_dropped: AtomicU64,
}

impl ProfileStore {
    pub(super) fn new(options: ProfileOptions) -> Self {
        Self {
            names: Names::new(),
            ring: Ring::new(options.capacity),
            slowest: Slowest::new(options.slowest),
            pinned: Pinned::new(options.pinned),
            age: AgeClock::new(),
            dropped: AtomicU64::new(0),
            phases_dropped: AtomicU64::new(0),
            options,
        }
    }

    /// Keeps a profile that ended now. `words` are its own; its number is set here.
    pub(super) fn insert(&self, words: &mut [u64], now: Instant) {
        if !self.ring.put(words) {
            // Relaxed: a statistic.
            self.dropped.fetch_add(1, Ordering::Relaxed);
        }
        let head = Head::of(words[HEAD]);
        if head.phases_dropped > 0 {
            // Relaxed: a statistic.
            self.phases_dropped.fetch_add(head.phases_dropped.into(), Ordering::Relaxed);
        }
        // In this order: see `age`.
        let second = self.age.second(now);
        if words[0] < self.age.cleared() {
            return;
        }
        let nanos = words[DURATION];
        let failed = head.aborted || head.status >= 500;
        self.slowest.offer(head.endpoint, failed, span(second), nanos, words);
        self.pinned.offer(head.endpoint, second, nanos, words);
    }

    /// Copies of all profiles that are not cleared. One that is kept in several places comes several times.
    fn copies(&self) -> impl Iterator<Item = Words> {
        let cleared = self.age.cleared();
        let second = self.age.second(Instant::now());
        let ring = self.ring.slots().iter().filter_map(SeqLock::read);
        let slowest = self.slowest.kept(span(second));
        let pinned = self.pinned.pinned(second).into_iter().map(|(_, words)| words);
        ring.chain(slowest).chain(pinned).filter(move |words| words[0] >= cleared)
    }

    /// All profiles, newest first.
    pub(super) fn profiles(&self) -> Vec<RequestProfile> {
        let next = self.ring.next_number();
        let mut profiles: Vec<RequestProfile> = self.copies().map(|words| self.profile(&words, next)).collect();
        profiles.sort_unstable_by_key(|profile| Reverse(profile.number));
        profiles.dedup_by_key(|profile| profile.number);
        profiles
    }

    /// The profiles that are exemplars of their buckets now.
    pub(super) fn exemplars(&self) -> Vec<RequestProfile> {
        let cleared = self.age.cleared();
        let pinned = self.pinned.pinned(self.age.second(Instant::now()));
        let shown = pinned.iter().filter(|(exemplar, words)| *exemplar && words[0] >= cleared);
        let next = self.ring.next_number();
        shown.map(|(_, words)| self.profile(words, next)).collect()
    }

    /// A profile, as it is seen before the next one, which has the number `next`.
    fn profile(&self, words: &Words, next: u64) -> RequestProfile {
        let profile = words::profile(words, &self.names);
        RequestProfile {
            is_slow: profile.duration >= self.options.slow_threshold,
            is_recent: profile.number.saturating_add(self.ring.slots().len() as u64) >= next,
            ..profile
        }
    }

    /// Forgets all profiles that have ended by now, and tells how many there were.
    pub(super) fn clear(&self) -> usize {
        let there: BTreeSet<u64> = self.copies().map(|words| words[0]).collect();
        let cleared = self.age.clear(|| self.ring.next_number());
        there.range(cleared).count()
    }

    /// Profiles that have ended since the start.
    pub(super) fn recorded(&self) -> u64 {
        self.ring.ended()
    }

    pub(super) fn dropped(&self) -> u64 {
        // Relaxed: a statistic.
        self.dropped.load(Ordering::Relaxed)
    }

    pub(super) fn phases_dropped(&self) -> u64 {
        // Relaxed: a statistic.
        self.phases_dropped.load(Ordering::Relaxed)
    }

    pub(super) fn names_refused(&self) -> u64 {
        self.names.refused()
    }

    pub(super) fn heap_bytes(&self) -> usize {
        let pools = self.slowest.heap_bytes() + self.pinned.heap_bytes();
        size_of::<Self>() + size_of_val(self.ring.slots()) + pools + self.names.heap_bytes()
    }
}
