//! The checks of a service, the thread that has them run, and where their results are read.

use std::fmt;
use std::hash::{BuildHasher, RandomState};
use std::sync::Arc;
use std::sync::mpsc::Sender;
use std::time::{Duration, Instant};

use tokio::sync::{Notify, oneshot};

use super::HealthCheck;
use super::error::HealthError;
use super::metrics::HealthMetrics;
use super::options::CheckOptions;
use super::report::HealthReport;
use super::result::CheckResult;
use super::schedule::{Change, Schedule};
use super::selection::Selection;
use super::status::HealthStatus;
use super::worker::{self, Order};
use crate::panic::caught;
use crate::registry::{RegisterError, Registry};
use crate::sync::{Condvar, Mutex, MutexGuard, lock};

/// The longest name of a check.
const MAX_NAME: usize = 64;
/// So that a turn that panics each time does not keep a core busy.
const AFTER_PANIC: Duration = Duration::from_secs(1);

/// The checks of a service. They run in the background, each on a thread of its own, from their registration on until the last clone of
/// this is dropped; readers have the last results without waiting. Cloning is cheap, and clones are the same registry. A check that
/// holds one keeps all of them running until the process ends.
///
/// # Examples
///
/// ```
/// use std::time::Duration;
/// use tachograph::health::{CheckOptions, CheckResult, HealthRegistry, HealthStatus, Selection};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), tachograph::health::HealthError> {
/// let health = HealthRegistry::new().with_version("1.4.2");
/// health.register("queue", || async { CheckResult::healthy("3 jobs wait") }, CheckOptions::default())?;
/// let options = CheckOptions { critical: false, ..CheckOptions::default() };
/// health.register("cache", || async { CheckResult::unhealthy("connection refused") }, options)?;
///
/// let report = health.fresh(&Selection::all(), Duration::from_secs(1)).await;
/// assert_eq!(report.status(), HealthStatus::Degraded);
/// assert_eq!(report.issues(), ["cache is unhealthy: connection refused"]);
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct HealthRegistry {
    shared: Arc<Shared>,
    /// Ends the thread with the last clone.
    _end: Arc<End>,
}

/// What the registry, its thread and those of the checks share.
///
/// A mutex is enough: it is held to look at a clock, to count and to copy pointers, never while a check, a log or a snapshot runs.
pub(super) struct Shared {
    state: Mutex<State>,
    /// Wakes the thread.
    changed: Condvar,
    /// Wakes those who wait for results.
    recorded: Notify,
    metrics: HealthMetrics,
    /// When the service began, as far as we know.
    since: Instant,
}

struct State {
    schedule: Schedule,
    version: Arc<str>,
    /// By number of the check.
    threads: Vec<Thread>,
    running: bool,
    ended: bool,
}

/// Where a check's thread takes its orders.
struct Thread {
    orders: Sender<Order>,
    /// Held while a run goes on: dropping it gives the run up.
    run: Option<oneshot::Sender<()>>,
}

struct End(Arc<Shared>);

impl Drop for End {
    fn drop(&mut self) {
        let mut state = self.0.state();
        state.ended = true;
        // Here, not on the thread: whoever ends a runtime next finds no run that still waits in it. The threads of the checks end
        // for want of orders.
        state.threads.clear();
        drop(state);
        self.0.changed.notify_all();
    }
}

impl Default for HealthRegistry {
    fn default() -> Self {
        Self::new()
    }
}

impl HealthRegistry {
    /// A registry without checks, which is healthy. It has no thread before its first check.
    pub fn new() -> Self {
        let state = State {
            schedule: Schedule::new(RandomState::new().hash_one(0)),
            version: "".into(),
            threads: Vec::new(),
            running: false,
            ended: false,
        };
        let shared = Arc::new(Shared {
            state: Mutex::new(state),
            changed: Condvar::new(),
            recorded: Notify::new(),
            metrics: HealthMetrics::new(),
            since: Instant::now(),
        });
        let end = Arc::new(End(Arc::clone(&shared)));
        Self { shared, _end: end }
    }

    /// Sets the version of the service, for its answers.
    pub fn with_version(self, version: &str) -> Self {
        self.shared.state().version = version.into();
        self
    }

