//! Many threads that record profiles beside such that read and clear them: each profile that is read is whole, and none is lost but by its
//! age.

use std::collections::BTreeSet;
use std::sync::Barrier;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;

use tachograph::http::Method;
use tachograph::profile::{ProfileOptions, Profiler, RequestProfile, Sizes, TraceId};

const ROUTES: [&str; 5] = ["/scene", "/scene/{id}", "/scenes", "/health", "/metrics"];
const NAMES: [&str; 7] = ["auth_validation", "scene_validation", "file_io", "response_serialization", "db", "cache", "render"];
const METHODS: [Method; 3] = [Method::Get, Method::Post, Method::Delete];

/// All that a profile tells follows from its `n`, which is its request id, four times.
fn id(n: u64) -> String {
    format!("{n:016x}").repeat(4)
}

fn status(n: u64) -> u16 {
    200 + (n % 400) as u16
}

fn trace_id(n: u64) -> Option<TraceId> {
    TraceId::new(u128::from(n) << 64 | u128::from(!n))
}

/// Phases of a profile: up to two more than there is room for.
fn phases(n: u64) -> u64 {
    n % 19
}

fn name(n: u64, phase: u64) -> &'static str {
    NAMES[((n >> 3) + phase) as usize % NAMES.len()]
}

fn record(profiler: &Profiler, n: u64) {
    let profile = profiler.start(ROUTES[n as usize % ROUTES.len()], METHODS[n as usize % METHODS.len()]);
    let profile = profile.with_request_id(&id(n)).with_trace_id(trace_id(n));
    let mut nested = Vec::new();
    for phase in 0..phases(n) {
        let guard = profile.phase(name(n, phase));
        if n.is_multiple_of(2) {
            nested.push(guard);
        }
    }
    drop(nested);
    profile.finish(status(n), Sizes { request_bytes: n, response_bytes: n.wrapping_mul(3) });
}

/// Panics if anything of the profile is of another one, and says which it is.
fn checked(profile: &RequestProfile) -> u64 {
    let n = u64::from_str_radix(&profile.request_id[..16], 16).unwrap();
    assert_eq!(*profile.request_id, *id(n));
    assert_eq!(*profile.endpoint, *ROUTES[n as usize % ROUTES.len()]);
    assert_eq!(profile.method, METHODS[n as usize % METHODS.len()]);
    assert_eq!((profile.status, profile.aborted, profile.trace_id), (status(n), false, trace_id(n)));
    assert_eq!((profile.request_bytes, profile.response_bytes), (n, n.wrapping_mul(3)));
    let kept = phases(n).min(16);
    assert_eq!((profile.phases.len() as u64, u64::from(profile.phases_dropped)), (kept, phases(n) - kept));
    for (at, phase) in profile.phases.iter().enumerate() {
        assert_eq!(*phase.name, *name(n, at as u64));
        assert_eq!(phase.parent, if n.is_multiple_of(2) { at.checked_sub(1) } else { None });
        assert!(phase.start + phase.duration <= profile.duration);
    }
    n
}

/// What each reading has to be: newest first, each once.
fn checked_all(profiles: &[RequestProfile]) -> Vec<u64> {
    assert!(profiles.is_sorted_by(|a, b| a.number > b.number));
    profiles.iter().map(checked).collect()
}

fn profiler(capacity: usize) -> Profiler {
    Profiler::new(ProfileOptions { capacity, slowest: 40, pinned: 10, ..ProfileOptions::default() })
}

