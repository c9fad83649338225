//! The refined array of a histogram: every boundary that some format needs is the upper end of one of its cells.

use super::log_linear::{log_linear, lowest};
use super::{HIGHEST_TRACKABLE, native};

/// How finely a histogram tells values apart, beside its bounds. What is finer costs memory in each thread that observes, and
/// nearly three times the instructions of an observation.
///
/// | | tells apart | quantiles | cells of 11 bounds in seconds |
/// |---|---|---|---|
/// | `Classic` | the bounds | the bucket's upper bound | 13: 104 bytes a thread |
/// | `Native` | eight buckets a power of two | at most 9.1 % too high | 344: at most 2.7 KiB a thread |
/// | `Hdr` | 128 buckets a power of two | at most 1 in 128 too high | 3 785: at most 30 KiB a thread |
///
/// A thread holds only those pages, of 128 cells each, that its values fall into: of `Hdr` one page holds about one power of two.
///
/// # Examples
///
/// ```
/// use tachograph::{Buckets, Registry, Resolution, Value};
///
/// let registry = Registry::new();
/// let buckets = Buckets::seconds(&[0.1, 1.0])?.resolution(Resolution::Hdr);
/// let wait = registry.histogram("wait_seconds", "Time in the queue.", buckets)?;
/// (1..=1_000).for_each(|milliseconds| wait.observe(milliseconds * 1_000_000));
///
/// let snapshot = registry.snapshot();
/// let Some(Value::Histogram(value)) = snapshot.family("wait_seconds").unwrap().series().next().map(|series| series.value) else {
///     panic!("a histogram has one series");
/// };
/// // The classic buckets are exact at any resolution.
/// assert_eq!(value.cumulative().collect::<Vec<_>>(), [(0.1, 100), (1.0, 1_000), (f64::INFINITY, 1_000)]);
/// let median = value.quantile(0.5).unwrap();
/// assert!((0.5..=0.5 * (1.0 + 1.0 / 128.0)).contains(&median));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Resolution {
    /// The bounds alone: what labelled families should have.
    #[default]
    Classic,
    /// The bounds, and the buckets of Prometheus native histograms at schema 3.
    Native,
    /// The bounds, the native buckets, and log-linear ones of two significant digits: for the few series whose quantiles matter.
    Hdr,
}

/// Two significant digits: 128 sub-buckets a power of two, an error of at most 1 in 128.
pub(super) const HDR_BITS: u32 = 7;
pub(crate) const HDR_DIGITS: u8 = 2;

/// What [`Resolution::Hdr`] tracks where nothing else is asked for: about 17 s in nanoseconds. Each power of two more costs 1 KiB.
const HDR_TRACKABLE: u64 = 1 << 34;

impl Resolution {
    /// The highest trackable value where nothing else is asked for.
    pub(super) fn highest_trackable(self, last_bound: u64) -> u64 {
        match self {
            Resolution::Classic | Resolution::Native => HIGHEST_TRACKABLE,
            Resolution::Hdr => HDR_TRACKABLE.max(last_bound),
        }
    }
}

/// The cells of a histogram, and which of them each format's buckets are made of.
#[derive(Debug, PartialEq)]
pub(crate) struct Layout {
    /// The highest value of each cell but the last one, which ends at `highest`: increasing, below or at `highest`.
    ends: Box<[u64]>,
    /// The highest trackable value, at most `HIGHEST_TRACKABLE`.
    highest: u64,
    /// For each classic bound, the number of cells up to it.
    classic: Box<[u16]>,
    /// Where the resolution has native buckets: the index of the first one, and for each the number of cells up to its end.
    native: Option<(i32, Box<[u16]>)>,
}

impl Layout {
    /// Bounds increase from above 0 up to `highest`.
    pub(super) fn new(bounds: &[u64], scale: u64, resolution: Resolution, highest: u64) -> Self {
        let native = (resolution != Resolution::Classic).then(|| native::boundaries(scale, highest));
        let mut ends = bounds.to_vec();
        if let Some((_, boundaries)) = &native {
            // 0 lies in no bucket with an index, so it has a cell of its own.
            ends.push(0);
            ends.extend(boundaries.iter().filter(|&&boundary| boundary < highest));
        }
        if resolution == Resolution::Hdr {
            ends.extend((0..log_linear(highest, HDR_BITS)).map(|cell| lowest(cell + 1, HDR_BITS) - 1));
        }
        ends.sort_unstable();
        ends.dedup();
        let up_to = |bound: u64| {
            let cells = if bound >= highest { ends.len() + 1 } else { ends.partition_point(|&end| end <= bound) };
            u16::try_from(cells).expect("45 powers of two of 128 cells, with their cuts, are below 2^16")
        };
        // A bound that is the highest trackable value has nothing above it, but `+Inf` keeps a bucket of its own.
        let classic = bounds.iter().map(|&bound| up_to(bound).min(ends.len() as u16)).collect();
        let native = native.map(|(first, boundaries)| (first, boundaries.into_iter().map(up_to).collect()));
        Self { ends: ends.into(), highest, classic, native }
    }

    /// Cells, the last one included.
    pub(crate) fn len(&self) -> usize {
        self.ends.len() + 1
    }

    /// The highest value of each cell but the last one.
    pub(crate) fn ends(&self) -> &[u64] {
        &self.ends
    }

    pub(crate) fn highest_trackable(&self) -> u64 {
        self.highest
    }

    /// For each classic bound, the number of cells up to it.
    pub(crate) fn classic(&self) -> &[u16] {
        &self.classic
    }

    /// The native buckets at schema 3 that values can lie in: each one's index and the number of cells up to its end.
    pub(crate) fn native(&self) -> Option<impl Iterator<Item = (i32, usize)>> {
        let (first, ends) = self.native.as_ref()?;
        Some((*first..).zip(ends.iter().map(|&end| usize::from(end))))
    }
}
