//! What Tachograph's own operations cost, each beside the hand-written minimum for it, on one thread. The comparison with other
//! crates is in `benches/peers`.
//!
//! Every bench asserts what it counted. Where there is a budget, the fastest run is compared with it and a miss is printed; a time
//! never fails a bench.

use std::collections::HashMap;
use std::hint::black_box;
use std::time::{Duration, Instant};

use criterion::{Bencher, Criterion, criterion_group, criterion_main};
use foldhash::fast::RandomState;
use tachograph::http::{Exchange, HttpMetrics, HttpOptions, Method};
use tachograph::{Buckets, Counter, Registry};

/// Length of the lists that the loops walk through: a power of two.
const LEN: usize = 1_024;

const BOUNDS: [f64; 11] = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.0, 5.0, 10.0];
const BOUNDS_NANOS: [u64; 11] = [
    5_000_000,
    10_000_000,
    25_000_000,
    50_000_000,
    100_000_000,
    250_000_000,
    500_000_000,
    1_000_000_000,
    2_000_000_000,
    5_000_000_000,
    10_000_000_000,
];

const ROUTES: [&str; 12] = [
    "/",
    "/events",
    "/metrics",
    "/health",
    "/health/quick",
    "/scene",
    "/scene/{id}",
    "/scenes",
    "/debug/profile",
    "/debug/profile/summary",
    "/demo/fault",
    "unmatched",
];
const METHODS: [Method; 6] = [Method::Get, Method::Head, Method::Post, Method::Put, Method::Delete, Method::Patch];
const STATUSES: [u16; 7] = [200, 201, 304, 400, 401, 404, 500];

/// What one request's metrics may cost.
const REQUEST_BUDGET: Duration = Duration::from_nanos(100);
/// What a scrape of the demo may cost.
const SCRAPE_BUDGET: Duration = Duration::from_millis(1);

/// Numbers below `n`, in an order that branch prediction does not learn by heart: the high bits of a linear congruential generator.
fn mixed(n: usize) -> [usize; LEN] {
    let mut state = 1u64;
    std::array::from_fn(|_| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 33) as usize % n
    })
}

/// Nanoseconds, about as many in one bucket as in another, each the bound itself or above the last one.
fn durations() -> [u64; LEN] {
    mixed(BOUNDS_NANOS.len() + 1).map(|bucket| BOUNDS_NANOS.get(bucket).copied().unwrap_or(12_000_000_000))
}

fn buckets() -> Buckets {
    Buckets::seconds(&BOUNDS).unwrap()
}

/// What `time` did.
struct Timed {
    calls: u64,
    /// Of an operation, in runs that are long enough to tell.
    fastest: Option<Duration>,
}

/// Times `operation(i)` for rising `i`.
fn time(bencher: &mut Bencher<'_>, mut operation: impl FnMut(usize)) -> Timed {
    let (mut calls, mut fastest) = (0usize, None);
    bencher.iter_custom(|n| {
        let first = calls;
        calls += n as usize;
        let start = Instant::now();
        (first..calls).for_each(&mut operation);
        let took = start.elapsed();
        if took > Duration::from_micros(100) {
            let one = took.div_f64(n as f64);
            fastest = faster(fastest, Some(one));
        }
        took
    });
    Timed { calls: calls as u64, fastest }
}

/// The faster of two times that may be there.
fn faster(one: Option<Duration>, other: Option<Duration>) -> Option<Duration> {
    one.into_iter().chain(other).min()
}

/// Says so if even the fastest run missed the budget. Criterion calls a bench's closure many times, at first for single cold
/// operations: the fastest of all calls counts.
fn compare(fastest: Option<Duration>, budget: Duration) {
    if let Some(fastest) = fastest.filter(|fastest| *fastest > budget) {
        println!("warning: {fastest:?} at best, the budget is {budget:?}");
    }
}

fn counter_inc(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("counter_inc");
    group.bench_function("floor", |bencher| {
        let mut cell = 0u64;
        let timed = time(bencher, |_| *black_box(&mut cell) += 1);
        assert_eq!(cell, timed.calls);
    });
    group.bench_function("tachograph", |bencher| {
        let counter = Registry::new().counter("jobs_total", "Jobs.").unwrap();
        let timed = time(bencher, |_| black_box(&counter).inc());
        assert_eq!(counter.value(), timed.calls);
    });
}

fn counter_rotating_64(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("counter_rotating_64");
    group.bench_function("floor", |bencher| {
        let mut cells = [0u64; 64];
        let timed = time(bencher, |i| black_box(&mut cells)[i % 64] += 1);
        assert_eq!(cells.iter().sum::<u64>(), timed.calls);
    });
    group.bench_function("tachograph", |bencher| {
        let family = Registry::new().counter_family("jobs_total", "Jobs.", ["n"]).unwrap();
        let counters: [Counter; 64] = std::array::from_fn(|n| family.handle([&n.to_string()]));
        let timed = time(bencher, |i| black_box(&counters)[i % 64].inc());
        assert_eq!(counters.iter().map(Counter::value).sum::<u64>(), timed.calls);
    });
}

