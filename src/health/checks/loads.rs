//! Do loads come to an end? The host tells [`Loads`] when one begins, and drops what it gets when it ends; a [`LoadCheck`]
//! looks at them.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::health::{CheckResult, HealthCheck, told};
use crate::sync::{Mutex, lock};

/// Bytes of a name that are kept.
const MAX_NAME: usize = 128;
/// Stuck loads that a message names.
const NAMED: usize = 3;

/// The loads that go on: of scenes, textures, whatever may take long. Cloning is cheap, and clones are the same loads.
///
/// A mutex is enough: a load reads a file at least, and the mutex is held to put one entry into a map or take it out.
///
/// What is held is an entry with up to 128 bytes of name for each load that goes on, so it is whoever lets loads begin that
/// bounds it.
///
/// # Examples
///
/// ```
/// use tachograph::health::checks::Loads;
///
/// let loads = Loads::new();
/// {
///     let _load = loads.begin("city.tscn");
///     assert_eq!(loads.active(), 1);
/// }
/// assert_eq!(loads.active(), 0);
/// ```
#[derive(Clone, Debug, Default)]
pub struct Loads(Arc<Mutex<Active>>);

#[derive(Debug, Default)]
struct Active {
    /// The number of the next load.
    next: u64,
    /// By number, so the oldest first.
    loads: BTreeMap<u64, Load>,
}

#[derive(Debug)]
struct Load {
    name: Box<str>,
    began: Instant,
}

/// A load that goes on. It ends when this is dropped: at the end of the scope, where the scope is left by `?` or a panic, or
/// with the future that holds it.
#[derive(Debug)]
#[must_use = "a load that is not kept ends at once"]
pub struct LoadGuard {
    loads: Loads,
    number: u64,
}

impl Drop for LoadGuard {
    fn drop(&mut self) {
        let ended = lock(&self.loads.0).loads.remove(&self.number);
        // Freed out of the lock.
        drop(ended);
    }
}

impl Loads {
    /// No loads yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Begins a load, which ends when what is returned is dropped. What is too long of the name is cut.
    pub fn begin(&self, name: &str) -> LoadGuard {
        self.begin_at(name, Instant::now())
    }

    fn begin_at(&self, name: &str, began: Instant) -> LoadGuard {
        let load = Load { name: name[..name.floor_char_boundary(MAX_NAME)].into(), began };
        let mut active = lock(&self.0);
        let number = active.next;
        active.next += 1;
        active.loads.insert(number, load);
        LoadGuard { loads: self.clone(), number }
    }

    /// How many go on.
    pub fn active(&self) -> usize {
        lock(&self.0).loads.len()
    }
}

/// Looks at [`Loads`]: degraded when one has gone on for 30 s, settable.
///
/// # Examples
///
/// ```
/// use std::time::Duration;
/// use tachograph::health::HealthCheck;
/// use tachograph::health::checks::{LoadCheck, Loads};
///
/// # let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
/// # runtime.block_on(async {
/// let loads = Loads::new();
/// let check = LoadCheck::new(loads.clone());
/// assert_eq!(check.check().await.message(), "nothing is being loaded");
///
/// let _load = loads.begin("city.tscn");
/// assert_eq!(check.check().await.message(), "1 is being loaded, the oldest is city.tscn for 0.0 s");
///
/// let impatient = check.with_stuck_after(Duration::ZERO);
/// assert_eq!(impatient.check().await.message(), "stuck, 1 of 1 being loaded: city.tscn for 0.0 s");
/// # });
/// ```
#[derive(Clone, Debug)]
pub struct LoadCheck {
    loads: Loads,
    stuck_after: Duration,
}

impl LoadCheck {
    /// The age from which on a load is stuck, unless set otherwise.
    ///
    /// # Examples
    ///
    /// ```
    /// assert_eq!(tachograph::health::checks::LoadCheck::STUCK_AFTER.as_secs(), 30);
    /// ```
    pub const STUCK_AFTER: Duration = Duration::from_secs(30);

    /// A check of these loads.
    pub fn new(loads: Loads) -> Self {
        Self { loads, stuck_after: Self::STUCK_AFTER }
    }

    /// The same with another age.
    pub fn with_stuck_after(mut self, stuck_after: Duration) -> Self {
        self.stuck_after = stuck_after;
        self
    }

