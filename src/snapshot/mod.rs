//! What readers see: an immutable [`Snapshot`] of a registry, taken by the snapshot thread.
//!
//! [`demand`] is how a snapshot is asked for, [`thread`] who takes it, [`take`] how, [`value`] and [`whole`] what is in it,
//! [`histogram`] and [`native`] what is in a histogram, [`window`] how quantiles slide. [`bytes`] is how a snapshot goes to
//! another process, [`owned`] and [`merge`] how it becomes one with others.

mod bytes;
mod counts;
mod demand;
mod histogram;
mod merge;
mod native;
mod owned;
mod previous;
mod series_labels;
mod take;
mod thread;
mod value;
mod whole;
pub(crate) mod window;

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Instant;

pub use bytes::DecodeError;
pub use histogram::HistogramValue;
pub use merge::MergeError;
pub use native::NativeHistogram;
pub use owned::{DifferentBuckets, HistogramSnapshot};
pub use series_labels::SeriesLabels;
pub use value::{FamilySnapshot, Series, SummaryValue, Value};
pub use whole::{GaugeHistogramValue, StateSetValue};

pub(crate) use previous::Previous;
pub(crate) use series_labels::{Identity, LabelTexts, OwnedLabels, identity};
pub(crate) use thread::{TICK, ask, keep_ticking, panics, take_now};
pub(crate) use value::{BucketCells, CollectedSeries, CollectedValue, Values};

use crate::exposition::body::{self, Bodies};
use crate::exposition::{Coding, Encoding};
use crate::metric::descriptor::Descriptor;
use crate::shard::Totals;

/// What a snapshot asks: a family, or several that are written together.
pub(crate) trait Source: Send + Sync {
    fn descriptors(&self) -> &[Arc<Descriptor>];
    /// What the labels of the series of one of the families are called.
    fn label_names(&self, family: &Descriptor) -> Vec<&str>;
    /// Fixes which series there are. Called before the fold: a series that is listed keeps its slots, and the fold that comes
    /// after has added them up.
    fn list(&self) -> Reading;
    /// Series now.
    fn series(&self) -> usize;
    /// Heap bytes of the tables.
    fn heap_bytes(&self) -> usize;
}

/// Reads the listed series out of the fold. The registry's last snapshot stands in for what the fold could not read whole.
pub(crate) type Reading = Box<dyn FnOnce(&Totals, Option<&Snapshot>, &mut Vec<FamilySnapshot>) + Send>;

/// All series of a registry at one moment.
///
/// # Consistency
///
/// It holds every increment and observation that happened before it was asked for. What happens while it is taken may be in it or
/// not, but not by halves: sum, count and buckets of a histogram are of the same observations, and of an HTTP request all
/// counters and histograms show it or none. (The latency quantiles may show a request that the counters do not show yet.)
///
/// A histogram whose thread observes without a pause, or is suspended in the middle of an observation, may not be read whole in the
/// 5 ms that a snapshot has for it. It then shows what the last snapshot showed, and `tachograph_stale_blocks_total` counts it.
///
/// # Examples
///
/// ```
/// use tachograph::{Registry, Value};
///
/// let registry = Registry::new();
/// registry.counter("jobs_total", "Jobs done.")?.inc_by(3);
/// let snapshot = registry.snapshot();
/// let family = snapshot.family("jobs_total").unwrap();
/// assert!(matches!(family.series().next().unwrap().value, Value::Counter(3)));
/// # Ok::<(), tachograph::RegisterError>(())
/// ```
///
/// Its parts:
///
/// ```
/// use tachograph::Registry;
///
/// let registry = Registry::with_labels([("zone", "eu")])?;
/// registry.counter("jobs_total", "Jobs done.")?;
/// registry.gauge("queue_depth", "Jobs waiting.")?;
/// let snapshot = registry.snapshot();
/// assert!(snapshot.families().map(|family| family.descriptor().name()).eq(["jobs_total", "queue_depth"]));
/// assert_eq!(snapshot.series_count(), 2);
/// assert_eq!(snapshot.own_labels(), "zone=\"eu\"");
/// assert!(snapshot.taken_at() <= std::time::Instant::now());
/// # Ok::<(), tachograph::RegisterError>(())
/// ```
#[derive(Debug)]
pub struct Snapshot {
    families: BTreeMap<Box<str>, FamilySnapshot>,
    own_labels: OwnedLabels,
    taken_at: Instant,
    bodies: Bodies,
}

