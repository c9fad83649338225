//! What the clients did: the side of the account that the server has no hand in.
//!
//! Written by all clients, under one mutex: a few thousand requests a second do not crowd it, and a reader sees all of it at
//! one moment, which is what a scrape is held against.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard};

/// What a request asks for, as the labels of its metrics have it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Target {
    pub(crate) endpoint: &'static str,
    pub(crate) method: &'static str,
}

/// One step of a counter beside those of requests: the family, and the value of its one label.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Effect {
    pub(crate) family: &'static str,
    pub(crate) label: &'static str,
}

/// Answers that were read to their last byte.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Seen {
    pub(crate) answers: u64,
    /// Of their bodies.
    pub(crate) bytes: u64,
}

/// Steps that have been taken for certain, and those that may have been taken beside them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Steps {
    pub(crate) certain: u64,
    pub(crate) possible: u64,
}

/// Everything that the clients know.
#[derive(Clone, Debug, Default)]
pub(crate) struct Tally {
    /// Requests of which a first byte may have been sent. Never less than what the server can have counted.
    pub(crate) begun: BTreeMap<Target, u64>,
    pub(crate) seen: BTreeMap<(Target, u16), Seen>,
    /// Requests whose client left, which the server had read: it counts each once, under whatever status.
    pub(crate) left: BTreeMap<Target, u64>,
    /// Requests of which nobody knows whether the server has read them: it counts each once or never.
    pub(crate) unsure: BTreeMap<Target, u64>,
    pub(crate) effects: BTreeMap<Effect, Steps>,
}

impl Tally {
    /// Answers that were seen whole.
    pub(crate) fn answers(&self) -> u64 {
        self.seen.values().map(|seen| seen.answers).sum()
    }

    /// Answers to a target that were seen whole, of every status.
    pub(crate) fn answers_to(&self, target: Target) -> u64 {
        self.seen.iter().filter(|((of, _), _)| *of == target).map(|(_, seen)| seen.answers).sum()
    }

    fn maybe(&mut self, possible: &[Effect]) {
        for effect in possible {
            self.effects.entry(*effect).or_default().possible += 1;
        }
    }
}

/// The tally of a run.
#[derive(Debug, Default)]
pub(crate) struct Ledger(Mutex<Tally>);

impl Ledger {
    /// All of it at this moment.
    pub(crate) fn now(&self) -> Tally {
        self.tally().clone()
    }

    /// Before the first byte is sent.
    pub(crate) fn begin(&self, target: Target) {
        *self.tally().begun.entry(target).or_default() += 1;
    }

    /// The answer has been read to its last byte.
    pub(crate) fn see(&self, target: Target, status: u16, bytes: u64, effects: &[Effect]) {
        let mut tally = self.tally();
        let seen = tally.seen.entry((target, status)).or_default();
        seen.answers += 1;
        seen.bytes += bytes;
        for effect in effects {
            tally.effects.entry(*effect).or_default().certain += 1;
        }
    }

    /// The client leaves before it has the whole answer, and the server has the request.
    pub(crate) fn leave(&self, target: Target, possible: &[Effect]) {
        let mut tally = self.tally();
        *tally.left.entry(target).or_default() += 1;
        tally.maybe(possible);
    }

    /// The client leaves, and the server may have the request.
    pub(crate) fn doubt(&self, target: Target, possible: &[Effect]) {
        let mut tally = self.tally();
        *tally.unsure.entry(target).or_default() += 1;
        tally.maybe(possible);
    }

    fn tally(&self) -> MutexGuard<'_, Tally> {
        self.0.lock().expect("nothing under the lock panics")
    }
}
