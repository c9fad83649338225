//! `measured`, in two ways: with labels that may be any string, and *dense*, where every value is known before the first request.

use std::hint::black_box;
use std::sync::Arc;

use ::measured::label::LabelGroupSet;
use ::measured::lasso::{Rodeo, RodeoReader, Spur, ThreadedRodeo};
use ::measured::metric::MetricFamilyEncoding;
use ::measured::metric::histogram::Thresholds;
use ::measured::metric::name::MetricName;
use ::measured::text::BufferedTextEncoder;
use ::measured::{Counter, CounterVec, FixedCardinalityLabel, Histogram, HistogramVec, LabelGroup};
use foldhash::fast::RandomState;

use crate::inputs::inputs;
use crate::typed::{Outcome, Typed, Verb};
use crate::work::{
    self, BYTES, DURATION, FILLING, Fillers, JOBS, REQUEST_SIZE, REQUESTS, RESPONSE_SIZE, SECONDS, Shape, WAIT, Work,
};
use crate::{Case, Held, Role, Scrape, Subject};

/// The crate.
#[derive(Debug)]
pub(super) struct Measured;

const NAME: (&str, Role) = ("measured", Role::Peer);
const DENSE: (&str, Role) = ("measured, dense", Role::Peer);

type AnyString = ThreadedRodeo<Spur, RandomState>;
type KnownString = RodeoReader<Spur, RandomState>;

#[derive(Clone, Copy, LabelGroup)]
#[label(set = RouteSet)]
struct Route<'a> {
    #[label(dynamic_with = AnyString)]
    endpoint: &'a str,
    #[label(dynamic_with = AnyString)]
    method: &'a str,
    #[label(dynamic_with = AnyString)]
    status: &'a str,
}

#[derive(Clone, Copy, LabelGroup)]
#[label(set = EndpointSet)]
struct Endpoint<'a> {
    #[label(dynamic_with = AnyString)]
    endpoint: &'a str,
}

#[derive(Clone, Copy, LabelGroup)]
#[label(set = KnownRouteSet)]
struct KnownRoute<'a> {
    #[label(fixed_with = KnownString)]
    endpoint: &'a str,
    #[label(fixed_with = KnownString)]
    method: &'a str,
    #[label(fixed_with = KnownString)]
    status: &'a str,
}

#[derive(Clone, Copy, LabelGroup)]
#[label(set = KnownEndpointSet)]
struct KnownEndpoint<'a> {
    #[label(fixed_with = KnownString)]
    endpoint: &'a str,
}

/// The label sets of one way to use the crate.
trait Sets: 'static {
    type Route: LabelGroupSet<Unique: Send + Sync> + Send + Sync;
    type Endpoint: LabelGroupSet<Unique: Send + Sync> + Send + Sync;

    fn routes() -> Self::Route;
    fn endpoints() -> Self::Endpoint;
    fn route(values: [&str; 3]) -> <Self::Route as LabelGroupSet>::Group<'_>;
    fn endpoint(value: &str) -> <Self::Endpoint as LabelGroupSet>::Group<'_>;
}

struct Any;

fn any() -> AnyString {
    ThreadedRodeo::with_hasher(RandomState::default())
}

impl Sets for Any {
    type Route = RouteSet;
    type Endpoint = EndpointSet;

    fn routes() -> RouteSet {
        RouteSet::new(any(), any(), any())
    }

    fn endpoints() -> EndpointSet {
        EndpointSet::new(any())
    }

    #[inline]
    fn route([endpoint, method, status]: [&str; 3]) -> Route<'_> {
        Route { endpoint, method, status }
    }

    #[inline]
    fn endpoint(endpoint: &str) -> Endpoint<'_> {
        Endpoint { endpoint }
    }
}

struct Known;

fn known(values: &[&str]) -> KnownString {
    let mut strings = Rodeo::with_hasher(RandomState::default());
    for value in values {
        strings.get_or_intern(value);
    }
    strings.into_reader()
}

