//! What a snapshot takes of a family: the values out of the fold, and the labels from the series themselves.

use std::sync::Arc;

use super::created::Created;
use super::descriptor::Descriptor;
use super::family::Parts;
use super::label::LabelNames;
use super::table::Sorted;
use crate::snapshot::{FamilySnapshot, LabelTexts, Previous, Reading};

/// Reads these series, with labels of these names, when the fold is done.
pub(crate) fn reading<M: Parts>(
    descriptor: &Arc<Descriptor>,
    shape: &M::Shape,
    series: Sorted<M::Cells>,
    names: &Arc<LabelNames>,
) -> Reading {
    let (descriptor, shape, names) = (Arc::clone(descriptor), shape.clone(), Arc::clone(names));
    Box::new(move |totals, last, families| {
        let values = M::values(&series, &shape, totals, &Previous::of_named(last, descriptor.name(), &names));
        families.push(FamilySnapshot::folded(descriptor, Arc::new(SeriesTexts { series, names }), values));
    })
}

/// The labels of a snapshot's series, borrowed from the series themselves.
struct SeriesTexts<V> {
    series: Sorted<V>,
    names: Arc<LabelNames>,
}

impl<V: Send + Sync> LabelTexts for SeriesTexts<V> {
    fn len(&self) -> usize {
        self.series.len()
    }

    fn names(&self) -> &LabelNames {
        &self.names
    }

    fn kept(&self, series: usize) -> &[u8] {
        self.series[series].kept()
    }

    fn created(&self, series: usize) -> Created {
        self.series[series].created()
    }
}

#[cfg(all(test, not(tachograph_loom)))]
mod tests {
    use crate::{Buckets, Registry, shard};

    /// Values of all kinds: empty, escaped, too long for a byte, near one another in the order.
    const VALUES: [&str; 12] = ["", "a", "a\"", "a\\", "\\", "\n", "é", "b", "ab", "a b", "{", "\u{10ffff}"];

    #[test]
    fn a_block_that_cannot_be_read_shows_what_the_last_snapshot_showed() {
        let registry = Registry::with_labels([("own", "x\"y")]).unwrap();
        let family = registry.histogram_family("h_bytes", "", ["a", "b"], Buckets::bytes(&[1, 9]).unwrap()).unwrap();
        let long = "l".repeat(300);
        let values = || VALUES.into_iter().chain([&*long]);
        let all = || values().flat_map(|a| values().map(move |b| [a, b]));
        for (n, labels) in (0..).zip(all()) {
            (0..n % 5 + 1).for_each(|_| family.observe(labels, n));
        }
        let before = registry.snapshot();
        // Each block is in the middle of a write, and its sum has been written.
        for first in all().map(|labels| family.handle(labels).series_first()) {
            shard::inc_by(first, 1);
            shard::inc_by(first.plus(1), 77);
        }
        assert_eq!(registry.snapshot().text(), before.text());
    }
}
