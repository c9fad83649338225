//! Inputs on which other libraries lose a value or a whole scrape. Each is judged in every text format by the strict checker.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use tachograph::exposition::{Encoding, Escaping, Format};
use tachograph::{Buckets, Quantiles, RegisterError, Registry};
use tachograph_check::{Exposition, Rules};

const OPENMETRICS: Encoding = Encoding::new(Format::OpenMetrics, Escaping::Underscores);

fn read(registry: &Registry, encoding: Encoding) -> Exposition {
    let snapshot = registry.snapshot();
    let text = snapshot.exposition(encoding);
    let format = tachograph_check::Format::of_content_type(encoding.content_type()).unwrap();
    tachograph_check::parse_by(text, format, Rules { families_sorted: false, ..Rules::OURS })
        .unwrap_or_else(|finding| panic!("{finding}\n{}", String::from_utf8_lossy(text)))
}

/// The text 0.0.4, once every format has been found well-formed.
fn scrape(registry: &Registry) -> Exposition {
    for format in [Format::Utf8Text, Format::OpenMetrics] {
        for escaping in [Escaping::AllowUtf8, Escaping::Underscores, Escaping::Dots, Escaping::Values] {
            read(registry, Encoding::new(format, escaping).with_created(true));
        }
    }
    read(registry, Encoding::TEXT)
}

fn bounds() -> Buckets {
    Buckets::seconds(&[0.000_01, 0.1, 1.0]).unwrap()
}

#[test]
fn d1_labels_whose_bytes_run_together_are_two_series() {
    let registry = Registry::new();
    let family = registry.counter_family("c_total", "", ["a", "b"]).unwrap();
    family.inc_by(["ab", "c"], 1);
    family.inc_by(["a", "bc"], 10);
    let scrape = scrape(&registry);
    assert_eq!(scrape.value("c_total", &[("a", "ab"), ("b", "c")]), Some(1.0));
    assert_eq!(scrape.value("c_total", &[("a", "a"), ("b", "bc")]), Some(10.0));
}

#[test]
fn d2_a_label_of_the_registry_and_of_a_family_is_refused() {
    let registry = Registry::with_labels([("dup", "reg")]).unwrap();
    for label in ["dup", "d.up"] {
        let family = registry.gauge_family("g", "", [label]);
        assert_eq!(family.is_err(), label == "dup");
    }
    let registry = Registry::with_labels([("d.up", "reg")]).unwrap();
    assert!(matches!(registry.gauge_family("g", "", ["d_up"]), Err(RegisterError::InvalidLabel { .. })));
    scrape(&registry);
}

#[test]
fn d3_a_counter_of_fractions_shows_them() {
    let registry = Registry::new();
    registry.counter_callback("cpu_seconds_total", "", || 0.7).unwrap();
    registry.float_counter("busy_seconds_total", "").unwrap().inc_by(0.7);
    let scrape = scrape(&registry);
    assert_eq!(scrape.sample("cpu_seconds_total", &[]).unwrap().text, "0.7");
    assert_eq!(scrape.sample("busy_seconds_total", &[]).unwrap().text, "0.7");
}

#[test]
fn d4_numbers_at_the_ends_of_the_range_are_short_and_whole() {
    let registry = Registry::new();
    registry.counter("c_total", "").unwrap().inc_by(u64::MAX);
    let gauges = registry.gauge_family("g", "", ["of"]).unwrap();
    let expected = [
        (1e300, "1e+300"),
        (f64::MIN_POSITIVE, "2.2250738585072014e-308"),
        (f64::INFINITY, "+Inf"),
        (f64::NEG_INFINITY, "-Inf"),
        (f64::NAN, "NaN"),
    ];
    expected.iter().for_each(|(value, text)| gauges.set([text], *value));
    for encoding in [Encoding::TEXT, OPENMETRICS] {
        let scrape = read(&registry, encoding);
        assert_eq!(scrape.sample("c_total", &[]).unwrap().text, "18446744073709551615");
        for (_, text) in expected {
            assert_eq!(scrape.sample("g", &[("of", text)]).unwrap().text, text);
        }
    }
}

