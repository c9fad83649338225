//! Taking snapshots: list the series, fold the shards once, read the values, wait for the collectors.

use std::sync::Arc;
use std::time::{Duration, Instant};

use super::Snapshot;
use crate::registry::RegistryCore;
use crate::shard::Totals;

/// How long a snapshot waits for its collectors. A scrape is given up after 10 s by default; a tenth of that leaves the rest
/// of the families in time.
const COLLECT_WITHIN: Duration = Duration::from_secs(1);

/// Takes and publishes a snapshot of each registry, from one fold. With `tick`, their windows slide.
pub(super) fn take(registries: &[Arc<RegistryCore>], totals: &mut Totals, tick: bool) -> Vec<Arc<Snapshot>> {
    let started = Instant::now();
    let collectors: Vec<_> = registries.iter().map(|registry| registry.collectors()).collect();
    let collecting: Vec<Vec<_>> =
        collectors.iter().map(|collectors| collectors.iter().map(|collector| collector.start()).collect()).collect();
    let list = |registry: &Arc<RegistryCore>| registry.sources().iter().map(|source| source.list()).collect::<Vec<_>>();
    let readings: Vec<_> = registries.iter().map(list).collect();
    totals.fold();
    let deadline = started + COLLECT_WITHIN;
    let mut snapshots = Vec::with_capacity(registries.len());
    for ((registry, readings), collecting) in registries.iter().zip(readings).zip(collecting) {
        if tick {
            registry.slide_windows(totals, started);
        }
        let mut families: Vec<_> = readings.into_iter().map(|read| read(totals)).collect();
        for pending in collecting {
            let name = pending.name().to_owned();
            let (collected, fault) = pending.wait(deadline);
            families.extend(collected);
            if let Some(reason) = fault {
                registry.faults().collector_failed(&name, reason);
            }
        }
        let snapshot = Arc::new(Snapshot::new(families.into_iter(), started));
        registry.publish(Arc::clone(&snapshot), started.elapsed());
        snapshots.push(snapshot);
    }
    snapshots
}
