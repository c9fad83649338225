//! Prints how Tachograph stands beside the other crates and the floor, as Markdown, all from this one run:
//! `cargo bench -p peers`, with `-- --seconds 120` for figures to keep.
//!
//! All subjects of a work take turns, round after round, each round beginning with another one, and the median of the rounds
//! counts: what disturbs the machine for a while disturbs everybody. Only ratios within one run mean anything.
#![forbid(unsafe_code)]

mod folded;
mod heap;
mod markdown;
mod measure;

use std::time::Duration;

use clap::Parser;
use peers::work::{Shape, Work};

use markdown::Report;
use measure::{Bench, Plan};

/// Compares Tachograph with other metrics crates and a hand-written floor, and prints Markdown.
#[derive(Debug, Parser)]
struct Options {
    /// About how long to measure; what the subjects need to get ready comes on top.
    #[arg(long, value_name = "S", default_value_t = 20, value_parser = clap::value_parser!(u64).range(1..=86_400))]
    seconds: u64,
    /// Let each subject do each work once and check what it counted, and print no figures.
    #[arg(long)]
    test: bool,
    /// What `cargo bench` says to every bench.
    #[arg(long, hide = true)]
    bench: bool,
}

fn main() {
    let options = Options::parse();
    let bench = Bench::new();
    if options.test {
        bench.test();
        return;
    }
    // A fifth of the time for the three texts, a tenth for the writer beside a reader, the rest for the works.
    let seconds = Duration::from_secs(options.seconds);
    let works: Vec<_> = {
        let plan = Plan::for_works(seconds * 7 / 10);
        Work::ALL.into_iter().map(|work| (work.to_string(), bench.work(work, &plan))).collect()
    };
    // Before the texts: their many series leave the cells of the next ones far apart.
    let folded: Vec<_> = Work::ALL
        .into_iter()
        .flat_map(|work| {
            bench.folded(work, seconds / 10 / Work::ALL.len() as u32).map(move |folded| (work.to_string(), folded))
        })
        .collect();
    let texts: Vec<_> = Shape::ALL
        .into_iter()
        .map(|shape| (shape.to_string(), bench.shape(shape, seconds / 5 / Shape::ALL.len() as u32)))
        .collect();
    let weights: Vec<_> =
        Shape::WEIGHED.into_iter().enumerate().map(|(at, shape)| (heap::title(shape), heap::weigh(at))).collect();
    let report = Report { works: &works, texts: &texts, folded: &folded, weights: &weights, cores: &bench.cores() };
    print!("{}", report.write());
}
