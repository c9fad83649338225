//! The Prometheus text format, version 0.0.4.
//!
//! Families by name, series by label values, so the same state always renders to the same bytes. Labels were escaped when their
//! series was made; what is left to do here is to copy texts and to write numbers.

use super::lines::{Fixed, Lines};
use super::{escape, number};
use crate::metric::bucket::Buckets;
use crate::metric::descriptor::Kind;
use crate::metric::kept::KeptValues;
use crate::snapshot::{FamilySnapshot, Form, SeriesLabels, Snapshot, StateSetValue, SummaryValue, Value};

/// The `Content-Type` of the format.
pub const TEXT_CONTENT_TYPE: &str = "text/plain; version=0.0.4; charset=utf-8";

/// Room for a line of the usual length, so that the buffer is seldom moved.
const USUAL_LINE: usize = 80;

/// Renders a snapshot.
pub(crate) fn encode(snapshot: &Snapshot) -> String {
    encode_of(snapshot, &|_| true)
}

/// Renders the families that are wanted.
pub(crate) fn encode_of(snapshot: &Snapshot, wanted: &dyn Fn(&FamilySnapshot) -> bool) -> String {
    let families = || snapshot.families().filter(|family| wanted(family));
    let mut out = Lines::with_capacity(USUAL_LINE * families().map(FamilySnapshot::len).sum::<usize>());
    families().for_each(|family| encode_family(&mut out, snapshot.own_labels(), family));
    String::from_utf8(out.finish()).expect("names, help and labels are strings, escapes cut none of their characters")
}

/// The word of a `# TYPE` line: this format has five types only. A gauge histogram is a histogram here, the type that has buckets.
fn type_word(kind: Kind) -> &'static str {
    match kind {
        Kind::Info | Kind::StateSet => "gauge",
        Kind::GaugeHistogram => "histogram",
        Kind::Counter | Kind::Gauge | Kind::Histogram | Kind::Summary => kind.as_str(),
    }
}

fn encode_family(out: &mut Lines, own_labels: &str, family: &FamilySnapshot) {
    let descriptor = family.descriptor();
    let name = descriptor.name();
    out.push_with(|out| {
        push(out, &["# HELP ", name, " "]);
        escape::help(out, descriptor.help());
        push(out, &["\n# TYPE ", name, " ", type_word(descriptor.kind()), "\n"]);
    });
    let names = Names::new(name, own_labels, family);
    let mut les = None;
    for series in family.series() {
        let labels = series.labels;
        match series.value {
            Value::Counter(value) => names.integer_sample(out, &names.plain, labels, value),
            Value::UpDown(value) => names.integer_sample(out, &names.plain, labels, value),
            Value::Float(value) => names.float_sample(out, &names.plain, labels, value),
            Value::Histogram(value) => {
                // All series of a family have the same bounds.
                let les = les.get_or_insert_with(|| bounds(value.buckets()));
                histogram(out, &names, labels, les, value.cumulative_counts(), value.sum());
            }
            Value::GaugeHistogram(value) => {
                histogram(out, &names, labels, &bounds(value.buckets()), value.cumulative_counts(), value.sum());
            }
            Value::StateSet(value) => state_set(out, &names, name, labels, value),
            Value::Info => names.integer_sample(out, &names.plain, labels, 1),
            Value::Summary(value) => summary(out, &names, labels, value),
        }
    }
}

/// What the lines of a family have in common: the names that its samples may have, and those of its labels.
struct Names {
    plain: Name,
    bucket: Name,
    sum: Name,
    count: Name,
    /// What stands before each value, where all series have the same labels.
    before: Box<[Fixed]>,
}

/// One name, with the registry's own labels if there are any.
struct Name {
    /// Before further labels: with the brace, and a comma after the own labels.
    open: Fixed,
    /// Before the value of a series without labels.
    alone: Fixed,
}

impl Names {
    fn new(name: &str, own_labels: &str, family: &FamilySnapshot) -> Self {
        let with = |suffix: &str| {
            let (comma, alone) = match own_labels {
                "" => ("", String::new()),
                _ => (",", format!("{{{own_labels}}}")),
            };
            Name {
                open: Fixed::new(&format!("{name}{suffix}{{{own_labels}{comma}")),
                alone: Fixed::new(&format!("{name}{suffix}{alone} ")),
            }
        };
        let before = family.label_names().into_iter().flat_map(|names| names.before()).map(Fixed::new).collect();
        Self { plain: with(""), bucket: with("_bucket"), sum: with("_sum"), count: with("_count"), before }
    }

