//! Histograms: counts of observations by size, and their sum.
//!
//! A series is a block: its sequence, the sum, then a cell for each bucket but the last one, highest first. The sequence counts the
//! observations, so the last bucket is what the others leave of them: `_count`, `_sum` and all buckets of a scrape are of the same
//! observations.

use std::sync::Arc;
use std::time::Duration;

use super::bucket::{BucketIndex, Buckets, LAST_PLACE};
use super::exemplar::{self, Exemplars};
use super::family::{Instrument, Parts, Sealed};
use super::observe::Observing;
use super::series::Series;
use crate::registry::Faults;
use crate::shard::{self, Add, Exhausted, HEAD, NearSlot, PAGE_CELLS, Slot, SlotRun, Totals};
use crate::snapshot::{BucketCells, Previous, Values};

/// Counts of observations by size: latencies, sizes.
///
/// Values are whole numbers of the base unit of the [`Buckets`]: nanoseconds, bytes. An observation equal to a bound counts in
/// that bound's bucket. A value above the trackable range ([`Buckets::highest_trackable`]: 2^44 by default, close to five hours or 18
/// terabytes) counts as its highest value, and such are counted in `tachograph_observations_saturated_total`. A sum above 2^64 base
/// units starts again from 0.
///
/// # Examples
///
/// ```
/// use std::time::Duration;
/// use tachograph::{Buckets, Registry};
///
/// let registry = Registry::new();
/// let wait = registry.histogram("wait_seconds", "Time in the queue.", Buckets::seconds(&[0.005, 0.1])?)?;
/// wait.observe_duration(Duration::from_millis(5));
/// wait.observe_f64(0.25);
/// assert_eq!((wait.count(), wait.sum()), (2, 0.255));
/// assert_eq!(
///     registry.snapshot().text(),
///     "# HELP wait_seconds Time in the queue.\n\
///      ## TYPE wait_seconds histogram\n\
///      wait_seconds_bucket{le=\"0.005\"} 1\n\
///      wait_seconds_bucket{le=\"0.1\"} 1\n\
///      wait_seconds_bucket{le=\"+Inf\"} 2\n\
///      wait_seconds_sum 0.255\n\
///      wait_seconds_count 2\n"
/// );
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// In base units, on a thread whose cells are there beforehand:
///
/// ```
/// use tachograph::{Buckets, Registry};
///
/// let registry = Registry::new();
/// let sizes = registry.histogram("answer_bytes", "Size of answers.", Buckets::bytes(&[1_024])?)?;
/// sizes.prepare();
/// sizes.observe(600);
/// assert_eq!(sizes.sum(), 600.0);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
pub struct Histogram {
    /// Of the series, at hand.
    first: NearSlot,
    series: Series<SlotRun>,
    shape: Arc<Shape>,
}

impl Histogram {
    /// Counts a value in base units: nanoseconds, bytes.
    #[inline]
    pub fn observe(&self, value: u64) {
        self.shape.observe(self.first, value);
    }

    /// Counts a duration, in a histogram of seconds. (In one of bytes or whole numbers it counts as its nanoseconds.)
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

