//! When which check runs, and what its last result was. All of it is a function of the instants that it is told, so that tests need not
//! wait for anything.
//!
//! A check has at most one run at a time. A run that has taken longer than its timeout is *hung*: that is its result, each time that one
//! is due, until it comes back; what it then says comes too late and is dropped.

use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

use super::damping::Damping;
use super::options::{CheckOptions, Group, JITTER};
use super::result::CheckResult;
use super::selection::Selection;
use super::status::HealthStatus;

/// A look at the clock that comes so much later than it was due tells of a process that was suspended or starved, and of no check.
const STARVED: Duration = Duration::from_millis(250);

/// All checks, in the order of their registration.
#[derive(Debug)]
pub(super) struct Schedule {
    checks: Vec<Tracked>,
    chance: u64,
}

/// A check between its runs.
#[derive(Debug)]
pub(super) struct Tracked {
    pub(super) name: Arc<str>,
    pub(super) options: Arc<CheckOptions>,
    /// When the next run begins, or for one that hangs, when that is told again.
    due: Instant,
    running: Option<Run>,
    damping: Damping,
    /// Whether it has not been unhealthy once.
    been_well: bool,
    pub(super) last: Option<Last>,
}

#[derive(Clone, Copy, Debug)]
struct Run {
    since: Instant,
    /// When it has taken too long.
    until: Instant,
    /// Whether `until` was put off once, because nobody could have run until then.
    excused: bool,
    hung: bool,
}

/// The last result of a check.
#[derive(Clone, Debug)]
pub(super) struct Last {
    /// After damping.
    pub(super) status: HealthStatus,
    pub(super) result: Arc<CheckResult>,
    pub(super) at: Instant,
    /// `at` by the wall clock.
    pub(super) time: SystemTime,
    pub(super) duration: Duration,
}

/// A status became another. The first one is a change only if it is not healthy.
#[derive(Clone, Debug)]
pub(super) struct Change {
    pub(super) name: Arc<str>,
    pub(super) from: Option<HealthStatus>,
    pub(super) to: HealthStatus,
    pub(super) result: Arc<CheckResult>,
}

/// What is to be done after a look at the clock.
#[derive(Debug, Default)]
pub(super) struct Todo {
    /// These are to run. Each counts as running from here on.
    pub(super) start: Vec<usize>,
    /// The runs of these have taken too long and are to be given up.
    pub(super) give_up: Vec<usize>,
    pub(super) changes: Vec<Change>,
    /// Whether there are new results.
    pub(super) recorded: bool,
}

impl Schedule {
    /// `seed` makes the jitter of one process another's.
    pub(super) fn new(seed: u64) -> Self {
        Self { checks: Vec::new(), chance: seed }
    }

    pub(super) fn checks(&self) -> &[Tracked] {
        &self.checks
    }

    /// Whether each of the checks of [`Group::Startup`] that are critical is well, or has been at some time. It is remembered
    /// of each by itself: while checks are still being registered, those that there are may all be well already.
    pub(super) fn has_started(&self) -> bool {
        let counts = |check: &&Tracked| check.options.critical && check.options.groups.contains(&Group::Startup);
        self.checks.iter().filter(counts).all(|check| check.been_well)
    }

    /// Adds a check, whose first run is due at once.
    pub(super) fn add(&mut self, name: Arc<str>, options: Arc<CheckOptions>, now: Instant) {
        let damping = Damping::new(&options);
        self.checks.push(Tracked { name, options, due: now, running: None, damping, been_well: false, last: None });
    }

