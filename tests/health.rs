//! Health checks that do what they must not, and what readers and scrapes are told of it.
#![cfg(feature = "health")]

#[allow(dead_code, reason = "made for several test crates, of which this one needs a part")]
#[path = "support/http.rs"]
mod http;
#[allow(dead_code, reason = "made for several test crates, of which this one needs a part")]
#[path = "support/scrape.rs"]
mod scrape;

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, mpsc};
use std::time::Duration;

use tachograph::Registry;
use tachograph::health::HealthStatus::{Degraded, Healthy, Unhealthy};
use tachograph::health::{
    CheckOptions, CheckReport, CheckResult, Group, HealthCheck, HealthError, HealthRegistry, HealthStatus, Selection, View,
};

use http::eventually;
use scrape::sample;

/// Options of a check that runs by itself but once, unless it hangs.
fn seldom() -> CheckOptions {
    CheckOptions { interval: Duration::from_secs(86_400), timeout: Duration::from_secs(3_600), ..CheckOptions::default() }
}

/// Options of a check that is given up at once, and runs again and again.
fn hasty() -> CheckOptions {
    CheckOptions { interval: Duration::from_millis(5), timeout: Duration::from_millis(5), ..CheckOptions::default() }
}

/// A registry whose health is in the scrapes of the other.
fn registries() -> (HealthRegistry, Registry) {
    let (health, registry) = (HealthRegistry::new(), Registry::new());
    health.register_metrics(&registry).unwrap();
    (health, registry)
}

/// Waits until a check is so.
fn until(health: &HealthRegistry, name: &str, what: &str, so: impl Fn(&CheckReport) -> bool) -> CheckReport {
    eventually(what, || {
        let report = health.report(&Selection::check(name));
        report.checks().iter().find(|check| so(check)).cloned()
    })
}

fn until_it_says(health: &HealthRegistry, name: &str, part: &str) -> CheckReport {
    until(health, name, part, |check| check.message().contains(part))
}

/// The statuses of a check that a scrape shows as 1.
fn scraped(registry: &Registry, check: &str) -> Vec<HealthStatus> {
    let snapshot = registry.snapshot();
    let of = |status: &HealthStatus| format!("health_check_status{{check=\"{check}\",status=\"{status}\"}}");
    HealthStatus::ALL.into_iter().filter(|status| sample(snapshot.text(), &of(status)) == Some(1.0)).collect()
}

/// How often a check has become so, by a scrape.
fn changes(registry: &Registry, check: &str, to: HealthStatus) -> f64 {
    let series = format!("tachograph_health_changes_total{{check=\"{check}\",status=\"{to}\"}}");
    sample(registry.snapshot().text(), &series).unwrap()
}

fn runs(registry: &Registry, check: &str) -> f64 {
    let series = format!("health_check_duration_seconds_count{{check=\"{check}\"}}");
    sample(registry.snapshot().text(), &series).unwrap()
}

#[test]
fn a_check_that_panics_is_unhealthy_and_runs_again() {
    let (health, registry) = registries();
    let count = AtomicUsize::new(0);
    let check = move || {
        let run = count.fetch_add(1, Ordering::Relaxed);
        async move {
            assert!(run >= 3, "run {run} is none of the good ones");
            CheckResult::healthy("all is well")
        }
    };
    health.register("frail", check, CheckOptions { timeout: Duration::from_secs(60), ..hasty() }).unwrap();
    let report = until_it_says(&health, "frail", "all is well");
    assert_eq!(report.status(), Healthy);
    assert_eq!(changes(&registry, "frail", Unhealthy), 1.0);
    assert_eq!(changes(&registry, "frail", Healthy), 1.0);
    assert!(runs(&registry, "frail") >= 4.0, "each run is timed");

    let panics = || -> std::future::Ready<CheckResult> { panic!("before there is a future") };
    health.register("frailer", panics, seldom()).unwrap();
    let report = until_it_says(&health, "frailer", "it panicked: before there is a future");
    assert_eq!((report.status(), scraped(&registry, "frailer")), (Unhealthy, vec![Unhealthy]));
}

