//! The metrics of a tokio runtime beside what the test does with it.

use std::future::pending;
use std::hint::black_box;
use std::time::{Duration, Instant};

use tachograph::{RegisterError, Registry};
use tachograph_check::Exposition;
use tokio::runtime::{Builder, Runtime};

fn registry(runtime: &Runtime) -> Registry {
    let registry = Registry::new();
    registry.register_runtime_metrics(runtime.handle()).unwrap();
    registry
}

fn scrape(registry: &Registry) -> Exposition {
    tachograph_check::parse(registry.snapshot().text().as_bytes()).unwrap()
}

fn value(registry: &Registry, name: &str) -> f64 {
    scrape(registry).value(name, &[]).unwrap_or_else(|| panic!("no {name}"))
}

/// Seconds that all workers were busy.
fn busy(registry: &Registry) -> f64 {
    scrape(registry).sum("tokio_worker_busy_seconds_total", |_| true)
}

/// Keeps a thread busy for that long.
fn burn(time: Duration) {
    let begin = Instant::now();
    while begin.elapsed() < time {
        black_box((0..1_000u64).map(black_box).sum::<u64>());
    }
}

/// Asks until it is so.
fn until(mut so: impl FnMut() -> bool) {
    let begin = Instant::now();
    while !so() {
        assert!(begin.elapsed() < Duration::from_secs(60), "it never came to be so");
        std::thread::yield_now();
    }
}

#[test]
fn workers_and_tasks_are_as_many_as_there_are() {
    let runtime = Builder::new_multi_thread().worker_threads(3).build().unwrap();
    let registry = registry(&runtime);
    assert_eq!(value(&registry, "tokio_workers"), 3.0);
    assert_eq!(value(&registry, "tokio_alive_tasks"), 0.0);
    assert_eq!(value(&registry, "tokio_global_queue_depth"), 0.0);
    for worker in ["0", "1", "2"] {
        let scrape = scrape(&registry);
        for name in ["tokio_worker_busy_seconds_total", "tokio_worker_parks_total"] {
            assert!(scrape.value(name, &[("worker", worker)]).is_some(), "{name} of {worker}");
        }
    }
    let tasks: Vec<_> = (0..17).map(|_| runtime.spawn(pending::<()>())).collect();
    assert_eq!(value(&registry, "tokio_alive_tasks"), 17.0);
    tasks.iter().for_each(|task| task.abort());
    for task in tasks {
        assert!(runtime.block_on(task).unwrap_err().is_cancelled());
    }
    until(|| value(&registry, "tokio_alive_tasks") == 0.0);
}

#[test]
fn tasks_wait_in_the_queue_of_a_runtime_that_nobody_drives() {
    let runtime = Builder::new_current_thread().build().unwrap();
    let registry = registry(&runtime);
    for _ in 0..5 {
        drop(runtime.spawn(async {}));
    }
    assert_eq!(value(&registry, "tokio_global_queue_depth"), 5.0);
    assert_eq!(value(&registry, "tokio_workers"), 1.0);
    runtime.block_on(async {
        while value(&registry, "tokio_alive_tasks") > 0.0 {
            tokio::task::yield_now().await;
        }
    });
    assert_eq!(value(&registry, "tokio_global_queue_depth"), 0.0);
}

#[test]
fn a_busy_worker_is_seen() {
    let time = Duration::from_millis(200);
    let multi = Builder::new_multi_thread().worker_threads(2).build().unwrap();
    let current = Builder::new_current_thread().build().unwrap();
    for (runtime, workers) in [(multi, 2.0), (current, 1.0)] {
        let registry = registry(&runtime);
        let before = busy(&registry);
        runtime.block_on(runtime.spawn(async move { burn(time) })).unwrap();
        until(|| busy(&registry) >= before + time.as_secs_f64());
        let ratio = value(&registry, "tokio_busy_ratio");
        assert!(ratio > 0.0 && ratio <= 1.0, "{ratio}");
        assert_eq!(value(&registry, "tokio_workers"), workers);
    }
}

#[test]
fn a_runtime_that_has_shut_down_stays_as_it_was() {
    let runtime = Builder::new_multi_thread().worker_threads(2).build().unwrap();
    let registry = registry(&runtime);
    drop(runtime.spawn(pending::<()>()));
    runtime.shutdown_timeout(Duration::from_secs(30));
    assert_eq!(value(&registry, "tokio_workers"), 2.0);
    assert_eq!(value(&registry, "tokio_alive_tasks"), 0.0);
    assert_eq!(busy(&registry), busy(&registry));
}

#[test]
fn a_second_runtime_has_a_registry_of_its_own() {
    let runtime = Builder::new_current_thread().build().unwrap();
    let error = registry(&runtime).register_runtime_metrics(runtime.handle()).unwrap_err();
    assert!(matches!(error, RegisterError::Clash { .. }), "{error}");
    let labelled = Registry::with_labels([("runtime", "background")]).unwrap();
    labelled.register_runtime_metrics(runtime.handle()).unwrap();
    assert_eq!(scrape(&labelled).value("tokio_workers", &[("runtime", "background")]), Some(1.0));
}
