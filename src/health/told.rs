//! How times are told.

use std::time::Duration;

/// For humans: the tenths too where they matter.
pub(super) fn seconds(time: Duration) -> String {
    let whole = time.as_secs();
    if whole < 10 { format!("{whole}.{} s", time.subsec_millis() / 100) } else { format!("{whole} s") }
}

/// For programs: to the microsecond, for what is finer is chance.
pub(super) fn milliseconds(time: Duration) -> f64 {
    time.as_micros() as f64 / 1e3
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_told_has_passed() {
        let told = |milliseconds| seconds(Duration::from_millis(milliseconds));
        assert_eq!([0, 99, 1_250, 9_999, 10_000, 75_999].map(told), ["0.0 s", "0.0 s", "1.2 s", "9.9 s", "10 s", "75 s"]);
        assert_eq!(milliseconds(Duration::from_nanos(1_234_567)), 1.234);
    }
}
