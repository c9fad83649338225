//! One moment of the service: what the difference of two snapshots tells, and how it is written.

use serde::ser::{Serialize, SerializeMap, SerializeSeq, Serializer};

use super::read::{MOST_CHECKS, Totals};
use crate::http::DURATION_BOUNDS;

/// Buckets of the requests' durations, the last one without a bound.
pub(super) const BUCKETS: usize = DURATION_BOUNDS.len() + 1;

/// A check of which nothing is known, in two bits.
const UNKNOWN: u64 = 3;
const UNKNOWN_TO_ALL: u64 = u64::MAX;

/// One row of the history. Fixed in size; what is not known is NaN, or the highest value.
#[derive(Clone, Copy, Debug)]
pub(super) struct Row {
    /// Wall clock in milliseconds since 1970.
    pub(super) time: u64,
    /// Bytes.
    resident: u64,
    held: u64,
    /// Two bits a check: 0 healthy, 1 degraded, 2 unhealthy.
    checks: u64,
    /// User requests a second, by class of their status.
    classes: [f32; 5],
    /// Seconds: the quantiles 0.5, 0.9, 0.95, 0.99.
    latency: [f32; 4],
    /// User requests that ended, by bucket.
    buckets: [u32; BUCKETS],
    /// All of these a second.
    scene_loads: f32,
    scene_errors: f32,
    auth_successes: f32,
    auth_failures: f32,
    limited: f32,
    /// Processors in use.
    cpu: f32,
    frames: f32,
    /// Seconds: the quantile 0.99.
    frame: f32,
    /// Seconds.
    snapshot: f32,
    connections: u32,
    max_connections: u32,
    series: u32,
    shards: u32,
    /// 0 healthy, 1 degraded, 2 unhealthy.
    health: u8,
    /// Whether `buckets` are known.
    has_buckets: bool,
}

/// What a row is made of beside the totals.
#[derive(Debug)]
pub(super) struct Parts<'a> {
    /// Wall clock in milliseconds since 1970.
    pub(super) time: u64,
    pub(super) latency: [f64; 4],
    pub(super) buckets: Option<[u64; BUCKETS]>,
    /// The status of each check, in the order in which the checks are told.
    pub(super) checks: &'a [Option<u8>],
}

impl Row {
    /// What happened between two snapshots. Rates are of the time that really lay between them.
    pub(super) fn between(before: &Totals, now: &Totals, parts: &Parts<'_>) -> Self {
        let seconds = now.taken_at.saturating_duration_since(before.taken_at).as_secs_f64();
        // A family whose series were taken out falls, and starts anew.
        let rate = |before: Option<f64>, now: Option<f64>| match (before, now) {
            (Some(before), Some(now)) => rounded((now - before).max(0.0) / seconds),
            _ => f32::NAN,
        };
        let classes = |at| rate(before.classes.map(|classes| classes[at]), now.classes.map(|classes| classes[at]));
        let frames =
            now.frame_durations.as_ref().zip(before.frame_durations.as_ref()).and_then(|(now, before)| now.since(before));
        let snapshot = match (before.snapshots, now.snapshots) {
            (Some((seconds, count)), Some((seconds_now, count_now))) if count_now > count => {
                rounded((seconds_now - seconds) / (count_now - count) as f64)
            }
            _ => f32::NAN,
        };
        let checks = parts.checks.iter().take(MOST_CHECKS).enumerate().fold(UNKNOWN_TO_ALL, |bits, (at, status)| {
            let status = status.map_or(UNKNOWN, u64::from);
            bits & !(UNKNOWN << (2 * at)) | status << (2 * at)
        });
        Self {
            time: parts.time,
            resident: whole(now.resident).unwrap_or(u64::MAX),
            held: whole(now.held).unwrap_or(u64::MAX),
            checks,
            classes: [0, 1, 2, 3, 4].map(classes),
            latency: parts.latency.map(rounded),
            buckets: parts.buckets.unwrap_or_default().map(|count| u32::try_from(count).unwrap_or(u32::MAX)),
            scene_loads: rate(before.scene_loads, now.scene_loads),
            scene_errors: rate(before.scene_errors, now.scene_errors),
            auth_successes: rate(before.auth_successes, now.auth_successes),
            auth_failures: rate(before.auth_failures, now.auth_failures),
            limited: rate(before.limited, now.limited),
            cpu: rate(before.cpu, now.cpu),
            frames: rate(before.frames, now.frames),
            frame: frames.and_then(|frames| frames.quantile(0.99)).map_or(f32::NAN, rounded),
            snapshot,
            connections: small(now.connections),
            max_connections: small(now.max_connections),
            series: small(now.series),
            shards: small(now.shards),
            health: now.health.unwrap_or(u8::MAX),
            has_buckets: parts.buckets.is_some(),
        }
    }

