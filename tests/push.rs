//! Snapshots pushed by remote write: what a receiver holds is what a scrape shows, whatever befalls the requests.

#[path = "support/everything.rs"]
mod everything;
#[path = "support/receiver.rs"]
mod receiver;
#[path = "support/remote_model.rs"]
mod remote_model;

use std::collections::BTreeMap;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use proptest::prelude::*;
use receiver::{Received, Receiver};
use remote_model::{Held, Labels, WriteRequest, is_stale, read};
use tachograph::push::{Ended, Endpoint, Options, PushError, Pusher, RemoteWrite};
use tachograph::{Buckets, Registry, Resolution};

/// One snapshot at the start and one at the end.
fn twice() -> Options {
    Options { interval: Duration::from_secs(3_600), ..Options::default() }
}

fn remote_write(receiver: &Receiver) -> RemoteWrite {
    RemoteWrite::new(Endpoint::new(&receiver.url("/api/v1/write")).unwrap())
}

/// Ends it, but not before something has come.
fn end(pusher: Pusher, receiver: &Receiver) -> Ended {
    receiver.wait_until("the first snapshot", |received| !received.is_empty());
    pusher.shutdown()
}

fn requests(received: &[Received]) -> Vec<WriteRequest> {
    received.iter().map(|received| read(&received.body)).collect()
}

/// The series that the checker reads in a registry's scrape, without those that the pusher itself changes.
fn scraped(registry: &Registry) -> BTreeMap<Labels, f64> {
    let snapshot = registry.snapshot();
    let rules = tachograph_check::Rules { families_sorted: false, ..tachograph_check::Rules::OURS };
    let read = tachograph_check::parse_by(snapshot.text().as_bytes(), tachograph_check::Format::Text, rules).unwrap();
    let samples = read.samples().filter(|sample| !sample.name.starts_with("tachograph_push_"));
    let series = samples.map(|sample| {
        let mut labels: Labels = sample.labels.iter().filter(|(_, value)| !value.is_empty()).cloned().collect();
        labels.insert("__name__".to_owned(), sample.name.clone());
        (labels, sample.value)
    });
    series.collect()
}

/// The first sample of each series, without those that the pusher itself changes.
fn first(held: &Held) -> BTreeMap<Labels, f64> {
    let series = held.0.iter().filter(|(labels, _)| !labels["__name__"].starts_with("tachograph_push_"));
    series.map(|(labels, samples)| (labels.clone(), *samples.first_key_value().unwrap().1)).collect()
}

#[track_caller]
fn assert_same(pushed: &BTreeMap<Labels, f64>, scraped: &BTreeMap<Labels, f64>) {
    // The sign of a zero and the bits of a NaN are not told by a text.
    let same = |a: f64, b: f64| a == b || (a.is_nan() && b.is_nan() && !is_stale(a));
    let lost: Vec<_> =
        scraped.iter().filter(|(of, value)| pushed.get(*of).is_none_or(|pushed| !same(*pushed, **value))).collect();
    let more: Vec<_> = pushed.keys().filter(|of| !scraped.contains_key(*of)).collect();
    assert!(lost.is_empty() && more.is_empty(), "scraped: {lost:#?}\npushed: {more:#?}");
}

