//! The instruments beside counters, gauges and histograms, as a user and a scraper meet them.

use std::cell::RefCell;
use std::sync::atomic::{AtomicUsize, Ordering};

use proptest::prelude::*;
use tachograph::{Buckets, FloatCounter, Quantiles, Registry};
use tachograph_check::Exposition;

fn scrape(registry: &Registry) -> Exposition {
    tachograph_check::parse(registry.snapshot().text().as_bytes()).unwrap()
}

const REFUSED: [f64; 4] = [f64::NAN, f64::INFINITY, f64::NEG_INFINITY, -0.5];

#[test]
fn a_float_counter_refuses_what_would_poison_it_and_counts_the_refusals() {
    let registry = Registry::new();
    registry.register_engine_metrics().unwrap();
    let busy = registry.float_counter("busy_seconds_total", "").unwrap();
    let by_core = registry.float_counter_family("core_seconds_total", "", ["core"]).unwrap();
    for value in REFUSED {
        busy.inc_by(value);
        by_core.inc_by(["0"], value);
    }
    busy.inc_by(-0.0);
    busy.inc_by(0.5);
    by_core.inc_by(["0"], 5e-324);
    let scrape = scrape(&registry);
    assert_eq!(scrape.value("busy_seconds_total", &[]), Some(0.5));
    assert_eq!(scrape.value("core_seconds_total", &[("core", "0")]), Some(5e-324));
    assert_eq!(scrape.value("tachograph_increments_refused_total", &[]), Some(8.0));
}

#[test]
fn a_float_counter_is_never_infinite() {
    let registry = Registry::new();
    let busy = registry.float_counter("busy_seconds_total", "").unwrap();
    std::thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| (0..3).for_each(|_| busy.inc_by(f64::MAX)));
        }
    });
    assert_eq!(busy.value(), f64::MAX);
    assert_eq!(scrape(&registry).value("busy_seconds_total", &[]), Some(f64::MAX));
}

/// Counts when it is dropped.
struct CountsLate(FloatCounter);

impl Drop for CountsLate {
    fn drop(&mut self) {
        self.0.inc_by(0.5);
    }
}

thread_local! {
    static LATE: RefCell<Option<CountsLate>> = const { RefCell::new(None) };
}

#[test]
fn a_float_counter_loses_nothing_to_threads_that_count_at_their_end() {
    let registry = Registry::new();
    let busy = registry.float_counter("busy_seconds_total", "").unwrap();
    for turn in 0..50 {
        let count = || {
            let busy = busy.clone();
            move || {
                let touch = || LATE.with(|late| *late.borrow_mut() = Some(CountsLate(busy.clone())));
                if turn % 2 == 0 {
                    touch();
                }
                busy.inc_by(0.25);
                if turn % 2 == 1 {
                    touch();
                }
            }
        };
        // To join a thread is to wait for its destructors too.
        let threads = [(); 4].map(|()| std::thread::spawn(count()));
        threads.into_iter().for_each(|thread| thread.join().unwrap());
    }
    assert_eq!(scrape(&registry).value("busy_seconds_total", &[]), Some(150.0));
}