    /// Adds a check and has it run at once, then at its interval. Its future runs on a thread of its own, in the context of the
    /// tokio runtime that is current here; without one, in a runtime of its own with time and I/O, which rests between two runs.
    /// So whoever shares connections with a check registers it within the runtime that they belong to.
    ///
    /// That runtime is to have what the check awaits (`enable_all`), to be driven, and to outlive the registry: in one of a
    /// single thread that blocks, no timer ends and no connection comes, and in one that has shut down the check panics.
    ///
    /// # Errors
    ///
    /// [`HealthError`] when the name or an option cannot be, or there is no thread. Then nothing has changed.
    ///
    /// # Examples
    ///
    /// ```
    /// use tachograph::health::{CheckOptions, CheckResult, HealthRegistry};
    ///
    /// let health = HealthRegistry::new();
    /// let check = || async { CheckResult::healthy("") };
    /// let error = health.register("a/b", check, CheckOptions::default()).unwrap_err();
    /// assert_eq!(error.to_string(), "\"a/b\" is no name of a check, take 1 to 64 letters, digits, \"_\", \"-\" and \".\"");
    /// ```
    pub fn register(&self, name: &str, check: impl HealthCheck, options: CheckOptions) -> Result<(), HealthError> {
        let legal = |byte: u8| byte.is_ascii_alphanumeric() || b"_-.".contains(&byte);
        if name.is_empty() || name.len() > MAX_NAME || !name.bytes().all(legal) {
            return Err(HealthError::InvalidName { name: name.to_owned() });
        }
        options.validate()?;
        // Kept here until the lock is gone: dropped under it, a check that finds no thread could not ask the registry anything.
        let check = Arc::new(check);
        let mut state = self.shared.state();
        if state.schedule.checks().iter().any(|known| &*known.name == name) {
            return Err(HealthError::Repeated { name: name.to_owned() });
        }
        if !state.running {
            let shared = Arc::clone(&self.shared);
            let thread = std::thread::Builder::new().name("tachograph-hlth".into()).spawn(move || shared.run());
            thread.map_err(|cause| HealthError::NoThread { cause })?;
            state.running = true;
        }
        let orders = worker::start(name, Arc::clone(&check), state.threads.len(), Arc::downgrade(&self.shared))?;
        state.threads.push(Thread { orders, run: None });
        state.schedule.add(name.into(), Arc::new(options), Instant::now());
        self.shared.metrics.declare(name);
        drop(state);
        self.shared.changed.notify_all();
        Ok(())
    }

    /// The last results. It waits for nobody.
    pub fn report(&self, selection: &Selection) -> HealthReport {
        self.shared.report(selection)
    }

    /// Results that are no older than `max_age`. Where there are older ones, their checks run, once for all who ask meanwhile, and this
    /// waits for them, at most for their timeouts.
    pub async fn fresh(&self, selection: &Selection, max_age: Duration) -> HealthReport {
        let now = Instant::now();
        let oldest = now.checked_sub(max_age).unwrap_or(self.shared.since);
        loop {
            // Made before the results are looked at, so that none is missed.
            let recorded = self.shared.recorded.notified();
            {
                let mut state = self.shared.state();
                if state.schedule.demand(selection, oldest, Instant::now()) {
                    return self.shared.reported(&state, selection);
                }
            }
            self.shared.changed.notify_all();
            recorded.await;
        }
    }

    /// Whether the service has started: each critical check of [`Group::Startup`](super::Group::Startup) is well (not
    /// unhealthy), or has been at some time.
    ///
    /// # Examples
    ///
    /// ```
    /// # let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    ///
    /// use std::time::Duration;
    /// use tachograph::health::{CheckOptions, CheckResult, HealthRegistry, Selection};
    ///
    /// let health = HealthRegistry::new();
    /// health.register("scenes", || async { CheckResult::healthy("loaded") }, CheckOptions::default())?;
    /// runtime.block_on(health.fresh(&Selection::all(), Duration::ZERO));
    /// assert!(health.has_started());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn has_started(&self) -> bool {
        self.shared.state().schedule.has_started()
    }

    /// Adds `health_*` to a registry's scrapes, for as long as this is there: the status of the whole (`health_status`) and of
    /// each check (`health_check_status`) as gauges of 0 or 1, how long their runs take, when the last results came, and
    /// `tachograph_health_changes_total`, how often each has become what. (What becomes unhealthy because its last result is
    /// stale shows in the gauges, but is no result, and so no change.)
    ///
    /// # Errors
    ///
    /// [`RegisterError::Clash`] when one of the families is taken.
    ///
    /// # Examples
    ///
    /// ```
    /// use tachograph::Registry;
    /// use tachograph::health::HealthRegistry;
    ///
    /// let (registry, health) = (Registry::new(), HealthRegistry::new());
    /// health.register_metrics(&registry)?;
    /// assert!(registry.snapshot().text().contains("health_status{status=\"healthy\"} 1\n"));
    /// # Ok::<(), tachograph::RegisterError>(())
    /// ```
    pub fn register_metrics(&self, registry: &Registry) -> Result<(), RegisterError> {
        self.shared.metrics.register(&Arc::downgrade(&self.shared), registry)
    }
}

