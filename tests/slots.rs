//! A dropped registry gives its slots back, and whoever gets them starts at zero.
//!
//! One test, alone in its process, because slots are counted.

use tachograph::http::{HttpMetrics, HttpOptions, Method};
use tachograph::{Buckets, Registry, Value, engine_stats};

#[test]
fn a_dropped_registry_gives_its_slots_back() {
    // The first snapshot starts the engine's own thread; from then on nothing but registries takes slots.
    Registry::new().snapshot();
    let before = engine_stats().slots;
    let mut held_handle = None;
    for round in 0..60u64 {
        let registry = Registry::new();
        let jobs = registry.counter_family("jobs_total", "", ["queue"]).unwrap();
        let sizes = registry.histogram_family("sizes", "", ["queue"], Buckets::bytes(&[10, 100]).unwrap()).unwrap();
        for queue in ["a", "b", "c"] {
            jobs.inc_by([queue], round);
            sizes.observe([queue], round);
        }
        let _http = HttpMetrics::register(&registry, HttpOptions::default()).unwrap();
        let snapshot = registry.snapshot();
        for series in snapshot.family("jobs_total").unwrap().series() {
            assert!(matches!(series.value, Value::Counter(n) if n == round), "{series:?} in round {round}");
        }
        for series in snapshot.family("sizes").unwrap().series() {
            let Value::Histogram(value) = series.value else { panic!("{series:?}") };
            assert_eq!((value.count(), value.sum()), (1, round as f64));
        }
        held_handle.get_or_insert_with(|| jobs.handle(["a"]));
    }
    // The last registry may have been in a tick of the snapshot thread; its next answer comes after that.
    Registry::new().snapshot();
    assert_eq!(engine_stats().slots, before + 1, "the handle that outlived its registry has one slot");
    let handle = held_handle.unwrap();
    handle.inc();
    assert_eq!(handle.value(), 1, "nobody else got its slot");
    series_that_come_and_go();
    a_kept_snapshot_of_requests();
}

/// A snapshot holds the endpoints whose labels it shows, and neither the latency window nor anything else of the registry.
fn a_kept_snapshot_of_requests() {
    let before = engine_stats().slots;
    let registry = Registry::new();
    let http = HttpMetrics::register(&registry, HttpOptions::default()).unwrap();
    http.endpoint("/a").declare(Method::Get, 200);
    let snapshot = registry.snapshot();
    drop((registry, http));
    Registry::new().snapshot();
    assert!(engine_stats().slots - before < 100, "{} slots", engine_stats().slots - before);
    drop(snapshot);
    assert_eq!(engine_stats().slots, before);
}

fn series_that_come_and_go() {
    let at_first = engine_stats().slots;
    let registry = Registry::new();
    let calls = registry.counter_family("calls_total", "", ["connection"]).unwrap();
    let before = engine_stats().slots;
    for connection in 0..10_000 {
        calls.inc_by([&connection.to_string()], 1 + connection);
        if connection >= 10 {
            let gone = (connection - 10).to_string();
            assert_eq!(calls.handle([&gone]).value(), connection - 9, "it began at zero, whoever had its slot");
            assert!(calls.remove([&gone]));
        }
    }
    assert_eq!(calls.len(), 10);
    // Those that are there, those that were there at the first removal, and a quarter of a table that wait for its replacement.
    let held = engine_stats().slots - before;
    assert!(held <= 10 + 11 + 10, "{held} slots for 10 series");
    drop((calls, registry));
    Registry::new().snapshot();
    assert_eq!(engine_stats().slots, at_first);
}
