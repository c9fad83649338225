//! Numbers as a person reads them.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// What a number counts, as far as its name or its UNIT line tells.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Unit {
    Plain,
    Seconds,
    Milliseconds,
    /// Seconds since 1970.
    Time,
    Bytes,
    Ratio,
    Celsius,
}

impl Unit {
    /// By the name, or by the UNIT line if there is one.
    pub(crate) fn of(name: &str, line: Option<&str>) -> Self {
        let stem = ["_total", "_info", "_sum"].iter().find_map(|suffix| name.strip_suffix(suffix)).unwrap_or(name);
        let is = |unit: &str| line == Some(unit) || stem.strip_suffix(unit).is_some_and(|rest| rest.ends_with('_'));
        if is("seconds") {
            let time = ["timestamp_seconds", "start_time_seconds", "boot_time_seconds"];
            return if time.iter().any(|end| stem.ends_with(end)) { Self::Time } else { Self::Seconds };
        }
        let known = [
            ("bytes", Self::Bytes),
            ("ratio", Self::Ratio),
            ("celsius", Self::Celsius),
            ("milliseconds", Self::Milliseconds),
            ("ms", Self::Milliseconds),
        ];
        known.into_iter().find(|(unit, _)| is(unit)).map_or(Self::Plain, |(_, unit)| unit)
    }
}

/// A number in its unit.
pub(crate) fn figure(value: f64, unit: Unit) -> String {
    if !value.is_finite() {
        return if value.is_nan() { "NaN".to_owned() } else { format!("{}Inf", if value > 0.0 { "+" } else { "-" }) };
    }
    match unit {
        Unit::Plain => plain(value),
        Unit::Seconds => duration(value),
        Unit::Milliseconds => duration(value / 1e3),
        Unit::Time => time(value),
        Unit::Bytes => bytes(value),
        Unit::Ratio => format!("{} %", significant(value * 100.0)),
        Unit::Celsius => format!("{} °C", significant(value)),
    }
}

/// A rate of something in that unit.
pub(crate) fn rate(value: f64, unit: Unit) -> String {
    match unit {
        // Seconds in a second are a share of the time.
        Unit::Seconds => format!("{} s/s", significant(value)),
        Unit::Bytes => format!("{}/s", bytes(value)),
        _ => format!("{}/s", plain(value)),
    }
}

/// Whole numbers to the digit, in groups of three.
pub(crate) fn plain(value: f64) -> String {
    const EXACT: f64 = 9_007_199_254_740_992.0;
    if value.fract() != 0.0 || value.abs() >= EXACT {
        return significant(value);
    }
    let digits = format!("{:.0}", value.abs());
    let mut grouped = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at) % 3 == 0 {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    format!("{}{grouped}", if value < 0.0 { "-" } else { "" })
}

/// Seconds.
pub(crate) fn duration(seconds: f64) -> String {
    let size = seconds.abs();
    match size {
        0.0 => "0 s".to_owned(),
        _ if size < 999.5e-9 => format!("{} ns", significant(seconds * 1e9)),
        _ if size < 999.5e-6 => format!("{} µs", significant(seconds * 1e6)),
        _ if size < 999.5e-3 => format!("{} ms", significant(seconds * 1e3)),
        _ if size < 120.0 => format!("{} s", significant(seconds)),
        _ if size < 7_200.0 => format!("{} min", significant(seconds / 60.0)),
        _ if size < 172_800.0 => format!("{} h", significant(seconds / 3_600.0)),
        _ => format!("{} d", significant(seconds / 86_400.0)),
    }
}

/// Bytes, by powers of 1024.
pub(crate) fn bytes(bytes: f64) -> String {
    let units = ["B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB"];
    let (mut value, mut unit) = (bytes, 0);
    while value.abs() >= 1023.5 && unit + 1 < units.len() {
        (value, unit) = (value / 1024.0, unit + 1);
    }
    format!("{} {}", significant(value), units[unit])
}

