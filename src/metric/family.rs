//! Families: a name, and a series for each combination of label values.
//!
//! The way of `family.inc([...])`: hash the values, find the series in the label table, add to its slot: no lock and no
//! allocation. A combination that is not there yet takes the slow way once.

use std::fmt;
use std::sync::Arc;
use std::time::Instant;

use super::descriptor::Descriptor;
use super::expiry::{Expiry, Idle};
use super::label::{Labels, OTHER, fit};
use super::reading::reading;
use super::series::Series;
use super::table::{LabelTable, Refused, Sorted};
use super::typed::place::Placed;
use crate::registry::Faults;
use crate::shard::{Exhausted, Totals};
use crate::snapshot::{Previous, Reading, Source, Values};

/// What a kind of metric is made of, for the family that holds its series.
pub(crate) trait Parts: Sized + 'static {
    /// What one series counts in.
    type Cells: Send + Sync + fmt::Debug + 'static;
    /// What all series of a family share.
    type Shape: Clone + Send + Sync + fmt::Debug + 'static;

    /// New cells for a series, all at zero.
    fn cells(shape: &Self::Shape) -> Result<Self::Cells, Exhausted>;
    /// Cells that are exposed nowhere, for when there is no room for real ones.
    fn sink(shape: &Self::Shape) -> Self::Cells;
    /// What a series that may expire knows of who writes it.
    fn idle(_: &Self::Cells) -> Option<&Idle> {
        None
    }
    /// Whether a series has more cells than a page: too large to be kept once it is removed.
    fn is_large(_: &Self::Shape) -> bool {
        false
    }
    /// Heap bytes that the cells of a series own.
    fn heap_bytes(_: &Self::Cells) -> usize {
        0
    }
    /// The unit of the values, where the shape knows it.
    fn unit(_: &Self::Shape) -> Option<&'static str> {
        None
    }
    /// A handle to one series.
    fn handle(series: Series<Self::Cells>, shape: &Self::Shape) -> Self;
    /// The values of these series in a fold; of those that it could not read whole, what the family's last snapshot says.
    fn values(series: &[Series<Self::Cells>], shape: &Self::Shape, totals: &Totals, previous: &Previous<'_>) -> Values;
}

mod sealed {
    /// Keeps [`super::Instrument`] to this crate's types.
    pub trait Sealed {}
}
pub(crate) use sealed::Sealed;

/// The kinds of metric that a [`Family`] can hold: [`Counter`](crate::Counter), [`FloatCounter`](crate::FloatCounter),
/// [`UpDownCounter`](crate::UpDownCounter), [`Gauge`](crate::Gauge), [`Histogram`](crate::Histogram),
/// [`GaugeHistogram`](crate::GaugeHistogram), [`Summary`](crate::Summary), [`Info`](crate::Info) and [`StateSet`](crate::StateSet).
///
/// # Examples
///
/// ```
/// use tachograph::{Counter, Family, Gauge, Instrument, Registry};
///
/// /// Drops the series of a queue, whatever kinds of metric it has.
/// fn forget<M: Instrument>(family: &Family<M, 1>, queue: &str) -> bool {
///     family.remove([queue])
/// }
///
/// let registry = Registry::new();
/// let jobs: Family<Counter, 1> = registry.counter_family("jobs_total", "Jobs done.", ["queue"])?;
/// let depth: Family<Gauge, 1> = registry.gauge_family("queue_depth", "Jobs waiting.", ["queue"])?;
/// depth.set(["mail"], 4.0);
/// assert_eq!((forget(&jobs, "mail"), forget(&depth, "mail")), (false, true));
/// # Ok::<(), tachograph::RegisterError>(())
/// ```
#[expect(private_bounds, reason = "the parts are the engine's own, the trait is sealed by them")]
pub trait Instrument: Sealed + Placed {}

