//! From a method and a status to where an endpoint counts them.
//!
//! An open-addressing table with a word for each combination that has come up. When it is three quarters full, another one of four times
//! the places follows it, which holds the same and is the one that is asked. Most endpoints stay with the first one.
//!
//! Written by one thread at a time, read by all requests of the endpoint.
//!
//! # Orderings
//!
//! A combination is published by the Release store in `put`, a further table by its `OnceLock`; both are found with Acquire, so that
//! whoever finds a combination sees its block's cells zeroed. Whoever still asks the table before misses the newest combinations, and
//! comes to ask again as the one writer.

use super::label::Method;
use crate::shard::NearSlot;
use crate::sync::{AtomicU64, OnceLock, Ordering};

/// A combination of method and status, as a number above 0: below 2^20.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Code(u32);

impl Code {
    /// Every status outside 100 to 599 is the same one: none.
    pub(super) fn new(method: Method, status: u16) -> Self {
        Self::unchecked(method, if (100..600).contains(&status) { status } else { 0 })
    }

    /// The same of a status from 100 to 599. Of another one it is a code that is never put.
    #[inline]
    pub(super) fn unchecked(method: Method, status: u16) -> Self {
        Self(1 + ((method as u32) << u16::BITS) + u32::from(status))
    }

    /// Where to begin to look. The multiplier is that of Fibonacci hashing, 2^32 by the golden ratio.
    #[inline]
    fn place(self) -> usize {
        (self.0.wrapping_mul(0x9E37_79B1) >> (u32::BITS - MOST_PLACES.ilog2())) as usize
    }
}

/// Bits of an offset in a block, beside a code.
pub(super) const OFFSET_BITS: u32 = 8;

/// Places of the first table, and of the largest one that ten methods with 501 statuses need: powers of two.
const FIRST_PLACES: usize = 16;
const MOST_PLACES: usize = 16_384;
const GROWTH: usize = 4;

const _: () = assert!(FIRST_PLACES.is_power_of_two() && MOST_PLACES.is_power_of_two() && 10 * 501 * 4 < MOST_PLACES * 3);

/// The combinations of an endpoint.
#[derive(Debug)]
pub(super) struct Codes {
    /// From the lowest bit on: the offset of a counter in its block, 8 bits; a code, 24; the block's first slot, 32. 0 while the place
    /// is empty.
    places: Box<[AtomicU64]>,
    /// The table that is asked instead of this one.
    next: OnceLock<Box<Codes>>,
}

impl Codes {
    pub(super) fn new() -> Self {
        Self::with_places(FIRST_PLACES)
    }

    fn with_places(places: usize) -> Self {
        Self { places: (0..places).map(|_| AtomicU64::new(0)).collect(), next: OnceLock::new() }
    }

    /// The block in which a combination is counted, and the offset of its counter.
    #[inline]
    pub(super) fn find(&self, code: Code) -> Option<(NearSlot, usize)> {
        let places = &self.newest().places;
        let mut place = code.place();
        loop {
            // Acquire: pairs with the store in `put`.
            let kept = places.get(place & (places.len() - 1))?.load(Ordering::Acquire);
            if kept as u32 >> OFFSET_BITS == code.0 {
                return Some((NearSlot::from_bits((kept >> u32::BITS) as u32), kept as usize % (1 << OFFSET_BITS)));
            }
            // Ends: a quarter of the places is empty.
            if kept == 0 {
                return None;
            }
            place += 1;
        }
    }

    /// Puts a combination that is not there. One caller at a time.
    pub(super) fn put(&self, code: Code, block: NearSlot, offset: usize) {
        let mut newest = self.newest();
        let places = newest.places.len();
        if (newest.len() + 1) * 4 > places * 3 {
            let grown = Self::with_places(places * GROWTH);
            newest.kept().for_each(|kept| grown.keep(Code(kept as u32 >> OFFSET_BITS), kept));
            let _ = newest.next.set(Box::new(grown));
            newest = self.newest();
        }
        newest.keep(code, (u64::from(block.bits()) << u32::BITS) | u64::from(code.0 << OFFSET_BITS) | offset as u64);
    }

