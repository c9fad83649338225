//! The phases of a request on tracks, each of which is properly nested: for programs that draw one call after the other.

use super::spans::{Span, Spans};

/// A phase and where it lies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Placed {
    /// Its place in the profile.
    pub(super) phase: usize,
    pub(super) start: u64,
    pub(super) end: u64,
    /// How many phases of the same track it lies within.
    pub(super) depth: usize,
}

/// The tracks of a request, the phases of each in the order in which they begin: one before those that lie within it. The first
/// track, which always exists, is the request's own. A phase goes to the first track on which it lies within its parent, or
/// there is nothing that it lies within; so what is concurrent is on others.
pub(super) fn tracks(spans: &Spans) -> Vec<Vec<Placed>> {
    let mut in_order: Vec<(usize, &Span)> = spans.phases.iter().enumerate().collect();
    in_order.sort_by_key(|(_, span)| span.start);
    let mut tracks = vec![Track::default()];
    for (phase, span) in in_order {
        let fits = |track: &mut Track, is_first: bool| {
            track.close(span);
            match track.open.last() {
                Some(top) => span.parent == Some(top.phase) && span.end <= top.end,
                None => !is_first || span.parent.is_none(),
            }
        };
        let place = tracks.iter_mut().enumerate().position(|(place, track)| fits(track, place == 0)).unwrap_or_else(|| {
            tracks.push(Track::default());
            tracks.len() - 1
        });
        let Track { all, open } = &mut tracks[place];
        let placed = Placed { phase, start: span.start, end: span.end, depth: open.len() };
        open.push(placed);
        all.push(placed);
    }
    tracks.into_iter().map(|track| track.all).collect()
}

#[derive(Debug, Default)]
struct Track {
    all: Vec<Placed>,
    /// Those that have not ended where the next one begins, each within the one before it.
    open: Vec<Placed>,
}

impl Track {
    /// Closes what has ended when `next` begins. A parent that ends just then stays, for the sake of a child that takes no
    /// time.
    fn close(&mut self, next: &Span) {
        while self.open.last().is_some_and(|top| top.end <= next.start && next.parent != Some(top.phase)) {
            self.open.pop();
        }
    }
}

#[cfg(all(test, not(tachograph_loom)))]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::profile::flame::handmade::{Phase, request, requests};

    fn of(phases: &[Phase<'_>]) -> Vec<Vec<usize>> {
        let tracks = tracks(&Spans::of(&request("/a", 100, phases)));
        tracks.into_iter().map(|track| track.into_iter().map(|placed| placed.phase).collect()).collect()
    }

    #[test]
    fn what_nests_stays_on_one_track() {
        assert_eq!(
            of(&[("a", None, 0, 50), ("b", Some(0), 0, 50), ("c", Some(1), 50, 0), ("d", None, 50, 50)]),
            [[0, 1, 2, 3]]
        );
        assert_eq!(of(&[]), [[0usize; 0]]);
    }

    #[test]
    fn what_is_concurrent_goes_to_another_track_with_what_is_in_it() {
        let phases =
            [("a", None, 0, 50), ("b", None, 10, 50), ("c", Some(1), 20, 10), ("d", Some(0), 25, 5), ("e", None, 60, 1)];
        assert_eq!(of(&phases), [vec![0, 3, 4], vec![1, 2]]);
        assert_eq!(of(&[("a", None, 0, 50), ("outlasts", Some(0), 10, 60)]), [[0], [1]]);
        assert_eq!(of(&[("a", None, 0, 5), ("afterwards", Some(0), 10, 6)]), [[0], [1]]);
    }

    proptest! {
        #[test]
        fn every_phase_is_on_one_track_and_none_crosses_another(profiles in requests()) {
            for profile in &profiles {
                let tracks = tracks(&Spans::of(profile));
                let mut seen: Vec<usize> = tracks.iter().flatten().map(|placed| placed.phase).collect();
                seen.sort_unstable();
                prop_assert_eq!(seen, (0..profile.phases.len()).collect::<Vec<_>>());
                for track in tracks {
                    for (place, one) in track.iter().enumerate() {
                        let around = track[..place].iter().rev().scan(one.depth, |depth, before| {
                            let is_around = before.depth < *depth;
                            *depth = (*depth).min(before.depth);
                            Some(is_around.then_some(before))
                        });
                        let around: Vec<_> = around.flatten().collect();
                        prop_assert_eq!(around.len(), one.depth);
                        prop_assert!(around.iter().all(|around| around.start <= one.start && one.end <= around.end));
                        for later in &track[place + 1..] {
                            prop_assert!(one.start <= later.start, "{:?} before {:?}", one, later);
                            prop_assert!(later.start >= one.end || later.end <= one.end, "{:?} crosses {:?}", one, later);
                        }
                    }
                }
            }
        }
    }
}
