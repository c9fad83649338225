//! One hot operation, a fixed number of times, for `ci/instructions.sh` to count its instructions.
//!
//! `instructions OPERATION ITERATIONS` runs one, `instructions list` names all. Without an argument each runs a few times, so that
//! `cargo bench --bench instructions -- --test` keeps them working. Every run asserts what it counted. A new operation is one more line of
//! [`OPERATIONS`]; the script finds it there.

use std::hint::black_box;
use std::time::Duration;

use tachograph::http::{Exchange, HttpMetrics, HttpOptions, Method};
use tachograph::profile::{ProfileOptions, Profiler, Sizes};
use tachograph::{Buckets, Counter, LabelSet, LabelValue, Registry, Resolution};

/// Series, counters and values that a loop walks through, so that no operation meets its own last store.
const ROUND: usize = 64;

/// Tables of labels that the look-ups go through, one round each: each hashes by seeds of its own, so that lucky and unlucky ones
/// even out.
const TABLES: usize = 32;

/// The name of an operation, and what runs it so many times.
type Operation = (&'static str, fn(usize));

/// The loop alone comes first: what the other counts hold beside their operation.
const OPERATIONS: [Operation; 12] = [
    ("baseline", |iterations| calls(iterations, |_| ())),
    ("counter_inc", counter_inc),
    ("counter_inc_rotating", counter_inc_rotating),
    ("family_inc", family_inc),
    ("typed_inc", typed_inc),
    ("typed_string_inc", typed_string_inc),
    ("histogram_classic", |iterations| histogram(iterations, Resolution::Classic)),
    ("histogram_native", |iterations| histogram(iterations, Resolution::Native)),
    ("histogram_hdr", |iterations| histogram(iterations, Resolution::Hdr)),
    ("http_held", http_held),
    ("http_by_name", http_by_name),
    ("profile", profile),
];

/// Calls an operation: once for everything that it touches, so that it is warm, and then as often as it is counted.
fn calls(iterations: usize, mut call: impl FnMut(usize)) {
    (0..ROUND * TABLES).for_each(&mut call);
    counted_calls(iterations, call);
}

/// Callgrind counts within this function alone, which it knows by its name.
#[inline(never)]
fn counted_calls(iterations: usize, mut call: impl FnMut(usize)) {
    for i in 0..iterations {
        call(black_box(i));
    }
}

/// How often an operation was called in all.
fn called(iterations: usize) -> u64 {
    (ROUND * TABLES + iterations) as u64
}

fn counter_inc(iterations: usize) {
    let registry = Registry::new();
    let counter = registry.counter("jobs_total", "Jobs.").unwrap();
    calls(iterations, |_| black_box(&counter).inc());
    assert_eq!(counter.value(), called(iterations));
}

fn counter_inc_rotating(iterations: usize) {
    let registry = Registry::new();
    let counters: [Counter; ROUND] = std::array::from_fn(|i| registry.counter(&format!("jobs_{i}_total"), "Jobs.").unwrap());
    calls(iterations, |i| black_box(&counters)[i % ROUND].inc());
    assert_eq!(counters.iter().map(Counter::value).sum::<u64>(), called(iterations));
}

fn family_inc(iterations: usize) {
    let registry = Registry::new();
    let families: Vec<_> = (0..TABLES)
        .map(|i| registry.counter_family(&format!("jobs_{i}_total"), "Jobs.", ["queue", "worker", "result"]).unwrap())
        .collect();
    let labels: Vec<[String; 3]> = (0..ROUND)
        .map(|i| [format!("queue-{}", i % 8), format!("worker-{i}"), String::from(if i % 2 == 0 { "ok" } else { "failed" })])
        .collect();
    calls(iterations, |i| {
        let [queue, worker, result] = &labels[i % ROUND];
        families[i / ROUND % TABLES].inc([queue, worker, result]);
    });
    let series = families.iter().flat_map(|family| labels.iter().map(|[a, b, c]| family.handle([a, b, c])));
    assert_eq!(series.map(|series| series.value()).sum::<u64>(), called(iterations));
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
    let labels: [Dense; ROUND] = std::array::from_fn(dense);
    calls(iterations, |i| black_box(&jobs).inc(&labels[i % ROUND]));
    assert_eq!(labels.iter().map(|labels| jobs.handle(labels).value()).sum::<u64>(), called(iterations));
}

#[derive(LabelSet)]
struct Mixed<'a> {
    queue: &'a str,
    verb: Verb,
    cached: bool,
}