#[test]
fn a_check_that_never_awakes_is_given_up_and_tried_again() {
    let (health, registry) = registries();
    let dropped = Arc::new(AtomicUsize::new(0));
    struct Counted(Arc<AtomicUsize>);
    impl Drop for Counted {
        fn drop(&mut self) {
            self.0.fetch_add(1, Ordering::Relaxed);
        }
    }
    let counted = Arc::clone(&dropped);
    let check = move || {
        let held = Counted(Arc::clone(&counted));
        async move {
            std::future::pending::<()>().await;
            drop(held);
            CheckResult::healthy("")
        }
    };
    health.register("sleeps", check, hasty()).unwrap();
    let report = until_it_says(&health, "sleeps", "it did not come back within 5 ms");
    assert_eq!((report.status(), report.duration()), (Unhealthy, Some(Duration::from_millis(5))));
    eventually("its futures are dropped, one a run", || (dropped.load(Ordering::Relaxed) >= 3).then_some(()));
    assert_eq!(scraped(&registry, "sleeps"), [Unhealthy]);
    assert_eq!(changes(&registry, "sleeps", Unhealthy), 1.0);
}

#[test]
fn a_check_that_blocks_is_left_alone_until_it_comes_back() {
    let (health, registry) = registries();
    let (free, held) = mpsc::channel::<()>();
    let (held, begun) = (Mutex::new(held), Arc::new(AtomicUsize::new(0)));
    let count = Arc::clone(&begun);
    let check = move || {
        // The first run waits for the test, the others do not.
        if count.fetch_add(1, Ordering::Relaxed) == 0 {
            held.lock().unwrap().recv().unwrap();
        }
        async { CheckResult::healthy("here again") }
    };
    health.register("blocks", check, CheckOptions { interval: Duration::from_millis(5), ..CheckOptions::default() }).unwrap();
    health.register("well", || async { CheckResult::healthy("") }, seldom()).unwrap();
    let report = until_it_says(&health, "blocks", "it has not come back for 1 s");
    assert_eq!(report.status(), Unhealthy);
    until(&health, "well", "it has run", |check| check.status() == Healthy);
    assert_eq!((begun.load(Ordering::Relaxed), scraped(&registry, "blocks")), (1, vec![Unhealthy]));
    assert_eq!(runs(&registry, "blocks"), 1.0, "one that hangs is timed at its timeout");
    free.send(()).unwrap();
    let report = until_it_says(&health, "blocks", "here again");
    assert_eq!((report.status(), scraped(&registry, "blocks")), (Healthy, vec![Healthy]));
}

#[test]
fn times_beyond_the_clock_are_times_like_others() {
    let endless = CheckOptions { interval: Duration::MAX, timeout: Duration::MAX, ..CheckOptions::default() };
    // By the chance that each registry has of its own, an interval is longer or shorter.
    for _ in 0..32 {
        let health = HealthRegistry::new();
        health.register("once", || async { CheckResult::healthy("it has run") }, endless.clone()).unwrap();
        assert_eq!(until_it_says(&health, "once", "it has run").status(), Healthy);
    }
}

#[test]
fn a_flood_of_words_is_cut() {
    let health = HealthRegistry::new();
    let check = || async {
        (0..1_000u64).fold(CheckResult::degraded("é".repeat(1_000_000)), |result, at| {
            result.detail(format!("detail_{at}\n"), "x".repeat(10_000))
        })
    };
    health.register("talks", check, seldom()).unwrap();
    let report = until(&health, "talks", "it has run", |check| check.age().is_some());
    assert_eq!((report.status(), report.details().count()), (Degraded, 32));
    assert!(report.message().len() < 1_200, "{}", report.message().len());
    let json = health.report(&Selection::all()).to_json(View::Full);
    assert!(json.len() < 12_000, "{}", json.len());
}

#[test]
fn a_check_that_flaps_keeps_its_status_where_it_is_damped() {
    let (health, registry) = registries();
    let run = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&run);
    let check = move || {
        let ill = count.fetch_add(1, Ordering::Relaxed) % 2 == 1;
        async move { if ill { CheckResult::unhealthy("now and then") } else { CheckResult::healthy("") } }
    };
    let options = CheckOptions { timeout: Duration::from_secs(60), failure_threshold: 2, ..hasty() };
    health.register("flaps", check, options).unwrap();
    let report = until_it_says(&health, "flaps", "now and then");
    assert_eq!((report.status(), report.observed()), (Healthy, Some(Unhealthy)));
    eventually("it has flapped often", || (run.load(Ordering::Relaxed) > 20).then_some(()));
    assert_eq!(changes(&registry, "flaps", Unhealthy), 0.0);
    let told: serde_json::Value = serde_json::from_str(&health.report(&Selection::all()).to_json(View::Full)).unwrap();
    assert_eq!(told["status"], "healthy", "{told}");
}

