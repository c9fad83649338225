//! Requests on their way: timed from their start, with the phases that their time goes into.

use std::ffi::c_char;
use std::sync::Arc;
use std::time::{Duration, Instant};

use tachograph::http::{Endpoint, Exchange, Method};
use tachograph::profile::{ABORTED, OpenProfile, OwnedPhase, Profiler, Sizes, TraceId};

use crate::borrowed::{Options, freed, handle, lossy, options, taken};
use crate::failure::{Failure, made, told};
use crate::http::method;
use crate::{TachographEndpoint, TachographProfiler, TachographStr};

/// A request on its way. It ends with `tachograph_request_finish` or `tachograph_request_abort`, once.
#[derive(Debug)]
pub struct TachographRequest {
    /// Where it is counted; `None` of one that is only profiled.
    endpoint: Option<Arc<Endpoint>>,
    clock: Clock,
}

/// What times it.
#[derive(Debug)]
enum Clock {
    Profile(Arc<OpenProfile>),
    Alone(Method, Instant),
}

/// A phase of a request that goes on until `tachograph_phase_end`.
#[derive(Debug)]
pub struct TachographPhase(OwnedPhase);

/// What a request brings for its profile. Set all of it to 0 and then `size`; what is 0 is left to the library.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct TachographRequestOptions {
    /// `sizeof(TachographRequestOptions)`.
    pub size: usize,
    /// Its own `X-Request-Id`, cut at 64 bytes; empty for one that is made.
    pub request_id: TachographStr,
    /// Its header `traceparent`; one that is malformed is ignored, as W3C wants it.
    pub traceparent: TachographStr,
}

const NONE: TachographStr = TachographStr { data: std::ptr::null(), len: 0 };

// SAFETY: it is `repr(C)`, its size comes first, and all else are integers and pointers.
unsafe impl Options for TachographRequestOptions {
    const DEFAULT: Self = Self { size: size_of::<Self>(), request_id: NONE, traceparent: NONE };
}

impl TachographRequest {
    fn elapsed(&self) -> Duration {
        match &self.clock {
            Clock::Profile(profile) => profile.elapsed(),
            Clock::Alone(_, started) => started.elapsed(),
        }
    }

    /// The request as it would be counted now.
    fn exchange(&self, status: u16, Sizes { request_bytes, response_bytes }: Sizes) -> Exchange {
        let method = match &self.clock {
            Clock::Profile(profile) => profile.method(),
            Clock::Alone(method, _) => *method,
        };
        Exchange { method, status, duration: self.elapsed(), request_bytes, response_bytes }
    }

    fn finish(self, status: u16, sizes: Sizes) -> Duration {
        match (&self.endpoint, &self.clock) {
            (Some(endpoint), Clock::Profile(profile)) => endpoint.observe_profile(profile, status, sizes),
            (None, Clock::Profile(profile)) => profile.finish(status, sizes),
            (endpoint, Clock::Alone(..)) => {
                let exchange = self.exchange(status, sizes);
                if let Some(endpoint) = endpoint {
                    endpoint.observe(&exchange);
                }
                exchange.duration
            }
        }
    }

    /// What is dropped unfinished is an aborted profile; it is counted before that is there.
    fn abort(self) {
        if let Some(endpoint) = &self.endpoint {
            endpoint.observe(&self.exchange(ABORTED, Sizes::default()));
        }
    }
}

/// Starts the profile of a request.
///
/// # Safety
///
/// `given` is NULL or as large as its size says, with texts that are as long as they say.
unsafe fn profiled(
    profiler: &Profiler,
    route: &str,
    method: Method,
    given: *const TachographRequestOptions,
) -> Result<Arc<OpenProfile>, Failure> {
    // SAFETY: as the caller promises.
    let given = unsafe { options(given, "options") }?;
    // SAFETY: as the caller promises.
    let (id, traceparent) = unsafe { (lossy(given.request_id, "request_id")?, lossy(given.traceparent, "traceparent")?) };
    let trace_id = TraceId::from_traceparent(&traceparent);
    Ok(Arc::new(profiler.start(route, method).with_request_id(&id).with_trace_id(trace_id)))
}

/// Starts a request of an endpoint: call it when the request's head is read. With a profiler it has a profile, whose phases are
/// begun by `tachograph_phase_begin`; `profiler` may be NULL. `method` is as it stands in the request (`GET`); anything unknown
/// is `other`. `options` may be NULL, and are only looked at for the profile.
///
/// Threads: any. The request may go to other threads.
/// Lifetimes: the texts are read before it returns; the endpoint and the profiler may be freed before the request ends.
/// Errors: NULL when `endpoint` is, or the options are not right.
///
/// # Safety
///
/// `endpoint` and `profiler` are NULL or handles that are not freed; each text is as long as it says; `options` is NULL or as
/// large as its `size` says.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tachograph_request_start(
    endpoint: *const TachographEndpoint,
    profiler: *const TachographProfiler,
    method: TachographStr,
    options: *const TachographRequestOptions,
) -> *mut TachographRequest {
    made(|| {
        // SAFETY: as the caller promises.
        let (endpoint, method) = unsafe { (&handle(endpoint, "endpoint")?.0, self::method(method)?) };
        // SAFETY: as the caller promises.
        let clock = match unsafe { profiler.as_ref() } {
            // SAFETY: as the caller promises.
            Some(profiler) => Clock::Profile(unsafe { profiled(&profiler.0, endpoint.name(), method, options) }?),
            None => Clock::Alone(method, Instant::now()),
        };
        Ok(TachographRequest { endpoint: Some(Arc::clone(endpoint)), clock })
    })
}

