//! Slots: indices into the process-wide cell space, handed out in runs and taken back.
//!
//! A slot names one cell in *every* shard; its total is the sum of those cells. A run that had an owner before is zeroed in all
//! shards when it is handed out again.
//!
//! Invariant *free means unreachable*: a run goes back when its [`SlotRun`] is dropped, and every handle and label table that could
//! write to it holds the `Arc` in which the run lives; a lookup in flight borrows a table, which its guard keeps or which never
//! lets go of what it has. The last release of that `Arc` makes all their stores visible to the next `allocate`, which therefore
//! may store to cells of other threads' shards: nobody else does. Whoever gets the new run gets it after those stores.

use super::allocator::Kind;
use super::fold::Totals;
use super::page::{MAX_SLOTS, PAGE_CELLS};
use super::{SPACE, current};
use crate::sync::{Ordering, lock};

/// Index of a cell in every shard: below `MAX_SLOTS`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Slot(u32);

impl Slot {
    /// First slot of the sink, which is page 0 and never handed out nor given back.
    pub(crate) const SINK: Self = Self(0);

    pub(crate) const fn at(index: u32) -> Self {
        Self(index)
    }

    #[inline]
    pub(crate) const fn index(self) -> usize {
        self.0 as usize
    }

    /// The number of the page that it lies in.
    #[inline]
    pub(crate) const fn page(self) -> usize {
        self.index() / PAGE_CELLS
    }

    /// The slot `offset` places on.
    #[inline]
    pub(crate) const fn plus(self, offset: usize) -> Self {
        Self(self.0 + offset as u32)
    }
}

/// A slot as a hot path holds it: the number of its page stands in the highest byte, so that finding the page needs neither a shift nor
/// a test of a bound. `FAR` stands for all pages from there on.
#[derive(Clone, Copy, Debug)]
pub(crate) struct NearSlot(u32);

impl NearSlot {
    /// Pages that have a number of their own.
    pub(super) const FAR: usize = if cfg!(tachograph_loom) { 2 } else { u8::MAX as usize };

    const INDEX_BITS: u32 = u32::BITS - u8::BITS;

    /// The number of the page, or `FAR`.
    #[inline]
    pub(super) const fn page(self) -> u8 {
        (self.0 >> Self::INDEX_BITS) as u8
    }

    /// As a number, for an atomic: 0 of slot 0 alone.
    pub(crate) const fn bits(self) -> u32 {
        self.0
    }

    /// The inverse of `bits`.
    #[inline]
    pub(crate) const fn from_bits(bits: u32) -> Self {
        Self(bits)
    }

    #[inline]
    pub(crate) const fn slot(self) -> Slot {
        Slot(self.0 % (1 << Self::INDEX_BITS))
    }
}

const _: () = assert!(MAX_SLOTS <= 1 << NearSlot::INDEX_BITS);

impl From<Slot> for NearSlot {
    #[inline]
    fn from(slot: Slot) -> Self {
        let page = slot.page().min(Self::FAR) as u32;
        Self((page << Self::INDEX_BITS) | (slot.0 % (1 << Self::INDEX_BITS)))
    }
}

/// There is no run of that many slots left.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Exhausted;

/// A contiguous run of slots with one owner, who knows how many they are; dropping it gives the slots back.
#[derive(Debug)]
pub(crate) struct SlotRun(NearSlot);

impl SlotRun {
    /// Takes a cell, to be counted in by itself.
    pub(crate) fn cell() -> Result<Self, Exhausted> {
        Self::allocate(Kind::Cells, 1)
    }

    /// Takes a cell that holds a double.
    pub(crate) fn float() -> Result<Self, Exhausted> {
        Self::allocate(Kind::Float, 1)
    }

    /// Takes cells that are counted in one by one, from the start of a page on.
    pub(crate) fn pages(len: usize) -> Result<Self, Exhausted> {
        Self::allocate(Kind::Cells, len.next_multiple_of(PAGE_CELLS))
    }

    /// Takes a block: its first cell is its sequence (see `shard::block`). A block of at most a page's cells lies within one page, a
    /// longer one begins with a page.
    pub(crate) fn block(len: usize) -> Result<Self, Exhausted> {
        Self::allocate(Kind::Block, len)
    }