    /// Counts a value in base units, and offers it as the exemplar of its bucket: an observation that leads further, to the trace
    /// that these labels name. A bucket keeps one for a second; what comes before that is counted, but is no exemplar.
    ///
    /// Names and values of the labels together may have 128 characters. Longer ones, and names that are not legal, are refused and
    /// counted in `tachograph_exemplars_refused_total`; the value is counted all the same.
    ///
    /// # Examples
    ///
    /// ```
    /// use tachograph::{Buckets, Registry, Value};
    ///
    /// let registry = Registry::new();
    /// let wait = registry.histogram("wait_seconds", "Time in the queue.", Buckets::seconds(&[0.1])?)?;
    /// wait.observe_with_exemplar(250_000_000, &[("trace_id", "4bf92f3577b34da6")]);
    /// let snapshot = registry.snapshot();
    /// let value = snapshot.family("wait_seconds").unwrap().series().next().unwrap().value;
    /// let Value::Histogram(value) = value else { panic!("it is a histogram") };
    /// assert_eq!(value.exemplars()[0].labels(), "trace_id=\"4bf92f3577b34da6\"");
    /// assert_eq!(value.exemplars()[0].value(), 0.25);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn observe_with_exemplar(&self, value: u64, labels: &[(&str, &str)]) {
        self.observe(value);
        match exemplar::text(labels) {
            Some(text) => self.shape.exemplars.offer(&self.series, self.shape.buckets.classic_bucket(value), value, &text),
            None => self.shape.faults.exemplar_refused(),
        }
    }

    /// The first slot of its block.
    #[cfg(all(test, not(tachograph_loom)))]
    pub(crate) fn series_first(&self) -> Slot {
        self.series.value.first()
    }

    /// Observations so far, summed over all threads.
    pub fn count(&self) -> u64 {
        shard::writes(self.series.value.sum(0))
    }

    /// Sum of the observations so far, in the unit that a scrape shows.
    pub fn sum(&self) -> f64 {
        self.shape.buckets.shown(self.series.value.sum(HEAD + SUM))
    }

    /// Allocates the calling thread's cells, so that observing on this thread allocates nothing from now on.
    pub fn prepare(&self) {
        let cells = &self.series.value;
        (0..HEAD + self.shape.cells()).step_by(PAGE_CELLS).for_each(|offset| shard::prepare(cells.first().plus(offset)));
        self.shape.faults.prepare();
    }
}

/// Nanoseconds of a duration; what does not fit lies above every trackable range anyway.
#[inline]
pub(crate) fn nanoseconds(duration: Duration) -> u64 {
    // Without a carry into 128 bits, that is in fewer instructions: what is cut here is 136 years.
    duration.as_secs().min(u32::MAX.into()) * 1_000_000_000 + u64::from(duration.subsec_nanos())
}

/// Offset of the sum in a histogram's part of a block.
const SUM: usize = 0;
/// Offset of the first bucket.
const FIRST_BUCKET: usize = 1;

const _: () = assert!(
    SUM == LAST_PLACE && FIRST_BUCKET == 1,
    "a bucket's place is the offset of its cell, the last one's that of the sum"
);

/// Cells that a histogram has in its block, of a layout in which only so many bounds are told apart.
pub(crate) const fn classic_cells(bounds: usize) -> usize {
    FIRST_BUCKET + bounds
}

/// A trackable value, and the place of its bucket.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Placed {
    value: u64,
    place: usize,
}

impl Placed {
    /// What an observation of it adds to a histogram whose cells begin at an offset of the block: to the last bucket, whose cell would
    /// be the sum's, nothing more.
    #[inline]
    fn adds(self, at: usize) -> [Add; 2] {
        [(at + SUM, self.value), (at + self.place, u64::from(self.place != LAST_PLACE))]
    }

    /// The same of a histogram that has at most `PLACES` places, a power of two: so no offset needs a test.
    #[inline(always)]
    pub(crate) fn add_among<const PLACES: usize>(self, at: usize, add: &mut dyn FnMut(Add)) {
        let [sum, bucket] = Self { place: self.place % PLACES, ..self }.adds(at);
        add(sum);
        add(bucket);
    }
}

/// What all series of a histogram family share.
#[derive(Debug)]
pub(crate) struct Shape {
    index: BucketIndex,
    /// The bucket above all bounds, which has no cell.
    last: usize,
    /// Whether a series lies within a page.
    whole: bool,
    buckets: Arc<Buckets>,
    exemplars: Exemplars,
    faults: Arc<Faults>,
}

impl Shape {
    pub(crate) fn new(buckets: Buckets, faults: Arc<Faults>) -> Arc<Self> {
        let (index, last) = (BucketIndex::new(&buckets), buckets.len() - 1);
        let exemplars = Exemplars::new(buckets.bounds().count() + 1);
        let whole = HEAD + FIRST_BUCKET + last <= PAGE_CELLS;
        Arc::new(Self { index, last, whole, buckets: Arc::new(buckets), exemplars, faults })
    }

    #[inline]
    fn observe(&self, first: impl Into<NearSlot>, value: u64) {
        let first = first.into();
        if self.whole
            && let Some(place) = self.index.plain_place(value)
        {
            shard::write(first, || Placed { value, place }.adds(HEAD));
        } else {
            self.observe_any(first.slot(), value);
        }
    }

