//! Snapshots as bytes and back, damaged bytes, and snapshots of several registries as one: what one registry would have shown that
//! had counted all of it.

use std::sync::Arc;

use proptest::prelude::*;
use tachograph::{
    Buckets, Collector, DecodeError, Descriptor, HistogramSnapshot, Kind, MergeError, Quantiles, RegisterError, Registry,
    Resolution, Sink, Snapshot, Value,
};
use tachograph_check::parse;

/// A counter that is no whole number, beside a gauge.
struct Process(f64);

impl Collector for Process {
    fn describe(&self) -> Result<Vec<Descriptor>, RegisterError> {
        let counter = Descriptor::new("cpu_seconds_total", Kind::Counter, "Processor time.")?;
        Ok(vec![counter, Descriptor::new("load", Kind::Gauge, "Load.")?])
    }

    fn collect(&self, sink: &mut Sink<'_>) {
        sink.counter_f64("cpu_seconds_total", &[("mode", "user")], self.0);
        sink.gauge("load", &[("b", "2"), ("a", "1")], self.0);
    }
}

/// What happens in one process: a label, a size, and which resolution it is counted at.
type Event = (String, u64, usize);

const RESOLUTIONS: [(&str, Resolution); 3] =
    [("classic_bytes", Resolution::Classic), ("native_bytes", Resolution::Native), ("hdr_bytes", Resolution::Hdr)];

/// A registry of every instrument in which these events have happened.
fn counted(events: &[Event]) -> Arc<Snapshot> {
    let registry = Registry::new();
    let events_total = registry.counter_family("events_total", "Events \\ \"seen\".\n", ["label"]).unwrap();
    let depth = registry.up_down_counter("depth", "Depth.").unwrap();
    let busy = registry.float_counter("busy_seconds_total", "").unwrap();
    registry.info("build_info", "", [("version", "1\n")]).unwrap();
    registry.state_set("breaker", "", &["open", "\"closed\""]).unwrap().set("\"closed\"");
    registry.gauge_histogram("file_bytes", "", Buckets::bytes(&[10]).unwrap()).unwrap().set(&[2, 1], 31.5);
    let families = RESOLUTIONS.map(|(name, resolution)| {
        let buckets = Buckets::bytes(&[10, 1_000, 100_000]).unwrap().resolution(resolution).highest_trackable(1 << 20).unwrap();
        registry.histogram_family(name, "", ["label"], buckets).unwrap()
    });
    for (label, size, at) in events {
        events_total.inc([label]);
        busy.inc_by(0.25);
        depth.inc_by(if size % 2 == 0 { 1 } else { -2 });
        families[*at].observe([label], *size);
    }
    registry.snapshot()
}

fn events() -> impl Strategy<Value = Vec<Event>> {
    let label = prop_oneof!["[ab]", "[ab\"\\\\\n,=é]{0,3}"];
    let size = (0u32..22).prop_flat_map(|power| 0..1u64 << power);
    prop::collection::vec((label, size, 0usize..3), 0..40)
}

/// What decodes is well-formed, and has this one form.
fn decoded(bytes: &[u8]) -> Option<Snapshot> {
    let snapshot = Snapshot::decode(bytes).ok()?;
    assert_eq!(snapshot.encode(), bytes);
    if let Err(finding) = parse(snapshot.text().as_bytes()) {
        panic!("{finding}\n{}", snapshot.text());
    }
    Some(snapshot)
}