    /// Looks at the clock.
    pub(super) fn turn(&mut self, now: Instant) -> Todo {
        let mut todo = Todo::default();
        let starved = self.next().is_some_and(|due| now.saturating_duration_since(due) > STARVED);
        for at in 0..self.checks.len() {
            let check = &mut self.checks[at];
            let timeout = check.options.timeout;
            match &mut check.running {
                None if check.due <= now => {
                    check.running = Some(Run { since: now, until: after(now, timeout), excused: false, hung: false });
                    todo.start.push(at);
                    self.put_off(at, now);
                }
                Some(run) if !run.hung && run.until <= now && starved && !run.excused => {
                    run.until = after(now, timeout);
                    run.excused = true;
                }
                Some(run) if !run.hung && run.until <= now => {
                    run.hung = true;
                    let told = format!("it did not come back within {} ms", timeout.as_millis());
                    todo.give_up.push(at);
                    todo.changes.extend(self.record(at, now, timeout, CheckResult::unhealthy(told)));
                    todo.recorded = true;
                }
                Some(run) if run.hung && check.due <= now => {
                    let since = now.saturating_duration_since(run.since);
                    let told = format!("it has not come back for {} s", since.as_secs());
                    todo.changes.extend(self.record(at, now, since, CheckResult::unhealthy(told)));
                    todo.recorded = true;
                    self.put_off(at, now);
                }
                None | Some(_) => {}
            }
        }
        todo
    }

    /// When the clock is to be looked at again; `None` when there are no checks.
    pub(super) fn next(&self) -> Option<Instant> {
        let of = |check: &Tracked| match check.running {
            Some(run) if !run.hung => run.until,
            Some(_) | None => check.due,
        };
        self.checks.iter().map(of).min()
    }

    /// Takes in that a run has ended, with what it found unless it was given up. Tells whether there is a new result, and what it changed.
    pub(super) fn finish(
        &mut self,
        check: usize,
        now: Instant,
        duration: Duration,
        result: Option<CheckResult>,
    ) -> (bool, Option<Change>) {
        let run = self.checks[check].running.take();
        match (run, result) {
            (Some(Run { hung: false, .. }), Some(result)) => (true, self.record(check, now, duration, result)),
            // Too late, or given up: what the next run says is the truth.
            _ => (false, None),
        }
    }

    /// Whether each selected check has a result that is no older than `oldest`. Of the others a run becomes due now.
    pub(super) fn demand(&mut self, selection: &Selection, oldest: Instant, now: Instant) -> bool {
        let mut settled = true;
        for check in self.checks.iter_mut().filter(|check| selection.holds(&check.name, &check.options)) {
            if check.last.as_ref().is_none_or(|last| last.at < oldest) {
                settled = false;
                // What a run finds that is under way will be young enough.
                if check.running.is_none_or(|run| run.hung) {
                    check.due = check.due.min(now);
                }
            }
        }
        settled
    }

    fn record(&mut self, check: usize, now: Instant, duration: Duration, result: CheckResult) -> Option<Change> {
        let tracked = &mut self.checks[check];
        let from = tracked.last.as_ref().map(|last| last.status);
        let to = tracked.damping.follow(result.status());
        tracked.been_well |= to != HealthStatus::Unhealthy;
        let result = Arc::new(result);
        tracked.last = Some(Last { status: to, result: Arc::clone(&result), at: now, time: SystemTime::now(), duration });
        let changed = from.unwrap_or(HealthStatus::Healthy) != to;
        changed.then(|| Change { name: Arc::clone(&self.checks[check].name), from, to, result })
    }

    /// Sets the next run an interval from now, a tenth more or less.
    fn put_off(&mut self, check: usize, now: Instant) {
        // A step of a linear congruential generator (Knuth's MMIX); its upper half is random enough for this.
        self.chance = self.chance.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        let share = f64::from((self.chance >> 32) as u32) / f64::from(u32::MAX);
        let interval = self.checks[check].options.interval;
        let tenth = interval / JITTER;
        self.checks[check].due = after(now, (interval - tenth).saturating_add((tenth * 2).mul_f64(share)));
    }
}