#[test]
fn what_is_read_is_whole_and_nothing_is_lost() {
    const WRITERS: u64 = 4;
    const EACH: u64 = 20_000;
    // So small a ring that writers lap each other while they are suspended.
    for capacity in [1, 64] {
        let profiler = profiler(capacity);
        let (done, start) = (AtomicBool::new(false), Barrier::new(WRITERS as usize + 2));
        let cleared = thread::scope(|scope| {
            let writers: Vec<_> = (0..WRITERS)
                .map(|writer| {
                    let (profiler, start) = (&profiler, &start);
                    scope.spawn(move || {
                        start.wait();
                        (0..EACH).for_each(|step| record(profiler, step * WRITERS + writer));
                    })
                })
                .collect();
            let reader = scope.spawn(|| {
                start.wait();
                while !done.load(Ordering::Acquire) {
                    checked_all(&profiler.profiles());
                    profiler.exemplars().iter().for_each(|exemplar| _ = checked(exemplar));
                }
            });
            let clearer = scope.spawn(|| {
                start.wait();
                let mut cleared = 0;
                while !done.load(Ordering::Acquire) {
                    cleared += profiler.clear() as u64;
                    thread::yield_now();
                }
                cleared
            });
            writers.into_iter().for_each(|writer| writer.join().unwrap());
            done.store(true, Ordering::Release);
            reader.join().unwrap();
            clearer.join().unwrap()
        });
        let recorded = WRITERS * EACH;
        assert_eq!(profiler.recorded(), recorded);
        let left = checked_all(&profiler.profiles()).len() as u64;
        assert!(cleared + left <= recorded && profiler.dropped() <= recorded);
        assert_eq!(profiler.phases_dropped(), (0..recorded).map(|n| phases(n).saturating_sub(16)).sum::<u64>());

        // What suspended writers have left behind goes in one round.
        profiler.clear();
        (0..capacity as u64).for_each(|n| record(&profiler, n));
        let mut quiet = checked_all(&profiler.profiles());
        quiet.reverse();
        assert!(quiet.into_iter().eq(0..capacity as u64));
        let dropped = profiler.dropped();
        (0..=capacity as u64).for_each(|n| record(&profiler, n));
        assert_eq!((profiler.recorded(), profiler.dropped()), (recorded + 2 * capacity as u64 + 1, dropped));
    }
}

#[test]
fn a_clear_loses_no_later_profile() {
    const WRITERS: u64 = 3;
    const EACH: u64 = 200;
    // Room for all, so that only a clear can take one away.
    let profiler = profiler((WRITERS * EACH) as usize);
    let (begun, ended, done) = (AtomicU64::new(0), AtomicU64::new(0), AtomicBool::new(false));
    let seen = AtomicU64::new(0);
    let cleared = thread::scope(|scope| {
        let writers: Vec<_> = (0..WRITERS)
            .map(|writer| {
                let (profiler, begun, ended, seen) = (&profiler, &begun, &ended, &seen);
                scope.spawn(move || {
                    for n in (0..EACH).map(|step| step * WRITERS + writer) {
                        let before = ended.load(Ordering::Acquire);
                        record(profiler, n);
                        let there = checked_all(&profiler.profiles()).contains(&n);
                        // No clear has begun after those that had ended before.
                        if begun.load(Ordering::SeqCst) == before {
                            assert!(there, "{n} is lost");
                            seen.fetch_add(1, Ordering::Relaxed);
                        }
                    }
                })
            })
            .collect();
        let clearer = scope.spawn(|| {
            let mut cleared = 0;
            while !done.load(Ordering::Acquire) {
                let last = profiler.recorded();
                begun.fetch_add(1, Ordering::SeqCst);
                cleared += profiler.clear() as u64;
                ended.fetch_add(1, Ordering::Release);
                // Until something came, so that there are times without a clear.
                while profiler.recorded() < last + 20 && !done.load(Ordering::Acquire) {
                    thread::yield_now();
                }
            }
            cleared
        });
        let joined: Vec<_> = writers.into_iter().map(|writer| writer.join()).collect();
        done.store(true, Ordering::Release);
        let cleared = clearer.join().unwrap();
        joined.into_iter().for_each(|writer| writer.unwrap());
        cleared
    });
    assert!(seen.load(Ordering::Relaxed) > 0, "there were always clears");
    let left: BTreeSet<u64> = checked_all(&profiler.profiles()).into_iter().collect();
    assert!(cleared + left.len() as u64 <= WRITERS * EACH);
    assert_eq!((profiler.recorded(), profiler.dropped()), (WRITERS * EACH, 0));
}
