//! Threads that come and go while a scraper loops: nothing is lost, nothing falls, and shards are used again.
//!
//! One test, alone in its process, because shards are counted.

use std::cell::RefCell;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Barrier};
use std::thread;

use tachograph::exposition::{Encoding, Escaping, Format};
use tachograph::{Buckets, Counter, Family, Histogram, Registry, UpDownCounter, engine_stats};
use tachograph_check::{Exposition, Rules};

/// Threads at one time, and how many each of them is in turn: 1 000 in all.
const AT_ONCE: usize = 8;
const IN_TURN: usize = 125;
/// Steps of one thread, each an increment and an observation of two kinds of series: 10 million of them in all.
const STEPS: u64 = 2_500;

/// Threads in turn that count after their hand-over, and how often each does.
const LATE_IN_TURN: usize = 50;
const LATE_STEPS: u64 = 20_000;

#[derive(Clone)]
struct Metrics {
    held: Counter,
    looked_up: Family<Counter, 2>,
    sizes: Histogram,
    looked_up_sizes: Family<Histogram, 1>,
    live: UpDownCounter,
}

/// The value of the step: spreads over all buckets.
fn size(step: u64) -> u64 {
    step % 97
}

fn work(metrics: &Metrics, thread: usize) {
    metrics.live.inc();
    let label = ["a", "b", "c"][thread % 3];
    for step in 0..STEPS {
        metrics.held.inc();
        metrics.looked_up.inc([label, "x"]);
        metrics.sizes.observe(size(step));
        metrics.looked_up_sizes.observe([label], size(step));
    }
    metrics.live.dec();
}

/// Counts when it is dropped, so many times.
struct CountsLate(Counter, u64);

impl Drop for CountsLate {
    fn drop(&mut self) {
        (0..self.1).for_each(|_| self.0.inc());
    }
}

thread_local! {
    static LATE: RefCell<Option<CountsLate>> = const { RefCell::new(None) };
}

/// Starts a thread whose thread-local counts `late` times in its destructor, and waits for its end. `first` says whether that
/// thread-local is touched before the thread itself counts; destructors run in the order of the first touches, or in reverse.
fn count_late(counter: &Counter, first: bool, itself: bool, late: u64) {
    let counter = counter.clone();
    let run = move || {
        let touch = || LATE.with(|local| *local.borrow_mut() = Some(CountsLate(counter.clone(), late)));
        if first {
            touch();
        }
        if itself {
            counter.inc();
        }
        if !first {
            touch();
        }
    };
    thread::spawn(run).join().unwrap();
}

/// Scrapes until told to stop, in OpenMetrics and in text by turns, and then once more. Every scrape is valid (so its buckets, count and
/// `+Inf` agree), and no counter and no bucket ever falls.
fn scrape_until(registry: &Registry, stop: &AtomicBool) -> (usize, Exposition) {
    const OPENMETRICS: Encoding = Encoding::new(Format::OpenMetrics, Escaping::Underscores);
    // Families stand in the order of their names, which here is not that of the names without `_total`.
    const RULES: Rules = Rules { families_sorted: false, ..Rules::OURS };
    let mut lasts: [Option<Exposition>; 2] = [None, None];
    for scrapes in 1.. {
        let stopping = stop.load(Ordering::Acquire);
        let snapshot = registry.snapshot();
        let text = stopping || scrapes % 2 == 0;
        let scrape = match text {
            true => tachograph_check::parse(snapshot.text().as_bytes()),
            false => tachograph_check::parse_by(snapshot.exposition(OPENMETRICS), tachograph_check::Format::OpenMetrics, RULES),
        };
        let scrape = scrape.unwrap();
        let last = &mut lasts[usize::from(text)];
        for before in last.iter().flat_map(|last| last.samples()).filter(|sample| sample.name != "live_threads") {
            let labels: Vec<_> = before.labels.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
            let now = scrape.value(&before.name, &labels).unwrap();
            assert!(now >= before.value, "{} fell from {} to {now}", before.name, before.value);
        }
        if stopping {
            return (scrapes, scrape);
        }
        *last = Some(scrape);
    }
    unreachable!("the loop ends by its return")
}