#[test]
fn what_is_pushed_is_what_a_scrape_shows() {
    let registry = everything::registry();
    let receiver = Receiver::patient();
    let before = SystemTime::now();
    let pusher = remote_write(&receiver).start(&registry, Options { max_samples: 7, ..twice() }).unwrap();
    assert_eq!(end(pusher, &receiver).dropped, 0);
    let scraped = scraped(&registry);
    let received = receiver.received();
    let requests = requests(&received);
    let held = Held::of(requests.clone());
    assert_same(&first(&held), &scraped);
    for received in &received {
        assert_eq!(received.line, "POST /api/v1/write HTTP/1.1");
        let header = |name: &str| received.headers.get(name).map(String::as_str);
        assert_eq!(header("content-type"), Some("application/x-protobuf"));
        assert_eq!(header("content-encoding"), Some("snappy"));
        assert_eq!(header("x-prometheus-remote-write-version"), Some("0.1.0"));
        assert!(header("user-agent").unwrap().starts_with("tachograph/"));
    }
    let samples: Vec<usize> = requests.iter().map(|request| request.timeseries.len()).collect();
    assert!(samples.iter().all(|count| (1..=7).contains(count)), "{samples:?}");
    // All of a snapshot are of one moment: the first, the last, and the end.
    let times: std::collections::BTreeSet<i64> = held.0.values().flat_map(|samples| samples.keys().copied()).collect();
    let milliseconds = |time: SystemTime| time.duration_since(UNIX_EPOCH).unwrap().as_millis() as i64;
    assert_eq!(times.len(), 3, "{times:?}");
    assert!(times.iter().all(|time| (milliseconds(before) - 1..=milliseconds(SystemTime::now()) + 2).contains(time)));
}

