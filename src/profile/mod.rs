//! Profiles of requests: the last thousand, the slowest beside them, and where their time went.
//!
//! A [`Profiler`] starts an [`OpenProfile`] for each request. Its [`Phase`]s are timed by guards, and when it is finished it goes into
//! the profiler's store, a fixed memory in which nobody waits for anybody: a ring of the last ones, the slowest of each route over the
//! last ten minutes, and those that exemplars name. [`Profiler::profiles`] copies them out.
//!
//! The way of a request through the files: `open` makes its words (`words`, `name`, `id`, `trace`), `store` takes them, into a slot of
//! the `ring`, and of the `pool` of the `slowest` and of those that are `pinned`, all by the clock of `age`; `finished` is what a reader gets.
//! With the feature `tracing`, `layer` makes phases of spans, and `scope` knows which request a thread works for.

mod age;
mod finished;
#[cfg(feature = "profiles")]
pub mod flame;
mod id;
#[cfg(feature = "tracing")]
mod layer;
mod metrics;
mod name;
mod open;
mod pinned;
mod pool;
#[cfg(feature = "profiles")]
pub mod query;
#[cfg(feature = "profiles")]
pub mod report;
mod ring;
#[cfg(feature = "tracing")]
mod scope;
#[cfg(feature = "server")]
pub(crate) mod server_timing;
mod share;
mod slowest;
#[cfg(feature = "profiles")]
pub mod statistics;
mod store;
mod trace;
mod words;

use std::sync::Arc;
use std::time::Duration;

pub use finished::{PhaseTiming, RequestProfile};
#[cfg(feature = "tracing")]
pub use layer::ProfileLayer;
pub use open::{OpenProfile, OwnedPhase, Phase, Sizes};
#[cfg(feature = "tracing")]
pub use scope::Scoped;
pub use trace::{TraceId, TraceIdError};

use crate::http::Method;
use crate::registry::{RegisterError, Registry};
use share::Shares;
use store::ProfileStore;

/// The status of a request that was dropped before it was finished (nginx's number for a client that has gone).
///
/// # Examples
///
/// ```
/// use tachograph::http::Method;
/// use tachograph::profile::{ABORTED, ProfileOptions, Profiler};
///
/// let profiler = Profiler::new(ProfileOptions::default());
/// drop(profiler.start("/scene", Method::Get));
/// assert_eq!(profiler.profiles()[0].status, ABORTED);
/// ```
pub const ABORTED: u16 = 499;

/// How a [`Profiler`] is set up. Its memory is allocated when it is made, 392 bytes a profile.
///
/// # Examples
///
/// ```
/// use tachograph::profile::{ProfileOptions, Profiler};
///
/// let profiler = Profiler::new(ProfileOptions { capacity: 10_000, ..ProfileOptions::default() });
/// assert!(Profiler::new(ProfileOptions::default()).heap_bytes() < 500_000);
/// assert!(profiler.heap_bytes() > 3_920_000);
/// ```
#[derive(Clone, Debug)]
pub struct ProfileOptions {
    /// Profiles in the ring: the last ones. 1 000; at least 1.
    pub capacity: usize,
    /// Profiles kept beside them for being the slowest of their route, of those that failed and of those that did not, over the last ten
    /// minutes. 80; at most 256.
    pub slowest: usize,
    /// Profiles kept beside them because an exemplar names them. 80.
    pub pinned: usize,
    /// How long a request takes that is slow. 100 ms.
    pub slow_threshold: Duration,
}

impl Default for ProfileOptions {
    fn default() -> Self {
        Self { capacity: 1_000, slowest: 80, pinned: 80, slow_threshold: Duration::from_millis(100) }
    }
}

