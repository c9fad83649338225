//! Instruments that are set as a whole: infos, state sets and gauge histograms.

use std::collections::BTreeSet;

use proptest::prelude::*;
use tachograph::http::{HttpMetrics, HttpOptions};
use tachograph::{Buckets, Collector, Descriptor, Labels, RegisterError, Registry, Sink, Value};
use tachograph_check::{Exposition, Kind};

fn scrape(registry: &Registry) -> Exposition {
    let text = registry.snapshot().text().to_owned();
    tachograph_check::parse(text.as_bytes()).unwrap_or_else(|finding| panic!("{finding}\n{text}"))
}

/// Text that is likely to break an encoder.
fn hostile() -> impl Strategy<Value = String> {
    prop_oneof![3 => "[\\\\\"\n\r{},= a]{1,8}", 1 => "\\PC{1,8}"]
}

proptest! {
    #[test]
    fn a_state_set_is_in_one_state_whatever_the_states_are_called(
        states in prop::collection::btree_set(hostile(), 1..6),
        label in hostile(),
        chosen in any::<prop::sample::Index>(),
        first in any::<prop::sample::Index>(),
    ) {
        let registry = Registry::new();
        let mut names: Vec<&str> = states.iter().map(String::as_str).collect();
        let turn = first.index(names.len());
        names.rotate_left(turn);
        let breakers = registry.state_set_family("breaker", "", ["of"], &names).unwrap();
        let breaker = breakers.handle([&label]);
        prop_assert_eq!(breaker.state(), names[0]);
        let chosen = names[chosen.index(names.len())];
        breakers.set([&label], chosen);
        prop_assert_eq!(breaker.state(), chosen);
        let scrape = scrape(&registry);
        let family = scrape.family("breaker").unwrap();
        prop_assert_eq!(family.kind, Some(Kind::Gauge));
        prop_assert_eq!(family.samples.len(), names.len());
        for name in names {
            let shown = scrape.sample("breaker", &[("of", &label), ("breaker", name)]).unwrap();
            prop_assert_eq!(&shown.text, if name == chosen { "1" } else { "0" });
        }
    }

    #[test]
    fn a_gauge_histogram_shows_what_was_set_last(
        counts in prop::collection::vec(0u64..1 << 60, 4),
        sum in 0.0..1e12,
    ) {
        let registry = Registry::new();
        let files = registry.gauge_histogram_family("file_bytes", "", ["disk"], Buckets::bytes(&[10, 100, 1_000]).unwrap()).unwrap();
        files.set(["a"], &[u64::MAX, 0, 0, 0], 1.0);
        files.set(["a"], &counts, sum);
        files.handle(["b"]);
        let scrape = scrape(&registry);
        prop_assert_eq!(scrape.family("file_bytes").unwrap().kind, Some(Kind::Histogram));
        for (at, le) in ["10", "100", "1000", "+Inf"].into_iter().enumerate() {
            let bucket = |disk| &scrape.sample("file_bytes_bucket", &[("disk", disk), ("le", le)]).unwrap().text;
            let mut below = 0;
            for count in &counts[..=at] {
                below += count;
            }
            prop_assert_eq!(bucket("a"), &below.to_string());
            prop_assert_eq!(bucket("b"), "0");
        }
        prop_assert_eq!(scrape.value("file_bytes_sum", &[("disk", "a")]), Some(sum));
    }
}

