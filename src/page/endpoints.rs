//! What each endpoint has answered in the last ten seconds, and all of the users' requests by duration.
//!
//! Memory: 42 words an endpoint, and 120 bytes for each that answered in a tick, for ten seconds. Endpoints are as many as
//! their family has room for, 1 000 by default, and no more than [`MOST`] here.

use std::collections::{HashMap, VecDeque};
use std::time::Instant;

use super::latency::SPAN;
use super::quantile::interpolated;
use super::read::{each, is_of_users, label};
use super::tick::BUCKETS;
use crate::http::DURATION_BOUNDS;
use crate::{Snapshot, Value};

/// Endpoints that are told apart. A bound for families that others register; those of `HttpMetrics` have their own.
const MOST: usize = 5_000;

/// Counts of one endpoint.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
struct Counts {
    requests: u64,
    /// Those with status 5xx.
    errors: u64,
    buckets: [u64; BUCKETS],
}

impl Counts {
    fn since(&self, before: &Self) -> Self {
        let mut counts = *self;
        counts.requests = self.requests.saturating_sub(before.requests);
        counts.errors = self.errors.saturating_sub(before.errors);
        counts.buckets.iter_mut().zip(before.buckets).for_each(|(count, before)| *count = count.saturating_sub(before));
        counts
    }

    fn join(&mut self, other: &Self, join: fn(u64, u64) -> u64) {
        self.requests = join(self.requests, other.requests);
        self.errors = join(self.errors, other.errors);
        self.buckets.iter_mut().zip(other.buckets).for_each(|(count, other)| *count = join(*count, other));
    }
}

#[derive(Debug)]
struct Endpoint {
    name: Box<str>,
    /// At the last tick.
    last: Counts,
    now: Counts,
    /// Of the ticks that are kept.
    recent: Counts,
}

/// What came in one tick.
#[derive(Debug)]
struct Moved {
    begun: Instant,
    ended: Instant,
    /// Of the endpoints that answered, by their place.
    counts: Box<[(u16, Counts)]>,
}

/// One row of the table of endpoints.
#[derive(Clone, Debug, serde::Serialize)]
pub(super) struct EndpointRow {
    #[serde(rename = "e")]
    pub(super) name: Box<str>,
    pub(super) rps: f32,
    /// Share of 5xx.
    pub(super) err: f32,
    pub(super) p50: Option<f32>,
    pub(super) p95: Option<f32>,
    /// Since the start.
    pub(super) n: u64,
}

#[derive(Debug)]
pub(super) struct Endpoints {
    places: HashMap<Box<str>, u16>,
    endpoints: Vec<Endpoint>,
    ticks: VecDeque<Moved>,
}

impl Endpoints {
    pub(super) fn new() -> Self {
        Self { places: HashMap::new(), endpoints: Vec::new(), ticks: VecDeque::new() }
    }

    /// Takes in what came since `before`, the last snapshot; without one, from here on. Returns the users' requests of this
    /// tick by duration, `None` without the family.
    pub(super) fn advance(&mut self, snapshot: &Snapshot, before: Option<Instant>) -> Option<[u64; BUCKETS]> {
        let has_durations = self.read(snapshot);
        let mut all = Counts::default();
        let mut counts = Vec::new();
        for (place, endpoint) in (0..).zip(&mut self.endpoints) {
            let moved = endpoint.now.since(&endpoint.last);
            endpoint.last = endpoint.now;
            if before.is_some() && moved != Counts::default() {
                endpoint.recent.join(&moved, u64::wrapping_add);
                all.join(&moved, u64::wrapping_add);
                counts.push((place, moved));
            }
        }
        let ended = snapshot.taken_at();
        if let Some(begun) = before {
            self.ticks.push_back(Moved { begun, ended, counts: counts.into() });
        }
        while let Some(tick) = self.ticks.pop_front_if(|tick| ended.saturating_duration_since(tick.begun) > SPAN + SPAN / 20) {
            for (place, moved) in &tick.counts {
                self.endpoints[usize::from(*place)].recent.join(moved, u64::wrapping_sub);
            }
        }
        has_durations.then_some(all.buckets)
    }

    /// Reads the totals; says whether there are durations.
    fn read(&mut self, snapshot: &Snapshot) -> bool {
        // A series that has gone counts for nothing.
        self.endpoints.iter_mut().for_each(|endpoint| endpoint.now = Counts::default());
        each(snapshot, "http_requests_total", |labels, value| {
            let error = label(labels, "status").is_some_and(|status| status.starts_with('5'));
            if let Some(name) = label(labels, "endpoint")
                && let Some(counts) = self.of(&name)
            {
                counts.requests += value as u64;
                counts.errors += if error { value as u64 } else { 0 };
            }
        });
        let Some(durations) = snapshot.family("http_request_duration_seconds") else {
            return false;
        };
        let mut has_durations = false;
        for series in durations.series() {
            let Value::Histogram(value) = series.value else { continue };
            if !value.cumulative().map(|(bound, _)| bound).eq(DURATION_BOUNDS.into_iter().chain([f64::INFINITY])) {
                continue;
            }
            has_durations = true;
            if let Some(name) = label(series.labels, "endpoint")
                && let Some(counts) = self.of(&name)
            {
                let mut below = 0;
                for (count, (_, upto)) in counts.buckets.iter_mut().zip(value.cumulative()) {
                    *count += upto.wrapping_sub(below);
                    below = upto;
                }
            }
        }
        has_durations
    }

    /// The counts of an endpoint of the users, if there is room for it.
    fn of(&mut self, name: &str) -> Option<&mut Counts> {
        if !is_of_users(name) {
            return None;
        }
        let place = match self.places.get(name) {
            Some(place) => *place,
            None if self.endpoints.len() < MOST => {
                let place = self.endpoints.len() as u16;
                self.places.insert(name.into(), place);
                let none = Counts::default();
                self.endpoints.push(Endpoint { name: name.into(), last: none, now: none, recent: none });
                place
            }
            None => return None,
        };
        Some(&mut self.endpoints[usize::from(place)].now)
    }

    /// The endpoints that have ever answered, slowest first by the last ten seconds, at most so many.
    pub(super) fn slowest(&self, most: usize) -> Vec<EndpointRow> {
        let seconds = match (self.ticks.front(), self.ticks.back()) {
            (Some(first), Some(last)) => last.ended.saturating_duration_since(first.begun).as_secs_f64(),
            _ => f64::INFINITY,
        };
        let bounds: Vec<f64> = DURATION_BOUNDS.into_iter().chain([f64::INFINITY]).collect();
        let row = |endpoint: &Endpoint| {
            let recent = &endpoint.recent;
            let quantile = |q| interpolated(&bounds, &recent.buckets, q).map(super::tick::rounded);
            EndpointRow {
                name: endpoint.name.clone(),
                rps: super::tick::rounded(recent.requests as f64 / seconds),
                err: super::tick::rounded(recent.errors as f64 / recent.requests.max(1) as f64),
                p50: quantile(0.5),
                p95: quantile(0.95),
                n: endpoint.now.requests,
            }
        };
        let mut rows: Vec<EndpointRow> = self.endpoints.iter().filter(|endpoint| endpoint.now.requests > 0).map(row).collect();
        let slowness = |row: &EndpointRow| row.p95.unwrap_or(-1.0);
        rows.sort_by(|a, b| slowness(b).total_cmp(&slowness(a)).then(b.n.cmp(&a.n)).then(a.name.cmp(&b.name)));
        rows.truncate(most);
        rows
    }
}
