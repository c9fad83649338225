//! Buckets, and the quantiles that are estimated from them.

/// Cumulative buckets.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Histogram {
    /// Upper bound and how many observations are not above it, by rising bound; the last bound is infinite.
    pub(crate) buckets: Vec<(f64, f64)>,
    pub(crate) sum: Option<f64>,
    /// `None` if the text does not say it: then it is what the last bucket holds.
    pub(crate) count: Option<f64>,
}

impl Histogram {
    /// Puts the buckets in order, and makes them cumulative where they were not: then quantiles never fall.
    pub(super) fn finish(&mut self) {
        self.buckets.retain(|(bound, count)| !bound.is_nan() && !count.is_nan());
        self.buckets.sort_by(|one, other| one.0.total_cmp(&other.0));
        self.buckets.dedup_by_key(|(bound, _)| *bound);
        if let Some(count) = self.count.filter(|_| self.buckets.last().is_none_or(|(bound, _)| bound.is_finite())) {
            self.buckets.push((f64::INFINITY, count));
        }
        let mut most = 0.0_f64;
        for (_, count) in &mut self.buckets {
            most = most.max(*count);
            *count = most;
        }
    }

    /// How many observations there are.
    pub(crate) fn observations(&self) -> f64 {
        self.count.or(self.buckets.last().map(|(_, count)| *count)).unwrap_or(0.0)
    }

    /// `None` without observations, or if the text does not tell their sum.
    pub(crate) fn mean(&self) -> Option<f64> {
        let mean = self.sum? / self.observations();
        mean.is_finite().then_some(mean)
    }

    /// How many observations each bucket holds by itself, with its upper bound.
    pub(crate) fn parts(&self) -> impl Iterator<Item = (f64, f64)> {
        let before = std::iter::once(0.0).chain(self.buckets.iter().map(|(_, count)| *count));
        self.buckets.iter().zip(before).map(|((bound, count), before)| (*bound, count - before))
    }

    /// Estimates a quantile as Prometheus does: evenly within a bucket, from 0 in the first one if its bound is positive, and
    /// the last finite bound for whatever is above it. `None` without observations.
    pub(crate) fn quantile(&self, quantile: f64) -> Option<f64> {
        let total = self.buckets.last().map(|(_, count)| *count).filter(|total| *total > 0.0)?;
        let rank = quantile.clamp(0.0, 1.0) * total;
        let at = self.buckets.iter().position(|(_, count)| *count >= rank)?;
        let (bound, count) = self.buckets[at];
        if bound.is_infinite() {
            return at.checked_sub(1).map(|before| self.buckets[before].0);
        }
        let (start, before) = match at.checked_sub(1) {
            Some(before) => self.buckets[before],
            None if bound <= 0.0 => return Some(bound),
            None => (0.0, 0.0),
        };
        let share = if count > before { (rank - before) / (count - before) } else { 1.0 };
        Some(start + (bound - start) * share)
    }

    /// What came since `earlier`; all of it if one of the counts has fallen, which is what a restart looks like.
    pub(crate) fn since(&self, earlier: &Self) -> Self {
        let same = self.buckets.len() == earlier.buckets.len()
            && self.buckets.iter().zip(&earlier.buckets).all(|(now, before)| now.0 == before.0 && now.1 >= before.1);
        if !same || self.observations() < earlier.observations() {
            return self.clone();
        }
        let buckets = self.buckets.iter().zip(&earlier.buckets).map(|(now, before)| (now.0, now.1 - before.1));
        Self {
            buckets: buckets.collect(),
            sum: self.sum.zip(earlier.sum).map(|(now, before)| now - before),
            count: self.count.zip(earlier.count).map(|(now, before)| now - before),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(buckets: &[(f64, f64)]) -> Histogram {
        let count = buckets.last().map(|(_, count)| *count);
        let mut histogram = Histogram { buckets: buckets.to_vec(), sum: None, count };
        histogram.finish();
        histogram
    }

    #[test]
    fn quantiles_are_those_of_prometheus() {
        let infinite = f64::INFINITY;
        let histogram = of(&[(1.0, 10.0), (2.0, 20.0), (4.0, 20.0), (infinite, 40.0)]);
        for (quantile, expected) in [(0.0, 0.0), (0.25, 1.0), (0.375, 1.5), (0.5, 2.0), (0.75, 4.0), (1.0, 4.0)] {
            assert_eq!(histogram.quantile(quantile), Some(expected), "{quantile}");
        }
        assert_eq!(of(&[(-1.0, 5.0), (infinite, 5.0)]).quantile(0.5), Some(-1.0));
        assert_eq!(of(&[(infinite, 5.0)]).quantile(0.5), None);
        assert_eq!(of(&[(1.0, 0.0), (infinite, 0.0)]).quantile(0.5), None);
        assert_eq!(Histogram::default().quantile(0.5), None);
    }

    #[test]
    fn buckets_in_disorder_are_put_in_order() {
        let histogram = of(&[(2.0, 5.0), (1.0, 7.0), (f64::NAN, 9.0), (f64::INFINITY, 6.0)]);
        assert_eq!(histogram.buckets, [(1.0, 7.0), (2.0, 7.0), (f64::INFINITY, 7.0)]);
        let mut without_last = Histogram { buckets: vec![(1.0, 2.0)], sum: None, count: Some(3.0) };
        without_last.finish();
        assert_eq!(without_last.buckets.last(), Some(&(f64::INFINITY, 3.0)));
    }

    #[test]
    fn what_came_since_is_all_of_it_after_a_restart() {
        let (before, now) = (of(&[(1.0, 3.0), (2.0, 5.0)]), of(&[(1.0, 4.0), (2.0, 9.0)]));
        assert_eq!(now.since(&before).parts().map(|(_, count)| count).collect::<Vec<_>>(), [1.0, 3.0, 0.0]);
        let fallen = of(&[(1.0, 1.0), (2.0, 50.0)]);
        assert_eq!(fallen.since(&now), fallen);
        let other_bounds = of(&[(1.0, 4.0), (3.0, 9.0)]);
        assert_eq!(other_bounds.since(&before), other_bounds);
    }
}
