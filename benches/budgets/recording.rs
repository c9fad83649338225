//! What a request's thread pays.

use std::hint::black_box;

use floor::{Endpoint, Histogram, Requests, Slot, Slots, Table};
use tachograph::http::{HttpMetrics, HttpOptions};
use tachograph::{Counter, Registry};

use crate::inputs::{LEN, METHODS, ROUTES, STATUSES, buckets, durations, label_values, mixed, requests};
use crate::measure::{Bench, Operation};
use crate::row::{Amount, Row};
use crate::scrape::scraped_requests;

/// What one request's metrics may cost: what is required, and a thousandth of it.
const REQUIRED: Amount = Amount::Nanoseconds(100_000.0);
const BUDGET: Amount = Amount::Nanoseconds(100.0);

pub(crate) fn rows(bench: &Bench) -> Vec<Row> {
    vec![
        request_by_name(bench),
        request_held(bench),
        counters::<1>(bench, "counter, held"),
        counters::<64>(bench, "counter, 64 in turn"),
        #[cfg(feature = "derive")]
        typed_labels(bench),
        labels(bench),
        histogram(bench),
    ]
}

/// Measures both, and tells ours beside the floor.
fn told<'a>(bench: &Bench, what: &'static str, ours: &mut Operation<'a>, floor: &mut Operation<'a>) -> Row {
    bench.measure([&mut *ours, &mut *floor]);
    Row::told(what, ours.fastest()).above(floor.fastest())
}

/// The same, with the budget of a request.
fn judged<'a>(bench: &Bench, what: &'static str, ours: &mut Operation<'a>, floor: &mut Operation<'a>) -> Row {
    bench.measure([&mut *ours, &mut *floor]);
    Row::judged(what, REQUIRED, BUDGET, ours.fastest()).above(floor.fastest())
}

/// Handles lie in memory that the compiler may not know, so that each call finds the thread's cells anew: so it is in a program.
fn counters<const N: usize>(bench: &Bench, what: &'static str) -> Row {
    let family = Registry::new().counter_family("jobs_total", "Jobs.", ["n"]).expect("a new registry has no clashes");
    let counters: [Counter; N] = std::array::from_fn(|n| family.handle([&n.to_string()]));
    let slots = Slots::take(N);
    let held: [Slot; N] = std::array::from_fn(|at| slots.slot(at));
    let mut ours = Operation::new(|i| black_box(&counters)[i % N].inc());
    let mut floor = Operation::new(|i| black_box(&held)[i % N].add(1));
    let row = told(bench, what, &mut ours, &mut floor);
    assert_eq!(counters.iter().map(Counter::value).sum::<u64>(), ours.calls());
    assert_eq!((0..N).map(|at| slots.total(at)).sum::<u64>(), floor.calls());
    row
}

/// Two enums and a flag, numbered by the floor as the derive does: 40 series.
#[cfg(feature = "derive")]
fn typed_labels(bench: &Bench) -> Row {
    use tachograph::{LabelSet, LabelValue};

    #[derive(Clone, Copy, LabelValue)]
    enum Verb {
        Get,
        Post,
        Put,
        Delete,
    }

    #[derive(Clone, Copy, LabelValue)]
    enum Outcome {
        Ok,
        Created,
        Unchanged,
        Missing,
        Failed,
    }

    #[derive(Clone, Copy, LabelSet)]
    struct Typed {
        verb: Verb,
        outcome: Outcome,
        cached: bool,
    }

    const VERBS: [Verb; 4] = [Verb::Get, Verb::Post, Verb::Put, Verb::Delete];
    const OUTCOMES: [Outcome; 5] = [Outcome::Ok, Outcome::Created, Outcome::Unchanged, Outcome::Missing, Outcome::Failed];
    const SERIES: usize = VERBS.len() * OUTCOMES.len() * 2;

    let labels = mixed(SERIES).map(|at| Typed {
        verb: VERBS[at / 2 / OUTCOMES.len()],
        outcome: OUTCOMES[at / 2 % OUTCOMES.len()],
        cached: at % 2 == 1,
    });
    let index =
        |Typed { verb, outcome, cached }: Typed| (verb as usize * OUTCOMES.len() + outcome as usize) * 2 + usize::from(cached);
    let family = Registry::new().typed_counter_family::<Typed>("jobs_total", "Jobs.").expect("a new registry has no clashes");
    let slots = Slots::take(SERIES);
    let held: [Slot; SERIES] = std::array::from_fn(|at| slots.slot(at));
    let mut ours = Operation::new(|i| black_box(&family).inc(&labels[i % LEN]));
    let mut floor = Operation::new(|i| black_box(&held)[index(labels[i % LEN])].add(1));
    let row = told(bench, "counter, typed labels", &mut ours, &mut floor);
    // Each series is asked once, however often its labels are listed.
    let mut asked = [false; SERIES];
    let mut first = |labels: &Typed| !std::mem::replace(&mut asked[index(*labels)], true);
    let counted = labels.iter().filter(|labels| first(labels)).map(|labels| family.handle(labels).value());
    assert_eq!(counted.sum::<u64>(), ours.calls());
    assert_eq!((0..SERIES).map(|at| slots.total(at)).sum::<u64>(), floor.calls());
    row
}