#[test]
fn types_help_and_exemplars_are_pushed_beside_the_samples() {
    let registry = everything::registry();
    let receiver = Receiver::patient();
    drop(remote_write(&receiver).start(&registry, twice()).unwrap());
    let requests = requests(&receiver.received());
    let told: Vec<_> = requests.iter().flat_map(|request| &request.metadata).collect();
    let of = |family: &str| {
        let mut of = told.iter().filter(|told| told.family == family);
        let first = of.next().unwrap_or_else(|| panic!("nothing is told of {family}"));
        assert!(of.next().is_none(), "once a minute is enough");
        (first.r#type, first.help.as_str(), first.unit.as_str())
    };
    assert_eq!(of("plain_total"), (1, "A \"quoted\" \\ help\nof two lines", ""));
    assert_eq!(of("door_state"), (2, "Door.", ""));
    assert_eq!(of("wait_seconds"), (3, "Waiting.", "seconds"));
    assert_eq!(of("latency_seconds"), (5, "Latency.", "seconds"));

    let series = requests.iter().flat_map(|request| &request.timeseries);
    let with: Vec<_> = series.filter(|series| !series.exemplars.is_empty()).collect();
    let of = |name: &str, le: &str| {
        let mut of = with.iter().filter(|series| series.labels()["__name__"] == name && series.labels()["le"] == le);
        of.next().unwrap_or_else(|| panic!("{name} has none")).exemplars[0].clone()
    };
    let exemplar = of("wait_seconds_bucket", "10");
    let labels: Vec<_> = exemplar.labels.iter().map(|label| (label.name.as_str(), label.value.as_str())).collect();
    assert_eq!(labels, [("trace_id", "4bf92f35\"77b34da6"), ("span", "é")]);
    assert_eq!(exemplar.value, 2.0);
    assert!(exemplar.timestamp > 1_600_000_000_000);
    assert_eq!(of("size_bytes_bucket", "1e+06").value, 11.0);
}

#[test]
fn labels_of_the_pusher_stand_and_those_of_a_series_give_way_as_in_a_scrape() {
    let registry = Registry::new();
    registry.counter_family("jobs_total", "", ["job", "queue"]).unwrap().inc(["mail", "q"]);
    let receiver = Receiver::patient();
    let pusher = remote_write(&receiver).label("job", "worker").unwrap().label("instance", "a:1").unwrap();
    drop(pusher.start(&registry, twice()).unwrap());
    let held = Held::of(requests(&receiver.received()));
    let jobs = held.0.keys().find(|labels| labels["__name__"] == "jobs_total").unwrap();
    let expected =
        [("__name__", "jobs_total"), ("exported_job", "mail"), ("instance", "a:1"), ("job", "worker"), ("queue", "q")];
    assert!(jobs.iter().map(|(name, value)| (name.as_str(), value.as_str())).eq(expected), "{jobs:?}");

    for name in ["", "_a", "__name__", "a.b", "le", "quantile", "job"] {
        let refused = remote_write(&receiver).label("job", "a").unwrap().label(name, "b");
        assert!(matches!(refused, Err(PushError::Label { .. })), "{name}");
    }
}

#[test]
fn native_histograms_are_pushed_beside_the_classic_ones_if_asked_for() {
    let registry = Registry::new();
    let buckets = |resolution| Buckets::bytes(&[10, 1_000]).unwrap().resolution(resolution);
    let native = registry.histogram("native_bytes", "", buckets(Resolution::Native)).unwrap();
    let classic = registry.histogram("classic_bytes", "", buckets(Resolution::Classic)).unwrap();
    for size in [0, 1, 10, 11, 11, 5_000_000] {
        native.observe(size);
        classic.observe(size);
    }
    let receiver = Receiver::patient();
    let pusher = remote_write(&receiver).native_histograms(true).start(&registry, twice()).unwrap();
    end(pusher, &receiver);
    let requests = requests(&receiver.received());
    let all = requests.iter().flat_map(|request| &request.timeseries);
    let with: Vec<_> = all.filter(|series| !series.histograms.is_empty()).collect();
    assert!(with.iter().all(|series| series.labels()["__name__"] == "native_bytes" && series.samples.is_empty()));
    let [first, last, ended] = &with[..] else { panic!("{with:?}") };
    let histogram = &first.histograms[0];
    assert_eq!((histogram.count, histogram.sum, histogram.schema, histogram.zero_count), (Some(6), 5_000_033.0, 3, Some(1)));
    assert_eq!(histogram.zero_threshold, 2f64.powi(-128));
    let (mut index, mut count, mut buckets) = (0, 0, Vec::new());
    let mut deltas = histogram.positive_deltas.iter();
    for span in &histogram.positive_spans {
        index += span.offset;
        for _ in 0..span.length {
            count += deltas.next().unwrap();
            buckets.push((index, count));
            index += 1;
        }
    }
    let index = |value: f64| (value.log2() * 8.0).ceil() as i32;
    assert_eq!(buckets, [(0, 1), (index(10.0), 1), (index(11.0), 2), (index(5e6), 1)]);
    assert_eq!(last.histograms[0].count, Some(6));
    let ended = &ended.histograms[0];
    assert!(is_stale(ended.sum) && ended.count == Some(0) && ended.timestamp > last.histograms[0].timestamp);
    // The classic buckets are there all the same.
    let held = Held::of(requests);
    assert_eq!(held.one("native_bytes_count").first_key_value().unwrap().1, &6.0);
}

#[test]
fn a_series_that_goes_away_is_said_to_have_ended_and_at_the_end_all_are() {
    let registry = Registry::new();
    let depth = registry.gauge_family("depth", "", ["queue"]).unwrap();
    depth.set(["stays"], 1.0);
    depth.set(["goes"], 2.0);
    let wait = registry.histogram_family("wait_bytes", "", ["of"], Buckets::bytes(&[1]).unwrap()).unwrap();
    wait.observe(["goes"], 1);
    let receiver = Receiver::patient();
    let pusher = remote_write(&receiver).start(&registry, twice()).unwrap();
    receiver.wait_until("the first snapshot", |received| !received.is_empty());
    depth.remove(["goes"]);
    wait.remove(["goes"]);
    pusher.shutdown();
    let held = Held::of(requests(&receiver.received()));
    let of = |name: &str, label: (&str, &str)| {
        let mut of = held.0.iter().filter(|(labels, _)| labels["__name__"] == name && labels[label.0] == label.1);
        of.next()
            .unwrap()
            .1
            .values()
            .map(|value| if is_stale(*value) { "stale".to_owned() } else { value.to_string() })
            .collect::<Vec<_>>()
    };
    assert_eq!(of("depth", ("queue", "stays")), ["1", "1", "stale"]);
    assert_eq!(of("depth", ("queue", "goes")), ["2", "stale"]);
    for name in ["wait_bytes_bucket", "wait_bytes_sum", "wait_bytes_count"] {
        assert_eq!(of(name, ("of", "goes")), ["1", "stale"], "{name}");
    }

    let receiver = Receiver::patient();
    end(remote_write(&receiver).stale_at_end(false).start(&registry, twice()).unwrap(), &receiver);
    let held = Held::of(requests(&receiver.received()));
    assert!(held.0.values().all(|samples| samples.len() == 2 && !samples.values().any(|value| is_stale(*value))));
}

#[test]
fn options_that_cannot_be_are_refused() {
    let receiver = Receiver::patient();
    let zero = Duration::ZERO;
    for options in [
        Options { interval: zero, ..twice() },
        Options { timeout: zero, ..twice() },
        Options { shortest_pause: Duration::from_secs(60), ..twice() },
        Options { max_samples: 0, ..twice() },
        Options { queue_snapshots: 0, ..twice() },
    ] {
        let refused = remote_write(&receiver).start(&Registry::new(), options).unwrap_err();
        assert!(matches!(refused, PushError::Options(_)), "{refused}");
    }
    let registry = Registry::new();
    registry.gauge("tachograph_push_retries_total", "").unwrap();
    let refused = remote_write(&receiver).start(&registry, twice()).unwrap_err();
    assert!(matches!(refused, PushError::Register(_)), "{refused}");
    assert_eq!(receiver.received().len(), 0);
}

/// A name: mostly of the legacy alphabet, often of any other.
fn name() -> impl Strategy<Value = String> {
    prop_oneof!["[a-c][a-c_]{0,4}", "[a-c][a-c_.: \"\\\\\n/é-]{0,6}", any::<String>()]
}

fn text() -> impl Strategy<Value = String> {
    prop_oneof!["[ab\"\\\\\n,={} #]{0,8}", any::<String>()]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, ..ProptestConfig::default() })]

    #[test]
    fn any_registry_is_pushed_as_a_scrape_shows_it(
        families in prop::collection::vec((name(), name(), 0u8..6), 1..6),
        values in prop::collection::btree_map(text(), any::<u64>(), 1..6),
        own in prop::option::of((name(), text())),
        most in 1usize..30,
    ) {
        let own = own.iter().map(|(name, value)| (name.as_str(), value.as_str()));
        let Ok(registry) = Registry::with_labels(own) else { return Ok(()) };
        for (name, label, kind) in families {
            // Label names live as long as the program.
            let label: &'static str = label.leak();
            let buckets = || Buckets::bytes(&[1, 1_000]).unwrap();
            let each = |f: &mut dyn FnMut(&str, u64)| values.iter().for_each(|(value, number)| f(value, *number));
            match kind {
                0 => _ = registry.counter_family(&format!("{name}_total"), "", [label]).map(|f| each(&mut |v, n| f.inc_by([v], n >> 1))),
                1 => _ = registry.gauge_family(&name, "", [label]).map(|f| each(&mut |v, n| f.set([v], f64::from_bits(n)))),
                2 => _ = registry.histogram_family(&name, "", [label], buckets()).map(|f| each(&mut |v, n| f.observe([v], n >> 40))),
                3 => _ = registry.state_set_family(&name, "", [label], &["a", "b\"\\\n"]).map(|f| each(&mut |v, _| drop(f.handle([v])))),
                4 => _ = registry.info_family(&format!("{name}_info"), "", [label]).map(|f| each(&mut |v, _| drop(f.handle([v])))),
                _ => _ = registry.up_down_counter_family(&name, "", [label]).map(|f| each(&mut |v, n| f.handle([v]).inc_by(n as i64 >> 8))),
            }
        }
        let receiver = Receiver::patient();
        remote_write(&receiver).start(&registry, Options { max_samples: most, ..twice() }).unwrap().shutdown();
        let held = Held::of(requests(&receiver.received()));
        assert_same(&first(&held), &scraped(&registry));
    }
}
