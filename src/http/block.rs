//! What a request of an endpoint writes, as one block: the three histograms, and a counter for its method and status.
//!
//! An endpoint has one block, and another as soon as more combinations of method and status have come up than a block has counters. A
//! combination belongs to one block, so a request writes that block alone; a histogram of the endpoint is the sum over its blocks.
//!
//! # Orderings
//!
//! A further block is published by its `OnceLock`; whoever sees it sees the cells zeroed.

use super::code::OFFSET_BITS;
use super::{DURATION_BOUNDS, SIZE_BOUNDS};
use crate::metric::histogram::classic_cells;
use crate::shard::{self, Exhausted, HEAD, Slot, SlotRun, Totals};
use crate::sync::OnceLock;

/// Counters of a block. With those of the three histograms it has 42 cells: three blocks a page. A route has seldom more than nine
/// pairs of a method and a status.
const COUNTERS: usize = 9;

/// The offsets in a block: of the three histograms, then of the counters.
pub(super) const DURATION: usize = HEAD;
pub(super) const REQUEST_SIZE: usize = DURATION + classic_cells(DURATION_BOUNDS.len());
pub(super) const RESPONSE_SIZE: usize = REQUEST_SIZE + classic_cells(SIZE_BOUNDS.len());
const FIRST_COUNTER: usize = RESPONSE_SIZE + classic_cells(SIZE_BOUNDS.len());

/// Cells of a block.
pub(super) const LEN: usize = FIRST_COUNTER + COUNTERS;

/// A power of two, at least as many as a histogram of them has.
pub(super) const PLACES: usize = 16;

const _: () = assert!(LEN <= 1 << OFFSET_BITS && PLACES.is_power_of_two());
const _: () = assert!(classic_cells(DURATION_BOUNDS.len()) <= PLACES && classic_cells(SIZE_BOUNDS.len()) <= PLACES);

/// The cells of an endpoint, or some of them.
#[derive(Debug)]
pub(super) struct Block {
    run: SlotRun,
    next: OnceLock<Box<Block>>,
}

impl Block {
    pub(super) fn new() -> Result<Self, Exhausted> {
        Ok(Self { run: SlotRun::block(LEN)?, next: OnceLock::new() })
    }

    /// A block that nobody reads.
    pub(super) fn sink() -> Self {
        Self { run: SlotRun::sink(), next: OnceLock::new() }
    }

    /// Which of the endpoint's blocks has its counter number `at`, and the counter's offset there. One caller at a time, who asks for
    /// one after another.
    pub(super) fn place(&self, at: usize) -> Result<(Slot, usize), Exhausted> {
        if at < COUNTERS {
            return Ok((self.run.first(), FIRST_COUNTER + at));
        }
        if self.next.get().is_none() {
            let _ = self.next.set(Box::new(Self::new()?));
        }
        self.next.get().expect("it was set above, or before").place(at - COUNTERS)
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
    pub(super) fn whole<'a>(&self, totals: &'a Totals) -> Option<impl Iterator<Item = u64> + use<'a>> {
        self.run.whole(totals, LEN)
    }

    /// Where in all the cells of an endpoint's blocks counter number `at` is.
    pub(super) fn counter(at: usize) -> usize {
        at / COUNTERS * LEN + FIRST_COUNTER + at % COUNTERS
    }
}
