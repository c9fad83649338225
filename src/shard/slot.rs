//! Slots: indices into the process-wide cell space, handed out in runs and taken back.
//!
//! A slot names one cell in *every* shard. Its total is the sum of those cells, less the base that the run found when it was
//! handed out: cells belong to the threads that write them, so a recycled slot is not zeroed; its next owner subtracts what
//! was there. The subtraction wraps, as the additions do, so the difference is right whatever the cells hold.
//!
//! Invariant *free means unreachable*: a run goes back when its [`SlotRun`] is dropped, and every handle, label table and
//! lookup in flight that could write to it holds the `Arc` in which the run lives. The last release of that `Arc` makes all
//! their stores visible to the next [`SlotRun::allocate`].

use std::collections::BTreeMap;

use super::fold::Totals;
use super::page::{MAX_SLOTS, PAGE_CELLS};
use super::{SPACE, current};
use crate::sync::lock;

/// Index of a cell in every shard: below [`MAX_SLOTS`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Slot(u32);

impl Slot {
    pub(crate) const fn at(index: u32) -> Self {
        Self(index)
    }

    #[inline]
    pub(crate) const fn index(self) -> usize {
        self.0 as usize
    }

    /// The slot `offset` places on.
    #[inline]
    pub(crate) const fn plus(self, offset: usize) -> Self {
        Self(self.0 + offset as u32)
    }
}

/// First slot of the sink, which is page 0 and never handed out nor given back.
const SINK: Slot = Slot::at(0);

/// There is no run of that many slots left.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Exhausted;

/// A contiguous run of slots with one owner; dropping it gives the slots back.
#[derive(Debug)]
pub(crate) struct SlotRun {
    first: Slot,
    /// Slots in the run: at least 1.
    len: u32,
    /// What each cell's total was when the run was handed out; `None` where all were zero, as they are in slots that nobody
    /// had before. Boxed twice, so that the many runs without one pay 8 bytes for it.
    base: Option<Box<Box<[u64]>>>,
}

impl SlotRun {
    /// Takes a run of `len` slots. A run of at most a page's cells lies within one page, a longer one begins with a page.
    pub(crate) fn allocate(len: usize) -> Result<Self, Exhausted> {
        current::shielded(|| {
            let (first, recycled) = lock(&SPACE.slots).take(len)?;
            // The run is ours from here on, so its cells stand still and the sum needs no lock.
            let base: Option<Box<[u64]>> = recycled.then(|| (0..len).map(|offset| SPACE.sum(first.plus(offset))).collect());
            let base = base.filter(|base| base.iter().any(|&cell| cell != 0)).map(Box::new);
            Ok(Self { first, len: len as u32, base })
        })
    }

    /// A run whose cells nobody reads, shared by all who ask: where lookups land that found neither room nor an overflow series.
    pub(crate) fn sink(len: usize) -> Self {
        assert!(len <= PAGE_CELLS, "the sink is one page");
        Self { first: SINK, len: len as u32, base: None }
    }

    #[inline]
    pub(crate) const fn first(&self) -> Slot {
        self.first
    }

    pub(crate) const fn len(&self) -> usize {
        self.len as usize
    }

    /// The total of one slot of the run out of a fold.
    #[inline]
    pub(crate) fn total(&self, totals: &Totals, offset: usize) -> u64 {
        if self.is_sink() {
            return 0;
        }
        totals.of(self.first.plus(offset)).wrapping_sub(self.base(offset))
    }

    /// The totals of all slots of the run out of a fold.
    pub(crate) fn totals<'a>(&'a self, totals: &'a Totals) -> impl Iterator<Item = u64> + 'a {
        (0..self.len()).map(|offset| self.total(totals, offset))
    }

    /// The total of one slot, summed over the shards now.
    pub(crate) fn sum(&self, offset: usize) -> u64 {
        if self.is_sink() {
            return 0;
        }
        SPACE.sum(self.first.plus(offset)).wrapping_sub(self.base(offset))
    }

