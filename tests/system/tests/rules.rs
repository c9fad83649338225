//! The same recording rules (`rules.yml`) say the same of one target in whatever format it is scraped.

use std::collections::BTreeMap;

use system::demo::repository;
use system::prometheus::{Generation, Prometheus, Setup};
use system::stored::{JOBS, Stored};
use tachograph::{Buckets, Registry};

/// Requests by status, endpoint and how long each one took in milliseconds.
const REQUESTS: [(&str, &str, u64, u64); 6] = [
    ("200", "/scenes", 880, 200),
    ("201", "/scene", 20, 200),
    ("404", "/scene", 50, 1_500),
    ("404", "/scenes", 10, 1_500),
    ("500", "/scene", 20, 1_500),
    ("503", "/scene", 20, 7_000),
];

/// What follows from the requests, whenever it is looked at.
const RECORDED: [(&str, f64); 5] = [
    ("job:http_requests_errors:ratio_rate1m", 0.04),
    // 900 took a fifth of a second; the 950th is the 50th of 80 in the bucket from 1 to 2.
    ("job:http_request_duration_seconds:p95_1m", 1.625),
    ("job:http_request_duration_seconds:mean_1m", 0.44),
    ("job:http_requests_fast:ratio_rate1m", 0.9),
    ("job:http_requests_slow:p95_above_half", 1.0),
];

/// Sends the requests to a Prometheus that evaluates the rules, and compares what they say.
fn check(generation: Generation) -> Stored {
    let registry = Registry::new();
    let requests = registry.counter_family("http_requests_total", "Requests.", ["status", "endpoint"]);
    let requests = requests.expect("a valid family");
    let bounds = Buckets::seconds(&[0.1, 0.25, 0.5, 1.0, 2.0, 10.0]).expect("valid bounds");
    let durations = registry.histogram_family("http_request_duration_seconds", "Durations.", ["endpoint"], bounds);
    let durations = durations.expect("a valid family");
    // Declared before they are counted: a rate is that of series whose beginning was seen.
    for (status, endpoint, ..) in REQUESTS {
        requests.handle([status, endpoint]);
        durations.handle([endpoint]);
    }
    let rules = repository().join("tests/system/rules.yml");
    let rules = rules.canonicalize().unwrap_or_else(|error| panic!("{}: {error}", rules.display()));
    let stored = Stored::in_prometheus(&registry, |setup| Setup { generation, rules: Some(rules), ..setup });
    for (status, endpoint, count, milliseconds) in REQUESTS {
        requests.inc_by([status, endpoint], count);
        (0..count).for_each(|_| durations.observe([endpoint], milliseconds * 1_000_000));
    }
    stored.wait_for_scrapes();
    let prometheus = &stored.prometheus;
    prometheus.wait_for_evaluation(RECORDED[RECORDED.len() - 1].0);

    let assert_each = |expression: &str, expected: f64| {
        let told = by_job(prometheus, expression);
        assert_eq!(told.keys().collect::<Vec<_>>(), ["openmetrics", "protobuf", "text"], "{expression}");
        assert!(told.values().all(|value| (value - expected).abs() < 1e-9), "{expression}: {told:?} instead of {expected}");
    };
    for (rule, expected) in RECORDED {
        assert_each(rule, expected);
    }
    // A rate by itself depends on the moments of the scrapes, which no two jobs share; its parts do not.
    for (class, count) in [("2xx", 900.0), ("4xx", 60.0), ("5xx", 40.0)] {
        let rates = format!("job_class:http_requests:rate1m{{class=\"{class}\"}}");
        let all = "ignoring (class) sum by (job) (job_class:http_requests:rate1m)";
        assert_each(&format!("{rates} / {all}"), count / 1_000.0);
        let told = by_job(prometheus, &rates);
        let possible = count / 60.0..count / 30.0;
        assert!(told.values().all(|rate| possible.contains(rate)), "{class}: {told:?} is not in {possible:?}");
    }
    stored
}

fn by_job(prometheus: &Prometheus, expression: &str) -> BTreeMap<String, f64> {
    let value = |(labels, value): (BTreeMap<String, String>, String)| (labels["job"].clone(), value.parse().expect("a number"));
    prometheus.query(expression).into_iter().map(value).collect()
}

#[test]
fn recording_rules_say_the_same_in_every_format() {
    let stored = check(Generation::Bookworm);
    // Why no rule may match a bound to the letter.
    let spelt = |le: &str| -> Vec<String> {
        let of_endpoint = "http_request_duration_seconds_bucket{endpoint=\"/scene\"";
        by_job(&stored.prometheus, &format!("{of_endpoint},le=\"{le}\"}}")).into_keys().collect()
    };
    assert_eq!((spelt("1"), spelt("1.0")), (vec!["text".to_owned()], vec!["openmetrics".to_owned(), "protobuf".to_owned()]));
    assert_eq!(spelt("0.5").len(), JOBS.len());
}

#[test]
fn recording_rules_say_the_same_in_prometheus_3() {
    check(Generation::Forky);
}