#[test]
fn d5_a_nan_among_the_observations_is_counted_and_poisons_nothing() {
    let registry = Registry::new();
    registry.register_engine_metrics().unwrap();
    let histogram = registry.histogram("h_seconds", "", bounds()).unwrap();
    let summary = registry.summary("s_seconds", "", Quantiles::seconds(&[0.5]).unwrap()).unwrap();
    for value in [f64::NAN, f64::INFINITY, -1.0, 0.5] {
        histogram.observe_f64(value);
        summary.observe_f64(value);
    }
    let scrape = scrape(&registry);
    for name in ["h_seconds", "s_seconds"] {
        assert_eq!(scrape.value(&format!("{name}_sum"), &[]), Some(0.5));
        assert_eq!(scrape.value(&format!("{name}_count"), &[]), Some(1.0));
    }
    assert_eq!(scrape.value("h_seconds_bucket", &[("le", "0.1")]), Some(0.0));
    assert_eq!(scrape.value("tachograph_observations_refused_total", &[]), Some(6.0));
}

#[test]
fn d6_d16_a_line_feed_in_help_stays_in_its_line() {
    let registry = Registry::new();
    let help = "two\nlines, a \\ and a \"quote\"\n";
    registry.counter("c_total", help).unwrap();
    assert_eq!(scrape(&registry).family("c_total").unwrap().help.as_deref(), Some(help));
    assert_eq!(read(&registry, OPENMETRICS).family("c").unwrap().help.as_deref(), Some(help));
}

#[test]
fn d7_a_name_is_written_once_legally_and_with_one_total() {
    let registry = Registry::new();
    registry.gauge("bad name-x", "").unwrap();
    registry.gauge("dup", "first").unwrap();
    assert!(matches!(registry.gauge("dup", "second"), Err(RegisterError::Clash { .. })));
    assert!(matches!(registry.gauge("d", "").and(registry.counter("d", "")), Err(RegisterError::CounterWithoutTotal { .. })));
    registry.counter("already_total", "").unwrap();
    assert!(registry.counter("already_total_total", "").is_err());
    let scrape = scrape(&registry);
    let names: Vec<_> = scrape.families.iter().map(|family| family.name.as_str()).collect();
    assert_eq!(names, ["already_total", "bad_name_x", "d", "dup"]);
    assert_eq!(scrape.family("dup").unwrap().help.as_deref(), Some("first"));
}

#[test]
fn d8_an_exemplar_that_is_too_long_is_left_out_and_counted() {
    let registry = Registry::new();
    registry.register_engine_metrics().unwrap();
    let histogram = registry.histogram("h_seconds", "", bounds()).unwrap();
    histogram.observe_with_exemplar(500_000_000, &[("trace_id", &"x".repeat(200))]);
    histogram.observe_with_exemplar(50_000_000, &[("trace_id", &"é".repeat(120))]);
    scrape(&registry);
    let scrape = read(&registry, OPENMETRICS);
    let exemplar = |le| scrape.sample("h_seconds_bucket", &[("le", le)]).unwrap().exemplar.as_ref();
    assert!(exemplar("1.0").is_none());
    assert_eq!(exemplar("0.1").unwrap().label("trace_id").unwrap().chars().count(), 120);
    assert_eq!(scrape.value("tachograph_exemplars_refused_total", &[]), Some(1.0));
    assert_eq!(scrape.value("h_seconds_count", &[]), Some(2.0));
}