impl Sets for Known {
    type Route = KnownRouteSet;
    type Endpoint = KnownEndpointSet;

    fn routes() -> KnownRouteSet {
        let inputs = inputs();
        KnownRouteSet::new(known(&inputs.endpoints), known(&inputs.methods), known(&inputs.statuses))
    }

    fn endpoints() -> KnownEndpointSet {
        KnownEndpointSet::new(known(&inputs().endpoints))
    }

    #[inline]
    fn route([endpoint, method, status]: [&str; 3]) -> KnownRoute<'_> {
        KnownRoute { endpoint, method, status }
    }

    #[inline]
    fn endpoint(endpoint: &str) -> KnownEndpoint<'_> {
        KnownEndpoint { endpoint }
    }
}

/// Writes one family.
fn encode(encoder: &mut BufferedTextEncoder, name: &'static str, family: &impl MetricFamilyEncoding<BufferedTextEncoder>) {
    let Ok(()) = family.collect_family_into(MetricName::from_str(name), encoder);
}

fn text(write: impl FnOnce(&mut BufferedTextEncoder)) -> String {
    let mut encoder = BufferedTextEncoder::new();
    write(&mut encoder);
    String::from_utf8(encoder.finish().to_vec()).expect("the text is UTF-8")
}

fn seconds() -> Thresholds<11> {
    Thresholds::with_buckets(SECONDS)
}

fn bytes() -> Thresholds<{ BYTES.len() }> {
    Thresholds::with_buckets(work::bytes_as_floats())
}

impl Subject for Measured {
    fn cases(&self, work: Work) -> Vec<Case> {
        match work {
            Work::Counter => {
                let counter = Arc::new(Counter::new());
                let read = Arc::clone(&counter);
                let text = move || text(|encoder| encode(encoder, JOBS, &*read));
                vec![Case::new(work, NAME, move |_| black_box(&counter).inc(), text)]
            }
            Work::RotatingCounters => {
                let counters: Arc<[Counter; 64]> = Arc::new(std::array::from_fn(|_| Counter::new()));
                let read = Arc::clone(&counters);
                let line = |(n, counter): (usize, &Counter)| {
                    text(|encoder| encode(encoder, JOBS, counter)).replace("jobs_total ", &format!("jobs_total{{n=\"{n}\"}} "))
                };
                let text = move || read.iter().enumerate().map(line).collect();
                vec![Case::new(work, NAME, move |i| black_box(&counters)[i % 64].inc(), text)]
            }
            Work::TypedLabels => vec![typed_labels()],
            Work::Labels => vec![labels::<Any>(NAME), labels::<Known>(DENSE)],
            Work::Histogram => {
                let histogram = Arc::new(Histogram::with_metadata(seconds()));
                let (inputs, read) = (inputs(), Arc::clone(&histogram));
                let text = move || text(|encoder| encode(encoder, WAIT, &*read));
                vec![Case::new(work, NAME, move |i| histogram.observe(inputs.duration(i).1), text)]
            }
            Work::HttpRequest => vec![request::<Any>(NAME), request::<Known>(DENSE)],
        }
    }

    fn scrapes(&self, shape: Shape) -> Vec<Scrape> {
        match shape {
            Shape::Counters(series) => vec![scrape(JOBS, counters(series, Fillers::Two))],
            Shape::Histograms(series) => vec![scrape(WAIT, histograms(series, Fillers::Two))],
        }
    }

    fn held(&self, shape: Shape) -> Option<Held> {
        Some(match shape {
            Shape::Counters(series) => (NAME.0, Box::new(counters(series, Fillers::Here))),
            Shape::Histograms(series) => (NAME.0, Box::new(histograms(series, Fillers::Here))),
        })
    }
}

fn counters(series: usize, fillers: Fillers) -> CounterVec<RouteSet> {
    let family = CounterVec::with_label_set(Any::routes());
    work::fill(series, fillers, |at| {
        let [endpoint, method, status] = &work::series_labels(at);
        family.inc_by(Any::route([endpoint, method, status]), work::amount(at));
    });
    family
}

