//! One array of cells a thread, written by that thread only, added up by whoever asks.
//!
//! # Orderings
//!
//! All Relaxed: totals are read when the threads that counted have said so through a channel or a join.

use std::cell::Cell;
use std::ops::Range;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

/// Cells of a thread. A power of two, so that an index needs a mask and no test.
pub const CELLS: usize = 8_192;

/// A thread's cells.
pub type Cells = [AtomicU64; CELLS];

thread_local! {
    static MINE: Cell<Option<&'static Cells>> = const { Cell::new(None) };
}

/// All threads' cells, and which numbers are taken.
struct Space {
    threads: Vec<&'static Cells>,
    taken: Vec<bool>,
}

static SPACE: Mutex<Space> = Mutex::new(Space { threads: Vec::new(), taken: Vec::new() });

fn space() -> MutexGuard<'static, Space> {
    SPACE.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The calling thread's cells.
#[inline]
pub fn mine() -> &'static Cells {
    match MINE.get() {
        Some(cells) => cells,
        None => begin(),
    }
}

#[cold]
fn begin() -> &'static Cells {
    let cells: Vec<AtomicU64> = (0..CELLS).map(|_| AtomicU64::new(0)).collect();
    let cells: Box<Cells> = cells.into_boxed_slice().try_into().expect("as many as the array has");
    let cells = Box::leak(cells);
    space().threads.push(cells);
    MINE.set(Some(cells));
    cells
}

/// Adds to one of a thread's own cells.
#[inline]
pub fn add(cells: &Cells, slot: usize, by: u64) {
    let cell = &cells[slot % CELLS];
    // Relaxed: only this thread writes the cell.
    cell.store(cell.load(Ordering::Relaxed).wrapping_add(by), Ordering::Relaxed);
}

/// Cells with numbers in a row, of every thread, all at 0 when they are taken.
#[derive(Debug)]
pub struct Slots {
    range: Range<usize>,
}

impl Slots {
    /// Takes so many.
    ///
    /// # Panics
    ///
    /// When there are no more.
    pub fn take(len: usize) -> Self {
        let mut space = space();
        space.taken.resize(CELLS, false);
        let first = (0..=CELLS.saturating_sub(len)).find(|&first| !space.taken[first..][..len].contains(&true));
        let first = first.expect("the floor has cells for all that is compared at one time");
        let range = first..first + len;
        space.taken[range.clone()].fill(true);
        for cells in &space.threads {
            // Relaxed: nobody counts in cells that were free until now.
            cells[range.clone()].iter().for_each(|cell| cell.store(0, Ordering::Relaxed));
        }
        Self { range }
    }

    /// Number `at` of them.
    pub fn slot(&self, at: usize) -> Slot {
        assert!(at < self.range.len(), "there are {} of these slots", self.range.len());
        Slot(self.range.start + at)
    }

    /// What all threads have added to number `at`.
    pub fn total(&self, at: usize) -> u64 {
        let slot = self.slot(at).0;
        // Relaxed: see the module.
        space().threads.iter().map(|cells| cells[slot].load(Ordering::Relaxed)).sum()
    }
}

impl Drop for Slots {
    fn drop(&mut self) {
        space().taken[self.range.clone()].fill(false);
    }
}

/// A counter: the number of a cell that each thread has.
#[derive(Clone, Copy, Debug)]
pub struct Slot(pub(crate) usize);

impl Slot {
    /// Adds to it, on any thread.
    #[inline]
    pub fn add(self, by: u64) {
        add(mine(), self.0, by);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_threads_count_and_the_next_owner_begins_at_0() {
        let slots = Slots::take(3);
        std::thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| (0..100).for_each(|_| slots.slot(2).add(2)));
            }
        });
        assert_eq!([0, 1, 2].map(|at| slots.total(at)), [0, 0, 800]);
        let before = slots.range.clone();
        drop(slots);
        let slots = Slots::take(CELLS / 2);
        assert!(slots.range.contains(&before.start));
        assert!((0..CELLS / 2).all(|at| slots.total(at) == 0));
    }
}