/// Starts something that is only profiled, and counted nowhere: the load of a scene beside the requests. It ends as a request
/// does, with a status of the program's choice.
///
/// Threads: any. It may go to other threads.
/// Lifetimes: as `tachograph_request_start`.
/// Errors: NULL when `profiler` is, or the options are not right.
///
/// # Safety
///
/// `profiler` is NULL or a handle that is not freed; each text is as long as it says; `options` is NULL or as large as its
/// `size` says.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tachograph_profile_start(
    profiler: *const TachographProfiler,
    route: TachographStr,
    method: TachographStr,
    options: *const TachographRequestOptions,
) -> *mut TachographRequest {
    made(|| {
        // SAFETY: as the caller promises.
        let (profiler, route, method) =
            unsafe { (handle(profiler, "profiler")?, lossy(route, "route")?, self::method(method)?) };
        // SAFETY: as the caller promises.
        let profile = unsafe { profiled(&profiler.0, &route, method, options) }?;
        Ok(TachographRequest { endpoint: None, clock: Clock::Profile(profile) })
    })
}

/// Begins a phase of a request, a part of the innermost one that is open. Phases that run side by side on several threads say
/// whose parts they are, by `tachograph_phase_begin_in`: else one would be a part of the other. There is room for sixteen; more
/// are counted as dropped.
///
/// Threads: any, at once; it may end on another one.
/// Lifetimes: the text is read before it returns. The phase's handle is its own: end it also when the request has ended.
/// Errors: NULL when `request` is, and, without an error, when it has no profile.
///
/// # Safety
///
/// `request` is NULL or a handle that has not ended; the text is as long as it says.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tachograph_phase_begin(
    request: *const TachographRequest,
    name: TachographStr,
) -> *mut TachographPhase {
    // SAFETY: as the caller promises.
    if let Some(TachographRequest { clock: Clock::Alone(..), .. }) = unsafe { request.as_ref() } {
        return std::ptr::null_mut();
    }
    made(|| {
        // SAFETY: as the caller promises.
        let (request, name) = unsafe { (handle(request, "request")?, lossy(name, "name")?) };
        match &request.clock {
            Clock::Profile(profile) => Ok(TachographPhase(profile.phase_owned(&name))),
            Clock::Alone(..) => unreachable!("such have no phases"),
        }
    })
}

/// Begins a phase that is a part of this one, whichever others are open.
///
/// Threads: any, at once; it may end on another one.
/// Lifetimes: as `tachograph_phase_begin`; it may outlast the one that it is a part of.
/// Errors: NULL when `phase` is.
///
/// # Safety
///
/// `phase` is NULL or a handle that has not ended; the text is as long as it says.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tachograph_phase_begin_in(phase: *const TachographPhase, name: TachographStr) -> *mut TachographPhase {
    made(|| {
        // SAFETY: as the caller promises.
        let (phase, name) = unsafe { (handle(phase, "phase")?, lossy(name, "name")?) };
        Ok(TachographPhase(phase.0.phase(&name)))
    })
}

/// Ends a phase and frees its handle; NULL is nothing.
///
/// Threads: any.
///
/// # Safety
///
/// `phase` is NULL or a handle that has not ended, and nobody uses it now or later.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tachograph_phase_end(phase: *mut TachographPhase) {
    // SAFETY: as the caller promises.
    unsafe { freed(phase) }
}

/// Writes the id by which the request will be found into `buffer`, for logs and for the answer's `X-Request-Id`: as much of it
/// as has room, without a zero byte at the end. Tells how many bytes the whole id has; 0 when `request` is NULL or has no
/// profile.
///
/// Threads: any, at once.
///
/// # Safety
///
/// `request` is NULL or a handle that has not ended; `buffer` has room for `capacity` bytes, or is NULL when that is 0.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tachograph_request_id(
    request: *const TachographRequest,
    buffer: *mut c_char,
    capacity: usize,
) -> usize {
    // SAFETY: as the caller promises.
    let Some(TachographRequest { clock: Clock::Profile(profile), .. }) = (unsafe { request.as_ref() }) else {
        return 0;
    };
    let id = told(String::new(), || profile.request_id().to_string());
    if !buffer.is_null() {
        // SAFETY: as the caller promises there is room; an id that was made just now lies elsewhere.
        unsafe { buffer.copy_from_nonoverlapping(id.as_ptr().cast(), id.len().min(capacity)) };
    }
    id.len()
}

/// Ends a request whose last byte is handed over, counts it under its endpoint with this status (100 to 599, else it is
/// `other`), keeps its profile, and frees its handle. Phases that are open end here. Tells how many nanoseconds it took; 0 of
/// NULL.
///
/// Threads: any.
///
/// # Safety
///
/// `request` is NULL or a handle that has not ended, and nobody uses it now or later.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tachograph_request_finish(
    request: *mut TachographRequest,
    status_code: u16,
    request_bytes: u64,
    response_bytes: u64,
) -> u64 {
    // SAFETY: as the caller promises.
    let Some(request) = (unsafe { taken(request) }) else { return 0 };
    let took = told(Duration::ZERO, || request.finish(status_code, Sizes { request_bytes, response_bytes }));
    u64::try_from(took.as_nanos()).unwrap_or(u64::MAX)
}

/// Ends a request that is given up, as when its client has left: counts it with the status 499, keeps its profile as aborted,
/// once its phases have ended, and frees its handle. NULL is nothing.
///
/// Threads: any.
///
/// # Safety
///
/// `request` is NULL or a handle that has not ended, and nobody uses it now or later.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tachograph_request_abort(request: *mut TachographRequest) {
    // SAFETY: as the caller promises.
    if let Some(request) = unsafe { taken(request) } {
        told((), || request.abort());
    }
}
