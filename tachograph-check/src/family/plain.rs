//! Counters, infos and sets of states.

use super::{Item, Judge};
use crate::Rule;
use crate::finding::{Broken, quoted};

impl Judge<'_, '_> {
    pub(super) fn check_counter(&mut self, point: &[Item<'_>]) {
        for item in point.iter().filter(|item| item.suffix != "_created") {
            if item.sample.value.is_nan() || item.sample.value < 0.0 {
                self.report_value(*item, Rule::CounterValue, "a counter that is NaN or negative");
            }
        }
        if let Some(first) = point.first()
            && point.iter().all(|item| item.suffix == "_created")
            && !self.damaged
        {
            self.report(*first, 0, Rule::OmCounterTotal, "a counter without `_total`");
        }
    }

    pub(super) fn check_info(&mut self, point: &[Item<'_>]) {
        for item in point {
            if item.sample.value != 1.0 {
                self.report_value(*item, Rule::OmInfo, "an info whose value is not 1");
            }
        }
    }

    pub(super) fn check_states(&mut self, point: &[Item<'_>]) {
        for item in point {
            if item.sample.label(self.name).is_none() {
                let told = format!("a state without a label {}: {}", quoted(self.name), self.shown(*item));
                self.push(*item, Broken::new(Rule::OmStateSet, item.spot.parts.labels, told));
            } else if item.sample.value != 0.0 && item.sample.value != 1.0 {
                self.report_value(*item, Rule::OmStateSet, "a state that is neither 0 nor 1");
            }
        }
    }
}
