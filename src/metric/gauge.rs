//! Gauges: a value that is set.

use atomic_float::AtomicF64;

use super::expiry::Idle;
use super::family::{Family, Instrument, Parts, Sealed};
use super::series::Series;
use crate::shard::{Exhausted, Totals};
use crate::snapshot::{Previous, Values};
use crate::sync::Ordering;

/// A value that is set: a temperature, a limit, the length of a queue.
///
/// The last write wins, so there is one cell for all threads. A family of gauges may let series expire that nobody writes any more; see
/// [`Labels::expire_after`](crate::Labels::expire_after). For something that many threads count up and down,
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
pub struct Gauge(Series<GaugeCell>);

impl Gauge {
    /// Sets the value. Any double will do; NaN and the infinities are shown as such.
    #[inline]
    pub fn set(&self, value: f64) {
        self.0.value.set(value);
    }

    /// Adds `n`, which may be negative, as one atomic step.
    #[inline]
    pub fn inc_by(&self, n: f64) {
        self.0.value.inc_by(n);
    }

    /// The value now.
    pub fn value(&self) -> f64 {
        self.0.value.get()
    }
}

impl<const N: usize> Family<Gauge, N> {
    /// Sets the series with these label values.
    #[inline]
    pub fn set(&self, values: [&str; N], value: f64) {
        self.claim(values, |cell| cell.set(value));
    }

    /// Adds `n`, which may be negative, to the series with these label values.
    #[inline]
    pub fn inc_by(&self, values: [&str; N], n: f64) {
        self.claim(values, |cell| cell.inc_by(n));
    }

    /// Calls `f` with the cell of the series of these values, which does not expire before `f` is done.
    #[inline]
    fn claim(&self, values: [&str; N], f: impl Fn(&GaugeCell)) {
        if !self.expires() {
            return self.with_cells(values, |cell, ()| f(cell));
        }
        let claimed = |cell: &GaugeCell, (): &()| {
            let claimed = cell.idle.claim();
            if claimed {
                f(cell);
            }
            claimed
        };
        // One that is about to go is gone, or is not going after all, when the table's mutex is free.
        while !self.with_cells(values, claimed) && !self.with_new_cells(values, claimed) {}
    }
}

/// What a series counts in.
#[derive(Debug)]
pub(crate) struct GaugeCell {
    value: AtomicF64,
    idle: Idle,
}

impl GaugeCell {
    fn new() -> Self {
        Self { value: AtomicF64::new(0.0), idle: Idle::new() }
    }

    #[inline]
    pub(crate) fn set(&self, value: f64) {
        // Relaxed: the value stands for itself; nothing else is published by it.
        self.value.store(value, Ordering::Relaxed);
        self.idle.written();
    }

    #[inline]
    pub(crate) fn inc_by(&self, n: f64) {
        // Relaxed: as in `set`.
        self.value.fetch_add(n, Ordering::Relaxed);
        self.idle.written();
    }

    fn get(&self) -> f64 {
        // Relaxed: as in `set`.
        self.value.load(Ordering::Relaxed)
    }
}

impl Sealed for Gauge {}
impl Instrument for Gauge {}

impl Parts for Gauge {
    type Cells = GaugeCell;
    type Shape = ();

    fn cells((): &()) -> Result<GaugeCell, Exhausted> {
        Ok(GaugeCell::new())
    }

    fn sink((): &()) -> GaugeCell {
        GaugeCell::new()
    }

    fn idle(cell: &GaugeCell) -> Option<&Idle> {
        Some(&cell.idle)
    }

    fn handle(series: Series<GaugeCell>, (): &()) -> Self {
        Self(series)
    }

    fn values(series: &[Series<GaugeCell>], (): &(), _totals: &Totals, _previous: &Previous<'_>) -> Values {
        Values::Gauge(series.iter().map(|series| series.value.get()).collect())
    }
}
