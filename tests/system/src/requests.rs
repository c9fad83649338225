//! Profiles of requests with times that are known: made by a profiler, then set.

use std::time::Duration;

use tachograph::http::Method;
use tachograph::profile::{ProfileOptions, Profiler, RequestProfile, Sizes};

/// Name, parent, start and duration in microseconds.
pub type Phase<'a> = (&'a str, Option<usize>, u64, u64);

/// A request that took so many microseconds.
pub fn request(endpoint: &str, method: Method, status: u16, micros: u64, phases: &[Phase<'_>]) -> RequestProfile {
    let profiler = Profiler::new(ProfileOptions::default());
    let open = profiler.start(endpoint, method);
    phases.iter().for_each(|(name, ..)| drop(open.phase(name)));
    open.finish(status, Sizes { request_bytes: 512, response_bytes: 64 });
    let mut profile = profiler.profiles().pop().expect("a profile that has just been finished");
    profile.duration = Duration::from_micros(micros);
    assert_eq!(profile.phases.len(), phases.len(), "there is room for all phases");
    for (kept, (name, parent, start, duration)) in profile.phases.iter_mut().zip(phases) {
        kept.name = (*name).into();
        kept.parent = *parent;
        kept.start = Duration::from_micros(*start);
        kept.duration = Duration::from_micros(*duration);
    }
    profile
}

/// A scene of 145.3 ms, of which no phase covers 1.8, whose last two phases ran concurrently for 20 ms.
pub fn scene() -> RequestProfile {
    let phases = [
        ("auth_validation", None, 0, 2_100),
        ("scene_validation", None, 2_200, 15_000),
        ("file_io", None, 17_400, 98_300),
        ("fsync", Some(2), 20_000, 90_000),
        ("response_serialization", None, 117_000, 28_100),
        ("log", None, 117_000, 20_000),
    ];
    request("/scene", Method::Post, 200, 145_300, &phases)
}

/// A request that failed early.
pub fn refused() -> RequestProfile {
    request("/scene", Method::Post, 503, 700, &[("auth_validation", None, 0, 500)])
}

/// A request of another route.
pub fn login() -> RequestProfile {
    request("/auth", Method::Get, 200, 4_000, &[("auth_validation", None, 0, 3_000)])
}

/// A request of 12 ms whose nine phases have names that a format may trip over, a millisecond each.
pub fn hostile() -> RequestProfile {
    let names =
        ["", " ", "a;b", "say \"hello\\\"", "two\nlines 7\r\n", "\0\u{1b}[31m", "</script><!-- ]]> &amp;", "🦀", "step 2"];
    let phases: Vec<_> = names.into_iter().zip(0..).map(|(name, turn)| (name, None, turn * 1_000, 1_000)).collect();
    request("/with \"quotes\"; and\nlines 3", Method::Post, 200, 12_000, &phases)
}
