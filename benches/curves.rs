//! How the hot operations grow with threads, beside the floor and beside one atomic that all threads share:
//! `cargo bench --bench curves`. The figure is nanoseconds an operation and thread: threads that do not hinder each other show the
//! same figure as one, until there are more of them than cores.

use std::hint::black_box;
use std::sync::Barrier;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use criterion::{BenchmarkId, Criterion, criterion_group, criterion_main};
use floor::{Histogram, Slots, Table};
use tachograph::Registry;
use tachograph::http::{HttpMetrics, HttpOptions};

#[allow(dead_code, reason = "the budgets use the rest")]
#[path = "budgets/inputs.rs"]
mod inputs;

use inputs::{LEN, ROUTES, buckets, durations, label_values, mixed, requests};

const THREADS: [usize; 4] = [1, 2, 4, 8];

const CLEAN: &str = "a new registry has no clashes";

/// Runs an operation `n` times on each of so many threads; the time of the slowest.
fn run(threads: usize, n: u64, operation: impl Fn(usize) + Sync) -> Duration {
    let start = Barrier::new(threads);
    std::thread::scope(|scope| {
        let workers: Vec<_> = (0..threads)
            .map(|thread| {
                let (start, operation) = (&start, &operation);
                scope.spawn(move || {
                    start.wait();
                    let begun = Instant::now();
                    // Threads start at different places of the lists, so that they do not walk through them in step.
                    (0..n as usize).for_each(|i| operation(thread * 131 + i));
                    begun.elapsed()
                })
            })
            .collect();
        workers.into_iter().map(|worker| worker.join().expect("an operation does not panic")).max().unwrap_or_default()
    })
}

/// Measures one subject at all numbers of threads. `counted` says how many operations it has seen.
fn curve(criterion: &mut Criterion, work: &str, subject: &str, operation: impl Fn(usize) + Sync, counted: impl Fn() -> u64) {
    let mut group = criterion.benchmark_group(work);
    let asked = AtomicU64::new(counted());
    for threads in THREADS {
        group.bench_function(BenchmarkId::new(subject, threads), |bencher| {
            bencher.iter_custom(|n| {
                // Relaxed: added up and read on this thread.
                asked.fetch_add(n * threads as u64, Ordering::Relaxed);
                run(threads, n, &operation)
            });
        });
    }
    group.finish();
    // Relaxed: as above.
    assert_eq!(counted(), asked.load(Ordering::Relaxed), "{subject}: {work}");
}

fn counter(criterion: &mut Criterion) {
    let work = "counter, held";
    let slots = Slots::take(1);
    let slot = slots.slot(0);
    curve(criterion, work, "floor", |_| black_box(&slot).add(1), || slots.total(0));
    let counter = Registry::new().counter("jobs_total", "Jobs.").expect(CLEAN);
    curve(criterion, work, "tachograph", |_| black_box(&counter).inc(), || counter.value());
    let shared = AtomicU64::new(0);
    let add = |_| _ = black_box(&shared).fetch_add(1, Ordering::Relaxed);
    curve(criterion, work, "one atomic", add, || shared.load(Ordering::Relaxed));
}

fn labels(criterion: &mut Criterion) {
    let work = "counter, 3 run-time labels";
    let owned = label_values();
    let values: Vec<[&str; 3]> = owned.iter().map(|values| values.each_ref().map(String::as_str)).collect();
    let order = mixed(values.len());
    let table = Table::new(values.iter().copied());
    let slots = Slots::take(values.len());
    let held: Vec<_> = (0..values.len()).map(|at| slots.slot(at)).collect();
    let add = |i| held[black_box(&table).number(values[order[i % LEN]]).expect("the table holds all labels")].add(1);
    curve(criterion, work, "floor", add, || (0..values.len()).map(|at| slots.total(at)).sum());
    let family = Registry::new().counter_family("jobs_total", "Jobs.", ["endpoint", "method", "status"]).expect(CLEAN);
    let counted = || values.iter().map(|values| family.handle(*values).value()).sum();
    curve(criterion, work, "tachograph", |i| family.inc(values[order[i % LEN]]), counted);
}

fn histogram(criterion: &mut Criterion) {
    let work = "histogram, 11 buckets, held";
    let durations = durations();
    let plain = Histogram::new(floor::NANOSECONDS);
    curve(criterion, work, "floor", |i| black_box(&plain).observe(durations[i % LEN]), || plain.counts().iter().sum());
    let histogram = Registry::new().histogram("wait_seconds", "Waiting.", buckets()).expect(CLEAN);
    curve(criterion, work, "tachograph", |i| black_box(&histogram).observe(durations[i % LEN]), || histogram.count());
}

fn request(criterion: &mut Criterion) {
    let requests = requests();
    let routes = ROUTES.map(String::from);
    let registry = Registry::new();
    let http = HttpMetrics::register(&registry, HttpOptions::default()).expect(CLEAN);
    let observe = |i: usize| {
        let request = &requests[i % LEN];
        http.observe(&routes[request.route], &request.exchange);
    };
    let counted = || {
        let snapshot = registry.snapshot();
        let lines = snapshot.text().lines().filter(|line| line.starts_with("http_requests_total{"));
        lines.filter_map(|line| line.rsplit(' ').next()?.parse::<u64>().ok()).sum()
    };
    curve(criterion, "one request's metrics, by name", "tachograph", observe, counted);
}

criterion_group!(
    name = benches;
    config = Criterion::default().warm_up_time(Duration::from_millis(300)).measurement_time(Duration::from_secs(1)).sample_size(20);
    targets = counter, labels, histogram, request
);
criterion_main!(benches);
