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

use std::process::Command;
use std::time::Duration;

use clap::Parser;
use peers::work::{Shape, Work};

use markdown::Report;
use measure::{Bench, Figures, Plan};

/// Compares Tachograph with other metrics crates and a hand-written floor, and prints Markdown.
#[derive(Debug, Parser)]
struct Options {
    /// About how long to measure; what the subjects need to get ready comes on top.
    #[arg(long, value_name = "S", default_value_t = 20, value_parser = clap::value_parser!(u64).range(1..=86_400))]
    seconds: u64,
    /// Measure only works and texts whose title holds this, such as `labels`.
    #[arg(long, value_name = "TEXT", default_value = "")]
    only: String,
    /// Measure one text in this process and print its figures: what the bench asks of itself, so that nothing that another subject or
    /// another text left behind is read or used again.
    #[arg(long, hide = true)]
    shape: Option<usize>,
    /// Let each subject do each work once and check what it counted, and print no figures.
    #[arg(long)]
    test: bool,
    /// What `cargo bench` says to every bench.
    #[arg(long, hide = true)]
    bench: bool,
}

fn main() {
    let options = Options::parse();
    if let Some(shape) = options.shape {
        let figures = measure::shape(Shape::ALL[shape], Duration::from_secs(options.seconds));
        figures.iter().for_each(|figures| println!("{}", figures.line()));
        return;
    }
    let bench = Bench::new();
    if options.test {
        bench.test();
        return;
    }
    let seconds = Duration::from_secs(options.seconds);
    // A fifth of the time for the three texts, a tenth for the writer beside a reader, the rest for the works.
    let (of_texts, of_folds, of_works) = (seconds / 5, seconds / 10, seconds * 7 / 10);
    let wanted = |title: &dyn ToString| title.to_string().contains(&options.only);
    let works: Vec<Work> = Work::ALL.into_iter().filter(|work| wanted(work)).collect();
    let plan = Plan::for_works(&works, of_works);
    let measured: Vec<_> = works.iter().map(|work| (work.to_string(), bench.work(*work, &plan))).collect();
    let folded = |work: &Work| {
        let title = work.to_string();
        bench.folded(*work, of_folds / works.len() as u32).map(move |folded| (title.clone(), folded))
    };
    let folded: Vec<_> = works.iter().flat_map(folded).collect();
    let texts = Shape::ALL.into_iter().enumerate().filter(|(_, shape)| wanted(shape));
    let texts: Vec<_> =
        texts.map(|(at, shape)| (shape.to_string(), in_a_process(at, of_texts / Shape::ALL.len() as u32))).collect();
    let weights = Shape::WEIGHED.into_iter().enumerate().map(|(at, shape)| (heap::title(shape), at));
    let weights: Vec<_> = weights.filter(|(title, _)| wanted(title)).map(|(title, at)| (title, heap::weigh(at))).collect();
    let report = Report { works: &measured, texts: &texts, folded: &folded, weights: &weights, cores: &bench.cores() };
    print!("{}", report.write());
}

/// Has a process of its own measure a text for about `time`.
fn in_a_process(shape: usize, time: Duration) -> Vec<Figures> {
    let bench = std::env::current_exe().expect("the system knows what it runs");
    let seconds = time.as_secs().max(1).to_string();
    let output = Command::new(bench).args(["--shape", &shape.to_string(), "--seconds", &seconds]).output();
    let output = output.expect("the bench can be started as it was");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let lines = String::from_utf8(output.stdout).expect("names are UTF-8");
    lines.lines().map(|line| Figures::parse(line).expect("the bench understands itself")).collect()
}
