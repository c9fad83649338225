//! What links a request's profile to the rest: its id and trace in and out, exemplars, `Server-Timing`, and how it ends.
#![cfg(feature = "server")]

#[allow(dead_code, reason = "made for several test crates, of which this one needs a part")]
#[path = "support/http.rs"]
mod http;
#[allow(dead_code, reason = "made for several test crates, of which this one needs a part")]
#[path = "support/scrape.rs"]
mod scrape;
#[allow(dead_code, reason = "made for several test crates, of which this one needs a part")]
#[path = "support/server.rs"]
mod support;

use std::time::Duration;

use tachograph::exposition::Encoding;
use tachograph::http::{Exchange, HttpMetrics, HttpOptions, Method};
use tachograph::profile::{ABORTED, ProfileOptions, Profiler, RequestProfile, Sizes, TraceId};
use tachograph::server::{self, Options, Route, StatusCode};
use tachograph::{Registry, Value};
use tachograph_check::{Format, Rules};

use http::{Connection, eventually, request};
use support::{Gate, Server, routes};

const TRACE: &str = "4bf92f3577b34da6a3ce929d0e0e4736";

fn profiled(options: Options) -> (Profiler, Options) {
    let profiler = Profiler::new(ProfileOptions::default());
    (profiler.clone(), Options { profiler: Some(profiler), ..options })
}

/// A server whose route `/work` has phases, with its profiler.
fn server(options: Options) -> (Server, Profiler) {
    let (profiler, options) = profiled(options);
    let routes = routes().route(Route::post("/work"), |mut request| async move {
        let body = request.body().await;
        let work = request.phase("work");
        let profile = request.profile().clone();
        let inner = tokio::task::spawn_blocking(move || drop(profile.phase("elsewhere"))).await;
        drop(work);
        let _last = request.phase("last words");
        server::plain(StatusCode::OK, "text/plain", format!("{} {}", body.unwrap().len(), inner.is_ok()))
    });
    (Server::start_with(routes, options), profiler)
}

/// The one profile that there is, once there is one.
fn only(profiler: &Profiler) -> RequestProfile {
    let mut profiles = eventually("a profile", || Some(profiler.profiles()).filter(|profiles| !profiles.is_empty()));
    assert_eq!(profiles.len(), 1, "{profiles:?}");
    profiles.remove(0)
}

#[test]
fn a_request_has_one_profile_with_all_that_is_known_of_it() {
    let (server, profiler) = server(Options::default());
    let answer = request(server.address, "POST", "/work", &[], b"twelve bytes");
    assert_eq!(answer.text(), "12 true");
    let profile = only(&profiler);
    assert_eq!((&*profile.endpoint, profile.method, profile.status), ("/work", Method::Post, 200));
    assert_eq!((profile.request_bytes, profile.response_bytes, profile.aborted), (12, 7, false));
    let phases: Vec<_> = profile.phases.iter().map(|phase| (&*phase.name, phase.parent)).collect();
    assert_eq!(phases, [("work", None), ("elsewhere", Some(0)), ("last words", None)]);
    assert!(profile.phases.iter().all(|phase| phase.start + phase.duration <= profile.duration));
    assert_eq!(answer.header("x-request-id"), Some(&*profile.request_id));
    assert!(profile.request_id.starts_with("work_"), "{}", profile.request_id);
    assert_eq!((profile.trace_id, answer.header("server-timing")), (None, None));
}