fn labels(bench: &Bench) -> Row {
    let owned = label_values();
    let values: Vec<[&str; 3]> = owned.iter().map(|values| values.each_ref().map(String::as_str)).collect();
    let order = mixed(values.len());
    let labels = ["endpoint", "method", "status"];
    let family = Registry::new().counter_family("jobs_total", "Jobs.", labels).expect("a new registry has no clashes");
    let table = Table::new(values.iter().copied());
    let slots = Slots::take(values.len());
    let held: Vec<Slot> = (0..values.len()).map(|at| slots.slot(at)).collect();
    let mut ours = Operation::new(|i| family.inc(values[order[i % LEN]]));
    let mut floor = Operation::new(|i| {
        held[black_box(&table).number(values[order[i % LEN]]).expect("the table holds all labels")].add(1);
    });
    let row = told(bench, "counter, 3 run-time labels", &mut ours, &mut floor);
    assert_eq!(values.iter().map(|values| family.handle(*values).value()).sum::<u64>(), ours.calls());
    assert_eq!((0..values.len()).map(|at| slots.total(at)).sum::<u64>(), floor.calls());
    row
}

fn histogram(bench: &Bench) -> Row {
    let durations = durations();
    let histogram = Registry::new().histogram("wait_seconds", "Waiting.", buckets()).expect("a new registry has no clashes");
    let plain = Histogram::new(floor::NANOSECONDS);
    let mut ours = Operation::new(|i| black_box(&histogram).observe(durations[i % LEN]));
    let mut floor = Operation::new(|i| black_box(&plain).observe(durations[i % LEN]));
    let row = told(bench, "histogram, 11 buckets, held", &mut ours, &mut floor);
    assert_eq!(histogram.count(), ours.calls());
    assert_eq!(plain.counts().iter().sum::<u64>(), floor.calls());
    row
}

fn http() -> (Registry, HttpMetrics) {
    let registry = Registry::new();
    let http = HttpMetrics::register(&registry, HttpOptions::default()).expect("a new registry has no clashes");
    (registry, http)
}

fn plain_requests() -> (Requests, Vec<Endpoint>) {
    let requests = Requests::new(ROUTES.len(), METHODS.len(), STATUSES.len());
    let endpoints = (0..ROUTES.len()).map(|at| requests.endpoint(at)).collect();
    (requests, endpoints)
}

fn plain_count(requests: &Requests) -> u64 {
    let statuses = |endpoint, method| (0..STATUSES.len()).map(move |status| requests.requests(endpoint, method, status));
    (0..ROUTES.len()).flat_map(|endpoint| (0..METHODS.len()).flat_map(move |method| statuses(endpoint, method))).sum()
}

fn request_by_name(bench: &Bench) -> Row {
    let requests = requests();
    // Routes as a service has them: strings from elsewhere, not the very ones that the table was filled with.
    let routes = ROUTES.map(String::from);
    let (registry, http) = http();
    let (plain, endpoints) = plain_requests();
    let table = Table::new(ROUTES.map(|route| [route]));
    let mut ours = Operation::new(|i| {
        let request = &requests[i % LEN];
        http.observe(&routes[request.route], &request.exchange);
    });
    let mut floor = Operation::new(|i| {
        let request = &requests[i % LEN];
        let found = black_box(&table).number([&routes[request.route]]).expect("the table holds all routes");
        endpoints[found].observe(&request.observed);
    });
    let row = judged(bench, "one request's metrics, endpoint by name", &mut ours, &mut floor);
    assert_eq!(scraped_requests(&registry), ours.calls());
    assert_eq!(plain_count(&plain), floor.calls());
    row
}

fn request_held(bench: &Bench) -> Row {
    let requests = requests();
    let (registry, http) = http();
    let held = ROUTES.map(|route| http.endpoint(route));
    let (plain, endpoints) = plain_requests();
    let mut ours = Operation::new(|i| {
        let request = &requests[i % LEN];
        black_box(&held)[request.route].observe(&request.exchange);
    });
    let mut floor = Operation::new(|i| {
        let request = &requests[i % LEN];
        black_box(&endpoints)[request.route].observe(&request.observed);
    });
    let row = judged(bench, "one request's metrics, endpoint held", &mut ours, &mut floor);
    assert_eq!(scraped_requests(&registry), ours.calls());
    assert_eq!(plain_count(&plain), floor.calls());
    row
}
