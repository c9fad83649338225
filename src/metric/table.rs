//! The label table: from label values to a series, looked up without a lock.
//!
//! A table is only ever appended to, and what is in it stays where it is. So as long as no series is removed, a look-up needs nothing to
//! guard it: the table that it reads stays as long as the family. With the first removal the series that are left move to a second table,
//! and the first one is read no more, but kept, for those who are in the middle of it. From then on a removed series is marked, passed
//! over, and left behind when a quarter of the table is marked and it is replaced whole, under a guard that each look-up takes. Series are
//! shared between the old table and the new one, so a count is never forked.
//!
//! What the first removal costs is bounded: series that were there at that moment keep their slots until the family is dropped, even when
//! they are removed later. Where that would be too much, or removals are to be expected, the second table is there from the start.
//!
//! Read by every lookup; written under one mutex, which is entered when a series is made or removed and once a scrape: the hit
//! path never meets it.
//!
//! # Orderings
//!
//! - A series is published by its table, see there.
//! - The second table is published by `OnceLock::set` in `replace`, the ones after it by `ArcSwap::store`; both are found in `look_up`. A
//!   lookup that still has the old table may miss a newer series; it then comes to `insert`, which looks again under the mutex.
//! - A lookup keeps its guard until its store is done. So the slots of a removed series are free only once the table that named it
//!   is replaced and the last lookup is done that could have found it, or never, if the first table named it (*free means unreachable*,
//!   see `shard::slot`).
//! - The mark of a removed series, in its state, is Relaxed: a lookup that does not see it yet came before the removal.

use super::hash_index::hash_of;
use super::indexed::{MOST_SERIES, Table};
use super::kept::by_value;
use super::label::{LabelNames, fit};
use super::series::{Series, significant};
use crate::sync::{Arc, ArcSwap, AtomicU64, HashSeeds, Mutex, MutexGuard, OnceLock, Ordering, lock};

/// Why a series was not inserted.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Refused<E> {
    /// The table holds as many series as it may.
    Full,
    /// A value is too long.
    Long,
    /// The value could not be made.
    Failed(E),
}

/// A series in order, for a snapshot.
pub(crate) type Sorted<V> = std::sync::Arc<[Series<V>]>;

#[derive(Debug)]
pub(crate) struct LabelTable<V> {
    names: std::sync::Arc<LabelNames>,
    hasher: HashSeeds,
    /// Where the series are until one is removed.
    first: Table<V>,
    /// Where they are from then on.
    later: OnceLock<ArcSwap<Table<V>>>,
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

impl<V> LabelTable<V> {
    pub(crate) fn new(names: &[&str]) -> Self {
        Self {
            names: std::sync::Arc::new(LabelNames::new(names)),
            hasher: HashSeeds::default(),
            first: Table::new(),
            later: OnceLock::new(),
            writing: Mutex::new(Writing { removed: 0, sorted: None, changes: 0 }),
            len: AtomicU64::new(0),
        }
    }

    /// A table that lets go of every series that is removed, and whose look-ups are dearer by a guard: for series that are large, or that
    /// come and go.
    pub(crate) fn guarded(names: &[&str]) -> Self {
        let table = Self::new(names);
        table.replace();
        table
    }

    /// Calls `f` with the series of these values while nothing can take it away; `None` when there is none (or none yet
    /// visible here: `insert` will tell).
    #[inline]
    pub(crate) fn look_up<R>(&self, values: &[&str], f: impl FnOnce(&Series<V>) -> R) -> Option<R> {
        let hash = self.hash(values);
        match self.later.get() {
            None => self.first.find(hash, values).map(f),
            Some(later) => look_up_guarded(later, hash, values, f),
        }
    }

    /// The series of these values, made now if there is none, fewer than `limit` exist, and no value is too long.
    pub(crate) fn insert<E>(
        &self,
        values: &[&str],
        limit: usize,
        make: impl FnOnce() -> Result<V, E>,
    ) -> Result<Series<V>, Refused<E>> {
        // Before the mutex: it is nobody's that is there.
        if !fit(values) {
            return Err(Refused::Long);
        }
        let hash = self.hash(values);
        let mut writing = lock(&self.writing);
        if let Some(entry) = self.with_table(|table| table.find(hash, values).cloned()) {
            return Ok(entry);
        }
        let len = self.len();
        if len >= limit || !self.has_room(&mut writing, len) {
            return Err(Refused::Full);
        }
        let entry = Series::new(hash, values, make().map_err(Refused::Failed)?);
        self.with_table(|table| table.push(len + writing.removed, entry.clone()));
        self.changed(writing, len + 1);
        Ok(entry)
    }

    /// Whether the table can hold one more series. Those that are marked as removed make room for others.
    fn has_room(&self, writing: &mut Writing<V>, len: usize) -> bool {
        if len + writing.removed >= MOST_SERIES && writing.removed > 0 {
            self.replace();
            writing.removed = 0;
        }
        len + writing.removed < MOST_SERIES
    }

    /// Takes a series out; whether there was one. Handles to it go on counting, but into a cell that is no longer exposed.
    pub(crate) fn remove(&self, values: &[&str]) -> bool {
        let hash = self.hash(values);
        let writing = lock(&self.writing);
        let Some(gone) = self.with_table(|table| table.find(hash, values).cloned()) else { return false };
        self.take_out(writing, &[gone]);
        true
    }

