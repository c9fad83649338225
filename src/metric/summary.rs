//! Summaries: quantiles of the last observations, sum and count of all.
//!
//! A series is a block of its sequence and the sum, and a window (see `snapshot::window`). The sequence counts the observations, so
//! `_sum` and `_count` of a scrape are of the same ones.

use std::sync::Arc;
use std::time::{Duration, Instant};

use super::family::{Instrument, Parts, Sealed};
use super::histogram::nanoseconds;
use super::observe::Observing;
use super::quantile::Quantiles;
use super::series::Series;
use crate::registry::Faults;
use crate::shard::{self, Exhausted, HEAD, SlotRun, Totals};
use crate::snapshot::window::{self, Window, Windows};
use crate::snapshot::{Previous, SummaryValue, Values};

/// Quantiles of what was observed lately: latencies, sizes.
///
/// The quantiles are of the last 60 s (see [`Quantiles::over`]), have two significant digits, and are at most 1 in 128 above the exact
/// ones (quantile 0: below); they are NaN when nothing was observed. `_sum` and `_count` are of all observations since the start.
/// Quantiles of several instances cannot be put together; where that is wanted, take a [`Histogram`](crate::Histogram).
///
/// Values are whole numbers of the base unit of the [`Quantiles`]. For the quantiles a value above 2^34 base units (17 s, 17 GB) counts
/// as 2^34, for the sum one above 2^44 as 2^44; such are counted in `tachograph_observations_saturated_total`.
///
/// # Memory
///
/// A series has 3 600 cells, 28 KiB in the snapshot thread. A thread that observes in it pays for the magnitudes that it meets: 1 KiB
/// for each power of two, 28 KiB if it met them all. A process has room for some two thousand such series, so this is for the
/// few whose quantiles matter; give a family a [limit](crate::Labels::limit).
///
/// # Examples
///
/// ```
/// use tachograph::{Quantiles, Registry};
///
/// let registry = Registry::new();
/// let batch = registry.summary("batch_items", "Items a batch.", Quantiles::whole(&[0.5, 1.0])?)?;
/// [100, 20, 60].into_iter().for_each(|value| batch.observe(value));
/// assert_eq!(
///     registry.snapshot().text(),
///     "# HELP batch_items Items a batch.\n\
///      ## TYPE batch_items summary\n\
///      batch_items{quantile=\"0.5\"} 60\n\
///      batch_items{quantile=\"1\"} 100\n\
///      batch_items_sum 180\n\
///      batch_items_count 3\n"
/// );
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// In the unit that a scrape shows, on a thread whose cells are there beforehand:
///
/// ```
/// use tachograph::{Quantiles, Registry};
///
/// let registry = Registry::new();
/// let wait = registry.summary("wait_seconds", "Time in the queue.", Quantiles::seconds(&[0.99])?)?;
/// wait.prepare();
/// wait.observe_f64(0.25);
/// assert_eq!((wait.count(), wait.sum()), (1, 0.25));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
pub struct Summary {
    series: Series<SummaryCells>,
    shape: Arc<Shape>,
}

impl Summary {
    /// Counts a value in base units: nanoseconds, bytes.
    #[inline]
    pub fn observe(&self, value: u64) {
        self.shape.observe(&self.series.value, value);
    }

    /// Counts a duration, in a summary of seconds. (In one of bytes or whole numbers it counts as its nanoseconds.)
    #[inline]
    pub fn observe_duration(&self, duration: Duration) {
        self.observe(nanoseconds(duration));
    }

    /// Counts a value in the unit that a scrape shows: seconds, bytes. It is rounded to whole base units. NaN, infinite and
    /// negative values are refused, and counted in `tachograph_observations_refused_total`.
    #[inline]
    pub fn observe_f64(&self, value: f64) {
        Self::observe_shown(&self.series.value, &self.shape, value);
    }

    /// Observations so far, summed over all threads.
    pub fn count(&self) -> u64 {
        shard::writes(self.series.value.block.sum(0))
    }

    /// Sum of the observations so far, in the unit that a scrape shows.
    pub fn sum(&self) -> f64 {
        self.shape.quantiles.shown(self.series.value.block.sum(SUM) as f64)
    }

