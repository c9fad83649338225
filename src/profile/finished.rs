//! A finished request, as readers have it: a copy of their own, whole.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use super::TraceId;
use crate::http::Method;

/// The profile of one request.
///
/// # Examples
///
/// ```
/// use tachograph::http::Method;
/// use tachograph::profile::{ProfileOptions, Profiler, Sizes};
///
/// let profiler = Profiler::new(ProfileOptions::default());
/// profiler.start("/scene", Method::Get).with_request_id("r1").finish(503, Sizes::default());
/// let profile = &profiler.profiles()[0];
/// assert_eq!((&*profile.request_id, profile.status, profile.aborted), ("r1", 503, false));
/// assert!(profile.is_recent && profile.phases.is_empty());
/// ```
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct RequestProfile {
    /// The caller's own, cut at 64 bytes, else route, unix second and a number, unique in the process: `scene_1733158245_7f`.
    pub request_id: Box<str>,
    /// The route, or `other` past the limit of names.
    pub endpoint: Arc<str>,
    /// The request's method.
    pub method: Method,
    /// The response's status; [`ABORTED`](super::ABORTED) of a request that was dropped before it had one.
    pub status: u16,
    /// Whether it ended before it was finished.
    pub aborted: bool,
    /// When it began, by the wall clock.
    pub started_at: SystemTime,
    /// How long it took.
    pub duration: Duration,
    /// Bytes of the request's body.
    pub request_bytes: u64,
    /// Bytes of the response's body.
    pub response_bytes: u64,
    /// The trace that the caller said it belongs to.
    pub trace_id: Option<TraceId>,
    /// Whether it took at least as long as [`ProfileOptions::slow_threshold`](super::ProfileOptions::slow_threshold).
    pub is_slow: bool,
    /// Whether it is one of the last [`ProfileOptions::capacity`](super::ProfileOptions::capacity) requests. They are all there; of those
    /// before them only the slowest are and those that exemplars name, so that an average over both is too high.
    pub is_recent: bool,
    /// Its phases in the order in which they began. A phase stands after its parent.
    pub phases: Vec<PhaseTiming>,
    /// Phases beyond the sixteen that there is room for, at most 255.
    pub phases_dropped: u8,
    /// Which of all requests that finished it is: a later one has a higher number.
    pub number: u64,
}

/// A phase of a request.
///
/// # Examples
///
/// ```
/// use tachograph::http::Method;
/// use tachograph::profile::{ProfileOptions, Profiler, Sizes};
///
/// let profiler = Profiler::new(ProfileOptions::default());
/// let profile = profiler.start("/scene", Method::Get);
/// drop(profile.phase("file_io"));
/// profile.finish(200, Sizes::default());
/// let request = &profiler.profiles()[0];
/// let phase = &request.phases[0];
/// assert_eq!((&*phase.name, phase.parent), ("file_io", None));
/// assert!(phase.start + phase.duration <= request.duration);
/// ```
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct PhaseTiming {
    /// Its name, or `other` past the limit of names.
    pub name: Arc<str>,
    /// The place of the phase that it is a part of, in the same list, before its own; `None` of one that is a part of the request itself.
    pub parent: Option<usize>,
    /// When it began, from the request's start on.
    pub start: Duration,
    /// How long it took. Phases of one parent may overlap, if they ran concurrently; one may also outlast its parent.
    pub duration: Duration,
}
