//! The metrics of an HTTP service.

use std::sync::Arc;
use std::time::Duration;

use tachograph::http::{Endpoint, Exchange, HttpMetrics, HttpOptions, Method};

use crate::borrowed::{Options, cloned, freed, handle, lossy, options};
use crate::failure::{Failure, made, status, told};
use crate::{TachographProfiler, TachographRegistry, TachographStatus, TachographStr};

/// The metrics of an HTTP service: requests, durations, sizes, latency quantiles of the last minute, scene loads,
/// authentications, rate limits, connections. Free it with `tachograph_http_free`.
#[derive(Clone, Debug)]
pub struct TachographHttp(pub(crate) HttpMetrics);

/// One route of a service, for its requests. Free it with `tachograph_endpoint_free`.
#[derive(Debug)]
pub struct TachographEndpoint(pub(crate) Arc<Endpoint>);

impl Clone for TachographEndpoint {
    /// Requests of a clone are counted beside those of others: each has a count of its own.
    fn clone(&self) -> Self {
        Self(Arc::new((*self.0).clone()))
    }
}

/// How the metrics of an HTTP service are set up. Set all of it to 0 and then `size`; what is 0 is left to the library.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct TachographHttpOptions {
    /// `sizeof(TachographHttpOptions)`.
    pub size: usize,
    /// How far back the latency quantiles look, in milliseconds; 0 is a minute.
    pub window_ms: u64,
    /// Series of each family, and endpoints, before new ones count as `other`; 0 is 1000.
    pub limit: usize,
    /// Not 0: `http_request_latency_ms` is left out.
    pub without_latency_gauges: u32,
    /// Not 0: `http_request_latency_seconds` is left out.
    pub without_latency_summary: u32,
}

// SAFETY: it is `repr(C)`, its size comes first, and all else are integers.
unsafe impl Options for TachographHttpOptions {
    const DEFAULT: Self =
        Self { size: size_of::<Self>(), window_ms: 0, limit: 0, without_latency_gauges: 0, without_latency_summary: 0 };
}

impl From<TachographHttpOptions> for HttpOptions {
    fn from(given: TachographHttpOptions) -> Self {
        let default = Self::default();
        Self {
            window: if given.window_ms > 0 { Duration::from_millis(given.window_ms) } else { default.window },
            latency_gauges: given.without_latency_gauges == 0,
            latency_summary: given.without_latency_summary == 0,
            limit: if given.limit > 0 { given.limit } else { default.limit },
        }
    }
}

/// A method as it stands in a request; anything unknown is `Other`.
///
/// # Safety
///
/// The text is as long as it says.
#[inline]
pub(crate) unsafe fn method(name: TachographStr) -> Result<Method, Failure> {
    // SAFETY: as the caller promises.
    Ok(Method::parse(&unsafe { lossy(name, "method") }?))
}

/// Counts one in a family with one label.
///
/// # Safety
///
/// `http` is NULL or alive, the text is as long as it says.
unsafe fn counted(
    http: *const TachographHttp,
    value: TachographStr,
    count: impl FnOnce(&HttpMetrics, &str),
) -> TachographStatus {
    status(|| {
        // SAFETY: as the caller promises.
        let (http, value) = unsafe { (handle(http, "http")?, lossy(value, "the label's value")?) };
        count(&http.0, &value);
        Ok(())
    })
}

/// Registers the families of an HTTP service, and the engine's own. A registry has them once. `options` may be NULL.
///
/// Threads: any.
/// Errors: NULL when `registry` is, the options are not right, or a name is taken.
///
/// # Safety
///
/// `registry` is NULL or a handle that is not freed; `options` is NULL or as large as its `size` says.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tachograph_http_new(
    registry: *const TachographRegistry,
    options: *const TachographHttpOptions,
) -> *mut TachographHttp {
    made(|| {
        // SAFETY: as the caller promises.
        let (registry, options) = unsafe { (handle(registry, "registry")?, self::options(options, "options")?) };
        Ok(TachographHttp(HttpMetrics::register(&registry.0, options.into())?))
    })
}

