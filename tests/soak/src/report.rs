//! What a run has shown, to read.

use std::fmt::Write as _;
use std::fs;
use std::sync::atomic::Ordering;
use std::time::Duration;

use crate::demo::{Allocator, Held};
use crate::load::Load;
use crate::options::Options;
use crate::reading::{Histogram, Reading, Series};
use crate::request::{METRICS, SCENE, SCENES};
use crate::tally::{Tally, Target};
use crate::trend::Trend;
use crate::watch::{Trends, room};
use crate::whole::STALE;

/// What is known when all has ended.
#[derive(Debug)]
pub(crate) struct Outcome<'a> {
    pub(crate) load: &'a Load,
    pub(crate) tally: Tally,
    pub(crate) last: Reading,
    pub(crate) took: Duration,
    /// Processor seconds of the server and of the clients.
    pub(crate) processor: (f64, f64),
    pub(crate) trends: Option<Trends>,
    pub(crate) allocator: Allocator,
    /// Before the load, and after it.
    pub(crate) held: (Held, Option<Held>),
    /// Sent and received by the clients.
    pub(crate) bytes: (u64, u64),
}

/// Writes the report to standard output, and to the file that the options name.
pub(crate) fn tell(options: &Options, outcome: &Outcome<'_>) -> Result<(), String> {
    let report = report(options, outcome);
    println!("\n{report}");
    let Some(file) = &options.record else { return Ok(()) };
    let whole = format!("{}\n{report}", machine());
    fs::write(file, whole).map_err(|cause| format!("cannot write {}: {cause}", file.display()))
}

fn report(options: &Options, outcome: &Outcome<'_>) -> String {
    let mut told = String::new();
    let seconds = outcome.took.as_secs_f64();
    let (load, tally) = (outcome.load, &outcome.tally);
    let of = |requests: &std::collections::BTreeMap<Target, u64>| requests.values().sum::<u64>();
    let counter = |counter: &std::sync::atomic::AtomicU64| counter.load(Ordering::Relaxed);
    let (sent, received) = outcome.bytes;
    let mut row = |what: &str, value: String| {
        let _ = writeln!(told, "{what:<34} {value}");
    };
    row("minutes, requests a second asked for", format!("{}, {}", options.minutes, options.rate));
    row("answers seen whole", format!("{}, {:.0} a second", tally.answers(), tally.answers() as f64 / seconds));
    row("clients that left, sure and unsure", format!("{}, {}", of(&tally.left), of(&tally.unsure)));
    row("heads that never became requests", counter(&load.half_heads).to_string());
    row("bytes sent, received", format!("{sent}, {received}"));
    row("scrapes judged, with a stale block", format!("{}, {}", counter(&load.scrapes), counter(&load.stale)));
    row("answers on health, on profiles", format!("{}, {}", counter(&load.healths), counter(&load.profiles)));
    row("events read by dashboards", counter(&load.events).to_string());
    let (server, clients) = (outcome.processor.0 / seconds, outcome.processor.1 / seconds);
    row("processors used, server, clients", format!("{server:.2}, {clients:.2}"));
    let allocator = match outcome.allocator {
        Allocator::GivesBack => "told to give back what is free",
        Allocator::AsItIs => "as it is",
    };
    row("allocator of the C library", allocator.to_owned());
    if let Some(held) = &outcome.trends {
        let trend = |trend: &Trend, digits: usize| {
            format!(
                "{:.digits$} to {:.digits$}, at most {:.digits$}, {:+.digits$} an hour by its line",
                trend.first, trend.last, trend.most, trend.hourly
            )
        };
        row(
            "resident MiB after the warm-up",
            format!("{} ({} more are allowed)", trend(&held.memory, 1), room(outcome.allocator)),
        );
        row("threads after the warm-up", trend(&held.threads, 0));
        row("descriptors after the warm-up", trend(&held.descriptors, 0));
    }
    let (before, after) = outcome.held;
    let held = |held: Held| format!("{:.1} MiB, {} threads, {} descriptors", held.mebibytes, held.threads, held.descriptors);
    row("held before the load", held(before));
    row("held after it", after.map_or("nothing, it has ended".to_owned(), held));
    // The sum of nothing is -0.
    let sum = |name: &str| outcome.last.sum(name, |_| true) + 0.0;
    row("stale blocks, by the server", sum(STALE).to_string());
    row(
        "series refused, scrapes refused",
        format!("{}, {}", sum("tachograph_series_refused_total"), sum("tachograph_scrapes_refused_total")),
    );

    let _ = writeln!(
        told,
        "\n{:<22} {:>10} {:>10} {:>10} {:>10}   the server's own, all methods",
        "latency, ms", "count", "p50", "p99", "max"
    );
    for target in [SCENE, SCENES, METRICS] {
        let Some(latency) = load.latencies.of(target) else { continue };
        let ms = |nanos: u64| format!("{:.3}", nanos as f64 / 1e6);
        let own = Series::new("http_request_duration_seconds", [("endpoint".to_owned(), target.endpoint.to_owned())]);
        let own = outcome.last.histograms.get(&own).map(bounds).unwrap_or_default();
        let (p50, p99) = (ms(latency.value_at_quantile(0.5)), ms(latency.value_at_quantile(0.99)));
        let name = format!("{} {}", target.method, target.endpoint);
        let _ = writeln!(told, "{name:<22} {:>10} {p50:>10} {p99:>10} {:>10}   {own}", latency.len(), ms(latency.max()));
    }
    let _ = writeln!(told, "\n{:<32} {:<8} {:<7} {:>12} {:>14}", "endpoint", "method", "status", "answers", "bytes");
    for ((target, status), seen) in &tally.seen {
        let _ =
            writeln!(told, "{:<32} {:<8} {status:<7} {:>12} {:>14}", target.endpoint, target.method, seen.answers, seen.bytes);
    }
    for (target, left) in &tally.left {
        let _ = writeln!(told, "{:<32} {:<8} {:<7} {left:>12}", target.endpoint, target.method, "left");
    }
    let _ = writeln!(told, "\n{:<26} {:<20} {:>12} {:>14}", "family", "label", "certain", "possibly more");
    for (effect, steps) in &tally.effects {
        let _ = writeln!(told, "{:<26} {:<20} {:>12} {:>14}", effect.family, effect.label, steps.certain, steps.possible);
    }
    let findings = load.findings.count();
    let _ = match findings {
        0 => writeln!(told, "\nnothing was found: all counts are exact, no scrape was torn, nothing grew"),
        _ => writeln!(told, "\n{findings} FINDINGS, of which the first:"),
    };
    load.findings.told().iter().for_each(|what| told += &format!("- {what}\n"));
    told
}

