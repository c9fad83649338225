//! Handles as the facade wants them.

use std::sync::{Mutex, PoisonError};

use metrics::{CounterFn, GaugeFn, HistogramFn};

use crate::metric::counter::Counter;
use crate::metric::gauge::Gauge;
use crate::metric::histogram::Histogram;

/// A handle of ours behind the facade's.
#[derive(Debug)]
pub(super) struct Handle<M>(pub(super) M);

/// Held by who brings a counter up to a value.
static RAISING: Mutex<()> = Mutex::new(());

impl CounterFn for Handle<Counter> {
    #[inline]
    fn increment(&self, n: u64) {
        self.0.inc_by(n);
    }

    /// What is counted meanwhile comes after it.
    fn absolute(&self, value: u64) {
        let _raising = RAISING.lock().unwrap_or_else(PoisonError::into_inner);
        self.0.inc_by(value.saturating_sub(self.0.value()));
    }
}

impl GaugeFn for Handle<Gauge> {
    #[inline]
    fn increment(&self, n: f64) {
        self.0.inc_by(n);
    }

    #[inline]
    fn decrement(&self, n: f64) {
        self.0.inc_by(-n);
    }

    #[inline]
    fn set(&self, value: f64) {
        self.0.set(value);
    }
}

impl HistogramFn for Handle<Histogram> {
    #[inline]
    fn record(&self, value: f64) {
        self.0.observe_f64(value);
    }
}
