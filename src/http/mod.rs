//! The metrics of an HTTP service, observed with one look-up a request.
//!
//! [`HttpMetrics`] has them all; [`Endpoint`] is one route's handle, [`Endpoints`] has those of a service whose routes are an enum.
//! `endpoint` is always a route (`/scene/{id}`), never a path.

mod block;
mod code;
mod endpoint;
mod families;
#[cfg(any(feature = "server", feature = "tower"))]
pub(crate) mod headers;
#[cfg(any(feature = "server", feature = "tower"))]
pub(crate) mod journey;
mod label;
#[cfg(any(feature = "server", feature = "tower"))]
pub(crate) mod open;
mod options;
#[cfg(feature = "server")]
pub(crate) mod served;
mod source;
mod typed;

use std::sync::{Arc, Mutex, OnceLock};
use std::time::Duration;

pub use endpoint::{Endpoint, Exchange};
pub use label::Method;
pub use options::HttpOptions;
pub use typed::Endpoints;

use endpoint::EndpointCells;
use families::Families;
use source::{Requests, Sorted};

use crate::metric::bucket::Buckets;
use crate::metric::counter::{Counter, UpDownCounter};
use crate::metric::descriptor::{Descriptor, Kind};
use crate::metric::family::Family;
use crate::metric::gauge::Gauge;
use crate::metric::histogram::Shape;
use crate::metric::label::{LabelNames, Labels, OTHER};
use crate::metric::rows::Rows;
use crate::metric::typed::label::LabelValue;
use crate::profile::{OpenProfile, Profiler, Sizes};
use crate::registry::{Faults, RegisterError, Registry};
use crate::snapshot::Source;
use crate::snapshot::window::{self, Window};
use crate::sync::{AtomicU64, Ordering};

/// Bytes that the name of an endpoint may have: a route is shorter, and what is longer is a client's invention.
const LONGEST_NAME: usize = 256;

/// Bounds of `http_request_duration_seconds`. The limits of the alerts (0.5 and 2) and the slow threshold (0.1) are among them, so
/// that no rule has to interpolate at the very value it asks for.
pub(crate) const DURATION_BOUNDS: [f64; 11] = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.0, 5.0, 10.0];

/// Bounds of the size histograms; 5 MiB is an alert's limit, 16 MiB the largest body that the demo accepts.
const SIZE_BOUNDS: [u64; 9] = [256, 1_024, 4_096, 16_384, 65_536, 262_144, 1_048_576, 5_242_880, 16_777_216];

/// The metrics of an HTTP service.
///
/// | family | type | labels |
/// |---|---|---|
/// | `http_requests_total` | counter | endpoint, method, status |
/// | `http_request_duration_seconds` | histogram | endpoint |
/// | `http_request_size_bytes`, `http_response_size_bytes` | histogram | endpoint |
/// | `http_request_latency_ms` | gauge | quantile, over a sliding window |
/// | `http_request_latency_seconds` | summary | quantile, over the same window |
/// | `scene_loads_total` | counter | scene |
/// | `scene_load_errors_total` | counter | error_type |
/// | `auth_attempts_total` | counter | result |
/// | `rate_limit_hits_total` | counter | endpoint |
/// | `active_connections`, `max_connections` | gauge | |
/// | `tachograph_{scrapes,requests}_refused_total`, `tachograph_connections_closed_total`, with the feature `server` | counter | reason |
/// | `tachograph_handler_panics_total`, `tachograph_accept_errors_total`, with the feature `server` | counter | |
/// | `tachograph_tls_handshakes_failed_total`, with the feature `tls` | counter | reason |
///
/// The latency quantiles have two significant digits: they are at most 1 in 128 above the exact value, and saturate at 17 s.
///
/// Cloning is cheap; clones are the same metrics.
///
/// # Examples
///
/// ```
/// use std::time::Duration;
/// use tachograph::{Registry, http::{Exchange, HttpMetrics, HttpOptions, Method}};
///
/// let registry = Registry::new();
/// let http = HttpMetrics::register(&registry, HttpOptions::default())?;
/// let exchange = Exchange {
///     method: Method::Post,
///     status: 201,
///     duration: Duration::from_millis(20),
///     request_bytes: 300,
///     response_bytes: 40,
/// };
/// http.observe("/scene", &exchange);
/// http.auth_attempts().inc(["success"]);
/// let text = registry.snapshot().text().to_owned();
/// assert!(text.contains("http_request_duration_seconds_bucket{endpoint=\"/scene\",le=\"0.025\"} 1\n"));
/// assert!(text.contains("auth_attempts_total{result=\"success\"} 1\n"));
/// # Ok::<(), tachograph::RegisterError>(())
/// ```
///
/// ```
/// use tachograph::http::{HttpMetrics, HttpOptions};
///
/// let registry = tachograph::Registry::new();
/// let http = HttpMetrics::register(&registry, HttpOptions::default())?;
/// http.active_connections().inc();
/// http.max_connections().set(512.0);
/// http.rate_limit_hits().inc(["/scene"]);
/// http.scene_loads().inc(["lobby.tscn"]);
/// http.scene_load_errors().inc(["not_found"]);
/// assert_eq!((http.active_connections().value(), http.max_connections().value()), (1, 512.0));
/// assert_eq!(http.scene_loads().handle(["lobby.tscn"]).value(), 1);
/// assert_eq!(http.monitoring_endpoint("/metrics").name(), "/metrics");
/// # Ok::<(), tachograph::RegisterError>(())
/// ```
#[derive(Clone, Debug)]
pub struct HttpMetrics(Arc<HttpCore>);

