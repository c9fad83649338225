//! `ExportMetricsServiceRequest`, whose tags are those of `metrics.proto` of OTLP 1.
//!
//! The messages are written as those of scrapes are. (The crate `opentelemetry-proto` would bring the whole SDK with it: see
//! `docs/push.md`.)

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use crate::exposition::number;
use crate::exposition::wire::Message;
use crate::metric::descriptor::{Descriptor, Kind};
use crate::metric::exemplar::Exemplar;
use crate::push::queue::Request;
use crate::snapshot::{FamilySnapshot, HistogramValue, NativeHistogram, Series, SeriesLabels, SummaryValue, Value};

/// The schema of the native buckets: eight a power of two.
const SCHEMA: i8 = 3;
/// Bytes after which a request is full, however few points it has: a label may have any length.
const MOST_BYTES: usize = 4 << 20;
/// `AggregationTemporality`: since the start.
const CUMULATIVE: i32 = 2;
/// `DataPointFlags`: there is no value.
const NO_VALUE: u32 = 1;

/// Whether a series is told, or that it has ended.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Tell {
    Values,
    End,
}

/// The field of a `Metric` that has the points, by what they are.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Shape {
    Gauge = 5,
    Sum = 7,
    Histogram = 9,
    Exponential = 10,
    Summary = 11,
}

impl Shape {
    /// Where a point of this shape has its attributes, and its flags.
    fn tags(self) -> (u32, u32) {
        match self {
            Self::Gauge | Self::Sum | Self::Summary => (7, 8),
            Self::Histogram => (9, 10),
            Self::Exponential => (1, 10),
        }
    }
}

/// Writes requests.
pub(super) struct Writer {
    /// `Resource` and `InstrumentationScope`, as the first fields of what they stand in.
    resource: Vec<u8>,
    scope: Vec<u8>,
    exponential: bool,
    time: u64,
    most: usize,
    /// The metrics of the request in the making, and their points.
    metrics: Message,
    samples: usize,
    done: Vec<Request>,
}

/// Points of one metric, as fields.
struct Metric<'a> {
    descriptor: &'a Descriptor,
    name: String,
    shape: Shape,
    points: Message,
}

impl Writer {
    pub(super) fn new(attributes: &[(String, String)], exponential: bool, time: Duration, most: usize) -> Self {
        let (mut resource, mut scope) = (Message::default(), Message::default());
        resource.message(1, |resource| attributes.iter().for_each(|(name, value)| attribute(resource, 1, name, value)));
        scope.message(1, |scope| {
            scope.bytes(1, env!("CARGO_PKG_NAME").as_bytes());
            scope.bytes(2, env!("CARGO_PKG_VERSION").as_bytes());
        });
        let (resource, scope) = (resource.0, scope.0);
        let time = nanoseconds(time);
        Self { resource, scope, exponential, time, most, metrics: Message::default(), samples: 0, done: Vec::new() }
    }

    pub(super) fn finish(mut self) -> Vec<Request> {
        self.close();
        self.done
    }

