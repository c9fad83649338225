//! What a hundred who look cost in memory: a small constant each, nothing that grows, and the history once.
//!
//! A program without the harness of tests, because the allocator counts for the whole process, and the harness has threads of
//! its own.

#[allow(dead_code, reason = "made for several test crates, of which this one needs a part")]
#[path = "support/http.rs"]
mod http;
#[allow(dead_code, reason = "made for several test crates, of which this one needs a part")]
#[path = "support/paged.rs"]
mod paged;
#[path = "support/scrape.rs"]
mod scrape;
#[allow(dead_code, reason = "made for several test crates, of which this one needs a part")]
#[path = "support/server.rs"]
mod support;

use std::alloc::System;

use stats_alloc::{INSTRUMENTED_SYSTEM, Region, StatsAlloc};
use tachograph::page::PageOptions;

use paged::{Paged, quick};

#[global_allocator]
static ALLOCATOR: &StatsAlloc<System> = &INSTRUMENTED_SYSTEM;

const CROWD: usize = 100;

/// Bytes that a viewer may hold on both sides of its connection: the buffers of hyper and of the client, and little else.
const EACH: isize = 48 * 1024;

/// Bytes of an hour of rows, as the documents say.
const HISTORY: isize = 3_600 * 176;

fn main() {
    let one_row = || PageOptions { history: quick().tick, ..quick() };
    // What is made once in a process is made here.
    Paged::start(one_row()).events().of("now");
    let region = Region::new(ALLOCATOR);
    let held = || {
        let change = region.change();
        change.bytes_allocated as isize - change.bytes_deallocated as isize
    };
    let small = Paged::start(one_row());
    let of_small = held();
    drop(small);
    let before = held();
    // 36 000 ticks.
    let paged = Paged::start(PageOptions { max_viewers: CROWD + 1, ..quick() });
    let of_large = held() - before;
    let rows = of_large - of_small;
    println!("{rows} bytes more for 36 000 rows than for one");
    // The threads of the first server may still be letting go of theirs.
    assert!((10 * HISTORY - 256 * 1024..10 * HISTORY + 256 * 1024).contains(&rows), "{rows}");

    let mut one = paged.events();
    (0..3).for_each(|_| _ = one.of("now"));
    let alone = held();
    let mut crowd: Vec<_> = (0..CROWD).map(|_| paged.events()).collect();
    crowd.iter_mut().for_each(|events| _ = events.of("now"));
    let together = held();
    println!("{} bytes for each of {CROWD} more who look", (together - alone) / CROWD as isize);
    assert!(together - alone <= EACH * CROWD as isize, "{}", together - alone);
    // Many ticks later, nothing has grown: not with those who read, nor with one who does not.
    for _ in 0..20 {
        crowd[1..].iter_mut().for_each(|events| _ = events.of("now"));
    }
    let later = held();
    println!("{} bytes more after 20 ticks", later - together);
    assert!(later - together <= 2 * 1024 * CROWD as isize, "{}", later - together);
    drop((crowd, one));
    http::eventually("all have gone", || (paged.page.viewers() == 0).then_some(()));
}
