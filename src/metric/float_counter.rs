//! Counters of what comes in fractions: a cell a thread, each with the bits of a double.

use std::sync::Arc;

use super::family::{Family, Instrument, Parts, Sealed};
use super::series::Series;
use crate::registry::Faults;
use crate::shard::{self, Exhausted, Slot, SlotRun, Totals};
use crate::snapshot::{Previous, Values};

/// A number that only rises, not by whole steps: seconds of processor time, joules.
///
/// Each thread counts in a cell of its own, as in a [`Counter`](crate::Counter), and clones count the same. An increment that is
/// NaN, infinite or negative is refused, and counted in `tachograph_increments_refused_total`. The value stays at `f64::MAX` once
/// it is there.
///
/// A double has 53 bits: on a thread that has counted 10^9 in it, increments below 10^-7 vanish. For what comes in whole units, count
/// those with a `Counter`.
///
/// # Examples
///
/// ```
/// let registry = tachograph::Registry::new();
/// let busy = registry.float_counter("busy_seconds_total", "Time spent at work.")?;
/// std::thread::scope(|scope| {
///     scope.spawn(|| busy.inc_by(0.25));
///     busy.inc_by(1.5);
///     busy.inc_by(-1.0);
/// });
/// assert_eq!(busy.value(), 1.75);
/// assert!(registry.snapshot().text().ends_with("# TYPE busy_seconds_total counter\nbusy_seconds_total 1.75\n"));
/// # Ok::<(), tachograph::RegisterError>(())
/// ```
///
/// On a thread whose cell is there beforehand:
///
/// ```
/// let registry = tachograph::Registry::new();
/// let busy = registry.float_counter("busy_seconds_total", "Time at work.")?;
/// busy.prepare();
/// busy.inc_by(0.5);
/// assert_eq!(busy.value(), 0.5);
/// # Ok::<(), tachograph::RegisterError>(())
/// ```
#[derive(Clone, Debug)]
pub struct FloatCounter {
    slot: Slot,
    series: Series<SlotRun>,
    faults: Arc<Faults>,
}

impl FloatCounter {
    /// Adds `x`.
    #[inline]
    pub fn inc_by(&self, x: f64) {
        inc_by(self.slot, x, &self.faults);
    }

    /// The value now, summed over all threads.
    pub fn value(&self) -> f64 {
        finite(self.series.value.sum_f64())
    }

    /// Allocates the calling thread's cell, so that counting on this thread allocates nothing from now on.
    pub fn prepare(&self) {
        shard::prepare(self.slot);
        self.faults.prepare();
    }
}

impl<const N: usize> Family<FloatCounter, N> {
    /// Adds `x` to the series with these label values.
    #[inline]
    pub fn inc_by(&self, values: [&str; N], x: f64) {
        self.with_cells(values, |cells, faults| inc_by(cells.first(), x, faults));
    }
}

#[inline]
fn inc_by(slot: Slot, x: f64, faults: &Faults) {
    if x.is_finite() && x >= 0.0 {
        shard::add_f64(slot, x);
    } else {
        faults.increment_refused();
    }
}

/// A sum of finite increments may be infinite all the same.
fn finite(sum: f64) -> f64 {
    sum.min(f64::MAX)
}

impl Sealed for FloatCounter {}
impl Instrument for FloatCounter {}

impl Parts for FloatCounter {
    type Cells = SlotRun;
    type Shape = Arc<Faults>;

    fn cells(_: &Self::Shape) -> Result<SlotRun, Exhausted> {
        SlotRun::float()
    }

    fn sink(_: &Self::Shape) -> SlotRun {
        SlotRun::sink()
    }

    fn handle(series: Series<SlotRun>, faults: &Self::Shape) -> Self {
        Self { slot: series.value.first(), series, faults: Arc::clone(faults) }
    }

    fn values(series: &[Series<SlotRun>], _: &Self::Shape, totals: &Totals, _previous: &Previous<'_>) -> Values {
        Values::FloatCounter(series.iter().map(|series| finite(series.value.total_f64(totals))).collect())
    }
}