fn quantiles(snapshot: &Snapshot) -> Vec<(String, Option<f64>)> {
    let series = snapshot.family("hdr_bytes").into_iter().flat_map(|family| family.series());
    let each = series.filter_map(|series| match series.value {
        Value::Histogram(value) => Some((series.labels.to_string(), value.quantile(0.9))),
        _ => None,
    });
    each.collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn a_snapshot_comes_back_as_it_was(events in events()) {
        let snapshot = counted(&events);
        let decoded = decoded(&snapshot.encode()).unwrap();
        prop_assert_eq!(decoded.text(), snapshot.text());
        prop_assert_eq!(quantiles(&decoded), quantiles(&snapshot));
        prop_assert_eq!(decoded.family("hdr_bytes").unwrap().descriptor(), snapshot.family("hdr_bytes").unwrap().descriptor());
    }

    #[test]
    fn merged_snapshots_show_what_one_registry_would_have(all in events(), cuts in [0.0f64..1.0, 0.0f64..1.0]) {
        let mut cuts = cuts.map(|cut| (cut * all.len() as f64) as usize);
        cuts.sort_unstable();
        let [first, second] = cuts;
        let here = counted(&all[..first]);
        let elsewhere = [&all[first..second], &all[second..]].map(|events| decoded(&counted(events).encode()).unwrap());
        let merged = Snapshot::merged(elsewhere.iter().chain([&*here])).unwrap();
        let whole = counted(&all);
        prop_assert_eq!(merged.text(), whole.text());
        prop_assert_eq!(quantiles(&merged), quantiles(&whole));
    }

    #[test]
    fn damaged_bytes_are_refused_or_are_another_whole_snapshot(
        events in events(),
        damage in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..4),
        end in any::<prop::sample::Index>(),
    ) {
        let whole = counted(&events).encode();
        let mut bytes = whole.clone();
        for (at, byte) in damage {
            let at = at.index(bytes.len());
            bytes[at] = byte;
        }
        decoded(&bytes);
        let cut = &whole[..end.index(whole.len())];
        let error = if cut.len() < 4 { DecodeError::Header } else { DecodeError::Truncated };
        prop_assert_eq!(Snapshot::decode(cut).unwrap_err(), error);
    }

    #[test]
    fn any_bytes_are_refused_or_decoded(tail in prop::collection::vec(any::<u8>(), 0..200)) {
        decoded(&[b"TGS\x01", &tail[..]].concat());
        let bytes = [b"TGH\x01", &tail[..]].concat();
        if let Ok(histogram) = HistogramSnapshot::decode(&bytes) {
            prop_assert_eq!(histogram.encode(), bytes);
        }
    }
}

#[test]
fn what_has_no_sum_is_the_first_ones() {
    let process = |value, help| {
        let registry = Registry::new();
        registry.register_collector("process", Process(value)).unwrap();
        registry.gauge("temperature", help).unwrap().set(value);
        registry.snapshot()
    };
    let merged = Snapshot::merged([&*process(1.5, "First."), &*process(2.25, "Second.")]).unwrap();
    assert_eq!(
        merged.text(),
        "# HELP cpu_seconds_total Processor time.\n# TYPE cpu_seconds_total counter\ncpu_seconds_total{mode=\"user\"} 3.75\n\
         # HELP load Load.\n# TYPE load gauge\nload{b=\"2\",a=\"1\"} 1.5\n\
         # HELP temperature First.\n# TYPE temperature gauge\ntemperature 1.5\n"
    );
    assert_eq!(decoded(&merged.encode()).unwrap().text(), merged.text());
}

#[test]
fn labels_in_another_order_are_the_same_series() {
    let one = Registry::new();
    one.counter_family("x_total", "", ["a", "b"]).unwrap().inc(["1", "2"]);
    let other = Registry::new();
    other.counter_family("x_total", "", ["b", "a"]).unwrap().inc(["2", "1"]);
    let merged = Snapshot::merged([&*one.snapshot(), &*other.snapshot()]).unwrap();
    assert!(merged.text().ends_with("counter\nx_total{a=\"1\",b=\"2\"} 2\n"), "{}", merged.text());
}

