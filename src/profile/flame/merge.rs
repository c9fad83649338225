//! Requests merged into one tree.

use std::collections::HashMap;

use super::spans::Spans;
use super::tree::{Frame, UNACCOUNTED};
use crate::http::Method;
use crate::profile::RequestProfile;

/// What a frame is to the one above it. Two kinds may have one name: a phase may be called `unaccounted`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Kind<'a> {
    All,
    Route(&'a str, Method),
    Unaccounted,
    Phase(&'a str),
}

impl Kind<'_> {
    fn name(self) -> Box<str> {
        match self {
            Kind::All => "all".into(),
            Kind::Route(endpoint, method) => format!("{} {endpoint}", method.as_str()).into(),
            Kind::Unaccounted => UNACCOUNTED.into(),
            Kind::Phase(name) => name.into(),
        }
    }
}

/// A frame in the making, which knows the one above it instead of those below it.
#[derive(Debug)]
struct Node<'a> {
    kind: Kind<'a>,
    /// Its place among the nodes, before its own. The root has its own.
    above: usize,
    /// Nanoseconds of its own, by [`Side`].
    own: [u64; 2],
}

/// Which of the two that are compared a request is one of.
#[derive(Clone, Copy, Debug)]
pub(super) enum Side {
    Now,
    Before,
}

/// A tree in the making.
#[derive(Debug)]
pub(super) struct Merge<'a> {
    nodes: Vec<Node<'a>>,
    places: HashMap<(usize, Kind<'a>), usize>,
}

/// Where the root stands among the nodes.
const ROOT: usize = 0;

impl<'a> Merge<'a> {
    pub(super) fn new() -> Self {
        Self { nodes: vec![Node { kind: Kind::All, above: ROOT, own: [0; 2] }], places: HashMap::new() }
    }

    fn place_of(&mut self, above: usize, kind: Kind<'a>) -> usize {
        *self.places.entry((above, kind)).or_insert_with(|| {
            self.nodes.push(Node { kind, above, own: [0; 2] });
            self.nodes.len() - 1
        })
    }

    pub(super) fn insert(&mut self, side: Side, profile: &'a RequestProfile) {
        let route = self.place_of(ROOT, Kind::Route(&profile.endpoint, profile.method));
        let unaccounted = self.place_of(route, Kind::Unaccounted);
        let spans = Spans::of(profile);
        let mut phases: Vec<usize> = Vec::with_capacity(spans.phases.len());
        for (phase, span) in profile.phases.iter().zip(&spans.phases) {
            let above = span.parent.map_or(route, |parent| phases[parent]);
            phases.push(self.place_of(above, Kind::Phase(&phase.name)));
        }
        spans.share_out(|phase, nanos| {
            let own = &mut self.nodes[phase.map_or(unaccounted, |phase| phases[phase])].own[side as usize];
            *own = own.saturating_add(nanos);
        });
    }

    /// The root of the tree.
    pub(super) fn finish(self) -> Frame {
        let mut frames: Vec<(usize, Frame)> = self.nodes.into_iter().map(|node| (node.above, frame(node))).collect();
        // From the last to the first, since a node stands after the one above it: a frame is whole when it is its turn.
        loop {
            let (above, mut frame) = frames.pop().expect("the root is taken last, and ends this");
            // A route's `unaccounted` was made first, so that here it is the last one, also among those of its name: the order
            // of equal names stays.
            frame.children.sort_by(|a, b| a.name.cmp(&b.name));
            let Some((_, parent)) = frames.get_mut(above) else { return frame };
            parent.total = parent.total.saturating_add(frame.total);
            parent.total_before = parent.total_before.saturating_add(frame.total_before);
            parent.children.push(frame);
        }
    }
}

fn frame(node: Node<'_>) -> Frame {
    let [own, own_before] = node.own;
    Frame { name: node.kind.name(), own, total: own, own_before, total_before: own_before, children: Vec::new() }
}
