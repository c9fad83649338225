//! A list that is only appended to: what is in it never moves, so it is read without a lock while it grows.
//!
//! Written by one at a time, who has the mutex of the table that the list is of; read by every look-up.
//!
//! # Orderings
//!
//! An entry is published by `OnceLock::set` (Release) in `push`, and found by `get` (Acquire) in `get`.

use crate::sync::OnceLock;

/// Entries that lie in the list itself: a power of two.
const FIRST: usize = if cfg!(tachograph_loom) { 2 } else { 4 };

/// Octaves whose chunks are found together, of two chunks each: a power of two. An octave is a power of two of entries; that it comes in
/// two chunks leaves a third of a list empty at most, and a sixth on average. The first octaves hold as many series as a family has
/// unless it was told otherwise.
const OCTAVES: usize = if cfg!(tachograph_loom) { 2 } else { 8 };
const CHUNKS: usize = 2 * OCTAVES;
/// Parts of so many octaves that are allocated when the octaves before are full.
const PARTS: usize = if cfg!(tachograph_loom) { 0 } else { 2 };

/// Entries that a list may have: more than an index has numbers.
const MOST: usize = FIRST << (OCTAVES * (1 + PARTS));

const _: () = assert!(FIRST.is_power_of_two() && FIRST >= 2 && MOST >= super::hash_index::MOST);

type Chunk<T> = OnceLock<Box<[OnceLock<T>]>>;

#[derive(Debug)]
pub(super) struct List<T> {
    first: [OnceLock<T>; FIRST],
    near: [Chunk<T>; CHUNKS],
    parts: [OnceLock<Box<[Chunk<T>; CHUNKS]>>; PARTS],
}

/// Where an entry past the first ones lies: number of the chunk and place in it, and how long the chunk is.
#[inline(always)]
fn place(at: usize) -> (usize, usize, usize) {
    let octave = at.ilog2() as usize;
    let len = 1 << (octave - 1);
    // The two highest bits of the number are 2 in the first half of an octave, 3 in the second.
    let chunk = 2 * octave + (at >> (octave - 1)) - 2 * FIRST.ilog2() as usize - 2;
    (chunk, at % len, len)
}

impl<T> List<T> {
    pub(super) fn new() -> Self {
        Self {
            first: std::array::from_fn(|_| OnceLock::new()),
            near: std::array::from_fn(|_| OnceLock::new()),
            parts: std::array::from_fn(|_| OnceLock::new()),
        }
    }

    #[inline]
    pub(super) fn get(&self, at: usize) -> Option<&T> {
        if at < FIRST {
            return self.first[at].get();
        }
        let (chunk, place, _) = place(at);
        let chunk = match self.near.get(chunk) {
            Some(chunk) => chunk,
            None => &self.parts.get(chunk / CHUNKS - 1)?.get()?[chunk % CHUNKS],
        };
        chunk.get()?.get(place)?.get()
    }

    /// Puts an entry where there is none yet, the next one after those that there are, and below `MOST`. The caller is the only writer.
    pub(super) fn push(&self, at: usize, entry: T) -> &T {
        let place = if at < FIRST {
            &self.first[at]
        } else {
            let (chunk, place, len) = place(at);
            let chunk = match self.near.get(chunk) {
                Some(chunk) => chunk,
                None => {
                    let part = &self.parts[chunk / CHUNKS - 1];
                    &filled(part, || Box::new(std::array::from_fn(|_| OnceLock::new())))[chunk % CHUNKS]
                }
            };
            &filled(chunk, || (0..len).map(|_| OnceLock::new()).collect())[place]
        };
        filled(place, || entry)
    }

    /// All entries, in the order in which they came.
    pub(super) fn iter(&self) -> impl Iterator<Item = &T> {
        (0..MOST).map_while(|at| self.get(at))
    }

    /// Heap bytes of the list, what the entries own left out.
    pub(super) fn heap_bytes(&self) -> usize {
        let parts = self.parts.iter().filter_map(OnceLock::get);
        let bytes =
            |chunks: &[Chunk<T>]| chunks.iter().filter_map(OnceLock::get).map(|chunk| size_of_val(&**chunk)).sum::<usize>();
        bytes(&self.near) + parts.map(|part| size_of_val(&**part) + bytes(&**part)).sum::<usize>()
    }
}

/// What the lock holds, made now if it is empty.
fn filled<T>(lock: &OnceLock<T>, make: impl FnOnce() -> T) -> &T {
    if lock.get().is_none() {
        let _ = lock.set(make());
    }
    lock.get().expect("it was set just now, or before")
}

#[cfg(all(test, not(tachograph_loom)))]
mod tests {
    use super::*;

    #[test]
    fn entries_have_places_of_their_own_and_chunks_are_filled_in_order() {
        let mut next = (0, 0);
        for at in FIRST..100_000 {
            let (chunk, place, len) = place(at);
            assert_eq!((chunk, place), next);
            next = if place + 1 == len { (chunk + 1, 0) } else { (chunk, place + 1) };
        }
        let chunks = CHUNKS * (1 + PARTS);
        assert_eq!((place(MOST - 1).0, place(MOST).0), (chunks - 1, chunks));
    }

    #[test]
    fn a_list_is_read_as_it_was_written() {
        let list = List::new();
        for at in 0..5_000 {
            assert_eq!(list.get(at), None);
            assert_eq!(list.push(at, at * 3), &(at * 3));
        }
        assert!(list.iter().copied().eq((0..5_000).map(|at| at * 3)));
        // A third at most is empty, beside the list of a part's chunks.
        let chunks = size_of::<[Chunk<usize>; CHUNKS]>();
        assert!(list.heap_bytes() < chunks + 7_500 * size_of::<OnceLock<usize>>());
    }
}