    /// Whether this is the sink: it counts for nobody.
    #[inline]
    pub(crate) fn is_sink(&self) -> bool {
        self.first == SINK
    }

    #[inline]
    fn base(&self, offset: usize) -> u64 {
        self.base.as_ref().map_or(0, |base| base[offset])
    }
}

impl Drop for SlotRun {
    fn drop(&mut self) {
        if !self.is_sink() {
            current::shielded(|| lock(&SPACE.slots).give_back(self.first, self.len()));
        }
    }
}

/// Which slots are in use. Behind a mutex: it is entered when a series is made or dropped, never when one is counted.
#[derive(Debug)]
pub(crate) struct SlotAllocator {
    /// First slot that nobody has had yet. Page 0 is the sink.
    next: usize,
    /// First slots of the runs that were given back, by length.
    free: BTreeMap<usize, Vec<Slot>>,
    /// Slots in runs that are out.
    used: usize,
}

impl SlotAllocator {
    pub(crate) fn new() -> Self {
        Self { next: PAGE_CELLS, free: BTreeMap::new(), used: 0 }
    }

    /// One past the highest slot ever handed out.
    pub(crate) fn high_water(&self) -> usize {
        self.next
    }

    pub(crate) fn used(&self) -> usize {
        self.used
    }

    /// A run and whether somebody had it before: a run of this very length that came back, else slots that nobody had, else a
    /// piece of a longer run, at last one put together from neighbours.
    fn take(&mut self, len: usize) -> Result<(Slot, bool), Exhausted> {
        let run = if let Some(first) = self.free.get_mut(&len).and_then(Vec::pop) {
            (first, true)
        } else if let Some(first) = self.take_fresh(len) {
            (first, false)
        } else if let Some(first) = self.split_longer(len) {
            (first, true)
        } else {
            self.merge_neighbours();
            (self.split_longer(len).ok_or(Exhausted)?, true)
        };
        self.used += len;
        Ok(run)
    }

    fn take_fresh(&mut self, len: usize) -> Option<Slot> {
        let left_in_page = PAGE_CELLS - self.next % PAGE_CELLS;
        let skipped = if len <= left_in_page { 0 } else { left_in_page % PAGE_CELLS };
        let first = self.next + skipped;
        if first + len > MAX_SLOTS {
            return None;
        }
        // What is left of a page that the run does not fit into serves single cells.
        let singles = (self.next..first).map(|slot| Slot(slot as u32));
        if skipped > 0 {
            self.free.entry(1).or_default().extend(singles);
        }
        self.next = first + len;
        Some(Slot(first as u32))
    }

    /// Cuts a run from one that is as long or longer. What is cut off lies within one page, unless it is longer than a page and
    /// then begins with one, as do all runs that are longer.
    fn split_longer(&mut self, len: usize) -> Option<Slot> {
        let (&longer, _) = self.free.range(len..).find(|(_, runs)| !runs.is_empty())?;
        let first = self.free.get_mut(&longer).and_then(Vec::pop)?;
        // The rest of the last page that is cut into, and the pages after it, are runs of their own.
        let rest = (len..longer.min(len.next_multiple_of(PAGE_CELLS))).len();
        for (offset, rest) in [(len, rest), (len + rest, longer - len - rest)] {
            if rest > 0 {
                self.free.entry(rest).or_default().push(first.plus(offset));
            }
        }
        Some(first)
    }

    /// Puts free runs that touch together: as many whole pages as there are in a row, and the pieces before and after them.
    fn merge_neighbours(&mut self) {
        let mut runs: Vec<(usize, usize)> = std::mem::take(&mut self.free)
            .into_iter()
            .flat_map(|(len, runs)| runs.into_iter().map(move |first| (first.index(), len)))
            .collect();
        runs.sort_unstable();
        runs.dedup_by(|(next, len), (first, whole)| {
            let touch = *first + *whole == *next;
            *whole += if touch { *len } else { 0 };
            touch
        });
        for (first, len) in runs {
            let end = first + len;
            let pages = first.next_multiple_of(PAGE_CELLS).min(end);
            let after = (end / PAGE_CELLS * PAGE_CELLS).max(pages);
            for (first, end) in [(first, pages), (pages, after), (after, end)] {
                if first < end {
                    self.free.entry(end - first).or_default().push(Slot(first as u32));
                }
            }
        }
    }

