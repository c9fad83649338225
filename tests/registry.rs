//! Limits, refusals, removal, collectors and the end of a registry, as a user meets them.

use std::sync::mpsc;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use tachograph::http::{Exchange, HttpMetrics, HttpOptions, Method};
use tachograph::{Buckets, Collector, Descriptor, Kind, Labels, RegisterError, Registry, Sink};
use tachograph_check::Exposition;

fn scrape(registry: &Registry) -> Exposition {
    tachograph_check::parse(registry.snapshot().text().as_bytes()).unwrap()
}

#[test]
fn past_the_limit_unbounded_labels_give_way_and_bounded_ones_stay() {
    let registry = Registry::new();
    registry.register_engine_metrics().unwrap();
    let labels = Labels::new(["path", "status"]).limit(10).unbounded(["path"]);
    let requests = registry.counter_family("requests_total", "", labels).unwrap();
    for path in 0..1_000 {
        requests.inc([&format!("/{path}"), ["200", "500"][path % 2]]);
    }
    let scrape = scrape(&registry);
    assert_eq!(scrape.sum("requests_total", |_| true), 1_000.0);
    assert_eq!(scrape.value("requests_total", &[("path", "other"), ("status", "500")]), Some(495.0));
    assert_eq!(scrape.family("requests_total").unwrap().samples.len(), 12);
    assert_eq!(scrape.value("tachograph_series_refused_total", &[("family", "requests_total")]), Some(990.0));
}

#[test]
fn labels_that_were_called_bounded_and_are_not_are_bounded_all_the_same() {
    let registry = Registry::new();
    let labels = Labels::new(["path", "user"]).limit(10).unbounded(["path"]);
    let requests = registry.counter_family("requests_total", "", labels).unwrap();
    for user in 0..1_000 {
        requests.inc(["/", &user.to_string()]);
    }
    let scrape = scrape(&registry);
    assert_eq!(scrape.sum("requests_total", |_| true), 1_000.0);
    assert_eq!(scrape.value("requests_total", &[("path", "other"), ("user", "other")]), Some(980.0));
    assert_eq!(requests.len(), 21);
}

#[test]
fn a_removed_series_is_gone_and_comes_back_at_zero() {
    let registry = Registry::new();
    let jobs = registry.counter_family("jobs_total", "", ["queue"]).unwrap();
    let held = jobs.handle(["mail"]);
    held.inc_by(5);
    assert!(jobs.remove(["mail"]));
    held.inc();
    assert!(scrape(&registry).family("jobs_total").unwrap().samples.is_empty());
    jobs.inc(["mail"]);
    held.inc();
    assert_eq!(scrape(&registry).value("jobs_total", &[("queue", "mail")]), Some(1.0));
}

#[test]
fn refused_and_saturated_observations_are_counted_and_poison_nothing() {
    let registry = Registry::new();
    registry.register_engine_metrics().unwrap();
    let wait = registry.histogram("wait_seconds", "", Buckets::seconds(&[1.0]).unwrap()).unwrap();
    for value in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY, -0.5] {
        wait.observe_f64(value);
    }
    wait.observe_f64(-0.0);
    wait.observe(u64::MAX);
    wait.observe_duration(Duration::MAX);
    let scrape = scrape(&registry);
    assert_eq!(scrape.value("wait_seconds_count", &[]), Some(3.0));
    assert_eq!(scrape.value("wait_seconds_sum", &[]), Some(2.0 * (1u64 << 44) as f64 / 1e9));
    assert_eq!(scrape.value("tachograph_observations_refused_total", &[]), Some(4.0));
    assert_eq!(scrape.value("tachograph_observations_saturated_total", &[]), Some(2.0));
}

