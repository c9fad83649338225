use std::sync::Barrier;
use std::time::Duration;

use super::*;
use crate::metric::descriptor::Kind;
use crate::metric::gauge::Gauge;
use crate::{RegisterError, Registry};

const AFTER: Duration = Duration::from_secs(60);

fn levels() -> Family<Gauge, 1> {
    let descriptor = Descriptor::new("level", Kind::Gauge, "").unwrap();
    Family::new(descriptor, Labels::new(["tank"]).expire_after(AFTER), (), Arc::new(Faults::new()))
}

/// What a snapshot would show that looks so many seconds after now.
fn shown(levels: &Family<Gauge, 1>, now: Instant, seconds: u64) -> Vec<(String, f64)> {
    let living = levels.0.living(now + Duration::from_secs(seconds));
    let Values::Gauge(values) = Gauge::values(&living, &(), &Totals::default(), &Previous::of(None, "level", 1)) else {
        panic!("gauges have gauges' values")
    };
    living.iter().map(|series| String::from_utf8(series.text(1).to_vec()).unwrap()).zip(values).collect()
}

fn tank(name: &str, value: f64) -> (String, f64) {
    (format!("{name}\""), value)
}

#[test]
fn a_gauge_that_nobody_writes_goes_and_comes_back_at_zero() {
    let (levels, now) = (levels(), Instant::now());
    levels.set(["a"], 1.5);
    levels.set(["b"], 2.5);
    assert_eq!(shown(&levels, now, 10), [tank("a", 1.5), tank("b", 2.5)]);
    levels.inc_by(["b"], 1.0);
    assert_eq!(shown(&levels, now, 60), [tank("a", 1.5), tank("b", 3.5)]);
    assert_eq!(shown(&levels, now, 69), [tank("a", 1.5), tank("b", 3.5)]);
    assert_eq!(shown(&levels, now, 71), [tank("b", 3.5)]);
    assert_eq!(levels.len(), 1);
    assert_eq!(shown(&levels, now, 121), []);
    levels.inc_by(["a"], 0.25);
    assert_eq!(shown(&levels, now, 500), [tank("a", 0.25)]);
    assert_eq!(shown(&levels, now, 600), []);
    assert_eq!(levels.len(), 0);
}

#[test]
fn a_gauge_with_a_handle_is_left_out_and_comes_back_with_its_value() {
    let (levels, now) = (levels(), Instant::now());
    let held = levels.handle(["a"]);
    held.set(1.5);
    assert_eq!(shown(&levels, now, 10), [tank("a", 1.5)]);
    assert_eq!(shown(&levels, now, 100), []);
    held.inc_by(1.0);
    assert_eq!(shown(&levels, now, 101), [tank("a", 2.5)]);
    assert_eq!(levels.handle(["a"]).value(), 2.5);
}

#[test]
fn a_write_at_the_very_moment_of_expiry_is_not_lost() {
    for _ in 0..1_000 {
        let (levels, now) = (levels(), Instant::now());
        levels.set(["a"], -1.0);
        levels.set(["b"], -1.0);
        assert_eq!(shown(&levels, now, 0).len(), 2);
        let meet = Barrier::new(3);
        std::thread::scope(|scope| {
            scope.spawn(|| {
                meet.wait();
                shown(&levels, now, 100);
            });
            scope.spawn(|| {
                meet.wait();
                levels.set(["a"], 1.0);
            });
            scope.spawn(|| {
                meet.wait();
                levels.handle(["b"]).set(2.0);
            });
        });
        assert_eq!(shown(&levels, now, 101), [tank("a", 1.0), tank("b", 2.0)]);
    }
}

#[test]
fn only_gauges_expire() {
    let (registry, expiring) = (Registry::new(), || Labels::new(["a"]).expire_after(AFTER));
    let refused = |error| assert!(matches!(error, RegisterError::CannotExpire { .. }), "{error}");
    refused(registry.counter_family("a_total", "", expiring()).map(drop).unwrap_err());
    refused(registry.float_counter_family("a_total", "", expiring()).map(drop).unwrap_err());
    refused(registry.up_down_counter_family("a", "", expiring()).map(drop).unwrap_err());
    refused(registry.info_family("a_info", "", expiring()).map(drop).unwrap_err());
    registry.gauge_family("a", "", expiring()).unwrap().set(["b"], 1.0);
    assert_eq!(registry.snapshot().text(), "# HELP a \n# TYPE a gauge\na{a=\"b\"} 1\n");
}
