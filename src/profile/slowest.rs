//! The slowest profiles of each route over the last minutes, in a pool of slots of fixed size.
//!
//! A *group* is a route, whether the request failed, and a span of two minutes. Groups share the pool evenly: a profile takes a slot that
//! is empty or old, else the fastest one of a group that has two more than its own, else the fastest one of its own group if it is
//! slower. So the slowest one of each group is there for as long as there are no more groups than slots (but for one that ended while
//! another thread was writing the only slot that it could take), and of a few routes many are.
//!
//! Who looks for a slot goes by the keys of the `pool`, and begins again if another one was faster. A request that is no candidate learns
//! that from one load, the *threshold* of its route; it is a hint, valid for one span.

use std::cmp::Reverse;

use super::age::SPANS;
use super::pool::Pool;
use crate::sync::{AtomicU64, Ordering};

/// The most slots that a pool may have: their keys are sorted on the stack.
pub(super) const MOST: usize = 256;

/// How often a candidate looks for a slot when others have been faster. Then it is left to the ring.
const ATTEMPTS: usize = 4;

const RANK_BITS: u32 = 35;
const GROUP_BITS: u32 = 9;
const SPAN_BITS: u32 = 64 - RANK_BITS - GROUP_BITS;
const RANK_MASK: u64 = (1 << RANK_BITS) - 1;
const SPAN_MASK: u64 = (1 << SPAN_BITS) - 1;

/// Routes, each of them with requests that failed and such that did not.
const ROUTES: usize = 1 << GROUP_BITS;

const _: () = assert!(ROUTES == 2 * super::name::NAMES);

/// What competes: 0 is an empty slot, else span, route and rank, from the highest bit on. Keys in order are groups, each from its fastest
/// profile on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Key(u64);

impl Key {
    fn new(route: usize, span: u64, nanos: u64) -> Self {
        Self((span & SPAN_MASK) << (RANK_BITS + GROUP_BITS) | (route as u64) << RANK_BITS | rank(nanos))
    }

    /// Span and route.
    fn group(self) -> u64 {
        self.0 >> RANK_BITS
    }

    fn span(self) -> u64 {
        self.0 >> (RANK_BITS + GROUP_BITS)
    }

    /// Spans that have passed since its own; fewer than 0 of one that is still to come: a candidate may be late.
    fn age(self, span: u64) -> i64 {
        (span.wrapping_sub(self.span()) << (64 - SPAN_BITS)) as i64 >> (64 - SPAN_BITS)
    }

    fn rank(self) -> u64 {
        self.0 & RANK_MASK
    }

    /// Whether a slot with it may be taken by anyone.
    fn is_free(self, span: u64) -> bool {
        self.0 == 0 || self.age(span) > SPANS as i64
    }
}

/// Durations in steps of 64 ns, up to half an hour.
fn rank(nanos: u64) -> u64 {
    (nanos >> 6).min(RANK_MASK)
}

/// What a candidate is to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Verdict {
    /// Take the slot with this key.
    Take(Key),
    /// Go; and who is of the same group and not slower than this rank too.
    Refused(Option<u64>),
}

/// Whose slot a candidate takes, out of the sorted keys.
fn judge(sorted: &[Key], candidate: Key) -> Verdict {
    if let Some(free) = sorted.iter().find(|key| key.is_free(candidate.span())) {
        return Verdict::Take(*free);
    }
    let mut largest: &[Key] = &[];
    let mut own: &[Key] = &[];
    for group in sorted.chunk_by(|a, b| a.group() == b.group()) {
        if group.len() > largest.len() {
            largest = group;
        }
        if group[0].group() == candidate.group() {
            own = group;
        }
    }
    match (largest, own) {
        ([fastest, _, ..], _) if largest.len() > own.len() + 1 => Verdict::Take(*fastest),
        (_, [fastest, ..]) if candidate.rank() > fastest.rank() => Verdict::Take(*fastest),
        (_, [fastest, ..]) => Verdict::Refused(Some(fastest.rank())),
        // More groups than slots: the oldest span goes first, in it the fastest.
        (_, []) => {
            let order = |key: &Key| (key.age(candidate.span()), Reverse(key.rank()));
            match sorted.iter().max_by_key(|key| order(key)) {
                Some(key) if order(key) > order(&candidate) => Verdict::Take(*key),
                Some(key) if key.span() == candidate.span() => Verdict::Refused(Some(key.rank())),
                _ => Verdict::Refused(None),
            }
        }
    }
}

