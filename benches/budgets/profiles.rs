//! What a request's profile costs, and what a thousand of them hold.

use std::hint::black_box;
use std::time::{Instant, SystemTime};

use tachograph::http::Method;
use tachograph::profile::{OpenProfile, ProfileOptions, Profiler, Sizes};

use crate::measure::{Bench, Operation};
use crate::row::{Amount, Row};

const PHASES: [&str; 4] = ["auth_validation", "scene_validation", "file_io", "response_serialization"];

/// What is required, and our own budget.
const REQUIRED: Amount = Amount::Nanoseconds(500_000.0);
const BUDGET: Amount = Amount::Nanoseconds(1_000.0);

fn request(profile: OpenProfile, phases: &[&str]) {
    phases.iter().for_each(|name| drop(profile.phase(name)));
    profile.finish(200, Sizes { request_bytes: 120, response_bytes: 2_000 });
}

/// The floor is the clock: once for the day, twice for the request and twice for each phase.
pub(crate) fn rows(bench: &Bench) -> Vec<Row> {
    let profiler = Profiler::new(ProfileOptions::default());
    let mut ours = Operation::new(|_| request(black_box(&profiler).start("/scene/{id}", Method::Post), &PHASES));
    let mut floor = Operation::new(|_| {
        black_box(SystemTime::now());
        (0..2 + 2 * PHASES.len()).for_each(|_| _ = black_box(Instant::now()));
    });
    bench.measure([&mut ours, &mut floor]);
    let row = Row::judged("one request's profile, 4 phases", REQUIRED, BUDGET, ours.fastest()).above(floor.fastest());
    assert_eq!((profiler.recorded(), profiler.dropped()), (ours.calls(), 0));
    vec![row]
}

/// A profiler with all its places filled, of which a thousand are the last ones; by 255 names of 47 bytes, which fill theirs.
pub(crate) fn full() -> Profiler {
    let profiler = Profiler::new(ProfileOptions::default());
    let names: Vec<String> = (0..255).map(|n| format!("{n:047}")).collect();
    for step in 0..10_000 {
        let phases: [&str; 16] = std::array::from_fn(|at| &*names[(16 * step + at) % names.len()]);
        request(profiler.start(&names[step % names.len()], Method::Post).with_request_id(&names[0]), &phases);
    }
    profiler
}