    fn keep(&self, code: Code, kept: u64) {
        let at = |place: usize| &self.places[place & (self.places.len() - 1)];
        // Relaxed: there is one writer, we.
        let free = (code.place()..).find(|&place| at(place).load(Ordering::Relaxed) == 0);
        // Release: pairs with the load in `find`.
        at(free.expect("a quarter of the places is empty")).store(kept, Ordering::Release);
    }

    /// How many there are.
    pub(super) fn len(&self) -> usize {
        self.newest().kept().count()
    }

    /// The words of this table, in no order. For the one writer.
    fn kept(&self) -> impl Iterator<Item = u64> {
        // Relaxed: there is one writer, we.
        self.places.iter().map(|place| place.load(Ordering::Relaxed)).filter(|&kept| kept != 0)
    }

    #[inline]
    fn newest(&self) -> &Self {
        let mut codes = self;
        while let Some(next) = codes.next.get() {
            codes = next;
        }
        codes
    }

    /// Heap bytes of all tables.
    pub(super) fn heap_bytes(&self) -> usize {
        size_of_val(&*self.places) + self.next.get().map_or(0, |next| size_of_val(&**next) + next.heap_bytes())
    }
}

#[cfg(all(test, not(tachograph_loom)))]
mod tests {
    use super::*;
    use crate::shard::Slot;

    #[test]
    fn every_combination_is_found_and_no_other() {
        let codes = Codes::new();
        let all = || (0..10u32).flat_map(|method| (0..501u32).map(move |status| Code(1 + (method << 16) + status)));
        for (at, code) in all().enumerate() {
            assert_eq!((codes.len(), codes.find(code).is_none()), (at, true));
            codes.put(code, Slot::at(3 * at as u32).into(), at % 256);
        }
        for (at, code) in all().enumerate() {
            let (block, offset) = codes.find(code).unwrap();
            assert_eq!((block.slot().index(), offset), (3 * at, at % 256));
        }
        assert!(codes.find(Code(1 + 600)).is_none());
    }

    #[test]
    fn a_status_that_is_none_has_no_code_of_its_own() {
        assert_eq!(Code::new(Method::Get, 99), Code::new(Method::Get, 600));
        assert_ne!(Code::new(Method::Get, 200), Code::new(Method::Head, 200));
        assert_ne!(Code::unchecked(Method::Get, u16::MAX), Code::new(Method::Get, 0));
        assert_ne!(Code::unchecked(Method::Get, u16::MAX), Code::new(Method::Head, 0));
    }
}

#[cfg(all(test, tachograph_loom))]
mod models {
    //! Covers: a table of codes that grows beside a look-up; as to the threads, see the models of `metric::hash_index`.

    use loom::thread;

    use super::*;
    use crate::shard::Slot;
    use crate::sync::Arc;

    #[test]
    fn loom_a_combination_that_is_found_in_a_growing_table_is_there() {
        const FULL: u32 = FIRST_PLACES as u32 * 3 / 4;
        loom::model(|| {
            let (codes, there) = (Arc::new(Codes::new()), Arc::new(AtomicU64::new(0)));
            (0..FULL).for_each(|n| codes.put(Code(1 + n), Slot::at(n).into(), 3));
            let writer = thread::spawn({
                let (codes, there) = (codes.clone(), there.clone());
                move || {
                    for (n, offset) in [(FULL, 5), (FULL + 1, 6)] {
                        there.store(offset, Ordering::Relaxed);
                        codes.put(Code(1 + n), Slot::at(9).into(), offset as usize);
                    }
                }
            });
            let reader = thread::spawn({
                let (codes, there) = (codes.clone(), there.clone());
                move || {
                    assert_eq!(codes.find(Code(1)).unwrap().1, 3);
                    for (n, offset) in [(FULL, 5), (FULL + 1, 6)] {
                        if let Some((_, found)) = codes.find(Code(1 + n)) {
                            assert!(found == offset && there.load(Ordering::Relaxed) >= offset as u64);
                        }
                    }
                }
            });
            reader.join().unwrap();
            writer.join().unwrap();
            assert!(codes.find(Code(1 + FULL)).is_some() && codes.find(Code(2 + FULL)).is_some());
        });
    }
}
