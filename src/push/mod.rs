//! Snapshots pushed to where they are kept, from processes that nobody can scrape: behind a firewall, or gone before a scraper comes.
//!
//! `RemoteWrite` (feature `remote-write`) speaks Prometheus' remote write, `Otlp` (feature `otlp`) OTLP over HTTP. Either takes an
//! [`Endpoint`], the URL with what opens it, and starts a [`Pusher`]: a thread that takes a snapshot at each interval, encodes it, and
//! sends the requests that it has become, one after the other. Who counts, and the thread that takes snapshots, never wait for it.
//!
//! Where a service can be scraped, scrape it: a scraper knows when a target is down, sets the pace, and needs no queue. `docs/push.md` says more.
//!
//! # What is promised
//!
//! - Nothing is counted twice. A request that is tried again is the same to the byte, times included, and a receiver that had it already
//!   finds what it has. Counters are told as sums since their start, so a snapshot that was lost leaves a gap and no loss of counts.
//! - A request is tried again until it is accepted, refused for good (a status of 400 and above, other than 429 and those that pass), or is
//!   the oldest in a full queue. Each end is counted, and said in the log the first time.
//! - Series that go away are told to have ended, and so are all of them at an orderly end. Where that was lost, a receiver finds it out
//!   by itself: Prometheus within five minutes.
//!
//! # Memory
//!
//! What waits are requests and no snapshots. A snapshot keeps 8 bytes a number, but 28 KiB a histogram of the finest resolution, and the
//! slots of series that are removed; the requests it becomes are bounded by [`Options::queue_bytes`] whatever they are made of. Beside the
//! queue there are the request that is on its way, the last snapshot (to find what is missing in the next one), and while one is
//! encoded its requests.
//!
//! # Own metrics
//!
//! The registry that is pushed tells, by `url`: `tachograph_push_samples_sent_total`, `tachograph_push_samples_refused_total`,
//! `tachograph_push_samples_dropped_total`, `tachograph_push_failures_total` (with `reason`: `timeout`, `unreachable`, `broken`, `status`),
//! `tachograph_push_retries_total`, `tachograph_push_queue_snapshots`, `tachograph_push_queue_bytes` and
//! `tachograph_push_last_success_timestamp_seconds`.
//!
//! A child after `fork` pushes nothing: start another pusher there.
pub(crate) mod metrics;

mod backoff;
mod endpoint;
mod gone;
mod options;
#[cfg(feature = "otlp")]
mod otlp;
mod post;
mod queue;
#[cfg(feature = "remote-write")]
mod remote_write;
mod run;

use std::cell::{Cell, RefCell};
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Duration;

use hyper::StatusCode;
use tokio::sync::watch;

pub use endpoint::{Endpoint, EndpointError};
pub use options::{Options, PushError};
#[cfg(feature = "otlp")]
pub use otlp::Otlp;
#[cfg(feature = "remote-write")]
pub use remote_write::RemoteWrite;

use crate::{Registry, Snapshot};
use metrics::Metrics;
use post::Poster;
use queue::{Queue, Request};
use run::{Pushing, Told};

/// How snapshots become requests, and what an answer says.
trait Protocol: Send {
    /// The headers of a request.
    fn headers(&self) -> &'static [(&'static str, &'static str)];
    /// Which statuses say that a request may be accepted another time.
    fn passing(&self) -> fn(StatusCode) -> bool;
    /// The requests that a snapshot of this time (since 1970) becomes, of at most so many samples each. Series that were in the last one
    /// and are gone are told too.
    fn snapshot(&mut self, snapshot: Arc<Snapshot>, time: Duration, most: usize) -> Vec<Request>;
    /// The requests that tell that all series are gone.
    fn end(&mut self, time: Duration, most: usize) -> Vec<Request>;
    /// How many samples were not accepted although the answer says success, and why.
    fn rejected(&self, answer: &[u8]) -> Option<(u64, String)>;
}

/// Snapshots on their way. Dropped, it ends as by [`shutdown`](Self::shutdown), which may block for [`Options::shutdown_timeout`].
#[derive(Debug)]
pub struct Pusher {
    stop: watch::Sender<bool>,
    thread: Option<JoinHandle<Ended>>,
}

/// How a pusher ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ended {
    /// Samples that were given up unsent since the start: the queue was full, or the end came first.
    pub dropped: u64,
}

impl Pusher {
    /// Starts the thread.
    fn start(
        registry: &Registry,
        endpoint: &Endpoint,
        protocol: Box<dyn Protocol>,
        options: Options,
    ) -> Result<Self, PushError> {
        options.check()?;
        let runtime =
            tokio::runtime::Builder::new_current_thread().enable_io().enable_time().build().map_err(PushError::Start)?;
        let url = endpoint.to_string();
        let metrics = Metrics::register(registry, url.clone())?;
        let poster = Poster::new(endpoint, protocol.headers(), options.timeout, protocol.passing());
        let registry = registry.clone();
        let (stop, stopped) = watch::channel(false);
        let push = move || {
            let pushing = Pushing {
                registry,
                queue: Queue::new(options.queue_snapshots, options.queue_bytes),
                options,
                poster,
                metrics,
                protocol: RefCell::new(protocol),
                url,
                told: RefCell::new(Told::default()),
                last_time: Cell::new(Duration::ZERO),
                dropped: Cell::new(0),
            };
            let ended = runtime.block_on(pushing.run(stopped));
            // It does not wait for a name that is being looked up.
            runtime.shutdown_background();
            ended
        };
        let thread = std::thread::Builder::new().name("tachograph-push".into()).spawn(push).map_err(PushError::Start)?;
        Ok(Self { stop, thread: Some(thread) })
    }

    /// Takes a last snapshot, sends it with all that waits, tells that the series have ended, and waits for that, for
    /// [`Options::shutdown_timeout`] at most. What has failed is tried once more at once. In async code call it where one may block.
    ///
    /// # Examples
    ///
    /// ```
    /// # #[cfg(feature = "remote-write")] {
    /// use std::time::Duration;
    /// use tachograph::Registry;
    /// use tachograph::push::{Endpoint, Options, RemoteWrite};
    ///
    /// let registry = Registry::new();
    /// // Nobody listens there.
    /// let endpoint = Endpoint::new("http://127.0.0.1:9/api/v1/write")?;
    /// let options = Options { shutdown_timeout: Duration::from_millis(10), ..Options::default() };
    /// let pusher = RemoteWrite::new(endpoint).start(&registry, options)?;
    /// assert!(pusher.shutdown().dropped > 0);
    /// # }
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn shutdown(mut self) -> Ended {
        self.end().expect("the thread is there until the end")
    }

    fn end(&mut self) -> Option<Ended> {
        self.stop.send_replace(true);
        let ended = self.thread.take()?.join();
        Some(ended.unwrap_or(Ended { dropped: 0 }))
    }
}

impl Drop for Pusher {
    fn drop(&mut self) {
        self.end();
    }
}
