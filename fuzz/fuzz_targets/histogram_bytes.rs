//! Any bytes: a histogram or a snapshot that decodes has this one form, answers every question, and renders to scrapes that the
//! strict checker accepts, which shares no code with the encoders.

#![no_main]

use arbitrary::Arbitrary;
use libfuzzer_sys::fuzz_target;
use tachograph::exposition::{Encoding, Escaping, Format};
use tachograph::{Buckets, HistogramSnapshot, HistogramValue, Registry, Resolution, Snapshot, Value};
use tachograph_check::Rules;

fn ask(value: &HistogramValue<'_>) {
    let count = value.count();
    let mut highest = 0;
    for (_, cumulative) in value.cumulative() {
        assert!(highest <= cumulative);
        highest = cumulative;
    }
    assert_eq!(highest, count);
    assert_eq!(value.to_hdr().len(), count);
    for schema in -4..=3 {
        if let Some(native) = value.native(schema) {
            assert_eq!(native.buckets().iter().map(|(_, count)| count).sum::<u64>() + native.zero_count(), count);
            assert!(native.buckets().is_sorted_by(|(a, _), (b, _)| a < b));
        }
    }
    let quantiles = [0.0, 0.5, 0.99, 1.0].map(|q| value.quantile(q));
    assert!(quantiles.iter().all(|quantile| quantile.is_some() == (count > 0)) && quantiles.is_sorted());
}

#[derive(Arbitrary, Debug)]
enum Input<'a> {
    /// As they come, after the header.
    Raw(&'a [u8]),
    /// A snapshot of such observations, some of its bytes replaced.
    Damaged { observations: Vec<(&'a str, u64)>, resolution: u8, damage: Vec<(u16, u8)> },
}

fn damaged(observations: &[(&str, u64)], resolution: u8, damage: &[(u16, u8)]) -> Vec<u8> {
    let registry = Registry::new();
    let resolution = [Resolution::Classic, Resolution::Native, Resolution::Hdr][usize::from(resolution % 3)];
    let buckets = Buckets::seconds(&[0.001, 0.5]).expect("valid bounds").resolution(resolution);
    let buckets = buckets.highest_trackable(1 << 30).expect("above the bounds");
    let family = registry.histogram_family("wait_seconds", "Waiting.", ["label"], buckets).expect("a valid name");
    let jobs = registry.counter_family("jobs_total", "Jobs.", ["label"]).expect("a valid name");
    registry.info("build_info", "Build.", [("version", "1")]).expect("a valid name");
    registry.state_set("breaker", "Breaker.", &["open", "closed"]).expect("valid states").set("closed");
    let files = Buckets::bytes(&[10]).expect("valid bounds");
    registry.gauge_histogram("file_bytes", "Files.", files).expect("a valid name").set(&[2, 1], 31.5);
    registry.float_counter("busy_seconds_total", "Busy.").expect("a valid name").inc_by(0.25);
    registry.up_down_counter("depth", "Depth.").expect("a valid name").inc_by(-3);
    for (label, value) in observations.iter().take(50) {
        family.observe([label], *value);
        jobs.inc([label]);
    }
    let mut bytes = registry.snapshot().encode().split_off(HEADER);
    for &(at, byte) in damage {
        let at = usize::from(at) % bytes.len();
        bytes[at] = byte;
    }
    bytes
}

/// Bytes of a header.
const HEADER: usize = 4;

fuzz_target!(|input: Input| {
    let bytes = match input {
        Input::Raw(bytes) => bytes.to_vec(),
        Input::Damaged { observations, resolution, damage } => damaged(&observations, resolution, &damage),
    };
    if let Ok(histogram) = HistogramSnapshot::decode(&[&b"TGH\x01"[..], &bytes].concat()) {
        assert_eq!(&histogram.encode()[HEADER..], bytes);
        ask(&histogram.value());
        let nothing = histogram.since(&histogram).expect("the same buckets");
        assert_eq!(nothing.value().count(), 0);
        let mut twice = histogram.clone();
        twice.merge(&histogram.value()).expect("the same buckets");
        assert_eq!(twice.value().count(), histogram.value().count().wrapping_mul(2));
    }
    if let Ok(snapshot) = Snapshot::decode(&[&b"TGS\x01"[..], &bytes].concat()) {
        assert_eq!(&snapshot.encode()[HEADER..], bytes);
        for (format, escaping) in [
            (Format::Text, Escaping::Underscores),
            (Format::Utf8Text, Escaping::AllowUtf8),
            (Format::OpenMetrics, Escaping::Values),
            (Format::OpenMetrics, Escaping::AllowUtf8),
        ] {
            let encoding = Encoding::new(format, escaping);
            let text = snapshot.exposition(encoding);
            let format = tachograph_check::Format::of_content_type(encoding.content_type()).expect("a text format");
            if let Err(finding) = tachograph_check::parse_by(text, format, Rules { families_sorted: false, ..Rules::OURS }) {
                panic!("{finding}\n{}", String::from_utf8_lossy(text));
            }
        }
        snapshot.exposition(Encoding::new(Format::Protobuf, Escaping::Dots));
        for value in snapshot.families().flat_map(|family| family.series()).map(|series| series.value) {
            if let Value::Histogram(value) = value {
                ask(&value);
            }
        }
        let merged = Snapshot::merged([&snapshot]).expect("one snapshot fits itself");
        assert_eq!(merged.text(), snapshot.text());
    }
});