#[test]
fn d9_series_have_an_order_and_bounds_one_spelling() {
    let render = |order: &mut dyn Iterator<Item = usize>| {
        let registry = Registry::new();
        let buckets = Buckets::bytes(&[1, 1_000_000, 10_000_000_000]).unwrap();
        let family = registry.histogram_family("h_bytes", "", ["a"], buckets).unwrap();
        order.for_each(|at| family.observe([&at.to_string()], 7));
        [Encoding::TEXT, OPENMETRICS].map(|encoding| registry.snapshot().exposition(encoding).to_vec())
    };
    let texts = render(&mut (0..50));
    assert_eq!(texts, render(&mut (0..50).rev()));
    let les = |text: &[u8]| -> Vec<String> {
        let text = String::from_utf8(text.to_vec()).unwrap();
        let le = |line: &str| Some(line.split_once("le=\"")?.1.split_once('"')?.0.to_owned());
        text.lines().filter_map(le).take(4).collect()
    };
    assert_eq!(les(&texts[0]), ["1", "1e+06", "1e+10", "+Inf"]);
    assert_eq!(les(&texts[1]), ["1.0", "1e+06", "1e+10", "+Inf"]);
    let registry = Registry::new();
    registry.histogram("h_seconds", "", bounds()).unwrap();
    assert!(read(&registry, OPENMETRICS).sample("h_seconds_bucket", &[("le", "1e-05")]).is_some());
}

#[test]
fn d10_backslashes_come_back_as_many_as_they_were() {
    let registry = Registry::new();
    let family = registry.gauge_family("g", "", ["v"]).unwrap();
    let values = ["a\\\\b", "a\\\nb", "a\\\"b", "\\\\", "\\n", "\n", "\\\\n", "\"\\", "\\"];
    (0..).zip(values).for_each(|(at, value)| family.set([value], f64::from(at)));
    let scrape = scrape(&registry);
    for (at, value) in (0..).zip(values) {
        assert_eq!(scrape.value("g", &[("v", value)]), Some(f64::from(at)), "{value:?}");
    }
}

#[test]
fn d11_d15_names_that_are_one_in_underscores_are_refused_with_what_they_clash_with() {
    let registry = Registry::new();
    registry.counter("a.b_total", "the first").unwrap().inc();
    let error = registry.counter("a-b_total", "the second").unwrap_err();
    assert!(matches!(&error, RegisterError::Clash { with, .. } if with == "a.b_total"), "{error}");
    assert!(registry.gauge("a.b", "").is_err(), "OpenMetrics calls the counter so");
    let infinite = registry.gauge_family("g", "", ["of"]).unwrap();
    infinite.set(["nan"], f64::NAN);
    infinite.set(["inf"], f64::INFINITY);
    let scrape = scrape(&registry);
    assert_eq!(scrape.family("a_b_total").unwrap().help.as_deref(), Some("the first"));
    assert_eq!(scrape.value("g", &[("of", "inf")]), Some(f64::INFINITY));
    assert!(scrape.value("g", &[("of", "nan")]).unwrap().is_nan());
}

#[test]
fn d12_labels_that_are_one_in_underscores_are_refused() {
    let registry = Registry::new();
    assert!(matches!(registry.gauge_family("g", "", ["a.b", "a-b"]), Err(RegisterError::InvalidLabel { .. })));
    scrape(&registry);
}

#[test]
fn d13_a_digit_begins_no_name_and_a_summary_of_nothing_is_not_a_number() {
    let registry = Registry::new();
    assert!(matches!(registry.gauge("9lives", ""), Err(RegisterError::InvalidName { .. })));
    registry.summary("s_seconds", "", Quantiles::seconds(&[0.5, 0.9]).unwrap()).unwrap();
    let scrape = scrape(&registry);
    for quantile in ["0.5", "0.9"] {
        assert_eq!(scrape.sample("s_seconds", &[("quantile", quantile)]).unwrap().text, "NaN");
    }
}

