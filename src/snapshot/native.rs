//! A histogram in the buckets of Prometheus' native histograms.

use super::counts::Counts;
use crate::metric::bucket::Layout;
use crate::metric::bucket::native::{SCHEMA, coarser};

/// The coarsest schema that Prometheus knows: one bucket in 16 powers of two.
const COARSEST: i8 = -4;

/// The zero threshold that Prometheus' own client takes, 2^-128: far below one base unit, so that only zeros are in the zero
/// bucket.
const ZERO_THRESHOLD: f64 = f64::from_bits((1023 - 128) << 52);

/// A histogram as Prometheus' native ones have it: the bucket with index `i` holds the values above `base^(i - 1)` and up to
/// `base^i`, `base` being `2^(2^-schema)`; zeros have a bucket of their own.
///
/// # Examples
///
/// ```
/// use tachograph::{Buckets, Registry, Resolution, Value};
///
/// let registry = Registry::new();
/// let sizes = registry.histogram("size_bytes", "", Buckets::bytes(&[100])?.resolution(Resolution::Native))?;
/// [0, 1, 2, 3, 4, 100].into_iter().for_each(|size| sizes.observe(size));
/// let snapshot = registry.snapshot();
/// let Some(Value::Histogram(value)) = snapshot.family("size_bytes").unwrap().series().next().map(|series| series.value) else {
///     panic!("a histogram has one series");
/// };
/// let native = value.native(0).unwrap();
/// assert_eq!(native.zero_count(), 1);
/// // Up to 1, 2, 4 and 128.
/// assert_eq!(native.buckets(), [(0, 1), (1, 1), (2, 2), (7, 1)]);
/// assert_eq!(native.spans(), [(0, 3), (4, 1)]);
/// assert_eq!(value.native(3).unwrap().buckets(), [(0, 1), (8, 1), (13, 1), (16, 1), (54, 1)]);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// What it was made with:
///
/// ```
/// use tachograph::{Buckets, Registry, Resolution, Value};
///
/// let registry = Registry::new();
/// registry.histogram("size_bytes", "", Buckets::bytes(&[100])?.resolution(Resolution::Native))?;
/// let snapshot = registry.snapshot();
/// let value = snapshot.family("size_bytes").unwrap().series().next().unwrap().value;
/// let Value::Histogram(value) = value else { panic!("it is a histogram") };
/// let native = value.native(3).unwrap();
/// assert_eq!((native.schema(), native.zero_threshold()), (3, 2f64.powi(-128)));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct NativeHistogram {
    /// `COARSEST` to `SCHEMA`.
    schema: i8,
    zero_count: u64,
    /// Index and count of the buckets that are not empty, by index.
    buckets: Vec<(i32, u64)>,
}

impl NativeHistogram {
    pub(super) fn new(layout: &Layout, counts: Counts<'_>, schema: i8) -> Option<Self> {
        let native = layout.native().filter(|_| (COARSEST..=SCHEMA).contains(&schema))?;
        let mut buckets: Vec<(i32, u64)> = Vec::new();
        let mut walk = counts.walk();
        // The first cell is that of 0.
        let zero_count = walk.up_to(1);
        for (index, end) in native {
            let count = walk.up_to(end);
            let index = coarser(index, schema);
            match buckets.last_mut() {
                Some((last, sum)) if *last == index => *sum = sum.wrapping_add(count),
                _ if count == 0 => {}
                _ => buckets.push((index, count)),
            }
        }
        Some(Self { schema, zero_count, buckets })
    }

    /// The schema: there are `2^schema` buckets a power of two.
    pub fn schema(&self) -> i8 {
        self.schema
    }

    /// Values up to this count as zero. It lies below one base unit, so zeros alone do.
    pub fn zero_threshold(&self) -> f64 {
        ZERO_THRESHOLD
    }

    /// Observations of zero.
    pub fn zero_count(&self) -> u64 {
        self.zero_count
    }

    /// Index and count of each bucket that is not empty, by index.
    pub fn buckets(&self) -> &[(i32, u64)] {
        &self.buckets
    }

    /// The runs of neighbouring buckets, as the formats write them: how many indices lie between the end of the last run (at first:
    /// 0) and the first bucket of this one, and how many buckets it has.
    pub fn spans(&self) -> Vec<(i32, u32)> {
        let mut spans: Vec<(i32, u32)> = Vec::new();
        let mut next = 0;
        for &(index, _) in &self.buckets {
            match spans.last_mut() {
                Some((_, length)) if index == next => *length += 1,
                _ => spans.push((index - next, 1)),
            }
            next = index + 1;
        }
        spans
    }
}
