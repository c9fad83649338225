//! The series of a registry as a scraper has to hold them.

use std::collections::BTreeMap;

use tachograph::Registry;
use tachograph::exposition::Encoding;

use crate::api::SeriesValues;
use crate::understood;

/// The series that the checker reads in the scrape, with values as Prometheus holds them.
pub fn sent(registry: &Registry, encoding: Encoding) -> SeriesValues {
    let samples = understood::scrape(registry, encoding).into_values().flat_map(|family| family.samples);
    let series = samples.map(|((name, mut labels), reading)| {
        // To Prometheus an empty label is none.
        labels.retain(|_, value| !value.is_empty());
        labels.insert("__name__".to_owned(), name);
        (labels, reading.value)
    });
    comparable(series.collect())
}

/// With one spelling for each value. Text says 0 where protobuf says -0.
pub fn comparable(series: SeriesValues) -> SeriesValues {
    let spelt = |value: String| value.parse().map_or(value, |value: f64| (value + 0.0).to_string());
    series.into_iter().map(|(labels, value)| (labels, spelt(value))).collect()
}

/// The name of a series' metric.
pub fn name(labels: &BTreeMap<String, String>) -> &str {
    &labels["__name__"]
}

/// The native histograms of a family that are sent in protobuf, beside or instead of the classic ones in `sent`.
pub fn native(sent: &SeriesValues, family: &str) -> SeriesValues {
    let counts = sent.iter().filter(|(labels, _)| name(labels).strip_suffix("_count") == Some(family));
    let histogram = |(labels, count): (&BTreeMap<_, _>, &String)| {
        let mut labels = labels.clone();
        labels.insert("__name__".to_owned(), family.to_owned());
        (labels, format!("histogram of {count}"))
    };
    let native: SeriesValues = counts.map(histogram).collect();
    assert!(!native.is_empty(), "{family} has no series");
    native
}

/// Compares what a scraper holds with what was sent.
///
/// # Panics
///
/// Where they differ.
pub fn assert_same(held: &SeriesValues, sent: &SeriesValues) {
    let lost: Vec<_> = sent.iter().filter(|(labels, value)| held.get(*labels) != Some(value)).collect();
    let unsent: Vec<_> = held.iter().filter(|(labels, value)| sent.get(*labels) != Some(value)).collect();
    assert!(lost.is_empty() && unsent.is_empty(), "was sent: {lost:#?}\nis held: {unsent:#?}");
}
