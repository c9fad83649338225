//! Snapshots of several processes, put together into one.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::fmt;
use std::sync::Arc;

use super::owned::DifferentBuckets;
use super::series_labels::{Identity, identity};
use super::value::{CollectedSeries, CollectedValue};
use super::{FamilySnapshot, OwnedLabels, Snapshot, Value};
use crate::metric::claims::{Claims, Clash};
use crate::metric::descriptor::{Descriptor, Kind};

/// Why snapshots were not merged.
///
/// # Examples
///
/// ```
/// use tachograph::{MergeError, Registry, Snapshot};
///
/// let (one, other) = (Registry::new(), Registry::new());
/// one.counter("jobs_total", "Jobs done.")?;
/// other.gauge("jobs_total", "Jobs done.")?;
/// let error = Snapshot::merged([&*one.snapshot(), &*other.snapshot()]).unwrap_err();
/// assert_eq!(error, MergeError::Kind { family: "jobs_total".into() });
/// # Ok::<(), tachograph::RegisterError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum MergeError {
    /// Two families have one name and are of different types: rename one.
    Kind {
        /// Their name.
        family: String,
    },
    /// Two histograms of one family have different buckets: make them with the same.
    Buckets {
        /// The family.
        family: String,
        /// What differs.
        source: DifferentBuckets,
    },
    /// The observations of a histogram add up to more than 2^64: one of the snapshots says what cannot be.
    Count {
        /// The family.
        family: String,
    },
    /// Two families of different names would both write samples or metadata of one name: rename one.
    Clash {
        /// The family.
        family: String,
        /// The other.
        with: String,
    },
}

impl fmt::Display for MergeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Kind { family } => write!(f, "the families called {family:?} are of different types: rename one"),
            Self::Buckets { family, source } => write!(f, "the histograms of family {family:?} cannot be merged: {source}"),
            Self::Count { family } => {
                write!(
                    f,
                    "the observations of family {family:?} add up to more than 2^64: leave out the snapshot that is wrong"
                )
            }
            Self::Clash { family, with } => {
                write!(f, "the families {family:?} and {with:?} would both write one name: rename one")
            }
        }
    }
}

impl std::error::Error for MergeError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Buckets { source, .. } => Some(source),
            Self::Kind { .. } | Self::Count { .. } | Self::Clash { .. } => None,
        }
    }
}

impl From<Clash> for MergeError {
    fn from(Clash { family, with, .. }: Clash) -> Self {
        Self::Clash { family, with }
    }
}

/// A family's series, by what tells them apart to a scraper.
type Merged = BTreeMap<Identity, CollectedSeries>;

impl Snapshot {
    /// Snapshots of several registries or processes as one: of series with the same name and labels, counters, up-down counters
    /// and histograms add up. Of all others, which have no sum that would mean something, the first one's value stands: give
    /// those a label that names the process where each is wanted, such as one of its [registry](crate::Registry::with_labels).
    /// Help texts are the first one's too. It counts as [taken](Self::taken_at) when the first of them was taken.
    ///
    /// # Errors
    ///
    /// [`MergeError`] when families of one name differ in type or buckets, the names of different families clash, or the
    /// observations of a histogram are more than can be.
    ///
    /// # Examples
    ///
    /// ```
    /// use tachograph::{Registry, Snapshot};
    ///
    /// let worker = || {
    ///     let registry = Registry::new();
    ///     registry.counter("jobs_total", "Jobs done.")?.inc_by(3);
    ///     Ok::<_, tachograph::RegisterError>(registry.snapshot().encode())
    /// };
    /// let snapshots = [Snapshot::decode(&worker()?)?, Snapshot::decode(&worker()?)?];
    /// let merged = Snapshot::merged(&snapshots)?;
    /// assert_eq!(merged.text(), "# HELP jobs_total Jobs done.\n# TYPE jobs_total counter\njobs_total 6\n");
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn merged<'a>(snapshots: impl IntoIterator<Item = &'a Snapshot>) -> Result<Self, MergeError> {
        let mut families: BTreeMap<String, (Arc<Descriptor>, Merged)> = BTreeMap::new();
        let mut taken_at = None;
        for snapshot in snapshots {
            taken_at = taken_at.into_iter().chain([snapshot.taken_at()]).min();
            for family in snapshot.families() {
                let descriptor = family.descriptor();
                let (known, series) = families
                    .entry(descriptor.name().to_owned())
                    .or_insert_with(|| (Arc::new(descriptor.clone()), BTreeMap::new()));
                if known.kind() != descriptor.kind() {
                    return Err(MergeError::Kind { family: descriptor.name().to_owned() });
                }
                add(series, snapshot, family)?;
            }
        }
        Claims::default().claim(families.values().map(|(descriptor, _)| &**descriptor))?;
        let families = families
            .into_values()
            .map(|(descriptor, series)| FamilySnapshot::collected(descriptor, series.into_values().collect()));
        Ok(Self::new(families, OwnedLabels::none(), taken_at.unwrap_or_else(std::time::Instant::now)))
    }
}

