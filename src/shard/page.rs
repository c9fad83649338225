//! The cells of one shard: a two-level directory of pages, each allocated when it is first touched and never moved or freed.
//!
//! Written by the shard's owner alone (the overflow shard: by anyone), read by every fold.
//!
//! # Orderings
//!
//! A page and a leaf are published through [`OnceLock`]: a reader that sees one sees it zeroed. The cells themselves need no
//! ordering; see `shard::current` for why an increment may be Relaxed.

use crossbeam_utils::CachePadded;

use super::slot::Slot;
use crate::sync::{AtomicU64, OnceLock};

/// Cells a page: a power of two. 128 cells are 1 KiB, which is also one power of two of the latency window's array: a thread pays
/// for the magnitudes that its requests have, not for the 28 KiB that the array could be.
pub(crate) const PAGE_CELLS: usize = if cfg!(tachograph_loom) { 2 } else { 128 };
/// Pages a leaf and leaves a directory: powers of two, so that a masked index needs no bounds check. 256 of each make the two
/// levels 4 KiB each and room for 8 388 608 slots.
const LEAF_PAGES: usize = if cfg!(tachograph_loom) { 2 } else { 256 };
const DIRECTORY_LEAVES: usize = if cfg!(tachograph_loom) { 2 } else { 256 };

/// Slots in the process, all registries together.
pub(crate) const MAX_SLOTS: usize = PAGE_CELLS * LEAF_PAGES * DIRECTORY_LEAVES;

const _: () = assert!(PAGE_CELLS.is_power_of_two() && LEAF_PAGES.is_power_of_two() && DIRECTORY_LEAVES.is_power_of_two());
const _: () = assert!(MAX_SLOTS <= u32::MAX as usize);

/// A run of cells on cache lines of its own: two threads' pages never share a line.
pub(crate) struct Page(CachePadded<[AtomicU64; PAGE_CELLS]>);

impl Page {
    fn boxed() -> Box<Self> {
        Box::new(Self(CachePadded::new(std::array::from_fn(|_| AtomicU64::new(0)))))
    }

    /// The cell at an offset from the page's first, taken modulo the page.
    #[inline]
    pub(crate) fn cell(&self, offset: usize) -> &AtomicU64 {
        &self.0[offset % PAGE_CELLS]
    }

    pub(crate) fn cells(&self) -> &[AtomicU64; PAGE_CELLS] {
        &self.0
    }
}

struct Leaf([OnceLock<Box<Page>>; LEAF_PAGES]);

/// The page table of one shard.
pub(crate) struct Directory([OnceLock<Box<Leaf>>; DIRECTORY_LEAVES]);

impl Directory {
    pub(crate) fn new() -> Self {
        Self(std::array::from_fn(|_| OnceLock::new()))
    }

    /// The page that holds a slot, if it has been touched.
    #[inline]
    pub(crate) fn page(&self, slot: Slot) -> Option<&Page> {
        let page = slot.index() / PAGE_CELLS;
        let leaf = self.0[(page / LEAF_PAGES) % DIRECTORY_LEAVES].get()?;
        leaf.0[page % LEAF_PAGES].get().map(|page| &**page)
    }

    /// The page that holds a slot, allocated now if it has not been touched.
    ///
    /// The allocation runs before the `OnceLock` is entered, so an allocator that increments a counter meets no lock here.
    pub(crate) fn touch(&self, slot: Slot) -> &Page {
        let page = slot.index() / PAGE_CELLS;
        let leaf = filled(&self.0[(page / LEAF_PAGES) % DIRECTORY_LEAVES], || {
            Box::new(Leaf(std::array::from_fn(|_| OnceLock::new())))
        });
        filled(&leaf.0[page % LEAF_PAGES], Page::boxed)
    }

    /// The touched pages, each with the index of its first slot, ascending.
    pub(crate) fn pages(&self) -> impl Iterator<Item = (usize, &Page)> {
        self.0.iter().enumerate().filter_map(|(leaf, entry)| Some((leaf, entry.get()?))).flat_map(|(leaf, pages)| {
            pages
                .0
                .iter()
                .enumerate()
                .filter_map(move |(page, entry)| Some(((leaf * LEAF_PAGES + page) * PAGE_CELLS, &**entry.get()?)))
        })
    }

    /// Heap bytes behind the directory, the directory itself left out.
    pub(crate) fn heap_bytes(&self) -> usize {
        let leaves = self.0.iter().filter(|leaf| leaf.get().is_some()).count();
        leaves * size_of::<Leaf>() + self.pages().count() * size_of::<Page>()
    }
}

/// What the lock holds, made now if it is empty. Two threads may both make one; the loser's is dropped.
fn filled<T>(lock: &OnceLock<Box<T>>, make: impl FnOnce() -> Box<T>) -> &T {
    if lock.get().is_none() {
        let _ = lock.set(make());
    }
    lock.get().expect("the lock was filled above, by us or by another")
}

#[cfg(all(test, not(tachograph_loom)))]
mod tests {
    use super::*;

    #[test]
    fn pages_of_two_shards_share_no_cache_line() {
        assert_eq!(align_of::<Page>() % 128, 0);
        assert_eq!(size_of::<Page>(), PAGE_CELLS * 8);
    }

    #[test]
    fn only_touched_pages_exist() {
        let directory = Directory::new();
        let slot = |index: usize| Slot::at(u32::try_from(index).unwrap());
        let last = MAX_SLOTS - 1;
        assert!(directory.page(slot(last)).is_none());
        directory.touch(slot(last));
        directory.touch(slot(0));
        let firsts: Vec<usize> = directory.pages().map(|(first, _)| first).collect();
        assert_eq!(firsts, [0, MAX_SLOTS - PAGE_CELLS]);
        assert!(directory.page(slot(PAGE_CELLS)).is_none());
        assert_eq!(directory.heap_bytes(), 2 * size_of::<Leaf>() + 2 * size_of::<Page>());
    }
}