fn histograms(series: usize, fillers: Fillers) -> HistogramVec<EndpointSet, 11> {
    let family = HistogramVec::with_label_set_and_metadata(Any::endpoints(), seconds());
    work::fill(series, fillers, |at| {
        let endpoint = work::series_endpoint(at);
        (at..at + FILLING).for_each(|i| family.observe(Any::endpoint(&endpoint), inputs().duration(i).1));
    });
    family
}

fn scrape(name: &'static str, family: impl MetricFamilyEncoding<BufferedTextEncoder> + 'static) -> Scrape {
    let family = Arc::new(family);
    let read = Arc::clone(&family);
    let mut encoder = BufferedTextEncoder::new();
    let render = move || {
        encode(&mut encoder, name, &*family);
        encoder.finish().len()
    };
    Scrape::new(NAME, render, move || text(|encoder| encode(encoder, name, &*read)))
}

/// The crate has no flags for labels, so this one is an enum.
#[derive(Clone, Copy, FixedCardinalityLabel)]
enum Cached {
    #[label(rename = "false")]
    No,
    #[label(rename = "true")]
    Yes,
}

#[derive(Clone, Copy, LabelGroup)]
#[label(set = TypedSet)]
struct TypedRoute {
    #[label(fixed)]
    verb: Verb,
    #[label(fixed)]
    outcome: Outcome,
    #[label(fixed)]
    cached: Cached,
}

fn typed_labels() -> Case {
    let family = Arc::new(CounterVec::with_label_set(TypedSet::new()));
    let (inputs, read) = (inputs(), Arc::clone(&family));
    let operation = move |i| {
        let Typed { verb, outcome, cached } = inputs.typed(i);
        family.inc(TypedRoute { verb, outcome, cached: if cached { Cached::Yes } else { Cached::No } });
    };
    let text = move || text(|encoder| encode(encoder, JOBS, &*read));
    Case::new(Work::TypedLabels, DENSE, operation, text)
}

fn labels<S: Sets>(name: (&'static str, Role)) -> Case {
    let family = Arc::new(CounterVec::with_label_set(S::routes()));
    let (inputs, read) = (inputs(), Arc::clone(&family));
    let text = move || text(|encoder| encode(encoder, JOBS, &*read));
    Case::new(Work::Labels, name, move |i| family.inc(S::route(inputs.labels(i))), text)
}

struct Families<S: Sets> {
    requests: CounterVec<S::Route>,
    durations: HistogramVec<S::Endpoint, 11>,
    request_sizes: HistogramVec<S::Endpoint, { BYTES.len() }>,
    response_sizes: HistogramVec<S::Endpoint, { BYTES.len() }>,
}

fn request<S: Sets>(name: (&'static str, Role)) -> Case {
    let families = Arc::new(Families::<S> {
        requests: CounterVec::with_label_set(S::routes()),
        durations: HistogramVec::with_label_set_and_metadata(S::endpoints(), seconds()),
        request_sizes: HistogramVec::with_label_set_and_metadata(S::endpoints(), bytes()),
        response_sizes: HistogramVec::with_label_set_and_metadata(S::endpoints(), bytes()),
    });
    let (inputs, read) = (inputs(), Arc::clone(&families));
    let operation = move |i| {
        let request = inputs.request(i);
        let labels = inputs.spell(request.pick);
        families.requests.inc(S::route(labels));
        families.durations.observe(S::endpoint(labels[0]), request.seconds);
        families.request_sizes.observe(S::endpoint(labels[0]), request.request_bytes.into());
        families.response_sizes.observe(S::endpoint(labels[0]), request.response_bytes.into());
    };
    let text = move || {
        text(|encoder| {
            encode(encoder, REQUESTS, &read.requests);
            encode(encoder, DURATION, &read.durations);
            encode(encoder, REQUEST_SIZE, &read.request_sizes);
            encode(encoder, RESPONSE_SIZE, &read.response_sizes);
        })
    };
    Case::new(Work::HttpRequest, name, operation, text)
}
