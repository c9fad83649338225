//! Summaries.

use super::{Item, Judge};
use crate::Rule;
use crate::number;

impl<'a> Judge<'a, '_> {
    pub(super) fn check_summary(&mut self, point: &[Item<'a>]) {
        let find = |suffix: &str| point.iter().copied().find(|item| item.suffix == suffix);
        let (sum, count) = (find("_sum"), find("_count"));
        let Some(last) = point.last().copied() else { return };
        let counted = count.and_then(|count| self.count(count));
        let empty = counted.is_some() && count.is_some_and(|count| count.sample.value == 0.0);
        if let Some(sum) = sum.filter(|sum| self.format.is_open() && (sum.sample.value.is_nan() || sum.sample.value < 0.0)) {
            self.report_value(sum, Rule::OmSum, "a sum that is NaN or negative");
        }
        self.check_quantiles(point, empty);
        if self.damaged || self.format.is_open() {
            return;
        }
        match (sum, count) {
            (Some(_), Some(_)) => self.check_last_parts(point),
            (None, _) => self.report(last, 0, Rule::HistogramParts, "a summary without `_sum`"),
            (_, None) => self.report(last, 0, Rule::HistogramParts, "a summary without `_count`"),
        }
    }

    fn check_quantiles(&mut self, point: &[Item<'a>], empty: bool) {
        let mut seen: Vec<f64> = Vec::new();
        for &item in point.iter().filter(|item| item.suffix.is_empty()) {
            let Some(text) = item.sample.label("quantile") else {
                self.report(item, item.spot.parts.labels, Rule::Quantile, "a sample without `quantile`");
                continue;
            };
            let Some(quantile) = number::real(text).filter(|quantile| (0.0..=1.0).contains(quantile)) else {
                self.report_label(item, "quantile", Rule::Quantile, "a quantile outside of 0 to 1");
                continue;
            };
            self.check_canonical(item, "quantile", text, quantile);
            if !self.format.is_open() && seen.last().is_some_and(|last| quantile <= *last) {
                self.report_label(item, "quantile", Rule::Quantile, "quantiles that do not increase");
            }
            seen.push(quantile);
            if self.format.is_open() && item.sample.value < 0.0 {
                self.report_value(item, Rule::OmQuantileValue, "a quantile whose value is negative");
            }
            if self.rules.canonical && empty && !item.sample.value.is_nan() {
                self.report_value(item, Rule::OwnEmptyQuantile, "a quantile of no observations that is not NaN");
            }
        }
        seen.sort_by(f64::total_cmp);
        if self.format.is_open()
            && seen.windows(2).any(|pair| pair[0] == pair[1])
            && let Some(item) = point.iter().copied().rfind(|item| item.suffix.is_empty())
        {
            self.report(item, 0, Rule::Quantile, "the same quantile twice, in two spellings");
        }
    }
}