#[derive(Debug)]
pub(super) struct Slowest<const N: usize> {
    /// By [`Key`].
    pool: Pool<N>,
    /// By route, as a key: who is of that span and no slower need not look.
    thresholds: Box<[AtomicU64]>,
}

impl<const N: usize> Slowest<N> {
    pub(super) fn new(slots: usize) -> Self {
        Self { pool: Pool::new(slots.min(MOST)), thresholds: (0..ROUTES).map(|_| AtomicU64::new(0)).collect() }
    }

    /// Keeps a profile if it is among the slowest of its group.
    #[inline]
    pub(super) fn offer(&self, endpoint: u8, failed: bool, span: u64, nanos: u64, words: &[u64]) {
        let route = usize::from(endpoint) * 2 + usize::from(failed);
        let candidate = Key::new(route, span, nanos);
        // Relaxed: a hint.
        let threshold = Key(self.thresholds[route].load(Ordering::Relaxed));
        if threshold.group() != candidate.group() || candidate > threshold {
            self.compete(route, candidate, words);
        }
    }

    #[cold]
    fn compete(&self, route: usize, candidate: Key, words: &[u64]) {
        if self.pool.len() == 0 {
            return;
        }
        for attempt in 0..ATTEMPTS {
            // A slot that could not be taken may be held by a thread that is suspended: from then on all that are held are left out.
            let left_out = |at| attempt > 0 && self.pool.is_claimed(at);
            let mut sorted = [Key(0); MOST];
            let mut len = 0;
            for (at, key) in self.pool.keys() {
                if !left_out(at) {
                    sorted[len] = Key(key);
                    len += 1;
                }
            }
            let sorted = &mut sorted[..len];
            sorted.sort_unstable();
            match judge(sorted, candidate) {
                Verdict::Take(victim) if self.take(victim, candidate, words) => return,
                Verdict::Take(_) => {}
                Verdict::Refused(rank) => {
                    // With slots left out it would be too high.
                    if let Some(rank) = rank.filter(|_| attempt == 0) {
                        let threshold = candidate.group() << RANK_BITS | rank;
                        // Relaxed: a hint.
                        self.thresholds[route].store(threshold, Ordering::Relaxed);
                    }
                    return;
                }
            }
        }
    }

    /// Puts the words in the place of a profile with the key `victim`, unless others have been faster.
    fn take(&self, victim: Key, candidate: Key, words: &[u64]) -> bool {
        let mut with_it = self.pool.keys().filter(|(_, key)| *key == victim.0);
        with_it.any(|(at, _)| self.pool.replace(at, victim.0, candidate.0, words))
    }

    /// The words of the profiles that are not too old at this span.
    pub(super) fn kept(&self, span: u64) -> impl Iterator<Item = [u64; N]> {
        let read = (0..self.pool.len()).filter_map(|at| self.pool.read(at));
        read.filter(move |(key, _)| !Key(*key).is_free(span)).map(|(_, words)| words)
    }

    pub(super) fn heap_bytes(&self) -> usize {
        self.pool.heap_bytes() + size_of_val(&*self.thresholds)
    }
}

#[cfg(all(test, not(tachograph_loom)))]
mod tests {
    use std::collections::BTreeMap;

    use proptest::prelude::*;

    use super::*;

