//! Health: what an orchestrator and an operator ask first.
//!
//! In `Cargo.toml` it takes `features = ["health"]`. A [`HealthCheck`] tells how one subsystem is; a [`HealthRegistry`] has the
//! checks run in the background and keeps what they last said; a [`HealthReport`] is that for readers. [`checks`] are those
//! that many need.
#![cfg_attr(
    feature = "server",
    doc = "With [`server::Options::health`](crate::server::Options::health) the server answers `/health*` with it."
)]
//!
//! The path of a result through the files: `registry` has a thread that asks the `schedule` what is due, a `worker`, the thread
//! of one check, runs it, `damping` makes a status of its results, and `report` is what readers get of it, as `json` too, in
//! the `format` that they ask for; `metrics` are for the scrapes.
//!
//! # What can go wrong with a check
//!
//! Each runs on a thread of its own and may block it. A check that has not come back at its timeout is unhealthy and says so;
//! it is given up where it awaits, and left alone where it blocks, until it comes back. One that panics is unhealthy; its next
//! run comes as if nothing had been. A message of more than a kilobyte is cut. None of it delays another check, and nobody who
//! asks waits longer than the timeouts. Should the checks not run at all (the log may block, for one), their results become stale
//! ([`CheckOptions::stale_after`]), and what is stale is unhealthy. A process that was suspended, or got no processor until the
//! timeout was long over, gives the run its timeout once more.

pub mod checks;
mod damping;
mod error;
mod format;
mod json;
mod metrics;
mod options;
mod registry;
mod report;
mod result;
mod schedule;
mod selection;
mod status;
mod told;
mod worker;

pub use error::HealthError;
pub use format::{HealthFormat, View};
pub use options::{CheckOptions, Group};
pub use registry::HealthRegistry;
pub use report::{CheckReport, HealthReport};
pub use result::{CheckResult, Detail};
pub use selection::Selection;
pub use status::HealthStatus;

/// Tells how one subsystem is.
///
/// A closure that returns a future of a [`CheckResult`] is a check too.
///
/// # Examples
///
/// ```
/// use tachograph::health::{CheckResult, HealthCheck};
///
/// struct Disk {
///     folder: std::path::PathBuf,
/// }
///
/// impl HealthCheck for Disk {
///     async fn check(&self) -> CheckResult {
///         match std::fs::read_dir(&self.folder) {
///             Ok(entries) => CheckResult::healthy("the folder can be read").detail("entries", entries.count()),
///             Err(cause) => CheckResult::unhealthy(format!("the folder cannot be read: {cause}")),
///         }
///     }
/// }
/// # let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
/// let result = runtime.block_on(Disk { folder: "/nowhere".into() }.check());
/// assert!(result.message().starts_with("the folder cannot be read: "));
/// ```
pub trait HealthCheck: Send + Sync + 'static {
    /// Looks, and tells. It has a thread to itself and may block it. Where it awaits longer than its timeout, the future is dropped.
    fn check(&self) -> impl Future<Output = CheckResult>;
}

impl<F, A> HealthCheck for F
where
    F: Fn() -> A + Send + Sync + 'static,
    A: Future<Output = CheckResult>,
{
    fn check(&self) -> impl Future<Output = CheckResult> {
        self()
    }
}
