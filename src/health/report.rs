//! What is known of the checks at one moment, for readers.

use std::borrow::Cow;
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

use super::options::CheckOptions;
use super::result::{CheckResult, Detail};
use super::schedule::{Schedule, Tracked};
use super::selection::Selection;
use super::status::HealthStatus;

/// What the checks of a [`Selection`] last said, as of one moment, and what whoever answers with it knows beside them.
///
/// # Examples
///
/// ```
/// use tachograph::health::{HealthRegistry, HealthStatus, Selection};
///
/// let report = HealthRegistry::new().report(&Selection::all());
/// assert_eq!(report.status(), HealthStatus::Healthy);
/// let report = report.with_issue("the server is shutting down");
/// assert_eq!(report.status(), HealthStatus::Unhealthy);
/// assert_eq!(report.issues(), ["the server is shutting down"]);
/// ```
///
/// With a check:
///
/// ```
/// # let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
///
/// use std::time::Duration;
/// use tachograph::health::{CheckOptions, CheckResult, Detail, HealthRegistry, HealthStatus, Selection};
///
/// let health = HealthRegistry::new().with_version("4.3");
/// health.register("queue", || async { CheckResult::degraded("900 jobs wait") }, CheckOptions::default())?;
/// let report = runtime.block_on(health.fresh(&Selection::all(), Duration::ZERO));
/// assert_eq!((report.status(), report.http_status(false), report.http_status(true)), (HealthStatus::Degraded, 200, 503));
/// assert_eq!((report.version(), report.issues()), ("4.3", vec!["queue is degraded: 900 jobs wait".to_owned()]));
/// assert!(report.duration() <= report.uptime() && report.age().is_some());
///
/// // What whoever answers knows beside the checks.
/// let report = report.with_detail("shard", 3).with_note("a deploy is going on").with_status(HealthStatus::Unhealthy);
/// assert!(report.details().eq([("shard", &Detail::Integer(3))]));
/// assert_eq!((report.notes(), report.http_status(false)), (&["a deploy is going on"][..], 503));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
pub struct HealthReport {
    version: Arc<str>,
    uptime: Duration,
    checks: Vec<CheckReport>,
    /// What decides the whole instead of the checks.
    decided: Option<HealthStatus>,
    /// Issues that are of no check.
    other_issues: Vec<Cow<'static, str>>,
    details: Vec<(&'static str, Detail)>,
    notes: Vec<&'static str>,
}

/// What one check last said.
///
/// # Examples
///
/// ```
/// # let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
///
/// use std::time::Duration;
/// use tachograph::health::{CheckOptions, CheckResult, Detail, HealthRegistry, HealthStatus, Selection};
///
/// let health = HealthRegistry::new();
/// let look = || async { CheckResult::unhealthy("no answer").detail("tries", 3) };
/// health.register("cache", look, CheckOptions { failure_threshold: 2, ..CheckOptions::default() })?;
/// let report = runtime.block_on(health.fresh(&Selection::check("cache"), Duration::ZERO));
/// let check = &report.checks()[0];
/// assert_eq!((check.name(), check.options().failure_threshold), ("cache", 2));
/// assert_eq!((check.observed(), check.message()), (Some(HealthStatus::Unhealthy), "no answer".to_owned()));
/// assert!(check.details().eq([("tries", &Detail::Integer(3))]));
/// assert!(check.age().is_some() && check.duration().is_some() && check.time().is_some());
/// // Its second bad result will make it unhealthy; until then it is as it was before its first: unhealthy.
/// assert_eq!(check.status(), HealthStatus::Unhealthy);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
pub struct CheckReport {
    name: Arc<str>,
    options: Arc<CheckOptions>,
    status: HealthStatus,
    /// None before the first result.
    last: Option<Seen>,
}

#[derive(Clone, Debug)]
struct Seen {
    result: Arc<CheckResult>,
    age: Duration,
    time: SystemTime,
    duration: Duration,
    stale: bool,
}

impl HealthReport {
    pub(super) fn new(schedule: &Schedule, selection: &Selection, now: Instant, version: &Arc<str>, uptime: Duration) -> Self {
        let selected = schedule.checks().iter().filter(|check| selection.holds(&check.name, &check.options));
        let checks = selected.map(|check| CheckReport::new(check, now)).collect();
        Self {
            version: Arc::clone(version),
            uptime,
            checks,
            decided: None,
            other_issues: Vec::new(),
            details: Vec::new(),
            notes: Vec::new(),
        }
    }

