//! The thread of one check. Whatever a check does, hangs and panics included, it does there.

use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Weak};
use std::time::Instant;

use tokio::runtime::{Builder, Handle, Runtime};
use tokio::sync::oneshot;

use super::HealthCheck;
use super::error::HealthError;
use super::registry::Shared;
use super::result::CheckResult;
use crate::panic::caught;

/// An order to run the check once. When the other end is dropped, the run is to be given up.
pub(super) type Order = oneshot::Receiver<()>;

/// Starts the thread of check number `at`. It ends when the returned end of the channel is dropped.
///
/// The check runs in the context of the runtime that is current here, so that what it opens lives as long as what its host opens; else
/// in one of its own. It takes no thread of that runtime, so that it may block.
pub(super) fn start(
    name: &str,
    check: Arc<impl HealthCheck>,
    at: usize,
    shared: Weak<Shared>,
) -> Result<Sender<Order>, HealthError> {
    let host = Handle::try_current().ok();
    let (orders, todo) = channel();
    // The system keeps 15 bytes of the name, a panic tells all of it.
    let run = move || run(&*check, at, &shared, &todo, host);
    let thread = std::thread::Builder::new().name(format!("tachograph-hlth-{name}")).spawn(run);
    thread.map(|_| orders).map_err(|cause| HealthError::NoThread { cause })
}

fn run(check: &impl HealthCheck, at: usize, shared: &Weak<Shared>, todo: &Receiver<Order>, host: Option<Handle>) {
    let mut own = None;
    for order in todo {
        let started = Instant::now();
        let result = match runtime(host.as_ref(), &mut own) {
            Ok(runtime) => run_once(check, order, &runtime),
            Err(told) => Some(CheckResult::unhealthy(told)),
        };
        let Some(shared) = shared.upgrade() else { return };
        // A log that panics must not end the thread. It has said what it had to say itself.
        let _told = caught(|| shared.finish(at, started.elapsed(), result));
    }
}

/// Returns what the check found; nothing if the run was given up.
fn run_once(check: &impl HealthCheck, order: Order, runtime: &Context<'_>) -> Option<CheckResult> {
    let found = caught(|| {
        runtime.block_on(async {
            tokio::select! {
                // The order first: a run that was given up is not polled again, for its runtime may be ending, of which a timer
                // panics. A result that comes with the end of the order is one too late.
                biased;
                _ = order => None,
                result = check.check() => Some(result),
            }
        })
    });
    found.unwrap_or_else(|panic| Some(CheckResult::unhealthy(format!("it panicked: {panic}")))).map(CheckResult::bounded)
}

/// What a check's future is driven by.
enum Context<'a> {
    Host(&'a Handle),
    Own(&'a Runtime),
}

impl Context<'_> {
    fn block_on<T>(&self, future: impl Future<Output = T>) -> T {
        match self {
            Self::Host(handle) => handle.block_on(future),
            Self::Own(runtime) => runtime.block_on(future),
        }
    }
}

fn runtime<'a>(host: Option<&'a Handle>, own: &'a mut Option<Runtime>) -> Result<Context<'a>, String> {
    if let Some(host) = host {
        return Ok(Context::Host(host));
    }
    if own.is_none() {
        // Tried again at the next run: it takes file descriptors, of which there may be none just now.
        let made = Builder::new_current_thread().enable_all().build();
        *own = Some(made.map_err(|cause| format!("there is no runtime for it: {cause}"))?);
    }
    Ok(Context::Own(own.as_ref().expect("made above")))
}
