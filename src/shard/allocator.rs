//! Which slots are in use. A page serves one purpose at a time: single cells, blocks of one length, or a part of a longer run; so a
//! fold knows what lies where from one number a page.

use std::collections::{BTreeMap, BTreeSet};

use super::page::{MAX_PAGES, PAGE_CELLS};
use super::slot::{Exhausted, Slot};

/// What a run is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// Cells that are counted in one by one: a single one, or whole pages.
    Cells,
    /// A single cell that holds the bits of a double.
    Float,
    /// Cells that are written together, the first of them their sequence.
    Block,
}

/// What lies in a page.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Layout {
    /// Single cells, or nothing yet.
    #[default]
    Cells,
    /// Single cells that hold the bits of doubles.
    Floats,
    /// Blocks of this many cells from the page's start, single cells in what is left. A block that is longer than a page goes on in the
    /// pages that follow.
    Blocks(u32),
    /// The continuation of a block that began in an earlier page.
    Continued,
}

impl Layout {
    /// The offsets at which blocks begin in the page, and their length.
    pub(super) fn blocks(self) -> (impl Iterator<Item = usize>, usize) {
        let (count, len) = match self {
            Layout::Blocks(len) => ((PAGE_CELLS / len as usize).max(1), len as usize),
            Layout::Cells | Layout::Floats | Layout::Continued => (0, PAGE_CELLS),
        };
        ((0..count).map(move |block| block * len), len)
    }

    /// Where the single cells begin in the page.
    pub(super) fn cells_from(self) -> usize {
        match self {
            Layout::Cells | Layout::Floats => 0,
            Layout::Blocks(len) if (len as usize) < PAGE_CELLS => PAGE_CELLS - PAGE_CELLS % len as usize,
            Layout::Blocks(_) | Layout::Continued => PAGE_CELLS,
        }
    }
}

/// Behind a mutex: it is entered when a series is made or dropped and once a fold, never when one is counted.
#[derive(Debug)]
pub(super) struct SlotAllocator {
    /// What lies in each page that was ever handed out. Page 0 is the sink.
    layouts: Vec<Layout>,
    /// Pages of which nothing is in use.
    free_pages: BTreeSet<usize>,
    /// Single cells that are free, of pages for doubles and of others: how many lie in a row within a page, by the first. An entry for
    /// each would be as much memory as the cell.
    free_floats: BTreeMap<Slot, usize>,
    free_cells: BTreeMap<Slot, usize>,
    /// First slots of the blocks that are free, of those that lie within a page, by length. As of all that is free, the lowest is taken
    /// first: the low ones are near (see `shard::current`).
    free_blocks: BTreeMap<usize, BTreeSet<Slot>>,
    /// Pages and slots of the runs that are a page or longer and out, by their first page.
    long: BTreeMap<usize, (usize, usize)>,
    /// Slots in runs that are out.
    used: usize,
}

impl SlotAllocator {
    pub(super) fn new() -> Self {
        Self {
            layouts: vec![Layout::Cells],
            free_pages: BTreeSet::new(),
            free_floats: BTreeMap::new(),
            free_cells: BTreeMap::new(),
            free_blocks: BTreeMap::new(),
            long: BTreeMap::new(),
            used: 0,
        }
    }

    pub(super) fn layouts(&self) -> &[Layout] {
        &self.layouts
    }

    pub(super) fn used(&self) -> usize {
        self.used
    }

    /// A run that has no owner.
    pub(super) fn take(&mut self, kind: Kind, len: usize) -> Result<Slot, Exhausted> {
        let first = match self.take_at_once(kind, len) {
            Some(first) => first,
            None => {
                self.reclaim_pages();
                self.take_at_once(kind, len).ok_or(Exhausted)?
            }
        };
        self.used += len;
        Ok(first)
    }

