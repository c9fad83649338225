//! The way from a value to its cell.
//!
//! The index is log-linear. Where no log-linear cell is cut by more than one end, as in nearly all classic layouts, a cell holds its
//! cut and the answer is one comparison. Otherwise a cell says where the ends that cut it lie, and they are bisected.

use std::sync::Arc;

use super::layout::{HDR_BITS, Layout};
use super::log_linear::{log_linear, lowest};
use super::{Buckets, Resolution};

/// At most this many bits are tried for cells that one end cuts: 16 cells a power of two, 10 KiB a layout.
const MOST_SUB_BUCKET_BITS: u32 = 4;

/// The way from a value to its bucket, which is a cell of the refined array.
#[derive(Debug)]
pub(crate) struct BucketIndex {
    /// Of `cells`, 0 to `MOST_SUB_BUCKET_BITS`.
    sub_bucket_bits: u32,
    /// Of `cut_cells`: `MOST_SUB_BUCKET_BITS` or `HDR_BITS`.
    cut_bits: u32,
    /// One a log-linear cell; empty when ends lie too close for it.
    cells: Box<[Cell]>,
    /// One a log-linear cell; empty when `cells` is not.
    cut_cells: Box<[CutCell]>,
    /// The layout's, one step nearer.
    highest: u64,
    layout: Arc<Layout>,
}

/// A log-linear cell that lies in one bucket or in two neighbours.
#[derive(Clone, Copy, Debug)]
struct Cell {
    /// The end that cuts the cell: values above it lie in the next bucket. `u64::MAX` where none does.
    cut: u64,
    /// The bucket of the cell's lowest value.
    bucket: u64,
}

/// A log-linear cell that lies in any number of buckets.
#[derive(Clone, Copy, Debug)]
struct CutCell {
    /// The bucket of the cell's lowest value, and the first end that may cut the cell.
    bucket: u16,
    /// Ends that cut the cell.
    cuts: u16,
}

impl BucketIndex {
    pub(crate) fn new(buckets: &Buckets) -> Self {
        let layout = Arc::clone(buckets.layout());
        let mut index = Self {
            sub_bucket_bits: 0,
            cut_bits: 0,
            cells: Box::default(),
            cut_cells: Box::default(),
            highest: layout.highest_trackable(),
            layout,
        };
        let resolution = buckets.resolution;
        let fitting = || (0..=MOST_SUB_BUCKET_BITS).find_map(|bits| Some((bits, index.one_cut_each(bits)?)));
        // At the finer resolutions a bound that lies beside a native boundary cuts a cell again sooner or later.
        if let Some((bits, cells)) = (resolution == Resolution::Classic).then(fitting).flatten() {
            (index.sub_bucket_bits, index.cells) = (bits, cells);
        } else {
            index.cut_bits = if resolution == Resolution::Hdr { HDR_BITS } else { MOST_SUB_BUCKET_BITS };
            index.cut_cells = index.cut_cells(index.cut_bits);
        }
        index
    }

    /// The highest value that is told from higher ones.
    #[inline]
    pub(crate) fn highest_trackable(&self) -> u64 {
        self.highest
    }

    /// The bucket of a value. What lies above the trackable range is in the last one.
    #[inline]
    pub(crate) fn bucket(&self, value: u64) -> usize {
        match self.cells.get(log_linear(value, self.sub_bucket_bits)) {
            Some(cell) => cell.bucket as usize + usize::from(value > cell.cut),
            None => self.among_cuts(value),
        }
    }

    fn among_cuts(&self, value: u64) -> usize {
        match self.cut_cells.get(log_linear(value, self.cut_bits)) {
            Some(&CutCell { bucket, cuts }) => {
                let (first, cuts) = (usize::from(bucket), usize::from(cuts));
                first + self.layout.ends()[first..first + cuts].partition_point(|&end| end < value)
            }
            None => self.layout.len() - 1,
        }
    }