#[test]
fn the_callers_id_and_trace_are_taken_and_what_is_doubtful_is_not() {
    let (server, profiler) = server(Options::default());
    let long = "i".repeat(100);
    let parent = format!("00-{TRACE}-00f067aa0ba902b7-01");
    let trace = TRACE.parse::<TraceId>().ok();
    type Headers<'a> = &'a [(&'a str, &'a str)];
    let cases: [(Headers<'_>, Option<&str>, Option<TraceId>); 5] = [
        (&[("X-Request-Id", "mine"), ("traceparent", &parent)], Some("mine"), trace),
        (&[("x-request-id", &long), ("Traceparent", "00-nonsense")], Some(&long[..64]), None),
        (&[("X-Request-Id", "a"), ("X-Request-Id", "b"), ("traceparent", &parent), ("traceparent", &parent)], None, None),
        (&[("X-Request-Id", "")], None, None),
        (&[("X-Request-Id", "na\u{ef}ve")], None, None),
    ];
    for (headers, id, trace_id) in cases {
        let answer = request(server.address, "GET", "/hello/you", headers, b"");
        let profile = only(&profiler);
        assert_eq!(answer.header("x-request-id"), Some(&*profile.request_id));
        match id {
            Some(id) => assert_eq!(&*profile.request_id, id),
            None => assert!(profile.request_id.starts_with("hello_name_"), "{}", profile.request_id),
        }
        assert_eq!(profile.trace_id, trace_id);
        assert_eq!(profiler.clear(), 1);
    }
}

#[test]
fn every_end_of_a_request_is_told() {
    let (server, profiler) = server(Options::default());
    for (path, status, endpoint) in [("/panic", 500, "/panic"), ("/nowhere", 404, "unmatched"), ("/empty", 204, "/empty")] {
        assert_eq!(request(server.address, "GET", path, &[], b"").status, status);
        let profile = only(&profiler);
        assert_eq!((profile.status, &*profile.endpoint, profile.aborted), (status, endpoint, false));
        profiler.clear();
    }
    assert_eq!(request(server.address, "HEAD", "/hello/you", &[], b"").status, 200);
    assert_eq!(only(&profiler).method, Method::Head);
    profiler.clear();

    // Its answer never ends, so the client does.
    let mut leaving = Connection::open(server.address);
    leaving.send("GET", "/endless", &[], b"");
    assert_eq!(leaving.read_head().unwrap().status, 200);
    drop(leaving);
    let profile = only(&profiler);
    assert!(profile.aborted && profile.status == 200 && profile.response_bytes > 0, "{profile:?}");
}

#[test]
fn a_client_that_leaves_before_its_answer_leaves_an_aborted_profile() {
    let (profiler, options) = profiled(Options::default());
    let (gate, routes) = Gate::new();
    let server = Server::start_with(routes, options);
    let mut leaving = Connection::open(server.address);
    leaving.send("GET", "/gate", &[], b"");
    gate.wait_for_a_request();
    drop(leaving);
    let profile = only(&profiler);
    assert_eq!((profile.status, profile.aborted, &*profile.endpoint), (ABORTED, true, "/gate"));
    gate.open.notify_waiters();
}

#[test]
fn monitoring_traffic_has_no_profile_and_no_id() {
    let (server, profiler) = server(Options::default());
    for path in ["/metrics", "/health", "/health/quick"] {
        let answer = request(server.address, "GET", path, &[("X-Request-Id", "mine")], b"");
        assert_eq!((answer.status, answer.header("x-request-id")), (200, None));
    }
    assert!(profiler.profiles().is_empty());
}

#[test]
fn server_timing_is_told_only_when_asked_for() {
    let (server, _) = server(Options { server_timing: true, ..Options::default() });
    let answer = request(server.address, "POST", "/work", &[], b"");
    let timing = answer.header("server-timing").unwrap();
    let entries: Vec<(&str, f64)> = timing
        .split(", ")
        .map(|entry| entry.split_once(";dur=").unwrap())
        .map(|(name, milliseconds)| (name, milliseconds.parse().unwrap()))
        .collect();
    assert_eq!(entries.iter().map(|(name, _)| *name).collect::<Vec<_>>(), ["work", "elsewhere", "last_words", "total"]);
    assert!(entries.iter().all(|(_, milliseconds)| *milliseconds <= entries[3].1), "{timing}");
}

/// The labels of the exemplars of an endpoint's durations, with their values.
fn exemplars(registry: &Registry, endpoint: &str) -> Vec<(String, f64)> {
    let snapshot = registry.snapshot();
    let family = snapshot.family("http_request_duration_seconds").unwrap();
    let series = family.series().find(|series| series.labels.to_string().contains(endpoint)).unwrap();
    let Value::Histogram(value) = series.value else { panic!("not a histogram") };
    value.exemplars().iter().map(|exemplar| (exemplar.labels().to_owned(), exemplar.value())).collect()
}

#[test]
fn an_exemplar_leads_to_a_profile_that_is_still_there_after_a_hundred_thousand_others() {
    let registry = Registry::new();
    let http = HttpMetrics::register(&registry, HttpOptions::default()).unwrap();
    let profiler = Profiler::new(ProfileOptions::default());
    http.exemplars_from(&profiler);
    let scene = http.endpoint("/scene");
    let of_trace = |bits: u128| profiler.start("/scene", Method::Get).with_trace_id(TraceId::new(bits));
    let many_more = || {
        for n in 0..50_000 {
            scene.observe_profile(&of_trace(n), 200, Sizes::default());
            http.observe_profile(&profiler.start("/other", Method::Get), 200, Sizes::default());
        }
    };
    let slow = of_trace(7);
    std::thread::sleep(Duration::from_millis(6));
    let took = scene.observe_profile(&slow, 200, Sizes::default());
    let shown = exemplars(&registry, "/scene");
    let id = slow.request_id().to_string();
    assert_eq!(shown, [(format!("trace_id=\"{:032x}\",request_id=\"{id}\"", 7), took.as_secs_f64())]);
    many_more();
    let shown = [shown, exemplars(&registry, "/scene"), exemplars(&registry, "/other")].concat();
    many_more();
    let profiles = profiler.profiles();
    assert!(!profiles[..1_000].iter().any(|profile| *profile.request_id == *id), "it has left the ring");
    for (labels, value) in shown {
        let id = labels.rsplit('"').nth(1).unwrap();
        let found: Vec<_> = profiles.iter().filter(|profile| *profile.request_id == *id).collect();
        assert_eq!((found.len(), found[0].duration.as_secs_f64()), (1, value), "{labels}");
    }
    assert!(exemplars(&registry, "/other").iter().all(|(labels, _)| labels.starts_with("request_id=\"other_")));
    profiler.clear();
    assert!(exemplars(&registry, "/scene").is_empty());
}

#[test]
fn every_exemplar_of_a_scrape_lies_in_its_bucket_and_is_read_back() {
    let registry = Registry::new();
    let http = HttpMetrics::register(&registry, HttpOptions::default()).unwrap();
    let profiler = Profiler::new(ProfileOptions::default());
    http.exemplars_from(&profiler);
    for endpoint in ["/a", "/b\"\\\n", "unmatched"] {
        for id in ["plain", "quo\"ted\\", &"é".repeat(32)] {
            http.observe_profile(&profiler.start(endpoint, Method::Get).with_request_id(id), 200, Sizes::default());
        }
    }
    let exchange = Exchange { method: Method::Get, status: 200, duration: Duration::ZERO, request_bytes: 0, response_bytes: 0 };
    http.observe("/without", &exchange);
    let snapshot = registry.snapshot();
    let text = snapshot.exposition(Encoding::negotiate(["application/openmetrics-text"]));
    let text = std::str::from_utf8(text).unwrap();
    let report = tachograph_check::check(text.as_bytes(), Format::OpenMetrics, Rules::OURS);
    assert!(report.findings.is_empty(), "{:?}", report.findings);
    assert_eq!(text.matches(" # {request_id=").count(), 3, "one for each endpoint that has profiles");
}

#[test]
fn what_nothing_has_counted_is_no_exemplar() {
    let registry = Registry::new();
    let http = HttpMetrics::register(&registry, HttpOptions::default()).unwrap();
    let profiler = Profiler::new(ProfileOptions::default());
    http.exemplars_from(&profiler);
    ["/scene", "other"].into_iter().for_each(|endpoint| http.endpoint(endpoint).declare(Method::Get, 200));
    // Recorded as aborted, by nobody counted.
    drop(profiler.start("/scene", Method::Get));
    // A name that the counters keep, and the profiler calls `other`.
    let long = "x".repeat(200);
    http.endpoint(&long).observe_profile(&profiler.start(&long, Method::Get), 200, Sizes::default());
    assert_eq!(profiler.exemplars().len(), 2);
    for endpoint in ["/scene", "other"] {
        assert_eq!(exemplars(&registry, &format!("\"{endpoint}\"")), []);
    }
    http.observe_profile(&profiler.start("/scene", Method::Get), 200, Sizes::default());
    assert_eq!(exemplars(&registry, "/scene").len(), 1, "once its bucket is counted in");
}
