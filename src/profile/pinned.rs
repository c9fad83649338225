//! Profiles that exemplars name: pinned for ten minutes, so that who comes from a bucket of the histogram finds them.
//!
//! A *place* is a route and a bucket of its durations. Each place pins a profile now and then; the newest one of a place is its
//! exemplar. The pool goes round: a slot is used again only when what it holds has been there for its time. So that it is never used up,
//! a place waits the longer between two pins the more places there are. Since an exemplar is read out of the slot that is pinned, the two
//! cannot disagree.

use super::age::KEPT_SECONDS;
use super::name::NAMES;
use super::slot::Slot;
use crate::http::DURATION_BOUNDS;
use crate::sync::{AtomicU16, AtomicU32, AtomicU64, Ordering};

/// Buckets of `http_request_duration_seconds`, the last one without a bound among them.
const BUCKETS: usize = DURATION_BOUNDS.len() + 1;

const BUCKET_BITS: u32 = 4;
const ENDPOINT_BITS: u32 = 8;

const _: () = assert!(BUCKETS <= 1 << BUCKET_BITS && NAMES == 1 << ENDPOINT_BITS);

/// What a slot holds: 0 for nothing, else the second at which it was pinned, and its place.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Key(u64);

impl Key {
    fn new(second: u64, endpoint: u8, bucket: usize) -> Self {
        Self((second << ENDPOINT_BITS | u64::from(endpoint)) << BUCKET_BITS | bucket as u64)
    }

    fn second(self) -> u64 {
        self.0 >> (ENDPOINT_BITS + BUCKET_BITS)
    }

    fn place(self) -> u64 {
        self.0 & ((1 << (ENDPOINT_BITS + BUCKET_BITS)) - 1)
    }

    fn is_free(self, second: u64) -> bool {
        self.0 == 0 || second >= self.second() + KEPT_SECONDS
    }
}

#[derive(Debug)]
pub(super) struct Pinned<const N: usize> {
    slots: Box<[Slot<N>]>,
    /// A [`Key`] a slot. Only holders of the slot's claim store it.
    keys: Box<[AtomicU64]>,
    /// Which slot is next, counted on.
    cursor: AtomicU64,
    /// When each place pinned last: the low bits of the second, never 0; 0 before it ever did.
    pinned_at: Box<[AtomicU16]>,
    /// Places that have ever pinned.
    places: AtomicU32,
}

/// The bucket that a duration counts in.
fn bucket_of(nanos: u64) -> usize {
    const BOUNDS: [u64; DURATION_BOUNDS.len()] = {
        let mut nanos = [0; DURATION_BOUNDS.len()];
        let mut at = 0;
        while at < nanos.len() {
            nanos[at] = (DURATION_BOUNDS[at] * 1e9 + 0.5) as u64;
            at += 1;
        }
        nanos
    };
    BOUNDS.partition_point(|&bound| bound < nanos)
}

/// Low bits of a second, other than 0.
fn short(second: u64) -> u16 {
    (second as u16).max(1)
}

impl<const N: usize> Pinned<N> {
    pub(super) fn new(slots: usize) -> Self {
        Self {
            slots: (0..slots).map(|_| Slot::new()).collect(),
            keys: (0..slots).map(|_| AtomicU64::new(0)).collect(),
            cursor: AtomicU64::new(0),
            pinned_at: (0..NAMES * BUCKETS).map(|_| AtomicU16::new(0)).collect(),
            places: AtomicU32::new(0),
        }
    }

    /// Pins a profile if its place is due.
    #[inline]
    pub(super) fn offer(&self, endpoint: u8, second: u64, nanos: u64, words: &[u64]) {
        let bucket = bucket_of(nanos);
        let place = &self.pinned_at[usize::from(endpoint) * BUCKETS + bucket];
        // Relaxed: a hint; the exchange in `pin` decides.
        let last = place.load(Ordering::Relaxed);
        if last == 0 || u64::from(short(second).wrapping_sub(last)) >= self.pause() {
            self.pin(place, last, Key::new(second, endpoint, bucket), words);
        }
    }

    /// Seconds from one pin of a place to the next: as many as let three quarters of the pool last its time. The others are for places that come later.
    fn pause(&self) -> u64 {
        // Relaxed: a hint.
        let places = u64::from(self.places.load(Ordering::Relaxed));
        let spread = (self.slots.len() as u64 * 3 / 4).max(1);
        (KEPT_SECONDS * places).div_ceil(spread).clamp(1, KEPT_SECONDS)
    }

