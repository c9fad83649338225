//! Profiles as JSON. The keys stand in one order, the ones that everybody looks for first.
//!
//! Durations are milliseconds with six decimals, so that none of a profile's nanoseconds is lost; times are RFC 3339 in UTC.

use std::cmp::Reverse;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use serde::Serialize;

use super::flame::Spans;
use super::query::Query;
use super::statistics::{EndpointStatistics, PhaseStatistics, Statistics, Unaccounted, milliseconds};
use super::{Profiler, RequestProfile};
use crate::metric::histogram::nanoseconds;

/// Profiles that a summary shows: the slowest ones.
const SLOWEST: usize = 5;

#[derive(Serialize)]
struct Profile<'a> {
    request_id: &'a str,
    endpoint: &'a str,
    method: &'static str,
    status: u16,
    started_at: String,
    total_duration_ms: f64,
    is_slow: bool,
    phases: Vec<Phase<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    trace_id: Option<String>,
    request_bytes: u64,
    response_bytes: u64,
    aborted: bool,
    phases_dropped: u8,
    unaccounted_ms: f64,
}

#[derive(Serialize)]
struct Phase<'a> {
    name: &'a str,
    duration_ms: f64,
    start_ms: f64,
    parent: Option<usize>,
    self_ms: f64,
}

#[derive(Serialize)]
struct Listing<'a> {
    total_profiles: usize,
    slow_profiles: usize,
    profiles: Vec<Profile<'a>>,
    phase_statistics: Vec<PhaseStatistics<'a>>,
    unaccounted: Unaccounted,
    endpoints: Vec<EndpointStatistics<'a>>,
    limit: Option<usize>,
    offset: usize,
}

#[derive(Serialize)]
struct Summary<'a> {
    total_profiles: usize,
    slow_profiles: usize,
    recorded: u64,
    dropped: u64,
    phases_dropped: u64,
    capacity: usize,
    slow_threshold_ms: f64,
    memory_bytes: usize,
    oldest_started_at: Option<String>,
    newest_started_at: Option<String>,
    slowest: Vec<Profile<'a>>,
    endpoints: Vec<EndpointStatistics<'a>>,
}

impl<'a> Profile<'a> {
    fn of(profile: &'a RequestProfile) -> Self {
        let (mut own, mut unaccounted) = (vec![0; profile.phases.len()], 0);
        Spans::of(profile).share_out(|phase, nanos| *phase.map_or(&mut unaccounted, |phase| &mut own[phase]) += nanos);
        let phases = profile.phases.iter().zip(own).map(|(phase, own)| Phase {
            name: &phase.name,
            duration_ms: of(phase.duration),
            start_ms: of(phase.start),
            parent: phase.parent,
            self_ms: milliseconds(own),
        });
        Self {
            request_id: &profile.request_id,
            endpoint: &profile.endpoint,
            method: profile.method.as_str(),
            status: profile.status,
            started_at: time(profile.started_at),
            total_duration_ms: of(profile.duration),
            is_slow: profile.is_slow,
            phases: phases.collect(),
            trace_id: profile.trace_id.map(|id| id.to_string()),
            request_bytes: profile.request_bytes,
            response_bytes: profile.response_bytes,
            aborted: profile.aborted,
            phases_dropped: profile.phases_dropped,
            unaccounted_ms: milliseconds(unaccounted),
        }
    }
}

fn of(duration: Duration) -> f64 {
    milliseconds(nanoseconds(duration))
}

/// The time to microseconds. There is no profile from before 1970, and humantime cannot write one.
fn time(moment: SystemTime) -> String {
    humantime::format_rfc3339_micros(moment.max(UNIX_EPOCH)).to_string()
}

fn written(report: &impl Serialize) -> String {
    serde_json::to_string(report).expect("text and finite numbers can be written")
}

fn slow(profiles: &[RequestProfile]) -> usize {
    profiles.iter().filter(|profile| profile.is_slow).count()
}