struct Fixed(fn(&mut Sink<'_>));

impl Collector for Fixed {
    fn describe(&self) -> Result<Vec<Descriptor>, RegisterError> {
        Ok(vec![Descriptor::new("depth", Kind::Gauge, "")?, Descriptor::new("ticks_total", Kind::Counter, "")?])
    }

    fn collect(&self, sink: &mut Sink<'_>) {
        self.0(sink);
    }
}

#[test]
fn a_collector_that_panics_loses_its_own_families_only() {
    let registry = Registry::new();
    registry.register_engine_metrics().unwrap();
    registry.counter("jobs_total", "").unwrap().inc();
    // Without the panic's message: to look up its lines may take longer than a collector has.
    registry.register_collector("bad", Fixed(|_| std::panic::resume_unwind(Box::new("as the test wants it")))).unwrap();
    for failures in 0..3 {
        let scrape = scrape(&registry);
        assert_eq!(scrape.value("jobs_total", &[]), Some(1.0));
        assert!(scrape.family("depth").is_none());
        let labels = [("collector", "bad"), ("reason", "panicked")];
        assert_eq!(scrape.value("tachograph_collector_failures_total", &labels).unwrap_or(0.0), f64::from(failures));
    }
}

#[test]
fn what_a_collector_may_not_say_is_left_out_and_the_rest_stays() {
    let registry = Registry::new();
    registry.register_engine_metrics().unwrap();
    let collector = Fixed(|sink| {
        sink.gauge("depth", &[("a", "1"), ("b", "2")], 1.5);
        sink.gauge("depth", &[("b", "2"), ("a", "1")], 2.5);
        sink.gauge("depth", &[("_bad", "1")], 3.5);
        sink.gauge("depth", &[("a.b", "2"), ("a-b", "2")], 3.5);
        sink.gauge("unknown", &[], 4.5);
        sink.gauge("ticks_total", &[], 5.5);
        sink.counter_f64("ticks_total", &[("a", "nan")], f64::NAN);
        sink.counter_f64("ticks_total", &[("a", "negative")], -1.0);
        sink.counter_f64("ticks_total", &[("a", "float")], 0.25);
        sink.counter("ticks_total", &[("a", "whole")], u64::MAX);
    });
    registry.register_collector("sloppy", collector).unwrap();
    registry.snapshot();
    let scrape = scrape(&registry);
    assert_eq!(scrape.family("depth").unwrap().samples.len(), 1);
    assert_eq!(scrape.value("depth", &[("a", "1"), ("b", "2")]), Some(1.5));
    assert_eq!(scrape.family("ticks_total").unwrap().samples.len(), 2);
    assert_eq!(scrape.sample("ticks_total", &[("a", "whole")]).unwrap().text, "18446744073709551615");
    let labels = [("collector", "sloppy"), ("reason", "refused")];
    assert_eq!(scrape.value("tachograph_collector_failures_total", &labels), Some(1.0));
}

#[test]
fn a_collector_that_hangs_holds_up_no_scrape_but_the_first_and_is_asked_no_second_time() {
    struct Hanging(Mutex<mpsc::Receiver<()>>, Arc<Mutex<u32>>, mpsc::Sender<()>);

    impl Collector for Hanging {
        fn describe(&self) -> Result<Vec<Descriptor>, RegisterError> {
            Ok(vec![Descriptor::new("slow", Kind::Gauge, "")?])
        }

        fn collect(&self, sink: &mut Sink<'_>) {
            *self.1.lock().unwrap() += 1;
            // Ends when the test lets go.
            let _ = self.0.lock().unwrap().recv();
            sink.gauge("slow", &[], 1.0);
            let _ = self.2.send(());
        }
    }

    let (release, hanging) = mpsc::channel();
    let (end, ended) = mpsc::channel();
    let asked = Arc::new(Mutex::new(0));
    let registry = Registry::new();
    registry.register_engine_metrics().unwrap();
    registry.register_collector("hanging", Hanging(Mutex::new(hanging), Arc::clone(&asked), end)).unwrap();
    for _ in 0..5 {
        assert!(scrape(&registry).family("slow").is_none());
    }
    assert_eq!(*asked.lock().unwrap(), 1);
    let labels = [("collector", "hanging"), ("reason", "late")];
    assert_eq!(scrape(&registry).value("tachograph_collector_failures_total", &labels), Some(5.0));
    drop(release);
    ended.recv().unwrap();
    // It is about to say that it has come back; from then on it is asked again.
    let patience = Instant::now() + Duration::from_secs(60);
    while scrape(&registry).value("slow", &[]) != Some(1.0) {
        assert!(Instant::now() < patience, "a collector that came back is not asked again");
        std::thread::yield_now();
    }
}

/// A panic whose payload panics when it is dropped.
struct Grenade;

impl Drop for Grenade {
    fn drop(&mut self) {
        if !std::thread::panicking() {
            panic!("as the test wants it");
        }
    }
}

#[test]
fn whatever_a_callback_does_the_next_snapshot_comes() {
    let registry = Registry::new();
    registry.counter("jobs_total", "").unwrap().inc();
    registry.snapshot_with(|_| panic!("as the test wants it"));
    registry.snapshot_with(|_| std::panic::panic_any(Grenade));
    let (sender, nested) = mpsc::channel();
    let inner = registry.clone();
    registry.snapshot_with(move |_| sender.send(inner.snapshot()).unwrap());
    assert_eq!(nested.recv().unwrap().series_count(), 1);
    assert_eq!(scrape(&registry).value("jobs_total", &[]), Some(1.0));
}

#[test]
fn whatever_a_collector_does_on_its_way_out_the_next_snapshot_comes() {
    /// Panics with its payload in `collect`, and takes a snapshot of another registry and panics in its drop.
    struct Vicious(Registry);

    impl Collector for Vicious {
        fn describe(&self) -> Result<Vec<Descriptor>, RegisterError> {
            Ok(vec![Descriptor::new("vice", Kind::Gauge, "")?])
        }

        fn collect(&self, _: &mut Sink<'_>) {
            std::panic::panic_any(Grenade);
        }
    }

    impl Drop for Vicious {
        fn drop(&mut self) {
            assert_eq!(self.0.snapshot().series_count(), 1);
            panic!("as the test wants it");
        }
    }

    let other = Registry::new();
    other.counter("jobs_total", "").unwrap().inc();
    for _ in 0..20 {
        let registry = Registry::new();
        registry.register_collector("vicious\0", Vicious(other.clone())).unwrap();
        // The answer is dropped, so that the last to let go of the registry may be the snapshot thread.
        registry.snapshot_with(|_| {});
        let _ = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| drop(registry)));
    }
    assert_eq!(scrape(&other).value("jobs_total", &[]), Some(1.0));
}

