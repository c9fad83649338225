//! Which quantiles a summary shows, of what unit, over what span.

use std::time::Duration;

use crate::snapshot::window;

/// Quantiles a summary may show: more are a histogram.
const MOST_QUANTILES: usize = 32;

/// How far back quantiles look unless told otherwise.
const USUAL_SPAN: Duration = Duration::from_secs(60);

/// Why quantiles were refused.
///
/// # Examples
///
/// ```
/// use tachograph::{QuantileError, Quantiles};
///
/// assert_eq!(Quantiles::bytes(&[0.9, 0.5]).unwrap_err(), QuantileError::NotIncreasing(0.5));
/// assert_eq!(Quantiles::whole(&[]).unwrap_err(), QuantileError::Count(0));
/// ```
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum QuantileError {
    /// There are none, or more than 32: give between 1 and 32.
    Count(usize),
    /// A quantile is not above the one before it: sort them and drop doubles.
    NotIncreasing(f64),
    /// A quantile is not between 0 and 1: the 99th percentile is 0.99.
    OutOfRange(f64),
}

impl std::fmt::Display for QuantileError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Count(count) => write!(f, "{count} quantiles given: a summary has 1 to {MOST_QUANTILES}"),
            Self::NotIncreasing(quantile) => {
                write!(f, "quantile {quantile} is not above the one before it: sort them and drop doubles")
            }
            Self::OutOfRange(quantile) => {
                write!(f, "quantile {quantile} is not between 0 and 1: the 99th percentile is 0.99")
            }
        }
    }
}

impl std::error::Error for QuantileError {}

/// The quantiles that a [`Summary`](crate::Summary) shows, and how far back they look: 60 s, unless told otherwise.
///
/// # Examples
///
/// ```
/// use std::time::Duration;
/// use tachograph::Quantiles;
///
/// let quantiles = Quantiles::seconds(&[0.5, 0.99])?.over(Duration::from_secs(300));
/// let error = Quantiles::seconds(&[99.0]).unwrap_err();
/// assert_eq!(error.to_string(), "quantile 99 is not between 0 and 1: the 99th percentile is 0.99");
/// # Ok::<(), tachograph::QuantileError>(())
/// ```
///
/// Each summary says what its values are:
///
/// ```
/// use tachograph::{Quantiles, Registry};
///
/// let registry = Registry::new();
/// registry.summary("answer_bytes", "Size of answers.", Quantiles::bytes(&[0.5])?)?.observe(600);
/// registry.summary("batch_items", "Items a batch.", Quantiles::whole(&[0.5])?)?.observe(3);
/// assert!(registry.snapshot().text().contains("batch_items{quantile=\"0.5\"} 3\n"));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct Quantiles {
    /// 1 to 32 of them, increasing, from 0 to 1.
    pub(crate) quantiles: Box<[f64]>,
    /// Within `window::SPANS`.
    pub(crate) span: Duration,
    /// What a scrape calls the unit, if it has a name.
    pub(crate) unit: Option<&'static str>,
    /// Base units in one shown unit.
    scale: f64,
}

impl Quantiles {
    /// Quantiles of durations, which are counted in nanoseconds and shown in seconds.
    ///
    /// # Errors
    ///
    /// [`QuantileError`] when there are none or too many, or they do not increase from 0 to 1.
    pub fn seconds(quantiles: &[f64]) -> Result<Self, QuantileError> {
        Self::new(quantiles, Some("seconds"), 1e9)
    }

    /// Quantiles of sizes in bytes.
    ///
    /// # Errors
    ///
    /// [`QuantileError`] when there are none or too many, or they do not increase from 0 to 1.
    pub fn bytes(quantiles: &[f64]) -> Result<Self, QuantileError> {
        Self::new(quantiles, Some("bytes"), 1.0)
    }

    /// Quantiles of whatever is counted whole: items, attempts.
    ///
    /// # Errors
    ///
    /// [`QuantileError`] when there are none or too many, or they do not increase from 0 to 1.
    pub fn whole(quantiles: &[f64]) -> Result<Self, QuantileError> {
        Self::new(quantiles, None, 1.0)
    }

    /// Sets how far back the quantiles look. They slide in steps of 5 s; less than 5 s counts as 5 s, more than 10 minutes as 10
    /// minutes.
    pub fn over(mut self, span: Duration) -> Self {
        self.span = span.clamp(*window::SPANS.start(), *window::SPANS.end());
        self
    }

    fn new(quantiles: &[f64], unit: Option<&'static str>, scale: f64) -> Result<Self, QuantileError> {
        if quantiles.is_empty() || quantiles.len() > MOST_QUANTILES {
            return Err(QuantileError::Count(quantiles.len()));
        }
        if let Some(&quantile) = quantiles.iter().find(|quantile| !(0.0..=1.0).contains(*quantile)) {
            return Err(QuantileError::OutOfRange(quantile));
        }
        if let Some(pair) = quantiles.windows(2).find(|pair| pair[0] >= pair[1]) {
            return Err(QuantileError::NotIncreasing(pair[1]));
        }
        Ok(Self { quantiles: quantiles.into(), span: USUAL_SPAN, unit, scale })
    }

    /// A value in base units as a scrape shows it.
    pub(crate) fn shown(&self, value: f64) -> f64 {
        value / self.scale
    }

    /// A shown value in base units: the nearest whole number, negative and NaN excluded by the caller.
    #[inline]
    pub(crate) fn in_base_units(&self, shown: f64) -> u64 {
        // `as` saturates, so what lies above the range stays above it.
        (shown * self.scale).round() as u64
    }
}

#[cfg(all(test, not(tachograph_loom)))]
mod tests {
    use super::*;

    #[test]
    fn bad_quantiles_are_refused_for_what_they_are() {
        assert_eq!(Quantiles::whole(&[]), Err(QuantileError::Count(0)));
        assert_eq!(Quantiles::whole(&[0.5; 33]), Err(QuantileError::Count(33)));
        assert_eq!(Quantiles::whole(&[0.5, 0.5]), Err(QuantileError::NotIncreasing(0.5)));
        assert_eq!(Quantiles::whole(&[-0.1, 0.5]), Err(QuantileError::OutOfRange(-0.1)));
        assert!(matches!(Quantiles::whole(&[f64::NAN]), Err(QuantileError::OutOfRange(_))));
        assert!(Quantiles::whole(&[0.0, 0.5, 1.0]).is_ok());
    }

    #[test]
    fn a_span_is_cut_to_what_a_window_can_have() {
        let over = |seconds| Quantiles::whole(&[0.5]).unwrap().over(Duration::from_secs(seconds)).span.as_secs();
        assert_eq!([over(0), over(5), over(60), over(600), over(601)], [5, 5, 60, 600, 600]);
    }
}
