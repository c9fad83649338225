//! Health for the scrapes. The gauges are read out of the last results at each scrape, so that a result that has become stale shows.

use std::sync::{Arc, Weak};
use std::time::{Duration, SystemTime};

use super::registry::Shared;
use super::report::HealthReport;
use super::schedule::Change;
use super::selection::Selection;
use super::status::HealthStatus;
use crate::metric::bucket::Buckets;
use crate::metric::counter::Counter;
use crate::metric::descriptor::{Descriptor, Kind};
use crate::metric::family::Family;
use crate::metric::histogram::{Histogram, Shape};
use crate::metric::label::Labels;
use crate::registry::engine::labelled;
use crate::registry::{Faults, RegisterError, Registry};
use crate::snapshot::{CollectedSeries, CollectedValue, OwnedLabels, Source};

/// From a hundred microseconds, for what reads memory, to what a patient timeout allows.
const BOUNDS: [f64; 11] = [0.0001, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.1, 0.5, 1.0, 5.0];

/// What is counted as it happens.
#[derive(Debug)]
pub(super) struct HealthMetrics {
    durations: Family<Histogram, 1>,
    changes: Family<Counter, 2>,
}

impl HealthMetrics {
    pub(super) fn new() -> Self {
        let faults = Arc::new(Faults::new());
        let descriptor = |name, kind, help| Descriptor::new(name, kind, help).expect("our own names are legal");
        let durations = descriptor("health_check_duration_seconds", Kind::Histogram, "Time that a run of a check takes.");
        let buckets = Buckets::seconds(&BOUNDS).expect("our own bounds are whole nanoseconds");
        let changes = descriptor("tachograph_health_changes_total", Kind::Counter, "How often a check has become so.");
        Self {
            durations: Family::new(
                durations.with_known_unit(Some("seconds")),
                // The host names the checks, and each has a thread: nobody else makes series here, and none is to be `other`.
                Labels::new(["check"]).limit(usize::MAX),
                Shape::new(buckets, Arc::clone(&faults)),
                Arc::clone(&faults),
            ),
            changes: Family::new(changes, Labels::new(["check", "status"]).limit(usize::MAX), (), faults),
        }
    }

    /// Makes the series of a check, at 0.
    pub(super) fn declare(&self, check: &str) {
        self.durations.handle([check]);
        for status in HealthStatus::ALL {
            self.changes.handle([check, status.as_str()]);
        }
    }

    pub(super) fn observe(&self, check: &str, duration: Duration) {
        self.durations.observe_duration([check], duration);
    }

    pub(super) fn changed(&self, change: &Change) {
        self.changes.inc([&change.name, change.to.as_str()]);
    }

    /// The registry's scrapes do not keep the checks alive: a check may hold the registry.
    pub(super) fn register(&self, health: &Weak<Shared>, registry: &Registry) -> Result<(), RegisterError> {
        let read = |read: fn(&HealthReport) -> Vec<CollectedSeries>| {
            let health = Weak::clone(health);
            move || health.upgrade().map(|health| read(&health.report(&Selection::all()))).unwrap_or_default()
        };
        let gauge = |name, help, labels, series: fn(&HealthReport) -> Vec<CollectedSeries>| {
            let read = read(series);
            labelled(name, Kind::Gauge, help, labels, move |_| read())
        };
        registry.register_sources(vec![
            gauge("health_status", "Whether the service as a whole is so, 0 or 1.", &["status"], |report| {
                by_status(&[], report.status())
            })?,
            gauge("health_check_status", "Whether a check is so, 0 or 1.", &["check", "status"], |report| {
                report.checks().iter().flat_map(|check| by_status(&[("check", check.name())], check.status())).collect()
            })?,
            gauge("health_check_last_run_timestamp_seconds", "When the last result of a check came.", &["check"], |report| {
                let time = |time: SystemTime| time.duration_since(SystemTime::UNIX_EPOCH).ok().map(|time| time.as_secs_f64());
                let seen = report.checks().iter().filter_map(|check| Some((check.name(), check.time().and_then(time)?)));
                seen.map(|(check, time)| series(&[("check", check)], time)).collect()
            })?,
            self.durations.source(),
            self.changes.source() as Arc<dyn Source>,
        ])
    }
}

/// A gauge of 0 or 1 for each status.
fn by_status(labels: &[(&str, &str)], status: HealthStatus) -> Vec<CollectedSeries> {
    let of = |known: HealthStatus| series(&[labels, &[("status", known.as_str())]].concat(), f64::from(known == status));
    HealthStatus::ALL.map(of).into()
}

fn series(labels: &[(&str, &str)], value: f64) -> CollectedSeries {
    let (names, values): (Vec<_>, Vec<_>) = labels.iter().copied().unzip();
    CollectedSeries { labels: OwnedLabels::new(&names, &values), value: CollectedValue::Gauge(value) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_check_has_series_of_its_own_however_many_there_are() {
        let metrics = HealthMetrics::new();
        (0..2_000).for_each(|at| metrics.declare(&format!("check_{at}")));
        assert_eq!((metrics.durations.len(), metrics.changes.len()), (2_000, 6_000));
    }
}
