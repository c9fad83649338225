//! `io.prometheus.client.MetricFamily`, one message after another, each with its length before it.
//!
//! The tags are those of `metrics.proto`. A histogram has its classic buckets, and native ones beside them where its resolution has
//! them. Counts of counters are doubles here, so above 2^53 the nearest one is told.

use std::time::{SystemTime, UNIX_EPOCH};

use super::encoding::Encoding;
use super::escaping::Escaping;
use super::wire::Message;
use super::{escape, openmetrics};
use crate::metric::descriptor::{Descriptor, Kind};
use crate::metric::exemplar::Exemplar;
use crate::metric::label::LabelNames;
use crate::snapshot::{FamilySnapshot, HistogramValue, NativeHistogram, Series, SeriesLabels, Snapshot, SummaryValue, Value};

/// The schema of the native buckets: eight a power of two.
const SCHEMA: i8 = 3;

/// Room for a series of the usual size, so that the buffer is seldom moved.
const USUAL_SERIES: usize = 80;

/// Renders these families of a snapshot.
pub(crate) fn encode<'a>(
    snapshot: &Snapshot,
    families: impl Iterator<Item = &'a FamilySnapshot> + Clone,
    encoding: Encoding,
) -> Vec<u8> {
    let escaping = encoding.escaping();
    let mut own_labels = Message::default();
    LabelFields::new(escaping).write(&mut own_labels, snapshot.own_labels());
    let mut out = Message(Vec::with_capacity(USUAL_SERIES * families.clone().map(FamilySnapshot::len).sum::<usize>()));
    for family in families {
        out.delimited(|message| write_family(message, escaping, &own_labels.0, family));
    }
    out.0
}

/// The names of labels as the first field of a `LabelPair`: made once for all series whose labels are called the same.
struct LabelFields<'a> {
    escaping: Escaping,
    names: Vec<Vec<u8>>,
    of: Option<&'a LabelNames>,
}

impl<'a> LabelFields<'a> {
    fn new(escaping: Escaping) -> Self {
        Self { escaping, names: Vec::new(), of: None }
    }

    fn name(&self, name: &str) -> Vec<u8> {
        let mut field = Message::default();
        field.bytes(1, self.escaping.label_name(name).as_bytes());
        field.0
    }

    /// Appends a `LabelPair` for each label, as the first field of a metric.
    #[inline]
    fn write(&mut self, metric: &mut Message, labels: SeriesLabels<'a>) {
        if self.of.is_none_or(|of| !std::ptr::eq(of, labels.names())) {
            self.names = labels.names().iter().map(|name| self.name(name)).collect();
            self.of = Some(labels.names());
        }
        for (name, value) in self.names.iter().zip(labels.values()) {
            write_label(metric, name, &escape::unescaped_bytes(&value[..value.len() - 1]));
        }
    }
}

/// `LabelPair`, as the first field of a message. The name is a field already.
#[inline]
fn write_label(message: &mut Message, name: &[u8], value: &[u8]) {
    message.message_of(1, name.len() + Message::bytes_len(2, value), |pair| {
        pair.0.extend_from_slice(name);
        pair.bytes(2, value);
    });
}

/// `MetricType`. There are no infos and state sets here. There is `GAUGE_HISTOGRAM`, but Prometheus 2.42 gives the samples of such all the
/// family's own name, so that of sum and count one is lost: as in the text format it is a histogram.
fn type_number(kind: Kind) -> i32 {
    match kind {
        Kind::Counter => 0,
        Kind::Gauge | Kind::Info | Kind::StateSet => 1,
        Kind::Summary => 2,
        Kind::Histogram | Kind::GaugeHistogram => 4,
    }
}

/// `MetricFamily`.
fn write_family(family_message: &mut Message, escaping: Escaping, own_labels: &[u8], family: &FamilySnapshot) {
    let descriptor = family.descriptor();
    let mut labels = LabelFields::new(escaping);
    family_message.bytes(1, escaping.family_name(descriptor.name()).as_bytes());
    family_message.bytes(2, descriptor.help().as_bytes());
    family_message.int32(3, type_number(descriptor.kind()));
    for series in family.series() {
        if let Value::StateSet(value) = series.value {
            let own_label = labels.name(descriptor.name());
            for (state, active) in value.states() {
                family_message.message(4, |metric| {
                    metric.0.extend_from_slice(own_labels);
                    labels.write(metric, series.labels);
                    write_label(metric, &own_label, state.as_bytes());
                    metric.message(2, |gauge| gauge.double(1, f64::from(u8::from(active))));
                });
            }
            continue;
        }
        family_message.message(4, |metric| {
            metric.0.extend_from_slice(own_labels);
            labels.write(metric, series.labels);
            write_value(metric, descriptor, &series);
        });
    }
    if let Some(unit) = descriptor.unit() {
        family_message.bytes(5, unit.as_bytes());
    }
}

