//! Families: a name, and a series for each combination of label values.
//!
//! The way of `family.inc([...])`: hash the values, find the series in the label table, add to its slot: no lock and no
//! allocation. A combination that is not there yet takes the slow way once.

use std::fmt;
use std::sync::Arc;

use super::descriptor::Descriptor;
use super::label::{Labels, OTHER};
use super::series::Series;
use super::table::{LabelTable, Refused, Sorted};
use super::typed::place::Placed;
use crate::registry::Faults;
use crate::shard::{Exhausted, Totals};
use crate::snapshot::{FamilySnapshot, LabelTexts, Previous, Reading, Source, Values};

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
/// [`GaugeHistogram`](crate::GaugeHistogram), [`Info`](crate::Info) and [`StateSet`](crate::StateSet).
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
pub struct Family<M: Instrument, const N: usize>(Arc<FamilyCore<M, N>>);

pub(crate) struct FamilyCore<M: Instrument, const N: usize> {
    descriptor: Arc<Descriptor>,
    labels: Labels<N>,
    shape: M::Shape,
    table: LabelTable<M::Cells>,
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
        let table = LabelTable::new(&labels.names);
        Self(Arc::new(FamilyCore { descriptor: Arc::new(descriptor), labels, shape, table, faults }))
    }

    /// The series with these label values, made at zero if there is none: a handle that needs no look-up.
    ///
    /// Past the family's limit of series, the handle is to the series in which the unbounded labels are `other`.
    pub fn handle(&self, values: [&str; N]) -> M {
        M::handle(self.0.series_of(values), &self.0.shape)
    }

    /// Removes the series with these label values from the scrapes; whether there was one.
    ///
    /// Handles to it stay valid, but what they count is no longer exposed. The same labels looked up again make a new series,
    /// at zero. Remove a counter only when what it counts is gone for good: its return looks like a restart.
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
}

impl<M: Instrument, const N: usize> FamilyCore<M, N> {
    /// Calls `f` with the cells of a series that was not found. Past the limit this is the usual way under a scan, so it then takes
    /// no lock either.
    #[cold]
    fn with_missing<R>(&self, values: [&str; N], f: impl Fn(&M::Cells, &M::Shape) -> R) -> R {
        let overflowing = || self.table.look_up(&self.given_way(values), |entry| f(&entry.value, &self.shape));
        match if self.table.len() >= self.labels.limit { overflowing() } else { None } {
            Some(result) => {
                self.faults.series_refused(self.descriptor.name());
                result
            }
            None => f(&self.series_of(values).value, &self.shape),
        }
    }

    /// The series of these values, made if there is room, else the overflow series, else one that is exposed nowhere.
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
        reading::<M>(&self.descriptor, &self.shape, &self.table)
    }

    fn series(&self) -> usize {
        self.table.len()
    }

    fn heap_bytes(&self) -> usize {
        self.table.heap_bytes()
    }
}

/// Lists the series of a table now, and reads them when the fold is done.
pub(crate) fn reading<M: Parts>(descriptor: &Arc<Descriptor>, shape: &M::Shape, table: &LabelTable<M::Cells>) -> Reading {
    let series = table.sorted();
    let (descriptor, labels) = (Arc::clone(descriptor), table.labels());
    let shape = shape.clone();
    Box::new(move |totals, last, families| {
        let values = M::values(&series, &shape, totals, &Previous::of(last, descriptor.name(), labels));
        families.push(FamilySnapshot::folded(descriptor, Arc::new(SeriesTexts { series, labels }), values));
    })
}

/// The label texts of a snapshot, borrowed from the series themselves.
pub(crate) struct SeriesTexts<V> {
    pub(crate) series: Sorted<V>,
    /// How many labels each has.
    pub(crate) labels: usize,
}

impl<V: Send + Sync> LabelTexts for SeriesTexts<V> {
    fn len(&self) -> usize {
        self.series.len()
    }

    fn text(&self, series: usize) -> &[u8] {
        self.series[series].text(self.labels)
    }
}
