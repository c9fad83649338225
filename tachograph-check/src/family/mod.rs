//! What a whole family must look like: its metrics in one piece, their points in order, each point complete.

mod distribution;
mod plain;
mod quantiles;

use std::cmp::Ordering;
use std::collections::{HashMap, HashSet};

use crate::finding::{Broken, Findings, Place, quoted};
use crate::line::label_place;
use crate::number::Decimal;
use crate::reader::{Open, Spot};
use crate::{Format, Kind, Rule, Rules, Sample};

/// A sample with its place.
#[derive(Clone, Copy, Debug)]
struct Item<'a> {
    sample: &'a Sample,
    spot: Spot,
    /// What its name has behind the family's.
    suffix: &'a str,
}

/// What all checks of a family need.
#[derive(Debug)]
struct Judge<'a, 'b> {
    name: &'a str,
    kind: Kind,
    format: Format,
    rules: Rules,
    /// Nothing can be said to be missing.
    damaged: bool,
    findings: &'a mut Findings<'b>,
}

/// The samples of one metric: those that differ in suffix and in `le`, `quantile` or the state alone.
#[derive(Debug)]
struct Metric<'a> {
    /// The labels without the special one, in the order of the text.
    labels: Vec<(&'a str, &'a str)>,
    items: Vec<Item<'a>>,
}

/// Checks a family by its type, and its order if `rules` ask for it.
pub(crate) fn check(open: &Open, format: Format, rules: Rules, findings: &mut Findings<'_>) {
    let family = &open.family;
    let kind = family.kind.unwrap_or(if format.is_open() { Kind::Unknown } else { Kind::Untyped });
    let mut judge = Judge { name: &family.name, kind, format, rules, damaged: open.damaged, findings };
    if let (Some(unit), Kind::Info | Kind::StateSet) = (&family.unit, kind)
        && !unit.is_empty()
    {
        let place = Place { line: family.line, start: open.start };
        let told = format!("a unit of {}, whose values have none", quoted(&family.name));
        judge.findings.push(place, Broken::new(Rule::OmUnit, 0, told).remedy("leave UNIT out"));
    }
    let items = family.samples.iter().zip(&open.spots).map(|(sample, spot)| {
        let suffix = sample.name.strip_prefix(family.name.as_str()).unwrap_or_default();
        Item { sample, spot: *spot, suffix }
    });
    let items: Vec<Item<'_>> = items.filter(|item| judge.check_item(*item)).collect();
    let metrics = judge.group(items);
    let damaged = judge.damaged;
    for metric in &metrics {
        // What is wrong with one metric says nothing of the next.
        judge.damaged = damaged;
        judge.check_metric(metric);
    }
    if rules.series_sorted {
        judge.check_order(&metrics);
    }
}

