//! The rows of the last hour, in memory that is taken once: 176 bytes a row, 619 KiB for an hour at a tick a second.
//!
//! One thread appends, whoever opens a page has the rows written. A mutex is enough: it is held for the moment of an append,
//! and for the milliseconds of a writing, in which nobody but the next who opens a page waits.

use std::collections::VecDeque;
use std::sync::Arc;

use super::tick::{Columns, Row};
use super::wire::Event;

const _: () = assert!(size_of::<Row>() == 176, "the documents say so");

/// Events that a writing may be behind before it is made anew: those who open pages at about the same time share one, and
/// pages that are taken slowly hold few of them.
pub(super) const BEHIND: u64 = 5;

#[derive(Debug)]
pub(super) struct History {
    rows: VecDeque<Row>,
    most: usize,
    /// Up to which event it tells.
    number: u64,
    /// The rows written, and up to which event they tell.
    written: Option<(u64, Arc<Event>)>,
}

impl History {
    /// Takes the memory for `most` rows.
    pub(super) fn new(most: usize) -> Self {
        Self { rows: VecDeque::with_capacity(most), most, number: 0, written: None }
    }

    /// Appends a row, which event `number` tells.
    pub(super) fn push(&mut self, row: Row, number: u64) {
        if self.rows.len() == self.most {
            self.rows.pop_front();
        }
        self.rows.push_back(row);
        self.number = number;
    }

    /// The time of the last row.
    pub(super) fn last_time(&self) -> Option<u64> {
        self.rows.back().map(|row| row.time)
    }

    /// Moves all rows back in time: the wall clock was set back, and what it said before was wrong. Nobody is to get what is
    /// written.
    pub(super) fn shift_back(&mut self, milliseconds: u64) {
        self.rows.iter_mut().for_each(|row| row.time = row.time.saturating_sub(milliseconds));
        self.written = None;
    }

    /// Forgets what is written: it no longer fits what comes.
    pub(super) fn rewrite(&mut self) {
        self.written = None;
    }

    /// The event `history` of so many checks, and up to which event it tells: to the last one, or to one of a little before.
    pub(super) fn event(&mut self, checks: usize) -> (u64, Arc<Event>) {
        let rows = &self.rows;
        let (number, written) = self
            .written
            .take()
            .filter(|(number, _)| number + BEHIND > self.number)
            .unwrap_or_else(|| (self.number, Event::of("history", &Columns { rows: rows.iter(), checks })));
        self.written = Some((number, Arc::clone(&written)));
        (number, written)
    }
}

#[cfg(test)]
mod tests {
    use super::super::tick::tests::row;
    use super::*;

    fn times(history: &mut History) -> String {
        let event = history.event(0).1.text();
        event.split("\"t\":").nth(1).unwrap().split(']').next().unwrap().to_owned() + "]"
    }

    #[test]
    fn the_memory_is_taken_once() {
        let mut history = History::new(3_600);
        let capacity = history.rows.capacity();
        assert_eq!(capacity * size_of::<Row>(), 3_600 * 176);
        let mut row = row(0);
        for time in 1..=10_000 {
            row.time = time;
            history.push(row, time);
        }
        assert_eq!((history.rows.capacity(), history.rows.len()), (capacity, 3_600));
        assert_eq!(history.rows.front().unwrap().time, 6_401);
    }

    #[test]
    fn what_a_wrong_clock_said_is_moved_back() {
        let mut history = History::new(3);
        (1..=4).for_each(|number| history.push(row(1_000 * number), number));
        assert_eq!(times(&mut history), "[2000,3000,4000]");
        history.shift_back(2_500);
        assert_eq!((times(&mut history), history.last_time()), ("[0,500,1500]".into(), Some(1_500)));
    }
}
