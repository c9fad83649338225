//! Native histograms in a real Prometheus: what it computes from them is true of the observations, within a bucket of the schema.

use system::stored::Stored;
use tachograph::{Buckets, Registry, Resolution};

const OBSERVATIONS: usize = 1_000;

/// Eight buckets a power of two: neither end of a bucket is further from a value in it than by this factor.
const BUCKET: f64 = 1.090_507_732_665_257_7;

/// Nanoseconds from a quarter of a millisecond to minutes, far apart and in no order.
fn durations() -> Vec<u64> {
    let duration = |at: usize| (250_000.0 * ((at * 617 % OBSERVATIONS) as f64 / 75.0).exp()) as u64;
    (0..OBSERVATIONS).map(duration).collect()
}

fn seconds(nanoseconds: u64) -> f64 {
    nanoseconds as f64 / 1e9
}

#[test]
fn prometheus_computes_from_native_histograms_what_is_true() {
    let registry = Registry::new();
    let buckets = Buckets::seconds(&[0.5, 1.0]).expect("valid bounds").resolution(Resolution::Native);
    let wait = registry.histogram("wait_seconds", "Waiting.", buckets).expect("a valid histogram");
    let mut durations = durations();
    durations.iter().for_each(|&duration| wait.observe(duration));
    durations.sort_unstable();

    let stored = Stored::of(&registry);
    let number = |expression: &str| -> f64 { stored.prometheus.number(expression).parse().expect("a number") };
    let histogram = "wait_seconds{job=\"protobuf\"}";
    for quantile in [0.01, 0.25, 0.5, 0.9, 0.99, 0.999, 1.0] {
        let exact = seconds(durations[(quantile * OBSERVATIONS as f64).ceil() as usize - 1]);
        let told = number(&format!("histogram_quantile({quantile}, {histogram})"));
        assert!((exact / BUCKET..=exact * BUCKET).contains(&told), "{told} for {quantile}, which is {exact}");
    }
    assert_eq!(number(&format!("histogram_count({histogram})")), OBSERVATIONS as f64);
    assert_eq!(number(&format!("histogram_sum({histogram})")), seconds(durations.iter().sum()));
    // Powers of two are bounds of buckets, so that nothing has to be guessed.
    for bound in [0.001_953_125, 0.5, 1.0, 64.0] {
        let below = durations.iter().filter(|&&duration| seconds(duration) <= bound).count();
        let told = number(&format!("histogram_fraction(0, {bound}, {histogram})"));
        let exact = below as f64 / OBSERVATIONS as f64;
        assert!((told - exact).abs() < 1e-9, "{told} instead of {exact} up to {bound}");
    }
    // The trap of this Prometheus: what has native buckets loses the classic ones, unless it is scraped as text.
    let classic = |job: &str| stored.prometheus.query(&format!("wait_seconds_bucket{{job=\"{job}\"}}")).len();
    assert_eq!([classic("text"), classic("openmetrics"), classic("protobuf")], [3, 3, 0]);
}

#[test]
fn prometheus_computes_zeros_and_nothing_from_native_histograms() {
    let registry = Registry::new();
    let buckets = Buckets::bytes(&[100]).expect("valid bounds").resolution(Resolution::Native);
    let sizes = registry.histogram_family("size_bytes", "Sizes.", ["of"], buckets).expect("a valid family");
    sizes.handle(["nothing"]);
    [0, 0, 0, 1].into_iter().for_each(|size| sizes.observe(["zeros"], size));

    let stored = Stored::of(&registry);
    let number =
        |function: &str, of: &str| stored.prometheus.number(&format!("{function} size_bytes{{job=\"protobuf\",of=\"{of}\"}})"));
    assert_eq!(number("histogram_count(", "nothing"), "0");
    assert_eq!(number("histogram_sum(", "nothing"), "0");
    assert_eq!(number("histogram_quantile(0.5,", "nothing"), "NaN");
    assert_eq!(number("histogram_count(", "zeros"), "4");
    let median: f64 = number("histogram_quantile(0.5,", "zeros").parse().expect("a number");
    assert!(median.abs() < 1e-30, "{median}");
    assert_eq!(number("histogram_quantile(1,", "zeros"), "1");
}