    /// Takes a run back by its first slot.
    pub(super) fn give_back(&mut self, first: Slot) {
        let page = first.page();
        let layout = self.layouts[page];
        self.used -= if let Some((pages, len)) = self.long.remove(&page) {
            self.free_pages.extend(page..page + pages);
            len
        } else if first.index() % PAGE_CELLS < layout.cells_from() {
            let (_, len) = layout.blocks();
            self.free_blocks.entry(len).or_default().insert(first);
            len
        } else {
            self.singles(layout).insert(first, 1);
            1
        };
    }

    fn take_at_once(&mut self, kind: Kind, len: usize) -> Option<Slot> {
        if len >= PAGE_CELLS {
            return self.take_pages(kind, len);
        }
        if let Some(first) = self.take_free(kind, len) {
            return Some(first);
        }
        let page = self.take_page()?;
        let layout = match kind {
            Kind::Cells => Layout::Cells,
            Kind::Float => Layout::Floats,
            Kind::Block => Layout::Blocks(len as u32),
        };
        self.layouts[page] = layout;
        let slot = |offset| Slot::at((page * PAGE_CELLS + offset) as u32);
        let singles = PAGE_CELLS - layout.cells_from();
        if singles > 0 {
            self.singles(layout).insert(slot(layout.cells_from()), singles);
        }
        let (blocks, len) = layout.blocks();
        self.free_blocks.entry(len).or_default().extend(blocks.map(slot));
        self.take_free(kind, len)
    }

    /// Takes a single cell or a block that is free.
    fn take_free(&mut self, kind: Kind, len: usize) -> Option<Slot> {
        let rows = match kind {
            Kind::Cells => &mut self.free_cells,
            Kind::Float => &mut self.free_floats,
            Kind::Block => return self.free_blocks.get_mut(&len)?.pop_first(),
        };
        let (first, len) = rows.pop_first()?;
        if len > 1 {
            rows.insert(first.plus(1), len - 1);
        }
        Some(first)
    }

    /// Where the free single cells of a page of this layout are.
    fn singles(&mut self, layout: Layout) -> &mut BTreeMap<Slot, usize> {
        if layout == Layout::Floats { &mut self.free_floats } else { &mut self.free_cells }
    }

    fn take_page(&mut self) -> Option<usize> {
        self.free_pages.pop_first().or_else(|| {
            let fresh = self.layouts.len();
            (fresh < MAX_PAGES).then(|| self.layouts.push(Layout::Cells))?;
            Some(fresh)
        })
    }

    /// A run of whole pages: free ones in a row, else such as nobody had.
    fn take_pages(&mut self, kind: Kind, len: usize) -> Option<Slot> {
        let count = len.div_ceil(PAGE_CELLS);
        let in_a_row = |&first: &usize| (first..first + count).all(|page| self.free_pages.contains(&page));
        let first = match self.free_pages.iter().copied().find(in_a_row) {
            Some(first) => {
                (first..first + count).for_each(|page| _ = self.free_pages.remove(&page));
                first
            }
            None => {
                let first = self.layouts.len();
                (first + count <= MAX_PAGES).then(|| self.layouts.resize(first + count, Layout::Cells))?;
                first
            }
        };
        let (head, rest) = match kind {
            Kind::Cells | Kind::Float => (Layout::Cells, Layout::Cells),
            Kind::Block => (Layout::Blocks(len as u32), Layout::Continued),
        };
        self.layouts[first..first + count].fill(rest);
        self.layouts[first] = head;
        self.long.insert(first, (count, len));
        Some(Slot::at((first * PAGE_CELLS) as u32))
    }