/// So much later, or where the clock ends, in thirty years.
fn after(start: Instant, duration: Duration) -> Instant {
    start.checked_add(duration).unwrap_or(start + Duration::from_secs(1 << 30))
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    fn options(interval: u64, timeout: u64) -> CheckOptions {
        CheckOptions { interval: SECOND * interval as u32, timeout: SECOND * timeout as u32, ..CheckOptions::default() }
    }

    fn schedule(checks: &[(&str, CheckOptions)], now: Instant) -> Schedule {
        let mut schedule = Schedule::new(1);
        checks.iter().for_each(|(name, options)| schedule.add((*name).into(), Arc::new(options.clone()), now));
        schedule
    }

    fn status(schedule: &Schedule, check: usize) -> HealthStatus {
        schedule.checks()[check].last.as_ref().unwrap().status
    }

    fn healthy() -> Option<CheckResult> {
        Some(CheckResult::healthy(""))
    }

    #[test]
    fn a_check_runs_at_once_and_then_an_interval_later_a_tenth_more_or_less() {
        let mut now = Instant::now();
        let mut schedule = schedule(&[("a", options(10, 1))], now);
        let mut intervals = Vec::new();
        for _ in 0..1_000 {
            assert_eq!(schedule.turn(now).start, [0]);
            assert!(schedule.turn(now).start.is_empty(), "one run at a time");
            assert_eq!(schedule.next(), Some(now + SECOND), "its timeout comes next");
            schedule.finish(0, now, Duration::ZERO, healthy());
            let next = schedule.next().unwrap();
            assert!(schedule.turn(next - Duration::from_nanos(1)).start.is_empty());
            intervals.push((next - now).as_secs_f64());
            now = next;
        }
        let within = |low: f64, high: f64| intervals.iter().filter(|interval| (low..high).contains(*interval)).count();
        assert_eq!(within(9.0, 11.0), 1_000);
        for low in [9.0, 9.5, 10.0, 10.5] {
            assert!((180..320).contains(&within(low, low + 0.5)), "{low}: {}", within(low, low + 0.5));
        }
    }

    #[test]
    fn a_hung_run_is_told_at_its_timeout_and_each_time_one_is_due() {
        let start = Instant::now();
        let mut schedule = schedule(&[("hangs", options(5, 2)), ("well", options(5, 2))], start);
        assert_eq!(schedule.turn(start).start, [0, 1]);
        schedule.finish(1, start, Duration::ZERO, healthy());
        let timeout = start + SECOND * 2;
        assert!(!schedule.turn(timeout - Duration::from_nanos(1)).recorded);
        let told = schedule.turn(timeout);
        assert_eq!(told.give_up, [0]);
        assert_eq!((told.changes.len(), told.changes[0].to), (1, HealthStatus::Unhealthy));
        assert_eq!(told.changes[0].result.message(), "it did not come back within 2000 ms");
        let due = schedule.next().unwrap();
        let again = schedule.turn(due);
        assert!(again.recorded && again.changes.is_empty() && again.give_up.is_empty());
        let last = schedule.checks()[0].last.clone().unwrap();
        assert_eq!(last.result.message(), format!("it has not come back for {} s", (due - start).as_secs()));
        assert_eq!(last.at, due);

        // What it says in the end comes too late. It runs again when that is due.
        let (recorded, change) = schedule.finish(0, due, SECOND, healthy());
        assert!(!recorded && change.is_none());
        assert_eq!(status(&schedule, 0), HealthStatus::Unhealthy);
        assert!(!schedule.turn(due).start.contains(&0));
        let later = due + SECOND * 6;
        assert!(schedule.turn(later).start.contains(&0));
        let (recorded, change) = schedule.finish(0, later, SECOND, healthy());
        assert!(recorded);
        assert_eq!(change.map(|change| (change.from, change.to)), Some((Some(HealthStatus::Unhealthy), HealthStatus::Healthy)));
    }

    #[test]
    fn what_a_suspended_process_slept_is_not_held_against_a_run_more_than_once() {
        let start = Instant::now();
        let mut schedule = schedule(&[("a", options(5, 1))], start);
        schedule.turn(start);
        let resumed = start + SECOND * 60;
        assert!(!schedule.turn(resumed).recorded);
        assert_eq!(schedule.next(), Some(resumed + SECOND));
        assert!(schedule.turn(resumed + SECOND * 2).recorded);

        schedule.finish(0, resumed, SECOND, None);
        let again = schedule.next().unwrap();
        schedule.turn(again);
        assert!(schedule.turn(again + SECOND + STARVED).recorded, "a little late is no excuse");
    }

    #[test]
    fn a_run_that_was_given_up_leaves_its_result_and_its_next_run_where_they_were() {
        let start = Instant::now();
        let mut schedule = schedule(&[("a", options(5, 1))], start);
        schedule.turn(start);
        schedule.turn(start + SECOND);
        schedule.finish(0, start + SECOND, SECOND, None);
        assert_eq!(status(&schedule, 0), HealthStatus::Unhealthy);
        assert!(schedule.next().unwrap() >= start + SECOND * 4);
    }

    #[test]
    fn a_demand_is_settled_by_results_that_are_young_enough_and_starts_each_other_check_once() {
        let start = Instant::now();
        let mut schedule = schedule(&[("a", options(60, 1)), ("b", options(60, 1))], start);
        let all = Selection::all();
        assert!(!schedule.demand(&all, start, start));
        assert_eq!(schedule.turn(start).start, [0, 1]);
        schedule.finish(0, start, Duration::ZERO, healthy());
        schedule.finish(1, start + SECOND, Duration::ZERO, healthy());

        let now = start + SECOND;
        assert!(schedule.demand(&all, now - SECOND, now), "a second old is young enough");
        assert!(!schedule.demand(&all, now - SECOND + Duration::from_nanos(1), now));
        assert!(schedule.demand(&Selection::check("b"), now, now));
        for _ in 0..500 {
            assert!(!schedule.demand(&all, now, now));
        }
        assert_eq!(schedule.turn(now).start, [0], "one run for all who ask");
        assert!(!schedule.demand(&all, now, now));
        assert!(schedule.turn(now).start.is_empty());
        schedule.finish(0, now, Duration::ZERO, healthy());
        assert!(schedule.demand(&all, now, now));
        assert!(schedule.turn(now).start.is_empty(), "who asked during the run has its result, and no further one");
    }

    #[test]
    fn a_demand_does_not_wait_for_a_run_that_is_known_to_hang() {
        let start = Instant::now();
        let mut schedule = schedule(&[("a", options(60, 1))], start);
        schedule.turn(start);
        schedule.turn(start + SECOND);
        let later = start + SECOND * 30;
        assert!(!schedule.demand(&Selection::all(), later, later));
        assert!(schedule.turn(later).recorded);
        assert!(schedule.demand(&Selection::all(), later, later));
    }

    #[test]
    fn the_first_result_is_a_change_only_if_it_is_not_healthy() {
        let now = Instant::now();
        let mut schedule = schedule(&[("a", options(5, 1)), ("b", options(5, 1))], now);
        schedule.turn(now);
        assert!(schedule.finish(0, now, Duration::ZERO, healthy()).1.is_none());
        let change = schedule.finish(1, now, Duration::ZERO, Some(CheckResult::degraded("slow"))).1.unwrap();
        assert_eq!((&*change.name, change.from, change.to), ("b", None, HealthStatus::Degraded));
    }

    #[test]
    fn it_has_started_once_what_is_critical_has_been_well() {
        let now = Instant::now();
        let aside = CheckOptions { critical: false, ..options(5, 1) };
        let other = CheckOptions { groups: vec![Group::Ready], ..options(5, 1) };
        let mut schedule = schedule(&[("a", options(5, 1)), ("b", options(5, 1)), ("aside", aside), ("other", other)], now);
        schedule.turn(now);
        let finish = |schedule: &mut Schedule, check, status| {
            schedule.finish(check, now, Duration::ZERO, Some(CheckResult::new(status, "")));
            schedule.turn(now + SECOND * 6);
        };
        finish(&mut schedule, 0, HealthStatus::Healthy);
        assert!(!schedule.has_started());
        finish(&mut schedule, 1, HealthStatus::Unhealthy);
        assert!(!schedule.has_started());
        finish(&mut schedule, 1, HealthStatus::Degraded);
        assert!(schedule.has_started());
        finish(&mut schedule, 0, HealthStatus::Unhealthy);
        assert!(schedule.has_started(), "for good");
        schedule.add("late".into(), Arc::new(options(5, 1)), now);
        assert!(!schedule.has_started(), "what is added while others run already is still to come");
    }

    #[test]
    fn without_checks_there_is_nothing_to_wait_for() {
        let now = Instant::now();
        let mut schedule = Schedule::new(1);
        assert!(schedule.demand(&Selection::all(), now, now));
        assert_eq!(schedule.next(), None);
        assert!(schedule.turn(now).start.is_empty());
    }
}
