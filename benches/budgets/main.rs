//! What Tachograph costs, each thing beside its budget and, where there is one, beside its floor (the package `floor` says what
//! that is): `cargo bench`. A broken budget makes it fail.
//!
//! Everything is measured in several rounds, ours and the floor's in turns, and the best round counts: a noisy machine makes rounds
//! slower, never faster. With `-- --test` each thing runs once, asserts what it counted, and nothing is judged.
#![forbid(unsafe_code)]

#[cfg(feature = "health")]
mod frames;
#[cfg(feature = "server")]
mod health;
mod inputs;
mod measure;
mod memory;
mod profiles;
mod recording;
mod row;
mod scrape;
#[cfg(feature = "server")]
mod served;

use std::alloc::System;
use std::process::ExitCode;

use stats_alloc::{INSTRUMENTED_SYSTEM, StatsAlloc};

use measure::Bench;

/// Counts what is allocated, for the memory rows. What is timed allocates nothing, but for scrapes.
#[global_allocator]
static ALLOCATOR: &StatsAlloc<System> = &INSTRUMENTED_SYSTEM;

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().collect();
    if let [_, option, weight] = &arguments[..]
        && option == memory::WEIGH
    {
        memory::weigh(weight);
        return ExitCode::SUCCESS;
    }
    let test = arguments.iter().any(|argument| argument == "--test");
    let bench = Bench::new(test);
    let mut rows = memory::rows();
    rows.extend(recording::rows(&bench));
    rows.extend(profiles::rows(&bench));
    rows.extend(scrape::rows(&bench));
    #[cfg(feature = "health")]
    rows.extend(frames::rows(&bench));
    #[cfg(feature = "server")]
    {
        rows.extend(served::rows(&bench));
        rows.extend(health::rows(&bench));
    }
    if test {
        rows.iter().for_each(|row| println!("{}: ok", row.what()));
        return ExitCode::SUCCESS;
    }
    row::print(&rows);
    let broken: Vec<_> = rows.iter().filter(|row| row.is_broken()).map(|row| row.what()).collect();
    if broken.is_empty() {
        return ExitCode::SUCCESS;
    }
    eprintln!("error: over budget: {}", broken.join("; "));
    ExitCode::FAILURE
}
