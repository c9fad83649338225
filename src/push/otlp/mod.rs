//! OTLP over HTTP: metrics as protobuf, cumulative.

mod answer;
mod encode;

use std::sync::Arc;
use std::time::Duration;

use hyper::{StatusCode, Uri};

use super::gone::each_gone;
use super::queue::Request;
use super::{Endpoint, Options, Protocol, PushError, Pusher};
use crate::{Registry, Snapshot};
use encode::{Tell, Writer};

/// Snapshots pushed as OTLP metrics, by HTTP and protobuf.
///
/// Counters are monotonic sums, cumulative since their series was made; gauges, up-down counters, states and infos are gauges; summaries
/// are summaries; histograms with [native buckets](crate::Resolution) are exponential histograms, others have explicit bounds. Gauge
/// histograms, which OTLP has not, are gauges by the names that the text format has. Names stay as they are. A series that goes away is
/// told by a point that is flagged to have no value.
///
/// # Examples
///
/// ```
/// use tachograph::Registry;
/// use tachograph::push::{Endpoint, Options, Otlp};
///
/// let registry = Registry::new();
/// let jobs = registry.counter("jobs_total", "Jobs done.")?;
/// // Without a path it is `/v1/metrics`. Nobody listens here, so what is pushed is given up at the end.
/// let endpoint = Endpoint::new("http://127.0.0.1:9")?;
/// let options = Options { shutdown_timeout: std::time::Duration::from_millis(10), ..Options::default() };
/// let otlp = Otlp::new(endpoint, "worker").attribute("service.instance.id", "host-1")?;
/// // For a receiver that knows explicit bounds only.
/// let pusher = otlp.exponential_histograms(false).start(&registry, options)?;
/// jobs.inc();
/// assert!(pusher.shutdown().dropped > 0);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
pub struct Otlp {
    endpoint: Endpoint,
    /// Of the resource: names and values.
    attributes: Vec<(String, String)>,
    exponential: bool,
}

impl Otlp {
    /// To this receiver, with the name of the service, the attribute `service.name`. A URL without a path leads to `/v1/metrics`.
    pub fn new(mut endpoint: Endpoint, service_name: &str) -> Self {
        if endpoint.uri().path() == "/" && endpoint.uri().query().is_none() {
            let mut parts = endpoint.uri().clone().into_parts();
            parts.path_and_query = Some(hyper::http::uri::PathAndQuery::from_static("/v1/metrics"));
            endpoint.set_uri(Uri::from_parts(parts).expect("a URL with another path is one"));
        }
        let attributes = vec![("service.name".to_owned(), service_name.to_owned())];
        Self { endpoint, attributes, exponential: true }
    }

    /// Adds an attribute of the resource, such as `service.instance.id`.
    ///
    /// # Errors
    ///
    /// [`PushError::Label`] when the name is empty or there already.
    pub fn attribute(mut self, name: &str, value: &str) -> Result<Self, PushError> {
        let refuse = |why| Err(PushError::Label { label: name.into(), why });
        if name.is_empty() {
            return refuse("it has no name");
        }
        if self.attributes.iter().any(|(known, _)| known == name) {
            return refuse("it is there twice");
        }
        self.attributes.push((name.into(), value.into()));
        Ok(self)
    }

    /// Whether histograms with native buckets are exponential ones, as they are by default. Otherwise they have explicit bounds too, for
    /// receivers that know no others.
    #[must_use]
    pub fn exponential_histograms(mut self, exponential: bool) -> Self {
        self.exponential = exponential;
        self
    }

    /// Starts to push: at once, then at each interval.
    ///
    /// # Errors
    ///
    /// When the options contradict themselves, the pusher's own metrics clash with others, or there is no thread to be had.
    pub fn start(self, registry: &Registry, options: Options) -> Result<Pusher, PushError> {
        let endpoint = self.endpoint.clone();
        Pusher::start(registry, &endpoint, Box::new(State { settings: self, last: None }), options)
    }
}

#[derive(Debug)]
struct State {
    settings: Otlp,
    /// The last snapshot: what is missing in the next one has ended.
    last: Option<Arc<Snapshot>>,
}

impl Protocol for State {
    fn headers(&self) -> &'static [(&'static str, &'static str)] {
        &[("content-type", "application/x-protobuf")]
    }

    fn passing(&self) -> fn(StatusCode) -> bool {
        |status| matches!(status.as_u16(), 429 | 502 | 503 | 504)
    }

    fn snapshot(&mut self, snapshot: Arc<Snapshot>, time: Duration, most: usize) -> Vec<Request> {
        let mut writer = Writer::new(&self.settings.attributes, self.settings.exponential, time, most);
        for family in snapshot.families() {
            writer.family(snapshot.own_labels(), family, family.series(), Tell::Values);
        }
        if let Some(last) = &self.last {
            each_gone(last, &snapshot, |family, gone| {
                writer.family(last.own_labels(), family, gone.iter().copied(), Tell::End);
            });
        }
        self.last = Some(snapshot);
        writer.finish()
    }

    fn end(&mut self, time: Duration, most: usize) -> Vec<Request> {
        let mut writer = Writer::new(&self.settings.attributes, self.settings.exponential, time, most);
        if let Some(last) = &self.last {
            for family in last.families() {
                writer.family(last.own_labels(), family, family.series(), Tell::End);
            }
        }
        writer.finish()
    }

    fn rejected(&self, answer: &[u8]) -> Option<(u64, String)> {
        answer::partial_success(answer)
    }
}
