//! The slowest profiles of each route over the last minutes, in a pool of slots of fixed size.
//!
//! A *group* is a route, whether the request failed, and a span of two minutes. Groups share the pool evenly: a profile takes a slot that
//! is empty or old, else the fastest one of a group that has two more than its own, else the fastest one of its own group if it is
//! slower. So the slowest one of each group is there for as long as there are no more groups than slots, and of a few routes many are.
//!
//! What a slot holds is told by its *key*, which only the holder of its claim stores. Who looks for a slot goes by the keys, claims the
//! one that has to go, and begins again if its key has changed since. A request that is no candidate learns that from one load, the
//! *threshold* of its route; it is a hint, valid for one span.

use super::age::SPANS;
use super::slot::Slot;
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

    fn rank(self) -> u64 {
        self.0 & RANK_MASK
    }

    /// Whether a slot with it may be taken by anyone.
    fn is_free(self, span: u64) -> bool {
        self.0 == 0 || span.wrapping_sub(self.span()) & SPAN_MASK > SPANS
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
        (_, []) => match sorted.iter().min_by_key(|key| (key.span(), key.rank())) {
            Some(key) if (key.span(), key.rank()) < (candidate.span(), candidate.rank()) => Verdict::Take(*key),
            _ => Verdict::Refused(None),
        },
    }
}

#[derive(Debug)]
pub(super) struct Slowest<const N: usize> {
    slots: Box<[Slot<N>]>,
    /// A [`Key`] a slot.
    keys: Box<[AtomicU64]>,
    /// By route, as a key: who is of that span and no slower need not look.
    thresholds: Box<[AtomicU64]>,
}

impl<const N: usize> Slowest<N> {
    pub(super) fn new(slots: usize) -> Self {
        let slots = slots.min(MOST);
        let zeroes = |len| (0..len).map(|_| AtomicU64::new(0)).collect();
        Self { slots: (0..slots).map(|_| Slot::new()).collect(), keys: zeroes(slots), thresholds: zeroes(ROUTES) }
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
        for _ in 0..ATTEMPTS {
            let mut sorted = [Key(0); MOST];
            let sorted = &mut sorted[..self.keys.len()];
            for (copy, key) in sorted.iter_mut().zip(&self.keys) {
                // Relaxed: `take` asks again under the claim.
                *copy = Key(key.load(Ordering::Relaxed));
            }
            sorted.sort_unstable();
            match judge(sorted, candidate) {
                Verdict::Take(victim) if self.take(victim, candidate, words) => return,
                Verdict::Take(_) => {}
                Verdict::Refused(rank) => {
                    if let Some(rank) = rank {
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
        for (key, slot) in self.keys.iter().zip(&self.slots) {
            // Relaxed: asked again under the claim.
            if key.load(Ordering::Relaxed) != victim.0 {
                continue;
            }
            let Some(claim) = slot.claim_next() else { continue };
            // Relaxed, both: only holders of the claim store it, and the claim orders them.
            if key.load(Ordering::Relaxed) == victim.0 {
                key.store(candidate.0, Ordering::Relaxed);
                claim.write(words);
                return true;
            }
            claim.release();
        }
        false
    }

    /// The slots whose profiles are not too old at this span.
    pub(super) fn kept(&self, span: u64) -> impl Iterator<Item = &Slot<N>> {
        let pairs = self.keys.iter().zip(&self.slots);
        // Relaxed: a profile that comes or goes meanwhile is found or not.
        pairs.filter(move |(key, _)| !Key(key.load(Ordering::Relaxed)).is_free(span)).map(|(_, slot)| slot)
    }

    pub(super) fn heap_bytes(&self) -> usize {
        size_of_val(&*self.slots) + size_of_val(&*self.keys) + size_of_val(&*self.thresholds)
    }
}

#[cfg(all(test, not(tachograph_loom)))]
mod tests {
    use std::collections::BTreeMap;

    use proptest::prelude::*;

    use super::*;

    fn held(slowest: &Slowest<1>, span: u64) -> Vec<u64> {
        let mut held: Vec<u64> = slowest.kept(span).filter_map(Slot::read).map(|[nanos]| nanos).collect();
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
                assert!(slowest.kept(10).filter_map(Slot::read).all(|[a, b]| a == !b));
            }
        });
        assert_eq!(slowest.kept(10).filter_map(Slot::read).count(), 32);
    }
}

#[cfg(all(test, tachograph_loom))]
mod models {
    //! Covers: two candidates for the one slot of a pool, beside a reader: the slower one stays, and what is read is whole.

    use loom::thread;

    use super::*;

    #[test]
    fn loom_of_two_candidates_the_slower_one_stays() {
        loom::model(|| {
            let slowest = loom::sync::Arc::new(Slowest::<2> {
                slots: [Slot::new()].into(),
                keys: [AtomicU64::new(0)].into(),
                thresholds: [AtomicU64::new(0)].into(),
            });
            let threads = [1_000, 2_000].map(|nanos| {
                let slowest = slowest.clone();
                thread::spawn(move || slowest.offer(0, false, 9, nanos, &[nanos, nanos]))
            });
            assert!(slowest.kept(9).filter_map(Slot::read).all(|[a, b]| a == b));
            threads.into_iter().for_each(|thread| thread.join().unwrap());
            let held: Vec<_> = slowest.kept(9).filter_map(Slot::read).collect();
            assert_eq!(held.len(), 1);
            assert!(held[0][0] == held[0][1]);
        });
    }
}
