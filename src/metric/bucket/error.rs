//! Why buckets were refused.

use super::MOST_BOUNDS;

/// Why bounds or a trackable range were refused.
///
/// # Examples
///
/// ```
/// use tachograph::{BucketError, Buckets};
///
/// assert_eq!(Buckets::whole(&[]).unwrap_err(), BucketError::Count(0));
/// assert_eq!(Buckets::bytes(&[512, 512]).unwrap_err(), BucketError::NotIncreasing(512.0));
/// let error = Buckets::seconds(&[0.0]).unwrap_err();
/// assert_eq!(error, BucketError::OutOfRange(0.0));
/// ```
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum BucketError {
    /// There are no bounds, or more than 126: give between 1 and 126.
    Count(usize),
    /// A bound is not above the one before it: sort them and drop doubles.
    NotIncreasing(f64),
    /// A bound is no whole number of the base unit (a nanosecond, a byte, the last digit that is kept): round it.
    NotWhole(f64),
    /// A bound is not above zero, not finite, or above 2^44 base units.
    OutOfRange(f64),
    /// The highest trackable value lies below the last bound or above 2^44 base units.
    HighestTrackable(u64),
}

impl std::fmt::Display for BucketError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Count(count) => write!(f, "{count} bounds given: a histogram has 1 to {MOST_BOUNDS}"),
            Self::NotIncreasing(bound) => write!(f, "bound {bound} is not above the one before it: sort them and drop doubles"),
            Self::NotWhole(bound) => {
                write!(
                    f,
                    "bound {bound} is no whole number of the base unit (a nanosecond, a byte, the last digit that is kept): round it"
                )
            }
            Self::OutOfRange(bound) => {
                write!(
                    f,
                    "bound {bound} is out of range: bounds lie above 0 and up to 2^44 base units, 17592 seconds; +Inf is always there"
                )
            }
            Self::HighestTrackable(highest) => {
                write!(
                    f,
                    "highest trackable value {highest} is out of range: it lies from the last bound up to 2^44 base units"
                )
            }
        }
    }
}

impl std::error::Error for BucketError {}
