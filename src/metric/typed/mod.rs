//! Typed families: the values of most labels are known to the compiler, so a look-up is an index into a table.
//!
//! [`label`] is what a label set is, [`place`] what the table holds, [`core`] the way to a series that is not there yet. The way of
//! `family.inc(&labels)`: work out the combination's index, load its place, add to the slot that stands there. With run-time strings
//! the row of these strings is looked up first, in [`rows`](super::rows).
//!
//! Series are made on first use and stay as long as the family, so no place is ever emptied and a look-up needs no guard.

pub(crate) mod core;
pub(crate) mod label;
pub(crate) mod place;

use std::fmt;
use std::marker::PhantomData;
use std::time::Duration;

use self::core::TypedCore;
use self::label::{LabelSet, TypedLabel, combinations, strings};
use self::place::{Place, Placed};
use super::counter::{Counter, UpDownCounter};
use super::descriptor::Descriptor;
use super::family::Instrument;
use super::float_counter::FloatCounter;
use super::gauge::Gauge;
use super::histogram::Histogram;
use super::histogram::nanoseconds;
use super::label::MOST_LIMIT;
use crate::registry::Faults;
use crate::shard;
use crate::snapshot::Source;

/// Metrics of one name that differ by labels which the compiler knows.
///
/// It is registered by [`Registry::typed_counter_family`](crate::Registry::typed_counter_family) and its like. Cloning is cheap, and
/// all clones are the same family. Where all labels are dense (see [`LabelSet`]) a look-up is a few instructions; a
/// [`handle`](Self::handle) saves even those.
///
/// A series is there from its first use, or from [`declare`](Self::declare), and stays for as long as the family: there are only so many.
///
/// # Examples
///
/// ```
/// # #[cfg(not(feature = "derive"))]
/// # fn main() {}
/// # #[cfg(feature = "derive")]
/// # fn main() -> Result<(), tachograph::RegisterError> {
/// use tachograph::{Counter, LabelSet, LabelValue, Registry, TypedFamily};
///
/// #[derive(LabelValue)]
/// enum Outcome {
///     Done,
///     Failed,
/// }
///
/// #[derive(LabelSet)]
/// struct Job {
///     urgent: bool,
///     outcome: Outcome,
/// }
///
/// let registry = Registry::new();
/// let jobs: TypedFamily<Counter, Job> = registry.typed_counter_family("jobs_total", "Jobs.")?;
/// jobs.declare_all();
/// jobs.inc(&Job { urgent: true, outcome: Outcome::Failed });
/// assert_eq!(
///     registry.snapshot().text(),
///     "# HELP jobs_total Jobs.\n\
///      ## TYPE jobs_total counter\n\
///      jobs_total{urgent=\"false\",outcome=\"done\"} 0\n\
///      jobs_total{urgent=\"false\",outcome=\"failed\"} 0\n\
///      jobs_total{urgent=\"true\",outcome=\"done\"} 0\n\
///      jobs_total{urgent=\"true\",outcome=\"failed\"} 1\n"
/// );
/// # Ok(())
/// # }
/// ```
///
/// A struct that borrows its strings is named with `'static` where the family is kept, and takes strings of any lifetime:
///
/// ```
/// # #[cfg(not(feature = "derive"))]
/// # fn main() {}
/// # #[cfg(feature = "derive")]
/// # fn main() -> Result<(), tachograph::RegisterError> {
/// use tachograph::{Counter, LabelSet, Registry, TypedFamily};
///
/// #[derive(LabelSet)]
/// struct Load<'a> {
///     scene: &'a str,
///     cached: bool,
/// }
///
/// struct Metrics {
///     loads: TypedFamily<Counter, Load<'static>>,
/// }
///
/// let metrics = Metrics { loads: Registry::new().typed_counter_family("loads_total", "Scenes loaded.")? };
/// let scene = String::from("lobby");
/// metrics.loads.inc(&Load { scene: &scene, cached: false });
/// assert_eq!(metrics.loads.handle(&Load { scene: "lobby", cached: false }).value(), 1);
/// # Ok(())
/// # }
/// ```
///
/// Each kind is written to as its handles are, labels first:
///
/// ```
/// # #[cfg(not(feature = "derive"))]
/// # fn main() {}
/// # #[cfg(feature = "derive")]
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// use tachograph::{Buckets, LabelSet, Registry};
///
/// #[derive(LabelSet)]
/// struct Disk {
///     ssd: bool,
/// }
/// const SSD: Disk = Disk { ssd: true };
///
/// let registry = Registry::new();
/// let read = registry.typed_counter_family::<Disk>("read_bytes_total", "Bytes read.")?;
/// read.inc_by(&SSD, 512);
/// let busy = registry.typed_float_counter_family::<Disk>("busy_seconds_total", "Time at work.")?;
/// busy.inc_by(&SSD, 0.25);
/// let open = registry.typed_up_down_counter_family::<Disk>("open_files", "Files open now.")?;
/// open.inc_by(&SSD, 3);
/// open.dec(&SSD);
/// let heat = registry.typed_gauge_family::<Disk>("heat_celsius", "Temperature.")?;
/// heat.set(&SSD, 21.0);
/// heat.inc_by(&SSD, 0.5);
/// let wait = registry.typed_histogram_family::<Disk>("wait_seconds", "Time to read.", Buckets::seconds(&[0.1])?)?;
/// wait.observe(&SSD, 20_000_000);
/// wait.observe_f64(&SSD, 0.02);
/// wait.declare(&Disk { ssd: false }); // at 0, from now on
///
/// assert_eq!((read.handle(&SSD).value(), read.len()), (512, 1));
/// assert_eq!((open.handle(&SSD).value(), heat.handle(&SSD).value()), (2, 21.5));
/// assert_eq!((wait.handle(&SSD).count(), wait.len()), (2, 2));
/// # Ok(())
/// # }
/// ```
pub struct TypedFamily<M: Instrument, L: LabelSet> {
    core: std::sync::Arc<TypedCore<M>>,
    /// Covariant, and of no thread: a family of `Load<'static>` takes a `Load<'_>`.
    labels: PhantomData<fn() -> L>,
}

