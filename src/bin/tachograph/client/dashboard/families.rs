//! All families of a scrape, whatever they measure: value, rate, past.

use std::collections::HashMap;

use super::figures::merged;
use super::history::History;
use crate::client::figure::{self, Unit, figure};
use crate::client::scrape::{Family, Histogram, Scrape, Series, Since, Value};

/// Families whose past is kept, the first of a scrape.
const MOST_FAMILIES: usize = 2_000;
/// Series whose past is kept, the first of a scrape: 5 MB at most.
pub(super) const MOST_SERIES: usize = 4_096;

/// What is computed of each family of a scrape, in its order.
#[derive(Debug, Default)]
pub(super) struct Families {
    pub(super) lines: Vec<Line>,
    pasts: HashMap<String, History>,
    pasts_of_series: HashMap<String, History>,
    /// Scrapes and times without one so far, as far as pasts reach.
    points: usize,
}

/// A family.
#[derive(Debug)]
pub(super) struct Line {
    /// Of counters the sum, of one gauge its value, of several the least and the most, of histograms the p95.
    pub(super) value: String,
    /// By which it is sorted.
    pub(super) order: f64,
    /// A second, of what is counted.
    pub(super) rate: Option<f64>,
    pub(super) unit: Unit,
    /// What all series of a histogram have observed since the scrape before.
    pub(super) observed: Option<Histogram>,
    pub(super) series: Vec<SeriesLine>,
}

/// A series of it.
#[derive(Debug)]
pub(super) struct SeriesLine {
    pub(super) rate: Option<f64>,
    /// p50, p95 and p99 of what came since the scrape before, or, if nothing did, of all time.
    pub(super) quantiles: Option<[f64; 3]>,
}

impl Families {
    /// Takes a scrape, and what has changed since the one before.
    pub(super) fn take(&mut self, scrape: &Scrape, since: Option<&Since<'_>>) {
        let (mut pasts, mut pasts_of_series) = (HashMap::new(), HashMap::new());
        self.lines.clear();
        for (at, family) in scrape.families.iter().enumerate() {
            let line = line(family, since);
            if at < MOST_FAMILIES {
                let known = self.pasts.remove(&family.name);
                let mut past = known.unwrap_or_else(|| History::after(self.points));
                past.push(point(family, &line));
                pasts.insert(family.name.clone(), past);
            }
            for (series, told) in family.series.iter().zip(&line.series) {
                if pasts_of_series.len() >= MOST_SERIES {
                    break;
                }
                let name = key(family, series);
                let mut past = self.pasts_of_series.remove(&name).unwrap_or_else(|| History::after(self.points));
                past.push(if family.is_counted() { told.rate } else { series.number() });
                pasts_of_series.insert(name, past);
            }
            self.lines.push(line);
        }
        // What is not in the scrape any more is forgotten.
        (self.pasts, self.pasts_of_series) = (pasts, pasts_of_series);
        self.points += 1;
    }

    /// A time without an answer.
    pub(super) fn miss(&mut self) {
        self.pasts.values_mut().chain(self.pasts_of_series.values_mut()).for_each(|past| past.push(None));
        self.points += 1;
    }

    /// The past of a family: of what is counted its rate, of several gauges their mean.
    pub(super) fn past(&self, family: &Family) -> Option<&History> {
        self.pasts.get(&family.name)
    }

    /// The past of a series.
    pub(super) fn past_of(&self, family: &Family, series: &Series) -> Option<&History> {
        self.pasts_of_series.get(&key(family, series))
    }
}

fn key(family: &Family, series: &Series) -> String {
    let mut key = family.name.clone();
    for (name, value) in &series.labels {
        key.push('\0');
        key.push_str(name);
        key.push('\0');
        key.push_str(value);
    }
    key
}

fn line(family: &Family, since: Option<&Since<'_>>) -> Line {
    let unit = Unit::of(&family.name, family.unit.as_deref());
    let series: Vec<SeriesLine> = family.series.iter().map(|series| series_line(family, series, since)).collect();
    let rate = series.iter().filter_map(|line| line.rate).reduce(|sum, rate| sum + rate);
    let observed = since.and_then(|since| merged(family, |series| since.observed(family, series)));
    let (order, value) = value(family, unit, observed.as_ref());
    Line { value, order, rate, unit, observed, series }
}

fn series_line(family: &Family, series: &Series, since: Option<&Since<'_>>) -> SeriesLine {
    let rate = since.and_then(|since| since.rate(family, series));
    let quantiles = match &series.value {
        Value::Histogram(all) => {
            let observed = since.and_then(|since| since.observed(family, series));
            let observed = observed.filter(|observed| observed.observations() > 0.0);
            quantiles(observed.as_ref().unwrap_or(all))
        }
        _ => None,
    };
    SeriesLine { rate, quantiles }
}

/// p50, p95 and p99.
pub(super) fn quantiles(histogram: &Histogram) -> Option<[f64; 3]> {
    Some([histogram.quantile(0.5)?, histogram.quantile(0.95)?, histogram.quantile(0.99)?])
}

/// What it is sorted by, and the text.
fn value(family: &Family, unit: Unit, observed: Option<&Histogram>) -> (f64, String) {
    let numbers = || family.series.iter().filter_map(Series::number).filter(|number| !number.is_nan());
    match family.series.first().map(|series| &series.value) {
        Some(Value::Number(..)) if family.is_counted() => {
            let sum: f64 = numbers().sum();
            (sum, figure(sum, unit))
        }
        Some(Value::Number(only, _)) if family.series.len() == 1 => (*only, figure(*only, short(unit))),
        Some(Value::Number(..)) => {
            let least = numbers().fold(f64::INFINITY, f64::min);
            let most = numbers().fold(f64::NEG_INFINITY, f64::max);
            match least <= most {
                true if least == most => (most, figure(most, short(unit))),
                true => (most, format!("{} … {}", figure(least, short(unit)), figure(most, short(unit)))),
                false => (f64::NAN, "NaN".to_owned()),
            }
        }
        Some(Value::Histogram(_)) => {
            let recent = observed.and_then(|observed| observed.quantile(0.95));
            let all = || {
                merged(family, |series| match &series.value {
                    Value::Histogram(histogram) => Some(histogram.clone()),
                    _ => None,
                })?
                .quantile(0.95)
            };
            match recent.or_else(all) {
                Some(value) => (value, format!("p95 {}", figure(value, unit))),
                None => (f64::NEG_INFINITY, "–".to_owned()),
            }
        }
        Some(Value::Summary(summary)) => match summary.quantiles.last().filter(|(_, value)| !value.is_nan()) {
            Some((quantile, value)) => (*value, format!("p{} {}", figure::plain(quantile * 100.0), figure(*value, unit))),
            None => {
                (f64::NEG_INFINITY, summary.count.map_or("–".to_owned(), |count| format!("count {}", figure::plain(count))))
            }
        },
        None => (f64::NEG_INFINITY, "–".to_owned()),
    }
}

/// A date is too long for a table: seconds since 1970 are shown as they are.
pub(super) fn short(unit: Unit) -> Unit {
    if unit == Unit::Time { Unit::Plain } else { unit }
}

/// What is drawn over time.
fn point(family: &Family, line: &Line) -> Option<f64> {
    if family.is_counted() {
        return line.rate;
    }
    let (count, sum) =
        family.series.iter().filter_map(Series::number).fold((0.0, 0.0), |(n, sum), number| (n + 1.0, sum + number));
    (count > 0.0).then(|| sum / count)
}
