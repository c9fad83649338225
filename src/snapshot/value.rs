//! What a snapshot holds: families, their series, and each one's value. No atomics from here on.

use std::fmt;
use std::sync::Arc;
use std::time::SystemTime;

use super::counts::Counts;
use super::histogram::HistogramValue;
use super::owned::HistogramSnapshot;
use super::series_labels::{LabelTexts, OwnedLabels, SeriesLabels};
use super::whole::{GaugeHistogramValue, StateSetValue};
use crate::metric::bucket::Buckets;
use crate::metric::descriptor::Descriptor;
use crate::metric::exemplar::Exemplar;

/// The values of a family's series, in the same order as its labels.
#[derive(Debug)]
pub(crate) enum Values {
    Counter(Vec<u64>),
    UpDown(Vec<i64>),
    FloatCounter(Vec<f64>),
    Gauge(Vec<f64>),
    Histogram(BucketCells),
    GaugeHistogram(Vec<GaugeHistogramValue>),
    Summary(Vec<SummaryValue>),
    StateSet {
        states: Arc<[Box<str>]>,
        /// Index of each series' state.
        active: Vec<usize>,
    },
    /// Always 1.
    Info,
}

/// Histogram cells of one series after another: each the sum, then the buckets.
#[derive(Debug)]
pub(crate) struct BucketCells {
    buckets: Arc<Buckets>,
    cells: Vec<u64>,
    /// Of the series that have any, by place.
    exemplars: Vec<(usize, Vec<Exemplar>)>,
}

impl BucketCells {
    pub(crate) fn new(buckets: Arc<Buckets>, cells: Vec<u64>, exemplars: Vec<(usize, Vec<Exemplar>)>) -> Self {
        Self { buckets, cells, exemplars }
    }

    fn cells(&self, at: usize) -> &[u64] {
        let width = self.buckets.len() + 1;
        &self.cells[at * width..(at + 1) * width]
    }

    fn series(&self, at: usize) -> HistogramValue<'_> {
        let (sum, counts) = self.cells(at).split_first().expect("a series has a sum and a bucket");
        let exemplars = self.exemplars.binary_search_by_key(&at, |(series, _)| *series);
        let exemplars = exemplars.map_or(&[][..], |found| &self.exemplars[found].1);
        HistogramValue::new(&self.buckets, *sum, Counts::Dense(counts), exemplars)
    }
}

/// A family as it was when the snapshot was taken.
///
/// # Examples
///
/// ```
/// let registry = tachograph::Registry::new();
/// registry.counter_family("jobs_total", "Jobs done.", ["queue"])?.inc(["mail"]);
/// let snapshot = registry.snapshot();
/// let family = snapshot.family("jobs_total").unwrap();
/// assert_eq!((family.descriptor().help(), family.len()), ("Jobs done.", 1));
/// assert!(family.series().all(|series| series.labels.iter().eq([("queue", "mail".into())])));
/// # Ok::<(), tachograph::RegisterError>(())
/// ```
pub struct FamilySnapshot {
    descriptor: Arc<Descriptor>,
    /// One, but where the labels of the series are not all called the same: then one of each set of names.
    parts: Box<[SeriesSet]>,
    /// Where each series stands, in the order of label values: part, and place there. Empty where there is one part, in order.
    order: Box<[(u32, u32)]>,
}

/// Series of a family that were read together.
pub(super) enum SeriesSet {
    /// Out of the fold.
    Folded { labels: Arc<dyn LabelTexts>, values: Values },
    /// From a collector or a window.
    Collected(Vec<CollectedSeries>),
}

/// One series that was not folded.
#[derive(Debug)]
pub(crate) struct CollectedSeries {
    pub(crate) labels: OwnedLabels,
    pub(crate) value: CollectedValue,
}

#[derive(Clone, Debug)]
pub(crate) enum CollectedValue {
    Counter(u64),
    FloatCounter(f64),
    UpDown(i64),
    Gauge(f64),
    Histogram(HistogramSnapshot),
    GaugeHistogram(GaugeHistogramValue),
    StateSet {
        states: Arc<[Box<str>]>,
        /// Index of its state.
        active: usize,
    },
    Info,
    Summary(SummaryValue),
}

