//! Registries: which families there are, that no two clash, and where their snapshots are published.

mod callback;
mod collector;
mod core;
pub(crate) mod engine;
mod error;
mod faults;
mod global;
mod instruments;
mod own_labels;
mod typed;

use std::sync::Arc;

pub(crate) use collector::Failure;
pub use collector::{Collector, Sink};
pub use error::RegisterError;

pub(crate) use core::RegistryCore;
pub(crate) use faults::Faults;
pub(crate) use own_labels::OwnLabels;

use collector::Registered;

use crate::metric::bucket::Buckets;
use crate::metric::counter::{Counter, UpDownCounter};
use crate::metric::descriptor::{Descriptor, Kind};
use crate::metric::family::{Family, Instrument};
use crate::metric::gauge::Gauge;
use crate::metric::histogram::{Histogram, Shape};
use crate::metric::label::Labels;
use crate::snapshot::window::Window;
use crate::snapshot::{self, Snapshot, Source};

/// A set of families that are scraped together.
///
/// Registries are independent: two in one process never see each other's series. Cloning is cheap, and clones are the same
/// registry. When the last clone, the last handle and the last snapshot are dropped, the memory of its series serves others.
///
/// # Examples
///
/// ```
/// let registry = tachograph::Registry::new();
/// let jobs = registry.counter("jobs_total", "Jobs done.")?;
/// jobs.inc();
/// assert_eq!(
///     registry.snapshot().text(),
///     "# HELP jobs_total Jobs done.\n# TYPE jobs_total counter\njobs_total 1\n"
/// );
///
/// let error = registry.gauge("jobs_total", "Something else.").unwrap_err();
/// assert_eq!(
///     error.to_string(),
///     "the counter \"jobs_total\" is registered already: rename one of them"
/// );
/// # Ok::<(), tachograph::RegisterError>(())
/// ```
#[derive(Clone, Debug)]
pub struct Registry(Arc<RegistryCore>);

impl Default for Registry {
    fn default() -> Self {
        Self::new()
    }
}

impl Registry {
    /// An empty registry.
    pub fn new() -> Self {
        Self::with_labels([]).expect("no label is no wrong label")
    }

