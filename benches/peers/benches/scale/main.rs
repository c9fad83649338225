//! What a scrape costs and what the engine holds, as threads go from 1 to 512 and series from 100 to 1 000 000:
//! `cargo bench -p peers --bench scale` writes `scale-threads.csv` and `scale-series.csv` under `benches/record/`, and
//! `benches/plots.py` draws them. `-- --out FOLDER` writes them elsewhere, `-- --test` measures a few small points and writes nothing.
//!
//! Each point is measured in a process of its own, because an engine never gives back what it has allocated for threads and series. The
//! threads that have counted are alive while scrapes are taken.
#![forbid(unsafe_code)]

mod point;

use std::alloc::System;
use std::fmt::Write;
use std::path::{Path, PathBuf};
use std::process::Command;

use clap::{Parser, Subcommand};
use stats_alloc::{INSTRUMENTED_SYSTEM, StatsAlloc};

use point::{Kind, Point};

#[global_allocator]
static ALLOCATOR: &StatsAlloc<System> = &INSTRUMENTED_SYSTEM;

/// Measures scrapes and memory at many sizes.
#[derive(Debug, Parser)]
struct Options {
    /// Where to write the figures.
    #[arg(long, value_name = "FOLDER", default_value = concat!(env!("CARGO_MANIFEST_DIR"), "/../record"))]
    out: PathBuf,
    /// Measure a few small points, check what they counted, and write nothing.
    #[arg(long)]
    test: bool,
    /// What `cargo bench` says to every bench.
    #[arg(long, hide = true)]
    bench: bool,
    #[command(subcommand)]
    one: Option<One>,
}

#[derive(Debug, Subcommand)]
enum One {
    /// Measures one point, in this process.
    Point(Point),
}

const KINDS: [Kind; 2] = [Kind::Counter, Kind::Histogram];

fn main() {
    let options = Options::parse();
    if let Some(One::Point(point)) = options.one {
        println!("{}", point.measure());
    } else if options.test {
        let sizes = [(1, 100), (4, 100), (1, 1_000)];
        for (threads, series) in sizes {
            KINDS.into_iter().for_each(|kind| println!("{}: ok", measured_apart(&Point { kind, threads, series })));
        }
    } else {
        let threads = (0..10).flat_map(|power| KINDS.map(|kind| Point { kind, threads: 1 << power, series: 1_000 }));
        write(&options.out.join("scale-threads.csv"), threads);
        let sizes = [100, 300, 1_000, 3_000, 10_000, 30_000, 100_000, 300_000, 1_000_000];
        let series = sizes.into_iter().flat_map(|series| KINDS.map(|kind| Point { kind, threads: 1, series }));
        write(&options.out.join("scale-series.csv"), series.filter(Point::fits));
    }
}

/// Measures all points, and writes them as they come to the terminal and at the end to the file.
fn write(file: &Path, points: impl Iterator<Item = Point>) {
    let mut csv = format!("{}\n", point::COLUMNS);
    for point in points {
        let line = measured_apart(&point);
        println!("{line}");
        writeln!(csv, "{line}").expect("a String takes everything");
    }
    std::fs::write(file, csv).unwrap_or_else(|error| panic!("cannot write {}: {error}", file.display()));
}

/// Measures a point in a process of its own.
fn measured_apart(point: &Point) -> String {
    let program = std::env::current_exe().expect("this program has a path");
    let output = Command::new(program).arg("point").args(point.arguments()).output().expect("this program can be run again");
    assert!(output.status.success(), "{point:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).expect("figures are UTF-8").trim_end().to_owned()
}
