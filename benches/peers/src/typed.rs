//! Labels whose values are known when the program is written: two enums and a flag.

use ::measured::FixedCardinalityLabel;
use ::tachograph::{LabelSet, LabelValue};

use crate::inputs::{METHODS, STATUSES};

/// Names of the labels.
pub const NAMES: [&str; 3] = ["verb", "outcome", "cached"];

/// Series there can be.
pub const SERIES: usize = METHODS.len() * STATUSES.len() * 2;

/// What was asked for. Each crate derives what it needs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, FixedCardinalityLabel, LabelValue)]
pub enum Verb {
    /// To read.
    Get,
    /// To make.
    Post,
    /// To replace.
    Put,
    /// To delete.
    Delete,
}

/// How it went.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, FixedCardinalityLabel, LabelValue)]
pub enum Outcome {
    /// Well.
    Ok,
    /// Something new is there.
    Created,
    /// Nothing is new.
    Unchanged,
    /// Not there.
    Missing,
    /// Badly.
    Failed,
}

/// Values of the three labels.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, LabelSet)]
pub struct Typed {
    /// What was asked for.
    pub verb: Verb,
    /// How it went.
    pub outcome: Outcome,
    /// Whether the answer was at hand.
    pub cached: bool,
}

impl Verb {
    const ALL: [Self; METHODS.len()] = [Self::Get, Self::Post, Self::Put, Self::Delete];

    /// The label's value.
    #[inline]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Get => "get",
            Self::Post => "post",
            Self::Put => "put",
            Self::Delete => "delete",
        }
    }
}

impl Outcome {
    const ALL: [Self; STATUSES.len()] = [Self::Ok, Self::Created, Self::Unchanged, Self::Missing, Self::Failed];

    /// The label's value.
    #[inline]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Created => "created",
            Self::Unchanged => "unchanged",
            Self::Missing => "missing",
            Self::Failed => "failed",
        }
    }
}

impl Typed {
    /// Number `at` of all there are.
    pub fn nth(at: usize) -> Self {
        let (verb, outcome) = (at / 2 / STATUSES.len() % METHODS.len(), at / 2 % STATUSES.len());
        Self { verb: Verb::ALL[verb], outcome: Outcome::ALL[outcome], cached: at % 2 == 1 }
    }

    /// Which of all it is.
    #[inline]
    pub fn index(self) -> usize {
        (self.verb as usize * STATUSES.len() + self.outcome as usize) * 2 + usize::from(self.cached)
    }

    /// The values as strings that live as long as the program.
    #[inline]
    pub fn spell(self) -> [&'static str; 3] {
        [self.verb.as_str(), self.outcome.as_str(), if self.cached { "true" } else { "false" }]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_index_counts_all_there_are() {
        assert!((0..SERIES).all(|at| Typed::nth(at).index() == at));
    }
}
