//! The label table: from label values to a series, looked up without a lock.
//!
//! An open-addressing table of [`OnceLock`]s that is only ever appended to. A series that is removed is marked, and passed over from
//! then on; when the table is to grow, or a quarter of it is marked, it is replaced whole. Entries are shared between the old
//! table and the new one, so a count is never forked.
//!
//! Read by every lookup; written under one mutex, which is entered when a series is made or removed and once a scrape: the hit
//! path never meets it.
//!
//! # Orderings
//!
//! - An entry is published by `OnceLock::set` (Release) in `insert` and found by `get` (Acquire) in `Table::find`.
//! - A table is published by `ArcSwap::store` in `insert` and `remove`, found by `load` in `look_up`. A lookup that still has
//!   the old table may miss a newer entry; it then comes to `insert`, which looks again under the mutex.
//! - A lookup keeps its guard until its store is done. So the slots of a removed series are free only once the table that named it
//!   is replaced and the last lookup is done that could have found it (*free means unreachable*, see `shard::slot`).
//! - The mark of a removed series, in its state, is Relaxed: a lookup that does not see it yet came before the removal.

use std::hash::{BuildHasher, Hasher};

use super::label::{LabelNames, by_value};
use super::series::Series;
use crate::sync::{Arc, ArcSwap, AtomicU64, HashSeeds, Mutex, MutexGuard, OnceLock, Ordering, lock};

/// Why a series was not inserted.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Refused<E> {
    /// The table holds as many series as it may.
    Full,
    /// The value could not be made.
    Failed(E),
}

/// A series in order, for a snapshot.
pub(crate) type Sorted<V> = std::sync::Arc<[Series<V>]>;

#[derive(Debug)]
pub(crate) struct LabelTable<V> {
    names: LabelNames,
    hasher: HashSeeds,
    current: ArcSwap<Table<V>>,
    writing: Mutex<Writing<V>>,
    /// Series now; written under the mutex, for those who only want to know whether there is room.
    len: AtomicU64,
}

#[derive(Debug)]
struct Writing<V> {
    /// Series that are marked as removed and still in the table.
    removed: usize,
    /// The series by label values, as long as none came or went since they were sorted.
    sorted: Option<Sorted<V>>,
    /// Counts the series that came and went.
    changes: u64,
}

/// A power of two of places, at most three quarters of them filled.
#[derive(Debug)]
struct Table<V>(Box<[OnceLock<Series<V>>]>);

const FIRST_PLACES: usize = if cfg!(tachograph_loom) { 2 } else { 4 };

impl<V> LabelTable<V> {
    pub(crate) fn new(names: &[&str]) -> Self {
        Self {
            names: LabelNames::new(names),
            hasher: HashSeeds::default(),
            current: ArcSwap::from_pointee(Table::with_places(FIRST_PLACES)),
            writing: Mutex::new(Writing { removed: 0, sorted: None, changes: 0 }),
            len: AtomicU64::new(0),
        }
    }

    /// Calls `f` with the series of these values while nothing can take it away; `None` when there is none (or none yet
    /// visible here: `insert` will tell).
    #[inline]
    pub(crate) fn look_up<R>(&self, values: &[&str], f: impl FnOnce(&Series<V>) -> R) -> Option<R> {
        let hash = self.hash(values);
        // The guard lives until `f` is done.
        let table = self.current.load();
        table.find(&self.names, hash, values).map(f)
    }

    /// The series of these values, made now if there is none and fewer than `limit` exist.
    pub(crate) fn insert<E>(
        &self,
        values: &[&str],
        limit: usize,
        make: impl FnOnce() -> Result<V, E>,
    ) -> Result<Series<V>, Refused<E>> {
        let hash = self.hash(values);
        let mut writing = lock(&self.writing);
        let table = self.current.load();
        if let Some(entry) = table.find(&self.names, hash, values) {
            return Ok(entry.clone());
        }
        let len = self.len();
        if len >= limit {
            return Err(Refused::Full);
        }
        let value = make().map_err(Refused::Failed)?;
        let entry = Series::new(hash, &self.names, values, value);
        if (len + writing.removed + 1) * 4 > table.0.len() * 3 {
            // At least twice the room if it is the living that fill it.
            let places = if (len + 1) * 2 > table.0.len() { table.0.len() * 2 } else { table.0.len() };
            let grown = table.rebuilt(places);
            grown.put(entry.clone());
            self.current.store(Arc::new(grown));
            writing.removed = 0;
        } else {
            table.put(entry.clone());
        }
        self.changed(writing, len + 1);
        Ok(entry)
    }

