//! Samples put together to families and series, as a person thinks of them.

use std::collections::HashMap;

use tachograph_check::{Exposition, Format, Kind, Sample};

use super::histogram::Histogram;

/// All that a scrape says under one metric name.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Family {
    /// As Prometheus knows it: a counter with `_total`, an info with `_info`, in each format.
    pub(crate) name: String,
    pub(crate) help: String,
    pub(crate) kind: Kind,
    /// As the UNIT line has it.
    pub(crate) unit: Option<String>,
    pub(crate) series: Vec<Series>,
}

/// One set of labels with its value.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Series {
    /// In the order of the text, without `le` and `quantile`.
    pub(crate) labels: Vec<(String, String)>,
    pub(crate) value: Value,
}

#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Value {
    /// A number, and how it was written.
    Number(f64, String),
    Histogram(Histogram),
    Summary(Summary),
}

/// Quantiles that the service has computed.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Summary {
    /// Quantile and value, in the order of the text.
    pub(crate) quantiles: Vec<(f64, f64)>,
    pub(crate) sum: Option<f64>,
    pub(crate) count: Option<f64>,
}

impl Series {
    /// The number, if it is one.
    pub(crate) fn number(&self) -> Option<f64> {
        match &self.value {
            Value::Number(value, _) => Some(*value),
            _ => None,
        }
    }
}

impl Family {
    /// Whether it only rises, so that a rate says something. Where no type is told, by the name.
    pub(crate) fn is_counted(&self) -> bool {
        match self.kind {
            Kind::Counter | Kind::Histogram | Kind::Summary => true,
            Kind::Untyped | Kind::Unknown => self.name.ends_with("_total"),
            _ => false,
        }
    }

    /// The kind, as the text formats name it.
    pub(crate) fn kind_told(&self) -> &'static str {
        match self.kind {
            Kind::Counter => "counter",
            Kind::Gauge => "gauge",
            Kind::Histogram => "histogram",
            Kind::Summary => "summary",
            Kind::Untyped | Kind::Unknown => "unknown",
            Kind::Info => "info",
            Kind::StateSet => "stateset",
            Kind::GaugeHistogram => "gaugehistogram",
        }
    }

    /// The sum of the numbers of the series that `filter` takes; `None` if there is none.
    pub(crate) fn sum(&self, filter: impl Fn(&Series) -> bool) -> Option<f64> {
        self.series.iter().filter(|series| filter(series)).filter_map(Series::number).reduce(|sum, number| sum + number)
    }
}

/// What a sample is to its series.
enum Part {
    Number,
    Bucket,
    Sum,
    Count,
    Quantile,
    /// A time at which a series began: not shown.
    Created,
}

/// A family that is being put together.
struct Building {
    family: Family,
    /// By the labels without `le` and `quantile`, sorted.
    places: HashMap<Vec<(String, String)>, usize>,
}

/// Puts the samples of a text together. A family in several pieces becomes one, with what the first piece says of it.
pub(super) fn families(exposition: Exposition, format: Format) -> Vec<Family> {
    let mut built: Vec<Building> = Vec::new();
    // Where the samples of a name go, by the names that the type of a family gives them.
    let mut owners: HashMap<String, usize> = HashMap::new();
    for read in exposition.families {
        let typed = read.kind.is_some() || read.help.is_some();
        let kind = read.kind.unwrap_or(Kind::Unknown);
        let own = owners.get(&read.name).copied();
        if typed && own.is_none() {
            let name = known_name(&read.name, kind, format);
            let help = read.help.unwrap_or_default();
            let family = Family { name, help, kind, unit: read.unit, series: Vec::new() };
            built.push(Building { family, places: HashMap::new() });
            let place = built.len() - 1;
            owners.entry(read.name.clone()).or_insert(place);
            for suffix in suffixes(kind, format) {
                owners.entry(format!("{}{suffix}", read.name)).or_insert(place);
            }
        }
        for sample in read.samples {
            let place = *owners.entry(sample.name.clone()).or_insert_with(|| {
                let name = sample.name.clone();
                let family = Family { name, help: String::new(), kind: Kind::Unknown, unit: None, series: Vec::new() };
                built.push(Building { family, places: HashMap::new() });
                built.len() - 1
            });
            built[place].take(sample);
        }
    }
    let families = built.into_iter().map(|building| building.family);
    families
        .map(|mut family| {
            for series in &mut family.series {
                if let Value::Histogram(histogram) = &mut series.value {
                    histogram.finish();
                }
            }
            family
        })
        .collect()
}

