//! Is this server alive, from what it has already seen of itself, without running any check.
//!
//! Two signs of life are looked at: the age of the last snapshot (the snapshot thread takes one at least every five
//! seconds) and the age of the accept loop's heartbeat (at least one a second). The verdict is a pure function of
//! the ages.

use std::time::{Duration, Instant};

use crate::Registry;
use crate::health::HealthReport;
use crate::sync::{Arc, AtomicU64, Ordering};

/// Three of the snapshot thread's longest intervals.
const SNAPSHOT_LIMIT: Duration = Duration::from_secs(15);
/// Five of the accept loop's longest intervals.
const ACCEPT_LOOP_LIMIT: Duration = Duration::from_secs(5);

/// The accept loop's sign of life. Written by the accept loop, read by health answers.
#[derive(Clone, Debug)]
pub(in crate::server) struct Heartbeat {
    /// When the server was made; the beats count from here.
    since: Instant,
    /// Milliseconds from `since` to the last beat, plus one; 0 before the first.
    last: Arc<AtomicU64>,
}

impl Heartbeat {
    pub(in crate::server) fn new() -> Self {
        Self { since: Instant::now(), last: Arc::new(AtomicU64::new(0)) }
    }

    pub(in crate::server) fn beat(&self) {
        let now = self.since.elapsed().as_millis() as u64;
        // Relaxed: the number itself is all that is told; nothing else is read on the strength of it.
        self.last.store(now + 1, Ordering::Relaxed);
    }

    fn uptime(&self) -> Duration {
        self.since.elapsed()
    }

    /// Returns the time since the last beat; `None` before the first.
    fn age(&self) -> Option<Duration> {
        // Relaxed: see `beat`.
        let last = self.last.load(Ordering::Relaxed).checked_sub(1)?;
        Some(self.uptime().saturating_sub(Duration::from_millis(last)))
    }
}

/// How long ago the signs of life were seen; `None` is never.
#[derive(Clone, Copy, Debug)]
pub(super) struct Ages {
    snapshot: Option<Duration>,
    accept_loop: Option<Duration>,
    /// Since the server was made: what never was cannot be older than this.
    uptime: Duration,
}

impl Ages {
    pub(super) fn of(registry: &Registry, heartbeat: &Heartbeat) -> Self {
        Self {
            snapshot: registry.last_snapshot().map(|snapshot| snapshot.taken_at().elapsed()),
            accept_loop: heartbeat.age(),
            uptime: heartbeat.uptime(),
        }
    }

    /// Adds to a report what they tell.
    pub(super) fn tell(self, mut report: HealthReport) -> HealthReport {
        for (name, age) in [("snapshot_age_ms", self.snapshot), ("accept_loop_age_ms", self.accept_loop)] {
            if let Some(age) = age {
                report = report.with_detail(name, age.as_millis() as u64);
            }
        }
        let report = self.issues().into_iter().fold(report, HealthReport::with_issue);
        self.pending().into_iter().fold(report, HealthReport::with_note)
    }

    /// Says what is wrong; nothing when all is well.
    fn issues(&self) -> Vec<String> {
        let signs = [("snapshot", self.snapshot, SNAPSHOT_LIMIT), ("accept loop", self.accept_loop, ACCEPT_LOOP_LIMIT)];
        let mut issues = Vec::new();
        for (name, age, limit) in signs {
            match age {
                Some(age) if age > limit => {
                    issues.push(format!("{name}: last seen {} ms ago, the limit is {} ms", age.as_millis(), limit.as_millis()));
                }
                None if self.uptime > limit => {
                    issues.push(format!(
                        "{name}: never seen in {} ms, the limit is {} ms",
                        self.uptime.as_millis(),
                        limit.as_millis()
                    ));
                }
                Some(_) | None => {}
            }
        }
        issues
    }

    /// Says what has not been seen yet, though it is early enough not to worry.
    fn pending(&self) -> Vec<&'static str> {
        let early = |age: Option<Duration>, limit| age.is_none() && self.uptime <= limit;
        let mut pending = Vec::new();
        if early(self.snapshot, SNAPSHOT_LIMIT) {
            pending.push("snapshot: the first is still to come");
        }
        if early(self.accept_loop, ACCEPT_LOOP_LIMIT) {
            pending.push("accept loop: it has not started yet");
        }
        pending
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ages(snapshot: Option<u64>, accept_loop: Option<u64>, uptime: u64) -> Ages {
        let milliseconds = Duration::from_millis;
        Ages { snapshot: snapshot.map(milliseconds), accept_loop: accept_loop.map(milliseconds), uptime: milliseconds(uptime) }
    }

    fn named(ages: Ages) -> Vec<String> {
        ages.issues().into_iter().map(|issue| issue.split(':').next().unwrap().to_owned()).collect()
    }

    #[test]
    fn fresh_signs_of_life_are_healthy() {
        let fresh = ages(Some(0), Some(0), 60_000);
        assert_eq!(fresh.issues(), Vec::<String>::new());
        assert_eq!(fresh.pending(), Vec::<&str>::new());
    }

    #[test]
    fn an_age_at_its_limit_is_healthy_and_one_beyond_is_not() {
        assert_eq!(named(ages(Some(15_000), Some(5_000), 60_000)), Vec::<String>::new());
        assert_eq!(named(ages(Some(15_001), Some(5_000), 60_000)), ["snapshot"]);
        assert_eq!(named(ages(Some(15_000), Some(5_001), 60_000)), ["accept loop"]);
        assert_eq!(named(ages(Some(15_001), Some(5_001), 60_000)), ["snapshot", "accept loop"]);
    }

    #[test]
    fn what_never_was_is_pending_first_and_wrong_later() {
        let early = ages(None, None, 5_000);
        assert_eq!(named(early), Vec::<String>::new());
        assert_eq!(early.pending().len(), 2);
        let later = ages(None, None, 15_000);
        assert_eq!(named(later), ["accept loop"]);
        assert_eq!(later.pending(), ["snapshot: the first is still to come"]);
        let late = ages(None, None, 15_001);
        assert_eq!(named(late), ["snapshot", "accept loop"]);
        assert_eq!(late.pending(), Vec::<&str>::new());
    }

    #[test]
    fn an_issue_tells_its_age_and_its_limit() {
        let stale = ages(Some(20_000), None, 6_000);
        assert_eq!(
            stale.issues(),
            [
                "snapshot: last seen 20000 ms ago, the limit is 15000 ms",
                "accept loop: never seen in 6000 ms, the limit is 5000 ms"
            ]
        );
    }

    #[test]
    fn a_heartbeat_has_no_age_before_its_first_beat() {
        let heartbeat = Heartbeat::new();
        assert_eq!(heartbeat.age(), None);
        heartbeat.beat();
        assert!(heartbeat.age().unwrap() <= heartbeat.uptime());
    }
}
