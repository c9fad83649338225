//! The stream of the page: what it tells is what the scrapes tell, whatever stands in labels.

#[allow(dead_code, reason = "made for several test crates, of which this one needs a part")]
#[path = "support/http.rs"]
mod http;
#[allow(dead_code, reason = "made for several test crates, of which this one needs a part")]
#[path = "support/paged.rs"]
mod paged;
#[path = "support/scrape.rs"]
mod scrape;
#[allow(dead_code, reason = "made for several test crates, of which this one needs a part")]
#[path = "support/server.rs"]
mod support;

use std::collections::BTreeSet;
use std::time::Duration;

use serde_json::{Value, json};
use tachograph::Registry;
use tachograph::health::{CheckOptions, CheckResult, HealthRegistry};
use tachograph::http::{Exchange, Method};
use tachograph::page::PageOptions;
use tachograph::server::Options;

use http::{eventually, get};
use paged::{Paged, quick};
use scrape::{sample, sum};

const TICK_KEYS: &str =
    "t r2 r3 r4 r5 ro p50 p90 p95 p99 b conn connmax sok serr aok aerr rl rss cpu fps frame snap series held shards h hc";

fn keys(value: &Value) -> BTreeSet<&str> {
    value.as_object().unwrap().keys().map(String::as_str).collect()
}

fn exactly(keys: &str) -> BTreeSet<&str> {
    keys.split(' ').collect()
}

/// Ticks of a second: no processor for three of them, and what happened meanwhile would be a gap.
fn steady() -> PageOptions {
    PageOptions::default()
}

fn exchange(status: u16, duration: Duration) -> Exchange {
    Exchange { method: Method::Get, status, duration, request_bytes: 0, response_bytes: 0 }
}

#[test]
fn events_come_in_order_with_exactly_their_keys() {
    let registry = Registry::new();
    let health = HealthRegistry::new();
    health.register("a", || async { CheckResult::degraded("so it is") }, CheckOptions::default()).unwrap();
    health.register_metrics(&registry).unwrap();
    eventually("the first result", || health.has_started().then_some(()));
    let paged = Paged::start_with(registry, PageOptions { profiles: true, ..quick() }, Options::default());
    paged.server.metrics.scene_loads().inc(["lobby.tscn"]);
    paged.server.metrics.observe("/scene", &exchange(404, Duration::from_millis(3)));
    // Until the check is known the stream may begin anew.
    let mut events = eventually("a stream that knows the check", || {
        let mut events = paged.events();
        (events.next()?.1["checks"] == json!(["a"])).then_some(events)
    });
    for field in ["200 ok", "content-type: text/event-stream", "cache-control: no-store", "x-accel-buffering: no"] {
        assert!(events.head.contains(field), "{}", events.head);
    }
    let (name, history) = events.next().unwrap();
    assert_eq!((&*name, keys(&history)), ("history", exactly(TICK_KEYS)));
    let rows = history["t"].as_array().unwrap().len();
    assert!(history.as_object().unwrap().values().all(|column| column.as_array().unwrap().len() == rows));
    let mut next = events.next().unwrap();
    // The tables of the moment before, unless a tick has come between.
    if next.0 == "now" {
        next = events.next().unwrap();
    }
    for _ in 0..2 {
        let (name, tick) = std::mem::replace(&mut next, events.next().unwrap());
        assert_eq!((&*name, keys(&tick)), ("tick", exactly(TICK_KEYS)));
        assert_eq!((tick["b"].as_array().unwrap().len(), &tick["h"], &tick["hc"]), (12, &json!(1), &json!([1])));
        assert_eq!((&tick["fps"], &tick["frame"]), (&Value::Null, &Value::Null));
        let (name, now) = std::mem::replace(&mut next, events.next().unwrap());
        let tables = "endpoints scenes scene_errors auth limited checks status";
        assert_eq!((&*name, keys(&now)), ("now", exactly(tables)));
        assert_eq!(keys(&now["endpoints"][0]), exactly("e rps err p50 p95 n"));
        assert_eq!(now["scenes"], json!([{ "s": "lobby.tscn", "n": 1 }]));
        assert_eq!(now["status"], json!([{ "s": "404", "n": 1 }]));
        assert_eq!(keys(&now["checks"][0]), exactly("name status ms age_s"));
        assert_eq!((&now["checks"][0]["name"], &now["checks"][0]["status"]), (&json!("a"), &json!(1)));
    }
    let mut again = paged.events();
    let hello = again.of("hello");
    assert_eq!(keys(&hello), exactly("v tick_ms history_s bounds checks started build profiles frames"));
    let bounds = json!([0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.0, 5.0, 10.0]);
    assert_eq!(
        (&hello["v"], &hello["tick_ms"], &hello["history_s"], &hello["bounds"]),
        (&json!(1), &json!(100), &json!(3600), &bounds)
    );
    assert_eq!((&hello["profiles"], &hello["frames"]), (&json!(true), &json!(false)));
    assert_eq!(hello["build"], json!({ "version": env!("CARGO_PKG_VERSION") }));
}