    /// Allocates the calling thread's cells, 29 KiB, so that observing on this thread allocates nothing from now on.
    pub fn prepare(&self) {
        let cells = &self.series.value;
        shard::prepare(cells.block.first());
        cells.window.iter().for_each(|window| window.prepare());
        self.shape.faults.prepare();
    }
}

/// Offset of the sum in a series' block.
const SUM: usize = HEAD;

/// What a higher value adds to the sum: as in a histogram, so that a caller's `u64::MAX` for "unknown" does not bring it around.
const HIGHEST_SUMMAND: u64 = 1 << 44;

/// What a series counts in.
#[derive(Debug)]
pub(crate) struct SummaryCells {
    block: SlotRun,
    /// `None` in the sink.
    window: Option<Arc<Window>>,
}

/// What all series of a summary family share.
#[derive(Debug)]
pub(crate) struct Shape {
    quantiles: Quantiles,
    /// Where a series has its window slide.
    windows: Arc<Windows>,
    faults: Arc<Faults>,
}

impl Shape {
    pub(crate) fn new(quantiles: Quantiles, windows: Arc<Windows>, faults: Arc<Faults>) -> Arc<Self> {
        Arc::new(Self { quantiles, windows, faults })
    }

    #[inline]
    fn observe(&self, cells: &SummaryCells, value: u64) {
        // Before the block, so that the quantiles of a scrape know every observation that it counts.
        if !cells.window.as_ref().is_none_or(|window| window.observe(value)) {
            self.faults.observation_saturated();
        }
        shard::write(cells.block.near(), || [(SUM, value.min(HIGHEST_SUMMAND))]);
    }

    fn value(&self, series: &Series<SummaryCells>, totals: &Totals, previous: &Previous<'_>, now: Instant) -> SummaryValue {
        let cells = &series.value;
        let (sum, count) = match cells.block.whole(totals, HEAD + 1).map(Iterator::collect::<Vec<u64>>) {
            Some(whole) => (self.quantiles.shown(whole[SUM] as f64), shard::writes(whole[0])),
            None => {
                self.faults.block_stale();
                previous.summary(series.text(previous.labels))
            }
        };
        // The window is written first: of an observation that the block does not count yet it must tell nothing if there is no other.
        let window = cells.window.as_ref().filter(|_| count > 0);
        let recent = window.map(|window| window.histogram(totals, now));
        let at = |&quantile| {
            let value = recent.as_ref().map_or(f64::NAN, |recent| window::quantile(recent, quantile));
            (quantile, self.quantiles.shown(value))
        };
        SummaryValue { quantiles: self.quantiles.quantiles.iter().map(at).collect(), sum, count }
    }
}

impl Observing for Summary {
    #[inline]
    fn observe_in(cells: &SummaryCells, shape: &Arc<Shape>, value: u64) {
        shape.observe(cells, value);
    }

    #[inline]
    fn in_base_units(shape: &Arc<Shape>, shown: f64) -> u64 {
        shape.quantiles.in_base_units(shown)
    }

    fn faults(shape: &Arc<Shape>) -> &Faults {
        &shape.faults
    }
}

impl Sealed for Summary {}
impl Instrument for Summary {}

impl Parts for Summary {
    type Cells = SummaryCells;
    type Shape = Arc<Shape>;

    fn cells(shape: &Self::Shape) -> Result<SummaryCells, Exhausted> {
        let window = Arc::new(Window::new(shape.quantiles.span)?);
        let block = SlotRun::block(HEAD + 1)?;
        shape.windows.insert(&window);
        Ok(SummaryCells { block, window: Some(window) })
    }

    fn sink(_: &Self::Shape) -> SummaryCells {
        SummaryCells { block: SlotRun::sink(), window: None }
    }

