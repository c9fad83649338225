//! Copies of the shipped configuration in which nothing takes minutes: the same expressions, labels, routes and jobs, with
//! shorter windows, waits and intervals, and the addresses of a test in place of the names of hosts.
//!
//! Each function fails when it does not find what it is to change: a copy that still waits for minutes would be a test that
//! times out and says nothing.

use std::net::SocketAddr;
use std::time::Duration;

/// A window of five minutes becomes 15 seconds: 15 scrapes of a second, nearly the 20 that five minutes have by default.
const WINDOW_DIVISOR: u32 = 20;

/// What all wait at least: on a busy machine one scrape or two may fail, and nothing is wrong.
const LEAST_WAIT: Duration = Duration::from_secs(3);

/// Ten minutes are 6 seconds more than that. Who waits longer still does, since a warning must not come before its critical
/// partner.
const WAIT_DIVISOR: u32 = 100;

/// The shortest of all: an interval of scrapes and evaluations.
const BEAT: Duration = Duration::from_secs(1);

/// What is shortened in a file of rules.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    /// How often a group is evaluated.
    Interval,
    /// How far an expression looks back.
    Window,
    /// How long a condition holds before its alert fires.
    For,
    /// How long an alert fires after its condition has ended.
    KeepFiringFor,
    /// How old an instance is before low traffic is an alert.
    WarmUp,
}

/// A file of rules, of which each of the `parts` must be found. The others are shortened where they are found.
///
/// # Errors
///
/// What was not found, or a duration that cannot be read.
pub fn rules(text: &str, parts: &[Part]) -> Result<String, String> {
    let (text, intervals) = values(text, "interval", |_| BEAT)?;
    let (text, waits) = values(&text, "for", wait)?;
    let (text, kept) = values(&text, "keep_firing_for", wait)?;
    let (text, windows) = windows(&text)?;
    let (text, warm_ups) = warm_ups(&text);
    let found = |part: &Part| match part {
        Part::Interval => intervals,
        Part::Window => windows,
        Part::For => waits,
        Part::KeepFiringFor => kept,
        Part::WarmUp => warm_ups,
    };
    match parts.iter().find(|part| found(part) == 0) {
        Some(part) => Err(format!("there is no {part:?} to shorten, so the copy would not be what the test takes it for")),
        None => Ok(text),
    }
}

/// A file of rules that are evaluated every second; all else stays.
///
/// # Errors
///
/// When there is no interval, or one that cannot be read.
pub fn intervals(text: &str) -> Result<String, String> {
    match values(text, "interval", |_| BEAT)? {
        (_, 0) => Err("there is no interval to shorten".to_owned()),
        (text, _) => Ok(text),
    }
}

/// The configuration of Prometheus, which scrapes and evaluates every second.
///
/// # Errors
///
/// When it has no intervals, or one that cannot be read.
pub fn scrapes(text: &str) -> Result<String, String> {
    let mut text = text.to_owned();
    for key in ["scrape_interval", "scrape_timeout", "evaluation_interval"] {
        let (changed, found) = values(&text, key, |_| BEAT)?;
        if found == 0 {
            return Err(format!("there is no {key} to shorten"));
        }
        text = changed;
    }
    Ok(text)
}

/// A configuration with an address in place of each host and port.
///
/// # Errors
///
/// When one of the hosts is not there.
pub fn at(text: &str, hosts: &[(&str, SocketAddr)]) -> Result<String, String> {
    let mut text = text.to_owned();
    for (host, address) in hosts {
        if !text.contains(host) {
            return Err(format!("{host} is not there to be replaced"));
        }
        text = text.replace(host, &address.to_string());
    }
    Ok(text)
}

/// Changes the durations that stand behind `key`, alone on their lines, and counts them.
fn values(text: &str, key: &str, change: impl Fn(Duration) -> Duration) -> Result<(String, usize), String> {
    let mut found = 0;
    let mut changed = String::with_capacity(text.len());
    for line in text.split_inclusive('\n') {
        let item = line.trim_start().trim_start_matches("- ");
        match item.strip_prefix(key).and_then(|rest| rest.strip_prefix(": ")) {
            Some(value) => {
                found += 1;
                let value = value.trim_end();
                changed.push_str(&line[..line.len() - item.len()]);
                changed.push_str(&format!("{key}: {}\n", told(change(duration(value)?))));
            }
            None => changed.push_str(line),
        }
    }
    Ok((changed, found))
}

/// Shortens what stands in brackets as a window does, and counts them.
fn windows(text: &str) -> Result<(String, usize), String> {
    let mut found = 0;
    let mut changed = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('[') {
        changed.push_str(before);
        changed.push('[');
        rest = after;
        if after.starts_with(|first: char| first.is_ascii_digit())
            && let Some((window, behind)) = after.split_once(']')
            && let Ok(window) = duration(window)
        {
            found += 1;
            changed.push_str(&told(scaled(window, WINDOW_DIVISOR)));
            changed.push(']');
            rest = behind;
        }
    }
    changed.push_str(rest);
    Ok((changed, found))
}

/// Shortens what the age of an instance is compared with, and counts it.
fn warm_ups(text: &str) -> (String, usize) {
    let (before, after) =
        ("process_start_time_seconds{job=\"http_api\"}) > 600", "process_start_time_seconds{job=\"http_api\"}) > 4");
    (text.replace(before, after), text.matches(before).count())
}