#[test]
fn ticks_add_up_to_what_the_scrapes_tell() {
    let paged = Paged::start(steady());
    let http = &paged.server.metrics;
    let mut events = paged.events();
    events.of("tick");
    let before = paged.server.registry.snapshot();
    // Statuses and milliseconds of all sorts, monitoring and users, by a small generator of our own.
    let mut state = 1u64;
    for _ in 0..2_000 {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        let endpoint = ["/scene", "/scenes", "unmatched", "/metrics", "/health/quick"][(state >> 33) as usize % 5];
        let status = [200, 201, 304, 401, 404, 500, 503, 101, 700][(state >> 40) as usize % 9];
        http.observe(endpoint, &exchange(status, Duration::from_micros((state >> 45) % 12_000_000)));
        http.scene_loads().inc(["a"]);
        http.auth_attempts().inc([["success", "wrong_token", "missing_token"][(state >> 50) as usize % 3]]);
    }
    (0..100).for_each(|_| http.rate_limit_hits().inc(["/scene"]));
    (0..50).for_each(|_| http.scene_load_errors().inc(["not_found"]));
    let after = paged.server.registry.snapshot();
    let users = |text: &str, name: &str, part: &str| {
        ["/scene", "/scenes", "unmatched"].iter().map(|of| sum(text, name, &[&format!("endpoint=\"{of}\""), part])).sum::<f64>()
    };
    let moved = |of: &dyn Fn(&str) -> f64| of(after.text()) - of(before.text());
    let requests = moved(&|text| users(text, "http_requests_total", ""));

    let mut buckets = [0.0; 12];
    let mut sums = std::collections::BTreeMap::<&str, f64>::new();
    let rates = ["r2", "r3", "r4", "r5", "ro", "sok", "serr", "aok", "aerr", "rl"];
    while buckets.iter().sum::<f64>() < requests {
        let tick = events.of("tick");
        let counts: Vec<f64> = tick["b"].as_array().unwrap().iter().map(|count| count.as_f64().unwrap()).collect();
        buckets.iter_mut().zip(&counts).for_each(|(sum, count)| *sum += count);
        // What lies between two snapshots, as the tick itself has it: nobody else knows when they were taken.
        let rate: f64 = rates[..5].iter().map(|key| tick[*key].as_f64().unwrap()).sum();
        if rate > 0.0 {
            let seconds = counts.iter().sum::<f64>() / rate;
            rates.iter().for_each(|key| *sums.entry(key).or_default() += tick[*key].as_f64().unwrap() * seconds);
        }
    }
    let bounds = ["0.005", "0.01", "0.025", "0.05", "0.1", "0.25", "0.5", "1", "2", "5", "10", "+Inf"];
    let mut below = 0.0;
    for (bucket, bound) in buckets.iter().zip(bounds) {
        let upto = moved(&|text| users(text, "http_request_duration_seconds_bucket", &format!("le=\"{bound}\"")));
        assert_eq!(*bucket, upto - below, "le={bound}");
        below = upto;
    }
    let class = |digit: &str| moved(&|text| users(text, "http_requests_total", &format!("status=\"{digit}")));
    let all = |name: &str, part: &str| moved(&|text| sum(text, name, &[part]));
    let auth = |part: &str| all("auth_attempts_total", part);
    let expected = [
        ("r2", class("2")),
        ("r3", class("3")),
        ("r4", class("4")),
        ("r5", class("5")),
        ("ro", class("1") + class("other")),
        ("aok", auth("result=\"success\"")),
        ("aerr", auth("result=\"wrong_token\"") + auth("result=\"missing_token\"")),
    ];
    // Figures have four digits, two of them are multiplied; an authentication may come a tick after its request.
    for (key, expected) in expected {
        let tolerance = expected * 0.002 + if key.starts_with('a') { 1.0 } else { 0.0 };
        assert!(expected > 0.0 && (sums[key] - expected).abs() <= tolerance, "{key}: {} for {expected}", sums[key]);
    }
    assert_eq!(class("2") + class("3") + class("4") + class("5") + class("1") + class("other"), requests);

    let (tick, now) = (events.of("tick"), events.of("now"));
    let text = paged.server.registry.snapshot().text().to_owned();
    for (key, series) in [("conn", "active_connections"), ("connmax", "max_connections"), ("series", "tachograph_series")] {
        assert_eq!(tick[key].as_f64(), sample(&text, series), "{key}");
    }
    let rows = now["endpoints"].as_array().unwrap();
    let named: BTreeSet<&str> = rows.iter().map(|row| row["e"].as_str().unwrap()).collect();
    assert_eq!(named, exactly("/scene /scenes unmatched"));
    for row in rows {
        let of =
            |part: &str| sum(&text, "http_requests_total", &[&format!("endpoint=\"{}\"", row["e"].as_str().unwrap()), part]);
        assert_eq!(row["n"].as_f64().unwrap(), of(""));
        let errors = of("status=\"5") / of("");
        assert!((row["err"].as_f64().unwrap() - errors).abs() <= errors * 0.002, "{row}");
    }
    let slowness: Vec<f64> = rows.iter().map(|row| row["p95"].as_f64().unwrap()).collect();
    assert!(slowness.is_sorted_by(|a, b| a >= b), "{slowness:?}");
}