#[test]
fn d14_labels_are_escaped_and_a_family_of_many_has_its_metadata_once() {
    let registry = Registry::new();
    let buckets = Buckets::seconds(&[0.1]).unwrap().resolution(tachograph::Resolution::Hdr);
    let family = registry.histogram_family("h_seconds", "with a\nline feed", ["v"], buckets).unwrap();
    for value in ["\"", "\\", "\n"] {
        family.observe([value], 1);
    }
    let scrape = scrape(&registry);
    assert_eq!(scrape.families.len(), 1);
    // Two buckets, sum and count of each, however fine the resolution.
    assert_eq!(scrape.families[0].samples.len(), 3 * 4);
}

#[test]
fn d16_a_counter_at_its_end_is_not_negative() {
    let registry = Registry::new();
    registry.counter("c_total", "").unwrap().inc_by(u64::MAX);
    assert_eq!(scrape(&registry).sample("c_total", &[]).unwrap().text, "18446744073709551615");
}

#[test]
fn a_collector_that_fails_in_any_way_loses_its_own_and_the_scrape_stays_valid() {
    use tachograph::{Collector, Descriptor, Kind, Sink};
    struct Bad(Arc<AtomicU64>);
    impl Collector for Bad {
        fn describe(&self) -> Result<Vec<Descriptor>, RegisterError> {
            Ok(vec![Descriptor::new("sick", Kind::Gauge, "")?, Descriptor::new("bad_total", Kind::Counter, "")?])
        }

        fn collect(&self, sink: &mut Sink<'_>) {
            match self.0.load(Ordering::SeqCst) {
                // Without a message: to look up its lines may take longer than a collector has.
                0 => std::panic::resume_unwind(Box::new("as the test wants it")),
                1 => sink.gauge("ba d", &[], 1.0),
                2 => sink.gauge("sick", &[("_x\n", "1")], 1.0),
                3 => {
                    sink.gauge("sick", &[("a.b", "1")], 1.0);
                    sink.gauge("sick", &[("a_b", "1")], 2.0);
                }
                4 => sink.counter_f64("bad_total", &[], f64::NAN),
                _ => sink.counter("bad_total", &[("a", "\"\\\n")], 7),
            }
        }
    }
    let registry = Registry::new();
    registry.register_engine_metrics().unwrap();
    registry.gauge("good", "").unwrap().set(1.0);
    let mode = Arc::new(AtomicU64::new(0));
    registry.register_collector("bad", Bad(Arc::clone(&mode))).unwrap();
    for now in 0..6 {
        mode.store(now, Ordering::SeqCst);
        let scrape = scrape(&registry);
        assert_eq!(scrape.value("good", &[]), Some(1.0));
        assert_eq!(scrape.value("bad_total", &[("a", "\"\\\n")]), (now == 5).then_some(7.0));
    }
    let scrape = scrape(&registry);
    let failed = |reason| scrape.value("tachograph_collector_failures_total", &[("collector", "bad"), ("reason", reason)]);
    // Each mode was asked for nine forms of the scrape, and each form took a snapshot.
    assert_eq!((failed("panicked"), failed("refused")), (Some(9.0), Some(4.0 * 9.0)));
}

#[test]
fn an_exemplar_with_a_reserved_name_is_left_out_and_counted() {
    let registry = Registry::new();
    registry.register_engine_metrics().unwrap();
    let histogram = registry.histogram("h_seconds", "", bounds()).unwrap();
    for (at, name) in ["_trace", "__name__", "trace_id"].into_iter().enumerate() {
        histogram.observe_with_exemplar(10_000_000_u64.pow(at as u32), &[(name, "1")]);
    }
    scrape(&registry);
    let scrape = read(&registry, OPENMETRICS);
    let exemplars: Vec<_> = scrape.samples().filter_map(|sample| sample.exemplar.as_ref()).collect();
    assert_eq!(exemplars.len(), 1);
    assert_eq!(exemplars[0].label("trace_id"), Some("1"));
    assert_eq!(scrape.value("tachograph_exemplars_refused_total", &[]), Some(2.0));
    assert_eq!(scrape.value("h_seconds_count", &[]), Some(3.0));
}
