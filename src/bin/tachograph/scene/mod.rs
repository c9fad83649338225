//! Godot 4 scene files: a reader of the text format (`.tscn`) that the demo API loads.
//!
//! [`parse`] reads a whole file, checks that it hangs together and returns the [`Scene`] that the API shows. It follows
//! the engine's own loader in what it accepts: sections in the engine's order, every value constructor that the engine
//! writes, and nodes that reach into an instanced scene. Where the engine is lenient by accident, such as two
//! properties on one line, this reader refuses.
//!
//! The parts, in the order in which text passes through them: `lexer` makes tokens, `constructor` knows the engine's
//! `Vector3(…)` and its kind, `value` reads one value of any shape, `reader` reads sections and properties, `tree` holds
//! the nodes and resolves their parents. Nothing recurses, so the input cannot exhaust the stack.

mod constructor;
mod error;
mod lexer;
#[cfg(test)]
mod properties;
mod reader;
#[cfg(test)]
mod tests;
mod tree;
mod value;

use std::collections::BTreeMap;

use serde::Serialize;

pub(crate) use error::ParseError;

/// What the API tells about a scene file. Its field names are the keys of the API's JSON.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct Scene {
    /// Name of the root node.
    pub(crate) root_name: String,
    /// Type of the root node, counted under the same name in `nodes_by_type`.
    pub(crate) root_type: String,
    /// Number of `[node]` sections, the root included.
    pub(crate) node_count: usize,
    /// `node_count` split by node type, in the order of the names. A node that instances another scene has no type of
    /// its own in the file and counts as [`INSTANCE`]; one that only changes a node inside an instance as [`OVERRIDE`].
    pub(crate) nodes_by_type: BTreeMap<String, usize>,
    /// Number of `[ext_resource]` sections: files that the scene refers to.
    pub(crate) ext_resource_count: usize,
    /// Number of `[sub_resource]` sections: resources that lie in the scene file itself.
    pub(crate) sub_resource_count: usize,
    /// Number of `[connection]` sections: signals wired to methods.
    pub(crate) connection_count: usize,
    /// Levels of the node tree: 1 for a root alone.
    pub(crate) tree_depth: usize,
}

/// Stands for the type of a node that instances another scene. No class of the engine can have this name.
const INSTANCE: &str = "(instance)";

/// Stands for the type of a node that changes a node inside an instanced scene.
const OVERRIDE: &str = "(override)";

/// Reads the text of a `.tscn` file.
///
/// # Errors
///
/// The first thing that is wrong with the file, with the line it stands on.
pub(crate) fn parse(text: &str) -> Result<Scene, ParseError> {
    reader::Reader::new(text).read()
}