#[derive(Debug)]
struct HttpCore {
    families: Families,
    endpoints: Rows<Arc<EndpointCells>>,
    /// Those of them that there were at the last scrape.
    sorted: Mutex<Sorted>,
    /// Labels of `http_requests_total`.
    counter_labels: Arc<LabelNames>,
    /// Label of the histograms.
    endpoint_label: Arc<LabelNames>,
    /// What a histogram of durations is, and one of sizes.
    duration: Arc<Shape>,
    size: Arc<Shape>,
    /// Endpoints there may be, and combinations of endpoint, method and status.
    limit: usize,
    /// Combinations there are. Only who finds it below the limit may raise it.
    combinations: AtomicU64,
    window: Arc<Window>,
    faults: Arc<Faults>,
    scene_loads: Family<Counter, 1>,
    scene_load_errors: Family<Counter, 1>,
    auth_attempts: Family<Counter, 1>,
    rate_limit_hits: Family<Counter, 1>,
    active_connections: UpDownCounter,
    max_connections: Gauge,
    /// Of the first server that observes with this; without one nothing is held for it.
    #[cfg(feature = "server")]
    served: OnceLock<Result<served::Served, RegisterError>>,
    /// Whose pinned profiles are the exemplars of the durations.
    exemplars: OnceLock<Profiler>,
}

impl HttpCore {
    /// What the three histograms of a block are.
    fn shapes(&self) -> [&Shape; 3] {
        [&self.duration, &self.size, &self.size]
    }

    /// Whether there is room for one more combination.
    fn has_room(&self) -> bool {
        // Relaxed: a hint; `take_room` decides.
        self.combinations.load(Ordering::Relaxed) < self.limit as u64
    }

    /// Takes the room of one more combination, if there is any.
    fn take_room(&self) -> bool {
        // Relaxed: the count stands for itself.
        let more = |count| (count < self.limit as u64).then_some(count + 1);
        self.combinations.fetch_update(Ordering::Relaxed, Ordering::Relaxed, more).is_ok()
    }

    /// Gives back room for a combination that could not be made.
    fn give_room_back(&self) {
        // Relaxed: as in `take_room`.
        self.combinations.fetch_sub(1, Ordering::Relaxed);
    }

    /// The endpoint of this name, made if there is none and there is room, else `other`. There is always room for those that the program
    /// has for monitoring.
    #[cold]
    fn entry(&self, name: &str, monitoring: bool) -> Arc<EndpointCells> {
        let limit = if monitoring { usize::MAX } else { self.limit };
        let entry = if name.len() <= LONGEST_NAME { self.inserted(name, monitoring, limit) } else { None };
        entry.unwrap_or_else(|| {
            self.faults.series_refused(self.families.requests.name());
            self.other()
        })
    }

    /// What stands for all endpoints that there is no room for.
    fn other(&self) -> Arc<EndpointCells> {
        self.inserted(OTHER, false, usize::MAX).unwrap_or_else(|| Arc::new(EndpointCells::sink(OTHER)))
    }

    fn inserted(&self, name: &str, monitoring: bool, limit: usize) -> Option<Arc<EndpointCells>> {
        self.endpoints.insert(&[name], limit, || EndpointCells::new(name, monitoring).map(Arc::new)).cloned()
    }
}