    fn allocate(kind: Kind, len: usize) -> Result<Self, Exhausted> {
        current::shielded(|| {
            let first = lock(&SPACE.slots).take(kind, len)?;
            // Ours from here on, so it needs no lock. If it panicked, the run would only never come back.
            SPACE.zero(first, len);
            Ok(Self(first.into()))
        })
    }

    /// A run whose cells nobody reads, shared by all who ask: where lookups land that found neither room nor an overflow series. It is
    /// a page long: who has more cells must not count in it.
    pub(crate) fn sink() -> Self {
        Self(Slot::SINK.into())
    }

    #[inline]
    pub(crate) const fn first(&self) -> Slot {
        self.0.slot()
    }

    /// The first slot, as a hot path wants it.
    #[inline]
    pub(crate) const fn near(&self) -> NearSlot {
        self.0
    }

    /// The total of one slot of the run out of a fold.
    #[inline]
    pub(crate) fn total(&self, totals: &Totals, offset: usize) -> u64 {
        if self.is_sink() { 0 } else { totals.of(self.first().plus(offset)) }
    }

    /// The totals of the first `len` slots of the run out of a fold.
    pub(crate) fn totals<'a>(&self, totals: &'a Totals, len: usize) -> impl Iterator<Item = u64> + use<'a> {
        let first = (!self.is_sink()).then_some(self.first());
        (0..len).map(move |offset| first.map_or(0, |first| totals.of(first.plus(offset))))
    }

    /// The totals of the `len` cells of a block, all of the same writes; `None` if the fold could not get them so.
    pub(crate) fn whole<'a>(&self, totals: &'a Totals, len: usize) -> Option<impl Iterator<Item = u64> + use<'a>> {
        (!totals.is_stale(self.first())).then(|| self.totals(totals, len))
    }

    /// The total of one slot, summed over the shards now.
    pub(crate) fn sum(&self, offset: usize) -> u64 {
        if self.is_sink() { 0 } else { SPACE.sum(self.first().plus(offset), u64::wrapping_add) }
    }

    /// The total of a cell of doubles out of a fold.
    pub(crate) fn total_f64(&self, totals: &Totals) -> f64 {
        f64::from_bits(self.total(totals, 0))
    }

    /// The total of a cell of doubles, summed over the shards now.
    pub(crate) fn sum_f64(&self) -> f64 {
        f64::from_bits(if self.is_sink() { 0 } else { SPACE.sum(self.first(), add_f64_bits) })
    }

    /// Whether this is the sink: it counts for nobody.
    #[inline]
    pub(crate) fn is_sink(&self) -> bool {
        self.first() == Slot::SINK
    }
}

impl Drop for SlotRun {
    fn drop(&mut self) {
        if !self.is_sink() {
            current::shielded(|| lock(&SPACE.slots).give_back(self.first()));
        }
    }
}

/// Adds doubles by their bits. The sum of numbers that only rise, taken in one order, never falls: rounding keeps the order.
#[inline]
pub(super) fn add_f64_bits(a: u64, b: u64) -> u64 {
    (f64::from_bits(a) + f64::from_bits(b)).to_bits()
}

impl super::Space {
    /// Zeroes a run of slots in all shards. Nobody else may hold it.
    fn zero(&'static self, first: Slot, len: usize) {
        let zero = |cell: &crate::sync::AtomicU64| {
            // Relaxed: earlier stores happened before, later ones will happen after; see the module header. Most are zero
            // already, and their line stays with its owner.
            if cell.load(Ordering::Relaxed) != 0 {
                cell.store(0, Ordering::Relaxed);
            }
        };
        for shard in self.shards() {
            (0..len).filter_map(|offset| shard.cell(first.plus(offset))).for_each(zero);
        }
        self.reentrant.for_each(|slot, count| {
            if (first..first.plus(len)).contains(&slot) {
                zero(count);
            }
        });
    }

    /// The total of one slot now.
    fn sum(&'static self, slot: Slot, add: fn(u64, u64) -> u64) -> u64 {
        // Relaxed: as in `fold`.
        let cells = self.shards().into_iter().filter_map(|shard| shard.cell(slot)).map(|cell| cell.load(Ordering::Relaxed));
        let mut sum = cells.fold(0, add);
        self.reentrant.for_each(|key, count| {
            if key == slot {
                sum = add(sum, count.load(Ordering::Relaxed));
            }
        });
        sum
    }
}
