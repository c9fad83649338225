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

use super::block::{self, Add};
use super::page::{Directory, Page};
use super::slot::{NearSlot, Slot, add_f64_bits};
use super::{SPACE, overflow};
use crate::sync::{AtomicU64, Ordering, lock, thread_locals};

/// What the calling thread may do when it meets a page that it has not touched.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Standing {
    /// Attach its shard, and touch the page.
    Living,
    /// Nothing that allocates or locks, for it is inside an allocation or a lock of this crate: to the re-entrant cells.
    Shielded,
    /// Its thread-locals are being destroyed, the shard is another's: to the overflow shard.
    Ended,
}

/// Places for the pages that a thread finds in its thread-local, in one step: as many as a byte has values, and those from
/// [`NearSlot::FAR`] on stay empty. Pages without a place take the way through the table.
const NEAR_PAGES: usize = 1 << u8::BITS;

thread_locals! {
    /// The touched pages of this thread's shard that are near, by number. It has no destructor, so it can be read for as long
    /// as the thread runs.
    static NEAR: [Cell<Option<&'static Page>>; NEAR_PAGES] = [const { Cell::new(None) }; NEAR_PAGES];
    /// The shard that this thread owns, for the pages that are not near.
    static CURRENT: Cell<Option<&'static Directory>> = Cell::new(None);
    static STANDING: Cell<Standing> = Cell::new(Standing::Living);
    /// Its destructor runs when the thread ends.
    static HAND_OVER: HandOver = HandOver(Cell::new(None));
}

struct HandOver(Cell<Option<&'static Directory>>);

impl Drop for HandOver {
    fn drop(&mut self) {
        // First nobody on this thread may store to the shard any more, then others may.
        let _ = NEAR.try_with(|near| near.iter().for_each(|page| page.set(None)));
        let _ = CURRENT.try_with(|current| current.set(None));
        let _ = STANDING.try_with(|standing| standing.set(Standing::Ended));
        if let Some(shard) = self.0.take() {
            shielded(|| lock(&SPACE.shards).give_back(shard));
        }
    }
}

/// The calling thread's page of a slot, if it is near and the thread has touched it.
#[inline]
fn near_page(slot: NearSlot) -> Option<&'static Page> {
    NEAR.try_with(|near| near[usize::from(slot.page())].get()).ok().flatten()
}

/// The same, near or far.
#[inline]
fn own_page(slot: Slot) -> Option<&'static Page> {
    near_page(slot.into()).or_else(|| CURRENT.try_with(Cell::get).ok().flatten()?.page(slot))
}

/// Adds to a slot of the calling thread's shard.
#[inline]
pub(crate) fn inc_by(slot: impl Into<NearSlot>, n: u64) {
    let near = slot.into();
    match near_page(near) {
        Some(page) => inc_in(page, near.slot(), n),
        None => inc_by_far(near.slot(), n),
    }
}

#[inline(always)]
fn inc_in(page: &Page, slot: Slot, n: u64) {
    let cell = page.cell(slot.index());
    // Relaxed: we are the only writer of this cell; see the module header.
    cell.store(cell.load(Ordering::Relaxed).wrapping_add(n), Ordering::Relaxed);
}

#[inline(never)]
fn inc_by_far(slot: Slot, n: u64) {
    match own_page(slot) {
        Some(page) => inc_in(page, slot, n),
        None => inc_by_slowly(slot, n),
    }
}

/// Adds to a slot of doubles of the calling thread's shard.
#[inline]
pub(crate) fn add_f64(slot: Slot, x: f64) {
    match own_cell(slot) {
        // Relaxed: as in `inc_in`.
        Some(cell) => cell.store(add_f64_bits(cell.load(Ordering::Relaxed), x.to_bits()), Ordering::Relaxed),
        None => add_f64_slowly(slot, x),
    }
}

/// Adds to several cells of a block as one write: a fold sees all of it or nothing. The block lies within a page. `adds` is a
/// closure, so that what is stored for the rare way is not made for the usual one.
#[inline(always)]
pub(crate) fn write<const N: usize>(first: impl Into<NearSlot>, adds: impl FnOnce() -> [Add; N]) {
    let near = first.into();
    match near_page(near) {
        Some(page) => write_in(page, near.slot(), adds()),
        None => write_elsewhere(near.slot(), adds()),
    }
}

#[inline(always)]
fn write_in<const N: usize>(page: &Page, first: Slot, adds: [Add; N]) {
    let cell = |offset| page.cell(first.index() + offset);
    block::write(cell(0), adds.into_iter().map(|(offset, n)| (cell(offset), n)));
}

