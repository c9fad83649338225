//! Where increments go that cannot go to a shard of the caller's own.
//!
//! The *overflow shard* takes what a thread counts after its thread-locals are gone: an ordinary directory, but many write
//! to it, so with `fetch_add`, and to blocks under a mutex. The *re-entrant cells* take what an instrumented allocator counts while
//! this crate is inside an allocation of its own: they allocate nothing and hold no lock that is held across an allocation.

use super::SPACE;
use super::block::{self, Add, STEP};
use super::slot::{Slot, add_f64_bits};
use crate::sync::{AtomicU32, AtomicU64, Mutex, Ordering, lock};

/// Distinct cells an instrumented allocator may ever count into from inside our own allocations. An allocator has a handful; 256
/// keyed cells are 3 KiB once a process.
const CELLS: usize = if cfg!(tachograph_loom) { 2 } else { 256 };

/// A fixed open-addressing table of slot → count.
#[derive(Debug)]
pub(crate) struct Reentrant {
    /// Slot + 1 of each cell, 0 while it is free. Set once, never cleared: a recycled slot goes on in the same cell.
    keys: [AtomicU32; CELLS],
    counts: [AtomicU64; CELLS],
    /// Held while a block is written and while all is read, so that a block is read whole. Nothing allocates under it, so a
    /// re-entrant caller never holds it already.
    whole: Mutex<()>,
    /// Writes that found no cell.
    lost: AtomicU64,
}

impl Reentrant {
    pub(crate) fn new() -> Self {
        Self {
            keys: std::array::from_fn(|_| AtomicU32::new(0)),
            counts: std::array::from_fn(|_| AtomicU64::new(0)),
            whole: Mutex::new(()),
            lost: AtomicU64::new(0),
        }
    }

    /// The cell of a slot, claimed now if it has none; `None` when all cells belong to other slots.
    fn cell(&self, slot: Slot) -> Option<&AtomicU64> {
        let key = slot.index() as u32 + 1;
        (0..CELLS).map(|probe| (slot.index() + probe) % CELLS).find_map(|at| {
            // Relaxed: a key only says whose the count is, and the count is an atomic of its own; a reader that sees the
            // count but not yet the key misses an increment that did not happen before its fold.
            let claimed = self.keys[at].compare_exchange(0, key, Ordering::Relaxed, Ordering::Relaxed);
            (claimed.is_ok() || claimed == Err(key)).then(|| &self.counts[at])
        })
    }

    /// Adds to a slot without allocating. With all cells taken by other slots it goes to the overflow shard's page, and
    /// where that has never been touched it is lost, and counted as lost.
    pub(crate) fn inc_by(&self, slot: Slot, n: u64) {
        match self.cell(slot).or_else(|| SPACE.overflow.cell(slot)) {
            // Relaxed: see `cell`.
            Some(cell) => _ = cell.fetch_add(n, Ordering::Relaxed),
            None => _ = self.lost.fetch_add(1, Ordering::Relaxed),
        }
    }

    /// Adds to a slot of doubles without allocating; see `inc_by`.
    pub(crate) fn add_f64(&self, slot: Slot, x: f64) {
        match self.cell(slot).or_else(|| SPACE.overflow.cell(slot)) {
            Some(cell) => fetch_add_f64(cell, x),
            // Relaxed: a count for the curious.
            None => _ = self.lost.fetch_add(1, Ordering::Relaxed),
        }
    }

    /// Writes to a block without allocating, or to none of its cells: then it is lost, and counted as lost.
    pub(crate) fn write(&self, first: Slot, adds: &[Add]) {
        let adds = || [(0, STEP)].iter().chain(adds);
        let _whole = lock(&self.whole);
        if adds().all(|&(offset, _)| self.cell(first.plus(offset)).is_some()) {
            for &(offset, n) in adds() {
                self.cell(first.plus(offset)).expect("it was claimed above").fetch_add(n, Ordering::Relaxed);
            }
        } else {
            // Relaxed: a count for the curious.
            self.lost.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// Calls `f` with the cells in use. It must not allocate.
    pub(crate) fn for_each(&self, mut f: impl FnMut(Slot, &AtomicU64)) {
        let _whole = lock(&self.whole);
        for (key, count) in self.keys.iter().zip(&self.counts) {
            // Relaxed: as in `cell`.
            if let Some(slot) = key.load(Ordering::Relaxed).checked_sub(1) {
                f(Slot::at(slot), count);
            }
        }
    }

    pub(crate) fn lost(&self) -> u64 {
        // Relaxed: a count for the curious.
        self.lost.load(Ordering::Relaxed)
    }
}

/// Adds to the overflow shard. Allocates its page at the first touch.
pub(crate) fn inc_by(slot: Slot, n: u64) {
    // Relaxed: many write, so the addition is atomic; nothing is published by it.
    SPACE.overflow.touch(slot).cell(slot.index()).fetch_add(n, Ordering::Relaxed);
}

/// Adds to a slot of doubles of the overflow shard. Allocates its page at the first touch.
pub(crate) fn add_f64(slot: Slot, x: f64) {
    fetch_add_f64(SPACE.overflow.touch(slot).cell(slot.index()), x);
}

fn fetch_add_f64(cell: &AtomicU64, x: f64) {
    let add = |bits| Some(add_f64_bits(bits, x.to_bits()));
    // Relaxed: as in `inc_by`. Always `Ok`, for `add` always gives a value.
    let _ = cell.fetch_update(Ordering::Relaxed, Ordering::Relaxed, add);
}

/// Writes to a block of the overflow shard, one thread at a time. Allocates before it takes the lock.
pub(crate) fn write(first: Slot, adds: &[Add]) {
    let cell = |offset| SPACE.overflow.touch(first.plus(offset)).cell(first.index() + offset);
    adds.iter().for_each(|&(offset, _)| _ = cell(offset));
    let sequence = cell(0);
    let _one_writer = lock(&SPACE.overflow_blocks);
    block::write(sequence, adds.iter().map(|&(offset, n)| (cell(offset), n)));
}
