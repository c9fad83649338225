//! Whatever a label, a HELP text or a value holds, a real Prometheus reads it in every format and hands it back unchanged.

use std::collections::BTreeSet;

use system::hostile;
use system::prometheus::{Generation, Setup};
use system::stored::{JOBS, Stored};
use tachograph::{Buckets, Registry};

fn scraped_by(generation: Generation, registry: &Registry) -> Stored {
    Stored::in_prometheus(registry, |setup| Setup { generation, ..setup })
}

fn check_labels(generation: Generation) {
    let (registry, sent) = hostile::registry();
    let stored = scraped_by(generation, &registry);
    for job in JOBS {
        assert_eq!(hostile::held(stored.prometheus.series(job)), sent, "{job}");
        let name = if job == "openmetrics" { "hostile" } else { hostile::NAME };
        assert_eq!(stored.prometheus.metadata(job)[name].help, hostile::HELP, "{job}");
    }
}

fn check_values(generation: Generation) {
    let extremes = [
        ("nan", f64::NAN),
        ("infinity", f64::INFINITY),
        ("minus_infinity", f64::NEG_INFINITY),
        ("largest", f64::MAX),
        ("smallest", f64::from_bits(1)),
        ("third", 1.0 / 3.0),
        ("million", 1e6),
        ("minus", -1.5e-7),
    ];
    let registry = Registry::new();
    let gauges = registry.gauge_family("extreme", "Values at the ends of the range.", ["case"]).expect("a valid family");
    for (case, value) in extremes {
        gauges.set([case], value);
    }
    let big = registry.counter("big_total", "The largest count that a float holds exactly.").expect("a valid counter");
    big.inc_by(1 << 53);
    let odd = registry.counter("odd_total", "The largest odd one.").expect("a valid counter");
    odd.inc_by((1 << 53) - 1);
    let wait = registry
        .histogram("wait_seconds", "Waiting.", Buckets::seconds(&[0.001, 0.1]).expect("valid bounds"))
        .expect("a valid histogram");
    for nanoseconds in [1_000_000, 1_000_001, 5_000_000_000] {
        wait.observe(nanoseconds);
    }

    let stored = scraped_by(generation, &registry);
    for job in JOBS {
        let number = |name: &str, label: &str| stored.prometheus.number(&format!("{name}{{job=\"{job}\"{label}}}"));
        for (case, value) in extremes {
            let held: f64 = number("extreme", &format!(",case=\"{case}\"")).parse().expect("a number");
            assert!(held == value || (held.is_nan() && value.is_nan()), "{job}, {case}: {held} instead of {value}");
        }
        assert_eq!(number("big_total", ""), "9007199254740992");
        assert_eq!(number("odd_total", ""), "9007199254740991");
        let buckets = stored.prometheus.query(&format!("wait_seconds_bucket{{job=\"{job}\"}}"));
        let buckets: BTreeSet<_> = buckets.into_iter().map(|(labels, count)| (labels["le"].clone(), count)).collect();
        let expected = [("+Inf", "3"), ("0.001", "1"), ("0.1", "2")];
        assert_eq!(buckets, expected.map(|(bound, count)| (bound.to_owned(), count.to_owned())).into(), "{job}");
        assert_eq!(number("wait_seconds_count", ""), "3");
        assert_eq!(number("wait_seconds_sum", "").parse(), Ok(5.002000001));
    }
}

#[test]
fn hostile_labels_and_help_reach_prometheus_unchanged() {
    check_labels(Generation::Bookworm);
}

#[test]
fn hostile_labels_and_help_reach_prometheus_3_unchanged() {
    check_labels(Generation::Forky);
}

#[test]
fn extreme_values_reach_prometheus_unchanged() {
    check_values(Generation::Bookworm);
}

#[test]
fn extreme_values_reach_prometheus_3_unchanged() {
    check_values(Generation::Forky);
}