/// Adds each series of a family.
fn add(into: &mut Merged, snapshot: &Snapshot, family: &FamilySnapshot) -> Result<(), MergeError> {
    let descriptor = family.descriptor();
    let differ = |source| MergeError::Buckets { family: descriptor.name().to_owned(), source };
    for series in family.series() {
        // All series of a family have the same buckets, also those with labels that no other has.
        if let (Some(CollectedValue::Histogram(known)), Value::Histogram(value)) =
            (into.values().next().map(|first| &first.value), series.value)
        {
            known.value().buckets().same_as(value.buckets()).map_err(|what| differ(DifferentBuckets(what)))?;
        }
        let (names, values) = snapshot.all_labels(series.labels);
        match into.entry(identity(&names, &values)) {
            Entry::Vacant(entry) => {
                let values: Vec<&str> = values.iter().map(|value| &**value).collect();
                let labels = OwnedLabels::new(&names, &values);
                entry.insert(CollectedSeries { labels, value: kept(descriptor.kind(), series.value) });
            }
            Entry::Occupied(mut entry) => match (&mut entry.get_mut().value, series.value) {
                (CollectedValue::Counter(sum), Value::Counter(value)) => *sum = sum.wrapping_add(value),
                (CollectedValue::FloatCounter(sum), Value::Float(value)) => *sum = (*sum + value).min(f64::MAX),
                // One process counts whole, the other does not.
                (CollectedValue::FloatCounter(sum), Value::Counter(value)) => *sum += value as f64,
                (sum @ CollectedValue::Counter(_), Value::Float(value)) => {
                    let CollectedValue::Counter(before) = *sum else { continue };
                    *sum = CollectedValue::FloatCounter(before as f64 + value);
                }
                (CollectedValue::UpDown(sum), Value::UpDown(value)) => *sum = sum.wrapping_add(value),
                (CollectedValue::Histogram(sum), Value::Histogram(value)) => {
                    let count = sum.value().count().checked_add(value.count());
                    count.ok_or_else(|| MergeError::Count { family: descriptor.name().to_owned() })?;
                    sum.merge(&value).map_err(differ)?;
                }
                _ => {}
            },
        }
    }
    Ok(())
}

fn kept(kind: Kind, value: Value<'_>) -> CollectedValue {
    match value {
        Value::Counter(value) => CollectedValue::Counter(value),
        Value::UpDown(value) => CollectedValue::UpDown(value),
        Value::Float(value) if kind == Kind::Counter => CollectedValue::FloatCounter(value),
        Value::Float(value) => CollectedValue::Gauge(value),
        Value::Histogram(value) => CollectedValue::Histogram(value.to_snapshot()),
        Value::Summary(value) => CollectedValue::Summary(value.clone()),
        Value::GaugeHistogram(value) => CollectedValue::GaugeHistogram(value.clone()),
        Value::StateSet(value) => CollectedValue::StateSet { states: value.states.into(), active: value.active },
        Value::Info => CollectedValue::Info,
    }
}
