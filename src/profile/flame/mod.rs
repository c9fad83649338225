//! Flame graphs of profiles.

mod chrome;
mod d3;
mod folded;
#[cfg(all(test, not(tachograph_loom)))]
pub(super) mod handmade;
mod merge;
mod name;
mod pprof;
mod spans;
mod speedscope;
mod svg;
mod tracks;
mod tree;

pub use chrome::chrome_trace;
pub use pprof::pprof;
pub(super) use spans::Spans;
pub use speedscope::speedscope;
pub use tree::{FlameGraph, Frame};
