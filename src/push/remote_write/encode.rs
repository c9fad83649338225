//! `prometheus.WriteRequest`: the samples that a scrape of the text format shows, one time series each.
//!
//! The tags are those of Prometheus' `remote.proto` and `types.proto`.

use std::borrow::Cow;
use std::time::{Duration, UNIX_EPOCH};

use super::outline::Outline;
use crate::exposition::wire::Message;
use crate::exposition::{Escaping, escape, number, openmetrics};
use crate::metric::descriptor::{Descriptor, Kind};
use crate::metric::exemplar::Exemplar;
use crate::metric::label::LabelNames;
use crate::push::queue::Request;
use crate::snapshot::{FamilySnapshot, HistogramValue, NativeHistogram, Series, SeriesLabels, Snapshot, Value};

/// The NaN by which Prometheus tells that a series has ended.
const STALE: f64 = f64::from_bits(0x7ff0_0000_0000_0002);

/// The NaN that Prometheus takes for one that was measured. Any other may be told from it, such as the one above.
const NOT_A_NUMBER: f64 = f64::from_bits(0x7ff8_0000_0000_0001);

/// The schema of the native buckets: eight a power of two.
const SCHEMA: i8 = 3;

/// Bytes after which a request is full, before it is compressed, however few samples it has: a label may have any length.
const MOST_BYTES: usize = 4 << 20;

/// Writes requests.
pub(super) struct Writer<'a> {
    /// What all series carry.
    labels: &'a [(String, String)],
    native: bool,
    /// Milliseconds since 1970.
    time: i64,
    most: usize,
    /// The request in the making, and its samples.
    message: Message,
    samples: usize,
    done: Vec<Request>,
}

/// Whether a series is told, or that it has ended.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Tell {
    Values,
    End,
}

impl<'a> Writer<'a> {
    pub(super) fn new(labels: &'a [(String, String)], native: bool, time: Duration, most: usize) -> Self {
        let time = i64::try_from(time.as_millis()).unwrap_or(i64::MAX);
        Self { labels, native, time, most, message: Message::default(), samples: 0, done: Vec::new() }
    }

    pub(super) fn finish(mut self) -> Vec<Request> {
        self.close();
        self.done
    }

    /// Ends the request in the making, if there is anything in it.
    fn close(&mut self) {
        if !self.message.0.is_empty() {
            let body = snap::raw::Encoder::new().compress_vec(&self.message.0).expect("a request is smaller than 4 GiB");
            self.done.push(Request { body: body.into(), samples: self.samples as u64 });
            self.message.0.clear();
            self.samples = 0;
        }
    }

    /// `MetricMetadata` of each family, called as the text format calls it.
    pub(super) fn metadata(&mut self, snapshot: &Snapshot) {
        for family in snapshot.families() {
            let descriptor = family.descriptor();
            self.message.message(3, |message| {
                message.int32(1, type_number(descriptor.kind()));
                message.bytes(2, Escaping::Underscores.family_name(descriptor.name()).as_bytes());
                message.bytes(4, descriptor.help().as_bytes());
                message.bytes(5, descriptor.unit().unwrap_or_default().as_bytes());
            });
            if self.message.0.len() >= MOST_BYTES {
                self.close();
            }
        }
    }

    /// Series of a family.
    pub(super) fn family<'s>(
        &mut self,
        own: SeriesLabels<'_>,
        family: &FamilySnapshot,
        series: impl IntoIterator<Item = Series<'s>>,
        tell: Tell,
    ) {
        let mut outlines: Option<(&LabelNames, Outlines)> = None;
        for series in series {
            let names = series.labels.names();
            let outlines = match &mut outlines {
                Some((of, outlines)) if std::ptr::eq(*of, names) => &*outlines,
                other => &other.insert((names, Outlines::new(self.labels, own, family.descriptor(), names))).1,
            };
            self.series(outlines, &series, tell);
        }
    }

    fn series(&mut self, outlines: &Outlines, series: &Series<'_>, tell: Tell) {
        let values: Vec<_> = series.labels.values().map(|value| escape::unescaped_bytes(&value[..value.len() - 1])).collect();
        let mut of = Of { writer: self, values: &values, tell };
        match series.value {
            Value::Counter(value) => of.sample(&outlines.plain, value as f64),
            Value::UpDown(value) => of.sample(&outlines.plain, value as f64),
            Value::Float(value) => of.sample(&outlines.plain, value),
            Value::Info => of.sample(&outlines.plain, 1.0),
            Value::Histogram(value) => {
                let exemplars = openmetrics::by_bucket(value.buckets(), value.exemplars());
                of.buckets(outlines, value.cumulative().zip(exemplars), value.sum());
                of.native(outlines, &value);
            }
            Value::GaugeHistogram(value) => of.buckets(outlines, value.cumulative().zip(std::iter::repeat(None)), value.sum()),
            Value::StateSet(value) => {
                for (state, active) in value.states() {
                    of.labelled(&outlines.plain, state.as_bytes(), f64::from(u8::from(active)), None);
                }
            }
            Value::Summary(value) => {
                let mut spelt = Vec::new();
                for &(quantile, at) in value.quantiles() {
                    spelt.clear();
                    number::float(&mut spelt, quantile);
                    of.labelled(&outlines.plain, &spelt, at, None);
                }
                of.sample(&outlines.sum, value.sum());
                of.sample(&outlines.count, value.count() as f64);
            }
        }
    }

    fn time_series(&mut self, write: impl FnOnce(&mut Message)) {
        self.message.message(1, write);
        self.samples += 1;
        if self.samples >= self.most || self.message.0.len() >= MOST_BYTES {
            self.close();
        }
    }
}

