//! Words that are written together by whoever claims them, and read whole or not at all: those of a profile, of an
//! exemplar, of a frame.
//!
//! # Orderings
//!
//! As in `shard::block`, but with many writers: the sequence is claimed by a `compare_exchange` from even to odd.
//!
//! - The claim is Acquire: it orders the last holder's stores (its Release of the even sequence, in `write` or `release`) before ours.
//! - Fence and Release store in `write` pair with Acquire load and fence in `read`, as there.

use crate::sync::{AtomicU64, Ordering, fence};

/// How often a reader looks again at what was rewritten while it read.
const LOOKS: usize = 8;

#[derive(Debug)]
pub(crate) struct SeqLock<const N: usize> {
    /// Odd while the words are written, 0 before they ever were; it only rises.
    sequence: AtomicU64,
    words: [AtomicU64; N],
}

/// The right to write. Whoever has it and is suspended keeps others from these words, and from nothing else.
#[derive(Debug)]
pub(crate) struct Claim<'a, const N: usize> {
    lock: &'a SeqLock<N>,
    /// The sequence before the claim.
    before: u64,
    /// The sequence now.
    odd: u64,
}

impl<const N: usize> SeqLock<N> {
    pub(crate) fn new() -> Self {
        Self { sequence: AtomicU64::new(0), words: std::array::from_fn(|_| AtomicU64::new(0)) }
    }

    /// Claims the words for this sequence, an odd one. Fails while they are written, and when they are of the same sequence or a later one.
    pub(crate) fn claim(&self, odd: u64) -> Option<Claim<'_, N>> {
        // Relaxed: the claim below decides, and orders what follows.
        let before = self.sequence.load(Ordering::Relaxed);
        self.claim_after(before, odd)
    }

    /// Claims the words for the next sequence. Fails while they are written.
    pub(crate) fn claim_next(&self) -> Option<Claim<'_, N>> {
        // Relaxed: as in `claim`.
        let before = self.sequence.load(Ordering::Relaxed);
        self.claim_after(before, before | 1)
    }

    /// Whether they are being written.
    pub(crate) fn is_claimed(&self) -> bool {
        // Relaxed: a hint.
        !self.sequence.load(Ordering::Relaxed).is_multiple_of(2)
    }

    /// A word by itself, for whoever wants a hint.
    pub(crate) fn peek(&self, at: usize) -> u64 {
        // Relaxed: as it says.
        self.words[at].load(Ordering::Relaxed)
    }

    fn claim_after(&self, before: u64, odd: u64) -> Option<Claim<'_, N>> {
        if !before.is_multiple_of(2) || before > odd {
            return None;
        }
        // Acquire: pairs with the last store in `write` and `release`.
        self.sequence.compare_exchange(before, odd, Ordering::Acquire, Ordering::Relaxed).ok()?;
        Some(Claim { lock: self, before, odd })
    }

    /// The words, all of one write; `None` when there was none, or there is one just now.
    pub(crate) fn read(&self) -> Option<[u64; N]> {
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
    /// Writes the first words and ends the claim. The others keep what they had.
    pub(crate) fn write(self, words: &[u64]) {
        // Release: pairs with the fence in `read`. If that one comes after any store below, the reader sees the odd sequence.
        fence(Ordering::Release);
        for (word, value) in self.lock.words.iter().zip(words) {
            // Relaxed: whether it is taken is told by the sequence.
            word.store(*value, Ordering::Relaxed);
        }
        // Release: pairs with the first load in `read`, and with the claim of the next writer.
        self.lock.sequence.store(self.odd + 1, Ordering::Release);
    }

    /// Ends the claim and leaves the words as they were: who has read them meanwhile has read them right.
    pub(crate) fn release(self) {
        // Release: orders what the holder has read or stored under the claim before the next one.
        self.lock.sequence.store(self.before, Ordering::Release);
    }
}

#[cfg(all(test, not(tachograph_loom)))]
mod tests {
    use super::*;

    #[test]
    fn what_is_claimed_is_neither_read_nor_claimed() {
        let lock = SeqLock::<2>::new();
        assert_eq!(lock.read(), None);
        lock.claim_next().unwrap().write(&[1, 2]);
        assert_eq!(lock.read(), Some([1, 2]));
        let claim = lock.claim_next().unwrap();
        assert!(lock.claim_next().is_none() && lock.claim(99).is_none());
        assert_eq!(lock.read(), None);
        claim.release();
        assert_eq!(lock.read(), Some([1, 2]));
    }

    #[test]
    fn what_is_of_a_later_sequence_is_not_overwritten() {
        let lock = SeqLock::<1>::new();
        lock.claim(5).unwrap().write(&[5]);
        assert!(lock.claim(3).is_none() && lock.claim(5).is_none());
        lock.claim(7).unwrap().write(&[7]);
        assert_eq!(lock.read(), Some([7]));
    }
}

#[cfg(all(test, tachograph_loom))]
mod models {
    //! Covers: the claim, the write and the read of two words for the forty-eight of a profile. The reader has a thread of
    //! its own, and is spawned last: see `metric::hash_index`.

    use loom::thread;

    use super::*;

    #[test]
    fn loom_words_are_read_whole_or_not_at_all() {
        loom::model(|| {
            let lock = loom::sync::Arc::new(SeqLock::<2>::new());
            lock.claim_next().unwrap().write(&[1, 1]);
            let written = lock.clone();
            let writer = thread::spawn(move || written.claim_next().unwrap().write(&[2, 2]));
            let read = lock.clone();
            let reader = thread::spawn(move || read.read());
            assert!(reader.join().unwrap().is_none_or(|words| words == [1, 1] || words == [2, 2]));
            writer.join().unwrap();
            assert_eq!(lock.read(), Some([2, 2]));
        });
    }

    #[test]
    fn loom_of_two_writers_each_writes_whole_or_not_at_all() {
        loom::model(|| {
            let lock = loom::sync::Arc::new(SeqLock::<2>::new());
            let writers = [1, 2].map(|value| {
                let lock = lock.clone();
                thread::spawn(move || lock.claim_next().map(|claim| claim.write(&[value, value])).is_some())
            });
            assert!(writers.map(|writer| writer.join().unwrap()).contains(&true));
            assert!(lock.read().is_some_and(|words| words == [1, 1] || words == [2, 2]));
        });
    }

    #[test]
    fn loom_a_claim_that_is_released_leaves_what_was_there() {
        loom::model(|| {
            let lock = loom::sync::Arc::new(SeqLock::<2>::new());
            lock.claim_next().unwrap().write(&[1, 1]);
            let other = lock.clone();
            let releasing = thread::spawn(move || {
                if let Some(claim) = other.claim_next() {
                    claim.release();
                }
            });
            let writer = lock.clone();
            let writing = thread::spawn(move || writer.claim_next().map(|claim| claim.write(&[2, 2])).is_some());
            releasing.join().unwrap();
            let written = writing.join().unwrap();
            assert_eq!(lock.read(), Some(if written { [2, 2] } else { [1, 1] }));
        });
    }
}
