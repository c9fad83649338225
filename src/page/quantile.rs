//! Quantiles of what came since an earlier snapshot, out of a histogram's buckets: as `histogram_quantile` of Prometheus has
//! them, so that the page and a dashboard agree.

use crate::HistogramValue;

/// The buckets of a histogram: upper bounds, the last one infinite, and counts that do not add up.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Buckets {
    pub(super) bounds: Vec<f64>,
    pub(super) counts: Vec<u64>,
}

impl Buckets {
    pub(super) fn of(value: &HistogramValue<'_>) -> Self {
        let mut below = 0;
        let each = value.cumulative().map(|(bound, upto)| {
            let count = upto.wrapping_sub(below);
            below = upto;
            (bound, count)
        });
        let (bounds, counts) = each.unzip();
        Self { bounds, counts }
    }

    /// What came since an earlier one; `None` if they have not the same bounds.
    pub(super) fn since(&self, earlier: &Self) -> Option<Self> {
        let counts = self.counts.iter().zip(&earlier.counts).map(|(now, before)| now.saturating_sub(*before)).collect();
        (self.bounds == earlier.bounds).then(|| Self { bounds: self.bounds.clone(), counts })
    }

    pub(super) fn quantile(&self, q: f64) -> Option<f64> {
        interpolated(&self.bounds, &self.counts, q)
    }
}

/// The quantile, taken as if the observations of a bucket were spread evenly over it; of the last bucket its lower bound.
/// `None` of none.
pub(super) fn interpolated(bounds: &[f64], counts: &[u64], q: f64) -> Option<f64> {
    let count: u64 = counts.iter().sum();
    if count == 0 {
        return None;
    }
    let rank = q * count as f64;
    let mut below = 0.0;
    let mut low = 0.0;
    for (&bound, &count) in bounds.iter().zip(counts) {
        if bound.is_infinite() {
            break;
        }
        if count > 0 && below + count as f64 >= rank {
            return Some(low + (bound - low) * ((rank - below) / count as f64));
        }
        below += count as f64;
        low = bound;
    }
    Some(low)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_are_those_of_prometheus() {
        let bounds = [0.1, 0.5, 1.0, f64::INFINITY];
        assert_eq!(interpolated(&bounds, &[0; 4], 0.5), None);
        // histogram_quantile(0.5, …) of 10 in (0.1, 0.5] is the middle of it.
        for (counts, q, expected) in [
            ([0, 10, 0, 0], 0.5, 0.3),
            ([10, 0, 0, 0], 0.9, 0.09),
            ([5, 0, 5, 0], 0.5, 0.1),
            ([5, 0, 5, 0], 0.75, 0.75),
            ([0, 0, 0, 3], 0.5, 1.0),
            ([1, 0, 0, 99], 0.99, 1.0),
        ] {
            let told = interpolated(&bounds, &counts, q).unwrap();
            assert!((told - expected).abs() < 1e-12, "{counts:?}: {told}");
        }
    }

    #[test]
    fn a_difference_is_of_the_same_bounds_and_never_negative() {
        let of = |bounds: &[f64], counts: &[u64]| Buckets { bounds: bounds.to_vec(), counts: counts.to_vec() };
        let earlier = of(&[1.0, f64::INFINITY], &[3, 4]);
        assert_eq!(of(&[1.0, f64::INFINITY], &[5, 1]).since(&earlier), Some(of(&[1.0, f64::INFINITY], &[2, 0])));
        assert_eq!(of(&[2.0, f64::INFINITY], &[5, 5]).since(&earlier), None);
    }
}
