//! What each format of the scrape costs, in size and time, at 1 000 and at 100 000 series: `cargo bench --bench formats`.
//!
//! Of the snapshot the fold is left out; a series is a sample line of the text format. Of the series half are counters of three labels,
//! half belong to histograms of 11 buckets. Best of several rounds, all formats in turns. With `-- --test` each is rendered once.

use std::hint::black_box;
use std::time::{Duration, Instant};

use tachograph::exposition::{Coding, Encoding, Escaping, Format};
use tachograph::{Buckets, Labels, Registry, Resolution};

const BOUNDS: [f64; 11] = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.0, 5.0, 10.0];

/// Sample lines of a histogram.
const LINES: usize = BOUNDS.len() + 3;

const ROUNDS: usize = 9;

/// A registry that renders to about so many sample lines.
fn registry(series: usize, resolution: Resolution) -> Registry {
    let registry = Registry::new();
    let limit = series;
    let labels = Labels::new(["endpoint", "method", "status"]).limit(limit);
    let requests = registry.counter_family("http_requests_total", "Requests.", labels).expect("a new registry has no clashes");
    for at in 0..series / 2 {
        let endpoint = format!("/resource/{}/{{id}}", at / 20);
        let status = (200 + at % 5).to_string();
        requests.inc_by([&endpoint, ["GET", "POST", "PUT", "DELETE"][at / 5 % 4], &status], (at * at) as u64 % 1_000_003);
    }
    let buckets = Buckets::seconds(&BOUNDS).expect("the bounds are whole nanoseconds").resolution(resolution);
    let labels = Labels::new(["endpoint"]).limit(limit);
    let durations = registry
        .histogram_family("http_request_duration_seconds", "Time to the last byte.", labels, buckets)
        .expect("a new registry has no clashes");
    for at in 0..series / 2 / LINES {
        let endpoint = format!("/resource/{at}/{{id}}");
        let duration = durations.handle([&endpoint]);
        // A latency around 20 ms with a tail.
        (1..=40u64).for_each(|n| duration.observe(20_000_000 * (n * n % 23 + 1) / (n % 5 + 1)));
    }
    registry
}

/// What a format costs: bytes and the best time, for each coding.
struct Cost {
    name: &'static str,
    encoding: Encoding,
    codings: Vec<(Coding, usize, Duration)>,
}

impl Cost {
    fn new(name: &'static str, format: Format) -> Self {
        let codings = [
            Coding::Identity,
            #[cfg(feature = "compression")]
            Coding::Gzip,
            #[cfg(feature = "compression")]
            Coding::Zstd,
        ];
        let encoding = Encoding::new(format, Escaping::Underscores);
        Self { name, encoding, codings: codings.map(|coding| (coding, 0, Duration::MAX)).into() }
    }

    /// Has a new snapshot render, then compress what is rendered already.
    fn measure(&mut self, registry: &Registry) {
        let snapshot = registry.snapshot();
        for (coding, bytes, fastest) in &mut self.codings {
            let start = Instant::now();
            *bytes = black_box(snapshot.compressed(self.encoding, *coding)).len();
            *fastest = (*fastest).min(start.elapsed());
        }
    }
}

fn main() {
    let test = std::env::args().any(|argument| argument == "--test");
    println!("Bytes and milliseconds; compression is beside the rendering.\n");
    println!("| lines | format | plain | ns a line | gzip | zstd |\n|---|---|---|---|---|---|");
    for (series, resolution) in [(1_000, Resolution::Classic), (1_000, Resolution::Native), (100_000, Resolution::Classic)] {
        if test && series > 1_000 {
            continue;
        }
        let registry = registry(series, resolution);
        let lines = registry.snapshot().text().lines().filter(|line| !line.starts_with('#')).count();
        assert!(lines * 50 >= series * 49 && lines <= series, "{lines} lines");
        let mut costs = vec![
            Cost::new("text 0.0.4", Format::Text),
            Cost::new("text 1.0.0", Format::Utf8Text),
            Cost::new("OpenMetrics 1.0", Format::OpenMetrics),
            #[cfg(feature = "protobuf")]
            Cost::new("protobuf", Format::Protobuf),
        ];
        for round in 0..if test { 1 } else { ROUNDS } {
            // In turns: who comes first finds the memory of the last one given back.
            let first = round % costs.len();
            (0..costs.len()).for_each(|at| {
                let count = costs.len();
                costs[(first + at) % count].measure(&registry);
            });
        }
        for Cost { name, codings, .. } in costs {
            let cells: Vec<String> =
                codings.iter().map(|(_, bytes, fastest)| format!("{bytes}, {:.3} ms", fastest.as_secs_f64() * 1e3)).collect();
            let each = codings[0].2.as_nanos() as f64 / lines as f64;
            assert!(codings.iter().all(|(_, bytes, _)| (1..=codings[0].1).contains(bytes)), "{name}: compressed it is larger");
            let compressed = cells[1..].join(" | ");
            println!("| {lines}, {resolution:?} | {name} | {} | {each:.0} | {compressed} |", cells[0]);
        }
    }
}
