//! Statistics of profiles: by phase, and by route and method.

use std::cmp::Reverse;
use std::collections::BTreeMap;

use serde::Serialize;

use super::RequestProfile;
use super::flame::Spans;
use crate::metric::histogram::nanoseconds;

/// The statistics of some profiles.
///
/// # Examples
///
/// ```
/// use tachograph::http::Method;
/// use tachograph::profile::statistics::Statistics;
/// use tachograph::profile::{ProfileOptions, Profiler, Sizes};
///
/// let profiler = Profiler::new(ProfileOptions::default());
/// for status in [200, 200, 503] {
///     let profile = profiler.start("/scene", Method::Post);
///     drop(profile.phase("file_io"));
///     profile.finish(status, Sizes::default());
/// }
/// let profiles = profiler.profiles();
/// let statistics = Statistics::of(&profiles);
/// let scene = &statistics.endpoints[0];
/// assert_eq!((scene.endpoint, scene.method, scene.durations.count, scene.errors), ("/scene", "POST", 3, 1));
/// assert_eq!((statistics.phases[0].name, statistics.phases[0].durations.count), ("file_io", 3));
/// ```
///
/// Its parts:
///
/// ```
/// use tachograph::http::Method;
/// use tachograph::profile::statistics::{Durations, EndpointStatistics, PhaseStatistics, Statistics, Unaccounted};
/// use tachograph::profile::{ProfileOptions, Profiler, Sizes};
///
/// let profiler = Profiler::new(ProfileOptions::default());
/// let profile = profiler.start("/scene", Method::Post);
/// drop(profile.phase("file_io"));
/// profile.finish(200, Sizes::default());
/// let profiles = profiler.profiles();
/// let Statistics { phases, unaccounted: Unaccounted { self_share, .. }, endpoints } = Statistics::of(&profiles);
/// let PhaseStatistics { self_share: of_phase, .. } = &phases[0];
/// assert!((self_share + of_phase - 1.0).abs() < 1e-9, "each moment is of a phase, or of none");
/// let EndpointStatistics { durations: Durations { p50_ms, max_ms, .. }, .. } = &endpoints[0];
/// assert_eq!(p50_ms, max_ms, "there was one request");
/// ```
#[derive(Debug, Serialize)]
pub struct Statistics<'a> {
    /// Of each phase, in all requests; the one with the longest total first, equal ones by name.
    pub phases: Vec<PhaseStatistics<'a>>,
    /// Of what no phase covers.
    pub unaccounted: Unaccounted,
    /// Of each route and method; the one with the longest total first, equal ones by name.
    pub endpoints: Vec<EndpointStatistics<'a>>,
}

/// How long something took, in milliseconds.
///
/// The quantiles are exact, by nearest rank: the smallest duration that at least that part of all durations do not exceed. It
/// is one of them, never a number in between.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
#[expect(missing_docs, reason = "each is what it is named after")]
pub struct Durations {
    pub count: usize,
    pub mean_ms: f64,
    pub p50_ms: f64,
    pub p95_ms: f64,
    pub p99_ms: f64,
    pub max_ms: f64,
}

/// The statistics of a phase.
#[derive(Debug, Serialize)]
pub struct PhaseStatistics<'a> {
    /// The phase's name.
    pub name: &'a str,
    /// How often it was, and how long. A request may have it several times.
    #[serde(flatten)]
    pub durations: Durations,
    /// The part of the requests' total duration in which it was open, 0 to 1. What is nested is in its parents' too.
    pub share: f64,
    /// Milliseconds in which it was the deepest phase that was open, in total; of such that ran concurrently each has an equal
    /// part.
    pub self_ms: f64,
    /// The part of the requests' total duration that this is. These of all phases and what no phase covers are 1.
    pub self_share: f64,
}

/// The time that no phase of a request covers.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Unaccounted {
    /// Milliseconds in total.
    pub self_ms: f64,
    /// The part of the requests' total duration that this is. It and those of all phases are 1.
    pub self_share: f64,
}

/// The statistics of a route and method.
#[derive(Debug, Serialize)]
pub struct EndpointStatistics<'a> {
    /// The route.
    pub endpoint: &'a str,
    /// The method.
    pub method: &'static str,
    /// How many requests, and how long they took.
    #[serde(flatten)]
    pub durations: Durations,
    /// Those that were answered with 500 or more.
    pub errors: usize,
    /// Those that were slow.
    pub slow: usize,
}

impl<'a> Statistics<'a> {
    /// Computes the statistics of these profiles.
    pub fn of(profiles: &'a [RequestProfile]) -> Self {
        let total = profiles.iter().map(|profile| profile.duration.as_nanos()).sum();
        let (phases, unaccounted) = phases(profiles, total);
        Self { phases, unaccounted, endpoints: endpoints(profiles) }
    }
}

