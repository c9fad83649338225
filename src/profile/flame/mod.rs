//! Flame graphs of profiles, for other programs.
//!
//! | for | what |
//! | --- | --- |
//! | a browser | [`FlameGraph::svg`] |
//! | d3-flame-graph | [`FlameGraph::d3`] |
//! | `flamegraph.pl`, inferno and what else reads folded stacks | [`FlameGraph::folded`] |
//! | speedscope | [`speedscope()`] |
//! | `go tool pprof` | [`pprof()`] |
//! | Perfetto, chrome://tracing | [`chrome_trace`] |
//!
//! A [`FlameGraph`] is the tree that requests are merged into (`merge`), after the time of each was shared out among its phases
//! (`spans`). A single request, and trace events, are drawn from its `tracks`.

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
