//! The interval log, read back by the HdrHistogram library's own reader.

use std::time::{Duration, SystemTime};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hdrhistogram::Histogram;
use hdrhistogram::serialization::Deserializer;
use hdrhistogram::serialization::interval_log::{IntervalLogIterator, LogEntry};
use tachograph::exposition::HdrLog;
use tachograph::{Buckets, HistogramSnapshot, Registry, Resolution, Value};

fn observed(values: &[u64]) -> HistogramSnapshot {
    let registry = Registry::new();
    let buckets = Buckets::seconds(&[0.005, 0.1, 10.0]).unwrap().resolution(Resolution::Hdr);
    let wait = registry.histogram("wait_seconds", "", buckets).unwrap();
    values.iter().for_each(|&value| wait.observe(value));
    match registry.snapshot().family("wait_seconds").unwrap().series().next().unwrap().value {
        Value::Histogram(value) => value.to_snapshot(),
        other => panic!("{other:?} is no histogram"),
    }
}

#[test]
fn the_librarys_reader_finds_what_was_observed() {
    // From nothing to 17 s, a few of each.
    let intervals: Vec<Vec<u64>> =
        vec![vec![], vec![0], (0..1_000).map(|step| step * step * 17_000).collect(), vec![u64::MAX, 5_000_000, 5_000_001]];
    let start = SystemTime::UNIX_EPOCH + Duration::from_millis(1_700_000_000_250);
    let mut log = HdrLog::begin(Vec::new(), start).unwrap();
    for (second, values) in (0..).map(Duration::from_secs).zip(&intervals) {
        log.interval("wait", start + second, Duration::from_secs(1), &observed(values)).unwrap();
    }
    log.interval("", start, Duration::from_secs(4), &observed(&[1])).unwrap();
    let log = log.into_inner();

    let mut entries = IntervalLogIterator::new(&log).map(|entry| entry.unwrap());
    assert!(matches!(entries.next(), Some(LogEntry::StartTime(time)) if time == Duration::from_millis(1_700_000_000_250)));
    for (second, values) in (0..).map(Duration::from_secs).zip(&intervals) {
        let Some(LogEntry::Interval(interval)) = entries.next() else { panic!("an interval is missing") };
        assert_eq!(interval.tag().map(|tag| tag.as_str()), Some("wait"));
        assert_eq!(interval.start_timestamp(), Duration::from_millis(1_700_000_000_250) + second);
        assert_eq!(interval.duration(), Duration::from_secs(1));
        let bytes = STANDARD.decode(interval.encoded_histogram()).unwrap();
        let read: Histogram<u64> = Deserializer::new().deserialize(&mut bytes.as_slice()).unwrap();
        let mut expected = Histogram::<u64>::new_with_bounds(1, 1 << 34, 2).unwrap();
        values.iter().for_each(|&value| expected.record(value.min(1 << 34)).unwrap());
        assert_eq!(read, expected);
    }
    assert!(matches!(entries.next(), Some(LogEntry::Interval(interval)) if interval.tag().is_none()));
    assert!(entries.next().is_none());
}

#[test]
fn a_tag_that_would_break_the_line_is_refused() {
    let mut log = HdrLog::begin(Vec::new(), SystemTime::UNIX_EPOCH).unwrap();
    for tag in ["a,b", "a b", "a\nb"] {
        let error = log.interval(tag, SystemTime::UNIX_EPOCH, Duration::ZERO, &observed(&[1])).unwrap_err();
        assert_eq!(error.kind(), std::io::ErrorKind::InvalidInput);
    }
    assert_eq!(log.into_inner().iter().filter(|&&byte| byte == b'\n').count(), 2);
}
