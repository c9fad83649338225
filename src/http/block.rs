//! What a request of an endpoint writes, as one block: the three histograms, and a counter for its method and status.
//!
//! An endpoint has one block, and another as soon as more combinations of method and status have come up than a block has counters. A
//! combination belongs to one block, so a request writes that block alone; a histogram of the endpoint is the sum over its blocks.
//!
//! # Orderings
//!
//! A combination is published by the Release store of its code in `keep`, a further block by its `OnceLock`; both are found
//! with Acquire, so that whoever finds one sees the cells zeroed.

use super::label::Method;
use crate::metric::histogram::Shape;
use crate::shard::{self, Exhausted, HEAD, Slot, SlotRun, Totals};
use crate::sync::{AtomicU32, OnceLock, Ordering};

/// Counters of a block. With those of the three histograms it has 42 cells: three blocks a page. A route has seldom more than nine
/// pairs of a method and a status.
const COUNTERS: usize = 9;

/// Bits of an offset in a block, beside a code.
const OFFSET_BITS: u32 = 8;

/// Places of the table that finds them: a power of two.
const PLACES: usize = 16;

const _: () = assert!(PLACES.is_power_of_two() && PLACES > COUNTERS);

/// A combination of method and status, as a number above 0: below 2^14.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Code(u32);

impl Code {
    /// Every status outside 100 to 599 is the same one: none.
    #[inline]
    pub(super) fn new(method: Method, status: u16) -> Self {
        let status = if (100..600).contains(&status) { status } else { 0 };
        Self(1 + ((method as u32) << 10 | u32::from(status)))
    }

    /// Where to begin to look. The multiplier is that of Fibonacci hashing, 2^32 by the golden ratio.
    #[inline]
    fn place(self) -> usize {
        (self.0.wrapping_mul(0x9E37_79B1) >> (u32::BITS - PLACES.ilog2())) as usize
    }
}

/// The cells of an endpoint, or some of them.
#[derive(Debug)]
pub(super) struct Block {
    run: SlotRun,
    /// Code of a combination, shifted by `OFFSET_BITS`, and the offset of its counter in the run; 0 while the place is empty. At most
    /// `COUNTERS` of them are filled.
    counters: [AtomicU32; PLACES],
    next: OnceLock<Box<Block>>,
}

/// The offsets of the histograms in a block: first duration, then request's and response's size, then the counters.
#[derive(Clone, Copy, Debug)]
pub(super) struct Offsets {
    pub(super) histograms: [usize; 3],
    counters: usize,
}

impl Offsets {
    pub(super) fn new(duration: &Shape, size: &Shape) -> Self {
        let request_size = HEAD + duration.cells();
        let response_size = request_size + size.cells();
        let offsets = Self { histograms: [HEAD, request_size, response_size], counters: response_size + size.cells() };
        assert!(offsets.len() <= 1 << OFFSET_BITS, "a counter's offset has {OFFSET_BITS} bits beside its code");
        offsets
    }

    fn len(self) -> usize {
        self.counters + COUNTERS
    }
}

impl Block {
    pub(super) fn new(offsets: Offsets) -> Result<Self, Exhausted> {
        Ok(Self::of(SlotRun::block(offsets.len())?))
    }

    /// A block that nobody reads.
    pub(super) fn sink() -> Self {
        Self::of(SlotRun::sink())
    }

    fn of(run: SlotRun) -> Self {
        Self { run, counters: std::array::from_fn(|_| AtomicU32::new(0)), next: OnceLock::new() }
    }

    /// The block that a combination belongs to and the offset of its counter.
    #[inline]
    pub(super) fn find(&self, code: Code) -> Option<(Slot, usize)> {
        let mut place = code.place();
        loop {
            // Acquire: pairs with the store in `keep`.
            let kept = self.counters[place % PLACES].load(Ordering::Acquire);
            if kept >> OFFSET_BITS == code.0 {
                return Some((self.run.first(), (kept % (1 << OFFSET_BITS)) as usize));
            }
            if kept == 0 {
                // The further blocks are far from the usual way.
                return self.next.get()?.find(code);
            }
            place += 1;
        }
    }

    /// Gives a combination a counter, in this block or a further one, and says in which one it stands among all of the endpoint.
    /// One caller at a time, which looked whether it has one already.
    pub(super) fn keep(&self, code: Code, offsets: Offsets) -> Result<usize, Exhausted> {
        // Relaxed: there is one writer, the caller.
        let kept = self.counters.iter().filter(|place| place.load(Ordering::Relaxed) != 0).count();
        if kept == COUNTERS {
            let next = match self.next.get() {
                Some(next) => next,
                None => {
                    let _ = self.next.set(Box::new(Self::new(offsets)?));
                    self.next.get().expect("it was set just now")
                }
            };
            return Ok(COUNTERS + next.keep(code, offsets)?);
        }
        let offset = (offsets.counters + kept) as u32;
        let free = (code.place()..).find(|place| self.counters[place % PLACES].load(Ordering::Relaxed) == 0);
        let free = free.expect("there are more places than counters") % PLACES;
        // Release: pairs with the load in `find`.
        self.counters[free].store(code.0 << OFFSET_BITS | offset, Ordering::Release);
        Ok(kept)
    }

    /// Touches the calling thread's cells.
    pub(super) fn prepare(&self) {
        self.each().for_each(|block| shard::prepare(block.run.first()));
    }

    /// This block and the further ones.
    pub(super) fn each(&self) -> impl Iterator<Item = &Self> {
        std::iter::successors(Some(self), |block| block.next.get().map(|next| &**next))
    }

    /// The cells of this block, all of the same requests; `None` if the fold could not get them so.
    pub(super) fn whole<'a>(&self, totals: &'a Totals, offsets: Offsets) -> Option<impl Iterator<Item = u64> + use<'a>> {
        self.run.whole(totals, offsets.len())
    }

    /// Which of the endpoint's counters, by `keep`, is where in all the cells of its blocks.
    pub(super) fn counter(at: usize, offsets: Offsets) -> usize {
        at / COUNTERS * offsets.len() + offsets.counters + at % COUNTERS
    }
}
