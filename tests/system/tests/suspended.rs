//! A minute asleep (SIGSTOP, SIGCONT), as a real Prometheus sees it: no answer for as long, and no spike afterwards.

use std::thread;
use std::time::{Duration, Instant};

use rustix::process::Signal;
use system::demo::Demo;
use system::prometheus::Prometheus;
use system::wait;

const MINUTE: Duration = Duration::from_secs(60);
/// Requests a second that the demo sends itself.
const TRAFFIC: f64 = 20.0;
/// User traffic.
const USERS: &str = "job=\"tachograph\",endpoint!~\"/|/events|/metrics|/health.*|/debug/.*|/demo/.*\"";

fn number(prometheus: &Prometheus, expression: &str) -> f64 {
    prometheus.number(expression).parse().expect("a number")
}

/// Waits until an expression is true, and returns how long that took.
fn until(prometheus: &Prometheus, expression: &str) -> Duration {
    let begin = Instant::now();
    wait::until(expression, wait::LIMIT, || {
        if prometheus.query(expression).is_empty() { Err("it is not".to_owned()) } else { Ok(()) }
    });
    begin.elapsed()
}

#[test]
fn a_minute_asleep_is_a_gap_and_no_spike() {
    let demo = Demo::start(&["--traffic", &TRAFFIC.to_string(), "--log-level", "warn", "--slow-threshold", "100000"]);
    let prometheus = Prometheus::scraping(demo.address());
    let well = "health_status{job=\"tachograph\",status=\"healthy\"} == 1";
    until(&prometheus, well);
    until(&prometheus, "count_over_time((up{job=\"tachograph\"} == 1)[5m:1s]) > 10");
    let of = |what: &str, expression: &str| number(&prometheus, &format!("{what}_over_time(({expression})[5m:1s])"));
    // Windows of ten seconds: what came in them, and the tail that comes of loading a scene.
    let requests = format!("sum(rate(http_requests_total{{{USERS}}}[10s]))");
    let frames = "rate(engine_frames_total{job=\"tachograph\"}[10s])";

    demo.signal(Signal::STOP);
    thread::sleep(MINUTE);
    demo.signal(Signal::CONT);
    let scraped = until(&prometheus, "up{job=\"tachograph\"} == 1");
    let healthy = until(&prometheus, well);
    eprintln!("scraped after {scraped:?}, healthy {healthy:?} later");
    // Until the windows hold nothing but what came since.
    until(&prometheus, "count_over_time((up{job=\"tachograph\"} == 1)[20s:1s]) >= 18");

    assert!(of("min", "up{job=\"tachograph\"}") == 0.0, "it did not answer");
    assert_eq!(number(&prometheus, "resets(engine_frames_total[5m])"), 0.0);
    assert_eq!(number(&prometheus, "changes(process_start_time_seconds{job=\"tachograph\"}[5m])"), 0.0);
    // It sends itself one request a twentieth of a second, and makes up for a second of the pause.
    let most = of("max", &requests);
    assert!(most <= 2.0 * TRAFFIC, "{most} requests a second");
    let most = of("max", frames);
    assert!(most <= 75.0, "{most} frames a second");
    let unhealthy = "sum(increase(tachograph_health_changes_total{job=\"tachograph\",to=\"unhealthy\"}[5m])) or vector(0)";
    assert_eq!(number(&prometheus, unhealthy), 0.0);
    // Half of the requests are fast, in each window, whatever lay in flight.
    let median = of("max", "http_request_latency_ms{job=\"tachograph\",quantile=\"0.5\"}");
    assert!(median < 10_000.0, "{median} ms");
    let long = format!(
        "sum(http_request_duration_seconds_count{{{USERS}}}) - sum(http_request_duration_seconds_bucket{{{USERS},le=~\"10([.]0)?\"}})"
    );
    let long = number(&prometheus, &long);
    assert!(long <= 64.0, "{long} requests lasted as long, those in flight and no other");
}
