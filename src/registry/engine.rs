//! The engine's own families: what a scrape costs, what is held, what was refused.

use std::sync::{Arc, Mutex, PoisonError, Weak};

use super::{Faults, RegisterError, Registry, RegistryCore};
use crate::metric::bucket::Buckets;
use crate::metric::counter::Counter;
use crate::metric::descriptor::{Descriptor, Kind};
use crate::metric::family::Family;
use crate::metric::histogram::{Histogram, Shape};
use crate::metric::label::Labels;
use crate::metric::series::Series;
use crate::metric::table::LabelTable;
use crate::shard::{SlotRun, Totals, engine_stats};
use crate::snapshot::{self, CollectedSeries, CollectedValue, FamilySnapshot, OwnedLabels, Reading, Source};

/// What a registry measures of itself, whether it is exposed or not.
pub(super) struct Engine {
    snapshot_durations: Family<Histogram, 0>,
    pub(super) snapshot_duration: Histogram,
    fold_panics_family: Family<Counter, 0>,
    pub(super) fold_panics: Counter,
    /// Whether all of this is exposed.
    registered: Mutex<bool>,
}

impl Engine {
    pub(super) fn new(faults: Arc<Faults>) -> Self {
        let descriptor = |name, kind, help| {
            Descriptor::new(name, kind, help).expect("our own names are legal").with_known_unit(Some("seconds"))
        };
        let buckets = Buckets::seconds(&[0.000_1, 0.000_25, 0.001, 0.002_5, 0.01, 0.025, 0.1, 0.25, 1.0])
            .expect("our own bounds are whole nanoseconds");
        let snapshot_durations = Family::new(
            descriptor(
                "tachograph_snapshot_duration_seconds",
                Kind::Histogram,
                "Time to take one snapshot, its collectors included.",
            ),
            Labels::new([]),
            Shape::new(buckets, Arc::clone(&faults)),
            Arc::clone(&faults),
        );
        let fold_panics_family = Family::new(
            descriptor("tachograph_fold_panics_total", Kind::Counter, "Folds that panicked: a defect of the engine."),
            Labels::new([]),
            (),
            faults,
        );
        Self {
            snapshot_duration: snapshot_durations.handle([]),
            snapshot_durations,
            fold_panics: fold_panics_family.handle([]),
            fold_panics_family,
            registered: Mutex::new(false),
        }
    }
}

/// A family whose series are made anew for each snapshot.
struct Callback<F> {
    descriptor: Arc<Descriptor>,
    labels: &'static [&'static str],
    read: Arc<F>,
}

impl<F: Fn(&Totals) -> Vec<CollectedSeries> + Send + Sync + 'static> Source for Callback<F> {
    fn descriptors(&self) -> &[Arc<Descriptor>] {
        std::slice::from_ref(&self.descriptor)
    }

    fn label_names(&self, _family: &Descriptor) -> Vec<&str> {
        self.labels.to_vec()
    }

    fn list(&self) -> Reading {
        let (descriptor, read) = (Arc::clone(&self.descriptor), Arc::clone(&self.read));
        Box::new(move |totals, _, families| families.push(FamilySnapshot::collected(descriptor, read(totals))))
    }

    fn series(&self) -> usize {
        1
    }

    fn heap_bytes(&self) -> usize {
        0
    }
}

/// Makes a source of a callback whose series have no labels.
pub(crate) fn callback(
    name: &str,
    kind: Kind,
    help: &str,
    read: impl Fn(&Totals) -> Vec<CollectedSeries> + Send + Sync + 'static,
) -> Result<Arc<dyn Source>, RegisterError> {
    labelled(name, kind, help, &[], read)
}

/// Makes a source of a callback whose series have these labels.
pub(crate) fn labelled(
    name: &str,
    kind: Kind,
    help: &str,
    labels: &'static [&'static str],
    read: impl Fn(&Totals) -> Vec<CollectedSeries> + Send + Sync + 'static,
) -> Result<Arc<dyn Source>, RegisterError> {
    let descriptor = Descriptor::new(name, kind, help)?.with_known_unit(Some("bytes"));
    Ok(Arc::new(Callback { descriptor: Arc::new(descriptor), labels, read: Arc::new(read) }))
}

fn unlabelled(value: CollectedValue) -> Vec<CollectedSeries> {
    vec![CollectedSeries { labels: OwnedLabels::none(), value }]
}

pub(crate) fn gauge(value: usize) -> Vec<CollectedSeries> {
    unlabelled(CollectedValue::Gauge(value as f64))
}

pub(crate) fn counter(value: u64) -> Vec<CollectedSeries> {
    unlabelled(CollectedValue::Counter(value))
}

/// The counts of a table that may have grown since the fold: a run that the fold did not see counts as it stands.
fn table(table: &LabelTable<SlotRun>) -> Vec<CollectedSeries> {
    let series = |entry: &Series<SlotRun>| CollectedSeries {
        labels: OwnedLabels::kept(table.names(), entry.kept()),
        value: CollectedValue::Counter(entry.value.sum(0)),
    };
    table.sorted().iter().map(series).collect()
}

