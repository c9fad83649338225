//! From hashes to numbers: an open-addressing table that is only ever added to, looked up without a lock while it grows.
//!
//! A place is four bytes, so a table that was outgrown may stay: a look-up goes on in it for as long as it likes, and needs no guard.
//! Written by one at a time, who has the mutex of the table that the index is of; read by every look-up.
//!
//! # Orderings
//!
//! - A number is published by the Release store of its place in `put`, after what it stands for; whoever finds it in `candidate` (Acquire)
//!   finds that too.
//! - A table is filled before `newest` is stored (Release) in `insert`; whoever loads that (Acquire) in `candidate` sees the table and all
//!   that was copied into it. Whoever still has the one before misses the newest numbers, and has to look again under the mutex.

use crate::sync::{AtomicU32, OnceLock, Ordering};

/// Places of the first table, a power of two.
const FIRST: usize = if cfg!(tachograph_loom) { 2 } else { 4 };

/// How many times as many places a table has as the one before it: all the old ones together are a third of the newest.
const GROWTH: usize = 4;
const TABLES: usize = if cfg!(tachograph_loom) { 2 } else { 11 };

/// Bits of a number in its place. The others are of its hash, and tell most strangers apart before anything else of them is read.
const NUMBER_BITS: u32 = 22;

/// Numbers that an index may have. They begin at 0.
pub(super) const MOST: usize = filled_at_most(FIRST * GROWTH.pow(TABLES as u32 - 1));

const _: () = assert!(FIRST.is_power_of_two() && GROWTH.is_power_of_two() && MOST < 1 << NUMBER_BITS);

/// How many of so many places may be filled: seven in eight, as most strangers cost a comparison only.
const fn filled_at_most(places: usize) -> usize {
    places - places.div_ceil(8)
}

#[derive(Debug)]
pub(super) struct HashIndex {
    /// Each with `GROWTH` times as many places as the one before. A place is 0 while it is empty, else a number more by 1, below bits of
    /// its hash.
    tables: [OnceLock<Box<[AtomicU32]>>; TABLES],
    /// Which of the tables holds all numbers: below `TABLES`. (The first one is there from the first number on.)
    newest: AtomicU32,
}

/// The bits of a hash that stand beside the number. The lowest ones say where it stands.
#[inline]
fn tag(hash: u32) -> u32 {
    hash & !((1 << NUMBER_BITS) - 1)
}

impl HashIndex {
    pub(super) fn new() -> Self {
        Self { tables: std::array::from_fn(|_| OnceLock::new()), newest: AtomicU32::new(0) }
    }

    /// The next number of a hash, or of another that looks like it, from a place on, and the place after it. The places of a hash begin
    /// with the hash itself.
    #[inline(always)]
    pub(super) fn candidate(&self, hash: u32, mut place: usize) -> Option<(usize, usize)> {
        // Acquire: pairs with the store in `insert`.
        let table = self.tables.get(self.newest.load(Ordering::Acquire) as usize)?.get()?;
        let mask = table.len().wrapping_sub(1);
        loop {
            // Acquire: pairs with the store in `put`. Ends: an eighth of the places is empty.
            let kept = table.get(place & mask)?.load(Ordering::Acquire);
            place += 1;
            if kept == 0 {
                return None;
            }
            // Below, if the tags are the same: the number more by 1.
            let same = kept ^ tag(hash);
            if same < 1 << NUMBER_BITS {
                return Some((same as usize - 1, place));
            }
        }
    }

    /// Adds a number, the next one after those that there are, and below `MOST`. The caller is the only writer. `hash_of` tells the hash of
    /// each number, and `None` of one that is not to be found any more.
    pub(super) fn insert(&self, number: usize, hash_of: impl Fn(usize) -> Option<u32>) {
        // Relaxed: only the caller stores it.
        let newest = self.newest.load(Ordering::Relaxed) as usize;
        let places = |table: usize| FIRST * GROWTH.pow(table as u32);
        let grows = number >= filled_at_most(places(newest));
        let at = newest + usize::from(grows);
        if self.tables[at].get().is_none() {
            let _ = self.tables[at].set((0..places(at)).map(|_| AtomicU32::new(0)).collect());
        }
        let table = self.tables[at].get().expect("it was set just now, or before");
        for number in if grows { 0 } else { number }..=number {
            if let Some(hash) = hash_of(number) {
                put(table, hash, number);
            }
        }
        if grows {
            // Release: pairs with the load in `candidate`.
            self.newest.store(at as u32, Ordering::Release);
        }
    }

    pub(super) fn heap_bytes(&self) -> usize {
        self.tables.iter().filter_map(OnceLock::get).map(|table| size_of_val(&**table)).sum()
    }
}

/// Puts a number into the first empty place of its chain.
fn put(table: &[AtomicU32], hash: u32, number: usize) {
    let mask = table.len() - 1;
    let mut place = hash as usize;
    // Relaxed: we are the only writer.
    while table[place & mask].load(Ordering::Relaxed) != 0 {
        place += 1;
    }
    // Release: pairs with the load in `candidate`.
    table[place & mask].store(tag(hash) | (number as u32 + 1), Ordering::Release);
}

#[cfg(all(test, not(tachograph_loom)))]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn candidates(index: &HashIndex, hash: u32) -> Vec<usize> {
        let next = |&(_, place): &(usize, usize)| index.candidate(hash, place);
        std::iter::successors(index.candidate(hash, hash as usize), next).map(|(number, _)| number).collect()
    }

    proptest! {
        #[test]
        fn each_number_is_found_by_its_hash_and_by_no_other(hashes in prop::collection::vec(prop_oneof![0u32..4, any::<u32>()], 0..300)) {
            let index = HashIndex::new();
            for number in 0..hashes.len() {
                index.insert(number, |number| Some(hashes[number]));
            }
            for (number, &hash) in hashes.iter().enumerate() {
                prop_assert!(candidates(&index, hash).contains(&number));
                prop_assert!(!candidates(&index, hash ^ 1 << 31).contains(&number));
            }
        }
    }

    #[test]
    fn numbers_that_are_not_to_be_found_are_left_behind_when_it_grows() {
        let index = HashIndex::new();
        for number in 0..100 {
            index.insert(number, |number| (number % 2 == 1).then_some(7));
        }
        assert!(candidates(&index, 7).into_iter().eq((1..100).step_by(2)));
    }
}
