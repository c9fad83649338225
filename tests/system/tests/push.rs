//! What is pushed to real receivers is held by them as if it had been scraped: Prometheus and VictoriaMetrics by remote
//! write, a later VictoriaMetrics by OTLP, which Debian's Prometheus is built without.

#[path = "../../support/everything.rs"]
mod everything;

use std::net::SocketAddr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use system::api::{Api, SeriesValues};
use system::prometheus::Prometheus;
use system::sent::{assert_same, comparable, name, sent};
use system::victoria::{VictoriaMetrics, assert_near};
use system::wait;
use tachograph::exposition::Encoding;
use tachograph::push::{Endpoint, Options, Otlp, Pusher, RemoteWrite};
use tachograph::{Buckets, Collector, Descriptor, Kind, RegisterError, Registry, Resolution, Sink};

const JOB: &str = "pushed";

/// All that came by remote write, and all that came by OTLP, which has no job, but for what the pusher tells of itself.
const OF_JOB: &str = "{job=\"pushed\"}";
const OF_OTLP: &str = "{__name__!=\"\",__name__!~\"tachograph_push_.+\"}";

/// One push at the start, and one at the end.
fn rarely() -> Options {
    Options { interval: Duration::from_secs(600), shutdown_timeout: wait::LIMIT, ..Options::default() }
}

fn remote_write(receiver: SocketAddr) -> RemoteWrite {
    let endpoint = Endpoint::new(&format!("http://{receiver}/api/v1/write")).expect("a valid URL");
    let labelled = RemoteWrite::new(endpoint).label("job", JOB).and_then(|push| push.label("instance", "host-1"));
    labelled.expect("valid labels")
}

/// What the text scrape of the registry says, without what the pusher tells of itself, which each push changes.
fn scraped(registry: &Registry) -> SeriesValues {
    without_own(sent(registry, Encoding::TEXT))
}

fn held(receiver: &Api) -> SeriesValues {
    without_own(comparable(receiver.series(JOB)))
}

fn without_own(mut series: SeriesValues) -> SeriesValues {
    series.retain(|labels, _| !name(labels).starts_with("tachograph_push_"));
    series
}

/// What the pusher counts in the registry.
fn pushers(registry: &Registry, counter: &str) -> f64 {
    let series = sent(registry, Encoding::TEXT);
    let of = series.iter().filter(|(labels, _)| name(labels) == format!("tachograph_push_{counter}_total"));
    of.map(|(_, value)| value.parse::<f64>().expect("a number")).sum()
}

fn wait_for_push(registry: &Registry) {
    wait::until("the first push", wait::LIMIT, || match pushers(registry, "samples_sent") {
        0.0 => Err(format!("{} pushes failed", pushers(registry, "failures"))),
        _ => Ok(()),
    });
}

/// Ends it; nothing may have been lost.
fn end(pusher: Pusher, registry: &Registry) {
    assert_eq!(pusher.shutdown().dropped, 0);
    let lost = ["samples_dropped", "samples_refused"].map(|counter| pushers(registry, counter));
    assert_eq!(lost, [0.0; 2], "samples dropped, and refused");
}

#[test]
fn prometheus_holds_what_a_scrape_would_have_told_until_the_end() {
    let registry = everything::registry();
    let prometheus = Prometheus::pushed_to();
    let pusher = remote_write(prometheus.daemon.address()).start(&registry, rarely()).expect("it starts");
    wait_for_push(&registry);
    assert_same(&held(&prometheus), &scraped(&registry));
    assert_eq!(prometheus.query("{job=\"pushed\",instance!=\"host-1\"}"), [], "all carry the pusher's labels");

    end(pusher, &registry);
    assert_eq!(prometheus.query(OF_JOB), [], "all series have ended");
    assert!(!prometheus.samples("depth").is_empty(), "and yet they were there");
}

#[test]
fn victoria_metrics_holds_what_a_scrape_would_have_told() {
    let registry = everything::registry();
    let victoria = VictoriaMetrics::pushed_to();
    let pusher = remote_write(victoria.address()).start(&registry, rarely()).expect("it starts");
    wait_for_push(&registry);
    victoria_shows(&victoria, OF_JOB, |held| !held.is_empty());
    assert_near(held(&victoria), scraped(&registry));
    assert_eq!(victoria.query("{job=\"pushed\",instance!=\"host-1\"}"), [], "all carry the pusher's labels");

    end(pusher, &registry);
    victoria_shows(&victoria, OF_JOB, SeriesValues::is_empty);
    assert!(!victoria.samples("depth").is_empty(), "and yet they were there");
}

/// Waits until it shows what it was told, which takes it a moment however it is asked.
fn victoria_shows(victoria: &VictoriaMetrics, selector: &str, is_shown: impl Fn(&SeriesValues) -> bool) {
    wait::until("VictoriaMetrics to show what has come", wait::LIMIT, || {
        victoria.flush();
        let held = victoria.query(selector).into_iter().collect();
        if is_shown(&held) { Ok(()) } else { Err(format!("it shows {} series", held.len())) }
    });
}

/// Which snapshot it is.
struct Ordinal(AtomicU64);

impl Collector for Ordinal {
    fn describe(&self) -> Result<Vec<Descriptor>, RegisterError> {
        Ok(vec![Descriptor::new("snapshots_total", Kind::Counter, "Snapshots.")?])
    }

    fn collect(&self, sink: &mut Sink<'_>) {
        sink.counter("snapshots_total", &[], self.0.fetch_add(1, Ordering::Relaxed) + 1);
    }
}