    fn held(slowest: &Slowest<1>, span: u64) -> Vec<u64> {
        let mut held: Vec<u64> = slowest.kept(span).map(|[nanos]| nanos).collect();
        held.sort_unstable();
        held
    }

    #[test]
    fn one_route_fills_the_pool_with_its_slowest() {
        let slowest = Slowest::<1>::new(4);
        for nanos in [5, 1, 9, 2, 7, 3, 8, 9, 4].map(|n| n * 1_000) {
            slowest.offer(1, false, 10, nanos, &[nanos]);
        }
        assert_eq!(held(&slowest, 10), [7_000, 8_000, 9_000, 9_000]);
        assert_eq!(held(&slowest, 10 + SPANS), [7_000, 8_000, 9_000, 9_000]);
        assert!(held(&slowest, 11 + SPANS).is_empty());
    }

    #[test]
    fn a_request_that_is_no_candidate_is_told_by_the_threshold() {
        let slowest = Slowest::<1>::new(1);
        [900, 800].into_iter().for_each(|n| slowest.offer(1, false, 10, n * 1_000, &[n]));
        let threshold = slowest.thresholds[2].load(Ordering::Relaxed);
        assert_eq!(Key(threshold), Key::new(2, 10, 900_000));
        slowest.offer(1, false, 10, 950_000, &[950]);
        assert_eq!(held(&slowest, 10), [950]);
    }

    #[test]
    fn a_fast_failure_is_kept_beside_slow_successes() {
        let slowest = Slowest::<1>::new(4);
        (1..100).for_each(|n| slowest.offer(1, false, 10, n * 1_000_000, &[n]));
        slowest.offer(1, true, 10, 5, &[5]);
        (100..200).for_each(|n| slowest.offer(1, false, 10, n * 1_000_000, &[n]));
        assert_eq!(held(&slowest, 10), [5, 197, 198, 199]);
    }

    #[test]
    fn who_is_late_does_not_take_what_is_of_a_later_span_for_old() {
        let slowest = Slowest::<1>::new(1);
        slowest.offer(1, false, 11, 5_000_000, &[5]);
        slowest.offer(2, false, 10, 9_000_000, &[9]);
        assert_eq!(held(&slowest, 11), [5]);
        // A reader who is late sees it too.
        assert_eq!(held(&slowest, 10), [5]);
    }

    #[test]
    fn spans_begin_again_and_what_is_old_stays_old() {
        let slowest = Slowest::<1>::new(1);
        let last = SPAN_MASK;
        slowest.offer(1, false, last, 5_000_000, &[5]);
        slowest.offer(2, false, last + 1, 1_000_000, &[1]);
        assert_eq!(held(&slowest, last + 1), [1], "the older span goes first");
        assert_eq!(held(&slowest, last + 1 + SPANS), [1]);
        assert!(held(&slowest, last + 2 + SPANS).is_empty());
    }

    #[test]
    fn who_is_suspended_keeps_others_from_his_slot_and_from_nothing_else() {
        let slowest = Slowest::<1>::new(3);
        [1_000, 2_000, 3_000].into_iter().for_each(|nanos| slowest.offer(1, false, 10, nanos, &[nanos]));
        let fastest = slowest.pool.keys().min_by_key(|&(_, key)| key).unwrap().0;
        slowest.pool.with_suspended_writer(fastest, || {
            (4..100).for_each(|n| slowest.offer(1, false, 10, n * 1_000, &[n * 1_000]));
            assert_eq!(held(&slowest, 10), [98_000, 99_000]);
        });
        slowest.offer(1, false, 10, 50_000, &[50_000]);
        assert_eq!(held(&slowest, 10), [50_000, 98_000, 99_000]);
    }

