//! The calling thread's shard: attached at its first increment, handed over when the thread ends.
//!
//! Invariant *single writer*: between `attach` and the drop of [`HandOver`] only this thread stores to its shard, so an
//! increment is a load, an addition and a store. Afterwards the thread counts into the overflow shard, and the shard is on
//! the free list for the next thread, which goes on counting on top.
//!
//! # Orderings
//!
//! - The increment's load and store are Relaxed: nobody else stores to the cell, and the total publishes nothing.
//! - `HandOver::drop` gives the shard back under the mutex of `Shards`, `attach` takes it under the same mutex: the unlock
//!   (Release) and the lock (Acquire) put every store of the old owner before the first load of the new one. Were it not so,
//!   the new owner could read an older value of a cell and its store would lose the difference.

use std::cell::Cell;

use super::page::Directory;
use super::slot::Slot;
use super::{SPACE, overflow};
use crate::sync::{Ordering, lock, thread_locals};

/// Where the calling thread's increments go.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Standing {
    /// No shard yet.
    New,
    /// To its own shard.
    Attached,
    /// This crate is allocating or holds a lock on this thread: to the re-entrant cells.
    Shielded,
    /// The thread-locals are being destroyed: to the overflow shard.
    Ended,
}

thread_locals! {
    /// The shard that this thread owns. `Some` exactly while it is `Attached`, so that the hot path asks one question. It has
    /// no destructor, so it can be read for as long as the thread runs.
    static CURRENT: Cell<Option<&'static Directory>> = Cell::new(None);
    static STANDING: Cell<Standing> = Cell::new(Standing::New);
    /// Its destructor runs when the thread ends.
    static HAND_OVER: HandOver = HandOver(Cell::new(None));
}

struct HandOver(Cell<Option<&'static Directory>>);

impl Drop for HandOver {
    fn drop(&mut self) {
        // First nobody on this thread may store to the shard any more, then others may.
        let _ = CURRENT.try_with(|current| current.set(None));
        let _ = STANDING.try_with(|standing| standing.set(Standing::Ended));
        if let Some(shard) = self.0.take() {
            shielded(|| lock(&SPACE.shards).give_back(shard));
        }
    }
}

/// Adds to a slot of the calling thread's shard.
#[inline]
pub(crate) fn inc_by(slot: Slot, n: u64) {
    match CURRENT.try_with(Cell::get).ok().flatten().and_then(|shard| shard.page(slot)) {
        Some(page) => {
            let cell = page.cell(slot.index());
            // Relaxed: we are the only writer of this cell; see the module header.
            cell.store(cell.load(Ordering::Relaxed).wrapping_add(n), Ordering::Relaxed);
        }
        None => inc_by_slowly(slot, n),
    }
}

/// Adds `n` to one slot and 1 to another, both of one run within a page: one way to the page instead of two.
#[inline]
pub(crate) fn observe(sum: Slot, n: u64, bucket: Slot) {
    match CURRENT.try_with(Cell::get).ok().flatten().and_then(|shard| shard.page(sum)) {
        Some(page) => {
            let (sum, bucket) = (page.cell(sum.index()), page.cell(bucket.index()));
            // Relaxed: we are the only writer of these cells; see the module header.
            bucket.store(bucket.load(Ordering::Relaxed).wrapping_add(1), Ordering::Relaxed);
            sum.store(sum.load(Ordering::Relaxed).wrapping_add(n), Ordering::Relaxed);
        }
        None => {
            inc_by_slowly(bucket, 1);
            inc_by_slowly(sum, n);
        }
    }
}

/// Allocates the calling thread's page of a slot now, so that counting into it later allocates nothing.
pub(crate) fn prepare(slot: Slot) {
    inc_by_slowly(slot, 0);
}

/// The way of an increment that finds no page: the first of a thread, the first in a page, and all after the thread's end.
#[cold]
#[inline(never)]
fn inc_by_slowly(slot: Slot, n: u64) {
    let standing = STANDING.try_with(Cell::get).unwrap_or(Standing::Ended);
    match standing {
        Standing::Shielded => SPACE.reentrant.inc_by(slot, n),
        Standing::Ended => shielded(|| overflow::inc_by(slot, n)),
        Standing::New | Standing::Attached => match shielded(|| attach(slot)) {
            Some(shard) => {
                CURRENT.with(|current| current.set(Some(shard)));
                STANDING.with(|standing| standing.set(Standing::Attached));
                let cell = shard.touch(slot).cell(slot.index());
                // Relaxed: as in `inc_by`.
                cell.store(cell.load(Ordering::Relaxed).wrapping_add(n), Ordering::Relaxed);
            }
            None => shielded(|| overflow::inc_by(slot, n)),
        },
    }
}

/// This thread's shard with the slot's page in it; `None` when the thread-local that would hand it over is gone already.
fn attach(slot: Slot) -> Option<&'static Directory> {
    let shard = HAND_OVER
        .try_with(|hand_over| {
            let shard = hand_over.0.get().unwrap_or_else(|| lock(&SPACE.shards).take());
            hand_over.0.set(Some(shard));
            shard
        })
        .ok()?;
    shard.touch(slot);
    Some(shard)
}

/// Runs `f`, which may allocate or lock, such that an allocator that counts meets neither our locks nor itself: what it
/// counts meanwhile goes to the re-entrant cells.
pub(crate) fn shielded<R>(f: impl FnOnce() -> R) -> R {
    /// Puts back on drop, so that a panic in `f` leaves the thread as it was.
    struct PutBack(Standing, Option<&'static Directory>);

    impl Drop for PutBack {
        fn drop(&mut self) {
            let _ = STANDING.try_with(|standing| standing.set(self.0));
            let _ = CURRENT.try_with(|current| current.set(self.1));
        }
    }

    let standing = STANDING.try_with(|standing| standing.replace(Standing::Shielded)).unwrap_or(Standing::Ended);
    let current = CURRENT.try_with(|current| current.replace(None)).unwrap_or(None);
    let _put_back = PutBack(standing, current);
    f()
}