/// Between which of its bounds the quantiles of a histogram lie, in milliseconds.
fn bounds(histogram: &Histogram) -> String {
    let within = |quantile: f64| {
        let rank = (histogram.count * quantile).ceil();
        let at = histogram.buckets.iter().position(|(_, count)| *count >= rank)?;
        let below = at.checked_sub(1).map_or(0.0, |below| histogram.buckets[below].0);
        Some(format!("{} to {}", below * 1e3, histogram.buckets[at].0 * 1e3))
    };
    let of = |quantile| within(quantile).unwrap_or_default();
    format!("{} of them: p50 in {}, p99 in {}, max in {}", histogram.count, of(0.5), of(0.99), of(1.0))
}

/// The facts that the figures depend on.
fn machine() -> String {
    let read = |file: &str| fs::read_to_string(file).unwrap_or_default();
    let field = |text: &str, name: &str| {
        text.lines()
            .find_map(|line| line.strip_prefix(name))
            .map(|rest| rest.trim_matches([' ', '\t', ':']).to_owned())
            .unwrap_or_default()
    };
    let (processor, memory) = (read("/proc/cpuinfo"), read("/proc/meminfo"));
    let cores = processor.lines().filter(|line| line.starts_with("processor")).count();
    let (model, memory) = (field(&processor, "model name"), field(&memory, "MemTotal"));
    let (kernel, load) = (read("/proc/sys/kernel/osrelease"), read("/proc/loadavg"));
    let load: Vec<&str> = load.split(' ').take(3).collect();
    let mut told = "The soak, recorded by `ci/soak.sh --record`.\n\n".to_owned();
    for (what, fact) in [
        ("processor", format!("{cores} x {model}")),
        ("memory", memory),
        ("kernel", format!("Linux {}, {}", version(&kernel), std::env::consts::ARCH)),
        ("load at the end", load.join(" ")),
    ] {
        let _ = writeln!(told, "{what:<34} {fact}");
    }
    told
}

/// Of a release the version alone: what follows it is the name of who built it.
fn version(release: &str) -> &str {
    release.split(['-', '+']).next().unwrap_or_default().trim()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_lie_between_bounds() {
        let buckets = vec![(0.005, 90.0), (0.01, 99.0), (f64::INFINITY, 100.0)];
        let told = bounds(&Histogram { buckets, sum: 0.0, count: 100.0 });
        assert_eq!(told, "100 of them: p50 in 0 to 5, p99 in 5 to 10, max in 10 to inf");
        assert_eq!((version("6.18.44-my-own\n"), version("6.1.0\n")), ("6.18.44", "6.1.0"));
        let machine = machine();
        assert!(machine.lines().any(|line| line.starts_with("kernel ") && line.contains(" Linux ")), "{machine}");
    }
}
