//! Asks for a snapshot, and their answer: *an ask is served by a fold that starts after it*.
//!
//! Askers put their ask on the pile; the snapshot thread takes the whole pile before it folds, and answers all of it after. So
//! at most one fold runs and one waits, however many ask. Everything here is far from the hot path: a mutex is enough.
//!
//! # Orderings
//!
//! The pile's mutex orders an asker's earlier increments (and those it knows of) before the fold that serves it: the asker's
//! unlock in `ask` is a Release, the thread's lock in `take` an Acquire.

use std::time::Instant;

use crate::sync::{Condvar, Mutex, lock};

/// The pile of asks that no fold has taken yet.
#[derive(Debug)]
pub(super) struct Demand<A> {
    pile: Mutex<Vec<A>>,
    arrived: Condvar,
}

impl<A> Demand<A> {
    pub(super) fn new() -> Self {
        Self { pile: Mutex::new(Vec::new()), arrived: Condvar::new() }
    }

    /// Leaves an ask.
    pub(super) fn ask(&self, ask: A) {
        lock(&self.pile).push(ask);
        self.arrived.notify_one();
    }

    /// Waits for asks, until a deadline if there is one, and takes all there are.
    pub(super) fn take(&self, deadline: Option<Instant>) -> Vec<A> {
        let mut pile = lock(&self.pile);
        while pile.is_empty() {
            let woken = match deadline {
                None => self.arrived.wait(pile),
                Some(deadline) => {
                    let left = deadline.saturating_duration_since(Instant::now());
                    if left.is_zero() {
                        break;
                    }
                    match self.arrived.wait_timeout(pile, left) {
                        Ok((pile, _)) => Ok(pile),
                        Err(poisoned) => Ok(poisoned.into_inner().0),
                    }
                }
            };
            pile = woken.unwrap_or_else(std::sync::PoisonError::into_inner);
        }
        std::mem::take(&mut pile)
    }
}

#[cfg(all(test, tachograph_loom))]
mod models {
    //! Covers: `Demand` with increments as the hot path makes them (Relaxed). Does not cover: the answer's way back, which is a
    //! channel of the standard library.

    use loom::sync::Arc;
    use loom::thread;

    use super::*;
    use crate::sync::{AtomicU64, Ordering};

    #[test]
    fn loom_a_fold_sees_every_increment_that_happened_before_the_ask_it_serves() {
        loom::model(|| {
            let demand = Arc::new(Demand::new());
            let cells = Arc::new([AtomicU64::new(0), AtomicU64::new(0)]);
            let askers: Vec<_> = (0..2)
                .map(|own: usize| {
                    let (demand, cells) = (demand.clone(), cells.clone());
                    thread::spawn(move || {
                        cells[own].store(1, Ordering::Relaxed);
                        demand.ask(own);
                    })
                })
                .collect();
            let mut served = 0;
            while served < 2 {
                let asks = demand.take(None);
                assert!(!asks.is_empty());
                for own in asks {
                    assert_eq!(cells[own].load(Ordering::Relaxed), 1, "the ask of {own} got ahead of its increment");
                    served += 1;
                }
            }
            for asker in askers {
                asker.join().unwrap();
            }
        });
    }
}
