//! Profiles that exemplars name: pinned for ten minutes, so that who comes from a bucket of the histogram finds them.
//!
//! A *place* is a route and a bucket of its durations. Each place pins a profile now and then; the newest one of a place is its
//! exemplar. The pool goes round: a slot is used again only when what it holds has been there for its time. So that it is never used up,
//! a place waits the longer between two pins the more places there are. Since an exemplar is read out of the slot that is pinned, the two
//! cannot disagree.

use super::age::KEPT_SECONDS;
use super::name::NAMES;
use super::pool::Pool;
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
    /// By [`Key`].
    pool: Pool<N>,
    /// Which slot is next, counted on.
    cursor: AtomicU64,
    /// When each place pinned last, or tried to: the low bits of the second, never 0; 0 before it ever did. They come again after 18 hours,
    /// so a place that was idle for so long may have to wait once more.
    pinned_at: Box<[AtomicU16]>,
    /// Places that have ever tried.
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
            pool: Pool::new(slots),
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
        let since = u64::from(short(second).wrapping_sub(last));
        // Mostly it has pinned in this very second, and there is no need to divide.
        if last == 0 || (since > 0 && since >= self.pause()) {
            self.pin(place, last, Key::new(second, endpoint, bucket), words);
        }
    }

    /// Seconds from one pin of a place to the next: as many as let three quarters of the pool last its time. The others are for places
    /// that come later.
    fn pause(&self) -> u64 {
        // Relaxed: a hint.
        let places = u64::from(self.places.load(Ordering::Relaxed));
        let spread = (self.pool.len() as u64 * 3 / 4).max(1);
        (KEPT_SECONDS * places).div_ceil(spread).clamp(1, KEPT_SECONDS)
    }

    #[cold]
    fn pin(&self, place: &AtomicU16, last: u16, key: Key, words: &[u64]) {
        // Relaxed: whoever changes it pins; nothing else hangs on it.
        let exchanged = place.compare_exchange(last, short(key.second()), Ordering::Relaxed, Ordering::Relaxed);
        if exchanged.is_err() || self.pool.len() == 0 {
            return;
        }
        if last == 0 {
            // Relaxed: a hint for `pause`.
            self.places.fetch_add(1, Ordering::Relaxed);
        }
        if !self.take(key, words) {
            // All pins are young: the place is due again in the next second, not at each request. Relaxed: as above.
            place.store(short(key.second().wrapping_sub(self.pause() - 1)), Ordering::Relaxed);
        }
    }

    /// Puts the words into the next slot, if what it holds is old.
    fn take(&self, key: Key, words: &[u64]) -> bool {
        // Relaxed: it only says where to look.
        let next = self.cursor.load(Ordering::Relaxed);
        let at = (next % self.pool.len() as u64) as usize;
        let held = Key(self.pool.key(at));
        // One thread alone moves on from here, so no slot is passed over but one whose owner is suspended. Relaxed: the claim orders
        // what is written.
        held.is_free(key.second())
            && self.cursor.compare_exchange(next, next + 1, Ordering::Relaxed, Ordering::Relaxed).is_ok()
            && self.pool.replace(at, held.0, key.0, words)
    }

    /// The words of all that is pinned at this second, and whether each is the exemplar of its place.
    pub(super) fn pinned(&self, second: u64) -> Vec<(bool, [u64; N])> {
        let read = (0..self.pool.len()).filter_map(|at| self.pool.read(at)).map(|(key, words)| (Key(key), words));
        let mut valid: Vec<(Key, [u64; N])> = read.filter(|(key, _)| !key.is_free(second)).collect();
        // The pins of a place stand together, the newest last.
        valid.sort_unstable_by_key(|(key, _)| (key.place(), *key));
        let is_newest = |at: usize| valid.get(at + 1).is_none_or(|(next, _)| next.place() != valid[at].0.place());
        valid.iter().enumerate().map(|(at, (_, words))| (is_newest(at), *words)).collect()
    }

    pub(super) fn heap_bytes(&self) -> usize {
        self.pool.heap_bytes() + size_of_val(&*self.pinned_at)
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
    fn a_suspended_writer_costs_its_slot_and_nothing_else() {
        let pinned = Pinned::<1>::new(3);
        let offer = |second: u64| {
            for endpoint in 0..3 {
                pinned.offer(endpoint, second, MILLI, &[second * 10 + u64::from(endpoint)]);
            }
        };
        let numbers = |second| {
            let mut numbers: Vec<u64> = pinned.pinned(second).into_iter().map(|(_, [number])| number).collect();
            numbers.sort_unstable();
            numbers
        };
        pinned.pool.with_suspended_writer(0, || {
            // The first one finds the slot held, and the others those behind it.
            offer(1_000);
            assert_eq!(numbers(1_000), [10_001, 10_002]);
        });
        // After the others there is the slot that was passed over.
        offer(1_600);
        assert_eq!(numbers(1_600), [16_000, 16_001, 16_002]);
    }

    #[test]
    fn of_more_places_than_slots_each_tries_once_a_second_and_pins_stay() {
        let pinned = Pinned::<1>::new(2);
        for second in 1_000..1_500 {
            for endpoint in 0..=u8::MAX {
                let before = pinned.pinned_at[usize::from(endpoint) * BUCKETS].load(Ordering::Relaxed);
                pinned.offer(endpoint, second, MILLI, &[second]);
                let tried = pinned.pinned_at[usize::from(endpoint) * BUCKETS].load(Ordering::Relaxed);
                assert_eq!(before != tried, second == 1_000 || endpoint > 1, "{second} {endpoint}");
                pinned.offer(endpoint, second, MILLI, &[second]);
                assert_eq!(tried, pinned.pinned_at[usize::from(endpoint) * BUCKETS].load(Ordering::Relaxed));
            }
        }
        assert_eq!(pinned.pinned(1_599).len(), 2);
        assert!(pinned.pinned(1_600).is_empty());
        pinned.offer(77, 1_600, MILLI, &[1_600]);
        assert_eq!(pinned.pinned(1_600), [(true, [1_600])]);
    }

    #[test]
    fn without_slots_nothing_is_pinned() {
        let pinned = Pinned::<1>::new(0);
        pinned.offer(1, 1_000, MILLI, &[1]);
        assert!(pinned.pinned(1_000).is_empty());
    }
}

#[cfg(all(test, tachograph_loom))]
mod models {
    //! Covers: two routes that pin at once, with one slot and with two, beside a reader. Does not cover: the age of pins, which the unit
    //! tests have.

    use loom::thread;

    use super::*;

    #[test]
    fn loom_what_is_pinned_stands_in_the_place_that_its_words_say() {
        for slots in [1, 2] {
            loom::model(move || {
                let places = (0..2 * BUCKETS).map(|_| AtomicU16::new(0)).collect();
                let (pool, cursor, tried) = (Pool::new(slots), AtomicU64::new(0), AtomicU32::new(0));
                let pinned = loom::sync::Arc::new(Pinned::<2> { pool, cursor, pinned_at: places, places: tried });
                let writers = [0, 1].map(|endpoint: u8| {
                    let pinned = pinned.clone();
                    thread::spawn(move || pinned.offer(endpoint, 1_000, 1, &[endpoint.into(); 2]))
                });
                let whole = |(exemplar, [a, b]): &(bool, [u64; 2])| *exemplar && a == b;
                assert!(pinned.pinned(1_000).iter().all(whole));
                writers.into_iter().for_each(|writer| writer.join().unwrap());
                let last = pinned.pinned(1_000);
                assert!((1..=slots).contains(&last.len()) && last.iter().all(whole));
            });
        }
    }
}