#[test]
fn engine_metrics_are_registered_once_however_many_ask() {
    for _ in 0..200 {
        let registry = Registry::new();
        std::thread::scope(|scope| {
            let threads = [(); 2].map(|()| scope.spawn(|| registry.register_engine_metrics()));
            for thread in threads {
                assert_eq!(thread.join().unwrap(), Ok(()));
            }
        });
    }
}

#[test]
fn a_debug_build_is_seen() {
    let registry = Registry::new();
    registry.register_engine_metrics().unwrap();
    let scrape = scrape(&registry);
    let built = &scrape.family("tachograph_build_info").unwrap().samples[0];
    assert_eq!(built.label("version"), Some(env!("CARGO_PKG_VERSION")));
    assert_eq!(built.label("profile"), Some(if cfg!(debug_assertions) { "debug" } else { "release" }));
    assert_eq!((built.label("os"), built.label("arch")), (Some(std::env::consts::OS), Some(std::env::consts::ARCH)));
}

#[test]
fn removed_series_make_room_however_often() {
    let registry = Registry::new();
    let jobs = registry.counter_family("jobs_total", "", Labels::new(["queue"]).limit(100)).unwrap();
    for round in 0..50 {
        for queue in 0..100 {
            jobs.inc([&format!("{round}-{queue}")]);
        }
        assert_eq!(jobs.len(), 100);
        assert_eq!(scrape(&registry).sum("jobs_total", |_| true), 100.0);
        for queue in 0..100 {
            assert!(jobs.remove([&format!("{round}-{queue}")]));
        }
    }
    assert!(scrape(&registry).family("jobs_total").unwrap().samples.is_empty());
}

#[test]
fn a_registration_that_clashes_in_its_last_family_registers_none() {
    let registry = Registry::new();
    registry.gauge("ticks_total", "").unwrap();
    let error = registry.register_collector("clashing", Fixed(|_| {})).unwrap_err();
    assert!(error.to_string().contains("ticks_total"), "{error}");
    registry.gauge("depth", "").unwrap();
}

