//! The nodes of a scene: where each hangs, what may hang below it, and how deep the tree is.

use std::borrow::Cow;
use std::collections::{BTreeMap, HashMap};

use super::error::{NodeProblem, ParseError};
use super::{INSTANCE, OVERRIDE};

/// Characters that the engine keeps out of node names, because node paths use them.
const RESERVED: [char; 6] = ['.', ':', '@', '/', '"', '%'];

/// A `[node]` heading.
#[derive(Debug)]
pub(super) struct Heading<'a> {
    pub(super) line: usize,
    pub(super) name: Cow<'a, str>,
    /// The `type` field. A node from another scene has none.
    pub(super) class: Option<Cow<'a, str>>,
    /// The `parent` field: `.` for the root, else a path below the root. The root itself has none.
    pub(super) parent: Option<Cow<'a, str>>,
    /// Whether another scene is put here.
    pub(super) instance: bool,
}

/// The tree of nodes read so far.
#[derive(Debug, Default)]
pub(super) struct Tree<'a> {
    /// The root first, then in the order of first mention.
    nodes: Vec<Node>,
    /// A node by its parent's index and its own name.
    children: HashMap<(usize, Cow<'a, str>), usize>,
    by_type: BTreeMap<String, usize>,
    root: Option<(String, String)>,
}

#[derive(Debug)]
struct Node {
    /// Line of the heading, or 0 for a node that only a path names: it lies inside an instanced scene.
    line: usize,
    /// Levels from the root, which has 1.
    depth: usize,
    /// Whether nodes may be below it that this file does not list, because they come from another scene.
    open: bool,
}

impl<'a> Tree<'a> {
    /// Hangs a node into the tree.
    pub(super) fn insert(&mut self, heading: Heading<'a>) -> Result<(), ParseError> {
        let Heading { line, name, class, parent, instance } = heading;
        let bad = |name: &str, problem| Err(ParseError::BadNode { line, name: name.to_owned(), problem });
        if name.is_empty() || name.contains(RESERVED) {
            return bad(&name, NodeProblem::Name);
        }
        let parent = match (parent, self.nodes.is_empty()) {
            (None, true) => None,
            (None, false) => return bad(&name, NodeProblem::SecondRoot),
            (Some(_), true) => return bad(&name, NodeProblem::ParentBeforeRoot),
            (Some(path), false) => match self.resolve(&path) {
                Some(parent) => Some(parent),
                None => return bad(&name, NodeProblem::UnknownParent(path.into_owned())),
            },
        };
        let inside = parent.is_some_and(|parent| self.nodes[parent].open);
        let kind = match &class {
            Some(class) => class.as_ref(),
            None if instance => INSTANCE,
            None if inside => OVERRIDE,
            None => return bad(&name, NodeProblem::NoType),
        };
        let node = Node { line, depth: 1, open: instance || class.is_none() };
        match parent {
            None => {
                self.root = Some((name.clone().into_owned(), kind.to_owned()));
                self.nodes.push(node);
            }
            Some(parent) => {
                let index = self.child(parent, name.clone());
                let depth = self.nodes[parent].depth + 1;
                let first = self.nodes[index].line;
                if first != 0 {
                    return bad(&name, NodeProblem::SameName(first));
                }
                self.nodes[index] = Node { depth, ..node };
            }
        }
        *self.by_type.entry(kind.to_owned()).or_default() += 1;
        Ok(())
    }

    /// Finds the node at `path`. Below an open node the path is believed, and its steps become nodes without heading.
    fn resolve(&mut self, path: &str) -> Option<usize> {
        let mut node = 0;
        if path == "." {
            return Some(node);
        }
        for step in path.split('/') {
            if step.is_empty() || step.contains(RESERVED) {
                return None;
            }
            let known = self.children.get(&(node, Cow::Borrowed(step))).copied();
            node = match known {
                Some(child) => child,
                None if self.nodes[node].open => self.child(node, Cow::Owned(step.to_owned())),
                None => return None,
            };
        }
        Some(node)
    }

    /// The child of that name, made without heading if it is new.
    fn child(&mut self, parent: usize, name: Cow<'a, str>) -> usize {
        let fresh = self.nodes.len();
        let index = *self.children.entry((parent, name)).or_insert(fresh);
        if index == fresh {
            let depth = self.nodes[parent].depth + 1;
            self.nodes.push(Node { line: 0, depth, open: true });
        }
        index
    }

    /// Name and type of the root, if there is one.
    pub(super) fn root(&self) -> Option<(String, String)> {
        self.root.clone()
    }

    /// The number of headings.
    pub(super) fn len(&self) -> usize {
        self.by_type.values().sum()
    }

    /// The deepest heading's level.
    pub(super) fn depth(&self) -> usize {
        self.nodes.iter().filter(|node| node.line != 0).map(|node| node.depth).max().unwrap_or(0)
    }

    /// Headings by type.
    pub(super) fn into_types(self) -> BTreeMap<String, usize> {
        self.by_type
    }
}
