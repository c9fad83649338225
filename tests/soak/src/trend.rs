//! Whether something grows that should not.

/// What a quantity did over time.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Trend {
    /// The median of the first quarter.
    pub(crate) first: f64,
    /// The median of the last quarter.
    pub(crate) last: f64,
    pub(crate) most: f64,
    /// By the line of least squares, in an hour.
    pub(crate) hourly: f64,
}

impl Trend {
    /// Of seconds and values; `None` with fewer than four.
    pub(crate) fn of(points: &[(f64, f64)]) -> Option<Self> {
        let quarter = points.len() / 4;
        if quarter == 0 {
            return None;
        }
        let count = points.len() as f64;
        let (x, y) = points.iter().fold((0.0, 0.0), |(x, y), point| (x + point.0 / count, y + point.1 / count));
        let (above, below) = points
            .iter()
            .fold((0.0, 0.0), |(above, below), point| (above + (point.0 - x) * (point.1 - y), below + (point.0 - x).powi(2)));
        Some(Self {
            first: median(&points[..quarter]),
            last: median(&points[points.len() - quarter..]),
            most: points.iter().map(|point| point.1).fold(f64::MIN, f64::max),
            hourly: if below > 0.0 { above / below * 3_600.0 } else { 0.0 },
        })
    }

    pub(crate) fn growth(&self) -> f64 {
        self.last - self.first
    }
}

fn median(points: &[(f64, f64)]) -> f64 {
    let mut values: Vec<f64> = points.iter().map(|point| point.1).collect();
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn trend(value: impl Fn(f64) -> f64) -> Trend {
        let points: Vec<(f64, f64)> = (0..80).map(|second| (f64::from(second), value(f64::from(second)))).collect();
        Trend::of(&points).unwrap()
    }

    #[test]
    fn a_leak_is_seen_and_noise_is_not() {
        let flat = trend(|_| 30.0);
        assert_eq!((flat.growth(), flat.hourly, flat.most), (0.0, 0.0, 30.0));
        let noisy = trend(|second| if (second as u64).is_multiple_of(7) { 45.0 } else { 30.0 });
        assert_eq!((noisy.growth(), noisy.most), (0.0, 45.0));
        assert!(noisy.hourly.abs() < 100.0, "{noisy:?}");
        let leaking = trend(|second| 30.0 + second / 10.0);
        assert!((leaking.growth() - 6.0).abs() < 1e-9 && (leaking.hourly - 360.0).abs() < 1e-6, "{leaking:?}");
        let shrinking = trend(|second| 30.0 - second / 10.0);
        assert!(shrinking.growth() < 0.0);
    }

    #[test]
    fn a_few_points_are_no_trend() {
        assert_eq!(Trend::of(&[(0.0, 1.0); 3]), None);
        assert_eq!(Trend::of(&[(0.0, 1.0); 4]).unwrap().hourly, 0.0, "not even a division by nothing");
    }
}
