//! Expiry: a gauge's series that nobody writes any more is left out of the scrapes, and taken out of its family.
//!
//! Who writes stores a mark, and reads no clock; each snapshot looks which marks are new, and notes when it saw them.
//!
//! Invariant *no write to what is gone*: whoever writes by look-up first claims the series, whoever keeps a handle first holds it; a
//! series that was claimed or held is not given up, and a claim of one that is given up fails and is made again on a new one. (A
//! thread may be suspended between its claim and its write. Only if that lasts for the whole time to live, the write is lost.)
//!
//! # Orderings
//!
//! `claim` and `hold` store their mark, and then load `gone`; `give_up` stores `gone`, and then loads their marks. Between the two
//! stands a SeqCst fence on either side: whichever fence comes second, its side sees the other's store. So a claim and a giving up of
//! one series never both succeed.

use std::time::{Duration, Instant};

use crate::snapshot::TICK;
use crate::sync::{AtomicBool, AtomicU32, Ordering, fence};

/// When a family's series expire.
#[derive(Debug)]
pub(crate) struct Expiry {
    after: u32,
    start: Instant,
}

/// Moments and spans are tenths of a second in 32 bits: thirteen years.
const TENTH: Duration = Duration::from_millis(100);

impl Expiry {
    /// The time to live is at least a tick of the snapshot thread, which is who looks.
    pub(crate) fn new(after: Duration, start: Instant) -> Self {
        // One tenth more, for the tenths that the two moments are rounded down by.
        Self { after: tenths(after.max(TICK)).saturating_add(1), start }
    }

    /// A moment that a mark can hold.
    pub(crate) fn moment(&self, now: Instant) -> Moment {
        Moment(tenths(now.saturating_duration_since(self.start)).saturating_add(1))
    }
}

fn tenths(span: Duration) -> u32 {
    u32::try_from(span.as_millis() / TENTH.as_millis()).unwrap_or(u32::MAX)
}

/// Tenths of a second since the start of the family, and one: never 0.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Moment(u32);

/// What a series knows of who writes it.
#[derive(Debug)]
pub(crate) struct Idle {
    /// 0 from a write until a snapshot looks, then the moment of that look. Writers store 0, snapshots the moments.
    since: AtomicU32,
    /// Whether a handle was ever given out. It never falls: such a series is left out for as long as it is idle, but stays.
    held: AtomicBool,
    /// Whether the series was given up, or is about to be. Stored with the mutex of the family's table.
    gone: AtomicBool,
}

impl Idle {
    /// A series is born written.
    pub(crate) fn new() -> Self {
        Self { since: AtomicU32::new(0), held: AtomicBool::new(false), gone: AtomicBool::new(false) }
    }

    /// Notes a write through a handle.
    #[inline]
    pub(crate) fn written(&self) {
        // Relaxed: a snapshot that does not see it yet sees the value of before, too; the next one will.
        self.since.store(0, Ordering::Relaxed);
    }

    /// Notes a write that is about to be made; `false` if the series is gone.
    pub(crate) fn claim(&self) -> bool {
        // Relaxed, and the fence: see the module header; the partner is `give_up`.
        self.since.store(0, Ordering::Relaxed);
        fence(Ordering::SeqCst);
        !self.gone.load(Ordering::Relaxed)
    }

    /// Keeps the series in its family for good; `false` if it is gone.
    pub(crate) fn hold(&self) -> bool {
        // Relaxed, and the fence: as in `claim`.
        self.held.store(true, Ordering::Relaxed);
        fence(Ordering::SeqCst);
        !self.gone.load(Ordering::Relaxed)
    }

    /// Whether the series is still alive, as a snapshot sees it that looks now.
    pub(crate) fn look(&self, expiry: &Expiry, now: Moment) -> bool {
        // Relaxed: if a write comes between, the next look sees it.
        match self.since.compare_exchange(0, now.0, Ordering::Relaxed, Ordering::Relaxed) {
            Ok(_) => true,
            Err(since) => now.0.saturating_sub(since) < expiry.after,
        }
    }

    /// Whether the series is to be taken out of its table. To be called with the table's mutex, by whoever does so.
    pub(crate) fn give_up(&self, expiry: &Expiry, now: Moment) -> bool {
        // Relaxed, and the fence: see the module header; the partners are `claim` and `hold`.
        let expired = |since: u32| since != 0 && now.0.saturating_sub(since) >= expiry.after;
        if self.held.load(Ordering::Relaxed) || !expired(self.since.load(Ordering::Relaxed)) {
            return false;
        }
        self.gone.store(true, Ordering::Relaxed);
        fence(Ordering::SeqCst);
        let unwanted = !self.held.load(Ordering::Relaxed) && expired(self.since.load(Ordering::Relaxed));
        if !unwanted {
            self.gone.store(false, Ordering::Relaxed);
        }
        unwanted
    }
}

#[cfg(all(test, tachograph_loom))]
mod models {
    //! Covers: a claim, a hold and a giving up of one series. Does not cover: the table, whose mutex orders one giving up after another.

    use loom::sync::Arc;
    use loom::thread;

    use super::*;

    fn never_both(wanted: fn(&Idle) -> bool) {
        loom::model(move || {
            let expiry = Expiry { after: 1, start: Instant::now() };
            let idle = Arc::new(Idle::new());
            assert!(idle.look(&expiry, Moment(1)));
            let other = idle.clone();
            let writer = thread::spawn(move || wanted(&other));
            let given_up = idle.give_up(&expiry, Moment(5));
            let claimed = writer.join().unwrap();
            assert!(!(claimed && given_up), "a write to a series that is gone");
        });
    }

    #[test]
    fn loom_a_series_is_never_both_claimed_and_given_up() {
        never_both(Idle::claim);
    }

    #[test]
    fn loom_a_series_is_never_both_held_and_given_up() {
        never_both(Idle::hold);
    }
}
