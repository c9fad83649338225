//! The way from a value to its bucket.
//!
//! A bucket's *place* is its number counted from the last one, which has no cell of its own: that is 0, so that the offset of a cell is
//! the place itself.
//!
//! A power of two that is cut by no more than one end, as nearly all are in a classic layout, holds its cut, and the answer is one
//! comparison. The others are divided into log-linear cells; each says where the ends that cut it lie, and those are bisected.

use std::sync::Arc;

use super::layout::{HDR_BITS, Layout};
use super::log_linear::{log_linear, lowest};
use super::{Buckets, Resolution};

/// 16 cells a power of two: at most two native boundaries cut one, but for the lowest.
const SUB_BUCKET_BITS: u32 = 4;

/// The way from a value to its bucket, which is a cell of the refined array.
#[derive(Debug)]
pub(crate) struct BucketIndex {
    /// By the power of two that a value lies in, 0 and 1 in the first.
    powers: [Power; u64::BITS as usize],
    /// Of `cells`: `SUB_BUCKET_BITS` or `HDR_BITS`.
    bits: u32,
    /// One a log-linear cell over the trackable range; empty when no power needs them.
    cells: Box<[Cell]>,
    /// The layout's, one step nearer.
    highest: u64,
    layout: Arc<Layout>,
}

/// The values of one power of two.
#[derive(Clone, Copy, Debug)]
struct Power {
    /// The end that cuts the power: values above it lie in the next bucket, one place before. `u64::MAX` where none does.
    cut: u64,
    /// The place of the power's lowest value.
    place: u32,
    /// Whether more ends cut it: then its cells tell.
    many: bool,
    /// Whether this is all that there is to know: not many, and no value lies above the trackable range.
    plain: bool,
}

/// A log-linear cell.
#[derive(Clone, Copy, Debug)]
struct Cell {
    /// The bucket of the cell's lowest value, and the first end that may cut the cell.
    bucket: u16,
    /// Ends that cut the cell.
    cuts: u16,
}

impl BucketIndex {
    pub(crate) fn new(buckets: &Buckets) -> Self {
        let layout = Arc::clone(buckets.layout());
        let powers = std::array::from_fn(|at| power(&layout, at));
        let bits = if buckets.resolution == Resolution::Hdr { HDR_BITS } else { SUB_BUCKET_BITS };
        let cells = if powers.iter().any(|power| power.many) { cells(&layout, bits) } else { Box::default() };
        Self { powers, bits, cells, highest: layout.highest_trackable(), layout }
    }

    /// The highest value that is told from higher ones.
    #[inline]
    pub(crate) fn highest_trackable(&self) -> u64 {
        self.highest
    }

    /// The place of a value, if it is trackable and its power of two has one answer or two.
    #[inline]
    pub(crate) fn plain_place(&self, value: u64) -> Option<usize> {
        let power = self.power(value);
        power.plain.then(|| power.place(value))
    }

    /// The place of any value. What lies above the trackable range is in the last bucket.
    #[inline]
    pub(crate) fn place(&self, value: u64) -> usize {
        let power = self.power(value);
        if power.many { self.among_cells(value) } else { power.place(value) }
    }

    #[inline]
    fn power(&self, value: u64) -> Power {
        self.powers[(value | 1).ilog2() as usize]
    }

    #[inline]
    fn among_cells(&self, value: u64) -> usize {
        let Some(&Cell { bucket, cuts }) = self.cells.get(log_linear(value, self.bits)) else { return LAST_PLACE };
        let (first, cuts) = (usize::from(bucket), usize::from(cuts));
        let ends = self.layout.ends();
        ends.len() - first - ends[first..first + cuts].partition_point(|&end| end < value)
    }
}

impl Power {
    #[inline]
    fn place(self, value: u64) -> usize {
        // Only what an end cuts lies in the last bucket but one, or before.
        (self.place - u32::from(value > self.cut)) as usize
    }
}

/// The place of the last bucket.
pub(crate) const LAST_PLACE: usize = 0;

/// The bucket of the lowest of some values, and the ends that cut them: an end that is the highest of them cuts nothing.
fn cut(layout: &Layout, low: u64, high: u64) -> (usize, &[u64]) {
    let ends = layout.ends();
    let bucket = ends.partition_point(|&end| end < low);
    (bucket, &ends[bucket..ends.partition_point(|&end| end < high)])
}

fn power(layout: &Layout, power: usize) -> Power {
    // 0 is with 1.
    let low = if power == 0 { 0 } else { 1 << power };
    let high = u64::MAX >> (u64::BITS as usize - 1 - power);
    let (bucket, cuts) = cut(layout, low, high);
    Power {
        cut: cuts.first().copied().unwrap_or(u64::MAX),
        // Fewer than 2^16.
        place: (layout.len() - 1 - bucket) as u32,
        many: cuts.len() > 1,
        plain: cuts.len() <= 1 && high <= layout.highest_trackable(),
    }
}

