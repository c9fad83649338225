//! Rows: from run-time strings to a value that stays as long as the table does.
//!
//! An open-addressing table whose places hold the rows themselves, and from which nothing is ever removed: so the tables that were outgrown
//! are kept, a look-up may go on in one of them for as long as it likes, and what it finds needs no guard. A table has four times the places
//! of the one before it, so all the old ones together are a third of the newest. At most half of the places are filled, else a look-up that
//! meets a stranger first is too often: the branch that then goes the other way takes as long as all the rest.
//!
//! It takes more memory than the index and list of [`LabelTable`](crate::metric::table::LabelTable), and two loads less in a row: built
//! upon those, a whole request by name took 22 ns in place of 18.
//!
//! Written under one mutex, which is entered when a row is made: the hit path never meets it.
//!
//! # Orderings
//!
//! - A row is published by `OnceLock::set` (Release) in `insert`, and found by `get` (Acquire) in `find`.
//! - A table is filled before `newest` is stored (Release) in `insert`; whoever loads that (Acquire) in `find` sees the table and all
//!   that was copied into it. Whoever still has the number before misses the newest rows; it then comes to `insert`, which looks again
//!   under the mutex.

use super::hash_index::hash_of;
use super::kept::same;
use crate::sync::{Arc, AtomicU32, HashSeeds, Mutex, OnceLock, Ordering, lock};

#[derive(Debug)]
pub(crate) struct Rows<V> {
    hasher: HashSeeds,
    tables: [OnceLock<Table<V>>; TABLES],
    /// Which of the tables holds all rows: below `TABLES`. Written under the mutex. (The first one is there from the first row on.)
    newest: AtomicU32,
    /// Rows now; written under the mutex, for those who only want to know whether there is room.
    len: AtomicU32,
    /// Entered when a row is made: a mutex is enough.
    writing: Mutex<()>,
}

/// A power of two of places, at most half of them filled.
#[derive(Debug)]
struct Table<V>(Box<[OnceLock<Arc<KeyedRow<V>>>]>);

#[derive(Debug)]
struct KeyedRow<V> {
    hash: u64,
    /// The strings, each with a byte after it that no string holds.
    key: Box<[u8]>,
    value: V,
}

const FIRST_PLACES: usize = if cfg!(tachograph_loom) { 2 } else { 8 };

/// Enough for 16 million rows, more than there can be series.
const TABLES: usize = if cfg!(tachograph_loom) { 2 } else { 12 };

/// Stands in no UTF-8 text.
const END: u8 = 0xff;

impl<V> Rows<V> {
    pub(crate) fn new() -> Self {
        Self {
            hasher: HashSeeds::default(),
            tables: std::array::from_fn(|_| OnceLock::new()),
            newest: AtomicU32::new(0),
            len: AtomicU32::new(0),
            writing: Mutex::new(()),
        }
    }

    /// The row of these strings; `None` when there is none (or none yet visible here: `insert` will tell).
    #[inline]
    pub(crate) fn find(&self, strings: &[&str]) -> Option<&V> {
        self.newest()?.find(self.hash(strings), strings)
    }

    /// The row of these strings, made now if there is none and fewer than `limit` exist; `None` if there is no room, for it or for
    /// what `make` makes.
    pub(crate) fn insert(&self, strings: &[&str], limit: usize, make: impl FnOnce() -> Option<V>) -> Option<&V> {
        let hash = self.hash(strings);
        let _writing = lock(&self.writing);
        let len = self.len();
        if len == 0 {
            let _ = self.tables[0].set(Table::with_places(FIRST_PLACES));
        }
        let mut table = self.newest()?;
        if let Some(row) = table.find(hash, strings) {
            return Some(row);
        }
        if len >= limit {
            return None;
        }
        let value = make()?;
        if (len + 1) * 2 > table.0.len() {
            // Relaxed: only holders of the mutex store it.
            let next = self.newest.load(Ordering::Relaxed) as usize + 1;
            let grown = self.tables.get(next)?;
            let _ = grown.set(table.grown());
            table = grown.get()?;
            // Release: pairs with the load in `newest`.
            self.newest.store(next as u32, Ordering::Release);
        }
        let key = strings.iter().flat_map(|string| string.bytes().chain([END])).collect();
        let row = table.put(Arc::new(KeyedRow { hash, key, value }));
        // Relaxed: whoever writes it has the mutex, and whoever reads it without must ask again under the mutex anyway.
        self.len.store(len as u32 + 1, Ordering::Relaxed);
        Some(&row.value)
    }

    pub(crate) fn len(&self) -> usize {
        // Relaxed: see `insert`.
        self.len.load(Ordering::Relaxed) as usize
    }

    /// The values of all rows, in no order.
    pub(crate) fn values(&self) -> impl Iterator<Item = &V> {
        self.newest().into_iter().flat_map(Table::rows).map(|row| &row.value)
    }

    /// Heap bytes of the tables and the rows, what the values own left out.
    pub(crate) fn heap_bytes(&self) -> usize {
        let tables: usize = self.tables.iter().filter_map(OnceLock::get).map(|table| size_of_val(&*table.0)).sum();
        let rows = self.newest().into_iter().flat_map(Table::rows);
        tables + rows.map(|row| size_of_val(&**row) + row.key.len() + 2 * size_of::<usize>()).sum::<usize>()
    }

    /// The table that holds all rows; `None` before the first one.
    #[inline]
    fn newest(&self) -> Option<&Table<V>> {
        // Acquire: pairs with the store in `insert`.
        self.tables.get(self.newest.load(Ordering::Acquire) as usize)?.get()
    }

