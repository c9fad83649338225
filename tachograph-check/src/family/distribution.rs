//! Histograms and gaugehistograms.

use std::cmp::Ordering;

use super::{Item, Judge};
use crate::finding::{Broken, quoted};
use crate::number::{self, Decimal};
use crate::{Kind, Rule, openmetrics_float};

impl<'a> Judge<'a, '_> {
    pub(super) fn check_distribution(&mut self, point: &[Item<'a>]) {
        let gauge = self.kind == Kind::GaugeHistogram;
        let (sum_suffix, count_suffix) = if gauge { ("_gsum", "_gcount") } else { ("_sum", "_count") };
        let find = |suffix: &str| point.iter().copied().find(|item| item.suffix == suffix);
        let (sum, count) = (find(sum_suffix), find(count_suffix));
        let buckets: Vec<Item<'a>> = point.iter().copied().filter(|item| item.suffix == "_bucket").collect();
        let Some(last) = point.last().copied() else { return };

        let (bounds, total) = self.check_buckets(&buckets);
        let negative = bounds.iter().any(|bound| *bound < 0.0);
        if let Some(sum) = sum.filter(|_| self.format.is_open()) {
            self.check_sum(sum, negative, gauge);
        }
        let counted = count.and_then(|count| self.count(count));
        if self.damaged {
            return;
        }
        if bounds.last() != Some(&f64::INFINITY) {
            self.report(last, 0, Rule::BucketInf, "a histogram without an infinite bucket");
            return;
        }
        if let (Some(count), Some(counted), Some(total)) = (count, counted, total)
            && counted.compare(total) != Ordering::Equal
        {
            self.report_value(count, Rule::HistogramCount, "a count other than the infinite bucket");
        }
        let missing = match (sum, count) {
            (Some(_), None) => count_suffix,
            (None, Some(_)) => sum_suffix,
            (None, None) if !self.format.is_open() => sum_suffix,
            _ => {
                self.check_last_parts(point);
                return;
            }
        };
        self.report(last, 0, Rule::HistogramParts, &format!("a histogram without `{missing}`"));
    }

    /// Checks the buckets of a point, and returns their bounds and the value of the last one.
    fn check_buckets(&mut self, buckets: &[Item<'a>]) -> (Vec<f64>, Option<Decimal<'a>>) {
        let mut bounds: Vec<f64> = Vec::new();
        let mut below: Option<Decimal<'a>> = None;
        for &bucket in buckets {
            let Some(bound) = self.bound(bucket) else {
                self.damaged = true;
                continue;
            };
            if let Some(exemplar) = &bucket.sample.exemplar
                && (exemplar.value.is_nan() || exemplar.value > bound)
            {
                let told = format!("an exemplar of {} above the bound", quoted(&exemplar.text));
                self.report(bucket, bucket.spot.parts.exemplar_value, Rule::OmExemplarValue, &told);
            }
            let Some(value) = self.count(bucket) else { continue };
            let last = bounds.last().copied();
            if last.is_some_and(|last| bound <= last) {
                let told = if last == Some(bound) { "the same bound twice" } else { "bounds that do not increase" };
                self.report_label(bucket, "le", Rule::BucketOrder, told);
                self.damaged = true;
                continue;
            }
            if below.is_some_and(|below| value.compare(below) == Ordering::Less) {
                self.report_value(bucket, Rule::BucketCumulative, "a bucket that counts less than the one below it");
                self.damaged = true;
            }
            bounds.push(bound);
            below = Some(value);
        }
        (bounds, below)
    }

    /// Reads the bound of a bucket, or reports why it has none.
    fn bound(&mut self, bucket: Item<'a>) -> Option<f64> {
        let Some(text) = bucket.sample.label("le") else {
            self.report(bucket, bucket.spot.parts.labels, Rule::BucketBound, "a bucket without `le`");
            return None;
        };
        let Some(bound) = number::read(text).filter(|bound| !bound.is_nan()) else {
            self.report_label(bucket, "le", Rule::BucketBound, "a bound that is not a number");
            return None;
        };
        if bound == f64::INFINITY && text != "+Inf" {
            self.report_label(bucket, "le", Rule::BucketBound, "an infinite bound that is not `+Inf`");
            return None;
        }
        self.check_canonical(bucket, "le", text, bound);
        Some(bound)
    }

    /// Our own rule for the numbers that OpenMetrics has in labels.
    pub(super) fn check_canonical(&mut self, item: Item<'_>, label: &str, text: &str, value: f64) {
        if self.rules.canonical && self.format.is_open() && text != openmetrics_float(value) {
            let at = crate::line::label_place(self.findings.line_at(item.spot.place), label);
            let told = format!("{} is not the canonical form", quoted(text));
            let broken = Broken::new(Rule::OwnNumber, at, told);
            self.push(item, broken.remedy(format!("write `{}`", openmetrics_float(value))));
        }
    }

    fn check_sum(&mut self, sum: Item<'_>, negative_bounds: bool, gauge: bool) {
        let value = sum.sample.value;
        if value.is_nan() {
            self.report_value(sum, Rule::OmSum, "a sum that is NaN");
        } else if negative_bounds && !gauge {
            self.report(sum, 0, Rule::OmSum, "a sum of a histogram that has a negative bound");
        } else if value < 0.0 && !negative_bounds {
            self.report_value(sum, Rule::OmSum, "a sum that is negative");
        }
    }

    /// Our own rule for the end of a histogram or summary in text.
    pub(super) fn check_last_parts(&mut self, point: &[Item<'_>]) {
        let ends = point.len() >= 2 && point[point.len() - 2].suffix == "_sum" && point[point.len() - 1].suffix == "_count";
        if self.rules.series_sorted && !self.format.is_open() && !ends {
            self.report(point[point.len() - 1], 0, Rule::OwnPartOrder, "a series that does not end with sum and count");
        }
    }
}