/// Finds the endpoint of this name, made if there is none: a route (`/scene/{id}`), never a path. Past the limit, and of more
/// than 256 bytes, it is `other`.
///
/// Threads: any. Give each thread that starts requests an endpoint of its own, from here or by `tachograph_endpoint_clone`:
/// then no two threads meet at a count.
/// Lifetimes: the text is read before it returns.
/// Errors: NULL when `http` is.
///
/// # Safety
///
/// `http` is NULL or a handle that is not freed; the text is as long as it says.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tachograph_http_endpoint(http: *const TachographHttp, name: TachographStr) -> *mut TachographEndpoint {
    made(|| {
        // SAFETY: as the caller promises.
        let (http, name) = unsafe { (handle(http, "http")?, lossy(name, "name")?) };
        Ok(TachographEndpoint(Arc::new(http.0.endpoint(&name))))
    })
}

/// Counts a scene that was loaded, in `scene_loads_total`: a scene that exists, else say `unknown`.
///
/// Threads: any, at once.
/// Errors: `TACHOGRAPH_STATUS_NULL_POINTER`.
///
/// # Safety
///
/// `http` is NULL or a handle that is not freed; the text is as long as it says.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tachograph_http_scene_loaded(http: *const TachographHttp, scene: TachographStr) -> TachographStatus {
    // SAFETY: as the caller promises.
    unsafe { counted(http, scene, |http, scene| http.scene_loads().inc([scene])) }
}

/// Counts a scene that could not be loaded, in `scene_load_errors_total`, by what went wrong: one of a few words.
///
/// Threads: any, at once.
/// Errors: `TACHOGRAPH_STATUS_NULL_POINTER`.
///
/// # Safety
///
/// `http` is NULL or a handle that is not freed; the text is as long as it says.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tachograph_http_scene_load_failed(
    http: *const TachographHttp,
    error_type: TachographStr,
) -> TachographStatus {
    // SAFETY: as the caller promises.
    unsafe { counted(http, error_type, |http, error_type| http.scene_load_errors().inc([error_type])) }
}

/// Counts an authentication, in `auth_attempts_total`: `success`, or why it failed, in one of a few words.
///
/// Threads: any, at once.
/// Errors: `TACHOGRAPH_STATUS_NULL_POINTER`.
///
/// # Safety
///
/// `http` is NULL or a handle that is not freed; the text is as long as it says.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tachograph_http_authenticated(http: *const TachographHttp, result: TachographStr) -> TachographStatus {
    // SAFETY: as the caller promises.
    unsafe { counted(http, result, |http, result| http.auth_attempts().inc([result])) }
}

/// Counts a request that was refused because its client asked too often, in `rate_limit_hits_total`, by its route.
///
/// Threads: any, at once.
/// Errors: `TACHOGRAPH_STATUS_NULL_POINTER`.
///
/// # Safety
///
/// `http` is NULL or a handle that is not freed; the text is as long as it says.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tachograph_http_rate_limited(
    http: *const TachographHttp,
    endpoint: TachographStr,
) -> TachographStatus {
    // SAFETY: as the caller promises.
    unsafe { counted(http, endpoint, |http, endpoint| http.rate_limit_hits().inc([endpoint])) }
}

/// Counts a connection that has opened, in `active_connections`. Of NULL nothing is counted. (Those of the exporter count
/// themselves.)
///
/// Threads: any, at once; it may close on another one.
///
/// # Safety
///
/// `http` is NULL or a handle that is not freed.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tachograph_http_connection_opened(http: *const TachographHttp) {
    // SAFETY: as the caller promises.
    if let Some(http) = unsafe { http.as_ref() } {
        told((), || http.0.active_connections().inc());
    }
}

/// Counts a connection that has closed. Of NULL nothing is counted.
///
/// Threads: any, at once.
///
/// # Safety
///
/// `http` is NULL or a handle that is not freed.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tachograph_http_connection_closed(http: *const TachographHttp) {
    // SAFETY: as the caller promises.
    if let Some(http) = unsafe { http.as_ref() } {
        told((), || http.0.active_connections().dec());
    }
}