impl Snapshot {
    pub(crate) fn new(families: impl Iterator<Item = FamilySnapshot>, own_labels: OwnedLabels, taken_at: Instant) -> Self {
        let families = families.map(|family| (family.descriptor().name().into(), family)).collect();
        Self { families, own_labels, taken_at, bodies: Bodies::new() }
    }

    /// The families, by name.
    pub fn families(&self) -> impl Iterator<Item = &FamilySnapshot> + Clone {
        self.families.values()
    }

    /// The family of this name.
    pub fn family(&self, name: &str) -> Option<&FamilySnapshot> {
        self.families.get(name)
    }

    /// Series of all families.
    pub fn series_count(&self) -> usize {
        self.families().map(FamilySnapshot::len).sum()
    }

    /// The registry's own labels: all series carry them, before those that [`Series::labels`] has.
    pub fn own_labels(&self) -> SeriesLabels<'_> {
        self.own_labels.get()
    }

    /// The labels of a series with the registry's own before them: names and values.
    fn all_labels<'a>(&'a self, labels: SeriesLabels<'a>) -> (Vec<&'a str>, Vec<Cow<'a, str>>) {
        self.own_labels().iter().chain(labels.iter()).unzip()
    }

    /// When the snapshot was taken: everything before this moment is in it.
    pub fn taken_at(&self) -> Instant {
        self.taken_at
    }

    /// The snapshot in the Prometheus text format 0.0.4. Rendered by the first who asks, shared by all others: a hundred thousand
    /// series take some milliseconds, so do not ask first on a thread that must not wait.
    pub fn text(&self) -> &str {
        str::from_utf8(self.exposition(Encoding::TEXT)).expect("names, help and labels are strings, escapes cut no character")
    }

    /// The snapshot in the form that a scraper wants. As [`text`](Self::text), each form is rendered once.
    pub fn exposition(&self, encoding: Encoding) -> &[u8] {
        self.compressed(encoding, Coding::Identity)
    }

    /// The snapshot in the form that a scraper wants, coded for the way. Each form is rendered once and compressed once, by the first
    /// who asks, and stays as long as the snapshot; identity is the [exposition](Self::exposition) itself. A hundred thousand series take
    /// ten milliseconds and more: do not ask first on a thread that must not wait.
    ///
    /// # Examples
    ///
    /// ```
    /// use tachograph::exposition::{Coding, Encoding};
    ///
    /// let registry = tachograph::Registry::new();
    /// registry.counter("jobs_total", "Jobs done.")?;
    /// let snapshot = registry.snapshot();
    /// # #[cfg(feature = "compression")]
    /// assert!(snapshot.compressed(Encoding::TEXT, Coding::Gzip).starts_with(&[0x1f, 0x8b]));
    /// assert_eq!(snapshot.compressed(Encoding::TEXT, Coding::Identity), snapshot.text().as_bytes());
    /// # Ok::<(), tachograph::RegisterError>(())
    /// ```
    pub fn compressed(&self, encoding: Encoding, coding: Coding) -> &[u8] {
        self.bodies.get(self, encoding, coding)
    }

    /// The families that are wanted, in the form that a scraper wants. Rendered anew by each who asks. Families are told by the names
    /// that they were registered by.
    ///
    /// # Examples
    ///
    /// ```
    /// use tachograph::exposition::Encoding;
    ///
    /// let registry = tachograph::Registry::new();
    /// registry.counter("jobs_total", "Jobs done.")?;
    /// registry.gauge("queue_depth", "Jobs waiting.")?;
    /// let jobs = registry.snapshot().exposition_of(Encoding::TEXT, &|family| family.descriptor().name() == "jobs_total");
    /// assert_eq!(jobs, b"# HELP jobs_total Jobs done.\n# TYPE jobs_total counter\njobs_total 0\n");
    /// # Ok::<(), tachograph::RegisterError>(())
    /// ```
    pub fn exposition_of(&self, encoding: Encoding, wanted: &dyn Fn(&FamilySnapshot) -> bool) -> Vec<u8> {
        body::render(self, self.families().filter(|family| wanted(family)), encoding)
    }
}
