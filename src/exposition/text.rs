//! The Prometheus text format, version 0.0.4.
//!
//! Families by name, series by label values, so the same state always renders to the same bytes. Labels were escaped when their
//! series was made; what is left to do here is to copy texts and to write numbers.

use super::{escape, number};
use crate::snapshot::{FamilySnapshot, HistogramValue, Snapshot, SummaryValue, Value};

/// The `Content-Type` of the format.
pub const TEXT_CONTENT_TYPE: &str = "text/plain; version=0.0.4; charset=utf-8";

/// Room for a line of the usual length, so that the buffer is seldom moved.
const USUAL_LINE: usize = 80;

/// Renders a snapshot.
pub(crate) fn encode(snapshot: &Snapshot) -> String {
    let mut out = String::with_capacity(USUAL_LINE * snapshot.series_count());
    snapshot.families().for_each(|family| encode_family(&mut out, family));
    out
}

fn encode_family(out: &mut String, family: &FamilySnapshot) {
    let descriptor = family.descriptor();
    let name = descriptor.name();
    push(out, &["# HELP ", name, " "]);
    escape::help(out, descriptor.help());
    push(out, &["\n# TYPE ", name, " ", descriptor.kind().as_str(), "\n"]);
    let mut les = None;
    for series in family.series() {
        match series.value {
            Value::Counter(value) => integer_sample(out, name, "", series.labels, value),
            Value::UpDown(value) => integer_sample(out, name, "", series.labels, value),
            Value::Float(value) => float_sample(out, name, "", series.labels, value),
            Value::Histogram(value) => {
                // All series of a family have the same bounds.
                let les = les.get_or_insert_with(|| value.buckets().spelt_bounds());
                histogram(out, name, series.labels, les, &value);
            }
            Value::Summary(value) => summary(out, name, series.labels, value),
        }
    }
}

fn histogram(out: &mut String, name: &str, labels: &str, les: &[String], value: &HistogramValue<'_>) {
    let mut cumulative = 0u64;
    for (le, count) in les.iter().zip(value.counts()) {
        cumulative = cumulative.wrapping_add(*count);
        sample_with(out, name, "_bucket", labels, "le", le);
        number::integer(out, cumulative);
        out.push('\n');
    }
    float_sample(out, name, "_sum", labels, value.sum());
    integer_sample(out, name, "_count", labels, cumulative);
}

fn summary(out: &mut String, name: &str, labels: &str, value: &SummaryValue) {
    for &(quantile, at) in value.quantiles() {
        let mut spelt = String::new();
        number::float(&mut spelt, quantile);
        sample_with(out, name, "", labels, "quantile", &spelt);
        number::float(out, at);
        out.push('\n');
    }
    float_sample(out, name, "_sum", labels, value.sum());
    integer_sample(out, name, "_count", labels, value.count());
}

#[inline]
fn integer_sample(out: &mut String, name: &str, suffix: &str, labels: &str, value: impl itoa::Integer) {
    sample(out, name, suffix, labels);
    number::integer(out, value);
    out.push('\n');
}

fn float_sample(out: &mut String, name: &str, suffix: &str, labels: &str, value: f64) {
    sample(out, name, suffix, labels);
    number::float(out, value);
    out.push('\n');
}

/// Everything of a line before its value.
#[inline]
fn sample(out: &mut String, name: &str, suffix: &str, labels: &str) {
    if labels.is_empty() {
        push(out, &[name, suffix, " "]);
    } else {
        push(out, &[name, suffix, "{", labels, "} "]);
    }
}

/// The same with one label more, whose value needs no escape.
#[inline]
fn sample_with(out: &mut String, name: &str, suffix: &str, labels: &str, label: &str, value: &str) {
    let comma = if labels.is_empty() { "" } else { "," };
    push(out, &[name, suffix, "{", labels, comma, label, "=\"", value, "\"} "]);
}

#[inline]
fn push(out: &mut String, parts: &[&str]) {
    parts.iter().for_each(|part| out.push_str(part));
}
