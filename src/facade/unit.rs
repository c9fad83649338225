//! What the facade's units are called in a name, and which buckets histograms of them get.

use metrics::Unit;

use crate::metric::bucket::Buckets;

/// Bounds of latencies in seconds.
const SECONDS: [f64; 13] = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0];

/// Powers of four from 256 bytes to 1 GiB.
const BYTES: [u64; 12] =
    [1 << 8, 1 << 10, 1 << 12, 1 << 14, 1 << 16, 1 << 18, 1 << 20, 1 << 22, 1 << 24, 1 << 26, 1 << 28, 1 << 30];

const PERCENT: [f64; 11] = [1.0, 5.0, 10.0, 25.0, 50.0, 75.0, 90.0, 95.0, 99.0, 99.9, 100.0];

/// What nothing is known of.
const ANY: [f64; 22] = [
    0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 25.0, 50.0, 100.0, 250.0, 500.0, 1_000.0,
    2_500.0, 5_000.0, 10_000.0,
];

/// What a name ends in that tells the unit; none for mere numbers of things.
pub(super) fn suffix(unit: Unit) -> Option<&'static str> {
    match unit {
        Unit::Count => None,
        Unit::Percent => Some("percent"),
        unit => Some(unit.as_str()),
    }
}

/// Buckets for values of this unit, or of the one that the name ends in.
pub(super) fn buckets(unit: Option<Unit>, name: &str) -> Buckets {
    let ends = |unit: &Unit| name.ends_with(&format!("_{}", unit.as_str()));
    let known = [Unit::Milliseconds, Unit::Microseconds, Unit::Nanoseconds, Unit::Seconds, Unit::Bytes, Unit::Percent];
    let times = |scale: f64| Buckets::decimal(&SECONDS.map(|bound| bound * scale));
    let chosen = match unit.or_else(|| known.into_iter().find(ends)) {
        Some(Unit::Seconds) => Buckets::seconds(&SECONDS),
        Some(Unit::Milliseconds) => times(1e3),
        Some(Unit::Microseconds) => times(1e6),
        Some(Unit::Nanoseconds) => times(1e9),
        Some(Unit::Bytes) => Buckets::bytes(&BYTES),
        Some(Unit::Percent) => Buckets::decimal(&PERCENT),
        _ => Buckets::decimal(&ANY),
    };
    chosen.expect("the bounds are legal")
}

#[cfg(all(test, not(tachograph_loom)))]
mod tests {
    use super::*;

    #[test]
    fn a_unit_is_told_by_description_or_by_name() {
        let last = |unit, name| buckets(unit, name).bounds().last().unwrap();
        assert_eq!(last(Some(Unit::Milliseconds), "a"), 10_000.0);
        assert_eq!(last(Some(Unit::Nanoseconds), "a"), 1e10);
        assert_eq!(last(None, "a_microseconds"), 1e7);
        assert_eq!(last(None, "a_seconds"), 10.0);
        assert_eq!(last(None, "a_bytes"), f64::from(1 << 30));
        assert_eq!(last(Some(Unit::Percent), "a"), 100.0);
        assert_eq!(last(Some(Unit::Count), "a"), 10_000.0);
        assert_eq!(last(None, "seconds"), 10_000.0);
    }
}
