//! What a profile keeps of a request, however the request ends, whatever it is called, and wherever its phases run.

use std::collections::{BTreeMap, VecDeque};
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::thread;
use std::time::Duration;

use tachograph::http::Method;
use tachograph::profile::{ABORTED, OpenProfile, Phase, ProfileOptions, Profiler, RequestProfile, Sizes, TraceId};

fn profiler() -> Profiler {
    Profiler::new(ProfileOptions::default())
}

/// A ring alone.
fn ring(capacity: usize) -> Profiler {
    Profiler::new(ProfileOptions { capacity, slowest: 0, pinned: 0, ..ProfileOptions::default() })
}

/// The one profile that there is.
fn only(profiler: &Profiler) -> RequestProfile {
    let [profile] = <[RequestProfile; 1]>::try_from(profiler.profiles()).unwrap();
    profile
}

/// Names and parents of its phases.
fn tree(profile: &RequestProfile) -> Vec<(&str, Option<usize>)> {
    profile.phases.iter().map(|phase| (&*phase.name, phase.parent)).collect()
}

fn finish(profile: OpenProfile) -> Duration {
    profile.finish(200, Sizes::default())
}

#[test]
fn a_profile_goes_wherever_its_request_goes() {
    fn goes_anywhere<T: Send + Sync + 'static>() {}
    goes_anywhere::<OpenProfile>();
    goes_anywhere::<Phase<'static>>();
    goes_anywhere::<Profiler>();

    let profiler = profiler();
    let profile = profiler.start("/scene", Method::Get);
    // As a server would spawn it: it has to be `Send`.
    let request = async move {
        let outer = profile.phase("outer");
        tokio::task::yield_now().await;
        let inner = profile.phase("inner");
        tokio::task::yield_now().await;
        drop((inner, outer));
        drop(profile.phase("last"));
        finish(profile)
    };
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let duration = runtime.block_on(async { tokio::spawn(request).await }).unwrap();
    let profile = only(&profiler);
    assert_eq!(profile.duration, duration);
    assert_eq!(tree(&profile), [("outer", None), ("inner", Some(0)), ("last", None)]);
}

#[test]
fn phases_of_several_threads_are_parts_of_what_they_say() {
    let profiler = profiler();
    let profile = profiler.start("/scene", Method::Get);
    let all = profile.phase("all");
    thread::scope(|scope| {
        for name in ["a", "b", "c"] {
            let all = &all;
            scope.spawn(move || {
                let part = all.phase(name);
                drop(part.phase("piece"));
            });
        }
    });
    drop(all);
    drop(profile.phase("after"));
    finish(profile);
    let profile = only(&profiler);
    let names = |parent| profile.phases.iter().filter(move |phase| phase.parent == parent).map(|phase| &*phase.name);
    assert_eq!(names(None).collect::<Vec<_>>(), ["all", "after"]);
    let mut parts: Vec<_> = names(Some(0)).collect();
    parts.sort_unstable();
    assert_eq!(parts, ["a", "b", "c"]);
    for (at, phase) in profile.phases.iter().enumerate() {
        assert!(phase.parent.is_none_or(|parent| parent < at));
        assert!(&*phase.name != "piece" || matches!(&*profile.phases[phase.parent.unwrap()].name, "a" | "b" | "c"));
    }
}

#[test]
fn guards_may_be_dropped_in_any_order() {
    let profiler = profiler();
    let profile = profiler.start("/scene", Method::Get);
    let outer = profile.phase("outer");
    let inner = profile.phase("inner");
    drop(outer);
    let still_inside = profile.phase("still_inside");
    drop(inner);
    let innermost = profile.phase("innermost");
    drop(still_inside);
    drop(innermost);
    let outside = profile.phase("outside");
    let concurrent = [outside.phase("left"), outside.phase("right")];
    drop(concurrent);
    let beside = profile.phase("beside");
    drop((outside, beside));
    finish(profile);
    let expected = [
        ("outer", None),
        ("inner", Some(0)),
        ("still_inside", Some(1)),
        ("innermost", Some(2)),
        ("outside", None),
        ("left", Some(4)),
        ("right", Some(4)),
        ("beside", Some(4)),
    ];
    assert_eq!(tree(&only(&profiler)), expected);
}

#[test]
fn a_phase_is_no_part_of_one_that_has_ended() {
    // Of two that run at once the later one is the innermost; when it ends, what it was a part of may have ended before it.
    let profiler = profiler();
    let profile = profiler.start("/scene", Method::Get);
    let first = profile.phase("first");
    let part = first.phase("part");
    drop(first);
    drop(part);
    drop(profile.phase("second"));
    finish(profile);
    assert_eq!(tree(&only(&profiler)), [("first", None), ("part", Some(0)), ("second", None)]);
}

