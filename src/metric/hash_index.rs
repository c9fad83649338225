//! From hashes to numbers: an open-addressing table that is only ever added to, looked up without a lock while it grows.
//!
//! A place is four bytes, so a table that was outgrown may stay: a look-up goes on in it for as long as it likes, and needs no guard.
//! Written by one at a time, who has the mutex of the table that the index is of; read by every look-up.
//!
//! # Orderings
//!
//! - A number is published by the Release store of its place in `put`, after what it stands for; whoever finds it in `guess` or
//!   `candidates` (Acquire) finds that too.
//! - A table is filled before `newest` is stored (Release) in `insert`; whoever loads that (Acquire) in `newest` sees the table and all
//!   that was copied into it. Whoever still has the one before misses the newest numbers, and has to look again under the mutex.

use std::hash::{BuildHasher, Hasher};

use crate::sync::{AtomicU32, HashSeeds, OnceLock, Ordering};

/// The hash of some values.
#[inline]
pub(crate) fn hash_of(seeds: &HashSeeds, values: &[&str]) -> u64 {
    let mut hasher = seeds.build_hasher();
    for value in values {
        // The hasher takes the length of each piece into account, so it needs no byte between them.
        hasher.write(value.as_bytes());
    }
    hasher.finish()
}

/// Places of the first table, a power of two.
const FIRST: usize = if cfg!(tachograph_loom) { 2 } else { 4 };

/// How many times as many places a table has as the one before it: all the old ones together are a third of the newest.
const GROWTH: usize = 4;
const TABLES: usize = if cfg!(tachograph_loom) { 2 } else { 11 };

/// Bits of a number in its place. The others are of its hash, and tell most strangers apart before anything else of them is read.
const NUMBER_BITS: u32 = 22;

/// Numbers that an index may have. They begin at 0.
pub(crate) const MOST: usize = filled_at_most(FIRST * GROWTH.pow(TABLES as u32 - 1));

const _: () = assert!(FIRST.is_power_of_two() && GROWTH.is_power_of_two() && MOST < 1 << NUMBER_BITS);

/// How many of so many places may be filled: seven in eight, as most strangers cost a comparison only.
const fn filled_at_most(places: usize) -> usize {
    places - places.div_ceil(8)
}

#[derive(Debug)]
pub(crate) struct HashIndex {
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
    pub(crate) fn new() -> Self {
        Self { tables: std::array::from_fn(|_| OnceLock::new()), newest: AtomicU32::new(0) }
    }

    /// Most likely the number of a hash: the first that looks like it. `None` when there is none.
    #[inline(always)]
    pub(crate) fn guess(&self, hash: u32) -> Option<usize> {
        let table = self.newest()?;
        let mut place = hash as usize;
        loop {
            // Acquire: pairs with the store in `put`. Ends: an eighth of the places is empty.
            let kept = at(table, place)?.load(Ordering::Acquire);
            let same = tagged(kept, hash);
            if same < 1 << NUMBER_BITS {
                // Of an empty place it is none.
                return Some((same as usize).wrapping_sub(1));
            }
            if kept == 0 {
                return None;
            }
            place += 1;
        }
    }

    /// The numbers of a hash, and of others that look like it.
    pub(crate) fn candidates(&self, hash: u32) -> impl Iterator<Item = usize> {
        let table = self.newest().unwrap_or_default();
        // Acquire: pairs with the store in `put`. Ends: an eighth of the places is empty.
        let chain = (hash as usize..).map_while(move |place| Some(at(table, place)?.load(Ordering::Acquire)));
        let alike = chain.take_while(|&kept| kept != 0).map(move |kept| tagged(kept, hash));
        alike.filter(|&same| same < 1 << NUMBER_BITS).map(|same| same as usize - 1)
    }

    #[inline(always)]
    fn newest(&self) -> Option<&[AtomicU32]> {
        // Acquire: pairs with the store in `insert`.
        self.tables.get(self.newest.load(Ordering::Acquire) as usize)?.get().map(|table| &**table)
    }

