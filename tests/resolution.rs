//! Histograms of every resolution against oracles of their own: a search through the bounds, the sorted values, the bucket search
//! of Prometheus' Go client, and the HdrHistogram library.

use std::sync::Arc;

use proptest::prelude::*;
use tachograph::{Buckets, HistogramValue, Registry, Resolution, Snapshot, Value};

const RESOLUTIONS: [Resolution; 3] = [Resolution::Classic, Resolution::Native, Resolution::Hdr];
/// The widest trackable range.
const HIGHEST: u64 = 1 << 44;

/// What Prometheus' Go client has at schema 3: the upper boundaries between 0.5 and 1, of which 0.5 is the first.
const GO_BOUNDS: [f64; 8] = [
    0.5,
    0.5452538663326288,
    0.5946035575013605,
    0.6484197773255048,
    0.7071067811865475,
    0.7711054127039704,
    0.8408964152537144,
    0.9170040432046711,
];

/// The bucket of a shown value at schema 3, as the Go client finds it: by its fraction and its exponent.
fn go_bucket(shown: f64) -> i32 {
    let exponent = shown.log2().floor() as i32 + 1;
    let (mut fraction, mut exponent) = (shown / 2f64.powi(exponent), exponent);
    // The logarithm may be off at a power of two.
    if fraction >= 1.0 {
        (fraction, exponent) = (fraction / 2.0, exponent + 1);
    }
    if fraction < 0.5 {
        (fraction, exponent) = (fraction * 2.0, exponent - 1);
    }
    GO_BOUNDS.iter().filter(|&&bound| bound < fraction).count() as i32 + (exponent - 1) * 8
}

/// A snapshot of one histogram in which the values were observed.
fn observed(buckets: Buckets, values: &[u64]) -> Arc<Snapshot> {
    let registry = Registry::new();
    let histogram = registry.histogram("x", "", buckets).unwrap();
    values.iter().for_each(|&value| histogram.observe(value));
    registry.snapshot()
}

fn value(snapshot: &Snapshot) -> HistogramValue<'_> {
    match snapshot.family("x").unwrap().series().next().unwrap().value {
        Value::Histogram(value) => value,
        other => panic!("{other:?} is no histogram"),
    }
}

/// Base units of a shown value, `scale` to one.
fn base_units(shown: f64, scale: f64) -> u64 {
    (shown * scale).round() as u64
}

/// Any size up to 2^45, so that some lie above every trackable range.
fn size() -> impl Strategy<Value = u64> {
    (0u32..46).prop_flat_map(|power| 0..1u64 << power)
}

#[derive(Clone, Debug)]
struct Case {
    bounds: Vec<u64>,
    seconds: bool,
    highest: u64,
    /// Not yet cut to the highest.
    values: Vec<u64>,
}

impl Case {
    fn buckets(&self, resolution: Resolution) -> Buckets {
        let buckets = if self.seconds {
            let shown: Vec<f64> = self.bounds.iter().map(|&bound| bound as f64 / 1e9).collect();
            Buckets::seconds(&shown).unwrap()
        } else {
            Buckets::bytes(&self.bounds).unwrap()
        };
        buckets.resolution(resolution).highest_trackable(self.highest).unwrap()
    }

    fn scale(&self) -> f64 {
        if self.seconds { 1e9 } else { 1.0 }
    }

    fn cut(&self) -> Vec<u64> {
        self.values.iter().map(|&value| value.min(self.highest)).collect()
    }
}