#[test]
fn a_receiver_that_is_killed_and_comes_back_holds_each_snapshot_once() {
    let registry = Registry::new();
    let ticks = registry.counter("ticks_total", "Ticks.").expect("a valid counter");
    registry.register_collector("ordinal", Ordinal(AtomicU64::new(0))).expect("a valid collector");
    let mut prometheus = Prometheus::pushed_to();
    let options = Options {
        interval: Duration::from_millis(200),
        shortest_pause: Duration::from_millis(50),
        longest_pause: Duration::from_millis(200),
        // On a machine however slow, none is given up.
        queue_snapshots: 10_000,
        ..rarely()
    };
    let push = remote_write(prometheus.daemon.address()).stale_at_end(false);
    let pusher = push.start(&registry, options).expect("it starts");
    let tick_for = |time| {
        let end = Instant::now() + time;
        while Instant::now() < end {
            ticks.inc();
            thread::sleep(Duration::from_millis(1));
        }
    };
    for _ in 0..3 {
        let before = prometheus.query("ticks_total").first().map(|(_, value)| value.clone());
        wait::until("pushes to come", wait::LIMIT, || {
            tick_for(Duration::from_millis(100));
            let now = prometheus.query("ticks_total").first().map(|(_, value)| value.clone());
            if now > before { Ok(()) } else { Err(format!("it holds {now:?}")) }
        });
        prometheus.daemon.kill();
        tick_for(Duration::from_millis(700));
        prometheus.daemon.start_again();
    }
    tick_for(Duration::from_millis(300));
    // Whoever asks the registry takes a snapshot, so this is the first time.
    end(pusher, &registry);
    assert!(pushers(&registry, "retries") > 0.0, "it was away");

    assert_eq!(prometheus.number("ticks_total"), scraped(&registry)[&labels("ticks_total")]);
    assert_eq!(prometheus.number("resets(ticks_total[10m])"), "0");
    let numbers = |name: &str| -> Vec<u64> {
        prometheus.samples(name).into_iter().map(|(_, value)| value.parse().expect("a whole number")).collect()
    };
    let ticks = numbers("ticks_total");
    assert!(ticks.is_sorted(), "{ticks:?}");
    let ordinals = numbers("snapshots_total");
    assert_eq!(ordinals, (1..=ordinals.len() as u64).collect::<Vec<_>>(), "each snapshot is there, once");
    assert_eq!(ticks.len(), ordinals.len());
    let times: Vec<_> = prometheus.samples("ticks_total").into_iter().map(|(time, _)| time).collect();
    assert!(times.is_sorted_by(|a, b| a < b), "{times:?}");
}

/// Of a series that has no labels.
fn labels(name: &str) -> std::collections::BTreeMap<String, String> {
    [("__name__".to_owned(), name.to_owned())].into()
}

#[test]
fn victoria_metrics_holds_what_otlp_told() {
    let registry = Registry::new();
    registry.counter_family("jobs_total", "Jobs.", ["queue"]).expect("a valid family").inc_by(["a\"b"], 1_000_000);
    registry.float_counter("busy_seconds_total", "Time at work.").expect("a valid counter").inc_by(0.7);
    registry.gauge("temperature_celsius", "Warmth.").expect("a valid gauge").set(-12.5);
    registry.up_down_counter("depth", "Depth.").expect("a valid gauge").inc_by(-3);
    let buckets = Buckets::seconds(&[0.001, 0.25, 1.0, 10.0]).expect("valid bounds");
    let wait = registry.histogram("wait_seconds", "Waiting.", buckets).expect("a valid histogram");
    [1_000_000, 2_000_000, 2_000_000_000, 20_000_000_000].into_iter().for_each(|time| wait.observe(time));
    let sizes = Buckets::bytes(&[10]).expect("valid bounds").resolution(Resolution::Native);
    let sizes = registry.histogram("size_bytes", "Sizes.", sizes).expect("a valid histogram");
    [0, 1, 10, 11, 5_000_000].into_iter().for_each(|size| sizes.observe(size));
    let victoria = VictoriaMetrics::of_forky_pushed_to();
    let url = format!("http://{}/opentelemetry/v1/metrics", victoria.address());
    let push = Otlp::new(Endpoint::new(&url).expect("a valid URL"), JOB).attribute("service.instance.id", "host-1");
    let pusher = push.expect("a valid attribute").start(&registry, rarely()).expect("it starts");
    wait_for_push(&registry);
    victoria_shows(&victoria, OF_OTLP, |held| !held.is_empty());

    // Attributes of the resource and of the scope are labels.
    let labelled = scraped(&registry).into_iter().map(|(mut labels, value)| {
        let version = env!("CARGO_PKG_VERSION");
        let all = [
            ("service.name", JOB),
            ("service.instance.id", "host-1"),
            ("scope.name", "tachograph"),
            ("scope.version", version),
        ];
        labels.extend(all.map(|(name, value)| (name.to_owned(), value.to_owned())));
        (labels, value)
    });
    let (mut held, mut expected) = (comparable(victoria.query(OF_OTLP).into_iter().collect()), labelled.collect());
    // An exponential histogram becomes ranges of its own.
    for series in [&mut held, &mut expected] {
        series.retain(|labels, _| name(labels) != "size_bytes_bucket");
    }
    assert_near(held, expected);
    assert_eq!(victoria.number("sum(size_bytes_bucket{vmrange!=\"\"})"), "5", "each size is in one of them");

    end(pusher, &registry);
    victoria_shows(&victoria, OF_OTLP, SeriesValues::is_empty);
    assert!(!victoria.samples("depth").is_empty(), "and yet they were there");
}
