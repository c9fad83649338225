//! The memory of a profiler is fixed: full to the last place it is within its budget, and nothing is allocated for a request.
//!
//! A program without the harness of tests, because the allocator counts for the whole process, and the harness has a thread of its own.

use std::alloc::System;

use stats_alloc::{INSTRUMENTED_SYSTEM, Region, StatsAlloc};
use tachograph::http::Method;
use tachograph::profile::{ProfileOptions, Profiler, Sizes, TraceId};

#[global_allocator]
static ALLOCATOR: &StatsAlloc<System> = &INSTRUMENTED_SYSTEM;

/// What a profiler of a thousand profiles may hold.
const BUDGET: usize = 500_000;

/// Names that there is room for, and bytes of each such that there is room for so many.
const NAMES: usize = 255;
const LONG: usize = 47;

const PHASES: usize = 16;

/// A request of this step: with all that a profile has room for.
fn request(profiler: &Profiler, names: &[String], id: &str, step: usize) {
    let name = |at: usize| &*names[at % names.len()];
    let profile = profiler.start(name(step), Method::Post).with_request_id(id).with_trace_id(TraceId::new(u128::MAX));
    let phases: [_; PHASES] = std::array::from_fn(|at| profile.phase(name(step * PHASES + at)));
    drop(phases);
    profile.finish([200, 500][step % 2], Sizes { request_bytes: u64::MAX, response_bytes: u64::MAX });
}

fn main() {
    a_full_profiler_is_within_its_budget_and_allocates_nothing_more();
}

fn a_full_profiler_is_within_its_budget_and_allocates_nothing_more() {
    let names: Vec<String> = (0..NAMES).map(|n| format!("{n:0LONG$}")).collect();
    let id = "i".repeat(64);
    let options = ProfileOptions::default();
    let (kept, pools) = (options.capacity, options.slowest + options.pinned);

    let region = Region::new(ALLOCATOR);
    let held = || region.change().bytes_allocated - region.change().bytes_deallocated;
    let profiler = Profiler::new(options);
    let empty = held();
    // The first ones are the slowest, and pinned: the last ones are in the ring alone.
    (0..10 * kept).for_each(|step| request(&profiler, &names, &id, step));
    let full = held();
    println!("{empty} bytes of an empty profiler, {full} of a full one; it says {}", profiler.heap_bytes());
    assert!(full <= BUDGET, "{full}");
    assert!(full.abs_diff(profiler.heap_bytes()) <= full / 200, "{full}, and it says {}", profiler.heap_bytes());

    let profiles = profiler.profiles();
    assert!((kept + 1..=kept + pools).contains(&profiles.len()), "{}", profiles.len());
    assert!(profiles.iter().all(|profile| profile.phases.len() == PHASES && profile.request_id.len() == id.len()));
    let named = |name: &str| profiles.iter().any(|profile| profile.phases.iter().any(|phase| *phase.name == *name));
    assert!(names.iter().all(|name| named(name)), "a name found no room");
    drop(profiles);

    // Each name that comes now is `other`.
    let strange: Vec<String> = (0..NAMES).map(|n| format!("{n:0128}")).collect();
    let region = Region::new(ALLOCATOR);
    for step in 0..3 * kept {
        request(&profiler, [&names, &strange][step % 2], &id, step);
        let profile = profiler.start("/scene", Method::Get);
        for name in ["auth_validation", "scene_validation", "file_io", "response_serialization"] {
            drop(profile.phase(name));
        }
        profile.finish(200, Sizes::default());
        drop(profiler.start("/scene", Method::Get));
    }
    assert_eq!(region.change().allocations + region.change().reallocations, 0);
    drop(profiler);
    assert_eq!(region.change().bytes_deallocated, full);
}
