//! What a frame loop pays for telling its frames.

use std::hint::black_box;
use std::time::{Duration, Instant};

use tachograph::health::checks::FrameClock;

use crate::measure::{Bench, Operation};
use crate::row::Row;

pub(crate) fn rows(bench: &Bench) -> Vec<Row> {
    vec![observed(bench), timed(bench)]
}

fn observed(bench: &Bench) -> Row {
    let clock = FrameClock::new();
    let (started, work) = (Instant::now(), Duration::from_micros(400));
    let mut ours = Operation::new(|_| black_box(&clock).observe(black_box(started), black_box(work)));
    bench.measure([&mut ours]);
    assert_eq!(clock.frames(), ours.calls());
    Row::told("frame, timed by its engine", ours.fastest())
}

/// The floor is the clock, twice.
fn timed(bench: &Bench) -> Row {
    let clock = FrameClock::new();
    let mut ours = Operation::new(|_| drop(black_box(&clock).start_frame()));
    let mut floor = Operation::new(|_| (0..2).for_each(|_| _ = black_box(Instant::now())));
    bench.measure([&mut ours, &mut floor]);
    assert_eq!(clock.frames(), ours.calls());
    Row::told("frame, timed by us", ours.fastest()).above(floor.fastest())
}