impl HttpMetrics {
    /// Registers the families, and the engine's own beside them.
    ///
    /// # Errors
    ///
    /// [`RegisterError`] when one of the names is taken, as it is when this is called twice for a registry, or there is no room;
    /// then none of them is registered (the engine's own may be).
    pub fn register(registry: &Registry, options: HttpOptions) -> Result<Self, RegisterError> {
        let HttpOptions { limit, .. } = options;
        let counters = |name, help, label| {
            registry.new_family::<Counter, 1>(
                Descriptor::new(name, Kind::Counter, help)?,
                Labels::new([label]).limit(limit),
                (),
            )
        };
        let scene_loads = counters("scene_loads_total", "Scenes loaded.", "scene")?;
        let scene_load_errors =
            counters("scene_load_errors_total", "Scenes that could not be loaded, by what went wrong.", "error_type")?;
        let auth_attempts = counters("auth_attempts_total", "Authentications: success, or why it failed.", "result")?;
        let rate_limit_hits =
            counters("rate_limit_hits_total", "Requests refused because their client asked too often.", "endpoint")?;
        let active: Family<UpDownCounter, 0> = registry.new_family(
            Descriptor::new("active_connections", Kind::Gauge, "Connections open now.")?,
            Labels::new([]),
            (),
        )?;
        let most: Family<Gauge, 0> = registry.new_family(
            Descriptor::new("max_connections", Kind::Gauge, "Connections that may be open at once; 0 for no limit.")?,
            Labels::new([]),
            (),
        )?;
        let mut sources: Vec<Arc<dyn Source>> = vec![
            scene_loads.source(),
            scene_load_errors.source(),
            auth_attempts.source(),
            rate_limit_hits.source(),
            active.source(),
            most.source(),
        ];
        let families = Families::new(&options)?;
        let window = Window::new(options.window.clamp(*window::SPANS.start(), *window::SPANS.end()))
            .map_err(|_| RegisterError::Exhausted { family: "http_request_latency_ms".into() })?;
        let seconds = Buckets::seconds(&DURATION_BOUNDS).expect("our own bounds are whole nanoseconds");
        let bytes = Buckets::bytes(&SIZE_BOUNDS).expect("our own bounds increase");
        let (duration, size) = (Shape::new(seconds, registry.faults()), Shape::new(bytes, registry.faults()));
        let core = Arc::new(HttpCore {
            families,
            endpoints: Rows::new(),
            sorted: Mutex::new(Arc::new([])),
            counter_labels: Arc::new(LabelNames::new(&["endpoint", "method", "status"])),
            endpoint_label: Arc::new(LabelNames::new(&["endpoint"])),
            duration,
            size,
            limit,
            combinations: AtomicU64::new(0),
            window: Arc::new(window),
            faults: registry.faults(),
            scene_loads,
            scene_load_errors,
            auth_attempts,
            rate_limit_hits,
            active_connections: active.handle([]),
            max_connections: most.handle([]),
            #[cfg(feature = "server")]
            served: OnceLock::new(),
            exemplars: OnceLock::new(),
        });
        sources.push(Arc::new(Requests(Arc::clone(&core))));
        registry.register_engine_metrics()?;
        registry.register_sources(sources)?;
        registry.register_latency(&core.window);
        Ok(Self(core))
    }

    /// Counts a finished request of the endpoint of this name, a route known only at run time. One look-up finds all that the
    /// request writes. Past the limit of endpoints, and under a name of more than 256 bytes, it counts under `other`.
    #[inline]
    pub fn observe(&self, endpoint: &str, exchange: &Exchange) {
        let core = &*self.0;
        match core.endpoints.find(&[endpoint]) {
            Some(cells) => cells.observe(core, exchange),
            None => self.observe_missing(endpoint, exchange),
        }
    }

    /// Counts a request that ends now under its profile's endpoint, and finishes the profile with the same duration; tells that.
    pub fn observe_profile(&self, profile: &OpenProfile, status: u16, sizes: Sizes) -> Duration {
        let exchange = Exchange::of(profile, status, sizes);
        self.observe(profile.endpoint(), &exchange);
        profile.complete(status, sizes, exchange.duration, false);
        exchange.duration
    }

