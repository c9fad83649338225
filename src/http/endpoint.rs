//! One endpoint: everything that a request of it writes, found with one look-up.

use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::Duration;

use super::HttpCore;
use super::label::{Method, STATUS_PLACES, status_place, with_status_label};
use crate::metric::counter::Counter;
use crate::metric::histogram::{Histogram, nanoseconds};
use crate::metric::table::Entry;
use crate::shard::{self, Slot};
use crate::sync::{self, AtomicU32, Ordering};

/// A finished request and its response.
#[derive(Clone, Copy, Debug)]
pub struct Exchange {
    /// The request's method.
    pub method: Method,
    /// The response's status; what lies outside 100 to 599 counts as `other`.
    pub status: u16,
    /// From the request's head read to the last byte of the response handed over.
    pub duration: Duration,
    /// Bytes of the request's body.
    pub request_bytes: u64,
    /// Bytes of the response's body.
    pub response_bytes: u64,
}

/// The handles of one endpoint, its counters in a table by method and status that is filled as they are needed.
#[derive(Debug)]
pub(super) struct EndpointCells {
    /// Value of the label `endpoint`.
    name: Box<str>,
    /// Left out of the latency window.
    monitoring: bool,
    duration: Histogram,
    request_size: Histogram,
    response_size: Histogram,
    /// The slots of the counters by method and place of the status, 0 where there is none yet.
    requests: [OnceLock<Box<[AtomicU32; STATUS_PLACES]>>; Method::COUNT],
    /// The counters themselves, whose slots these are: they stay for as long as the endpoint does.
    counters: Mutex<Vec<Counter>>,
}

impl EndpointCells {
    pub(super) fn new(core: &HttpCore, name: &str, monitoring: bool) -> Self {
        Self {
            name: name.into(),
            monitoring,
            duration: core.durations.handle([name]),
            request_size: core.request_sizes.handle([name]),
            response_size: core.response_sizes.handle([name]),
            requests: [const { OnceLock::new() }; Method::COUNT],
            counters: Mutex::default(),
        }
    }

    /// The duration histogram of an endpoint that is no monitoring traffic.
    pub(super) fn user_duration(&self) -> Option<&Histogram> {
        (!self.monitoring).then_some(&self.duration)
    }

    #[inline]
    pub(super) fn observe(&self, core: &HttpCore, exchange: &Exchange) {
        let nanos = nanoseconds(exchange.duration);
        match self.known_slot(exchange.method, exchange.status) {
            Some(slot) => shard::inc_by(slot, 1),
            None => self.inc_slowly(core, exchange.method, exchange.status),
        }
        self.duration.observe(nanos);
        self.request_size.observe(exchange.request_bytes);
        self.response_size.observe(exchange.response_bytes);
        if !self.monitoring && !core.window.observe(nanos) {
            core.faults.observation_saturated();
        }
    }

    #[inline]
    fn known_slot(&self, method: Method, status: u16) -> Option<Slot> {
        let by_status = self.requests[method as usize].get()?;
        // Acquire: pairs with the store in `counter`. The slot's base was read before it, so what we add is not part of it.
        match by_status[status_place(status)?].load(Ordering::Acquire) {
            0 => None,
            slot => Some(Slot::at(slot)),
        }
    }

    /// Counts by strings: the first time for a status that has a place, always for one that has none, and then without a lock.
    #[cold]
    fn inc_slowly(&self, core: &HttpCore, method: Method, status: u16) {
        if status_place(status).is_some() {
            self.counter(core, method, status).inc();
        } else {
            with_status_label(status, |status| core.requests.inc([&self.name, method.as_str(), status]));
        }
    }

    /// Touches the calling thread's cells, those of the counters that exist by now.
    fn prepare(&self, core: &HttpCore) {
        self.counters.lock().unwrap_or_else(PoisonError::into_inner).iter().for_each(Counter::prepare);
        [&self.duration, &self.request_size, &self.response_size].into_iter().for_each(Histogram::prepare);
        if !self.monitoring {
            core.window.prepare();
        }
    }

    /// The counter of a method and a status, looked up by strings; its slot is kept if the status has a place.
    #[cold]
    fn counter(&self, core: &HttpCore, method: Method, status: u16) -> Counter {
        let counter = with_status_label(status, |status| core.requests.handle([&self.name, method.as_str(), status]));
        if let Some(place) = status_place(status) {
            let by_status = self.requests[method as usize].get_or_init(|| Box::new(std::array::from_fn(|_| AtomicU32::new(0))));
            let mut counters = self.counters.lock().unwrap_or_else(PoisonError::into_inner);
            // Another thread may have kept it already: then it is the same series. The sink, which a process without room counts
            // into, is not kept: there may be room another time.
            if self.known_slot(method, status).is_none() && !counter.is_sink() {
                counters.push(counter.clone());
                // Release: pairs with the load in `known_slot`.
                by_status[place].store(counter.slot().index() as u32, Ordering::Release);
            }
        }
        counter
    }
}

/// One endpoint of an [`HttpMetrics`](super::HttpMetrics): observing through it needs no look-up by name.
///
/// # Examples
///
/// ```
/// use std::time::Duration;
/// use tachograph::{Registry, http::{Exchange, HttpMetrics, HttpOptions, Method}};
///
/// let registry = Registry::new();
/// let scene = HttpMetrics::register(&registry, HttpOptions::default())?.endpoint("/scene/{id}");
/// scene.declare(Method::Get, 404);
/// scene.observe(&Exchange {
///     method: Method::Get,
///     status: 200,
///     duration: Duration::from_millis(3),
///     request_bytes: 0,
///     response_bytes: 512,
/// });
/// let text = registry.snapshot().text().to_owned();
/// assert!(text.contains("http_requests_total{endpoint=\"/scene/{id}\",method=\"GET\",status=\"200\"} 1\n"));
/// assert!(text.contains("http_requests_total{endpoint=\"/scene/{id}\",method=\"GET\",status=\"404\"} 0\n"));
/// # Ok::<(), tachograph::RegisterError>(())
/// ```
#[derive(Clone, Debug)]
pub struct Endpoint {
    cells: sync::Arc<Entry<EndpointCells>>,
    core: Arc<HttpCore>,
}

impl Endpoint {
    pub(super) fn new(cells: sync::Arc<Entry<EndpointCells>>, core: Arc<HttpCore>) -> Self {
        Self { cells, core }
    }

    /// Counts a finished request.
    #[inline]
    pub fn observe(&self, exchange: &Exchange) {
        self.cells.value.observe(&self.core, exchange);
    }

    /// Has the series of this method and status exist, at 0 until the first such request: a rate over a series that is born at
    /// its first increment misses that increment.
    pub fn declare(&self, method: Method, status: u16) {
        self.cells.value.counter(&self.core, method, status);
    }

    /// Allocates the calling thread's memory for this endpoint's requests: for their histograms, the latency window (28 KiB) and the
    /// counters that exist by now. Observing such requests on this thread allocates nothing from then on.
    pub fn prepare(&self) {
        self.cells.value.prepare(&self.core);
    }

    /// The value of the label `endpoint`: the name that was asked for, or `other` past the limit of endpoints.
    pub fn name(&self) -> &str {
        &self.cells.value.name
    }
}
