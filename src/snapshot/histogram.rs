//! The value of a histogram: every format's buckets, and quantiles, out of the one refined array.

use std::sync::Arc;

use super::counts::Counts;
use super::native::NativeHistogram;
use super::owned::HistogramSnapshot;
use crate::metric::bucket::{Buckets, HDR_DIGITS};
use crate::metric::exemplar::Exemplar;

/// A histogram's buckets and sum.
///
/// # Examples
///
/// ```
/// use tachograph::{Buckets, Registry, Value};
///
/// let registry = Registry::new();
/// let wait = registry.histogram("wait_seconds", "", Buckets::seconds(&[0.1, 1.0])?)?;
/// wait.observe(20_000_000);
/// wait.observe(500_000_000);
/// let snapshot = registry.snapshot();
/// let value = snapshot.family("wait_seconds").unwrap().series().next().unwrap().value;
/// let Value::Histogram(value) = value else { panic!("it is a histogram") };
/// assert_eq!((value.count(), value.sum(), value.quantile(0.5)), (2, 0.52, Some(0.1)));
/// assert_eq!(value.cumulative().collect::<Vec<_>>(), [(0.1, 1), (1.0, 2), (f64::INFINITY, 2)]);
/// assert!(value.exemplars().is_empty());
/// // Beyond the snapshot.
/// let kept = value.to_snapshot();
/// drop(snapshot);
/// assert_eq!(kept.value().count(), 2);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Copy, Debug)]
pub struct HistogramValue<'a> {
    buckets: &'a Arc<Buckets>,
    /// In base units.
    sum: u64,
    /// Of the cells of the buckets' layout.
    counts: Counts<'a>,
    exemplars: &'a [Exemplar],
}

impl<'a> HistogramValue<'a> {
    /// `counts` are of the cells of the buckets' layout.
    pub(crate) fn new(buckets: &'a Arc<Buckets>, sum: u64, counts: Counts<'a>, exemplars: &'a [Exemplar]) -> Self {
        Self { buckets, sum, counts, exemplars }
    }

    /// Observations that stand for others: at most one a bucket, by bucket.
    pub fn exemplars(&self) -> &'a [Exemplar] {
        self.exemplars
    }

    /// Observations: the sum of all buckets.
    pub fn count(&self) -> u64 {
        self.counts.sum()
    }

    /// Sum of the observations, in the unit that a scrape shows.
    pub fn sum(&self) -> f64 {
        self.buckets.shown(self.sum)
    }

    /// How many observations were at most each bound, from the lowest bound to `+Inf`. Exact at every resolution.
    pub fn cumulative(&self) -> impl Iterator<Item = (f64, u64)> + use<'a> {
        self.buckets.bounds().chain([f64::INFINITY]).zip(self.cumulative_counts())
    }

    /// The same without the bounds.
    pub(crate) fn cumulative_counts(&self) -> impl Iterator<Item = u64> + use<'a> {
        let ends = self.buckets.layout().classic().iter().map(|&end| usize::from(end)).chain([self.buckets.len()]);
        ends.scan((self.counts.walk(), 0u64), |(walk, sum), end| {
            *sum = sum.wrapping_add(walk.up_to(end));
            Some(*sum)
        })
    }

    /// The value, as a scrape shows it, that a share `q` of the observations lies at or below; `q` is brought into 0 to 1. `None`
    /// where nothing was observed.
    ///
    /// It is the upper end of the bucket of the resolution in which the observation of that rank lies: never below it, and above
    /// it by at most 1 in 128 at [`Resolution::Hdr`](crate::Resolution::Hdr), by 9.1 % at `Native`, and at `Classic` up to the
    /// next bound. Of a classic histogram, what lies above the last bound is told as that bound, as Prometheus does it.
    pub fn quantile(&self, q: f64) -> Option<f64> {
        let count = self.count();
        // A little less than asked for: 0.07 of 100 observations is the seventh, and 0.07 is a double just above 7/100.
        let rank = (q.clamp(0.0, 1.0).next_down() * count as f64).ceil() as u64;
        let rank = rank.clamp(1, count.max(1));
        let mut upto = 0u64;
        let (cell, _) = self.counts.nonzero().find(|&(_, count)| {
            upto = upto.saturating_add(count);
            upto >= rank
        })?;
        Some(self.buckets.shown(self.highest_in(cell)))
    }

    /// The histogram as Prometheus' native ones have it, at a schema from -4 to 3: `2^schema` buckets a power of two. Exact.
    /// `None` at another schema and at [`Resolution::Classic`](crate::Resolution::Classic).
    pub fn native(&self, schema: i8) -> Option<NativeHistogram> {
        NativeHistogram::new(self.buckets.layout(), self.counts, schema)
    }

    /// The histogram as the HdrHistogram library has it, in base units and with two significant digits: for its iterators, its
    /// arithmetic and its file formats.
    ///
    /// At [`Resolution::Hdr`](crate::Resolution::Hdr) it is what that library would have recorded itself. At coarser ones each
    /// observation counts as the upper end of its bucket, as with [`quantile`](Self::quantile).
    ///
    /// # Examples
    ///
    /// ```
    /// use tachograph::{Buckets, Registry, Resolution, Value};
    ///
    /// let registry = Registry::new();
    /// let wait = registry.histogram("wait_seconds", "", Buckets::seconds(&[0.1])?.resolution(Resolution::Hdr))?;
    /// wait.observe(1_000_000);
    /// let snapshot = registry.snapshot();
    /// let Some(Value::Histogram(value)) = snapshot.family("wait_seconds").unwrap().series().next().map(|series| series.value) else {
    ///     panic!("a histogram has one series");
    /// };
    /// let hdr = value.to_hdr();
    /// assert_eq!((hdr.len(), hdr.sigfig()), (1, 2));
    /// assert!(hdr.equivalent(hdr.max(), 1_000_000));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn to_hdr(&self) -> hdrhistogram::Histogram<u64> {
        // The library takes no range below 2.
        let highest = self.buckets.layout().highest_trackable().max(2);
        let mut hdr = hdrhistogram::Histogram::new_with_bounds(1, highest, HDR_DIGITS)
            .expect("2 to 2^44 and two digits are what the library takes");
        for (cell, count) in self.counts.nonzero() {
            hdr.saturating_record_n(self.highest_in(cell), count);
        }
        hdr
    }

    /// The highest value of a cell; of the last one of a classic histogram the lowest, or nearly.
    fn highest_in(&self, cell: usize) -> u64 {
        let layout = self.buckets.layout();
        match layout.ends().get(cell) {
            Some(&end) => end,
            None if layout.native().is_some() => layout.highest_trackable(),
            None => layout.ends()[layout.ends().len() - 1],
        }
    }

    /// A copy that outlives the snapshot: to merge with others, to take a later one's difference from, to send elsewhere.
    pub fn to_snapshot(&self) -> HistogramSnapshot {
        // A layout has fewer than 2^16 cells.
        let counts = self.counts.nonzero().map(|(cell, count)| (cell as u16, count)).collect();
        HistogramSnapshot::new(Arc::clone(self.buckets), self.sum, counts)
    }

    pub(crate) fn buckets(&self) -> &'a Arc<Buckets> {
        self.buckets
    }

    /// In base units.
    pub(super) fn sum_in_base_units(&self) -> u64 {
        self.sum
    }

    pub(super) fn counts(&self) -> Counts<'a> {
        self.counts
    }
}