/// The name by which Prometheus knows a family.
fn known_name(name: &str, kind: Kind, format: Format) -> String {
    match kind {
        Kind::Counter if format.is_open() => format!("{name}_total"),
        Kind::Info if format.is_open() => format!("{name}_info"),
        _ => name.to_owned(),
    }
}

/// What the samples of a type may have behind the family's name.
fn suffixes(kind: Kind, format: Format) -> &'static [&'static str] {
    match kind {
        Kind::Counter if format.is_open() => &["_total", "_created"],
        Kind::Histogram => &["_bucket", "_sum", "_count", "_created"],
        Kind::GaugeHistogram => &["_bucket", "_gsum", "_gcount"],
        Kind::Summary => &["_sum", "_count", "_created"],
        Kind::Info => &["_info"],
        _ => &[],
    }
}

impl Building {
    fn take(&mut self, sample: Sample) {
        let part = self.part(&sample);
        let mut labels = sample.labels;
        let bound = match part {
            Part::Created => return,
            Part::Bucket => take_out(&mut labels, "le"),
            Part::Quantile => take_out(&mut labels, "quantile"),
            Part::Number | Part::Sum | Part::Count => None,
        };
        let mut key = labels.clone();
        key.sort_unstable();
        let kind = self.family.kind;
        let place = *self.places.entry(key).or_insert_with(|| {
            let value = match kind {
                Kind::Histogram | Kind::GaugeHistogram => Value::Histogram(Histogram::default()),
                Kind::Summary => Value::Summary(Summary::default()),
                _ => Value::Number(sample.value, sample.text.clone()),
            };
            self.family.series.push(Series { labels, value });
            self.family.series.len() - 1
        });
        match (&mut self.family.series[place].value, part) {
            (Value::Number(value, text), _) => (*value, *text) = (sample.value, sample.text),
            (Value::Histogram(histogram), Part::Sum) => histogram.sum = Some(sample.value),
            (Value::Histogram(histogram), Part::Count) => histogram.count = Some(sample.value),
            (Value::Histogram(histogram), Part::Bucket) => histogram.buckets.extend(bound.map(|le| (le, sample.value))),
            (Value::Summary(summary), Part::Sum) => summary.sum = Some(sample.value),
            (Value::Summary(summary), Part::Count) => summary.count = Some(sample.value),
            (Value::Summary(summary), Part::Quantile) => summary.quantiles.extend(bound.map(|q| (q, sample.value))),
            (Value::Histogram(_) | Value::Summary(_), _) => {}
        }
    }

    fn part(&self, sample: &Sample) -> Part {
        // Of a counter and an info the known name has the suffix already.
        let suffix = sample.name.strip_prefix(self.family.name.as_str());
        match (self.family.kind, suffix) {
            (Kind::Histogram | Kind::GaugeHistogram, Some("_bucket")) => Part::Bucket,
            (Kind::Histogram | Kind::Summary, Some("_sum")) | (Kind::GaugeHistogram, Some("_gsum")) => Part::Sum,
            (Kind::Histogram | Kind::Summary, Some("_count")) | (Kind::GaugeHistogram, Some("_gcount")) => Part::Count,
            (Kind::Summary, Some("")) => Part::Quantile,
            (Kind::Histogram | Kind::Summary | Kind::Counter, _) if sample.name.ends_with("_created") => Part::Created,
            _ => Part::Number,
        }
    }
}

/// Takes a label out, and returns its value if it is a number.
fn take_out(labels: &mut Vec<(String, String)>, name: &str) -> Option<f64> {
    let at = labels.iter().position(|(label, _)| label == name)?;
    labels.remove(at).1.trim().parse().ok()
}
