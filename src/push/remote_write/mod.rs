//! Prometheus' remote write, version 1.0: protobuf, compressed by snappy's block format.

mod encode;
mod outline;

use std::sync::Arc;
use std::time::Duration;

use hyper::StatusCode;

use super::gone::each_gone;
use super::queue::Request;
use super::{Endpoint, Options, Protocol, PushError, Pusher};
use crate::metric::descriptor::{is_legal, label_fault};
use crate::{Registry, Snapshot};
use encode::{Tell, Writer};

/// How often types and help are told, as often as Prometheus does it.
const METADATA_EVERY: Duration = Duration::from_secs(60);

/// Snapshots pushed by Prometheus' remote write 1.0, which Prometheus, VictoriaMetrics, Mimir, Thanos and others take.
///
/// The series are those of a scrape of the text format: by the same names and labels, with the same values.
///
/// # Examples
///
/// ```
/// use tachograph::Registry;
/// use tachograph::push::{Endpoint, Options, RemoteWrite};
///
/// let registry = Registry::new();
/// let jobs = registry.counter("jobs_total", "Jobs done.")?;
/// // Nobody listens here, so what is pushed is given up at the end.
/// let endpoint = Endpoint::new("http://127.0.0.1:9/api/v1/write")?;
/// let options = Options { shutdown_timeout: std::time::Duration::from_millis(10), ..Options::default() };
/// let remote = RemoteWrite::new(endpoint).label("job", "worker")?.label("instance", "host-1")?;
/// // A batch job, whose last values are to be seen; the receiver takes native histograms.
/// let pusher = remote.stale_at_end(false).native_histograms(true).start(&registry, options)?;
/// jobs.inc();
/// assert!(pusher.shutdown().dropped > 0);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
pub struct RemoteWrite {
    endpoint: Endpoint,
    labels: Vec<(String, String)>,
    native: bool,
    stale_at_end: bool,
}

impl RemoteWrite {
    /// To this receiver: of Prometheus it is `/api/v1/write`, of VictoriaMetrics too.
    pub fn new(endpoint: Endpoint) -> Self {
        Self { endpoint, labels: Vec::new(), native: false, stale_at_end: true }
    }

    /// Has every series carry this label; `job` and `instance` are what a scraper would set. A series' own label of that name becomes
    /// `exported_` and the name, as in a scrape. An empty value is left out.
    ///
    /// # Errors
    ///
    /// [`PushError::Label`] when the name is not of letters, digits and `_`, begins with `_`, is `le` or `quantile`, or is there twice.
    pub fn label(mut self, name: &str, value: &str) -> Result<Self, PushError> {
        let refuse = |why| Err(PushError::Label { label: name.into(), why });
        if let Some(why) = label_fault(name) {
            return refuse(why);
        }
        if !is_legal(name, false) {
            return refuse("it must be of letters, digits and _");
        }
        if matches!(name, "le" | "quantile") {
            return refuse("histograms or summaries write it themselves");
        }
        if self.labels.iter().any(|(known, _)| known == name) {
            return refuse("it is there twice");
        }
        if !value.is_empty() {
            self.labels.push((name.into(), value.into()));
        }
        Ok(self)
    }

    /// Whether histograms that have native buckets are sent as native histograms too, beside their classic buckets. Not by default: a
    /// Prometheus on which they are not switched on answers 500 to all that comes with one.
    #[must_use]
    pub fn native_histograms(mut self, native: bool) -> Self {
        self.native = native;
        self
    }

    /// Whether all series are told to have ended when the pusher ends orderly, as they are by default. The last values of a batch job can
    /// then no longer be asked for at an instant, only over a range; without it they stay for as long as the receiver looks back.
    #[must_use]
    pub fn stale_at_end(mut self, stale: bool) -> Self {
        self.stale_at_end = stale;
        self
    }

    /// Starts to push: at once, then at each interval.
    ///
    /// # Errors
    ///
    /// When the options contradict themselves, the pusher's own metrics clash with others, or there is no thread to be had.
    pub fn start(self, registry: &Registry, options: Options) -> Result<Pusher, PushError> {
        let endpoint = self.endpoint.clone();
        let state = State { settings: self, last: None, metadata_at: None };
        Pusher::start(registry, &endpoint, Box::new(state), options)
    }
}

#[derive(Debug)]
struct State {
    settings: RemoteWrite,
    /// The last snapshot: what is missing in the next one has ended.
    last: Option<Arc<Snapshot>>,
    metadata_at: Option<Duration>,
}

impl State {
    fn writer(&self, time: Duration, most: usize) -> Writer<'_> {
        Writer::new(&self.settings.labels, self.settings.native, time, most)
    }
}

impl Protocol for State {
    fn headers(&self) -> &'static [(&'static str, &'static str)] {
        &[
            ("content-type", "application/x-protobuf"),
            ("content-encoding", "snappy"),
            ("x-prometheus-remote-write-version", "0.1.0"),
        ]
    }

    fn passing(&self) -> fn(StatusCode) -> bool {
        |status| status.is_server_error() || status == StatusCode::TOO_MANY_REQUESTS
    }

    fn snapshot(&mut self, snapshot: Arc<Snapshot>, time: Duration, most: usize) -> Vec<Request> {
        let mut writer = self.writer(time, most);
        let due = self.metadata_at.is_none_or(|last| time.abs_diff(last) >= METADATA_EVERY);
        if due {
            writer.metadata(&snapshot);
        }
        for family in snapshot.families() {
            writer.family(snapshot.own_labels(), family, family.series(), Tell::Values);
        }
        if let Some(last) = &self.last {
            each_gone(last, &snapshot, |family, gone| {
                writer.family(last.own_labels(), family, gone.iter().copied(), Tell::End);
            });
        }
        let requests = writer.finish();
        if due {
            self.metadata_at = Some(time);
        }
        self.last = Some(snapshot);
        requests
    }

    fn end(&mut self, time: Duration, most: usize) -> Vec<Request> {
        let mut writer = self.writer(time, most);
        if let Some(last) = self.last.as_ref().filter(|_| self.settings.stale_at_end) {
            for family in last.families() {
                writer.family(last.own_labels(), family, family.series(), Tell::End);
            }
        }
        writer.finish()
    }

    fn rejected(&self, _answer: &[u8]) -> Option<(u64, String)> {
        None
    }
}