    /// Takes out the series that `keep` does not want, as `remove` does. `keep` is called with the mutex held.
    pub(crate) fn retain(&self, keep: impl Fn(&V) -> bool) {
        let writing = lock(&self.writing);
        let gone: Vec<_> = self.with_table(|table| table.living().filter(|entry| !keep(&entry.value)).cloned().collect());
        if !gone.is_empty() {
            self.take_out(writing, &gone);
        }
    }

    fn take_out(&self, mut writing: MutexGuard<'_, Writing<V>>, gone: &[Series<V>]) {
        gone.iter().for_each(Series::remove);
        writing.removed += gone.len();
        let left = self.len() - gone.len();
        if self.later.get().is_none() || writing.removed * 4 > left + writing.removed {
            self.replace();
            writing.removed = 0;
        }
        self.changed(writing, left);
    }

    /// Replaces the table by one of the series that are not removed. Under the mutex.
    fn replace(&self) {
        let living = self.with_table(|table| {
            let living = Table::new();
            for (at, entry) in table.living().enumerate() {
                living.push(at, entry.clone());
            }
            Arc::new(living)
        });
        match self.later.get() {
            Some(later) => later.store(living),
            None => _ = self.later.set(ArcSwap::new(living)),
        }
    }

    /// Calls `f` with the table that holds all series.
    fn with_table<R>(&self, f: impl FnOnce(&Table<V>) -> R) -> R {
        match self.later.get() {
            None => f(&self.first),
            Some(later) => f(&later.load()),
        }
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
            (self.with_table(|table| table.living().cloned().collect::<Vec<_>>()), writing.changes)
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

    /// What the labels are called.
    pub(crate) fn names(&self) -> &std::sync::Arc<LabelNames> {
        &self.names
    }

    pub(crate) fn len(&self) -> usize {
        // Relaxed: see `changed`.
        self.len.load(Ordering::Relaxed) as usize
    }

    /// The sum of what `of` says of the value of each series that is held, also of those that the first table still holds.
    pub(crate) fn sum(&self, of: impl Fn(&V) -> usize) -> usize {
        self.held_sum(|entry| of(&entry.value))
    }

    fn held_sum(&self, of: impl Fn(&Series<V>) -> usize) -> usize {
        let living: usize = self.with_table(|table| table.living().map(&of).sum());
        let kept = self.later.get().map(|_| self.first.all().filter(|entry| entry.is_removed()).map(&of).sum());
        living + kept.unwrap_or(0)
    }

    /// Heap bytes of the tables and their series, what the values own left out.
    pub(crate) fn heap_bytes(&self) -> usize {
        self.first.heap_bytes()
            + self.held_sum(Series::heap_bytes)
            + self.later.get().map_or(0, |later| later.load().heap_bytes())
    }

    #[inline]
    fn hash(&self, values: &[&str]) -> u32 {
        // The high half: the hasher's last step is a multiplication.
        significant((hash_of(&self.hasher, values) >> 32) as u32)
    }
}

/// The way of a look-up once a series has been removed.
#[inline(never)]
fn look_up_guarded<V, R>(later: &ArcSwap<Table<V>>, hash: u32, values: &[&str], f: impl FnOnce(&Series<V>) -> R) -> Option<R> {
    // The guard lives until `f` is done.
    let table = later.load();
    table.find(hash, values).map(f)
}

#[cfg(all(test, not(tachograph_loom)))]
mod tests {
    use std::collections::HashMap;
    use std::convert::Infallible;

    use proptest::prelude::*;

    use super::*;
    use crate::metric::label::LONGEST_VALUE;

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

    #[test]
    fn a_value_has_as_many_bytes_as_it_may_and_no_more() {
        let table = LabelTable::new(&["a", "b"]);
        let long = "é".repeat(LONGEST_VALUE / 2);
        assert_eq!(insert(&table, &["", &long], 10, 1), Some(1));
        let longer = long + "e";
        let refused = table.insert(&["", &longer], 10, || Ok::<_, Infallible>(2)).unwrap_err();
        assert_eq!((refused, table.len()), (Refused::Long, 1));
    }
}

#[cfg(all(test, tachograph_loom))]
mod models {
    //! No model but a test that wants the small tables of the models.

    use std::convert::Infallible;

    use super::*;

    #[test]
    fn loom_a_full_table_has_room_for_as_many_as_were_removed() {
        let mut model = loom::model::Builder::new();
        model.max_branches = 100_000;
        model.check(|| {
            let table = LabelTable::new(&["a"]);
            let insert = |n: usize| table.insert(&[&n.to_string()], usize::MAX, || Ok::<_, Infallible>(n)).is_ok();
            assert!((0..MOST_SERIES).all(insert) && !insert(MOST_SERIES));
            for n in 0..3 {
                assert!(table.remove(&[&n.to_string()]));
                assert!(insert(MOST_SERIES + n) && !insert(2 * MOST_SERIES + n), "after {n} were removed");
            }
            assert_eq!(table.len(), MOST_SERIES);
        });
    }
}
