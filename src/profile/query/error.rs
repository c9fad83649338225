//! Why a query cannot be answered, and how to mend it.

use std::fmt;

use super::Wanted;
use super::filter::FILTERS;

/// Characters of what somebody has sent that an error repeats.
const SHOWN: usize = 60;
/// Characters of what serde says, which repeats what was sent and says where.
const CAUSE_SHOWN: usize = 120;

/// Why a query cannot be answered. Each names the filter that is at fault.
///
/// # Examples
///
/// ```
/// use tachograph::profile::query::{Query, QueryError, Wanted};
///
/// let error = Query::from_pairs(Wanted::Profiles, 1_000, [("slow", "true"), ("slow", "false")]).unwrap_err();
/// assert!(matches!(error, QueryError::Twice { name: "slow" }));
/// assert_eq!(error.to_string(), "slow is given twice, give it once");
/// ```
#[derive(Debug)]
#[non_exhaustive]
pub enum QueryError {
    /// There is no filter of this name: take one of those that there are.
    Unknown {
        /// The name, cut if it is long.
        name: String,
    },
    /// The filter is given twice: give it once.
    Twice {
        /// Its name.
        name: &'static str,
    },
    /// The filter is not taken here: leave it out.
    NotTaken {
        /// Its name.
        name: &'static str,
        /// What was asked for.
        wanted: Wanted,
    },
    /// The filter's value is none that it can have: write one that it can.
    Value {
        /// The filter's name.
        name: &'static str,
        /// The value, cut if it is long.
        value: String,
        /// What to write.
        write: String,
    },
    /// `min_duration_ms` is above `max_duration_ms`: exchange them.
    NoDuration,
    /// This format compares nothing: ask for another, or leave `compare` out.
    NotCompared {
        /// The format's name.
        format: &'static str,
    },
    /// `compare` has no end, and there is no `span`, so that nothing comes after it: write its end, or a span.
    NoEnd,
    /// The body is no JSON object: see the cause.
    NoObject(Box<dyn std::error::Error + Send + Sync>),
}

impl QueryError {
    pub(super) fn unknown(name: &str) -> Self {
        Self::Unknown { name: shown(name, SHOWN) }
    }

    pub(super) fn value(name: &'static str, value: &str, write: impl Into<String>) -> Self {
        Self::Value { name, value: shown(value, SHOWN), write: write.into() }
    }
}

/// The beginning of a text that may be long.
fn shown(text: &str, most: usize) -> String {
    match text.char_indices().nth(most) {
        Some((at, _)) => format!("{}…", &text[..at]),
        None => text.to_owned(),
    }
}

impl fmt::Display for QueryError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unknown { name } => {
                let names: Vec<&str> = FILTERS.iter().map(|filter| filter.name).collect();
                write!(f, "there is no filter {name:?}, take one of {}", names.join(", "))
            }
            Self::Twice { name } => write!(f, "{name} is given twice, give it once"),
            Self::NotTaken { name, wanted: Wanted::Unfiltered } => {
                write!(f, "{name} is not taken here: no filter is, leave it out")
            }
            Self::NotTaken { name, wanted: _ } => {
                write!(f, "{name} is not taken here: it is of flame graphs, leave it out or ask for one")
            }
            Self::Value { name, value, write } if value.is_empty() => write!(f, "{name} is empty, write {write}"),
            Self::Value { name, value, write } => write!(f, "{name} is {value}, write {write}"),
            Self::NoDuration => f.write_str("min_duration_ms is above max_duration_ms, exchange them"),
            Self::NoEnd => {
                f.write_str("compare has no end, write one such as -10m..-5m, or give the span that is compared too")
            }
            Self::NotCompared { format } => {
                write!(f, "compare is not taken with the format {format}, write json, folded or svg, or leave compare out")
            }
            Self::NoObject(cause) => {
                let cause = shown(&cause.to_string(), CAUSE_SHOWN);
                write!(f, "the body is no JSON object of filters: {cause}, send one such as {{\"slow\": true}}")
            }
        }
    }
}

impl std::error::Error for QueryError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::NoObject(cause) => Some(&**cause),
            _ => None,
        }
    }
}
