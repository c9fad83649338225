//! What only a comparison shows: colours by the change of the share, their legend, and the frames that are no more.

use std::fmt::{self, Formatter};

use super::words::{Duration, Escaped, Points, Share};
use super::{Document, LINE};
use crate::profile::flame::Frame;

/// From how many hundredths of a percent point on a change of the share is one colour stronger. Shares differ by orders of
/// magnitude, so the steps do too.
const STEPS: [u64; 5] = [10, 100, 300, 1_000, 3_000];

/// What is lost is listed by name up to here: a wall of names tells less.
const LOST_SHOWN: usize = 20;

/// A frame's share of the whole, and what it was before.
#[derive(Clone, Copy, Debug)]
pub(super) struct SharePair {
    pub(super) now: Share,
    pub(super) before: Share,
}

impl SharePair {
    pub(super) fn of(frame: &Frame, root: &Frame) -> Self {
        let (now, before) = (Share::of(frame.total, root.total), Share::of(frame.total_before, root.total_before));
        // With nothing on one side nothing has changed: it is not known.
        let known = root.total > 0 && root.total_before > 0;
        Self { now, before: if known { before } else { now } }
    }

    pub(super) fn change(self) -> Points {
        self.now.minus(self.before)
    }

    /// Writes the class of its colour: `grew1` to `grew5`, `shrank1` to `shrank5`, or `even`.
    pub(super) fn write_class(self, f: &mut Formatter<'_>) -> fmt::Result {
        let change = self.change().hundredths();
        match STEPS.iter().filter(|step| change.unsigned_abs() >= **step).count() {
            0 => f.write_str("even"),
            strength if change > 0 => write!(f, "grew{strength}"),
            strength => write!(f, "shrank{strength}"),
        }
    }
}

/// Writes what the colours mean, from the strongest blue to the strongest red.
pub(super) fn write_legend(f: &mut Formatter<'_>, y: usize) -> fmt::Result {
    const LEFT: usize = 97;
    const SWATCH: usize = 16;
    let points = |step: usize| format!("{} points", STEPS[step - 1] as f64 / 100.0);
    let shrank = (1..=STEPS.len()).rev().map(|step| (format!("shrank{step}"), format!("lost {} or more", points(step))));
    let grew = (1..=STEPS.len()).map(|step| (format!("grew{step}"), format!("gained {} or more", points(step))));
    let even = [("even".to_owned(), format!("changed by less than {}", points(1)))];
    write!(f, "<svg class='legend' x='2%' y='{y}' overflow='visible'>")?;
    write!(f, "<text x='{}' y='12' text-anchor='end'>smaller share</text>", LEFT - 7)?;
    for (place, (class, meaning)) in shrank.chain(even).chain(grew).enumerate() {
        let (x, width) = (LEFT + SWATCH * place, SWATCH - 1);
        write!(f, "<g class='{class}'><title>{meaning}</title><rect x='{x}' width='{width}' height='15'/></g>")?;
    }
    writeln!(f, "<text x='{}' y='12'>greater</text></svg>", LEFT + SWATCH * (2 * STEPS.len() + 1) + 6)
}

impl Document<'_> {
    /// How many lines of text the lost frames take.
    pub(super) fn lost_lines(&self) -> usize {
        match self.layout.lost.len() {
            0 => 0,
            lost => 1 + lost.min(LOST_SHOWN) + usize::from(lost > LOST_SHOWN),
        }
    }

    /// Lists the frames that have no place any more, though they had one before.
    pub(super) fn write_lost(&self, f: &mut Formatter<'_>, top: usize) -> fmt::Result {
        let lost = &self.layout.lost;
        if lost.is_empty() {
            return Ok(());
        }
        let mut y = top + LINE - 4;
        writeln!(f, "<text class='note' x='2%' y='{y}'>Gone, or too little now to be drawn:</text>")?;
        for (path, frame) in lost.iter().take(LOST_SHOWN) {
            y += LINE;
            let shares = self.shares(frame);
            let (path, before, now) = (Escaped(path), Duration(frame.total_before), Duration(frame.total));
            f.write_str("<g class='")?;
            shares.write_class(f)?;
            write!(f, "'><rect x='2%' y='{}' width='11' height='11'/><text class='lost' x='2%' dx='17' y='{y}'>", y - 10)?;
            writeln!(f, "{path}: before {before}, {}; now {now}</text></g>", shares.before)?;
        }
        if lost.len() > LOST_SHOWN {
            writeln!(f, "<text class='note' x='2%' y='{}'>and {} more</text>", y + LINE, lost.len() - LOST_SHOWN)?;
        }
        Ok(())
    }
}