/// One profile: `{"request_id": "scene_1733158245_7f", "endpoint": "/scene", "method": "POST", "status": 200, "started_at": …,
/// "total_duration_ms": 145.3, "is_slow": true, "phases": [{"name": "auth_validation", "duration_ms": 2.1, …}, …], …}`.
///
/// # Examples
///
/// ```
/// use tachograph::http::Method;
/// use tachograph::profile::{ProfileOptions, Profiler, Sizes, report};
///
/// let profiler = Profiler::new(ProfileOptions::default());
/// profiler.start("/scene", Method::Post).with_request_id("7f").finish(200, Sizes::default());
/// let json = report::profile(&profiler.profiles()[0]);
/// assert!(json.starts_with(r#"{"request_id":"7f","endpoint":"/scene","method":"POST","status":200,"started_at":""#));
/// ```
pub fn profile(profile: &RequestProfile) -> String {
    written(&Profile::of(profile))
}

/// The profiles that a query asks for, as many as it asks for, with the statistics of all that match. `profiles` are newest
/// first, as [`Profiler::profiles`] has them.
///
/// # Examples
///
/// ```
/// use tachograph::http::Method;
/// use tachograph::profile::query::{Query, Wanted};
/// use tachograph::profile::{ProfileOptions, Profiler, Sizes, report};
///
/// let profiler = Profiler::new(ProfileOptions::default());
/// profiler.start("/scene", Method::Get).with_request_id("r1").finish(200, Sizes::default());
/// let query = Query::from_pairs(Wanted::Profiles, profiler.most(), [("status", "2xx")])?;
/// let listing = report::listing(&query, query.matching(profiler.profiles()));
/// assert!(listing.starts_with("{\"total_profiles\":1,"));
/// # Ok::<(), tachograph::profile::query::QueryError>(())
/// ```
pub fn listing(query: &Query, profiles: Vec<RequestProfile>) -> String {
    let matching = query.matching(profiles);
    let Statistics { phases, unaccounted, endpoints } = Statistics::of(&matching);
    written(&Listing {
        total_profiles: matching.len(),
        slow_profiles: slow(&matching),
        profiles: query.page(&matching).iter().map(Profile::of).collect(),
        phase_statistics: phases,
        unaccounted,
        endpoints,
        limit: query.limit,
        offset: query.offset,
    })
}

/// What a profiler holds, in a few numbers: how many profiles, since when, what it costs, the slowest ones, and each route.
///
/// # Examples
///
/// ```
/// use tachograph::profile::{ProfileOptions, Profiler, report};
///
/// let summary = report::summary(&Profiler::new(ProfileOptions::default()));
/// assert!(summary.starts_with("{\"total_profiles\":0,"));
/// ```
pub fn summary(profiler: &Profiler) -> String {
    let profiles = profiler.profiles();
    let started = || profiles.iter().map(|profile| profile.started_at);
    let mut slowest: Vec<&RequestProfile> = profiles.iter().collect();
    slowest.sort_by_key(|profile| Reverse(profile.duration));
    written(&Summary {
        total_profiles: profiles.len(),
        slow_profiles: slow(&profiles),
        recorded: profiler.recorded(),
        dropped: profiler.dropped(),
        phases_dropped: profiler.phases_dropped(),
        capacity: profiler.options().capacity,
        slow_threshold_ms: of(profiler.options().slow_threshold),
        memory_bytes: profiler.heap_bytes(),
        oldest_started_at: started().min().map(time),
        newest_started_at: started().max().map(time),
        slowest: slowest.into_iter().take(SLOWEST).map(Profile::of).collect(),
        endpoints: Statistics::of(&profiles).endpoints,
    })
}

#[cfg(all(test, not(tachograph_loom)))]
mod tests {
    use serde_json::Value;