#[test]
fn threads_come_and_go_and_nothing_is_lost() {
    let registry = Registry::new();
    let buckets = || Buckets::whole(&[1, 10, 50, 96]).unwrap();
    let metrics = Metrics {
        held: registry.counter("held_total", "").unwrap(),
        looked_up: registry.counter_family("looked_up_total", "", ["a", "b"]).unwrap(),
        sizes: registry.histogram("sizes", "", buckets()).unwrap(),
        looked_up_sizes: registry.histogram_family("looked_up_sizes", "", ["a"], buckets()).unwrap(),
        live: registry.up_down_counter("live_threads", "").unwrap(),
    };
    let stop = Arc::new(AtomicBool::new(false));
    let scraper = thread::spawn({
        let (registry, stop) = (registry.clone(), Arc::clone(&stop));
        move || scrape_until(&registry, &stop)
    });
    let barrier = Arc::new(Barrier::new(AT_ONCE));
    let drivers: Vec<_> = (0..AT_ONCE)
        .map(|driver| {
            let (metrics, barrier) = (metrics.clone(), Arc::clone(&barrier));
            thread::spawn(move || {
                barrier.wait();
                for turn in 0..IN_TURN {
                    let metrics = metrics.clone();
                    thread::spawn(move || work(&metrics, driver + turn)).join().unwrap();
                }
            })
        })
        .collect();
    drivers.into_iter().for_each(|driver| driver.join().unwrap());
    stop.store(true, Ordering::Release);
    let (scrapes, last) = scraper.join().unwrap();
    assert!(scrapes > 1);

    let steps = (AT_ONCE * IN_TURN) as u64 * STEPS;
    let sum = (AT_ONCE * IN_TURN) as u64 * (0..STEPS).map(size).sum::<u64>();
    assert_eq!(metrics.held.value(), steps);
    assert_eq!(last.value("held_total", &[]), Some(steps as f64));
    assert_eq!(last.sum("looked_up_total", |_| true), steps as f64);
    assert_eq!((metrics.sizes.count(), metrics.sizes.sum()), (steps, sum as f64));
    assert_eq!(last.value("sizes_count", &[]), Some(steps as f64));
    assert_eq!(last.value("sizes_sum", &[]), Some(sum as f64));
    assert_eq!(last.sum("looked_up_sizes_count", |_| true), steps as f64);
    assert_eq!(last.sum("looked_up_sizes_sum", |_| true), sum as f64);
    assert_eq!(last.value("live_threads", &[]), Some(0.0));

    // The workers, and the snapshot thread, which measures itself.
    let stats = engine_stats();
    assert!(stats.shards <= AT_ONCE + 1, "{stats:?}");
    assert_eq!(stats.lost, 0);

    let late = registry.counter("late_total", "").unwrap();
    for (at, (first, itself)) in [(true, true), (false, true), (true, false)].into_iter().cycle().take(30).enumerate() {
        count_late(&late, first, itself, 1);
        let itself = (at / 3) * 2 + [1, 2, 2][at % 3];
        assert_eq!(late.value(), (at + 1 + itself) as u64, "first touched: {first}");
    }
    assert!(engine_stats().shards <= AT_ONCE + 1, "threads that count while they end leave shards behind");

    // Threads that have handed their shard over go on counting while others have taken it over.
    let before = late.value();
    thread::scope(|scope| {
        for driver in 0..AT_ONCE {
            let late = &late;
            scope
                .spawn(move || (0..LATE_IN_TURN).for_each(|turn| count_late(late, (driver + turn) % 2 == 0, true, LATE_STEPS)));
        }
    });
    assert_eq!(late.value() - before, (AT_ONCE * LATE_IN_TURN) as u64 * (LATE_STEPS + 1));
}
