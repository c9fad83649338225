//! Where increments go that cannot go to a shard of the caller's own.
//!
//! The *overflow shard* takes what a thread counts after its thread-locals are gone: an ordinary directory, but many write
//! to it, so with `fetch_add`. The *re-entrant cells* take what an instrumented allocator counts while this crate is inside an
//! allocation of its own: they allocate nothing and lock nothing.

use super::SPACE;
use super::slot::Slot;
use crate::sync::{AtomicU32, AtomicU64, Ordering};

/// Distinct cells an instrumented allocator may ever count into from inside our own allocations. An allocator has a handful; 256
/// keyed cells are 3 KiB once a process.
const CELLS: usize = if cfg!(tachograph_loom) { 2 } else { 256 };

/// A fixed open-addressing table of slot → count.
#[derive(Debug)]
pub(crate) struct Reentrant {
    /// Slot + 1 of each cell, 0 while it is free. Set once, never cleared: a recycled slot goes on in the same cell, and its
    /// next owner's base has what the cell held.
    keys: [AtomicU32; CELLS],
    counts: [AtomicU64; CELLS],
    /// What found neither a cell nor an overflow page.
    lost: AtomicU64,
}

impl Reentrant {
    pub(crate) fn new() -> Self {
        Self {
            keys: std::array::from_fn(|_| AtomicU32::new(0)),
            counts: std::array::from_fn(|_| AtomicU64::new(0)),
            lost: AtomicU64::new(0),
        }
    }

    /// Adds to a slot without allocating. With all cells taken by other slots it goes to the overflow shard's page, and
    /// where that has never been touched it is lost, and counted as lost.
    pub(crate) fn inc_by(&self, slot: Slot, n: u64) {
        let key = slot.index() as u32 + 1;
        for probe in 0..CELLS {
            let cell = (slot.index() + probe) % CELLS;
            // Relaxed: a key only says whose the count is, and the count is an atomic of its own; a reader that sees the
            // count but not yet the key misses an increment that did not happen before its fold.
            let owner = match self.keys[cell].compare_exchange(0, key, Ordering::Relaxed, Ordering::Relaxed) {
                Ok(_) => key,
                Err(owner) => owner,
            };
            if owner == key {
                self.counts[cell].fetch_add(n, Ordering::Relaxed);
                return;
            }
        }
        match SPACE.overflow.page(slot) {
            Some(page) => _ = page.cell(slot.index()).fetch_add(n, Ordering::Relaxed),
            None => _ = self.lost.fetch_add(n, Ordering::Relaxed),
        }
    }

    /// The cells in use.
    pub(crate) fn counts(&self) -> impl Iterator<Item = (Slot, u64)> {
        self.keys.iter().zip(&self.counts).filter_map(|(key, count)| {
            // Relaxed: as in `fold`.
            let slot = key.load(Ordering::Relaxed).checked_sub(1)?;
            Some((Slot::at(slot), count.load(Ordering::Relaxed)))
        })
    }

    pub(crate) fn lost(&self) -> u64 {
        self.lost.load(Ordering::Relaxed)
    }
}

/// Adds to the overflow shard. Allocates its page at the first touch.
pub(crate) fn inc_by(slot: Slot, n: u64) {
    // Relaxed: many write, so the addition is atomic; nothing is published by it.
    SPACE.overflow.touch(slot).cell(slot.index()).fetch_add(n, Ordering::Relaxed);
}
