//! What a scrape of the demo costs in the engine: fold and text.

use std::hint::black_box;

use tachograph::Registry;
use tachograph::http::{HttpMetrics, HttpOptions};

use crate::inputs::{LEN, METHODS, ROUTES, STATUSES, requests};
use crate::measure::{Bench, Operation};
use crate::row::{Amount, Row};

const REQUIRED: Amount = Amount::Nanoseconds(1e9);
const BUDGET: Amount = Amount::Nanoseconds(1e6);

/// Registers the demo's shape, about a thousand sample lines, and observes some requests.
pub(crate) fn demo() -> Registry {
    let registry = Registry::new();
    let http = HttpMetrics::register(&registry, HttpOptions::default()).expect("a new registry has no clashes");
    for route in ROUTES {
        let endpoint = http.endpoint(route);
        METHODS.into_iter().for_each(|method| STATUSES.into_iter().for_each(|status| endpoint.declare(method, status)));
    }
    requests().iter().for_each(|request| http.observe(ROUTES[request.route], &request.exchange));
    registry
}

/// Sample lines of a text.
pub(crate) fn sample_lines(text: &str) -> impl Iterator<Item = &str> {
    text.lines().filter(|line| !line.starts_with('#'))
}

/// Requests that a scrape shows, by the counter; the histograms must agree.
pub(crate) fn scraped_requests(registry: &Registry) -> u64 {
    let snapshot = registry.snapshot();
    let sum = |name: &str| -> u64 {
        let lines = sample_lines(snapshot.text()).filter(|line| line.split(['{', ' ']).next() == Some(name));
        lines.map(|line| line.rsplit(' ').next().and_then(|value| value.parse::<u64>().ok()).expect("a count")).sum()
    };
    let requests = sum("http_requests_total");
    for histogram in ["http_request_duration_seconds", "http_request_size_bytes", "http_response_size_bytes"] {
        assert_eq!(sum(&format!("{histogram}_count")), requests, "{histogram}");
    }
    requests
}

/// What a line ends in.
enum Ending {
    Integer(u64),
    Other(String),
}

/// The text once more, from what stands before each value and the values: no fold, no cells.
fn copy(text: &str) -> impl FnMut(usize) -> usize + use<> {
    let split = |line: &str| {
        let (before, after) = line.rsplit_once(' ').expect("a line has a space");
        let ending = after.parse().map_or_else(|_| Ending::Other(after.to_owned()), Ending::Integer);
        (format!("{before} "), ending)
    };
    let lines: Vec<(String, Ending)> = text.lines().map(split).collect();
    let mut out = String::new();
    let mut number = itoa::Buffer::new();
    move |_| {
        out.clear();
        for (before, ending) in black_box(&lines) {
            out.push_str(before);
            match ending {
                Ending::Integer(value) => out.push_str(number.format(*value)),
                Ending::Other(value) => out.push_str(value),
            }
            out.push('\n');
        }
        out.len()
    }
}

pub(crate) fn rows(bench: &Bench) -> Vec<Row> {
    let registry = demo();
    let text = registry.snapshot().text().to_owned();
    let lines = sample_lines(&text).count();
    assert!((800..1_100).contains(&lines), "{lines} sample lines are not the demo's shape");
    let mut copy = copy(&text);
    assert_eq!(copy(0), text.len());

    let mut fold = Operation::new(|_| _ = black_box(registry.snapshot()));
    let mut whole = Operation::new(|_| _ = black_box(registry.snapshot().text()));
    let mut floor = Operation::new(|_| _ = black_box(copy(0)));
    bench.measure([&mut fold, &mut whole, &mut floor]);
    assert_eq!(scraped_requests(&registry), LEN as u64, "snapshots changed what they read");
    vec![
        Row::judged("scrape of the demo, fold and text", REQUIRED, BUDGET, whole.fastest()).above(floor.fastest()),
        Row::told("scrape of the demo, fold alone", fold.fastest()),
        Row::told("text of the demo", Amount::Bytes(text.len() as f64)),
    ]
}
