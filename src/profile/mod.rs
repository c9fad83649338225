//! Profiles of requests: the last thousand, the slowest beside them, and where their time went.

mod finished;
#[cfg(feature = "profiles")]
pub mod flame;
mod trace;

pub use finished::{PhaseTiming, RequestProfile};
pub use trace::{TraceId, TraceIdError};

/// The status of a request that was dropped before it was finished (nginx's number for a client that has gone).
pub const ABORTED: u16 = 499;
