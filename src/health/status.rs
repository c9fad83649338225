//! The three levels of health.

use std::fmt;

/// How healthy something is. The order is from well to ill, so the worst of several is their maximum.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum HealthStatus {
    /// It works.
    Healthy,
    /// It works, but not as it should: somebody has to look at it.
    Degraded,
    /// It does not work.
    Unhealthy,
}

impl HealthStatus {
    /// Each of them, from well to ill.
    pub const ALL: [Self; 3] = [Self::Healthy, Self::Degraded, Self::Unhealthy];

    /// The word for it in answers, and the value of the label `status`.
    ///
    /// # Examples
    ///
    /// ```
    /// use tachograph::health::HealthStatus;
    ///
    /// assert_eq!(HealthStatus::ALL.map(HealthStatus::as_str), ["healthy", "degraded", "unhealthy"]);
    /// ```
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Healthy => "healthy",
            Self::Degraded => "degraded",
            Self::Unhealthy => "unhealthy",
        }
    }
}

impl fmt::Display for HealthStatus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