fn typed_string_inc(iterations: usize) {
    let registry = Registry::new();
    let families: Vec<_> =
        (0..TABLES).map(|i| registry.typed_counter_family::<Mixed>(&format!("jobs_{i}_total"), "Jobs.").unwrap()).collect();
    let queues: Vec<String> = (0..ROUND).map(|i| format!("queue-{}", i % 8)).collect();
    let labels: Vec<Mixed<'_>> =
        queues.iter().enumerate().map(|(i, queue)| Mixed { queue, verb: VERBS[i / 8 % 4], cached: i >= 32 }).collect();
    calls(iterations, |i| families[i / ROUND % TABLES].inc(&labels[i % ROUND]));
    let series = families.iter().flat_map(|family| labels.iter().map(|labels| family.handle(labels)));
    assert_eq!(series.map(|series| series.value()).sum::<u64>(), called(iterations));
}

/// Durations in nanoseconds, from 1 µs to about 8 s, spread over all buckets.
fn durations() -> [u64; ROUND] {
    std::array::from_fn(|i| 1_000 << (i % 24))
}

fn histogram(iterations: usize, resolution: Resolution) {
    let buckets = Buckets::seconds(&[0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.0, 5.0, 10.0]).unwrap();
    let histogram = Registry::new().histogram("wait_seconds", "Waiting.", buckets.resolution(resolution)).unwrap();
    let durations = durations();
    calls(iterations, |i| black_box(&histogram).observe(durations[i % ROUND]));
    assert_eq!(histogram.count(), called(iterations));
}

const ENDPOINTS: [&str; 4] = ["/scene", "/scenes", "/scene/{id}", "/health/quick"];

fn http(registry: &Registry) -> HttpMetrics {
    HttpMetrics::register(registry, HttpOptions::default()).unwrap()
}

fn exchange(nanoseconds: u64) -> Exchange {
    Exchange {
        method: Method::Get,
        status: 200,
        duration: Duration::from_nanos(nanoseconds),
        request_bytes: 120,
        response_bytes: 2_000,
    }
}

/// Requests that a registry shows.
fn requests(registry: &Registry) -> u64 {
    let snapshot = registry.snapshot();
    let lines = snapshot.text().lines().filter(|line| line.starts_with("http_requests_total{"));
    lines.map(|line| line.rsplit(' ').next().unwrap().parse::<u64>().unwrap()).sum()
}

fn http_held(iterations: usize) {
    let registry = Registry::new();
    let http = http(&registry);
    let (endpoints, durations) = (ENDPOINTS.map(|name| http.endpoint(name)), durations());
    calls(iterations, |i| black_box(&endpoints)[i % ENDPOINTS.len()].observe(&exchange(durations[i % ROUND])));
    assert_eq!(requests(&registry), called(iterations));
}

/// Each has a latency window of 28 pages, and a thread has 128 pages near.
const HTTP_TABLES: usize = 3;

fn http_by_name(iterations: usize) {
    let registries: Vec<Registry> = (0..HTTP_TABLES).map(|_| Registry::new()).collect();
    let https: Vec<HttpMetrics> = registries.iter().map(http).collect();
    let (endpoints, durations) = (ENDPOINTS.map(String::from), durations());
    calls(iterations, |i| {
        https[i / ROUND % HTTP_TABLES].observe(&endpoints[i % ENDPOINTS.len()], &exchange(durations[i % ROUND]));
    });
    assert_eq!(registries.iter().map(requests).sum::<u64>(), called(iterations));
}

/// Profiles of four phases. Each profiler hashes names by seeds of its own. None keeps the slowest: how many compete for that is a matter
/// of the time they take.
fn profile(iterations: usize) {
    const PHASES: [&str; 4] = ["auth_validation", "scene_validation", "file_io", "response_serialization"];
    let options = ProfileOptions { slowest: 0, ..ProfileOptions::default() };
    let profilers: Vec<Profiler> = (0..TABLES).map(|_| Profiler::new(options.clone())).collect();
    calls(iterations, |i| {
        let profile = profilers[i / ROUND % TABLES].start(ENDPOINTS[i % ENDPOINTS.len()], Method::Get);
        for name in PHASES {
            drop(profile.phase(name));
        }
        profile.finish(200, Sizes { request_bytes: 120, response_bytes: 2_000 });
    });
    assert_eq!(profilers.iter().map(Profiler::recorded).sum::<u64>(), called(iterations));
}

fn main() {
    // Cargo passes flags of its own, such as `--bench`.
    let mut arguments = std::env::args().skip(1).filter(|argument| !argument.starts_with("--"));
    match arguments.next() {
        None => {
            for (name, run) in OPERATIONS {
                run(ROUND);
                println!("{name}: ok");
            }
        }
        Some(list) if list == "list" => OPERATIONS.iter().for_each(|(name, _)| println!("{name}")),
        Some(name) => {
            let (_, run) = OPERATIONS.into_iter().find(|(known, _)| *known == name).expect("an operation of the list");
            run(arguments.next().and_then(|number| number.parse().ok()).expect("a number of iterations"));
        }
    }
}
