//! Figures over time, of which the newest are kept.

use std::collections::VecDeque;

/// Points that are kept of each figure: five minutes, if it is asked each second.
pub(super) const POINTS: usize = 300;

/// The last values of a figure, oldest first. Where there was no answer, or none that is a number, there is a gap.
#[derive(Clone, Debug, Default)]
pub(super) struct History(VecDeque<f32>);

impl History {
    /// A history that has been without a value for so many points.
    pub(super) fn after(gaps: usize) -> Self {
        Self(std::iter::repeat_n(f32::NAN, gaps.min(POINTS)).collect())
    }

    /// Adds the newest value; what is no finite number is a gap.
    pub(super) fn push(&mut self, value: Option<f64>) {
        if self.0.len() == POINTS {
            self.0.pop_front();
        }
        self.0.push_back(value.map(|value| value as f32).filter(|value| value.is_finite()).unwrap_or(f32::NAN));
    }

    /// The newest value, unless it is a gap.
    pub(super) fn last(&self) -> Option<f64> {
        self.0.back().copied().filter(|value| !value.is_nan()).map(f64::from)
    }

    /// The newest values, oldest of them first.
    pub(super) fn newest(&self, count: usize) -> impl Iterator<Item = Option<f64>> {
        let skipped = self.0.len().saturating_sub(count);
        self.0.iter().skip(skipped).map(|value| (!value.is_nan()).then_some(f64::from(*value)))
    }

    /// The largest of the newest values, at least 0.
    pub(super) fn most(&self, count: usize) -> f64 {
        self.newest(count).flatten().fold(0.0, f64::max)
    }

    pub(super) fn is_blank(&self) -> bool {
        self.0.iter().all(|value| value.is_nan())
    }

    pub(super) fn len(&self) -> usize {
        self.0.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_newest_points_are_kept_and_gaps_are_told() {
        let mut history = History::default();
        for value in 0..POINTS + 5 {
            history.push(Some(value as f64));
        }
        assert_eq!(history.len(), POINTS);
        assert_eq!(history.newest(2).collect::<Vec<_>>(), [Some(303.0), Some(304.0)]);
        for no_number in [None, Some(f64::NAN), Some(f64::INFINITY)] {
            history.push(no_number);
            assert_eq!(history.last(), None, "{no_number:?}");
        }
        assert_eq!((history.most(4), history.most(3), history.len()), (304.0, 0.0, POINTS));
        assert!(History::after(3).is_blank() && !history.is_blank());
    }
}
