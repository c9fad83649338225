//! No scrape shows half an observation: writers at full speed, writers that come, panic and go, and requests at 100 000 a second, beside a
//! scraper that checks every snapshot.
//!
//! One test, alone in its process, because the snapshots' bound on stale blocks is about the machine's whole time.

use std::cell::RefCell;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Barrier};
use std::thread;
use std::time::{Duration, Instant};

use tachograph::http::{Exchange, HttpMetrics, HttpOptions, Method};
use tachograph::{Buckets, Family, Histogram, Registry, Snapshot, Value};

/// Snapshots beside writers at full speed. Each may wait 5 ms for a block that is always being written.
const SNAPSHOTS: usize = 400;

/// Snapshots beside 100 000 requests a second, and how many of them may show something stale, beside those for which a thread was
/// suspended in the middle of a request for as long as a snapshot waits.
const PACED_SNAPSHOTS: usize = 20_000;
const MOST_STALE: u64 = PACED_SNAPSHOTS as u64 / 10_000;
const BETWEEN_REQUESTS: Duration = Duration::from_micros(10);
const WAITED_FOR: Duration = Duration::from_millis(5);

/// Threads that come and go beside the others.
const SHORT_LIVES: usize = 300;

fn stale_blocks(snapshot: &Snapshot) -> u64 {
    let family = snapshot.family("tachograph_stale_blocks_total").unwrap();
    let Value::Counter(count) = family.series().next().unwrap().value else { panic!("not a counter") };
    count
}

/// Sum and count over the series of a histogram, each checked to have a sum of as many base units as observations.
fn of_ones(snapshot: &Snapshot, family: &str, unit: f64) -> u64 {
    let series = snapshot.family(family).unwrap().series();
    series
        .map(|series| {
            let Value::Histogram(histogram) = series.value else { panic!("not a histogram") };
            let sum = (histogram.sum() / unit).round() as u64;
            assert_eq!(sum, histogram.count(), "{family}{{{}}} is torn", series.labels);
            sum
        })
        .sum()
}

/// Requests as each family of a snapshot counts them, checked to be the same; every request has 1 byte, 1 byte and 1 ns.
fn requests(snapshot: &Snapshot) -> u64 {
    let counters = snapshot.family("http_requests_total").unwrap().series();
    let counted = counters.map(|series| if let Value::Counter(count) = series.value { count } else { 0 }).sum::<u64>();
    assert_eq!(counted, of_ones(snapshot, "http_request_duration_seconds", 1e-9), "half a request");
    assert_eq!(counted, of_ones(snapshot, "http_request_size_bytes", 1.0), "half a request");
    assert_eq!(counted, of_ones(snapshot, "http_response_size_bytes", 1.0), "half a request");
    counted
}

/// Thirty combinations in turn: more than one block of counters.
fn exchange(step: usize) -> Exchange {
    Exchange {
        method: [Method::Get, Method::Post, Method::Put][step / 10 % 3],
        status: 200 + (step % 10) as u16,
        duration: Duration::from_nanos(1),
        request_bytes: 1,
        response_bytes: 1,
    }
}

/// Observes when it is dropped.
struct ObservesLate(Histogram, Family<Histogram, 1>);

impl Drop for ObservesLate {
    fn drop(&mut self) {
        self.0.observe(1);
        self.1.observe(["late"], 1);
    }
}

thread_local! {
    static LATE: RefCell<Option<ObservesLate>> = const { RefCell::new(None) };
}

/// A thread that observes, panics, observes while it unwinds, and again in the destructor of a thread-local: five times held, four by
/// label.
fn short_life(held: &Histogram, labelled: &Family<Histogram, 1>) {
    let (held, labelled) = (held.clone(), labelled.clone());
    thread::spawn(move || {
        LATE.with(|late| *late.borrow_mut() = Some(ObservesLate(held.clone(), labelled.clone())));
        held.observe(1);
        let panicked = catch_unwind(AssertUnwindSafe(|| {
            let _observes = ObservesLate(held.clone(), labelled.clone());
            labelled.observe(["short"], 1);
            held.observe(1);
            // Without the message that `panic!` would print 300 times.
            std::panic::resume_unwind(Box::new(()));
        }));
        assert!(panicked.is_err());
        held.observe(1);
        labelled.observe(["short"], 1);
    })
    .join()
    .unwrap();
}

#[test]
fn no_snapshot_shows_half_of_anything() {
    at_full_speed();
    at_a_hundred_thousand_a_second();
}