/// Shows profiles of this profiler as the exemplars of `http_request_duration_seconds`: for each endpoint and bucket one
/// request. Only the first call counts, also if it is the exporter's that was given a profiler.
///
/// Threads: any.
/// Errors: `TACHOGRAPH_STATUS_NULL_POINTER`.
///
/// # Safety
///
/// Both are NULL or handles that are not freed.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tachograph_http_exemplars_from(
    http: *const TachographHttp,
    profiler: *const TachographProfiler,
) -> TachographStatus {
    status(|| {
        // SAFETY: as the caller promises.
        let (http, profiler) = unsafe { (handle(http, "http")?, handle(profiler, "profiler")?) };
        http.0.exemplars_from(&profiler.0);
        Ok(())
    })
}

/// Makes another handle of the same metrics; NULL of NULL.
///
/// Threads: any.
///
/// # Safety
///
/// `http` is NULL or a handle that is not freed.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tachograph_http_clone(http: *const TachographHttp) -> *mut TachographHttp {
    // SAFETY: as the caller promises.
    unsafe { cloned(http) }
}

/// Frees a handle to the metrics of an HTTP service; NULL is nothing. They stay in the scrapes of the registry.
///
/// Threads: any.
///
/// # Safety
///
/// `http` is NULL or a handle that is not freed, and nobody uses it now or later.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tachograph_http_free(http: *mut TachographHttp) {
    // SAFETY: as the caller promises.
    unsafe { freed(http) }
}

/// Has the series of this method and status exist, at 0 until the first such request: of a series that is born at its first
/// increment a rate misses that increment.
///
/// Threads: any.
/// Errors: `TACHOGRAPH_STATUS_NULL_POINTER`.
///
/// # Safety
///
/// `endpoint` is NULL or a handle that is not freed; the text is as long as it says.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tachograph_endpoint_declare(
    endpoint: *const TachographEndpoint,
    method: TachographStr,
    status_code: u16,
) -> TachographStatus {
    status(|| {
        // SAFETY: as the caller promises.
        let (endpoint, method) = unsafe { (handle(endpoint, "endpoint")?, self::method(method)?) };
        endpoint.0.declare(method, status_code);
        Ok(())
    })
}

/// Allocates the calling thread's memory for requests of this endpoint, those of the series that exist by now: they allocate
/// nothing on this thread from now on, but for the handle of `tachograph_request_start`. NULL is nothing.
///
/// Threads: the one that will count.
///
/// # Safety
///
/// `endpoint` is NULL or a handle that is not freed.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tachograph_endpoint_prepare(endpoint: *const TachographEndpoint) {
    // SAFETY: as the caller promises.
    if let Some(endpoint) = unsafe { endpoint.as_ref() } {
        told((), || endpoint.0.prepare());
    }
}

/// Counts a finished request that the program has timed itself, `duration_ns` from the request's head read to the last byte of
/// the response handed over: the cheapest way, without a handle for the request.
///
/// Threads: any, at once.
/// Errors: `TACHOGRAPH_STATUS_NULL_POINTER`.
///
/// # Safety
///
/// `endpoint` is NULL or a handle that is not freed; the text is as long as it says.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tachograph_endpoint_observe(
    endpoint: *const TachographEndpoint,
    method: TachographStr,
    status_code: u16,
    duration_ns: u64,
    request_bytes: u64,
    response_bytes: u64,
) -> TachographStatus {
    status(|| {
        // SAFETY: as the caller promises.
        let (endpoint, method) = unsafe { (handle(endpoint, "endpoint")?, self::method(method)?) };
        let duration = Duration::from_nanos(duration_ns);
        endpoint.0.observe(&Exchange { method, status: status_code, duration, request_bytes, response_bytes });
        Ok(())
    })
}

/// Makes another handle of the same endpoint, for another thread; NULL of NULL.
///
/// Threads: any.
///
/// # Safety
///
/// `endpoint` is NULL or a handle that is not freed.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tachograph_endpoint_clone(endpoint: *const TachographEndpoint) -> *mut TachographEndpoint {
    // SAFETY: as the caller promises.
    unsafe { cloned(endpoint) }
}

/// Frees a handle to an endpoint; NULL is nothing. Requests that are open go on.
///
/// Threads: any.
///
/// # Safety
///
/// `endpoint` is NULL or a handle that is not freed, and nobody uses it now or later.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tachograph_endpoint_free(endpoint: *mut TachographEndpoint) {
    // SAFETY: as the caller promises.
    unsafe { freed(endpoint) }
}
