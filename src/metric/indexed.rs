//! Series that are only ever added, and where each is found by its hash.
//!
//! Written by one at a time, who has the mutex of the label table that this is of; read by every look-up, without a lock and without a
//! guard: nothing in it moves or goes away as long as it is there itself.
//!
//! # Orderings
//!
//! Of the first few, each is published by its `OnceLock` (Release) in `push`, and found by `get` (Acquire) in `find_among_few`. When there
//! are more, all of them are put into a list and an index, published together by the `OnceLock` of `many`; list and index publish the
//! further ones, see there.

use super::hash_index::{self, HashIndex};
use super::list::List;
use super::series::Series;
use crate::sync::{OnceLock, filled};

/// Series that a table may have, those that are marked as removed among them.
pub(super) const MOST_SERIES: usize = hash_index::MOST;

/// Series in a table without a list and an index, which are 800 bytes: many families have one or two.
const FEW: usize = if cfg!(tachograph_loom) { 1 } else { 4 };

/// Series in the order in which they came.
#[derive(Debug)]
pub(super) struct Table<V> {
    /// The first ones, looked at one by one as long as there are no more.
    few: [OnceLock<Series<V>>; FEW],
    /// All of them, once there are more.
    many: OnceLock<Box<Many<V>>>,
}

/// Series, and where each is found.
#[derive(Debug)]
struct Many<V> {
    index: HashIndex,
    list: List<Series<V>>,
}

impl<V> Table<V> {
    pub(super) fn new() -> Self {
        Self { few: std::array::from_fn(|_| OnceLock::new()), many: OnceLock::new() }
    }

    /// The series of these values and this hash. Inlined, so that the number of labels is known where they are compared.
    #[inline(always)]
    pub(super) fn find(&self, hash: u32, values: &[&str]) -> Option<&Series<V>> {
        match self.many.get() {
            Some(many) => many.find(hash, values),
            None => self.find_among_few(hash, values),
        }
    }

    #[inline(never)]
    fn find_among_few(&self, hash: u32, values: &[&str]) -> Option<&Series<V>> {
        self.few.iter().map_while(OnceLock::get).find(|entry| entry.is(hash, values))
    }

    /// Puts a series after those that there are, so many: fewer than `MOST_SERIES`. The caller is the only writer.
    pub(super) fn push(&self, at: usize, entry: Series<V>) {
        match self.few.get(at) {
            Some(place) => _ = place.set(entry),
            None => self.many().push(at, entry),
        }
    }

    /// What holds all series once there are more than a few, made now if it is not there.
    fn many(&self) -> &Many<V> {
        filled::<Box<Many<V>>>(&self.many, || {
            let many = Many { index: HashIndex::new(), list: List::new() };
            for (at, entry) in self.few.iter().filter_map(OnceLock::get).enumerate() {
                many.push(at, entry.clone());
            }
            Box::new(many)
        })
    }

    /// The series in the order in which they came.
    pub(super) fn all(&self) -> impl Iterator<Item = &Series<V>> {
        let many = self.many.get();
        let few = if many.is_none() { &self.few[..] } else { &[] };
        few.iter().map_while(OnceLock::get).chain(many.into_iter().flat_map(|many| many.list.iter()))
    }

    /// Those of them that are not removed.
    pub(super) fn living(&self) -> impl Iterator<Item = &Series<V>> {
        self.all().filter(|entry| !entry.is_removed())
    }

    /// Heap bytes, what the series own left out.
    pub(super) fn heap_bytes(&self) -> usize {
        self.many.get().map_or(0, |many| size_of_val(&**many) + many.index.heap_bytes() + many.list.heap_bytes())
    }
}

impl<V> Many<V> {
    #[inline(always)]
    fn find(&self, hash: u32, values: &[&str]) -> Option<&Series<V>> {
        let likely = self.list.get(self.index.guess(hash)?);
        match likely {
            Some(entry) if entry.is(hash, values) => likely,
            // Out of the way, so that it takes no registers of the usual case.
            _ => self.find_in_chain(hash, values),
        }
    }

    #[inline(never)]
    fn find_in_chain(&self, hash: u32, values: &[&str]) -> Option<&Series<V>> {
        let mut entries = self.index.candidates(hash).filter_map(|number| self.list.get(number));
        entries.find(|entry| entry.is(hash, values))
    }

    fn push(&self, at: usize, entry: Series<V>) {
        self.list.push(at, entry);
        self.index.insert(at, |number| self.list.get(number).filter(|entry| !entry.is_removed()).map(Series::hash));
    }
}
