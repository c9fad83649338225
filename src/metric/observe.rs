//! Observing: what families of histograms and of summaries have in common.

use std::time::Duration;

use super::family::{Family, Instrument};
use super::histogram::nanoseconds;
use crate::registry::Faults;

/// A kind of metric that values are observed in.
pub(crate) trait Observing: Instrument {
    /// Counts a value in base units.
    fn observe_in(cells: &Self::Cells, shape: &Self::Shape, value: u64);
    /// A shown value in base units, negative and NaN excluded by the caller.
    fn in_base_units(shape: &Self::Shape, shown: f64) -> u64;
    /// Where refusals are counted.
    fn faults(shape: &Self::Shape) -> &Faults;

    /// Counts a value in the unit that a scrape shows, or that it was refused.
    #[inline]
    fn observe_shown(cells: &Self::Cells, shape: &Self::Shape, shown: f64) {
        if shown.is_finite() && shown >= 0.0 {
            Self::observe_in(cells, shape, Self::in_base_units(shape, shown));
        } else {
            Self::faults(shape).observation_refused();
        }
    }
}

#[expect(private_bounds, reason = "the trait is what the engine needs of them, not a caller")]
impl<M: Observing, const N: usize> Family<M, N> {
    /// Counts a value in base units in the series with these label values.
    #[inline]
    pub fn observe(&self, values: [&str; N], value: u64) {
        self.with_cells(values, |cells, shape| M::observe_in(cells, shape, value));
    }

    /// Counts a duration in the series with these label values.
    #[inline]
    pub fn observe_duration(&self, values: [&str; N], duration: Duration) {
        self.observe(values, nanoseconds(duration));
    }

    /// Counts a value in the unit that a scrape shows in the series with these label values; see
    /// [`Histogram::observe_f64`](crate::Histogram::observe_f64).
    #[inline]
    pub fn observe_f64(&self, values: [&str; N], value: f64) {
        self.with_cells(values, |cells, shape| M::observe_shown(cells, shape, value));
    }
}