/// The outlines of the samples that a series of a family may have.
struct Outlines {
    plain: Outline,
    bucket: Outline,
    sum: Outline,
    count: Outline,
}

impl Outlines {
    fn new(all: &[(String, String)], own: SeriesLabels<'_>, descriptor: &Descriptor, names: &LabelNames) -> Self {
        let family = Escaping::Underscores.family_name(descriptor.name());
        let outline = |suffix: &str, of_sample| Outline::new(all, own, &format!("{family}{suffix}"), names.iter(), of_sample);
        let of_sample = match descriptor.kind() {
            Kind::StateSet => Some(descriptor.name()),
            Kind::Summary => Some("quantile"),
            _ => None,
        };
        Self {
            plain: outline("", of_sample),
            bucket: outline("_bucket", Some("le")),
            sum: outline("_sum", None),
            count: outline("_count", None),
        }
    }
}

/// Writes the samples of one series.
struct Of<'a, 'w> {
    writer: &'a mut Writer<'w>,
    values: &'a [Cow<'a, [u8]>],
    tell: Tell,
}

impl Of<'_, '_> {
    fn sample(&mut self, outline: &Outline, value: f64) {
        self.labelled(outline, b"", value, None);
    }

    fn labelled(&mut self, outline: &Outline, of_sample: &[u8], value: f64, exemplar: Option<&Exemplar>) {
        let (time, tell) = (self.writer.time, self.tell);
        let value = match tell {
            Tell::End => STALE,
            Tell::Values if value.is_nan() => NOT_A_NUMBER,
            Tell::Values => value,
        };
        self.writer.time_series(|series| {
            outline.write(series, self.values, of_sample);
            series.message(2, |sample| {
                sample.double(1, value);
                sample.int64(2, time);
            });
            if let Some(exemplar) = exemplar.filter(|_| tell == Tell::Values) {
                series.message(3, |message| write_exemplar(message, exemplar));
            }
        });
    }

    fn buckets<'e>(
        &mut self,
        outlines: &Outlines,
        buckets: impl Iterator<Item = ((f64, u64), Option<&'e Exemplar>)>,
        sum: f64,
    ) {
        let mut count = 0;
        let mut le = Vec::new();
        for ((bound, cumulative), exemplar) in buckets {
            count = cumulative;
            le.clear();
            number::float(&mut le, bound);
            self.labelled(&outlines.bucket, &le, cumulative as f64, exemplar);
        }
        self.sample(&outlines.sum, sum);
        self.sample(&outlines.count, count as f64);
    }

    /// The native histogram beside the classic buckets, where it is asked for and the resolution has one.
    fn native(&mut self, outlines: &Outlines, value: &HistogramValue<'_>) {
        let Some(native) = value.native(SCHEMA).filter(|_| self.writer.native) else { return };
        let (time, tell) = (self.writer.time, self.tell);
        self.writer.time_series(|series| {
            outlines.plain.write(series, self.values, b"");
            series.message(4, |histogram| {
                match tell {
                    Tell::Values => write_native(histogram, value, &native),
                    Tell::End => {
                        histogram.uint64(1, 0);
                        histogram.double(3, STALE);
                        histogram.uint64(6, 0);
                    }
                }
                histogram.int64(15, time);
            });
        });
    }
}

/// `MetricType`: what the text format calls it.
fn type_number(kind: Kind) -> i32 {
    match kind {
        Kind::Counter => 1,
        Kind::Gauge | Kind::Info | Kind::StateSet => 2,
        Kind::Histogram | Kind::GaugeHistogram => 3,
        Kind::Summary => 5,
    }
}

fn write_native(histogram: &mut Message, value: &HistogramValue<'_>, native: &NativeHistogram) {
    histogram.uint64(1, value.count());
    histogram.double(3, value.sum());
    histogram.sint32(4, native.schema().into());
    histogram.double(5, native.zero_threshold());
    histogram.uint64(6, native.zero_count());
    native.write_buckets(histogram, 11, 12);
}

fn write_exemplar(message: &mut Message, exemplar: &Exemplar) {
    for (name, value) in exemplar.pairs() {
        message.message(1, |label| {
            label.bytes(1, name.as_bytes());
            label.bytes(2, value.as_bytes());
        });
    }
    message.double(2, exemplar.value());
    let since = exemplar.observed_at().duration_since(UNIX_EPOCH).unwrap_or_default();
    message.int64(3, i64::try_from(since.as_millis()).unwrap_or(i64::MAX));
}