/// The labels of 400 series.
fn label_values() -> Vec<[String; 3]> {
    (0..400)
        .map(|at| [format!("/resource/{}/{{id}}", at / 20), format!("method-{}", at / 5 % 4), format!("{}", 200 + at % 5)])
        .collect()
}

fn family_inc_3_labels(criterion: &mut Criterion) {
    let owned = label_values();
    let values: Vec<[&str; 3]> = owned.iter().map(|values| values.each_ref().map(String::as_str)).collect();
    let order = mixed(values.len());
    let mut group = criterion.benchmark_group("family_inc_3_labels");
    group.bench_function("floor", |bencher| {
        let index: HashMap<[&str; 3], usize, RandomState> = values.iter().copied().zip(0..).collect();
        let mut counts = vec![0u64; values.len()];
        let timed = time(bencher, |i| counts[index[&values[order[i % LEN]]]] += 1);
        assert_eq!(counts.iter().sum::<u64>(), timed.calls);
    });
    group.bench_function("tachograph", |bencher| {
        let family = Registry::new().counter_family("jobs_total", "Jobs.", ["endpoint", "method", "status"]).unwrap();
        let timed = time(bencher, |i| family.inc(values[order[i % LEN]]));
        assert_eq!(values.iter().map(|values| family.handle(*values).value()).sum::<u64>(), timed.calls);
    });
}

/// Buckets by linear search, and the sum.
#[derive(Clone, Default)]
struct PlainHistogram {
    counts: [u64; 12],
    sum: u64,
}

impl PlainHistogram {
    fn observe(&mut self, value: u64, bounds: &[u64]) {
        let bucket = bounds.iter().position(|bound| value <= *bound).unwrap_or(bounds.len());
        self.counts[bucket] += 1;
        self.sum += value;
    }

    fn count(&self) -> u64 {
        self.counts.iter().sum()
    }
}

fn histogram_observe(criterion: &mut Criterion) {
    let durations = durations();
    let mut group = criterion.benchmark_group("histogram_observe");
    group.bench_function("floor", |bencher| {
        let mut histogram = PlainHistogram::default();
        let timed = time(bencher, |i| histogram.observe(durations[i % LEN], &BOUNDS_NANOS));
        assert_eq!(histogram.count(), timed.calls);
    });
    group.bench_function("tachograph", |bencher| {
        let histogram = Registry::new().histogram("wait_seconds", "Waiting.", buckets()).unwrap();
        let timed = time(bencher, |i| histogram.observe(durations[i % LEN]));
        assert_eq!(histogram.count(), timed.calls);
    });
}

/// A route and a request of it.
type Request = (usize, Exchange);

fn requests() -> Vec<Request> {
    let kinds = mixed(ROUTES.len() * METHODS.len() * STATUSES.len());
    let request = |(kind, duration): (usize, u64)| {
        let exchange = Exchange {
            method: METHODS[kind / STATUSES.len() % METHODS.len()],
            status: STATUSES[kind % STATUSES.len()],
            duration: Duration::from_nanos(duration),
            request_bytes: duration % 3_000,
            response_bytes: duration % 90_000,
        };
        (kind / (STATUSES.len() * METHODS.len()), exchange)
    };
    kinds.into_iter().zip(durations()).map(request).collect()
}

/// All that requests of one route write, at its least.
#[derive(Clone, Default)]
struct PlainEndpoint {
    requests: [[u64; 5]; 10],
    duration: PlainHistogram,
    request_size: PlainHistogram,
    response_size: PlainHistogram,
}

impl PlainEndpoint {
    fn observe(&mut self, exchange: &Exchange) {
        const SIZES: [u64; 9] = [256, 1_024, 4_096, 16_384, 65_536, 262_144, 1_048_576, 5_242_880, 16_777_216];
        self.requests[exchange.method as usize][usize::from(exchange.status / 100 - 1)] += 1;
        self.duration.observe(exchange.duration.as_nanos() as u64, &BOUNDS_NANOS);
        self.request_size.observe(exchange.request_bytes, &SIZES);
        self.response_size.observe(exchange.response_bytes, &SIZES);
    }
}

fn plain_count(endpoints: &[PlainEndpoint]) -> u64 {
    endpoints.iter().flat_map(|endpoint| endpoint.requests.as_flattened()).sum()
}

/// Requests that a scrape shows, by the counter; the histograms must agree.
fn scraped_count(registry: &Registry) -> u64 {
    let snapshot = registry.snapshot();
    let sum = |name: &str| -> u64 {
        let lines = snapshot.text().lines().filter(|line| line.split(['{', ' ']).next() == Some(name));
        lines.map(|line| line.rsplit(' ').next().unwrap().parse::<u64>().unwrap()).sum()
    };
    let requests = sum("http_requests_total");
    for histogram in ["http_request_duration_seconds", "http_request_size_bytes", "http_response_size_bytes"] {
        assert_eq!(sum(&format!("{histogram}_count")), requests, "{histogram}");
    }
    requests
}

