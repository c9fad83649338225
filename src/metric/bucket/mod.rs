//! Buckets of a histogram: integer bounds in a base unit, the resolution beside them, and the way from a value to its bucket.
//!
//! Bucket `i` holds the values `v` with `bounds[i - 1] < v <= bounds[i]`; one more bucket holds what lies above the last bound.
//!
//! [`layout`] joins the boundaries that the formats need into one refined array, [`index`] finds a value's cell in it, [`native`]
//! has the boundaries of Prometheus native histograms, [`log_linear`](mod@log_linear) the cells of HDR ones.

mod error;
mod index;
mod layout;
mod log_linear;
pub(crate) mod native;

use std::sync::Arc;

pub use error::BucketError;
pub use layout::Resolution;

pub(crate) use index::{BucketIndex, LAST_PLACE};
pub(crate) use layout::{HDR_DIGITS, Layout};
pub(crate) use log_linear::{log_linear, lowest};

/// The unit that a histogram's values are whole numbers of, and how a scrape shows them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Unit {
    /// Values are nanoseconds; a scrape shows seconds.
    Seconds,
    /// Values are bytes, and shown as such.
    Bytes,
    /// Values are shown as they are.
    One,
    /// Values are of so many digits after the point: thousandths, when there are three.
    Decimal(u8),
}

impl Unit {
    /// Base units in one shown unit.
    const fn scale(self) -> u64 {
        match self {
            Unit::Seconds => 1_000_000_000,
            Unit::Bytes | Unit::One => 1,
            Unit::Decimal(digits) => 10_u64.pow(digits as u32),
        }
    }
}

/// The highest value a histogram may tell from higher ones, in base units: 2^44, close to five hours or 18 terabytes. What is above
/// counts as this, so that a caller's `u64::MAX` for "unknown" takes a million observations to bring the sum around, not two.
pub(crate) const HIGHEST_TRACKABLE: u64 = 1 << 44;

/// Digits after the point that a histogram keeps at most.
pub(crate) const MOST_DIGITS: u8 = 9;

/// Bounds a histogram may have: its cells, with the sum and the last bucket, fit one page of 128.
const MOST_BOUNDS: usize = 126;

/// The upper bounds of a histogram's buckets, and how finely it tells values apart beside them. The bucket up to `+Inf` is always
/// there.
///
/// # Examples
///
/// ```
/// use tachograph::Buckets;
///
/// assert!(Buckets::seconds(&[0.005, 0.01, 0.025]).is_ok());
/// let error = Buckets::seconds(&[0.01, 1.0 / 3.0]).unwrap_err();
/// assert!(error.to_string().contains("no whole number of the base unit"));
/// ```
///
/// Quantiles of a finer resolution, up to a day and no further:
///
/// ```
/// use tachograph::{Buckets, Resolution};
///
/// let hours = Buckets::whole(&[1, 6, 24])?.resolution(Resolution::Hdr).highest_trackable(24)?;
/// // One for each of 0 to 24, with the sum and one more that is always there.
/// assert_eq!(hours.bytes_per_thread(), 8 * 27);
/// # Ok::<(), tachograph::BucketError>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct Buckets {
    /// 1 to 126 of them, increasing, above 0, up to `HIGHEST_TRACKABLE`.
    bounds: Box<[u64]>,
    unit: Unit,
    resolution: Resolution,
    /// Where the caller chose one: from the last bound up to `HIGHEST_TRACKABLE`.
    highest: Option<u64>,
    /// Of the four above.
    layout: Arc<Layout>,
}

impl Buckets {
    /// Bounds in seconds, for values in nanoseconds.
    ///
    /// # Errors
    ///
    /// [`BucketError`] when there are none or too many, or they are not increasing whole numbers of nanoseconds above 0.
    pub fn seconds(bounds: &[f64]) -> Result<Self, BucketError> {
        Self::scaled(bounds, Unit::Seconds)
    }

    /// Bounds as a scrape shows them.
    fn scaled(bounds: &[f64], unit: Unit) -> Result<Self, BucketError> {
        let scale = unit.scale() as f64;
        let whole = bounds.iter().map(|&bound| {
            let scaled = (bound * scale).round();
            if !(scaled >= 0.0 && scaled <= HIGHEST_TRACKABLE as f64) {
                return Err(BucketError::OutOfRange(bound));
            }
            // A whole number of base units is one that shows as the very double that was given.
            if scaled / scale == bound { Ok(scaled as u64) } else { Err(BucketError::NotWhole(bound)) }
        });
        Self::new(whole.collect::<Result<_, _>>()?, unit)
    }

