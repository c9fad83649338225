//! Faults inside the process: code of the program that panics while it counts, is asked, or is called back. Nothing that was counted is
//! lost, the snapshots come, and each panic on the snapshot thread is counted.
//!
//! The panics are without a message, which would fill the log. The counts of the snapshot thread are the process's, so one test alone
//! makes it panic.

use std::panic::resume_unwind;
use std::sync::mpsc;
use std::thread;

use tachograph::http::Method;
use tachograph::profile::{ProfileOptions, Profiler};
use tachograph::{Buckets, Registry, Snapshot, Value, engine_stats};

fn fail() -> ! {
    resume_unwind(Box::new("as the test wants it"))
}

/// Panics when it is dropped.
struct Explodes;

impl Drop for Explodes {
    fn drop(&mut self) {
        fail();
    }
}

/// Panics when it is dropped, but not while something unwinds: as the payload of a panic.
struct Grenade;

impl Drop for Grenade {
    fn drop(&mut self) {
        if !thread::panicking() {
            fail();
        }
    }
}

/// The count of the family's only series, or of the one with this label.
fn count(snapshot: &Snapshot, family: &str, label: Option<&str>) -> u64 {
    let family = snapshot.family(family).unwrap_or_else(|| panic!("there is no {family}"));
    let mut chosen = family.series().filter(|series| label.is_none_or(|label| series.labels == label));
    match chosen.next().map(|series| series.value) {
        Some(Value::Counter(count)) => count,
        Some(Value::Histogram(histogram)) => histogram.count(),
        other => panic!("{other:?} is no count"),
    }
}

#[test]
fn panics_on_the_snapshot_thread_are_survived_and_each_is_counted() {
    let registry = Registry::new();
    registry.register_engine_metrics().unwrap();
    let jobs = registry.counter("jobs_total", "").unwrap();
    let mut panics = 0;
    for round in 1..=50 {
        // Each is a closure that somebody else has written.
        registry.snapshot_with(|_| fail());
        registry.snapshot_with(|_| resume_unwind(Box::new(Grenade)));
        let explodes = Explodes;
        registry.snapshot_with(move |_| drop(explodes));
        panics += 3;
        jobs.inc();
        let snapshot = registry.snapshot();
        assert_eq!(count(&snapshot, "jobs_total", None), round);
        // Those who were told before this snapshot was taken, or with it, have panicked by the next one.
        let snapshot = registry.snapshot();
        assert_eq!(count(&snapshot, "tachograph_snapshot_panics_total", None), panics);
        assert_eq!(count(&snapshot, "tachograph_fold_panics_total", None), 0);
    }
    // It is one thread all the time.
    let names: Vec<_> = (0..2)
        .map(|_| {
            let (give, take) = mpsc::channel();
            registry.snapshot_with(move |_| {
                give.send((thread::current().id(), thread::current().name().map(str::to_owned))).unwrap()
            });
            take.recv().unwrap()
        })
        .collect();
    assert!(names[0] == names[1] && names[0].1.as_deref() == Some("tachograph"), "{names:?}");
}