/// One series: its labels and its value.
///
/// # Examples
///
/// ```
/// use tachograph::Value;
///
/// let registry = tachograph::Registry::new();
/// registry.gauge_family("queue_depth", "Jobs waiting.", ["queue"])?.set(["mail"], 4.0);
/// let snapshot = registry.snapshot();
/// let series = snapshot.family("queue_depth").unwrap().series().next().unwrap();
/// assert_eq!(series.labels, "queue=\"mail\"");
/// assert!(matches!(series.value, Value::Float(4.0)));
/// assert!(series.created().is_some());
/// # Ok::<(), tachograph::RegisterError>(())
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Series<'a> {
    /// The labels, those of the registry itself left out.
    pub labels: SeriesLabels<'a>,
    /// The value.
    pub value: Value<'a>,
    among: &'a SeriesSet,
    /// Its place there.
    at: usize,
}

impl Series<'_> {
    /// When the series was made, at 0, to an eighth of a second; `None` where that is not known: of what a collector gives, of what
    /// came from another process, and of the summary of an [`HttpMetrics`](crate::http::HttpMetrics).
    pub fn created(&self) -> Option<SystemTime> {
        match self.among {
            SeriesSet::Folded { labels, .. } => Some(labels.created(self.at).time()),
            SeriesSet::Collected(_) => None,
        }
    }
}