    /// The same with an issue that no check tells, which makes the whole unhealthy.
    pub fn with_issue(mut self, issue: impl Into<Cow<'static, str>>) -> Self {
        self.other_issues.push(issue.into());
        self
    }

    /// The same with a fact about the whole, for programs.
    pub fn with_detail(mut self, name: &'static str, value: impl Into<Detail>) -> Self {
        self.details.push((name, value.into()));
        self
    }

    /// The same with what a human should know who reads this, and which is nothing to worry about.
    pub fn with_note(mut self, note: &'static str) -> Self {
        self.notes.push(note);
        self
    }

    /// The same with a status of the whole that does not follow from the checks as they are now.
    pub fn with_status(mut self, status: HealthStatus) -> Self {
        self.decided = Some(status);
        self
    }

    /// The worst of all, where a check that is not critical is degraded at most. Without checks all is well, without
    /// [issues](Self::with_issue) of others that is.
    pub fn status(&self) -> HealthStatus {
        if !self.other_issues.is_empty() {
            return HealthStatus::Unhealthy;
        }
        let worst = || self.checks.iter().map(CheckReport::weight).max().unwrap_or(HealthStatus::Healthy);
        self.decided.unwrap_or_else(worst)
    }

    /// The HTTP status that the answer has: 503 if the whole is unhealthy and, where it is to be `strict`, if it is degraded;
    /// else 200.
    pub fn http_status(&self, strict: bool) -> u16 {
        match self.status() {
            HealthStatus::Healthy => 200,
            HealthStatus::Degraded if !strict => 200,
            HealthStatus::Degraded | HealthStatus::Unhealthy => 503,
        }
    }

    /// The checks, in the order of their registration.
    pub fn checks(&self) -> &[CheckReport] {
        &self.checks
    }

    /// The age of the oldest result; `None` without any.
    pub fn age(&self) -> Option<Duration> {
        self.checks.iter().filter_map(CheckReport::age).max()
    }

    /// How long the checks of this report took, of those that run side by side the longest.
    pub fn duration(&self) -> Duration {
        self.checks.iter().filter_map(CheckReport::duration).max().unwrap_or_default()
    }

    /// What no check tells, then a line for each check that is not healthy.
    pub fn issues(&self) -> Vec<String> {
        let others = self.other_issues.iter().map(|issue| issue.clone().into_owned());
        let ill = self.checks.iter().filter(|check| check.status != HealthStatus::Healthy);
        others.chain(ill.map(|check| format!("{} is {}: {}", check.name, check.status, check.message()))).collect()
    }

    /// Facts about the whole, for programs.
    pub fn details(&self) -> impl Iterator<Item = (&str, &Detail)> + Clone {
        self.details.iter().map(|(name, value)| (*name, value))
    }

    /// What a human should know, and which is nothing to worry about.
    pub fn notes(&self) -> &[&'static str] {
        &self.notes
    }

    /// The version of the service, as [`HealthRegistry::with_version`](super::HealthRegistry::with_version) was told it.
    pub fn version(&self) -> &str {
        &self.version
    }

    /// How long the service runs, from when its [`HealthRegistry`](super::HealthRegistry) was made.
    pub fn uptime(&self) -> Duration {
        self.uptime
    }
}

impl CheckReport {
    fn new(check: &Tracked, now: Instant) -> Self {
        let last = check.last.as_ref().map(|last| {
            let age = now.saturating_duration_since(last.at);
            let stale = age > check.options.stale_after();
            let seen = Seen { result: Arc::clone(&last.result), age, time: last.time, duration: last.duration, stale };
            (if stale { HealthStatus::Unhealthy } else { last.status }, seen)
        });
        let (status, last) = last.map_or((HealthStatus::Unhealthy, None), |(status, seen)| (status, Some(seen)));
        Self { name: Arc::clone(&check.name), options: Arc::clone(&check.options), status, last }
    }

    /// Its name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// How it is run and what it counts for.
    pub fn options(&self) -> &CheckOptions {
        &self.options
    }

    /// Its status: that of its last results, damped as its thresholds say. It is unhealthy before its first result and when its last
    /// result is stale.
    pub fn status(&self) -> HealthStatus {
        self.status
    }