    /// Everything of a line up to its last label, and a comma if there are labels: another one follows.
    fn start(&self, name: &Name, labels: SeriesLabels<'_>) -> Vec<u8> {
        let mut start = name.open.bytes().to_vec();
        match labels.0 {
            Form::Text(text) => start.extend_from_slice(text.as_bytes()),
            Form::Values(_, kept) => {
                for (before, value) in self.before.iter().zip(KeptValues::new(kept, self.before.len())) {
                    start.extend_from_slice(before.bytes());
                    start.extend_from_slice(value);
                }
            }
        }
        if !labels.is_empty() {
            start.push(b',');
        }
        start
    }

    /// The labels of the series itself.
    #[inline(always)]
    fn push_own(&self, out: &mut Lines, labels: SeriesLabels<'_>) {
        match labels.0 {
            Form::Text(text) => out.push(text.as_bytes()),
            Form::Values(_, kept) => {
                for (before, value) in self.before.iter().zip(KeptValues::new(kept, self.before.len())) {
                    out.push_fixed(before);
                    out.push(value);
                }
            }
        }
    }

    /// Everything of a line before its value.
    #[inline(always)]
    fn push_series(&self, out: &mut Lines, name: &Name, labels: SeriesLabels<'_>) {
        if labels.is_empty() {
            return out.push_fixed(&name.alone);
        }
        out.push_fixed(&name.open);
        self.push_own(out, labels);
        out.push(b"} ");
    }

    #[inline(always)]
    fn integer_sample(&self, out: &mut Lines, name: &Name, labels: SeriesLabels<'_>, value: impl itoa::Integer) {
        // Written first, and copied last: bytes that were stored a moment ago, one by one, cannot be loaded together yet.
        let mut digits = itoa::Buffer::new();
        let digits = digits.format(value).as_bytes();
        self.push_series(out, name, labels);
        out.push(digits);
        out.push(b"\n");
    }

    fn float_sample(&self, out: &mut Lines, name: &Name, labels: SeriesLabels<'_>, value: f64) {
        self.push_series(out, name, labels);
        out.push_with(|out| number::float(out, value));
        out.push(b"\n");
    }
}

/// What follows the labels of a bucket's line, one for each bound: the label `le`, and the space before the value.
fn bounds(buckets: &Buckets) -> Vec<Fixed> {
    buckets.spelt_bounds().iter().map(|bound| Fixed::new(&format!("le=\"{bound}\"}} "))).collect()
}

fn histogram(
    out: &mut Lines,
    names: &Names,
    labels: SeriesLabels<'_>,
    les: &[Fixed],
    cumulative: impl Iterator<Item = u64>,
    sum: f64,
) {
    let start = Fixed::new(&names.start(&names.bucket, labels));
    let mut count = 0;
    for (le, cumulative) in les.iter().zip(cumulative) {
        count = cumulative;
        let mut digits = itoa::Buffer::new();
        let digits = digits.format(cumulative).as_bytes();
        out.push_fixed(&start);
        out.push_fixed(le);
        out.push(digits);
        out.push(b"\n");
    }
    names.float_sample(out, &names.sum, labels, sum);
    names.integer_sample(out, &names.count, labels, count);
}

fn state_set(out: &mut Lines, names: &Names, label: &str, labels: SeriesLabels<'_>, value: StateSetValue<'_>) {
    let start = names.start(&names.plain, labels);
    for (state, active) in value.states() {
        out.push(&start);
        out.push_with(|out| {
            push(out, &[label, "=\""]);
            escape::label_value(out, state);
            push(out, &[if active { "\"} 1\n" } else { "\"} 0\n" }]);
        });
    }
}

fn summary(out: &mut Lines, names: &Names, labels: SeriesLabels<'_>, value: &SummaryValue) {
    let start = names.start(&names.plain, labels);
    for &(quantile, at) in value.quantiles() {
        out.push(&start);
        out.push_with(|out| {
            push(out, &["quantile=\""]);
            number::float(out, quantile);
            push(out, &["\"} "]);
            number::float(out, at);
            push(out, &["\n"]);
        });
    }
    names.float_sample(out, &names.sum, labels, value.sum());
    names.integer_sample(out, &names.count, labels, value.count());
}

fn push(out: &mut Vec<u8>, parts: &[&str]) {
    parts.iter().for_each(|part| out.extend_from_slice(part.as_bytes()));
}
