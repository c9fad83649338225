//! `prometheus-client`, of the Prometheus project. Its label sets own their strings, so a look-up by borrowed strings copies them.

use std::fmt::{self, Write};
use std::hint::black_box;
use std::sync::Arc;

use ::prometheus_client::encoding::{EncodeLabelSet, EncodeLabelValue, LabelValueEncoder, text::encode};
use ::prometheus_client::metrics::counter::Counter;
use ::prometheus_client::metrics::family::Family;
use ::prometheus_client::metrics::histogram::Histogram;
use ::prometheus_client::registry::{Metric, Registry};

use crate::inputs::inputs;
use crate::typed::{Outcome, Typed, Verb};
use crate::work::{self, FILLING, Fillers, SECONDS, Shape, Work};
use crate::{Case, Held, Role, Scrape, Subject};

/// The crate.
#[derive(Debug)]
pub(super) struct PrometheusClient;

const NAME: (&str, Role) = ("prometheus-client", Role::Peer);

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Number {
    n: u32,
}

/// By hand, because the derive spells a value as its variant; it matters to texts alone.
impl EncodeLabelValue for Verb {
    fn encode(&self, encoder: &mut LabelValueEncoder<'_>) -> fmt::Result {
        encoder.write_str(self.as_str())
    }
}

impl EncodeLabelValue for Outcome {
    fn encode(&self, encoder: &mut LabelValueEncoder<'_>) -> fmt::Result {
        encoder.write_str(self.as_str())
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct TypedRoute {
    verb: Verb,
    outcome: Outcome,
    cached: bool,
}

impl From<Typed> for TypedRoute {
    #[inline]
    fn from(Typed { verb, outcome, cached }: Typed) -> Self {
        Self { verb, outcome, cached }
    }
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Route {
    endpoint: String,
    method: String,
    status: String,
}

impl From<[&str; 3]> for Route {
    #[inline]
    fn from([endpoint, method, status]: [&str; 3]) -> Self {
        Self { endpoint: endpoint.to_owned(), method: method.to_owned(), status: status.to_owned() }
    }
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Endpoint {
    endpoint: String,
}

type Histograms = Family<Endpoint, Histogram, fn() -> Histogram>;

fn seconds() -> Histogram {
    Histogram::new(SECONDS)
}

fn bytes() -> Histogram {
    Histogram::new(work::bytes_as_floats())
}

/// The crate appends `_total` itself.
fn without_total(name: &str) -> &str {
    name.strip_suffix("_total").unwrap_or(name)
}

fn registered<M: Metric + Clone>(registry: &mut Registry, name: &str, metric: M) -> M {
    registry.register(without_total(name), "Help", metric.clone());
    metric
}

fn text(registry: &Registry, out: &mut String) {
    encode(out, registry).expect("a String takes everything");
}

fn text_of(registry: Registry) -> impl Fn() -> String + Send + Sync + 'static {
    move || {
        let mut out = String::new();
        text(&registry, &mut out);
        out
    }
}

impl Subject for PrometheusClient {
    fn cases(&self, work: Work) -> Vec<Case> {
        let mut registry = Registry::default();
        let inputs = inputs();
        vec![match work {
            Work::Counter => {
                let counter: Counter = registered(&mut registry, work::JOBS, Counter::default());
                Case::new(work, NAME, move |_| _ = black_box(&counter).inc(), text_of(registry))
            }
            Work::RotatingCounters => {
                let family: Family<Number, Counter> = registered(&mut registry, work::JOBS, Family::default());
                let held: [Counter; 64] = std::array::from_fn(|n| family.get_or_create_owned(&Number { n: n as u32 }));
                Case::new(work, NAME, move |i| _ = black_box(&held)[i % 64].inc(), text_of(registry))
            }
            Work::TypedLabels => {
                let family: Family<TypedRoute, Counter> = registered(&mut registry, work::JOBS, Family::default());
                let operation = move |i| _ = family.get_or_create(&inputs.typed(i).into()).inc();
                Case::new(work, NAME, operation, text_of(registry))
            }
            Work::Labels => {
                let family: Family<Route, Counter> = registered(&mut registry, work::JOBS, Family::default());
                let operation = move |i| _ = family.get_or_create(&inputs.labels(i).into()).inc();
                Case::new(work, NAME, operation, text_of(registry))
            }
            Work::Histogram => {
                let histogram = registered(&mut registry, work::WAIT, seconds());
                let operation = move |i| histogram.observe(inputs.duration(i).1);
                Case::new(work, NAME, operation, text_of(registry))
            }
            Work::HttpRequest => {
                let requests: Family<Route, Counter> = registered(&mut registry, work::REQUESTS, Family::default());
                let mut histograms = |name, new: fn() -> Histogram| -> Histograms {
                    registered(&mut registry, name, Family::new_with_constructor(new))
                };
                let durations = histograms(work::DURATION, seconds);
                let request_sizes = histograms(work::REQUEST_SIZE, bytes);
                let response_sizes = histograms(work::RESPONSE_SIZE, bytes);
                let operation = move |i| {
                    let request = inputs.request(i);
                    let labels = Route::from(inputs.spell(request.pick));
                    requests.get_or_create(&labels).inc();
                    // The string is moved on, not copied again.
                    let endpoint = Endpoint { endpoint: labels.endpoint };
                    durations.get_or_create(&endpoint).observe(request.seconds);
                    request_sizes.get_or_create(&endpoint).observe(request.request_bytes.into());
                    response_sizes.get_or_create(&endpoint).observe(request.response_bytes.into());
                };
                Case::new(work, NAME, operation, text_of(registry))
            }
        }]
    }

    fn scrapes(&self, shape: Shape) -> Vec<Scrape> {
        let registry = Arc::new(filled(shape, Fillers::Two));
        let read = Arc::clone(&registry);
        let mut out = String::new();
        let render = move || {
            out.clear();
            text(&registry, &mut out);
            out.len()
        };
        let whole = move || {
            let mut out = String::new();
            text(&read, &mut out);
            out
        };
        vec![Scrape::new(NAME, render, whole)]
    }
    fn held(&self, shape: Shape) -> Option<Held> {
        Some((NAME.0, Box::new(filled(shape, Fillers::Here))))
    }
}

fn filled(shape: Shape, fillers: Fillers) -> Registry {
    let mut registry = Registry::default();
    match shape {
        Shape::Counters(series) => {
            let family: Family<Route, Counter> = registered(&mut registry, work::JOBS, Family::default());
            work::fill(series, fillers, |at| {
                let [endpoint, method, status] = work::series_labels(at);
                family.get_or_create(&Route { endpoint, method, status }).inc_by(work::amount(at));
            });
        }
        Shape::Histograms(series) => {
            let family: Histograms = registered(&mut registry, work::WAIT, Family::new_with_constructor(seconds as fn() -> _));
            work::fill(series, fillers, |at| {
                let histogram = family.get_or_create_owned(&Endpoint { endpoint: work::series_endpoint(at) });
                (at..at + FILLING).for_each(|i| histogram.observe(inputs().duration(i).1));
            });
        }
    }
    registry
}
