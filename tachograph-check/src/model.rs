//! What a text says.

/// A scrape.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Exposition {
    /// The families in the order of the text.
    pub families: Vec<Family>,
}

/// All that the text says under one metric name.
#[derive(Clone, Debug, PartialEq)]
pub struct Family {
    /// The name; in OpenMetrics that of a counter has no `_total`.
    pub name: String,
    /// The HELP text without its escapes, if there is a HELP line.
    pub help: Option<String>,
    /// The unit, if there is a UNIT line.
    pub unit: Option<String>,
    /// The type, or `None` if there is no TYPE line, which counts as untyped or unknown.
    pub kind: Option<Kind>,
    /// The samples in the order of the text.
    pub samples: Vec<Sample>,
    /// The line on which the family begins, from 1.
    pub line: usize,
}

/// The types of the formats.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Kind {
    /// What only rises.
    Counter,
    /// What rises and falls.
    Gauge,
    /// Cumulative buckets.
    Histogram,
    /// Quantiles, sum and count.
    Summary,
    /// Anything, in text.
    Untyped,
    /// Anything, in OpenMetrics.
    Unknown,
    /// Facts as labels, in OpenMetrics.
    Info,
    /// States that are on or off, in OpenMetrics.
    StateSet,
    /// Buckets that rise and fall, in OpenMetrics.
    GaugeHistogram,
}

/// One sample line.
#[derive(Clone, Debug, PartialEq)]
pub struct Sample {
    /// The name on the line, which is the family's, with a suffix for some types.
    pub name: String,
    /// The labels in the order of the text, values without their escapes.
    pub labels: Vec<(String, String)>,
    /// The value as it is written.
    pub text: String,
    /// The value as a float, which above 2^53 may be less exact than `text`.
    pub value: f64,
    /// The timestamp, if the line has one.
    pub timestamp: Option<Timestamp>,
    /// The exemplar, if the line has one.
    pub exemplar: Option<Box<Exemplar>>,
    /// The line, from 1.
    pub line: usize,
}

/// A point in time: milliseconds in text, seconds in OpenMetrics, since the epoch.
#[derive(Clone, Debug, PartialEq)]
pub struct Timestamp {
    /// The time as it is written.
    pub text: String,
    /// The time as a float, which may be less exact than `text`.
    pub value: f64,
}

/// An observation beside a sample, and what it was about.
#[derive(Clone, Debug, PartialEq)]
pub struct Exemplar {
    /// The labels in the order of the text, values without their escapes.
    pub labels: Vec<(String, String)>,
    /// The value as it is written.
    pub text: String,
    /// The value as a float.
    pub value: f64,
    /// When it was observed.
    pub timestamp: Option<Timestamp>,
}

impl Exposition {
    /// The family of that name.
    pub fn family(&self, name: &str) -> Option<&Family> {
        self.families.iter().find(|family| family.name == name)
    }

    /// All samples in the order of the text.
    pub fn samples(&self) -> impl Iterator<Item = &Sample> {
        self.families.iter().flat_map(|family| &family.samples)
    }

    /// The sample with that name and exactly these labels, in any order.
    pub fn sample(&self, name: &str, labels: &[(&str, &str)]) -> Option<&Sample> {
        self.samples().find(|sample| {
            sample.name == name
                && sample.labels.len() == labels.len()
                && labels.iter().all(|(label, value)| sample.label(label) == Some(*value))
        })
    }

    /// The value of the sample with that name and exactly these labels, in any order.
    pub fn value(&self, name: &str, labels: &[(&str, &str)]) -> Option<f64> {
        self.sample(name, labels).map(|sample| sample.value)
    }

    /// The sum over the samples with that name that `filter` accepts.
    pub fn sum(&self, name: &str, filter: impl Fn(&Sample) -> bool) -> f64 {
        let chosen = self.samples().filter(|sample| sample.name == name && filter(sample));
        chosen.map(|sample| sample.value).sum()
    }
}

impl Sample {
    /// The value of a label.
    pub fn label(&self, name: &str) -> Option<&str> {
        self.labels.iter().find(|(label, _)| label == name).map(|(_, value)| value.as_str())
    }
}

impl Exemplar {
    /// The value of a label.
    pub fn label(&self, name: &str) -> Option<&str> {
        self.labels.iter().find(|(label, _)| label == name).map(|(_, value)| value.as_str())
    }
}