/// The same of a block of `LEN` cells, known when it is compiled: an offset that is known too then costs nothing. `adds` names `N`
/// additions one by one; out of an array the compiler makes a loop.
#[inline(always)]
pub(crate) fn write_block<const LEN: usize, const N: usize>(first: NearSlot, adds: impl Fn(&mut dyn FnMut(Add))) {
    match near_page(first).and_then(|page| page.block::<LEN>(first.slot().index())) {
        Some(block) => block::scope(&block[0], || {
            adds(&mut |(offset, n)| {
                // No offset is beyond the block.
                if let Some(cell) = block.get(offset) {
                    block::add(cell, n);
                }
            });
        }),
        None => {
            let mut all = [(0, 0); N];
            let mut places = all.iter_mut();
            adds(&mut |add| match places.next() {
                Some(place) => *place = add,
                None => debug_assert!(false, "there are {N} additions"),
            });
            write_elsewhere(first.slot(), all);
        }
    }
}

#[cold]
#[inline(never)]
fn write_elsewhere<const N: usize>(first: Slot, adds: [Add; N]) {
    match own_page(first) {
        Some(page) => write_in(page, first, adds),
        None => write_slowly(first, &adds),
    }
}

/// Adds to several cells of a block as one write, which may lie in several pages.
#[inline]
pub(crate) fn write_far<const N: usize>(first: Slot, adds: [Add; N]) {
    let cells = adds.map(|(offset, n)| own_cell(first.plus(offset)).map(|cell| (cell, n)));
    match own_cell(first) {
        Some(sequence) if cells.iter().all(Option::is_some) => block::write(sequence, cells.into_iter().flatten()),
        _ => write_slowly(first, &adds),
    }
}

#[inline]
fn own_cell(slot: Slot) -> Option<&'static AtomicU64> {
    own_page(slot).map(|page| page.cell(slot.index()))
}

/// Allocates the calling thread's page of a slot now, so that counting into it later allocates nothing.
pub(crate) fn prepare(slot: Slot) {
    if let Ok(Standing::Living) = STANDING.try_with(Cell::get) {
        touch(slot);
    }
}

/// The way of an increment that finds no page: the first of a thread, the first in a page, and all after the thread's end.
#[cold]
#[inline(never)]
fn inc_by_slowly(slot: Slot, n: u64) {
    match STANDING.try_with(Cell::get).unwrap_or(Standing::Ended) {
        Standing::Shielded => SPACE.reentrant.inc_by(slot, n),
        Standing::Living if touch(slot) => inc_by(slot, n),
        Standing::Living | Standing::Ended => shielded(|| overflow::inc_by(slot, n)),
    }
}

/// The way of an addition that finds no page.
#[cold]
#[inline(never)]
fn add_f64_slowly(slot: Slot, x: f64) {
    match STANDING.try_with(Cell::get).unwrap_or(Standing::Ended) {
        Standing::Shielded => SPACE.reentrant.add_f64(slot, x),
        Standing::Living if touch(slot) => add_f64(slot, x),
        Standing::Living | Standing::Ended => shielded(|| overflow::add_f64(slot, x)),
    }
}

/// The way of a block's write that finds no page.
#[cold]
#[inline(never)]
fn write_slowly(first: Slot, adds: &[Add]) {
    let slots = || [0].into_iter().chain(adds.iter().map(|&(offset, _)| offset)).map(|offset| first.plus(offset));
    match STANDING.try_with(Cell::get).unwrap_or(Standing::Ended) {
        Standing::Shielded => SPACE.reentrant.write(first, adds),
        Standing::Living if slots().all(touch) => {
            let cell = |offset| own_cell(first.plus(offset)).expect("its page was touched on this thread just now");
            block::write(cell(0), adds.iter().map(|&(offset, n)| (cell(offset), n)));
        }
        Standing::Living | Standing::Ended => shielded(|| overflow::write(first, adds)),
    }
}

/// Touches a slot's page in this thread's shard, and remembers it; `false` when the thread-local that would hand the shard over is
/// gone already.
fn touch(slot: Slot) -> bool {
    let attach = |hand_over: &HandOver| {
        let shard = hand_over.0.get().unwrap_or_else(|| lock(&SPACE.shards).take());
        hand_over.0.set(Some(shard));
        (shard, shard.touch(slot))
    };
    let Ok((shard, page)) = shielded(|| HAND_OVER.try_with(attach)) else { return false };
    CURRENT.with(|current| current.set(Some(shard)));
    if slot.page() < NearSlot::FAR {
        NEAR.with(|near| near[slot.page()].set(Some(page)));
    }
    true
}

/// Runs `f`, which may allocate or lock, such that an allocator that counts meets neither our locks nor itself: what it counts
/// meanwhile in pages that are there already goes there, the rest to the re-entrant cells.
pub(crate) fn shielded<R>(f: impl FnOnce() -> R) -> R {
    /// Puts back on drop, so that a panic in `f` leaves the thread as it was.
    struct PutBack(Standing);

    impl Drop for PutBack {
        fn drop(&mut self) {
            let _ = STANDING.try_with(|standing| standing.set(self.0));
        }
    }

    let _put_back = PutBack(STANDING.try_with(|standing| standing.replace(Standing::Shielded)).unwrap_or(Standing::Ended));
    f()
}