    /// Bounds in bytes, for values in bytes.
    ///
    /// # Errors
    ///
    /// [`BucketError`] when there are none or too many, or they do not increase from above 0.
    ///
    /// # Examples
    ///
    /// ```
    /// use tachograph::Buckets;
    ///
    /// let sizes = Buckets::bytes(&[1_024, 1_048_576])?;
    /// assert_eq!(sizes.bounds().collect::<Vec<_>>(), [1024.0, 1048576.0]);
    /// # Ok::<(), tachograph::BucketError>(())
    /// ```
    pub fn bytes(bounds: &[u64]) -> Result<Self, BucketError> {
        Self::new(bounds.into(), Unit::Bytes)
    }

    /// Bounds for values that a scrape shows as they are: items, attempts, whatever is counted whole.
    ///
    /// # Errors
    ///
    /// [`BucketError`] when there are none or too many, or they do not increase from above 0.
    pub fn whole(bounds: &[u64]) -> Result<Self, BucketError> {
        Self::new(bounds.into(), Unit::One)
    }

    /// Bounds for values that a scrape shows as they are and that come in fractions: ratios, degrees, whatever has no base unit here.
    /// Values are kept to as many digits after the point, nine at most, as leave room for a thousand times the last bound; use
    /// [`Histogram::observe_f64`](crate::Histogram::observe_f64).
    ///
    /// # Errors
    ///
    /// [`BucketError`] when there are none or too many, or they do not increase from above 0, or have more digits than are kept.
    ///
    /// # Examples
    ///
    /// ```
    /// use tachograph::{Buckets, Registry};
    ///
    /// let registry = Registry::new();
    /// let buckets = Buckets::decimal(&[0.25, 0.5, 0.75])?;
    /// let fill = registry.histogram("fill_ratio", "How full a batch was when it was sent.", buckets)?;
    /// fill.observe_f64(0.125);
    /// fill.observe_f64(0.7);
    /// assert_eq!((fill.count(), fill.sum()), (2, 0.825));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn decimal(bounds: &[f64]) -> Result<Self, BucketError> {
        let last = bounds.last().copied().unwrap_or(1.0);
        let room = |digits: &u8| last * Unit::Decimal(*digits).scale() as f64 * 1_000.0 <= HIGHEST_TRACKABLE as f64;
        Self::scaled(bounds, Unit::Decimal((0..=MOST_DIGITS).rev().find(room).unwrap_or(0)))
    }

    fn new(bounds: Box<[u64]>, unit: Unit) -> Result<Self, BucketError> {
        let shown = |bound: u64| bound as f64 / unit.scale() as f64;
        if bounds.is_empty() || bounds.len() > MOST_BOUNDS {
            return Err(BucketError::Count(bounds.len()));
        }
        if let Some(&bound) = bounds.iter().find(|&&bound| bound == 0 || bound > HIGHEST_TRACKABLE) {
            return Err(BucketError::OutOfRange(shown(bound)));
        }
        if let Some(pair) = bounds.windows(2).find(|pair| pair[0] >= pair[1]) {
            return Err(BucketError::NotIncreasing(shown(pair[1])));
        }
        Ok(Self::laid_out(bounds, unit, Resolution::Classic, None))
    }

    /// Bounds and range are legal.
    fn laid_out(bounds: Box<[u64]>, unit: Unit, resolution: Resolution, highest: Option<u64>) -> Self {
        let last_bound = bounds[bounds.len() - 1];
        let trackable = highest.unwrap_or(resolution.highest_trackable(last_bound));
        let layout = Arc::new(Layout::new(&bounds, unit.scale(), resolution, trackable));
        Self { bounds, unit, resolution, highest, layout }
    }

    /// Buckets as they were chosen, of [`parts`](Self::parts).
    pub(crate) fn from_parts(
        bounds: Box<[u64]>,
        unit: Unit,
        resolution: Resolution,
        highest: Option<u64>,
    ) -> Result<Self, BucketError> {
        let mut buckets = Self::new(bounds, unit)?;
        if let Some(highest) = highest {
            buckets = buckets.highest_trackable(highest)?;
        }
        Ok(buckets.resolution(resolution))
    }

    /// What was chosen: bounds in base units, unit, resolution, and the highest trackable value if it is not the default.
    pub(crate) fn parts(&self) -> (&[u64], Unit, Resolution, Option<u64>) {
        (&self.bounds, self.unit, self.resolution, self.highest)
    }

    /// Tells values apart as finely as this. The default is [`Resolution::Classic`].
    #[must_use]
    pub fn resolution(self, resolution: Resolution) -> Self {
        Self::laid_out(self.bounds, self.unit, resolution, self.highest)
    }

    /// Tells values up to this one apart, in base units: nanoseconds, bytes. What is above counts as this. The default is 2^44, and
    /// of [`Resolution::Hdr`] 2^34 (17 s in nanoseconds) or the last bound, whichever is higher.
    ///
    /// # Errors
    ///
    /// [`BucketError::HighestTrackable`] when it lies below the last bound or above 2^44.
    pub fn highest_trackable(self, highest: u64) -> Result<Self, BucketError> {
        if highest < self.bounds[self.bounds.len() - 1] || highest > HIGHEST_TRACKABLE {
            return Err(BucketError::HighestTrackable(highest));
        }
        Ok(Self::laid_out(self.bounds, self.unit, self.resolution, Some(highest)))
    }

    /// The most that a series holds in each thread that observes: 8 bytes a bucket of the resolution and 8 for the sum. Of more
    /// than 128 cells, a thread holds only the pages of 128 that its values fall into.
    pub fn bytes_per_thread(&self) -> usize {
        size_of::<u64>() * (self.len() + 1)
    }

    /// The bounds as shown in a scrape, without `+Inf`.
    pub fn bounds(&self) -> impl Iterator<Item = f64> {
        self.bounds.iter().map(|&bound| self.shown(bound))
    }

    /// What a scrape calls the unit, if it has a name.
    pub(crate) fn unit_name(&self) -> Option<&'static str> {
        match self.unit {
            Unit::Seconds => Some("seconds"),
            Unit::Bytes => Some("bytes"),
            Unit::One | Unit::Decimal(_) => None,
        }
    }

    /// A value in base units as a scrape shows it.
    pub(crate) fn shown(&self, value: u64) -> f64 {
        value as f64 / self.unit.scale() as f64
    }

    /// A shown value in base units: the nearest whole number, negative and NaN excluded by the caller.
    #[inline]
    pub(crate) fn in_base_units(&self, shown: f64) -> u64 {
        // `as` saturates, so what lies above the range stays above it.
        (shown * self.unit.scale() as f64).round() as u64
    }

    /// The bucket among the bounds, the one up to `+Inf` included, that a value in base units lies in.
    pub(crate) fn classic_bucket(&self, value: u64) -> usize {
        self.bounds.partition_point(|&bound| bound < value)
    }

    /// Buckets of the refined array, the last one included.
    pub(crate) fn len(&self) -> usize {
        self.layout.len()
    }

    pub(crate) fn layout(&self) -> &Arc<Layout> {
        &self.layout
    }

    /// Whether others tell the same values apart; what differs where they do not.
    pub(crate) fn same_as(&self, other: &Self) -> Result<(), &'static str> {
        // Mostly two handles of one.
        if Arc::ptr_eq(&self.layout, &other.layout) {
            return Ok(());
        }
        let same = [
            (self.unit == other.unit, "unit"),
            (self.bounds == other.bounds, "bounds"),
            (self.resolution == other.resolution, "resolution"),
            (self.layout.highest_trackable() == other.layout.highest_trackable(), "highest trackable value"),
        ];
        same.into_iter().find(|(same, _)| !same).map_or(Ok(()), |(_, what)| Err(what))
    }
}

