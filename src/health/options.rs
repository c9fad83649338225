//! How a check is run and what it counts for.

use std::time::Duration;

use super::error::HealthError;

/// Intervals after which a result that no newer one has replaced is stale.
const STALE_INTERVALS: u32 = 3;
/// The part of an interval by which two runs may come nearer to each other, or go apart.
pub(super) const JITTER: u32 = 10;

/// What an orchestrator asks for by itself.
///
/// # Examples
///
/// ```
/// use tachograph::health::Group;
///
/// assert_eq!([Group::Live, Group::Ready, Group::Startup].map(Group::as_str), ["live", "ready", "startup"]);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Group {
    /// Is the process alive, or to be restarted? Checks of what a restart cannot mend do not belong here: no database, no disk.
    Live,
    /// May requests come?
    Ready,
    /// Has the service started? Once each check of the group has been well, it has, for good, unless further ones are registered.
    Startup,
}

impl Group {
    /// The word for it in answers.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Live => "live",
            Self::Ready => "ready",
            Self::Startup => "startup",
        }
    }
}

/// How a check is run and what it counts for.
///
/// # Examples
///
/// ```
/// use std::time::Duration;
/// use tachograph::health::{CheckOptions, Group};
///
/// let options = CheckOptions { critical: false, timeout: Duration::from_millis(200), ..CheckOptions::default() };
/// assert_eq!(options.interval, Duration::from_secs(5));
/// assert_eq!(options.groups, [Group::Ready, Group::Startup]);
/// ```
///
/// From when on a result is too old to count:
///
/// ```
/// use std::time::Duration;
/// use tachograph::health::CheckOptions;
///
/// assert_eq!(CheckOptions::default().stale_after(), Duration::from_secs(15));
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CheckOptions {
    /// From the start of one run to that of the next, a tenth more or less by chance, so that many processes do not ask one
    /// database at once. 5 s by default. An alert that misses the checks (`health_check_last_run_timestamp_seconds`) is to wait
    /// for longer.
    pub interval: Duration,
    /// How long a run may take; one that takes longer is unhealthy, and is given up if it is not blocking its thread. 1 s by
    /// default.
    pub timeout: Duration,
    /// Whether the whole is unhealthy when this is. Otherwise it is degraded. True by default.
    pub critical: bool,
    /// How many results in a row must be worse than the status before that becomes worse: the mildest of them. At least 1,
    /// which is the default.
    pub failure_threshold: u32,
    /// How many results in a row must be better than the status before that becomes better: the worst of them. At least 1,
    /// which is the default.
    pub success_threshold: u32,
    /// Which groups it belongs to, by default [`Group::Ready`] and [`Group::Startup`].
    pub groups: Vec<Group>,
    /// Endpoints that do not work without it, for whoever reads the answer.
    pub affected_endpoints: Vec<String>,
}

impl Default for CheckOptions {
    fn default() -> Self {
        Self {
            interval: Duration::from_secs(5),
            timeout: Duration::from_secs(1),
            critical: true,
            failure_threshold: 1,
            success_threshold: 1,
            groups: vec![Group::Ready, Group::Startup],
            affected_endpoints: Vec::new(),
        }
    }
}

impl CheckOptions {
    /// The age from which on a result is stale. With a long timeout it leaves room for a run that begins as late as it may and takes
    /// all of its time.
    pub fn stale_after(&self) -> Duration {
        let room = self.interval.saturating_add(self.interval / JITTER).saturating_add(self.timeout);
        self.interval.saturating_mul(STALE_INTERVALS).max(room)
    }

    pub(super) fn validate(&self) -> Result<(), HealthError> {
        if self.interval.is_zero() || self.timeout.is_zero() {
            return Err(HealthError::NoTime);
        }
        if self.failure_threshold == 0 || self.success_threshold == 0 {
            return Err(HealthError::NoThreshold);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_result_is_stale_after_three_intervals_or_what_a_run_may_take() {
        let of = |interval, timeout| {
            let (interval, timeout) = (Duration::from_secs(interval), Duration::from_secs(timeout));
            CheckOptions { interval, timeout, ..CheckOptions::default() }.stale_after().as_secs()
        };
        assert_eq!(of(5, 1), 15);
        assert_eq!(of(10, 30), 41, "the next run may begin a tenth of the interval later");
        assert_eq!(of(u64::MAX, u64::MAX), u64::MAX);
    }
}