fn at_full_speed() {
    let registry = Registry::new();
    registry.register_engine_metrics().unwrap();
    let bounds = || Buckets::bytes(&[1, 2, 4, 8]).unwrap();
    let held = registry.histogram("held_bytes", "", bounds()).unwrap();
    let labelled = registry.histogram_family("labelled_bytes", "", ["which"], bounds()).unwrap();
    let http = HttpMetrics::register(&registry, HttpOptions::default()).unwrap();
    let stop = Arc::new(AtomicBool::new(false));
    let start = Arc::new(Barrier::new(4));

    let until_stopped = |mut step: Box<dyn FnMut(usize) + Send>| {
        let (stop, start) = (Arc::clone(&stop), Arc::clone(&start));
        thread::spawn(move || {
            start.wait();
            let mut steps = 0;
            while !stop.load(Ordering::Relaxed) {
                step(steps);
                steps += 1;
            }
            steps as u64
        })
    };
    let observing = until_stopped(Box::new({
        let (held, labelled) = (held.clone(), labelled.clone());
        move |step| {
            held.observe(1);
            labelled.observe([["a", "b", "c"][step % 3]], 1);
        }
    }));
    let requesting = until_stopped(Box::new({
        let http = http.clone();
        move |step| http.observe(["/a", "/b"][step % 2], &exchange(step))
    }));
    let living = until_stopped(Box::new({
        let (held, labelled) = (held.clone(), labelled.clone());
        move |step| {
            if step < SHORT_LIVES {
                short_life(&held, &labelled);
            }
        }
    }));

    start.wait();
    let mut before = [0; 3];
    for _ in 0..SNAPSHOTS {
        let snapshot = registry.snapshot();
        let ones = |family| of_ones(&snapshot, family, 1.0);
        let now = [ones("held_bytes"), ones("labelled_bytes"), requests(&snapshot)];
        assert!(before.iter().zip(now).all(|(before, now)| *before <= now), "{before:?} fell to {now:?}");
        before = now;
    }
    stop.store(true, Ordering::Relaxed);
    let (observed, requested) = (observing.join().unwrap(), requesting.join().unwrap());
    let lived = living.join().unwrap().min(SHORT_LIVES as u64);
    let last = registry.snapshot();
    assert_eq!(of_ones(&last, "held_bytes", 1.0), observed + 5 * lived);
    assert_eq!(of_ones(&last, "labelled_bytes", 1.0), observed + 4 * lived);
    assert_eq!(requests(&last), requested);
    println!("full speed: {} of {SNAPSHOTS} snapshots with stale blocks at most", stale_blocks(&last));
}

fn at_a_hundred_thousand_a_second() {
    let registry = Registry::new();
    let http = HttpMetrics::register(&registry, HttpOptions::default()).unwrap();
    let endpoint = http.endpoint("/paced");
    let stop = Arc::new(AtomicBool::new(false));
    let requesting = thread::spawn({
        let stop = Arc::clone(&stop);
        move || {
            let (start, mut sent, mut explained) = (Instant::now(), 0u32, 0);
            while !stop.load(Ordering::Relaxed) {
                // After a time slice for others, no burst to catch up: one request, and then again one in ten microseconds.
                let begin = Instant::now();
                endpoint.observe(&exchange(sent as usize % 5));
                sent += 1;
                // Other programs may have this core for longer than that, again and again while we are suspended.
                let took = begin.elapsed();
                if took >= WAITED_FOR / 2 {
                    explained += 1 + took.as_nanos() / WAITED_FOR.as_nanos();
                }
                let next = begin + BETWEEN_REQUESTS;
                while Instant::now() < next {
                    std::hint::spin_loop();
                }
            }
            (sent, start.elapsed(), explained as u64)
        }
    });
    let mut before = 0;
    for _ in 0..PACED_SNAPSHOTS {
        let now = requests(&registry.snapshot());
        assert!(before <= now);
        before = now;
    }
    stop.store(true, Ordering::Relaxed);
    let (sent, took, explained) = requesting.join().unwrap();
    let last = registry.snapshot();
    assert_eq!(requests(&last), u64::from(sent));
    let stale = stale_blocks(&last);
    let rate = f64::from(sent) / took.as_secs_f64();
    println!("{rate:.0} requests a second: {stale} of {PACED_SNAPSHOTS} snapshots stale, {explained} by suspensions at most");
    assert!(stale <= MOST_STALE + explained, "{stale} of {PACED_SNAPSHOTS} snapshots showed stale blocks");
}