fn cells(layout: &Layout, bits: u32) -> Box<[Cell]> {
    let cell = |cell| {
        let (bucket, cuts) = cut(layout, lowest(cell, bits), lowest(cell + 1, bits) - 1);
        // Both are at most the number of ends, which is below 2^16.
        Cell { bucket: bucket as u16, cuts: cuts.len() as u16 }
    };
    (0..=log_linear(layout.highest_trackable(), bits)).map(cell).collect()
}

#[cfg(all(test, not(tachograph_loom)))]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const LATENCY: [f64; 11] = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.0, 5.0, 10.0];
    const RESOLUTIONS: [Resolution; 3] = [Resolution::Classic, Resolution::Native, Resolution::Hdr];

    /// The bucket by its place.
    fn bucket(index: &BucketIndex, value: u64) -> usize {
        let place = index.place(value);
        assert!(index.plain_place(value).is_none_or(|plain| plain == place && value <= index.highest));
        index.layout.len() - 1 - place
    }

    /// The bucket by the definition.
    fn naive(ends: &[u64], value: u64) -> usize {
        ends.iter().filter(|&&end| value > end).count()
    }

    fn agrees_around_every_end(buckets: &Buckets) {
        let index = BucketIndex::new(buckets);
        let ends = buckets.layout().ends();
        assert!(ends.is_sorted_by(|a, b| a < b) && ends.iter().all(|&end| end <= index.highest));
        let near = |end: u64| [end.saturating_sub(1), end, end + 1];
        // The place of each end is its bucket: what a search would find, without one for each of thousands.
        for (at, &end) in ends.iter().enumerate() {
            assert_eq!(bucket(&index, end), at, "{end} in {buckets:?}");
            assert_eq!(bucket(&index, end + 1), at + 1, "{end} + 1 in {buckets:?}");
        }
        for value in buckets.bounds.iter().copied().flat_map(near).chain([0, 1, index.highest, 1 << 44, u64::MAX]) {
            assert_eq!(bucket(&index, value), naive(ends, value), "{value} in {buckets:?}");
        }
    }

    #[test]
    fn the_usual_bounds_cut_a_power_of_two_once_at_most() {
        let index = BucketIndex::new(&Buckets::seconds(&LATENCY).unwrap());
        assert!(index.powers.iter().all(|power| !power.many));
        assert!(index.powers[..44].iter().all(|power| power.plain));
        assert!(index.cells.is_empty());
    }

    #[test]
    fn an_observation_equal_to_a_bound_counts_in_its_bucket() {
        for resolution in RESOLUTIONS {
            let buckets = Buckets::seconds(&LATENCY).unwrap().resolution(resolution);
            let index = BucketIndex::new(&buckets);
            for (bound, &cells) in LATENCY.into_iter().zip(buckets.layout().classic()) {
                assert_eq!(bucket(&index, buckets.in_base_units(bound)), usize::from(cells) - 1);
                assert_eq!(bucket(&index, buckets.in_base_units(bound) + 1), usize::from(cells));
            }
        }
    }

    #[test]
    fn a_finer_cell_is_seldom_cut() {
        for (resolution, most) in [(Resolution::Native, 3), (Resolution::Hdr, 2)] {
            let index = BucketIndex::new(&Buckets::seconds(&LATENCY).unwrap().resolution(resolution));
            // The lowest powers of two have more boundaries than whole numbers.
            assert!(index.cells.iter().all(|cell| cell.cuts <= most), "{resolution:?}");
        }
    }

    proptest! {
        #[test]
        fn the_index_agrees_with_a_naive_search(
            mut bounds in prop::collection::vec((0u32..45).prop_flat_map(|power| 1..=1u64 << power), 1..126),
            at in 0usize..3,
            above in 0u64..1 << 44,
        ) {
            bounds.sort_unstable();
            bounds.dedup();
            let highest = (bounds[bounds.len() - 1] + above).min(1 << 44);
            let buckets = Buckets::bytes(&bounds).unwrap().resolution(RESOLUTIONS[at]);
            agrees_around_every_end(&buckets);
            agrees_around_every_end(&buckets.highest_trackable(highest).unwrap());
        }

        #[test]
        fn neighbouring_bounds_are_told_apart(first in 1u64..1 << 40, count in 1u64..100, at in 0usize..3) {
            let bounds = (first..first + count).collect::<Vec<_>>();
            agrees_around_every_end(&Buckets::bytes(&bounds).unwrap().resolution(RESOLUTIONS[at]));
        }
    }
}