#[test]
fn with_the_registry_the_threads_and_the_checks_end() {
    let (health, registry) = registries();
    let held = Arc::new(());
    let (free, blocked) = mpsc::channel::<()>();
    let blocked = Mutex::new(blocked);
    let (one, other) = (Arc::clone(&held), Arc::clone(&held));
    health
        .register(
            "rests",
            move || {
                let _kept = &one;
                async { CheckResult::healthy("") }
            },
            hasty(),
        )
        .unwrap();
    let blocks = move || {
        let _kept = &other;
        let _gone = blocked.lock().unwrap().recv();
        async { CheckResult::healthy("") }
    };
    health.register("blocks", blocks, hasty()).unwrap();
    until(&health, "blocks", "it hangs", |check| check.age().is_some());
    let clone = health.clone();
    drop(health);
    until(&clone, "rests", "it runs on", |check| check.age() < Some(Duration::from_secs(1)));
    drop(clone);
    eventually("the check that rests is gone", || (Arc::strong_count(&held) == 2).then_some(()));
    drop(free);
    eventually("the one that blocked is gone too", || (Arc::strong_count(&held) == 1).then_some(()));
    assert!(!registry.snapshot().text().contains("health_status{"), "nobody knows how it is");
}

/// Uses what only a runtime has.
struct Timed;

impl HealthCheck for Timed {
    async fn check(&self) -> CheckResult {
        tokio::time::sleep(Duration::from_millis(1)).await;
        tokio::task::spawn(async {}).await.unwrap();
        CheckResult::healthy(std::thread::current().name().unwrap_or_default().to_owned())
    }
}

#[test]
fn a_check_has_a_runtime_wherever_it_was_registered_and_a_thread_of_its_own() {
    let health = HealthRegistry::new();
    health.register("outside", Timed, seldom()).unwrap();
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    runtime.block_on(async { health.register("inside", Timed, seldom()) }).unwrap();
    for name in ["outside", "inside"] {
        let report = until(&health, name, "it has run", |check| check.age().is_some());
        assert_eq!((report.status(), report.message()), (Healthy, format!("tachograph-hlth-{name}")));
    }
}

#[test]
fn a_check_whose_runtime_is_gone_says_so_and_nothing_hangs() {
    let health = HealthRegistry::new();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime
        .block_on(async { health.register("orphan", Timed, CheckOptions { timeout: Duration::from_secs(60), ..hasty() }) })
        .unwrap();
    drop(runtime);
    until(&health, "orphan", "it is unhealthy", |check| check.age().is_some() && check.status() == Unhealthy);
}

#[test]
fn a_check_may_register_others_and_ask_how_they_are() {
    let health = HealthRegistry::new();
    let inner = health.clone();
    let check = move || {
        let health = inner.clone();
        async move {
            let first = || async { CheckResult::degraded("the inner one") };
            match health.register("inner", first, seldom()) {
                Ok(()) | Err(HealthError::Repeated { .. }) => {}
                Err(cause) => return CheckResult::unhealthy(cause.to_string()),
            }
            let report = health.fresh(&Selection::check("inner"), Duration::from_secs(60)).await;
            CheckResult::new(report.status(), report.checks()[0].message())
        }
    };
    health.register("outer", check, CheckOptions { groups: vec![Group::Live], ..seldom() }).unwrap();
    let report = until_it_says(&health, "outer", "the inner one");
    assert_eq!(report.status(), Degraded);
    assert_eq!(health.report(&Selection::group(Group::Live)).checks().len(), 1);
}

#[test]
fn a_scrape_shows_the_whole_and_each_check_and_what_has_not_run_has_no_time() {
    let (health, registry) = registries();
    let text = |registry: &Registry| registry.snapshot().text().to_owned();
    assert_eq!(sample(&text(&registry), "health_status{status=\"healthy\"}"), Some(1.0), "without checks");
    let (free, held) = mpsc::channel::<()>();
    let held = Mutex::new(held);
    let waits = move || {
        let _gone = held.lock().unwrap().recv();
        async { CheckResult::degraded("at last") }
    };
    health.register("waits", waits, seldom()).unwrap();
    let time = "health_check_last_run_timestamp_seconds{check=\"waits\"}";
    assert_eq!((sample(&text(&registry), time), scraped(&registry, "waits")), (None, vec![Unhealthy]));
    free.send(()).unwrap();
    until_it_says(&health, "waits", "at last");
    let scrape = text(&registry);
    assert!(sample(&scrape, time).unwrap() > 1.7e9, "{scrape}");
    assert_eq!(scraped(&registry, "waits"), [Degraded]);
    for (status, value) in [("healthy", 0.0), ("degraded", 1.0), ("unhealthy", 0.0)] {
        assert_eq!(sample(&scrape, &format!("health_status{{status=\"{status}\"}}")), Some(value), "{status}");
    }
}
