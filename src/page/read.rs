//! What is read out of a snapshot: families by their names, whoever registered them. What is not there is `None`.

use std::borrow::Cow;
use std::time::Instant;

use super::quantile::Buckets;
use crate::{SeriesLabels, Snapshot, Value};

/// The most checks of health that are told; more have no place in a row of the history.
pub(super) const MOST_CHECKS: usize = 32;

/// Whether an endpoint is one of the users', as the alerting rules and the dashboards have it: what is not about monitoring.
pub(super) fn is_of_users(endpoint: &str) -> bool {
    let monitoring = ["/health", "/debug/", "/demo/"].iter().any(|prefix| endpoint.starts_with(prefix));
    !monitoring && !matches!(endpoint, "/" | "/events" | "/metrics")
}

/// The totals and gauges of one snapshot.
#[derive(Clone, Debug)]
pub(super) struct Totals {
    pub(super) taken_at: Instant,
    /// User requests with status 2xx, 3xx, 4xx, 5xx, any other.
    pub(super) classes: Option<[f64; 5]>,
    pub(super) scene_loads: Option<f64>,
    pub(super) scene_errors: Option<f64>,
    pub(super) auth_successes: Option<f64>,
    pub(super) auth_failures: Option<f64>,
    pub(super) limited: Option<f64>,
    pub(super) cpu: Option<f64>,
    pub(super) frames: Option<f64>,
    pub(super) frame_durations: Option<Buckets>,
    /// Seconds and number of the snapshots.
    pub(super) snapshots: Option<(f64, u64)>,
    pub(super) connections: Option<f64>,
    pub(super) max_connections: Option<f64>,
    pub(super) resident: Option<f64>,
    pub(super) series: Option<f64>,
    pub(super) held: Option<f64>,
    pub(super) shards: Option<f64>,
    /// 0 healthy, 1 degraded, 2 unhealthy.
    pub(super) health: Option<u8>,
}

impl Totals {
    pub(super) fn of(snapshot: &Snapshot) -> Self {
        let one = |name| sum(snapshot, name, |_| true);
        let auth = |successes| {
            sum(snapshot, "auth_attempts_total", |labels| (label(labels, "result").as_deref() == Some("success")) == successes)
        };
        let histogram = |name| match snapshot.family(name)?.series().next()?.value {
            Value::Histogram(value) => Some(value),
            _ => None,
        };
        Self {
            taken_at: snapshot.taken_at(),
            classes: classes(snapshot),
            scene_loads: one("scene_loads_total"),
            scene_errors: one("scene_load_errors_total"),
            auth_successes: auth(true),
            auth_failures: auth(false),
            limited: one("rate_limit_hits_total"),
            cpu: one("process_cpu_seconds_total"),
            frames: one("engine_frames_total"),
            frame_durations: histogram("engine_frame_duration_seconds").map(|value| Buckets::of(&value)),
            snapshots: histogram("tachograph_snapshot_duration_seconds").map(|value| (value.sum(), value.count())),
            connections: one("active_connections"),
            max_connections: one("max_connections"),
            resident: one("process_resident_memory_bytes"),
            series: one("tachograph_series"),
            held: one("tachograph_held_bytes"),
            shards: one("tachograph_shards"),
            health: health(snapshot),
        }
    }
}

/// User requests by the class of their status.
fn classes(snapshot: &Snapshot) -> Option<[f64; 5]> {
    let mut classes = [0.0; 5];
    each(snapshot, "http_requests_total", |labels, value| {
        if label(labels, "endpoint").is_none_or(|endpoint| is_of_users(&endpoint)) {
            classes[class(label(labels, "status").as_deref())] += value;
        }
    })?;
    Some(classes)
}

fn class(status: Option<&str>) -> usize {
    match status.and_then(|status| status.bytes().next()) {
        Some(digit @ b'2'..=b'5') => usize::from(digit - b'2'),
        _ => 4,
    }
}

/// The status whose gauge is 1.
fn health(snapshot: &Snapshot) -> Option<u8> {
    let mut health = None;
    each(snapshot, "health_status", |labels, value| {
        if value == 1.0 {
            health = label(labels, "status").and_then(|status| level(&status));
        }
    });
    health
}

/// The checks and what they say.
pub(super) fn checks(snapshot: &Snapshot) -> Vec<(String, Option<u8>)> {
    let mut checks: Vec<(String, Option<u8>)> = Vec::new();
    each(snapshot, "health_check_status", |labels, value| {
        let (Some(check), Some(status)) = (label(labels, "check"), label(labels, "status")) else { return };
        // The series of a check follow each other.
        if checks.last().is_none_or(|(last, _)| *last != check) {
            checks.push((check.into_owned(), None));
        }
        if value == 1.0
            && let Some((_, level_of)) = checks.last_mut()
        {
            *level_of = level(&status);
        }
    });
    checks
}

fn level(status: &str) -> Option<u8> {
    ["healthy", "degraded", "unhealthy"].iter().position(|known| *known == status).map(|level| level as u8)
}

/// The sum of a family's series that are wanted; `None` without the family.
fn sum(snapshot: &Snapshot, family: &str, wanted: impl Fn(SeriesLabels<'_>) -> bool) -> Option<f64> {
    let mut sum = 0.0;
    each(snapshot, family, |labels, value| {
        if wanted(labels) {
            sum += value;
        }
    })?;
    Some(sum)
}

/// Calls `f` with the series of a family that are one number; `None` without the family.
pub(super) fn each(snapshot: &Snapshot, family: &str, mut f: impl FnMut(SeriesLabels<'_>, f64)) -> Option<()> {
    for series in snapshot.family(family)?.series() {
        match series.value {
            Value::Counter(value) => f(series.labels, value as f64),
            Value::UpDown(value) => f(series.labels, value as f64),
            Value::Float(value) => f(series.labels, value),
            _ => {}
        }
    }
    Some(())
}

/// The value of a label.
pub(super) fn label<'a>(labels: SeriesLabels<'a>, name: &str) -> Option<Cow<'a, str>> {
    labels.iter().find(|(known, _)| *known == name).map(|(_, value)| value)
}
