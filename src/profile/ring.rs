//! The ring of the last profiles: who finishes one takes a ticket, which picks the slot.
//!
//! A ticket alone does not give the slot: its owner may be suspended until others have gone round the ring. So the slot is claimed
//! too, for a sequence that says which round it is: nobody writes an earlier round over a later one. If the claim fails the writer
//! takes one further ticket, and else lets the profile go. Nobody ever waits.
//!
//! # Orderings
//!
//! Tickets stand for themselves, and the claims order what is written. But how many profiles there were is told by all tickets without the
//! second ones, and must never fall: a second one is counted (Relaxed) before it is taken (Release), and who reads the tickets first
//! (Acquire) has counted all second ones among them.

use crossbeam_utils::CachePadded;

use crate::seqlock::SeqLock;
use crate::sync::{AtomicU64, Ordering};

#[derive(Debug)]
pub(super) struct Ring<const N: usize> {
    slots: Box<[SeqLock<N>]>,
    /// Tickets taken: the number of the next one. Each writer stores it, so nothing that they read lies beside it.
    tickets: CachePadded<AtomicU64>,
    /// Second tickets, that is numbers that no profile has.
    second_tickets: AtomicU64,
    /// The most profiles that were told.
    told: AtomicU64,
}

impl<const N: usize> Ring<N> {
    pub(super) fn new(capacity: usize) -> Self {
        let slots = (0..capacity.max(1)).map(|_| SeqLock::new()).collect();
        Self { slots, tickets: AtomicU64::new(0).into(), second_tickets: AtomicU64::new(0), told: AtomicU64::new(0) }
    }

    /// Puts the words of a profile, the first of which becomes its number. Tells whether it found a place.
    pub(super) fn put(&self, words: &mut [u64]) -> bool {
        if self.put_at_next(words) {
            return true;
        }
        // Relaxed: the ticket orders it.
        self.second_tickets.fetch_add(1, Ordering::Relaxed);
        self.put_at_next(words)
    }

    fn put_at_next(&self, words: &mut [u64]) -> bool {
        // Release: pairs with the load in `ended`, for the sake of a second ticket.
        let number = self.tickets.fetch_add(1, Ordering::Release);
        words[0] = number;
        let capacity = self.slots.len() as u64;
        let round = number / capacity;
        let claim = self.slots[(number % capacity) as usize].claim(2 * round + 1);
        claim.map(|claim| claim.write(words)).is_some()
    }

    /// Profiles that have ended, whether they found a place or not. It never falls.
    pub(super) fn ended(&self) -> u64 {
        // Acquire: pairs with the addition in `put_at_next`.
        let tickets = self.tickets.load(Ordering::Acquire);
        // Relaxed, both: all second tickets of those above are seen, and perhaps some more, so this is too few at times and never too many.
        let ended = tickets.saturating_sub(self.second_tickets.load(Ordering::Relaxed));
        self.told.fetch_max(ended, Ordering::Relaxed).max(ended)
    }

    /// The number that the next profile gets.
    pub(super) fn next_number(&self) -> u64 {
        // Relaxed: a profile whose ticket was taken before what the caller knows of has a lower number.
        self.tickets.load(Ordering::Relaxed)
    }

    pub(super) fn slots(&self) -> &[SeqLock<N>] {
        &self.slots
    }
}

#[cfg(all(test, not(tachograph_loom)))]
mod tests {
    use std::collections::VecDeque;

    use super::*;

    fn put(ring: &Ring<2>, value: u64) -> bool {
        ring.put(&mut [0, value])
    }

    fn held(ring: &Ring<2>) -> Vec<u64> {
        let mut held: Vec<_> = ring.slots().iter().filter_map(SeqLock::read).collect();
        held.sort_unstable();
        held.into_iter().map(|[_, value]| value).collect()
    }

    #[test]
    fn the_oldest_goes_first() {
        for capacity in [1, 2, 3, 10] {
            let (ring, mut oracle) = (Ring::<2>::new(capacity), VecDeque::new());
            for value in 0..35 {
                assert!(put(&ring, value));
                oracle.push_back(value);
                if oracle.len() > capacity {
                    oracle.pop_front();
                }
                assert_eq!(oracle, held(&ring));
            }
        }
    }

    #[test]
    fn a_suspended_writer_costs_its_slot_and_nothing_else() {
        let ring = Ring::<2>::new(3);
        (0..3).for_each(|value| assert!(put(&ring, value)));
        // It has its ticket, number 3, and its claim.
        let suspended = ring.slots()[0].claim(3).unwrap();
        ring.tickets.fetch_add(1, Ordering::Relaxed);
        for value in 4..20 {
            assert!(put(&ring, value));
        }
        assert_eq!(held(&ring), [18, 19]);
        suspended.write(&[3, 3]);
        assert_eq!(held(&ring), [3, 18, 19]);
        (20..23).for_each(|value| assert!(put(&ring, value)));
        assert_eq!(held(&ring), [20, 21, 22]);
    }

    #[test]
    fn with_every_slot_claimed_a_profile_is_let_go_and_nobody_waits() {
        let ring = Ring::<2>::new(2);
        let claims: Vec<_> = ring.slots().iter().map(|slot| slot.claim(1).unwrap()).collect();
        assert!(!put(&ring, 7));
        claims.into_iter().for_each(|claim| claim.write(&[0, 0]));
        assert!(put(&ring, 8));
        assert_eq!(ring.ended(), 2);
    }
}

#[cfg(all(test, tachograph_loom))]
mod models {
    //! Covers: two writers and a reader on a ring of one slot, where each ticket picks the slot of the one before. Does not cover:
    //! the clock of the store, and its pools, which have models of their own.

    use loom::thread;

    use super::*;

    #[test]
    fn loom_of_two_profiles_the_later_one_stays() {
        loom::model(|| {
            let ring = loom::sync::Arc::new(Ring::<2>::new(1));
            let writers = [1, 2].map(|value| {
                let ring = ring.clone();
                thread::spawn(move || {
                    let mut words = [0, value];
                    ring.put(&mut words).then_some(words)
                })
            });
            let of_a_writer =
                |words: Option<[u64; 2]>| words.is_none_or(|[number, value]| number < 4 && (1..=2).contains(&value));
            assert!(of_a_writer(ring.slots()[0].read()));
            let ended = ring.ended();
            let last = writers.into_iter().filter_map(|writer| writer.join().unwrap()).max();
            // Whoever comes second finds the slot free or claimed: one of both is there at least, and of two the later one.
            assert_eq!(ring.slots()[0].read(), last);
            assert!(last.is_some());
            assert!(ended <= 2);
            assert_eq!(ring.ended(), 2);
        });
    }
}
