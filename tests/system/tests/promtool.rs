//! `promtool` reads the scrape of the demo under its own traffic, in which every promised family moves.

use std::collections::BTreeSet;

use system::demo::Demo;
use system::{judge, wait};

/// The ten families of an HTTP service.
const FAMILIES: [&str; 10] = [
    "http_requests_total",
    "http_request_duration_seconds",
    "http_request_size_bytes",
    "http_response_size_bytes",
    "http_request_latency_ms",
    "scene_loads_total",
    "scene_load_errors_total",
    "auth_attempts_total",
    "rate_limit_hits_total",
    "active_connections",
];

/// True when a sample of the family is neither zero nor NaN.
fn moves(scrape: &str, family: &str) -> bool {
    scrape.lines().filter(|line| !line.starts_with('#')).any(|line| {
        let name = line.split(['{', ' ']).next().unwrap_or_default();
        let value: f64 = line.rsplit(' ').next().unwrap_or_default().parse().expect("a value ends the line");
        (name == family || name == format!("{family}_sum")) && value != 0.0 && !value.is_nan()
    })
}

#[test]
fn promtool_accepts_the_scrape_of_the_demo_under_traffic() {
    let demo = Demo::start(&["--traffic", "50"]);
    let scrape = wait::until("all families to move", wait::LIMIT, || {
        let scrape = demo.scrape();
        let still: Vec<_> = FAMILIES.into_iter().filter(|family| !moves(&scrape, family)).collect();
        if still.is_empty() { Ok(scrape) } else { Err(format!("{still:?} are still zero in\n{scrape}")) }
    });

    let verdict = judge::promtool(&scrape);
    // The name and the shape of this gauge are ones that users' dashboards know, so the linter's wishes for it stay
    // unfulfilled. It says the second one once for each quantile. Nothing else may displease it.
    let findings: BTreeSet<_> = verdict.complaints.lines().chain(verdict.output.lines()).collect();
    let known = [
        "http_request_latency_ms metric names should not contain abbreviated units",
        "http_request_latency_ms non-summary metrics should not have \"quantile\" label",
    ];
    assert_eq!(findings, BTreeSet::from(known), "{verdict:?}");
    assert_eq!(verdict.code, 3, "a finding of the linter, no error in the syntax");
}

#[test]
fn promtool_refuses_what_is_no_scrape() {
    let verdict = judge::promtool("jobs_total{queue=\"mail} 1\n");
    assert_eq!(verdict.code, 1, "{verdict:?}");
}