    fn unit(shape: &Self::Shape) -> Option<&'static str> {
        shape.quantiles.unit
    }

    fn is_large(_: &Self::Shape) -> bool {
        true
    }

    fn heap_bytes(cells: &SummaryCells) -> usize {
        cells.window.as_ref().map_or(0, |window| window.heap_bytes())
    }

    fn handle(series: Series<SummaryCells>, shape: &Self::Shape) -> Self {
        Self { series, shape: Arc::clone(shape) }
    }

    fn values(series: &[Series<SummaryCells>], shape: &Self::Shape, totals: &Totals, previous: &Previous<'_>) -> Values {
        let now = Instant::now();
        let value = |series: &Series<SummaryCells>| shape.value(series, totals, previous, now);
        Values::Summary(series.iter().map(value).collect())
    }
}

#[cfg(all(test, not(tachograph_loom)))]
mod tests {
    use super::*;
    use crate::metric::descriptor::{Descriptor, Kind};
    use crate::metric::family::Family;
    use crate::metric::label::Labels;

    fn folded() -> Totals {
        let mut totals = Totals::default();
        totals.fold();
        totals
    }

    #[test]
    fn quantiles_slide_and_sum_and_count_stay() {
        let (windows, faults) = (Arc::new(Windows::default()), Arc::new(Faults::new()));
        let quantiles = Quantiles::whole(&[1.0]).unwrap().over(Duration::from_secs(5));
        let shape = Shape::new(quantiles, Arc::clone(&windows), Arc::clone(&faults));
        let descriptor = Descriptor::new("a", Kind::Summary, "").unwrap();
        let family: Family<Summary, 1> = Family::new(descriptor, Labels::new(["b"]), Arc::clone(&shape), faults);
        let (now, earlier) = (Instant::now(), |seconds| Instant::now().checked_sub(Duration::from_secs(seconds)).unwrap());
        let summary = family.handle(["c"]);
        let seen = || {
            let value = shape.value(&summary.series, &folded(), &Previous::of(None, "a", 1), now);
            (value.quantiles()[0].1, value.sum(), value.count())
        };
        assert!(seen().0.is_nan());
        summary.observe(100);
        assert_eq!(seen(), (100.0, 100.0, 1));
        windows.live().iter().for_each(|window| window.slide(&folded(), earlier(6)));
        assert!(seen().0.is_nan());
        assert_eq!((seen().1, seen().2), (100.0, 1));
        family.observe(["c"], 20);
        assert_eq!(seen(), (20.0, 120.0, 2));
        assert_eq!((summary.count(), summary.sum()), (2, 120.0));
    }

    #[test]
    fn a_window_that_is_ahead_of_its_block_shows_no_quantile_of_nothing() {
        let (windows, faults) = (Arc::new(Windows::default()), Arc::new(Faults::new()));
        let shape = Shape::new(Quantiles::whole(&[1.0]).unwrap(), windows, Arc::clone(&faults));
        let descriptor = Descriptor::new("a", Kind::Summary, "").unwrap();
        let family: Family<Summary, 1> = Family::new(descriptor, Labels::new(["b"]), Arc::clone(&shape), faults);
        let summary = family.handle(["c"]);
        assert!(summary.series.value.window.as_ref().unwrap().observe(7));
        let value = shape.value(&summary.series, &folded(), &Previous::of(None, "a", 1), Instant::now());
        assert!(value.count() == 0 && value.quantiles()[0].1.is_nan(), "{value:?}");
    }

    #[test]
    fn the_window_of_a_series_goes_with_it() {
        let windows = Arc::new(Windows::default());
        let faults = Arc::new(Faults::new());
        let shape = Shape::new(Quantiles::whole(&[0.5]).unwrap(), Arc::clone(&windows), Arc::clone(&faults));
        let descriptor = Descriptor::new("a", Kind::Summary, "").unwrap();
        let family: Family<Summary, 1> = Family::new(descriptor, Labels::new(["b"]), shape, faults);
        for round in 0..100 {
            family.observe([&round.to_string()], round);
        }
        assert_eq!(windows.live().len(), 100);
        for round in 0..100 {
            assert!(family.remove([&round.to_string()]));
        }
        // A table keeps removed series until it is replaced: a quarter of those that it has.
        assert!(windows.live().len() < 8, "{}", windows.live().len());
        drop(family);
        assert_eq!(windows.live().len(), 0);
    }
}
