//! The fold: adds all shards up, slot by slot.
//!
//! # Orderings
//!
//! Cells are read Relaxed. An increment that happened before a fold began is seen, because "happened before" orders the
//! store before our load; of one that happens beside the fold we see all or nothing. Later folds see at least as much of each
//! cell as earlier ones, because folds follow one another (one snapshot thread, or callers that synchronise).

use super::page::PAGE_CELLS;
use super::slot::Slot;
use super::{SPACE, current};
use crate::sync::{Ordering, lock};

/// The sums over all shards, by slot.
#[derive(Debug, Default)]
pub(crate) struct Totals {
    sums: Vec<u64>,
    /// Shards that were added up, the overflow shard left out.
    pub(crate) shards: usize,
    /// Heap bytes of all shards' pages and directories.
    pub(crate) shard_bytes: usize,
}

impl Totals {
    /// Replaces the sums by those of now, keeping the memory.
    pub(crate) fn fold(&mut self) {
        let high_water = lock(&SPACE.slots).high_water();
        self.sums.clear();
        self.sums.resize(high_water.next_multiple_of(PAGE_CELLS), 0);
        let shards = current::shielded(|| lock(&SPACE.shards).all().to_vec());
        self.shards = shards.len();
        self.shard_bytes = 0;
        for shard in shards.into_iter().chain([&SPACE.overflow]) {
            self.shard_bytes += size_of_val(shard) + shard.heap_bytes();
            for (first, page) in shard.pages() {
                // A page may have been touched since the high-water mark was read; nobody asks for its slots in this fold.
                let Some(sums) = self.sums.get_mut(first..first + PAGE_CELLS) else { break };
                for (sum, cell) in sums.iter_mut().zip(page.cells()) {
                    // Relaxed: see the module header.
                    *sum = sum.wrapping_add(cell.load(Ordering::Relaxed));
                }
            }
        }
        for (slot, count) in SPACE.reentrant.counts() {
            if let Some(sum) = self.sums.get_mut(slot.index()) {
                *sum = sum.wrapping_add(count);
            }
        }
    }

    #[inline]
    pub(crate) fn of(&self, slot: Slot) -> u64 {
        self.sums[slot.index()]
    }
}