    /// Takes a series out; whether there was one. Handles to it go on counting, but into a cell that is no longer exposed.
    pub(crate) fn remove(&self, values: &[&str]) -> bool {
        let hash = self.hash(values);
        let writing = lock(&self.writing);
        let table = self.current.load();
        let Some(gone) = table.find(&self.names, hash, values) else { return false };
        self.take_out(writing, &table, &[gone]);
        true
    }

    /// Takes out the series that `keep` does not want, as `remove` does. `keep` is called with the mutex held.
    pub(crate) fn retain(&self, keep: impl Fn(&V) -> bool) {
        let writing = lock(&self.writing);
        let table = self.current.load();
        let gone: Vec<_> = table.entries().filter(|entry| !keep(&entry.value)).collect();
        if !gone.is_empty() {
            self.take_out(writing, &table, &gone);
        }
    }

    fn take_out(&self, mut writing: MutexGuard<'_, Writing<V>>, table: &Table<V>, gone: &[&Series<V>]) {
        gone.iter().for_each(|entry| entry.remove());
        writing.removed += gone.len();
        if writing.removed * 4 >= table.0.len() {
            self.current.store(Arc::new(table.rebuilt(table.0.len())));
            writing.removed = 0;
        }
        self.changed(writing, self.len() - gone.len());
    }

    /// Notes that a series came or went.
    fn changed(&self, mut writing: MutexGuard<'_, Writing<V>>, len: usize) {
        // Relaxed: whoever writes it has the mutex, and whoever reads it without must ask again under the mutex anyway.
        self.len.store(len as u64, Ordering::Relaxed);
        writing.changes += 1;
        let stale = writing.sorted.take();
        // The list may be long and we its last owner: it is freed after others can go on.
        drop(writing);
        drop(stale);
    }

    /// All series, by label values. Sorts them, with no lock held, if any came or went since the last time.
    pub(crate) fn sorted(&self) -> Sorted<V> {
        let (mut entries, changes) = {
            let writing = lock(&self.writing);
            if let Some(sorted) = &writing.sorted {
                return std::sync::Arc::clone(sorted);
            }
            (self.current.load().entries().cloned().collect::<Vec<_>>(), writing.changes)
        };
        let labels = self.names.len();
        entries.sort_unstable_by(|a, b| by_value(a.text(labels), b.text(labels)));
        let sorted: Sorted<V> = entries.into();
        let mut writing = lock(&self.writing);
        if writing.changes == changes {
            writing.sorted = Some(std::sync::Arc::clone(&sorted));
        }
        sorted
    }

    /// How many labels a series has.
    pub(crate) fn labels(&self) -> usize {
        self.names.len()
    }

    pub(crate) fn len(&self) -> usize {
        // Relaxed: see `changed`.
        self.len.load(Ordering::Relaxed) as usize
    }

    /// The sum of what `of` says of each value.
    pub(crate) fn sum(&self, of: impl Fn(&V) -> usize) -> usize {
        self.current.load().entries().map(|entry| of(&entry.value)).sum()
    }

    /// Heap bytes of the table and its entries, what the values own left out.
    pub(crate) fn heap_bytes(&self) -> usize {
        let table = self.current.load();
        let entries: usize = table.entries().map(Series::heap_bytes).sum();
        size_of_val(&*table.0) + entries
    }

    #[inline]
    fn hash(&self, values: &[&str]) -> u32 {
        let mut hasher = self.hasher.build_hasher();
        for value in values {
            // The hasher takes the length of each piece into account, so it needs no byte between them.
            hasher.write(value.as_bytes());
        }
        // The high half: the hasher's last step is a multiplication.
        (hasher.finish() >> 32) as u32
    }
}

impl<V> Table<V> {
    fn with_places(places: usize) -> Self {
        debug_assert!(places.is_power_of_two());
        Self((0..places).map(|_| OnceLock::new()).collect())
    }