    /// The cells of as many bits over the trackable range, with the bucket of each one's lowest value and the ends that cut it.
    fn cut_at(&self, bits: u32) -> impl Iterator<Item = (usize, &[u64])> {
        let ends = self.layout.ends();
        (0..=log_linear(self.highest_trackable(), bits)).map(move |cell| {
            let (low, high) = (lowest(cell, bits), lowest(cell + 1, bits) - 1);
            let bucket = ends.partition_point(|&end| end < low);
            // An end that is the cell's highest value cuts nothing: no value of the cell lies above it.
            (bucket, &ends[bucket..ends.partition_point(|&end| end < high)])
        })
    }

    fn cut_cells(&self, bits: u32) -> Box<[CutCell]> {
        // Both are at most the number of ends, which is below 2^16.
        self.cut_at(bits).map(|(bucket, cuts)| CutCell { bucket: bucket as u16, cuts: cuts.len() as u16 }).collect()
    }

    /// `None` when some cell is cut by more than one end.
    fn one_cut_each(&self, bits: u32) -> Option<Box<[Cell]>> {
        let cell = |(bucket, cuts): (usize, &[u64])| match *cuts {
            [] => Some(Cell { cut: u64::MAX, bucket: bucket as u64 }),
            [cut] => Some(Cell { cut, bucket: bucket as u64 }),
            _ => None,
        };
        self.cut_at(bits).map(cell).collect()
    }
}

#[cfg(all(test, not(tachograph_loom)))]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const LATENCY: [f64; 11] = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.0, 5.0, 10.0];
    const RESOLUTIONS: [Resolution; 3] = [Resolution::Classic, Resolution::Native, Resolution::Hdr];

    /// The bucket by the definition.
    fn naive(ends: &[u64], value: u64) -> usize {
        ends.iter().filter(|&&end| value > end).count()
    }

    fn agrees_around_every_end(buckets: &Buckets) {
        let index = BucketIndex::new(buckets);
        let ends = buckets.layout().ends();
        assert!(ends.is_sorted_by(|a, b| a < b) && ends.iter().all(|&end| end <= index.highest_trackable()));
        let near = |end: u64| [end.saturating_sub(1), end, end + 1];
        // The place of each end is its bucket: what a search would find, without one for each of thousands.
        for (at, &end) in ends.iter().enumerate() {
            assert_eq!(index.bucket(end), at, "{end} in {buckets:?}");
            assert_eq!(index.bucket(end + 1), at + 1, "{end} + 1 in {buckets:?}");
        }
        for value in buckets.bounds.iter().copied().flat_map(near).chain([0, 1, index.highest_trackable(), 1 << 44, u64::MAX]) {
            assert_eq!(index.bucket(value), naive(ends, value), "{value} in {buckets:?}");
        }
    }

    #[test]
    fn the_usual_bounds_need_one_cell_a_power_of_two() {
        let index = BucketIndex::new(&Buckets::seconds(&LATENCY).unwrap());
        assert_eq!(index.sub_bucket_bits, 0);
        assert_eq!(index.cells.len(), 46);
        assert!(index.cut_cells.is_empty());
    }

    #[test]
    fn an_observation_equal_to_a_bound_counts_in_its_bucket() {
        for resolution in RESOLUTIONS {
            let buckets = Buckets::seconds(&LATENCY).unwrap().resolution(resolution);
            let index = BucketIndex::new(&buckets);
            for (bound, &cells) in LATENCY.into_iter().zip(buckets.layout().classic()) {
                assert_eq!(index.bucket(buckets.in_base_units(bound)), usize::from(cells) - 1);
                assert_eq!(index.bucket(buckets.in_base_units(bound) + 1), usize::from(cells));
            }
        }
    }

    #[test]
    fn a_finer_cell_is_seldom_cut() {
        for (resolution, most) in [(Resolution::Native, 3), (Resolution::Hdr, 2)] {
            let index = BucketIndex::new(&Buckets::seconds(&LATENCY).unwrap().resolution(resolution));
            assert!(index.cells.is_empty());
            // The lowest powers of two have more boundaries than whole numbers.
            assert!(index.cut_cells.iter().all(|cell| cell.cuts <= most), "{resolution:?}");
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
