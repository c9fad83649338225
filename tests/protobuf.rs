//! The protobuf format, read back by messages that a derive has made of `metrics.proto`.

#[path = "support/client_model.rs"]
mod client_model;
#[path = "support/everything.rs"]
mod everything;

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use client_model::{MetricFamily, Timestamp, read};
use proptest::prelude::*;
use tachograph::exposition::{Encoding, Escaping, Format};
use tachograph::{Buckets, Registry, Resolution, Snapshot, Value};

const COUNTER: i32 = 0;
const GAUGE: i32 = 1;
const SUMMARY: i32 = 2;
const HISTOGRAM: i32 = 4;

/// The registry's own labels in the registry of everything.
const OWN: [&str; 2] = ["a\"p\\i\n", "é"];

fn families(snapshot: &Snapshot, escaping: Escaping) -> Vec<MetricFamily> {
    read(snapshot.exposition(Encoding::new(Format::Protobuf, escaping)))
}

fn family<'a>(families: &'a [MetricFamily], name: &str) -> &'a MetricFamily {
    families.iter().find(|family| family.name() == name).unwrap_or_else(|| panic!("there is no {name}"))
}

fn is_now(timestamp: &Timestamp) -> bool {
    let at = UNIX_EPOCH + Duration::new(timestamp.seconds as u64, timestamp.nanos as u32);
    SystemTime::now().duration_since(at).is_ok_and(|age| age < Duration::from_secs(600))
}

