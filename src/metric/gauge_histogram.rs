//! Gauge histograms: how many things there are of each size, now.

use std::sync::Arc;

use super::bucket::Buckets;
use super::family::{Family, Instrument, Parts, Sealed};
use super::series::Series;
use crate::registry::Faults;
use crate::shard::{Exhausted, Totals};
use crate::snapshot::{GaugeHistogramValue, Previous, Values};
use crate::sync::{Mutex, lock};

/// How many things there are of each size, now: jobs by how long they have waited, files by size.
///
/// Unlike those of a [`Histogram`](crate::Histogram) its counts fall as things go, so all of them are set at once. What does not fit
/// is refused, and counted in `tachograph_settings_refused_total`: other than one count a bucket, a sum that is NaN, infinite or
/// negative.
///
/// The text format 0.0.4 has no such type; there it is a `histogram`, the only type with buckets. Read it without `rate()`.
///
/// # Examples
///
/// ```
/// use tachograph::{Buckets, Registry};
///
/// let registry = Registry::new();
/// let waiting = registry.gauge_histogram("waiting_seconds", "Jobs waiting, by age.", Buckets::seconds(&[1.0, 60.0])?)?;
/// // Four jobs: three younger than a second, none of up to a minute, and an old one.
/// waiting.set(&[3, 0, 1], 92.5);
/// assert_eq!(
///     registry.snapshot().text(),
///     "# HELP waiting_seconds Jobs waiting, by age.\n\
///      ## TYPE waiting_seconds histogram\n\
///      waiting_seconds_bucket{le=\"1\"} 3\n\
///      waiting_seconds_bucket{le=\"60\"} 3\n\
///      waiting_seconds_bucket{le=\"+Inf\"} 4\n\
///      waiting_seconds_sum 92.5\n\
///      waiting_seconds_count 4\n"
/// );
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
pub struct GaugeHistogram {
    series: Series<Cell>,
    shape: Shape,
}

/// Set and read as a whole, by nobody in a hurry: a mutex is enough.
type Cell = Mutex<GaugeHistogramValue>;

/// What all series of a family share.
#[derive(Clone, Debug)]
pub(crate) struct Shape {
    pub(crate) buckets: Arc<Buckets>,
    pub(crate) faults: Arc<Faults>,
}

impl GaugeHistogram {
    /// Sets all of it: how many there are in each bucket (not cumulated, the bucket above the last bound at the end), and the sum of
    /// their values in the unit that a scrape shows.
    pub fn set(&self, counts: &[u64], sum: f64) {
        self.shape.set(&self.series.value, counts, sum);
    }
}

impl<const N: usize> Family<GaugeHistogram, N> {
    /// Sets all of the series with these label values; see [`GaugeHistogram::set`].
    pub fn set(&self, values: [&str; N], counts: &[u64], sum: f64) {
        self.with_cells(values, |cell, shape| shape.set(cell, counts, sum));
    }
}

impl Shape {
    fn set(&self, cell: &Cell, counts: &[u64], sum: f64) {
        match GaugeHistogramValue::new(Arc::clone(&self.buckets), counts, sum) {
            Some(value) => *lock(cell) = value,
            None => self.faults.setting_refused(),
        }
    }
}

impl Sealed for GaugeHistogram {}
impl Instrument for GaugeHistogram {}

impl Parts for GaugeHistogram {
    type Cells = Cell;
    type Shape = Shape;

    fn cells(shape: &Shape) -> Result<Cell, Exhausted> {
        Ok(Self::sink(shape))
    }

    fn sink(shape: &Shape) -> Cell {
        Mutex::new(GaugeHistogramValue::empty(Arc::clone(&shape.buckets)))
    }

    fn unit(shape: &Shape) -> Option<&'static str> {
        shape.buckets.unit_name()
    }

    fn heap_bytes(cell: &Cell) -> usize {
        size_of_val(lock(cell).counts())
    }

    fn handle(series: Series<Cell>, shape: &Shape) -> Self {
        Self { series, shape: shape.clone() }
    }

    fn values(series: &[Series<Cell>], _: &Shape, _totals: &Totals, _previous: &Previous<'_>) -> Values {
        Values::GaugeHistogram(series.iter().map(|series| lock(&series.value).clone()).collect())
    }
}