/// Makes and keeps the profiles of requests. Cloning is cheap; clones are the same.
///
/// # Examples
///
/// ```
/// use tachograph::http::Method;
/// use tachograph::profile::{ProfileOptions, Profiler, Sizes};
///
/// let profiler = Profiler::new(ProfileOptions::default());
/// let profile = profiler.start("/scene", Method::Post);
/// {
///     let _reading = profile.phase("file_io");
///     let _parsing = profile.phase("parse"); // a part of it
/// }
/// profile.finish(200, Sizes { request_bytes: 21, response_bytes: 4_096 });
///
/// let profiles = profiler.profiles();
/// assert_eq!((&*profiles[0].endpoint, profiles[0].status), ("/scene", 200));
/// assert!(profiles[0].request_id.starts_with("scene_"));
/// let phases: Vec<_> = profiles[0].phases.iter().map(|phase| (&*phase.name, phase.parent)).collect();
/// assert_eq!(phases, [("file_io", None), ("parse", Some(0))]);
/// ```
///
/// # Consistency
///
/// A profile is read whole or not at all. One that is being written while it is read is not there yet.
///
/// What it keeps, and what it costs:
///
/// ```
/// use tachograph::http::Method;
/// use tachograph::profile::{ProfileOptions, Profiler, Sizes};
///
/// let registry = tachograph::Registry::new();
/// let profiler = Profiler::new(ProfileOptions { capacity: 100, ..ProfileOptions::default() });
/// profiler.register_metrics(&registry)?;
/// profiler.start("/scene", Method::Get).finish(200, Sizes::default());
/// assert_eq!((profiler.recorded(), profiler.dropped(), profiler.phases_dropped()), (1, 0, 0));
/// assert_eq!((profiler.options().capacity, profiler.most()), (100, 260));
/// assert!(registry.snapshot().text().contains("tachograph_profiles_total 1\n"));
/// // The first of its route and bucket stands for it.
/// assert_eq!(profiler.exemplars().len(), 1);
/// assert_eq!((profiler.clear(), profiler.profiles().len()), (1, 0));
/// # Ok::<(), tachograph::RegisterError>(())
/// ```
#[derive(Clone, Debug)]
pub struct Profiler(Arc<Shares>);

impl Profiler {
    /// Makes a profiler, and allocates all that it will ever have, but for the names of routes and phases (24 KB at most).
    pub fn new(options: ProfileOptions) -> Self {
        Self(Arc::new(Shares::new(options)))
    }

    /// Starts the profile of a request. `endpoint` is its route (`/scene/{id}`), never a path: there is room for 255 names of routes and
    /// phases together, of at most 128 bytes each and 12 KB in all, and what comes then is `other`.
    pub fn start(&self, endpoint: &str, method: Method) -> OpenProfile {
        OpenProfile::start(self, endpoint, method)
    }

    /// All profiles that are kept, each once, newest first.
    pub fn profiles(&self) -> Vec<RequestProfile> {
        self.store().profiles()
    }

    /// The most profiles that it keeps at once: those of the ring and all beside it.
    pub fn most(&self) -> usize {
        let ProfileOptions { capacity, slowest, pinned, .. } = self.store().options;
        capacity.max(1).saturating_add(slowest.min(slowest::MOST)).saturating_add(pinned)
    }

    /// The profiles that stand for their route and bucket of `http_request_duration_seconds`. They stay for ten minutes, however many come
    /// after them.
    pub fn exemplars(&self) -> Vec<RequestProfile> {
        self.store().exemplars()
    }

    /// Forgets all profiles that have ended by now, and tells how many there were. None that ends later is lost.
    pub fn clear(&self) -> usize {
        self.store().clear()
    }

    /// Registers what the profiler costs and has lost: `tachograph_profiles_total`, `tachograph_profiles_dropped_total`,
    /// `tachograph_profile_phases_dropped_total`, `tachograph_profile_names_refused_total` and `tachograph_profile_store_bytes`.
    ///
    /// # Errors
    ///
    /// [`RegisterError`] when one of the names is taken: a registry has one profiler. Then none of them is registered.
    pub fn register_metrics(&self, registry: &Registry) -> Result<(), RegisterError> {
        metrics::register(self, registry)
    }

    /// How it was set up.
    pub fn options(&self) -> &ProfileOptions {
        &self.store().options
    }

    /// Requests whose profile has ended, since the start.
    pub fn recorded(&self) -> u64 {
        self.store().recorded()
    }

    /// Profiles that were not kept: threads that were suspended in the middle of one held both places that they could take.
    pub fn dropped(&self) -> u64 {
        self.store().dropped()
    }

    /// Phases that there was no room for in their profile.
    pub fn phases_dropped(&self) -> u64 {
        self.store().phases_dropped()
    }

    /// How often there was no room for the name of a route or a phase, so that it became `other`.
    ///
    /// # Examples
    ///
    /// ```
    /// use tachograph::http::Method;
    /// use tachograph::profile::{ProfileOptions, Profiler};
    ///
    /// let profiler = Profiler::new(ProfileOptions::default());
    /// drop(profiler.start(&"/long".repeat(100), Method::Get).phase(&"long".repeat(100)));
    /// assert_eq!(profiler.names_refused(), 2);
    /// ```
    pub fn names_refused(&self) -> u64 {
        self.store().names_refused()
    }

    /// Bytes that it holds.
    ///
    /// # Examples
    ///
    /// ```
    /// use tachograph::profile::{ProfileOptions, Profiler};
    ///
    /// let profiler = Profiler::new(ProfileOptions { capacity: 10_000, ..ProfileOptions::default() });
    /// assert!(profiler.heap_bytes() > 10_000 * 392);
    /// ```
    pub fn heap_bytes(&self) -> usize {
        self.0.heap_bytes()
    }

    fn store(&self) -> &ProfileStore {
        &self.0.store
    }
}
