//! `opentelemetry_sdk` with `opentelemetry-prometheus`, and its bound instruments, which are an experiment of the crate.
//!
//! Attributes own their values, so a look-up by borrowed strings copies them.

use std::hint::black_box;

use ::opentelemetry::KeyValue;
use ::opentelemetry::metrics::{Counter, Histogram, Meter, MeterProvider};
use opentelemetry_sdk::metrics::{Instrument, SdkMeterProvider, Stream};

use super::prometheus::encode;
use crate::inputs::inputs;
use crate::typed;
use crate::work::{self, FILLING, Fillers, JOBS, LABELS, SECONDS, Shape, WAIT, Work};
use crate::{Case, Held, Role, Scrape, Subject};

/// The crates.
#[derive(Debug)]
pub(super) struct OpenTelemetry;

const NAME: (&str, Role) = ("opentelemetry", Role::Peer);
const BOUND: (&str, Role) = ("opentelemetry, bound", Role::Peer);

/// The crate's own limit, more series than any work has. Past it the crate counts into one series of its own; it makes room for all
/// of them at once.
const SERIES_LIMIT: usize = 2_000;

struct Pipeline {
    registry: ::prometheus::Registry,
    provider: SdkMeterProvider,
    meter: Meter,
}

impl Pipeline {
    fn new(limit: usize) -> Self {
        let registry = ::prometheus::Registry::new();
        let exporter = opentelemetry_prometheus::exporter()
            .with_registry(registry.clone())
            .without_counter_suffixes()
            .without_target_info()
            .scope_info_enabled(false)
            .build()
            .expect("a new registry has no clashes");
        let limit = move |_: &Instrument| Stream::builder().with_cardinality_limit(limit).build().ok();
        let provider = SdkMeterProvider::builder().with_reader(exporter).with_view(limit).build();
        let meter = provider.meter("peers");
        Self { registry, provider, meter }
    }

    fn counter(&self, name: &'static str) -> Counter<u64> {
        self.meter.u64_counter(name).build()
    }

    fn histogram(&self, name: &'static str, bounds: &[f64]) -> Histogram<f64> {
        self.meter.f64_histogram(name).with_boundaries(bounds.to_vec()).build()
    }

    /// What was counted. It holds the provider, whose end is the end of its instruments.
    fn text(self) -> impl Fn() -> String + Send + Sync + 'static {
        let Self { registry, provider, .. } = self;
        move || {
            let _alive = &provider;
            let mut out = String::new();
            encode(&registry, &mut out);
            out
        }
    }
}

#[inline]
fn route(values: [&str; 3]) -> [KeyValue; 3] {
    [0, 1, 2].map(|at| KeyValue::new(LABELS[at], values[at].to_owned()))
}

#[inline]
fn endpoint(value: &str) -> [KeyValue; 1] {
    [KeyValue::new(LABELS[0], value.to_owned())]
}

impl Subject for OpenTelemetry {
    fn cases(&self, work: Work) -> Vec<Case> {
        let (inputs, pipeline) = (inputs(), Pipeline::new(SERIES_LIMIT));
        match work {
            Work::Counter => {
                let (counter, other) = (pipeline.counter(JOBS), Pipeline::new(SERIES_LIMIT));
                let bound = other.counter(JOBS).bind(&[]);
                vec![
                    Case::new(work, NAME, move |_| black_box(&counter).add(1, &[]), pipeline.text()),
                    Case::new(work, BOUND, move |_| black_box(&bound).add(1), other.text()),
                ]
            }
            Work::RotatingCounters => {
                let family = pipeline.counter(JOBS);
                let held: [_; 64] = std::array::from_fn(|n| family.bind(&[KeyValue::new("n", n.to_string())]));
                vec![Case::new(work, BOUND, move |i| black_box(&held)[i % 64].add(1), pipeline.text())]
            }
            Work::TypedLabels => {
                let counter = pipeline.counter(JOBS);
                let operation = move |i| {
                    let typed = inputs.typed(i);
                    let [verb, outcome, _] = typed.spell();
                    let [first, second, third] = typed::NAMES;
                    let labels =
                        [KeyValue::new(first, verb), KeyValue::new(second, outcome), KeyValue::new(third, typed.cached)];
                    counter.add(1, &labels);
                };
                vec![Case::new(work, NAME, operation, pipeline.text())]
            }
            Work::Labels => {
                let counter = pipeline.counter(JOBS);
                vec![Case::new(work, NAME, move |i| counter.add(1, &route(inputs.labels(i))), pipeline.text())]
            }
            Work::Histogram => {
                let (histogram, other) = (pipeline.histogram(WAIT, &SECONDS), Pipeline::new(SERIES_LIMIT));
                let bound = other.histogram(WAIT, &SECONDS).bind(&[]);
                vec![
                    Case::new(work, NAME, move |i| histogram.record(inputs.duration(i).1, &[]), pipeline.text()),
                    Case::new(work, BOUND, move |i| bound.record(inputs.duration(i).1), other.text()),
                ]
            }
            Work::HttpRequest => {
                let bytes = work::bytes_as_floats();
                let requests = pipeline.counter(work::REQUESTS);
                let durations = pipeline.histogram(work::DURATION, &SECONDS);
                let request_sizes = pipeline.histogram(work::REQUEST_SIZE, &bytes);
                let response_sizes = pipeline.histogram(work::RESPONSE_SIZE, &bytes);
                let operation = move |i| {
                    let request = inputs.request(i);
                    let labels = route(inputs.spell(request.pick));
                    requests.add(1, &labels);
                    // The endpoint is the first of them.
                    durations.record(request.seconds, &labels[..1]);
                    request_sizes.record(request.request_bytes.into(), &labels[..1]);
                    response_sizes.record(request.response_bytes.into(), &labels[..1]);
                };
                vec![Case::new(work, NAME, operation, pipeline.text())]
            }
        }
    }

    fn scrapes(&self, shape: Shape) -> Vec<Scrape> {
        let pipeline = filled(shape, Fillers::Two);
        let registry = pipeline.registry.clone();
        let mut out = String::new();
        let render = move || {
            out.clear();
            encode(&registry, &mut out);
            out.len()
        };
        vec![Scrape::new(NAME, render, pipeline.text())]
    }
    fn held(&self, shape: Shape) -> Option<Held> {
        Some((NAME.0, Box::new(filled(shape, Fillers::Here))))
    }
}

fn filled(shape: Shape, fillers: Fillers) -> Pipeline {
    let pipeline = Pipeline::new(shape.series());
    match shape {
        Shape::Counters(series) => {
            let counter = pipeline.counter(JOBS);
            work::fill(series, fillers, |at| {
                let [endpoint, method, status] = &work::series_labels(at);
                counter.add(work::amount(at), &route([endpoint, method, status]));
            });
        }
        Shape::Histograms(series) => {
            let histogram = pipeline.histogram(WAIT, &SECONDS);
            work::fill(series, fillers, |at| {
                let labels = endpoint(&work::series_endpoint(at));
                (at..at + FILLING).for_each(|i| histogram.record(inputs().duration(i).1, &labels));
            });
        }
    }
    pipeline
}
