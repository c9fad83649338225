//! What a registry and the snapshot thread share: the families with the names they claim, the windows, the last snapshot.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use arc_swap::ArcSwapOption;

use super::collector::Registered;
use super::engine::Engine;
use super::{Faults, OwnLabels};
use crate::metric::claims::Claims;
use crate::shard::Totals;
use crate::snapshot::window::{Window, Windows};
use crate::snapshot::{FamilySnapshot, Reading, Snapshot, Source};
use crate::sync::{AtomicBool, Ordering};

/// What a registry and the snapshot thread share. Registration and snapshots enter its mutexes, counting never does.
pub(crate) struct RegistryCore {
    families: Mutex<Families>,
    windows: Arc<Windows>,
    /// The window of the requests' latency, of who registers `HttpMetrics`.
    #[cfg(feature = "page")]
    latency: std::sync::OnceLock<std::sync::Weak<Window>>,
    /// Whether the snapshot thread looks at this registry with each of its ticks.
    ticking: AtomicBool,
    published: ArcSwapOption<Snapshot>,
    faults: Arc<Faults>,
    engine: Engine,
    /// Whether the process's own families are exposed.
    #[cfg(feature = "process")]
    process_registered: Mutex<bool>,
    /// What is told of pushes, once there is one.
    #[cfg(any(feature = "otlp", feature = "remote-write"))]
    push: Mutex<Option<Arc<crate::push::metrics::Families>>>,
    own_labels: Arc<OwnLabels>,
}

#[derive(Default)]
pub(super) struct Families {
    pub(super) sources: Vec<Arc<dyn Source>>,
    pub(super) collectors: Vec<Arc<Registered>>,
    pub(super) claims: Claims,
}

/// The series and windows of a registry, listed before a fold.
pub(crate) struct Listed {
    windows: Vec<Arc<Window>>,
    readings: Vec<Reading>,
}

impl Listed {
    /// Reads the listed families out of the fold, or from the last snapshot what it could not read. With `tick` the windows slide first.
    pub(crate) fn read(self, totals: &Totals, last: Option<&Snapshot>, now: Instant, tick: bool) -> Vec<FamilySnapshot> {
        if tick {
            self.windows.iter().for_each(|window| window.slide(totals, now));
        }
        let mut families = Vec::new();
        self.readings.into_iter().for_each(|read| read(totals, last, &mut families));
        families
    }
}

impl RegistryCore {
    pub(super) fn new(own_labels: OwnLabels) -> Self {
        let faults = Arc::new(Faults::new());
        Self {
            families: Mutex::default(),
            windows: Arc::default(),
            #[cfg(feature = "page")]
            latency: std::sync::OnceLock::new(),
            ticking: AtomicBool::new(false),
            published: ArcSwapOption::empty(),
            engine: Engine::new(Arc::clone(&faults)),
            faults,
            #[cfg(feature = "process")]
            process_registered: Mutex::new(false),
            #[cfg(any(feature = "otlp", feature = "remote-write"))]
            push: Mutex::new(None),
            own_labels: Arc::new(own_labels),
        }
    }

    pub(crate) fn own_labels(&self) -> &Arc<OwnLabels> {
        &self.own_labels
    }

    pub(super) fn families(&self) -> MutexGuard<'_, Families> {
        self.families.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The families' sources now; the lock is not held while they are read.
    pub(crate) fn sources(&self) -> Vec<Arc<dyn Source>> {
        self.families().sources.clone()
    }

    pub(crate) fn collectors(&self) -> Vec<Arc<Registered>> {
        self.families().collectors.clone()
    }

    pub(crate) fn faults(&self) -> &Faults {
        &self.faults
    }

    pub(super) fn shared_faults(&self) -> Arc<Faults> {
        Arc::clone(&self.faults)
    }

    pub(super) fn engine(&self) -> &Engine {
        &self.engine
    }

    #[cfg(feature = "process")]
    pub(super) fn process_registered(&self) -> MutexGuard<'_, bool> {
        self.process_registered.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn windows(&self) -> &Arc<Windows> {
        &self.windows
    }

    /// Says which window has the latency of the requests. A registry has `HttpMetrics` once.
    #[cfg(feature = "page")]
    pub(super) fn set_latency(&self, window: &Arc<Window>) {
        let _first = self.latency.set(Arc::downgrade(window));
    }

    #[cfg(feature = "page")]
    pub(super) fn latency(&self) -> Option<Arc<Window>> {
        self.latency.get()?.upgrade()
    }

    /// Whether nobody has asked for ticks before.
    pub(super) fn is_first_to_tick(&self) -> bool {
        // Relaxed: one caller gets the answer, and that is all there is to it.
        !self.ticking.swap(true, Ordering::Relaxed)
    }

    /// Fixes which series and windows there are; to be called before the fold that they are read from.
    pub(crate) fn list(&self) -> Listed {
        Listed { windows: self.windows.live(), readings: self.sources().iter().map(|source| source.list()).collect() }
    }

    /// Makes a snapshot the last one, unless a younger one is published already.
    pub(crate) fn publish(&self, snapshot: Arc<Snapshot>, took: Duration) {
        self.engine.snapshot_duration.observe_duration(took);
        self.published.rcu(|last| match last {
            Some(last) if last.taken_at() > snapshot.taken_at() => Arc::clone(last),
            _ => Arc::clone(&snapshot),
        });
    }

    pub(crate) fn last_snapshot(&self) -> Option<Arc<Snapshot>> {
        self.published.load_full()
    }

    pub(crate) fn fold_panicked(&self) {
        self.engine.fold_panics.inc();
    }

    /// How often a fold of it has panicked.
    #[cfg(all(test, not(tachograph_loom)))]
    pub(crate) fn fold_panics(&self) -> u64 {
        self.engine.fold_panics.value()
    }
}

#[cfg(any(feature = "otlp", feature = "remote-write"))]
impl super::Registry {
    /// The families of what is pushed, once there are any.
    pub(crate) fn push(&self) -> MutexGuard<'_, Option<Arc<crate::push::metrics::Families>>> {
        self.0.push.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl std::fmt::Debug for RegistryCore {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let families = self.families();
        let named = families.sources.iter().flat_map(|source| source.descriptors()).map(|family| family.name());
        f.debug_struct("RegistryCore")
            .field("families", &named.collect::<Vec<_>>())
            .field("collectors", &families.collectors)
            .finish_non_exhaustive()
    }
}