    /// Shows profiles as the exemplars of `http_request_duration_seconds`: for each endpoint and bucket one request, with its
    /// `trace_id`, if it has one, and the `request_id` by which the profiler has it for ten minutes. Only the first call counts.
    ///
    /// They are renewed the more rarely the more there are, since each stays for its time: with the 80 profiles that are
    /// [pinned](crate::profile::ProfileOptions::pinned) by default after 10 s for each endpoint and bucket in which there was a request,
    /// after ten minutes at most; with twice as many pinned in half of that.
    ///
    /// # Examples
    ///
    /// ```
    /// use tachograph::exposition::Encoding;
    /// use tachograph::http::{HttpMetrics, HttpOptions, Method};
    /// use tachograph::profile::{ProfileOptions, Profiler, Sizes};
    ///
    /// let registry = tachograph::Registry::new();
    /// let http = HttpMetrics::register(&registry, HttpOptions::default())?;
    /// let profiler = Profiler::new(ProfileOptions::default());
    /// http.exemplars_from(&profiler);
    ///
    /// let profile = profiler.start("/scene", Method::Get).with_request_id("r1");
    /// http.observe_profile(&profile, 200, Sizes::default());
    /// let open_metrics = Encoding::negotiate(["application/openmetrics-text"]);
    /// let snapshot = registry.snapshot();
    /// let text = std::str::from_utf8(snapshot.exposition(open_metrics))?;
    /// assert!(text.contains("_bucket{endpoint=\"/scene\",le=\"0.005\"} 1 # {request_id=\"r1\"}"));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn exemplars_from(&self, profiler: &Profiler) {
        let _first = self.0.exemplars.set(profiler.clone());
    }

    /// Past the limit this is the usual way under a scan, so it then takes no lock.
    #[cold]
    fn observe_missing(&self, endpoint: &str, exchange: &Exchange) {
        let core = &*self.0;
        let refused = core.endpoints.len() >= core.limit || endpoint.len() > LONGEST_NAME;
        let other = if refused { core.endpoints.find(&[OTHER]) } else { None };
        match other {
            Some(other) => {
                core.faults.series_refused(core.families.requests.name());
                other.observe(core, exchange);
            }
            None => core.entry(endpoint, false).observe(core, exchange),
        }
    }

    /// The endpoint of this name.
    pub fn endpoint(&self, name: &str) -> Endpoint {
        let known = self.0.endpoints.find(&[name]).cloned();
        Endpoint::new(known.unwrap_or_else(|| self.0.entry(name, false)), Arc::clone(&self.0))
    }

    /// The endpoints that the values of a type name.
    pub fn endpoints<E: LabelValue>(&self) -> Endpoints<E> {
        Endpoints::new(self)
    }

    /// The endpoint of this name, for monitoring traffic: counted like any other, but left out of the latency window. What an
    /// endpoint is, is said by the first call that names it; `other` never is monitoring traffic. It is the program that has such
    /// endpoints, not its clients, so they do not count against the limit.
    pub fn monitoring_endpoint(&self, name: &str) -> Endpoint {
        Endpoint::new(self.0.entry(name, name != OTHER), Arc::clone(&self.0))
    }

    /// Connections open now: `inc` when one opens, `dec` when it closes.
    pub fn active_connections(&self) -> &UpDownCounter {
        &self.0.active_connections
    }

    /// Connections that may be open at once; 0 for no limit.
    pub fn max_connections(&self) -> &Gauge {
        &self.0.max_connections
    }

    /// What a server of this registry counts beside requests. Several servers count in the same.
    #[cfg(feature = "server")]
    pub(crate) fn served(&self, registry: &Registry) -> Result<&served::Served, RegisterError> {
        self.0.served.get_or_init(|| served::Served::register(registry)).as_ref().map_err(Clone::clone)
    }

    /// Scenes loaded, by `scene`: one that exists, else `unknown`.
    pub fn scene_loads(&self) -> &Family<Counter, 1> {
        &self.0.scene_loads
    }

    /// Scenes that could not be loaded, by `error_type`.
    pub fn scene_load_errors(&self) -> &Family<Counter, 1> {
        &self.0.scene_load_errors
    }

    /// Authentications, by `result`: `success`, or why it failed.
    pub fn auth_attempts(&self) -> &Family<Counter, 1> {
        &self.0.auth_attempts
    }

    /// Requests refused because their client asked too often, by `endpoint`.
    pub fn rate_limit_hits(&self) -> &Family<Counter, 1> {
        &self.0.rate_limit_hits
    }
}
