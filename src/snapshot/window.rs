//! A sliding window over a log-linear histogram: quantiles of the last minute.
//!
//! The hot path adds to one cell of an HDR array (128 sub-buckets a power of two) and knows nothing of windows. On each tick
//! the snapshot thread keeps what came since the last one; a quantile is asked of the kept differences and of what came since.
//!
//! Memory: a tick's difference holds 8 bytes for each cell that moved, the totals of the last tick 16 for each that ever moved.
//! Twelve ticks in which a hundred cells moved are 10 KiB; in which all 3 584 did, 400 KiB.

use std::collections::VecDeque;
use std::ops::RangeInclusive;
use std::sync::{Arc, Weak};
use std::time::{Duration, Instant};

use hdrhistogram::Histogram;

use crate::metric::bucket::{log_linear, lowest};
use crate::shard::{self, Exhausted, PAGE_CELLS, SlotRun, Totals};
use crate::sync::{Mutex, lock};

/// Two significant digits: 128 sub-buckets a power of two, an error of at most 1 in 128.
const SUB_BUCKET_BITS: u32 = 7;
const SIGNIFICANT_DIGITS: u8 = 2;

/// The highest value that is told from higher ones: about 17 s in nanoseconds.
const HIGHEST_TRACKABLE: u64 = (1 << 34) - 1;

/// Cells of the array: 3 584, as many as 28 pages hold.
const CELLS: usize = (34 - SUB_BUCKET_BITS as usize + 1) << SUB_BUCKET_BITS;

/// The spans that a window may have: at least one step of its sliding, and few enough of them to be kept and added up.
pub(crate) const SPANS: RangeInclusive<Duration> = Duration::from_secs(5)..=Duration::from_secs(600);

/// The windows of a registry, which slide with the snapshot thread's ticks for as long as somebody has them.
#[derive(Debug, Default)]
pub(crate) struct Windows(std::sync::Mutex<Vec<Weak<Window>>>);

impl Windows {
    pub(crate) fn insert(&self, window: &Arc<Window>) {
        self.lock().push(Arc::downgrade(window));
    }

    pub(crate) fn live(&self) -> Vec<Arc<Window>> {
        let mut windows = self.lock();
        windows.retain(|window| window.strong_count() > 0);
        windows.iter().filter_map(Weak::upgrade).collect()
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Vec<Weak<Window>>> {
        self.0.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }
}

/// Quantiles over the last observations.
#[derive(Debug)]
pub(crate) struct Window {
    cells: SlotRun,
    span: Duration,
    /// Entered by the snapshot thread alone, but for a fold on an asker's thread.
    kept: Mutex<Kept>,
}

#[derive(Debug, Default)]
struct Kept {
    /// Totals at the last tick, of the cells where they were not zero, by cell.
    last: Vec<(u32, u64)>,
    /// What came in each tick, oldest first.
    ticks: VecDeque<Tick>,
    /// Totals of all cells at the last reading, for who looks at another span; nothing until somebody does.
    #[cfg(feature = "page")]
    seen: Option<Box<[u64]>>,
}

#[derive(Debug)]
struct Tick {
    ended: Instant,
    /// Cell and count, of the cells that moved.
    counts: Box<[(u32, u32)]>,
}

impl Window {
    pub(crate) fn new(span: Duration) -> Result<Self, Exhausted> {
        let cells = SlotRun::pages(CELLS)?;
        Ok(Self { cells, span, kept: Mutex::new(Kept::default()) })
    }

    /// Counts a value; `false` when it lies above the trackable range and was counted as the highest.
    #[inline]
    pub(crate) fn observe(&self, value: u64) -> bool {
        let cell = log_linear(value.min(HIGHEST_TRACKABLE), SUB_BUCKET_BITS);
        shard::inc_by(self.cells.first().plus(cell), 1);
        value <= HIGHEST_TRACKABLE
    }

    /// Touches all pages of the calling thread.
    pub(crate) fn prepare(&self) {
        // Its cells are whole pages.
        (0..CELLS).step_by(PAGE_CELLS).for_each(|cell| shard::prepare(self.cells.first().plus(cell)));
    }

    /// Keeps what came since the last tick and forgets what is older than the window.
    pub(crate) fn slide(&self, totals: &Totals, now: Instant) {
        let mut kept = lock(&self.kept);
        // More than 4 billion in one cell and tick are cut to that.
        let counts = self.since_last(&kept.last, totals).map(|(cell, count)| (cell, u32::try_from(count).unwrap_or(u32::MAX)));
        let tick = Tick { ended: now, counts: counts.collect() };
        kept.last.clear();
        kept.last.extend((0..).zip(self.cells.totals(totals, CELLS)).filter(|(_, total)| *total > 0));
        kept.ticks.push_back(tick);
        while kept.ticks.front().is_some_and(|tick| now.saturating_duration_since(tick.ended) >= self.span) {
            kept.ticks.pop_front();
        }
    }

    /// The observations of the window as a histogram of nanoseconds.
    pub(crate) fn histogram(&self, totals: &Totals, now: Instant) -> Histogram<u64> {
        let mut histogram = empty_histogram();
        let mut add = |cell: u32, count: u64| {
            histogram.saturating_record_n(lowest(cell as usize, SUB_BUCKET_BITS), count);
        };
        #[cfg(feature = "page")]
        self.see(totals);
        let kept = lock(&self.kept);
        let recent = kept.ticks.iter().filter(|tick| now.saturating_duration_since(tick.ended) < self.span);
        for &(cell, count) in recent.flat_map(|tick| tick.counts.iter()) {
            add(cell, count.into());
        }
        for (cell, count) in self.since_last(&kept.last, totals) {
            add(cell, count);
        }
        histogram
    }

