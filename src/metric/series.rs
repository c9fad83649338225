//! One series: its labels and what it counts in, in one piece of memory that its family's table and its handles share.

use std::fmt;
use std::ops::Deref;

use super::created::Created;
use super::kept::{KeptValues, keep};
use crate::sync::{AtomicU32, Ordering, ThinArc};

/// What is known of a series beside its labels.
#[derive(Debug)]
pub(crate) struct Entry<V> {
    /// Hash of the values, but for its highest bit: where the entry stands, and what tells most strangers apart before the values are
    /// compared. That bit is `REMOVED`; it is set under the table's mutex.
    state: AtomicU32,
    pub(crate) value: V,
}

/// A shared series. Its bytes are when it was made, and the values of its labels as [`keep`] makes them. (As a field of the entry the four
/// bytes of the time would take eight.)
pub(crate) struct Series<V>(ThinArc<Entry<V>, u8>);

/// The bit that says that the series is removed.
const REMOVED: u32 = 1 << 31;

impl<V> Series<V> {
    /// A series of a table. The highest bit of the hash is left out.
    pub(super) fn new(hash: u32, values: &[&str], value: V) -> Self {
        let state = AtomicU32::new(significant(hash));
        Self::of(Entry { state, value }, values)
    }

    /// A series of no table.
    pub(crate) fn detached(value: V) -> Self {
        Self::of(Entry { state: AtomicU32::new(0), value }, &[])
    }

    fn of(entry: Entry<V>, values: &[&str]) -> Self {
        let bytes = [&Created::now().to_bytes(), &*keep(values)].concat();
        Self(ThinArc::from_header_and_slice(entry, &bytes))
    }

    /// When it was made.
    pub(crate) fn created(&self) -> Created {
        Created::from_bytes(*self.0.slice.first_chunk().expect("a series begins with it"))
    }

    /// The values of its labels, as [`keep`] makes them.
    #[inline]
    pub(crate) fn kept(&self) -> &[u8] {
        &self.0.slice[Created::BYTES..]
    }

    /// The same by which a family tells its series apart; `labels` is their number.
    pub(crate) fn text(&self, labels: usize) -> &[u8] {
        KeptValues::new(self.kept(), labels).text()
    }

    /// Whether it has these values and is not removed.
    #[inline(always)]
    pub(super) fn is(&self, hash: u32, values: &[&str]) -> bool {
        // A removed one equals no hash.
        self.state() == significant(hash) && KeptValues::new(self.kept(), values.len()).are(values)
    }

    /// What `new` was told of the hash.
    pub(super) fn hash(&self) -> u32 {
        significant(self.state())
    }

    pub(super) fn is_removed(&self) -> bool {
        self.state() & REMOVED != 0
    }

    /// Marks it as removed. Under the table's mutex.
    pub(super) fn remove(&self) {
        // Relaxed: see the header of `table`.
        self.0.header.header.state.store(self.state() | REMOVED, Ordering::Relaxed);
    }

    /// Heap bytes, what the value owns left out.
    pub(super) fn heap_bytes(&self) -> usize {
        size_of::<Entry<V>>().next_multiple_of(size_of::<usize>()) + 2 * size_of::<usize>() + self.0.slice.len()
    }

    #[inline]
    fn state(&self) -> u32 {
        // Relaxed: see the header of `table`.
        self.0.header.header.state.load(Ordering::Relaxed)
    }
}

/// What of a hash a series keeps.
#[inline]
pub(super) fn significant(hash: u32) -> u32 {
    hash & !REMOVED
}

impl<V> Clone for Series<V> {
    fn clone(&self) -> Self {
        Self(self.0.clone())
    }
}

impl<V> Deref for Series<V> {
    type Target = Entry<V>;

    #[inline]
    fn deref(&self) -> &Entry<V> {
        &self.0.header.header
    }
}

impl<V: fmt::Debug> fmt::Debug for Series<V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Series").field("bytes", &self.0.slice.escape_ascii().to_string()).field("value", &self.value).finish()
    }
}

#[cfg(all(test, not(tachograph_loom)))]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::metric::label::LabelNames;
    use crate::snapshot::SeriesLabels;

    fn is(stored: [&str; 2], asked: [&str; 2]) -> bool {
        let series = Series::new(7, &stored, ());
        let names = LabelNames::new(&["a", "b"]);
        let shown = SeriesLabels::new(&names, series.kept());
        assert!(shown.iter().eq([("a", stored[0].into()), ("b", stored[1].into())]));
        assert!(series.is(7, &stored));
        series.is(7, &asked)
    }

    #[test]
    fn values_that_run_into_one_another_are_told_apart() {
        let long = "x".repeat(256);
        for (stored, asked) in [
            (["ab", "c"], ["a", "bc"]),
            (["x", "y"], ["x\",b=\"y", ""]),
            (["x", "yyyyyyyyyy"], ["x\",b=", "yyyyyy"]),
            (["a\\", "b"], ["a\\\\", "b"]),
            (["a\n", "b"], ["a\\n", "b"]),
            (["", ""], ["\"", ""]),
            ([&long, ""], ["", ""]),
            ([&long, ""], ["", &long]),
        ] {
            assert!(!is(stored, asked) && !is(asked, stored), "{stored:?} {asked:?}");
        }
    }

    #[test]
    fn a_removed_series_is_found_by_no_values() {
        for hash in [0, 1, u32::MAX] {
            let series = Series::new(hash, &["x"], ());
            assert!(series.is(hash, &["x"]) && !series.is(hash ^ 1, &["x"]));
            series.remove();
            assert!(series.is_removed() && !series.is(hash, &["x"]));
        }
    }

    proptest! {
        #[test]
        fn a_series_has_its_own_values_and_no_others(
            stored in ["[ab\"\\\\\n,=]{0,9}", "[ab\"\\\\\n,=]{0,9}"],
            asked in ["[ab\"\\\\\n,=]{0,9}", "[ab\"\\\\\n,=]{0,9}"],
        ) {
            let (stored, asked) = ([&*stored[0], &*stored[1]], [&*asked[0], &*asked[1]]);
            prop_assert_eq!(is(stored, asked), stored == asked);
        }
    }
}
