//! The clock by which kept profiles grow old: monotonic, and put forward by a clear, so that all of them are old at once.

use std::time::Instant;

use crate::sync::{AtomicU64, Ordering};

/// How long a profile is kept for being slow, or because an exemplar names it.
pub(super) const KEPT_SECONDS: u64 = 600;

/// Seconds of a span: the slowest are those of a route and a span.
pub(super) const SPAN_SECONDS: u64 = 120;

/// Spans that are kept beside the one that is going on.
pub(super) const SPANS: u64 = KEPT_SECONDS / SPAN_SECONDS;

/// More than any profile is kept, in whole spans.
const A_LIFE: u64 = KEPT_SECONDS + SPAN_SECONDS;

const _: () = assert!(A_LIFE.is_multiple_of(SPAN_SECONDS));

#[derive(Debug)]
pub(super) struct AgeClock {
    started: Instant,
    /// Seconds that clears have put it forward, and those that it starts with: 0 is no time at which anything was kept.
    forward: AtomicU64,
}

impl AgeClock {
    pub(super) fn new() -> Self {
        Self { started: Instant::now(), forward: AtomicU64::new(A_LIFE) }
    }

    /// The second that an instant is in.
    #[inline]
    pub(super) fn second(&self, now: Instant) -> u64 {
        // Relaxed: who does not see a clear yet is before it.
        now.saturating_duration_since(self.started).as_secs() + self.forward.load(Ordering::Relaxed)
    }

    /// Makes all that is kept old.
    pub(super) fn put_forward(&self) {
        // Relaxed: as in `second`.
        self.forward.fetch_add(A_LIFE, Ordering::Relaxed);
    }
}

/// The span that a second is in.
#[inline]
pub(super) fn span(second: u64) -> u64 {
    second / SPAN_SECONDS
}