    use super::*;
    use crate::profile::ProfileOptions;
    use crate::profile::flame::handmade::{HOSTILE, request, scene};

    #[test]
    fn a_profile_has_its_keys_in_order_and_its_own_times_add_up() {
        let mut scene = scene();
        scene.phases.truncate(4);
        let expected = r#"{"request_id":"scene_1733158245_7f","endpoint":"/scene","method":"POST","status":200,
            "started_at":"2024-12-02T16:50:45.123456Z","total_duration_ms":145.3,"is_slow":false,"phases":[
            {"name":"auth_validation","duration_ms":2.1,"start_ms":0.0,"parent":null,"self_ms":2.1},
            {"name":"scene_validation","duration_ms":15.0,"start_ms":2.2,"parent":null,"self_ms":15.0},
            {"name":"file_io","duration_ms":98.3,"start_ms":17.4,"parent":null,"self_ms":8.3},
            {"name":"fsync","duration_ms":90.0,"start_ms":20.0,"parent":2,"self_ms":90.0}],
            "trace_id":"0af7651916cd43dd8448eb211c80319c","request_bytes":512,"response_bytes":64,"aborted":false,
            "phases_dropped":0,"unaccounted_ms":29.9}"#;
        let expected: String = expected.lines().map(str::trim).collect();
        assert_eq!(profile(&scene), expected);
        scene.trace_id = None;
        assert!(!profile(&scene).contains("trace_id"));
    }

    #[test]
    fn no_nanosecond_is_lost() {
        for (nanos, expected) in [(1, 1e-6), (999, 0.000999), (145_300_123, 145.300123), (u64::from(u32::MAX), 4294.967295)] {
            let told: Value = serde_json::from_str(&profile(&request("/a", nanos, &[]))).unwrap();
            assert_eq!(told["total_duration_ms"], expected);
        }
    }

    #[test]
    fn hostile_names_come_back_as_they_were() {
        for name in HOSTILE {
            let mut hostile = request(name, 10, &[(name, None, 0, 1)]);
            hostile.request_id = name.into();
            let told: Value = serde_json::from_str(&profile(&hostile)).unwrap();
            assert_eq!([&told["request_id"], &told["endpoint"], &told["phases"][0]["name"]], [name; 3]);
        }
    }

    #[test]
    fn a_listing_counts_all_that_match_and_shows_a_part() {
        let mut profiles = vec![request("/a", 3_000_000, &[]), request("/a", 1_000_000, &[]), request("/b", 2_000_000, &[])];
        profiles[0].is_slow = true;
        let query = Query { endpoint: Some("/a".into()), limit: Some(1), offset: 1, ..Query::default() };
        let told = listing(&query, profiles);
        let order: Vec<usize> =
            ["total_profiles", "slow_profiles", "profiles", "phase_statistics", "unaccounted", "endpoints", "limit", "offset"]
                .iter()
                .map(|key| told.find(&format!("\"{key}\":")).unwrap())
                .collect();
        assert!(order.is_sorted(), "{told}");
        let told: Value = serde_json::from_str(&told).unwrap();
        assert_eq!((&told["total_profiles"], &told["slow_profiles"], &told["limit"]), (&2.into(), &1.into(), &1.into()));
        assert_eq!(told["profiles"].as_array().unwrap().len(), 1);
        assert_eq!(told["profiles"][0]["total_duration_ms"], 1.0);
        assert_eq!(told["endpoints"][0]["mean_ms"], 2.0);
    }

    #[test]
    fn a_summary_of_nothing_has_all_its_keys() {
        let told: Value = serde_json::from_str(&summary(&Profiler::new(ProfileOptions::default()))).unwrap();
        assert_eq!((&told["total_profiles"], &told["capacity"], &told["recorded"]), (&0.into(), &1_000.into(), &0.into()));
        assert_eq!((&told["slow_threshold_ms"], &told["oldest_started_at"]), (&100.0.into(), &Value::Null));
    }
}
