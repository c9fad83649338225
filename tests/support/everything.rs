//! A registry with one of everything that a scrape can show, and names and values that are hard to write.

use std::time::Duration;

use tachograph::{Buckets, Collector, Descriptor, Kind, Labels, Quantiles, RegisterError, Registry, Resolution, Sink};

/// Series that are told when a scrape comes, with labels that differ.
struct Told;

impl Collector for Told {
    fn describe(&self) -> Result<Vec<Descriptor>, RegisterError> {
        Ok(vec![
            Descriptor::new("told.disk_bytes", Kind::Gauge, "Bytes free.")?.with_unit("bytes")?,
            Descriptor::new("told_seconds_total", Kind::Counter, "Time.")?.with_unit("seconds")?,
        ])
    }

    fn collect(&self, sink: &mut Sink<'_>) {
        sink.gauge("told.disk_bytes", &[("mount.point", "/")], 1e12);
        sink.gauge("told.disk_bytes", &[("mount.point", "/tmp"), ("kind", "tmpfs")], f64::NAN);
        sink.gauge("told.disk_bytes", &[("kind", "swap")], f64::NEG_INFINITY);
        sink.counter_f64("told_seconds_total", &[], 0.7);
    }
}

/// A registry of all instruments. Its help texts and label values need every escape there is.
pub(crate) fn registry() -> Registry {
    let registry = Registry::with_labels([("service", "a\"p\\i\n"), ("host.name", "é")]).unwrap();
    registry.counter("plain_total", "A \"quoted\" \\ help\nof two lines").unwrap().inc_by(u64::MAX);
    let labels = Labels::new(["endpoint", "http.status"]);
    let requests = registry.counter_family("http.requests_total", "Requests.", labels).unwrap();
    requests.inc_by(["/a\"b\\c\nd", "200"], 1_000_000);
    requests.inc(["", "é 😱"]);
    registry.float_counter("busy_seconds_total", "Time at work.").unwrap().inc_by(1e300);
    registry.up_down_counter("depth", "").unwrap().inc_by(-3);
    let gauges = registry.gauge_family("ratio", "Floats of every kind.", ["of"]).unwrap();
    let values = [0.0, -0.0, 0.1, 1e-5, 1e6, 123_456.789, 5e-324, f64::MAX, f64::NAN, f64::INFINITY, f64::NEG_INFINITY];
    for (at, value) in values.into_iter().enumerate() {
        gauges.set([&format!("{at:02}")], value);
    }
    let wait = registry.histogram("wait_seconds", "Waiting.", Buckets::seconds(&[0.001, 0.25, 1.0, 10.0]).unwrap()).unwrap();
    wait.observe_duration(Duration::from_millis(1));
    wait.observe_with_exemplar(2_000_000_000, &[("trace_id", "4bf92f35\"77b34da6"), ("span", "é")]);
    let sizes = Buckets::bytes(&[10, 1_000_000]).unwrap().resolution(Resolution::Native);
    let sizes = registry.histogram_family("size_bytes", "Sizes.", ["route"], sizes).unwrap();
    [0, 1, 10, 11, 5_000_000].into_iter().for_each(|size| sizes.observe(["/"], size));
    sizes.handle(["/"]).observe_with_exemplar(11, &[("trace_id", "1")]);
    sizes.handle(["/empty"]);
    let summary = registry.summary("latency_seconds", "Latency.", Quantiles::seconds(&[0.5, 0.99]).unwrap()).unwrap();
    summary.observe_duration(Duration::from_millis(2));
    registry.summary("quiet_seconds", "Nothing came.", Quantiles::seconds(&[0.5]).unwrap()).unwrap();
    registry.gauge_histogram("file_bytes", "Files.", Buckets::bytes(&[10, 100]).unwrap()).unwrap().set(&[2, 1, 0], 31.5);
    registry.state_set("door.state", "Door.", &["open", "cl\"osed"]).unwrap().set("open");
    registry.info("build_info", "Build.", [("version", "1.0\\2"), ("rust.version", "1.95")]).unwrap();
    registry.register_collector("told", Told).unwrap();
    registry
}