#[test]
fn what_is_open_at_the_end_ends_there_and_what_comes_later_is_not_seen() {
    let profiler = profiler();
    let profile = profiler.start("/scene", Method::Put);
    let open = profile.phase("open");
    let forgotten = profile.phase("forgotten");
    std::mem::forget(forgotten);
    let duration = profile.finish(201, Sizes { request_bytes: 1, response_bytes: u64::MAX });
    let late = profile.phase("late");
    profile.finish(500, Sizes::default());
    drop((late, open));
    drop(profile);
    let kept = only(&profiler);
    assert_eq!((kept.status, kept.aborted, kept.duration), (201, false, duration));
    assert_eq!((kept.request_bytes, kept.response_bytes), (1, (1 << 48) - 1));
    assert_eq!((tree(&kept), kept.phases_dropped), (vec![("open", None), ("forgotten", Some(0))], 0));
    assert!(kept.phases.iter().all(|phase| phase.start + phase.duration == duration));
    assert_eq!(profiler.recorded(), 1);
}

#[test]
fn a_request_that_returns_early_or_panics_has_a_profile_too() {
    let profiler = profiler();
    let fails = |text: &str| -> Result<i32, std::num::ParseIntError> {
        let profile = profiler.start("/scene", Method::Get);
        let _parsing = profile.phase("parsing");
        let number = text.parse()?;
        drop(profile.phase("counting"));
        profile.finish(200, Sizes::default());
        Ok(number)
    };
    assert!(fails("7").is_ok() && fails("seven").is_err());
    let panicked = catch_unwind(AssertUnwindSafe(|| {
        let profile = profiler.start("/scene", Method::Get);
        let _parsing = profile.phase("parsing");
        // Without the message of `panic!`.
        resume_unwind(Box::new(()));
    }));
    assert!(panicked.is_err());
    let kept = profiler.profiles();
    let shown: Vec<_> = kept.iter().map(|profile| (profile.status, profile.aborted, profile.phases.len())).collect();
    assert_eq!(shown, [(ABORTED, true, 1), (ABORTED, true, 1), (200, false, 2)]);
}

#[test]
fn phases_beyond_sixteen_are_counted() {
    let profiler = profiler();
    for begun in [16u64, 17, 16 + 255, 1_000] {
        let profile = profiler.start("/scene", Method::Get);
        let phases: Vec<_> = (0..begun).map(|n| profile.phase(["even", "odd"][n as usize % 2])).collect();
        drop(phases.last().unwrap().phase("a part of one that has no place"));
        drop(phases);
        finish(profile);
        let kept = profiler.profiles().remove(0);
        let dropped = (begun + 1 - 16).min(255);
        assert_eq!((kept.phases.len(), u64::from(kept.phases_dropped)), (16, dropped), "{begun}");
        assert!(kept.phases.iter().enumerate().all(|(at, phase)| phase.parent == at.checked_sub(1)));
    }
    assert_eq!(profiler.phases_dropped(), 1 + 2 + 255 + 255);
}

#[test]
fn hostile_names_and_ids_are_cut_or_called_other() {
    let profiler = profiler();
    for character in ["x", "é", "中", "🦀", "\u{0}", "\"\\\n"] {
        for before in 0..4 {
            for len in [0, 1, 62, 63, 64, 65, 127, 128, 129, 100_000] {
                let name = format!("{}{}", &"abc"[..before], character.repeat(len));
                let profile = profiler.start(&name, Method::Other).with_request_id(&name);
                drop(profile.phase(&name).phase(&name));
                let (endpoint, id) = (profile.endpoint().to_owned(), profile.request_id().to_string());
                finish(profile);
                let kept = profiler.profiles().remove(0);
                assert_eq!((&*kept.endpoint, &*kept.request_id), (&*endpoint, &*id));
                assert!(endpoint == name || endpoint == "other", "{endpoint}");
                assert!(kept.phases.iter().all(|phase| *phase.name == *endpoint));
                assert!(id.len() <= 64 && (name.starts_with(&id) && id.len() > 60 || name == id || name.is_empty()), "{id}");
                assert_eq!(TraceId::from_traceparent(&name), None);
            }
        }
    }
}

#[test]
fn a_later_request_id_or_trace_id_takes_the_place_of_an_earlier_one() {
    let profiler = profiler();
    let trace_id = TraceId::new(u128::MAX - 1);
    let profile = profiler.start("/scene", Method::Get).with_trace_id(TraceId::new(7)).with_trace_id(trace_id);
    let profile = profile.with_request_id(&"long".repeat(16)).with_request_id("short").with_request_id("");
    finish(profile);
    let kept = only(&profiler);
    assert_eq!((&*kept.request_id, kept.trace_id), ("short", trace_id));
}

