//! What a scrape says, in whichever format it came.

use std::collections::BTreeMap;

use tachograph_check::{Exposition, Format, Kind, Rules};

use crate::protobuf;

/// A name and the labels, in the order in which they stand.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Series {
    pub(crate) name: String,
    pub(crate) labels: Vec<(String, String)>,
}

#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Histogram {
    /// Upper bound and cumulative count, by rising bounds, the infinite one last.
    pub(crate) buckets: Vec<(f64, f64)>,
    pub(crate) sum: f64,
    pub(crate) count: f64,
}

#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Reading {
    pub(crate) counters: BTreeMap<Series, f64>,
    pub(crate) gauges: BTreeMap<Series, f64>,
    pub(crate) histograms: BTreeMap<Series, Histogram>,
    /// Their counts.
    pub(crate) summaries: BTreeMap<Series, f64>,
}

impl Series {
    pub(crate) fn new(name: &str, labels: impl IntoIterator<Item = (String, String)>) -> Self {
        Self { name: name.to_owned(), labels: labels.into_iter().collect() }
    }

    pub(crate) fn label(&self, name: &str) -> &str {
        self.labels.iter().find(|(known, _)| known == name).map_or("", |(_, value)| value.as_str())
    }
}

impl std::fmt::Display for Series {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let labels: Vec<String> = self.labels.iter().map(|(name, value)| format!("{name}={value:?}")).collect();
        write!(f, "{}{{{}}}", self.name, labels.join(","))
    }
}

/// Reads a text, or says what the checker has found in it.
pub(crate) fn of_text(bytes: &[u8], format: Format) -> Result<Reading, String> {
    let (report, exposition) = tachograph_check::read(bytes, format, Rules::OURS);
    match report.findings.first() {
        None => Ok(Reading::of_exposition(&exposition)),
        Some(first) => Err(format!("{} findings, the first: {first}", report.findings.len())),
    }
}

/// Reads the messages of the protobuf format.
pub(crate) fn of_protobuf(bytes: &[u8]) -> Result<Reading, String> {
    let mut reading = Reading::default();
    for family in protobuf::read(bytes)? {
        reading.take_in(family)?;
    }
    Ok(reading)
}

impl Reading {
    fn of_exposition(exposition: &Exposition) -> Self {
        let mut reading = Self::default();
        for family in &exposition.families {
            for sample in &family.samples {
                let labels = |but: &str| sample.labels.iter().filter(|(name, _)| name != but).cloned().collect::<Vec<_>>();
                let part = sample.name.strip_prefix(&*family.name).unwrap_or_default();
                match family.kind {
                    _ if part == "_created" => {}
                    Some(Kind::Counter) => _ = reading.counters.insert(Series::new(&sample.name, labels("")), sample.value),
                    Some(Kind::Histogram) => {
                        let histogram = reading.histograms.entry(Series::new(&family.name, labels("le"))).or_default();
                        match part {
                            "_bucket" => {
                                let bound = sample.label("le").and_then(|le| le.parse().ok()).unwrap_or(f64::NAN);
                                histogram.buckets.push((bound, sample.value));
                            }
                            "_sum" => histogram.sum = sample.value,
                            _ => histogram.count = sample.value,
                        }
                    }
                    Some(Kind::Summary) if part == "_count" => {
                        reading.summaries.insert(Series::new(&family.name, labels("")), sample.value);
                    }
                    Some(Kind::Summary) => {}
                    _ => _ = reading.gauges.insert(Series::new(&sample.name, labels("")), sample.value),
                }
            }
        }
        reading
    }

    fn take_in(&mut self, family: protobuf::MetricFamily) -> Result<(), String> {
        let name = family.name.unwrap_or_default();
        for metric in family.metric {
            let series = Series::new(
                &name,
                metric.label.into_iter().map(|pair| (pair.name.unwrap_or_default(), pair.value.unwrap_or_default())),
            );
            if let Some(counter) = metric.counter {
                let value = counter.value.ok_or_else(|| format!("{series} has no value"))?;
                if !name.ends_with("_total") {
                    return Err(format!("a counter that is called {name}"));
                }
                self.counters.insert(series, value);
            } else if let Some(gauge) = metric.gauge {
                let value = gauge.value.ok_or_else(|| format!("{series} has no value"))?;
                self.gauges.insert(series, value);
            } else if let Some(histogram) = metric.histogram {
                let read = histogram.read().map_err(|what| format!("{series}: {what}"))?;
                self.histograms.insert(series, read);
            } else if let Some(summary) = metric.summary {
                self.summaries.insert(series, summary.sample_count.unwrap_or(0) as f64);
            } else {
                return Err(format!("{series} has no value"));
            }
        }
        Ok(())
    }

    /// The sum of all counters of this name that pass the filter.
    pub(crate) fn sum(&self, name: &str, filter: impl Fn(&Series) -> bool) -> f64 {
        self.of(name).filter(|(series, _)| filter(series)).map(|(_, value)| value).sum()
    }

    /// The counters of this name.
    pub(crate) fn of(&self, name: &str) -> impl Iterator<Item = (&Series, f64)> {
        let from = Series { name: name.to_owned(), labels: Vec::new() };
        let name = name.to_owned();
        self.counters.range(from..).take_while(move |(series, _)| series.name == name).map(|(series, value)| (series, *value))
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    pub(crate) const TEXT: &str = "\
# HELP http_request_duration_seconds Time.
# TYPE http_request_duration_seconds histogram
http_request_duration_seconds_bucket{endpoint=\"/a\",le=\"0.5\"} 2
http_request_duration_seconds_bucket{endpoint=\"/a\",le=\"+Inf\"} 3
http_request_duration_seconds_sum{endpoint=\"/a\"} 1.5
http_request_duration_seconds_count{endpoint=\"/a\"} 3
# HELP http_requests_total Requests.
# TYPE http_requests_total counter
http_requests_total{endpoint=\"/a\",method=\"GET\",status=\"200\"} 2
http_requests_total{endpoint=\"/a\",method=\"GET\",status=\"404\"} 1
";

    pub(crate) fn reading() -> Reading {
        of_text(TEXT.as_bytes(), Format::Text).unwrap()
    }

    #[test]
    fn a_text_is_read_and_a_broken_one_is_told() {
        let reading = reading();
        assert_eq!(reading.sum("http_requests_total", |_| true), 3.0);
        assert_eq!(reading.sum("http_requests_total", |series| series.label("status") == "404"), 1.0);
        assert_eq!(reading.sum("http_requests", |_| true), 0.0);
        let histogram = reading.histograms.values().next().unwrap();
        assert_eq!(*histogram, Histogram { buckets: vec![(0.5, 2.0), (f64::INFINITY, 3.0)], sum: 1.5, count: 3.0 });
        assert_eq!(
            reading.counters.keys().next().unwrap().to_string(),
            "http_requests_total{endpoint=\"/a\",method=\"GET\",status=\"200\"}"
        );
        let torn = TEXT.replace("_count{endpoint=\"/a\"} 3", "_count{endpoint=\"/a\"} 4");
        let told = of_text(torn.as_bytes(), Format::Text).unwrap_err();
        assert!(told.starts_with("1 findings, the first: "), "{told}");
    }
}