#[cfg(all(test, not(tachograph_loom)))]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const LATENCY: [f64; 11] = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.0, 5.0, 10.0];

    #[test]
    fn bounds_are_shown_as_they_were_given() {
        let buckets = Buckets::seconds(&LATENCY).unwrap();
        assert_eq!(buckets.bounds().collect::<Vec<_>>(), LATENCY);
    }

    #[test]
    fn decimals_keep_what_leaves_room_for_a_thousand_times_the_last_bound() {
        let unit = |bounds: &[f64]| Buckets::decimal(bounds).map(|buckets| buckets.parts().1);
        assert_eq!(unit(&[0.25, 17.0]), Ok(Unit::Decimal(9)));
        assert_eq!(unit(&[0.25, 18.0]), Ok(Unit::Decimal(8)));
        assert_eq!(unit(&[1e4]), Ok(Unit::Decimal(6)));
        assert_eq!(unit(&[1e12]), Ok(Unit::Decimal(0)));
        assert_eq!(unit(&[0.5, 1e12]), Err(BucketError::NotWhole(0.5)));
        assert_eq!(unit(&[1e14]), Err(BucketError::OutOfRange(1e14)));
        assert_eq!(unit(&[]), Err(BucketError::Count(0)));
        assert!(unit(&[f64::NAN]).is_err() && unit(&[-1.0]).is_err() && unit(&[1.0, f64::INFINITY]).is_err());
    }

    proptest! {
        #[test]
        fn decimals_show_the_bounds_they_were_given(mut hundredths in prop::collection::btree_set(1..10_000_000_u32, 1..20)) {
            hundredths.insert(10_000_000);
            let bounds: Vec<f64> = hundredths.iter().map(|&bound| f64::from(bound) / 100.0).collect();
            let buckets = Buckets::decimal(&bounds).unwrap();
            prop_assert_eq!(buckets.bounds().collect::<Vec<_>>(), bounds.clone());
            for bound in bounds {
                prop_assert_eq!(buckets.shown(buckets.in_base_units(bound)), bound);
            }
        }
    }

    #[test]
    fn bad_bounds_are_refused_for_what_they_are() {
        assert_eq!(Buckets::bytes(&[]), Err(BucketError::Count(0)));
        assert_eq!(Buckets::bytes(&[1; 127]), Err(BucketError::Count(127)));
        assert_eq!(Buckets::bytes(&[2, 2]), Err(BucketError::NotIncreasing(2.0)));
        assert_eq!(Buckets::bytes(&[0]), Err(BucketError::OutOfRange(0.0)));
        assert_eq!(Buckets::seconds(&[0.1, 1e-10]), Err(BucketError::NotWhole(1e-10)));
        assert_eq!(Buckets::seconds(&[-1.0]), Err(BucketError::OutOfRange(-1.0)));
        assert_eq!(Buckets::seconds(&[f64::INFINITY]), Err(BucketError::OutOfRange(f64::INFINITY)));
        assert!(Buckets::seconds(&[f64::NAN]).is_err());
    }

    #[test]
    fn a_trackable_range_reaches_from_the_last_bound_to_2_to_the_44th() {
        let buckets = || Buckets::bytes(&[10, 100]).unwrap();
        assert_eq!(buckets().highest_trackable(99), Err(BucketError::HighestTrackable(99)));
        assert_eq!(buckets().highest_trackable((1 << 44) + 1), Err(BucketError::HighestTrackable((1 << 44) + 1)));
        for highest in [100, 1 << 44] {
            assert_eq!(buckets().highest_trackable(highest).unwrap().layout().highest_trackable(), highest);
        }
        let defaults = [Resolution::Classic, Resolution::Native, Resolution::Hdr]
            .map(|resolution| buckets().resolution(resolution).layout().highest_trackable());
        assert_eq!(defaults, [1 << 44, 1 << 44, 1 << 34]);
        let above = Buckets::bytes(&[1 << 40]).unwrap().resolution(Resolution::Hdr);
        assert_eq!(above.layout().highest_trackable(), 1 << 40);
    }

    #[test]
    fn the_order_of_the_choices_does_not_matter() {
        let buckets = || Buckets::seconds(&LATENCY).unwrap();
        let one = buckets().resolution(Resolution::Native).highest_trackable(1 << 34).unwrap();
        let other = buckets().highest_trackable(1 << 34).unwrap().resolution(Resolution::Native);
        assert_eq!(one, other);
        assert_ne!(one, buckets().resolution(Resolution::Native));
    }

    #[test]
    fn each_resolution_takes_the_memory_that_it_says() {
        let bytes = |resolution| Buckets::seconds(&LATENCY).unwrap().resolution(resolution).bytes_per_thread();
        assert_eq!(bytes(Resolution::Classic), 8 * 13);
        assert_eq!(bytes(Resolution::Native), 8 * 344);
        assert_eq!(bytes(Resolution::Hdr), 8 * 3_785);
    }
}
