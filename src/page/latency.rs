//! Quantiles of the user requests of the last ten seconds, from the cells of the engine's own latency window: at most 1 in
//! 128 above the exact value, where the buckets of a scrape would leave a factor of two open.
//!
//! Memory: 8 bytes for each cell that moved in a tick, 14 KiB or less a tick at a tick a second, and the totals of all 3 584
//! cells.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use hdrhistogram::Histogram;

use crate::snapshot::window::{self, Window};

/// How far back the quantiles look.
pub(super) const SPAN: Duration = Duration::from_secs(10);

/// What is shown.
const QUANTILES: [f64; 4] = [0.5, 0.9, 0.95, 0.99];

/// Cell and count, of the cells that moved.
type Moved = Box<[(u16, u32)]>;

#[derive(Debug)]
pub(super) struct Latency {
    /// Totals at the last tick; none before the first.
    last: Option<Vec<u64>>,
    /// When each tick began, and what came in it.
    ticks: VecDeque<(Instant, Moved)>,
    sum: Histogram<u64>,
}

impl Latency {
    pub(super) fn new() -> Self {
        Self { last: None, ticks: VecDeque::new(), sum: window::empty_histogram() }
    }

    /// Takes in what came since `before`, the last snapshot; without one, from here on.
    pub(super) fn advance(&mut self, window: Option<&Window>, before: Option<Instant>, now: Instant) {
        let last = &mut self.last;
        let moved = window.and_then(|window| {
            window.seen(|totals| {
                let Some(last) = last else {
                    *last = Some(totals.to_vec());
                    return None;
                };
                // An older fold may have been seen last: what it has not seen has not moved.
                let moved = (0..).zip(totals.iter().zip(last.iter_mut())).filter_map(|(cell, (now, last))| {
                    let moved = (now.wrapping_sub(*last) as i64).max(0) as u64;
                    *last = *now;
                    (moved > 0).then_some((cell, u32::try_from(moved).unwrap_or(u32::MAX)))
                });
                Some(moved.collect::<Moved>())
            })?
        });
        if let (Some(moved), Some(before)) = (moved, before) {
            self.ticks.push_back((before, moved));
        }
        // A tick that began a little before the span, for want of a punctual clock, is one of its ten.
        let is_old = |begun: Instant| now.saturating_duration_since(begun) > SPAN + SPAN / 20;
        while self.ticks.front().is_some_and(|(begun, _)| is_old(*begun)) {
            self.ticks.pop_front();
        }
    }

    /// The quantiles in seconds; NaN of none.
    pub(super) fn quantiles(&mut self) -> [f64; 4] {
        self.sum.reset();
        for &(cell, count) in self.ticks.iter().flat_map(|(_, moved)| moved.iter()) {
            self.sum.saturating_record_n(window::lowest_in(cell), count.into());
        }
        QUANTILES.map(|quantile| window::quantile(&self.sum, quantile) / 1e9)
    }
}