/// A shorter wait. None stays none.
fn wait(duration: Duration) -> Duration {
    if duration.is_zero() { duration } else { LEAST_WAIT + scaled(duration, WAIT_DIVISOR) }
}

/// The part of a duration, in whole seconds, one at least.
fn scaled(duration: Duration, divisor: u32) -> Duration {
    let seconds = duration.as_secs_f64() / f64::from(divisor);
    Duration::from_secs(seconds.ceil() as u64)
}

/// A duration as Prometheus spells it, such as `1h30m`.
///
/// # Errors
///
/// When it is none.
pub fn duration(text: &str) -> Result<Duration, String> {
    let wrong = || format!("{text:?} is no duration as Prometheus spells it");
    let mut rest = text;
    let mut sum = Duration::ZERO;
    while !rest.is_empty() {
        let digits = rest.find(|sign: char| !sign.is_ascii_digit()).ok_or_else(wrong)?;
        let number: u32 = rest[..digits].parse().map_err(|_| wrong())?;
        let end = rest[digits..].find(|sign: char| sign.is_ascii_digit()).map_or(rest.len(), |length| digits + length);
        sum += number
            * match &rest[digits..end] {
                "ms" => Duration::from_millis(1),
                "s" => Duration::from_secs(1),
                "m" => Duration::from_secs(60),
                "h" => Duration::from_secs(3_600),
                "d" => Duration::from_secs(86_400),
                _ => return Err(wrong()),
            };
        rest = &rest[end..];
    }
    if text.is_empty() { Err(wrong()) } else { Ok(sum) }
}

fn told(duration: Duration) -> String {
    format!("{}s", duration.as_secs())
}

#[cfg(test)]
mod tests {
    use super::*;

    const RULES: &str = r#"groups:
  - name: http
    interval: 15s
    rules:
      - record: job:http_requests:rate5m
        # [a comment]
        expr: rate(a{b=~"[5].."}[5m]) + sum_over_time(b[1h30m])
      - alert: A
        expr: 'min by (job) (time() - process_start_time_seconds{job="http_api"}) > 600'
        for: 10m
        keep_firing_for: 5m
      - alert: B
        expr: a > 300
        for: 0s
"#;

    const ALL: [Part; 5] = [Part::Interval, Part::Window, Part::For, Part::KeepFiringFor, Part::WarmUp];

    #[test]
    fn rules_keep_all_but_their_times() {
        let expected = r#"groups:
  - name: http
    interval: 1s
    rules:
      - record: job:http_requests:rate5m
        # [a comment]
        expr: rate(a{b=~"[5].."}[15s]) + sum_over_time(b[270s])
      - alert: A
        expr: 'min by (job) (time() - process_start_time_seconds{job="http_api"}) > 4'
        for: 9s
        keep_firing_for: 6s
      - alert: B
        expr: a > 300
        for: 0s
"#;
        assert_eq!(rules(RULES, &ALL).unwrap(), expected);
    }

    #[test]
    fn rules_without_what_is_to_be_shortened_are_refused() {
        for (part, line) in [
            (Part::Interval, "    interval: 15s\n"),
            (Part::Window, "[5m]) + sum_over_time(b[1h30m])"),
            (Part::KeepFiringFor, "        keep_firing_for: 5m\n"),
            (Part::WarmUp, " > 600"),
        ] {
            assert!(RULES.contains(line));
            let told = rules(&RULES.replace(line, ""), &ALL).unwrap_err();
            assert!(told.contains(&format!("no {part:?} to shorten")), "{told}");
        }
        let told = rules(&RULES.replace("for: 10m", "").replace("for: 0s", ""), &ALL).unwrap_err();
        assert!(told.contains("no For to shorten"), "{told}");
        // What a file never has need not be found in it.
        rules("- record: a\n  expr: rate(b[5m])\n", &[Part::Window]).unwrap();
    }

    #[test]
    fn a_duration_that_cannot_be_read_is_told() {
        let told = rules(&RULES.replace("for: 10m", "for: soon"), &ALL).unwrap_err();
        assert_eq!(told, "\"soon\" is no duration as Prometheus spells it");
        for wrong in ["", "5", "m", "5w2", "5mm", "-1s"] {
            assert!(duration(wrong).is_err(), "{wrong:?}");
        }
        assert_eq!(duration("1d2h3m4s5ms").unwrap(), Duration::from_millis(93_784_005));
    }

    #[test]
    fn scrapes_come_every_second() {
        let text = "global:\n  scrape_interval: 15s\n  scrape_timeout: 10s\n  evaluation_interval: 1m\n\
            scrape_configs:\n- scrape_interval: 5s\n  job_name: a\n";
        let expected = "global:\n  scrape_interval: 1s\n  scrape_timeout: 1s\n  evaluation_interval: 1s\n\
            scrape_configs:\n- scrape_interval: 1s\n  job_name: a\n";
        assert_eq!(scrapes(text).unwrap(), expected);
        assert!(scrapes(&text.replace("  evaluation_interval: 1m\n", "")).unwrap_err().contains("evaluation_interval"));
    }

    #[test]
    fn hosts_become_addresses() {
        let address = SocketAddr::from(([127, 0, 0, 1], 4000));
        let text = "[webhook:5001, http://webhook:5001/alerts]";
        assert_eq!(at(text, &[("webhook:5001", address)]).unwrap(), "[127.0.0.1:4000, http://127.0.0.1:4000/alerts]");
        assert!(at(text, &[("alertmanager:9093", address)]).unwrap_err().contains("alertmanager:9093"));
    }
}
