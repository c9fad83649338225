//! An allocator that counts: the hot path allocates nothing once warm, memory stays within its budget, and an allocator may itself
//! count into a registry.
//!
//! One test, alone in its process, because all of it goes through the process's allocator.

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;
use std::time::Duration;

use tachograph::http::{Exchange, HttpMetrics, HttpOptions, Method};
use tachograph::{Buckets, Counter, Histogram, Labels, Quantiles, Registry, Value, engine_stats};

thread_local! {
    /// Allocations of this thread.
    static ALLOCATIONS: Cell<u64> = const { Cell::new(0) };
    /// Bytes that this thread has allocated, less those it has freed: what the snapshot thread holds for a moment is not in it.
    static HELD: Cell<i64> = const { Cell::new(0) };
}
/// Counts allocations through the engine, as long as it is there to be counted in.
static THROUGH_ENGINE: OnceLock<([Counter; 2], Histogram)> = OnceLock::new();
/// The same count, kept by hand.
static BY_HAND: AtomicU64 = AtomicU64::new(0);

struct Counting;

// SAFETY: every call goes to the system's allocator as it is; beside it only atomics and thread-locals without destructors are
// touched, and the engine, which says that it may be called from an allocator.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        ALLOCATIONS.with(|allocations| allocations.set(allocations.get() + 1));
        HELD.with(|held| held.set(held.get() + layout.size() as i64));
        if let Some((counters, ones)) = THROUGH_ENGINE.get() {
            BY_HAND.fetch_add(1, Ordering::Relaxed);
            counters.iter().for_each(Counter::inc);
            ones.observe(1);
        }
        // SAFETY: the caller's promise is passed on.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        HELD.with(|held| held.set(held.get() - layout.size() as i64));
        // SAFETY: the caller's promise is passed on.
        unsafe { System.dealloc(pointer, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

fn allocations_of(f: impl FnOnce()) -> u64 {
    let before = ALLOCATIONS.get();
    f();
    ALLOCATIONS.get() - before
}

fn exchange(step: u64) -> Exchange {
    Exchange {
        method: [Method::Get, Method::Post][step as usize % 2],
        status: [200, 404, 500][step as usize % 3],
        duration: Duration::from_micros(step * 7),
        request_bytes: step,
        response_bytes: step * 100,
    }
}

fn the_hot_path_allocates_nothing_once_warm() {
    let registry = Registry::new();
    let jobs = registry.counter("jobs_total", "").unwrap();
    let open = registry.up_down_counter("open", "").unwrap();
    let level = registry.gauge("level", "").unwrap();
    let wait = registry.histogram("wait_seconds", "", Buckets::seconds(&[0.001, 0.1]).unwrap()).unwrap();
    let labelled = registry.counter_family("labelled_total", "", ["a", "b"]).unwrap();
    let busy = registry.float_counter_family("busy_seconds_total", "", ["core"]).unwrap();
    let lasting = Labels::new(["tank"]).expire_after(Duration::from_secs(600));
    let tanks = registry.gauge_family("tank_level", "", lasting).unwrap();
    let breaker = registry.state_set("breaker", "", &["open", "closed"]).unwrap();
    let sizes = registry.summary("size_bytes", "", Quantiles::bytes(&[0.5]).unwrap()).unwrap();
    let http = HttpMetrics::register(&registry, HttpOptions::default()).unwrap();
    let held = http.endpoint("/held");
    let run = || {
        for step in 0..3_000 {
            jobs.inc();
            open.inc_by(-1);
            level.set(1.5);
            wait.observe(step);
            wait.observe_f64(0.25);
            labelled.inc(["x\"\\", ["y", "z"][step as usize % 2]]);
            busy.inc_by([["0", "1"][step as usize % 2]], 0.25);
            busy.inc_by(["0"], f64::NAN);
            tanks.set(["a"], 0.5);
            breaker.set(["open", "closed", "ajar"][step as usize % 3]);
            sizes.observe(step * step);
            wait.start_timer().discard();
            http.observe("/run/time", &exchange(step));
            held.observe(&exchange(step));
        }
    };
    run();
    assert_eq!(allocations_of(run), 0);

    let allocated = thread::spawn(move || {
        let rare = registry.counter("rare_total", "").unwrap();
        let seldom = registry.float_counter("seldom_total", "").unwrap();
        rare.prepare();
        seldom.prepare();
        sizes.prepare();
        wait.prepare();
        held.prepare();
        allocations_of(|| {
            rare.inc();
            wait.observe(1);
            seldom.inc_by(f64::NAN);
            seldom.inc_by(0.5);
            (0..40).for_each(|power| sizes.observe(1 << power));
            (0..3_000).for_each(|step| held.observe(&exchange(step * step)));
        })
    });
    assert_eq!(allocated.join().unwrap(), 0, "prepare did not touch what was needed");
}

/// What a thousand sample lines may hold: the budget. PERFORMANCE.md says what they do hold.
const MOST_BYTES_A_THOUSAND_LINES: i64 = 110_000;

/// Twelve routes, two methods, five statuses: the demo's shape. Returns sample lines and bytes.
fn held_by_the_demos_shape() -> (usize, i64) {
    // What the process has once, whatever is registered.
    Registry::new().snapshot();
    let before = HELD.get();
    let registry = Registry::new();
    let http = HttpMetrics::register(&registry, HttpOptions::default()).unwrap();
    for route in 0..12 {
        let endpoint = http.endpoint(&format!("/scene/{{id}}/{route}"));
        for method in [Method::Get, Method::Post] {
            for status in [200, 400, 401, 404, 500] {
                endpoint.declare(method, status);
            }
        }
        for step in 0..1_000 {
            endpoint.observe(&exchange(step));
        }
    }
    let held = HELD.get() - before;
    let lines = registry.snapshot().text().lines().filter(|line| !line.starts_with('#')).count();
    (lines, held)
}

/// Bytes a series at 10 000 of them: registered and counted on one thread, and added by a second thread that counts in each. Checks that
/// they are no more than these.
fn held_by_series(name: &str, most: [i64; 2], touch: impl Fn(&Registry) -> Box<dyn Fn(usize) + Send + Sync>) {
    const SERIES: usize = 10_000;
    let held = |f: &mut dyn FnMut()| {
        let before = HELD.get();
        f();
        (HELD.get() - before) / SERIES as i64
    };
    let registry = Registry::new();
    let touch = touch(&registry);
    let registered = held(&mut || (0..SERIES).for_each(&*touch));
    let further = thread::scope(|scope| {
        let counting = scope.spawn(|| held(&mut || (0..SERIES).for_each(&*touch)));
        counting.join().unwrap()
    });
    println!("{registered} bytes a {name} series, {further} more for a further thread");
    assert!(registered <= most[0] && further <= most[1], "a {name} series: {registered} and {further} bytes, {most:?} at most");
}

fn held_by_many_series() {
    // A cell is 8 bytes, and its page has a place in the thread's list of pages.
    held_by_series("counter", [110, 9], |registry| {
        let labels = Labels::new(["endpoint", "method", "status"]).limit(10_000);
        let family = registry.counter_family("requests_total", "", labels).unwrap();
        Box::new(move |n| {
            let (method, status) = (["GET", "POST", "PUT", "DELETE"][n % 4], ["200", "201", "400", "404", "500"][n / 4 % 5]);
            family.inc([&format!("/scene/{}", n / 20), method, status]);
        })
    });
    // 13 cells, of which nine times as many leave 11 of a page's 128 to others.
    held_by_series("histogram", [204, 118], |registry| {
        let bounds = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.0, 5.0, 10.0];
        let labels = Labels::new(["endpoint"]).limit(10_000);
        let family = registry.histogram_family("wait_seconds", "", labels, Buckets::seconds(&bounds).unwrap()).unwrap();
        Box::new(move |n| family.observe([&format!("/api/v1/resource-{n}")], 1))
    });
}

/// Checks that the observations of ones are whole in a snapshot, and says how many there are.
fn whole_ones(registry: &Registry) -> u64 {
    let snapshot = registry.snapshot();
    let value = snapshot.family("ones_bytes").unwrap().series().next().unwrap().value;
    let Value::Histogram(value) = value else { panic!("not a histogram") };
    assert_eq!(value.sum() as u64, value.count(), "torn");
    value.count()
}

/// A hundred million where the code is optimised, as in ci/bench.sh.
const OBSERVATIONS: u64 = if cfg!(debug_assertions) { 10_000_000 } else { 100_000_000 };

/// Observations of all sizes, without a scrape.
fn observations_leave_the_heap_where_it_was() {
    let registry = Registry::new();
    let buckets = Buckets::seconds(&[0.005, 0.1, 1.0, 10.0]).unwrap();
    let wait = registry.histogram("wait_seconds", "", buckets).unwrap();
    wait.prepare();
    let held = HELD.get();
    let allocations = allocations_of(|| (0..OBSERVATIONS).for_each(|step| wait.observe(step * 150)));
    assert_eq!((allocations, HELD.get() - held), (0, 0));
    assert_eq!(wait.count(), OBSERVATIONS);
}

fn an_allocator_may_count_into_a_registry() {
    let registry = Registry::new();
    let allocations = registry.counter_family("allocations_total", "", ["which"]).unwrap();
    let counters = ["one", "two"].map(|which| allocations.handle([which]));
    let ones = registry.histogram("ones_bytes", "", Buckets::bytes(&[1]).unwrap()).unwrap();
    THROUGH_ENGINE.set((counters.clone(), ones.clone())).unwrap();
    let threads: Vec<_> = (0..50)
        .map(|thread| {
            let registry = registry.clone();
            thread::spawn(move || {
                // New pages, new series, new shards and folds, all of which allocate.
                let series = registry.counter_family(&format!("series_{thread}_total"), "", ["n"]).unwrap();
                for n in 0..200 {
                    series.inc([&n.to_string()]);
                }
                whole_ones(&registry)
            })
        })
        .collect();
    for thread in threads {
        thread.join().unwrap();
    }
    // Whoever reads a value allocates, and so counts: what was counted before one reading is there in the next, and no more is
    // there than had been counted by hand when that was done.
    let readings = [&|| counters[0].value(), &|| counters[1].value(), &|| whole_ones(&registry)] as [&dyn Fn() -> u64; 3];
    for reading in readings {
        let at_least = BY_HAND.load(Ordering::SeqCst);
        let value = reading();
        assert!((at_least..=BY_HAND.load(Ordering::SeqCst)).contains(&value), "{at_least} {value}");
    }
    assert_eq!(engine_stats().lost, 0);
}

#[test]
fn memory_is_touched_once_and_stays_within_its_budget() {
    // First, while no page is there that a former series has left.
    let (lines, bytes) = held_by_the_demos_shape();
    let per_thousand = bytes * 1_000 / lines as i64;
    println!("{bytes} bytes for {lines} sample lines: {per_thousand} bytes a thousand");
    assert!(per_thousand <= MOST_BYTES_A_THOUSAND_LINES, "{per_thousand}");
    held_by_many_series();
    the_hot_path_allocates_nothing_once_warm();
    observations_leave_the_heap_where_it_was();
    an_allocator_may_count_into_a_registry();
}
