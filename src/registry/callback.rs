//! Callbacks: a gauge or a counter that is a function, asked when a scrape comes.
//!
//! Each is a collector of one series, so it has a collector's protection: a thread of its own, a deadline, and its panics caught.

use super::{Collector, RegisterError, Registry, Sink};
use crate::metric::descriptor::{Descriptor, Kind};

struct Callback<F> {
    descriptor: Descriptor,
    read: F,
}

impl<F: Fn() -> f64 + Send + Sync + 'static> Collector for Callback<F> {
    fn describe(&self) -> Result<Vec<Descriptor>, RegisterError> {
        Ok(vec![self.descriptor.clone()])
    }

    fn collect(&self, sink: &mut Sink<'_>) {
        let (name, value) = (self.descriptor.name(), (self.read)());
        match self.descriptor.kind() {
            Kind::Counter => sink.counter_f64(name, &[], value),
            _ => sink.gauge(name, &[], value),
        }
    }
}

impl Registry {
    /// Registers a gauge whose value `read` tells when a snapshot is taken. Any double will do.
    ///
    /// `read` runs on a thread of its own, started by the first snapshot. If it panics, or takes longer than a second, the gauge is
    /// left out of that snapshot and counted in `tachograph_collector_failures_total`, under the family's name. Many values that are
    /// read together are cheaper as one [`Collector`].
    ///
    /// # Errors
    ///
    /// [`RegisterError`] when the name is not legal or clashes.
    ///
    /// # Examples
    ///
    /// ```
    /// use std::sync::Mutex;
    ///
    /// let queue = std::sync::Arc::new(Mutex::new(vec!["mail", "video"]));
    /// let registry = tachograph::Registry::new();
    /// let counted = queue.clone();
    /// registry.gauge_callback("queue_depth", "Jobs waiting.", move || counted.lock().unwrap().len() as f64)?;
    /// queue.lock().unwrap().pop();
    /// assert!(registry.snapshot().text().ends_with("# TYPE queue_depth gauge\nqueue_depth 1\n"));
    /// # Ok::<(), tachograph::RegisterError>(())
    /// ```
    pub fn gauge_callback(
        &self,
        name: &str,
        help: &str,
        read: impl Fn() -> f64 + Send + Sync + 'static,
    ) -> Result<(), RegisterError> {
        self.callback(Descriptor::new(name, Kind::Gauge, help)?, read)
    }

    /// Registers a counter whose value `read` tells when a snapshot is taken, as [`gauge_callback`](Self::gauge_callback) does. It must
    /// never fall. A value that is NaN, infinite or negative is left out and counted as a failure.
    ///
    /// # Errors
    ///
    /// [`RegisterError`] when the name is not legal, does not end in `_total` or clashes.
    ///
    /// # Examples
    ///
    /// ```
    /// let started = std::time::Instant::now();
    /// let registry = tachograph::Registry::new();
    /// registry.counter_callback("up_seconds_total", "Time since the start.", move || started.elapsed().as_secs_f64())?;
    /// assert!(registry.snapshot().text().contains("# TYPE up_seconds_total counter\nup_seconds_total "));
    /// # Ok::<(), tachograph::RegisterError>(())
    /// ```
    pub fn counter_callback(
        &self,
        name: &str,
        help: &str,
        read: impl Fn() -> f64 + Send + Sync + 'static,
    ) -> Result<(), RegisterError> {
        self.callback(Descriptor::new(name, Kind::Counter, help)?, read)
    }

    fn callback(&self, descriptor: Descriptor, read: impl Fn() -> f64 + Send + Sync + 'static) -> Result<(), RegisterError> {
        let name = descriptor.name().to_owned();
        self.register_collector(&name, Callback { descriptor, read })
    }
}