    /// An empty registry whose series all carry these labels, in every format before their own: what tells one instance of a service
    /// from others. They cost nothing a series. A label whose value is empty is left out, as a scraper would.
    ///
    /// # Errors
    ///
    /// [`RegisterError::InvalidOwnLabel`] when a name is not legal, is there twice, or is `le` or `quantile`, or when they are more than
    /// 64. A family with a label of one of these names, or with more than 64 labels with these, is refused later.
    ///
    /// # Examples
    ///
    /// ```
    /// let registry = tachograph::Registry::with_labels([("service", "api")])?;
    /// let jobs = registry.counter_family("jobs_total", "Jobs done.", ["queue"])?;
    /// jobs.inc(["mail"]);
    /// let snapshot = registry.snapshot();
    /// assert!(snapshot.text().ends_with("\njobs_total{service=\"api\",queue=\"mail\"} 1\n"));
    /// assert_eq!(snapshot.own_labels(), "service=\"api\"");
    ///
    /// let error = registry.gauge_family("depth", "Jobs waiting.", ["service"]).unwrap_err();
    /// assert_eq!(
    ///     error.to_string(),
    ///     "label \"service\" of \"depth\" is refused: it is one of the registry's own, which all series carry"
    /// );
    /// # Ok::<(), tachograph::RegisterError>(())
    /// ```
    pub fn with_labels<'a>(labels: impl IntoIterator<Item = (&'a str, &'a str)>) -> Result<Self, RegisterError> {
        Ok(Self(Arc::new(RegistryCore::new(OwnLabels::new(labels)?))))
    }

    /// Registers a counter without labels.
    ///
    /// # Errors
    ///
    /// [`RegisterError`] when the name is not legal, does not end in `_total` or clashes, or when there is no room.
    pub fn counter(&self, name: &str, help: &str) -> Result<Counter, RegisterError> {
        self.counter_family(name, help, []).map(|family| family.handle([]))
    }

    /// Registers an up-down counter without labels; it is exposed as a gauge.
    ///
    /// # Errors
    ///
    /// [`RegisterError`] when the name is not legal or clashes, or when there is no room.
    pub fn up_down_counter(&self, name: &str, help: &str) -> Result<UpDownCounter, RegisterError> {
        self.up_down_counter_family(name, help, []).map(|family| family.handle([]))
    }

    /// Registers a gauge without labels.
    ///
    /// # Errors
    ///
    /// [`RegisterError`] when the name is not legal or clashes.
    pub fn gauge(&self, name: &str, help: &str) -> Result<Gauge, RegisterError> {
        self.gauge_family(name, help, []).map(|family| family.handle([]))
    }

    /// Registers a histogram without labels.
    ///
    /// # Errors
    ///
    /// [`RegisterError`] when the name is not legal or clashes, or when there is no room.
    pub fn histogram(&self, name: &str, help: &str, buckets: Buckets) -> Result<Histogram, RegisterError> {
        self.histogram_family(name, help, [], buckets).map(|family| family.handle([]))
    }

    /// Registers counters with labels.
    ///
    /// # Errors
    ///
    /// As [`counter`](Self::counter), and [`RegisterError::InvalidLabel`].
    pub fn counter_family<const N: usize>(
        &self,
        name: &str,
        help: &str,
        labels: impl Into<Labels<N>>,
    ) -> Result<Family<Counter, N>, RegisterError> {
        self.family(Descriptor::new(name, Kind::Counter, help)?, labels.into(), ())
    }

    /// Registers up-down counters with labels.
    ///
    /// # Errors
    ///
    /// As [`up_down_counter`](Self::up_down_counter), and [`RegisterError::InvalidLabel`].
    pub fn up_down_counter_family<const N: usize>(
        &self,
        name: &str,
        help: &str,
        labels: impl Into<Labels<N>>,
    ) -> Result<Family<UpDownCounter, N>, RegisterError> {
        self.family(Descriptor::new(name, Kind::Gauge, help)?, labels.into(), ())
    }

    /// Registers gauges with labels.
    ///
    /// # Errors
    ///
    /// As [`gauge`](Self::gauge), and [`RegisterError::InvalidLabel`].
    pub fn gauge_family<const N: usize>(
        &self,
        name: &str,
        help: &str,
        labels: impl Into<Labels<N>>,
    ) -> Result<Family<Gauge, N>, RegisterError> {
        self.family(Descriptor::new(name, Kind::Gauge, help)?, labels.into(), ())
    }

    /// Registers histograms with labels, all with the same buckets.
    ///
    /// # Errors
    ///
    /// As [`histogram`](Self::histogram), and [`RegisterError::InvalidLabel`].
    pub fn histogram_family<const N: usize>(
        &self,
        name: &str,
        help: &str,
        labels: impl Into<Labels<N>>,
        buckets: Buckets,
    ) -> Result<Family<Histogram, N>, RegisterError> {
        let shape = Shape::new(buckets, self.0.shared_faults());
        self.family(Descriptor::new(name, Kind::Histogram, help)?, labels.into(), shape)
    }

    /// Registers a collector, whose values are read when a snapshot is taken. `name` tells it from others in
    /// `tachograph_collector_failures_total`.
    ///
    /// # Errors
    ///
    /// [`RegisterError`] when a family that it describes clashes or is not legal; then none of them is registered.
    pub fn register_collector(&self, name: &str, collector: impl Collector) -> Result<(), RegisterError> {
        let described = collector.describe()?;
        described.iter().try_for_each(|family| self.0.own_labels().check(family, &[]))?;
        let mut families = self.0.families();
        families.claims.claim(&described)?;
        families.collectors.push(Arc::new(Registered::new(name, described, collector, Arc::clone(self.0.own_labels()))));
        Ok(())
    }

    /// Adds the engine's own families to this registry's scrapes, `tachograph_*`: what it costs and what it refused. Once is
    /// enough; further calls change nothing.
    ///
    /// # Errors
    ///
    /// [`RegisterError::Clash`] when one of them is taken.
    ///
    /// # Examples
    ///
    /// ```
    /// let registry = tachograph::Registry::new();
    /// registry.register_engine_metrics()?;
    /// assert!(registry.snapshot().text().contains("\ntachograph_observations_refused_total 0\n"));
    /// # Ok::<(), tachograph::RegisterError>(())
    /// ```
    pub fn register_engine_metrics(&self) -> Result<(), RegisterError> {
        engine::register(self)
    }

    /// Takes a snapshot and waits for it. It holds every increment that happened before the call.
    ///
    /// Callers that wait at the same time share one fold. Not for async code, which must not block: see
    /// [`snapshot_with`](Self::snapshot_with).
    pub fn snapshot(&self) -> Arc<Snapshot> {
        let (sender, receiver) = std::sync::mpsc::sync_channel(1);
        snapshot::ask(&self.0, Box::new(move |snapshot| _ = sender.send(snapshot)));
        // Without an answer the fold has panicked; if it does so here again, the caller shall know.
        receiver.recv().unwrap_or_else(|_| snapshot::take_now(&self.0))
    }

    /// Takes a snapshot and hands it to `reply`, on the snapshot thread: do no work there, pass it on. The call itself does not
    /// wait. Should the engine fail, `reply` is dropped without being called.
    ///
    /// # Examples
    ///
    /// ```
    /// let registry = tachograph::Registry::new();
    /// let (sender, receiver) = std::sync::mpsc::channel();
    /// registry.snapshot_with(move |snapshot| _ = sender.send(snapshot));
    /// assert_eq!(receiver.recv()?.series_count(), 0);
    /// # Ok::<(), std::sync::mpsc::RecvError>(())
    /// ```
    pub fn snapshot_with(&self, reply: impl FnOnce(Arc<Snapshot>) + Send + 'static) {
        snapshot::ask(&self.0, Box::new(reply));
    }

    /// The last snapshot that was taken, for readers to whom an old one will do.
    ///
    /// # Examples
    ///
    /// ```
    /// let registry = tachograph::Registry::new();
    /// assert!(registry.last_snapshot().is_none());
    /// let taken = registry.snapshot();
    /// assert!(std::sync::Arc::ptr_eq(&taken, &registry.last_snapshot().unwrap()));
    /// ```
    pub fn last_snapshot(&self) -> Option<Arc<Snapshot>> {
        self.0.last_snapshot()
    }

    /// Heap bytes of the process's shards and this registry's tables: what `tachograph_held_bytes` shows.
    ///
    /// # Examples
    ///
    /// ```
    /// let registry = tachograph::Registry::new();
    /// let before = registry.held_bytes();
    /// let jobs = registry.counter_family("jobs_total", "Jobs done.", ["queue"])?;
    /// (0..100).for_each(|queue| jobs.inc([&*queue.to_string()]));
    /// assert!(registry.held_bytes() > before);
    /// # Ok::<(), tachograph::RegisterError>(())
    /// ```
    pub fn held_bytes(&self) -> usize {
        engine::held_bytes(self.0.sources())
    }

    fn family<M: Instrument, const N: usize>(
        &self,
        descriptor: Descriptor,
        labels: Labels<N>,
        shape: M::Shape,
    ) -> Result<Family<M, N>, RegisterError> {
        let family = self.new_family(descriptor, labels, shape)?;
        self.register_sources(vec![family.source()])?;
        Ok(family)
    }

    /// A family for this registry that is not registered yet.
    pub(crate) fn new_family<M: Instrument, const N: usize>(
        &self,
        descriptor: Descriptor,
        labels: Labels<N>,
        shape: M::Shape,
    ) -> Result<Family<M, N>, RegisterError> {
        let descriptor = match labels.unit {
            Some(unit) => descriptor.with_unit(unit)?,
            None => descriptor.with_known_unit(M::unit(&shape)),
        };
        descriptor.validate_labels(&labels.names)?;
        if let Some(label) = labels.unknown() {
            return Err(RegisterError::InvalidLabel {
                family: descriptor.name().into(),
                label: label.into(),
                why: "it was called unbounded but is not among the family's labels",
            });
        }
        // Room for one series more than now, so that a process without room hears of it here and not at the first look-up.
        let cells = M::cells(&shape).map_err(|_| RegisterError::Exhausted { family: descriptor.name().into() })?;
        if labels.expire_after.is_some() {
            if M::idle(&cells).is_none() {
                return Err(RegisterError::CannotExpire { family: descriptor.name().into() });
            }
            self.keep_ticking();
        }
        Ok(Family::new(descriptor, labels, shape, self.0.shared_faults()))
    }

    /// Registers families, all or none.
    pub(crate) fn register_sources(&self, sources: Vec<Arc<dyn Source>>) -> Result<(), RegisterError> {
        for source in &sources {
            for family in source.descriptors() {
                self.0.own_labels().check(family, &source.label_names(family))?;
            }
        }
        let mut families = self.0.families();
        families.claims.claim(sources.iter().flat_map(|source| source.descriptors()).map(|family| &**family))?;
        families.sources.extend(sources);
        Ok(())
    }

    /// Has a window slide with the ticks of the snapshot thread.
    pub(crate) fn register_window(&self, window: &Arc<Window>) {
        self.0.windows().insert(window);
        self.keep_ticking();
    }

    /// The same with the window that has the latency of the requests.
    pub(crate) fn register_latency(&self, window: &Arc<Window>) {
        #[cfg(feature = "page")]
        self.0.set_latency(window);
        self.register_window(window);
    }

    /// The window that has the latency of the requests, those of monitoring endpoints left out; `None` without `HttpMetrics`.
    #[cfg(feature = "page")]
    pub(crate) fn latency(&self) -> Option<Arc<Window>> {
        self.0.latency()
    }

    /// Has the snapshot thread look at this registry with each of its ticks.
    fn keep_ticking(&self) {
        if self.0.is_first_to_tick() {
            snapshot::keep_ticking(&self.0);
        }
    }

    #[cfg(feature = "process")]
    pub(crate) fn process_registered(&self) -> std::sync::MutexGuard<'_, bool> {
        self.0.process_registered()
    }

    #[cfg(all(test, not(tachograph_loom)))]
    pub(crate) fn core(&self) -> &Arc<RegistryCore> {
        &self.0
    }

    pub(crate) fn faults(&self) -> Arc<Faults> {
        self.0.shared_faults()
    }
}

#[cfg(all(test, not(tachograph_loom)))]
mod tests;
