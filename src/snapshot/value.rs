//! What a snapshot holds: families, their series, and each one's value. No atomics from here on.

use std::fmt;
use std::sync::Arc;

use super::counts::Counts;
use super::histogram::HistogramValue;
use super::owned::HistogramSnapshot;
use super::series_labels::{Form, LabelTexts, SeriesLabels};
use super::whole::{GaugeHistogramValue, StateSetValue};
use crate::metric::bucket::Buckets;
use crate::metric::descriptor::Descriptor;
use crate::metric::exemplar::Exemplar;
use crate::metric::kept::by_value;
use crate::metric::label::LabelNames;

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
pub struct FamilySnapshot {
    descriptor: Arc<Descriptor>,
    series: SeriesSet,
}

enum SeriesSet {
    /// Out of the fold.
    Folded { labels: Arc<dyn LabelTexts>, values: Values },
    /// From a collector or a window.
    Collected(Vec<CollectedSeries>),
}

/// One series that was not folded.
#[derive(Debug)]
pub(crate) struct CollectedSeries {
    pub(crate) labels: Box<str>,
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
#[derive(Clone, Copy, Debug)]
pub struct Series<'a> {
    /// The labels, those of the registry itself left out.
    pub labels: SeriesLabels<'a>,
    /// The value.
    pub value: Value<'a>,
}

/// The value of one series.
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
        Self { descriptor, series: SeriesSet::Folded { labels, values } }
    }

    pub(crate) fn collected(descriptor: Arc<Descriptor>, mut series: Vec<CollectedSeries>) -> Self {
        series.sort_by(|a, b| by_value(a.labels.as_bytes(), b.labels.as_bytes()));
        Self { descriptor, series: SeriesSet::Collected(series) }
    }

    /// Name, type and help.
    pub fn descriptor(&self) -> &Descriptor {
        &self.descriptor
    }

    /// Series in the family.
    #[expect(clippy::len_without_is_empty, reason = "a family without series is still a family")]
    pub fn len(&self) -> usize {
        match &self.series {
            SeriesSet::Folded { labels, .. } => labels.len(),
            SeriesSet::Collected(series) => series.len(),
        }
    }

    /// The labels of a series, by its place in the order of label values.
    pub(super) fn labels(&self, at: usize) -> SeriesLabels<'_> {
        self.labels_by(self.label_names(), at)
    }

    #[inline]
    fn labels_by<'a>(&'a self, names: Option<&'a LabelNames>, at: usize) -> SeriesLabels<'a> {
        SeriesLabels(match (&self.series, names) {
            (SeriesSet::Folded { labels, .. }, Some(names)) => Form::Values(names, labels.kept(at)),
            (SeriesSet::Folded { .. }, None) => Form::Text(""),
            (SeriesSet::Collected(series), _) => Form::Text(&series[at].labels),
        })
    }

    /// What the labels of all series are called; `None` when each series may have labels of its own.
    pub(crate) fn label_names(&self) -> Option<&LabelNames> {
        match &self.series {
            SeriesSet::Folded { labels, .. } => Some(labels.names()),
            SeriesSet::Collected(_) => None,
        }
    }

    /// The sum and the buckets of a histogram that was folded.
    pub(super) fn histogram_cells(&self, at: usize) -> Option<&[u64]> {
        match &self.series {
            SeriesSet::Folded { values: Values::Histogram(cells), .. } => Some(cells.cells(at)),
            _ => None,
        }
    }

    /// The value of a summary that was folded.
    pub(super) fn summary_value(&self, at: usize) -> Option<&SummaryValue> {
        match &self.series {
            SeriesSet::Folded { values: Values::Summary(values), .. } => Some(&values[at]),
            _ => None,
        }
    }

    /// The value of a counter that was folded.
    pub(super) fn counter_value(&self, at: usize) -> Option<u64> {
        match &self.series {
            SeriesSet::Folded { values: Values::Counter(values), .. } => Some(values[at]),
            _ => None,
        }
    }

    /// The series, by label values.
    pub fn series(&self) -> impl Iterator<Item = Series<'_>> {
        let names = self.label_names();
        (0..self.len()).map(move |at| {
            let value = match &self.series {
                SeriesSet::Folded { values, .. } => match values {
                    Values::Counter(values) => Value::Counter(values[at]),
                    Values::UpDown(values) => Value::UpDown(values[at]),
                    Values::FloatCounter(values) | Values::Gauge(values) => Value::Float(values[at]),
                    Values::Histogram(cells) => Value::Histogram(cells.series(at)),
                    Values::GaugeHistogram(values) => Value::GaugeHistogram(&values[at]),
                    Values::Summary(values) => Value::Summary(&values[at]),
                    Values::StateSet { states, active } => Value::StateSet(StateSetValue { states, active: active[at] }),
                    Values::Info => Value::Info,
                },
                SeriesSet::Collected(series) => match &series[at].value {
                    CollectedValue::Counter(value) => Value::Counter(*value),
                    CollectedValue::FloatCounter(value) | CollectedValue::Gauge(value) => Value::Float(*value),
                    CollectedValue::UpDown(value) => Value::UpDown(*value),
                    CollectedValue::Histogram(value) => Value::Histogram(value.value()),
                    CollectedValue::GaugeHistogram(value) => Value::GaugeHistogram(value),
                    CollectedValue::StateSet { states, active } => Value::StateSet(StateSetValue { states, active: *active }),
                    CollectedValue::Info => Value::Info,
                    CollectedValue::Summary(value) => Value::Summary(value),
                },
            };
            Series { labels: self.labels_by(names, at), value }
        })
    }
}

impl fmt::Debug for FamilySnapshot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FamilySnapshot").field("descriptor", &self.descriptor).field("series", &self.len()).finish()
    }
}