impl<'a> Judge<'a, '_> {
    fn report(&mut self, item: Item<'_>, at: usize, rule: Rule, told: &str) {
        self.push(item, Broken::new(rule, at, format!("{told}: {}", self.shown(item))));
    }

    fn push(&mut self, item: Item<'_>, broken: Broken) {
        self.findings.push(item.spot.place, broken);
    }

    /// Reports something about the value of a sample.
    fn report_value(&mut self, item: Item<'_>, rule: Rule, told: &str) {
        self.report(item, item.spot.parts.value, rule, told);
    }

    /// Reports something about a label of a sample.
    fn report_label(&mut self, item: Item<'_>, label: &str, rule: Rule, told: &str) {
        let at = label_place(self.findings.line_at(item.spot.place), label);
        self.report(item, at, rule, told);
    }

    /// A sample as a message tells of it.
    fn shown(&self, item: Item<'_>) -> String {
        quoted(&String::from_utf8_lossy(self.findings.line_at(item.spot.place)))
    }

    /// The label that tells the samples of a metric apart, if this sample has one of its own right.
    fn special(&self, item: Item<'_>) -> Option<&'a str> {
        match (self.kind, item.suffix) {
            (Kind::Histogram | Kind::GaugeHistogram, "_bucket") => Some("le"),
            (Kind::Summary, "") => Some("quantile"),
            (Kind::StateSet, _) => Some(self.name),
            _ => None,
        }
    }

    /// Checks a sample on its own, and returns whether it may be looked at further.
    fn check_item(&mut self, item: Item<'_>) -> bool {
        let kept = match self.kind {
            Kind::Histogram | Kind::GaugeHistogram => Some("le"),
            Kind::Summary => Some("quantile"),
            _ => None,
        };
        if let Some(label) = kept.filter(|_| self.special(item).is_none())
            && item.sample.label(label).is_some()
        {
            self.report_label(item, label, Rule::ReservedLabel, &format!("a label `{label}` that the format keeps for itself"));
            self.damaged = true;
            return false;
        }
        let exemplars =
            matches!((self.kind, item.suffix), (Kind::Counter, "_total") | (Kind::Histogram | Kind::GaugeHistogram, "_bucket"));
        if item.sample.exemplar.is_some() && !exemplars {
            self.report(item, item.spot.parts.exemplar, Rule::OmExemplarPlace, "an exemplar that must not be there");
        }
        if self.format.is_open() && item.suffix == "_created" && self.kind != Kind::Unknown && !item.sample.value.is_finite() {
            self.report_value(item, Rule::OmCreated, "a time of creation that is no time");
            return false;
        }
        true
    }

    /// Splits the samples by their labels without the special one. In OpenMetrics those of a metric stand together.
    fn group(&mut self, items: Vec<Item<'a>>) -> Vec<Metric<'a>> {
        let mut metrics: Vec<Metric<'a>> = Vec::new();
        let mut places: HashMap<Vec<(&str, &str)>, usize> = HashMap::new();
        let mut told = false;
        for item in items {
            let special = self.special(item);
            let labels = item.sample.labels.iter().filter(|(name, _)| Some(name.as_str()) != special);
            let labels: Vec<_> = labels.map(|(name, value)| (name.as_str(), value.as_str())).collect();
            if let Some(last) = metrics.last_mut()
                && last.labels == labels
            {
                last.items.push(item);
                continue;
            }
            let mut key = labels.clone();
            key.sort_unstable();
            let place = *places.entry(key).or_insert(metrics.len());
            if place == metrics.len() {
                metrics.push(Metric { labels, items: vec![item] });
                continue;
            }
            // Where each metric is one sample, the same labels again are the same series again, of which `points` tells.
            let lone = matches!(self.kind, Kind::Gauge | Kind::Unknown | Kind::Untyped | Kind::Info)
                || (self.kind == Kind::Counter && !self.format.is_open());
            if place + 1 == metrics.len() || self.kind == Kind::Info || (lone && item.sample.timestamp.is_none()) {
                metrics[place].items.push(item);
                continue;
            }
            let first = !std::mem::replace(&mut told, true);
            if self.format.is_open() {
                if first {
                    self.report(item, 0, Rule::OmMetricSplit, "a metric goes on after another one has begun");
                    self.damaged = true;
                }
                continue;
            }
            if first && self.rules.series_sorted {
                self.report(item, 0, Rule::OwnSeriesOrder, "a series in two pieces");
            }
            metrics[place].items.push(item);
        }
        metrics
    }

    fn check_metric(&mut self, metric: &Metric<'a>) {
        for point in self.points(metric) {
            match self.kind {
                Kind::Counter => self.check_counter(&point),
                Kind::Info => self.check_info(&point),
                Kind::StateSet => self.check_states(&point),
                Kind::Histogram | Kind::GaugeHistogram => self.check_distribution(&point),
                Kind::Summary => self.check_summary(&point),
                Kind::Gauge | Kind::Untyped | Kind::Unknown => {}
            }
        }
    }

    /// Splits a metric by its timestamps, and takes out what is there twice.
    fn points(&mut self, metric: &Metric<'a>) -> Vec<Vec<Item<'a>>> {
        let mut points: Vec<Vec<Item<'a>>> = Vec::new();
        let mut seen = HashSet::new();
        let mut last: Option<Option<Decimal<'a>>> = None;
        let mut told = false;
        for &item in &metric.items {
            let time = item.sample.timestamp.as_ref().filter(|_| self.format.is_open());
            let time = time.and_then(|time| Decimal::read(&time.text));
            let order = match (last, time) {
                (None, _) => Some(Ordering::Greater),
                (Some(None), None) => Some(Ordering::Equal),
                (Some(Some(last)), Some(time)) => Some(time.compare(last)),
                _ => None,
            };
            match order {
                Some(Ordering::Greater) => {
                    points.push(Vec::new());
                    // Not cleared, which would take as long as the largest point so far.
                    seen = HashSet::new();
                }
                Some(Ordering::Equal) => {}
                broken => {
                    if !std::mem::replace(&mut told, true) {
                        let reason = if broken.is_none() {
                            "a metric with and without timestamps"
                        } else {
                            "a timestamp before the last one"
                        };
                        self.report(item, item.spot.parts.timestamp, Rule::OmPointTime, reason);
                        self.damaged = true;
                    }
                    continue;
                }
            }
            last = Some(time);
            let special = self.special(item).and_then(|label| item.sample.label(label));
            if !seen.insert((item.suffix, special)) {
                self.report(item, 0, Rule::SeriesTwice, "the same series a second time");
                continue;
            }
            points.last_mut().expect("the first sample begins a point").push(item);
        }
        points
    }

    fn check_order(&mut self, metrics: &[Metric<'a>]) {
        let values = |metric: &'_ Metric<'a>| metric.labels.iter().map(|(_, value)| *value).collect::<Vec<_>>();
        let behind = |pair: &&[Metric<'a>]| values(&pair[0]) > values(&pair[1]);
        if let Some(pair) = metrics.windows(2).find(behind) {
            self.report(pair[1].items[0], 0, Rule::OwnSeriesOrder, "series that are not in the order of their label values");
        }
    }

    /// Reads a count, or reports why it is none.
    fn count(&mut self, item: Item<'a>) -> Option<Decimal<'a>> {
        let text = item.sample.text.as_str();
        let whole = Decimal::read(text).filter(|count| count.is_whole() && !count.is_negative());
        if whole.is_none() {
            self.report_value(item, Rule::Count, "a count that is not a whole number");
            self.damaged = true;
        } else if self.rules.canonical && !crate::number::is_plain_count(text) {
            self.report_value(item, Rule::OwnCount, "a count that is not plain digits");
        }
        whole
    }
}