    #[cold]
    fn pin(&self, place: &AtomicU16, last: u16, key: Key, words: &[u64]) {
        // Relaxed: whoever changes it pins; nothing else hangs on it.
        if self.slots.is_empty()
            || place.compare_exchange(last, short(key.second()), Ordering::Relaxed, Ordering::Relaxed).is_err()
        {
            return;
        }
        if !self.take(key, words) {
            // All pins are young: the next request of the place tries again. Relaxed: as above.
            place.store(last, Ordering::Relaxed);
        } else if last == 0 {
            // Relaxed: a hint for `pause`.
            self.places.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// Puts the words into the next slot, if what it holds is old.
    fn take(&self, key: Key, words: &[u64]) -> bool {
        // Relaxed: it only says where to look.
        let at = (self.cursor.load(Ordering::Relaxed) % self.slots.len() as u64) as usize;
        // Relaxed: asked again under the claim.
        let free = || Key(self.keys[at].load(Ordering::Relaxed)).is_free(key.second());
        if !free() {
            return false;
        }
        // A slot whose owner is suspended is passed over.
        self.cursor.fetch_add(1, Ordering::Relaxed);
        let Some(claim) = self.slots[at].claim_next() else { return false };
        if !free() {
            claim.release();
            return false;
        }
        // Relaxed: the claim orders it.
        self.keys[at].store(key.0, Ordering::Relaxed);
        claim.write(words);
        true
    }

    /// The words of all that is pinned at this second, and whether each is the exemplar of its place.
    pub(super) fn pinned(&self, second: u64) -> Vec<(bool, [u64; N])> {
        // Relaxed: a profile that comes or goes meanwhile is found or not.
        let keys: Vec<Key> = self.keys.iter().map(|key| Key(key.load(Ordering::Relaxed))).collect();
        let valid = |key: Key| !key.is_free(second);
        let is_newest = |key: Key| keys.iter().all(|other| other.place() != key.place() || *other <= key || !valid(*other));
        let each = keys.iter().zip(&self.slots).filter(|(key, _)| valid(**key));
        each.filter_map(|(key, slot)| Some((is_newest(*key), slot.read()?))).collect()
    }

    pub(super) fn heap_bytes(&self) -> usize {
        size_of_val(&*self.slots) + size_of_val(&*self.keys) + size_of_val(&*self.pinned_at)
    }
}

#[cfg(all(test, not(tachograph_loom)))]
mod tests {
    use super::*;

    const MILLI: u64 = 1_000_000;

    #[test]
    fn a_duration_equal_to_a_bound_is_in_its_bucket() {
        for (at, bound) in DURATION_BOUNDS.iter().enumerate() {
            let nanos = (bound * 1e9).round() as u64;
            assert_eq!((bucket_of(nanos), bucket_of(nanos + 1)), (at, at + 1));
        }
        assert_eq!((bucket_of(0), bucket_of(u64::MAX)), (0, BUCKETS - 1));
    }

    #[test]
    fn a_pin_stays_for_its_time_under_any_load() {
        let pinned = Pinned::<2>::new(64);
        // Of each scrape: the second, and what it showed.
        let mut shown: Vec<(u64, [u64; 2])> = Vec::new();
        for second in 1_000..3_000 {
            for n in 0..100 {
                let number = second * 100 + n;
                // Most are fast, one in a hundred is slow, and two more routes come later.
                let (endpoint, nanos) = match n {
                    0 => (1, 400 * MILLI),
                    1 if second > 1_500 => (2, 30 * MILLI),
                    2 if second > 1_700 => (3, 7 * MILLI),
                    _ => (1, 3 * MILLI),
                };
                pinned.offer(endpoint, second, nanos, &[number, nanos]);
            }
            if second % 15 == 0 {
                let now = pinned.pinned(second);
                let exemplars: Vec<_> = now.iter().filter(|(exemplar, _)| *exemplar).collect();
                assert_eq!(exemplars.len(), 2 + usize::from(second > 1_500) + usize::from(second > 1_700));
                shown.extend(exemplars.iter().map(|(_, words)| (second, *words)));
                let there = |words: &[u64; 2]| now.iter().any(|(_, other)| other == words);
                let lately =
                    shown.iter().filter(|(then, words)| then + KEPT_SECONDS > second && words[0] / 100 + KEPT_SECONDS > second);
                assert!(lately.into_iter().all(|(_, words)| there(words)), "{second}");
            }
        }
        let slow: Vec<_> = shown.iter().filter(|(_, words)| words[1] == 400 * MILLI).map(|(_, words)| words[0]).collect();
        let distinct = slow.iter().collect::<std::collections::BTreeSet<_>>().len();
        assert!(distinct > 20, "exemplars move on: {distinct}");
    }

    #[test]
    fn without_slots_nothing_is_pinned() {
        let pinned = Pinned::<1>::new(0);
        pinned.offer(1, 1_000, MILLI, &[1]);
        assert!(pinned.pinned(1_000).is_empty());
    }
}
