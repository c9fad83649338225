//! The snapshot thread: one a process, started by the first ask or window.
//!
//! It folds when it is asked and on its own tick, by which windows slide. Code of others runs on it where there is no helping it:
//! the last drop of a registry drops its collectors, and replies are closures. Each of them is caught for itself, and so is every turn
//! of the loop: the thread cannot end. All panics are counted. If a fold of several registries panics (a defect of this crate), each is
//! folded for itself, and those whose fold panics again are left without an answer: their askers fold for themselves.

use std::cell::Cell;
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::{Duration, Instant};

use super::demand::Demand;
use super::{Snapshot, take};
use crate::panic::caught;
use crate::registry::RegistryCore;
use crate::shard::Totals;
use crate::sync::{AtomicU64, Ordering, process_wide};

/// How often windows slide: a sixty-second window is twelve of these, and each costs one fold.
pub(crate) const TICK: Duration = Duration::from_secs(5);

/// Gets the snapshot, or is dropped when the fold panicked.
type Reply = Box<dyn FnOnce(Arc<Snapshot>) + Send>;

struct Ask {
    registry: Arc<RegistryCore>,
    reply: Reply,
}

process_wide! {
    static SNAPSHOTTER: Snapshotter = Snapshotter {
        demand: Demand::new(),
        running: Mutex::new(None),
        ticking: Mutex::new(Vec::new()),
    };
}

process_wide! {
    /// Panics that were caught on the snapshot thread.
    static PANICS: AtomicU64 = AtomicU64::new(0);
}

pub(crate) struct Snapshotter {
    demand: Demand<Ask>,
    /// The process in which the thread was started: a child after `fork` has none, and starts its own.
    running: Mutex<Option<u32>>,
    /// Registries with windows.
    ticking: Mutex<Vec<Weak<RegistryCore>>>,
}

thread_local! {
    /// Whether this is the snapshot thread, which must not wait for itself.
    static IS_SNAPSHOTTER: Cell<bool> = const { Cell::new(false) };
}

/// Panics that were caught on the snapshot thread so far.
pub(crate) fn panics() -> u64 {
    // Relaxed: a statistic.
    PANICS.load(Ordering::Relaxed)
}

/// What `f` returns; nothing if it panics, which is counted.
fn guarded<T>(f: impl FnOnce() -> T) -> Option<T> {
    let done = caught(f).ok();
    if done.is_none() {
        // Relaxed: a statistic.
        PANICS.fetch_add(1, Ordering::Relaxed);
    }
    done
}

/// Drops each of these for itself: two that panic while one of them unwinds would end the process.
fn let_go<T>(all: impl IntoIterator<Item = T>) {
    all.into_iter().for_each(|each| _ = guarded(|| drop(each)));
}

/// Asks for a snapshot of a registry by a fold that starts from now on. `reply` is called on the snapshot thread; where there is
/// none to be had, or on that thread itself, before this returns.
pub(crate) fn ask(registry: &Arc<RegistryCore>, reply: Reply) {
    if !IS_SNAPSHOTTER.get() && start() {
        SNAPSHOTTER.demand.ask(Ask { registry: Arc::clone(registry), reply });
    } else {
        reply(take_now(registry));
    }
}

/// Takes a snapshot on the calling thread.
pub(crate) fn take_now(registry: &Arc<RegistryCore>) -> Arc<Snapshot> {
    let mut taken = None;
    take::take(std::slice::from_ref(registry), &mut Totals::default(), false, |_, snapshot| taken = Some(snapshot));
    taken.expect("one registry, one snapshot")
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
    // WebAssembly has no threads, and a process without a number: to ask for it is a panic.
    if cfg!(target_family = "wasm") {
        return false;
    }
    let mut running = SNAPSHOTTER.running.lock().unwrap_or_else(PoisonError::into_inner);
    let process = std::process::id();
    if *running != Some(process) && std::thread::Builder::new().name("tachograph".into()).spawn(run).is_ok() {
        *running = Some(process);
    }
    *running == Some(process)
}

fn run() {
    IS_SNAPSHOTTER.set(true);
    let mut totals = Totals::default();
    let mut next_tick = Instant::now() + TICK;
    loop {
        // A turn that panics has dropped its asks, which sends the askers to `take_now`; the next turn is as good as any.
        let _ = guarded(|| turn(&mut totals, &mut next_tick));
    }
}

fn turn(totals: &mut Totals, next_tick: &mut Instant) {
    let windows_wait = any_live(&SNAPSHOTTER.ticking);
    let asks = SNAPSHOTTER.demand.take(windows_wait.then_some(*next_tick));
    let now = Instant::now();
    if now >= *next_tick {
        // After a suspension one tick stands for all that were missed.
        *next_tick = now + TICK;
        let ticking = live(&SNAPSHOTTER.ticking);
        fold(&ticking, totals, true, |_, _| {});
        let_go(ticking);
    }
    serve(asks, totals);
}

/// Whether a registry with windows is still there. Those that are not are forgotten.
fn any_live(ticking: &Mutex<Vec<Weak<RegistryCore>>>) -> bool {
    let mut ticking = ticking.lock().unwrap_or_else(PoisonError::into_inner);
    ticking.retain(|registry| registry.strong_count() > 0);
    !ticking.is_empty()
}

/// The registries with windows that are still there.
fn live(ticking: &Mutex<Vec<Weak<RegistryCore>>>) -> Vec<Arc<RegistryCore>> {
    ticking.lock().unwrap_or_else(PoisonError::into_inner).iter().filter_map(Weak::upgrade).collect()
}

/// Takes snapshots of these registries. If that panics, each is taken for itself, and counts it if that panics again.
fn fold(registries: &[Arc<RegistryCore>], totals: &mut Totals, tick: bool, mut done: impl FnMut(usize, Arc<Snapshot>)) {
    let mut take = |registries: &[Arc<RegistryCore>], first: usize| {
        let taken = guarded(|| take::take(registries, totals, tick, |at, snapshot| done(first + at, snapshot)));
        if taken.is_none() {
            // Whatever it was in the middle of.
            *totals = Totals::default();
        }
        taken.is_some()
    };
    if registries.is_empty() || take(registries, 0) {
        return;
    }
    for (at, registry) in registries.iter().enumerate() {
        // One alone has had its fold.
        if registries.len() == 1 || !take(std::slice::from_ref(registry), at) {
            registry.fold_panicked();
        }
    }
}

fn serve(asks: Vec<Ask>, totals: &mut Totals) {
    let mut registries: Vec<Arc<RegistryCore>> = Vec::new();
    let mut replies: Vec<Vec<Reply>> = Vec::new();
    for Ask { registry, reply } in asks {
        match registries.iter().position(|known| Arc::ptr_eq(known, &registry)) {
            Some(known) => replies[known].push(reply),
            None => {
                registries.push(registry);
                replies.push(vec![reply]);
            }
        }
    }
    let mut answers: Vec<(Reply, Arc<Snapshot>)> = Vec::new();
    fold(&registries, totals, false, |at, snapshot| {
        answers.extend(replies[at].drain(..).map(|reply| (reply, Arc::clone(&snapshot))));
    });
    // Before anyone is answered, so that an asker who drops its registry then gets its slots back at once.
    let_go(registries);
    let_go(replies.into_iter().flatten());
    answers.into_iter().for_each(|(reply, snapshot)| _ = guarded(|| reply(snapshot)));
}
