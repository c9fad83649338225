//! The cells of one shard: pages, each allocated when it is first touched and never moved or freed, and the table of them.
//!
//! Written by the shard's owner alone (the overflow shard: by anyone), read by every fold. The owner finds its pages through
//! `shard::current`, which remembers them; this table is for readers, and for what lies far out.
//!
//! # Orderings
//!
//! A page and a level of the table are published through [`OnceLock`]: a reader that sees one sees it zeroed. The cells
//! themselves need no ordering; see `shard::current` and `shard::block` for why.

use crossbeam_utils::CachePadded;

use super::slot::Slot;
use crate::sync::{AtomicU64, OnceLock, filled};

/// Cells a page: a power of two. 128 cells are 1 KiB, which is also one power of two of the latency window's array: a thread pays
/// for the magnitudes that its requests have, not for the 28 KiB that the array could be.
pub(crate) const PAGE_CELLS: usize = if cfg!(tachograph_loom) { 4 } else { 128 };

/// Pages in the first level of the table, each further level has twice as many: a power of two. A process with 4 096 cells pays
/// half a kilobyte a thread for the table, not for all that it could hold.
const FIRST_LEVEL_PAGES: usize = if cfg!(tachograph_loom) { 1 } else { 32 };
const LEVELS: usize = if cfg!(tachograph_loom) { 4 } else { 11 };

/// Pages a shard may have.
pub(super) const MAX_PAGES: usize = FIRST_LEVEL_PAGES * ((1 << LEVELS) - 1);

/// Slots in the process, all registries together.
pub(crate) const MAX_SLOTS: usize = PAGE_CELLS * MAX_PAGES;

const _: () = assert!(PAGE_CELLS.is_power_of_two() && FIRST_LEVEL_PAGES.is_power_of_two());
const _: () = assert!(MAX_SLOTS <= u32::MAX as usize);

/// A run of cells on cache lines of its own: two threads' pages never share a line.
#[derive(Debug)]
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

    /// The `LEN` cells from there on, if they lie within the page.
    #[inline]
    pub(crate) fn block<const LEN: usize>(&self, offset: usize) -> Option<&[AtomicU64; LEN]> {
        self.0[offset % PAGE_CELLS..].first_chunk()
    }

    pub(crate) fn cells(&self) -> &[AtomicU64; PAGE_CELLS] {
        &self.0
    }
}

/// One level of the table: a power of two of places.
type Level = Box<[OnceLock<Box<Page>>]>;

/// The page table of one shard.
pub(crate) struct Directory([OnceLock<Level>; LEVELS]);

/// The level of a page and its place in it.
#[inline]
fn place(page: usize) -> (usize, usize) {
    let level = (page / FIRST_LEVEL_PAGES + 1).ilog2() as usize;
    (level, page - first_page(level))
}

/// The first page of a level.
fn first_page(level: usize) -> usize {
    FIRST_LEVEL_PAGES * ((1 << level) - 1)
}

impl Directory {
    pub(crate) fn new() -> Self {
        Self(std::array::from_fn(|_| OnceLock::new()))
    }

    /// The page that holds a slot, if it has been touched.
    #[inline]
    pub(crate) fn page(&self, slot: Slot) -> Option<&Page> {
        let (level, place) = place(slot.page());
        self.0.get(level)?.get()?.get(place)?.get().map(|page| &**page)
    }

    /// The cell of a slot, if its page has been touched.
    pub(crate) fn cell(&self, slot: Slot) -> Option<&AtomicU64> {
        self.page(slot).map(|page| page.cell(slot.index()))
    }

    /// The page that holds a slot, allocated now if it has not been touched.
    ///
    /// The allocation runs before the `OnceLock` is entered, so an allocator that increments a counter meets no lock here.
    pub(crate) fn touch(&self, slot: Slot) -> &Page {
        let (level, place) = place(slot.page());
        let places = filled(&self.0[level], || (0..FIRST_LEVEL_PAGES << level).map(|_| OnceLock::new()).collect());
        filled::<Box<Page>>(&places[place], Page::boxed)
    }

    /// The touched pages, each with its number, ascending.
    pub(crate) fn pages(&self) -> impl Iterator<Item = (usize, &Page)> {
        self.0.iter().enumerate().filter_map(|(level, places)| Some((level, places.get()?))).flat_map(|(level, places)| {
            let numbered = (first_page(level)..).zip(places.iter());
            numbered.filter_map(|(number, place)| Some((number, &**place.get()?)))
        })
    }

    /// Heap bytes behind the directory, the directory itself left out.
    pub(crate) fn heap_bytes(&self) -> usize {
        let levels: usize = self.0.iter().filter_map(|places| places.get()).map(|places| size_of_val(&**places)).sum();
        levels + self.pages().count() * size_of::<Page>()
    }
}

#[cfg(all(test, not(tachograph_loom)))]
mod tests {
    use super::*;

    #[test]
    fn pages_of_two_shards_share_no_cache_line() {
        // Two lines on processors that fetch two at once, and those have 64 bits.
        let lines = if cfg!(target_pointer_width = "64") { 128 } else { 32 };
        assert_eq!(align_of::<Page>() % lines, 0);
        assert_eq!(size_of::<Page>(), PAGE_CELLS * 8);
    }

    #[test]
    fn every_page_has_a_place_of_its_own() {
        let mut expected = (0, 0);
        for page in 0..MAX_PAGES {
            assert_eq!(place(page), expected);
            expected.1 += 1;
            if expected.1 == FIRST_LEVEL_PAGES << expected.0 {
                expected = (expected.0 + 1, 0);
            }
        }
        assert_eq!(expected, (LEVELS, 0));
    }

    #[test]
    fn only_touched_pages_exist() {
        let directory = Directory::new();
        let slot = |index: usize| Slot::at(u32::try_from(index).unwrap());
        let last = MAX_SLOTS - 1;
        assert!(directory.page(slot(last)).is_none());
        directory.touch(slot(last));
        directory.touch(slot(0));
        let numbers: Vec<usize> = directory.pages().map(|(number, _)| number).collect();
        assert_eq!(numbers, [0, MAX_PAGES - 1]);
        assert!(directory.page(slot(PAGE_CELLS)).is_none());
        let places = (FIRST_LEVEL_PAGES + (FIRST_LEVEL_PAGES << (LEVELS - 1))) * size_of::<OnceLock<Box<Page>>>();
        assert_eq!(directory.heap_bytes(), places + 2 * size_of::<Page>());
    }
}
