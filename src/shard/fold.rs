//! The fold: adds all shards up, slot by slot, blocks as wholes.
//!
//! # Orderings
//!
//! Single cells are read Relaxed, blocks as `shard::block` says. An increment that happened before a fold began is seen, because
//! "happened before" orders the store before our load; of one that happens beside the fold we see all or nothing. Later folds see at
//! least as much of each cell as earlier ones, because folds follow one another (one snapshot thread, or callers that synchronise).
//!
//! Blocks are read before single cells. So what a thread counts in single cells before it writes a block is seen with that block.

use super::allocator::Layout;
use super::block;
use super::page::{Directory, PAGE_CELLS, Page};
use super::slot::{Slot, add_f64_bits};
use super::{SPACE, current};
use crate::sync::{AtomicU64, Ordering, lock, yield_now};

/// How often a block is read at once before the others have their turn.
const TRIES: usize = if cfg!(tachograph_loom) { 1 } else { 16 };

/// How long a fold waits in all for blocks that are being written each time it looks. A block is written in some nanoseconds, so
/// either its thread writes all the time, or it was suspended in the middle and runs again within a time slice or two.
#[cfg(not(tachograph_loom))]
const PATIENCE: std::time::Duration = std::time::Duration::from_millis(5);

/// The sums over all shards, by slot.
#[derive(Debug, Default)]
pub(crate) struct Totals {
    sums: Vec<u64>,
    layouts: Vec<Layout>,
    /// First slots of the blocks that could not be read, ascending: what `sums` holds of them means nothing.
    stale: Vec<Slot>,
    /// One block.
    cells: Vec<u64>,
    /// Shards that were added up, the overflow shard left out.
    pub(crate) shards: usize,
}

/// A block of a shard, to be read again if it moves.
struct BlockOf {
    shard: &'static Directory,
    page: &'static Page,
    first: Slot,
    len: usize,
}

impl Totals {
    /// Replaces the sums by those of now, keeping the memory.
    pub(crate) fn fold(&mut self) {
        current::shielded(|| {
            self.layouts.clear();
            self.layouts.extend_from_slice(lock(&SPACE.slots).layouts());
        });
        self.sums.clear();
        self.sums.resize(self.layouts.len() * PAGE_CELLS, 0);
        let shards = SPACE.shards();
        self.shards = shards.len() - 1;

        let mut moving = Vec::new();
        for &shard in &shards {
            self.add_blocks(shard, &mut moving);
        }
        self.wait_for(moving);
        for shard in shards {
            self.add_cells(shard);
        }
        SPACE.reentrant.for_each(|slot, count| {
            if let Some(sum) = self.sums.get_mut(slot.index()) {
                // Relaxed: see the module header.
                let count = count.load(Ordering::Relaxed);
                let is_float = self.layouts[slot.page()] == Layout::Floats;
                *sum = if is_float { add_f64_bits(*sum, count) } else { sum.wrapping_add(count) };
            }
        });
    }

    #[inline]
    pub(crate) fn of(&self, slot: Slot) -> u64 {
        self.sums[slot.index()]
    }

    /// Whether a block could not be read whole within the time that a fold has.
    pub(crate) fn is_stale(&self, first: Slot) -> bool {
        self.stale.binary_search(&first).is_ok()
    }

    /// Adds the blocks of a shard, but those that move.
    fn add_blocks(&mut self, shard: &'static Directory, moving: &mut Vec<BlockOf>) {
        for (number, page) in shard.pages() {
            // A page may have been touched since the layouts were read; nobody asks for its slots in this fold.
            let Some(&layout) = self.layouts.get(number) else { break };
            let (starts, len) = layout.blocks();
            for start in starts {
                let first = Slot::at((number * PAGE_CELLS + start) as u32);
                let block = BlockOf { shard, page, first, len };
                if !(0..TRIES).any(|_| self.add_block(&block)) {
                    moving.push(block);
                }
            }
        }
    }

    /// Adds a block of a shard, or nothing if it is being written.
    #[inline]
    fn add_block(&mut self, block: &BlockOf) -> bool {
        let BlockOf { shard, page, first, len } = *block;
        self.cells.resize(len, 0);
        let whole = block::read(shard, page, first, &mut self.cells);
        if whole && self.cells[0] != 0 {
            for (sum, cell) in self.sums[first.index()..][..len].iter_mut().zip(&self.cells) {
                *sum = sum.wrapping_add(*cell);
            }
        }
        whole
    }

    /// Reads blocks that moved until they stand still or patience is at its end.
    fn wait_for(&mut self, mut moving: Vec<BlockOf>) {
        self.stale.clear();
        let mut patience = Patience::new();
        while !moving.is_empty() && patience.is_left() {
            // The writer may be waiting for this very core.
            yield_now();
            moving.retain(|block| !(0..TRIES).any(|_| self.add_block(block)));
        }
        self.stale.extend(moving.iter().map(|block| block.first));
        self.stale.sort_unstable();
    }

    /// Adds the single cells of a shard.
    fn add_cells(&mut self, shard: &Directory) {
        for (number, page) in shard.pages() {
            let Some(&layout) = self.layouts.get(number) else { break };
            let start = layout.cells_from();
            let sums = &mut self.sums[number * PAGE_CELLS + start..(number + 1) * PAGE_CELLS];
            let cells = &page.cells()[start..];
            // A loop for each, not a call for each cell.
            if layout == Layout::Floats { add_up(sums, cells, add_f64_bits) } else { add_up(sums, cells, u64::wrapping_add) }
        }
    }
}

#[inline(always)]
fn add_up(sums: &mut [u64], cells: &[AtomicU64], add: impl Fn(u64, u64) -> u64) {
    for (sum, cell) in sums.iter_mut().zip(cells) {
        // Relaxed: see the module header.
        *sum = add(*sum, cell.load(Ordering::Relaxed));
    }
}

/// What is left of the time that a fold waits.
#[cfg(not(tachograph_loom))]
struct Patience(std::time::Instant);

#[cfg(not(tachograph_loom))]
impl Patience {
    fn new() -> Self {
        Self(std::time::Instant::now())
    }

    fn is_left(&mut self) -> bool {
        self.0.elapsed() < PATIENCE
    }
}

/// Loom has no clock: one more round.
#[cfg(tachograph_loom)]
struct Patience(usize);

#[cfg(tachograph_loom)]
impl Patience {
    fn new() -> Self {
        Self(1)
    }

    fn is_left(&mut self) -> bool {
        std::mem::take(&mut self.0) > 0
    }
}
