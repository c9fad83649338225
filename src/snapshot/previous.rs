//! What stands in for a block that a fold could not read whole: what the last snapshot said of the series.

use std::cmp::Ordering;

use super::Snapshot;
use super::value::SeriesSet;
use crate::metric::kept::by_value;
use crate::metric::label::LabelNames;

/// Series of a family in the registry's last snapshot, if they were there.
pub(crate) struct Previous<'a> {
    among: Option<&'a SeriesSet>,
    /// How many labels its series have.
    pub(crate) labels: usize,
}

impl<'a> Previous<'a> {
    pub(crate) fn of(last: Option<&'a Snapshot>, family: &str, labels: usize) -> Self {
        Self { among: last.and_then(|last| last.family(family)?.parts().first()), labels }
    }

    /// The same of a family whose series' labels are not all called the same: those whose labels are called so.
    pub(crate) fn of_named(last: Option<&'a Snapshot>, family: &str, names: &LabelNames) -> Self {
        let named = |part: &&SeriesSet| part.len() > 0 && part.labels(0).names() == names;
        Self { among: last.and_then(|last| last.family(family)?.parts().iter().find(named)), labels: names.len() }
    }

    /// The series of these labels.
    fn series(&self, labels: &[u8]) -> Option<(&'a SeriesSet, usize)> {
        let among = self.among?;
        let (mut low, mut high) = (0, among.len());
        while low < high {
            let middle = low.midpoint(high);
            match by_value(among.labels(middle).key(), labels) {
                Ordering::Less => low = middle + 1,
                Ordering::Equal => return Some((among, middle)),
                Ordering::Greater => high = middle,
            }
        }
        None
    }

    /// Appends what a histogram was: sum and buckets, `width` in all, zeros if it was not there.
    pub(crate) fn histogram(&self, labels: &[u8], width: usize, values: &mut Vec<u64>) {
        let cells = self.series(labels).and_then(|(among, at)| among.histogram_cells(at));
        match cells {
            Some(cells) if cells.len() == width => values.extend(cells),
            _ => values.resize(values.len() + width, 0),
        }
    }

    /// What sum and count of a summary were, 0 if it was not there.
    pub(crate) fn summary(&self, labels: &[u8]) -> (f64, u64) {
        let value = self.series(labels).and_then(|(among, at)| among.summary_value(at));
        value.map_or((0.0, 0), |value| (value.sum, value.count))
    }

    /// What a counter was, 0 if it was not there.
    pub(crate) fn counter(&self, labels: &[u8]) -> u64 {
        self.series(labels).and_then(|(among, at)| among.counter_value(at)).unwrap_or(0)
    }
}
