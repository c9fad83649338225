//! When a series began reaches a real Prometheus, which then knows that it was zero before its first scrape.

use system::exporter::Exporter;
use system::prometheus::{Generation, Job, Prometheus, Setup};
use tachograph::server::Options;
use tachograph::{Buckets, Quantiles, Registry};

/// What is told, by the protocol in which it is asked.
const JOBS: [(&str, &[&str]); 3] = [
    ("text", &["scrape_protocols: [PrometheusText0.0.4]"]),
    ("openmetrics", &["scrape_protocols: [OpenMetricsText1.0.0]"]),
    ("protobuf", &["scrape_protocols: [PrometheusProto]"]),
];

#[test]
fn prometheus_knows_that_a_series_began_at_zero() {
    let registry = Registry::new();
    registry.counter("jobs_total", "Jobs.").expect("a valid counter").inc_by(100);
    let wait = registry.histogram("wait_seconds", "Waiting.", Buckets::seconds(&[1.0]).expect("valid bounds"));
    let wait = wait.expect("a valid histogram");
    let latency = registry.summary("latency_seconds", "Latency.", Quantiles::seconds(&[0.5]).expect("a quantile"));
    let latency = latency.expect("a valid summary");
    for _ in 0..100 {
        wait.observe(2_000_000_000);
        latency.observe(2_000_000_000);
    }
    let exporter = Exporter::serving_with(&registry, Options { created_timestamps: true, ..Options::default() });
    let jobs = JOBS.map(|(name, options)| Job { name, target: exporter.address(), options }).to_vec();
    let features = &["created-timestamp-zero-ingestion"];
    let prometheus = Prometheus::start(&Setup { generation: Generation::Forky, features, jobs, rules: None });

    for name in ["jobs_total", "wait_seconds_count", "wait_seconds_sum", "latency_seconds_count"] {
        let least = |job: &str| prometheus.number(&format!("min_over_time({name}{{job=\"{job}\"}}[10m])"));
        assert_eq!((least("openmetrics"), least("protobuf")), ("0".to_owned(), "0".to_owned()), "{name}");
        assert_ne!(least("text"), "0", "{name}: text has no times");
    }
    assert!(prometheus.query("{__name__=~\".+_created\"}").is_empty(), "a time is no series");
}
