//! Taking snapshots: list the series, fold the shards once, read the values, wait for the collectors.

use std::sync::Arc;
use std::time::{Duration, Instant};

use super::Snapshot;
use crate::registry::{Failure, RegistryCore};
use crate::shard::Totals;

/// How long a snapshot waits for its collectors. A scrape is given up after 10 s by default; a tenth of that leaves the rest
/// of the families in time.
const COLLECT_WITHIN: Duration = Duration::from_secs(1);

/// Takes and publishes a snapshot of each registry, from one fold, and hands each over as it is done: first those that have no
/// collectors to wait for. With `tick`, their windows slide.
pub(super) fn take(
    registries: &[Arc<RegistryCore>],
    totals: &mut Totals,
    tick: bool,
    mut done: impl FnMut(usize, Arc<Snapshot>),
) {
    let started = Instant::now();
    // All of this before the fold: what is listed keeps its slots, and the fold that follows holds all that they were counted.
    let collectors: Vec<_> = registries.iter().map(|registry| registry.collectors()).collect();
    let collecting = collectors.iter().map(|collectors| collectors.iter().map(|collector| collector.start()).collect());
    let readings = registries.iter().map(|registry| registry.list());
    let mut listed: Vec<(usize, Vec<_>, _)> =
        collecting.zip(readings).enumerate().map(|(at, (collecting, reading))| (at, collecting, reading)).collect();
    listed.sort_by_key(|(_, collecting, _)| collecting.len());

    totals.fold();
    let deadline = started + COLLECT_WITHIN;
    for (at, collecting, readings) in listed {
        let registry = &registries[at];
        let mut families: Vec<_> = readings.read(totals, registry.last_snapshot().as_deref(), started, tick);
        for pending in collecting {
            let name = pending.name().to_owned();
            let (collected, failure) = pending.wait(deadline);
            families.extend(collected);
            if let Some(failure) = failure
                && registry.faults().collector_failed(&name, failure.reason)
            {
                tell(&name, &failure);
            }
        }
        let snapshot = Arc::new(Snapshot::new(families.into_iter(), registry.own_labels().get().clone(), started));
        registry.publish(Arc::clone(&snapshot), started.elapsed());
        done(at, snapshot);
    }
}

/// Says in the log, once for each collector and reason, what `tachograph_collector_failures_total` counts.
fn tell(collector: &str, failure: &Failure) {
    #[cfg(feature = "tracing")]
    tracing::warn!(collector, reason = failure.reason, "a collector gave less than it should: {}", failure.message);
    #[cfg(not(feature = "tracing"))]
    let _ = (collector, &failure.message);
}
