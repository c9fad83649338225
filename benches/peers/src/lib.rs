//! Tachograph beside other metrics crates and beside a hand-written minimum, the *floor*: the same work in the same run.
//!
//! [`work`] is what is done, [`inputs`] with what, [`subject`] who does it, one file a subject; a [`Case`] is one subject doing one
//! work, and [`Pool`] runs it on so many threads. Every run is checked: what a case counted must be what was asked of it.
//!
//! What makes the comparison fair, and where it leans:
//!
//! - Each subject gets its values in its own form (integers, floats, enums, strings), made beforehand; labels are strings borrowed
//!   from outside, so a crate that wants to own them pays for the copy.
//! - Each subject is called in the cheapest way that its documentation shows. `metrics` is called on the recorder itself, not
//!   through its macros, which saves it the global's load.
//! - Handles are called through memory that the compiler may not know, the floor's like everybody's: a program does something else
//!   between two calls, so a call finds its thread's cells anew.
//! - Typed labels are numbered by who has types for them; others are given strings that live as long as the program.
//! - `metriken` has no sums and no bounds of one's own, so its histograms are told but are nobody's best peer.
//! - `metrics` keeps each observation of a histogram until it is drained. It is drained between runs, outside the time: that flatters
//!   it, and it is why it loses nothing here (while it is drained beside writers it does).
#![forbid(unsafe_code)]

pub mod bench;
mod case;
#[cfg(doctest)]
mod guides;
pub mod inputs;
mod pool;
pub mod subject;
pub mod text;
pub mod typed;
pub mod work;

pub use case::{Case, Role, Scrape};
pub use pool::{MAX_THREADS, Pool, Span};

use std::any::Any;

use work::{Shape, Work};

/// A way to count: a crate, or the floor.
pub trait Subject: Sync {
    /// This subject doing a work, in each way in which it can; none if it cannot.
    fn cases(&self, work: Work) -> Vec<Case>;

    /// This subject rendering a text of a shape, already filled.
    fn scrapes(&self, shape: Shape) -> Vec<Scrape>;

    /// The series of a shape, registered and filled by the calling thread, in the way that takes the least memory; none if the subject
    /// has no such series.
    fn held(&self, shape: Shape) -> Option<Held>;
}

/// A subject's name, and what keeps its series alive.
pub type Held = (&'static str, Box<dyn Any>);

/// A work done by all subjects, the floor first.
pub fn cases(work: Work) -> Vec<Case> {
    subject::all().iter().flat_map(|subject| subject.cases(work)).collect()
}

/// A shape rendered by all subjects, the floor first. Only one holds its series at a time: they are made as the iterator goes.
pub fn scrapes(shape: Shape) -> impl Iterator<Item = Scrape> {
    subject::all().into_iter().flat_map(move |subject| subject.scrapes(shape))
}
