//! `metrics` with `metrics-exporter-prometheus`. The recorder is called itself, without the macros' global.
//!
//! Keys own their labels, so a look-up by borrowed strings copies them. Observations of histograms pile up until the exporter drains
//! them, here after each run.

use std::hint::black_box;

use ::metrics::{Counter, Key, Label, Level, Metadata, Recorder};
use metrics_exporter_prometheus::{Matcher, PrometheusBuilder, PrometheusRecorder};
use tachograph::facade::Facade;
use tachograph::{BucketError, Buckets, Registry};

use crate::inputs::inputs;
use crate::typed;
use crate::work::{self, BYTES, FILLING, Fillers, LABELS, SECONDS, Shape, Work};
use crate::{Case, Held, Role, Scrape, Subject};

/// The crates.
#[derive(Debug)]
pub(super) struct Metrics;

const NAME: (&str, Role) = ("metrics + exporter", Role::Peer);

const METADATA: Metadata<'static> = Metadata::new("peers", Level::INFO, None);

fn recorder() -> PrometheusRecorder {
    let bytes = work::bytes_as_floats();
    let histograms: [(&str, &[f64]); 4] =
        [(work::WAIT, &SECONDS), (work::DURATION, &SECONDS), (work::REQUEST_SIZE, &bytes), (work::RESPONSE_SIZE, &bytes)];
    let builder = histograms.into_iter().fold(PrometheusBuilder::new(), |builder, (name, bounds)| {
        builder.set_buckets_for_metric(Matcher::Full(name.to_owned()), bounds).expect("there are bounds")
    });
    builder.build_recorder()
}

#[inline]
fn route(name: &'static str, values: [&str; 3]) -> Key {
    let [endpoint, method, status] = values;
    let label = |name, value: &str| Label::new(name, value.to_owned());
    Key::from_parts(name, vec![label(LABELS[0], endpoint), label(LABELS[1], method), label(LABELS[2], status)])
}

/// As the macro makes it of values that are `&'static str` but no literals: nothing is copied, the list is allocated.
#[inline]
fn typed_route(values: [&'static str; 3]) -> Key {
    let [verb, outcome, cached] = [0, 1, 2].map(|at| Label::from_static_parts(typed::NAMES[at], values[at]));
    Key::from_parts(work::JOBS, vec![verb, outcome, cached])
}

#[inline]
fn endpoint(name: &'static str, endpoint: &str) -> Key {
    Key::from_parts(name, vec![Label::new(LABELS[0], endpoint.to_owned())])
}

impl Subject for Metrics {
    fn cases(&self, work: Work) -> Vec<Case> {
        let recorder = recorder();
        let (read, drain) = (recorder.handle(), recorder.handle());
        vec![case(work, NAME, recorder, move || read.render()).settling(move || drain.run_upkeep())]
    }

    fn scrapes(&self, shape: Shape) -> Vec<Scrape> {
        let recorder = filled(shape, Fillers::Two);
        let (handle, read) = (recorder.handle(), recorder.handle());
        vec![Scrape::new(NAME, move || handle.render().len(), move || read.render())]
    }

    fn held(&self, shape: Shape) -> Option<Held> {
        let recorder = filled(shape, Fillers::Here);
        // What was observed piles up until it is drained: what is held for good is the series.
        recorder.handle().run_upkeep();
        Some((NAME.0, Box::new(recorder)))
    }
}

/// The facade before Tachograph and before the exporter.
pub fn facades(work: Work) -> Vec<Case> {
    let registry = Registry::new();
    let ours = Facade::new(&registry).buckets(|name| Some(buckets(name).expect("the bounds are legal"))).recorder();
    let cases = Metrics.cases(work);
    let ours = case(work, ("tachograph, facade", Role::Ours), ours, move || registry.snapshot().text().to_owned());
    [ours].into_iter().chain(cases).collect()
}

fn buckets(name: &str) -> Result<Buckets, BucketError> {
    if name.ends_with("_seconds") { Buckets::seconds(&SECONDS) } else { Buckets::bytes(&BYTES) }
}

/// Work by whichever recorder.
fn case(
    work: Work,
    name: (&'static str, Role),
    recorder: impl Recorder + Send + Sync + 'static,
    text: impl Fn() -> String + Send + Sync + 'static,
) -> Case {
    let inputs = inputs();
    match work {
        Work::Counter => {
            let counter = recorder.register_counter(&Key::from_name(work::JOBS), &METADATA);
            Case::new(work, name, move |_| black_box(&counter).increment(1), text)
        }
        Work::RotatingCounters => {
            let held: [Counter; 64] = std::array::from_fn(|n| {
                recorder.register_counter(&Key::from_parts(work::JOBS, vec![Label::new("n", n.to_string())]), &METADATA)
            });
            Case::new(work, name, move |i| black_box(&held)[i % 64].increment(1), text)
        }
        Work::TypedLabels => {
            let operation = move |i| recorder.register_counter(&typed_route(inputs.typed(i).spell()), &METADATA).increment(1);
            Case::new(work, name, operation, text)
        }
        Work::Labels => {
            let operation = move |i| recorder.register_counter(&route(work::JOBS, inputs.labels(i)), &METADATA).increment(1);
            Case::new(work, name, operation, text)
        }
        Work::Histogram => {
            let histogram = recorder.register_histogram(&Key::from_name(work::WAIT), &METADATA);
            Case::new(work, name, move |i| histogram.record(inputs.duration(i).1), text)
        }
        Work::HttpRequest => {
            let operation = move |i| {
                let request = inputs.request(i);
                let labels = inputs.spell(request.pick);
                recorder.register_counter(&route(work::REQUESTS, labels), &METADATA).increment(1);
                let observe = |name, value: f64| {
                    recorder.register_histogram(&endpoint(name, labels[0]), &METADATA).record(value);
                };
                observe(work::DURATION, request.seconds);
                observe(work::REQUEST_SIZE, request.request_bytes.into());
                observe(work::RESPONSE_SIZE, request.response_bytes.into());
            };
            Case::new(work, name, operation, text)
        }
    }
}

fn filled(shape: Shape, fillers: Fillers) -> PrometheusRecorder {
    let recorder = recorder();
    match shape {
        Shape::Counters(series) => work::fill(series, fillers, |at| {
            let [endpoint, method, status] = &work::series_labels(at);
            let key = route(work::JOBS, [endpoint, method, status]);
            recorder.register_counter(&key, &METADATA).increment(work::amount(at));
        }),
        Shape::Histograms(series) => work::fill(series, fillers, |at| {
            let key = endpoint(work::WAIT, &work::series_endpoint(at));
            let histogram = recorder.register_histogram(&key, &METADATA);
            (at..at + FILLING).for_each(|i| histogram.record(inputs().duration(i).1));
        }),
    }
    recorder
}
