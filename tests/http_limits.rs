//! `HttpMetrics` where there is no room: requests go to `other` whole, and nothing grows with what clients invent.

use std::sync::Barrier;
use std::time::Duration;

use tachograph::Registry;
use tachograph::http::{Exchange, HttpMetrics, HttpOptions, Method};

const EXCHANGE: Exchange =
    Exchange { method: Method::Get, status: 200, duration: Duration::from_millis(3), request_bytes: 0, response_bytes: 0 };

fn http(limit: usize) -> (Registry, HttpMetrics) {
    let registry = Registry::new();
    let http = HttpMetrics::register(&registry, HttpOptions { limit, ..HttpOptions::default() }).unwrap();
    (registry, http)
}

fn requests(registry: &Registry) -> String {
    let snapshot = registry.snapshot();
    let lines = snapshot.text().lines().filter(|line| line.starts_with("http_requests_total{"));
    lines.map(|line| line.to_owned() + "\n").collect()
}

fn counted(endpoint: &str, status: u16, count: usize) -> String {
    format!("http_requests_total{{endpoint=\"{endpoint}\",method=\"GET\",status=\"{status}\"}} {count}\n")
}

#[test]
fn a_path_of_a_megabyte_counts_as_other() {
    let (registry, http) = http(1_000);
    let path = "x".repeat(1 << 20);
    (200..210).for_each(|status| http.observe(&path, &Exchange { status, ..EXCHANGE }));
    http.endpoint(&path).observe(&EXCHANGE);
    http.observe(&path[..257], &EXCHANGE);
    assert_eq!(
        requests(&registry),
        (200..210).map(|status| counted("other", status, [1, 3][usize::from(status == 200)])).collect::<String>()
    );
    assert!(registry.snapshot().text().contains("tachograph_series_refused_total{family=\"http_requests_total\"} 12\n"));
    http.observe(&path[..256], &EXCHANGE);
    assert!(requests(&registry).contains(&counted(&path[..256], 200, 1)));
}

#[test]
fn monitoring_stays_out_of_the_latency_summary_also_where_there_is_no_room() {
    let (registry, http) = http(2);
    let monitoring = http.monitoring_endpoint("/metrics");
    http.observe("/a", &EXCHANGE);
    http.observe("/a", &Exchange { status: 404, ..EXCHANGE });
    monitoring.observe(&EXCHANGE);
    http.observe("/a", &Exchange { status: 500, ..EXCHANGE });
    let expected = [counted("/a", 200, 1), counted("/a", 404, 1), counted("/metrics", 200, 1), counted("other", 500, 1)];
    assert_eq!(requests(&registry), expected.concat());
    assert!(registry.snapshot().text().contains("http_request_latency_seconds_count 3\n"));
}

#[test]
fn threads_that_meet_at_the_last_room_count_in_the_one_series() {
    for _ in 0..200 {
        let (registry, http) = http(4);
        let endpoint = http.endpoint("/a");
        (201..204).for_each(|status| endpoint.observe(&Exchange { status, ..EXCHANGE }));
        let start = Barrier::new(3);
        std::thread::scope(|scope| {
            for _ in 0..3 {
                scope.spawn(|| {
                    start.wait();
                    endpoint.observe(&EXCHANGE);
                });
            }
        });
        assert!(requests(&registry).starts_with(&counted("/a", 200, 3)), "{}", requests(&registry));
    }
}

#[test]
fn what_finds_no_room_counts_as_other_whole() {
    let (registry, http) = http(3);
    for status in 200..230 {
        http.observe("/a", &Exchange { status, ..EXCHANGE });
        http.observe("/b", &Exchange { status, ..EXCHANGE });
    }
    let snapshot = registry.snapshot();
    let count = |endpoint: &str| {
        let line = format!("http_request_duration_seconds_count{{endpoint=\"{endpoint}\"}} ");
        let found = snapshot.text().lines().find_map(|text| text.strip_prefix(&line)).unwrap();
        found.parse::<usize>().unwrap()
    };
    assert_eq!(count("/a") + count("/b"), 3);
    assert_eq!(count("other"), 57);
    // Of the first status both endpoints had room.
    assert_eq!(requests(&registry).lines().count(), 3 + 29);
}