    /// Finds the pages of which every run has come back. Only where there is nothing else left: it looks at all that is free.
    fn reclaim_pages(&mut self) {
        let mut free = vec![0; self.layouts.len()];
        self.free_cells.iter().chain(&self.free_floats).for_each(|(first, len)| free[first.page()] += len);
        for (len, blocks) in &self.free_blocks {
            blocks.iter().for_each(|first| free[first.page()] += len);
        }
        let whole = |slot: &Slot| free[slot.page()] == PAGE_CELLS;
        self.free_cells.retain(|first, _| !whole(first));
        self.free_floats.retain(|first, _| !whole(first));
        self.free_blocks.values_mut().for_each(|blocks| blocks.retain(|first| !whole(first)));
        self.free_pages.extend((0..).zip(free).filter(|&(_, cells)| cells == PAGE_CELLS).map(|(page, _)| page));
    }
}

#[cfg(all(test, not(tachograph_loom)))]
mod tests {
    use super::super::page::MAX_SLOTS;
    use super::*;

    /// Takes runs until there are no more, and checks that no slot has two owners and that the layouts say where blocks are.
    fn fill(slots: &mut SlotAllocator, lens: &[(Kind, usize)]) -> Vec<(Slot, usize)> {
        let mut owned = vec![false; MAX_SLOTS];
        let mut runs = Vec::new();
        for &(kind, len) in lens.iter().cycle() {
            let Ok(first) = slots.take(kind, len) else { break };
            for owned in &mut owned[first.index()..][..len] {
                assert!(!std::mem::replace(owned, true), "{first:?} twice");
            }
            let offset = first.index() % PAGE_CELLS;
            assert!(offset == 0 || offset + len <= PAGE_CELLS, "{first:?} of {len} lies across pages");
            let layout = slots.layouts()[first.page()];
            let (mut blocks, of) = layout.blocks();
            assert_eq!(
                kind == Kind::Block,
                blocks.any(|block| block == offset) && of == len,
                "{first:?} of {len} in {layout:?}"
            );
            assert_eq!(kind != Kind::Block, layout.cells_from() <= offset);
            assert_eq!(kind == Kind::Float, layout == Layout::Floats);
            runs.push((first, len));
        }
        runs
    }

    #[test]
    fn what_blocks_leave_of_their_pages_serves_single_cells() {
        let mut slots = SlotAllocator::new();
        slots.take(Kind::Block, 13).unwrap();
        let pages = slots.layouts().len();
        for _ in 0..PAGE_CELLS % 13 {
            slots.take(Kind::Cells, 1).unwrap();
        }
        assert_eq!(slots.layouts().len(), pages);
    }

    #[test]
    fn every_slot_has_one_owner_until_the_space_is_full() {
        let mut slots = SlotAllocator::new();
        let (cells, block) = (Kind::Cells, Kind::Block);
        let lens = [(block, 13), (cells, 1), (Kind::Float, 1), (cells, 3_584), (block, 300), (block, 42)];
        let mut runs = fill(&mut slots, &lens);
        while slots.take(Kind::Cells, 1).is_ok() {}
        for len in [1, 128, 256] {
            assert_eq!(slots.take(Kind::Cells, len), Err(Exhausted), "{len}");
        }
        let (first, len) = runs.swap_remove(0);
        slots.give_back(first);
        assert_eq!(slots.take(Kind::Block, 14), Err(Exhausted));
        assert_eq!(slots.take(Kind::Block, len), Ok(first));
    }

    #[test]
    fn what_came_back_in_pieces_serves_longer_runs() {
        let mut slots = SlotAllocator::new();
        for (first, _) in fill(&mut slots, &[(Kind::Cells, 1), (Kind::Block, 13)]) {
            slots.give_back(first);
        }
        assert_eq!(slots.used(), 0);
        let (cells, block) = (Kind::Cells, Kind::Block);
        let runs = fill(&mut slots, &[(cells, 3_584), (block, 130), (block, 64), (Kind::Float, 1), (cells, 1)]);
        assert!(runs.len() > 4);
        for (first, _) in runs {
            slots.give_back(first);
        }
        assert_eq!(fill(&mut slots, &[(Kind::Cells, 128)]).len(), MAX_PAGES - 1);
    }
}
