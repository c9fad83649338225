//! The handles that a thread has made, so that it finds them again without a lock.
//!
//! A handle is the thread's own: taking one counts a reference that no other thread counts, so threads that use one metric do not meet.

use std::cell::RefCell;
use std::collections::HashMap;
use std::hash::{BuildHasherDefault, Hasher};
use std::sync::{Arc, Weak};

use metrics::Key;

use super::family::Made;
use super::handle::Handle;
use super::recorder::Core;
use crate::metric::counter::Counter;
use crate::metric::gauge::Gauge;
use crate::metric::histogram::Histogram;

/// Handles of one kind that a thread holds for a recorder at most. Past it all of them go: those that are in use come back. The facade's
/// hashes can be foreseen, so labels could be made to meet in a long chain: this is also how long it can get.
const MOST: usize = 4_096;

/// Bytes of a key that is held, so that those of a kind take 4 MiB at most: labels that a series does not have, because they have no value
/// or are one too many, are part of a key, and may be of any length.
const LONGEST_KEY: usize = 1_024;

type Handles<M> = HashMap<Key, Arc<Handle<M>>, BuildHasherDefault<KeyHasher>>;

/// What a thread holds for one recorder.
#[derive(Default)]
pub(super) struct Held {
    core: Weak<Core>,
    counters: Handles<Counter>,
    gauges: Handles<Gauge>,
    histograms: Handles<Histogram>,
}

thread_local! {
    /// One, but in tests.
    static HELD: RefCell<Vec<Held>> = const { RefCell::new(Vec::new()) };
}

/// Where the handles of a kind of metric are held.
pub(super) trait Holds: Sized + 'static {
    fn handles(held: &mut Held) -> &mut Handles<Self>;
}

impl Holds for Counter {
    #[inline]
    fn handles(held: &mut Held) -> &mut Handles<Self> {
        &mut held.counters
    }
}

impl Holds for Gauge {
    #[inline]
    fn handles(held: &mut Held) -> &mut Handles<Self> {
        &mut held.gauges
    }
}

impl Holds for Histogram {
    #[inline]
    fn handles(held: &mut Held) -> &mut Handles<Self> {
        &mut held.histograms
    }
}

/// The calling thread's handle to the metric of this key; `make` makes it if there is none. A thread that is about to end, or that is
/// in the middle of this, has one made each time.
#[inline]
pub(super) fn handle<M: Holds>(core: &Arc<Core>, key: &Key, make: impl FnOnce() -> Made<M>) -> Arc<Handle<M>> {
    let found = HELD.try_with(|held| {
        let mut held = held.try_borrow_mut().ok()?;
        let of_core = held.iter_mut().find(|held| std::ptr::eq(held.core.as_ptr(), Arc::as_ptr(core)))?;
        M::handles(of_core).get(key).cloned()
    });
    found.ok().flatten().unwrap_or_else(|| {
        let Made { metric, is_own } = make();
        let handle = Arc::new(Handle(metric));
        // What stands for many would only be in the way of others.
        if is_own && len(key) <= LONGEST_KEY {
            keep(core, key, &handle);
        }
        handle
    })
}

/// Keeps a handle that was made. Nothing is borrowed while one is made or dropped: that may allocate, and who allocates may count.
#[cold]
fn keep<M: Holds>(core: &Arc<Core>, key: &Key, handle: &Arc<Handle<M>>) {
    let (kept, key) = (Arc::clone(handle), key.to_retained());
    let _ = HELD.try_with(|all| {
        let mut gone = (Vec::new(), Handles::<M>::default());
        if let Ok(mut all) = all.try_borrow_mut() {
            let at = all.iter().position(|held| std::ptr::eq(held.core.as_ptr(), Arc::as_ptr(core)));
            let at = at.unwrap_or_else(|| {
                // Those whose recorder is gone go with it.
                let (living, dead) = std::mem::take(&mut *all).into_iter().partition(|held| held.core.strong_count() > 0);
                (*all, gone.0) = (living, dead);
                all.push(Held { core: Arc::downgrade(core), ..Held::default() });
                all.len() - 1
            });
            let handles = M::handles(&mut all[at]);
            if handles.len() >= MOST {
                gone.1 = std::mem::take(handles);
            }
            handles.insert(key, kept);
        }
    });
}

/// Bytes of the texts of a key.
fn len(key: &Key) -> usize {
    key.name().len() + key.labels().map(|label| label.key().len() + label.value().len()).sum::<usize>()
}

/// A key has its hash with it.
#[derive(Default)]
pub(super) struct KeyHasher(u64);

impl Hasher for KeyHasher {
    fn finish(&self) -> u64 {
        self.0
    }

    #[inline]
    fn write_u64(&mut self, hash: u64) {
        // Folded, as the map takes the highest bits and the lowest ones.
        let product = u128::from(self.0 ^ hash) * u128::from(0x9e37_79b9_7f4a_7c15_u64);
        self.0 = product as u64 ^ (product >> 64) as u64;
    }

    fn write(&mut self, bytes: &[u8]) {
        bytes.iter().for_each(|&byte| self.write_u64(byte.into()));
    }
}
