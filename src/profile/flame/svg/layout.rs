//! Where each frame stands, and which ones have no place.

use std::borrow::Cow;
use std::cmp::Reverse;

use crate::profile::flame::name::last_of;
use crate::profile::flame::tree::is_unaccounted;
use crate::profile::flame::{FlameGraph, Frame};

/// The width of the whole. A ten-thousandth of a percent is less than a pixel on any screen, and places in whole numbers nest
/// exactly.
pub(super) const WHOLE: u32 = 1_000_000;

/// So many times narrower than the whole a frame may be. Below a thousandth it is less than a pixel, until one zooms in.
const NARROWEST: u64 = 10_000;

/// No more frames than these are drawn, the widest: they take 0.4 MB, and a browser redraws them without a stutter.
const MOST: usize = 2_000;

/// So many times shorter than the whole a frame may have been before, so that it is said to be lost.
const LOST_FROM: u128 = 1_000;

/// A frame that is drawn.
#[derive(Debug)]
pub(super) struct Place<'a> {
    pub(super) frame: &'a Frame,
    /// Its name, without line ends.
    pub(super) name: Cow<'a, str>,
    /// Whether it is what no phase covers.
    pub(super) unaccounted: bool,
    /// How many are above it.
    pub(super) level: usize,
    /// Where it begins, at most [`WHOLE`].
    pub(super) left: u32,
    /// Where it ends: not before `left`, and not after its parent's.
    pub(super) right: u32,
}

/// A flame graph's frames, laid out.
#[derive(Debug, Default)]
pub(super) struct Layout<'a> {
    /// What is drawn, a frame before its children.
    pub(super) places: Vec<Place<'a>>,
    /// What the root took before.
    whole_before: u64,
    /// How many levels there are.
    pub(super) levels: usize,
    /// What a frame takes at least, in nanoseconds, so that it is drawn.
    least: u64,
    /// How many more are drawn of those that take no more than that.
    room: usize,
    /// Frames that take time, too little of it to be drawn.
    pub(super) left_out: usize,
    /// Frames without a place that had one before, those with the most time then first, and the way to each. What is below one
    /// of them is not named again.
    pub(super) lost: Vec<(String, &'a Frame)>,
}

impl<'a> Layout<'a> {
    pub(super) fn of(graph: &'a FlameGraph) -> Self {
        let root = &graph.root;
        let (least, room) = least(root);
        let mut layout = Self { least, room, whole_before: root.total_before, ..Self::default() };
        if root.total > 0 {
            layout.place(root, &mut Vec::new(), 0, WHOLE);
        } else {
            // The root itself is not lost, but all that it was made of.
            root.children.iter().for_each(|child| layout.leave_out(child, &[child]));
        }
        layout.lost.retain(|_| graph.compared);
        layout.lost.sort_by_key(|(_, frame)| Reverse(frame.total_before));
        layout
    }

    /// Places a frame and those below it. `stack` has those above it but the root, and itself.
    fn place(&mut self, frame: &'a Frame, stack: &mut Vec<&'a Frame>, left: u32, right: u32) {
        let level = stack.len();
        let name = if stack.is_empty() { Cow::Borrowed(&*frame.name) } else { last_of(stack) };
        self.levels = self.levels.max(level + 1);
        self.places.push(Place { frame, name, unaccounted: is_unaccounted(stack), level, left, right });
        // Were the children longer than their parent, they would share its width.
        let sum: u128 = frame.children.iter().map(|child| u128::from(child.total)).sum();
        let whole = sum.max(u128::from(frame.total)).max(1);
        let place_of = |time: u128| left + (u128::from(right - left) * time / whole) as u32;
        let mut begin = 0;
        for child in &frame.children {
            let end = begin + u128::from(child.total);
            let (left, right) = (place_of(begin), place_of(end));
            begin = end;
            stack.push(child);
            if left < right && self.is_wide_enough(child) {
                self.place(child, stack, left, right);
            } else {
                self.leave_out(child, stack);
            }
            stack.pop();
        }
    }

    fn is_wide_enough(&mut self, frame: &Frame) -> bool {
        if frame.total != self.least {
            return frame.total > self.least;
        }
        let is_room = self.room > 0;
        self.room = self.room.saturating_sub(1);
        is_room
    }

    fn leave_out(&mut self, frame: &'a Frame, stack: &[&'a Frame]) {
        self.left_out += count_timed(frame);
        if frame.total_before > 0 && u128::from(frame.total_before) * LOST_FROM >= u128::from(self.whole_before) {
            let path: Vec<_> = (1..=stack.len()).map(|length| last_of(&stack[..length])).collect();
            self.lost.push((path.join(" › "), frame));
        }
    }
}

fn count_timed(frame: &Frame) -> usize {
    usize::from(frame.total > 0) + frame.children.iter().map(count_timed).sum::<usize>()
}

/// The least time of a frame that is drawn, and how many may be drawn that take just that. No frame takes more than the one
/// above it, so none that is drawn hangs in the air.
fn least(root: &Frame) -> (u64, usize) {
    let least = root.total.div_ceil(NARROWEST).max(1);
    let mut times = Vec::new();
    push_times(root, least, &mut times);
    if times.len() <= MOST {
        return (least, MOST);
    }
    let (longer, last, _) = times.select_nth_unstable_by_key(MOST - 1, |time| Reverse(*time));
    let longer = longer.iter().filter(|time| *time > last).count();
    (*last, MOST - longer)
}

fn push_times(frame: &Frame, least: u64, times: &mut Vec<u64>) {
    if frame.total >= least {
        times.push(frame.total);
        frame.children.iter().for_each(|child| push_times(child, least, times));
    }
}
