//! Gauges: a value that is set.

use atomic_float::AtomicF64;

use super::family::{Family, Instrument, Parts, Sealed};
use super::series::Series;
use crate::shard::{Exhausted, Totals};
use crate::snapshot::{Previous, Values};
use crate::sync::Ordering;

/// A value that is set: a temperature, a limit, the length of a queue.
///
/// The last write wins, so there is one cell for all threads. For something that many threads count up and down,
/// [`UpDownCounter`](crate::UpDownCounter) is faster and never loses a step.
///
/// # Examples
///
/// ```
/// let registry = tachograph::Registry::new();
/// let depth = registry.gauge("queue_depth", "Jobs waiting.")?;
/// depth.set(2.5);
/// depth.inc_by(-1.0);
/// assert_eq!(depth.value(), 1.5);
/// # Ok::<(), tachograph::RegisterError>(())
/// ```
#[derive(Clone, Debug)]
pub struct Gauge(Series<AtomicF64>);

impl Gauge {
    /// Sets the value. Any double will do; NaN and the infinities are shown as such.
    #[inline]
    pub fn set(&self, value: f64) {
        // Relaxed: the value stands for itself; nothing else is published by it.
        self.0.value.store(value, Ordering::Relaxed);
    }

    /// Adds `n`, which may be negative, as one atomic step.
    #[inline]
    pub fn inc_by(&self, n: f64) {
        // Relaxed: as in `set`.
        self.0.value.fetch_add(n, Ordering::Relaxed);
    }

    /// The value now.
    pub fn value(&self) -> f64 {
        // Relaxed: as in `set`.
        self.0.value.load(Ordering::Relaxed)
    }
}

impl<const N: usize> Family<Gauge, N> {
    /// Sets the series with these label values.
    #[inline]
    pub fn set(&self, values: [&str; N], value: f64) {
        // Relaxed: as in `Gauge::set`.
        self.with_cells(values, |cell, ()| cell.store(value, Ordering::Relaxed));
    }

    /// Adds `n`, which may be negative, to the series with these label values.
    #[inline]
    pub fn inc_by(&self, values: [&str; N], n: f64) {
        // Relaxed: as in `Gauge::set`.
        self.with_cells(values, |cell, ()| _ = cell.fetch_add(n, Ordering::Relaxed));
    }
}

impl Sealed for Gauge {}
impl Instrument for Gauge {}

impl Parts for Gauge {
    type Cells = AtomicF64;
    type Shape = ();

    fn cells((): &()) -> Result<AtomicF64, Exhausted> {
        Ok(AtomicF64::new(0.0))
    }

    fn sink((): &()) -> AtomicF64 {
        AtomicF64::new(0.0)
    }

    fn handle(series: Series<AtomicF64>, (): &()) -> Self {
        Self(series)
    }

    fn values(series: &[Series<AtomicF64>], (): &(), _totals: &Totals, _previous: &Previous<'_>) -> Values {
        // Relaxed: as in `Gauge::set`.
        Values::Gauge(series.iter().map(|series| series.value.load(Ordering::Relaxed)).collect())
    }
}