/// Metrics of one name that differ by the values of `N` labels.
///
/// Cloning is cheap, and all clones are the same family. Calls on the family look the series up each time, without a lock;
/// where the labels are known beforehand, keep the [`handle`](Self::handle).
///
/// # Examples
///
/// ```
/// let registry = tachograph::Registry::new();
/// let jobs = registry.counter_family("jobs_total", "Jobs done.", ["queue", "result"])?;
/// jobs.inc(["mail", "ok"]);
///
/// let failed = jobs.handle(["mail", "error"]);
/// assert_eq!(
///     registry.snapshot().text(),
///     "# HELP jobs_total Jobs done.\n\
///      ## TYPE jobs_total counter\n\
///      jobs_total{queue=\"mail\",result=\"error\"} 0\n\
///      jobs_total{queue=\"mail\",result=\"ok\"} 1\n"
/// );
/// failed.inc();
/// assert_eq!(jobs.handle(["mail", "error"]).value(), 1);
/// # Ok::<(), tachograph::RegisterError>(())
/// ```
///
/// Each kind is written to as its handles are, labels first:
///
/// ```
/// use tachograph::{Buckets, Quantiles, Registry};
///
/// let registry = Registry::new();
/// let sent = registry.counter_family("sent_bytes_total", "Bytes sent.", ["peer"])?;
/// sent.inc_by(["b"], 512);
/// let busy = registry.float_counter_family("busy_seconds_total", "Time at work.", ["worker"])?;
/// busy.inc_by(["1"], 0.25);
/// let open = registry.up_down_counter_family("open_files", "Files open now.", ["disk"])?;
/// open.inc_by(["a"], 3);
/// open.dec(["a"]);
/// let heat = registry.gauge_family("heat_celsius", "Temperature.", ["room"])?;
/// heat.set(["attic"], 21.0);
/// heat.inc_by(["attic"], 0.5);
/// let wait = registry.histogram_family("wait_seconds", "Time in the queue.", ["queue"], Buckets::seconds(&[0.1])?)?;
/// wait.observe(["mail"], 20_000_000);
/// wait.observe_f64(["mail"], 0.02);
/// let batch = registry.summary_family("batch_items", "Items a batch.", ["queue"], Quantiles::whole(&[1.0])?)?;
/// batch.observe(["mail"], 12);
/// let waiting = registry.gauge_histogram_family("waiting_bytes", "Jobs by size.", ["queue"], Buckets::bytes(&[1024])?)?;
/// waiting.set(["mail"], &[3, 1], 9000.0);
/// let link = registry.state_set_family("link", "State of a link.", ["port"], &["up", "down"])?;
/// link.set(["1"], "up");
/// let part = registry.info_family("part_info", "Versions.", ["part", "version"])?;
/// part.set(["engine", "4.3"]);
///
/// assert_eq!((sent.handle(["b"]).value(), sent.len()), (512, 1));
/// assert_eq!((open.handle(["a"]).value(), heat.handle(["attic"]).value()), (2, 21.5));
/// assert_eq!(wait.handle(["mail"]).count(), 2);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct Family<M: Instrument, const N: usize>(Arc<FamilyCore<M, N>>);

pub(crate) struct FamilyCore<M: Instrument, const N: usize> {
    descriptor: Arc<Descriptor>,
    labels: Labels<N>,
    shape: M::Shape,
    table: LabelTable<M::Cells>,
    expiry: Option<Expiry>,
    faults: Arc<Faults>,
}

impl<M: Instrument, const N: usize> Clone for Family<M, N> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<M: Instrument, const N: usize> fmt::Debug for Family<M, N> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let core = &*self.0;
        f.debug_struct("Family")
            .field("descriptor", &core.descriptor)
            .field("labels", &core.labels.names)
            .field("series", &core.table.len())
            .finish_non_exhaustive()
    }
}

impl<M: Instrument, const N: usize> Family<M, N> {
    pub(crate) fn new(descriptor: Descriptor, labels: Labels<N>, shape: M::Shape, faults: Arc<Faults>) -> Self {
        let guarded = labels.expire_after.is_some() || M::is_large(&shape);
        let table = if guarded { LabelTable::guarded(&labels.names) } else { LabelTable::new(&labels.names) };
        let expiry = labels.expire_after.map(|after| Expiry::new(after, Instant::now()));
        let descriptor = Arc::new(descriptor);
        Self(Arc::new(FamilyCore { descriptor, labels, shape, table, expiry, faults }))
    }

    /// The series with these label values, made at zero if there is none: a handle that needs no look-up.
    ///
    /// Past the family's limit of series, and with a value of more than 2 048 bytes, the handle is to the series in which the unbounded
    /// labels are `other`.
    pub fn handle(&self, values: [&str; N]) -> M {
        let mut series = self.0.series_of(values);
        // One that has expired meanwhile is out of the table when this comes back, or is no longer about to go.
        while !M::idle(&series.value).is_none_or(Idle::hold) {
            series = self.0.series_of(values);
        }
        M::handle(series, &self.0.shape)
    }

    /// Removes the series with these label values from the scrapes; whether there was one.
    ///
    /// Handles to it stay valid, but what they count is no longer exposed. The same labels looked up again make a new series,
    /// at zero. Remove a counter only when what it counts is gone for good: its return looks like a restart.
    ///
    /// Look-ups in a family are dearer by a guard from its first removal on, some nanoseconds, and the series that it has at that moment
    /// keep their memory for as long as the family is there. Later ones give it back when they are removed.
    ///
    /// # Examples
    ///
    /// ```
    /// let registry = tachograph::Registry::new();
    /// let depth = registry.gauge_family("queue_depth", "Jobs waiting.", ["queue"])?;
    /// depth.set(["mail"], 4.0);
    /// assert!(depth.remove(["mail"]));
    /// assert!(!depth.remove(["mail"]));
    /// # Ok::<(), tachograph::RegisterError>(())
    /// ```
    pub fn remove(&self, values: [&str; N]) -> bool {
        self.0.table.remove(&values)
    }

