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

#[cfg(all(test, not(tachograph_loom)))]
mod tests {
    use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
    use std::sync::mpsc;

    use super::*;
    use crate::metric::descriptor::{Descriptor, Kind};
    use crate::registry::Registry;
    use crate::snapshot::{Reading, Source};

    /// A family that no fold can be read for: what a defect of the engine would be like.
    struct Defect([Arc<Descriptor>; 1]);

    impl Source for Defect {
        fn descriptors(&self) -> &[Arc<Descriptor>] {
            &self.0
        }

        fn label_names(&self, _family: &Descriptor) -> Vec<&str> {
            Vec::new()
        }

        fn list(&self) -> Reading {
            Box::new(|_, _, _| resume_unwind(Box::new("as the test wants it")))
        }

        fn series(&self) -> usize {
            0
        }

        fn heap_bytes(&self) -> usize {
            0
        }
    }

    fn frail() -> Registry {
        let registry = Registry::new();
        let family = Descriptor::new("defect", Kind::Gauge, "").unwrap();
        registry.register_sources(vec![Arc::new(Defect([Arc::new(family)]))]).unwrap();
        registry
    }

    fn whole() -> Registry {
        let registry = Registry::new();
        registry.counter("jobs_total", "").unwrap().inc();
        registry
    }

    fn fold_panics(registry: &Registry) -> u64 {
        registry.core().fold_panics()
    }

    #[test]
    fn a_fold_that_panics_is_counted_and_takes_no_other_registry_with_it() {
        let registries = [whole(), frail(), whole(), frail()];
        let (give, take) = mpsc::channel();
        let asks = registries.iter().enumerate().map(|(at, registry)| {
            let give = give.clone();
            Ask { registry: Arc::clone(registry.core()), reply: Box::new(move |_| give.send(at).unwrap()) }
        });
        let (asks, before) = (asks.collect(), panics());
        serve(asks, &mut Totals::default());
        drop(give);
        assert_eq!(take.iter().collect::<Vec<_>>(), [0, 2]);
        assert_eq!(registries.each_ref().map(fold_panics), [0, 1, 0, 1]);
        // The one of all, and two that were alone.
        assert!(panics() - before >= 3);

        // So it is with a tick.
        let cores = registries.each_ref().map(|registry| Arc::clone(registry.core()));
        let last = registries[2].last_snapshot().unwrap();
        fold(&cores, &mut Totals::default(), true, |_, _| {});
        assert!(!Arc::ptr_eq(&last, &registries[2].last_snapshot().unwrap()));
        assert_eq!(registries.each_ref().map(fold_panics), [0, 2, 0, 2]);
    }

    #[test]
    fn a_fold_that_panics_on_its_thread_is_tried_by_its_asker_and_the_thread_goes_on() {
        let (frail, whole) = (frail(), whole());
        for panicked in 1..=3 {
            assert!(catch_unwind(AssertUnwindSafe(|| frail.snapshot())).is_err());
            assert_eq!(fold_panics(&frail), panicked);
            assert_eq!(whole.snapshot().series_count(), 1);
        }
        assert!(any_running());
    }

    /// Whether the thread that the asks above were for is there.
    fn any_running() -> bool {
        let (give, take) = mpsc::channel();
        whole().snapshot_with(move |_| give.send(std::thread::current().name().map(str::to_owned)).unwrap());
        take.recv().unwrap().as_deref() == Some("tachograph")
    }

    #[test]
    fn what_others_drop_panics_one_by_one() {
        struct Explodes;

        impl Drop for Explodes {
            fn drop(&mut self) {
                resume_unwind(Box::new("as the test wants it"));
            }
        }

        let before = panics();
        let_go([Explodes, Explodes, Explodes]);
        assert!(panics() - before >= 3);
    }
}