impl Durations {
    /// The statistics of nanoseconds, at least one of them.
    fn of(mut nanos: Vec<u64>) -> Self {
        nanos.sort_unstable();
        let count = nanos.len();
        let rank = |percent: usize| (count * percent).div_ceil(100).max(1);
        let quantile = |percent| milliseconds(nanos[rank(percent) - 1]);
        Self {
            count,
            mean_ms: sum(&nanos) as f64 / count as f64 / 1e6,
            p50_ms: quantile(50),
            p95_ms: quantile(95),
            p99_ms: quantile(99),
            max_ms: quantile(100),
        }
    }
}

/// What is gathered of a phase, in nanoseconds.
#[derive(Default)]
struct Phase {
    durations: Vec<u64>,
    open: u64,
    own: u64,
}

fn phases(profiles: &[RequestProfile], total: u128) -> (Vec<PhaseStatistics<'_>>, Unaccounted) {
    let mut unaccounted: u64 = 0;
    let mut phases: BTreeMap<&str, Phase> = BTreeMap::new();
    let mut open: BTreeMap<&str, Vec<(u64, u64)>> = BTreeMap::new();
    for profile in profiles {
        let spans = Spans::of(profile);
        for (phase, span) in profile.phases.iter().zip(&spans.phases) {
            phases.entry(&phase.name).or_default().durations.push(nanoseconds(phase.duration));
            open.entry(&phase.name).or_default().push((span.start, span.end));
        }
        while let Some((name, spans)) = open.pop_first() {
            let open = &mut phases.entry(name).or_default().open;
            *open = open.saturating_add(covered(spans));
        }
        spans.share_out(|phase, nanos| {
            let own = match phase {
                Some(phase) => &mut phases.entry(&profile.phases[phase].name).or_default().own,
                None => &mut unaccounted,
            };
            *own = own.saturating_add(nanos);
        });
    }
    let share = |nanos: u64| if total == 0 { 0.0 } else { nanos as f64 / total as f64 };
    let phases = by_total(phases.into_iter().map(|(name, Phase { durations, open, own })| {
        let (total, durations) = (sum(&durations), Durations::of(durations));
        let (self_ms, self_share) = (milliseconds(own), share(own));
        (total, PhaseStatistics { name, durations, share: share(open), self_ms, self_share })
    }));
    (phases, Unaccounted { self_ms: milliseconds(unaccounted), self_share: share(unaccounted) })
}

fn endpoints(profiles: &[RequestProfile]) -> Vec<EndpointStatistics<'_>> {
    let mut endpoints: BTreeMap<(&str, &'static str), Vec<&RequestProfile>> = BTreeMap::new();
    for profile in profiles {
        endpoints.entry((&profile.endpoint, profile.method.as_str())).or_default().push(profile);
    }
    by_total(endpoints.into_iter().map(|((endpoint, method), profiles)| {
        let durations: Vec<u64> = profiles.iter().map(|profile| nanoseconds(profile.duration)).collect();
        let errors = profiles.iter().filter(|profile| profile.status >= 500).count();
        let slow = profiles.iter().filter(|profile| profile.is_slow).count();
        (sum(&durations), EndpointStatistics { endpoint, method, durations: Durations::of(durations), errors, slow })
    }))
}

/// The ones with the longest total first; those of one total stay in their order.
fn by_total<T>(statistics: impl Iterator<Item = (u128, T)>) -> Vec<T> {
    let mut statistics: Vec<(u128, T)> = statistics.collect();
    statistics.sort_by_key(|(total, _)| Reverse(*total));
    statistics.into_iter().map(|(_, statistics)| statistics).collect()
}

fn sum(nanos: &[u64]) -> u128 {
    nanos.iter().map(|nanos| u128::from(*nanos)).sum()
}

/// Nanoseconds that lie in at least one of the spans.
fn covered(mut spans: Vec<(u64, u64)>) -> u64 {
    spans.sort_unstable();
    let mut reached = 0;
    spans.iter().fold(0, |covered, (start, end)| {
        let new = end.saturating_sub(reached.max(*start));
        reached = reached.max(*end);
        covered + new
    })
}

/// Milliseconds with their millionths, as all reports have them.
pub(super) fn milliseconds(nanos: u64) -> f64 {
    nanos as f64 / 1e6
}

