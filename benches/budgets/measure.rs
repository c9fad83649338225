//! Rounds, of which the best counts.

use std::time::{Duration, Instant};

use crate::row::Amount;

/// Rounds of each thing.
const ROUNDS: usize = 15;
/// How long one round of one thing takes, about.
const ROUND: Duration = Duration::from_millis(10);

/// How things are measured.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Bench {
    test: bool,
}

/// What can be done again and again. Calls are numbered, over all rounds.
pub(crate) struct Operation<'a> {
    run: Box<dyn FnMut(std::ops::Range<usize>) + 'a>,
    calls: usize,
    in_a_round: usize,
    fastest: f64,
}

impl<'a> Operation<'a> {
    pub(crate) fn new(mut operation: impl FnMut(usize) + 'a) -> Self {
        Self { run: Box::new(move |calls| calls.for_each(&mut operation)), calls: 0, in_a_round: 1, fastest: f64::INFINITY }
    }

    /// How often it was called.
    pub(crate) fn calls(&self) -> u64 {
        self.calls as u64
    }

    /// What a call costs, in the best round.
    pub(crate) fn fastest(&self) -> Amount {
        Amount::Nanoseconds(self.fastest)
    }

    fn time(&mut self, calls: usize) -> Duration {
        let first = self.calls;
        self.calls += calls;
        let start = Instant::now();
        (self.run)(first..self.calls);
        start.elapsed()
    }

    /// Finds out how many calls make a round, which also warms it up.
    fn size(&mut self) {
        loop {
            let took = self.time(self.in_a_round);
            if took * 4 >= ROUND {
                let by = ROUND.div_duration_f64(took);
                self.in_a_round = ((self.in_a_round as f64 * by) as usize).max(1);
                return;
            }
            self.in_a_round *= 2;
        }
    }

    fn round(&mut self) {
        let took = self.time(self.in_a_round);
        self.fastest = self.fastest.min(took.as_nanos() as f64 / self.in_a_round as f64);
    }
}

impl Bench {
    pub(crate) fn new(test: bool) -> Self {
        Self { test }
    }

    /// So many times, once in a test.
    pub(crate) fn rounds(self) -> usize {
        if self.test { 1 } else { ROUNDS }
    }

    /// Measures operations in turns.
    pub(crate) fn measure<const N: usize>(self, mut operations: [&mut Operation<'_>; N]) {
        if !self.test {
            operations.iter_mut().for_each(|operation| operation.size());
        }
        for _ in 0..self.rounds() {
            operations.iter_mut().for_each(|operation| operation.round());
        }
    }
}