    fn give_back(&mut self, first: Slot, len: usize) {
        self.used -= len;
        self.free.entry(len).or_default().push(first);
    }
}

#[cfg(all(test, not(tachograph_loom)))]
mod tests {
    use super::*;

    #[test]
    fn a_run_of_a_page_or_less_lies_within_one_page() {
        let mut slots = SlotAllocator::new();
        for len in [1, 100, 13, 13, 27, 128, 5, 124, 90] {
            let (first, _) = slots.take(len).unwrap();
            assert_eq!(first.index() / PAGE_CELLS, (first.index() + len - 1) / PAGE_CELLS, "{len}");
        }
    }

    #[test]
    fn the_end_of_a_page_serves_single_cells() {
        let mut slots = SlotAllocator::new();
        slots.take(PAGE_CELLS - 2).unwrap();
        slots.take(3).unwrap();
        let before = slots.high_water();
        slots.take(1).unwrap();
        slots.take(1).unwrap();
        assert_eq!(slots.high_water(), before);
    }

    /// Takes runs until there are no more, and checks that no slot has two owners.
    fn fill(slots: &mut SlotAllocator, lens: &[usize]) -> Vec<(Slot, usize)> {
        let mut owned = vec![false; MAX_SLOTS];
        let mut runs = Vec::new();
        for &len in lens.iter().cycle() {
            let Ok((first, _)) = slots.take(len) else { break };
            for (slot, owned) in owned.iter_mut().enumerate().skip(first.index()).take(len) {
                assert!(!std::mem::replace(owned, true), "slot {slot} twice");
            }
            if len <= PAGE_CELLS {
                assert_eq!(first.index() / PAGE_CELLS, (first.index() + len - 1) / PAGE_CELLS, "{len}");
            }
            runs.push((first, len));
        }
        runs
    }

    #[test]
    fn every_slot_has_one_owner_until_the_space_is_full() {
        let mut slots = SlotAllocator::new();
        let mut runs = fill(&mut slots, &[64, 40, 3_584, 128, 7]);
        while slots.take(1).is_ok() {}
        for len in [1, 128, 129, 3_584] {
            assert_eq!(slots.take(len), Err(Exhausted), "{len}");
        }
        let (first, len) = runs.swap_remove(0);
        slots.give_back(first, len);
        assert_eq!(slots.take(len - 1), Ok((first, true)));
        assert_eq!(slots.take(1), Ok((first.plus(len - 1), true)));
        assert_eq!(slots.take(1), Err(Exhausted));
    }

    #[test]
    fn pieces_of_a_long_run_lie_within_one_page_each() {
        let mut slots = SlotAllocator::new();
        slots.take(45).unwrap();
        let (long, _) = slots.take(3_584).unwrap();
        while slots.take(PAGE_CELLS).is_ok() {}
        while slots.take(1).is_ok() {}
        slots.give_back(long, 3_584);
        let mut pieces = 0;
        while let Ok((first, _)) = slots.take(13) {
            assert_eq!(first.index() / PAGE_CELLS, (first.index() + 12) / PAGE_CELLS);
            pieces += 1;
        }
        assert_eq!(pieces, 28 * 9);
    }

    #[test]
    fn what_came_back_in_pieces_serves_longer_runs() {
        let mut slots = SlotAllocator::new();
        for (first, len) in fill(&mut slots, &[1]) {
            slots.give_back(first, len);
        }
        assert_eq!(slots.used(), 0);
        let runs = fill(&mut slots, &[3_584, 13, 128, 1]);
        assert!(runs.len() > 4);
        for (first, len) in runs {
            slots.give_back(first, len);
        }
        assert_eq!(fill(&mut slots, &[128]).len(), MAX_SLOTS / PAGE_CELLS - 1);
    }
}
