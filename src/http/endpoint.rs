//! One endpoint: everything that a request of it writes, found with one look-up.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use super::HttpCore;
use super::block::{Block, DURATION, LEN, PLACES, REQUEST_SIZE, RESPONSE_SIZE};
use super::code::{Code, Codes};
use super::label::{Method, with_status_label};
use crate::metric::created::Created;
use crate::metric::histogram::nanoseconds;
use crate::metric::kept::{KeptValues, by_value, keep};
use crate::metric::label::OTHER;
use crate::profile::{OpenProfile, Sizes};
use crate::shard::{self, NearSlot, Slot};

/// A finished request and its response.
///
/// # Examples
///
/// ```
/// use std::time::Duration;
/// use tachograph::http::{Exchange, HttpMetrics, HttpOptions, Method};
///
/// let registry = tachograph::Registry::new();
/// let http = HttpMetrics::register(&registry, HttpOptions::default())?;
/// let exchange = Exchange {
///     method: Method::Get,
///     status: 404,
///     duration: Duration::from_micros(300),
///     request_bytes: 0,
///     response_bytes: 21,
/// };
/// http.observe("/scene", &exchange);
/// assert!(registry.snapshot().text().contains("http_response_size_bytes_sum{endpoint=\"/scene\"} 21\n"));
/// # Ok::<(), tachograph::RegisterError>(())
/// ```
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

impl Exchange {
    /// The exchange of a profile that ends now.
    pub(super) fn of(profile: &OpenProfile, status: u16, sizes: Sizes) -> Self {
        let Sizes { request_bytes, response_bytes } = sizes;
        Self { method: profile.method(), status, duration: profile.elapsed(), request_bytes, response_bytes }
    }
}

/// A method and a status that an endpoint has answered, or may.
#[derive(Clone, Debug)]
pub(super) struct Combination {
    /// The values of its three labels, as a series keeps them.
    pub(super) kept: Arc<[u8]>,
    /// Which counter of the endpoint's blocks it has.
    pub(super) at: usize,
    pub(super) created: Created,
}

impl Combination {
    /// What tells it apart from others.
    pub(super) fn text(&self) -> &[u8] {
        KeptValues::new(&self.kept, 3).text()
    }
}

/// The combinations of an endpoint, by label values.
pub(super) type Combinations = Arc<[Combination]>;

/// What the requests of one endpoint are counted in.
#[derive(Debug)]
pub(super) struct EndpointCells {
    /// Value of the label `endpoint`.
    name: Box<str>,
    /// The same as a series keeps it.
    kept: Box<[u8]>,
    created: Created,
    /// Left out of the latency window.
    monitoring: bool,
    block: Block,
    /// What counts where; written under the mutex of `combinations`.
    codes: Codes,
    /// Replaced whole when one is added, so a scrape reads them without holding it.
    combinations: Mutex<Combinations>,
}

impl EndpointCells {
    /// `None` when the process has no slots left.
    pub(super) fn new(name: &str, monitoring: bool) -> Option<Self> {
        Some(Self::of(Block::new().ok()?, name, monitoring))
    }

    /// What counts nowhere.
    pub(super) fn sink(name: &str) -> Self {
        Self::of(Block::sink(), name, false)
    }

    fn of(block: Block, name: &str, monitoring: bool) -> Self {
        Self {
            name: name.into(),
            kept: keep(&[name]).into(),
            created: Created::now(),
            monitoring,
            block,
            codes: Codes::new(),
            combinations: Mutex::new(Arc::new([])),
        }
    }

    /// The value of the label `endpoint`.
    pub(super) fn name(&self) -> &str {
        &self.name
    }

    /// The value of the label `endpoint`, as a series keeps it.
    pub(super) fn kept(&self) -> &[u8] {
        &self.kept
    }

    pub(super) fn created(&self) -> Created {
        self.created
    }

    /// What tells it apart from others.
    pub(super) fn text(&self) -> &[u8] {
        KeptValues::new(&self.kept, 1).text()
    }

    pub(super) fn heap_bytes(&self) -> usize {
        let texts =
            self.combinations().iter().map(|combination| size_of::<Combination>() + combination.kept.len()).sum::<usize>();
        let further = self.block.each().skip(1).map(size_of_val).sum::<usize>();
        size_of::<Self>() + self.name.len() + self.kept.len() + texts + further + self.codes.heap_bytes()
    }

    pub(super) fn block(&self) -> &Block {
        &self.block
    }

    pub(super) fn is_monitoring(&self) -> bool {
        self.monitoring
    }

    pub(super) fn combinations(&self) -> Combinations {
        Arc::clone(&self.combinations.lock().unwrap_or_else(PoisonError::into_inner))
    }

    #[inline]
    pub(super) fn observe(&self, core: &HttpCore, exchange: &Exchange) {
        let (block, counter) = match self.codes.find(Code::unchecked(exchange.method, exchange.status)) {
            Some(place) => place,
            None => self.place(core, exchange.method, exchange.status),
        };
        let nanos = nanoseconds(exchange.duration);
        // Before the block, so that the quantiles of a scrape know every request that it counts.
        if !self.monitoring && !core.window.observe(nanos) {
            core.faults.observation_saturated();
        }
        let duration = core.duration.at(nanos);
        let request_size = core.size.at(exchange.request_bytes);
        let response_size = core.size.at(exchange.response_bytes);
        shard::write_block::<LEN, 7>(block, |add| {
            add((counter, 1));
            duration.add_among::<PLACES>(DURATION, add);
            request_size.add_among::<PLACES>(REQUEST_SIZE, add);
            response_size.add_among::<PLACES>(RESPONSE_SIZE, add);
        });
    }