    /// Ends the request in the making, if there is anything in it.
    fn close(&mut self) {
        if self.samples > 0 {
            let mut request = Message(Vec::with_capacity(self.metrics.0.len() + self.resource.len() + self.scope.len() + 32));
            request.message(1, |resource_metrics| {
                resource_metrics.0.extend_from_slice(&self.resource);
                resource_metrics.message(2, |scope_metrics| {
                    scope_metrics.0.extend_from_slice(&self.scope);
                    scope_metrics.0.extend_from_slice(&self.metrics.0);
                });
            });
            self.done.push(Request { body: request.0.into(), samples: self.samples as u64 });
            self.metrics.0.clear();
            self.samples = 0;
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
        let descriptor = family.descriptor();
        let metric = |suffix: &str, shape| Metric {
            descriptor,
            name: format!("{}{suffix}", descriptor.name()),
            shape,
            points: Message::default(),
        };
        let plain = match descriptor.kind() {
            Kind::Counter => Shape::Sum,
            Kind::Summary => Shape::Summary,
            Kind::Histogram => Shape::Histogram,
            Kind::Gauge | Kind::GaugeHistogram | Kind::Info | Kind::StateSet => Shape::Gauge,
        };
        let mut plain = metric("", plain);
        // Of a gauge histogram.
        let mut parts = ["_bucket", "_sum", "_count"].map(|suffix| metric(suffix, Shape::Gauge));
        for series in series {
            let created = series.created().map(|created| since_1970(created).min(self.time));
            let point = Point { own, labels: series.labels, extra: None, created, time: self.time, tell };
            match series.value {
                Value::Counter(value) => self.point(&mut plain, |message, shape| {
                    point.write(message, shape, |message| match i64::try_from(value) {
                        Ok(value) => message.sfixed64(6, value),
                        Err(_) => message.double(4, value as f64),
                    });
                }),
                Value::UpDown(value) => self.number(&mut plain, point, value as f64),
                Value::Float(value) => self.number(&mut plain, point, value),
                Value::Info => self.number(&mut plain, point, 1.0),
                Value::StateSet(value) => {
                    for (state, active) in value.states() {
                        let point = Point { extra: Some((descriptor.name(), state)), ..point };
                        self.number(&mut plain, point, f64::from(u8::from(active)));
                    }
                }
                Value::Summary(value) => self.point(&mut plain, |message, shape| {
                    point.write(message, shape, |message| write_summary(message, value));
                }),
                Value::Histogram(value) => {
                    let native = value.native(SCHEMA).filter(|_| self.exponential);
                    let shape = if native.is_some() { Shape::Exponential } else { Shape::Histogram };
                    // A collector's may have both.
                    if shape != plain.shape {
                        self.end_metric(&mut plain);
                        plain.shape = shape;
                    }
                    self.point(&mut plain, |message, shape| {
                        point.write(message, shape, |message| match &native {
                            Some(native) => write_exponential(message, &value, native),
                            None => write_histogram(message, &value),
                        });
                    });
                }
                Value::GaugeHistogram(value) => {
                    let [bucket, sum, count] = &mut parts;
                    for (bound, cumulative) in value.cumulative() {
                        let mut le = Vec::new();
                        number::float(&mut le, bound);
                        let le = String::from_utf8(le).expect("a number is spelt in ASCII");
                        self.number(bucket, Point { extra: Some(("le", &le)), ..point }, cumulative as f64);
                    }
                    // One after the other: of two that are open, one would miss the end of a request.
                    self.end_metric(bucket);
                    self.number(sum, point, value.sum());
                    self.end_metric(sum);
                    self.number(count, point, value.count() as f64);
                    self.end_metric(count);
                }
            }
        }
        self.end_metric(&mut plain);
    }

    fn number(&mut self, metric: &mut Metric<'_>, point: Point<'_>, value: f64) {
        self.point(metric, |message, shape| point.write(message, shape, |message| message.double(4, value)));
    }

    /// Adds a point, and ends the request when it is full.
    fn point(&mut self, metric: &mut Metric<'_>, write: impl FnOnce(&mut Message, Shape)) {
        let shape = metric.shape;
        metric.points.message(1, |message| write(message, shape));
        self.samples += 1;
        if self.samples >= self.most || self.metrics.0.len() + metric.points.0.len() >= MOST_BYTES {
            self.end_metric(metric);
            self.close();
        }
    }

    /// `Metric`, if there is a point.
    fn end_metric(&mut self, metric: &mut Metric<'_>) {
        let points = std::mem::take(&mut metric.points);
        if points.0.is_empty() {
            return;
        }
        self.metrics.message(2, |message| {
            message.bytes(1, metric.name.as_bytes());
            message.bytes(2, metric.descriptor.help().as_bytes());
            message.bytes(3, unit(metric.descriptor).as_bytes());
            message.message(metric.shape as u32, |data| {
                data.0.extend_from_slice(&points.0);
                if matches!(metric.shape, Shape::Sum | Shape::Histogram | Shape::Exponential) {
                    data.int32(2, CUMULATIVE);
                }
                if metric.shape == Shape::Sum {
                    data.bool(3, true);
                }
            });
        });
    }
}

/// The unit as UCUM spells it.
fn unit(descriptor: &Descriptor) -> &str {
    match descriptor.unit() {
        Some("seconds") => "s",
        Some("bytes") => "By",
        Some("ratio") => "1",
        other => other.unwrap_or_default(),
    }
}

/// What all points have, whatever their shape.
#[derive(Clone, Copy)]
struct Point<'a> {
    own: SeriesLabels<'a>,
    labels: SeriesLabels<'a>,
    /// One more label.
    extra: Option<(&'a str, &'a str)>,
    /// Nanoseconds since 1970; where it is not known, nothing is told.
    created: Option<u64>,
    time: u64,
    tell: Tell,
}

