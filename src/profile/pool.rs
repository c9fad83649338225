//! Slots that are taken by what they hold: each has a *key* beside it, by which one is chosen that has to go.
//!
//! Whoever wants a slot has chosen it by its key, claims it, and asks again whether the key is the same. Nobody waits: a slot that another
//! one holds, or has taken before, is not taken.
//!
//! # Orderings
//!
//! A key is stored by the holder of the claim alone, so each holder finds the key that the last one stored (the claim's Acquire).
//!
//! - The key's Release in `replace` and the Acquire in `keys` and `read`: who sees a key sees its slot claimed, or written for this key or
//!   a later one; never what was there before.
//! - The fences of the slot (`SeqLock::read`, `Claim::write`): who reads the words of a later key sees that key, or one after it, when it asks
//!   again.

use crate::seqlock::SeqLock;
use crate::sync::{AtomicU64, Ordering};

#[derive(Debug)]
pub(super) struct Pool<const N: usize> {
    slots: Box<[SeqLock<N>]>,
    /// 0 of a slot that was never taken.
    keys: Box<[AtomicU64]>,
}

impl<const N: usize> Pool<N> {
    pub(super) fn new(slots: usize) -> Self {
        Self { slots: (0..slots).map(|_| SeqLock::new()).collect(), keys: (0..slots).map(|_| AtomicU64::new(0)).collect() }
    }

    pub(super) fn len(&self) -> usize {
        self.slots.len()
    }

    /// The key of a slot.
    pub(super) fn key(&self, at: usize) -> u64 {
        // Acquire: pairs with the store in `replace`.
        self.keys[at].load(Ordering::Acquire)
    }

    /// All slots with their keys.
    pub(super) fn keys(&self) -> impl Iterator<Item = (usize, u64)> {
        (0..self.len()).map(|at| (at, self.key(at)))
    }

    /// Whether somebody holds a slot now.
    pub(super) fn is_claimed(&self, at: usize) -> bool {
        self.slots[at].is_claimed()
    }

    /// Puts words and their key into a slot, unless another one holds it, or its key is not `victim` any more.
    pub(super) fn replace(&self, at: usize, victim: u64, key: u64, words: &[u64]) -> bool {
        let Some(claim) = self.slots[at].claim_next() else { return false };
        // Relaxed: the claim orders it after the store of the last holder.
        if self.keys[at].load(Ordering::Relaxed) != victim {
            claim.release();
            return false;
        }
        // Release: pairs with the load in `key`. Whoever sees it sees the claim.
        self.keys[at].store(key, Ordering::Release);
        claim.write(words);
        true
    }

    /// The key of a slot and the words that were put there with it; `None` while they change, or if there are none.
    pub(super) fn read(&self, at: usize) -> Option<(u64, [u64; N])> {
        let key = self.key(at);
        let words = self.slots[at].read()?;
        // Relaxed: the fence in `SeqLock::read` orders it. If the words are of a later key, that one was stored before the fence in `write`.
        (self.keys[at].load(Ordering::Relaxed) == key).then_some((key, words))
    }

    pub(super) fn heap_bytes(&self) -> usize {
        size_of_val(&*self.slots) + size_of_val(&*self.keys)
    }

    /// Holds a slot as a writer does that is suspended before it has stored its key, while `f` runs.
    #[cfg(all(test, not(tachograph_loom)))]
    pub(super) fn with_suspended_writer(&self, at: usize, f: impl FnOnce()) {
        let claim = self.slots[at].claim_next().expect("nobody holds it");
        f();
        claim.release();
    }
}

#[cfg(all(test, not(tachograph_loom)))]
mod tests {
    use super::*;

    #[test]
    fn a_slot_is_taken_for_what_it_holds() {
        let pool = Pool::<1>::new(2);
        assert!(pool.replace(1, 0, 5, &[50]));
        assert!(!pool.replace(1, 0, 6, &[60]), "what was there has gone");
        assert_eq!((pool.read(0), pool.read(1)), (None, Some((5, [50]))));
        pool.with_suspended_writer(1, || {
            assert!(pool.is_claimed(1) && !pool.replace(1, 5, 6, &[60]));
            assert_eq!((pool.key(1), pool.read(1)), (5, None));
        });
        assert!(pool.replace(1, 5, 6, &[60]));
        assert_eq!(pool.read(1), Some((6, [60])));
    }
}

#[cfg(all(test, tachograph_loom))]
mod models {
    //! Covers: a writer beside a reader, and two writers who have chosen the same slot, with two words for those of a profile. The reader has
    //! a thread of its own, and is spawned last: see `metric::hash_index`.

    use loom::thread;

    use super::*;

    #[test]
    fn loom_a_key_is_read_with_the_words_that_were_put_there_with_it() {
        loom::model(|| {
            let pool = loom::sync::Arc::new(Pool::<2>::new(1));
            assert!(pool.replace(0, 0, 1, &[1, 1]));
            let written = pool.clone();
            let writer = thread::spawn(move || assert!(written.replace(0, 1, 2, &[2, 2])));
            let read = pool.clone();
            let reader = thread::spawn(move || read.read(0));
            assert!(reader.join().unwrap().is_none_or(|(key, words)| words == [key, key]));
            writer.join().unwrap();
            assert_eq!(pool.read(0), Some((2, [2, 2])));
        });
    }

    #[test]
    fn loom_of_two_who_have_chosen_a_slot_one_takes_it() {
        loom::model(|| {
            let pool = loom::sync::Arc::new(Pool::<2>::new(1));
            assert!(pool.replace(0, 0, 1, &[1, 1]));
            let writers = [2, 3].map(|key| {
                let pool = pool.clone();
                thread::spawn(move || pool.replace(0, 1, key, &[key, key]))
            });
            let [first, second] = writers.map(|writer| writer.join().unwrap());
            assert_ne!(first, second);
            let key = if first { 2 } else { 3 };
            assert_eq!(pool.read(0), Some((key, [key, key])));
        });
    }
}
