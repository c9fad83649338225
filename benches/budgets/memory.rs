//! What series hold, by a counting allocator.

use std::sync::mpsc;
use std::time::Duration;

use stats_alloc::Region;
use tachograph::http::{Exchange, HttpMetrics, HttpOptions, Method};
use tachograph::{Labels, Registry};

use crate::ALLOCATOR;
use crate::row::{Amount, Row};
use crate::scrape::sample_lines;

/// What a route of the demo answers to, and with.
const METHODS: [Method; 2] = [Method::Get, Method::Post];
const STATUSES: [u16; 5] = [200, 400, 401, 404, 500];

/// Series for what one costs.
const SERIES: usize = 10_000;

pub(crate) fn rows() -> Vec<Row> {
    // What the process has once, whatever is registered: the snapshot thread, and what its first fold keeps.
    Registry::new().snapshot();
    let (lines, bytes) = held_by_the_demos_shape();
    let (registered, further) = held_by_counters();
    vec![
        Row::judged(
            "1 000 sample lines of the demo's shape",
            Amount::Bytes(100_000.0),
            Amount::Bytes(110_000.0),
            lines_of(lines, bytes),
        ),
        // Whole bytes: the list of pages is not a cell's.
        Row::judged(
            "a counter's cell, on a further thread",
            Amount::Bytes(8.0),
            Amount::Bytes(8.0),
            Amount::Bytes(further.floor()),
        ),
        Row::told("a counter series of 3 labels", Amount::Bytes(registered.floor())),
    ]
}

fn lines_of(lines: usize, bytes: f64) -> Amount {
    Amount::Bytes(bytes * 1_000.0 / lines as f64)
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

/// Twelve routes with their methods and statuses, each of them in use. Gives the sample lines and the bytes.
fn held_by_the_demos_shape() -> (usize, f64) {
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
    (sample_lines(registry.snapshot().text()).count(), bytes)
}

/// Bytes a series that one thread counts in, and what a further thread adds that counts in all of them, beyond what it holds for
/// counting at all.
fn held_by_counters() -> (f64, f64) {
    let registry = Registry::new();
    let labels = Labels::new(["endpoint", "method", "status"]).limit(SERIES);
    let family = registry.counter_family("requests_total", "", labels).expect("a new registry has no clashes");
    let count = |series| {
        for at in 0..series {
            let (method, status) = (["GET", "POST", "PUT", "DELETE"][at % 4], ["200", "201", "400", "404", "500"][at / 4 % 5]);
            family.inc([&format!("/scene/{}", at / 20), method, status]);
        }
    };
    let ((), registered) = held_by(|| count(SERIES));
    let further = std::thread::scope(|scope| {
        let counting = scope.spawn(|| {
            count(1);
            held_by(|| count(SERIES)).1
        });
        counting.join().expect("the thread counts")
    });
    (registered / SERIES as f64, further / SERIES as f64)
}
