//! Prints how Tachograph stands beside the other crates and the floor, as Markdown, all from this one run.
//!
//! All subjects of a work take turns, round after round, each round beginning with another one, and the median of the rounds
//! counts: what disturbs the machine for a while disturbs everybody. Only ratios within one run mean anything.
#![forbid(unsafe_code)]

mod markdown;
mod measure;

use std::time::Duration;

use clap::Parser;
use peers::work::{Shape, Work};

use measure::{Bench, Plan};

/// Compares Tachograph with other metrics crates and a hand-written floor, and prints Markdown.
#[derive(Debug, Parser)]
struct Options {
    /// About how long to measure; what the subjects need to get ready comes on top.
    #[arg(long, value_name = "S", default_value_t = 120, value_parser = clap::value_parser!(u64).range(1..=86_400))]
    seconds: u64,
}

fn main() {
    let seconds = Duration::from_secs(Options::parse().seconds);
    // A fifth of the time for the three texts, the rest for the five works.
    let bench = Bench::new();
    let works: Vec<_> = {
        let plan = Plan::for_works(seconds * 4 / 5);
        Work::ALL.into_iter().map(|work| (work.to_string(), bench.work(work, &plan))).collect()
    };
    let texts: Vec<_> = Shape::ALL
        .into_iter()
        .map(|shape| (shape.to_string(), bench.shape(shape, seconds / 5 / Shape::ALL.len() as u32)))
        .collect();
    print!("{}", markdown::report(&works, &texts, &bench.cores()));
}