    /// The same of all values at all resolutions.
    #[inline(never)]
    fn observe_any(&self, first: Slot, value: u64) {
        let adds = self.tracked(value).adds(HEAD);
        if self.whole {
            shard::write(first, || adds);
        } else if first != Slot::SINK {
            shard::write_far(first, adds);
        }
    }

    /// The place at which a value counts.
    #[inline]
    pub(crate) fn at(&self, value: u64) -> Placed {
        match self.index.plain_place(value) {
            Some(place) => Placed { value, place },
            None => self.tracked_far(value),
        }
    }

    #[cold]
    #[inline(never)]
    fn tracked_far(&self, value: u64) -> Placed {
        self.tracked(value)
    }

    #[inline]
    fn tracked(&self, value: u64) -> Placed {
        let highest = self.index.highest_trackable();
        let value = if value <= highest { value } else { self.saturate(highest) };
        Placed { value, place: self.index.place(value) }
    }

    #[cold]
    fn saturate(&self, highest: u64) -> u64 {
        self.faults.observation_saturated();
        highest
    }

    /// Cells that a histogram has in its block.
    pub(crate) fn cells(&self) -> usize {
        FIRST_BUCKET + self.last
    }

    /// Appends the sum and all buckets of a histogram to `values`, out of its cells and the number of observations.
    pub(crate) fn read(&self, count: u64, cells: impl Iterator<Item = u64>, values: &mut Vec<u64>) {
        let first_bucket = values.len() + FIRST_BUCKET;
        values.extend(cells);
        // The cells begin with the highest bucket.
        values[first_bucket..].reverse();
        values.push(values[first_bucket..].iter().fold(count, |left, &bucket| left.wrapping_sub(bucket)));
    }

    pub(crate) fn buckets(&self) -> &Arc<Buckets> {
        &self.buckets
    }
}

impl Observing for Histogram {
    #[inline]
    fn observe_in(cells: &SlotRun, shape: &Arc<Shape>, value: u64) {
        shape.observe(cells.near(), value);
    }

    #[inline]
    fn in_base_units(shape: &Arc<Shape>, shown: f64) -> u64 {
        shape.buckets.in_base_units(shown)
    }

    fn faults(shape: &Arc<Shape>) -> &Faults {
        &shape.faults
    }
}

impl Sealed for Histogram {}
impl Instrument for Histogram {}

impl Parts for Histogram {
    type Cells = SlotRun;
    type Shape = Arc<Shape>;

    fn cells(shape: &Self::Shape) -> Result<SlotRun, Exhausted> {
        SlotRun::block(HEAD + shape.cells())
    }

    fn sink(_: &Self::Shape) -> SlotRun {
        SlotRun::sink()
    }

    fn is_large(shape: &Self::Shape) -> bool {
        HEAD + shape.cells() > PAGE_CELLS
    }

    fn unit(shape: &Self::Shape) -> Option<&'static str> {
        shape.buckets.unit_name()
    }

    fn handle(series: Series<SlotRun>, shape: &Self::Shape) -> Self {
        Self { first: series.value.near(), series, shape: Arc::clone(shape) }
    }

    fn values(series: &[Series<SlotRun>], shape: &Self::Shape, totals: &Totals, previous: &Previous<'_>) -> Values {
        let mut values = Vec::with_capacity(series.len() * (HEAD + shape.cells()));
        shape.exemplars.forget_removed();
        let exemplars = shape.exemplars.of(series, |value| shape.buckets.shown(value));
        for series in series {
            match series.value.whole(totals, HEAD + shape.cells()) {
                Some(mut cells) => {
                    let writes = shard::writes(cells.next().unwrap_or(0));
                    shape.read(writes, cells, &mut values);
                }
                None => {
                    shape.faults.block_stale();
                    previous.histogram(series.text(previous.labels), shape.cells() + 1, &mut values);
                }
            }
        }
        Values::Histogram(BucketCells::new(Arc::clone(&shape.buckets), values, exemplars))
    }
}
