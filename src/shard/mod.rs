//! Where writes land: one shard a thread, written by that thread alone, added up by the fold.
//!
//! Start with [`current`] (an increment), then [`block`] (an observation), [`slot`] (what they name) and [`allocator`] (who has it),
//! [`page`] (where it lies), [`overflow`] (when the thread has no shard of its own) and [`fold`] (how it is read).
//!
//! Invariants, each with its home: *single writer* (`current`), *free means unreachable* (`slot`), *shards are never cleared and
//! never freed* (here): a shard outlives its thread with its counts, so the sum over all shards is right at every moment and
//! nothing has to be carried over; memory follows the peak of live threads, not their number over time. Only a run that comes
//! back is zeroed in all of them, when nobody can hold it.
//!
//! Not for signal handlers: a handler that interrupts an increment of its own thread loses one of the two. A child after `fork`
//! counts on from its parent's values; shards of the parent's other threads stay as they were at the fork.

mod allocator;
mod block;
mod current;
mod fold;
#[cfg(all(test, tachograph_loom))]
mod models;
mod overflow;
mod page;
mod slot;

pub(crate) use block::{Add, HEAD, writes};
pub(crate) use current::{add_f64, inc_by, prepare, shielded, write, write_block, write_far};
pub(crate) use fold::Totals;
pub(crate) use page::PAGE_CELLS;
pub(crate) use slot::{Exhausted, NearSlot, Slot, SlotRun};

use allocator::SlotAllocator;
use page::Directory;

use crate::sync::{Mutex, lock, process_wide};

process_wide! {
    /// The one cell space of the process.
    static SPACE: Space = Space::new();
}

/// Slots and the shards that have cells for them.
pub(crate) struct Space {
    /// Entered when a series is made or dropped and once a fold: a mutex is enough.
    slots: Mutex<SlotAllocator>,
    /// Entered when a thread first counts, when it ends, and once a fold: a mutex is enough.
    shards: Mutex<Shards>,
    overflow: Directory,
    /// Held by who writes to a block of the overflow shard: there are several.
    overflow_blocks: Mutex<()>,
    reentrant: overflow::Reentrant,
}

impl Space {
    fn new() -> Self {
        Self {
            slots: Mutex::new(SlotAllocator::new()),
            shards: Mutex::new(Shards { all: Vec::new(), free: Vec::new() }),
            overflow: Directory::new(),
            overflow_blocks: Mutex::new(()),
            reentrant: overflow::Reentrant::new(),
        }
    }

    /// All shards now, the overflow shard last.
    fn shards(&'static self) -> Vec<&'static Directory> {
        shielded(|| lock(&self.shards).all.iter().copied().chain([&self.overflow]).collect())
    }
}

/// All shards ever made, and those whose thread has ended.
struct Shards {
    all: Vec<&'static Directory>,
    free: Vec<&'static Directory>,
}

impl Shards {
    /// A shard that some thread left behind, else a new one.
    fn take(&mut self) -> &'static Directory {
        self.free.pop().unwrap_or_else(|| {
            let shard: &'static Directory = Box::leak(Box::new(Directory::new()));
            self.all.push(shard);
            // Room for every shard, so that the end of a thread allocates nothing.
            self.free.reserve(self.all.len());
            shard
        })
    }

    fn give_back(&mut self, shard: &'static Directory) {
        self.free.push(shard);
    }
}

/// What the cell space holds.
///
/// # Examples
///
/// ```
/// let registry = tachograph::Registry::new();
/// let jobs = registry.counter("jobs_total", "Jobs done.")?;
/// std::thread::scope(|scope| _ = scope.spawn(|| jobs.inc()));
/// let stats = tachograph::engine_stats();
/// assert!(stats.shards >= 1 && stats.free_shards <= stats.shards);
/// assert!(stats.shard_bytes >= 8 * stats.shards);
/// # Ok::<(), tachograph::RegisterError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct EngineStats {
    /// Shards: the most threads that have counted at one time.
    pub shards: usize,
    /// Shards whose thread has ended, ready for the next one.
    pub free_shards: usize,
    /// Heap bytes of all shards' pages and directories.
    pub shard_bytes: usize,
    /// Slots that series of all registries hold.
    pub slots: usize,
    /// Increments and observations that were lost because an instrumented allocator has counted into more than 256 cells in all from
    /// inside this crate's own allocations.
    pub lost: u64,
}

/// Tells what the process-wide cell space holds now.
///
/// # Examples
///
/// ```
/// let registry = tachograph::Registry::new();
/// let jobs = registry.counter("jobs_total", "Jobs done.")?;
/// jobs.inc();
/// let stats = tachograph::engine_stats();
/// assert!(stats.shards >= 1 && stats.slots >= 1);
/// assert_eq!(stats.lost, 0);
/// # Ok::<(), tachograph::RegisterError>(())
/// ```
pub fn engine_stats() -> EngineStats {
    let (shards, free_shards) = {
        let shards = lock(&SPACE.shards);
        (shards.all.len(), shards.free.len())
    };
    let shard_bytes = SPACE.shards().iter().map(|shard| size_of::<Directory>() + shard.heap_bytes()).sum();
    let slots = lock(&SPACE.slots).used();
    EngineStats { shards, free_shards, shard_bytes, slots, lost: SPACE.reentrant.lost() }
}
