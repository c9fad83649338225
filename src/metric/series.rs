//! One series: its labels and what it counts in, in one piece of memory that its family's table and its handles share.

use std::fmt;
use std::ops::Deref;

use super::label::LabelNames;
use crate::sync::{AtomicU32, Ordering, ThinArc};

/// What is known of a series beside its labels.
#[derive(Debug)]
pub(crate) struct Entry<V> {
    /// Hash of the values, but for its two highest bits: where the entry stands, and what tells most strangers apart before the
    /// texts are compared. The two bits are `PLAIN` and `REMOVED`; only the second one ever changes, under the table's mutex.
    state: AtomicU32,
    pub(crate) value: V,
}

/// A shared series. Its bytes are one for the length of each value, then the labels as a scrape shows them, without braces.
pub(crate) struct Series<V>(ThinArc<Entry<V>, u8>);

/// The bit of the state that says that the text is made of the values as they are, and that their lengths fit their bytes.
const PLAIN: u32 = 1 << 31;
/// The bit that says that the series is removed.
const REMOVED: u32 = 1 << 30;

impl<V> Series<V> {
    /// A series of a table. The two highest bits of the hash are left out.
    pub(super) fn new(hash: u32, names: &LabelNames, values: &[&str], value: V) -> Self {
        let text = names.text(values);
        let plain = !text.contains('\\') && values.iter().all(|value| value.len() <= u8::MAX.into());
        let state = AtomicU32::new(significant(hash) | if plain { PLAIN } else { 0 });
        // The low byte of a length that does not fit: such a series is not plain.
        let bytes: Vec<u8> = values.iter().map(|value| value.len() as u8).chain(text.bytes()).collect();
        Self(ThinArc::from_header_and_slice(Entry { state, value }, &bytes))
    }

    /// A series of no table.
    pub(crate) fn detached(value: V) -> Self {
        Self(ThinArc::from_header_and_slice(Entry { state: AtomicU32::new(0), value }, &[]))
    }

    /// The labels as a scrape shows them, without braces. `labels` is their number.
    pub(crate) fn text(&self, labels: usize) -> &[u8] {
        &self.0.slice[labels..]
    }

    /// Whether it has these values and is not removed.
    #[inline]
    pub(super) fn is(&self, hash: u32, names: &LabelNames, values: &[&str]) -> bool {
        let state = self.state();
        // A removed one equals no hash.
        state & !PLAIN == significant(hash)
            && if state & PLAIN != 0 {
                names.are_plain(&self.0.slice, values)
            } else {
                names.are(self.text(values.len()), values)
            }
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
    hash & !(PLAIN | REMOVED)
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

    fn is(stored: [&str; 2], asked: [&str; 2]) -> bool {
        let names = LabelNames::new(&["a", "b"]);
        let series = Series::new(7, &names, &stored, ());
        assert_eq!(series.text(2), names.text(&stored).as_bytes());
        assert!(series.is(7, &names, &stored));
        series.is(7, &names, &asked)
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
        let names = LabelNames::new(&["a"]);
        for hash in [0, 1, u32::MAX] {
            let series = Series::new(hash, &names, &["x"], ());
            assert!(series.is(hash, &names, &["x"]) && !series.is(hash ^ 1, &names, &["x"]));
            series.remove();
            assert!(series.is_removed() && !series.is(hash, &names, &["x"]));
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
