//! Flame graphs of profiles.

mod tree;

pub use tree::{FlameGraph, Frame};
