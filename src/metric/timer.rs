//! Timers: an observation of the time until something is dropped.

use std::borrow::Cow;
use std::time::{Duration, Instant};

use super::family::Family;
use super::histogram::Histogram;

/// Counts the time since it was started in a [`Histogram`] of seconds when it is dropped: at the end of the scope, or where the
/// scope is left by `?` or a panic.
///
/// # Examples
///
/// ```
/// use tachograph::{Buckets, Registry};
///
/// let registry = Registry::new();
/// let wait = registry.histogram("wait_seconds", "Time in the queue.", Buckets::seconds(&[0.005, 0.1])?)?;
/// {
///     let _timer = wait.start_timer();
/// }
/// let took = wait.start_timer().observe();
/// wait.start_timer().discard();
/// assert_eq!(wait.count(), 2);
/// assert!(wait.sum() >= took.as_secs_f64());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
#[must_use = "a timer that is not kept is dropped at once, and observes next to nothing"]
pub struct Timer<'a> {
    /// `None` once it is told.
    histogram: Option<Cow<'a, Histogram>>,
    started: Instant,
}

impl<'a> Timer<'a> {
    fn start(histogram: Cow<'a, Histogram>) -> Self {
        Self { histogram: Some(histogram), started: Instant::now() }
    }

    /// Counts the time now, and tells it.
    pub fn observe(mut self) -> Duration {
        self.tell()
    }

    /// Counts nothing, and tells the time.
    pub fn discard(mut self) -> Duration {
        self.histogram = None;
        self.started.elapsed()
    }

    fn tell(&mut self) -> Duration {
        let took = self.started.elapsed();
        if let Some(histogram) = self.histogram.take() {
            histogram.observe_duration(took);
        }
        took
    }
}

impl Drop for Timer<'_> {
    fn drop(&mut self) {
        self.tell();
    }
}

impl Histogram {
    /// Starts a timer that observes when it is dropped. It borrows the histogram, so that threads do not meet at the counts of a
    /// shared handle; where a timer has to go elsewhere, send a clone of the histogram with it.
    pub fn start_timer(&self) -> Timer<'_> {
        Timer::start(Cow::Borrowed(self))
    }
}

impl<const N: usize> Family<Histogram, N> {
    /// Starts a timer that observes in the series with these label values when it is dropped.
    pub fn start_timer(&self, values: [&str; N]) -> Timer<'static> {
        Timer::start(Cow::Owned(self.handle(values)))
    }
}
