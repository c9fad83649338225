//! What the profile of a request costs, beside the clock reads that no profile can do without: `cargo bench --bench profile`.
//!
//! All subjects are measured in turns, and the best round counts. The figure is nanoseconds a profile and thread: threads that do not
//! hinder each other show the same figure as one. With `-- --test` each runs a few times and asserts what it counted.

use std::hint::black_box;
use std::sync::Barrier;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant, SystemTime};

use tachograph::http::Method;
use tachograph::profile::{OpenProfile, ProfileOptions, Profiler, Sizes, TraceId};

const PHASES: [&str; 4] = ["auth_validation", "scene_validation", "file_io", "response_serialization"];

const ID: &str = "0123456789abcdef0123456789abcdef";
const TRACEPARENT: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

const THREADS: [usize; 2] = [1, 2];

/// Profiles of a round on each thread, and rounds.
const CALLS: usize = 5_000;
const ROUNDS: usize = 60;

fn end(profile: OpenProfile) {
    for name in PHASES {
        drop(profile.phase(name));
    }
    profile.finish(200, Sizes { request_bytes: 120, response_bytes: 2_000 });
}

fn plain(profiler: &Profiler) {
    end(profiler.start("/scene", Method::Post));
}

fn with_ids(profiler: &Profiler) {
    let trace_id = TraceId::from_traceparent(black_box(TRACEPARENT));
    end(profiler.start("/scene", Method::Post).with_request_id(black_box(ID)).with_trace_id(trace_id));
}

/// Both ends of a request, both ends of each phase, and the wall clock.
fn clock_reads() {
    black_box(SystemTime::now());
    (0..2 + 2 * PHASES.len()).for_each(|_| _ = black_box(Instant::now()));
}

/// Nanoseconds of an operation done so many times on each of so many threads, from the first one's start to the last one's end: a round in
/// which they do not run at once is no good one.
fn time(threads: usize, calls: usize, operation: impl Fn() + Sync) -> f64 {
    let start = Barrier::new(threads);
    let spans: Vec<[Instant; 2]> = std::thread::scope(|scope| {
        let workers: Vec<_> = (0..threads)
            .map(|_| {
                scope.spawn(|| {
                    start.wait();
                    let begun = Instant::now();
                    (0..calls).for_each(|_| operation());
                    [begun, Instant::now()]
                })
            })
            .collect();
        workers.into_iter().map(|worker| worker.join().expect("an operation does not panic")).collect()
    });
    let begun = spans.iter().map(|[begun, _]| *begun).min().expect("there is a thread");
    let ended = spans.iter().map(|[_, ended]| *ended).max().expect("there is a thread");
    (ended - begun).as_nanos() as f64 / calls as f64
}

/// Work, always the same for so many steps: the same code wherever it is called from, else the compiler decides what is compared.
#[inline(never)]
fn work(steps: u64) {
    let mut state = 1u64;
    for step in 0..black_box(steps) {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(step);
    }
    black_box(state);
}

fn steps_of(duration: Duration) -> u64 {
    const STEPS: u64 = 1_000_000;
    work(STEPS);
    let begun = Instant::now();
    work(STEPS);
    (STEPS as f64 * duration.div_duration_f64(begun.elapsed())) as u64
}

fn main() {
    let test = std::env::args().any(|argument| argument == "--test");
    let (calls, rounds) = if test { (100, 1) } else { (CALLS, ROUNDS) };
    let profiler = Profiler::new(ProfileOptions::default());
    let mut recorded = 0;

    println!("Nanoseconds a profile of four phases, the best of {rounds} rounds.\n");
    println!("| threads | clock reads | profile | with both ids | disabled |\n|---|---|---|---|---|");
    for threads in THREADS {
        let mut best = [f64::INFINITY; 4];
        for _ in 0..rounds {
            let round = [
                time(threads, calls, clock_reads),
                time(threads, calls, || plain(&profiler)),
                time(threads, calls, || with_ids(&profiler)),
                time(threads, calls, || end(OpenProfile::disabled(Method::Post))),
            ];
            recorded += 2 * (threads * calls) as u64;
            best = std::array::from_fn(|at| best[at].min(round[at]));
        }
        assert_eq!(profiler.recorded(), recorded);
        println!("| {threads} | {:.0} | {:.0} | {:.0} | {:.0} |", best[0], best[1], best[2], best[3]);
    }

    let steps = steps_of(Duration::from_millis(1));
    let requests = if test { 2 } else { 5 };
    let [mut bare, mut profiled] = [f64::INFINITY; 2];
    for _ in 0..rounds {
        bare = bare.min(time(1, requests, || PHASES.iter().for_each(|_| work(steps / 4))));
        profiled = profiled.min(time(1, requests, || {
            let profile = profiler.start("/work", Method::Get);
            for name in PHASES {
                let _phase = profile.phase(name);
                work(steps / 4);
            }
            profile.finish(200, Sizes::default());
        }));
        recorded += requests as u64;
    }
    println!("\nA request of {:.3} ms takes {:+.2} % with its profile.", bare / 1e6, 100.0 * (profiled / bare - 1.0));

    let mut reading = [Duration::MAX; 2];
    let mut writing = f64::INFINITY;
    for _ in 0..rounds {
        reading[0] = reading[0].min(read(&profiler, calls));
        let done = AtomicBool::new(false);
        std::thread::scope(|scope| {
            let reader = scope.spawn(|| {
                let mut fastest = Duration::MAX;
                while !done.load(Ordering::Relaxed) {
                    fastest = fastest.min(read(&profiler, calls));
                }
                fastest
            });
            writing = writing.min(time(1, calls, || plain(&profiler)));
            done.store(true, Ordering::Relaxed);
            reading[1] = reading[1].min(reader.join().expect("a reader does not panic"));
        });
        recorded += calls as u64;
    }
    println!(
        "Reading all takes {:.0?}, beside a writer at full speed {:.0?}; that one {writing:.0} ns.",
        reading[0], reading[1]
    );

    let mut clearing = Duration::MAX;
    for _ in 0..rounds {
        let kept = profiler.profiles().len();
        let begun = Instant::now();
        assert_eq!(profiler.clear(), kept);
        clearing = clearing.min(begun.elapsed());
        (0..calls).for_each(|_| plain(&profiler));
        recorded += calls as u64;
    }
    println!("A clear takes {clearing:.0?}.");
    assert_eq!((profiler.recorded(), profiler.dropped()), (recorded, 0));
}

/// Reads all profiles, and says how long it took.
fn read(profiler: &Profiler, recorded: usize) -> Duration {
    let begun = Instant::now();
    let read = profiler.profiles().len();
    let took = begun.elapsed();
    // Some are being written, and few are kept beside the ring.
    assert!(read >= recorded.min(900), "{read}");
    took
}