#[test]
fn http_metrics_count_every_request_once_whatever_its_labels() {
    let registry = Registry::new();
    let http = HttpMetrics::register(&registry, HttpOptions::default()).unwrap();
    let exchange = |method, status| Exchange {
        method,
        status,
        duration: Duration::from_millis(30),
        request_bytes: 10,
        response_bytes: 5_000,
    };
    http.observe("/a", &exchange(Method::Get, 200));
    http.endpoint("/a").observe(&exchange(Method::Get, 200));
    http.observe("/a", &exchange(Method::Other, 299));
    http.observe("/a", &exchange(Method::Post, 7));
    http.monitoring_endpoint("/metrics").observe(&exchange(Method::Get, 200));
    let scrape = scrape(&registry);
    let count = |endpoint, method, status| {
        scrape.value("http_requests_total", &[("endpoint", endpoint), ("method", method), ("status", status)])
    };
    assert_eq!(count("/a", "GET", "200"), Some(2.0));
    assert_eq!(count("/a", "other", "299"), Some(1.0));
    assert_eq!(count("/a", "POST", "other"), Some(1.0));
    assert_eq!(count("/metrics", "GET", "200"), Some(1.0));
    assert_eq!(scrape.value("http_request_duration_seconds_count", &[("endpoint", "/a")]), Some(4.0));
    assert_eq!(scrape.value("http_request_duration_seconds_bucket", &[("endpoint", "/a"), ("le", "0.05")]), Some(4.0));
    assert_eq!(scrape.value("http_response_size_bytes_sum", &[("endpoint", "/a")]), Some(20_000.0));
    // Monitoring traffic stays out of the window and of the summary.
    assert_eq!(scrape.value("http_request_latency_seconds_count", &[]), Some(4.0));
    assert_eq!(scrape.value("http_request_latency_seconds_sum", &[]), Some(0.12));
    let p99 = scrape.value("http_request_latency_ms", &[("quantile", "0.99")]).unwrap();
    assert!((30.0..=30.0 * (1.0 + 1.0 / 128.0)).contains(&p99), "{p99}");
}

#[test]
fn endpoints_without_end_come_under_other() {
    let registry = Registry::new();
    let http = HttpMetrics::register(&registry, HttpOptions { limit: 50, ..HttpOptions::default() }).unwrap();
    let exchange = Exchange { method: Method::Get, status: 500, duration: Duration::ZERO, request_bytes: 0, response_bytes: 0 };
    for path in 0..5_000 {
        http.observe(&format!("/{path}"), &exchange);
    }
    let scrape = scrape(&registry);
    assert_eq!(scrape.sum("http_requests_total", |_| true), 5_000.0);
    let other = [("endpoint", "other"), ("method", "GET"), ("status", "500")];
    assert_eq!(scrape.value("http_requests_total", &other), Some(4_950.0));
    assert_eq!(scrape.sum("http_request_duration_seconds_count", |_| true), 5_000.0);
    assert_eq!(scrape.value("http_request_latency_seconds_count", &[]), Some(5_000.0));
}

#[test]
fn http_metrics_are_registered_once_or_refused_whole() {
    let registry = Registry::new();
    registry.gauge("max_connections", "").unwrap();
    assert!(HttpMetrics::register(&registry, HttpOptions::default()).is_err());
    registry.counter("http_requests_total", "").expect("a refused registration claims nothing");
    let other = Registry::new();
    HttpMetrics::register(&other, HttpOptions::default()).unwrap();
    assert!(HttpMetrics::register(&other, HttpOptions::default()).is_err());
}

#[test]
fn an_empty_window_shows_nan() {
    let registry = Registry::new();
    HttpMetrics::register(&registry, HttpOptions::default()).unwrap();
    let scrape = scrape(&registry);
    assert!(scrape.value("http_request_latency_ms", &[("quantile", "0.5")]).unwrap().is_nan());
    assert_eq!(scrape.value("http_request_latency_seconds_count", &[]), Some(0.0));
}