impl<M: Instrument, L: LabelSet> Clone for TypedFamily<M, L> {
    fn clone(&self) -> Self {
        Self { core: std::sync::Arc::clone(&self.core), labels: PhantomData }
    }
}

impl<M: Instrument, L: LabelSet> fmt::Debug for TypedFamily<M, L> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TypedFamily")
            .field("descriptor", &self.core.descriptor)
            .field("labels", &L::LABELS)
            .field("series", &self.core.series())
            .finish_non_exhaustive()
    }
}

impl<M: Instrument, L: LabelSet> TypedFamily<M, L> {
    /// Whether every label is dense, so that no string is looked up.
    const DENSE: bool = strings(L::LABELS) == 0;

    pub(crate) fn new(descriptor: Descriptor, shape: M::Shape, faults: std::sync::Arc<Faults>) -> Self {
        const { TypedLabel::check(L::LABELS) };
        let limit = if Self::DENSE { usize::MAX } else { L::LIMIT.min(MOST_LIMIT) };
        let core = TypedCore::new(descriptor, L::LABELS, limit, shape, faults);
        Self { core: std::sync::Arc::new(core), labels: PhantomData }
    }

    /// The series with these labels, made at zero if there is none: a handle that needs no look-up.
    pub fn handle(&self, labels: &L) -> M {
        labels.with_strings(|strings| self.core.series_of(labels.index(), strings))
    }

    /// Has the series with these labels exist, at zero until it is counted: a rate over a series that is born at its first increment
    /// misses that increment.
    pub fn declare(&self, labels: &L) {
        self.handle(labels);
    }

    /// Has every series exist. The label set must be dense: a run-time string stops the compiler here.
    ///
    /// ```compile_fail
    /// # use tachograph::{Registry, LabelSet};
    /// #[derive(LabelSet)]
    /// struct Load<'a> {
    ///     scene: &'a str,
    /// }
    ///
    /// Registry::new().typed_counter_family::<Load>("loads_total", "Scenes loaded.").unwrap().declare_all();
    /// ```
    pub fn declare_all(&self) {
        const { assert!(Self::DENSE, "a label set with run-time strings has no end of series: declare those that you know of") };
        for index in 0..combinations(L::LABELS) {
            self.core.series_of(index, &[]);
        }
    }