#[test]
fn what_does_not_fit_together_is_refused() {
    let snapshot = |make: &dyn Fn(&Registry) -> Result<(), RegisterError>| {
        let registry = Registry::new();
        make(&registry).unwrap();
        registry.snapshot()
    };
    let histogram = |label: &'static str, buckets: Buckets| {
        snapshot(&move |registry| {
            registry.histogram_family("x_bytes", "", ["label"], buckets.clone())?.observe([label], 1);
            Ok(())
        })
    };
    let bytes = || Buckets::bytes(&[1, 2]).unwrap();
    let known = histogram("a", bytes());
    for (buckets, differs) in [
        (Buckets::bytes(&[1, 3]).unwrap(), "bounds"),
        (Buckets::seconds(&[1e-9, 2e-9]).unwrap(), "unit"),
        (bytes().resolution(Resolution::Native), "resolution"),
        (bytes().highest_trackable(2).unwrap(), "highest trackable value"),
    ] {
        // Also with labels that no other series has: one family has one set of buckets.
        for label in ["a", "b"] {
            let error = Snapshot::merged([&*known, &*histogram(label, buckets.clone())]).unwrap_err();
            assert!(matches!(&error, MergeError::Buckets { family, .. } if family == "x_bytes"), "{error}");
            assert!(error.to_string().contains(&format!("differ in their {differs}:")), "{error}");
        }
    }
    let gauge = snapshot(&|registry| registry.gauge("x_bytes", "").map(drop));
    assert_eq!(Snapshot::merged([&*known, &*gauge]).unwrap_err(), MergeError::Kind { family: "x_bytes".into() });
    let clash = snapshot(&|registry| registry.gauge("x_bytes_sum", "").map(drop));
    assert!(matches!(Snapshot::merged([&*clash, &*known]), Err(MergeError::Clash { .. })));
    assert_eq!(Snapshot::merged([]).unwrap().text(), "");
}

#[test]
fn bytes_that_ask_for_more_than_they_are_worth_are_refused() {
    // Families without observations, each of the finest layout: five kilobytes ask for nine megabytes.
    let mut bytes = b"TGS\x01\xac\x02".to_vec();
    for family in 0..300 {
        bytes.extend(b"\x04");
        bytes.extend(format!("f{family:03}").as_bytes());
        bytes.extend(b"\x02\x00\x00\x01\x01\x03\x00\x02\x00\x01\x01\x00\x00");
    }
    assert_eq!(Snapshot::decode(&bytes).unwrap_err(), DecodeError::Invalid("there are too many buckets"));
    // Lengths that are not there.
    for claim in
        [&b"TGS\x01\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01"[..], b"TGS\x01\x01\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01"]
    {
        assert_eq!(Snapshot::decode(claim).unwrap_err(), DecodeError::Truncated);
    }
}

#[test]
fn a_difference_is_of_one_histogram_and_starts_anew_after_a_reset() {
    let values = |values: &[u64]| {
        let registry = Registry::new();
        let sizes = registry.histogram("x", "", Buckets::bytes(&[10]).unwrap()).unwrap();
        values.iter().for_each(|&value| sizes.observe(value));
        match registry.snapshot().family("x").unwrap().series().next().unwrap().value {
            Value::Histogram(value) => value.to_snapshot(),
            other => panic!("{other:?} is no histogram"),
        }
    };
    assert_eq!(values(&[1, 20, 30]).since(&values(&[1, 20])).unwrap(), values(&[30]));
    assert_eq!(values(&[1, 20]).since(&values(&[1, 20])).unwrap(), values(&[]));
    assert_eq!(values(&[20, 30]).since(&values(&[1, 20])).unwrap(), values(&[20, 30]));
}

