//! The `Server-Timing` header: what a browser's tools show beside a request.

use std::fmt::Write;
use std::time::Duration;

use super::PhaseTiming;

/// The header's value: each phase with its milliseconds, then `total`. Of names only the characters that a token may have are kept.
pub(crate) fn server_timing(phases: &[PhaseTiming], total: Duration) -> String {
    let mut value = String::new();
    let phases = phases.iter().map(|phase| (&*phase.name, phase.duration));
    for (name, duration) in phases.chain([("total", total)]) {
        if !value.is_empty() {
            value.push_str(", ");
        }
        let token = |c: char| c.is_ascii_alphanumeric() || "!#$%&'*+-.^_`|~".contains(c);
        value.extend(name.chars().map(|c| if token(c) { c } else { '_' }));
        if name.is_empty() {
            value.push('_');
        }
        let micros = duration.as_micros();
        let _ = write!(value, ";dur={}.{:03}", micros / 1_000, micros % 1_000);
    }
    value
}

#[cfg(all(test, not(tachograph_loom)))]
mod tests {
    use super::*;

    #[test]
    fn each_phase_and_the_total_are_told_in_milliseconds() {
        let phase = |(name, duration): (&str, Duration)| PhaseTiming {
            name: name.into(),
            parent: None,
            start: Duration::ZERO,
            duration,
        };
        let phases = [("file_io", Duration::from_micros(12_345)), ("a b;\"é", Duration::from_nanos(999)), ("", Duration::ZERO)];
        let value = server_timing(&phases.map(phase), Duration::from_secs(2));
        assert_eq!(value, "file_io;dur=12.345, a_b___;dur=0.000, _;dur=0.000, total;dur=2000.000");
        assert_eq!(server_timing(&[], Duration::ZERO), "total;dur=0.000");
    }
}