impl Shared {
    fn state(&self) -> MutexGuard<'_, State> {
        lock(&self.state)
    }

    pub(super) fn report(&self, selection: &Selection) -> HealthReport {
        self.reported(&self.state(), selection)
    }

    fn reported(&self, state: &State, selection: &Selection) -> HealthReport {
        HealthReport::new(&state.schedule, selection, Instant::now(), &state.version, self.since.elapsed())
    }

    /// The thread: has checks run when they are due, until the registry is dropped.
    fn run(&self) {
        loop {
            match caught(|| self.turn()) {
                Ok(true) => {}
                Ok(false) => return,
                // A defect of ours, or of the log. Health must not be silent for it.
                Err(panic) => {
                    // It may be the log that panics.
                    let _told =
                        caught(|| tracing::error!(message = panic, "the thread of the health checks panicked, it goes on"));
                    std::thread::sleep(AFTER_PANIC);
                }
            }
        }
    }

    /// Does what is due, and waits for the next. Tells whether there is more to come.
    fn turn(&self) -> bool {
        let mut state = self.state();
        if state.ended {
            return false;
        }
        let now = Instant::now();
        let todo = state.schedule.turn(now);
        for at in todo.give_up {
            state.threads[at].run = None;
            let check = &state.schedule.checks()[at];
            self.metrics.observe(&check.name, check.options.timeout);
        }
        for at in todo.start {
            let (run, order) = oneshot::channel();
            // The thread is there as long as the sender is; one that could not be reached would be told as hung.
            let _sent = state.threads[at].orders.send(order);
            state.threads[at].run = Some(run);
        }
        if todo.recorded {
            self.count(&todo.changes);
            drop(state);
            self.tell(&todo.changes);
            return true;
        }
        let wait = state.schedule.next().map(|next| next.saturating_duration_since(Instant::now()));
        match wait {
            Some(wait) if wait.is_zero() => {}
            Some(wait) => drop(self.changed.wait_timeout(state, wait)),
            None => drop(self.changed.wait(state)),
        }
        true
    }

    /// Takes in what the thread of a check has to tell.
    pub(super) fn finish(&self, check: usize, duration: Duration, result: Option<CheckResult>) {
        let mut state = self.state();
        let (recorded, change) = state.schedule.finish(check, Instant::now(), duration, result);
        state.threads.get_mut(check).map(|thread| thread.run.take());
        if recorded {
            // One that is late was observed at its timeout.
            self.metrics.observe(&state.schedule.checks()[check].name, duration);
        }
        self.count(change.as_slice());
        drop(state);
        self.changed.notify_all();
        if recorded {
            self.tell(change.as_slice());
        }
    }

    /// Counts changes. Under the lock: whoever has read a result finds it counted in the next scrape.
    fn count(&self, changes: &[Change]) {
        changes.iter().for_each(|change| self.metrics.changed(change));
    }

    /// Wakes whoever waits for results, and logs changes.
    fn tell(&self, changes: &[Change]) {
        self.recorded.notify_waiters();
        changes.iter().for_each(Change::log);
    }
}

impl Change {
    fn log(&self) {
        let (check, from, to) = (&*self.name, self.from.map_or("unknown", HealthStatus::as_str), self.to.as_str());
        let message = self.result.message();
        match self.to {
            HealthStatus::Healthy => tracing::info!(check, from, to, result = message, "health changed"),
            HealthStatus::Degraded => tracing::warn!(check, from, to, result = message, "health changed"),
            HealthStatus::Unhealthy => tracing::error!(check, from, to, result = message, "health changed"),
        }
    }
}

impl fmt::Debug for HealthRegistry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let state = self.shared.state();
        let names: Vec<_> = state.schedule.checks().iter().map(|check| &*check.name).collect();
        f.debug_struct("HealthRegistry").field("checks", &names).finish_non_exhaustive()
    }
}
