//! Single figures of a service, a process, a machine and of the engine itself, as far as a scrape has them.

use super::history::History;
use crate::client::figure::{Unit, bytes, duration, figure, plain, rate};
use crate::client::scrape::{Family, Histogram, Scrape, Series, Since, Value};

use super::service::add;

/// A figure with its past.
#[derive(Debug)]
pub(super) struct Figure {
    pub(super) name: &'static str,
    pub(super) group: Group,
    read: fn(&Look<'_>) -> Option<f64>,
    show: fn(f64) -> String,
    pub(super) history: History,
}

/// To what a figure belongs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Group {
    Service,
    /// What measuring itself costs.
    Engine,
}

impl Figure {
    /// The newest value as it is shown.
    pub(super) fn told(&self) -> Option<String> {
        self.history.last().map(self.show)
    }
}

/// A scrape and what has changed.
struct Look<'a> {
    scrape: &'a Scrape,
    since: Option<&'a Since<'a>>,
}

impl Look<'_> {
    fn value(&self, name: &str) -> Option<f64> {
        self.scrape.family(name)?.sum(|_| true)
    }

    fn rate(&self, name: &str) -> Option<f64> {
        self.rate_of(name, |_| true)
    }

    fn rate_of(&self, name: &str, filter: impl Fn(&Series) -> bool) -> Option<f64> {
        let (family, since) = (self.scrape.family(name)?, self.since?);
        let rates = family.series.iter().filter(|series| filter(series)).filter_map(|series| since.rate(family, series));
        rates.reduce(|sum, rate| sum + rate)
    }

    fn observed(&self, name: &str) -> Option<Histogram> {
        let (family, since) = (self.scrape.family(name)?, self.since?);
        merged(family, |series| since.observed(family, series))
    }

    fn share_used(&self, available: &str, total: &str) -> Option<f64> {
        let (available, total) = (self.value(available)?, self.value(total)?);
        (total > 0.0).then(|| 1.0 - available / total)
    }
}

/// All histograms of a family as one.
pub(super) fn merged(family: &Family, of: impl Fn(&Series) -> Option<Histogram>) -> Option<Histogram> {
    let histograms = family.series.iter().filter(|series| matches!(series.value, Value::Histogram(_))).filter_map(of);
    histograms.reduce(|mut sum, other| {
        add(&mut sum, &other);
        sum
    })
}

fn is(series: &Series, label: &str, value: &str) -> bool {
    series.labels.iter().any(|(name, has)| name == label && has == value)
}

type Row = (Group, &'static str, fn(&Look<'_>) -> Option<f64>, fn(f64) -> String);

/// The figures, the most wanted first.
const ROWS: [Row; 30] = {
    use Group::{Engine, Service};
    [
        (Service, "connections", |look| look.value("active_connections"), plain),
        (Service, "memory", |look| look.value("process_resident_memory_bytes"), bytes),
        (Service, "processors", |look| look.rate("process_cpu_seconds_total"), plain),
        (Service, "scenes loaded", |look| look.rate("scene_loads_total"), a_second),
        (Service, "scenes failed", |look| look.rate("scene_load_errors_total"), a_second),
        (
            Service,
            "tokens refused",
            |look| look.rate_of("auth_attempts_total", |series| !is(series, "result", "success")),
            a_second,
        ),
        (Service, "rate-limited", |look| look.rate("rate_limit_hits_total"), a_second),
        (
            Service,
            "tokens taken",
            |look| look.rate_of("auth_attempts_total", |series| is(series, "result", "success")),
            a_second,
        ),
        (Service, "frames", |look| look.rate("engine_frames_total"), a_second),
        (Service, "frame p99", |look| look.observed("engine_frame_duration_seconds")?.quantile(0.99), duration),
        (
            Service,
            "machine busy",
            |look| {
                let idle = look.rate_of("node_cpu_seconds_total", |series| is(series, "mode", "idle"))?;
                let all = look.rate("node_cpu_seconds_total").filter(|all| *all > 0.0)?;
                Some(1.0 - idle / all)
            },
            share,
        ),
        (
            Service,
            "machine memory",
            |look| look.share_used("node_memory_MemAvailable_bytes", "node_memory_MemTotal_bytes"),
            share,
        ),
        (Service, "load", |look| look.value("node_load1"), plain),
        (
            Service,
            "network in",
            |look| look.rate_of("node_network_receive_bytes_total", |series| !is(series, "device", "lo")),
            bytes_a_second,
        ),
        (
            Service,
            "network out",
            |look| look.rate_of("node_network_transmit_bytes_total", |series| !is(series, "device", "lo")),
            bytes_a_second,
        ),
        (Service, "disks read", |look| look.rate("node_disk_read_bytes_total"), bytes_a_second),
        (Service, "disks written", |look| look.rate("node_disk_written_bytes_total"), bytes_a_second),
        (Service, "samples taken", |look| look.rate("prometheus_tsdb_head_samples_appended_total"), a_second),
        (Service, "series held", |look| look.value("prometheus_tsdb_head_series"), plain),
        (Service, "rows inserted", |look| look.rate("vm_rows_inserted_total"), a_second),
        (Service, "goroutines", |look| look.value("go_goroutines"), plain),
        (Service, "open files", |look| look.value("process_open_fds"), plain),
        (Service, "threads", |look| look.value("process_threads"), plain),
        (
            Engine,
            "snapshot",
            |look| {
                let name = "tachograph_snapshot_duration_seconds";
                look.observed(name).and_then(|observed| observed.mean()).or_else(|| {
                    merged(look.scrape.family(name)?, |series| match &series.value {
                        Value::Histogram(histogram) => Some(histogram.clone()),
                        _ => None,
                    })?
                    .mean()
                })
            },
            duration,
        ),
        (Engine, "series", |look| look.value("tachograph_series"), plain),
        (Engine, "memory held", |look| look.value("tachograph_held_bytes"), bytes),
        (Engine, "profiles held", |look| look.value("tachograph_profile_store_bytes"), bytes),
        (Engine, "shards", |look| look.value("tachograph_shards"), plain),
        (Engine, "scrape took", |look| Some(look.scrape.took.as_secs_f64()), duration),
        (Engine, "scrape size", |look| Some(look.scrape.bytes as f64), bytes),
    ]
};

fn a_second(value: f64) -> String {
    rate(value, Unit::Plain)
}

fn bytes_a_second(value: f64) -> String {
    rate(value, Unit::Bytes)
}

fn share(value: f64) -> String {
    figure(value, Unit::Ratio)
}

/// All figures, still without values.
pub(super) fn figures() -> Vec<Figure> {
    let figure = |(group, name, read, show): Row| Figure { name, group, read, show, history: History::default() };
    ROWS.into_iter().map(figure).collect()
}

/// Takes a scrape, and what has changed since the one before.
pub(super) fn take(figures: &mut [Figure], scrape: &Scrape, since: Option<&Since<'_>>) {
    let look = Look { scrape, since };
    figures.iter_mut().for_each(|figure| figure.history.push((figure.read)(&look)));
}

/// A time without an answer.
pub(super) fn miss(figures: &mut [Figure]) {
    figures.iter_mut().for_each(|figure| figure.history.push(None));
}