fn case() -> impl Strategy<Value = Case> {
    let bounds = prop::collection::btree_set(size().prop_map(|size| size.clamp(1, HIGHEST)), 1..40);
    (bounds, any::<bool>(), size(), prop::collection::vec(size(), 1..300)).prop_map(|(bounds, seconds, above, mut values)| {
        let bounds: Vec<u64> = bounds.into_iter().collect();
        let highest = (bounds[bounds.len() - 1] + above).min(HIGHEST);
        // Beside each bound, where mistakes live.
        values.extend(bounds.iter().flat_map(|&bound| [bound - 1, bound, bound + 1]));
        Case { bounds, seconds, highest, values }
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]

    #[test]
    fn classic_buckets_are_exact_at_every_resolution(case in case()) {
        for resolution in RESOLUTIONS {
            let snapshot = observed(case.buckets(resolution), &case.values);
            let values = case.cut();
            let mut cumulative = value(&snapshot).cumulative();
            for (&bound, (le, count)) in case.bounds.iter().zip(&mut cumulative) {
                prop_assert_eq!(base_units(le, case.scale()), bound);
                prop_assert_eq!(count, values.iter().filter(|&&value| value <= bound).count() as u64, "{:?} {}", resolution, bound);
            }
            prop_assert_eq!(cumulative.next(), Some((f64::INFINITY, values.len() as u64)));
            prop_assert_eq!(value(&snapshot).sum(), values.iter().sum::<u64>() as f64 / case.scale());
        }
    }

    #[test]
    fn native_buckets_are_those_of_prometheus_own_client(case in case()) {
        prop_assert!(value(&observed(case.buckets(Resolution::Classic), &case.values)).native(3).is_none());
        for resolution in [Resolution::Native, Resolution::Hdr] {
            let snapshot = observed(case.buckets(resolution), &case.values);
            let mut expected = std::collections::BTreeMap::new();
            let values = case.cut();
            for &value in values.iter().filter(|&&value| value > 0) {
                *expected.entry(go_bucket(value as f64 / case.scale())).or_insert(0u64) += 1;
            }
            let zeros = values.iter().filter(|&&value| value == 0).count() as u64;
            for schema in (-4..=3i8).rev() {
                let native = value(&snapshot).native(schema).unwrap();
                prop_assert_eq!(native.schema(), schema);
                prop_assert_eq!(native.zero_count(), zeros);
                prop_assert_eq!(native.buckets(), expected.iter().map(|(&i, &n)| (i, n)).collect::<Vec<_>>(), "schema {}", schema);
                let indices = native.spans().into_iter().scan(0, |next, (gap, length)| {
                    let first = *next + gap;
                    *next = first + length as i32;
                    Some(first..*next)
                });
                prop_assert_eq!(indices.flatten().collect::<Vec<_>>(), expected.keys().copied().collect::<Vec<_>>());
                // The next coarser schema: buckets with an odd index and the even one after it become one.
                let finer = std::mem::take(&mut expected);
                for (index, count) in finer {
                    *expected.entry(index.div_euclid(2) + index.rem_euclid(2)).or_insert(0) += count;
                }
            }
        }
    }

    #[test]
    fn quantiles_are_within_the_stated_error_of_the_sorted_values(
        case in case(),
        thousandths in prop::collection::vec(0u64..=1_000, 1..20),
    ) {
        let mut sorted = case.cut();
        sorted.sort_unstable();
        for resolution in RESOLUTIONS {
            let snapshot = observed(case.buckets(resolution), &case.values);
            for &thousandth in &thousandths {
                let rank = (thousandth * sorted.len() as u64).div_ceil(1_000).max(1);
                let exact = sorted[rank as usize - 1];
                let got = base_units(value(&snapshot).quantile(thousandth as f64 / 1_000.0).unwrap(), case.scale());
                if resolution == Resolution::Classic {
                    let bound = case.bounds.iter().find(|&&bound| bound >= exact).unwrap_or(&case.bounds[case.bounds.len() - 1]);
                    prop_assert_eq!(got, *bound, "quantile {} is {}", thousandth, exact);
                } else {
                    let error = if resolution == Resolution::Hdr { 1.0 / 128.0 } else { 2f64.powf(1.0 / 8.0) - 1.0 };
                    let most = exact as f64 * (1.0 + error);
                    prop_assert!(got >= exact && got as f64 <= most, "{} for {}, {:?}", got, exact, resolution);
                }
            }
        }
    }

    #[test]
    fn hdr_is_what_the_library_records_itself(case in case()) {
        let snapshot = observed(case.buckets(Resolution::Hdr), &case.values);
        let mut expected = hdrhistogram::Histogram::<u64>::new_with_bounds(1, case.highest.max(2), 2).unwrap();
        case.cut().into_iter().for_each(|value| expected.record(value).unwrap());
        prop_assert_eq!(value(&snapshot).to_hdr(), expected);
    }
}

#[test]
fn of_nothing_there_is_no_quantile() {
    for resolution in RESOLUTIONS {
        let snapshot = observed(Buckets::bytes(&[1]).unwrap().resolution(resolution), &[]);
        assert_eq!(value(&snapshot).quantile(0.5), None);
        assert!(value(&snapshot).to_hdr().is_empty());
        assert!(value(&snapshot).native(3).is_none_or(|native| native.buckets().is_empty() && native.spans().is_empty()));
    }
}

#[test]
fn a_quantile_outside_0_to_1_is_brought_into_it() {
    let snapshot = observed(Buckets::bytes(&[1]).unwrap().resolution(Resolution::Hdr), &[5, 100]);
    let quantile = |q| value(&snapshot).quantile(q);
    assert_eq!((quantile(-1.0), quantile(2.0), quantile(f64::NAN)), (Some(5.0), Some(100.0), Some(5.0)));
}

#[test]
fn a_schema_that_is_not_kept_is_refused() {
    let snapshot = observed(Buckets::bytes(&[1]).unwrap().resolution(Resolution::Native), &[5]);
    assert!([-128, -5, 4, 8, 127].into_iter().all(|schema| value(&snapshot).native(schema).is_none()));
}

#[test]
fn what_lies_above_the_range_counts_as_its_highest_value() {
    for (resolution, highest) in [(Resolution::Classic, 1u64 << 44), (Resolution::Native, 1 << 44), (Resolution::Hdr, 1 << 34)]
    {
        let snapshot = observed(Buckets::bytes(&[1]).unwrap().resolution(resolution), &[u64::MAX]);
        assert_eq!(value(&snapshot).sum(), highest as f64);
        if resolution != Resolution::Classic {
            assert_eq!(value(&snapshot).native(3).unwrap().buckets(), [(8 * highest.ilog2() as i32, 1)]);
            assert_eq!(value(&snapshot).quantile(1.0), Some(highest as f64));
        }
    }
}