    #[test]
    fn of_more_routes_than_slots_the_slowest_are_kept_and_the_others_learn_it_from_the_threshold() {
        let slowest = Slowest::<1>::new(2);
        (1..=9).for_each(|n| slowest.offer(n, false, 10, u64::from(n) * 1_000, &[n.into()]));
        assert_eq!(held(&slowest, 10), [8, 9]);
        slowest.offer(3, false, 10, 3_000, &[3]);
        assert_eq!(Key(slowest.thresholds[6].load(Ordering::Relaxed)), Key::new(6, 10, 8_000));
        slowest.offer(3, false, 10, 9_500, &[3]);
        assert_eq!(held(&slowest, 10), [3, 9]);
    }

    #[test]
    fn without_slots_and_beyond_all_durations_nothing_goes_wrong() {
        let (none, one) = (Slowest::<1>::new(0), Slowest::<1>::new(1));
        for nanos in [0, 1, u64::MAX - 1, u64::MAX] {
            none.offer(u8::MAX, true, u64::MAX, nanos, &[nanos]);
            one.offer(u8::MAX, true, u64::MAX, nanos, &[nanos]);
        }
        assert!(held(&none, u64::MAX).is_empty());
        assert_eq!(held(&one, u64::MAX), [u64::MAX - 1], "both are above what is told apart");
    }

    proptest! {
        #[test]
        fn the_slowest_of_each_group_is_kept_while_there_are_no_more_groups_than_slots(
            offers in prop::collection::vec((0u8..4, any::<bool>(), 0u64..2, 1u64..1_000), 0..400),
            slots in 16usize..40,
        ) {
            // Two spans after another, so at most sixteen groups.
            let slowest = Slowest::<1>::new(slots);
            let mut oracle: BTreeMap<(u64, u8, bool), u64> = BTreeMap::new();
            let mut offers = offers;
            offers.sort_by_key(|&(_, _, span, _)| span);
            for (endpoint, failed, span, rank) in offers {
                let nanos = rank << 6;
                slowest.offer(endpoint, failed, span + 7, nanos, &[nanos | u64::from(endpoint) << 1 | u64::from(failed)]);
                let most = oracle.entry((span, endpoint, failed)).or_default();
                *most = nanos.max(*most);
            }
            let held = held(&slowest, 8);
            for ((_, endpoint, failed), nanos) in oracle {
                prop_assert!(held.contains(&(nanos | u64::from(endpoint) << 1 | u64::from(failed))));
            }
        }
    }

    #[test]
    fn threads_that_compete_leave_the_slowest() {
        let slowest = Slowest::<2>::new(32);
        std::thread::scope(|scope| {
            for thread in 0..4u64 {
                let slowest = &slowest;
                scope.spawn(move || {
                    for n in 0..20_000u64 {
                        let nanos = (n * 7_919 % 20_000) * 4_096 + thread * 512;
                        slowest.offer((n % 4) as u8, false, 10, nanos, &[nanos, !nanos]);
                    }
                });
            }
            for _ in 0..200 {
                assert!(slowest.kept(10).all(|[a, b]| a == !b));
            }
        });
        assert_eq!(slowest.kept(10).count(), 32);
    }
}

#[cfg(all(test, tachograph_loom))]
mod models {
    //! Covers: two candidates for the one slot of a pool, beside a reader: one of them stays, and what is read is whole. Which one is not
    //! promised: who finds the slot held is left to the ring, also if it is the slower one.

    use loom::thread;

    use super::*;

    #[test]
    fn loom_of_two_candidates_one_stays_whole() {
        loom::model(|| {
            let slowest = loom::sync::Arc::new(Slowest::<2> { pool: Pool::new(1), thresholds: [AtomicU64::new(0)].into() });
            let threads = [1_000, 2_000].map(|nanos| {
                let slowest = slowest.clone();
                thread::spawn(move || slowest.offer(0, false, 9, nanos, &[nanos, nanos]))
            });
            assert!(slowest.kept(9).all(|[a, b]| a == b));
            threads.into_iter().for_each(|thread| thread.join().unwrap());
            let held: Vec<_> = slowest.kept(9).collect();
            assert!(held == [[1_000; 2]] || held == [[2_000; 2]], "{held:?}");
        });
    }
}
