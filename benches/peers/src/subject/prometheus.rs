//! `prometheus`, of TiKV.

use std::hint::black_box;

use ::prometheus::{
    Histogram, HistogramOpts, HistogramVec, IntCounter, IntCounterVec, Opts, Registry, TextEncoder, core::Collector,
};

use crate::inputs::inputs;
use crate::typed;
use crate::work::{
    self, DURATION, FILLING, Fillers, JOBS, LABELS, REQUEST_SIZE, REQUESTS, RESPONSE_SIZE, SECONDS, Shape, WAIT, Work,
};
use crate::{Case, Held, Role, Scrape, Subject};

/// The crate.
#[derive(Debug)]
pub(super) struct Prometheus;

const NAME: (&str, Role) = ("prometheus", Role::Peer);

const CLEAN: &str = "a new registry has no clashes";

impl Subject for Prometheus {
    fn cases(&self, work: Work) -> Vec<Case> {
        let registry = Registry::new();
        let read = registry.clone();
        let text = move || {
            let mut out = String::new();
            encode(&read, &mut out);
            out
        };
        let inputs = inputs();
        vec![match work {
            Work::Counter => {
                let counter = registered(&registry, IntCounter::new(JOBS, "Jobs."));
                Case::new(work, NAME, move |_| black_box(&counter).inc(), text)
            }
            Work::RotatingCounters => {
                let family = counters(&registry, JOBS, &["n"]);
                let held: [IntCounter; 64] = std::array::from_fn(|n| family.with_label_values(&[n.to_string()]));
                Case::new(work, NAME, move |i| black_box(&held)[i % 64].inc(), text)
            }
            Work::TypedLabels => {
                let family = counters(&registry, JOBS, &typed::NAMES);
                Case::new(work, NAME, move |i| family.with_label_values(&inputs.typed(i).spell()).inc(), text)
            }
            Work::Labels => {
                let family = counters(&registry, JOBS, &LABELS);
                Case::new(work, NAME, move |i| family.with_label_values(&inputs.labels(i)).inc(), text)
            }
            Work::Histogram => {
                let options = HistogramOpts::new(WAIT, "Waiting.").buckets(SECONDS.to_vec());
                let histogram = registered(&registry, Histogram::with_opts(options));
                Case::new(work, NAME, move |i| histogram.observe(inputs.duration(i).1), text)
            }
            Work::HttpRequest => {
                let requests = counters(&registry, REQUESTS, &LABELS);
                let durations = histograms(&registry, DURATION, &SECONDS);
                let request_sizes = histograms(&registry, REQUEST_SIZE, &work::bytes_as_floats());
                let response_sizes = histograms(&registry, RESPONSE_SIZE, &work::bytes_as_floats());
                let operation = move |i| {
                    let request = inputs.request(i);
                    let labels = inputs.spell(request.pick);
                    requests.with_label_values(&labels).inc();
                    durations.with_label_values(&labels[..1]).observe(request.seconds);
                    request_sizes.with_label_values(&labels[..1]).observe(request.request_bytes.into());
                    response_sizes.with_label_values(&labels[..1]).observe(request.response_bytes.into());
                };
                Case::new(work, NAME, operation, text)
            }
        }]
    }

    fn scrapes(&self, shape: Shape) -> Vec<Scrape> {
        let registry = filled(shape, Fillers::Two);
        let read = registry.clone();
        let mut out = String::new();
        let render = move || {
            out.clear();
            encode(&registry, &mut out);
            out.len()
        };
        let text = move || {
            let mut out = String::new();
            encode(&read, &mut out);
            out
        };
        vec![Scrape::new(NAME, render, text)]
    }

    fn held(&self, shape: Shape) -> Option<Held> {
        Some((NAME.0, Box::new(filled(shape, Fillers::Here))))
    }
}

fn filled(shape: Shape, fillers: Fillers) -> Registry {
    let registry = Registry::new();
    match shape {
        Shape::Counters(series) => {
            let family = counters(&registry, JOBS, &LABELS);
            work::fill(series, fillers, |at| {
                family.with_label_values(&work::series_labels(at)).inc_by(work::amount(at));
            });
        }
        Shape::Histograms(series) => {
            let family = histograms(&registry, WAIT, &SECONDS);
            work::fill(series, fillers, |at| {
                let histogram = family.with_label_values(&[work::series_endpoint(at)]);
                (at..at + FILLING).for_each(|i| histogram.observe(inputs().duration(i).1));
            });
        }
    }
    registry
}

/// The registry as text.
pub(super) fn encode(registry: &Registry, out: &mut String) {
    TextEncoder::new().encode_utf8(&registry.gather(), out).expect("families with series can be encoded");
}

fn registered<C: Collector + Clone + 'static>(registry: &Registry, collector: ::prometheus::Result<C>) -> C {
    let collector = collector.expect("names and bounds are legal");
    registry.register(Box::new(collector.clone())).expect(CLEAN);
    collector
}

fn counters(registry: &Registry, name: &str, labels: &[&str]) -> IntCounterVec {
    registered(registry, IntCounterVec::new(Opts::new(name, "Counter."), labels))
}

fn histograms(registry: &Registry, name: &str, bounds: &[f64]) -> HistogramVec {
    registered(registry, HistogramVec::new(HistogramOpts::new(name, "Histogram.").buckets(bounds.to_vec()), &LABELS[..1]))
}