/// A moment in UTC, and how long ago it is.
fn time(seconds: f64) -> String {
    // Before 1970 and after 9999 nobody writes dates.
    let legal = (1.0..253_402_300_800.0).contains(&seconds);
    let Some(moment) = legal.then(|| UNIX_EPOCH + Duration::from_secs_f64(seconds)) else { return plain(seconds) };
    let ago = SystemTime::now().duration_since(moment).map(|ago| format!(" ({} ago)", duration(ago.as_secs_f64().round())));
    format!("{}{}", humantime::format_rfc3339_seconds(moment), ago.unwrap_or_default())
}

/// Three significant digits, without zeros behind them; large ones as they are written in science.
fn significant(value: f64) -> String {
    let size = value.abs();
    if size == 0.0 {
        return "0".to_owned();
    }
    if !(1e-4..1e15).contains(&size) {
        return format!("{value:.2e}");
    }
    // The place of the first digit decides how many stand behind the point; 99.95 is rounded to 100, and has none.
    let first = (size * (1.0 + 5e-4)).log10().floor() as i32;
    let text = format!("{value:.*}", (2 - first).max(0) as usize);
    match text.contains('.') {
        true => text.trim_end_matches('0').trim_end_matches('.').to_owned(),
        false => text,
    }
}

/// Counts as a row of bars, the largest one full.
pub(crate) fn bars(counts: impl Iterator<Item = f64> + Clone) -> String {
    const BARS: [char; 8] = ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];
    let most = counts.clone().fold(0.0, f64::max);
    let bar = |count: f64| match count > 0.0 && most.is_finite() {
        true => BARS[((count / most * 8.0).ceil() as usize).clamp(1, 8) - 1],
        false => '·',
    };
    counts.map(bar).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_short_and_have_their_unit() {
        for (value, unit, expected) in [
            (0.0, Unit::Seconds, "0 s"),
            (1.5e-7, Unit::Seconds, "150 ns"),
            (0.00123, Unit::Seconds, "1.23 ms"),
            (145.3, Unit::Milliseconds, "145 ms"),
            (0.9999, Unit::Seconds, "1 s"),
            (86_400.0, Unit::Seconds, "24 h"),
            (1_048_576.0, Unit::Bytes, "1 MiB"),
            (1023.0, Unit::Bytes, "1023 B"),
            (0.1234, Unit::Ratio, "12.3 %"),
            (1_234_567.0, Unit::Plain, "1,234,567"),
            (-1000.0, Unit::Plain, "-1,000"),
            (0.5, Unit::Plain, "0.5"),
            (0.85394, Unit::Plain, "0.854"),
            (0.00123456, Unit::Plain, "0.00123"),
            (99.96, Unit::Celsius, "100 °C"),
            (123.456, Unit::Plain, "123"),
            (1e300, Unit::Plain, "1.00e300"),
            (f64::NAN, Unit::Bytes, "NaN"),
            (f64::NEG_INFINITY, Unit::Seconds, "-Inf"),
            (-1.0, Unit::Time, "-1"),
        ] {
            assert_eq!(figure(value, unit), expected, "{value} {unit:?}");
        }
        assert!(figure(1_733_158_245.0, Unit::Time).starts_with("2024-12-02T16:50:45Z ("));
        assert_eq!((rate(0.25, Unit::Seconds), rate(2048.0, Unit::Bytes)), ("0.25 s/s".to_owned(), "2 KiB/s".to_owned()));
    }

    #[test]
    fn the_unit_is_in_the_name() {
        for (name, line, unit) in [
            ("process_cpu_seconds_total", None, Unit::Seconds),
            ("process_start_time_seconds", None, Unit::Time),
            ("node_memory_MemFree_bytes", None, Unit::Bytes),
            ("http_request_latency_ms", None, Unit::Milliseconds),
            ("seconds", None, Unit::Plain),
            ("a", Some("bytes"), Unit::Bytes),
            ("items", None, Unit::Plain),
        ] {
            assert_eq!(Unit::of(name, line), unit, "{name}");
        }
    }

    #[test]
    fn bars_are_as_high_as_their_counts() {
        assert_eq!(bars([0.0, 1.0, 4.0, 8.0].into_iter()), "·▁▄█");
        assert_eq!(bars([0.0, 0.0].into_iter()), "··");
    }
}