fn http_observe_strings(criterion: &mut Criterion) {
    let requests = requests();
    // Routes as a service has them: strings from elsewhere, not the very ones that the table was filled with.
    let routes = ROUTES.map(String::from);
    let mut group = criterion.benchmark_group("http_observe_strings");
    group.bench_function("floor", |bencher| {
        let index: HashMap<&str, usize, RandomState> = ROUTES.into_iter().zip(0..).collect();
        let mut endpoints = vec![PlainEndpoint::default(); ROUTES.len()];
        let timed = time(bencher, |i| {
            let (route, exchange) = &requests[i % LEN];
            endpoints[index[&*routes[*route]]].observe(exchange);
        });
        assert_eq!(plain_count(&endpoints), timed.calls);
    });
    let mut fastest = None;
    group.bench_function("tachograph", |bencher| {
        let registry = Registry::new();
        let http = HttpMetrics::register(&registry, HttpOptions::default()).unwrap();
        let timed = time(bencher, |i| {
            let (route, exchange) = &requests[i % LEN];
            http.observe(&routes[*route], exchange);
        });
        assert_eq!(scraped_count(&registry), timed.calls);
        fastest = faster(fastest, timed.fastest);
    });
    compare(fastest, REQUEST_BUDGET);
}

fn http_observe_held(criterion: &mut Criterion) {
    let requests = requests();
    let mut group = criterion.benchmark_group("http_observe_held");
    group.bench_function("floor", |bencher| {
        let mut endpoints = vec![PlainEndpoint::default(); ROUTES.len()];
        let timed = time(bencher, |i| {
            let (route, exchange) = &requests[i % LEN];
            endpoints[*route].observe(exchange);
        });
        assert_eq!(plain_count(&endpoints), timed.calls);
    });
    let mut fastest = None;
    group.bench_function("tachograph", |bencher| {
        let registry = Registry::new();
        let http = HttpMetrics::register(&registry, HttpOptions::default()).unwrap();
        let endpoints = ROUTES.map(|route| http.endpoint(route));
        let timed = time(bencher, |i| {
            let (route, exchange) = &requests[i % LEN];
            endpoints[*route].observe(exchange);
        });
        assert_eq!(scraped_count(&registry), timed.calls);
        fastest = faster(fastest, timed.fastest);
    });
    compare(fastest, REQUEST_BUDGET);
}

/// A registry of the demo's shape, about a thousand sample lines, that has seen some requests.
fn demo() -> Registry {
    let registry = Registry::new();
    let http = HttpMetrics::register(&registry, HttpOptions::default()).unwrap();
    for route in ROUTES {
        let endpoint = http.endpoint(route);
        METHODS.into_iter().for_each(|method| STATUSES.into_iter().for_each(|status| endpoint.declare(method, status)));
    }
    requests().iter().for_each(|(route, exchange)| http.observe(ROUTES[*route], exchange));
    registry
}

/// What a line ends in.
enum Ending {
    Integer(u64),
    Other(String),
}

fn snapshot(criterion: &mut Criterion) {
    let registry = demo();
    assert_eq!(scraped_count(&registry), LEN as u64);
    let text = registry.snapshot().text().to_owned();
    let lines = text.lines().filter(|line| !line.starts_with('#')).count();
    assert!((900..1_100).contains(&lines), "{lines} sample lines are not the demo's shape");

    let mut group = criterion.benchmark_group("snapshot");
    group.bench_function("floor", |bencher| {
        let split = |line: &str| {
            let (before, after) = line.rsplit_once(' ').unwrap();
            let ending = after.parse().map_or_else(|_| Ending::Other(after.to_owned()), Ending::Integer);
            (format!("{before} "), ending)
        };
        let lines: Vec<(String, Ending)> = text.lines().map(split).collect();
        let mut out = String::new();
        time(bencher, |_| {
            out.clear();
            let mut number = itoa::Buffer::new();
            for (before, ending) in black_box(&lines) {
                out.push_str(before);
                match ending {
                    Ending::Integer(value) => out.push_str(number.format(*value)),
                    Ending::Other(value) => out.push_str(value),
                }
                out.push('\n');
            }
        });
        assert_eq!(out, text);
    });
    group.bench_function("tachograph, fold", |bencher| {
        time(bencher, |_| _ = black_box(registry.snapshot()));
    });
    let mut fastest = None;
    group.bench_function("tachograph, fold and text", |bencher| {
        let timed = time(bencher, |_| _ = black_box(registry.snapshot().text()));
        fastest = faster(fastest, timed.fastest);
    });
    compare(fastest, SCRAPE_BUDGET);
    assert_eq!(scraped_count(&registry), LEN as u64, "snapshots changed what they read");
}

criterion_group!(
    name = benches;
    config = Criterion::default().warm_up_time(Duration::from_millis(500)).measurement_time(Duration::from_secs(2)).sample_size(50);
    targets = counter_inc, counter_rotating_64, family_inc_3_labels, histogram_observe, http_observe_strings, http_observe_held, snapshot
);
criterion_main!(benches);