    /// Series of this family now.
    #[expect(clippy::len_without_is_empty, reason = "a family is no container to be asked for emptiness")]
    pub fn len(&self) -> usize {
        self.0.table.len()
    }

    /// Whether series may expire.
    #[inline]
    pub(crate) fn expires(&self) -> bool {
        self.0.expiry.is_some()
    }

    pub(crate) fn source(&self) -> Arc<dyn Source> {
        Arc::clone(&self.0) as Arc<dyn Source>
    }

    /// Calls `f` with the cells of the series of these values, so that nobody can get them while `f` writes.
    #[inline]
    pub(crate) fn with_cells<R>(&self, values: [&str; N], f: impl Fn(&M::Cells, &M::Shape) -> R) -> R {
        let core = &*self.0;
        match core.table.look_up(&values, |entry| f(&entry.value, &core.shape)) {
            Some(result) => result,
            None => core.with_missing(values, f),
        }
    }

    /// The same, once the table's mutex was free.
    #[cold]
    pub(crate) fn with_new_cells<R>(&self, values: [&str; N], f: impl Fn(&M::Cells, &M::Shape) -> R) -> R {
        f(&self.0.series_of(values).value, &self.0.shape)
    }
}

impl<M: Instrument, const N: usize> FamilyCore<M, N> {
    /// Calls `f` with the cells of a series that was not found. Past the limit this is the usual way under a scan, so it then takes
    /// no lock either.
    #[cold]
    fn with_missing<R>(&self, values: [&str; N], f: impl Fn(&M::Cells, &M::Shape) -> R) -> R {
        let overflowing = || self.table.look_up(&self.given_way(values), |entry| f(&entry.value, &self.shape));
        let has_room = self.table.len() < self.labels.limit && fit(&values);
        match if has_room { None } else { overflowing() } {
            Some(result) => {
                self.faults.series_refused(self.descriptor.name());
                result
            }
            None => f(&self.series_of(values).value, &self.shape),
        }
    }

    /// The series of these values, made if there is room and they are not too long, else the overflow series, else one that is exposed
    /// nowhere.
    #[cold]
    fn series_of(&self, values: [&str; N]) -> Series<M::Cells> {
        let make = || M::cells(&self.shape);
        if let Ok(series) = self.table.insert(&values, self.labels.limit, make) {
            return series;
        }
        self.faults.series_refused(self.descriptor.name());
        // Labels that were called bounded and are not would go on growing: as many again, then all give way.
        self.table
            .insert(&self.given_way(values), self.labels.limit.saturating_mul(2), make)
            .or_else(|_| self.table.insert(&[OTHER; N], usize::MAX, make))
            .unwrap_or_else(|_: Refused<Exhausted>| Series::detached(M::sink(&self.shape)))
    }

    /// The series that a snapshot of now shows, by label values: all but those that have expired. They are taken out of the table, but
    /// those that somebody has a handle to.
    fn living(&self, now: Instant) -> Sorted<M::Cells> {
        let series = self.table.sorted();
        let Some(expiry) = &self.expiry else { return series };
        let now = expiry.moment(now);
        let alive = |idle: Option<&Idle>| idle.is_none_or(|idle| idle.look(expiry, now));
        let alive: Vec<_> = series.iter().filter(|series| alive(M::idle(&series.value))).cloned().collect();
        if alive.len() == series.len() {
            return series;
        }
        self.table.retain(|cells| !M::idle(cells).is_some_and(|idle| idle.give_up(expiry, now)));
        alive.into()
    }

    /// The values of the overflow series of these.
    fn given_way<'a>(&self, mut values: [&'a str; N]) -> [&'a str; N] {
        for (value, gives_way) in values.iter_mut().zip(self.labels.gives_way) {
            if gives_way {
                *value = OTHER;
            }
        }
        values
    }
}

impl<M: Instrument, const N: usize> Source for FamilyCore<M, N> {
    fn descriptors(&self) -> &[Arc<Descriptor>] {
        std::slice::from_ref(&self.descriptor)
    }

    fn label_names(&self, _family: &Descriptor) -> Vec<&str> {
        self.labels.names.to_vec()
    }

    fn list(&self) -> Reading {
        reading::<M>(&self.descriptor, &self.shape, self.living(Instant::now()), self.table.names())
    }

    fn series(&self) -> usize {
        self.table.len()
    }

    fn heap_bytes(&self) -> usize {
        self.table.heap_bytes() + self.table.sum(M::heap_bytes)
    }
}

#[cfg(all(test, not(tachograph_loom)))]
mod tests;
