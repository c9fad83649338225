//! Counts by bucket, and the sum. Nothing keeps a reader from seeing one without the other.

use crate::cells::{self, Cells, Slots};

/// Upper bounds, inclusive, in the unit of the values.
#[derive(Clone, Copy, Debug)]
pub struct Bounds<const N: usize>(pub [u64; N]);

impl<const N: usize> Bounds<N> {
    /// Cells of a histogram: the bounds, what lies above the last, and the sum.
    pub const CELLS: usize = N + 2;

    /// Observes in the thread's `cells`, from `first` on.
    #[inline]
    pub(crate) fn observe(&self, cells: &Cells, first: usize, value: u64) {
        // A handful of bounds is compared with faster one by one than by halves.
        let bucket = self.0.iter().position(|bound| value <= *bound).unwrap_or(N);
        cells::add(cells, first + bucket, 1);
        cells::add(cells, first + N + 1, value);
    }
}

/// A histogram of `N` bounds.
#[derive(Debug)]
pub struct Histogram<const N: usize> {
    bounds: Bounds<N>,
    /// The number of the first of the slots.
    first: usize,
    slots: Slots,
}

impl<const N: usize> Histogram<N> {
    /// An empty one.
    pub fn new(bounds: [u64; N]) -> Self {
        let slots = Slots::take(Bounds::<N>::CELLS);
        Self { bounds: Bounds(bounds), first: slots.slot(0).0, slots }
    }

    /// Observes a value, on any thread.
    #[inline]
    pub fn observe(&self, value: u64) {
        self.bounds.observe(cells::mine(), self.first, value);
    }

    /// How many values fell into each bucket, the one above the last bound included.
    pub fn counts(&self) -> Vec<u64> {
        (0..=N).map(|at| self.slots.total(at)).collect()
    }

    /// The sum of all values.
    pub fn sum(&self) -> u64 {
        self.slots.total(N + 1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bound_belongs_to_its_bucket() {
        let histogram = Histogram::new([10, 20]);
        [0, 10, 11, 20, 21].into_iter().for_each(|value| histogram.observe(value));
        assert_eq!(histogram.counts(), [2, 2, 1]);
        assert_eq!(histogram.sum(), 62);
    }
}
