//! Buckets of a histogram: integer bounds in a base unit, and the way from a value to its bucket.
//!
//! Bucket `i` holds the values `v` with `bounds[i - 1] < v <= bounds[i]`; one more bucket holds what lies above the last bound.
//!
//! The index is log-linear: each power of two is divided into `2^sub_bucket_bits` cells of equal width. A cell that no bound cuts
//! lies in one bucket; a cell that one bound cuts lies in two neighbours, told apart by one comparison. The finest division
//! needed is chosen when the buckets are made; if bounds lie closer than that, the bucket is found by bisection.

use crate::exposition::number;

/// The unit that a histogram's values are whole numbers of, and how a scrape shows them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Unit {
    /// Values are nanoseconds; a scrape shows seconds.
    Seconds,
    /// Values are shown as they are.
    One,
}

impl Unit {
    /// Base units in one shown unit.
    const fn scale(self) -> f64 {
        match self {
            Unit::Seconds => 1e9,
            Unit::One => 1.0,
        }
    }
}

/// The highest value a histogram tells from higher ones, in base units: 2^44, close to five hours or 18 terabytes. What is above
/// counts as this, so that a caller's `u64::MAX` for "unknown" takes a million observations to bring the sum around, not two.
pub(crate) const HIGHEST_TRACKABLE: u64 = 1 << 44;

/// Bounds a histogram may have: its cells, with the sum and the last bucket, fit one page of 128.
const MOST_BOUNDS: usize = 126;

/// At most this many bits are tried for the index: 16 cells a power of two, 10 KiB a layout.
const MOST_SUB_BUCKET_BITS: u32 = 4;

/// Why bounds were refused.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum BucketError {
    /// There are no bounds, or more than 126: give between 1 and 126.
    Count(usize),
    /// A bound is not above the one before it: sort them and drop doubles.
    NotIncreasing(f64),
    /// A bound is no whole number of the base unit (a nanosecond, a byte): round it.
    NotWhole(f64),
    /// A bound is not above zero, not finite, or above 2^44 base units.
    OutOfRange(f64),
}

impl std::fmt::Display for BucketError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Count(count) => write!(f, "{count} bounds given: a histogram has 1 to {MOST_BOUNDS}"),
            Self::NotIncreasing(bound) => write!(f, "bound {bound} is not above the one before it: sort them and drop doubles"),
            Self::NotWhole(bound) => {
                write!(f, "bound {bound} is no whole number of the base unit (a nanosecond, a byte): round it")
            }
            Self::OutOfRange(bound) => {
                write!(
                    f,
                    "bound {bound} is out of range: bounds lie above 0 and up to 17592 seconds or 2^44 bytes; +Inf is always there"
                )
            }
        }
    }
}

impl std::error::Error for BucketError {}

/// The upper bounds of a histogram's buckets. The bucket up to `+Inf` is always there beside them.
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
#[derive(Clone, Debug, PartialEq)]
pub struct Buckets {
    /// 1 to 126 of them, increasing, above 0, up to `HIGHEST_TRACKABLE`.
    bounds: Box<[u64]>,
    unit: Unit,
}

impl Buckets {
    /// Bounds in seconds, for values in nanoseconds.
    ///
    /// # Errors
    ///
    /// [`BucketError`] when there are none or too many, or they are not increasing whole numbers of nanoseconds above 0.
    pub fn seconds(bounds: &[f64]) -> Result<Self, BucketError> {
        let scale = Unit::Seconds.scale();
        let whole = bounds.iter().map(|&bound| {
            let scaled = (bound * scale).round();
            if !(scaled >= 0.0 && scaled <= HIGHEST_TRACKABLE as f64) {
                return Err(BucketError::OutOfRange(bound));
            }
            // A whole number of nanoseconds is one that shows as the very double that was given.
            if scaled / scale == bound { Ok(scaled as u64) } else { Err(BucketError::NotWhole(bound)) }
        });
        Self::new(whole.collect::<Result<_, _>>()?, Unit::Seconds)
    }

    /// Bounds in bytes, for values in bytes.
    ///
    /// # Errors
    ///
    /// [`BucketError`] when there are none or too many, or they do not increase from above 0.
    pub fn bytes(bounds: &[u64]) -> Result<Self, BucketError> {
        Self::new(bounds.into(), Unit::One)
    }

