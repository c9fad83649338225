//! A list that is only appended to: what is in it never moves, so it is read without a lock while it grows.
//!
//! Written by one at a time, who has the mutex of the table that the list is of; read by every look-up.
//!
//! # Orderings
//!
//! An entry is published by `OnceLock::set` (Release) in `push`, and found by `get` (Acquire) in `get`.

use crate::sync::{OnceLock, filled};

/// Entries of a near chunk, and near chunks: powers of two, so that an entry is found without arithmetic. Together they have room for as
/// many series as a family may have unless it was told otherwise. Tried in their place: octaves from the first entry on, which leave less
/// empty in small lists; a look-up then took 20.8 ns, and with these it takes 19.4.
const CHUNK: usize = if cfg!(tachograph_loom) { 2 } else { 32 };
const CHUNKS: usize = if cfg!(tachograph_loom) { 2 } else { 32 };
const NEAR: usize = CHUNK * CHUNKS;

/// Beyond the near ones each octave, a power of two of entries, comes in so many pieces: that leaves a ninth of a list empty at most.
const PIECES: usize = if cfg!(tachograph_loom) { 2 } else { 8 };
const OCTAVES: usize = if cfg!(tachograph_loom) { 1 } else { 12 };

/// Entries that a list may have: more than an index has numbers.
const MOST: usize = NEAR << OCTAVES;

const _: () = assert!(CHUNK.is_power_of_two() && CHUNKS.is_power_of_two() && PIECES.is_power_of_two() && PIECES <= NEAR);
const _: () = assert!(MOST >= super::hash_index::MOST);

#[derive(Debug)]
pub(super) struct List<T> {
    near: [OnceLock<Box<[OnceLock<T>; CHUNK]>>; CHUNKS],
    far: OnceLock<Box<[[Piece<T>; PIECES]; OCTAVES]>>,
}

type Piece<T> = OnceLock<Box<[OnceLock<T>]>>;

/// Where an entry beyond the near ones lies: octave, piece of it, place in the piece; and how long the piece is.
fn far_place(at: usize) -> (usize, usize, usize, usize) {
    let octave = at.ilog2() as usize;
    let len = (1 << octave) / PIECES;
    (octave - NEAR.ilog2() as usize, at / len % PIECES, at % len, len)
}

impl<T> List<T> {
    pub(super) fn new() -> Self {
        Self { near: std::array::from_fn(|_| OnceLock::new()), far: OnceLock::new() }
    }

    #[inline(always)]
    pub(super) fn get(&self, at: usize) -> Option<&T> {
        match self.near.get(at / CHUNK) {
            Some(chunk) => chunk.get()?[at % CHUNK].get(),
            None => self.get_far(at),
        }
    }

    #[inline(never)]
    fn get_far(&self, at: usize) -> Option<&T> {
        let (octave, piece, place, _) = far_place(at);
        self.far.get()?.get(octave)?[piece].get()?.get(place)?.get()
    }

    /// Puts an entry where there is none yet, the next one after those that there are, and below `MOST`. The caller is the only writer.
    pub(super) fn push(&self, at: usize, entry: T) -> &T {
        let place = match self.near.get(at / CHUNK) {
            Some(chunk) => &filled(chunk, || Box::new(std::array::from_fn(|_| OnceLock::new())))[at % CHUNK],
            None => {
                let (octave, piece, place, len) = far_place(at);
                let octaves = || Box::new(std::array::from_fn(|_| std::array::from_fn(|_| OnceLock::new())));
                let piece = &filled(&self.far, octaves)[octave][piece];
                &filled(piece, || (0..len).map(|_| OnceLock::new()).collect())[place]
            }
        };
        filled(place, || entry)
    }

    /// All entries, in the order in which they came.
    pub(super) fn iter(&self) -> impl Iterator<Item = &T> {
        (0..MOST).map_while(|at| self.get(at))
    }

    /// Heap bytes of the list, what the entries own left out.
    pub(super) fn heap_bytes(&self) -> usize {
        let near = self.near.iter().filter_map(OnceLock::get).map(|chunk| size_of_val(&**chunk)).sum::<usize>();
        let far = self.far.get().map_or(0, |octaves| {
            let pieces = octaves.iter().flatten().filter_map(OnceLock::get);
            size_of_val(&**octaves) + pieces.map(|piece| size_of_val(&**piece)).sum::<usize>()
        });
        near + far
    }
}

#[cfg(all(test, not(tachograph_loom)))]
mod tests {
    use super::*;

    #[test]
    fn far_entries_have_places_of_their_own_and_pieces_are_filled_in_order() {
        let mut next = (0, 0, 0);
        for at in NEAR..300_000 {
            let (octave, piece, place, len) = far_place(at);
            assert_eq!((octave, piece, place), next, "{at}");
            next = match (place + 1 == len, piece + 1 == PIECES) {
                (false, _) => (octave, piece, place + 1),
                (true, false) => (octave, piece + 1, 0),
                (true, true) => (octave + 1, 0, 0),
            };
        }
        assert_eq!((far_place(MOST - 1).0, far_place(MOST).0), (OCTAVES - 1, OCTAVES));
    }

    #[test]
    fn a_list_is_read_as_it_was_written() {
        let list = List::new();
        for at in 0..5_000 {
            assert_eq!(list.get(at), None);
            assert_eq!(list.push(at, at * 3), &(at * 3));
        }
        assert!(list.iter().copied().eq((0..5_000).map(|at| at * 3)));
        assert_eq!((list.get(MOST), list.get(usize::MAX)), (None, None));
        // A ninth at most is empty, beside the list of the pieces.
        let pieces = size_of::<[[Piece<usize>; PIECES]; OCTAVES]>();
        assert!(list.heap_bytes() <= pieces + 5_000 * 9 / 8 * size_of::<OnceLock<usize>>());
    }
}