    /// The value of a column, `None` where it is not known or is no single number.
    pub(super) fn number(&self, key: &str) -> Option<f64> {
        let (_, cell) = COLUMNS.iter().find(|(known, _)| *known == key)?;
        match cell(self, 0) {
            Cell::Whole(value) => Some(value as f64),
            Cell::Real(value) => Some(value.into()),
            Cell::Null | Cell::Counts(_) | Cell::Statuses { .. } => None,
        }
    }
}

fn status(checks: u64, at: usize) -> Option<u64> {
    let status = checks >> (2 * at) & UNKNOWN;
    (status != UNKNOWN).then_some(status)
}

/// Four significant digits: more than a chart shows, and less than half of the bytes.
pub(super) fn rounded(value: f64) -> f32 {
    if !value.is_finite() {
        return f32::NAN;
    }
    // Nothing that is measured here is that small, and a float could not hold it.
    if value.abs() < 1e-30 {
        return 0.0;
    }
    let scale = 10f64.powi(3 - value.abs().log10().floor() as i32);
    ((value * scale).round() / scale) as f32
}

fn whole(value: Option<f64>) -> Option<u64> {
    value.filter(|value| value.is_finite()).map(|value| value.round() as u64)
}

fn small(value: Option<f64>) -> u32 {
    whole(value).map_or(u32::MAX, |value| value.min(u64::from(u32::MAX) - 1) as u32)
}

/// What stands in one place of a row.
#[derive(Clone, Copy, Debug)]
pub(super) enum Cell<'a> {
    Null,
    Whole(u64),
    Real(f32),
    Counts(&'a [u32]),
    Statuses { bits: u64, checks: usize },
}

impl Cell<'_> {
    fn real(value: f32) -> Self {
        if value.is_finite() { Self::Real(value) } else { Self::Null }
    }

    fn whole(value: u64) -> Self {
        if value == u64::MAX { Self::Null } else { Self::Whole(value) }
    }

    fn small(value: u32) -> Self {
        if value == u32::MAX { Self::Null } else { Self::Whole(value.into()) }
    }
}

impl Serialize for Cell<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match *self {
            Self::Null => serializer.serialize_none(),
            Self::Whole(value) => serializer.serialize_u64(value),
            // Without the point and the zero that a float would have.
            Self::Real(value) if value.fract() == 0.0 && value.abs() < 1e9 => serializer.serialize_i64(value as i64),
            Self::Real(value) => serializer.serialize_f32(value),
            Self::Counts(counts) => serializer.collect_seq(counts),
            Self::Statuses { bits, checks } => serializer.collect_seq((0..checks).map(|at| status(bits, at))),
        }
    }
}