#[test]
fn a_disabled_profile_goes_nowhere() {
    let profile = OpenProfile::disabled(Method::Delete).with_request_id("kept").with_trace_id(TraceId::new(7));
    drop(profile.phase("outer").phase("inner"));
    assert_eq!((profile.endpoint(), profile.method(), profile.trace_id()), ("", Method::Delete, TraceId::new(7)));
    assert_eq!(profile.request_id().to_string(), "kept");
    assert!(profile.finish(200, Sizes::default()) <= profile.elapsed());
}

#[test]
fn ids_of_ours_are_unique_and_the_same_before_and_after_the_end() {
    let profiler = ring(3_000);
    let mut shown: Vec<String> = thread::scope(|scope| {
        let threads = [(); 3].map(|()| {
            scope.spawn(|| {
                let id = |_| {
                    let profile = profiler.start("/a/{b}", Method::Get);
                    let id = profile.request_id().to_string();
                    finish(profile);
                    id
                };
                (0..1_000).map(id).collect::<Vec<_>>()
            })
        });
        threads.into_iter().flat_map(|thread| thread.join().unwrap()).collect()
    });
    let mut kept: Vec<String> = profiler.profiles().iter().map(|profile| profile.request_id.to_string()).collect();
    shown.sort_unstable();
    kept.sort_unstable();
    assert_eq!(shown, kept);
    kept.dedup();
    assert_eq!(kept.len(), 3_000);
    assert!(kept.iter().all(|id| id.starts_with("a_b_")));
}

#[test]
fn the_oldest_goes_first() {
    for capacity in [0, 1, 2, 7, 100] {
        let (profiler, mut oracle) = (ring(capacity), VecDeque::new());
        for step in 0..250 {
            let id = format!("request-{step}");
            finish(profiler.start("/scene", Method::Get).with_request_id(&id));
            oracle.push_front(id);
            oracle.truncate(capacity.max(1));
            if step % 100 == 77 {
                assert_eq!(profiler.clear(), oracle.len());
                oracle.clear();
            }
            let kept = profiler.profiles();
            assert!(kept.iter().map(|profile| &*profile.request_id).eq(oracle.iter().map(|id| &**id)));
            assert!(profiler.exemplars().is_empty());
        }
        assert_eq!((profiler.recorded(), profiler.dropped()), (250, 0));
    }
}

#[test]
fn the_last_ones_are_told_from_those_that_are_kept_beside_them() {
    let profiler = Profiler::new(ProfileOptions { capacity: 10, slowest: 1, pinned: 0, ..ProfileOptions::default() });
    let slow = profiler.start("/a", Method::Get);
    std::thread::sleep(Duration::from_millis(50));
    let took = finish(slow);
    (0..30).for_each(|_| _ = finish(profiler.start("/a", Method::Get)));
    let profiles = profiler.profiles();
    let recent = profiles.iter().filter(|profile| profile.is_recent).count();
    let kept: Vec<_> = profiles.iter().filter(|profile| !profile.is_recent).map(|profile| profile.duration).collect();
    assert_eq!((recent, kept.first().is_none_or(|longest| *longest >= took)), (10, true));
}

#[test]
fn the_slowest_of_each_route_outlast_a_hundred_thousand_fast_requests() {
    const ROUTES: [&str; 12] = ["/a", "/b", "/c", "/d", "/e", "/f", "/g", "/h", "/i", "/j", "/k", "/l"];
    let profiler = Profiler::new(ProfileOptions { slow_threshold: Duration::from_millis(1), ..ProfileOptions::default() });
    // By route, successes and failures: what `finish` said of the slowest. A fast one may be slow too, if its thread was suspended.
    let mut slowest: BTreeMap<(&str, bool), Duration> = BTreeMap::new();
    let mut request = |route, status, at_least| {
        let profile = profiler.start(route, Method::Get);
        while profile.elapsed() < at_least {
            std::hint::spin_loop();
        }
        let most = slowest.entry((route, status >= 500)).or_default();
        *most = profile.finish(status, Sizes::default()).max(*most);
    };
    for route in ROUTES {
        request(route, 200, Duration::from_millis(2));
        request(route, 503, Duration::ZERO);
    }
    (0..100_000).for_each(|step| request(ROUTES[step % ROUTES.len()], 200, Duration::ZERO));
    let kept = profiler.profiles();
    assert!(kept.len() > 1_000);
    for ((route, failed), duration) in slowest {
        let of_it = kept.iter().filter(|profile| *profile.endpoint == *route && (profile.status >= 500) == failed);
        assert_eq!(of_it.map(|profile| profile.duration).max(), Some(duration), "{route}");
    }
    // Each bucket of each route has its exemplar, and it is among the profiles.
    let exemplars = profiler.exemplars();
    assert!(ROUTES.iter().all(|route| exemplars.iter().any(|profile| *profile.endpoint == **route)));
    assert!(exemplars.iter().all(|profile| kept.contains(profile)));
    assert_eq!((profiler.clear(), profiler.profiles(), profiler.exemplars()), (kept.len(), vec![], vec![]));
}
