//! A histogram's value that stands on its own: to merge, to take differences of, to send to another process.

use std::fmt;
use std::sync::Arc;

use super::counts::Counts;
use super::histogram::HistogramValue;
use crate::metric::bucket::Buckets;

/// A histogram's buckets and sum, kept beyond its snapshot. Takes 16 bytes for each bucket that is not empty.
///
/// # Examples
///
/// The latency of two endpoints together:
///
/// ```
/// use tachograph::{Buckets, HistogramSnapshot, Registry, Resolution, Value};
///
/// let registry = Registry::new();
/// let buckets = Buckets::seconds(&[0.1, 1.0])?.resolution(Resolution::Hdr);
/// let wait = registry.histogram_family("wait_seconds", "", ["endpoint"], buckets)?;
/// wait.observe(["/a"], 50_000_000);
/// wait.observe(["/b"], 500_000_000);
///
/// let snapshot = registry.snapshot();
/// let mut each = snapshot.family("wait_seconds").unwrap().series().filter_map(|series| match series.value {
///     Value::Histogram(value) => Some(value),
///     _ => None,
/// });
/// let mut all = each.next().unwrap().to_snapshot();
/// each.try_for_each(|value| all.merge(&value))?;
/// assert_eq!((all.value().count(), all.value().sum()), (2, 0.55));
///
/// // As bytes, for another process.
/// assert_eq!(HistogramSnapshot::decode(&all.encode())?, all);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct HistogramSnapshot {
    buckets: Arc<Buckets>,
    /// In base units.
    sum: u64,
    /// Cell of the buckets' layout and count, of the cells that are not empty, by cell.
    counts: Box<[(u16, u64)]>,
}

/// Two histograms do not tell the same values apart, so they have no sum and no difference: make them with the same [`Buckets`].
///
/// # Examples
///
/// ```
/// use tachograph::{Buckets, Registry, Value};
///
/// let registry = Registry::new();
/// registry.histogram("a_bytes", "", Buckets::bytes(&[100])?)?;
/// registry.histogram("b_bytes", "", Buckets::bytes(&[200])?)?;
/// let snapshot = registry.snapshot();
/// let [Value::Histogram(a), Value::Histogram(b)] = ["a_bytes", "b_bytes"].map(|name| {
///     snapshot.family(name).unwrap().series().next().unwrap().value
/// }) else { panic!("both are histograms") };
/// let error = a.to_snapshot().merge(&b).unwrap_err();
/// assert_eq!(error.to_string(), "the histograms differ in their bounds: make them with the same buckets");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DifferentBuckets(
    /// What differs.
    pub(super) &'static str,
);

impl fmt::Display for DifferentBuckets {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the histograms differ in their {}: make them with the same buckets", self.0)
    }
}

impl std::error::Error for DifferentBuckets {}

impl HistogramSnapshot {
    /// `counts` are of cells of the layout, none of them 0, by cell.
    pub(super) fn new(buckets: Arc<Buckets>, sum: u64, counts: Box<[(u16, u64)]>) -> Self {
        Self { buckets, sum, counts }
    }

    /// What is in it: buckets, quantiles, sum.
    pub fn value(&self) -> HistogramValue<'_> {
        HistogramValue::new(&self.buckets, self.sum, Counts::Sparse(&self.counts), &[])
    }

    /// Adds the observations of another histogram. Counts and sum start again from 0 above 2^64, as they do in the histogram.
    ///
    /// # Errors
    ///
    /// [`DifferentBuckets`] when the two differ in unit, bounds, resolution or trackable range. Nothing has changed then.
    pub fn merge(&mut self, other: &HistogramValue<'_>) -> Result<(), DifferentBuckets> {
        self.buckets.same_as(other.buckets()).map_err(DifferentBuckets)?;
        self.counts = joined(&self.counts, other.counts(), u64::wrapping_add);
        self.sum = self.sum.wrapping_add(other.sum_in_base_units());
        Ok(())
    }

    /// What was observed since an earlier snapshot of the same histogram. Where a bucket holds less than it did, the histogram has
    /// started again from 0, and all of it is new.
    ///
    /// # Errors
    ///
    /// [`DifferentBuckets`] when the two differ in unit, bounds, resolution or trackable range.
    ///
    /// # Examples
    ///
    /// ```
    /// use tachograph::{Buckets, HistogramSnapshot, Registry, Value};
    ///
    /// let registry = Registry::new();
    /// let sizes = registry.histogram("size_bytes", "", Buckets::bytes(&[10, 100])?)?;
    /// let now = || match registry.snapshot().family("size_bytes").unwrap().series().next().unwrap().value {
    ///     Value::Histogram(value) => value.to_snapshot(),
    ///     _ => unreachable!("it is a histogram"),
    /// };
    /// sizes.observe(5);
    /// let earlier = now();
    /// sizes.observe(50);
    /// let since = now().since(&earlier)?;
    /// assert_eq!(since.value().cumulative().collect::<Vec<_>>(), [(10.0, 0), (100.0, 1), (f64::INFINITY, 1)]);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn since(&self, earlier: &Self) -> Result<Self, DifferentBuckets> {
        self.buckets.same_as(&earlier.buckets).map_err(DifferentBuckets)?;
        let counts = joined(&self.counts, Counts::Sparse(&earlier.counts), u64::wrapping_sub);
        // A bucket that fell comes out in the upper half of what a cell can hold.
        if counts.iter().any(|&(_, count)| count > u64::MAX / 2) {
            return Ok(self.clone());
        }
        Ok(Self { buckets: Arc::clone(&self.buckets), sum: self.sum.wrapping_sub(earlier.sum), counts })
    }
}

/// The counts of two histograms, cell by cell.
fn joined(left: &[(u16, u64)], right: Counts<'_>, join: fn(u64, u64) -> u64) -> Box<[(u16, u64)]> {
    let mut left = left.iter().copied().peekable();
    // A layout has fewer than 2^16 cells.
    let mut right = right.nonzero().map(|(cell, count)| (cell as u16, count)).peekable();
    let next = || {
        let cell = match (left.peek(), right.peek()) {
            (Some(&(left, _)), Some(&(right, _))) => left.min(right),
            (Some(&(cell, _)), None) | (None, Some(&(cell, _))) => cell,
            (None, None) => return None,
        };
        let left = left.next_if(|&(at, _)| at == cell).map_or(0, |(_, count)| count);
        let right = right.next_if(|&(at, _)| at == cell).map_or(0, |(_, count)| count);
        Some((cell, join(left, right)))
    };
    std::iter::from_fn(next).filter(|&(_, count)| count > 0).collect()
}
