//! The works as criterion benches. `benches/*.rs` only say which.

use std::hint::black_box;
use std::sync::Arc;
use std::time::{Duration, Instant};

use criterion::{Criterion, SamplingMode, Throughput};

use crate::work::{Sanity, Shape, Work};
use crate::{Case, Pool, cases, scrapes};

/// Times all subjects at a work, at one and at two threads. The figure is nanoseconds an operation and thread: two threads that do
/// not hinder each other show the same figure as one.
///
/// # Panics
///
/// When a subject counted wrongly.
pub fn compare(criterion: &mut Criterion, work: Work) {
    let cases = cases(work);
    let sanity = work.sanity();
    let (pool, cases) = compare_all(criterion, work, cases);
    warn_if_unlikely(&pool, &cases, sanity);
    cases.iter().for_each(|case| case.verify());
}

/// The same of these cases alone, whichever is slower.
///
/// # Panics
///
/// When one of them counted wrongly.
pub fn compare_all(criterion: &mut Criterion, work: Work, cases: Vec<Case>) -> (Pool, Vec<Arc<Case>>) {
    let pool = Pool::new(2);
    let cases: Vec<Arc<Case>> = cases.into_iter().map(Arc::new).collect();
    for threads in [1, 2] {
        let mut group =
            criterion.benchmark_group(format!("{work}, {threads} {}", if threads == 1 { "thread" } else { "threads" }));
        group.sample_size(20).warm_up_time(Duration::from_millis(300)).measurement_time(Duration::from_secs(1));
        for case in &cases {
            group.bench_function(case.name, |bencher| bencher.iter_custom(|n| pool.run(case, threads, n).wall));
            case.verify();
        }
        group.finish();
    }
    (pool, cases)
}

/// Operations of a thread in the sanity check: some milliseconds.
const SANITY_OPERATIONS: u64 = 200_000;

/// Compares two cases of which it is known which is slower, and says so if it is not. Times do not fail a bench.
fn warn_if_unlikely(pool: &Pool, cases: &[Arc<Case>], Sanity { slower, faster }: Sanity) {
    let time = |name: &str| {
        let case = cases.iter().find(|case| case.name == name).expect("a sanity pair names cases of its work");
        let runs = (0..5).map(|_| pool.run(case, 2, SANITY_OPERATIONS).wall);
        runs.min().unwrap_or_default()
    };
    let (long, short) = (time(slower), time(faster));
    if long <= short {
        println!("warning: '{slower}' took {long:?}, '{faster}' {short:?}, at two threads: these times are not to be trusted");
    }
}

/// Times all subjects at rendering a shape: the figure by element is nanoseconds a line.
///
/// # Panics
///
/// When a subject rendered something else.
pub fn compare_scrapes(criterion: &mut Criterion, shape: Shape) {
    let mut group = criterion.benchmark_group(shape.to_string());
    group.sample_size(10).warm_up_time(Duration::from_millis(300)).measurement_time(Duration::from_secs(2));
    group.sampling_mode(SamplingMode::Flat).throughput(Throughput::Elements(shape.lines()));
    let mut best = Vec::new();
    for mut scrape in scrapes(shape) {
        scrape.verify(shape);
        let mut fastest = Duration::MAX;
        group.bench_function(scrape.name, |bencher| {
            bencher.iter_custom(|n| {
                let times = (0..n).map(|_| {
                    scrape.prepare();
                    let start = Instant::now();
                    black_box(scrape.render());
                    start.elapsed()
                });
                times.inspect(|time| fastest = fastest.min(*time)).sum()
            });
        });
        best.push((scrape.name, fastest));
    }
    group.finish();
    let time = |name| best.iter().find(|(known, _)| *known == name).map(|(_, time)| *time);
    if let (Some(floor), Some(peer)) = (time("floor"), time("prometheus"))
        && peer <= floor
        && peer < Duration::MAX
    {
        println!("warning: 'prometheus' took {peer:?}, 'floor' {floor:?} for {shape}: these times are not to be trusted");
    }
}