    /// What it adds to the whole: its status, or degraded where that is worse and the check not critical.
    fn weight(&self) -> HealthStatus {
        if self.options.critical { self.status } else { self.status.min(HealthStatus::Degraded) }
    }

    /// The message of the last result, or why there is none that counts.
    pub fn message(&self) -> String {
        match &self.last {
            None => "it has not run yet".to_owned(),
            Some(seen) if seen.stale => {
                let (age, said) = (seen.age.as_secs(), seen.result.message());
                format!("its last result is {age} s old, that is stale; it was: {said}")
            }
            Some(seen) => seen.result.message().to_owned(),
        }
    }

    /// The status that the last result has by itself, before damping.
    pub fn observed(&self) -> Option<HealthStatus> {
        self.last.as_ref().map(|seen| seen.result.status())
    }

    /// The details of the last result.
    pub fn details(&self) -> impl Iterator<Item = (&str, &Detail)> + Clone {
        let details = self.last.as_ref().map(|seen| seen.result.details()).unwrap_or_default();
        details.iter().map(|(name, value)| (&**name, value))
    }

    /// How long the last run took.
    pub fn duration(&self) -> Option<Duration> {
        self.last.as_ref().map(|seen| seen.duration)
    }

    /// How long ago the last result came.
    pub fn age(&self) -> Option<Duration> {
        self.last.as_ref().map(|seen| seen.age)
    }

    /// When the last result came, by the wall clock.
    pub fn time(&self) -> Option<SystemTime> {
        self.last.as_ref().map(|seen| seen.time)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A report of checks of these statuses and criticality; `None` has not run.
    fn report(checks: &[(Option<HealthStatus>, bool)], age: Duration) -> HealthReport {
        let start = Instant::now();
        let mut schedule = Schedule::new(0);
        for (at, (status, critical)) in checks.iter().enumerate() {
            let options = CheckOptions { critical: *critical, ..CheckOptions::default() };
            schedule.add(format!("check_{at}").into(), Arc::new(options), start);
            schedule.turn(start);
            if let Some(status) = status {
                schedule.finish(at, start, Duration::from_millis(at as u64), Some(CheckResult::new(*status, "so it is")));
            }
        }
        HealthReport::new(&schedule, &Selection::all(), start + age, &"1.2".into(), age)
    }

    #[test]
    fn the_whole_is_as_ill_as_its_worst_part_that_counts() {
        use HealthStatus::{Degraded, Healthy, Unhealthy};
        let status = |checks: &[(HealthStatus, bool)]| {
            let checks: Vec<_> = checks.iter().map(|(status, critical)| (Some(*status), *critical)).collect();
            report(&checks, Duration::ZERO).status()
        };
        assert_eq!(status(&[]), Healthy);
        assert_eq!(status(&[(Healthy, true), (Degraded, true)]), Degraded);
        assert_eq!(status(&[(Unhealthy, true), (Degraded, true)]), Unhealthy);
        assert_eq!(status(&[(Unhealthy, false), (Healthy, true)]), Degraded);
        assert_eq!(status(&[(Degraded, false)]), Degraded);
    }

    #[test]
    fn what_has_not_run_is_unhealthy() {
        let report = report(&[(None, true), (Some(HealthStatus::Healthy), true)], Duration::ZERO);
        assert_eq!(report.status(), HealthStatus::Unhealthy);
        assert_eq!(report.issues(), ["check_0 is unhealthy: it has not run yet"]);
        assert_eq!((report.checks()[0].age(), report.checks()[0].observed()), (None, None));
        assert_eq!(report.duration(), Duration::from_millis(1));
    }

    #[test]
    fn an_old_result_is_stale_and_unhealthy() {
        let of = |age| report(&[(Some(HealthStatus::Healthy), true)], age);
        let limit = CheckOptions::default().stale_after();
        assert_eq!(of(limit).status(), HealthStatus::Healthy);
        let stale = of(limit + Duration::from_nanos(1));
        assert_eq!(stale.status(), HealthStatus::Unhealthy);
        assert_eq!(stale.issues(), ["check_0 is unhealthy: its last result is 15 s old, that is stale; it was: so it is"]);
        assert_eq!(stale.checks()[0].observed(), Some(HealthStatus::Healthy));
    }
}
