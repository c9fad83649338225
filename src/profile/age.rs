//! The clock by which kept profiles grow old: monotonic, and put forward by a clear, so that all of them are old at once. And which
//! profiles are cleared.
//!
//! # Orderings
//!
//! A clear reads the number of the next profile, says that all before it are cleared, and puts the clock forward (Release). Who keeps a
//! profile has its number, reads the clock (Acquire), and asks whether it is cleared.
//!
//! - If it sees the clock put forward, it sees too that the profile is cleared, when it is, and keeps it nowhere.
//! - If it does not, what it keeps is old as soon as the clock is put forward.
//!
//! So nothing that is cleared takes the room of what comes later.

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
    /// Profiles with a lower number are cleared. It only rises.
    cleared: AtomicU64,
}

impl AgeClock {
    pub(super) fn new() -> Self {
        Self { started: Instant::now(), forward: AtomicU64::new(A_LIFE), cleared: AtomicU64::new(0) }
    }

    /// The second that an instant is in.
    #[inline]
    pub(super) fn second(&self, now: Instant) -> u64 {
        // Acquire: pairs with the addition in `clear`. If that one comes later, what is kept by this second is old from then on.
        now.saturating_duration_since(self.started).as_secs() + self.forward.load(Ordering::Acquire)
    }

    /// The number from which on profiles are not cleared.
    #[inline]
    pub(super) fn cleared(&self) -> u64 {
        // Relaxed: whoever knows of a clear, by `second` or another way, sees it.
        self.cleared.load(Ordering::Relaxed)
    }

    /// Clears all profiles before the next one, whose number `next` tells, and makes all that is kept of them old. Tells the numbers of those
    /// that were not cleared before.
    pub(super) fn clear(&self, next: impl FnOnce() -> u64) -> std::ops::Range<u64> {
        // These follow each other at once: of a profile that ends in between the ring alone has a copy.
        let next = next();
        // Relaxed: the addition orders it.
        let before = self.cleared.fetch_max(next, Ordering::Relaxed);
        // When nothing came since the last clear all is old, or will be when that one is done: the clock comes round in two years, and clears
        // that find nothing must not make it run.
        if before < next {
            // Release: pairs with the load in `second`.
            self.forward.fetch_add(A_LIFE, Ordering::Release);
        }
        before.min(next)..next
    }
}

/// The span that a second is in.
#[inline]
pub(super) fn span(second: u64) -> u64 {
    second / SPAN_SECONDS
}

#[cfg(all(test, not(tachograph_loom)))]
mod tests {
    use super::*;

    #[test]
    fn a_clear_makes_old_what_is_kept_and_one_that_finds_nothing_does_nothing() {
        let age = AgeClock::new();
        let start = age.started;
        assert_eq!(age.clear(|| 0), 0..0);
        assert_eq!((age.cleared(), age.second(start)), (0, A_LIFE));
        assert_eq!(age.clear(|| 7), 0..7);
        assert_eq!((age.cleared(), age.second(start)), (7, 2 * A_LIFE));
        assert_eq!((age.clear(|| 7), age.clear(|| 5)), (7..7, 5..5));
        assert_eq!((age.cleared(), age.second(start)), (7, 2 * A_LIFE));
    }
}

#[cfg(all(test, tachograph_loom))]
mod models {
    //! Covers: a clear beside a profile that ends, and beside another clear. Tickets are those of a ring, without its slots.

    use loom::thread;

    use super::*;

    #[test]
    fn loom_what_is_cleared_is_kept_nowhere_or_old_at_once() {
        loom::model(|| {
            let age = loom::sync::Arc::new((AgeClock::new(), AtomicU64::new(0)));
            let ending = age.clone();
            let writer = thread::spawn(move || {
                let (age, tickets) = &*ending;
                let number = tickets.fetch_add(1, Ordering::Relaxed);
                let second = age.second(age.started);
                (number >= age.cleared()).then_some(second)
            });
            let other = age.clone();
            let clearing = thread::spawn(move || other.0.clear(|| other.1.load(Ordering::Relaxed)));
            let cleared = age.0.clear(|| age.1.load(Ordering::Relaxed));
            let kept = writer.join().unwrap();
            let other = clearing.join().unwrap();
            assert!(cleared.is_empty() || other.is_empty(), "both cleared it");
            let is_cleared = age.0.cleared() == 1;
            assert_eq!(is_cleared, !cleared.is_empty() || !other.is_empty());
            if let Some(second) = kept.filter(|_| is_cleared) {
                assert!(second + KEPT_SECONDS < age.0.second(age.0.started), "what is cleared is young");
            }
            // One that ends after them is kept, and is young.
            assert!(age.1.fetch_add(1, Ordering::Relaxed) >= age.0.cleared());
        });
    }
}