#[test]
fn every_family_is_there_by_name_with_type_help_and_unit() {
    let snapshot = everything::registry().snapshot();
    let families = families(&snapshot, Escaping::AllowUtf8);
    let told: Vec<_> = families
        .iter()
        .map(|family| (family.name(), family.r#type.unwrap(), family.help.as_deref().unwrap(), family.unit.as_deref()))
        .collect();
    assert_eq!(
        told,
        [
            ("build_info", GAUGE, "Build.", None),
            ("busy_seconds_total", COUNTER, "Time at work.", None),
            ("depth", GAUGE, "", None),
            ("door.state", GAUGE, "Door.", None),
            ("file_bytes", HISTOGRAM, "Files.", Some("bytes")),
            ("http.requests_total", COUNTER, "Requests.", None),
            ("latency_seconds", SUMMARY, "Latency.", Some("seconds")),
            ("plain_total", COUNTER, "A \"quoted\" \\ help\nof two lines", None),
            ("quiet_seconds", SUMMARY, "Nothing came.", Some("seconds")),
            ("ratio", GAUGE, "Floats of every kind.", None),
            ("size_bytes", HISTOGRAM, "Sizes.", Some("bytes")),
            ("told.disk_bytes", GAUGE, "Bytes free.", Some("bytes")),
            ("told_seconds_total", COUNTER, "Time.", Some("seconds")),
            ("wait_seconds", HISTOGRAM, "Waiting.", Some("seconds")),
        ]
    );
}

#[test]
fn every_value_comes_back() {
    let snapshot = everything::registry().snapshot();
    let families = families(&snapshot, Escaping::Underscores);
    let of = |name: &str, values: &[&str]| family(&families, name).of(&[&OWN, values].concat()).clone();

    let plain = of("plain_total", &[]).counter.unwrap();
    assert_eq!(plain.value, Some(u64::MAX as f64));
    assert!(is_now(&plain.created_timestamp.unwrap()));
    assert_eq!(of("http_requests_total", &["/a\"b\\c\nd", "200"]).counter.unwrap().value, Some(1e6));
    assert_eq!(of("http_requests_total", &["", "é 😱"]).counter.unwrap().value, Some(1.0));
    assert_eq!(of("told_seconds_total", &[]).counter.unwrap().created_timestamp, None);
    assert_eq!(of("depth", &[]).gauge.unwrap().value, Some(-3.0));
    assert_eq!(of("build_info", &["1.0\\2", "1.95"]).gauge.unwrap().value, Some(1.0));
    assert_eq!(of("door_state", &["open"]).gauge.unwrap().value, Some(1.0));
    assert_eq!(of("door_state", &["cl\"osed"]).gauge.unwrap().value, Some(0.0));
    assert_eq!(of("ratio", &["06"]).gauge.unwrap().value, Some(5e-324));
    assert_eq!(of("ratio", &["10"]).gauge.unwrap().value, Some(f64::NEG_INFINITY));
    assert!(of("ratio", &["08"]).gauge.unwrap().value.unwrap().is_nan());

    let summary = of("latency_seconds", &[]).summary.unwrap();
    assert_eq!((summary.sample_count, summary.sample_sum), (Some(1), Some(0.002)));
    assert!(is_now(&summary.created_timestamp.unwrap()));
    let quantiles: Vec<_> = summary.quantile.iter().map(|quantile| quantile.quantile.unwrap()).collect();
    assert_eq!(quantiles, [0.5, 0.99]);

    let files = of("file_bytes", &[]).histogram.unwrap();
    assert_eq!((files.sample_count, files.sample_sum, files.schema), (Some(3), Some(31.5), None));
}

#[test]
fn a_histogram_has_classic_buckets_and_native_ones_where_its_resolution_has_them() {
    let snapshot = everything::registry().snapshot();
    let families = families(&snapshot, Escaping::Underscores);
    let sizes = family(&families, "size_bytes").of(&[OWN[0], OWN[1], "/"]).histogram.as_ref().unwrap();
    assert_eq!((sizes.sample_count, sizes.sample_sum), (Some(6), Some(5_000_033.0)));
    let classic: Vec<_> =
        sizes.bucket.iter().map(|bucket| (bucket.upper_bound.unwrap(), bucket.cumulative_count.unwrap())).collect();
    assert_eq!(classic, [(10.0, 3), (1e6, 5), (f64::INFINITY, 6)]);
    assert_eq!((sizes.schema, sizes.zero_count), (Some(3), Some(1)));
    assert_eq!(sizes.zero_threshold, Some(2f64.powi(-128)));
    // 1, 10 and twice 11, and 5 000 000: the eighth powers of two that are next above.
    let index = |value: f64| (value.log2() * 8.0).ceil() as i32;
    assert_eq!(sizes.native(), [(0, 1), (index(10.0), 1), (index(11.0), 2), (index(5e6), 1)]);
    let exemplar = sizes.bucket[1].exemplar.as_ref().unwrap();
    assert_eq!((exemplar.value, &sizes.exemplars[0]), (Some(11.0), exemplar));
    assert!(is_now(exemplar.timestamp.as_ref().unwrap()));

    let empty = family(&families, "size_bytes").of(&[OWN[0], OWN[1], "/empty"]).histogram.as_ref().unwrap();
    assert!(empty.zero_threshold > Some(0.0) && empty.native().is_empty());

    let wait = family(&families, "wait_seconds").of(&OWN).histogram.as_ref().unwrap();
    assert_eq!((wait.schema, wait.zero_threshold, wait.exemplars.len()), (None, None, 0));
    let exemplar = wait.bucket[3].exemplar.as_ref().unwrap();
    let pairs: Vec<_> =
        exemplar.label.iter().map(|pair| (pair.name.as_deref().unwrap(), pair.value.as_deref().unwrap())).collect();
    assert_eq!(pairs, [("trace_id", "4bf92f35\"77b34da6"), ("span", "é")]);
}

proptest! {
    #[test]
    fn native_buckets_are_where_a_logarithm_says(values in prop::collection::vec((0u64..1 << 44, 0u32..44), 1..60)) {
        let values: Vec<u64> = values.into_iter().map(|(value, shift)| value >> shift).collect();
        let registry = Registry::new();
        let buckets = Buckets::bytes(&[7, 1_000]).unwrap().resolution(Resolution::Native);
        let histogram = registry.histogram("h_bytes", "", buckets).unwrap();
        values.iter().for_each(|&value| histogram.observe(value));
        let snapshot = registry.snapshot();
        let families = families(&snapshot, Escaping::Underscores);
        let read = families[0].metric[0].histogram.as_ref().unwrap();
        let Some(Value::Histogram(value)) = snapshot.family("h_bytes").unwrap().series().next().map(|series| series.value) else {
            panic!("it is a histogram");
        };
        prop_assert_eq!(read.sample_sum, Some(value.sum()));
        let mut counted = read.zero_count.unwrap();
        prop_assert_eq!(counted as usize, values.iter().filter(|&&value| value == 0).count());
        for (index, count) in read.native() {
            // The bucket reaches from one eighth power of two, not included, to the next.
            let bound = |index: i32| 2f64.powf(f64::from(index) / 8.0);
            let within = |value: f64| value > bound(index - 1) * (1.0 + 1e-12) && value <= bound(index) * (1.0 + 1e-12);
            prop_assert_eq!(values.iter().filter(|&&value| within(value as f64)).count() as i64, count, "{}", index);
            counted += count as u64;
        }
        prop_assert_eq!(counted as usize, values.len());
    }

    #[test]
    fn labels_and_help_come_back_whatever_they_are(help in any::<String>(), values in prop::collection::btree_set(any::<String>(), 1..20)) {
        let registry = Registry::new();
        let family = registry.gauge_family("g", &help, ["a.label"]).unwrap();
        for (at, value) in values.iter().enumerate() {
            family.set([value], at as f64);
        }
        let snapshot = registry.snapshot();
        let families = families(&snapshot, Escaping::AllowUtf8);
        prop_assert_eq!(families[0].help.as_ref(), Some(&help));
        let read: Vec<_> = families[0].metric.iter().map(|metric| metric.values().next().unwrap().to_owned()).collect();
        prop_assert_eq!(read, values.into_iter().collect::<Vec<_>>());
    }
}
