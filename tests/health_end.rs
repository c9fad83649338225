//! A service that ends while its checks run: they are given up before the runtime that they share with it is gone.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{Sender, channel};
use std::time::Duration;

use tachograph::health::{CheckOptions, CheckResult, HealthRegistry};

/// Dropped with the future that holds it.
struct Held(#[allow(dead_code, reason = "it is there to be dropped")] Sender<()>);

#[test]
fn a_run_that_waits_is_given_up_before_the_runtime_ends_and_never_polled_after_it() {
    let panics = Arc::new(AtomicUsize::new(0));
    let counting = Arc::clone(&panics);
    // The registry catches panics of checks; here one is a timer's of which there is no runtime any more.
    std::panic::set_hook(Box::new(move |panic| {
        counting.fetch_add(1, Ordering::Relaxed);
        eprintln!("{panic}");
    }));
    for _ in 0..500 {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
        let (begin, began) = channel();
        let (hold, held) = channel();
        let check = move || {
            let (begin, hold) = (begin.clone(), hold.clone());
            async move {
                let _held = Held(hold);
                // Once it sleeps.
                tokio::join!(tokio::time::sleep(Duration::from_secs(60)), async { begin.send(()).unwrap() });
                CheckResult::healthy("awake")
            }
        };
        let health = runtime.block_on(async {
            let health = HealthRegistry::new();
            health.register("sleepy", check, CheckOptions::default()).unwrap();
            health
        });
        began.recv().unwrap();
        drop(health);
        runtime.shutdown_background();
        // Until the run and the check are gone.
        assert!(held.recv().is_err());
    }
    let _ = std::panic::take_hook();
    assert_eq!(panics.load(Ordering::Relaxed), 0);
}
