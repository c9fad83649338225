//! Counters that only rise, and counters that go both ways: one cell a thread each.

use super::family::{Family, Instrument, Parts, Sealed};
use super::series::Series;
use crate::shard::{self, Exhausted, NearSlot, SlotRun, Totals};
use crate::snapshot::{Previous, Values};

/// A number that only rises.
///
/// Each thread counts in a cell of its own, so counting costs the same at any number of threads. Cloning is cheap; clones
/// count the same.
///
/// # Examples
///
/// ```
/// let registry = tachograph::Registry::new();
/// let jobs = registry.counter("jobs_total", "Jobs done.")?;
/// std::thread::scope(|scope| {
///     scope.spawn(|| jobs.inc());
///     jobs.inc_by(2);
/// });
/// assert_eq!(jobs.value(), 3);
/// # Ok::<(), tachograph::RegisterError>(())
/// ```
///
/// Before the first request, on the thread that will count, so that the first count allocates nothing:
///
/// ```
/// let registry = tachograph::Registry::new();
/// let jobs = registry.counter("jobs_total", "Jobs done.")?;
/// jobs.prepare();
/// assert!(tachograph::engine_stats().shards >= 1);
/// # Ok::<(), tachograph::RegisterError>(())
/// ```
#[derive(Clone, Debug)]
pub struct Counter {
    slot: NearSlot,
    series: Series<SlotRun>,
}

impl Counter {
    /// Adds one.
    #[inline]
    pub fn inc(&self) {
        self.inc_by(1);
    }

    /// Adds `n`. Past `u64::MAX` the sum starts again from 0.
    #[inline]
    pub fn inc_by(&self, n: u64) {
        shard::inc_by(self.slot, n);
    }

    /// The value now, summed over all threads. For tests and for the curious: a scrape reads a snapshot.
    pub fn value(&self) -> u64 {
        self.series.value.sum(0)
    }

    /// Allocates the calling thread's cell, so that counting on this thread allocates nothing from now on.
    pub fn prepare(&self) {
        shard::prepare(self.slot.slot());
    }
}

/// A number of things that come and go, such as open connections: counted up and down by any thread.
///
/// It is exposed as a gauge. Each thread counts in a cell of its own; the value is the sum.
///
/// # Consistency
///
/// A scrape that runs beside an `inc` on one thread and a `dec` after it on another may see the second without the first. With many
/// threads that count up and down all the while, a scrape may be off by as many such pairs as happen while it adds up, and even
/// show less than 0 for that moment. Once they stand still the value is exact.
///
/// # Examples
///
/// ```
/// let registry = tachograph::Registry::new();
/// let open = registry.up_down_counter("open_files", "Files open now.")?;
/// open.inc();
/// std::thread::scope(|scope| {
///     scope.spawn(|| open.dec());
/// });
/// assert_eq!(open.value(), 0);
/// # Ok::<(), tachograph::RegisterError>(())
/// ```
///
/// By more than one, on a thread whose cell is there beforehand:
///
/// ```
/// let registry = tachograph::Registry::new();
/// let waiting = registry.up_down_counter("jobs_waiting", "Jobs in the queue.")?;
/// waiting.prepare();
/// waiting.inc_by(5);
/// waiting.inc_by(-2);
/// assert_eq!(waiting.value(), 3);
/// # Ok::<(), tachograph::RegisterError>(())
/// ```
#[derive(Clone, Debug)]
pub struct UpDownCounter {
    slot: NearSlot,
    series: Series<SlotRun>,
}

impl UpDownCounter {
    /// Adds one.
    #[inline]
    pub fn inc(&self) {
        self.inc_by(1);
    }

    /// Takes one away.
    #[inline]
    pub fn dec(&self) {
        self.inc_by(-1);
    }

    /// Adds `n`, which may be negative.
    #[inline]
    pub fn inc_by(&self, n: i64) {
        // The cells are of two's complement: a negative `n` wraps to what it takes away.
        shard::inc_by(self.slot, n as u64);
    }

    /// The value now, summed over all threads.
    pub fn value(&self) -> i64 {
        self.series.value.sum(0) as i64
    }

    /// Allocates the calling thread's cell, so that counting on this thread allocates nothing from now on.
    pub fn prepare(&self) {
        shard::prepare(self.slot.slot());
    }
}

impl<const N: usize> Family<Counter, N> {
    /// Adds one to the series with these label values.
    #[inline]
    pub fn inc(&self, values: [&str; N]) {
        self.inc_by(values, 1);
    }

    /// Adds `n` to the series with these label values.
    #[inline]
    pub fn inc_by(&self, values: [&str; N], n: u64) {
        self.with_cells(values, |cells, ()| shard::inc_by(cells.near(), n));
    }
}

impl<const N: usize> Family<UpDownCounter, N> {
    /// Adds one to the series with these label values.
    #[inline]
    pub fn inc(&self, values: [&str; N]) {
        self.inc_by(values, 1);
    }

    /// Takes one from the series with these label values.
    #[inline]
    pub fn dec(&self, values: [&str; N]) {
        self.inc_by(values, -1);
    }

    /// Adds `n`, which may be negative, to the series with these label values.
    #[inline]
    pub fn inc_by(&self, values: [&str; N], n: i64) {
        self.with_cells(values, |cells, ()| shard::inc_by(cells.near(), n as u64));
    }
}

/// Both kinds are one slot; they differ in how its total is read.
macro_rules! one_slot {
    ($metric:ident, $values:expr) => {
        impl Sealed for $metric {}
        impl Instrument for $metric {}

        impl Parts for $metric {
            type Cells = SlotRun;
            type Shape = ();

            fn cells((): &()) -> Result<SlotRun, Exhausted> {
                SlotRun::cell()
            }

            fn sink((): &()) -> SlotRun {
                SlotRun::sink()
            }

            fn handle(series: Series<SlotRun>, (): &()) -> Self {
                Self { slot: series.value.near(), series }
            }

            fn values(series: &[Series<SlotRun>], (): &(), totals: &Totals, _previous: &Previous<'_>) -> Values {
                $values(series.iter().map(|series| series.value.total(totals, 0) as _).collect())
            }
        }
    };
}

one_slot!(Counter, Values::Counter);
one_slot!(UpDownCounter, Values::UpDown);
