//! What each format of the scrape costs, in size and time, at 1 000 and at 100 000 series: `cargo bench --bench formats`.
//!
//! The snapshot is taken before; a series is a sample line of the text format. Of the series half are counters of three labels, half
//! belong to histograms of 11 buckets. Best of several rounds, all formats in turns. With `-- --test` each is rendered once.

use std::hint::black_box;
use std::time::{Duration, Instant};

use tachograph::exposition::{Encoding, Escaping, Format};
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

/// A way to render, and what it is called.
struct Way<'a> {
    name: String,
    render: Box<dyn Fn() -> usize + 'a>,
    bytes: usize,
    fastest: Duration,
    place: usize,
}

fn main() {
    let test = std::env::args().any(|argument| argument == "--test");
    println!("| series | format | bytes | time | a series |\n|---|---|---|---|---|");
    for (series, resolution) in [(1_000, Resolution::Classic), (100_000, Resolution::Classic), (1_000, Resolution::Native)] {
        if test && series > 1_000 {
            continue;
        }
        let snapshot = registry(series, resolution).snapshot();
        let lines = snapshot.text().lines().filter(|line| !line.starts_with('#')).count();
        assert!(lines * 50 >= series * 49 && lines <= series, "{lines} lines");
        let encodings = [
            ("text 0.0.4", Format::Text),
            ("text 1.0.0", Format::Utf8Text),
            ("OpenMetrics 1.0", Format::OpenMetrics),
            #[cfg(feature = "protobuf")]
            ("protobuf", Format::Protobuf),
        ];
        let way = |(place, (name, format)): (usize, (&str, Format))| {
            let encoding = Encoding::new(format, Escaping::Underscores);
            let snapshot = &snapshot;
            let render = move || black_box(snapshot.exposition_of(encoding, &|_| true)).len();
            Way { name: name.to_owned(), bytes: render(), render: Box::new(render), fastest: Duration::MAX, place }
        };
        let mut ways: Vec<Way> = encodings.into_iter().enumerate().map(way).collect();
        for _ in 0..if test { 1 } else { ROUNDS } {
            // In turns: who comes first finds the memory of the last one given back.
            ways.rotate_left(1);
            for way in &mut ways {
                let start = Instant::now();
                assert_eq!((way.render)(), way.bytes, "{}", way.name);
                way.fastest = way.fastest.min(start.elapsed());
            }
        }
        ways.sort_by_key(|way| way.place);
        for Way { name, bytes, fastest, .. } in ways {
            let each = fastest.as_nanos() as f64 / lines as f64;
            println!("| {lines}, {resolution:?} | {name} | {bytes} | {:.3} ms | {each:.0} ns |", fastest.as_secs_f64() * 1e3);
        }
    }
}