#[test]
fn quantiles_are_within_one_in_128_of_the_sorted_durations() {
    let paged = Paged::start(steady());
    let mut events = paged.events();
    // The first ticks have the snapshots keep what the quantiles are made of.
    (0..3).for_each(|_| _ = events.of("tick"));
    let mut micros: Vec<u64> = (0..1_000).map(|n: u64| 50 + n * n * 7 % 900_000).collect();
    for &duration in &micros {
        paged.server.metrics.observe("/scene", &exchange(200, Duration::from_micros(duration)));
    }
    micros.sort_unstable();
    let mut ended = 0;
    let tick = loop {
        let tick = events.of("tick");
        ended += tick["b"].as_array().unwrap().iter().map(|count| count.as_u64().unwrap()).sum::<u64>();
        if ended == 1_000 {
            break tick;
        }
    };
    for (key, rank) in [("p50", 500), ("p90", 900), ("p95", 950), ("p99", 990)] {
        let exact = micros[rank - 1] as f64 / 1e6;
        let told = tick[key].as_f64().unwrap();
        assert!((exact * 0.9995..=exact * (1.0005 + 1.0 / 128.0)).contains(&told), "{key}: {told} for {exact}");
    }
}

#[test]
fn hostile_labels_come_as_they_are_and_break_out_of_nothing() {
    let title = "</title><script>alert(1)</script>";
    let links = vec![("<b>".to_owned(), "\"onclick=\"alert(2)".to_owned())];
    let paged = Paged::start(PageOptions { title: title.into(), links, ..quick() });
    let hostile = ["</script><script>alert(3)</script>", "\"\n\r\u{2028}\\'", "événement 😱", "<!--", "{{script}}"];
    for name in hostile {
        paged.server.metrics.scene_loads().inc([name]);
        paged.server.metrics.observe(name, &exchange(200, Duration::from_millis(1)));
    }
    let mut events = paged.events();
    let now = eventually("all of them", || Some(events.of("now")).filter(|now| now["scenes"].as_array().unwrap().len() == 5));
    let named = |table: &str, key: &str| -> BTreeSet<String> {
        now[table].as_array().unwrap().iter().map(|row| row[key].as_str().unwrap().to_owned()).collect()
    };
    let expected: BTreeSet<String> = hostile.map(str::to_owned).into();
    assert_eq!((named("scenes", "s"), named("endpoints", "e")), (expected.clone(), expected));
    let html = get(paged.server.address, "/");
    let html = html.text();
    assert!(html.contains("&lt;/script&gt;&lt;script&gt;alert(3)") && html.contains("événement 😱"));
    assert_eq!(html.matches("<script").count(), 1);
    for broken in ["alert(1)</script>", "alert(3)</script>", "\"onclick", "<b>"] {
        assert!(!html.contains(broken), "{broken}");
    }
}

#[test]
fn history_grows_to_its_bound_and_goes_on_without_a_hole() {
    let paged = Paged::start(PageOptions { history: Duration::from_millis(800), ..quick() });
    let mut lengths = Vec::new();
    eventually("a full history", || {
        let history = paged.events().of("history");
        lengths.push(history["t"].as_array().unwrap().len());
        (lengths.last() == Some(&8)).then_some(())
    });
    assert!(lengths.is_sorted(), "{lengths:?}");
    let mut first = paged.events();
    let mut told = first.of("history")["t"].as_array().unwrap().clone();
    told.extend((0..20).map(|_| first.of("tick")["t"].clone()));
    // Another one, whose history was written for somebody else and is a little behind.
    let mut second = paged.events();
    let history = second.of("history")["t"].as_array().unwrap().clone();
    assert_eq!(history.len(), 8);
    // A reader may have missed a tick, the history has all.
    let first_of = history[0].as_u64().unwrap();
    let both: Vec<&Value> = told.iter().filter(|t| t.as_u64() >= Some(first_of)).collect();
    assert!(!both.is_empty() && both.iter().all(|t| history.contains(t)), "{told:?} {history:?}");
    let mut times: Vec<u64> = history.iter().chain([&second.of("tick")["t"]]).map(|t| t.as_u64().unwrap()).collect();
    times.extend((0..3).map(|_| second.of("tick")["t"].as_u64().unwrap()));
    assert!(times.is_sorted_by(|a, b| a < b), "{times:?}");
}