#[test]
fn a_float_series_that_comes_back_starts_at_zero_whatever_its_cell_was() {
    let registry = Registry::new();
    let busy = registry.float_counter_family("busy_seconds_total", "", ["core"]).unwrap();
    let jobs = registry.counter_family("jobs_total", "", ["queue"]).unwrap();
    for round in 0..100 {
        let label = round.to_string();
        busy.inc_by([&label], 1.0 / 3.0);
        jobs.inc_by([&label], u64::MAX / 2);
        let scrape = scrape(&registry);
        assert_eq!(scrape.value("busy_seconds_total", &[("core", &label)]), Some(1.0 / 3.0));
        assert_eq!(scrape.sample("jobs_total", &[("queue", &label)]).unwrap().text, (u64::MAX / 2).to_string());
        assert!(busy.remove([&label]) && jobs.remove([&label]));
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    #[test]
    fn float_counters_sum_exactly_where_doubles_do(
        parts in prop::collection::vec(prop::collection::vec((0usize..3, 0u32..1 << 20), 0..50), 1..4),
    ) {
        let registry = Registry::new();
        let busy = registry.float_counter_family("busy_seconds_total", "", ["core"]).unwrap();
        // In units of 2^-10, so that the sum of whole numbers is the exact one.
        std::thread::scope(|scope| {
            for part in &parts {
                let busy = &busy;
                scope.spawn(move || part.iter().for_each(|(core, n)| busy.inc_by([["a", "b", "c"][*core]], f64::from(*n) / 1024.0)));
            }
        });
        let scrape = scrape(&registry);
        for (core, label) in ["a", "b", "c"].into_iter().enumerate() {
            let of_core = parts.iter().flatten().filter(|(of, _)| *of == core);
            let units: u64 = of_core.map(|(_, n)| u64::from(*n)).sum();
            let shown = scrape.value("busy_seconds_total", &[("core", label)]).unwrap_or(0.0);
            prop_assert_eq!(shown * 1024.0, units as f64);
        }
    }
}

#[test]
fn a_timer_observes_once_however_it_ends() {
    let registry = Registry::new();
    let waits = registry.histogram_family("wait_seconds", "", ["queue"], Buckets::seconds(&[1.0]).unwrap()).unwrap();
    let mails = waits.handle(["mail"]);
    let dropped = mails.start_timer();
    let discarded = waits.start_timer(["mail"]);
    assert_eq!(mails.count(), 0);
    let took = mails.start_timer().observe();
    assert_eq!((mails.count(), mails.sum()), (1, took.as_nanos() as f64 / 1e9));
    discarded.discard();
    assert_eq!(mails.count(), 1);
    drop(dropped);
    assert_eq!(mails.count(), 2);
    let timed = std::panic::catch_unwind(|| {
        let _timer = waits.start_timer(["mail"]);
        panic!("as the test wants it");
    });
    assert!(timed.is_err());
    let fails = || -> Result<(), std::num::ParseIntError> {
        let _timer = mails.start_timer();
        "x".parse::<u8>().map(drop)
    };
    assert!(fails().is_err());
    assert_eq!(scrape(&registry).value("wait_seconds_count", &[("queue", "mail")]), Some(4.0));
}

#[test]
fn a_callback_is_asked_once_a_scrape_and_its_bad_values_are_refused() {
    let registry = Registry::new();
    registry.register_engine_metrics().unwrap();
    let values = [1.5, f64::NAN, f64::INFINITY, -0.5, 2.5];
    let ask = || {
        let asked = AtomicUsize::new(0);
        // Relaxed: each callback is asked by one thread alone.
        move || values[asked.fetch_add(1, Ordering::Relaxed)]
    };
    registry.gauge_callback("level", "", ask()).unwrap();
    registry.counter_callback("ticks_total", "", ask()).unwrap();
    for (failed, value) in [0.0, 0.0, 1.0, 2.0, 3.0].into_iter().zip(values) {
        let scrape = scrape(&registry);
        let shown = scrape.value("level", &[]).unwrap();
        assert!(shown == value || shown.is_nan() && value.is_nan());
        assert_eq!(scrape.value("ticks_total", &[]), Some(value).filter(|value| value.is_finite() && *value >= 0.0));
        let refused = [("collector", "ticks_total"), ("reason", "refused")];
        assert_eq!(scrape.value("tachograph_collector_failures_total", &refused).unwrap_or(0.0), failed);
    }
    // Out of values: both panic.
    let scrape = scrape(&registry);
    assert!(scrape.family("level").is_none() && scrape.family("ticks_total").is_none());
}

#[test]
fn a_callback_clashes_like_any_family() {
    let registry = Registry::new();
    registry.gauge("level", "").unwrap();
    assert!(registry.gauge_callback("level", "", || 1.0).is_err());
    assert!(registry.counter_callback("ticks", "", || 1.0).is_err());
}

#[test]
fn a_summary_refuses_and_saturates_as_a_histogram_does() {
    let registry = Registry::new();
    registry.register_engine_metrics().unwrap();
    let wait = registry.summary("wait_seconds", "", Quantiles::seconds(&[0.5, 1.0]).unwrap()).unwrap();
    let empty = scrape(&registry);
    assert!(empty.value("wait_seconds", &[("quantile", "0.5")]).unwrap().is_nan());
    REFUSED.into_iter().for_each(|value| wait.observe_f64(value));
    wait.observe_f64(-0.0);
    wait.observe_f64(0.25);
    wait.observe(u64::MAX);
    wait.start_timer().discard();
    let scrape = scrape(&registry);
    assert_eq!(scrape.value("wait_seconds_count", &[]), Some(3.0));
    assert_eq!(scrape.value("wait_seconds_sum", &[]), Some(((1u64 << 44) + 250_000_000) as f64 / 1e9));
    assert_eq!(scrape.value("tachograph_observations_refused_total", &[]), Some(4.0));
    assert_eq!(scrape.value("tachograph_observations_saturated_total", &[]), Some(1.0));
    let half = scrape.value("wait_seconds", &[("quantile", "0.5")]).unwrap();
    assert!((0.25..=0.25 * (1.0 + 1.0 / 128.0)).contains(&half), "{half}");
    assert!(registry.snapshot().family("wait_seconds").unwrap().descriptor().unit() == Some("seconds"));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]
    #[test]
    fn a_summarys_quantiles_are_near_the_sorted_values_and_its_sum_is_theirs(
        parts in prop::collection::vec(prop::collection::vec((0usize..2, any::<u64>(), 30u32..64), 0..60), 1..4),
    ) {
        let registry = Registry::new();
        let quantiles = Quantiles::bytes(&[0.0, 0.25, 0.5, 1.0]).unwrap();
        let sizes = registry.summary_family("size_bytes", "", ["of"], quantiles).unwrap();
        std::thread::scope(|scope| {
            for part in &parts {
                let sizes = &sizes;
                // Shifted, so that all magnitudes come up.
                scope.spawn(move || part.iter().for_each(|(of, value, by)| sizes.observe([["a", "b"][*of]], value >> by)));
            }
        });
        let scrape = scrape(&registry);
        for (of, label) in ["a", "b"].into_iter().enumerate() {
            let of_label = parts.iter().flatten().filter(|(to, ..)| *to == of);
            let mut values: Vec<u64> = of_label.map(|(_, value, by)| value >> by).collect();
            values.sort_unstable();
            let sum = scrape.value("size_bytes_sum", &[("of", label)]).unwrap_or(0.0);
            prop_assert_eq!(sum, values.iter().sum::<u64>() as f64);
            prop_assert_eq!(scrape.value("size_bytes_count", &[("of", label)]).unwrap_or(0.0), values.len() as f64);
            for (quantile, quarters) in [("0", 0), ("0.25", 1), ("0.5", 2), ("1", 4)] {
                let Some(shown) = scrape.value("size_bytes", &[("of", label), ("quantile", quantile)]) else { continue };
                // The lowest value that at least so many quarters of all are at most.
                let exact = values[(values.len() * quarters).div_ceil(4).max(1) - 1].min((1 << 34) - 1) as f64;
                // The lowest value of all is shown from below, the others from above.
                let (low, high) = if quarters == 0 { (exact * (1.0 - 1.0 / 128.0), exact) } else { (exact, exact * (1.0 + 1.0 / 128.0)) };
                prop_assert!((low..=high).contains(&shown), "{}: {} for {}", quantile, shown, exact);
            }
        }
    }
}

#[test]
fn sum_and_count_of_a_summary_are_of_the_same_observations_however_they_are_written() {
    let registry = Registry::new();
    let sizes = registry.summary_family("size_bytes", "", ["of"], Quantiles::bytes(&[1.0]).unwrap()).unwrap();
    let (writers, each) = (2, 100_000);
    let mut before = 0.0;
    std::thread::scope(|scope| {
        let writers: Vec<_> = (0..writers)
            .map(|_| {
                scope.spawn(|| {
                    let held = sizes.handle(["a"]);
                    (0..each / 2).for_each(|_| held.observe(1));
                    (0..each / 2).for_each(|_| sizes.observe(["a"], 1));
                })
            })
            .collect();
        while writers.iter().any(|writer| !writer.is_finished()) {
            let scrape = scrape(&registry);
            let Some(count) = scrape.value("size_bytes_count", &[("of", "a")]) else { continue };
            assert_eq!(scrape.value("size_bytes_sum", &[("of", "a")]), Some(count));
            assert!(count >= before, "{count} after {before}");
            before = count;
        }
    });
    assert_eq!(scrape(&registry).value("size_bytes_count", &[("of", "a")]), Some(f64::from(writers * each)));
}