    /// Series of this family now.
    #[expect(clippy::len_without_is_empty, reason = "a family is no container to be asked for emptiness")]
    pub fn len(&self) -> usize {
        self.core.series()
    }

    pub(crate) fn source(&self) -> std::sync::Arc<dyn Source> {
        std::sync::Arc::clone(&self.core) as std::sync::Arc<dyn Source>
    }

    /// Calls `found` with what stands in the place of these labels, or `made` with a handle if that place was empty.
    #[inline]
    fn with<R>(&self, labels: &L, found: impl FnOnce(Found<'_, M>) -> R, made: impl FnOnce(&M) -> R) -> R {
        let (core, index) = (&*self.core, labels.index());
        let place = if Self::DENSE {
            core.places.get(index)
        } else {
            labels.with_strings(|strings| core.rows.find(strings)).and_then(|row| row.get(index))
        };
        match place.and_then(Place::get) {
            Some(cells) => found(cells),
            None => labels.with_strings(|strings| core.with_missing(index, strings, found, made)),
        }
    }
}

/// What stands in a filled place.
type Found<'a, M> = <<M as Placed>::Place as Place<M>>::Found<'a>;

impl<L: LabelSet> TypedFamily<Counter, L> {
    /// Adds one to the series with these labels.
    #[inline]
    pub fn inc(&self, labels: &L) {
        self.inc_by(labels, 1);
    }

    /// Adds `n` to the series with these labels.
    #[inline]
    pub fn inc_by(&self, labels: &L, n: u64) {
        self.with(labels, move |slot| shard::inc_by(slot, n), move |counter| counter.inc_by(n));
    }
}

impl<L: LabelSet> TypedFamily<FloatCounter, L> {
    /// Adds `x` to the series with these labels.
    #[inline]
    pub fn inc_by(&self, labels: &L, x: f64) {
        self.with(labels, move |counter| counter.inc_by(x), move |counter| counter.inc_by(x));
    }
}

impl<L: LabelSet> TypedFamily<UpDownCounter, L> {
    /// Adds one to the series with these labels.
    #[inline]
    pub fn inc(&self, labels: &L) {
        self.inc_by(labels, 1);
    }

    /// Takes one from the series with these labels.
    #[inline]
    pub fn dec(&self, labels: &L) {
        self.inc_by(labels, -1);
    }

    /// Adds `n`, which may be negative, to the series with these labels.
    #[inline]
    pub fn inc_by(&self, labels: &L, n: i64) {
        self.with(labels, move |slot| shard::inc_by(slot, n as u64), move |counter| counter.inc_by(n));
    }
}

impl<L: LabelSet> TypedFamily<Gauge, L> {
    /// Sets the series with these labels.
    #[inline]
    pub fn set(&self, labels: &L, value: f64) {
        self.with(labels, move |gauge| gauge.set(value), move |gauge| gauge.set(value));
    }

    /// Adds `n`, which may be negative, to the series with these labels.
    #[inline]
    pub fn inc_by(&self, labels: &L, n: f64) {
        self.with(labels, move |gauge| gauge.inc_by(n), move |gauge| gauge.inc_by(n));
    }
}

impl<L: LabelSet> TypedFamily<Histogram, L> {
    /// Counts a value in base units in the series with these labels.
    #[inline]
    pub fn observe(&self, labels: &L, value: u64) {
        self.with(labels, move |histogram| histogram.observe(value), move |histogram| histogram.observe(value));
    }

    /// Counts a duration in the series with these labels.
    #[inline]
    pub fn observe_duration(&self, labels: &L, duration: Duration) {
        self.observe(labels, nanoseconds(duration));
    }

    /// Counts a value in the unit that a scrape shows in the series with these labels; see [`Histogram::observe_f64`].
    #[inline]
    pub fn observe_f64(&self, labels: &L, value: f64) {
        self.with(labels, move |histogram| histogram.observe_f64(value), move |histogram| histogram.observe_f64(value));
    }
}
