//! What series and profiles hold, by a counting allocator.

use std::process::Command;
use std::sync::mpsc;
use std::time::Duration;

use stats_alloc::Region;
use tachograph::http::{Exchange, HttpMetrics, HttpOptions, Method};
use tachograph::{Labels, Registry};

use crate::ALLOCATOR;
use crate::inputs::buckets;
use crate::profiles;
use crate::row::{Amount, Row};
use crate::scrape::sample_lines;

/// What a route of the demo answers to, and with.
const METHODS: [Method; 2] = [Method::Get, Method::Post];
const STATUSES: [u16; 5] = [200, 400, 401, 404, 500];

/// The option by which the bench asks itself for a weight.
pub(crate) const WEIGH: &str = "--weigh";

/// Series for what one costs.
const SERIES: usize = 10_000;

/// What a page has room for: histograms of 13 cells, and single ones.
const HISTOGRAMS_A_PAGE: usize = 9;
const COUNTERS_A_PAGE: usize = 11;
const CELLS_A_PAGE: usize = 128;
const PAGES: usize = 1_000;

/// What is weighed, each in a process of its own, so that nothing that another one left behind is used again.
const WEIGHTS: [fn() -> f64; 6] = [
    a_thousand_lines,
    || held_by_series(SERIES, 0)[1] / SERIES as f64,
    // As many of both as share a page, so that what one leaves of its pages is the other's.
    || held_by_series(COUNTERS_A_PAGE * PAGES, HISTOGRAMS_A_PAGE * PAGES)[1] / (PAGES * CELLS_A_PAGE) as f64,
    || held_by_series(SERIES, 0)[0] / SERIES as f64,
    || held_by_series(0, SERIES)[0] / SERIES as f64,
    a_thousand_profiles,
];

/// Prints one of the weights, for the process that asks.
pub(crate) fn weigh(weight: &str) {
    // What the process has once, whatever is registered: the snapshot thread, and what its first fold keeps.
    Registry::new().snapshot();
    let weight = weight.parse().ok().and_then(|at: usize| WEIGHTS.get(at)).expect("a number of a weight");
    println!("{}", weight());
}

fn weighed(weight: usize) -> Amount {
    let bench = std::env::current_exe().expect("the system knows what it runs");
    let output = Command::new(bench).args([WEIGH, &weight.to_string()]).output().expect("the bench can be started as it was");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let bytes = String::from_utf8_lossy(&output.stdout).trim().parse();
    Amount::Bytes(bytes.expect("the bench understands itself"))
}

pub(crate) fn rows() -> Vec<Row> {
    // Whole bytes: the list of pages is not a cell's.
    let whole = |amount: Amount| Amount::Bytes(amount.number().floor());
    let (kilo, bytes) = (|kilo: f64| Amount::Bytes(1_000.0 * kilo), Amount::Bytes);
    vec![
        Row::judged("1 000 sample lines of the demo's shape", kilo(100.0), kilo(110.0), weighed(0)),
        Row::judged("a counter's cell, on a further thread", bytes(8.0), bytes(8.0), whole(weighed(1))),
        Row::judged("one of a histogram's 13 cells, beside counters", bytes(8.0), bytes(8.0), whole(weighed(2))),
        Row::aimed("a counter series of 3 labels", bytes(110.0), weighed(3)),
        Row::aimed("a histogram series of 11 buckets", bytes(200.0), weighed(4)),
        Row::judged("1 000 profiles, and those kept beside them", kilo(500.0), kilo(500.0), weighed(5)),
    ]
}

/// Bytes that `f` allocates and does not free. The snapshot thread waits meanwhile: what it would hold is of its folds.
fn held_by<T>(f: impl FnOnce() -> T) -> (T, f64) {
    let (waits, it_waits) = mpsc::channel();
    let (go_on, may_go_on) = mpsc::channel::<()>();
    Registry::new().snapshot_with(move |_| {
        let _ = waits.send(());
        let _ = may_go_on.recv();
    });
    it_waits.recv().expect("the snapshot thread calls its reply");
    let region = Region::new(ALLOCATOR);
    let result = f();
    let change = region.change();
    drop(go_on);
    (result, change.bytes_allocated as f64 - change.bytes_deallocated as f64)
}

/// Bytes of a thousand sample lines: of twelve routes with their methods and statuses, each of them in use.
fn a_thousand_lines() -> f64 {
    let (registry, bytes) = held_by(|| {
        let registry = Registry::new();
        let http = HttpMetrics::register(&registry, HttpOptions::default()).expect("a new registry has no clashes");
        for route in 0..12 {
            let endpoint = http.endpoint(&format!("/scene/{{id}}/{route}"));
            METHODS.into_iter().for_each(|method| STATUSES.into_iter().for_each(|status| endpoint.declare(method, status)));
            for step in 0..1_000 {
                endpoint.observe(&Exchange {
                    method: METHODS[step % METHODS.len()],
                    status: STATUSES[step % STATUSES.len()],
                    duration: Duration::from_micros(7 * step as u64),
                    request_bytes: step as u64,
                    response_bytes: 100 * step as u64,
                });
            }
        }
        registry
    });
    1_000.0 * bytes / sample_lines(registry.snapshot().text()).count() as f64
}

/// Bytes of a profiler whose places are all in use.
fn a_thousand_profiles() -> f64 {
    let (profiler, bytes) = held_by(profiles::full);
    assert!(profiler.profiles().len() > 1_000);
    bytes
}

/// Bytes of so many counters and histograms that one thread counts in, and what a further thread adds that counts in all of them, beyond
/// what it holds for counting at all.
fn held_by_series(counters: usize, histograms: usize) -> [f64; 2] {
    let registry = Registry::new();
    let labels = Labels::new(["endpoint", "method", "status"]).limit(SERIES.max(counters));
    let jobs = registry.counter_family("requests_total", "", labels).expect("a new registry has no clashes");
    let labels = Labels::new(["endpoint"]).limit(SERIES.max(histograms));
    let waits = registry.histogram_family("wait_seconds", "", labels, buckets()).expect("a new registry has no clashes");
    let count = |counters, histograms| {
        // First: counters fill what histograms leave of their pages.
        (0..histograms).for_each(|at| waits.observe([&format!("/scene/{at}")], 1));
        for at in 0..counters {
            let (method, status) = (["GET", "POST", "PUT", "DELETE"][at % 4], ["200", "201", "400", "404", "500"][at / 4 % 5]);
            jobs.inc([&format!("/scene/{}", at / 20), method, status]);
        }
    };
    let ((), registered) = held_by(|| count(counters, histograms));
    let further = std::thread::scope(|scope| {
        let counting = scope.spawn(|| {
            count(counters.min(1), histograms.min(1));
            held_by(|| count(counters, histograms)).1
        });
        counting.join().expect("the thread counts")
    });
    [registered, further]
}