    #[inline]
    fn hash(&self, strings: &[&str]) -> u64 {
        hash_of(&self.hasher, strings)
    }
}

impl<V> Table<V> {
    fn with_places(places: usize) -> Self {
        debug_assert!(places.is_power_of_two());
        Self((0..places).map(|_| OnceLock::new()).collect())
    }

    /// The same rows in a table of four times the places.
    fn grown(&self) -> Self {
        let grown = Self::with_places(self.0.len() * 4);
        for row in self.rows() {
            grown.put(Arc::clone(row));
        }
        grown
    }

    #[inline]
    fn find(&self, hash: u64, strings: &[&str]) -> Option<&V> {
        let mask = self.0.len() - 1;
        let mut place = hash as usize & mask;
        // Ends: half of the places are empty.
        while let Some(row) = self.0[place & mask].get() {
            if row.hash == hash && row.is_of(strings) {
                return Some(&row.value);
            }
            place += 1;
        }
        None
    }

    /// Puts a row into the first empty place of its chain.
    fn put(&self, mut row: Arc<KeyedRow<V>>) -> &KeyedRow<V> {
        let mask = self.0.len() - 1;
        let mut place = row.hash as usize & mask;
        loop {
            let at = &self.0[place & mask];
            match at.set(row) {
                Ok(()) => return at.get().expect("it was set just now"),
                Err(back) => row = back,
            }
            place += 1;
        }
    }

    fn rows(&self) -> impl Iterator<Item = &Arc<KeyedRow<V>>> {
        self.0.iter().filter_map(OnceLock::get)
    }
}

impl<V> KeyedRow<V> {
    /// Whether these are its strings: all of them, byte for byte.
    #[inline]
    fn is_of(&self, strings: &[&str]) -> bool {
        let mut rest = &*self.key;
        for string in strings {
            match rest.split_at_checked(string.len()) {
                Some((own, [END, after @ ..])) if same(own, string.as_bytes()) => rest = after,
                _ => return false,
            }
        }
        rest.is_empty()
    }
}

#[cfg(all(test, not(tachograph_loom)))]
mod tests {
    use std::collections::HashMap;

    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn rows_behave_like_a_map(asked in prop::collection::vec((any::<bool>(), ["[abé\u{7f}]{0,2}", "[ab]{0,2}"]), 0..300)) {
            let rows = Rows::new();
            let mut map: HashMap<[String; 2], usize> = HashMap::new();
            for (at, (insert, strings)) in asked.into_iter().enumerate() {
                let borrowed = [&*strings[0], &*strings[1]];
                if insert {
                    let found = *rows.insert(&borrowed, usize::MAX, || Some(at)).unwrap();
                    prop_assert_eq!(found, *map.entry(strings).or_insert(at));
                } else {
                    prop_assert_eq!(rows.find(&borrowed), map.get(&strings));
                }
            }
            let mut values: Vec<usize> = rows.values().copied().collect();
            let mut expected: Vec<usize> = map.into_values().collect();
            values.sort_unstable();
            expected.sort_unstable();
            prop_assert_eq!(values, expected);
        }
    }

    #[test]
    fn strings_that_run_into_one_another_are_told_apart() {
        let rows = Rows::new();
        for (at, strings) in [["ab", "c"], ["a", "bc"], ["abc", ""], ["", "abc"]].iter().enumerate() {
            assert_eq!(rows.insert(strings, usize::MAX, || Some(at)), Some(&at));
        }
        assert_eq!(rows.find(&["ab", "c"]), Some(&0));
        assert_eq!(rows.find(&["", ""]), None);
    }

    #[test]
    fn growth_keeps_every_row_itself() {
        let rows = Rows::new();
        let first: *const usize = rows.insert(&["0"], usize::MAX, || Some(0)).unwrap();
        for n in 1..2_000 {
            assert_eq!(rows.insert(&[&n.to_string()], 2_000, || Some(n)), Some(&n));
        }
        assert!(std::ptr::eq(rows.find(&["0"]).unwrap(), first));
        assert_eq!((rows.values().count(), rows.len()), (2_000, 2_000));
        assert_eq!(rows.insert(&["one too many"], 2_000, || Some(0)), None);
        assert_eq!(rows.insert(&["one that cannot be made"], 2_001, || None), None);
        assert_eq!(rows.len(), 2_000);
    }
}

#[cfg(all(test, tachograph_loom))]
mod models {
    use loom::thread;

    use super::*;

    /// Two threads find or make a row each, in a table that holds `x` and has no place for a second one: each finds its own, and the
    /// same ones are there afterwards.
    fn model(strings: [&'static str; 2], rows_after: usize) {
        loom::model(move || {
            let rows = Arc::new(Rows::new());
            rows.insert(&["x"], 9, || Some(0)).unwrap();
            let threads = strings.map(|string| {
                let rows = rows.clone();
                thread::spawn(move || {
                    let row: *const u32 = rows.find(&[string]).or_else(|| rows.insert(&[string], 9, || Some(1))).unwrap();
                    row as usize
                })
            });
            let found = threads.map(|thread| thread.join().unwrap());
            let now = strings.map(|string| rows.find(&[string]).unwrap() as *const u32 as usize);
            assert_eq!(found, now);
            assert_eq!(rows.values().count(), rows_after);
        });
    }

    #[test]
    fn loom_a_row_is_found_beside_a_growing_table() {
        model(["x", "y"], 2);
    }

    #[test]
    fn loom_two_threads_that_make_the_same_row_share_it() {
        model(["y", "y"], 2);
    }
}