    /// Bounds for values that a scrape shows as they are: items, attempts, whatever is counted whole.
    ///
    /// # Errors
    ///
    /// [`BucketError`] when there are none or too many, or they do not increase from above 0.
    pub fn whole(bounds: &[u64]) -> Result<Self, BucketError> {
        Self::new(bounds.into(), Unit::One)
    }

    fn new(bounds: Box<[u64]>, unit: Unit) -> Result<Self, BucketError> {
        let shown = |bound: u64| bound as f64 / unit.scale();
        if bounds.is_empty() || bounds.len() > MOST_BOUNDS {
            return Err(BucketError::Count(bounds.len()));
        }
        if let Some(&bound) = bounds.iter().find(|&&bound| bound == 0 || bound > HIGHEST_TRACKABLE) {
            return Err(BucketError::OutOfRange(shown(bound)));
        }
        if let Some(pair) = bounds.windows(2).find(|pair| pair[0] >= pair[1]) {
            return Err(BucketError::NotIncreasing(shown(pair[1])));
        }
        Ok(Self { bounds, unit })
    }

    /// The bounds as shown in a scrape, without `+Inf`.
    pub fn bounds(&self) -> impl Iterator<Item = f64> {
        self.bounds.iter().map(|&bound| self.shown(bound))
    }

    /// A value in base units as a scrape shows it.
    pub(crate) fn shown(&self, value: u64) -> f64 {
        value as f64 / self.unit.scale()
    }

    /// A shown value in base units: the nearest whole number, negative and NaN excluded by the caller.
    #[inline]
    pub(crate) fn in_base_units(&self, shown: f64) -> u64 {
        // `as` saturates, so what lies above the range stays above it.
        (shown * self.unit.scale()).round() as u64
    }

    /// Buckets, the one up to `+Inf` included.
    pub(crate) fn len(&self) -> usize {
        self.bounds.len() + 1
    }

    /// How each bound is written as the value of `le`, `+Inf` last, for the text format.
    pub(crate) fn spelt_bounds(&self) -> Vec<String> {
        let spell = |bound: f64| {
            let mut text = Vec::new();
            number::float(&mut text, bound);
            String::from_utf8(text).expect("numbers are spelt in ASCII")
        };
        self.bounds().chain([f64::INFINITY]).map(spell).collect()
    }
}

/// The way from a value to its bucket.
#[derive(Debug)]
pub(crate) struct BucketIndex {
    /// 0 to `MOST_SUB_BUCKET_BITS`.
    sub_bucket_bits: u32,
    /// One a log-linear cell; empty when bounds lie too close for it.
    cells: Box<[Cell]>,
    bounds: Box<[u64]>,
}

#[derive(Clone, Copy, Debug)]
struct Cell {
    /// The bound that cuts the cell: values above it lie in the next bucket. `u64::MAX` where none does.
    cut: u64,
    /// The bucket of the cell's lowest value.
    bucket: u64,
}

impl BucketIndex {
    pub(crate) fn new(buckets: &Buckets) -> Self {
        let fitting = (0..=MOST_SUB_BUCKET_BITS).find_map(|bits| Some((bits, cells(&buckets.bounds, bits)?)));
        let (sub_bucket_bits, cells) = fitting.unwrap_or((0, Box::default()));
        Self { sub_bucket_bits, cells, bounds: buckets.bounds.clone() }
    }

    /// The bucket of a value up to `HIGHEST_TRACKABLE`.
    #[inline]
    pub(crate) fn bucket(&self, value: u64) -> usize {
        match self.cells.get(log_linear(value, self.sub_bucket_bits)) {
            Some(cell) => cell.bucket as usize + usize::from(value > cell.cut),
            None => self.bounds.partition_point(|&bound| bound < value),
        }
    }
}

