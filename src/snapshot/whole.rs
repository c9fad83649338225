//! Values that are set as a whole: the state of a state set, the buckets of a gauge histogram.

use std::sync::Arc;

use crate::metric::bucket::Buckets;

/// Which of its states a state set is in.
///
/// # Examples
///
/// ```
/// use tachograph::{Registry, Value};
///
/// let registry = Registry::new();
/// registry.state_set("breaker", "State of the circuit breaker.", &["closed", "open"])?.set("open");
/// let snapshot = registry.snapshot();
/// let value = snapshot.family("breaker").unwrap().series().next().unwrap().value;
/// let Value::StateSet(value) = value else { panic!("it is a state set") };
/// assert_eq!(value.active(), "open");
/// assert!(value.states().eq([("closed", false), ("open", true)]));
/// # Ok::<(), tachograph::RegisterError>(())
/// ```
#[derive(Clone, Copy, Debug)]
pub struct StateSetValue<'a> {
    /// At least one, in order.
    pub(crate) states: &'a [Box<str>],
    /// Index of the state it is in.
    pub(crate) active: usize,
}

impl<'a> StateSetValue<'a> {
    /// The state it is in.
    pub fn active(&self) -> &'a str {
        &self.states[self.active]
    }

    /// All states in order, each with whether it is the active one.
    pub fn states(&self) -> impl Iterator<Item = (&'a str, bool)> + use<'a> {
        let active = self.active;
        self.states.iter().enumerate().map(move |(at, state)| (&**state, at == active))
    }
}

/// How many things there are now in each bucket of a gauge histogram.
///
/// # Examples
///
/// ```
/// use tachograph::{Buckets, Registry, Value};
///
/// let registry = Registry::new();
/// let waiting = registry.gauge_histogram("waiting_bytes", "Jobs waiting, by size.", Buckets::bytes(&[1_024])?)?;
/// waiting.set(&[3, 1], 9_000.0);
/// let snapshot = registry.snapshot();
/// let value = snapshot.family("waiting_bytes").unwrap().series().next().unwrap().value;
/// let Value::GaugeHistogram(value) = value else { panic!("it is a gauge histogram") };
/// assert_eq!((value.count(), value.sum()), (4, 9000.0));
/// assert!(value.cumulative().eq([(1024.0, 3), (f64::INFINITY, 4)]));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
pub struct GaugeHistogramValue {
    buckets: Arc<Buckets>,
    /// One a bound and one for `+Inf`, whatever the resolution; their sum fits 64 bits.
    counts: Box<[u64]>,
    /// Finite and not negative.
    sum: f64,
}

impl GaugeHistogramValue {
    /// `None` when there is not one count a bucket, they have no sum of 64 bits, or `sum` is NaN, infinite or negative.
    pub(crate) fn new(buckets: Arc<Buckets>, counts: &[u64], sum: f64) -> Option<Self> {
        let countable = counts.iter().try_fold(0u64, |sum, &count| sum.checked_add(count)).is_some();
        let fits = counts.len() == buckets.bounds().count() + 1 && countable && sum.is_finite() && sum >= 0.0;
        fits.then(|| Self { buckets, counts: counts.into(), sum })
    }

    /// Nothing in any bucket.
    pub(crate) fn empty(buckets: Arc<Buckets>) -> Self {
        let counts = vec![0; buckets.bounds().count() + 1].into();
        Self { buckets, counts, sum: 0.0 }
    }

    /// Things there are now: the sum of all buckets.
    pub fn count(&self) -> u64 {
        self.counts.iter().sum()
    }

    /// Sum of their values, in the unit that a scrape shows.
    pub fn sum(&self) -> f64 {
        self.sum
    }

    /// How many are at most each bound, from the lowest bound to `+Inf`.
    pub fn cumulative(&self) -> impl Iterator<Item = (f64, u64)> {
        self.buckets.bounds().chain([f64::INFINITY]).zip(self.cumulative_counts())
    }

    /// The same without the bounds.
    pub(crate) fn cumulative_counts(&self) -> impl Iterator<Item = u64> {
        self.counts.iter().scan(0u64, |sum, &count| {
            *sum += count;
            Some(*sum)
        })
    }

    pub(crate) fn buckets(&self) -> &Arc<Buckets> {
        &self.buckets
    }

    pub(crate) fn counts(&self) -> &[u64] {
        &self.counts
    }
}