#[cfg(all(test, not(tachograph_loom)))]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::profile::flame::handmade::{request, requests};

    /// By counting, without sorting: the smallest of the values that so many percent do not exceed.
    fn nearest_rank(values: &[u64], percent: usize) -> u64 {
        let enough = |limit: u64| values.iter().filter(|value| **value <= limit).count() * 100 >= percent * values.len();
        values.iter().copied().filter(|value| enough(*value)).min().unwrap()
    }

    proptest! {
        #[test]
        fn quantiles_are_those_of_a_naive_count(values in prop::collection::vec(0u64..1_000_000_000_000, 1..150)) {
            let durations = Durations::of(values.clone());
            prop_assert_eq!(durations.count, values.len());
            prop_assert_eq!(durations.p50_ms, milliseconds(nearest_rank(&values, 50)));
            prop_assert_eq!(durations.p95_ms, milliseconds(nearest_rank(&values, 95)));
            prop_assert_eq!(durations.p99_ms, milliseconds(nearest_rank(&values, 99)));
            prop_assert_eq!(durations.max_ms, milliseconds(*values.iter().max().unwrap()));
            let mean = values.iter().map(|value| *value as f64 / 1e6).sum::<f64>() / values.len() as f64;
            prop_assert!((durations.mean_ms - mean).abs() <= mean * 1e-9);
        }

        #[test]
        fn shares_are_those_of_each_nanosecond(profiles in requests()) {
            let statistics = Statistics::of(&profiles);
            let total: u128 = profiles.iter().map(|profile| profile.duration.as_nanos()).sum();
            for phase in &statistics.phases {
                let of_name = |profile: &RequestProfile, now: u128| profile.phases.iter().any(|other| {
                    let open = other.start.as_nanos()..(other.start + other.duration).as_nanos();
                    *other.name == *phase.name && open.contains(&now)
                });
                let open: usize = profiles.iter().map(|profile| {
                    (0..profile.duration.as_nanos()).filter(|now| of_name(profile, *now)).count()
                }).sum();
                let share = if total == 0 { 0.0 } else { open as f64 / total as f64 };
                prop_assert_eq!(phase.share, share, "{:?}", phase);
                prop_assert!(phase.self_share <= phase.share && phase.share <= 1.0, "{:?}", phase);
            }
            let own: f64 = statistics.phases.iter().map(|phase| phase.self_share).sum();
            let whole = if profiles.iter().all(|profile| profile.duration.is_zero()) { 0.0 } else { 1.0 };
            prop_assert!((own + statistics.unaccounted.self_share - whole).abs() < 1e-9, "{:?}", statistics);
        }
    }

    #[test]
    fn a_phase_is_counted_as_often_as_it_was_and_its_share_is_of_all_requests() {
        let phases = [("io", None, 0, 6_000_000), ("parse", Some(0), 1_000_000, 2_000_000), ("io", None, 7_000_000, 1_000_000)];
        let profiles = [request("/a", 10_000_000, &phases), request("/b", 10_000_000, &[])];
        let statistics = Statistics::of(&profiles);
        let [io, parse] = &statistics.phases[..] else { panic!("{statistics:?}") };
        assert_eq!((io.name, io.durations.count, io.share, io.self_ms, io.self_share), ("io", 2, 0.35, 5.0, 0.25));
        assert_eq!((io.durations.mean_ms, io.durations.p50_ms, io.durations.max_ms), (3.5, 1.0, 6.0));
        assert_eq!((parse.name, parse.durations.count, parse.share, parse.self_ms), ("parse", 1, 0.1, 2.0));
    }

    #[test]
    fn the_longest_total_comes_first_and_names_decide_between_equals() {
        let slow = |endpoint| request(endpoint, 9, &[]);
        let fast = |endpoint, phase| request(endpoint, 5, &[(phase, None, 0, 1)]);
        let profiles = [fast("/c", "y"), fast("/b", "z"), slow("/d"), fast("/c", "x"), fast("/a", "x")];
        let statistics = Statistics::of(&profiles);
        let names = |statistics: &Statistics<'_>| {
            let endpoints = statistics.endpoints.iter().map(|endpoint| endpoint.endpoint.to_owned()).collect::<Vec<_>>();
            let phases = statistics.phases.iter().map(|phase| phase.name.to_owned()).collect::<Vec<_>>();
            (endpoints.join(" "), phases.join(" "))
        };
        assert_eq!(names(&statistics), ("/c /d /a /b".to_owned(), "x y z".to_owned()));
    }

    #[test]
    fn errors_and_slow_ones_are_counted_by_route_and_method() {
        let mut profiles = [request("/a", 1, &[]), request("/a", 1, &[]), request("/a", 1, &[])];
        (profiles[0].status, profiles[1].status, profiles[1].is_slow) = (500, 404, true);
        profiles[2].method = crate::http::Method::Get;
        let statistics = Statistics::of(&profiles);
        let counted: Vec<_> =
            statistics.endpoints.iter().map(|of| (of.method, of.durations.count, of.errors, of.slow)).collect();
        assert_eq!(counted, [("POST", 2, 1, 1), ("GET", 1, 0, 0)]);
        assert!(Statistics::of(&[]).endpoints.is_empty());
    }
}
