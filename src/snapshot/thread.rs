//! The snapshot thread: one a process, started by the first ask or window.
//!
//! It folds when it is asked and on its own tick, by which windows slide. If a fold panics (a defect of this crate: collectors
//! are caught on their own threads) the thread goes on, the panic is counted, and the askers fold for themselves.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::{Duration, Instant};

use super::demand::Demand;
use super::{Snapshot, take};
use crate::registry::RegistryCore;
use crate::shard::Totals;
use crate::sync::process_wide;

/// How often windows slide: a sixty-second window is twelve of these, and each costs one fold.
pub(crate) const TICK: Duration = Duration::from_secs(5);

/// Gets the snapshot, or an error when the fold panicked.
type Reply = Box<dyn FnOnce(Result<Arc<Snapshot>, FoldPanicked>) + Send>;

/// The fold that was to serve an ask panicked.
#[derive(Clone, Copy, Debug)]
pub(crate) struct FoldPanicked;

struct Ask {
    registry: Arc<RegistryCore>,
    reply: Reply,
}

process_wide! {
    static SNAPSHOTTER: Snapshotter = Snapshotter {
        demand: Demand::new(),
        running: Mutex::new(false),
        ticking: Mutex::new(Vec::new()),
    };
}

pub(crate) struct Snapshotter {
    demand: Demand<Ask>,
    /// Whether the thread has been started.
    running: Mutex<bool>,
    /// Registries with windows.
    ticking: Mutex<Vec<Weak<RegistryCore>>>,
}

/// Asks for a snapshot of a registry by a fold that starts from now on. `reply` is called on the snapshot thread; where no thread
/// could be started, before this returns.
pub(crate) fn ask(registry: &Arc<RegistryCore>, reply: Reply) {
    if start() {
        SNAPSHOTTER.demand.ask(Ask { registry: Arc::clone(registry), reply });
    } else {
        reply(Ok(take_now(registry)));
    }
}

/// Takes a snapshot on the calling thread.
pub(crate) fn take_now(registry: &Arc<RegistryCore>) -> Arc<Snapshot> {
    take::take(std::slice::from_ref(registry), &mut Totals::default(), false).pop().expect("one registry, one snapshot")
}

/// Has a registry's windows slide from now on, for as long as it lives.
pub(crate) fn keep_ticking(registry: &Arc<RegistryCore>) {
    SNAPSHOTTER.ticking.lock().unwrap_or_else(PoisonError::into_inner).push(Arc::downgrade(registry));
    if start() {
        // An ask of no consequence, to wake a thread that waits without a deadline.
        SNAPSHOTTER.demand.ask(Ask { registry: Arc::clone(registry), reply: Box::new(|_| {}) });
    }
}

/// Whether the snapshot thread runs, started now if it did not.
fn start() -> bool {
    let mut running = SNAPSHOTTER.running.lock().unwrap_or_else(PoisonError::into_inner);
    if !*running {
        *running = std::thread::Builder::new().name("tachograph".into()).spawn(run).is_ok();
    }
    *running
}

fn run() {
    let mut totals = Totals::default();
    let mut next_tick = Instant::now() + TICK;
    loop {
        let windows_wait = !live(&SNAPSHOTTER.ticking).is_empty();
        let asks = SNAPSHOTTER.demand.take(windows_wait.then_some(next_tick));
        let now = Instant::now();
        if now >= next_tick {
            // After a suspension one tick stands for all that were missed.
            next_tick = now + TICK;
            let ticking = live(&SNAPSHOTTER.ticking);
            let ticked = catch_unwind(AssertUnwindSafe(|| take::take(&ticking, &mut totals, true)));
            if ticked.is_err() {
                ticking.iter().for_each(|registry| registry.fold_panicked());
            }
        }
        serve(asks, &mut totals);
    }
}

/// The registries with windows that are still there.
fn live(ticking: &Mutex<Vec<Weak<RegistryCore>>>) -> Vec<Arc<RegistryCore>> {
    let mut ticking = ticking.lock().unwrap_or_else(PoisonError::into_inner);
    ticking.retain(|registry| registry.strong_count() > 0);
    ticking.iter().filter_map(Weak::upgrade).collect()
}

fn serve(asks: Vec<Ask>, totals: &mut Totals) {
    let mut registries: Vec<Arc<RegistryCore>> = Vec::new();
    let mut replies = Vec::with_capacity(asks.len());
    for Ask { registry, reply } in asks {
        let known = registries.iter().position(|known| Arc::ptr_eq(known, &registry));
        replies.push((known.unwrap_or(registries.len()), reply));
        if known.is_none() {
            registries.push(registry);
        }
    }
    let taken = catch_unwind(AssertUnwindSafe(|| take::take(&registries, totals, false)));
    if taken.is_err() {
        registries.iter().for_each(|registry| registry.fold_panicked());
    }
    // Before anyone is answered, so that an asker who drops its registry then gets its slots back at once.
    drop(registries);
    for (registry, reply) in replies {
        let answer = taken.as_ref().map(|snapshots| Arc::clone(&snapshots[registry])).map_err(|_| FoldPanicked);
        // An asker's code must not take the thread down.
        let _ = catch_unwind(AssertUnwindSafe(|| reply(answer)));
    }
}