/// The value of a column, of a row that tells of so many checks.
type Column = (&'static str, for<'a> fn(&'a Row, usize) -> Cell<'a>);

/// All columns, under the keys of the events.
const COLUMNS: [Column; 27] = [
    ("t", |row, _| Cell::whole(row.time)),
    ("r2", |row, _| Cell::real(row.classes[0])),
    ("r3", |row, _| Cell::real(row.classes[1])),
    ("r4", |row, _| Cell::real(row.classes[2])),
    ("r5", |row, _| Cell::real(row.classes[3])),
    ("ro", |row, _| Cell::real(row.classes[4])),
    ("p50", |row, _| Cell::real(row.latency[0])),
    ("p90", |row, _| Cell::real(row.latency[1])),
    ("p95", |row, _| Cell::real(row.latency[2])),
    ("p99", |row, _| Cell::real(row.latency[3])),
    ("b", |row, _| if row.has_buckets { Cell::Counts(&row.buckets) } else { Cell::Null }),
    ("conn", |row, _| Cell::small(row.connections)),
    ("connmax", |row, _| Cell::small(row.max_connections)),
    ("sok", |row, _| Cell::real(row.scene_loads)),
    ("serr", |row, _| Cell::real(row.scene_errors)),
    ("aok", |row, _| Cell::real(row.auth_successes)),
    ("aerr", |row, _| Cell::real(row.auth_failures)),
    ("rl", |row, _| Cell::real(row.limited)),
    ("rss", |row, _| Cell::whole(row.resident)),
    ("cpu", |row, _| Cell::real(row.cpu)),
    ("fps", |row, _| Cell::real(row.frames)),
    ("frame", |row, _| Cell::real(row.frame)),
    ("snap", |row, _| Cell::real(row.snapshot)),
    ("series", |row, _| Cell::small(row.series)),
    ("held", |row, _| Cell::whole(row.held)),
    ("shards", |row, _| Cell::small(row.shards)),
    ("h", |row, _| if row.health == u8::MAX { Cell::Null } else { Cell::Whole(row.health.into()) }),
];

/// The last column.
const CHECKS: Column = ("hc", |row, checks| Cell::Statuses { bits: row.checks, checks });

fn columns() -> impl Iterator<Item = Column> {
    COLUMNS.into_iter().chain([CHECKS])
}

/// A row as the event `tick` has it.
#[derive(Debug)]
pub(super) struct Tick<'a> {
    pub(super) row: &'a Row,
    pub(super) checks: usize,
}

impl Serialize for Tick<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(columns().map(|(key, cell)| (key, cell(self.row, self.checks))))
    }
}

/// Rows as the event `history` has them: a list for each column.
#[derive(Debug)]
pub(super) struct Columns<R> {
    pub(super) rows: R,
    pub(super) checks: usize,
}

impl<'a, R: Iterator<Item = &'a Row> + Clone> Serialize for Columns<R> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        /// One column over time.
        struct Over<R> {
            rows: R,
            cell: for<'a> fn(&'a Row, usize) -> Cell<'a>,
            checks: usize,
        }

        impl<'a, R: Iterator<Item = &'a Row> + Clone> Serialize for Over<R> {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                let mut list = serializer.serialize_seq(None)?;
                self.rows.clone().try_for_each(|row| list.serialize_element(&(self.cell)(row, self.checks)))?;
                list.end()
            }
        }

        let mut map = serializer.serialize_map(None)?;
        for (key, cell) in columns() {
            map.serialize_entry(key, &Over { rows: self.rows.clone(), cell, checks: self.checks })?;
        }
        map.end()
    }
}

#[cfg(test)]
pub(super) mod tests {
    use std::time::{Duration, Instant};

    use super::*;
    use crate::{Registry, Snapshot};

    fn totals(snapshot: &Snapshot, taken_at: Instant) -> Totals {
        Totals { taken_at, ..Totals::of(snapshot) }
    }

