//! Tachograph.

use std::cell::RefCell;
use std::hint::black_box;
use std::rc::Rc;
use std::sync::Arc;

use tachograph::http::{Endpoint, Exchange, HttpMetrics, HttpOptions};
use tachograph::{Buckets, Counter, Labels, Registry, Snapshot};

use crate::inputs::{METHODS, Request, STATUSES, inputs};
use crate::typed::Typed;
use crate::work::{self, FILLING, Fillers, JOBS, LABELS, SECONDS, Shape, WAIT, Work};
use crate::{Case, Held, Role, Scrape, Subject};

/// Tachograph.
#[derive(Debug)]
pub(super) struct Tachograph;

const NAME: (&str, Role) = ("tachograph", Role::Ours);
const HELD: (&str, Role) = ("tachograph, held endpoint", Role::Ours);
const TEXT_ALONE: (&str, Role) = ("tachograph, text alone", Role::Ours);

const CLEAN: &str = "a new registry has no clashes";

impl Subject for Tachograph {
    fn cases(&self, work: Work) -> Vec<Case> {
        let registry = Registry::new();
        let (read, folded) = (registry.clone(), registry.clone());
        let text = move || read.snapshot().text().to_owned();
        let fold = move || drop(folded.snapshot());
        let inputs = inputs();
        let case = match work {
            Work::Counter => {
                let counter = registry.counter(JOBS, "Jobs.").expect(CLEAN);
                Case::new(work, NAME, move |_| black_box(&counter).inc(), text)
            }
            Work::RotatingCounters => {
                let family = registry.counter_family(JOBS, "Jobs.", ["n"]).expect(CLEAN);
                let counters: [Counter; 64] = std::array::from_fn(|n| family.handle([&n.to_string()]));
                Case::new(work, NAME, move |i| black_box(&counters)[i % 64].inc(), text)
            }
            Work::TypedLabels => {
                let family = registry.typed_counter_family::<Typed>(JOBS, "Jobs.").expect(CLEAN);
                Case::new(work, NAME, move |i| black_box(&family).inc(&inputs.typed(i)), text)
            }
            Work::Labels => {
                let family = registry.counter_family(JOBS, "Jobs.", LABELS).expect(CLEAN);
                Case::new(work, NAME, move |i| family.inc(inputs.labels(i)), text)
            }
            Work::Histogram => {
                let histogram = registry.histogram(WAIT, "Waiting.", buckets()).expect(CLEAN);
                Case::new(work, NAME, move |i| histogram.observe(inputs.duration(i).0), text)
            }
            Work::HttpRequest => return vec![request_by_name(), request_by_handle()],
        };
        vec![case.folded_by(fold)]
    }

    fn scrapes(&self, shape: Shape) -> Vec<Scrape> {
        let registry = filled(shape, Fillers::Two);
        let taken: Rc<RefCell<Option<Arc<Snapshot>>>> = Rc::default();
        let whole = {
            let registry = registry.clone();
            move || registry.snapshot().text().len()
        };
        let take = {
            let (registry, taken) = (registry.clone(), Rc::clone(&taken));
            move || *taken.borrow_mut() = Some(registry.snapshot())
        };
        let text_alone = move || taken.borrow().as_ref().expect("a snapshot was taken").text().len();
        let check = move || registry.snapshot().text().to_owned();
        vec![Scrape::new(NAME, whole, check.clone()), Scrape::new(TEXT_ALONE, text_alone, check).prepared(take)]
    }

    fn held(&self, shape: Shape) -> Option<Held> {
        Some((NAME.0, Box::new(filled(shape, Fillers::Here))))
    }
}

fn buckets() -> Buckets {
    Buckets::seconds(&SECONDS).expect("the bounds are whole nanoseconds")
}

/// `HttpMetrics`, which also feeds the latency window that none of the peers has.
fn http() -> (HttpMetrics, Registry) {
    let registry = Registry::new();
    (HttpMetrics::register(&registry, HttpOptions::default()).expect(CLEAN), registry)
}

/// A case of requests that `registry` has counted.
fn request_case(name: (&'static str, Role), operation: impl Fn(usize) + Send + Sync + 'static, registry: Registry) -> Case {
    let folded = registry.clone();
    let text = move || registry.snapshot().text().to_owned();
    Case::new(Work::HttpRequest, name, operation, text).folded_by(move || drop(folded.snapshot()))
}

#[inline]
fn exchange(request: &Request) -> Exchange {
    Exchange {
        method: METHODS[usize::from(request.pick.method)],
        status: STATUSES[usize::from(request.pick.status)],
        duration: request.duration,
        request_bytes: request.request_bytes.into(),
        response_bytes: request.response_bytes.into(),
    }
}

fn request_by_name() -> Case {
    let (inputs, (http, registry)) = (inputs(), http());
    let operation = move |i| {
        let request = inputs.request(i);
        http.observe(inputs.spell(request.pick)[0], &exchange(request));
    };
    request_case(NAME, operation, registry)
}

fn request_by_handle() -> Case {
    let (inputs, (http, registry)) = (inputs(), http());
    let endpoints: Vec<Endpoint> = inputs.endpoints.iter().map(|endpoint| http.endpoint(endpoint)).collect();
    let operation = move |i| {
        let request = inputs.request(i);
        endpoints[usize::from(request.pick.endpoint)].observe(&exchange(request));
    };
    request_case(HELD, operation, registry)
}

fn filled(shape: Shape, fillers: Fillers) -> Registry {
    let registry = Registry::new();
    match shape {
        Shape::Counters(series) => {
            let family = registry.counter_family(JOBS, "Jobs.", Labels::new(LABELS).limit(series)).expect(CLEAN);
            work::fill(series, fillers, |at| {
                let [endpoint, method, status] = &work::series_labels(at);
                family.inc_by([endpoint, method, status], work::amount(at));
            });
        }
        Shape::Histograms(series) => {
            let labels = Labels::new([LABELS[0]]).limit(series);
            let family = registry.histogram_family(WAIT, "Waiting.", labels, buckets()).expect(CLEAN);
            work::fill(series, fillers, |at| {
                let histogram = family.handle([&work::series_endpoint(at)]);
                (at..at + FILLING).for_each(|i| histogram.observe(inputs().duration(i).0));
            });
        }
    }
    registry
}