#[test]
fn a_thread_that_panics_while_it_counts_loses_nothing_and_leaves_its_shard() {
    const THREADS: u64 = 200;
    let registry = Registry::new();
    let jobs = registry.counter_family("jobs_total", "", ["queue"]).unwrap();
    let open = registry.up_down_counter("open", "").unwrap();
    let waits = registry.histogram_family("wait_seconds", "", ["queue"], Buckets::seconds(&[0.1]).unwrap()).unwrap();
    let profiler = Profiler::new(ProfileOptions::default());
    let run = |number: u64| {
        let (jobs, open, waits, profiler) = (jobs.clone(), open.clone(), waits.clone(), profiler.clone());
        move || {
            let profile = profiler.start("/jobs", Method::Post);
            let _phase = profile.phase("work");
            let (mail, wait) = (jobs.handle(["mail"]), waits.handle(["mail"]));
            open.inc();
            let _timer = wait.start_timer();
            let _of_family = waits.start_timer(["mail"]);
            mail.inc();
            jobs.inc([&*(number % 3).to_string()]);
            fail();
        }
    };
    assert!(thread::spawn(run(0)).join().is_err());
    let shards = engine_stats().shards;
    for number in 1..THREADS {
        assert!(thread::spawn(run(number)).join().is_err());
    }
    let snapshot = registry.snapshot();
    assert_eq!(count(&snapshot, "jobs_total", Some("queue=\"mail\"")), THREADS);
    let numbered = |number: u64| count(&snapshot, "jobs_total", Some(&*format!("queue=\"{number}\"")));
    assert_eq!((0..3).map(numbered).sum::<u64>(), THREADS);
    // Two timers each, told as the thread unwound.
    assert_eq!(count(&snapshot, "wait_seconds", None), 2 * THREADS);
    assert_eq!(open.value(), THREADS as i64);
    let profiles = profiler.profiles();
    assert_eq!((profiles.len() as u64, profiler.recorded()), (THREADS, THREADS));
    assert!(profiles.iter().all(|profile| profile.aborted && profile.phases.len() == 1));
    // Other tests of this file have threads of their own: a few, and not one more for each of ours.
    assert!(engine_stats().shards < shards + 20, "{} after {shards}", engine_stats().shards);
}

#[test]
fn a_callback_that_panics_loses_its_own_value_and_is_asked_again() {
    let registry = Registry::new();
    registry.register_engine_metrics().unwrap();
    let jobs = registry.counter("jobs_total", "").unwrap();
    let well = std::sync::Arc::new(std::sync::atomic::AtomicBool::new(false));
    let is_well = well.clone();
    let depth = move || if is_well.load(std::sync::atomic::Ordering::Relaxed) { 7.0 } else { fail() };
    registry.gauge_callback("queue_depth", "", depth).unwrap();
    registry.gauge_callback("grenade", "", || resume_unwind(Box::new(Grenade))).unwrap();
    for round in 1..=20 {
        jobs.inc();
        let snapshot = registry.snapshot();
        assert_eq!(count(&snapshot, "jobs_total", None), round);
        assert!(snapshot.family("queue_depth").is_none() && snapshot.family("grenade").is_none());
    }
    well.store(true, std::sync::atomic::Ordering::Relaxed);
    let snapshot = registry.snapshot();
    assert!(matches!(snapshot.family("queue_depth").unwrap().series().next().unwrap().value, Value::Float(7.0)));
    let snapshot = registry.snapshot();
    let failures = |collector: &str| {
        let label = format!("collector=\"{collector}\",reason=\"panicked\"");
        count(&snapshot, "tachograph_collector_failures_total", Some(&label))
    };
    assert_eq!((failures("queue_depth"), failures("grenade")), (20, 21));
}

/// What chooses the buckets of a histogram is the program's code too.
#[cfg(feature = "metrics")]
#[test]
fn a_choice_of_buckets_that_panics_is_asked_again_and_nothing_stays_locked() {
    use std::sync::atomic::{AtomicU32, Ordering};

    let asked = AtomicU32::new(0);
    let registry = Registry::new();
    let choose = move |_: &str| if asked.fetch_add(1, Ordering::Relaxed) < 3 { fail() } else { None };
    let recorder = tachograph::facade::Facade::new(&registry).buckets(choose).recorder();
    let observe = || metrics::with_local_recorder(&recorder, || metrics::histogram!("wait_seconds").record(0.1));
    for _ in 0..3 {
        assert!(std::panic::catch_unwind(std::panic::AssertUnwindSafe(observe)).is_err());
        metrics::with_local_recorder(&recorder, || metrics::counter!("jobs_total").increment(1));
    }
    observe();
    let snapshot = registry.snapshot();
    assert_eq!((count(&snapshot, "wait_seconds", None), count(&snapshot, "jobs_total", None)), (1, 3));
}