    fn parts(time: u64) -> Parts<'static> {
        Parts { time, latency: [f64::NAN; 4], buckets: None, checks: &[] }
    }

    /// A row of which nothing is known but its time.
    pub(in crate::page) fn row(time: u64) -> Row {
        let now = Instant::now();
        let nothing = totals(&Registry::new().snapshot(), now);
        Row::between(&nothing, &totals(&Registry::new().snapshot(), now + Duration::from_secs(1)), &parts(time))
    }

    fn json(row: &Row, checks: usize) -> serde_json::Value {
        serde_json::to_value(Tick { row, checks }).unwrap()
    }

    #[test]
    fn rates_are_of_the_time_that_lay_between() {
        let registry = Registry::new();
        let loads = registry.counter_family("scene_loads_total", "", ["scene"]).unwrap();
        let requests = registry.counter_family("http_requests_total", "", ["endpoint", "status"]).unwrap();
        let cpu = registry.float_counter("process_cpu_seconds_total", "").unwrap();
        let depth = registry.up_down_counter("active_connections", "").unwrap();
        let start = Instant::now();
        let before = totals(&registry.snapshot(), start);
        loads.inc_by(["a"], 7);
        loads.inc_by(["b"], 3);
        requests.inc_by(["/scene", "200"], 100);
        requests.inc_by(["/metrics", "200"], 1_000);
        requests.inc_by(["/scene", "503"], 1);
        requests.inc_by(["/scene", "other"], 2);
        cpu.inc_by(0.25);
        depth.inc_by(3);
        let snapshot = registry.snapshot();
        for seconds in [0.5, 1.0, 2.5] {
            let now = totals(&snapshot, start + Duration::from_secs_f64(seconds));
            let row = json(&Row::between(&before, &now, &parts(5)), 0);
            for (key, count) in
                [("sok", 10.0), ("r2", 100.0), ("r3", 0.0), ("r4", 0.0), ("r5", 1.0), ("ro", 2.0), ("cpu", 0.25)]
            {
                let told = row[key].as_f64().unwrap();
                assert!((told - count / seconds).abs() <= count / seconds * 1e-6, "{key}: {told}");
            }
            assert_eq!((row["conn"].as_u64(), row["t"].as_u64()), (Some(3), Some(5)));
            for unknown in ["connmax", "serr", "aok", "aerr", "rl", "rss", "fps", "frame", "snap", "h", "b", "p50"] {
                assert!(row[unknown].is_null(), "{unknown}");
            }
        }
        // A total that fell, because its series were taken out, is no rate below zero.
        let fallen = totals(&registry.snapshot(), start);
        let row = Row::between(&fallen, &Totals { taken_at: start + Duration::from_secs(1), ..before }, &parts(5));
        assert_eq!(json(&row, 0)["sok"], 0);
    }

    #[test]
    fn numbers_have_four_digits_and_are_finite() {
        for (value, expected) in
            [(0.0, "0"), (20.0, "20"), (19.994_6, "19.99"), (0.000_123_456, "0.0001235"), (123_456.0, "123500")]
        {
            assert_eq!(serde_json::to_string(&Cell::real(rounded(value))).unwrap(), expected);
        }
        for value in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY, f64::MAX] {
            assert_eq!(serde_json::to_string(&Cell::real(rounded(value))).unwrap(), "null", "{value}");
        }
        let text = serde_json::to_string(&Cell::real(rounded(f64::MIN_POSITIVE))).unwrap();
        assert!(text.parse::<f64>().is_ok_and(f64::is_finite), "{text}");
    }

    #[test]
    fn checks_are_told_as_far_as_there_is_room() {
        let now = Instant::now();
        let nothing = totals(&Registry::new().snapshot(), now);
        let checks: Vec<Option<u8>> = (0..40).map(|at| [Some(0), Some(1), Some(2), None][at % 4]).collect();
        let row = Row::between(&nothing, &nothing, &Parts { checks: &checks, ..parts(0) });
        let told = json(&row, MOST_CHECKS)["hc"].clone();
        let expected: Vec<Option<u8>> = checks[..MOST_CHECKS].to_vec();
        assert_eq!(told, serde_json::json!(expected));
        // Of a check that came later an old row knows nothing.
        let row = Row::between(&nothing, &nothing, &Parts { checks: &checks[..2], ..parts(0) });
        assert_eq!(json(&row, 3)["hc"], serde_json::json!([0, 1, null]));
    }
}
