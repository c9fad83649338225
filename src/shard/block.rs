//! Blocks: cells that are written together and read together, so that no scrape shows half an observation.
//!
//! A block is a run of slots whose first one is its *sequence*: in each shard odd while the owner writes, and two higher after each
//! write. So half of it is the number of writes, which saves a histogram a cell. Between odd and even there is no user code, no
//! allocation and no panic point: no thread can end inside, and only a thread that is suspended can stay there.
//!
//! # Orderings
//!
//! Writer (one at a time): sequence odd, Relaxed; fence, Release; data, Relaxed; sequence even, Release. Reader: sequence, Acquire; data,
//! Relaxed; fence, Acquire; sequence again, Relaxed.
//!
//! - The writer's last store and the reader's first load: a reader that sees an even sequence sees all data of that write.
//! - The writer's fence and the reader's fence: a reader that sees any datum of a write sees, in its second load, that write's odd
//!   sequence or a later one, and so does not take what it read.

use super::page::{Directory, PAGE_CELLS, Page};
use super::slot::Slot;
use crate::sync::{AtomicU64, Ordering, fence};

/// An addition to one cell of a block: the cell's offset from the block's first slot, and what is added.
pub(crate) type Add = (usize, u64);

/// Cells that a block has beside its data: the sequence.
pub(crate) const HEAD: usize = 1;

/// What a write adds to the sequence in all.
pub(super) const STEP: u64 = 2;

/// How many writes a sequence counts, or a sum of sequences.
pub(crate) const fn writes(sequence: u64) -> u64 {
    sequence / STEP
}

/// Writes as the one writer of the block: adds to each of the cells.
#[inline(always)]
pub(super) fn write<'a>(sequence: &AtomicU64, adds: impl IntoIterator<Item = (&'a AtomicU64, u64)>) {
    scope(sequence, || adds.into_iter().for_each(|(cell, n)| add(cell, n)));
}

/// The same, where `adds` calls [`add`] and does nothing else.
#[inline(always)]
pub(super) fn scope(sequence: &AtomicU64, adds: impl FnOnce()) {
    // Relaxed: we are its only writer.
    let before = sequence.load(Ordering::Relaxed);
    sequence.store(before.wrapping_add(1), Ordering::Relaxed);
    // Release: pairs with the fence in `read`. If that one comes after any store below, the reader sees the odd sequence.
    fence(Ordering::Release);
    adds();
    // Release: pairs with the first load in `read`. If that one sees it, the reader sees the stores above.
    sequence.store(before.wrapping_add(STEP), Ordering::Release);
}

/// Adds to a cell of a block within its [`scope`].
#[inline(always)]
pub(super) fn add(cell: &AtomicU64, n: u64) {
    // Relaxed: we are the only writer, and the sequence tells readers whether to take it.
    cell.store(cell.load(Ordering::Relaxed).wrapping_add(n), Ordering::Relaxed);
}

/// Reads a block of a shard, the sequence first, into `cells`; `false` if it was written meanwhile, and what `cells` then holds
/// means nothing. `page` is that of its first slot; cells that the shard has no page for are 0. Of a block that was never written only
/// the sequence is read.
#[inline]
pub(super) fn read(shard: &Directory, page: &Page, first: Slot, cells: &mut [u64]) -> bool {
    let sequence = page.cell(first.index());
    // Acquire: pairs with the last store in `write`.
    let before = sequence.load(Ordering::Acquire);
    cells[0] = before;
    if before == 0 {
        return true;
    }
    if !before.is_multiple_of(STEP) {
        return false;
    }
    // A block of many pages begins with a page, another lies within one.
    let start = first.index() % PAGE_CELLS;
    let (head, rest) = cells.split_at_mut(cells.len().min(PAGE_CELLS - start));
    copy(page, start, head);
    for (part, cells) in (1..).zip(rest.chunks_mut(PAGE_CELLS)) {
        match shard.page(first.plus(part * PAGE_CELLS)) {
            Some(page) => copy(page, 0, cells),
            None => cells.fill(0),
        }
    }
    cells[0] = before;
    // Acquire: pairs with the fence in `write`.
    fence(Ordering::Acquire);
    // Relaxed: the fence orders it after the loads of the data.
    sequence.load(Ordering::Relaxed) == before
}

#[inline]
fn copy(page: &Page, start: usize, to: &mut [u64]) {
    for (to, cell) in to.iter_mut().zip(&page.cells()[start..]) {
        // Relaxed: whether it is taken is told by the sequence.
        *to = cell.load(Ordering::Relaxed);
    }
}