/// The log-linear cells over the trackable range, or `None` when some cell is cut by more than one bound.
fn cells(bounds: &[u64], bits: u32) -> Option<Box<[Cell]>> {
    let count = log_linear(HIGHEST_TRACKABLE, bits) + 1;
    (0..count)
        .map(|cell| {
            let (low, high) = (lowest(cell, bits), lowest(cell + 1, bits) - 1);
            let bucket = bounds.partition_point(|&bound| bound < low);
            // A bound equal to the cell's highest value cuts nothing: no value of the cell lies above it.
            let mut cutting = bounds[bucket..].iter().take_while(|&&bound| bound < high);
            let cut = cutting.next().copied().unwrap_or(u64::MAX);
            cutting.next().is_none().then_some(Cell { cut, bucket: bucket as u64 })
        })
        .collect()
}

/// The log-linear cell of a value: the values below `2^bits` one each, then `2^bits` cells a power of two.
#[inline]
pub(crate) fn log_linear(value: u64, bits: u32) -> usize {
    let power = (value | 1).ilog2().max(bits);
    let shift = power - bits;
    // Below 2^bits the shift is 0 and the first summand too; above, the leading one of the shifted value counts the power.
    ((u64::from(shift) << bits) + (value >> shift)) as usize
}

/// The lowest value of a log-linear cell: the inverse of [`log_linear`].
pub(crate) fn lowest(cell: usize, bits: u32) -> u64 {
    let cell = cell as u64;
    let shift = (cell >> bits).saturating_sub(1);
    (cell - (shift << bits)) << shift
}

#[cfg(all(test, not(tachograph_loom)))]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const LATENCY: [f64; 11] = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.0, 5.0, 10.0];

    /// The bucket by the definition.
    fn naive(bounds: &[u64], value: u64) -> usize {
        bounds.iter().filter(|&&bound| value > bound).count()
    }

    fn agrees_around_every_bound(bounds: &[u64]) {
        let index = BucketIndex::new(&Buckets::bytes(bounds).unwrap());
        let near = |bound: u64| [bound - 1, bound, (bound + 1).min(HIGHEST_TRACKABLE)];
        for value in bounds.iter().copied().flat_map(near).chain([0, 1, HIGHEST_TRACKABLE]) {
            assert_eq!(index.bucket(value), naive(bounds, value), "{value} in {bounds:?}");
        }
    }

    #[test]
    fn the_usual_bounds_need_one_cell_a_power_of_two() {
        let index = BucketIndex::new(&Buckets::seconds(&LATENCY).unwrap());
        assert_eq!(index.sub_bucket_bits, 0);
        assert_eq!(index.cells.len(), 46);
    }

    #[test]
    fn an_observation_equal_to_a_bound_counts_in_its_bucket() {
        let buckets = Buckets::seconds(&LATENCY).unwrap();
        let index = BucketIndex::new(&buckets);
        for (at, bound) in LATENCY.into_iter().enumerate() {
            assert_eq!(index.bucket(buckets.in_base_units(bound)), at);
            assert_eq!(index.bucket(buckets.in_base_units(bound) + 1), at + 1);
        }
    }

    #[test]
    fn bounds_are_shown_as_they_were_given() {
        let buckets = Buckets::seconds(&LATENCY).unwrap();
        assert_eq!(buckets.bounds().collect::<Vec<_>>(), LATENCY);
        let spelt = buckets.spelt_bounds();
        assert_eq!(spelt[0], "0.005");
        assert_eq!(spelt[11], "+Inf");
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
    fn log_linear_cells_follow_one_another_without_gap() {
        for bits in 0..=7 {
            let mut expected = 0;
            for cell in 0..log_linear(1 << 20, bits) {
                assert_eq!(lowest(cell, bits), expected, "cell {cell}, {bits} bits");
                let next = lowest(cell + 1, bits);
                assert_eq!(log_linear(expected, bits), cell);
                assert_eq!(log_linear(next - 1, bits), cell);
                expected = next;
            }
        }
    }

    proptest! {
        #[test]
        fn the_index_agrees_with_a_naive_search(
            mut bounds in prop::collection::vec((0u32..45).prop_flat_map(|power| 1..=1u64 << power), 1..126),
        ) {
            bounds.sort_unstable();
            bounds.dedup();
            agrees_around_every_bound(&bounds);
        }

        #[test]
        fn neighbouring_bounds_are_told_apart(first in 1u64..1 << 40, count in 1u64..100) {
            agrees_around_every_bound(&(first..first + count).collect::<Vec<_>>());
        }
    }
}