const BUILD_LABELS: [&str; 4] = ["version", "profile", "os", "arch"];

/// The values of these labels. A build without optimisation has debug assertions, unless somebody takes pains.
const BUILD: [&str; 4] = [
    env!("CARGO_PKG_VERSION"),
    if cfg!(debug_assertions) { "debug" } else { "release" },
    std::env::consts::OS,
    std::env::consts::ARCH,
];

pub(super) fn register(registry: &Registry) -> Result<(), RegisterError> {
    let engine = registry.0.engine();
    // Held to the end: of two who come at once, the second finds it done.
    let mut registered = engine.registered.lock().unwrap_or_else(PoisonError::into_inner);
    if *registered {
        return Ok(());
    }
    let faults = || registry.faults();
    let sources = || Arc::downgrade(&registry.0);
    let (refused, saturated, increments, stale) = (faults(), faults(), faults(), faults());
    let (settings, exemplars) = (faults(), faults());
    let (series_refused, collector_failures) = (faults(), faults());
    let (of_series, of_bytes) = (sources(), sources());
    registry.register_sources(vec![
        engine.snapshot_durations.source(),
        engine.fold_panics_family.source(),
        labelled("tachograph_build_info", Kind::Gauge, "The engine's version, and how it was built.", &BUILD_LABELS, |_| {
            vec![CollectedSeries { labels: OwnedLabels::new(&BUILD_LABELS, &BUILD), value: CollectedValue::Gauge(1.0) }]
        })?,
        callback("tachograph_series", Kind::Gauge, "Series of this registry's families.", move |_| {
            gauge(each_source(&of_series).map(|source| source.series()).sum())
        })?,
        callback(
            "tachograph_held_bytes",
            Kind::Gauge,
            "Heap bytes of the process's shards and this registry's tables.",
            move |_| gauge(held_bytes(each_source(&of_bytes))),
        )?,
        callback("tachograph_shards", Kind::Gauge, "Shards: the most threads that have counted at one time.", |totals| {
            gauge(totals.shards)
        })?,
        callback(
            "tachograph_snapshot_panics_total",
            Kind::Counter,
            "Panics on the process's snapshot thread: of folds, and of what others have dropped or called there.",
            |_| counter(snapshot::panics()),
        )?,
        callback("tachograph_slots", Kind::Gauge, "Cells a thread that series of the process hold.", |_| {
            gauge(engine_stats().slots)
        })?,
        callback(
            "tachograph_observations_refused_total",
            Kind::Counter,
            "Observations that were NaN, infinite or negative.",
            move |totals| counter(refused.observations_refused(totals)),
        )?,
        callback(
            "tachograph_observations_saturated_total",
            Kind::Counter,
            "Observations above the trackable range, counted as its highest value.",
            move |totals| counter(saturated.observations_saturated(totals)),
        )?,
        callback(
            "tachograph_increments_refused_total",
            Kind::Counter,
            "Increments of counters that were NaN, infinite or negative.",
            move |totals| counter(increments.increments_refused(totals)),
        )?,
        callback(
            "tachograph_settings_refused_total",
            Kind::Counter,
            "Settings that their instrument cannot take: an unknown state, other than one count a bucket.",
            move |totals| counter(settings.settings_refused(totals)),
        )?,
        callback(
            "tachograph_stale_blocks_total",
            Kind::Counter,
            "Histograms, or endpoints, that were written each time a snapshot looked, and so show what the last one showed.",
            move |_| counter(stale.blocks_stale()),
        )?,
        callback(
            "tachograph_exemplars_refused_total",
            Kind::Counter,
            "Exemplars whose labels were too long or not legal.",
            move |totals| counter(exemplars.exemplars_refused(totals)),
        )?,
        labelled(
            "tachograph_series_refused_total",
            Kind::Counter,
            "Look-ups of new series in a family that is at its limit, or whose labels are too long.",
            &["family"],
            move |_| table(series_refused.series_refused_by_family()),
        )?,
        labelled(
            "tachograph_collector_failures_total",
            Kind::Counter,
            "Collections that gave less than they should.",
            &["collector", "reason"],
            move |_| table(collector_failures.collectors_failed_by_name()),
        )?,
    ])?;
    *registered = true;
    Ok(())
}

/// Heap bytes of the process's shards and of these sources.
pub(super) fn held_bytes(sources: impl IntoIterator<Item = Arc<dyn Source>>) -> usize {
    engine_stats().shard_bytes + sources.into_iter().map(|source| source.heap_bytes()).sum::<usize>()
}

fn each_source(registry: &Weak<RegistryCore>) -> impl Iterator<Item = Arc<dyn Source>> {
    registry.upgrade().map(|registry| registry.sources()).unwrap_or_default().into_iter()
}
