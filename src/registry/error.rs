//! Why a registration was refused.

use std::fmt;

use crate::metric::claims::Clash;
use crate::metric::descriptor::Kind;

/// Why a family was not registered. Nothing has changed when one is returned.
///
/// # Examples
///
/// ```
/// use tachograph::{RegisterError, Registry};
///
/// let registry = Registry::new();
/// let error = registry.counter("jobs", "Jobs done.").unwrap_err();
/// assert_eq!(error, RegisterError::CounterWithoutTotal { name: "jobs".into() });
/// assert_eq!(error.to_string(), "counter \"jobs\" does not end in _total: name it \"jobs_total\"");
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum RegisterError {
    /// The name does not begin with an ASCII letter or `:`, or begins as an escaped one does, with `U__`: choose another beginning.
    InvalidName {
        /// The name.
        name: String,
    },
    /// A counter's name does not end in `_total`: append it.
    CounterWithoutTotal {
        /// The name.
        name: String,
    },
    /// An info's name does not end in `_info`: append it.
    InfoWithoutSuffix {
        /// The name.
        name: String,
    },
    /// A state set's states are none, or there is an empty one, or one twice: give each a name of its own.
    InvalidStates {
        /// The family that was to be registered.
        family: String,
        /// What is wrong with them.
        why: &'static str,
    },
    /// The unit is not the end of the name, or the type has none: name the family by its unit.
    InvalidUnit {
        /// The family that was to be registered.
        family: String,
        /// The unit.
        unit: String,
        /// What is wrong with it.
        why: &'static str,
    },
    /// Series of a family that is not of gauges were to expire: let them, or [remove](crate::Family::remove) those that are done.
    CannotExpire {
        /// The family that was to be registered.
        family: String,
    },
    /// The name ends as only a part of a family may: drop the suffix.
    ReservedSuffix {
        /// The name.
        name: String,
        /// Its suffix.
        suffix: &'static str,
    },
    /// A label's name cannot stand in a scrape: rename the label.
    InvalidLabel {
        /// The family that was to be registered.
        family: String,
        /// The label's name.
        label: String,
        /// What is wrong with it.
        why: &'static str,
    },
    /// A label of the registry itself cannot stand in a scrape: rename the label.
    InvalidOwnLabel {
        /// The label's name.
        label: String,
        /// What is wrong with it.
        why: &'static str,
    },
    /// Two families would both write samples or metadata of one name: rename one of them.
    Clash {
        /// The family that was to be registered.
        family: String,
        /// The name that both would write.
        name: String,
        /// The family that is there already.
        with: String,
        /// Its type.
        kind: Kind,
    },
    /// All slots of the process are in use: drop registries or series, or keep fewer.
    Exhausted {
        /// The family that was to be registered.
        family: String,
    },
}

impl fmt::Display for RegisterError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::InvalidName { name } => {
                write!(f, "metric name {name:?} does not begin with an ASCII letter or :, or begins with U__: rename it")
            }
            Self::CounterWithoutTotal { name } => {
                write!(f, "counter {name:?} does not end in _total: name it {:?}", with_suffix(name, "total", "jobs"))
            }
            Self::InfoWithoutSuffix { name } => {
                write!(f, "info {name:?} does not end in _info after a name: name it {:?}", with_suffix(name, "info", "build"))
            }
            Self::InvalidStates { family, why } => write!(f, "the states of {family:?} are refused: {why}"),
            Self::InvalidUnit { family, unit, why } => write!(f, "unit {unit:?} of {family:?} is refused: {why}"),
            Self::CannotExpire { family } => write!(f, "series of {family:?} may not expire: only gauges may"),
            Self::ReservedSuffix { name, suffix } => {
                write!(f, "{name:?} ends in {suffix}, which the parts of a family end in: name it without")
            }
            Self::InvalidLabel { family, label, why } => write!(f, "label {label:?} of {family:?} is refused: {why}"),
            Self::InvalidOwnLabel { label, why } => write!(f, "label {label:?} of the registry is refused: {why}"),
            Self::Clash { family, with, kind, .. } if family == with => {
                write!(f, "the {kind} {with:?} is registered already: rename one of them")
            }
            Self::Clash { family, name, with, kind } => {
                write!(f, "{family:?} clashes with the {kind} {with:?}: both would write {name:?}; rename one of them")
            }
            Self::Exhausted { family } => {
                write!(f, "no room for {family:?}: all slots of the process are in use; drop registries or series")
            }
        }
    }
}

/// A name as it should be, with the suffix behind an underscore, once; `else_called` is the name where there is nothing but the suffix.
fn with_suffix(name: &str, suffix: &str, else_called: &str) -> String {
    let mut stem = name;
    while let Some(shorter) = stem.strip_suffix(suffix).map(|stem| stem.trim_end_matches(|c: char| !c.is_alphanumeric())) {
        stem = shorter;
    }
    format!("{}_{suffix}", if stem.is_empty() { else_called } else { stem })
}

impl std::error::Error for RegisterError {}

impl From<Clash> for RegisterError {
    fn from(Clash { family, name, with, kind }: Clash) -> Self {
        Self::Clash { family, name, with, kind }
    }
}