fn write_value(metric: &mut Message, descriptor: &Descriptor, series: &Series<'_>) {
    match series.value {
        Value::Counter(value) => write_number(metric, descriptor, value as f64, series.created()),
        Value::UpDown(value) => write_number(metric, descriptor, value as f64, None),
        Value::Float(value) => write_number(metric, descriptor, value, series.created()),
        Value::Info => write_number(metric, descriptor, 1.0, None),
        Value::Histogram(value) => metric.message(7, |histogram| write_histogram(histogram, &value, series.created())),
        Value::GaugeHistogram(value) => metric.message(7, |histogram| {
            histogram.uint64(1, value.count());
            histogram.double(2, value.sum());
            value.cumulative().for_each(|(bound, count)| write_bucket(histogram, bound, count, None));
        }),
        Value::Summary(value) => metric.message(4, |summary| write_summary(summary, value, series.created())),
        Value::StateSet(_) => unreachable!("a state set is several metrics"),
    }
}

/// `Counter` or `Gauge`.
fn write_number(metric: &mut Message, descriptor: &Descriptor, value: f64, created: Option<SystemTime>) {
    match descriptor.kind() {
        Kind::Counter => metric.message(3, |counter| {
            counter.double(1, value);
            write_timestamp(counter, 3, created);
        }),
        _ => metric.message(2, |gauge| gauge.double(1, value)),
    }
}

fn write_summary(summary: &mut Message, value: &SummaryValue, created: Option<SystemTime>) {
    summary.uint64(1, value.count());
    summary.double(2, value.sum());
    for &(quantile, at) in value.quantiles() {
        summary.message(3, |message| {
            message.double(1, quantile);
            message.double(2, at);
        });
    }
    write_timestamp(summary, 4, created);
}

fn write_histogram(histogram: &mut Message, value: &HistogramValue<'_>, created: Option<SystemTime>) {
    histogram.uint64(1, value.count());
    histogram.double(2, value.sum());
    let exemplars = openmetrics::by_bucket(value.buckets(), value.exemplars());
    for ((bound, count), exemplar) in value.cumulative().zip(&exemplars) {
        write_bucket(histogram, bound, count, *exemplar);
    }
    if let Some(native) = value.native(SCHEMA) {
        write_native(histogram, &native);
        exemplars.into_iter().flatten().for_each(|exemplar| write_exemplar(histogram, 16, exemplar));
    }
    write_timestamp(histogram, 15, created);
}

fn write_bucket(histogram: &mut Message, bound: f64, cumulative: u64, exemplar: Option<&Exemplar>) {
    histogram.message(3, |bucket| {
        bucket.uint64(1, cumulative);
        bucket.double(2, bound);
        if let Some(exemplar) = exemplar {
            write_exemplar(bucket, 3, exemplar);
        }
    });
}

fn write_native(histogram: &mut Message, native: &NativeHistogram) {
    histogram.sint32(5, i32::from(native.schema()));
    histogram.double(6, native.zero_threshold());
    histogram.uint64(7, native.zero_count());
    native.write_buckets(histogram, 12, 13);
}

impl NativeHistogram {
    /// Appends spans and deltas, as both of Prometheus' messages have them, under these tags.
    pub(crate) fn write_buckets(&self, histogram: &mut Message, spans: u32, deltas: u32) {
        for (offset, length) in self.spans() {
            histogram.message(spans, |span| {
                span.sint32(1, offset);
                span.uint32(2, length);
            });
        }
        let mut last = 0u64;
        // Counts stand as what they differ from the one before.
        let delta = |&(_, count): &(i32, u64)| count.wrapping_sub(std::mem::replace(&mut last, count)) as i64;
        histogram.sint64s(deltas, &self.buckets().iter().map(delta).collect::<Vec<_>>());
    }
}

fn write_exemplar(message: &mut Message, tag: u32, exemplar: &Exemplar) {
    message.message(tag, |message| {
        let fields = LabelFields::new(Escaping::AllowUtf8);
        exemplar.pairs().for_each(|(name, value)| write_label(message, &fields.name(name), value.as_bytes()));
        message.double(2, exemplar.value());
        write_timestamp(message, 3, Some(exemplar.observed_at()));
    });
}

/// `google.protobuf.Timestamp`.
fn write_timestamp(message: &mut Message, tag: u32, at: Option<SystemTime>) {
    if let Some(at) = at {
        let since = at.duration_since(UNIX_EPOCH).unwrap_or_default();
        message.message(tag, |timestamp| {
            timestamp.int64(1, since.as_secs() as i64);
            timestamp.int32(2, since.subsec_nanos() as i32);
        });
    }
}
