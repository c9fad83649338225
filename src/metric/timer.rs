//! Timers: an observation of the time until something is dropped.

use std::borrow::Cow;
use std::time::{Duration, Instant};

use super::family::Family;
use super::histogram::Histogram;
use super::summary::Summary;

/// Counts the time since it was started in a [`Histogram`] or [`Summary`] of seconds when it is dropped: at the end of the scope, or where the
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
    target: Option<Target<'a>>,
    started: Instant,
}

#[derive(Debug)]
enum Target<'a> {
    Histogram(Cow<'a, Histogram>),
    Summary(Cow<'a, Summary>),
}

impl<'a> Timer<'a> {
    fn start(target: Target<'a>) -> Self {
        Self { target: Some(target), started: Instant::now() }
    }

    /// Counts the time now, and tells it.
    pub fn observe(mut self) -> Duration {
        self.tell()
    }

    /// Counts nothing, and tells the time.
    pub fn discard(mut self) -> Duration {
        self.target = None;
        self.started.elapsed()
    }

    fn tell(&mut self) -> Duration {
        let took = self.started.elapsed();
        match self.target.take() {
            Some(Target::Histogram(histogram)) => histogram.observe_duration(took),
            Some(Target::Summary(summary)) => summary.observe_duration(took),
            None => {}
        }
        took
    }
}

impl Drop for Timer<'_> {
    fn drop(&mut self) {
        self.tell();
    }
}

/// Both kinds of target start their timers alike.
macro_rules! timed {
    ($metric:ident) => {
        impl $metric {
            /// Starts a timer that observes when it is dropped. It borrows this handle, so that threads do not meet at the count of its
            /// clones; where a timer has to go elsewhere, send a clone of the handle along and start it there.
            pub fn start_timer(&self) -> Timer<'_> {
                Timer::start(Target::$metric(Cow::Borrowed(self)))
            }
        }

        impl<const N: usize> Family<$metric, N> {
            /// Starts a timer that observes in the series with these label values when it is dropped.
            pub fn start_timer(&self, values: [&str; N]) -> Timer<'static> {
                Timer::start(Target::$metric(Cow::Owned(self.handle(values))))
            }
        }
    };
}

timed!(Histogram);
timed!(Summary);
