//! The series of a registry as a scraper has to hold them.

use tachograph::Registry;
use tachograph::exposition::Format;

use crate::api::SeriesValues;
use crate::understood;

/// The series that the checker reads in the scrape, with values as Prometheus holds them.
pub fn sent(registry: &Registry, format: Format) -> SeriesValues {
    let samples = understood::scrape(registry, format).into_values().flat_map(|family| family.samples);
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