    /// Adds a number, the next one after those that there are, and below `MOST`. The caller is the only writer. `hash_of` tells the hash of
    /// each number, and `None` of one that is not to be found any more.
    pub(crate) fn insert(&self, number: usize, hash_of: impl Fn(usize) -> Option<u32>) {
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
            // Release: pairs with the load in the function `newest`.
            self.newest.store(at as u32, Ordering::Release);
        }
    }

    pub(crate) fn heap_bytes(&self) -> usize {
        self.tables.iter().filter_map(OnceLock::get).map(|table| size_of_val(&**table)).sum()
    }
}

/// A place, counted on from the end to the start.
#[inline(always)]
fn at(table: &[AtomicU32], place: usize) -> Option<&AtomicU32> {
    table.get(place & table.len().wrapping_sub(1))
}

/// What a place holds, without the bits of a hash: the number more by 1, below `1 << NUMBER_BITS`, if those are its bits.
#[inline(always)]
fn tagged(kept: u32, hash: u32) -> u32 {
    kept ^ tag(hash)
}

/// Puts a number into the first empty place of its chain.
fn put(table: &[AtomicU32], hash: u32, number: usize) {
    let mask = table.len() - 1;
    let mut place = hash as usize;
    // Relaxed: we are the only writer.
    while table[place & mask].load(Ordering::Relaxed) != 0 {
        place += 1;
    }
    // Release: pairs with the loads in `guess` and `candidates`.
    table[place & mask].store(tag(hash) | (number as u32 + 1), Ordering::Release);
}

#[cfg(all(test, not(tachograph_loom)))]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn each_number_is_found_by_its_hash_and_by_no_other(hashes in prop::collection::vec(prop_oneof![0u32..4, any::<u32>()], 0..300)) {
            let index = HashIndex::new();
            for number in 0..hashes.len() {
                index.insert(number, |number| Some(hashes[number]));
            }
            for (number, &hash) in hashes.iter().enumerate() {
                prop_assert!(index.candidates(hash).any(|found| found == number));
                prop_assert!(index.candidates(hash ^ 1 << 31).all(|found| found != number));
            }
        }
    }

    #[test]
    fn numbers_that_are_not_to_be_found_are_left_behind_when_it_grows() {
        let index = HashIndex::new();
        for number in 0..100 {
            // An even one is to be found at first, and no more when the next one comes.
            index.insert(number, |earlier| (earlier % 2 == 1 || earlier == number).then_some(7));
        }
        // It grew for the last time when 56 came.
        assert!(index.candidates(7).eq((1..56).step_by(2).chain(56..100)));
    }
}

#[cfg(all(test, tachograph_loom))]
mod models {
    //! Covers: an index that grows beside a look-up. The reader is spawned after the writer and on a thread of its own: loom keeps of an
    //! atomic the last access only, and would not look further had the writer loaded it last.

    use loom::thread;

    use super::*;
    use crate::sync::Arc;

    #[test]
    fn loom_what_is_found_in_a_growing_index_is_there() {
        // The second one makes the index grow, the third one stands in the first one's chain.
        const HASHES: [u32; 3] = [1, 3 | 1 << 24, 1 | 1 << 25];
        loom::model(|| {
            let index = Arc::new(HashIndex::new());
            let there = Arc::new(HASHES.map(|_| AtomicU32::new(0)));
            let put = |index: &HashIndex, there: &[AtomicU32; 3], number: usize| {
                there[number].store(1, Ordering::Relaxed);
                index.insert(number, |number| Some(HASHES[number]));
            };
            put(&index, &there, 0);
            let writer = thread::spawn({
                let (index, there) = (index.clone(), there.clone());
                move || (1..3).for_each(|number| put(&index, &there, number))
            });
            let reader = thread::spawn({
                let (index, there) = (index.clone(), there.clone());
                move || {
                    assert_eq!(index.guess(HASHES[0]), Some(0));
                    let [third, second] = [2, 1].map(|number| {
                        let found = index.candidates(HASHES[number]).inspect(|&found| {
                            assert_eq!(there[found].load(Ordering::Relaxed), 1, "{found} is found before it is there");
                        });
                        found.last() == Some(number)
                    });
                    assert!(second || !third);
                }
            });
            reader.join().unwrap();
            writer.join().unwrap();
            (0..3).for_each(|number| assert_eq!(index.guess(HASHES[number]), Some(number)));
        });
    }
}
