//! Whatever is registered and counted, the text parses by the rules, and every name, label, help and value reads back.

use proptest::prelude::*;
use tachograph::{Buckets, Registry};
use tachograph_check::{Kind, go_float};

/// Text that is likely to break an encoder: what formats escape, what ends lines, what looks like a sample, any character.
fn hostile() -> impl Strategy<Value = String> {
    prop_oneof![
        4 => "[\\\\\"\n\r\t{},= #a]{0,12}",
        1 => "\\PC{0,8}",
        1 => any::<String>(),
        1 => Just("\" } 1\n# EOF\n".to_owned()),
    ]
}

/// Values that are likely to be spelt wrong.
fn awkward() -> impl Strategy<Value = f64> {
    prop_oneof![
        3 => any::<u64>().prop_map(f64::from_bits),
        1 => prop::sample::select(vec![f64::NAN, f64::INFINITY, f64::NEG_INFINITY, -0.0, 1e6, 99_999.5, 1e-5, 1e300, 5e-324]),
        1 => any::<i32>().prop_map(f64::from),
    ]
}

proptest! {
    #[test]
    fn labels_help_and_values_read_back(
        help in hostile(),
        counts in prop::collection::vec(([hostile(), hostile()], any::<u64>()), 0..8),
        gauges in prop::collection::vec((hostile(), awkward()), 0..8),
        steps in prop::collection::vec((hostile(), any::<i64>()), 0..4),
    ) {
        let registry = Registry::new();
        let counters = registry.counter_family("jobs_total", &help, ["a", "b"]).unwrap();
        let levels = registry.gauge_family("level", &help, ["c"]).unwrap();
        let moving = registry.up_down_counter_family("moving", &help, ["d"]).unwrap();
        let mut expected_counts = std::collections::HashMap::new();
        for ([a, b], n) in &counts {
            counters.inc_by([a, b], *n);
            let count: &mut u64 = expected_counts.entry((a, b)).or_default();
            *count = count.wrapping_add(*n);
        }
        let mut expected_levels = std::collections::HashMap::new();
        for (c, value) in &gauges {
            levels.set([c], *value);
            expected_levels.insert(c, *value);
        }
        let mut expected_steps = std::collections::HashMap::new();
        for (d, n) in &steps {
            moving.inc_by([d], *n);
            let sum: &mut i64 = expected_steps.entry(d).or_default();
            *sum = sum.wrapping_add(*n);
        }

        let snapshot = registry.snapshot();
        let text = snapshot.text();
        let scrape = tachograph_check::parse(text.as_bytes()).map_err(|finding| TestCaseError::fail(format!("{finding:?}\n{text}")))?;
        for family in &scrape.families {
            prop_assert_eq!(family.help.as_deref(), Some(&*help));
        }
        prop_assert_eq!(scrape.family("jobs_total").unwrap().samples.len(), expected_counts.len());
        for ((a, b), count) in expected_counts {
            let sample = scrape.sample("jobs_total", &[("a", a), ("b", b)]).unwrap();
            prop_assert_eq!(&sample.text, &count.to_string());
        }
        prop_assert_eq!(scrape.family("level").unwrap().samples.len(), expected_levels.len());
        for (c, value) in expected_levels {
            let sample = scrape.sample("level", &[("c", c)]).unwrap();
            prop_assert_eq!(&sample.text, &go_float(value));
            prop_assert!(sample.value == value || value.is_nan() && sample.value.is_nan());
        }
        for (d, sum) in expected_steps {
            prop_assert_eq!(&scrape.sample("moving", &[("d", d)]).unwrap().text, &sum.to_string());
        }
        // The same state renders to the same bytes.
        let again = registry.snapshot();
        prop_assert_eq!(again.text(), text);
    }

    #[test]
    fn histograms_hold_what_a_naive_count_holds(
        mut bounds in prop::collection::vec(1u64..2_000_000, 1..40),
        values in prop::collection::vec((hostile(), 0u64..3_000_000), 0..60),
    ) {
        bounds.sort_unstable();
        bounds.dedup();
        let registry = Registry::new();
        let sizes = registry.histogram_family("sizes", "", ["a"], Buckets::whole(&bounds).unwrap()).unwrap();
        for (label, value) in &values {
            sizes.observe([label], *value);
        }
        let snapshot = registry.snapshot();
        let scrape = tachograph_check::parse(snapshot.text().as_bytes()).unwrap();
        prop_assert_eq!(scrape.family("sizes").unwrap().kind, Some(Kind::Histogram));
        for (label, _) in &values {
            let of_label = || values.iter().filter(|(other, _)| other == label).map(|(_, value)| *value);
            let sample = |name, le: Option<&str>| {
                let labels: Vec<_> = [("a", label.as_str())].into_iter().chain(le.map(|le| ("le", le))).collect();
                scrape.value(name, &labels).unwrap()
            };
            for &bound in &bounds {
                let below = of_label().filter(|&value| value <= bound).count();
                prop_assert_eq!(sample("sizes_bucket", Some(&go_float(bound as f64))), below as f64);
            }
            prop_assert_eq!(sample("sizes_bucket", Some("+Inf")), of_label().count() as f64);
            prop_assert_eq!(sample("sizes_count", None), of_label().count() as f64);
            prop_assert_eq!(sample("sizes_sum", None), of_label().sum::<u64>() as f64);
        }
    }
}

#[test]
fn a_small_registry_renders_to_exactly_these_bytes() {
    let registry = Registry::new();
    let latency = registry
        .histogram_family(
            "wait_seconds",
            "Say \"when\" \\ or\nnot.",
            ["queue"],
            Buckets::seconds(&[0.000_01, 1.0, 10_000.0]).unwrap(),
        )
        .unwrap();
    latency.observe_f64(["a\"b\\c\nd"], 0.5);
    registry.counter("big_total", "Plain digits.").unwrap().inc_by(u64::MAX);
    registry.gauge("level", "").unwrap().set(1e6);
    registry.up_down_counter("open", "").unwrap().dec();
    assert_eq!(
        registry.snapshot().text(),
        r##"# HELP big_total Plain digits.
# TYPE big_total counter
big_total 18446744073709551615
# HELP level 
# TYPE level gauge
level 1e+06
# HELP open 
# TYPE open gauge
open -1
# HELP wait_seconds Say "when" \\ or\nnot.
# TYPE wait_seconds histogram
wait_seconds_bucket{queue="a\"b\\c\nd",le="1e-05"} 0
wait_seconds_bucket{queue="a\"b\\c\nd",le="1"} 1
wait_seconds_bucket{queue="a\"b\\c\nd",le="10000"} 1
wait_seconds_bucket{queue="a\"b\\c\nd",le="+Inf"} 1
wait_seconds_sum{queue="a\"b\\c\nd"} 0.5
wait_seconds_count{queue="a\"b\\c\nd"} 1
"##
    );
}
