//! The phases of a request as spans of time within it, and who was running when.

use std::time::Duration;

use crate::profile::RequestProfile;

/// How deep phases nest in a flame graph. A profile has room for sixteen phases, so that none of the store's is deeper; what is
/// made of a list that somebody has added to is no deeper either, and those who read it may recurse.
const DEEPEST: usize = 16;

/// A request as nanoseconds of its own clock.
#[derive(Debug)]
pub(in crate::profile) struct Spans {
    /// When it ended; it began at 0.
    pub(in crate::profile) end: u64,
    /// Its phases, in their order.
    pub(in crate::profile) phases: Vec<Span>,
}

/// A phase, cut to the request.
#[derive(Clone, Copy, Debug)]
pub(in crate::profile) struct Span {
    pub(in crate::profile) start: u64,
    /// Not before `start`, not beyond the request's.
    pub(in crate::profile) end: u64,
    /// The place of its parent, always before its own.
    pub(in crate::profile) parent: Option<usize>,
}

fn nanos(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}

impl Spans {
    /// The spans of a profile. A parent that does not stand before its child is none.
    pub(in crate::profile) fn of(profile: &RequestProfile) -> Self {
        let end = nanos(profile.duration);
        let mut phases: Vec<Span> = Vec::with_capacity(profile.phases.len());
        let mut depths: Vec<usize> = Vec::with_capacity(profile.phases.len());
        for (place, phase) in profile.phases.iter().enumerate() {
            let mut parent = phase.parent.filter(|parent| *parent < place);
            if let Some(deepest) = parent.filter(|parent| depths[*parent] == DEEPEST) {
                parent = phases[deepest].parent;
            }
            depths.push(parent.map_or(1, |parent| depths[parent] + 1));
            let start = nanos(phase.start).min(end);
            phases.push(Span { start, end: start.saturating_add(nanos(phase.duration)).min(end), parent });
        }
        Self { end, phases }
    }

    /// Gives away each nanosecond of the request: to the phases that were open then and had none open below them, in equal
    /// parts if there are several, where the first ones get what cannot be divided; to `None` if no phase was open.
    pub(in crate::profile) fn share_out(&self, mut give: impl FnMut(Option<usize>, u64)) {
        let mut cuts: Vec<u64> = self.phases.iter().flat_map(|span| [span.start, span.end]).chain([0, self.end]).collect();
        cuts.sort_unstable();
        cuts.dedup();
        let mut open_below = vec![false; self.phases.len()];
        let mut deepest = Vec::new();
        // Between two cuts no phase begins or ends.
        for cut in cuts.windows(2) {
            let (from, to) = (cut[0], cut[1]);
            open_below.fill(false);
            deepest.clear();
            // A parent stands before its children, so it is reached when all below it has been seen. It may have ended before
            // them.
            for (place, span) in self.phases.iter().enumerate().rev() {
                let open = span.start <= from && to <= span.end;
                if open && !open_below[place] {
                    deepest.push(place);
                }
                if let Some(parent) = span.parent {
                    open_below[parent] |= open || open_below[place];
                }
            }
            let (nanos, sharers) = (to - from, deepest.len() as u64);
            if sharers == 0 {
                give(None, nanos);
            }
            for (turn, place) in (0..sharers).zip(deepest.iter().rev()) {
                give(Some(*place), nanos / sharers + u64::from(turn < nanos % sharers));
            }
        }
    }
}