#[test]
fn what_an_instrument_cannot_take_is_refused_and_counted_and_changes_nothing() {
    let registry = Registry::new();
    registry.register_engine_metrics().unwrap();
    let breaker = registry.state_set("breaker", "", &["closed", "open"]).unwrap();
    breaker.set("open");
    breaker.set("ajar");
    assert_eq!(breaker.state(), "open");
    let files = registry.gauge_histogram("file_bytes", "", Buckets::bytes(&[10]).unwrap()).unwrap();
    files.set(&[1, 2], 3.0);
    for (counts, sum) in [
        (&[1][..], 1.0),
        (&[1, 2, 3], 1.0),
        (&[u64::MAX, 1], 1.0),
        (&[0, 0], f64::NAN),
        (&[0, 0], f64::INFINITY),
        (&[0, 0], -0.5),
    ] {
        files.set(counts, sum);
    }
    let scrape = scrape(&registry);
    assert_eq!(scrape.value("file_bytes_count", &[]), Some(3.0));
    assert_eq!(scrape.value("file_bytes_sum", &[]), Some(3.0));
    assert_eq!(scrape.value("tachograph_settings_refused_total", &[]), Some(7.0));
}

#[test]
fn states_that_no_scraper_could_tell_apart_are_refused() {
    let registry = Registry::new();
    for (states, what) in [(&[][..], "none"), (&["a", "b", "a"], "twice"), (&["a", ""], "empty")] {
        let error = registry.state_set("breaker", "", states).unwrap_err();
        assert!(matches!(error, RegisterError::InvalidStates { .. }) && error.to_string().contains(what), "{error}");
    }
    let error = registry.state_set_family("breaker", "", ["breaker"], &["a"]).unwrap_err();
    assert!(error.to_string().contains("a state set writes it itself"), "{error}");
    registry.state_set("breaker", "", &["a"]).expect("a refused registration claims nothing");
}

#[test]
fn names_that_would_meet_in_open_metrics_clash() {
    let registry = Registry::new();
    registry.info("build_info", "", [("version", "1")]).unwrap();
    assert!(registry.gauge("build", "").is_err());
    registry.gauge_histogram("file_bytes", "", Buckets::bytes(&[1]).unwrap()).unwrap();
    for suffix in ["_bucket", "_sum", "_count", "_gsum", "_gcount"] {
        assert!(registry.gauge(&format!("file_bytes{suffix}"), "").is_err(), "{suffix}");
    }
}

#[test]
fn an_info_tells_the_labels_that_were_set_until_they_are_removed() {
    let registry = Registry::new();
    let modules = registry.info_family("module_info", "", ["name", "version"]).unwrap();
    modules.set(["a", "1"]);
    modules.set(["b\"\\\n", "1"]);
    modules.set(["b\"\\\n", "1"]);
    assert!(modules.remove(["a", "1"]));
    modules.set(["a", "2"]);
    let scrape = scrape(&registry);
    assert_eq!(scrape.family("module_info").unwrap().samples.len(), 2);
    assert_eq!(scrape.value("module_info", &[("name", "a"), ("version", "2")]), Some(1.0));
    assert_eq!(scrape.value("module_info", &[("name", "b\"\\\n"), ("version", "1")]), Some(1.0));
}

#[test]
fn a_snapshot_gives_the_values_as_they_are() {
    let registry = Registry::new();
    registry.info("build_info", "", [("version", "1")]).unwrap();
    registry.state_set("breaker", "", &["open", "closed"]).unwrap();
    registry.gauge_histogram("file_bytes", "", Buckets::bytes(&[10]).unwrap()).unwrap().set(&[4, 1], 60.0);
    let snapshot = registry.snapshot();
    let series = |name: &str| snapshot.family(name).unwrap().series().next().unwrap();
    assert!(matches!(series("build_info").value, Value::Info));
    assert_eq!(series("build_info").labels, "version=\"1\"");
    let Value::StateSet(state) = series("breaker").value else { panic!("no state set") };
    assert_eq!(state.active(), "open");
    assert_eq!(state.states().collect::<BTreeSet<_>>(), BTreeSet::from([("closed", false), ("open", true)]));
    let Value::GaugeHistogram(files) = series("file_bytes").value else { panic!("no gauge histogram") };
    assert_eq!((files.count(), files.sum()), (5, 60.0));
    assert_eq!(files.cumulative().collect::<Vec<_>>(), [(10.0, 4), (f64::INFINITY, 5)]);
    assert_eq!(snapshot.family("file_bytes").unwrap().descriptor().kind().to_string(), "gaugehistogram");
}