#[test]
fn labels_of_a_registry_tell_processes_apart() {
    /// Series with other labels each, in the order that they have without the registry's.
    struct Loads;

    impl Collector for Loads {
        fn describe(&self) -> Result<Vec<Descriptor>, RegisterError> {
            Ok(vec![Descriptor::new("load", Kind::Gauge, "Load.")?])
        }

        fn collect(&self, sink: &mut Sink<'_>) {
            sink.gauge("load", &[], 1.0);
            sink.gauge("load", &[("core", "1")], 2.0);
            sink.gauge("load", &[("core", "1"), ("a", "2")], 3.0);
        }
    }

    let process = |name| {
        let registry = Registry::with_labels([("process", name)]).unwrap();
        registry.register_collector("loads", Loads).unwrap();
        registry.snapshot()
    };
    let [one, two] = ["1", "2"].map(process);
    let [decoded_one, decoded_two] = [&one, &two].map(|snapshot| decoded(&snapshot.encode()).unwrap());
    assert_eq!(decoded_one.text(), one.text());
    let merged = Snapshot::merged([&decoded_one, &decoded_two]).unwrap();
    assert_eq!(merged.family("load").unwrap().len(), 6);
    assert_eq!(Snapshot::merged([&*one, &*two]).unwrap().text(), merged.text());
}

#[test]
fn a_registrys_own_labels_go_along_and_keep_processes_apart() {
    let process = |name: &str, count| {
        let registry = Registry::with_labels([("process", name), ("zone", "\"a\"")]).unwrap();
        registry.counter("jobs_total", "").unwrap().inc_by(count);
        registry.gauge_family("depth", "", ["queue"]).unwrap().set(["mail"], count as f64);
        registry.summary("wait_seconds", "", Quantiles::seconds(&[0.5]).unwrap()).unwrap().observe(1_000_000_000 * count);
        let snapshot = registry.snapshot();
        let decoded = decoded(&snapshot.encode()).unwrap();
        assert_eq!(decoded.text(), snapshot.text());
        decoded
    };
    let merged = Snapshot::merged([&process("1", 3), &process("1", 4), &process("2", 5)]).unwrap();
    let scrape = parse(merged.text().as_bytes()).unwrap();
    let of = |name, process| scrape.value(name, &[("process", process), ("zone", "\"a\"")]);
    assert_eq!((of("jobs_total", "1"), of("jobs_total", "2")), (Some(7.0), Some(5.0)));
    assert_eq!((of("wait_seconds_sum", "1"), of("wait_seconds_sum", "2")), (Some(3.0), Some(5.0)));
    let depth = |process| scrape.value("depth", &[("process", process), ("zone", "\"a\""), ("queue", "mail")]);
    assert_eq!((depth("1"), depth("2")), (Some(3.0), Some(5.0)));
}

#[test]
fn observations_that_add_up_to_more_than_can_be_are_refused() {
    // A histogram of one bound whose bytes claim 2^64 - 1 observations in this cell.
    let snapshot = |cell: u8| {
        let mut bytes = b"TGS\x01\x01\x01h\x02\x00\x00\x01\x01\x03\x00\x00\x00\x01\x01\x00\x01".to_vec();
        bytes.push(cell);
        bytes.extend([0xff; 9]);
        bytes.push(1);
        Snapshot::decode(&bytes).unwrap()
    };
    for cell in [0, 1] {
        let error = Snapshot::merged(&[snapshot(0), snapshot(cell)]).unwrap_err();
        assert_eq!(error, MergeError::Count { family: "h".into() });
    }
    assert!(Snapshot::merged(&[snapshot(0)]).is_ok());
}

#[test]
fn a_series_of_more_than_64_labels_is_refused() {
    let with = |labels: usize| {
        let mut bytes = b"TGS\x01\x01\x07c_total\x00\x00\x00\x01".to_vec();
        bytes.push(labels as u8 + 1);
        (0..labels).for_each(|at| bytes.extend(format!("\x03a{at:02}").as_bytes()));
        (0..labels).for_each(|_| bytes.extend(b"\x01b"));
        bytes.extend([0, 1]);
        Snapshot::decode(&bytes).is_ok()
    };
    assert!(with(64) && !with(65));
}
