//! Phases that are spans: what they are a part of.
//!
//! A span knows its parent, a guard does not: it takes the innermost phase that is open for its own. So spans that run side
//! by side are parts of the same phase, whichever of them is innermost, and yet a span is a part of the guard that it was
//! made under.

use super::{OPEN, OPEN_GUARD, OpenProfile};
use crate::profile::words::PhaseHead;
use crate::sync::Ordering;

impl OpenProfile {
    /// Whether phases can still be begun.
    pub(in crate::profile) fn takes_phases(&self) -> bool {
        self.share.is_some() && !self.finished.load(Ordering::Relaxed)
    }

    /// Begins the phase of a span and tells its place; `None` when there is no room. `parent` is the phase of the span
    /// that it is in, if there is one.
    pub(in crate::profile) fn begin_span(&self, name: &str, parent: Option<u8>) -> Option<u8> {
        self.begin(name, self.innermost_guard(parent))
    }

    /// The innermost open phase of a guard between here and `parent`, else `parent`. Guards beneath a span that goes on
    /// and is not `parent` are those of its own branch. So is one of which another thread does not see yet that it is a
    /// guard.
    fn innermost_guard(&self, parent: Option<u8>) -> Option<u8> {
        let (mut at, mut guard) = (self.innermost(), None);
        while let Some(place) = at
            && at != parent
        {
            let phase = &self.phases[usize::from(place)];
            match phase.duration.load(Ordering::Relaxed) {
                OPEN => guard = None,
                OPEN_GUARD => guard = guard.or(at),
                _ => {}
            }
            at = PhaseHead::of(phase.head.load(Ordering::Relaxed)).parent;
        }
        if at == parent { guard.or(parent) } else { parent }
    }
}
