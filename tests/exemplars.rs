//! Exemplars, as a reader of snapshots meets them.

use tachograph::{Buckets, Registry, Value};

/// The exemplars of a family's first series.
fn exemplars(registry: &Registry, family: &str) -> Vec<(String, f64)> {
    let snapshot = registry.snapshot();
    let value = snapshot.family(family).unwrap().series().next().unwrap().value;
    let Value::Histogram(value) = value else { panic!("not a histogram") };
    value.exemplars().iter().map(|exemplar| (exemplar.labels().to_owned(), exemplar.value())).collect()
}

#[test]
fn a_bucket_keeps_one_exemplar_a_second_and_every_observation_counts() {
    let registry = Registry::new();
    let sizes = registry.histogram("sizes_bytes", "", Buckets::bytes(&[10, 100]).unwrap()).unwrap();
    assert!(exemplars(&registry, "sizes_bytes").is_empty());
    for value in [5, 6, 100, 101, u64::MAX] {
        sizes.observe_with_exemplar(value, &[("trace_id", &value.to_string()), ("user", "\"x\"")]);
    }
    let expected = |value: f64| (format!("trace_id=\"{value}\",user=\"\\\"x\\\"\""), value);
    assert_eq!(exemplars(&registry, "sizes_bytes"), [5.0, 100.0, 101.0].map(expected));
    assert_eq!(sizes.count(), 5);
}

#[test]
fn exemplars_with_bad_labels_are_refused_and_their_observations_counted() {
    let registry = Registry::new();
    registry.register_engine_metrics().unwrap();
    let sizes = registry.histogram("sizes_bytes", "", Buckets::bytes(&[10]).unwrap()).unwrap();
    sizes.observe_with_exemplar(1, &[("trace_id", &"x".repeat(121))]);
    sizes.observe_with_exemplar(1, &[("not legal", "x")]);
    assert!(exemplars(&registry, "sizes_bytes").is_empty());
    assert_eq!(sizes.count(), 2);
    assert!(registry.snapshot().text().contains("\ntachograph_exemplars_refused_total 2\n"));
}

#[test]
fn a_removed_series_takes_its_exemplars_and_its_slots_with_it() {
    let registry = Registry::new();
    let sizes = registry.histogram_family("sizes_bytes", "", ["of"], Buckets::bytes(&[10]).unwrap()).unwrap();
    for round in 0..3 {
        let handle = sizes.handle(["x"]);
        assert!(exemplars(&registry, "sizes_bytes").is_empty(), "round {round}");
        handle.observe_with_exemplar(round, &[("round", &round.to_string())]);
        assert_eq!(exemplars(&registry, "sizes_bytes"), [(format!("round=\"{round}\""), round as f64)]);
        drop(handle);
        sizes.remove(["x"]);
        registry.snapshot();
    }
}

#[test]
fn exemplars_of_many_threads_are_whole() {
    let registry = Registry::new();
    let sizes = registry.histogram("sizes_bytes", "", Buckets::bytes(&[10]).unwrap()).unwrap();
    let labels = |value: u64| value.to_string().repeat(20);
    std::thread::scope(|scope| {
        for value in 1..=3u64 {
            let sizes = &sizes;
            scope.spawn(move || (0..20_000).for_each(|_| sizes.observe_with_exemplar(value, &[("of", &labels(value))])));
        }
        for _ in 0..200 {
            for (text, value) in exemplars(&registry, "sizes_bytes") {
                assert_eq!(text, format!("of=\"{}\"", labels(value as u64)));
            }
        }
    });
    assert_eq!(sizes.count(), 60_000);
}
