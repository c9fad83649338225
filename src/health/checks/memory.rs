//! Is the process still of a size that its machine can hold?

use crate::health::{CheckResult, HealthCheck, HealthStatus};
use crate::{Registry, process};

/// Compares the resident set of the process with two limits, and tells how much of it the engine holds. Degraded where the
/// system does not tell the resident set.
///
/// # Examples
///
/// ```
/// use tachograph::health::checks::MemoryCheck;
/// use tachograph::health::{HealthCheck, HealthStatus};
///
/// # let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
/// # runtime.block_on(async {
/// let registry = tachograph::Registry::new();
/// let tight = MemoryCheck::new(&registry).with_limits(1, MemoryCheck::UNHEALTHY_BYTES);
/// assert_eq!(tight.check().await.status(), HealthStatus::Degraded);
/// # });
/// ```
#[derive(Clone, Debug)]
pub struct MemoryCheck {
    registry: Registry,
    degraded_bytes: u64,
    unhealthy_bytes: u64,
}

impl MemoryCheck {
    /// 512 MiB: early enough to look for the leak in peace.
    ///
    /// # Examples
    ///
    /// ```
    /// use tachograph::health::checks::MemoryCheck;
    ///
    /// assert!(MemoryCheck::DEGRADED_BYTES < MemoryCheck::UNHEALTHY_BYTES);
    /// ```
    pub const DEGRADED_BYTES: u64 = 512 << 20;
    /// 1 024 MiB.
    pub const UNHEALTHY_BYTES: u64 = 1024 << 20;

    /// A check with the usual limits. What the engine holds is told of this registry.
    pub fn new(registry: &Registry) -> Self {
        let (degraded_bytes, unhealthy_bytes) = (Self::DEGRADED_BYTES, Self::UNHEALTHY_BYTES);
        Self { registry: registry.clone(), degraded_bytes, unhealthy_bytes }
    }

    /// The same with the resident bytes from which on it is degraded, and unhealthy.
    pub fn with_limits(self, degraded_bytes: u64, unhealthy_bytes: u64) -> Self {
        Self { degraded_bytes, unhealthy_bytes, ..self }
    }

    fn judge(&self, resident: Option<u64>, held: usize) -> CheckResult {
        let Some(resident) = resident else {
            return CheckResult::degraded("the system does not tell the resident set of the process");
        };
        let (status, limit) = if resident >= self.unhealthy_bytes {
            (HealthStatus::Unhealthy, self.unhealthy_bytes)
        } else if resident >= self.degraded_bytes {
            (HealthStatus::Degraded, self.degraded_bytes)
        } else {
            (HealthStatus::Healthy, self.degraded_bytes)
        };
        let told = match status {
            HealthStatus::Healthy => format!("{} resident, of {}", mebibytes(resident), mebibytes(limit)),
            _ => format!("{} resident, the limit is {}", mebibytes(resident), mebibytes(limit)),
        };
        CheckResult::new(status, told).detail("resident_bytes", resident).detail("engine_bytes", held)
    }
}

impl HealthCheck for MemoryCheck {
    async fn check(&self) -> CheckResult {
        self.judge(process::resident_bytes(), self.registry.held_bytes())
    }
}

fn mebibytes(bytes: u64) -> String {
    format!("{:.1} MiB", bytes as f64 / f64::from(1 << 20))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check() -> MemoryCheck {
        MemoryCheck::new(&Registry::new())
    }

    #[test]
    fn each_limit_begins_with_its_own_byte() {
        let status = |resident| check().judge(Some(resident), 0).status();
        let mebibyte = 1 << 20;
        assert_eq!(status(0), HealthStatus::Healthy);
        assert_eq!(status(512 * mebibyte - 1), HealthStatus::Healthy);
        assert_eq!(status(512 * mebibyte), HealthStatus::Degraded);
        assert_eq!(status(1024 * mebibyte - 1), HealthStatus::Degraded);
        assert_eq!(status(1024 * mebibyte), HealthStatus::Unhealthy);
    }

    #[test]
    fn what_nobody_tells_is_not_called_healthy() {
        assert_eq!(check().judge(None, 0).status(), HealthStatus::Degraded);
    }

    #[test]
    fn the_limit_is_told_that_counts() {
        let check = check().with_limits(100 << 20, 200 << 20);
        assert_eq!(check.judge(Some(50 << 20), 0).message(), "50.0 MiB resident, of 100.0 MiB");
        assert_eq!(check.judge(Some(150 << 20), 0).message(), "150.0 MiB resident, the limit is 100.0 MiB");
        assert_eq!(check.judge(Some(250 << 20), 0).message(), "250.0 MiB resident, the limit is 200.0 MiB");
    }
}
