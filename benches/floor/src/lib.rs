//! The floor: the least hand-written code that does the work of a metric, for the benches to compare with.
//!
//! The work of a metric is more than an addition. Its handle may be used on any thread, it is one of thousands, threads must not
//! hinder each other, and somebody else adds it all up. So the least there can be in safe Rust is [`cells::mine`]: read the
//! thread's array of cells from a thread-local, test that there is one, and add to the cell of a number that only the handle
//! knows. Everything here is made of that: [`Slot`] is a counter, [`Histogram`] adds a bucket's index, [`Table`] the look-up of strings,
//! [`Requests`] is all that an HTTP request writes.
//!
//! What it leaves out is what a metrics engine has to have beside: cells that grow, the end of threads, series that come and go,
//! limits, and scrapes that never show half an observation.
#![forbid(unsafe_code)]

pub mod cells;
mod histogram;
mod request;
mod table;

pub use cells::{Slot, Slots};
pub use histogram::{Bounds, Histogram};
pub use request::{BYTES, Endpoint, NANOSECONDS, Observed, Requests, SECONDS};
pub use table::Table;