    /// Where a method and a status are counted that had no counter when they were looked up: here if there is room for one more
    /// series, else as a request of `other`. Past the limit this is the usual way under a scan: what `other` has by then is found
    /// without a lock.
    #[cold]
    fn place(&self, core: &HttpCore, method: Method, status: u16) -> (NearSlot, usize) {
        let code = Code::new(method, status);
        // It was looked for as it is.
        if let Some(place) = self.codes.find(code) {
            return place;
        }
        let known_as_other = || core.endpoints.find(&[OTHER]).and_then(|other| other.codes.find(code));
        let known = if self.needs_room() && !core.has_room() { known_as_other() } else { None };
        if known.is_none()
            && let Some(place) = self.keep(core, method, status)
        {
            return place;
        }
        core.faults.series_refused(core.families.requests.name());
        known.or_else(|| core.other().keep(core, method, status)).unwrap_or((Slot::SINK.into(), 0))
    }

    /// Whether a further combination takes of the room that there is for all. Methods and statuses are bounded, so the program's own
    /// endpoints always have room, and the last resort has too.
    fn needs_room(&self) -> bool {
        !self.monitoring && &*self.name != OTHER
    }

    /// The counter of a combination, made if there is none yet; `None` without room for it.
    fn keep(&self, core: &HttpCore, method: Method, status: u16) -> Option<(NearSlot, usize)> {
        let code = Code::new(method, status);
        let mut combinations = self.combinations.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(place) = self.codes.find(code) {
            return Some(place);
        }
        if self.needs_room() && !core.take_room() {
            return None;
        }
        let at = self.codes.len();
        let Ok((block, offset)) = self.block.place(at) else {
            if self.needs_room() {
                core.give_room_back();
            }
            return None;
        };
        let kept = with_status_label(status, |status| keep(&[&self.name, method.as_str(), status]));
        let text = KeptValues::new(&kept, 3).text();
        let mut more = combinations.to_vec();
        let place = more.partition_point(|known| by_value(known.text(), text).is_lt());
        more.insert(place, Combination { kept: kept.into(), at, created: Created::now() });
        *combinations = more.into();
        self.codes.put(code, block.into(), offset);
        Some((block.into(), offset))
    }

    /// Touches the calling thread's cells.
    fn prepare(&self, core: &HttpCore) {
        self.block.prepare();
        core.faults.prepare();
        if !self.monitoring {
            core.window.prepare();
        }
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
///
/// With the profile of each request, on a thread whose cells are there beforehand:
///
/// ```
/// use tachograph::http::{HttpMetrics, HttpOptions, Method};
/// use tachograph::profile::{ProfileOptions, Profiler, Sizes};
///
/// let registry = tachograph::Registry::new();
/// let http = HttpMetrics::register(&registry, HttpOptions::default())?;
/// let profiler = Profiler::new(ProfileOptions::default());
/// let scene = http.endpoint("/scene");
/// scene.prepare();
/// let profile = profiler.start(scene.name(), Method::Post);
/// let took = scene.observe_profile(&profile, 200, Sizes::default());
/// assert_eq!(profiler.profiles()[0].duration, took);
/// # Ok::<(), tachograph::RegisterError>(())
/// ```
#[derive(Clone, Debug)]
pub struct Endpoint {
    cells: Arc<EndpointCells>,
    core: Arc<HttpCore>,
}

impl Endpoint {
    pub(super) fn new(cells: Arc<EndpointCells>, core: Arc<HttpCore>) -> Self {
        Self { cells, core }
    }

    /// Counts a finished request.
    #[inline]
    pub fn observe(&self, exchange: &Exchange) {
        self.cells.observe(&self.core, exchange);
    }

    /// Counts a request of this endpoint that ends now, and finishes its profile with the same duration; tells that. The profile must be of the
    /// same endpoint, else the exemplar that it may become has no place.
    pub fn observe_profile(&self, profile: &OpenProfile, status: u16, sizes: Sizes) -> Duration {
        self.observe_ended(profile, status, sizes, false)
    }

    /// The same of one that may have been aborted.
    pub(crate) fn observe_ended(&self, profile: &OpenProfile, status: u16, sizes: Sizes, aborted: bool) -> Duration {
        let exchange = Exchange::of(profile, status, sizes);
        // First, so that what counts it is never behind what stands for it.
        self.observe(&exchange);
        profile.complete(status, sizes, exchange.duration, aborted);
        exchange.duration
    }

    /// Has the series of this method and status exist, at 0 until the first such request: a rate over a series that is born at
    /// its first increment misses that increment.
    pub fn declare(&self, method: Method, status: u16) {
        let endpoint = &self.cells;
        if endpoint.codes.find(Code::new(method, status)).is_none() {
            endpoint.place(&self.core, method, status);
        }
    }

    /// Allocates the calling thread's memory for this endpoint's requests: for the counters that exist by now, the histograms and
    /// the latency window (28 KiB). Observing such requests on this thread allocates nothing from then on.
    pub fn prepare(&self) {
        self.cells.prepare(&self.core);
    }

    /// Whether it is one of those of monitoring traffic.
    #[cfg(feature = "tower")]
    pub(crate) fn is_monitoring(&self) -> bool {
        self.cells.is_monitoring()
    }

    /// The value of the label `endpoint`: the name that was asked for, or `other` past the limit of endpoints.
    pub fn name(&self) -> &str {
        &self.cells.name
    }
}