    fn look(&self, now: Instant) -> CheckResult {
        let active = lock(&self.loads.0);
        let age = |load: &Load| now.saturating_duration_since(load.began);
        let told = |load: &Load| format!("{} for {}", load.name, told::seconds(age(load)));
        let loads = active.loads.len();
        let Some(oldest) = active.loads.values().next() else {
            return CheckResult::healthy("nothing is being loaded").detail("active", 0u64).detail("stuck", 0u64);
        };
        // All of them are looked at, since two that began at once may have told so in either order.
        let stuck: Vec<&Load> = active.loads.values().filter(|load| age(load) >= self.stuck_after).collect();
        let result = if stuck.is_empty() {
            let are = if loads == 1 { "is" } else { "are" };
            CheckResult::healthy(format!("{loads} {are} being loaded, the oldest is {}", told(oldest)))
        } else {
            let mut named: Vec<String> = stuck.iter().take(NAMED).map(|load| told(load)).collect();
            if stuck.len() > NAMED {
                named.push(format!("{} more", stuck.len() - NAMED));
            }
            CheckResult::degraded(format!("stuck, {} of {loads} being loaded: {}", stuck.len(), named.join(", ")))
        };
        let result = result.detail("active", loads).detail("stuck", stuck.len());
        result.detail("oldest", &*oldest.name).detail("oldest_ms", told::milliseconds(age(oldest)))
    }
}

impl HealthCheck for LoadCheck {
    async fn check(&self) -> CheckResult {
        self.look(Instant::now())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::health::{Detail, HealthStatus};

    const SECOND: Duration = Duration::from_secs(1);

    #[test]
    fn a_load_is_stuck_from_thirty_seconds_on() {
        let began = Instant::now();
        let loads = Loads::new();
        let check = LoadCheck::new(loads.clone());
        let city = loads.begin_at("city.tscn", began);
        let lobby = loads.begin_at("lobby.tscn", began + SECOND * 20);
        let just_not = check.look(began + SECOND * 30 - Duration::from_nanos(1));
        assert_eq!(just_not.status(), HealthStatus::Healthy);
        assert_eq!(just_not.message(), "2 are being loaded, the oldest is city.tscn for 29 s");
        let stuck = check.look(began + SECOND * 30);
        assert_eq!(
            (stuck.status(), stuck.message()),
            (HealthStatus::Degraded, "stuck, 1 of 2 being loaded: city.tscn for 30 s")
        );
        assert_eq!(
            stuck.details(),
            [
                ("active".into(), Detail::Integer(2)),
                ("stuck".into(), Detail::Integer(1)),
                ("oldest".into(), Detail::Text("city.tscn".into())),
                ("oldest_ms".into(), Detail::Number(30_000.0)),
            ]
        );
        drop(city);
        assert_eq!(check.look(began + SECOND * 30).message(), "1 is being loaded, the oldest is lobby.tscn for 10 s");
        drop(lobby);
        assert_eq!(check.look(began + SECOND * 30).message(), "nothing is being loaded");
    }

    #[test]
    fn a_flood_of_stuck_loads_is_told_in_a_line() {
        let began = Instant::now();
        let loads = Loads::new();
        let held: Vec<LoadGuard> = (0..5_000).map(|at| loads.begin_at(&format!("{at}é").repeat(100), began)).collect();
        assert!(lock(&loads.0).loads.values().all(|load| load.name.len() <= MAX_NAME));
        let result = LoadCheck::new(loads.clone()).with_stuck_after(SECOND).look(began + SECOND);
        assert!(result.message().starts_with("stuck, 5000 of 5000 being loaded: 0é0é"), "{}", result.message());
        assert!(result.message().ends_with(" for 1.0 s, 4997 more"), "{}", result.message());
        assert!(result.message().len() < 512);
        drop(held);
        assert_eq!(loads.active(), 0);
    }

    #[test]
    fn a_load_ends_by_a_panic_an_early_return_and_with_its_future() {
        let loads = Loads::new();
        let begun = loads.clone();
        let panicked = std::thread::spawn(move || {
            let _load = begun.begin("broken.tscn");
            panic!("no root");
        });
        assert!(panicked.join().is_err());
        assert_eq!(loads.active(), 0);

        let early = |loads: &Loads| -> Option<()> {
            let _load = loads.begin("none.tscn");
            None
        };
        assert_eq!(early(&loads), None);
        assert_eq!(loads.active(), 0);

        let begun = loads.clone();
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        let waiting = runtime.spawn(async move {
            let _load = begun.begin("slow.tscn");
            std::future::pending::<()>().await
        });
        runtime.block_on(tokio::task::yield_now());
        assert_eq!(loads.active(), 1);
        waiting.abort();
        assert!(runtime.block_on(waiting).unwrap_err().is_cancelled());
        assert_eq!(loads.active(), 0);
    }

    #[test]
    fn loads_of_many_threads_are_told_apart() {
        let loads = Loads::new();
        std::thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| {
                    for _ in 0..1_000 {
                        let one = loads.begin("one");
                        let _other = loads.begin("other");
                        drop(one);
                        assert!(loads.active() >= 1);
                    }
                });
            }
        });
        assert_eq!((loads.active(), lock(&loads.0).next), (0, 8_000));
    }
}
