//! Flame graphs of profiles.

mod d3;
mod folded;
#[cfg(all(test, not(tachograph_loom)))]
mod handmade;
mod merge;
mod name;
mod spans;
mod svg;
mod tree;

pub use tree::{FlameGraph, Frame};
