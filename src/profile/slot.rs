//! A slot: the words of one profile, written by whoever claims it, read whole or not at all.
//!
//! # Orderings
//!
//! As in `shard::block`, but with many writers: the sequence is claimed by a `compare_exchange` from even to odd.
//!
//! - The claim is Acquire: it orders the last writer's stores (its Release of the even sequence) before ours.
//! - Fence in `claim` and Release in `write` pair with Acquire load and fence in `read`, as there.

use crate::sync::{AtomicU64, Ordering, fence};

/// How often a reader looks again at a slot that was rewritten while it read. Each time a later profile has come.
const LOOKS: usize = 8;

#[derive(Debug)]
pub(super) struct Slot<const N: usize> {
    /// Odd while the slot is written, 0 before it ever was; it only rises.
    sequence: AtomicU64,
    words: [AtomicU64; N],
}

/// The right to write a slot. Whoever has it and is suspended keeps others from this slot, and from nothing else.
#[derive(Debug)]
pub(super) struct Claim<'a, const N: usize> {
    slot: &'a Slot<N>,
    /// The sequence before the claim.
    before: u64,
    /// The sequence now.
    odd: u64,
}

impl<const N: usize> Slot<N> {
    pub(super) fn new() -> Self {
        Self { sequence: AtomicU64::new(0), words: std::array::from_fn(|_| AtomicU64::new(0)) }
    }

    /// Claims the slot for this sequence, an odd one. Fails while it is written, and when what it holds is of the same sequence or a
    /// later one.
    pub(super) fn claim(&self, odd: u64) -> Option<Claim<'_, N>> {
        // Relaxed: the claim below decides, and orders what follows.
        let before = self.sequence.load(Ordering::Relaxed);
        self.claim_after(before, odd)
    }

    /// Claims the slot for the next sequence. Fails while it is written.
    pub(super) fn claim_next(&self) -> Option<Claim<'_, N>> {
        // Relaxed: as in `claim`.
        let before = self.sequence.load(Ordering::Relaxed);
        self.claim_after(before, before | 1)
    }

    /// Whether it is being written.
    pub(super) fn is_claimed(&self) -> bool {
        // Relaxed: a hint.
        !self.sequence.load(Ordering::Relaxed).is_multiple_of(2)
    }

    fn claim_after(&self, before: u64, odd: u64) -> Option<Claim<'_, N>> {
        if !before.is_multiple_of(2) || before > odd {
            return None;
        }
        // Acquire: pairs with the last store in `write` and `release`.
        self.sequence.compare_exchange(before, odd, Ordering::Acquire, Ordering::Relaxed).ok()?;
        Some(Claim { slot: self, before, odd })
    }

    /// The words, all of one profile; `None` when there is none, or it is being written just now.
    pub(super) fn read(&self) -> Option<[u64; N]> {
        for _ in 0..LOOKS {
            // Acquire: pairs with the last store in `write`.
            let before = self.sequence.load(Ordering::Acquire);
            if before == 0 || !before.is_multiple_of(2) {
                return None;
            }
            // Relaxed: whether they are taken is told by the sequence.
            let words = self.words.each_ref().map(|word| word.load(Ordering::Relaxed));
            // Acquire: pairs with the fence in `write`.
            fence(Ordering::Acquire);
            // Relaxed: the fence orders it after the loads above.
            if self.sequence.load(Ordering::Relaxed) == before {
                return Some(words);
            }
        }
        None
    }
}

impl<const N: usize> Claim<'_, N> {
    /// Writes the first words of the slot and ends the claim. The others keep what they had.
    pub(super) fn write(self, words: &[u64]) {
        // Release: pairs with the fence in `read`. If that one comes after any store below, the reader sees the odd sequence.
        fence(Ordering::Release);
        for (word, value) in self.slot.words.iter().zip(words) {
            // Relaxed: whether it is taken is told by the sequence.
            word.store(*value, Ordering::Relaxed);
        }
        // Release: pairs with the first load in `read`, and with the claim of the next writer.
        self.slot.sequence.store(self.odd + 1, Ordering::Release);
    }

    /// Ends the claim and leaves the slot as it was: who has read it meanwhile has read it right.
    pub(super) fn release(self) {
        // Release: orders what the holder has read or stored under the claim before the next one.
        self.slot.sequence.store(self.before, Ordering::Release);
    }
}

#[cfg(all(test, not(tachograph_loom)))]
mod tests {
    use super::*;

    #[test]
    fn a_claimed_slot_is_neither_read_nor_claimed() {
        let slot = Slot::<2>::new();
        assert_eq!(slot.read(), None);
        slot.claim_next().unwrap().write(&[1, 2]);
        assert_eq!(slot.read(), Some([1, 2]));
        let claim = slot.claim_next().unwrap();
        assert!(slot.claim_next().is_none() && slot.claim(99).is_none());
        assert_eq!(slot.read(), None);
        claim.release();
        assert_eq!(slot.read(), Some([1, 2]));
    }

    #[test]
    fn what_is_of_a_later_sequence_is_not_overwritten() {
        let slot = Slot::<1>::new();
        slot.claim(5).unwrap().write(&[5]);
        assert!(slot.claim(3).is_none() && slot.claim(5).is_none());
        slot.claim(7).unwrap().write(&[7]);
        assert_eq!(slot.read(), Some([7]));
    }
}

#[cfg(all(test, tachograph_loom))]
mod models {
    //! Covers: the claim, the write and the read of one slot, with two words for the forty-eight of a profile. The reader has a thread of
    //! its own, and is spawned last: see `metric::hash_index`.

    use loom::thread;

    use super::*;

    #[test]
    fn loom_a_slot_is_read_whole_or_not_at_all() {
        loom::model(|| {
            let slot = loom::sync::Arc::new(Slot::<2>::new());
            slot.claim_next().unwrap().write(&[1, 1]);
            let written = slot.clone();
            let writer = thread::spawn(move || written.claim_next().unwrap().write(&[2, 2]));
            let read = slot.clone();
            let reader = thread::spawn(move || read.read());
            assert!(reader.join().unwrap().is_none_or(|words| words == [1, 1] || words == [2, 2]));
            writer.join().unwrap();
            assert_eq!(slot.read(), Some([2, 2]));
        });
    }

    #[test]
    fn loom_of_two_writers_each_writes_whole_or_not_at_all() {
        loom::model(|| {
            let slot = loom::sync::Arc::new(Slot::<2>::new());
            let writers = [1, 2].map(|value| {
                let slot = slot.clone();
                thread::spawn(move || slot.claim_next().map(|claim| claim.write(&[value, value])).is_some())
            });
            assert!(writers.map(|writer| writer.join().unwrap()).contains(&true));
            assert!(slot.read().is_some_and(|words| words == [1, 1] || words == [2, 2]));
        });
    }

    #[test]
    fn loom_a_claim_that_is_released_leaves_what_was_there() {
        loom::model(|| {
            let slot = loom::sync::Arc::new(Slot::<2>::new());
            slot.claim_next().unwrap().write(&[1, 1]);
            let other = slot.clone();
            let releasing = thread::spawn(move || {
                if let Some(claim) = other.claim_next() {
                    claim.release();
                }
            });
            let writer = slot.clone();
            let writing = thread::spawn(move || writer.claim_next().map(|claim| claim.write(&[2, 2])).is_some());
            releasing.join().unwrap();
            let written = writing.join().unwrap();
            assert_eq!(slot.read(), Some(if written { [2, 2] } else { [1, 1] }));
        });
    }
}