impl Point<'_> {
    fn write(&self, point: &mut Message, shape: Shape, value: impl FnOnce(&mut Message)) {
        let (attributes, flags) = shape.tags();
        for (name, value) in self.own.iter().chain(self.labels.iter()) {
            // As everywhere else an empty label is none.
            if !value.is_empty() {
                attribute(point, attributes, name, &value);
            }
        }
        if let Some((name, value)) = self.extra {
            attribute(point, attributes, name, value);
        }
        if let Some(created) = self.created.filter(|_| shape != Shape::Gauge) {
            point.fixed64(2, created);
        }
        point.fixed64(3, self.time);
        // Where a point becomes several series, as its buckets do, a receiver finds those to end by what was last in it.
        if self.tell == Tell::Values || !matches!(shape, Shape::Gauge | Shape::Sum) {
            value(point);
        }
        if self.tell == Tell::End {
            point.uint32(flags, NO_VALUE);
        }
    }
}

/// `KeyValue` of a string.
fn attribute(message: &mut Message, tag: u32, name: &str, value: &str) {
    message.message(tag, |pair| {
        pair.bytes(1, name.as_bytes());
        pair.message(2, |any| any.bytes(1, value.as_bytes()));
    });
}

fn write_summary(point: &mut Message, value: &SummaryValue) {
    point.fixed64(4, value.count());
    point.double(5, value.sum());
    for &(quantile, at) in value.quantiles() {
        point.message(6, |message| {
            message.double(1, quantile);
            message.double(2, at);
        });
    }
}

fn write_histogram(point: &mut Message, value: &HistogramValue<'_>) {
    point.fixed64(4, value.count());
    point.double(5, value.sum());
    let mut below = 0;
    let counts: Vec<u64> =
        value.cumulative_counts().map(|upto| upto.wrapping_sub(std::mem::replace(&mut below, upto))).collect();
    point.fixed64s(6, &counts);
    point.doubles(7, &value.buckets().bounds().collect::<Vec<_>>());
    value.exemplars().iter().for_each(|exemplar| write_exemplar(point, 8, exemplar));
}

fn write_exponential(point: &mut Message, value: &HistogramValue<'_>, native: &NativeHistogram) {
    point.fixed64(4, value.count());
    point.double(5, value.sum());
    point.sint32(6, native.schema().into());
    point.fixed64(7, native.zero_count());
    if let [(first, _), ..] = native.buckets() {
        point.message(8, |buckets| {
            // Prometheus calls a bucket by its upper bound, OTLP by its lower one.
            buckets.sint32(1, first - 1);
            let mut counts = Vec::new();
            for &(index, count) in native.buckets() {
                counts.resize((index - first) as usize, 0);
                counts.push(count);
            }
            buckets.uint64s(2, &counts);
        });
    }
    value.exemplars().iter().for_each(|exemplar| write_exemplar(point, 11, exemplar));
    point.double(14, native.zero_threshold());
}

fn write_exemplar(point: &mut Message, tag: u32, exemplar: &Exemplar) {
    point.message(tag, |message| {
        message.fixed64(2, since_1970(exemplar.observed_at()));
        message.double(3, exemplar.value());
        for (name, value) in exemplar.pairs() {
            match (name, unhex::<16>(&value), unhex::<8>(&value)) {
                ("trace_id", Some(id), _) => message.bytes(5, &id),
                ("span_id", _, Some(id)) => message.bytes(4, &id),
                _ => attribute(message, 7, name, &value),
            }
        }
    });
}

/// An id of so many bytes in hexadecimal.
fn unhex<const N: usize>(text: &str) -> Option<[u8; N]> {
    if text.len() != 2 * N || !text.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return None;
    }
    let mut id = [0; N];
    for (byte, at) in id.iter_mut().zip((0..).step_by(2)) {
        *byte = u8::from_str_radix(&text[at..at + 2], 16).ok()?;
    }
    Some(id)
}

fn since_1970(time: SystemTime) -> u64 {
    nanoseconds(time.duration_since(UNIX_EPOCH).unwrap_or_default())
}

fn nanoseconds(time: Duration) -> u64 {
    u64::try_from(time.as_nanos()).unwrap_or(u64::MAX)
}
