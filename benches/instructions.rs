//! One hot operation, a fixed number of times, for `ci/instructions.sh` to count its instructions.
//!
//! `instructions OPERATION ITERATIONS` runs one. Without an operation each runs a few times, so that
//! `cargo bench -- --test` keeps them working. Every run asserts what it counted.

use std::hint::black_box;
use std::time::Duration;

use tachograph::http::{Exchange, HttpMetrics, HttpOptions, Method};
use tachograph::{Buckets, Counter, LabelSet, LabelValue, Registry};

/// Series, counters and values that a loop walks through, so that no operation meets its own last store.
const ROUND: usize = 64;

/// Families that `family_inc` goes through, one round each.
const FAMILIES: usize = 32;

/// The name of an operation, and what runs it so many times.
type Operation = (&'static str, fn(usize));

const OPERATIONS: [Operation; 8] = [
    ("baseline", baseline),
    ("counter_inc", counter_inc),
    ("counter_inc_rotating", counter_inc_rotating),
    ("family_inc", family_inc),
    ("typed_inc", typed_inc),
    ("typed_string_inc", typed_string_inc),
    ("histogram_observe", histogram_observe),
    ("http_observe", http_observe),
];

/// The loop alone: what the other counts hold beside their operation.
fn baseline(iterations: usize) {
    for i in 0..iterations {
        black_box(i);
    }
}

fn counter_inc(iterations: usize) {
    let registry = Registry::new();
    let counter = registry.counter("jobs_total", "Jobs.").unwrap();
    for i in 0..iterations {
        black_box(i);
        black_box(&counter).inc();
    }
    assert_eq!(counter.value(), iterations as u64);
}

fn counter_inc_rotating(iterations: usize) {
    let registry = Registry::new();
    let counters: Vec<Counter> = (0..ROUND).map(|i| registry.counter(&format!("jobs_{i}_total"), "Jobs.").unwrap()).collect();
    for i in 0..iterations {
        counters[black_box(i) % ROUND].inc();
    }
    assert_eq!(counters.iter().map(Counter::value).sum::<u64>(), iterations as u64);
}

fn family_inc(iterations: usize) {
    let registry = Registry::new();
    // Each hashes by seeds of its own, so that lucky and unlucky ones even out.
    let families: Vec<_> = (0..FAMILIES)
        .map(|i| registry.counter_family(&format!("jobs_{i}_total"), "Jobs.", ["queue", "worker", "result"]).unwrap())
        .collect();
    let labels: Vec<[String; 3]> = (0..ROUND)
        .map(|i| [format!("queue-{}", i % 8), format!("worker-{i}"), String::from(if i % 2 == 0 { "ok" } else { "failed" })])
        .collect();
    for i in 0..iterations {
        let i = black_box(i);
        let [queue, worker, result] = &labels[i % ROUND];
        families[i / ROUND % FAMILIES].inc([queue, worker, result]);
    }
    let series = families.iter().flat_map(|family| labels.iter().map(|[a, b, c]| family.handle([a, b, c])));
    assert_eq!(series.map(|series| series.value()).sum::<u64>(), iterations as u64);
}

#[derive(Clone, Copy, LabelValue)]
enum Verb {
    Get,
    Head,
    Post,
    Put,
}

const VERBS: [Verb; 4] = [Verb::Get, Verb::Head, Verb::Post, Verb::Put];

#[derive(LabelSet)]
struct Dense {
    verb: Verb,
    #[label(range = 0..=7)]
    retries: u32,
    cached: bool,
}

/// Labels in the order of the places: all 64 combinations but those with other numbers of retries.
fn dense(i: usize) -> Dense {
    Dense { verb: VERBS[i / 16 % 4], retries: (i / 2 % 8) as u32, cached: i % 2 == 1 }
}

fn typed_inc(iterations: usize) {
    let registry = Registry::new();
    let jobs = registry.typed_counter_family::<Dense>("jobs_total", "Jobs.").unwrap();
    let labels: Vec<Dense> = (0..ROUND).map(dense).collect();
    for i in 0..iterations {
        jobs.inc(&labels[black_box(i) % ROUND]);
    }
    assert_eq!(labels.iter().map(|labels| jobs.handle(labels).value()).sum::<u64>(), iterations as u64);
}

#[derive(LabelSet)]
struct Mixed<'a> {
    queue: &'a str,
    verb: Verb,
    cached: bool,
}

fn typed_string_inc(iterations: usize) {
    let registry = Registry::new();
    // As in `family_inc`.
    let families: Vec<_> =
        (0..FAMILIES).map(|i| registry.typed_counter_family::<Mixed>(&format!("jobs_{i}_total"), "Jobs.").unwrap()).collect();
    let queues: Vec<String> = (0..ROUND).map(|i| format!("queue-{}", i % 8)).collect();
    let labels: Vec<Mixed<'_>> =
        queues.iter().enumerate().map(|(i, queue)| Mixed { queue, verb: VERBS[i / 8 % 4], cached: i >= 32 }).collect();
    for i in 0..iterations {
        let i = black_box(i);
        families[i / ROUND % FAMILIES].inc(&labels[i % ROUND]);
    }
    let series = families.iter().flat_map(|family| labels.iter().map(|labels| family.handle(labels)));
    assert_eq!(series.map(|series| series.value()).sum::<u64>(), iterations as u64);
}

/// Durations in nanoseconds, from 1 µs to about 8 s, spread over all buckets.
fn durations() -> Vec<u64> {
    (0..ROUND as u32).map(|i| 1_000 << (i % 24)).collect()
}

fn histogram_observe(iterations: usize) {
    let registry = Registry::new();
    let bounds = Buckets::seconds(&[0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.0, 5.0, 10.0]).unwrap();
    let histogram = registry.histogram("wait_seconds", "Waiting.", bounds).unwrap();
    let durations = durations();
    for i in 0..iterations {
        histogram.observe(durations[black_box(i) % ROUND]);
    }
    assert_eq!(histogram.count(), iterations as u64);
}

fn http_observe(iterations: usize) {
    let registry = Registry::new();
    let http = HttpMetrics::register(&registry, HttpOptions::default()).unwrap();
    let endpoint = http.endpoint("/scene/{id}");
    let durations = durations();
    for i in 0..iterations {
        endpoint.observe(&Exchange {
            method: Method::Get,
            status: 200,
            duration: Duration::from_nanos(durations[black_box(i) % ROUND]),
            request_bytes: 120,
            response_bytes: 2_000,
        });
    }
    let line = format!("http_requests_total{{endpoint=\"/scene/{{id}}\",method=\"GET\",status=\"200\"}} {iterations}\n");
    let snapshot = registry.snapshot();
    assert!(snapshot.text().contains(&line), "{line} is missing in\n{}", snapshot.text());
}

fn main() {
    // Cargo passes flags of its own, such as `--bench`.
    let mut arguments = std::env::args().skip(1).filter(|argument| !argument.starts_with("--"));
    let Some(name) = arguments.next() else {
        for (name, run) in OPERATIONS {
            run(ROUND);
            println!("{name}: ok");
        }
        return;
    };
    let (_, run) = OPERATIONS.into_iter().find(|(known, _)| *known == name).expect("an operation of the list");
    run(arguments.next().and_then(|number| number.parse().ok()).expect("a number of iterations"));
}
