//! Why a check cannot be registered.

use std::fmt;
use std::io;

/// Why a check is refused.
///
/// # Examples
///
/// ```
/// use tachograph::health::{CheckOptions, CheckResult, HealthError, HealthRegistry};
///
/// let health = HealthRegistry::new();
/// let check = || async { CheckResult::healthy("") };
/// let options = CheckOptions { failure_threshold: 0, ..CheckOptions::default() };
/// assert!(matches!(health.register("queue", check, options), Err(HealthError::NoThreshold)));
/// ```
#[derive(Debug)]
#[non_exhaustive]
pub enum HealthError {
    /// The name cannot stand in a path: take 1 to 64 of the letters a to z and A to Z, digits, `_`, `-` and `.`.
    InvalidName {
        /// The name as given.
        name: String,
    },
    /// There is a check of this name already: rename one of them.
    Repeated {
        /// The name that both have.
        name: String,
    },
    /// The interval or the timeout is zero: give it some time.
    NoTime,
    /// A threshold is zero: 1 takes each result at its word.
    NoThreshold,
    /// The system has no thread for the check: see the cause.
    NoThread {
        /// What the system says.
        cause: io::Error,
    },
}

impl fmt::Display for HealthError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::InvalidName { name } => {
                write!(f, "{name:?} is no name of a check, take 1 to 64 letters, digits, \"_\", \"-\" and \".\"")
            }
            Self::Repeated { name } => write!(f, "there is a check named {name:?} already, rename one of them"),
            Self::NoTime => f.write_str("the interval and the timeout of a check must be more than zero"),
            Self::NoThreshold => f.write_str("the thresholds of a check must be at least 1"),
            Self::NoThread { cause } => write!(f, "there is no thread for the check: {cause}"),
        }
    }
}

impl std::error::Error for HealthError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::NoThread { cause } => Some(cause),
            Self::InvalidName { .. } | Self::Repeated { .. } | Self::NoTime | Self::NoThreshold => None,
        }
    }
}
