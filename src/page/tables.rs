//! The small tables of the moment, which no history has.

use std::collections::HashMap;

use serde::Serialize;

use super::endpoints::EndpointRow;
use super::read::{each, is_of_users, label};
use super::tick::rounded;
use crate::{Snapshot, Value};

/// Rows of a table: what is shown is looked at by somebody.
pub(super) const MOST_ROWS: usize = 20;

/// The event `now`.
#[derive(Clone, Debug, Default, Serialize)]
pub(super) struct Tables {
    /// Slowest first.
    pub(super) endpoints: Vec<EndpointRow>,
    /// All others most frequent first.
    pub(super) scenes: Vec<SceneRow>,
    pub(super) scene_errors: Vec<ErrorRow>,
    pub(super) auth: Vec<AuthRow>,
    pub(super) limited: Vec<LimitedRow>,
    pub(super) checks: Vec<CheckRow>,
    pub(super) status: Vec<StatusRow>,
}

/// Defines the row of a table that has one label and a count.
macro_rules! rows {
    ($($name:ident $label:literal)*) => {$(
        #[derive(Clone, Debug, Serialize)]
        pub(super) struct $name {
            #[serde(rename = $label)]
            pub(super) label: String,
            pub(super) n: u64,
        }

        impl From<(String, u64)> for $name {
            fn from((label, n): (String, u64)) -> Self {
                Self { label, n }
            }
        }
    )*};
}

rows! {
    SceneRow "s"
    ErrorRow "t"
    AuthRow "r"
    LimitedRow "e"
    StatusRow "s"
}

#[derive(Clone, Debug, Serialize)]
pub(super) struct CheckRow {
    pub(super) name: Box<str>,
    pub(super) status: Option<u8>,
    /// How long its last run took, or on average its last ones, if several ended in one tick.
    pub(super) ms: Option<f32>,
    /// Since its last result.
    pub(super) age_s: Option<f32>,
}

/// How long the checks took, as far as snapshots tell.
#[derive(Debug, Default)]
pub(super) struct CheckTimes(HashMap<Box<str>, CheckTime>);

#[derive(Clone, Copy, Debug, Default)]
struct CheckTime {
    seconds: f64,
    runs: u64,
    last_ms: Option<f32>,
}

impl Tables {
    pub(super) fn of(
        snapshot: &Snapshot,
        endpoints: Vec<EndpointRow>,
        checks: &[(Box<str>, Option<u8>)],
        times: &mut CheckTimes,
        unix_seconds: f64,
    ) -> Self {
        times.advance(snapshot);
        let last_runs = last_runs(snapshot);
        let check = |(name, status): &(Box<str>, Option<u8>)| CheckRow {
            name: name.clone(),
            status: *status,
            ms: times.0.get(name).and_then(|time| time.last_ms),
            age_s: last_runs.get(&**name).map(|last| rounded((unix_seconds - last).max(0.0))),
        };
        Self {
            endpoints,
            scenes: counts(snapshot, "scene_loads_total", "scene", false),
            scene_errors: counts(snapshot, "scene_load_errors_total", "error_type", false),
            auth: counts(snapshot, "auth_attempts_total", "result", false),
            limited: counts(snapshot, "rate_limit_hits_total", "endpoint", false),
            checks: checks.iter().map(check).collect(),
            status: counts(snapshot, "http_requests_total", "status", true),
        }
    }
}

/// A family's counts by the values of one label, those of 0 left out.
fn counts<R: From<(String, u64)>>(snapshot: &Snapshot, family: &str, by: &str, of_users: bool) -> Vec<R> {
    let mut counts: HashMap<String, f64> = HashMap::new();
    each(snapshot, family, |labels, value| {
        let wanted = !of_users || label(labels, "endpoint").is_none_or(|endpoint| is_of_users(&endpoint));
        if value > 0.0
            && wanted
            && let Some(of) = label(labels, by)
        {
            match counts.get_mut(&*of) {
                Some(count) => *count += value,
                None => _ = counts.insert(of.into_owned(), value),
            }
        }
    });
    let mut counts: Vec<(String, u64)> = counts.into_iter().map(|(label, count)| (label, count as u64)).collect();
    counts.sort_by(|a, b| b.1.cmp(&a.1).then_with(|| a.0.cmp(&b.0)));
    counts.truncate(MOST_ROWS);
    counts.into_iter().map(R::from).collect()
}

fn last_runs(snapshot: &Snapshot) -> HashMap<String, f64> {
    let mut last = HashMap::new();
    each(snapshot, "health_check_last_run_timestamp_seconds", |labels, value| {
        if let Some(check) = label(labels, "check") {
            last.insert(check.into_owned(), value);
        }
    });
    last
}

impl CheckTimes {
    fn advance(&mut self, snapshot: &Snapshot) {
        let Some(family) = snapshot.family("health_check_duration_seconds") else { return };
        for series in family.series() {
            let (Value::Histogram(value), Some(check)) = (series.value, label(series.labels, "check")) else { continue };
            let time = self.0.entry((&*check).into()).or_default();
            let (seconds, runs) = (value.sum(), value.count());
            if runs > time.runs {
                time.last_ms = Some(rounded((seconds - time.seconds).max(0.0) / (runs - time.runs) as f64 * 1e3));
            }
            (time.seconds, time.runs) = (seconds, runs);
        }
    }
}
