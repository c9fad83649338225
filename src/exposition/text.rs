//! The Prometheus text format, version 0.0.4.
//!
//! Families by name, series by label values, so the same state always renders to the same bytes. Labels were escaped when their
//! series was made; what is left to do here is to copy texts and to write numbers.

use super::{escape, number};
use crate::metric::bucket::Buckets;
use crate::metric::descriptor::Kind;
use crate::snapshot::{FamilySnapshot, Snapshot, StateSetValue, SummaryValue, Value};

/// The `Content-Type` of the format.
pub const TEXT_CONTENT_TYPE: &str = "text/plain; version=0.0.4; charset=utf-8";

/// Room for a line of the usual length, so that the buffer is seldom moved.
const USUAL_LINE: usize = 80;

/// Renders a snapshot.
pub(crate) fn encode(snapshot: &Snapshot) -> String {
    let mut out = Vec::with_capacity(USUAL_LINE * snapshot.series_count());
    snapshot.families().for_each(|family| encode_family(&mut out, snapshot.own_labels(), family));
    String::from_utf8(out).expect("names, help and labels are strings, escapes cut none of their characters")
}

/// The word of a `# TYPE` line: this format has five types only. A gauge histogram is a histogram here, the type that has buckets.
fn type_word(kind: Kind) -> &'static str {
    match kind {
        Kind::Info | Kind::StateSet => "gauge",
        Kind::GaugeHistogram => "histogram",
        Kind::Counter | Kind::Gauge | Kind::Histogram | Kind::Summary => kind.as_str(),
    }
}

fn encode_family(out: &mut Vec<u8>, own_labels: &str, family: &FamilySnapshot) {
    let descriptor = family.descriptor();
    let name = descriptor.name().as_bytes();
    push(out, &[b"# HELP ", name, b" "]);
    escape::help(out, descriptor.help());
    push(out, &[b"\n# TYPE ", name, b" ", type_word(descriptor.kind()).as_bytes(), b"\n"]);
    let names = Names::new(descriptor.name(), own_labels);
    let mut les = None;
    for (labels, value) in family.samples() {
        match value {
            Value::Counter(value) => integer_sample(out, &names.plain, labels, value),
            Value::UpDown(value) => integer_sample(out, &names.plain, labels, value),
            Value::Float(value) => float_sample(out, &names.plain, labels, value),
            Value::Histogram(value) => {
                // All series of a family have the same bounds.
                let les = les.get_or_insert_with(|| Bounds::new(value.buckets()));
                histogram(out, &names, labels, les, value.cumulative_counts(), value.sum());
            }
            Value::GaugeHistogram(value) => {
                histogram(out, &names, labels, &Bounds::new(value.buckets()), value.cumulative_counts(), value.sum());
            }
            Value::StateSet(value) => state_set(out, &names, name, labels, value),
            Value::Info => integer_sample(out, &names.plain, labels, 1),
            Value::Summary(value) => summary(out, &names, labels, value),
        }
    }
}

/// The names that a family's samples may have, each with the brace that opens its labels, and with the registry's own labels and a
/// comma if there are any.
struct Names {
    plain: Box<[u8]>,
    bucket: Box<[u8]>,
    sum: Box<[u8]>,
    count: Box<[u8]>,
}

impl Names {
    fn new(name: &str, own_labels: &str) -> Self {
        let comma = if own_labels.is_empty() { "" } else { "," };
        let with = |suffix| format!("{name}{suffix}{{{own_labels}{comma}").into_bytes().into();
        Self { plain: with(""), bucket: with("_bucket"), sum: with("_sum"), count: with("_count") }
    }
}

/// What follows the labels of a bucket's line, one for each bound: the label `le`, and the space before the value.
struct Bounds(Vec<String>);

impl Bounds {
    fn new(buckets: &Buckets) -> Self {
        Self(buckets.spelt_bounds().iter().map(|bound| format!("le=\"{bound}\"}} ")).collect())
    }
}

fn histogram(out: &mut Vec<u8>, names: &Names, labels: &[u8], les: &Bounds, cumulative: impl Iterator<Item = u64>, sum: f64) {
    let comma: &[u8] = if labels.is_empty() { b"" } else { b"," };
    let start = [&names.bucket, labels, comma].concat();
    let mut count = 0;
    for (le, cumulative) in les.0.iter().zip(cumulative) {
        count = cumulative;
        push(out, &[&start, le.as_bytes()]);
        number::integer(out, cumulative);
        out.push(b'\n');
    }
    float_sample(out, &names.sum, labels, sum);
    integer_sample(out, &names.count, labels, count);
}

fn state_set(out: &mut Vec<u8>, names: &Names, label: &[u8], labels: &[u8], value: StateSetValue<'_>) {
    let comma: &[u8] = if labels.is_empty() { b"" } else { b"," };
    for (state, active) in value.states() {
        push(out, &[&names.plain, labels, comma, label, b"=\""]);
        escape::label_value(out, state);
        out.extend_from_slice(if active { b"\"} 1\n" } else { b"\"} 0\n" });
    }
}

fn summary(out: &mut Vec<u8>, names: &Names, labels: &[u8], value: &SummaryValue) {
    let comma: &[u8] = if labels.is_empty() { b"" } else { b"," };
    for &(quantile, at) in value.quantiles() {
        push(out, &[&names.plain, labels, comma, b"quantile=\""]);
        number::float(out, quantile);
        out.extend_from_slice(b"\"} ");
        number::float(out, at);
        out.push(b'\n');
    }
    float_sample(out, &names.sum, labels, value.sum());
    integer_sample(out, &names.count, labels, value.count());
}

#[inline]
fn integer_sample(out: &mut Vec<u8>, name: &[u8], labels: &[u8], value: impl itoa::Integer) {
    sample(out, name, labels);
    number::integer(out, value);
    out.push(b'\n');
}

fn float_sample(out: &mut Vec<u8>, name: &[u8], labels: &[u8], value: f64) {
    sample(out, name, labels);
    number::float(out, value);
    out.push(b'\n');
}

/// Everything of a line before its value. The name comes as in [`Names`].
#[inline]
fn sample(out: &mut Vec<u8>, name: &[u8], labels: &[u8]) {
    if labels.is_empty() {
        let (open, name) = name.split_last().expect("a name ends with a brace or a comma");
        push(out, &[name, if *open == b'{' { b" " } else { b"} " }]);
    } else {
        out.extend_from_slice(name);
        out.extend_from_slice(labels);
        out.extend_from_slice(b"} ");
    }
}

fn push(out: &mut Vec<u8>, parts: &[&[u8]]) {
    parts.iter().for_each(|part| out.extend_from_slice(part));
}