    /// The cells that moved since the last tick, and by how much.
    fn since_last<'a>(&'a self, last: &'a [(u32, u64)], totals: &'a Totals) -> impl Iterator<Item = (u32, u64)> + 'a {
        let mut last = last.iter().copied().peekable();
        (0..).zip(self.cells.totals(totals, CELLS)).filter_map(move |(cell, total)| {
            let before = last.next_if(|(known, _)| *known == cell).map_or(0, |(_, before)| before);
            // A fold on an asker's thread may be older than the last tick: what it has not seen has not moved.
            let moved = u64::try_from(total.wrapping_sub(before) as i64).unwrap_or(0);
            (moved > 0).then_some((cell, moved))
        })
    }

    /// Keeps the totals for `seen`, once somebody has asked for them.
    #[cfg(feature = "page")]
    fn see(&self, totals: &Totals) {
        if let Some(seen) = &mut lock(&self.kept).seen {
            seen.iter_mut().zip(self.cells.totals(totals, CELLS)).for_each(|(seen, total)| *seen = total);
        }
    }

    /// Reads the totals of all cells at the last snapshot. The first call gets nothing, but has the snapshots that follow keep them.
    #[cfg(feature = "page")]
    pub(crate) fn seen<T>(&self, read: impl FnOnce(&[u64]) -> T) -> Option<T> {
        let mut kept = lock(&self.kept);
        match &kept.seen {
            Some(seen) => Some(read(seen)),
            None => {
                kept.seen = Some(vec![0; CELLS].into());
                None
            }
        }
    }

    pub(crate) fn heap_bytes(&self) -> usize {
        let kept = lock(&self.kept);
        let ticks: usize = kept.ticks.iter().map(|tick| size_of_val(&*tick.counts)).sum();
        kept.last.capacity() * size_of::<(u32, u64)>() + ticks
    }
}

/// A histogram that takes what a window holds.
pub(crate) fn empty_histogram() -> Histogram<u64> {
    Histogram::new_with_bounds(1, HIGHEST_TRACKABLE, SIGNIFICANT_DIGITS)
        .expect("the bounds and digits are constants that the histogram takes")
}

/// The lowest value of a cell, in nanoseconds.
#[cfg(feature = "page")]
pub(crate) fn lowest_in(cell: u16) -> u64 {
    lowest(cell.into(), SUB_BUCKET_BITS)
}

/// A quantile in nanoseconds, NaN of an empty histogram.
pub(crate) fn quantile(histogram: &Histogram<u64>, quantile: f64) -> f64 {
    if histogram.is_empty() { f64::NAN } else { histogram.value_at_quantile(quantile) as f64 }
}

#[cfg(all(test, not(tachograph_loom)))]
mod tests {
    use super::*;

    const SPAN: Duration = Duration::from_secs(60);

    fn folded() -> Totals {
        let mut totals = Totals::default();
        totals.fold();
        totals
    }

    #[test]
    fn every_trackable_value_has_a_cell() {
        assert_eq!(log_linear(HIGHEST_TRACKABLE, SUB_BUCKET_BITS), CELLS - 1);
    }

    #[test]
    fn quantiles_are_within_one_in_128_of_the_sorted_values() {
        let window = Window::new(SPAN).unwrap();
        // Values over nine powers of ten, by a small generator of our own.
        let mut state = 1u64;
        let mut values: Vec<u64> = (0..10_000)
            .map(|_| {
                state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
                (state >> 30) >> (state % 34)
            })
            .collect();
        for &value in &values {
            window.observe(value);
        }
        values.sort_unstable();
        let histogram = window.histogram(&folded(), Instant::now());
        assert_eq!(histogram.len(), 10_000);
        for q in [0.5, 0.9, 0.95, 0.99, 1.0] {
            let exact = values[(q * 10_000.0) as usize - 1].min(HIGHEST_TRACKABLE) as f64;
            let got = quantile(&histogram, q);
            assert!(got >= exact && got <= exact * (1.0 + 1.0 / 128.0), "q {q}: {got} for {exact}");
        }
    }

    #[test]
    fn what_is_older_than_the_window_is_forgotten_and_a_read_slides_nothing() {
        let window = Window::new(SPAN).unwrap();
        let start = Instant::now();
        let at = |seconds| start + Duration::from_secs(seconds);
        assert!(quantile(&window.histogram(&folded(), start), 0.5).is_nan());
        window.observe(1_000);
        window.slide(&folded(), at(5));
        window.observe(2_000);
        assert_eq!(window.histogram(&folded(), at(6)).len(), 2);
        assert_eq!(window.histogram(&folded(), at(6)).len(), 2);
        window.slide(&folded(), at(10));
        assert_eq!(window.histogram(&folded(), at(64)).len(), 2);
        assert_eq!(window.histogram(&folded(), at(65)).len(), 1);
        window.slide(&folded(), at(200));
        assert!(window.histogram(&folded(), at(200)).is_empty());
    }

    #[test]
    fn a_value_above_the_range_counts_as_the_highest_and_says_so() {
        let window = Window::new(SPAN).unwrap();
        assert!(window.observe(HIGHEST_TRACKABLE));
        assert!(!window.observe(u64::MAX));
        assert_eq!(window.histogram(&folded(), Instant::now()).len(), 2);
    }
}
