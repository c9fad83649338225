//! Which families and series are shown, and in which order.

use crate::cli::{MetricsOptions, MetricsSort};
use crate::client::scrape::{Family, Histogram, Scrape, Series, Since, Value};

/// What is shown of a family.
pub(super) struct Chosen<'a> {
    pub(super) family: &'a Family,
    pub(super) rows: Vec<Row<'a>>,
    /// Series that were left out by `--top`.
    pub(super) more: usize,
}

/// A series, with what has changed since the last look if there was one.
pub(super) struct Row<'a> {
    pub(super) series: &'a Series,
    /// By second.
    pub(super) rate: Option<f64>,
    /// What a histogram has observed since.
    pub(super) observed: Option<Histogram>,
}

/// Chooses what the options ask for.
pub(super) fn choose<'a>(scrape: &'a Scrape, since: Option<&Since<'_>>, options: &MetricsOptions) -> Vec<Chosen<'a>> {
    let patterns: Vec<String> = options.grep.iter().map(|pattern| pattern.to_lowercase()).collect();
    let mut chosen = Vec::new();
    for family in &scrape.families {
        let name = family.name.to_lowercase();
        let whole = patterns.is_empty() || patterns.iter().any(|pattern| matches(pattern, &name));
        let shown = |series: &&Series| whole || patterns.iter().any(|pattern| matches(pattern, &spelled(family, series)));
        let row = |series: &'a Series| Row {
            series,
            rate: since.and_then(|since| since.rate(family, series)),
            observed: since.and_then(|since| since.observed(family, series)),
        };
        let mut rows: Vec<Row<'_>> = family.series.iter().filter(shown).map(row).collect();
        if rows.is_empty() && !(whole && family.series.is_empty()) {
            continue;
        }
        sort(&mut rows, options.sort);
        let most = options.top.map_or(rows.len(), |top| rows.len().min(top as usize));
        let more = rows.len() - most;
        rows.truncate(most);
        chosen.push(Chosen { family, rows, more });
    }
    chosen
}

fn sort(rows: &mut [Row<'_>], by: MetricsSort) {
    let largest_first = |one: Option<f64>, other: Option<f64>| {
        let number = |number: Option<f64>| number.filter(|number| !number.is_nan()).unwrap_or(f64::NEG_INFINITY);
        number(other).total_cmp(&number(one))
    };
    match by {
        MetricsSort::Text => {}
        MetricsSort::Labels => rows.sort_by(|one, other| one.series.labels.cmp(&other.series.labels)),
        MetricsSort::Value => rows.sort_by(|one, other| largest_first(size(one.series), size(other.series))),
        MetricsSort::Rate => rows.sort_by(|one, other| largest_first(one.rate, other.rate)),
    }
}

/// By what the series are compared.
fn size(series: &Series) -> Option<f64> {
    match &series.value {
        Value::Number(number, _) => Some(*number),
        Value::Histogram(histogram) => Some(histogram.observations()),
        Value::Summary(summary) => summary.count,
    }
}

/// The series as a text writes it, in lower case.
fn spelled(family: &Family, series: &Series) -> String {
    let labels: Vec<String> = series.labels.iter().map(|(name, value)| format!("{name}=\"{value}\"")).collect();
    format!("{}{{{}}}", family.name, labels.join(",")).to_lowercase()
}

/// Whether the text has the pieces between the stars of the pattern, one behind the other.
fn matches(pattern: &str, text: &str) -> bool {
    let mut rest = text;
    pattern.split('*').all(|piece| {
        let found = rest.find(piece);
        rest = found.map_or("", |at| &rest[at + piece.len()..]);
        found.is_some()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_star_stands_for_anything() {
        for (pattern, expected) in [
            ("http", true),
            ("requests", true),
            ("http*total", true),
            ("total*http", false),
            ("status=\"5*\"", true),
            ("status=\"4", false),
            ("*", true),
            ("http_requests_total{*}", true),
        ] {
            assert_eq!(matches(pattern, "http_requests_total{method=\"get\",status=\"500\"}"), expected, "{pattern}");
        }
    }
}