#[test]
fn a_collector_gives_gauge_histograms_and_bad_ones_are_left_out() {
    struct Files;

    impl Collector for Files {
        fn describe(&self) -> Result<Vec<Descriptor>, RegisterError> {
            Ok(vec![Descriptor::new("file_bytes", tachograph::Kind::GaugeHistogram, "")?])
        }

        fn collect(&self, sink: &mut Sink<'_>) {
            let (coarse, fine) = (Buckets::bytes(&[10]).unwrap(), Buckets::bytes(&[5, 10]).unwrap());
            sink.gauge_histogram("file_bytes", &[("disk", "a")], &coarse, &[1, 2], 30.0);
            sink.gauge_histogram("file_bytes", &[("disk", "b")], &fine, &[1, 2, 3], 60.0);
            sink.gauge_histogram("file_bytes", &[("disk", "c")], &fine, &[1, 2], 60.0);
        }
    }

    let registry = Registry::new();
    registry.register_engine_metrics().unwrap();
    registry.register_collector("files", Files).unwrap();
    registry.snapshot();
    let scrape = scrape(&registry);
    assert_eq!(scrape.value("file_bytes_bucket", &[("disk", "a"), ("le", "10")]), Some(1.0));
    assert_eq!(scrape.value("file_bytes_bucket", &[("disk", "b"), ("le", "10")]), Some(3.0));
    assert_eq!(scrape.sum("file_bytes_count", |_| true), 9.0);
    let labels = [("collector", "files"), ("reason", "refused")];
    assert_eq!(scrape.value("tachograph_collector_failures_total", &labels), Some(1.0));
}

#[test]
fn a_family_knows_its_unit_from_its_buckets_or_from_what_it_was_told() {
    let registry = Registry::new();
    let seconds = || Buckets::seconds(&[1.0]).unwrap();
    registry.histogram("wait_seconds", "", seconds()).unwrap();
    registry.histogram("wait_time", "", seconds()).unwrap();
    registry.gauge_histogram("file_bytes", "", Buckets::bytes(&[1]).unwrap()).unwrap();
    registry.histogram("try_bytes", "", Buckets::whole(&[1]).unwrap()).unwrap();
    registry.gauge_family("core_celsius", "", Labels::new([]).unit("celsius")).unwrap();
    let snapshot = registry.snapshot();
    let unit = |name| snapshot.family(name).unwrap().descriptor().unit();
    assert_eq!(unit("wait_seconds"), Some("seconds"));
    assert_eq!(unit("wait_time"), None);
    assert_eq!(unit("file_bytes"), Some("bytes"));
    assert_eq!(unit("try_bytes"), None);
    assert_eq!(unit("core_celsius"), Some("celsius"));
    let error = registry.counter_family("sent_total", "", Labels::new(["peer"]).unit("bytes")).unwrap_err();
    assert!(matches!(&error, RegisterError::InvalidUnit { unit, .. } if unit == "bytes"), "{error}");
    registry.counter("sent_total", "").expect("a refused registration claims nothing");
}

#[test]
fn the_families_that_come_with_the_crate_know_their_units() {
    let registry = Registry::new();
    HttpMetrics::register(&registry, HttpOptions::default()).unwrap();
    let snapshot = registry.snapshot();
    for (name, unit) in [
        ("http_request_duration_seconds", Some("seconds")),
        ("http_response_size_bytes", Some("bytes")),
        ("http_request_latency_seconds", Some("seconds")),
        ("http_request_latency_ms", None),
        ("http_requests_total", None),
        ("tachograph_snapshot_duration_seconds", Some("seconds")),
        ("tachograph_held_bytes", Some("bytes")),
        ("tachograph_shards", None),
    ] {
        assert_eq!(snapshot.family(name).unwrap().descriptor().unit(), unit, "{name}");
    }
}