    /// The same entries, but those that are removed, in a new table.
    fn rebuilt(&self, places: usize) -> Self {
        let rebuilt = Self::with_places(places);
        self.entries().for_each(|entry| rebuilt.put(entry.clone()));
        rebuilt
    }

    #[inline]
    fn find(&self, names: &LabelNames, hash: u32, values: &[&str]) -> Option<&Series<V>> {
        let mask = self.0.len() - 1;
        let mut place = hash as usize & mask;
        // Ends: a quarter of the places is empty.
        while let Some(entry) = self.0[place & mask].get() {
            if entry.is(hash, names, values) {
                return Some(entry);
            }
            place += 1;
        }
        None
    }

    /// Puts an entry into the first empty place of its chain.
    fn put(&self, mut entry: Series<V>) {
        let mask = self.0.len() - 1;
        let mut place = entry.hash() as usize & mask;
        while let Err(back) = self.0[place & mask].set(entry) {
            entry = back;
            place += 1;
        }
    }

    /// The entries that are not removed.
    fn entries(&self) -> impl Iterator<Item = &Series<V>> {
        self.0.iter().filter_map(OnceLock::get).filter(|entry| !entry.is_removed())
    }
}

#[cfg(all(test, not(tachograph_loom)))]
mod tests {
    use std::collections::HashMap;
    use std::convert::Infallible;

    use proptest::prelude::*;

    use super::*;

    fn insert(table: &LabelTable<u32>, values: &[&str], limit: usize, value: u32) -> Option<u32> {
        table.insert(values, limit, || Ok::<_, Infallible>(value)).ok().map(|entry| entry.value)
    }

    #[derive(Clone, Debug)]
    enum Step {
        Insert([String; 2]),
        Remove([String; 2]),
        LookUp([String; 2]),
    }

    fn step() -> impl Strategy<Value = Step> {
        let values = || ["[ab\\\"]{0,2}", "[ab\n]{0,2}"];
        prop_oneof![
            3 => values().prop_map(Step::Insert),
            1 => values().prop_map(Step::Remove),
            2 => values().prop_map(Step::LookUp),
        ]
    }

    proptest! {
        #[test]
        fn a_table_behaves_like_a_map(steps in prop::collection::vec(step(), 0..200), limit in 1usize..60) {
            let table = LabelTable::new(&["a", "b"]);
            let mut map: HashMap<[String; 2], u32> = HashMap::new();
            for (at, step) in steps.into_iter().enumerate() {
                match step {
                    Step::Insert(values) => {
                        let room = map.len() < limit;
                        let expected = map.get(&values).copied().or(room.then_some(at as u32));
                        prop_assert_eq!(insert(&table, &[&values[0], &values[1]], limit, at as u32), expected);
                        if let Some(value) = expected {
                            map.insert(values, value);
                        }
                    }
                    Step::Remove(values) => {
                        prop_assert_eq!(table.remove(&[&values[0], &values[1]]), map.remove(&values).is_some());
                    }
                    Step::LookUp(values) => {
                        let found = table.look_up(&[&values[0], &values[1]], |entry| entry.value);
                        prop_assert_eq!(found, map.get(&values).copied());
                    }
                }
                prop_assert_eq!(table.len(), map.len());
            }
            let mut expected: Vec<_> = map.into_iter().collect();
            expected.sort();
            let values: Vec<u32> = table.sorted().iter().map(|entry| entry.value).collect();
            prop_assert_eq!(values, expected.into_iter().map(|(_, value)| value).collect::<Vec<_>>());
        }
    }

    #[test]
    fn growth_keeps_every_entry_itself() {
        let table = LabelTable::new(&["a"]);
        let first = table.insert(&["0"], 1_000, || Ok::<_, Infallible>(0)).unwrap();
        for n in 1..1_000 {
            insert(&table, &[&n.to_string()], 1_000, n);
        }
        assert!(table.look_up(&["0"], |entry| std::ptr::eq(&**entry, &*first)).unwrap());
        assert_eq!(table.insert(&["x"], 1_000, || Ok::<_, Infallible>(0)).unwrap_err(), Refused::Full);
    }
}