/// The value of one series.
///
/// # Examples
///
/// ```
/// use tachograph::{Registry, Value};
///
/// let registry = Registry::new();
/// registry.counter("jobs_total", "Jobs done.")?.inc_by(3);
/// registry.up_down_counter("open_files", "Files open now.")?.dec();
/// registry.gauge("heat_celsius", "Temperature.")?.set(21.5);
/// let snapshot = registry.snapshot();
/// let value = |name| snapshot.family(name).unwrap().series().next().unwrap().value;
/// assert!(matches!(value("jobs_total"), Value::Counter(3)));
/// assert!(matches!(value("open_files"), Value::UpDown(-1)));
/// assert!(matches!(value("heat_celsius"), Value::Float(21.5)));
/// # Ok::<(), tachograph::RegisterError>(())
/// ```
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub enum Value<'a> {
    /// A counter's whole number.
    Counter(u64),
    /// An up-down counter's whole number.
    UpDown(i64),
    /// A gauge's value, or a counter's that is no whole number.
    Float(f64),
    /// A histogram's buckets.
    Histogram(HistogramValue<'a>),
    /// A gauge histogram's buckets.
    GaugeHistogram(&'a GaugeHistogramValue),
    /// A state set's states.
    StateSet(StateSetValue<'a>),
    /// An info: its labels tell all.
    Info,
    /// A summary's quantiles.
    Summary(&'a SummaryValue),
}

/// A summary's quantiles, sum and count.
///
/// # Examples
///
/// ```
/// use tachograph::{Quantiles, Registry, Value};
///
/// let registry = Registry::new();
/// let batch = registry.summary("batch_items", "Items a batch.", Quantiles::whole(&[0.5])?)?;
/// [100, 20, 60].into_iter().for_each(|items| batch.observe(items));
/// let snapshot = registry.snapshot();
/// let value = snapshot.family("batch_items").unwrap().series().next().unwrap().value;
/// let Value::Summary(value) = value else { panic!("it is a summary") };
/// assert_eq!((value.count(), value.sum(), value.quantiles()), (3, 180.0, &[(0.5, 60.0)][..]));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
pub struct SummaryValue {
    /// Quantile (0 to 1) and value, by quantile; NaN where nothing was observed.
    pub(crate) quantiles: Vec<(f64, f64)>,
    pub(crate) sum: f64,
    pub(crate) count: u64,
}

impl SummaryValue {
    /// Each quantile (0 to 1) with its value; NaN where nothing was observed.
    pub fn quantiles(&self) -> &[(f64, f64)] {
        &self.quantiles
    }

    /// Sum of the observations, in the unit that a scrape shows.
    pub fn sum(&self) -> f64 {
        self.sum
    }

    /// Observations.
    pub fn count(&self) -> u64 {
        self.count
    }
}

impl FamilySnapshot {
    pub(crate) fn folded(descriptor: Arc<Descriptor>, labels: Arc<dyn LabelTexts>, values: Values) -> Self {
        Self { descriptor, parts: Box::new([SeriesSet::Folded { labels, values }]), order: Box::default() }
    }

    pub(crate) fn collected(descriptor: Arc<Descriptor>, mut series: Vec<CollectedSeries>) -> Self {
        series.sort_by(|a, b| a.labels.get().in_order(b.labels.get()));
        Self { descriptor, parts: Box::new([SeriesSet::Collected(series)]), order: Box::default() }
    }

    /// The series of several families as one.
    #[cfg(feature = "metrics")]
    pub(crate) fn joined(descriptor: Arc<Descriptor>, families: Vec<Self>) -> Self {
        let parts: Box<[SeriesSet]> = families.into_iter().flat_map(|family| family.parts).collect();
        if parts.len() == 1 {
            return Self { descriptor, parts, order: Box::default() };
        }
        let places = (0..).zip(&parts).flat_map(|(part, set)| (0..set.len() as u32).map(move |at| (part, at)));
        let mut order: Box<[(u32, u32)]> = places.collect();
        let labels = |(part, at): (u32, u32)| parts[part as usize].labels(at as usize);
        order.sort_by(|&a, &b| labels(a).in_order(labels(b)));
        Self { descriptor, parts, order }
    }

    /// Name, type and help.
    pub fn descriptor(&self) -> &Descriptor {
        &self.descriptor
    }

    /// Series in the family.
    #[expect(clippy::len_without_is_empty, reason = "a family without series is still a family")]
    pub fn len(&self) -> usize {
        self.parts.iter().map(SeriesSet::len).sum()
    }

    /// The series, by label values.
    pub fn series(&self) -> impl Iterator<Item = Series<'_>> {
        (0..self.len()).map(|n| match self.order.get(n) {
            Some(&(part, at)) => self.parts[part as usize].series(at as usize),
            None => self.parts[0].series(n),
        })
    }

    pub(super) fn parts(&self) -> &[SeriesSet] {
        &self.parts
    }
}

impl SeriesSet {
    pub(super) fn len(&self) -> usize {
        match self {
            Self::Folded { labels, .. } => labels.len(),
            Self::Collected(series) => series.len(),
        }
    }

    /// The labels of a series, by its place in the order of label values.
    pub(super) fn labels(&self, at: usize) -> SeriesLabels<'_> {
        match self {
            Self::Folded { labels, .. } => SeriesLabels::new(labels.names(), labels.kept(at)),
            Self::Collected(series) => series[at].labels.get(),
        }
    }

    /// The sum and the buckets of a histogram that was folded.
    pub(super) fn histogram_cells(&self, at: usize) -> Option<&[u64]> {
        match self {
            Self::Folded { values: Values::Histogram(cells), .. } => Some(cells.cells(at)),
            _ => None,
        }
    }

    /// The value of a summary that was folded.
    pub(super) fn summary_value(&self, at: usize) -> Option<&SummaryValue> {
        match self {
            Self::Folded { values: Values::Summary(values), .. } => Some(&values[at]),
            _ => None,
        }
    }

    /// The value of a counter that was folded.
    pub(super) fn counter_value(&self, at: usize) -> Option<u64> {
        match self {
            Self::Folded { values: Values::Counter(values), .. } => Some(values[at]),
            _ => None,
        }
    }

    fn series(&self, at: usize) -> Series<'_> {
        Series { labels: self.labels(at), value: self.value(at), among: self, at }
    }

    fn value(&self, at: usize) -> Value<'_> {
        match self {
            Self::Folded { values, .. } => match values {
                Values::Counter(values) => Value::Counter(values[at]),
                Values::UpDown(values) => Value::UpDown(values[at]),
                Values::FloatCounter(values) | Values::Gauge(values) => Value::Float(values[at]),
                Values::Histogram(cells) => Value::Histogram(cells.series(at)),
                Values::GaugeHistogram(values) => Value::GaugeHistogram(&values[at]),
                Values::Summary(values) => Value::Summary(&values[at]),
                Values::StateSet { states, active } => Value::StateSet(StateSetValue { states, active: active[at] }),
                Values::Info => Value::Info,
            },
            Self::Collected(series) => match &series[at].value {
                CollectedValue::Counter(value) => Value::Counter(*value),
                CollectedValue::FloatCounter(value) | CollectedValue::Gauge(value) => Value::Float(*value),
                CollectedValue::UpDown(value) => Value::UpDown(*value),
                CollectedValue::Histogram(value) => Value::Histogram(value.value()),
                CollectedValue::GaugeHistogram(value) => Value::GaugeHistogram(value),
                CollectedValue::StateSet { states, active } => Value::StateSet(StateSetValue { states, active: *active }),
                CollectedValue::Info => Value::Info,
                CollectedValue::Summary(value) => Value::Summary(value),
            },
        }
    }
}

impl fmt::Debug for SeriesSet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries((0..self.len()).map(|at| self.labels(at))).finish()
    }
}

impl fmt::Debug for FamilySnapshot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FamilySnapshot").field("descriptor", &self.descriptor).field("series", &self.len()).finish()
    }
}
