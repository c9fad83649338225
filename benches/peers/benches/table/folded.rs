//! What a writer pays while somebody else reads its counts out a thousand times a second.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use peers::Case;

/// From one reading to the next.
const EVERY: Duration = Duration::from_millis(1);

/// Runs `run` while a case is read out, and gives what it gave, and how often a second it was read.
pub(crate) fn while_folded<T>(case: &Arc<Case>, run: impl FnOnce() -> T) -> (T, f64) {
    let (stop, folds) = (AtomicBool::new(false), AtomicU64::new(0));
    thread::scope(|scope| {
        scope.spawn(|| {
            let mut next = Instant::now();
            // Relaxed: a flag that is seen a little late reads once more.
            while !stop.load(Ordering::Relaxed) {
                case.fold();
                // Relaxed: a count for the report.
                folds.fetch_add(1, Ordering::Relaxed);
                // One that is late does not hurry afterwards: that would be more than a thousand a second.
                next = (next + EVERY).max(Instant::now());
                thread::sleep(next - Instant::now());
            }
        });
        let begun = Instant::now();
        let result = run();
        // Relaxed: as above.
        let rate = folds.load(Ordering::Relaxed) as f64 / begun.elapsed().as_secs_f64();
        stop.store(true, Ordering::Relaxed);
        (result, rate)
    })
}
